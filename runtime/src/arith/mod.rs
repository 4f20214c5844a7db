//! Integer arithmetic on little-endian slices of 64-bit limbs, and modulo `x_0`.
//!
//! Everything that multiplies large integers goes through [`limbs::product`] and [`Modulus`]: small products by rows and
//! Karatsuba's method, large ones by number-theoretic transforms, with the vector instructions of the machine
//! ([`Instructions`]).

pub mod limbs;
mod modulus;
mod ntt;
mod operand;
pub mod primes;
pub mod random;

pub use modulus::{Modulus, ModulusError};
pub use ntt::Instructions;
pub use operand::Transformed;
