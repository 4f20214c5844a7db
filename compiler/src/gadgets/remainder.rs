//! The remainder of IEEE-754 (clause 5.3.1): `x - y n` with n the whole number nearest to `x / y`, ties to even. Always
//! exact. The dividend is divided in units of half the divisor's last place, so that dividends down to a half of the
//! divisor take the same way; smaller ones are their own remainder.

use super::bits::{Bits, Gates};
use super::divide::{quotient, restore};
use super::float::{Operand, plain_zero, unpack};
use super::format::FloatFormat;
use super::round::{Below, Exact, Special, round};
use super::shift::{normalise, normalise_within, shift_left};

/// The remainder of `x` by `y`. With an infinite `x` or a zero `y` NaN, or zero in formats without it; a zero has the
/// sign of x.
pub fn remainder(g: &mut Gates<'_>, format: FloatFormat, x: Operand<'_>, y: Operand<'_>) -> Bits {
    let (x_bits, y_bits) = (plain_zero(g, format, x), plain_zero(g, format, y));
    let (a, b) = (unpack(g, format, &x_bits), unpack(g, format, &y_bits));
    let precision = format.precision as usize;
    // Exponents of the dividend and of half a last place: negative if |x| < |y| / 2.
    let width = a.exponent.len() + 1;
    let (ex, ey) = (g.resize_signed(&a.exponent, width), g.resize_signed(&b.exponent, width));
    // ex - ey + 1 = ex + !ey + 2.
    let one = g.bit(true);
    let complement = g.xor_each(&ey, one);
    let two = g.constant(&2.into(), width);
    let difference = g.sum(&ex, &complement);
    let distance = g.sum(&difference, &two);
    let far = distance[width - 1];
    let largest = usize::try_from(format.max_exponent_field()).unwrap_or(0);
    let length = precision + largest;
    let dividend = shift_left(g, &a.significand, &distance[..width - 1], length);
    let mut divisor = vec![g.bit(false)];
    divisor.extend_from_slice(&b.significand);
    let nothing = g.zeros(precision + 1);
    let result = quotient(g, &nothing, &divisor, &dividend, length + 1);
    let rest = restore(g, &result.rest, &divisor);

    // Above half of the divisor, or at it behind an odd quotient: one more.
    let half = g.resize(&b.significand, precision + 1);
    let (above, below) = g.sub(&rest, &half);
    let some = g.any(&above);
    let more = g.or(some, result.digits[0]);
    let up = g.and_not(more, below);
    let (complement, _) = g.sub(&divisor, &rest);
    let mut word = g.select(up, &complement, &rest);
    word.push(g.bit(false));
    let sign = g.xor(a.sign, up);

    let mut field = b.exponent.clone();
    field.pop();
    let mut special = Special::none(g);
    let invalid = g.or(a.class.infinite, b.class.zero);
    if format.has_nan() {
        special.nan = g.any(&[a.class.nan, b.class.nan, invalid]);
    } else {
        special.zero = invalid;
    }
    let bad = g.or(special.nan, special.zero);
    let itself = g.any(&[far, a.class.zero, b.class.infinite]);
    let keep = g.and_not(itself, bad);
    let sign = g.mux(special.zero, a.sign, sign);
    let (word, base) = if format.has_subnormals() {
        let none = g.bit(false);
        let (word, base, _) = normalise_within(g, &word, &field, word.len(), none);
        (word, g.resize(&base, format.exponent_bits as usize + 2))
    } else {
        let shifted = normalise(g, &word);
        let width = field.len().max(shifted.shift.len()) + 2;
        let (wide, shift) = (g.resize(&field, width), g.resize(&shifted.shift, width));
        (shifted.word, g.sub(&wide, &shift).0)
    };
    let sticky = g.bit(false);
    let reduced = round(g, format, Exact { sign, base, significand: word, sticky }, special, Below::Aligned);
    let other = g.not(keep);
    g.mask_raised(other);
    g.select(keep, &x_bits, &reduced)
}
