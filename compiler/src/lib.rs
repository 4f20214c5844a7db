//! Compiles `.ffl` programs to XOR/AND gate graphs.

mod approx;
pub mod diag;
pub mod float;
pub mod gadgets;
mod hir;
pub mod import;
pub mod opt;
pub mod prove;
pub mod real;
pub mod source;
pub mod syntax;

pub use hir::{Analysis, Approximation, Evaluation, Grade, Limits, Options, Proof, analyze};

use diag::{Diagnostic, Severity};
use ffhec_circuit::Circuit;
use source::{Loader, Sources};

/// A program as a circuit, refreshes not yet placed.
#[derive(Clone, Debug)]
pub struct Compiled {
    /// The gates.
    pub circuit: Circuit,
    /// What is strange about the program.
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

/// Compiles the program `sources.files[0]` to an optimised circuit. [`opt::compile_for`] makes a program for a
/// parameter set of it.
///
/// # Errors
/// Every error of the program, with warnings, in order of place.
pub fn compile(
    sources: &mut Sources,
    options: &Options,
    loader: &mut dyn Loader,
) -> Result<Compiled, Vec<Diagnostic>> {
    compile_observed(sources, options, loader, &mut |_| {})
}

/// Like [`compile`]; `done` is told the name of each stage after it, so that a caller with a clock can say where the
/// time goes.
///
/// # Errors
/// Every error of the program, with warnings, in order of place.
pub fn compile_observed(
    sources: &mut Sources,
    options: &Options,
    loader: &mut dyn Loader,
    done: &mut dyn FnMut(&'static str),
) -> Result<Compiled, Vec<Diagnostic>> {
    let mut compiled = lower_observed(sources, options, loader, done)?;
    compiled.circuit =
        opt::optimize_observed(compiled.circuit, opt::Origin::Gadgets, options.objective, done);
    Ok(compiled)
}

/// The first half of [`compile_observed`]: gates as the operations build them, for [`opt::optimize`] to make fewer.
///
/// # Errors
/// Every error of the program, with warnings, in order of place.
pub fn lower_observed(
    sources: &mut Sources,
    options: &Options,
    loader: &mut dyn Loader,
    done: &mut dyn FnMut(&'static str),
) -> Result<Compiled, Vec<Diagnostic>> {
    let Analysis { graph, places, mut warnings, doc, evaluations, proofs, requires } =
        analyze(sources, options, loader)?;
    done("check");
    let most = usize::try_from(options.limits.gates).unwrap_or(usize::MAX);
    match float::lower::lower_for(&graph, most, options.objective, options.flags) {
        Ok(circuit) => {
            done("lower");
            drop(graph);
            Ok(Compiled { circuit, warnings, doc, evaluations, proofs, requires })
        }
        Err(too_many) => {
            let message =
                format!("the program needs more than {most} gates (reached in `{}`)", too_many.function);
            let help = "shorten the program, use narrower types, or raise the limit with `--limit gates=N`";
            let place = places.get(&too_many.function).or_else(|| places.get("main")).copied();
            let label = "the limit is reached here";
            warnings.push(Diagnostic::new(Severity::Error, "E0303", place, message).label(label).help(help));
            Err(warnings)
        }
    }
}
