//! Keys and their generation (FFHE paper, sections 5.2 and 6.2; `scheme.md` 1.2 and 2.2).
//!
//! In goes a parameter set and a random generator; out come a [`SecretKey`] and the two halves of the public key: the
//! [`EncryptionKey`] (the three sets of the quadratic form) and the [`EvaluationKey`] (the squashing hint and the
//! encrypted secret key bits). All three carry the same [`KeyId`]. Equal generators give equal keys, byte for byte,
//! whatever the number of threads: every element has random streams of its own.

use std::sync::atomic::{AtomicUsize, Ordering};

use num_bigint::{BigInt, BigUint};
use rand_chacha::ChaCha20Rng;
use rand_core::Rng;
use rayon::prelude::*;
use zeroize::{Zeroize, ZeroizeOnDrop};

use super::crt::{PrimeTree, Residues};
use super::element::{Compressor, Corrections, Label, Seed, Set, hint, stream};
use super::params::{CofactorKind, ModulusKind, Params};
use crate::arith::division::Divisor;
use crate::arith::limbs;
use crate::arith::primes::{PrimeSource, SmallFactorSieve};
use crate::arith::random::{random_below, random_index, random_noise};
use crate::arith::{Modulus, ModulusError};

/// The cofactor has no prime factors below this (`scheme.md` 11.3).
const SMALL_FACTOR_BOUND: usize = 1 << 20;

/// Names a key pair: the first bytes of the BLAKE3 hash of its encryption key.
pub type KeyId = [u8; 16];

/// The secret key: the primes, and the squashed form of their inverses.
///
/// Its own memory is wiped when it is dropped. Integers that num-bigint makes from it while generating keys and
/// decrypting are not: num-bigint offers no way to wipe what it frees.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct SecretKey {
    #[zeroize(skip)]
    pub(crate) params: Params,
    #[zeroize(skip)]
    pub(crate) id: KeyId,
    /// The prime of every slot, in limbs.
    pub(crate) primes: Vec<Vec<u64>>,
    /// For every slot, the index of its hint within each box.
    pub(crate) indices: Vec<Vec<u32>>,
}

/// What encrypting needs: `x_0`, two seeds, and the corrections of three sets, each in two halves.
#[derive(Clone, PartialEq, Eq)]
pub struct EncryptionKey {
    pub(crate) params: Params,
    pub(crate) id: KeyId,
    pub(crate) modulus: Modulus,
    /// Seeds of the first set, and of the second and third.
    pub(crate) seeds: [Seed; 2],
    /// `x_{i,b}`: encryptions of zero, beta per half.
    pub(crate) first: [Corrections; 2],
    /// `x'_{u,b}`: row and column indicators, l per half.
    pub(crate) second: [Corrections; 2],
    /// `Pi_{u,b}`: large multiples of the indicators, l per half.
    pub(crate) third: [Corrections; 2],
}

/// What computing needs: `x_0`, the squashing hint, and the encrypted bits of the squashed secret key.
#[derive(Clone, PartialEq, Eq)]
pub struct EvaluationKey {
    pub(crate) params: Params,
    pub(crate) id: KeyId,
    pub(crate) modulus: Modulus,
    /// Seed of the hints and of the encrypted bits.
    pub(crate) seed: Seed,
    /// Hints that do not come from the seed, by index: one per slot.
    pub(crate) corrected: Vec<(u32, Vec<u64>)>,
    /// The corrections of `sigma_i`, all Theta of them.
    pub(crate) key_bits: Corrections,
}

/// The keys of one generation.
#[derive(Clone, PartialEq, Eq)]
pub struct KeyPair {
    /// The secret key.
    pub secret: SecretKey,
    /// The public key's first half.
    pub encryption: EncryptionKey,
    /// The public key's second half.
    pub evaluation: EvaluationKey,
}

/// How far key generation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyProgress {
    /// What is being made.
    pub stage: &'static str,
    /// How many of them are done.
    pub done: usize,
    /// How many there are.
    pub total: usize,
}

/// Called from any thread as key generation goes on.
pub type ProgressCallback<'a> = &'a (dyn Fn(KeyProgress) + Sync);

/// Generates the keys of a parameter set.
pub fn generate_keys(
    params: &Params,
    rng: &mut ChaCha20Rng,
    progress: Option<ProgressCallback<'_>>,
) -> KeyPair {
    let mut draw_seed = || {
        let mut seed = Seed::default();
        rng.fill_bytes(&mut seed);
        seed
    };
    let mut secret_seed = draw_seed();
    let seeds = [draw_seed(), draw_seed()];
    let evaluation_seed = draw_seed();

    let tree = PrimeTree::new(&secret_primes(params, &secret_seed, progress));
    let compressor = Compressor::new(params, &tree);
    let maker = Maker { params, primes: tree.product(), compressor, secret_seed: &secret_seed, progress };

    let modulus = maker.modulus();
    let [first, second, third] = maker.three_sets(&seeds);
    let mut encryption =
        EncryptionKey { params: params.clone(), id: [0; 16], modulus, seeds, first, second, third };
    encryption.id = encryption.hash();
    let id = encryption.id;

    let indices = secret_indices(params, &secret_seed);
    let corrected = maker.corrected_hints(&tree, &indices, &evaluation_seed);
    let key_bits = maker.key_bits(&indices, &evaluation_seed);
    let evaluation = EvaluationKey {
        params: params.clone(),
        id,
        modulus: encryption.modulus.clone(),
        seed: evaluation_seed,
        corrected,
        key_bits,
    };

    let width = (params.eta() as usize).div_ceil(limbs::BITS);
    let primes = tree.primes().map(|prime| limbs::padded_limbs(&prime, width)).collect();
    secret_seed.zeroize();
    KeyPair { secret: SecretKey { params: params.clone(), id, primes, indices }, encryption, evaluation }
}

/// Distinct primes of exactly eta bits, one per slot.
fn secret_primes(params: &Params, secret: &Seed, progress: Option<ProgressCallback<'_>>) -> Vec<BigUint> {
    let source = PrimeSource::new(params.eta());
    let count = params.slots();
    let mut streams: Vec<ChaCha20Rng> = (0..count).map(|slot| stream(secret, Label::Prime, slot)).collect();
    let counter = Counter::new("secret primes", count, progress);
    let mut primes: Vec<BigUint> =
        streams.par_iter_mut().map(|rng| counter.after(|| source.prime_of_bits(rng, params.eta()))).collect();
    for slot in 1..count {
        while primes[..slot].contains(&primes[slot]) {
            primes[slot] = source.prime_of_bits(&mut streams[slot], params.eta());
        }
    }
    primes
}

/// For every slot, the index of its hint in each box. In box 0 every slot has one of its own.
fn secret_indices(params: &Params, secret: &Seed) -> Vec<Vec<u32>> {
    let size = params.box_size();
    let mut rng = stream(secret, Label::Index, 0);
    let mut own: Vec<u32> = (0..size as u32).collect();
    for i in (1..size).rev() {
        own.swap(i, random_index(&mut rng, i + 1));
    }
    let row = |first: u32| {
        let rest = (1..params.theta()).map(|_| random_index(&mut rng, size) as u32);
        std::iter::once(first).chain(rest).collect()
    };
    own.into_iter().take(params.slots()).map(row).collect()
}

/// Makes the public part.
struct Maker<'a> {
    params: &'a Params,
    /// The product of the secret primes.
    primes: &'a [u64],
    compressor: Compressor<'a>,
    secret_seed: &'a Seed,
    progress: Option<ProgressCallback<'a>>,
}

impl Maker<'_> {
    /// `x_0 = q_0 pi`, of exactly gamma bits.
    fn modulus(&self) -> Modulus {
        let params = self.params;
        let counter = Counter::new("public modulus", 1, self.progress);
        counter.after(|| {
            let cofactor = match params.cofactor() {
                CofactorKind::SmallFactorFree => self.small_factor_free_cofactor(),
                CofactorKind::Rough => self.rough_cofactor(),
            };
            let value = limbs::product(&limbs::limbs_of(&cofactor), self.primes);
            Modulus::new(&value, params.gamma() as usize, params.limbs(), params.modulus())
                .expect("the cofactor was chosen for a modulus of this form and size")
        })
    }

    /// The half-open range of cofactors for which `x_0` has exactly gamma bits.
    fn cofactor_range(&self, others: &BigUint) -> (BigUint, BigUint) {
        let divisor = limbs::product(self.primes, &limbs::limbs_of(others));
        let divisor = Divisor::new(&divisor, limbs::trimmed(&divisor).len());
        let quotient = |bits: u32| {
            let power = BigUint::from(1_u8) << bits;
            limbs::integer(&divisor.quotient_and_remainder(limbs::limbs_of(&power)).0)
        };
        (quotient(self.params.gamma() - 1) + 1_u8, quotient(self.params.gamma()))
    }

    /// A base minus a small random offset, so that no prime below 2^20 divides it. The base is the largest cofactor
    /// for the folding form, a random one otherwise.
    fn small_factor_free_cofactor(&self) -> BigUint {
        let mut rng = stream(self.secret_seed, Label::Cofactor, 0);
        let offset_bits = self.params.lambda() + 32;
        let (low, high) = self.cofactor_range(&BigUint::from(1_u8));
        let base = match self.params.modulus() {
            ModulusKind::Fold => high,
            ModulusKind::Paper => {
                let low = low + (BigUint::from(1_u8) << offset_bits);
                random_below(&mut rng, &(high - &low)) + low
            }
        };
        let sieve = SmallFactorSieve::new(&base, SMALL_FACTOR_BOUND);
        base - sieve.random_offset(&mut rng, offset_bits)
    }

    /// A product of primes of at least lambda^2 bits; the last one is chosen so that the size is exact.
    fn rough_cofactor(&self) -> BigUint {
        let params = self.params;
        let size = (params.lambda() * params.lambda()).max(32);
        let source = PrimeSource::new(size);
        let total = params.gamma() - params.slots() as u32 * params.eta();
        let count = (total / size).saturating_sub(1) as usize;
        let counter = Counter::new("primes of the public modulus", count + 1, self.progress);
        let prime = |index: usize| {
            let mut rng = stream(self.secret_seed, Label::Cofactor, index);
            counter.after(|| source.prime_of_bits(&mut rng, size))
        };
        let product: BigUint = (1..=count).into_par_iter().map(prime).collect::<Vec<_>>().iter().product();
        let (low, high) = self.cofactor_range(&product);
        let mut rng = stream(self.secret_seed, Label::Cofactor, 0);
        let last = counter.after(|| source.prime_between(&mut rng, &low, &high));
        product * last
    }

    /// Compresses `count` elements; `residue` gives the residue of an element in a slot.
    fn elements(
        &self,
        stage: &'static str,
        seed: &Seed,
        label: Label,
        count: usize,
        residue: impl Fn(usize, usize, &mut ChaCha20Rng) -> BigInt + Sync,
    ) -> Corrections {
        let counter = Counter::new(stage, count, self.progress);
        Corrections::make(self.params, count, |index| {
            counter.after(|| {
                let mut rng = stream(self.secret_seed, label, index);
                let residues: Vec<BigInt> =
                    (0..self.params.slots()).map(|slot| residue(index, slot, &mut rng)).collect();
                self.compressor.correction(seed, label, index, &residues, &mut rng)
            })
        })
    }

    /// The three sets of the quadratic form, residues as in `scheme.md` 1.2(4) to 1.2(6).
    fn three_sets(&self, seeds: &[Seed; 2]) -> [[Corrections; 2]; 3] {
        let params = self.params;
        let (rho, side) = (params.rho(), params.side());
        let multiples = params.multiples();
        let first = [0, 1].map(|half| {
            self.elements(
                "encryptions of zero",
                &seeds[0],
                Label::Set(Set::First, half),
                params.beta(),
                |_, _, rng| random_noise(rng, params.rho_first()) * 2,
            )
        });
        let second = [0, 1].map(|half| {
            self.elements(
                "slot selectors",
                &seeds[1],
                Label::Set(Set::Second, half),
                side,
                |index, slot, rng| {
                    random_noise(rng, rho) * 2 + i32::from(coordinate(half, slot, side) == index)
                },
            )
        });
        let third = [(0, multiples.0), (1, multiples.1)].map(|(half, bits)| {
            self.elements(
                "large multiples",
                &seeds[1],
                Label::Set(Set::Third, half),
                side,
                |index, slot, rng| {
                    let multiple = BigInt::from(i32::from(coordinate(half, slot, side) == index)) << bits;
                    random_noise(rng, rho) * 2 + multiple
                },
            )
        });
        [first, second, third]
    }

    /// For every slot, the hint in box 0 that makes its theta hints sum to `2^kappa / p`, sorted by index.
    fn corrected_hints(&self, tree: &PrimeTree, indices: &[Vec<u32>], seed: &Seed) -> Vec<(u32, Vec<u64>)> {
        let params = self.params;
        let counter = Counter::new("squashing hints", indices.len(), self.progress);
        let primes: Vec<BigUint> = tree.primes().collect();
        let correct = |(own, prime): (&Vec<u32>, &BigUint)| {
            counter.after(|| {
                let doubled = (BigUint::from(1_u8) << (params.kappa() + 1)) + prime;
                let mut value = limbs::padded_limbs(&(doubled / (prime * 2_u8)), params.limbs());
                for (number, index) in own.iter().enumerate().skip(1) {
                    let other = hint(params, seed, number * params.box_size() + *index as usize);
                    // Modulo 2^(kappa+1): the borrow out of the limbs falls away.
                    limbs::sub_assign(&mut value, &other);
                }
                (own[0], value)
            })
        };
        let mut corrected: Vec<_> = indices.par_iter().zip(&primes).map(correct).collect();
        corrected.sort_by_key(|(index, _)| *index);
        corrected
    }

    /// `sigma_i`: encryptions of bit `i` of every slot's squashed key.
    fn key_bits(&self, indices: &[Vec<u32>], seed: &Seed) -> Corrections {
        let params = self.params;
        self.elements("encrypted key bits", seed, Label::KeyBit, params.hints(), |index, slot, rng| {
            let (number, within) = (index / params.box_size(), index % params.box_size());
            random_noise(rng, params.rho()) * 2 + i32::from(indices[slot][number] as usize == within)
        })
    }
}

/// The row (half 0) or column (half 1) of a slot.
fn coordinate(half: u8, slot: usize, side: usize) -> usize {
    if half == 0 { slot / side } else { slot % side }
}

/// Counts finished work of one stage and reports it.
struct Counter<'a> {
    stage: &'static str,
    total: usize,
    done: AtomicUsize,
    progress: Option<ProgressCallback<'a>>,
}

impl<'a> Counter<'a> {
    fn new(stage: &'static str, total: usize, progress: Option<ProgressCallback<'a>>) -> Counter<'a> {
        Counter { stage, total, done: AtomicUsize::new(0), progress }
    }

    fn after<T>(&self, work: impl FnOnce() -> T) -> T {
        let result = work();
        let done = self.done.fetch_add(1, Ordering::Relaxed) + 1;
        if let Some(report) = self.progress {
            report(KeyProgress { stage: self.stage, done, total: self.total });
        }
        result
    }
}

impl SecretKey {
    /// The key pair's id.
    pub fn key_id(&self) -> KeyId {
        self.id
    }

    /// The parameter set.
    pub fn params(&self) -> &Params {
        &self.params
    }

    /// The trees over the primes. Made anew for each batch, and wiped after it, so that no copy of the primes stays in
    /// memory.
    pub(super) fn residues(&self) -> Residues {
        let primes: Vec<BigUint> = self.primes.iter().map(|prime| limbs::integer(prime)).collect();
        Residues::new(PrimeTree::new(&primes), self.params.limbs())
    }
}

impl EncryptionKey {
    /// The key pair's id.
    pub fn key_id(&self) -> KeyId {
        self.id
    }

    /// The parameter set.
    pub fn params(&self) -> &Params {
        &self.params
    }

    /// Elements in each half of a set.
    pub(super) fn count(&self, set: Set) -> usize {
        match set {
            Set::First => self.params.beta(),
            Set::Second | Set::Third => self.params.side(),
        }
    }

    /// An element of half 0 or 1 of a set.
    pub(super) fn element(&self, set: Set, half: u8, index: usize) -> Vec<u64> {
        let (seed, halves) = match set {
            Set::First => (&self.seeds[0], &self.first),
            Set::Second => (&self.seeds[1], &self.second),
            Set::Third => (&self.seeds[1], &self.third),
        };
        let label = Label::Set(set, half);
        halves[usize::from(half)].element(&self.params, &self.modulus, seed, label, index)
    }
}

impl EvaluationKey {
    /// The key pair's id.
    pub fn key_id(&self) -> KeyId {
        self.id
    }

    /// The parameter set.
    pub fn params(&self) -> &Params {
        &self.params
    }

    /// The hint `u_i`, corrected where it must be.
    pub(super) fn hint(&self, index: usize) -> Vec<u64> {
        match self.corrected.binary_search_by_key(&index, |(at, _)| *at as usize) {
            Ok(found) => self.corrected[found].1.clone(),
            Err(_) => hint(&self.params, &self.seed, index),
        }
    }

    /// The encrypted key bits `sigma_i`, reduced.
    #[cfg(test)]
    pub(super) fn key_bit(&self, index: usize) -> Vec<u64> {
        self.key_bits.element(&self.params, &self.modulus, &self.seed, Label::KeyBit, index)
    }
}

/// The public modulus of a stored key.
pub(crate) fn stored_modulus(params: &Params, value: &[u64]) -> Result<Modulus, ModulusError> {
    Modulus::new(value, params.gamma() as usize, params.limbs(), params.modulus())
}
