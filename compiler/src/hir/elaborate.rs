//! Runs the typed `main`: calls are inlined, loops unrolled, compile-time `if`s chosen, and what is left is emitted as
//! flat float IR.
//!
//! A compile-time number is [`Value::Exact`]; a value of a scalar type is an IR value, perhaps a constant one. Errors
//! leave [`Value::Poison`] behind, which absorbs everything, so that all errors of a program are found; only a spent
//! limit stops the run.

use std::collections::BTreeMap;
use std::rc::Rc;

use num_bigint::{BigInt, BigUint};
use num_traits::{Signed as _, ToPrimitive as _, Zero as _};

use super::check::{Checked, Instance, describe};
use super::emit::{Emit, Purpose};
use super::exact::{self, Exact, show, to_i64};
use super::report::Reports;
use super::scope::ItemId;
use super::table::{Arguments, Tabled};
use super::tree::{Builtin, Kind, LocalId, Node, Pattern, Statement};
use super::types::Ty;
use crate::approx;
use crate::float::fir::{self, Op};
use crate::float::range;
use crate::gadgets::format::{Real, Rounding, Scalar};
use crate::hir::{Approximation, Evaluation, Limits, Proof};
use crate::real::Function;
use crate::source::Span;
use crate::syntax::ast::{BinaryOp, UnaryOp};

/// How deep evaluation may nest over all calls; the stack is made for it.
const MAX_NESTING: u32 = 10_000;

/// A limit was reached and reported.
pub(crate) struct Stop;

/// What an expression evaluates to.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    /// A value of a scalar type.
    Scalar(fir::Value),
    /// A compile-time number.
    Exact(Rc<Exact>),
    /// An array or a tuple.
    List(Rc<Vec<Value>>),
    /// An error was reported.
    Poison,
}

/// Evaluates typed trees.
pub(crate) struct Elaborator<'a> {
    pub checked: &'a Checked,
    pub reports: &'a mut Reports,
    pub limits: &'a Limits,
    pub emit: Emit,
    /// Promised ranges of inputs, exactly.
    pub ranges: BTreeMap<fir::Value, (Exact, Exact)>,
    /// Comparisons that ranges decide: the outcome, or none once two outcomes were seen.
    pub comparisons: BTreeMap<Span, Option<bool>>,
    /// For each function that was run, by name: where it is declared, or called if it belongs to the library.
    pub places: BTreeMap<String, Span>,
    /// How analytic functions are evaluated, in the order of the program.
    pub evaluations: Vec<Evaluation>,
    /// Whether the program requires anything of its inputs, besides ranges.
    pub requires: bool,
    /// What is proven of the functions' errors, in the order of the program.
    pub proofs: Vec<Proof>,
    /// Whether calls of the library may be looked up.
    pub tables: bool,
    /// What calls were found to be on such arguments.
    pub(super) tabled: BTreeMap<(usize, Arguments), Option<Rc<Tabled>>>,
    /// What is known of the values made so far.
    known: range::Known,
    /// The first file of the library.
    pub library_from: u32,
    constants: BTreeMap<ItemId, Value>,
    /// Calls that are being run, outermost first.
    calls: Vec<(Span, String)>,
    /// Encrypted conditions under which the present place counts, and whether they must hold.
    guards: Vec<(fir::Value, bool)>,
    steps: u64,
    iterations: u64,
    depth: u32,
}

/// The locals of one call.
pub(crate) struct Frame {
    locals: Vec<Option<Value>>,
}

/// Message and label for an index out of range.
pub(crate) fn out_of_range(index: &str, len: i64) -> (String, String) {
    let label = match len {
        0 => "the array is empty".to_owned(),
        1 => "the array has 1 element, expected 0".to_owned(),
        _ => format!("the array has {len} elements, expected 0 to {}", len - 1),
    };
    (format!("index {index} is out of range"), label)
}

impl<'a> Elaborator<'a> {
    /// An elaborator with an empty graph.
    pub(crate) fn new(
        checked: &'a Checked,
        reports: &'a mut Reports,
        limits: &'a Limits,
        library_from: u32,
        purpose: Purpose,
    ) -> Elaborator<'a> {
        Elaborator {
            checked,
            reports,
            limits,
            emit: Emit::new(purpose),
            ranges: BTreeMap::new(),
            comparisons: BTreeMap::new(),
            places: BTreeMap::new(),
            evaluations: Vec::new(),
            requires: false,
            proofs: Vec::new(),
            tables: false,
            tabled: BTreeMap::new(),
            known: range::Known::default(),
            library_from,
            constants: BTreeMap::new(),
            calls: Vec::new(),
            guards: Vec::new(),
            steps: 0,
            iterations: 0,
            depth: 0,
        }
    }

    /// Runs a function on values.
    pub(crate) fn run(&mut self, instance: &Instance, args: Vec<Value>) -> Result<Value, Stop> {
        let mut frame = Frame { locals: vec![None; instance.locals] };
        for (param, arg) in instance.params.iter().zip(args) {
            frame.locals[param.local] = Some(arg);
        }
        self.note_place(instance);
        let before = self.emit.enter(&instance.name);
        let value = self.eval(&mut frame, &instance.body);
        self.emit.leave(before);
        value
    }

    pub(super) fn note_place(&mut self, instance: &Instance) {
        if self.places.contains_key(&instance.name) {
            return;
        }
        let own = |span: &Span| span.file < self.library_from;
        let calls = self.calls.iter().rev().map(|(span, _)| *span);
        if let Some(place) = [instance.span].into_iter().chain(calls).find(own) {
            self.places.insert(instance.name.clone(), place);
        }
    }

    /// Evaluates a bound of a parameter of an instance.
    pub(crate) fn eval_bound(&mut self, instance: &Instance, node: &Node) -> Result<Value, Stop> {
        self.eval(&mut Frame { locals: vec![None; instance.locals] }, node)
    }

    /// Reports an error with the calls that led to it.
    pub(crate) fn error(
        &mut self,
        code: &'static str,
        span: Span,
        message: impl Into<String>,
        label: impl Into<String>,
        help: impl Into<String>,
    ) -> Value {
        let diagnostic = self.reports.error(code, span, message, label, help);
        for (span, name) in self.calls.iter().rev().take(3) {
            diagnostic.related.push((*span, format!("in this use of `{name}`")));
        }
        Value::Poison
    }

    /// Steps taken so far.
    pub(super) fn steps(&self) -> u64 {
        self.steps + 16 * self.emit.folded
    }

    /// Takes so many steps, as far as there are any left.
    pub(super) fn step(&mut self, span: Span, cost: u64) -> Result<(), Stop> {
        self.steps = self.steps.saturating_add(cost);
        if self.steps() > self.limits.steps {
            self.error(
                "E0306",
                span,
                format!("the program needs more than {} steps to unroll", self.limits.steps),
                "stopped here",
                "use fewer iterations and calls, or raise `--limit steps=N`",
            );
            return Err(Stop);
        }
        if self.emit.len() as u64 > self.limits.nodes {
            self.error(
                "E0302",
                span,
                format!("the program unrolls to more than {} operations", self.limits.nodes),
                "stopped here",
                "use fewer iterations, or raise `--limit nodes=N`",
            );
            return Err(Stop);
        }
        Ok(())
    }

    fn eval(&mut self, frame: &mut Frame, node: &Node) -> Result<Value, Stop> {
        self.step(node.span, 1)?;
        if self.depth >= MAX_NESTING {
            self.error(
                "E0304",
                node.span,
                format!("calls and expressions nest more than {MAX_NESTING} deep"),
                "too deep",
                "use fewer calls within calls",
            );
            return Err(Stop);
        }
        self.depth += 1;
        let value = self.eval_kind(frame, node);
        self.depth -= 1;
        value
    }

    fn eval_kind(&mut self, frame: &mut Frame, node: &Node) -> Result<Value, Stop> {
        let span = node.span;
        match &node.kind {
            Kind::Bits(bits) => Ok(match &node.ty {
                Ty::Scalar(scalar) => Value::Scalar(self.emit.constant(*scalar, bits.clone())),
                Ty::Var(_) | Ty::Int | Ty::Rational | Ty::Array(..) | Ty::Tuple(_) | Ty::Error => {
                    Value::Poison
                }
            }),
            Kind::Literal { value, bits } => Ok(match &node.ty {
                Ty::Scalar(scalar) => Value::Scalar(self.emit.literal(*scalar, bits.clone(), value)),
                Ty::Var(_) | Ty::Int | Ty::Rational | Ty::Array(..) | Ty::Tuple(_) | Ty::Error => {
                    Value::Poison
                }
            }),
            Kind::Exact(value) => Ok(Value::Exact(value.clone())),
            Kind::Limit { ty, smallest } => {
                let bits = super::finish::limit(*ty, *smallest);
                Ok(Value::Scalar(self.emit.constant(*ty, bits)))
            }
            Kind::Local(local) => Ok(frame.locals.get(*local).cloned().flatten().unwrap_or(Value::Poison)),
            Kind::Const(item) => self.constant(*item),
            Kind::Coerce(inner) => {
                let value = self.eval(frame, inner)?;
                Ok(self.coerce(value, &node.ty, span))
            }
            Kind::Unary { op, operand } => {
                let value = self.eval(frame, operand)?;
                Ok(self.unary(*op, value))
            }
            Kind::Binary { op, left, right } => self.binary(frame, *op, left, right, node),
            Kind::Cast(operand) => {
                let value = self.eval(frame, operand)?;
                Ok(self.cast(value, &operand.ty, &node.ty, span))
            }
            Kind::If { condition, then, otherwise, assigned } => {
                self.conditional(frame, condition, then, otherwise.as_deref(), assigned, span)
            }
            Kind::Block { statements, value } => {
                for statement in statements {
                    self.statement(frame, statement)?;
                }
                match value {
                    Some(value) => self.eval(frame, value),
                    None => Ok(unit()),
                }
            }
            Kind::Call { item: _, generics: _, args, callee } => self.call(frame, *callee, args, span),
            Kind::Builtin { function, args } => {
                let values = self.eval_all(frame, args)?;
                self.builtin(*function, values, node)
            }
            Kind::Index { base, index } => {
                let base = self.eval(frame, base)?;
                let at = self.eval(frame, index)?;
                let Some(at) = self.whole(&at, index.span, "an index") else { return Ok(Value::Poison) };
                let Value::List(items) = base else { return Ok(Value::Poison) };
                match usize::try_from(at).ok().and_then(|at| items.get(at)) {
                    Some(item) => Ok(item.clone()),
                    None => Ok(self.range_error(at, items.len(), index.span)),
                }
            }
            Kind::Array(items) | Kind::Tuple(items) => {
                let values = self.eval_all(frame, items)?;
                self.sized(list(values), span)
            }
            Kind::Repeat { value, length } => {
                let value = self.eval(frame, value)?;
                let len = self.eval(frame, length)?;
                let Some(len) = self.whole(&len, length.span, "an array length") else {
                    return Ok(Value::Poison);
                };
                self.repeat(value, len, length.span, span)
            }
            Kind::Comprehension { value, variable, from, to, inclusive } => {
                let Some(bounds) = self.bounds(frame, from, to, *inclusive)? else {
                    return Ok(Value::Poison);
                };
                let mut items = Vec::new();
                for at in bounds {
                    frame.locals[*variable] = Some(whole_value(at));
                    items.push(self.eval(frame, value)?);
                    if items.len() as u64 > self.limits.array_elements {
                        break;
                    }
                }
                self.sized(list(items), span)
            }
            Kind::Number { .. } | Kind::Error => Ok(Value::Poison),
        }
    }

    fn eval_all(&mut self, frame: &mut Frame, nodes: &[Node]) -> Result<Vec<Value>, Stop> {
        nodes.iter().map(|node| self.eval(frame, node)).collect()
    }

    fn constant(&mut self, item: ItemId) -> Result<Value, Stop> {
        if let Some(value) = self.constants.get(&item) {
            return Ok(value.clone());
        }
        let instance =
            self.checked.constants.get(&item).and_then(|index| self.checked.instances[*index].as_ref());
        let Some(instance) = instance else { return Ok(Value::Poison) };
        let calls = std::mem::take(&mut self.calls);
        let value = self.run(instance, Vec::new());
        self.calls = calls;
        let value = value?;
        self.constants.insert(item, value.clone());
        Ok(value)
    }

    fn range_error(&mut self, at: i64, len: usize, span: Span) -> Value {
        let (message, label) = out_of_range(&at.to_string(), i64::try_from(len).unwrap_or(i64::MAX));
        self.error("E0310", span, message, label, "indices start at 0")
    }

    fn too_long(&mut self, len: &str, span: Span) -> Value {
        let limit = self.limits.array_elements;
        self.error(
            "E0301",
            span,
            format!("an array of {len} element{}", if len == "1" { "" } else { "s" }),
            format!("at most {limit} are allowed"),
            "use a smaller array, or raise `--limit array=N`",
        )
    }

    fn sized(&mut self, value: Value, span: Span) -> Result<Value, Stop> {
        let count = elements(&value);
        if count > self.limits.array_elements {
            self.too_long(&count.to_string(), span);
            return Err(Stop);
        }
        Ok(value)
    }

    fn repeat(&mut self, value: Value, len: i64, at: Span, span: Span) -> Result<Value, Stop> {
        if len < 0 {
            return Ok(self.error(
                "E0314",
                at,
                format!("an array cannot have {len} elements"),
                "expected zero or more",
                "correct the length",
            ));
        }
        let count = elements(&value).max(1).saturating_mul(len.unsigned_abs());
        if count > self.limits.array_elements {
            self.too_long(&count.to_string(), span);
            return Err(Stop);
        }
        let len = usize::try_from(len).expect("bounded by the element limit");
        Ok(list(vec![value; len]))
    }

    /// A whole number that is known now.
    fn whole(&mut self, value: &Value, span: Span, what: &str) -> Option<i64> {
        let number = match value {
            Value::Exact(number) => (**number).clone(),
            Value::Scalar(scalar) => match self.known(*scalar) {
                Some(Real::Finite(number)) => number,
                Some(Real::NegativeZero) => Exact::zero(),
                Some(Real::Infinity { .. } | Real::Nan) => {
                    self.error(
                        "E0314",
                        span,
                        format!("{what} must be a whole number"),
                        "not a finite number",
                        "use a whole number",
                    );
                    return None;
                }
                None => {
                    self.error(
                        "E0209",
                        span,
                        format!("{what} must be known at compile time, this value is encrypted"),
                        "expected a compile-time integer, found an encrypted value",
                        "loop over all positions and choose: `if i as uint<8> == k { x[i] } else { .. }`",
                    );
                    return None;
                }
            },
            Value::List(_) | Value::Poison => return None,
        };
        let found = to_i64(&number);
        if found.is_none() {
            self.error(
                "E0314",
                span,
                format!("{what} must be a whole number, this is {}", show(&number)),
                format!("found {}", show(&number)),
                "use a whole number",
            );
        }
        found
    }

    fn known(&self, value: fir::Value) -> Option<Real> {
        self.emit.constant_of(value).map(|bits| self.emit.ty(value).decode(bits))
    }

    fn known_bool(&self, value: fir::Value) -> Option<bool> {
        self.emit.constant_of(value).map(|bits| !bits.is_zero())
    }

    fn boolean(&mut self, value: bool) -> Value {
        Value::Scalar(self.emit.constant(Scalar::Bool, BigUint::from(u8::from(value))))
    }

    // Conversions.

    /// A compile-time number takes the type of its context, rounded to nearest, ties to even.
    fn coerce(&mut self, value: Value, ty: &Ty, span: Span) -> Value {
        match (value, ty) {
            (Value::Exact(number), Ty::Scalar(scalar)) => self.encode(&number, *scalar, span),
            (value, _) => value,
        }
    }

    /// Rounds to the nearest value of a type.
    pub(crate) fn encode(&mut self, number: &Exact, scalar: Scalar, span: Span) -> Value {
        match scalar.encode(number) {
            Ok(encoded) => Value::Scalar(self.emit.literal(scalar, encoded.bits, number)),
            Err(overflow) => self.error(
                "E0207",
                span,
                format!("{} does not fit {scalar}", show(number)),
                overflow.to_string(),
                "use a wider type or a smaller number",
            ),
        }
    }

    fn cast(&mut self, value: Value, from: &Ty, to: &Ty, span: Span) -> Value {
        match (value, to) {
            (Value::Exact(number), Ty::Scalar(scalar @ (Scalar::Int(_) | Scalar::Uint(_)))) => {
                let bits = integer_bits(&number, *scalar, *from == Ty::Int);
                Value::Scalar(self.emit.constant(*scalar, bits))
            }
            (Value::Exact(number), Ty::Scalar(scalar)) => self.encode(&number, *scalar, span),
            (Value::Exact(number), Ty::Int) => Value::Exact(Rc::new(number.trunc())),
            (Value::Exact(number), Ty::Rational) => Value::Exact(number),
            (Value::Scalar(value), Ty::Scalar(scalar)) if self.emit.ty(value) == *scalar => {
                Value::Scalar(value)
            }
            (Value::Scalar(value), Ty::Scalar(scalar)) => {
                Value::Scalar(self.emit.op(Op::Convert, vec![value], *scalar))
            }
            (Value::Scalar(value), Ty::Int | Ty::Rational) => match self.known(value) {
                Some(Real::Finite(number)) if *to == Ty::Int => Value::Exact(Rc::new(number.trunc())),
                Some(Real::Finite(number)) => Value::Exact(Rc::new(number)),
                Some(Real::NegativeZero | Real::Nan) => Value::Exact(Rc::new(Exact::zero())),
                Some(Real::Infinity { .. }) => self.error(
                    "E0314",
                    span,
                    "an infinity has no compile-time value",
                    "not a finite number",
                    "use a finite value",
                ),
                None => self.error(
                    "E0209",
                    span,
                    "an encrypted value cannot become a compile-time number",
                    "expected a compile-time value, found an encrypted one",
                    "only literals, `const` items, loop variables and lengths are known at compile time",
                ),
            },
            (Value::Scalar(_) | Value::Exact(_), Ty::Var(_) | Ty::Array(..) | Ty::Tuple(_) | Ty::Error)
            | (Value::List(_) | Value::Poison, _) => Value::Poison,
        }
    }

    // Operators.

    fn unary(&mut self, op: UnaryOp, value: Value) -> Value {
        match (value, op) {
            (Value::Exact(number), UnaryOp::Neg) => Value::Exact(Rc::new(-(*number).clone())),
            // As for two's complement of any width.
            (Value::Exact(number), UnaryOp::Not) => {
                Value::Exact(Rc::new(-(*number).clone() - BigInt::from(1)))
            }
            (Value::Scalar(value), _) => {
                let op = match op {
                    UnaryOp::Neg => Op::Neg,
                    UnaryOp::Not => Op::Not,
                };
                Value::Scalar(self.emit.op(op, vec![value], self.emit.ty(value)))
            }
            (Value::List(_) | Value::Poison, _) => Value::Poison,
        }
    }

    fn binary(
        &mut self,
        frame: &mut Frame,
        op: BinaryOp,
        left: &Node,
        right: &Node,
        node: &Node,
    ) -> Result<Value, Stop> {
        let a = self.eval(frame, left)?;
        if let (Value::Scalar(first), BinaryOp::And | BinaryOp::Or) = (&a, op)
            && self.known_bool(*first) == Some(op == BinaryOp::Or)
        {
            return Ok(a);
        }
        let b = self.eval(frame, right)?;
        let at = if matches!(op, BinaryOp::Shl | BinaryOp::Shr) { right.span } else { node.span };
        self.operate(op, a, b, &node.ty, at)
    }

    fn operate(&mut self, op: BinaryOp, a: Value, b: Value, ty: &Ty, span: Span) -> Result<Value, Stop> {
        match (a, b) {
            (Value::Exact(a), Value::Exact(b)) => self.exact(op, &a, &b, ty, span),
            (Value::Scalar(a), b) if matches!(op, BinaryOp::Shl | BinaryOp::Shr) => {
                Ok(self.shift(op, a, b, span))
            }
            (Value::Scalar(a), Value::Scalar(b)) => Ok(self.scalars(op, a, b, span)),
            (Value::Scalar(_) | Value::Exact(_) | Value::List(_) | Value::Poison, _) => Ok(Value::Poison),
        }
    }

    fn exact(&mut self, op: BinaryOp, a: &Exact, b: &Exact, ty: &Ty, span: Span) -> Result<Value, Stop> {
        if let Some(outcome) = exact::compare(op, a, b) {
            return Ok(self.boolean(outcome));
        }
        self.step(span, (a.numer().bits() + b.denom().bits()) / 16)?;
        Ok(match exact::arithmetic(op, a, b, *ty == Ty::Int) {
            Some(Ok(value)) => Value::Exact(Rc::new(value)),
            Some(Err(error)) => {
                let (code, message, help) = describe(error);
                self.error(code, span, message, "computed at compile time", help)
            }
            None => Value::Poison,
        })
    }

    fn scalars(&mut self, op: BinaryOp, a: fir::Value, b: fir::Value, span: Span) -> Value {
        let ty = self.emit.ty(a);
        if ty != self.emit.ty(b) {
            return Value::Poison;
        }
        let differs = op == BinaryOp::Ne;
        let (op, operands, ty) = match op {
            BinaryOp::Mul => (Op::Mul, vec![a, b], ty),
            BinaryOp::Div => (Op::Div, vec![a, b], ty),
            BinaryOp::Rem => (Op::Rem, vec![a, b], ty),
            BinaryOp::Add => (Op::Add, vec![a, b], ty),
            BinaryOp::Sub => (Op::Sub, vec![a, b], ty),
            BinaryOp::BitAnd | BinaryOp::And => (Op::And, vec![a, b], ty),
            BinaryOp::BitXor => (Op::Xor, vec![a, b], ty),
            BinaryOp::BitOr | BinaryOp::Or => (Op::Or, vec![a, b], ty),
            BinaryOp::Lt | BinaryOp::Le | BinaryOp::Gt | BinaryOp::Ge | BinaryOp::Eq | BinaryOp::Ne => {
                self.watch(op, a, b, span);
                let (x, y) = if matches!(op, BinaryOp::Gt | BinaryOp::Ge) { (b, a) } else { (a, b) };
                let test = if matches!(op, BinaryOp::Lt | BinaryOp::Gt) {
                    Op::Lt
                } else if matches!(op, BinaryOp::Le | BinaryOp::Ge) {
                    Op::Le
                } else {
                    Op::Eq
                };
                (test, vec![x, y], Scalar::Bool)
            }
            BinaryOp::Shl | BinaryOp::Shr => return Value::Poison,
        };
        let value = match self.foretold(&op, &operands, span) {
            Some(outcome) => self.emit.constant(Scalar::Bool, BigUint::from(u8::from(outcome))),
            None => self.emit.op(op, operands, ty),
        };
        Value::Scalar(if differs { self.emit.op(Op::Not, vec![value], Scalar::Bool) } else { value })
    }

    fn shift(&mut self, op: BinaryOp, a: fir::Value, amount: Value, span: Span) -> Value {
        let ty = self.emit.ty(a);
        let amount = match amount {
            Value::Exact(amount) => (*amount).clone(),
            Value::Scalar(by) => match self.known(by) {
                Some(Real::Finite(amount)) => amount,
                Some(Real::NegativeZero | Real::Infinity { .. } | Real::Nan) => return Value::Poison,
                None if !matches!(self.emit.ty(by), Scalar::Uint(_)) => return Value::Poison,
                None => {
                    let op = if op == BinaryOp::Shl { Op::Shl } else { Op::Shr };
                    return Value::Scalar(self.emit.op(op, vec![a, by], ty));
                }
            },
            Value::List(_) | Value::Poison => return Value::Poison,
        };
        if amount.is_negative() || !amount.is_integer() {
            return self.error(
                "E0314",
                span,
                format!("a shift by {}", show(&amount)),
                "expected a whole number, zero or more",
                "shift the other way",
            );
        }
        let width = ty.width();
        let amount = amount.numer().to_u32().unwrap_or(u32::MAX).min(width);
        let signed = matches!(ty, Scalar::Int(_) | Scalar::Fixed { .. });
        if amount == 0 {
            return Value::Scalar(a);
        }
        if amount == width && !(signed && op == BinaryOp::Shr) {
            return Value::Scalar(self.emit.constant(ty, BigUint::ZERO));
        }
        let op = if op == BinaryOp::Shl { Op::ShlConst(amount) } else { Op::ShrConst(amount.min(width - 1)) };
        Value::Scalar(self.emit.op(op, vec![a], ty))
    }

    // Ranges.

    /// Notes a comparison that the promised ranges decide.
    fn watch(&mut self, op: BinaryOp, a: fir::Value, b: fir::Value, span: Span) {
        let constant = self.emit.constant_of(a).is_some() && self.emit.constant_of(b).is_some();
        if constant || self.emit.purpose() == Purpose::Meaning {
            return;
        }
        let outcome = match (self.interval(a, 16), self.interval(b, 16)) {
            (Some(a), Some(b)) => decided(op, &a, &b),
            _ => None,
        };
        self.comparisons
            .entry(span)
            .and_modify(|known| {
                if *known != outcome {
                    *known = None;
                }
            })
            .or_insert(outcome);
    }

    /// The outcome of a test of the library that the promised ranges decide. (A program's own tests stay: what it
    /// computes, and what it may say, does not hang on a range.)
    fn foretold(&mut self, op: &Op, operands: &[fir::Value], span: Span) -> Option<bool> {
        let decides = span.file >= self.library_from && self.emit.purpose() == Purpose::Gates;
        if !decides || self.ranges.is_empty() || !range::is_test(op) {
            return None;
        }
        self.known.extend(self.emit.graph());
        self.known.outcome(op, operands, |value| self.emit.ty(value))
    }

    /// The bounds of a value that follow from the promised ranges; else those of all finite values, and beyond.
    fn bound(&mut self, value: fir::Value, upper: bool) -> Value {
        let ty = self.emit.ty(value);
        let Some(format) = ty.as_float() else { return Value::Poison };
        self.known.extend(self.emit.graph());
        if let Some((low, high)) = self.known.bounds(value, ty) {
            return Value::Exact(Rc::new(if upper { high } else { low }));
        }
        let Real::Finite(largest) = ty.decode(&format.max_finite()) else { return Value::Poison };
        let beyond = largest * BigInt::from(2);
        Value::Exact(Rc::new(if upper { beyond } else { -beyond }))
    }

    /// The bounds of a value that follow from the promised ranges, if any do.
    pub(super) fn promised(&mut self, value: fir::Value) -> Option<(Exact, Exact)> {
        self.known.extend(self.emit.graph());
        self.known.bounds(value, self.emit.ty(value))
    }

    /// Bounds of a value, where they follow without rounding.
    #[allow(
        clippy::wildcard_enum_match_arm,
        reason = "nothing is known about the results of other operations"
    )]
    fn interval(&self, value: fir::Value, depth: u32) -> Option<(Exact, Exact)> {
        if let Some(range) = self.ranges.get(&value) {
            return Some(range.clone());
        }
        let node = self.emit.node(value)?;
        let of = |index: usize| self.interval(node.operands[index], depth.checked_sub(1)?);
        match node.op {
            Op::Constant(_) => match self.known(value)? {
                Real::Finite(number) => Some((number.clone(), number)),
                Real::NegativeZero => Some((Exact::zero(), Exact::zero())),
                Real::Infinity { .. } | Real::Nan => None,
            },
            Op::Neg if matches!(node.ty, Scalar::Float(_)) => of(0).map(|(low, high)| (-high, -low)),
            Op::Abs if matches!(node.ty, Scalar::Float(_)) => of(0).map(|(low, high)| {
                let least = if low.is_positive() {
                    low.clone()
                } else if high.is_negative() {
                    -high.clone()
                } else {
                    Exact::zero()
                };
                (least, low.abs().max(high.abs()))
            }),
            Op::Min => of(0).zip(of(1)).map(|(a, b)| (a.0.min(b.0), a.1.min(b.1))),
            Op::Max => of(0).zip(of(1)).map(|(a, b)| (a.0.max(b.0), a.1.max(b.1))),
            Op::Select => of(1).zip(of(2)).map(|(a, b)| (a.0.min(b.0), a.1.max(b.1))),
            _ => None,
        }
    }

    // Control flow.

    fn conditional(
        &mut self,
        frame: &mut Frame,
        condition: &Node,
        then: &Node,
        otherwise: Option<&Node>,
        assigned: &[LocalId],
        span: Span,
    ) -> Result<Value, Stop> {
        let choice = self.eval(frame, condition)?;
        if let Value::Scalar(choice) = &choice
            && let Some(holds) = self.known_bool(*choice)
        {
            return match (holds, otherwise) {
                (true, _) => self.eval(frame, then),
                (false, Some(otherwise)) => self.eval(frame, otherwise),
                (false, None) => Ok(unit()),
            };
        }
        let before: Vec<Option<Value>> = assigned.iter().map(|id| frame.locals[*id].clone()).collect();
        let yes = self.guarded(frame, &choice, true, then)?;
        let after: Vec<Option<Value>> = assigned
            .iter()
            .zip(before)
            .map(|(id, before)| std::mem::replace(&mut frame.locals[*id], before))
            .collect();
        let no = match otherwise {
            Some(otherwise) => self.guarded(frame, &choice, false, otherwise)?,
            None => unit(),
        };
        for (id, yes) in assigned.iter().zip(after) {
            let no = frame.locals[*id].take();
            frame.locals[*id] = match (yes, no) {
                (Some(yes), Some(no)) => Some(self.select(&choice, yes, no, span)?),
                (yes, no) => yes.and(no),
            };
        }
        self.select(&choice, yes, no, span)
    }

    /// Evaluates a side of an encrypted `if`, which counts if the condition is as `holds` says.
    fn guarded(
        &mut self,
        frame: &mut Frame,
        choice: &Value,
        holds: bool,
        side: &Node,
    ) -> Result<Value, Stop> {
        let Some(condition) = as_scalar(choice) else { return self.eval(frame, side) };
        self.guards.push((condition, holds));
        let value = self.eval(frame, side);
        self.guards.pop();
        value
    }

    /// Notes what rows must meet: the condition, where the conditions around it hold.
    fn require(&mut self, condition: fir::Value, span: Span) -> Value {
        if self.known_bool(condition) == Some(false) && self.guards.is_empty() {
            return self.error(
                "E0317",
                span,
                "this requirement is never met",
                "false for all inputs",
                "correct the condition, or the public values that it depends on",
            );
        }
        self.requires |= self.known_bool(condition) != Some(true);
        if self.emit.purpose() == Purpose::Meaning {
            let mut met = condition;
            for (guard, holds) in self.guards.clone() {
                let spared = if holds { self.emit.op(Op::Not, vec![guard], Scalar::Bool) } else { guard };
                met = self.emit.op(Op::Or, vec![spared, met], Scalar::Bool);
            }
            self.emit.require(met, span);
        }
        unit()
    }

    /// `yes` if the encrypted `choice` holds, else `no`; member by member.
    fn select(&mut self, choice: &Value, yes: Value, no: Value, span: Span) -> Result<Value, Stop> {
        self.step(span, 1)?;
        Ok(match (choice, yes, no) {
            (_, Value::Scalar(yes), Value::Scalar(no)) if yes == no => Value::Scalar(yes),
            (Value::Scalar(choice), Value::Scalar(yes), Value::Scalar(no)) => {
                let ty = self.emit.ty(yes);
                if ty != self.emit.ty(no) {
                    return Ok(Value::Poison);
                }
                Value::Scalar(self.emit.op(Op::Select, vec![*choice, yes, no], ty))
            }
            (_, Value::Exact(yes), Value::Exact(no)) if yes == no => Value::Exact(yes),
            (Value::Scalar(_), Value::Exact(yes), Value::Exact(no)) => self.error(
                "E0312",
                span,
                format!(
                    "a compile-time number would be {} or {}, as an encrypted condition says",
                    show(&yes),
                    show(&no)
                ),
                "the condition is encrypted",
                "give the number a type: `let mut n: int<8> = 0;`",
            ),
            (_, Value::List(yes), Value::List(no)) if Rc::ptr_eq(&yes, &no) => Value::List(yes),
            (_, Value::List(yes), Value::List(no)) => {
                if yes.len() != no.len() {
                    return Ok(self.lengths(yes.len(), no.len(), span));
                }
                let mut items = Vec::with_capacity(yes.len());
                for (yes, no) in yes.iter().zip(no.iter()) {
                    items.push(self.select(choice, yes.clone(), no.clone(), span)?);
                }
                list(items)
            }
            (Value::Scalar(_) | Value::Exact(_) | Value::List(_) | Value::Poison, _, _) => Value::Poison,
        })
    }

    fn lengths(&mut self, a: usize, b: usize, span: Span) -> Value {
        self.error(
            "E0200",
            span,
            format!("mismatched types: an array of {a} and one of {b}"),
            format!("expected {a} element{}, found {b}", if a == 1 { "" } else { "s" }),
            "make them equally long",
        )
    }

    fn bounds(
        &mut self,
        frame: &mut Frame,
        from: &Node,
        to: &Node,
        inclusive: bool,
    ) -> Result<Option<std::ops::Range<i64>>, Stop> {
        let (low, high) = (self.eval(frame, from)?, self.eval(frame, to)?);
        let low = self.whole(&low, from.span, "a loop bound");
        let high = self.whole(&high, to.span, "a loop bound");
        let (Some(low), Some(high)) = (low, high) else { return Ok(None) };
        let high = high.saturating_add(i64::from(inclusive));
        let count = high.saturating_sub(low).max(0).unsigned_abs();
        self.iterations = self.iterations.saturating_add(count);
        if self.iterations > self.limits.iterations {
            let limit = self.limits.iterations;
            let message = if count > limit {
                format!("{count} iterations")
            } else {
                format!("the loops of the program unroll to more than {limit} iterations")
            };
            self.error(
                "E0300",
                from.span,
                message,
                format!("at most {limit} iterations are unrolled in a program"),
                "use fewer, or raise `--limit iterations=N`",
            );
            return Err(Stop);
        }
        Ok(Some(low..high.max(low)))
    }

    fn statement(&mut self, frame: &mut Frame, statement: &Statement) -> Result<(), Stop> {
        match statement {
            Statement::Let { pattern, value } => {
                let value = self.eval(frame, value)?;
                bind(frame, pattern, value);
            }
            Statement::Assign { local, indices, op, value, place, span } => {
                self.assign(frame, *local, indices, *op, value, place, *span)?;
            }
            Statement::For { variable, from, to, inclusive, body } => {
                if let Some(bounds) = self.bounds(frame, from, to, *inclusive)? {
                    for at in bounds {
                        frame.locals[*variable] = Some(whole_value(at));
                        self.eval(frame, body)?;
                    }
                }
            }
            Statement::Run(node) => {
                self.eval(frame, node)?;
            }
        }
        Ok(())
    }

    #[allow(clippy::too_many_arguments, reason = "the parts of one statement")]
    fn assign(
        &mut self,
        frame: &mut Frame,
        local: LocalId,
        indices: &[Node],
        op: Option<BinaryOp>,
        value: &Node,
        place: &Ty,
        span: Span,
    ) -> Result<(), Stop> {
        let mut path = Vec::new();
        for index in indices {
            let at = self.eval(frame, index)?;
            path.push((self.whole(&at, index.span, "an index"), index.span));
        }
        let amount = value.span;
        let mut value = self.eval(frame, value)?;
        if let Some(op) = op {
            let Some(current) = self.read(frame, local, &path) else { return Ok(()) };
            let at = if matches!(op, BinaryOp::Shl | BinaryOp::Shr) { amount } else { span };
            value = self.operate(op, current, value, place, at)?;
        } else if self.read(frame, local, &path).is_none() && !path.is_empty() {
            return Ok(());
        }
        let Some(mut slot) = frame.locals[local].as_mut() else {
            frame.locals[local] = Some(value);
            return Ok(());
        };
        for (at, _) in &path {
            let Value::List(items) = slot else { return Ok(()) };
            let at = at.and_then(|at| usize::try_from(at).ok()).unwrap_or(usize::MAX);
            let Some(next) = Rc::make_mut(items).get_mut(at) else { return Ok(()) };
            slot = next;
        }
        *slot = value;
        Ok(())
    }

    /// The current value of a place; an index out of range is reported.
    fn read(&mut self, frame: &Frame, local: LocalId, path: &[(Option<i64>, Span)]) -> Option<Value> {
        let mut value = frame.locals[local].clone()?;
        for (at, span) in path {
            let at = (*at)?;
            let Value::List(items) = &value else { return None };
            let Some(next) = usize::try_from(at).ok().and_then(|at| items.get(at)).cloned() else {
                self.range_error(at, items.len(), *span);
                return None;
            };
            value = next;
        }
        Some(value)
    }

    // Calls.

    fn call(
        &mut self,
        frame: &mut Frame,
        callee: Option<usize>,
        args: &[Node],
        span: Span,
    ) -> Result<Value, Stop> {
        let values = self.eval_all(frame, args)?;
        let checked = self.checked;
        let Some(instance) = callee.and_then(|index| checked.instances.get(index)).and_then(Option::as_ref)
        else {
            return Ok(Value::Poison);
        };
        if self.calls.len() as u64 >= self.limits.depth {
            self.error(
                "E0304",
                span,
                format!("calls nest more than {} deep", self.limits.depth),
                "this call is too deep",
                "use fewer functions within functions, or raise `--limit depth=N`",
            );
            return Err(Stop);
        }
        for (param, (value, arg)) in instance.params.iter().zip(values.iter().zip(args)) {
            if param.public && !self.is_public(value) {
                self.error(
                    "E0316",
                    arg.span,
                    format!(
                        "`{}` takes `{}` in the clear, this value is encrypted",
                        instance.name, param.name
                    ),
                    "expected a public value",
                    "pass a constant or a `public` parameter",
                );
            }
        }
        match self.meant(instance) {
            Some(function) if self.emit.purpose() == Purpose::Meaning => {
                return self.call_meant(function, instance, values, span);
            }
            Some(function) => {
                let index = callee.unwrap_or_default();
                if let Some(value) = self.tabled(index, instance, function, &values, span)? {
                    return Ok(value);
                }
            }
            None => {}
        }
        self.calls.push((span, instance.name.clone()));
        let value = self.run(instance, values);
        self.calls.pop();
        value
    }

    /// The library function that an instance is one of, if it has a meaning of its own.
    fn meant(&self, instance: &Instance) -> Option<Function> {
        Function::named(&instance.name).filter(|_| instance.span.file >= self.library_from)
    }

    /// A call of a function that means more than its body says. On constants the body is run too, for what the gates make
    /// of them may decide what is compiled.
    fn call_meant(
        &mut self,
        function: Function,
        instance: &Instance,
        values: Vec<Value>,
        span: Span,
    ) -> Result<Value, Stop> {
        let mut operands = Vec::new();
        for value in &values {
            scalars_of(value, &mut operands);
        }
        let folded = if operands.iter().all(|value| self.emit.constant_of(*value).is_some()) {
            self.calls.push((span, instance.name.clone()));
            let folded = self.run(instance, values.clone());
            self.calls.pop();
            Some(folded?)
        } else {
            None
        };
        let constant = |own: &Self, at: usize| {
            let mut results = Vec::new();
            scalars_of(folded.as_ref()?, &mut results);
            own.emit.constant_of(*results.get(at)?).cloned()
        };
        let Some(&first) = operands.first() else { return Ok(Value::Poison) };
        let ty = self.emit.ty(first);
        if let Function::Softmax(_) = function {
            let mut results = Vec::with_capacity(operands.len());
            for at in 0..operands.len() {
                let index = u32::try_from(at).expect("bounded by the element limit");
                let bits = constant(self, at);
                let value = self.emit.function(Function::Softmax(index), operands.clone(), ty, bits);
                results.push(Value::Scalar(value));
            }
            return Ok(list(results));
        }
        let bits = constant(self, 0);
        Ok(Value::Scalar(self.emit.function(function, operands, ty, bits)))
    }

    fn is_public(&self, value: &Value) -> bool {
        match value {
            Value::Scalar(value) => self.emit.constant_of(*value).is_some(),
            Value::Exact(_) | Value::Poison => true,
            Value::List(items) => items.iter().all(|item| self.is_public(item)),
        }
    }

    fn builtin(&mut self, function: Builtin, args: Vec<Value>, node: &Node) -> Result<Value, Stop> {
        let span = node.span;
        if args.iter().any(|arg| matches!(arg, Value::Poison)) {
            return Ok(Value::Poison);
        }
        match (function, args.as_slice()) {
            (Builtin::Len, [Value::List(items)]) => {
                Ok(whole_value(i64::try_from(items.len()).expect("bounded by the element limit")))
            }
            (Builtin::Select, [choice, yes, no]) => {
                if let Value::Scalar(value) = choice
                    && let Some(holds) = self.known_bool(*value)
                {
                    return Ok(if holds { yes.clone() } else { no.clone() });
                }
                self.select(choice, yes.clone(), no.clone(), span)
            }
            (Builtin::Require, [Value::Scalar(condition)]) => {
                let place = if let Kind::Builtin { args, .. } = &node.kind { args[0].span } else { span };
                Ok(self.require(*condition, place))
            }
            (
                Builtin::Minimax | Builtin::LargestDifference | Builtin::SignMinimax | Builtin::Evaluated,
                args,
            ) => self.approximation(function, args, span),
            (Builtin::Sum, [Value::List(items)]) => self.sum(Op::Sum, items, &node.ty, span),
            (Builtin::Dot, [Value::List(x), Value::List(y)]) => {
                if x.len() != y.len() {
                    return Ok(self.lengths(x.len(), y.len(), span));
                }
                let pairs: Vec<Value> =
                    x.iter().zip(y.iter()).flat_map(|(x, y)| [x.clone(), y.clone()]).collect();
                self.sum(Op::Dot, &pairs, &node.ty, span)
            }
            (Builtin::Proven, [error]) => {
                if let Some(error) = as_exact(error) {
                    self.prove(&error);
                }
                Ok(unit())
            }
            (Builtin::LowerBound | Builtin::UpperBound, [Value::Scalar(x)]) => {
                Ok(self.bound(*x, function == Builtin::UpperBound))
            }
            _ => {
                let scalars: Option<Vec<fir::Value>> = args.iter().map(as_scalar).collect();
                if let Some(scalars) = scalars {
                    return Ok(self.primitive(function, scalars, &node.ty, span));
                }
                let exact: Option<Vec<Rc<Exact>>> = args.iter().map(as_exact).collect();
                Ok(exact.map_or(Value::Poison, |exact| self.exact_primitive(function, &exact, span)))
            }
        }
    }

    /// What the library computes about its polynomials.
    fn approximation(&mut self, function: Builtin, args: &[Value], span: Span) -> Result<Value, Stop> {
        let whole = |value: &Value| as_exact(value).and_then(|value| to_i64(&value));
        let length = |value: &Value| whole(value).and_then(|terms| usize::try_from(terms + 1).ok());
        match (function, args) {
            (Builtin::Minimax, [series, terms, degree, unit]) => {
                let (Some(series), Some(terms), Some(degree), Some(unit)) =
                    (rows_of(series), length(terms), length(degree), as_exact(unit))
                else {
                    return Ok(Value::Poison);
                };
                if unit.is_zero() || degree == 0 {
                    return Ok(Value::Poison);
                }
                let mut found = Vec::with_capacity(series.len());
                for row in series {
                    self.step(span, 30 * (degree * terms.max(degree)) as u64)?;
                    let best = approx::minimax(&row[..terms.min(row.len())], degree - 1, &unit);
                    let zeros = vec![Exact::zero(); row.len().saturating_sub(best.len())];
                    let row = best.into_iter().chain(zeros).take(row.len());
                    found.push(list(row.map(|value| Value::Exact(Rc::new(value))).collect()));
                }
                Ok(list(found))
            }
            (Builtin::LargestDifference, [a, b, terms]) => {
                let (Some(a), Some(b), Some(terms)) = (rows_of(a), rows_of(b), length(terms)) else {
                    return Ok(Value::Poison);
                };
                let mut largest = Exact::zero();
                for (a, b) in a.iter().zip(&b) {
                    self.step(span, 8 * (terms * terms) as u64)?;
                    let cut = |row: &[Exact]| row[..terms.min(row.len())].to_vec();
                    largest = largest.max(approx::largest_difference(&cut(a), &cut(b)));
                }
                Ok(Value::Exact(Rc::new(largest)))
            }
            (Builtin::SignMinimax, [low, high, degree, unit]) => {
                let (Some(low), Some(high), Some(degree), Some(unit)) =
                    (as_exact(low), as_exact(high), whole(degree), as_exact(unit))
                else {
                    return Ok(Value::Poison);
                };
                self.step(span, 1_000)?;
                let Some((found, difference)) = approx::sign_minimax(&low, &high, degree, &unit) else {
                    return Ok(self.error(
                        "E0314",
                        span,
                        format!("there is no such polynomial from {} to {}", show(&low), show(&high)),
                        "expected 2^-100 <= low < high <= 4, an odd degree from 3 to 7, and a unit above 0",
                        "correct the bounds",
                    ));
                };
                let exact = |value| Value::Exact(Rc::new(value));
                Ok(list(vec![list(found.into_iter().map(exact).collect()), exact(difference)]))
            }
            (Builtin::Evaluated, [method, degree, segments, Value::List(widths), error]) => {
                let (Some(method), Some(degree), Some(segments), Some(error)) =
                    (whole(method), whole(degree), whole(segments), as_exact(error))
                else {
                    return Ok(Value::Poison);
                };
                let widths = widths.iter().filter_map(whole).take(usize::try_from(degree + 1).unwrap_or(0));
                let evaluation = Evaluation {
                    function: self.named_by_the_program(),
                    method: if method == Approximation::Taylor.code() {
                        Approximation::Taylor
                    } else {
                        Approximation::Minimax
                    },
                    degree,
                    segments,
                    widths: widths.collect(),
                    error: show_power(&error),
                };
                self.note_evaluation(evaluation);
                Ok(unit())
            }
            _ => Ok(Value::Poison),
        }
    }

    /// Notes a proof about the function that says it, if the program itself calls that.
    fn prove(&mut self, error: &Exact) {
        if let Some((span, function)) = self.calls.last().cloned() {
            self.prove_of(&function, span, error);
        }
    }

    /// Notes a proof about a call, if the program itself has it.
    pub(super) fn prove_of(&mut self, function: &str, span: Span, error: &Exact) {
        if span.file >= self.library_from {
            return;
        }
        let proof = Proof { function: function.to_owned(), error: show_hundredths(error) };
        if !self.proofs.contains(&proof) {
            self.proofs.push(proof);
        }
    }

    /// Notes the error of an operation that the program itself calls, exact but for one rounding.
    fn prove_rounded(&mut self, function: &str, ty: Scalar, span: Span) {
        let Some(format) = ty.as_float() else { return };
        let halves = match format.rounding() {
            Rounding::NearestEven | Rounding::NearestAway => 1,
            Rounding::TowardZero | Rounding::Up | Rounding::Down => 2,
        };
        self.prove_of(function, span, &Exact::new(BigInt::from(halves), BigInt::from(2)));
    }

    /// Notes how a function is evaluated.
    pub(super) fn note_evaluation(&mut self, evaluation: Evaluation) {
        if !self.evaluations.contains(&evaluation) {
            self.evaluations.push(evaluation);
        }
    }

    /// The library function that the program itself calls, of those that are being run.
    pub(super) fn named_by_the_program(&self) -> String {
        let own = |call: &&(Span, String)| call.0.file < self.library_from;
        self.calls.iter().rev().find(own).map_or_else(String::new, |(_, name)| name.clone())
    }

    fn sum(&mut self, op: Op, items: &[Value], ty: &Ty, span: Span) -> Result<Value, Stop> {
        self.step(span, items.len() as u64)?;
        if let Ty::Scalar(ty) = ty {
            let Some(values) = items.iter().map(as_scalar).collect::<Option<Vec<_>>>() else {
                return Ok(Value::Poison);
            };
            return Ok(Value::Scalar(match (values.as_slice(), &op) {
                ([], _) => self.emit.constant(*ty, BigUint::ZERO),
                _ if values.iter().any(|value| self.emit.ty(*value) != *ty) => return Ok(Value::Poison),
                ([only], Op::Sum) => *only,
                _ => self.emit.op(op, values, *ty),
            }));
        }
        let Some(values) = items.iter().map(as_exact).collect::<Option<Vec<_>>>() else {
            return Ok(Value::Poison);
        };
        let mut total = Value::Exact(Rc::new(Exact::zero()));
        for chunk in values.chunks(if op == Op::Dot { 2 } else { 1 }) {
            let term = match chunk {
                [a, b] => self.exact(BinaryOp::Mul, a, b, ty, span)?,
                [a] => Value::Exact(a.clone()),
                _ => Value::Poison,
            };
            total = self.operate(BinaryOp::Add, total, term, ty, span)?;
        }
        Ok(total)
    }

    fn exact_primitive(&mut self, function: Builtin, args: &[Rc<Exact>], span: Span) -> Value {
        let value = match (function, args) {
            (Builtin::Abs, [a]) => a.abs(),
            (Builtin::Sign, [a]) => a.signum(),
            (Builtin::Floor, [a]) => a.floor(),
            (Builtin::Ceil, [a]) => a.ceil(),
            (Builtin::Round, [a]) => a.round(),
            (Builtin::Trunc, [a]) => a.trunc(),
            (Builtin::RoundEven, [a]) => round_even(a),
            (Builtin::Min | Builtin::Minimum, [a, b]) => (**a).clone().min((**b).clone()),
            (Builtin::Max | Builtin::Maximum, [a, b]) => (**a).clone().max((**b).clone()),
            _ => {
                return self.error(
                    "E0211",
                    span,
                    "this function has no exact compile-time value",
                    "the argument is a compile-time number",
                    "round the argument first: `sqrt(c as f32)`",
                );
            }
        };
        Value::Exact(Rc::new(value))
    }

    fn primitive(&mut self, function: Builtin, args: Vec<fir::Value>, ty: &Ty, span: Span) -> Value {
        let Ty::Scalar(ty) = ty else { return Value::Poison };
        if !self.well_typed(function, &args, *ty) {
            return Value::Poison;
        }
        let op = match function {
            Builtin::Abs => Op::Abs,
            Builtin::Neg => Op::Neg,
            Builtin::Min => Op::Min,
            Builtin::Max => Op::Max,
            Builtin::Minimum => Op::Minimum,
            Builtin::Maximum => Op::Maximum,
            Builtin::Remainder => Op::Remainder,
            Builtin::Fma => Op::Fma,
            Builtin::Sqrt => {
                self.prove_rounded("sqrt", *ty, span);
                Op::Sqrt
            }
            Builtin::Floor => Op::Floor,
            Builtin::Ceil => Op::Ceil,
            Builtin::Round => Op::Round,
            Builtin::RoundEven => Op::RoundEven,
            Builtin::Trunc => Op::Trunc,
            Builtin::Exponent => Op::Exponent,
            Builtin::Significand => Op::Significand,
            Builtin::Scale2 => Op::Scale2,
            Builtin::IsNan => Op::IsNan,
            Builtin::IsInf => Op::IsInf,
            Builtin::IsFinite => Op::IsFinite,
            Builtin::IsNegative => Op::IsNegative,
            Builtin::IsZero => Op::IsZero,
            Builtin::IsSubnormal => Op::IsSubnormal,
            Builtin::IsNormal => Op::IsNormal,
            Builtin::CopySign => Op::CopySign,
            Builtin::Bits | Builtin::FromBits => Op::Reinterpret,
            Builtin::Sign => return self.sign(args[0], *ty, span),
            Builtin::Select
            | Builtin::Sum
            | Builtin::Dot
            | Builtin::Len
            | Builtin::Require
            | Builtin::Minimax
            | Builtin::LargestDifference
            | Builtin::SignMinimax
            | Builtin::Evaluated
            | Builtin::Proven
            | Builtin::LowerBound
            | Builtin::UpperBound => return Value::Poison,
        };
        match self.foretold(&op, &args, span) {
            Some(outcome) => self.boolean(outcome),
            None => Value::Scalar(self.emit.op(op, args, *ty)),
        }
    }

    /// Whether operands have the types that the operation takes; they may not after an error, which was reported.
    fn well_typed(&self, function: Builtin, args: &[fir::Value], ty: Scalar) -> bool {
        let first = args.first().map_or(ty, |value| self.emit.ty(*value));
        match function {
            Builtin::Bits | Builtin::FromBits => first.width() == ty.width(),
            Builtin::Exponent
            | Builtin::IsNan
            | Builtin::IsInf
            | Builtin::IsFinite
            | Builtin::IsNegative
            | Builtin::IsSubnormal
            | Builtin::IsNormal => first.as_float().is_some(),
            Builtin::IsZero => first != Scalar::Bool,
            Builtin::Remainder => {
                first.as_float().is_some() && args.iter().all(|value| self.emit.ty(*value) == ty)
            }
            Builtin::Scale2 => {
                first == ty && args.get(1).is_some_and(|by| matches!(self.emit.ty(*by), Scalar::Int(_)))
            }
            Builtin::Abs
            | Builtin::Neg
            | Builtin::Min
            | Builtin::Max
            | Builtin::Minimum
            | Builtin::Maximum
            | Builtin::Fma
            | Builtin::Sqrt
            | Builtin::Floor
            | Builtin::Ceil
            | Builtin::Round
            | Builtin::RoundEven
            | Builtin::Trunc
            | Builtin::Select
            | Builtin::Sign
            | Builtin::Significand
            | Builtin::CopySign
            | Builtin::Sum
            | Builtin::Dot
            | Builtin::Len
            | Builtin::Require
            | Builtin::Minimax
            | Builtin::LargestDifference
            | Builtin::SignMinimax
            | Builtin::Evaluated
            | Builtin::Proven
            | Builtin::LowerBound
            | Builtin::UpperBound => args.iter().all(|value| self.emit.ty(*value) == ty),
        }
    }

    /// 1 with the sign of x; 0 for zero; NaN for NaN.
    fn sign(&mut self, x: fir::Value, ty: Scalar, span: Span) -> Value {
        let zero = self.emit.constant(ty, BigUint::ZERO);
        let Value::Scalar(one) = self.encode(&Exact::from_integer(1.into()), ty, span) else {
            return Value::Poison;
        };
        let is_zero = self.emit.op(Op::Eq, vec![x, zero], Scalar::Bool);
        let magnitude = match ty {
            Scalar::Float(_) => self.emit.op(Op::CopySign, vec![one, x], ty),
            Scalar::Int(_) | Scalar::Fixed { .. } => {
                let minus = self.emit.op(Op::Neg, vec![one], ty);
                let negative = self.emit.op(Op::Lt, vec![x, zero], Scalar::Bool);
                self.emit.op(Op::Select, vec![negative, minus, one], ty)
            }
            Scalar::Bool | Scalar::Uint(_) => one,
        };
        let signed = self.emit.op(Op::Select, vec![is_zero, zero, magnitude], ty);
        if !ty.as_float().is_some_and(|format| format.has_nan()) {
            return Value::Scalar(signed);
        }
        let is_nan = self.emit.op(Op::IsNan, vec![x], Scalar::Bool);
        Value::Scalar(self.emit.op(Op::Select, vec![is_nan, x, signed], ty))
    }
}

/// The outcome of a comparison of two values that lie in intervals.
fn decided(op: BinaryOp, a: &(Exact, Exact), b: &(Exact, Exact)) -> Option<bool> {
    let (less, less_equal) = (a.1 < b.0, a.1 <= b.0);
    let (greater, greater_equal) = (a.0 > b.1, a.0 >= b.1);
    let choose = |yes: bool, no: bool| if yes { Some(true) } else { no.then_some(false) };
    match op {
        BinaryOp::Lt => choose(less, greater_equal),
        BinaryOp::Le => choose(less_equal, greater),
        BinaryOp::Gt => choose(greater, less_equal),
        BinaryOp::Ge => choose(greater_equal, less),
        BinaryOp::Eq => choose(false, less || greater),
        BinaryOp::Ne => choose(less || greater, false),
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

/// A compile-time number as an integer type: whole ones wrap, others are truncated and saturate.
fn integer_bits(number: &Exact, ty: Scalar, whole: bool) -> BigUint {
    let width = ty.width();
    let modulus = BigInt::from(1) << width;
    let truncated = number.trunc().numer().clone();
    let value = if whole {
        truncated
    } else {
        let (low, high) = match ty {
            Scalar::Int(_) => {
                let half: BigInt = &modulus >> 1_u32;
                (-half.clone(), half - 1)
            }
            Scalar::Bool | Scalar::Float(_) | Scalar::Fixed { .. } | Scalar::Uint(_) => {
                (BigInt::zero(), modulus.clone() - 1)
            }
        };
        truncated.clamp(low, high)
    };
    let wrapped: BigInt = ((value % &modulus) + &modulus) % &modulus;
    wrapped.to_biguint().unwrap_or_default()
}

/// The nearest whole number, ties to even.
fn round_even(number: &Exact) -> Exact {
    let half = Exact::new(1.into(), 2.into());
    let below = (number + &half).floor();
    let tie = &below - number == half;
    if tie && below.numer().bit(0) { below - Exact::from_integer(1.into()) } else { below }
}

fn as_scalar(value: &Value) -> Option<fir::Value> {
    if let Value::Scalar(value) = value { Some(*value) } else { None }
}

fn as_exact(value: &Value) -> Option<Rc<Exact>> {
    if let Value::Exact(value) = value { Some(value.clone()) } else { None }
}

/// The values of scalar types in a value, in order.
fn scalars_of(value: &Value, found: &mut Vec<fir::Value>) {
    match value {
        Value::Scalar(value) => found.push(*value),
        Value::List(items) => items.iter().for_each(|item| scalars_of(item, found)),
        Value::Exact(_) | Value::Poison => {}
    }
}

fn whole_value(value: i64) -> Value {
    Value::Exact(Rc::new(Exact::from_integer(value.into())))
}

/// Lists of compile-time numbers.
fn rows_of(value: &Value) -> Option<Vec<Vec<Exact>>> {
    let Value::List(rows) = value else { return None };
    let row = |value: &Value| {
        let Value::List(items) = value else { return None };
        items.iter().map(|item| as_exact(item).map(|item| (*item).clone())).collect()
    };
    rows.iter().map(row).collect()
}

/// A positive number, rounded up to two places.
pub(super) fn show_hundredths(number: &Exact) -> String {
    let hundredths = (number * BigInt::from(100)).ceil().to_integer();
    format!("{}.{:0>2}", &hundredths / 100, (&hundredths % 100_u32).to_string())
}

/// A positive number, rounded up to three digits, times a power of two: `1.25 * 2^-26`.
fn show_power(number: &Exact) -> String {
    let bits = |number: &BigInt| i64::try_from(number.bits()).unwrap_or(i64::MAX / 2);
    let scaled = |exponent: i64| {
        let size = Exact::from_integer(BigInt::from(1) << exponent.unsigned_abs());
        if exponent < 0 { number * size } else { number / size }
    };
    let guess = bits(number.numer()) - bits(number.denom());
    let exponent = if scaled(guess) < Exact::from_integer(1.into()) { guess - 1 } else { guess };
    let hundredths = (scaled(exponent) * BigInt::from(100)).ceil().to_integer();
    format!("{}.{:0>2} * 2^{exponent}", &hundredths / 100, (&hundredths % 100_u32).to_string())
}

/// An array or a tuple.
pub(crate) fn list(items: Vec<Value>) -> Value {
    Value::List(Rc::new(items))
}

fn unit() -> Value {
    list(Vec::new())
}

fn bind(frame: &mut Frame, pattern: &Pattern, value: Value) {
    match (pattern, value) {
        (Pattern::Name(local), value) => frame.locals[*local] = Some(value),
        (Pattern::Ignore, _) => {}
        (Pattern::Tuple(members), Value::List(items)) => {
            for (member, item) in members.iter().zip(items.iter()) {
                bind(frame, member, item.clone());
            }
        }
        (Pattern::Tuple(members), Value::Scalar(_) | Value::Exact(_) | Value::Poison) => {
            members.iter().for_each(|member| bind(frame, member, Value::Poison));
        }
    }
}

/// How many scalars a value holds; the members of an array are alike, so the first one tells.
fn elements(value: &Value) -> u64 {
    match value {
        Value::Scalar(_) | Value::Exact(_) | Value::Poison => 1,
        Value::List(items) => {
            items.first().map_or(0, |first| elements(first).saturating_mul(items.len() as u64))
        }
    }
}
