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
