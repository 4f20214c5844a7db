//! S-expressions with the place of every part: all of the syntax that FPCore has.
//!
//! In: a text. Out: its top-level expressions, or the first place where brackets or quotes do not close. Brackets nest
//! at most [`DEEPEST`] deep, so that whoever walks the tree may recurse.

use crate::diag::Diagnostic;
use crate::source::Span;

/// Brackets within brackets.
const DEEPEST: usize = 300;

/// One expression and where it stands.
#[derive(Clone, Debug)]
pub(super) struct Sexpr<'t> {
    pub(super) node: Node<'t>,
    pub(super) span: Span,
}

/// What an expression is.
#[derive(Clone, Debug)]
pub(super) enum Node<'t> {
    /// A number, a name, an operator, a property.
    Atom(&'t str),
    /// A string, without its quotes; escapes are kept as written.
    Text(&'t str),
    /// A list in round or square brackets.
    List(Vec<Sexpr<'t>>),
}

impl<'t> Sexpr<'t> {
    /// The atom, if it is one.
    pub(super) fn atom(&self) -> Option<&'t str> {
        match self.node {
            Node::Atom(atom) => Some(atom),
            Node::Text(_) | Node::List(_) => None,
        }
    }

    /// The members, if it is a list.
    pub(super) fn list(&self) -> Option<&[Sexpr<'t>]> {
        match &self.node {
            Node::List(members) => Some(members),
            Node::Atom(_) | Node::Text(_) => None,
        }
    }
}

/// Reads all expressions of `text`, which is file number `file`.
pub(super) fn read(text: &str, file: u32) -> Result<Vec<Sexpr<'_>>, Box<Diagnostic>> {
    let mut reader = Reader { text, file, at: 0, open: Vec::new(), done: Vec::new() };
    while let Some(c) = reader.skip_blank() {
        reader.token(c)?;
    }
    match reader.open.pop() {
        None => Ok(reader.done),
        Some((bracket, at, _)) => Err(Box::new(
            Diagnostic::error("E0500", reader.span(at, at + 1), format!("`{bracket}` is never closed"))
                .label("opened here")
                .help("close it, or remove it"),
        )),
    }
}

struct Reader<'t> {
    text: &'t str,
    file: u32,
    at: usize,
    /// The open lists: bracket, its place, the members so far.
    open: Vec<(char, usize, Vec<Sexpr<'t>>)>,
    done: Vec<Sexpr<'t>>,
}

impl<'t> Reader<'t> {
    fn span(&self, start: usize, end: usize) -> Span {
        let byte = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        Span { file: self.file, start: byte(start), end: byte(end) }
    }

    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    /// Moves over blanks and comments, and gives the character behind them.
    fn skip_blank(&mut self) -> Option<char> {
        loop {
            let blank = self.rest().len() - self.rest().trim_start().len();
            self.at += blank;
            if !self.rest().starts_with(';') {
                return self.rest().chars().next();
            }
            self.at += self.rest().find('\n').unwrap_or(self.rest().len());
        }
    }

    fn token(&mut self, first: char) -> Result<(), Box<Diagnostic>> {
        match first {
            '(' | '[' => {
                if self.open.len() == DEEPEST {
                    let message = format!("more than {DEEPEST} brackets within brackets");
                    return Err(Box::new(
                        Diagnostic::error("E0500", self.span(self.at, self.at + 1), message)
                            .label("this one is too many")
                            .help("give parts of the expression names with `let`"),
                    ));
                }
                self.open.push((first, self.at, Vec::new()));
                self.at += 1;
                Ok(())
            }
            ')' | ']' => self.close(first),
            '"' => self.string(),
            _ => {
                let ends = |c: char| c.is_whitespace() || matches!(c, '(' | ')' | '[' | ']' | '"' | ';');
                let start = self.at;
                self.at += self.rest().find(ends).unwrap_or(self.rest().len());
                self.add(Node::Atom(&self.text[start..self.at]), start);
                Ok(())
            }
        }
    }

    fn close(&mut self, bracket: char) -> Result<(), Box<Diagnostic>> {
        let here = self.span(self.at, self.at + 1);
        let Some((opened, start, members)) = self.open.pop() else {
            return Err(Box::new(
                Diagnostic::error("E0500", here, format!("`{bracket}` closes nothing"))
                    .label("no bracket is open here")
                    .help("remove it"),
            ));
        };
        let expected = if opened == '(' { ')' } else { ']' };
        if bracket != expected {
            let message = format!("expected `{expected}`, found `{bracket}`");
            return Err(Box::new(
                Diagnostic::error("E0500", here, message)
                    .label("the wrong bracket")
                    .related(self.span(start, start + 1), "opened here")
                    .help(format!("write `{expected}`")),
            ));
        }
        self.at += 1;
        self.add(Node::List(members), start);
        Ok(())
    }

    fn string(&mut self) -> Result<(), Box<Diagnostic>> {
        let start = self.at;
        let mut escaped = false;
        for (at, c) in self.rest().char_indices().skip(1) {
            match c {
                '"' if !escaped => {
                    self.at = start + at + 1;
                    self.add(Node::Text(&self.text[start + 1..start + at]), start);
                    return Ok(());
                }
                _ => escaped = c == '\\' && !escaped,
            }
        }
        Err(Box::new(
            Diagnostic::error("E0500", self.span(start, start + 1), "a string that is never closed")
                .label("opened here")
                .help("close it with `\"`"),
        ))
    }

    fn add(&mut self, node: Node<'t>, start: usize) {
        let sexpr = Sexpr { node, span: self.span(start, self.at) };
        match self.open.last_mut() {
            Some((_, _, members)) => members.push(sexpr),
            None => self.done.push(sexpr),
        }
    }
}
