//! The scheme end to end, at sizes that take no time.
#![allow(clippy::unwrap_used, reason = "tests")]

use ffhec_circuit::Machine;
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};

use super::eval::Evaluator;
use super::keys::{KeyPair, generate_keys};
use super::params::{CofactorKind, ModulusKind, Params};

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
