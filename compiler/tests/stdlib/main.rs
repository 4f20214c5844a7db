//! The standard library held to what its doc comments say: the largest error of every function over every input of
//! the formats of up to 16 bits, and over a seeded sample of f32 and f64; the values at the edges; and the table of
//! `docs/stdlib.md`, with the number of AND gates of each function.
//!
//! An error in ulp is |result - exact| / u, with u the distance between neighbouring values of the format at the exact
//! result. The references are in `reference`.
//!
//! The same, on fewer inputs, of the grade `fast`; and no error is larger than the one that the compiler proved, which it
//! must do of every function. In f64, which takes long, all functions are measured only where numbers are written or samples
//! are larger.
//!
//! - After a change that is meant to change the numbers: `STDLIB_DOC=write cargo test -p ffhec-compiler --test stdlib`.
//!   Only of some functions: with `STDLIB_FUNCTIONS=sin,cos` as well.
//! - On more inputs (bounds are held, errors above those of the sample are shown): `STDLIB_SAMPLE=1048576 cargo test
//!   --release -p ffhec-compiler --test stdlib errors -- --nocapture`.
#![allow(clippy::unwrap_used, reason = "tests")]
#![allow(clippy::disallowed_methods, reason = "references, measured against and not compiled")]

mod format;
mod reference;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use ffhec_circuit::{Circuit, Gate, Plain, evaluate, splitmix64};
use ffhec_compiler::float::lower::lower;
use ffhec_compiler::source::{NoFiles, Sources};
use ffhec_compiler::{Analysis, Approximation, Grade, Options, analyze};

use format::{F16, F32, FORMATS, Format, PAPER};
use reference::{approximate, exact_value, wide_error};

/// A function, how many arguments it has, and of which the doc comment promises something.
struct Function {
    name: &'static str,
    arity: usize,
    domain: fn(&[f64]) -> bool,
}

const fn unary(name: &'static str) -> Function {
    Function { name, arity: 1, domain: |_| true }
}

const fn positive(name: &'static str) -> Function {
    Function { name, arity: 1, domain: |x| x[0] > 0.0 }
}

const fn angle(name: &'static str) -> Function {
    Function { name, arity: 1, domain: |x| x[0].abs() < 512.0 }
}

const fn finite(name: &'static str) -> Function {
    Function { name, arity: 1, domain: |x| x[0].is_finite() }
}

const FUNCTIONS: &[Function] = &[
    unary("exp"),
    unary("exp2"),
    unary("expm1"),
    positive("ln"),
    positive("log2"),
    positive("log10"),
    Function { name: "log1p", arity: 1, domain: |x| x[0] > -1.0 },
    Function {
        name: "pow",
        arity: 2,
        domain: |x| {
            x[0] > 0.0 && x[0].is_finite() && x[1].is_finite()
                || x[0] < 0.0 && x[1] % 1.0 == 0.0 && x[0].is_finite()
        },
    },
    Function { name: "div", arity: 2, domain: |x| x[1] != 0.0 },
    Function { name: "recip", arity: 1, domain: |x| x[0] != 0.0 },
    Function { name: "recip_taylor", arity: 1, domain: |x| x[0] != 0.0 },
    Function { name: "sqrt", arity: 1, domain: |x| x[0] >= 0.0 },
    positive("rsqrt"),
    unary("cbrt"),
    Function { name: "hypot", arity: 2, domain: |_| true },
    angle("sin"),
    angle("cos"),
    angle("tan"),
    Function { name: "asin", arity: 1, domain: |x| x[0].abs() <= 1.0 },
    Function { name: "acos", arity: 1, domain: |x| x[0].abs() <= 1.0 },
    unary("atan"),
    Function { name: "atan2", arity: 2, domain: |_| true },
    unary("sinh"),
    unary("cosh"),
    unary("tanh"),
    unary("erf"),
    unary("sigmoid"),
    unary("softplus"),
    unary("relu"),
    finite("silu"),
    finite("gelu"),
];

fn analysed(text: &str, grade: Grade) -> Analysis {
    let mut sources = Sources::default();
    sources.add("test.ffl", text);
    match analyze(&mut sources, &Options { grade, ..Options::default() }, &mut NoFiles) {
        Ok(analysis) => analysis,
        Err(found) => panic!("{text}\n{}", ffhec_compiler::diag::render(&found, &sources, false)),
    }
}

fn compile(text: &str) -> Circuit {
    lower(&analysed(text, Grade::Faithful).graph, 20_000_000).unwrap()
}

/// The program that calls a function once.
fn call(function: &Function, format: Format) -> String {
    let (ty, name) = (format.name, function.name);
    if function.arity == 1 {
        format!("fn main(x: {ty}) -> {ty} {{ {name}(x) }}")
    } else {
        format!("fn main(x: {ty}, y: {ty}) -> {ty} {{ {name}(x, y) }}")
    }
}

/// The same, but not looked up in a table.
fn computed_call(function: &Function, format: Format) -> String {
    let text = call(function, format);
    if has_grades(function.name) { text.replace("{ ", "{ #[approx(minimax)] ") } else { text }
}

fn circuit_of(function: &Function, format: Format) -> Circuit {
    compile(&call(function, format))
}

/// The error that the compiler proved, in ulp, if it did.
fn proven(analysis: &Analysis) -> Option<f64> {
    analysis.proofs.first().map(|proof| proof.error.parse().unwrap())
}

/// As in a compiled program.
fn optimised(circuit: Circuit) -> Circuit {
    ffhec_compiler::opt::optimize(circuit)
}

fn ands(circuit: &Circuit) -> usize {
    circuit.gates.iter().filter(|gate| matches!(gate, Gate::And(..))).count()
}

/// Runs a circuit of words of one width and one output word on many rows, 64 at a time.
fn run(circuit: &Circuit, width: u32, inputs: &[Vec<u64>]) -> Vec<u64> {
    let mut results = Vec::with_capacity(inputs.len());
    for rows in inputs.chunks(64) {
        let columns = rows[0].len();
        let words: Vec<u64> = (0..columns)
            .flat_map(|column| (0..width).map(move |bit| (column, bit)))
            .map(|(column, bit)| {
                rows.iter().enumerate().fold(0, |word, (row, input)| word | (input[column] >> bit & 1) << row)
            })
            .collect();
        let out = evaluate(circuit, &Plain, &words);
        results.extend((0..rows.len()).map(|row| {
            out.iter().enumerate().fold(0, |result, (bit, word)| result | (word >> row & 1) << bit)
        }));
    }
    results
}

/// How many inputs of a format of more than 16 bits are tried.
fn sample_size(format: Format, function: &Function, grade: Grade) -> usize {
    if let Some(count) = std::env::var("STDLIB_SAMPLE").ok().and_then(|count| count.parse().ok()) {
        return count;
    }
    let faithful = match (format.precision > 24, function.name) {
        (true, "gelu") => 300,
        (true, _) => 1_500,
        (false, _) => 20_000,
    };
    if grade == Grade::Fast { faithful / 5 } else { faithful }
}

/// Where a fast function promises something: not below the smallest normal number.
fn counts(grade: Grade, format: Format, x: &[f64]) -> bool {
    grade == Grade::Faithful || x.iter().all(|x| *x == 0.0 || x.abs() >= format.smallest_normal())
}

/// All inputs of a format of up to 16 bits and functions of one argument; else a seeded sample: half of it random
/// encodings, half random numbers of usual size, and the neighbours of some round numbers.
fn inputs(format: Format, function: &Function, grade: Grade) -> Vec<Vec<u64>> {
    if format.bits() <= 16 && function.arity == 1 {
        return (0..1 << format.bits()).map(|bits| vec![bits]).collect();
    }
    let count = sample_size(format, function, grade);
    let places = format.precision - 1;
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || splitmix64(&mut state);
    let bias = i64::from(format.bias());
    let (least, reach) = ((bias - 10).max(0), (bias + 8).min((2 << (format.exponent_bits - 1)) - 1));
    let mut inputs = Vec::new();
    for row in 0..count {
        inputs.push(
            (0..function.arity)
                .map(|_| {
                    if row % 2 == 0 {
                        return next() >> (64 - format.bits());
                    }
                    let usual =
                        u64::try_from(least).unwrap() + next() % u64::try_from(reach - least).unwrap();
                    (next() & 1) << (format.bits() - 1) | usual << places | next() >> 1 >> (63 - places)
                })
                .collect::<Vec<u64>>(),
        );
    }
    let one = u64::try_from(bias).unwrap() << places;
    let sign = 1 << (format.bits() - 1);
    let mut round = vec![0, 1, sign, sign + 1];
    for k in 0..64 {
        let step: u64 = k << places.saturating_sub(4);
        round.extend([
            one + step,
            one + step + 1,
            (one + step).wrapping_sub(1),
            one.wrapping_sub(step) ^ sign,
        ]);
    }
    // Multiples of pi / 2, where sine, cosine and tangent have their zeros and poles, and ends of ranges.
    for k in 1..64_u32 {
        round.extend(format.around(f64::from(k) * std::f64::consts::FRAC_PI_2));
    }
    for x in [0.5, 2.0, 10.0, 88.7, 103.9, 709.78, 745.1, 11.09, 17.3] {
        round.extend(format.around(x));
        round.extend(format.around(-x));
    }
    let partners = [one, one + sign, 2 * one, one / 2, 3, one + (1 << places >> 1)];
    for (index, bits) in round.into_iter().enumerate() {
        let mask = u64::MAX >> (64 - format.bits());
        let other = partners[index % partners.len()];
        inputs.push(if function.arity == 1 { vec![bits & mask] } else { vec![bits & mask, other & mask] });
    }
    inputs
}

/// The largest error over the domain, and where.
fn measure(function: &Function, format: Format, circuit: &Circuit, grade: Grade) -> (f64, Vec<f64>) {
    let inputs = inputs(format, function, grade);
    let results = run(circuit, format.bits(), &inputs);
    let mut worst = (0.0, Vec::new());
    for (input, result) in inputs.into_iter().zip(results) {
        let x: Vec<f64> = input.iter().map(|bits| format.decode(*bits)).collect();
        let y = format.decode(result);
        if x.iter().any(|x| x.is_nan()) {
            assert!(y.is_nan() || function.arity == 2, "{}({x:?}) = {y} in {}", function.name, format.name);
        } else if (function.domain)(&x) && counts(grade, format, &x) {
            let near = approximate(function.name, &x);
            if grade == Grade::Fast && y == 0.0 && near.abs() <= format.smallest_normal() {
                continue;
            }
            let wide = if format.precision > 24 { exact_value(function.name, &x) } else { None };
            let error = match wide {
                Some(exact) => wide_error(y, &exact),
                None => format.error(y, near),
            };
            if error > worst.0 {
                worst = (error, x);
            }
        }
    }
    worst
}

// What the doc comments say.

const LIBRARY: [&str; 4] = ["math", "trigonometry", "hyperbolic", "ml"];
const STATED: &str = "/// Error: below 1 ulp; largest measured: ";
const COSTS: &str = "/// AND gates: ";
const FAST_STATED: &str = "/// Fast, error: below 4 ulp; largest measured: ";
const FAST_COSTS: &str = "/// Fast, AND gates: ";

fn prefixes(grade: Grade) -> [&'static str; 2] {
    match grade {
        Grade::Faithful => [STATED, COSTS],
        Grade::Fast => [FAST_STATED, FAST_COSTS],
    }
}

/// Below this is every error of a grade.
fn promise(grade: Grade) -> f64 {
    match grade {
        Grade::Faithful => 1.0,
        Grade::Fast => 4.0,
    }
}

fn library_path(module: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../stdlib").join(format!("{module}.ffl"))
}

/// What a line of the doc comment of a function states, format by format.
fn stated(function: &str, prefix: &str) -> BTreeMap<String, String> {
    for module in LIBRARY {
        let text = fs::read_to_string(library_path(module)).unwrap();
        let Some(at) = text.find(&format!("\nfn {function}<")) else { continue };
        let doc = text[..at].lines().rev().take_while(|line| line.starts_with("///"));
        let Some(line) = doc.filter_map(|line| line.strip_prefix(prefix)).next() else { break };
        return line
            .trim_end_matches('.')
            .split("; ")
            .map(|part| {
                let (format, value) = part.rsplit_once(' ').unwrap();
                (format.to_owned(), value.to_owned())
            })
            .collect();
    }
    BTreeMap::new()
}

/// Operations of the compiler itself: they have no doc comment, only their row in docs/stdlib.md.
const BUILT_IN: &[&str] = &["sqrt"];

fn doc_path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/stdlib.md")
}

/// Whether a function of the library has two grades.
fn has_grades(function: &str) -> bool {
    LIBRARY.iter().any(|module| {
        let text = fs::read_to_string(library_path(module)).unwrap();
        let head = text.find(&format!("\nfn {function}<")).map(|at| text[at + 1..].lines().next().unwrap());
        head.is_some_and(|line| line.contains("const GRADE"))
    })
}

/// What was measured of a function, format by format: the largest error, rounded up, ANDs, and the proven error.
struct Row {
    name: &'static str,
    grade: Grade,
    cells: Vec<(f64, usize, Option<f64>)>,
}

impl Row {
    fn print(&self) -> String {
        let mut line = format!("| `{}` |", self.name);
        for (error, ands, _) in &self.cells {
            let _ = write!(line, " {error:.2} / {ands} |");
        }
        line
    }

    /// The row of what is proven, if all formats were measured and it is so in all of them.
    fn print_proofs(&self) -> Option<String> {
        if self.cells.len() < FORMATS.len() {
            return None;
        }
        let mut line =
            format!("| `{}`{} |", self.name, if self.grade == Grade::Fast { ", fast" } else { "" });
        for (_, _, proven) in &self.cells {
            let _ = write!(line, " {:.2} |", (*proven)?);
        }
        Some(line)
    }

    /// One line of the doc comment.
    fn line(&self, prefix: &str, value: impl Fn(&(f64, usize, Option<f64>)) -> String) -> String {
        let cells = FORMATS.iter().zip(&self.cells);
        let parts: Vec<String> =
            cells.map(|(format, cell)| format!("{} {}", format.name, value(cell))).collect();
        format!("{prefix}{}.", parts.join("; "))
    }
}

/// Rounded up to two places, as the doc comments state it.
fn up(error: f64) -> f64 {
    (error * 100.0 - 1e-9).ceil().max(0.0) / 100.0
}

/// How many of the formats are measured: without `STDLIB_DOC` and `STDLIB_SAMPLE`, few functions in the widest one, and
/// fast ones in the three small ones.
fn measured_formats(function: &Function, grade: Grade) -> usize {
    const WIDE: [&str; 5] = ["exp", "ln", "sin", "sqrt", "recip"];
    let all = ["STDLIB_DOC", "STDLIB_SAMPLE"].into_iter().any(|name| std::env::var(name).is_ok());
    match grade {
        _ if all => FORMATS.len(),
        Grade::Faithful if WIDE.contains(&function.name) => FORMATS.len(),
        Grade::Faithful => FORMATS.len() - 1,
        Grade::Fast => FORMATS.len() - 2,
    }
}

/// Whether `STDLIB_FUNCTIONS` names a function, or is not given.
fn is_wanted(function: &&Function) -> bool {
    let names = std::env::var("STDLIB_FUNCTIONS");
    names.map_or(true, |names| names.split(',').any(|name| name == function.name))
}

/// All functions in all formats and grades, as many at a time as the machine has processors.
fn measure_all() -> Vec<Row> {
    let wanted = || FUNCTIONS.iter().filter(is_wanted);
    let graded = wanted().filter(|function| has_grades(function.name));
    let faithful = wanted().map(|function| (function, Grade::Faithful));
    let rows: Vec<(&Function, Grade)> =
        faithful.chain(graded.map(|function| (function, Grade::Fast))).collect();
    let columns = |row: usize| (0..measured_formats(rows[row].0, rows[row].1)).rev();
    let jobs: Vec<(usize, usize)> =
        (0..rows.len()).flat_map(|row| columns(row).map(move |column| (row, column))).collect();
    let next = AtomicUsize::new(0);
    let empty = rows.iter().map(|(function, grade)| vec![(0.0, 0, None); measured_formats(function, *grade)]);
    let cells = Mutex::new(empty.collect::<Vec<_>>());
    let work = || {
        while let Some(&(row, column)) = jobs.get(next.fetch_add(1, Ordering::Relaxed)) {
            let ((function, grade), format) = (rows[row], FORMATS[column]);
            let analysis = analysed(&call(function, format), grade);
            let circuit = optimised(lower(&analysis.graph, 20_000_000).unwrap());
            let (error, at) = measure(function, format, &circuit, grade);
            let (ands, proven) = (ands(&circuit), proven(&analysis));
            println!(
                "{} in {}, {grade:?}: {error:.4} ulp at {at:?}, {ands} ANDs",
                function.name, format.name
            );
            cells.lock().unwrap()[row][column] = (up(error), ands, proven);
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(work);
        }
    });
    let cells = cells.into_inner().unwrap();
    let row = |((function, grade), cells): (&(&'static Function, Grade), _)| Row {
        name: function.name,
        grade: *grade,
        cells,
    };
    rows.iter().zip(cells).map(row).collect()
}

/// Every error is proven, below what the grade promises; and none is above what is proven.
fn broken_promises(row: &Row) -> Vec<String> {
    let most = promise(row.grade);
    let cells = FORMATS.iter().zip(&row.cells);
    let broken = cells.filter(|(_, (error, _, proven))| {
        *error > most || proven.is_none_or(|proven| proven > most || *error > proven)
    });
    let tell = |(format, (error, _, proven)): (&Format, &(f64, usize, Option<f64>))| {
        format!("{} in {}, {:?}: {error} ulp, proven {proven:?}", row.name, format.name, row.grade)
    };
    broken.map(tell).collect()
}

fn compare_row(row: &Row, doc: &str) -> Vec<String> {
    let [error_line, cost_line] = prefixes(row.grade);
    let (errors, costs) = (stated(row.name, error_line), stated(row.name, cost_line));
    let larger_sample = std::env::var("STDLIB_SAMPLE").is_ok();
    let mut found = Vec::new();
    let commented = FORMATS.iter().zip(&row.cells).filter(|_| !BUILT_IN.contains(&row.name));
    for (format, (error, ands, _)) in commented {
        let bound: f64 = errors.get(format.name).map_or(0.0, |error| error.parse().unwrap());
        let right = *error == bound || larger_sample && *error <= bound.max(promise(row.grade));
        if !right || costs.get(format.name) != Some(&ands.to_string()) {
            found.push(format!(
                "{} in {}, {:?}: measured {error} ulp, {ands} ANDs; its doc comment says {bound} ulp, {:?} ANDs",
                row.name,
                format.name,
                row.grade,
                costs.get(format.name)
            ));
        }
    }
    for line in [Some(row.print()), row.print_proofs()].into_iter().flatten() {
        if !larger_sample && !doc.contains(&line) {
            found.push(format!("docs/stdlib.md lacks {line}"));
        }
    }
    found
}

/// The lines of the fast grade follow those of the faithful one.
fn write_row(row: &Row) {
    let own = prefixes(row.grade);
    let lines = [
        row.line(own[0], |(error, ..)| format!("{error:.2}")),
        row.line(own[1], |(_, ands, _)| ands.to_string()),
    ];
    let replaced = match row.grade {
        Grade::Faithful => [STATED, COSTS, FAST_STATED, FAST_COSTS].as_slice(),
        Grade::Fast => [FAST_STATED, FAST_COSTS].as_slice(),
    };
    for module in LIBRARY {
        let text = fs::read_to_string(library_path(module)).unwrap();
        let Some(at) = text.find(&format!("\nfn {}<", row.name)) else { continue };
        let before: Vec<&str> = text[..at]
            .lines()
            .rev()
            .skip_while(|line| replaced.iter().any(|prefix| line.starts_with(prefix)))
            .collect();
        let before: Vec<&str> = before.into_iter().rev().collect();
        fs::write(
            library_path(module),
            format!("{}\n{}{}", before.join("\n"), lines.join("\n"), &text[at..]),
        )
        .unwrap();
    }
}

fn write_tables(rows: &[Row]) {
    let of = |grade: Grade| rows.iter().filter(move |row| row.grade == grade);
    write_table(0, &of(Grade::Faithful).map(Row::print).collect::<Vec<_>>());
    write_table(1, &of(Grade::Fast).map(Row::print).collect::<Vec<_>>());
    write_table(2, &rows.iter().filter_map(Row::print_proofs).collect::<Vec<_>>());
}

/// What a row is of.
fn head(row: &str) -> Option<&str> {
    row.split('|').nth(1)
}

/// Replaces the rows of the n-th table; with `STDLIB_FUNCTIONS`, those that are of the same, which must be there.
fn write_table(n: usize, table: &[String]) {
    let doc = fs::read_to_string(doc_path()).unwrap();
    let lines: Vec<&str> = doc.lines().collect();
    let heads = lines.iter().enumerate().filter(|(_, line)| line.starts_with("|---"));
    let first = heads.map(|(at, _)| at).nth(n).unwrap() + 1;
    let after = first + lines[first..].iter().take_while(|line| line.starts_with('|')).count();
    let rows = if std::env::var("STDLIB_FUNCTIONS").is_ok() {
        let new = |old: &&str| table.iter().find(|row| head(row) == head(old)).cloned();
        lines[first..after].iter().map(|old| new(old).unwrap_or_else(|| (*old).to_owned())).collect()
    } else {
        table.to_vec()
    };
    let all = [lines[..first].join("\n"), rows.join("\n"), lines[after..].join("\n")];
    fs::write(doc_path(), all.join("\n") + "\n").unwrap();
}

/// With `STDLIB_DOC=write`, writes the numbers instead.
#[test]
fn errors_and_costs_are_as_stated() {
    let rows = measure_all();
    let broken: Vec<String> = rows.iter().flat_map(broken_promises).collect();
    assert!(broken.is_empty(), "{}", broken.join("\n"));
    if std::env::var("STDLIB_DOC").is_ok_and(|value| value == "write") {
        rows.iter().for_each(write_row);
        write_tables(&rows);
        return;
    }
    let doc = fs::read_to_string(doc_path()).unwrap();
    let found: Vec<String> = rows.iter().flat_map(|row| compare_row(row, &doc)).collect();
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// One result for one argument.
fn value_of(name: &'static str, format: Format, x: f64) -> f64 {
    let circuit = circuit_of(&unary(name), format);
    let input = (0..1_u64 << format.bits()).find(|bits| {
        let y = format.decode(*bits);
        y == x && y.is_sign_negative() == x.is_sign_negative() || x.is_nan() && y.is_nan()
    });
    format.decode(run(&circuit, format.bits(), &[vec![input.unwrap()]])[0])
}

fn check_values(format: Format, cases: &[(&'static str, f64, f64)]) {
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
            ("expm1", -inf, -1.0),
            ("expm1", inf, inf),
            ("expm1", -0.0, -0.0),
            ("log1p", -1.0, -inf),
            ("log1p", -2.0, f64::NAN),
            ("log1p", inf, inf),
            ("log1p", -0.0, -0.0),
            ("rsqrt", 0.0, inf),
            ("rsqrt", -0.0, -inf),
            ("rsqrt", inf, 0.0),
            ("rsqrt", -4.0, f64::NAN),
            ("rsqrt", 4.0, 0.5),
            ("cbrt", -27.0, -3.0),
            ("cbrt", -inf, -inf),
            ("cbrt", -0.0, -0.0),
            ("tan", inf, f64::NAN),
            ("tan", -0.0, -0.0),
            ("tan", 512.0, 0.0),
            ("asin", 1.5, f64::NAN),
            ("asin", -0.0, -0.0),
            ("acos", 1.0, 0.0),
            ("acos", -1.5, f64::NAN),
            ("atan", -0.0, -0.0),
            ("sinh", -inf, -inf),
            ("sinh", -0.0, -0.0),
            ("cosh", -inf, inf),
            ("cosh", 0.0, 1.0),
            ("erf", inf, 1.0),
            ("erf", -inf, -1.0),
            ("erf", -0.0, -0.0),
            ("softplus", -inf, 0.0),
            ("softplus", inf, inf),
            ("gelu", -inf, 0.0),
            ("gelu", inf, inf),
        ],
    );
    for function in FUNCTIONS.iter().filter(|function| function.arity == 1) {
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
            ("expm1", max, max),
            ("expm1", -max, -1.0),
            ("log1p", -1.0, -max),
            ("log1p", -2.0, -max),
            ("rsqrt", 0.0, max),
            ("rsqrt", -1.0, 0.0),
            ("cbrt", 8.0, 2.0),
            ("tan", max, 0.0),
            ("acos", 2.0, 0.0),
            ("sinh", -max, -max),
            ("cosh", max, max),
            ("erf", -max, -1.0),
            ("softplus", max, max),
            ("gelu", -max, 0.0),
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

/// Where nothing is proven: with few bits of exponent the product of an exponent and a logarithm may overflow.
fn without_proof(function: &Function, format: Format) -> bool {
    function.name == "pow" && format.exponent_bits < 5
}

#[test]
fn small_formats_are_within_one_and_a_tenth_ulp() {
    for format in SMALL {
        for function in FUNCTIONS.iter().filter(|function| function.name != "gelu") {
            let analysis = analysed(&computed_call(function, format), Grade::Faithful);
            let circuit = lower(&analysis.graph, 20_000_000).unwrap();
            let (error, at) = measure(function, format, &circuit, Grade::Faithful);
            let proven = proven(&analysis).or(without_proof(function, format).then_some(1.1));
            let proven = proven.unwrap_or(0.0).min(1.1);
            assert!(
                error <= proven,
                "{} in {}: {error} ulp at {at:?}, proven {proven}",
                function.name,
                format.name
            );
        }
    }
}

/// Of 8 bits most are looked up in a table.
#[test]
fn every_error_is_proven_in_formats_of_eight_bits() {
    for (ty, exponent_bits) in [("f8e5m2", 5), ("f8e4m3", 4)] {
        let format = Format { name: ty, exponent_bits, precision: 8 - exponent_bits, ieee: true };
        for function in FUNCTIONS.iter().filter(|function| !without_proof(function, format)) {
            for (grade, most) in [(Grade::Faithful, 1.0), (Grade::Fast, 4.0)] {
                let proven = proven(&analysed(&call(function, format), grade));
                assert!(
                    proven.is_some_and(|error| error <= most),
                    "{} in {ty}, {grade:?}: {proven:?}",
                    function.name
                );
            }
        }
    }
}

/// Sine and cosine need three times the precision in fixed point, tanh and sigmoid a few bits more than the format.
#[test]
fn functions_compile_up_to_their_widest_formats() {
    let widest: [(&str, &[&str]); 4] = [
        ("float<15, 113>", &["exp", "ln", "recip", "sqrt", "relu"]),
        ("ieee<2, 64>", &["exp", "ln", "sin", "tanh", "sigmoid"]),
        ("float<15, 78>", &["sin", "tanh", "silu", "recip_taylor"]),
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

/// Two arguments, as C and IEEE-754 have them.
#[test]
fn special_values_of_two_arguments_are_as_documented() {
    let (inf, nan) = (f32::INFINITY, f32::NAN);
    let pi = std::f32::consts::PI;
    let cases = [
        ("pow", nan, 0.0, 1.0),
        ("pow", 1.0, nan, 1.0),
        ("pow", 2.0, nan, nan),
        ("pow", -2.0, 3.0, -8.0),
        ("pow", -2.0, 0.5, nan),
        ("pow", 0.0, -1.0, inf),
        ("pow", -0.0, 3.0, -0.0),
        ("pow", -0.0, -3.0, -inf),
        ("pow", -0.0, 2.0, 0.0),
        ("pow", inf, -0.5, 0.0),
        ("pow", -inf, 3.0, -inf),
        ("pow", -inf, -3.0, -0.0),
        ("pow", 0.5, inf, 0.0),
        ("pow", 0.5, -inf, inf),
        ("pow", 2.0, inf, inf),
        ("pow", -1.0, inf, 1.0),
        ("pow", 9.0, 0.5, 3.0),
        ("hypot", inf, nan, inf),
        ("hypot", 1e30, 1e30, std::f32::consts::SQRT_2 * 1e30),
        ("hypot", nan, 1.0, nan),
        ("atan2", 0.0, -1.0, pi),
        ("atan2", -0.0, -1.0, -pi),
        ("atan2", 0.0, 0.0, 0.0),
        ("atan2", -0.0, -0.0, -pi),
        ("atan2", inf, inf, pi / 4.0),
        ("atan2", 1.0, inf, 0.0),
        ("atan2", nan, 1.0, nan),
    ];
    for name in ["pow", "hypot", "atan2"] {
        let circuit = compile(&format!("fn main(x: f32, y: f32) -> f32 {{ {name}(x, y) }}"));
        for (_, x, y, expected) in cases.iter().filter(|case| case.0 == name) {
            let row = vec![u64::from(x.to_bits()), u64::from(y.to_bits())];
            let found = f32::from_bits(u32::try_from(run(&circuit, 32, &[row])[0]).unwrap());
            let same = found.to_bits() == expected.to_bits() || found.is_nan() && expected.is_nan();
            assert!(same, "{name}({x}, {y}) = {found}, expected {expected}");
        }
    }
}

#[test]
fn softmax_is_faithful_and_argmax_takes_the_first() {
    let rows: [[f32; 3]; 5] =
        [[1.0, 2.0, 3.0], [-50.0, 30.0, 29.5], [0.0, 0.0, 0.0], [-1e30, 1e30, 7.0], [88.0, -88.0, 88.25]];
    let circuit =
        compile("fn main(x: [f32; 3]) -> (p: [f32; 3], best: uint<16>) { (softmax(x), argmax(x)) }");
    for row in rows {
        let words: Vec<u64> =
            row.iter().flat_map(|x| (0..32).map(|bit| u64::from(x.to_bits() >> bit & 1))).collect();
        let out = evaluate(&circuit, &Plain, &words);
        let top = row.iter().fold(f64::MIN, |top, x| top.max(f64::from(*x)));
        let powers: Vec<f64> = row.iter().map(|x| (f64::from(*x) - top).exp()).collect();
        let total: f64 = powers.iter().sum();
        for (index, power) in powers.iter().enumerate() {
            let bits = out[32 * index..][..32]
                .iter()
                .enumerate()
                .fold(0, |word, (bit, set)| word | (set & 1) << bit);
            let error = F32.error(F32.decode(bits), power / total);
            assert!(error < 1.0, "{row:?}: element {index} is off by {error} ulp");
        }
        let best = out[96..112].iter().enumerate().fold(0, |word, (bit, set)| word | (set & 1) << bit);
        let first = row.iter().position(|x| f64::from(*x) == top).unwrap();
        assert_eq!(best, first as u64, "{row:?}");
    }
}

#[test]
fn minimax_takes_no_higher_degree_than_taylor_and_says_what_it_proved() {
    let evaluation = |attribute: &str| {
        let mut sources = Sources::default();
        sources.add("test.ffl", format!("fn main(x: f32) -> f32 {{ {attribute} exp(x) }}"));
        let analysis = analyze(&mut sources, &Options::default(), &mut NoFiles).unwrap();
        let ands = ands(&lower(&analysis.graph, 1_000_000).unwrap());
        (analysis.evaluations[0].clone(), ands)
    };
    let (taylor, taylor_ands) = evaluation("#[approx(taylor)]");
    let (minimax, minimax_ands) = evaluation("#[approx(minimax)]");
    let (chosen, chosen_ands) = evaluation("");
    assert_eq!((taylor.function.as_str(), taylor.method), ("exp", Approximation::Taylor));
    assert_eq!(minimax.method, Approximation::Minimax);
    assert!(minimax.degree < taylor.degree && minimax_ands < taylor_ands, "{minimax:?} {taylor:?}");
    assert_eq!((&chosen, chosen_ands), (&minimax, minimax_ands));
    assert!(minimax.error.contains(" * 2^-2"), "{}", minimax.error);
    assert_eq!(evaluation("#[approx(minimax, degree = 7)]").0.degree, 7);
}

#[test]
fn vector_functions_are_exact_on_small_whole_numbers() {
    let three = [1.0, 2.0, 6.0];
    check_vectors("fn main(x: [f32; 3]) -> f32 { mean(x) }", &three, &[3.0]);
    check_vectors("fn main(x: [f32; 4]) -> f32 { variance(x) }", &[1.0, 3.0, 5.0, 7.0], &[5.0]);
    check_vectors("fn main(x: [f32; 3]) -> f32 { sum(x) }", &three, &[9.0]);
    check_vectors("fn main(x: [f32; 3]) -> f32 { dot(x, [3, -1, 0.5]) }", &three, &[4.0]);
    check_vectors("fn main(x: f32) -> f32 { polyval([1, -2, 0, 3], x) }", &[2.0], &[21.0]);
    // 1 + 2 (x - 1) + 6/2 (x - 1)^2 at 3.
    check_vectors("fn main(x: f32) -> f32 { taylor([1, 2, 6], 1, x) }", &[3.0], &[17.0]);
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
    let chosen = ands(&circuit_of(&unary("exp"), F32));
    assert!(chosen <= with(2), "degree 2 is enough for 24 bits on segments of 1/64");
}

/// What a promised range saves: a function, the range, and for f16 and f32 at most how many percent of the gates remain.
const PROMISES: &[(&str, f64, f64, [usize; 2])] = &[
    ("exp", -5.0, 5.0, [80, 80]),
    ("exp2", 0.0, 1.0, [70, 70]),
    ("ln", 0.5, 2.0, [90, 85]),
    ("log2", 1.0, 100.0, [92, 90]),
    ("sin", -3.125, 3.125, [95, 90]),
    ("sin", -1.5, 1.5, [95, 85]),
    ("cos", -1.0, 1.0, [90, 85]),
    ("tanh", -1.0, 1.0, [90, 80]),
    ("erf", -1.0, 1.0, [99, 95]),
    ("sigmoid", -4.0, 4.0, [97, 95]),
    ("recip", 1.0, 100.0, [90, 85]),
    ("rsqrt", 1.0, 100.0, [85, 80]),
    ("cbrt", 1.0, 8.0, [90, 85]),
];

#[test]
fn promised_ranges_save_gates_and_errors_stay_as_small() {
    for (name, low, high, percents) in PROMISES {
        let function = FUNCTIONS.iter().find(|function| function.name == *name).unwrap();
        for (format, percent) in [F16, F32].into_iter().zip(percents) {
            let ty = format.name;
            let text = format!("fn main(x: {ty} in [{low}, {high}]) -> {ty} {{ {name}(x) }}");
            let analysis = analysed(&text, Grade::Faithful);
            let circuit = optimised(lower(&analysis.graph, 20_000_000).unwrap());
            let all = ands(&optimised(circuit_of(function, format)));
            let found = ands(&circuit);
            println!("{name} in {ty} on [{low}, {high}]: {found} of {all} ANDs");
            assert!(100 * found <= percent * all, "{text}: {found} of {all} ANDs");
            let proven = proven(&analysis).map_or(1.0, |proven| proven.min(1.0));
            let tried = inputs(format, function, Grade::Fast);
            let promised: Vec<Vec<u64>> =
                tried.into_iter().filter(|row| (*low..=*high).contains(&format.decode(row[0]))).collect();
            assert!(promised.len() > 100, "{text}: {} inputs", promised.len());
            let results = run(&circuit, format.bits(), &promised);
            for (row, result) in promised.iter().zip(results) {
                let x = format.decode(row[0]);
                let error = format.error(format.decode(result), approximate(name, &[x]));
                assert!(error <= proven, "{name}({x}) in {ty} on [{low}, {high}]: {error} ulp");
            }
        }
    }
}

#[test]
fn the_grade_of_a_call_is_that_of_its_attribute_or_of_the_options() {
    let count = |call: &str, grade: Grade| {
        let analysis = analysed(&format!("fn main(x: f32) -> f32 {{ {call} }}"), grade);
        ands(&lower(&analysis.graph, 1_000_000).unwrap())
    };
    let faithful = count("exp(x)", Grade::Faithful);
    let fast = count("exp(x)", Grade::Fast);
    assert!(6 * fast < 5 * faithful, "{fast} of {faithful}");
    assert_eq!(count("#[grade(fast)] exp(x)", Grade::Faithful), fast);
    assert_eq!(count("#[grade(faithful)] exp(x)", Grade::Fast), faithful);
    assert_eq!(count("#[approx(minimax)] #[grade(fast)] exp(x)", Grade::Faithful), fast);
    // What a library function calls has its grade.
    assert!(count("#[grade(fast)] sinh(x)", Grade::Faithful) < count("sinh(x)", Grade::Faithful));
}

#[test]
fn fast_functions_take_special_values_as_faithful_ones_do() {
    for name in ["exp", "ln", "sin", "cos", "tanh", "sigmoid", "rsqrt", "cbrt", "expm1"] {
        let function = FUNCTIONS.iter().find(|function| function.name == name).unwrap();
        let text = call(function, F16);
        let [faithful, fast] = [Grade::Faithful, Grade::Fast]
            .map(|grade| lower(&analysed(&text, grade).graph, 1_000_000).unwrap());
        for special in [0.0, -0.0, f64::INFINITY, f64::NEG_INFINITY, f64::NAN] {
            let bits = (0..1_u64 << 16).find(|bits| {
                let x = F16.decode(*bits);
                x == special && x.is_sign_negative() == special.is_sign_negative()
                    || x.is_nan() && special.is_nan()
            });
            let row = [vec![bits.unwrap()]];
            let [expected, found] = [&faithful, &fast].map(|circuit| F16.decode(run(circuit, 16, &row)[0]));
            let same = found == expected && found.is_sign_negative() == expected.is_sign_negative();
            assert!(
                same || found.is_nan() && expected.is_nan(),
                "{name}({special}) = {found}, not {expected}"
            );
        }
    }
}

/// Of largest numbers and infinities, the angle is decided by the infinities.
#[test]
fn fast_angles_of_infinite_points_are_as_good_as_others() {
    let function = FUNCTIONS.iter().find(|function| function.name == "atan2").unwrap();
    let circuit = lower(&analysed(&call(function, F16), Grade::Fast).graph, 1_000_000).unwrap();
    let (one, largest, infinity, sign) = (0x3c00, 0x7bff, 0x7c00, 0x8000);
    for y in [one, largest, infinity, infinity | sign] {
        for x in [one, largest, infinity, infinity | sign, largest | sign] {
            let found = F16.decode(run(&circuit, 16, &[vec![y, x]])[0]);
            let exact = F16.decode(y).atan2(F16.decode(x));
            let is_flushed = found == 0.0 && exact.abs() < F16.smallest_normal();
            let is_near = F16.error(found, exact) < 4.0;
            assert!(is_near || is_flushed, "atan2({y:#x}, {x:#x}) = {found}, not {exact}");
        }
    }
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

/// Formats of eight bits: those of which the documentation has the costs, and others.
const SHORT: [Format; 4] = [
    Format { name: "f8e5m2", exponent_bits: 5, precision: 3, ieee: true },
    format::E4M3,
    Format { name: "ieee<4, 4>", exponent_bits: 4, precision: 4, ieee: true },
    Format { name: "float<4, 4>", exponent_bits: 4, precision: 4, ieee: false },
];
const DOCUMENTED: usize = 2;

/// The functions of which the compiler chooses the evaluation.
fn is_evaluated(function: &Function) -> bool {
    function.arity == 1 && (has_grades(function.name) || function.name == "gelu")
}

/// What is nearest to a number, other than a zero; both of two that are as near, but for errors of the reference.
fn is_nearest(format: Format, result: f64, exact: f64) -> bool {
    let half = format.ulp(format.largest()) / 2.0;
    if exact.abs() > (format.largest() + half) * (1.0 + 1e-12) {
        return match (format.ieee, format.name == format::E4M3.name) {
            (true, false) => result == f64::INFINITY.copysign(exact),
            (true, true) => result.is_nan(),
            (false, _) => result == format.largest().copysign(exact),
        };
    }
    let values = (0..1 << format.bits()).map(|bits| format.decode(bits)).filter(|value| value.is_finite());
    let least = values.map(|value| (value - exact).abs()).fold(f64::INFINITY, f64::min);
    let near = (result - exact).abs() <= least * (1.0 + 1e-12) + 1e-300;
    near || !result.is_finite() && exact.abs() > (format.largest() + half) * (1.0 - 1e-12)
}

/// Computed, ANDs; looked up, ANDs and the proven error. Every result is checked.
fn check_short(function: &'static Function, format: Format) -> (usize, usize, f64) {
    let of = |attribute: &str| {
        let (ty, name) = (format.name, function.name);
        analysed(&format!("fn main(x: {ty}) -> {ty} {{ {attribute} {name}(x) }}"), Grade::Faithful)
    };
    let gates = |analysis: &Analysis| optimised(lower(&analysis.graph, 1_000_000).unwrap());
    let (computed, looked_up, chosen) = (of("#[approx(minimax)]"), of("#[approx(table)]"), of(""));
    assert_eq!(looked_up.evaluations.len(), 1, "{} in {}", function.name, format.name);
    assert_eq!(looked_up.evaluations[0].method, Approximation::Table, "{} in {}", function.name, format.name);
    let (computed, tabled, cheaper) = (gates(&computed), gates(&looked_up), ands(&gates(&chosen)));
    assert!(cheaper <= ands(&computed), "{} in {}: {cheaper} ANDs", function.name, format.name);
    assert!(cheaper == ands(&computed) || cheaper == ands(&tabled), "{} in {}", function.name, format.name);
    let inputs: Vec<Vec<u64>> = (0..1 << format.bits()).map(|bits| vec![bits]).collect();
    let before = run(&computed, format.bits(), &inputs);
    let after = run(&tabled, format.bits(), &inputs);
    for ((input, before), after) in inputs.iter().zip(before).zip(after) {
        let x = format.decode(input[0]);
        let (before, after) = (format.decode(before), format.decode(after));
        let exact = approximate(function.name, &[x]);
        let special = !x.is_finite()
            || exact.is_nan()
            || !(function.domain)(&[x])
            || exact == 0.0
            || exact.is_infinite();
        let right = if special {
            after == before && after.is_sign_negative() == before.is_sign_negative()
                || after.is_nan() && before.is_nan()
        } else {
            is_nearest(format, after, exact)
        };
        let (name, ty) = (function.name, format.name);
        assert!(right, "{name}({x}) in {ty}: {after}, exactly {exact}, computed {before}");
    }
    (ands(&computed), ands(&tabled), proven(&looked_up).unwrap())
}

/// With `STDLIB_DOC=write`, writes the costs instead of comparing them.
#[test]
fn functions_of_eight_bits_are_rounded_correctly_by_tables_and_the_cheaper_way_is_chosen() {
    /// The functions that are looked at unless numbers are written, which takes minutes.
    const FEW: [&str; 6] = ["exp", "ln", "sin", "cbrt", "sigmoid", "tanh"];
    let writes = std::env::var("STDLIB_DOC").is_ok_and(|value| value == "write");
    let is_looked_at = |function: &&Function| {
        is_evaluated(function) && is_wanted(function) && (writes || FEW.contains(&function.name))
    };
    let mut rows = Vec::new();
    for function in FUNCTIONS.iter().filter(is_looked_at) {
        let mut row = format!("| `{}` |", function.name);
        for format in &SHORT[..DOCUMENTED] {
            let (computed, tabled, proven) = check_short(function, *format);
            println!(
                "{} in {}: {computed} ANDs, as a table {tabled}, {proven} ulp",
                function.name, format.name
            );
            assert!(proven <= 0.5, "{} in {}", function.name, format.name);
            let _ = write!(row, " {computed} / {tabled} |");
        }
        rows.push(row);
    }
    for function in
        FUNCTIONS.iter().filter(|function| ["exp", "ln", "sin", "sigmoid"].contains(&function.name))
    {
        for format in &SHORT[DOCUMENTED..] {
            let (computed, tabled, _) = check_short(function, *format);
            assert!(tabled < computed, "{} in {}: {tabled}, {computed}", function.name, format.name);
        }
    }
    if writes {
        write_table(4, &rows);
    } else {
        let doc = fs::read_to_string(doc_path()).unwrap();
        let missing: Vec<&String> = rows.iter().filter(|row| !doc.contains(*row)).collect();
        assert!(missing.is_empty(), "docs/stdlib.md lacks {missing:?}");
    }
}

#[test]
fn tables_use_promised_ranges_and_give_way_to_what_is_asked_for() {
    let of = |text: &str| analysed(text, Grade::Faithful);
    let gates = |analysis: &Analysis| optimised(lower(&analysis.graph, 1_000_000).unwrap());
    let all = of("fn main(x: f8e5m2) -> f8e5m2 { exp(x) }");
    let promised = of("fn main(x: f8e5m2 in [0, 2]) -> f8e5m2 { exp(x) }");
    let (all, fewer) = (gates(&all), gates(&promised));
    assert!(4 * ands(&fewer) < 3 * ands(&all), "{} of {}", ands(&fewer), ands(&all));
    let inputs: Vec<Vec<u64>> = (0..256).map(|bits| vec![bits]).collect();
    let (wide, narrow) = (run(&all, 8, &inputs), run(&fewer, 8, &inputs));
    for (input, (wide, narrow)) in inputs.iter().zip(wide.into_iter().zip(narrow)) {
        if (0.0..=2.0).contains(&SHORT[0].decode(input[0])) {
            assert_eq!(wide, narrow, "{input:?}");
        }
    }
    let taylor = of("fn main(x: f8e5m2) -> f8e5m2 { #[approx(taylor)] exp(x) }");
    assert_eq!(taylor.evaluations[0].method, Approximation::Taylor);
    // Sixteen bits are too many for a table, so asking for one changes nothing.
    let asked = of("fn main(x: f16) -> f16 { #[approx(table)] exp(x) }");
    assert_eq!(gates(&asked), gates(&of("fn main(x: f16) -> f16 { exp(x) }")));
    // The status word is about operations.
    let mut sources = Sources::default();
    sources.add("test.ffl", "fn main(x: f8e5m2) -> f8e5m2 { exp(x) }");
    let flagged =
        analyze(&mut sources, &Options { flags: true, ..Options::default() }, &mut NoFiles).unwrap();
    assert_ne!(flagged.evaluations[0].method, Approximation::Table);
}

#[test]
fn the_sign_is_approximated_within_its_proven_error_at_many_times_the_price_of_a_comparison() {
    // The largest error wanted, and polynomials in the composition.
    for (least, error, stages) in [("0.25", 0.05, 1..4), ("0.03125", 0.02, 3..8), ("0.00390625", 0.01, 5..12)]
    {
        let text = format!("fn main(x: f16) -> f16 {{ sign_approx(x, {least}, {error}) }}");
        let analysis = analysed(&text, Grade::Faithful);
        assert!(stages.contains(&analysis.evaluations.len()), "{text}: {:?}", analysis.evaluations);
        assert!(
            analysis
                .evaluations
                .iter()
                .all(|stage| stage.function == "sign_approx" && [3, 5, 7].contains(&stage.degree))
        );
        let proven = proven(&analysis).unwrap() / 2048.0;
        assert!(proven <= error, "{text}: proven {proven}");
        let circuit = optimised(lower(&analysis.graph, 1_000_000).unwrap());
        let exact = optimised(compile("fn main(x: f16) -> f16 { sign(x) }"));
        let degrees: Vec<i64> = analysis.evaluations.iter().map(|stage| stage.degree).collect();
        println!(
            "{text}: degrees {degrees:?}, {} ANDs, exact {}, proven {proven:.5}",
            ands(&circuit),
            ands(&exact)
        );
        assert!(ands(&circuit) > 20 * ands(&exact));
        let inputs: Vec<Vec<u64>> = (0..1 << 16).map(|bits| vec![bits]).collect();
        let results = run(&circuit, 16, &inputs);
        let smallest: f64 = least.parse().unwrap();
        let mut worst = 0.0_f64;
        for (input, bits) in inputs.iter().zip(&results) {
            let (x, y) = (F16.decode(input[0]), F16.decode(*bits));
            assert_eq!(x.is_nan(), y.is_nan(), "{x}");
            assert!(x.is_nan() || *bits == results[(input[0] ^ 1 << 15) as usize] ^ 1 << 15, "odd at {x}");
            if x.abs() >= smallest {
                worst = worst.max((y - x.signum()).abs());
            }
        }
        assert!(worst <= proven, "{text}: {worst}, proven {proven}");
        assert!(4.0 * worst > proven, "{text}: {worst}, proven only {proven}");
    }
    check_vectors(
        "fn main(x: f32, y: f32) -> (bool, bool) { (compare_approx(x, y, 0.125, 0.01) > 0.99, compare_approx(y, x, 0.125, 0.01) < 0.01) }",
        &[0.5, 0.25],
        &[f32::from_bits(1); 2],
    );
}
