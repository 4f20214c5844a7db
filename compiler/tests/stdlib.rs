//! The standard library held to what its doc comments say: the largest error of every function over every input of
//! the formats of up to 16 bits, and over a seeded sample of f32 and f64; the values at the edges; and the table of
//! `docs/stdlib.md`, with the number of AND gates of each function.
//!
//! An error in ulp is |result - exact| / u, with u the distance between neighbouring values of the format at the exact
//! result. The references are the f64 functions of Rust's standard library, which are exact enough for formats of up to
//! 24 bits of precision; for f64 they are power series over big integers.
//!
//! After a change that is meant to change the numbers: `STDLIB_DOC=write cargo test -p ffhec-compiler --test stdlib`.
#![allow(clippy::unwrap_used, reason = "tests")]
#![allow(clippy::disallowed_methods, reason = "references, measured against and not compiled")]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use ffhec_circuit::{Circuit, Gate, Plain, evaluate};
use ffhec_compiler::float::lower::lower;
use ffhec_compiler::source::{NoFiles, Sources};
use ffhec_compiler::{Options, analyze};
use num_bigint::BigInt;

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
                if fraction == 0.0 {
                    f64::INFINITY
                } else {
                    f64::NAN
                }
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
    if field > 0 {
        field - 1023
    } else {
        -1011 - i32::try_from((x.to_bits() << 12).leading_zeros()).unwrap() - 12
    }
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
            let wide = if format.precision > 24 { exact_value(function.name, x) } else { None };
            let error = match wide {
                Some(exact) => wide_error(y, &exact),
                None => format.error(y, (function.exact)(x)),
            };
            if error > worst.0 {
                worst = (error, x);
            }
        }
    }
    worst
}

// References for f64: integers scaled by a power of two, summed as power series.

/// `mantissa * 2^exponent`.
struct Exact {
    mantissa: BigInt,
    exponent: i64,
}

/// Fraction bits of the fixed-point numbers below.
const PLACES: i64 = 320;

/// A finite number as `mantissa * 2^exponent`.
fn parts(x: f64) -> (i64, i64) {
    let field = i64::try_from(x.to_bits() >> 52 & 0x7ff).unwrap();
    let fraction = i64::try_from(x.to_bits() & ((1 << 52) - 1)).unwrap();
    let size = if field == 0 { fraction } else { fraction | 1 << 52 };
    (if x < 0.0 { -size } else { size }, field.max(1) - 1075)
}

fn shifted(value: BigInt, by: i64) -> BigInt {
    if by >= 0 { value << by } else { value >> -by }
}

fn fixed(x: f64, places: i64) -> BigInt {
    let (mantissa, exponent) = parts(x);
    shifted(mantissa.into(), exponent + places)
}

/// The sum of x^k / k! over the k from `first` in steps of `step`, with alternating signs if `step` is 2.
fn series(x: &BigInt, places: i64, first: u32, step: u32) -> BigInt {
    let mut term = if first == 0 { BigInt::from(1) << places } else { x.clone() };
    let mut sum = BigInt::from(0);
    let mut k = first;
    while term != BigInt::from(0) && term != BigInt::from(-1) {
        sum += &term;
        for _ in 0..step {
            k += 1;
            term = ((term * x) >> places) / k;
        }
        if step == 2 {
            term = -term;
        }
    }
    sum
}

/// ln 2 = sum of 1 / (k 2^k).
fn ln_2() -> BigInt {
    (1..PLACES).map(|k| (BigInt::from(1) << (PLACES - k)) / k).sum()
}

/// 2^k e^r, for a fixed-point r.
fn exp_of(r: &BigInt, k: i64) -> Exact {
    Exact { mantissa: series(r, PLACES, 0, 1), exponent: k - PLACES }
}

fn exact_exp(x: f64) -> Exact {
    let k = (x * std::f64::consts::LOG2_E).round();
    exp_of(&(fixed(x, PLACES) - ln_2() * fixed(k, 0)), fixed(k, 0).try_into().unwrap())
}

fn exact_exp2(x: f64) -> Exact {
    let k = x.round();
    exp_of(&((fixed(x - k, PLACES) * ln_2()) >> PLACES), fixed(k, 0).try_into().unwrap())
}

/// One step of Newton's method from the f64 logarithm, by the series of ln(1 + d).
fn fixed_ln(x: f64) -> BigInt {
    let guess = x.ln();
    let Exact { mantissa, exponent } = exact_exp(-guess);
    let (m, e) = parts(x);
    let d = shifted(mantissa * m, exponent + e + PLACES) - (BigInt::from(1) << PLACES);
    let mut power = d.clone();
    let mut sum = fixed(guess, PLACES);
    for k in 1..8 {
        let term = &power / BigInt::from(k);
        sum += if k % 2 == 1 { term } else { -term };
        power = (power * &d) >> PLACES;
    }
    sum
}

fn exact_ln(x: f64, base: Option<&BigInt>) -> Exact {
    let ln = fixed_ln(x);
    Exact { mantissa: base.map_or(ln.clone(), |base| (ln << PLACES) / base), exponent: -PLACES }
}

fn exact_sine(x: f64, first: u32) -> Exact {
    // The largest term of the series is below e^512.
    Exact { mantissa: series(&fixed(x, 1_100), 1_100, first, 2), exponent: -1_100 }
}

fn exact_sigmoid(x: f64) -> Exact {
    let z = exact_exp(-x.abs());
    let one = BigInt::from(1) << PLACES;
    let below = &one + shifted(z.mantissa.clone(), z.exponent + PLACES);
    let (above, exponent) = if x < 0.0 { (z.mantissa, z.exponent) } else { (one, -PLACES) };
    Exact { mantissa: (above << (2 * PLACES)) / below, exponent: exponent - PLACES }
}

fn exact_tanh(x: f64) -> Exact {
    let z = exact_exp(-2.0 * x.abs());
    let z = shifted(z.mantissa, z.exponent + PLACES);
    let one = BigInt::from(1) << PLACES;
    let size = ((&one - &z) << PLACES) / (one + z);
    Exact { mantissa: if x < 0.0 { -size } else { size }, exponent: -PLACES }
}

fn of_f64(x: f64) -> Exact {
    let (mantissa, exponent) = parts(x);
    Exact { mantissa: mantissa.into(), exponent }
}

/// The exact value of a function where f64 has to be measured; `None` where the f64 reference itself is exact enough,
/// because the result is infinite, not a number, zero, or so small or near 1 that the argument says it all.
fn exact_value(name: &str, x: f64) -> Option<Exact> {
    if !x.is_finite() || x == 0.0 {
        return None;
    }
    let tiny = x.abs() < 2_f64.powi(-60);
    match name {
        "exp" | "exp2" if x.abs() > 1_200.0 || tiny => None,
        "exp" => Some(exact_exp(x)),
        "exp2" => Some(exact_exp2(x)),
        "ln" | "log2" | "log10" if x < 0.0 => None,
        "ln" => Some(exact_ln(x, None)),
        "log2" => Some(exact_ln(x, Some(&ln_2()))),
        "log10" => Some(exact_ln(x, Some(&fixed_ln(10.0)))),
        "recip" | "recip_taylor" => {
            let (mantissa, exponent) = parts(x);
            Some(Exact { mantissa: (BigInt::from(1) << 400) / mantissa, exponent: -400 - exponent })
        }
        "sqrt" if x < 0.0 => None,
        "sqrt" => {
            let (mantissa, exponent) = parts(x);
            let even = exponent - exponent.rem_euclid(2);
            let scaled = BigInt::from(mantissa) << (400 + exponent.rem_euclid(2));
            Some(Exact { mantissa: scaled.sqrt(), exponent: even / 2 - 200 })
        }
        "sin" | "cos" if tiny || x.abs() >= 512.0 => None,
        "sin" => Some(exact_sine(x, 1)),
        "cos" => Some(exact_sine(x, 0)),
        "tanh" if tiny || x.abs() > 50.0 => None,
        "tanh" => Some(exact_tanh(x)),
        "sigmoid" | "silu" if tiny || x.abs() > 1_200.0 => None,
        "sigmoid" => Some(exact_sigmoid(x)),
        "silu" => {
            let (mantissa, exponent) = parts(x);
            let sigmoid = exact_sigmoid(x);
            Some(Exact { mantissa: sigmoid.mantissa * mantissa, exponent: sigmoid.exponent + exponent })
        }
        "relu" => Some(of_f64(x.max(0.0))),
        _ => panic!("no exact reference for {name}"),
    }
}

/// The error of an f64 result in ulp.
fn wide_error(result: f64, exact: &Exact) -> f64 {
    let bits = i64::try_from(exact.mantissa.bits()).unwrap();
    let top = if bits == 0 { -1_022 } else { (bits - 1 + exact.exponent).max(-1_022) };
    if top > 1_023 {
        return if result.is_infinite() { 0.0 } else { f64::INFINITY };
    }
    if !result.is_finite() {
        return if top == 1_023 && bits > 0 { 0.5 } else { f64::INFINITY };
    }
    let (mantissa, exponent) = parts(result);
    let common = exponent.min(exact.exponent);
    let difference = (BigInt::from(mantissa) << (exponent - common))
        - (exact.mantissa.clone() << (exact.exponent - common));
    let cut = (i64::try_from(difference.bits()).unwrap() - 60).max(0);
    let leading: i64 = (difference >> cut).try_into().unwrap();
    (leading as f64).abs()
        * 2_f64.powi(i32::try_from(common + cut - (top - 52)).unwrap().clamp(-1_000, 1_000))
}

// What the doc comments say.

const LIBRARY: [&str; 2] = ["math", "ml"];
const STATED: &str = "/// Largest error (ulp): ";

fn library_path(module: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../stdlib").join(format!("{module}.ffl"))
}

/// The errors that the doc comment of a function states, format by format.
fn stated_errors(function: &str) -> BTreeMap<String, f64> {
    for module in LIBRARY {
        let text = fs::read_to_string(library_path(module)).unwrap();
        let Some(at) = text.find(&format!("\nfn {function}<")) else { continue };
        let doc = text[..at].lines().rev().take_while(|line| line.starts_with("///"));
        let Some(line) = doc.filter_map(|line| line.strip_prefix(STATED)).next() else { break };
        return line
            .trim_end_matches('.')
            .split("; ")
            .map(|part| {
                let (format, error) = part.rsplit_once(' ').unwrap();
                (format.to_owned(), error.parse().unwrap())
            })
            .collect();
    }
    BTreeMap::new()
}

fn doc_path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/stdlib.md")
}

/// One row of the table: errors and ANDs of a function, format by format.
struct Row {
    name: &'static str,
    cells: Vec<(f64, usize)>,
}

impl Row {
    fn print(&self) -> String {
        let mut line = format!("| `{}` |", self.name);
        for (error, ands) in &self.cells {
            let _ = write!(line, " {error:.2} / {ands} |");
        }
        line
    }
}

/// Rounded up to two places, as the doc comments state it.
fn up(error: f64) -> f64 {
    (error * 100.0 - 1e-9).ceil().max(0.0) / 100.0
}

/// Measures some of the functions and compares with the doc comments and the table; with `STDLIB_DOC=write`, writes
/// both instead.
fn hold_to_docs(part: usize, parts: usize) {
    let write = std::env::var("STDLIB_DOC").is_ok_and(|value| value == "write");
    let doc = fs::read_to_string(doc_path()).unwrap();
    for function in FUNCTIONS.iter().skip(part).step_by(parts) {
        let mut cells = Vec::new();
        for format in FORMATS {
            let circuit = circuit_of(function.name, format);
            let (error, at) = measure(function, format, &circuit);
            println!(
                "{} in {}: {error:.4} ulp at {at:e}, {} ANDs",
                function.name,
                format.name,
                ands(&circuit)
            );
            cells.push((up(error), ands(&circuit)));
        }
        let row = Row { name: function.name, cells };
        if write {
            write_row(function, &row);
        } else {
            compare_row(function, &row, &doc);
        }
    }
}

fn compare_row(function: &Function, row: &Row, doc: &str) {
    let stated = stated_errors(function.name);
    let prefix = format!("| `{}` |", function.name);
    let line =
        doc.lines().find(|line| line.starts_with(&prefix)).unwrap_or_else(|| panic!("no row for {prefix}"));
    let cells: Vec<&str> = line[prefix.len()..].trim_end_matches('|').split('|').map(str::trim).collect();
    for ((format, (error, ands)), cell) in FORMATS.iter().zip(&row.cells).zip(cells) {
        let (in_table, limit) = cell.split_once(" / ").unwrap();
        let (in_table, limit): (f64, usize) = (in_table.parse().unwrap(), limit.parse().unwrap());
        let bound = stated.get(format.name).copied().unwrap_or(in_table);
        assert!(
            *error <= bound && bound <= error + 0.02 && bound == in_table,
            "{} in {}: measured {error}, its doc comment says {bound}, docs/stdlib.md says {in_table}",
            function.name,
            format.name
        );
        assert!(
            ands.abs_diff(limit) <= limit / 10 + 10,
            "{} in {}: {ands} ANDs, docs/stdlib.md says {limit}; see the head of this test",
            function.name,
            format.name
        );
    }
}

fn write_row(function: &Function, row: &Row) {
    let errors: Vec<String> = FORMATS
        .iter()
        .zip(&row.cells)
        .map(|(format, (error, _))| format!("{} {error:.2}", format.name))
        .collect();
    let stated = format!("{STATED}{}.", errors.join("; "));
    for module in LIBRARY {
        let text = fs::read_to_string(library_path(module)).unwrap();
        let Some(at) = text.find(&format!("\nfn {}<", function.name)) else { continue };
        let mut lines: Vec<&str> = text[..at].lines().collect();
        if lines.last().is_some_and(|line| line.starts_with(STATED)) {
            lines.pop();
        }
        fs::write(library_path(module), format!("{}\n{stated}{}", lines.join("\n"), &text[at..])).unwrap();
    }
    let doc = fs::read_to_string(doc_path()).unwrap();
    let prefix = format!("| `{}` |", function.name);
    let lines: Vec<String> = doc
        .lines()
        .map(|line| if line.starts_with(&prefix) { row.print() } else { line.to_owned() })
        .collect();
    fs::write(doc_path(), lines.join("\n") + "\n").unwrap();
}

#[test]
fn errors_and_costs_are_as_stated() {
    hold_to_docs(0, 1);
}

/// One result for one argument.
fn value_of(function: &str, format: Format, x: f64) -> f64 {
    let circuit = circuit_of(function, format);
    let input = (0..1_u64 << format.bits()).find(|bits| {
        let y = format.decode(*bits);
        y == x && y.is_sign_negative() == x.is_sign_negative() || x.is_nan() && y.is_nan()
    });
    format.decode(run(&circuit, format.bits(), &[input.unwrap()])[0])
}

fn check_values(format: Format, cases: &[(&str, f64, f64)]) {
    for (function, x, expected) in cases {
        let y = value_of(function, format, *x);
        let same = y == *expected && y.is_sign_negative() == expected.is_sign_negative();
        assert!(
            same || y.is_nan() && expected.is_nan(),
            "{function}({x}) = {y} in {}, expected {expected}",
            format.name
        );
    }
}

#[test]
fn ieee_special_values_are_as_documented() {
    let inf = f64::INFINITY;
    check_values(
        F16,
        &[
            ("exp", 0.0, 1.0),
            ("exp", -0.0, 1.0),
            ("exp", inf, inf),
            ("exp", -inf, 0.0),
            ("exp2", 10.0, 1024.0),
            ("exp2", -24.0, 2_f64.powi(-24)),
            ("ln", 1.0, 0.0),
            ("ln", 0.0, -inf),
            ("ln", -0.0, -inf),
            ("ln", inf, inf),
            ("ln", -1.0, f64::NAN),
            ("ln", -inf, f64::NAN),
            ("log2", 2_f64.powi(-24), -24.0),
            ("log10", 1000.0, 3.0),
            ("recip", 0.0, inf),
            ("recip", -0.0, -inf),
            ("recip", -inf, -0.0),
            ("recip_taylor", -0.0, -inf),
            ("recip_taylor", inf, 0.0),
            ("sqrt", -1.0, f64::NAN),
            ("sin", inf, f64::NAN),
            ("sin", -0.0, -0.0),
            ("sin", 512.0, 0.0),
            ("cos", -inf, f64::NAN),
            ("cos", 0.0, 1.0),
            ("cos", 512.0, 1.0),
            ("tanh", inf, 1.0),
            ("tanh", -inf, -1.0),
            ("tanh", -0.0, -0.0),
            ("sigmoid", inf, 1.0),
            ("sigmoid", -inf, 0.0),
            ("sigmoid", 0.0, 0.5),
            ("silu", inf, inf),
            ("silu", -inf, 0.0),
            ("relu", -0.0, -0.0),
        ],
    );
    for function in FUNCTIONS {
        check_values(F16, &[(function.name, f64::NAN, f64::NAN)]);
    }
}

#[test]
fn finite_types_saturate_as_documented() {
    let max = PAPER.largest();
    check_values(
        PAPER,
        &[
            ("exp", 0.0, 1.0),
            ("exp", max, max),
            ("exp", -max, 0.0),
            ("exp2", 16.0, 65_536.0),
            ("ln", 0.0, -max),
            ("ln", -2.0, -max),
            ("log2", max, 17.0),
            ("recip", 0.0, max),
            ("recip_taylor", 0.0, max),
            ("sqrt", -1.0, 0.0),
            ("sin", 0.0, 0.0),
            ("sin", max, 0.0),
            ("cos", max, 1.0),
            ("tanh", -max, -1.0),
            ("tanh", 0.0, 0.0),
            ("sigmoid", max, 1.0),
            ("sigmoid", -max, 0.0),
            ("silu", max, max),
            ("silu", -max, 0.0),
            ("relu", -max, 0.0),
        ],
    );
}

/// Narrow and lopsided formats: [`Format`] decodes them, but for E4M3.
const SMALL: [Format; 12] = [
    Format { name: "float<2, 2>", exponent_bits: 2, precision: 2, ieee: false },
    Format { name: "float<2, 9>", exponent_bits: 2, precision: 9, ieee: false },
    Format { name: "float<3, 4>", exponent_bits: 3, precision: 4, ieee: false },
    Format { name: "float<4, 4>", exponent_bits: 4, precision: 4, ieee: false },
    Format { name: "float<4, 6>", exponent_bits: 4, precision: 6, ieee: false },
    Format { name: "float<5, 8>", exponent_bits: 5, precision: 8, ieee: false },
    Format { name: "float<8, 3>", exponent_bits: 8, precision: 3, ieee: false },
    Format { name: "ieee<2, 8>", exponent_bits: 2, precision: 8, ieee: true },
    Format { name: "ieee<3, 7>", exponent_bits: 3, precision: 7, ieee: true },
    Format { name: "ieee<4, 4>", exponent_bits: 4, precision: 4, ieee: true },
    Format { name: "f8e5m2", exponent_bits: 5, precision: 3, ieee: true },
    Format { name: "ieee<6, 6>", exponent_bits: 6, precision: 6, ieee: true },
];

#[test]
fn small_formats_are_within_one_and_a_tenth_ulp() {
    for format in SMALL {
        for function in FUNCTIONS.iter().filter(|function| function.name != "silu") {
            let circuit = circuit_of(function.name, format);
            let (error, at) = measure(function, format, &circuit);
            assert!(error <= 1.1, "{} in {}: {error} ulp at {at}", function.name, format.name);
        }
    }
}

/// Sine and cosine need three times the precision in fixed point, tanh and sigmoid a few bits more than the format.
#[test]
fn functions_compile_up_to_their_widest_formats() {
    let widest: [(&str, &[&str]); 4] = [
        ("float<15, 113>", &["exp", "exp2", "ln", "log2", "log10", "recip", "sqrt", "relu"]),
        ("ieee<2, 64>", &["exp", "ln", "sin", "tanh", "sigmoid"]),
        ("float<15, 78>", &["sin", "cos", "tanh", "sigmoid", "silu", "recip_taylor"]),
        (
            "f8e4m3",
            &[
                "exp",
                "exp2",
                "ln",
                "log2",
                "log10",
                "recip",
                "recip_taylor",
                "sin",
                "cos",
                "tanh",
                "sigmoid",
                "silu",
            ],
        ),
    ];
    for (ty, functions) in widest {
        for function in functions {
            compile(&format!("fn main(x: {ty}) -> {ty} {{ {function}(x) }}"));
        }
    }
}

/// The words of a table row, one after the other, and the same for the results.
fn run_row(text: &str, widths: &[u32], row: &[u64]) -> Vec<u64> {
    let circuit = compile(text);
    let bits: Vec<u64> = widths
        .iter()
        .zip(row)
        .flat_map(|(width, word)| (0..*width).map(|bit| word >> bit & 1).collect::<Vec<_>>())
        .collect();
    let out = evaluate(&circuit, &Plain, &bits);
    let mut at = 0;
    let mut results = Vec::new();
    for port in &circuit.outputs {
        let width = port.width as usize;
        results.push(
            out[at..at + width].iter().enumerate().fold(0, |word, (bit, value)| word | (value & 1) << bit),
        );
        at += width;
    }
    results
}

/// Small whole numbers, which are exact in f32.
fn check_vectors(text: &str, inputs: &[f32], expected: &[f32]) {
    let row: Vec<u64> = inputs.iter().map(|x| u64::from(x.to_bits())).collect();
    let results = run_row(text, &vec![32; row.len()], &row);
    let results: Vec<f32> =
        results.iter().map(|bits| f32::from_bits(u32::try_from(*bits).unwrap())).collect();
    assert_eq!(results, expected, "{text}");
}

#[test]
fn vector_functions_are_exact_on_small_whole_numbers() {
    let three = [1.0, 2.0, 6.0];
    check_vectors("fn main(x: [f32; 3]) -> f32 { mean(x) }", &three, &[3.0]);
    check_vectors("fn main(x: [f32; 4]) -> f32 { variance(x) }", &[1.0, 3.0, 5.0, 7.0], &[5.0]);
    check_vectors("fn main(x: [f32; 3]) -> f32 { sum(x) }", &three, &[9.0]);
    check_vectors("fn main(x: [f32; 3]) -> f32 { dot(x, [3, -1, 0.5]) }", &three, &[4.0]);
    check_vectors("fn main(x: f32) -> f32 { polyval([1, -2, 0, 3], x) }", &[2.0], &[21.0]);
    check_vectors(
        "fn main(x: f32) -> (a: f32, b: f32, c: f32) { (powi(x, 5), powi(x, 0), powi(x, 1)) }",
        &[-3.0],
        &[-243.0, 1.0, -3.0],
    );
    check_vectors("fn main(x: f32, y: f32) -> f32 { hypot(x, y) }", &[-3.0, 4.0], &[5.0]);
    check_vectors(
        "fn main(x: [f32; 2]) -> [f32; 3] { matvec([[1, 2], [3, 4], [5, 6]], x) }",
        &[10.0, -1.0],
        &[8.0, 26.0, 44.0],
    );
    check_vectors(
        "fn main(a: [[f32; 2]; 2], b: [[f32; 2]; 2]) -> [[f32; 2]; 2] { matmul(a, b) }",
        &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0],
        &[19.0, 22.0, 43.0, 50.0],
    );
    check_vectors(
        "fn main(x: f32, y: f32) -> (f32, f32, f32) { (max(x, y), min(x, y), abs(y)) }",
        &[1.0, -2.0],
        &[1.0, -2.0, 2.0],
    );
}

#[test]
fn the_degree_of_a_series_can_be_chosen() {
    let with = |degree: u32| {
        ands(&compile(&format!("fn main(x: f32) -> f32 {{ #[approx(taylor, degree = {degree})] exp(x) }}")))
    };
    assert!(with(3) > with(2) && with(2) > with(1));
    assert_eq!(ands(&circuit_of("exp", F32)), with(3), "degree 3 is enough for 24 bits on segments of 1/32");
}

#[test]
fn exp_times_y_is_within_its_budget() {
    let circuit = compile("exp(x) * y");
    println!("exp(x) * y in float<5, 11>: {} ANDs", ands(&circuit));
    assert!(ands(&circuit) <= 900, "{} ANDs", ands(&circuit));
}

#[test]
fn a_format_that_is_too_wide_for_sine_is_an_error() {
    let mut sources = Sources::default();
    sources.add("test.ffl", "fn main(x: float<15, 100>) -> float<15, 100> { sin(x) }");
    let found = analyze(&mut sources, &Options::default(), &mut NoFiles).unwrap_err();
    let shown = ffhec_compiler::diag::render(&found, &sources, false);
    assert!(shown.contains("256"), "{shown}");
}
