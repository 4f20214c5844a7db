//! Files and names: loads the program, the files it uses and the standard library, and says what a name means where.
//!
//! A name is looked up among the generics and locals of a function, then the file's own items, then the items of the
//! files it uses, then the standard library, then the builtins. Own items shadow the others.

use std::collections::{BTreeMap, BTreeSet};

use super::report::{Reports, similar};
use super::tree::Builtin;
use crate::diag::Diagnostic;
use crate::source::{Loader, SourceFile, Sources, Span};
use crate::syntax::ast::{
    Body, Expr, ExprKind, Function, Ident, Item, ItemKind, Module, Statement, StatementKind, Type, UsePath,
};

/// The standard library: module name and text. Every program sees all of it.
pub(crate) const LIBRARY: &[(&str, &str)] = &[
    ("number", include_str!("../../../stdlib/number.ffl")),
    ("polynomial", include_str!("../../../stdlib/polynomial.ffl")),
    ("math", include_str!("../../../stdlib/math.ffl")),
    ("trigonometry", include_str!("../../../stdlib/trigonometry.ffl")),
    ("hyperbolic", include_str!("../../../stdlib/hyperbolic.ffl")),
    ("ml", include_str!("../../../stdlib/ml.ffl")),
];

/// Most files of one program.
const MAX_FILES: usize = 1_000;

/// Index of an item in [`Names::items`].
pub(crate) type ItemId = usize;

/// An item that has a name.
pub(crate) struct Named<'a> {
    pub name: &'a Ident,
    pub doc: &'a str,
    pub file: u32,
    pub what: What<'a>,
    /// Part of a call cycle; never instantiated.
    pub recursive: bool,
}

/// What a named item is.
#[derive(Clone, Copy)]
pub(crate) enum What<'a> {
    Fn(&'a Function),
    Const { ty: &'a Type, value: &'a Expr },
    Type(&'a Type),
}

/// All items and who sees which.
pub(crate) struct Names<'a> {
    pub items: Vec<Named<'a>>,
    scopes: BTreeMap<u32, BTreeMap<&'a str, ItemId>>,
    prelude: BTreeMap<&'a str, ItemId>,
    /// Files of the standard library have this number and above.
    pub library_from: u32,
}

/// The parsed files of one program.
pub(crate) struct Files {
    /// The program, then what it uses, then the standard library.
    pub modules: Vec<Module>,
    /// What each `use "path"` of a file refers to.
    uses: Vec<(u32, Span, u32)>,
    /// First file of the standard library.
    pub library_from: u32,
}

/// Parses the program and everything it uses.
pub(crate) fn load(sources: &mut Sources, loader: &mut dyn Loader, errors: &mut Vec<Diagnostic>) -> Files {
    let mut files = Files { modules: Vec::new(), uses: Vec::new(), library_from: 0 };
    let mut reports = Reports::default();
    let mut next = 0;
    while next < sources.files.len() {
        let file = u32::try_from(next).expect("bounded by MAX_FILES");
        parse(sources, file, &mut files, errors);
        let Some(module) = files.modules.last() else { break };
        for (path, span) in used_paths(module) {
            if let Some(target) = load_used(sources, loader, file, &path, span, &mut reports) {
                files.uses.push((file, span, target));
            }
        }
        next += 1;
    }
    files.library_from = u32::try_from(next).expect("bounded by MAX_FILES");
    for (name, text) in LIBRARY {
        let file = sources.add(format!("std/{name}.ffl"), *text);
        parse(sources, file, &mut files, errors);
    }
    errors.extend(reports.into_list());
    files
}

fn parse(sources: &Sources, file: u32, files: &mut Files, errors: &mut Vec<Diagnostic>) {
    let (module, found) = crate::syntax::parse(file, &sources.files[file as usize].text);
    errors.extend(found);
    files.modules.push(module);
}

fn used_paths(module: &Module) -> Vec<(String, Span)> {
    let Body::Items(items) = &module.body else { return Vec::new() };
    items
        .iter()
        .filter_map(|item| match &item.kind {
            ItemKind::Use(UsePath::File { path, span }) => Some((path.clone(), *span)),
            ItemKind::Use(UsePath::Library(_))
            | ItemKind::Const { .. }
            | ItemKind::Type { .. }
            | ItemKind::Fn(_)
            | ItemKind::Error => None,
        })
        .collect()
}

fn load_used(
    sources: &mut Sources,
    loader: &mut dyn Loader,
    from: u32,
    path: &str,
    span: Span,
    reports: &mut Reports,
) -> Option<u32> {
    let from = sources.files[from as usize].path.clone();
    let SourceFile { path, text } = match loader.load(&from, path) {
        Ok(file) => file,
        Err(reason) => {
            reports.error(
                "E0106",
                span,
                format!("cannot use \"{path}\": {reason}"),
                "not read",
                "give the path of a `.ffl` file relative to this one",
            );
            return None;
        }
    };
    if let Some(known) = sources.files.iter().position(|file| file.path == path) {
        return u32::try_from(known).ok();
    }
    if sources.files.len() >= MAX_FILES {
        reports.error(
            "E0106",
            span,
            format!("more than {MAX_FILES} files are used"),
            "this one is too many",
            "use fewer files",
        );
        return None;
    }
    Some(sources.add(path, text))
}

impl<'a> Names<'a> {
    /// Collects the items of all files; duplicates, unknown modules and call cycles are reported.
    pub(crate) fn collect(files: &'a Files, reports: &mut Reports) -> Names<'a> {
        let mut names = Names {
            items: Vec::new(),
            scopes: BTreeMap::new(),
            prelude: BTreeMap::new(),
            library_from: files.library_from,
        };
        for module in &files.modules {
            names.declare(module, reports);
        }
        for (from, span, target) in &files.uses {
            names.import(*from, *span, *target, reports);
        }
        names.find_cycles(reports);
        names
    }

    fn declare(&mut self, module: &'a Module, reports: &mut Reports) {
        let mut scope: BTreeMap<&'a str, ItemId> = BTreeMap::new();
        let Body::Items(items) = &module.body else {
            self.scopes.insert(module.file, scope);
            return;
        };
        for item in items {
            let Some((name, what)) = named(item) else {
                if let ItemKind::Use(UsePath::Library(path)) = &item.kind {
                    check_library_path(path, reports);
                }
                continue;
            };
            if let Some(&other) = scope.get(name.name.as_str()) {
                reports
                    .error(
                        "E0104",
                        name.span,
                        format!("`{}` is declared twice", name.name),
                        "declared again here",
                        "rename one of them",
                    )
                    .related
                    .push((self.items[other].name.span, "first declared here".to_owned()));
                continue;
            }
            scope.insert(&name.name, self.items.len());
            if module.file >= self.library_from {
                self.prelude.insert(&name.name, self.items.len());
            }
            self.items.push(Named { name, doc: &item.doc, file: module.file, what, recursive: false });
        }
        self.scopes.insert(module.file, scope);
    }

    fn import(&mut self, from: u32, span: Span, target: u32, reports: &mut Reports) {
        if from == target {
            return;
        }
        let imported: Vec<(&'a str, ItemId)> = self.scopes[&target]
            .iter()
            .map(|(name, id)| (*name, *id))
            .filter(|(name, id)| *name != "main" && self.items[*id].file == target)
            .collect();
        for (name, id) in imported {
            let scope = self.scopes.entry(from).or_default();
            match scope.get(name) {
                Some(&known) if self.items[known].file == from || known == id => {}
                Some(&known) => {
                    reports
                        .error(
                            "E0104",
                            span,
                            format!("`{name}` comes from two files that are used here"),
                            format!("brings in another `{name}`"),
                            "rename one of them",
                        )
                        .related
                        .push((self.items[known].name.span, "the other one".to_owned()));
                }
                None => {
                    scope.insert(name, id);
                }
            }
        }
    }

    /// The item that `name` means in `file`.
    pub(crate) fn lookup(&self, file: u32, name: &str) -> Option<ItemId> {
        self.scopes.get(&file).and_then(|scope| scope.get(name)).or_else(|| self.prelude.get(name)).copied()
    }

    /// The own items of a file, in order.
    pub(crate) fn own(&self, file: u32) -> impl Iterator<Item = ItemId> + '_ {
        (0..self.items.len()).filter(move |&id| self.items[id].file == file)
    }

    /// Names that can be called in `file`, for suggestions.
    pub(crate) fn callable(&self, file: u32) -> Vec<&str> {
        let builtins = Builtin::ALL.iter().map(|(name, ..)| *name);
        self.visible(file, |what| matches!(what, What::Fn(_))).into_iter().chain(builtins).collect()
    }

    /// Names of visible items that pass a test, for suggestions.
    pub(crate) fn visible(&self, file: u32, test: impl Fn(&What<'a>) -> bool) -> Vec<&str> {
        let own = self.scopes.get(&file).into_iter().flatten();
        own.chain(&self.prelude)
            .filter(|(_, id)| test(&self.items[**id].what))
            .map(|(name, _)| *name)
            .collect()
    }

    /// Marks the functions on call cycles and reports each cycle at the call that closes it.
    fn find_cycles(&mut self, reports: &mut Reports) {
        let calls: Vec<Vec<(ItemId, Span)>> = (0..self.items.len()).map(|id| self.calls_of(id)).collect();
        let mut state = vec![Mark::New; self.items.len()];
        for root in 0..self.items.len() {
            if state[root] != Mark::New {
                continue;
            }
            state[root] = Mark::Open;
            let mut path: Vec<(ItemId, usize)> = vec![(root, 0)];
            while let Some((id, next)) = path.last_mut() {
                let id = *id;
                let Some(&(callee, span)) = calls[id].get(*next) else {
                    state[id] = Mark::Done;
                    path.pop();
                    continue;
                };
                *next += 1;
                match state[callee] {
                    Mark::New => {
                        state[callee] = Mark::Open;
                        path.push((callee, 0));
                    }
                    Mark::Open => self.report_cycle(&path, callee, span, reports),
                    Mark::Done => {}
                }
            }
        }
    }

    fn report_cycle(&mut self, path: &[(ItemId, usize)], callee: ItemId, span: Span, reports: &mut Reports) {
        let start = path.iter().position(|(id, _)| *id == callee).unwrap_or(0);
        let cycle: Vec<ItemId> = path[start..].iter().map(|(id, _)| *id).collect();
        let mut chain: Vec<&str> = cycle.iter().map(|id| self.items[*id].name.name.as_str()).collect();
        chain.push(&self.items[callee].name.name);
        let (what, help) = match self.items[callee].what {
            What::Fn(_) => {
                ("recursion", "write a loop: `for i in 0..n { .. }` is unrolled when the program is compiled")
            }
            What::Const { .. } | What::Type(_) => ("a definition in terms of itself", "break the cycle"),
        };
        let message = format!(
            "{what}: {}",
            chain.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" -> ")
        );
        let declared = self.items[callee].name.span;
        let diagnostic = reports.error("E0105", span, message, "this closes the cycle", help);
        diagnostic.related.push((declared, "the cycle starts here".to_owned()));
        for id in cycle {
            self.items[id].recursive = true;
        }
    }

    /// The items that an item refers to, with the places.
    fn calls_of(&self, id: ItemId) -> Vec<(ItemId, Span)> {
        let mut found = Vec::new();
        let item = &self.items[id];
        match item.what {
            What::Fn(function) => {
                let mut bound: BTreeSet<&str> =
                    function.params.iter().map(|param| param.name.name.as_str()).collect();
                walk(&function.body, &mut bound, &mut |mention| self.mention(item.file, mention, &mut found));
            }
            What::Const { value, .. } => {
                let mut bound = BTreeSet::new();
                walk(value, &mut bound, &mut |mention| self.mention(item.file, mention, &mut found));
            }
            What::Type(ty) => {
                walk_type(ty, &mut |mention| self.mention(item.file, mention, &mut found));
            }
        }
        found
    }

    fn mention(&self, file: u32, mention: Mention<'_>, found: &mut Vec<(ItemId, Span)>) {
        let (name, span) = match mention {
            Mention::Call(name, span)
            | Mention::Free(name, span)
            | Mention::Type(name, span)
            | Mention::InType(name, span) => (name, span),
        };
        found.extend(self.lookup(file, name).map(|id| (id, span)));
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mark {
    New,
    Open,
    Done,
}

fn named(item: &Item) -> Option<(&Ident, What<'_>)> {
    match &item.kind {
        ItemKind::Fn(function) => Some((&function.name, What::Fn(function))),
        ItemKind::Const { name, ty, value } => Some((name, What::Const { ty, value })),
        ItemKind::Type { name, ty } => Some((name, What::Type(ty))),
        ItemKind::Use(_) | ItemKind::Error => None,
    }
}

/// `use std::module;` or `use std::module::name;`
fn check_library_path(path: &[Ident], reports: &mut Reports) {
    let modules: Vec<&str> = LIBRARY.iter().map(|(name, _)| *name).collect();
    let (Some(first), module) = (path.first(), path.get(1)) else { return };
    if first.name != "std" {
        reports.error(
            "E0107",
            first.span,
            format!("there is no library `{}`", first.name),
            "expected `std`",
            "write `use std::ml;`, or `use \"file.ffl\";` for a file of your own",
        );
    } else if let Some(module) = module
        && !modules.contains(&module.name.as_str())
    {
        let help =
            similar(&module.name, &modules).unwrap_or_else(|| format!("there are {}", modules.join(", ")));
        reports.error(
            "E0107",
            module.span,
            format!("there is no module `std::{}`", module.name),
            "not in the standard library",
            help,
        );
    }
}

/// A name that an expression mentions without having bound it.
pub(crate) enum Mention<'a> {
    /// A called function, with the span of the call.
    Call(&'a str, Span),
    /// A variable that no `let` or loop of the expression binds.
    Free(&'a str, Span),
    /// A type.
    Type(&'a str, Span),
    /// A number or an option in a type.
    InType(&'a str, Span),
}

/// Visits the free names of an expression in order of appearance. `bound` holds the variables in scope.
pub(crate) fn walk<'a>(expr: &'a Expr, bound: &mut BTreeSet<&'a str>, visit: &mut dyn FnMut(Mention<'a>)) {
    match &expr.kind {
        ExprKind::Number { .. } | ExprKind::Bool(_) | ExprKind::Error => {}
        ExprKind::Path(path) => {
            if let [name] = path.as_slice()
                && !bound.contains(name.name.as_str())
            {
                visit(Mention::Free(&name.name, name.span));
            }
        }
        ExprKind::Unary { operand, .. } => walk(operand, bound, visit),
        ExprKind::Cast { operand, ty } => {
            walk(operand, bound, visit);
            walk_type(ty, visit);
        }
        ExprKind::Binary { left, right, .. } => {
            walk(left, bound, visit);
            walk(right, bound, visit);
        }
        ExprKind::If { condition, then, otherwise } => {
            walk(condition, bound, visit);
            walk(then, bound, visit);
            if let Some(otherwise) = otherwise {
                walk(otherwise, bound, visit);
            }
        }
        ExprKind::Block { statements, value } => {
            let mut added = Vec::new();
            for statement in statements {
                walk_statement(statement, bound, &mut added, visit);
            }
            if let Some(value) = value {
                walk(value, bound, visit);
            }
            for name in added {
                bound.remove(name);
            }
        }
        ExprKind::Call { function, args, attributes } => {
            visit(Mention::Call(&function.name, expr.span));
            for arg in args {
                walk(arg, bound, visit);
            }
            for value in attributes
                .iter()
                .flat_map(|attribute| &attribute.args)
                .filter_map(|(_, value)| value.as_ref())
            {
                walk(value, bound, visit);
            }
        }
        ExprKind::Index { base, index } => {
            walk(base, bound, visit);
            walk(index, bound, visit);
        }
        ExprKind::Array(items) | ExprKind::Tuple(items) => {
            for item in items {
                walk(item, bound, visit);
            }
        }
        ExprKind::Repeat { value, length } => {
            walk(value, bound, visit);
            walk(length, bound, visit);
        }
        ExprKind::Comprehension { value, variable, from, to, .. } => {
            walk_with(variable, value, bound, visit);
            walk(from, bound, visit);
            walk(to, bound, visit);
        }
    }
}

fn walk_statement<'a>(
    statement: &'a Statement,
    bound: &mut BTreeSet<&'a str>,
    added: &mut Vec<&'a str>,
    visit: &mut dyn FnMut(Mention<'a>),
) {
    match &statement.kind {
        StatementKind::Let { pattern, ty, value, .. } => {
            walk(value, bound, visit);
            if let Some(ty) = ty {
                walk_type(ty, visit);
            }
            bind(pattern, bound, added);
        }
        StatementKind::Assign { target, value, .. } => {
            walk(target, bound, visit);
            walk(value, bound, visit);
        }
        StatementKind::For { variable, from, to, body, .. } => {
            walk(from, bound, visit);
            walk(to, bound, visit);
            walk_with(variable, body, bound, visit);
        }
        StatementKind::Expr(expr) => walk(expr, bound, visit),
    }
}

/// Walks an expression in which one more variable is in scope.
fn walk_with<'a>(
    variable: &'a Ident,
    expr: &'a Expr,
    bound: &mut BTreeSet<&'a str>,
    visit: &mut dyn FnMut(Mention<'a>),
) {
    let new = bound.insert(&variable.name);
    walk(expr, bound, visit);
    if new {
        bound.remove(variable.name.as_str());
    }
}

/// Brings the names of a pattern into scope; `added` takes those that were not.
fn bind<'a>(
    pattern: &'a crate::syntax::ast::Pattern,
    bound: &mut BTreeSet<&'a str>,
    added: &mut Vec<&'a str>,
) {
    use crate::syntax::ast::Pattern;
    match pattern {
        Pattern::Name(name) => {
            if bound.insert(&name.name) {
                added.push(&name.name);
            }
        }
        Pattern::Tuple(members, _) => members.iter().for_each(|member| bind(member, bound, added)),
        Pattern::Ignore(_) => {}
    }
}

fn walk_type<'a>(ty: &'a Type, visit: &mut dyn FnMut(Mention<'a>)) {
    use crate::syntax::ast::TypeKind;
    match &ty.kind {
        TypeKind::Name { name, args } => {
            visit(Mention::Type(&name.name, ty.span));
            for arg in args {
                walk_in_type(arg, visit);
            }
        }
        TypeKind::Array { element, length } => {
            walk_type(element, visit);
            walk_in_type(length, visit);
        }
        TypeKind::Tuple(members) => members.iter().for_each(|member| walk_type(member, visit)),
        TypeKind::Error => {}
    }
}

fn walk_in_type<'a>(expr: &'a Expr, visit: &mut dyn FnMut(Mention<'a>)) {
    walk(expr, &mut BTreeSet::new(), &mut |mention| {
        visit(match mention {
            Mention::Free(name, span) => Mention::InType(name, span),
            other @ (Mention::Call(..) | Mention::Type(..) | Mention::InType(..)) => other,
        });
    });
}
