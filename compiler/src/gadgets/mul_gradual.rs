//! Multiplication of `ieee<E, P, ..>` with subnormals, for the fewest ANDs.
//!
//! - Of two subnormals the product is below every digit that counts, so one operand is normalised, and only it.
//! - One right shift makes the product fit: by one place if it is 2 or more, or by what a subnormal result needs. That
//!   amount follows from the exponents alone, so the two never add up, and the product itself is never selected.
//! - What takes the place of the product (zero, infinity, NaN) is known before that shift. Decoding its amount clears
//!   the word for them, and overflow by rounding gives the encoding of infinity by itself.
//! - Nothing is tracked through the shift: a tie is where the product's trailing zeros end at the guard bit, one
//!   comparison of two small numbers. (That a product has the trailing zeros of both operands together is used by
//!   multipliers in hardware too: Santoro, Bewick and Horowitz, "Rounding algorithms for IEEE multipliers", ARITH 1989.)

use ffhec_circuit::Wire;

use super::bits::{Bits, Gates};
use super::float::Operand;
use super::format::{Family, FloatFormat, Rounding};
use super::multiply::{Columns, product};
use super::round::overflow_away;
use super::shift::{index_bits, normalise, shift_right};

/// Whether [`mul`] is the one to take: exceptions need more digits than it keeps.
pub fn fits(g: &Gates<'_>, format: FloatFormat) -> bool {
    let family = matches!(format.family, Family::Ieee { flush: false, .. });
    family && !g.shallow() && !g.watches()
}

/// An operand's exponent field, and what kind it says.
struct Kind {
    field: Bits,
    /// Zero or subnormal: the field is zero.
    small: Wire,
    /// Infinity or NaN: the field is all ones.
    special: Wire,
}

fn kind(g: &mut Gates<'_>, format: FloatFormat, bits: &[Wire]) -> Kind {
    let field = bits[format.fraction_bits() as usize..bits.len() - 1].to_vec();
    let (small, special) = super::float::extremes(g, format, &field);
    Kind { field, small, special }
}

/// The operands as they are multiplied.
struct Factors {
    /// The one that may be special or else subnormal, normalised; its top bit is taken for granted.
    first: Bits,
    second: Bits,
    /// By how many places the first was shifted.
    shift: Bits,
    /// The first is not zero; if it is special, it is NaN.
    some: Wire,
    /// One of them is zero, subnormal or special.
    extreme: Wire,
}

/// Whether the product of two subnormals is so small that it makes no difference what it is.
fn vanishes(format: FloatFormat) -> bool {
    let nearest = matches!(format.rounding(), Rounding::NearestEven | Rounding::NearestAway);
    let truncated = format.rounding() == Rounding::TowardZero;
    (nearest || truncated) && format.bias() > i64::from(format.precision)
}

fn factors(g: &mut Gates<'_>, format: FloatFormat, x: &[Wire], y: &[Wire], kinds: &[Kind; 2]) -> Factors {
    let places = format.fraction_bits() as usize;
    let [a, b] = kinds;
    // A special operand comes first, before a small one, before a normal one.
    let small = g.and_not(b.small, a.special);
    let swap = if x == y { g.bit(false) } else { g.xor(b.special, small) };
    let (mut first, mut second) = g.exchange(swap, &x[..places], &y[..places]);
    let (left, right) = (g.xor(a.small, a.special), g.xor(b.small, b.special));
    let extreme = g.or(left, right);
    first.push(g.not(extreme));
    let shifted = normalise(g, &first);
    let mut first = shifted.word;
    let some = first[places];
    first[places] = g.bit(true);
    second.push(if vanishes(format) {
        g.bit(true)
    } else {
        let both = g.and(a.small, b.small);
        g.not(both)
    });
    Factors { first, second, shift: shifted.shift, some, extreme }
}

/// The biased exponent of the product for its top bit but one, less one.
fn exponent(
    g: &mut Gates<'_>,
    format: FloatFormat,
    kinds: &[Kind; 2],
    shift: &[Wire],
    extreme: Wire,
) -> Bits {
    let width = (format.exponent_bits as usize).max(shift.len()) + 2;
    let mut columns = Columns::new(width);
    let [a, b] = kinds;
    columns.push_word(g, 0, &a.field, false, false);
    columns.push_word(g, 0, &b.field, false, false);
    // The exponent of a small operand is 1; where two vanish that of one may as well be 0.
    // (Or 2, of one next to a special one, where nothing counts.)
    if vanishes(format) {
        columns.push(0, extreme);
    } else {
        columns.push(0, a.small);
        columns.push(0, b.small);
    }
    columns.push_word(g, 0, shift, false, true);
    columns.push_constant(&(-(format.bias() + 1)).into());
    columns.sum(g)
}

/// Whether the product is too large before rounding: the exponent, more by one if `top`, is beyond that of the
/// largest value.
fn overflows(g: &mut Gates<'_>, format: FloatFormat, base: &[Wire], top: Wire) -> Wire {
    if g.facts().no_overflow {
        return g.bit(false);
    }
    let bits = format.exponent_bits as usize;
    let (negative, high) = (base[base.len() - 1], &base[bits..base.len() - 1]);
    // From 2^E - 2 on (2^E - 1 without infinities), or one less with the top bit.
    let ones = if format.has_infinity() {
        let last = g.and(base[0], top);
        let last = g.or(base[1], last);
        let upper = g.all(&base[2..bits]);
        g.and(upper, last)
    } else {
        let last = g.or(base[0], top);
        let upper = g.all(&base[1..bits]);
        g.and(upper, last)
    };
    let high = g.any(high);
    let above = g.or(ones, high);
    g.and_not(above, negative)
}

/// Wire `j` says whether any of the bits up to `j` is set.
fn any_up_to(g: &mut Gates<'_>, word: &[Wire]) -> Bits {
    let mut some = g.bit(false);
    let mut out = Vec::with_capacity(word.len());
    for &bit in word {
        some = g.or(some, bit);
        out.push(some);
    }
    out
}

/// How many of the wires, each of which implies the next, are clear.
fn clear_count(g: &mut Gates<'_>, reached: &[Wire]) -> Bits {
    let zero = g.bit(false);
    let mut bits = Vec::new();
    for place in 0..index_bits(reached.len() + 1) {
        let multiples = reached.iter().skip((1 << place) - 1).step_by(1 << place);
        let count = multiples.fold((zero, false), |(sum, odd), &wire| (g.xor(sum, wire), !odd));
        bits.push(if count.1 { g.not(count.0) } else { count.0 });
    }
    bits
}

/// How the product is rounded.
struct Direction {
    /// One unit is added.
    up: Wire,
    /// The last bit is cleared after that: a tie.
    tie: Wire,
}

/// What is below the digits that are kept.
struct Below<'a> {
    /// Wire `j` says whether any bit of the product up to `j` is set.
    reached: &'a [Wire],
    /// The place of the lowest digit of the shifted product, if it is not shifted.
    from: usize,
    /// The shift.
    amount: &'a [Wire],
    /// It is further than `amount` says.
    beyond: Wire,
}

/// Whether rounding looks at all of the product.
fn looks_below(format: FloatFormat) -> bool {
    match format.rounding() {
        Rounding::NearestEven | Rounding::Up | Rounding::Down => true,
        Rounding::NearestAway | Rounding::TowardZero => false,
    }
}

fn direction(
    g: &mut Gates<'_>,
    format: FloatFormat,
    below: &Below<'_>,
    guard: Wire,
    sign: Wire,
) -> Direction {
    let no = g.bit(false);
    let up = match format.rounding() {
        Rounding::NearestEven | Rounding::NearestAway => guard,
        Rounding::TowardZero => no,
        Rounding::Up => g.not(sign),
        Rounding::Down => sign,
    };
    if !looks_below(format) {
        return Direction { up, tie: no };
    }
    let zeros = clear_count(g, &below.reached[below.from..]);
    let zeros = g.resize(&zeros, below.amount.len());
    let lower = match below.from.checked_sub(1) {
        Some(last) => below.reached[last],
        None => no,
    };
    if format.rounding() == Rounding::NearestEven {
        let same = g.equal(&zeros, below.amount);
        return Direction { up, tie: g.and_not(same, lower) };
    }
    let short = g.less(&zeros, below.amount);
    let inexact = g.any(&[short, lower, below.beyond]);
    // A zero has less than any number of zeros.
    let some = below.reached[below.reached.len() - 1];
    Direction { up: g.all(&[inexact, some, up]), tie: no }
}

/// `x * y`. Requires [`fits`].
pub fn mul(g: &mut Gates<'_>, format: FloatFormat, x: Operand<'_>, y: Operand<'_>) -> Bits {
    let (precision, exponent_bits) = (format.precision as usize, format.exponent_bits as usize);
    let kinds = [kind(g, format, x.bits), kind(g, format, y.bits)];
    let sign = g.xor(x.bits[x.bits.len() - 1], y.bits[y.bits.len() - 1]);
    let factors = factors(g, format, x.bits, y.bits, &kinds);
    let product = product(g, &factors.first, &factors.second, false, 2 * precision);
    let top = product[2 * precision - 1];
    let base = exponent(g, format, &kinds, &factors.shift, factors.extreme);
    let negative = if g.facts().no_underflow { g.bit(false) } else { base[base.len() - 1] };

    // One guard to nearest.
    let guards = match format.rounding() {
        Rounding::NearestEven | Rounding::NearestAway => 1,
        Rounding::TowardZero | Rounding::Up | Rounding::Down => 0,
    };
    let from = precision - 1 - guards;
    let needed = index_bits(product.len() - from);
    let one = g.bit(true);
    let (distance, _) = g.negate_if(&base[..base.len() - 1], one);
    let mut amount = g.and_each(&distance[..needed.min(distance.len())], negative);
    amount[0] = g.mux(negative, distance[0], top);
    let zero = g.bit(false);
    amount.resize(needed, zero);
    let far = g.any(distance.get(needed..).unwrap_or(&[]));
    let beyond = g.and(far, negative);

    let special = g.or(kinds[0].special, kinds[1].special);
    let over = overflows(g, format, &base, top);
    let out = g.or(special, over);
    let keep = g.and_not(factors.some, out);
    let normal = g.and_not(keep, negative);
    let clear = g.not(keep);
    let gone = g.or(beyond, clear);
    let mut shift = amount.clone();
    shift.push(gone);
    let (word, _) = shift_right(g, &product[from..], zero, &shift, false);

    let below = any_up_to(g, &product[..product.len() - 1]);
    let guard = if guards == 1 { word[0] } else { zero };
    let seen = Below { reached: &below, from, amount: &amount, beyond };
    let Direction { up, tie } = direction(g, format, &seen, guard, sign);
    let up = if guards == 1 { up } else { g.and(up, keep) };
    let kept = &word[guards..guards + precision];
    let (mut bits, carry) = g.increment(&kept[..precision - 1], up);
    bits[0] = g.and_not(bits[0], tie);
    // A product of 2 or more is at most (2 - ulp)^2, so it does not round up to 4.
    let above = g.and(top, normal);
    let carry = g.xor(carry, above);
    let mut leading = g.zeros(exponent_bits);
    leading[0] = kept[precision - 1];
    let base = g.and_each(&base[..exponent_bits], normal);
    let (field, carry) = g.add(&base, &leading, carry);
    bits.extend(field);

    let second_some =
        if looks_below(format) { below[2 * precision - 3] } else { g.any(&factors.second[..precision - 1]) };
    let nan = nan(g, &kinds, &factors, special, second_some);
    let largest = if format.has_infinity() {
        let finite = g.and_not(over, special);
        let away = overflow_away(g, format, sign);
        g.and_not(finite, away)
    } else if g.facts().no_overflow {
        zero
    } else {
        // All ones, the largest magnitude, become zeros and a carry when one unit is added.
        g.xor(over, carry)
    };
    let infinity = g.xor(out, largest);
    let infinity = g.xor(infinity, nan);
    for (wire, pattern) in
        [(nan, format.nan()), (infinity, format.infinity()), (largest, Some(format.max_finite()))]
    {
        let Some(pattern) = pattern else { continue };
        for (index, bit) in bits.iter_mut().enumerate() {
            if pattern.bit(index as u64) {
                *bit = g.xor(*bit, wire);
            }
        }
    }
    bits.push(g.and_not(sign, nan));
    bits
}

/// Whether the product is NaN: a special operand comes first and is none itself, so it depends on the second one too
/// only if that is special or zero. (Not subnormal: infinity times zero.) Then the first significand is 1 and the
/// product has the second one's fraction.
fn nan(g: &mut Gates<'_>, kinds: &[Kind; 2], factors: &Factors, special: Wire, second_some: Wire) -> Wire {
    let [a, b] = kinds;
    let both = {
        let (left, right) = (g.xor(a.small, a.special), g.xor(b.small, b.special));
        g.and(left, right)
    };
    let small = g.xor(a.small, b.small);
    let odd = g.xor(second_some, small);
    let bad = g.and(both, odd);
    let bad = g.or(factors.some, bad);
    g.and(special, bad)
}
