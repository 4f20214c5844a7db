//! The standard library held to what its doc comments say: the largest error of every function over every input of
//! the formats of up to 16 bits, and over a seeded sample of f32 and f64; the values at the edges; and the table of
//! `docs/stdlib.md`, with the number of AND gates of each function.
//!
//! An error in ulp is |result - exact| / u, with u the distance between neighbouring values of the format at the exact
//! result. The references are the f64 functions of Rust's standard library, which are exact enough for formats of up to
//! 24 bits of precision; for f64 itself their own error (below 1 ulp) is part of what is measured.
//!
//! After a change that is meant to change the numbers: `STDLIB_DOC=write cargo test -p ffhec-compiler --test stdlib`.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeMap;
use std::fmt::Write as _;

use ffhec_circuit::{Circuit, Gate, Plain, evaluate};
use ffhec_compiler::float::lower::lower;
use ffhec_compiler::source::{NoFiles, Sources};
use ffhec_compiler::{Options, analyze};

/// A format as this test decodes it, independently of the compiler.
#[derive(Clone, Copy, Debug)]
struct Format {
    name: &'static str,
    exponent_bits: u32,
    precision: u32,
    ieee: bool,
}

const PAPER: Format = Format { name: "float<5, 11>", exponent_bits: 5, precision: 11, ieee: false };
const F16: Format = Format { name: "f16", exponent_bits: 5, precision: 11, ieee: true };
const BF16: Format = Format { name: "bf16", exponent_bits: 8, precision: 8, ieee: true };
const F32: Format = Format { name: "f32", exponent_bits: 8, precision: 24, ieee: true };
const F64: Format = Format { name: "f64", exponent_bits: 11, precision: 53, ieee: true };
const FORMATS: [Format; 5] = [PAPER, F16, BF16, F32, F64];

impl Format {
    fn bits(self) -> u32 {
        self.exponent_bits + self.precision
    }

    fn bias(self) -> i32 {
        (1 << (self.exponent_bits - 1)) - 1
    }

    fn decode(self, bits: u64) -> f64 {
        if self.precision == 53 {
            return f64::from_bits(bits);
        }
        let places = self.precision - 1;
        let field = i32::try_from((bits >> places) & ((1 << self.exponent_bits) - 1)).unwrap();
        let fraction = (bits & ((1 << places) - 1)) as f64 / (1_u64 << places) as f64;
        let size = match (self.ieee, field) {
            (false, 0) => 0.0,
            (true, 0) => fraction * 2_f64.powi(1 - self.bias()),
            (true, top) if top == (1 << self.exponent_bits) - 1 => {
                if fraction == 0.0 { f64::INFINITY } else { f64::NAN }
            }
            _ => (1.0 + fraction) * 2_f64.powi(field - self.bias()),
        };
        if bits >> (self.bits() - 1) == 1 { -size } else { size }
    }

    fn largest(self) -> f64 {
        let top = (1 << self.exponent_bits) - 1 - i32::from(self.ieee) - self.bias();
        (2.0 - 2_f64.powi(1 - i32::try_from(self.precision).unwrap())) * 2_f64.powi(top)
    }

    fn smallest_normal(self) -> f64 {
        2_f64.powi(1 - self.bias())
    }

    /// The distance between neighbouring values at `exact`.
    fn ulp(self, exact: f64) -> f64 {
        let lowest = 1 - self.bias();
        let exponent = if exact == 0.0 { lowest } else { exponent(exact).max(lowest) };
        2_f64.powi(exponent - i32::try_from(self.precision).unwrap() + 1)
    }

    /// The error of a result in ulp; results beyond the format's range must be what its arithmetic makes of them.
    fn error(self, result: f64, exact: f64) -> f64 {
        if exact.is_nan() {
            return if result.is_nan() || !self.ieee { 0.0 } else { f64::INFINITY };
        }
        if exact.abs() > self.largest() {
            let near = exact.abs() < self.largest() + 2.0 * self.ulp(self.largest());
            let saturated = if self.ieee { f64::INFINITY } else { self.largest() };
            let right = result == saturated.copysign(exact) || near && result.abs() == self.largest();
            return if right { 0.0 } else { f64::INFINITY };
        }
        if !self.ieee && exact.abs() < self.smallest_normal() && exact != 0.0 {
            let right = result == 0.0 || result == self.smallest_normal().copysign(exact);
            return if right { 0.0 } else { f64::INFINITY };
        }
        if result == exact { 0.0 } else { (result - exact).abs() / self.ulp(exact) }
    }
}

/// floor(log2 |x|) of a finite number that is not 0.
fn exponent(x: f64) -> i32 {
    let field = i32::try_from((x.to_bits() >> 52) & 0x7ff).unwrap();
    if field > 0 { field - 1023 } else { -1011 - i32::try_from((x.to_bits() << 12).leading_zeros()).unwrap() - 12 }
}

/// A function of one argument and what it should give.
struct Function {
    name: &'static str,
    exact: fn(f64) -> f64,
    /// Inputs of which the doc comment promises something, beyond the special values.
    domain: fn(f64) -> bool,
}

const FUNCTIONS: &[Function] = &[
    Function { name: "exp", exact: f64::exp, domain: |_| true },
    Function { name: "exp2", exact: f64::exp2, domain: |_| true },
    Function { name: "ln", exact: f64::ln, domain: |x| x > 0.0 },
    Function { name: "log2", exact: f64::log2, domain: |x| x > 0.0 },
    Function { name: "log10", exact: f64::log10, domain: |x| x > 0.0 },
    Function { name: "recip", exact: |x| 1.0 / x, domain: |x| x != 0.0 },
    Function { name: "recip_taylor", exact: |x| 1.0 / x, domain: |x| x != 0.0 },
    Function { name: "sqrt", exact: f64::sqrt, domain: |x| x >= 0.0 },
    Function { name: "sin", exact: f64::sin, domain: |x| x.abs() < 512.0 },
    Function { name: "cos", exact: f64::cos, domain: |x| x.abs() < 512.0 },
    Function { name: "tanh", exact: f64::tanh, domain: |_| true },
    Function { name: "sigmoid", exact: sigmoid, domain: |_| true },
    Function { name: "silu", exact: |x| x * sigmoid(x), domain: |x| x.is_finite() },
    Function { name: "relu", exact: |x| if x < 0.0 { 0.0 } else { x }, domain: |_| true },
];

fn sigmoid(x: f64) -> f64 {
    let z = (-x.abs()).exp();
    if x < 0.0 { z / (1.0 + z) } else { 1.0 / (1.0 + z) }
}

fn compile(text: &str) -> Circuit {
    let mut sources = Sources::default();
    sources.add("test.ffl", text);
    match analyze(&mut sources, &Options::default(), &mut NoFiles) {
        Ok(analysis) => lower(&analysis.graph, 20_000_000).unwrap(),
        Err(found) => panic!("{text}\n{}", ffhec_compiler::diag::render(&found, &sources, false)),
    }
}

fn circuit_of(function: &str, format: Format) -> Circuit {
    let ty = format.name;
    compile(&format!("fn main(x: {ty}) -> {ty} {{ {function}(x) }}"))
}

fn ands(circuit: &Circuit) -> usize {
    circuit.gates.iter().filter(|gate| matches!(gate, Gate::And(..))).count()
}

/// Runs a circuit of one input and one output word on many inputs, 64 at a time.
fn run(circuit: &Circuit, width: u32, inputs: &[u64]) -> Vec<u64> {
    let mut results = Vec::with_capacity(inputs.len());
    for rows in inputs.chunks(64) {
        let words: Vec<u64> = (0..width)
            .map(|bit| rows.iter().enumerate().fold(0, |word, (row, input)| word | (input >> bit & 1) << row))
            .collect();
        let out = evaluate(circuit, &Plain, &words);
        results.extend((0..rows.len()).map(|row| {
            out.iter().enumerate().fold(0, |result, (bit, word)| result | (word >> row & 1) << bit)
        }));
    }
    results
}

/// All inputs of a format of up to 16 bits; else a seeded sample: half of it random encodings, half random numbers of
/// usual size, and the neighbours of some round numbers.
fn inputs(format: Format) -> Vec<u64> {
    if format.bits() <= 16 {
        return (0..1 << format.bits()).collect();
    }
    let count = if format.precision > 24 { 3_000 } else { 30_000 };
    let places = format.precision - 1;
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    };
    let mut inputs = Vec::new();
    for _ in 0..count / 2 {
        inputs.push(next() >> (64 - format.bits()));
        let usual = u64::try_from(format.bias() - 10).unwrap() + next() % 18;
        inputs.push((next() & 1) << (format.bits() - 1) | usual << places | next() >> (64 - places));
    }
    let one = u64::try_from(format.bias()).unwrap() << places;
    for k in 0..64 {
        let step = k << (places - 4);
        inputs.extend([one + step, one + step + 1, one + step - 1, one - step + (1 << (format.bits() - 1))]);
    }
    inputs
}

/// The largest error over the domain, and where.
fn measure(function: &Function, format: Format, circuit: &Circuit) -> (f64, f64) {
    let inputs = inputs(format);
    let results = run(circuit, format.bits(), &inputs);
    let mut worst = (0.0, 0.0);
    for (input, result) in inputs.into_iter().zip(results) {
        let (x, y) = (format.decode(input), format.decode(result));
        if x.is_nan() {
            assert!(y.is_nan(), "{}({x}) = {y} in {}", function.name, format.name);
        } else if (function.domain)(x) {
            let error = format.error(y, (function.exact)(x));
            if error > worst.0 {
                worst = (error, x);
            }
        }
    }
    worst
}

#[test]
fn scratch() {
    let only = std::env::var("ONLY").unwrap_or_default();
    let formats = std::env::var("FORMATS").unwrap_or_default();
    for function in FUNCTIONS.iter().filter(|f| only.is_empty() || only.split(' ').any(|o| o == f.name)) {
        for format in FORMATS.into_iter().filter(|f| formats.is_empty() || formats.split(';').any(|o| o == f.name)) {
            let start = std::time::Instant::now();
            let circuit = circuit_of(function.name, format);
            let compiled = start.elapsed();
            let (error, at) = measure(function, format, &circuit);
            println!("{} {} ands {} gates {} error {error:.4} at {at} compile {compiled:?} all {:?}", function.name, format.name, ands(&circuit), circuit.gates.len(), start.elapsed());
        }
    }
}
