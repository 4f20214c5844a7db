//! Text to tokens.
//!
//! In: the text of a file. Out: tokens with byte ranges, the exact values of its numbers, its strings, the doc
//! comments, and a diagnostic for each piece of text that is no token (an [`Token::Error`] stands in its place).

use std::collections::BTreeMap;

use logos::{Lexer, Logos};
use num_bigint::BigUint;
use num_rational::Ratio;
use num_traits::{One, Pow, Zero};

use super::ast::LiteralForm;
use super::{MAX_DIGITS, MAX_LONG_DIGITS, SHORT_NUMBER, report};
use crate::diag::Diagnostic;
use crate::source::Span;

/// A terminal of the grammar. `Number` and `Text` are indices into [`Lexed::numbers`] and [`Lexed::strings`].
#[derive(Logos, Clone, Copy, Debug, PartialEq, Eq)]
#[logos(skip r"[ \t\r\n\f\u{feff}]+")]
#[logos(extras = Found)]
#[logos(error = Bad)]
pub(super) enum Token<'t> {
    #[token("fn")]
    Fn,
    #[token("const")]
    Const,
    #[token("type")]
    Type,
    #[token("use")]
    Use,
    #[token("let")]
    Let,
    #[token("mut")]
    Mut,
    #[token("if")]
    If,
    #[token("else")]
    Else,
    #[token("for")]
    For,
    #[token("in")]
    In,
    #[token("as")]
    As,
    #[token("public")]
    Public,
    #[token("true")]
    True,
    #[token("false")]
    False,
    #[token("_", priority = 10)]
    Underscore,
    #[regex(r"[\p{XID_Start}_]\p{XID_Continue}*", priority = 3)]
    Ident(&'t str),
    #[regex(r"[0-9]", number)]
    Number(u32),
    #[token("\"", string)]
    Text(u32),
    #[token("(")]
    LParen,
    #[token(")")]
    RParen,
    #[token("[")]
    LBracket,
    #[token("]")]
    RBracket,
    #[token("{")]
    LBrace,
    #[token("}")]
    RBrace,
    #[token(",")]
    Comma,
    #[token(";")]
    Semi,
    #[token(":")]
    Colon,
    #[token("::")]
    ColonColon,
    #[token("->")]
    Arrow,
    #[token(".")]
    Dot,
    #[token("..")]
    DotDot,
    #[token("..=")]
    DotDotEq,
    #[token("#")]
    Hash,
    #[token("+")]
    Plus,
    #[token("-")]
    Minus,
    #[token("*")]
    Star,
    #[token("/")]
    Slash,
    #[token("%")]
    Percent,
    #[token("<<")]
    Shl,
    #[token(">>")]
    Shr,
    #[token("&")]
    And,
    #[token("|")]
    Or,
    #[token("^")]
    Caret,
    #[token("!")]
    Bang,
    #[token("&&")]
    AndAnd,
    #[token("||")]
    OrOr,
    #[token("<")]
    Lt,
    #[token("<=")]
    Le,
    #[token(">")]
    Gt,
    #[token(">=")]
    Ge,
    #[token("==")]
    EqEq,
    #[token("!=")]
    Ne,
    #[token("=")]
    Eq,
    #[token("+=")]
    PlusEq,
    #[token("-=")]
    MinusEq,
    #[token("*=")]
    StarEq,
    #[token("/=")]
    SlashEq,
    #[token("%=")]
    PercentEq,
    #[token("<<=")]
    ShlEq,
    #[token(">>=")]
    ShrEq,
    #[token("&=")]
    AndEq,
    #[token("|=")]
    OrEq,
    #[token("^=")]
    CaretEq,
    /// A comment of any kind; never leaves [`lex`].
    #[regex(r"//[^\n]*", allow_greedy = true)]
    Comment(&'t str),
    /// `/* .. */`, which the language does not have; never leaves [`lex`].
    #[token("/*", skip_block_comment)]
    BlockComment,
    /// The `<` that opens the arguments of a type after `as`.
    ArgsOpen,
    /// Text that was refused; its diagnostic exists already.
    Error,
}

/// A token with its byte range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Spanned<'t> {
    pub(super) token: Token<'t>,
    pub(super) start: u32,
    pub(super) end: u32,
}

/// The value of a number and how it was written.
pub(super) type Literal = (Ratio<BigUint>, LiteralForm);

/// What a text holds.
pub(super) struct Lexed<'t> {
    pub(super) tokens: Vec<Spanned<'t>>,
    pub(super) numbers: Vec<Literal>,
    pub(super) strings: Vec<String>,
    /// Doc comments by the first byte of the token that follows.
    pub(super) docs: BTreeMap<u32, String>,
    pub(super) diagnostics: Vec<Diagnostic>,
}

/// Side results of the scan.
#[derive(Default)]
pub(super) struct Found {
    numbers: Vec<Literal>,
    strings: Vec<String>,
    long_digits: usize,
}

/// Why a piece of text is no token.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) enum Bad {
    #[default]
    Character,
    Number(&'static str),
    NumberSize(&'static str, usize, usize),
    OpenString,
    Escape(char),
}

/// Splits `text` (at most `MAX_SOURCE_BYTES` long) into tokens.
pub(super) fn lex(file: u32, text: &str) -> Lexed<'_> {
    debug_assert!(text.len() <= super::MAX_SOURCE_BYTES);
    let mut lexer = Token::lexer(text);
    let mut tokens: Vec<Spanned<'_>> = Vec::new();
    let mut docs = BTreeMap::new();
    let mut doc = String::new();
    let mut diagnostics = Vec::new();
    while let Some(result) = lexer.next() {
        let start = position(lexer.span().start);
        let span = Span { file, start, end: position(lexer.span().end) };
        let token = match result {
            Ok(Token::Comment(comment)) => {
                append_doc(&mut doc, comment);
                continue;
            }
            Ok(Token::BlockComment) => {
                report(&mut diagnostics, block_comment(span));
                continue;
            }
            Ok(token) => token,
            Err(bad) => {
                if !extends_last_error(&bad, tokens.last(), &mut diagnostics, text, span) {
                    report(&mut diagnostics, explain(&bad, lexer.slice(), span));
                }
                Token::Error
            }
        };
        if !doc.is_empty() {
            docs.insert(start, std::mem::take(&mut doc));
        }
        tokens.push(Spanned { token, start: span.start, end: span.end });
    }
    let Found { numbers, strings, .. } = lexer.extras;
    Lexed { tokens, numbers, strings, docs, diagnostics }
}

fn position(byte: usize) -> u32 {
    u32::try_from(byte).expect("bounded: a source has at most MAX_SOURCE_BYTES bytes")
}

/// `/// text` is documentation; `// text` and `//// text` are not.
fn append_doc(doc: &mut String, comment: &str) {
    let Some(line) = comment.strip_prefix("///").filter(|rest| !rest.starts_with('/')) else { return };
    if !doc.is_empty() {
        doc.push('\n');
    }
    let line = line.trim_end_matches('\r');
    doc.push_str(line.strip_prefix(' ').unwrap_or(line));
}

/// A run of unknown characters is one error.
fn extends_last_error(
    bad: &Bad,
    last: Option<&Spanned<'_>>,
    diagnostics: &mut [Diagnostic],
    text: &str,
    span: Span,
) -> bool {
    let adjoins = last.is_some_and(|last| last.token == Token::Error && last.end == span.start);
    let Some(Diagnostic { code: "E0001", span: Some(before), label, message, help, .. }) =
        diagnostics.last_mut().filter(|_| adjoins && *bad == Bad::Character)
    else {
        return false;
    };
    before.end = span.end;
    let run = &text[before.start as usize..before.end as usize];
    *message = format!("unknown characters `{}`", printable(run));
    *label = "no part of the language".to_owned();
    *help = "remove them".to_owned();
    true
}

fn printable(text: &str) -> String {
    let short: String = text.chars().take(20).flat_map(char::escape_debug).collect();
    if text.chars().count() > 20 { short + ".." } else { short }
}

fn block_comment(span: Span) -> Diagnostic {
    let start = Span { end: span.start + 2, ..span };
    Diagnostic::error("E0005", start, "block comments are not part of the language")
        .label("a `/*` comment starts here")
        .help("write `//` at the start of each line instead")
}

fn explain(bad: &Bad, slice: &str, span: Span) -> Diagnostic {
    match bad {
        Bad::Character => {
            Diagnostic::error("E0001", span, format!("unknown character `{}`", printable(slice)))
                .label("no part of the language")
                .help(lookalike(slice))
        }
        Bad::Number(expected) => {
            Diagnostic::error("E0003", span, format!("`{}` is not a number", printable(slice)))
                .label(format!("expected {expected}"))
                .help("write for example `17`, `1_000`, `0x1f`, `0b101`, `1.5`, `2e-3` or `0x1.8p3`; a type follows as in `1.5 as f16`")
        }
        Bad::NumberSize(what, found, limit) => {
            Diagnostic::error("E0004", span, format!("this number has {what} of {found}, but the limit is {limit}"))
                .label(format!("at most {limit} here"))
                .help("write a shorter number: no format needs more digits than this")
        }
        Bad::OpenString => Diagnostic::error("E0002", span, "this string does not end on its line")
            .label("starts here and has no closing `\"`")
            .help("close it with `\"`"),
        Bad::Escape(escape) => {
            Diagnostic::error("E0002", span, format!("this string holds the unknown escape `\\{}`", escape.escape_debug()))
                .label("only `\\\\` and `\\\"` are escapes")
                .help("write `\\\\` for a backslash; paths are written with `/` on every system")
        }
    }
}

/// What was meant by a character that word processors and other languages bring.
fn lookalike(slice: &str) -> String {
    let meant = match slice.chars().next() {
        Some('×' | '·' | '∙' | '⋅') => "*",
        Some('÷' | '∕' | '⁄') => "/",
        Some('−' | '–' | '—' | '‐') => "-",
        Some('≤') => "<=",
        Some('≥') => ">=",
        Some('≠') => "!=",
        Some('“' | '”' | '„' | '«' | '»') => "\"",
        Some('→') => "->",
        Some('…') => "..",
        Some('∧') => "&&",
        Some('∨') => "||",
        Some('¬' | '~') => "!",
        _ => return "remove it".to_owned(),
    };
    format!("write `{meant}`")
}

/// The rest of a block comment after its start.
fn skip_block_comment<'t>(lexer: &mut Lexer<'t, Token<'t>>) {
    let rest = lexer.remainder();
    lexer.bump(rest.find("*/").map_or(rest.len(), |at| at + 2));
}

/// The rest of a string after its opening quote.
fn string<'t>(lexer: &mut Lexer<'t, Token<'t>>) -> Result<u32, Bad> {
    let rest = lexer.remainder();
    let mut value = String::new();
    let mut unknown = None;
    let mut characters = rest.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => {
                lexer.bump(at + 1);
                return unknown
                    .map_or_else(|| Ok(keep(&mut lexer.extras.strings, value)), |e| Err(Bad::Escape(e)));
            }
            '\n' => {
                lexer.bump(at);
                return Err(Bad::OpenString);
            }
            '\\' => match characters.clone().next() {
                Some((_, escaped @ ('"' | '\\'))) => {
                    value.push(escaped);
                    characters.next();
                }
                Some((_, other)) => {
                    unknown.get_or_insert(other);
                }
                None => {}
            },
            other => value.push(other),
        }
    }
    lexer.bump(rest.len());
    Err(Bad::OpenString)
}

fn keep<T>(all: &mut Vec<T>, value: T) -> u32 {
    all.push(value);
    position(all.len() - 1)
}

/// A whole number literal, of which the first digit is read.
fn number<'t>(lexer: &mut Lexer<'t, Token<'t>>) -> Result<u32, Bad> {
    let source = lexer.source();
    let text = &source[lexer.span().start..];
    let written = Written::scan(text);
    let junk = text[written.length..].find(|c: char| !(c == '_' || c.is_alphanumeric()));
    let length = junk.map_or(text.len(), |at| written.length + at);
    lexer.bump(length - 1);
    if let Some(expected) = written.missing {
        return Err(Bad::Number(expected));
    }
    if length > written.length {
        return Err(Bad::Number("the number to end here"));
    }
    let value = written.value(&mut lexer.extras.long_digits)?;
    Ok(keep(&mut lexer.extras.numbers, (value, written.form)))
}

/// A number literal taken apart: `digits * base ^ -fraction * scale ^ exponent`.
struct Written {
    radix: u32,
    form: LiteralForm,
    /// Digits without `_` and point.
    digits: String,
    /// How many of them stand behind the point.
    fraction: usize,
    /// The exponent's digits, without leading zeros.
    exponent: String,
    exponent_negative: bool,
    /// Bytes of text read.
    length: usize,
    /// What had to follow and did not.
    missing: Option<&'static str>,
}

impl Written {
    fn scan(text: &str) -> Written {
        let (radix, prefix) = match text.as_bytes().get(..2) {
            Some(b"0x" | b"0X") => (16, 2),
            Some(b"0b" | b"0B") => (2, 2),
            Some(b"0o" | b"0O") => (8, 2),
            _ => (10, 0),
        };
        let mut number = Written {
            radix,
            form: LiteralForm::Integer,
            digits: String::new(),
            fraction: 0,
            exponent: String::new(),
            exponent_negative: false,
            length: prefix,
            missing: None,
        };
        number.length += digits(&text[prefix..], radix, &mut number.digits);
        if number.digits.is_empty() {
            number.missing = Some("digits after the prefix");
            return number;
        }
        if radix == 10 || radix == 16 {
            number.scan_fraction(text);
            number.scan_exponent(text);
        }
        number
    }

    /// `.` and digits; `1..2` is a range, `1.` is a number, `0x1.` is not.
    fn scan_fraction(&mut self, text: &str) {
        let Some(rest) = text[self.length..].strip_prefix('.') else { return };
        let mut characters = rest.chars();
        let digit = |c: char| c.is_digit(self.radix);
        match characters.next() {
            Some(next) if digit(next) => {
                let before = self.digits.len();
                self.length += 1 + digits(rest, self.radix, &mut self.digits);
                self.fraction = self.digits.len() - before;
            }
            Some(next) if next == '.' || next == '_' || next.is_alphabetic() => return,
            _ => self.length += 1,
        }
        self.form = if self.radix == 10 { LiteralForm::Decimal } else { LiteralForm::HexFloat };
    }

    /// `e-3` or `p3`; a hexadecimal fraction must have one.
    fn scan_exponent(&mut self, text: &str) {
        let mark = if self.radix == 10 { ['e', 'E'] } else { ['p', 'P'] };
        let Some(rest) = text[self.length..].strip_prefix(mark) else {
            if self.form == LiteralForm::HexFloat {
                self.missing = Some("a binary exponent such as `p3` after a hexadecimal fraction");
            }
            return;
        };
        self.form = if self.radix == 10 { LiteralForm::Decimal } else { LiteralForm::HexFloat };
        let sign = rest.strip_prefix(['+', '-']).map_or(0, |_| 1);
        self.exponent_negative = rest.starts_with('-');
        let read = digits(&rest[sign..], 10, &mut self.exponent);
        self.length += 1 + sign + read;
        if self.exponent.is_empty() {
            self.missing = Some("digits of the exponent");
        }
        self.exponent = self.exponent.trim_start_matches('0').to_owned();
    }

    /// The exact value; `long_digits` counts what long numbers of the file have used.
    fn value(&self, long_digits: &mut usize) -> Result<Ratio<BigUint>, Bad> {
        let exponent: usize =
            if self.exponent.is_empty() { 0 } else { self.exponent.parse().unwrap_or(usize::MAX) };
        let bits_per_digit = if self.form == LiteralForm::HexFloat { 4 } else { 1 };
        let exponent_limit = MAX_DIGITS * bits_per_digit;
        if self.digits.len() > MAX_DIGITS {
            return Err(Bad::NumberSize("a digit count", self.digits.len(), MAX_DIGITS));
        }
        if exponent > exponent_limit {
            return Err(Bad::NumberSize("an exponent", exponent, exponent_limit));
        }
        let size = self.digits.len() + exponent / bits_per_digit;
        if size > SHORT_NUMBER {
            *long_digits += size;
            if *long_digits > MAX_LONG_DIGITS {
                let what = "with the long numbers before it a digit count";
                return Err(Bad::NumberSize(what, *long_digits, MAX_LONG_DIGITS));
            }
        }
        let digits = BigUint::parse_bytes(self.digits.as_bytes(), self.radix).expect("only digits were kept");
        if digits.is_zero() {
            return Ok(Ratio::zero());
        }
        let point = Pow::pow(BigUint::from(self.radix), self.fraction);
        let base: u32 = if self.radix == 10 { 10 } else { 2 };
        let scale = if exponent == 0 { BigUint::one() } else { Pow::pow(BigUint::from(base), exponent) };
        Ok(if self.exponent_negative {
            Ratio::new(digits, point * scale)
        } else {
            Ratio::new(digits * scale, point)
        })
    }
}

/// Reads digits and `_` (not first), keeps the digits, returns the bytes read.
fn digits(text: &str, radix: u32, kept: &mut String) -> usize {
    let mut read = 0;
    for character in text.chars() {
        if character.is_digit(radix) {
            kept.push(character);
        } else if character != '_' || (kept.is_empty() && radix == 10) {
            break;
        }
        read += character.len_utf8();
    }
    read
}
