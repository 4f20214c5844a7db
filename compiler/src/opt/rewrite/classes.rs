//! The Boolean functions of up to six variables that need at most four ANDs, each with a circuit of so many.
//!
//! `classes.txt` has a line for each normal form: `TABLE DIMENSION OUTPUT GATE GATE ..`, all hexadecimal. Bits 0 to 5 of
//! an operand stand for the variables, bit 6 and up for the gates before; `OUTPUT` is the sum that the function is, up to
//! its value at zero. Forms of one class have several lines, and so have circuits of one size but unequal depths.
//! The file is written by [`generate`](super::generate), which goes through all circuits.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use super::spectrum::VARIABLES;

/// A circuit of AND gates over sums of its inputs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::opt) struct Chain {
    /// Each gate's operands: sums of variables (bits 0 to 5) and of gates before (bit 6 for gate 0, and so on).
    pub(in crate::opt) gates: Vec<[u16; 2]>,
    /// The sum that is the result.
    pub(in crate::opt) output: u16,
}

impl Chain {
    /// The AND-depth of the result, given those of the variables.
    pub(super) fn depth(&self, variables: &[u32; VARIABLES]) -> u32 {
        let mut depths = [0; VARIABLES + 10];
        depths[..VARIABLES].copy_from_slice(variables);
        let of_sum = |depths: &[u32], set: u16| {
            depths.iter().enumerate().filter(|&(at, _)| set >> at & 1 == 1).map(|(_, &depth)| depth).max()
        };
        for (gate, operands) in self.gates.iter().enumerate() {
            depths[VARIABLES + gate] = 1 + of_sum(&depths, operands[0] | operands[1]).unwrap_or(0);
        }
        of_sum(&depths, self.output).unwrap_or(0)
    }
}

/// The circuits of the normal form with this dimension and truth table, all with the same, least number of ANDs; none
/// if that is not known.
pub(super) fn chains(dimension: u8, table: u64) -> &'static [Chain] {
    static CLASSES: OnceLock<BTreeMap<(u8, u64), Vec<Chain>>> = OnceLock::new();
    let classes = CLASSES.get_or_init(|| read(include_str!("classes.txt")));
    classes.get(&(dimension, table)).map_or(&[], Vec::as_slice)
}

fn read(text: &str) -> BTreeMap<(u8, u64), Vec<Chain>> {
    let mut classes: BTreeMap<(u8, u64), Vec<Chain>> = BTreeMap::new();
    for line in text.lines() {
        let mut numbers =
            line.split(' ').map(|word| u64::from_str_radix(word, 16).expect("the file is hexadecimal"));
        let mut next = || numbers.next().expect("the line is whole");
        let (table, dimension, output) = (next(), next(), next());
        let short = |number: u64| u16::try_from(number).expect("a set of 16 at most");
        let gates = numbers.map(|gate| [short(gate & 0xffff), short(gate >> 16)]).collect();
        let dimension = u8::try_from(dimension).expect("at most six");
        classes.entry((dimension, table)).or_default().push(Chain { gates, output: short(output) });
    }
    classes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::opt::rewrite::spectrum::variable;

    #[test]
    fn every_circuit_computes_its_function() {
        for (&(dimension, table), chains) in &read(include_str!("classes.txt")) {
            let within = if dimension == 6 { u64::MAX } else { (1 << (1 << dimension)) - 1 };
            for chain in chains {
                let mut values: Vec<u64> = (0..VARIABLES).map(variable).collect();
                let sum = |values: &[u64], set: u16| {
                    values
                        .iter()
                        .enumerate()
                        .filter(|&(at, _)| set >> at & 1 == 1)
                        .fold(0, |sum, (_, v)| sum ^ v)
                };
                for [a, b] in &chain.gates {
                    values.push(sum(&values, *a) & sum(&values, *b));
                }
                let constant = if table & 1 == 1 { u64::MAX } else { 0 };
                assert_eq!((sum(&values, chain.output) ^ constant) & within, table);
                assert_eq!(chain.gates.len(), chains[0].gates.len());
            }
        }
    }
}
