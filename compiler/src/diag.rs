//! Diagnostics as values: what is wrong, where, and the one thing to do about it.
//!
//! In: findings of every stage. Out: text for people ([`render`]) and JSON for tools ([`to_json`]), sorted by file and
//! position. Every code that occurs stands in [`CODES`]. Lines and columns count from 1, columns in characters.

use std::fmt::Write as _;
use std::ops::Range;

use ariadne::{Cache, Color, Config, Fmt, IndexType, Label, Report, ReportKind};
use serde_json::{Value, json};

use crate::source::{Sources, Span};

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

/// Every code with its title, in order. E00xx: syntax; E01xx: names; E02xx: types; E03xx: constants and limits;
/// E04xx: public values; E05xx: imported programs; W0xxx: warnings.
pub const CODES: &[(&str, &str)] = &[
    ("E0001", "unknown character"),
    ("E0002", "malformed string"),
    ("E0003", "malformed number"),
    ("E0004", "number beyond its size limit"),
    ("E0005", "block comment"),
    ("E0006", "unexpected token"),
    ("E0007", "unbalanced bracket"),
    ("E0008", "empty program"),
    ("E0009", "nesting beyond its limit"),
    ("E0010", "chained comparison"),
    ("E0011", "assignment to something that is no variable"),
    ("E0012", "file beyond its size limit"),
    ("E0100", "no `main`"),
    ("E0101", "unknown name"),
    ("E0102", "unknown function"),
    ("E0103", "unknown type or bound"),
    ("E0104", "name declared twice"),
    ("E0105", "recursion"),
    ("E0106", "used file that cannot be read"),
    ("E0107", "unknown library module"),
    ("E0108", "generic `main`"),
    ("E0110", "assignment to something that cannot be assigned"),
    ("E0111", "attribute that does not apply"),
    ("E0200", "mismatched types"),
    ("E0201", "operand of a type that the operation does not take"),
    ("E0202", "wrong number of arguments"),
    ("E0203", "`if` without `else` as a value"),
    ("E0205", "generic argument that cannot be inferred"),
    ("E0206", "wrong type argument or width"),
    ("E0207", "number that does not fit its type"),
    ("E0208", "indexing of something that is no array"),
    ("E0209", "encrypted value where a compile-time one is needed"),
    ("E0210", "conversion that does not exist"),
    ("E0211", "compile-time number where a value is needed"),
    ("E0212", "pattern that does not match the value"),
    ("E0213", "width or length that is not a constant"),
    ("E0214", "parameter or result of `main` that cannot be encrypted"),
    ("E0300", "too many iterations"),
    ("E0301", "too many array elements"),
    ("E0302", "too many operations"),
    ("E0303", "too many gates"),
    ("E0304", "calls or expressions nested too deeply"),
    ("E0305", "too many function instances"),
    ("E0306", "too many steps of unrolling"),
    ("E0307", "compile-time number too large"),
    ("E0310", "index out of range"),
    ("E0311", "compile-time division by zero"),
    ("E0312", "compile-time number that depends on an encrypted condition"),
    ("E0313", "empty range"),
    ("E0314", "number that must be whole, or not negative"),
    ("E0315", "range bound that is not a constant"),
    ("E0316", "encrypted value for a public parameter"),
    ("E0317", "requirement that is never met"),
    ("E0398", "no memory for the compiler"),
    ("E0399", "defect of the compiler"),
    ("E0401", "public parameter without a value"),
    ("E0402", "value for something that is no public parameter"),
    ("E0403", "public value of the wrong shape"),
    ("E0404", "public value that its type cannot hold"),
    ("E0405", "public value outside its range"),
    ("E0406", "`--float` that is not a float type"),
    ("E0407", "result with the name of a column of the status word"),
    ("E0500", "S-expression that is not closed"),
    ("E0501", "malformed FPCore program"),
    ("E0502", "FPCore construct without a counterpart"),
    ("E0503", "name that the FPCore program does not bind"),
    ("E0504", "number where FPCore needs a truth value, or the other way round"),
    ("W0001", "unused input"),
    ("W0002", "comparison that ranges decide"),
    ("W0003", "inexact literal"),
];

/// The title of a code.
pub fn title(code: &str) -> Option<&'static str> {
    CODES.iter().find(|(known, _)| *known == code).map(|(_, title)| *title)
}

impl Diagnostic {
    /// An error at a place.
    pub fn error(code: &'static str, span: Span, message: impl Into<String>) -> Diagnostic {
        Diagnostic::new(Severity::Error, code, Some(span), message)
    }

    /// A warning at a place.
    pub fn warning(code: &'static str, span: Span, message: impl Into<String>) -> Diagnostic {
        Diagnostic::new(Severity::Warning, code, Some(span), message)
    }

    /// A diagnostic of any kind, with or without a place.
    pub fn new(
        severity: Severity,
        code: &'static str,
        span: Option<Span>,
        message: impl Into<String>,
    ) -> Diagnostic {
        debug_assert!(title(code).is_some(), "{code} is not registered in CODES");
        let (label, help) = (String::new(), String::new());
        Diagnostic { severity, code, message: message.into(), span, label, related: Vec::new(), help }
    }

    /// Sets what stands under the span.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Diagnostic {
        self.label = label.into();
        self
    }

    /// Adds a further place.
    #[must_use]
    pub fn related(mut self, span: Span, label: impl Into<String>) -> Diagnostic {
        self.related.push((span, label.into()));
        self
    }

    /// Sets the thing to do.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Diagnostic {
        self.help = help.into();
        self
    }
}

/// A place in numbers that people use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
}

/// The line and column of a byte of a text; a byte inside a character counts as that character.
pub fn position(text: &str, byte: u32) -> Position {
    let mut end = (byte as usize).min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let before = &text[..end];
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    Position {
        line: before.bytes().filter(|b| *b == b'\n').count() + 1,
        column: before[line_start..].chars().count() + 1,
    }
}

/// All diagnostics for a terminal or a log, each with its source lines.
///
/// A diagnostic starts with its code, severity and message; `path:LINE:COLUMN` of its span stands on the next line.
pub fn render(diagnostics: &[Diagnostic], sources: &Sources, color: bool) -> String {
    let mut texts = Texts::of(sources);
    let mut out = String::new();
    for diagnostic in sorted(diagnostics) {
        match diagnostic.span.and_then(|span| texts.place(span)) {
            Some(place) => out.push_str(&with_source(diagnostic, &place, &mut texts, color)),
            None => out.push_str(&without_source(diagnostic, color)),
        }
    }
    out
}

/// All diagnostics as a JSON array.
pub fn to_json(diagnostics: &[Diagnostic], sources: &Sources) -> Value {
    sorted(diagnostics).into_iter().map(|diagnostic| one_to_json(diagnostic, sources)).collect()
}

fn sorted(diagnostics: &[Diagnostic]) -> Vec<&Diagnostic> {
    let mut sorted: Vec<&Diagnostic> = diagnostics.iter().collect();
    sorted.sort_by_key(|d| d.span.map_or((u32::MAX, 0, 0), |s| (s.file, s.start, s.end)));
    sorted
}

fn one_to_json(diagnostic: &Diagnostic, sources: &Sources) -> Value {
    let related: Vec<Value> = diagnostic
        .related
        .iter()
        .map(|(span, label)| json!({ "label": label, "place": place_to_json(*span, sources) }))
        .collect();
    json!({
        "severity": match diagnostic.severity { Severity::Error => "error", Severity::Warning => "warning" },
        "code": diagnostic.code,
        "message": diagnostic.message,
        "place": diagnostic.span.map(|span| place_to_json(span, sources)),
        "label": diagnostic.label,
        "related": related,
        "help": diagnostic.help,
    })
}

fn place_to_json(span: Span, sources: &Sources) -> Value {
    let Some(file) = sources.files.get(span.file as usize) else { return Value::Null };
    let (start, end) = (position(&file.text, span.start), position(&file.text, span.end));
    json!({
        "path": file.path,
        "line": start.line,
        "column": start.column,
        "end_line": end.line,
        "end_column": end.column,
        "start_byte": span.start,
        "end_byte": span.end,
    })
}

/// A file and a range of its characters.
type Place = (usize, Range<usize>);

/// The texts in the form that the renderer wants: one line break per line, nothing a terminal would act upon.
struct Texts<'s> {
    sources: &'s Sources,
    rendered: Vec<Option<ariadne::Source<String>>>,
}

impl<'s> Texts<'s> {
    fn of(sources: &'s Sources) -> Self {
        Texts { sources, rendered: sources.files.iter().map(|_| None).collect() }
    }

    /// The characters of a span; an empty span is shown as the character it stands before.
    fn place(&self, span: Span) -> Option<Place> {
        let index = span.file as usize;
        let text = &self.sources.files.get(index)?.text;
        let boundary =
            |byte: u32| (0..=(byte as usize).min(text.len())).rev().find(|b| text.is_char_boundary(*b));
        let start = text[..boundary(span.start)?].chars().count();
        let end = text[..boundary(span.end)?].chars().count();
        Some((index, start..end.max(start)))
    }
}

impl Cache<usize> for &mut Texts<'_> {
    type Storage = String;

    fn fetch(&mut self, id: &usize) -> Result<&ariadne::Source<String>, impl std::fmt::Debug> {
        let file = self.sources.files.get(*id).ok_or("no such file")?;
        let slot = self.rendered.get_mut(*id).ok_or("no such file")?;
        Ok::<_, &str>(slot.get_or_insert_with(|| ariadne::Source::from(harmless(&file.text))))
    }

    fn display<'a>(&self, id: &'a usize) -> Option<impl std::fmt::Display + 'a> {
        self.sources.files.get(*id).map(|file| harmless(&file.path))
    }
}

/// The text with as many characters, of which only `\n` ends a line and none controls a terminal.
fn harmless(text: &str) -> String {
    text.chars()
        .map(|character| match character {
            '\n' | '\t' => character,
            '\r' | '\u{2028}' | '\u{2029}' => ' ',
            control if control.is_control() => '\u{fffd}',
            plain => plain,
        })
        .collect()
}

fn with_source(diagnostic: &Diagnostic, place: &Place, texts: &mut Texts<'_>, color: bool) -> String {
    let (kind, paint) = match diagnostic.severity {
        Severity::Error => (ReportKind::Error, Color::Red),
        Severity::Warning => (ReportKind::Warning, Color::Yellow),
    };
    let config = Config::default().with_color(color).with_index_type(IndexType::Char).with_tab_width(4);
    let mut report = Report::build(kind, place.clone())
        .with_config(config)
        .with_code(diagnostic.code)
        .with_message(harmless(&diagnostic.message));
    let primary = Label::new(place.clone()).with_message(harmless(&diagnostic.label));
    let mut labels = vec![(place.clone(), primary.with_color(paint).with_priority(1))];
    for (span, label) in &diagnostic.related {
        if let Some(place) = texts.place(*span) {
            let label = Label::new(place.clone()).with_message(harmless(label)).with_color(Color::Blue);
            labels.push((place, label));
        }
    }
    // The renderer opens a new section for a label above the one before it.
    labels.sort_by_key(|((file, characters), _)| (*file != place.0, *file, characters.end, characters.start));
    report.add_labels(labels.into_iter().map(|(_, label)| label));
    if !diagnostic.help.is_empty() {
        report = report.with_help(harmless(&diagnostic.help));
    }
    let mut bytes = Vec::new();
    match report.finish().write(texts, &mut bytes) {
        Ok(()) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(_) => without_source(diagnostic, color),
    }
}

/// The form for a diagnostic that has no place in the sources.
fn without_source(diagnostic: &Diagnostic, color: bool) -> String {
    let (word, paint) = match diagnostic.severity {
        Severity::Error => ("Error", Color::Red),
        Severity::Warning => ("Warning", Color::Yellow),
    };
    let head = format!("[{}] {word}:", diagnostic.code);
    let mut out = String::new();
    let written = if color {
        writeln!(out, "{} {}", head.fg(paint), harmless(&diagnostic.message))
    } else {
        writeln!(out, "{head} {}", harmless(&diagnostic.message))
    };
    written.expect("writing to a string does not fail");
    for (name, text) in [("", &diagnostic.label), ("Help: ", &diagnostic.help)] {
        if !text.is_empty() {
            writeln!(out, "  {name}{}", harmless(text)).expect("writing to a string does not fail");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sources() -> Sources {
        let mut sources = Sources::default();
        sources.add("a.ffl", "let é = ü + x;\n\ty\r\nlast é");
        sources.add("b\u{1b}.ffl", "one\u{2028}two\u{b} three\n");
        sources
    }

    fn span(file: u32, text: &str) -> Span {
        let at = sources().files[file as usize].text.find(text).expect("the text is there");
        let byte = |at: usize| u32::try_from(at).expect("short");
        Span { file, start: byte(at), end: byte(at + text.len()) }
    }

    fn unexpected(span: Span) -> Diagnostic {
        Diagnostic::error("E0006", span, "message").label("label").help("help")
    }

    #[test]
    fn columns_count_characters() {
        for (text, place) in
            [("é = ü", "a.ffl:1:5"), ("ü", "a.ffl:1:9"), ("x;", "a.ffl:1:13"), ("y", "a.ffl:2:2")]
        {
            let shown = render(&[unexpected(span(0, text))], &sources(), false);
            assert!(shown.contains(&format!("[ {place} ]")), "{shown}");
        }
        let text = &sources().files[0].text;
        assert_eq!(position(text, span(0, "y").start), Position { line: 2, column: 2 });
        assert_eq!(position(text, u32::MAX), Position { line: 3, column: 7 });
    }

    #[test]
    fn only_line_feeds_end_lines_and_controls_are_not_printed() {
        let shown = render(&[unexpected(span(1, "three"))], &sources(), false);
        assert!(shown.contains("b\u{fffd}.ffl:1:10 "), "{shown}");
        assert!(!shown.contains('\u{1b}'));
    }

    #[test]
    fn rendering_shows_every_part_in_order_of_place() {
        let several = [
            Diagnostic::new(Severity::Error, "E0008", None, "no place").label("label").help("do it"),
            unexpected(span(1, "two"))
                .related(span(0, "last"), "elsewhere")
                .related(span(1, "one"), "before"),
            Diagnostic::warning("E0007", span(0, "last é"), "later")
                .label("here")
                .related(span(0, "ü"), "above"),
            unexpected(span(0, "x;")),
        ];
        insta::assert_snapshot!(render(&several, &sources(), false));
        let colored = render(&several, &sources(), true);
        assert!(colored.contains("\u{1b}["));
    }

    #[test]
    fn json_has_every_part() {
        let one = [unexpected(span(0, "ü")).related(span(1, "two"), "there")];
        insta::assert_snapshot!(
            serde_json::to_string_pretty(&to_json(&one, &sources())).expect("it is JSON")
        );
    }

    #[test]
    fn spans_beyond_the_text_are_shown_all_the_same() {
        for (start, end) in [(5, 6), (6, 5), (1000, 2000), (20, 1000)] {
            let far =
                unexpected(Span { file: 0, start, end }).related(Span { file: 9, start, end }, "nowhere");
            assert!(render(std::slice::from_ref(&far), &sources(), false).contains("E0006"));
            assert_eq!(to_json(&[far], &sources())[0]["code"], "E0006");
        }
        let nowhere = unexpected(Span { file: 9, start: 0, end: 1 });
        assert_eq!(render(&[nowhere], &sources(), false), "[E0006] Error: message\n  label\n  Help: help\n");
    }
}
