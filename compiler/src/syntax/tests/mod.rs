#![allow(clippy::unwrap_used, reason = "tests")]

mod print;
mod random;

use std::fmt::Write as _;

use super::*;
use crate::source::Sources;
use ast::{Body, ExprKind, ItemKind};
use print::Node;

/// Programs without errors that use every construct.
const VALID: &[&str] = &[
    "exp(x) * y",
    "{ let z = x * x; z + 1 }",
    include_str!("valid_score.ffl"),
    include_str!("valid_all.ffl"),
];

fn diagnostics(text: &str) -> Vec<Diagnostic> {
    parse(0, text).1
}

fn tree(text: &str) -> String {
    let (module, diagnostics) = parse(0, text);
    assert_eq!(diagnostics, [], "{text}");
    print::module(&module)
}

/// The diagnostics as users see them.
fn shown(text: &str) -> String {
    let mut sources = Sources::default();
    let file = sources.add("t.ffl", text);
    crate::diag::render(&parse(file, text).1, &sources, false)
}

/// `LINE:COLUMN code` of each diagnostic.
fn places(text: &str) -> Vec<String> {
    let place = |d: &Diagnostic| {
        let at = crate::diag::position(text, d.span.unwrap().start);
        format!("{}:{} {}", at.line, at.column, d.code)
    };
    diagnostics(text).iter().map(place).collect()
}

#[test]
fn expressions_parse_as_listed() {
    let table = [
        "x",
        "1_000",
        "0x1F",
        "0b101",
        "0o17",
        "1.5",
        "1.",
        "2e-3",
        "1E+2",
        "0x1.8p3",
        "0x1p-2",
        "0x_f",
        "true",
        "T::MAX",
        "a + b * c",
        "a * b + c",
        "a - b - c",
        "-x as f16",
        "-a[0]",
        "!!a",
        "!a && b || c && d",
        "a | b ^ c & d << e + f",
        "(a < b) == c",
        "a as f16 as int<8> * b",
        "x as float<5, 11> < y",
        "x as f16 < y",
        "x as fixed<T::EXPONENT_BITS + 2, (a < b)>",
        "x as int<8>>> 3",
        "x as int<8>> y",
        "x as int<8>== y",
        "x as int<8>>= y",
        "x as [float<5, 11>; 2]",
        "x as (f16, bool)",
        "[a, b,]",
        "[]",
        "()",
        "(a,)",
        "(a, b)",
        "(a)",
        "[0; n]",
        "[f(i) for i in 0..n]",
        "[[i + j for j in 0..=i] for i in a + 1..b || c]",
        "f()",
        "f(a, b,)",
        "f(x)[1][2]",
        "if a < b { a } else { b }",
        "if a { 1 } else if b { 2 } else { 3 }",
        "if a { 1 } + 2",
        "1 + if a { 1 } else { 2 } * 3",
        "#[approx(taylor, degree = 9)] exp(x) * y",
        "#[a] #[b()] f(x)",
        "{ }",
        "{ ; }",
        "{ x }",
        "{ x; }",
        "{ x = 1 }",
        "{ let mut a: f16 = 1; a += 2; a -= b; a *= 3; a /= 4; a %= 5; a <<= 1; a >>= 1; a &= 1; a |= 1; a ^= 1; a }",
        "{ let (a, (b, _), ) = t; let _ = c; let () = d; let (e) = f; a[1][2] = 3; }",
        "{ let x: float<5, 11>= 3; }",
        "{ let x: [ieee<8, 24, toward_zero>; 2] = y; }",
        "{ for i in 0..n { s += i; } s }",
        "{ for i in 0..=n { } }",
        "{ if a { x = 1; } }",
        "{ if a { x = 1; } else { x = 2; } x }",
        "{ if a { 1 } else { 2 } }",
        "{ if a { 1 } }",
        "{ if a { 1 } else { 2 } -3 }",
        "{ if a { 1 } else { 2 }; }",
        "{ { x } }",
        "{ { x = 1; } }",
        "{ { 1 } [0] }",
        "{ (if a { 1 } else { 2 }) * 2 }",
        "a /* no */ b",
    ];
    let mut out = String::new();
    for text in &table[..table.len() - 1] {
        writeln!(out, "{text}\n    {}", tree(text)).unwrap();
    }
    insta::assert_snapshot!(out);
}

#[test]
fn items_parse_as_listed() {
    let mut out = String::new();
    for text in &VALID[2..] {
        writeln!(out, "{}", tree(text)).unwrap();
    }
    insta::assert_snapshot!(out);
}

#[test]
fn each_mistake_is_shown_at_its_place() {
    let table = include_str!("mistakes.ffl").split("// ----\n");
    let mut out = String::new();
    for text in table {
        writeln!(out, "================\n{text}----------------\n{}", shown(text)).unwrap();
    }
    insta::assert_snapshot!(out);
}

#[test]
fn all_mistakes_of_a_file_are_found_and_no_others() {
    let text = "fn f(x: f16, 3: f16) -> f16 { x + }\nfn g() -> { 1 }\nconst A: f16 = (2;\n\
                fn h(é: f16) -> f16 { let é = é @ 1; let y = f(é, , 2) * (1 + ); y }\n}\n\
                type T = [f16; ];\nfn main(x: f16) -> f16 { for i on 0..3 { let a = ; } if x { 1 } else 2 }\n";
    assert_eq!(
        places(text),
        [
            "1:14 E0006",
            "1:35 E0006",
            "2:11 E0006",
            "3:16 E0007",
            "4:33 E0001",
            "4:51 E0006",
            "4:63 E0006",
            "5:1 E0007",
            "6:16 E0006",
            "7:32 E0006",
            "7:50 E0006",
            "7:70 E0006",
        ]
    );
}

#[test]
fn an_item_after_a_broken_one_is_intact() {
    for broken in [
        "fn f( {",
        "fn f(x: f16) -> f16 { (((",
        "const A = ;",
        "fn 3() { let x = 1; }",
        "type",
        "use 3",
        "junk 1 2",
    ] {
        let text = format!("{broken}\nfn main(x: f16) -> f16 {{ x }}\n");
        let (module, diagnostics) = parse(0, &text);
        assert_eq!(diagnostics.len(), 1, "{text}{diagnostics:#?}");
        let Body::Items(items) = module.body else { panic!("{text}") };
        let last = print::item(items.last().unwrap());
        assert_eq!(last, "(fn main (params (x: f16)) -> f16 {x})");
    }
}

#[test]
fn a_broken_part_leaves_the_rest_of_its_statement() {
    let recovered = |text| print::module(&parse(0, text).0);
    assert_eq!(recovered("{ let a: f16 = 1 2; a }"), "{let a: f16 = ERROR; a}");
    assert_eq!(recovered("{ let a: = 1; a }"), "{let a: ERROR = 1; a}");
    assert_eq!(recovered("{ let a = 1\n let b = 2; b }"), "{let a = 1; let b = 2; b}");
    assert_eq!(recovered("f(a, b c, d)"), "(call f a ERROR d)");
    assert_eq!(recovered("f(a, , d)"), "(call f a ERROR d)");
    assert_eq!(recovered("[a + , b]"), "(array ERROR b)");
    assert_eq!(
        recovered("fn f(a: f16, 3, b: ) -> f16 { 1 }"),
        "(fn f (params (a: f16) (_: ERROR) (b: ERROR)) -> f16 {1})\n"
    );
}

#[test]
fn documentation_belongs_to_the_item_behind_it() {
    let (module, diagnostics) =
        parse(0, "/// One\n///  two\n// no\n//// no\nconst A: f16 = 1; /// B\ntype B = f16;\n/// end\n");
    assert_eq!(diagnostics, []);
    let Body::Items(items) = module.body else { panic!() };
    assert_eq!(items.iter().map(|i| i.doc.as_str()).collect::<Vec<_>>(), ["One\n two", "B"]);
}

#[test]
fn deep_brackets_are_refused_once() {
    for open in ["(", "[", "{", "f(", "-(", "[[a; ", "if x {"] {
        let text = open.repeat(10_000);
        let found = diagnostics(&text);
        assert!(found.iter().any(|d| d.code == "E0009"), "{open}");
        assert!(found.len() <= 3, "{open} {}", found.len());
    }
    let close: String = "(".repeat(MAX_BRACKETS) + "x" + &")".repeat(MAX_BRACKETS);
    assert_eq!(diagnostics(&close), []);
    let close: String = "(".repeat(MAX_BRACKETS + 1) + "x" + &")".repeat(MAX_BRACKETS + 1);
    assert_eq!(places(&close), [format!("1:{} E0009", MAX_BRACKETS + 1)]);
    assert!(diagnostics(&close)[0].message.contains("200"));
}

#[test]
fn long_chains_are_refused_once() {
    let chains = [
        "x".to_owned() + &" + x".repeat(100_000),
        "-".repeat(10_000) + "x",
        "x".to_owned() + &" as f16".repeat(10_000),
        "a".to_owned() + &"[0]".repeat(10_000),
        "if a { 1 } else ".repeat(10_000) + "{ 2 }",
        "a".to_owned() + &" < a".repeat(600),
        "x as float<(".repeat(190) + "1" + &(" + 1".repeat(400) + "), 3>").repeat(190),
    ];
    for text in &chains {
        let found = diagnostics(text);
        let deep = found.iter().filter(|d| d.code == "E0009").count();
        assert_eq!(deep, 1, "{} {found:?}", &text[..20]);
        assert!(found[0].message.contains("500") || found[0].code == "E0010");
    }
    let longest = "x".to_owned() + &" + x".repeat(MAX_DEPTH as usize - 1);
    assert_eq!(diagnostics(&longest), []);
    assert_eq!(diagnostics(&(longest + " + x")).len(), 1);
}

#[test]
fn giant_numbers_are_refused_quickly() {
    for text in ["1e999999999", "1e-999999999", "0x1p99999999999999999999999", "1e10001", "0x1p-40001"] {
        assert_eq!(places(text), ["1:1 E0004"], "{text}");
    }
    assert_eq!(places(&"9".repeat(100_000)), ["1:1 E0004"]);
    assert_eq!(places(&("0.".to_owned() + &"3".repeat(10_001))), ["1:1 E0004"]);
    assert_eq!(diagnostics("[1e10000, 1e-4966, 0x1p-16494, 1e00000000000000000001]"), []);
    let many = format!("[{}]", "1e9999, ".repeat(10_000));
    let found = diagnostics(&many);
    assert_eq!(found.len(), MAX_ERRORS);
    assert!(found.last().unwrap().help.contains("not shown"));
}

#[test]
fn numbers_have_their_exact_values() {
    let value = |text: &str| match parse(0, text).0.body {
        Body::Expression(ast::Expr { kind: ExprKind::Number { value, form }, .. }) => {
            (value.to_string(), form)
        }
        Body::Expression(_) | Body::Items(_) => panic!("{text}"),
    };
    use ast::LiteralForm::{Decimal, HexFloat, Integer};
    assert_eq!(value("0x1.8p3"), ("12".to_owned(), HexFloat));
    assert_eq!(value("0xA.8p-4"), ("21/32".to_owned(), HexFloat));
    assert_eq!(value("1.25e-1"), ("1/8".to_owned(), Decimal));
    assert_eq!(value("12_345.500"), ("24691/2".to_owned(), Decimal));
    assert_eq!(value("0.0e5"), ("0".to_owned(), Decimal));
    assert_eq!(
        value("340282366920938463463374607431768211456"),
        ("340282366920938463463374607431768211456".to_owned(), Integer)
    );
    assert_eq!(value("0b1010_1010"), ("170".to_owned(), Integer));
}

#[test]
fn a_flood_of_errors_is_cut() {
    for piece in [
        "@ ",
        ") ",
        "; ",
        "1 2; ",
        "fn ",
        "fn f( ",
        "( ",
        "\"",
        "/* ",
        "{ let x = ; } ",
        "else ",
        "f(1 2, ",
        "}{",
        "#[",
        "a:",
    ] {
        let text = piece.repeat(20_000);
        let found = diagnostics(&text);
        assert!(!found.is_empty() && found.len() <= MAX_ERRORS, "{piece} {}", found.len());
    }
}

#[test]
fn a_file_that_is_too_long_is_not_read() {
    let text = " ".repeat(MAX_SOURCE_BYTES + 1);
    assert_eq!(places(&text), ["1:1 E0012"]);
}

#[test]
fn a_file_with_an_item_keyword_has_items() {
    assert!(matches!(parse(0, "func main() {}\nfn f() {}").0.body, Body::Items(_)));
    assert!(matches!(parse(0, "x + 1").0.body, Body::Expression(_)));
    assert!(matches!(parse(0, "/// doc\nx + 1").0.body, Body::Expression(_)));
    assert_eq!(diagnostics("/// doc\n#[approx(taylor)] exp(x)"), []);
}

#[test]
fn every_expected_code_is_registered() {
    for (index, (code, title)) in crate::diag::CODES.iter().enumerate() {
        assert!(index == 0 || crate::diag::CODES[index - 1].0 < *code, "{code} is out of order");
        assert!(!title.is_empty());
    }
}

/// The text of each node, parsed alone, is that node.
fn check_spans(text: &str, module: &ast::Module) {
    let slice =
        |span: Span| text.get(span.start as usize..span.end as usize).expect("the span lies within the text");
    for node in print::nodes(module) {
        match node {
            Node::Item(item) => {
                let alone = parse(0, slice(item.span)).0;
                let Body::Items(items) = alone.body else { panic!("{}", slice(item.span)) };
                let strip = |text: String| text.lines().filter(|l| !l.starts_with("///")).collect::<String>();
                assert_eq!(strip(print::item(&items[0])), strip(print::item(item)));
            }
            Node::Expr(e) => assert_eq!(print::module(&parse(0, slice(e.span)).0), print::expr(e)),
            Node::Type(t) => {
                let alone = parse(0, &format!("type T = {};", slice(t.span))).0;
                let Body::Items(items) = alone.body else { panic!("{}", slice(t.span)) };
                let ItemKind::Type { ty, .. } = &items[0].kind else { panic!("{}", slice(t.span)) };
                assert_eq!(print::ty(ty), print::ty(t));
            }
            Node::Ident(ident) => assert_eq!(slice(ident.span), ident.name),
            Node::Operator(op, span) => assert_eq!(slice(span), print::op(op)),
            Node::Other(span) => assert!(!slice(span).trim().is_empty()),
        }
    }
}

#[test]
fn spans_cover_the_text_of_their_nodes() {
    for text in VALID {
        check_spans(text, &parse(0, text).0);
    }
}

#[test]
fn the_programs_of_the_reference_parse() {
    let reference = include_str!("../../../docs/language.md");
    let programs: Vec<&str> =
        reference.split("```ffl\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    assert!(programs.len() >= 7);
    for text in programs {
        assert_eq!(diagnostics(text), [], "{text}");
    }
    for limit in [MAX_BRACKETS.to_string(), MAX_DEPTH.to_string(), "10,000".to_owned(), "2 MiB".to_owned()] {
        assert!(reference.contains(&format!("| {limit} |")), "{limit}");
    }
    assert_eq!(
        (MAX_DIGITS, MAX_SOURCE_BYTES, MAX_LONG_DIGITS, SHORT_NUMBER, MAX_ERRORS),
        (10_000, 2 << 20, 1_000_000, 64, 100)
    );
}
