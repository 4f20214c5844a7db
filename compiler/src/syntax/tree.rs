//! Nodes of the syntax tree, made by the actions of `grammar.lalrpop`.
//!
//! In: token positions and child nodes. Out: nodes with spans, none deeper than [`MAX_DEPTH`]: what would be deeper
//! is reported once and becomes an `Error` node, so that dropping and walking a tree cannot exhaust the stack.

use num_bigint::BigUint;
use num_rational::Ratio;

use super::ast::*;
use super::repair::Source;
use super::token::Spanned;
use super::{MAX_DEPTH, token::Literal};
use crate::diag::Diagnostic;
use crate::source::Span;

/// A node and its height.
pub(super) struct Deep<T> {
    pub(super) node: T,
    pub(super) depth: u32,
}

/// What the parser was asked for.
pub(super) enum Entry {
    Item(Box<Item>),
    Expr(Box<Expr>),
}

/// An element of a block before it is known which one is last.
pub(super) enum Element {
    /// `;`
    Empty,
    /// Ends itself: with `;`, or as a loop.
    Statement(Statement),
    /// A block or an `if` without `;`: the block's value where it stands last.
    BlockLike(Statement),
    /// An expression without `;`, the last of its block.
    Value(Expr),
}

/// The brackets behind an `[`.
pub(super) type Bounds = (Deep<Expr>, bool, Deep<Expr>);

/// Builds the tree of one item or expression.
pub(super) struct Tree<'s, 't> {
    source: &'s Source<'s>,
    tokens: &'s [Spanned<'t>],
    pub(super) diagnostics: Vec<Diagnostic>,
    too_deep: bool,
}

impl<'s, 't> Tree<'s, 't> {
    pub(super) fn new(source: &'s Source<'s>, tokens: &'s [Spanned<'t>]) -> Self {
        Tree { source, tokens, diagnostics: Vec::new(), too_deep: false }
    }

    /// The text of the tokens `left..right`.
    pub(super) fn span(&self, left: usize, right: usize) -> Span {
        let start = self.tokens.get(left).map_or(0, |t| t.start);
        let end = right.checked_sub(1).and_then(|last| self.tokens.get(last)).map_or(start, |t| t.end);
        Span { file: self.source.file, start, end: end.max(start) }
    }

    pub(super) fn ident(&self, at: usize, name: &str) -> Ident {
        Ident { name: name.to_owned(), span: self.span(at, at + 1) }
    }

    pub(super) fn string(&self, index: u32) -> String {
        self.source.strings[index as usize].clone()
    }

    pub(super) fn item(&self, left: usize, right: usize, kind: ItemKind) -> Item {
        let span = self.span(left, right);
        Item { doc: self.source.docs.get(&span.start).cloned().unwrap_or_default(), span, kind }
    }

    pub(super) fn expr(&mut self, left: usize, right: usize, below: u32, kind: ExprKind) -> Deep<Expr> {
        let span = self.span(left, right);
        if below < MAX_DEPTH {
            return Deep { node: Expr { span, kind }, depth: below + 1 };
        }
        if !self.too_deep {
            self.too_deep = true;
            self.diagnostics.push(
                Diagnostic::error(
                    "E0009",
                    span,
                    format!("this expression is nested more than {MAX_DEPTH} levels deep"),
                )
                .label(format!("level {} of at most {MAX_DEPTH}", MAX_DEPTH + 1))
                .help("give parts of it names with `let`, use an array with `sum`, or a `for` loop"),
            );
        }
        Deep { node: Expr { span, kind: ExprKind::Error }, depth: 1 }
    }

    pub(super) fn leaf(&mut self, at: usize, kind: ExprKind) -> Deep<Expr> {
        self.expr(at, at + 1, 0, kind)
    }

    pub(super) fn number(&mut self, at: usize, index: u32) -> Deep<Expr> {
        let (value, form): Literal = self.source.numbers[index as usize].clone();
        let value: Ratio<BigUint> = value;
        self.leaf(at, ExprKind::Number { value, form })
    }

    pub(super) fn path(&mut self, left: usize, right: usize, path: Vec<Ident>) -> Deep<Expr> {
        self.expr(left, right, 0, ExprKind::Path(path))
    }

    pub(super) fn binary(
        &mut self,
        (left, right): (usize, usize),
        a: Deep<Expr>,
        (at, op): (usize, BinaryOp),
        b: Deep<Expr>,
    ) -> Deep<Expr> {
        let op_span = self.span(at, at + 1);
        let kind = ExprKind::Binary { op, op_span, left: Box::new(a.node), right: Box::new(b.node) };
        self.expr(left, right, a.depth.max(b.depth), kind)
    }

    /// `a < b < c`, where `a < b` is read already.
    pub(super) fn chained(
        &mut self,
        ends: (usize, usize),
        a: Deep<Expr>,
        op: (usize, BinaryOp),
        b: Deep<Expr>,
    ) -> Deep<Expr> {
        let mut error =
            Diagnostic::error("E0010", self.span(op.0, op.0 + 1), "comparisons cannot be chained")
                .label("a second comparison of the same expression")
                .help("compare twice, as in `a < b && b < c`, or write brackets, as in `(a < b) == c`");
        if let ExprKind::Binary { op_span, .. } = &a.node.kind {
            error = error.related(*op_span, "the first comparison");
        }
        self.diagnostics.push(error);
        self.binary(ends, a, op, b)
    }

    pub(super) fn unary(
        &mut self,
        left: usize,
        right: usize,
        op: UnaryOp,
        operand: Deep<Expr>,
    ) -> Deep<Expr> {
        let kind = ExprKind::Unary { op, operand: Box::new(operand.node) };
        self.expr(left, right, operand.depth, kind)
    }

    pub(super) fn cast(
        &mut self,
        left: usize,
        right: usize,
        operand: Deep<Expr>,
        ty: Deep<Type>,
    ) -> Deep<Expr> {
        let kind = ExprKind::Cast { operand: Box::new(operand.node), ty: ty.node };
        self.expr(left, right, operand.depth.max(ty.depth), kind)
    }

    pub(super) fn index(
        &mut self,
        left: usize,
        right: usize,
        base: Deep<Expr>,
        index: Deep<Expr>,
    ) -> Deep<Expr> {
        let kind = ExprKind::Index { base: Box::new(base.node), index: Box::new(index.node) };
        self.expr(left, right, base.depth.max(index.depth), kind)
    }

    pub(super) fn conditional(
        &mut self,
        left: usize,
        right: usize,
        condition: Deep<Expr>,
        then: Deep<Expr>,
        otherwise: Option<Deep<Expr>>,
    ) -> Deep<Expr> {
        let below = condition.depth.max(then.depth).max(otherwise.as_ref().map_or(0, |e| e.depth));
        let kind = ExprKind::If {
            condition: Box::new(condition.node),
            then: Box::new(then.node),
            otherwise: otherwise.map(|e| Box::new(e.node)),
        };
        self.expr(left, right, below, kind)
    }

    /// Brackets around one expression belong to its span and are otherwise forgotten.
    pub(super) fn bracketed(&mut self, left: usize, right: usize, mut inner: Deep<Expr>) -> Deep<Expr> {
        inner.node.span = self.span(left, right);
        inner
    }

    pub(super) fn list(
        &mut self,
        left: usize,
        right: usize,
        items: Vec<Deep<Expr>>,
        kind: fn(Vec<Expr>) -> ExprKind,
    ) -> Deep<Expr> {
        let (items, below) = flatten(items);
        self.expr(left, right, below, kind(items))
    }

    pub(super) fn call(
        &mut self,
        left: usize,
        right: usize,
        attributes: Vec<Deep<Attribute>>,
        function: Ident,
        args: Vec<Deep<Expr>>,
    ) -> Deep<Expr> {
        let (attributes, a) = flatten(attributes);
        let (args, b) = flatten(args);
        self.expr(left, right, a.max(b), ExprKind::Call { function, args, attributes })
    }

    pub(super) fn attribute(
        &mut self,
        left: usize,
        right: usize,
        name: Ident,
        args: Vec<(Ident, Option<Deep<Expr>>)>,
    ) -> Deep<Attribute> {
        let depth = args.iter().filter_map(|(_, value)| value.as_ref().map(|v| v.depth)).max().unwrap_or(0);
        let args = args.into_iter().map(|(name, value)| (name, value.map(|v| v.node))).collect();
        Deep { node: Attribute { name, args, span: self.span(left, right) }, depth }
    }

    pub(super) fn repeat(
        &mut self,
        left: usize,
        right: usize,
        value: Deep<Expr>,
        length: Deep<Expr>,
    ) -> Deep<Expr> {
        let kind = ExprKind::Repeat { value: Box::new(value.node), length: Box::new(length.node) };
        self.expr(left, right, value.depth.max(length.depth), kind)
    }

    pub(super) fn comprehension(
        &mut self,
        left: usize,
        right: usize,
        value: Deep<Expr>,
        variable: Ident,
        (from, inclusive, to): Bounds,
    ) -> Deep<Expr> {
        let below = value.depth.max(from.depth).max(to.depth);
        let kind = ExprKind::Comprehension {
            value: Box::new(value.node),
            variable,
            from: Box::new(from.node),
            to: Box::new(to.node),
            inclusive,
        };
        self.expr(left, right, below, kind)
    }

    /// The last element of a block is its value if it is an expression without `;` that has one.
    pub(super) fn block(
        &mut self,
        left: usize,
        right: usize,
        elements: Vec<Deep<Element>>,
        last: Option<Deep<Element>>,
    ) -> Deep<Expr> {
        let mut below = 0;
        let mut statements = Vec::new();
        let mut value = None;
        for element in elements.into_iter().chain(last) {
            below = below.max(element.depth);
            statements.extend(value.take());
            match element.node {
                Element::Empty => {}
                Element::Statement(statement) => statements.push(statement),
                Element::BlockLike(statement) => value = Some(statement),
                Element::Value(expr) => {
                    value = Some(Statement { span: expr.span, kind: StatementKind::Expr(expr) })
                }
            }
        }
        let value = match value {
            Some(Statement { kind: StatementKind::Expr(expr), .. }) if gives_value(&expr) => {
                Some(Box::new(expr))
            }
            Some(statement) => {
                statements.push(statement);
                None
            }
            None => None,
        };
        self.expr(left, right, below, ExprKind::Block { statements, value })
    }

    pub(super) fn let_statement(
        &mut self,
        left: usize,
        right: usize,
        (mutable, pattern): (bool, Pattern),
        ty: Option<Deep<Type>>,
        value: Deep<Expr>,
    ) -> Deep<Element> {
        let depth = value.depth.max(ty.as_ref().map_or(0, |t| t.depth));
        let kind = StatementKind::Let { mutable, pattern, ty: ty.map(|t| t.node), value: value.node };
        self.statement(left, right, depth, kind)
    }

    pub(super) fn statement(
        &self,
        left: usize,
        right: usize,
        depth: u32,
        kind: StatementKind,
    ) -> Deep<Element> {
        Deep { node: Element::Statement(Statement { span: self.span(left, right), kind }), depth }
    }

    pub(super) fn block_like(&self, left: usize, right: usize, expr: Deep<Expr>) -> Deep<Element> {
        let statement = Statement { span: self.span(left, right), kind: StatementKind::Expr(expr.node) };
        Deep { node: Element::BlockLike(statement), depth: expr.depth }
    }

    pub(super) fn assignment(
        &mut self,
        left: usize,
        right: usize,
        target: Deep<Expr>,
        (at, op): (usize, Option<BinaryOp>),
        value: Deep<Expr>,
    ) -> Deep<Element> {
        if !assignable(&target.node) {
            self.diagnostics.push(
                Diagnostic::error("E0011", target.node.span, "this expression cannot be assigned to")
                    .label("expected a variable such as `x`, or an element such as `x[0]`")
                    .related(self.span(at, at + 1), "the assignment")
                    .help("write `==` to compare, or `let` to name a value"),
            );
        }
        let depth = target.depth.max(value.depth);
        let kind = StatementKind::Assign { target: target.node, op, value: value.node };
        self.statement(left, right, depth, kind)
    }

    pub(super) fn for_loop(
        &mut self,
        left: usize,
        right: usize,
        variable: Ident,
        (from, inclusive, to): Bounds,
        body: Deep<Expr>,
    ) -> Deep<Element> {
        let depth = from.depth.max(to.depth).max(body.depth);
        let kind = StatementKind::For { variable, from: from.node, to: to.node, inclusive, body: body.node };
        self.statement(left, right, depth, kind)
    }

    pub(super) fn type_name(
        &self,
        left: usize,
        right: usize,
        name: Ident,
        args: Vec<Deep<Expr>>,
    ) -> Deep<Type> {
        let (args, depth) = flatten(args);
        self.ty(left, right, depth, TypeKind::Name { name, args })
    }

    pub(super) fn type_array(
        &self,
        left: usize,
        right: usize,
        element: Deep<Type>,
        length: Deep<Expr>,
    ) -> Deep<Type> {
        let kind = TypeKind::Array { element: Box::new(element.node), length: Box::new(length.node) };
        self.ty(left, right, element.depth.max(length.depth), kind)
    }

    pub(super) fn type_tuple(&self, left: usize, right: usize, members: Vec<Deep<Type>>) -> Deep<Type> {
        let (members, depth) = flatten(members);
        self.ty(left, right, depth, TypeKind::Tuple(members))
    }

    /// Types nest only in brackets, which are bounded; their expressions are checked where a type enters one.
    pub(super) fn ty(&self, left: usize, right: usize, below: u32, kind: TypeKind) -> Deep<Type> {
        Deep { node: Type { span: self.span(left, right), kind }, depth: below + 1 }
    }

    pub(super) fn broken_param(&self, at: usize) -> Param {
        let span = self.span(at, at + 1);
        let name = Ident { name: "_".to_owned(), span };
        Param { public: false, name, ty: Type { span, kind: TypeKind::Error }, range: None, span }
    }
}

fn flatten<T>(nodes: Vec<Deep<T>>) -> (Vec<T>, u32) {
    let below = nodes.iter().map(|n| n.depth).max().unwrap_or(0);
    (nodes.into_iter().map(|n| n.node).collect(), below)
}

/// Whether some branch of a block or `if` ends in a value; other expressions are values.
fn gives_value(expr: &Expr) -> bool {
    let mut open = vec![expr];
    while let Some(expr) = open.pop() {
        match &expr.kind {
            ExprKind::If { then, otherwise, .. } => {
                open.push(then);
                open.extend(otherwise.as_deref());
            }
            ExprKind::Block { value: None, .. } => {}
            ExprKind::Block { value: Some(_), .. }
            | ExprKind::Number { .. }
            | ExprKind::Bool(_)
            | ExprKind::Path(_)
            | ExprKind::Unary { .. }
            | ExprKind::Binary { .. }
            | ExprKind::Cast { .. }
            | ExprKind::Call { .. }
            | ExprKind::Index { .. }
            | ExprKind::Array(_)
            | ExprKind::Repeat { .. }
            | ExprKind::Comprehension { .. }
            | ExprKind::Tuple(_)
            | ExprKind::Error => return true,
        }
    }
    false
}

/// A path of one segment, or elements of one.
fn assignable(target: &Expr) -> bool {
    let mut target = target;
    while let ExprKind::Index { base, .. } = &target.kind {
        target = base;
    }
    if let ExprKind::Path(segments) = &target.kind {
        return segments.len() == 1;
    }
    matches!(target.kind, ExprKind::Error)
}
