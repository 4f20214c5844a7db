//! The lanes of a machine with AVX2 and FMA: products modulo a prime in floating point.
//!
//! The exact product of two doubles is the rounded product and its error, which a fused multiplication gives. With a
//! quotient rounded from a multiplication by the inverse, all that follows is exact (Dekker, "A floating-point
//! technique for extending the available precision", 1971; Van der Hoeven, Lecerf and Quintin, "Modular SIMD
//! arithmetic in Mathemagix", 2016).
#![allow(unsafe_code, reason = "vector instructions behind a proof that the machine has them")]

use std::arch::x86_64::*;

use super::lanes::{Kernel, LANES, Lanes, Row};
use super::prime::{Factor, Field, PRIMES, Twiddles};

/// Exists only where the instructions do, which is what every `unsafe` block below rests on.
#[derive(Clone, Copy)]
pub(crate) struct Avx2(());

impl Avx2 {
    /// The proof, if the machine has the instructions.
    pub(crate) fn detect() -> Option<Avx2> {
        let found = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
        found.then_some(Avx2(()))
    }

    /// The doubles of integers below `2^52`.
    #[inline(always)]
    fn double(self, x: V) -> D {
        let shift = self.two_to_52();
        // SAFETY: the instructions exist (`self`).
        unsafe {
            let bits = _mm256_castpd_si256(shift);
            [
                _mm256_sub_pd(_mm256_castsi256_pd(_mm256_or_si256(x[0], bits)), shift),
                _mm256_sub_pd(_mm256_castsi256_pd(_mm256_or_si256(x[1], bits)), shift),
            ]
        }
    }

    /// `2^52`, whose bits are those of no other number below `2^53` when some of the lower 52 are set.
    #[inline(always)]
    fn two_to_52(self) -> __m256d {
        // SAFETY: the instructions exist (`self`).
        unsafe { _mm256_set1_pd((1_u64 << 52) as f64) }
    }

    /// `h + l - q p` for `h + l` the exact product of `x` and `y`, and `q` the integer next to `z w`. That is in
    /// the open interval from `-p` to `p` if `z w` is less than a half away from `x y / p`.
    #[inline(always)]
    fn remainder(self, x: __m256d, y: __m256d, quotient: Quotient, p: __m256d) -> __m256d {
        let shift = self.two_to_52();
        // SAFETY: the instructions exist (`self`).
        unsafe {
            let high = _mm256_mul_pd(x, y);
            let low = _mm256_fmsub_pd(x, y, high);
            let rounded = match quotient {
                Quotient::OfFirst(factor) => _mm256_fmadd_pd(x, factor, shift),
                Quotient::OfProduct(inverse) => _mm256_fmadd_pd(high, inverse, shift),
            };
            let quotient = _mm256_sub_pd(rounded, shift);
            _mm256_add_pd(_mm256_fnmadd_pd(quotient, p, high), low)
        }
    }

    /// `1 / p`.
    #[inline(always)]
    fn inverse(self, p: __m256d) -> __m256d {
        // SAFETY: the instructions exist (`self`).
        unsafe { _mm256_div_pd(_mm256_set1_pd(1.0), p) }
    }
}

type V = [__m256i; 2];
type D = [__m256d; 2];

/// How a quotient by `p` is estimated.
#[derive(Clone, Copy)]
enum Quotient {
    /// From the first factor, with the second one divided by `p`.
    OfFirst(__m256d),
    /// From the product, with `1 / p`.
    OfProduct(__m256d),
}

static TWIDDLES: [Twiddles; PRIMES] = [const { Twiddles::empty() }; PRIMES];

impl Lanes for Avx2 {
    type V = V;
    /// Doubles that are integers between `-p` and `p`.
    type Sum = D;

    const SUMS_ARE_DIVIDED: bool = false;

    #[inline(always)]
    fn run<K: Kernel>(self, kernel: K) -> K::Output {
        #[target_feature(enable = "avx2,fma")]
        fn enabled<K: Kernel>(s: Avx2, kernel: K) -> K::Output {
            kernel.run(s)
        }
        // SAFETY: `self` proves that the machine has the instructions.
        unsafe { enabled(self, kernel) }
    }

    fn twiddles() -> &'static [Twiddles; PRIMES] {
        &TWIDDLES
    }

    #[inline(always)]
    fn load(self, row: &Row) -> V {
        self.load_limbs(&row.0)
    }

    #[inline(always)]
    fn store(self, row: &mut Row, x: V) {
        let [low, high] = x;
        let to: *mut __m256i = row.0.as_mut_ptr().cast();
        // SAFETY: the instructions exist (`self`); a row is two times 32 writable bytes, aligned to 64.
        unsafe {
            _mm256_store_si256(to, low);
            _mm256_store_si256(to.add(1), high);
        }
    }

    #[inline(always)]
    fn load_limbs(self, limbs: &[u64; LANES]) -> V {
        let from: *const __m256i = limbs.as_ptr().cast();
        // SAFETY: the instructions exist (`self`); the array is two times 32 readable bytes.
        unsafe { [_mm256_loadu_si256(from), _mm256_loadu_si256(from.add(1))] }
    }

    #[inline(always)]
    fn splat(self, x: u64) -> V {
        // SAFETY: the instructions exist (`self`).
        unsafe { [_mm256_set1_epi64x(x as i64); 2] }
    }

    #[inline(always)]
    fn add(self, x: V, y: V) -> V {
        // SAFETY: the instructions exist (`self`).
        unsafe { [_mm256_add_epi64(x[0], y[0]), _mm256_add_epi64(x[1], y[1])] }
    }

    #[inline(always)]
    fn sub(self, x: V, y: V) -> V {
        // SAFETY: the instructions exist (`self`).
        unsafe { [_mm256_sub_epi64(x[0], y[0]), _mm256_sub_epi64(x[1], y[1])] }
    }

    #[inline(always)]
    fn and(self, x: V, y: V) -> V {
        // SAFETY: the instructions exist (`self`).
        unsafe { [_mm256_and_si256(x[0], y[0]), _mm256_and_si256(x[1], y[1])] }
    }

    #[inline(always)]
    fn or(self, x: V, y: V) -> V {
        // SAFETY: the instructions exist (`self`).
        unsafe { [_mm256_or_si256(x[0], y[0]), _mm256_or_si256(x[1], y[1])] }
    }

    #[inline(always)]
    fn shift_left<const BITS: u32>(self, x: V) -> V {
        // SAFETY: the instructions exist (`self`).
        unsafe {
            let count = _mm_cvtsi32_si128(BITS as i32);
            [_mm256_sll_epi64(x[0], count), _mm256_sll_epi64(x[1], count)]
        }
    }

    #[inline(always)]
    fn shift_right<const BITS: u32>(self, x: V) -> V {
        // SAFETY: the instructions exist (`self`).
        unsafe {
            let count = _mm_cvtsi32_si128(BITS as i32);
            [_mm256_srl_epi64(x[0], count), _mm256_srl_epi64(x[1], count)]
        }
    }

    /// Keeps `x` where `x - m` is negative.
    #[inline(always)]
    fn below(self, x: V, m: V) -> V {
        let less = self.sub(x, m);
        // SAFETY: the instructions exist (`self`).
        unsafe {
            let x = [_mm256_castsi256_pd(x[0]), _mm256_castsi256_pd(x[1])];
            let less = [_mm256_castsi256_pd(less[0]), _mm256_castsi256_pd(less[1])];
            [
                _mm256_castpd_si256(_mm256_blendv_pd(less[0], x[0], less[0])),
                _mm256_castpd_si256(_mm256_blendv_pd(less[1], x[1], less[1])),
            ]
        }
    }

    #[inline(always)]
    fn add_low(self, acc: V, x: V, y: V) -> V {
        let [low, middle, _] = self.products_of_halves(x, y);
        let product = self.add(low, self.shift_left::<26>(middle));
        self.add(acc, self.and(product, self.splat((1 << 52) - 1)))
    }

    #[inline(always)]
    fn add_high(self, acc: V, x: V, y: V) -> V {
        let [low, middle, high] = self.products_of_halves(x, y);
        let middle = self.add(middle, self.shift_right::<26>(low));
        self.add(acc, self.add(high, self.shift_right::<26>(middle)))
    }

    fn factor(w: u64, p: u64) -> Factor {
        debug_assert!(w < p);
        Factor { w: (w as f64).to_bits(), quotient: (w as f64 / p as f64).to_bits() }
    }

    /// The quotient is right up to `1`: the rounding of `w / p` contributes less than a half for `x < 2^52`, the
    /// rounding to an integer at most a half.
    #[inline(always)]
    fn multiply(self, x: V, w: (V, V), field: &Field<V>) -> V {
        let [x, p] = [self.double(x), self.double(field.p)];
        let shift = self.two_to_52();
        // SAFETY: the instructions exist (`self`).
        unsafe {
            let factors = [_mm256_castsi256_pd(w.0[0]), _mm256_castsi256_pd(w.0[1])];
            let quotients = [_mm256_castsi256_pd(w.1[0]), _mm256_castsi256_pd(w.1[1])];
            let r = [
                self.remainder(x[0], factors[0], Quotient::OfFirst(quotients[0]), p[0]),
                self.remainder(x[1], factors[1], Quotient::OfFirst(quotients[1]), p[1]),
            ];
            // From -p..p to p..2p above 2^52, where the lower bits are the integer.
            let up = _mm256_add_pd(shift, p[0]);
            let bits = _mm256_castpd_si256(shift);
            [
                _mm256_xor_si256(_mm256_castpd_si256(_mm256_add_pd(r[0], up)), bits),
                _mm256_xor_si256(_mm256_castpd_si256(_mm256_add_pd(r[1], up)), bits),
            ]
        }
    }

    #[inline(always)]
    fn empty_sum(self) -> D {
        // SAFETY: the instructions exist (`self`).
        unsafe { [_mm256_setzero_pd(); 2] }
    }

    /// Each product is reduced to a remainder between `-p` and `p`, so that eight of them and the sum are below
    /// `2^53`, and that is reduced again.
    #[inline(always)]
    fn add_ring_product(self, sum: D, a: &Row, b: V, zb: V, field: &Field<V>) -> D {
        let p = self.double(field.p)[0];
        let inverse = self.inverse(p);
        let [a, b, zb] = [self.double(self.load(a)), self.double(b), self.double(zb)];
        let mut factors = [0.0_f64; LANES];
        let mut both = [0.0_f64; 2 * LANES];
        let [mut low, mut high] = sum;
        // SAFETY: the instructions exist (`self`); every access is to four doubles within its array: the loads start
        // at `1` at least and at `LANES + 4` at most.
        unsafe {
            _mm256_storeu_pd(factors.as_mut_ptr(), a[0]);
            _mm256_storeu_pd(factors.as_mut_ptr().add(4), a[1]);
            _mm256_storeu_pd(both.as_mut_ptr(), zb[0]);
            _mm256_storeu_pd(both.as_mut_ptr().add(4), zb[1]);
            _mm256_storeu_pd(both.as_mut_ptr().add(8), b[0]);
            _mm256_storeu_pd(both.as_mut_ptr().add(12), b[1]);
            for (i, a) in factors.iter().enumerate() {
                let a = _mm256_set1_pd(*a);
                let quotient = Quotient::OfProduct(inverse);
                let from = both.as_ptr().add(LANES - i);
                low = _mm256_add_pd(low, self.remainder(a, _mm256_loadu_pd(from), quotient, p));
                high = _mm256_add_pd(high, self.remainder(a, _mm256_loadu_pd(from.add(4)), quotient, p));
            }
            const NEAREST: i32 = _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC;
            let low_quotient = _mm256_round_pd::<NEAREST>(_mm256_mul_pd(low, inverse));
            let high_quotient = _mm256_round_pd::<NEAREST>(_mm256_mul_pd(high, inverse));
            [_mm256_fnmadd_pd(low_quotient, p, low), _mm256_fnmadd_pd(high_quotient, p, high)]
        }
    }

    #[inline(always)]
    fn close_sum(self, [low, high]: D, field: &Field<V>) -> V {
        let shift = self.two_to_52();
        let p = self.double(field.p)[0];
        // SAFETY: the instructions exist (`self`).
        unsafe {
            let up = _mm256_add_pd(shift, p);
            let bits = _mm256_castpd_si256(shift);
            [
                _mm256_xor_si256(_mm256_castpd_si256(_mm256_add_pd(low, up)), bits),
                _mm256_xor_si256(_mm256_castpd_si256(_mm256_add_pd(high, up)), bits),
            ]
        }
    }
}

impl Avx2 {
    /// Of `x y` for factors below `2^52`: the product of the lower 26 bits, the sum of the mixed products, and the
    /// product of the upper bits.
    #[inline(always)]
    fn products_of_halves(self, x: V, y: V) -> [V; 3] {
        let mask = self.splat((1 << 26) - 1);
        let [x0, y0] = [self.and(x, mask), self.and(y, mask)];
        let [x1, y1] = [self.shift_right::<26>(x), self.shift_right::<26>(y)];
        let middle = self.add(self.mul_32(x0, y1), self.mul_32(x1, y0));
        [self.mul_32(x0, y0), middle, self.mul_32(x1, y1)]
    }

    /// The product of the lower 32 bits.
    #[inline(always)]
    fn mul_32(self, x: V, y: V) -> V {
        // SAFETY: the instructions exist (`self`).
        unsafe { [_mm256_mul_epu32(x[0], y[0]), _mm256_mul_epu32(x[1], y[1])] }
    }
}
