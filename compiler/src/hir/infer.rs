//! Expressions and statements: from syntax to typed tree. What an expression must be is pushed down to the place that
//! decides it, so that an error stands where the offending part starts.

use std::collections::BTreeMap;
use std::rc::Rc;

use num_traits::Zero as _;

use super::check::{Body, Const, Env, Local, MAX_NESTING, single_name};
use super::exact::{from_unsigned, to_i64};
use super::report::similar;
use super::scope::{ItemId, What};
use super::tree::{Argument, Builtin, Kind, LocalId, Node, Pattern, Statement};
use super::types::{Len, Need, Ty};
use crate::approx;
use crate::gadgets::format::Scalar;
use crate::hir::{Approximation, Grade};
use crate::source::Span;
use crate::syntax::ast::{
    self, Attribute, BinaryOp, Expr, ExprKind, Function, Generic, Ident, LiteralForm, StatementKind, UnaryOp,
};

impl<'a> Body<'_, 'a> {
    /// An expression whose error was reported.
    pub(crate) fn broken(&self, span: Span, ty: Ty) -> Node {
        Node { span, ty, kind: Kind::Error }
    }

    /// Types an expression; if `expected` is given, the result has that type.
    pub(crate) fn expr(&mut self, expr: &'a Expr, expected: Option<&Ty>) -> Node {
        let node = self.hinted(expr, expected);
        match expected {
            Some(expected) => self.expect(node, expected),
            None => node,
        }
    }

    /// Types an expression of which a type is expected; the caller compares.
    fn hinted(&mut self, expr: &'a Expr, expected: Option<&Ty>) -> Node {
        if self.depth >= MAX_NESTING {
            self.error(
                "E0304",
                expr.span,
                format!("expressions nest more than {MAX_NESTING} deep"),
                "too deep",
                "name parts of it with `let`",
            );
            return self.broken(expr.span, expected.cloned().unwrap_or(Ty::Error));
        }
        self.depth += 1;
        let node = self.infer(expr, expected);
        self.depth -= 1;
        self.coercible(node)
    }

    /// A compile-time integer takes the numeric type that its context gives.
    fn coercible(&mut self, node: Node) -> Node {
        if self.unifier.resolve(&node.ty) != Ty::Int
            || matches!(node.kind, Kind::Coerce(_) | Kind::Number { .. })
        {
            return node;
        }
        let ty = self.unifier.fresh(Need::COMPTIME);
        Node { span: node.span, ty, kind: Kind::Coerce(Box::new(node)) }
    }

    fn expect(&mut self, node: Node, expected: &Ty) -> Node {
        if self.unifier.unify(&node.ty, expected) {
            return node;
        }
        self.mismatch(node.span, expected, &node.ty);
        self.broken(node.span, expected.clone())
    }

    fn mismatch(&mut self, span: Span, expected: &Ty, found: &Ty) {
        let (wanted, got) = (self.unifier.show(expected), self.unifier.show(found));
        let (expected, found) = (self.unifier.resolve(expected), self.unifier.resolve(found));
        let label = format!("expected {wanted}, found {got}");
        match (&expected, &found) {
            (Ty::Scalar(scalar), Ty::Rational) => {
                self.error(
                    "E0211",
                    span,
                    "a compile-time rational stands where a value is needed",
                    label,
                    format!("round it: `.. as {scalar}`"),
                );
            }
            (Ty::Int | Ty::Rational, Ty::Scalar(_)) => {
                self.error(
                    "E0209",
                    span,
                    format!("{wanted} is needed here, found a value of type {got}"),
                    label,
                    "only literals, `const` items, loop variables and lengths are known at compile time",
                );
            }
            (Ty::Scalar(a), Ty::Scalar(b)) if *a != Scalar::Bool && *b != Scalar::Bool => {
                self.error(
                    "E0200",
                    span,
                    format!("mismatched types: expected {wanted}, found {got}"),
                    label,
                    format!("there are no implicit conversions; convert with `as {a}`"),
                );
            }
            (
                Ty::Var(_)
                | Ty::Scalar(_)
                | Ty::Int
                | Ty::Rational
                | Ty::Array(..)
                | Ty::Tuple(_)
                | Ty::Error,
                _,
            ) => {
                let help = match (&expected, &found) {
                    (Ty::Scalar(Scalar::Bool), _) => "compare it: `x != 0`".to_owned(),
                    (_, Ty::Scalar(Scalar::Bool)) => "choose with `if c { 1 } else { 0 }`".to_owned(),
                    _ => format!("make it {wanted}"),
                };
                self.error(
                    "E0200",
                    span,
                    format!("mismatched types: expected {wanted}, found {got}"),
                    label,
                    help,
                );
            }
        }
    }

    /// Demands something of a type at a place; false if that was reported to fail.
    fn require(&mut self, node: &Node, need: Need, what: &str) -> bool {
        if self.unifier.require(&node.ty, need) {
            return true;
        }
        let found = self.unifier.show(&node.ty);
        let needed = need.describe();
        self.error(
            "E0201",
            node.span,
            format!("{what} needs {needed}, found {found}"),
            format!("expected {needed}, found {found}"),
            "use values of such a type, or convert with `as`",
        );
        false
    }

    fn infer(&mut self, expr: &'a Expr, expected: Option<&Ty>) -> Node {
        let span = expr.span;
        match &expr.kind {
            ExprKind::Number { value, form } => {
                let need = if *form == LiteralForm::Integer { Need::NUMBER } else { Need::FRACTION };
                let ty = self.unifier.fresh(need);
                Node { span, ty, kind: Kind::Number { value: from_unsigned(value), form: *form } }
            }
            ExprKind::Bool(value) => Node { span, ty: Ty::BOOL, kind: Kind::Bits(u8::from(*value).into()) },
            ExprKind::Path(path) => self.path(path, span),
            ExprKind::Unary { op, operand } => self.unary(*op, operand, span),
            ExprKind::Binary { op, left, right, .. } => self.binary(*op, left, right, span, expected),
            ExprKind::Cast { operand, ty } => {
                let operand = self.expr(operand, None);
                let env = self.env.clone();
                let ty = self.ty(ty, &env);
                if self.unifier.need_of(&operand.ty).is_some_and(|need| need.number) {
                    // Whole numbers wrap into an integer type, as in Rust; others stay exact until they are rounded.
                    let integer = matches!(ty, Ty::Int | Ty::Scalar(Scalar::Int(_) | Scalar::Uint(_)));
                    self.unifier.require(&operand.ty, Need { comptime: integer, ..Need::CAST });
                }
                Node { span, ty, kind: Kind::Cast(Box::new(operand)) }
            }
            ExprKind::If { condition, then, otherwise } => {
                self.conditional(condition, then, otherwise.as_deref(), span, expected)
            }
            ExprKind::Block { statements, value } => self.block(statements, value.as_deref(), span, expected),
            ExprKind::Call { function, args, attributes } => self.call(function, args, attributes, span),
            ExprKind::Index { base, index } => self.index(base, index, span),
            ExprKind::Array(items) => self.array(items, span, expected),
            ExprKind::Repeat { value, length } => {
                let hint = self.element_hint(expected);
                let value = self.expr(value, hint.as_ref());
                let env = self.env.clone();
                let len = self.value_length(length, &env, span);
                let length = self.comptime(length, "an array length");
                let Some(len) = len else {
                    return self.broken(span, Ty::Array(Rc::new(value.ty), Len::Any));
                };
                let ty = self.sized_value(Ty::Array(Rc::new(value.ty.clone()), len), span);
                Node { span, ty, kind: Kind::Repeat { value: Box::new(value), length: Box::new(length) } }
            }
            ExprKind::Comprehension { value, variable, from, to, inclusive } => {
                self.comprehension(value, variable, from, to, *inclusive, span, expected)
            }
            ExprKind::Tuple(items) => {
                let hints: Vec<Option<Ty>> = match expected.map(|ty| self.unifier.resolve(ty)) {
                    Some(Ty::Tuple(members)) if members.len() == items.len() => {
                        members.iter().cloned().map(Some).collect()
                    }
                    _ => vec![None; items.len()],
                };
                let items: Vec<Node> =
                    items.iter().zip(&hints).map(|(item, hint)| self.expr(item, hint.as_ref())).collect();
                let ty = Ty::Tuple(items.iter().map(|item| item.ty.clone()).collect());
                let ty = self.sized_value(ty, span);
                Node { span, ty, kind: Kind::Tuple(items) }
            }
            ExprKind::Error => self.broken(span, Ty::Error),
        }
    }

    fn element_hint(&self, expected: Option<&Ty>) -> Option<Ty> {
        match self.unifier.resolve(expected?) {
            Ty::Array(element, _) => Some((*element).clone()),
            Ty::Var(_) | Ty::Scalar(_) | Ty::Int | Ty::Rational | Ty::Tuple(_) | Ty::Error => None,
        }
    }

    // Names.

    fn path(&mut self, path: &'a [Ident], span: Span) -> Node {
        match path {
            [name] => self.name(name),
            [ty, name] => self.type_path(ty, name, span),
            _ => {
                self.error(
                    "E0101",
                    span,
                    "there is nothing with this path",
                    "unknown name",
                    "names have one part, or two as in `T::PRECISION`",
                );
                self.broken(span, Ty::Error)
            }
        }
    }

    fn name(&mut self, name: &'a Ident) -> Node {
        let span = name.span;
        if let Some(local) = self.local(&name.name) {
            return Node { span, ty: self.locals[local].ty.clone(), kind: Kind::Local(local) };
        }
        if let Some(argument) = self.generic(&name.name) {
            return match argument {
                Argument::Const(Len::Known(value)) => self.exact(value, span),
                Argument::Const(Len::Var(_) | Len::Any) => self.broken(span, Ty::Error),
                Argument::Type(_) => {
                    self.error(
                        "E0101",
                        span,
                        format!("`{}` is a type, not a value", name.name),
                        "expected a value",
                        "use it as in `x as T` or `T::MAX`",
                    );
                    self.broken(span, Ty::Error)
                }
            };
        }
        if let Some(item) = self.checker.names.lookup(self.env.file, &name.name) {
            let named = &self.checker.names.items[item];
            match named.what {
                What::Const { ty, .. } => {
                    let env = Rc::new(Env { file: named.file, generics: Default::default(), local: false });
                    let ty = self.ty(ty, &env);
                    self.checker.constant(item);
                    return Node { span, ty, kind: Kind::Const(item) };
                }
                What::Fn(_) => {
                    self.error(
                        "E0101",
                        span,
                        format!("`{}` is a function, not a value", name.name),
                        "expected a value",
                        format!("call it: `{}(..)`", name.name),
                    );
                    return self.broken(span, Ty::Error);
                }
                What::Type(_) => {
                    self.error(
                        "E0101",
                        span,
                        format!("`{}` is a type, not a value", name.name),
                        "expected a value",
                        "use a value of that type",
                    );
                    return self.broken(span, Ty::Error);
                }
            }
        }
        let help = self.suggest(&name.name);
        self.error("E0101", span, format!("there is no `{}` here", name.name), "unknown name", help);
        self.broken(span, Ty::Error)
    }

    fn suggest(&self, name: &str) -> String {
        if let Some(help) = crate::syntax::foreign_word(name) {
            return help.to_owned();
        }
        let declare = || "declare it with `let`, or make it a parameter".to_owned();
        if !self.checker.reports.suggests() {
            return declare();
        }
        let mut known: Vec<&str> = self.scopes.iter().flatten().map(|(name, _)| *name).collect();
        known.extend(self.env.generics.keys().map(String::as_str));
        known.extend(self.checker.names.visible(self.env.file, |what| matches!(what, What::Const { .. })));
        similar(name, &known).unwrap_or_else(declare)
    }

    fn exact(&self, value: i64, span: Span) -> Node {
        let value = super::exact::Exact::from_integer(value.into());
        Node { span, ty: Ty::Int, kind: Kind::Exact(Rc::new(value)) }
    }

    fn type_path(&mut self, ty: &'a Ident, name: &'a Ident, span: Span) -> Node {
        let env = self.env.clone();
        let Some(found) = self.path_type(ty, &env) else {
            self.error(
                "E0103",
                ty.span,
                format!("there is no type `{}`", ty.name),
                "unknown type",
                "write it as in `T::PRECISION`",
            );
            return self.broken(span, Ty::Error);
        };
        if let Some(value) = self.type_constant(&found, &name.name) {
            return self.exact(value, span);
        }
        let resolved = self.unifier.resolve(&found);
        match (&resolved, name.name.as_str()) {
            (Ty::Scalar(scalar), "MAX" | "MIN_POSITIVE") if *scalar != Scalar::Bool => {
                let smallest = name.name == "MIN_POSITIVE";
                Node { span, ty: resolved.clone(), kind: Kind::Limit { ty: *scalar, smallest } }
            }
            (Ty::Error, _) => self.broken(span, Ty::Error),
            _ => {
                let shown = self.unifier.show(&found);
                let known = ["PRECISION", "EXPONENT_BITS", "BITS", "MAX", "MIN_POSITIVE"];
                let help =
                    similar(&name.name, &known).unwrap_or_else(|| format!("there are {}", known.join(", ")));
                self.error(
                    "E0101",
                    span,
                    format!("{shown} has no constant `{}`", name.name),
                    "unknown constant",
                    help,
                );
                self.broken(span, Ty::Error)
            }
        }
    }

    // Operators.

    fn unary(&mut self, op: UnaryOp, operand: &'a Expr, span: Span) -> Node {
        if op == UnaryOp::Neg
            && let ExprKind::Number { value, form } = &operand.kind
            && !value.is_zero()
        {
            let need = if *form == LiteralForm::Integer { Need::NUMBER } else { Need::FRACTION };
            let ty = self.unifier.fresh(need);
            return Node { span, ty, kind: Kind::Number { value: -from_unsigned(value), form: *form } };
        }
        let operand = self.expr(operand, None);
        if matches!(operand.kind, Kind::Error) {
            return self.broken(span, Ty::Error);
        }
        let ok = match (op, self.unifier.resolve(&operand.ty)) {
            (UnaryOp::Neg, Ty::Scalar(Scalar::Uint(bits))) => {
                self.error(
                    "E0201",
                    span,
                    format!("uint<{bits}> has no negative values"),
                    "cannot be negated",
                    format!("convert first: `-(x as int<{}>)`", bits + 1),
                );
                false
            }
            (UnaryOp::Neg, _) => self.require(&operand, Need::NUMBER, "`-`"),
            (UnaryOp::Not, Ty::Scalar(Scalar::Bool)) => true,
            (UnaryOp::Not, _) => self.require(&operand, Need::INTEGER, "`!` on what is not a bool"),
        };
        let ty = operand.ty.clone();
        if ok {
            Node { span, ty, kind: Kind::Unary { op, operand: Box::new(operand) } }
        } else {
            self.broken(span, ty)
        }
    }

    /// `expected` is only a hint: the caller compares the result with it.
    fn binary(
        &mut self,
        op: BinaryOp,
        left: &'a Expr,
        right: &'a Expr,
        span: Span,
        expected: Option<&Ty>,
    ) -> Node {
        let (left, right, ty) = match op {
            BinaryOp::And | BinaryOp::Or => {
                (self.expr(left, Some(&Ty::BOOL)), self.expr(right, Some(&Ty::BOOL)), Ty::BOOL)
            }
            BinaryOp::Shl | BinaryOp::Shr => return self.shift(op, left, right, span),
            BinaryOp::Lt | BinaryOp::Le | BinaryOp::Gt | BinaryOp::Ge | BinaryOp::Eq | BinaryOp::Ne => {
                let (left, right, _) = self.pair(op, left, right, None);
                (left, right, Ty::BOOL)
            }
            BinaryOp::Mul
            | BinaryOp::Div
            | BinaryOp::Rem
            | BinaryOp::Add
            | BinaryOp::Sub
            | BinaryOp::BitAnd
            | BinaryOp::BitXor
            | BinaryOp::BitOr => self.pair(op, left, right, expected),
        };
        Node { span, ty, kind: Kind::Binary { op, left: Box::new(left), right: Box::new(right) } }
    }

    /// Two operands of one type, and that type.
    fn pair(
        &mut self,
        op: BinaryOp,
        left: &'a Expr,
        right: &'a Expr,
        expected: Option<&Ty>,
    ) -> (Node, Node, Ty) {
        let (need, what) = (operand_need(op), format!("`{}`", symbol(op)));
        let (first, second) = (left, right);
        let mut left = self.expr(first, None);
        if !self.fits(&left, need, &what) {
            left = self.broken(left.span, Ty::Error);
        }
        let open = matches!(self.unifier.resolve(&left.ty), Ty::Var(_));
        let hint = (!open).then(|| left.ty.clone());
        let mut right = self.hinted(second, hint.as_ref());
        if open && !self.fits(&right, need, &what) {
            right = self.broken(right.span, Ty::Error);
        }
        (left, right) = self.whole_operands(left, right);
        if self.unifier.unify(&left.ty, &right.ty) {
            let ty = left.ty.clone();
            return (left, right, ty);
        }
        let plain = matches!(left.kind, Kind::Number { .. });
        let right_is_wanted =
            expected.is_some_and(|ty| self.unifier.resolve(ty) == self.unifier.resolve(&right.ty));
        if plain || right_is_wanted {
            self.disagree(&left, &right, second);
            left = self.broken(left.span, Ty::Error);
        } else {
            self.disagree(&right, &left, first);
            right = self.broken(right.span, Ty::Error);
        }
        (left, right, Ty::Error)
    }

    /// Reports that one operand has not the type of the other one.
    fn disagree(&mut self, wrong: &Node, other: &Node, written: &Expr) {
        let fraction = self.unifier.need_of(&wrong.ty).is_some_and(|need| need.fraction);
        let wanted = self.unifier.resolve(&other.ty);
        if !fraction || !matches!(wanted, Ty::Scalar(Scalar::Int(_) | Scalar::Uint(_))) {
            self.mismatch(wrong.span, &wanted, &wrong.ty);
            return;
        }
        let other = single_name(written)
            .map_or_else(|| "the other operand".to_owned(), |name| format!("`{}`", name.name));
        let number = if let Kind::Number { value, .. } = &wrong.kind { Some(value) } else { None };
        let instead = number
            .filter(|value| value.is_integer())
            .map_or_else(|| "a whole number".to_owned(), |value| format!("`{}`", super::exact::show(value)));
        let help = format!("write {instead}, or convert {other} with `as`");
        let (wanted, found) = (self.unifier.show(&wanted), self.unifier.show(&wrong.ty));
        self.error(
            "E0200",
            wrong.span,
            format!("mismatched types: expected {wanted}, found {found}"),
            format!("expected {wanted}, found {found}"),
            help,
        );
    }

    /// Beside a compile-time integer, a name for a whole number is one too.
    fn whole_operands(&mut self, left: Node, right: Node) -> (Node, Node) {
        let (a, b) = (super::finish::whole_constant(&left), super::finish::whole_constant(&right));
        if a == Some(true) && self.names_whole_number(&right) {
            let right = self.expect(right, &Ty::Int);
            return (left, self.coercible(right));
        }
        if b == Some(true) && self.names_whole_number(&left) {
            let left = self.expect(left, &Ty::Int);
            return (self.coercible(left), right);
        }
        (left, right)
    }

    /// Whether a node is a variable declared as in `let n = 4;` whose type nothing has decided yet.
    fn names_whole_number(&self, node: &Node) -> bool {
        let Kind::Local(local) = &node.kind else { return false };
        self.locals[*local].known.as_ref().is_some_and(super::exact::Exact::is_integer)
            && self.unifier.need_of(&node.ty).is_some_and(|need| !need.fraction && !need.float)
    }

    /// Checks one operand; `None` means that bools and numbers are welcome, as for `==`.
    fn fits(&mut self, node: &Node, need: Option<Need>, what: &str) -> bool {
        let is_bool = self.unifier.resolve(&node.ty) == Ty::BOOL;
        match need {
            Some(need) if need == Need::INTEGER && is_bool => true,
            Some(need) => self.require(node, need, what),
            None => is_bool || self.require(node, Need::NUMBER, what),
        }
    }

    fn shift(&mut self, op: BinaryOp, left: &'a Expr, right: &'a Expr, span: Span) -> Node {
        let left = self.expr(left, None);
        let what = format!("`{}`", symbol(op));
        let ok = match self.unifier.resolve(&left.ty) {
            Ty::Scalar(Scalar::Fixed { .. }) => true,
            Ty::Var(_)
            | Ty::Scalar(_)
            | Ty::Int
            | Ty::Rational
            | Ty::Array(..)
            | Ty::Tuple(_)
            | Ty::Error => self.require(&left, Need::INTEGER, &what),
        };
        let right = self.amount(right);
        let literal = matches!(left.kind, Kind::Number { .. } | Kind::Coerce(_));
        if ok && literal && self.unifier.resolve(&right.ty) == Ty::Int {
            self.unifier.unify(&left.ty, &Ty::Int);
        }
        let ty = left.ty.clone();
        if !ok {
            return self.broken(span, Ty::Error);
        }
        Node { span, ty, kind: Kind::Binary { op, left: Box::new(left), right: Box::new(right) } }
    }

    /// A shift amount: a compile-time integer or a `uint`.
    fn amount(&mut self, expr: &'a Expr) -> Node {
        let node = self.expr(expr, None);
        match self.unifier.resolve(&node.ty) {
            Ty::Scalar(Scalar::Uint(_)) | Ty::Int | Ty::Error => node,
            Ty::Var(_) => {
                let node = self.expect(node, &Ty::Int);
                Node { ty: Ty::Int, ..node }
            }
            Ty::Scalar(_) | Ty::Rational | Ty::Array(..) | Ty::Tuple(_) => {
                let found = self.unifier.show(&node.ty);
                self.error(
                    "E0200",
                    node.span,
                    format!("a shift amount is a compile-time integer or a `uint`, found {found}"),
                    format!("found {found}"),
                    "convert it: `.. as uint<4>`",
                );
                self.broken(node.span, Ty::Error)
            }
        }
    }

    // Control flow.

    fn conditional(
        &mut self,
        condition: &'a Expr,
        then: &'a Expr,
        otherwise: Option<&'a Expr>,
        span: Span,
        expected: Option<&Ty>,
    ) -> Node {
        let Some(otherwise) = otherwise else {
            if expected.is_some_and(|ty| self.unifier.resolve(ty) == Ty::unit()) {
                return self.discard_if(condition, then, None, span);
            }
            self.error(
                "E0203",
                span,
                "an `if` without `else` has no value",
                "a value is needed here",
                "add `else { .. }`",
            );
            self.discard_if(condition, then, None, span);
            return self.broken(span, Ty::Error);
        };
        let condition = self.expr(condition, Some(&Ty::BOOL));
        let (locals, start) = (self.locals.len(), self.assigned.len());
        self.guarded += 1;
        let then = self.expr(then, expected);
        let wanted = then.ty.clone();
        let otherwise = self.expr(otherwise, Some(&wanted));
        self.guarded -= 1;
        let assigned = self.assigned_since(start, locals);
        let ty = then.ty.clone();
        let kind = Kind::If {
            condition: Box::new(condition),
            then: Box::new(then),
            otherwise: Some(Box::new(otherwise)),
            assigned,
        };
        Node { span, ty, kind }
    }

    fn assigned_since(&self, start: usize, locals: usize) -> Rc<[LocalId]> {
        let mut assigned: Vec<LocalId> =
            self.assigned[start..].iter().copied().filter(|id| *id < locals).collect();
        assigned.sort_unstable();
        assigned.dedup();
        assigned.into()
    }

    /// An expression that stands as a statement: run for its assignments.
    pub(crate) fn discard(&mut self, expr: &'a Expr) -> Node {
        if self.depth >= MAX_NESTING {
            return self.expr(expr, None);
        }
        if let ExprKind::If { condition, then, otherwise } = &expr.kind {
            return self.discard_if(condition, then, otherwise.as_deref(), expr.span);
        }
        let ExprKind::Block { statements, value } = &expr.kind else { return self.expr(expr, None) };
        self.depth += 1;
        self.scopes.push(BTreeMap::new());
        let mut run = self.statements(statements);
        run.extend(value.as_ref().map(|value| Statement::Run(self.discard(value))));
        self.scopes.pop();
        self.depth -= 1;
        Node { span: expr.span, ty: Ty::unit(), kind: Kind::Block { statements: run, value: None } }
    }

    fn discard_if(
        &mut self,
        condition: &'a Expr,
        then: &'a Expr,
        otherwise: Option<&'a Expr>,
        span: Span,
    ) -> Node {
        let condition = self.expr(condition, Some(&Ty::BOOL));
        let (locals, start) = (self.locals.len(), self.assigned.len());
        self.guarded += 1;
        self.depth += 1;
        let then = self.discard(then);
        let otherwise = otherwise.map(|otherwise| Box::new(self.discard(otherwise)));
        self.depth -= 1;
        self.guarded -= 1;
        let assigned = self.assigned_since(start, locals);
        let kind = Kind::If { condition: Box::new(condition), then: Box::new(then), otherwise, assigned };
        Node { span, ty: Ty::unit(), kind }
    }

    fn block(
        &mut self,
        statements: &'a [ast::Statement],
        value: Option<&'a Expr>,
        span: Span,
        expected: Option<&Ty>,
    ) -> Node {
        self.scopes.push(BTreeMap::new());
        let statements = self.statements(statements);
        let value = value.map(|value| self.expr(value, expected));
        self.scopes.pop();
        let ty = value.as_ref().map_or_else(Ty::unit, |value| value.ty.clone());
        if value.is_none()
            && let Some(expected) = expected
            && !matches!(self.unifier.resolve(expected), Ty::Tuple(members) if members.is_empty())
        {
            let wanted = self.unifier.show(expected);
            self.error(
                "E0200",
                span,
                format!("this block has no value, expected {wanted}"),
                format!("expected {wanted}"),
                "end it with an expression without `;`",
            );
            return self.broken(span, expected.clone());
        }
        Node { span, ty, kind: Kind::Block { statements, value: value.map(Box::new) } }
    }

    fn statements(&mut self, statements: &'a [ast::Statement]) -> Vec<Statement> {
        statements.iter().filter_map(|statement| self.statement(statement)).collect()
    }

    fn statement(&mut self, statement: &'a ast::Statement) -> Option<Statement> {
        match &statement.kind {
            StatementKind::Let { mutable, pattern, ty, value } => {
                Some(self.binding(*mutable, pattern, ty.as_ref(), value))
            }
            StatementKind::Assign { target, op, value } => self.assign(target, *op, value, statement.span),
            StatementKind::For { variable, from, to, inclusive, body } => {
                let from = self.comptime(from, "a loop bound");
                let to = self.comptime(to, "a loop bound");
                self.scopes.push(BTreeMap::new());
                let variable = self.declare(variable, Ty::Int, false, false);
                self.guarded += 1;
                self.depth += 1;
                let body = self.discard(body);
                self.depth -= 1;
                self.guarded -= 1;
                self.scopes.pop();
                Some(Statement::For { variable, from, to, inclusive: *inclusive, body })
            }
            StatementKind::Expr(expr) => Some(Statement::Run(self.discard(expr))),
        }
    }

    fn binding(
        &mut self,
        mutable: bool,
        pattern: &'a ast::Pattern,
        ty: Option<&'a ast::Type>,
        value: &'a Expr,
    ) -> Statement {
        let env = self.env.clone();
        let annotated = ty.map(|ty| self.ty(ty, &env));
        let known = match self.const_quietly(value) {
            Some(known) if !mutable => Some(known),
            _ => None,
        };
        let value = self.expr(value, annotated.as_ref());
        let integral = self
            .unifier
            .need_of(&value.ty)
            .is_some_and(|need| need.comptime && !need.fraction && !need.float);
        if !mutable && annotated.is_none() && integral && matches!(pattern, ast::Pattern::Name(_)) {
            self.unifier.unify(&value.ty, &Ty::Int);
        }
        let secret = self.secret(&value);
        self.distinct(pattern);
        let pattern = self.pattern(pattern, &value.ty.clone(), mutable, secret);
        if let Pattern::Name(local) = &pattern {
            self.locals[*local].known = known;
        }
        Statement::Let { pattern, value }
    }

    /// A pattern binds each name once.
    fn distinct(&mut self, pattern: &'a ast::Pattern) {
        let mut seen: BTreeMap<&str, Span> = BTreeMap::new();
        let mut open = vec![pattern];
        while let Some(pattern) = open.pop() {
            match pattern {
                ast::Pattern::Ignore(_) => {}
                ast::Pattern::Tuple(members, _) => open.extend(members.iter().rev()),
                ast::Pattern::Name(name) => match seen.get(name.name.as_str()) {
                    Some(&first) => self
                        .error(
                            "E0104",
                            name.span,
                            format!("`{}` is bound twice in one pattern", name.name),
                            "bound again here",
                            "rename one of them, or write `_`",
                        )
                        .push((first, "first bound here".to_owned())),
                    None => {
                        seen.insert(&name.name, name.span);
                    }
                },
            }
        }
    }

    /// The value of a simple constant expression, without reporting anything about it.
    fn const_quietly(&mut self, expr: &'a Expr) -> Option<super::exact::Exact> {
        if !simple(expr, 8) {
            return None;
        }
        let env = self.env.clone();
        match self.const_value(expr, &env) {
            Const::Value(value) => Some(value),
            Const::Open | Const::Dynamic | Const::Failed => None,
        }
    }

    fn pattern(&mut self, pattern: &'a ast::Pattern, ty: &Ty, mutable: bool, secret: bool) -> Pattern {
        match pattern {
            ast::Pattern::Name(name) => Pattern::Name(self.declare(name, ty.clone(), mutable, secret)),
            ast::Pattern::Ignore(_) => Pattern::Ignore,
            ast::Pattern::Tuple(members, span) => {
                self.solve();
                let types: Vec<Ty> = match self.unifier.resolve(ty) {
                    Ty::Tuple(types) if types.len() == members.len() => types.to_vec(),
                    Ty::Error => vec![Ty::Error; members.len()],
                    Ty::Var(_) | Ty::Scalar(_) | Ty::Int | Ty::Rational | Ty::Array(..) | Ty::Tuple(_) => {
                        let found = self.unifier.show(ty);
                        self.error(
                            "E0212",
                            *span,
                            format!("a pattern of {} names for {found}", members.len()),
                            format!("the value is {found}"),
                            "write as many names as the tuple has members",
                        );
                        vec![Ty::Error; members.len()]
                    }
                };
                Pattern::Tuple(
                    members
                        .iter()
                        .zip(&types)
                        .map(|(member, ty)| self.pattern(member, ty, mutable, secret))
                        .collect(),
                )
            }
        }
    }

    fn assign(
        &mut self,
        target: &'a Expr,
        op: Option<BinaryOp>,
        value: &'a Expr,
        span: Span,
    ) -> Option<Statement> {
        let Some((local, indices, place)) = self.place(target) else {
            self.expr(value, None);
            return None;
        };
        self.assigned.push(local);
        let value = match op {
            None => self.expr(value, Some(&place)),
            Some(BinaryOp::Shl | BinaryOp::Shr) => self.amount(value),
            Some(op) => {
                let current = Node { span: target.span, ty: place.clone(), kind: Kind::Error };
                if self.fits(&current, operand_need(op), &format!("`{}=`", symbol(op))) {
                    self.expr(value, Some(&place))
                } else {
                    self.expr(value, None);
                    self.broken(value.span, Ty::Error)
                }
            }
        };
        if self.secret(&value) {
            self.locals[local].secret = true;
        }
        Some(Statement::Assign { local, indices, op, value, place, span })
    }

    /// What an assignment assigns to.
    fn place(&mut self, target: &'a Expr) -> Option<(LocalId, Vec<Node>, Ty)> {
        if let Some(name) = single_name(target) {
            return self.variable(name).map(|local| (local, Vec::new(), self.locals[local].ty.clone()));
        }
        if let ExprKind::Index { base, index } = &target.kind {
            let (local, mut indices, ty) = self.place(base)?;
            let index = self.comptime(index, "an index");
            self.solve();
            let element = self.element(&ty, &index, base.span)?;
            indices.push(index);
            return Some((local, indices, element));
        }
        if !matches!(target.kind, ExprKind::Error) {
            self.error(
                "E0110",
                target.span,
                "this cannot be assigned to",
                "expected a variable or an element of one",
                "assign to a variable declared with `let mut`",
            );
        }
        None
    }

    /// A variable that may be assigned.
    fn variable(&mut self, name: &'a Ident) -> Option<LocalId> {
        let Some(local) = self.local(&name.name) else {
            let help = self.suggest(&name.name);
            let message = format!("there is no variable `{}` here", name.name);
            self.error("E0101", name.span, message, "unknown name", help);
            return None;
        };
        let Local { mutable, span, .. } = self.locals[local];
        if !mutable {
            let message = format!("`{}` cannot be assigned", name.name);
            let help = format!("declare it with `let mut {}`", name.name);
            self.error("E0110", name.span, message, "not declared with `let mut`", help)
                .push((span, "declared here".to_owned()));
            return None;
        }
        Some(local)
    }

    // Arrays.

    fn index(&mut self, base: &'a Expr, index: &'a Expr, span: Span) -> Node {
        let base = self.expr(base, None);
        let index = self.comptime(index, "an index");
        self.solve();
        match self.element(&base.ty.clone(), &index, base.span) {
            Some(ty) => Node { span, ty, kind: Kind::Index { base: Box::new(base), index: Box::new(index) } },
            None => self.broken(span, Ty::Error),
        }
    }

    /// The element type; an index that is certainly out of range is reported already here.
    fn element(&mut self, ty: &Ty, index: &Node, base: Span) -> Option<Ty> {
        match self.unifier.resolve(ty) {
            Ty::Array(element, len) => {
                if let (Len::Known(len), Kind::Number { value, .. }) =
                    (self.unifier.resolve_len(len), &index.kind)
                    && self.guarded == 0
                    && to_i64(value).is_none_or(|index| index < 0 || index >= len)
                {
                    let shown = super::exact::show(value);
                    self.out_of_range(index.span, &shown, len);
                    return Some((*element).clone());
                }
                Some((*element).clone())
            }
            Ty::Error => None,
            Ty::Var(_) | Ty::Scalar(_) | Ty::Int | Ty::Rational | Ty::Tuple(_) => {
                let found = self.unifier.show(ty);
                self.error(
                    "E0208",
                    base,
                    format!("{found} cannot be indexed"),
                    format!("expected an array, found {found}"),
                    "index arrays only; take tuples apart with `let (a, b) = ..`",
                );
                None
            }
        }
    }

    fn out_of_range(&mut self, span: Span, index: &str, len: i64) {
        let (message, label) = super::elaborate::out_of_range(index, len);
        self.error("E0310", span, message, label, "indices start at 0");
    }

    fn array(&mut self, items: &'a [Expr], span: Span, expected: Option<&Ty>) -> Node {
        let limit = self.checker.limits.array_elements;
        if items.len() as u64 > limit {
            self.error(
                "E0301",
                span,
                format!("an array of {} elements", items.len()),
                format!("at most {limit} are allowed"),
                "raise `--limit array=N`",
            );
            return self.broken(span, Ty::Error);
        }
        let mut hint = self.element_hint(expected);
        let mut nodes = Vec::new();
        for item in items {
            let node = self.expr(item, hint.as_ref());
            if hint.is_none() {
                hint = Some(node.ty.clone());
            }
            nodes.push(node);
        }
        let element = hint.unwrap_or_else(|| self.unifier.fresh(Need::default()));
        let len = i64::try_from(nodes.len()).expect("bounded by the element limit");
        let ty = self.sized_value(Ty::Array(Rc::new(element), Len::Known(len)), span);
        Node { span, ty, kind: Kind::Array(nodes) }
    }

    #[allow(clippy::too_many_arguments, reason = "the parts of one syntax node")]
    fn comprehension(
        &mut self,
        value: &'a Expr,
        variable: &'a Ident,
        from: &'a Expr,
        to: &'a Expr,
        inclusive: bool,
        span: Span,
        expected: Option<&Ty>,
    ) -> Node {
        let env = self.env.clone();
        let len = match (self.const_value(from, &env), self.const_value(to, &env)) {
            (Const::Value(low), Const::Value(high)) => match (to_i64(&low), to_i64(&high)) {
                (Some(low), Some(high)) => {
                    Len::Known((high.saturating_sub(low).saturating_add(i64::from(inclusive))).max(0))
                }
                _ => Len::Any,
            },
            _ => Len::Any,
        };
        let bounds = from.span;
        let from = self.comptime(from, "a loop bound");
        let to = self.comptime(to, "a loop bound");
        let limit = self.checker.limits.iterations;
        if let Len::Known(len) = len
            && len.unsigned_abs() > limit
        {
            self.error(
                "E0300",
                bounds,
                format!("{len} iterations"),
                format!("at most {limit} iterations are unrolled"),
                "use fewer, or raise `--limit iterations=N`",
            );
            return self.broken(span, Ty::Error);
        }
        let hint = self.element_hint(expected);
        self.scopes.push(BTreeMap::new());
        let variable = self.declare(variable, Ty::Int, false, false);
        self.guarded += 1;
        let value = self.expr(value, hint.as_ref());
        self.guarded -= 1;
        self.scopes.pop();
        let ty = self.sized_value(Ty::Array(Rc::new(value.ty.clone()), len), span);
        let kind = Kind::Comprehension {
            value: Box::new(value),
            variable,
            from: Box::new(from),
            to: Box::new(to),
            inclusive,
        };
        Node { span, ty, kind }
    }

    fn value_length(&mut self, expr: &'a Expr, env: &Rc<Env>, span: Span) -> Option<Len> {
        let limit = self.checker.limits.array_elements;
        if let Const::Value(value) = self.const_value(expr, env)
            && value > super::exact::Exact::from_integer(limit.into())
        {
            let shown = super::exact::show(&value);
            self.error(
                "E0301",
                span,
                format!("an array of {shown} elements"),
                format!("at most {limit} are allowed"),
                "use a smaller array, or raise `--limit array=N`",
            );
            return None;
        }
        Some(self.length(expr, env))
    }

    /// An index, a length or a loop bound: known at compile time.
    fn comptime(&mut self, expr: &'a Expr, what: &str) -> Node {
        let node = self.expr(expr, None);
        match self.unifier.resolve(&node.ty) {
            Ty::Var(_) => {
                let wanted = Ty::Int;
                self.expect(node, &wanted)
            }
            Ty::Int | Ty::Rational | Ty::Error => node,
            Ty::Scalar(scalar) if scalar != Scalar::Bool => {
                if self.secret(&node) {
                    self.error(
                        "E0209",
                        node.span,
                        format!("{what} must be known at compile time, this {scalar} is encrypted"),
                        format!("expected a compile-time integer, found an encrypted {scalar}"),
                        "loop over all positions and choose: `if i as uint<8> == k { x[i] } else { .. }`",
                    );
                    return self.broken(node.span, Ty::Error);
                }
                node
            }
            Ty::Scalar(_) | Ty::Array(..) | Ty::Tuple(_) => {
                let wanted = Ty::Int;
                self.expect(node, &wanted)
            }
        }
    }

    /// Whether an expression depends on an encrypted value, as far as its form tells.
    pub(crate) fn secret(&self, node: &Node) -> bool {
        match &node.kind {
            Kind::Local(local) => self.locals[*local].secret,
            Kind::Number { .. }
            | Kind::Bits(_)
            | Kind::Literal { .. }
            | Kind::Exact(_)
            | Kind::Limit { .. }
            | Kind::Const(_)
            | Kind::Coerce(_)
            | Kind::Error
            | Kind::Builtin { function: Builtin::Len, .. } => false,
            Kind::Unary { operand, .. } | Kind::Cast(operand) => self.secret(operand),
            Kind::Binary { left, right, .. } => self.secret(left) || self.secret(right),
            Kind::If { condition, then, otherwise, .. } => {
                self.secret(condition)
                    || self.secret(then)
                    || otherwise.as_ref().is_some_and(|otherwise| self.secret(otherwise))
            }
            Kind::Block { value, .. } => value.as_ref().is_some_and(|value| self.secret(value)),
            Kind::Call { args, .. } | Kind::Builtin { args, .. } | Kind::Array(args) | Kind::Tuple(args) => {
                args.iter().any(|arg| self.secret(arg))
            }
            Kind::Index { base, .. } => self.secret(base),
            Kind::Repeat { value, .. } | Kind::Comprehension { value, .. } => self.secret(value),
        }
    }

    // Calls.

    fn call(&mut self, name: &'a Ident, args: &'a [Expr], attributes: &'a [Attribute], span: Span) -> Node {
        let span = Span { start: name.span.start, ..span };
        let choice = self.attributes(attributes);
        let named = |name: &str| attributes.iter().find(|attribute| attribute.name.name == name);
        let (approx, grade) = (named("approx"), named("grade"));
        if let Some(item) = self.checker.names.lookup(self.env.file, &name.name)
            && let What::Fn(function) = self.checker.names.items[item].what
        {
            for (attribute, generic) in [(approx, "DEGREE"), (grade, "GRADE")] {
                if let Some(attribute) = attribute
                    && !has_constant(function, generic)
                {
                    self.not_analytic(&name.name, attribute.span);
                }
            }
            return self.call_function(item, function, args, choice, span);
        }
        if let Some(attribute) = approx.or(grade)
            && Builtin::named(&name.name).is_some()
        {
            self.not_analytic(&name.name, attribute.span);
        }
        if let Some((function, arity)) = Builtin::named(&name.name) {
            if args.len() != arity {
                self.arity(&name.name, arity, args, span);
                return self.broken(span, Ty::Error);
            }
            return self.builtin(function, args, span);
        }
        let message = if self.local(&name.name).is_some() {
            format!("`{}` is a variable, not a function", name.name)
        } else {
            format!("there is no function `{}`", name.name)
        };
        let help = self.checker.suggest_function(&name.name, self.env.file);
        self.error("E0102", span, message, "unknown function", help);
        for arg in args {
            self.expr(arg, None);
        }
        self.broken(span, Ty::Error)
    }

    fn not_analytic(&mut self, name: &str, span: Span) {
        self.error(
            "E0111",
            span,
            format!("`{name}` is no analytic function of the library: it is not approximated"),
            "does not apply",
            "remove it, or use it on a function such as `exp`, `ln`, `sin` or `tanh`",
        );
    }

    fn arity(&mut self, name: &str, expected: usize, args: &'a [Expr], span: Span) {
        let plural = if expected == 1 { "" } else { "s" };
        self.error(
            "E0202",
            span,
            format!("`{name}` takes {expected} argument{plural}, found {}", args.len()),
            format!("expected {expected}, found {}", args.len()),
            "correct the arguments",
        );
        for arg in args {
            self.expr(arg, None);
        }
    }

    /// What `#[grade(fast)]` asks for.
    fn grade(&mut self, attribute: &'a Attribute) -> Option<Grade> {
        let found = match attribute.args.as_slice() {
            [(name, None)] => match name.name.as_str() {
                "faithful" => Some(Grade::Faithful),
                "fast" => Some(Grade::Fast),
                _ => None,
            },
            _ => None,
        };
        if found.is_none() {
            self.error(
                "E0111",
                attribute.span,
                "`grade` names one of two grades",
                "expected `faithful` or `fast`",
                "write `#[grade(fast)]`",
            );
        }
        found
    }

    /// The grade of the calls in a function of the library is that of the function.
    fn inherited_grade(&self) -> Option<Len> {
        match self.env.generics.get("GRADE") {
            Some(Argument::Const(len)) => Some(*len),
            Some(Argument::Type(_)) | None => None,
        }
    }

    /// What `#[approx(taylor, degree = n)]` and `#[grade(fast)]` ask for.
    fn attributes(&mut self, attributes: &'a [Attribute]) -> Choice {
        let mut choice = Choice { degree: None, method: self.checker.approx, grade: None };
        for attribute in attributes {
            if attribute.name.name == "grade" {
                choice.grade = self.grade(attribute);
                continue;
            }
            if attribute.name.name != "approx" {
                self.error(
                    "E0111",
                    attribute.span,
                    format!("there is no attribute `{}`", attribute.name.name),
                    "unknown attribute",
                    "the attributes of calls are `#[approx(taylor, degree = 9)]` and `#[grade(fast)]`",
                );
                continue;
            }
            for (name, value) in &attribute.args {
                match (name.name.as_str(), value) {
                    ("taylor", None) => choice.method = Approximation::Taylor,
                    ("minimax", None) => choice.method = Approximation::Minimax,
                    ("table", None) => choice.method = Approximation::Table,
                    ("degree", Some(value)) => {
                        let env = self.env.clone();
                        let found = match self.const_value(value, &env) {
                            Const::Value(found) => to_i64(&found).filter(|degree| (1..=200).contains(degree)),
                            Const::Open | Const::Dynamic | Const::Failed => None,
                        };
                        match found {
                            Some(found) => choice.degree = Some(found),
                            None => {
                                self.error(
                                    "E0111",
                                    value.span,
                                    "the degree must be a compile-time integer from 1 to 200",
                                    "not such a number",
                                    "write it as in `degree = 9`",
                                );
                            }
                        }
                    }
                    _ => {
                        self.error(
                            "E0111",
                            name.span,
                            format!("`approx` has no option `{}`", name.name),
                            "unknown option",
                            "write `#[approx(taylor, degree = 9)]`",
                        );
                    }
                }
            }
        }
        choice
    }

    fn call_function(
        &mut self,
        item: ItemId,
        function: &'a Function,
        args: &'a [Expr],
        choice: Choice,
        span: Span,
    ) -> Node {
        let named = &self.checker.names.items[item];
        let (file, recursive) = (named.file, named.recursive);
        let mut generics = Vec::new();
        for generic in &function.generics {
            match generic {
                Generic::Type { name, bound } => {
                    let need = self.bound(bound.as_ref());
                    generics.push((name.name.clone(), Argument::Type(self.unifier.fresh(need))));
                }
                Generic::Const { name, .. } => {
                    let len = self.unifier.fresh_len();
                    match (name.name.as_str(), choice) {
                        ("DEGREE", Choice { degree: Some(degree), .. }) => {
                            self.unifier.unify_len(len, Len::Known(degree));
                        }
                        ("GRADE", Choice { grade, .. }) => {
                            let default = || Len::Known(self.checker.grade.code());
                            let known = match grade {
                                Some(grade) => Len::Known(grade.code()),
                                None => self.inherited_grade().unwrap_or_else(default),
                            };
                            self.unifier.unify_len(len, known);
                        }
                        ("METHOD", Choice { method, .. }) if method != Approximation::Cheapest => {
                            self.unifier.unify_len(len, Len::Known(method.code()));
                        }
                        _ => {}
                    }
                    generics.push((name.name.clone(), Argument::Const(len)));
                }
            }
        }
        let env = Rc::new(Env { file, generics: generics.iter().cloned().collect(), local: false });
        if !self.inferable(function, span) {
            for arg in args {
                self.expr(arg, None);
            }
            return self.broken(span, Ty::Error);
        }
        if args.len() != function.params.len() {
            self.arity(&function.name.name, function.params.len(), args, span);
            let result = self.result_type(function, &env);
            return self.broken(span, if function.generics.is_empty() { result } else { Ty::Error });
        }
        let mut nodes = Vec::new();
        for (arg, param) in args.iter().zip(&function.params) {
            let ty = self.ty(&param.ty, &env);
            self.solve();
            let node = self.expr(arg, Some(&ty));
            if matches!(node.kind, Kind::Error) {
                self.poison(&ty);
            }
            self.solve();
            if param.public && self.secret(&node) {
                self.error(
                    "E0316",
                    node.span,
                    format!(
                        "`{}` takes `{}` in the clear, this value is encrypted",
                        function.name.name, param.name.name
                    ),
                    "expected a public value",
                    "pass a constant or a `public` parameter",
                );
            }
            nodes.push(node);
        }
        let ty = self.result_type(function, &env);
        self.solve();
        let kind =
            if recursive { Kind::Error } else { Kind::Call { item, generics, args: nodes, callee: None } };
        Node { span, ty, kind }
    }

    /// Type parameters follow from the types of parameters and results; one that occurs in none of them never does.
    fn inferable(&mut self, function: &'a Function, span: Span) -> bool {
        let mut all = true;
        for generic in &function.generics {
            let Generic::Type { name, .. } = generic else { continue };
            let types = function.params.iter().map(|param| &param.ty).chain([&function.result.ty]);
            if types.into_iter().any(|ty| occurs(&name.name, ty)) {
                continue;
            }
            all = false;
            self.error(
                "E0205",
                span,
                format!("the `{}` of `{}` is not known here", name.name, function.name.name),
                "cannot be inferred",
                format!("use `{}` as the type of a parameter or of the result", name.name),
            );
        }
        all
    }

    fn bound(&mut self, bound: Option<&'a Ident>) -> Need {
        match bound.map(|bound| (bound.name.as_str(), bound.span)) {
            None | Some(("any", _)) => Need::default(),
            Some(("number", _)) => Need::NUMBER,
            Some(("float", _)) => Need::FLOAT,
            Some((name, span)) => {
                self.error(
                    "E0103",
                    span,
                    format!("there is no bound `{name}`"),
                    "unknown bound",
                    "bounds are float, number and any",
                );
                Need::default()
            }
        }
    }

    fn builtin(&mut self, function: Builtin, args: &'a [Expr], span: Span) -> Node {
        let (args, ty) = match function {
            Builtin::Abs | Builtin::Sign => self.same(args, Need::NUMBER),
            Builtin::Neg => return self.unary(UnaryOp::Neg, &args[0], span),
            Builtin::Sqrt
            | Builtin::Floor
            | Builtin::Ceil
            | Builtin::Round
            | Builtin::RoundEven
            | Builtin::Trunc => self.same(args, Need::FRACTION),
            Builtin::Significand => self.same(args, Need::FLOAT),
            Builtin::Min | Builtin::Max | Builtin::Minimum | Builtin::Maximum | Builtin::Fma => {
                self.same(args, Need::NUMBER)
            }
            Builtin::CopySign | Builtin::Remainder => self.same(args, Need::FLOAT),
            Builtin::Select => {
                let condition = self.expr(&args[0], Some(&Ty::BOOL));
                let yes = self.expr(&args[1], None);
                let wanted = yes.ty.clone();
                let no = self.expr(&args[2], Some(&wanted));
                (vec![condition, yes, no], wanted)
            }
            Builtin::Exponent => (self.same(args, Need::FLOAT).0, Ty::Scalar(Scalar::Int(16))),
            Builtin::Scale2 => {
                let (mut nodes, ty) = self.same(&args[..1], Need::FLOAT);
                nodes.push(self.scale(&args[1]));
                (nodes, ty)
            }
            Builtin::IsNan
            | Builtin::IsInf
            | Builtin::IsFinite
            | Builtin::IsNegative
            | Builtin::IsSubnormal
            | Builtin::IsNormal => (self.same(args, Need::FLOAT).0, Ty::BOOL),
            Builtin::IsZero => (self.same(args, Need::NUMBER).0, Ty::BOOL),
            Builtin::Bits => {
                let value = self.expr(&args[0], None);
                let bits = self.unifier.fresh(Need::INTEGER);
                self.encoding(&value.ty, &bits, value.span);
                (vec![value], bits)
            }
            Builtin::FromBits => {
                let value = self.unifier.fresh(Need::default());
                let bits = self.expr(&args[0], None);
                if !self.require(&bits, Need::INTEGER, "`from_bits`") {
                    return self.broken(span, Ty::Error);
                }
                self.encoding(&value, &bits.ty, bits.span);
                (vec![bits], value)
            }
            Builtin::Require => (vec![self.expr(&args[0], Some(&Ty::BOOL))], Ty::Tuple(Rc::new([]))),
            Builtin::Sum => {
                let (nodes, ty) = self.vectors(args);
                (nodes, ty)
            }
            Builtin::Dot => self.vectors(args),
            Builtin::Minimax => {
                let lists = self.lists_of_series();
                (self.arguments_of(args, &[lists.clone(), Ty::Int, Ty::Int, Ty::Rational]), lists)
            }
            Builtin::LargestDifference => {
                let lists = self.lists_of_series();
                (self.arguments_of(args, &[lists.clone(), lists, Ty::Int]), Ty::Rational)
            }
            Builtin::SignMinimax => {
                let of = [Ty::Rational, Ty::Rational, Ty::Int, Ty::Rational];
                let coefficients = Ty::Array(Rc::new(Ty::Rational), Len::Known(approx::SIGN_COEFFICIENTS));
                (self.arguments_of(args, &of), Ty::Tuple(Rc::new([coefficients, Ty::Rational])))
            }
            Builtin::Evaluated => {
                let widths = Ty::Array(Rc::new(Ty::Int), self.unifier.fresh_len());
                (
                    self.arguments_of(args, &[Ty::Int, Ty::Int, Ty::Int, widths, Ty::Rational]),
                    Ty::Tuple(Rc::new([])),
                )
            }
            Builtin::Proven => (self.arguments_of(args, &[Ty::Rational]), Ty::Tuple(Rc::new([]))),
            Builtin::LowerBound | Builtin::UpperBound => (self.same(args, Need::FLOAT).0, Ty::Rational),
            Builtin::Len => {
                let array = self.expr(&args[0], None);
                self.solve();
                match self.unifier.resolve(&array.ty) {
                    Ty::Array(_, len) => {
                        if let Len::Known(len) = self.unifier.resolve_len(len) {
                            return self.exact(len, span);
                        }
                    }
                    Ty::Error => {}
                    Ty::Var(_) | Ty::Scalar(_) | Ty::Int | Ty::Rational | Ty::Tuple(_) => {
                        let found = self.unifier.show(&array.ty);
                        self.error(
                            "E0208",
                            array.span,
                            format!("{found} has no length"),
                            format!("expected an array, found {found}"),
                            "use `len` on arrays",
                        );
                    }
                }
                (vec![array], Ty::Int)
            }
        };
        Node { span, ty, kind: Kind::Builtin { function, args } }
    }

    /// Arguments that all have one type.
    fn same(&mut self, args: &'a [Expr], need: Need) -> (Vec<Node>, Ty) {
        let common = self.unifier.fresh(need);
        let nodes: Vec<Node> = args.iter().map(|arg| self.expr(arg, Some(&common))).collect();
        if nodes.iter().any(|node| matches!(node.kind, Kind::Error)) {
            self.poison(&common);
        }
        (nodes, common)
    }

    /// After a reported error: what is still open in a type is not asked for again.
    fn poison(&mut self, ty: &Ty) {
        match self.unifier.resolve(ty) {
            open @ Ty::Var(_) => {
                self.unifier.unify(&open, &Ty::Error);
            }
            Ty::Array(element, _) => self.poison(&element),
            Ty::Tuple(members) => members.iter().for_each(|member| self.poison(member)),
            Ty::Scalar(_) | Ty::Int | Ty::Rational | Ty::Error => {}
        }
    }

    /// Arrays of one number type and one length; the result is an element.
    fn vectors(&mut self, args: &'a [Expr]) -> (Vec<Node>, Ty) {
        let element = self.unifier.fresh(Need::NUMBER);
        let len = self.unifier.fresh_len();
        let array = Ty::Array(Rc::new(element.clone()), len);
        let nodes: Vec<Node> = args.iter().map(|arg| self.expr(arg, Some(&array))).collect();
        if nodes.iter().any(|node| matches!(node.kind, Kind::Error)) {
            self.poison(&element);
        }
        (nodes, element)
    }

    /// Lists of rational coefficients, all of one length.
    fn lists_of_series(&mut self) -> Ty {
        let series = Ty::Array(Rc::new(Ty::Rational), self.unifier.fresh_len());
        Ty::Array(Rc::new(series), self.unifier.fresh_len())
    }

    /// Arguments of given types.
    fn arguments_of(&mut self, args: &'a [Expr], types: &[Ty]) -> Vec<Node> {
        args.iter().zip(types).map(|(arg, ty)| self.expr(arg, Some(ty))).collect()
    }

    /// The second argument of `scale2`.
    fn scale(&mut self, arg: &'a Expr) -> Node {
        let node = self.expr(arg, None);
        match self.unifier.resolve(&node.ty) {
            Ty::Scalar(Scalar::Int(_)) | Ty::Error => node,
            Ty::Var(_) | Ty::Scalar(_) | Ty::Int | Ty::Rational | Ty::Array(..) | Ty::Tuple(_) => {
                self.expect(node, &Ty::Scalar(Scalar::Int(16)))
            }
        }
    }
}

/// Expressions that [`Body::const_quietly`] looks at: numbers, names, and arithmetic on them.
fn simple(expr: &Expr, depth: u32) -> bool {
    if depth == 0 {
        return false;
    }
    if let ExprKind::Unary { op: UnaryOp::Neg, operand } = &expr.kind {
        return simple(operand, depth - 1);
    }
    // Division depends on the type; a shift or a division may fail, and is reported where it is run.
    if let ExprKind::Binary { op: BinaryOp::Add | BinaryOp::Sub | BinaryOp::Mul, left, right, .. } =
        &expr.kind
    {
        return simple(left, depth - 1) && simple(right, depth - 1);
    }
    if let ExprKind::Call { function, args, .. } = &expr.kind {
        return function.name == "len" && args.len() == 1;
    }
    matches!(expr.kind, ExprKind::Number { .. } | ExprKind::Path(_))
}

/// What the attribute of a call asks for.
#[derive(Clone, Copy)]
struct Choice {
    degree: Option<i64>,
    method: Approximation,
    grade: Option<Grade>,
}

/// Whether calls of a function choose a constant such as the degree of approximation.
fn has_constant(function: &Function, constant: &str) -> bool {
    function
        .generics
        .iter()
        .any(|generic| matches!(generic, Generic::Const { name, .. } if name.name == constant))
}

/// Whether a type as written has the part `name`.
fn occurs(name: &str, ty: &ast::Type) -> bool {
    match &ty.kind {
        ast::TypeKind::Name { name: found, .. } => found.name == name,
        ast::TypeKind::Array { element, .. } => occurs(name, element),
        ast::TypeKind::Tuple(members) => members.iter().any(|member| occurs(name, member)),
        ast::TypeKind::Error => true,
    }
}

/// What both operands must be; `None` for `==` and `!=`, which take bools too.
fn operand_need(op: BinaryOp) -> Option<Need> {
    match op {
        BinaryOp::Eq | BinaryOp::Ne | BinaryOp::And | BinaryOp::Or => None,
        BinaryOp::BitAnd | BinaryOp::BitXor | BinaryOp::BitOr => Some(Need::INTEGER),
        BinaryOp::Mul
        | BinaryOp::Div
        | BinaryOp::Rem
        | BinaryOp::Add
        | BinaryOp::Sub
        | BinaryOp::Shl
        | BinaryOp::Shr
        | BinaryOp::Lt
        | BinaryOp::Le
        | BinaryOp::Gt
        | BinaryOp::Ge => Some(Need::NUMBER),
    }
}

/// As written.
pub(crate) fn symbol(op: BinaryOp) -> &'static str {
    match op {
        BinaryOp::Mul => "*",
        BinaryOp::Div => "/",
        BinaryOp::Rem => "%",
        BinaryOp::Add => "+",
        BinaryOp::Sub => "-",
        BinaryOp::Shl => "<<",
        BinaryOp::Shr => ">>",
        BinaryOp::BitAnd => "&",
        BinaryOp::BitXor => "^",
        BinaryOp::BitOr => "|",
        BinaryOp::Lt => "<",
        BinaryOp::Le => "<=",
        BinaryOp::Gt => ">",
        BinaryOp::Ge => ">=",
        BinaryOp::Eq => "==",
        BinaryOp::Ne => "!=",
        BinaryOp::And => "&&",
        BinaryOp::Or => "||",
    }
}
