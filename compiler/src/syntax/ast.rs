//! The syntax tree, as written; nothing is resolved here.
#![allow(missing_docs, reason = "the fields of a variant are named in the example above it")]

use num_bigint::BigUint;
use num_rational::Ratio;

use crate::source::Span;

/// A whole file.
#[derive(Clone, Debug, PartialEq)]
pub struct Module {
    /// Which file.
    pub file: u32,
    /// Its contents.
    pub body: Body,
}

/// The two shapes of a file.
#[derive(Clone, Debug, PartialEq)]
pub enum Body {
    /// A single expression whose free variables are its inputs.
    Expression(Expr),
    /// Items, with `main` as the entry.
    Items(Vec<Item>),
}

/// A name with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ident {
    /// The text.
    pub name: String,
    /// Where.
    pub span: Span,
}

/// A top-level item. `doc` is the text of its `///` lines, joined by newlines.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    /// Doc comment.
    pub doc: String,
    /// From its first keyword to its end.
    pub span: Span,
    /// What it is.
    pub kind: ItemKind,
}

/// The kinds of items.
#[derive(Clone, Debug, PartialEq)]
pub enum ItemKind {
    /// `use std::ml;` (segments) or `use "path.ffl";`
    Use(UsePath),
    /// `const NAME: T = value;`
    Const { name: Ident, ty: Type, value: Expr },
    /// `type Name = T;`
    Type { name: Ident, ty: Type },
    /// `fn name<G>(params) -> result { body }`
    Fn(Function),
    /// Text that did not parse; a diagnostic was reported.
    Error,
}

/// The argument of `use`.
#[derive(Clone, Debug, PartialEq)]
pub enum UsePath {
    /// `std::ml`
    Library(Vec<Ident>),
    /// `"models/weights.ffl"`
    File { path: String, span: Span },
}

/// A function.
#[derive(Clone, Debug, PartialEq)]
pub struct Function {
    /// Its name.
    pub name: Ident,
    /// `<T: float, const N: int>`
    pub generics: Vec<Generic>,
    /// Parameters.
    pub params: Vec<Param>,
    /// The result; a function without `->` has the empty tuple.
    pub result: ResultType,
    /// The body; always `ExprKind::Block`.
    pub body: Expr,
}

/// One generic parameter.
#[derive(Clone, Debug, PartialEq)]
pub enum Generic {
    /// `T: float`; without a bound it is `any`.
    Type { name: Ident, bound: Option<Ident> },
    /// `const N: int`
    Const { name: Ident, ty: Type },
}

/// One parameter.
#[derive(Clone, Debug, PartialEq)]
pub struct Param {
    /// `public name: T`
    pub public: bool,
    /// Its name.
    pub name: Ident,
    /// Its type.
    pub ty: Type,
    /// `in [lo, hi]`
    pub range: Option<(Expr, Expr)>,
    /// The whole parameter.
    pub span: Span,
}

/// A result: `-> T`, or named `-> (risk: f16, alarm: bool)`.
#[derive(Clone, Debug, PartialEq)]
pub struct ResultType {
    /// The type; named results are `TypeKind::Tuple`.
    pub ty: Type,
    /// The names, if the results are named (as many as tuple members).
    pub names: Option<Vec<Ident>>,
}

/// A type as written.
#[derive(Clone, Debug, PartialEq)]
pub struct Type {
    /// Where.
    pub span: Span,
    /// What.
    pub kind: TypeKind,
}

/// The kinds of types as written.
#[derive(Clone, Debug, PartialEq)]
pub enum TypeKind {
    /// `f16`, `bool`, `T`, `Weights`; with arguments `float<5, 11>`, `fixed<T::EXPONENT_BITS + 2, 9>`,
    /// `ieee<8, 24, toward_zero>`. An argument is parsed as an expression; a bare name is `ExprKind::Path`.
    Name { name: Ident, args: Vec<Expr> },
    /// `[T; n]`
    Array { element: Box<Type>, length: Box<Expr> },
    /// `(A, B)`; `()` is the empty tuple.
    Tuple(Vec<Type>),
    /// Did not parse.
    Error,
}

/// An expression.
#[derive(Clone, Debug, PartialEq)]
pub struct Expr {
    /// Where.
    pub span: Span,
    /// What.
    pub kind: ExprKind,
}

/// How a literal was written; decides which inexactness is worth a warning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LiteralForm {
    /// `17`, `0x11`, `1_000`
    Integer,
    /// `1.5`, `2e-3`
    Decimal,
    /// `0x1.8p3`
    HexFloat,
}

/// The kinds of expressions.
#[derive(Clone, Debug, PartialEq)]
pub enum ExprKind {
    /// A number; literals carry no sign. The value is exact.
    Number { value: Ratio<BigUint>, form: LiteralForm },
    /// `true`, `false`
    Bool(bool),
    /// `x`, or `T::PRECISION` with two or more segments.
    Path(Vec<Ident>),
    /// `-x`, `!x`
    Unary { op: UnaryOp, operand: Box<Expr> },
    /// `a + b`; `op_span` is the operator itself.
    Binary { op: BinaryOp, op_span: Span, left: Box<Expr>, right: Box<Expr> },
    /// `x as T`
    Cast { operand: Box<Expr>, ty: Type },
    /// `if c { a } else { b }`; both branches are `Block`s, an `else if` is an `If`.
    If { condition: Box<Expr>, then: Box<Expr>, otherwise: Option<Box<Expr>> },
    /// `{ statements; value }`. A block or `if` at the end, without `;`, is the value where one of its branches ends
    /// in a value, and else a statement.
    Block { statements: Vec<Statement>, value: Option<Box<Expr>> },
    /// `f(a, b)`, with an attribute such as `#[approx(taylor, degree = 9)]` before it.
    Call { function: Ident, args: Vec<Expr>, attributes: Vec<Attribute> },
    /// `a[i]`
    Index { base: Box<Expr>, index: Box<Expr> },
    /// `[a, b]`
    Array(Vec<Expr>),
    /// `[v; n]`
    Repeat { value: Box<Expr>, length: Box<Expr> },
    /// `[f(i) for i in 0..n]`
    Comprehension { value: Box<Expr>, variable: Ident, from: Box<Expr>, to: Box<Expr>, inclusive: bool },
    /// `(a, b)`; one in brackets is just the expression.
    Tuple(Vec<Expr>),
    /// Did not parse; a diagnostic was reported.
    Error,
}

/// `#[name(args)]`
#[derive(Clone, Debug, PartialEq)]
pub struct Attribute {
    /// `approx`
    pub name: Ident,
    /// `taylor` (no value) and `degree = 9`.
    pub args: Vec<(Ident, Option<Expr>)>,
    /// The whole attribute.
    pub span: Span,
}

/// Prefix operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum UnaryOp {
    /// `-`
    Neg,
    /// `!`
    Not,
}

/// Infix operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BinaryOp {
    /// `*`
    Mul,
    /// `/`
    Div,
    /// `%`
    Rem,
    /// `+`
    Add,
    /// `-`
    Sub,
    /// `<<`
    Shl,
    /// `>>`
    Shr,
    /// `&`
    BitAnd,
    /// `^`
    BitXor,
    /// `|`
    BitOr,
    /// `<`
    Lt,
    /// `<=`
    Le,
    /// `>`
    Gt,
    /// `>=`
    Ge,
    /// `==`
    Eq,
    /// `!=`
    Ne,
    /// `&&`
    And,
    /// `||`
    Or,
}

/// A statement of a block.
#[derive(Clone, Debug, PartialEq)]
pub struct Statement {
    /// Where.
    pub span: Span,
    /// What.
    pub kind: StatementKind,
}

/// The kinds of statements.
#[derive(Clone, Debug, PartialEq)]
pub enum StatementKind {
    /// `let mut x: T = value;`
    Let { mutable: bool, pattern: Pattern, ty: Option<Type>, value: Expr },
    /// `x = value;`, `x[i] += value;`; `op` is `None` for plain `=`. The target is a path or an index.
    Assign { target: Expr, op: Option<BinaryOp>, value: Expr },
    /// `for i in a..b { .. }` (`inclusive` for `..=`); the body is a `Block`.
    For { variable: Ident, from: Expr, to: Expr, inclusive: bool, body: Expr },
    /// An expression evaluated for its assignments: a block, or an `if` without value.
    Expr(Expr),
}

/// The left side of a `let`.
#[derive(Clone, Debug, PartialEq)]
pub enum Pattern {
    /// `x`
    Name(Ident),
    /// `(a, b)`
    Tuple(Vec<Pattern>, Span),
    /// `_`
    Ignore(Span),
}
