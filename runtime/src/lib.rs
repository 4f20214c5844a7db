//! The FFHE scheme and the level-parallel executor.

pub mod scheme;
