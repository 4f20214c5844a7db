//! The lanes of a machine without vectors, in plain integer arithmetic.

use std::array::from_fn;

use super::lanes::{Kernel, LANES, Lanes, Row};
use super::prime::{Factor, Field, MASK_50, MASK_52, PRIMES, SHOUP_TWIDDLES, Twiddles};

/// Works everywhere.
#[derive(Clone, Copy)]
pub(crate) struct Portable;

type V = [u64; LANES];

#[inline(always)]
fn wide(x: u64, y: u64) -> u128 {
    u128::from(x) * u128::from(y)
}

impl Lanes for Portable {
    type V = V;
    type Sum = [u128; LANES];

    const SUMS_ARE_DIVIDED: bool = true;

    #[inline(always)]
    fn run<K: Kernel>(self, kernel: K) -> K::Output {
        kernel.run(self)
    }

    #[inline(always)]
    fn load(self, row: &Row) -> V {
        row.0
    }

    #[inline(always)]
    fn store(self, row: &mut Row, x: V) {
        row.0 = x;
    }

    #[inline(always)]
    fn load_limbs(self, limbs: &[u64; LANES]) -> V {
        *limbs
    }

    #[inline(always)]
    fn splat(self, x: u64) -> V {
        [x; LANES]
    }

    #[inline(always)]
    fn add(self, x: V, y: V) -> V {
        from_fn(|i| x[i].wrapping_add(y[i]))
    }

    #[inline(always)]
    fn sub(self, x: V, y: V) -> V {
        from_fn(|i| x[i].wrapping_sub(y[i]))
    }

    #[inline(always)]
    fn and(self, x: V, y: V) -> V {
        from_fn(|i| x[i] & y[i])
    }

    #[inline(always)]
    fn or(self, x: V, y: V) -> V {
        from_fn(|i| x[i] | y[i])
    }

    #[inline(always)]
    fn shift_left<const BITS: u32>(self, x: V) -> V {
        x.map(|x| x << BITS)
    }

    #[inline(always)]
    fn shift_right<const BITS: u32>(self, x: V) -> V {
        x.map(|x| x >> BITS)
    }

    #[inline(always)]
    fn below(self, x: V, m: V) -> V {
        from_fn(|i| x[i].min(x[i].wrapping_sub(m[i])))
    }

    #[inline(always)]
    fn add_low(self, acc: V, x: V, y: V) -> V {
        from_fn(|i| acc[i].wrapping_add(x[i].wrapping_mul(y[i]) & MASK_52))
    }

    #[inline(always)]
    fn add_high(self, acc: V, x: V, y: V) -> V {
        from_fn(|i| acc[i].wrapping_add((wide(x[i], y[i]) >> 52) as u64))
    }

    fn twiddles() -> &'static [Twiddles; PRIMES] {
        &SHOUP_TWIDDLES
    }

    fn factor(w: u64, p: u64) -> Factor {
        Factor::with_shoup_quotient(w, p)
    }

    #[inline(always)]
    fn multiply(self, x: V, w: (V, V), field: &Field<V>) -> V {
        from_fn(|i| {
            let quotient = (wide(x[i], w.1[i] << 12) >> 64) as u64;
            x[i].wrapping_mul(w.0[i]).wrapping_sub(quotient.wrapping_mul(field.p[i]))
        })
    }

    #[inline(always)]
    fn empty_sum(self) -> Self::Sum {
        [0; LANES]
    }

    #[inline(always)]
    fn add_ring_product(self, mut sum: Self::Sum, a: &Row, b: V, zb: V, _: &Field<V>) -> Self::Sum {
        for (i, sum) in sum.iter_mut().enumerate() {
            for (j, a) in a.0.iter().enumerate() {
                let other = if j <= i { b[i - j] } else { zb[i + LANES - j] };
                *sum += wide(*a, other);
            }
        }
        sum
    }

    #[inline(always)]
    fn close_sum(self, sum: Self::Sum, field: &Field<V>) -> V {
        from_fn(|i| {
            let quotient = (sum[i] as u64).wrapping_mul(field.inverse[i]) & MASK_52;
            let subtracted = (wide(quotient, field.p[i]) >> 52) as u64;
            let x = (sum[i] >> 52) as u64 + field.p[i] - subtracted;
            (x & MASK_50) + (x >> 50) * field.complement[i]
        })
    }
}
