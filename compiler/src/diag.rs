//! Diagnostics as values: what is wrong, where, and the one thing to do about it.

use crate::source::Span;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The program means something, perhaps not what was meant.
    Warning,
    /// The program is refused.
    Error,
}

/// One finding about a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Warning or error.
    pub severity: Severity,
    /// A stable code such as `E0012`.
    pub code: &'static str,
    /// The finding, in one line.
    pub message: String,
    /// The offending expression; `None` when no place in the program is at fault (a missing `--public` value).
    pub span: Option<Span>,
    /// What stands under the underlined span: what was found and what was expected.
    pub label: String,
    /// Further places with their labels ("declared here").
    pub related: Vec<(Span, String)>,
    /// One thing to do.
    pub help: String,
}
