//! One algebra, many machines: everything that can evaluate a circuit implements [`Machine`].

use crate::{Circuit, Gate};

/// Bits that can be added, multiplied and refreshed: cleartext bits, noise figures, ciphertexts.
pub trait Machine {
    /// One wire's value.
    type Bit: Clone;

    /// A public bit, the same in every slot.
    fn constant(&self, bit: bool) -> Self::Bit;

    /// `a ^ b`.
    fn xor(&self, a: &Self::Bit, b: &Self::Bit) -> Self::Bit;

    /// `a & b`.
    fn and(&self, a: &Self::Bit, b: &Self::Bit) -> Self::Bit;

    /// The same bits, refreshed together: refreshing a whole level in one pass is what makes it fast.
    fn refresh(&self, bits: &[&Self::Bit]) -> Vec<Self::Bit>;

    /// `!a`.
    fn not(&self, a: &Self::Bit) -> Self::Bit {
        self.xor(a, &self.constant(true))
    }
}

/// Cleartext bits, 64 rows at a time: bit `r` of the word belongs to row `r`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Plain;

impl Machine for Plain {
    type Bit = u64;

    fn constant(&self, bit: bool) -> u64 {
        if bit { u64::MAX } else { 0 }
    }

    fn xor(&self, a: &u64, b: &u64) -> u64 {
        a ^ b
    }

    fn and(&self, a: &u64, b: &u64) -> u64 {
        a & b
    }

    fn refresh(&self, bits: &[&u64]) -> Vec<u64> {
        bits.iter().map(|bit| **bit).collect()
    }
}

/// Evaluates every gate of `circuit`, one after the other, and returns the value of every output bit. The reference
/// for every faster way of running a circuit.
///
/// # Panics
/// If `inputs` has not exactly one value per input bit.
pub fn evaluate<M: Machine>(circuit: &Circuit, machine: &M, inputs: &[M::Bit]) -> Vec<M::Bit> {
    let values = evaluate_all(circuit, machine, inputs);
    circuit.output_wires.iter().map(|wire| values[wire.index()].clone()).collect()
}

/// Like [`evaluate`], for the value of every wire.
///
/// # Panics
/// If `inputs` has not exactly one value per input bit.
pub fn evaluate_all<M: Machine>(circuit: &Circuit, machine: &M, inputs: &[M::Bit]) -> Vec<M::Bit> {
    assert_eq!(inputs.len(), circuit.input_bits(), "one value per input bit");
    let mut values: Vec<M::Bit> = Vec::with_capacity(circuit.gates.len());
    for gate in &circuit.gates {
        let value = match *gate {
            Gate::Constant(bit) => machine.constant(bit),
            Gate::Input(bit) => inputs[bit as usize].clone(),
            Gate::Not(a) => machine.not(&values[a.index()]),
            Gate::Xor(a, b) => machine.xor(&values[a.index()], &values[b.index()]),
            Gate::And(a, b) => machine.and(&values[a.index()], &values[b.index()]),
            Gate::Refresh(a) => machine.refresh(&[&values[a.index()]]).swap_remove(0),
        };
        values.push(value);
    }
    values
}
