//! Passes over circuits: the same function, fewer and shallower ANDs, refreshes placed, gates sorted into levels.
//!
//! In: a [`Circuit`] as the lowering builds it. Out: [`optimize`] gives the same function over the same ports in a
//! smaller circuit; [`compile_for`] gives the [`Program`] that the virtual machine runs. Every pass is deterministic,
//! takes near-linear time, and keeps ports, functions and the origin of every gate.

use ffhec_circuit::{Circuit, Program, Target};

use crate::gadgets::objective::Objective;

mod balance;
mod cut;
mod dead;
mod depth;
mod levels;
mod readers;
mod rebuild;
mod refresh;
mod resub;
mod rewrite;
mod schedule;
mod share;
mod simplify;
mod sums;
#[cfg(test)]
pub(crate) mod testing;

pub use balance::balance;
pub use dead::remove_dead;
pub use depth::shallow;
pub use refresh::{PlaceError, Placement, place, place_by_levels, place_refreshes};
pub use resub::{resubstitute, resubstitute_all};
pub use rewrite::{rewrite, rewrite_all};
pub use schedule::schedule;
pub use share::{share, share_all};
pub use simplify::simplify;

/// A step of the optimiser.
#[derive(Clone, Copy, Debug)]
pub struct Pass {
    /// What the step is called.
    pub name: &'static str,
    /// The step: the same function, never with more ANDs nor a larger AND-depth.
    pub run: fn(Circuit) -> Circuit,
}

/// The optimiser for gates that our gadgets made, in order.
pub const PASSES: &[Pass] = &[
    Pass { name: "simplify", run: simplify },
    Pass { name: "rewrite", run: rewrite },
    Pass { name: "resubstitute", run: resubstitute },
    Pass { name: "share", run: share },
    Pass { name: "balance", run: balance },
    Pass { name: "remove-dead", run: remove_dead },
];

/// The optimiser for circuits of other tools, in order: those of any size are rewritten.
pub const FOREIGN_PASSES: &[Pass] = &[
    Pass { name: "simplify", run: simplify },
    Pass { name: "rewrite", run: rewrite_all },
    Pass { name: "resubstitute", run: resubstitute_all },
    Pass { name: "share", run: share_all },
    Pass { name: "balance", run: balance },
    Pass { name: "remove-dead", run: remove_dead },
];

/// Runs all [`PASSES`] over `circuit`.
pub fn optimize(circuit: Circuit) -> Circuit {
    optimize_observed(circuit, &mut |_| {})
}

/// Like [`optimize`]; `done` is told the name of each pass after it.
pub fn optimize_observed(circuit: Circuit, done: &mut dyn FnMut(&'static str)) -> Circuit {
    run(PASSES, circuit, done)
}

fn run(passes: &[Pass], circuit: Circuit, done: &mut dyn FnMut(&'static str)) -> Circuit {
    passes.iter().fold(circuit, |circuit, pass| {
        let circuit = (pass.run)(circuit);
        done(pass.name);
        circuit
    })
}

/// Like [`optimize_observed`], for a circuit of any origin ([`FOREIGN_PASSES`]) and for an objective other than the fewest
/// ANDs too: then chains of ANDs are shortened as well
/// ([`shallow`]), as far as half as many ANDs again ([`Objective::Balanced`]) or four times as many
/// ([`Objective::LeastDepth`]) as the circuit came with allow.
pub fn optimize_for(circuit: Circuit, objective: Objective, done: &mut dyn FnMut(&'static str)) -> Circuit {
    let most = most_ands(&circuit, objective);
    let circuit = run(FOREIGN_PASSES, circuit, done);
    let Some(most) = most else { return circuit };
    let circuit = shallow(circuit, most);
    done(SHALLOW);
    circuit
}

/// Like [`optimize_for`] with an objective, else like [`optimize`]; `check` is told each pass with the circuit before and
/// after it, and may stop.
///
/// # Errors
/// What `check` says.
pub fn optimize_checked<E>(
    circuit: Circuit,
    objective: Option<Objective>,
    check: &mut dyn FnMut(&'static str, &Circuit, &Circuit) -> Result<(), E>,
) -> Result<Circuit, E> {
    let most = objective.and_then(|objective| most_ands(&circuit, objective));
    let passes = if objective.is_some() { FOREIGN_PASSES } else { PASSES };
    let circuit = passes.iter().try_fold(circuit, |circuit, pass| {
        let after = (pass.run)(circuit.clone());
        check(pass.name, &circuit, &after)?;
        Ok(after)
    })?;
    let Some(most) = most else { return Ok(circuit) };
    let after = shallow(circuit.clone(), most);
    check(SHALLOW, &circuit, &after)?;
    Ok(after)
}

/// What the pass after [`PASSES`] is called.
const SHALLOW: &str = "shallow";

/// How many ANDs `objective` allows for less depth in a circuit that came like this.
fn most_ands(circuit: &Circuit, objective: Objective) -> Option<usize> {
    let ands = circuit.counts().and;
    match objective {
        Objective::FewestAnds => None,
        Objective::Balanced => Some(ands + ands / 2),
        Objective::LeastDepth => Some(4 * ands),
    }
}

/// Places refreshes in `circuit` for `target` and schedules the result.
///
/// # Errors
/// If no placement keeps the noise within the target's budget.
pub fn compile_for(circuit: &Circuit, target: &Target) -> Result<Program, PlaceError> {
    let placed = place_refreshes(circuit, target)?;
    Ok(schedule(&placed, &target.preset))
}
