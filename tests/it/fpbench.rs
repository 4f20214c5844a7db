//! FPBench: every program imports, compiles, and is as accurate as rounding after each operation lets it be.
//!
//! The references of `tests/vectors/fpbench` are answers over the real numbers. Accuracy is in bits: -log2 of the
//! relative error, at most the precision of the type. A figure of a program is the median over its rows.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::command::{ffhec, root};

/// A float type with its precision and the column of references that round after each operation, if there is one.
#[derive(Clone, Copy)]
struct Format {
    name: &'static str,
    precision: f64,
    steps: Option<usize>,
}

const F32: Format = Format { name: "f32", precision: 24.0, steps: Some(2) };
const FORMATS: [Format; 5] = [
    Format { name: "f16", precision: 11.0, steps: None },
    Format { name: "bf16", precision: 8.0, steps: None },
    F32,
    Format { name: "float<8, 24>", precision: 24.0, steps: None },
    Format { name: "f64", precision: 53.0, steps: Some(3) },
];

struct Benchmark {
    path: PathBuf,
    name: String,
    columns: Vec<String>,
    rows: Vec<Row>,
}

struct Row {
    inputs: Vec<f32>,
    reference: f64,
    /// Rounded after each operation, in f32 and in f64.
    steps: [f64; 2],
}

fn strings(value: &Value) -> Vec<String> {
    value.as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect()
}

fn f32_of(hex: &str) -> f32 {
    f32::from_bits(u32::from_str_radix(hex, 16).unwrap())
}

/// A hexadecimal float of at most 53 bits, normalised with one digit before the point.
fn hexadecimal(text: &str) -> f64 {
    let (mantissa, exponent) = text.split_once('p').unwrap();
    let negative = mantissa.starts_with('-');
    let (whole, fraction) =
        mantissa.trim_start_matches('-').strip_prefix("0x").unwrap().split_once('.').unwrap();
    let digits = u64::from_str_radix(&format!("{whole}{fraction}"), 16).unwrap();
    let places = 4 * i32::try_from(fraction.len()).unwrap();
    let size = digits as f64 * 2_f64.powi(exponent.parse::<i32>().unwrap() - places);
    if negative { -size } else { size }
}

fn benchmark(path: &Path) -> Benchmark {
    let value: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let rows = value["rows"].as_array().unwrap();
    Benchmark {
        path: path.to_path_buf(),
        name: path.file_stem().unwrap().to_str().unwrap().to_owned(),
        columns: strings(&value["args"]),
        rows: rows
            .iter()
            .map(|row| Row {
                inputs: strings(&row[0]).iter().map(|hex| f32_of(hex)).collect(),
                reference: row[1].as_str().unwrap().parse().unwrap(),
                steps: [f64::from(f32_of(row[2].as_str().unwrap())), hexadecimal(row[3].as_str().unwrap())],
            })
            .collect(),
    }
}

fn benchmarks() -> Vec<Benchmark> {
    let folder = root().join("tests/vectors/fpbench");
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .collect();
    paths.sort();
    paths.iter().map(|path| benchmark(path)).collect()
}

/// Correct bits of `found`.
fn bits(found: f64, reference: f64, precision: f64) -> f64 {
    if found == reference {
        return precision;
    }
    if !found.is_finite() || reference == 0.0 {
        return 0.0;
    }
    (-((found - reference) / reference).abs().log2()).clamp(0.0, precision)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len() % 2 == 1 { values[middle] } else { (values[middle - 1] + values[middle]) / 2.0 }
}

impl Benchmark {
    /// Imports and compiles the program; the path of the compiled file, and what `inspect` says about it.
    fn compile(&self, format: Format, folder: &Path) -> (String, Value) {
        let place =
            |extension: &str| folder.join("program").with_extension(extension).to_str().unwrap().to_owned();
        let (source, compiled) = (place("ffl"), place("ffc"));
        ffhec(&["import", self.path.to_str().unwrap(), "--float", format.name, "-o", &source]).ok();
        ffhec(&["compile", &source, "-o", &compiled, "-q"]).ok();
        let json = serde_json::from_str(&ffhec(&["inspect", &compiled, "--json", "-q"]).ok()).unwrap();
        (compiled, json)
    }

    /// Correct bits of the compiled gates, the median over the rows.
    fn accuracy(&self, format: Format, (program, json): (&str, &Value), folder: &Path) -> f64 {
        // Parameters keep their order, not always their names.
        let names: Vec<&str> =
            json["inputs"].as_array().unwrap().iter().map(|port| port["name"].as_str().unwrap()).collect();
        assert_eq!(names.len(), self.columns.len());
        let mut table = names.join(",") + "\n";
        for row in &self.rows {
            let cells: Vec<String> = row.inputs.iter().map(|x| format!("{:e}", f64::from(*x))).collect();
            table += &(cells.join(",") + "\n");
        }
        let rows = folder.join("rows.csv");
        std::fs::write(&rows, table).unwrap();
        let results =
            ffhec(&["run", program, "--inputs", rows.to_str().unwrap(), "--scheme", "plain", "-q"]).ok();
        let found: Vec<f64> = results.lines().skip(1).map(|line| line.parse().unwrap()).collect();
        assert_eq!(found.len(), self.rows.len());
        let pairs = found.iter().zip(&self.rows);
        median(pairs.map(|(found, row)| bits(*found, row.reference, format.precision)).collect())
    }

    /// Correct bits of the reference that rounds after each operation.
    fn steps(&self, format: Format) -> Option<f64> {
        let column = format.steps? - 2;
        let rows = self.rows.iter();
        Some(median(rows.map(|row| bits(row.steps[column], row.reference, format.precision)).collect()))
    }
}

#[test]
fn fpbench_programs_are_within_a_bit_of_rounding_after_each_operation() {
    let folder = tempfile::tempdir().unwrap();
    let all = benchmarks();
    assert_eq!(all.len(), 27);
    let mut problems = String::new();
    for benchmark in &all {
        let (program, json) = benchmark.compile(F32, folder.path());
        let found = benchmark.accuracy(F32, (&program, &json), folder.path());
        let steps = benchmark.steps(F32).unwrap();
        if found < steps - 1.0 {
            problems += &format!("{}: {found:.1} bits, step by step {steps:.1}\n", benchmark.name);
        }
    }
    assert!(problems.is_empty(), "{problems}");
}

/// The largest error in ulp that `run --check` finds, and the one that the references tell.
fn checked_errors(benchmark: &Benchmark, folder: &Path) -> (f64, f64) {
    let place = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    let (source, table) = (place("checked.ffl"), place("checked.csv"));
    ffhec(&["import", benchmark.path.to_str().unwrap(), "--float", "f32", "-o", &source]).ok();
    let mut rows = benchmark.columns.join(",") + "\n";
    for row in &benchmark.rows {
        let cells: Vec<String> = row.inputs.iter().map(|x| format!("{:e}", f64::from(*x))).collect();
        rows += &(cells.join(",") + "\n");
    }
    std::fs::write(&table, rows).unwrap();
    let outcome = ffhec(&["run", &source, "--inputs", &table, "--scheme", "plain", "--check"]);
    let found = outcome.err.split("check: result: at most ").nth(1);
    let found = found.and_then(|rest| rest.split(' ').next()).map_or(0.0, |error| error.parse().unwrap());
    let results = outcome.ok();
    let errors = results.lines().skip(1).zip(&benchmark.rows).map(|(result, row)| {
        let result: f32 = result.parse().unwrap();
        let exponent = i32::try_from(row.reference.to_bits() >> 52 & 0x7ff).unwrap() - 1023;
        (f64::from(result) - row.reference).abs() / 2_f64.powi(exponent.max(-126) - 23)
    });
    (found, errors.fold(0.0, f64::max))
}

#[test]
fn check_finds_the_errors_that_the_references_tell() {
    let folder = tempfile::tempdir().unwrap();
    let light = [
        "NMSE_example_3_1",
        "NMSE_p42_positive",
        "carbonGas",
        "cav10",
        "exp1x_log",
        "hypot",
        "predatorPrey",
        "sineOrder3",
    ];
    for benchmark in benchmarks().iter().filter(|benchmark| light.contains(&benchmark.name.as_str())) {
        let (found, expected) = checked_errors(benchmark, folder.path());
        // Two digits are printed, rounded up.
        let close = found >= expected * (1.0 - 1e-6) && found <= (expected * 1.11).max(expected + 0.0101);
        assert!(close, "{}: --check says {found} ulp, the references {expected}", benchmark.name);
    }
}

#[test]
fn files_of_several_programs_need_a_choice() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("two.fpcore");
    std::fs::write(&path, "(FPCore one (x) (+ x 1))\n(FPCore (x) :name \"the other\" (foo x))\n").unwrap();
    let path = path.to_str().unwrap();
    ffhec(&["import", path]).fails(1, &["holds 2 programs", "one, the other", "--core"]);
    ffhec(&["import", path, "--core", "three"]).fails(1, &["no program `three`"]);
    ffhec(&["import", path, "--core", "the other"]).fails(1, &["two.fpcore:2:32", "`foo`"]);
    ffhec(&["import", path, "--float", "int<3>"]).fails(2, &["--float int<3>"]);
    let program = folder.path().join("one.ffl");
    let program = program.to_str().unwrap();
    ffhec(&["import", path, "--core", "one", "--float", "f16", "-o", program]).ok();
    assert_eq!(ffhec(&["run", program, "--in", "x=2", "--scheme", "plain", "-q"]).ok(), "result\n3\n");
}

/// The same import for all of FPBench's files with references that are at hand, and not only the compact ones.
#[test]
fn every_fpbench_file_at_hand_imports_and_checks() {
    let folder = match std::env::var("FFHEC_FPBENCH") {
        Ok(folder) => PathBuf::from(folder),
        Err(_) => root().join("../shared/data/fpbench"),
    };
    let Ok(entries) = std::fs::read_dir(&folder) else {
        println!("notice: {} is not there; only tests/vectors/fpbench was tested", folder.display());
        return;
    };
    let place = tempfile::tempdir().unwrap();
    for path in entries.map(|entry| entry.unwrap().path()) {
        let program = place.path().join("p.ffl").to_str().unwrap().to_owned();
        ffhec(&["import", path.to_str().unwrap(), "--float", "f32", "-o", &program]).ok();
        ffhec(&["check", &program]).ok();
    }
}

/// Prints accuracy and costs of every program in every type, or in those of `FFHEC_TYPES` (`f16,f32`); with
/// `FFHEC_UPDATE` set also into `compiler/docs/fpbench.md`.
#[test]
#[ignore = "a report: minutes of compiling in five formats"]
fn fpbench_report() {
    let types = std::env::var("FFHEC_TYPES").ok();
    let wanted =
        |format: &Format| types.as_ref().is_none_or(|types| types.split(',').any(|t| t == format.name));
    let folder = tempfile::tempdir().unwrap();
    let mut page = String::from(
        "# FPBench\n\nThe programs of `tests/vectors/fpbench`, imported by `ffhec import` and compiled with the default \
         options. *Bits* are correct\nbits of the answer over the real numbers, the median over 16 rows, at most the \
         precision of the type; *step by step* is\nthe same for a reference that rounds to nearest after each operation, \
         with elementary functions rounded correctly. Inputs\nare f32 numbers; narrower types lose bits by rounding them. \
         Refreshes are for preset toy.\n\nWritten by `FFHEC_TYPES=f32 FFHEC_UPDATE=1 cargo test --release --test it fpbench_report \
         -- --ignored --nocapture`;\nwithout `FFHEC_TYPES` it does f16, bf16, f32, float<8, 24> and f64.\n\n| program | type | bits | step by step | AND | depth | refreshes |\n\
         |---|---|---:|---:|---:|---:|---:|\n",
    );
    print!("{page}");
    for benchmark in benchmarks() {
        for format in FORMATS.into_iter().filter(wanted) {
            let (program, json) = benchmark.compile(format, folder.path());
            let line = format!(
                "| {} | `{}` | {:.1} | {} | {} | {} | {} |\n",
                benchmark.name,
                format.name,
                benchmark.accuracy(format, (&program, &json), folder.path()),
                benchmark.steps(format).map_or("-".to_owned(), |bits| format!("{bits:.1}")),
                json["and"],
                json["and_depth"],
                json["refreshes"],
            );
            print!("{line}");
            page += &line;
        }
    }
    if std::env::var_os("FFHEC_UPDATE").is_some() {
        std::fs::write(root().join("compiler/docs/fpbench.md"), page).unwrap();
    }
}
