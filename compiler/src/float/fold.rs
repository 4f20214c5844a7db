//! Constant folding on exact values.

use num_bigint::{BigInt, BigUint};
use num_rational::Ratio;
use num_traits::{Signed as _, ToPrimitive as _, Zero as _};

use super::fir::Op;
use crate::gadgets::format::{Real, Rounding, Scalar};

/// The result of `op` with result type `ty` on constant operands.
pub fn evaluate(op: &Op, ty: Scalar, operands: &[(Scalar, BigUint)]) -> BigUint {
    let bit = |index: usize| !operands[index].1.is_zero();
    let real = |index: usize| match operands[index].0.decode(&operands[index].1) {
        Real::Finite(value) => value,
        Real::NegativeZero | Real::Infinity { .. } | Real::Nan => Ratio::zero(),
    };
    let truth = |value: bool| BigUint::from(u8::from(value));
    let ones = (BigUint::from(1_u8) << ty.width()) - 1_u8;
    match op {
        Op::Lt => truth(real(0) < real(1)),
        Op::Le => truth(real(0) <= real(1)),
        Op::Eq => truth(real(0) == real(1)),
        Op::And => &operands[0].1 & &operands[1].1,
        Op::Or => &operands[0].1 | &operands[1].1,
        Op::Xor => &operands[0].1 ^ &operands[1].1,
        Op::Not => &operands[0].1 ^ ones,
        Op::Select => operands[if bit(0) { 1 } else { 2 }].1.clone(),
        Op::Reinterpret => operands[0].1.clone(),
        Op::Add => round(ty, &(real(0) + real(1))),
        Op::Sub => round(ty, &(real(0) - real(1))),
        Op::Mul => round(ty, &(real(0) * real(1))),
        Op::Fma => round(ty, &(real(0) * real(1) + real(2))),
        Op::Div | Op::Rem if real(1).is_zero() => BigUint::ZERO,
        Op::Div if matches!(ty, Scalar::Int(_) | Scalar::Uint(_)) => round(ty, &(real(0) / real(1)).trunc()),
        Op::Div => round(ty, &(real(0) / real(1))),
        Op::Rem => round(ty, &(real(0) - (real(0) / real(1)).trunc() * real(1))),
        Op::Neg if matches!(ty, Scalar::Float(format) if format.has_signed_zero()) => {
            &operands[0].1 ^ (BigUint::from(1_u8) << (ty.width() - 1))
        }
        Op::Neg => round(ty, &-real(0)),
        Op::Abs => round(ty, &real(0).abs()),
        Op::Min => round(ty, &real(0).min(real(1))),
        Op::Max => round(ty, &real(0).max(real(1))),
        Op::Convert if matches!(ty, Scalar::Int(_) | Scalar::Uint(_)) => {
            ty.round_to(&real(0).trunc(), Rounding::TowardZero)
        }
        Op::Convert => round(ty, &real(0)),
        Op::Floor => round(ty, &real(0).floor()),
        Op::Ceil => round(ty, &real(0).ceil()),
        Op::Round => round(ty, &real(0).round()),
        Op::Trunc => round(ty, &real(0).trunc()),
        Op::ShlConst(by) => (&operands[0].1 << by) & ones,
        Op::ShrConst(by) => &operands[0].1 >> by,
        Op::Shl => (&operands[0].1 << operands[1].1.to_u32().unwrap_or(300).min(300)) & ones,
        Op::Shr => &operands[0].1 >> operands[1].1.to_u32().unwrap_or(300).min(300),
        Op::Sum => round(ty, &(0..operands.len()).fold(Ratio::zero(), |sum, index| sum + real(index))),
        Op::Dot => round(
            ty,
            &(0..operands.len() / 2)
                .fold(Ratio::zero(), |sum, index| sum + real(2 * index) * real(2 * index + 1)),
        ),
        Op::IsNan => truth(false),
        Op::IsInf => truth(false),
        Op::IsFinite => truth(true),
        Op::IsNegative => truth(real(0).is_negative()),
        Op::CopySign => round(ty, &(if real(1).is_negative() { -real(0).abs() } else { real(0).abs() })),
        Op::Input(_) | Op::Constant(_) | Op::Sqrt | Op::Scale2 | Op::Exponent | Op::Significand => {
            operands[0].1.clone()
        }
    }
}

fn round(ty: Scalar, value: &Ratio<BigInt>) -> BigUint {
    match ty {
        Scalar::Float(format) => ty.round_to(value, format.rounding()),
        Scalar::Fixed { fraction, .. } => {
            wrap(ty, &(value * BigInt::from(BigInt::from(1) << fraction)).floor())
        }
        Scalar::Bool | Scalar::Int(_) | Scalar::Uint(_) => wrap(ty, value),
    }
}

fn wrap(ty: Scalar, value: &Ratio<BigInt>) -> BigUint {
    let modulus: BigInt = BigInt::from(1) << ty.width();
    let wrapped: BigInt = ((value.numer() % &modulus) + &modulus) % &modulus;
    wrapped.to_biguint().unwrap_or_default()
}
