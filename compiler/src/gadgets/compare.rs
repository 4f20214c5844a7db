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

/// Whether both are zeros, where zeros have signs.
fn both_zero(g: &mut Gates<'_>, format: FloatFormat, x: &[Wire], y: &[Wire]) -> Wire {
    if !format.has_signed_zero() {
        return g.bit(false);
    }
    let last = x.len() - 1;
    let from = if format.has_subnormals() { 0 } else { format.fraction_bits() as usize };
    let (some, other) = (g.any(&x[from..last]), g.any(&y[from..last]));
    let some = g.or(some, other);
    g.not(some)
}

fn unordered(g: &mut Gates<'_>, format: FloatFormat, x: &[Wire], y: &[Wire]) -> Wire {
    let (a, b) = (is_nan(g, format, x), is_nan(g, format, y));
    g.or(a, b)
}

/// `x < y`; false if either is NaN.
pub fn less(g: &mut Gates<'_>, format: FloatFormat, x: Operand<'_>, y: Operand<'_>) -> Wire {
    let (x, y) = (plain_zero(g, format, x), plain_zero(g, format, y));
    let below = less_ordered(g, &x, &y);
    let zeros = both_zero(g, format, &x, &y);
    let below = g.and_not(below, zeros);
    let nan = unordered(g, format, &x, &y);
    g.and_not(below, nan)
}

/// `x <= y`; false if either is NaN.
pub fn less_equal(g: &mut Gates<'_>, format: FloatFormat, x: Operand<'_>, y: Operand<'_>) -> Wire {
    let (x, y) = (plain_zero(g, format, x), plain_zero(g, format, y));
    let above = less_ordered(g, &y, &x);
    let zeros = both_zero(g, format, &x, &y);
    let above = g.and_not(above, zeros);
    let nan = unordered(g, format, &x, &y);
    let not = g.or(above, nan);
    g.not(not)
}

/// `x == y`; zeros are equal, NaN is not.
pub fn equal(g: &mut Gates<'_>, format: FloatFormat, x: Operand<'_>, y: Operand<'_>) -> Wire {
    let (x, y) = (plain_zero(g, format, x), plain_zero(g, format, y));
    let same = equivalent_bit(g, &x, &y);
    let zeros = both_zero(g, format, &x, &y);
    let same = g.or(same, zeros);
    let nan = is_nan(g, format, &x);
    g.and_not(same, nan)
}

/// The smaller, or the larger if `larger`; the number if one is NaN. Minus zero is below plus zero.
pub fn extreme(g: &mut Gates<'_>, format: FloatFormat, x: Operand<'_>, y: Operand<'_>, larger: bool) -> Bits {
    let (x, y) = (plain_zero(g, format, x), plain_zero(g, format, y));
    let second = if larger { less_ordered(g, &x, &y) } else { less_ordered(g, &y, &x) };
    let (nan_x, nan_y) = (is_nan(g, format, &x), is_nan(g, format, &y));
    let second = g.or(second, nan_x);
    let second = g.and_not(second, nan_y);
    g.select(second, &y, &x)
}
