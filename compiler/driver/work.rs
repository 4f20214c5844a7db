//! What `-v` says of an evaluation: how the memory is used, before it, and where the time went, after it.

use ffhec_runtime::{EvaluationKey, Evaluator, Phase, Plan};

use crate::progress::{Voice, seconds, size};

/// An evaluator that uses `memory` bytes besides what every evaluation needs.
pub(crate) fn evaluator<'k>(key: &'k EvaluationKey, memory: u64, voice: &Voice) -> Evaluator<'k> {
    let evaluator = Evaluator::new(key, memory);
    voice.detail(&plan_text(&evaluator.plan()));
    evaluator
}

fn plan_text(plan: &Plan) -> String {
    let kept = size(plan.kept_bytes);
    let numbers = if plan.kept {
        format!("its public numbers are kept expanded ({kept})")
    } else {
        format!("its public numbers ({kept}) are expanded anew in each pass")
    };
    format!(
        "memory: up to {} refreshes share a pass over the evaluation key ({} each); {numbers}",
        plan.batch,
        size(plan.each_bytes)
    )
}

/// Says what the threads did in `wall` seconds of evaluation.
pub(crate) fn tell(evaluator: &Evaluator<'_>, wall: f64, voice: &Voice) {
    let threads = rayon::current_num_threads();
    let spent = Phase::ALL.map(|phase| (phase.name(), evaluator.spent(phase).as_secs_f64()));
    let busy: f64 = spent.iter().map(|(_, spent)| spent).sum();
    let parts: Vec<String> =
        spent.iter().map(|(name, spent)| format!("{name} {}", seconds(*spent))).collect();
    let available = wall * threads as f64;
    voice.detail(&format!(
        "work: {} on {threads} threads, {:.0}% of {}: {}",
        seconds(busy),
        100.0 * busy / available.max(f64::MIN_POSITIVE),
        seconds(available),
        parts.join(", ")
    ));
}
