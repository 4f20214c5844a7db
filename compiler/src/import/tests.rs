#![allow(clippy::unwrap_used, reason = "tests")]
//! FPCore programs, what becomes of them, and why others are refused.

use proptest::prelude::*;

use super::{fpcore, fpcore_text};
use crate::diag::{Diagnostic, position};
use crate::source::{NoFiles, Sources};
use crate::{Options, analyze};

fn sources(text: &str) -> Sources {
    let mut sources = Sources::default();
    sources.add("test.fpcore", text);
    sources
}

/// The `.ffl` program of the only FPCore program in `text`, which must type-check.
#[track_caller]
fn imported(text: &str) -> String {
    let given = sources(text);
    let cores = fpcore(&given, None).unwrap_or_else(|errors| panic!("{errors:?}"));
    let program = cores[0].program.clone().unwrap_or_else(|errors| panic!("{errors:?}"));
    let mut sources = sources(&program);
    if let Err(errors) = analyze(&mut sources, &Options::default(), &mut NoFiles) {
        panic!("{program}\n{}", crate::diag::render(&errors, &sources, false));
    }
    program
}

/// The body of `main`, on one line.
#[track_caller]
fn body(text: &str) -> String {
    let program = imported(text);
    let start = program.find("{\n").unwrap() + 2;
    program[start..program.rfind('}').unwrap()].split_whitespace().collect::<Vec<_>>().join(" ")
}

fn errors(text: &str) -> Vec<Diagnostic> {
    match fpcore(&sources(text), None) {
        Err(errors) => errors,
        Ok(cores) => cores.into_iter().flat_map(|core| core.program.err().unwrap_or_default()).collect(),
    }
}

#[test]
fn a_program_has_its_type_ranges_conditions_and_description() {
    let text = r#"(FPCore (x t*) :name "Two  things" :cite (someone-1999) :description "Divides." :precision binary32
        :pre (and (<= 1/3 x 10) (< 0 t*) (!= x t*) (isnormal x)) (/ x t*))"#;
    let expected = "// Imported from FPCore; cites someone-1999.
// The parameter t_star is t* in the FPCore program.
// Precondition, not checked: (isnormal x)
type Real = f32;

/// Two things
/// Divides.
fn main(x: Real in [1 / 3, 10], t_star: Real in [0, Real::MAX]) -> Real {
    require(0 < t_star);
    require(x != t_star);
    x / t_star
}
";
    assert_eq!(imported(text), expected);
}

#[test]
fn operators_keep_their_grouping() {
    for (fpcore, ffl) in [
        ("(- x (- y x))", "x - (y - x)"),
        ("(- (- x y) x)", "x - y - x"),
        ("(* (+ x y) (/ x (* y x)))", "(x + y) * (x / (y * x))"),
        ("(- (* x y))", "-(x * y)"),
        ("(* (- x) y)", "-x * y"),
        ("(fma x y (fabs (- x y)))", "fma(x, y, abs(x - y))"),
        ("(fmax (log x) (fmin y 1))", "max(ln(x), min(y, 1))"),
        ("(fmod x 3)", "x % 3"),
    ] {
        assert_eq!(body(&format!("(FPCore (x y) {fpcore})")), ffl, "{fpcore}");
    }
}

#[test]
fn numbers_alone_are_rounded_at_every_operation() {
    for (fpcore, ffl) in [
        ("(* x (/ 1 3))", "x * (1 as Real / 3)"),
        ("(* x 1/3)", "x * (1 / 3)"),
        ("(+ x (sqrt 2))", "x + sqrt(2 as Real)"),
        ("(+ x (* -1 (/ 2 3)))", "x + -1 * (2 as Real / 3)"),
        ("(+ x -0.0)", "x + -(0.0 as Real)"),
        ("(+ x (if (< 1 2) 3 4))", "x + (if 1 as Real < 2 { 3 as Real } else { 4 })"),
    ] {
        assert_eq!(body(&format!("(FPCore (x) {fpcore})")), ffl, "{fpcore}");
    }
}

#[test]
fn constants_stand_at_the_top() {
    let program = imported("(FPCore (x) (+ (* x PI) (/ PI_2 E)))");
    assert_eq!(program.lines().filter(|line| line.starts_with("const ")).count(), 3);
    assert!(program.contains("const PI: Real = 3.14159265358979"));
    assert!(
        imported("(FPCore (x) (if (< x 0) NAN INFINITY))").contains("const NAN: Real = (0 as Real) / 0;")
    );
}

#[test]
fn comparisons_of_many_compare_neighbours_and_unequal_ones_all() {
    for (fpcore, ffl) in [
        ("(< 0 x y)", "0 < x && x < y"),
        ("(!= x y 0)", "x != y && x != 0 && y != 0"),
        ("(or (not (< x y)) (and (== x y) (> y 0)) TRUE)", "!(x < y) || x == y && y > 0 || true"),
        ("(and)", "true"),
        ("(<= x (+ x y) y)", "({ let compared: Real = x + y; x <= compared && compared <= y })"),
    ] {
        let found = body(&format!("(FPCore (x y) (if {fpcore} x y))"));
        assert_eq!(found, format!("if {ffl} {{ x }} else {{ y }}"), "{fpcore}");
    }
}

#[test]
fn bindings_of_let_see_what_was_before_it_and_of_let_star_each_other() {
    assert_eq!(
        body("(FPCore (a b) (let ([a b] [b a]) (- a b)))"),
        "let a_2: Real = b; let b_2: Real = a; a_2 - b_2"
    );
    assert_eq!(
        body("(FPCore (a) (let* ([a (* a a)] [b (< a 1)]) (if b a 2)))"),
        "let a_2: Real = a * a; let b: bool = a_2 < 1; if b { a_2 } else { 2 }"
    );
    assert_eq!(body("(FPCore (a) (* 2 (let ([c (+ a 1)]) c)))"), "2 * ({ let c: Real = a + 1; c })");
}

#[test]
fn precision_and_rounding_choose_the_type() {
    for (properties, ffl) in [
        ("", "f64"),
        (":precision binary16", "f16"),
        (":precision (float 8 16)", "ieee<8, 8>"),
        (":precision binary32 :round toZero", "ieee<8, 24, toward_zero>"),
    ] {
        let program = imported(&format!("(FPCore name (x) {properties} x)"));
        assert!(program.contains(&format!("type Real = {ffl};\n\n/// name\n")), "{program}");
    }
    let cores = fpcore(&sources("(FPCore (x) :precision real x)"), Some("float<5, 11>")).unwrap();
    assert!(cores[0].program.as_ref().unwrap().contains("type Real = float<5, 11>;"));
}

#[test]
fn every_mistake_is_reported_at_its_place() {
    for (text, expected) in [
        ("(FPCore (x)\n (+ x (while (< x 1) ([i 0 (+ i 1)]) i)))", "E0502 2:8"),
        ("(FPCore (x) (+ y (foo x)))", "E0503 1:16, E0502 1:19"),
        ("(FPCore (x) (+ x 1 2))", "E0501 1:13"),
        ("(FPCore (x) (if x 1 2))", "E0504 1:17"),
        ("(FPCore (x) (+ x (< x 1)))", "E0504 1:18"),
        ("(FPCore (x) (! :precision binary32 x))", "E0502 1:16"),
        ("(FPCore ((x 3)) (tensor ([i 3]) i))", "E0502 1:10, E0502 1:18"),
        ("(FPCore (x) :precision integer x)", "E0502 1:24"),
        ("(FPCore (x) x", "E0500 1:1"),
        ("(FPCore (x] x)", "E0500 1:11"),
        ("(FPCore (x) x))", "E0500 1:15"),
        ("(FPCore (x) x y)", "E0501 1:15"),
        ("(FPCore (x))", "E0501 1:1"),
        ("(define x 1)", "E0501 1:1"),
        ("; nothing\n", "E0501 1:1"),
        ("(FPCore (x) (let ([2 x]) x))", "E0501 1:20"),
        ("(FPCore (x) \"x", "E0500 1:13"),
    ] {
        let found: Vec<String> = errors(text)
            .iter()
            .map(|error| {
                let place = position(text, error.span.unwrap().start);
                format!("{} {}:{}", error.code, place.line, place.column)
            })
            .collect();
        assert_eq!(found.join(", "), expected, "{text}");
    }
    assert_eq!(errors(&"(".repeat(100_000))[0].code, "E0500");
}

#[test]
fn programs_of_one_file_are_told_apart() {
    let given = sources("(FPCore a (x) x) ; one\n(FPCore (x) :name \"b c\" (loop x))\n(FPCore (x) x)");
    let cores = fpcore(&given, None).unwrap();
    let names: Vec<&str> = cores.iter().map(|core| core.name.as_str()).collect();
    assert_eq!(names, ["a", "b c", "program 3"]);
    assert!(cores[0].program.is_ok() && cores[1].program.is_err());
}

#[test]
fn the_json_wrapping_is_taken_off() {
    assert_eq!(fpcore_text(r#"{"name": "n", "fpcore": "(FPCore (x)\n x)"}"#).unwrap(), "(FPCore (x)\n x)");
    assert!(fpcore_text("{").unwrap_err().contains("malformed"));
    assert!(fpcore_text("{}").unwrap_err().contains("no member"));
    assert!(fpcore_text(r#"{"fpcore": 1}"#).unwrap_err().contains("no string"));
}

proptest! {
    #[test]
    fn no_text_makes_the_importer_panic(
        parts in prop::collection::vec(
            prop::sample::select(vec![
                "(", ")", "[", "]", "FPCore", "x", "t*", "1", "1/3", "-0", "0x1p", "+", "-", "let", "let*", "if",
                "<", "and", "not", "!", ":pre", ":precision", "\"", ";", "\n", "PI", "é", "cast", "fma", "(x)",
            ]),
            0..40,
        ),
    ) {
        let text = format!("(FPCore (x) {})", parts.join(" "));
        errors(&text);
        errors(&parts.join(" "));
    }
}
