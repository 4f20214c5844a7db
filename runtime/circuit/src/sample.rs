//! Circuits and programs for tests.

use proptest::prelude::*;

use crate::{Builder, Circuit, Gate, Port, Program, Wire};

pub(crate) fn port(name: &str, width: u32) -> Port {
    Port {
        name: name.into(),
        kind: format!("uint<{width}>"),
        width,
        range: (width > 2).then(|| ("0".into(), "1.5e-3".into())),
    }
}

/// A two-bit adder with a refreshed carry.
pub(crate) fn adder() -> Program {
    let mut builder = Builder::new();
    builder.set_origin("main");
    let x = builder.input(port("x", 2));
    let y = builder.input(port("y", 2));
    builder.set_origin("add");
    let carry = builder.and(x[0], y[0]);
    let carry = builder.refresh(carry);
    let low = builder.xor(x[0], y[0]);
    let differ = builder.xor(x[1], y[1]);
    let high = builder.xor(differ, carry);
    let both = builder.and(x[1], y[1]);
    let chain = builder.and(differ, carry);
    let top = builder.xor(both, chain);
    builder.output(port("sum", 3), &[low, high, top]);
    Program::in_order(builder.finish(), "toy")
}

/// Anything that the verifier accepts: every kind of gate, unread wires, shared operands, odd names.
pub(crate) fn circuits() -> impl Strategy<Value = Circuit> {
    let gates = prop::collection::vec((0_u8..6, any::<u16>(), any::<u16>(), 0_u32..3), 0..60);
    let ports = prop::collection::vec((".{0,6}", 0_u32..5), 0..4);
    (gates, ports.clone(), ports, any::<u16>(), prop::collection::vec("[a-z\"\\\\ ;é]{1,5}", 3)).prop_map(
        |(recipe, inputs, outputs, seed, names)| {
            let mut circuit = Circuit {
                functions: names.iter().enumerate().map(|(n, name)| format!("{name}{n}")).collect(),
                inputs: inputs.iter().map(|(name, width)| port(name, *width)).collect(),
                ..Circuit::default()
            };
            for bit in 0..circuit.input_bits() {
                circuit.gates.push(Gate::Input(bit as u32));
            }
            circuit.gates.push(Gate::Constant(seed % 2 == 0));
            circuit.origins = vec![0; circuit.gates.len()];
            for (kind, a, b, origin) in recipe {
                let pick = |n: u16| Wire::new(n as usize % circuit.gates.len());
                let gate = match kind {
                    0 => Gate::Not(pick(a)),
                    1 => Gate::Refresh(pick(a)),
                    2 => Gate::Constant(a % 2 == 0),
                    3 | 4 => Gate::And(pick(a), pick(b)),
                    _ => Gate::Xor(pick(a), pick(b)),
                };
                circuit.gates.push(gate);
                circuit.origins.push(origin);
            }
            for (name, width) in outputs {
                for bit in 0..width {
                    let index = (seed as usize).wrapping_mul(31 + bit as usize) % circuit.gates.len();
                    circuit.output_wires.push(Wire::new(index));
                }
                circuit.outputs.push(port(&name, width));
            }
            circuit
        },
    )
}

pub(crate) fn programs() -> impl Strategy<Value = Program> {
    circuits().prop_map(|circuit| Program::in_order(circuit, "toy"))
}
