//! The FFHE scheme and the level-parallel executor.
