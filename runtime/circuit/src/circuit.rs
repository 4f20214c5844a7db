//! A circuit: a flat list of gates between named input and output ports.

use crate::{Gate, Wire};

/// A named group of bits, least significant first: one scalar of the program's parameters or results.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Port {
    /// The column name in tables, such as `age` or `w[0][1]`.
    pub name: String,
    /// How the bits encode a value, in the notation of the language (`float<5, 11>`); opaque here.
    pub kind: String,
    /// Number of bits.
    pub width: u32,
    /// The promised closed range, as literals of the language; opaque here.
    pub range: Option<(String, String)>,
}

/// An XOR/AND graph. Invariant (see [`crate::Circuit::verify`]): operands precede their uses, input bits are in
/// range, and `outputs` holds as many wires as the output ports have bits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Circuit {
    /// The gates; gate `i` drives [`Wire`] `i`.
    pub gates: Vec<Gate>,
    /// For each gate, the index in `functions` of the source function it was lowered from.
    pub origins: Vec<u32>,
    /// Names of the source functions that `origins` refers to.
    pub functions: Vec<String>,
    /// The input ports, in the order of the program's parameters.
    pub inputs: Vec<Port>,
    /// The output ports, in the order of the program's results.
    pub outputs: Vec<Port>,
    /// The wires of all output bits, port after port, least significant bit first.
    pub output_wires: Vec<Wire>,
}

/// How many gates of each kind a circuit has, and its AND-depth.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// AND gates: the multiplicative complexity.
    pub and: usize,
    /// XOR gates (complements not counted).
    pub xor: usize,
    /// Complement gates.
    pub not: usize,
    /// Refresh gates.
    pub refresh: usize,
    /// The multiplicative depth: the most AND gates on any path.
    pub and_depth: usize,
}

impl Circuit {
    /// Total number of input bits.
    pub fn input_bits(&self) -> usize {
        self.inputs.iter().map(|port| port.width as usize).sum()
    }

    /// Total number of output bits.
    pub fn output_bits(&self) -> usize {
        self.outputs.iter().map(|port| port.width as usize).sum()
    }

    /// The gate that drives `wire`.
    pub fn gate(&self, wire: Wire) -> Gate {
        self.gates[wire.index()]
    }

    /// A circuit with the same ports and functions, room for `gates` gates, and none yet, nor output wires.
    pub fn emptied(&self, gates: usize) -> Circuit {
        Circuit {
            gates: Vec::with_capacity(gates),
            origins: Vec::with_capacity(gates),
            functions: self.functions.clone(),
            inputs: self.inputs.clone(),
            outputs: self.outputs.clone(),
            output_wires: Vec::new(),
        }
    }

    /// The same function with every refresh replaced by its operand; refresh gates no longer read stay out.
    pub fn without_refreshes(&self) -> Circuit {
        let mut kept: Vec<Wire> = Vec::with_capacity(self.gates.len());
        let mut circuit = self.emptied(self.gates.len());
        for (gate, &origin) in self.gates.iter().zip(&self.origins) {
            if let Gate::Refresh(operand) = gate {
                kept.push(kept[operand.index()]);
            } else {
                kept.push(Wire::new(circuit.gates.len()));
                circuit.gates.push(gate.map(|wire| kept[wire.index()]));
                circuit.origins.push(origin);
            }
        }
        circuit.output_wires = self.output_wires.iter().map(|wire| kept[wire.index()]).collect();
        circuit
    }

    /// Gate counts and AND-depth over all gates, used or not.
    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        let mut depth = vec![0_u32; self.gates.len()];
        for (index, gate) in self.gates.iter().enumerate() {
            let below = gate.operands().map(|wire| depth[wire.index()]).max().unwrap_or(0);
            depth[index] = below + u32::from(matches!(gate, Gate::And(..)));
            match gate {
                Gate::And(..) => counts.and += 1,
                Gate::Xor(..) => counts.xor += 1,
                Gate::Not(_) => counts.not += 1,
                Gate::Refresh(_) => counts.refresh += 1,
                Gate::Constant(_) | Gate::Input(_) => {}
            }
        }
        counts.and_depth = depth.iter().copied().max().unwrap_or(0) as usize;
        counts
    }
}
