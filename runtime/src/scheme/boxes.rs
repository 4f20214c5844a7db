//! Box sums (`scheme.md` 2.4(2) and 10.3): for each ciphertext, box and bit `b`, the sum of those `sigma_i` of the box
//! whose pattern `Z_i` has bit `b` set.
//!
//! All ciphertexts share one pass over the encrypted key bits. A tile of every `sigma_i` of a box is expanded into the
//! cache; then each ciphertext sums tiles: in a small box those of each bit; in a large one first those of each
//! pattern, one addition per `sigma_i`, and then the patterns of each bit. Nothing is carried before a tile's sum is
//! complete. A box sum is put together from its parts, and reduced modulo `x_0`, when it is needed: then it is in the
//! cache for what comes next.

use rayon::prelude::*;

use super::buffers::{Buffer, Buffers};
use super::digits::{Kernels, TILE_WORDS, Tile};
use super::expansion::SEGMENT;
use super::params::Params;
use super::profile::{Phase, Profile};
use super::source::Source;
use crate::arith::{Modulus, limbs};

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
    let plan = Plan::new(params, source.sum_tiles());
    // For each box, ciphertext and bit, all words of the sum.
    let mut sums: Vec<Vec<Buffer<'b>>> = (0..params.theta())
        .map(|_| (0..patterns.len() * plan.bits).map(|_| buffers.take()).collect())
        .collect();
    let carries: Vec<Vec<Carries>> = sums
        .par_iter_mut()
        .enumerate()
        .map(|(number, sums)| plan.box_parts(source, profile, patterns, number, sums))
        .collect();
    let mut columns: Vec<Columns<'b>> = patterns
        .iter()
        .map(|_| (0..plan.bits).map(|_| Vec::with_capacity(params.theta())).collect())
        .collect();
    for (sums, carries) in sums.into_iter().zip(carries) {
        for (at, words) in sums.into_iter().enumerate() {
            let carries = carries.iter().map(|part| part[at]).collect();
            let sum = BoxSum { words, carries, part_words: plan.part_tiles * TILE_WORDS };
            columns[at / plan.bits][at % plan.bits].push(sum);
        }
    }
    columns
}

/// The box sums of one ciphertext: for each bit, least significant first, those of all boxes.
pub(super) type Columns<'b> = Vec<Vec<BoxSum<'b>>>;

/// A box sum in parts, not reduced.
pub(super) struct BoxSum<'b> {
    words: Buffer<'b>,
    /// What each part carries into the next one.
    carries: Vec<i64>,
    /// Words of each part but the last, which may be shorter.
    part_words: usize,
}

impl<'b> BoxSum<'b> {
    /// The sum modulo `x_0`.
    pub(super) fn settle(self, modulus: &Modulus) -> Buffer<'b> {
        let BoxSum { mut words, carries, part_words } = self;
        for (part, carry) in (1..).zip(carries) {
            let Some(above) = words.get_mut(part * part_words..).filter(|above| !above.is_empty()) else {
                debug_assert_eq!(carry, 0, "the last tile has room for every carry");
                continue;
            };
            if carry < 0 {
                limbs::sub_assign(above, &[carry.unsigned_abs()]);
            } else {
                limbs::add_assign(above, &[carry.unsigned_abs()]);
            }
        }
        let home = words.home();
        Buffer::adopt(modulus.reduce(words.into_words()), home)
    }
}

/// Words of a box sum before it is reduced.
pub(super) fn sum_words(source: &Source<'_>) -> usize {
    source.sum_tiles() * TILE_WORDS
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
        // A stream is read from the beginning of a segment on.
        let part_tiles = tiles.div_ceil(parts).next_multiple_of(SEGMENT);
        Plan { bits, box_size, tiles, part_tiles, held, members }
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
        let mut sum = Tile::ZERO;
        let start = number * self.box_size;
        for from in (0..self.box_size).step_by(self.held) {
            let indices = start + from..start + self.box_size.min(from + self.held);
            // Those that no ciphertext adds are not read.
            let hints: Vec<usize> =
                indices.filter(|&index| patterns.iter().any(|row| row[index] != 0)).collect();
            let rows: Vec<Vec<u16>> =
                patterns.iter().map(|row| hints.iter().map(|&index| row[index]).collect()).collect();
            let lists: Vec<Lists> =
                rows.iter().map(|row| Lists::new(row, self.bits, self.members.is_some())).collect();
            let tiles = &mut tiles[..hints.len()];
            let mut key_bits = source.key_bits(hints, first);
            let mut above = vec![0; sums.len()];
            for tile in 0..sums[0].len() / TILE_WORDS {
                // One ciphertext alone sums by pattern as the digits come.
                let is_summed = match &rows[..] {
                    [row] if self.members.is_some() => {
                        by_pattern.fill(Tile::ZERO);
                        key_bits.add_next(row, &mut by_pattern)
                    }
                    _ => false,
                };
                if !is_summed {
                    key_bits.next_tiles(tiles);
                }
                let rows = sums.chunks_mut(self.bits).zip(above.chunks_mut(self.bits));
                for (lists, (sums, above)) in lists.iter().zip(rows) {
                    let (terms, groups) = match &self.members {
                        None => (&*tiles, &lists.0),
                        Some(members) => {
                            for (list, sum) in lists.0.iter().zip(&mut by_pattern).filter(|_| !is_summed) {
                                source.kernels().sum_listed(tiles, list, sum);
                            }
                            (&by_pattern[..], members)
                        }
                    };
                    for (list, (words, above)) in groups.iter().zip(sums.iter_mut().zip(above)) {
                        source.kernels().sum_listed(terms, list, &mut sum);
                        let words = &mut words[tile * TILE_WORDS..].as_chunks_mut().0[0];
                        *above = add_packed(source.kernels(), &sum, *above, words, from > 0);
                    }
                }
            }
            carries.iter_mut().zip(above).for_each(|(carry, above)| *carry += above);
        }
        carries
    }
}

/// Packs a tile into `words`, or adds it to what is there already. Returns the carry.
fn add_packed(
    kernels: Kernels,
    sum: &Tile,
    carry: i64,
    words: &mut [u64; TILE_WORDS],
    occupied: bool,
) -> i64 {
    if !occupied {
        return kernels.pack(sum, carry, words);
    }
    let mut packed = [0; TILE_WORDS];
    let carry = kernels.pack(sum, carry, &mut packed);
    carry + i64::from(limbs::add_assign(words, &packed))
}

/// Which tiles one ciphertext adds up: those of the hints with each pattern (none for pattern 0), or with each bit.
struct Lists(Vec<Vec<u16>>);

impl Lists {
    fn new(patterns: &[u16], bits: usize, by_pattern: bool) -> Lists {
        let mut lists = vec![Vec::new(); if by_pattern { 1 << bits } else { bits }];
        for (at, &pattern) in (0..).zip(patterns) {
            if by_pattern && pattern != 0 {
                lists[usize::from(pattern)].push(at);
            } else if !by_pattern {
                let set = (0..bits).filter(|bit| pattern >> bit & 1 == 1);
                set.for_each(|bit| lists[bit].push(at));
            }
        }
        Lists(lists)
    }
}
