//! Products of words: partial products summed column by column with full adders, one AND each.

use std::collections::VecDeque;

use ffhec_circuit::Wire;
use num_bigint::BigInt;
use num_traits::One as _;

use super::bits::{Bits, Gates};
use super::compress::two_rows;
use super::constant::push_multiple;

/// Shorter words are multiplied by the school method.
const KARATSUBA_BITS: usize = 18;

/// A sum of weighted bits and a public integer, modulo `2^width`.
#[derive(Debug)]
pub struct Columns {
    columns: Vec<VecDeque<Wire>>,
    constant: BigInt,
}

impl Columns {
    /// The empty sum of `width` bits.
    pub fn new(width: usize) -> Self {
        Columns { columns: vec![VecDeque::new(); width], constant: BigInt::ZERO }
    }

    /// Bits of the sum.
    pub fn width(&self) -> usize {
        self.columns.len()
    }

    /// Adds `bit * 2^place`.
    pub fn push(&mut self, place: usize, bit: Wire) {
        if let Some(column) = self.columns.get_mut(place) {
            column.push_back(bit);
        }
    }

    /// Subtracts `bit * 2^place`: its complement, less a public power of two.
    pub fn push_negative(&mut self, g: &mut Gates<'_>, place: usize, bit: Wire) {
        let complement = g.not(bit);
        self.push(place, complement);
        self.constant -= BigInt::one() << place;
    }

    /// Adds a public integer.
    pub fn push_constant(&mut self, value: &BigInt) {
        self.constant += value;
    }

    /// Adds or subtracts a whole word; the top bit of a signed word counts negative.
    pub fn push_word(
        &mut self,
        g: &mut Gates<'_>,
        place: usize,
        word: &[Wire],
        signed: bool,
        negative: bool,
    ) {
        for (index, &bit) in word.iter().enumerate() {
            let top = signed && index + 1 == word.len();
            if top != negative {
                self.push_negative(g, place + index, bit);
            } else {
                self.push(place + index, bit);
            }
        }
    }

    /// The sum. Equal bits of a column are one bit of the next; three bits become one and a carry for one AND; the
    /// top column is free.
    pub fn sum(mut self, g: &mut Gates<'_>) -> Bits {
        let width = self.columns.len();
        if g.shallow() {
            let (a, b) = self.two_rows(g);
            return g.sum(&a, &b);
        }
        self.place_constant(g);
        let mut out = Vec::with_capacity(width);
        for index in 0..width {
            let mut column = std::mem::take(&mut self.columns[index]);
            if index + 1 == width {
                let zero = g.bit(false);
                out.push(column.iter().fold(zero, |sum, &bit| g.xor(sum, bit)));
                break;
            }
            self.pair_equal(&mut column, index);
            let zero = g.bit(false);
            while column.len() > 1 {
                let first = column.pop_front().unwrap_or(zero);
                let second = column.pop_front().unwrap_or(zero);
                let third = column.pop_front().unwrap_or(zero);
                let half = g.xor(first, second);
                column.push_back(g.xor(half, third));
                let carry = g.majority(first, second, third);
                self.columns[index + 1].push_back(carry);
            }
            out.push(column.pop_front().unwrap_or(zero));
        }
        out
    }

    /// Two words with this sum, in few levels.
    pub fn two_rows(mut self, g: &mut Gates<'_>) -> (Bits, Bits) {
        self.place_constant(g);
        two_rows(g, self.columns)
    }

    fn place_constant(&mut self, g: &mut Gates<'_>) {
        let constant = g.constant(&self.constant, self.columns.len());
        for (index, &bit) in constant.iter().enumerate() {
            if g.known(bit) == Some(true) {
                self.columns[index].push_back(bit);
            }
        }
    }

    fn pair_equal(&mut self, column: &mut VecDeque<Wire>, index: usize) {
        let mut sorted: Vec<Wire> = column.iter().copied().collect();
        sorted.sort_unstable();
        let mut singles = VecDeque::new();
        let mut rest = sorted.as_slice();
        while let [first, tail @ ..] = rest {
            if tail.first() == Some(first) {
                self.columns[index + 1].push_back(*first);
                rest = &tail[1..];
            } else {
                singles.push_back(*first);
                rest = tail;
            }
        }
        *column = singles;
    }
}

/// The lowest `width` bits of `x * y`; both unsigned or both two's complement.
pub fn product(g: &mut Gates<'_>, x: &[Wire], y: &[Wire], signed: bool, width: usize) -> Bits {
    let mut columns = Columns::new(width);
    push_product(g, &mut columns, x, y, signed);
    columns.sum(g)
}

/// Adds `x * y` to a sum. A public operand is written in signed digits, with what they have in common
/// ([`super::constant`]).
pub fn push_product(g: &mut Gates<'_>, columns: &mut Columns, x: &[Wire], y: &[Wire], signed: bool) {
    let (word, known) = match (g.known_word(x), g.known_word(y)) {
        (_, Some(known)) => (x, Some((known, y.len()))),
        (Some(known), None) => (y, Some((known, x.len()))),
        (None, None) => (x, None),
    };
    let Some((bits, length)) = known else {
        return push_partial_products(g, columns, x, y, signed);
    };
    let mut value = BigInt::from(bits);
    if signed && length > 0 && value.bit(length as u64 - 1) {
        value -= BigInt::one() << length;
    }
    push_multiple(g, columns, word, signed, &value);
}

fn push_partial_products(g: &mut Gates<'_>, columns: &mut Columns, x: &[Wire], y: &[Wire], signed: bool) {
    let width = columns.columns.len();
    if !signed && !g.shallow() && x.len().min(y.len()) >= KARATSUBA_BITS && width >= x.len() + y.len() {
        return push_karatsuba(g, columns, x, y);
    }
    for (i, &a) in x.iter().enumerate() {
        for (j, &b) in y.iter().enumerate().take(width.saturating_sub(i)) {
            let bit = g.and(a, b);
            // Baugh and Wooley, IEEE Trans. Computers 1973: products with one sign bit count negative.
            if signed && ((i + 1 == x.len()) != (j + 1 == y.len())) {
                columns.push_negative(g, i + j, bit);
            } else {
                columns.push(i + j, bit);
            }
        }
    }
}

/// Three products of half the length instead of four (Karatsuba and Ofman, 1962):
/// `(a + b 2^h)(c + d 2^h) = ac + ((a + b)(c + d) - ac - bd) 2^h + bd 2^2h`.
fn push_karatsuba(g: &mut Gates<'_>, columns: &mut Columns, x: &[Wire], y: &[Wire]) {
    let half = x.len().min(y.len()) / 2;
    let ((a, b), (c, d)) = (x.split_at(half), y.split_at(half));
    let whole = |g: &mut Gates<'_>, x: &[Wire], y: &[Wire]| product(g, x, y, false, x.len() + y.len());
    let (low, high) = (whole(g, a, c), whole(g, b, d));
    let total = |g: &mut Gates<'_>, low: &[Wire], high: &[Wire]| {
        let width = low.len().max(high.len());
        let (low, high) = (g.resize(low, width), g.resize(high, width));
        let zero = g.bit(false);
        let (mut sum, carry) = g.add(&low, &high, zero);
        sum.push(carry);
        sum
    };
    let (left, right) = (total(g, a, b), total(g, c, d));
    let middle = whole(g, &left, &right);
    columns.push_word(g, 0, &low, false, false);
    columns.push_word(g, 2 * half, &high, false, false);
    columns.push_word(g, half, &middle, false, false);
    columns.push_word(g, half, &low, false, true);
    columns.push_word(g, half, &high, false, true);
}
