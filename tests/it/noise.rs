//! The noise that the secret key measures on every wire never exceeds what the compiler predicts for it.
//!
//! `FFHEC_NOISE_RUNS=1000 cargo test --release --test it at_test -- --nocapture` and, with 20 runs, `at_toy`, measure more
//! than a test should and print the figures.

use ffhec_circuit::{Program, evaluate_all};
use ffhec_compiler::opt::compile_for;
use ffhec_compiler::source::{NoFiles, Sources};
use ffhec_compiler::{Options, compile};
use ffhec_runtime::{Evaluator, Params, generate_keys};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// A product and a comparison of small integers: every wire is an AND output, a sum, or refreshed.
const PROGRAM: &str =
    "fn main(a: uint<3>, b: uint<3>) -> (product: uint<3>, less: bool) { (a * b + a, a * b < b) }";

fn program(params: &Params) -> Program {
    let mut sources = Sources::default();
    sources.add("program.ffl", PROGRAM);
    let compiled = compile(&mut sources, &Options::default(), &mut NoFiles).unwrap();
    compile_for(&compiled.circuit, &params.target()).unwrap()
}

/// Runs per key: those of a test, or those asked for.
fn runs(usual: usize) -> usize {
    std::env::var("FFHEC_NOISE_RUNS").ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

/// Runs the program `runs` times with each of `keys` key pairs; returns the largest predicted and measured noise.
fn compare(preset: &str, keys: u64, runs: usize) -> (f64, f64) {
    let params = Params::preset(preset).unwrap();
    let program = program(&params);
    let predicted = program.noise(&params.target()).wires;
    let mut most = (0.0_f64, 0.0_f64);
    for key in 0..keys {
        let mut rng = ChaCha20Rng::seed_from_u64(key);
        let pair = generate_keys(&params, &mut rng, None);
        let evaluator = Evaluator::new(&pair.evaluation, 1 << 30);
        for _ in 0..runs {
            let rows: Vec<u64> = (0..params.slots()).map(|_| rng.next_u64()).collect();
            let inputs: Vec<_> = (0..program.circuit.input_bits())
                .map(|bit| {
                    let slots: Vec<bool> = rows.iter().map(|row| row >> bit & 1 == 1).collect();
                    pair.encryption.encrypt(&slots, &mut rng)
                })
                .collect();
            let values = evaluate_all(&program.circuit, &evaluator, &inputs);
            for (wire, (value, bound)) in values.iter().zip(&predicted).enumerate() {
                let measured = pair.secret.noise_bits(value);
                let gate = program.circuit.gates[wire];
                assert!(
                    measured <= bound.0,
                    "wire {wire} ({gate:?}): measured {measured}, predicted {}",
                    bound.0
                );
                most = (most.0.max(bound.0), most.1.max(measured));
            }
            for (slot, row) in rows.iter().enumerate() {
                let (a, b) = (row & 7, row >> 3 & 7);
                let bits =
                    program.circuit.output_wires.iter().enumerate().map(|(bit, wire)| {
                        u64::from(pair.secret.decrypt(&values[wire.index()])[slot]) << bit
                    });
                let expected = (a * b + a) & 7 | u64::from(a * b % 8 < b) << 3;
                assert_eq!(bits.sum::<u64>(), expected, "a {a}, b {b}, slot {slot}");
            }
        }
    }
    println!(
        "{preset}, {keys} keys x {runs} runs: predicted at most {:.1} bits, measured at most {:.1}",
        most.0, most.1
    );
    most
}

#[test]
fn measured_noise_stays_below_the_prediction_at_test() {
    compare("test", 20, runs(10));
}

#[test]
fn measured_noise_stays_below_the_prediction_at_toy_and_within_60_bits_of_it() {
    let (predicted, measured) = compare("toy", 4, runs(8));
    assert!(predicted - measured <= 60.0, "predicted {predicted}, measured at most {measured}");
}
