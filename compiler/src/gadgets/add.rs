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
use super::float::{Operand, fields};
use super::format::{Family, FloatFormat, Rounding};
use super::objective::Objective;
use super::protocol::{greater_than_bit, shift_significand};
use super::round::{Below, Exact, Special, round};
use super::shift::{normalise, normalise_within};

/// The exact sum of an ordered pair, in a window.
struct Window {
    word: Bits,
    sticky: Wire,
}

/// `high +- (low >> distance)` for significands of one width with `high >= low >> distance`: two guard bits (one for
/// directed rounding) and a sticky bit are below; one bit is above.
///
/// The smaller operand is negated before it is shifted, as two's complement: what the shift loses then rounds toward
/// minus infinity by itself, and truncation needs no sticky bit at all.
fn add_aligned(
    g: &mut Gates<'_>,
    high: &[Wire],
    low: &[Wire],
    distance: &[Wire],
    subtract: Wire,
    rounding: Rounding,
) -> Window {
    let (guards, track) = match rounding {
        Rounding::TowardZero => (1, false),
        Rounding::Up | Rounding::Down => (1, true),
        Rounding::NearestEven | Rounding::NearestAway => (2, true),
    };
    let track = track || g.watches();
    let (negated, none) = g.negate_if(low, subtract);
    let sign = g.xor(subtract, none);
    let mut window = g.zeros(guards);
    window.extend(negated);
    let (shifted, sticky) = shift_significand(g, &window, sign, distance, track);
    let zero = g.bit(false);
    let (sum, carry) = g.add(high, &shifted[guards..], zero);
    let mut word = shifted[..guards].to_vec();
    word.extend(sum);
    word.push(g.xor(sign, carry));
    Window { word, sticky }
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
    let high = fields(g, format, &high);
    let low = fields(g, format, &low);

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
    let mut smaller = low.fraction.clone();
    let canonical = x.canonical && y.canonical;
    if !(subnormals || canonical) {
        smaller = g.and_each(&smaller, low.hidden);
    }
    smaller.push(low.hidden);
    let (mut field, mut low_field) = (high.field.clone(), low.field.clone());
    if subnormals {
        let (empty, low_empty) = (g.not(high.hidden), g.not(low.hidden));
        field[0] = g.xor(field[0], empty);
        low_field[0] = g.xor(low_field[0], low_empty);
    }
    let (distance, _) = g.sub(&field, &low_field);
    let sum = add_aligned(g, &significand, &smaller, &distance, differ, format.rounding());

    let special = specials(g, format, &high, &low, differ);
    if subnormals {
        let (word, mut base) = normalise_within(g, &sum.word, &field);
        let some = g.any(&word);
        let zero = g.not(some);
        let sign = zero_sign(g, format, sign, differ, zero);
        base = g.resize(&base, format.exponent_bits as usize + 2);
        let exact = Exact { sign, base, significand: word, sticky: sum.sticky };
        return round(g, format, exact, special, Below::Aligned);
    }
    let shifted = normalise(g, &sum.word);
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
    let exact = Exact { sign, base, significand: shifted.word, sticky: sum.sticky };
    round(g, format, exact, special, Below::Aligned)
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
fn specials(
    g: &mut Gates<'_>,
    format: FloatFormat,
    high: &super::float::Fields,
    low: &super::float::Fields,
    differ: Wire,
) -> Special {
    let mut special = Special::none(g);
    match format.family {
        Family::Paper | Family::Ieee { finite: true, .. } => {}
        Family::Ieee { finite: false, .. } => {
            let ones = g.all(&high.field);
            let some = g.any(&high.fraction);
            let both = g.all(&low.field);
            let opposite = g.and(both, differ);
            let bad = g.or(some, opposite);
            special.nan = g.and(ones, bad);
            special.infinity = g.xor(ones, special.nan);
        }
        Family::E4m3 { .. } => {
            let ones = g.all(&high.field);
            let full = g.all(&high.fraction);
            special.nan = g.and(ones, full);
        }
    }
    special
}

/// A normalised number with an exponent wide enough for products: what [`add_wide`] adds.
#[derive(Debug)]
pub struct Wide {
    /// The sign.
    pub sign: Wire,
    /// The exponent of the top bit, nonnegative with any common offset; zero if the value is zero.
    pub exponent: Bits,
    /// The significand, top bit set or all clear.
    pub significand: Bits,
}

/// The exact sum of two wide numbers, and whether it is zero. The base is the exponent of the result's top bit in
/// the operands' offset, less one.
pub fn add_wide(g: &mut Gates<'_>, x: &Wide, y: &Wide, rounding: Rounding) -> (Exact, Wire) {
    let join = |value: &Wide| {
        let mut word = value.significand.clone();
        word.extend_from_slice(&value.exponent);
        word
    };
    let (a, b) = (join(x), join(y));
    let swap = greater_than_bit(g, &a, &b);
    let (high, low) = g.exchange(swap, &a, &b);
    let differ = g.xor(x.sign, y.sign);
    let change = g.and(swap, differ);
    let sign = g.xor(x.sign, change);
    let (significand, field) = high.split_at(x.significand.len());
    let (smaller, low_field) = low.split_at(x.significand.len());
    let (distance, _) = g.sub(field, low_field);
    let sum = add_aligned(g, significand, smaller, &distance, differ, rounding);
    let shifted = normalise(g, &sum.word);
    let width = field.len().max(shifted.shift.len()) + 1;
    let wide = g.resize(field, width);
    let shift = g.resize(&shifted.shift, width);
    let (base, _) = g.sub(&wide, &shift);
    let zero = g.not(shifted.word[shifted.word.len() - 1]);
    let exact = Exact { sign, base, significand: shifted.word, sticky: sum.sticky };
    (exact, zero)
}

/// The sign of `x + y` when it may be an exact zero.
pub fn sum_sign(g: &mut Gates<'_>, format: FloatFormat, sign: Wire, differ: Wire, zero: Wire) -> Wire {
    zero_sign(g, format, sign, differ, zero)
}
