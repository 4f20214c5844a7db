//! Exact sums and dot products, rounded once: every term is written out in a fixed-point accumulator as wide as the
//! format's range (Kulisch, Computer Arithmetic and Validity, 2008), and the total is normalised and rounded.

use ffhec_circuit::Wire;
use num_bigint::BigInt;

use super::add::rounded_bits;
use super::bits::{Bits, Gates};
use super::float::{Operand, Unpacked, plain_zero, unpack};
use super::format::{FloatFormat, Rounding};
use super::multiply::product;
use super::round::{Below, Exact, Special, round};
use super::shift::{index_bits, normalise_to, normalise_within, shift_left};

struct Term {
    sign: Wire,
    /// Fixed point, all terms with the same place of the point.
    magnitude: Bits,
    /// The term is infinite, or NaN.
    infinite: Wire,
    nan: Wire,
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
    let width = format.precision as usize + largest_field(format);
    let mut terms = Vec::with_capacity(operands.len());
    for &operand in operands {
        if g.full() {
            break;
        }
        let value = integer(g, format, operand);
        let word = shift_left(g, &value.significand, &value.exponent, width);
        // Fields start at 1, so the lowest place stays empty.
        terms.push(Term {
            sign: value.sign,
            magnitude: word[1..].to_vec(),
            infinite: value.class.infinite,
            nan: value.class.nan,
        });
    }
    total(g, format, &terms, width - 1, 1 - i64::from(format.precision))
}

/// The exact sum of the products of neighbours, rounded once.
pub fn dot(g: &mut Gates<'_>, format: FloatFormat, operands: &[Operand<'_>]) -> Bits {
    let precision = format.precision as usize;
    let width = 2 * precision + 2 * largest_field(format);
    let mut terms = Vec::with_capacity(operands.len() / 2);
    for pair in operands.chunks_exact(2) {
        if g.full() {
            break;
        }
        let (x, y) = (integer(g, format, pair[0]), integer(g, format, pair[1]));
        let significand = product(g, &x.significand, &y.significand, false, 2 * precision);
        let zero = g.bit(false);
        let (mut exponent, carry) = g.add(&x.exponent, &y.exponent, zero);
        exponent.push(carry);
        let word = shift_left(g, &significand, &exponent, width);
        let empty = g.or(x.class.zero, y.class.zero);
        let infinite = g.or(x.class.infinite, y.class.infinite);
        let bad = g.and(empty, infinite);
        terms.push(Term {
            sign: g.xor(x.sign, y.sign),
            magnitude: word[2..].to_vec(),
            infinite,
            nan: g.any(&[x.class.nan, y.class.nan, bad]),
        });
    }
    total(g, format, &terms, width - 2, 3 - format.bias() - 2 * i64::from(format.precision))
}

fn largest_field(format: FloatFormat) -> usize {
    usize::try_from(format.max_exponent_field()).expect("bounded: at most 15 exponent bits")
}

/// Adds the terms and rounds. `place + width` is the biased exponent of the top bit of a total of `width` bits.
fn total(g: &mut Gates<'_>, format: FloatFormat, terms: &[Term], width: usize, place: i64) -> Bits {
    if terms.is_empty() || g.full() {
        return g.zeros(format.width() as usize);
    }
    let mut total = g.zeros(1);
    for (count, term) in terms.iter().enumerate() {
        if g.full() {
            break;
        }
        let wide = width + index_bits(count + 1) + 1;
        let word = g.xor_each(&term.magnitude, term.sign);
        let mut word = word;
        word.resize(wide, term.sign);
        let so_far = g.resize_signed(&total, wide);
        total = g.add(&so_far, &word, term.sign).0;
    }
    let negative = total[total.len() - 1];
    let (mut magnitude, _) = g.negate_if(&total, negative);
    magnitude.pop();

    let field = place + i64::try_from(magnitude.len()).expect("bounded: far below 2^63");
    let base_bits = index_bits(usize::try_from(field.unsigned_abs()).unwrap_or(0) + 1)
        .max(format.exponent_bits as usize)
        .max(index_bits(magnitude.len()))
        + 2;
    let base = g.constant(&BigInt::from(field - 1), base_bits);
    let none = g.bit(false);
    let keep = rounded_bits(format);
    let (word, base, sticky) = if format.has_subnormals() {
        normalise_within(g, &magnitude, &base, keep, none)
    } else {
        let (shifted, sticky) = normalise_to(g, &magnitude, keep, none);
        let shift = g.resize(&shifted.shift, base_bits);
        (shifted.word, g.sub(&base, &shift).0, sticky)
    };
    let mut seen = word.clone();
    seen.push(sticky);
    let sign = total_sign(g, format, terms, negative, &seen);
    let special = specials(g, format, terms);
    let infinite_sign = infinite_sign(g, terms);
    let sign = g.mux(special.infinity, infinite_sign, sign);
    round(g, format, Exact { sign, base, significand: word, sticky }, special, Below::Aligned)
}

/// Exact zeros: negative if all terms are, and when rounding down already if one is.
fn total_sign(g: &mut Gates<'_>, format: FloatFormat, terms: &[Term], negative: Wire, word: &[Wire]) -> Wire {
    if !format.has_signed_zero() {
        return negative;
    }
    let signs: Bits = terms.iter().map(|term| term.sign).collect();
    if format.rounding() == Rounding::Down {
        let some = g.any(word);
        let one = g.any(&signs);
        let zero = g.and_not(one, some);
        g.or(negative, zero)
    } else {
        let all = g.all(&signs);
        g.or(negative, all)
    }
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
