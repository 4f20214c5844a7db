//! The status word of a program: which exceptions its operations raised.
//!
//! An operation counts if a result depends on it. A selection (an `if` on encrypted data) depends on its condition and
//! on the side that it takes, so what the other side raises does not count, as in a language where only one side runs.
//! This is decided from the results backward: every operation is active if one of its uses is.

use ffhec_circuit::Wire;

use super::fir::{Graph, Op, Value};
use crate::gadgets::bits::Gates;
use crate::gadgets::flags::Flags;

/// The exceptions of all active operations. `raised` holds those of each operation that was built, and `condition`
/// gives the wire of a bool value.
pub(super) fn status(
    g: &mut Gates<'_>,
    graph: &Graph,
    raised: &[Option<Flags>],
    condition: impl Fn(Value) -> Wire,
) -> Flags {
    let no = g.bit(false);
    let mut active = vec![no; graph.nodes.len()];
    for (_, value) in &graph.outputs {
        active[value.0 as usize] = g.bit(true);
    }
    let mut word = Flags::none(g);
    for (index, node) in graph.nodes.iter().enumerate().rev() {
        let here = active[index];
        let Some(flags) = raised.get(index).copied().flatten() else { continue };
        if g.full() {
            break;
        }
        let flags = flags.only_if(g, here);
        word = word.or(g, flags);
        let use_of = |g: &mut Gates<'_>, active: &mut Vec<Wire>, value: Value, when: Wire| {
            let place = &mut active[value.0 as usize];
            *place = g.or(*place, when);
        };
        if node.op == Op::Select {
            let choice = condition(node.operands[0]);
            let yes = g.and(here, choice);
            let no = g.xor(here, yes);
            use_of(g, &mut active, node.operands[0], here);
            use_of(g, &mut active, node.operands[1], yes);
            use_of(g, &mut active, node.operands[2], no);
        } else {
            for &operand in &node.operands {
                use_of(g, &mut active, operand, here);
            }
        }
    }
    word
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use ffhec_circuit::{Plain, evaluate};

    use super::super::fir::{Column, Node};
    use super::super::lower::lower_with;
    use super::*;
    use crate::gadgets::format::Scalar;

    /// `if c { x / y } else { x * y }`, and perhaps the quotient as a result of its own.
    fn graph(quotient_too: bool) -> Graph {
        let ty = Scalar::parse("f16").unwrap();
        let mut graph = Graph { functions: vec!["main".to_owned()], ..Graph::default() };
        let column = |name: &str, ty| Column { name: name.to_owned(), ty, range: None };
        for (index, (name, ty)) in [("c", Scalar::Bool), ("x", ty), ("y", ty)].into_iter().enumerate() {
            graph.inputs.push(column(name, ty));
            let op = Op::Input(u32::try_from(index).unwrap());
            graph.nodes.push(Node { op, operands: vec![], ty, origin: 0 });
        }
        let mut push = |op, operands: &[u32]| {
            let operands = operands.iter().copied().map(Value).collect();
            graph.nodes.push(Node { op, operands, ty, origin: 0 });
        };
        push(Op::Div, &[1, 2]);
        push(Op::Mul, &[1, 2]);
        push(Op::Select, &[0, 3, 4]);
        graph.outputs.push((column("result", ty), Value(5)));
        if quotient_too {
            graph.outputs.push((column("quotient", ty), Value(3)));
        }
        graph
    }

    /// The status word, lowest bit invalid.
    fn word(graph: &Graph, choice: bool, x: &str, y: &str) -> u64 {
        let ty = Scalar::parse("f16").unwrap();
        let mut inputs = vec![u64::from(choice)];
        for cell in [x, y] {
            let bits = ty.parse_cell(cell).unwrap();
            inputs.extend((0..16).map(|bit| u64::from(bits.bit(bit))));
        }
        let out = evaluate(&lower_with(graph, 100_000, true).unwrap(), &Plain, &inputs);
        let flags = &out[out.len() - 5..];
        flags.iter().enumerate().map(|(bit, value)| (value & 1) << bit).sum()
    }

    #[test]
    fn only_the_side_that_is_taken_counts() {
        let (one, both) = (graph(false), graph(true));
        for (x, y, quotient, product) in
            [("1", "0", 2, 0), ("0", "inf", 0, 1), ("1", "3", 16, 0), ("60000", "2", 0, 20), ("0", "0", 1, 0)]
        {
            assert_eq!(word(&one, true, x, y), quotient, "{x} / {y}");
            assert_eq!(word(&one, false, x, y), product, "{x} * {y}");
            assert_eq!(word(&both, true, x, y), quotient, "{x} / {y}, twice");
            assert_eq!(word(&both, false, x, y), quotient | product, "{x} * {y} and {x} / {y}");
        }
    }
}
