//! Exact sums and dot products of three and more terms, rounded once.
//!
//! There are two ways to one result, and `sorted_is_cheaper` takes the one that the format and the number of
//! terms make cheaper. The *accumulator* writes every term out in fixed point as wide as the format's range (Kulisch,
//! Computer Arithmetic and Validity, 2008). The *sorted window* ([`super::window`]) orders the terms by exponent and
//! leaves out of the fixed point what no rounding can see: its width grows with the number of terms and the precision,
//! not with the range. Both end in one two's complement total, which is normalised and rounded.
//!
//! Signs are taken relative to that of the term added first, so that this one is never negated.

use ffhec_circuit::Wire;
use num_bigint::BigInt;

use super::add::rounded_bits;
use super::bits::{Bits, Gates};
use super::float::{Operand, Unpacked, plain_zero, unpack};
use super::format::{FloatFormat, Rounding};
use super::multiply::{Columns, product};
use super::round::{Below, Exact, Special, round};
use super::shift::{index_bits, normalise_to, normalise_within, shift_left};
use super::window::{self, Shape};

/// One exact summand: `+-magnitude * 2^exponent`, all with the same place of the point.
#[derive(Debug)]
pub(super) struct Term {
    pub sign: Wire,
    /// Of anything but zero from [`Shape::least`] to [`Shape::span`] more.
    pub exponent: Bits,
    /// [`Shape::bits`] bits, zero for zeros.
    pub magnitude: Bits,
    /// The term is infinite, or NaN.
    pub infinite: Wire,
    pub nan: Wire,
}

/// A total before it is rounded.
#[derive(Debug)]
pub(super) struct Total {
    /// The sign, of any meaning if the total is zero.
    pub sign: Wire,
    /// The magnitude, in fixed point.
    pub magnitude: Bits,
}

/// The significand as an integer, zero for zeros, and the exponent field, at least 1 where subnormals are kept.
fn integer(g: &mut Gates<'_>, format: FloatFormat, operand: Operand<'_>) -> Unpacked {
    let bits = plain_zero(g, format, operand);
    let mut value = unpack(g, format, &bits);
    if !format.has_subnormals() {
        let last = value.significand.len() - 1;
        value.significand[last] = g.not(value.class.zero);
    }
    value.exponent.truncate(format.exponent_bits as usize);
    value
}

/// The exact sum of any number of operands, rounded once.
pub fn sum(g: &mut Gates<'_>, format: FloatFormat, operands: &[Operand<'_>]) -> Bits {
    let terms = summands(g, format, operands);
    let shape = Shape::of_sum(g, format, operands.len()).of_terms(g, &terms);
    finish(g, format, shape, &terms, shape.sorted_is_cheaper(g))
}

/// The exact sum of the products of neighbours, rounded once.
pub fn dot(g: &mut Gates<'_>, format: FloatFormat, operands: &[Operand<'_>]) -> Bits {
    let terms = products(g, format, operands);
    let shape = Shape::of_dot(g, format, operands.len() / 2).of_terms(g, &terms);
    finish(g, format, shape, &terms, shape.sorted_is_cheaper(g))
}

pub(super) fn summands(g: &mut Gates<'_>, format: FloatFormat, operands: &[Operand<'_>]) -> Vec<Term> {
    let mut terms = Vec::with_capacity(operands.len());
    for &operand in operands {
        if g.full() {
            break;
        }
        let value = integer(g, format, operand);
        terms.push(Term {
            sign: value.sign,
            exponent: value.exponent,
            magnitude: value.significand,
            infinite: value.class.infinite,
            nan: value.class.nan,
        });
    }
    terms
}

pub(super) fn products(g: &mut Gates<'_>, format: FloatFormat, operands: &[Operand<'_>]) -> Vec<Term> {
    let mut terms = Vec::with_capacity(operands.len() / 2);
    for pair in operands.chunks_exact(2) {
        if g.full() {
            break;
        }
        let (x, y) = (integer(g, format, pair[0]), integer(g, format, pair[1]));
        let bits = x.significand.len() + y.significand.len();
        let magnitude = product(g, &x.significand, &y.significand, false, bits);
        let zero = g.bit(false);
        let (mut exponent, carry) = g.add(&x.exponent, &y.exponent, zero);
        exponent.push(carry);
        let empty = g.or(x.class.zero, y.class.zero);
        let infinite = g.or(x.class.infinite, y.class.infinite);
        let bad = g.and(empty, infinite);
        terms.push(Term {
            sign: g.xor(x.sign, y.sign),
            exponent,
            magnitude,
            infinite,
            nan: g.any(&[x.class.nan, y.class.nan, bad]),
        });
    }
    terms
}

/// Adds the terms and rounds.
pub(super) fn finish(
    g: &mut Gates<'_>,
    format: FloatFormat,
    shape: Shape,
    terms: &[Term],
    sorted: bool,
) -> Bits {
    if terms.is_empty() || g.full() {
        return g.zeros(format.width() as usize);
    }
    let (mut exact, below) =
        if sorted { window::total(g, format, shape, terms) } else { wide_total(g, format, shape, terms) };
    exact.sign = total_sign(g, format, terms, &exact);
    let special = specials(g, format, terms);
    let infinite_sign = infinite_sign(g, terms);
    exact.sign = g.mux(special.infinity, infinite_sign, exact.sign);
    round(g, format, exact, special, below)
}

/// The total in a fixed point as wide as the range.
fn wide_total(g: &mut Gates<'_>, format: FloatFormat, shape: Shape, terms: &[Term]) -> (Exact, Below) {
    let width = shape.bits + shape.span;
    let mut words = Vec::with_capacity(terms.len());
    for term in terms {
        if g.full() {
            break;
        }
        let word = shift_left(g, &term.magnitude, &term.exponent, width + shape.least);
        // Below the least exponent all places stay empty.
        words.push((term.sign, word[shape.least..].to_vec()));
    }
    let Total { sign, magnitude } = add_all(g, &words);
    let over = i64::try_from(magnitude.len() - shape.bits + shape.least).expect("bounded: far below 2^63");
    let top = over + shape.offset;
    let base_bits = index_bits(usize::try_from(top.unsigned_abs()).unwrap_or(0) + 1)
        .max(format.exponent_bits as usize)
        .max(index_bits(magnitude.len()))
        + 2;
    let base = g.constant(&BigInt::from(top - 1), base_bits);
    let none = g.bit(false);
    let keep = rounded_bits(format);
    let (significand, base, sticky) = if format.has_subnormals() {
        normalise_within(g, &magnitude, &base, keep, none)
    } else {
        let (shifted, sticky) = normalise_to(g, &magnitude, keep, none);
        let shift = g.resize(&shifted.shift, base_bits);
        (shifted.word, g.sub(&base, &shift).0, sticky)
    };
    (Exact { sign, base, significand, sticky }, Below::Aligned)
}

/// The sum of words that end at one place: all have their most significant bit there, and the last is the longest.
pub(super) fn add_all(g: &mut Gates<'_>, words: &[(Wire, Bits)]) -> Total {
    let Some(((reference, first), rest)) = words.split_last() else {
        return Total { sign: g.bit(false), magnitude: g.zeros(1) };
    };
    let flips: Bits = rest.iter().map(|(sign, _)| g.xor(*sign, *reference)).collect();
    let total =
        if g.shallow() { add_at_once(g, first, rest, &flips) } else { add_in_order(g, first, rest, &flips) };
    let negative = total[total.len() - 1];
    let (mut magnitude, _) = g.negate_if(&total, negative);
    magnitude.pop();
    Total { sign: g.xor(negative, *reference), magnitude }
}

/// One adder after the other, each as wide as the sum so far needs.
fn add_in_order(g: &mut Gates<'_>, first: &[Wire], rest: &[(Wire, Bits)], flips: &[Wire]) -> Bits {
    let mut total = first.to_vec();
    total.push(g.bit(false));
    for (count, ((_, word), &flip)) in rest.iter().zip(flips).rev().enumerate() {
        if g.full() {
            break;
        }
        let low = first.len() - word.len();
        let wide = word.len() + index_bits(count + 2) + 1;
        let upper = g.resize_signed(&total[low..], wide);
        let mut addend = g.xor_each(word, flip);
        addend.resize(wide, flip);
        let (sum, _) = g.add(&upper, &addend, flip);
        total.truncate(low);
        total.extend(sum);
    }
    total
}

/// All words in one sum of columns.
fn add_at_once(g: &mut Gates<'_>, first: &[Wire], rest: &[(Wire, Bits)], flips: &[Wire]) -> Bits {
    let mut columns = Columns::new(first.len() + index_bits(rest.len() + 1) + 1);
    columns.push_word(g, 0, first, false, false);
    for ((_, word), &flip) in rest.iter().zip(flips) {
        let low = first.len() - word.len();
        let mut addend = g.xor_each(word, flip);
        addend.push(flip);
        columns.push_word(g, low, &addend, true, false);
        columns.push(low, flip);
    }
    columns.sum(g)
}

/// Exact zeros: negative if all terms are, and when rounding down already if one is.
fn total_sign(g: &mut Gates<'_>, format: FloatFormat, terms: &[Term], total: &Exact) -> Wire {
    if !format.has_signed_zero() {
        return total.sign;
    }
    let signs: Bits = terms.iter().map(|term| term.sign).collect();
    let of_zero = if format.rounding() == Rounding::Down { g.any(&signs) } else { g.all(&signs) };
    let some = if format.has_subnormals() {
        let mut seen = total.significand.clone();
        seen.push(total.sticky);
        g.any(&seen)
    } else {
        total.significand[total.significand.len() - 1]
    };
    g.mux(some, total.sign, of_zero)
}

fn specials(g: &mut Gates<'_>, format: FloatFormat, terms: &[Term]) -> Special {
    let mut special = Special::none(g);
    if !format.has_nan() {
        return special;
    }
    let (mut up, mut down) = (g.bit(false), g.bit(false));
    for term in terms {
        let minus = g.and(term.infinite, term.sign);
        let plus = g.xor(term.infinite, minus);
        up = g.or(up, plus);
        down = g.or(down, minus);
        special.nan = g.or(special.nan, term.nan);
    }
    let both = g.and(up, down);
    special.nan = g.or(special.nan, both);
    let infinite = g.or(up, down);
    special.infinity = g.and_not(infinite, special.nan);
    special
}

/// Whether an infinite term is negative.
fn infinite_sign(g: &mut Gates<'_>, terms: &[Term]) -> Wire {
    let minus: Bits = terms.iter().map(|term| g.and(term.infinite, term.sign)).collect();
    g.any(&minus)
}
