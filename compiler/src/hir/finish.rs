//! The last step of checking a body: every type variable is replaced by what was found, literals are rounded to their
//! types, and calls are bound to instances.

use std::rc::Rc;

use super::check::Body;
use super::exact::show;
use super::tree::{Argument, Builtin, Kind, Node, Statement};
use super::types::{Len, Ty};
use crate::gadgets::format::{Family, FloatFormat, Scalar};
use crate::source::Span;
use crate::syntax::ast::{BinaryOp, LiteralForm, UnaryOp};

impl Body<'_, '_> {
    /// Replaces the variables in a tree.
    pub(crate) fn finish(&mut self, node: &mut Node) {
        let asked = !self.unifier.root(&node.ty).is_some_and(|variable| self.exact.contains(&variable));
        node.ty = self.unifier.deep(&node.ty);
        let (span, ty) = (node.span, node.ty.clone());
        self.in_their_own_type(node, asked);
        match &mut node.kind {
            Kind::Number { value, form } => {
                let (value, form) = (value.clone(), *form);
                node.kind = self.literal(&value, form, &ty, span);
            }
            Kind::Bits(_)
            | Kind::Literal { .. }
            | Kind::Exact(_)
            | Kind::Limit { .. }
            | Kind::Local(_)
            | Kind::Const(_)
            | Kind::Error => {}
            Kind::Coerce(inner) => self.finish(inner),
            Kind::Unary { op, operand } => {
                self.finish(operand);
                if *op == UnaryOp::Neg
                    && let Ty::Scalar(Scalar::Uint(bits)) = ty
                    && !matches!(operand.kind, Kind::Literal { .. })
                {
                    self.error(
                        "E0201",
                        span,
                        format!("uint<{bits}> has no negative values"),
                        "cannot be negated",
                        "use an `int`",
                    );
                }
            }
            Kind::Binary { left, right, .. } => {
                self.finish(left);
                self.finish(right);
            }
            Kind::Cast(operand) => {
                self.finish(operand);
                let from = operand.ty.clone();
                if !self.castable(&from, &ty, span) {
                    node.kind = Kind::Error;
                }
            }
            Kind::If { condition, then, otherwise, .. } => {
                self.finish(condition);
                self.finish(then);
                if let Some(otherwise) = otherwise {
                    self.finish(otherwise);
                }
            }
            Kind::Block { statements, value } => {
                for statement in statements {
                    self.finish_statement(statement);
                }
                if let Some(value) = value {
                    self.finish(value);
                }
            }
            Kind::Call { item, generics, args, callee } => {
                for arg in args {
                    self.finish(arg);
                }
                let (item, generics) = (*item, std::mem::take(generics));
                match self.arguments(item, generics, span) {
                    Some(generics) => {
                        let name = self.checker.names.items[item].name.name.clone();
                        *callee = Some(self.checker.instance(item, generics, Some((span, name))));
                    }
                    None => node.kind = Kind::Error,
                }
            }
            Kind::Builtin { args, .. } | Kind::Array(args) | Kind::Tuple(args) => {
                for arg in args {
                    self.finish(arg);
                }
            }
            Kind::Index { base, index } => {
                self.finish(base);
                self.finish(index);
            }
            Kind::Repeat { value, length } => {
                self.finish(value);
                self.finish(length);
            }
            Kind::Comprehension { value, from, to, .. } => {
                self.finish(value);
                self.finish(from);
                self.finish(to);
            }
        }
    }

    /// Two kinds of compile-time arithmetic have a type of their own, whatever surrounds them: a division of
    /// compile-time integers truncates, and a shifted literal is shifted in the integer type that it becomes.
    /// `asked` says that the type of the node follows from the program and is no default.
    fn in_their_own_type(&self, node: &mut Node, asked: bool) {
        match &mut node.kind {
            Kind::Binary { op: BinaryOp::Div | BinaryOp::Rem, .. }
                if matches!(node.ty, Ty::Scalar(_)) || (node.ty == Ty::Rational && !asked) =>
            {
                if whole_constant(node) == Some(true) {
                    let (span, ty) = (node.span, node.ty.clone());
                    let mut inner = std::mem::replace(node, Node { span, ty: ty.clone(), kind: Kind::Error });
                    make_whole(&mut inner);
                    *node = Node { span, ty, kind: Kind::Coerce(Box::new(inner)) };
                }
            }
            Kind::Coerce(inner)
                if matches!(node.ty, Ty::Scalar(Scalar::Int(_) | Scalar::Uint(_)))
                    && is_literal_shift(inner) =>
            {
                set_shift_type(inner, &node.ty);
                let inner = (**inner).clone();
                *node = Node { span: node.span, ..inner };
            }
            Kind::Binary { .. }
            | Kind::Coerce(_)
            | Kind::Number { .. }
            | Kind::Bits(_)
            | Kind::Literal { .. }
            | Kind::Exact(_)
            | Kind::Limit { .. }
            | Kind::Local(_)
            | Kind::Const(_)
            | Kind::Unary { .. }
            | Kind::Cast(_)
            | Kind::If { .. }
            | Kind::Block { .. }
            | Kind::Call { .. }
            | Kind::Builtin { .. }
            | Kind::Index { .. }
            | Kind::Array(_)
            | Kind::Repeat { .. }
            | Kind::Comprehension { .. }
            | Kind::Tuple(_)
            | Kind::Error => {}
        }
    }

    fn finish_statement(&mut self, statement: &mut Statement) {
        match statement {
            Statement::Let { value, .. } | Statement::Run(value) => self.finish(value),
            Statement::Assign { indices, value, place, .. } => {
                for index in indices {
                    self.finish(index);
                }
                self.finish(value);
                *place = self.unifier.deep(place);
            }
            Statement::For { from, to, body, .. } => {
                self.finish(from);
                self.finish(to);
                self.finish(body);
            }
        }
    }

    /// A literal of a known type.
    fn literal(&mut self, value: &super::exact::Exact, form: LiteralForm, ty: &Ty, span: Span) -> Kind {
        match ty {
            Ty::Int | Ty::Rational => Kind::Exact(Rc::new(value.clone())),
            Ty::Scalar(scalar) => match scalar.encode(value) {
                Ok(encoded) => {
                    if !encoded.exact && form != LiteralForm::Decimal {
                        let became = scalar.print(&encoded.bits);
                        self.checker.reports.warning(
                            "W0003",
                            span,
                            format!("{scalar} has no {}", show(value)),
                            format!("becomes {became}"),
                            "write the number that is meant, or use a wider type",
                        );
                    }
                    Kind::Literal { value: Rc::new(value.clone()), bits: encoded.bits }
                }
                Err(overflow) => {
                    self.error(
                        "E0207",
                        span,
                        format!("{} does not fit {scalar}", show(value)),
                        overflow.to_string(),
                        "use a wider type or a smaller number",
                    );
                    Kind::Error
                }
            },
            Ty::Var(_) | Ty::Array(..) | Ty::Tuple(_) | Ty::Error => Kind::Error,
        }
    }

    fn castable(&mut self, from: &Ty, to: &Ty, span: Span) -> bool {
        let ok = match (from, to) {
            (Ty::Error, _) | (_, Ty::Error) => return false,
            (Ty::Scalar(from), Ty::Scalar(Scalar::Bool)) => *from == Scalar::Bool,
            (Ty::Int | Ty::Rational, Ty::Scalar(Scalar::Bool)) => false,
            (Ty::Scalar(Scalar::Bool), Ty::Int | Ty::Rational) => false,
            (Ty::Scalar(_) | Ty::Int | Ty::Rational, Ty::Scalar(_) | Ty::Int | Ty::Rational) => true,
            (Ty::Array(..) | Ty::Tuple(_) | Ty::Var(_), _)
            | (_, Ty::Array(..) | Ty::Tuple(_) | Ty::Var(_)) => false,
        };
        if !ok {
            let (from, to_shown) = (self.unifier.show(from), self.unifier.show(to));
            let help = if *to == Ty::BOOL {
                "compare it: `x != 0`"
            } else {
                "convert number by number: `[x[i] as f16 for i in 0..n]`"
            };
            self.error(
                "E0210",
                span,
                format!("{from} cannot be converted to {to_shown}"),
                format!("found {from}"),
                help,
            );
        }
        ok
    }

    /// The generic arguments of a call, all known.
    fn arguments(
        &mut self,
        item: usize,
        generics: Vec<(String, Argument)>,
        span: Span,
    ) -> Option<Vec<(String, Argument)>> {
        let mut found = Vec::new();
        for (name, argument) in generics {
            let argument = match argument {
                Argument::Type(ty) => Argument::Type(self.unifier.deep(&ty)),
                Argument::Const(len) => match self.unifier.resolve_len(len) {
                    Len::Known(len) => Argument::Const(Len::Known(len)),
                    Len::Var(_) if ["DEGREE", "METHOD", "GRADE"].contains(&name.as_str()) => {
                        Argument::Const(Len::Known(0))
                    }
                    Len::Var(_) | Len::Any => {
                        let function = self.checker.names.items[item].name.name.clone();
                        self.error(
                            "E0205",
                            span,
                            format!("the `{name}` of `{function}` is not known here"),
                            "cannot be inferred",
                            "pass an array whose length does not change from one iteration to the next",
                        );
                        return None;
                    }
                },
            };
            if argument == Argument::Type(Ty::Error) {
                return None;
            }
            found.push((name, argument));
        }
        Some(found)
    }
}

/// Whether an expression is whole-number arithmetic on constants; if so, whether a name for an `int` is among them.
pub(crate) fn whole_constant(node: &Node) -> Option<bool> {
    match &node.kind {
        Kind::Coerce(_) => Some(true),
        Kind::Number { form: LiteralForm::Integer, .. } => Some(false),
        Kind::Unary { op: UnaryOp::Neg, operand } => whole_constant(operand),
        Kind::Binary {
            op: BinaryOp::Add | BinaryOp::Sub | BinaryOp::Mul | BinaryOp::Div | BinaryOp::Rem,
            left,
            right,
        } => Some(whole_constant(left)? | whole_constant(right)?),
        Kind::Builtin { function: Builtin::Min | Builtin::Max | Builtin::Abs, args } => {
            args.iter().try_fold(false, |named, arg| Some(named | whole_constant(arg)?))
        }
        Kind::Block { statements, value: Some(value) } if statements.is_empty() => whole_constant(value),
        Kind::Number { .. }
        | Kind::Bits(_)
        | Kind::Literal { .. }
        | Kind::Exact(_)
        | Kind::Limit { .. }
        | Kind::Local(_)
        | Kind::Const(_)
        | Kind::Unary { .. }
        | Kind::Binary { .. }
        | Kind::Cast(_)
        | Kind::If { .. }
        | Kind::Block { .. }
        | Kind::Call { .. }
        | Kind::Builtin { .. }
        | Kind::Index { .. }
        | Kind::Array(_)
        | Kind::Repeat { .. }
        | Kind::Comprehension { .. }
        | Kind::Tuple(_)
        | Kind::Error => None,
    }
}

/// Makes what [`whole_constant`] accepts a compile-time integer.
fn make_whole(node: &mut Node) {
    debug_assert!(whole_constant(node).is_some());
    node.ty = Ty::Int;
    match &mut node.kind {
        Kind::Coerce(inner) => *node = (**inner).clone(),
        Kind::Unary { operand, .. } => make_whole(operand),
        Kind::Binary { left, right, .. } => {
            make_whole(left);
            make_whole(right);
        }
        Kind::Builtin { args, .. } => args.iter_mut().for_each(make_whole),
        Kind::Block { value, .. } => value.iter_mut().for_each(|value| make_whole(value)),
        Kind::Number { .. }
        | Kind::Bits(_)
        | Kind::Literal { .. }
        | Kind::Exact(_)
        | Kind::Limit { .. }
        | Kind::Local(_)
        | Kind::Const(_)
        | Kind::Cast(_)
        | Kind::If { .. }
        | Kind::Call { .. }
        | Kind::Index { .. }
        | Kind::Array(_)
        | Kind::Repeat { .. }
        | Kind::Comprehension { .. }
        | Kind::Tuple(_)
        | Kind::Error => {}
    }
}

/// `1 << n`, and `1 << n >> m`.
fn is_literal_shift(node: &Node) -> bool {
    let Kind::Binary { op: BinaryOp::Shl | BinaryOp::Shr, left, .. } = &node.kind else { return false };
    matches!(left.kind, Kind::Number { .. })
        || matches!(&left.kind, Kind::Coerce(inner) if is_literal_shift(inner))
}

/// Gives what [`is_literal_shift`] accepts an integer type.
fn set_shift_type(node: &mut Node, ty: &Ty) {
    node.ty = ty.clone();
    if let Kind::Binary { op: BinaryOp::Shl | BinaryOp::Shr, left, .. } = &mut node.kind {
        if let Kind::Coerce(inner) = &left.kind {
            **left = (**inner).clone();
        }
        set_shift_type(left, ty);
    }
}

/// The encoding of `T::MAX` or `T::MIN_POSITIVE`.
pub(crate) fn limit(ty: Scalar, smallest: bool) -> num_bigint::BigUint {
    use num_bigint::BigUint;
    let one = BigUint::from(1_u8);
    match (ty, smallest) {
        (Scalar::Float(format), false) => format.max_finite(),
        (Scalar::Float(format), true) => smallest_normal(format),
        (Scalar::Bool, _) | (Scalar::Fixed { .. } | Scalar::Int(_) | Scalar::Uint(_), true) => one,
        (Scalar::Uint(bits), false) => (one.clone() << bits) - one,
        (Scalar::Fixed { .. } | Scalar::Int(_), false) => (one.clone() << (ty.width() - 1)) - one,
    }
}

/// As in Rust, `MIN_POSITIVE` is the smallest normal value: exponent field 1.
fn smallest_normal(format: FloatFormat) -> num_bigint::BigUint {
    debug_assert!(matches!(format.family, Family::Paper | Family::Ieee { .. } | Family::E4m3 { .. }));
    num_bigint::BigUint::from(1_u8) << format.fraction_bits()
}
