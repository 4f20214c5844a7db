//! What the bits of an encoding stand for, exactly, and how an exact value is rounded to a type. Integers and
//! rationals only: no machine floats.
//!
//! Two roundings live here. [`Scalar::encode`] is for literals and table cells: the nearest value of the type, ties to
//! even, whatever the type's own direction. [`Scalar::round_to`] is what an operation of the type does with its exact
//! result.

use num_bigint::{BigInt, BigUint, Sign};
use num_integer::Integer as _;
use num_rational::Ratio;
use num_traits::{One as _, Signed as _, Zero as _};
use thiserror::Error;

use super::format::{Family, FloatFormat, Rounding, Scalar, ones};

/// The value of an encoding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Real {
    /// A number; zero is the positive one.
    Finite(Ratio<BigInt>),
    /// Minus zero.
    NegativeZero,
    /// An infinity.
    Infinity {
        /// Minus infinity.
        negative: bool,
    },
    /// Not a number.
    Nan,
}

/// An exact value, rounded to a type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Encoded {
    /// The encoding.
    pub bits: BigUint,
    /// Whether the encoding stands for exactly the value asked for.
    pub exact: bool,
}

/// A value that a finite type cannot come near to.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("the value is outside {ty}, which holds {low} to {high}")]
pub struct Overflow {
    /// The type.
    pub ty: Scalar,
    /// Its smallest value.
    pub low: String,
    /// Its largest value.
    pub high: String,
}

impl Scalar {
    /// The exact value of an encoding; bits above the width are ignored.
    pub fn decode(self, bits: &BigUint) -> Real {
        let bits = bits & ones(self.width());
        match self {
            Scalar::Bool | Scalar::Uint(_) => Real::Finite(Ratio::from_integer(bits.into())),
            Scalar::Int(width) => Real::Finite(Ratio::from_integer(signed(&bits, width))),
            Scalar::Fixed { integer, fraction } => {
                Real::Finite(scaled(&signed(&bits, integer + fraction), -i64::from(fraction)))
            }
            Scalar::Float(format) => decode_float(format, &bits),
        }
    }

    /// The nearest value of the type, ties to even; too large a value is an infinity in IEEE types and NaN in E4M3.
    ///
    /// # Errors
    /// If the value is too large and the type is finite.
    pub fn encode(self, value: &Ratio<BigInt>) -> Result<Encoded, Overflow> {
        self.nearest(value).ok_or_else(|| self.overflow())
    }

    /// Like [`Scalar::encode`] for special values too: none if the type has nothing like it. The sign of a zero is
    /// kept where zeros have one and dropped where they do not.
    pub fn encode_real(self, value: &Real) -> Option<Encoded> {
        let exact = |bits| Encoded { bits, exact: true };
        match value {
            Real::Finite(value) => self.nearest(value),
            Real::NegativeZero => Some(exact(match self {
                Scalar::Float(format) if format.has_signed_zero() => format.sign_bit(),
                Scalar::Float(_) | Scalar::Bool | Scalar::Fixed { .. } | Scalar::Int(_) | Scalar::Uint(_) => {
                    BigUint::ZERO
                }
            })),
            Real::Infinity { negative } => {
                let format = self.as_float()?;
                format.infinity().map(|bits| exact(with_sign(format, bits, *negative)))
            }
            Real::Nan => self.as_float()?.nan().map(exact),
        }
    }

    /// The exact value rounded as an operation of this type would do in direction `direction`, with the type's own
    /// overflow and underflow: a result that is below the smallest normal after rounding to the precision is zero in
    /// formats without subnormals. Integers and fixed-point saturate. A zero that comes from a negative value is
    /// negative where zeros are signed.
    pub fn round_to(self, value: &Ratio<BigInt>, direction: Rounding) -> BigUint {
        match self {
            Scalar::Float(format) => round_float(format, value, direction),
            Scalar::Bool | Scalar::Fixed { .. } | Scalar::Int(_) | Scalar::Uint(_) => {
                let (low, high) = self.integer_range();
                let (negative, magnitude) = parts(value);
                let (rounded, _) = round_magnitude(&magnitude, -self.fraction(), negative, direction);
                wrap(&with_negation(rounded, negative).clamp(low, high), self.width())
            }
        }
    }

    /// The smallest and the largest finite value, exactly.
    pub fn finite_range(self) -> (Ratio<BigInt>, Ratio<BigInt>) {
        match self {
            Scalar::Float(format) => {
                let largest = match decode_float(format, &format.max_finite()) {
                    Real::Finite(value) => value,
                    Real::NegativeZero | Real::Infinity { .. } | Real::Nan => Ratio::zero(),
                };
                (-largest.clone(), largest)
            }
            Scalar::Bool | Scalar::Fixed { .. } | Scalar::Int(_) | Scalar::Uint(_) => {
                let (low, high) = self.integer_range();
                (scaled(&low, -self.fraction()), scaled(&high, -self.fraction()))
            }
        }
    }

    /// Nearest even; none if a finite type cannot hold it.
    fn nearest(self, value: &Ratio<BigInt>) -> Option<Encoded> {
        match self {
            Scalar::Float(format) => nearest_float(format, value),
            Scalar::Bool | Scalar::Fixed { .. } | Scalar::Int(_) | Scalar::Uint(_) => {
                let (low, high) = self.integer_range();
                let (negative, magnitude) = parts(value);
                let (rounded, exact) =
                    round_magnitude(&magnitude, -self.fraction(), negative, Rounding::NearestEven);
                let whole = with_negation(rounded, negative);
                (low <= whole && whole <= high).then(|| Encoded { bits: wrap(&whole, self.width()), exact })
            }
        }
    }

    pub(super) fn overflow(self) -> Overflow {
        let (low, high) = self.limits();
        Overflow { ty: self, low, high }
    }

    /// Bits behind the point.
    fn fraction(self) -> i64 {
        match self {
            Scalar::Fixed { fraction, .. } => i64::from(fraction),
            Scalar::Bool | Scalar::Float(_) | Scalar::Int(_) | Scalar::Uint(_) => 0,
        }
    }

    /// Smallest and largest encoding of an integer or fixed-point type, read as an integer.
    fn integer_range(self) -> (BigInt, BigInt) {
        let width = self.width();
        match self {
            Scalar::Bool | Scalar::Uint(_) => (BigInt::ZERO, ones(width).into()),
            Scalar::Int(_) | Scalar::Fixed { .. } | Scalar::Float(_) => {
                let half = BigInt::one() << (width - 1);
                (-half.clone(), half - 1)
            }
        }
    }
}

/// `value * 2^exponent`.
pub(super) fn scaled(value: &BigInt, exponent: i64) -> Ratio<BigInt> {
    let power = BigInt::one() << exponent.unsigned_abs();
    if exponent >= 0 { Ratio::from_integer(value * power) } else { Ratio::new(value.clone(), power) }
}

/// Two's complement bits to an integer.
pub(super) fn signed(bits: &BigUint, width: u32) -> BigInt {
    let value = BigInt::from(bits.clone());
    if bits.bit(u64::from(width) - 1) { value - (BigInt::one() << width) } else { value }
}

/// An integer to its lowest `width` bits, two's complement.
pub(super) fn wrap(value: &BigInt, width: u32) -> BigUint {
    value.mod_floor(&(BigInt::one() << width)).into_parts().1
}

fn with_negation(magnitude: BigUint, negative: bool) -> BigInt {
    BigInt::from_biguint(if negative { Sign::Minus } else { Sign::Plus }, magnitude)
}

fn with_sign(format: FloatFormat, magnitude: BigUint, negative: bool) -> BigUint {
    if negative { magnitude | format.sign_bit() } else { magnitude }
}

/// Sign and magnitude.
fn parts(value: &Ratio<BigInt>) -> (bool, Ratio<BigUint>) {
    let magnitude = Ratio::new_raw(value.numer().magnitude().clone(), value.denom().magnitude().clone());
    (value.is_negative(), magnitude)
}

/// An encoding without its sign; the unused pattern of `f8e4m3<finite>` is that of the largest magnitude.
pub(super) fn magnitude_of(format: FloatFormat, bits: &BigUint) -> BigUint {
    let magnitude = bits & ones(format.width() - 1);
    if format.family == (Family::E4m3 { finite: true }) {
        magnitude.min(format.max_finite())
    } else {
        magnitude
    }
}

fn decode_float(format: FloatFormat, bits: &BigUint) -> Real {
    let negative = bits.bit(u64::from(format.width()) - 1);
    let magnitude = magnitude_of(format, bits);
    let fraction = &magnitude & ones(format.fraction_bits());
    let field =
        i64::try_from(&magnitude >> format.fraction_bits()).expect("bounded: at most 15 exponent bits");
    if magnitude > format.max_finite() {
        return match format.infinity() {
            Some(infinity) if infinity == magnitude => Real::Infinity { negative },
            Some(_) | None => Real::Nan,
        };
    }
    let zero = if format.has_subnormals() { magnitude.is_zero() } else { field == 0 };
    if zero {
        return if negative && format.has_signed_zero() {
            Real::NegativeZero
        } else {
            Real::Finite(Ratio::zero())
        };
    }
    let hidden = BigUint::from(u32::from(field > 0)) << format.fraction_bits();
    let significand = with_negation(hidden | fraction, negative);
    let exponent = field.max(1) - format.bias() - i64::from(format.fraction_bits());
    Real::Finite(scaled(&significand, exponent))
}

/// `magnitude / 2^unit` rounded to an integer, and whether that is exact.
fn round_magnitude(
    magnitude: &Ratio<BigUint>,
    unit: i64,
    negative: bool,
    direction: Rounding,
) -> (BigUint, bool) {
    let shift = unit.unsigned_abs();
    let (numerator, denominator) = if unit >= 0 {
        (magnitude.numer().clone(), magnitude.denom() << shift)
    } else {
        (magnitude.numer() << shift, magnitude.denom().clone())
    };
    let (floor, rest) = numerator.div_rem(&denominator);
    let exact = rest.is_zero();
    let twice: BigUint = rest << 1_u32;
    let up = match direction {
        Rounding::NearestEven => twice > denominator || (twice == denominator && floor.bit(0)),
        Rounding::NearestAway => twice >= denominator,
        Rounding::TowardZero => false,
        Rounding::Up => !exact && !negative,
        Rounding::Down => !exact && negative,
    };
    (floor + u32::from(up), exact)
}

/// Floor of the binary logarithm of a positive value.
fn binary_exponent(magnitude: &Ratio<BigUint>) -> i64 {
    let bits = |value: &BigUint| i64::try_from(value.bits()).expect("bounded: bits of an integer in memory");
    let guess = bits(magnitude.numer()) - bits(magnitude.denom());
    let shift = guess.unsigned_abs();
    let reached = if guess >= 0 {
        magnitude.numer() >= &(magnitude.denom() << shift)
    } else {
        &(magnitude.numer() << shift) >= magnitude.denom()
    };
    if reached { guess } else { guess - 1 }
}

/// A positive value rounded to the precision: the integer `m` and unit `q` of `m 2^q`, and whether it is exact. In
/// formats with subnormals the unit is at least that of the subnormals, in others exponents are unbounded.
fn round_precision(
    format: FloatFormat,
    magnitude: &Ratio<BigUint>,
    negative: bool,
    direction: Rounding,
) -> (BigUint, i64, bool) {
    let exponent = binary_exponent(magnitude);
    let floor = if format.has_subnormals() { exponent.max(format.min_exponent()) } else { exponent };
    let unit = floor - i64::from(format.fraction_bits());
    let (mut integer, exact) = round_magnitude(magnitude, unit, negative, direction);
    let mut unit = unit;
    if integer.bits() > u64::from(format.precision) {
        integer >>= 1_u32;
        unit += 1;
    }
    (integer, unit, exact)
}

/// The magnitude's encoding; none on overflow. Below the smallest normal without subnormals: zero.
fn pack(format: FloatFormat, integer: &BigUint, unit: i64) -> Option<BigUint> {
    let exponent = unit + i64::from(format.fraction_bits());
    let field = exponent + format.bias();
    if integer.bits() < u64::from(format.precision) {
        return Some(integer.clone());
    }
    if field < 1 {
        return Some(BigUint::ZERO);
    }
    if field > format.max_exponent_field() {
        return None;
    }
    let fraction = integer & ones(format.fraction_bits());
    let bits = (BigUint::from(field.unsigned_abs()) << format.fraction_bits()) | fraction;
    (bits <= format.max_finite()).then_some(bits)
}

fn round_float(format: FloatFormat, value: &Ratio<BigInt>, direction: Rounding) -> BigUint {
    if value.is_zero() {
        return BigUint::ZERO;
    }
    let (negative, magnitude) = parts(value);
    let (integer, unit, _) = round_precision(format, &magnitude, negative, direction);
    match pack(format, &integer, unit) {
        Some(bits) if bits.is_zero() && !format.has_signed_zero() => bits,
        Some(bits) => with_sign(format, bits, negative),
        None => overflowed(format, negative, direction),
    }
}

/// The result of an operation that overflows.
fn overflowed(format: FloatFormat, negative: bool, direction: Rounding) -> BigUint {
    let away = match direction {
        Rounding::NearestEven | Rounding::NearestAway => true,
        Rounding::TowardZero => false,
        Rounding::Up => !negative,
        Rounding::Down => negative,
    };
    let bits = match format.family {
        Family::E4m3 { finite: false } if away => return ones(format.width() - 1),
        Family::Ieee { finite: false, .. } if away => ones(format.exponent_bits) << format.fraction_bits(),
        Family::Paper | Family::Ieee { .. } | Family::E4m3 { .. } => format.max_finite(),
    };
    with_sign(format, bits, negative)
}

fn nearest_float(format: FloatFormat, value: &Ratio<BigInt>) -> Option<Encoded> {
    if value.is_zero() {
        return Some(Encoded { bits: BigUint::ZERO, exact: true });
    }
    let (negative, magnitude) = parts(value);
    let (integer, unit, exact) = round_precision(format, &magnitude, negative, Rounding::NearestEven);
    let Some(bits) = pack(format, &integer, unit) else {
        let beyond = || Encoded { bits: overflowed(format, negative, Rounding::NearestEven), exact: false };
        return (!format.saturates()).then(beyond);
    };
    if !format.has_subnormals() && bits.is_zero() {
        // The nearest values are zero and the smallest normal; zero is the even one.
        let half = scaled(&BigInt::one(), format.min_exponent() - 1);
        let smallest = BigUint::one() << format.fraction_bits();
        let bits = if value.abs() > half { smallest } else { BigUint::ZERO };
        let bits = if bits.is_zero() && !format.has_signed_zero() {
            bits
        } else {
            with_sign(format, bits, negative)
        };
        return Some(Encoded { bits, exact: false });
    }
    Some(Encoded { bits: with_sign(format, bits, negative), exact })
}
