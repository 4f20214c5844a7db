//! From syntax to flat float IR: names, types, and the unrolling of `main`.
//!
//! ```text
//! ast --scope--> names --check, infer, finish--> typed trees --elaborate, entry--> fir::Graph
//! ```
//! Every error of a program is reported, not only the first. Limits keep hostile programs from exhausting the machine;
//! nothing here recurses deeper than `check::MAX_NESTING` or `elaborate::MAX_NESTING`.

mod check;
mod elaborate;
mod emit;
mod entry;
mod exact;
mod finish;
mod infer;
mod report;
mod scope;
mod table;
#[cfg(test)]
mod tests;
mod tree;
mod types;

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::diag::Diagnostic;
use crate::float::fir::Graph;
use crate::gadgets::format::Scalar;
use crate::gadgets::objective::Objective;
use crate::real;
use crate::source::{Loader, Sources, Span};
use crate::syntax::ast::{Body, Expr};

use check::{Checked, Checker};
use elaborate::Elaborator;
use emit::Purpose;
use entry::Inputs;
use report::Reports;
use scope::{Files, Names, What};

/// Stack of the thread that walks programs: deep enough for `elaborate::MAX_NESTING` levels.
const STACK_BYTES: usize = 256 << 20;

/// What a program may use up; each has its own error code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Iterations of all loops and comprehensions, unrolled: 1,000,000 (E0300).
    pub iterations: u64,
    /// Elements of one array: 1,000,000 (E0301).
    pub array_elements: u64,
    /// Float operations of the unrolled program: 1,000,000 (E0302).
    pub nodes: u64,
    /// Gates: 20,000,000 (E0303).
    pub gates: u64,
    /// Calls within calls: 200 (E0304).
    pub depth: u64,
    /// Instances of functions: 10,000 (E0305).
    pub instances: u64,
    /// Steps of the unrolling, whatever they emit: 50,000,000 (E0306).
    pub steps: u64,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            iterations: 1_000_000,
            array_elements: 1_000_000,
            nodes: 1_000_000,
            gates: 20_000_000,
            depth: 200,
            instances: 10_000,
            steps: 50_000_000,
        }
    }
}

impl Limits {
    /// The names that [`Limits::set`] knows.
    pub const NAMES: [&'static str; 7] =
        ["iterations", "array", "nodes", "gates", "depth", "instances", "steps"];

    /// Sets one limit by its name; false if there is none of that name.
    pub fn set(&mut self, name: &str, value: usize) -> bool {
        let slot = match name {
            "iterations" => &mut self.iterations,
            "array" => &mut self.array_elements,
            "nodes" => &mut self.nodes,
            "gates" => &mut self.gates,
            "depth" => &mut self.depth,
            "instances" => &mut self.instances,
            "steps" => &mut self.steps,
            _ => return false,
        };
        *slot = value as u64;
        true
    }
}

/// How analytic functions of the library are approximated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Approximation {
    /// The one with the fewest gates that meets the precision of the type.
    #[default]
    Cheapest,
    /// Taylor polynomials about the middles of segments (FFHE paper, section 7).
    Taylor,
    /// Polynomials with the least largest error.
    Minimax,
    /// Every result is looked up, where arguments are short enough; else as [`Approximation::Cheapest`].
    Table,
}

impl Approximation {
    /// The `METHOD` of library functions.
    fn code(self) -> i64 {
        match self {
            Approximation::Cheapest => 0,
            Approximation::Taylor => 1,
            Approximation::Minimax => 2,
            Approximation::Table => 3,
        }
    }
}

/// How large an error the functions of the library may have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Grade {
    /// Below 1 ulp, whatever the argument.
    #[default]
    Faithful,
    /// Below 4 ulp, and numbers below the smallest normal are 0: fewer gates.
    Fast,
}

impl Grade {
    /// The `GRADE` of library functions.
    fn code(self) -> i64 {
        match self {
            Grade::Faithful => 0,
            Grade::Fast => 1,
        }
    }
}

/// What is proven of a function of the library where the program calls it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// The function that the program calls.
    pub function: String,
    /// In ulp, rounded up: `0.93`.
    pub error: String,
}

/// How a function of the library is evaluated: by polynomials on segments of its range.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evaluation {
    /// The function that the program calls.
    pub function: String,
    /// Which polynomials.
    pub method: Approximation,
    /// Their degree.
    pub degree: i64,
    /// How many.
    pub segments: i64,
    /// Bits of the words of Horner's rule, from the highest coefficient to the value.
    pub widths: Vec<i64>,
    /// The error of the value, a number about 1, is proven to be at most this: `1.25 * 2^-26`.
    pub error: String,
}

/// How to compile.
#[derive(Clone, Debug)]
pub struct Options {
    /// The type of a bare expression's inputs, and of literals that nothing else gives a type.
    pub float: Scalar,
    /// Values of `public` parameters.
    pub public: Map<String, Value>,
    /// What the program may use up.
    pub limits: Limits,
    /// Five more results say which exceptions of IEEE-754 the program raised.
    pub flags: bool,
    /// What the gates are built for.
    pub objective: Objective,
    /// How analytic functions are approximated where no attribute says it.
    pub approx: Approximation,
    /// How large an error analytic functions may have where no attribute says it.
    pub grade: Grade,
}

impl Default for Options {
    /// `float<5, 11>`, no public values, the default limits, the fewest ANDs.
    fn default() -> Options {
        let float =
            Scalar::float(5, 11, crate::gadgets::format::Family::Paper).expect("widths within the limits");
        Options {
            float,
            public: Map::new(),
            limits: Limits::default(),
            flags: false,
            objective: Objective::default(),
            approx: Approximation::default(),
            grade: Grade::default(),
        }
    }
}

/// A program, checked and unrolled.
#[derive(Clone, Debug)]
pub struct Analysis {
    /// What it computes.
    pub graph: Graph,
    /// Where the functions of the graph are declared, or first called if they belong to the library.
    pub places: BTreeMap<String, Span>,
    /// What is strange about it.
    pub warnings: Vec<Diagnostic>,
    /// The doc comment of `main`.
    pub doc: String,
    /// How the analytic functions that it calls are evaluated.
    pub evaluations: Vec<Evaluation>,
    /// Whether it requires anything of its inputs, besides ranges: [`real::Program::broken`] says what.
    pub requires: bool,
    /// What is proven of the errors of the functions that it calls.
    pub proofs: Vec<Proof>,
}

/// Parses, checks and unrolls the program `sources.files[0]`. Files that it uses and the standard library are added
/// to `sources`, so that diagnostics can be shown.
///
/// # Errors
/// Every error of the program, with warnings, in order of place.
pub fn analyze(
    sources: &mut Sources,
    options: &Options,
    loader: &mut dyn Loader,
) -> Result<Analysis, Vec<Diagnostic>> {
    elaborated(sources, options, loader)
}

/// Like [`analyze`], for the meaning of the program over the real numbers.
pub(crate) fn reals(
    sources: &mut Sources,
    options: &Options,
    loader: &mut dyn Loader,
) -> Result<real::Program, Vec<Diagnostic>> {
    elaborated(sources, options, loader)
}

/// What can be made of an elaborated program.
trait Product: Sized + Send {
    /// What the program is elaborated for.
    const PURPOSE: Purpose;

    /// Takes it from the elaborator; `doc` is the comment of `main`, which has these inputs.
    fn of(elaborator: Elaborator<'_>, inputs: &[Inputs], doc: String) -> Option<Self>;

    /// Adds what is strange about the program.
    fn warn(&mut self, warnings: Vec<Diagnostic>);
}

impl Product for Analysis {
    const PURPOSE: Purpose = Purpose::Gates;

    fn of(mut elaborator: Elaborator<'_>, inputs: &[Inputs], doc: String) -> Option<Analysis> {
        let emit = std::mem::replace(&mut elaborator.emit, emit::Emit::new(Purpose::Gates));
        let (graph, used) = emit.finish();
        elaborator.warnings(inputs, &used);
        let Elaborator { places, evaluations, proofs, requires, .. } = elaborator;
        Some(Analysis { graph, places, warnings: Vec::new(), doc, evaluations, proofs, requires })
    }

    fn warn(&mut self, warnings: Vec<Diagnostic>) {
        self.warnings = warnings;
    }
}

impl Product for real::Program {
    const PURPOSE: Purpose = Purpose::Meaning;

    fn of(elaborator: Elaborator<'_>, _: &[Inputs], _: String) -> Option<real::Program> {
        elaborator.emit.into_meaning()
    }

    /// They are those of the program, which were shown when it was compiled.
    fn warn(&mut self, _: Vec<Diagnostic>) {}
}

fn elaborated<P: Product>(
    sources: &mut Sources,
    options: &Options,
    loader: &mut dyn Loader,
) -> Result<P, Vec<Diagnostic>> {
    let mut syntax = Vec::new();
    let files = scope::load(sources, loader, &mut syntax);
    let work = || program(&files, options, syntax);
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(STACK_BYTES).spawn_scoped(scope, work);
        match thread.map(std::thread::ScopedJoinHandle::join) {
            Ok(Ok(result)) => result,
            Ok(Err(panic)) => std::panic::resume_unwind(panic),
            Err(error) => {
                let mut reports = Reports::default();
                reports.error_without_place(
                    "E0398",
                    format!("no memory for the compiler's stack: {error}"),
                    "free some memory".to_owned(),
                );
                Err(reports.into_list())
            }
        }
    })
}

fn program<P: Product>(
    files: &Files,
    options: &Options,
    syntax: Vec<Diagnostic>,
) -> Result<P, Vec<Diagnostic>> {
    let broken = syntax.iter().any(|found| found.severity == crate::diag::Severity::Error);
    let mut reports = Reports::default();
    if options.float.as_float().is_none() {
        reports.error_without_place(
            "E0406",
            format!("{} is not a float type", options.float),
            "use a type such as `f16` or `float<5, 11>`".to_owned(),
        );
        return Err(reports.into_list());
    }
    let names = Names::collect(files, &mut reports);
    let mut found: Option<P> = match &files.modules[0].body {
        Body::Expression(expr) => {
            let inputs = free_inputs(expr, &names);
            let checked = Checker::new(&names, &mut reports, options).expression(0, expr, &inputs);
            finish(&checked, &names, options, &mut reports, None, String::new())
        }
        Body::Items(_) => items(files, &names, options, &mut reports, broken),
    };
    let errors = broken || reports.has_errors();
    let mut diagnostics = syntax;
    let trustworthy = trustworthy(files, &diagnostics);
    diagnostics.extend(reports.into_list().into_iter().filter(trustworthy));
    diagnostics.sort_by_key(|diagnostic| (diagnostic.span.is_none(), diagnostic.span));
    match found.take() {
        Some(mut product) if !errors => {
            product.warn(diagnostics);
            Ok(product)
        }
        _ => Err(diagnostics),
    }
}

/// After a syntax error, findings inside the item that it is in, and about names, may only be its consequences.
fn trustworthy<'f>(files: &'f Files, syntax: &[Diagnostic]) -> impl Fn(&Diagnostic) -> bool + use<'f> {
    let broken: Vec<Span> = syntax
        .iter()
        .filter(|found| found.severity == crate::diag::Severity::Error)
        .filter_map(|found| found.span)
        .collect();
    let inside =
        |outer: Span, at: Span| outer.file == at.file && outer.start <= at.start && at.start <= outer.end;
    let items = files.modules.iter().flat_map(|module| match &module.body {
        Body::Items(items) => items.iter().map(|item| item.span).collect(),
        Body::Expression(expr) => vec![expr.span],
    });
    let damaged: Vec<Span> = items.filter(|item| broken.iter().any(|at| inside(*item, *at))).collect();
    move |found| {
        broken.is_empty()
            || !found.code.starts_with("E01")
                && found.code != "E0399"
                && found.span.is_none_or(|at| !damaged.iter().any(|item| inside(*item, at)))
    }
}

fn items<P: Product>(
    files: &Files,
    names: &Names<'_>,
    options: &Options,
    reports: &mut Reports,
    broken: bool,
) -> Option<P> {
    let main = names.own(0).find(|id| names.items[*id].name.name == "main");
    let entry = main.and_then(|id| match names.items[id].what {
        What::Fn(function) => Some((id, function)),
        What::Const { .. } | What::Type(_) => None,
    });
    match entry {
        None if broken => {}
        None => {
            let span = Span { file: 0, start: 0, end: 0 };
            reports.error(
                "E0100",
                span,
                "there is no function `main`",
                "a program needs one",
                "add `fn main(x: f16) -> f16 { .. }`, or write a single expression",
            );
        }
        Some((_, function)) => {
            if let Some(generic) = function.generics.first() {
                let (crate::syntax::ast::Generic::Type { name, .. }
                | crate::syntax::ast::Generic::Const { name, .. }) = generic;
                reports.error(
                    "E0108",
                    name.span,
                    "`main` cannot be generic",
                    "nobody calls it with a type",
                    "write the types of its parameters",
                );
            }
        }
    }
    let entry = entry.filter(|(id, function)| function.generics.is_empty() && !names.items[*id].recursive);
    let user: Vec<u32> =
        files.modules.iter().map(|module| module.file).filter(|file| *file < files.library_from).collect();
    let checked = Checker::new(names, reports, options).program(&user, entry.map(|(id, _)| id));
    let (id, function) = entry?;
    let results =
        function.result.names.as_ref().map(|names| names.iter().map(|name| name.name.clone()).collect());
    finish(&checked, names, options, reports, results, names.items[id].doc.to_owned())
}

/// Unrolls a checked program.
fn finish<P: Product>(
    checked: &Checked,
    names: &Names<'_>,
    options: &Options,
    reports: &mut Reports,
    results: Option<Vec<String>>,
    doc: String,
) -> Option<P> {
    let main = checked.instances.get(checked.main?)?.as_ref()?;
    let mut elaborator = Elaborator::new(checked, reports, &options.limits, names.library_from, P::PURPOSE);
    elaborator.tables = !options.flags && P::PURPOSE == Purpose::Gates;
    let (args, inputs) = elaborator.arguments(main, &options.public).ok()?;
    let value = elaborator.run(main, args).ok()?;
    elaborator.results(&value, results.as_deref(), options.float, main.body.span);
    if elaborator.reports.has_errors() {
        return None;
    }
    if options.flags {
        elaborator.reserve_flags(main.body.span);
        if elaborator.reports.has_errors() {
            return None;
        }
    }
    P::of(elaborator, &inputs, doc)
}

/// The inputs of an expression: its free names that are no constants, in order of first appearance.
fn free_inputs(expr: &Expr, names: &Names<'_>) -> Vec<(String, Span)> {
    let mut inputs: Vec<(String, Span)> = Vec::new();
    let mut seen: std::collections::BTreeSet<&str> = std::collections::BTreeSet::new();
    scope::walk(expr, &mut std::collections::BTreeSet::new(), &mut |mention| {
        if let scope::Mention::Free(name, span) = mention
            && seen.insert(name)
            && names.lookup(0, name).is_none_or(|id| !matches!(names.items[id].what, What::Const { .. }))
        {
            inputs.push((name.to_owned(), span));
        }
    });
    inputs
}
