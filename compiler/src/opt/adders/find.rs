//! Full and half adders in a circuit, whoever wrote it.
//!
//! A product `AB` is the AND of a full adder for whatever third summand `c`: with `a = A ^ c` and `b = B ^ c`, the
//! majority of `a, b, c` is `AB ^ c` and their sum `A ^ B ^ c`. If a wire is `AB ^ L`, then each of the four values `L`,
//! `L ^ A`, `L ^ B`, `1 ^ L ^ A ^ B` may be left out: the wire is the majority of the other three, and their sum is the
//! complement of the one left out. So where all four values, or three of them, are there, the last to be
//! computed is the sum, and the others are the summands. `L = 0` gives the half adder. Complements of summands, results
//! and carries, the constant third summand of subtractions and the many ways to write a majority need no rules of their
//! own.

use ffhec_circuit::{Circuit, Gate, Wire};

use super::forms::{Forms, Lit, Sum};
use crate::opt::readers::{Readers, number};

/// Summands, of which the total of ones is `sum + 2 carry`.
#[derive(Clone, Debug, Default)]
pub(super) struct Node {
    pub(super) ins: Vec<Lit>,
    /// The sum modulo 2, if a wire has it.
    pub(super) sum: Option<Lit>,
    /// Absent where only the sum is there, and then there may be any number of summands.
    pub(super) carry: Option<Lit>,
    /// A gate that it stands for.
    pub(super) like: u32,
}

impl Node {
    pub(super) fn outs(&self) -> impl Iterator<Item = Lit> + use<> {
        [self.sum, self.carry].into_iter().flatten()
    }
}

/// No node.
pub(super) const NONE: u32 = u32::MAX;

/// The nodes, and which node computes which wire.
pub(super) struct Adders {
    pub(super) nodes: Vec<Node>,
    /// For each first wire of a value, the node that computes it.
    pub(super) makers: Vec<u32>,
    /// Whether each such wire is computed if outputs are.
    pub(super) needed: Vec<bool>,
}

/// How often products that are needed besides carries may be found.
const ROUNDS: usize = 8;

/// Wires that read a product beyond so many are not looked at.
const MOST_READERS: usize = 8;

impl Adders {
    /// All adders of `circuit` whose carries are needed and whose products are not needed otherwise.
    pub(super) fn of(circuit: &Circuit, forms: &Forms<'_>) -> Self {
        let mut adders =
            Adders { nodes: Vec::new(), makers: vec![NONE; circuit.gates.len()], needed: Vec::new() };
        let readers = Readers::of(circuit);
        let mut is_output = vec![false; circuit.gates.len()];
        circuit.output_wires.iter().for_each(|wire| is_output[wire.index()] = true);
        let mut products = vec![NONE; circuit.gates.len()];
        for (index, gate) in circuit.gates.iter().enumerate() {
            if let Gate::And(..) = gate
                && let Some(node) = best(circuit, forms, &readers, &is_output, index)
                && adders.add(node)
            {
                products[index] = number(adders.nodes.len() - 1);
            }
        }
        for _ in 0..ROUNDS {
            let wrong = adders.need(circuit, forms, &products);
            if wrong.is_empty() {
                return adders;
            }
            for node in wrong {
                adders.remove(node);
            }
        }
        (0..number(adders.nodes.len())).for_each(|node| adders.remove(node));
        adders.need(circuit, forms, &products);
        adders
    }

    /// Adds `node` unless its carry is computed by another; a sum that is belongs to the other.
    fn add(&mut self, mut node: Node) -> bool {
        let is_made = |lit: &Lit| self.makers[lit.wire as usize] != NONE;
        if node.carry.is_some_and(|carry| is_made(&carry)) {
            return false;
        }
        node.sum = node.sum.filter(|sum| !is_made(sum));
        self.push(node);
        true
    }

    /// Adds `node`, whose outputs no other node computes.
    pub(super) fn push(&mut self, node: Node) {
        let at = number(self.nodes.len());
        for out in node.outs() {
            self.makers[out.wire as usize] = at;
        }
        self.nodes.push(node);
    }

    fn remove(&mut self, node: u32) {
        for out in self.nodes[node as usize].outs() {
            let maker = &mut self.makers[out.wire as usize];
            if *maker == node {
                *maker = NONE;
            }
        }
    }

    /// The node that computes the value of `lit`.
    pub(super) fn maker(&self, lit: Lit) -> Option<u32> {
        let maker = if lit.is_constant() { NONE } else { self.makers[lit.wire as usize] };
        (maker != NONE).then_some(maker)
    }

    /// Finds what is needed, and the nodes that are none: those whose product is needed as it is, or whose carry is not.
    fn need(&mut self, circuit: &Circuit, forms: &Forms<'_>, products: &[u32]) -> Vec<u32> {
        self.needed = vec![false; circuit.gates.len()];
        let mut wrong = Vec::new();
        let mut open: Vec<Lit> = circuit.output_wires.iter().map(|&wire| forms.lit(wire)).collect();
        while let Some(lit) = open.pop() {
            if lit.is_constant() || std::mem::replace(&mut self.needed[lit.wire as usize], true) {
                continue;
            }
            if let Some(maker) = self.maker(lit) {
                open.extend(&self.nodes[maker as usize].ins);
                continue;
            }
            let node = products[lit.wire as usize];
            if node != NONE && self.nodes[node as usize].outs().any(|out| self.maker(out) == Some(node)) {
                wrong.push(node);
            }
            open.extend(circuit.gates[lit.wire as usize].operands().map(|wire| forms.lit(wire)));
        }
        for (at, node) in self.nodes.iter().enumerate() {
            let is_needed = |lit: Lit| self.maker(lit) == Some(number(at)) && self.needed[lit.wire as usize];
            if node.sum.is_some_and(is_needed) && !node.carry.is_some_and(is_needed) {
                wrong.push(number(at));
            }
        }
        wrong
    }
}

/// The best adder whose AND is gate number `product`. Its carry is the product and up to two terms more.
fn best(
    circuit: &Circuit,
    forms: &Forms<'_>,
    readers: &Readers,
    is_output: &[bool],
    product: usize,
) -> Option<Node> {
    let sums_of = |wire: usize| {
        let near = readers.of_wire(wire).iter().take(MOST_READERS).map(|&reader| reader as usize);
        near.filter(|&reader| matches!(circuit.gates[reader], Gate::Xor(..)))
    };
    let mut carries: Vec<usize> = sums_of(product).collect();
    carries.extend(sums_of(product).flat_map(sums_of));
    carries.push(product);
    carries.sort_unstable();
    carries.dedup();
    let is_read_once = readers.of_wire(product).len() == 1;
    let found = carries.iter().map(|&carry| adder(circuit, forms, product, carry, is_read_once));
    let found: Vec<(u32, Node)> = found.map(|found| found.unwrap_or_default()).collect();
    // What is only part of another candidate is hardly meant to be the carry.
    let is_part = |wire: usize| {
        let is_candidate =
            |reader: &u32| carries.binary_search(&(*reader as usize)).is_ok_and(|at| found[at].0 > 0);
        !is_output[wire] && readers.of_wire(wire).iter().all(is_candidate)
    };
    let ranks = found.iter().zip(&carries).map(|((rank, _), &carry)| (*rank, !is_part(carry)));
    let (at, rank) = ranks.enumerate().rev().max_by_key(|(_, rank)| *rank)?;
    (rank.0 > 0).then(|| found.into_iter().nth(at)).flatten().map(|(_, node)| node)
}

/// The adder with the AND `product` whose carry is wire number `carry`, and how likely it is meant to be one.
fn adder(
    circuit: &Circuit,
    forms: &Forms<'_>,
    product: usize,
    carry: usize,
    is_read_once: bool,
) -> Option<(u32, Node)> {
    let Gate::And(a, b) = circuit.gates[product] else { return None };
    let (product, carry) = (Wire::new(product), Wire::new(carry));
    let last = forms.sum(carry).plus(forms.sum(product));
    let (left, right) = (last.plus(forms.sum(a)), last.plus(forms.sum(b)));
    let sums: [Sum; 4] = [last, left, right, last.plus(forms.sum(a)).plus(forms.sum(b))];
    let mut lits = sums.map(|sum| forms.look_up(sum));
    lits[3] = lits[3].map(|lit| lit.flip(true));
    let rest: [&[Wire]; 4] = [&[], &[a], &[b], &[a, b]];
    for (at, lit) in lits.iter().enumerate() {
        let wires: Vec<Wire> = [product, carry].into_iter().chain(rest[at].iter().copied()).collect();
        if lit.is_some_and(|lit| !forms.is_sum(&[lit.flip(at == 3)], &wires)) {
            return None;
        }
    }
    let constants = lits.iter().flatten().filter(|lit| lit.is_constant()).count();
    let missing: Vec<usize> = (0..4).filter(|&at| lits[at].is_none()).collect();
    let (rank, left_out) = match (constants, missing.as_slice()) {
        (0, []) => (4, latest(&lits)?),
        (1, []) => (2, latest(&lits)?),
        (0, &[at]) => (if is_read_once { 3 } else { 1 }, at),
        _ => return None,
    };
    let ins: Vec<Lit> = (0..4).filter(|&at| at != left_out).filter_map(|at| lits[at]).collect();
    let carry = forms.lit(carry);
    let sum = lits[left_out].map(|lit| lit.flip(true));
    // Summands come first, and a value is made by one adder.
    let is_first = |lit: &Lit| lit.is_constant() || lit.wire < carry.wire;
    let is_sound = !carry.is_constant()
        && ins.iter().all(is_first)
        && sum.is_none_or(|sum| sum.wire != carry.wire)
        && ins.iter().enumerate().all(|(at, lit)| ins[..at].iter().all(|other| other.wire != lit.wire));
    is_sound.then_some((rank, Node { ins, sum, carry: Some(carry), like: number(product.index()) }))
}

/// Which of the values is computed last.
fn latest(lits: &[Option<Lit>; 4]) -> Option<usize> {
    let wire = |at: &usize| lits[*at].filter(|lit| !lit.is_constant()).map(|lit| lit.wire);
    (0..4).filter(|at| wire(at).is_some()).max_by_key(wire)
}
