//! Times of the integer arithmetic under the scheme, by bits of the public modulus: `cargo bench -p ffhec-runtime`.

use divan::Bencher;
use ffhec_runtime::arith::{Modulus, limbs, random};
use ffhec_runtime::params::ModulusKind;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

/// Bits of `x_0` and of `2^gamma - x_0` at `test` and `toy`.
const SIZES: [(usize, usize); 2] = [(6_000, 1_064), (157_000, 9_434)];

fn main() {
    divan::main();
}

fn operand(bits: usize, seed: u8) -> Vec<u64> {
    random::random_limbs(&mut ChaCha20Rng::from_seed([seed; 32]), bits)
}

fn width(bits: usize) -> usize {
    (bits + 16) / 64 + 1
}

fn modulus(bits: usize, value: &[u64], kind: ModulusKind) -> Modulus {
    Modulus::new(value, bits, width(bits), kind).expect("a modulus of the right form")
}

#[divan::bench(args = SIZES)]
fn product(bencher: Bencher<'_, '_>, (bits, _): (usize, usize)) {
    let (a, b) = (operand(bits, 1), operand(bits, 2));
    bencher.bench(|| limbs::product(&a, &b));
}

#[divan::bench(args = SIZES)]
fn reduce_fold(bencher: Bencher<'_, '_>, (bits, delta): (usize, usize)) {
    // 2^bits - 1 - (an even number of delta bits): bits cleared in a row of ones.
    let mut value = vec![u64::MAX; width(bits)];
    limbs::truncate_bits(&mut value, bits);
    let mut even = operand(delta, 3);
    even[0] &= !1;
    limbs::sub_assign(&mut value, &even);
    let modulus = modulus(bits, &value, ModulusKind::Fold);
    bencher.with_inputs(|| operand(2 * bits, 4)).bench_values(|x| modulus.reduce(x));
}

#[divan::bench(args = SIZES)]
fn reduce_paper(bencher: Bencher<'_, '_>, (bits, _): (usize, usize)) {
    let mut value = operand(bits, 3);
    let top = value.len() - 1;
    value[top] |= 1 << ((bits - 1) % 64);
    value[0] |= 1;
    let modulus = modulus(bits, &value, ModulusKind::Paper);
    bencher.with_inputs(|| operand(2 * bits, 4)).bench_values(|x| modulus.reduce(x));
}
