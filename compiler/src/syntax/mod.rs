//! Text to syntax tree: every syntax error of a file is found in one go, and a tree is returned all the same.
//!
//! In: the text of one file. Out: a [`Module`] and diagnostics, in the order of the text.
//! The way: `token` makes tokens, `brackets` pairs the brackets, `repair` runs the generated LR(1) parser of
//! `grammar.lalrpop` on each item and mends what it refuses, `tree` builds the nodes.
//! Invariants: spans lie within the file; no node is deeper than [`MAX_DEPTH`]; nothing here recurses on the input.

pub mod ast;
#[allow(clippy::wildcard_enum_match_arm, reason = "sets of a few out of seventy tokens")]
mod brackets;
#[allow(clippy::wildcard_enum_match_arm, reason = "sets of a few out of seventy tokens")]
mod expected;
#[allow(clippy::wildcard_enum_match_arm, reason = "sets of a few out of seventy tokens")]
mod repair;
mod token;
mod tree;

#[cfg(test)]
mod tests;

use lalrpop_util::lalrpop_mod;

use crate::diag::Diagnostic;
use crate::source::Span;
use ast::Module;

lalrpop_mod!(
    #[allow(
        clippy::all,
        clippy::allow_attributes_without_reason,
        clippy::unwrap_used,
        clippy::wildcard_enum_match_arm,
        missing_docs,
        unreachable_pub,
        unused,
        private_interfaces,
        reason = "generated code"
    )]
    grammar,
    "/syntax/grammar.rs"
);

/// Longest source file, in bytes.
pub const MAX_SOURCE_BYTES: usize = 2 << 20;
/// Deepest nesting of brackets.
pub const MAX_BRACKETS: usize = 200;
/// Deepest syntax tree: a chain of this many operators, or blocks within blocks, or both.
pub const MAX_DEPTH: u32 = 500;
/// Most digits in one number, and the largest decimal exponent of one.
pub const MAX_DIGITS: usize = 10_000;
/// Most digits in all numbers of a file that are longer than [`SHORT_NUMBER`] digits.
pub const MAX_LONG_DIGITS: usize = 1_000_000;
/// Digits and exponent that cost nothing worth counting.
pub const SHORT_NUMBER: usize = 64;
/// Most syntax errors reported for one file.
pub const MAX_ERRORS: usize = 100;

/// Parses one file, reporting all its syntax errors. Where text did not parse, the tree holds `Error` nodes
/// (an unreadable parameter is named `_` and has the type `Error`).
pub fn parse(file: u32, text: &str) -> (Module, Vec<Diagnostic>) {
    if text.len() > MAX_SOURCE_BYTES {
        return repair::too_long(file, text.len());
    }
    let lexed = token::lex(file, text);
    let mut diagnostics = lexed.diagnostics;
    let paired = brackets::pair(file, text, lexed.tokens, &mut diagnostics);
    let source =
        repair::Source { file, text, numbers: &lexed.numbers, strings: &lexed.strings, docs: &lexed.docs };
    let module = repair::module(&source, paired, &mut diagnostics);
    diagnostics.sort_by_key(|d| d.span.map(|s: Span| (s.start, s.end)));
    diagnostics.dedup();
    if diagnostics.len() > MAX_ERRORS {
        diagnostics.truncate(MAX_ERRORS);
        let last = diagnostics.last_mut().expect("MAX_ERRORS is not zero");
        last.help = format!("{}; further syntax errors are not shown", last.help);
    }
    (module, diagnostics)
}

/// What to write instead of a word that means something in other languages, and is a plain name here.
pub(crate) fn foreign_word(word: &str) -> Option<&'static str> {
    expected::foreign_word(word)
}

/// Keeps a finding; one more than [`MAX_ERRORS`] shows that there are more.
fn report(diagnostics: &mut Vec<Diagnostic>, diagnostic: Diagnostic) {
    if diagnostics.len() <= MAX_ERRORS {
        diagnostics.push(diagnostic);
    }
}
