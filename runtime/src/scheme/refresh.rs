//! Refreshing (Recrypt; FFHE paper, section 6.3; `scheme.md` 2.3, 2.4 and 10): squashed decryption on encrypted key
//! bits. In goes a batch of ciphertexts with noise up to `eta - n - 3` bits; out come ciphertexts of the same bits,
//! in every slot, with a noise that does not depend on the input's.
//!
//! 1. `patterns`: `Z_i`, the top `n + 1` bits of `c u_i mod 2^(kappa+1)`, rounded.
//! 2. `box_sums`: bit `b` of a box is the sum of those `sigma_i` whose `Z_i` has bit `b` set.
//! 3. The sums of all boxes go through the adder, and the parity of `c` is added.
//!
//! The first two steps read the whole evaluation key; the ciphertexts of a batch share the reading. The result is the
//! residue in `[0, x_0)`, so it does not depend on the size of batches, the number of threads, or the processor.

use ffhec_circuit::Machine;
use rayon::prelude::*;

use super::adder::{Carry, Ring, add_columns};
use super::boxes::{BoxSum, Columns, box_sums};
use super::buffers::{Buffer, Buffers};
use super::cipher::Ciphertext;
use super::eval::Evaluator;
use super::patterns::patterns;
use super::profile::{Phase, Profile};
use crate::arith::limbs;
use crate::arith::{Modulus, Pair};

impl Evaluator<'_> {
    /// `Z_i = round(2^n c u_i / 2^kappa) mod 2^(n+1)` for every hint.
    pub fn expand(&self, ciphertext: &Ciphertext) -> Vec<u16> {
        patterns(&self.source, &self.profile, &[&ciphertext.value]).swap_remove(0)
    }

    /// The box sums of ciphertexts with these patterns, for measurements: for each ciphertext, for each bit, least
    /// significant first, those of all boxes.
    pub fn box_sums(&self, patterns: &[Vec<u16>]) -> Vec<Vec<Vec<Vec<u64>>>> {
        let words = |column: Vec<BoxSum<'_>>| {
            column.into_iter().map(|sum| sum.settle(self.modulus()).into_words()).collect()
        };
        let columns = self.columns(patterns);
        columns.into_iter().map(|columns| columns.into_iter().map(words).collect()).collect()
    }

    fn columns(&self, patterns: &[Vec<u16>]) -> Vec<Columns<'_>> {
        box_sums(&self.source, &self.profile, &self.buffers, patterns)
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
        let columns = self.columns(&patterns);
        drop(patterns);
        columns.into_par_iter().zip(bits).map(|(columns, bit)| self.finish(bit, columns)).collect()
    }

    fn finish<'b>(&'b self, bit: &Ciphertext, columns: Columns<'b>) -> Ciphertext {
        let ring = LazyRing { modulus: self.modulus(), profile: &self.profile, buffers: &self.buffers };
        let settle = |sum: BoxSum<'b>| {
            self.profile.time(Phase::BoxSums, || Lazy { value: sum.settle(self.modulus()), terms: 1 })
        };
        let settled = columns.into_iter().map(|column| column.into_par_iter().map(settle).collect());
        let sum = add_columns(&ring, settled);
        let rounded = Ciphertext::new(self.modulus().reduce(sum.value.into_words()));
        if bit.value[0] & 1 == 1 { self.not(&rounded) } else { rounded }
    }
}

/// The most products that are summed before their inverse transform: bounds the memory for transforms, and divides
/// the fourteen of the presets.
pub(super) const SUMMED_PRODUCTS: usize = 7;

/// A sum of residues that is not reduced yet.
struct Lazy<'b> {
    value: Buffer<'b>,
    /// The value is below `terms x_0`.
    terms: u32,
}

/// The two factors of a carry.
fn factors<'c>(carry: &'c Carry<Lazy<'_>>) -> [Pair<'c>; 2] {
    match carry {
        Carry::Full([a, b, d]) => [Pair(&a.value, &b.value), Pair(&a.value, &d.value)],
        Carry::Half([a, b]) => [Pair(&a.value, &[]), Pair(&b.value, &[])],
    }
}

/// What a carry has besides their product.
fn addend<'c>(carry: &'c Carry<Lazy<'_>>) -> Option<&'c [u64]> {
    match carry {
        Carry::Full([a, ..]) => Some(&a.value),
        Carry::Half(_) => None,
    }
}

/// Ciphertexts as the adder's ring: sums are reduced only when they near the headroom, products always.
struct LazyRing<'b> {
    modulus: &'b Modulus,
    profile: &'b Profile,
    buffers: &'b Buffers,
}

impl<'b> LazyRing<'b> {
    /// The sum of a few carries.
    fn carried(&self, carries: &[Carry<Lazy<'b>>]) -> Lazy<'b> {
        self.profile.time(Phase::Adder, || {
            let terms: Vec<[Pair<'_>; 2]> = carries.iter().map(factors).collect();
            let addends: Vec<&[u64]> = carries.iter().filter_map(addend).collect();
            let sum = self.modulus.sum_of_pairs(&terms, &addends);
            Lazy { value: Buffer::adopt(sum, self.buffers), terms: 1 }
        })
    }

    fn reduced(&self, value: Vec<u64>) -> Lazy<'b> {
        Lazy { value: Buffer::adopt(self.modulus.reduce(value), self.buffers), terms: 1 }
    }
}

impl<'b> Ring for LazyRing<'b> {
    type Element = Lazy<'b>;

    fn add(&self, a: &Lazy<'b>, b: &Lazy<'b>) -> Lazy<'b> {
        self.sum(&[a, b])
    }

    fn mul(&self, a: &Lazy<'b>, b: &Lazy<'b>) -> Lazy<'b> {
        self.profile.time(Phase::Adder, || {
            let product = self.modulus.mul(&a.value, &b.value);
            Lazy { value: Buffer::adopt(product, self.buffers), terms: 1 }
        })
    }

    fn sum(&self, values: &[&Lazy<'b>]) -> Lazy<'b> {
        /// Sums of this many terms are reduced, so that no sum of two exceeds the headroom.
        const FULL: u32 = 1 << (Modulus::HEADROOM - 2);
        self.profile.time(Phase::Adder, || {
            let terms = values.iter().map(|value| value.terms).sum();
            debug_assert!(terms <= 1 << Modulus::HEADROOM);
            let mut value = self.buffers.take();
            value.shorten(self.modulus.width());
            let values: Vec<&[u64]> = values.iter().map(|value| &value.value[..]).collect();
            limbs::put_sum_of(&mut value, &values);
            if terms < FULL { Lazy { value, terms } } else { self.reduced(value.into_words()) }
        })
    }

    fn carries(&self, carries: Vec<Carry<Lazy<'b>>>) -> Vec<Lazy<'b>> {
        carries.par_chunks(1).map(|carry| self.carried(carry)).collect()
    }

    /// Sums of several products, with one inverse transform and one reduction for each.
    fn summed_carries(&self, carries: Vec<Carry<Lazy<'b>>>) -> Vec<Lazy<'b>> {
        carries.par_chunks(SUMMED_PRODUCTS).map(|group| self.carried(group)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lazy_sums_stay_within_the_headroom() {
        let modulus = Modulus::new(&[u64::MAX - 58, u64::MAX], 128, 3, crate::params::ModulusKind::Fold)
            .expect("2^128 - 59 folds");
        let (profile, buffers) = (Profile::default(), Buffers::new(3, 4));
        let ring = LazyRing { modulus: &modulus, profile: &profile, buffers: &buffers };
        let mut sum = ring.reduced(vec![u64::MAX - 59, u64::MAX]);
        for _ in 0..40 {
            sum = ring.add(&sum, &sum);
            assert!(sum.terms < 1 << (Modulus::HEADROOM - 1));
        }
        // -1 doubled forty times.
        let expected = limbs::integer(modulus.value()) - (1_u64 << 40);
        assert_eq!(limbs::integer(&modulus.reduce(sum.value.into_words())), expected);
    }
}
