//! The big public numbers of an evaluation key, tile by tile: hints `u_i` and encrypted key bits `sigma_i`, as digits.
//! Each is either expanded from the key's seed anew whenever it is read, or kept expanded in memory.

use rayon::prelude::*;

use super::digits::{Kernels, TILE, TILE_BUFFER, TILE_WORDS, Tile};
use super::element::{Label, chi_bits};
use super::expansion::Expansion;
use super::keys::EvaluationKey;
use super::params::Params;
use crate::arith::limbs::{self, BITS};

/// Reads an evaluation key.
pub(super) struct Source<'k> {
    key: &'k EvaluationKey,
    kernels: Kernels,
    expansion: Expansion,
    /// Words of chi.
    chi_words: usize,
    /// What streams of all hints and key bits begin with, if it is kept: the words of every `u_i`, and of every `chi`.
    kept: Option<[Vec<u64>; 2]>,
}

impl<'k> Source<'k> {
    /// With `keep`, all streams are expanded now, in parallel, and kept.
    pub(super) fn new(key: &'k EvaluationKey, kernels: Kernels, keep: bool) -> Source<'k> {
        let expansion = match kernels {
            Kernels::Portable => Expansion::portable(&key.seed),
            Kernels::Avx512(_) => Expansion::new(&key.seed),
        };
        let chi_words = chi_bits(&key.params).div_ceil(BITS);
        let all = |label, width: usize| {
            let mut words = vec![0; key.params.hints() * width];
            let fill = |(index, words): (usize, &mut [u64])| expansion.fill(label, index, 0, words);
            words.par_chunks_mut(width).enumerate().for_each(fill);
            words
        };
        let kept = keep.then(|| [all(Label::Hint, key.params.limbs()), all(Label::KeyBit, chi_words)]);
        Source { key, kernels, expansion, chi_words, kept }
    }

    /// Bytes that keeping takes.
    pub(super) fn kept_bytes(params: &Params) -> u64 {
        let words = params.limbs() + chi_bits(params).div_ceil(BITS);
        8 * params.hints() as u64 * words as u64
    }

    /// The kernels that its digits are for.
    pub(super) fn kernels(&self) -> Kernels {
        self.kernels
    }

    /// The key.
    pub(super) fn key(&self) -> &'k EvaluationKey {
        self.key
    }

    /// Tiles of digits of `sigma_i` before reduction: they reach beyond every carry of a box sum.
    pub(super) fn key_bit_tiles(&self) -> usize {
        // Fifteen bits for the carries of at most 2^14 terms and a sign.
        (self.chi_words * BITS + 15).div_ceil(TILE_WORDS * BITS)
    }

    /// Digits of hint `u_i` from tile `first` on. Beyond `kappa + 1` bits they may have any value.
    pub(super) fn hint_tiles(&self, index: usize, first: usize, digits: &mut [u64]) {
        let width = self.key.params.limbs();
        let corrected = self.key.corrected.binary_search_by_key(&index, |(at, _)| *at as usize);
        let kept = match corrected {
            Ok(found) => Some(&self.key.corrected[found].1[..]),
            Err(_) => self.kept.as_ref().map(|[hints, _]| &hints[index * width..][..width]),
        };
        for (tile, digits) in (first..).zip(digits.as_chunks_mut::<TILE>().0) {
            self.unpack(kept, Label::Hint, index, tile, width, digits);
        }
    }

    /// A tile of `sigma_i = chi - Delta`, with signed digits, not reduced modulo `x_0`.
    pub(super) fn key_bit_tile(&self, index: usize, tile: usize, digits: &mut Tile) {
        let kept = self.kept.as_ref().map(|[_, chis]| &chis[index * self.chi_words..][..self.chi_words]);
        self.unpack(kept, Label::KeyBit, index, tile, self.chi_words, &mut digits.0);
        let correction = self.key.key_bits.get(index);
        if let Some(rest) = correction.get(tile * TILE_WORDS..).filter(|rest| !rest.is_empty()) {
            let mut words = [0; TILE_BUFFER];
            let length = rest.len().min(TILE_WORDS);
            words[..length].copy_from_slice(&rest[..length]);
            let mut minus = Tile::ZERO;
            self.kernels.unpack(&words, &mut minus.0);
            for (digit, minus) in digits.0.iter_mut().zip(&minus.0) {
                *digit = digit.wrapping_sub(*minus);
            }
        }
    }

    /// The digits of a tile of the first `width` words of a stream, from memory if it is `kept`. Words beyond `width`
    /// are zero, and so are bits of chi beyond its length.
    fn unpack(
        &self,
        kept: Option<&[u64]>,
        label: Label,
        index: usize,
        tile: usize,
        width: usize,
        digits: &mut [u64; TILE],
    ) {
        let mut buffer = [0; TILE_BUFFER];
        let first = tile * TILE_WORDS;
        let length = width.saturating_sub(first).min(TILE_WORDS);
        match kept {
            // The whole buffer lies within the stream: no copy.
            Some(words) if words.len() >= first + TILE_BUFFER => {
                let words = words[first..].first_chunk().expect("the length was compared");
                self.kernels.unpack(words, digits);
                return;
            }
            Some(words) => {
                let rest = words.get(first..).unwrap_or(&[]);
                buffer[..length].copy_from_slice(&rest[..length]);
            }
            None => self.expansion.fill(label, index, first, &mut buffer[..length]),
        }
        if label == Label::KeyBit && first + TILE_WORDS >= width {
            let bits = chi_bits(&self.key.params).saturating_sub(first * BITS);
            limbs::truncate_bits(&mut buffer, bits);
        }
        self.kernels.unpack(&buffer, digits);
    }
}
