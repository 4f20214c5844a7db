//! Float addition.
//!
//! The paper's FAdd protocol (FFHE paper, section 6.4), closed where it is open: it compares magnitudes with its
//! Greater-Than Bit, shifts the significand of the larger operand left by every possible difference, and keeps the
//! top k of k + l bits. Here the operands are exchanged so that the first has the larger magnitude (one comparison of
//! exponent and fraction together), the smaller one is shifted right, and the result is normalised, so that no bits
//! are lost when exponents are equal or leading digits cancel.

use ffhec_circuit::Wire;

use super::add_fast;
use super::bits::{Bits, Gates};
use super::float::{Fields, Operand, extremes, fields};
use super::format::{Family, FloatFormat, Rounding};
use super::objective::Objective;
use super::prefix::{both_carries, half_sums};
use super::protocol::{greater_than_bit, shift_significand};
use super::round::{Below, Exact, Special, round};
use super::shift::{Normalised, index_bits, normalise_to, normalise_within};

/// The exact sum of an ordered pair, in a window.
struct Window {
    word: Bits,
    sticky: Wire,
}

/// `high +- (low >> distance)` for significands of one width: `guards` bits and a sticky bit (not when truncating) are
/// below; one bit is above, which is the sign where the difference may be negative.
///
/// What the shift loses of a subtracted operand rounds toward minus infinity. The smaller operand is negated before it
/// is shifted, as two's complement, and no sticky bit is needed; or, if `late`, after: then the sticky bit is needed
/// (it comes sooner than the negated operand would), and `-(low >> distance)`, rounded down, is the complement, plus
/// one if nothing was lost: one AND.
fn add_aligned(
    g: &mut Gates<'_>,
    high: &[Wire],
    low: &[Wire],
    distance: &[Wire],
    subtract: Wire,
    guards: usize,
    late: bool,
) -> Window {
    let mut window = g.zeros(guards);
    let zero = g.bit(false);
    if late {
        let mut upper = window.clone();
        upper.extend_from_slice(high);
        window.extend_from_slice(low);
        let (shifted, sticky) = shift_significand(g, &window, zero, distance, true);
        let flipped = g.xor_each(&shifted, subtract);
        let exact = g.and_not(subtract, sticky);
        let (mut word, carry) = g.add(&upper, &flipped, exact);
        word.push(g.xor(subtract, carry));
        return Window { word, sticky };
    }
    let (negated, none) = g.negate_if(low, subtract);
    let sign = g.xor(subtract, none);
    window.extend(negated);
    let watched = g.watches();
    let (shifted, sticky) = shift_significand(g, &window, sign, distance, watched);
    let (sum, carry) = g.add(high, &shifted[guards..], zero);
    let mut word = shifted[..guards].to_vec();
    word.extend(sum);
    word.push(g.xor(sign, carry));
    Window { word, sticky }
}

/// How many bits of a normalised exact result rounding looks at, besides the sticky bit.
pub fn rounded_bits(format: FloatFormat) -> usize {
    let guard = matches!(format.rounding(), Rounding::NearestEven | Rounding::NearestAway);
    format.precision as usize + usize::from(guard)
}

/// `x + y`, or `x - y` if `subtract`: the FAdd protocol. `float<5, 11>` takes under 200 ANDs.
pub fn add(g: &mut Gates<'_>, format: FloatFormat, x: Operand<'_>, y: Operand<'_>, subtract: bool) -> Bits {
    if g.objective() == Objective::LeastDepth && matches!(format.family, Family::Paper) {
        return add_fast::add(g, format, x, y, subtract);
    }
    let last = format.width() as usize - 1;
    let sign_x = x.bits[last];
    let sign_y = if subtract { g.not(y.bits[last]) } else { y.bits[last] };
    // Step 1 and 2 of FAdd: the sign is that of the larger magnitude.
    let swap = greater_than_bit(g, &x.bits[..last], &y.bits[..last]);
    let (mut high, mut low) = g.exchange(swap, &x.bits[..last], &y.bits[..last]);
    let differ = g.xor(sign_x, sign_y);
    let change = g.and(swap, differ);
    let sign = g.xor(sign_x, change);
    high.push(sign);
    low.push(sign);
    let (high, low, mut distance) = ordered(g, format, x.bits, y.bits, &high, &low);

    // The larger operand's leading bit is taken for granted where a zero result shows as an underflow anyway.
    let paper = matches!(format.family, Family::Paper);
    let subnormals = format.has_subnormals();
    let one = g.bit(true);
    let hidden = if paper && !g.watches() { one } else { high.hidden };
    let mut significand = high.fraction.clone();
    if g.watches() && !subnormals {
        // A zero must not look like a value that underflows.
        significand = g.and_each(&significand, hidden);
    }
    significand.push(hidden);
    // With the larger operand normalised, at most one place is lost to cancellation where anything was shifted out.
    let guards = match format.rounding() {
        Rounding::TowardZero | Rounding::Up | Rounding::Down => 1,
        Rounding::NearestEven | Rounding::NearestAway => 2,
    };
    let mut smaller = low.fraction.clone();
    let mut subtract = differ;
    let plain = subnormals || (x.canonical && y.canonical);
    if plain {
        smaller.push(low.hidden);
    } else {
        // A zero with any fraction: shifted out altogether, and not negated.
        smaller.push(one);
        subtract = g.and(differ, low.hidden);
        let needed = index_bits(format.precision as usize + guards);
        distance = g.resize(&distance, needed.max(distance.len()));
        distance.push(g.not(low.hidden));
    }
    let field = effective(g, format, &high);
    let late = format.rounding() != Rounding::TowardZero || g.shallow();
    let mut sum = add_aligned(g, &significand, &smaller, &distance, subtract, guards, late);
    if !plain {
        sum.sticky = g.and(sum.sticky, low.hidden);
    }
    let keep = rounded_bits(format);

    let special = specials(g, format, &high, &low, differ);
    if subnormals {
        let (word, mut base, sticky) = normalise_within(g, &sum.word, &field, keep, sum.sticky);
        // A subnormal sum is exact, so that nothing of it is below the word.
        let some = g.any(&word);
        let zero = g.not(some);
        let sign = zero_sign(g, format, sign, differ, zero);
        base = g.resize(&base, format.exponent_bits as usize + 2);
        let exact = Exact { sign, base, significand: word, sticky };
        return round(g, format, exact, special, Below::Aligned);
    }
    let (shifted, sticky) = normalise_to(g, &sum.word, keep, sum.sticky);
    if paper && g.shallow() && !g.watches() {
        let carry = sum.word[sum.word.len() - 1];
        return pack_truncated(g, format, sign, &field, carry, &shifted);
    }
    let width = field.len().max(shifted.shift.len()) + 2;
    let wide = g.resize(&field, width);
    let shift = g.resize(&shifted.shift, width);
    let (base, _) = g.sub(&wide, &shift);
    let sign = if paper {
        sign
    } else {
        let some = g.and(hidden, shifted.word[shifted.word.len() - 1]);
        let zero = g.not(some);
        zero_sign(g, format, sign, differ, zero)
    };
    let exact = Exact { sign, base, significand: shifted.word, sticky };
    round(g, format, exact, special, Below::Aligned)
}

/// The operands in order, taken apart, and the distance of their exponents. Few levels: what does not depend on the
/// order is found before it is known.
fn ordered(
    g: &mut Gates<'_>,
    format: FloatFormat,
    x: &[Wire],
    y: &[Wire],
    high: &[Wire],
    low: &[Wire],
) -> (Fields, Fields, Bits) {
    let (mut high, mut low) = (fields(g, format, high), fields(g, format, low));
    if g.shallow() {
        let (x, y) = (fields(g, format, x), fields(g, format, y));
        high.hidden = g.or(x.hidden, y.hidden);
        low.hidden = g.and(x.hidden, y.hidden);
        let (x, y) = (effective(g, format, &x), effective(g, format, &y));
        let distance = absolute_difference(g, &x, &y);
        return (high, low, distance);
    }
    let (field, low_field) = (effective(g, format, &high), effective(g, format, &low));
    let (distance, _) = g.sub(&field, &low_field);
    (high, low, distance)
}

/// The exponent that counts: that of subnormals is 1.
fn effective(g: &mut Gates<'_>, format: FloatFormat, fields: &Fields) -> Bits {
    let mut field = fields.field.clone();
    if format.has_subnormals() {
        let empty = g.not(fields.hidden);
        field[0] = g.xor(field[0], empty);
    }
    field
}

/// `|a - b|`: `a - b` or the complement of `a - b - 1`, which share their carries.
fn absolute_difference(g: &mut Gates<'_>, a: &[Wire], b: &[Wire]) -> Bits {
    let one = g.bit(true);
    let complement = g.xor_each(b, one);
    let (generate, propagate) = half_sums(g, a, &complement);
    let (clear, set) = both_carries(g, &generate, &propagate);
    let positive = set[a.len()];
    let bits = propagate.iter().zip(clear.iter().zip(&set));
    bits.map(|(&half, (&clear, &set))| {
        let (down, up) = (g.xor(half, clear), g.xor(half, set));
        let down = g.not(down);
        g.mux(positive, up, down)
    })
    .collect()
}

/// The end of an addition of `float<E, P>` in few levels: the exponent is raised before it is known by how much it
/// sinks, and too large a sum is known before it is shifted.
fn pack_truncated(
    g: &mut Gates<'_>,
    format: FloatFormat,
    sign: Wire,
    field: &[Wire],
    carry: Wire,
    shifted: &Normalised,
) -> Bits {
    let (facts, no, one) = (g.facts(), g.bit(false), g.bit(true));
    let top = shifted.word.len() - 1;
    let width = field.len().max(shifted.shift.len());
    let (wide, shift) = (g.resize(field, width), g.resize(&shifted.shift, width));
    let (raised, _) = g.increment(&wide, one);
    let result = g.sub(&raised, &shift).0;
    let full = g.all(field);
    let over = if facts.no_overflow { no } else { g.and(full, carry) };
    let low = if facts.no_underflow { no } else { g.less(&wide, &shift) };
    let low = g.or(low, over);
    let keep = g.and_not(shifted.word[top], low);
    let places = format.fraction_bits() as usize;
    let bits = shifted.word[top - places..top].iter().chain(&result[..field.len()]);
    let mut out: Bits = bits
        .map(|&bit| {
            let kept = g.and(bit, keep);
            g.xor(kept, over)
        })
        .collect();
    let present = g.xor(keep, over);
    out.push(g.and(sign, present));
    out
}

/// The sign of a sum: a zero from operands of different signs is positive, negative when rounding down.
fn zero_sign(g: &mut Gates<'_>, format: FloatFormat, sign: Wire, differ: Wire, zero: Wire) -> Wire {
    if !format.has_signed_zero() {
        return sign;
    }
    let balanced = g.and(differ, zero);
    if format.rounding() == Rounding::Down { g.or(sign, balanced) } else { g.and_not(sign, balanced) }
}

/// Infinities and NaN are above every finite magnitude, so the larger operand says nearly all.
fn specials(g: &mut Gates<'_>, format: FloatFormat, high: &Fields, low: &Fields, differ: Wire) -> Special {
    let mut special = Special::none(g);
    match format.family {
        Family::Paper | Family::Ieee { finite: true, .. } | Family::E4m3 { finite: true } => {}
        Family::Ieee { finite: false, .. } => {
            let (_, ones) = extremes(g, format, &high.field);
            let some = g.any(&high.fraction);
            let (_, both) = extremes(g, format, &low.field);
            let opposite = g.and(both, differ);
            let bad = g.or(some, opposite);
            special.nan = g.and(ones, bad);
            special.infinity = g.xor(ones, special.nan);
        }
        Family::E4m3 { finite: false } => {
            let ones = g.all(&high.field);
            let full = g.all(&high.fraction);
            special.nan = g.and(ones, full);
        }
    }
    special
}

/// A number with an exponent wide enough for products: what [`add_wide`] adds.
#[derive(Debug)]
pub struct Wide {
    /// The sign.
    pub sign: Wire,
    /// The exponent of the top bit, nonnegative with any common offset; zero if the value is zero.
    pub exponent: Bits,
    /// The significand: one of the top two bits is set, unless the value is zero.
    pub significand: Bits,
}

/// The exact sum of two wide numbers, and whether it is zero. The base is the exponent of the result's top bit in
/// the operands' offset, less one.
///
/// Only the exponents are compared: at distances 0 and 1 the difference may be negative and is then complemented. With
/// significands from 1/4 to 1 the difference is not negative from distance 2 on, and at least 1/8 from distance 3 on;
/// two guard bits make it exact up to distance 2, so that nothing is lost where it may be negative or cancel.
///
/// If `one_zero` is set, one of them is zero; then it has the smaller exponent, is shifted out altogether, and what its
/// significand holds does not count. If both are zero the result has no meaning.
pub fn add_wide(g: &mut Gates<'_>, format: FloatFormat, x: &Wide, y: &Wide, one_zero: Wire) -> (Exact, Wire) {
    debug_assert!(
        x.significand.len() >= format.precision as usize + 5,
        "three places lost, a guard and a spare"
    );
    let join = |value: &Wide| {
        let mut word = value.significand.clone();
        word.extend_from_slice(&value.exponent);
        word
    };
    let (a, b) = (join(x), join(y));
    let swap = greater_than_bit(g, &x.exponent, &y.exponent);
    let (high, low) = g.exchange(swap, &a, &b);
    let differ = g.xor(x.sign, y.sign);
    let change = g.and(swap, differ);
    let sign = g.xor(x.sign, change);
    let (significand, field) = high.split_at(x.significand.len());
    let (smaller, low_field) = low.split_at(x.significand.len());
    let (distance, _) = g.sub(field, low_field);
    // The shifted zero would round a difference down.
    let subtract = g.and_not(differ, one_zero);
    let late = format.rounding() != Rounding::TowardZero;
    let mut sum = add_aligned(g, significand, smaller, &distance, subtract, 2, late);
    sum.sticky = g.and_not(sum.sticky, one_zero);
    let negative = g.and(subtract, sum.word[sum.word.len() - 1]);
    let sign = g.xor(sign, negative);
    let (magnitude, _) = g.negate_if(&sum.word, negative);
    let (shifted, sticky) = normalise_to(g, &magnitude, rounded_bits(format), sum.sticky);
    let width = field.len().max(shifted.shift.len()) + 1;
    let wide = g.resize(field, width);
    let shift = g.resize(&shifted.shift, width);
    let (base, _) = g.sub(&wide, &shift);
    let zero = g.not(shifted.word[shifted.word.len() - 1]);
    let exact = Exact { sign, base, significand: shifted.word, sticky };
    (exact, zero)
}

/// The sign of `x + y` when it may be an exact zero.
pub fn sum_sign(g: &mut Gates<'_>, format: FloatFormat, sign: Wire, differ: Wire, zero: Wire) -> Wire {
    zero_sign(g, format, sign, differ, zero)
}
