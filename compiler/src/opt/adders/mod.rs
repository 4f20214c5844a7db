//! Adders grouped anew across operations.
//!
//! Circuits add three numbers by two adders, one after the other, and the rows of a product by an array of them. What
//! they add up is the same in any order. So adders are found in the graph, whoever wrote them ([`find`]), and those that pass bits
//! to each other are joined to heaps of bits, each with a weight ([`heaps`]); a heap is then added up by full adders that take the
//! earliest three bits of a column and, where depth is worth more than ANDs, by a prefix adder over the last two
//! rows ([`plan`]).
//!
//! Carry-save trees: Wallace, "A suggestion for a fast multiplier", IEEE Trans. Electronic Computers 1964, and Dadda,
//! "Some schemes for parallel multipliers", Alta Frequenza 1965. By arrival: Stelling, Martel, Oklobdzija and Ravi,
//! "Optimal circuits for parallel multipliers", IEEE Trans. Computers 1998. Adders in graphs: Yu, Ciesielski and Mishchenko,
//! "Fast algebraic rewriting based on and-inverter graphs", IEEE TCAD 2018. There, adders are found among cuts of three
//! wires by their truth tables; here among sums, which are free, by their terms ([`forms`]).

mod emit;
mod find;
mod forms;
mod heaps;
mod plan;

use ffhec_circuit::{Circuit, Gate, Wire};

use super::dead::remove_dead;
use super::readers::number;
use emit::{Choice, Cycle, Emitted, Source, emit};
use find::{Adders, NONE};
use forms::Forms;
use heaps::heaps;
use plan::{FAST, Shape, TIMELY};

/// Circuits with more gates than this are left as they are.
const LARGEST: usize = 4_000_000;

/// Circuits with more ANDs than this get no prefix adders, the best of which are searched in time cubic in their width.
const LARGEST_SHORTENED: usize = 50_000;

/// How many heaps that wait for themselves are left alone, before all are.
const MOST_CYCLES: usize = 32;

/// The same function with fewer ANDs, or as many and less depth. Its sums are longer, and so noisier.
pub fn merge_adders(circuit: Circuit) -> Circuit {
    regrouped(&circuit, |heaps| heaps.smaller()).unwrap_or(circuit)
}

/// The same function with less AND-depth and at most `most` ANDs, if that is found; else as [`merge_adders`].
pub fn merge_adders_within(circuit: Circuit, most: usize) -> Circuit {
    if circuit.counts().and > LARGEST_SHORTENED {
        return merge_adders(circuit);
    }
    regrouped(&circuit, |heaps| heaps.shallower(most).or_else(|| heaps.smaller())).unwrap_or(circuit)
}

/// The circuit that `choose` makes of the heaps, if there are any.
fn regrouped(circuit: &Circuit, choose: impl Fn(&mut Heaps<'_>) -> Option<Circuit>) -> Option<Circuit> {
    if circuit.gates.len() > LARGEST {
        return None;
    }
    let forms = Forms::of(circuit);
    let mut adders = Adders::of(circuit, &forms);
    let heaps = heaps(circuit, &forms, &mut adders);
    if heaps.is_empty() {
        return None;
    }
    let mut heap_of = vec![NONE; adders.nodes.len()];
    for (at, heap) in heaps.iter().enumerate() {
        heap.nodes.iter().for_each(|&node| heap_of[node as usize] = number(at));
    }
    choose(&mut Heaps { circuit, forms: &forms, adders: &adders, heaps: &heaps, heap_of })
}

/// A circuit and the heaps in it.
struct Heaps<'a> {
    circuit: &'a Circuit,
    forms: &'a Forms<'a>,
    adders: &'a Adders,
    heaps: &'a [heaps::Heap],
    heap_of: Vec<u32>,
}

impl Heaps<'_> {
    /// Fewer ANDs at no more depth, or as many and less depth.
    fn smaller(&mut self) -> Option<Circuit> {
        let before = self.circuit.counts();
        let kept = self.emitted(&Choice::Kept)?;
        let due = due(&kept, depth(&kept).max(number(before.and_depth)));
        let after = remove_dead(self.emitted(&Choice::Cheapest(&[Shape::Ripple], &due))?.circuit);
        let counts = after.counts();
        let is_better = (counts.and, counts.and_depth) < (before.and, before.and_depth);
        (is_better && counts.and_depth <= before.and_depth).then_some(after)
    }

    /// The least depth, at most `most` ANDs.
    fn shallower(&mut self, most: usize) -> Option<Circuit> {
        let before = self.circuit.counts();
        let kept = self.emitted(&Choice::Kept)?;
        let first = self.emitted(&Choice::Fastest(FAST, &tails(&kept)))?;
        let fast = self.emitted(&Choice::Fastest(FAST, &tails(&first)))?;
        // The least depth that stays within the limit, by halving.
        let (mut low, mut high) = (depth(&fast), number(before.and_depth));
        let mut best = None;
        while low < high {
            let aim = if best.is_none() && low == depth(&fast) { low } else { low.midpoint(high) };
            let after = self.emitted(&Choice::Cheapest(TIMELY, &due(&fast, aim)))?;
            let after = remove_dead(after.circuit);
            let counts = after.counts();
            if counts.and <= most.max(before.and) && counts.and_depth < before.and_depth {
                high = aim;
                best = Some(after);
            } else {
                low = aim + 1;
            }
        }
        best
    }

    /// The circuit made anew; heaps that wait for themselves are taken apart.
    fn emitted(&mut self, choice: &Choice<'_>) -> Option<Emitted> {
        for _ in 0..MOST_CYCLES {
            let Heaps { circuit, forms, adders, heaps, ref heap_of } = *self;
            match emit(Source { circuit, forms, adders, heaps, heap_of }, choice) {
                Ok(emitted) => return Some(emitted),
                Err(Cycle(heap)) => {
                    self.heaps[heap].nodes.iter().for_each(|&node| self.heap_of[node as usize] = NONE);
                }
            }
        }
        None
    }
}

fn depth(emitted: &Emitted) -> u32 {
    number(emitted.circuit.counts().and_depth)
}

/// How many ANDs follow each value on the longest path.
fn tails(emitted: &Emitted) -> Vec<u32> {
    let gates = &emitted.circuit.gates;
    let mut tails = vec![0; gates.len()];
    for (index, gate) in gates.iter().enumerate().rev() {
        let tail = tails[index] + u32::from(matches!(gate, Gate::And(..)));
        for operand in gate.operands() {
            tails[operand.index()] = tail.max(tails[operand.index()]);
        }
    }
    emitted.wires.iter().map(|wire| wire.map_or(0, |wire: Wire| tails[wire.index()])).collect()
}

/// How deep each value may be in a circuit of depth `aim`.
fn due(emitted: &Emitted, aim: u32) -> Vec<u32> {
    tails(emitted).into_iter().map(|tail| aim.saturating_sub(tail)).collect()
}

#[cfg(test)]
mod tests;
