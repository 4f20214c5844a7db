//! Who reads a wire: the edges of a circuit, forwards.

use ffhec_circuit::Circuit;

/// For each wire, the gates that read it, in ascending order; a gate that reads a wire twice is there twice.
pub(super) struct Readers {
    start: Vec<u32>,
    gates: Vec<u32>,
}

impl Readers {
    /// The readers of every wire of `circuit`.
    pub(super) fn of(circuit: &Circuit) -> Self {
        Self::among(circuit, |_, _| true)
    }

    /// Only those edges from a wire to a gate for which `keep(wire, gate)` holds.
    pub(super) fn among(circuit: &Circuit, keep: impl Fn(usize, usize) -> bool) -> Self {
        let edges = || {
            circuit.gates.iter().enumerate().flat_map(|(index, gate)| {
                gate.operands()
                    .map(move |wire| (wire.index(), index))
                    .filter(|&(wire, index)| keep(wire, index))
            })
        };
        let mut start = vec![0_u32; circuit.gates.len() + 1];
        for (wire, _) in edges() {
            start[wire + 1] += 1;
        }
        for wire in 1..start.len() {
            start[wire] += start[wire - 1];
        }
        let mut next = start.clone();
        let mut gates = vec![0_u32; start[circuit.gates.len()] as usize];
        for (wire, index) in edges() {
            gates[next[wire] as usize] = u32::try_from(index).expect("bounded: wires have 32 bits");
            next[wire] += 1;
        }
        Readers { start, gates }
    }

    /// The gates that read wire number `wire`.
    pub(super) fn of_wire(&self, wire: usize) -> &[u32] {
        &self.gates[self.range(wire)]
    }

    /// Where in the list of all edges those of wire number `wire` lie.
    pub(super) fn range(&self, wire: usize) -> std::ops::Range<usize> {
        self.start[wire] as usize..self.start[wire + 1] as usize
    }

    /// All edges, wire after wire.
    pub(super) fn all(&self) -> &[u32] {
        &self.gates
    }
}

/// How often each wire is read, by gates and by outputs.
pub(super) fn fan_outs(circuit: &Circuit) -> Vec<u32> {
    let mut counts = vec![0_u32; circuit.gates.len()];
    let operands = circuit.gates.iter().flat_map(|gate| gate.operands());
    for wire in operands.chain(circuit.output_wires.iter().copied()) {
        counts[wire.index()] += 1;
    }
    counts
}
