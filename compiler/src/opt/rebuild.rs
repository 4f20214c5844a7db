//! Rebuilding a circuit through the hash-consing [`Builder`], wire by wire.

use ffhec_circuit::{Builder, Circuit, Gate, Wire};

/// A circuit being rebuilt: the new gates so far, and which new wire stands for which old one.
pub(super) struct Rebuild<'a> {
    old: &'a Circuit,
    /// The new circuit.
    pub(super) builder: Builder,
    inputs: Vec<Wire>,
    /// The new wire of each old one; [`NONE`] before it is rebuilt.
    new: Vec<u32>,
}

/// No wire: circuits have fewer gates.
const NONE: u32 = u32::MAX;

impl<'a> Rebuild<'a> {
    /// Starts with the input ports of `old`.
    pub(super) fn new(old: &'a Circuit) -> Self {
        let mut builder = Builder::with_functions_of(old);
        let inputs = old.inputs.iter().flat_map(|port| builder.input(port.clone())).collect();
        Rebuild { old, builder, inputs, new: vec![NONE; old.gates.len()] }
    }

    /// The new wire for `old`.
    #[inline]
    pub(super) fn wire(&self, old: Wire) -> Wire {
        let new = self.new[old.index()];
        debug_assert_ne!(new, NONE, "operands precede uses");
        Wire::new(new as usize)
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
        self.new[index] = u32::try_from(wire.index()).expect("bounded: wires have 32 bits");
    }

    /// Adds the output ports and ends.
    pub(super) fn finish(mut self) -> Circuit {
        let mut old = self.old.output_wires.iter();
        for port in &self.old.outputs {
            let bits = old.by_ref().take(port.width as usize);
            let wires: Vec<Wire> = bits.map(|&wire| self.wire(wire)).collect();
            self.builder.output(port.clone(), &wires);
        }
        self.builder.finish()
    }
}
