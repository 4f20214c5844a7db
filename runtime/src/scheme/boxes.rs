//! Box sums (`scheme.md` 2.4(2) and 10.3): for each ciphertext, box and bit `b`, the sum of those `sigma_i` of the box
//! whose pattern `Z_i` has bit `b` set.
//!
//! All ciphertexts share one pass over the encrypted key bits. A tile of every `sigma_i` of a box is expanded into the
//! cache; then each ciphertext sums tiles: in a small box those of each bit; in a large one first those of each
//! pattern, one addition per `sigma_i`, and then the patterns of each bit. Nothing is carried before a tile's sum is
//! complete, and nothing reduced modulo `x_0` before a box sum is.

use rayon::prelude::*;

use super::buffers::{Buffer, Buffers};
use super::digits::{TILE_BUFFER, TILE_WORDS, Tile, pack};
use super::params::Params;
use super::profile::{Phase, Profile};
use super::refresh::Columns;
use super::source::Source;
use crate::arith::limbs;

/// Most hints of a box whose tiles are held at once: their tiles fit in the second cache, and their sum in a digit.
const MOST_HELD: usize = 640;

/// The box sums of every ciphertext, given the patterns of each. They take their memory from `buffers`, whose buffers
/// have [`sum_words`].
pub(super) fn box_sums<'b>(
    source: &Source<'_>,
    profile: &Profile,
    buffers: &'b Buffers,
    patterns: &[Vec<u16>],
) -> Vec<Columns<'b>> {
    let params = &source.key().params;
    let plan = Plan::new(params, source.key_bit_tiles());
    // For each box, ciphertext and bit, all words of the sum.
    let mut sums: Vec<Vec<Buffer<'b>>> = (0..params.theta())
        .map(|_| (0..patterns.len() * plan.bits).map(|_| buffers.take()).collect())
        .collect();
    let carries: Vec<Vec<Carries>> = sums
        .par_iter_mut()
        .enumerate()
        .map(|(number, sums)| plan.box_parts(source, profile, patterns, number, sums))
        .collect();
    let settled = sums.into_par_iter().zip(carries).map(|(sums, carries)| {
        let settle = |(at, sum)| profile.time(Phase::BoxSums, || plan.settle(source, at, sum, &carries));
        sums.into_par_iter().enumerate().map(settle).collect::<Vec<_>>()
    });
    let mut columns: Vec<Columns<'b>> = patterns
        .iter()
        .map(|_| (0..plan.bits).map(|_| Vec::with_capacity(params.theta())).collect())
        .collect();
    for sums in settled.collect::<Vec<Vec<Buffer<'b>>>>() {
        for (at, sum) in sums.into_iter().enumerate() {
            columns[at / plan.bits][at % plan.bits].push(sum);
        }
    }
    columns
}

/// Words of a box sum before it is reduced.
pub(super) fn sum_words(source: &Source<'_>) -> usize {
    source.key_bit_tiles() * TILE_WORDS
}

/// What each sum of a part carries into the next part.
type Carries = Vec<i64>;

/// How the work is cut up.
struct Plan {
    /// Bits of a pattern.
    bits: usize,
    /// Hints in a box.
    box_size: usize,
    /// Tiles of a sum.
    tiles: usize,
    /// Tiles of a part: parts of a box are summed in parallel.
    part_tiles: usize,
    /// Hints whose tiles are held at once.
    held: usize,
    /// For each bit, the patterns that have it, if there are to be sums of each pattern.
    members: Option<Vec<Vec<u16>>>,
}

impl Plan {
    fn new(params: &Params, tiles: usize) -> Plan {
        /// Pieces of work for each thread.
        const PIECES: usize = 8;
        let (bits, box_size) = (params.n() as usize + 1, params.box_size());
        let parts = (PIECES * rayon::current_num_threads()).div_ceil(params.theta());
        let with_patterns = box_size + bits * (1 << params.n());
        let members = (box_size * bits > 2 * with_patterns)
            .then(|| (0..bits).map(|bit| (0..1 << bits).filter(|p| p >> bit & 1 == 1).collect()).collect());
        let held = box_size.div_ceil(box_size.div_ceil(MOST_HELD));
        Plan { bits, box_size, tiles, part_tiles: tiles.div_ceil(parts), held, members }
    }

    /// All parts of a box. `sums` are those of the first ciphertext's bits, then of the second's, and so on.
    fn box_parts(
        &self,
        source: &Source<'_>,
        profile: &Profile,
        patterns: &[Vec<u16>],
        number: usize,
        sums: &mut [Buffer<'_>],
    ) -> Vec<Carries> {
        let mut parts: Vec<Vec<&mut [u64]>> = Vec::new();
        parts.resize_with(self.tiles.div_ceil(self.part_tiles), Vec::new);
        for sum in sums {
            let cut = sum.chunks_mut(self.part_tiles * TILE_WORDS);
            parts.iter_mut().zip(cut).for_each(|(part, cut)| part.push(cut));
        }
        let part = |(at, mut sums): (usize, Vec<&mut [u64]>)| {
            let first = at * self.part_tiles;
            profile.time(Phase::BoxSums, || self.part(source, patterns, number, first, &mut sums))
        };
        parts.into_par_iter().enumerate().map(part).collect()
    }

    /// One part of a box, from tile `first` on.
    fn part(
        &self,
        source: &Source<'_>,
        patterns: &[Vec<u16>],
        number: usize,
        first: usize,
        sums: &mut [&mut [u64]],
    ) -> Carries {
        let mut carries = vec![0; sums.len()];
        let mut tiles = vec![Tile::ZERO; self.held];
        let mut by_pattern = vec![Tile::ZERO; if self.members.is_some() { 1 << self.bits } else { 0 }];
        let (mut sum, mut words) = (Tile::ZERO, [0; TILE_BUFFER]);
        let start = number * self.box_size;
        for from in (0..self.box_size).step_by(self.held) {
            let hints = start + from..start + self.box_size.min(from + self.held);
            let lists: Vec<Lists> = patterns
                .iter()
                .map(|row| Lists::new(&row[hints.clone()], self.bits, &self.members))
                .collect();
            let mut above = vec![0; sums.len()];
            for tile in 0..sums[0].len() / TILE_WORDS {
                for (index, digits) in hints.clone().zip(&mut tiles) {
                    source.key_bit_tile(index, first + tile, digits, &mut words);
                }
                let rows = sums.chunks_mut(self.bits).zip(above.chunks_mut(self.bits));
                for (lists, (sums, above)) in lists.iter().zip(rows) {
                    let groups = lists.groups(&self.members);
                    if self.members.is_some() {
                        for (list, by_pattern) in lists.0.iter().zip(&mut by_pattern) {
                            source.kernels().sum_listed(&tiles, list, by_pattern);
                        }
                    }
                    let tiles = if self.members.is_some() { &by_pattern } else { &tiles };
                    for (list, (words, above)) in groups.iter().zip(sums.iter_mut().zip(above)) {
                        source.kernels().sum_listed(tiles, list, &mut sum);
                        let words = &mut words[tile * TILE_WORDS..].as_chunks_mut().0[0];
                        *above = add_packed(&sum, *above, words, from > 0);
                    }
                }
            }
            carries.iter_mut().zip(above).for_each(|(carry, above)| *carry += above);
        }
        carries
    }

    /// A finished sum: its parts' carries go where they belong, and it is reduced.
    fn settle<'b>(
        &self,
        source: &Source<'_>,
        at: usize,
        mut sum: Buffer<'b>,
        carries: &[Carries],
    ) -> Buffer<'b> {
        for (part, carries) in (1..).zip(carries) {
            let above = sum.get_mut(part * self.part_tiles * TILE_WORDS..).unwrap_or(&mut []);
            let carry = carries[at];
            debug_assert!(!above.is_empty() || carry == 0, "the last tile has room for every carry");
            let _ = if above.is_empty() {
                false
            } else if carry < 0 {
                limbs::sub_assign(above, &[carry.unsigned_abs()])
            } else {
                limbs::add_assign(above, &[carry.unsigned_abs()])
            };
        }
        let home = sum.home();
        Buffer::adopt(source.key().modulus.reduce(sum.into_words()), home)
    }
}

/// Packs a tile into `words`, or adds it to what is there already. Returns the carry.
fn add_packed(sum: &Tile, carry: i64, words: &mut [u64; TILE_WORDS], occupied: bool) -> i64 {
    if !occupied {
        return pack(sum, carry, words);
    }
    let mut packed = [0; TILE_WORDS];
    let carry = pack(sum, carry, &mut packed);
    carry + i64::from(limbs::add_assign(words, &packed))
}

/// Which tiles one ciphertext adds up: the hints with each pattern (none for pattern 0), or with each bit.
struct Lists(Vec<Vec<u16>>);

impl Lists {
    fn new(patterns: &[u16], bits: usize, members: &Option<Vec<Vec<u16>>>) -> Lists {
        let mut lists = vec![Vec::new(); if members.is_some() { 1 << bits } else { bits }];
        for (at, &pattern) in (0..).zip(patterns) {
            if members.is_some() {
                lists[usize::from(pattern)].push(at);
            } else {
                let set = (0..bits).filter(|bit| pattern >> bit & 1 == 1);
                set.for_each(|bit| lists[bit].push(at));
            }
        }
        if members.is_some() {
            lists[0].clear();
        }
        Lists(lists)
    }

    /// For each bit, the tiles whose sum is the bit's.
    fn groups<'a>(&'a self, members: &'a Option<Vec<Vec<u16>>>) -> &'a [Vec<u16>] {
        members.as_deref().unwrap_or(&self.0)
    }
}
