//! The public generator: expands a public seed into the big public numbers of the keys (hints, and chi of compressed
//! elements). AES-128 in counter mode, as for the public matrix of FrodoKEM: the seed is no secret, what is asked of
//! the generator is that its output looks random. Secrets come from ChaCha20, elsewhere.
//!
//! The key is derived from the seed with BLAKE3. Block `k` of the stream of a label and an index is the encryption of
//! the 16 bytes `k, label * 2^32 + index`, two little-endian words; a stream can be read from anywhere.

use aes::Aes128;
use aes::cipher::{Array, BlockCipherEncrypt, KeyInit};

use super::digits::{TILE, TILE_WORDS};
use super::element::{Label, Seed};
use super::simd::{Avx512, RoundKeys};

/// The generator's name in files.
pub(crate) const GENERATOR: &str = "aes-128-ctr";

/// The words of one block.
pub(super) const BLOCK_WORDS: usize = 2;

/// A seed, ready to be expanded.
#[derive(Clone)]
pub(super) enum Expansion {
    /// Any processor; AES instructions where there are some.
    Portable(Box<Aes128>),
    /// Four blocks in a vector.
    Vectors(Avx512, Box<RoundKeys>),
}

impl Expansion {
    /// Expands with the fastest code for this processor.
    pub(super) fn new(seed: &Seed) -> Expansion {
        match Avx512::detect() {
            Some(vectors) => Expansion::Vectors(vectors, Box::new(vectors.round_keys(&key(seed)))),
            None => Expansion::portable(seed),
        }
    }

    /// Expands with code that runs on any processor.
    pub(super) fn portable(seed: &Seed) -> Expansion {
        Expansion::Portable(Box::new(Aes128::new(&Array(key(seed)))))
    }

    /// Fills `words` with the stream's words from number `first`, which must be even.
    pub(super) fn fill(&self, label: Label, index: usize, first: usize, words: &mut [u64]) {
        debug_assert!(first.is_multiple_of(BLOCK_WORDS) && index < 1 << 32);
        let nonce = label.number() << 32 | index as u64;
        let first = (first / BLOCK_WORDS) as u64;
        match self {
            Expansion::Vectors(vectors, keys) => vectors.encrypt_counters(keys, first, nonce, words),
            Expansion::Portable(cipher) => encrypt_counters(cipher, first, nonce, words),
        }
    }
}

/// A tile's place in a stream: label, index, and number of the tile.
pub(super) type TilePlace = (Label, usize, usize);

impl Expansion {
    /// Cuts whole tiles of streams into digits, if there are vector instructions for it; returns whether there are.
    pub(super) fn fill_tiles<'t>(
        &self,
        tiles: impl Iterator<Item = (TilePlace, &'t mut [u64; TILE])>,
    ) -> bool {
        let Expansion::Vectors(vectors, keys) = self else { return false };
        let streams = tiles.map(|((label, index, tile), digits)| {
            let first = (tile * TILE_WORDS / BLOCK_WORDS) as u64;
            ([first, label.number() << 32 | index as u64], digits)
        });
        vectors.expand_tiles(keys, streams);
        true
    }
}

/// The AES key of a seed.
fn key(seed: &Seed) -> [u8; 16] {
    let derived = blake3::derive_key("ffhec 2026 public expansion aes-128-ctr", seed);
    let mut key = [0; 16];
    key.copy_from_slice(&derived[..16]);
    key
}

fn encrypt_counters(cipher: &Aes128, first: u64, nonce: u64, words: &mut [u64]) {
    /// Blocks encrypted at a time.
    const BLOCKS: usize = 16;
    for (counter, chunk) in (first..).step_by(BLOCKS).zip(words.chunks_mut(BLOCKS * BLOCK_WORDS)) {
        let mut blocks = [Array([0_u8; 16]); BLOCKS];
        for (counter, block) in (counter..).zip(&mut blocks) {
            block[..8].copy_from_slice(&counter.to_le_bytes());
            block[8..].copy_from_slice(&nonce.to_le_bytes());
        }
        cipher.encrypt_blocks(&mut blocks);
        let bytes = blocks.iter().flat_map(|block| block.as_chunks::<8>().0);
        for (word, bytes) in chunk.iter_mut().zip(bytes) {
            *word = u64::from_le_bytes(*bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// AES-128 by the definition (FIPS 197), without tables and instructions.
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

        fn schedule(key: &[u8; 16]) -> Vec<[u8; 16]> {
            let mut keys = vec![*key];
            let mut constant = 1;
            for round in 0..10 {
                let mut next = keys[round];
                for (at, from) in [13, 14, 15, 12].into_iter().enumerate() {
                    next[at] ^= substitute(keys[round][from]);
                }
                next[0] ^= constant;
                constant = double(constant);
                for at in 4..16 {
                    next[at] ^= next[at - 4];
                }
                keys.push(next);
            }
            keys
        }

        pub(super) fn encrypt(key: &[u8; 16], block: &[u8; 16]) -> [u8; 16] {
            let keys = schedule(key);
            let mut state: [u8; 16] = std::array::from_fn(|at| block[at] ^ keys[0][at]);
            for (round, key) in keys.iter().enumerate().skip(1) {
                let shifted: [u8; 16] = std::array::from_fn(|at| substitute(state[(at + at % 4 * 4) % 16]));
                let column = |at: usize, row: usize| shifted[at / 4 * 4 + (at + row) % 4];
                state = std::array::from_fn(|at| {
                    let mixed = multiply(2, column(at, 0))
                        ^ multiply(3, column(at, 1))
                        ^ column(at, 2)
                        ^ column(at, 3);
                    key[at] ^ if round == 10 { shifted[at] } else { mixed }
                });
            }
            state
        }
    }

    #[test]
    fn the_reference_is_aes() {
        // FIPS 197, appendix B.
        let hex = |text: u128| text.to_be_bytes();
        let key = hex(0x2b7e_1516_28ae_d2a6_abf7_1588_09cf_4f3c);
        let block = hex(0x3243_f6a8_885a_308d_3131_98a2_e037_0734);
        assert_eq!(reference::encrypt(&key, &block), hex(0x3925_841d_02dc_09fb_dc11_8597_196a_0b32));
    }

    #[test]
    fn every_way_to_expand_gives_the_words_of_the_definition() {
        let seed = [7; 32];
        let key = key(&seed);
        for (label, index, first, length) in [
            (Label::Hint, 5, 0, 1),
            (Label::KeyBit, 7934, 12, 104),
            (Label::Hint, 1 << 31, 1 << 40, 63),
            (Label::KeyBit, 0, (1 << 33) - 2, 200),
        ] {
            let expected: Vec<u64> = (first..first + length)
                .map(|word: usize| {
                    let mut block = [0; 16];
                    block[..8].copy_from_slice(&(word as u64 / 2).to_le_bytes());
                    block[8..].copy_from_slice(&(label.number() << 32 | index as u64).to_le_bytes());
                    let block = reference::encrypt(&key, &block);
                    u64::from_le_bytes(block.as_chunks().0[word % 2])
                })
                .collect();
            for expansion in [Expansion::portable(&seed), Expansion::new(&seed)] {
                let mut words = vec![0; length];
                expansion.fill(label, index, first, &mut words);
                assert_eq!(words, expected);
            }
        }
    }

    /// The bytes that files depend on.
    #[test]
    fn the_first_words_of_a_stream_never_change() {
        let mut words = [0; 3];
        Expansion::new(&[1; 32]).fill(Label::Hint, 2, 4, &mut words);
        assert_eq!(words, [15_560_886_803_797_493_489, 555_203_577_963_309_515, 203_621_542_470_598_015]);
    }
}
