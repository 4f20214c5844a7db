//! Refreshing (Recrypt; FFHE paper, section 6.3; `scheme.md` 2.3, 2.4 and 10): squashed decryption on encrypted key
//! bits. In goes a batch of ciphertexts with noise up to `eta - n - 3` bits; out come ciphertexts of the same bits,
//! in every slot, with a noise that does not depend on the input's.
//!
//! 1. [`patterns`]: `Z_i`, the top `n + 1` bits of `c u_i mod 2^(kappa+1)`, rounded.
//! 2. [`box_sums`]: bit `b` of a box is the sum of those `sigma_i` whose `Z_i` has bit `b` set.
//! 3. The sums of all boxes go through the adder, and the parity of `c` is added.
//!
//! The first two steps read the whole evaluation key; the ciphertexts of a batch share the reading. The result is the
//! residue in `[0, x_0)`, so it does not depend on the size of batches, the number of threads, or the processor.

use ffhec_circuit::Machine;
use rayon::prelude::*;

use super::adder::{Carry, Ring, add_columns};
use super::boxes::box_sums;
use super::cipher::Ciphertext;
use super::eval::Evaluator;
use super::patterns::patterns;
use super::profile::{Phase, Profile};
use crate::arith::Modulus;
use crate::arith::limbs;

/// The box sums of one ciphertext: for each bit, least significant first, those of all boxes.
pub type Columns = Vec<Vec<Vec<u64>>>;

impl Evaluator<'_> {
    /// `Z_i = round(2^n c u_i / 2^kappa) mod 2^(n+1)` for every hint.
    pub fn expand(&self, ciphertext: &Ciphertext) -> Vec<u16> {
        patterns(&self.source, &self.profile, &[&ciphertext.value]).swap_remove(0)
    }

    /// The box sums of ciphertexts with these patterns.
    pub fn box_sums(&self, patterns: &[Vec<u16>]) -> Vec<Columns> {
        box_sums(&self.source, &self.profile, patterns)
    }

    /// The same bits, refreshed, in batches of equal size as far as possible.
    pub(super) fn refresh_batch(&self, bits: &[&Ciphertext]) -> Vec<Ciphertext> {
        let batches = bits.len().div_ceil(self.plan.batch).max(1);
        let batch = bits.len().div_ceil(batches).max(1);
        bits.chunks(batch).flat_map(|batch| self.refresh_together(batch)).collect()
    }

    fn refresh_together(&self, bits: &[&Ciphertext]) -> Vec<Ciphertext> {
        let values: Vec<&[u64]> = bits.iter().map(|bit| &bit.value[..]).collect();
        let patterns = patterns(&self.source, &self.profile, &values);
        let columns = self.box_sums(&patterns);
        drop(patterns);
        columns.into_par_iter().zip(bits).map(|(columns, bit)| self.finish(bit, columns)).collect()
    }

    fn finish(&self, bit: &Ciphertext, columns: Columns) -> Ciphertext {
        let ring = LazyRing { modulus: self.modulus(), profile: &self.profile };
        let lazy = |column: Vec<Vec<u64>>| column.into_iter().map(|value| Lazy { value, terms: 1 }).collect();
        let sum = add_columns(&ring, columns.into_iter().map(lazy).collect());
        let rounded = Ciphertext::new(self.modulus().reduce(sum.value));
        if bit.value[0] & 1 == 1 { self.not(&rounded) } else { rounded }
    }
}

/// A sum of residues that is not reduced yet.
#[derive(Clone)]
struct Lazy {
    value: Vec<u64>,
    /// The value is below `terms x_0`.
    terms: u32,
}

impl Lazy {
    fn accumulate(&mut self, value: &[u64], terms: u32) {
        let carry = limbs::add_assign(&mut self.value, value);
        self.terms += terms;
        debug_assert!(!carry && self.terms <= 1 << Modulus::HEADROOM);
    }
}

/// Ciphertexts as the adder's ring: sums are reduced only when they near the headroom, products always.
struct LazyRing<'m> {
    modulus: &'m Modulus,
    profile: &'m Profile,
}

impl Ring for LazyRing<'_> {
    type Element = Lazy;

    fn add(&self, a: &Lazy, b: &Lazy) -> Lazy {
        /// Sums of this many terms are reduced, so that no sum of two exceeds the headroom.
        const FULL: u32 = 1 << (Modulus::HEADROOM - 2);
        self.profile.time(Phase::Adder, || {
            let mut sum = a.clone();
            sum.accumulate(&b.value, b.terms);
            if sum.terms >= FULL {
                sum = Lazy { value: self.modulus.reduce(sum.value), terms: 1 };
            }
            sum
        })
    }

    fn mul(&self, a: &Lazy, b: &Lazy) -> Lazy {
        let product = || Lazy { value: self.modulus.mul(&a.value, &b.value), terms: 1 };
        self.profile.time(Phase::Adder, product)
    }

    fn carries(&self, carries: Vec<Carry<Lazy>>) -> Vec<Lazy> {
        carries.into_par_iter().map(|carry| self.carry(&carry)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lazy_sums_stay_within_the_headroom() {
        let modulus = Modulus::new(&[u64::MAX - 58, u64::MAX], 128, 3, crate::params::ModulusKind::Fold)
            .expect("2^128 - 59 folds");
        let ring = LazyRing { modulus: &modulus, profile: &Profile::default() };
        let mut sum = Lazy { value: modulus.reduce(vec![u64::MAX - 59, u64::MAX]), terms: 1 };
        for _ in 0..40 {
            sum = ring.add(&sum, &sum);
            assert!(sum.terms < 1 << (Modulus::HEADROOM - 1));
        }
        // -1 doubled forty times.
        let expected = limbs::integer(modulus.value()) - (1_u64 << 40);
        assert_eq!(limbs::integer(&modulus.reduce(sum.value)), expected);
    }
}
