//! The public generator: expands a public seed into the big public numbers of the keys (hints, and chi of compressed
//! elements). It is the stream cipher of AEGIS-128X4 (draft-irtf-cfrg-aegis-aead, "AEGIS as a Stream Cipher"), the
//! fastest with a public analysis on processors with AES instructions. The seed is no secret: what is asked of the
//! generator is that its output looks random. Secrets come from ChaCha20, elsewhere.
//!
//! The key is derived from the seed with BLAKE3. The stream of a label and an index is the key streams of its segments
//! of [`SEGMENT`] tiles, one after the other; the nonce of segment `k` is the 16 bytes `label * 2^32 + index, k`, two
//! little-endian words. So a stream can be read from any segment on.

use aes::cipher::Array;
use aes::hazmat::{Block8, cipher_round_par};

use super::digits::{TILE, TILE_WORDS, Tile};
use super::element::{Label, Seed};
use super::simd::Avx512;

/// The generator's name in files.
pub(crate) const GENERATOR: &str = "aegis-128x4";

/// Tiles of a segment: enough that its beginning, ten rounds, costs little. An even number, since two tiles are 13
/// updates.
pub(super) const SEGMENT: usize = 64;

/// A seed, ready to be expanded.
#[derive(Clone)]
pub(super) struct Expansion {
    key: [u8; 16],
    /// Vector instructions, if they are to be used.
    vectors: Option<Avx512>,
}

/// Eight registers of four blocks.
pub(super) type Registers = [[u64; 8]; 8];

/// What AEGIS remembers between two tiles.
#[derive(Clone)]
#[repr(align(64))]
pub(super) struct State {
    pub(super) registers: Registers,
    /// Before odd tiles, the second half of the last output.
    pub(super) half: [u64; 8],
}

/// A stream, and how far it has been read.
#[derive(Clone)]
pub(super) struct Stream {
    state: State,
    /// Label and index.
    name: u64,
    /// The next tile.
    tile: usize,
}

impl Stream {
    /// From the beginning of the segment that `tile` is in.
    fn at_segment(label: Label, index: usize, tile: usize) -> Stream {
        debug_assert!(index < 1 << 32);
        let state = State { registers: [[0; 8]; 8], half: [0; 8] };
        Stream { state, name: label.number() << 32 | index as u64, tile: tile / SEGMENT * SEGMENT }
    }
}

impl Expansion {
    /// Expands with the fastest code for this processor.
    pub(super) fn new(seed: &Seed) -> Expansion {
        Expansion { key: key(seed), vectors: Avx512::detect() }
    }

    /// Expands with code that runs on any processor; with AES instructions where there are some.
    pub(super) fn portable(seed: &Seed) -> Expansion {
        Expansion { key: key(seed), vectors: None }
    }

    /// Fills `words` with the beginning of a stream.
    pub(super) fn fill(&self, label: Label, index: usize, words: &mut [u64]) {
        let mut stream = Stream::at_segment(label, index, 0);
        let (tiles, rest) = words.as_chunks_mut::<TILE_WORDS>();
        for tile in tiles {
            self.next_tile(&mut stream, tile);
        }
        if !rest.is_empty() {
            let mut last = [0; TILE_WORDS];
            self.next_tile(&mut stream, &mut last);
            rest.copy_from_slice(&last[..rest.len()]);
        }
    }

    /// A stream from a tile on.
    pub(super) fn stream(&self, label: Label, index: usize, tile: usize) -> Stream {
        let mut stream = Stream::at_segment(label, index, tile);
        let mut skipped = [0; TILE_WORDS];
        while stream.tile < tile {
            self.next_tile(&mut stream, &mut skipped);
        }
        stream
    }

    /// Reads a tile.
    pub(super) fn next_tile(&self, stream: &mut Stream, words: &mut [u64; TILE_WORDS]) {
        let is_odd = self.advance(stream);
        match self.vectors {
            Some(vectors) => vectors.next_tile(&mut stream.state, is_odd, words),
            None => next_tile(&mut stream.state, is_odd, words),
        }
    }

    /// Prepares the stream for its next tile. Whether that is an odd one.
    fn advance(&self, stream: &mut Stream) -> bool {
        let tile = stream.tile;
        stream.tile += 1;
        if tile.is_multiple_of(SEGMENT) {
            let nonce = [stream.name, (tile / SEGMENT) as u64];
            stream.state.registers = match self.vectors {
                Some(vectors) => vectors.start(&self.key, nonce),
                None => start(&self.key, nonce),
            };
        }
        tile % 2 == 1
    }

    /// Reads a tile of each stream as digits, if there are vector instructions for it; returns whether there are.
    pub(super) fn next_digits<'t>(
        &self,
        tiles: impl Iterator<Item = (&'t mut Stream, &'t mut [u64; TILE])>,
    ) -> bool {
        let Some(vectors) = self.vectors else { return false };
        let streams = tiles.map(|(stream, digits)| {
            let is_odd = self.advance(stream);
            (&mut stream.state, is_odd, digits)
        });
        vectors.next_digits(streams);
        true
    }

    /// What [`Kernels::windows`](super::digits::Kernels::windows) gives for two hints that go on with these streams, if
    /// there are vector instructions that need not store their digits.
    pub(super) fn next_windows(&self, streams: [&mut Stream; 2], reversed: &[u64]) -> Option<[u64; 2]> {
        let vectors = self.vectors?;
        let [a, b] = streams;
        let tiles = reversed.len() / TILE;
        debug_assert!(a.tile.is_multiple_of(SEGMENT) && b.tile == a.tile && tiles <= SEGMENT);
        for stream in [&mut *a, &mut *b] {
            self.advance(stream);
            stream.tile += tiles - 1;
        }
        Some(vectors.next_windows([&mut a.state, &mut b.state], reversed))
    }

    /// Reads a tile of each stream and adds it to the sum of this number, if there are vector instructions that need not
    /// store its digits; returns whether there are.
    pub(super) fn add_next<'t>(
        &self,
        tiles: impl Iterator<Item = (&'t mut Stream, usize)>,
        sums: &mut [Tile],
    ) -> bool {
        let Some(vectors) = self.vectors else { return false };
        let streams = tiles.map(|(stream, sum)| {
            let is_odd = self.advance(stream);
            (&mut stream.state, is_odd, sum)
        });
        vectors.add_next(streams, sums);
        true
    }

    /// Asks for words that will be read soon.
    pub(super) fn prefetch(&self, words: &[u64]) {
        if let Some(vectors) = self.vectors {
            vectors.prefetch(words);
        }
    }
}

/// The AES key of a seed.
fn key(seed: &Seed) -> [u8; 16] {
    let derived = blake3::derive_key("ffhec 2026 public expansion aegis-128x4", seed);
    let mut key = [0; 16];
    key.copy_from_slice(&derived[..16]);
    key
}

/// The constants of AEGIS: the Fibonacci numbers modulo 256.
pub(super) const CONSTANTS: [[u8; 16]; 2] = {
    let mut constants = [[0; 16]; 2];
    let (mut a, mut b) = (0_u8, 1_u8);
    let mut at = 0;
    while at < 32 {
        constants[at / 16][at % 16] = a;
        (a, b) = (b, a.wrapping_add(b));
        at += 1;
    }
    constants
};

/// Updates before the first output.
pub(super) const UPDATES_TO_START: usize = 10;

/// A block as two words.
pub(super) fn words_of(block: &[u8; 16]) -> [u64; 2] {
    let [low, high] = [block.as_chunks::<8>().0[0], block.as_chunks::<8>().0[1]];
    [u64::from_le_bytes(low), u64::from_le_bytes(high)]
}

/// The same block in all four places.
pub(super) fn four(block: [u64; 2]) -> [u64; 8] {
    std::array::from_fn(|at| block[at % 2])
}

/// What distinguishes the four places.
pub(super) const CONTEXT: [u64; 8] = [0x0300, 0, 0x0301, 0, 0x0302, 0, 0x0303, 0];

fn xor<const N: usize>(a: [u64; N], b: [u64; N]) -> [u64; N] {
    std::array::from_fn(|at| a[at] ^ b[at])
}

/// The registers of the key and a nonce.
fn start(key: &[u8; 16], nonce: [u64; 2]) -> Registers {
    let (key, nonce) = (four(words_of(key)), four(nonce));
    let [c0, c1] = CONSTANTS.map(|constant| four(words_of(&constant)));
    let both = xor(key, nonce);
    let mut registers = [both, c1, c0, c1, both, xor(key, c0), xor(key, c1), xor(key, c0)];
    for _ in 0..UPDATES_TO_START {
        registers[3] = xor(registers[3], CONTEXT);
        registers[7] = xor(registers[7], CONTEXT);
        update(&mut registers);
        registers[0] = xor(registers[0], nonce);
        registers[4] = xor(registers[4], key);
    }
    registers
}

/// Without input: every block of a register goes through a round of AES with the next register as its key.
fn update(registers: &mut Registers) {
    for place in 0..4 {
        let block = |register: usize| {
            let mut bytes = [0; 16];
            bytes[..8].copy_from_slice(&registers[register][2 * place].to_le_bytes());
            bytes[8..].copy_from_slice(&registers[register][2 * place + 1].to_le_bytes());
            Array(bytes)
        };
        let keys: Block8 = Array(std::array::from_fn(block));
        let mut blocks: Block8 = Array(std::array::from_fn(|register| block((register + 7) % 8)));
        cipher_round_par(&mut blocks, &keys);
        for (register, block) in registers.iter_mut().zip(&blocks) {
            [register[2 * place], register[2 * place + 1]] = words_of(&block.0);
        }
    }
}

/// The two halves of the output before an update.
fn output([_, s1, s2, s3, _, s5, s6, s7]: &Registers) -> [[u64; 8]; 2] {
    let and = |a: &[u64; 8], b: &[u64; 8]| std::array::from_fn(|at| a[at] & b[at]);
    [xor(xor(*s6, *s1), and(s2, s3)), xor(xor(*s2, *s5), and(s6, s7))]
}

fn next_tile(state: &mut State, is_odd: bool, words: &mut [u64; TILE_WORDS]) {
    let mut vectors = words.as_chunks_mut::<8>().0.iter_mut();
    if is_odd && let Some(first) = vectors.next() {
        *first = state.half;
    }
    while let Some(vector) = vectors.next() {
        let [first, second] = output(&state.registers);
        update(&mut state.registers);
        *vector = first;
        *vectors.next().unwrap_or(&mut state.half) = second;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scheme::digits::{Kernels, TILE_BUFFER, WINDOW_MARGIN};

    /// By the definitions, without tables and instructions: a round of AES (FIPS 197) and AEGIS-128X4.
    mod reference {
        fn double(a: u8) -> u8 {
            a << 1 ^ if a & 0x80 == 0 { 0 } else { 0x1b }
        }

        fn multiply(a: u8, b: u8) -> u8 {
            let mut power = a;
            (0..8).fold(0, |sum, bit| {
                let term = if b >> bit & 1 == 1 { power } else { 0 };
                power = double(power);
                sum ^ term
            })
        }

        fn substitute(a: u8) -> u8 {
            let inverse = (0..254).fold(1, |product, _| multiply(product, a));
            [1, 2, 3, 4].iter().fold(inverse ^ 0x63, |sum, &turn| sum ^ inverse.rotate_left(turn))
        }

        type Block = [u8; 16];

        /// SubBytes, ShiftRows, MixColumns, AddRoundKey.
        fn round(state: Block, key: Block) -> Block {
            let shifted: Block = std::array::from_fn(|at| substitute(state[(at + at % 4 * 4) % 16]));
            let column = |at: usize, row: usize| shifted[at / 4 * 4 + (at + row) % 4];
            std::array::from_fn(|at| {
                let mixed =
                    multiply(2, column(at, 0)) ^ multiply(3, column(at, 1)) ^ column(at, 2) ^ column(at, 3);
                key[at] ^ mixed
            })
        }

        fn xor(a: Block, b: Block) -> Block {
            std::array::from_fn(|at| a[at] ^ b[at])
        }

        /// AEGIS-128X4 (draft-irtf-cfrg-aegis-aead): the registers `V[register][place]`.
        pub(super) struct Aegis(pub(super) [[Block; 4]; 8]);

        impl Aegis {
            pub(super) fn new(key: Block, nonce: Block) -> Aegis {
                let c0 = [0, 1, 1, 2, 3, 5, 8, 0x0d, 0x15, 0x22, 0x37, 0x59, 0x90, 0xe9, 0x79, 0x62];
                let c1 = [
                    0xdb, 0x3d, 0x18, 0x55, 0x6d, 0xc2, 0x2f, 0xf1, 0x20, 0x11, 0x31, 0x42, 0x73, 0xb5, 0x28,
                    0xdd,
                ];
                let both = xor(key, nonce);
                let registers = [both, c1, c0, c1, both, xor(key, c0), xor(key, c1), xor(key, c0)];
                let mut aegis = Aegis(registers.map(|register| [register; 4]));
                for _ in 0..10 {
                    for place in 0..4 {
                        let mut context = [0; 16];
                        (context[0], context[1]) = (place as u8, 3);
                        aegis.0[3][place] = xor(aegis.0[3][place], context);
                        aegis.0[7][place] = xor(aegis.0[7][place], context);
                    }
                    aegis.update([nonce; 4], [key; 4]);
                }
                aegis
            }

            pub(super) fn update(&mut self, first: [Block; 4], second: [Block; 4]) {
                let old = self.0;
                for register in 0..8 {
                    for place in 0..4 {
                        let mut key = old[register][place];
                        if register == 0 {
                            key = xor(key, first[place]);
                        }
                        if register == 4 {
                            key = xor(key, second[place]);
                        }
                        self.0[register][place] = round(old[(register + 7) % 8][place], key);
                    }
                }
            }

            /// The bytes that a message of this length would be combined with.
            pub(super) fn stream(mut self, length: usize) -> Vec<u8> {
                let mut bytes = Vec::new();
                while bytes.len() < length {
                    let [_, v1, v2, v3, _, v5, v6, v7] = &self.0;
                    for [a, b, c, d] in [[v6, v1, v2, v3], [v2, v5, v6, v7]] {
                        let product = |place: usize, at: usize| c[place][at] & d[place][at];
                        let byte = |place: usize, at: usize| a[place][at] ^ b[place][at] ^ product(place, at);
                        bytes.extend(
                            (0..4)
                                .flat_map(|place| (0..16).map(move |at| (place, at)))
                                .map(|(p, at)| byte(p, at)),
                        );
                    }
                    self.update([[0; 16]; 4], [[0; 16]; 4]);
                }
                bytes.truncate(length);
                bytes
            }
        }
    }

    /// The published vectors: a state after initialization, and a message of 120 bytes after 8 bytes of other data.
    #[test]
    fn the_reference_is_aegis() {
        let counting = |from: u8| std::array::from_fn(|at| from + at as u8);
        let mut aegis = reference::Aegis::new(counting(0), counting(0x10));
        let hex = |text: u128| text.to_be_bytes();
        assert_eq!(aegis.0[0][0], hex(0x924e_b076_3500_3a37_e6c6_575b_a8ce_1929));
        assert_eq!(aegis.0[3][1], hex(0xd066_9b39_d140_f0e1_18a4_a511_efe2_f95a));
        assert_eq!(aegis.0[7][3], hex(0x5cce_4d00_329d_69f1_aae3_6aa5_4134_7512));
        let mut first = [[0; 16]; 4];
        first[0][..8].copy_from_slice(&[1, 2, 3, 4, 1, 2, 3, 4]);
        aegis.update(first, [[0; 16]; 4]);
        let stream = aegis.stream(120);
        let ciphertext: Vec<u8> = stream
            .iter()
            .zip([4, 5, 6, 7].iter().cycle())
            .map(|(stream, message)| stream ^ message)
            .collect();
        assert_eq!(ciphertext[..16], hex(0xe836_1185_62f4_479c_9d35_c173_56a8_3311));
        assert_eq!(ciphertext[96..112], hex(0x4ff6_b138_0c4e_46df_7b08_6af6_ce6b_c1ed));
        assert_eq!(ciphertext[112..], 0x594b_8dd6_4aed_2a7e_u64.to_be_bytes());
    }

    /// Words of the stream of a label and an index, by the definition.
    fn expected(seed: &Seed, label: Label, index: usize, length: usize) -> Vec<u64> {
        let segments = (0..length.div_ceil(SEGMENT * TILE_WORDS)).flat_map(|segment: usize| {
            let mut nonce = [0; 16];
            nonce[..8].copy_from_slice(&(label.number() << 32 | index as u64).to_le_bytes());
            nonce[8..].copy_from_slice(&(segment as u64).to_le_bytes());
            let bytes = reference::Aegis::new(key(seed), nonce).stream(SEGMENT * TILE_WORDS * 8);
            let words: Vec<u64> =
                bytes.as_chunks::<8>().0.iter().map(|bytes| u64::from_le_bytes(*bytes)).collect();
            words
        });
        segments.take(length).collect()
    }

    #[test]
    fn every_way_to_expand_gives_the_words_of_the_definition() {
        let seed = [7; 32];
        let tiles = SEGMENT + 3;
        for (label, index) in [(Label::Hint, 5), (Label::KeyBit, 7934), (Label::Hint, (1 << 32) - 1)] {
            let expected = expected(&seed, label, index, tiles * TILE_WORDS);
            for expansion in [Expansion::portable(&seed), Expansion::new(&seed)] {
                for length in [0, 1, 2 * TILE_WORDS + 5, expected.len()] {
                    let mut words = vec![0; length];
                    expansion.fill(label, index, &mut words);
                    assert_eq!(words, expected[..length]);
                }
                for first in [0, 1, 2, 31, SEGMENT - 1, SEGMENT, SEGMENT + 1] {
                    let mut stream = expansion.stream(label, index, first);
                    for tile in first..(first + 2).min(tiles) {
                        let mut words = [0; TILE_WORDS];
                        expansion.next_tile(&mut stream, &mut words);
                        assert_eq!(words, expected[tile * TILE_WORDS..][..TILE_WORDS], "{first} {tile}");
                    }
                }
            }
        }
    }

    /// What is not stored is the same: windows and sums of streams against those of their digits.
    #[test]
    fn windows_and_sums_of_streams_are_those_of_their_digits() {
        let expansion = Expansion::new(&[9; 32]);
        let kernels = Kernels::detect();
        let cut = |index: usize, first: usize, tiles: usize| -> Vec<u64> {
            let mut stream = expansion.stream(Label::Hint, index, first);
            let digits = (0..tiles).flat_map(|_| {
                let (mut words, mut digits) = ([0; TILE_BUFFER], [0; TILE]);
                let tile = words.first_chunk_mut().expect("a buffer has room for a tile");
                expansion.next_tile(&mut stream, tile);
                kernels.unpack(&words, &mut digits);
                digits
            });
            digits.collect()
        };
        for tiles in [1, 2, 5, SEGMENT] {
            let reversed: Vec<u64> = cut(3, 0, tiles).into_iter().chain([0; WINDOW_MARGIN]).collect();
            let mut streams = [4, 5].map(|index| expansion.stream(Label::Hint, index, SEGMENT));
            let [a, b] = &mut streams;
            let Some(windows) = expansion.next_windows([a, b], &reversed) else { return };
            let digits = [4, 5].map(|index| cut(index, SEGMENT, tiles));
            let expected = kernels.windows([&digits[0], &digits[1], &digits[0], &digits[1]], &reversed);
            let low = |window: u64| window << 12;
            assert_eq!(windows.map(low), [expected[0], expected[1]].map(low));
            // Both streams go on after the tiles.
            let mut next = [Tile::ZERO, Tile::ZERO, Tile::ZERO];
            if tiles < SEGMENT {
                let [a, b] = &mut streams;
                assert!(expansion.add_next([(a, 1), (b, 1)].into_iter(), &mut next));
                let sums = (0..TILE).map(|at| {
                    [4, 5].iter().map(|&index| cut(index, SEGMENT, tiles + 1)[tiles * TILE + at]).sum::<u64>()
                });
                assert!(next[1].0.iter().copied().eq(sums));
                assert!(next[0].0.iter().chain(&next[2].0).all(|&digit| digit == 0));
            }
        }
    }

    /// The bytes that files depend on.
    #[test]
    fn the_first_words_of_a_stream_never_change() {
        let mut words = [0; 3];
        Expansion::new(&[1; 32]).fill(Label::Hint, 2, &mut words);
        assert_eq!(
            words,
            [10_503_997_977_276_886_982, 2_526_459_941_408_418_071, 12_262_881_478_629_007_974]
        );
    }
}
