#![allow(clippy::unwrap_used, reason = "tests")]
#![allow(clippy::disallowed_methods, reason = "f64 functions as an independent reference")]
//! Programs over the real numbers, against exact fractions and f64 where that has bits to spare.

use num_bigint::BigUint;

use super::{Broken, Program, Verdict, program};
use crate::Options;
use crate::gadgets::format::Scalar;
use crate::source::{NoFiles, Sources};

struct Given {
    program: Program,
    inputs: Vec<Scalar>,
    text: String,
}

#[track_caller]
fn given(text: &str) -> Given {
    let mut sources = Sources::default();
    sources.add("test.ffl", text);
    match program(&mut sources, &Options::default(), &mut NoFiles) {
        Ok(program) => Given { inputs: program.inputs.clone(), program, text: text.to_owned() },
        Err(errors) => panic!("{}", crate::diag::render(&errors, &sources, false)),
    }
}

impl Given {
    fn row(&self, cells: &[&str]) -> Vec<BigUint> {
        cells.iter().zip(&self.inputs).map(|(cell, ty)| ty.parse_cell(cell).unwrap()).collect()
    }

    /// How a result in the first column compares.
    #[track_caller]
    fn verdict(&self, cells: &[&str], result: &str) -> Verdict {
        let ty = self.program.outputs().next().unwrap().ty;
        self.program.answers(&self.row(cells))[0].compare(&ty.parse_cell(result).unwrap())
    }

    #[track_caller]
    fn error(&self, cells: &[&str], result: &str) -> f64 {
        let verdict = self.verdict(cells, result);
        let Verdict::Ulp(error) = verdict else { panic!("{}: {verdict:?}", self.text) };
        error
    }

    fn broken(&self, cells: &[&str]) -> Option<(&str, Option<&'static str>)> {
        let Broken { condition, reason } = self.program.broken(&self.row(cells))?;
        Some((&self.text[condition.start as usize..condition.end as usize], reason))
    }
}

#[track_caller]
fn close(found: f64, expected: f64) {
    assert!((found - expected).abs() <= 1e-9 * expected.max(1e-3), "{found}, expected {expected}");
}

#[test]
fn literals_mean_what_is_written() {
    let given = given("fn main(x: f16) -> f16 { let third = 1 / 3; x * 0.1 + third }");
    // 3/10 + 1/3 = 0.6333..; neighbours are 2^-11 apart there.
    let exact = 0.3 + 1.0 / 3.0;
    close(given.error(&["3"], "0.6333"), (f64::from(0x0a22) / 4096.0 - exact).abs() * 2048.0);
    assert!(given.error(&["3"], "0.635") > 1.0);
}

#[test]
fn errors_are_in_units_of_the_type_at_the_answer() {
    for (text, x, result, expected) in [
        ("fn main(x: f32) -> f32 { x }", "1", "1", 0.0),
        ("fn main(x: f32) -> f32 { x + 1 }", "0", "0x1.000002p0", 1.0),
        ("fn main(x: f32) -> f32 { x + 1 }", "0", "0x1.fffffep-1", 0.5),
        ("fn main(x: f32) -> f32 { x * 0x1p-140 }", "1", "0x1.8p-140", 256.0),
        ("fn main(x: float<5, 11>) -> float<5, 11> { x / 8 }", "0x1p-14", "0", 0.125),
        ("fn main(x: fixed<4, 12>) -> fixed<4, 12> { x / 3 }", "1", "0x0.555p0", 1.0 / 3.0),
        ("fn main(x: f16) -> f16 { x * x }", "300", "inf", 0.0),
        ("fn main(x: f16) -> f16 { exp(exp(x)) }", "300", "inf", f64::NAN),
        ("fn main(x: float<5, 11>) -> float<5, 11> { -(x * x) }", "2000", "-131000", 0.0),
    ] {
        match (given(text).verdict(&[x], result), expected.is_nan()) {
            (Verdict::Ulp(error), false) => close(error, expected),
            (Verdict::Same, true) => {}
            (verdict, _) => panic!("{text} at {x}: {verdict:?}"),
        }
    }
    let square = given("fn main(x: f16) -> f16 { x * x }");
    assert_eq!(square.verdict(&["300"], "-inf"), Verdict::Differs);
    assert_eq!(square.verdict(&["3"], "nan"), Verdict::Differs);
}

#[test]
fn library_functions_have_their_mathematical_meaning() {
    for (call, reference) in [
        ("exp(x)", f64::exp as fn(f64) -> f64),
        ("ln(x)", f64::ln),
        ("tanh(x) * 2", |x| x.tanh() * 2.0),
        ("sigmoid(x)", |x| 1.0 / (1.0 + (-x).exp())),
        ("polyval([1, 2, 3], x)", |x| 1.0 + 2.0 * x + 3.0 * x * x),
        ("powi(x, 5)", |x| x.powi(5)),
        ("sum(softmax([x, 2 * x, 1]))", |_| 1.0),
        ("mean([x, 1, 2.5])", |x| (x + 3.5) / 3.0),
        ("relu(x - 3)", |x| (x - 3.0).max(0.0)),
        ("recip_taylor(x)", |x| 1.0 / x),
        ("pow(x, 2.5)", |x| x.powf(2.5)),
        ("scale2(significand(x), exponent(x) as int<16>)", |x| x),
        ("fma(x, x, -1)", |x| x * x - 1.0),
        ("x % 0.75", |x| x % 0.75),
        ("if floor(x) == 2 { trunc(x) } else { copysign(x, -1) }", |x| {
            if x.floor() == 2.0 { x.trunc() } else { -x }
        }),
        ("(x as int<8> + 3) as f32", |x| x.trunc() + 3.0),
        ("sign(-x) + abs(-x)", |x| x - 1.0),
        ("dot([x, 1], [x, -x])", |x| x * x - x),
    ] {
        let given = given(&format!("fn main(x: f32) -> f32 {{ {call} }}"));
        for x in [2.25_f64, 0.1875, 5.5] {
            let expected = reference(x) as f32;
            let error = given.error(&[&x.to_string()], &format!("{:e}", f64::from(expected)));
            assert!(error <= 0.5001, "{call} at {x}: {expected} is off by {error} ulp");
        }
    }
}

#[test]
fn cancellation_takes_more_bits_until_the_answer_is_known() {
    let given = given("fn main(x: f32, y: f32) -> f32 { (x + y) - x }");
    assert_eq!(given.error(&["1e38", "1e-38"], "1e-38"), 0.0);
    let near = self::given("fn main(x: f64) -> f64 { (1 - cos(x)) / x / x }");
    assert!(near.error(&["1e-100"], "0.5") < 1e-9);
}

#[test]
fn what_has_no_real_meaning_says_so() {
    let none = |text: &str, cells: &[&str], result: &str| {
        let verdict = given(text).verdict(cells, result);
        let Verdict::NoAnswer(reason) = verdict else { panic!("{text}: {verdict:?}") };
        reason
    };
    for (text, x, expected) in [
        ("fn main(x: f32) -> f32 { 1 / (x - x) }", "1", "a division by zero"),
        ("fn main(x: f32) -> f32 { ln(x) }", "-1", "the logarithm of a number that is not positive"),
        ("fn main(x: f32) -> f32 { sqrt(x) }", "-1", "the square root of a negative number"),
        ("fn main(x: f32) -> f32 { x }", "nan", "an input that is not a finite number"),
        ("fn main(x: f32) -> f32 { from_bits(bits(x) + 1) }", "1", "the bits of a number"),
        ("fn main(x: f32) -> bool { is_subnormal(x) }", "1", "a question about the encoding of a number"),
        (
            "fn main(x: f32) -> bool { exp(ln(x)) < x }",
            "3",
            "a comparison of numbers that are too close to decide it",
        ),
    ] {
        let result = if text.contains("bool") { "false" } else { "1" };
        assert_eq!(none(text, &[x], result), expected, "{text}");
    }
}

#[test]
fn conditions_are_decided_for_the_exact_numbers() {
    // In f64, 0.1 + 0.2 is above 0.3.
    let equal = given("fn main(x: f64) -> bool { 0.1 * x + 0.2 * x == 0.3 * x }");
    assert_eq!(equal.verdict(&["1"], "true"), Verdict::Same);
    let above = given("fn main(x: f16) -> bool { 0.1 * x > 0.0999 * x }");
    assert_eq!(above.verdict(&["1"], "true"), Verdict::Same);
    assert_eq!(above.verdict(&["1"], "false"), Verdict::Differs);
    // An undecided condition does no harm where both sides agree.
    let either = given("fn main(x: f32) -> f32 { if exp(ln(x)) < x { x } else { x } }");
    assert_eq!(either.error(&["3"], "3"), 0.0);
    let touching = given("fn main(x: f32) -> f32 { max(exp(ln(x)), x) }");
    assert!(touching.error(&["3"], "3") < 1e-3);
}

#[test]
fn integers_are_those_of_the_gates() {
    let given = given("fn main(x: uint<8>, y: f16) -> uint<8> { if y > 0.5 { x * 3 } else { x >> 1 } }");
    assert_eq!(given.verdict(&["100", "1"], "44"), Verdict::Same);
    assert_eq!(given.verdict(&["100", "1"], "45"), Verdict::Differs);
    assert_eq!(given.verdict(&["100", "0"], "50"), Verdict::Same);
}

#[test]
fn compile_time_choices_are_those_of_the_gates() {
    let given = given(
        "const C: f16 = 0.1; fn main(x: f16) -> f16 { if C * 3 > 0.3 { let a = [x]; a[1] } else { x } }",
    );
    assert_eq!(given.error(&["7"], "7"), 0.0);
}

#[test]
fn rows_that_break_a_requirement_are_told_from_others() {
    let given = given(
        "fn main(x: f32, y: f32, n: int<4>) -> f32 {
             require(x < y && 0.1 * x != 1);
             if n > 2 { require(sqrt(y) > 1); }
             y - x
         }",
    );
    assert!(given.program.has_requirements());
    assert_eq!(given.broken(&["1", "2", "0"]), None);
    let first = "x < y && 0.1 * x != 1";
    assert_eq!(given.broken(&["2", "1", "0"]), Some((first, None)));
    assert_eq!(given.broken(&["10", "11", "0"]), Some((first, None)));
    // What stands in an `if` counts where its condition holds.
    assert_eq!(given.broken(&["-2", "0.5", "2"]), None);
    assert_eq!(given.broken(&["-2", "0.5", "3"]), Some(("sqrt(y) > 1", None)));
    let undecided = Some(("sqrt(y) > 1", Some("the square root of a negative number")));
    assert_eq!(given.broken(&["-2", "-1", "3"]), undecided);
}
