//! Arithmetic as gates: from the scalar operations of the float IR to XOR and AND, for the fewest ANDs or for the
//! shortest chains of them ([`objective`]).

pub mod add;
pub mod add_fast;
pub mod apply;
pub mod bits;
pub mod codec;
pub mod compare;
pub mod compress;
pub mod constant;
pub mod convert;
pub mod divide;
pub mod flags;
pub mod float;
pub mod format;
pub mod integer;
pub mod mul;
pub mod mul_fast;
pub mod mul_gradual;
pub mod multiply;
pub mod objective;
pub mod parts;
pub mod prefix;
pub mod protocol;
pub mod recip;
pub mod remainder;
pub mod round;
pub mod shift;
pub mod shift_fast;
pub mod sum;
pub mod table;
pub mod text;
pub mod window;

#[cfg(test)]
mod flags_reference;
#[cfg(test)]
mod reference;
#[cfg(test)]
mod sum_reference;
