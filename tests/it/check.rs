//! `run --check`: how far results are from the real-number answer, held against f64; and requirements of inputs.

use crate::command::{ffhec, ffhec_with_stdin, root};

/// What `--check` says about the column `name`.
#[track_caller]
fn said<'t>(messages: &'t str, name: &str) -> &'t str {
    let start = format!("check: {name}: ");
    let found = messages.lines().find_map(|line| line.strip_prefix(start.as_str()));
    found.unwrap_or_else(|| panic!("nothing about `{name}` in: {messages}"))
}

/// The largest error that it says, and its row.
#[track_caller]
fn largest(messages: &str, name: &str) -> (f64, usize) {
    let text = said(messages, name);
    let text = text.strip_prefix("at most ").unwrap_or_else(|| panic!("{text}"));
    let (error, rest) = text.split_once(" ulp from the real-number answer (row ").unwrap();
    (error.parse().unwrap(), rest.trim_end_matches(')').parse().unwrap())
}

/// floor(log2 |x|).
fn exponent(x: f64) -> i32 {
    i32::try_from(x.to_bits() >> 52 & 0x7ff).unwrap() - 1023
}

#[test]
fn errors_are_those_that_f64_finds() {
    let table = std::fs::read_to_string(root().join("examples/exp_mul.csv")).unwrap();
    let args =
        ["run", "examples/exp_mul.ffl", "--inputs", "examples/exp_mul.csv", "--scheme", "plain", "--check"];
    let outcome = ffhec(&args);
    assert_eq!(outcome.code, 0, "{}", outcome.err);
    let number = |text: &str| text.trim().parse::<f64>().unwrap();
    let mut worst = (0.0, 0);
    for (row, (input, result)) in table.lines().skip(1).zip(outcome.out.lines().skip(1)).enumerate() {
        // Cells and results are decimals; what they stand for is the nearest number of 11 bits.
        let rounded = |x: f64| {
            let unit = 2_f64.powi(exponent(x) - 10);
            if x == 0.0 { 0.0 } else { (x / unit).round_ties_even() * unit }
        };
        let (x, y) = input.split_once(',').unwrap();
        let exact = rounded(number(x)).exp() * rounded(number(y));
        let error = (rounded(number(result)) - exact).abs() / 2_f64.powi(exponent(exact) - 10);
        if error > worst.0 {
            worst = (error, row + 1);
        }
    }
    let (error, row) = largest(&outcome.err, "result");
    assert_eq!(row, worst.1);
    assert!(error >= worst.0 && error < worst.0 + 0.011, "{error}, expected {}", worst.0);
}

#[test]
fn every_result_has_a_line_of_its_own_kind() {
    let program = b"fn main(x: f16) -> (a: f16, b: f16, c: bool, d: f16, e: f16) {
        (x / 3, x * 2, 0.1 * x == 1, ln(x), from_bits(bits(x)))
    }";
    let run = |values: &[&str]| {
        let mut args = vec!["run", "-", "--scheme", "plain", "--check"];
        values.iter().for_each(|value| args.extend(["--in", value]));
        let outcome = ffhec_with_stdin(&args, program);
        assert_eq!(outcome.code, 0, "{}", outcome.err);
        outcome.err
    };
    let messages = run(&["x=-10"]);
    assert_eq!(largest(&messages, "a").1, 1);
    assert_eq!(said(&messages, "b"), "exactly the real-number answer");
    assert_eq!(said(&messages, "c"), "as the real-number answer 1 of 1 times");
    let none =
        "no real-number answer 1 of 1 times, first in row 1: the logarithm of a number that is not positive";
    assert_eq!(said(&messages, "d"), none);
    assert!(said(&messages, "e").ends_with("the bits of a number"));
    // In f16 one tenth is below a tenth, and ten times it is rounded to 1: right, by luck.
    assert_eq!(said(&run(&["x=10"]), "c"), "as the real-number answer 1 of 1 times");
}

#[test]
fn wrong_decisions_are_found() {
    // f16 holds no odd numbers above 2048: 2049 becomes 2048.
    let args = ["run", "-e", "x + 1 > x", "--float", "f16", "--in", "x=2048", "--scheme", "plain", "--check"];
    let expected = "differs from the real-number answer 1 of 1 times, first in row 1";
    assert_eq!(said(&ffhec(&args).err, "result"), expected);
}

#[test]
fn ciphertexts_are_checked_like_bits() {
    let args = ["run", "-e", "x / 3", "--in", "x=1", "--preset", "test", "--check", "--seed", "1"];
    let (ciphertexts, plain) = (ffhec(&args), ffhec(&[&args[..], &["--scheme", "plain"]].concat()));
    assert_eq!(ciphertexts.code, 0, "{}", ciphertexts.err);
    // 1/3 is 0x1.555..p-2; truncated to 11 bits it lacks a third of the last one.
    assert_eq!(largest(&ciphertexts.err, "result"), (0.34, 1));
    assert_eq!(said(&plain.err, "result"), said(&ciphertexts.err, "result"));
}

#[test]
fn a_compiled_program_says_that_it_cannot_tell() {
    let folder = tempfile::tempdir().unwrap();
    let compiled = folder.path().join("p.ffc");
    let compiled = compiled.to_str().unwrap();
    ffhec(&["compile", "-e", "x / 3", "-o", compiled, "-q"]).ok();
    let outcome = ffhec(&["run", compiled, "--in", "x=1", "--scheme", "plain", "--check"]);
    assert!(
        outcome.err.contains("a compiled program does not tell the real-number answer"),
        "{}",
        outcome.err
    );
}

const TRIANGLE: &[u8] = b"(FPCore (a b c) :precision binary32
    :pre (and (<= 1 a 9) (<= 1 b 9) (<= 1 c 9) (< c (+ a b)) (!= a (/ b 10)))
    (sqrt (* (+ a b c) (- (+ a b) c))))";

#[test]
fn preconditions_of_fpcore_are_checked_on_the_table() {
    // FPCore adds two numbers at a time.
    let text = String::from_utf8_lossy(TRIANGLE).replace("(+ a b c)", "(+ (+ a b) c)");
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (fpcore, program, table) = (path("t.fpcore"), path("t.ffl"), path("t.csv"));
    std::fs::write(&fpcore, text).unwrap();
    ffhec(&["import", &fpcore, "-o", &program]).ok();
    std::fs::write(&table, "a,b,c\n3,4,5\n1,2,3\n2,2,3\n1,1,9\n").unwrap();
    let run =
        |scheme: &str| ffhec(&["run", &program, "--inputs", &table, "--scheme", scheme, "--preset", "test"]);
    for scheme in ["plain", "ffhe"] {
        run(scheme).fails(
            1,
            &[
                "row 2 (a = 1, b = 2, c = 3) does not meet `c < a + b`",
                "row 4 (a = 1, b = 1, c = 9) does not meet `c < a + b`",
                "nothing was computed",
            ],
        );
    }
    assert!(!run("plain").err.contains("row 3"));
    std::fs::write(&table, "a,b,c\n3,4,5\n2,2,3\n").unwrap();
    assert_eq!(run("plain").ok().lines().count(), 3);

    let keys = path("keys");
    ffhec(&["keygen", "--preset", "test", "--out", &keys, "-q"]).ok();
    std::fs::write(&table, "a,b,c\n1,2,3\n").unwrap();
    let (key, out) = (format!("{keys}/public.key"), path("in.ct"));
    ffhec(&["encrypt", &program, "--key", &key, "--inputs", &table, "--out", &out])
        .fails(1, &["`c < a + b`"]);
}
