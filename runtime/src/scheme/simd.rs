//! The scheme's kernels for processors with AVX-512 (F, DQ, BW, IFMA, VBMI) and VAES: the only unsafe code of the scheme.
//!
//! [`Avx512`] is a proof that the processor has these instructions: only [`Avx512::detect`] makes one. Each kernel
//! gives the same bits as the portable code of its name in `expansion` or `digits`, which the tests compare it with.

#![allow(unsafe_code, reason = "vector instructions that the compiler does not choose by itself")]

use std::arch::x86_64::*;

use super::digits::{DIGIT_BITS, TILE, TILE_BUFFER, TILE_WORDS, Tile};
use super::expansion::BLOCK_WORDS;

/// The instructions are there.
#[derive(Clone, Copy, Debug)]
pub(super) struct Avx512(());

/// The round keys of AES-128, four times each.
#[derive(Clone, Copy)]
pub(super) struct RoundKeys([__m512i; 11]);

/// Words in a vector.
const LANES: usize = 8;

impl Avx512 {
    /// Whether this processor has the instructions.
    pub(super) fn detect() -> Option<Avx512> {
        let there = is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512ifma")
            && is_x86_feature_detected!("avx512vbmi")
            && is_x86_feature_detected!("aes")
            && is_x86_feature_detected!("vaes");
        there.then_some(Avx512(()))
    }

    /// The key schedule.
    pub(super) fn round_keys(self, key: &[u8; 16]) -> RoundKeys {
        // SAFETY: `self` proves that the processor has the instructions.
        unsafe { round_keys(key) }
    }

    /// Fills `words` with the encryptions of the blocks `(first + i, nonce)`, two words each.
    pub(super) fn encrypt_counters(self, keys: &RoundKeys, first: u64, nonce: u64, words: &mut [u64]) {
        // SAFETY: `self` proves that the processor has the instructions.
        unsafe { encrypt_counters(keys, first, nonce, words) }
    }

    /// Fills tiles with digits of streams, as [`Self::encrypt_counters`] and [`Self::unpack`] do, given `first` and
    /// `nonce` of each.
    pub(super) fn expand_tiles<'t>(
        self,
        keys: &RoundKeys,
        tiles: impl Iterator<Item = ([u64; 2], &'t mut [u64; TILE])>,
    ) {
        let mut words = [[0_u64; TILE_BUFFER]; 2];
        let mut last: Option<(usize, &mut [u64; TILE])> = None;
        for (at, ([first, nonce], digits)) in tiles.enumerate() {
            let now = words[at % 2].first_chunk_mut().expect("a buffer has room for a tile");
            // Encrypting does not wait for the words of the tile before, which are cut meanwhile.
            // SAFETY: `self` proves that the processor has the instructions.
            unsafe { encrypt_tile(keys, first, nonce, now) };
            if let Some((at, digits)) = last.replace((at, digits)) {
                self.unpack(&words[at % 2], digits);
            }
        }
        if let Some((at, digits)) = last {
            self.unpack(&words[at % 2], digits);
        }
    }

    /// Carries and packs a tile, unless a carry runs through a digit; see `digits::pack`.
    pub(super) fn pack(self, digits: &Tile, carry: i64, words: &mut [u64; TILE_WORDS]) -> Option<i64> {
        // SAFETY: `self` proves that the processor has the instructions.
        unsafe { pack(digits, carry, words) }
    }

    /// Cuts words into digits.
    pub(super) fn unpack(self, words: &[u64; TILE_BUFFER], digits: &mut [u64; TILE]) {
        // SAFETY: `self` proves that the processor has the instructions.
        unsafe { unpack(words, digits) }
    }

    /// The sum of the listed tiles.
    pub(super) fn sum_listed(self, tiles: &[Tile], list: &[u16], sum: &mut Tile) {
        // SAFETY: `self` proves that the processor has the instructions.
        unsafe { sum_listed(tiles, list, sum) }
    }

    /// The windows of four hints with one ciphertext.
    pub(super) fn windows(self, hints: [&[u64]; 4], reversed: &[u64]) -> [u64; 4] {
        // SAFETY: `self` proves that the processor has the instructions.
        unsafe { windows(hints, reversed) }
    }
}

#[target_feature(enable = "avx512f,aes")]
fn round_keys(key: &[u8; 16]) -> RoundKeys {
    /// One step of the key schedule (FIPS 197, section 5.2).
    #[target_feature(enable = "aes")]
    fn next<const CONSTANT: i32>(key: __m128i) -> __m128i {
        let word = _mm_shuffle_epi32::<0xff>(_mm_aeskeygenassist_si128::<CONSTANT>(key));
        let key = _mm_xor_si128(key, _mm_slli_si128::<4>(key));
        let key = _mm_xor_si128(key, _mm_slli_si128::<8>(key));
        _mm_xor_si128(key, word)
    }
    // SAFETY: an unaligned load of the 16 bytes of `key`.
    let mut keys = [unsafe { _mm_loadu_si128(key.as_ptr().cast()) }; 11];
    keys[1] = next::<0x01>(keys[0]);
    keys[2] = next::<0x02>(keys[1]);
    keys[3] = next::<0x04>(keys[2]);
    keys[4] = next::<0x08>(keys[3]);
    keys[5] = next::<0x10>(keys[4]);
    keys[6] = next::<0x20>(keys[5]);
    keys[7] = next::<0x40>(keys[6]);
    keys[8] = next::<0x80>(keys[7]);
    keys[9] = next::<0x1b>(keys[8]);
    keys[10] = next::<0x36>(keys[9]);
    let mut wide = [_mm512_setzero_si512(); 11];
    for (wide, key) in wide.iter_mut().zip(keys) {
        *wide = _mm512_broadcast_i32x4(key);
    }
    RoundKeys(wide)
}

/// Four blocks in a vector.
#[inline]
#[target_feature(enable = "avx512f,vaes")]
fn encrypt(keys: &[__m512i; 11], counter: __m512i) -> __m512i {
    let mut block = _mm512_xor_si512(counter, keys[0]);
    block = _mm512_aesenc_epi128(block, keys[1]);
    block = _mm512_aesenc_epi128(block, keys[2]);
    block = _mm512_aesenc_epi128(block, keys[3]);
    block = _mm512_aesenc_epi128(block, keys[4]);
    block = _mm512_aesenc_epi128(block, keys[5]);
    block = _mm512_aesenc_epi128(block, keys[6]);
    block = _mm512_aesenc_epi128(block, keys[7]);
    block = _mm512_aesenc_epi128(block, keys[8]);
    block = _mm512_aesenc_epi128(block, keys[9]);
    _mm512_aesenclast_epi128(block, keys[10])
}

/// The counters of the first four blocks of a stream from `first` on.
#[inline]
#[target_feature(enable = "avx512f,avx512dq")]
fn counters(first: u64, nonce: u64) -> __m512i {
    let nonce = nonce as i64;
    _mm512_add_epi64(
        _mm512_setr_epi64(0, nonce, 1, nonce, 2, nonce, 3, nonce),
        _mm512_maskz_set1_epi64(0b0101_0101, first as i64),
    )
}

/// What [`encrypt_counters`] does, for a tile.
#[inline]
#[target_feature(enable = "avx512f,avx512dq,vaes")]
fn encrypt_tile(keys: &RoundKeys, first: u64, nonce: u64, words: &mut [u64; TILE_WORDS]) {
    let next = _mm512_setr_epi64(4, 0, 4, 0, 4, 0, 4, 0);
    let mut counter = counters(first, nonce);
    for vector in words.as_chunks_mut::<LANES>().0 {
        let block = encrypt(&keys.0, counter);
        counter = _mm512_add_epi64(counter, next);
        // SAFETY: `vector` has eight words.
        unsafe { _mm512_storeu_si512(vector.as_mut_ptr().cast(), block) };
    }
}

/// Four blocks in a vector. The rounds of one vector wait for each other; the processor runs those of several vectors
/// at the same time.
#[target_feature(enable = "avx512f,avx512dq,vaes")]
fn encrypt_counters(keys: &RoundKeys, first: u64, nonce: u64, words: &mut [u64]) {
    let next = _mm512_setr_epi64(4, 0, 4, 0, 4, 0, 4, 0);
    let mut counter = counters(first, nonce);
    let (vectors, rest) = words.as_chunks_mut::<LANES>();
    for vector in vectors {
        let block = encrypt(&keys.0, counter);
        counter = _mm512_add_epi64(counter, next);
        // SAFETY: `vector` has eight words.
        unsafe { _mm512_storeu_si512(vector.as_mut_ptr().cast(), block) };
    }
    if !rest.is_empty() {
        let mask = ((1_u16 << rest.len()) - 1) as u8;
        // SAFETY: the mask selects the words of `rest`, and no others are written.
        unsafe { _mm512_mask_storeu_epi64(rest.as_mut_ptr().cast(), mask, encrypt(&keys.0, counter)) };
    }
}

/// Eight digits begin every 52 bytes, at most 4 bits into a byte: a byte permutation and a shift bring them into place.
#[target_feature(enable = "avx512f,avx512vbmi")]
fn unpack(words: &[u64; TILE_BUFFER], digits: &mut [u64; TILE]) {
    const { assert!(TILE_BUFFER * 8 >= (TILE / LANES - 1) * 52 + 64) };
    let mut places = [0_u8; 64];
    for (at, place) in places.iter_mut().enumerate() {
        *place = (at / 8 * 13 / 2 + at % 8) as u8;
    }
    // SAFETY: an unaligned load of the 64 bytes of `places`.
    let places = unsafe { _mm512_loadu_si512(places.as_ptr().cast()) };
    let shifts = _mm512_setr_epi64(0, 4, 0, 4, 0, 4, 0, 4);
    let mask = _mm512_set1_epi64((1 << 52) - 1);
    for (group, out) in digits.chunks_exact_mut(LANES).enumerate() {
        // SAFETY: bytes `52 group` to `52 group + 64` lie in `words`, by the assertion above.
        let bytes = unsafe { _mm512_loadu_si512(words.as_ptr().cast::<u8>().add(52 * group).cast()) };
        let placed = _mm512_srlv_epi64(_mm512_permutexvar_epi8(places, bytes), shifts);
        // SAFETY: `out` has eight words.
        unsafe { _mm512_storeu_si512(out.as_mut_ptr().cast(), _mm512_and_si512(placed, mask)) };
    }
}

/// Twice every digit's carry goes to the next digit; then all are digits, or nothing is packed. The second carries are
/// at most one in size, so that a digit remains out of bounds only where it was next to a bound.
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
fn pack(digits: &Tile, carry: i64, words: &mut [u64; TILE_WORDS]) -> Option<i64> {
    const VECTORS: usize = TILE / LANES;
    /// Of two digits, the bytes of the first 64 bits and of the other 40.
    const PACKED: [u8; 64] = {
        let mut places = [0; 64];
        let mut at = 0;
        while at < 52 {
            places[at] = (at / 13 * 16 + at % 13) as u8;
            at += 1;
        }
        places
    };
    let mask = _mm512_set1_epi64((1 << DIGIT_BITS) - 1);
    let mut vectors = [_mm512_setzero_si512(); VECTORS];
    for (vector, digits) in vectors.iter_mut().zip(digits.0.as_chunks::<LANES>().0) {
        // SAFETY: `digits` has eight words.
        *vector = unsafe { _mm512_loadu_si512(digits.as_ptr().cast()) };
    }
    let mut above = 0;
    for carry in [carry, 0] {
        let mut last = _mm512_set1_epi64(carry);
        for vector in &mut vectors {
            let carries = _mm512_srai_epi64::<{ DIGIT_BITS as u32 }>(*vector);
            let shifted = _mm512_alignr_epi64::<7>(carries, last);
            *vector = _mm512_add_epi64(_mm512_and_si512(*vector, mask), shifted);
            last = carries;
        }
        above += _mm_extract_epi64::<1>(_mm512_extracti32x4_epi32::<3>(last));
    }
    let out = vectors.iter().fold(_mm512_setzero_si512(), |out, vector| {
        _mm512_or_si512(out, _mm512_srai_epi64::<{ DIGIT_BITS as u32 }>(*vector))
    });
    if _mm512_test_epi64_mask(out, out) != 0 {
        return None;
    }
    // SAFETY: an unaligned load of 64 bytes.
    let places = unsafe { _mm512_loadu_si512(PACKED.as_ptr().cast()) };
    let bytes: *mut u8 = words.as_mut_ptr().cast();
    for (group, vector) in vectors.into_iter().enumerate() {
        let odd = _mm512_unpackhi_epi64(vector, _mm512_setzero_si512());
        let low = _mm512_or_si512(vector, _mm512_slli_epi64::<{ DIGIT_BITS as u32 }>(odd));
        let pairs = _mm512_mask_srli_epi64::<{ 64 - DIGIT_BITS as u32 }>(low, 0b1010_1010, vector);
        let packed = _mm512_permutexvar_epi8(places, pairs);
        // SAFETY: the mask selects 52 bytes, from byte `52 group` of the `52 VECTORS` of `words`.
        unsafe { _mm512_mask_storeu_epi8(bytes.add(52 * group).cast(), (1 << 52) - 1, packed) };
    }
    Some(above)
}

/// Half a tile stays in registers while the list is walked.
#[target_feature(enable = "avx512f")]
fn sum_listed(tiles: &[Tile], list: &[u16], sum: &mut Tile) {
    const HALF: usize = TILE / 2;
    const VECTORS: usize = HALF / LANES;
    for half in 0..2 {
        let mut sums = [_mm512_setzero_si512(); VECTORS];
        for &index in list {
            let part = &tiles[usize::from(index)].0[half * HALF..][..HALF];
            for (vector, acc) in sums.iter_mut().enumerate() {
                // SAFETY: `part` has eight words per vector.
                let term = unsafe { _mm512_loadu_si512(part.as_ptr().add(vector * LANES).cast()) };
                *acc = _mm512_add_epi64(*acc, term);
            }
        }
        for (part, acc) in sum.0[half * HALF..][..HALF].chunks_exact_mut(LANES).zip(sums) {
            // SAFETY: `part` has eight words.
            unsafe { _mm512_storeu_si512(part.as_mut_ptr().cast(), acc) };
        }
    }
}

#[target_feature(enable = "avx512f,avx512ifma")]
fn windows(hints: [&[u64]; 4], reversed: &[u64]) -> [u64; 4] {
    let length = reversed.len() - LANES;
    assert!(length.is_multiple_of(LANES) && hints.iter().all(|hint| hint.len() == length));
    let mut low = [_mm512_setzero_si512(); 4];
    let mut high = [_mm512_setzero_si512(); 4];
    for at in (0..length).step_by(LANES) {
        // SAFETY: `at + 9 <= length + 8`, the length of `reversed`.
        let (same, next) = unsafe {
            (
                _mm512_loadu_si512(reversed.as_ptr().add(at).cast()),
                _mm512_loadu_si512(reversed.as_ptr().add(at + 1).cast()),
            )
        };
        for (hint, (low, high)) in hints.iter().zip(low.iter_mut().zip(&mut high)) {
            // SAFETY: every hint has `length` words.
            let digits = unsafe { _mm512_loadu_si512(hint.as_ptr().add(at).cast()) };
            *low = _mm512_madd52lo_epu64(*low, digits, same);
            *high = _mm512_madd52hi_epu64(*high, digits, next);
        }
    }
    let mut sums = [0; 4];
    for (sum, (low, high)) in sums.iter_mut().zip(low.into_iter().zip(high)) {
        *sum = _mm512_reduce_add_epi64(_mm512_add_epi64(low, high)) as u64;
    }
    sums
}

const _: () = assert!(
    TILE * DIGIT_BITS == TILE_WORDS * 64
        && TILE_WORDS.is_multiple_of(LANES)
        && TILE_WORDS.is_multiple_of(BLOCK_WORDS)
);
