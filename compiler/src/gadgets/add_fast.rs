//! Addition of `float<E, P>` in the least depth: two paths side by side (Farmwald, On the Design of High Performance
//! Digital Arithmetic Units, 1981; Oberman, Al-Twaijry and Flynn, ARITH 1997).
//!
//! **Near**: a difference of operands whose exponents differ by at most one may cancel. All of `x - y`, `y - x`,
//! `2x - y` and `2y - x` are computed, one is chosen, its leading zeros counted and shifted out at once; nothing is
//! rounded. **Far**: everything else. Both operands are shifted right at once, each as if it were the smaller, the
//! other is added or subtracted, and at most one leading zero appears. An operand that is zero goes past both.
//!
//! Shifts begin with the low bits of the distance, which are known first; so they end as soon as the distance is
//! known. What takes long and what decides meet in one AND, and results that exclude each other are joined by XOR.

use ffhec_circuit::Wire;

use super::bits::{Bits, Gates};
use super::float::{Fields, Operand, fields};
use super::format::FloatFormat;
use super::prefix::{all_prefixes, both_carries, carries, carry_out, half_sums, top_if};
use super::shift::{index_bits, thermometer};
use super::shift_fast::{clear_from_top, decode, one_hot_leading_zeros, shift_at_once};

/// A result before it is joined with others, all bits clear if it is not the one.
struct Part {
    fraction: Bits,
    field: Bits,
    /// Whether it is the result, and is not zero.
    present: Wire,
}

/// `x + y`, or `x - y` if `subtract`.
pub fn add(g: &mut Gates<'_>, format: FloatFormat, x: Operand<'_>, y: Operand<'_>, subtract: bool) -> Bits {
    let (x, y) = (fields(g, format, x.bits), fields(g, format, y.bits));
    let sign_y = if subtract { g.not(y.sign) } else { y.sign };
    let differ = g.xor(x.sign, sign_y);
    let both = g.and(x.hidden, y.hidden);
    let close = closeness(g, &x, &y);
    let within = g.xor(close.one_above, close.one_below);
    let within = g.xor(within, close.equal);
    let near = g.all(&[differ, both, within]);
    let far = g.xor(both, near);

    let (far, largest, y_above) = far_path(g, format, &x, &y, differ, far);
    let (near, second) = near_path(g, &x, &y, near);

    // The sign is that of the larger magnitude.
    let in_near = g.and(close.equal, second);
    let of_y = g.xor(y_above, in_near);
    let change = g.and(differ, of_y);
    let sign = g.xor(x.sign, change);

    let only_x = g.xor(x.hidden, both);
    let only_y = g.xor(y.hidden, both);
    let join = |g: &mut Gates<'_>, far: Wire, near: Wire, x: Wire, y: Wire| {
        let (x, y) = (g.and(x, only_x), g.and(y, only_y));
        [near, x, y, largest].into_iter().fold(far, |sum, wire| g.xor(sum, wire))
    };
    let mut out = Vec::with_capacity(format.width() as usize);
    for index in 0..x.fraction.len() {
        out.push(join(g, far.fraction[index], near.fraction[index], x.fraction[index], y.fraction[index]));
    }
    for index in 0..x.field.len() {
        out.push(join(g, far.field[index], near.field[index], x.field[index], y.field[index]));
    }
    let one = g.bit(true);
    let present = join(g, far.present, near.present, one, one);
    out.push(g.and(sign, present));
    out
}

/// How the exponents compare when they are close.
struct Closeness {
    equal: Wire,
    one_above: Wire,
    one_below: Wire,
}

fn closeness(g: &mut Gates<'_>, x: &Fields, y: &Fields) -> Closeness {
    let equal = g.equal(&x.field, &y.field);
    let one = g.bit(true);
    let one_more = |g: &mut Gates<'_>, a: &[Wire], b: &[Wire]| {
        let flipped = g.xor_each(b, one);
        let terms = full_sum_terms(g, a, &flipped);
        g.all(&terms)
    };
    let one_above = one_more(g, &x.field, &y.field);
    let one_below = one_more(g, &y.field, &x.field);
    Closeness { equal, one_above, one_below }
}

/// Wires that are all set if and only if `a + b = 2^n`: where the sum of two words is zero modulo `2^n`, every place
/// has a carry in exactly if the place below has any bit (Cortadella and Llaberia, IEEE Trans. Computers 1992).
fn full_sum_terms(g: &mut Gates<'_>, a: &[Wire], b: &[Wire]) -> Bits {
    let mut below = g.bit(false);
    let mut terms = Vec::with_capacity(a.len() + 1);
    for (&a, &b) in a.iter().zip(b) {
        let half = g.xor(a, b);
        let odd = g.xor(half, below);
        terms.push(g.not(odd));
        below = g.or(a, b);
    }
    terms.push(below);
    terms
}

/// `a - b - 1 + carry` modulo `2^E`, with the carry into every place.
struct Distance<'a> {
    a: &'a [Wire],
    b: Bits,
    bits: Bits,
    carries: Bits,
}

impl<'a> Distance<'a> {
    fn new(g: &mut Gates<'_>, a: &'a [Wire], b: &[Wire], carry: Wire) -> Self {
        let b: Bits = b.iter().map(|&bit| g.not(bit)).collect();
        let (generate, propagate) = half_sums(g, a, &b);
        let carries = carries(g, &generate, &propagate, carry);
        let bits = propagate.iter().zip(&carries).map(|(&half, &carry)| g.xor(half, carry)).collect();
        Distance { a, b, bits, carries }
    }

    /// Whether the distance is not negative.
    fn positive(&self) -> Wire {
        self.carries[self.a.len()]
    }

    /// Whether `0 <= distance < 2^stages`, and the condition holds. The upper bits of the operands are compared for
    /// both values of the carry that comes from below.
    fn inside(&self, g: &mut Gates<'_>, stages: usize, condition: Wire) -> Wire {
        let (a, b) = (&self.a[stages..], &self.b[stages..]);
        let carry = self.carries[stages];
        let mut with: Bits = a.iter().zip(b).map(|(&a, &b)| g.xor(a, b)).collect();
        with.extend([carry, condition]);
        let mut without = full_sum_terms(g, a, b);
        without.extend([g.not(carry), condition]);
        let (with, without) = (g.all(&with), g.all(&without));
        g.xor(with, without)
    }
}

/// `word >> amount`, and whether no set bit was lost and `track` is set. The top bit of the word is set.
fn shifted(g: &mut Gates<'_>, word: &[Wire], amount: &[Wire], track: Wire) -> (Bits, Wire) {
    let zero = g.bit(false);
    let flipped: Bits = word[..word.len() - 1].iter().map(|&bit| g.not(bit)).collect();
    let clear = all_prefixes(g, &flipped);
    let mut address = amount.to_vec();
    address.push(track);
    let hot = decode(g, &address).split_off(1 << amount.len());
    let mut whole = hot[0];
    for (&hot, &clear) in hot[1..].iter().zip(&clear) {
        let kept = g.and(hot, clear);
        whole = g.xor(whole, kept);
    }
    let mut word = word.to_vec();
    for (stage, &choice) in amount.iter().enumerate() {
        word = (0..word.len())
            .map(|index| {
                let from = word.get(index + (1 << stage)).copied().unwrap_or(zero);
                g.mux(choice, from, word[index])
            })
            .collect();
    }
    (word, whole)
}

/// The far path where `far`; whether it overflows; and whether y has the larger exponent.
///
/// Sums are built one place lower than differences, so that both are in [1, 4) units of the window's last place but
/// one and need the same selection; the distance is less by one for differences to make up for it.
fn far_path(
    g: &mut Gates<'_>,
    format: FloatFormat,
    x: &Fields,
    y: &Fields,
    differ: Wire,
    far: Wire,
) -> (Part, Wire, Wire) {
    let precision = format.precision as usize;
    let stages = index_bits(precision).min(format.exponent_bits as usize);
    let (zero, one, same) = (g.bit(false), g.bit(true), g.not(differ));
    let significand = |fields: &Fields| fields.fraction.iter().copied().chain([one]).collect::<Bits>();
    let (word_x, word_y) = (significand(x), significand(y));

    // x is shifted only if its exponent is really smaller: its distance is less by one in sums too, and the shift by
    // one more is part of the selection.
    let of_y = Distance::new(g, &x.field, &y.field, same);
    let of_x = Distance::new(g, &y.field, &x.field, zero);
    let y_inside = of_y.inside(g, stages, one);
    let x_inside_sum = of_x.inside(g, stages, same);
    let x_inside_difference = of_x.inside(g, stages, differ);
    let (low_y, whole_y) = shifted(g, &word_y, &of_y.bits[..stages], differ);
    let (low_x, whole_x) = shifted(g, &word_x, &of_x.bits[..stages], differ);
    let x_high = of_y.positive();

    let at = |word: &[Wire], index: usize| word.get(index).copied().unwrap_or(zero);
    let mut low = Vec::with_capacity(precision + 1);
    let mut high = Vec::with_capacity(precision + 1);
    for index in 0..=precision {
        let terms = [
            g.and(y_inside, at(&low_y, index)),
            g.and(x_inside_difference, at(&low_x, index)),
            g.and(x_inside_sum, at(&low_x, index + 1)),
        ];
        low.push(terms.into_iter().fold(differ, |sum, wire| g.xor(sum, wire)));
        let below = |word: &[Wire]| index.checked_sub(1).map_or(zero, |below| word[below]);
        let from_x = g.mux(differ, below(&word_x), at(&word_x, index));
        let from_y = g.mux(differ, below(&word_y), at(&word_y, index));
        high.push(g.mux(x_high, from_x, from_y));
    }
    // The complement of the smaller operand is short of its negative by one unit of the last place unless bits were
    // lost, and then truncation takes that unit.
    let (whole_x, whole_y) = (g.and(x_inside_difference, whole_x), g.and(y_inside, whole_y));
    let carry = g.xor(whole_x, whole_y);
    let (generate, propagate) = half_sums(g, &high, &low);
    let carried = carries(g, &generate, &propagate, carry);
    let sum: Bits = propagate.iter().zip(&carried).map(|(&half, &carry)| g.xor(half, carry)).collect();

    let field = g.select(x_high, &x.field, &y.field);
    let (if_high, _) = g.increment(&field, same);
    let flipped: Bits = field.iter().map(|&bit| g.not(bit)).collect();
    let (if_low, _) = g.increment(&flipped, differ);
    let if_low = g.xor_each(&if_low, one);
    let (full_x, full_y) = (g.all(&x.field), g.all(&y.field));
    let full = g.mux(x_high, full_x, full_y);
    let over = g.and(full, same);
    let not_over = g.not(over);
    let (above_x, above_y) = (g.any(&x.field[1..]), g.any(&y.field[1..]));
    let above_one = g.mux(x_high, above_x, above_y);
    let not_under = g.or(same, above_one);
    let high = top_if(g, &generate, &propagate, carry, &[far, not_over]);
    let low = top_if(g, &generate, &propagate, carry, &[far, not_under]);
    let low_valid = g.and(far, not_under);
    let low = g.xor(low, low_valid);
    let over = g.and(far, over);
    let largest = g.and(sum[precision], over);

    let choose = |g: &mut Gates<'_>, if_high: Wire, if_low: Wire| {
        let (if_high, if_low) = (g.and(if_high, high), g.and(if_low, low));
        g.xor(if_high, if_low)
    };
    let fraction = (0..precision - 1).map(|index| choose(g, sum[index + 1], sum[index])).collect();
    let field = if_high.iter().zip(&if_low).map(|(&high, &low)| choose(g, high, low)).collect();
    (Part { fraction, field, present: g.xor(high, low) }, largest, of_x.positive())
}

/// The near path where `near`, and whether y is the larger operand if the exponents are equal.
fn near_path(g: &mut Gates<'_>, x: &Fields, y: &Fields, near: Wire) -> (Part, Wire) {
    let one = g.bit(true);
    // Two bits tell exponents apart that differ by at most one.
    let odd = g.xor(x.field[0], y.field[0]);
    let borrow = g.and_not(y.field[0], x.field[0]);
    let second_bit = g.xor(x.field[1], y.field[1]);
    let below = g.xor(second_bit, borrow);
    let smaller = g.and(odd, below);
    let larger = g.xor(odd, smaller);
    let even = g.or(odd, second_bit);
    let even = g.not(even);

    // Equal exponents: the leading ones cancel, and one prefix gives both differences.
    let flipped: Bits = y.fraction.iter().map(|&bit| g.not(bit)).collect();
    let (generate, propagate) = half_sums(g, &x.fraction, &flipped);
    let (clear, set) = both_carries(g, &generate, &propagate);
    let (mut ordered, mut through) = (generate, propagate.clone());
    ordered.push(g.bit(false));
    through.push(even);
    let first = carry_out(g, &ordered, &through, one);
    let second = g.xor(even, first);

    let (twice_x, twice_y) =
        (twice_less(g, &x.fraction, &y.fraction), twice_less(g, &y.fraction, &x.fraction));
    let mut word = Vec::with_capacity(twice_x.len());
    for index in 0..twice_x.len() {
        let mut bit = g.and(larger, twice_x[index]);
        let other = g.and(smaller, twice_y[index]);
        bit = g.xor(bit, other);
        if let Some(place) = index.checked_sub(1).filter(|&place| place < propagate.len()) {
            let forward = g.xor(propagate[place], set[place]);
            let backward = g.xor(propagate[place], clear[place]);
            let backward = g.not(backward);
            let (forward, backward) = (g.and(first, forward), g.and(second, backward));
            bit = g.xor(bit, forward);
            bit = g.xor(bit, backward);
        }
        word.push(bit);
    }

    let clear = clear_from_top(g, &word);
    let hot = one_hot_leading_zeros(g, &clear);
    let field = g.select(smaller, &y.field, &x.field);
    (normalised(g, &field, &word, &hot, near), second)
}

/// `2 a - b` for fractions below a leading one.
fn twice_less(g: &mut Gates<'_>, a: &[Wire], b: &[Wire]) -> Bits {
    let (zero, one) = (g.bit(false), g.bit(true));
    let a: Bits = [zero].into_iter().chain(a.iter().copied()).chain([one]).collect();
    let b: Bits = b.iter().copied().chain([one, zero]).collect();
    g.sub(&a, &b).0
}

/// The word without its leading zeros, `hot[j]` if there are j, and `field - j`, where that is above zero.
///
/// Every bit of `field - j` is a sum of a bit of the field, a bit of j and a borrow that is known long before j; so it
/// is selected by sums of the wires of `hot`, without a subtraction after the count.
fn normalised(g: &mut Gates<'_>, field: &[Wire], word: &[Wire], hot: &[Wire], near: Wire) -> Part {
    let count_bits = index_bits(hot.len()).min(field.len());
    let (low, high) = field.split_at(count_bits);
    let any_high = g.any(high);
    let none_high = g.not(any_high);
    let reached = thermometer(g, low);
    let zero = g.bit(false);
    let mut chosen = Vec::with_capacity(hot.len());
    let mut borrowed = zero;
    for (count, &hot) in hot.iter().enumerate() {
        let above = reached.get(count).copied().unwrap_or(zero);
        let short = g.and_not(none_high, above);
        let valid = g.and_not(near, short);
        chosen.push(g.and(hot, valid));
        if count > 0 && count <= reached.len() {
            let enough = reached[count - 1];
            let borrows = g.and_not(valid, enough);
            let borrows = g.and(hot, borrows);
            borrowed = g.xor(borrowed, borrows);
        }
    }
    let sum_of = |g: &mut Gates<'_>, pick: &dyn Fn(usize) -> bool| {
        chosen
            .iter()
            .enumerate()
            .filter(|(count, _)| pick(*count))
            .fold(zero, |sum, (_, &wire)| g.xor(sum, wire))
    };
    let present = sum_of(g, &|_| true);
    let mut out = Vec::with_capacity(field.len());
    for (place, &bit) in low.iter().enumerate() {
        let mut sum = g.and(present, bit);
        let flips = sum_of(g, &|count| count >> place & 1 == 1);
        sum = g.xor(sum, flips);
        let reached = thermometer(g, &low[..place]);
        for (below, &enough) in reached.iter().enumerate() {
            let counts = sum_of(g, &|count| count % (1 << place) == below + 1);
            let borrows = g.and_not(counts, enough);
            sum = g.xor(sum, borrows);
        }
        out.push(sum);
    }
    for (place, &bit) in high.iter().enumerate() {
        let some = g.any(&high[..place]);
        let none = g.not(some);
        let (kept, flip) = (g.and(present, bit), g.and(borrowed, none));
        out.push(g.xor(kept, flip));
    }
    let shifted = shift_at_once(g, word, &chosen);
    Part { fraction: shifted[1..shifted.len() - 1].to_vec(), field: out, present }
}
