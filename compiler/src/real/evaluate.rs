//! One row of a program with a given number of bits.

use std::cmp::Ordering;

use num_bigint::{BigInt, BigUint, Sign};
use num_integer::Integer as _;
use num_traits::{One as _, Signed as _, ToPrimitive as _, Zero as _};

use super::functions::Functions;
use super::interval::{Binary, Fault, Interval, LARGEST, rounded_away, rounded_even, truncated};
use super::{Exact, Node, Op};
use crate::float::fir;
use crate::float::fold;
use crate::gadgets::format::{Real, Scalar};

/// What is known of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Known {
    /// A number of a float or fixed-point type.
    Real(Interval),
    /// The encoding of an integer or truth value.
    Bits(BigUint),
}

/// A value, or why there is none.
pub(super) type Outcome = Result<Known, Fault>;

/// Evaluates the operations that are needed; `bits` is the precision.
pub(super) fn row(
    nodes: &[Node],
    inputs: &[Scalar],
    needed: &[bool],
    row: &[BigUint],
    bits: u64,
) -> Vec<Option<Outcome>> {
    let mut functions = Functions::new(bits);
    let mut values: Vec<Option<Outcome>> = Vec::with_capacity(nodes.len());
    for (node, needed) in nodes.iter().zip(needed) {
        let value = needed.then(|| match &node.op {
            Op::Input(index) => {
                let ty = inputs[*index as usize];
                encoded(ty, &row[*index as usize], "an input that is not a finite number")
            }
            Op::Constant(bits) => encoded(node.ty, bits, "a constant that is not a finite number"),
            Op::Number(number) if is_real(node.ty) => Ok(Known::Real(Interval::of(number, bits))),
            Op::Number(number) => match node.ty.encode(number) {
                Ok(encoded) => Ok(Known::Bits(encoded.bits)),
                Err(_) => Err(Fault::None("a constant that its type cannot hold")),
            },
            Op::Function(function) => {
                let operands: Result<Vec<&Interval>, Fault> =
                    node.operands.iter().map(|operand| number(&values, *operand)).collect();
                operands
                    .and_then(|operands| functions.apply(*function, &operands))
                    .and_then(within_reach)
                    .map(Known::Real)
            }
            Op::Operation(op) => {
                let operation = Operation { op, node, nodes, values: &values, bits };
                operation.evaluate().and_then(|value| match value {
                    Known::Real(value) => within_reach(value).map(Known::Real),
                    Known::Bits(bits) => Ok(Known::Bits(bits)),
                })
            }
        });
        values.push(value);
    }
    values
}

fn is_real(ty: Scalar) -> bool {
    matches!(ty, Scalar::Float(_) | Scalar::Fixed { .. })
}

fn encoded(ty: Scalar, bits: &BigUint, otherwise: &'static str) -> Outcome {
    if !is_real(ty) {
        return Ok(Known::Bits(bits.clone()));
    }
    match ty.decode(bits) {
        Real::Finite(number) => Ok(Known::Real(Interval::of(&number, 1 << 16))),
        Real::NegativeZero => Ok(Known::Real(Interval::whole(0))),
        Real::Infinity { .. } | Real::Nan => Err(Fault::None(otherwise)),
    }
}

/// Keeps exponents where they can be added without overflow.
pub(super) fn within_reach(value: Interval) -> Result<Interval, Fault> {
    if value.largest().top() > LARGEST {
        let beyond = |end: &Binary| Interval::point(end.clone()).size().low.top() > LARGEST;
        return Err(match value.sign() {
            Some(sign) if beyond(&value.low) && beyond(&value.high) => {
                Fault::Beyond { negative: sign == Sign::Minus }
            }
            Some(_) | None => Fault::None("a number beyond 2^(2^40)"),
        });
    }
    let least = Binary::power(-LARGEST);
    let clamp = |end: Binary, low: bool| match end.sign() {
        Sign::Plus if end < least => {
            if low {
                Binary::whole(0)
            } else {
                least.clone()
            }
        }
        Sign::Minus if end.negated() < least => {
            if low {
                least.negated()
            } else {
                Binary::whole(0)
            }
        }
        Sign::Plus | Sign::Minus | Sign::NoSign => end,
    };
    Ok(Interval::new(clamp(value.low, true), clamp(value.high, false)))
}

/// The value of an operand.
fn value(values: &[Option<Outcome>], of: fir::Value) -> &Outcome {
    values[of.0 as usize].as_ref().expect("operands come first, and are needed too")
}

/// An operand that is a number.
fn number(values: &[Option<Outcome>], of: fir::Value) -> Result<&Interval, Fault> {
    match value(values, of) {
        Ok(Known::Real(number)) => Ok(number),
        Ok(Known::Bits(_)) => Err(Fault::None("an integer where a number should be")),
        Err(Fault::Beyond { .. }) => Err(Fault::None("computing with a number beyond 2^(2^40)")),
        Err(fault) => Err(fault.clone()),
    }
}

/// An operand that is an integer or truth value.
fn integer(values: &[Option<Outcome>], of: fir::Value) -> Result<&BigUint, Fault> {
    match value(values, of) {
        Ok(Known::Bits(bits)) => Ok(bits),
        Ok(Known::Real(_)) => Err(Fault::None("a number where an integer should be")),
        Err(fault) => Err(fault.clone()),
    }
}

fn truth(value: bool) -> Outcome {
    Ok(Known::Bits(BigUint::from(u8::from(value))))
}

const TOO_CLOSE: Fault = Fault::Unsettled("a comparison of numbers that are too close to decide it");

/// Operations on fractions that a comparison may take, and bits of a fraction.
const MOST_STEPS: u32 = 200;
const MOST_BITS: i64 = 1 << 12;

/// One primitive operation.
struct Operation<'a> {
    op: &'a fir::Op,
    node: &'a Node,
    nodes: &'a [Node],
    values: &'a [Option<Outcome>],
    bits: u64,
}

impl Operation<'_> {
    fn ty(&self, index: usize) -> Scalar {
        self.nodes[self.node.operands[index].0 as usize].ty
    }

    fn number(&self, index: usize) -> Result<&Interval, Fault> {
        number(self.values, self.node.operands[index])
    }

    fn integer(&self, index: usize) -> Result<&BigUint, Fault> {
        integer(self.values, self.node.operands[index])
    }

    fn outcome(&self, index: usize) -> &Outcome {
        value(self.values, self.node.operands[index])
    }

    #[allow(clippy::wildcard_enum_match_arm, reason = "the types decide about the other operations")]
    fn evaluate(&self) -> Outcome {
        match self.op {
            fir::Op::Select => self.select(),
            fir::Op::And | fir::Op::Or if self.node.ty == Scalar::Bool => self.connective(),
            fir::Op::Eq if self.node.operands[0] == self.node.operands[1] => {
                self.outcome(0).clone().and_then(|_| truth(true))
            }
            fir::Op::Convert => self.convert(),
            fir::Op::Reinterpret => self.reinterpret(),
            _ if !is_real(self.node.ty) && (0..self.node.operands.len()).all(|at| !is_real(self.ty(at))) => {
                self.whole()
            }
            _ if is_real(self.node.ty) => self.beyond().unwrap_or_else(|| self.real().map(Known::Real)),
            _ => self.test(),
        }
    }

    /// Operations on integers are those of the gates.
    fn whole(&self) -> Outcome {
        let operands: Result<Vec<(Scalar, BigUint)>, Fault> = (0..self.node.operands.len())
            .map(|index| Ok((self.ty(index), self.integer(index)?.clone())))
            .collect();
        Ok(Known::Bits(fold::evaluate(self.op, self.node.ty, &operands?)))
    }

    /// An undecided condition leaves everything between the two values.
    fn select(&self) -> Outcome {
        match self.integer(0) {
            Ok(choice) if choice.is_zero() => self.outcome(2).clone(),
            Ok(_) => self.outcome(1).clone(),
            Err(fault @ Fault::Unsettled(_)) => match (self.outcome(1), self.outcome(2)) {
                (Ok(Known::Real(yes)), Ok(Known::Real(no))) => Ok(Known::Real(yes.joined(no))),
                (yes, no) if yes == no => yes.clone(),
                _ => Err(fault),
            },
            Err(fault) => Err(fault),
        }
    }

    /// One side may decide it, whatever the other one is.
    fn connective(&self) -> Outcome {
        let decisive = *self.op == fir::Op::Or;
        let (a, b) = (self.integer(0), self.integer(1));
        if [&a, &b].into_iter().flatten().any(|bits| bits.is_one() == decisive) {
            return truth(decisive);
        }
        a?;
        b?;
        truth(!decisive)
    }

    fn convert(&self) -> Outcome {
        let (from, to) = (self.ty(0), self.node.ty);
        match (is_real(from), is_real(to)) {
            (true, true) => self.outcome(0).clone(),
            (false, false) => self.whole(),
            (false, true) => encoded_integer(from, self.integer(0)?),
            (true, false) => {
                let whole = self.number(0)?.to_whole(truncated)?;
                let (low, high) = to.finite_range();
                let saturated = whole.clamp(low.to_integer(), high.to_integer());
                let modulus = BigInt::one() << to.width();
                Ok(Known::Bits(saturated.mod_floor(&modulus).to_biguint().unwrap_or_default()))
            }
        }
    }

    fn reinterpret(&self) -> Outcome {
        match (is_real(self.ty(0)), is_real(self.node.ty)) {
            (true, _) => Err(Fault::None("the bits of a number")),
            (false, true) => encoded(self.node.ty, self.integer(0)?, "bits that are not a finite number"),
            (false, false) => self.whole(),
        }
    }

    /// What can be said about numbers that are too large to compute with.
    #[allow(clippy::wildcard_enum_match_arm, reason = "nothing can be said about the other operations")]
    fn beyond(&self) -> Option<Outcome> {
        let sign = |index: usize| match self.outcome(index) {
            Err(Fault::Beyond { negative }) => Some(*negative),
            Ok(_) | Err(Fault::None(_) | Fault::Unsettled(_)) => None,
        };
        let beyond = |negative: bool| Some(Err(Fault::Beyond { negative }));
        match self.op {
            fir::Op::Neg => beyond(!sign(0)?),
            fir::Op::Abs => sign(0).and_then(|_| beyond(false)),
            fir::Op::Add => match (sign(0), sign(1)) {
                (Some(a), Some(b)) if a == b => beyond(a),
                (Some(a), None) if self.number(1).is_ok_and(|b| b.largest().top() < LARGEST - 1) => beyond(a),
                (None, Some(b)) if self.number(0).is_ok_and(|a| a.largest().top() < LARGEST - 1) => beyond(b),
                _ => None,
            },
            fir::Op::Div => {
                sign(1)?;
                let over = self.number(0).ok().filter(|over| over.largest().top() < LARGEST / 2)?;
                let least = Binary::power(-LARGEST / 2);
                let tiny = if over.largest().sign() == Sign::NoSign { Binary::whole(0) } else { least };
                Some(Ok(Known::Real(Interval::new(tiny.negated(), tiny))))
            }
            _ => None,
        }
    }

    /// Operations that give a number.
    fn real(&self) -> Result<Interval, Fault> {
        let bits = self.bits;
        let rounded = |round: fn(&Binary) -> BigInt| -> Result<Interval, Fault> {
            Ok(Interval::point(Binary::new(self.number(0)?.to_whole(round)?, 0)))
        };
        let ceiling = |value: &Binary| -value.negated().floor();
        Ok(match self.op {
            fir::Op::Neg => self.number(0)?.negated(),
            fir::Op::Abs => self.number(0)?.size(),
            fir::Op::Add => self.number(0)?.plus(self.number(1)?, bits),
            fir::Op::Sub => self.number(0)?.minus(self.number(1)?, bits),
            fir::Op::Mul if self.node.operands[0] == self.node.operands[1] => self.number(0)?.square(bits),
            fir::Op::Mul => self.number(0)?.times(self.number(1)?, bits),
            fir::Op::Div => self.number(0)?.over(self.number(1)?, bits)?,
            fir::Op::Rem => self.remainder(truncated)?,
            fir::Op::Remainder => self.remainder(rounded_even)?,
            fir::Op::Sqrt => self.number(0)?.root(bits)?,
            fir::Op::Fma => self.number(0)?.times(self.number(1)?, bits).plus(self.number(2)?, bits),
            fir::Op::Min | fir::Op::Minimum => {
                let (a, b) = (self.number(0)?, self.number(1)?);
                Interval::new(a.low.clone().min(b.low.clone()), a.high.clone().min(b.high.clone()))
            }
            fir::Op::Max | fir::Op::Maximum => {
                let (a, b) = (self.number(0)?, self.number(1)?);
                Interval::new(a.low.clone().max(b.low.clone()), a.high.clone().max(b.high.clone()))
            }
            fir::Op::ShlConst(places) => self.number(0)?.scaled(i64::from(*places)),
            fir::Op::ShrConst(places) => self.number(0)?.scaled(-i64::from(*places)),
            fir::Op::Shl => self.number(0)?.scaled(self.places()?),
            fir::Op::Shr => self.number(0)?.scaled(-self.places()?),
            fir::Op::Floor => rounded(Binary::floor)?,
            fir::Op::Ceil => rounded(ceiling)?,
            fir::Op::Trunc => rounded(truncated)?,
            fir::Op::Round => rounded(rounded_away)?,
            fir::Op::RoundEven => rounded(rounded_even)?,
            fir::Op::CopySign => {
                let size = self.number(0)?.size();
                match self.number(1)?.sign() {
                    Some(Sign::Plus) => size,
                    Some(Sign::Minus) => size.negated(),
                    Some(Sign::NoSign) => return Err(Fault::None("the sign of a zero")),
                    None => return Err(Fault::Unsettled("the sign of a number that may be zero")),
                }
            }
            fir::Op::Scale2 => self.number(0)?.scaled(self.places()?),
            fir::Op::Significand => {
                let number = self.number(0)?;
                if number.sign() == Some(Sign::NoSign) {
                    return Ok(number.clone());
                }
                number.scaled(-self.exponent()?)
            }
            fir::Op::Sum => {
                let terms: Result<Vec<&Interval>, Fault> =
                    (0..self.node.operands.len()).map(|index| self.number(index)).collect();
                terms?.into_iter().fold(Interval::whole(0), |sum, term| sum.plus(term, bits))
            }
            fir::Op::Dot => {
                let mut sum = Interval::whole(0);
                for pair in 0..self.node.operands.len() / 2 {
                    let product = self.number(2 * pair)?.times(self.number(2 * pair + 1)?, bits);
                    sum = sum.plus(&product, bits);
                }
                sum
            }
            fir::Op::Input(_)
            | fir::Op::Constant(_)
            | fir::Op::Lt
            | fir::Op::Le
            | fir::Op::Eq
            | fir::Op::And
            | fir::Op::Or
            | fir::Op::Xor
            | fir::Op::Not
            | fir::Op::Select
            | fir::Op::Convert
            | fir::Op::Exponent
            | fir::Op::IsNan
            | fir::Op::IsInf
            | fir::Op::IsFinite
            | fir::Op::IsNegative
            | fir::Op::IsZero
            | fir::Op::IsSubnormal
            | fir::Op::IsNormal
            | fir::Op::Reinterpret
            | fir::Op::Table(_) => return Err(Fault::None("an operation that gives no number")),
        })
    }

    /// Operations on numbers that give an integer or truth value.
    #[allow(clippy::wildcard_enum_match_arm, reason = "the other operations give numbers")]
    fn test(&self) -> Outcome {
        let zero = Interval::whole(0);
        match self.op {
            fir::Op::Lt => self.before(false),
            fir::Op::Le => self.before(true),
            fir::Op::Eq => truth(self.order(self.number(1)?, Some(1))? == Ordering::Equal),
            fir::Op::IsZero => truth(self.order(&zero, None)? == Ordering::Equal),
            fir::Op::IsNegative => match self.order(&zero, None)? {
                Ordering::Less => truth(true),
                Ordering::Greater => truth(false),
                Ordering::Equal => Err(Fault::None("the sign of a zero")),
            },
            fir::Op::IsNan | fir::Op::IsInf => self.outcome(0).clone().and_then(|_| truth(false)),
            fir::Op::IsFinite => self.outcome(0).clone().and_then(|_| truth(true)),
            fir::Op::Exponent => {
                let modulus = BigInt::one() << self.node.ty.width();
                let exponent = BigInt::from(self.exponent()?).mod_floor(&modulus);
                Ok(Known::Bits(exponent.to_biguint().unwrap_or_default()))
            }
            fir::Op::IsSubnormal | fir::Op::IsNormal => {
                Err(Fault::None("a question about the encoding of a number"))
            }
            _ => Err(Fault::None("an operation that gives no truth value")),
        }
    }

    /// Whether the first number is less than the second, or not greater.
    fn before(&self, or_equal: bool) -> Outcome {
        let (a, b) = (self.outcome(0), self.outcome(1));
        match (a, b) {
            (Err(Fault::Beyond { negative }), Ok(_)) => return truth(*negative),
            (Ok(_), Err(Fault::Beyond { negative })) => return truth(!negative),
            _ => {}
        }
        let (a, b) = (self.number(0)?, self.number(1)?);
        match a.compare(b) {
            Some(Ordering::Less) => truth(true),
            Some(Ordering::Equal) => truth(or_equal),
            Some(Ordering::Greater) => truth(false),
            // They may touch at one end.
            None if or_equal && a.high <= b.low => truth(true),
            None if !or_equal && a.low >= b.high => truth(false),
            None if self.node.operands[0] == self.node.operands[1] => truth(or_equal),
            None => {
                let order = self.order(b, Some(1))?;
                truth(order == Ordering::Less || or_equal && order == Ordering::Equal)
            }
        }
    }

    /// How the first operand compares with a number, which is the operand `other`, if any, else zero. Where intervals do
    /// not tell, fractions may: `0.1 * 3 == 0.3`.
    fn order(&self, number: &Interval, other: Option<usize>) -> Result<Ordering, Fault> {
        if let Some(order) = self.number(0)?.compare(number) {
            return Ok(order);
        }
        let mut steps = 0;
        let mut exact = |index: usize| self.fraction(self.node.operands[index], &mut steps);
        let first = exact(0).ok_or(TOO_CLOSE)?;
        let second = match other {
            Some(index) => exact(index).ok_or(TOO_CLOSE)?,
            None => Exact::zero(),
        };
        Ok(first.cmp(&second))
    }

    /// A number as a fraction, if few operations on fractions lead to it.
    #[allow(clippy::wildcard_enum_match_arm, reason = "the other operations give no fractions")]
    fn fraction(&self, of: fir::Value, steps: &mut u32) -> Option<Exact> {
        *steps += 1;
        if *steps > MOST_STEPS {
            return None;
        }
        if let Ok(point) = number(self.values, of)
            && let Some(point) = point.as_point().filter(|point| point.top().abs() < MOST_BITS)
        {
            return Some(point.exact());
        }
        let node = &self.nodes[of.0 as usize];
        let mut operand = |index: usize| self.fraction(node.operands[index], steps);
        let fraction = match &node.op {
            Op::Number(number) => number.clone(),
            Op::Operation(fir::Op::Neg) => -operand(0)?,
            Op::Operation(fir::Op::Abs) => operand(0)?.abs(),
            Op::Operation(fir::Op::Add) => operand(0)? + operand(1)?,
            Op::Operation(fir::Op::Sub) => operand(0)? - operand(1)?,
            Op::Operation(fir::Op::Mul) => operand(0)? * operand(1)?,
            Op::Operation(fir::Op::Div) => {
                let (over, under) = (operand(0)?, operand(1)?);
                if under.is_zero() {
                    return None;
                }
                over / under
            }
            _ => return None,
        };
        let bits = fraction.numer().bits().max(fraction.denom().bits());
        (bits < MOST_BITS.unsigned_abs()).then_some(fraction)
    }

    /// `x - y n` with n the whole number that `round` makes of `x / y`.
    fn remainder(&self, round: fn(&Binary) -> BigInt) -> Result<Interval, Fault> {
        let (x, y) = (self.number(0)?, self.number(1)?);
        let whole = x.over(y, self.bits)?.to_whole(round)?;
        let bits = self.bits + whole.bits();
        Ok(x.minus(&y.times(&Interval::point(Binary::new(whole, 0)), bits), bits))
    }

    /// e with `|x| = m 2^e`, 1 <= m < 2.
    fn exponent(&self) -> Result<i64, Fault> {
        let number = self.number(0)?;
        match number.sign() {
            Some(Sign::NoSign) => Err(Fault::None("the exponent of a zero")),
            None => Err(Fault::Unsettled("the exponent of a number that may be zero")),
            Some(Sign::Plus | Sign::Minus) if number.low.top() != number.high.top() => {
                Err(Fault::Unsettled("the exponent of a number that is too close to a power of two"))
            }
            Some(Sign::Plus | Sign::Minus) => Ok(number.low.top() - 1),
        }
    }

    /// The second operand, an amount to shift by.
    fn places(&self) -> Result<i64, Fault> {
        let ty = self.ty(1);
        let Real::Finite(amount) = ty.decode(self.integer(1)?) else {
            return Err(Fault::None("a shift by no number"));
        };
        let amount = amount.to_integer().to_i64().filter(|amount| amount.abs() < LARGEST);
        amount.ok_or(Fault::None("a shift by more than 2^40"))
    }
}

/// The number that the encoding of an integer or truth value stands for.
fn encoded_integer(ty: Scalar, bits: &BigUint) -> Outcome {
    match ty.decode(bits) {
        Real::Finite(number) => Ok(Known::Real(Interval::of(&number, 1 << 16))),
        Real::NegativeZero | Real::Infinity { .. } | Real::Nan => {
            Err(Fault::None("an integer that is no number"))
        }
    }
}
