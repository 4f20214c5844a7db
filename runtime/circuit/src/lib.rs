//! The XOR/AND gate graph that joins the compiler to the virtual machine: bits only, no float meaning, no
//! ciphertext. The compiler builds a [`Circuit`], places refreshes in it for a [`Target`] and schedules it into a
//! [`Program`]; the runtime evaluates that program over any [`Machine`].

mod build;
mod circuit;
mod gate;
mod machine;
mod program;
mod target;

pub use build::Builder;
pub use circuit::{Circuit, Counts, Port};
pub use gate::{Gate, Wire};
pub use machine::{Machine, Plain, evaluate, evaluate_all};
pub use program::{Level, Program};
pub use target::{Costs, NoiseBits, Target};
