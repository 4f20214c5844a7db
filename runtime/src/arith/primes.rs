//! Prime numbers: random ones, and cofactors without small prime factors.

use num_bigint::BigUint;
use num_traits::{One, ToPrimitive, Zero};
use rand_core::Rng;
use rayon::prelude::*;

use super::division::Divisor;
use super::limbs;
use super::montgomery::{powers, powers_of_two};
use super::ntt::{Instructions, LANES};
use super::random::{random_below, random_bits, random_index};
use super::tree::{ProductTree, RemainderTree};

/// A random number passes as prime with an error below 2 to minus this.
const ERROR_BITS: f64 = 80.0;

/// Numbers of so many bits with a prime factor below this are not tested further: a test costs as much as sieving by a
/// few thousand small primes.
fn sieve_bound(bits: u32) -> usize {
    (bits as usize * bits as usize / 16).clamp(1 << 10, 1 << 20)
}

/// Odd numbers that are sieved together.
const BLOCK: usize = 1 << 15;

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

/// Draws primes: a random block of odd numbers is sieved by small primes; what is left is tested in random order, eight
/// at a time, by Fermat's test to base 2, and what passes that by Miller and Rabin's to random bases.
#[derive(Clone, Debug)]
pub struct PrimeSource {
    packs: Vec<Pack>,
    /// Limbs of the numbers that are sieved fastest.
    limbs: usize,
}

/// Small odd primes and their product `m`, which fits in a word.
#[derive(Clone, Debug)]
struct Pack {
    product: u64,
    primes: Vec<u64>,
    /// `-1 / m` modulo `2^64`.
    inverse: u64,
    /// `2^(64 (limbs + 1))` modulo `m`.
    factor: u64,
}

impl PrimeSource {
    /// Prepares for primes of about `bits` bits.
    pub fn new(bits: u32) -> PrimeSource {
        let limbs = (bits as usize).div_ceil(limbs::BITS);
        PrimeSource { packs: pack(&primes_below(sieve_bound(bits)).split_off(1), limbs), limbs }
    }

    /// A prime of exactly `bits` bits. It is drawn uniformly among the primes of a block that is drawn uniformly, so
    /// primes from sparse blocks are a little more likely than others: by the inverse of their number in the block.
    ///
    /// # Panics
    /// For fewer than 32 bits.
    pub fn prime_of_bits(&self, rng: &mut impl Rng, bits: u32) -> BigUint {
        assert!(bits >= 32, "the sieve would refuse small primes");
        let low = BigUint::one() << (bits - 1);
        self.prime_between(rng, &low, &(&low << 1))
    }

    /// A prime in `[low, high)`, drawn in the same way. Does not end if there is none.
    ///
    /// # Panics
    /// If `low` has fewer than 32 bits.
    pub fn prime_between(&self, rng: &mut impl Rng, low: &BigUint, high: &BigUint) -> BigUint {
        assert!(low.bits() >= 32, "the sieve would refuse small primes");
        let width = high - low;
        loop {
            let start = (low + random_below(rng, &width)) | BigUint::one();
            if let Some(prime) = self.prime_of_block(rng, &start, high) {
                return prime;
            }
        }
    }

    /// A random one of the primes `start + 2i < high` with `i < BLOCK`.
    fn prime_of_block(&self, rng: &mut impl Rng, start: &BigUint, high: &BigUint) -> Option<BigUint> {
        let rounds = rounds_for(start.bits() as u32);
        let mut order = self.sieve(start);
        // All of the order is drawn first: the randomness used does not depend on how many are tested at a time.
        for i in (1..order.len()).rev() {
            order.swap(i, random_index(rng, i + 1));
        }
        let mut candidates = order.into_iter().map(|i| start + 2 * i).filter(|candidate| candidate < high);
        let groups = std::iter::from_fn(|| {
            let group: Vec<BigUint> = candidates.by_ref().take(LANES).collect();
            (!group.is_empty()).then_some(group)
        });
        let mut probable = groups.flat_map(|group| probable_primes(&group));
        probable.find(|candidate| miller_rabin(rng, candidate, rounds))
    }

    /// The `i < BLOCK` for which no small prime divides `start + 2i`, for an odd start.
    fn sieve(&self, start: &BigUint) -> Vec<usize> {
        let mut composite = vec![false; BLOCK];
        let mut words = limbs::limbs_of(start);
        words.resize(self.limbs.max(words.len()), 0);
        for pack in &self.packs {
            let is_usual = words.len() == self.limbs;
            let remainder =
                if is_usual { pack.remainder(&words) } else { word_remainder(start, pack.product) };
            for prime in &pack.primes {
                // start + 2i = 0 modulo the prime: 2i is the even one of prime - r and 2 prime - r.
                let missing = prime - remainder % prime;
                let even = if missing.is_multiple_of(2) { missing } else { missing + prime };
                let first = (even / 2 % prime) as usize;
                for index in (first..BLOCK).step_by(*prime as usize) {
                    composite[index] = true;
                }
            }
        }
        composite.iter().enumerate().filter(|(_, composite)| !**composite).map(|(i, _)| i).collect()
    }
}

/// Those of up to eight odd candidates that pass Fermat's test to base 2.
fn probable_primes(candidates: &[BigUint]) -> Vec<BigUint> {
    // Lanes without a candidate test 3.
    let pairs = std::array::from_fn(|lane| {
        let modulus = candidates.get(lane).cloned().unwrap_or_else(|| BigUint::from(3_u8));
        (modulus.clone(), modulus - 1_u8)
    });
    let powers = powers_of_two(Instructions::best(), &pairs);
    let passed = candidates.iter().zip(powers).filter(|(_, power)| power.is_one());
    passed.map(|(candidate, _)| candidate.clone()).collect()
}

fn word_remainder(value: &BigUint, divisor: u64) -> u64 {
    (value % divisor).to_u64().expect("a remainder is smaller than its word-sized divisor")
}

impl Pack {
    fn new(primes: Vec<u64>, limbs: usize) -> Pack {
        let product: u64 = primes.iter().product();
        // Newton's iteration doubles the bits that are right, from three on.
        let inverse = (0..5).fold(product, |inverse, _| {
            inverse.wrapping_mul(2_u64.wrapping_sub(product.wrapping_mul(inverse)))
        });
        let modulus = u128::from(product);
        let word = (1_u128 << 64) % modulus;
        let factor = (0..=limbs).fold(1 % modulus, |factor, _| factor * word % modulus);
        let factor = u64::try_from(factor).expect("a remainder is smaller than its word-sized divisor");
        Pack { product, primes, inverse: inverse.wrapping_neg(), factor }
    }

    /// `(x + q m) / 2^64` for the `q` that makes it whole (Montgomery): at most `m` if `x < 2^64 + m`, at most `2 m` for all.
    fn reduced(&self, x: u128) -> u128 {
        let q = (x as u64).wrapping_mul(self.inverse);
        let added = u128::from(q) * u128::from(self.product);
        // The low words add up to 0 or 2^64.
        (x >> 64) + (added >> 64) + u128::from(x as u64 != 0)
    }

    /// The remainder of a number of as many limbs as the pack is for: a limb takes two products and no division.
    fn remainder(&self, limbs: &[u64]) -> u64 {
        let scaled = limbs.iter().fold(0, |sum, &limb| self.reduced(sum + u128::from(limb)));
        (self.reduced(scaled * u128::from(self.factor)) % u128::from(self.product)) as u64
    }
}

/// The primes in packs; `limbs` are those of the numbers that are to be sieved.
fn pack(primes: &[u64], limbs: usize) -> Vec<Pack> {
    let mut packs: Vec<Vec<u64>> = Vec::new();
    let mut product = None::<u64>;
    for &prime in primes {
        let grown = product.and_then(|product| product.checked_mul(prime));
        match packs.last_mut().filter(|_| grown.is_some()) {
            Some(pack) => {
                pack.push(prime);
                product = grown;
            }
            None => {
                packs.push(vec![prime]);
                product = Some(prime);
            }
        }
    }
    packs.into_iter().map(|primes| Pack::new(primes, limbs)).collect()
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

/// The Miller-Rabin test of an odd `candidate > 3`, to `rounds` random bases and some more: eight cost as much as one.
fn miller_rabin(rng: &mut impl Rng, candidate: &BigUint, rounds: u32) -> bool {
    let one = BigUint::one();
    let minus_one = candidate - &one;
    let twos = minus_one.trailing_zeros().unwrap_or(0);
    let odd = &minus_one >> twos;
    let bases = &minus_one - 2_u8;
    let passes = |mut power: BigUint| {
        power == one
            || power == minus_one
            || (1..twos).any(|_| {
                power = &power * &power % candidate;
                power == minus_one
            })
    };
    (0..rounds.div_ceil(LANES as u32)).all(|_| {
        let bases = std::array::from_fn(|_| random_below(rng, &bases) + 2_u8);
        powers(Instructions::best(), &bases, &odd, candidate).into_iter().all(passes)
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
        /// Packs per leaf of the remainder tree.
        const GROUP: usize = 32;
        let odd_primes = primes_below(bound).split_off(1);
        let packs = pack(&odd_primes, GROUP);
        let base_limbs = limbs::limbs_of(base);
        // Trees of about half the length of the base: longer products would be divided by for nothing.
        let per_tree = (base_limbs.len() / 2).max(GROUP).next_multiple_of(GROUP);
        let remainders = packs.par_chunks(per_tree).flat_map_iter(|packs| {
            let product = |group: &[Pack]| limbs::limbs_of(&group.iter().map(|pack| pack.product).product());
            let tree = ProductTree::new(packs.par_chunks(GROUP).map(product).collect());
            let root = Divisor::new(tree.product(), tree.product().len());
            let leaves = RemainderTree::new(&tree).remainders(root.remainder(base_limbs.clone()));
            let words = |(group, leaf): (&[Pack], &Vec<u64>)| {
                let mut leaf = leaf.clone();
                leaf.resize(GROUP, 0);
                let words = |pack: &Pack| {
                    let remainder = pack.remainder(&leaf);
                    pack.primes.iter().map(|prime| remainder % prime).collect::<Vec<_>>()
                };
                group.iter().flat_map(words).collect::<Vec<_>>()
            };
            packs.chunks(GROUP).zip(&leaves).flat_map(words).collect::<Vec<u64>>()
        });
        let remainders = remainders.collect();
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
    fn remainders_by_packs_are_those_of_division() {
        let mut rng = ChaCha20Rng::from_seed([6; 32]);
        for limbs in [1, 2, 25, 33] {
            let packs = pack(&primes_below(3000).split_off(1), limbs);
            assert!(packs.iter().any(|pack| pack.product >> 63 == 1), "products of 64 bits");
            let one = BigUint::one();
            let largest = (&one << (64 * limbs)) - &one;
            let random = random_bits(&mut rng, 64 * limbs);
            for value in [BigUint::zero(), one, random, largest] {
                let words = limbs::padded_limbs(&value, limbs);
                for pack in &packs {
                    assert_eq!(pack.remainder(&words), word_remainder(&value, pack.product), "{value}");
                }
            }
        }
        // Starts that are longer than what the source is for.
        let start = random_bits(&mut rng, 900) | BigUint::one();
        let source = |limbs| PrimeSource { packs: pack(&primes_below(3000).split_off(1), limbs), limbs };
        assert!(source(14).sieve(&start) == source(15).sieve(&start), "the same numbers are left");
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
        for bits in [64, 100, 256] {
            let prime = PrimeSource::new(bits).prime_of_bits(&mut rng, bits);
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
