//! Times of the scheme's operations at the small presets: `cargo bench -p ffhec-runtime`.

use divan::Bencher;
use ffhec_circuit::Machine;
use ffhec_runtime::{Evaluator, KeyPair, Params, generate_keys};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

const PRESETS: [&str; 2] = ["test", "toy"];
const MEMORY_LIMIT: u64 = 1 << 30;

fn main() {
    divan::main();
}

fn keys(preset: &str) -> KeyPair {
    let params = Params::preset(preset).expect("a preset of that name");
    generate_keys(&params, &mut ChaCha20Rng::from_seed([1; 32]), None)
}

#[divan::bench(args = PRESETS, sample_count = 10)]
fn keygen(bencher: Bencher<'_, '_>, preset: &str) {
    bencher.bench(|| keys(preset));
}

#[divan::bench(args = PRESETS, sample_count = 10)]
fn encrypt(bencher: Bencher<'_, '_>, preset: &str) {
    let keys = keys(preset);
    let mut rng = ChaCha20Rng::from_seed([2; 32]);
    bencher.bench_local(|| keys.encryption.encrypt(&[true, false], &mut rng));
}

#[divan::bench(args = PRESETS, sample_count = 20)]
fn decrypt(bencher: Bencher<'_, '_>, preset: &str) {
    let keys = keys(preset);
    let ciphertext = keys.encryption.encrypt(&[true, false], &mut ChaCha20Rng::from_seed([2; 32]));
    bencher.bench(|| keys.secret.decrypt(&ciphertext));
}

#[divan::bench(args = PRESETS, sample_count = 20)]
fn add(bencher: Bencher<'_, '_>, preset: &str) {
    let keys = keys(preset);
    let machine = Evaluator::new(&keys.evaluation, MEMORY_LIMIT);
    let ciphertext = keys.encryption.encrypt(&[true, false], &mut ChaCha20Rng::from_seed([2; 32]));
    bencher.bench(|| machine.xor(&ciphertext, &ciphertext));
}

/// A product with its reduction.
#[divan::bench(args = PRESETS, sample_count = 20)]
fn multiply(bencher: Bencher<'_, '_>, preset: &str) {
    let keys = keys(preset);
    let machine = Evaluator::new(&keys.evaluation, MEMORY_LIMIT);
    let ciphertext = keys.encryption.encrypt(&[true, false], &mut ChaCha20Rng::from_seed([2; 32]));
    bencher.bench(|| machine.and(&ciphertext, &ciphertext));
}

/// One ciphertext, so one thread.
#[divan::bench(args = PRESETS, sample_count = 20)]
fn refresh(bencher: Bencher<'_, '_>, preset: &str) {
    let keys = keys(preset);
    let machine = Evaluator::new(&keys.evaluation, MEMORY_LIMIT);
    let ciphertext = keys.encryption.encrypt(&[true, false], &mut ChaCha20Rng::from_seed([2; 32]));
    bencher.bench(|| machine.refresh(&[&ciphertext]));
}
