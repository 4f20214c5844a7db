//! Compile-time numbers: exact rationals, bounded in size so that no program can exhaust the machine with them.

use num_bigint::{BigInt, BigUint};
use num_rational::Ratio;
use num_traits::{Signed as _, ToPrimitive as _, Zero as _};

use crate::source::Span;
use crate::syntax::ast::{BinaryOp, Expr, ExprKind, Ident, UnaryOp};

/// An exact compile-time number.
pub(crate) type Exact = Ratio<BigInt>;

/// Largest numerator and denominator of a compile-time number, in bits.
pub(crate) const MAX_EXACT_BITS: u64 = 16_384;

/// Why an exact operation has no result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ExactError {
    /// Division or remainder by zero.
    DivisionByZero,
    /// More than [`MAX_EXACT_BITS`].
    TooLarge,
    /// A bit operation on a number with a fraction, or a shift by a negative amount.
    NotWhole,
}

/// The value of an unsigned literal.
pub(crate) fn from_unsigned(value: &Ratio<BigUint>) -> Exact {
    Ratio::new_raw(BigInt::from(value.numer().clone()), BigInt::from(value.denom().clone()))
}

/// A whole number as `i64`.
pub(crate) fn to_i64(value: &Exact) -> Option<i64> {
    if value.is_integer() { value.numer().to_i64() } else { None }
}

/// How messages show a number: short ones in full, long ones by size.
pub(crate) fn show(value: &Exact) -> String {
    if value.numer().bits().max(value.denom().bits()) > 200 {
        return format!("a number of {} bits", value.numer().bits() + value.denom().bits());
    }
    if value.is_integer() { value.numer().to_string() } else { decimal(value) }
}

/// A short decimal if it is one exactly, else `p/q`.
fn decimal(value: &Exact) -> String {
    let mut scaled = value.clone();
    for digits in 1..=30_usize {
        scaled *= BigInt::from(10);
        if scaled.is_integer() {
            let magnitude = scaled.numer().abs().to_string();
            let padded = format!("{magnitude:0>width$}", width = digits + 1);
            let (whole, fraction) = padded.split_at(padded.len() - digits);
            let sign = if value.is_negative() { "-" } else { "" };
            return format!("{sign}{whole}.{fraction}");
        }
    }
    format!("{}/{}", value.numer(), value.denom())
}

fn bounded(value: Exact) -> Result<Exact, ExactError> {
    if value.numer().bits().max(value.denom().bits()) > MAX_EXACT_BITS {
        Err(ExactError::TooLarge)
    } else {
        Ok(value)
    }
}

/// `a op b` for the arithmetic and bit operators. `whole` says that the type is the compile-time `int`, whose
/// division truncates.
pub(crate) fn arithmetic(
    op: BinaryOp,
    a: &Exact,
    b: &Exact,
    whole: bool,
) -> Option<Result<Exact, ExactError>> {
    let result = match op {
        BinaryOp::Add => a + b,
        BinaryOp::Sub => a - b,
        BinaryOp::Mul => a * b,
        BinaryOp::Div | BinaryOp::Rem if b.is_zero() => return Some(Err(ExactError::DivisionByZero)),
        BinaryOp::Div if whole => (a / b).trunc(),
        BinaryOp::Div => a / b,
        BinaryOp::Rem => a - (a / b).trunc() * b,
        BinaryOp::Shl | BinaryOp::Shr => return Some(shift(op, a, b)),
        BinaryOp::BitAnd | BinaryOp::BitXor | BinaryOp::BitOr => {
            if !a.is_integer() || !b.is_integer() {
                return Some(Err(ExactError::NotWhole));
            }
            Ratio::from_integer(if op == BinaryOp::BitAnd {
                a.numer() & b.numer()
            } else if op == BinaryOp::BitXor {
                a.numer() ^ b.numer()
            } else {
                a.numer() | b.numer()
            })
        }
        BinaryOp::Lt
        | BinaryOp::Le
        | BinaryOp::Gt
        | BinaryOp::Ge
        | BinaryOp::Eq
        | BinaryOp::Ne
        | BinaryOp::And
        | BinaryOp::Or => return None,
    };
    Some(bounded(result))
}

fn shift(op: BinaryOp, a: &Exact, b: &Exact) -> Result<Exact, ExactError> {
    if !a.is_integer() || !b.is_integer() || b.is_negative() {
        return Err(ExactError::NotWhole);
    }
    let amount = b.numer().to_u64().unwrap_or(u64::MAX).min(2 * MAX_EXACT_BITS);
    if op == BinaryOp::Shr {
        return Ok(Ratio::from_integer(a.numer() >> amount));
    }
    if a.is_zero() {
        return Ok(a.clone());
    }
    bounded(Ratio::from_integer(a.numer() << amount))
}

/// `a op b` for the comparisons.
pub(crate) fn compare(op: BinaryOp, a: &Exact, b: &Exact) -> Option<bool> {
    match op {
        BinaryOp::Lt => Some(a < b),
        BinaryOp::Le => Some(a <= b),
        BinaryOp::Gt => Some(a > b),
        BinaryOp::Ge => Some(a >= b),
        BinaryOp::Eq => Some(a == b),
        BinaryOp::Ne => Some(a != b),
        BinaryOp::Mul
        | BinaryOp::Div
        | BinaryOp::Rem
        | BinaryOp::Add
        | BinaryOp::Sub
        | BinaryOp::Shl
        | BinaryOp::Shr
        | BinaryOp::BitAnd
        | BinaryOp::BitXor
        | BinaryOp::BitOr
        | BinaryOp::And
        | BinaryOp::Or => None,
    }
}

/// What a constant expression of a type or a length may refer to.
pub(crate) trait Names {
    /// The value of a path such as `N` or `T::PRECISION`.
    fn constant(&mut self, path: &[Ident]) -> Option<Exact>;
    /// `len(argument)`.
    fn length(&mut self, argument: &Expr) -> Option<Exact>;
}

/// The value of a compile-time integer expression of a type, or none if it is not one; the error has its place.
pub(crate) fn evaluate(
    expr: &Expr,
    names: &mut dyn Names,
    depth: u32,
) -> Option<Result<Exact, (Span, ExactError)>> {
    if depth == 0 {
        return None;
    }
    let depth = depth - 1;
    match &expr.kind {
        ExprKind::Number { value, .. } => Some(Ok(from_unsigned(value))),
        ExprKind::Path(path) => names.constant(path).map(Ok),
        ExprKind::Unary { op: UnaryOp::Neg, operand } => {
            Some(evaluate(operand, names, depth)?.map(|value| -value))
        }
        ExprKind::Binary { op, left, right, .. } => {
            let (a, b) = (evaluate(left, names, depth)?, evaluate(right, names, depth)?);
            let (a, b) = match (a, b) {
                (Ok(a), Ok(b)) => (a, b),
                (Err(error), _) | (_, Err(error)) => return Some(Err(error)),
            };
            let whole = a.is_integer() && b.is_integer();
            Some(arithmetic(*op, &a, &b, whole)?.map_err(|error| (expr.span, error)))
        }
        ExprKind::Call { function, args, .. } => match (function.name.as_str(), args.as_slice()) {
            ("len", [array]) => names.length(array).map(Ok),
            ("min" | "max", [a, b]) => {
                let (a, b) = (evaluate(a, names, depth)?, evaluate(b, names, depth)?);
                let (Ok(a), Ok(b)) = (a, b) else { return None };
                Some(Ok(if function.name == "min" { a.min(b) } else { a.max(b) }))
            }
            _ => None,
        },
        ExprKind::Block { statements, value: Some(value) } if statements.is_empty() => {
            evaluate(value, names, depth)
        }
        ExprKind::Bool(_)
        | ExprKind::Unary { .. }
        | ExprKind::Cast { .. }
        | ExprKind::If { .. }
        | ExprKind::Block { .. }
        | ExprKind::Index { .. }
        | ExprKind::Array(_)
        | ExprKind::Repeat { .. }
        | ExprKind::Comprehension { .. }
        | ExprKind::Tuple(_)
        | ExprKind::Error => None,
    }
}
