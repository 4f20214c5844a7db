//! Runs the parser on one item at a time, and past every error.
//!
//! In: tokens with paired brackets. Out: the module, and one diagnostic for each place where the text is wrong.
//!
//! Where the parser stops, the smallest stretch between separators around that token is replaced by one
//! [`Token::Error`], which the grammar accepts as an expression, type, pattern or parameter, and the item is parsed
//! again; if it stops there once more, the stretch grows to the whole bracket, to what holds the bracket, and in the
//! end to the item. Blocks inside a replaced stretch are parsed on their own, for their errors. (This is recovery by
//! phrase, with the brackets known beforehand: Burke and Fisher, TOPLAS 9(2), 1987, section 4, call the like "scope
//! and secondary recovery"; they also try single-token repairs, of which only a missing `;` is tried here.)
//!
//! Each round either replaces tokens by fewer, or fills a gap that stays filled, so it ends; [`MAX_ROUNDS`] bounds it.

use std::collections::BTreeMap;
use std::ops::Range;

use lalrpop_util::ParseError;

use super::ast::{Body, Expr, ExprKind, Item, ItemKind, Module};
use super::brackets::{Paired, closer, is_closer, starts_item};
use super::expected;
use super::grammar::EntryParser;
use super::token::{Literal, Spanned, Token};
use super::tree::{Entry, Tree};
use super::{MAX_ERRORS, MAX_SOURCE_BYTES};
use crate::diag::Diagnostic;
use crate::source::Span;

/// Most times that one item is parsed.
const MAX_ROUNDS: usize = 4 * MAX_ERRORS;
/// Most tokens that are parsed again after errors, in all items of a file.
const MAX_WORK: usize = 10_000_000;

/// A file and the side tables of its tokens.
pub(super) struct Source<'s> {
    pub(super) file: u32,
    pub(super) text: &'s str,
    pub(super) numbers: &'s [Literal],
    pub(super) strings: &'s [String],
    pub(super) docs: &'s BTreeMap<u32, String>,
}

impl Source<'_> {
    fn span(&self, token: &Spanned<'_>) -> Span {
        Span { file: self.file, start: token.start, end: token.end }
    }
}

/// What a stretch of tokens ought to be.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Goal {
    /// The file's only expression.
    Program,
    /// One item.
    Item,
    /// A block out of a stretch that was replaced.
    Block,
}

/// A file that is not even read.
pub(super) fn too_long(file: u32, length: usize) -> (Module, Vec<Diagnostic>) {
    let span = Span { file, start: 0, end: 0 };
    let error = Diagnostic::error(
        "E0012",
        span,
        format!("this file has {length} bytes, but the limit is {MAX_SOURCE_BYTES}"),
    )
    .label("the file starts here")
    .help("give data as `public` parameters with `--public-file`");
    let body = Body::Expression(Expr { span, kind: ExprKind::Error });
    (Module { file, body }, vec![error])
}

/// Parses all tokens of a file.
pub(super) fn module(source: &Source<'_>, paired: Paired<'_>, diagnostics: &mut Vec<Diagnostic>) -> Module {
    let Paired { tokens, guessed } = paired;
    let mut repair = Repair { source, guessed, diagnostics, blocks: Vec::new(), work: 0 };
    let starts = item_starts(&tokens);
    let body =
        if starts.is_empty() { repair.program(tokens) } else { Body::Items(repair.items(&tokens, &starts)) };
    repair.left_over_blocks();
    Module { file: source.file, body }
}

/// Where items start, outside of all brackets.
fn item_starts(tokens: &[Spanned<'_>]) -> Vec<usize> {
    let mut depth = 0usize;
    let mut starts = Vec::new();
    for (index, token) in tokens.iter().enumerate() {
        if closer(token.token).is_some() {
            depth += 1;
        } else if is_closer(token.token) {
            depth -= 1;
        } else if depth == 0 && starts_item(tokens, index) {
            starts.push(index);
        }
    }
    starts
}

struct Repair<'a, 's, 't> {
    source: &'a Source<'s>,
    guessed: Vec<(u32, u32)>,
    diagnostics: &'a mut Vec<Diagnostic>,
    /// Blocks that stood in replaced stretches.
    blocks: Vec<Vec<Spanned<'t>>>,
    /// Tokens parsed again so far.
    work: usize,
}

impl<'t> Repair<'_, '_, 't> {
    fn program(&mut self, tokens: Vec<Spanned<'t>>) -> Body {
        let end = u32::try_from(self.source.text.len()).expect("bounded by MAX_SOURCE_BYTES");
        let span = Span { file: self.source.file, start: 0, end };
        if tokens.is_empty() {
            if self.diagnostics.is_empty() {
                let start = Span { end: 0, ..span };
                self.diagnostics.push(
                    Diagnostic::error("E0008", start, "there is no program in this file")
                        .label("expected an expression or items")
                        .help("write an expression such as `exp(x) * y`, or a function `fn main(x: f16) -> f16 { x }`"),
                );
            }
            return Body::Expression(Expr { span, kind: ExprKind::Error });
        }
        match self.parse(tokens, Goal::Program) {
            Some(Entry::Expr(expr)) => Body::Expression(*expr),
            Some(Entry::Item(_)) | None => Body::Expression(Expr { span, kind: ExprKind::Error }),
        }
    }

    fn items(&mut self, tokens: &[Spanned<'t>], starts: &[usize]) -> Vec<Item> {
        let mut items = Vec::with_capacity(starts.len());
        items.extend(self.stray(&tokens[..starts[0]]));
        for (number, &start) in starts.iter().enumerate() {
            let next = starts.get(number + 1).copied().unwrap_or(tokens.len());
            let end = item_end(tokens, start, next);
            let item = &tokens[start..end];
            items.push(match self.parse(item.to_vec(), Goal::Item) {
                Some(Entry::Item(item)) => *item,
                Some(Entry::Expr(_)) | None => self.broken(item),
            });
            items.extend(self.stray(&tokens[end..next]));
        }
        items
    }

    /// Tokens between items.
    fn stray(&mut self, tokens: &[Spanned<'t>]) -> Option<Item> {
        let first = tokens.first()?;
        if tokens.iter().all(|t| t.token != Token::Error) {
            self.diagnostics.push(expected::stray(self.source.text, self.source.span(first), tokens));
        }
        // The parts of a `struct` are no statements.
        if !matches!(first.token, Token::Ident(word) if expected::foreign_word(word).is_some()) {
            self.keep_blocks(tokens);
        }
        Some(self.broken(tokens))
    }

    fn broken(&self, tokens: &[Spanned<'t>]) -> Item {
        let ends = tokens.first().zip(tokens.last()).expect("an item has tokens");
        let span = self.source.span(ends.0).to(self.source.span(ends.1));
        Item { doc: String::new(), span, kind: ItemKind::Error }
    }

    /// Looks for errors in what was cut out; their trees are not needed.
    fn left_over_blocks(&mut self) {
        while let Some(block) = self.blocks.pop() {
            if self.diagnostics.len() > MAX_ERRORS {
                return;
            }
            self.parse(block, Goal::Block);
        }
    }

    /// Parses and mends until the parser accepts.
    fn parse(&mut self, mut tokens: Vec<Spanned<'t>>, goal: Goal) -> Option<Entry> {
        let parser = EntryParser::new();
        for _ in 0..MAX_ROUNDS {
            let mut tree = Tree::new(self.source, &tokens);
            let input =
                tokens.iter().enumerate().map(|(index, token)| Ok::<_, ()>((index, token.token, index + 1)));
            let error = match parser.parse(&mut tree, input) {
                Ok(entry) => {
                    self.diagnostics.append(&mut tree.diagnostics);
                    return Some(entry);
                }
                Err(error) => error,
            };
            let (at, terminals) = match error {
                ParseError::UnrecognizedToken { token: (at, ..), expected } => (at, expected),
                ParseError::UnrecognizedEof { expected, .. } => (tokens.len(), expected),
                ParseError::InvalidToken { location } | ParseError::ExtraToken { token: (location, ..) } => {
                    (location, Vec::new())
                }
                ParseError::User { error: () } => return None,
            };
            self.work += at;
            if self.diagnostics.len() > MAX_ERRORS || self.work > MAX_WORK {
                return None;
            }
            self.mend(&mut tokens, at, &terminals, goal);
        }
        None
    }

    /// Reports the error at token `at` unless it follows from one that is known, and changes the tokens.
    fn mend(&mut self, tokens: &mut Vec<Spanned<'t>>, at: usize, terminals: &[String], goal: Goal) {
        if split_closing_angle(tokens, at, terminals) {
            return;
        }
        let stretches = stretches(tokens, at);
        let known = tokens.get(at).is_some_and(|t| t.token == Token::Error)
            || own_level(tokens, stretches[0].clone()).any(|t| t.token == Token::Error)
            || self.is_guessed(tokens, at);
        let missing_semicolon = !known && lacks_semicolon(self.source.text, tokens, at, terminals);
        if !known {
            self.diagnostics.push(expected::explain(
                self.source,
                tokens,
                at,
                terminals,
                goal,
                missing_semicolon,
            ));
        }
        if goal == Goal::Program && expected::declares_function(tokens, at) {
            let (start, end) = (tokens[0].start, tokens[at].end);
            *tokens = vec![Spanned { token: Token::Error, start, end }];
            return;
        }
        if missing_semicolon {
            let end = tokens[at - 1].end;
            tokens.insert(at, Spanned { token: Token::Semi, start: end, end });
            return;
        }
        for stretch in stretches {
            let filled = match stretch.len() {
                0 => at.checked_sub(1).is_some_and(|before| tokens[before].token == Token::Error),
                1 => tokens[stretch.start].token == Token::Error,
                _ => false,
            };
            if !filled {
                self.replace(tokens, stretch, at);
                return;
            }
        }
        tokens.clear();
        tokens.push(Spanned { token: Token::Error, start: 0, end: 0 });
    }

    fn is_guessed(&self, tokens: &[Spanned<'_>], at: usize) -> bool {
        let Some(token) = tokens.get(at).or(tokens.last()) else { return false };
        self.guessed.iter().any(|&(start, end)| start < token.start && token.start <= end)
    }

    fn replace(&mut self, tokens: &mut Vec<Spanned<'t>>, stretch: Range<usize>, at: usize) {
        let error = match (tokens.get(stretch.start), stretch.clone().last()) {
            (Some(first), Some(last)) => {
                Spanned { token: Token::Error, start: first.start, end: tokens[last].end }
            }
            _ => {
                let start = tokens.get(stretch.start).or(tokens.last()).map_or(0, |t| t.start);
                Spanned { token: Token::Error, start, end: start }
            }
        };
        let mut removed = tokens[stretch.clone()].to_vec();
        if stretch.contains(&at) && closer(tokens[at].token).is_none() && !is_closer(tokens[at].token) {
            removed[at - stretch.start].token = Token::Error;
        }
        self.keep_blocks(&removed);
        let ends_statement = tokens.get(stretch.end).is_none_or(|next| {
            !matches!(next.token, Token::Let | Token::For | Token::If | Token::Ident(_) | Token::Number(_))
        });
        let mut new = vec![error];
        if !ends_statement {
            new.push(Spanned { token: Token::Semi, start: error.end, end: error.end });
        }
        tokens.splice(stretch, new);
    }

    /// Remembers the outermost blocks of replaced tokens.
    fn keep_blocks(&mut self, removed: &[Spanned<'t>]) {
        let mut open: Vec<usize> = Vec::new();
        for (index, token) in removed.iter().enumerate() {
            if closer(token.token).is_some() {
                open.push(index);
            } else if is_closer(token.token)
                && let Some(start) = open.pop()
            {
                let inside_block = open.iter().any(|&o| removed[o].token == Token::LBrace);
                if token.token == Token::RBrace && !inside_block {
                    self.blocks.push(removed[start..=index].to_vec());
                }
            }
        }
    }
}

/// Where the item that starts at `start` ends: behind its `;`, or behind its block.
fn item_end(tokens: &[Spanned<'_>], start: usize, next: usize) -> usize {
    let function = tokens[start].token == Token::Fn;
    let mut at = start;
    while at < next {
        let token = tokens[at].token;
        let end = group_end(tokens, at);
        if token == Token::Semi || (function && token == Token::LBrace) {
            return end;
        }
        at = end;
    }
    next
}

/// The index behind the token at `at`, or behind its whole bracket.
fn group_end(tokens: &[Spanned<'_>], at: usize) -> usize {
    let mut depth = 0usize;
    for (index, token) in tokens.iter().enumerate().skip(at) {
        if closer(token.token).is_some() {
            depth += 1;
        } else if is_closer(token.token) {
            depth = depth.saturating_sub(1);
        }
        if depth == 0 {
            return index + 1;
        }
    }
    tokens.len()
}

/// The index of the bracket that holds `at`.
pub(super) fn opener_of(tokens: &[Spanned<'_>], at: usize) -> Option<usize> {
    let mut depth = 0usize;
    for index in (0..at).rev() {
        if is_closer(tokens[index].token) {
            depth += 1;
        } else if closer(tokens[index].token).is_some() {
            if depth == 0 {
                return Some(index);
            }
            depth -= 1;
        }
    }
    None
}

/// Stretches of tokens around an error at `at`, each larger than the one before.
fn stretches(tokens: &[Spanned<'_>], at: usize) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    if tokens.get(at).is_some_and(|t| t.token == Token::LBrace) {
        found.push(at..at);
    }
    let mut at = at;
    loop {
        let opener = opener_of(tokens, at);
        let inner = opener.map_or(0, |o| o + 1);
        let end = opener.map_or(tokens.len(), |o| group_end(tokens, o) - 1);
        found.push(between_separators(tokens, inner..end, at));
        found.push(inner..end);
        match opener {
            Some(opener) => at = opener,
            None => return found,
        }
    }
}

/// The tokens around `at`, within `level`, up to the next separators on both sides.
fn between_separators(tokens: &[Spanned<'_>], level: Range<usize>, at: usize) -> Range<usize> {
    let mut start = level.start;
    let mut index = level.start;
    while index < level.end {
        if separates(tokens[index].token) {
            if index >= at {
                return start..index;
            }
            start = index + 1;
        } else if index > at && ends_before(tokens, &level, index) {
            return start..index;
        } else if index > level.start && index <= at && ends_before(tokens, &level, index) {
            start = index;
        }
        index = group_end(tokens, index);
    }
    start..level.end
}

/// Whether a token separates what stands before it from what follows.
fn separates(token: Token<'_>) -> bool {
    matches!(
        token,
        Token::Comma
            | Token::Semi
            | Token::Colon
            | Token::Arrow
            | Token::Let
            | Token::Eq
            | Token::PlusEq
            | Token::MinusEq
            | Token::StarEq
            | Token::SlashEq
            | Token::PercentEq
    )
}

/// Whether a statement starts at `index` without a separator before it.
fn ends_before(tokens: &[Spanned<'_>], level: &Range<usize>, index: usize) -> bool {
    let in_block = level.start > 0 && tokens[level.start - 1].token == Token::LBrace;
    if !in_block || index == level.start {
        return false;
    }
    match tokens[index].token {
        Token::For | Token::Let => true,
        Token::If | Token::Ident(_) | Token::Number(_) => tokens[index - 1].token == Token::RBrace,
        _ => false,
    }
}

/// The tokens of a stretch that stand in none of its brackets.
fn own_level<'a, 't>(
    tokens: &'a [Spanned<'t>],
    stretch: Range<usize>,
) -> impl Iterator<Item = &'a Spanned<'t>> {
    let mut index = stretch.start;
    std::iter::from_fn(move || {
        if index >= stretch.end {
            return None;
        }
        let token = &tokens[index];
        index = group_end(tokens, index);
        Some(token)
    })
}

/// `x: float<5, 11>= y` and `x as int<8>>> 1` hold a `>` that closes arguments and a rest.
fn split_closing_angle(tokens: &mut Vec<Spanned<'_>>, at: usize, terminals: &[String]) -> bool {
    let Some(token) = tokens.get(at).copied() else { return false };
    let rest = match token.token {
        Token::Ge => Token::Eq,
        Token::Shr => Token::Gt,
        Token::ShrEq => Token::Ge,
        _ => return false,
    };
    if !terminals.iter().any(|t| t == "\">\"") || terminals.iter().any(|t| t == "\">=\"") {
        return false;
    }
    tokens[at] = Spanned { token: Token::Gt, start: token.start, end: token.start + 1 };
    let (mut token, mut end) = (rest, token.end);
    if let Some(next) = tokens.get(at + 1).filter(|next| next.start == end) {
        let joined = match (token, next.token) {
            (Token::Gt, Token::Gt) => Some(Token::Shr),
            (Token::Eq, Token::Eq) => Some(Token::EqEq),
            _ => None,
        };
        if let Some(joined) = joined {
            (token, end) = (joined, next.end);
            tokens.remove(at + 1);
        }
    }
    tokens.insert(at + 1, Spanned { token, start: tokens[at].end, end });
    true
}

/// Whether a `;` is missing before the token at `at`: one is possible, and a new line or statement starts there.
fn lacks_semicolon(text: &str, tokens: &[Spanned<'_>], at: usize, terminals: &[String]) -> bool {
    if at == 0 || !terminals.iter().any(|t| t == "\";\"") {
        return false;
    }
    let Some(token) = tokens.get(at) else { return true };
    if opener_of(tokens, at).is_some_and(|o| tokens[o].token != Token::LBrace) {
        return false;
    }
    let gap = &text[tokens[at - 1].end as usize..token.start as usize];
    matches!(token.token, Token::Let | Token::For | Token::RBrace)
        || (gap.contains('\n') && starts_statement(token.token))
}

fn starts_statement(token: Token<'_>) -> bool {
    matches!(
        token,
        Token::Ident(_)
            | Token::Number(_)
            | Token::If
            | Token::True
            | Token::False
            | Token::Hash
            | Token::LBrace
    )
}
