//! The scheme end to end, at sizes that take no time.
#![allow(clippy::unwrap_used, reason = "tests")]

use ffhec_circuit::Machine;
use num_bigint::{BigInt, BigUint};
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};

use super::adder::{Ring, add_columns};
use super::cipher::Ciphertext;
use super::digits::Kernels;
use super::element::Set;
use super::eval::{Evaluator, Plan};
use super::keys::{EvaluationKey, KeyPair, generate_keys};
use super::params::{CofactorKind, Literal, ModulusKind, Params};
use crate::arith::limbs;

const PLENTY: u64 = 1 << 30;

fn rng(seed: u8) -> ChaCha20Rng {
    ChaCha20Rng::from_seed([seed; 32])
}

fn random_bits(rng: &mut ChaCha20Rng, count: usize) -> Vec<bool> {
    (0..count).map(|_| rng.next_u32() & 1 == 1).collect()
}

fn variants(name: &str) -> [Params; 2] {
    let fold = Params::preset(name).unwrap();
    let paper = fold.with_modulus(ModulusKind::Paper, CofactorKind::SmallFactorFree).unwrap();
    [fold, paper]
}

fn zip(a: &[bool], b: &[bool], f: fn(bool, bool) -> bool) -> Vec<bool> {
    a.iter().zip(b).map(|(a, b)| f(*a, *b)).collect()
}

/// Everything that ciphertexts can do, on `rounds` pairs of random matrices.
fn check_end_to_end(keys: &KeyPair, memory_limit: u64, rounds: usize, seed: u8) {
    let mut rng = rng(seed);
    let (secret, machine) = (&keys.secret, Evaluator::new(&keys.evaluation, memory_limit));
    let params = machine.params().clone();
    let budget = f64::from(params.noise_budget());
    for _ in 0..rounds {
        let (x, y) = (random_bits(&mut rng, params.slots()), random_bits(&mut rng, params.slots()));
        let [a, b] = [&x, &y].map(|bits| keys.encryption.encrypt(bits, &mut rng));
        assert_eq!(secret.decrypt(&a), x);
        let fresh = f64::from(params.alpha_prime() + params.rho_prime() + 2);
        assert!(secret.noise_bits(&a) < fresh, "{} of {fresh}", secret.noise_bits(&a));
        assert_eq!(secret.decrypt(&machine.xor(&a, &b)), zip(&x, &y, |x, y| x ^ y));
        assert_eq!(secret.decrypt(&machine.not(&a)), zip(&x, &x, |x, _| !x));
        let mut product = machine.and(&a, &b);
        let mut expected = zip(&x, &y, |x, y| x & y);
        // Chains of products, each of two refreshed ciphertexts; the last factors are refreshed in one batch.
        for _ in 0..2 {
            assert_eq!(secret.decrypt(&product), expected);
            assert!(secret.noise_bits(&product) <= budget);
            assert_eq!(secret.decrypt_squashed(&product, &machine.expand(&product)), expected);
            let other = machine.xor(&product, &b);
            let refreshed = machine.refresh(&[&product, &other, &a]);
            assert_eq!(secret.decrypt(&refreshed[0]), expected);
            assert_eq!(secret.decrypt(&refreshed[2]), x);
            assert!(2.0 * secret.noise_bits(&refreshed[0]) <= budget);
            product = machine.and(&refreshed[1], &refreshed[0]);
            expected = zip(&expected, &y, |e, y| e & (e ^ y));
        }
    }
    for bit in [false, true] {
        let constant = machine.constant(bit);
        assert_eq!(secret.decrypt(&constant), vec![bit; params.slots()]);
        assert_eq!(secret.decrypt(&machine.refresh(&[&constant])[0]), vec![bit; params.slots()]);
    }
}

#[test]
fn ciphertexts_compute_at_test_with_either_modulus() {
    for params in variants("test") {
        let keys = generate_keys(&params, &mut rng(1), None);
        check_end_to_end(&keys, PLENTY, 20, 2);
    }
}

#[test]
fn ciphertexts_compute_at_toy_with_either_modulus() {
    for params in variants("toy") {
        let keys = generate_keys(&params, &mut rng(3), None);
        check_end_to_end(&keys, PLENTY, 1, 4);
    }
}

#[test]
fn rough_cofactors_work() {
    let params =
        Params::preset("test").unwrap().with_modulus(ModulusKind::Paper, CofactorKind::Rough).unwrap();
    check_end_to_end(&generate_keys(&params, &mut rng(5), None), PLENTY, 2, 6);
}

#[test]
fn short_messages_are_padded_with_zeros() {
    let keys = generate_keys(&Params::preset("test").unwrap(), &mut rng(7), None);
    let ciphertext = keys.encryption.encrypt(&[true], &mut rng(8));
    assert_eq!(keys.secret.decrypt(&ciphertext), [true, false, false, false]);
    assert_eq!(keys.secret.decrypt(&keys.encryption.encrypt(&[], &mut rng(8))), [false; 4]);
}

/// Residues as plain integers.
struct Integers<'a>(&'a BigUint);

impl Ring for Integers<'_> {
    type Element = BigUint;

    fn add(&self, a: &BigUint, b: &BigUint) -> BigUint {
        (a + b) % self.0
    }

    fn mul(&self, a: &BigUint, b: &BigUint) -> BigUint {
        a * b % self.0
    }
}

/// A refresh by its definition (`scheme.md` 2.3 and 2.4), on plain integers.
fn refresh_by_definition(key: &EvaluationKey, ciphertext: &Ciphertext) -> (Vec<u16>, BigUint) {
    let params = key.params();
    let modulus = limbs::integer(key.modulus.value());
    let c = limbs::integer(&ciphertext.value);
    let shift = params.kappa() - params.n();
    let half = BigUint::from(1_u8) << (shift - 1);
    let patterns: Vec<u16> = (0..params.hints())
        .map(|i| {
            (((&c * limbs::integer(&key.hint(i)) + &half) >> shift) % (2_u32 << params.n()))
                .try_into()
                .unwrap()
        })
        .collect();
    let sum = |number: usize, bit: u32| -> BigUint {
        let range = number * params.box_size()..(number + 1) * params.box_size();
        let chosen = range.filter(|i| patterns[*i] >> bit & 1 == 1);
        chosen.map(|i| limbs::integer(&key.key_bit(i))).sum::<BigUint>() % &modulus
    };
    let column = |bit| (0..params.theta()).map(|number| sum(number, bit)).collect();
    let columns: Vec<Vec<BigUint>> = (0..=params.n()).map(column).collect();
    let rounded = add_columns(&Integers(&modulus), columns);
    (patterns, (rounded + c % 2_u8) % modulus)
}

/// Refreshes of `count` ciphertexts with every processor's code, several memory limits and numbers of threads, against
/// the definition.
fn check_against_definition(params: &Params, count: usize, limits: &[u64], seed: u8) {
    let mut rng = rng(seed);
    let keys = generate_keys(params, &mut rng, None);
    let mut batch: Vec<Ciphertext> = (1..count)
        .map(|_| keys.encryption.encrypt(&random_bits(&mut rng, params.slots()), &mut rng))
        .collect();
    batch.push(Ciphertext::trivial(true, params.limbs()));
    let expected: Vec<_> = batch.iter().map(|c| refresh_by_definition(&keys.evaluation, c)).collect();
    let batch: Vec<&Ciphertext> = batch.iter().collect();
    for threads in [1, 2, 3] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            for limit in limits {
                for kernels in [Kernels::Portable, Kernels::detect()] {
                    let machine = Evaluator::with_kernels(&keys.evaluation, *limit, kernels);
                    let refreshed = machine.refresh(&batch);
                    assert_eq!(refreshed.len(), batch.len());
                    for (refreshed, (patterns, expected)) in refreshed.iter().zip(&expected) {
                        assert_eq!(refreshed.value.len(), params.limbs());
                        assert!(limbs::integer(&refreshed.value) == *expected, "limit {limit}, {kernels:?}");
                        assert_eq!(patterns.len(), params.hints());
                    }
                    assert_eq!(machine.expand(batch[0]), expected[0].0);
                }
            }
            assert!(Evaluator::new(&keys.evaluation, PLENTY).refresh(&[]).is_empty());
        });
    }
}

#[test]
fn refreshes_are_those_of_the_definition_at_test() {
    for params in variants("test") {
        check_against_definition(&params, 7, &[0, 20_000, 100_000, PLENTY], 9);
    }
}

#[test]
fn refreshes_are_those_of_the_definition_at_toy() {
    check_against_definition(&Params::preset("toy").unwrap(), 3, &[0, PLENTY], 10);
}

/// A length that ends within a span of tiles.
#[test]
fn refreshes_are_those_of_the_definition_with_long_ciphertexts() {
    let test = Params::preset("test").unwrap().literal().clone();
    let params =
        Params::new(Literal { name: "long".to_owned(), gamma: 60_000, lambda: 16, eta: 700, ..test })
            .unwrap();
    check_against_definition(&params, 2, &[0, PLENTY], 12);
}

/// Boxes whose sums go by pattern, and boxes of more hints than are held at once.
#[test]
fn refreshes_are_those_of_the_definition_with_large_boxes() {
    let test = Params::preset("test").unwrap().literal().clone();
    for box_size in [41, 700, 1300] {
        let params = Params::new(Literal { name: "boxes".to_owned(), box_size, ..test.clone() }).unwrap();
        check_against_definition(&params, 2, &[0, PLENTY], 11);
    }
}

#[test]
fn the_memory_limit_decides_what_is_kept_and_how_many_share_a_pass() {
    let keys = generate_keys(&Params::preset("test").unwrap(), &mut rng(9), None);
    let plan = |limit| {
        rayon::ThreadPoolBuilder::new()
            .num_threads(2)
            .build()
            .unwrap()
            .install(|| Evaluator::new(&keys.evaluation, limit).plan())
    };
    // 3 boxes of 3 bits and 3 more residues of 95 words; 12 hints and chis of 95 and 94 words.
    let Plan { kept_bytes, each_bytes, .. } = plan(0);
    assert_eq!((each_bytes, kept_bytes), (12 * 95 * 8, 12 * (95 + 94) * 8));
    let decided = |limit| (plan(limit).batch, plan(limit).kept);
    assert_eq!(decided(0), (2, false));
    assert_eq!(decided(3 * each_bytes), (3, false));
    assert_eq!(decided(8 * each_bytes + kept_bytes - 1), (8, false));
    assert_eq!(decided(8 * each_bytes + kept_bytes), (8, true));
    assert_eq!(decided(u64::MAX), (8, true));
}

#[test]
fn refreshes_at_toy_are_right_in_every_slot() {
    let keys = generate_keys(&Params::preset("toy").unwrap(), &mut rng(11), None);
    let machine = Evaluator::new(&keys.evaluation, PLENTY);
    let mut rng = rng(12);
    let messages: Vec<Vec<bool>> = (0..12).map(|_| random_bits(&mut rng, 9)).collect();
    let fresh: Vec<Ciphertext> =
        messages.iter().map(|message| keys.encryption.encrypt(message, &mut rng)).collect();
    let refreshed = machine.refresh(&fresh.iter().collect::<Vec<_>>());
    for (message, ciphertext) in messages.iter().zip(&refreshed) {
        assert_eq!(&keys.secret.decrypt(ciphertext), message);
        // Measured mean 457, 99.99 % below 491 (scheme.md 11.2).
        let noise = keys.secret.noise_bits(ciphertext);
        assert!((400.0..500.0).contains(&noise), "{noise}");
    }
}

/// `value` modulo `prime`, centred, by plain division.
fn centred(value: &[u64], prime: &[u64]) -> BigInt {
    let prime = limbs::integer(prime);
    let remainder = limbs::integer(value) % &prime;
    let wrapped = if &remainder * 2_u8 > prime { BigInt::from(prime) } else { BigInt::from(0) };
    BigInt::from(remainder) - wrapped
}

#[test]
fn key_elements_have_the_residues_of_the_three_sets() {
    for params in variants("test") {
        let keys = generate_keys(&params, &mut rng(13), None);
        let power = |bits: u32| BigInt::from(1) << bits;
        let is_noise = |residue: &BigInt, bits: u32| {
            !residue.bit(0) && residue.magnitude() < power(bits + 1).magnitude()
        };
        let (side, rho) = (params.side(), params.rho());
        let multiples = [params.multiples().0, params.multiples().1];
        for half in [0_u8, 1] {
            for (slot, prime) in keys.secret.primes.iter().enumerate() {
                for i in 0..params.beta() {
                    let residue = centred(&keys.encryption.element(Set::First, half, i), prime);
                    assert!(is_noise(&residue, params.rho_first()), "{residue}");
                }
                let coordinate = if half == 0 { slot / side } else { slot % side };
                for i in 0..side {
                    let indicator = BigInt::from(i32::from(i == coordinate));
                    let residue = centred(&keys.encryption.element(Set::Second, half, i), prime) - &indicator;
                    assert!(is_noise(&residue, rho), "{residue}");
                    let multiple = indicator << multiples[usize::from(half)];
                    let residue = centred(&keys.encryption.element(Set::Third, half, i), prime) - multiple;
                    assert!(is_noise(&residue, rho), "{residue}");
                }
            }
        }
        for (slot, prime) in keys.secret.primes.iter().enumerate() {
            for i in 0..params.hints() {
                let (number, within) = (i / params.box_size(), i % params.box_size());
                let bit = i32::from(keys.secret.indices[slot][number] as usize == within);
                let residue = centred(&keys.evaluation.key_bit(i), prime) - bit;
                assert!(is_noise(&residue, rho), "{residue}");
            }
        }
    }
}

#[test]
fn chosen_hints_sum_to_the_inverse_of_the_prime() {
    let keys = generate_keys(&Params::preset("test").unwrap(), &mut rng(14), None);
    let params = keys.secret.params();
    let modulus = BigUint::from(1_u8) << (params.kappa() + 1);
    for (prime, indices) in keys.secret.primes.iter().zip(&keys.secret.indices) {
        let positions =
            indices.iter().enumerate().map(|(number, i)| number * params.box_size() + *i as usize);
        let sum: BigUint = positions.map(|i| limbs::integer(&keys.evaluation.hint(i))).sum();
        let prime = limbs::integer(prime);
        // | p sum - 2^kappa | <= p / 2.
        let product = BigInt::from(sum % modulus.clone() * &prime) - BigInt::from(modulus.clone() >> 1);
        assert!(product.magnitude() * 2_u8 <= prime);
    }
}

#[test]
fn moduli_have_the_form_asked_for() {
    for params in variants("toy") {
        let keys = generate_keys(&params, &mut rng(15), None);
        let modulus = limbs::integer(keys.evaluation.modulus.value());
        assert_eq!(modulus.bits(), u64::from(params.gamma()));
        for prime in &keys.secret.primes {
            assert_eq!(&modulus % limbs::integer(prime), BigUint::from(0_u8));
        }
        let distance = ((BigUint::from(1_u8) << params.gamma()) - &modulus).bits();
        let primes = u64::from(params.eta()) * params.slots() as u64;
        assert_eq!(distance <= primes + 75, params.modulus() == ModulusKind::Fold);
        for small in crate::arith::primes::primes_below(2_000) {
            assert!(&modulus % small != BigUint::from(0_u8));
        }
    }
}

#[test]
fn equal_seeds_give_equal_bytes_with_any_number_of_threads() {
    for params in variants("test") {
        let bytes = |seed: u8, threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| {
                let mut rng = rng(seed);
                let keys = generate_keys(&params, &mut rng, None);
                let ciphertext = keys.encryption.encrypt(&[true, true, false], &mut rng);
                let refreshed = Evaluator::new(&keys.evaluation, 0).refresh(&[&ciphertext]).swap_remove(0);
                [
                    keys.secret.to_bytes(),
                    keys.encryption.to_bytes(),
                    keys.evaluation.to_bytes(),
                    ciphertext.to_bytes(&params),
                    refreshed.to_bytes(&params),
                ]
            })
        };
        let expected = bytes(16, 1);
        assert!(bytes(16, 3) == expected);
        assert!(bytes(17, 1).iter().zip(&expected).all(|(other, bytes)| other != bytes));
    }
}

#[test]
fn progress_counts_every_stage_to_its_end() {
    let reports = std::sync::Mutex::new(Vec::new());
    let report = |progress| reports.lock().unwrap().push(progress);
    let params = Params::preset("test").unwrap();
    generate_keys(&params, &mut rng(18), Some(&report));
    let reports = reports.into_inner().unwrap();
    for (stage, total) in [("secret primes", 4), ("public modulus", 1), ("encrypted key bits", 12)] {
        let mut done: Vec<usize> =
            reports.iter().filter(|report| report.stage == stage).map(|report| report.done).collect();
        done.sort_unstable();
        assert_eq!(done, (1..=total).collect::<Vec<_>>());
        assert!(reports.iter().filter(|report| report.stage == stage).all(|report| report.total == total));
    }
}
