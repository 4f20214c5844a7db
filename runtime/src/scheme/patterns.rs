//! Expanding ciphertexts (FFHE paper, section 6.2; `scheme.md` 2.3): for each ciphertext `c` and hint `u_i` the pattern
//! `Z_i = floor(c u_i / 2^(kappa-n) + 1/2) mod 2^(n+1)`.
//!
//! Only the top of `c u_i mod 2^(kappa+1)` is needed, so no product is computed: a window of 52 bits is the sum, over
//! the digits of `u_i`, of two halves of digit products. The digits of `2^s c` are used, where `s` brings bit `kappa+1`
//! to the end of a digit; the window then ends there. It is too small by less than two units per digit. Where that
//! could change the pattern, about once in 2^25 times, the product is computed.
//!
//! All ciphertexts share one pass over the hints, span by span.

use rayon::prelude::*;

use super::digits::{DIGIT_BITS, TILE, WINDOW_MARGIN, reversed_digits};
use super::expansion::SEGMENT;
use super::params::Params;
use super::profile::{Phase, Profile};
use super::source::{Hint, Source};
use crate::arith::limbs::{self, BITS};

/// Tiles of a span: short enough that the spans of four hints and of many ciphertexts stay in the cache.
const MOST_SPAN_TILES: usize = 8;

/// Hints whose windows are computed together.
const GROUP: usize = 4;

/// The patterns of all hints for each ciphertext.
pub(super) fn patterns(source: &Source<'_>, profile: &Profile, ciphertexts: &[&[u64]]) -> Vec<Vec<u16>> {
    let layout = Layout::new(&source.key().params);
    let reverse = |c: &&[u64]| profile.time(Phase::Expand, || layout.reversed(c));
    let reversed: Vec<Vec<u64>> = ciphertexts.par_iter().map(reverse).collect();
    let chunk = layout.hints.div_ceil(4 * rayon::current_num_threads()).next_multiple_of(GROUP);
    let starts: Vec<usize> = (0..layout.hints).step_by(chunk).collect();
    let parts: Vec<Vec<u16>> = starts
        .par_iter()
        .map(|&start| {
            let range = start..layout.hints.min(start + chunk);
            profile.time(Phase::Expand, || layout.range(source, range, ciphertexts, &reversed))
        })
        .collect();
    let row = |ciphertext: usize| {
        let row = parts.iter().flat_map(|part| part.iter().skip(ciphertext).step_by(ciphertexts.len()));
        row.copied().collect()
    };
    (0..ciphertexts.len()).map(row).collect()
}

/// How integers are cut up.
struct Layout {
    hints: usize,
    n: u32,
    kappa: usize,
    /// Digits of a hint.
    digits: usize,
    /// Bits by which ciphertexts are shifted.
    shift: usize,
    /// Tiles of a hint.
    tiles: usize,
}

impl Layout {
    fn new(params: &Params) -> Layout {
        let bits = params.kappa() as usize + 1;
        let digits = bits.div_ceil(DIGIT_BITS);
        Layout {
            hints: params.hints(),
            n: params.n(),
            kappa: params.kappa() as usize,
            digits,
            shift: digits * DIGIT_BITS - bits,
            tiles: digits.div_ceil(TILE),
        }
    }

    fn reversed(&self, ciphertext: &[u64]) -> Vec<u64> {
        reversed_digits(ciphertext, self.shift, self.digits, self.tiles * TILE + WINDOW_MARGIN)
    }

    /// The digits of a ciphertext that meet those of a span of tiles, the tiles beyond the last one left out.
    fn part<'r>(&self, reversed: &'r [u64], span: usize, span_tiles: usize) -> &'r [u64] {
        let from = span * span_tiles * TILE;
        let length = (self.tiles * TILE - from).min(span_tiles * TILE);
        &reversed[from..][..length + WINDOW_MARGIN]
    }

    /// The patterns of a range of hints: those of the first hint for all ciphertexts, then those of the next.
    fn range(
        &self,
        source: &Source<'_>,
        range: std::ops::Range<usize>,
        ciphertexts: &[&[u64]],
        reversed: &[Vec<u64>],
    ) -> Vec<u16> {
        let hints: Vec<usize> = range.clone().collect();
        let windows = match reversed {
            [reversed] if source.has_stream_windows() => self.windows_alone(source, &hints, reversed),
            reversed => self.windows(source, &hints, reversed),
        };
        let pairs = range.flat_map(|hint| ciphertexts.iter().map(move |c| (hint, *c)));
        let settle = |(window, (hint, c)): (u64, (usize, &[u64]))| {
            self.rounded(window).unwrap_or_else(|| self.exact(c, &source.key().hint(hint)))
        };
        windows.into_iter().zip(pairs).map(settle).collect()
    }

    /// The windows of the first hint with all ciphertexts, then those of the next.
    fn windows(&self, source: &Source<'_>, hints: &[usize], reversed: &[Vec<u64>]) -> Vec<u64> {
        let span_tiles = self.tiles.min(MOST_SPAN_TILES);
        let mut windows = vec![0_u64; hints.len() * reversed.len()];
        let mut hints: Vec<Hint<'_>> = hints.iter().map(|&index| source.hint(index)).collect();
        let mut group: [Vec<u64>; GROUP] = std::array::from_fn(|_| vec![0; span_tiles * TILE]);
        for span in 0..self.tiles.div_ceil(span_tiles) {
            let groups = windows.chunks_mut(GROUP * reversed.len());
            for (hints, windows) in hints.chunks_mut(GROUP).zip(groups) {
                let length = self.part(&reversed[0], span, span_tiles).len() - WINDOW_MARGIN;
                for (hint, digits) in hints.iter_mut().zip(&mut group) {
                    source.hint_tiles(hint, span * span_tiles, &mut digits[..length]);
                }
                for (column, digits) in reversed.iter().enumerate() {
                    let hints = std::array::from_fn(|i| &group[i][..length]);
                    let sums = source.kernels().windows(hints, self.part(digits, span, span_tiles));
                    let mine = windows.iter_mut().skip(column).step_by(reversed.len());
                    mine.zip(sums).for_each(|(window, sum)| *window = window.wrapping_add(sum));
                }
            }
        }
        windows
    }

    /// The windows of one ciphertext. The digits of hints that are streams are used as they come, and not stored.
    fn windows_alone(&self, source: &Source<'_>, hints: &[usize], reversed: &Vec<u64>) -> Vec<u64> {
        let is_stream = |&at: &usize| matches!(source.hint(hints[at]), Hint::Stream(_));
        let (streams, others): (Vec<usize>, Vec<usize>) = (0..hints.len()).partition(is_stream);
        let mut windows = vec![0_u64; hints.len()];
        for segment in 0..self.tiles.div_ceil(SEGMENT) {
            let part = self.part(reversed, segment, SEGMENT);
            for pair in streams.chunks(2) {
                let [first, last] = [pair[0], pair[pair.len() - 1]];
                let found = source.stream_windows([hints[first], hints[last]], segment, part);
                let [a, b] = found.expect("asked only where there are vector instructions");
                windows[first] = windows[first].wrapping_add(a);
                if last != first {
                    windows[last] = windows[last].wrapping_add(b);
                }
            }
        }
        let indices: Vec<usize> = others.iter().map(|&at| hints[at]).collect();
        let sums = self.windows(source, &indices, std::slice::from_ref(reversed));
        others.into_iter().zip(sums).for_each(|(at, sum)| windows[at] = sum);
        windows
    }

    /// The pattern that a window belongs to, unless its error could make a difference.
    fn rounded(&self, window: u64) -> Option<u16> {
        let place = DIGIT_BITS as u32 - self.n - 1;
        let sum = window.wrapping_add(1 << (place - 1));
        let sure = (sum & ((1 << place) - 1)) + 2 * (self.digits as u64) < 1 << place;
        sure.then_some((sum >> place & ((2 << self.n) - 1)) as u16)
    }

    /// The pattern by its definition.
    fn exact(&self, c: &[u64], u: &[u64]) -> u16 {
        let mut product = limbs::product(c, u);
        let shift = self.kappa - self.n as usize;
        product.push(0);
        let (word, bit) = ((shift - 1) / BITS, (shift - 1) % BITS);
        limbs::add_assign(&mut product[word..], &[1 << bit]);
        let shifted = limbs::shifted_right(&product, shift);
        (shifted.first().copied().unwrap_or(0) & ((2 << self.n) - 1)) as u16
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use num_bigint::BigUint;
    use proptest::collection::vec;
    use proptest::prelude::*;

    fn layout(words: usize, n: u32) -> Layout {
        let bits = words * BITS;
        let digits = bits.div_ceil(DIGIT_BITS);
        let shift = digits * DIGIT_BITS - bits;
        Layout { hints: 1, n, kappa: bits - 1, digits, shift, tiles: digits.div_ceil(TILE) }
    }

    proptest! {
        #[test]
        fn exact_patterns_are_the_rounded_top_bits_of_the_product(
            c in vec(any::<u64>(), 20), u in vec(any::<u64>(), 20), n in 2_u32..6,
        ) {
            let layout = layout(20, n);
            let shift = layout.kappa - n as usize;
            let half = BigUint::from(1_u8) << (shift - 1);
            let rounded = (limbs::integer(&c) * limbs::integer(&u) + half) >> shift;
            let expected = rounded % (2_u64 << n);
            prop_assert_eq!(BigUint::from(layout.exact(&c, &u)), expected);
        }

        /// Every integer that a window may stand for rounds to the pattern, or there is none.
        #[test]
        fn windows_near_a_boundary_are_not_trusted(near in 0_u64..64, offset in -400_i64..400, n in 2_u32..6) {
            let layout = layout(95, n);
            let place = DIGIT_BITS as u32 - n - 1;
            let window = ((near << place) + (1 << (place - 1))).wrapping_add_signed(offset);
            let most = window + 2 * layout.digits as u64;
            let pattern = |window: u64| ((window + (1 << (place - 1))) >> place) % (2 << n);
            let agree = pattern(window) == pattern(most);
            prop_assert_eq!(layout.rounded(window).map(u64::from), agree.then_some(pattern(window)));
        }
    }
}
