//! The status word against its definition, in exact rationals: every rounding direction and option, and the formats
//! that published vectors do not know.

#![allow(clippy::unwrap_used, clippy::wildcard_enum_match_arm, reason = "tests")]

use ffhec_circuit::{Plain, evaluate};
use num_bigint::{BigInt, BigUint};
use num_traits::{One as _, Signed as _, Zero as _};

use super::codec::Real;
use super::format::{FloatFormat, Rounding, Scalar};
use super::reference::{Exact, Random, Value, all, integral, product, reference, root, value};
use crate::float::fir::{self, Column, Graph, Node, Op};
use crate::float::lower::lower_with;

/// In the order of the status word.
type Word = [bool; 5];
const INVALID: Word = [true, false, false, false, false];
const DIV_BY_ZERO: Word = [false, true, false, false, false];

fn power(exponent: i64) -> Exact {
    Exact::from_integer(2.into()).pow(i32::try_from(exponent).unwrap())
}

/// Rounded to `precision` bits as if exponents had no bound.
fn unbounded(exact: &Exact, precision: u32, rounding: Rounding) -> Exact {
    let magnitude = exact.abs();
    let bits = |value: &BigInt| i64::try_from(value.bits()).unwrap();
    let mut exponent = bits(magnitude.numer()) - bits(magnitude.denom());
    if power(exponent) > magnitude {
        exponent -= 1;
    }
    let unit = power(exponent - i64::from(precision) + 1);
    let scaled = &magnitude / &unit;
    let below = scaled.floor();
    let rest = &scaled - &below;
    let half = Exact::new(BigInt::one(), 2.into());
    let up = match rounding {
        Rounding::NearestEven => rest > half || (rest == half && below.numer().bit(0)),
        Rounding::NearestAway => rest >= half,
        Rounding::TowardZero => false,
        Rounding::Up => !rest.is_zero() && exact.is_positive(),
        Rounding::Down => !rest.is_zero() && exact.is_negative(),
    };
    let rounded = (below + if up { Exact::one() } else { Exact::zero() }) * unit;
    if exact.is_negative() { -rounded } else { rounded }
}

/// What a nonzero exact result raises; `same` says whether a finite result equals it.
fn of_result(format: FloatFormat, exact: &Exact, same: impl Fn(&Exact) -> bool) -> Word {
    if exact.is_zero() {
        return [false; 5];
    }
    let ty = Scalar::Float(format);
    let rounded = unbounded(exact, format.precision, format.rounding()).abs();
    let overflow = rounded > ty.finite_range().1;
    let tiny = rounded < power(format.min_exponent());
    let delivered = match ty.decode(&ty.round_to(exact, format.rounding())) {
        Real::Finite(value) => Some(value),
        Real::NegativeZero => Some(Exact::zero()),
        Real::Infinity { .. } | Real::Nan => None,
    };
    let inexact = !delivered.is_some_and(|value| same(&value));
    [false, false, overflow, tiny && inexact, inexact]
}

fn opposite(terms: &[(Value, bool)]) -> bool {
    let some = |negative: bool| {
        terms.iter().any(|(term, flip)| term.is_infinite() && (term.negative != *flip) == negative)
    };
    some(true) && some(false)
}

/// The status word of one operation.
fn expected(op: &Op, ty: Scalar, types: &[Scalar], row: &[u128]) -> Word {
    let x: Vec<Value> = types.iter().zip(row).map(|(&ty, &bits)| value(ty, bits)).collect();
    let nan = x.iter().any(Value::is_nan);
    let finite: Option<Vec<Exact>> = x.iter().map(Value::finite).collect();
    let invalid = |holds: bool| if holds { INVALID } else { [false; 5] };
    if let Op::Lt | Op::Le = op {
        return invalid(nan);
    }
    if let Op::Convert = op {
        return converted(&x[0], ty);
    }
    let format = ty.as_float().unwrap();
    let nonsense =
        |a: &Value, b: &Value| (a.is_zero() && b.is_infinite()) || (a.is_infinite() && b.is_zero());
    match op {
        Op::Add | Op::Sub => {
            let mut x = x.into_iter();
            let pair = [(x.next().unwrap(), false), (x.next().unwrap(), *op == Op::Sub)];
            match finite {
                Some(x) => {
                    let sum = if *op == Op::Sub { &x[0] - &x[1] } else { &x[0] + &x[1] };
                    of_result(format, &sum, |found| *found == sum)
                }
                None => invalid(opposite(&pair)),
            }
        }
        Op::Mul | Op::Fma | Op::Dot => {
            let count = if *op == Op::Dot { x.len() / 2 } else { 1 };
            if let Some(x) = finite {
                let mut sum: Exact = (0..count).map(|at| &x[2 * at] * &x[2 * at + 1]).sum();
                if *op == Op::Fma {
                    sum += &x[2];
                }
                return of_result(format, &sum, |found| *found == sum);
            }
            let bad = (0..count).any(|at| nonsense(&x[2 * at], &x[2 * at + 1]));
            let mut terms: Vec<(Value, bool)> =
                (0..count).map(|at| (product(&x[2 * at], &x[2 * at + 1]), false)).collect();
            if *op == Op::Fma {
                terms.push((value(types[2], row[2]), false));
            }
            invalid(bad || opposite(&terms))
        }
        Op::Sum => match finite {
            Some(x) => {
                let sum: Exact = x.iter().sum();
                of_result(format, &sum, |found| *found == sum)
            }
            None => invalid(opposite(&x.into_iter().map(|x| (x, false)).collect::<Vec<_>>())),
        },
        Op::Div => {
            let (zero, infinite) = (x[1].is_zero(), x[0].is_infinite() && x[1].is_infinite());
            if infinite || (zero && x[0].is_zero()) {
                return INVALID;
            }
            match finite {
                Some(_) if zero => DIV_BY_ZERO,
                Some(x) => {
                    let quotient = &x[0] / &x[1];
                    of_result(format, &quotient, |found| *found == quotient)
                }
                None => [false; 5],
            }
        }
        Op::Sqrt => {
            if !nan && x[0].negative && !x[0].is_zero() {
                return INVALID;
            }
            match finite {
                Some(x) => {
                    let places = u64::try_from(format.bias()).unwrap() + 3 * u64::from(format.precision) + 8;
                    of_result(format, &root(&x[0], places), |found| found * found == x[0])
                }
                None => [false; 5],
            }
        }
        Op::Rem | Op::Remainder => {
            if !nan && (x[0].is_infinite() || x[1].is_zero()) {
                return INVALID;
            }
            let Some(x) = finite else { return [false; 5] };
            let ratio = &x[0] / &x[1];
            let whole = if *op == Op::Rem { ratio.trunc() } else { half_even(&ratio) };
            let rest = &x[0] - &x[1] * whole;
            of_result(format, &rest, |found| *found == rest)
        }
        Op::Floor | Op::Ceil | Op::Round | Op::RoundEven | Op::Trunc => {
            let Some(x) = finite else { return [false; 5] };
            let overflow = integral(op, &x[0]).abs() > ty.finite_range().1.to_integer();
            [false, false, overflow, false, overflow]
        }
        Op::Scale2 => match finite {
            Some(x) => {
                let exact = &x[0] * power(i64::try_from(x[1].to_integer()).unwrap());
                of_result(format, &exact, |found| *found == exact)
            }
            None => [false; 5],
        },
        _ => [false; 5],
    }
}

fn half_even(ratio: &Exact) -> Exact {
    let floor = ratio.floor();
    let rest = ratio - &floor;
    let half = Exact::new(BigInt::one(), 2.into());
    if rest > half || (rest == half && floor.numer().bit(0)) { floor + Exact::one() } else { floor }
}

fn converted(x: &Value, ty: Scalar) -> Word {
    let finite = x.finite();
    match (ty, finite) {
        (Scalar::Float(format), Some(x)) => of_result(format, &x, |found| *found == x),
        (Scalar::Float(format), None) => {
            let has = if x.is_nan() { format.has_nan() } else { format.has_infinity() };
            if has { [false; 5] } else { INVALID }
        }
        (_, None) => INVALID,
        (_, Some(x)) => {
            let Scalar::Fixed { fraction, .. } = ty else { return cut(ty, &x) };
            cut(ty, &(x * power(fraction.into())))
        }
    }
}

/// A float as an integer of the width of `ty`.
fn cut(ty: Scalar, x: &Exact) -> Word {
    let one = BigInt::one();
    let (low, high) = match ty {
        Scalar::Uint(width) => (BigInt::zero(), (&one << width) - 1),
        _ => (-(&one << (ty.width() - 1)), (&one << (ty.width() - 1)) - 1),
    };
    let whole = x.trunc().to_integer();
    if whole < low || whole > high { INVALID } else { [false, false, false, false, !x.is_integer()] }
}

/// One operation with its status word, over raw inputs.
fn check(op: &Op, result: &str, types: &[&str], count: usize) {
    let ty = Scalar::parse(result).unwrap();
    let types: Vec<Scalar> = types.iter().map(|text| Scalar::parse(text).unwrap()).collect();
    let bits: u32 = types.iter().map(|ty| ty.width()).sum();
    let rows = if bits <= 12 || count == usize::MAX { all(&types) } else { Random(11).rows(&types, count) };
    check_rows(op, ty, &types, &rows);
}

/// Results and status words of an operation on these operands.
pub(super) fn check_rows(op: &Op, ty: Scalar, types: &[Scalar], rows: &[Vec<u128>]) {
    let mut graph = Graph { functions: vec!["main".to_owned()], ..Graph::default() };
    for (index, &ty) in types.iter().enumerate() {
        graph.inputs.push(Column { name: format!("x{index}"), ty, range: None });
        let op = Op::Input(u32::try_from(index).unwrap());
        graph.nodes.push(Node { op, operands: vec![], ty, origin: 0 });
    }
    let operands = (0..u32::try_from(types.len()).unwrap()).map(fir::Value).collect();
    graph.nodes.push(Node { op: op.clone(), operands, ty, origin: 0 });
    let value_of = fir::Value(u32::try_from(types.len()).unwrap());
    graph.outputs.push((Column { name: "result".to_owned(), ty, range: None }, value_of));
    let circuit = lower_with(&graph, 1 << 24, true).unwrap();

    for chunk in rows.chunks(64) {
        let mut inputs = Vec::new();
        for (index, ty) in types.iter().enumerate() {
            for bit in 0..ty.width() {
                let lanes = chunk.iter().enumerate();
                inputs.push(lanes.fold(0_u64, |word, (lane, row)| {
                    word | u64::try_from(row[index] >> bit & 1).unwrap() << lane
                }));
            }
        }
        let out = evaluate(&circuit, &Plain, &inputs);
        let (result, flags) = out.split_at(ty.width() as usize);
        for (lane, row) in chunk.iter().enumerate() {
            let found: Word = std::array::from_fn(|flag| flags[flag] >> lane & 1 == 1);
            let names = types.iter().zip(row).map(|(ty, &bits)| ty.print(&BigUint::from(bits)));
            let names: Vec<String> = names.collect();
            assert_eq!(found, expected(op, ty, types, row), "{op:?} {ty} {names:?} {row:x?}");
            let bits = result.iter().enumerate();
            let bits: u128 = bits.map(|(place, word)| u128::from(word >> lane & 1) << place).sum();
            let right = reference(op, ty, types, row);
            let same = bits == right || (value(ty, bits).is_nan() && value(ty, right).is_nan());
            assert!(same, "{op:?} {ty} {names:?}: {bits:x}, not {right:x}");
        }
    }
}

fn all_operations(name: &str, count: usize) {
    for op in [Op::Add, Op::Sub, Op::Mul, Op::Div, Op::Rem, Op::Remainder] {
        check(&op, name, &[name, name], count);
    }
    for op in [Op::Lt, Op::Le] {
        check(&op, "bool", &[name, name], count);
    }
    for op in [Op::Sqrt, Op::Floor, Op::Ceil, Op::Round, Op::RoundEven, Op::Trunc] {
        check(&op, name, &[name], count);
    }
}

fn fused(name: &str, count: usize) {
    check(&Op::Fma, name, &[name; 3], count);
    check(&Op::Sum, name, &[name; 3], count);
    check(&Op::Dot, name, &[name; 4], count);
    check(&Op::Scale2, name, &[name, "int<6>"], count);
}

#[test]
fn flags_of_every_rounding_and_option_are_right() {
    for rounding in Rounding::ALL {
        for options in ["", ", flush", ", finite", ", flush, finite"] {
            let name = format!("ieee<3, 4, {}{options}>", rounding.name());
            all_operations(&name, usize::MAX);
            fused(&name, 3_000);
        }
    }
}

#[test]
fn flags_of_paper_and_ocp_formats_are_right() {
    for name in ["float<3, 4>", "float<2, 3>", "ieee<2, 5>", "ieee<2, 4, up>"] {
        all_operations(name, usize::MAX);
        fused(name, 3_000);
    }
    for name in ["f8e4m3", "f8e4m3<finite>", "f8e5m2", "float<5, 11>", "f16", "f32", "ieee<5, 7, down>"] {
        all_operations(name, 2_000);
        fused(name, 1_000);
    }
}

#[test]
fn flags_of_conversions_are_right() {
    let floats = [
        "float<3, 4>",
        "ieee<4, 4>",
        "f8e4m3",
        "f8e5m2",
        "f16",
        "ieee<3, 9, finite>",
        "ieee<4, 6, up, flush>",
    ];
    let others = ["int<1>", "int<4>", "uint<5>", "int<32>", "uint<1>", "fixed<4, 4>", "fixed<1, 40>"];
    for from in floats {
        for to in floats.iter().chain(&others) {
            if from != *to {
                check(&Op::Convert, to, &[from], 2_000);
            }
        }
    }
    for from in ["int<12>", "uint<12>", "fixed<4, 8>"] {
        for to in floats {
            check(&Op::Convert, to, &[from], 4_096);
        }
    }
}
