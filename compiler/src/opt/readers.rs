//! Who reads a wire: the edges of a circuit, forwards; and the sums that are read but once.

use ffhec_circuit::{Circuit, Gate};

/// For each wire, the gates that read it, in ascending order; a gate that reads a wire twice is there twice.
pub(super) struct Readers {
    start: Vec<u32>,
    gates: Vec<u32>,
}

impl Readers {
    /// The readers of every wire of `circuit`.
    pub(super) fn of(circuit: &Circuit) -> Self {
        let mut start = vec![0_u32; circuit.gates.len() + 1];
        for wire in circuit.gates.iter().flat_map(|gate| gate.operands()) {
            start[wire.index()] += 1;
        }
        // Where the edges of each wire end; filling them in backwards moves that to where they begin.
        let mut end = 0;
        for start in &mut start {
            end += *start;
            *start = end;
        }
        let mut gates = vec![0_u32; end as usize];
        for (index, gate) in circuit.gates.iter().enumerate().rev() {
            let index = u32::try_from(index).expect("bounded: wires have 32 bits");
            for wire in gate.operands() {
                let at = &mut start[wire.index()];
                *at -= 1;
                gates[*at as usize] = index;
            }
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

/// Whether each wire is read exactly once, by gates and by outputs.
pub(super) fn read_once(circuit: &Circuit) -> Vec<bool> {
    let (mut once, mut again) = (vec![false; circuit.gates.len()], vec![false; circuit.gates.len()]);
    let operands = circuit.gates.iter().flat_map(|gate| gate.operands());
    for wire in operands.chain(circuit.output_wires.iter().copied()) {
        let index = wire.index();
        again[index] |= once[index];
        once[index] = !again[index];
    }
    once
}

/// Whether each wire is a partial sum that only a larger sum reads, given which are read once.
pub(super) fn partial_sums(circuit: &Circuit, once: &[bool]) -> Vec<bool> {
    let mut partial = vec![false; circuit.gates.len()];
    for gate in &circuit.gates {
        if let Gate::Xor(a, b) = *gate {
            for wire in [a, b] {
                partial[wire.index()] = once[wire.index()] && matches!(circuit.gate(wire), Gate::Xor(..));
            }
        }
    }
    partial
}

/// The number of a gate.
pub(super) fn number(index: usize) -> u32 {
    u32::try_from(index).expect("bounded: wires have 32 bits")
}
