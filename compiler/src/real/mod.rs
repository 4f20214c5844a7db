//! What a program means over the real numbers: no rounding, no overflow, library functions as mathematics knows them.
//!
//! In: a program, elaborated for this purpose: literals as they are written, calls of analytic library functions as one
//! operation each, and the conditions that it [requires](Program::broken) of its inputs. Then, row by row, the encodings
//! of its inputs. Out: for every result the [`Answer`], as an interval so narrow that the error of what the gates gave
//! can be told, or why there is none.
//!
//! Inputs and public values are what their encodings stand for. Integers and truth values are exact and computed as the
//! gates do. A condition that depends on numbers is decided for the exact numbers; where the bits do not suffice to
//! decide it, or to tell the result, the row is evaluated again with twice as many.

mod evaluate;
mod functions;
mod interval;

use num_bigint::{BigUint, Sign};
use num_rational::Ratio;

use crate::diag::Diagnostic;
use crate::float::fir::{self, Column, Value};
use crate::gadgets::format::{Real, Scalar};
use crate::hir::{Options, reals};
use crate::source::{Loader, Sources, Span};
use evaluate::{Known, Outcome};
use interval::{Fault, Interval};

pub(crate) use functions::Function;
use functions::Functions;

/// A number as it is written.
pub(crate) type Exact = Ratio<num_bigint::BigInt>;

/// One operation. Operands and types are those of [`fir::Op`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Op {
    /// Scalar input number `.0`.
    Input(u32),
    /// A literal.
    Number(Exact),
    /// A public value: its encoding.
    Constant(BigUint),
    /// A primitive operation, over the real numbers.
    Operation(fir::Op),
    /// A library function.
    Function(Function),
}

/// An operation with its operands and the type of its result in the program.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) op: Op,
    pub(crate) operands: Vec<Value>,
    pub(crate) ty: Scalar,
}

/// A program over the real numbers.
#[derive(Clone, Debug)]
pub struct Program {
    inputs: Vec<Scalar>,
    nodes: Vec<Node>,
    outputs: Vec<(Column, Value)>,
    requirements: Vec<(Span, Value)>,
    /// What the results need, and what the requirements do.
    needed: [Vec<bool>; 2],
}

/// A requirement that a row does not meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Broken {
    /// The condition.
    pub condition: Span,
    /// Why it cannot be decided, if it is not simply false.
    pub reason: Option<&'static str>,
}

/// The result of one column over the real numbers.
#[derive(Clone, Debug)]
pub struct Answer {
    ty: Scalar,
    outcome: Outcome,
}

/// How a computed result compares with the [`Answer`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Verdict {
    /// The error of a number, in units of the distance between neighbouring values of the type at the answer; rounded up.
    /// It is 0 for the overflow of an answer beyond the type's range.
    Ulp(f64),
    /// An integer or truth value, or whether a number is one at all: right.
    Same,
    /// The same: wrong.
    Differs,
    /// The program has no answer over the real numbers here.
    NoAnswer(&'static str),
}

/// Analyzes the program `sources.files[0]` once more, for its meaning over the real numbers.
///
/// # Errors
/// Every error of the program.
pub fn program(
    sources: &mut Sources,
    options: &Options,
    loader: &mut dyn Loader,
) -> Result<Program, Vec<Diagnostic>> {
    reals(sources, options, loader)
}

/// Bits at first, and at most.
const BITS: (u64, u64) = (128, 1 << 12);
/// Bits times operations beyond the first attempt, at most; a function counts as many.
const MOST_WORK: u64 = 1 << 28;
/// Operations that a function takes, about.
const FUNCTION_WORK: u64 = 100;
/// An interval is narrow if it has less than this many bits of an ulp.
const NARROW: i64 = -10;

impl Program {
    pub(crate) fn new(
        inputs: Vec<Scalar>,
        nodes: Vec<Node>,
        outputs: Vec<(Column, Value)>,
        requirements: Vec<(Span, Value)>,
    ) -> Program {
        let of_results = needed(&nodes, outputs.iter().map(|(_, value)| *value));
        let of_requirements = needed(&nodes, requirements.iter().map(|(_, value)| *value));
        Program { inputs, nodes, outputs, requirements, needed: [of_results, of_requirements] }
    }

    /// The results, in the order of the answers.
    pub fn outputs(&self) -> impl Iterator<Item = &Column> {
        self.outputs.iter().map(|(column, _)| column)
    }

    /// Whether the program requires anything of its inputs, besides ranges.
    pub fn has_requirements(&self) -> bool {
        !self.requirements.is_empty()
    }

    /// The first requirement that a row of encodings does not meet.
    pub fn broken(&self, row: &[BigUint]) -> Option<Broken> {
        let targets: Vec<Value> = self.requirements.iter().map(|(_, value)| *value).collect();
        let outcomes = self.settle(row, &self.needed[1], &targets, BITS.0);
        let mut broken = self.requirements.iter().zip(outcomes).map(|((condition, _), outcome)| {
            let reason = match outcome {
                Ok(Known::Bits(bits)) if bits.bit(0) => return None,
                Ok(Known::Bits(_) | Known::Real(_)) => None,
                Err(fault) => Some(reason(&fault)),
            };
            Some(Broken { condition: *condition, reason })
        });
        broken.find_map(|broken| broken)
    }

    /// The answers for a row of encodings, one for each input of the program.
    pub fn answers(&self, row: &[BigUint]) -> Vec<Answer> {
        let targets: Vec<Value> = self.outputs.iter().map(|(_, value)| *value).collect();
        let precision =
            |column: &Column| column.ty.as_float().map_or(column.ty.width(), |float| float.precision);
        let widest = self.outputs().map(precision).max().unwrap_or(0);
        let outcomes = self.settle(row, &self.needed[0], &targets, BITS.0.max(u64::from(widest) + 64));
        self.outputs().zip(outcomes).map(|(column, outcome)| Answer { ty: column.ty, outcome }).collect()
    }

    /// Evaluates with more and more bits until all targets are settled.
    fn settle(&self, row: &[BigUint], needed: &[bool], targets: &[Value], first: u64) -> Vec<Outcome> {
        debug_assert_eq!(row.len(), self.inputs.len());
        let work = |node: &Node| if matches!(node.op, Op::Function(_)) { FUNCTION_WORK } else { 1 };
        let nodes = self.nodes.iter().zip(needed).filter(|(_, needed)| **needed);
        let count: u64 = nodes.map(|(node, _)| work(node)).sum();
        let most = BITS.1.min(MOST_WORK / (count + 1)).max(first);
        let mut bits = first;
        loop {
            let values = evaluate::row(&self.nodes, &self.inputs, needed, row, bits);
            let outcomes = targets.iter().map(|target| {
                let value = values[target.0 as usize].clone();
                value.unwrap_or(Err(Fault::None("a value that was not computed")))
            });
            let outcomes: Vec<Outcome> = outcomes.collect();
            let ready = |(outcome, target): (&Outcome, &Value)| match outcome {
                Ok(Known::Real(value)) => is_narrow(value, self.nodes[target.0 as usize].ty),
                Ok(Known::Bits(_)) | Err(Fault::None(_) | Fault::Beyond { .. }) => true,
                Err(Fault::Unsettled(_)) => false,
            };
            if bits >= most || outcomes.iter().zip(targets).all(ready) {
                return outcomes;
            }
            bits = (2 * bits).min(most);
        }
    }
}

/// Bits that decide what is nearest, unless it is a tie.
const NEAREST_BITS: [u64; 2] = [48, 448];

/// No type has values beyond 2 to this power; nor, but 0, below it.
const FURTHEST: u64 = 1 << 15;

/// A function's value for some arguments.
pub(crate) struct Point {
    answer: Answer,
    /// The encoding of the nearest value of the type, ties to even; none if that is a zero or the value is beyond the range.
    pub(crate) nearest: Option<BigUint>,
}

impl Point {
    /// The error of a computed result in ulp, rounded up; infinite if it is wrong altogether.
    pub(crate) fn error(&self, result: &BigUint) -> f64 {
        match self.answer.compare(result) {
            Verdict::Ulp(error) => error,
            Verdict::Same => 0.0,
            Verdict::Differs | Verdict::NoAnswer(_) => f64::INFINITY,
        }
    }
}

/// The values of a function for rows of arguments, in a type with no values but 0 below 2^-100; none outside of the
/// function's domain.
pub(crate) fn points(function: Function, rows: &[Option<Vec<Exact>>], ty: Scalar) -> Vec<Option<Point>> {
    let mut functions = NEAREST_BITS.map(Functions::new);
    let point = |row: &Option<Vec<Exact>>| point(&mut functions, function, row.as_ref()?, ty);
    rows.iter().map(point).collect()
}

fn point(functions: &mut [Functions], function: Function, row: &[Exact], ty: Scalar) -> Option<Point> {
    if !function.promises(row) {
        return None;
    }
    let x: Vec<Interval> = row.iter().map(|x| Interval::of(x, 1 << 16)).collect();
    let x: Vec<&Interval> = x.iter().collect();
    let mut nearest = None;
    let mut outcome = Err(Fault::None("no bits"));
    for functions in functions {
        outcome = match function.vanishing(row) {
            Some(value) => Ok(value),
            None => functions.apply(function, &x).and_then(evaluate::within_reach),
        };
        let Ok(value) = &outcome else { break };
        if value.largest().top().unsigned_abs() > FURTHEST {
            break;
        }
        let ends = [&value.low, &value.high].map(|end| ty.encode(&end.exact()).ok());
        let [Some(low), Some(high)] = ends else { break };
        let settled = low.bits == high.bits;
        nearest = Some(if low.bits.bit(0) { high.bits } else { low.bits });
        if settled {
            break;
        }
    }
    if matches!(outcome, Err(Fault::None(_) | Fault::Unsettled(_))) {
        return None;
    }
    let answer = Answer { ty, outcome: outcome.map(Known::Real) };
    Some(Point { answer, nearest: nearest.filter(|bits| !is_zero(ty, bits)) })
}

fn is_zero(ty: Scalar, bits: &BigUint) -> bool {
    match ty.decode(bits) {
        Real::Finite(value) => value.numer().sign() == Sign::NoSign,
        Real::NegativeZero => true,
        Real::Infinity { .. } | Real::Nan => false,
    }
}

/// The operations that some values need.
fn needed(nodes: &[Node], targets: impl Iterator<Item = Value>) -> Vec<bool> {
    let mut needed = vec![false; nodes.len()];
    for target in targets {
        needed[target.0 as usize] = true;
    }
    for index in (0..nodes.len()).rev() {
        if needed[index] {
            for operand in &nodes[index].operands {
                needed[operand.0 as usize] = true;
            }
        }
    }
    needed
}

fn reason(fault: &Fault) -> &'static str {
    match fault {
        Fault::Unsettled(reason) | Fault::None(reason) => reason,
        Fault::Beyond { .. } => "a number beyond 2^(2^40)",
    }
}

/// The exponent of the distance between neighbouring values of a type at a number whose magnitude is below `2^top`
/// and not below half of it. Types without subnormals have no values between zero and the smallest normal.
fn ulp_exponent(ty: Scalar, top: i64) -> i64 {
    match ty {
        Scalar::Float(format) => {
            let lowest = format.min_exponent();
            if top <= lowest && !format.has_subnormals() {
                return lowest;
            }
            (top - 1).max(lowest) - i64::from(format.fraction_bits())
        }
        Scalar::Fixed { fraction, .. } => -i64::from(fraction),
        Scalar::Bool | Scalar::Int(_) | Scalar::Uint(_) => 0,
    }
}

/// Whether all numbers of an interval are alike, seen from a type.
fn is_narrow(value: &Interval, ty: Scalar) -> bool {
    let width = Interval::point(value.high.clone()).minus(&Interval::point(value.low.clone()), 64).high;
    width.sign() == Sign::NoSign || width.top() <= ulp_exponent(ty, value.largest().top()) + NARROW
}

impl Answer {
    /// Compares a computed result, an encoding, with the answer.
    pub fn compare(&self, result: &BigUint) -> Verdict {
        let right = |same: bool| if same { Verdict::Same } else { Verdict::Differs };
        match &self.outcome {
            Ok(Known::Bits(bits)) => right(bits == result),
            Ok(Known::Real(value)) if is_narrow(value, self.ty) => self.compare_number(value, result),
            Ok(Known::Real(_)) => Verdict::NoAnswer(
                "so many digits cancel, or a comparison is so close, that the bits do not suffice",
            ),
            Err(Fault::Beyond { negative }) => right(self.is_overflow(*negative, result)),
            Err(fault) => Verdict::NoAnswer(reason(fault)),
        }
    }

    fn compare_number(&self, value: &Interval, result: &BigUint) -> Verdict {
        let largest = Interval::of(&self.ty.finite_range().1, 1 << 16).high;
        let beyond = value.size().low > largest;
        if beyond && self.is_overflow(value.high.sign() == Sign::Minus, result) {
            return Verdict::Ulp(0.0);
        }
        let found = match self.ty.decode(result) {
            Real::Finite(found) => Interval::of(&found, 1 << 16),
            Real::NegativeZero => Interval::whole(0),
            Real::Infinity { .. } | Real::Nan => return Verdict::Differs,
        };
        let top = value.largest().top().min(largest.top());
        let distance = value.minus(&found, 256).size().high;
        Verdict::Ulp(interval::at_least(&distance.scaled(-ulp_exponent(self.ty, top))))
    }

    /// Whether an encoding is what the type makes of a number beyond its range.
    fn is_overflow(&self, negative: bool, result: &BigUint) -> bool {
        let Scalar::Float(format) = self.ty else { return false };
        let (least, most) = self.ty.finite_range();
        match self.ty.decode(result) {
            Real::Infinity { negative: found } => found == negative,
            Real::Nan => !format.has_infinity() && format.has_nan(),
            Real::Finite(found) => format.saturates() && found == if negative { least } else { most },
            Real::NegativeZero => false,
        }
    }
}

#[cfg(test)]
mod tests;
