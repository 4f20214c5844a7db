//! From the float IR to gates, node by node. What comes out has only gates that some output needs.

use ffhec_circuit::{Builder, Circuit, Port};
use thiserror::Error;

use super::fir::{Column, Graph, Op};
use super::range;
use super::status::status;
use crate::gadgets::apply::{Typed, apply, is_canonical};
use crate::gadgets::bits::{Bits, Gates};
use crate::gadgets::flags::{Flags, of_operands};
use crate::gadgets::float::Operand;
use crate::gadgets::format::Scalar;
use crate::gadgets::objective::Objective;
use crate::opt::remove_dead;

/// A program with more gates than the limit.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("the program has more than {limit} gates; use narrower types, fewer iterations, or a higher limit")]
pub struct TooManyGates {
    /// The limit.
    pub limit: usize,
    /// The source function that was being lowered when it was reached.
    pub function: String,
}

/// Lowers a program to the fewest ANDs: [`lower_for`] that objective.
///
/// # Errors
/// If more than `max_gates` gates were needed on the way.
pub fn lower(graph: &Graph, max_gates: usize) -> Result<Circuit, TooManyGates> {
    lower_for(graph, max_gates, Objective::FewestAnds, false)
}

/// Lowers a program to the fewest ANDs, with or without the status word: [`lower_for`] that objective.
///
/// # Errors
/// If more than `max_gates` gates were needed on the way.
pub fn lower_with(graph: &Graph, max_gates: usize, flags: bool) -> Result<Circuit, TooManyGates> {
    lower_for(graph, max_gates, Objective::FewestAnds, flags)
}

/// Lowers a program. Every input keeps its port; operations that no output needs are left out. With `flags`, five more
/// results named [`Flags::NAMES`] say which exceptions of IEEE-754 the operations raised that the results depend on
/// (module `status`).
///
/// # Errors
/// If more than `max_gates` gates were needed on the way; the work stops there.
pub fn lower_for(
    graph: &Graph,
    max_gates: usize,
    objective: Objective,
    flags: bool,
) -> Result<Circuit, TooManyGates> {
    let mut builder = Builder::new();
    let mut raised = Vec::new();
    let inputs: Vec<Bits> = graph.inputs.iter().map(|column| builder.input(port(column))).collect();
    let needed = reachable(graph);
    let known = range::intervals(graph);
    let mut gates = Gates::new(&mut builder, max_gates).built_for(objective);
    let mut values: Vec<(Bits, bool)> = Vec::with_capacity(graph.nodes.len());
    for (index, (node, needed)) in graph.nodes.iter().zip(needed).enumerate() {
        if !needed {
            values.push((Bits::new(), true));
            raised.push(None);
            continue;
        }
        let function = graph.functions.get(node.origin as usize).map_or("", String::as_str);
        gates.builder().set_origin(function);
        let typed: Vec<Typed<'_>> = node
            .operands
            .iter()
            .map(|value| {
                let (bits, canonical) = &values[value.0 as usize];
                let ty = graph.nodes[value.0 as usize].ty;
                Typed { ty, operand: Operand { bits, canonical: *canonical } }
            })
            .collect();
        let normal = known[index].as_ref().is_some_and(|interval| interval.is_normal(node.ty));
        let canonical = normal || is_canonical(&node.op, &typed);
        if flags {
            gates.watch();
        } else {
            gates.learn(range::facts(graph, node, &known, known[index].as_ref()));
        }
        let mut bits = if let Op::Input(index) = &node.op {
            inputs[*index as usize].clone()
        } else {
            apply(&mut gates, &node.op, node.ty, &typed)
        };
        if flags {
            let by_operands = of_operands(&mut gates, &node.op, node.ty, &typed);
            let by_rounding = gates.take_raised();
            raised.push(Some(by_rounding.or(&mut gates, by_operands)));
        }
        if gates.full() {
            return Err(TooManyGates { limit: max_gates, function: function.to_owned() });
        }
        debug_assert_eq!(bits.len(), node.ty.width() as usize, "{:?} gives its type's width", node.op);
        for (place, bit) in known[index].iter().flat_map(|interval| interval.known_bits(node.ty)) {
            bits[place] = gates.bit(bit);
        }
        values.push((bits, canonical));
    }
    for (column, value) in &graph.outputs {
        builder.output(port(column), &values[value.0 as usize].0);
    }
    if flags {
        let mut gates = Gates::new(&mut builder, max_gates).built_for(objective);
        let word = status(&mut gates, graph, &raised, |value| values[value.0 as usize].0[0]);
        if gates.full() {
            return Err(TooManyGates { limit: max_gates, function: "the status word".to_owned() });
        }
        for (name, wire) in Flags::NAMES.into_iter().zip(word.to_array()) {
            let kind = Scalar::Bool.to_string();
            builder.output(Port { name: name.to_owned(), kind, width: 1, range: None }, &[wire]);
        }
    }
    Ok(remove_dead(builder.finish()))
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use ffhec_circuit::{Plain, evaluate};

    use super::*;
    use crate::float::fir::{Node, Value};

    fn ty(text: &str) -> Scalar {
        Scalar::parse(text).unwrap()
    }

    /// `op` over `count` inputs of one type.
    fn program(op: Op, name: &str, count: u32) -> Graph {
        let ty = ty(name);
        let mut graph = Graph { functions: vec!["main".to_owned(), "body".to_owned()], ..Graph::default() };
        for index in 0..count {
            let range = Some((ty.parse_cell("-1").unwrap(), ty.parse_cell("2.5").unwrap()));
            graph.inputs.push(Column { name: format!("x[{index}]"), ty, range });
            graph.nodes.push(Node { op: Op::Input(index), operands: vec![], ty, origin: 0 });
        }
        graph.nodes.push(Node { op, operands: (0..count).map(Value).collect(), ty, origin: 1 });
        graph.outputs.push((Column { name: "result".to_owned(), ty, range: None }, Value(count)));
        graph
    }

    #[test]
    fn ports_carry_names_types_and_ranges() {
        let circuit = lower(&program(Op::Add, "float<5, 11>", 2), 10_000).unwrap();
        assert_eq!(circuit.inputs[1].name, "x[1]");
        assert_eq!(circuit.inputs[1].kind, "float<5, 11>");
        assert_eq!(circuit.inputs[1].range, Some(("-1".to_owned(), "2.5".to_owned())));
        assert_eq!((circuit.input_bits(), circuit.output_bits()), (32, 16));
        assert!(circuit.functions.contains(&"body".to_owned()));
    }

    #[test]
    fn unused_operations_leave_no_gates_and_unused_inputs_keep_their_ports() {
        let mut graph = program(Op::Mul, "f32", 2);
        graph.outputs[0].1 = Value(0);
        let circuit = lower(&graph, 1_000).unwrap();
        assert_eq!((circuit.counts().and, circuit.input_bits()), (0, 64));
        let inputs: Vec<u64> = (0..64).collect();
        assert_eq!(evaluate(&circuit, &Plain, &inputs), inputs[..32]);
    }

    #[test]
    fn the_gate_limit_stops_the_work_early() {
        for (op, name, count) in [
            (Op::Mul, "f64", 2),
            (Op::Sum, "float<15, 113>", 1_000),
            (Op::Dot, "ieee<15, 113>", 1_000),
            (Op::Rem, "float<15, 113>", 2),
            (Op::Remainder, "float<15, 113>", 2),
            (Op::Fma, "float<15, 113>", 3),
        ] {
            let error = lower(&program(op, name, count), 5_000).unwrap_err();
            assert_eq!(error.limit, 5_000);
        }
    }

    #[test]
    fn the_status_word_costs_nothing_unless_it_is_asked_for() {
        let graph = program(Op::Mul, "f32", 2);
        assert_eq!(lower(&graph, 100_000), lower_with(&graph, 100_000, false));
        let with = lower_with(&graph, 100_000, true).unwrap();
        assert!(with.counts().and > lower(&graph, 100_000).unwrap().counts().and);
        let names: Vec<&str> = with.outputs.iter().map(|port| port.name.as_str()).collect();
        let all = ["flag_invalid", "flag_div_by_zero", "flag_overflow", "flag_underflow", "flag_inexact"];
        assert_eq!(names, [&["result"], all.as_slice()].concat());
        assert!(matches!(lower_with(&graph, 1_000, true), Err(TooManyGates { limit: 1_000, .. })));
    }

    #[test]
    fn a_public_factor_costs_less_than_an_encrypted_one() {
        for name in ["float<5, 11>", "f32", "fixed<8, 8>", "float<8, 24>"] {
            let mut graph = program(Op::Mul, name, 2);
            let full = lower(&graph, 100_000).unwrap().counts().and;
            graph.nodes[1].op = Op::Constant(ty(name).parse_cell("0.40625").unwrap());
            let public = lower(&graph, 100_000).unwrap().counts().and;
            assert!(2 * public < full, "{name}: {public} of {full}");
            graph.nodes.swap(0, 1);
            assert_eq!(lower(&graph, 100_000).unwrap().counts().and, public, "{name}");
        }
    }

    #[test]
    fn chains_of_a_million_gates_are_lowered() {
        let mut graph = program(Op::Mul, "f16", 2);
        for index in 0..1_000 {
            let (op, last) = (if index % 2 == 0 { Op::Add } else { Op::Mul }, Value(2 + index));
            graph.nodes.push(Node { op, operands: vec![last, Value(0)], ty: ty("f16"), origin: 1 });
        }
        graph.outputs[0].1 = Value(1_002);
        let circuit = lower(&graph, 10_000_000).unwrap();
        assert!(circuit.gates.len() > 1_000_000, "{}", circuit.gates.len());
    }

    #[test]
    fn lowering_is_reproducible() {
        let graph = program(Op::Fma, "f16", 3);
        assert_eq!(lower(&graph, 10_000), lower(&graph, 10_000));
    }
}
