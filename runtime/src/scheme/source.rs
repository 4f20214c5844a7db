//! The big public numbers of an evaluation key, tile by tile: hints `u_i` and encrypted key bits `sigma_i`, as digits.
//! Each is either expanded from the key's seed anew whenever it is read, or kept expanded in memory.

use std::ops::Range;

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
    pub(super) fn sum_tiles(&self) -> usize {
        // Fifteen bits for the carries of at most 2^14 terms and a sign.
        (self.chi_words * BITS + 15).div_ceil(TILE_WORDS * BITS)
    }

    /// Digits of hint `u_i` from tile `first` on. Beyond `kappa + 1` bits they may have any value. `words` is memory
    /// to work in.
    pub(super) fn hint_tiles(&self, index: usize, first: usize, digits: &mut [u64], words: &mut Vec<u64>) {
        let tiles = digits.as_chunks_mut::<TILE>().0;
        let width = self.key.params.limbs();
        let corrected = self.key.corrected.binary_search_by_key(&index, |(at, _)| *at as usize);
        if corrected.is_err() && self.kept.is_none() {
            let places = (first..).map(|tile| (Label::Hint, index, tile));
            if self.expansion.fill_tiles(places.zip(&mut *tiles)) {
                return;
            }
        }
        let (from, needed) = (first * TILE_WORDS, tiles.len() * TILE_WORDS);
        let length = width.saturating_sub(from).min(needed);
        words.resize(needed + TILE_BUFFER - TILE_WORDS, 0);
        let kept = match (corrected, &self.kept) {
            (Ok(found), _) => Some(&self.key.corrected[found].1[..]),
            (Err(_), Some([hints, _])) => Some(&hints[index * width..][..width]),
            (Err(_), None) => None,
        };
        match kept {
            Some(kept) => words[..length].copy_from_slice(&kept[width.min(from)..][..length]),
            None => self.expansion.fill(Label::Hint, index, from, &mut words[..length]),
        }
        for (tile, digits) in tiles.iter_mut().enumerate() {
            let words =
                words[tile * TILE_WORDS..].first_chunk().expect("there are words behind the last tile");
            self.kernels.unpack(words, digits);
        }
    }

    /// A tile of each `sigma_i = chi - Delta` of a range, with signed digits, not reduced modulo `x_0`.
    pub(super) fn key_bit_tiles(&self, range: Range<usize>, tile: usize, digits: &mut [Tile]) {
        let mut words = [0; TILE_BUFFER];
        let whole = (tile + 1) * TILE_WORDS * BITS <= chi_bits(&self.key.params);
        let places = range.clone().map(|index| (Label::KeyBit, index, tile));
        let tiles = places.zip(digits.iter_mut().map(|tile| &mut tile.0));
        let filled = whole && self.kept.is_none() && self.expansion.fill_tiles(tiles);
        for (index, digits) in range.zip(digits) {
            if !filled {
                self.chi_tile(index, tile, digits, &mut words);
            }
            self.subtract_correction(index, tile, digits, &mut words);
        }
    }

    /// A tile of chi. `words` is memory to work in.
    fn chi_tile(&self, index: usize, tile: usize, digits: &mut Tile, words: &mut [u64; TILE_BUFFER]) {
        let from = tile * TILE_WORDS;
        let length = self.chi_words.saturating_sub(from).min(TILE_WORDS);
        match &self.kept {
            Some([_, chis]) => {
                words[..length].copy_from_slice(&chis[index * self.chi_words + from..][..length])
            }
            None => self.expansion.fill(Label::KeyBit, index, from, &mut words[..length]),
        }
        if from + TILE_WORDS >= self.chi_words {
            words[length..].fill(0);
            limbs::truncate_bits(words, chi_bits(&self.key.params).saturating_sub(from * BITS));
        }
        self.kernels.unpack(words, &mut digits.0);
    }

    fn subtract_correction(
        &self,
        index: usize,
        tile: usize,
        digits: &mut Tile,
        words: &mut [u64; TILE_BUFFER],
    ) {
        let from = tile * TILE_WORDS;
        let correction = self.key.key_bits.get(index);
        if let Some(rest) = correction.get(from..).filter(|rest| !rest.is_empty()) {
            let length = rest.len().min(TILE_WORDS);
            words[..length].copy_from_slice(&rest[..length]);
            words[length..].fill(0);
            let mut minus = Tile::ZERO;
            self.kernels.unpack(words, &mut minus.0);
            for (digit, minus) in digits.0.iter_mut().zip(&minus.0) {
                *digit = digit.wrapping_sub(*minus);
            }
        }
    }
}
