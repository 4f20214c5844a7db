//! Rebuilding a circuit through the hash-consing [`Builder`], wire by wire.

use ffhec_circuit::{Builder, Circuit, Gate, Wire};

/// A circuit being rebuilt: the new gates so far, and which new wire stands for which old one.
pub(super) struct Rebuild<'a> {
    old: &'a Circuit,
    /// The new circuit.
    pub(super) builder: Builder,
    inputs: Vec<Wire>,
    new: Vec<Option<Wire>>,
}

impl<'a> Rebuild<'a> {
    /// Starts with the input ports of `old`.
    pub(super) fn new(old: &'a Circuit) -> Self {
        let mut builder = Builder::with_functions_of(old);
        let inputs = old.inputs.iter().flat_map(|port| builder.input(port.clone())).collect();
        Rebuild { old, builder, inputs, new: vec![None; old.gates.len()] }
    }

    /// The new wire for `old`.
    pub(super) fn wire(&self, old: Wire) -> Wire {
        self.new[old.index()].expect("operands precede uses")
    }

    /// New gates come from where old gate number `index` came from.
    pub(super) fn like(&mut self, index: usize) {
        self.builder.set_origin_index(self.old.origins[index]);
    }

    /// Rebuilds old gate number `index`, whose operands have been rebuilt, as it is.
    pub(super) fn copy(&mut self, index: usize) {
        self.like(index);
        let wire = match self.old.gates[index] {
            Gate::Constant(bit) => self.builder.constant(bit),
            Gate::Input(bit) => self.inputs[bit as usize],
            Gate::Not(a) => {
                let a = self.wire(a);
                self.builder.not(a)
            }
            Gate::Xor(a, b) => {
                let (a, b) = (self.wire(a), self.wire(b));
                self.builder.xor(a, b)
            }
            Gate::And(a, b) => {
                let (a, b) = (self.wire(a), self.wire(b));
                self.builder.and(a, b)
            }
            Gate::Refresh(a) => {
                let a = self.wire(a);
                self.builder.refresh(a)
            }
        };
        self.set(index, wire);
    }

    /// `wire` stands for old gate number `index`.
    pub(super) fn set(&mut self, index: usize, wire: Wire) {
        self.new[index] = Some(wire);
    }

    /// Adds the output ports and ends.
    pub(super) fn finish(mut self) -> Circuit {
        let mut bits =
            self.old.output_wires.iter().map(|&wire| self.new[wire.index()].expect("all gates rebuilt"));
        for port in &self.old.outputs {
            let wires: Vec<Wire> = bits.by_ref().take(port.width as usize).collect();
            self.builder.output(port.clone(), &wires);
        }
        self.builder.finish()
    }
}
