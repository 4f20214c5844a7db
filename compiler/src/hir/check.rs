//! Type checking, one function instance at a time.
//!
//! Comes in: the names of a program. Goes out: [`Checked`], whose trees hold no type variable. A generic function is
//! checked once for each list of generic arguments it is used with, every other function once. The work list keeps
//! native recursion independent of the length of call chains.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::rc::Rc;

use num_traits::ToPrimitive as _;

use super::exact::{self, Exact, ExactError, to_i64};
use super::report::{Reports, similar};
use super::scope::{ItemId, Mention, Names, What};
use super::tree::{Argument, Builtin, Kind, LocalId, Node};
use super::types::{Len, Need, Ty, Unifier, elements, nodes};
use crate::gadgets::format::{EXPONENT_BITS, Family, MAX_INTEGER_BITS, PRECISION, Real, Rounding, Scalar};
use crate::hir::{Approximation, Grade, Limits, Options};
use crate::source::Span;
use crate::syntax::ast::{self, Expr, ExprKind, Function, Generic, Ident, TypeKind};

/// Most type nodes of one type: tuples of tuples grow exponentially.
const MAX_TYPE_NODES: usize = 4_096;
/// How deep expressions may nest when the checker walks them.
pub(crate) const MAX_NESTING: u32 = 2_000;

/// A parameter of an instance.
pub(crate) struct Param {
    pub name: String,
    pub local: LocalId,
    pub ty: Ty,
    pub public: bool,
    pub span: Span,
    pub range: Option<(Node, Node)>,
}

/// A checked function or constant.
pub(crate) struct Instance {
    pub name: String,
    /// The name where it is declared.
    pub span: Span,
    pub params: Vec<Param>,
    pub locals: usize,
    pub body: Node,
    /// `METHOD` and `DEGREE`, if it has these.
    pub evaluation: Option<(i64, i64)>,
}

/// A checked program.
pub(crate) struct Checked {
    pub instances: Vec<Option<Instance>>,
    /// Instances of `const` items.
    pub constants: BTreeMap<ItemId, usize>,
    /// The entry.
    pub main: Option<usize>,
}

/// Where an instance is used: the call, and the name of the function.
type Use = Option<(Span, String)>;

struct Work {
    index: usize,
    item: ItemId,
    generics: Vec<(String, Argument)>,
    used: Use,
}

/// Checks all instances of a program.
pub(crate) struct Checker<'a> {
    pub names: &'a Names<'a>,
    pub reports: &'a mut Reports,
    pub limits: &'a Limits,
    /// The type of literals that nothing else gives a type.
    pub default: Scalar,
    /// How analytic functions are approximated where no attribute says it.
    pub approx: Approximation,
    /// The grade of analytic functions where no attribute says it.
    pub grade: Grade,
    instances: Vec<Option<Instance>>,
    known: HashMap<(ItemId, Vec<Argument>), usize>,
    constants: BTreeMap<ItemId, usize>,
    /// Values of `const` items that are compile-time integers for the checker, and types of `type` items.
    const_values: BTreeMap<ItemId, Option<Exact>>,
    alias_types: BTreeMap<ItemId, Ty>,
    queue: VecDeque<Work>,
    /// Functions that are used, with each list of generic arguments.
    used: u64,
}

impl<'a> Checker<'a> {
    /// A checker that has checked nothing.
    pub(crate) fn new(names: &'a Names<'a>, reports: &'a mut Reports, options: &'a Options) -> Checker<'a> {
        Checker {
            names,
            reports,
            limits: &options.limits,
            default: options.float,
            approx: options.approx,
            grade: options.grade,
            instances: Vec::new(),
            known: HashMap::new(),
            constants: BTreeMap::new(),
            const_values: BTreeMap::new(),
            alias_types: BTreeMap::new(),
            queue: VecDeque::new(),
            used: 0,
        }
    }

    /// Checks the own functions and constants of `files` and whatever they use, `main` first.
    pub(crate) fn program(mut self, files: &[u32], main: Option<ItemId>) -> Checked {
        let main = main.map(|item| self.instance(item, Vec::new(), None));
        self.drain();
        for &file in files {
            let own: Vec<ItemId> = self.names.own(file).collect();
            for item in own {
                self.item(item);
                self.drain();
            }
        }
        Checked { instances: self.instances, constants: self.constants, main }
    }

    /// Checks a file that is one expression, with `inputs` of the default type.
    pub(crate) fn expression(mut self, file: u32, expr: &'a Expr, inputs: &[(String, Span)]) -> Checked {
        self.instances.push(None);
        let instance = Body::new(&mut self, file, Vec::new(), None).expression(expr, inputs);
        self.instances[0] = Some(instance);
        self.drain();
        Checked { instances: self.instances, constants: self.constants, main: Some(0) }
    }

    fn item(&mut self, item: ItemId) {
        match self.names.items[item].what {
            What::Fn(function) if function.generics.is_empty() => {
                self.instance(item, Vec::new(), None);
            }
            What::Fn(function) => self.generic_names(item, function),
            What::Const { .. } => {
                self.constant(item);
            }
            What::Type(ty) => {
                let file = self.names.items[item].file;
                let mut body = Body::new(self, file, Vec::new(), None);
                let env = body.env.clone();
                body.ty(ty, &env);
            }
        }
    }

    /// A generic function is checked where it is used; its names are looked up even if it is not.
    fn generic_names(&mut self, item: ItemId, function: &'a Function) {
        let file = self.names.items[item].file;
        let generics = function.generics.iter().map(|generic| match generic {
            Generic::Type { name, .. } | Generic::Const { name, .. } => name.name.as_str(),
        });
        let mut bound: BTreeSet<&str> = generics.collect();
        bound.extend(function.params.iter().map(|param| param.name.name.as_str()));
        let mut unknown = Vec::new();
        super::scope::walk(&function.body, &mut bound, &mut |mention| unknown.push(mention));
        for mention in unknown {
            match mention {
                Mention::Free(name, span) if self.names.lookup(file, name).is_none() => {
                    self.reports.error(
                        "E0101",
                        span,
                        format!("there is no `{name}` here"),
                        "unknown name",
                        "declare it with `let`, or make it a parameter",
                    );
                }
                Mention::Call(name, span)
                    if self.names.lookup(file, name).is_none() && Builtin::named(name).is_none() =>
                {
                    let help = self.suggest_function(name, file);
                    self.reports.error(
                        "E0102",
                        span,
                        format!("there is no function `{name}`"),
                        "unknown function",
                        help,
                    );
                }
                Mention::Free(..) | Mention::Call(..) | Mention::Type(..) | Mention::InType(..) => {}
            }
        }
    }

    /// What to do about a function that does not exist.
    pub(crate) fn suggest_function(&self, name: &str, file: u32) -> String {
        if let Some(help) = crate::syntax::foreign_word(name) {
            return help.to_owned();
        }
        let known = if self.reports.suggests() { self.names.callable(file) } else { Vec::new() };
        similar(name, &known).unwrap_or_else(|| format!("declare it: `fn {name}(..) -> .. {{ .. }}`"))
    }

    /// The instance of a function for some generic arguments.
    pub(crate) fn instance(&mut self, item: ItemId, generics: Vec<(String, Argument)>, used: Use) -> usize {
        let key = (item, generics.iter().map(|(_, argument)| argument.clone()).collect());
        if let Some(&index) = self.known.get(&key) {
            return index;
        }
        if let Some((span, _)) = &used {
            self.used += 1;
            if self.used == self.limits.instances.saturating_add(1) {
                self.reports.error(
                    "E0305",
                    *span,
                    format!("more than {} instances of functions", self.limits.instances),
                    "this use is too many",
                    "use fewer different types and lengths, or raise `--limit instances=N`",
                );
            }
            if self.used > self.limits.instances {
                return usize::MAX;
            }
        }
        let index = self.instances.len();
        self.instances.push(None);
        self.known.insert(key, index);
        self.queue.push_back(Work { index, item, generics, used });
        index
    }

    /// The instance of a constant.
    pub(crate) fn constant(&mut self, item: ItemId) -> usize {
        if let Some(&index) = self.constants.get(&item) {
            return index;
        }
        let index = self.instances.len();
        self.instances.push(None);
        self.constants.insert(item, index);
        self.queue.push_back(Work { index, item, generics: Vec::new(), used: None });
        index
    }

    fn drain(&mut self) {
        while let Some(work) = self.queue.pop_front() {
            let named = &self.names.items[work.item];
            let used = if work.generics.is_empty() { None } else { work.used };
            let body = Body::new(self, named.file, work.generics, used);
            let instance = match named.what {
                What::Fn(function) => body.function(work.item, function),
                What::Const { ty, value } => body.constant(work.item, ty, value),
                What::Type(_) => continue,
            };
            self.instances[work.index] = Some(instance);
        }
    }
}

/// What the names in a type mean: the file's items and some generic arguments.
pub(crate) struct Env {
    pub file: u32,
    pub generics: BTreeMap<String, Argument>,
    /// Whether the locals of the function being checked are visible.
    pub local: bool,
}

/// A local variable.
pub(crate) struct Local {
    pub ty: Ty,
    pub mutable: bool,
    /// Depends on an encrypted value.
    pub secret: bool,
    /// The value, if it is a compile-time number that the checker knows.
    pub known: Option<Exact>,
    pub span: Span,
}

/// A constraint that waits for something to be inferred.
enum Pending<'a> {
    /// `var` is the type written as `ty`.
    Type { var: Ty, ty: &'a ast::Type, env: Rc<Env>, span: Span },
    /// `var` is the value of `expr`.
    Len { var: Len, expr: &'a Expr, env: Rc<Env>, span: Span },
    /// `bits` is the `uint` of the encoding of `value`.
    Bits { value: Ty, bits: Ty, span: Span },
}

/// Checks one body.
pub(crate) struct Body<'c, 'a> {
    pub checker: &'c mut Checker<'a>,
    pub env: Rc<Env>,
    pub unifier: Unifier,
    pub locals: Vec<Local>,
    pub scopes: Vec<BTreeMap<&'a str, LocalId>>,
    /// Assignments so far, to know what a branch assigns.
    pub assigned: Vec<LocalId>,
    pub depth: u32,
    /// How many `if`s and loops are around: what stands there may never be run.
    pub guarded: u32,
    pending: Vec<Pending<'a>>,
    used: Use,
    generics: Vec<(String, Argument)>,
    aliases: u32,
    /// Type variables that are rational only because nothing says what they are.
    pub exact: BTreeSet<u32>,
}

impl<'c, 'a> Body<'c, 'a> {
    fn new(
        checker: &'c mut Checker<'a>,
        file: u32,
        generics: Vec<(String, Argument)>,
        used: Use,
    ) -> Body<'c, 'a> {
        let env = Env { file, generics: generics.iter().cloned().collect(), local: true };
        Body {
            checker,
            env: Rc::new(env),
            unifier: Unifier::default(),
            locals: Vec::new(),
            scopes: vec![BTreeMap::new()],
            assigned: Vec::new(),
            depth: 0,
            guarded: 0,
            pending: Vec::new(),
            used,
            generics,
            aliases: 0,
            exact: BTreeSet::new(),
        }
    }

    fn function(mut self, item: ItemId, function: &'a Function) -> Instance {
        self.duplicates(function);
        let (file, generics) = (self.env.file, self.env.generics.clone());
        let env = Rc::new(Env { file, generics, local: false });
        let is_main = self.checker.names.items[item].file == 0 && function.name.name == "main";
        let mut params = Vec::new();
        for param in &function.params {
            let ty = self.ty(&param.ty, &env);
            let secret = !param.public && !matches!(ty, Ty::Int | Ty::Rational);
            if is_main && !(param.public && ty == Ty::Int) {
                self.entry_type(&ty, param.ty.span);
            }
            let range = param.range.as_ref().map(|(low, high)| self.range(&ty, low, high));
            let local = self.declare(&param.name, ty.clone(), false, secret);
            params.push(Param {
                name: param.name.name.clone(),
                local,
                ty,
                public: param.public,
                span: param.name.span,
                range,
            });
        }
        let result = self.result_type(function, &env);
        if is_main {
            self.entry_type(&result, function.result.ty.span);
            if result == Ty::unit() {
                self.error(
                    "E0214",
                    function.name.span,
                    "`main` has no result",
                    "a program needs a result",
                    "give it one: `fn main(..) -> f16 { .. }`",
                );
            }
        }
        let mut body = if result == Ty::unit() {
            self.discard(&function.body)
        } else if names_one_result(function) && ends_in_one_tuple(&function.body) {
            self.only_member(&function.body, &result)
        } else {
            self.expr(&function.body, Some(&result))
        };
        self.settle(&result);
        for (low, high) in params.iter_mut().filter_map(|param| param.range.as_mut()) {
            self.finish(low);
            self.finish(high);
        }
        self.finish(&mut body);
        let (name, locals) = (function.name.name.clone(), self.locals.len());
        let constant = |name: &str| match self.env.generics.get(name) {
            Some(Argument::Const(Len::Known(value))) => Some(*value),
            Some(Argument::Const(Len::Var(_) | Len::Any) | Argument::Type(_)) | None => None,
        };
        let evaluation = constant("METHOD").zip(constant("DEGREE"));
        Instance { name, span: function.name.span, params, locals, body, evaluation }
    }

    /// The type of a function's result. A single named result is just that type with a name.
    pub(crate) fn result_type(&mut self, function: &'a Function, env: &Rc<Env>) -> Ty {
        match &function.result.ty.kind {
            TypeKind::Tuple(members) if names_one_result(function) => self.ty(&members[0], env),
            TypeKind::Tuple(_) | TypeKind::Name { .. } | TypeKind::Array { .. } | TypeKind::Error => {
                self.ty(&function.result.ty, env)
            }
        }
    }

    /// A body that gives its only named result as `(value,)`.
    fn only_member(&mut self, body: &'a Expr, result: &Ty) -> Node {
        let tuple = Ty::Tuple(Rc::new([result.clone()]));
        let (span, base) = (body.span, Box::new(self.expr(body, Some(&tuple))));
        let first = Kind::Exact(Rc::new(Exact::from_integer(0.into())));
        let index = Box::new(Node { span, ty: Ty::Int, kind: first });
        Node { span, ty: result.clone(), kind: Kind::Index { base, index } }
    }

    fn constant(mut self, item: ItemId, ty: &'a ast::Type, value: &'a Expr) -> Instance {
        let env = self.env.clone();
        let ty = self.ty(ty, &env);
        if self.checker.names.items[item].recursive {
            let body = self.broken(value.span, ty.clone());
            return Instance {
                name: String::new(),
                span: value.span,
                params: Vec::new(),
                locals: 0,
                body,
                evaluation: None,
            };
        }
        let mut body = self.expr(value, Some(&ty));
        self.settle(&ty);
        self.finish(&mut body);
        let Ident { name, span } = self.checker.names.items[item].name.clone();
        Instance { name, span, params: Vec::new(), locals: self.locals.len(), body, evaluation: None }
    }

    fn expression(mut self, expr: &'a Expr, inputs: &[(String, Span)]) -> Instance {
        let mut params = Vec::new();
        let ty = Ty::Scalar(self.checker.default);
        let mentions: BTreeSet<&str> = free_names(expr).into_iter().collect();
        for (name, span) in inputs {
            let Some(name) = mentions.get(name.as_str()) else { continue };
            let local = self.locals.len();
            self.locals.push(Local {
                ty: ty.clone(),
                mutable: false,
                secret: true,
                known: None,
                span: *span,
            });
            self.scopes[0].insert(name, local);
            params.push(Param {
                name: (*name).to_owned(),
                local,
                ty: ty.clone(),
                public: false,
                span: *span,
                range: None,
            });
        }
        let mut body = self.expr(expr, None);
        let result = body.ty.clone();
        self.settle(&result);
        self.finish(&mut body);
        let locals = self.locals.len();
        Instance { name: "main".to_owned(), span: expr.span, params, locals, body, evaluation: None }
    }

    /// Parameters and results of `main` hold encrypted values.
    fn entry_type(&mut self, ty: &Ty, span: Span) {
        if holds_comptime(ty) {
            let shown = self.unifier.show(ty);
            self.error(
                "E0214",
                span,
                format!("`main` cannot take or give {shown}"),
                "not a type of encrypted values",
                "write a type such as `f16`, `int<16>` or `bool`",
            );
        }
    }

    fn duplicates(&mut self, function: &'a Function) {
        let generics = function.generics.iter().map(|generic| match generic {
            Generic::Type { name, .. } | Generic::Const { name, .. } => name,
        });
        let params = function.params.iter().map(|param| &param.name);
        let results = function.result.names.iter().flatten();
        for names in [generics.collect::<Vec<_>>(), params.collect(), results.collect()] {
            let mut seen: BTreeMap<&str, Span> = BTreeMap::new();
            for name in names {
                if let Some(&first) = seen.get(name.name.as_str()) {
                    self.error(
                        "E0104",
                        name.span,
                        format!("`{}` is declared twice", name.name),
                        "declared again here",
                        "rename one of them",
                    )
                    .push((first, "first declared here".to_owned()));
                } else {
                    seen.insert(&name.name, name.span);
                }
            }
        }
    }

    fn range(&mut self, ty: &Ty, low: &'a Expr, high: &'a Expr) -> (Node, Node) {
        let mut scalar = ty.clone();
        while let Ty::Array(element, _) = &scalar {
            scalar = (**element).clone();
        }
        if matches!(scalar, Ty::Tuple(_) | Ty::BOOL) {
            let shown = self.unifier.show(&scalar);
            self.error(
                "E0201",
                low.span,
                format!("{shown} has no range"),
                "a range needs numbers",
                "leave out `in [..]`",
            );
            scalar = Ty::Error;
        }
        let scopes = std::mem::replace(&mut self.scopes, vec![BTreeMap::new()]);
        let mut bounds = (self.expr(low, Some(&scalar)), self.expr(high, Some(&scalar)));
        self.scopes = scopes;
        for bound in [&mut bounds.0, &mut bounds.1] {
            if let (Ty::Scalar(scalar), Kind::Number { value, .. }) = (&scalar, &bound.kind)
                && let Ok(encoded) = scalar.encode(value)
                && !matches!(scalar.decode(&encoded.bits), Real::Finite(_) | Real::NegativeZero)
            {
                self.error(
                    "E0315",
                    bound.span,
                    format!("{} overflows {scalar}: a bound must be finite", exact::show(value)),
                    "too large",
                    "write a smaller bound, or use a wider type",
                );
                *bound = self.broken(bound.span, bound.ty.clone());
            }
        }
        bounds
    }

    /// A new local variable.
    pub(crate) fn declare(&mut self, name: &'a Ident, ty: Ty, mutable: bool, secret: bool) -> LocalId {
        let local = self.locals.len();
        self.locals.push(Local { ty, mutable, secret, known: None, span: name.span });
        self.scopes.last_mut().expect("the function's own scope stays open").insert(&name.name, local);
        local
    }

    /// The local variable of a name.
    pub(crate) fn local(&self, name: &str) -> Option<LocalId> {
        self.scopes.iter().rev().find_map(|scope| scope.get(name)).copied()
    }

    /// Reports an error; in an instance of a generic function, with the use it comes from.
    pub(crate) fn error(
        &mut self,
        code: &'static str,
        span: Span,
        message: impl Into<String>,
        label: impl Into<String>,
        help: impl Into<String>,
    ) -> &mut Vec<(Span, String)> {
        let used = self.used.clone();
        let diagnostic = self.checker.reports.error(code, span, message, label, help);
        if let Some((span, name)) = used {
            diagnostic.related.push((span, format!("in this use of `{name}`")));
        }
        &mut diagnostic.related
    }

    // Types as written.

    /// The type that is written as `ty`; reports what is wrong with it.
    pub(crate) fn ty(&mut self, ty: &'a ast::Type, env: &Rc<Env>) -> Ty {
        match &ty.kind {
            TypeKind::Error => Ty::Error,
            TypeKind::Tuple(members) => {
                let members: Vec<Ty> = members.iter().map(|member| self.ty(member, env)).collect();
                self.sized(Ty::Tuple(members.into()), ty.span)
            }
            TypeKind::Array { element, length } => {
                let element = self.ty(element, env);
                let len = self.length(length, env);
                if env.local && len == Len::Any && self.mentions_secret(length) {
                    self.error(
                        "E0213",
                        length.span,
                        "this length is not known at compile time",
                        "depends on an encrypted value",
                        "use literals, `const` items and `const` generics",
                    );
                }
                self.sized(Ty::Array(Rc::new(element), len), ty.span)
            }
            TypeKind::Name { name, args } => self.named_type(ty, name, args, env),
        }
    }

    fn sized(&mut self, ty: Ty, span: Span) -> Ty {
        let full = self.unifier.deep(&ty);
        let (count, limit) = (elements(&full), self.checker.limits.array_elements);
        let large = count > limit || nodes(&full, MAX_TYPE_NODES) >= MAX_TYPE_NODES;
        if large && holds_error(&full) {
            // A part of it was too large already, or is unknown.
            return Ty::Error;
        }
        if count > limit {
            self.error(
                "E0301",
                span,
                format!("a value of this type has {count} element{}", if count == 1 { "" } else { "s" }),
                format!("at most {limit} are allowed"),
                "use a smaller array, or raise `--limit array=N`",
            );
            return Ty::Error;
        }
        if large {
            self.error(
                "E0301",
                span,
                "this type is too large",
                format!("more than {MAX_TYPE_NODES} parts"),
                "use arrays instead of tuples of tuples",
            );
            return Ty::Error;
        }
        ty
    }

    /// Like [`Body::ty`] for the types of tuple and array expressions.
    pub(crate) fn sized_value(&mut self, ty: Ty, span: Span) -> Ty {
        self.sized(ty, span)
    }

    fn named_type(&mut self, ty: &'a ast::Type, name: &'a Ident, args: &'a [Expr], env: &Rc<Env>) -> Ty {
        if let Some(argument) = env.generics.get(&name.name) {
            self.no_arguments(name, args);
            return match argument {
                Argument::Type(ty) => ty.clone(),
                Argument::Const(_) => {
                    self.error(
                        "E0103",
                        name.span,
                        format!("`{}` is a number, not a type", name.name),
                        "expected a type",
                        "declare it as `<T: float>` to use it as a type",
                    );
                    Ty::Error
                }
            };
        }
        if let Some(item) = self.checker.names.lookup(env.file, &name.name)
            && let What::Type(aliased) = self.checker.names.items[item].what
        {
            self.no_arguments(name, args);
            return self.alias(item, aliased, name.span);
        }
        match (name.name.as_str(), args.len()) {
            ("int", 0) => return Ty::Int,
            ("rational", 0) => return Ty::Rational,
            (_, 0) => {
                if let Some(scalar) = Scalar::parse(&name.name) {
                    return Ty::Scalar(scalar);
                }
            }
            _ => {}
        }
        match name.name.as_str() {
            "float" | "ieee" | "fixed" | "int" | "uint" | "f8e4m3" => self.applied(ty, name, args, env),
            known if Scalar::parse(known).is_some() => {
                self.no_arguments(name, args);
                Ty::Error
            }
            _ => self.unknown_type(name, env),
        }
    }

    fn unknown_type(&mut self, name: &'a Ident, env: &Rc<Env>) -> Ty {
        const BUILT_IN: [&str; 13] = [
            "bool", "f16", "bf16", "f32", "f64", "f8e5m2", "f8e4m3", "float", "ieee", "fixed", "int", "uint",
            "rational",
        ];
        let mut known: Vec<&str> = BUILT_IN.to_vec();
        if self.checker.reports.suggests() {
            known.extend(self.checker.names.visible(env.file, |what| matches!(what, What::Type(_))));
        }
        known.extend(env.generics.keys().map(String::as_str));
        let help = similar(&name.name, &known).unwrap_or_else(|| {
            "types are bool, f16, bf16, f32, f64, float<E, P>, ieee<E, P>, fixed<I, F>, int<N>, uint<N>"
                .to_owned()
        });
        self.error("E0103", name.span, format!("there is no type `{}`", name.name), "unknown type", help);
        Ty::Error
    }

    fn no_arguments(&mut self, name: &'a Ident, args: &'a [Expr]) {
        if let Some(first) = args.first() {
            self.error(
                "E0206",
                first.span,
                format!("`{}` takes no arguments", name.name),
                format!("found {}", args.len()),
                "remove `<..>`",
            );
        }
    }

    fn alias(&mut self, item: ItemId, aliased: &'a ast::Type, span: Span) -> Ty {
        if self.checker.names.items[item].recursive {
            return Ty::Error;
        }
        if self.aliases >= 100 {
            self.error(
                "E0304",
                span,
                "types are named after types more than 100 times over",
                "too deep",
                "name the type directly",
            );
            return Ty::Error;
        }
        if let Some(ty) = self.checker.alias_types.get(&item) {
            return ty.clone();
        }
        self.aliases += 1;
        let env = Rc::new(Env {
            file: self.checker.names.items[item].file,
            generics: BTreeMap::new(),
            local: false,
        });
        let ty = self.ty(aliased, &env);
        self.aliases -= 1;
        self.checker.alias_types.insert(item, ty.clone());
        ty
    }

    /// `float<E, P>` and the like.
    fn applied(&mut self, ty: &'a ast::Type, name: &'a Ident, args: &'a [Expr], env: &Rc<Env>) -> Ty {
        let widths = match name.name.as_str() {
            "float" | "ieee" | "fixed" => 2,
            "int" | "uint" => 1,
            _ => 0,
        };
        let options = matches!(name.name.as_str(), "ieee" | "f8e4m3");
        if args.len() < widths || (args.len() > widths && !options) {
            let expected = match name.name.as_str() {
                "float" => "float<E, P>",
                "ieee" => "ieee<E, P>",
                "fixed" => "fixed<I, F>",
                "int" => "int<N>",
                _ => "uint<N>",
            };
            self.error(
                "E0206",
                ty.span,
                format!("`{}` takes {widths} width{}", name.name, if widths == 1 { "" } else { "s" }),
                format!("found {}", args.len()),
                format!("write `{expected}`"),
            );
            return Ty::Error;
        }
        let mut values = [0_u32; 2];
        for (index, arg) in args[..widths].iter().enumerate() {
            match self.const_value(arg, env) {
                Const::Value(value) => match self.width(&name.name, index, &value, values[0], arg.span) {
                    Some(width) => values[index] = width,
                    None => return Ty::Error,
                },
                Const::Open => {
                    let var = self.unifier.fresh(Need::NUMBER);
                    self.pending.push(Pending::Type {
                        var: var.clone(),
                        ty,
                        env: env.clone(),
                        span: ty.span,
                    });
                    return var;
                }
                Const::Dynamic => {
                    self.error(
                        "E0213",
                        arg.span,
                        "this width is not known when types are checked",
                        "expected a constant",
                        "use a literal, a `const` item or a `const` generic",
                    );
                    return Ty::Error;
                }
                Const::Failed => return Ty::Error,
            }
        }
        let [first, second] = values;
        match name.name.as_str() {
            "float" => scalar_or_error(Scalar::float(first, second, Family::Paper).ok()),
            "fixed" => scalar_or_error(Scalar::fixed(first, second).ok()),
            "int" => scalar_or_error(Scalar::int(first).ok()),
            "uint" => scalar_or_error(Scalar::uint(first).ok()),
            "ieee" => match self.options(&args[widths..], true) {
                Some((rounding, flush, finite)) => scalar_or_error(
                    Scalar::float(first, second, Family::Ieee { rounding, flush, finite }).ok(),
                ),
                None => Ty::Error,
            },
            _ => match self.options(args, false) {
                Some((_, _, finite)) => scalar_or_error(Scalar::float(4, 4, Family::E4m3 { finite }).ok()),
                None => Ty::Error,
            },
        }
    }

    /// Checks one width against the limits of the language.
    fn width(&mut self, name: &str, index: usize, value: &Exact, first: u32, span: Span) -> Option<u32> {
        let (what, (low, high)) = match (name, index) {
            ("float" | "ieee", 0) => ("the exponent width", EXPONENT_BITS),
            ("float" | "ieee", _) => ("the precision", PRECISION),
            ("fixed", 0) => ("the number of integer bits", (1, MAX_INTEGER_BITS)),
            ("fixed", _) => {
                ("the number of fraction bits", (0, MAX_INTEGER_BITS - first.min(MAX_INTEGER_BITS)))
            }
            _ => ("the width", (1, MAX_INTEGER_BITS)),
        };
        let width =
            to_i64(value).and_then(|value| value.to_u32()).filter(|width| (low..=high).contains(width));
        if width.is_none() {
            let found = exact::show(value);
            self.error(
                "E0206",
                span,
                format!("{what} of `{name}` is {found}"),
                format!("expected {low} to {high}"),
                format!("choose a width from {low} to {high}"),
            );
        }
        width
    }

    fn options(&mut self, args: &'a [Expr], ieee: bool) -> Option<(Rounding, bool, bool)> {
        let (mut rounding, mut flush, mut finite) = (None, false, false);
        for arg in args {
            let name = match single_name(arg) {
                Some(name) => name.name.as_str(),
                None => "",
            };
            let direction = Rounding::ALL.into_iter().find(|direction| direction.name() == name);
            let repeated = match (name, direction) {
                ("finite", _) => std::mem::replace(&mut finite, true),
                ("flush", _) if ieee => std::mem::replace(&mut flush, true),
                (_, Some(direction)) if ieee => rounding.replace(direction).is_some(),
                _ => {
                    let allowed = if ieee {
                        "nearest_even, nearest_away, toward_zero, up, down, flush, finite"
                    } else {
                        "finite"
                    };
                    self.error(
                        "E0206",
                        arg.span,
                        "this is no option of the type",
                        format!("expected one of {allowed}"),
                        "remove it or correct it",
                    );
                    return None;
                }
            };
            if repeated {
                self.error(
                    "E0206",
                    arg.span,
                    "this option is given twice, or two rounding directions are",
                    "too many",
                    "keep one",
                );
                return None;
            }
        }
        Some((rounding.unwrap_or(Rounding::NearestEven), flush, finite))
    }

    /// The length of an array type or of `[v; n]`.
    pub(crate) fn length(&mut self, expr: &'a Expr, env: &Rc<Env>) -> Len {
        match self.const_value(expr, env) {
            Const::Value(value) => self.checked_length(&value, expr.span),
            Const::Open => {
                if let ExprKind::Path(path) = &expr.kind
                    && let [name] = path.as_slice()
                    && let Some(Argument::Const(len)) = env.generics.get(&name.name)
                {
                    return *len;
                }
                let var = self.unifier.fresh_len();
                self.pending.push(Pending::Len { var, expr, env: env.clone(), span: expr.span });
                var
            }
            Const::Dynamic | Const::Failed => Len::Any,
        }
    }

    fn mentions_secret(&self, expr: &Expr) -> bool {
        free_names(expr)
            .into_iter()
            .any(|name| self.local(name).is_some_and(|local| self.locals[local].secret))
    }

    fn checked_length(&mut self, value: &Exact, span: Span) -> Len {
        let limit = self.checker.limits.array_elements;
        match to_i64(value) {
            Some(len) if len >= 0 && len.unsigned_abs() <= limit => Len::Known(len),
            _ if *value > Exact::from_integer(limit.into()) => {
                self.error(
                    "E0301",
                    span,
                    format!("an array of {} elements", exact::show(value)),
                    format!("at most {limit} are allowed"),
                    "use a smaller array, or raise `--limit array=N`",
                );
                Len::Any
            }
            _ => {
                self.error(
                    "E0314",
                    span,
                    format!("an array cannot have {} elements", exact::show(value)),
                    "expected a whole number, zero or more",
                    "correct the length",
                );
                Len::Any
            }
        }
    }

    /// The value of a constant expression, as far as it is known while types are checked.
    pub(crate) fn const_value(&mut self, expr: &'a Expr, env: &Rc<Env>) -> Const {
        let mut names = ConstNames { body: self, env: env.clone(), open: false, dynamic: false, depth: 40 };
        let value = exact::evaluate(expr, &mut names, 200);
        let (open, dynamic) = (names.open, names.dynamic);
        match value {
            Some(Ok(value)) => Const::Value(value),
            Some(Err((span, error))) => {
                self.exact_error(error, span);
                Const::Failed
            }
            None if open => Const::Open,
            None if dynamic || env.local => Const::Dynamic,
            None => {
                self.not_constant(expr, env);
                Const::Failed
            }
        }
    }

    fn not_constant(&mut self, expr: &'a Expr, env: &Rc<Env>) {
        if let ExprKind::Path(path) = &expr.kind
            && let [name] = path.as_slice()
            && self.checker.names.lookup(env.file, &name.name).is_none()
        {
            let known = if self.checker.reports.suggests() {
                self.checker.names.visible(env.file, |what| matches!(what, What::Const { .. }))
            } else {
                Vec::new()
            };
            let help =
                similar(&name.name, &known).unwrap_or_else(|| "declare it: `const N: int = 4;`".to_owned());
            self.error(
                "E0101",
                name.span,
                format!("there is no constant `{}`", name.name),
                "unknown name",
                help,
            );
            return;
        }
        self.error(
            "E0213",
            expr.span,
            "this is not a compile-time integer",
            "expected a constant",
            "use literals, `const` items and `const` generics",
        );
    }

    /// Reports a failed exact operation.
    pub(crate) fn exact_error(&mut self, error: ExactError, span: Span) {
        let (code, message, help) = describe(error);
        self.error(code, span, message, "computed at compile time", help);
    }

    /// `T::PRECISION` and the like as a number; none for `T::MAX` or if it does not exist.
    pub(crate) fn type_constant(&self, ty: &Ty, name: &str) -> Option<i64> {
        let Ty::Scalar(scalar) = self.unifier.resolve(ty) else { return None };
        match (name, scalar.as_float()) {
            ("BITS", _) => Some(scalar.width().into()),
            ("PRECISION", Some(format)) => Some(format.precision.into()),
            ("EXPONENT_BITS", Some(format)) => Some(format.exponent_bits.into()),
            _ => None,
        }
    }

    /// The type that the first segment of `T::NAME` means.
    pub(crate) fn path_type(&mut self, name: &'a Ident, env: &Rc<Env>) -> Option<Ty> {
        if let Some(argument) = env.generics.get(&name.name) {
            return match argument {
                Argument::Type(ty) => Some(ty.clone()),
                Argument::Const(_) => None,
            };
        }
        if let Some(item) = self.checker.names.lookup(env.file, &name.name)
            && let What::Type(aliased) = self.checker.names.items[item].what
        {
            return Some(self.alias(item, aliased, name.span));
        }
        Scalar::parse(&name.name).map(Ty::Scalar)
    }

    // Constraints that wait.

    /// `bits` is the `uint` of the encoding of `value`.
    pub(crate) fn encoding(&mut self, value: &Ty, bits: &Ty, span: Span) {
        self.pending.push(Pending::Bits { value: value.clone(), bits: bits.clone(), span });
        self.solve();
    }

    /// Uses what is known by now to find out more.
    pub(crate) fn solve(&mut self) {
        loop {
            let waiting = std::mem::take(&mut self.pending);
            let before = waiting.len();
            let mut progress = false;
            for constraint in waiting {
                progress |= self.attempt(constraint);
            }
            if self.pending.is_empty() || (!progress && self.pending.len() >= before) {
                return;
            }
        }
    }

    /// Tries one constraint; puts it back if it still waits. True if something became known.
    fn attempt(&mut self, constraint: Pending<'a>) -> bool {
        match &constraint {
            Pending::Len { var, expr, env, span } => match self.const_value(expr, env) {
                Const::Value(value) => {
                    let len = self.checked_length(&value, *span);
                    if !self.unifier.unify_len(*var, len) {
                        self.conflict(*span);
                    }
                    return true;
                }
                Const::Open => {}
                Const::Dynamic | Const::Failed => return true,
            },
            Pending::Type { var, ty, env, span } => {
                if let TypeKind::Name { name, args } = &ty.kind {
                    let matched = self.match_widths(var, name, args, env);
                    if self.widths_known(args, env) {
                        let found = self.ty(ty, env);
                        if !self.unifier.unify(var, &found) {
                            self.conflict(*span);
                        }
                        return true;
                    }
                    self.pending.push(constraint);
                    return matched;
                }
                return true;
            }
            Pending::Bits { value, bits, span } => {
                if let Ty::Scalar(scalar) = self.unifier.resolve(value) {
                    let expected = Ty::Scalar(Scalar::Uint(scalar.width()));
                    if !self.unifier.unify(bits, &expected) {
                        let (found, expected) = (self.unifier.show(bits), self.unifier.show(&expected));
                        self.error(
                            "E0200",
                            *span,
                            format!("the encoding of {scalar} is {expected}, not {found}"),
                            format!("expected {expected}"),
                            "use the type of that width",
                        );
                    }
                    return true;
                }
                if matches!(self.unifier.resolve(value), Ty::Error) {
                    return true;
                }
            }
        }
        self.pending.push(constraint);
        false
    }

    fn conflict(&mut self, span: Span) {
        self.error(
            "E0200",
            span,
            "the widths or lengths of the arguments do not go together",
            "this type cannot be met",
            "check the arguments of the call",
        );
    }

    fn widths_known(&mut self, args: &'a [Expr], env: &Rc<Env>) -> bool {
        let widths = args.iter().filter(|arg| !is_option(arg));
        widths.into_iter().all(|arg| !matches!(self.const_value(arg, env), Const::Open))
    }

    /// Reads `I` and `F` off a known `fixed<I, F>`; true if something became known.
    fn match_widths(&mut self, var: &Ty, name: &Ident, args: &'a [Expr], env: &Rc<Env>) -> bool {
        let Ty::Scalar(scalar) = self.unifier.resolve(var) else { return false };
        let widths: Vec<u32> = match (name.name.as_str(), scalar) {
            ("fixed", Scalar::Fixed { integer, fraction }) => vec![integer, fraction],
            ("int", Scalar::Int(bits)) | ("uint", Scalar::Uint(bits)) => vec![bits],
            ("float" | "ieee", Scalar::Float(format)) => vec![format.exponent_bits, format.precision],
            _ => return false,
        };
        let mut progress = false;
        for (arg, width) in args.iter().zip(widths) {
            if let ExprKind::Path(path) = &arg.kind
                && let [name] = path.as_slice()
                && let Some(Argument::Const(len)) = env.generics.get(&name.name)
                && matches!(self.unifier.resolve_len(*len), Len::Var(_))
            {
                progress |= self.unifier.unify_len(*len, Len::Known(width.into()));
            }
        }
        progress
    }

    /// Solves what can be solved and gives every open type its default.
    fn settle(&mut self, result: &Ty) {
        self.solve();
        self.default_leaves(result);
        let mut from = 0;
        while let Some((index, need)) = self.unifier.first_open(from) {
            from = index + 1;
            let var = Ty::Var(index);
            let fallback = if need.integer || (need.comptime && !need.fraction && !need.float) {
                Ty::Int
            } else if need.cast && !need.float {
                self.exact.insert(index);
                Ty::Rational
            } else {
                Ty::Scalar(self.checker.default)
            };
            if !self.unifier.unify(&var, &fallback) {
                self.unifier.unify(&var, &Ty::Error);
            }
            self.solve();
        }
        for constraint in std::mem::take(&mut self.pending) {
            if let Pending::Bits { value, span, .. } = constraint {
                let found = self.unifier.show(&value);
                self.error(
                    "E0201",
                    span,
                    format!("{found} has no encoding"),
                    "expected a number or bool",
                    "use it on single values",
                );
            }
        }
    }

    /// A result that nothing else gives a type has the default type.
    fn default_leaves(&mut self, ty: &Ty) {
        match self.unifier.resolve(ty) {
            Ty::Var(_) => {
                let default = Ty::Scalar(self.checker.default);
                self.unifier.unify(ty, &default);
            }
            Ty::Array(element, _) => self.default_leaves(&element),
            Ty::Tuple(members) => members.iter().for_each(|member| self.default_leaves(member)),
            Ty::Scalar(_) | Ty::Int | Ty::Rational | Ty::Error => {}
        }
    }

    /// What a value of the generics of this instance is.
    pub(crate) fn generic(&self, name: &str) -> Option<Argument> {
        self.generics.iter().find(|(known, _)| known == name).map(|(_, argument)| argument.clone())
    }
}

/// A constant expression while types are checked.
pub(crate) enum Const {
    /// Its value.
    Value(Exact),
    /// Waits for a generic argument.
    Open,
    /// Depends on local variables.
    Dynamic,
    /// An error was reported.
    Failed,
}

struct ConstNames<'b, 'c, 'a> {
    body: &'b mut Body<'c, 'a>,
    env: Rc<Env>,
    open: bool,
    dynamic: bool,
    depth: u32,
}

impl ConstNames<'_, '_, '_> {
    fn generic(&mut self, argument: &Argument) -> Option<Exact> {
        let Argument::Const(len) = argument else { return None };
        match self.body.unifier.resolve_len(*len) {
            Len::Known(value) => Some(Exact::from_integer(value.into())),
            Len::Var(_) => {
                self.open = true;
                None
            }
            Len::Any => {
                self.dynamic = true;
                None
            }
        }
    }
}

impl exact::Names for ConstNames<'_, '_, '_> {
    fn constant(&mut self, path: &[Ident]) -> Option<Exact> {
        match path {
            [name] => {
                if self.env.local
                    && let Some(local) = self.body.local(&name.name)
                {
                    self.dynamic = true;
                    return self.body.locals[local].known.clone();
                }
                if let Some(argument) = self.env.generics.get(&name.name).cloned() {
                    return self.generic(&argument);
                }
                let item = self.body.checker.names.lookup(self.env.file, &name.name)?;
                let named = &self.body.checker.names.items[item];
                let What::Const { value, .. } = named.what else { return None };
                if named.recursive || self.depth == 0 {
                    return None;
                }
                if let Some(known) = self.body.checker.const_values.get(&item) {
                    return known.clone();
                }
                let env = Env { file: named.file, generics: BTreeMap::new(), local: false };
                let outer = std::mem::replace(&mut self.env, Rc::new(env));
                self.depth -= 1;
                let found = exact::evaluate(value, self, 200);
                self.depth += 1;
                self.env = outer;
                let found = found.and_then(Result::ok);
                self.body.checker.const_values.insert(item, found.clone());
                found
            }
            [ty, name] => {
                let argument = self.env.generics.get(&ty.name).cloned();
                let found = match argument {
                    Some(Argument::Type(ty)) => ty,
                    Some(Argument::Const(_)) => return None,
                    None => self.body.plain_type(ty, self.env.file)?,
                };
                if matches!(self.body.unifier.resolve(&found), Ty::Var(_)) {
                    self.open = true;
                    return None;
                }
                self.body.type_constant(&found, &name.name).map(|value| Exact::from_integer(value.into()))
            }
            _ => None,
        }
    }

    fn length(&mut self, argument: &Expr) -> Option<Exact> {
        self.dynamic = true;
        if !self.env.local {
            return None;
        }
        let ty = self.body.place_type(argument)?;
        match self.body.unifier.resolve(&ty) {
            Ty::Array(_, len) => match self.body.unifier.resolve_len(len) {
                Len::Known(len) => Some(Exact::from_integer(len.into())),
                Len::Var(_) | Len::Any => None,
            },
            Ty::Var(_) | Ty::Scalar(_) | Ty::Int | Ty::Rational | Ty::Tuple(_) | Ty::Error => None,
        }
    }
}

impl<'a> Body<'_, 'a> {
    /// The type of a name that is not generic, without reporting anything.
    fn plain_type(&mut self, name: &Ident, file: u32) -> Option<Ty> {
        if let Some(item) = self.checker.names.lookup(file, &name.name)
            && let What::Type(aliased) = self.checker.names.items[item].what
        {
            return Some(self.alias(item, aliased, name.span));
        }
        Scalar::parse(&name.name).map(Ty::Scalar)
    }

    /// The type of a variable or of an element of it.
    fn place_type(&self, expr: &Expr) -> Option<Ty> {
        if let Some(name) = single_name(expr) {
            return Some(self.locals[self.local(&name.name)?].ty.clone());
        }
        let ExprKind::Index { base, .. } = &expr.kind else { return None };
        match self.unifier.resolve(&self.place_type(base)?) {
            Ty::Array(element, _) => Some((*element).clone()),
            Ty::Var(_) | Ty::Scalar(_) | Ty::Int | Ty::Rational | Ty::Tuple(_) | Ty::Error => None,
        }
    }
}

/// Code, message and help of a failed exact operation.
pub(crate) fn describe(error: ExactError) -> (&'static str, String, &'static str) {
    match error {
        ExactError::DivisionByZero => (
            "E0311",
            "a compile-time division by zero".to_owned(),
            "check the divisor first, in a compile-time `if`",
        ),
        ExactError::TooLarge => (
            "E0307",
            format!("a compile-time number needs more than {} bits", exact::MAX_EXACT_BITS),
            "round it with `as`, or stop the loop earlier",
        ),
        ExactError::NotWhole => (
            "E0314",
            "a bit operation on a compile-time number that is not whole, or a shift by a negative amount"
                .to_owned(),
            "use whole numbers",
        ),
    }
}

/// The name, if an expression is just one.
pub(crate) fn single_name(expr: &Expr) -> Option<&Ident> {
    if let ExprKind::Path(path) = &expr.kind
        && let [name] = path.as_slice()
    {
        return Some(name);
    }
    None
}

/// Whether a function is declared as `-> (name: T)`.
fn names_one_result(function: &Function) -> bool {
    function.result.names.as_ref().is_some_and(|names| names.len() == 1)
}

/// Whether the value at the end of a body is written as `(value,)`.
fn ends_in_one_tuple(expr: &Expr) -> bool {
    let mut end = expr;
    loop {
        match &end.kind {
            ExprKind::Block { value: Some(value), .. } => end = value,
            ExprKind::If { then, .. } => end = then,
            ExprKind::Tuple(members) => return members.len() == 1,
            ExprKind::Number { .. }
            | ExprKind::Bool(_)
            | ExprKind::Path(_)
            | ExprKind::Unary { .. }
            | ExprKind::Binary { .. }
            | ExprKind::Cast { .. }
            | ExprKind::Block { value: None, .. }
            | ExprKind::Call { .. }
            | ExprKind::Index { .. }
            | ExprKind::Array(_)
            | ExprKind::Repeat { .. }
            | ExprKind::Comprehension { .. }
            | ExprKind::Error => return false,
        }
    }
}

fn scalar_or_error(scalar: Option<Scalar>) -> Ty {
    scalar.map_or(Ty::Error, Ty::Scalar)
}

fn is_option(arg: &Expr) -> bool {
    matches!(&arg.kind, ExprKind::Path(path) if path.len() == 1 && (Rounding::ALL.iter().any(|rounding| rounding.name() == path[0].name) || matches!(path[0].name.as_str(), "flush" | "finite")))
}

/// Whether an error was reported for a part of a type.
fn holds_error(ty: &Ty) -> bool {
    match ty {
        Ty::Error => true,
        Ty::Array(element, _) => holds_error(element),
        Ty::Tuple(members) => members.iter().any(holds_error),
        Ty::Int | Ty::Rational | Ty::Var(_) | Ty::Scalar(_) => false,
    }
}

/// Whether a type holds compile-time numbers.
pub(crate) fn holds_comptime(ty: &Ty) -> bool {
    match ty {
        Ty::Int | Ty::Rational => true,
        Ty::Array(element, _) => holds_comptime(element),
        Ty::Tuple(members) => members.iter().any(holds_comptime),
        Ty::Var(_) | Ty::Scalar(_) | Ty::Error => false,
    }
}

/// The variable names that an expression mentions without binding them.
pub(crate) fn free_names(expr: &Expr) -> Vec<&str> {
    let (mut found, mut seen): (Vec<&str>, BTreeSet<&str>) = (Vec::new(), BTreeSet::new());
    super::scope::walk(expr, &mut BTreeSet::new(), &mut |mention| {
        if let super::scope::Mention::Free(name, _) = mention
            && seen.insert(name)
        {
            found.push(name);
        }
    });
    found
}
