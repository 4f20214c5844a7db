//! The scheme: parameters, keys, ciphertexts, evaluation and refresh.

pub mod adder;
pub mod params;
