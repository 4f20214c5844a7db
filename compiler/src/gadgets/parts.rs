//! Float operations on parts of the encoding: sign, exponent, significand, rounding to integers.

use ffhec_circuit::Wire;
use num_bigint::BigInt;

use super::bits::{Bits, Gates};
use super::flags::Flags;
use super::float::{Class, Operand, classify, fields, offset, plain_zero, unpack_normalised};
use super::format::FloatFormat;
use super::round::{Below, Exact, Special, overflow_away, round};
use super::shift::{index_bits, thermometer};

/// Result width of [`exponent`].
const EXPONENT_WIDTH: usize = 16;

fn with_sign(g: &mut Gates<'_>, format: FloatFormat, mut bits: Bits, sign: Wire) -> Bits {
    let last = bits.len() - 1;
    bits[last] = if format.has_signed_zero() {
        sign
    } else {
        let hidden = fields(g, format, &bits).hidden;
        g.and(sign, hidden)
    };
    bits
}

/// `-x`: the sign bit flipped, of NaN too; the one zero of `float<E, P>` stays.
pub fn negate(g: &mut Gates<'_>, format: FloatFormat, x: Operand<'_>) -> Bits {
    let bits = plain_zero(g, format, x);
    let sign = g.not(bits[bits.len() - 1]);
    with_sign(g, format, bits, sign)
}

/// `|x|`.
pub fn absolute(g: &mut Gates<'_>, format: FloatFormat, x: Operand<'_>) -> Bits {
    let mut bits = plain_zero(g, format, x);
    let last = bits.len() - 1;
    bits[last] = g.bit(false);
    bits
}

/// The magnitude of `x` with the sign of `y`.
pub fn copy_sign(g: &mut Gates<'_>, format: FloatFormat, x: Operand<'_>, y: Operand<'_>) -> Bits {
    let bits = plain_zero(g, format, x);
    let sign = is_negative(g, format, y);
    with_sign(g, format, bits, sign)
}

/// The sign bit.
pub fn is_negative(g: &mut Gates<'_>, format: FloatFormat, x: Operand<'_>) -> Wire {
    let bits = plain_zero(g, format, x);
    bits[bits.len() - 1]
}

/// Zero, infinite or NaN.
pub fn class(g: &mut Gates<'_>, format: FloatFormat, x: Operand<'_>) -> Class {
    let fields = fields(g, format, x.bits);
    classify(g, format, &fields)
}

/// `x * 2^exponent` for a signed exponent, rounded once.
pub fn scale2(g: &mut Gates<'_>, format: FloatFormat, x: Operand<'_>, exponent: &[Wire]) -> Bits {
    let value = unpack_normalised(g, format, x.bits);
    let width = value.exponent.len().max(exponent.len()) + 1;
    let (a, b) = (g.resize_signed(&value.exponent, width), g.resize_signed(exponent, width));
    let sum = g.sum(&a, &b);
    let base = offset(g, &sum, -1, width + 1);
    let special = kept(g, value.class);
    let sticky = g.bit(false);
    let exact = Exact { sign: value.sign, base, significand: value.significand, sticky };
    round(g, format, exact, special, Below::Shift)
}

/// Zeros, infinities and NaN stay what they are.
fn kept(g: &mut Gates<'_>, class: Class) -> Special {
    Special { nan: class.nan, infinity: class.infinite, zero: class.zero, ..Special::none(g) }
}

/// The unbiased exponent as `int<16>`; of zero, that of the smallest normal less the precision; of infinity and NaN,
/// the largest plus one.
pub fn exponent(g: &mut Gates<'_>, format: FloatFormat, x: Operand<'_>) -> Bits {
    let value = unpack_normalised(g, format, x.bits);
    let word = offset(g, &value.exponent, -format.bias(), EXPONENT_WIDTH);
    let zero = format.min_exponent() - i64::from(format.precision);
    let zero = g.constant(&BigInt::from(zero), EXPONENT_WIDTH);
    let word = g.select(value.class.zero, &zero, &word);
    let above = format.max_exponent_field() - format.bias() + 1;
    let above = g.constant(&BigInt::from(above), EXPONENT_WIDTH);
    let special = g.or(value.class.nan, value.class.infinite);
    g.select(special, &above, &word)
}

/// The significand with the sign of x: from 1 to below 2 in magnitude; zero, infinity and NaN stay.
pub fn significand(g: &mut Gates<'_>, format: FloatFormat, x: Operand<'_>) -> Bits {
    let value = unpack_normalised(g, format, x.bits);
    let special = kept(g, value.class);
    let base = g.constant(&BigInt::from(format.bias() - 1), format.exponent_bits as usize + 2);
    let sticky = g.bit(false);
    let exact = Exact { sign: value.sign, base, significand: value.significand, sticky };
    round(g, format, exact, special, Below::Aligned)
}

/// Directions of rounding to an integer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Integral {
    /// Toward minus infinity.
    Floor,
    /// Toward plus infinity.
    Ceil,
    /// To nearest, ties away from zero.
    Round,
    /// To nearest, ties to even.
    RoundEven,
    /// Toward zero.
    Trunc,
}

/// Neither zero nor normal: the exponent field is zero and the fraction is not.
pub fn is_subnormal(g: &mut Gates<'_>, format: FloatFormat, x: Operand<'_>) -> Wire {
    if !format.has_subnormals() {
        return g.bit(false);
    }
    let fields = fields(g, format, x.bits);
    let some = g.any(&fields.fraction);
    g.and_not(some, fields.hidden)
}

/// Finite, and neither zero nor subnormal.
pub fn is_normal(g: &mut Gates<'_>, format: FloatFormat, x: Operand<'_>) -> Wire {
    let fields = fields(g, format, x.bits);
    let class = classify(g, format, &fields);
    let special = g.xor(class.nan, class.infinite);
    g.and_not(fields.hidden, special)
}

/// Rounds to an integer of the same format: the fraction bits behind the point are cleared, and one unit is added
/// where the direction says so. An integer above the largest magnitude of a finite format gives that magnitude.
pub fn integral(g: &mut Gates<'_>, format: FloatFormat, x: Operand<'_>, mode: Integral) -> Bits {
    let bits = x.bits;
    let precision = format.precision as usize;
    let last = bits.len() - 1;
    let sign = bits[last];
    let parts = fields(g, format, bits);
    let class = classify(g, format, &parts);
    let point = Point::locate(g, format, &parts.field, class);

    // The fraction bit at place i is whole if the exponent is at least P - 1 - i.
    let mut lost = Vec::new();
    let mut word = Vec::with_capacity(last);
    for (index, &bit) in bits[..last].iter().enumerate() {
        let whole =
            if index + 1 < precision { point.at_least[precision - 1 - index] } else { point.at_least[0] };
        let kept = g.and(bit, whole);
        lost.push(g.xor(bit, kept));
        word.push(kept);
    }
    let away = match mode {
        Integral::Trunc => g.bit(false),
        Integral::Floor | Integral::Ceil => {
            let inexact = g.any(&lost);
            let zero = if format.has_subnormals() { g.bit(false) } else { class.zero };
            let inexact = g.and_not(inexact, zero);
            let positive = g.not(sign);
            g.and(inexact, if mode == Integral::Ceil { positive } else { sign })
        }
        Integral::Round => half(g, format, &parts.field, &parts.fraction, &point),
        Integral::RoundEven => {
            let half = half(g, format, &parts.field, &parts.fraction, &point);
            let up = odd_or_more(g, format, &parts.field, &parts.fraction, &point, &lost[..precision - 1]);
            g.and(half, up)
        }
    };
    // Add one unit: at the last whole place, or as the encoding of 1.
    let mut unit = g.zeros(last);
    for place in 0..precision {
        let above = point.at_least.get(place + 1).copied();
        let here = match above {
            Some(above) => g.xor(point.at_least[place], above),
            None => continue,
        };
        unit[precision - 1 - place] = g.and(here, away);
    }
    let zero = g.bit(false);
    let (mut out, carry) = g.add(&word, &unit, zero);
    let to_one = g.and_not(away, point.at_least[0]);
    let one = BigInt::from(format.bias()) << format.fraction_bits();
    for (index, bit) in out.iter_mut().enumerate() {
        if one.bit(index as u64) {
            *bit = g.xor(*bit, to_one);
        }
        *bit = g.or(*bit, carry);
    }
    if format.has_infinity() {
        infinite_as_directed(g, format, &mut out, sign, class);
    } else {
        let flags = Flags::overflow(g, carry);
        g.raise(flags);
    }
    let sign = if format.has_signed_zero() {
        sign
    } else {
        let some = g.or(point.at_least[0], away);
        g.and(sign, some)
    };
    out.push(sign);
    out
}

/// With more precision than exponents an integer may overflow: to the largest magnitude if the format rounds so.
fn infinite_as_directed(g: &mut Gates<'_>, format: FloatFormat, out: &mut Bits, sign: Wire, class: Class) {
    let (Some(infinity), true) =
        (format.infinity(), format.max_exponent_field() - format.bias() < i64::from(format.precision) - 1)
    else {
        return;
    };
    let ones = g.all(&out[format.fraction_bits() as usize..]);
    let special = g.or(class.infinite, class.nan);
    let over = g.and_not(ones, special);
    let flags = Flags::overflow(g, over);
    g.raise(flags);
    let away = overflow_away(g, format, sign);
    let largest = g.and_not(over, away);
    let change = infinity ^ format.max_finite();
    for (index, bit) in out.iter_mut().enumerate() {
        if change.bit(index as u64) {
            *bit = g.xor(*bit, largest);
        }
    }
}

/// Where the binary point is in a significand.
struct Point {
    /// `at_least[j]`: the exponent is j or more, for `0 <= j < P`; all set for infinity and NaN.
    at_least: Bits,
    /// Exponent field less bias, two's complement.
    exponent: Bits,
}

impl Point {
    fn locate(g: &mut Gates<'_>, format: FloatFormat, field: &[Wire], class: Class) -> Point {
        let precision = format.precision as usize;
        let mut wide = field.to_vec();
        wide.push(g.bit(false));
        let width = wide.len();
        let exponent = offset(g, &wide, -format.bias(), width);
        let low = index_bits(precision).min(width - 1);
        let high = g.any(&exponent[low..width - 1]);
        let special = g.or(class.infinite, class.nan);
        let high = g.or(high, special);
        let nonnegative = g.not(exponent[width - 1]);
        let steps = thermometer(g, &exponent[..low]);
        let mut at_least = vec![nonnegative];
        for place in 1..precision {
            let step = match steps.get(place - 1) {
                Some(&step) => g.or(step, high),
                None => high,
            };
            at_least.push(g.and(step, nonnegative));
        }
        Point { at_least, exponent }
    }
}

/// Whether the bit just behind the point is set.
fn half(g: &mut Gates<'_>, format: FloatFormat, field: &[Wire], fraction: &[Wire], point: &Point) -> Wire {
    let precision = format.precision as usize;
    let mut half = g.bit(false);
    for place in 0..precision - 1 {
        let here = g.xor(point.at_least[place], point.at_least[place + 1]);
        let bit = g.and(here, fraction[precision - 2 - place]);
        half = g.xor(half, bit);
    }
    let small = if format.bias() == 1 {
        // Exponents below zero are the subnormals.
        let some = g.any(field);
        let top = fraction[precision - 2];
        let half = g.and_not(top, some);
        if format.has_subnormals() { half } else { g.bit(false) }
    } else {
        g.all(&point.exponent)
    };
    g.xor(half, small)
}

/// Given that the bit just behind the point is set: whether there is more behind it, or the whole number is odd. `lost`
/// holds the fraction bits behind the point.
fn odd_or_more(
    g: &mut Gates<'_>,
    format: FloatFormat,
    field: &[Wire],
    fraction: &[Wire],
    point: &Point,
    lost: &[Wire],
) -> Wire {
    let precision = format.precision as usize;
    let mut rest = lost.to_vec();
    let mut odd = g.bit(false);
    for place in 0..precision - 1 {
        let here = g.xor(point.at_least[place], point.at_least[place + 1]);
        let half = g.and(here, fraction[precision - 2 - place]);
        rest[precision - 2 - place] = g.xor(rest[precision - 2 - place], half);
        // The lowest whole bit; for exponent 0 that is the leading one.
        let whole = if place == 0 { here } else { g.and(here, fraction[precision - 1 - place]) };
        odd = g.xor(odd, whole);
    }
    if format.bias() == 1 {
        // Below 1 the top fraction bit of a subnormal is the half.
        let some = g.any(field);
        let half = g.and_not(fraction[precision - 2], some);
        rest[precision - 2] = g.xor(rest[precision - 2], half);
    }
    let more = g.any(&rest);
    g.or(odd, more)
}
