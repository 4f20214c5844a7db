//! From an exact result to the encoding of a format: the one place where floats are rounded, saturated, flushed and
//! packed.
//!
//! The paper keeps a fixed window of k bits (FFHE paper, section 6.4, last steps of FAdd and FMult) and says nothing
//! about rounding, overflow or underflow; here the significand comes in normalised, with everything below it.

use ffhec_circuit::Wire;

use super::bits::{Bits, Gates};
use super::flags::{Rounded, rounded};
use super::format::{Family, FloatFormat, Rounding};
use super::shift::shift_right;

/// A nonnegative exact significand with its sign and exponent.
#[derive(Debug)]
pub struct Exact {
    /// The sign of the result, also of a zero.
    pub sign: Wire,
    /// The biased exponent of the significand's top bit, less one; two's complement. Adding the significand with its
    /// leading one, shifted to the exponent's place, gives the encoding. There is room to add 2, and more bits than
    /// the exponent field has.
    pub base: Bits,
    /// The significand, top bit set unless the result is zero or subnormal.
    pub significand: Bits,
    /// Whether there is more below the significand.
    pub sticky: Wire,
}

/// Results that replace the rounded one; at most one is set.
#[derive(Clone, Copy, Debug)]
pub struct Special {
    /// The canonical NaN (formats with NaN only).
    pub nan: Wire,
    /// An infinity with the result's sign (formats with infinities only).
    pub infinity: Wire,
    /// The largest magnitude with the result's sign.
    pub largest: Wire,
    /// A zero with the result's sign.
    pub zero: Wire,
}

impl Special {
    /// Nothing special.
    pub fn none(g: &mut Gates<'_>) -> Self {
        let no = g.bit(false);
        Special { nan: no, infinity: no, largest: no, zero: no }
    }
}

/// How [`round`] treats results below the smallest normal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Below {
    /// The base is never negative: the significand is aligned for a subnormal result already.
    Aligned,
    /// The base may be negative: shift right if the format has subnormals.
    Shift,
}

/// Rounds in the format's direction and packs.
pub fn round(g: &mut Gates<'_>, format: FloatFormat, exact: Exact, special: Special, below: Below) -> Bits {
    let Exact { sign, base, significand, sticky } = exact;
    let subnormals = format.has_subnormals();
    let precision = format.precision as usize;
    let negative = base[base.len() - 1];
    let top = significand[significand.len() - 1];
    let (base, significand, sticky) = if subnormals {
        align(g, format, base, significand, sticky, below)
    } else {
        (base, significand, sticky)
    };
    let (kept, increment) = direction(g, format, sign, &significand, sticky);
    let (fraction, carry) = g.increment(&kept[..precision - 1], increment);
    let hidden = kept[precision - 1];

    let mut leading = g.zeros(base.len());
    leading[0] = hidden;
    let (field, _) = g.add(&base, &leading, carry);
    let overflow = if g.facts().no_overflow { g.bit(false) } else { overflows(g, format, &field, &fraction) };

    let named = [special.nan, special.infinity, special.largest, special.zero];
    let specials = g.any(&named);
    let normal = g.not(specials);
    let overflow = g.and(overflow, normal);
    let mut keep = g.and_not(normal, overflow);
    let mut flushed = None;
    if !subnormals && !g.facts().no_underflow {
        keep = g.and(keep, top);
        let under = underflows(g, format, negative, &field);
        keep = g.and_not(keep, under);
        flushed = Some(under);
    }
    // What overflow gives: infinity or the largest magnitude, by direction and sign. A result that cancelled to
    // nothing cannot overflow, but its exponent has no meaning.
    let overflow = if subnormals { overflow } else { g.and(overflow, top) };
    if g.watches() {
        let some = if subnormals { normal } else { g.and(normal, top) };
        let result = Rounded { sign, significand: &significand, sticky, some, overflow, flushed };
        rounded(g, format, &result);
    }
    let away = overflow_away(g, format, sign);
    let to_away = g.and(overflow, away);
    let to_largest = g.xor(overflow, to_away);
    let largest = g.xor(special.largest, to_largest);
    let (nan, infinity) = match format.family {
        Family::E4m3 { .. } => (g.xor(special.nan, to_away), special.infinity),
        Family::Paper | Family::Ieee { .. } => (special.nan, g.xor(special.infinity, to_away)),
    };
    pack(g, format, sign, &fraction, &field, &Choice { keep, largest, infinity, nan })
}

/// The base made nonnegative, the significand shifted right by what was missing; a zero significand loses its base.
fn align(
    g: &mut Gates<'_>,
    format: FloatFormat,
    base: Bits,
    significand: Bits,
    sticky: Wire,
    below: Below,
) -> (Bits, Bits, Wire) {
    let (negative, top) = (base[base.len() - 1], significand[significand.len() - 1]);
    if below == Below::Aligned {
        let base = g.and_each(&base, top);
        return (base, significand, sticky);
    }
    let positive = g.and_not(top, negative);
    // Only as many bits as rounding can see: the precision and a guard; the rest is sticky.
    // (Two guards if exceptions are watched: whether a result is tiny is decided one bit lower.)
    let window = format.precision as usize + if g.watches() { 2 } else { 1 };
    let zero = g.bit(false);
    let mut word = significand;
    let mut sticky = sticky;
    if word.len() > window {
        let low = g.any(&word[..word.len() - window]);
        sticky = g.or(sticky, low);
        word.drain(..word.len() - window);
    }
    while word.len() < window {
        word.insert(0, zero);
    }
    // By -base = 1 + !base: one place here, the rest by the barrel shifter.
    let mut amount = g.xor_each(&base[..base.len() - 1], negative);
    amount = g.and_each(&amount, negative);
    let out = g.and(negative, word[0]);
    sticky = g.or(sticky, out);
    let mut once = word[1..].to_vec();
    once.push(zero);
    let word = g.select(negative, &once, &word);
    let (word, lost) = shift_right(g, &word, zero, &amount, true);
    let sticky = g.or(sticky, lost);
    let base = g.and_each(&base, positive);
    (base, word, sticky)
}

/// The top `P` bits, and whether one unit is added to them.
fn direction(
    g: &mut Gates<'_>,
    format: FloatFormat,
    sign: Wire,
    significand: &[Wire],
    sticky: Wire,
) -> (Bits, Wire) {
    let precision = format.precision as usize;
    let zero = g.bit(false);
    let mut kept = significand.to_vec();
    while kept.len() < precision {
        kept.insert(0, zero);
    }
    let low: Bits = kept.drain(..kept.len() - precision).collect();
    let (guard, rest) = match low.split_last() {
        Some((&guard, rest)) => (guard, rest),
        None => (zero, [].as_slice()),
    };
    let increment = match format.rounding() {
        Rounding::TowardZero => zero,
        Rounding::NearestAway => guard,
        Rounding::NearestEven => {
            let rest = g.any(rest);
            let rest = g.or(rest, sticky);
            let odd = g.or(rest, kept[0]);
            g.and(guard, odd)
        }
        Rounding::Up | Rounding::Down => {
            let rest = g.any(&low);
            let inexact = g.or(rest, sticky);
            let positive = g.not(sign);
            g.and(inexact, if format.rounding() == Rounding::Up { positive } else { sign })
        }
    };
    (kept, increment)
}

/// Whether the field is above that of the largest finite value.
fn overflows(g: &mut Gates<'_>, format: FloatFormat, field: &[Wire], fraction: &[Wire]) -> Wire {
    let bits = format.exponent_bits as usize;
    let high = g.any(&field[bits..field.len() - 1]);
    let above = match format.family {
        Family::Paper | Family::Ieee { finite: true, .. } => high,
        Family::Ieee { finite: false, .. } => {
            let ones = g.all(&field[..bits]);
            g.or(high, ones)
        }
        Family::E4m3 { .. } => {
            let ones = g.all(&field[..bits]);
            let full = g.all(fraction);
            let code = g.and(ones, full);
            g.or(high, code)
        }
    };
    g.and_not(above, field[field.len() - 1])
}

/// Without subnormals: whether the field is zero or negative. Truncation adds nothing to the field but the leading
/// one, so the sign of the base says it.
fn underflows(g: &mut Gates<'_>, format: FloatFormat, base_negative: Wire, field: &[Wire]) -> Wire {
    if format.rounding() == Rounding::TowardZero {
        return base_negative;
    }
    let some = g.any(&field[..field.len() - 1]);
    let none = g.not(some);
    g.or(none, field[field.len() - 1])
}

/// Whether overflow goes to infinity (NaN in E4M3) rather than to the largest magnitude.
pub fn overflow_away(g: &mut Gates<'_>, format: FloatFormat, sign: Wire) -> Wire {
    if format.saturates() {
        return g.bit(false);
    }
    match format.rounding() {
        Rounding::NearestEven | Rounding::NearestAway => g.bit(true),
        Rounding::TowardZero => g.bit(false),
        Rounding::Up => g.not(sign),
        Rounding::Down => sign,
    }
}

struct Choice {
    keep: Wire,
    largest: Wire,
    infinity: Wire,
    nan: Wire,
}

/// One AND per bit keeps the rounded result; the patterns that replace it are public, so they cost nothing.
fn pack(
    g: &mut Gates<'_>,
    format: FloatFormat,
    sign: Wire,
    fraction: &[Wire],
    field: &[Wire],
    choice: &Choice,
) -> Bits {
    let places = format.fraction_bits() as usize;
    let width = format.width() as usize - 1;
    let largest = format.max_finite();
    let mut patterns = vec![(choice.largest, largest)];
    if let Some(bits) = format.infinity() {
        patterns.push((choice.infinity, bits));
    }
    if let Some(bits) = format.nan() {
        patterns.push((choice.nan, bits));
    }
    let mut out = Vec::with_capacity(width + 1);
    for index in 0..width {
        let bit = if index < places { fraction[index] } else { field[index - places] };
        let mut bit = g.and(bit, choice.keep);
        for (wire, pattern) in &patterns {
            if pattern.bit(index as u64) {
                bit = g.xor(bit, *wire);
            }
        }
        out.push(bit);
    }
    let sign = match format.family {
        Family::Paper => {
            let present = g.xor(choice.keep, choice.largest);
            g.and(sign, present)
        }
        Family::Ieee { .. } | Family::E4m3 { .. } => g.and_not(sign, choice.nan),
    };
    out.push(sign);
    out
}
