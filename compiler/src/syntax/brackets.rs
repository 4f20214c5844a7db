//! Pairs the brackets before parsing, so that every later step can rely on them.
//!
//! In: the tokens of a file. Out: tokens in which every bracket has its partner and no nesting exceeds
//! [`MAX_BRACKETS`], with a diagnostic for each change: a closing bracket without an opener is dropped, a missing one
//! is added (with an empty span) where its opener's statement, bracket or item ends.
//!
//! The first pass decides which openers have no partner; the second writes the tokens and ends an unclosed `(` or `[`
//! at its statement's `;` rather than far behind it.

use super::token::{Spanned, Token};
use super::{MAX_BRACKETS, report};
use crate::diag::Diagnostic;
use crate::source::Span;

/// Tokens with paired brackets.
pub(super) struct Paired<'t> {
    pub(super) tokens: Vec<Spanned<'t>>,
    /// Byte ranges of brackets that were closed by guess: what does not parse in them says nothing.
    pub(super) guessed: Vec<(u32, u32)>,
}

/// A bracket that is open at some token.
#[derive(Clone, Copy)]
struct Open<'t> {
    token: Token<'t>,
    index: usize,
    /// A closing bracket of another kind was found in it, and reported.
    misfit: bool,
}

/// Pairs all brackets of a file.
pub(super) fn pair<'t>(
    file: u32,
    text: &str,
    tokens: Vec<Spanned<'t>>,
    diagnostics: &mut Vec<Diagnostic>,
) -> Paired<'t> {
    let tokens = cut_deep(file, tokens, diagnostics);
    let plan = Plan::of(file, text, &tokens, diagnostics);
    let mut paired = write(&tokens, &plan);
    mark_type_arguments(&mut paired.tokens);
    paired
}

/// Whether an item starts at `index`: only there can those keywords stand, except `const` in `<const N: int>`.
pub(super) fn starts_item(tokens: &[Spanned<'_>], index: usize) -> bool {
    match tokens[index].token {
        Token::Fn | Token::Type | Token::Use => true,
        Token::Const => {
            !matches!(index.checked_sub(1).map(|before| tokens[before].token), Some(Token::Lt | Token::Comma))
        }
        _ => false,
    }
}

/// The closing partner of an opening bracket.
pub(super) fn closer(token: Token<'_>) -> Option<Token<'static>> {
    match token {
        Token::LParen => Some(Token::RParen),
        Token::LBracket => Some(Token::RBracket),
        Token::LBrace => Some(Token::RBrace),
        _ => None,
    }
}

pub(super) fn is_closer(token: Token<'_>) -> bool {
    matches!(token, Token::RParen | Token::RBracket | Token::RBrace)
}

/// Replaces what lies deeper than [`MAX_BRACKETS`] by an error token.
fn cut_deep<'t>(file: u32, tokens: Vec<Spanned<'t>>, diagnostics: &mut Vec<Diagnostic>) -> Vec<Spanned<'t>> {
    let mut depth = 0usize;
    let mut kept: Vec<Spanned<'t>> = Vec::with_capacity(tokens.len());
    for token in tokens {
        if closer(token.token).is_some() {
            depth += 1;
            if depth == MAX_BRACKETS + 1 {
                let span = Span { file, start: token.start, end: token.end };
                report(
                    diagnostics,
                    Diagnostic::error(
                        "E0009",
                        span,
                        format!("brackets are nested more than {MAX_BRACKETS} deep"),
                    )
                    .label(format!("bracket number {} of at most {MAX_BRACKETS}", MAX_BRACKETS + 1))
                    .help("give parts of this expression names with `let`"),
                );
                kept.push(Spanned { token: Token::Error, ..token });
            }
        }
        if depth <= MAX_BRACKETS {
            kept.push(token);
        } else if let Some(error) = kept.last_mut() {
            error.end = token.end;
        }
        if is_closer(token.token) {
            depth = depth.saturating_sub(1);
        }
    }
    kept
}

/// What to change about the brackets.
struct Plan {
    /// Closing brackets without opener, by index.
    drop: Vec<bool>,
    /// Openers without partner.
    unclosed: Vec<bool>,
    /// Before which token all open brackets end, because an item starts there.
    item: Vec<bool>,
}

impl Plan {
    fn of(file: u32, text: &str, tokens: &[Spanned<'_>], diagnostics: &mut Vec<Diagnostic>) -> Plan {
        let n = tokens.len();
        let mut plan = Plan { drop: vec![false; n], unclosed: vec![false; n], item: vec![false; n] };
        let mut open: Vec<Open<'_>> = Vec::new();
        let mut margin = 0;
        for (index, token) in tokens.iter().enumerate() {
            if starts_item(tokens, index) {
                let column = indentation(text, token.start);
                let at_margin = column.is_some_and(|column| column <= margin);
                if open.is_empty() || at_margin {
                    plan.close(file, tokens, &mut open, 0, Some(index), diagnostics);
                    plan.item[index] = true;
                    margin = column.unwrap_or(0);
                }
            }
            if closer(token.token).is_some() {
                open.push(Open { token: token.token, index, misfit: false });
            } else if is_closer(token.token) {
                match open.iter().rposition(|o| closer(o.token) == Some(token.token)) {
                    Some(partner) => {
                        plan.close(file, tokens, &mut open, partner + 1, Some(index), diagnostics);
                        open.pop();
                    }
                    None => {
                        plan.drop[index] = true;
                        let innermost = open.last_mut().map(|open| {
                            open.misfit = true;
                            &tokens[open.index]
                        });
                        report(diagnostics, stray(file, token, innermost));
                    }
                }
            }
        }
        plan.close(file, tokens, &mut open, 0, None, diagnostics);
        plan
    }

    /// Notes that the brackets from `keep` on are not closed before token `index`, with one diagnostic.
    fn close(
        &mut self,
        file: u32,
        tokens: &[Spanned<'_>],
        open: &mut Vec<Open<'_>>,
        keep: usize,
        index: Option<usize>,
        diagnostics: &mut Vec<Diagnostic>,
    ) {
        let unclosed = open.split_off(keep);
        let Some(innermost) = unclosed.last() else { return };
        for bracket in &unclosed {
            self.unclosed[bracket.index] = true;
        }
        let at = |index: usize| Span { file, start: tokens[index].start, end: tokens[index].end };
        let name = spelled(innermost.token);
        if unclosed.len() == 1 && innermost.misfit {
            return;
        }
        let message = match unclosed.len() {
            1 => format!("this `{name}` is never closed"),
            2 => format!("this `{name}` is never closed, nor is the bracket around it"),
            count => format!("this `{name}` is never closed, nor are {} brackets around it", count - 1),
        };
        let partner = closer(innermost.token).map_or("", spelled);
        let mut error = Diagnostic::error("E0007", at(innermost.index), message)
            .label(format!("expected a `{partner}` for it"))
            .help(format!("add `{partner}` where it ends"));
        for outer in unclosed.iter().rev().skip(1).take(3) {
            error = error.related(at(outer.index), "not closed either");
        }
        if let Some(index) = index {
            let what = if is_closer(tokens[index].token) {
                "it has to be closed before this"
            } else {
                "an item starts here"
            };
            error = error.related(at(index), what);
        }
        report(diagnostics, error);
    }
}

fn stray(file: u32, token: &Spanned<'_>, open: Option<&Spanned<'_>>) -> Diagnostic {
    let name = spelled(token.token);
    let span = Span { file, start: token.start, end: token.end };
    let error = Diagnostic::error("E0007", span, format!("this `{name}` closes nothing"))
        .label("no bracket is open that it could close")
        .help("remove it, or add its opening bracket before");
    match open {
        Some(open) => {
            let span = Span { file, start: open.start, end: open.end };
            error.label("does not fit the open bracket").related(span, "the bracket that is open here")
        }
        None => error,
    }
}

fn spelled(token: Token<'_>) -> &'static str {
    match token {
        Token::LParen => "(",
        Token::RParen => ")",
        Token::LBracket => "[",
        Token::RBracket => "]",
        Token::LBrace => "{",
        _ => "}",
    }
}

/// How far a token that is the first on its line is indented.
fn indentation(text: &str, start: u32) -> Option<usize> {
    let mut width = 0;
    for byte in text.as_bytes()[..start as usize].iter().rev() {
        match byte {
            b'\n' => break,
            b' ' | b'\t' => width += 1,
            _ => return None,
        }
    }
    Some(width)
}

/// Carries out the plan.
fn write<'t>(tokens: &[Spanned<'t>], plan: &Plan) -> Paired<'t> {
    let mut writer =
        Writer { tokens: Vec::with_capacity(tokens.len()), guessed: Vec::new(), open: Vec::new() };
    for (index, token) in tokens.iter().enumerate() {
        if plan.drop[index] {
            continue;
        }
        if plan.item[index] {
            writer.close_down_to(0);
        }
        if matches!(token.token, Token::Semi | Token::Let) {
            writer.close_expression();
        }
        if closer(token.token).is_some() {
            writer.open.push(OpenWritten {
                token: token.token,
                start: token.start,
                guess: plan.unclosed[index],
            });
        } else if is_closer(token.token) {
            let partner = writer.open.iter().rposition(|o| !o.guess && closer(o.token) == Some(token.token));
            match partner {
                Some(partner) => writer.close_down_to(partner + 1),
                None => continue,
            }
            writer.open.pop();
        }
        writer.tokens.push(*token);
    }
    writer.close_down_to(0);
    Paired { tokens: writer.tokens, guessed: writer.guessed }
}

struct OpenWritten<'t> {
    token: Token<'t>,
    start: u32,
    /// It has no partner in the text.
    guess: bool,
}

struct Writer<'t> {
    tokens: Vec<Spanned<'t>>,
    guessed: Vec<(u32, u32)>,
    open: Vec<OpenWritten<'t>>,
}

impl Writer<'_> {
    fn close_down_to(&mut self, keep: usize) {
        while self.open.len() > keep {
            self.close_last();
        }
    }

    /// At the end of a statement: unclosed `(` and `[` end too.
    fn close_expression(&mut self) {
        while self.open.last().is_some_and(|o| o.guess && o.token != Token::LBrace) {
            self.close_last();
        }
    }

    fn close_last(&mut self) {
        let Some(bracket) = self.open.pop() else { return };
        let end = self.tokens.last().map_or(0, |t| t.end);
        if bracket.token != Token::LBrace {
            self.guessed.push((bracket.start, end));
        }
        if let Some(token) = closer(bracket.token) {
            self.tokens.push(Spanned { token, start: end, end });
        }
    }
}

/// After `as`, `<` opens arguments only behind the built-in types that have some: `x as float<5, 11> < y` compares,
/// and so does `x as f16 < y`.
fn mark_type_arguments(tokens: &mut [Spanned<'_>]) {
    for at in 2..tokens.len() {
        let parametric =
            matches!(tokens[at - 1].token, Token::Ident("float" | "ieee" | "fixed" | "int" | "uint"));
        if tokens[at].token == Token::Lt && parametric && tokens[at - 2].token == Token::As {
            tokens[at].token = Token::ArgsOpen;
        }
    }
}
