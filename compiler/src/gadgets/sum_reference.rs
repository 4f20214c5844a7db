//! Sums and dot products of three and more terms against exact rationals, in both ways of building them, on operands
//! that cancel: negations of earlier terms and of rounded partial sums, ties, and remnants just above and below them.

#![allow(clippy::unwrap_used, clippy::wildcard_enum_match_arm, reason = "tests")]

use ffhec_circuit::{Builder, Port};

use super::bits::Gates;
use super::float::Operand;
use super::format::{FloatFormat, Rounding, Scalar};
use super::objective::Objective;
use super::reference::{Bench, Random, all, reference};
use super::sum::{finish, products, summands};
use super::window::Shape;
use crate::float::fir::Op;

/// A sum or dot product of `count` terms, by the sorted window or by the accumulator.
fn bench(op: &Op, name: &str, count: usize, sorted: bool, objective: Objective) -> Bench {
    let ty = Scalar::parse(name).unwrap();
    let format = ty.as_float().unwrap();
    let operands = if *op == Op::Dot { 2 * count } else { count };
    let mut builder = Builder::new();
    let port = || Port { name: String::new(), kind: ty.to_string(), width: ty.width(), range: None };
    let inputs: Vec<_> = (0..operands).map(|_| builder.input(port())).collect();
    let words: Vec<Operand<'_>> = inputs.iter().map(|bits| Operand { bits, canonical: false }).collect();
    let mut g = Gates::new(&mut builder, 50_000_000).built_for(objective);
    let (terms, shape) = if *op == Op::Dot {
        (products(&mut g, format, &words), Shape::of_dot(&g, format, count))
    } else {
        (summands(&mut g, format, &words), Shape::of_sum(&g, format, count))
    };
    let out = finish(&mut g, format, shape, &terms, sorted);
    builder.output(port(), &out);
    Bench { op: op.clone(), ty, types: vec![ty; operands], circuit: builder.finish() }
}

/// Operands of one row of a sum that cancels.
struct Adversary {
    random: Random,
    ty: Scalar,
    format: FloatFormat,
}

impl Adversary {
    fn new(ty: Scalar, seed: u64) -> Self {
        Adversary { random: Random(seed), ty, format: ty.as_float().unwrap() }
    }

    fn sign(&self) -> u128 {
        1 << (self.ty.width() - 1)
    }

    /// `exponent` below the previous one by a distance at which something changes, and a fraction at an edge.
    fn next_to(&mut self, previous: Option<u128>) -> u128 {
        let places = self.format.fraction_bits();
        let fields = (1_u128 << self.format.exponent_bits) - 1;
        let p = u64::from(self.format.precision);
        let field = match previous {
            Some(previous) => {
                let base = [0, p, 2 * p, 3 * p, 4 * p][self.random.below(5) as usize];
                let distance = u128::from((base + self.random.below(7)).saturating_sub(3));
                let field = previous >> places & fields;
                if self.random.below(5) == 0 {
                    (field + distance).min(fields)
                } else {
                    field.saturating_sub(distance)
                }
            }
            None => u128::from(self.random.next()) & fields,
        };
        let ones = (1_u128 << places) - 1;
        let fraction = match self.random.below(6) {
            0 => 0,
            1 => 1,
            2 => ones,
            3 => 1 << self.random.below(u64::from(places)),
            _ => self.random.wide() & ones,
        };
        (u128::from(self.random.below(2)) * self.sign()) | (field << places) | (fraction & ones)
    }

    fn row(&mut self, count: usize) -> Vec<u128> {
        let mut row: Vec<u128> = Vec::new();
        while row.len() < count {
            let pick = (!row.is_empty()).then(|| row[self.random.below(row.len() as u64) as usize]);
            let types = vec![self.ty; row.len()];
            let next = match (self.random.below(12), pick) {
                (0..=2, Some(pick)) => pick ^ self.sign(),
                (3..=5, Some(_)) => reference(&Op::Sum, self.ty, &types, &row) ^ self.sign(),
                (6, Some(pick)) => (pick ^ self.sign()).wrapping_add(1) & (2 * self.sign() - 1),
                (7, _) => self.random.encoding(self.ty, pick),
                _ => self.next_to(row.last().copied()),
            };
            row.push(next);
        }
        for index in (1..count).rev() {
            row.swap(index, self.random.below(index as u64 + 1) as usize);
        }
        row
    }

    /// Pairs whose products cancel: terms of [`Self::row`] times powers of two, or exchanged factors.
    fn pairs(&mut self, count: usize) -> Vec<u128> {
        let places = self.format.fraction_bits();
        let terms = self.row(count);
        let mut row: Vec<u128> = Vec::new();
        let common = u128::from(self.random.next()) & ((1 << self.format.exponent_bits) - 1);
        for (index, &term) in terms.iter().enumerate() {
            let other = match self.random.below(4) {
                0 => self.next_to(Some(term)),
                1 => (u128::from(self.random.below(2)) * self.sign()) | (common << places),
                2 if index > 0 => {
                    let (x, y) = (row[2 * index - 2], row[2 * index - 1]);
                    row.extend([y ^ self.sign(), x]);
                    continue;
                }
                _ => (u128::from(self.format.bias().unsigned_abs())) << places,
            };
            row.extend([term, other]);
        }
        row
    }
}

fn check(op: &Op, name: &str, count: usize, sorted: bool, objective: Objective, rows: usize) {
    let bench = bench(op, name, count, sorted, objective);
    let mut adversary = Adversary::new(bench.ty, 0x9e37_79b9_7f4a_7c15 ^ count as u64);
    let row = |_| if *op == Op::Dot { adversary.pairs(count) } else { adversary.row(count) };
    let mut rows: Vec<Vec<u128>> = (0..rows).map(row).collect();
    rows.extend(Random(77).rows(&bench.types, rows.len() / 4));
    bench.check(&rows);
}

/// The same program in every rounding direction with every option.
fn options(exponent: u32, precision: u32) -> Vec<String> {
    let named = |rounding: Rounding| {
        ["", ", flush", ", finite", ", flush, finite"]
            .map(|options| format!("ieee<{exponent}, {precision}, {}{options}>", rounding.name()))
    };
    Rounding::ALL.into_iter().flat_map(named).chain([format!("float<{exponent}, {precision}>")]).collect()
}

#[test]
fn sums_of_three_are_right_on_all_operands_of_a_small_format() {
    for name in ["ieee<4, 2>", "float<4, 2>", "ieee<4, 2, up>", "ieee<4, 2, toward_zero, flush>"] {
        let bench = bench(&Op::Sum, name, 3, true, Objective::FewestAnds);
        bench.check(&all(&bench.types));
    }
}

#[test]
fn sums_that_cancel_are_right_in_every_direction_with_every_option() {
    for name in options(8, 4).into_iter().chain(options(7, 2)).chain(options(6, 5)) {
        for count in [3, 4, 6] {
            check(&Op::Sum, &name, count, true, Objective::FewestAnds, 1_500);
        }
        check(&Op::Sum, &name, 4, false, Objective::FewestAnds, 300);
    }
}

#[test]
fn dot_products_that_cancel_are_right_in_every_direction_with_every_option() {
    for name in options(8, 3).into_iter().chain(options(7, 2)) {
        for count in [3, 5] {
            check(&Op::Dot, &name, count, true, Objective::FewestAnds, 1_000);
        }
        check(&Op::Dot, &name, 3, false, Objective::FewestAnds, 200);
    }
}

#[test]
fn sums_that_cancel_are_right_in_the_usual_formats() {
    for name in
        ["float<8, 8>", "float<8, 24>", "bf16", "f32", "float<11, 53>", "f64", "ieee<11, 25>", "f8e4m3"]
    {
        for sorted in [true, false] {
            for count in [3, 4, 9] {
                check(&Op::Sum, name, count, sorted, Objective::FewestAnds, 300);
            }
            check(&Op::Dot, name, 3, sorted, Objective::FewestAnds, 100);
        }
    }
    for objective in [Objective::Balanced, Objective::LeastDepth] {
        for name in ["float<8, 8>", "f32", "ieee<9, 3, down>"] {
            check(&Op::Sum, name, 5, true, objective, 300);
            check(&Op::Sum, name, 5, false, objective, 300);
            check(&Op::Dot, name, 3, true, objective, 300);
        }
    }
}

/// ANDs of both ways and the choice, which must be the cheaper one.
#[test]
fn the_cheaper_way_is_taken() {
    let mut table = vec!["format        op   terms  sorted    wide".to_owned()];
    let mut dearer = Vec::new();
    for name in ["float<5, 11>", "float<8, 8>", "float<8, 24>", "f16", "bf16", "f32", "f64"] {
        for op in [Op::Sum, Op::Dot] {
            for count in [3, 4, 8, 16] {
                let ands =
                    |sorted| bench(&op, name, count, sorted, Objective::FewestAnds).circuit.counts().and;
                let (sorted, wide) = (ands(true), ands(false));
                let mut builder = Builder::new();
                let g = Gates::new(&mut builder, 1);
                let format = Scalar::parse(name).unwrap().as_float().unwrap();
                let shape = match op {
                    Op::Dot => Shape::of_dot(&g, format, count),
                    _ => Shape::of_sum(&g, format, count),
                };
                let taken = shape.sorted_is_cheaper(&g);
                table.push(format!(
                    "{name:<13} {:<4} {count:>5} {sorted:>7} {wide:>7} {}",
                    format!("{op:?}"),
                    if taken { "sorted" } else { "wide" }
                ));
                let (chosen, other) = if taken { (sorted, wide) } else { (wide, sorted) };
                if 20 * chosen > 21 * other {
                    dearer.push(format!("{name} {op:?} {count}"));
                }
            }
        }
    }
    assert!(dearer.is_empty(), "{dearer:?}\n{}", table.join("\n"));
    insta::assert_snapshot!(table.join("\n"));
}
