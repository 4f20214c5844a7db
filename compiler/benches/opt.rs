//! How long the passes take for a chain of multipliers of about 100,000 gates, and the compiler for loops and dot
//! products in f32: the times of several sizes show how compile time grows.

use divan::Bencher;
use divan::counter::ItemsCount;
use ffhec_circuit::{Builder, Circuit, Costs, NoiseBits, Port, Program, Target, Wire};
use ffhec_compiler::opt::{balance, compile_for, optimize, place_refreshes, schedule, simplify};
use ffhec_compiler::source::{NoFiles, Sources};
use ffhec_compiler::{Options, compile};

/// Products in the chain: about 100,000 gates.
const FACTORS: usize = 28;

fn main() {
    divan::main();
}

#[divan::bench(name = "simplify")]
fn simplify_chain(bencher: Bencher) {
    let circuit = chain();
    bencher.with_inputs(|| circuit.clone()).bench_values(simplify);
}

#[divan::bench(name = "balance")]
fn balance_chain(bencher: Bencher) {
    let circuit = simplify(chain());
    bencher.with_inputs(|| circuit.clone()).bench_values(balance);
}

#[divan::bench(name = "place")]
fn place_chain(bencher: Bencher) {
    let circuit = optimize(chain());
    bencher.bench(|| place_refreshes(&circuit, &target()));
}

#[divan::bench(name = "schedule")]
fn schedule_chain(bencher: Bencher) {
    let placed = place_refreshes(&optimize(chain()), &target()).expect("the target has room for one AND");
    bencher.bench(|| schedule(&placed, "toy"));
}

/// Terms of the sums that are compiled.
const TERMS: [usize; 4] = [125, 250, 500, 1000];

#[divan::bench(args = TERMS, sample_count = 3)]
fn compile_loop(bencher: Bencher, terms: usize) {
    let text = format!(
        "fn main(x: [f32; {terms}], y: [f32; {terms}]) -> f32 {{
            let mut s = 0.0;
            for i in 0..{terms} {{ s += x[i] * y[i]; }}
            s
        }}"
    );
    bencher.counter(ItemsCount::new(gates(&text))).bench(|| program(&text));
}

#[divan::bench(args = TERMS, sample_count = 3)]
fn compile_dot(bencher: Bencher, terms: usize) {
    let text = format!("fn main(x: [f32; {terms}], y: [f32; {terms}]) -> f32 {{ dot(x, y) }}");
    bencher.counter(ItemsCount::new(gates(&text))).bench(|| program(&text));
}

#[divan::bench(sample_count = 3)]
fn compile_exp(bencher: Bencher) {
    let text = "fn main(x: f32) -> f32 { exp(x) }";
    bencher.counter(ItemsCount::new(gates(text))).bench(|| program(text));
}

fn program(text: &str) -> Program {
    let mut sources = Sources::default();
    sources.add("bench.ffl", text.to_owned());
    let compiled = compile(&mut sources, &Options::default(), &mut NoFiles).expect("the program is right");
    compile_for(&compiled.circuit, &target()).expect("the target has room for one AND")
}

fn gates(text: &str) -> usize {
    program(text).circuit.gates.len()
}

/// The last of a sequence of numbers, each the product of the two before it, rotated so that the low bits do not fall to
/// constants.
fn chain() -> Circuit {
    let width = 32;
    let mut builder = Builder::new();
    builder.set_origin("chain");
    let port = |name: &str| Port { name: name.into(), kind: "bits".into(), width, range: None };
    let mut x = builder.input(port("x"));
    let mut y = builder.input(port("y"));
    for _ in 0..FACTORS {
        let mut product = multiply(&mut builder, &x, &y);
        product.rotate_left(7);
        (x, y) = (y, product);
    }
    builder.output(port("z"), &y);
    builder.finish()
}

fn multiply(builder: &mut Builder, a: &[Wire], b: &[Wire]) -> Vec<Wire> {
    let mut total = vec![builder.constant(false); a.len()];
    for (shift, &bit) in b.iter().enumerate() {
        let mut carry = builder.constant(false);
        for place in shift..a.len() {
            let (sum, term) = (total[place], builder.and(a[place - shift], bit));
            let one = builder.xor(sum, term);
            total[place] = builder.xor(one, carry);
            let both = builder.and(sum, term);
            let carried = builder.and(one, carry);
            carry = builder.or(both, carried);
        }
    }
    total
}

/// Noise figures near those of the preset `toy`.
fn target() -> Target {
    Target {
        preset: "toy".into(),
        slots: 9,
        budget: NoiseBits(1030.0),
        fresh: NoiseBits(90.0),
        refreshed: NoiseBits(491.0),
        failure_log2: -40.0,
        costs: Costs {
            xor_ns: 1e4,
            and_ns: 1e6,
            pass_ns: 0.0,
            refresh_ns: 1e8,
            encrypt_ns: 1e7,
            decrypt_ns: 1e6,
        },
        ciphertext_bytes: 20_000,
        encryption_key_bytes: 1 << 20,
        evaluation_key_bytes: 1 << 24,
    }
}
