//! Float comparisons, minimum and maximum.

use ffhec_circuit::Wire;

use super::bits::{Bits, Gates};
use super::float::{Operand, classify, fields, plain_zero};
use super::format::FloatFormat;
use super::protocol::{equivalent_bit, greater_than_bit};

/// An unsigned word in the order of the values, minus zero below plus zero: negative magnitudes are complemented.
fn ordered(g: &mut Gates<'_>, bits: &[Wire]) -> Bits {
    let last = bits.len() - 1;
    let mut word = g.xor_each(&bits[..last], bits[last]);
    word.push(g.not(bits[last]));
    word
}

fn less_ordered(g: &mut Gates<'_>, x: &[Wire], y: &[Wire]) -> Wire {
    let (x, y) = (ordered(g, x), ordered(g, y));
    greater_than_bit(g, &x, &y)
}

fn is_nan(g: &mut Gates<'_>, format: FloatFormat, bits: &[Wire]) -> Wire {
    let fields = fields(g, format, bits);
    classify(g, format, &fields).nan
}

/// Whether both are zeros and yet may differ. Without subnormals the exponent fields say it, and what else stands in
/// the encoding of a zero is never looked at: next to any other value the exponent or the sign decides.
fn both_zero(g: &mut Gates<'_>, format: FloatFormat, x: Operand<'_>, y: Operand<'_>) -> Wire {
    if !format.has_signed_zero() && x.canonical && y.canonical {
        return g.bit(false);
    }
    let (zero, other) = (is_zero(g, format, x.bits), is_zero(g, format, y.bits));
    g.and(zero, other)
}

/// Whether the value is a zero; shares its gates with [`is_nan`].
fn is_zero(g: &mut Gates<'_>, format: FloatFormat, bits: &[Wire]) -> Wire {
    let fields = fields(g, format, bits);
    classify(g, format, &fields).zero
}

fn unordered(g: &mut Gates<'_>, format: FloatFormat, x: &[Wire], y: &[Wire]) -> Wire {
    let (a, b) = (is_nan(g, format, x), is_nan(g, format, y));
    g.or(a, b)
}

/// `x < y`; false if either is NaN.
pub fn less(g: &mut Gates<'_>, format: FloatFormat, x: Operand<'_>, y: Operand<'_>) -> Wire {
    let zeros = both_zero(g, format, x, y);
    let nan = unordered(g, format, x.bits, y.bits);
    let equal = g.or(zeros, nan);
    let differ = g.not(equal);
    let (x, y) = (ordered(g, x.bits), ordered(g, y.bits));
    g.less_if(&x, &y, differ)
}

/// `x <= y`; false if either is NaN.
pub fn less_equal(g: &mut Gates<'_>, format: FloatFormat, x: Operand<'_>, y: Operand<'_>) -> Wire {
    let nan = unordered(g, format, x.bits, y.bits);
    let above = less(g, format, y, x);
    let not = g.xor(above, nan);
    g.not(not)
}

/// `x == y`; zeros are equal, NaN is not. If the magnitudes (without subnormals: the exponent fields) agree, one
/// operand says whether both are zeros.
pub fn equal(g: &mut Gates<'_>, format: FloatFormat, x: Operand<'_>, y: Operand<'_>) -> Wire {
    let plain = !format.has_signed_zero() && x.canonical && y.canonical;
    let same = if plain {
        equivalent_bit(g, x.bits, y.bits)
    } else {
        let (last, places) = (x.bits.len() - 1, format.fraction_bits() as usize);
        // A public operand is the one to ask.
        let asked = if g.known_word(y.bits).is_some() { y } else { x };
        let zero = is_zero(g, format, asked.bits);
        let from = if format.has_subnormals() { 0 } else { places };
        let same = equivalent_bit(g, &x.bits[from..last], &y.bits[from..last]);
        let mut rest = [x.bits[..from].to_vec(), y.bits[..from].to_vec()];
        rest[0].push(x.bits[last]);
        rest[1].push(y.bits[last]);
        let rest = equivalent_bit(g, &rest[0], &rest[1]);
        let rest = g.or(rest, zero);
        g.and(same, rest)
    };
    let nan = is_nan(g, format, x.bits);
    g.and_not(same, nan)
}

/// The smaller, or the larger if `larger`; the number if one is NaN. Minus zero is below plus zero.
pub fn extreme(g: &mut Gates<'_>, format: FloatFormat, x: Operand<'_>, y: Operand<'_>, larger: bool) -> Bits {
    let (a, b) = (x.bits, y.bits);
    let second = if larger { less_ordered(g, a, b) } else { less_ordered(g, b, a) };
    let (nan_a, nan_b) = (is_nan(g, format, a), is_nan(g, format, b));
    let second = g.or(second, nan_a);
    let second = g.and_not(second, nan_b);
    let bits = g.select(second, b, a);
    plain_zero(g, format, Operand { bits: &bits, canonical: x.canonical && y.canonical })
}

/// The smaller, or the larger if `larger`; NaN if either is. Minus zero is below plus zero.
pub fn extreme_or_nan(
    g: &mut Gates<'_>,
    format: FloatFormat,
    x: Operand<'_>,
    y: Operand<'_>,
    larger: bool,
) -> Bits {
    let (a, b) = (x.bits, y.bits);
    let second = if larger { less_ordered(g, a, b) } else { less_ordered(g, b, a) };
    let (nan_a, nan_b) = (is_nan(g, format, a), is_nan(g, format, b));
    let second = g.or(second, nan_b);
    let second = g.and_not(second, nan_a);
    let bits = g.select(second, b, a);
    plain_zero(g, format, Operand { bits: &bits, canonical: x.canonical && y.canonical })
}
