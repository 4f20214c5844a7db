//! Circuits that add up a heap.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, VecDeque};

use ffhec_circuit::{Builder, Circuit, Port, Wire};

use super::find::Node;
use super::heaps::Heap;
use crate::gadgets::bits::{Bits, Gates};
use crate::gadgets::compress::two_rows;
use crate::gadgets::objective::Objective;
use crate::gadgets::prefix::{carries, carries_by, carry_out, half_sums};
use crate::opt::dead::remove_dead;

/// How a heap is added up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// By full adders alone, one AND each, until one bit is left in every column. A column of `h` bits takes
    /// `h / 2` of them in whatever order; the earliest three bits come first.
    Ripple,
    /// By full adders until two rows are left, then by the shallowest prefix adder.
    Fast,
    /// The same with a prefix adder that is as shallow only where results are due.
    Timely,
    /// The same with carries that ripple in blocks of so many places, and between blocks by the parallel prefixes of
    /// Ladner and Fischer (J. ACM 1980) that are so much deeper than need be.
    Blocks(usize, u32),
}

/// Shapes for the least depth.
pub(super) const FAST: &[Shape] = &[Shape::Ripple, Shape::Fast, Shape::Blocks(1, 0), Shape::Blocks(2, 0)];

/// Shapes for a given depth. Blocks of two save the AND of every other place; larger ones save spans.
pub(super) const TIMELY: &[Shape] = &[
    Shape::Ripple,
    Shape::Timely,
    Shape::Fast,
    Shape::Blocks(1, 0),
    Shape::Blocks(1, 1),
    Shape::Blocks(2, 0),
    Shape::Blocks(2, 1),
    Shape::Blocks(2, 2),
    Shape::Blocks(3, 0),
    Shape::Blocks(3, 1),
    Shape::Blocks(4, 0),
    Shape::Blocks(4, 1),
    Shape::Blocks(4, 4),
    Shape::Blocks(8, 0),
    Shape::Blocks(8, 4),
];

/// What a way to add up a heap takes.
#[derive(Clone, Debug)]
pub(super) struct Cost {
    pub(super) ands: usize,
    /// The AND-depth of each result.
    pub(super) depths: Vec<u32>,
}

/// A circuit from the leaves of a heap to its digits.
pub(super) struct Plan {
    pub(super) circuit: Circuit,
    pub(super) cost: Cost,
}

/// What the adders take as they are; `depth` says when a wire that goes in is there.
pub(super) fn kept(heap: &Heap, nodes: &[Node], depth: impl Fn(u32) -> u32) -> Cost {
    let mut known: BTreeMap<u32, u32> = heap.leaves.iter().map(|&wire| (wire, depth(wire))).collect();
    let mut ands = 0;
    for &node in &heap.nodes {
        let node = &nodes[node as usize];
        let latest = node.ins.iter().filter_map(|lit| known.get(&lit.wire)).max().copied().unwrap_or(0);
        if let Some(sum) = node.sum {
            known.insert(sum.wire, latest);
        }
        if let Some(carry) = node.carry {
            known.insert(carry.wire, latest + 1);
            ands += 1;
        }
    }
    Cost { ands, depths: heap.outs.iter().map(|(_, out)| known[&out.wire]).collect() }
}

/// A circuit of this shape for wires that are there at these depths, one for each leaf. Each result should be there at
/// the depth that `due` says.
pub(super) fn drawn(heap: &Heap, arrivals: &[u32], shape: Shape, due: &[u32]) -> Plan {
    let mut builder = Builder::new();
    let port = |name: &str, width: usize| Port {
        name: name.into(),
        kind: "bits".into(),
        width: u32::try_from(width).expect("bounded: wires have 32 bits"),
        range: None,
    };
    let leaves = builder.input(port("leaves", arrivals.len()));
    let objective = match shape {
        Shape::Ripple => Objective::FewestAnds,
        Shape::Timely => Objective::Balanced,
        Shape::Fast | Shape::Blocks(..) => Objective::LeastDepth,
    };
    let mut g = Gates::new(&mut builder, usize::MAX).built_for(objective).arriving(arrivals.to_vec());
    let bits = |g: &mut Gates<'_>, column: &Vec<(u32, bool)>| -> Bits {
        let bit = |&(leaf, flip): &(u32, bool)| {
            let wire = leaves[leaf as usize];
            if flip { g.not(wire) } else { wire }
        };
        column.iter().map(bit).collect()
    };
    let columns: Vec<Bits> = heap.columns.iter().map(|column| bits(&mut g, column)).collect();
    let digits = match shape {
        Shape::Ripple => rippled(&mut g, columns, carried(&heap.ones)),
        Shape::Fast | Shape::Timely | Shape::Blocks(..) => {
            let rows = Rows::of(&mut g, columns, &carried(&heap.ones));
            let asked = heap.outs.iter().map(|(column, _)| *column).zip(due.iter().copied());
            match shape {
                Shape::Timely => rows.added_by(&mut g, asked),
                Shape::Blocks(block, spare) => rows.added_in_blocks(&mut g, block, spare),
                Shape::Ripple | Shape::Fast => rows.added(&mut g, asked),
            }
        }
    };
    let outs: Bits = heap.outs.iter().map(|&(column, _)| digits[column]).collect();
    let depths = outs.iter().map(|&out| g.depth(out)).collect();
    builder.output(port("digits", outs.len()), &outs);
    let circuit = remove_dead(builder.finish());
    let ands = circuit.counts().and;
    Plan { circuit, cost: Cost { ands, depths } }
}

/// The digits of a sum of constants.
fn carried(ones: &[u32]) -> Vec<bool> {
    let mut carry = 0;
    let digit = |&count: &u32| {
        let total = carry + count;
        carry = total / 2;
        total % 2 == 1
    };
    ones.iter().map(digit).collect()
}

/// One bit for every column, by full adders of the earliest three.
fn rippled(g: &mut Gates<'_>, columns: Vec<Bits>, ones: Vec<bool>) -> Bits {
    let last = columns.len() - 1;
    let mut carries: Bits = Vec::new();
    let mut digits = Vec::new();
    for (at, (column, one)) in columns.into_iter().zip(ones).enumerate() {
        let mut earliest: BinaryHeap<Reverse<(u32, Wire)>> = BinaryHeap::new();
        for bit in column.into_iter().chain(std::mem::take(&mut carries)) {
            if g.known(bit) != Some(false) {
                earliest.push(Reverse((g.depth(bit), bit)));
            }
        }
        let one = g.bit(one);
        if at < last && g.known(one) == Some(true) {
            let latest = earliest.iter().map(|bit| bit.0).max().filter(|_| earliest.len() % 2 == 1);
            match latest {
                // A bit and 1 are its complement, and it is the carry: no AND.
                Some((depth, bit)) => {
                    earliest.retain(|other| other.0.1 != bit);
                    earliest.push(Reverse((depth, g.not(bit))));
                    carries.push(bit);
                }
                None => earliest.push(Reverse((0, one))),
            }
        }
        let mut pop = || earliest.pop().map(|bit| bit.0.1);
        if at == last {
            let mut sum = one;
            while let Some(bit) = pop() {
                sum = g.xor(sum, bit);
            }
            digits.push(sum);
            break;
        }
        let zero = g.bit(false);
        loop {
            let Some(Reverse((_, a))) = earliest.pop() else {
                digits.push(zero);
                break;
            };
            let Some(Reverse((_, b))) = earliest.pop() else {
                digits.push(a);
                break;
            };
            let c = earliest.pop().map_or(zero, |bit| bit.0.1);
            let half = g.xor(a, b);
            let sum = g.xor(half, c);
            let carry = g.majority(a, b, c);
            earliest.push(Reverse((g.depth(sum), sum)));
            carries.push(carry);
        }
    }
    digits
}

/// Two numbers and a carry to be added.
struct Rows {
    a: Bits,
    b: Bits,
    carry: Wire,
}

impl Rows {
    /// Two rows of the same total as the columns.
    fn of(g: &mut Gates<'_>, columns: Vec<Bits>, ones: &[bool]) -> Self {
        let mut columns: Vec<VecDeque<Wire>> = columns.into_iter().map(VecDeque::from).collect();
        for (column, &one) in columns.iter_mut().zip(ones) {
            if one {
                column.push_front(g.bit(true));
            }
        }
        // One bit of the lowest column may wait for the prefix adder.
        let mut carry = g.bit(false);
        if columns[0].len() > 2 {
            let key = |g: &mut Gates<'_>, bit: Wire| (g.depth(bit), g.known(bit).is_some());
            let latest = (0..columns[0].len()).max_by_key(|&at| key(g, columns[0][at]));
            carry = latest.and_then(|at| columns[0].remove(at)).unwrap_or(carry);
        }
        let (a, b) = two_rows(g, columns);
        Rows { a, b, carry }
    }

    /// Generate and propagate of all places but the top one, out of which nothing is carried, and the sum of that.
    fn half_sums(&self, g: &mut Gates<'_>) -> (Bits, Bits, Wire) {
        let last = self.a.len() - 1;
        let (generate, propagate) = half_sums(g, &self.a[..last], &self.b[..last]);
        let top = g.xor(self.a[last], self.b[last]);
        (generate, propagate, top)
    }

    /// All digits, or the top one alone if no other is asked for.
    fn added(self, g: &mut Gates<'_>, mut asked: impl Iterator<Item = (usize, u32)>) -> Bits {
        let (generate, mut propagate, top) = self.half_sums(g);
        if asked.all(|(column, _)| column == generate.len()) {
            let carry = carry_out(g, &generate, &propagate, self.carry);
            propagate.push(g.xor(top, carry));
            return propagate;
        }
        let carries = carries(g, &generate, &propagate, self.carry);
        propagate.push(top);
        propagate.iter().zip(carries).map(|(&bit, carry)| g.xor(bit, carry)).collect()
    }

    /// The digits that are asked for, each when it is due.
    fn added_by(self, g: &mut Gates<'_>, asked: impl Iterator<Item = (usize, u32)>) -> Bits {
        let (generate, mut propagate, top) = self.half_sums(g);
        let mut due = vec![None; self.a.len()];
        for (column, by) in asked {
            due[column] = Some(by);
        }
        let carries = carries_by(g, &generate, &propagate, self.carry, &due);
        propagate.push(top);
        let digit = |(&bit, carry): (&Wire, Option<Wire>)| carry.map_or(bit, |carry| g.xor(bit, carry));
        propagate.iter().zip(carries).map(digit).collect()
    }

    /// All digits, with carries that ripple in blocks of `block` places.
    fn added_in_blocks(self, g: &mut Gates<'_>, block: usize, spare: u32) -> Bits {
        // Nothing is carried out of the top.
        let top = self.a.len() - 1;
        let zero = g.bit(false);
        let mut spans: Vec<Span> = vec![(self.carry, zero)];
        for start in (0..top).step_by(block) {
            let first = g.and(self.a[start], self.b[start]);
            let through = g.xor(self.a[start], self.b[start]);
            spans.push((start + 1..top.min(start + block)).fold((first, through), |(carry, through), at| {
                let propagate = g.xor(self.a[at], self.b[at]);
                (g.majority(self.a[at], self.b[at], carry), g.and(through, propagate))
            }));
        }
        let carries = prefixes(g, &spans, spare);
        let mut digits = Vec::with_capacity(self.a.len());
        let mut carry = zero;
        for at in 0..=top {
            carry = match at % block {
                0 => carries[at / block].0,
                _ => g.majority(self.a[at - 1], self.b[at - 1], carry),
            };
            let half = g.xor(self.a[at], self.b[at]);
            digits.push(g.xor(half, carry));
        }
        digits
    }
}

/// Whether a carry comes out of a span of places by itself, and whether it passes one on.
type Span = (Wire, Wire);

/// The spans from the first one on, by parallel prefixes that may be `spare` levels deeper than need be.
fn prefixes(g: &mut Gates<'_>, spans: &[Span], spare: u32) -> Vec<Span> {
    if spans.len() < 2 {
        return spans.to_vec();
    }
    let join = |g: &mut Gates<'_>, low: Span, high: Span| -> Span {
        let passed = g.and(high.1, low.0);
        (g.xor(high.0, passed), g.and(high.1, low.1))
    };
    if spare == 0 {
        let (low, high) = spans.split_at(spans.len().div_ceil(2));
        let mut all = prefixes(g, low, 1);
        let last = all[all.len() - 1];
        for span in prefixes(g, high, 0) {
            all.push(join(g, last, span));
        }
        return all;
    }
    let pairs: Vec<Span> = spans
        .chunks(2)
        .filter_map(|pair| if let [low, high] = *pair { Some(join(g, low, high)) } else { None })
        .collect();
    let pairs = prefixes(g, &pairs, spare - 1);
    let prefix = |at: usize| match (at, at % 2) {
        (0, _) => spans[0],
        (_, 1) => pairs[at / 2],
        (_, _) => join(g, pairs[at / 2 - 1], spans[at]),
    };
    (0..spans.len()).map(prefix).collect()
}
