//! Triples of paths that need two refreshes together, where the linear program of [`levels`](super::levels) sees but one
//! and a half.
//!
//! In: weights of wires, such that no path weighs less than one. Out: for each wire at which a first part ends, the
//! lightest triple, if the weights fall short of two.
//!
//! A first part has `a` ANDs. A last one begins with an AND and has `c`. Two ways lead from the one to the other, with
//! `b` and `d` ANDs (`d` may be none, and the way a single edge). With `m` levels, `a + b`, `b + c` and `a + d + c` are
//! `m` at least. So first part and way, way and last part, and first part, other way and last part need a refresh each.
//! The sum of these three rows has every wire of the first part, of the way and of the last part twice, and those of
//! the other way once. Halved and rounded up (Caprara and Fischetti, "{0, 1/2}-Chvatal-Gomory cuts", Math. Programming
//! 1996), it says: the refreshes on all parts, those on both ways counted twice, are two at least.

use std::collections::BTreeSet;

use ffhec_circuit::{Circuit, Gate};

use super::readers::{Readers, number};

/// The wires of a triple, ascending; one that counts twice is there twice.
pub(super) type Triple = Vec<u32>;

/// How many wires are looked at from each at most.
pub(super) const REACH: u64 = 150;

/// A triple is taken if it weighs less.
const SHORT: f64 = 1.98;

const FAR: f64 = f64::INFINITY;

/// A circuit with the lightest ways to and from each wire, the wire itself included.
pub(super) struct Finder<'a> {
    circuit: &'a Circuit,
    readers: &'a Readers,
    most: usize,
    weights: &'a [f64],
    /// For each wire and number of ANDs from 1, the lightest way there from the output of an AND.
    before: &'a [f64],
    /// For each wire and number of ANDs from 0, the lightest way from there to an operand of an AND.
    onward: Vec<f64>,
    /// For each wire that was reached from the last of a first part, and number of ANDs from 0, the lightest way,
    /// without that last.
    between: Vec<Vec<f64>>,
    reached: Vec<usize>,
}

/// The parts of a triple: where the first ends, where the last begins, and how many ANDs each has.
#[derive(Clone, Copy)]
struct Parts {
    first: usize,
    last: usize,
    ands: [usize; 4],
}

impl<'a> Finder<'a> {
    /// For `most` levels; `before` are the lightest ways under `weights`, as the sweeps of the linear program find them.
    pub(super) fn new(
        (circuit, readers): (&'a Circuit, &'a Readers),
        most: usize,
        weights: &'a [f64],
        before: &'a [f64],
    ) -> Self {
        debug_assert!(before.len() == most * weights.len(), "a way for each wire and number of ANDs");
        let between = vec![Vec::new(); weights.len()];
        let mut finder = Finder {
            circuit,
            readers,
            most,
            weights,
            before,
            onward: Vec::new(),
            between,
            reached: Vec::new(),
        };
        finder.onward = finder.lightest_onward();
        finder
    }

    /// The lightest triple for each wire at which a first part may end.
    pub(super) fn find(&mut self) -> Vec<Triple> {
        (0..self.weights.len()).filter_map(|first| self.lightest_from(first)).collect()
    }

    fn lightest_onward(&self) -> Vec<f64> {
        let (wires, width) = (self.weights.len(), self.most + 1);
        let mut onward = vec![FAR; wires * width];
        for wire in (0..wires).rev() {
            let mut after = vec![FAR; width];
            for reader in self.readers.of_wire(wire).iter().map(|&reader| reader as usize) {
                match self.circuit.gates[reader] {
                    Gate::And(..) => after[0] = 0.0,
                    Gate::Constant(_) | Gate::Input(_) | Gate::Refresh(_) => continue,
                    Gate::Not(_) | Gate::Xor(..) => {}
                }
                for (after, way) in after.iter_mut().zip(&onward[reader * width..][..width]) {
                    *after = after.min(*way);
                }
            }
            let (own, weight) = self.own(wire);
            for passed in own..width {
                onward[wire * width + passed] = after[passed - own] + weight;
            }
        }
        onward
    }

    /// How many ANDs and what weight a wire adds to a path.
    fn own(&self, wire: usize) -> (usize, f64) {
        match self.circuit.gates[wire] {
            Gate::And(..) => (1, self.weights[wire]),
            Gate::Not(_) => (0, 0.0),
            Gate::Xor(..) | Gate::Constant(_) | Gate::Input(_) | Gate::Refresh(_) => (0, self.weights[wire]),
        }
    }

    fn before(&self, wire: usize, passed: usize) -> f64 {
        self.before[wire * self.most + passed - 1]
    }

    fn onward(&self, wire: usize, passed: usize) -> f64 {
        self.onward[wire * (self.most + 1) + passed]
    }

    /// The lightest way from `first` to `wire`, without `first`.
    fn between(&self, first: usize, wire: usize, passed: usize) -> f64 {
        if wire == first {
            return if passed == 0 { 0.0 } else { FAR };
        }
        self.between[wire].get(passed).copied().unwrap_or(FAR)
    }

    fn lightest_from(&mut self, first: usize) -> Option<Triple> {
        let lightest = (1..=self.most).map(|passed| self.before(first, passed)).fold(FAR, f64::min);
        if matches!(self.circuit.gates[first], Gate::Not(_)) || lightest >= SHORT {
            return None;
        }
        let mut best = (SHORT, None);
        // Ascending, so that all ways to a wire are known before those from it.
        let mut next: BTreeSet<u32> = self.readers.of_wire(first).iter().copied().collect();
        for _ in 0..REACH {
            let Some(last) = next.pop_first() else { break };
            let last = last as usize;
            let gate = self.circuit.gates[last];
            let ways: Vec<f64> = (0..=self.most).map(|passed| self.way_before(first, last, passed)).collect();
            if matches!(gate, Gate::And(..)) {
                self.improve(&mut best, first, last, &ways);
            }
            let (own, weight) = self.own(last);
            let here: Vec<f64> =
                (0..=self.most).map(|at| if at < own { FAR } else { ways[at - own] + weight }).collect();
            if here.iter().any(|way| way + lightest < SHORT) {
                self.reached.push(last);
                self.between[last] = here;
                next.extend(self.readers.of_wire(last).iter().copied());
            }
        }
        let triple = best.1.map(|parts| self.wires_of(parts));
        for wire in self.reached.drain(..) {
            self.between[wire].clear();
        }
        triple
    }

    /// The lightest way from `first` to an operand of `last`.
    fn way_before(&self, first: usize, last: usize, passed: usize) -> f64 {
        let operands = self.circuit.gates[last].operands();
        operands.map(|wire| self.between(first, wire.index(), passed)).fold(FAR, f64::min)
    }

    /// The lightest triple with these ends, if it is lighter than `best`.
    fn improve(&self, best: &mut (f64, Option<Parts>), first: usize, last: usize, ways: &[f64]) {
        let most = self.most;
        for a in 1..=most {
            for c in 1..=most {
                let (b, d) = (most - a.min(c), most.saturating_sub(a + c));
                let total = self.before(first, a) + ways[b] + ways[d] + self.onward(last, c);
                if total < best.0 {
                    *best = (total, Some(Parts { first, last, ands: [a, b, c, d] }));
                }
            }
        }
    }

    fn wires_of(&self, parts: Parts) -> Triple {
        let [a, b, c, d] = parts.ands;
        let mut wires = Vec::new();
        self.trace_back(parts.first, a, &mut wires);
        for ands in [b, d] {
            self.trace_between(parts, ands, &mut wires);
        }
        self.trace_onward(parts.last, c, &mut wires);
        wires.sort_unstable();
        wires
    }

    /// Takes up a wire, unless it is a complement. How many ANDs it is.
    fn take(&self, wire: usize, wires: &mut Vec<u32>) -> usize {
        if !matches!(self.circuit.gates[wire], Gate::Not(_)) {
            wires.push(number(wire));
        }
        self.own(wire).0
    }

    /// The lightest way to `wire`, which begins at the output of an AND.
    fn trace_back(&self, wire: usize, ands: usize, wires: &mut Vec<u32>) {
        let (mut wire, mut left) = (wire, ands);
        loop {
            left -= self.take(wire, wires);
            if left == 0 {
                return;
            }
            let way = |wire: usize| self.before(wire, left);
            let operands = self.circuit.gates[wire].operands().map(|wire| wire.index());
            let Some(next) = operands.min_by(|&a, &b| way(a).total_cmp(&way(b))) else { return };
            wire = next;
        }
    }

    /// The lightest way between the first part and the last.
    fn trace_between(&self, Parts { first, last, .. }: Parts, ands: usize, wires: &mut Vec<u32>) {
        let (mut wire, mut left) = (last, ands);
        loop {
            let way = |wire: usize| self.between(first, wire, left);
            let operands = self.circuit.gates[wire].operands().map(|wire| wire.index());
            match operands.min_by(|&a, &b| way(a).total_cmp(&way(b))) {
                Some(next) if next != first => wire = next,
                Some(_) | None => return,
            }
            left -= self.take(wire, wires);
        }
    }

    /// The lightest way from `wire` to an operand of an AND.
    fn trace_onward(&self, wire: usize, ands: usize, wires: &mut Vec<u32>) {
        let (mut wire, mut left) = (wire, ands);
        loop {
            left -= self.take(wire, wires);
            let readers = self.readers.of_wire(wire).iter().map(|&reader| reader as usize);
            let is_and = |reader: usize| matches!(self.circuit.gates[reader], Gate::And(..));
            if left == 0 && readers.clone().any(is_and) {
                return;
            }
            let way = |wire: usize| self.onward(wire, left);
            let Some(next) = readers.min_by(|&a, &b| way(a).total_cmp(&way(b))) else { return };
            wire = next;
        }
    }
}
