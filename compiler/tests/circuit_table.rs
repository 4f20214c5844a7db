//! `docs/circuits.md`: the size of every operation. The test fails when the page is not what the compiler does, as far as
//! formats of up to 16 bits go; `FFHEC_FULL=1` compares all of it, and
//! `FFHEC_UPDATE=1 cargo test -p ffhec-compiler --test circuit_table` writes it anew.

#![allow(clippy::wildcard_enum_match_arm, clippy::unwrap_used, reason = "tests")]
#![allow(clippy::disallowed_methods, reason = "tests read files and the environment; the compiler does not")]

use std::fmt::Write as _;
use std::path::Path;

use ffhec_circuit::Circuit;
use ffhec_compiler::float::fir::{Column, Graph, Node, Op, Value};
use ffhec_compiler::float::lower::lower_for;
use ffhec_compiler::gadgets::format::{Rounding, Scalar};
use ffhec_compiler::gadgets::objective::Objective;
use ffhec_compiler::opt::optimize;

/// A way of building circuits, one group of columns of the table.
struct Model {
    /// Over its columns.
    name: &'static str,
    /// One operation over inputs of its own; with the status word or without.
    build: fn(&Graph, bool) -> Circuit,
}

const MODELS: [Model; 2] =
    [Model { name: "fewest ANDs", build: fewest }, Model { name: "least depth", build: shallowest }];

fn fewest(graph: &Graph, flags: bool) -> Circuit {
    built(graph, Objective::FewestAnds, flags)
}

fn shallowest(graph: &Graph, flags: bool) -> Circuit {
    built(graph, Objective::LeastDepth, flags)
}

fn built(graph: &Graph, objective: Objective, flags: bool) -> Circuit {
    optimize(lower_for(graph, 100_000_000, objective, flags).unwrap())
}

/// Formats of the table, in its order.
const FORMATS: [&str; 14] = [
    "float<5, 11>",
    "float<8, 8>",
    "float<8, 24>",
    "float<11, 53>",
    "ieee<5, 11, flush, finite>",
    "ieee<8, 24, flush, finite>",
    "ieee<11, 53, flush, finite>",
    "f8e5m2",
    "f8e4m3",
    "f16",
    "bf16",
    "f32",
    "f64",
    "ieee<5, 7>",
];

/// An operation with its name and the number of its operands.
fn operations() -> Vec<(&'static str, Op, usize)> {
    vec![
        ("add", Op::Add, 2),
        ("sub", Op::Sub, 2),
        ("mul", Op::Mul, 2),
        ("square", Op::Mul, 1),
        ("div", Op::Div, 2),
        ("sqrt", Op::Sqrt, 1),
        ("fma", Op::Fma, 3),
        ("rem (`%`)", Op::Rem, 2),
        ("remainder", Op::Remainder, 2),
        ("less", Op::Lt, 2),
        ("less or equal", Op::Le, 2),
        ("equal", Op::Eq, 2),
        ("min", Op::Min, 2),
        ("minimum", Op::Minimum, 2),
        ("floor", Op::Floor, 1),
        ("trunc", Op::Trunc, 1),
        ("round", Op::Round, 1),
        ("round_even", Op::RoundEven, 1),
        ("to `int<32>`", Op::Convert, 1),
        ("sum of 3", Op::Sum, 3),
        ("sum of 4", Op::Sum, 4),
        ("sum of 8", Op::Sum, 8),
        ("sum of 16", Op::Sum, 16),
        ("dot of 2", Op::Dot, 4),
        ("dot of 3", Op::Dot, 6),
        ("dot of 4", Op::Dot, 8),
        ("dot of 8", Op::Dot, 16),
    ]
}

/// Published circuits: format, operation, what is known of them (ANDs / AND-depth).
const ANCHORS: [(&str, &str, &str); 19] = [
    ("ieee<8, 24, flush, finite>", "add", "EMP 986 / 94, ABY nostatus 1,857 / 59"),
    ("ieee<8, 24, flush, finite>", "mul", "EMP 3,571 / 161, ABY nostatus 3,016 / 47"),
    ("ieee<8, 24, flush, finite>", "div", "EMP 3,809 / 1,817, ABY nostatus 5,395 / 296"),
    ("ieee<8, 24, flush, finite>", "sqrt", "ABY nostatus 2,455 / 197"),
    ("ieee<8, 24, flush, finite>", "less", "ABY 218 / 12"),
    ("ieee<11, 53, flush, finite>", "add", "ABY nostatus 4,363 / 72"),
    ("ieee<11, 53, flush, finite>", "mul", "ABY nostatus 11,068 / 111"),
    ("ieee<11, 53, flush, finite>", "div", "ABY nostatus 22,741 / 994"),
    ("ieee<11, 53, flush, finite>", "sqrt", "ABY nostatus 12,706 / 557"),
    ("f16", "add", "HardFloat 662"),
    ("f16", "mul", "HardFloat 677"),
    ("f32", "add", "ABY ieee 2,180 / 70, HardFloat 1,200"),
    ("f32", "mul", "ABY ieee 4,523 / 60, HardFloat 2,313"),
    ("f32", "div", "ABY ieee 5,468 / 306"),
    ("f32", "sqrt", "ABY ieee 3,025 / 215"),
    ("f64", "add", "Bristol 5,385 / 235, ABY ieee 4,664 / 100"),
    ("f64", "mul", "Bristol 19,626 / 129, ABY ieee 15,255 / 117"),
    ("f64", "less", "Bristol 381 / 67"),
    ("f64", "equal", "Bristol 315 / 9"),
];

/// One operation over inputs; one operand is used twice in a square.
fn graph(op: &Op, name: &str, operands: usize) -> Graph {
    let ty = Scalar::parse(name).unwrap();
    let mut graph = Graph { functions: vec!["main".to_owned()], ..Graph::default() };
    let column = |name: String, ty| Column { name, ty, range: None };
    for index in 0..operands {
        graph.inputs.push(column(format!("x{index}"), ty));
        let op = Op::Input(u32::try_from(index).unwrap());
        graph.nodes.push(Node { op, operands: vec![], ty, origin: 0 });
    }
    let mut values: Vec<Value> = (0..u32::try_from(operands).unwrap()).map(Value).collect();
    if *op == Op::Mul && operands == 1 {
        values.push(Value(0));
    }
    let result = match op {
        Op::Lt | Op::Le | Op::Eq => Scalar::Bool,
        Op::Convert => Scalar::Int(32),
        _ => ty,
    };
    graph.nodes.push(Node { op: op.clone(), operands: values, ty: result, origin: 0 });
    let value = Value(u32::try_from(operands).unwrap());
    graph.outputs.push((column("result".to_owned(), result), value));
    graph
}

/// `1234567` as `1,234,567`.
fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// ANDs, AND-depth and XORs in every model; where the chain is as long as the result has digits, in the first only.
fn cells(op: &Op, graph: &Graph, flags: bool) -> String {
    let chain = matches!(
        op,
        Op::Div | Op::Sqrt | Op::Fma | Op::Rem | Op::Remainder | Op::Sum | Op::Dot | Op::Convert
    );
    let cell = |(index, model): (usize, &Model)| {
        if index > 0 && chain {
            return " | | |".to_owned();
        }
        let counts = (model.build)(graph, flags).counts();
        format!(" {} | {} | {} |", grouped(counts.and), grouped(counts.and_depth), grouped(counts.xor))
    };
    MODELS.iter().enumerate().map(cell).collect()
}

fn head(first: &str, last: &str) -> String {
    let mut lines = format!("| {first} |");
    let mut rule = "|---|".to_owned();
    for model in &MODELS {
        write!(lines, " {}: AND | depth | XOR |", model.name).unwrap();
        rule.push_str("---:|---:|---:|");
    }
    if !last.is_empty() {
        write!(lines, " {last} |").unwrap();
        rule.push_str("---|");
    }
    format!("{lines}\n{rule}\n")
}

/// All operations of a format.
fn section(name: &str) -> String {
    let mut text = String::new();
    write!(text, "\n### `{name}`\n\n{}", head("operation", "published (AND / depth)")).unwrap();
    for (label, op, operands) in operations() {
        // The remainders of formats with wide exponents are long divisions of thousands of bits, and long sums
        // take long to optimise.
        let wide = Scalar::parse(name).unwrap().as_float().unwrap().exponent_bits > 8;
        if wide && (matches!(op, Op::Rem | Op::Remainder) || operands > 8) {
            continue;
        }
        let anchor = ANCHORS.iter().find(|(format, operation, _)| *format == name && *operation == label);
        let anchor = anchor.map_or("", |(_, _, text)| text);
        writeln!(text, "| {label} |{} {anchor} |", cells(&op, &graph(&op, name, operands), false)).unwrap();
    }
    text
}

/// The sections of some formats.
fn sections(names: &[&str]) -> Vec<String> {
    std::thread::scope(|scope| {
        let threads: Vec<_> = names.iter().map(|name| scope.spawn(|| section(name))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

fn page() -> String {
    let mut text = include_str!("circuit_table.md").trim_end().to_owned();
    text.push_str("\n\n## Operations\n");
    text.extend(sections(&FORMATS));
    text.push_str("\n## Balanced\n\nA few ANDs more than the fewest, for chains a fraction as long (`--objective balanced`).\n");
    write!(text, "\n| operation | format | AND | depth | XOR |\n|---|---|---:|---:|---:|\n").unwrap();
    for (label, op) in [("add", Op::Add), ("mul", Op::Mul), ("less", Op::Lt)] {
        for name in FORMATS {
            let counts = built(&graph(&op, name, 2), Objective::Balanced, false).counts();
            let [and, depth, xor] = [counts.and, counts.and_depth, counts.xor].map(grouped);
            writeln!(text, "| {label} | `{name}` | {and} | {depth} | {xor} |").unwrap();
        }
    }
    text.push_str("\n## The price of options\n\nOf `ieee<8, 24, ..>`: rounding directions, what may be left out, and the status word of `--flags`.\n");
    for (label, op, operands) in
        [("add", Op::Add, 2), ("mul", Op::Mul, 2), ("div", Op::Div, 2), ("fma", Op::Fma, 3)]
    {
        write!(text, "\n### {label}\n\n{}", head("options", "")).unwrap();
        let mut names: Vec<String> =
            Rounding::ALL.iter().map(|rounding| rounding.name().to_owned()).collect();
        names.extend(["flush", "finite", "flush, finite", "toward_zero, flush, finite"].map(str::to_owned));
        for options in names {
            let graph = graph(&op, &format!("ieee<8, 24, {options}>"), operands);
            writeln!(text, "| `{options}` |{}", cells(&op, &graph, false)).unwrap();
        }
        let graph = graph(&op, "f32", operands);
        writeln!(text, "| `nearest_even` with `--flags` |{}", cells(&op, &graph, true)).unwrap();
    }
    text
}

#[test]
fn the_published_table_is_what_the_compiler_does() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/circuits.md");
    if std::env::var_os("FFHEC_UPDATE").is_some() {
        std::fs::write(&path, page()).unwrap();
        return;
    }
    let found = std::fs::read_to_string(&path).unwrap();
    let parts = if std::env::var_os("FFHEC_FULL").is_some() {
        vec![page()]
    } else {
        let is_short = |name: &&str| !["24", "53", "f32", "f64"].iter().any(|wide| name.contains(wide));
        sections(&FORMATS.into_iter().filter(is_short).collect::<Vec<_>>())
    };
    let lines: Vec<&str> = found.lines().collect();
    for part in parts {
        let lacking = part.lines().find(|line| !lines.contains(line));
        assert!(
            found.contains(&part),
            "docs/circuits.md is out of date (it lacks {lacking:?}); write it anew with FFHEC_UPDATE=1 cargo test -p \
             ffhec-compiler --test circuit_table"
        );
    }
}
