//! Arithmetic as gates: from the scalar operations of the float IR to XOR and AND, fewest ANDs first.

pub mod add;
pub mod apply;
pub mod bits;
pub mod codec;
pub mod compare;
pub mod convert;
pub mod divide;
pub mod flags;
pub mod float;
pub mod format;
pub mod integer;
pub mod mul;
pub mod multiply;
pub mod parts;
pub mod protocol;
pub mod remainder;
pub mod round;
pub mod shift;
pub mod sum;
pub mod text;

#[cfg(test)]
mod flags_reference;
#[cfg(test)]
mod reference;
