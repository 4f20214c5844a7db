//! Rows of values of all nodes, and proofs that nodes are equal; a refuted guess gives more rows.

use std::collections::BTreeMap;

use ffhec_circuit::Circuit;

use super::cares::Above;
use super::graph::{Form, Graph, Sum};
use crate::opt::readers::number;
use crate::prove::CONFLICT_COST;
use crate::prove::simulate::Random;
use crate::prove::solver::{Answer, ask};
use crate::prove::sweep::{Lit, Node, value_of};
use crate::prove::window::{below, equal_by_table};

/// How many gates are given to the solver, in turn.
const NEAR: [usize; 2] = [60, 400];
const FAR: usize = 20_000;
/// Conflicts on the nearest gates.
const NEAR_CONFLICTS: u64 = 100;

/// What came of a proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Proved,
    /// There is one more word of rows, which refute it.
    Refuted,
    Open,
}

/// Proves that nodes are equal.
pub(super) struct Prover {
    /// The graph's nodes, and during a proof those of the form that is compared.
    nodes: Vec<Node>,
    inputs: usize,
    /// How many words of rows there were before any refuted a guess.
    base: usize,
    /// The values of each node, 64 rows a word.
    pub(super) rows: Vec<Vec<u64>>,
    random: Random,
    /// Conflicts on many gates.
    conflicts: u64,
    /// How much may still be given to the solver.
    pub(super) work: u64,
}

impl Prover {
    /// With `words` words of rows, or a few more: random ones, and ports of few ones, of few zeros, or equal to others.
    pub(super) fn new(circuit: &Circuit, graph: &Graph, words: usize, conflicts: u64, work: u64) -> Self {
        let mut prover = Prover {
            nodes: graph.nodes.clone(),
            inputs: circuit.input_bits(),
            base: 0,
            rows: vec![Vec::with_capacity(words + 64); graph.nodes.len()],
            random: Random(0x5eed),
            conflicts,
            work,
        };
        let mut block = 0;
        while prover.words() < words {
            let rows = if block % 4 == 0 {
                prover.random.block(circuit)
            } else {
                prover.random.special_block(circuit)
            };
            for word in 0..rows.first().map_or(1, |row| row.len()) {
                let inputs: Vec<u64> = rows.iter().map(|row| row[word]).collect();
                prover.add_rows(&inputs);
            }
            block += 1;
        }
        prover.base = prover.words();
        prover
    }

    /// For another graph with the same inputs, on the same rows.
    pub(super) fn moved(self, graph: &Graph) -> Self {
        let inputs = &self.rows[1..=self.inputs];
        let mut rows: Vec<Vec<u64>> = Vec::with_capacity(graph.nodes.len());
        for (index, node) in graph.nodes.iter().enumerate() {
            let row = |lit: Lit| {
                rows[lit.node() as usize]
                    .iter()
                    .map(move |word| word ^ if lit.is_flipped() { u64::MAX } else { 0 })
            };
            rows.push(match *node {
                Node::Zero => vec![0; self.words()],
                Node::Input => inputs[index - 1].clone(),
                Node::And(a, b) => row(a).zip(row(b)).map(|(a, b)| a & b).collect(),
                Node::Xor(a, b) => {
                    row(Lit::new(a, false)).zip(row(Lit::new(b, false))).map(|(a, b)| a ^ b).collect()
                }
            });
        }
        Prover { nodes: graph.nodes.clone(), rows, ..self }
    }

    /// What `node` computes.
    pub(super) fn node(&self, node: u32) -> Node {
        self.nodes[node as usize]
    }

    /// How many words of rows there were before any refuted a guess.
    pub(super) fn base(&self) -> usize {
        self.base
    }

    /// How many words of rows there are.
    pub(super) fn words(&self) -> usize {
        self.rows[0].len()
    }

    fn add_rows(&mut self, inputs: &[u64]) {
        let mut values: Vec<u64> = Vec::with_capacity(self.nodes.len());
        for (index, node) in self.nodes.iter().enumerate() {
            let value = match node {
                Node::Zero => 0,
                Node::Input => inputs[index - 1],
                Node::And(..) | Node::Xor(..) => value_of(*node, &values),
            };
            values.push(value);
        }
        for (row, value) in self.rows.iter_mut().zip(values) {
            row.push(value);
        }
    }

    /// Whether rows that came after the first `words` words show that `form` is not `node`.
    pub(super) fn is_refuted(&self, node: u32, form: &Form, words: usize) -> bool {
        (words..self.words()).any(|word| self.difference(node, form, word) != 0)
    }

    /// Whether `form` is not `node` on one of the rows in `seen`.
    pub(super) fn differs(&self, node: u32, form: &Form, seen: &[u64]) -> bool {
        seen.iter().enumerate().any(|(word, seen)| self.difference(node, form, word) & seen != 0)
    }

    /// The rows of `word` on which `form` is not `node`.
    fn difference(&self, node: u32, form: &Form, word: usize) -> u64 {
        let value = |sum: &Sum, products: &[u64]| {
            let start = if sum.flip { u64::MAX } else { 0 };
            let terms = sum.terms.iter().map(|&term| self.rows[term as usize][word]);
            let products = sum.products.iter().map(|&product| products[product]);
            terms.chain(products).fold(start, |value, term| value ^ term)
        };
        let mut products = Vec::with_capacity(form.products.len());
        for [a, b] in &form.products {
            products.push(value(a, &products) & value(b, &products));
        }
        self.rows[node as usize][word] ^ value(&form.sum, &products)
    }

    /// Whether the gates nearest to `node` show that `form` computes the same.
    pub(super) fn is_equal_nearby(&mut self, node: u32, form: &Form) -> bool {
        let before = self.nodes.len();
        let mut flip = false;
        let root = self.enter_form(form, &mut flip);
        let is_equal = equal_by_table(&self.nodes, node, root, flip)
            || NEAR.iter().any(|&size| matches!(self.ask(node, root, flip, size), (Answer::Equal, _)));
        self.nodes.truncate(before);
        is_equal
    }

    /// The solver's answer about the `size` gates nearest to two nodes; whether these are all gates below them.
    fn ask(&mut self, a: u32, b: u32, flip: bool, size: usize) -> (Answer, bool) {
        let window = below(&self.nodes, [a, b], size);
        let limit = if size == NEAR[0] { NEAR_CONFLICTS } else { self.conflicts };
        let (answer, conflicts) = ask(&self.nodes, &window, (a, b), flip, limit);
        self.work = self.work.saturating_sub(window.inner.len() as u64 + CONFLICT_COST * conflicts);
        (answer, window.is_whole)
    }

    /// Whether `form` computes the same as `node`.
    pub(super) fn is_equal(&mut self, node: u32, form: &Form) -> Outcome {
        let before = self.nodes.len();
        let mut flip = false;
        let root = self.enter_form(form, &mut flip);
        let outcome = self.compare(node, root, flip, before);
        self.nodes.truncate(before);
        outcome
    }

    /// Whether nothing above `node` would differ if `form` took its place.
    pub(super) fn is_unseen(&mut self, node: u32, form: &Form, above: &Above) -> Outcome {
        let before = self.nodes.len();
        let mut flip = false;
        let root = self.enter_form(form, &mut flip);
        let mut twins = BTreeMap::from([(node, Lit::new(root, flip))]);
        let twin = |twins: &BTreeMap<u32, Lit>, lit: Lit| {
            twins.get(&lit.node()).map_or(lit, |twin| twin.flip(lit.is_flipped()))
        };
        for &wire in &above.nodes {
            let lit = match self.nodes[wire as usize] {
                Node::And(a, b) => {
                    let (a, b) = (twin(&twins, a), twin(&twins, b));
                    Lit::new(self.push(Node::And(a.min(b), a.max(b))), false)
                }
                Node::Xor(a, b) => {
                    let (a, b) = (twin(&twins, Lit::new(a, false)), twin(&twins, Lit::new(b, false)));
                    let flip = a.is_flipped() ^ b.is_flipped();
                    let (a, b) = (a.node(), b.node());
                    Lit::new(self.push(Node::Xor(a.min(b), a.max(b))), flip)
                }
                Node::Zero | Node::Input => unreachable!("these read nothing"),
            };
            twins.insert(wire, lit);
        }
        let mut outcome = Outcome::Proved;
        for root in &above.roots {
            let twin = twins[root];
            outcome = self.compare(*root, twin.node(), twin.is_flipped(), before);
            if outcome != Outcome::Proved {
                break;
            }
        }
        self.nodes.truncate(before);
        outcome
    }

    fn compare(&mut self, node: u32, root: u32, flip: bool, before: usize) -> Outcome {
        if node == root {
            return if flip { Outcome::Open } else { Outcome::Proved };
        }
        if equal_by_table(&self.nodes, node, root, flip) {
            return Outcome::Proved;
        }
        for size in NEAR.into_iter().chain([FAR]) {
            if self.work == 0 {
                return Outcome::Open;
            }
            match self.ask(node, root, flip, size) {
                (Answer::Equal, _) => return Outcome::Proved,
                (Answer::Differ(ones), true) => {
                    self.nodes.truncate(before);
                    self.learn(&ones);
                    return Outcome::Refuted;
                }
                (Answer::Unknown, true) => return Outcome::Open,
                (Answer::Differ(_) | Answer::Unknown, false) => {}
            }
        }
        Outcome::Open
    }

    /// More rows: the one on which the inputs in `ones` are 1, and 63 near it.
    fn learn(&mut self, ones: &[u32]) {
        let mut inputs = vec![0; self.inputs];
        for &node in ones {
            inputs[node as usize - 1] = u64::MAX;
        }
        for input in &mut inputs {
            // One bit in eight differs, in all rows but the first.
            *input ^= self.random.word() & self.random.word() & self.random.word() & !1;
        }
        self.add_rows(&inputs);
    }

    fn enter_form(&mut self, form: &Form, flip: &mut bool) -> u32 {
        self.enter_sum(form, &form.sum, &mut vec![None; form.products.len()], flip)
    }

    /// Each product of `form` enters where it is read first; `products` are those that are there.
    fn enter_sum(&mut self, form: &Form, sum: &Sum, products: &mut [Option<u32>], flip: &mut bool) -> u32 {
        *flip ^= sum.flip;
        let total = sum.terms.iter().fold(0, |total, &term| self.xor(total, term));
        sum.products.iter().fold(total, |total, &product| {
            let node = products[product].unwrap_or_else(|| {
                let [a, b] = [0, 1].map(|at| {
                    let mut flip = false;
                    let node = self.enter_sum(form, &form.products[product][at], products, &mut flip);
                    Lit::new(node, flip)
                });
                self.push(Node::And(a.min(b), a.max(b)))
            });
            products[product] = Some(node);
            self.xor(total, node)
        })
    }

    fn xor(&mut self, a: u32, b: u32) -> u32 {
        if a == 0 { b } else { self.push(Node::Xor(a.min(b), a.max(b))) }
    }

    fn push(&mut self, node: Node) -> u32 {
        self.nodes.push(node);
        number(self.nodes.len() - 1)
    }
}
