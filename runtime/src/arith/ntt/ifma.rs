//! The lanes of a machine with AVX-512 IFMA: products of 52-bit numbers, eight at a time.
#![allow(unsafe_code, reason = "vector instructions behind a proof that the machine has them")]

use std::arch::x86_64::*;

use super::lanes::{Kernel, LANES, Lanes, Row};
use super::prime::{Factor, Field, PRIMES, SHOUP_TWIDDLES, Twiddles};

/// Exists only where the instructions do, which is what every `unsafe` block below rests on.
#[derive(Clone, Copy)]
pub(crate) struct Ifma(());

impl Ifma {
    /// The proof, if the machine has the instructions.
    pub(crate) fn detect() -> Option<Ifma> {
        let found = is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512ifma");
        found.then_some(Ifma(()))
    }
}

/// Adds `a_i x^i b(x) mod x^8 - z`: the lanes of `b` and `z b` next to each other, from lane `8 - i` on.
macro_rules! add_shifted {
    ($low:ident, $high:ident, $a:ident, $b:ident, $zb:ident, $($i:literal)*) => { $(
        let shifted = _mm512_alignr_epi64::<{ 8 - $i }>($b, $zb);
        let factor = _mm512_set1_epi64($a.0[$i] as i64);
        $low = _mm512_madd52lo_epu64($low, factor, shifted);
        $high = _mm512_madd52hi_epu64($high, factor, shifted);
    )* };
}

impl Lanes for Ifma {
    type V = __m512i;
    /// The lower 52 bits and the upper part of each product, summed apart.
    type Sum = (__m512i, __m512i);

    const SUMS_ARE_DIVIDED: bool = true;

    #[inline(always)]
    fn run<K: Kernel>(self, kernel: K) -> K::Output {
        #[target_feature(enable = "avx512f,avx512ifma")]
        fn enabled<K: Kernel>(s: Ifma, kernel: K) -> K::Output {
            kernel.run(s)
        }
        // SAFETY: `self` proves that the machine has the instructions.
        unsafe { enabled(self, kernel) }
    }

    #[inline(always)]
    fn load(self, row: &Row) -> __m512i {
        // SAFETY: the instructions exist (`self`); a row is 64 readable bytes, aligned to 64.
        unsafe { _mm512_load_si512(row.0.as_ptr().cast()) }
    }

    #[inline(always)]
    fn store(self, row: &mut Row, x: __m512i) {
        // SAFETY: the instructions exist (`self`); a row is 64 writable bytes, aligned to 64.
        unsafe { _mm512_store_si512(row.0.as_mut_ptr().cast(), x) }
    }

    #[inline(always)]
    fn load_limbs(self, limbs: &[u64; LANES]) -> __m512i {
        // SAFETY: the instructions exist (`self`); the array is 64 readable bytes.
        unsafe { _mm512_loadu_si512(limbs.as_ptr().cast()) }
    }

    #[inline(always)]
    fn splat(self, x: u64) -> __m512i {
        // SAFETY: the instructions exist (`self`).
        unsafe { _mm512_set1_epi64(x as i64) }
    }

    #[inline(always)]
    fn add(self, x: __m512i, y: __m512i) -> __m512i {
        // SAFETY: the instructions exist (`self`).
        unsafe { _mm512_add_epi64(x, y) }
    }

    #[inline(always)]
    fn sub(self, x: __m512i, y: __m512i) -> __m512i {
        // SAFETY: the instructions exist (`self`).
        unsafe { _mm512_sub_epi64(x, y) }
    }

    #[inline(always)]
    fn and(self, x: __m512i, y: __m512i) -> __m512i {
        // SAFETY: the instructions exist (`self`).
        unsafe { _mm512_and_si512(x, y) }
    }

    #[inline(always)]
    fn or(self, x: __m512i, y: __m512i) -> __m512i {
        // SAFETY: the instructions exist (`self`).
        unsafe { _mm512_or_si512(x, y) }
    }

    #[inline(always)]
    fn shift_left<const BITS: u32>(self, x: __m512i) -> __m512i {
        // SAFETY: the instructions exist (`self`).
        unsafe { _mm512_slli_epi64::<BITS>(x) }
    }

    #[inline(always)]
    fn shift_right<const BITS: u32>(self, x: __m512i) -> __m512i {
        // SAFETY: the instructions exist (`self`).
        unsafe { _mm512_srli_epi64::<BITS>(x) }
    }

    #[inline(always)]
    fn below(self, x: __m512i, m: __m512i) -> __m512i {
        // SAFETY: the instructions exist (`self`).
        unsafe { _mm512_min_epu64(x, _mm512_sub_epi64(x, m)) }
    }

    #[inline(always)]
    fn add_low(self, acc: __m512i, x: __m512i, y: __m512i) -> __m512i {
        // SAFETY: the instructions exist (`self`).
        unsafe { _mm512_madd52lo_epu64(acc, x, y) }
    }

    #[inline(always)]
    fn add_high(self, acc: __m512i, x: __m512i, y: __m512i) -> __m512i {
        // SAFETY: the instructions exist (`self`).
        unsafe { _mm512_madd52hi_epu64(acc, x, y) }
    }

    fn twiddles() -> &'static [Twiddles; PRIMES] {
        &SHOUP_TWIDDLES
    }

    fn factor(w: u64, p: u64) -> Factor {
        Factor::with_shoup_quotient(w, p)
    }

    #[inline(always)]
    fn multiply(self, x: __m512i, w: (__m512i, __m512i), field: &Field<__m512i>) -> __m512i {
        let zero = self.splat(0);
        let quotient = self.add_high(zero, x, w.1);
        // The low 52 bits of -p: the sum is right modulo 2^52.
        let product = self.add_low(zero, x, w.0);
        self.and(self.add_low(product, quotient, field.negative), field.mask_52)
    }

    #[inline(always)]
    fn empty_sum(self) -> Self::Sum {
        (self.splat(0), self.splat(0))
    }

    #[inline(always)]
    fn add_ring_product(
        self,
        sum: Self::Sum,
        a: &Row,
        b: __m512i,
        zb: __m512i,
        _: &Field<__m512i>,
    ) -> Self::Sum {
        let (mut low, mut high) = sum;
        // SAFETY: the instructions exist (`self`).
        unsafe {
            let factor = _mm512_set1_epi64(a.0[0] as i64);
            low = _mm512_madd52lo_epu64(low, factor, b);
            high = _mm512_madd52hi_epu64(high, factor, b);
            add_shifted!(low, high, a, b, zb, 1 2 3 4 5 6 7);
        }
        (low, high)
    }

    /// Montgomery's reduction of `high 2^52 + low`, then `2^50 = complement mod p` on what exceeds 50 bits.
    #[inline(always)]
    fn close_sum(self, (low, high): Self::Sum, field: &Field<__m512i>) -> __m512i {
        let high = self.add(high, self.shift_right::<52>(low));
        let quotient = self.add_low(self.splat(0), low, field.inverse);
        let subtracted = self.add_high(self.splat(0), quotient, field.p);
        let x = self.sub(self.add(high, field.p), subtracted);
        self.add_low(self.and(x, field.mask_50), self.shift_right::<50>(x), field.complement)
    }
}
