//! Trees as compact text, without spans; and a walk over all nodes.

use num_traits::One;

use super::super::ast::*;
use crate::source::Span;

/// The whole tree, one line per item.
pub(super) fn module(module: &Module) -> String {
    match &module.body {
        Body::Expression(e) => expr(e),
        Body::Items(items) => items.iter().map(|i| item(i) + "\n").collect(),
    }
}

pub(super) fn item(item: &Item) -> String {
    let doc: String = item.doc.lines().map(|l| format!("/// {l}\n")).collect();
    let text = match &item.kind {
        ItemKind::Use(UsePath::Library(path)) => format!("(use {})", names(path, "::")),
        ItemKind::Use(UsePath::File { path, .. }) => format!("(use {path:?})"),
        ItemKind::Const { name, ty: t, value } => format!("(const {} {} {})", name.name, ty(t), expr(value)),
        ItemKind::Type { name, ty: t } => format!("(type {} {})", name.name, ty(t)),
        ItemKind::Fn(f) => function(f),
        ItemKind::Error => "(error)".to_owned(),
    };
    doc + &text
}

fn function(f: &Function) -> String {
    let generics: String = f
        .generics
        .iter()
        .map(|g| match g {
            Generic::Type { name, bound: Some(bound) } => format!(" <{}: {}>", name.name, bound.name),
            Generic::Type { name, bound: None } => format!(" <{}>", name.name),
            Generic::Const { name, ty: t } => format!(" <const {}: {}>", name.name, ty(t)),
        })
        .collect();
    let params: String = f.params.iter().map(|p| format!(" {}", param(p))).collect();
    let names = f.result.names.as_ref().map(|n| format!("[{}] ", names(n, " "))).unwrap_or_default();
    format!(
        "(fn {}{generics} (params{params}) -> {names}{} {})",
        f.name.name,
        ty(&f.result.ty),
        expr(&f.body)
    )
}

fn param(p: &Param) -> String {
    let public = if p.public { "public " } else { "" };
    let range =
        p.range.as_ref().map(|(lo, hi)| format!(" in [{} {}]", expr(lo), expr(hi))).unwrap_or_default();
    format!("({public}{}: {}{range})", p.name.name, ty(&p.ty))
}

fn names(path: &[Ident], separator: &str) -> String {
    path.iter().map(|i| i.name.as_str()).collect::<Vec<_>>().join(separator)
}

fn all(exprs: &[Expr]) -> String {
    exprs.iter().map(|e| format!(" {}", expr(e))).collect()
}

pub(super) fn ty(t: &Type) -> String {
    match &t.kind {
        TypeKind::Name { name, args } if args.is_empty() => name.name.clone(),
        TypeKind::Name { name, args } => format!("{}<{}>", name.name, all(args).trim_start()),
        TypeKind::Array { element, length } => format!("[{}; {}]", ty(element), expr(length)),
        TypeKind::Tuple(members) => {
            format!("(tuple{})", members.iter().map(|m| format!(" {}", ty(m))).collect::<String>())
        }
        TypeKind::Error => "ERROR".to_owned(),
    }
}

pub(super) fn op(op: BinaryOp) -> &'static str {
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

pub(super) fn expr(e: &Expr) -> String {
    match &e.kind {
        ExprKind::Number { value, form } => {
            let suffix = match form {
                LiteralForm::Integer => "",
                LiteralForm::Decimal => "d",
                LiteralForm::HexFloat => "h",
            };
            if value.denom().is_one() {
                format!("{}{suffix}", value.numer())
            } else {
                format!("{value}{suffix}")
            }
        }
        ExprKind::Bool(b) => b.to_string(),
        ExprKind::Path(path) => names(path, "::"),
        ExprKind::Unary { op: UnaryOp::Neg, operand } => format!("(neg {})", expr(operand)),
        ExprKind::Unary { op: UnaryOp::Not, operand } => format!("(not {})", expr(operand)),
        ExprKind::Binary { op: o, left, right, .. } => format!("({} {} {})", op(*o), expr(left), expr(right)),
        ExprKind::Cast { operand, ty: t } => format!("(as {} {})", expr(operand), ty(t)),
        ExprKind::If { condition, then, otherwise } => {
            let otherwise = otherwise.as_ref().map(|e| format!(" {}", expr(e))).unwrap_or_default();
            format!("(if {} {}{otherwise})", expr(condition), expr(then))
        }
        ExprKind::Block { statements, value } => {
            let inner: String = statements.iter().map(|s| format!("{}; ", statement(s))).collect();
            format!("{{{inner}{}}}", value.as_ref().map(|v| expr(v)).unwrap_or_default())
        }
        ExprKind::Call { function, args, attributes } => {
            let attributes: String = attributes.iter().map(|a| attribute(a) + " ").collect();
            format!("({attributes}call {}{})", function.name, all(args))
        }
        ExprKind::Index { base, index } => format!("(index {} {})", expr(base), expr(index)),
        ExprKind::Array(items) => format!("(array{})", all(items)),
        ExprKind::Repeat { value, length } => format!("(repeat {} {})", expr(value), expr(length)),
        ExprKind::Comprehension { value, variable, from, to, inclusive } => {
            let dots = if *inclusive { "..=" } else { ".." };
            format!("(each {} {} {}{dots}{})", expr(value), variable.name, expr(from), expr(to))
        }
        ExprKind::Tuple(items) => format!("(tuple{})", all(items)),
        ExprKind::Error => "ERROR".to_owned(),
    }
}

fn attribute(a: &Attribute) -> String {
    let args: String = a
        .args
        .iter()
        .map(|(name, value)| match value {
            Some(value) => format!(" {}={}", name.name, expr(value)),
            None => format!(" {}", name.name),
        })
        .collect();
    format!("#[{}{args}]", a.name.name)
}

fn statement(s: &Statement) -> String {
    match &s.kind {
        StatementKind::Let { mutable, pattern: p, ty: t, value } => {
            let mutable = if *mutable { "mut " } else { "" };
            let t = t.as_ref().map(|t| format!(": {}", ty(t))).unwrap_or_default();
            format!("let {mutable}{}{t} = {}", pattern(p), expr(value))
        }
        StatementKind::Assign { target, op: o, value } => {
            format!("{} {}= {}", expr(target), o.map(op).unwrap_or_default(), expr(value))
        }
        StatementKind::For { variable, from, to, inclusive, body } => {
            let dots = if *inclusive { "..=" } else { ".." };
            format!("for {} {}{dots}{} {}", variable.name, expr(from), expr(to), expr(body))
        }
        StatementKind::Expr(e) => expr(e),
    }
}

fn pattern(p: &Pattern) -> String {
    match p {
        Pattern::Name(name) => name.name.clone(),
        Pattern::Tuple(members, _) => {
            format!("({})", members.iter().map(pattern).collect::<Vec<_>>().join(" "))
        }
        Pattern::Ignore(_) => "_".to_owned(),
    }
}

/// A node with its place.
pub(super) enum Node<'a> {
    Item(&'a Item),
    Expr(&'a Expr),
    Type(&'a Type),
    Ident(&'a Ident),
    Operator(BinaryOp, Span),
    Other(Span),
}

/// All nodes of a tree.
pub(super) fn nodes(module: &Module) -> Vec<Node<'_>> {
    let mut found = Vec::new();
    match &module.body {
        Body::Expression(e) => walk(e, &mut found),
        Body::Items(items) => items.iter().for_each(|i| walk_item(i, &mut found)),
    }
    found
}

fn walk_item<'a>(item: &'a Item, found: &mut Vec<Node<'a>>) {
    found.push(Node::Item(item));
    match &item.kind {
        ItemKind::Use(UsePath::Library(path)) => found.extend(path.iter().map(Node::Ident)),
        ItemKind::Use(UsePath::File { span, .. }) => found.push(Node::Other(*span)),
        ItemKind::Const { name, ty, value } => {
            found.push(Node::Ident(name));
            walk_type(ty, found);
            walk(value, found);
        }
        ItemKind::Type { name, ty } => {
            found.push(Node::Ident(name));
            walk_type(ty, found);
        }
        ItemKind::Fn(f) => {
            found.push(Node::Ident(&f.name));
            for param in &f.params {
                found.push(Node::Other(param.span));
                walk_type(&param.ty, found);
                if let Some((lo, hi)) = &param.range {
                    walk(lo, found);
                    walk(hi, found);
                }
            }
            if f.result.ty.span.start < f.result.ty.span.end && f.result.names.is_none() {
                walk_type(&f.result.ty, found);
            }
            walk(&f.body, found);
        }
        ItemKind::Error => {}
    }
}

fn walk_type<'a>(t: &'a Type, found: &mut Vec<Node<'a>>) {
    found.push(Node::Type(t));
    match &t.kind {
        TypeKind::Name { name, args } => {
            found.push(Node::Ident(name));
            args.iter().for_each(|a| walk(a, found));
        }
        TypeKind::Array { element, length } => {
            walk_type(element, found);
            walk(length, found);
        }
        TypeKind::Tuple(members) => members.iter().for_each(|m| walk_type(m, found)),
        TypeKind::Error => {}
    }
}

fn walk<'a>(e: &'a Expr, found: &mut Vec<Node<'a>>) {
    found.push(Node::Expr(e));
    match &e.kind {
        ExprKind::Number { .. } | ExprKind::Bool(_) | ExprKind::Error => {}
        ExprKind::Path(path) => found.extend(path.iter().map(Node::Ident)),
        ExprKind::Unary { operand, .. } => walk(operand, found),
        ExprKind::Binary { op, op_span, left, right } => {
            walk(left, found);
            found.push(Node::Operator(*op, *op_span));
            walk(right, found);
        }
        ExprKind::Cast { operand, ty } => {
            walk(operand, found);
            walk_type(ty, found);
        }
        ExprKind::If { condition, then, otherwise } => {
            walk(condition, found);
            walk(then, found);
            otherwise.iter().for_each(|e| walk(e, found));
        }
        ExprKind::Block { statements, value } => {
            statements.iter().for_each(|s| walk_statement(s, found));
            value.iter().for_each(|e| walk(e, found));
        }
        ExprKind::Call { function, args, attributes } => {
            for attribute in attributes {
                found.push(Node::Other(attribute.span));
                found.push(Node::Ident(&attribute.name));
                for (name, value) in &attribute.args {
                    found.push(Node::Ident(name));
                    value.iter().for_each(|v| walk(v, found));
                }
            }
            found.push(Node::Ident(function));
            args.iter().for_each(|a| walk(a, found));
        }
        ExprKind::Index { base, index } => {
            walk(base, found);
            walk(index, found);
        }
        ExprKind::Array(items) | ExprKind::Tuple(items) => items.iter().for_each(|i| walk(i, found)),
        ExprKind::Repeat { value, length } => {
            walk(value, found);
            walk(length, found);
        }
        ExprKind::Comprehension { value, variable, from, to, .. } => {
            walk(value, found);
            found.push(Node::Ident(variable));
            walk(from, found);
            walk(to, found);
        }
    }
}

fn walk_statement<'a>(s: &'a Statement, found: &mut Vec<Node<'a>>) {
    found.push(Node::Other(s.span));
    match &s.kind {
        StatementKind::Let { pattern, ty, value, .. } => {
            walk_pattern(pattern, found);
            ty.iter().for_each(|t| walk_type(t, found));
            walk(value, found);
        }
        StatementKind::Assign { target, value, .. } => {
            walk(target, found);
            walk(value, found);
        }
        StatementKind::For { variable, from, to, body, .. } => {
            found.push(Node::Ident(variable));
            walk(from, found);
            walk(to, found);
            walk(body, found);
        }
        StatementKind::Expr(e) => walk(e, found),
    }
}

fn walk_pattern<'a>(p: &'a Pattern, found: &mut Vec<Node<'a>>) {
    match p {
        Pattern::Name(name) => found.push(Node::Ident(name)),
        Pattern::Tuple(members, span) => {
            found.push(Node::Other(*span));
            members.iter().for_each(|m| walk_pattern(m, found));
        }
        Pattern::Ignore(span) => found.push(Node::Other(*span)),
    }
}
