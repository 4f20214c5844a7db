//! Published floating-point vectors against the compiler's circuits: the compact set in `tests/vectors/testfloat`,
//! and the full one where it is at hand (`FFHEC_TESTFLOAT`, or `shared/data/testfloat` beside the repository).

#![allow(clippy::unwrap_used, clippy::wildcard_enum_match_arm, reason = "tests")]
#![allow(clippy::disallowed_methods, reason = "tests read files and the environment; the compiler does not")]

use std::path::{Path, PathBuf};

use ffhec_circuit::{Circuit, Plain, evaluate};
use ffhec_compiler::float::fir::{Column, Graph, Node, Op, Value};
use ffhec_compiler::float::lower::{lower, lower_with};
use ffhec_compiler::gadgets::codec::Real;
use ffhec_compiler::gadgets::format::Scalar;
use num_bigint::BigUint;

/// One operation over inputs of the given types.
struct Program {
    types: Vec<Scalar>,
    result: Scalar,
    circuit: Circuit,
    /// The same with the status word.
    flagged: Circuit,
    /// The operation hands a NaN on as it is.
    passes_nan: bool,
}

impl Program {
    fn new(op: Op, result: Scalar, types: &[Scalar]) -> Self {
        let mut graph = Graph { functions: vec!["main".to_owned()], ..Graph::default() };
        let column = |name: String, ty| Column { name, ty, range: None };
        for (index, &ty) in types.iter().enumerate() {
            graph.inputs.push(column(format!("x{index}"), ty));
            let op = Op::Input(u32::try_from(index).unwrap());
            graph.nodes.push(Node { op, operands: vec![], ty, origin: 0 });
        }
        let operands = (0..u32::try_from(types.len()).unwrap()).map(Value).collect();
        let passes_nan = matches!(op, Op::Trunc | Op::RoundEven);
        graph.nodes.push(Node { op, operands, ty: result, origin: 0 });
        let value = Value(u32::try_from(types.len()).unwrap());
        graph.outputs.push((column("result".to_owned(), result), value));
        let circuit = lower(&graph, 10_000_000).unwrap();
        let flagged = lower_with(&graph, 10_000_000, true).unwrap();
        Program { types: types.to_vec(), result, circuit, flagged, passes_nan }
    }

    /// The result of every row, as many bits as it has, and what comes behind it.
    fn run(&self, circuit: &Circuit, rows: &[Vec<u64>]) -> Vec<(u64, u64)> {
        let width = self.result.width() as usize;
        let mut results = Vec::with_capacity(rows.len());
        for chunk in rows.chunks(64) {
            let mut inputs = Vec::new();
            for (index, ty) in self.types.iter().enumerate() {
                for bit in 0..ty.width() {
                    let lanes = chunk.iter().enumerate();
                    inputs.push(lanes.fold(0, |word, (lane, row)| word | (row[index] >> bit & 1) << lane));
                }
            }
            let out = evaluate(circuit, &Plain, &inputs);
            for lane in 0..chunk.len() {
                let (value, rest) = out.split_at(width);
                let word = |bits: &[u64]| {
                    let bits = bits.iter().enumerate();
                    bits.fold(0, |word, (bit, value)| word | (value >> lane & 1) << bit)
                };
                results.push((word(value), word(rest)));
            }
        }
        results
    }

    /// Compares the status word with TestFloat's flags.
    fn check_flags(&self, name: &str, rows: &[Vec<u64>], flags: &[u64]) {
        // The vectors know a conversion to an integer as one that does not say whether it is exact.
        let to_integer = self.result.as_float().is_none() && self.result != Scalar::Bool;
        let seen = if to_integer { 0b01111 } else { 0b11111 };
        for ((row, (_, found)), &flags) in rows.iter().zip(self.run(&self.flagged, rows)).zip(flags) {
            // Theirs: inexact, underflow, overflow, infinite, invalid. Ours the other way round.
            let expected = (0..5).fold(0, |word, bit| word | (flags >> bit & 1) << (4 - bit));
            assert_eq!(found & seen, expected, "{name}: {row:x?} flags, lowest invalid");
        }
    }

    /// Compares; any NaN stands for NaN, but what arithmetic gives must be the canonical one.
    fn check(&self, name: &str, rows: &[Vec<u64>], expected: &[u64]) {
        let nan = self.result.encode_real(&Real::Nan).map(|encoded| encoded.bits);
        let with_flags = self.run(&self.flagged, rows);
        let found = self.run(&self.circuit, rows).into_iter().zip(with_flags);
        for ((row, ((found, _), (beside_flags, _))), &expected) in rows.iter().zip(found).zip(expected) {
            assert_eq!(found, beside_flags, "{name}: {row:x?}: the status word changes the result");
            let is_nan = self.result.decode(&BigUint::from(expected)) == Real::Nan;
            let found_nan = self.result.decode(&BigUint::from(found)) == Real::Nan;
            let canonical = self.passes_nan || Some(BigUint::from(found)) == nan;
            let same = if is_nan { found_nan && canonical } else { found == expected };
            assert!(same, "{name}: {row:x?} gave {found:x}, not {expected:x}");
        }
    }
}

/// A type by its name in the vectors, with the rounding direction of a file name.
fn scalar(name: &str, rounding: &str) -> Option<Scalar> {
    let direction = match rounding {
        "minMag" => ", toward_zero",
        "near_even" => "",
        _ => return None,
    };
    let text = match name {
        "f16" => format!("ieee<5, 11{direction}>"),
        "bf16" => format!("ieee<8, 8{direction}>"),
        "f32" => format!("ieee<8, 24{direction}>"),
        "f64" => format!("ieee<11, 53{direction}>"),
        "e5m2" => format!("ieee<5, 3{direction}>"),
        "e4m3" => format!("ieee<4, 4{direction}>"),
        "e4m3fn" if direction.is_empty() => "f8e4m3".to_owned(),
        "i32" => "int<32>".to_owned(),
        "i64" => "int<64>".to_owned(),
        "ui32" => "uint<32>".to_owned(),
        "ui64" => "uint<64>".to_owned(),
        _ => {
            let (exponent, fraction) = name.strip_prefix('c')?.split_once('m')?;
            format!("ieee<{exponent}, {}{direction}>", fraction.parse::<u32>().ok()? + 1)
        }
    };
    Scalar::parse(&text)
}

fn operation(name: &str) -> Option<Op> {
    Some(match name {
        "add" => Op::Add,
        "sub" => Op::Sub,
        "mul" => Op::Mul,
        "div" => Op::Div,
        "sqrt" => Op::Sqrt,
        "lt" | "lt_quiet" => Op::Lt,
        "le" | "le_quiet" => Op::Le,
        "eq" | "eq_signaling" => Op::Eq,
        "roundToInt" => Op::Trunc,
        "rem" => Op::Remainder,
        _ => return None,
    })
}

/// The program and operand count of a file; none for operations that the language does not have (conversion to an
/// integer to nearest even).
fn program(function: &str, rounding: &str) -> Option<Program> {
    if let Some((from, to)) = function.split_once("_to_") {
        let (from, to) = (scalar(from, rounding)?, scalar(to, rounding)?);
        let truncates = rounding == "minMag" || from.as_float().is_none() || to.as_float().is_some();
        return truncates.then(|| Program::new(Op::Convert, to, &[from]));
    }
    let (format, name) = function.split_once('_')?;
    let op = operation(name)?;
    let ty = scalar(format, rounding)?;
    match op {
        Op::Trunc if rounding != "minMag" => Some(Program::new(Op::RoundEven, ty, &[ty])),
        Op::Trunc | Op::Sqrt => Some(Program::new(op, ty, &[ty])),
        Op::Lt | Op::Le | Op::Eq => Some(Program::new(op, Scalar::Bool, &[ty, ty])),
        op => Some(Program::new(op, ty, &[ty, ty])),
    }
}

fn hex(text: &str) -> Vec<u64> {
    text.split_whitespace().map(|word| u64::from_str_radix(word, 16).unwrap()).collect()
}

/// Checks one file; false if it holds something that the language does not have.
fn check_file(path: &Path) -> bool {
    let name = path.file_name().unwrap().to_str().unwrap();
    let Some((stem, kind)) = name.rsplit_once('.') else { return false };
    if let Some(format) = stem.strip_suffix("_cmp") {
        return check_comparisons(path, name, format);
    }
    let Some((function, rounding)) = stem.split_once('.') else { return false };
    let Some(program) = program(function, rounding) else { return false };
    let operands = program.types.len();
    let (mut rows, mut expected) = (Vec::new(), Vec::new());
    let (mut flagged, mut flags) = (Vec::new(), Vec::new());
    if kind == "tab" {
        for (index, &byte) in std::fs::read(path).unwrap().iter().enumerate() {
            let index = index as u64;
            rows.push(if operands == 1 { vec![index] } else { vec![index >> 8, index & 255] });
            expected.push(u64::from(byte));
        }
    } else {
        let to_integer = program.result.as_float().is_none() && program.result != Scalar::Bool;
        for line in std::fs::read_to_string(path).unwrap().lines() {
            let words = hex(line);
            let invalid = words.get(operands + 1).is_some_and(|flags| flags & 0x10 != 0);
            if let Some(&found) = words.get(operands + 1)
                && has_our_flags(function)
                && !(0..operands).any(|index| is_signaling(program.types[index], words[index]))
            {
                flagged.push(words[..operands].to_vec());
                flags.push(found);
            }
            // Out of range, every library has its own integer.
            if !(to_integer && invalid) {
                rows.push(words[..operands].to_vec());
                expected.push(words[operands]);
            }
        }
    }
    assert!(!rows.is_empty(), "{name} holds vectors");
    program.check(name, &rows, &expected);
    program.check_flags(name, &flagged, &flags);
    true
}

/// `<` and `<=` signal, `==` does not.
fn has_our_flags(function: &str) -> bool {
    !function.ends_with("_quiet") && !function.ends_with("eq_signaling")
}

/// A NaN with a clear top fraction bit; the language has quiet ones only.
fn is_signaling(ty: Scalar, bits: u64) -> bool {
    ty.as_float().is_some_and(|format| {
        let quiet = bits >> (format.fraction_bits() - 1) & 1 == 1;
        !quiet && ty.decode(&BigUint::from(bits)) == Real::Nan
    })
}

/// Lines `A B lt le eq`.
fn check_comparisons(path: &Path, name: &str, format: &str) -> bool {
    let Some(ty) = scalar(format, "near_even") else { return false };
    let lines: Vec<Vec<u64>> = std::fs::read_to_string(path).unwrap().lines().map(hex).collect();
    let rows: Vec<Vec<u64>> = lines.iter().map(|line| line[..2].to_vec()).collect();
    for (index, op) in [Op::Lt, Op::Le, Op::Eq].into_iter().enumerate() {
        let expected: Vec<u64> = lines.iter().map(|line| line[2 + index]).collect();
        Program::new(op, Scalar::Bool, &[ty, ty]).check(name, &rows, &expected);
    }
    true
}

fn check_folder(folder: &Path) -> usize {
    let mut paths: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let vectors = paths.iter().filter(|path| {
        let kind = path.extension().and_then(|kind| kind.to_str());
        matches!(kind, Some("txt" | "tab"))
    });
    vectors.filter(|path| check_file(path)).count()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

#[test]
fn circuits_agree_with_the_committed_vectors() {
    let checked = check_folder(&root().join("tests/vectors/testfloat"));
    assert_eq!(checked, 33, "every committed file is checked");
}

#[test]
fn circuits_agree_with_all_vectors_where_they_are_at_hand() {
    let folder = match std::env::var_os("FFHEC_TESTFLOAT") {
        Some(folder) => PathBuf::from(folder),
        None => root().join("../shared/data/testfloat"),
    };
    if !folder.is_dir() {
        println!(
            "notice: no full TestFloat vectors at {}; only the committed ones were checked",
            folder.display()
        );
        return;
    }
    let checked = check_folder(&folder);
    println!("{checked} vector files checked");
    assert!(checked > 100, "only {checked} files of {} could be checked", folder.display());
}
