//! Nodes that may be computed differently because nobody sees the difference: observability don't-cares.
//!
//! A node is compared with sums of other nodes and of a few products of these ([`fit`](super::fit)) on the rows on which its
//! value matters to what lies above it (Mishchenko, Brayton, Jiang and Jang, ACM TRETS 2011). What fits there is proved for
//! the nodes next above it: both ways of computing them must be equal, on all inputs that can occur.

use std::collections::BTreeSet;

use super::fit::{Fitting, Rows};
use super::graph::{Form, Graph, Sum};
use super::prover::{Outcome, Prover};
use crate::opt::readers::number;
use crate::prove::sweep::{Lit, Node};

/// How many nodes above a node are looked at, and how many of them others may read.
const ABOVE: usize = 100;
const MOST_ROOTS: usize = 32;
/// How many nodes below a node are visited for divisors.
const BELOW: usize = 300;
/// How many divisors are looked at.
const DIVISORS: usize = 100;
/// The longest sum that replaces a node or stands in a product.
const MOST_TERMS: usize = 12;
/// How often a node is tried again after a proof gave a row that refutes it.
const TRIALS: usize = 5;

/// What reads a node, directly or not, in ascending order, up to where others read it.
pub(super) struct Above {
    pub(super) nodes: Vec<u32>,
    /// Those, or the node itself, that something else reads.
    pub(super) roots: Vec<u32>,
}

/// A graph with the readers of each node and how deep each may be.
pub(super) struct View<'a, 'b> {
    graph: &'b mut Graph<'a>,
    readers: Vec<Vec<u32>>,
    /// The AND-depth that each node may have.
    allowed: Vec<u32>,
}

impl<'a, 'b> View<'a, 'b> {
    pub(super) fn of(graph: &'b mut Graph<'a>) -> Self {
        let count = graph.nodes.len();
        let mut readers = vec![Vec::new(); count];
        let depth = graph.depths.iter().copied().max().unwrap_or(0);
        let mut allowed = vec![depth; count];
        for index in (0..count).rev() {
            let (operands, own) = match graph.nodes[index] {
                Node::Zero | Node::Input => continue,
                Node::And(a, b) => ([a.node(), b.node()], 1),
                Node::Xor(a, b) => ([a, b], 0),
            };
            for operand in operands.map(|operand| operand as usize) {
                readers[operand].push(number(index));
                allowed[operand] = allowed[operand].min(allowed[index] - own);
            }
        }
        readers.iter_mut().for_each(|readers| readers.reverse());
        View { graph, readers, allowed }
    }

    /// A way to compute `node` with fewer ANDs that nobody sees, proved.
    pub(super) fn better(&mut self, prover: &mut Prover, node: u32) -> Option<Form> {
        if !self.graph.is_needed(node) {
            return None;
        }
        let freed = self.graph.freed(node);
        if freed == 0 {
            return None;
        }
        let above = self.above(node)?;
        let own = self.graph.only_for(node);
        for _ in 0..TRIALS {
            let words = prover.words();
            let mut seen = seen(prover, node, &above, 0);
            for form in self.candidates(prover, node, freed, &seen, &own) {
                if prover.work == 0 {
                    return None;
                }
                let depth_is_allowed = self.graph.depth(&form) <= self.allowed[node as usize];
                if !depth_is_allowed || !self.graph.saves(node, &form) || prover.differs(node, &form, &seen) {
                    continue;
                }
                match prover.is_unseen(node, &form, &above) {
                    Outcome::Proved => return Some(form),
                    Outcome::Refuted => seen.extend(self::seen(prover, node, &above, seen.len())),
                    Outcome::Open => {}
                }
            }
            if prover.words() == words {
                break;
            }
        }
        None
    }

    /// What is above `node`, unless too many of it are read by others.
    fn above(&self, node: u32) -> Option<Above> {
        let mut front: BTreeSet<u32> = self.readers[node as usize].iter().copied().collect();
        let mut nodes = Vec::new();
        while nodes.len() < ABOVE {
            let Some(next) = front.pop_first() else { break };
            nodes.push(next);
            front.extend(&self.readers[next as usize]);
        }
        let is_root = |&wire: &u32| {
            let readers = &self.readers[wire as usize];
            let inside = readers.iter().filter(|reader| nodes.binary_search(reader).is_ok()).count();
            inside < self.graph.reader_count(wire)
        };
        let roots: Vec<u32> = std::iter::once(node).chain(nodes.iter().copied()).filter(is_root).collect();
        if roots.contains(&node) {
            return Some(Above { nodes: Vec::new(), roots: vec![node] });
        }
        (roots.len() <= MOST_ROOTS).then_some(Above { nodes, roots })
    }

    /// Nodes that are made anyway and may be used for `node`: those below it, and those made of these.
    fn divisors(&self, node: u32, own: &BTreeSet<u32>) -> Vec<u32> {
        let mut front = BTreeSet::from([node]);
        let mut visited = BTreeSet::new();
        while visited.len() < BELOW {
            let Some(next) = front.pop_last() else { break };
            visited.insert(next);
            match self.graph.nodes[next as usize] {
                Node::And(a, b) => front.extend([a.node(), b.node()]),
                Node::Xor(a, b) => front.extend([a, b]),
                Node::Input | Node::Zero => {}
            }
        }
        let mut found: BTreeSet<u32> = visited.iter().copied().filter(|wire| !own.contains(wire)).collect();
        let has = |found: &BTreeSet<u32>, wire: u32| wire == 0 || found.contains(&wire);
        let below: Vec<u32> = found.iter().copied().collect();
        for wire in below {
            let beside = self.readers[wire as usize].iter().take_while(|&&reader| reader < node).take(20);
            for &reader in beside {
                let is_made = match self.graph.nodes[reader as usize] {
                    Node::And(a, b) => has(&found, a.node()) && has(&found, b.node()),
                    Node::Xor(a, b) => has(&found, a) && has(&found, b),
                    Node::Input | Node::Zero => false,
                };
                if is_made && !own.contains(&reader) && self.graph.is_needed(reader) {
                    found.insert(reader);
                }
            }
        }
        let allowed = self.allowed[node as usize];
        let mut found: Vec<u32> = found
            .into_iter()
            .filter(|&wire| wire != 0 && wire < node && self.graph.depths[wire as usize] <= allowed)
            .collect();
        found.reverse();
        found
    }

    /// Forms of fewer products than `freed` that have the value of `node` on some rows of `seen`.
    fn candidates(
        &self,
        prover: &Prover,
        node: u32,
        freed: usize,
        seen: &[u64],
        own: &BTreeSet<u32>,
    ) -> Vec<Form> {
        let rows = Rows::of(seen, prover.base());
        let mut fitting = Fitting::default();
        let allowed = self.allowed[node as usize];
        for divisor in self.divisors(node, own).into_iter().take(DIVISORS) {
            let values = rows.column(&prover.rows[divisor as usize]);
            fitting.add(divisor, values, self.graph.depths[divisor as usize] < allowed);
        }
        let target = rows.column(&prover.rows[node as usize]);
        let mut found = fitting.forms(target, rows.all(), freed - 1);
        found.retain(|form| {
            let short = |sum: &Sum| sum.terms.len() <= MOST_TERMS;
            short(&form.sum) && form.products.iter().flatten().all(short)
        });
        found
    }
}

/// The rows on which a change of `node` changes a root above it, from the word `from` on.
fn seen(prover: &Prover, node: u32, above: &Above, from: usize) -> Vec<u64> {
    let words = from..prover.words();
    if above.nodes.is_empty() {
        return vec![u64::MAX; words.len()];
    }
    let mut changed: Vec<Vec<u64>> = Vec::with_capacity(above.nodes.len());
    let flipped: Vec<u64> = prover.rows[node as usize][from..].iter().map(|word| !word).collect();
    for &wire in &above.nodes {
        let values = |of: u32| match above.nodes[..changed.len()].binary_search(&of) {
            Ok(at) => &changed[at][..],
            Err(_) if of == node => &flipped[..],
            Err(_) => &prover.rows[of as usize][from..],
        };
        let lit = |lit: Lit| {
            let flip = if lit.is_flipped() { u64::MAX } else { 0 };
            values(lit.node()).iter().map(move |word| word ^ flip)
        };
        let values: Vec<u64> = match prover.node(wire) {
            Node::And(a, b) => lit(a).zip(lit(b)).map(|(a, b)| a & b).collect(),
            Node::Xor(a, b) => values(a).iter().zip(values(b)).map(|(a, b)| a ^ b).collect(),
            Node::Input | Node::Zero => unreachable!("these read nothing"),
        };
        changed.push(values);
    }
    let mut seen = vec![0; words.len()];
    for root in &above.roots {
        let Ok(at) = above.nodes.binary_search(root) else { continue };
        let rows = &prover.rows[*root as usize][from..];
        for ((seen, new), old) in seen.iter_mut().zip(&changed[at]).zip(rows) {
            *seen |= new ^ old;
        }
    }
    seen
}
