//! One operation of the float IR as gates.

use ffhec_circuit::Wire;

use super::bits::{Bits, Gates};
use super::float::{Operand, canonical, saturated};
use super::format::{Family, FloatFormat, Scalar};
use super::integer::{self, Shape};
use super::parts::{self, Integral};
use super::{add, compare, convert, mul, remainder, sum};
use crate::float::fir::Op;

/// An operand with its type.
#[derive(Clone, Copy, Debug)]
pub struct Typed<'a> {
    /// The type.
    pub ty: Scalar,
    /// The encoding.
    pub operand: Operand<'a>,
}

/// Whether the result of an operation can only hold canonical encodings (see [`Operand::canonical`]).
pub fn is_canonical(op: &Op, operands: &[Typed<'_>]) -> bool {
    match op {
        Op::Input(_) => false,
        Op::Select => operands.iter().all(|typed| typed.operand.canonical),
        Op::Constant(_)
        | Op::Neg
        | Op::Abs
        | Op::Add
        | Op::Sub
        | Op::Mul
        | Op::Div
        | Op::Rem
        | Op::Remainder
        | Op::Sqrt
        | Op::Fma
        | Op::Min
        | Op::Max
        | Op::Minimum
        | Op::Maximum
        | Op::Lt
        | Op::Le
        | Op::Eq
        | Op::And
        | Op::Or
        | Op::Xor
        | Op::Not
        | Op::ShlConst(_)
        | Op::ShrConst(_)
        | Op::Shl
        | Op::Shr
        | Op::Floor
        | Op::Ceil
        | Op::Round
        | Op::RoundEven
        | Op::Trunc
        | Op::CopySign
        | Op::Scale2
        | Op::Exponent
        | Op::Significand
        | Op::IsNan
        | Op::IsInf
        | Op::IsFinite
        | Op::IsNegative
        | Op::IsZero
        | Op::IsSubnormal
        | Op::IsNormal
        | Op::Reinterpret
        | Op::Convert
        | Op::Sum
        | Op::Dot
        | Op::Table(_) => true,
    }
}

/// Builds the gates of `op` with result type `ty`. Inputs have no gates of their own: zeros.
pub fn apply(g: &mut Gates<'_>, op: &Op, ty: Scalar, operands: &[Typed<'_>]) -> Bits {
    let saturates = |typed: &Typed<'_>| {
        let format = typed.ty.as_float().filter(|format| format.family == (Family::E4m3 { finite: true }));
        format.filter(|_| !typed.operand.canonical)
    };
    if *op == Op::Select || !operands.iter().any(|typed| saturates(typed).is_some()) {
        return apply_saturated(g, op, ty, operands);
    }
    let words: Vec<Bits> = operands
        .iter()
        .map(|typed| match saturates(typed) {
            Some(format) => saturated(g, format, typed.operand),
            None => typed.operand.bits.to_vec(),
        })
        .collect();
    let typed: Vec<Typed<'_>> = operands
        .iter()
        .zip(&words)
        .map(|(typed, bits)| {
            let canonical = typed.operand.canonical || saturates(typed).is_some();
            Typed { ty: typed.ty, operand: Operand { bits, canonical } }
        })
        .collect();
    apply_saturated(g, op, ty, &typed)
}

/// The same, with operands that have no unused pattern of `f8e4m3<finite>`.
fn apply_saturated(g: &mut Gates<'_>, op: &Op, ty: Scalar, operands: &[Typed<'_>]) -> Bits {
    let from = operands.first().map_or(ty, |typed| typed.ty);
    match op {
        Op::Input(_) => g.zeros(ty.width() as usize),
        Op::Constant(bits) => g.constant(&bits.clone().into(), ty.width() as usize),
        Op::Select => {
            let choice = operands[0].operand.bits[0];
            g.select(choice, operands[1].operand.bits, operands[2].operand.bits)
        }
        Op::Convert => {
            let from = g.facts().format.map_or(from, Scalar::Float);
            convert::convert(g, from, operands[0].operand, ty)
        }
        Op::Reinterpret => convert::reinterpret(g, from, operands[0].operand, ty),
        Op::Table(table) => {
            let bits = operands.iter().flat_map(|typed| typed.operand.bits).copied();
            let index: Bits = bits.take(table.index_bits() as usize).collect();
            table.build(g, &index, ty.width() as usize)
        }
        // A comparison or classification has its operands' type.
        Op::Lt
        | Op::Le
        | Op::Eq
        | Op::Exponent
        | Op::IsNan
        | Op::IsInf
        | Op::IsFinite
        | Op::IsNegative
        | Op::IsZero
        | Op::IsSubnormal
        | Op::IsNormal => apply_subject(g, op, from, operands),
        Op::Neg
        | Op::Abs
        | Op::Add
        | Op::Sub
        | Op::Mul
        | Op::Div
        | Op::Rem
        | Op::Remainder
        | Op::Sqrt
        | Op::Fma
        | Op::Min
        | Op::Max
        | Op::Minimum
        | Op::Maximum
        | Op::And
        | Op::Or
        | Op::Xor
        | Op::Not
        | Op::ShlConst(_)
        | Op::ShrConst(_)
        | Op::Shl
        | Op::Shr
        | Op::Floor
        | Op::Ceil
        | Op::Round
        | Op::RoundEven
        | Op::Trunc
        | Op::CopySign
        | Op::Scale2
        | Op::Significand
        | Op::Sum
        | Op::Dot => apply_subject(g, op, ty, operands),
    }
}

fn apply_subject(g: &mut Gates<'_>, op: &Op, subject: Scalar, operands: &[Typed<'_>]) -> Bits {
    let words: Vec<Operand<'_>> = operands.iter().map(|typed| typed.operand).collect();
    match subject.as_float() {
        Some(format) => apply_float(g, op, g.facts().format.unwrap_or(format), &words),
        None => apply_whole(g, op, subject, &words),
    }
}

fn apply_float(g: &mut Gates<'_>, op: &Op, format: FloatFormat, x: &[Operand<'_>]) -> Bits {
    match op {
        Op::Neg => parts::negate(g, format, x[0]),
        Op::Abs => parts::absolute(g, format, x[0]),
        Op::Add => add::add(g, format, x[0], x[1], false),
        Op::Sub => add::add(g, format, x[0], x[1], true),
        Op::Mul => mul::mul(g, format, x[0], x[1]),
        Op::Div => mul::div(g, format, x[0], x[1]),
        Op::Rem => mul::rem(g, format, x[0], x[1]),
        Op::Remainder => remainder::remainder(g, format, x[0], x[1]),
        Op::Sqrt => mul::sqrt(g, format, x[0]),
        Op::Fma => mul::fma(g, format, x[0], x[1], x[2]),
        Op::Min => compare::extreme(g, format, x[0], x[1], false),
        Op::Max => compare::extreme(g, format, x[0], x[1], true),
        Op::Minimum => compare::extreme_or_nan(g, format, x[0], x[1], false),
        Op::Maximum => compare::extreme_or_nan(g, format, x[0], x[1], true),
        Op::Lt => vec![compare::less(g, format, x[0], x[1])],
        Op::Le => vec![compare::less_equal(g, format, x[0], x[1])],
        Op::Eq => vec![compare::equal(g, format, x[0], x[1])],
        Op::Floor => parts::integral(g, format, x[0], Integral::Floor),
        Op::Ceil => parts::integral(g, format, x[0], Integral::Ceil),
        Op::Round => parts::integral(g, format, x[0], Integral::Round),
        Op::RoundEven => parts::integral(g, format, x[0], Integral::RoundEven),
        Op::Trunc => parts::integral(g, format, x[0], Integral::Trunc),
        Op::CopySign => parts::copy_sign(g, format, x[0], x[1]),
        Op::Scale2 => parts::scale2(g, format, x[0], x[1].bits),
        Op::Exponent => parts::exponent(g, format, x[0]),
        Op::Significand => parts::significand(g, format, x[0]),
        Op::IsNan => vec![parts::class(g, format, x[0]).nan],
        Op::IsInf => vec![parts::class(g, format, x[0]).infinite],
        Op::IsFinite => {
            let class = parts::class(g, format, x[0]);
            let special = g.or(class.nan, class.infinite);
            vec![g.not(special)]
        }
        Op::IsNegative => vec![parts::is_negative(g, format, x[0])],
        Op::IsZero => vec![parts::class(g, format, x[0]).zero],
        Op::IsSubnormal => vec![parts::is_subnormal(g, format, x[0])],
        Op::IsNormal => vec![parts::is_normal(g, format, x[0])],
        Op::Sum => match x {
            [only] => canonical(g, format, *only),
            [a, b] => add::add(g, format, *a, *b, false),
            _ => sum::sum(g, format, x),
        },
        Op::Dot => match x {
            [a, b] => mul::mul(g, format, *a, *b),
            [a, b, c, d] => mul::dot2(g, format, [*a, *b], [*c, *d]),
            _ => sum::dot(g, format, x),
        },
        Op::Input(_)
        | Op::Constant(_)
        | Op::And
        | Op::Or
        | Op::Xor
        | Op::Not
        | Op::ShlConst(_)
        | Op::ShrConst(_)
        | Op::Shl
        | Op::Shr
        | Op::Select
        | Op::Convert
        | Op::Reinterpret
        | Op::Table(_) => unreachable!("the float IR has no {op:?} on floats"),
    }
}

fn apply_whole(g: &mut Gates<'_>, op: &Op, ty: Scalar, operands: &[Operand<'_>]) -> Bits {
    let x: Vec<&[Wire]> = operands.iter().map(|operand| operand.bits).collect();
    let width = ty.width() as usize;
    let shape = match ty {
        Scalar::Int(_) => Shape { signed: true, fraction: 0 },
        Scalar::Fixed { fraction, .. } => Shape { signed: true, fraction: fraction as usize },
        Scalar::Bool | Scalar::Uint(_) | Scalar::Float(_) => Shape { signed: false, fraction: 0 },
    };
    match op {
        Op::Neg => {
            let one = g.bit(true);
            g.negate_if(x[0], one).0
        }
        Op::Abs => {
            let sign = if shape.signed { x[0][width - 1] } else { g.bit(false) };
            g.negate_if(x[0], sign).0
        }
        Op::Add => g.sum(x[0], x[1]),
        Op::Sub => g.sub(x[0], x[1]).0,
        Op::Mul => integer::sum_of_products(g, shape, width, &[(x[0], x[1])], None),
        Op::Fma => integer::sum_of_products(g, shape, width, &[(x[0], x[1])], Some(x[2])),
        Op::Dot => {
            let pairs: Vec<_> = x.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect();
            integer::sum_of_products(g, shape, width, &pairs, None)
        }
        Op::Sum => {
            let zero = g.zeros(width);
            x.iter().fold(zero, |sum, word| g.sum(&sum, word))
        }
        Op::Div => integer::quotient(g, shape, x[0], x[1]),
        Op::Rem => integer::remainder(g, shape, x[0], x[1]),
        Op::Sqrt => integer::root(g, shape, x[0]),
        Op::Min | Op::Minimum => integer::extreme(g, shape, x[0], x[1], false),
        Op::Max | Op::Maximum => integer::extreme(g, shape, x[0], x[1], true),
        Op::IsZero => {
            let some = g.any(x[0]);
            vec![g.not(some)]
        }
        Op::Lt => vec![integer::less(g, shape, x[0], x[1])],
        Op::Le => {
            let above = integer::less(g, shape, x[1], x[0]);
            vec![g.not(above)]
        }
        Op::Eq => vec![g.equal(x[0], x[1])],
        Op::And => x[0].iter().zip(x[1]).map(|(&a, &b)| g.and(a, b)).collect(),
        Op::Or => x[0].iter().zip(x[1]).map(|(&a, &b)| g.or(a, b)).collect(),
        Op::Xor => x[0].iter().zip(x[1]).map(|(&a, &b)| g.xor(a, b)).collect(),
        Op::Not => x[0].iter().map(|&a| g.not(a)).collect(),
        Op::ShlConst(amount) => integer::shift_constant(g, shape, x[0], *amount, true),
        Op::ShrConst(amount) => integer::shift_constant(g, shape, x[0], *amount, false),
        Op::Shl => integer::shift(g, shape, x[0], x[1], true),
        Op::Shr => integer::shift(g, shape, x[0], x[1], false),
        Op::Floor => integer::integral(g, shape, x[0], Integral::Floor),
        Op::Ceil => integer::integral(g, shape, x[0], Integral::Ceil),
        Op::Round => integer::integral(g, shape, x[0], Integral::Round),
        Op::RoundEven => integer::integral(g, shape, x[0], Integral::RoundEven),
        Op::Trunc => integer::integral(g, shape, x[0], Integral::Trunc),
        Op::Input(_)
        | Op::Constant(_)
        | Op::Select
        | Op::Convert
        | Op::Reinterpret
        | Op::CopySign
        | Op::Scale2
        | Op::Exponent
        | Op::Significand
        | Op::IsNan
        | Op::IsInf
        | Op::IsFinite
        | Op::IsNegative
        | Op::IsSubnormal
        | Op::IsNormal
        | Op::Remainder
        | Op::Table(_) => unreachable!("the float IR has no {op:?} on {ty}"),
    }
}
