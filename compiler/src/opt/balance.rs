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
    let mut tree = Tree::default();
    for (index, gate) in circuit.gates.iter().enumerate() {
        if inside[index] {
            continue;
        }
        if gate.operands().any(|wire| inside[wire.index()]) {
            tree.read(circuit, index, &inside);
            tree.join(circuit, &mut rebuild, &mut depths);
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

#[inline]
fn above_sum(operands: impl Iterator<Item = Depth> + Clone) -> Depth {
    let ands = operands.clone().map(|depth| depth.0).max().unwrap_or(0);
    (ands, operands.map(|depth| depth.1).max().unwrap_or(0) + 1)
}

#[inline]
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

/// One tree at a time.
#[derive(Default)]
struct Tree {
    root: usize,
    is_product: bool,
    /// The wires that the tree joins.
    leaves: Vec<Wire>,
    /// The gates of the tree but the root, in ascending order, and their depths as the tree stands.
    inner: Vec<usize>,
    inner_depths: Vec<Depth>,
    /// What is not yet joined: the shallowest first.
    heap: BinaryHeap<Reverse<(Depth, Wire)>>,
    depth_heap: BinaryHeap<Reverse<Depth>>,
    open: Vec<Wire>,
}

impl Tree {
    /// The tree of gate number `root`.
    fn read(&mut self, circuit: &Circuit, root: usize, inside: &[bool]) {
        self.root = root;
        self.is_product = matches!(circuit.gates[root], Gate::And(..));
        self.leaves.clear();
        self.inner.clear();
        self.open.clear();
        self.open.extend(circuit.gates[root].operands());
        while let Some(wire) = self.open.pop() {
            if inside[wire.index()] {
                self.inner.push(wire.index());
                self.open.extend(circuit.gate(wire).operands());
            } else {
                self.leaves.push(wire);
            }
        }
        self.inner.sort_unstable();
    }

    /// Rebuilds the tree, whose leaves have been rebuilt.
    fn join(&mut self, circuit: &Circuit, rebuild: &mut Rebuild, depths: &mut Depths) {
        self.heap.clear();
        for &leaf in &self.leaves {
            let wire = rebuild.wire(leaf);
            self.heap.push(Reverse((depths.of(rebuild, wire), wire)));
        }
        if self.joined_depth() < self.present_depth(circuit, rebuild, depths) {
            rebuild.like(self.root);
            let wire = self.join_shallowest(rebuild, depths);
            rebuild.set(self.root, wire);
        } else {
            self.inner.iter().for_each(|&index| rebuild.copy(index));
            rebuild.copy(self.root);
        }
    }

    /// The depth that the root has if the shallowest are joined first.
    fn joined_depth(&mut self) -> Depth {
        let heap = &mut self.depth_heap;
        heap.clear();
        heap.extend(self.heap.iter().map(|&Reverse((depth, _))| Reverse(depth)));
        while let (Some(Reverse(a)), Some(Reverse(b))) = (heap.pop(), heap.pop()) {
            let joined = above([a, b], self.is_product);
            if heap.is_empty() {
                return joined;
            }
            heap.push(Reverse(joined));
        }
        (0, 0)
    }

    /// The depth that the root has if the tree stays as it is.
    fn present_depth(&mut self, circuit: &Circuit, rebuild: &Rebuild, depths: &mut Depths) -> Depth {
        let Tree { root, is_product, ref inner, ref mut inner_depths, .. } = *self;
        inner_depths.clear();
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

    fn join_shallowest(&mut self, rebuild: &mut Rebuild, depths: &mut Depths) -> Wire {
        loop {
            let Reverse((_, a)) = self.heap.pop().expect("a tree has at least two leaves");
            let Some(Reverse((_, b))) = self.heap.pop() else { return a };
            let joined = if self.is_product { rebuild.builder.and(a, b) } else { rebuild.builder.xor(a, b) };
            self.heap.push(Reverse((depths.of(rebuild, joined), joined)));
        }
    }
}

fn above(operands: [Depth; 2], is_product: bool) -> Depth {
    if is_product { above_product(operands.into_iter()) } else { above_sum(operands.into_iter()) }
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
