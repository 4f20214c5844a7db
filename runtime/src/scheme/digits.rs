//! Integers as digits of 52 bits, one in a 64-bit word: the form in which hints and key bits are multiplied and added.
//! The spare bits take the carries of many additions, so that a sum is carried once, when it is finished.
//!
//! Integers are handled tile by tile: [`TILE`] digits, which are [`TILE_WORDS`] words in packed form. Digits may be
//! negative (two's complement) until they are packed again. [`Kernels`] picks vector instructions if the processor
//! has them; the results are the same bits.

use super::simd::Avx512;

/// Bits of a digit.
pub(super) const DIGIT_BITS: usize = 52;

/// Digits of a tile.
pub(super) const TILE: usize = 128;

/// The words that a tile's digits are cut from.
pub(super) const TILE_WORDS: usize = TILE * DIGIT_BITS / 64;

/// Words from which a tile is cut: some more than belong to it, with any values, so that vectors may read past.
pub(super) const TILE_BUFFER: usize = TILE_WORDS + 8;

/// Digits that [`Kernels::windows`] reads of a reversed ciphertext beyond those of the hints.
pub(super) const WINDOW_MARGIN: usize = 8;

/// The most tiles that may be summed before carrying, each digit being less than `2^52` in size.
pub(super) const MOST_TERMS: usize = 1 << 11;

const MASK: u64 = (1 << DIGIT_BITS) - 1;

/// A tile of digits.
#[derive(Clone)]
#[repr(align(64))]
pub(super) struct Tile(pub(super) [u64; TILE]);

impl Tile {
    pub(super) const ZERO: Tile = Tile([0; TILE]);
}

/// How to compute.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kernels {
    /// With what every processor has.
    Portable,
    /// With vector instructions.
    Avx512(Avx512),
}

impl Kernels {
    /// The fastest for this processor.
    pub(super) fn detect() -> Kernels {
        Avx512::detect().map_or(Kernels::Portable, Kernels::Avx512)
    }

    /// Cuts words into digits.
    pub(super) fn unpack(self, words: &[u64; TILE_BUFFER], digits: &mut [u64; TILE]) {
        match self {
            Kernels::Avx512(vectors) => vectors.unpack(words, digits),
            Kernels::Portable => {
                for (index, digit) in digits.iter_mut().enumerate() {
                    *digit = digit_at(words, index * DIGIT_BITS);
                }
            }
        }
    }

    /// Cuts a tile of an integer into digits.
    pub(super) fn cut(self, integer: &[u64], tile: usize, digits: &mut [u64; TILE]) {
        let rest = integer.get(tile * TILE_WORDS..).unwrap_or(&[]);
        match rest.first_chunk() {
            Some(words) => self.unpack(words, digits),
            None => {
                let mut words = [0; TILE_BUFFER];
                words[..rest.len()].copy_from_slice(rest);
                self.unpack(&words, digits);
            }
        }
    }

    /// Subtracts the digits of a tile of an integer.
    pub(super) fn subtract(self, integer: &[u64], tile: usize, digits: &mut Tile) {
        let rest = integer.get(tile * TILE_WORDS..).unwrap_or(&[]);
        if let (Kernels::Avx512(vectors), Some(words)) = (self, rest.first_chunk()) {
            return vectors.subtract(words, digits);
        }
        let mut minus = Tile::ZERO;
        self.cut(integer, tile, &mut minus.0);
        for (digit, minus) in digits.0.iter_mut().zip(&minus.0) {
            *digit = digit.wrapping_sub(*minus);
        }
    }

    /// The sum of the listed tiles.
    pub(super) fn sum_listed(self, tiles: &[Tile], list: &[u16], sum: &mut Tile) {
        debug_assert!(list.len() <= MOST_TERMS);
        match self {
            Kernels::Avx512(vectors) => vectors.sum_listed(tiles, list, sum),
            Kernels::Portable => {
                *sum = Tile::ZERO;
                for &index in list {
                    for (sum, term) in sum.0.iter_mut().zip(&tiles[usize::from(index)].0) {
                        *sum = sum.wrapping_add(*term);
                    }
                }
            }
        }
    }

    /// Carries a tile of signed digits with what came from the tile below, and packs it. Returns what goes to the tile
    /// above, which may be negative.
    pub(super) fn pack(self, digits: &Tile, carry: i64, words: &mut [u64; TILE_WORDS]) -> i64 {
        let packed = match self {
            Kernels::Avx512(vectors) => vectors.pack(digits, carry, words),
            Kernels::Portable => None,
        };
        packed.unwrap_or_else(|| pack(digits, carry, words))
    }

    /// For each of four hints, `sum_b lo(u_b r_b) + hi(u_b r_(b+1))`, where lo and hi are the halves of a product of
    /// two digits. Only the low 52 bits of the result mean anything.
    pub(super) fn windows(self, hints: [&[u64]; 4], reversed: &[u64]) -> [u64; 4] {
        debug_assert_eq!(reversed.len(), hints[0].len() + WINDOW_MARGIN);
        match self {
            Kernels::Avx512(vectors) => vectors.windows(hints, reversed),
            Kernels::Portable => hints.map(|hint| {
                let pairs = hint.iter().zip(reversed.iter().zip(&reversed[1..]));
                pairs.fold(0_u64, |sum, (digit, (same, next))| {
                    let high = (u128::from(*digit) * u128::from(*next)) >> DIGIT_BITS;
                    sum.wrapping_add(digit.wrapping_mul(*same)).wrapping_add(high as u64)
                })
            }),
        }
    }
}

/// The digit that begins at a bit.
fn digit_at(words: &[u64], bit: usize) -> u64 {
    let (word, shift) = (bit / 64, bit % 64);
    let low = words.get(word).copied().unwrap_or(0) >> shift;
    let high = words.get(word + 1).copied().unwrap_or(0);
    // Two shifts, as one shift by 64 is none.
    (low | high << 1 << (63 - shift)) & MASK
}

/// The digits of `2^shift words`, of which there are `count`, from the most significant one down, with zeros after
/// them up to `length`.
pub(super) fn reversed_digits(words: &[u64], shift: usize, count: usize, length: usize) -> Vec<u64> {
    debug_assert!(shift < DIGIT_BITS && count <= length);
    let mut digits = vec![0; length];
    for (index, digit) in digits[..count].iter_mut().rev().enumerate() {
        *digit = match (index * DIGIT_BITS).checked_sub(shift) {
            Some(bit) => digit_at(words, bit),
            None => digit_at(words, 0) << shift & MASK,
        };
    }
    digits
}

/// [`Kernels::pack`], digit by digit.
fn pack(digits: &Tile, carry: i64, words: &mut [u64; TILE_WORDS]) -> i64 {
    let mut carry = carry;
    let (mut filled, mut bits, mut at) = (0_u64, 0, 0);
    for &digit in &digits.0 {
        let sum = (digit as i64).wrapping_add(carry);
        carry = sum >> DIGIT_BITS;
        let digit = sum as u64 & MASK;
        filled |= digit << bits;
        bits += DIGIT_BITS;
        if bits >= 64 {
            words[at] = filled;
            at += 1;
            bits -= 64;
            filled = digit >> (DIGIT_BITS - bits);
        }
    }
    carry
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arith::limbs;
    use num_bigint::{BigInt, BigUint};
    use proptest::collection::vec;
    use proptest::prelude::*;

    fn both() -> Vec<Kernels> {
        vec![Kernels::Portable, Kernels::detect()]
    }

    fn word() -> impl Strategy<Value = u64> {
        prop_oneof![Just(0), Just(u64::MAX), any::<u64>()]
    }

    fn value(digits: &[u64]) -> BigInt {
        digits.iter().rev().fold(BigInt::from(0), |sum, digit| (sum << DIGIT_BITS) + *digit as i64)
    }

    fn tile(digits: &[u64]) -> Tile {
        Tile(digits.try_into().expect("a tile's digits"))
    }

    fn check_packed(kernels: Kernels, digits: &Tile, carry: i64) {
        let mut words = [7; TILE_WORDS];
        let above = kernels.pack(digits, carry, &mut words);
        let packed = (BigInt::from(above) << (TILE * DIGIT_BITS)) + BigInt::from(limbs::integer(&words));
        assert_eq!(packed, value(&digits.0) + carry);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn unpacked_words_have_the_same_value(words in vec(word(), TILE_BUFFER)) {
            let words: &[u64; TILE_BUFFER] = words[..].try_into().expect("a buffer");
            for kernels in both() {
                let mut digits = Tile::ZERO;
                kernels.unpack(words, &mut digits.0);
                prop_assert!(digits.0.iter().all(|digit| *digit <= MASK));
                prop_assert_eq!(value(&digits.0), BigInt::from(limbs::integer(&words[..TILE_WORDS])));
            }
        }

        #[test]
        fn listed_tiles_are_summed_and_packed(
            digits in vec(vec(-(1_i64 << 52)..1 << 52, TILE), 5), list in vec(0_u16..5, 0..40), carry in -9000_i64..9000,
        ) {
            let tiles: Vec<Tile> =
                digits.iter().map(|d| tile(&d.iter().map(|d| *d as u64).collect::<Vec<_>>())).collect();
            let expected: BigInt = list.iter().map(|i| value(&tiles[usize::from(*i)].0)).sum();
            for kernels in both() {
                let mut sum = Tile::ZERO;
                kernels.sum_listed(&tiles, &list, &mut sum);
                prop_assert_eq!(value(&sum.0), expected.clone());
                check_packed(kernels, &sum, carry);
            }
        }

        /// Carries that run through digits.
        #[test]
        fn tiles_next_to_a_bound_are_packed(
            near in vec((0_u64..3, -1_i64..2), TILE), carry in -2_i64..3, factor in 1_u64..2000,
        ) {
            let digit = |(bound, offset): &(u64, i64)| ((bound * factor) << DIGIT_BITS).wrapping_add_signed(*offset);
            let near = tile(&near.iter().map(digit).collect::<Vec<_>>());
            let full = tile(&[MASK; TILE]);
            for kernels in both() {
                check_packed(kernels, &near, carry);
                check_packed(kernels, &full, carry);
                check_packed(kernels, &Tile::ZERO, carry);
            }
        }

        /// The window is the middle of the product, too small by less than the stated bound.
        #[test]
        fn windows_are_the_top_of_the_product(
            c in vec(word(), 100), u in vec(word(), TILE_BUFFER), shift in 0_usize..52,
        ) {
            let bits = TILE_WORDS * 64;
            let words: &[u64; TILE_BUFFER] = u[..].try_into().expect("a buffer");
            let reversed = reversed_digits(&c, shift, TILE, TILE + WINDOW_MARGIN);
            let modulus = BigUint::from(1_u8) << bits;
            let product = (limbs::integer(&c) << shift) * limbs::integer(&u[..TILE_WORDS]) % &modulus;
            let exact = product >> (bits - DIGIT_BITS);
            for kernels in both() {
                let mut digits = Tile::ZERO;
                kernels.unpack(words, &mut digits.0);
                let window = kernels.windows([&digits.0; 4], &reversed);
                prop_assert!(window.iter().all(|w| w & MASK == window[0] & MASK));
                let error = (exact.clone() + (1_u64 << 52) - (window[0] & MASK)) % (1_u64 << 52);
                prop_assert!(error <= BigUint::from(2 * TILE), "{}", error);
            }
        }
    }
}
