//! Prime numbers: random ones, and cofactors without small prime factors.

use num_bigint::BigUint;
use num_traits::{One, ToPrimitive, Zero};
use rand_core::Rng;
use rayon::prelude::*;

use super::random::{random_below, random_bits};

/// A random number passes as prime with an error below 2 to minus this.
const ERROR_BITS: f64 = 80.0;

/// Trial division before the first Miller-Rabin round goes up to here.
const TRIAL_BOUND: usize = 1 << 14;

/// All primes below `bound`, by the sieve of Eratosthenes.
pub fn primes_below(bound: usize) -> Vec<u64> {
    let mut composite = vec![false; bound.max(2)];
    let mut primes = Vec::new();
    for candidate in 2..bound {
        if composite[candidate] {
            continue;
        }
        primes.push(candidate as u64);
        for multiple in (candidate * candidate..bound).step_by(candidate) {
            composite[multiple] = true;
        }
    }
    primes
}

/// Draws primes: trial division by packed small primes, then Miller-Rabin.
#[derive(Clone, Debug)]
pub struct PrimeSource {
    packs: Vec<Pack>,
}

/// Small primes and their product, which fits in a word.
#[derive(Clone, Debug)]
struct Pack {
    product: u64,
    primes: Vec<u64>,
}

impl Default for PrimeSource {
    fn default() -> PrimeSource {
        PrimeSource { packs: pack(&primes_below(TRIAL_BOUND)) }
    }
}

impl PrimeSource {
    /// A prime, uniform among those of exactly `bits` bits.
    ///
    /// # Panics
    /// For fewer than 32 bits.
    pub fn prime_of_bits(&self, rng: &mut impl Rng, bits: u32) -> BigUint {
        assert!(bits >= 32, "trial division would refuse small primes");
        let top = BigUint::one() << (bits - 1);
        self.first_prime(rng, bits, |rng| random_bits(rng, bits as usize - 1) + &top)
    }

    /// A prime, uniform among those in `[low, high)`.
    pub fn prime_between(&self, rng: &mut impl Rng, low: &BigUint, high: &BigUint) -> BigUint {
        let width = high - low;
        self.first_prime(rng, low.bits() as u32, |rng| low + random_below(rng, &width))
    }

    fn first_prime<R: Rng>(&self, rng: &mut R, bits: u32, draw: impl Fn(&mut R) -> BigUint) -> BigUint {
        let rounds = rounds_for(bits);
        loop {
            let candidate = draw(rng) | BigUint::one();
            if !self.has_small_factor(&candidate) && miller_rabin(rng, &candidate, rounds) {
                return candidate;
            }
        }
    }

    fn has_small_factor(&self, candidate: &BigUint) -> bool {
        self.packs.iter().any(|pack| {
            let remainder = word_remainder(candidate, pack.product);
            pack.primes.iter().any(|prime| remainder.is_multiple_of(*prime))
        })
    }
}

fn word_remainder(value: &BigUint, divisor: u64) -> u64 {
    (value % divisor).to_u64().expect("a remainder is smaller than its word-sized divisor")
}

fn pack(primes: &[u64]) -> Vec<Pack> {
    let mut packs: Vec<Pack> = Vec::new();
    for &prime in primes {
        let grown = packs.last().and_then(|pack| pack.product.checked_mul(prime));
        match (packs.last_mut(), grown) {
            (Some(pack), Some(product)) => {
                pack.product = product;
                pack.primes.push(prime);
            }
            (_, _) => packs.push(Pack { product: prime, primes: vec![prime] }),
        }
    }
    packs
}

/// Rounds after which a random odd `bits`-bit number is composite with probability below `2^-ERROR_BITS`:
/// `k^(3/2) 2^t t^(-1/2) 4^(2 - sqrt(t k))` (Damgard, Landrock, Pomerance, Math. Comp. 1993, for `3 <= t <= k/9`), or
/// else `4^-t`.
fn rounds_for(bits: u32) -> u32 {
    let k = f64::from(bits);
    let error = |t: u32| {
        let t = f64::from(t);
        1.5 * k.log2() + t - 0.5 * t.log2() + 2.0 * (2.0 - (t * k).sqrt())
    };
    (3..=bits / 9).find(|&t| error(t) < -ERROR_BITS).unwrap_or(ERROR_BITS as u32 / 2 + 1)
}

/// The Miller-Rabin test of an odd `candidate > 3`, to random bases.
fn miller_rabin(rng: &mut impl Rng, candidate: &BigUint, rounds: u32) -> bool {
    let one = BigUint::one();
    let minus_one = candidate - &one;
    let twos = minus_one.trailing_zeros().unwrap_or(0);
    let odd = &minus_one >> twos;
    let bases = &minus_one - 2_u8;
    (0..rounds).all(|_| {
        let base = random_below(rng, &bases) + 2_u8;
        let mut power = base.modpow(&odd, candidate);
        if power == one || power == minus_one {
            return true;
        }
        (1..twos).any(|_| {
            power = &power * &power % candidate;
            power == minus_one
        })
    })
}

/// Finds odd numbers without small prime factors just below a large base: the base is divided once, each offset then
/// costs a word operation per prime.
pub struct SmallFactorSieve {
    odd_primes: Vec<u64>,
    remainders: Vec<u64>,
    base_is_odd: bool,
}

impl SmallFactorSieve {
    /// Divides `base` by all primes below `bound`.
    pub fn new(base: &BigUint, bound: usize) -> SmallFactorSieve {
        /// Packs per intermediate product: the base is first reduced by the product of a group.
        const GROUP: usize = 32;
        let odd_primes = primes_below(bound).split_off(1);
        let packs = pack(&odd_primes);
        let remainders = packs
            .par_chunks(GROUP)
            .flat_map_iter(|group| {
                let product: BigUint = group.iter().map(|pack| pack.product).product();
                let reduced = base % product;
                group.iter().flat_map(move |pack| {
                    let remainder = word_remainder(&reduced, pack.product);
                    pack.primes.iter().map(move |prime| remainder % prime)
                })
            })
            .collect();
        SmallFactorSieve { odd_primes, remainders, base_is_odd: base.bit(0) }
    }

    /// Whether `base - offset` is odd and has no prime factor below the bound.
    pub fn is_free(&self, offset: &BigUint) -> bool {
        if offset.bit(0) == self.base_is_odd {
            return false;
        }
        let digits = offset.to_u64_digits();
        let remainder = |prime: u64| {
            let fold = |high: u64, digit: &u64| {
                ((u128::from(high) << 64 | u128::from(*digit)) % u128::from(prime)) as u64
            };
            digits.iter().rev().fold(0, fold)
        };
        self.odd_primes.iter().zip(&self.remainders).all(|(&prime, &base)| remainder(prime) != base)
    }

    /// A random offset below `2^bits` for which [`Self::is_free`] holds.
    pub fn random_offset(&self, rng: &mut impl Rng, bits: u32) -> BigUint {
        loop {
            let offset = random_bits(rng, bits as usize);
            if !offset.is_zero() && self.is_free(&offset) {
                return offset;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_chacha::ChaCha20Rng;
    use rand_core::SeedableRng;

    #[test]
    fn sieve_counts_the_primes() {
        assert_eq!(primes_below(30), [2, 3, 5, 7, 11, 13, 17, 19, 23, 29]);
        assert_eq!(primes_below(1 << 20).len(), 82_025);
    }

    #[test]
    fn miller_rabin_tells_primes_from_strong_pseudoprimes() {
        let mut rng = ChaCha20Rng::from_seed([2; 32]);
        // Mersenne primes; Carmichael numbers and a strong pseudoprime to the bases 2 to 37.
        for exponent in [61_u32, 89, 127, 521] {
            let prime = (BigUint::one() << exponent) - 1_u8;
            assert!(miller_rabin(&mut rng, &prime, 40));
        }
        for composite in [561_u128, 8911, 318_665_857_834_031_151_167_461, 3_317_044_064_679_887_385_961_981]
        {
            assert!(!miller_rabin(&mut rng, &BigUint::from(composite), 40));
        }
    }

    #[test]
    fn random_primes_have_the_size_asked_for() {
        let mut rng = ChaCha20Rng::from_seed([3; 32]);
        let source = PrimeSource::default();
        for bits in [64, 100, 256] {
            let prime = source.prime_of_bits(&mut rng, bits);
            assert_eq!(prime.bits(), u64::from(bits));
            assert!(miller_rabin(&mut rng, &prime, 60));
        }
    }

    #[test]
    fn sieved_numbers_have_no_small_factor() {
        let mut rng = ChaCha20Rng::from_seed([4; 32]);
        let base = random_bits(&mut rng, 700);
        let sieve = SmallFactorSieve::new(&base, 1 << 12);
        let free = &base - sieve.random_offset(&mut rng, 80);
        assert!(primes_below(1 << 12).iter().all(|prime| word_remainder(&free, *prime) != 0));
        // And offsets are refused for a reason.
        for offset in 0..200_u32 {
            let value = &base - offset;
            let divisible = primes_below(1 << 12).iter().any(|prime| word_remainder(&value, *prime) == 0);
            assert_eq!(sieve.is_free(&BigUint::from(offset)), !divisible);
        }
    }
}
