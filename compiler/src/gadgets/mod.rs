//! Arithmetic as gates.

pub mod codec;
pub mod format;
pub mod text;
