//! Laws that hold of floats whatever the format, and need no reference: on random formats of odd widths, directions
//! and options. The sample is the same every time;
//! `FFHEC_FULL=1` takes a hundred times as many.

#![allow(clippy::unwrap_used, clippy::wildcard_enum_match_arm, reason = "tests")]
#![allow(clippy::disallowed_methods, reason = "tests read the environment; the compiler does not")]

use ffhec_circuit::{Circuit, Plain, evaluate};
use ffhec_compiler::float::fir::{Column, Graph, Node, Op, Value};
use ffhec_compiler::float::lower::lower;
use ffhec_compiler::gadgets::format::{FloatFormat, Real, Rounding, Scalar};
use num_bigint::BigUint;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

fn cases() -> ProptestConfig {
    let cases = if std::env::var_os("FFHEC_FULL").is_some() { 2_400 } else { 24 };
    ProptestConfig {
        cases,
        failure_persistence: None,
        max_shrink_iters: 200,
        max_global_rejects: 20 * cases,
        rng_seed: RngSeed::Fixed(0x9e37_79b9_7f4a_7c15),
        ..ProptestConfig::default()
    }
}

/// Any format that takes not too long to build: `float<E, P>`, or `ieee<E, P>` with a direction and options.
fn formats() -> impl Strategy<Value = String> {
    let widths = (2_u32..=11, 2_u32..=26);
    (widths, 0_usize..6, any::<bool>(), any::<bool>()).prop_map(|((e, p), direction, flush, finite)| {
        let Some(rounding) = Rounding::ALL.get(direction) else { return format!("float<{e}, {p}>") };
        let (flush, finite) = (if flush { ", flush" } else { "" }, if finite { ", finite" } else { "" });
        format!("ieee<{e}, {p}, {}{flush}{finite}>", rounding.name())
    })
}

/// Raw material of a row: what to make of it depends on the format.
type Seeds = Vec<[u64; 6]>;

fn seeds() -> impl Strategy<Value = Seeds> {
    prop::collection::vec(any::<[u64; 6]>(), 16..48)
}

/// Encodings of one row: the first anything, the others with exponents near it three times in four, fractions at edges
/// now and then.
fn encodings(format: FloatFormat, seeds: &[u64; 6], count: usize) -> Vec<u64> {
    let places = format.fraction_bits();
    let (fields, ones) = ((1_u64 << format.exponent_bits) - 1, (1_u64 << places) - 1);
    let mut out: Vec<u64> = Vec::new();
    for &seed in &seeds[..count] {
        let bits = seed >> 16 & ((1 << format.width()) - 1);
        let (mut field, mut fraction) = (bits >> places & fields, bits & ones);
        if let Some(first) = out.first()
            && !seed.is_multiple_of(4)
        {
            let spread = u64::from(format.precision) + 3;
            field = ((first >> places & fields) + (seed >> 2 & 63) % (2 * spread))
                .saturating_sub(spread)
                .min(fields);
        }
        match seed >> 8 & 7 {
            0 => fraction = 0,
            1 => fraction = ones,
            _ => {}
        }
        out.push(bits >> (format.width() - 1) << (format.width() - 1) | field << places | fraction);
    }
    out
}

fn float(name: &str) -> FloatFormat {
    Scalar::parse(name).unwrap().as_float().unwrap()
}

/// One operation over `types`.
fn circuit(op: Op, ty: Scalar, types: &[Scalar]) -> Circuit {
    let mut graph = Graph { functions: vec!["main".to_owned()], ..Graph::default() };
    for (index, &ty) in types.iter().enumerate() {
        graph.inputs.push(Column { name: format!("x{index}"), ty, range: None });
        let op = Op::Input(u32::try_from(index).unwrap());
        graph.nodes.push(Node { op, operands: vec![], ty, origin: 0 });
    }
    let count = u32::try_from(types.len()).unwrap();
    graph.nodes.push(Node { op, operands: (0..count).map(Value).collect(), ty, origin: 0 });
    graph.outputs.push((Column { name: "result".to_owned(), ty, range: None }, Value(count)));
    lower(&graph, 10_000_000).unwrap()
}

/// An operation from floats of one format to the same, or to bool.
struct Of {
    circuit: Circuit,
    width: u32,
    result: Scalar,
}

impl Of {
    fn new(op: Op, name: &str, operands: usize) -> Of {
        let ty = Scalar::parse(name).unwrap();
        let result = if matches!(op, Op::Lt | Op::Le | Op::Eq) { Scalar::Bool } else { ty };
        Of { circuit: circuit(op, result, &vec![ty; operands]), width: ty.width(), result }
    }

    fn converting(from: Scalar, to: Scalar) -> Of {
        Of { circuit: circuit(Op::Convert, to, &[from]), width: from.width(), result: to }
    }

    /// The results of at most 64 rows; any NaN is the one that operations give.
    fn run(&self, rows: &[Vec<u64>]) -> Vec<u64> {
        let mut inputs = Vec::new();
        for operand in 0..rows[0].len() {
            for bit in 0..self.width {
                let lanes = rows.iter().enumerate();
                inputs.push(lanes.fold(0, |word, (lane, row)| word | (row[operand] >> bit & 1) << lane));
            }
        }
        let out = evaluate(&self.circuit, &Plain, &inputs);
        let word = |lane: usize| {
            let bits = out.iter().enumerate();
            bits.fold(0, |word, (bit, value)| word | (value >> lane & 1) << bit)
        };
        let nan = self.result.encode_real(&Real::Nan).map(|encoded| u64::try_from(encoded.bits).unwrap());
        let known = |bits: u64| match nan {
            Some(nan) if self.result.decode(&BigUint::from(bits)) == Real::Nan => nan,
            _ => bits,
        };
        (0..rows.len()).map(|lane| known(word(lane))).collect()
    }
}

fn real(name: &str, bits: u64) -> Real {
    Scalar::parse(name).unwrap().decode(&BigUint::from(bits))
}

fn is_finite(name: &str, bits: u64) -> bool {
    matches!(real(name, bits), Real::Finite(_) | Real::NegativeZero)
}

fn is_zero(name: &str, bits: u64) -> bool {
    match real(name, bits) {
        Real::Finite(value) => value.numer().sign() == num_bigint::Sign::NoSign,
        Real::NegativeZero => true,
        _ => false,
    }
}

/// The encoding of one.
fn one(format: FloatFormat) -> u64 {
    format.bias().unsigned_abs() << format.fraction_bits()
}

fn sign_of(format: FloatFormat) -> u64 {
    1 << (format.width() - 1)
}

/// A zero that changes no sum: negative where zeros are signed, but when rounding down, where a sum with it is.
fn neutral(format: FloatFormat) -> u64 {
    if format.has_signed_zero() && format.rounding() != Rounding::Down { sign_of(format) } else { 0 }
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn operations_commute(name in formats(), seeds in seeds()) {
        let format = float(&name);
        let pairs: Vec<Vec<u64>> = seeds.iter().map(|seeds| encodings(format, seeds, 2)).collect();
        let swapped: Vec<Vec<u64>> = pairs.iter().map(|row| vec![row[1], row[0]]).collect();
        for op in [Op::Add, Op::Mul, Op::Min, Op::Max, Op::Minimum, Op::Maximum, Op::Eq] {
            let operation = Of::new(op.clone(), &name, 2);
            prop_assert_eq!(operation.run(&pairs), operation.run(&swapped), "{:?} {}", op, &name);
        }
        let rows: Vec<Vec<u64>> = seeds.iter().map(|seeds| encodings(format, seeds, 6)).collect();
        let turned: Vec<Vec<u64>> =
            rows.iter().map(|row| [4, 2, 0, 5, 1, 3].map(|index| row[index]).to_vec()).collect();
        let sum = Of::new(Op::Sum, &name, 6);
        prop_assert_eq!(sum.run(&rows), sum.run(&turned), "sum in {}", &name);
        let exchanged: Vec<Vec<u64>> =
            rows.iter().map(|row| [5, 4, 0, 1, 3, 2].map(|index| row[index]).to_vec()).collect();
        let dot = Of::new(Op::Dot, &name, 6);
        prop_assert_eq!(dot.run(&rows), dot.run(&exchanged), "dot in {}", &name);
    }

    #[test]
    fn a_value_less_itself_is_zero_and_over_itself_is_one(name in formats(), seeds in seeds()) {
        let format = float(&name);
        let same: Vec<Vec<u64>> = seeds.iter().map(|seeds| vec![encodings(format, seeds, 1)[0]; 2]).collect();
        let (sub, div) = (Of::new(Op::Sub, &name, 2), Of::new(Op::Div, &name, 2));
        for ((row, difference), ratio) in same.iter().zip(sub.run(&same)).zip(div.run(&same)) {
            if is_finite(&name, row[0]) {
                prop_assert!(is_zero(&name, difference), "{:x?} - itself in {}: {:x}", row, &name, difference);
                let expected = if is_zero(&name, row[0]) { ratio } else { one(format) };
                prop_assert_eq!(ratio, expected, "{:x?} / itself in {}", row, &name);
            }
        }
    }

    #[test]
    fn rounding_keeps_order(name in formats(), seeds in seeds()) {
        let format = float(&name);
        let rows: Vec<Vec<u64>> = seeds.iter().map(|seeds| encodings(format, seeds, 4)).collect();
        let less = Of::new(Op::Le, &name, 2);
        let not_nan = |bits: u64| real(&name, bits) != Real::Nan;
        let pick = |picked: &[usize]| -> Vec<Vec<u64>> {
            rows.iter().map(|row| picked.iter().map(|&index| row[index]).collect()).collect()
        };
        let order = less.run(&pick(&[0, 1]));
        for (op, x, y) in [
            (Op::Add, vec![0, 2], vec![1, 2]),
            (Op::Sub, vec![0, 2], vec![1, 2]),
            (Op::Sum, vec![0, 2, 3], vec![1, 2, 3]),
            (Op::Floor, vec![0], vec![1]),
            (Op::RoundEven, vec![0], vec![1]),
            (Op::Sqrt, vec![0], vec![1]),
            (Op::Max, vec![0, 2], vec![1, 2]),
        ] {
            let operation = Of::new(op.clone(), &name, x.len());
            let (low, high) = (operation.run(&pick(&x)), operation.run(&pick(&y)));
            let results: Vec<Vec<u64>> = low.iter().zip(&high).map(|(&x, &y)| vec![x, y]).collect();
            for (index, after) in less.run(&results).into_iter().enumerate() {
                // The root of a negative value in a finite type is 0, of minus zero minus zero.
                let applies = results[index].iter().all(|&bits| not_nan(bits));
                prop_assert!(
                    !applies || order[index] <= after,
                    "{:?} in {}: {:x?} gave {:x?}", op, &name, &rows[index], &results[index]
                );
            }
        }
    }

    #[test]
    fn powers_of_two_scale_exactly(name in formats(), seeds in seeds(), shift in 0_u64..4) {
        let format = float(&name);
        // Well inside the range: no result overflows or is subnormal.
        let (fields, places) = ((1_u64 << format.exponent_bits) - 1, format.fraction_bits());
        let room = u64::from(format.precision) + 6;
        prop_assume!(fields > 4 * room);
        let middle = |bits: u64, offset: u64| {
            let field = 2 * room + (bits >> places & fields) % (fields - 4 * room) / 2 + offset;
            (bits & !(fields << places)) | field << places
        };
        let rows: Vec<Vec<u64>> = seeds.iter().map(|seeds| encodings(format, seeds, 3)).collect();
        let at = |offset: u64| -> Vec<Vec<u64>> {
            rows.iter().map(|row| {
                let first = middle(row[0], offset);
                // Exponents within the room of the first, so that the sum stays near it.
                let near = |bits: u64| {
                    let field = (first >> places & fields) + (bits >> places & fields) % room - room / 2;
                    (bits & !(fields << places)) | field << places
                };
                vec![first, near(row[1]), near(row[2])]
            }).collect()
        };
        let (plain, scaled) = (at(0), at(shift));
        for op in [Op::Add, Op::Sub, Op::Sum] {
            let count = if op == Op::Sum { 3 } else { 2 };
            let cut = |rows: &[Vec<u64>]| -> Vec<Vec<u64>> { rows.iter().map(|row| row[..count].to_vec()).collect() };
            let operation = Of::new(op.clone(), &name, count);
            let (before, after) = (operation.run(&cut(&plain)), operation.run(&cut(&scaled)));
            for (index, (&x, &y)) in before.iter().zip(&after).enumerate() {
                let expected = if is_zero(&name, x) { x } else { x + (shift << places) };
                prop_assert_eq!(y, expected, "{:?} in {}: {:x?} << {}", op, &name, &plain[index], shift);
            }
        }
        let power = (format.bias().unsigned_abs() + shift) << places;
        let mul = Of::new(Op::Mul, &name, 2);
        let products: Vec<Vec<u64>> = plain.iter().map(|row| vec![row[0], power]).collect();
        for (row, found) in plain.iter().zip(mul.run(&products)) {
            prop_assert_eq!(found, row[0] + (shift << places), "{:x?} * 2^{} in {}", row, shift, &name);
        }
    }

    #[test]
    fn fused_operations_agree_with_simple_ones(name in formats(), seeds in seeds()) {
        let format = float(&name);
        let (unit, zero, sign) = (one(format), neutral(format), sign_of(format));
        let rows: Vec<Vec<u64>> = seeds.iter().map(|seeds| encodings(format, seeds, 2)).collect();
        let with = |make: &dyn Fn(u64, u64) -> Vec<u64>| -> Vec<Vec<u64>> {
            rows.iter().map(|row| make(row[0], row[1])).collect()
        };
        let plain = with(&|x, y| vec![x, y]);
        let (add, mul) = (Of::new(Op::Add, &name, 2).run(&plain), Of::new(Op::Mul, &name, 2).run(&plain));
        let (sum, dot, fma) = (Of::new(Op::Sum, &name, 3), Of::new(Op::Dot, &name, 6), Of::new(Op::Fma, &name, 3));
        prop_assert_eq!(&sum.run(&with(&|x, y| vec![x, zero, y])), &add, "sum in {}", &name);
        prop_assert_eq!(&fma.run(&with(&|x, y| vec![x, unit, y])), &add, "fma in {}", &name);
        prop_assert_eq!(&fma.run(&with(&|x, y| vec![x, y, zero])), &mul, "fma in {}", &name);
        prop_assert_eq!(&dot.run(&with(&|x, y| vec![unit, x, zero, unit, y, unit])), &add, "dot in {}", &name);
        // A value and its negation leave the rest, however small it is.
        let rest = sum.run(&with(&|x, y| vec![x, y, x ^ sign]));
        let canonical = Of::new(Op::Sum, &name, 1).run(&with(&|_, y| vec![y]));
        for ((row, found), expected) in rows.iter().zip(rest).zip(canonical) {
            let applies = is_finite(&name, row[0]) && !is_zero(&name, row[1]);
            prop_assert!(!applies || found == expected, "{:x?} cancels in {}: {:x}", row, &name, found);
        }
    }

    #[test]
    fn negation_mirrors_rounding(e in 2_u32..=10, p in 2_u32..=20, direction in 0_usize..5, seeds in seeds()) {
        let rounding = Rounding::ALL[direction];
        let mirror = match rounding {
            Rounding::Up => Rounding::Down,
            Rounding::Down => Rounding::Up,
            same => same,
        };
        let [name, other] = [rounding, mirror].map(|rounding| format!("ieee<{e}, {p}, {}>", rounding.name()));
        let format = float(&name);
        let sign = sign_of(format);
        let rows: Vec<Vec<u64>> = seeds.iter().map(|seeds| encodings(format, seeds, 4)).collect();
        for (op, count, flip) in [
            (Op::Add, 2, [true, true, true, true]),
            (Op::Mul, 2, [true, false, false, false]),
            (Op::Div, 2, [false, true, false, false]),
            (Op::Fma, 3, [true, false, true, false]),
            (Op::Sum, 4, [true; 4]),
        ] {
            let flipped: Vec<Vec<u64>> = rows
                .iter()
                .map(|row| (0..count).map(|at| row[at] ^ if flip[at] { sign } else { 0 }).collect())
                .collect();
            let plain: Vec<Vec<u64>> = rows.iter().map(|row| row[..count].to_vec()).collect();
            let found = Of::new(op.clone(), &name, count).run(&plain);
            let mirrored = Of::new(op.clone(), &other, count).run(&flipped);
            for ((row, x), y) in rows.iter().zip(found).zip(mirrored) {
                // Zeros that cancel have the sign of the direction; NaN has one encoding.
                let applies = real(&name, x) != Real::Nan && !is_zero(&name, x);
                prop_assert!(!applies || x ^ sign == y, "{:?} in {}: {:x?} gave {:x} and {:x}", op, &name, row, x, y);
            }
        }
    }

    #[test]
    fn a_wider_format_and_back_is_the_same_value(e in 2_u32..=9, p in 2_u32..=20, more in (1_u32..4, 1_u32..8), seeds in seeds()) {
        let name = format!("ieee<{e}, {p}>");
        let (narrow, wide) =
            (Scalar::parse(&name).unwrap(), Scalar::parse(&format!("ieee<{}, {}>", e + more.0, p + more.1)).unwrap());
        let format = float(&name);
        let rows: Vec<Vec<u64>> = seeds.iter().map(|seeds| encodings(format, seeds, 1)).collect();
        let (there, back) = (Of::converting(narrow, wide), Of::converting(wide, narrow));
        let found = there.run(&rows);
        for (row, &bits) in rows.iter().zip(&found) {
            prop_assert_eq!(narrow.decode(&row[0].into()), wide.decode(&bits.into()), "{:x?} in {}", row, &name);
        }
        let found: Vec<Vec<u64>> = found.into_iter().map(|bits| vec![bits]).collect();
        for (row, bits) in rows.iter().zip(back.run(&found)) {
            let nan = real(&name, row[0]) == Real::Nan;
            prop_assert!(nan || bits == row[0], "{:x?} in {} came back as {:x}", row, &name, bits);
        }
    }
}
