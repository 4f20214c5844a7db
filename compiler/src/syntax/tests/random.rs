//! Random texts: none may panic, hang, or give a diagnostic that cannot be shown.

use proptest::prelude::*;

use super::super::*;
use super::{VALID, check_spans, print};
use crate::source::Sources;

const PIECES: &[&str] = &[
    "fn ", "const ", "type ", "use ", "let ", "mut ", "if ", "else ", "for ", "in ", "as ", "public ",
    "true ", "_ ", "x ", "é", "float", "f16", "1", "2.5", "0x1p3", "1e9", "\"a\"", "\"", "(", ")", "[", "]",
    "{", "}", ",", ";", ":", "::", "->", ".", "..", "..=", "#", "+", "-", "*", "/", "%", "<<", ">>", "&",
    "|", "^", "!", "&&", "||", "<", "<=", ">", ">=", "==", "!=", "=", "+=", ">>=", "//", "///", "/*", "\n",
    " ", "@", "\u{1b}", "\u{2028}", "\r\n",
];

/// What must hold for any text.
fn check(text: &str) {
    let mut sources = Sources::default();
    let file = sources.add("t.ffl", text);
    let (module, diagnostics) = parse(file, text);
    for node in print::nodes(&module) {
        let span = match node {
            print::Node::Item(item) => item.span,
            print::Node::Expr(e) => e.span,
            print::Node::Type(t) => t.span,
            print::Node::Ident(ident) => ident.span,
            print::Node::Operator(_, span) | print::Node::Other(span) => span,
        };
        assert!(
            span.start <= span.end && text.get(span.start as usize..span.end as usize).is_some(),
            "{span:?}"
        );
    }
    for diagnostic in &diagnostics {
        let span = diagnostic.span.unwrap();
        assert!(
            span.start <= span.end && text.get(span.start as usize..span.end as usize).is_some(),
            "{diagnostic:?}"
        );
        assert!(
            !diagnostic.help.is_empty() && !diagnostic.label.is_empty() && !diagnostic.message.contains('\n')
        );
        let shown = crate::diag::render(std::slice::from_ref(diagnostic), &sources, false);
        let at = crate::diag::position(text, span.start);
        assert!(shown.contains(&format!("t.ffl:{}:{} ", at.line, at.column)), "{at:?}\n{shown}");
        assert!(shown.starts_with(&format!("[{}] Error: ", diagnostic.code)), "{shown}");
    }
    let sound = !print::module(&module).contains("ERROR");
    assert!(sound || !diagnostics.is_empty(), "an error node without a diagnostic: {text}");
    if diagnostics.is_empty() {
        check_spans(text, &module);
    }
}

/// An operator's precedence and text, loosest first.
const LEVELS: &[&[&str]] = &[
    &["||"],
    &["&&"],
    &["<", "<=", ">", ">=", "==", "!="],
    &["|"],
    &["^"],
    &["&"],
    &["<<", ">>"],
    &["+", "-"],
    &["*", "/", "%"],
];

/// The tree of `x0 op x1 op ..` by splitting at the last of the loosest operators.
fn reference(operands: &[String], operators: &[(usize, &str)]) -> String {
    let Some(loosest) = operators.iter().map(|(level, _)| *level).min() else { return operands[0].clone() };
    let at = operators.iter().rposition(|(level, _)| *level == loosest).unwrap();
    let left = reference(&operands[..=at], &operators[..at]);
    let right = reference(&operands[at + 1..], &operators[at + 1..]);
    format!("({} {left} {right})", operators[at].1)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn token_soup_never_panics(pieces in prop::collection::vec(prop::sample::select(PIECES), 0..60)) {
        check(&pieces.concat());
    }

    #[test]
    fn any_text_never_panics(text in "\\PC{0,40}") {
        check(&text);
    }

    #[test]
    fn mutated_programs_never_panic(
        which in 0..VALID.len(),
        edits in prop::collection::vec((any::<prop::sample::Index>(), 0usize..12, prop::sample::select(PIECES)), 1..6),
    ) {
        let mut text = VALID[which].to_owned();
        for (at, cut, piece) in edits {
            let bound = |index: usize, text: &str| (0..=index.min(text.len())).rev().find(|i| text.is_char_boundary(*i)).unwrap();
            let start = bound(at.index(text.len() + 1), &text);
            let end = bound(start + cut, &text).max(start);
            text.replace_range(start..end, piece);
        }
        check(&text);
    }

    #[test]
    fn precedence_is_that_of_the_reference(
        chain in prop::collection::vec((0..LEVELS.len(), any::<prop::sample::Index>(), 0..3usize), 0..12),
    ) {
        let mut compared = false;
        let mut operators = Vec::new();
        for (level, which, _) in &chain {
            // Two comparisons on one level are refused; `&&` and `||` part them.
            let level = if *level == 2 && compared { 7 } else { *level };
            compared = level == 2 || (compared && level > 2);
            operators.push((level, LEVELS[level][which.index(LEVELS[level].len())]));
        }
        let forms = ["x", "-x", "x as f16"];
        let trees = ["x", "(neg x)", "(as x f16)"];
        let kinds: Vec<usize> = std::iter::once(0).chain(chain.iter().map(|c| c.2)).collect();
        let mut text = String::new();
        for (index, kind) in kinds.iter().enumerate() {
            text.push_str(forms[*kind]);
            if let Some((_, operator)) = operators.get(index) {
                text.push_str(&format!(" {operator} "));
            }
        }
        let operands: Vec<String> = kinds.iter().map(|kind| trees[*kind].to_owned()).collect();
        let (module, diagnostics) = parse(0, &text);
        prop_assert_eq!(diagnostics, []);
        prop_assert_eq!(print::module(&module), reference(&operands, &operators));
    }
}
