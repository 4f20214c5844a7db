//! Times of the scheme's operations, by preset: `cargo bench -p ffhec-runtime --bench scheme`. The presets `medium` and
//! `large` take long to make keys for, and are measured on request: `FFHEC_BENCH=medium,large cargo bench ..`.

use divan::Bencher;
use ffhec_circuit::Machine;
use ffhec_runtime::{Ciphertext, Evaluator, KeyPair, Params, generate_keys};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

const MEMORY_LIMIT: u64 = 6 << 30;

/// Ciphertexts of a level.
const LEVELS: [usize; 3] = [1, 8, 64];

fn main() {
    ffhec_runtime::memory::keep_freed_memory();
    divan::main();
}

fn presets() -> Vec<String> {
    match std::env::var("FFHEC_BENCH") {
        Ok(names) => names.split(',').map(str::to_owned).collect(),
        Err(_) => ["test", "toy", "small"].map(str::to_owned).to_vec(),
    }
}

fn levels() -> Vec<(String, usize)> {
    presets().into_iter().flat_map(|preset| LEVELS.map(|level| (preset.clone(), level))).collect()
}

fn make_keys(preset: &str) -> KeyPair {
    let params = Params::preset(preset).expect("a preset of that name");
    generate_keys(&params, &mut ChaCha20Rng::from_seed([1; 32]), None)
}

/// The keys of a preset, made once.
fn keys(preset: &str) -> Arc<KeyPair> {
    static KEYS: Mutex<BTreeMap<String, Arc<KeyPair>>> = Mutex::new(BTreeMap::new());
    let mut keys = KEYS.lock().expect("no benchmark panics");
    keys.entry(preset.to_owned()).or_insert_with(|| Arc::new(make_keys(preset))).clone()
}

fn encrypted(keys: &KeyPair, count: usize) -> Vec<Ciphertext> {
    let mut rng = ChaCha20Rng::from_seed([2; 32]);
    (0..count).map(|_| keys.encryption.encrypt(&[true, false], &mut rng)).collect()
}

#[divan::bench(args = presets(), sample_count = 5)]
fn keygen(bencher: Bencher<'_, '_>, preset: &str) {
    bencher.bench(|| make_keys(preset));
}

#[divan::bench(args = presets(), sample_count = 10)]
fn encrypt(bencher: Bencher<'_, '_>, preset: &str) {
    let keys = keys(preset);
    let mut rng = ChaCha20Rng::from_seed([2; 32]);
    bencher.bench_local(|| keys.encryption.encrypt(&[true, false], &mut rng));
}

#[divan::bench(args = presets(), sample_count = 10)]
fn decrypt(bencher: Bencher<'_, '_>, preset: &str) {
    let keys = keys(preset);
    let ciphertext = encrypted(&keys, 1).swap_remove(0);
    bencher.bench(|| keys.secret.decrypt(&ciphertext));
}

#[divan::bench(args = presets(), sample_count = 20)]
fn add(bencher: Bencher<'_, '_>, preset: &str) {
    let keys = keys(preset);
    let machine = Evaluator::new(&keys.evaluation, 0);
    let ciphertext = encrypted(&keys, 1).swap_remove(0);
    bencher.bench(|| machine.xor(&ciphertext, &ciphertext));
}

/// A product with its reduction.
#[divan::bench(args = presets(), sample_count = 20)]
fn multiply(bencher: Bencher<'_, '_>, preset: &str) {
    let keys = keys(preset);
    let machine = Evaluator::new(&keys.evaluation, 0);
    let ciphertext = encrypted(&keys, 1).swap_remove(0);
    bencher.bench(|| machine.and(&ciphertext, &ciphertext));
}

/// The patterns of one ciphertext, on all threads, the hints being expanded anew.
#[divan::bench(args = presets(), sample_count = 10)]
fn expand(bencher: Bencher<'_, '_>, preset: &str) {
    let keys = keys(preset);
    let machine = Evaluator::new(&keys.evaluation, 0);
    let ciphertext = encrypted(&keys, 1).swap_remove(0);
    bencher.bench(|| machine.expand(&ciphertext));
}

/// The box sums of a level, on all threads.
#[divan::bench(args = levels(), sample_count = 5)]
fn box_sums(bencher: Bencher<'_, '_>, (preset, level): &(String, usize)) {
    let keys = keys(preset);
    let machine = Evaluator::new(&keys.evaluation, MEMORY_LIMIT);
    let ciphertexts = encrypted(&keys, *level);
    let patterns: Vec<_> = ciphertexts.iter().map(|ciphertext| machine.expand(ciphertext)).collect();
    bencher.bench(|| machine.box_sums(&patterns));
}

/// A level, on all threads.
#[divan::bench(args = levels(), sample_count = 3)]
fn refresh(bencher: Bencher<'_, '_>, (preset, level): &(String, usize)) {
    let keys = keys(preset);
    let machine = Evaluator::new(&keys.evaluation, MEMORY_LIMIT);
    let ciphertexts = encrypted(&keys, *level);
    let level: Vec<&Ciphertext> = ciphertexts.iter().collect();
    bencher.bench(|| machine.refresh(&level));
}
