//! Integer arithmetic on little-endian slices of 64-bit limbs, and modulo `x_0`.
//!
//! Everything that multiplies large integers goes through [`limbs::product`] and [`Modulus`]: small products by rows and
//! Karatsuba's method, large ones by number-theoretic transforms, with the vector instructions of the machine
//! ([`Instructions`]).

pub mod division;
pub mod factor;
pub mod forms;
pub mod limbs;
mod modulus;
pub mod montgomery;
mod ntt;
mod operand;
pub mod primes;
pub mod random;
pub mod tree;

pub use modulus::{Modulus, ModulusError};
pub use ntt::Instructions;
pub(crate) use ntt::Pair;
pub use operand::Transformed;
