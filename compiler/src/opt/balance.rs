//! Rebalances AND trees and XOR trees by the depth of their leaves.
//!
//! A tree is a gate with all gates of its kind below it that nothing else reads; any order of joining its leaves gives
//! the same function with as many gates. Joining the two shallowest first, as in Huffman's algorithm, gives the least
//! depth of the root (Golumbic, "Combinatorial merging", 1976). AND trees go by AND-depth; XOR trees by AND-depth and
//! then by length of the longest path, for the sake of parallel work. A tree that gains nothing stays as it is.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use ffhec_circuit::{Circuit, Gate, Wire};

use super::dead::remove_dead;
use super::readers::read_once;
use super::rebuild::Rebuild;

/// The same function, no more ANDs, no larger AND-depth.
pub fn balance(circuit: Circuit) -> Circuit {
    let circuit = remove_dead(circuit);
    let balanced = remove_dead(joined(&circuit));
    let (before, after) = (circuit.counts(), balanced.counts());
    // Rewrites that the new order allows only ever lower both; checked because it is cheap.
    if after.and <= before.and && after.and_depth <= before.and_depth { balanced } else { circuit }
}

/// All trees joined anew.
fn joined(circuit: &Circuit) -> Circuit {
    let inside = inside(circuit);
    let mut rebuild = Rebuild::new(circuit);
    let mut depths = Depths::default();
    for (index, gate) in circuit.gates.iter().enumerate() {
        if inside[index] {
            continue;
        }
        if gate.operands().any(|wire| inside[wire.index()]) {
            join(circuit, index, &inside, &mut rebuild, &mut depths);
        } else {
            rebuild.copy(index);
        }
    }
    rebuild.finish()
}

/// AND-depth, then length in gates, of a path.
type Depth = (u32, u32);

/// The depth of each new wire.
#[derive(Default)]
struct Depths(Vec<Depth>);

impl Depths {
    fn of(&mut self, rebuild: &Rebuild, wire: Wire) -> Depth {
        while self.0.len() <= wire.index() {
            let gate = rebuild.builder.gate(Wire::new(self.0.len()));
            let operands = gate.operands().map(|wire| self.0[wire.index()]);
            let depth = match gate {
                Gate::Constant(_) | Gate::Input(_) => (0, 0),
                Gate::Not(_) | Gate::Xor(..) | Gate::Refresh(_) => above_sum(operands),
                Gate::And(..) => above_product(operands),
            };
            self.0.push(depth);
        }
        self.0[wire.index()]
    }
}

fn above_sum(operands: impl Iterator<Item = Depth> + Clone) -> Depth {
    let ands = operands.clone().map(|depth| depth.0).max().unwrap_or(0);
    (ands, operands.map(|depth| depth.1).max().unwrap_or(0) + 1)
}

fn above_product(operands: impl Iterator<Item = Depth> + Clone) -> Depth {
    let (ands, length) = above_sum(operands);
    (ands + 1, length)
}

/// Whether each wire is read once only, by a gate of its own kind, so that it can be regrouped.
fn inside(circuit: &Circuit) -> Vec<bool> {
    let once = read_once(circuit);
    let mut inside = vec![false; circuit.gates.len()];
    for gate in &circuit.gates {
        for wire in gate.operands() {
            inside[wire.index()] = once[wire.index()] && same_kind(*gate, circuit.gate(wire));
        }
    }
    inside
}

fn same_kind(a: Gate, b: Gate) -> bool {
    matches!((a, b), (Gate::And(..), Gate::And(..)) | (Gate::Xor(..), Gate::Xor(..)))
}

/// Rebuilds the tree of gate number `root`, whose leaves have been rebuilt.
fn join(circuit: &Circuit, root: usize, inside: &[bool], rebuild: &mut Rebuild, depths: &mut Depths) {
    let (leaves, inner) = tree(circuit, root, inside);
    let is_product = matches!(circuit.gates[root], Gate::And(..));
    let leaf_depths: Vec<(Depth, Wire)> = leaves
        .iter()
        .map(|&leaf| {
            let wire = rebuild.wire(leaf);
            (depths.of(rebuild, wire), wire)
        })
        .collect();
    if joined_depth(&leaf_depths, is_product)
        < present_depth(circuit, root, &inner, rebuild, depths, is_product)
    {
        rebuild.like(root);
        let wire = join_shallowest(leaf_depths, rebuild, depths, is_product);
        rebuild.set(root, wire);
    } else {
        inner.iter().for_each(|&index| rebuild.copy(index));
        rebuild.copy(root);
    }
}

/// The leaves of the tree, and its gates but the root in ascending order.
fn tree(circuit: &Circuit, root: usize, inside: &[bool]) -> (Vec<Wire>, Vec<usize>) {
    let (mut leaves, mut inner) = (Vec::new(), Vec::new());
    let mut open: Vec<Wire> = match circuit.gates[root] {
        gate @ (Gate::And(..) | Gate::Xor(..)) => gate.operands().collect(),
        Gate::Constant(_) | Gate::Input(_) | Gate::Not(_) | Gate::Refresh(_) => Vec::new(),
    };
    while let Some(wire) = open.pop() {
        if inside[wire.index()] {
            inner.push(wire.index());
            open.extend(circuit.gate(wire).operands());
        } else {
            leaves.push(wire);
        }
    }
    inner.sort_unstable();
    (leaves, inner)
}

fn joined_depth(leaves: &[(Depth, Wire)], is_product: bool) -> Depth {
    let mut heap: BinaryHeap<Reverse<Depth>> = leaves.iter().map(|&(depth, _)| Reverse(depth)).collect();
    while let (Some(Reverse(a)), Some(Reverse(b))) = (heap.pop(), heap.pop()) {
        let joined = above([a, b], is_product);
        if heap.is_empty() {
            return joined;
        }
        heap.push(Reverse(joined));
    }
    (0, 0)
}

/// The depth that the root has if the tree stays as it is.
fn present_depth(
    circuit: &Circuit,
    root: usize,
    inner: &[usize],
    rebuild: &Rebuild,
    depths: &mut Depths,
    is_product: bool,
) -> Depth {
    let mut inner_depths: Vec<Depth> = Vec::with_capacity(inner.len());
    let mut depth = (0, 0);
    for &index in inner.iter().chain([&root]) {
        let mut operands =
            circuit.gates[index].operands().map(|wire| match inner.binary_search(&wire.index()) {
                Ok(at) => inner_depths[at],
                Err(_) => depths.of(rebuild, rebuild.wire(wire)),
            });
        let pair = [operands.next().unwrap_or((0, 0)), operands.next().unwrap_or((0, 0))];
        depth = above(pair, is_product);
        inner_depths.push(depth);
    }
    depth
}

fn above(operands: [Depth; 2], is_product: bool) -> Depth {
    if is_product { above_product(operands.into_iter()) } else { above_sum(operands.into_iter()) }
}

fn join_shallowest(
    leaves: Vec<(Depth, Wire)>,
    rebuild: &mut Rebuild,
    depths: &mut Depths,
    is_product: bool,
) -> Wire {
    let mut heap: BinaryHeap<Reverse<(Depth, Wire)>> = leaves.into_iter().map(Reverse).collect();
    loop {
        let Reverse((_, a)) = heap.pop().expect("a tree has at least two leaves");
        let Some(Reverse((_, b))) = heap.pop() else { return a };
        let joined = if is_product { rebuild.builder.and(a, b) } else { rebuild.builder.xor(a, b) };
        heap.push(Reverse((depths.of(rebuild, joined), joined)));
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::opt::testing::{assert_same, check, circuit, circuits};

    #[test]
    fn random_circuits_keep_their_function_and_never_gain_ands_or_depth() {
        for circuit in circuits(60) {
            let balanced = balance(circuit.clone());
            assert_same(&circuit, &balanced);
            let (before, after) = (remove_dead(circuit.clone()).counts(), balanced.counts());
            assert!(after.and <= before.and && after.and_depth <= before.and_depth, "{before:?} {after:?}");
        }
    }

    #[test]
    fn a_chain_of_ands_becomes_a_tree() {
        let before = "
            %4 = and %0 %1
            %5 = and %4 %2
            %6 = and %5 %3";
        let after = "
            %4 = and %0 %1
            %5 = and %2 %3
            %6 = and %4 %5";
        check(balance, 4, (before, "%6"), (after, "%6"));
    }

    #[test]
    fn a_chain_of_xors_becomes_a_tree() {
        let before = "
            %4 = xor %0 %1
            %5 = xor %4 %2
            %6 = xor %5 %3";
        let after = "
            %4 = xor %0 %1
            %5 = xor %2 %3
            %6 = xor %4 %5";
        check(balance, 4, (before, "%6"), (after, "%6"));
    }

    #[test]
    fn a_chain_that_is_read_inside_stays() {
        let same = (
            "
            %4 = and %0 %1
            %5 = and %2 %4
            %6 = and %3 %5",
            "%5 %6",
        );
        let before = (same.0, "%4 %5 %6");
        check(balance, 4, before, before);
        check(balance, 4, same, same);
    }

    #[test]
    fn a_late_operand_joins_last() {
        let before = "
            %4 = and %0 %1
            %5 = xor %0 %4
            %6 = xor %1 %2
            %7 = and %5 %6
            %8 = not %7
            %9 = and %8 %1
            %10 = and %9 %2
            %11 = and %10 %3";
        // The complement leaves the tree when it is rebuilt, as a sum of products.
        let depth = |circuit: &Circuit| circuit.counts().and_depth;
        let circuit = circuit(4, before, "%11");
        let balanced = balance(circuit.clone());
        assert_same(&circuit, &balanced);
        assert!(depth(&circuit) == 5 && depth(&balanced) == 3, "{balanced}");
    }
}
