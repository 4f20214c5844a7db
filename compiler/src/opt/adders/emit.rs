//! A circuit made anew, with heaps added up in other ways.

use ffhec_circuit::{Circuit, Gate, Wire};

use super::find::{Adders, NONE, Node};
use super::forms::{Forms, Lit};
use super::heaps::Heap;
use super::plan::{Cost, Plan, Shape, drawn, kept};
use crate::opt::rebuild::Rebuild;

/// What is chosen of the ways to add up a heap.
pub(super) enum Choice<'a> {
    /// The adders as they are.
    Kept,
    /// One of these with the fewest ANDs whose results are there at these depths, given for each wire, and then the
    /// least deep.
    Cheapest(&'a [Shape], &'a [u32]),
    /// One of these that makes the longest path the shortest, given for each wire how many ANDs follow.
    Fastest(&'a [Shape], &'a [u32]),
}

/// A circuit whose heaps were added up.
pub(super) struct Emitted {
    pub(super) circuit: Circuit,
    /// The new wire of each value that was needed.
    pub(super) wires: Vec<Option<Wire>>,
}

/// The heap waits for itself.
pub(super) struct Cycle(pub(super) usize);

/// What there is to make.
#[derive(Clone, Copy)]
pub(super) struct Source<'a> {
    pub(super) circuit: &'a Circuit,
    pub(super) forms: &'a Forms<'a>,
    pub(super) adders: &'a Adders,
    pub(super) heaps: &'a [Heap],
    /// The heap of each node, or [`NONE`].
    pub(super) heap_of: &'a [u32],
}

/// Makes the circuit anew.
///
/// # Errors
/// If the inputs of a heap depend on its outputs.
pub(super) fn emit(source: Source<'_>, choice: &Choice<'_>) -> Result<Emitted, Cycle> {
    let count = source.circuit.gates.len();
    let mut emit = Emit {
        source,
        rebuild: Rebuild::new(source.circuit),
        depths: Vec::new(),
        new: vec![None; count],
        open: vec![NONE; source.heaps.len()],
    };
    for (index, gate) in source.circuit.gates.iter().enumerate() {
        if matches!(gate, Gate::Input(_)) {
            emit.rebuild.copy(index);
            emit.new[index] = Some(emit.rebuild.wire(Wire::new(index)));
        }
    }
    for &wire in &source.circuit.output_wires {
        let lit = source.forms.lit(wire);
        emit.make(lit, choice)?;
        emit.stand_for(wire);
    }
    Ok(Emitted { circuit: emit.rebuild.finish(), wires: emit.new })
}

struct Emit<'a> {
    source: Source<'a>,
    rebuild: Rebuild<'a>,
    /// The AND-depths of new wires.
    depths: Vec<u32>,
    /// The new wire of each value, by its first wire.
    new: Vec<Option<Wire>>,
    /// The value for which each heap that is waiting was asked.
    open: Vec<u32>,
}

impl Emit<'_> {
    /// Makes the value `lit` and all that it needs.
    fn make(&mut self, lit: Lit, choice: &Choice<'_>) -> Result<(), Cycle> {
        let mut open: Vec<u32> = Vec::new();
        self.ask(lit, &mut open);
        while let Some(&wire) = open.last() {
            if self.new[wire as usize].is_some() {
                open.pop();
                continue;
            }
            let waiting = open.len();
            let Source { circuit, forms, adders, heaps, heap_of } = self.source;
            let node = adders.makers[wire as usize];
            if node == NONE {
                for operand in circuit.gates[wire as usize].operands() {
                    self.ask(forms.lit(operand), &mut open);
                }
                if open.len() == waiting {
                    self.gate(wire as usize);
                }
                continue;
            }
            let heap = heap_of[node as usize] as usize;
            if let Some(leaves) = heaps.get(heap).map(|heap| &heap.leaves) {
                leaves.iter().for_each(|&wire| self.ask(Lit { wire, flip: false }, &mut open));
                if open.len() == waiting {
                    self.heap(heap, choice);
                } else if self.open[heap] == NONE {
                    self.open[heap] = wire;
                } else {
                    return Err(Cycle(heap));
                }
                continue;
            }
            adders.nodes[node as usize].ins.iter().for_each(|&lit| self.ask(lit, &mut open));
            if open.len() == waiting {
                self.node(node);
            }
        }
        Ok(())
    }

    fn ask(&self, lit: Lit, open: &mut Vec<u32>) {
        if !lit.is_constant() && self.new[lit.wire as usize].is_none() {
            open.push(lit.wire);
        }
    }

    /// The new wire of a value that has been made.
    fn wire(&mut self, lit: Lit) -> Wire {
        if lit.is_constant() {
            return self.rebuild.builder.constant(lit.flip);
        }
        let wire = self.new[lit.wire as usize].expect("what a value needs is made before it");
        if lit.flip { self.rebuild.builder.not(wire) } else { wire }
    }

    /// Lets the new wire of what `wire` computes stand for it.
    fn stand_for(&mut self, wire: Wire) {
        let new = self.wire(self.source.forms.lit(wire));
        self.rebuild.set(wire.index(), new);
    }

    fn gate(&mut self, index: usize) {
        for operand in self.source.circuit.gates[index].operands() {
            self.stand_for(operand);
        }
        self.rebuild.copy(index);
        self.new[index] = Some(self.rebuild.wire(Wire::new(index)));
    }

    /// One adder as it is.
    fn node(&mut self, at: u32) {
        let adders = self.source.adders;
        let node: &Node = &adders.nodes[at as usize];
        self.rebuild.like(node.like as usize);
        let bits: Vec<Wire> = node.ins.iter().map(|&lit| self.wire(lit)).collect();
        let builder = &mut self.rebuild.builder;
        let zero = builder.constant(false);
        let results = [
            (node.sum, bits.iter().fold(zero, |sum, &bit| builder.xor(sum, bit))),
            (
                node.carry,
                match *bits.as_slice() {
                    [a, b, c] if node.carry.is_some() => {
                        let (left, right) = (builder.xor(a, c), builder.xor(b, c));
                        let both = builder.and(left, right);
                        builder.xor(both, c)
                    }
                    _ => zero,
                },
            ),
        ];
        for (out, wire) in results {
            if let Some(out) = out
                && adders.maker(out) == Some(at)
            {
                let wire = if out.flip { self.rebuild.builder.not(wire) } else { wire };
                self.new[out.wire as usize] = Some(wire);
            }
        }
    }

    fn heap(&mut self, at: usize, choice: &Choice<'_>) {
        let heap = &self.source.heaps[at];
        match self.chosen(heap, choice) {
            None => heap.nodes.iter().for_each(|&node| self.node(node)),
            Some(plan) => self.planned(heap, &plan),
        }
    }

    /// The circuit that is chosen for a heap, if it is to change.
    fn chosen(&mut self, heap: &Heap, choice: &Choice<'_>) -> Option<Plan> {
        let arrivals: Vec<u32> = heap.leaves.iter().map(|&wire| self.depth(wire)).collect();
        let of = |wire: u32| heap.leaves.binary_search(&wire).map_or(0, |at| arrivals[at]);
        let present = kept(heap, &self.source.adders.nodes, of);
        let (shapes, figures) = match *choice {
            Choice::Kept => return None,
            Choice::Cheapest(shapes, figures) | Choice::Fastest(shapes, figures) => (shapes, figures),
        };
        let due: Vec<u32> = heap.outs.iter().map(|(_, out)| figures[out.wire as usize]).collect();
        let wires = || due.iter().copied();
        let rank = |cost: &Cost| -> (u32, usize, u32) {
            let sum = cost.depths.iter().sum();
            match choice {
                Choice::Fastest(..) => {
                    let longest = cost.depths.iter().zip(wires()).map(|(depth, tail)| depth + tail).max();
                    (longest.unwrap_or(0), cost.ands, sum)
                }
                Choice::Kept | Choice::Cheapest(..) => {
                    let late = cost.depths.iter().zip(wires()).map(|(&depth, due)| depth.saturating_sub(due));
                    (late.max().unwrap_or(0), cost.ands, sum)
                }
            }
        };
        let mut best: ((u32, usize, u32), Option<Plan>) = (rank(&present), None);
        for &shape in shapes {
            let plan = drawn(heap, &arrivals, shape, &due);
            let its = rank(&plan.cost);
            if its < best.0 {
                best = (its, Some(plan));
            }
        }
        best.1
    }

    fn planned(&mut self, heap: &Heap, plan: &Plan) {
        let like = heap.nodes.last().map_or(0, |&node| self.source.adders.nodes[node as usize].like);
        self.rebuild.like(like as usize);
        let mut wires: Vec<Wire> = Vec::with_capacity(plan.circuit.gates.len());
        for gate in &plan.circuit.gates {
            let of = |wire: Wire| wires[wire.index()];
            let builder = &mut self.rebuild.builder;
            let wire = match *gate {
                Gate::Constant(bit) => builder.constant(bit),
                Gate::Input(leaf) => self.wire(Lit { wire: heap.leaves[leaf as usize], flip: false }),
                Gate::Not(a) => builder.not(of(a)),
                Gate::Xor(a, b) => builder.xor(of(a), of(b)),
                Gate::And(a, b) => builder.and(of(a), of(b)),
                Gate::Refresh(a) => builder.refresh(of(a)),
            };
            wires.push(wire);
        }
        for (&(_, out), &digit) in heap.outs.iter().zip(&plan.circuit.output_wires) {
            let digit = wires[digit.index()];
            let wire = if out.flip { self.rebuild.builder.not(digit) } else { digit };
            self.new[out.wire as usize] = Some(wire);
        }
    }

    /// The AND-depth of a value that has been made.
    fn depth(&mut self, wire: u32) -> u32 {
        let wire = self.new[wire as usize].expect("what a heap needs is made before it").index();
        while self.depths.len() <= wire {
            let gate = self.rebuild.builder.gate(Wire::new(self.depths.len()));
            let below = gate.operands().map(|operand| self.depths[operand.index()]).max().unwrap_or(0);
            self.depths.push(below + u32::from(matches!(gate, Gate::And(..))));
        }
        self.depths[wire]
    }
}
