//! A float operand taken apart, and what all float gadgets ask of it.

use ffhec_circuit::Wire;
use num_bigint::BigInt;

use super::bits::{Bits, Gates};
use super::format::{Family, FloatFormat};
use super::shift::{index_bits, normalise};

/// A word that holds a value of some type.
#[derive(Clone, Copy, Debug)]
pub struct Operand<'a> {
    /// The encoding.
    pub bits: &'a [Wire],
    /// Whether it can only hold encodings that operations give: no subnormals or fractions under a zero exponent in
    /// formats that do not use them. True of every result; not of inputs.
    pub canonical: bool,
}

/// The fields of a float.
#[derive(Debug)]
pub struct Fields {
    /// The sign bit.
    pub sign: Wire,
    /// The exponent field.
    pub field: Bits,
    /// The fraction field.
    pub fraction: Bits,
    /// The leading bit: the exponent field is not zero.
    pub hidden: Wire,
}

/// Splits an encoding.
pub fn fields(g: &mut Gates<'_>, format: FloatFormat, bits: &[Wire]) -> Fields {
    let places = format.fraction_bits() as usize;
    let width = format.width() as usize;
    debug_assert_eq!(bits.len(), width, "an encoding of the format");
    let field = bits[places..width - 1].to_vec();
    let (zero, _) = extremes(g, format, &field);
    let hidden = g.not(zero);
    Fields { sign: bits[width - 1], field, fraction: bits[..places].to_vec(), hidden }
}

/// Whether an exponent field is zero, and whether it is all ones and that is not an ordinary exponent. Bits that are
/// all equal are one or the other, which takes half the ANDs of two trees.
pub fn extremes(g: &mut Gates<'_>, format: FloatFormat, field: &[Wire]) -> (Wire, Wire) {
    if !format.has_infinity() || g.shallow() {
        let ones = if format.has_infinity() { g.all(field) } else { g.bit(false) };
        let some = g.any(field);
        return (g.not(some), ones);
    }
    let differ: Bits = field.windows(2).map(|pair| g.xor(pair[0], pair[1])).collect();
    let mixed = g.any(&differ);
    let ones = g.and_not(field[0], mixed);
    let extreme = g.not(mixed);
    (g.xor(extreme, ones), ones)
}

/// What kind of value an encoding is; exactly one of zero, infinite, NaN or none.
#[derive(Clone, Copy, Debug)]
pub struct Class {
    /// A zero.
    pub zero: Wire,
    /// An infinity.
    pub infinite: Wire,
    /// NaN.
    pub nan: Wire,
}

/// Classifies an encoding.
pub fn classify(g: &mut Gates<'_>, format: FloatFormat, fields: &Fields) -> Class {
    let no = g.bit(false);
    let empty = g.not(fields.hidden);
    let (infinite, nan) = match format.family {
        Family::Paper | Family::Ieee { finite: true, .. } | Family::E4m3 { finite: true } => (no, no),
        Family::Ieee { finite: false, .. } => {
            let (_, ones) = extremes(g, format, &fields.field);
            let some = g.any(&fields.fraction);
            let nan = g.and(ones, some);
            (g.xor(ones, nan), nan)
        }
        Family::E4m3 { finite: false } => {
            let ones = g.all(&fields.field);
            let full = g.all(&fields.fraction);
            (no, g.and(ones, full))
        }
    };
    let zero = if format.has_subnormals() {
        let some = g.any(&fields.fraction);
        g.and_not(empty, some)
    } else {
        empty
    };
    Class { zero, infinite, nan }
}

/// A float as an integer significand with a biased exponent.
#[derive(Debug)]
pub struct Unpacked {
    /// The sign.
    pub sign: Wire,
    /// The biased exponent of the significand's top bit, two's complement.
    pub exponent: Bits,
    /// `P` bits; the top one is set unless the value is zero (or subnormal, where it was not normalised).
    pub significand: Bits,
    /// Its kind.
    pub class: Class,
}

/// Takes an encoding apart; subnormals keep their leading zeros and have exponent 1. Without subnormals the
/// significand of a zero is not cleared.
pub fn unpack(g: &mut Gates<'_>, format: FloatFormat, bits: &[Wire]) -> Unpacked {
    let fields = fields(g, format, bits);
    let class = classify(g, format, &fields);
    let mut significand = fields.fraction;
    let mut exponent = fields.field;
    if format.has_subnormals() {
        significand.push(fields.hidden);
        let empty = g.not(fields.hidden);
        exponent[0] = g.xor(exponent[0], empty);
    } else {
        significand.push(g.bit(true));
    }
    exponent.push(g.bit(false));
    Unpacked { sign: fields.sign, exponent, significand, class }
}

/// Like [`unpack`], with subnormals shifted so that the top bit of every nonzero value is set.
pub fn unpack_normalised(g: &mut Gates<'_>, format: FloatFormat, bits: &[Wire]) -> Unpacked {
    let unpacked = unpack(g, format, bits);
    normalised(g, format, unpacked)
}

/// Shifts a subnormal's leading zeros out.
pub fn normalised(g: &mut Gates<'_>, format: FloatFormat, mut value: Unpacked) -> Unpacked {
    if format.has_subnormals() {
        let shifted = normalise(g, &value.significand);
        let width = value.exponent.len().max(index_bits(format.precision as usize) + 1) + 1;
        let exponent = g.resize_signed(&value.exponent, width);
        let shift = g.resize(&shifted.shift, width);
        value.exponent = g.sub(&exponent, &shift).0;
        value.significand = shifted.word;
        let last = value.significand.len() - 1;
        // Zero is known from the class; saying that the top bit is set lets constants fold.
        value.significand[last] = g.bit(true);
    }
    value
}

/// `exponent + offset` in `width` bits, two's complement.
pub fn offset(g: &mut Gates<'_>, exponent: &[Wire], amount: i64, width: usize) -> Bits {
    let exponent = g.resize_signed(exponent, width);
    let amount = g.constant(&BigInt::from(amount), width);
    g.sum(&exponent, &amount)
}

/// The encoding, in `f8e4m3<finite>` that of the largest magnitude for the pattern of all ones.
pub fn saturated(g: &mut Gates<'_>, format: FloatFormat, operand: Operand<'_>) -> Bits {
    let mut bits = operand.bits.to_vec();
    if !operand.canonical && format.family == (Family::E4m3 { finite: true }) {
        let upper = bits.len() - 1;
        let full = g.all(&bits[1..upper]);
        bits[0] = g.and_not(bits[0], full);
    }
    bits
}

/// The encoding that operations give for the same value: zeros without fraction (and sign in `float<E, P>`), the one
/// NaN.
pub fn canonical(g: &mut Gates<'_>, format: FloatFormat, operand: Operand<'_>) -> Bits {
    let mut bits = saturated(g, format, operand);
    let places = format.fraction_bits() as usize;
    let fields = fields(g, format, &bits);
    if !operand.canonical && !format.has_subnormals() {
        for bit in &mut bits[..places] {
            *bit = g.and(*bit, fields.hidden);
        }
        if !format.has_signed_zero() {
            let last = bits.len() - 1;
            bits[last] = g.and(bits[last], fields.hidden);
        }
    }
    if let Some(pattern) = format.nan() {
        let nan = classify(g, format, &fields).nan;
        let number = g.not(nan);
        for (index, bit) in bits.iter_mut().enumerate() {
            *bit = g.and(*bit, number);
            if pattern.bit(index as u64) {
                *bit = g.xor(*bit, nan);
            }
        }
    }
    bits
}

/// A float operand whose zeros have one encoding (per sign), as comparisons need it.
pub fn plain_zero(g: &mut Gates<'_>, format: FloatFormat, operand: Operand<'_>) -> Bits {
    if operand.canonical || format.has_subnormals() {
        return operand.bits.to_vec();
    }
    let mut bits = operand.bits.to_vec();
    let hidden = fields(g, format, &bits).hidden;
    let last = bits.len() - 1;
    for bit in &mut bits[..format.fraction_bits() as usize] {
        *bit = g.and(*bit, hidden);
    }
    if !format.has_signed_zero() {
        bits[last] = g.and(bits[last], hidden);
    }
    bits
}
