//! FPCore (FPBench's language for floating-point programs, version 2.0) as `.ffl`: the part without loops and arrays.
//!
//! In: the text of a file with FPCore programs, or of FPBench's JSON around one. Out: a `.ffl` program for each, or every
//! construct of it that has no counterpart, with its place. Every operation is rounded in the program's one type, as in
//! FPCore: numbers alone, which `.ffl` would compute exactly, are given that type first. A `let` binds all its names at
//! once there and one after the other here; since every binding has a name of its own, that is the same.

use std::collections::BTreeSet;

use serde_json::Value;

use super::names::Names;
use super::number::{self, CONSTANTS};
use super::range;
use super::sexpr::{self, Node, Sexpr};
use crate::diag::Diagnostic;
use crate::source::{Sources, Span};

/// One program of a file.
#[derive(Clone, Debug)]
pub struct Core {
    /// Its `:name`, or its identifier, or its number in the file.
    pub name: String,
    /// The `.ffl` text, or what of it has no counterpart.
    pub program: Result<String, Vec<Diagnostic>>,
}

/// The FPCore text of a file: of a JSON object (FPBench's wrapping) its member `fpcore`.
///
/// # Errors
/// A sentence for the user.
pub fn fpcore_text(text: &str) -> Result<String, String> {
    if !text.trim_start().starts_with('{') {
        return Ok(text.to_owned());
    }
    let value: Value =
        serde_json::from_str(text).map_err(|error| format!("the JSON is malformed: {error}"))?;
    match value.get("fpcore") {
        Some(Value::String(program)) => Ok(program.clone()),
        Some(_) => Err("the member `fpcore` of the JSON object is no string".to_owned()),
        None => Err("the JSON object has no member `fpcore`".to_owned()),
    }
}

/// Translates all programs of the first file of `sources`. Their type is `float`, or, without it, what each one's
/// `:precision` and `:round` say (`f64` if nothing does, as in FPCore).
///
/// # Errors
/// If the file is no sequence of S-expressions that begin with `FPCore`.
pub fn fpcore(sources: &Sources, float: Option<&str>) -> Result<Vec<Core>, Vec<Diagnostic>> {
    let text = sources.files.first().map_or("", |file| file.text.as_str());
    let forms = sexpr::read(text, 0).map_err(|error| vec![*error])?;
    if forms.is_empty() {
        let here = Span { file: 0, start: 0, end: 0 };
        let error = Diagnostic::error("E0501", here, "there is no FPCore program in this file");
        return Err(vec![error.help("write `(FPCore (x) (+ x 1))`")]);
    }
    let mut cores = Vec::new();
    for form in &forms {
        let members = match form.list() {
            Some([head, members @ ..]) if head.atom() == Some("FPCore") => members,
            Some(_) | None => {
                let error = Diagnostic::error("E0501", form.span, "this is no FPCore program");
                let error = error.label("expected `(FPCore (..) ..)`");
                return Err(vec![error.help("begin each program with `(FPCore` and its parameters")]);
            }
        };
        let number = cores.len() + 1;
        cores.push(core(form.span, members, text, number, float));
    }
    Ok(cores)
}

/// The parts of one program.
#[derive(Default)]
struct Head<'s, 't> {
    identifier: Option<&'t str>,
    parameters: &'s [Sexpr<'t>],
    properties: Vec<(&'t str, &'s Sexpr<'t>)>,
}

impl<'s, 't> Head<'s, 't> {
    fn property(&self, name: &str) -> Option<&'s Sexpr<'t>> {
        self.properties.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
    }

    /// A property that is a string or an atom, on one line.
    fn text(&self, name: &str) -> Option<String> {
        match self.property(name)?.node {
            Node::Text(text) | Node::Atom(text) => {
                Some(text.split_whitespace().collect::<Vec<_>>().join(" "))
            }
            Node::List(_) => None,
        }
    }
}

fn core(span: Span, members: &[Sexpr<'_>], text: &str, number: usize, float: Option<&str>) -> Core {
    let mut names =
        Names::new(FUNCTIONS.iter().map(|f| f.ffl).chain(CONSTANTS.iter().map(|(name, _)| *name)));
    let mut writer =
        Writer { text, names: &mut names, errors: Vec::new(), scope: Vec::new(), constants: BTreeSet::new() };
    let (head, body) = match split(span, members) {
        Ok(parts) => parts,
        Err(error) => return Core { name: format!("program {number}"), program: Err(vec![*error]) },
    };
    let name = head
        .text(":name")
        .or_else(|| head.identifier.map(str::to_owned))
        .unwrap_or_else(|| format!("program {number}"));
    let program = writer.program(&head, body, float, span);
    let errors = writer.errors;
    Core { name, program: program.filter(|_| errors.is_empty()).ok_or(errors) }
}

/// Identifier, parameters, properties; and the body.
fn split<'s, 't>(
    span: Span,
    members: &'s [Sexpr<'t>],
) -> Result<(Head<'s, 't>, &'s Sexpr<'t>), Box<Diagnostic>> {
    let mut head = Head::default();
    let mut rest = members;
    if let [first, others @ ..] = rest
        && let Some(identifier) = first.atom()
    {
        head.identifier = Some(identifier);
        rest = others;
    }
    let missing = |what: &str| {
        Box::new(
            Diagnostic::error("E0501", span, format!("this FPCore program has no {what}"))
                .label(format!("no {what} in here"))
                .help("write `(FPCore (parameters ..) :property value .. body)`"),
        )
    };
    let [parameters, others @ ..] = rest else { return Err(missing("list of parameters")) };
    head.parameters = parameters.list().ok_or_else(|| missing("list of parameters"))?;
    rest = others;
    loop {
        match rest {
            [key, value, others @ ..] if key.atom().is_some_and(|key| key.starts_with(':')) => {
                head.properties.push((key.atom().unwrap_or_default(), value));
                rest = others;
            }
            [body] => return Ok((head, body)),
            [] => return Err(missing("body")),
            [_, extra, ..] => {
                return Err(Box::new(
                    Diagnostic::error("E0501", extra.span, "an FPCore program has one body")
                        .label("this comes after it")
                        .help("remove it, or put a property such as `:pre` before the body"),
                ));
            }
        }
    }
}

/// What an expression gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Real,
    Bool,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Kind::Real => "a number",
            Kind::Bool => "a truth value",
        }
    }

    fn ffl(self) -> &'static str {
        match self {
            Kind::Real => "Real",
            Kind::Bool => "bool",
        }
    }
}

/// How tightly the outermost operator of a text binds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    /// A block or an `if`.
    Block,
    Or,
    And,
    Compare,
    Sum,
    Product,
    Cast,
    Unary,
    Primary,
}

/// An expression of `.ffl`.
#[derive(Clone, Debug)]
struct Expr {
    text: String,
    level: Level,
    kind: Kind,
    /// Made of literals alone: `.ffl` would compute it exactly.
    exact: bool,
}

impl Expr {
    fn new(text: impl Into<String>, level: Level, kind: Kind) -> Self {
        Expr { text: text.into(), level, kind, exact: false }
    }

    /// As an operand of something that binds as tightly as `level`.
    fn at(&self, level: Level) -> String {
        if self.level < level { format!("({})", self.text) } else { self.text.clone() }
    }

    /// With the program's type, if it was a literal.
    fn typed(self) -> Expr {
        if self.exact {
            Expr::new(format!("{} as Real", self.at(Level::Cast)), Level::Cast, Kind::Real)
        } else {
            self
        }
    }

    fn is_name(&self) -> bool {
        self.text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    }
}

/// A function of FPCore that `.ffl` has.
struct Function {
    fpcore: &'static str,
    ffl: &'static str,
    operands: usize,
    gives: Kind,
}

const fn real(fpcore: &'static str, ffl: &'static str, operands: usize) -> Function {
    Function { fpcore, ffl, operands, gives: Kind::Real }
}

const fn test(fpcore: &'static str, ffl: &'static str) -> Function {
    Function { fpcore, ffl, operands: 1, gives: Kind::Bool }
}

const FUNCTIONS: &[Function] = &[
    real("fabs", "abs", 1),
    real("fma", "fma", 3),
    real("sqrt", "sqrt", 1),
    real("exp", "exp", 1),
    real("exp2", "exp2", 1),
    real("expm1", "expm1", 1),
    real("log", "ln", 1),
    real("log2", "log2", 1),
    real("log10", "log10", 1),
    real("log1p", "log1p", 1),
    real("pow", "pow", 2),
    real("cbrt", "cbrt", 1),
    real("hypot", "hypot", 2),
    real("sin", "sin", 1),
    real("cos", "cos", 1),
    real("tan", "tan", 1),
    real("asin", "asin", 1),
    real("acos", "acos", 1),
    real("atan", "atan", 1),
    real("atan2", "atan2", 2),
    real("sinh", "sinh", 1),
    real("cosh", "cosh", 1),
    real("tanh", "tanh", 1),
    real("erf", "erf", 1),
    real("fmax", "max", 2),
    real("fmin", "min", 2),
    real("copysign", "copysign", 2),
    real("remainder", "remainder", 2),
    real("ceil", "ceil", 1),
    real("floor", "floor", 1),
    real("trunc", "trunc", 1),
    real("round", "round", 1),
    real("nearbyint", "round_even", 1),
    test("isfinite", "is_finite"),
    test("isinf", "is_inf"),
    test("isnan", "is_nan"),
    test("isnormal", "is_normal"),
    test("signbit", "is_negative"),
];

/// What is bound to a name of FPCore.
struct Binding<'t> {
    fpcore: &'t str,
    ffl: String,
    kind: Kind,
}

/// What becomes of a precondition.
#[derive(Default)]
struct Conditions {
    /// For each parameter its range, or nothing.
    ranges: Vec<String>,
    /// Statements.
    required: Vec<String>,
    /// What has no counterpart.
    comments: String,
}

/// Writes one program; `None` where an error was noted.
struct Writer<'t, 'n> {
    text: &'t str,
    names: &'n mut Names,
    errors: Vec<Diagnostic>,
    scope: Vec<Binding<'t>>,
    /// Indices in [`CONSTANTS`] of those in use.
    constants: BTreeSet<usize>,
}

impl<'t> Writer<'t, '_> {
    fn error<T>(
        &mut self,
        code: &'static str,
        span: Span,
        message: String,
        label: &str,
        help: &str,
    ) -> Option<T> {
        self.errors.push(Diagnostic::error(code, span, message).label(label).help(help));
        None
    }

    fn program(
        &mut self,
        head: &Head<'_, 't>,
        body: &Sexpr<'t>,
        float: Option<&str>,
        span: Span,
    ) -> Option<String> {
        let float = match float {
            Some(float) => Some(float.to_owned()),
            None => self.float(head, span),
        };
        let parameters: Vec<&'t str> = head.parameters.iter().filter_map(|p| self.parameter(p)).collect();
        let mut renamed = String::new();
        for name in &parameters {
            let ffl = self.names.fresh(name);
            if ffl != *name {
                renamed += &format!("// The parameter {} is {name} in the FPCore program.\n", ffl);
            }
            self.scope.push(Binding { fpcore: name, ffl, kind: Kind::Real });
        }
        let Conditions { ranges, required, comments } = self.preconditions(head, &parameters);
        let mut lines = required;
        let result = self.body(body, &mut lines);
        let (float, result) = (float?, result?);
        let declared: Vec<String> = self
            .scope
            .iter()
            .zip(&ranges)
            .map(|(binding, range)| format!("{}: Real{range}", binding.ffl))
            .collect();
        let mut out = documentation(head);
        out += &renamed;
        out += &comments;
        out += &format!("type Real = {float};\n");
        for &index in &self.constants {
            let (name, value) = CONSTANTS[index];
            out += &format!("const {name}: Real = {value};\n");
        }
        out.push('\n');
        out += &description(head);
        let one_line = format!("fn main({}) -> {} {{\n", declared.join(", "), result.kind.ffl());
        if one_line.len() <= 100 {
            out += &one_line;
        } else {
            out += &format!("fn main(\n    {},\n) -> {} {{\n", declared.join(",\n    "), result.kind.ffl());
        }
        lines.push(result.text);
        lines.iter().for_each(|line| out += &format!("    {line}\n"));
        out += "}\n";
        Some(out)
    }

    /// The type that `:precision` and `:round` ask for.
    fn float(&mut self, head: &Head<'_, 't>, span: Span) -> Option<String> {
        let precision = head.property(":precision");
        let place = precision.map_or(span, |value| value.span);
        let widths = match precision.map(|value| (value.atom(), value.list())) {
            None | Some((Some("binary64"), _)) => (11, 53),
            Some((Some("binary16"), _)) => (5, 11),
            Some((Some("binary32"), _)) => (8, 24),
            Some((Some("binary80"), _)) => (15, 64),
            Some((Some("binary128"), _)) => (15, 113),
            Some((_, Some([kind, exponent, bits]))) if kind.atom() == Some("float") => {
                let number = |part: &Sexpr<'_>| part.atom().and_then(|atom| atom.parse::<u32>().ok());
                match (number(exponent), number(bits)) {
                    (Some(e @ 2..=15), Some(bits)) if (e + 2..=e + 113).contains(&bits) => (e, bits - e),
                    _ => return self.bad_precision(place),
                }
            }
            Some(_) => return self.bad_precision(place),
        };
        let direction = match head.property(":round").map(|value| (value.span, value.atom())) {
            None | Some((_, Some("nearestEven"))) => None,
            Some((_, Some("nearestAway"))) => Some("nearest_away"),
            Some((_, Some("toPositive"))) => Some("up"),
            Some((_, Some("toNegative"))) => Some("down"),
            Some((_, Some("toZero"))) => Some("toward_zero"),
            Some((span, _)) => {
                let message = "this rounding direction has no counterpart".to_owned();
                let help = "use nearestEven, nearestAway, toPositive, toNegative or toZero";
                return self.error("E0502", span, message, "an unknown direction", help);
            }
        };
        Some(match (widths, direction) {
            ((5, 11), None) => "f16".to_owned(),
            ((8, 24), None) => "f32".to_owned(),
            ((11, 53), None) => "f64".to_owned(),
            ((e, p), None) => format!("ieee<{e}, {p}>"),
            ((e, p), Some(direction)) => format!("ieee<{e}, {p}, {direction}>"),
        })
    }

    fn bad_precision<T>(&mut self, span: Span) -> Option<T> {
        let message = "this precision has no counterpart".to_owned();
        let help = "name a float type of .ffl with --float, such as --float f32";
        self.error("E0502", span, message, "not a binary floating-point format", help)
    }

    fn parameter(&mut self, part: &Sexpr<'t>) -> Option<&'t str> {
        match part.atom() {
            Some(name) if number::parse(name).is_none() && !self.scope.iter().any(|b| b.fpcore == name) => {
                Some(name)
            }
            Some(name) => {
                let message = format!("`{name}` cannot be the name of a parameter");
                self.error("E0501", part.span, message, "a number", "give it a name of letters")
            }
            None => {
                let message = "parameters with properties or dimensions have no counterpart".to_owned();
                let help = "give each parameter a plain name; arrays and mixed precisions cannot be imported";
                self.error("E0502", part.span, message, "expected a name", help)
            }
        }
    }

    /// A range for each parameter, requirements for what ranges cannot say, and comments for what `.ffl` cannot.
    fn preconditions(&mut self, head: &Head<'_, 't>, parameters: &[&'t str]) -> Conditions {
        let Some(pre) = head.property(":pre") else {
            return Conditions { ranges: vec![String::new(); parameters.len()], ..Conditions::default() };
        };
        let bounds = range::bounds(pre, parameters);
        let mut ranges = Vec::new();
        for (low, high) in &bounds.of {
            let bound = |this: &mut Self, part: &Sexpr<'t>| this.expression(part).map(|e| e.text);
            ranges.push(match (low, high) {
                (None, None) => String::new(),
                (low, high) => {
                    let low = low.map_or(Some("-Real::MAX".to_owned()), |part| bound(self, part));
                    let high = high.map_or(Some("Real::MAX".to_owned()), |part| bound(self, part));
                    low.zip(high).map_or(String::new(), |(low, high)| format!(" in [{low}, {high}]"))
                }
            });
        }
        let mut left = Conditions { ranges, ..Conditions::default() };
        for condition in bounds.rest {
            match self.requirement(condition) {
                Some(text) => left.required.push(format!("require({text});")),
                None => {
                    let text = one_line(&self.text[bytes(condition.span)]);
                    left.comments += &format!("// Precondition, not checked: {text}\n");
                }
            }
        }
        left
    }

    /// A condition as `.ffl`; none if it has no counterpart, which is no error here, or asks for the encoding of a number,
    /// which the check of a table over the real numbers does not know.
    fn requirement(&mut self, condition: &Sexpr<'t>) -> Option<String> {
        let errors = self.errors.len();
        let constants = self.constants.clone();
        let written = self.expression(condition).filter(|e| e.kind == Kind::Bool);
        let written = written.filter(|e| !e.text.contains("is_normal(") && self.errors.len() == errors);
        if written.is_none() {
            self.errors.truncate(errors);
            self.constants = constants;
        }
        written.map(|e| e.text)
    }

    /// The body of `main`: as [`Writer::tail`], and an `if` takes several lines.
    fn body(&mut self, part: &Sexpr<'t>, lines: &mut Vec<String>) -> Option<Expr> {
        let result = self.tail(part, lines)?;
        Some(match result.text.strip_prefix("if ") {
            Some(_) if result.text.len() > LONG_LINE => Expr { text: in_lines(&result.text), ..result },
            Some(_) | None => result,
        })
    }

    /// An expression in tail position: its bindings as statements in `lines`, its value as the result.
    fn tail(&mut self, part: &Sexpr<'t>, lines: &mut Vec<String>) -> Option<Expr> {
        match part.list() {
            Some([head, bindings, body]) if matches!(head.atom(), Some("let" | "let*")) => {
                let depth = self.scope.len();
                lines.extend(self.bindings(head.atom() == Some("let*"), bindings)?);
                let result = self.tail(body, lines);
                self.scope.truncate(depth);
                result
            }
            Some([head, rest @ .., body]) if head.atom() == Some("!") => {
                self.annotation(rest)?;
                self.tail(body, lines)
            }
            Some(_) | None => self.expression(part),
        }
    }

    fn expression(&mut self, part: &Sexpr<'t>) -> Option<Expr> {
        match &part.node {
            Node::Atom(atom) => self.atom(atom, part.span),
            Node::Text(_) => {
                let message = "strings are no values in FPCore".to_owned();
                self.error("E0501", part.span, message, "expected an expression", "remove the quotes")
            }
            Node::List(members) => match members.split_first() {
                Some((head, operands)) => match head.atom() {
                    Some(operator) => self.operation(operator, operands, head.span, part.span),
                    None => self.no_operator(head.span),
                },
                None => self.no_operator(part.span),
            },
        }
    }

    fn no_operator(&mut self, span: Span) -> Option<Expr> {
        let message = "expected an operator after the bracket".to_owned();
        self.error("E0501", span, message, "no operator", "write `(operator operands ..)`")
    }

    fn atom(&mut self, atom: &'t str, span: Span) -> Option<Expr> {
        if let Some(binding) = self.scope.iter().rev().find(|binding| binding.fpcore == atom) {
            return Some(Expr::new(binding.ffl.clone(), Level::Primary, binding.kind));
        }
        if let Some(number) = number::parse(atom) {
            return Some(literal(&number));
        }
        match atom {
            "TRUE" => return Some(Expr::new("true", Level::Primary, Kind::Bool)),
            "FALSE" => return Some(Expr::new("false", Level::Primary, Kind::Bool)),
            _ => {}
        }
        if let Some(index) = CONSTANTS.iter().position(|(name, _)| *name == atom) {
            self.constants.insert(index);
            return Some(Expr::new(atom, Level::Primary, Kind::Real));
        }
        let message = format!("`{atom}` is not bound here");
        self.error("E0503", span, message, "an unknown name", "make it a parameter, or bind it with `let`")
    }

    fn operation(
        &mut self,
        operator: &'t str,
        operands: &[Sexpr<'t>],
        place: Span,
        span: Span,
    ) -> Option<Expr> {
        match operator {
            "+" | "-" | "*" | "/" | "fmod" => self.arithmetic(operator, operands, span),
            "<" | "<=" | ">" | ">=" | "==" | "!=" => self.comparison(operator, operands, span),
            "and" | "or" => self.junction(operator, operands),
            "not" => {
                let [operand] = self.counted(operator, operands, Kind::Bool, span)?;
                Some(Expr::new(format!("!{}", operand.at(Level::Unary)), Level::Unary, Kind::Bool))
            }
            "if" => self.choice(operands, span),
            "let" | "let*" => {
                let [bindings, body] = operands else { return self.count(operator, 2, operands.len(), span) };
                let depth = self.scope.len();
                let mut lines = self.bindings(operator == "let*", bindings)?;
                let result = self.tail(body, &mut lines);
                self.scope.truncate(depth);
                let result = result?.typed();
                let text = format!("{{ {} {} }}", lines.join(" "), result.text);
                Some(Expr::new(text, Level::Block, result.kind))
            }
            "!" => {
                let Some((body, properties)) = operands.split_last() else {
                    return self.count(operator, 1, 0, span);
                };
                self.annotation(properties)?;
                self.expression(body)
            }
            "cast" => {
                let [operand] = self.counted(operator, operands, Kind::Real, span)?;
                Some(operand.typed())
            }
            _ => self.call(operator, operands, place, span),
        }
    }

    /// Operands of one kind, as many as the pattern at the call has.
    fn counted<const N: usize>(
        &mut self,
        operator: &str,
        operands: &[Sexpr<'t>],
        kind: Kind,
        span: Span,
    ) -> Option<[Expr; N]> {
        if operands.len() != N {
            return self.count(operator, N, operands.len(), span);
        }
        self.all(operands, kind)?.try_into().ok()
    }

    fn count<T>(&mut self, operator: &str, expected: usize, found: usize, span: Span) -> Option<T> {
        let message = format!("`{operator}` takes {expected} operands, found {found}");
        self.error("E0501", span, message, "the wrong number of operands", "add or remove operands")
    }

    /// All operands, of kind `kind`; every wrong one is reported.
    fn all(&mut self, operands: &[Sexpr<'t>], kind: Kind) -> Option<Vec<Expr>> {
        let found: Vec<Option<Expr>> = operands.iter().map(|operand| self.of_kind(operand, kind)).collect();
        found.into_iter().collect()
    }

    fn of_kind(&mut self, operand: &Sexpr<'t>, kind: Kind) -> Option<Expr> {
        let expr = self.expression(operand)?;
        if expr.kind == kind {
            return Some(expr);
        }
        let message = format!("expected {}, found {}", kind.name(), expr.kind.name());
        let help = "use comparisons where a truth value is needed, and only there";
        self.error("E0504", operand.span, message, "of the wrong kind", help)
    }

    fn arithmetic(&mut self, operator: &'t str, operands: &[Sexpr<'t>], span: Span) -> Option<Expr> {
        if operator == "-" && operands.len() == 1 {
            let [operand] = self.counted(operator, operands, Kind::Real, span)?;
            let exact = operand.exact;
            return Some(Expr {
                exact,
                ..Expr::new(format!("-{}", operand.at(Level::Unary)), Level::Unary, Kind::Real)
            });
        }
        let [a, b] = self.counted(operator, operands, Kind::Real, span)?;
        let a = if b.exact { a.typed() } else { a };
        let (sign, level, next) = match operator {
            "+" => ("+", Level::Sum, Level::Product),
            "-" => ("-", Level::Sum, Level::Product),
            "*" => ("*", Level::Product, Level::Cast),
            "/" => ("/", Level::Product, Level::Cast),
            _ => ("%", Level::Product, Level::Cast),
        };
        Some(Expr::new(format!("{} {sign} {}", a.at(level), b.at(next)), level, Kind::Real))
    }

    /// `(< a b c)` holds if every neighbouring pair does, `(!= a b c)` if every pair does.
    fn comparison(&mut self, operator: &'t str, operands: &[Sexpr<'t>], span: Span) -> Option<Expr> {
        if operands.len() < 2 {
            return self.count(operator, 2, operands.len(), span);
        }
        let mut parts = self.all(operands, Kind::Real)?;
        let mut lets = String::new();
        if parts.iter().all(|part| part.exact) {
            parts[0] = parts[0].clone().typed();
        }
        if parts.len() > 2 {
            for part in parts.iter_mut().filter(|part| !part.is_name() && !part.exact) {
                let name = self.names.fresh("compared");
                lets += &format!("let {name}: Real = {}; ", part.text);
                *part = Expr::new(name, Level::Primary, Kind::Real);
            }
        }
        let pairs: Vec<(usize, usize)> = match operator {
            "!=" => (0..parts.len()).flat_map(|i| (i + 1..parts.len()).map(move |j| (i, j))).collect(),
            _ => (1..parts.len()).map(|i| (i - 1, i)).collect(),
        };
        let compared: Vec<String> = pairs
            .into_iter()
            .map(|(i, j)| {
                let (mut a, b) = (parts[i].clone(), &parts[j]);
                if b.exact {
                    a = a.typed();
                }
                format!("{} {operator} {}", a.at(Level::Sum), b.at(Level::Sum))
            })
            .collect();
        let level = if compared.len() == 1 { Level::Compare } else { Level::And };
        let text = compared.join(" && ");
        Some(match lets.is_empty() {
            true => Expr::new(text, level, Kind::Bool),
            false => Expr::new(format!("{{ {lets}{text} }}"), Level::Block, Kind::Bool),
        })
    }

    fn junction(&mut self, operator: &'t str, operands: &[Sexpr<'t>]) -> Option<Expr> {
        let parts = self.all(operands, Kind::Bool)?;
        let (sign, level, next) = if operator == "and" {
            (" && ", Level::And, Level::Compare)
        } else {
            (" || ", Level::Or, Level::And)
        };
        let mut parts = parts.into_iter();
        let Some(first) = parts.next() else {
            let neutral = if operator == "and" { "true" } else { "false" };
            return Some(Expr::new(neutral, Level::Primary, Kind::Bool));
        };
        Some(
            parts.fold(first, |a, b| {
                Expr::new(format!("{}{sign}{}", a.at(level), b.at(next)), level, Kind::Bool)
            }),
        )
    }

    fn choice(&mut self, operands: &[Sexpr<'t>], span: Span) -> Option<Expr> {
        let [condition, yes, no] = operands else { return self.count("if", 3, operands.len(), span) };
        let condition = self.of_kind(condition, Kind::Bool);
        let yes = self.expression(yes);
        let kind = yes.as_ref().map_or(Kind::Real, |yes| yes.kind);
        let no = if yes.is_some() { self.of_kind(no, kind) } else { self.expression(no) };
        let (condition, yes, no) = (condition?, yes?, no?);
        let yes = if no.exact { yes.typed() } else { yes };
        let text = format!("if {} {{ {} }} else {{ {} }}", condition.at(Level::Or), yes.text, no.text);
        Some(Expr::new(text, Level::Block, kind))
    }

    /// The statements that bind `bindings`; the names are in scope from here on.
    fn bindings(&mut self, in_turn: bool, bindings: &Sexpr<'t>) -> Option<Vec<String>> {
        let Some(pairs) = bindings.list() else {
            let message = "expected the bindings of `let`".to_owned();
            return self.error(
                "E0501",
                bindings.span,
                message,
                "no list",
                "write `(let ([name value] ..) body)`",
            );
        };
        let mut lines = Vec::new();
        let mut bound: Vec<Binding<'t>> = Vec::new();
        let mut failed = false;
        for pair in pairs {
            let Some([name, value]) = pair.list() else {
                let message = "expected a binding".to_owned();
                self.error::<()>(
                    "E0501",
                    pair.span,
                    message,
                    "not a name and a value",
                    "write `[name value]`",
                );
                failed = true;
                continue;
            };
            let Some(fpcore) = name.atom().filter(|name| number::parse(name).is_none()) else {
                let message = "expected a name to bind".to_owned();
                self.error::<()>("E0501", name.span, message, "no name", "write `[name value]`");
                failed = true;
                continue;
            };
            let Some(value) = self.expression(value) else {
                failed = true;
                continue;
            };
            let ffl = self.names.fresh(fpcore);
            lines.push(format!("let {ffl}: {} = {};", value.kind.ffl(), value.text));
            bound.push(Binding { fpcore, ffl, kind: value.kind });
            if in_turn {
                self.scope.append(&mut bound);
            }
        }
        self.scope.append(&mut bound);
        (!failed).then_some(lines)
    }

    /// Properties of `(! .. body)`: those that change no result.
    fn annotation(&mut self, properties: &[Sexpr<'t>]) -> Option<()> {
        for pair in properties.chunks(2) {
            let key = pair[0].atom().unwrap_or_default();
            if matches!(key, ":precision" | ":round" | ":math-library") || !key.starts_with(':') {
                let message =
                    "a change of precision or rounding inside a program has no counterpart".to_owned();
                let help = "give the whole program one `:precision`";
                return self.error("E0502", pair[0].span, message, "only part of the program", help);
            }
        }
        Some(())
    }

    fn call(&mut self, operator: &'t str, operands: &[Sexpr<'t>], place: Span, span: Span) -> Option<Expr> {
        let Some(function) = FUNCTIONS.iter().find(|function| function.fpcore == operator) else {
            let (message, help) = match operator {
                "while" | "while*" | "for" | "for*" => {
                    ("loops have no counterpart", "unroll it: FPBench's transform tool can")
                }
                "tensor" | "tensor*" | "array" | "dim" | "size" | "ref" => {
                    ("arrays have no counterpart", "write out the elements")
                }
                _ => ("no function of this name can be imported", "write it out in terms of others"),
            };
            return self.error("E0502", place, format!("`{operator}`: {message}"), "not supported", help);
        };
        if operands.len() != function.operands {
            return self.count(operator, function.operands, operands.len(), span);
        }
        let mut parts = self.all(operands, Kind::Real)?;
        if parts.iter().all(|part| part.exact) {
            parts[0] = parts[0].clone().typed();
        }
        let parts: Vec<String> = parts.into_iter().map(|part| part.text).collect();
        Some(Expr::new(format!("{}({})", function.ffl, parts.join(", ")), Level::Primary, function.gives))
    }
}

/// A number as `.ffl` writes it; a negative zero needs its type before its sign.
fn literal(number: &number::Number) -> Expr {
    let sign = if number.negative { "-" } else { "" };
    match &number.divisor {
        _ if number.negative && number.is_zero() => {
            Expr::new(format!("-({} as Real)", number.text), Level::Unary, Kind::Real)
        }
        None => {
            let level = if number.negative { Level::Unary } else { Level::Primary };
            Expr { exact: true, ..Expr::new(format!("{sign}{}", number.text), level, Kind::Real) }
        }
        Some(under) => {
            let text = format!("{sign}{} / {under}", number.text);
            Expr { exact: true, ..Expr::new(text, Level::Product, Kind::Real) }
        }
    }
}

fn documentation(head: &Head<'_, '_>) -> String {
    let cited = head.property(":cite").and_then(Sexpr::list).unwrap_or_default();
    let cited: Vec<&str> = cited.iter().filter_map(Sexpr::atom).collect();
    match cited.is_empty() {
        true => "// Imported from FPCore.\n".to_owned(),
        false => format!("// Imported from FPCore; cites {}.\n", cited.join(", ")),
    }
}

/// The doc comment of `main`.
fn description(head: &Head<'_, '_>) -> String {
    let name = head.text(":name").or_else(|| head.identifier.map(str::to_owned));
    let lines = [name, head.text(":description")];
    lines.into_iter().flatten().map(|line| format!("/// {line}\n")).collect()
}

/// Longest `if` that stays on one line.
const LONG_LINE: usize = 90;

/// An `if` of one line with each of its sides on a line of its own.
fn in_lines(text: &str) -> String {
    let mut out = String::new();
    let mut depth = 0_usize;
    let mut brackets = 0_usize;
    for c in text.chars() {
        match c {
            '(' => brackets += 1,
            ')' => brackets = brackets.saturating_sub(1),
            '{' if brackets == 0 => {
                depth += 1;
                out += &format!("{{\n{}", "    ".repeat(depth + 1));
                continue;
            }
            '}' if brackets == 0 => {
                depth = depth.saturating_sub(1);
                out.truncate(out.trim_end().len());
                out += &format!("\n{}}}", "    ".repeat(depth + 1));
                continue;
            }
            ' ' if out.ends_with("    ") && brackets == 0 => continue,
            _ => {}
        }
        out.push(c);
    }
    out
}

fn bytes(span: Span) -> std::ops::Range<usize> {
    span.start as usize..span.end as usize
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
