//! From the float IR to gates, node by node. What comes out has only gates that some output needs.

use ffhec_circuit::{Builder, Circuit, Gate, Port, Wire};
use thiserror::Error;

use super::fir::{Column, Graph, Op};
use crate::gadgets::apply::{Typed, apply, is_canonical};
use crate::gadgets::bits::{Bits, Gates};
use crate::gadgets::float::Operand;

/// A program with more gates than the limit.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("the program has more than {limit} gates; use narrower types, fewer iterations, or a higher limit")]
pub struct TooManyGates {
    /// The limit.
    pub limit: usize,
    /// The source function that was being lowered when it was reached.
    pub function: String,
}

/// Lowers a program. Every input keeps its port; operations that no output needs are left out.
///
/// # Errors
/// If more than `max_gates` gates were needed on the way; the work stops there.
pub fn lower(graph: &Graph, max_gates: usize) -> Result<Circuit, TooManyGates> {
    let mut builder = Builder::new();
    let inputs: Vec<Bits> = graph.inputs.iter().map(|column| builder.input(port(column))).collect();
    let needed = reachable(graph);
    let mut values: Vec<(Bits, bool)> = Vec::with_capacity(graph.nodes.len());
    for (node, needed) in graph.nodes.iter().zip(needed) {
        if !needed {
            values.push((Bits::new(), true));
            continue;
        }
        let function = graph.functions.get(node.origin as usize).map_or("", String::as_str);
        builder.set_origin(function);
        let typed: Vec<Typed<'_>> = node
            .operands
            .iter()
            .map(|value| {
                let (bits, canonical) = &values[value.0 as usize];
                let ty = graph.nodes[value.0 as usize].ty;
                Typed { ty, operand: Operand { bits, canonical: *canonical } }
            })
            .collect();
        let canonical = is_canonical(&node.op, &typed);
        let mut gates = Gates::new(&mut builder, max_gates);
        let bits = match &node.op {
            Op::Input(index) => inputs[*index as usize].clone(),
            op => apply(&mut gates, op, node.ty, &typed),
        };
        if gates.full() {
            return Err(TooManyGates { limit: max_gates, function: function.to_owned() });
        }
        debug_assert_eq!(bits.len(), node.ty.width() as usize, "{:?} gives its type's width", node.op);
        values.push((bits, canonical));
    }
    for (column, value) in &graph.outputs {
        builder.output(port(column), &values[value.0 as usize].0);
    }
    Ok(sweep(builder.finish()))
}

fn port(column: &Column) -> Port {
    let range = column.range.as_ref().map(|(low, high)| (column.ty.print(low), column.ty.print(high)));
    Port { name: column.name.clone(), kind: column.ty.to_string(), width: column.ty.width(), range }
}

/// Which nodes some output needs.
fn reachable(graph: &Graph) -> Vec<bool> {
    let mut needed = vec![false; graph.nodes.len()];
    for (_, value) in &graph.outputs {
        needed[value.0 as usize] = true;
    }
    for index in (0..graph.nodes.len()).rev() {
        if needed[index] {
            for operand in &graph.nodes[index].operands {
                needed[operand.0 as usize] = true;
            }
        }
    }
    needed
}

/// The circuit without gates that no output needs; inputs stay.
fn sweep(circuit: Circuit) -> Circuit {
    let mut live = vec![false; circuit.gates.len()];
    for wire in &circuit.output_wires {
        live[wire.index()] = true;
    }
    for (index, gate) in circuit.gates.iter().enumerate().rev() {
        if matches!(gate, Gate::Input(_)) {
            live[index] = true;
        }
        if live[index] {
            for operand in gate.operands() {
                live[operand.index()] = true;
            }
        }
    }
    let mut places = vec![Wire::new(0); circuit.gates.len()];
    let mut swept = Circuit {
        functions: circuit.functions,
        inputs: circuit.inputs,
        outputs: circuit.outputs,
        ..Circuit::default()
    };
    for (index, gate) in circuit.gates.iter().enumerate() {
        if live[index] {
            places[index] = Wire::new(swept.gates.len());
            swept.gates.push(gate.map(|wire| places[wire.index()]));
            swept.origins.push(circuit.origins[index]);
        }
    }
    swept.output_wires = circuit.output_wires.iter().map(|wire| places[wire.index()]).collect();
    swept
}
