//! The scheme: parameters, keys, ciphertexts, evaluation and refresh.

pub mod adder;
pub mod cipher;
mod crt;
pub(crate) mod element;
pub mod eval;
pub mod keys;
pub mod params;
pub mod refresh;

#[cfg(test)]
mod tests;
