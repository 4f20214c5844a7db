//! The exceptions of IEEE-754 (clause 7, default handling) as wires.
//!
//! Two places raise them. What rounding meets (overflow, underflow, inexact) is raised by [`super::round`] and by the
//! conversions, into the [`Gates`] that they write to, and only if those watch ([`Gates::watch`]): otherwise no gate
//! differs. What operands mean (invalid, division by zero) follows from their classes alone: [`of_operands`].
//!
//! - **invalid**: inf - inf, 0 * inf, 0 / 0, inf / inf, the root of a negative, a remainder of inf or by 0, `<` and `<=`
//!   with NaN, a conversion to an integer that is NaN or out of range, to a format that has no NaN or infinity for it.
//! - **division by zero**: a finite nonzero value divided by zero.
//! - **overflow**: the result, rounded to the precision as if exponents had no bound, is beyond the largest magnitude,
//!   whatever it is replaced by.
//! - **underflow**: the result is inexact and below the smallest normal after rounding (as if exponents had no bound).
//!   In formats without subnormals that is a result that was flushed to zero.
//! - **inexact**: the result differs from the exact one.
//!
//! NaN is always quiet. Only operations that take or give floats raise anything, and of those not the ones that only
//! move, compare for equality or classify encodings; rounding to a whole number is not inexact.

use ffhec_circuit::Wire;

use super::apply::Typed;
use super::bits::Gates;
use super::float::{Class, Operand, classify, fields};
use super::format::{FloatFormat, Rounding, Scalar};
use crate::float::fir::Op;

/// One wire for each exception.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flags {
    /// There was no meaningful result.
    pub invalid: Wire,
    /// An exact infinity from finite operands.
    pub div_by_zero: Wire,
    /// Too large.
    pub overflow: Wire,
    /// Too small and inexact.
    pub underflow: Wire,
    /// Not the exact result.
    pub inexact: Wire,
}

impl Flags {
    /// The column names of the status word, in its order.
    pub const NAMES: [&'static str; 5] =
        ["flag_invalid", "flag_div_by_zero", "flag_overflow", "flag_underflow", "flag_inexact"];

    /// Nothing raised.
    pub fn none(g: &mut Gates<'_>) -> Flags {
        Flags::from_array([g.bit(false); 5])
    }

    /// A result that is too large, and so inexact.
    pub fn overflow(g: &mut Gates<'_>, overflow: Wire) -> Flags {
        Flags { overflow, inexact: overflow, ..Flags::none(g) }
    }

    /// In the order of [`Flags::NAMES`].
    pub fn to_array(self) -> [Wire; 5] {
        [self.invalid, self.div_by_zero, self.overflow, self.underflow, self.inexact]
    }

    fn from_array([invalid, div_by_zero, overflow, underflow, inexact]: [Wire; 5]) -> Flags {
        Flags { invalid, div_by_zero, overflow, underflow, inexact }
    }

    /// Whatever either raises.
    #[must_use]
    pub fn or(self, g: &mut Gates<'_>, other: Flags) -> Flags {
        let (a, b) = (self.to_array(), other.to_array());
        Flags::from_array(std::array::from_fn(|index| g.or(a[index], b[index])))
    }

    /// What is raised, if `active`.
    #[must_use]
    pub fn only_if(self, g: &mut Gates<'_>, active: Wire) -> Flags {
        Flags::from_array(self.to_array().map(|wire| g.and(wire, active)))
    }
}

impl Gates<'_> {
    /// Whether what rounding meets is raised.
    pub fn watches(&self) -> bool {
        self.raised.is_some()
    }

    /// Raises exceptions, if anybody watches.
    pub fn raise(&mut self, flags: Flags) {
        if let Some(before) = self.raised {
            self.raised = Some(before.or(self, flags));
        }
    }

    /// What was raised so far stays only if `active`: for results that are computed and then not taken.
    pub fn mask_raised(&mut self, active: Wire) {
        if let Some(before) = self.raised {
            self.raised = Some(before.only_if(self, active));
        }
    }

    /// What was raised since the last call; nothing if nobody watches.
    pub fn take_raised(&mut self) -> Flags {
        let none = Flags::none(self);
        match &mut self.raised {
            Some(raised) => std::mem::replace(raised, none),
            None => none,
        }
    }
}

/// What rounding knows of a result.
#[derive(Debug)]
pub(super) struct Rounded<'a> {
    /// The sign.
    pub sign: Wire,
    /// At least the precision in bits, aligned for a subnormal result; two more below where one can be.
    pub significand: &'a [Wire],
    /// Whether there is more below.
    pub sticky: Wire,
    /// The result is neither special nor zero.
    pub some: Wire,
    /// It is too large.
    pub overflow: Wire,
    /// In formats without subnormals: it is too small, provided that it is not zero.
    pub flushed: Option<Wire>,
}

/// Raises what the rounding of a result meets.
pub(super) fn rounded(g: &mut Gates<'_>, format: FloatFormat, result: &Rounded<'_>) {
    let precision = format.precision as usize;
    let no = g.bit(false);
    let split = result.significand.len().saturating_sub(precision);
    let (low, kept) = result.significand.split_at(split);
    let tail = g.any(low);
    let tail = g.or(tail, result.sticky);
    let tail = g.and(tail, result.some);
    let underflow = match result.flushed {
        Some(flushed) => {
            let flushed = g.and(flushed, result.some);
            g.and_not(flushed, result.overflow)
        }
        None => {
            let empty = match kept.last() {
                Some(&hidden) if kept.len() == precision => g.not(hidden),
                Some(_) | None => no,
            };
            let rises = rises(g, format.rounding(), kept, low, result);
            let tiny = g.and_not(empty, rises);
            g.and(tiny, tail)
        }
    };
    let inexact = g.any(&[tail, result.overflow, underflow]);
    let flags = Flags { invalid: no, div_by_zero: no, overflow: result.overflow, underflow, inexact };
    g.raise(flags);
}

/// Whether a result just below the smallest normal reaches it if it is rounded with one more bit, as it would be if
/// exponents had no bound: all bits that are kept then are set, and one unit is added.
fn rises(g: &mut Gates<'_>, rounding: Rounding, kept: &[Wire], low: &[Wire], result: &Rounded<'_>) -> Wire {
    let Some((&guard, below)) = low.split_last() else { return g.bit(false) };
    let fraction = g.all(&kept[..kept.len().saturating_sub(1)]);
    let full = g.and(fraction, guard);
    let some = g.any(below);
    let some = g.or(some, result.sticky);
    let add = match rounding {
        // The last bit that is kept is set, so a tie goes up.
        Rounding::NearestEven | Rounding::NearestAway => match below.last() {
            Some(&next) => next,
            None => g.bit(false),
        },
        Rounding::TowardZero => g.bit(false),
        Rounding::Up => g.and_not(some, result.sign),
        Rounding::Down => g.and(some, result.sign),
    };
    g.and(full, add)
}

/// What the operands of an operation with result type `ty` raise by what they are: invalid and division by zero.
pub fn of_operands(g: &mut Gates<'_>, op: &Op, ty: Scalar, operands: &[Typed<'_>]) -> Flags {
    let mut flags = Flags::none(g);
    let Some(format) = operands.first().and_then(|typed| typed.ty.as_float()) else { return flags };
    let x: Vec<Signed> = operands
        .iter()
        .filter(|typed| typed.ty.as_float() == Some(format))
        .map(|t| signed(g, format, t.operand))
        .collect();
    match op {
        Op::Add | Op::Sum => flags.invalid = opposite_infinities(g, &x),
        Op::Sub => {
            let minus = Signed { negative: g.not(x[1].negative), ..x[1] };
            flags.invalid = opposite_infinities(g, &[x[0], minus]);
        }
        Op::Mul => flags.invalid = zero_times_infinity(g, &x[0].class, &x[1].class),
        Op::Fma => {
            let (product, invalid) = product(g, &x[0], &x[1]);
            let opposite = opposite_infinities(g, &[product, x[2]]);
            flags.invalid = g.or(invalid, opposite);
        }
        Op::Dot => {
            let mut terms = Vec::new();
            for pair in x.chunks_exact(2) {
                let (term, invalid) = product(g, &pair[0], &pair[1]);
                flags.invalid = g.or(flags.invalid, invalid);
                terms.push(term);
            }
            let opposite = opposite_infinities(g, &terms);
            flags.invalid = g.or(flags.invalid, opposite);
        }
        Op::Div => {
            let (a, b) = (x[0].class, x[1].class);
            let zeros = g.and(a.zero, b.zero);
            let infinite = g.and(a.infinite, b.infinite);
            flags.invalid = g.or(zeros, infinite);
            let other = g.any(&[a.zero, a.infinite, a.nan]);
            flags.div_by_zero = g.and_not(b.zero, other);
        }
        Op::Sqrt => {
            let other = g.or(x[0].class.zero, x[0].class.nan);
            flags.invalid = g.and_not(x[0].negative, other);
        }
        Op::Rem | Op::Remainder => {
            let bad = g.or(x[0].class.infinite, x[1].class.zero);
            let nan = g.or(x[0].class.nan, x[1].class.nan);
            flags.invalid = g.and_not(bad, nan);
        }
        Op::Lt | Op::Le => flags.invalid = g.or(x[0].class.nan, x[1].class.nan),
        Op::Convert => {
            if let Some(to) = ty.as_float() {
                let (nan, infinite) = (x[0].class.nan, x[0].class.infinite);
                let no = g.bit(false);
                let nan = if to.has_nan() { no } else { nan };
                let infinite = if to.has_infinity() { no } else { infinite };
                flags.invalid = g.or(nan, infinite);
            }
        }
        Op::Input(_)
        | Op::Constant(_)
        | Op::Neg
        | Op::Abs
        | Op::Min
        | Op::Max
        | Op::Minimum
        | Op::Maximum
        | Op::Eq
        | Op::And
        | Op::Or
        | Op::Xor
        | Op::Not
        | Op::ShlConst(_)
        | Op::ShrConst(_)
        | Op::Shl
        | Op::Shr
        | Op::Select
        | Op::Floor
        | Op::Ceil
        | Op::Round
        | Op::RoundEven
        | Op::Trunc
        | Op::CopySign
        | Op::Scale2
        | Op::Exponent
        | Op::Significand
        | Op::IsNan
        | Op::IsInf
        | Op::IsFinite
        | Op::IsNegative
        | Op::IsZero
        | Op::IsSubnormal
        | Op::IsNormal
        | Op::Reinterpret
        | Op::Table(_) => {}
    }
    flags
}

/// An operand's class and sign.
#[derive(Clone, Copy)]
struct Signed {
    class: Class,
    negative: Wire,
}

fn signed(g: &mut Gates<'_>, format: FloatFormat, x: Operand<'_>) -> Signed {
    let fields = fields(g, format, x.bits);
    Signed { class: classify(g, format, &fields), negative: fields.sign }
}

fn zero_times_infinity(g: &mut Gates<'_>, x: &Class, y: &Class) -> Wire {
    let (left, right) = (g.and(x.zero, y.infinite), g.and(x.infinite, y.zero));
    g.or(left, right)
}

/// What kind of value a product is, and whether it is invalid by itself.
fn product(g: &mut Gates<'_>, x: &Signed, y: &Signed) -> (Signed, Wire) {
    let invalid = zero_times_infinity(g, &x.class, &y.class);
    let nan = g.any(&[x.class.nan, y.class.nan, invalid]);
    let infinite = g.or(x.class.infinite, y.class.infinite);
    let infinite = g.and_not(infinite, nan);
    let zero = g.or(x.class.zero, y.class.zero);
    let class = Class { zero, infinite, nan };
    (Signed { class, negative: g.xor(x.negative, y.negative) }, invalid)
}

/// Whether there is an infinity of either sign.
fn opposite_infinities(g: &mut Gates<'_>, terms: &[Signed]) -> Wire {
    let (mut plus, mut minus) = (g.bit(false), g.bit(false));
    for term in terms {
        let down = g.and(term.class.infinite, term.negative);
        let up = g.xor(term.class.infinite, down);
        minus = g.or(minus, down);
        plus = g.or(plus, up);
    }
    g.and(plus, minus)
}
