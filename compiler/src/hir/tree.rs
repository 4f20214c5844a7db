//! The typed tree of one function instance. After [`super::check`] has finished it, no type holds a variable.

use std::rc::Rc;

use num_bigint::BigUint;

use super::exact::Exact;
use super::scope::ItemId;
use super::types::Ty;
use crate::gadgets::format::Scalar;
use crate::source::Span;
use crate::syntax::ast::{BinaryOp, LiteralForm, UnaryOp};

/// Index of a local variable in its function.
pub(crate) type LocalId = usize;

/// An expression with its type.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub span: Span,
    pub ty: Ty,
    pub kind: Kind,
}

/// The kinds of typed expressions.
#[derive(Clone, Debug)]
pub(crate) enum Kind {
    /// A literal with its sign; exact until the type is known.
    Number {
        value: Exact,
        form: LiteralForm,
    },
    /// A constant of the node's scalar type.
    Bits(BigUint),
    /// A literal of the node's scalar type, and its encoding.
    Literal {
        value: Rc<Exact>,
        bits: BigUint,
    },
    /// A compile-time value.
    Exact(Rc<Exact>),
    /// `T::MAX`, `T::MIN_POSITIVE`.
    Limit {
        ty: Scalar,
        smallest: bool,
    },
    /// A local variable.
    Local(LocalId),
    /// A `const` item.
    Const(ItemId),
    /// A compile-time integer that becomes what the node's type says.
    Coerce(Box<Node>),
    Unary {
        op: UnaryOp,
        operand: Box<Node>,
    },
    Binary {
        op: BinaryOp,
        left: Box<Node>,
        right: Box<Node>,
    },
    Cast(Box<Node>),
    If {
        condition: Box<Node>,
        then: Box<Node>,
        otherwise: Option<Box<Node>>,
        assigned: Rc<[LocalId]>,
    },
    Block {
        statements: Vec<Statement>,
        value: Option<Box<Node>>,
    },
    /// A call of a function instance; `callee` is set when the function is finished.
    Call {
        item: ItemId,
        generics: Vec<(String, Argument)>,
        args: Vec<Node>,
        callee: Option<usize>,
    },
    Builtin {
        function: Builtin,
        args: Vec<Node>,
    },
    Index {
        base: Box<Node>,
        index: Box<Node>,
    },
    Array(Vec<Node>),
    Repeat {
        value: Box<Node>,
        length: Box<Node>,
    },
    Comprehension {
        value: Box<Node>,
        variable: LocalId,
        from: Box<Node>,
        to: Box<Node>,
        inclusive: bool,
    },
    Tuple(Vec<Node>),
    /// An error was reported.
    Error,
}

/// A generic argument.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Argument {
    /// For `T`.
    Type(Ty),
    /// For `const N`.
    Const(super::types::Len),
}

/// A statement.
#[derive(Clone, Debug)]
pub(crate) enum Statement {
    Let {
        pattern: Pattern,
        value: Node,
    },
    /// `local[i][j] op= value`; `place` is the type of what is assigned.
    Assign {
        local: LocalId,
        indices: Vec<Node>,
        op: Option<BinaryOp>,
        value: Node,
        place: Ty,
        span: Span,
    },
    For {
        variable: LocalId,
        from: Node,
        to: Node,
        inclusive: bool,
        body: Node,
    },
    Run(Node),
}

/// The left side of a `let`.
#[derive(Clone, Debug)]
pub(crate) enum Pattern {
    Name(LocalId),
    Tuple(Vec<Pattern>),
    Ignore,
}

/// Functions that the compiler itself knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Builtin {
    Abs,
    Neg,
    Min,
    Max,
    Minimum,
    Maximum,
    Remainder,
    Fma,
    Sqrt,
    Floor,
    Ceil,
    Round,
    RoundEven,
    Trunc,
    Select,
    Sign,
    Exponent,
    Significand,
    Scale2,
    IsNan,
    IsInf,
    IsFinite,
    IsNegative,
    IsZero,
    IsSubnormal,
    IsNormal,
    CopySign,
    Bits,
    FromBits,
    Sum,
    Dot,
    Len,
    /// `require(condition)`: what a row of the table must meet.
    Require,
    /// `minimax(series, terms, degree, unit)`, for the library.
    Minimax,
    /// `largest_difference(series, polynomials, terms)`, for the library.
    LargestDifference,
    /// `sign_minimax(low, high, degree, unit)`, for the library.
    SignMinimax,
    /// `evaluated(method, degree, segments, widths, error)`, for the library.
    Evaluated,
    /// `proven(ulp)`, for the library.
    Proven,
    /// `lower_bound(x)`, for the library.
    LowerBound,
    /// `upper_bound(x)`, for the library.
    UpperBound,
}

impl Builtin {
    /// All with their names and numbers of arguments.
    pub(crate) const ALL: [(&'static str, Builtin, usize); 40] = [
        ("abs", Builtin::Abs, 1),
        ("neg", Builtin::Neg, 1),
        ("min", Builtin::Min, 2),
        ("max", Builtin::Max, 2),
        ("minimum", Builtin::Minimum, 2),
        ("maximum", Builtin::Maximum, 2),
        ("remainder", Builtin::Remainder, 2),
        ("fma", Builtin::Fma, 3),
        ("sqrt", Builtin::Sqrt, 1),
        ("floor", Builtin::Floor, 1),
        ("ceil", Builtin::Ceil, 1),
        ("round", Builtin::Round, 1),
        ("round_even", Builtin::RoundEven, 1),
        ("trunc", Builtin::Trunc, 1),
        ("select", Builtin::Select, 3),
        ("sign", Builtin::Sign, 1),
        ("exponent", Builtin::Exponent, 1),
        ("significand", Builtin::Significand, 1),
        ("scale2", Builtin::Scale2, 2),
        ("is_nan", Builtin::IsNan, 1),
        ("is_inf", Builtin::IsInf, 1),
        ("is_finite", Builtin::IsFinite, 1),
        ("is_negative", Builtin::IsNegative, 1),
        ("is_zero", Builtin::IsZero, 1),
        ("is_subnormal", Builtin::IsSubnormal, 1),
        ("is_normal", Builtin::IsNormal, 1),
        ("copysign", Builtin::CopySign, 2),
        ("bits", Builtin::Bits, 1),
        ("from_bits", Builtin::FromBits, 1),
        ("sum", Builtin::Sum, 1),
        ("dot", Builtin::Dot, 2),
        ("len", Builtin::Len, 1),
        ("require", Builtin::Require, 1),
        ("minimax", Builtin::Minimax, 4),
        ("largest_difference", Builtin::LargestDifference, 3),
        ("sign_minimax", Builtin::SignMinimax, 4),
        ("evaluated", Builtin::Evaluated, 5),
        ("proven", Builtin::Proven, 1),
        ("lower_bound", Builtin::LowerBound, 1),
        ("upper_bound", Builtin::UpperBound, 1),
    ];

    /// The builtin of a name, with its number of arguments.
    pub(crate) fn named(name: &str) -> Option<(Builtin, usize)> {
        Self::ALL.iter().find(|(known, ..)| *known == name).map(|(_, function, arity)| (*function, *arity))
    }
}
