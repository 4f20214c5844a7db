//! Arithmetic as gates.

pub mod format;
