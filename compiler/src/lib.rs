//! Compiles `.ffl` programs to XOR/AND gate graphs.

pub mod diag;
pub mod float;
pub mod gadgets;
mod hir;
pub mod opt;
pub mod source;
pub mod syntax;

pub use hir::{Analysis, Limits, Options, analyze};
