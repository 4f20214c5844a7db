#![allow(clippy::unwrap_used, clippy::wildcard_enum_match_arm, reason = "tests")]
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

/// `text` has a `§` before each offending place; the findings are at these places, with these codes.
fn refused(text: &str, codes: &str) {
    refused_with(text, &[], codes);
}

fn refused_with(text: &str, settings: &[(&str, &str)], codes: &str) {
    let mut program = String::new();
    let mut places = Vec::new();
    for part in text.split('§') {
        if !program.is_empty() || text.starts_with('§') {
            places.push(program.len());
        }
        program.push_str(part);
    }
    if text.starts_with('§') {
        places.remove(0);
        places.insert(0, 0);
        places.dedup();
    }
    let (found, sources) = diagnose(&program, settings);
    let shown = |start: usize| {
        let at = position(&program, u32::try_from(start).unwrap());
        format!("{}:{}", at.line, at.column)
    };
    let expected: Vec<String> = codes
        .split_whitespace()
        .zip(&places)
        .map(|(code, start)| format!("{code} {}", shown(*start)))
        .collect();
    assert_eq!(codes.split_whitespace().count(), places.len(), "a code for each place: {text}");
    let got: Vec<String> = found
        .iter()
        .map(|diagnostic| match diagnostic.span {
            Some(span) if span.file == 0 => format!("{} {}", diagnostic.code, shown(span.start as usize)),
            Some(span) => format!("{} in {}", diagnostic.code, sources.files[span.file as usize].path),
            None => format!("{} -", diagnostic.code),
        })
        .collect();
    assert_eq!(got, expected, "{}", crate::diag::render(&found, &sources, false));
    for diagnostic in &found {
        assert!(!diagnostic.message.is_empty() && !diagnostic.help.is_empty(), "{diagnostic:?}");
        assert!(crate::diag::title(diagnostic.code).is_some(), "{} is registered", diagnostic.code);
    }
}

/// The only finding, as text.
fn message(text: &str) -> String {
    let (found, _) = diagnose(text, &[]);
    assert_eq!(found.len(), 1, "{found:?}");
    format!("{} | {} | {}", found[0].message, found[0].label, found[0].help)
}

// Programs that compute.

#[test]
fn an_expression_has_its_free_variables_as_inputs() {
    check("// in: x=0.5 y=2\n// out: result=4\nx * 3 + y * x + 1 * x + (y - x * y) / 2 + 0.5");
}

#[test]
fn inputs_come_in_order_of_first_appearance() {
    let mut sources = Sources::default();
    sources.add("test.ffl", "b - { let c = a; c } + len([d, b])");
    let graph = analyze(&mut sources, &Options::default(), &mut NoFiles).unwrap().graph;
    let names: Vec<&str> = graph.inputs.iter().map(|column| column.name.as_str()).collect();
    assert_eq!(names, ["b", "a", "d"]);
}

#[test]
fn an_expression_may_have_several_results() {
    check("// in: x=3\n// out: result[0]=6 result[1]=true\n(x + x, x > 2)");
    check("// in: x=3\n// out: result[0]=0 result[1]=3 result[2]=6\n[x * i for i in 0..3]");
}

#[test]
fn an_expression_of_literals_has_the_default_type() {
    check("// float: f32\n// out: result=2.5\n5 / 2");
    check("// out: result[0]=0 result[1]=1\n[i for i in 0..2]");
}

#[test]
fn the_program_of_the_contract_compiles() {
    check(
        "// in: age=1 bmi=1
         // out: result=0.5
        use std::ml;
        const BIAS: f16 = -2.125;
        type Weights = [f16; 2];
        fn score(x: [f16; 2], w: Weights) -> f16 { dot(x, w) + BIAS }
        fn sigmoid(x: f16) -> f16 { 0.5 + x / 8 }
        fn main(age: f16 in [-4, 4], bmi: f16 in [-4, 4]) -> f16 {
            let z = score([age, bmi], [0.875, 1.25]);
            if z > 4.0 { 1.0 } else { sigmoid(z) }
        }",
    );
}

#[test]
fn literals_take_their_type_from_before_and_after() {
    check(
        "// in: x=1.5
         // out: result=4.25
        fn main(x: f16) -> f16 {
            let half = 0.5;
            let mut acc = 0;
            for i in 0..3 { acc += x * half; }
            acc + 2
        }",
    );
    check(
        "// in: x=3\n// out: result=7\nfn main(x: int<8>) -> int<8> { let two = 2; let y = two; y * x + 1 }",
    );
    check("// in: x=1\n// out: result=-128\nfn main(x: int<8>) -> int<8> { if x > 0 { -128 } else { 127 } }");
}

#[test]
fn literals_round_to_nearest_even_in_truncating_types() {
    check("// in: x=1\n// out: result=0.1001\nfn main(x: float<5, 11>) -> float<5, 11> { 0.1001 * x }");
    check("// in: x=0\n// out: result=2052\nfn main(x: float<5, 11>) -> float<5, 11> { 2051.1 + x }");
}

#[test]
fn a_literal_under_as_is_exact() {
    check("// out: result=16777217\nfn main() -> f64 { 16777217 as f64 }");
    check("// float: float<5, 2>\n// out: result=0.1\n0.1 as f32");
    check(
        "// out: a=44 b=255 c=3 d=0.5\nfn main() -> (a: uint<8>, b: uint<8>, c: int<8>, d: f32) {
        (300 as uint<8>, -1 as uint<8>, 3.9 as int<8>, (1 / 2.0) as f32) }",
    );
}

#[test]
fn loop_variables_are_numbers_of_the_context() {
    check(
        "// in: x=2\n// out: result=20\nfn main(x: f32) -> f32 {
        let mut sum = 0.0;
        for i in 0..5 { sum += x * i; }
        sum }",
    );
    check(
        "// in: x=2\n// out: result=10\nfn main(x: f32) -> f32 {
        let mut sum = 0;
        for i in 1..=4 { sum += i as f32; }
        let n = 2;
        let last = [sum, sum][n - 1];
        last * n / x }",
    );
    check(
        "// in: x[0]=1 x[1]=5 x[2]=7\n// out: result=2.5\nfn main(x: [f16; 3]) -> f16 {
        let n = len(x);
        let mut odd = 0;
        for i in 0..n { if i % 2 == 1 { odd += x[i]; } }
        odd / (n - 1) }",
    );
}

#[test]
fn a_condition_on_a_loop_variable_chooses_at_compile_time() {
    check(
        "// in: x[0]=1 x[1]=2 x[2]=4\n// out: result[0]=1 result[1]=3 result[2]=6
        fn main(x: [int<8>; 3]) -> [int<8>; 3] {
            [if i > 0 && x[i - 1] > 0 { x[i] + x[i - 1] } else { x[i] } for i in 0..3]
        }",
    );
}

#[test]
fn assignments_under_an_encrypted_if_are_selected() {
    let text = "fn main(x: f16) -> (y: f16, a: [f16; 2]) {
            let mut y = x;
            let mut a = [x, 0];
            if x > 0 { y += 10; a[1] = y; } else if x < -5 { y = 1; }
            (y, a)
        }";
    for row in [
        "in: x=2\n// out: y=12 a[0]=2 a[1]=12",
        "in: x=-2\n// out: y=-2 a[0]=-2 a[1]=0",
        "in: x=-8\n// out: y=1 a[0]=-8 a[1]=0",
    ] {
        check(&format!("// {row}\n{text}"));
    }
}

#[test]
fn an_if_selects_tuples_and_arrays_member_by_member() {
    check(
        "// in: c=true x=1 y=2\n// out: result[0]=1 result[1]=2 result[2]=true
        fn main(c: bool, x: f16, y: f16) -> (f16, f16, bool) {
            let ([a, b], flag) = (if c { ([x, y], c) } else { ([y, x], !c) });
            (a, b, flag)
        }"
        .replace("([a, b], flag)", "(v, flag)")
        .replace("(a, b, flag)", "(v[0], v[1], flag)")
        .as_str(),
    );
}

#[test]
fn compile_time_numbers_are_exact() {
    check(
        "// in: x=1\n// out: result=2.718281828459045
        const HALF: rational = 0.5;
        fn inverse_factorial(n: int) -> rational {
            let mut value: rational = 1;
            for i in 1..=n { value /= i; }
            value
        }
        fn degree<T: float>(x: T) -> int {
            let eps: rational = HALF / (1 << T::PRECISION);
            let mut n = 0;
            for i in 1..60 { if inverse_factorial(i) > eps { n = i; } }
            n
        }
        fn series<T: float>(x: T) -> T {
            let mut sum: rational = 0;
            for i in 0..degree(x) + 1 { sum += inverse_factorial(i); }
            sum as T * x
        }
        fn main(x: f64) -> f64 { series(x) }",
    );
    check(
        "// out: a=2 b=-3 c=3 d=0.25\nfn main() -> (a: int<8>, b: int<8>, c: int<8>, d: f16) {
        let q: rational = 2.5;
        (floor(q) as int<8>, floor(-q) as int<8>, round(q) as int<8>, abs(min(q, -1 / 4)) as f16) }",
    );
}

#[test]
fn division_of_compile_time_integers_truncates() {
    check("// out: result=3\nfn main() -> int<8> { let n = 7; let mut k: int = n; k = k / 2; k as int<8> }");
}

#[test]
fn generics_follow_from_arguments_and_results() {
    check(
        "// in: a[0]=1 a[1]=2 b[0]=3 b[1]=4\n// out: result=11
        fn weighted<T: number, const N: int>(x: [T; N], y: [T; N]) -> T {
            let mut total = x[0] * y[0];
            for i in 1..N { total += x[i] * y[i]; }
            total
        }
        fn main(a: [int<8>; 2], b: [int<8>; 2]) -> int<8> { weighted(a, b) }",
    );
    check(
        "// in: x=1.5\n// out: a=1.5 b=2 c=11
        fn widen<const I: int, const F: int>(x: fixed<I, F>) -> fixed<I + 2, F> { x as fixed<I + 2, F> }
        fn double<const N: int>(v: [fixed<6, 4>; N]) -> [fixed<6, 4>; 2 * N] { [v[i / 2] for i in 0..2 * N] }
        fn precision<T: float>(x: T) -> f16 { T::PRECISION }
        fn main(x: fixed<4, 4>) -> (a: fixed<6, 4>, b: f16, c: f16) {
            let wide = widen(x);
            (wide, len(double([wide])), precision(1 as float<5, 11>))
        }",
    );
    check("// in: u=15360\n// out: result=1\nfn main(u: uint<16>) -> f16 { let x: f16 = from_bits(u); x }");
    check("// out: result=1\nfn main() -> f16 { from_bits(0x3c00) }");
}

#[test]
fn constants_of_types() {
    check(
        "// out: a=11 b=5 c=16 d=65500 e=0.00006104\nfn main() -> (a: f16, b: f16, c: f16, d: f16, e: f16) {
        (f16::PRECISION, f16::EXPONENT_BITS, f16::BITS, f16::MAX, f16::MIN_POSITIVE) }",
    );
    check(
        "// out: a=127 b=255 c=7.94\ntype Q = fixed<4, 4>;\ntype I = int<8>;\ntype U = uint<8>;
        fn main() -> (a: int<8>, b: uint<8>, c: Q) { (I::MAX, U::MAX, Q::MAX) }",
    );
}

#[test]
fn public_values_are_folded() {
    check("// public: w=[[1,2],[3,4]]\n// public: k=1\n// public: deep=true\n// in: x[0]=1 x[1]=1\n// out: result=7
        fn main(public w: [[f16; 2]; 2], public k: uint<2>, public deep: bool, x: [f16; 2]) -> f16 {
            if deep { dot(w[k], x) } else { x[7] }
        }");
    check(
        "// public: n=3\n// in: x=2\n// out: result=8
        fn main(public n: int, x: f32) -> f32 { let mut p: f32 = 1; for i in 0..n { p *= x; } p }",
    );
}

#[test]
fn results_are_named_by_their_shape() {
    check("// in: m[0][0]=1 m[0][1]=2 m[1][0]=3 m[1][1]=4\n// out: t[0][0]=1 t[0][1]=3 t[1][0]=2 t[1][1]=4 last=4
        fn main(m: [[int<8>; 2]; 2]) -> (t: [[int<8>; 2]; 2], last: int<8>) {
            ([[m[j][i] for j in 0..2] for i in 0..2], m[1][1])
        }");
}

#[test]
fn shifts_take_compile_time_and_encrypted_amounts() {
    check(
        "// in: a=1 n=3\n// out: result[0]=8 result[1]=4 result[2]=0 result[3]=8
        fn main(a: uint<8>, n: uint<4>) -> (uint<8>, uint<8>, uint<8>, uint<8>) {
            let k = 2;
            (a << n, a << k, a << 9, 1 << n)
        }",
    );
    check(
        "// in: a=-7\n// out: result[0]=-2 result[1]=-1\nfn main(a: int<8>) -> (int<8>, int<8>) { (a >> 2, a >> 100) }",
    );
}

#[test]
fn sign_is_zero_for_zero_and_nan_for_nan() {
    for (x, sign) in [("-2.5", "-1"), ("3", "1"), ("0", "0"), ("-0", "0"), ("nan", "nan"), ("-inf", "-1")] {
        check(&format!("// float: f16\n// in: x={x}\n// out: result={sign}\nsign(x)"));
    }
    check("// in: x=-9\n// out: result=-1\nfn main(x: int<8>) -> int<8> { sign(x) }");
    check("// in: x=-9\n// out: result=-1\nsign(x)");
}

#[test]
fn own_items_shadow_the_library_and_the_builtins() {
    check(
        "// in: x=2\n// out: result=7\nfn relu(x: f16) -> f16 { x + 1 }\nfn max(x: f16) -> f16 { x + 4 }
        fn main(x: f16) -> f16 { relu(max(x)) }",
    );
}

#[test]
fn minus_zero_is_minus_zero() {
    check("// float: f16\n// in: x=1\n// out: result=-0\n-0 * x");
}

#[test]
fn a_triangle_of_unequal_rows_unrolls() {
    check(
        "// in: x[0]=1 x[1]=2 x[2]=3\n// out: result=10
        fn main(x: [f16; 3]) -> f16 {
            let mut total = 0;
            for i in 1..=3 { total += sum([x[j] for j in 0..i]); }
            total
        }",
    );
}

#[test]
fn programs_without_inputs_compile() {
    check("// out: result=42\nfn main() -> int<8> { 42 }");
    check("// in: x=1\n// out: result=0\nfn main(x: int<8>) -> int<8> { sum([x; 0]) }");
}

struct Files(BTreeMap<&'static str, &'static str>);

impl Loader for Files {
    fn load(&mut self, _from: &str, path: &str) -> Result<SourceFile, String> {
        let text = self.0.get(path).ok_or("no such file")?;
        Ok(SourceFile { path: path.to_owned(), text: (*text).to_owned() })
    }
}

fn with_files(
    text: &str,
    files: &[(&'static str, &'static str)],
) -> (Result<Graph, Vec<Diagnostic>>, Sources) {
    let mut sources = Sources::default();
    sources.add("test.ffl", text);
    let mut files = Files(files.iter().copied().collect());
    (analyze(&mut sources, &Options::default(), &mut files).map(|analysis| analysis.graph), sources)
}

#[test]
fn files_are_used_by_path() {
    let files = [
        (
            "a.ffl",
            "use \"b.ffl\"; const N: int = 2; fn twice(x: f16) -> f16 { helper(x) * N } fn main() -> f16 { 0 }",
        ),
        ("b.ffl", "use \"a.ffl\"; fn helper(x: f16) -> f16 { x }"),
    ];
    let (graph, _) =
        with_files("use \"a.ffl\"; use \"b.ffl\"; fn main(x: f16) -> f16 { twice(x) + helper(x) }", &files);
    assert_eq!(graph.unwrap().inputs.len(), 1);
    let (missing, _) = with_files("use \"c.ffl\"; fn main(x: f16) -> f16 { x }", &files);
    let found = missing.unwrap_err();
    assert_eq!((found.len(), found[0].code, found[0].span.unwrap().start), (1, "E0106", 4));
    let (hidden, _) = with_files("use \"a.ffl\"; fn main(x: f16) -> f16 { helper(x) }", &files);
    assert_eq!(hidden.unwrap_err()[0].code, "E0102");
}

#[test]
fn an_error_in_a_used_file_stands_in_that_file() {
    let (found, sources) = with_files(
        "use \"a.ffl\"; fn main(x: f16) -> f16 { f(x) }",
        &[("a.ffl", "fn f(x: f16) -> f16 { x + y }")],
    );
    let found = found.unwrap_err();
    assert_eq!(sources.files[found[0].span.unwrap().file as usize].path, "a.ffl");
}

#[test]
fn the_same_program_gives_the_same_graph() {
    let text = "fn f<T: float>(x: T) -> T { x * x } fn main(x: f16, y: f32) -> (a: f16, b: f32) { (f(x), f(y) + f(y)) }";
    let graph = |text: &str| {
        let mut sources = Sources::default();
        sources.add("test.ffl", text);
        analyze(&mut sources, &Options::default(), &mut NoFiles).unwrap().graph
    };
    assert_eq!(graph(text), graph(text));
    assert_eq!(graph(text).functions, ["main", "f"]);
    assert_eq!(
        graph(text).nodes.iter().filter(|node| node.op == Op::Mul).count(),
        2,
        "equal calls are made once"
    );
}

#[test]
fn ranges_reach_the_columns() {
    let mut sources = Sources::default();
    sources.add(
        "test.ffl",
        "const TOP: int = 4; fn main(x: [f16; 2] in [-1.5, 2 * TOP]) -> f16 { x[0] + x[1] }",
    );
    let graph = analyze(&mut sources, &Options::default(), &mut NoFiles).unwrap().graph;
    let (low, high) = graph.inputs[1].range.clone().unwrap();
    assert_eq!(
        (graph.inputs[1].ty.print(&low), graph.inputs[1].ty.print(&high)),
        ("-1.5".into(), "8".into())
    );
}

// Programs that are refused, and why.

#[test]
fn names_that_are_not_there() {
    refused("fn main(x: f16) -> f16 { x + §y }", "E0101");
    refused("fn main(x: f16) -> f16 { §expo(x) }", "E0102");
    refused("fn main(x: §float16) -> bool { true }", "E0103");
    refused("fn main(x: f16) -> f16 { let a = §q; let b = §r; §z = 2; a }", "E0101 E0101 E0101");
    refused("fn main(x: f16) -> f16 { x + §f16::LARGEST }", "E0101");
    refused("§fn f(x: f16) -> f16 { x }", "E0100");
    refused("use §standard::ml; use std::§mlp; fn main(x: f16) -> f16 { x }", "E0107 E0107");
    refused("fn f<T: §real>(x: T) -> T { x } fn main(x: f16) -> f16 { f(x) }", "E0103");
    refused("fn unused<T: float>(x: T) -> T { x + §y } fn main(x: f16) -> f16 { x }", "E0101");
    assert!(message("fn main(value: f16) -> f16 { valeu }").contains("did you mean `value`?"));
    assert!(message("fn main(x: f16) -> f16 { sqr(x) }").contains("did you mean `sqrt`?"));
}

#[test]
fn names_that_are_there_twice() {
    refused("fn f(x: f16) -> f16 { x } fn §f(x: f16) -> f16 { x } fn main(x: f16) -> f16 { f(x) }", "E0104");
    refused("fn main(x: f16, §x: f16) -> f16 { x }", "E0104");
    refused("fn main(x: f16) -> (a: f16, §a: f16) { (x, x) }", "E0104");
}

#[test]
fn recursion_names_its_cycle() {
    refused("fn f(x: f16) -> f16 { §f(x) } fn main(x: f16) -> f16 { f(x) }", "E0105");
    refused(
        "fn f(x: f16) -> f16 { g(x) } fn g(x: f16) -> f16 { §f(x) } fn main(x: f16) -> f16 { f(x) }",
        "E0105",
    );
    refused("fn main(x: f16) -> f16 { §main(x) }", "E0105");
    refused("const A: f16 = B; const B: f16 = §A; fn main() -> f16 { A }", "E0105");
    refused("type A = [B; 2]; type B = §A; fn main(x: A) -> f16 { 1 }", "E0105");
    let found =
        message("fn f(x: f16) -> f16 { g(x) } fn g(x: f16) -> f16 { f(x) } fn main(x: f16) -> f16 { f(x) }");
    assert!(found.contains("`f` -> `g` -> `f`"), "{found}");
}

#[test]
fn types_that_do_not_match() {
    refused("fn main(x: f16, y: f32) -> f16 { x + §y }", "E0200");
    refused("fn main(x: f16) -> f16 { x + §true }", "E0200");
    refused("fn main(x: f16) -> f32 { §x }", "E0200");
    refused("fn main(x: f16) -> bool { §x + x }", "E0200");
    refused("fn main(x: f16) -> f16 { if §x { x } else { x } }", "E0200");
    refused("fn main(x: f16, p: bool) -> f16 { if p { x } else { §p } }", "E0200");
    refused("fn main(x: f16) -> f16 { let y: f32 = §x; x }", "E0200");
    refused("fn f(x: f16, n: int<8>) -> f16 { x } fn main(x: f16) -> f16 { f(x, §x) }", "E0200");
    refused("fn f<T: float>(x: T) -> T { x } fn main(x: int<8>) -> int<8> { f(§x) }", "E0200");
    refused("fn main(x: [f16; 3]) -> [f16; 2] { §x }", "E0200");
    refused("fn main(x: f16, n: int<8>) -> bool { §1.5 < n }", "E0200");
    refused("fn main(x: int<8>) -> int<8> { x + §1.5 }", "E0200");
    refused("fn main(x: f16) -> f16 { let mut a = [x, x]; a = §[x]; a[0] }", "E0200");
    refused("fn main(x: [f16; 2], y: [f16; 3]) -> f16 { dot(x, §y) }", "E0200");
    refused("fn main(x: f16) -> f16 §{ let y = x; }", "E0200");
    refused("fn main(x: bool, y: bool) -> bool { §x < y }", "E0201");
    refused("fn main(x: bool) -> bool { §x + x }", "E0201");
    refused("fn main(x: f16) -> f16 { §x & x }", "E0201");
    refused("fn main(x: f16) -> bool { §x && true }", "E0200");
    refused("fn main(x: uint<4>) -> uint<4> { §-x }", "E0201");
    refused("fn main(x: [f16; 2]) -> bool { §x == x }", "E0201");
    refused("fn main(x: f16) -> f16 { x + §(x, x) }", "E0200");
    refused("fn main() -> f16 { from_bits(§true) }", "E0201");
    refused("fn main(u: uint<8>) -> f16 { from_bits(§u) }", "E0200");
    refused("fn main(x: f16) -> f16 { §x << 1 }", "E0201");
    refused("fn main(x: f16) -> f16 { §f(x) } fn f(x: f16, y: f16) -> f16 { x + y }", "E0202");
    refused("fn main(x: f16) -> f16 { §max(x) }", "E0202");
    refused("fn main(x: f16) -> f16 { §if x > 0.0 { x } }", "E0203");
    refused("fn main(x: f16) -> f16 { let y = §if x > 0 { 1 }; x }", "E0203");
    refused("fn main(x: f16) -> f16 { §x[0] }", "E0208");
    refused("fn main(x: f16) -> bool { §x as bool }", "E0210");
    refused("fn main(x: [f16; 2]) -> f16 { let y = §x as f32; x[0] }", "E0210");
    refused("fn main(x: f16) -> f16 { let §(a, b) = x; x }", "E0212");
    refused("fn main(x: f16) -> f16 { let y = x; §y += 1; y }", "E0110");
    refused("fn main(x: f16) -> f16 { §x = 1; x }", "E0110");
}

#[test]
fn all_errors_are_reported() {
    refused(
        "fn f(x: f16) -> f16 { x + §true } fn g(x: f16) -> f32 { §x } fn main(x: f16) -> f16 { let a = §q; x[§4]; x }"
            .replace("x[§4]", "§x[4]").as_str(),
        "E0200 E0200 E0101 E0208",
    );
    refused("fn main(x: [f16; 3]) -> f16 { let y = x[§3] + x[§4]; x[0] + §true }", "E0310 E0310 E0200");
}

#[test]
fn widths_have_limits() {
    refused("fn main(x: float<§16, 11>) -> bool { true }", "E0206");
    refused("fn main(x: float<5, §114>) -> bool { true }", "E0206");
    refused("fn main(x: uint<§257>) -> bool { true }", "E0206");
    refused("fn main(x: int<§0>) -> bool { true }", "E0206");
    refused("fn main(x: fixed<200, §100>) -> bool { true }", "E0206");
    refused("fn main(x: §float<5>) -> bool { true }", "E0206");
    refused("fn main(x: ieee<5, 11, §sideways>) -> bool { true }", "E0206");
    refused("fn main(x: ieee<5, 11, up, §down>) -> bool { true }", "E0206");
    refused("fn main(x: f16<§5>) -> bool { true }", "E0206");
    refused("fn main(n: uint<4>, x: [f16; §n]) -> bool { true }", "E0101");
}

#[test]
fn literals_must_fit() {
    refused("fn main(x: float<5, 11>) -> float<5, 11> { §1e9 }", "E0207");
    refused("fn main(x: int<8>) -> int<8> { x + §128 }", "E0207");
    refused("fn main(x: uint<8>) -> uint<8> { x + §-1 }", "E0207");
    refused("fn main(x: int<8>) -> int<8> { let mut y = x; for i in 100..200 { y += §i; } y }", "E0207");
    check("// out: result=inf\nfn main() -> f16 { 70000.0 }");
}

#[test]
fn what_must_be_known_at_compile_time() {
    refused("fn main(x: [f16; 3], i: uint<2>) -> f16 { x[§i] }", "E0209");
    refused("fn main(x: f16, n: uint<4>) -> f16 { let mut y = x; for i in 0..§n { y += x; } y }", "E0209");
    refused("fn main(x: f16, n: uint<4>) -> f16 { sum([x; §n]) }", "E0209");
    refused("fn f(x: [f16; 3], i: uint<2>) -> f16 { x[§i] } fn main(x: f16) -> f16 { x }", "E0209");
    refused("fn main(x: f16) -> f16 { let c: rational = 0.5; x + §c }", "E0211");
    refused("fn main(x: f16) -> §rational { 0.5 }", "E0214");
    refused("fn main(x: §int) -> f16 { 0.5 }", "E0214");
    refused("fn f(public w: f16, x: f16) -> f16 { w * x } fn main(x: f16) -> f16 { f(§x, x) }", "E0316");
    refused("fn main(x: f16) -> f16 { let mut n: int = 0; §if x > 0 { n = 1; } x * n }", "E0312");
    refused(
        "fn §main() -> f16 { 1 }".replace('§', "").replace("fn main()", "fn main<§T: float>()").as_str(),
        "E0108",
    );
}

#[test]
fn indices_must_be_in_range() {
    refused("fn main(x: [f16; 3]) -> f16 { x[§3] }", "E0310");
    refused("fn main(x: [f16; 3]) -> f16 { x[§-1] }", "E0310");
    refused("fn main(x: [f16; 3]) -> f16 { let mut s = 0; for i in 0..4 { s += x[§i]; } s }", "E0310");
    refused("fn main(x: [f16; 3]) -> f16 { let mut y = x; y[§5] = 1; y[0] }", "E0310");
    refused("fn main(x: [f16; 3]) -> f16 { x[§1.5] }", "E0200");
    let found = message("fn main(x: [f16; 3]) -> f16 { x[3] }");
    assert!(
        found.contains("index 3 is out of range") && found.contains("3 elements, expected 0 to 2"),
        "{found}"
    );
}

#[test]
fn limits_are_errors() {
    refused("fn main(x: f16) -> f16 { let mut y = x; for i in §0..4000000000 { y += x; } y }", "E0300");
    refused(
        "fn main(x: f16) -> f16 { let mut y = x; for i in 0..1001 { for j in §0..1000 { y += 0; } } y }",
        "E0300",
    );
    refused("fn main(x: f16) -> f16 { let a = §[x; 4000000000]; a[0] }", "E0301");
    refused("fn main(x: [f16; §4000000000]) -> f16 { x[0] }", "E0301");
    refused("fn main(x: §[[f16; 2000]; 2000]) -> f16 { x[0][0] }", "E0301");
    refused("fn main(x: f16) -> f16 { let a = §[[x; 2000]; 2000]; a[0][0] }", "E0301");
    refused("fn main(x: f16) -> f16 { sum([x for i in §0..4000000000]) }", "E0300");
    refused(
        "fn main(x: f16) -> f16 { let n = 99999999999999999999; sum([x; §n]) }"
            .replace("sum([x; §n])", "sum(§[x; n])")
            .as_str(),
        "E0301",
    );
    refused("fn main() -> f16 { let mut c: rational = 3; for i in 0..60 { c = §c * c; } c as f16 }", "E0307");
    refused("fn main() -> f16 { let a: rational = §1 / 0; 1 }", "E0311");
}

#[test]
fn calls_that_double_end_at_the_step_limit() {
    let mut text = "fn f0(x: f16) -> f16 { x }\n".to_owned();
    for i in 1..60 {
        text += &format!("fn f{i}(x: f16) -> f16 {{ f{0}(x) + f{0}(x) }}\n", i - 1);
    }
    text += "fn main(x: f16) -> f16 { f59(x) }";
    let mut options = Options::default();
    options.limits.steps = 100_000;
    let mut sources = Sources::default();
    sources.add("test.ffl", text);
    let found = analyze(&mut sources, &options, &mut NoFiles).unwrap_err();
    assert_eq!(found[0].code, "E0306");
}

#[test]
fn deep_programs_end_at_a_limit() {
    let mut text = "fn f0(x: f16) -> f16 { x }\n".to_owned();
    for i in 1..190 {
        text +=
            &format!("fn f{i}(x: f16) -> f16 {{ {}f{}(x){} }}\n", "-(x + ".repeat(60), i - 1, ")".repeat(60));
    }
    text += "fn main(x: f16) -> f16 { f189(x) }";
    let (found, _) = diagnose(&text, &[]);
    assert_eq!(found.iter().map(|found| found.code).collect::<Vec<_>>(), ["E0304"], "{found:?}");
}

#[test]
fn definitions_that_double_end() {
    let mut text = "const C0: int = 1;\ntype T0 = f16;\n".to_owned();
    for i in 1..38 {
        text += &format!("const C{i}: int = C{0} + C{0};\ntype T{i} = (T{0}, T{0});\n", i - 1);
    }
    text += "fn main(x: T37) -> f16 { sum([1; C37]) }";
    let (found, _) = diagnose(&text, &[]);
    assert!(found.iter().all(|found| found.code == "E0301"), "{found:?}");
    assert!(!found.is_empty());
}

#[test]
fn ranges_are_checked() {
    refused("fn main(x: f16 in [§2, 1]) -> f16 { x }", "E0313");
    refused("fn main(x: f16, y: f16 in [0, §x]) -> f16 { x + y }", "E0101");
    refused("fn main(x: bool in [§0, 1]) -> bool { x }", "E0201");
    refused("fn main(x: uint<4> in [0, §16]) -> uint<4> { x }", "E0207");
}

#[test]
fn public_values_are_checked() {
    let text = "fn main(public w: [[f16; 2]; 2] in [-9, 9], x: f16) -> f16 { w[1][0] * x }";
    refused("fn main(public §w: f16, x: f16) -> f16 { w * x }", "E0401");
    for (value, code, part) in [
        ("w=3", "E0403", "`w`: found 3, expected an array of 2"),
        ("w=[[1,2],[3]]", "E0403", "`w[1]`: found 1 element, expected 2"),
        ("w=[[1,2],[true,4]]", "E0403", "`w[1][0]`"),
        ("w=[[1,2],[\"a\",4]]", "E0404", "`w[1][0]`"),
        ("w=[[1,2],[10,4]]", "E0405", "`w[1][0]`"),
        ("v=1", "E0402", "`v`"),
    ] {
        let settings = [("public", "w=[[1,2],[3,4]]"), ("public", value)];
        let (found, _) = diagnose(text, &settings);
        assert_eq!(found.len(), 1, "{value}: {found:?}");
        assert_eq!(found[0].code, code, "{value}");
        assert!(found[0].message.contains(part), "{value}: {}", found[0].message);
    }
}

#[test]
fn the_columns_of_the_status_word_are_reserved() {
    let text = "fn main(x: f16) -> (a: f16, flag_invalid: f16) { (x, x) }";
    let run = |flags: bool| {
        let mut sources = Sources::default();
        sources.add("p.ffl".to_owned(), text.to_owned());
        let options = Options { flags, ..Options::default() };
        crate::analyze(&mut sources, &options, &mut NoFiles).map(|_| ())
    };
    assert!(run(false).is_ok());
    assert_eq!(run(true).unwrap_err()[0].code, "E0407");
}

#[test]
fn warnings_do_not_refuse() {
    refused("fn main(x: f16, §y: f16, _z: f16) -> f16 { x }", "W0001");
    refused("fn main(x: f16 in [0, 1]) -> bool { x > 0.5 || §x > 2 || §x == -1 }", "W0002 W0002");
    refused("fn main(x: f16) -> f16 { x + §2049 + §0x1.001p0 + 0.1 }", "W0003 W0003");
}

#[test]
fn errors_in_generic_functions_name_the_use() {
    let (found, _) = diagnose("fn f<T: any>(x: T) -> T { x + 1 } fn main(x: bool) -> bool { f(x) }", &[]);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!((found[0].code, found[0].span.unwrap().start), ("E0201", 26));
    assert_eq!(found[0].related[0].0.start, 61);
    assert!(found[0].related[0].1.contains("in this use of `f`"));
}

#[test]
fn attributes_are_checked() {
    refused("fn main(x: f16) -> f16 { #[approx(§chebyshev)] exp(x) }", "E0111");
    refused("fn main(x: f16) -> f16 { §#[approx(minimax)] relu(x) }", "E0111");
    refused("fn main(x: f16) -> f16 { §#[approx(taylor, degree = 3)] relu(x) }", "E0111");
    refused("fn main(x: f16) -> f16 { §#[approx(taylor)] abs(x) }", "E0111");
    refused("fn main(x: f16) -> f16 { §#[inline] relu(x) }", "E0111");
    refused("fn main(x: f16) -> f16 { §#[grade(exact)] exp(x) }", "E0111");
    refused("fn main(x: f16) -> f16 { §#[grade] exp(x) }", "E0111");
    refused("fn main(x: f16) -> f16 { §#[grade(fast)] relu(x) }", "E0111");
    refused("fn main(x: f16) -> f16 { §#[grade(fast)] sqrt(x) }", "E0111");
    check(
        "// in: x=1\n// out: a=1 b=0 c=2
        fn g<T: float, const GRADE: int>(x: T) -> T { x * GRADE }
        fn f<T: float, const GRADE: int>(x: T) -> T { g(x) + #[grade(fast)] g(x) }
        fn main(x: f16) -> (a: f16, b: f16, c: f16) { (f(x), g(x), #[grade(fast)] f(x)) }",
    );
    check(
        "// in: x=1\n// out: result=9
        fn f<T: float, const DEGREE: int>(x: T) -> T { x * DEGREE }
        fn main(x: f16) -> f16 { #[approx(taylor, degree = 9)] f(x) + f(x) }",
    );
}

#[test]
fn mutated_programs_never_panic() {
    let seeds = [
        "fn f<T: float, const N: int>(x: [T; N]) -> T { let mut s = 0; for i in 0..N { if i > 0 { s += x[i - 1]; } } s }
         fn main(x: [f16; 3] in [-1, 1], public w: uint<4>) -> (a: f16, b: bool) { (f(x), x[0] > 1.5 && w == 3) }",
        "const C: rational = 1.5; type Q = fixed<4, 4>; fn g(n: int) -> rational { C * n }
         fn main(q: Q, u: uint<8>) -> (a: Q, b: f16) { let (p, r) = (q << 2, from_bits(u as uint<16>)); (p + g(2) as Q, r) }",
        "fn main(x: [[int<8>; 2]; 2]) -> [int<8>; 2] { let mut y = [0; 2]; if x[0][0] > 3 { y[1] = x[1][0]; } [y[i] % 3 for i in 0..=1] }",
    ];
    let words = [
        "0",
        "-",
        "[",
        "]",
        "f16",
        "int",
        "x",
        "as",
        "{",
        "}",
        "(",
        ")",
        ",",
        "1.5",
        "rational",
        "len",
        "if",
        "4000000000",
        "true",
        "..",
        "main",
        "f",
        "sum",
        "bits",
        "::MAX",
        "let",
        "mut",
        "=",
        ";",
        "T",
        "N",
        "select",
        "w",
    ];
    let mut state = 7_u64;
    let mut random = |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap() % below
    };
    for round in 0..600 {
        let mut tokens: Vec<&str> =
            seeds[round % seeds.len()].split_inclusive(|c: char| !c.is_alphanumeric()).collect();
        for _ in 0..=random(3) {
            let at = random(tokens.len());
            match random(3) {
                0 => drop(tokens.remove(at)),
                1 => tokens[at] = words[random(words.len())],
                _ => tokens.insert(at, words[random(words.len())]),
            }
        }
        let text = tokens.concat();
        let (found, _) = diagnose(&text, &[("public", "w=3")]);
        assert!(found.iter().all(|found| found.code != "E0399"), "{text}\n{found:?}");
    }
}

#[test]
fn diagnostics_read_well() {
    let programs = [
        "fn main(x: f16, y: f32) -> f16 { x + y }",
        "fn main(x: f16) -> f16 { let c: rational = 0.5; x + c }",
        "fn main(x: [f16; 3], i: uint<2>) -> f16 { x[i] }",
        "fn main(x: [f16; 3]) -> f16 { x[3] }",
        "fn main(x: float<5, 11>) -> float<5, 11> { x + 1e9 }",
        "fn main(x: f16) -> f16 { if x > 0.0 { x } }",
        "fn f(x: f16) -> f16 { g(x) }\nfn g(x: f16) -> f16 { f(x) }\nfn main(x: f16) -> f16 { f(x) }",
        "fn first<T: float, const N: int>(x: [T; N]) -> T { x[5] + x[0] }\nfn main(x: [f16; 2]) -> f16 { first(x) }",
        "fn main(x: f16) -> f16 {\n    let y = x;\n    y += 1;\n    y\n}",
        "fn main(x: float<16, 11>) -> bool { x > 0 }",
        "fn main(x: f16 in [0, 1], unused: f16) -> bool { x < 2049 }",
        "fn main(x: f16) -> f16 { let mut n: int = 0; if x > 0 { n = 1; } x * n }",
    ];
    let mut shown = String::new();
    for program in programs {
        let (found, sources) = diagnose(program, &[]);
        shown += &crate::diag::render(&found, &sources, false);
        shown.push('\n');
    }
    insta::assert_snapshot!(shown);
}

// What a careful reader of the reference asked for.

#[test]
fn operands_that_disagree_are_reported_once() {
    refused("fn main(x: int<8>, y: int<16>) -> int<16> { §x + y }", "E0200");
    refused("fn main(x: int<8>, y: int<16>) -> int<8> { x + §y }", "E0200");
    refused("fn main(x: int<8>, y: int<16>) -> bool { x + §y > 0 }", "E0200");
    refused("fn main(x: f16, y: int<8>) -> f16 { let z: f16 = §y + x; z }", "E0200");
    refused("fn main(x: f16, y: f32) -> f64 { (x + §y) * 2 }", "E0200");
    let help = message("fn main(x: int<8>) -> int<8> { x + 1.0 }");
    assert!(help.contains("write `1`, or convert `x` with `as`"), "{help}");
}

#[test]
fn a_single_named_result_is_its_type() {
    for body in ["x + 1", "(x + 1)", "(x + 1,)", "if x > 0 { (x + 1,) } else { (x,) }"] {
        check(&format!("// in: x=7\n// out: risk=8\nfn main(x: f16) -> (risk: f16) {{ {body} }}"));
    }
    check("// in: x=7\n// out: m[0]=7 m[1]=8\nfn main(x: f16) -> (m: [f16; 2]) { [x, x + 1] }");
    check(
        "// in: x=7\n// out: result=8\nfn f(x: f16) -> (y: f16) { (x,) }\nfn main(x: f16) -> f16 { f(x) + 1 }",
    );
    assert!(message("fn main(x: f16) -> f16 { (x,) }").contains("found (f16,)"));
}

#[test]
fn as_on_compile_time_numbers_is_that_of_rust() {
    check(
        "// out: a=44 b=255 c=44 d=3 e=255 f=44 g=44 h=128
        const N: int = 300;
        fn main() -> (a: uint<8>, b: uint<8>, c: uint<8>, d: int<8>, e: uint<8>, f: uint<8>, g: uint<8>, h: uint<8>) {
            let n = 300;
            let r: rational = 257 / 2;
            (300 as uint<8>, -1 as uint<8>, (200 + 100) as uint<8>, 3.9 as int<8>, 300.0 as uint<8>,
             N as uint<8>, n as uint<8>, r as uint<8>)
        }",
    );
}

#[test]
fn compile_time_integers_divide_as_integers_whatever_surrounds_them() {
    check(
        "// in: x=1
        // out: a=2 b=2 c=1 d=0.5 e=3 f=6 g=4.5 h=0.5
        const N: int = 5;
        fn halves(x: f16) -> f16 { let mut a: f16 = 0; for i in 0..4 { a += i / 2; } a * x }
        fn third(n: int) -> rational { 1 / n }
        fn over(n: int) -> rational { let one: rational = 1; let half = one / n; half + 1 / n }
        fn main(x: f16) -> (a: f16, b: f16, c: f16, d: f16, e: f16, f: f16, g: f16, h: f16) {
            let four = 4;
            (halves(x), x * (N / 2), x * (N % 2), 1 / 2 * x, x + (N + four) / four, N / 2 * 3 * x,
             x * N - 1 / 2 * x, (third(4) as f16) + (over(8) as f16) * x)
        }",
    );
}

#[test]
fn literals_are_shifted_in_the_type_they_take() {
    check("// in: x=1\n// out: result=-127\nfn main(x: int<8>) -> int<8> { x | 1 << 7 }");
    check("// in: x=3\n// out: result=0\nfn main(x: uint<8>) -> uint<8> { x & (1 << 8) }");
    check("// in: x=0\n// out: result=0\nfn main(x: uint<8>) -> uint<8> { x | ((1 << 9) >> 8) }");
    check("// in: x=3\n// out: result=768\nfn main(x: f16) -> f16 { x * (1 << 8) }");
    refused("fn main(x: uint<8>) -> uint<8> { x << §-1 }", "E0314");
}

#[test]
fn a_flood_of_unknown_names_is_reported_in_time() {
    let lines: String = (0..20_000).map(|i| format!("let a{i} = zz{i};\n")).collect();
    let (found, _) = diagnose(&format!("fn main(x: f16) -> f16 {{ {lines} x }}"), &[]);
    assert_eq!(found.len(), 100);
    assert!(found[99].help.contains("19900 further errors are not shown"), "{}", found[99].help);
}

#[test]
fn a_name_is_bound_once_in_a_pattern() {
    refused("fn main(x: f16) -> f16 { let (a, §a) = (x, x); a }", "E0104");
    refused("fn main(x: f16) -> f16 { let ((a, b), §a) = ((x, x), x); a + b }", "E0104");
}

#[test]
fn a_type_parameter_that_nothing_decides_is_refused() {
    refused("fn f<T: float>(n: int<8>) -> int<8> { n }\nfn main(x: int<8>) -> int<8> { §f(x) }", "E0205");
    refused(
        "fn f<T: float>(n: uint<T::BITS>) -> bool { n > 0 }\nfn main(x: uint<8>) -> bool { §f(x) }",
        "E0205",
    );
}

#[test]
fn a_program_needs_a_result() {
    refused("fn §main(x: f16) { }", "E0214");
    refused("fn §main(x: f16) -> () { let y = x; }", "E0214");
}

#[test]
fn limits_are_reported_once() {
    let functions: String = (0..10_010).map(|i| format!("fn f{i}(x: bool) -> bool {{ x }}\n")).collect();
    let calls: String = (0..10_010).map(|i| format!("let x = f{i}(x);\n")).collect();
    check(&format!("// in: x=true\n// out: result=true\n{functions} fn main(x: bool) -> bool {{ x }}"));
    let (found, _) = diagnose(&format!("{functions} fn main(x: bool) -> bool {{ {calls} x }}"), &[]);
    assert_eq!(found.iter().map(|found| found.code).collect::<Vec<_>>(), ["E0305"]);
    let doubled: String = (0..100).map(|i| format!("let a{} = [a{i}, a{i}];\n", i + 1)).collect();
    let (found, _) = diagnose(&format!("fn main(a0: f16) -> f16 {{ {doubled} a0 }}"), &[]);
    assert_eq!(found.iter().map(|found| found.code).collect::<Vec<_>>(), ["E0301"]);
}

#[test]
fn too_many_gates_have_a_place() {
    let limits = super::Limits { gates: 1_000, ..super::Limits::default() };
    let place = |text: &str| {
        let mut sources = Sources::default();
        sources.add("test.ffl", text);
        let options = Options { limits: limits.clone(), ..Options::default() };
        let found = crate::compile(&mut sources, &options, &mut NoFiles).unwrap_err();
        assert_eq!(found.iter().map(|found| found.code).collect::<Vec<_>>(), ["E0303"]);
        let span = found[0].span.unwrap();
        sources.files[span.file as usize].text[span.start as usize..].to_owned()
    };
    assert!(
        place("fn big(x: f64) -> f64 { x / 3 }\nfn main(x: f64) -> f64 { big(x) }")
            .starts_with("big(x: f64)")
    );
    assert!(place("fn main(x: f16) -> f16 { x * 2 - exp(x) }").starts_with("exp(x)"));
}

#[test]
fn words_of_other_languages_are_explained() {
    for (text, word) in [
        ("fn main(x: f16) -> f16 { §return x; }", "return"),
        ("fn main(x: f16) -> f16 { §while x > 0 { } x }", "while"),
        ("fn main(x: f16) -> f16 { §loop { } x }", "loop"),
        ("fn main(x: f16) -> f16 { §match x { } }", "match"),
        ("fn main(x: f16) -> f16 { for i in 0..2 { §break; } x }", "break"),
        ("§struct P { x: f16 }\nfn main(x: f16) -> f16 { x }", "struct"),
    ] {
        let (found, _) = diagnose(&text.replace('§', ""), &[]);
        assert_eq!(found.len(), 1, "{text}: {found:?}");
        assert_eq!(found[0].span.unwrap().start as usize, text.find('§').unwrap(), "{text}");
        assert!(found[0].message.contains(word), "{found:?}");
    }
    for text in [
        "main(x: f16) -> f16 { x }",
        "main(x) -> f16 { x }",
        "fn f(x: f16) -> f16 { x }\nmain(x: f16) -> f16 { x }",
    ] {
        let (found, _) = diagnose(text, &[]);
        assert_eq!(found.len(), 1, "{text}: {found:?}");
        assert!(found[0].help.contains("`fn`"), "{found:?}");
    }
}

#[test]
fn messages_say_what_is_wrong() {
    let bound = message("fn main(x: f16 in [0, 1e9]) -> f16 { x }");
    assert!(bound.contains("1000000000 overflows f16"), "{bound}");
    refused("fn main(x: f16 in [0, §1e9]) -> f16 { x }", "E0315");
    assert!(!message("fn main(x: f16) -> f16 { y }").contains("did you mean"));
    assert!(!message("fn main(ab: f16) -> f16 { ac }").contains("did you mean"));
}
