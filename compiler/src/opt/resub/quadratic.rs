//! Nodes that are quadratic forms of a few wires below them.
//!
//! A quadratic form of any number of variables takes half as many products as its alternating matrix has rank (Dickson's
//! theorem; Boyar, Peralta and Pochuev 2000). Whether a node is one shows on some rows, by elimination: its values
//! are a sum of those of the wires and of their products. Other forms than the one found this way are not tried.

use std::collections::BTreeSet;

use super::graph::{Form, Graph, Sum};
use super::prover::Prover;
use super::span::{Column, Span, WORDS};
use crate::prove::sweep::Node;

/// The most wires that a form is of.
const WIDEST: usize = 14;
/// How many times a wire below a node is replaced by those that compute it, and how many there may be on the way.
const STEPS: usize = 48;
const WIDEST_BETWEEN: usize = 32;
/// These words are so far apart: neighbours hold rows of one kind.
const STRIDE: usize = 7;

/// Quadratic forms of fewer than `freed` products that `node` seems to be, no deeper than it is; those of the earliest
/// wires first.
pub(super) fn candidates(graph: &Graph, prover: &Prover, node: u32, freed: usize) -> Vec<Form> {
    let mut found = Vec::new();
    let mut front = BTreeSet::from([node]);
    for _ in 0..STEPS {
        let Some(last) = front.pop_last() else { break };
        match graph.nodes[last as usize] {
            Node::And(a, b) => front.extend([a.node(), b.node()]),
            Node::Xor(a, b) => front.extend([a, b]),
            // Nothing but inputs is left.
            Node::Input | Node::Zero => break,
        }
        if front.len() > WIDEST_BETWEEN {
            break;
        }
        if front.len() > WIDEST {
            continue;
        }
        let wires: Vec<u32> = front.iter().copied().filter(|&wire| wire != 0).collect();
        let is_better =
            |form: &Form| form.products.len() < freed && graph.depth(form) <= graph.depths[node as usize];
        found.extend(quadratic_form(prover, node, &wires).filter(is_better));
    }
    found.reverse();
    found
}

/// `node` as a quadratic form of `wires`, if it is one on some rows.
fn quadratic_form(prover: &Prover, node: u32, wires: &[u32]) -> Option<Form> {
    let words = prover.words();
    let column =
        |node: &u32| -> Column { std::array::from_fn(|at| prover.rows[*node as usize][at * STRIDE % words]) };
    let values: Vec<Column> = wires.iter().map(column).collect();
    let pairs: Vec<(usize, usize)> = (0..wires.len()).flat_map(|i| (0..i).map(move |j| (i, j))).collect();
    let mut span = Span::default();
    span.add([u64::MAX; WORDS]);
    values.iter().for_each(|value| span.add(*value));
    for &(i, j) in &pairs {
        span.add(std::array::from_fn(|word| values[i][word] & values[j][word]));
    }
    let set = span.sum_that_is(column(&node))?;
    let has = |at: usize| set >> at & 1 == 1;
    let mut quadratic =
        Quadratic { rows: vec![0; wires.len()], linear: (set >> 1) as u32 & ((1 << wires.len()) - 1) };
    for (at, &(i, j)) in pairs.iter().enumerate() {
        if has(1 + wires.len() + at) {
            quadratic.toggle(i, j);
        }
    }
    let sum = |set: u32, flip: bool| Sum {
        terms: wires
            .iter()
            .enumerate()
            .filter(|&(at, _)| set >> at & 1 == 1)
            .map(|(_, &wire)| wire)
            .collect(),
        products: Vec::new(),
        flip,
    };
    let products: Vec<[Sum; 2]> =
        quadratic.take_products().into_iter().map(|[a, b]| [sum(a, false), sum(b, false)]).collect();
    let sum = Sum { products: (0..products.len()).collect(), ..sum(quadratic.linear, has(0)) };
    Some(Form { products, sum })
}

/// A quadratic form without its constant.
struct Quadratic {
    /// For each variable, those that it is multiplied with: an alternating matrix.
    rows: Vec<u32>,
    /// The variables that are added.
    linear: u32,
}

impl Quadratic {
    /// Adds the product of two variables.
    fn toggle(&mut self, i: usize, j: usize) {
        self.rows[i] ^= 1 << j;
        self.rows[j] ^= 1 << i;
    }

    /// Products of sums whose sum is this form, but for its linear part, which is adjusted.
    fn take_products(&mut self) -> Vec<[u32; 2]> {
        let mut products = Vec::new();
        while let Some(i) = self.rows.iter().position(|&row| row != 0) {
            let j = self.rows[i].trailing_zeros() as usize;
            // x a ^ y b ^ x y = (x ^ b)(y ^ a) ^ a b, where x and y do not stand in a, b.
            let (ya, xb) = (self.rows[i], self.rows[j]);
            products.push([ya, xb]);
            let (a, b) = (ya & !(1 << j), xb & !(1 << i));
            for at in 0..self.rows.len() {
                self.rows[at] &= !(1 << i | 1 << j);
            }
            (self.rows[i], self.rows[j]) = (0, 0);
            self.linear ^= a & b;
            for k in 0..self.rows.len() {
                for l in 0..k {
                    if (a >> k & b >> l ^ a >> l & b >> k) & 1 == 1 {
                        self.toggle(k, l);
                    }
                }
            }
        }
        products
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::opt::testing::Random;

    #[test]
    fn a_form_is_the_sum_of_its_products() {
        let mut random = Random::new(5);
        for _ in 0..200 {
            let mut form = Quadratic { rows: vec![0; 8], linear: 0 };
            for (i, j) in (0..8).flat_map(|i| (0..i).map(move |j| (i, j))) {
                if random.below(3) == 0 {
                    form.toggle(i, j);
                }
            }
            let rows = form.rows.clone();
            let products = form.take_products();
            assert!(products.len() <= 4);
            let odd = |set: u32| set.count_ones() & 1;
            for x in 0..256_u32 {
                let pairs = (0..8).flat_map(|i| (0..i).map(move |j| (i, j)));
                let expected = pairs.filter(|&(i, j)| rows[i] >> j & x >> i & x >> j & 1 == 1).count() & 1;
                let found =
                    products.iter().fold(odd(form.linear & x), |sum, [a, b]| sum ^ odd(a & x) & odd(b & x));
                assert_eq!(found as usize, expected);
            }
        }
    }
}
