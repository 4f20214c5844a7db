//! Quiet sums: a sum that is written as a sum of sums in which terms cancel is as noisy as if they did not, and twice as
//! noisy with every sum that doubles itself on the way. Where that would take a refresh, the sum is written anew, over
//! terms of which none comes twice.
//!
//! In: a circuit and a choice of refreshes. Out: the same function, with new sums where gates would exceed the budget, and
//! the same choice over it. A new sum takes an XOR for each of its terms but one; that is a twentieth of a product or less, and a
//! refresh takes dozens of these.
//!
//! A sum is opened step by step, the noisiest of its terms first, until what is left is quiet enough: so that it shares
//! as much as it can with the sums that there are.

use std::collections::{BTreeSet, BinaryHeap};

use ffhec_circuit::{Circuit, Gate, NoiseBits, NoiseRules, Target, Wire};

use super::readers::number;
use super::sums::{Combined, without_dead};

/// The most terms of a new sum, and the most steps in which a sum is opened.
const MOST_TERMS: usize = 128;
const MOST_STEPS: usize = 4096;

/// The noise of a sum is looked at after so many steps.
const STEPS: usize = 8;

/// The same function and the same refreshes with quieter sums; `None` if no gate is over the budget for a sum.
pub(super) fn quieten(circuit: &Circuit, marks: &[bool], target: &Target) -> Option<Combined> {
    let mut quiet = Quiet {
        target,
        rules: NoiseRules::new(target),
        new: circuit.emptied(circuit.gates.len()),
        marks: Vec::with_capacity(marks.len()),
        noise: Vec::with_capacity(marks.len()),
        written: 0,
    };
    let mut wires: Vec<Wire> = Vec::with_capacity(marks.len());
    for (index, gate) in circuit.gates.iter().enumerate() {
        let origin = circuit.origins[index];
        if let Gate::And(a, b) = *gate
            && quiet.noise_of(gate.map(|wire| wires[wire.index()])) > target.budget
        {
            // The noisier one first: if the other one leaves it more than half of the budget, that will do.
            let noise = |wire: Wire| quiet.noise[wires[wire.index()].index()];
            let operands = if noise(a) < noise(b) { [(b, a), (a, b)] } else { [(a, b), (b, a)] };
            for (operand, other) in operands {
                let left = target.budget.0 - quiet.noise[wires[other.index()].index()].0;
                let limit = NoiseBits(left.max(target.budget.0 / 2.0));
                wires[operand.index()] = quiet.below(wires[operand.index()], limit, origin);
            }
        }
        let mut wire = quiet.push(gate.map(|wire| wires[wire.index()]), origin);
        if matches!(gate, Gate::Xor(..) | Gate::Not(_)) {
            wire = quiet.below(wire, target.budget, origin);
        }
        if marks[index] {
            quiet.refresh(wire);
        }
        wires.push(wire);
    }
    if quiet.written == 0 {
        return None;
    }
    quiet.new.output_wires = circuit.output_wires.iter().map(|wire| wires[wire.index()]).collect();
    Some(without_dead(Combined { circuit: quiet.new, marks: quiet.marks }))
}

struct Quiet<'a> {
    target: &'a Target,
    rules: NoiseRules<'a>,
    new: Circuit,
    marks: Vec<bool>,
    /// What the readers of each wire see.
    noise: Vec<NoiseBits>,
    /// How many sums were written anew.
    written: usize,
}

impl Quiet<'_> {
    fn push(&mut self, gate: Gate, origin: u32) -> Wire {
        let noise = self.noise_of(gate);
        self.new.gates.push(gate);
        self.new.origins.push(origin);
        self.marks.push(false);
        self.noise.push(noise);
        Wire::new(self.noise.len() - 1)
    }

    fn refresh(&mut self, wire: Wire) {
        self.marks[wire.index()] = true;
        self.noise[wire.index()] = self.target.refreshed;
    }

    fn noise_of(&self, gate: Gate) -> NoiseBits {
        self.rules.noise_of(gate, |wire| self.noise[wire.index()])
    }

    /// `wire`, or a wire of the same value whose noise is at most `limit`, if there is one.
    fn below(&mut self, wire: Wire, limit: NoiseBits, origin: u32) -> Wire {
        if self.noise[wire.index()] <= limit {
            return wire;
        }
        let Some((terms, is_complement)) = self.opened(wire, limit) else { return wire };
        // Part by part, so that neither many sums are alive at once nor many levels are needed.
        let terms: Vec<Wire> = terms.into_iter().map(|term| Wire::new(term as usize)).collect();
        let mut add = |sum: Wire, next: Wire| self.push(Gate::Xor(sum, next), origin);
        let parts = terms.chunks(terms.len().isqrt().max(1));
        let parts: Vec<Wire> = parts.filter_map(|part| part.iter().copied().reduce(&mut add)).collect();
        let sum = parts.into_iter().reduce(add);
        let sum = sum.unwrap_or_else(|| self.push(Gate::Constant(false), origin));
        let sum = if is_complement { self.push(Gate::Not(sum), origin) } else { sum };
        self.written += 1;
        if self.noise[sum.index()] < self.noise[wire.index()] { sum } else { wire }
    }

    /// Terms that add up to `wire`, or its complement, with a noise below `limit`.
    fn opened(&self, wire: Wire, limit: NoiseBits) -> Option<(BTreeSet<u32>, bool)> {
        let mut terms = BTreeSet::from([number(wire.index())]);
        let mut is_complement = false;
        // By noise, which is never negative, so that its bits are ordered like it; those that cancelled are there, too.
        let mut noisiest = BinaryHeap::from([(self.noise[wire.index()].0.to_bits(), number(wire.index()))]);
        for step in 1..=MOST_STEPS {
            let Some((_, term)) = noisiest.pop() else { return self.settled(terms, is_complement, limit) };
            if !terms.contains(&term) {
                continue;
            }
            let gate = self.new.gates[term as usize];
            if self.marks[term as usize] || !matches!(gate, Gate::Xor(..) | Gate::Not(_)) {
                continue;
            }
            terms.remove(&term);
            is_complement ^= matches!(gate, Gate::Not(_));
            for operand in gate.operands() {
                let operand = number(operand.index());
                if !terms.remove(&operand) {
                    terms.insert(operand);
                    noisiest.push((self.noise[operand as usize].0.to_bits(), operand));
                }
            }
            if terms.len() > MOST_TERMS {
                return None;
            }
            if step % STEPS == 0
                && let Some(settled) = self.settled(terms.clone(), is_complement, limit)
            {
                return Some(settled);
            }
        }
        None
    }

    /// The terms, if they are quiet enough together.
    fn settled(
        &self,
        terms: BTreeSet<u32>,
        is_complement: bool,
        limit: NoiseBits,
    ) -> Option<(BTreeSet<u32>, bool)> {
        /// Bits for what roundings add on the way.
        const MARGIN: f64 = 0.01;
        let [sum, term] = [0, 1].map(Wire::new);
        let add = |noise: NoiseBits, next: &u32| {
            let of = |wire: Wire| if wire == sum { noise } else { self.noise[*next as usize] };
            self.rules.noise_of(Gate::Xor(sum, term), of)
        };
        let noise = terms.iter().fold(NoiseBits(0.0), add);
        (noise.0 + MARGIN <= limit.0).then_some((terms, is_complement))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use std::fmt::Write as _;

    use super::*;
    use crate::opt::testing::{assert_same, circuit, circuits, is_within_budget, target};
    use crate::opt::{place, place_refreshes};

    /// `s ^ t, t, s ^ t ^ t, ..`: sums that double their noise with every step, though each is one of three values.
    fn doubling(steps: usize) -> Circuit {
        let mut gates =
            String::from("%4 = and %0 %1\n%5 = and %2 %3\n%6 = and %0 %3\n%7 = and %4 %6\n%8 = and %5 %6\n");
        let (mut a, mut b) = (7, 8);
        for wire in 9..9 + steps {
            let _ = writeln!(gates, "%{wire} = xor %{a} %{b}");
            (a, b) = (b, wire);
        }
        let end = 9 + steps;
        let _ = writeln!(gates, "%{end} = and %{a} %{b}");
        circuit(4, &gates, &format!("%{end}"))
    }

    #[test]
    fn sums_of_sums_that_cancel_take_no_refresh() {
        // Room for four bits of sums in each operand; forty steps take Fibonacci numbers of terms, if none cancels.
        let target = target(208.0, 100.0, 100.0);
        let circuit = doubling(40);
        let placed = place(&circuit, &target).unwrap();
        assert_same(&circuit, &placed.circuit);
        assert!(is_within_budget(&placed.circuit, &target));
        let short = place(&doubling(1), &target).unwrap();
        assert_eq!(placed.refreshes, short.refreshes);
    }

    #[test]
    fn random_circuits_keep_their_function_and_refreshes() {
        let target = target(203.0, 100.0, 100.0);
        let mut written = 0;
        for circuit in circuits(30) {
            let products: Vec<bool> =
                circuit.gates.iter().map(|gate| matches!(gate, Gate::And(..))).collect();
            if let Some(Combined { circuit: quiet, marks }) = quieten(&circuit, &products, &target) {
                written += 1;
                assert_same(&circuit, &quiet);
                let refreshes = |marks: &[bool]| marks.iter().filter(|&&mark| mark).count();
                assert!(refreshes(&marks) <= refreshes(&products));
            }
            let placed = place_refreshes(&circuit, &target).unwrap();
            assert_same(&circuit, &placed);
            assert!(is_within_budget(&placed, &target));
        }
        assert!(written > 3, "{written} circuits had loud sums");
    }
}
