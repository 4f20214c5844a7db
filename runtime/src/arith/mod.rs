//! Integer arithmetic on little-endian slices of 64-bit limbs, and modulo `x_0`.
//!
//! Everything that multiplies large integers goes through [`limbs::product`] and [`Modulus`], so what is under them
//! can be replaced without touching the scheme.

pub mod division;
pub mod factor;
pub mod limbs;
mod modulus;
pub mod primes;
pub mod random;
pub mod tree;

pub use modulus::{Modulus, ModulusError};
