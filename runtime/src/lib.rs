//! The FFHE scheme and the level-parallel executor.

pub mod exec;
pub mod scheme;
