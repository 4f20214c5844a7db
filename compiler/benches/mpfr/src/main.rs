//! The errors of the standard library against MPFR: every function of one argument on all inputs of f16 and bf16, and all
//! functions on a sample of f32 and f64 inputs with the hard cases among them:
//!
//! ```text
//! cargo run --release --manifest-path compiler/benches/mpfr/Cargo.toml
//! ```
//!
//! Builds GMP and MPFR, which needs a C compiler, make and m4; `--features system` links installed ones instead. An error
//! in ulp is |result - exact| / u, where u is the distance between neighbouring values of the format at the exact result.
//!
//! What the doc comments state is the largest error over all inputs for functions of one argument of f16 and bf16: it must
//! hold. Otherwise it is that of a small sample; what must hold then is the promise of the grade, 1 ulp. The exit status
//! is 1 if something does not hold.
#![allow(clippy::print_stdout, reason = "a command's output")]
#![allow(clippy::disallowed_methods, reason = "not the compiler: it reads the library's text")]

mod format;
mod functions;
mod inputs;
mod stated;

use std::process::ExitCode;

use clap::Parser;
use ffhec_circuit::{Circuit, Plain, evaluate};
use ffhec_compiler::float::lower::lower;
use ffhec_compiler::source::{NoFiles, Sources};
use ffhec_compiler::{Grade, Options, analyze};

use format::{FORMATS, Format};
use functions::{FUNCTIONS, Function};

/// Measures the errors of the standard library against MPFR.
#[derive(Parser)]
struct Arguments {
    /// Formats, separated by commas.
    #[arg(long, default_value = "f16,bf16,f32,f64", value_delimiter = ',')]
    formats: Vec<String>,
    /// Functions, separated by commas; all if not given.
    #[arg(long, value_delimiter = ',')]
    functions: Vec<String>,
    /// Inputs of formats of more than 16 bits, and of functions of two arguments.
    #[arg(long, default_value_t = 1 << 20)]
    sample: usize,
    /// An attribute for each call, such as '#[approx(taylor)]'. What doc comments state does not count then.
    #[arg(long, default_value = "")]
    attribute: String,
    /// The grade `fast`, which promises an error below 4 ulp, and nothing where arguments or results are below the smallest
    /// normal number, or results next to it: they are left out. What doc comments state does not count then.
    #[arg(long)]
    fast: bool,
    /// What errors must be below where the doc comments do not state the largest one; 1, fast 4, if not given.
    #[arg(long)]
    bound: Option<f64>,
}

impl Arguments {
    /// Whether the doc comments state the errors of what is measured.
    fn as_stated(&self) -> bool {
        self.attribute.is_empty() && !self.fast
    }

    fn most(&self) -> f64 {
        self.bound.unwrap_or(if self.fast { 4.0 } else { 1.0 })
    }
}

/// Most gates of a function.
const MOST_GATES: usize = 20_000_000;

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(message) => {
            eprintln!("error: {message}");
            ExitCode::from(2)
        }
    }
}

/// Whether all bounds hold.
fn run(arguments: &Arguments) -> Result<bool, String> {
    let mut all_hold = true;
    println!("| function | format | inputs | largest error (ulp) | at | stated | |");
    println!("|---|---|---:|---:|---:|---:|---|");
    for name in &arguments.formats {
        let format = FORMATS.iter().find(|format| format.name == name);
        let format = *format.ok_or_else(|| format!("there is no format {name}"))?;
        for function in FUNCTIONS {
            let wanted = arguments.functions.iter().any(|wanted| wanted == function.name);
            if arguments.functions.is_empty() || wanted {
                all_hold &= measure(function, format, arguments)?;
            }
        }
    }
    Ok(all_hold)
}

/// What was found for one function and format.
struct Worst {
    error: f64,
    at: Vec<f64>,
}

/// Prints a line; whether the stated bound holds.
fn measure(function: &Function, format: Format, arguments: &Arguments) -> Result<bool, String> {
    let circuit = circuit(function, format, arguments)?;
    let is_flushed = |x: f64| arguments.fast && x != 0.0 && x.abs() < format.smallest_normal();
    let inputs = inputs::inputs(format, function.arity, arguments.sample);
    let mut worst = Worst { error: 0.0, at: Vec::new() };
    for rows in inputs.chunks(64) {
        for (row, result) in rows.iter().zip(outputs(&circuit, format, rows)) {
            let x: Vec<f64> = row.iter().map(|bits| format.decode(*bits)).collect();
            if x.iter().any(|x| x.is_nan() || is_flushed(*x)) || !(function.domain)(&x) {
                continue;
            }
            let exact = (function.exact)(&x, format.precision + 64);
            if arguments.fast && format.decode(result) == 0.0 && exact.to_f64().abs() < format.flushed() {
                continue;
            }
            let error = format.error(format.decode(result), &exact);
            if error > worst.error {
                worst = Worst { error, at: x };
            }
        }
    }
    let stated = stated::bound(function.name, format.name).filter(|_| arguments.as_stated());
    let exhaustive = format.bits() <= 16 && function.arity == 1;
    let most = stated.filter(|_| exhaustive).map_or(arguments.most(), |stated| stated + 0.005);
    let holds = worst.error <= most;
    let at: Vec<String> = worst.at.iter().map(|x| format!("{x:e}")).collect();
    println!(
        "| `{}` | `{}` | {} | {:.4} | {} | {} | {} |",
        function.name,
        format.name,
        inputs.len(),
        worst.error,
        at.join(", "),
        stated.map_or("-".to_owned(), |stated| format!("{stated:.2}")),
        if holds { "holds" } else { "DOES NOT HOLD" }
    );
    Ok(holds)
}

fn circuit(function: &Function, format: Format, arguments: &Arguments) -> Result<Circuit, String> {
    let (ty, name, attribute) = (format.name, function.name, &arguments.attribute);
    let text = match function.arity {
        1 => format!("fn main(x: {ty}) -> {ty} {{ {attribute} {name}(x) }}"),
        _ => format!("fn main(x: {ty}, y: {ty}) -> {ty} {{ {attribute} {name}(x, y) }}"),
    };
    let text = if name == "div" { text.replace("div(x, y)", "x / y") } else { text };
    let mut sources = Sources::default();
    sources.add("measured.ffl", text);
    let grade = if arguments.fast { Grade::Fast } else { Grade::Faithful };
    let analysis = analyze(&mut sources, &Options { grade, ..Options::default() }, &mut NoFiles)
        .map_err(|found| ffhec_compiler::diag::render(&found, &sources, false))?;
    lower(&analysis.graph, MOST_GATES).map_err(|_| format!("{name} in {ty} has more than {MOST_GATES} gates"))
}

/// The results for at most 64 rows of encodings.
fn outputs(circuit: &Circuit, format: Format, rows: &[Vec<u64>]) -> Vec<u64> {
    let columns = rows.first().map_or(0, Vec::len);
    let mut words = Vec::with_capacity(columns * format.bits() as usize);
    for column in 0..columns {
        for bit in 0..format.bits() {
            let set = |row: &Vec<u64>| row[column] >> bit & 1;
            words.push(rows.iter().enumerate().fold(0, |word, (at, row)| word | set(row) << at));
        }
    }
    let found = evaluate(circuit, &Plain, &words);
    let result =
        |at: usize| found.iter().enumerate().fold(0, |bits, (bit, word)| bits | (word >> at & 1) << bit);
    (0..rows.len()).map(result).collect()
}
