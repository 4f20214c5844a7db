//! Times of the integer arithmetic under the scheme, by preset: `cargo bench -p ffhec-runtime --bench arith`. Each
//! operation is measured with the best instructions of the machine and with the portable ones, and beside num-bigint.

use divan::Bencher;
use ffhec_runtime::arith::{Instructions, Modulus, limbs, random};
use ffhec_runtime::params::ModulusKind;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

/// A preset, bits of its `x_0`, and bits of `2^gamma - x_0`.
type Size = (&'static str, usize, usize);

const SIZES: [Size; 5] = [
    ("test", 6_000, 1_064),
    ("toy", 157_000, 9_434),
    ("small", 901_000, 57_674),
    ("medium", 4_563_000, 311_114),
    ("large", 21_015_000, 1_438_954),
];

/// Where num-bigint takes less than a second.
const MODERATE: [Size; 4] = [SIZES[0], SIZES[1], SIZES[2], SIZES[3]];

const BEST: Instructions = Instructions::Avx512;
const PORTABLE: Instructions = Instructions::Portable;

fn main() {
    divan::main();
}

fn operand(bits: usize, seed: u8) -> Vec<u64> {
    random::random_limbs(&mut ChaCha20Rng::from_seed([seed; 32]), bits)
}

fn width(bits: usize) -> usize {
    (bits + 16) / 64 + 1
}

/// `2^bits - 1 - (an even number of delta bits)`, or any odd number.
fn modulus(instructions: Instructions, (_, bits, delta): Size, kind: ModulusKind) -> Modulus {
    let mut value = operand(bits, 3);
    value.resize(width(bits), 0);
    if kind == ModulusKind::Fold {
        value.fill(u64::MAX);
        limbs::truncate_bits(&mut value, bits);
        let mut even = operand(delta, 3);
        even[0] &= !1;
        limbs::sub_assign(&mut value, &even);
    }
    value[(bits - 1) / 64] |= 1 << ((bits - 1) % 64);
    value[0] |= 1;
    Modulus::with_instructions(instructions, &value, bits, width(bits), kind)
        .expect("a modulus of the right form")
}

fn bench_mul(bencher: Bencher<'_, '_>, modulus: &Modulus, bits: usize) {
    let (a, b) = (operand(bits, 1), operand(bits, 2));
    bencher.bench_local(|| modulus.mul(&a, &b));
}

#[divan::bench_group(sample_count = 20, max_time = 2)]
mod product {
    use super::*;

    fn bench(bencher: Bencher<'_, '_>, instructions: Instructions, (_, bits, _): Size) {
        let (a, b) = (operand(bits, 1), operand(bits, 2));
        bencher.bench_local(|| limbs::product_with(instructions, &a, &b));
    }

    #[divan::bench(args = SIZES)]
    fn best(bencher: Bencher<'_, '_>, size: Size) {
        bench(bencher, BEST, size);
    }

    #[divan::bench(args = SIZES)]
    fn portable(bencher: Bencher<'_, '_>, size: Size) {
        bench(bencher, PORTABLE, size);
    }

    #[divan::bench(args = MODERATE)]
    fn num_bigint(bencher: Bencher<'_, '_>, (_, bits, _): Size) {
        let (a, b) = (limbs::integer(&operand(bits, 1)), limbs::integer(&operand(bits, 2)));
        bencher.bench_local(|| &a * &b);
    }
}

/// A product with its reduction.
#[divan::bench_group(sample_count = 20, max_time = 2)]
mod product_mod_x0 {
    use super::*;

    #[divan::bench(args = SIZES)]
    fn fold(bencher: Bencher<'_, '_>, size: Size) {
        bench_mul(bencher, &modulus(BEST, size, ModulusKind::Fold), size.1);
    }

    #[divan::bench(args = SIZES)]
    fn fold_portable(bencher: Bencher<'_, '_>, size: Size) {
        bench_mul(bencher, &modulus(PORTABLE, size, ModulusKind::Fold), size.1);
    }

    #[divan::bench(args = MODERATE)]
    fn paper(bencher: Bencher<'_, '_>, size: Size) {
        bench_mul(bencher, &modulus(BEST, size, ModulusKind::Paper), size.1);
    }

    #[divan::bench(args = [SIZES[0], SIZES[1], SIZES[2]])]
    fn num_bigint(bencher: Bencher<'_, '_>, size: Size) {
        let x_0 = limbs::integer(modulus(BEST, size, ModulusKind::Paper).value());
        let (a, b) = (limbs::integer(&operand(size.1, 1)), limbs::integer(&operand(size.1, 2)));
        bencher.bench_local(|| &a * &b % &x_0);
    }
}

/// The parts of a product with its reduction.
#[divan::bench_group(sample_count = 20, max_time = 2)]
mod steps {
    use super::*;

    #[divan::bench(args = SIZES)]
    fn transform(bencher: Bencher<'_, '_>, size: Size) {
        let modulus = modulus(BEST, size, ModulusKind::Fold);
        let a = operand(size.1, 1);
        bencher.bench_local(|| modulus.transform(&a));
    }

    #[divan::bench(args = SIZES)]
    fn reduce(bencher: Bencher<'_, '_>, size: Size) {
        let modulus = modulus(BEST, size, ModulusKind::Fold);
        let x = operand(2 * size.1, 4);
        bencher.with_inputs(|| x.clone()).bench_local_values(|x| modulus.reduce(x));
    }

    /// A product of transformed operands, with its reduction.
    #[divan::bench(args = SIZES)]
    fn mul_transformed(bencher: Bencher<'_, '_>, size: Size) {
        let modulus = modulus(BEST, size, ModulusKind::Fold);
        let (a, b) = (modulus.transform(&operand(size.1, 1)), modulus.transform(&operand(size.1, 2)));
        bencher.bench_local(|| modulus.mul_transformed(&a, &b));
    }

    /// Four products of transformed operands, with one reduction.
    #[divan::bench(args = SIZES)]
    fn sum_of_four(bencher: Bencher<'_, '_>, size: Size) {
        let modulus = modulus(BEST, size, ModulusKind::Fold);
        let (a, b) = (modulus.transform(&operand(size.1, 1)), modulus.transform(&operand(size.1, 2)));
        let terms = [(&a, &b), (&a, &b), (&a, &a), (&b, &b)];
        bencher.bench_local(|| modulus.sum_of_products(&terms, &[]));
    }
}

/// Around the sizes where transforms take over from other products.
#[divan::bench_group(sample_count = 50, max_time = 1)]
mod crossover {
    use super::*;

    const LIMBS: [usize; 10] = [16, 24, 32, 48, 64, 96, 128, 192, 256, 384];

    #[divan::bench(args = LIMBS)]
    fn best(bencher: Bencher<'_, '_>, limbs: usize) {
        let (a, b) = (operand(64 * limbs, 1), operand(64 * limbs, 2));
        bencher.bench_local(|| limbs::product_with(BEST, &a, &b));
    }

    #[divan::bench(args = LIMBS)]
    fn portable(bencher: Bencher<'_, '_>, limbs: usize) {
        let (a, b) = (operand(64 * limbs, 1), operand(64 * limbs, 2));
        bencher.bench_local(|| limbs::product_with(PORTABLE, &a, &b));
    }

    #[divan::bench(args = LIMBS)]
    fn num_bigint(bencher: Bencher<'_, '_>, limbs: usize) {
        let (a, b) = (limbs::integer(&operand(64 * limbs, 1)), limbs::integer(&operand(64 * limbs, 2)));
        bencher.bench_local(|| &a * &b);
    }
}
