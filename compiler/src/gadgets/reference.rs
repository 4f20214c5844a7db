//! The independent reference for the gadgets: operations on exact rationals, and the tests that compare. Nothing here
//! uses the gadgets' code; only decoding and the final rounding of [`super::codec`] are shared with the compiler, and
//! those are held to published vectors by `tests/testfloat.rs`.

#![allow(clippy::unwrap_used, clippy::wildcard_enum_match_arm, reason = "tests")]

use std::cmp::Ordering;

use ffhec_circuit::{Builder, Circuit, Plain, Port, evaluate};
use num_bigint::{BigInt, BigUint};
use num_rational::Ratio;
use num_traits::{One as _, Signed as _, Zero as _};

use super::apply::{Typed, apply};
use super::bits::Gates;
use super::codec::Real;
use super::float::Operand;
use super::format::{Family, FloatFormat, Rounding, Scalar};
use super::objective::Objective;
use crate::float::fir::Op;

pub(super) type Exact = Ratio<BigInt>;

/// A value with its sign, also of zeros and NaN.
pub(super) struct Value {
    pub(super) real: Real,
    pub(super) negative: bool,
}

pub(super) fn value(ty: Scalar, bits: u128) -> Value {
    let bits = BigUint::from(bits);
    let real = ty.decode(&bits);
    let negative = match &real {
        Real::Finite(value) => value.is_negative(),
        Real::NegativeZero => true,
        Real::Infinity { negative } => *negative,
        Real::Nan => bits.bit(u64::from(ty.width()) - 1),
    };
    Value { real, negative }
}

impl Value {
    pub(super) fn finite(&self) -> Option<Exact> {
        match &self.real {
            Real::Finite(value) => Some(value.clone()),
            Real::NegativeZero => Some(Exact::zero()),
            Real::Infinity { .. } | Real::Nan => None,
        }
    }

    pub(super) fn is_nan(&self) -> bool {
        self.real == Real::Nan
    }

    pub(super) fn is_infinite(&self) -> bool {
        matches!(self.real, Real::Infinity { .. })
    }

    pub(super) fn is_zero(&self) -> bool {
        self.finite().is_some_and(|value| value.is_zero())
    }
}

fn bits(value: &BigUint) -> u128 {
    u128::try_from(value.clone()).unwrap()
}

struct Format(FloatFormat);

impl Format {
    fn nan(&self) -> u128 {
        self.0.nan().map_or(0, |value| bits(&value))
    }

    /// A zero where `signed`, dropped where zeros have no sign.
    fn zero(&self, negative: bool) -> u128 {
        if negative && self.0.has_signed_zero() { bits(&self.0.sign_bit()) } else { 0 }
    }

    fn infinity(&self, negative: bool) -> u128 {
        let sign = if negative { bits(&self.0.sign_bit()) } else { 0 };
        match self.0.infinity() {
            Some(value) => bits(&value) | sign,
            None if self.0.has_nan() && !self.0.saturates() => self.nan(),
            None => bits(&self.0.max_finite()) | sign,
        }
    }

    fn round(&self, exact: &Exact, zero_negative: bool) -> u128 {
        if exact.is_zero() {
            return self.zero(zero_negative);
        }
        let rounded = Scalar::Float(self.0).round_to(exact, self.0.rounding());
        if Scalar::Float(self.0).decode(&rounded) == Real::Nan { self.nan() } else { bits(&rounded) }
    }
}

/// A root of `value` that rounds as the exact one does: cut far below the last place, with a bit more if inexact.
pub(super) fn root(value: &Exact, places: u64) -> Exact {
    let scaled = (value * Exact::from_integer(BigInt::one() << (2 * places))).to_integer();
    let root = scaled.sqrt();
    let exact =
        &root * &root == scaled && (value * Exact::from_integer(BigInt::one() << (2 * places))).is_integer();
    let twice: BigInt = (root << 1_u32) + i32::from(!exact);
    Exact::new(twice, BigInt::one() << (places + 1))
}

/// Sum of exact terms with signs, IEEE rules for the rest.
fn add_all(format: &Format, terms: &[Value]) -> u128 {
    let down = format.0.rounding() == Rounding::Down;
    let infinite = |negative: bool| terms.iter().any(|term| term.is_infinite() && term.negative == negative);
    if terms.iter().any(Value::is_nan) || (infinite(true) && infinite(false)) {
        return format.nan();
    }
    if infinite(true) || infinite(false) {
        return format.infinity(infinite(true));
    }
    let sum: Exact = terms.iter().filter_map(Value::finite).sum();
    let all = terms.iter().all(|term| term.negative);
    let one = terms.iter().any(|term| term.negative);
    format.round(&sum, !terms.is_empty() && (all || (down && one)))
}

pub(super) fn product(x: &Value, y: &Value) -> Value {
    let negative = x.negative != y.negative;
    let real = match (x.finite(), y.finite()) {
        (Some(a), Some(b)) => Real::Finite(a * b),
        _ if x.is_nan() || y.is_nan() || x.is_zero() || y.is_zero() => Real::Nan,
        _ => Real::Infinity { negative },
    };
    Value { real, negative }
}

/// The nearest whole number, ties to even.
fn nearest_even(exact: &Exact) -> BigInt {
    let (low, high) = (exact.floor().to_integer(), exact.ceil().to_integer());
    let (below, above) =
        (exact - Exact::from_integer(low.clone()), Exact::from_integer(high.clone()) - exact);
    match below.cmp(&above) {
        Ordering::Less => low,
        Ordering::Greater => high,
        Ordering::Equal if low.bit(0) => high,
        Ordering::Equal => low,
    }
}

pub(super) fn integral(op: &Op, exact: &Exact) -> BigInt {
    match op {
        Op::Floor => exact.floor().to_integer(),
        Op::Ceil => exact.ceil().to_integer(),
        Op::Round => exact.round().to_integer(),
        Op::RoundEven => nearest_even(exact),
        _ => exact.trunc().to_integer(),
    }
}

/// Floats in, one float out.
fn float_reference(op: &Op, format: FloatFormat, operands: &[u128]) -> u128 {
    let ty = Scalar::Float(format);
    // The unused pattern of `f8e4m3<finite>` is one more encoding of the largest magnitude.
    let unused = (format.family == Family::E4m3 { finite: true }).then_some(0x7f);
    let read = |&bits: &u128| if Some(bits & 0x7f) == unused { bits - 1 } else { bits };
    let operands: &[u128] = &operands.iter().map(read).collect::<Vec<_>>();
    let x: Vec<Value> = operands.iter().map(|&bits| value(ty, bits)).collect();
    let f = Format(format);
    let flip = |value: Value| Value {
        negative: !value.negative,
        real: match value.real {
            Real::Finite(value) => Real::Finite(-value),
            Real::Infinity { negative } => Real::Infinity { negative: !negative },
            other => other,
        },
    };
    let has_nan = format.has_nan();
    let any_nan = x.iter().any(Value::is_nan);
    let sign = |negative: bool| if negative { bits(&format.sign_bit()) } else { 0 };
    let magnitude = |bits: u128| {
        let bits = if value(ty, bits).is_zero() { 0 } else { bits };
        bits & !sign(true)
    };
    let signed = |magnitude: u128, negative: bool| {
        if magnitude == 0 { f.zero(negative) } else { magnitude | sign(negative) }
    };
    match op {
        Op::Add | Op::Sum => add_all(&f, &x),
        Op::Sub => {
            let mut x = x.into_iter();
            let (a, b) = (x.next().unwrap(), x.next().unwrap());
            add_all(&f, &[a, flip(b)])
        }
        Op::Mul => add_all(&f, &[product(&x[0], &x[1])]),
        Op::Fma => {
            let mut x = x.into_iter();
            let (a, b, c) = (x.next().unwrap(), x.next().unwrap(), x.next().unwrap());
            add_all(&f, &[product(&a, &b), c])
        }
        Op::Dot => {
            let terms: Vec<Value> = x.chunks_exact(2).map(|pair| product(&pair[0], &pair[1])).collect();
            add_all(&f, &terms)
        }
        Op::Div => {
            let negative = x[0].negative != x[1].negative;
            match (x[0].finite(), x[1].finite()) {
                _ if any_nan => f.nan(),
                (Some(a), Some(b)) if b.is_zero() && a.is_zero() => {
                    if has_nan {
                        f.nan()
                    } else {
                        0
                    }
                }
                (Some(_), Some(b)) if b.is_zero() => f.infinity(negative),
                (Some(a), Some(b)) => f.round(&(a / b), negative),
                (Some(_), None) => f.zero(negative),
                (None, Some(_)) => f.infinity(negative),
                (None, None) => f.nan(),
            }
        }
        Op::Rem | Op::Remainder => match (x[0].finite(), x[1].finite()) {
            _ if any_nan => f.nan(),
            (None, _) => f.nan(),
            (Some(_), Some(b)) if b.is_zero() => {
                if has_nan {
                    f.nan()
                } else {
                    f.zero(x[0].negative)
                }
            }
            (Some(_), None) => signed(magnitude(operands[0]), x[0].negative),
            (Some(a), Some(b)) => {
                let ratio = &a / &b;
                let times = if *op == Op::Rem { ratio.trunc().to_integer() } else { nearest_even(&ratio) };
                let rest = &a - &b * Exact::from_integer(times);
                f.round(&rest, x[0].negative)
            }
        },
        Op::Sqrt => match x[0].finite() {
            _ if any_nan => f.nan(),
            Some(a) if a.is_zero() => f.zero(x[0].negative),
            _ if x[0].negative => {
                if has_nan {
                    f.nan()
                } else {
                    0
                }
            }
            Some(a) => {
                let places = u64::try_from(format.bias()).unwrap() + 3 * u64::from(format.precision) + 8;
                f.round(&root(&a, places), false)
            }
            None => f.infinity(false),
        },
        Op::Neg => signed(magnitude(operands[0]), !x[0].negative),
        Op::Abs => magnitude(operands[0]),
        Op::CopySign => signed(magnitude(operands[0]), x[1].negative),
        Op::Minimum | Op::Maximum if any_nan => f.nan(),
        Op::Min | Op::Max | Op::Minimum | Op::Maximum => {
            let least = matches!(op, Op::Min | Op::Minimum);
            let second = match compare(&x[0], &x[1]) {
                None => x[0].is_nan() && !x[1].is_nan(),
                Some(Ordering::Equal) => x[0].negative != x[1].negative && (x[1].negative == least),
                Some(order) => (order == Ordering::Greater) == least,
            };
            let index = usize::from(second);
            if x[index].is_nan() { f.nan() } else { signed(magnitude(operands[index]), x[index].negative) }
        }
        Op::Floor | Op::Ceil | Op::Round | Op::RoundEven | Op::Trunc => match x[0].finite() {
            Some(a) => f.round(&Exact::from_integer(integral(op, &a)), x[0].negative),
            None => operands[0],
        },
        Op::Significand => match x[0].finite() {
            Some(mut a) if !a.is_zero() => {
                let two = Exact::from_integer(2.into());
                while a.abs() >= two {
                    a /= &two;
                }
                while a.abs() < Exact::one() {
                    a *= &two;
                }
                f.round(&a, false)
            }
            Some(_) => f.zero(x[0].negative),
            None => operands[0],
        },
        other => panic!("no float reference for {other:?}"),
    }
}

fn compare(x: &Value, y: &Value) -> Option<Ordering> {
    let key = |value: &Value| match &value.real {
        Real::Infinity { negative } => Some((if *negative { -1 } else { 1 }, Exact::zero())),
        Real::Nan => None,
        Real::Finite(_) | Real::NegativeZero => Some((0, value.finite().unwrap())),
    };
    Some(key(x)?.cmp(&key(y)?))
}

/// The reference for one operation.
pub(super) fn reference(op: &Op, ty: Scalar, types: &[Scalar], operands: &[u128]) -> u128 {
    let first = value(types[0], operands[0]);
    let second = || value(types[1], operands[1]);
    match op {
        Op::Lt => u128::from(compare(&first, &second()) == Some(Ordering::Less)),
        Op::Le => u128::from(compare(&first, &second()).is_some_and(Ordering::is_le)),
        Op::Eq => u128::from(compare(&first, &second()) == Some(Ordering::Equal)),
        Op::IsNan => u128::from(first.is_nan()),
        Op::IsInf => u128::from(first.is_infinite()),
        Op::IsFinite => u128::from(first.finite().is_some()),
        Op::IsNegative => u128::from(first.negative),
        Op::IsZero => u128::from(first.is_zero()),
        Op::IsSubnormal => {
            u128::from(first.finite().is_some_and(|x| !x.is_zero() && below_normal(types[0], &x)))
        }
        Op::IsNormal => u128::from(first.finite().is_some_and(|x| !below_normal(types[0], &x))),
        Op::Convert => convert(&first, types[0], ty),
        Op::Scale2 => {
            let Some(exponent) = second().finite() else { panic!("an integer") };
            let format = Format(ty.as_float().unwrap());
            match first.finite() {
                None if first.is_nan() => format.nan(),
                None => format.infinity(first.negative),
                Some(a) => {
                    let power = i32::try_from(exponent.to_integer()).unwrap();
                    format.round(&(a * Exact::from_integer(2.into()).pow(power)), first.negative)
                }
            }
        }
        Op::Exponent => {
            let format = types[0].as_float().unwrap();
            let exponent = match first.finite() {
                None => format.max_exponent_field() - format.bias() + 1,
                Some(a) if a.is_zero() => format.min_exponent() - i64::from(format.precision),
                Some(a) => {
                    let mut exponent = 0;
                    let (mut a, two) = (a.abs(), Exact::from_integer(2.into()));
                    while a >= two {
                        a /= &two;
                        exponent += 1;
                    }
                    while a < Exact::one() {
                        a *= &two;
                        exponent -= 1;
                    }
                    exponent
                }
            };
            u128::from(u16::from_ne_bytes(i16::try_from(exponent).unwrap().to_ne_bytes()))
        }
        op => match ty {
            Scalar::Float(format) => float_reference(op, format, operands),
            Scalar::Bool | Scalar::Fixed { .. } | Scalar::Int(_) | Scalar::Uint(_) => {
                let values: Vec<Exact> = types
                    .iter()
                    .zip(operands)
                    .map(|(&ty, &bits)| value(ty, bits).finite().unwrap())
                    .collect();
                whole_reference(op, ty, &values, operands)
            }
        },
    }
}

/// Whether a magnitude is below the smallest normal one.
fn below_normal(ty: Scalar, x: &Exact) -> bool {
    let exponent = ty.as_float().unwrap().min_exponent();
    x.abs() < Exact::from_integer(2.into()).pow(i32::try_from(exponent).unwrap())
}

/// Integers and fixed-point.
fn whole_reference(op: &Op, ty: Scalar, x: &[Exact], raw: &[u128]) -> u128 {
    let fraction = match ty {
        Scalar::Fixed { fraction, .. } => fraction,
        _ => 0,
    };
    let unit = Exact::from_integer(BigInt::one() << fraction);
    let width = ty.width();
    let wrap = |exact: Exact, toward_zero: bool| {
        let scaled = exact * &unit;
        let whole = if toward_zero { scaled.trunc() } else { scaled.floor() }.to_integer();
        bits(&super::codec::wrap(&whole, width))
    };
    let ones = u128::MAX >> (128 - width);
    let amount = || usize::try_from(raw[1]).unwrap_or(1 << 20).min(4096);
    match op {
        Op::Neg => wrap(-&x[0], false),
        Op::Abs => wrap(x[0].abs(), false),
        Op::Add => wrap(&x[0] + &x[1], false),
        Op::Sub => wrap(&x[0] - &x[1], false),
        Op::Mul => wrap(&x[0] * &x[1], false),
        Op::Fma => wrap(&x[0] * &x[1] + &x[2], false),
        Op::Sum => wrap(x.iter().sum(), false),
        Op::Dot => wrap(x.chunks_exact(2).map(|pair| &pair[0] * &pair[1]).sum(), false),
        Op::Div | Op::Rem if x[1].is_zero() => 0,
        Op::Div => wrap(&x[0] / &x[1], true),
        Op::Rem => wrap(&x[0] - &x[1] * (&x[0] / &x[1]).trunc(), false),
        Op::Sqrt if x[0].is_negative() => 0,
        Op::Sqrt => wrap(root(&x[0], u64::from(fraction) + 8), false),
        Op::Min | Op::Minimum => wrap(x[0].clone().min(x[1].clone()), false),
        Op::Max | Op::Maximum => wrap(x[0].clone().max(x[1].clone()), false),
        Op::And => raw[0] & raw[1],
        Op::Or => raw[0] | raw[1],
        Op::Xor => raw[0] ^ raw[1],
        Op::Not => !raw[0] & ones,
        Op::ShlConst(places) => wrap(&x[0] * Exact::from_integer(BigInt::one() << *places), false),
        Op::ShrConst(places) => wrap(&x[0] / Exact::from_integer(BigInt::one() << *places), false),
        Op::Shl => wrap(&x[0] * Exact::from_integer(BigInt::one() << amount()), false),
        Op::Shr => wrap(&x[0] / Exact::from_integer(BigInt::one() << amount()), false),
        Op::Floor | Op::Ceil | Op::Round | Op::RoundEven | Op::Trunc => {
            wrap(Exact::from_integer(integral(op, &x[0])), false)
        }
        other => panic!("no integer reference for {other:?}"),
    }
}

fn convert(x: &Value, from: Scalar, to: Scalar) -> u128 {
    if to == Scalar::Bool {
        return u128::from(!x.is_zero());
    }
    if let Scalar::Float(format) = to {
        let format = Format(format);
        return match x.finite() {
            Some(exact) => format.round(&exact, x.negative),
            None if x.is_nan() => format.nan(),
            None => format.infinity(x.negative),
        };
    }
    let fraction = |ty: Scalar| match ty {
        Scalar::Fixed { fraction, .. } => fraction,
        _ => 0,
    };
    let Some(exact) = x.finite() else {
        if x.is_nan() {
            return 0;
        }
        let (low, high) = to.finite_range();
        return bits(&to.round_to(if x.negative { &low } else { &high }, Rounding::TowardZero));
    };
    let saturates = from.as_float().is_some() || (fraction(from) > 0 && fraction(to) == 0);
    if saturates {
        return bits(&to.round_to(&exact, Rounding::TowardZero));
    }
    let scaled = exact * Exact::from_integer(BigInt::one() << fraction(to));
    bits(&super::codec::wrap(&scaled.floor().to_integer(), to.width()))
}

/// An operation as a circuit over raw inputs.
pub(super) struct Bench {
    pub(super) op: Op,
    pub(super) ty: Scalar,
    pub(super) types: Vec<Scalar>,
    pub(super) circuit: Circuit,
}

impl Bench {
    fn new(op: Op, ty: &str, types: &[&str]) -> Self {
        Bench::built_for(Objective::FewestAnds, op, ty, types)
    }

    fn built_for(objective: Objective, op: Op, ty: &str, types: &[&str]) -> Self {
        let types: Vec<Scalar> = types.iter().map(|text| Scalar::parse(text).unwrap()).collect();
        let ty = Scalar::parse(ty).unwrap();
        let mut builder = Builder::new();
        let inputs: Vec<_> = types
            .iter()
            .map(|ty| {
                let (name, kind) = (String::new(), ty.to_string());
                builder.input(Port { name, kind, width: ty.width(), range: None })
            })
            .collect();
        let typed: Vec<Typed<'_>> = types
            .iter()
            .zip(&inputs)
            .map(|(&ty, bits)| Typed { ty, operand: Operand { bits, canonical: false } })
            .collect();
        let mut gates = Gates::new(&mut builder, 20_000_000).built_for(objective);
        let out = apply(&mut gates, &op, ty, &typed);
        assert_eq!(out.len(), ty.width() as usize, "{op:?} {ty}");
        let port = Port { name: String::new(), kind: ty.to_string(), width: ty.width(), range: None };
        builder.output(port, &out);
        Bench { op, ty, types, circuit: builder.finish() }
    }

    /// Every row of operands through the circuit, 64 at a time.
    fn run(&self, rows: &[Vec<u128>]) -> Vec<u128> {
        let mut results = Vec::with_capacity(rows.len());
        for chunk in rows.chunks(64) {
            let mut inputs = Vec::with_capacity(self.circuit.input_bits());
            for (index, ty) in self.types.iter().enumerate() {
                for bit in 0..ty.width() {
                    let word = chunk.iter().enumerate().fold(0_u64, |word, (lane, row)| {
                        word | u64::try_from(row[index] >> bit & 1).unwrap() << lane
                    });
                    inputs.push(word);
                }
            }
            let out = evaluate(&self.circuit, &Plain, &inputs);
            for lane in 0..chunk.len() {
                let bit = |(place, word): (usize, &u64)| u128::from(word >> lane & 1) << place;
                results.push(out.iter().enumerate().map(bit).sum());
            }
        }
        results
    }

    /// Compares with the reference; any NaN stands for NaN.
    pub(super) fn check(&self, rows: &[Vec<u128>]) {
        let found = self.run(rows);
        let is_nan = |bits: u128| value(self.ty, bits).is_nan();
        for (row, &found) in rows.iter().zip(&found) {
            let expected = reference(&self.op, self.ty, &self.types, row);
            let same = found == expected || (is_nan(found) && is_nan(expected));
            assert!(
                same,
                "{:?} {}: {:?} gave {found:#x} ({}), not {expected:#x} ({})",
                self.op,
                self.ty,
                row.iter()
                    .zip(&self.types)
                    .map(|(&bits, ty)| format!("{bits:#x} = {}", ty.print(&bits.into())))
                    .collect::<Vec<_>>(),
                self.ty.print(&found.into()),
                self.ty.print(&expected.into()),
            );
        }
    }
}

/// All rows of encodings of the types.
pub(super) fn all(types: &[Scalar]) -> Vec<Vec<u128>> {
    types.iter().fold(vec![vec![]], |rows, ty| {
        let extend = |row: Vec<u128>| {
            (0..1_u128 << ty.width()).map(move |bits| {
                let mut row = row.clone();
                row.push(bits);
                row
            })
        };
        rows.into_iter().flat_map(extend).collect()
    })
}

pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    pub(super) fn wide(&mut self) -> u128 {
        u128::from(self.next()) << 64 | u128::from(self.next())
    }

    /// An encoding: uniform, an edge, or one near the previous operand, so that exponents meet.
    pub(super) fn encoding(&mut self, ty: Scalar, near: Option<u128>) -> u128 {
        let width = ty.width();
        let mask = u128::MAX >> (128 - width);
        let uniform = self.wide() & mask;
        let Scalar::Float(format) = ty else {
            return match self.below(6) {
                0 => 0,
                1 => mask,
                2 => 1 << (width - 1),
                3 => uniform >> self.below(u64::from(width)),
                _ => uniform,
            };
        };
        let places = format.fraction_bits();
        let fraction = (1_u128 << places) - 1;
        match self.below(12) {
            0 => uniform & !(mask >> 1),
            1 => uniform & (fraction | 1 << (width - 1)),
            2 => uniform | (mask >> 1 & !fraction),
            3 => {
                (uniform & !fraction)
                    | [0, 1, fraction, fraction - 1, 1 << (places - 1)][self.below(5) as usize]
            }
            4..=9 => match near {
                Some(near) => {
                    let field = near >> places & (mask >> (places + 1));
                    let spread = u64::from(format.precision) + 4;
                    let field = (field + u128::from(self.below(2 * spread))).saturating_sub(spread.into());
                    let field = field.min(mask >> (places + 1));
                    (uniform & !(mask >> 1 & !fraction)) | field << places
                }
                None => uniform,
            },
            10 => {
                near.filter(|&near| near <= mask).unwrap_or(uniform)
                    ^ u128::from(self.below(2)) << (width - 1)
            }
            _ => uniform,
        }
    }

    pub(super) fn rows(&mut self, types: &[Scalar], count: usize) -> Vec<Vec<u128>> {
        let mut rows = Vec::with_capacity(count);
        for _ in 0..count {
            let mut row: Vec<u128> = Vec::new();
            for &ty in types {
                let near = row.last().copied();
                row.push(self.encoding(ty, near));
            }
            rows.push(row);
        }
        rows
    }
}

fn exhaustive(ops: &[Op], names: &[&str]) {
    exhaustive_for(Objective::FewestAnds, ops, names);
}

fn exhaustive_for(objective: Objective, ops: &[Op], names: &[&str]) {
    for name in names {
        for op in ops {
            let bench = bench_for(objective, op, name);
            bench.check(&all(&bench.types));
        }
    }
}

fn random(ops: &[Op], names: &[&str], count: usize) {
    random_for(Objective::FewestAnds, ops, names, count);
}

fn random_for(objective: Objective, ops: &[Op], names: &[&str], count: usize) {
    for name in names {
        for op in ops {
            let bench = bench_for(objective, op, name);
            let rows = Random(0x9e37_79b9_7f4a_7c15).rows(&bench.types, count);
            bench.check(&rows);
        }
    }
}

/// The usual types of an operation's operands and result.
fn bench(op: &Op, name: &str) -> Bench {
    bench_for(Objective::FewestAnds, op, name)
}

fn bench_for(objective: Objective, op: &Op, name: &str) -> Bench {
    let new = |op, ty: &str, types: &[&str]| Bench::built_for(objective, op, ty, types);
    match op {
        Op::Neg
        | Op::Abs
        | Op::Sqrt
        | Op::Floor
        | Op::Ceil
        | Op::Round
        | Op::RoundEven
        | Op::Trunc
        | Op::Significand => new(op.clone(), name, &[name]),
        Op::Not | Op::ShlConst(_) | Op::ShrConst(_) => new(op.clone(), name, &[name]),
        Op::Lt | Op::Le | Op::Eq => new(op.clone(), "bool", &[name, name]),
        Op::IsNan
        | Op::IsInf
        | Op::IsFinite
        | Op::IsNegative
        | Op::IsZero
        | Op::IsSubnormal
        | Op::IsNormal => new(op.clone(), "bool", &[name]),
        Op::Exponent => new(op.clone(), "int<16>", &[name]),
        Op::Scale2 => new(op.clone(), name, &[name, "int<7>"]),
        Op::Shl | Op::Shr => new(op.clone(), name, &[name, "uint<5>"]),
        Op::Fma | Op::Sum => new(op.clone(), name, &[name, name, name]),
        Op::Dot => new(op.clone(), name, &[name, name, name, name]),
        _ => new(op.clone(), name, &[name, name]),
    }
}

const BASIC: [Op; 4] = [Op::Add, Op::Sub, Op::Mul, Op::Div];
const UNARY: [Op; 17] = [
    Op::Sqrt,
    Op::Neg,
    Op::Abs,
    Op::Floor,
    Op::Ceil,
    Op::Round,
    Op::RoundEven,
    Op::Trunc,
    Op::Significand,
    Op::Exponent,
    Op::IsNan,
    Op::IsInf,
    Op::IsFinite,
    Op::IsNegative,
    Op::IsZero,
    Op::IsSubnormal,
    Op::IsNormal,
];
const ORDER: [Op; 8] = [Op::Lt, Op::Le, Op::Eq, Op::Min, Op::Max, Op::Minimum, Op::Maximum, Op::CopySign];
const SMALL: [&str; 10] = [
    "float<3, 4>",
    "float<4, 4>",
    "float<3, 3>",
    "float<2, 2>",
    "ieee<4, 4>",
    "f8e5m2",
    "f8e4m3",
    "f8e4m3<finite>",
    "ieee<4, 4, finite>",
    "ieee<4, 4, flush>",
];

#[test]
fn small_formats_are_right_on_all_pairs() {
    exhaustive(&BASIC, &SMALL);
}

#[test]
fn small_formats_are_right_in_every_unary_operation() {
    exhaustive(&UNARY, &SMALL);
    exhaustive(&UNARY, &["ieee<3, 8>", "ieee<2, 5>", "ieee<2, 6, up>", "float<3, 7>", "float<2, 5>"]);
}

#[test]
fn small_formats_are_right_in_order_and_remainder() {
    exhaustive(&ORDER, &SMALL);
    exhaustive(&[Op::Rem, Op::Remainder], &SMALL);
}

/// All encodings with `FFHEC_FULL`, otherwise a sample.
#[test]
#[allow(clippy::disallowed_methods, reason = "a test reads the environment; the compiler does not")]
fn the_paper_format_of_sixteen_bits_is_right_in_every_unary_operation() {
    if std::env::var_os("FFHEC_FULL").is_some() {
        exhaustive(&UNARY, &["float<5, 11>"]);
    } else {
        random(&UNARY, &["float<5, 11>"], 6_000);
    }
}

/// `ieee<4, 4>` in every rounding direction with every option.
fn every_option() -> Vec<String> {
    let named = |rounding: Rounding| {
        ["", ", flush", ", finite", ", flush, finite"]
            .map(|options| format!("ieee<4, 4, {}{options}>", rounding.name()))
    };
    Rounding::ALL.into_iter().flat_map(named).collect()
}

const SHALLOW: [Objective; 2] = [Objective::Balanced, Objective::LeastDepth];

#[test]
fn small_formats_are_right_on_all_pairs_under_every_objective() {
    for objective in SHALLOW {
        exhaustive_for(
            objective,
            &BASIC,
            &["float<3, 4>", "float<4, 3>", "float<2, 5>", "ieee<4, 3>", "f8e4m3"],
        );
        exhaustive_for(objective, &UNARY, &["float<3, 4>", "ieee<3, 4>", "f8e4m3", "ieee<3, 4, flush>"]);
        exhaustive_for(objective, &ORDER, &["float<3, 3>", "ieee<3, 3>"]);
        exhaustive_for(
            objective,
            &[Op::Add, Op::Mul],
            &["float<2, 2>", "float<5, 2>", "ieee<3, 3, finite, flush>"],
        );
    }
}

#[test]
fn every_operation_is_right_under_every_objective() {
    for objective in SHALLOW {
        let names = ["float<5, 11>", "f16", "f8e5m2", "ieee<4, 6, up>", "ieee<4, 6, down, flush, finite>"];
        let ops =
            [Op::Sub, Op::Div, Op::Sqrt, Op::Rem, Op::Fma, Op::Sum, Op::Dot, Op::Scale2, Op::Min, Op::Lt];
        random_for(objective, &ops, &names, 1_000);
        random_for(objective, &[Op::Floor, Op::Round, Op::Eq, Op::Le], &names, 1_000);
        random_for(objective, &[Op::Add, Op::Mul], &["float<5, 11>", "float<8, 8>", "f16", "bf16"], 20_000);
        random_for(objective, &[Op::Add, Op::Mul], &["float<8, 24>", "float<11, 53>", "f32", "f64"], 5_000);
        random_for(
            objective,
            &[Op::Add, Op::Mul],
            &["float<15, 113>", "float<3, 60>", "float<2, 40>", "float<15, 2>", "ieee<2, 40>"],
            500,
        );
        let whole = [Op::Neg, Op::Abs, Op::Add, Op::Sub, Op::Mul, Op::Div, Op::Rem, Op::Max, Op::Lt];
        random_for(objective, &whole, &["int<7>", "uint<32>", "fixed<16, 16>", "int<1>"], 1_000);
        random_for(objective, &[Op::Shl, Op::Shr], &["int<32>", "uint<9>"], 500);
        random_for(objective, &[Op::Sqrt], &["fixed<8, 8>"], 500);
    }
}

#[test]
fn every_rounding_and_option_is_right() {
    let names = every_option();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let ops =
        [Op::Add, Op::Mul, Op::Div, Op::Sqrt, Op::Sum, Op::Fma, Op::Dot, Op::Scale2, Op::Rem, Op::Remainder];
    for objective in SHALLOW {
        random_for(objective, &[Op::Add, Op::Mul, Op::Div, Op::Fma], &names, 1_000);
    }
    random(&ops, &names, 10_000);
}

#[test]
fn wide_formats_are_right_on_random_and_edge_operands() {
    random(&[Op::Add, Op::Mul], &["float<5, 11>", "float<8, 24>", "f16", "f32"], 100_000);
    random(&[Op::Sub, Op::Div], &["float<5, 11>", "float<8, 24>", "f16", "f32", "f64", "bf16"], 5_000);
    random(
        &[Op::Add, Op::Mul],
        &["f64", "float<11, 53>", "bf16", "float<8, 8>", "ieee<8, 24, finite, flush>"],
        5_000,
    );
    random(
        &[Op::Add, Op::Mul, Op::Div],
        &["float<15, 113>", "ieee<15, 113>", "ieee<2, 40>", "float<3, 60>"],
        500,
    );
}

#[test]
fn fused_sums_and_roots_are_right_on_random_and_edge_operands() {
    let names = [
        "float<5, 11>",
        "f16",
        "bf16",
        "float<8, 24>",
        "f32",
        "ieee<8, 24, up>",
        "f8e4m3",
        "f8e5m2",
        "ieee<3, 12>",
    ];
    random(&[Op::Fma, Op::Sum, Op::Dot], &names, 4_000);
    for name in names {
        let bench = Bench::new(Op::Dot, name, &[name; 6]);
        bench.check(&Random(11).rows(&bench.types, 1_000));
    }
    random(&[Op::Fma], &["f64", "float<11, 53>", "ieee<2, 10>", "float<2, 10>"], 1_000);
    random(&UNARY, &["float<5, 11>", "f16", "float<8, 24>", "f32"], 4_000);
    random(&UNARY, &["f64", "float<11, 53>", "ieee<3, 20>", "float<3, 20>"], 500);
    random(&ORDER, &["float<5, 11>", "f16", "float<8, 24>", "f32"], 4_000);
    random(&[Op::Rem, Op::Remainder], &["float<5, 11>", "f16", "float<8, 24>", "f32"], 2_000);
    random(&[Op::Scale2], &["float<5, 11>", "f16", "f32", "float<3, 4>"], 4_000);
}

#[test]
fn integers_and_fixed_point_are_right() {
    let ops = [
        Op::Neg,
        Op::Abs,
        Op::Add,
        Op::Sub,
        Op::Mul,
        Op::Div,
        Op::Rem,
        Op::Min,
        Op::Max,
        Op::Minimum,
        Op::Maximum,
        Op::IsZero,
        Op::Lt,
        Op::Le,
        Op::Eq,
    ];
    let bitwise = [Op::And, Op::Or, Op::Xor, Op::Not];
    let shifts = [Op::ShlConst(3), Op::ShrConst(3), Op::ShlConst(99), Op::ShrConst(99), Op::Shl, Op::Shr];
    let fixed = [Op::Sqrt, Op::Floor, Op::Ceil, Op::Round, Op::RoundEven, Op::Trunc];
    exhaustive(
        &ops,
        &["int<5>", "uint<5>", "fixed<3, 3>", "fixed<1, 5>", "fixed<5, 0>", "int<1>", "uint<1>"],
    );
    exhaustive(&bitwise, &["int<5>", "uint<5>", "bool"]);
    exhaustive(&shifts, &["int<6>", "uint<6>", "fixed<3, 3>"]);
    exhaustive(&fixed, &["fixed<3, 5>", "fixed<1, 6>", "fixed<6, 0>", "fixed<1, 0>"]);
    exhaustive(&[Op::Fma, Op::Sum, Op::Dot], &["int<3>", "uint<3>", "fixed<2, 2>", "fixed<2, 1>"]);
    exhaustive(&[Op::Eq], &["bool"]);
    random(&ops, &["int<32>", "uint<32>", "fixed<16, 16>", "int<64>", "fixed<1, 63>"], 500);
}

#[test]
fn conversions_are_right() {
    let names = [
        "float<5, 11>",
        "float<3, 4>",
        "f16",
        "f32",
        "f8e4m3",
        "f8e4m3<finite>",
        "f8e5m2",
        "ieee<4, 6, up, flush>",
        "ieee<3, 9, finite>",
        "f64",
        "int<8>",
        "uint<8>",
        "int<32>",
        "uint<64>",
        "int<1>",
        "uint<1>",
        "fixed<4, 4>",
        "fixed<8, 24>",
        "fixed<1, 40>",
        "fixed<8, 0>",
        "bool",
    ];
    for from in names {
        for to in names {
            let bench = Bench::new(Op::Convert, to, &[from]);
            let ty = bench.types[0];
            if ty.width() <= 10 {
                bench.check(&all(&[ty]));
            } else {
                bench.check(&Random(7).rows(&[ty], 1_000));
            }
        }
    }
}

/// Operations on results, which are known to be canonical: `op(x * y, -z)`.
fn chained(op: &Op, name: &str, count: usize) {
    use crate::float::fir::{Column, Graph, Node, Value};
    let single = bench(op, name);
    let (ty, unary) = (single.types[0], single.types.len() == 1);
    let mut graph = Graph { functions: vec!["main".to_owned()], ..Graph::default() };
    let column = |ty| Column { name: "x".to_owned(), ty, range: None };
    for index in 0..3 {
        graph.inputs.push(column(ty));
        graph.nodes.push(Node { op: Op::Input(index), operands: vec![], ty, origin: 0 });
    }
    graph.nodes.push(Node { op: Op::Mul, operands: vec![Value(0), Value(1)], ty, origin: 0 });
    graph.nodes.push(Node { op: Op::Neg, operands: vec![Value(2)], ty, origin: 0 });
    let operands = if unary { vec![Value(3)] } else { vec![Value(3), Value(4)] };
    graph.nodes.push(Node { op: op.clone(), operands, ty: single.ty, origin: 0 });
    graph.outputs.push((column(single.ty), Value(5)));
    let circuit = crate::float::lower::lower(&graph, 1 << 22).unwrap();
    let whole = Bench { op: op.clone(), ty: single.ty, types: vec![ty; 3], circuit };
    let rows = Random(3).rows(&whole.types, count);
    for (row, found) in rows.iter().zip(whole.run(&rows)) {
        let product = reference(&Op::Mul, ty, &[ty, ty], &row[..2]);
        let negative = reference(&Op::Neg, ty, &[ty], &row[2..]);
        let operands = if unary { vec![product] } else { vec![product, negative] };
        let expected = reference(op, single.ty, &[ty, ty], &operands);
        let is_nan = |bits: u128| value(single.ty, bits).is_nan();
        assert!(
            found == expected || (is_nan(found) && is_nan(expected)),
            "{op:?} {name} {row:x?}: {found:x}, not {expected:x}"
        );
    }
}

#[test]
fn results_of_operations_are_right_as_operands() {
    for name in
        ["float<3, 4>", "float<5, 11>", "ieee<4, 4, flush>", "ieee<4, 4, finite, flush>", "f8e4m3", "f8e5m2"]
    {
        for op in BASIC.iter().chain(&ORDER).chain(&UNARY).chain(&[Op::Rem, Op::Remainder]) {
            chained(op, name, 3_000);
        }
    }
}

#[test]
fn encodings_that_a_type_does_not_use_become_the_one_it_does() {
    for name in SMALL {
        let ty = Scalar::parse(name).unwrap();
        let width = format!("uint<{}>", ty.width());
        let (to, from) =
            (Bench::new(Op::Reinterpret, &width, &[name]), Bench::new(Op::Reinterpret, name, &[&width]));
        let rows = all(&to.types);
        assert_eq!(to.run(&rows), from.run(&rows), "{name}");
        for (row, found) in rows.iter().zip(to.run(&rows)) {
            let real = ty.decode(&row[0].into());
            assert_eq!(BigUint::from(found), ty.encode_real(&real).unwrap().bits, "{name} {row:x?}");
        }
    }
}

/// AND gates and AND-depth of what an operation keeps of its gates, over operands that are results of others.
fn counts(objective: Objective, op: &Op, name: &str) -> String {
    use crate::float::fir::{Column, Graph, Node, Value};
    let shape = bench(op, name);
    let mut graph = Graph { functions: vec!["main".to_owned()], ..Graph::default() };
    let column = |name: &str, ty| Column { name: name.to_owned(), ty, range: None };
    for (index, &ty) in shape.types.iter().enumerate() {
        graph.inputs.push(column(&format!("x{index}"), ty));
        let op = Op::Input(u32::try_from(index).unwrap());
        graph.nodes.push(Node { op, operands: vec![], ty, origin: 0 });
    }
    let operands = (0..u32::try_from(shape.types.len()).unwrap()).map(Value).collect();
    graph.nodes.push(Node { op: op.clone(), operands, ty: shape.ty, origin: 0 });
    let result = Value(u32::try_from(graph.nodes.len() - 1).unwrap());
    graph.outputs.push((column("result", shape.ty), result));
    let counts = crate::float::lower::lower_for(&graph, 1 << 24, objective, false).unwrap().counts();
    format!(
        "{name:<12} {:<12} AND {:>6}  XOR {:>6}  depth {:>5}",
        format!("{op:?}"),
        counts.and,
        counts.xor,
        counts.and_depth
    )
}

#[test]
fn gate_counts_stay_as_they_are() {
    let ops = [
        Op::Add,
        Op::Sub,
        Op::Mul,
        Op::Div,
        Op::Sqrt,
        Op::Fma,
        Op::Rem,
        Op::Lt,
        Op::Eq,
        Op::Min,
        Op::Floor,
        Op::Round,
        Op::Sum,
        Op::Dot,
    ];
    let mut table = Vec::new();
    let few = Objective::FewestAnds;
    for name in ["float<5, 11>", "float<8, 8>", "float<8, 24>", "f16", "f32", "ieee<8, 24, flush, finite>"] {
        table.extend(ops.iter().map(|op| counts(few, op, name)));
    }
    for op in [Op::Add, Op::Mul] {
        table.push(counts(few, &op, "float<11, 53>"));
        table.push(counts(few, &op, "f64"));
    }
    insta::assert_snapshot!(table.join("\n"));
}

/// The least depths known for truncating addition and multiplication, and for less-than.
#[test]
fn least_depths_are_reached() {
    let known = [
        ("float<5, 11>", [11, 10, 6]),
        ("float<8, 8>", [11, 9, 6]),
        ("float<8, 24>", [13, 12, 6]),
        ("float<11, 53>", [15, 15, 7]),
    ];
    for (name, depths) in known {
        for (op, depth) in [Op::Add, Op::Mul, Op::Lt].iter().zip(depths) {
            let line = counts(Objective::LeastDepth, op, name);
            let found: u32 = line.rsplit(' ').next().unwrap().parse().unwrap();
            assert!(found <= depth, "{line}");
        }
    }
}

/// The other objectives, next to the fewest ANDs.
#[test]
fn gate_counts_of_every_objective_stay_as_they_are() {
    let mut table = Vec::new();
    for name in ["float<5, 11>", "float<8, 8>", "float<8, 24>", "float<11, 53>", "f16", "f32", "f64"] {
        let mut ops = vec![Op::Add, Op::Mul, Op::Lt, Op::Eq, Op::Min];
        if name != "float<11, 53>" && name != "f64" {
            ops.extend([Op::Div, Op::Sqrt, Op::Fma, Op::Round]);
        }
        for op in ops {
            for objective in Objective::ALL {
                table.push(format!("{:<9} {}", objective.name(), counts(objective, &op, name)));
            }
        }
    }
    insta::assert_snapshot!(table.join("\n"));
}
