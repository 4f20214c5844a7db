//! Every product against num-bigint, with all instructions that the machine has, and identities on huge ones.

use num_bigint::BigUint;
use proptest::collection::vec;
use proptest::prelude::*;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

use super::*;
use crate::arith::limbs::{integer, limbs_of};
use crate::arith::random::random_limbs;

fn all_instructions() -> Vec<Instructions> {
    let all = [Instructions::Portable, Instructions::Avx2, Instructions::Avx512];
    all.into_iter().filter(|instructions| instructions.available()).collect()
}

fn product(instructions: Instructions, a: &[u64], b: &[u64]) -> BigUint {
    let mut out = vec![0xdead; a.len() + b.len()];
    multiply(instructions, a, b, &mut out);
    integer(&out)
}

fn limb() -> impl Strategy<Value = u64> {
    prop_oneof![Just(0), Just(u64::MAX), any::<u64>()]
}

proptest! {
    #[test]
    fn products_agree_with_num_bigint(a in vec(limb(), 0..200), b in vec(limb(), 0..200)) {
        let expected = integer(&a) * integer(&b);
        for instructions in all_instructions() {
            prop_assert_eq!(product(instructions, &a, &b), expected.clone());
            let spectrum = Spectrum::new(instructions, &b, &length_for(a.len() + b.len() + 3));
            let mut out = vec![1; a.len() + b.len() + 3];
            multiply_by(instructions, &a, &spectrum, &mut out);
            prop_assert_eq!(integer(&out), expected.clone());
        }
    }

    #[test]
    fn products_of_pairs_agree_with_num_bigint(
        terms in vec((vec(limb(), 0..40), vec(limb(), 0..40), vec(limb(), 40), vec(limb(), 40)), 0..5),
    ) {
        let expected: BigUint =
            terms.iter().map(|(a, b, c, d)| (integer(a) + integer(b)) * (integer(c) + integer(d))).sum();
        let pairs: Vec<[Pair<'_>; 2]> = terms.iter().map(|(a, b, c, d)| [Pair(a, b), Pair(c, d)]).collect();
        for instructions in all_instructions() {
            let mut out = vec![1; 81];
            multiply_pairs(instructions, &pairs, &mut out);
            prop_assert_eq!(integer(&out), expected.clone());
        }
    }

    #[test]
    fn sums_of_products_agree_with_num_bigint(
        terms in vec((vec(limb(), 40), vec(limb(), 60), vec(limb(), 60)), 0..20),
    ) {
        let expected: BigUint =
            terms.iter().map(|(a, b, c)| integer(a) * (integer(b) + integer(c))).sum();
        let length = length_for(101);
        for instructions in all_instructions() {
            let new = |limbs: &Vec<u64>| Spectrum::new(instructions, limbs, &length);
            let spectra: Vec<(Spectrum, Spectrum)> = terms.iter().map(|(a, b, c)| {
                let mut sum = new(b);
                sum.add_assign(&new(c));
                (new(a), sum)
            }).collect();
            let pairs: Vec<(&Spectrum, &Spectrum)> = spectra.iter().map(|(a, b)| (a, b)).collect();
            let mut out = vec![1; 101];
            sum_of_products(instructions, &pairs, &mut out);
            prop_assert_eq!(integer(&out), expected.clone());
        }
    }
}

/// Sizes around those where the parts of the length change, and where passes recurse.
const SIZES: [(usize, usize); 12] = [
    (1, 1),
    (4, 4),
    (5, 4),
    (64, 64),
    (65, 64),
    (1_000, 9),
    (1_040, 1_000),
    (2_048, 2_048),
    (2_049, 2_048),
    (5_000, 4_000),
    (20_000, 12_770),
    (33_000, 1_000),
];

#[test]
fn the_largest_coefficients_do_not_overflow() {
    for (la, lb) in SIZES {
        let (a, b) = (vec![u64::MAX; la], vec![u64::MAX; lb]);
        // (B^la - 1) (B^lb - 1)
        let power = |limbs: usize| BigUint::from(1_u8) << (64 * limbs);
        let expected = power(la + lb) + 1_u8 - power(la) - power(lb);
        for instructions in all_instructions() {
            assert_eq!(product(instructions, &a, &b), expected, "{la} by {lb} limbs, {instructions:?}");
        }
    }
}

#[test]
fn random_products_agree_with_num_bigint() {
    let mut rng = ChaCha20Rng::from_seed([9; 32]);
    for (la, lb) in SIZES {
        let (a, b) = (random_limbs(&mut rng, 64 * la), random_limbs(&mut rng, 64 * lb));
        let expected = integer(&a) * integer(&b);
        let square = integer(&a) * integer(&a);
        for instructions in all_instructions() {
            assert_eq!(product(instructions, &a, &b), expected, "{la} by {lb} limbs, {instructions:?}");
            assert_eq!(product(instructions, &a, &a), square, "{la} limbs squared, {instructions:?}");
        }
    }
}

#[test]
fn transforms_are_the_same_bits_with_all_instructions() {
    let mut rng = ChaCha20Rng::from_seed([10; 32]);
    for limbs in [1, 60, 3_000, 40_000] {
        let x = random_limbs(&mut rng, 64 * limbs);
        let length = length_for(limbs * 3 / 2);
        let spectra = all_instructions().into_iter().map(|i| Spectrum::new(i, &x, &length));
        let mut rows = spectra.map(|spectrum| spectrum.rows);
        let first = rows.next();
        assert!(rows.all(|other| Some(other) == first), "{limbs} limbs");
    }
}

#[test]
fn transforms_of_every_depth_evaluate_at_the_roots_and_invert() {
    let mut rng = ChaCha20Rng::from_seed([13; 32]);
    for levels in [0, 1, 2, 3, 7, 8, 9, 10, 13, 14, 15] {
        let rows = 1_usize << levels;
        let limbs = random_limbs(&mut rng, 64 * LANES * rows - 100);
        for i in 0..PRIMES {
            let at = transformer(Portable, i);
            let mut plain = vec![Row::ZERO; rows];
            Portable.run(Residues {
                prime: at.prime,
                limbs: &limbs,
                plus: &[],
                rows: &mut plain,
                onto: Onto::Replace,
            });
            let mut transformed = plain.clone();
            at.forward(Portable, &mut transformed);
            // The first row is the polynomial at the root z with y - z: the product of the left factors' choices.
            let z = if levels == 0 {
                at.prime.p - 1
            } else {
                at.twiddles.level::<Portable>(at.prime, levels - 1)[0].w
            };
            for lane in 0..LANES {
                let horner = plain
                    .iter()
                    .rev()
                    .fold(0, |value, row| (at.prime.mul(value, z) + row.0[lane]) % at.prime.p);
                assert_eq!(transformed[0].0[lane], horner, "{rows} rows, lane {lane}");
            }
            at.inverse(Portable, &mut transformed);
            for (row, plain) in transformed.iter().zip(&plain) {
                for (x, y) in row.0.iter().zip(plain.0) {
                    assert_eq!(x % at.prime.p, at.prime.mul(y, rows as u64));
                }
            }
        }
    }
}

/// Products too large to compare with num-bigint in reasonable time: all ones, and reduction modulo word primes.
fn check_huge(limbs: usize) {
    let mut rng = ChaCha20Rng::from_seed([11; 32]);
    let (a, b) = (random_limbs(&mut rng, 64 * limbs), random_limbs(&mut rng, 64 * limbs - 640));
    let ones = vec![u64::MAX; limbs];
    let remainder = |x: &[u64], prime: u64| {
        x.iter().rev().fold(0_u64, |high, limb| {
            ((u128::from(high) << 64 | u128::from(*limb)) % u128::from(prime)) as u64
        })
    };
    for instructions in all_instructions() {
        let mut out = vec![0; a.len() + b.len()];
        multiply(instructions, &a, &b, &mut out);
        for prime in [(1 << 61) - 1, 0xffff_ffff_ffff_ffc5, 1_000_000_007] {
            let expected =
                u128::from(remainder(&a, prime)) * u128::from(remainder(&b, prime)) % u128::from(prime);
            assert_eq!(u128::from(remainder(&out, prime)), expected, "{limbs} limbs, {instructions:?}");
        }
        // (B^n - 1)^2 = B^2n - 2 B^n + 1
        let mut square = vec![0; 2 * limbs];
        multiply(instructions, &ones, &ones, &mut square);
        assert!(square[0] == 1 && square[1..limbs].iter().all(|limb| *limb == 0));
        assert!(square[limbs] == u64::MAX - 1 && square[limbs + 1..].iter().all(|limb| *limb == u64::MAX));
    }
}

#[test]
fn products_of_large_operands_are_right() {
    check_huge(100_000);
}

#[test]
#[ignore = "takes a minute: cargo test --release -p ffhec-runtime huge -- --ignored"]
fn products_of_huge_operands_are_right() {
    for bits in [21_015_000_usize, 50_000_000, 134_000_000] {
        check_huge(bits / 64);
    }
    let mut rng = ChaCha20Rng::from_seed([12; 32]);
    let (a, b) = (random_limbs(&mut rng, 50_000_000), random_limbs(&mut rng, 50_000_000));
    let expected = limbs_of(&(integer(&a) * integer(&b)));
    for instructions in all_instructions() {
        let mut out = vec![0; a.len() + b.len()];
        multiply(instructions, &a, &b, &mut out);
        assert!(out == expected, "{instructions:?}");
    }
}
