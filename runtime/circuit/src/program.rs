//! A scheduled circuit: what the virtual machine executes.

use std::ops::Range;

use crate::{Circuit, Wire};

/// A run of gates that do not depend on each other. A level is either all refreshes, handed to the machine together,
/// or has none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Level {
    /// Gate numbers.
    pub gates: Range<u32>,
    /// Wires that nothing after this level reads and that are no outputs: their values can be dropped.
    pub dead: Vec<Wire>,
}

/// A circuit with its refreshes placed for one preset, its gates sorted into levels.
///
/// Invariant (see [`crate::Program::verify`]): the levels cover the gates in order; operands lie in earlier levels;
/// no wire is read after the level it dies in; outputs never die.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// The gates, refreshes included.
    pub circuit: Circuit,
    /// The levels, in the order of execution.
    pub levels: Vec<Level>,
    /// The preset that the refreshes were placed for.
    pub preset: String,
}
