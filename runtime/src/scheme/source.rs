//! The big public numbers of an evaluation key, tile by tile: hints `u_i` and encrypted key bits `sigma_i`, as digits.
//! Each is either expanded from the key's seed anew whenever it is read, or kept expanded in memory.

use rayon::prelude::*;

use super::digits::{Kernels, TILE, TILE_BUFFER, TILE_WORDS, Tile};
use super::element::{Label, chi_bits};
use super::expansion::{Expansion, SEGMENT, Stream};
use super::keys::EvaluationKey;
use super::params::Params;
use crate::arith::limbs::{self, BITS};

/// How many corrections before it is read a correction is asked for from memory.
const AHEAD: usize = 8;

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
            let fill = |(index, words): (usize, &mut [u64])| expansion.fill(label, index, words);
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

    /// Hint `u_i`, to be read from its beginning.
    pub(super) fn hint(&self, index: usize) -> Hint<'_> {
        let width = self.key.params.limbs();
        let found = self.key.corrected.binary_search_by_key(&index, |(at, _)| *at as usize);
        match (found, &self.kept) {
            (Ok(found), _) => Hint::Words(&self.key.corrected[found].1),
            (Err(_), Some([hints, _])) => Hint::Words(&hints[index * width..][..width]),
            (Err(_), None) => Hint::Stream(Box::new(self.expansion.stream(Label::Hint, index, 0))),
        }
    }

    /// The next digits of a hint, from tile `first` on. Beyond `kappa + 1` bits they may have any value.
    pub(super) fn hint_tiles(&self, hint: &mut Hint<'_>, first: usize, digits: &mut [u64]) {
        for (tile, digits) in (first..).zip(digits.as_chunks_mut::<TILE>().0) {
            match hint {
                Hint::Stream(stream) => self.next_digits(stream, digits),
                Hint::Words(words) => self.kernels.cut(words, tile, digits),
            }
        }
    }

    /// The windows of two hints that are streams with one ciphertext, from the beginning of a segment on.
    pub(super) fn stream_windows(
        &self,
        indices: [usize; 2],
        segment: usize,
        reversed: &[u64],
    ) -> Option<[u64; 2]> {
        let mut streams = indices.map(|index| self.expansion.stream(Label::Hint, index, segment * SEGMENT));
        let [a, b] = &mut streams;
        self.expansion.next_windows([a, b], reversed)
    }

    /// Whether hints that are streams have windows that need no digits: see [`Source::stream_windows`].
    pub(super) fn has_stream_windows(&self) -> bool {
        matches!(self.kernels, Kernels::Avx512(_))
    }

    fn next_digits(&self, stream: &mut Stream, digits: &mut [u64; TILE]) {
        let mut words = [0; TILE_BUFFER];
        let tile = words.first_chunk_mut().expect("a buffer has room for a tile");
        self.expansion.next_tile(stream, tile);
        self.kernels.unpack(&words, digits);
    }

    /// The key bits `sigma_i` with these numbers, to be read from tile `first` on.
    pub(super) fn key_bits(&self, indices: Vec<usize>, first: usize) -> KeyBits<'_> {
        let stream = |&index: &usize| self.expansion.stream(Label::KeyBit, index, first);
        let streams = if self.kept.is_some() { Vec::new() } else { indices.iter().map(stream).collect() };
        KeyBits { source: self, indices, streams, tile: first }
    }
}

/// Where the digits of a hint come from.
pub(super) enum Hint<'k> {
    /// Words in memory.
    Words(&'k [u64]),
    /// The public generator.
    Stream(Box<Stream>),
}

/// Some `sigma_i = chi - Delta`, read tile by tile, not reduced modulo `x_0`.
pub(super) struct KeyBits<'s> {
    source: &'s Source<'s>,
    indices: Vec<usize>,
    /// Of each chi, unless they are kept.
    streams: Vec<Stream>,
    /// The next tile.
    tile: usize,
}

impl KeyBits<'_> {
    /// The next tile of each, with signed digits.
    pub(super) fn next_tiles(&mut self, digits: &mut [Tile]) {
        let tile = self.tile;
        let is_read = self.is_whole() && {
            let tiles = self.streams.iter_mut().zip(digits.iter_mut().map(|tile| &mut tile.0));
            self.source.expansion.next_digits(tiles)
        };
        let mut words = [0; TILE_BUFFER];
        for (at, (&index, digits)) in self.indices.iter().zip(digits).enumerate() {
            if !is_read {
                self.source.chi_tile(index, self.streams.get_mut(at), tile, digits, &mut words);
            }
            self.source.subtract_correction(index, tile, digits);
        }
        self.tile += 1;
    }

    /// Adds the next tile of each to the sum of this number, if that takes no storing of digits; returns whether it does.
    pub(super) fn add_next(&mut self, numbers: &[u16], sums: &mut [Tile]) -> bool {
        if !self.is_whole() {
            return false;
        }
        let streams = self.streams.iter_mut().zip(numbers.iter().map(|&number| usize::from(number)));
        if !self.source.expansion.add_next(streams, sums) {
            return false;
        }
        for (at, (&index, &number)) in self.indices.iter().zip(numbers).enumerate() {
            if let Some(&soon) = self.indices.get(at + AHEAD) {
                self.source.prefetch_correction(soon, self.tile);
            }
            self.source.subtract_correction(index, self.tile, &mut sums[usize::from(number)]);
        }
        self.tile += 1;
        true
    }

    /// Whether the next tile comes out of streams and is no longer than chi.
    fn is_whole(&self) -> bool {
        let bits = chi_bits(&self.source.key.params);
        self.source.kept.is_none() && (self.tile + 1) * TILE_WORDS * BITS <= bits
    }
}

impl Source<'_> {
    /// A tile of chi. `words` is memory to work in.
    fn chi_tile(
        &self,
        index: usize,
        stream: Option<&mut Stream>,
        tile: usize,
        digits: &mut Tile,
        words: &mut [u64; TILE_BUFFER],
    ) {
        let from = tile * TILE_WORDS;
        let length = self.chi_words.saturating_sub(from).min(TILE_WORDS);
        if let Some([_, chis]) = &self.kept {
            let end = (index + 1) * self.chi_words;
            words[..length].copy_from_slice(&chis[end - self.chi_words.saturating_sub(from)..end][..length]);
        } else if let Some(stream) = stream {
            let tile = words.first_chunk_mut().expect("a buffer has room for a tile");
            self.expansion.next_tile(stream, tile);
        }
        if from + TILE_WORDS >= self.chi_words {
            words[length..].fill(0);
            limbs::truncate_bits(words, chi_bits(&self.key.params).saturating_sub(from * BITS));
        }
        self.kernels.unpack(words, &mut digits.0);
    }

    fn subtract_correction(&self, index: usize, tile: usize, digits: &mut Tile) {
        let correction = self.key.key_bits.get(index);
        if tile * TILE_WORDS < correction.len() {
            self.kernels.subtract(correction, tile, digits);
        }
    }

    /// Asks for the words of `Delta` that belong to a tile.
    fn prefetch_correction(&self, index: usize, tile: usize) {
        let rest = self.key.key_bits.get(index).get(tile * TILE_WORDS..).unwrap_or(&[]);
        self.expansion.prefetch(&rest[..rest.len().min(TILE_WORDS)]);
    }
}
