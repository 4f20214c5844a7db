//! Words for syntax errors: what was found, what was expected, what to do.

use super::repair::{Goal, Source, opener_of};
use super::token::{Spanned, Token};
use crate::diag::Diagnostic;
use crate::source::Span;

/// Most alternatives that a message lists.
const LISTED: usize = 4;

/// The diagnostic for the parser's stop at token `at`, where it would have taken one of `terminals`.
pub(super) fn explain(
    source: &Source<'_>,
    tokens: &[Spanned<'_>],
    at: usize,
    terminals: &[String],
    goal: Goal,
    missing_semicolon: bool,
) -> Diagnostic {
    let file = source.file;
    let here = |token: &Spanned<'_>| Span { file, start: token.start, end: token.end };
    let before = at.checked_sub(1).map(|index| &tokens[index]);
    let found = match tokens.get(at) {
        Some(token) => spelled(source.text, here(token)),
        None if goal == Goal::Program => "the end of the file".to_owned(),
        None => "the end of the item".to_owned(),
    };
    if let (true, Some(before)) = (missing_semicolon, before) {
        let span = Span { file, start: before.end.max(1) - 1, end: before.end };
        let span = last_character(source.text, span);
        let error = Diagnostic::error("E0006", span, format!("expected `;`, found {found}"))
            .label("a `;` is missing after this")
            .help("add `;` here");
        return match tokens.get(at) {
            Some(token) => error.related(here(token), "found this instead"),
            None => error,
        };
    }
    let wanted = Wanted::of(terminals, goal);
    if let (true, Some(Spanned { token: Token::Ident(word), .. })) = (wanted.operator, before)
        && let (Some(help), Some(before)) = (construct(word), before)
    {
        return Diagnostic::error("E0006", here(before), format!("there is no `{word}` in this language"))
            .label("not in the language")
            .help(help);
    }
    let span = tokens.get(at).or(before).map_or(Span { file, start: 0, end: 0 }, here);
    let label = match (tokens.get(at), before) {
        (Some(_), _) | (None, None) => format!("expected {}", wanted.text),
        (None, Some(_)) => format!("{found} follows, but {} has to", wanted.text),
    };
    Diagnostic::error("E0006", span, format!("expected {}, found {found}", wanted.text))
        .label(label)
        .help(help(source, tokens, at, terminals, goal, &wanted))
}

/// The diagnostic for text between items.
pub(super) fn stray(text: &str, span: Span, tokens: &[Spanned<'_>]) -> Diagnostic {
    let next = tokens.get(1).map(|token| token.token);
    let help = match tokens.first().map_or(Token::Error, |token| token.token) {
        Token::Semi => "remove it: functions end with `}`".to_owned(),
        Token::Hash => "attributes such as `#[approx(taylor)]` stand before calls; remove it".to_owned(),
        Token::Ident("pub" | "export" | "extern" | "static") => {
            "remove it: every item can be used".to_owned()
        }
        Token::Ident(word) if foreign_word(word).is_some() => {
            foreign_word(word).unwrap_or_default().to_owned()
        }
        Token::Ident(_) if matches!(next, Some(Token::LParen | Token::Lt)) => {
            "functions start with `fn`, as in `fn main(x: f16) -> f16 { .. }`".to_owned()
        }
        Token::Let => "a constant of the file is written `const NAME: T = value;`".to_owned(),
        _ => "statements and expressions stand in functions; move it into `fn main`, or remove it".to_owned(),
    };
    let found = spelled(text, span);
    Diagnostic::error(
        "E0006",
        span,
        format!("expected an item (`fn`, `const`, `type` or `use`), found {found}"),
    )
    .label("no item starts like this")
    .help(help)
}

/// The terminals that would have done, in words.
struct Wanted {
    text: String,
    expression: bool,
    operator: bool,
    name_only: bool,
}

impl Wanted {
    fn of(terminals: &[String], goal: Goal) -> Wanted {
        let mut rest: Vec<&str> = terminals.iter().map(|t| t.trim_matches('"')).collect();
        rest.retain(|t| !matches!(*t, "error" | "<args"));
        let has = |rest: &[&str], terminal: &str| rest.contains(&terminal);
        let mut words: Vec<String> = Vec::new();
        let expression = has(&rest, "number");
        let name_only = has(&rest, "name") && !has(&rest, "(");
        let mut remove: Vec<&str> = Vec::new();
        if expression {
            let statement = has(&rest, "let");
            words.push(if statement { "a statement" } else { "an expression" }.to_owned());
            remove.extend(["name", "number", "(", "[", "{", "-", "!", "if", "true", "false", "#"]);
            if statement {
                remove.extend(["let", "for", ";"]);
            }
        } else if has(&rest, "name") && has(&rest, "public") {
            words.push("a parameter".to_owned());
            remove.extend(["name", "public"]);
        } else if has(&rest, "name") && has(&rest, "const") {
            words.push("a type or `const` parameter".to_owned());
            remove.extend(["name", "const"]);
        } else if has(&rest, "name") && has(&rest, "_") {
            words.push("a pattern".to_owned());
            remove.extend(["name", "_", "(", "mut"]);
        } else if has(&rest, "name") && has(&rest, "[") {
            words.push("a type".to_owned());
            remove.extend(["name", "[", "("]);
        } else if has(&rest, "name") {
            words.push("a name".to_owned());
            remove.extend(["name"]);
        }
        let operator = has(&rest, "||") || has(&rest, "+");
        if operator {
            words.push("an operator".to_owned());
            remove.extend(OPERATORS);
            remove.extend(["[", "(", "::"]);
        }
        if has(&rest, "+=") {
            remove.extend(ASSIGNMENTS);
            if !operator {
                words.push("an assignment".to_owned());
            }
        }
        rest.retain(|t| !remove.contains(t));
        if rest.len() + words.len() > 1 {
            rest.retain(|t| *t != "<");
        }
        if goal != Goal::Item {
            rest.retain(|t| !matches!(*t, "fn" | "const" | "type" | "use"));
        }
        rest.sort_by_key(|t| (RANK.iter().position(|r| r == t).unwrap_or(RANK.len()), *t));
        words.extend(
            rest.iter().map(|t| if *t == "string" { "a string".to_owned() } else { format!("`{t}`") }),
        );
        if goal == Goal::Program && operator && !expression && words.len() == 1 {
            words.push("the end of the file".to_owned());
        }
        words.truncate(LISTED);
        if words.is_empty() {
            words.push(
                if goal == Goal::Program { "the end of the file" } else { "the end of the item" }.to_owned(),
            );
        }
        Wanted { text: either(&words), expression, operator, name_only }
    }
}

const OPERATORS: [&str; 20] = [
    "+", "-", "*", "/", "%", "<<", ">>", "&", "|", "^", "&&", "||", "<", "<=", ">", ">=", "==", "!=", "as",
    "..",
];
const ASSIGNMENTS: [&str; 11] = ["=", "+=", "-=", "*=", "/=", "%=", "<<=", ">>=", "&=", "|=", "^="];
/// The order in which expected terminals are named.
const RANK: [&str; 12] = [")", "]", "}", ",", ";", ":", "=", "{", "(", "else", "in", "->"];

/// `a`, `a or b`, `a, b or c`
fn either(words: &[String]) -> String {
    match words {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}

/// A token as the user wrote it.
fn spelled(text: &str, span: Span) -> String {
    let slice = &text[span.start as usize..span.end as usize];
    if slice.is_empty() {
        return "the end of what is open".to_owned();
    }
    let line = slice.lines().next().unwrap_or("");
    let short: String = line.chars().take(30).collect();
    let dots = if short.len() < slice.len() { ".." } else { "" };
    let kind = match slice {
        "fn" | "const" | "type" | "use" | "let" | "mut" | "if" | "else" | "for" | "in" | "as" | "public"
        | "true" | "false" => "the keyword ",
        _ => "",
    };
    format!("{kind}`{short}{dots}`")
}

/// The last character of a span.
fn last_character(text: &str, span: Span) -> Span {
    let mut start = span.start;
    while !text.is_char_boundary(start as usize) {
        start -= 1;
    }
    Span { start, ..span }
}

/// One thing to do.
fn help(
    source: &Source<'_>,
    tokens: &[Spanned<'_>],
    at: usize,
    terminals: &[String],
    goal: Goal,
    wanted: &Wanted,
) -> String {
    let before = at.checked_sub(1).map(|index| tokens[index].token);
    let found = tokens.get(at).map(|t| t.token);
    let takes = |terminal: &str| terminals.iter().any(|t| t.trim_matches('"') == terminal);
    if let (true, Some(Token::Ident(word))) = (wanted.operator, before)
        && let Some(help) = foreign_word(word)
    {
        return help.to_owned();
    }
    if goal == Goal::Program && declares_function(tokens, at) {
        return "functions start with `fn`: `fn main(x: f16) -> f16 { .. }`".to_owned();
    }
    if let Some(help) =
        found.and_then(|found| foreign_operator(before, found, tokens.get(at + 1).map(|t| t.token)))
    {
        return help.to_owned();
    }
    match found {
        Some(Token::Let) if goal == Goal::Program => {
            "`let` stands in a block: write `{ let a = x * x; a + 1 }`".to_owned()
        }
        Some(Token::Semi) if goal == Goal::Program && opener_of(tokens, at).is_none() => {
            "a file of one expression has no `;`: write a block `{ .. }`, or functions with `fn main`"
                .to_owned()
        }
        Some(Token::Semi) if takes(",") => "separate with `,`, or close the bracket before `;`".to_owned(),
        Some(Token::Fn | Token::Type | Token::Use | Token::Const) => {
            "items do not stand inside others: move it to the top level of the file".to_owned()
        }
        Some(Token::Eq) if wanted.operator || goal == Goal::Program => {
            "write `==` to compare; an assignment is a statement of a block".to_owned()
        }
        Some(Token::Else) => "`else` stands right behind the `}` of an `if`".to_owned(),
        Some(Token::Mut) => "write `let mut x` or, for all names of a tuple, `let mut (a, b)`".to_owned(),
        Some(Token::Plus) if wanted.expression => "remove it: there is no unary `+`".to_owned(),
        Some(Token::LBrace) if wanted.expression => "write the expression before the block".to_owned(),
        Some(token) if wanted.name_only && is_keyword(token) => {
            let name = spelled(source.text, Span { file: 0, start: tokens[at].start, end: tokens[at].end });
            format!("{name} is reserved: choose another name")
        }
        _ if takes("{") && !wanted.expression => "write the block in `{` and `}`".to_owned(),
        Some(Token::RBracket) if takes(";") => "write the length, as in `[f16; 4]`".to_owned(),
        Some(_) if before == Some(Token::In) && takes("[") && !wanted.expression => {
            "write the range as `in [lo, hi]`".to_owned()
        }
        Some(token) if wanted.text.starts_with("a pattern") && is_keyword(token) => {
            let name = spelled(source.text, Span { file: 0, start: tokens[at].start, end: tokens[at].end });
            format!("{name} is reserved: choose another name")
        }
        _ if takes(":") && wanted.text == "`:`" => {
            "write the type behind the name, as in `x: f16`".to_owned()
        }
        Some(_) if wanted.operator && takes(",") => {
            "write `,` or an operator between the two, or remove one".to_owned()
        }
        Some(_) if wanted.operator => "write an operator between the two, or remove one of them".to_owned(),
        Some(_) if terminals.len() == 1 => format!("write {} here", wanted.text),
        Some(_) => format!("write {} before it, or remove it", wanted.text),
        None => format!("add {}", wanted.text),
    }
}

/// Whether the text around a token reads `name(name: ..` or `name(..) ->`.
pub(super) fn declares_function(tokens: &[Spanned<'_>], at: usize) -> bool {
    let token = |index: usize| tokens.get(index).map(|token| token.token);
    matches!(token(0), Some(Token::Ident(_)))
        && token(1) == Some(Token::LParen)
        && matches!(token(at), Some(Token::Colon | Token::Arrow))
}

fn is_keyword(token: Token<'_>) -> bool {
    matches!(
        token,
        Token::Mut
            | Token::If
            | Token::For
            | Token::In
            | Token::As
            | Token::Public
            | Token::True
            | Token::False
    )
}

/// What to write instead of words of other languages that are plain names here.
pub(super) fn foreign_word(word: &str) -> Option<&'static str> {
    construct(word).or(match word {
        "var" | "auto" => Some("write `let mut`"),
        "def" | "func" | "function" | "fun" => Some("functions start with `fn`"),
        "pub" | "export" => Some("remove it: every item can be used"),
        "import" | "include" => Some("write `use \"file.ffl\";`"),
        "not" => Some("write `!`"),
        _ => None,
    })
}

/// What to write instead of constructs that this language has not.
fn construct(word: &str) -> Option<&'static str> {
    Some(match word {
        "return" => "the last expression of a block, without `;`, is its value",
        "while" | "loop" => "write `for i in 0..n { .. }` with an `n` that is known at compile time",
        "break" | "continue" => "every turn of a loop is computed: choose with `if`",
        "match" | "switch" => "write `if a { .. } else if b { .. } else { .. }`",
        "struct" | "enum" | "class" => "use tuples and arrays, or name a type with `type`",
        _ => return None,
    })
}

/// Operators of other languages.
fn foreign_operator(
    before: Option<Token<'_>>,
    found: Token<'_>,
    after: Option<Token<'_>>,
) -> Option<&'static str> {
    Some(match (before, found) {
        (Some(Token::Number(_)), Token::Dot) | (_, Token::Dot) if matches!(after, Some(Token::Number(_))) => {
            "write a digit before the point, as in `0.5`; tuples are taken apart with `let (a, b) = t;`"
        }
        (_, Token::Dot) => {
            "there are no methods and fields: write `f(x)`; tuples are taken apart with `let (a, b) = t;`"
        }
        (Some(Token::Star), Token::Star) => "there is no `**`: write `powi(x, 2)` or `pow(x, y)`",
        (Some(Token::Plus), Token::Plus) => "there is no `++`: write `x += 1;`",
        (Some(Token::Eq | Token::EqEq), Token::Eq) => "write `==` to compare",
        (_, Token::Ident("and")) => "write `&&`",
        (_, Token::Ident("or")) => "write `||`",
        (_, Token::Ident("then")) => "write the branches in `{` and `}`",
        _ => return None,
    })
}
