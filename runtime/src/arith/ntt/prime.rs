//! The three primes, and the powers of roots of unity modulo each.

use std::sync::OnceLock;

use super::lanes::Lanes;

/// `2^50 - 1`.
pub(crate) const MASK_50: u64 = (1 << 50) - 1;
/// `2^52 - 1`.
pub(crate) const MASK_52: u64 = (1 << 52) - 1;

/// A transform has at most `2^MAX_LEVELS` rows.
pub(crate) const MAX_LEVELS: usize = 20;

/// Number of primes.
pub(crate) const PRIMES: usize = 3;

/// A prime `2^50 - complement` with `2^(MAX_LEVELS + 1)` dividing `p - 1`. That `4p < 2^52` lets the kernels keep
/// representatives up to `4p` (Harvey, "Faster arithmetic for number-theoretic transforms", 2014).
#[derive(Clone, Copy)]
pub(crate) struct Prime {
    /// The prime.
    pub(crate) p: u64,
    /// A root of unity of order exactly `2^(MAX_LEVELS + 1)`.
    root: u64,
}

/// The primes. Their product is above `2^150 - 2^128`.
pub(crate) const PRIME: [Prime; PRIMES] = [
    Prime { p: 1_125_899_846_025_217, root: 901_504_345_195_621 },
    Prime { p: 1_125_899_831_345_153, root: 721_794_821_461_599 },
    Prime { p: 1_125_899_818_762_241, root: 912_129_434_673_034 },
];

/// `PRIME_INVERSE[i][j]` is the inverse of the prime `j` modulo the prime `i`, for `j < i`.
pub(crate) const PRIME_INVERSE: [[u64; 2]; PRIMES] =
    [[0, 0], [PRIME[1].inverse(PRIME[0].p), 0], [PRIME[2].inverse(PRIME[0].p), PRIME[2].inverse(PRIME[1].p)]];

/// How many products of two limbs a coefficient may sum: all of them together stay below the product of the primes.
pub(crate) const CAPACITY: u64 = {
    let (a, b, c) = (PRIME[0].p as u128, PRIME[1].p as u128, PRIME[2].p as u128);
    ((((a * b) >> 78) * c) >> 50) as u64
};

impl Prime {
    /// `x y mod p`.
    pub(crate) const fn mul(self, x: u64, y: u64) -> u64 {
        (x as u128 * y as u128 % self.p as u128) as u64
    }

    /// `x^exponent mod p`.
    const fn pow(self, x: u64, exponent: u64) -> u64 {
        let mut power = 1;
        let mut bit = u64::BITS - exponent.leading_zeros();
        while bit > 0 {
            bit -= 1;
            power = self.mul(power, power);
            if exponent >> bit & 1 == 1 {
                power = self.mul(power, x);
            }
        }
        power
    }

    /// `x^-1 mod p`.
    pub(crate) const fn inverse(self, x: u64) -> u64 {
        self.pow(x % self.p, self.p - 2)
    }

    /// `2^-exponent mod p`, for an exponent of at most `MAX_LEVELS`: that power of two divides `p - 1`.
    pub(crate) fn inverse_power_of_two(self, exponent: u32) -> u64 {
        debug_assert!(exponent as usize <= MAX_LEVELS);
        self.p - ((self.p - 1) >> exponent)
    }

    /// `2^52 mod p`.
    pub(crate) fn two_to_52(self) -> u64 {
        4 * ((1 << 50) - self.p)
    }

    /// A root of unity of order `2^order`.
    fn root_of_order(self, order: usize) -> u64 {
        (order..MAX_LEVELS + 1).fold(self.root, |root, _| self.mul(root, root))
    }

    /// `p^-1 mod 2^52`, by Newton's iteration; an odd number is its own inverse modulo 8.
    fn inverse_mod_2_52(self) -> u64 {
        let step = |x: u64| x.wrapping_mul(2_u64.wrapping_sub(self.p.wrapping_mul(x)));
        step(step(step(step(self.p)))) & MASK_52
    }

    /// The constants of the prime, in every lane.
    #[inline(always)]
    pub(crate) fn field<S: Lanes>(self, s: S) -> Field<S::V> {
        Field {
            p: s.splat(self.p),
            p2: s.splat(2 * self.p),
            negative: s.splat((1 << 52) - self.p),
            complement: s.splat((1 << 50) - self.p),
            inverse: s.splat(self.inverse_mod_2_52()),
            mask_50: s.splat(MASK_50),
            mask_52: s.splat(MASK_52),
        }
    }
}

/// What the kernels need of a prime, in every lane.
#[derive(Clone, Copy)]
pub(crate) struct Field<V> {
    /// `p`.
    pub(crate) p: V,
    /// `2p`.
    pub(crate) p2: V,
    /// `2^52 - p`.
    pub(crate) negative: V,
    /// `2^50 - p`.
    pub(crate) complement: V,
    /// `p^-1 mod 2^52`.
    pub(crate) inverse: V,
    /// `2^50 - 1`.
    pub(crate) mask_50: V,
    /// `2^52 - 1`.
    pub(crate) mask_52: V,
}

/// A constant to multiply by, with what makes that fast on some machine.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Factor {
    /// The constant, below `p`.
    pub(crate) w: u64,
    /// Its precomputed quotient by `p`.
    pub(crate) quotient: u64,
}

impl Factor {
    /// Shoup's quotient `floor(w 2^52 / p)`.
    pub(crate) fn with_shoup_quotient(w: u64, p: u64) -> Factor {
        debug_assert!(w < p);
        Factor { w, quotient: ((u128::from(w) << 52) / u128::from(p)) as u64 }
    }
}

/// The factors of the transforms with Shoup's quotients, modulo each prime.
pub(crate) static SHOUP_TWIDDLES: [Twiddles; PRIMES] = [const { Twiddles::empty() }; PRIMES];

/// The factors of the transforms modulo one prime, level by level, made when first needed.
///
/// `y^m + 1` splits into `(y^(m/2) - z)(y^(m/2) + z)` with `z^2 = -1`, and so on down; the block `b` of level `l`
/// (counted from the left) has `z(l, b) = r^(2^-l) prod of the roots of order 2^(j+2) over the bits j of b`, where
/// `r` is the root of order 4. These do not depend on `m`, and `z(l, b) z(l, 2^l - 1 - b) = -1`, so one table
/// serves all lengths and both directions.
pub(crate) struct Twiddles {
    levels: [OnceLock<Box<[Factor]>>; MAX_LEVELS],
}

impl Twiddles {
    pub(crate) const fn empty() -> Twiddles {
        Twiddles { levels: [const { OnceLock::new() }; MAX_LEVELS] }
    }

    /// The factors `z(level, 0..2^level)`.
    pub(crate) fn level<S: Lanes>(&self, prime: Prime, level: usize) -> &[Factor] {
        self.levels[level].get_or_init(|| {
            let mut powers = Vec::with_capacity(1 << level);
            powers.push(prime.root_of_order(level + 2));
            for bit in 0..level {
                let root = prime.root_of_order(bit + 2);
                for i in 0..1 << bit {
                    powers.push(prime.mul(powers[i], root));
                }
            }
            powers.into_iter().map(|z| S::factor(z, prime.p)).collect()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::portable::Portable;
    use super::*;

    #[test]
    fn the_roots_have_their_order_and_the_capacity_is_exact() {
        for prime in PRIME {
            assert_eq!(prime.p % (1 << (MAX_LEVELS + 1)), 1);
            assert!(prime.p < 1 << 50 && prime.p > (1 << 50) - (1 << 27));
            assert_eq!(prime.pow(prime.root, 1 << MAX_LEVELS), prime.p - 1);
            assert_eq!(prime.mul(prime.inverse(12_345), 12_345), 1);
            assert_eq!(prime.mul(prime.inverse_power_of_two(20), 1 << 20), 1);
            assert_eq!(prime.two_to_52(), prime.pow(2, 52));
            assert_eq!(prime.p.wrapping_mul(prime.inverse_mod_2_52()) & MASK_52, 1);
        }
        let product: num_bigint::BigUint =
            PRIME.iter().map(|prime| num_bigint::BigUint::from(prime.p)).product();
        let square = num_bigint::BigUint::from(u64::MAX).pow(2);
        assert!(square * CAPACITY < product);
        assert_eq!(CAPACITY.ilog2(), 21);
    }

    #[test]
    fn the_factors_are_square_roots_of_the_level_above() {
        let twiddles = Twiddles::empty();
        let prime = PRIME[1];
        let level = |l: usize| twiddles.level::<Portable>(prime, l);
        assert_eq!(prime.mul(level(0)[0].w, level(0)[0].w), prime.p - 1);
        for l in 1..7 {
            for (b, parent) in level(l - 1).iter().enumerate() {
                let (left, right) = (level(l)[2 * b].w, level(l)[2 * b + 1].w);
                assert_eq!(prime.mul(left, left), parent.w);
                assert_eq!(prime.mul(right, right), prime.p - parent.w);
            }
            for (b, z) in level(l).iter().enumerate() {
                assert_eq!(prime.mul(z.w, level(l)[(1 << l) - 1 - b].w), prime.p - 1);
            }
        }
    }
}
