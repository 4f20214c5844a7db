//! The scheme (FFHE paper, sections 5 and 6; our own account of it is `scheme.md`).
//!
//! [`params`] validates a parameter set and derives all sizes; [`keys`] generates the secret key and the two halves of
//! the public key, whose elements are stored compressed; [`cipher`] encrypts and decrypts; [`eval`] is the machine
//! that computes on ciphertexts; [`refresh`] restores their noise, with the [`adder`]; [`noise`] says how much
//! of it there is.

pub mod adder;
mod boxes;
mod buffers;
pub mod cipher;
mod costs;
mod crt;
mod digits;
pub(crate) mod element;
pub mod eval;
pub(crate) mod expansion;
pub mod keys;
pub mod noise;
pub mod params;
mod patterns;
pub(crate) mod profile;
pub mod refresh;
#[cfg(target_arch = "x86_64")]
mod simd;
#[cfg(not(target_arch = "x86_64"))]
#[path = "simd_none.rs"]
mod simd;
mod source;

#[cfg(test)]
mod tests;
