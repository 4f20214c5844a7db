//! The XOR/AND gate graph that joins the compiler to the virtual machine: bits only, no float meaning, no
//! ciphertext. The compiler builds a [`Circuit`], places refreshes in it for a [`Target`] and schedules it into a
//! [`Program`]; the runtime evaluates that program over any [`Machine`].

mod build;
mod circuit;
mod codec;
pub mod container;
mod equivalence;
pub mod formats;
mod gate;
mod graph;
mod machine;
mod noise;
mod program;
#[cfg(test)]
mod sample;
mod signature;
mod stats;
mod target;
mod text;
mod verify;

pub use build::Builder;
pub use circuit::{Circuit, Counts, Port};
pub use codec::{DecodeError, ProgramFileError};
pub use equivalence::{Comparison, Difference, VARIABLES, counted, splitmix64};
pub use gate::{Gate, Operands, Wire};
pub use machine::{Machine, Plain, evaluate, evaluate_all};
pub use noise::{NoiseError, NoiseReport};
pub use program::{Level, Program};
pub use signature::Signature;
pub use stats::{CriticalPath, FunctionStats, LevelStats, Stats};
pub use target::{Costs, NoiseBits, NoiseRules, Target};
pub use text::TextError;
pub use verify::{MAX_INPUT_BITS, VerifyError};
