//! Refreshing (Recrypt; FFHE paper, section 6.3; `scheme.md` 2.3, 2.4 and 10): squashed decryption on encrypted key
//! bits. In goes a batch of ciphertexts with noise up to `eta - n - 3` bits; out come ciphertexts of the same bits,
//! in every slot, with a noise that does not depend on the input's.
//!
//! 1. Expand: `Z_i`, the top `n + 1` bits of `c u_i mod 2^(kappa+1)`, rounded.
//! 2. Box sums: bit `b` of a box is the sum of those `sigma_i` whose `Z_i` has bit `b` set.
//! 3. The sums of all boxes go through the adder, and the parity of `c` is added.

use ffhec_circuit::Machine;
use rayon::prelude::*;

use super::adder::{Ring, add_columns};
use super::cipher::Ciphertext;
use super::eval::{Evaluator, HintPair};
use super::keys::EvaluationKey;
use super::params::Params;
use crate::arith::Modulus;
use crate::arith::limbs::{self, BITS};

/// All hint pairs, if they take at most three quarters of the memory limit.
pub(super) fn expand_all(key: &EvaluationKey, memory_limit: u64) -> Option<Vec<HintPair>> {
    let bytes = pair_bytes(key.params()) * key.params().hints() as u64;
    (bytes <= memory_limit / 4 * 3).then(|| expand_range(key, 0..key.params().hints()))
}

fn expand_range(key: &EvaluationKey, range: std::ops::Range<usize>) -> Vec<HintPair> {
    range.into_par_iter().map(|i| HintPair { hint: key.hint(i), key_bit: key.key_bit(i) }).collect()
}

/// Whether a batch has too few ciphertexts to keep all threads busy with one each.
fn is_narrow(batch: usize) -> bool {
    batch < rayon::current_num_threads()
}

fn pair_bytes(params: &Params) -> u64 {
    2 * 8 * params.limbs() as u64
}

impl Evaluator<'_> {
    /// `Z_i = round(2^n c u_i / 2^kappa) mod 2^(n+1)` for every hint.
    pub fn expand(&self, ciphertext: &Ciphertext) -> Vec<u16> {
        let n = self.params().n();
        match &self.expanded {
            Some(pairs) => pairs.iter().map(|pair| pattern(&ciphertext.value, &pair.hint, n)).collect(),
            None => {
                (0..self.params().hints()).map(|i| pattern(&ciphertext.value, &self.key.hint(i), n)).collect()
            }
        }
    }

    /// The same bits, refreshed. With all hints in memory every ciphertext is done on its own; otherwise as many as
    /// the memory limit allows share one pass over the hints.
    pub(super) fn refresh_batch(&self, bits: &[&Ciphertext]) -> Vec<Ciphertext> {
        match &self.expanded {
            Some(pairs) => {
                let alone = is_narrow(bits.len());
                bits.par_iter().map(|bit| self.refresh_one(bit, pairs, alone)).collect()
            }
            None => bits.chunks(self.batch_size()).flat_map(|chunk| self.refresh_chunk(chunk)).collect(),
        }
    }

    fn refresh_one(&self, bit: &Ciphertext, pairs: &[HintPair], alone: bool) -> Ciphertext {
        let mut gather = Gather::new(self.params());
        for pairs in pairs.chunks(self.params().box_size()) {
            gather.absorb(bit, pairs);
            gather.close_box(&self.key.modulus);
        }
        self.finish(bit, gather, alone)
    }

    /// One pass over all hints for all of `bits`, one piece of a box at a time.
    fn refresh_chunk(&self, bits: &[&Ciphertext]) -> Vec<Ciphertext> {
        let params = self.params();
        let tile = usize::try_from(self.memory_limit / 4 / pair_bytes(params)).unwrap_or(usize::MAX).max(1);
        let mut gathers: Vec<Gather> = bits.iter().map(|_| Gather::new(params)).collect();
        for number in 0..params.theta() {
            let (start, end) = (number * params.box_size(), (number + 1) * params.box_size());
            for from in (start..end).step_by(tile) {
                let pairs = expand_range(self.key, from..end.min(from.saturating_add(tile)));
                gathers.par_iter_mut().zip(bits).for_each(|(gather, bit)| gather.absorb(bit, &pairs));
            }
            gathers.par_iter_mut().for_each(|gather| gather.close_box(&self.key.modulus));
        }
        let alone = is_narrow(bits.len());
        gathers.into_par_iter().zip(bits).map(|(gather, bit)| self.finish(bit, gather, alone)).collect()
    }

    /// How many ciphertexts share a pass: half the memory limit goes to their box sums.
    fn batch_size(&self) -> usize {
        let params = self.params();
        let residues = params.theta() as u64 * u64::from(params.n() + 1) + (2 << params.n());
        let each = residues * params.limbs() as u64 * 8;
        usize::try_from(self.memory_limit / 2 / each).unwrap_or(usize::MAX).max(rayon::current_num_threads())
    }

    fn finish(&self, bit: &Ciphertext, gather: Gather, alone: bool) -> Ciphertext {
        let ring = LazyRing { modulus: &self.key.modulus, parallel: alone };
        let sum = add_columns(&ring, gather.columns);
        let rounded = Ciphertext::new(self.key.modulus.reduce(sum.value));
        if bit.value[0] & 1 == 1 { self.not(&rounded) } else { rounded }
    }
}

/// The box sums of one ciphertext, as they grow.
struct Gather {
    n: u32,
    /// For each pattern `Z`, the sum of the current box's `sigma_i` with `Z_i = Z`.
    buckets: Vec<Option<Lazy>>,
    /// For each bit, the sums of the finished boxes.
    columns: Vec<Vec<Lazy>>,
}

impl Gather {
    fn new(params: &Params) -> Gather {
        let columns = (0..=params.n()).map(|_| Vec::with_capacity(params.theta())).collect();
        Gather { n: params.n(), buckets: vec![None; 2 << params.n()], columns }
    }

    /// Adds each `sigma_i` to the bucket of its pattern.
    fn absorb(&mut self, ciphertext: &Ciphertext, pairs: &[HintPair]) {
        for pair in pairs {
            let pattern = pattern(&ciphertext.value, &pair.hint, self.n);
            if pattern != 0 {
                merge(&mut self.buckets[usize::from(pattern)], &pair.key_bit, 1);
            }
        }
    }

    /// Turns the buckets into the box's bit sums. From the top bit down, the buckets with the bit set add up to its
    /// sum and then move to the bucket without it.
    fn close_box(&mut self, modulus: &Modulus) {
        for bit in (0..=self.n).rev() {
            let upper = self.buckets.split_off(1 << bit);
            let mut sum = None;
            for (lower, bucket) in self.buckets.iter_mut().zip(upper) {
                if let Some(bucket) = bucket {
                    merge(&mut sum, &bucket.value, bucket.terms);
                    merge(lower, &bucket.value, bucket.terms);
                }
            }
            let sum = sum.map_or_else(|| vec![0; modulus.width()], |sum| modulus.reduce(sum.value));
            self.columns[bit as usize].push(Lazy { value: sum, terms: 1 });
        }
        self.buckets.clear();
        self.buckets.resize_with(2 << self.n, || None);
    }
}

/// Adds to a sum that may still be empty.
fn merge(sum: &mut Option<Lazy>, value: &[u64], terms: u32) {
    match sum {
        Some(sum) => sum.accumulate(value, terms),
        None => *sum = Some(Lazy { value: value.to_vec(), terms }),
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
    /// Whether independent products are spread over the threads.
    parallel: bool,
}

impl Ring for LazyRing<'_> {
    type Element = Lazy;

    fn add(&self, a: &Lazy, b: &Lazy) -> Lazy {
        /// Sums of this many terms are reduced, so that no sum of two exceeds the headroom.
        const FULL: u32 = 1 << (Modulus::HEADROOM - 2);
        let mut sum = a.clone();
        sum.accumulate(&b.value, b.terms);
        if sum.terms >= FULL {
            sum = Lazy { value: self.modulus.reduce(sum.value), terms: 1 };
        }
        sum
    }

    fn mul(&self, a: &Lazy, b: &Lazy) -> Lazy {
        Lazy { value: self.modulus.mul(&a.value, &b.value), terms: 1 }
    }

    fn mul_all(&self, pairs: &[(Lazy, Lazy)]) -> Vec<Lazy> {
        let mul = |(a, b): &(Lazy, Lazy)| self.mul(a, b);
        if self.parallel { pairs.par_iter().map(mul).collect() } else { pairs.iter().map(mul).collect() }
    }
}

/// `Z = round(2^n c u / 2^kappa) mod 2^(n+1)`, from the top word of `c u mod 2^(kappa+1)`.
///
/// Only words of that weight and the carries from one word below are summed: `2 W` word products, and the window is
/// too small by less than `2 W` units in its last place, far below the precision that rounding needs.
fn pattern(c: &[u64], u: &[u64], n: u32) -> u16 {
    debug_assert_eq!(c.len(), u.len());
    let low = c.iter().zip(u.iter().rev()).fold(0_u64, |sum, (a, b)| sum.wrapping_add(a.wrapping_mul(*b)));
    let high = c
        .iter()
        .zip(u.iter().rev().skip(1))
        .fold(0_u64, |sum, (a, b)| sum.wrapping_add(((u128::from(*a) * u128::from(*b)) >> BITS) as u64));
    let window = low.wrapping_add(high);
    let rounded = ((window >> (u64::BITS - n - 2)) + 1) >> 1;
    (rounded & ((2 << n) - 1)) as u16
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn patterns_are_the_rounded_top_bits_of_the_product(
            c in vec(any::<u64>(), 20), u in vec(any::<u64>(), 20), n in 2_u32..6,
        ) {
            let kappa = 20 * BITS - 1;
            let shift = kappa - n as usize;
            let half = num_bigint::BigUint::from(1_u8) << (shift - 1);
            let rounded = (limbs::integer(&c) * limbs::integer(&u) + half) >> shift;
            let expected = rounded % (2_u64 << n);
            prop_assert_eq!(num_bigint::BigUint::from(pattern(&c, &u, n)), expected);
        }
    }

    #[test]
    fn lazy_sums_stay_within_the_headroom() {
        let modulus = Modulus::new(&[u64::MAX - 58, u64::MAX], 128, 3, crate::params::ModulusKind::Fold)
            .expect("2^128 - 59 folds");
        let ring = LazyRing { modulus: &modulus, parallel: false };
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
