//! Ciphertexts: public-key encryption of a matrix of bits, decryption, and the noise as the secret key sees it.

use std::sync::Arc;

use num_bigint::{BigInt, BigUint, Sign};
use rand_chacha::ChaCha20Rng;
use rand_core::Rng;
use rayon::prelude::*;

use super::element::{Label, Seed, Set, stream};
use super::keys::{EncryptionKey, SecretKey};
use crate::arith::limbs;
use crate::arith::random::{random_limbs, random_noise};

/// A ciphertext: an integer in `[0, x_0)`. Cheap to clone.
#[derive(Clone, PartialEq, Eq)]
pub struct Ciphertext {
    pub(crate) value: Arc<[u64]>,
}

impl Ciphertext {
    /// Takes a residue of the modulus' width.
    pub(crate) fn new(value: Vec<u64>) -> Ciphertext {
        Ciphertext { value: value.into() }
    }

    /// The public bit `bit`, the same in every slot and without noise.
    pub(crate) fn trivial(bit: bool, width: usize) -> Ciphertext {
        let mut value = vec![0; width];
        value[0] = u64::from(bit);
        Ciphertext::new(value)
    }
}

impl EncryptionKey {
    /// Encrypts one bit per slot, row by row; missing bits are 0 (FFHE paper, section 5.2; `scheme.md` 1.3):
    /// `sum m x'_{u,0} x'_{v,1} + sum b' Pi_{u,0} Pi_{v,1} + sum b x_{i,0} x_{j,1} mod x_0`. Each double sum is
    /// evaluated as `sum_i x_{i,0} (sum_j b_{i,j} x_{j,1})`: `beta + 2l` products and one final reduction.
    ///
    /// # Panics
    /// If there are more bits than slots.
    pub fn encrypt(&self, slots: &[bool], rng: &mut ChaCha20Rng) -> Ciphertext {
        let params = &self.params;
        assert!(slots.len() <= params.slots(), "{} bits for {} slots", slots.len(), params.slots());
        let mut seed = Seed::default();
        rng.fill_bytes(&mut seed);
        let mut total = self.double_sum(Set::First, params.beta(), |row, columns| {
            let mut multipliers = stream(&seed, Label::Row, row);
            let terms =
                columns.iter().map(|x| (x, random_limbs(&mut multipliers, params.alpha() as usize), false));
            self.combination(terms)
        });
        let message = self.double_sum(Set::Second, params.side(), |row, columns| {
            let bits = slots.iter().skip(row * params.side());
            let chosen = columns.iter().zip(bits).filter(|(_, bit)| **bit);
            self.combination(chosen.map(|(x, _)| (x, vec![1], false)))
        });
        let multiples = self.double_sum(Set::Third, params.side(), |row, columns| {
            let mut multipliers = stream(&seed, Label::Multiple, row);
            let terms = columns.iter().map(|x| {
                let factor = random_noise(&mut multipliers, params.alpha_prime());
                (x, limbs::limbs_of(factor.magnitude()), factor.sign() == Sign::Minus)
            });
            self.combination(terms)
        });
        limbs::add_assign(&mut total, &message);
        limbs::add_assign(&mut total, &multiples);
        Ciphertext::new(self.modulus.reduce(total))
    }

    /// `sum_i x_{i,0} inner(i, (x_{j,1})_j)`, not reduced.
    fn double_sum(
        &self,
        set: Set,
        count: usize,
        inner: impl Fn(usize, &[Vec<u64>]) -> Vec<u64> + Sync,
    ) -> Vec<u64> {
        let columns: Vec<Vec<u64>> = (0..count).into_par_iter().map(|j| self.element(set, 1, j)).collect();
        let zero = || vec![0; 2 * self.modulus.width()];
        let add = |mut sum: Vec<u64>, term: Vec<u64>| {
            let carry = limbs::add_assign(&mut sum, &term);
            debug_assert!(!carry, "the residues' headroom holds the sum of products");
            sum
        };
        (0..count)
            .into_par_iter()
            .map(|i| limbs::product(&self.element(set, 0, i), &inner(i, &columns)))
            .fold(zero, add)
            .reduce(zero, add)
    }

    /// `sum +-factor x mod x_0`; the flag of a term says that it is subtracted.
    fn combination<'x>(&self, terms: impl Iterator<Item = (&'x Vec<u64>, Vec<u64>, bool)>) -> Vec<u64> {
        let length = self.modulus.width() + (self.params.alpha_prime() as usize).div_ceil(limbs::BITS) + 1;
        let mut sums = [vec![0; length], vec![0; length]];
        for (x, factor, negative) in terms {
            limbs::add_product(&mut sums[usize::from(negative)], x, &factor);
        }
        let [plus, minus] = sums.map(|sum| self.modulus.reduce(sum));
        self.modulus.sub(&plus, &minus)
    }
}

impl SecretKey {
    /// The bits of all slots: `[c]_p mod 2`.
    pub fn decrypt(&self, ciphertext: &Ciphertext) -> Vec<bool> {
        self.decrypt_all(std::slice::from_ref(ciphertext)).swap_remove(0)
    }

    /// The bits of all slots of each ciphertext, with one remainder tree for all of them.
    pub fn decrypt_all(&self, ciphertexts: &[Ciphertext]) -> Vec<Vec<bool>> {
        let residues = self.residues();
        let decrypt = |ciphertext: &Ciphertext| {
            residues.centred(&ciphertext.value).iter().map(|noise| noise.bit(0)).collect()
        };
        ciphertexts.par_iter().map(decrypt).collect()
    }

    /// The noise: the largest `log2 |[c]_p|` of all slots, 0 for a trivial ciphertext.
    pub fn noise_bits(&self, ciphertext: &Ciphertext) -> f64 {
        self.noises(ciphertext).iter().map(|noise| log2(noise.magnitude())).fold(0.0, f64::max)
    }

    /// Squashed decryption in the clear: `m = round(sum_i s_i z_i) xor c mod 2`, from the expansion `Z_i = 2^n z_i` of
    /// the ciphertext (FFHE paper, section 6.2; `scheme.md` 2.3). What a refresh computes on encrypted bits.
    pub fn decrypt_squashed(&self, ciphertext: &Ciphertext, expansion: &[u16]) -> Vec<bool> {
        let (n, size) = (self.params.n(), self.params.box_size());
        let parity = ciphertext.value[0] & 1 == 1;
        let slot = |indices: &Vec<u32>| {
            let chosen = indices.iter().enumerate().map(|(number, index)| number * size + *index as usize);
            let sum: u32 = chosen.map(|index| u32::from(expansion[index])).sum();
            let rounded = (sum + (1 << (n - 1))) >> n;
            (rounded & 1 == 1) ^ parity
        };
        self.indices.iter().map(slot).collect()
    }

    /// The centred residues of all slots.
    pub(super) fn noises(&self, ciphertext: &Ciphertext) -> Vec<BigInt> {
        self.residues().centred(&ciphertext.value)
    }
}

/// `log2` of an integer, 0 for 0.
fn log2(integer: &BigUint) -> f64 {
    let digits = integer.to_u64_digits();
    let leading =
        digits.iter().rev().take(2).fold(0.0, |value, digit| value * 2_f64.powi(64) + *digit as f64);
    if leading == 0.0 { 0.0 } else { leading.log2() + 64.0 * digits.len().saturating_sub(2) as f64 }
}
