//! The last step of checking a body: every type variable is replaced by what was found, literals are rounded to their
//! types, and calls are bound to instances.

use std::rc::Rc;

use super::check::Body;
use super::exact::show;
use super::tree::{Argument, Kind, Node, Statement};
use super::types::{Len, Ty};
use crate::gadgets::format::{Family, FloatFormat, Scalar};
use crate::source::Span;
use crate::syntax::ast::{LiteralForm, UnaryOp};

impl Body<'_, '_> {
    /// Replaces the variables in a tree.
    pub(crate) fn finish(&mut self, node: &mut Node) {
        node.ty = self.unifier.deep(&node.ty);
        let (span, ty) = (node.span, node.ty.clone());
        match &mut node.kind {
            Kind::Number { value, form } => {
                let (value, form) = (value.clone(), *form);
                node.kind = self.literal(&value, form, &ty, span);
            }
            Kind::Bits(_)
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
                    && !matches!(operand.kind, Kind::Bits(_))
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
                    Kind::Bits(encoded.bits)
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
                    Len::Var(_) if name == "DEGREE" => Argument::Const(Len::Known(0)),
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
