#![allow(clippy::unwrap_used, reason = "tests")]
//! Programs and what they compute, programs and why they are refused.

use std::collections::BTreeMap;

use num_bigint::BigUint;
use serde_json::{Map, Value as Json};

use super::{Options, analyze};
use crate::diag::{Diagnostic, position};
use crate::float::fir::{Graph, Op};
use crate::float::fold;
use crate::gadgets::format::Scalar;
use crate::source::{Loader, NoFiles, SourceFile, Sources};

/// Runs a graph on encodings through the constant folder.
fn run(graph: &Graph, inputs: &[BigUint]) -> Vec<BigUint> {
    let mut values: Vec<BigUint> = Vec::new();
    for node in &graph.nodes {
        let operands: Vec<(Scalar, BigUint)> = node
            .operands
            .iter()
            .map(|value| (graph.nodes[value.0 as usize].ty, values[value.0 as usize].clone()))
            .collect();
        values.push(match &node.op {
            Op::Input(index) => inputs[*index as usize].clone(),
            Op::Constant(bits) => bits.clone(),
            op => fold::evaluate(op, node.ty, &operands),
        });
    }
    graph.outputs.iter().map(|(_, value)| values[value.0 as usize].clone()).collect()
}

fn options(settings: &[(&str, &str)]) -> Options {
    let mut options = Options::default();
    let mut public = Map::new();
    for (name, value) in settings {
        match *name {
            "float" => options.float = Scalar::parse(value).unwrap(),
            "public" => {
                let (name, value) = value.split_once('=').unwrap();
                public.insert(name.trim().to_owned(), serde_json::from_str::<Json>(value).unwrap());
            }
            _ => {}
        }
    }
    options.public = public;
    options
}

/// Compiles `text`, whose `// in:` and `// out:` comments say what it computes; `// float:` and `// public:` set options.
fn check(text: &str) {
    let settings: Vec<(&str, &str)> =
        text.lines().filter_map(|line| line.trim().strip_prefix("// ")?.split_once(": ")).collect();
    let mut sources = Sources::default();
    sources.add("test.ffl", text);
    let analysis = match analyze(&mut sources, &options(&settings), &mut NoFiles) {
        Ok(analysis) => analysis,
        Err(found) => panic!("{}\n{}", text, crate::diag::render(&found, &sources, false)),
    };
    let graph = analysis.graph;
    for (index, node) in graph.nodes.iter().enumerate() {
        assert!(node.operands.iter().all(|value| (value.0 as usize) < index), "operands come before uses");
    }
    let mut row = Vec::new();
    let mut checked = 0;
    for (name, value) in settings {
        let cells: BTreeMap<&str, &str> =
            value.split_whitespace().filter_map(|cell| cell.split_once('=')).collect();
        if name == "in" {
            assert_eq!(cells.len(), graph.inputs.len(), "columns {:?}", graph.inputs);
            row = graph
                .inputs
                .iter()
                .map(|column| column.ty.parse_cell(cells[column.name.as_str()]).unwrap())
                .collect();
        } else if name == "out" {
            let found: Vec<String> = graph
                .outputs
                .iter()
                .zip(run(&graph, &row))
                .map(|((column, _), bits)| format!("{}={}", column.name, column.ty.print(&bits)))
                .collect();
            assert_eq!(found.join(" "), value, "{text}");
            checked += 1;
        }
    }
    assert!(checked > 0, "nothing was checked: {text}");
}

fn diagnose(text: &str, settings: &[(&str, &str)]) -> (Vec<Diagnostic>, Sources) {
    let mut sources = Sources::default();
    sources.add("test.ffl", text);
    let found = match analyze(&mut sources, &options(settings), &mut NoFiles) {
        Ok(analysis) => analysis.warnings,
        Err(found) => found,
    };
    (found, sources)
}

/// The findings about `text` as `code line:column`, one after the other.
fn places(text: &str) -> String {
    let (found, sources) = diagnose(text, &[]);
    let shown: Vec<String> = found
        .iter()
        .map(|diagnostic| match diagnostic.span {
            Some(span) => {
                let at = position(&sources.files[span.file as usize].text, span.start);
                format!("{} {}:{}", diagnostic.code, at.line, at.column)
            }
            None => format!("{} -", diagnostic.code),
        })
        .collect();
    shown.join(", ")
}

#[test]
fn an_expression_has_its_free_variables_as_inputs() {
    check("// in: x=0.5 y=2\n// out: result=4\nx * 3 + y * x + 1 * x + (y - x * y) / 2 + 0.5");
}

#[test]
fn a_main_of_floats_compiles() {
    check("// in: x=2 y=3\n// out: result=7\nfn main(x: f16, y: f16) -> f16 { let z = x * y; z + 1 }");
}

#[test]
fn zz_suite() {
    let mut bad = 0;
    for dir in ["ok", "bad"] {
        let mut files: Vec<_> = std::fs::read_dir(format!("/tmp/suite/tests/suite/{dir}"))
            .unwrap()
            .map(|e| e.unwrap().path())
            .collect();
        files.sort();
        for path in files {
            let text = std::fs::read_to_string(&path).unwrap();
            let result = std::panic::catch_unwind(|| {
                if dir == "ok" {
                    check(&text);
                } else {
                    let wanted: Vec<&str> =
                        text.lines().filter_map(|l| l.strip_prefix("// error: ")).collect();
                    let got = places(&text);
                    if wanted.iter().any(|w| !got.contains(&format!(" {w}")))
                        || got.split(", ").count() != wanted.len()
                    {
                        println!("{}: wanted {wanted:?} got {got}", path.display());
                    }
                }
            });
            if result.is_err() {
                bad += 1;
                println!("FAILED {}", path.display());
            }
        }
    }
    println!("{bad} bad");
}

#[test]
fn zz_lib() {
    for ty in ["float<5, 11>", "f16", "f32", "bf16", "f8e4m3"] {
    for e in ["exp(x)", "ln(x)", "recip(x)", "sin(x)", "cos(x)", "tanh(x)", "sigmoid(x)", "relu(x)", "exp(x)*y"] {
        let start = std::time::Instant::now();
        let mut sources = Sources::default();
        sources.add("test.ffl", e);
        let r = analyze(&mut sources, &options(&[("float", ty)]), &mut NoFiles);
        match r {
            Ok(a) => println!("{ty} {e}: {} nodes {:?}", a.graph.nodes.len(), start.elapsed()),
            Err(found) => { println!("{ty} {e}: {}", crate::diag::render(&found, &sources, false)); }
        }
    }}
}
