//! The flat float IR and its lowering to gates.

pub mod fir;
pub mod fold;
pub mod lower;
pub mod range;
mod status;
