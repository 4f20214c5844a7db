//! The scalar types: their notation, their limits, and the figures that follow from a format. How values are encoded
//! in bits is in [`super::codec`], how they are written and read in [`super::text`].

use std::fmt;

use num_bigint::BigUint;
use num_traits::One as _;
use thiserror::Error;

pub use super::codec::{Encoded, Overflow, Real};
pub use super::text::{CellError, parse_real};

/// A scalar type: what one column of a table holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scalar {
    /// One bit.
    Bool,
    /// Any of the float families.
    Float(FloatFormat),
    /// `fixed<I, F>`: two's complement, `integer` bits counting the sign, `fraction` bits.
    Fixed {
        /// Bits before the point, counting the sign; at least 1.
        integer: u32,
        /// Bits behind the point.
        fraction: u32,
    },
    /// `int<N>`: two's complement.
    Int(u32),
    /// `uint<N>`.
    Uint(u32),
}

/// A floating-point format: `1 + exponent_bits + (precision - 1)` bits; sign on top, then the biased exponent, then
/// the fraction (`language.md`, Types).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FloatFormat {
    /// Exponent field width, 2 to 15; the bias is `2^(E-1) - 1`.
    pub exponent_bits: u32,
    /// Precision in bits counting the leading one, 2 to 113.
    pub precision: u32,
    /// Which arithmetic.
    pub family: Family,
}

/// The float families of the language.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Family {
    /// `float<E, P>`: the paper's arithmetic. Finite, one zero (all bits 0), no subnormals, the exact result rounded
    /// toward zero, overflow saturates, underflow gives zero.
    Paper,
    /// `ieee<E, P, ..>`.
    Ieee {
        /// The rounding direction of every operation.
        rounding: Rounding,
        /// Subnormals are zero.
        flush: bool,
        /// No infinities or NaN: overflow saturates, the all-ones exponent is ordinary.
        finite: bool,
    },
    /// OCP E4M3 (`f8e4m3`): no infinities, all-ones is NaN, overflow gives NaN.
    E4m3 {
        /// Overflow saturates instead, and so does the pattern of all ones: it stands for the largest magnitude, and no
        /// operation gives it. There is no NaN.
        finite: bool,
    },
}

/// IEEE-754 rounding directions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Rounding {
    /// To nearest, ties to even.
    NearestEven,
    /// To nearest, ties away from zero.
    NearestAway,
    /// Truncation.
    TowardZero,
    /// Toward plus infinity.
    Up,
    /// Toward minus infinity.
    Down,
}

/// Smallest and largest exponent field width.
pub const EXPONENT_BITS: (u32, u32) = (2, 15);
/// Smallest and largest precision.
pub const PRECISION: (u32, u32) = (2, 113);
/// Widest integer and fixed-point type.
pub const MAX_INTEGER_BITS: u32 = 256;

/// A width outside the limits of the language.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{what} is {found}, but must be from {low} to {high}")]
pub struct WidthError {
    /// Which width: `exponent width`, `precision`, ...
    pub what: &'static str,
    /// What was asked for.
    pub found: u32,
    /// The smallest allowed.
    pub low: u32,
    /// The largest allowed.
    pub high: u32,
}

fn check(what: &'static str, found: u32, (low, high): (u32, u32)) -> Result<(), WidthError> {
    if (low..=high).contains(&found) { Ok(()) } else { Err(WidthError { what, found, low, high }) }
}

impl Family {
    /// IEEE-754 as everyone has it: to nearest even, subnormals, infinities, NaN.
    pub const PLAIN: Family = Family::Ieee { rounding: Rounding::NearestEven, flush: false, finite: false };
}

impl Rounding {
    /// All five, in the order of the language reference.
    pub const ALL: [Rounding; 5] =
        [Rounding::NearestEven, Rounding::NearestAway, Rounding::TowardZero, Rounding::Up, Rounding::Down];

    /// As written in `ieee<E, P, ..>`.
    pub const fn name(self) -> &'static str {
        match self {
            Rounding::NearestEven => "nearest_even",
            Rounding::NearestAway => "nearest_away",
            Rounding::TowardZero => "toward_zero",
            Rounding::Up => "up",
            Rounding::Down => "down",
        }
    }
}

impl FloatFormat {
    /// A format within the limits of the language: 2 to 15 exponent bits, precision 2 to 113.
    ///
    /// # Errors
    /// If a width is outside those limits.
    pub fn new(exponent_bits: u32, precision: u32, family: Family) -> Result<FloatFormat, WidthError> {
        check("the exponent width", exponent_bits, EXPONENT_BITS)?;
        check("the precision", precision, PRECISION)?;
        Ok(FloatFormat { exponent_bits, precision, family })
    }

    /// Total width in bits.
    pub const fn width(self) -> u32 {
        self.exponent_bits + self.precision
    }

    /// Width of the stored fraction, `P - 1`.
    pub const fn fraction_bits(self) -> u32 {
        self.precision - 1
    }

    /// The exponent bias, `2^(E-1) - 1`.
    pub const fn bias(self) -> i64 {
        (1 << (self.exponent_bits - 1)) - 1
    }

    /// The unbiased exponent of the smallest normal value.
    pub const fn min_exponent(self) -> i64 {
        1 - self.bias()
    }

    /// The largest exponent field of a finite value.
    pub const fn max_exponent_field(self) -> i64 {
        let ones = (1 << self.exponent_bits) - 1;
        if self.has_infinity() { ones - 1 } else { ones }
    }

    /// Whether the all-ones exponent holds infinities and NaN.
    pub const fn has_infinity(self) -> bool {
        matches!(self.family, Family::Ieee { finite: false, .. })
    }

    /// Whether there is a NaN.
    pub const fn has_nan(self) -> bool {
        matches!(self.family, Family::Ieee { finite: false, .. } | Family::E4m3 { finite: false })
    }

    /// Whether values below the smallest normal are kept.
    pub const fn has_subnormals(self) -> bool {
        matches!(self.family, Family::Ieee { flush: false, .. } | Family::E4m3 { .. })
    }

    /// Whether zeros carry a sign.
    pub const fn has_signed_zero(self) -> bool {
        !matches!(self.family, Family::Paper)
    }

    /// Whether overflow gives the largest magnitude whatever the rounding direction.
    pub const fn saturates(self) -> bool {
        matches!(
            self.family,
            Family::Paper | Family::Ieee { finite: true, .. } | Family::E4m3 { finite: true }
        )
    }

    /// The direction in which operations round.
    pub const fn rounding(self) -> Rounding {
        match self.family {
            Family::Paper => Rounding::TowardZero,
            Family::Ieee { rounding, .. } => rounding,
            Family::E4m3 { .. } => Rounding::NearestEven,
        }
    }

    /// Encoding of the largest finite value.
    pub fn max_finite(self) -> BigUint {
        let exponent = BigUint::from(self.max_exponent_field().unsigned_abs());
        let fraction = ones(self.fraction_bits()) - u32::from(matches!(self.family, Family::E4m3 { .. }));
        (exponent << self.fraction_bits()) | fraction
    }

    /// Encoding of plus infinity, where there is one.
    pub fn infinity(self) -> Option<BigUint> {
        self.has_infinity().then(|| ones(self.exponent_bits) << self.fraction_bits())
    }

    /// Encoding of the one NaN that operations give, where there is one: sign 0, exponent all ones, top fraction bit
    /// (for E4M3 all ones).
    pub fn nan(self) -> Option<BigUint> {
        match self.family {
            Family::Ieee { finite: false, .. } => {
                Some((ones(self.exponent_bits + 1) << (self.fraction_bits() - 1)) & ones(self.width() - 1))
            }
            Family::E4m3 { finite: false } => Some(ones(self.width() - 1)),
            Family::Paper | Family::Ieee { finite: true, .. } | Family::E4m3 { finite: true } => None,
        }
    }

    /// Encoding of the sign bit alone.
    pub fn sign_bit(self) -> BigUint {
        BigUint::one() << (self.width() - 1)
    }
}

/// `2^bits - 1`.
pub(super) fn ones(bits: u32) -> BigUint {
    (BigUint::one() << bits) - 1_u32
}

impl Scalar {
    /// A float type within the limits.
    ///
    /// # Errors
    /// If a width is outside the limits.
    pub fn float(exponent_bits: u32, precision: u32, family: Family) -> Result<Scalar, WidthError> {
        FloatFormat::new(exponent_bits, precision, family).map(Scalar::Float)
    }

    /// `int<bits>`, 1 to 256 bits.
    ///
    /// # Errors
    /// If the width is outside the limits.
    pub fn int(bits: u32) -> Result<Scalar, WidthError> {
        check("the width", bits, (1, MAX_INTEGER_BITS))?;
        Ok(Scalar::Int(bits))
    }

    /// `uint<bits>`, 1 to 256 bits.
    ///
    /// # Errors
    /// If the width is outside the limits.
    pub fn uint(bits: u32) -> Result<Scalar, WidthError> {
        check("the width", bits, (1, MAX_INTEGER_BITS))?;
        Ok(Scalar::Uint(bits))
    }

    /// `fixed<integer, fraction>`: at least one integer bit, 256 bits at most.
    ///
    /// # Errors
    /// If a width is outside the limits.
    pub fn fixed(integer: u32, fraction: u32) -> Result<Scalar, WidthError> {
        check("the integer width", integer, (1, MAX_INTEGER_BITS))?;
        check("the fraction width", fraction, (0, MAX_INTEGER_BITS - integer))?;
        Ok(Scalar::Fixed { integer, fraction })
    }

    /// Bits of an encoding.
    pub const fn width(self) -> u32 {
        match self {
            Scalar::Bool => 1,
            Scalar::Float(format) => format.width(),
            Scalar::Fixed { integer, fraction } => integer + fraction,
            Scalar::Int(bits) | Scalar::Uint(bits) => bits,
        }
    }

    /// The float format, if this is a float type.
    pub const fn as_float(self) -> Option<FloatFormat> {
        match self {
            Scalar::Float(format) => Some(format),
            Scalar::Bool | Scalar::Fixed { .. } | Scalar::Int(_) | Scalar::Uint(_) => None,
        }
    }

    /// Reads the notation of the language: what [`fmt::Display`] writes, and the other ways to write the same type
    /// (`ieee<5, 11>`, arguments in any order, any spacing). Widths outside the limits give none.
    pub fn parse(text: &str) -> Option<Scalar> {
        let compact: String = text.split_whitespace().collect();
        let (name, arguments) = match compact.strip_suffix('>') {
            Some(open) => {
                let (name, list) = open.split_once('<')?;
                (name, list.split(',').collect::<Vec<_>>())
            }
            None => (compact.as_str(), Vec::new()),
        };
        let number = |index: usize| arguments.get(index).and_then(|text| parse_width(text));
        match (name, arguments.len()) {
            ("bool", 0) => Some(Scalar::Bool),
            ("f16", 0) => Scalar::float(5, 11, Family::PLAIN).ok(),
            ("bf16", 0) => Scalar::float(8, 8, Family::PLAIN).ok(),
            ("f32", 0) => Scalar::float(8, 24, Family::PLAIN).ok(),
            ("f64", 0) => Scalar::float(11, 53, Family::PLAIN).ok(),
            ("f8e5m2", 0) => Scalar::float(5, 3, Family::PLAIN).ok(),
            ("f8e4m3", 0) => Scalar::float(4, 4, Family::E4m3 { finite: false }).ok(),
            ("f8e4m3", 1) if arguments == ["finite"] => {
                Scalar::float(4, 4, Family::E4m3 { finite: true }).ok()
            }
            ("float", 2) => Scalar::float(number(0)?, number(1)?, Family::Paper).ok(),
            ("ieee", 2..) => Scalar::float(number(0)?, number(1)?, parse_family(&arguments[2..])?).ok(),
            ("fixed", 2) => Scalar::fixed(number(0)?, number(1)?).ok(),
            ("int", 1) => Scalar::int(number(0)?).ok(),
            ("uint", 1) => Scalar::uint(number(0)?).ok(),
            _ => None,
        }
    }
}

fn parse_width(text: &str) -> Option<u32> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

/// The further arguments of `ieee<E, P, ..>`: at most one direction, `flush` and `finite`, each once.
fn parse_family(arguments: &[&str]) -> Option<Family> {
    let (mut direction, mut flush, mut finite) = (None, false, false);
    for &argument in arguments {
        match argument {
            "flush" if !flush => flush = true,
            "finite" if !finite => finite = true,
            name => {
                let found = Rounding::ALL.into_iter().find(|rounding| rounding.name() == name)?;
                if direction.replace(found).is_some() {
                    return None;
                }
            }
        }
    }
    Some(Family::Ieee { rounding: direction.unwrap_or(Rounding::NearestEven), flush, finite })
}

impl fmt::Display for FloatFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (exponent, precision) = (self.exponent_bits, self.precision);
        match self.family {
            Family::Paper => write!(f, "float<{exponent}, {precision}>"),
            Family::E4m3 { finite: false } => f.write_str("f8e4m3"),
            Family::E4m3 { finite: true } => f.write_str("f8e4m3<finite>"),
            Family::Ieee { rounding, flush, finite } => {
                let short = match (exponent, precision) {
                    (5, 11) => "f16",
                    (8, 8) => "bf16",
                    (8, 24) => "f32",
                    (11, 53) => "f64",
                    (5, 3) => "f8e5m2",
                    _ => "",
                };
                if self.family == Family::PLAIN && !short.is_empty() {
                    return f.write_str(short);
                }
                write!(f, "ieee<{exponent}, {precision}")?;
                if rounding != Rounding::NearestEven {
                    write!(f, ", {}", rounding.name())?;
                }
                if flush {
                    f.write_str(", flush")?;
                }
                if finite {
                    f.write_str(", finite")?;
                }
                f.write_str(">")
            }
        }
    }
}

impl fmt::Display for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Scalar::Bool => f.write_str("bool"),
            Scalar::Float(format) => format.fmt(f),
            Scalar::Fixed { integer, fraction } => write!(f, "fixed<{integer}, {fraction}>"),
            Scalar::Int(bits) => write!(f, "int<{bits}>"),
            Scalar::Uint(bits) => write!(f, "uint<{bits}>"),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn notation_reads_back() {
        for text in [
            "bool",
            "f16",
            "bf16",
            "f32",
            "f64",
            "f8e5m2",
            "f8e4m3",
            "f8e4m3<finite>",
            "float<5, 11>",
            "ieee<6, 9>",
            "ieee<8, 24, toward_zero, flush>",
            "ieee<8, 24, finite>",
            "ieee<5, 11, up, flush, finite>",
            "fixed<4, 12>",
            "fixed<1, 0>",
            "int<16>",
            "uint<256>",
        ] {
            assert_eq!(Scalar::parse(text).unwrap().to_string(), text);
        }
        assert_eq!(Scalar::parse("ieee<5,11>").unwrap().to_string(), "f16");
        assert_eq!(
            Scalar::parse("ieee< 8,24,flush, down >").unwrap().to_string(),
            "ieee<8, 24, down, flush>"
        );
    }

    #[test]
    fn malformed_and_out_of_range_types_are_refused() {
        for text in [
            "",
            "f17",
            "float<1, 11>",
            "float<16, 11>",
            "float<5, 1>",
            "float<5, 114>",
            "int<0>",
            "int<257>",
            "uint<-1>",
            "fixed<0, 4>",
            "fixed<200, 57>",
            "ieee<8, 24, up, down>",
            "ieee<8, 24, flush, flush>",
            "float<5>",
            "int<99999999999>",
            "float<5, 11",
            "int<+3>",
        ] {
            assert_eq!(Scalar::parse(text), None, "{text}");
        }
        let error = Scalar::int(300).unwrap_err().to_string();
        assert_eq!(error, "the width is 300, but must be from 1 to 256");
    }
}
