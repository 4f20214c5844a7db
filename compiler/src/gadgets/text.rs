//! Values as text: table cells and literals to encodings, encodings to the shortest text that reads back. Exact
//! integer arithmetic; the work is bounded whatever the text says (`1e999999999` is just an overflow).

use num_bigint::{BigInt, BigUint};
use num_integer::Integer as _;
use num_rational::Ratio;
use num_traits::{One as _, Pow as _, Signed as _, Zero as _};
use thiserror::Error;

use super::codec::{Real, magnitude_of, signed};
use super::format::{Scalar, ones};

/// More significant digits than any halfway point between two values of any type has (under 11,700 decimal ones), so
/// that what comes after them only needs to be known as zero or not.
const MAX_DIGITS: usize = 20_000;

/// Values whose leading digit is further than this from the point overflow, or are less than half of the smallest
/// magnitude, in every type: `float<15, 113>` ends below 1e4933 and at 1e-4966.
const MAX_POSITION: i64 = 20_000;

/// Positional notation from 1e-5 up to below 1e16, exponent notation outside.
const POSITIONAL: std::ops::RangeInclusive<i64> = -4..=16;

/// Why a table cell is not a value of its column's type.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CellError {
    /// Not a number at all.
    #[error("found `{found}`, expected {expected}; write it like {example}")]
    Malformed {
        /// The cell, shortened.
        found: String,
        /// What the type takes.
        expected: String,
        /// An example.
        example: &'static str,
    },
    /// Too large or too small.
    #[error(
        "`{found}` is outside {ty}, which holds {low} to {high}; use a value in that range or a wider type"
    )]
    OutOfRange {
        /// The cell, shortened.
        found: String,
        /// The type.
        ty: Scalar,
        /// Its smallest value.
        low: String,
        /// Its largest value.
        high: String,
    },
    /// An infinity or NaN in a type that has none.
    #[error("`{found}` has no encoding in {ty}, which holds {low} to {high}; use a number or an IEEE type")]
    NotFinite {
        /// The cell, shortened.
        found: String,
        /// The type.
        ty: Scalar,
        /// Its smallest value.
        low: String,
        /// Its largest value.
        high: String,
    },
    /// A fraction in an integer column.
    #[error("`{found}` is not a whole number, as {ty} needs; round it or use a float or fixed type")]
    NotWhole {
        /// The cell, shortened.
        found: String,
        /// The type.
        ty: Scalar,
    },
}

/// Reads a number: decimal (`-1.5e3`), hexadecimal float (`0x1.8p3`), `inf`, `nan`. None if it is neither. Digits far
/// beyond what any type can tell apart are replaced by something equivalent, so time and memory stay bounded.
pub fn parse_real(text: &str) -> Option<Real> {
    let (negative, body) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if body.eq_ignore_ascii_case("nan") {
        return Some(Real::Nan);
    }
    if body.eq_ignore_ascii_case("inf") || body.eq_ignore_ascii_case("infinity") {
        return Some(Real::Infinity { negative });
    }
    let magnitude = match body.strip_prefix("0x").or_else(|| body.strip_prefix("0X")) {
        Some(hex) => parse_digits(hex, &HEXADECIMAL)?,
        None => parse_digits(body, &DECIMAL)?,
    };
    Some(match (negative, magnitude.is_zero()) {
        (true, true) => Real::NegativeZero,
        (true, false) => Real::Finite(-magnitude),
        (false, _) => Real::Finite(magnitude),
    })
}

struct Notation {
    radix: u32,
    /// The letter before the exponent, lower case.
    mark: u8,
    /// The base of the exponent, and how many of its powers one digit is.
    base: u32,
    per_digit: i64,
}

const DECIMAL: Notation = Notation { radix: 10, mark: b'e', base: 10, per_digit: 1 };
const HEXADECIMAL: Notation = Notation { radix: 16, mark: b'p', base: 2, per_digit: 4 };

/// `digits [. digits] [mark exponent]`, at least one digit.
fn parse_digits(text: &str, notation: &Notation) -> Option<Ratio<BigInt>> {
    let split = text.bytes().position(|byte| byte.to_ascii_lowercase() == notation.mark);
    let (mantissa, exponent) = match split {
        Some(at) => (text.get(..at)?, parse_exponent(text.get(at + 1..)?)?),
        None => (text, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let is_digit = |byte: u8| char::from(byte).is_digit(notation.radix);
    if (whole.is_empty() && fraction.is_empty()) || !whole.bytes().chain(fraction.bytes()).all(is_digit) {
        return None;
    }
    let digits: Vec<u8> = whole.bytes().chain(fraction.bytes()).skip_while(|&byte| byte == b'0').collect();
    let length = |count: usize| i64::try_from(count).unwrap_or(i64::MAX / 16);
    let mut significant = digits.as_slice();
    // The value is 0.d1 d2 d3 .. times base^position.
    let position = (length(digits.len()) - length(fraction.len())) * notation.per_digit;
    let position = position.saturating_add(exponent).clamp(-MAX_POSITION, MAX_POSITION);
    while let [rest @ .., b'0'] = significant {
        significant = rest;
    }
    let mut kept = significant[..significant.len().min(MAX_DIGITS)].to_vec();
    if kept.len() < significant.len() {
        kept.push(b'1');
    }
    if kept.is_empty() {
        return Some(Ratio::zero());
    }
    let integer = BigInt::parse_bytes(&kept, notation.radix)?;
    let unit = position - length(kept.len()) * notation.per_digit;
    let power = BigInt::from(notation.base).pow(u32::try_from(unit.unsigned_abs()).ok()?);
    Some(if unit >= 0 { Ratio::from_integer(integer * power) } else { Ratio::new(integer, power) })
}

/// A decimal exponent, saturating far outside what matters.
fn parse_exponent(text: &str) -> Option<i64> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let magnitude =
        digits.bytes().fold(0_i64, |sum, byte| (sum * 10 + i64::from(byte - b'0')).min(i64::MAX / 32));
    Some(if negative { -magnitude } else { magnitude })
}

impl Scalar {
    /// Reads a table cell: decimal, exponent notation, hexadecimal floats and integers, `true false 1 0` for bool,
    /// `inf -inf nan` where the type has them. Rounded to nearest, ties to even.
    ///
    /// # Errors
    /// If the text is not a number, or not one that the type can hold.
    pub fn parse_cell(self, text: &str) -> Result<BigUint, CellError> {
        let text = text.trim();
        let malformed = || CellError::Malformed {
            found: shorten(text),
            expected: match self {
                Scalar::Bool => "a bool".to_owned(),
                Scalar::Float(_) | Scalar::Fixed { .. } | Scalar::Int(_) | Scalar::Uint(_) => {
                    format!("a number of type {self}")
                }
            },
            example: match self {
                Scalar::Bool => "`true`, `false`, `1` or `0`",
                Scalar::Float(_) | Scalar::Fixed { .. } => "`1.5`, `-2e-3` or `0x1.8p3`",
                Scalar::Int(_) => "`-12` or `0x1f`",
                Scalar::Uint(_) => "`12` or `0x1f`",
            },
        };
        let value = match (self, text) {
            (Scalar::Bool, "true" | "1") => return Ok(BigUint::one()),
            (Scalar::Bool, "false" | "0") => return Ok(BigUint::ZERO),
            (Scalar::Bool, _) => return Err(malformed()),
            (Scalar::Float(_) | Scalar::Fixed { .. } | Scalar::Int(_) | Scalar::Uint(_), _) => {
                parse_real(text).ok_or_else(malformed)?
            }
        };
        let whole = matches!(self, Scalar::Int(_) | Scalar::Uint(_));
        if let (true, Real::Finite(number)) = (whole, &value)
            && !number.is_integer()
        {
            return Err(CellError::NotWhole { found: shorten(text), ty: self });
        }
        let found = || shorten(text);
        self.encode_real(&value).map(|encoded| encoded.bits).ok_or_else(|| {
            let (low, high) = self.limits();
            match value {
                Real::Infinity { .. } | Real::Nan => {
                    CellError::NotFinite { found: found(), ty: self, low, high }
                }
                Real::Finite(_) | Real::NegativeZero => {
                    CellError::OutOfRange { found: found(), ty: self, low, high }
                }
            }
        })
    }

    /// The shortest decimal that reads back to the same value: `1.001`, `2`, `-0`, `1e30`, `inf`, `nan`, `true`.
    /// Integers are exact. Numbers are positional from 1e-5 to below 1e16.
    pub fn print(self, bits: &BigUint) -> String {
        let bits = bits & ones(self.width());
        match self {
            Scalar::Bool => (if bits.is_zero() { "false" } else { "true" }).to_owned(),
            Scalar::Uint(_) => bits.to_string(),
            Scalar::Int(width) => signed(&bits, width).to_string(),
            Scalar::Fixed { .. } | Scalar::Float(_) => match self.decode(&bits) {
                Real::Nan => "nan".to_owned(),
                Real::Infinity { negative } => (if negative { "-inf" } else { "inf" }).to_owned(),
                Real::NegativeZero => "-0".to_owned(),
                Real::Finite(value) if value.is_zero() => "0".to_owned(),
                Real::Finite(value) => {
                    let sign = if value.is_negative() { "-" } else { "" };
                    let (digits, position) = shortest(&self.interval(&bits));
                    format!("{sign}{}", layout(&digits, position))
                }
            },
        }
    }

    /// The smallest and largest value as text.
    pub(super) fn limits(self) -> (String, String) {
        let (low, high) = self.finite_range();
        let text = |value: &Ratio<BigInt>| {
            if value.is_integer() && value.numer().bits() < 54 {
                return value.numer().to_string();
            }
            self.encode(value).map_or_else(|_| value.to_string(), |encoded| self.print(&encoded.bits))
        };
        (text(&low), text(&high))
    }

    /// The magnitudes that read as the nonzero finite value `bits`.
    fn interval(self, bits: &BigUint) -> Interval {
        match self {
            Scalar::Float(format) => {
                let magnitude = magnitude_of(format, bits);
                let field = i64::try_from(&magnitude >> format.fraction_bits()).unwrap_or(0);
                let fraction = &magnitude & ones(format.fraction_bits());
                let least = fraction.is_zero() && field == 1 && !format.has_subnormals();
                let hidden = BigUint::from(u32::from(field > 0)) << format.fraction_bits();
                let integer: BigUint = hidden | &fraction;
                // Quarter units: half a unit up; down half a unit, a quarter at a power of two, and half way to zero
                // from the smallest value of a format without subnormals.
                let below = if least {
                    &integer << 1_u32
                } else if fraction.is_zero() && field > 1 {
                    BigUint::one()
                } else {
                    BigUint::from(2_u32)
                };
                let inclusive = !integer.bit(0) && !least;
                let exponent = field.max(1) - format.bias() - i64::from(format.fraction_bits());
                Interval { integer, exponent, below, inclusive }
            }
            Scalar::Bool | Scalar::Fixed { .. } | Scalar::Int(_) | Scalar::Uint(_) => {
                let integer = signed(bits, self.width()).into_parts().1;
                let fraction = match self {
                    Scalar::Fixed { fraction, .. } => i64::from(fraction),
                    Scalar::Bool | Scalar::Float(_) | Scalar::Int(_) | Scalar::Uint(_) => 0,
                };
                let inclusive = !integer.bit(0);
                Interval { integer, exponent: -fraction, below: BigUint::from(2_u32), inclusive }
            }
        }
    }
}

/// `integer 2^exponent`, and what rounds to it: from `below / 4` units under it to half a unit over it.
struct Interval {
    integer: BigUint,
    exponent: i64,
    below: BigUint,
    inclusive: bool,
}

/// The shortest digits within the interval, nearest to its value, with the place of the point: `0.d1 d2 ..` times
/// `10^position`. Free-format printing: Steele and White, PLDI 1990.
fn shortest(interval: &Interval) -> (Vec<u8>, i64) {
    let Interval { integer, exponent, below, inclusive } = interval;
    let shift = exponent.unsigned_abs();
    let one = BigUint::one();
    let (up, down) = if *exponent >= 0 { (shift, 0) } else { (0, shift) };
    let mut value: BigUint = (integer << 2_u32) << up;
    let mut over: BigUint = (&one << 1_u32) << up;
    let mut under: BigUint = below << up;
    let mut unit: BigUint = (&one << 2_u32) << down;
    let reaches = |sum: BigUint, unit: &BigUint| if *inclusive { sum >= *unit } else { sum > *unit };
    // Scale so that the largest number in the interval is just below 1.
    let magnitude = i64::try_from(integer.bits()).unwrap_or(0) + exponent;
    let mut position = (magnitude - 1) * 30_103 / 100_000;
    let ten = BigUint::from(10_u32);
    let power = ten.clone().pow(u32::try_from(position.unsigned_abs()).unwrap_or(0));
    if position >= 0 {
        unit *= power;
    } else {
        value *= &power;
        over *= &power;
        under *= &power;
    }
    while reaches(&value + &over, &unit) {
        unit *= 10_u32;
        position += 1;
    }
    while !reaches((&value + &over) * &ten, &unit) {
        value *= 10_u32;
        over *= 10_u32;
        under *= 10_u32;
        position -= 1;
    }
    let mut digits = Vec::new();
    loop {
        let (digit, rest) = (value * &ten).div_rem(&unit);
        over *= 10_u32;
        under *= 10_u32;
        let low = if *inclusive { rest <= under } else { rest < under };
        let high = reaches(&rest + &over, &unit);
        let digit = u8::try_from(digit).expect("bounded: the value stays below one unit");
        if !low && !high {
            digits.push(digit);
            value = rest;
            continue;
        }
        let nearer_up = &rest << 1_u32 >= unit;
        digits.push(digit + u8::from(high && (!low || nearer_up)));
        carry(&mut digits, &mut position);
        return (digits, position);
    }
}

/// Resolves a last digit of ten.
fn carry(digits: &mut Vec<u8>, position: &mut i64) {
    while digits.last() == Some(&10) {
        digits.pop();
        match digits.last_mut() {
            Some(last) => *last += 1,
            None => {
                digits.push(1);
                *position += 1;
            }
        }
    }
}

fn layout(digits: &[u8], position: i64) -> String {
    let text: String = digits.iter().map(|digit| char::from(b'0' + digit)).collect();
    let count = i64::try_from(digits.len()).unwrap_or(0);
    let zeros = |count: i64| "0".repeat(usize::try_from(count).unwrap_or(0));
    if POSITIONAL.contains(&position) {
        return if position <= 0 {
            format!("0.{}{text}", zeros(-position))
        } else if count <= position {
            format!("{text}{}", zeros(position - count))
        } else {
            let (whole, fraction) = text.split_at(usize::try_from(position).unwrap_or(0));
            format!("{whole}.{fraction}")
        };
    }
    let (first, rest) = text.split_at(1);
    let point = if rest.is_empty() { "" } else { "." };
    format!("{first}{point}{rest}e{}", position - 1)
}

/// At most 40 characters of a cell, for messages.
fn shorten(text: &str) -> String {
    match text.char_indices().nth(40) {
        Some((at, _)) => format!("{}..", &text[..at]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn ty(text: &str) -> Scalar {
        Scalar::parse(text).unwrap()
    }

    /// Machine floats as an independent reference, for f32 and f64.
    fn seeds(count: u64) -> impl Iterator<Item = u64> {
        (0..count).scan(0x9e37_79b9_7f4a_7c15_u64, |state, _| {
            *state ^= *state << 13;
            *state ^= *state >> 7;
            *state ^= *state << 17;
            Some(*state)
        })
    }

    #[test]
    fn f64_prints_and_reads_as_the_machine_does() {
        let edges = [1, 2, 3, 0x10_0000_0000_0000, 0xf_ffff_ffff_ffff, 0x7fef_ffff_ffff_ffff, 1 << 63];
        let powers = (1_u64..2047).map(|field| field << 52);
        for bits in edges.into_iter().chain(powers).chain(seeds(3000)) {
            let value = f64::from_bits(bits);
            if value.is_nan() {
                continue;
            }
            let text = ty("f64").print(&bits.into());
            assert_eq!(ty("f64").parse_cell(&text).unwrap(), bits.into(), "{text}");
            let theirs = format!("{value:e}");
            let digits = |text: &str| text.split('e').next().unwrap().replace(['.', '-'], "");
            let trim = |text: String| text.trim_matches('0').to_owned();
            assert_eq!(trim(digits(&text)), trim(digits(&theirs)), "{text} {theirs}");
            assert_eq!(text.parse::<f64>().unwrap().to_bits(), bits);
        }
    }

    #[test]
    fn f32_cells_round_as_the_machine_does() {
        for bits in seeds(3000) {
            let text = format!("{:e}", f64::from_bits(bits >> 3 | 0x3000_0000_0000_0000));
            let expected = text.parse::<f32>().unwrap().to_bits();
            assert_eq!(ty("f32").parse_cell(&text).unwrap(), expected.into(), "{text}");
        }
    }

    #[test]
    fn every_value_of_small_types_reads_back() {
        for name in [
            "f8e5m2",
            "f8e4m3",
            "f8e4m3<finite>",
            "ieee<4, 4>",
            "float<4, 4>",
            "float<3, 3>",
            "ieee<2, 2>",
            "float<5, 6>",
            "ieee<4, 5, up, flush>",
            "ieee<3, 5, finite>",
            "fixed<4, 6>",
            "fixed<1, 7>",
            "int<8>",
            "uint<8>",
            "bool",
            "f16",
        ] {
            let ty = ty(name);
            for bits in 0_u32..1 << ty.width() {
                let bits = BigUint::from(bits);
                let back = ty.parse_cell(&ty.print(&bits)).unwrap();
                assert_eq!(ty.decode(&back), ty.decode(&bits), "{name} {bits:x} {}", ty.print(&bits));
            }
        }
    }

    #[test]
    fn text_is_as_the_reference_says() {
        let show = |name: &str, cell: &str| ty(name).print(&ty(name).parse_cell(cell).unwrap());
        assert_eq!(ty("f16").print(&0x3c01_u32.into()), "1.001");
        for (name, cell, text) in [
            ("f16", "2.0", "2"),
            ("f16", "-0", "-0"),
            ("float<5, 11>", "-0", "0"),
            ("f64", "1e30", "1e30"),
            ("f64", "1e15", "1000000000000000"),
            ("f64", "1e16", "1e16"),
            ("f64", "1e-5", "0.00001"),
            ("f64", "0.00000123", "1.23e-6"),
            ("f64", "0x1.8p3", "12"),
            ("f64", "-0X.8P-1", "-0.25"),
            ("f64", "+.5", "0.5"),
            ("f16", "1e999999999999999999999999", "inf"),
            ("f16", "-1e-999999999999999999999999", "-0"),
            ("f8e4m3", "464", "450"),
            ("f8e4m3", "465", "nan"),
            ("f8e4m3<finite>", "463", "450"),
            ("f16", "65519.99", "65500"),
            ("f16", "65520", "inf"),
            ("fixed<4, 4>", "-8", "-8"),
            ("fixed<4, 4>", "0.0625", "0.06"),
            ("int<8>", "-0x80", "-128"),
            ("uint<256>", "0xff", "255"),
            ("bool", "1", "true"),
            ("float<3, 3>", "0.2", "0.2"),
            ("float<3, 3>", "0.125", "0"),
        ] {
            assert_eq!(show(name, cell), text, "{name} {cell}");
        }
    }

    #[test]
    fn bad_cells_are_errors_with_the_numbers() {
        let error = |name: &str, cell: &str| ty(name).parse_cell(cell).unwrap_err().to_string();
        assert_eq!(
            error("uint<8>", "256"),
            "`256` is outside uint<8>, which holds 0 to 255; use a value in that range or a wider type"
        );
        assert!(error("float<5, 11>", "1e9").contains("holds -131008 to 131008"));
        assert!(error("f8e4m3<finite>", "1e9").contains("holds -448 to 448"));
        assert!(error("float<5, 11>", "inf").contains("no encoding in float<5, 11>"));
        assert!(error("ieee<5, 11, finite>", "nan").contains("no encoding"));
        assert!(error("f8e4m3", "inf").contains("no encoding"));
        assert!(error("int<8>", "1.5").contains("not a whole number"));
        assert!(error("bool", "yes").contains("expected a bool"));
        for cell in ["", ".", "1e", "e5", "0x", "1.2.3", "--1", "1_000", "0x1.8e3p", "é", "1é", "１"] {
            assert!(error("f32", cell).contains("expected a number"), "{cell}");
        }
        let long = "9".repeat(1_000_000);
        assert!(error("f32", &format!("{long}x")).len() < 200);
        assert!(error("float<15, 113>", &long).contains("outside"));
    }
}
