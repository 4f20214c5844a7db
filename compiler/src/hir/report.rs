//! Collects diagnostics: each place is reported once per code, however often a loop or an instance comes by.

use std::collections::HashSet;

use crate::diag::{Diagnostic, Severity};
use crate::source::Span;

/// Most diagnostics of one program; a flood helps nobody.
const MAX_REPORTS: usize = 200;

/// Diagnostics in the order they were found.
#[derive(Default)]
pub(crate) struct Reports {
    list: Vec<Diagnostic>,
    seen: HashSet<(&'static str, Option<Span>, String)>,
    overflow: Option<Diagnostic>,
}

impl Reports {
    /// Reports an error at a place; the result takes related places.
    pub(crate) fn error(
        &mut self,
        code: &'static str,
        span: Span,
        message: impl Into<String>,
        label: impl Into<String>,
        help: impl Into<String>,
    ) -> &mut Diagnostic {
        self.push(Severity::Error, code, Some(span), message.into(), label.into(), help.into())
    }

    /// Reports an error that no place in the program is at fault for.
    pub(crate) fn error_without_place(&mut self, code: &'static str, message: String, help: String) {
        self.push(Severity::Error, code, None, message, String::new(), help);
    }

    /// Reports a warning.
    pub(crate) fn warning(
        &mut self,
        code: &'static str,
        span: Span,
        message: impl Into<String>,
        label: impl Into<String>,
        help: impl Into<String>,
    ) -> &mut Diagnostic {
        self.push(Severity::Warning, code, Some(span), message.into(), label.into(), help.into())
    }

    fn push(
        &mut self,
        severity: Severity,
        code: &'static str,
        span: Option<Span>,
        message: String,
        label: String,
        help: String,
    ) -> &mut Diagnostic {
        let key = (code, span, if span.is_some() { String::new() } else { message.clone() });
        let new = self.seen.insert(key) && self.list.len() < MAX_REPORTS;
        let diagnostic = Diagnostic { severity, code, span, message, label, related: Vec::new(), help };
        if new {
            self.list.push(diagnostic);
            return self.list.last_mut().expect("just pushed");
        }
        // A repetition: the caller may still add related places to it, and nobody will see them.
        self.overflow.insert(diagnostic)
    }

    /// Whether the program is refused.
    pub(crate) fn has_errors(&self) -> bool {
        self.list.iter().any(|diagnostic| diagnostic.severity == Severity::Error)
    }

    /// Everything, in order of place.
    pub(crate) fn into_list(self) -> Vec<Diagnostic> {
        let mut list = self.list;
        list.sort_by_key(|diagnostic| (diagnostic.span.is_none(), diagnostic.span));
        list
    }
}

/// "did you mean .." for a misspelt name.
pub(crate) fn similar(name: &str, known: &[&str]) -> Option<String> {
    let limit = (name.chars().count() / 3).clamp(1, 3);
    let mut best: Option<(usize, &str)> = None;
    for candidate in known {
        let distance = edit_distance(name, candidate);
        if distance <= limit && best.is_none_or(|(least, _)| distance < least) {
            best = Some((distance, candidate));
        }
    }
    best.map(|(_, candidate)| format!("did you mean `{candidate}`?"))
}

/// Damerau-Levenshtein distance in the "optimal string alignment" form; long names are far from everything.
fn edit_distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) =
        (a.to_lowercase().chars().collect(), b.to_lowercase().chars().collect());
    if a.len() > 64 || b.len() > 64 {
        return usize::MAX;
    }
    let mut rows: Vec<Vec<usize>> = vec![(0..=b.len()).collect()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let change = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut least = change.min(rows[i - 1][j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                least = least.min(rows[i - 2][j - 2] + 1);
            }
            row.push(least);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}
