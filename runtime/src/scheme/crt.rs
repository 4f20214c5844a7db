//! The secret primes' product and remainder trees: residues of a large integer modulo all primes, and the integer
//! with given residues.

use num_bigint::{BigInt, BigUint, Sign};
use rayon::prelude::*;

use crate::arith::limbs;

/// Products of the primes: level 0 holds the primes, the last level their product pi. An odd node out is carried up.
pub(super) struct ProductTree {
    levels: Vec<Vec<BigUint>>,
}

impl ProductTree {
    /// The tree over at least one prime.
    pub(super) fn new(primes: Vec<BigUint>) -> ProductTree {
        assert!(!primes.is_empty(), "a tree has leaves");
        let mut levels = vec![primes];
        while let Some(below) = levels.last().filter(|level| level.len() > 1) {
            let above = below.par_chunks(2).map(|pair| pair.iter().product()).collect();
            levels.push(above);
        }
        ProductTree { levels }
    }

    /// The primes.
    pub(super) fn primes(&self) -> &[BigUint] {
        &self.levels[0]
    }

    /// Their product.
    pub(super) fn product(&self) -> &BigUint {
        &self.levels[self.levels.len() - 1][0]
    }

    /// `value` modulo every prime, in `[0, p)`.
    pub(super) fn remainders(&self, value: &BigUint) -> Vec<BigUint> {
        let mut remainders = vec![value % self.product()];
        for level in self.levels.iter().rev().skip(1) {
            remainders = level.par_iter().enumerate().map(|(i, node)| &remainders[i / 2] % node).collect();
        }
        remainders
    }

    /// `value` modulo every prime, centred: in `(-p/2, p/2)`.
    pub(super) fn centred(&self, value: &BigUint) -> Vec<BigInt> {
        self.remainders(value).into_iter().zip(self.primes()).map(|(r, p)| centre(r, p)).collect()
    }
}

fn centre(remainder: BigUint, prime: &BigUint) -> BigInt {
    if &remainder + &remainder > *prime {
        BigInt::from_biguint(Sign::Minus, prime - remainder)
    } else {
        remainder.into()
    }
}

/// Chinese remaindering over the primes of a tree.
pub(super) struct Crt<'t> {
    tree: &'t ProductTree,
    /// `(pi / p)^-1 mod p` for every prime.
    inverses: Vec<BigUint>,
}

impl Crt<'_> {
    /// Precomputes the inverses. The primes must be distinct.
    pub(super) fn new(tree: &ProductTree) -> Crt<'_> {
        let inverse = |prime: &BigUint| {
            (tree.product() / prime).modinv(prime).expect("the other primes are invertible modulo a prime")
        };
        Crt { tree, inverses: tree.primes().par_iter().map(inverse).collect() }
    }

    /// The integer in `[0, pi)` with the given residues.
    pub(super) fn combine(&self, residues: &[BigInt]) -> BigUint {
        debug_assert_eq!(residues.len(), self.inverses.len());
        let terms = residues.iter().zip(self.tree.primes()).zip(&self.inverses);
        let mut values: Vec<BigUint> =
            terms.map(|((residue, prime), inverse)| lift(residue, prime) * inverse % prime).collect();
        for level in &self.tree.levels {
            let pairs = values.chunks(2).zip(level.chunks(2));
            values = pairs
                .map(|(value, modulus)| match (value, modulus) {
                    ([a, b], [p, q]) => a * q + b * p,
                    (_, _) => value[0].clone(),
                })
                .collect();
        }
        values.swap_remove(0) % self.tree.product()
    }
}

/// The representative of `residue` in `[0, p)`.
fn lift(residue: &BigInt, prime: &BigUint) -> BigUint {
    let magnitude = residue.magnitude() % prime;
    if residue.sign() == Sign::Minus && magnitude.bits() > 0 { prime - magnitude } else { magnitude }
}

/// Reduces integers much longer than a fixed modulus: cut into blocks as long as the modulus, each block times its
/// power of two modulo the modulus, and one division at the end. A product per block instead of a division.
pub(super) struct LongRemainder {
    modulus: BigUint,
    /// Limbs of a block.
    block: usize,
    /// `2^(64 block k) mod modulus` for `k = 1, 2, ..`.
    powers: Vec<Vec<u64>>,
}

impl LongRemainder {
    /// For integers of at most `bits` bits.
    pub(super) fn new(modulus: &BigUint, bits: usize) -> LongRemainder {
        let block = (modulus.bits() as usize).div_ceil(limbs::BITS);
        let base = (BigUint::from(1_u8) << (block * limbs::BITS)) % modulus;
        let count = bits.div_ceil(block * limbs::BITS).saturating_sub(1);
        let powers = std::iter::successors(Some(base.clone()), |power| Some(power * &base % modulus));
        LongRemainder {
            modulus: modulus.clone(),
            block,
            powers: powers.take(count).map(|p| limbs::limbs_of(&p)).collect(),
        }
    }

    /// `value` modulo the modulus.
    pub(super) fn remainder(&self, value: &[u64]) -> BigUint {
        debug_assert!(value.len() <= self.block * (self.powers.len() + 1));
        let mut sum = vec![0; 2 * self.block + 1];
        let (low, high) = value.split_at(self.block.min(value.len()));
        limbs::add_assign(&mut sum, low);
        for (block, power) in high.chunks(self.block).zip(&self.powers) {
            limbs::add_assign(&mut sum, &limbs::product(block, power));
        }
        limbs::integer(&sum) % &self.modulus
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn long_remainders_agree_with_division(
            modulus in proptest::collection::vec(any::<u64>(), 1..5), value in proptest::collection::vec(any::<u64>(), 0..30),
        ) {
            let modulus = limbs::integer(&modulus) + 2_u8;
            let expected = limbs::integer(&value) % &modulus;
            prop_assert_eq!(LongRemainder::new(&modulus, 30 * 64).remainder(&value), expected);
        }

        #[test]
        fn combined_integers_have_the_residues(count in 1_usize..8, residues in proptest::collection::vec(-6_i32..7, 8)) {
            let primes: Vec<BigUint> = [13_u32, 17, 19, 1009, 65_537, 23, 29].map(BigUint::from)[..count.min(7)].to_vec();
            let residues: Vec<BigInt> = residues[..primes.len()].iter().map(|r| BigInt::from(*r)).collect();
            let tree = ProductTree::new(primes);
            let value = Crt::new(&tree).combine(&residues);
            prop_assert!(value < *tree.product());
            prop_assert_eq!(tree.centred(&(value + tree.product() * 5_u8)), residues);
        }
    }
}
