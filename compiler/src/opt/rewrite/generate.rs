//! Writes `classes.txt` by going through all circuits of one to four ANDs over six variables:
//! `cargo test --release -p ffhec-compiler generate -- --ignored`.
//!
//! A gate's product matters only up to what is linear in the variables and gates before it, so a gate is a plane, a
//! two-dimensional space of operands: 651 for the first gate, then 2,667, 10,795 and 43,435. Circuits whose gates span
//! spaces of equal functions (up to affine equivalence) are gone on from once.

#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "a program in the shape of a test")]

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Write;

use super::classes::Chain;
use super::spectrum::{Normal, VARIABLES, normalize, spectrum, variable};
use crate::opt::testing::Random;

/// The most normal forms that are looked for among functions whose spectra have the same entries.
const LOOKED_AT: u32 = 400;
/// How many random equivalents of each class are tried for further normal forms of it.
const EQUIVALENTS: usize = 60;
const GATES: usize = 4;

/// A normal form's dimension and truth table.
type Form = (u8, u64);

/// A chain with the functions of its gates.
#[derive(Clone)]
struct Grown {
    gates: Vec<[u16; 2]>,
    tables: Vec<u64>,
    depths: Vec<u32>,
}

#[derive(Default)]
struct Found {
    /// By form: the fewest gates, then for each depth the first circuit.
    forms: BTreeMap<Form, BTreeMap<u32, Chain>>,
    looked_at: HashMap<(Vec<u16>, Vec<u16>), u32>,
}

#[test]
#[ignore = "writes classes.txt anew; minutes"]
fn generate() {
    let mut found = Found::default();
    found.forms.entry((0, 0)).or_default().insert(0, Chain { gates: Vec::new(), output: 0 });
    let mut level =
        vec![grow(&Grown { gates: Vec::new(), tables: Vec::new(), depths: Vec::new() }, [0b01, 0b10])];
    found.note(&level[0]);
    for gates in 2..=GATES {
        let mut next: BTreeMap<(Vec<Form>, Vec<u32>), Grown> = BTreeMap::new();
        for chain in &level {
            for plane in planes(VARIABLES + gates - 1) {
                let grown = grow(chain, plane);
                let forms = found.note(&grown);
                if gates < GATES {
                    next.entry((forms, grown.depths.clone())).or_insert(grown);
                }
            }
        }
        level = next.into_values().collect();
        let count = found.forms.values().filter(|by_depth| by_depth.values().any(|c| c.gates.len() == gates));
        println!("{gates} gates: {} forms, {} circuits to go on from", count.count(), level.len());
    }
    found.add_equivalents();
    println!("{} forms", found.forms.len());
    let mut text = String::new();
    for ((dimension, table), by_depth) in &found.forms {
        for chain in by_depth.values() {
            write!(text, "{table:x} {dimension:x} {:x}", chain.output).unwrap();
            for [a, b] in &chain.gates {
                write!(text, " {:x}", u32::from(*a) | u32::from(*b) << 16).unwrap();
            }
            text.push('\n');
        }
    }
    std::fs::write(concat!(env!("CARGO_MANIFEST_DIR"), "/src/opt/rewrite/classes.txt"), text).unwrap();
}

impl Found {
    /// Notes all functions that the last gate brings; returns the forms of all functions that the gates span.
    fn note(&mut self, chain: &Grown) -> Vec<Form> {
        let count = chain.gates.len();
        let mut forms = Vec::new();
        let last_level = count == GATES;
        for sum in 1_u16..1 << count {
            let brings = sum >> (count - 1) == 1;
            if !brings && last_level {
                continue;
            }
            let table = (0..count).filter(|at| sum >> at & 1 == 1).fold(0, |t, at| t ^ chain.tables[at]);
            if last_level && !self.is_worth_a_look(table) {
                continue;
            }
            let normal = normalize(table);
            forms.push((normal.dimension, normal.table));
            if brings {
                self.enter(&normal, chain, sum << VARIABLES);
            }
        }
        forms.sort_unstable();
        forms
    }

    fn is_worth_a_look(&mut self, table: u64) -> bool {
        let looked_at = self.looked_at.entry(invariants(table)).or_default();
        *looked_at += 1;
        *looked_at <= LOOKED_AT
    }

    /// Enters the circuit under the form of its output, in the form's own variables.
    fn enter(&mut self, normal: &Normal, chain: &Grown, output: u16) {
        let by_depth = self.forms.entry((normal.dimension, normal.table)).or_default();
        let least = by_depth.values().next().map_or(usize::MAX, |chain| chain.gates.len());
        if least < chain.gates.len() {
            return;
        }
        let moved = moved(normal, chain, output);
        let depth = moved.depth(&[0; VARIABLES]);
        // Deeper circuits may suit late inputs better, so one of each depth is kept.
        by_depth.entry(depth).or_insert(moved);
    }

    /// Random affine images of every class often end in other forms of it.
    fn add_equivalents(&mut self) {
        let mut random = Random::new(99);
        let known: Vec<(Form, Chain)> = self
            .forms
            .iter()
            .map(|(&form, by_depth)| (form, by_depth.values().next().unwrap().clone()))
            .collect();
        for (_, chain) in known {
            for _ in 0..EQUIVALENTS {
                let map = invertible(&mut random);
                let through = |set: u16| {
                    let low = (0..VARIABLES).filter(|at| set >> at & 1 == 1).fold(0, |s, at| s ^ map[at]);
                    low | set >> VARIABLES << VARIABLES
                };
                let mut grown = Grown { gates: Vec::new(), tables: Vec::new(), depths: Vec::new() };
                for gate in &chain.gates {
                    grown = grow(&grown, gate.map(through));
                }
                let linear = random.below(64) as u16;
                let output = through(chain.output) & !63 | linear;
                let table = value(&grown, output);
                let normal = normalize(table);
                self.enter(&normal, &grown, output & !63);
            }
        }
    }
}

fn invertible(random: &mut Random) -> [u16; VARIABLES] {
    loop {
        let map: [u16; VARIABLES] = std::array::from_fn(|_| random.below(64) as u16);
        let span: BTreeSet<u16> = (0..64)
            .map(|set| (0..VARIABLES).filter(|at| set >> at & 1 == 1).fold(0, |s, at| s ^ map[at]))
            .collect();
        if span.len() == 64 {
            return map;
        }
    }
}

/// The chain for `g`, given one for `f(x) = g(y) + linear`, `y = rows x + shift`: each variable of `f` is a sum of the
/// variables of `g` (those outside the rows' span do not matter and are set to zero), and constants go, because
/// `(a + 1) b = a b + b` lies in the same span.
fn moved(normal: &Normal, chain: &Grown, output: u16) -> Chain {
    let dimension = usize::from(normal.dimension);
    // x as a linear function of y: choose x[v] = sum of y over inverse[v], by elimination on the rows.
    let mut rows: Vec<(u8, u8)> = (0..dimension).map(|row| (normal.rows[row], 1 << row)).collect();
    let mut inverse = [0_u8; VARIABLES];
    for at in 0..rows.len() {
        let (row, y) = rows[at];
        let pivot = row.trailing_zeros();
        for (_, other) in rows.iter_mut().enumerate().filter(|(index, _)| *index != at) {
            if other.0 >> pivot & 1 == 1 {
                *other = (other.0 ^ row, other.1 ^ y);
            }
        }
    }
    for &(row, y) in &rows {
        inverse[row.trailing_zeros() as usize] = y;
    }
    // x = inverse (y + shift); products of sums with constants are rewritten gate by gate: each old gate is a sum of a
    // new gate, of new operands, and of a constant.
    let shifted: Vec<bool> = inverse.iter().map(|set| (set & normal.shift).count_ones() & 1 == 1).collect();
    let mut new: Vec<(u16, bool)> = (0..VARIABLES).map(|at| (u16::from(inverse[at]), shifted[at])).collect();
    let through = |new: &[(u16, bool)], set: u16| {
        new.iter()
            .enumerate()
            .filter(|&(at, _)| set >> at & 1 == 1)
            .fold((0, false), |sum, (_, term)| (sum.0 ^ term.0, sum.1 ^ term.1))
    };
    let mut gates = Vec::new();
    for (gate, [a, b]) in chain.gates.iter().enumerate() {
        let ((a, a_one), (b, b_one)) = (through(&new, *a), through(&new, *b));
        gates.push([a, b]);
        let mut sum = 1 << (VARIABLES + gate);
        sum ^= if a_one { b } else { 0 } ^ if b_one { a } else { 0 };
        new.push((sum, a_one && b_one));
    }
    // What is left is linear in y, and given by the values of g.
    let (sum, _) = through(&new, output);
    let moved = Chain { gates, output: sum };
    let values = moved_values(&moved);
    let difference = values ^ widened(normal.table, dimension);
    let linear = (0..dimension)
        .filter(|at| (difference ^ difference >> (1 << at)) & 1 == 1)
        .fold(0_u16, |set, at| set | 1 << at);
    Chain { output: sum ^ linear, ..moved }
}

fn widened(table: u64, dimension: usize) -> u64 {
    (dimension..VARIABLES).fold(table, |table, at| table | table << (1 << at))
}

fn moved_values(chain: &Chain) -> u64 {
    let mut grown = Grown { gates: Vec::new(), tables: Vec::new(), depths: Vec::new() };
    for &gate in &chain.gates {
        grown = grow(&grown, gate);
    }
    value(&grown, chain.output)
}

fn value(chain: &Grown, set: u16) -> u64 {
    let variables = (0..VARIABLES).map(variable);
    let all = variables.chain(chain.tables.iter().copied()).enumerate();
    all.filter(|&(at, _)| set >> at & 1 == 1).fold(0, |sum, (_, table)| sum ^ table)
}

fn grow(chain: &Grown, gate: [u16; 2]) -> Grown {
    let mut grown = chain.clone();
    grown.tables.push(value(chain, gate[0]) & value(chain, gate[1]));
    let used = (gate[0] | gate[1]) >> VARIABLES;
    let below = chain.depths.iter().enumerate().filter(|&(at, _)| used >> at & 1 == 1);
    grown.depths.push(1 + below.map(|(_, &depth)| depth).max().unwrap_or(0));
    grown.gates.push(gate);
    grown
}

/// A basis of every two-dimensional subspace of the sets of `of` things.
fn planes(of: usize) -> impl Iterator<Item = [u16; 2]> {
    (1..of).flat_map(move |high| (0..high).map(move |low| (high, low))).flat_map(|(high, low)| {
        let firsts =
            (0_u16..1 << high).filter(move |rest| rest >> low & 1 == 0).map(move |rest| rest | 1 << high);
        firsts.flat_map(move |first| (0_u16..1 << low).map(move |rest| [first, rest | 1 << low]))
    })
}

/// How often each absolute value stands in the spectrum, and in the autocorrelation.
fn invariants(table: u64) -> (Vec<u16>, Vec<u16>) {
    let spectrum = spectrum(table);
    let mut squares: Vec<i32> = spectrum.iter().map(|&entry| i32::from(entry) * i32::from(entry)).collect();
    let mut half = 1;
    while half < 64 {
        for pair in squares.chunks_exact_mut(2 * half) {
            let (low, high) = pair.split_at_mut(half);
            for (a, b) in low.iter_mut().zip(high) {
                (*a, *b) = (*a + *b, *a - *b);
            }
        }
        half *= 2;
    }
    let mut first: Vec<u16> = spectrum.iter().map(|entry| entry.unsigned_abs()).collect();
    let mut second: Vec<u16> = squares.iter().map(|entry| (entry.unsigned_abs() / 64) as u16).collect();
    first.sort_unstable();
    second.sort_unstable();
    (first, second)
}
