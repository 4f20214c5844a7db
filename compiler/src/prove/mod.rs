//! Proves that two circuits are the same function, or finds an input that tells them apart.
//!
//! In: two circuits with as many input and output bits, such as before and after a pass. Out: how many outputs are
//! proved equal for all inputs and how many only on the rows that were tried; or the first difference.
//!
//! 1. *Simulation* (`simulate`) of both on 2^16 random rows and some thousand that random ones hardly ever hit. It
//!    also finds out which wires seem to carry the same values, or complements.
//! 2. *Sweeping* (`sweep`). Both circuits go, gate by gate, into one graph where equal functions are one node
//!    (Kuehlmann, Paruthi, Krohm and Ganai, "Robust Boolean reasoning for equivalence checking and functional property
//!    verification", IEEE TCAD 2002; Mishchenko, Chatterjee, Jiang and Brayton, "FRAIGs", 2005). A gate joins a node if it
//!    has the same operands; or is the same sum of products and inputs, however it is bracketed, which keeps long sums
//!    away from the solver; or has the same values and a table of truth over a few common wires below or a SAT solver
//!    says that this is no chance. What a pass left alone costs nothing.
//! 3. *Outputs* that are not one node then are given to the SAT solver once more, with more time.
//!
//! Everything is deterministic: limits count steps and not seconds.

use ffhec_circuit::{Circuit, Comparison, Difference};

pub(crate) mod simulate;
pub(crate) mod solver;
pub(crate) mod sweep;
#[cfg(test)]
mod tests;
pub(crate) mod window;

/// How sure it is that two circuits are the same function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// Output bits.
    pub outputs: usize,
    /// The outputs that are known to be the same on `rows` inputs only, in ascending order; all others are the same for
    /// all inputs.
    pub open: Vec<usize>,
    /// Rows on which both circuits were evaluated.
    pub rows: usize,
}

impl Proof {
    /// Whether no output was left to chance.
    pub fn is_complete(&self) -> bool {
        self.open.is_empty()
    }
}

impl std::fmt::Display for Proof {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Proof { outputs, open, rows } = self;
        match open.len() {
            0 => write!(f, "{outputs} of {outputs} outputs proved equal"),
            rest => {
                write!(
                    f,
                    "{} of {outputs} outputs proved equal, {rest} equal on {rows} inputs",
                    outputs - rest
                )
            }
        }
    }
}

/// How long to try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Effort {
    /// Conflicts of the SAT solver on a pair of wires inside the circuits.
    pub inner_conflicts: u64,
    /// Conflicts on a pair of outputs.
    pub output_conflicts: u64,
    /// Gates that are given to the SAT solver for pairs inside the circuits, in all, each conflict counting as
    /// `CONFLICT_COST`; after that only what needs no solver is found inside.
    pub work: u64,
}

/// Gates that take about as long to encode as a conflict takes to analyse.
pub(crate) const CONFLICT_COST: u64 = 100;

impl Default for Effort {
    fn default() -> Self {
        Effort { inner_conflicts: 300, output_conflicts: 20_000, work: 50_000_000 }
    }
}

/// The rows tried are the same in every run.
const SEED: u64 = 0xff8e_c0de;

/// Compares `before` and `after`, refreshes being plain wires.
///
/// # Errors
/// The first difference, with the input that shows it.
pub fn prove(before: &Circuit, after: &Circuit, effort: &Effort) -> Result<Proof, Difference> {
    let outputs = before.output_bits();
    // Small ones are tried out, and circuits of different shapes told apart.
    if before.input_bits() <= simulate::FEW || (before.input_bits(), outputs) != shape(after) {
        return match before.compare(after, SEED)? {
            Comparison::Proved => Ok(Proof { outputs, open: Vec::new(), rows: 1 << before.input_bits() }),
            Comparison::Sampled(rows) => Ok(Proof { outputs, open: (0..outputs).collect(), rows }),
        };
    }
    let simulated = simulate::simulate(before, after, SEED)?;
    let rows = simulated.rows;
    let open = sweep::sweep(before, after, simulated, effort)?;
    Ok(Proof { outputs, open, rows })
}

fn shape(circuit: &Circuit) -> (usize, usize) {
    (circuit.input_bits(), circuit.output_bits())
}
