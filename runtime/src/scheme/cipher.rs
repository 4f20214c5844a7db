//! Ciphertexts: public-key encryption of a matrix of bits, decryption, and the noise as the secret key sees it.

use std::sync::Arc;

use num_bigint::{BigInt, BigUint};
use rand_chacha::ChaCha20Rng;
use rand_core::Rng;
use rayon::prelude::*;

use super::element::{Label, Seed, Set, stream};
use super::keys::{EncryptionKey, SecretKey};
use crate::arith::Transformed;
use crate::arith::forms::Variables;
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

/// Rows of multipliers that are taken together, over all matrices: their sums, and the transforms of as many key
/// elements, are in memory at once.
const ROWS_TOGETHER: usize = 24;

impl EncryptionKey {
    /// Encrypts one bit per slot, row by row; missing bits are 0 (FFHE paper, section 5.2; `scheme.md` 1.3).
    ///
    /// # Panics
    /// If there are more bits than slots.
    pub fn encrypt(&self, slots: &[bool], rng: &mut ChaCha20Rng) -> Ciphertext {
        self.encrypt_all(&[slots], rng).swap_remove(0)
    }

    /// Encrypts matrices of bits; the same as encrypting one after the other. Each key element is generated and
    /// transformed once for all of them.
    ///
    /// A ciphertext is `sum m x'_{u,0} x'_{v,1} + sum b' Pi_{u,0} Pi_{v,1} + sum b x_{i,0} x_{j,1} mod x_0`. Each double
    /// sum is evaluated as `sum_i x_{i,0} (sum_j b_{i,j} x_{j,1})`: the inner sums are linear forms with short
    /// multipliers, and for the outer ones take `beta + 2l` products, whose transforms are added up before they are
    /// transformed back.
    ///
    /// # Panics
    /// If a matrix has more bits than there are slots.
    pub fn encrypt_all<M: AsRef<[bool]> + Sync>(
        &self,
        matrices: &[M],
        rng: &mut ChaCha20Rng,
    ) -> Vec<Ciphertext> {
        let params = &self.params;
        for slots in matrices {
            let count = slots.as_ref().len();
            assert!(count <= params.slots(), "{count} bits for {} slots", params.slots());
        }
        let seeds: Vec<Seed> = matrices
            .iter()
            .map(|_| {
                let mut seed = Seed::default();
                rng.fill_bytes(&mut seed);
                seed
            })
            .collect();
        let (alpha, alpha_prime, side) = (params.alpha() as usize, params.alpha_prime(), params.side());
        let mut totals = vec![vec![0; self.modulus.width()]; matrices.len()];
        self.add_double_sums(&mut totals, Set::First, alpha, 0, |matrix, row| {
            let mut multipliers = stream(&seeds[matrix], Label::Row, row);
            (0..params.beta()).map(|_| random_limbs(&mut multipliers, alpha)).collect()
        });
        self.add_double_sums(&mut totals, Set::Second, 1, 0, |matrix, row| {
            let slots = matrices[matrix].as_ref();
            let bit = |column| slots.get(row * side + column).is_some_and(|bit| *bit);
            (0..side).map(|column| vec![u64::from(bit(column))]).collect()
        });
        // Multipliers in (-2^alpha', 2^alpha'): made positive, and what is too much taken off the sums.
        let offset = BigInt::from(1_u8) << alpha_prime;
        self.add_double_sums(
            &mut totals,
            Set::Third,
            alpha_prime as usize + 1,
            alpha_prime,
            |matrix, row| {
                let mut multipliers = stream(&seeds[matrix], Label::Multiple, row);
                let mut multiplier = || random_noise(&mut multipliers, alpha_prime) + &offset;
                (0..side).map(|_| limbs::limbs_of(multiplier().magnitude())).collect()
            },
        );
        totals.into_iter().map(Ciphertext::new).collect()
    }

    /// Adds `sum_i x_{i,0} sum_j (b_{i,j} - offset) x_{j,1}` to the total of each matrix, where
    /// `multipliers(matrix, i)` gives the `b_{i,j}`, of at most `bits` bits, and offset is `2^offset_bits`, or 0.
    fn add_double_sums(
        &self,
        totals: &mut [Vec<u64>],
        set: Set,
        bits: usize,
        offset_bits: u32,
        multipliers: impl Fn(usize, usize) -> Vec<Vec<u64>> + Sync,
    ) {
        let modulus = &self.modulus;
        let count = self.count(set);
        let columns: Vec<Vec<u64>> = (0..count).into_par_iter().map(|j| self.element(set, 1, j)).collect();
        let excess = (offset_bits > 0).then(|| {
            let offset = BigUint::from(1_u8) << offset_bits;
            let mut sum = vec![0; modulus.width() + offset_bits as usize / limbs::BITS + 2];
            columns.iter().for_each(|x| limbs::add_product(&mut sum, x, &limbs::limbs_of(&offset)));
            modulus.reduce(sum)
        });
        let columns = Variables::new(columns, bits);
        // One sum of transforms takes all of a block's products.
        let block = usize::try_from(modulus.product_headroom()).unwrap_or(usize::MAX).clamp(1, ROWS_TOGETHER);
        let matrices = (ROWS_TOGETHER / block).max(1);
        for from in (0..count).step_by(block) {
            let rows: Vec<usize> = (from..count.min(from + block)).collect();
            let elements: Vec<Transformed> =
                rows.par_iter().map(|i| modulus.transform(&self.element(set, 0, *i))).collect();
            for (part, totals) in totals.chunks_mut(matrices).enumerate() {
                let pairs: Vec<(usize, usize)> = (0..totals.len())
                    .flat_map(|matrix| rows.iter().map(move |row| (part * matrices + matrix, *row)))
                    .collect();
                let multipliers: Vec<Vec<Vec<u64>>> =
                    pairs.par_iter().map(|(matrix, row)| multipliers(*matrix, *row)).collect();
                let sums = columns.evaluate(&multipliers).into_par_iter().map(|sum| {
                    let sum = modulus.reduce(sum);
                    match &excess {
                        Some(excess) => modulus.transform(&modulus.sub(&sum, excess)),
                        None => modulus.transform(&sum),
                    }
                });
                let sums: Vec<Transformed> = sums.collect();
                totals.par_iter_mut().zip(sums.par_chunks(rows.len())).for_each(|(total, sums)| {
                    let terms: Vec<_> = elements.iter().zip(sums).collect();
                    *total = modulus.sum_of_products(&terms, &[total]);
                });
            }
        }
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
