//! Comparison of two circuits by evaluation.

use thiserror::Error;

use crate::{Circuit, Gate};

/// Inputs up to which all rows are tried.
const EXHAUSTIVE: usize = 16;

/// Rows tried of circuits with more inputs.
const ROWS: usize = 1 << 16;

/// What the comparison of two circuits found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// All inputs were tried and gave the same outputs: a proof.
    Proved,
    /// This many random inputs gave the same outputs.
    Sampled(usize),
}

/// Why two circuits are not the same function.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum Difference {
    /// They do not have as many bits.
    #[error("the circuits have {} and {} bits", .0, .1)]
    Shape(String, String),
    /// An input gives different outputs.
    #[error("output bit {output} differs for the input {input}")]
    Output {
        /// The number of the output bit.
        output: usize,
        /// The input bits, number 0 first, as `0` and `1`.
        input: String,
    },
}

impl Circuit {
    /// Compares with `other`, a circuit of as many input and output bits: on all inputs if there are at most 16, else on
    /// 2^16 random ones (the same for the same `seed`).
    ///
    /// # Errors
    /// The first difference.
    pub fn compare(&self, other: &Circuit, seed: u64) -> Result<Comparison, Difference> {
        self.compare_sampled(other, seed, usize::MAX)
    }

    /// Like [`compare`](Circuit::compare), with fewer rows where these would take more than `work` evaluations of a
    /// gate of either circuit, 64 rows at a time; 64 rows at least.
    ///
    /// # Errors
    /// The first difference.
    pub fn compare_sampled(&self, other: &Circuit, seed: u64, work: usize) -> Result<Comparison, Difference> {
        let shape = |circuit: &Circuit| format!("{} to {}", circuit.input_bits(), circuit.output_bits());
        if shape(self) != shape(other) {
            return Err(Difference::Shape(shape(self), shape(other)));
        }
        let bits = self.input_bits();
        let most = (work / (self.gates.len() + other.gates.len()).max(1)).max(1);
        let all = if bits <= EXHAUSTIVE { (1_usize << bits).div_ceil(64) } else { usize::MAX };
        let exhaustive = all <= most;
        let words = if exhaustive { all } else { most.min(ROWS / 64) };
        let mut state = seed;
        let mut inputs = vec![0_u64; bits];
        let (mut mine, mut theirs) = (Vec::new(), Vec::new());
        for word in 0..words {
            for (bit, input) in inputs.iter_mut().enumerate() {
                *input = if exhaustive { counted(bit, word) } else { splitmix64(&mut state) };
            }
            evaluate_into(self, &inputs, &mut mine);
            evaluate_into(other, &inputs, &mut theirs);
            for (output, (a, b)) in self.output_wires.iter().zip(&other.output_wires).enumerate() {
                let differ = mine[a.index()] ^ theirs[b.index()];
                if differ != 0 {
                    let row = differ.trailing_zeros();
                    let input =
                        inputs.iter().map(|word| if (word >> row) & 1 == 1 { '1' } else { '0' }).collect();
                    return Err(Difference::Output { output, input });
                }
            }
        }
        Ok(if exhaustive { Comparison::Proved } else { Comparison::Sampled(64 * words) })
    }
}

/// The truth tables of six variables: row `r` of variable `i` is bit `i` of `r`.
pub const VARIABLES: [u64; 6] = [
    0xaaaa_aaaa_aaaa_aaaa,
    0xcccc_cccc_cccc_cccc,
    0xf0f0_f0f0_f0f0_f0f0,
    0xff00_ff00_ff00_ff00,
    0xffff_0000_ffff_0000,
    0xffff_ffff_0000_0000,
];

/// Bit `bit` of the numbers `64 word .. 64 word + 64`: word number `word` of the truth table of variable `bit`.
pub fn counted(bit: usize, word: usize) -> u64 {
    match VARIABLES.get(bit) {
        Some(pattern) => *pattern,
        None if (word >> (bit - 6)) & 1 == 1 => u64::MAX,
        None => 0,
    }
}

/// The values of all wires, 64 rows at a time, in a list that is used again.
fn evaluate_into(circuit: &Circuit, inputs: &[u64], values: &mut Vec<u64>) {
    values.clear();
    for gate in &circuit.gates {
        values.push(match *gate {
            Gate::Constant(bit) => {
                if bit {
                    u64::MAX
                } else {
                    0
                }
            }
            Gate::Input(bit) => inputs[bit as usize],
            Gate::Not(a) => !values[a.index()],
            Gate::Refresh(a) => values[a.index()],
            Gate::Xor(a, b) => values[a.index()] ^ values[b.index()],
            Gate::And(a, b) => values[a.index()] & values[b.index()],
        });
    }
}

/// The next of the words that begin with `state`: a counter through a mixing function (Steele, Lea, Flood, "Fast splittable
/// pseudorandom number generators", OOPSLA 2014). Not for secrets.
pub const fn splitmix64(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{Wire, sample};

    proptest! {
        #[test]
        fn a_circuit_is_the_same_as_itself_and_not_as_its_complement(circuit in sample::circuits()) {
            prop_assert!(circuit.compare(&circuit, 1).is_ok());
            if let Some(wire) = circuit.output_wires.first().copied() {
                let mut other = circuit.clone();
                other.gates.push(Gate::Not(wire));
                other.origins.push(0);
                other.output_wires[0] = Wire::new(other.gates.len() - 1);
                prop_assert!(matches!(circuit.compare(&other, 1), Err(Difference::Output { output: 0, .. })), "differs");
            }
        }
    }

    /// AND of `bits` inputs against the constant 0: they differ in one row.
    fn rare(bits: u32) -> (Circuit, Circuit) {
        let build = |all: bool| {
            let mut builder = crate::Builder::new();
            let inputs = builder.input(sample::port("x", bits));
            let mut product = builder.constant(all);
            for input in inputs {
                product = builder.and(product, input);
            }
            builder.output(sample::port("y", 1), &[product]);
            builder.finish()
        };
        (build(true), build(false))
    }

    #[test]
    fn up_to_sixteen_inputs_no_row_is_left_out() {
        for bits in [1, 5, 6, 7, 16] {
            let (a, b) = rare(bits);
            let input = "1".repeat(bits as usize);
            assert_eq!(a.compare(&b, 0), Err(Difference::Output { output: 0, input }));
            assert_eq!(a.compare(&a, 0), Ok(Comparison::Proved));
        }
        let (a, _) = rare(17);
        assert_eq!(a.compare(&a, 0), Ok(Comparison::Sampled(1 << 16)));
        let work = 2 * a.gates.len() * 3;
        assert_eq!(a.compare_sampled(&a, 0, work), Ok(Comparison::Sampled(3 * 64)));
        assert_eq!(a.compare_sampled(&a, 0, 0), Ok(Comparison::Sampled(64)));
        assert!(matches!(a.compare(&rare(3).0, 0), Err(Difference::Shape(..))));
    }
}
