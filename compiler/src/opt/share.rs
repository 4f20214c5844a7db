//! Common parts of sums are added once. XOR takes no refresh, but it takes memory traffic.
//!
//! A sum is a tree of XORs whose partial sums nothing else reads, in any order. As long as some two terms stand together in
//! several sums, the two that do so most often become one new term (Paar, "Optimized arithmetic for Reed-Solomon encoders",
//! ISIT 1997). A sum of two terms that is part of a longer one is found that way as well. No sum gets terms that it
//! did not have, so that the AND-depth stays.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap};

use ffhec_circuit::{Circuit, Gate, Wire};

use super::dead::remove_dead;
use super::readers::{number, partial_sums, read_once};
use super::rebuild::Rebuild;

/// The most pairs of terms that are looked at; in circuits with more, of long sums only terms near each other.
const MOST_PAIRS: usize = 1 << 23;
/// How far apart, in the order of their wires, the terms of a pair may be: the first of these that gives few enough pairs.
const REACHES: [usize; 4] = [64, 16, 4, 1];

/// The most gates of our own in which parts are shared: beyond, that takes longer than all other passes.
const LARGEST_OF_OURS: usize = 1_000_000;

/// The same function with no more XORs, ANDs or AND-depth, of gates that our gadgets made.
pub fn share(circuit: Circuit) -> Circuit {
    if circuit.gates.len() > LARGEST_OF_OURS { circuit } else { share_all(circuit) }
}

/// Like [`share`], for circuits of any origin and size; those in which even neighbours are too many pairs are left as they
/// are.
pub fn share_all(circuit: Circuit) -> Circuit {
    let circuit = remove_dead(circuit);
    let mut sums = Sums::of(&circuit);
    let Some(reach) = REACHES.into_iter().find(|&reach| sums.pairs(reach) <= MOST_PAIRS) else {
        return circuit;
    };
    sums.share(reach);
    let shared = sums.rebuilt(&circuit);
    let (before, after) = (circuit.counts(), shared.counts());
    // Rules of the builder only ever lower the other counts; checked because it is cheap.
    let is_better = after.xor < before.xor && after.and <= before.and && after.and_depth <= before.and_depth;
    if is_better { shared } else { circuit }
}

/// Two terms, the smaller number first.
type Pair = (u32, u32);

/// The sums of a circuit. Terms are wires and, with higher numbers, pairs of terms.
struct Sums {
    /// For each wire, which sum it is; [`NONE`] for those that are none.
    of_wire: Vec<u32>,
    /// Each in ascending order.
    terms: Vec<Vec<u32>>,
    /// Whether one is to be added.
    flips: Vec<bool>,
    /// The terms from `of_wire.len()` on.
    pairs: Vec<Pair>,
}

const NONE: u32 = u32::MAX;

impl Sums {
    fn of(circuit: &Circuit) -> Self {
        let partial = partial_sums(circuit, &read_once(circuit));
        let mut sums = Sums {
            of_wire: vec![NONE; circuit.gates.len()],
            terms: Vec::new(),
            flips: Vec::new(),
            pairs: Vec::new(),
        };
        for (index, gate) in circuit.gates.iter().enumerate() {
            if matches!(gate, Gate::Xor(..)) && !partial[index] {
                sums.of_wire[index] = number(sums.terms.len());
                sums.collect(circuit, index, &partial);
            }
        }
        sums
    }

    /// Enters the sum of the tree below gate number `root`.
    fn collect(&mut self, circuit: &Circuit, root: usize, partial: &[bool]) {
        let (mut terms, mut flip) = (Vec::new(), false);
        let mut open: Vec<Wire> = circuit.gates[root].operands().collect();
        while let Some(wire) = open.pop() {
            match circuit.gate(wire) {
                Gate::Xor(a, b) if partial[wire.index()] => open.extend([a, b]),
                Gate::Not(a) => {
                    flip = !flip;
                    terms.push(number(a.index()));
                }
                Gate::Constant(bit) => flip ^= bit,
                Gate::Xor(..) | Gate::And(..) | Gate::Refresh(_) | Gate::Input(_) => {
                    terms.push(number(wire.index()));
                }
            }
        }
        terms.sort_unstable();
        // Equal terms cancel.
        let mut kept: Vec<u32> = Vec::with_capacity(terms.len());
        for term in terms {
            if kept.last() == Some(&term) {
                kept.pop();
            } else {
                kept.push(term);
            }
        }
        self.terms.push(kept);
        self.flips.push(flip);
    }

    /// How many pairs of terms that are at most `reach` apart there are.
    fn pairs(&self, reach: usize) -> usize {
        let of = |terms: &Vec<u32>| {
            let near = reach.min(terms.len().saturating_sub(1));
            near * (2 * terms.len()).saturating_sub(near + 1) / 2
        };
        self.terms.iter().map(of).sum()
    }

    /// Makes terms of pairs, the most frequent first, until none stands in two sums.
    fn share(&mut self, reach: usize) {
        let mut places = self.repeated(reach);
        let mut heap: BinaryHeap<(usize, Reverse<Pair>)> =
            places.iter().map(|(pair, sums)| (sums.len(), Reverse(*pair))).collect();
        let mut places: HashMap<Pair, Vec<u32>> = places.drain(..).collect();
        while let Some((count, Reverse(pair))) = heap.pop() {
            let Some(sums) = places.get_mut(&pair) else { continue };
            sums.retain(|&sum| {
                let terms = &self.terms[sum as usize];
                terms.binary_search(&pair.0).is_ok() && terms.binary_search(&pair.1).is_ok()
            });
            if sums.len() < count {
                if sums.len() > 1 {
                    heap.push((sums.len(), Reverse(pair)));
                }
                continue;
            }
            let Some(sums) = places.remove(&pair) else { continue };
            for (pair, sums) in self.join(pair, &sums) {
                heap.push((sums.len(), Reverse(pair)));
                places.insert(pair, sums);
            }
        }
    }

    /// The pairs of terms that stand in several sums, in ascending order, with these.
    fn repeated(&self, reach: usize) -> Vec<(Pair, Vec<u32>)> {
        let mut all: Vec<(Pair, u32)> = Vec::with_capacity(self.pairs(reach));
        for (sum, terms) in self.terms.iter().enumerate() {
            for (at, &a) in terms.iter().enumerate() {
                all.extend(terms[at + 1..].iter().take(reach).map(|&b| ((a, b), number(sum))));
            }
        }
        all.sort_unstable();
        let groups = all.chunk_by(|one, other| one.0 == other.0).filter(|group| group.len() > 1);
        groups.map(|group| (group[0].0, group.iter().map(|(_, sum)| *sum).collect())).collect()
    }

    /// Makes one term of `pair` in `sums`; the pairs with that term that stand in several.
    fn join(&mut self, pair: Pair, sums: &[u32]) -> Vec<(Pair, Vec<u32>)> {
        let new = number(self.of_wire.len() + self.pairs.len());
        self.pairs.push(pair);
        let mut beside: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
        for &sum in sums {
            let terms = &mut self.terms[sum as usize];
            terms.retain(|term| ![pair.0, pair.1].contains(term));
            for &term in terms.iter().rev().take(REACHES[0]) {
                beside.entry(term).or_default().push(sum);
            }
            terms.push(new);
        }
        let repeated = beside.into_iter().filter(|(_, sums)| sums.len() > 1);
        repeated.map(|(term, sums)| ((term, new), sums)).collect()
    }

    /// The circuit with these sums.
    fn rebuilt(&self, circuit: &Circuit) -> Circuit {
        let partial = partial_sums(circuit, &read_once(circuit));
        let mut rebuild = Rebuild::new(circuit);
        let mut made: Vec<Option<Wire>> = vec![None; self.pairs.len()];
        for (index, &sum) in self.of_wire.iter().enumerate() {
            if partial[index] {
                continue;
            }
            if sum == NONE {
                rebuild.copy(index);
                continue;
            }
            rebuild.like(index);
            let start = rebuild.builder.constant(self.flips[sum as usize]);
            let wire = self.terms[sum as usize].iter().fold(start, |total, &term| {
                let term = self.made(&mut rebuild, &mut made, term);
                rebuild.builder.xor(total, term)
            });
            rebuild.set(index, wire);
        }
        remove_dead(rebuild.finish())
    }

    /// The wire of `term`, whose wires have been rebuilt.
    fn made(&self, rebuild: &mut Rebuild, made: &mut [Option<Wire>], term: u32) -> Wire {
        let first = self.of_wire.len();
        let mut open = vec![term];
        let of =
            |rebuild: &Rebuild, made: &[Option<Wire>], term: u32| match (term as usize).checked_sub(first) {
                None => Some(rebuild.wire(Wire::new(term as usize))),
                Some(pair) => made[pair],
            };
        while let Some(&last) = open.last() {
            if of(rebuild, made, last).is_none() {
                let pair = last as usize - first;
                let (a, b) = self.pairs[pair];
                match (of(rebuild, made, a), of(rebuild, made, b)) {
                    (Some(a), Some(b)) => made[pair] = Some(rebuild.builder.xor(a, b)),
                    (None, _) => open.push(a),
                    (_, None) => open.push(b),
                }
            } else {
                open.pop();
            }
        }
        of(rebuild, made, term).expect("it was made last")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::opt::testing::{assert_same, check, circuit, circuits, multiplier_chain};

    #[test]
    fn random_circuits_keep_their_function_and_never_gain_gates_or_depth() {
        for circuit in circuits(60) {
            let shared = share(circuit.clone());
            assert_same(&circuit, &shared);
            let (before, after) = (remove_dead(circuit.clone()).counts(), shared.counts());
            assert!(after.and <= before.and && after.and_depth <= before.and_depth, "{before:?} {after:?}");
            assert!(after.xor <= before.xor, "{before:?} {after:?}");
        }
    }

    #[test]
    fn two_terms_of_three_sums_are_added_once() {
        let before = "
            %5 = xor %0 %1
            %6 = xor %5 %2
            %7 = xor %1 %3
            %8 = xor %7 %0
            %9 = xor %0 %4
            %10 = xor %9 %1";
        let after = "
            %5 = xor %0 %1
            %6 = xor %2 %5
            %7 = xor %3 %5
            %8 = xor %4 %5";
        check(share, 5, (before, "%6 %8 %10"), (after, "%6 %7 %8"));
    }

    #[test]
    fn a_short_sum_is_part_of_a_long_one() {
        let before = "
            %4 = xor %0 %1
            %5 = xor %4 %2
            %6 = xor %5 %3
            %7 = xor %1 %3
            %8 = xor %7 %2";
        let sums = circuit(4, before, "%6 %8");
        assert_eq!(share(sums).counts().xor, 3);
    }

    #[test]
    fn all_sums_of_an_interval_of_terms_take_one_gate_each() {
        // Every prefix of eight terms, each added up on its own from the end.
        let (mut gates, mut next, mut outputs) = (String::new(), 8, String::new());
        for end in 1..8 {
            let mut sum = end;
            for term in (0..end).rev() {
                gates.push_str(&format!("%{next} = xor %{sum} %{term}\n"));
                sum = next;
                next += 1;
            }
            outputs.push_str(&format!("%{sum} "));
        }
        let prefixes = circuit(8, &gates, &outputs);
        assert_eq!(prefixes.counts().xor, 28);
        let shared = share(prefixes.clone());
        assert_same(&prefixes, &shared);
        assert_eq!(shared.counts().xor, 7, "{shared}");
    }

    #[test]
    fn the_same_circuit_comes_out_twice() {
        let start = multiplier_chain(6, 2);
        assert_eq!(share(start.clone()), share(start));
    }
}
