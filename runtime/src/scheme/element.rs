//! Compressed key elements. An element `x = chi - Delta mod x_0` is stored as the small `Delta`; `chi` is expanded from
//! a public seed (Coron, Naccache, Tibouchi, Eurocrypt 2012; `scheme.md` 1.2) by the public generator.

use num_bigint::{BigInt, BigUint};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use rayon::prelude::*;

use super::crt::{Crt, PrimeTree};
use super::expansion::Expansion;
use super::params::Params;
use crate::arith::Modulus;
use crate::arith::division::LongDivisor;
use crate::arith::limbs;
use crate::arith::random::random_below;

/// What a stream of pseudo-random numbers grows from.
pub(crate) type Seed = [u8; 32];

/// The three sets of the encryption key, each in two halves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Set {
    /// Encryptions of zero.
    First,
    /// Row and column indicators.
    Second,
    /// Large multiples of the indicators.
    Third,
}

/// What a stream of a seed is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Label {
    /// chi of half 0 or 1 of a set.
    Set(Set, u8),
    /// The hints `u_i`.
    Hint,
    /// chi of the encrypted key bits.
    KeyBit,
    /// A secret prime.
    Prime,
    /// The cofactor of the modulus.
    Cofactor,
    /// The secret hint indices.
    Index,
    /// A row of random multipliers of an encryption.
    Row,
    /// The multipliers of the third set.
    Multiple,
}

impl Label {
    pub(super) fn number(self) -> u64 {
        match self {
            Label::Set(Set::First, half) => 0x10 + u64::from(half),
            Label::Set(Set::Second, half) => 0x20 + u64::from(half),
            Label::Set(Set::Third, half) => 0x30 + u64::from(half),
            Label::Hint => 0x40,
            Label::KeyBit => 0x50,
            Label::Prime => 0x60,
            Label::Cofactor => 0x70,
            Label::Index => 0x80,
            Label::Row => 0x90,
            Label::Multiple => 0xa0,
        }
    }
}

/// The ChaCha20 stream of a secret seed for one purpose and index.
pub(super) fn stream(seed: &Seed, label: Label, index: usize) -> ChaCha20Rng {
    let mut rng = ChaCha20Rng::from_seed(*seed);
    debug_assert!(index < 1 << 32);
    rng.set_stream(label.number() << 32 | index as u64);
    rng
}

/// The uncorrected hint `u_i`: uniform in `[0, 2^(kappa+1))`.
pub(super) fn hint(params: &Params, seed: &Seed, index: usize) -> Vec<u64> {
    expanded(seed, Label::Hint, index, params.kappa() as usize + 1)
}

/// `chi` before its reduction: `gamma + lambda` uniform bits.
fn chi(params: &Params, seed: &Seed, label: Label, index: usize) -> Vec<u64> {
    expanded(seed, label, index, chi_bits(params))
}

/// Bits of `chi`.
pub(super) fn chi_bits(params: &Params) -> usize {
    (params.gamma() + params.lambda()) as usize
}

/// The first bits of a public stream.
fn expanded(seed: &Seed, label: Label, index: usize, bits: usize) -> Vec<u64> {
    let mut words = vec![0; bits.div_ceil(limbs::BITS)];
    Expansion::new(seed).fill(label, index, &mut words);
    limbs::truncate_bits(&mut words, bits);
    words
}

/// The corrections `Delta` of a row of elements, of fixed width.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Corrections {
    width: usize,
    limbs: Vec<u64>,
}

impl Corrections {
    /// Makes `count` corrections in parallel, each of at most `correction_bits` bits.
    pub(super) fn make(
        params: &Params,
        count: usize,
        correction: impl Fn(usize) -> Vec<u64> + Sync,
    ) -> Corrections {
        let width = Self::width(params);
        let mut limbs = vec![0; count * width];
        limbs.par_chunks_exact_mut(width).enumerate().for_each(|(index, place)| {
            let correction = correction(index);
            place[..correction.len()].copy_from_slice(&correction);
        });
        Corrections { width, limbs }
    }

    /// Limbs of a correction.
    fn width(params: &Params) -> usize {
        (params.correction_bits() as usize).div_ceil(limbs::BITS)
    }

    /// Takes all limbs of corrections in a row.
    pub(crate) fn from_limbs(params: &Params, limbs: Vec<u64>) -> Corrections {
        let width = Self::width(params);
        debug_assert_eq!(limbs.len() % width, 0);
        Corrections { width, limbs }
    }

    /// Every correction.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &[u64]> {
        self.limbs.chunks_exact(self.width)
    }

    /// The correction of one element.
    pub(super) fn get(&self, index: usize) -> &[u64] {
        &self.limbs[index * self.width..][..self.width]
    }

    /// The element: `chi - Delta mod x_0`.
    pub(super) fn element(
        &self,
        params: &Params,
        modulus: &Modulus,
        seed: &Seed,
        label: Label,
        index: usize,
    ) -> Vec<u64> {
        let reduced = modulus.reduce(chi(params, seed, label, index));
        modulus.sub(&reduced, self.get(index))
    }
}

/// Makes corrections; knows the secret primes.
pub(super) struct Compressor<'a> {
    params: &'a Params,
    crt: Crt,
    /// The primes' product pi.
    product: &'a [u64],
    long: LongDivisor,
    /// Corrections stay below `2^correction_bits`: the bound of `xi`.
    bound: BigUint,
}

impl<'a> Compressor<'a> {
    /// Precomputes what all corrections share.
    pub(super) fn new(params: &'a Params, tree: &'a PrimeTree) -> Compressor<'a> {
        let product = tree.product();
        let length = chi_bits(params).div_ceil(limbs::BITS);
        let bound = (BigUint::from(1_u8) << params.correction_bits()) / limbs::integer(product);
        let crt = Crt::new(tree, params.residue_bits());
        Compressor { params, crt, product, long: LongDivisor::new(product, length), bound }
    }

    /// `Delta = (chi - CRT(residues) mod pi) + xi pi`, so that the element has these residues; `xi` is uniform and hides
    /// `pi`. The difference is taken before the reduction: one division does for both, and Delta is never negative.
    pub(super) fn correction(
        &self,
        seed: &Seed,
        label: Label,
        index: usize,
        residues: &[BigInt],
        rng: &mut ChaCha20Rng,
    ) -> Vec<u64> {
        let mut sum = self.long.folded(&chi(self.params, seed, label, index));
        let combined = self.crt.combine(residues);
        // A multiple of pi that is longer than the combined integer keeps the difference positive.
        let above = combined.len() - self.product.len() + 1;
        sum.resize(sum.len().max(self.product.len() + above) + 1, 0);
        limbs::add_assign(&mut sum[above..], self.product);
        limbs::sub_assign(&mut sum, &combined);
        let mut correction = self.long.remainder(sum);
        let xi = limbs::limbs_of(&random_below(rng, &self.bound));
        correction.resize(Corrections::width(self.params) + 1, 0);
        limbs::add_product(&mut correction, self.product, &xi);
        correction.truncate(limbs::trimmed(&correction).len());
        correction
    }
}
