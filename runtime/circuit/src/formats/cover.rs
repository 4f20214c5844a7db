//! Tables of truth (the covers of BLIF) as gates with few ANDs.

use std::collections::BTreeMap;

use crate::{Builder, Wire};

/// Inputs of the largest table whose expansion is searched.
const SEARCHED: usize = 6;

/// One row of a cover: for each input, the value it must have, if any.
pub(super) type Cube = Vec<Option<bool>>;

/// Turns covers into gates; remembers the best expansion of every function of few inputs.
#[derive(Default)]
pub(super) struct Covers {
    /// For a function of `.0` inputs with table `.1`: ANDs, and the input to expand about.
    best: BTreeMap<(usize, u64), (u32, usize)>,
}

impl Covers {
    /// The OR of `cubes` over `inputs`, complemented if not `value`.
    pub(super) fn gates(
        &mut self,
        builder: &mut Builder,
        inputs: &[Wire],
        cubes: &[Cube],
        value: bool,
    ) -> Wire {
        let wire = if inputs.len() <= SEARCHED {
            let table = cubes.iter().fold(0, |table, cube| table | table_of(cube));
            self.expand(builder, inputs, table)
        } else {
            either(builder, inputs, cubes)
        };
        if value { wire } else { builder.not(wire) }
    }

    /// The function with this table: `x (f0 ^ f1) ^ f0` about the best input x (positive Davio expansion).
    fn expand(&mut self, builder: &mut Builder, inputs: &[Wire], table: u64) -> Wire {
        let count = inputs.len();
        if table == 0 || table == full(count) {
            return builder.constant(table != 0);
        }
        let (_, about) = self.cost(count, table);
        let (low, high) = halves(count, table, about);
        let mut rest = inputs.to_vec();
        let x = rest.remove(about);
        let base = self.expand(builder, &rest, low);
        let change = self.expand(builder, &rest, low ^ high);
        let change = builder.and(x, change);
        builder.xor(base, change)
    }

    /// ANDs of the best expansion, and the input it is about.
    fn cost(&mut self, count: usize, table: u64) -> (u32, usize) {
        if table == 0 || table == full(count) {
            return (0, 0);
        }
        if let Some(known) = self.best.get(&(count, table)) {
            return *known;
        }
        let mut best = (u32::MAX, 0);
        for about in 0..count {
            let (low, high) = halves(count, table, about);
            let change = low ^ high;
            let product = u32::from(change != 0 && change != full(count - 1));
            let cost = product + self.cost(count - 1, low).0 + self.cost(count - 1, change).0;
            if cost < best.0 {
                best = (cost, about);
            }
        }
        self.best.insert((count, table), best);
        best
    }
}

/// The table of a function of `count` inputs that is 1 everywhere.
fn full(count: usize) -> u64 {
    if count >= SEARCHED { u64::MAX } else { (1 << (1 << count)) - 1 }
}

/// The tables where input `about` is 0 and where it is 1.
fn halves(count: usize, table: u64, about: usize) -> (u64, u64) {
    let (mut low, mut high, mut next) = (0, 0, 0_u32);
    for row in 0..1_u32 << count {
        if (row >> about) & 1 == 0 {
            low |= ((table >> row) & 1) << next;
            high |= ((table >> (row | 1 << about)) & 1) << next;
            next += 1;
        }
    }
    (low, high)
}

fn table_of(cube: &Cube) -> u64 {
    let matches = |row: &u32| {
        cube.iter().enumerate().all(|(n, value)| value.is_none_or(|value| ((row >> n) & 1 == 1) == value))
    };
    (0..1_u32 << cube.len()).filter(matches).fold(0, |table, row| table | 1 << row)
}

/// The OR of cubes: a plain sum where no two can hold at once.
fn either(builder: &mut Builder, inputs: &[Wire], cubes: &[Cube]) -> Wire {
    const COMPARED: usize = 64;
    let apart = |a: &Cube, b: &Cube| a.iter().zip(b).any(|pair| matches!(pair, (Some(a), Some(b)) if a != b));
    let disjoint = cubes.len() <= COMPARED
        && cubes.iter().enumerate().all(|(n, a)| cubes[..n].iter().all(|b| apart(a, b)));
    let mut sum = builder.constant(false);
    for cube in cubes {
        let mut product = builder.constant(true);
        for (input, value) in inputs.iter().zip(cube) {
            if let Some(value) = value {
                let literal = if *value { *input } else { builder.not(*input) };
                product = builder.and(product, literal);
            }
        }
        sum = if disjoint { builder.xor(sum, product) } else { builder.or(sum, product) };
    }
    sum
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::{Circuit, Plain, evaluate};

    /// The circuit of one cover over `count` inputs.
    fn circuit(count: usize, cubes: &[&str], value: bool) -> Circuit {
        let mut builder = Builder::new();
        let port =
            |name: &str, width: usize| super::super::untyped_port(name.into(), u32::try_from(width).unwrap());
        let inputs = builder.input(port("x", count));
        let cubes: Vec<Cube> = cubes
            .iter()
            .map(|cube| {
                cube.chars()
                    .map(|c| match c {
                        '0' => Some(false),
                        '1' => Some(true),
                        _ => None,
                    })
                    .collect()
            })
            .collect();
        let wire = Covers::default().gates(&mut builder, &inputs, &cubes, value);
        builder.output(port("y", 1), &[wire]);
        builder.finish()
    }

    fn check(count: usize, cubes: &[&str], value: bool, ands: usize) {
        let circuit = circuit(count, cubes, value);
        for row in 0..1_u64 << count {
            let bits: Vec<u64> = (0..count).map(|n| (row >> n) & 1).collect();
            let holds = cubes
                .iter()
                .any(|cube| cube.chars().zip(&bits).all(|(c, bit)| c == '-' || (c == '1') == (*bit == 1)));
            assert_eq!(evaluate(&circuit, &Plain, &bits)[0] & 1 == 1, holds == value, "{cubes:?} {bits:?}");
        }
        assert_eq!(circuit.counts().and, ands, "{cubes:?}");
    }

    #[test]
    fn covers_become_few_ands() {
        check(3, &["100", "010", "001", "111"], true, 0);
        check(3, &["11-", "0-1"], true, 1);
        check(2, &["1-", "-1"], true, 1);
        check(2, &["00"], false, 1);
        check(3, &["11-", "1-1", "-11"], true, 2);
        check(6, &["1----1", "-1--1-", "--11--"], true, 6);
        check(8, &["11111111", "00000000"], true, 13);
        check(8, &["1-------", "-------1"], false, 1);
        check(0, &[""], true, 0);
        check(1, &[], true, 0);
    }
}
