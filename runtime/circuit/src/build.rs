//! The hash-consing builder: equal gates are made once, constants and complements are folded as gates are added.

use std::collections::HashMap;

use crate::{Circuit, Gate, Port, Wire};

/// Builds a [`Circuit`] gate by gate. The same calls give the same circuit, byte for byte.
#[derive(Clone, Debug, Default)]
pub struct Builder {
    circuit: Circuit,
    known: HashMap<Gate, Wire>,
    origin: u32,
}

impl Builder {
    /// A builder with no gates.
    pub fn new() -> Self {
        Self::default()
    }

    /// Gates made from now on come from the source function `name`.
    pub fn set_origin(&mut self, name: &str) {
        let functions = &mut self.circuit.functions;
        let index = functions.iter().position(|known| known == name).unwrap_or_else(|| {
            functions.push(name.to_owned());
            functions.len() - 1
        });
        self.origin = u32::try_from(index).expect("bounded: one entry per function of the program");
    }

    /// Adds an input port and returns its bits, least significant first.
    pub fn input(&mut self, port: Port) -> Vec<Wire> {
        let first = self.circuit.input_bits();
        let bits = (first..first + port.width as usize)
            .map(|bit| self.push(Gate::Input(u32::try_from(bit).expect("bounded: below the gate limit"))))
            .collect();
        self.circuit.inputs.push(port);
        bits
    }

    /// Adds an output port driven by `bits`, least significant first.
    ///
    /// # Panics
    /// If the number of bits is not the port's width.
    pub fn output(&mut self, port: Port, bits: &[Wire]) {
        assert_eq!(bits.len(), port.width as usize, "an output port has one wire per bit");
        self.circuit.output_wires.extend_from_slice(bits);
        self.circuit.outputs.push(port);
    }

    /// The finished circuit.
    pub fn finish(self) -> Circuit {
        self.circuit
    }

    /// Number of gates so far, for limits.
    pub fn len(&self) -> usize {
        self.circuit.gates.len()
    }

    /// Whether there are no gates yet.
    pub fn is_empty(&self) -> bool {
        self.circuit.gates.is_empty()
    }

    /// The value of a wire that is constant.
    pub fn as_constant(&self, wire: Wire) -> Option<bool> {
        match self.circuit.gate(wire) {
            Gate::Constant(bit) => Some(bit),
            Gate::Input(_) | Gate::Not(_) | Gate::Xor(..) | Gate::And(..) | Gate::Refresh(_) => None,
        }
    }

    /// A public bit.
    pub fn constant(&mut self, bit: bool) -> Wire {
        self.push(Gate::Constant(bit))
    }

    /// The complement of `a`.
    pub fn not(&mut self, a: Wire) -> Wire {
        match self.circuit.gate(a) {
            Gate::Constant(bit) => self.constant(!bit),
            Gate::Not(inner) => inner,
            Gate::Input(_) | Gate::Xor(..) | Gate::And(..) | Gate::Refresh(_) => self.push(Gate::Not(a)),
        }
    }

    /// `a ^ b`. Complements are moved out, so that equal sums meet.
    pub fn xor(&mut self, a: Wire, b: Wire) -> Wire {
        let ((a, flip_a), (b, flip_b)) = (self.strip(a), self.strip(b));
        let flip = flip_a ^ flip_b;
        let sum = match (self.as_constant(a), self.as_constant(b)) {
            (Some(x), Some(y)) => self.constant(x ^ y),
            (Some(x), None) => return self.not_if(b, x ^ flip),
            (None, Some(y)) => return self.not_if(a, y ^ flip),
            (None, None) if a == b => self.constant(false),
            (None, None) => match self.cancel(a, b).or_else(|| self.cancel(b, a)) {
                Some(rest) => rest,
                None => self.push(Gate::Xor(a.min(b), a.max(b))),
            },
        };
        self.not_if(sum, flip)
    }

    /// `a & b`.
    pub fn and(&mut self, a: Wire, b: Wire) -> Wire {
        match (self.as_constant(a), self.as_constant(b)) {
            (Some(false), _) | (_, Some(false)) => return self.constant(false),
            (Some(true), _) => return b,
            (_, Some(true)) => return a,
            (None, None) => {}
        }
        let ((x, flip_x), (y, flip_y)) = (self.strip(a), self.strip(b));
        if x == y {
            return if flip_x == flip_y { a } else { self.constant(false) };
        }
        // (x ^ p)(y ^ q) = xy ^ qx ^ py ^ pq: one AND gate serves all four sign patterns, and XOR is free.
        let product = self.push(Gate::And(x.min(y), x.max(y)));
        let with_x = if flip_y { self.xor(product, x) } else { product };
        let with_y = if flip_x { self.xor(with_x, y) } else { with_x };
        self.not_if(with_y, flip_x && flip_y)
    }

    /// `a | b`.
    pub fn or(&mut self, a: Wire, b: Wire) -> Wire {
        let both = self.and(a, b);
        let one = self.xor(a, b);
        self.xor(one, both)
    }

    /// `if choice { yes } else { no }`, with one AND.
    pub fn mux(&mut self, choice: Wire, yes: Wire, no: Wire) -> Wire {
        let differ = self.xor(yes, no);
        let change = self.and(choice, differ);
        self.xor(change, no)
    }

    /// `a`, refreshed.
    pub fn refresh(&mut self, a: Wire) -> Wire {
        match self.as_constant(a) {
            Some(_) => a,
            None => self.push(Gate::Refresh(a)),
        }
    }

    /// If `sum` is `part ^ rest` or the like, the rest.
    fn cancel(&self, sum: Wire, part: Wire) -> Option<Wire> {
        match self.circuit.gate(sum) {
            Gate::Xor(x, y) if x == part => Some(y),
            Gate::Xor(x, y) if y == part => Some(x),
            Gate::Constant(_)
            | Gate::Input(_)
            | Gate::Not(_)
            | Gate::Xor(..)
            | Gate::And(..)
            | Gate::Refresh(_) => None,
        }
    }

    fn strip(&self, wire: Wire) -> (Wire, bool) {
        match self.circuit.gate(wire) {
            Gate::Not(inner) => (inner, true),
            Gate::Constant(_) | Gate::Input(_) | Gate::Xor(..) | Gate::And(..) | Gate::Refresh(_) => {
                (wire, false)
            }
        }
    }

    fn not_if(&mut self, wire: Wire, flip: bool) -> Wire {
        if flip { self.not(wire) } else { wire }
    }

    fn push(&mut self, gate: Gate) -> Wire {
        if let Some(&wire) = self.known.get(&gate) {
            return wire;
        }
        let wire = Wire::new(self.circuit.gates.len());
        self.circuit.gates.push(gate);
        self.circuit.origins.push(self.origin);
        self.known.insert(gate, wire);
        wire
    }
}
