//! Collects diagnostics: each place is reported once per code, however often a loop or an instance comes by.

use std::collections::HashSet;

use crate::diag::{Diagnostic, Severity};
use crate::source::Span;

/// Most errors of one program, and most warnings; a flood helps nobody.
const MAX_REPORTS: usize = 100;
/// How many errors come with a search for similar names.
const MAX_SUGGESTIONS: usize = 50;

/// Diagnostics in the order they were found.
#[derive(Default)]
pub(crate) struct Reports {
    list: Vec<Diagnostic>,
    seen: HashSet<(&'static str, Option<Span>, String)>,
    overflow: Option<Diagnostic>,
    errors: usize,
    warnings: usize,
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
        let new = self.seen.insert(key);
        let count = if severity == Severity::Error { &mut self.errors } else { &mut self.warnings };
        *count += usize::from(new);
        let shown = new && *count <= MAX_REPORTS;
        let diagnostic = Diagnostic { severity, code, span, message, label, related: Vec::new(), help };
        if shown {
            self.list.push(diagnostic);
            return self.list.last_mut().expect("just pushed");
        }
        // Not shown: the caller may still add related places to it, and nobody will see them.
        self.overflow.insert(diagnostic)
    }

    /// Whether the program is refused.
    pub(crate) fn has_errors(&self) -> bool {
        self.errors > 0
    }

    /// Whether a search for similar names is worth its time.
    pub(crate) fn suggests(&self) -> bool {
        self.errors < MAX_SUGGESTIONS
    }

    /// Everything, in order of place.
    pub(crate) fn into_list(self) -> Vec<Diagnostic> {
        let mut list = self.list;
        list.sort_by_key(|diagnostic| (diagnostic.span.is_none(), diagnostic.span));
        if self.errors > MAX_REPORTS
            && let Some(last) = list.iter_mut().rfind(|diagnostic| diagnostic.severity == Severity::Error)
        {
            last.help = format!("{}; {} further errors are not shown", last.help, self.errors - MAX_REPORTS);
        }
        list
    }
}

/// "did you mean .." for a misspelt name.
pub(crate) fn similar(name: &str, known: &[&str]) -> Option<String> {
    let length = name.chars().count();
    // In a name of one or two letters every change makes another name.
    let limit = if length < 3 { 0 } else { (length / 3).min(3) };
    let mut best: Option<(usize, &str)> = None;
    for candidate in known.iter().filter(|candidate| candidate.len().abs_diff(name.len()) <= 4 * limit) {
        let distance = edit_distance(name, candidate);
        if length > 1 && distance <= limit && best.is_none_or(|(least, _)| distance < least) {
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
