//! The scheme's kernels for processors with AVX-512 (F, DQ, BW, IFMA, VBMI) and VAES: the only unsafe code of the scheme.
//!
//! [`Avx512`] is a proof that the processor has these instructions: only [`Avx512::detect`] makes one. Each kernel
//! gives the same bits as the portable code of its name in `expansion` or `digits`, which the tests compare it with.

#![allow(unsafe_code, reason = "vector instructions that the compiler does not choose by itself")]

use std::arch::x86_64::*;

use super::digits::{DIGIT_BITS, TILE, TILE_BUFFER, TILE_WORDS, Tile, WINDOW_MARGIN};
use super::expansion::{CONSTANTS, CONTEXT, Registers, State, UPDATES_TO_START, four, words_of};

/// The instructions are there.
#[derive(Clone, Copy, Debug)]
pub(super) struct Avx512(());

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

    /// The registers of a key and a nonce; see `expansion::start`.
    pub(super) fn start(self, key: &[u8; 16], nonce: [u64; 2]) -> Registers {
        // SAFETY: `self` proves that the processor has the instructions.
        unsafe { start(key, nonce) }
    }

    /// The next tile of a stream.
    pub(super) fn next_tile(self, state: &mut State, is_odd: bool, words: &mut [u64; TILE_WORDS]) {
        // SAFETY: `self` proves that the processor has the instructions.
        unsafe { next_tile(state, is_odd, words) }
    }

    /// The next tiles of streams as digits. States come with whether the tile is an odd one.
    pub(super) fn next_digits<'t>(
        self,
        tiles: impl Iterator<Item = (&'t mut State, bool, &'t mut [u64; TILE])>,
    ) {
        self.for_each_next(tiles, |words, digits| self.unpack(words, digits));
    }

    /// Adds the next tiles of streams to the sums of these numbers.
    pub(super) fn add_next<'t>(
        self,
        tiles: impl Iterator<Item = (&'t mut State, bool, usize)>,
        sums: &mut [Tile],
    ) {
        // SAFETY: `self` proves that the processor has the instructions.
        self.for_each_next(tiles, |words, sum| unsafe { add_unpacked(words, &mut sums[sum]) });
    }

    /// Subtracts the digits cut from words.
    pub(super) fn subtract(self, words: &[u64; TILE_BUFFER], digits: &mut Tile) {
        // SAFETY: `self` proves that the processor has the instructions.
        unsafe { subtract_unpacked(words, digits) }
    }

    /// Uses the next tile of each stream. Making one does not wait for the words of the tile before, which are used
    /// meanwhile.
    #[inline]
    fn for_each_next<'t, T>(
        self,
        tiles: impl Iterator<Item = (&'t mut State, bool, T)>,
        mut use_words: impl FnMut(&[u64; TILE_BUFFER], T),
    ) {
        let mut words = [[0_u64; TILE_BUFFER]; 2];
        let mut last: Option<(usize, T)> = None;
        for (at, (state, is_odd, for_what)) in tiles.enumerate() {
            let now = words[at % 2].first_chunk_mut().expect("a buffer has room for a tile");
            self.next_tile(state, is_odd, now);
            if let Some((at, for_what)) = last.replace((at, for_what)) {
                use_words(&words[at % 2], for_what);
            }
        }
        if let Some((at, for_what)) = last {
            use_words(&words[at % 2], for_what);
        }
    }

    /// The windows of two hints with one ciphertext, the hints being the next tiles of streams, the first an even one;
    /// see `Kernels::windows`.
    pub(super) fn next_windows(self, states: [&mut State; 2], reversed: &[u64]) -> [u64; 2] {
        // SAFETY: `self` proves that the processor has the instructions.
        unsafe { next_windows(states, reversed) }
    }

    /// Asks for words that will be read soon.
    pub(super) fn prefetch(self, words: &[u64]) {
        for line in words.chunks(LANES) {
            // SAFETY: prefetching reads nothing.
            unsafe { _mm_prefetch::<_MM_HINT_T0>(line.as_ptr().cast()) };
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

#[inline]
#[target_feature(enable = "avx512f")]
fn load(words: &[u64; LANES]) -> __m512i {
    // SAFETY: an unaligned load of eight words.
    unsafe { _mm512_loadu_si512(words.as_ptr().cast()) }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn store(words: &mut [u64; LANES], vector: __m512i) {
    // SAFETY: an unaligned store of eight words.
    unsafe { _mm512_storeu_si512(words.as_mut_ptr().cast(), vector) };
}

#[target_feature(enable = "avx512f,vaes")]
fn start(key: &[u8; 16], nonce: [u64; 2]) -> Registers {
    let (key, nonce) = (load(&four(words_of(key))), load(&four(nonce)));
    let [c0, c1] = CONSTANTS.map(|constant| load(&four(words_of(&constant))));
    let context = load(&CONTEXT);
    let both = _mm512_xor_si512(key, nonce);
    let [key_c0, key_c1] = [_mm512_xor_si512(key, c0), _mm512_xor_si512(key, c1)];
    let mut registers = [both, c1, c0, c1, both, key_c0, key_c1, key_c0];
    for _ in 0..UPDATES_TO_START {
        registers[3] = _mm512_xor_si512(registers[3], context);
        registers[7] = _mm512_xor_si512(registers[7], context);
        update(&mut registers);
        registers[0] = _mm512_xor_si512(registers[0], nonce);
        registers[4] = _mm512_xor_si512(registers[4], key);
    }
    let mut words = [[0; LANES]; 8];
    words.iter_mut().zip(registers).for_each(|(words, register)| store(words, register));
    words
}

#[inline]
#[target_feature(enable = "avx512f,vaes")]
fn update(registers: &mut [__m512i; 8]) {
    let last = registers[7];
    for at in (1..8).rev() {
        registers[at] = _mm512_aesenc_epi128(registers[at - 1], registers[at]);
    }
    registers[0] = _mm512_aesenc_epi128(last, registers[0]);
}

/// The two halves of the output before an update.
#[inline]
#[target_feature(enable = "avx512f")]
fn output([_, s1, s2, s3, _, s5, s6, s7]: &[__m512i; 8]) -> [__m512i; 2] {
    /// The truth table of `a ^ (b & c)`.
    const PLUS_PRODUCT: i32 = 0x78;
    [
        _mm512_ternarylogic_epi64::<PLUS_PRODUCT>(_mm512_xor_si512(*s6, *s1), *s2, *s3),
        _mm512_ternarylogic_epi64::<PLUS_PRODUCT>(_mm512_xor_si512(*s2, *s5), *s6, *s7),
    ]
}

/// Six outputs and a half: an even tile begins with an output, an odd one with the other half of the last.
#[inline]
#[target_feature(enable = "avx512f,vaes")]
fn next_tile(state: &mut State, is_odd: bool, words: &mut [u64; TILE_WORDS]) {
    const VECTORS: usize = TILE_WORDS / LANES;
    const { assert!(VECTORS % 2 == 1) };
    let mut registers = [_mm512_setzero_si512(); 8];
    registers.iter_mut().zip(&state.registers).for_each(|(register, words)| *register = load(words));
    let vectors = words.as_chunks_mut::<LANES>().0;
    let start = usize::from(is_odd);
    if is_odd {
        store(&mut vectors[0], load(&state.half));
    }
    for pair in vectors[start..][..VECTORS - 1].as_chunks_mut::<2>().0 {
        let [first, second] = output(&registers);
        update(&mut registers);
        store(&mut pair[0], first);
        store(&mut pair[1], second);
    }
    if !is_odd {
        let [first, second] = output(&registers);
        update(&mut registers);
        store(&mut vectors[VECTORS - 1], first);
        store(&mut state.half, second);
    }
    state.registers.iter_mut().zip(registers).for_each(|(words, register)| store(words, register));
}

/// Where the bytes of eight digits are: they begin every 52 bytes, at most 4 bits into a byte.
const PLACES: [u8; 64] = {
    let mut places = [0; 64];
    let mut at = 0;
    while at < 64 {
        places[at] = (at / 8 * 13 / 2 + at % 8) as u8;
        at += 1;
    }
    places
};

/// Eight digits of a tile, each with bits of the next one above: a byte permutation and a shift bring them into place.
#[inline]
#[target_feature(enable = "avx512f,avx512vbmi")]
fn placed(words: &[u64; TILE_BUFFER], group: usize) -> __m512i {
    const { assert!(TILE_BUFFER * 8 >= (TILE / LANES - 1) * 52 + 64) };
    debug_assert!(group < TILE / LANES);
    let group = group % (TILE / LANES);
    // SAFETY: an unaligned load of 64 bytes.
    let places = unsafe { _mm512_loadu_si512(PLACES.as_ptr().cast()) };
    // SAFETY: bytes `52 group` to `52 group + 64` lie in `words`, by the assertion above.
    let bytes = unsafe { _mm512_loadu_si512(words.as_ptr().cast::<u8>().add(52 * group).cast()) };
    let shifts = _mm512_setr_epi64(0, 4, 0, 4, 0, 4, 0, 4);
    _mm512_srlv_epi64(_mm512_permutexvar_epi8(places, bytes), shifts)
}

#[target_feature(enable = "avx512f,avx512vbmi")]
fn unpack(words: &[u64; TILE_BUFFER], digits: &mut [u64; TILE]) {
    let mask = _mm512_set1_epi64((1 << DIGIT_BITS) - 1);
    for (group, out) in digits.as_chunks_mut().0.iter_mut().enumerate() {
        store(out, _mm512_and_si512(placed(words, group), mask));
    }
}

/// Adds the digits of a tile, cut from `words`, to `sum`.
#[target_feature(enable = "avx512f,avx512vbmi")]
fn add_unpacked(words: &[u64; TILE_BUFFER], sum: &mut Tile) {
    let mask = _mm512_set1_epi64((1 << DIGIT_BITS) - 1);
    for (group, out) in sum.0.as_chunks_mut().0.iter_mut().enumerate() {
        let digits = _mm512_and_si512(placed(words, group), mask);
        store(out, _mm512_add_epi64(load(out), digits));
    }
}

/// Subtracts the digits of a tile, cut from `words`, from `digits`.
#[target_feature(enable = "avx512f,avx512vbmi")]
fn subtract_unpacked(words: &[u64; TILE_BUFFER], digits: &mut Tile) {
    let mask = _mm512_set1_epi64((1 << DIGIT_BITS) - 1);
    for (group, out) in digits.0.as_chunks_mut().0.iter_mut().enumerate() {
        let minus = _mm512_and_si512(placed(words, group), mask);
        store(out, _mm512_sub_epi64(load(out), minus));
    }
}

/// What [`windows`] does, for two hints, tile by tile as their streams give them. Making a tile does not wait for the
/// products of the one before.
#[target_feature(enable = "avx512f,avx512vbmi,avx512ifma,vaes")]
fn next_windows(states: [&mut State; 2], reversed: &[u64]) -> [u64; 2] {
    let [a, b] = states;
    let mut words = [[[0_u64; TILE_BUFFER]; 2]; 2];
    let mut sums = [[_mm512_setzero_si512(); 2]; 2];
    let tiles = reversed.len() / TILE;
    for tile in 0..=tiles {
        if tile < tiles {
            for (state, words) in [&mut *a, &mut *b].into_iter().zip(&mut words[tile % 2]) {
                let words = words.first_chunk_mut().expect("a buffer has room for a tile");
                next_tile(state, tile % 2 == 1, words);
            }
        }
        if let Some(last) = tile.checked_sub(1) {
            let reversed = reversed[last * TILE..].first_chunk().expect("tiles and a margin");
            multiply(&words[last % 2], reversed, &mut sums);
        }
    }
    sums.map(|[low, high]| _mm512_reduce_add_epi64(_mm512_add_epi64(low, high)) as u64)
}

/// Adds the products of two tiles with one. Multiplying takes the low 52 bits of its operands.
#[inline]
#[target_feature(enable = "avx512f,avx512vbmi,avx512ifma")]
fn multiply(
    words: &[[u64; TILE_BUFFER]; 2],
    reversed: &[u64; TILE + WINDOW_MARGIN],
    sums: &mut [[__m512i; 2]; 2],
) {
    const { assert!(WINDOW_MARGIN > 0) };
    for group in 0..TILE / LANES {
        // SAFETY: `8 group + 9 <= TILE + WINDOW_MARGIN`.
        let (same, next) = unsafe {
            (
                _mm512_loadu_si512(reversed.as_ptr().add(group * LANES).cast()),
                _mm512_loadu_si512(reversed.as_ptr().add(group * LANES + 1).cast()),
            )
        };
        for (words, [low, high]) in words.iter().zip(&mut *sums) {
            let digits = placed(words, group);
            *low = _mm512_madd52lo_epu64(*low, digits, same);
            *high = _mm512_madd52hi_epu64(*high, digits, next);
        }
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

const _: () = assert!(TILE * DIGIT_BITS == TILE_WORDS * 64 && TILE_WORDS.is_multiple_of(LANES));
