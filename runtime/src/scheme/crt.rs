//! The secret primes as one modulus `pi`: residues of a large integer modulo all primes, and integers with given
//! residues.
//!
//! Primes are taken in groups of about [`GROUP_LIMBS`] limbs. Above the groups stand product and remainder trees, with
//! fast products; within a group everything is linear in integers of a few limbs.

use std::ops::Range;

use num_bigint::{BigInt, BigUint, Sign};
use rayon::prelude::*;
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::arith::division::{Divisor, LongDivisor};
use crate::arith::factor::Factor;
use crate::arith::limbs;
use crate::arith::tree::{ProductTree, RemainderTree};

/// Limbs of a group of primes, about.
const GROUP_LIMBS: usize = 1_000;

/// The primes in groups, and the products of the groups.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub(super) struct PrimeTree {
    primes: Vec<Vec<u64>>,
    /// Primes per group; the last group may have fewer.
    group: usize,
    products: ProductTree,
}

impl PrimeTree {
    /// The tree over at least one prime, all of the same size.
    pub(super) fn new(primes: &[BigUint]) -> PrimeTree {
        assert!(!primes.is_empty(), "a tree has leaves");
        let primes: Vec<Vec<u64>> = primes.iter().map(limbs::limbs_of).collect();
        let group = (GROUP_LIMBS / primes[0].len()).max(1);
        let products = primes
            .par_chunks(group)
            .map(|group| limbs::limbs_of(&group.iter().map(|prime| limbs::integer(prime)).product()))
            .collect();
        PrimeTree { primes, group, products: ProductTree::new(products) }
    }

    /// The primes.
    pub(super) fn primes(&self) -> impl ExactSizeIterator<Item = BigUint> {
        self.primes.iter().map(|prime| limbs::integer(prime))
    }

    /// Their product pi.
    pub(super) fn product(&self) -> &[u64] {
        self.products.product()
    }

    /// The indices of the primes in a group.
    fn members(&self, group: usize) -> Range<usize> {
        group * self.group..self.primes.len().min((group + 1) * self.group)
    }

    /// The products of the groups.
    fn group_products(&self) -> &[Vec<u64>] {
        &self.products.levels()[0]
    }
}

/// Residues modulo all primes.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub(super) struct Residues {
    tree: PrimeTree,
    long: LongDivisor,
    remainders: RemainderTree,
}

impl Residues {
    /// Prepares divisions of integers of at most `length` limbs.
    pub(super) fn new(tree: PrimeTree, length: usize) -> Residues {
        let long = LongDivisor::new(tree.product(), length);
        let remainders = RemainderTree::new(&tree.products);
        Residues { tree, long, remainders }
    }

    /// `value` modulo every prime, centred: in `(-p/2, p/2)`.
    pub(super) fn centred(&self, value: &[u64]) -> Vec<BigInt> {
        let remainder = self.long.remainder(self.long.folded(value));
        let groups = self.remainders.remainders(remainder);
        let residues = |(group, value): (usize, &Vec<u64>)| {
            let value = limbs::integer(value);
            let primes = self.tree.primes[self.tree.members(group)].iter();
            let residue = |prime: &Vec<u64>| centre(&value, &limbs::integer(prime));
            primes.map(residue).collect::<Vec<_>>()
        };
        groups.par_iter().enumerate().flat_map_iter(residues).collect()
    }
}

fn centre(value: &BigUint, prime: &BigUint) -> BigInt {
    let remainder = value % prime;
    if &remainder + &remainder > *prime {
        BigInt::from_biguint(Sign::Minus, prime - remainder)
    } else {
        remainder.into()
    }
}

/// Chinese remaindering of small residues. An integer with the residues `r_p` is `sum_p r_p e_p`, where
/// `e_p = (pi / p) ((pi / p)^-1 mod p)`: one short product per prime with its `e_p / (pi / group)`, and two products per
/// node of the tree.
pub(super) struct Crt {
    /// For each group the `e_p / (pi / group)` of its primes.
    bases: Vec<Vec<Vec<u64>>>,
    /// The nodes of the product tree, as factors for the sums of their neighbours.
    levels: Vec<Vec<Factor>>,
    /// Residues are below `2^offset_bits` in magnitude; this much is added to make them positive.
    offset_bits: u32,
    /// `pi - 2^offset_bits`, which takes it off again.
    complement: Vec<u64>,
}

impl Crt {
    /// For residues below `2^residue_bits` in magnitude. The primes must be distinct and longer than that.
    pub(super) fn new(tree: &PrimeTree, residue_bits: u32) -> Crt {
        let bases = tree.group_products().par_iter().enumerate().map(|(g, group)| basis(tree, g, group));
        // A neighbour's sum has as many limbs as the neighbour, and those of a residue and of a count of primes.
        let slack = (residue_bits as usize + 1).div_ceil(limbs::BITS) + 1;
        let levels = tree.products.levels();
        let prepare = |level: &Vec<Vec<u64>>| {
            let factor = |(i, node): (usize, &Vec<u64>)| {
                Factor::new(node, level.get(i ^ 1).map_or(0, Vec::len) + slack)
            };
            level.par_iter().enumerate().map(factor).collect()
        };
        let mut complement = tree.product().to_vec();
        let power = BigUint::from(1_u8) << residue_bits;
        let borrow = limbs::sub_assign(&mut complement, &limbs::limbs_of(&power));
        debug_assert!(!borrow, "pi is longer than a residue");
        Crt {
            bases: bases.collect(),
            levels: levels[..levels.len() - 1].iter().map(prepare).collect(),
            offset_bits: residue_bits,
            complement,
        }
    }

    /// An integer that has the given residues: not negative, and below `2^(residue_bits + 2) L pi`.
    pub(super) fn combine(&self, residues: &[BigInt]) -> Vec<u64> {
        let mut rest = residues;
        let mut sums: Vec<Vec<u64>> = Vec::with_capacity(self.bases.len());
        for basis in &self.bases {
            let (members, others) = rest.split_at(basis.len());
            sums.push(self.group_sum(basis, members));
            rest = others;
        }
        for factors in &self.levels {
            let pairs = sums.chunks(2).zip(factors.chunks(2));
            sums = pairs
                .map(|(sums, factors)| match (sums, factors) {
                    ([a, b], [p, q]) => Factor::sum_of_products(&[(q, a), (p, b)]),
                    (_, _) => sums.concat(),
                })
                .collect();
        }
        let mut total = sums.swap_remove(0);
        total.resize(total.len().max(self.complement.len()) + 1, 0);
        limbs::add_assign(&mut total, &self.complement);
        total
    }

    /// `sum (r_p + 2^offset_bits) e_p` over a group.
    fn group_sum(&self, basis: &[Vec<u64>], residues: &[BigInt]) -> Vec<u64> {
        let offset = BigInt::from(1_u8) << self.offset_bits;
        let longest = basis.iter().map(Vec::len).max().unwrap_or(0);
        let mut sum = vec![0; longest + self.offset_bits as usize / limbs::BITS + 2];
        for (element, residue) in basis.iter().zip(residues) {
            debug_assert!(residue.bits() <= u64::from(self.offset_bits), "residues are small");
            limbs::add_product(&mut sum, element, &limbs::limbs_of((residue + &offset).magnitude()));
        }
        sum
    }
}

/// `((pi / p)^-1 mod p) (group / p)` for every prime of a group.
fn basis(tree: &PrimeTree, group: usize, product: &[u64]) -> Vec<Vec<u64>> {
    // (pi / p) mod p = (pi / group mod p) (group / p mod p).
    let divisor = Divisor::new(product, product.len());
    let (others, _) = divisor.quotient_and_remainder(tree.product().to_vec());
    let others = limbs::integer(&divisor.remainder(others));
    let product = limbs::integer(product);
    let element = |prime: &Vec<u64>| {
        let prime = limbs::integer(prime);
        let neighbours = &product / &prime;
        let inverse = (&others % &prime * (&neighbours % &prime) % &prime)
            .modinv(&prime)
            .expect("the other primes are invertible modulo a prime");
        limbs::limbs_of(&(neighbours * inverse))
    };
    tree.primes[tree.members(group)].iter().map(element).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arith::primes::PrimeSource;
    use proptest::prelude::*;
    use rand_chacha::ChaCha20Rng;
    use rand_core::SeedableRng;

    proptest! {
        #[test]
        fn combined_integers_have_the_residues(
            count in 1_usize..40, bits in 64_u32..1_400, seed: u8, residues in proptest::collection::vec(any::<i32>(), 40),
        ) {
            // Without primes among them: pairwise coprime is enough.
            let mut primes: Vec<BigUint> = Vec::new();
            let mut rng = ChaCha20Rng::from_seed([seed; 32]);
            while primes.len() < count {
                let candidate = crate::arith::random::random_bits(&mut rng, bits as usize - 1)
                    | BigUint::from(1_u8) << (bits - 1) | BigUint::from(1_u8);
                if primes.iter().all(|other| num_integer::Integer::gcd(other, &candidate) == BigUint::from(1_u8)) {
                    primes.push(candidate);
                }
            }
            let residues: Vec<BigInt> = residues[..count].iter().map(|r| BigInt::from(*r)).collect();
            let tree = PrimeTree::new(&primes);
            let value = Crt::new(&tree, 33).combine(&residues);
            let bound = (limbs::integer(tree.product()) * count) << 36;
            prop_assert!(limbs::integer(&value) < bound);
            for (prime, residue) in primes.iter().zip(&residues) {
                prop_assert_eq!(&centre(&limbs::integer(&value), prime), residue);
            }
            prop_assert_eq!(Residues::new(tree, value.len()).centred(&value), residues);
        }
    }

    #[test]
    fn primes_are_grouped_and_their_residues_in_order() {
        let mut rng = ChaCha20Rng::from_seed([5; 32]);
        let primes: Vec<BigUint> = (0..6).map(|_| PrimeSource::new(64).prime_of_bits(&mut rng, 64)).collect();
        let tree = PrimeTree::new(&primes);
        assert_eq!(tree.primes().collect::<Vec<_>>(), primes);
        assert_eq!(limbs::integer(tree.product()), primes.iter().product());
    }
}
