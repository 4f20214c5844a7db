//! Programs written for other tools, as `.ffl` texts.

mod fpcore;
mod names;
mod number;
mod range;
mod sexpr;
#[cfg(test)]
mod tests;

pub use fpcore::{Core, fpcore, fpcore_text};
