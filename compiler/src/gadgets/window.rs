//! The sorted window: an exact sum in fixed point that is narrower than the range.
//!
//! The terms are sorted by exponent, the largest first, and term j is placed `D_j` places below the first, where
//!
//! ```text
//! D_1 = 0,   D_j = min(D_{j-1} + e_{j-1} - e_j, K_j),   K_j = (j - 1) Q,
//! ```
//!
//! so that gaps are closed only as far as the window is full, and it is `K_n` and a term wide. With terms of `b` bits
//! (the top one of weight 1), `L = ceil(log2 n)`, and all terms but zeros normalised up to `slack` places,
//! `Q = max(b + L + 1, p + L + 1 + slack)` suffices, `p` being the places that rounding tells apart. Why:
//!
//! - *Where the lead is.* Let a partial sum from term `s` on be nonzero, its leading bit `l` places below the first.
//!   A term more than `l + 1` places down moves it by one place at most; any other one leaves a nonzero multiple of
//!   its own last place, at most `b` places further down. So after i terms `l <= D_s + slack + (i - s) b`.
//! - *What is closed is out of sight.* If `D_j = K_j` is less than it should be, for the first time since the partial
//!   sum A of the terms before was zero (or since the beginning), then all that follow are together less than one unit
//!   in the last place of A (`Q >= b + L + 1`), and less than what rounding tells apart near A (`K_j - l >= Q - slack`),
//!   in truth as in the window. The rounded sum depends on them by their sign alone, zero included.
//! - *Signs stay.* By the first inequality, used from j on, the sum of what follows has the same sign in the window.
//! - *Where A is exactly zero* the sum of the rest is exact relative to `e_j + D_j`. A leading bit at `K_j - L` or
//!   below means that it is; otherwise the lead is above `K_j - p`. A threshold between them picks the exponent.
//!
//! The published relatives keep a window of fixed width and lose the bits below it (as in fused multi-term adders), or sort
//! to bound the error of floating-point accumulation (Demmel and Hida, SIAM J. Sci. Comput. 2003); here nothing is
//! lost.

use std::ops::Range;

use ffhec_circuit::Wire;
use num_bigint::BigInt;

use super::add::rounded_bits;
use super::bits::{Bits, Gates};
use super::format::FloatFormat;
use super::objective::Objective;
use super::round::{Below, Exact};
use super::shift::{index_bits, normalise_to, normalise_within, shift_left};
use super::sum::{Term, Total, add_all};

/// The figures of a sum.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    /// Terms.
    pub count: usize,
    /// Bits of a term.
    pub bits: usize,
    /// Places that the top bit of a nonzero term with the largest exponent of several may be clear.
    pub slack: usize,
    /// The exponent of the smallest term.
    pub least: usize,
    /// How much more that of the largest is.
    pub span: usize,
    /// Bits of an exponent.
    pub exponent_bits: usize,
    /// The biased exponent of a term's top bit is its exponent and this.
    pub offset: i64,
    /// Terms are whole multiples of the smallest subnormal, so that the total is aligned for one where it is normalised.
    pub limited: bool,
    /// Places from the leading bit down that rounding tells apart: one more than it looks at, as the lead may fall.
    pub seen: usize,
}

impl Shape {
    /// Of a sum of operands. Subnormals need no slack: they have the smallest exponent, so no gap follows them.
    pub(super) fn of_sum(g: &Gates<'_>, format: FloatFormat, count: usize) -> Shape {
        Shape {
            count,
            bits: format.precision as usize,
            slack: 0,
            least: 1,
            span: largest_field(format) - 1,
            exponent_bits: format.exponent_bits as usize,
            offset: 0,
            limited: format.has_subnormals(),
            seen: seen(g, format),
        }
    }

    /// Of a sum of products, which have twice the bits, and are at least a quarter of what they could be, unless a
    /// factor is subnormal.
    pub(super) fn of_dot(g: &Gates<'_>, format: FloatFormat, count: usize) -> Shape {
        let bits = 2 * format.precision as usize;
        Shape {
            count,
            bits,
            slack: if format.has_subnormals() { bits - 1 } else { 1 },
            least: 2,
            span: 2 * largest_field(format) - 2,
            exponent_bits: format.exponent_bits as usize + 1,
            offset: 1 - format.bias(),
            limited: false,
            seen: seen(g, format),
        }
    }

    /// The same, with only the exponents that the terms can have by what is known of their bits.
    pub(super) fn of_terms(mut self, g: &Gates<'_>, terms: &[Term]) -> Shape {
        let bound = |term: &Term, unknown: bool| {
            let bits = term.exponent.iter().rev();
            bits.fold(0, |value, &bit| 2 * value + usize::from(g.known(bit).unwrap_or(unknown)))
        };
        let lowest = terms.iter().map(|term| bound(term, false)).min().unwrap_or(0);
        let highest = terms.iter().map(|term| bound(term, true)).max().unwrap_or(0);
        let highest = highest.min(self.least + self.span);
        self.least = self.least.max(lowest.min(highest));
        self.span = highest.saturating_sub(self.least);
        self
    }

    /// `L`: what carries add to the width.
    fn carries(self) -> usize {
        index_bits(self.count)
    }

    /// `Q`.
    fn step(self) -> usize {
        let (exact, rounded) = (self.bits, self.seen + self.slack);
        exact.max(rounded) + self.carries() + 1
    }

    /// `K_j`, j from 0; the whole range where that is less.
    fn reach(self, index: usize) -> usize {
        (index * self.step()).min(self.span)
    }

    /// Whether the sorted window takes fewer ANDs than the accumulator, as far as a count without constants says. For
    /// the least depth the accumulator is the better one: it has no chain from term to term.
    pub(super) fn sorted_is_cheaper(self, g: &Gates<'_>) -> bool {
        self.count > 1 && g.objective() != Objective::LeastDepth && self.sorted_cost() < self.wide_cost()
    }

    fn wide_cost(self) -> usize {
        let width = self.bits + self.span + self.carries();
        let place = shift_cost(self.bits, self.span);
        self.count * place + (self.count - 1) * width + self.total_cost(width)
    }

    fn sorted_cost(self) -> usize {
        let exchange = self.bits + 1 + 2 * self.exponent_bits;
        let place = |index: usize| {
            let reach = self.reach(index);
            // Distance, comparison, choice and exponent; one more choice at the end.
            let gap = if reach < self.span { 5 } else { 1 } * self.exponent_bits;
            let add = self.reach(index - 1) + self.bits + self.carries();
            gap + shift_cost(self.bits, reach) + add
        };
        let places: usize = (1..self.count).map(place).sum();
        let width = self.reach(self.count - 1) + self.bits + self.carries();
        // The exponent of the result, and what keeps it from falling below that of a subnormal: a limit that is counted
        // down, or a shift back.
        let exponent = 4 * (self.exponent_bits + 2);
        let limit = if self.limited {
            index_bits(width) * (self.exponent_bits + 2)
        } else if self.slack > 1 {
            shift_cost(self.seen, self.seen)
        } else {
            0
        };
        network(self.count).len() * exchange + places + self.total_cost(width) + exponent + limit
    }

    /// Of a total made positive and normalised ([`normalise_to`]).
    fn total_cost(self, width: usize) -> usize {
        let (mut width, mut cost) = (width, width);
        for stage in (0..index_bits(width)).rev() {
            let step = 1 << stage;
            let drop = width.saturating_sub(self.seen + step - 1);
            let moved = width.saturating_sub(step).saturating_sub(drop.saturating_sub(step));
            cost += step.min(width) + drop + moved;
            width -= drop;
        }
        cost
    }
}

fn shift_cost(bits: usize, reach: usize) -> usize {
    (0..index_bits(reach + 1)).map(|stage| bits + ((1 << stage) - 1).min(reach)).sum()
}

fn largest_field(format: FloatFormat) -> usize {
    usize::try_from(format.max_exponent_field()).expect("bounded: at most 15 exponent bits")
}

/// If exceptions are watched, one bit more is looked at: whether a result is tiny is decided there.
fn seen(g: &Gates<'_>, format: FloatFormat) -> usize {
    rounded_bits(format) + usize::from(g.watches())
}

/// Places to compare and exchange, in order: Batcher's odd-even merge sort (Knuth, The Art of Computer Programming 3,
/// section 5.2.2, algorithm M).
fn network(count: usize) -> Vec<(usize, usize)> {
    let mut pairs = Vec::new();
    if count < 2 {
        return pairs;
    }
    let top = 1 << (index_bits(count) - 1);
    let mut step = top;
    while step > 0 {
        let (mut run, mut remainder, mut distance) = (top, 0, step);
        loop {
            for first in 0..count - distance {
                if first & step == remainder {
                    pairs.push((first, first + distance));
                }
            }
            if run == step {
                break;
            }
            distance = run - step;
            run /= 2;
            remainder = step;
        }
        step /= 2;
    }
    pairs
}

/// Sorts words by the number in `key`, the largest first.
pub(super) fn sort(g: &mut Gates<'_>, words: &mut [Bits], key: Range<usize>) {
    for (first, second) in network(words.len()) {
        if g.full() {
            break;
        }
        let swap = g.less(&words[first][key.clone()], &words[second][key.clone()]);
        (words[first], words[second]) = g.exchange(swap, &words[first], &words[second]);
    }
}

/// The sum of the terms and the exponent of its leading bit, less one.
pub(super) fn total(g: &mut Gates<'_>, format: FloatFormat, shape: Shape, terms: &[Term]) -> (Exact, Below) {
    let Placed { words, first, anchors } = place(g, shape, terms);
    let Total { sign, magnitude } = add_all(g, &words);
    let largest = shape.least + shape.span + magnitude.len();
    let bits = index_bits(largest + usize::try_from(shape.offset.unsigned_abs()).unwrap_or(0)) + 2;
    let carries = i64::try_from(shape.carries()).expect("bounded: far below 2^63");
    let keep = rounded_bits(format);
    let none = g.bit(false);
    let (significand, shift, sticky) = if shape.limited {
        // A leading bit above a gap that was closed is far from the limit, so the limit below all gaps serves.
        let last = anchors.last().map_or(&first, |(_, anchor)| anchor);
        let last = g.resize(last, bits);
        let limit = g.add_constant(&last, carries - 1);
        let (word, left, sticky) = normalise_within(g, &magnitude, &limit, keep, none);
        if anchors.is_empty() {
            return (Exact { sign, base: left, significand: word, sticky }, Below::Aligned);
        }
        (word, g.sub(&limit, &left).0, sticky)
    } else {
        let (shifted, sticky) = normalise_to(g, &magnitude, keep, none);
        (shifted.word, shifted.shift, sticky)
    };
    let mut anchor = first;
    for (threshold, below) in &anchors {
        let above = less_than_constant(g, &shift, *threshold);
        anchor = g.select(above, &anchor, below);
    }
    let anchor = g.resize(&anchor, bits);
    let top = g.add_constant(&anchor, carries + shape.offset - 1);
    let shift = g.resize(&shift, bits);
    let base = g.sub(&top, &shift).0;
    let below = if shape.limited || !format.has_subnormals() { Below::Aligned } else { Below::Shift };
    (Exact { sign, base, significand, sticky }, below)
}

/// The terms in fixed point.
struct Placed {
    /// Sign and magnitude, the most significant bits at one place.
    words: Vec<(Wire, Bits)>,
    /// The largest exponent: that of this place.
    first: Bits,
    /// For every gap that may be closed: from how many leading zeros of the total on the place has which exponent.
    anchors: Vec<(usize, Bits)>,
}

fn place(g: &mut Gates<'_>, shape: Shape, terms: &[Term]) -> Placed {
    let mut sorted: Vec<Bits> = terms
        .iter()
        .map(|term| {
            let mut word = term.magnitude.clone();
            word.push(term.sign);
            word.extend_from_slice(&term.exponent);
            word
        })
        .collect();
    let (sign, exponent) = (shape.bits, shape.bits + 1..shape.bits + 1 + shape.exponent_bits);
    sort(g, &mut sorted, exponent.clone());

    let first = sorted[0][exponent.clone()].to_vec();
    let mut placed = Placed { words: Vec::new(), first: first.clone(), anchors: Vec::new() };
    let mut anchor = first;
    for (index, word) in sorted.iter().enumerate() {
        if g.full() {
            break;
        }
        let reach = shape.reach(index);
        let mut distance = g.sub(&anchor, &word[exponent.clone()]).0;
        if reach < shape.span && index > 0 {
            let limit = g.constant(&BigInt::from(reach), shape.exponent_bits);
            let inside = less_than_constant(g, &distance, reach);
            distance = g.select(inside, &distance, &limit);
            anchor = g.sum(&word[exponent.clone()], &distance);
            placed.anchors.push((threshold(reach, shape.seen), anchor.clone()));
        }
        distance.truncate(index_bits(reach + 1));
        // Mirrored, a shift to the right is one to the left that loses nothing.
        let mirrored: Bits = word[..shape.bits].iter().rev().copied().collect();
        let mut magnitude = shift_left(g, &mirrored, &distance, shape.bits + reach);
        magnitude.reverse();
        placed.words.push((word[sign], magnitude));
    }
    placed
}

/// A number of leading zeros, carries included, above which a total starts below a gap closed at `reach` (where it has
/// `reach` or more) and not above it (where it has `reach - seen` or fewer): the one that is compared with most cheaply.
fn threshold(reach: usize, seen: usize) -> usize {
    let mut value = reach;
    while value & (value - 1) != 0 && (value & (value - 1)) + seen > reach {
        value &= value - 1;
    }
    value
}

/// `word < value`.
fn less_than_constant(g: &mut Gates<'_>, word: &[Wire], value: usize) -> Wire {
    let skip = (value.trailing_zeros() as usize).min(word.len());
    if value >> word.len().min(63) != 0 {
        return g.bit(true);
    }
    let constant = g.constant(&BigInt::from(value >> skip), word.len() - skip);
    g.less(&word[skip..], &constant)
}
