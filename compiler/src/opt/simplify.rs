//! Rebuilds a circuit through the [`Builder`](ffhec_circuit::Builder), whose local rules share equal gates, and
//! factors sums of products where that saves an AND:
//!
//! - `ab ^ ac = a (b ^ c)`: the selection `ca ^ !c b` becomes a multiplexer with one AND;
//! - `ab ^ c (a ^ b) = (a ^ b)(a ^ c) ^ a`: the majority, a full adder's carry, with one AND (Boyar, Peralta and
//!   Pochuev, "On the multiplicative complexity of Boolean functions over the basis (AND, XOR, 1)", 2000).
//!
//! Both hold over sums of any length, and are applied only to products that nothing else reads, so that the number of
//! ANDs never rises.

use std::collections::BTreeMap;

use ffhec_circuit::{Circuit, Gate, Wire};

use super::dead::remove_dead;
use super::readers::{partial_sums, read_once};
use super::rebuild::Rebuild;

/// The most times that a circuit is rebuilt; two or three usually reach the fixed point.
const ROUNDS: usize = 8;

/// Another round is worth its time if the last one saved at least one AND in this many.
const WORTHWHILE: usize = 1_000;

/// The most gates of circuits that get a second round in any case.
const SECOND_ROUND: usize = 1_000_000;

/// The same function with no more ANDs, dead gates removed.
pub fn simplify(circuit: Circuit) -> Circuit {
    let start = remove_dead(circuit);
    let mut best_cost = cost(&start);
    let mut current = round(&start);
    // The first round may only bring complements into order, which the second one needs.
    let at_least = if start.gates.len() <= SECOND_ROUND { 2 } else { 1 };
    // The best so far, unless that is `current`.
    let mut best = Some(start);
    for done in 1.. {
        let current_cost = cost(&current);
        let saved = best_cost.0.saturating_sub(current_cost.0);
        let goes_on = done < ROUNDS && (done < at_least || saved * WORTHWHILE > best_cost.0);
        if current_cost < best_cost {
            best_cost = current_cost;
            best = None;
        }
        if !goes_on {
            break;
        }
        let next = round(&current);
        best.get_or_insert(current);
        current = next;
    }
    best.unwrap_or(current)
}

/// What is made smaller: ANDs, then AND-depth, then all gates.
fn cost(circuit: &Circuit) -> (usize, usize, usize) {
    let counts = circuit.counts();
    (counts.and, counts.and_depth, circuit.gates.len())
}

fn round(circuit: &Circuit) -> Circuit {
    let mut sums = Sums::of(circuit);
    let mut rebuild = Rebuild::new(circuit);
    for index in 0..circuit.gates.len() {
        match sums.factored(index) {
            Some(sum) => emit(&mut rebuild, index, &sum),
            None => rebuild.copy(index),
        }
    }
    drop(sums);
    remove_dead(rebuild.finish())
}

/// A sum of wires and of products of sums.
#[derive(Default)]
struct Factored {
    /// Plain terms.
    terms: Vec<Wire>,
    /// `.0` times the sum of `.1`.
    common: Vec<(Wire, Vec<Wire>)>,
    /// The majority of three.
    majorities: Vec<[Wire; 3]>,
}

fn emit(rebuild: &mut Rebuild, index: usize, factored: &Factored) {
    rebuild.like(index);
    let mut terms: Vec<Wire> = factored.terms.iter().map(|&wire| rebuild.wire(wire)).collect();
    for (factor, cofactors) in &factored.common {
        let cofactors: Vec<Wire> = cofactors.iter().map(|&wire| rebuild.wire(wire)).collect();
        let (factor, sum) = (rebuild.wire(*factor), sum(rebuild, &cofactors));
        terms.push(rebuild.builder.and(factor, sum));
    }
    for majority in &factored.majorities {
        let [a, b, c] = majority.map(|wire| rebuild.wire(wire));
        let (ab, ac) = (rebuild.builder.xor(a, b), rebuild.builder.xor(a, c));
        let product = rebuild.builder.and(ab, ac);
        terms.push(rebuild.builder.xor(product, a));
    }
    let wire = sum(rebuild, &terms);
    rebuild.set(index, wire);
}

fn sum(rebuild: &mut Rebuild, terms: &[Wire]) -> Wire {
    let mut terms = terms.iter().copied();
    let first = terms.next().unwrap_or_else(|| rebuild.builder.constant(false));
    terms.fold(first, |sum, term| rebuild.builder.xor(sum, term))
}

/// The XOR trees of a circuit: sums whose partial sums nothing else reads.
struct Sums<'a> {
    circuit: &'a Circuit,
    /// Whether a wire is read exactly once.
    once: Vec<bool>,
    /// Whether a wire is a partial sum inside a larger tree.
    partial: Vec<bool>,
    /// The wires of the present tree that are still to be looked at.
    open: Vec<Wire>,
    /// The terms of the present tree that are products nothing else reads, and the other terms.
    products: Vec<Product>,
    terms: Vec<Wire>,
}

impl<'a> Sums<'a> {
    fn of(circuit: &'a Circuit) -> Self {
        let once = read_once(circuit);
        let partial = partial_sums(circuit, &once);
        Sums { circuit, once, partial, open: Vec::new(), products: Vec::new(), terms: Vec::new() }
    }

    /// The sum that gate number `root` computes, if factoring it saves an AND.
    fn factored(&mut self, root: usize) -> Option<Factored> {
        let Gate::Xor(..) = self.circuit.gates[root] else { return None };
        if self.partial[root] {
            return None;
        }
        self.collect(root);
        if self.products.len() < 2 || !self.may_save() {
            return None;
        }
        let mut factored = Factored { terms: self.terms.clone(), ..Factored::default() };
        let rest = take_common(self.products.clone(), &mut factored.common);
        let rest = self.take_majorities(rest, &mut factored.majorities);
        factored.terms.extend(rest.into_iter().map(|(leaf, _, _)| leaf));
        let saves = !(factored.common.is_empty() && factored.majorities.is_empty());
        saves.then_some(factored)
    }

    /// Sorts the terms of the tree below `root` into products that nothing else reads and others.
    fn collect(&mut self, root: usize) {
        self.products.clear();
        self.terms.clear();
        self.open.clear();
        self.open.extend(self.circuit.gates[root].operands());
        while let Some(wire) = self.open.pop() {
            match self.circuit.gate(wire) {
                Gate::Xor(a, b) if self.partial[wire.index()] => self.open.extend([a, b]),
                Gate::And(a, b) if self.once[wire.index()] => self.products.push((wire, a, b)),
                Gate::And(..)
                | Gate::Xor(..)
                | Gate::Not(_)
                | Gate::Refresh(_)
                | Gate::Input(_)
                | Gate::Constant(_) => self.terms.push(wire),
            }
        }
    }

    /// False only if no two products share a factor or make a majority. Looks at all pairs of a few products.
    fn may_save(&self) -> bool {
        const FEW: usize = 8;
        let products = &self.products;
        let pairs = || {
            products.iter().enumerate().flat_map(|(at, one)| products[..at].iter().map(move |two| (one, two)))
        };
        products.len() > FEW
            || pairs().any(|(one, two)| {
                [one.1, one.2].iter().any(|&factor| factor == two.1 || factor == two.2)
                    || self.has_sum_of(one, two)
                    || self.has_sum_of(two, one)
            })
    }

    /// Whether a factor of `product` is the sum of the factors of `other`.
    fn has_sum_of(&self, product: &Product, other: &Product) -> bool {
        [product.1, product.2].iter().any(|&factor| match self.circuit.gate(factor) {
            Gate::Xor(a, b) => (a, b) == (other.1, other.2) || (b, a) == (other.1, other.2),
            Gate::And(..) | Gate::Not(_) | Gate::Refresh(_) | Gate::Input(_) | Gate::Constant(_) => false,
        })
    }

    /// Takes pairs `ab`, `c (a ^ b)` out of `products`; returns the others.
    fn take_majorities(&self, products: Vec<Product>, majorities: &mut Vec<[Wire; 3]>) -> Vec<Product> {
        let plain: BTreeMap<(Wire, Wire), usize> =
            products.iter().enumerate().map(|(at, &(_, a, b))| ((a.min(b), a.max(b)), at)).collect();
        let mut taken = vec![false; products.len()];
        for (at, &(_, x, y)) in products.iter().enumerate() {
            for (sum, other) in [(x, y), (y, x)] {
                let Gate::Xor(a, b) = self.circuit.gate(sum) else { continue };
                let Some(&plain) = plain.get(&(a.min(b), a.max(b))) else { continue };
                if plain != at && !taken[at] && !taken[plain] {
                    (taken[at], taken[plain]) = (true, true);
                    majorities.push([a, b, other]);
                }
            }
        }
        products.into_iter().zip(taken).filter(|(_, taken)| !taken).map(|(product, _)| product).collect()
    }
}

/// A product in a sum: its wire and its factors.
type Product = (Wire, Wire, Wire);

/// Takes products that share a factor out of `products`, the most frequent factor first; returns the others.
fn take_common(products: Vec<Product>, common: &mut Vec<(Wire, Vec<Wire>)>) -> Vec<Product> {
    let mut by_factor: BTreeMap<Wire, Vec<usize>> = BTreeMap::new();
    for (at, &(_, a, b)) in products.iter().enumerate() {
        by_factor.entry(a).or_default().push(at);
        if b != a {
            by_factor.entry(b).or_default().push(at);
        }
    }
    let mut by_count: Vec<(Wire, Vec<usize>)> =
        by_factor.into_iter().filter(|(_, at)| at.len() > 1).collect();
    by_count.sort_by_key(|(_, at)| std::cmp::Reverse(at.len()));
    let mut taken = vec![false; products.len()];
    for (factor, at) in by_count {
        let free: Vec<usize> = at.into_iter().filter(|&at| !taken[at]).collect();
        if free.len() > 1 {
            let cofactor =
                |&at: &usize| if products[at].1 == factor { products[at].2 } else { products[at].1 };
            common.push((factor, free.iter().map(cofactor).collect()));
            free.iter().for_each(|&at| taken[at] = true);
        }
    }
    products.into_iter().zip(taken).filter(|(_, taken)| !taken).map(|(product, _)| product).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::opt::testing::{adder, assert_same, check, circuits};

    #[test]
    fn random_circuits_keep_their_function_and_never_gain_ands() {
        for circuit in circuits(60) {
            let simple = simplify(circuit.clone());
            assert_same(&circuit, &simple);
            let (before, after) = (remove_dead(circuit.clone()).counts(), simple.counts());
            assert!(after.and <= before.and && after.and_depth <= before.and_depth, "{before:?} {after:?}");
        }
    }

    #[test]
    fn simplifying_twice_changes_no_and_count() {
        for circuit in circuits(5) {
            let once = simplify(circuit.clone());
            assert!(simplify(once.clone()).counts().and <= once.counts().and);
        }
    }

    #[test]
    fn a_selection_of_two_products_takes_one_and() {
        let before = "
            %3 = not %0
            %4 = and %0 %1
            %5 = and %3 %2
            %6 = xor %4 %5
            %7 = and %4 %5
            %8 = xor %6 %7";
        let after = "
            %3 = xor %1 %2
            %4 = and %0 %3
            %5 = xor %2 %4";
        check(simplify, 3, (before, "%8"), (after, "%5"));
    }

    #[test]
    fn the_majority_of_three_takes_one_and() {
        let before = "
            %3 = and %0 %1
            %4 = and %0 %2
            %5 = and %1 %2
            %6 = xor %3 %4
            %7 = xor %5 %6";
        let after = "
            %3 = xor %1 %2
            %4 = xor %0 %1
            %5 = and %3 %4
            %6 = xor %1 %5";
        check(simplify, 3, (before, "%7"), (after, "%6"));
    }

    #[test]
    fn products_with_a_common_factor_are_summed_first() {
        let before = "
            %4 = and %0 %1
            %5 = and %0 %2
            %6 = and %0 %3
            %7 = xor %4 %5
            %8 = xor %7 %6";
        let after = "
            %4 = xor %2 %3
            %5 = xor %1 %4
            %6 = and %0 %5";
        check(simplify, 4, (before, "%8"), (after, "%6"));
    }

    #[test]
    fn a_product_that_is_read_elsewhere_stays() {
        let same = (
            "
            %3 = and %0 %1
            %4 = and %0 %2
            %5 = xor %3 %4",
            "%3 %5",
        );
        check(simplify, 3, same, same);
    }

    #[test]
    fn a_square_in_a_sum_of_products_is_no_common_factor() {
        let before = "
            %2 = and %0 %0
            %3 = and %0 %1
            %4 = xor %2 %3";
        let after = "
            %2 = and %0 %1
            %3 = xor %0 %2";
        check(simplify, 2, (before, "%4"), (after, "%3"));
    }

    #[test]
    fn a_textbook_adder_takes_one_and_per_bit() {
        assert_eq!(simplify(adder(32)).counts().and, 32);
    }
}
