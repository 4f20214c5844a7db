//! `ffhec inspect` and `--estimate`: what a program costs before anything is encrypted.

use std::fmt::Write as _;

use ffhec_circuit::{CriticalPath, FunctionStats, LevelStats, Port, Program, Stats, Target};
use ffhec_compiler::{Approximation, Evaluation, Proof};
use ffhec_runtime::{Params, Plan};
use serde_json::{Value, json};

use crate::program::Loaded;
use crate::progress::{seconds, size};

fn evaluation_json(evaluation: &Evaluation) -> Value {
    let Evaluation { function, method, degree, segments, widths, error } = evaluation;
    json!({
        "function": function,
        "method": method_name(*method),
        "degree": degree,
        "segments": segments,
        "widths": widths,
        "error": error,
    })
}

/// As `--approx` names it.
fn method_name(method: Approximation) -> &'static str {
    match method {
        Approximation::Taylor => "taylor",
        Approximation::Cheapest | Approximation::Minimax => "minimax",
        Approximation::Table => "table",
    }
}

/// A program measured against a target.
pub(crate) struct Report<'a> {
    program: &'a Program,
    target: &'a Target,
    params: &'a Params,
    doc: &'a str,
    evaluations: &'a [Evaluation],
    proofs: &'a [Proof],
    lower_bound: usize,
    stats: Stats,
    outputs: Vec<f64>,
    worst: f64,
    refresh_widths: Vec<usize>,
    critical: CriticalPath,
}

/// The predicted cost of evaluating a program once (for up to `slots` rows).
pub(crate) struct Cost {
    pub(crate) evaluate_s: f64,
    pub(crate) encrypt_s: f64,
    pub(crate) decrypt_s: f64,
    pub(crate) memory_bytes: u64,
}

impl<'a> Report<'a> {
    pub(crate) fn new(loaded: &'a Loaded) -> Self {
        let Loaded { program, target, params, doc, evaluations, proofs, lower_bound, source: _, verifier: _ } =
            loaded;
        let stats = program.stats();
        let noise = program.noise(target);
        let refresh_widths =
            stats.levels.iter().map(|level| level.refresh).filter(|width| *width > 0).collect();
        Report {
            program,
            target,
            params,
            doc,
            evaluations,
            proofs,
            lower_bound: *lower_bound,
            outputs: per_port(&program.circuit.outputs, &noise.outputs),
            worst: noise.worst_refresh_input.map_or(0.0, |(_, bits)| bits.0),
            stats,
            refresh_widths,
            critical: program.critical_path(),
        }
    }

    /// Predicted time on `threads` threads and memory.
    pub(crate) fn cost(&self, threads: usize) -> Cost {
        let costs = &self.target.costs;
        let circuit = &self.program.circuit;
        let speedup = threads.max(1) as f64;
        Cost {
            evaluate_s: self.program.time_ns(costs, threads) * 1e-9,
            encrypt_s: circuit.input_bits() as f64 * costs.encrypt_ns * 1e-9 / speedup,
            decrypt_s: circuit.output_bits() as f64 * costs.decrypt_ns * 1e-9 / speedup,
            memory_bytes: self.needed_memory(threads) + Plan::new(self.params, u64::MAX).bytes(),
        }
    }

    /// Memory without which the program cannot be evaluated on `threads` threads, in bytes.
    pub(crate) fn needed_memory(&self, threads: usize) -> u64 {
        self.params.evaluation_bytes(self.stats.peak_live as u64, threads as u64)
    }

    /// The text for people.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        let counts = &self.stats.counts;
        if !self.doc.is_empty() {
            let _ = writeln!(text, "{}\n", self.doc.trim_end());
        }
        let _ = writeln!(text, "inputs");
        for port in &self.program.circuit.inputs {
            let range =
                port.range.as_ref().map_or(String::new(), |(low, high)| format!(" in [{low}, {high}]"));
            let _ = writeln!(text, "  {}: {}{range} ({} bits)", port.name, port.kind, port.width);
        }
        let _ = writeln!(text, "results");
        for (port, noise) in self.program.circuit.outputs.iter().zip(&self.outputs) {
            let _ = writeln!(
                text,
                "  {}: {} ({} bits), noise at most {noise:.0} of {:.0} bits",
                port.name, port.kind, port.width, self.target.budget.0
            );
        }
        let _ = writeln!(
            text,
            "gates\n  AND {}, XOR {}, NOT {}, AND-depth {}, refreshes {} (lower bound for these gates: {})",
            counts.and, counts.xor, counts.not, counts.and_depth, counts.refresh, self.lower_bound
        );
        if self.stats.functions.len() > 1 {
            let _ = writeln!(text, "  by function:");
            by_function(&mut text, &self.stats.functions);
        }
        if !self.evaluations.is_empty() || !self.proofs.is_empty() {
            let _ = writeln!(text, "functions");
        }
        for Evaluation { function, method, degree, segments, widths, error } in self.evaluations {
            let widths: Vec<String> = widths.iter().map(i64::to_string).collect();
            if *method == Approximation::Table {
                let _ = writeln!(
                    text,
                    "  {function}: table of {segments} entries of {} bits, error at most {error}",
                    widths.join(", ")
                );
                continue;
            }
            let _ = writeln!(
                text,
                "  {function}: {} of degree {degree} on {segments} segments, words of {} bits, error of the value at most {error}",
                method_name(*method),
                widths.join(", ")
            );
        }
        for Proof { function, error } in self.proofs {
            let _ = writeln!(text, "  {function}: proven error <= {error} ulp");
        }
        let _ = writeln!(
            text,
            "levels\n  {} refresh levels, widths {}\n  {} steps in all, at most {} ciphertexts alive at once\n{}",
            self.refresh_widths.len(),
            widths(&self.refresh_widths),
            self.program.levels.len(),
            self.stats.peak_live,
            curve(&self.stats.levels)
        );
        let CriticalPath { refreshes, ands, sums, functions } = &self.critical;
        let _ = writeln!(
            text,
            "critical path\n  {refreshes} refreshes, {ands} ANDs and {sums} sums, each waiting for the one before"
        );
        if functions.len() > 1 {
            by_function(&mut text, functions);
        }
        let _ = writeln!(
            text,
            "noise\n  at most {:.0} of {:.0} bits before a refresh",
            self.worst, self.target.budget.0
        );
        text.push_str(&self.preset_text());
        text
    }

    /// Sizes and predictions.
    pub(crate) fn preset_text(&self) -> String {
        let target = self.target;
        let threads = rayon::current_num_threads();
        let cost = self.cost(threads);
        format!(
            "preset {}\n  {} slots, ciphertext {}, public key {}\n  predicted for up to {} rows on {threads} threads: \
             evaluate {}, encrypt {}, decrypt {}, memory {}\n  (rough: the costs per operation are those of one \
             reference machine)\n",
            target.preset,
            target.slots,
            size(target.ciphertext_bytes),
            size(target.encryption_key_bytes + target.evaluation_key_bytes),
            target.slots,
            seconds(cost.evaluate_s),
            seconds(cost.encrypt_s),
            seconds(cost.decrypt_s),
            size(cost.memory_bytes),
        )
    }

    /// The stable JSON of `inspect --json`.
    pub(crate) fn json(&self) -> Value {
        let counts = &self.stats.counts;
        let threads = rayon::current_num_threads();
        let cost = self.cost(threads);
        json!({
            "and": counts.and,
            "xor": counts.xor,
            "not": counts.not,
            "and_depth": counts.and_depth,
            "refreshes": counts.refresh,
            "refresh_lower_bound": self.lower_bound,
            "levels": self.refresh_widths.len(),
            "level_widths": self.refresh_widths,
            "steps": self.program.levels.len(),
            "peak_live": self.stats.peak_live,
            "live": self.stats.levels.iter().map(|level| level.live_after).collect::<Vec<_>>(),
            "critical_path": {
                "refreshes": self.critical.refreshes,
                "and": self.critical.ands,
                "sums": self.critical.sums,
                "functions": functions_json(&self.critical.functions),
            },
            "inputs": self.program.circuit.inputs.iter().map(input_json).collect::<Vec<_>>(),
            "outputs": self
                .program
                .circuit
                .outputs
                .iter()
                .zip(&self.outputs)
                .map(|(port, noise)| {
                    json!({"name": port.name, "type": port.kind, "bits": port.width, "noise_bits": noise})
                })
                .collect::<Vec<_>>(),
            "functions": functions_json(&self.stats.functions),
            "evaluations": self.evaluations.iter().map(evaluation_json).collect::<Vec<_>>(),
            "proofs": self
                .proofs
                .iter()
                .map(|proof| json!({"function": proof.function, "ulp": proof.error}))
                .collect::<Vec<_>>(),
            "noise_bits": {"worst": self.worst, "budget": self.target.budget.0},
            "preset": {
                "name": self.target.preset,
                "slots": self.target.slots,
                "ciphertext_bytes": self.target.ciphertext_bytes,
                "encryption_key_bytes": self.target.encryption_key_bytes,
                "evaluation_key_bytes": self.target.evaluation_key_bytes,
                "predicted": {
                    "threads": threads,
                    "evaluate_s": cost.evaluate_s,
                    "encrypt_s": cost.encrypt_s,
                    "decrypt_s": cost.decrypt_s,
                    "memory_bytes": cost.memory_bytes,
                },
            },
            "doc": self.doc,
        })
    }
}

fn functions_json(functions: &[FunctionStats]) -> Value {
    let one = |f: &FunctionStats| json!({"name": f.name, "and": f.and, "xor": f.xor, "not": f.not, "refreshes": f.refresh});
    functions.iter().map(one).collect()
}

/// One line for each function.
fn by_function(text: &mut String, functions: &[FunctionStats]) {
    for function in functions {
        let _ = writeln!(
            text,
            "    {:<24} AND {:>7}  XOR {:>7}  refreshes {:>7}",
            function.name, function.and, function.xor, function.refresh
        );
    }
}

/// How many ciphertexts are alive in the course of the program: columns of as many steps each, as high as the most alive
/// after one of them.
fn curve(levels: &[LevelStats]) -> String {
    const COLUMNS: usize = 60;
    const HEIGHTS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let steps = levels.len().div_ceil(COLUMNS).max(1);
    let columns: Vec<usize> = levels
        .chunks(steps)
        .map(|levels| levels.iter().map(|level| level.live_after).max().unwrap_or(0))
        .collect();
    let highest = columns.iter().copied().max().unwrap_or(0).max(1);
    let drawn: String = columns
        .iter()
        .map(|&live| HEIGHTS[(live * HEIGHTS.len()).div_ceil(highest).clamp(1, 8) - 1])
        .collect();
    let unit = if steps == 1 { "a column a step".to_owned() } else { format!("a column {steps} steps") };
    format!("  alive {drawn} ({unit}, full height {highest})")
}

fn input_json(port: &Port) -> Value {
    let range = port.range.as_ref().map(|(low, high)| json!([low, high]));
    json!({"name": port.name, "type": port.kind, "bits": port.width, "range": range})
}

/// The largest noise among each port's bits.
fn per_port(ports: &[Port], bits: &[ffhec_circuit::NoiseBits]) -> Vec<f64> {
    let mut rest = bits;
    ports
        .iter()
        .map(|port| {
            let (mine, others) = rest.split_at(port.width as usize);
            rest = others;
            mine.iter().fold(0.0, |most: f64, noise| most.max(noise.0))
        })
        .collect()
}

/// `12, 8, 3`, shortened in the middle.
fn widths(widths: &[usize]) -> String {
    const EACH_END: usize = 8;
    let text = |part: &[usize]| part.iter().map(usize::to_string).collect::<Vec<_>>().join(" ");
    match widths.len() {
        0 => "none".to_owned(),
        n if n > 2 * EACH_END + 1 => {
            format!("{} .. {}", text(&widths[..EACH_END]), text(&widths[n - EACH_END..]))
        }
        _ => text(widths),
    }
}
