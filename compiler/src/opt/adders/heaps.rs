//! Adders that pass bits to each other, joined into heaps of bits.
//!
//! Every adder says that its summands of weight 1 are as much as its sum and twice its carry. Where a bit is the result of
//! one adder and a summand of one other, and is read by nothing else, both equations add up to one without it.
//! So do all adders of a heap: the bits that go in, each with a weight, are as much as the bits that come out. If no two
//! of these have one weight, they are the digits of the total, and any other circuit may add it up. As
//! complementing all bits of a full adder gives a full adder, a bit may change its sign on the way.
//!
//! Sums without a carry, in the top column of a number that is cut off there, are joined as well: the equation then holds
//! modulo the next weight, and nothing may come out above.

use std::collections::BTreeSet;

use ffhec_circuit::{Circuit, Gate};

use super::find::{Adders, NONE, Node};
use super::forms::{Forms, Lit};
use crate::opt::readers::number;

/// Adders that can be replaced together.
#[derive(Clone, Debug)]
pub(super) struct Heap {
    /// In an order in which they can be computed.
    pub(super) nodes: Vec<u32>,
    /// The wires that go in, ascending.
    pub(super) leaves: Vec<u32>,
    /// For each column, from the lowest weight on, places in `leaves` with complements.
    pub(super) columns: Vec<Vec<(u32, bool)>>,
    /// How many constant ones each column has in addition.
    pub(super) ones: Vec<u32>,
    /// What comes out: the column and the value that its digit is.
    pub(super) outs: Vec<(usize, Lit)>,
}

/// How often adders are joined, with bits let out where two digits would have one weight.
const ROUNDS: usize = 4;

/// Values read by no node or by several.
const MANY: u32 = NONE;

/// Who reads each value.
struct Uses {
    count: Vec<u32>,
    /// The node that reads a value that is read once.
    node: Vec<u32>,
    /// The plain gate that reads it.
    gate: Vec<u32>,
}

impl Uses {
    fn of(circuit: &Circuit, forms: &Forms<'_>, adders: &Adders) -> Self {
        let count = circuit.gates.len();
        let mut uses = Uses { count: vec![0; count], node: vec![MANY; count], gate: vec![NONE; count] };
        for wire in &circuit.output_wires {
            uses.add(forms.lit(*wire), MANY, NONE);
        }
        for (index, gate) in circuit.gates.iter().enumerate() {
            if adders.needed[index] && adders.makers[index] == NONE {
                gate.operands().for_each(|wire| uses.add(forms.lit(wire), MANY, number(index)));
            }
        }
        for (at, node) in adders.nodes.iter().enumerate() {
            if is_needed(adders, at, node) {
                node.ins.iter().for_each(|&lit| uses.add(lit, number(at), NONE));
            }
        }
        uses
    }

    fn add(&mut self, lit: Lit, node: u32, gate: u32) {
        if !lit.is_constant() {
            let wire = lit.wire as usize;
            self.count[wire] += 1;
            self.node[wire] = if self.count[wire] == 1 { node } else { MANY };
            self.gate[wire] = gate;
        }
    }
}

/// Whether something needs a result of the node.
fn is_needed(adders: &Adders, at: usize, node: &Node) -> bool {
    node.outs().any(|out| adders.maker(out) == Some(number(at)) && adders.needed[out.wire as usize])
}

/// All heaps of at least two nodes.
pub(super) fn heaps(circuit: &Circuit, forms: &Forms<'_>, adders: &mut Adders) -> Vec<Heap> {
    let mut uses = Uses::of(circuit, forms, adders);
    add_plain_sums(circuit, forms, adders, &mut uses);
    let order = order(adders);
    let stages = stages(circuit, forms, adders, &uses, &order);
    let mut cut = vec![false; circuit.gates.len()];
    let mut joined = Joined::new(adders, &uses, &stages, &cut);
    joined.join(&order);
    for _ in 1..ROUNDS {
        let more = joined.cuts(&order);
        if more.is_empty() {
            break;
        }
        more.into_iter().for_each(|wire| cut[wire as usize] = true);
        joined = Joined::new(adders, &uses, &stages, &cut);
        joined.join(&order);
    }
    let mut groups: Vec<Vec<u32>> = vec![Vec::new(); adders.nodes.len()];
    for &node in &order {
        let root = joined.place(node).0;
        if !joined.wrong[root as usize] {
            groups[root as usize].push(node);
        }
    }
    groups.into_iter().filter(|group| group.len() > 1).filter_map(|group| joined.heap(group)).collect()
}

/// Makes nodes of sums in which several bits of adders end.
fn add_plain_sums(circuit: &Circuit, forms: &Forms<'_>, adders: &mut Adders, uses: &mut Uses) {
    let is_plain = |adders: &Adders, wire: u32| {
        adders.makers[wire as usize] == NONE
            && adders.needed[wire as usize]
            && matches!(circuit.gates[wire as usize], Gate::Xor(..))
    };
    let is_inner = |adders: &Adders, uses: &Uses, wire: u32| {
        let reader = uses.gate[wire as usize];
        uses.count[wire as usize] == 1 && reader != NONE && is_plain(adders, reader)
    };
    for index in 0..circuit.gates.len() {
        let root = number(index);
        if !is_plain(adders, root) || is_inner(adders, uses, root) {
            continue;
        }
        let (mut leaves, mut bits, mut flip) = (Vec::new(), Vec::new(), false);
        let mut open: Vec<Lit> = circuit.gates[index].operands().map(|wire| forms.lit(wire)).collect();
        while let Some(lit) = open.pop() {
            flip ^= lit.flip;
            if lit.is_constant() {
                continue;
            }
            let plain = Lit { wire: lit.wire, flip: false };
            if is_inner(adders, uses, lit.wire) && is_plain(adders, lit.wire) {
                open.extend(circuit.gates[lit.wire as usize].operands().map(|wire| forms.lit(wire)));
            } else {
                leaves.push(plain);
                if adders.maker(plain).is_some() && uses.count[lit.wire as usize] == 1 {
                    bits.push(lit.wire);
                }
            }
        }
        if bits.len() > 1 {
            for bit in bits {
                uses.node[bit as usize] = number(adders.nodes.len());
            }
            let sum = Some(Lit { wire: root, flip });
            adders.push(Node { ins: leaves, sum, carry: None, like: root });
        }
    }
}

/// The needed nodes, each after those whose results it reads.
fn order(adders: &Adders) -> Vec<u32> {
    let mut order: Vec<(u32, u32)> = Vec::new();
    for (at, node) in adders.nodes.iter().enumerate() {
        let made = node.outs().filter(|&out| adders.maker(out) == Some(number(at)));
        if let Some(first) = made.map(|out| out.wire).min()
            && is_needed(adders, at, node)
        {
            order.push((first, number(at)));
        }
    }
    order.sort_unstable();
    order.into_iter().map(|(_, node)| node).collect()
}

/// A number for each node that grows wherever other gates come between, so that no heap of nodes of one number waits for
/// itself. As high as what reads its results allows.
fn stages(circuit: &Circuit, forms: &Forms<'_>, adders: &Adders, uses: &Uses, order: &[u32]) -> Vec<u32> {
    let mut of_wire = vec![0_u32; circuit.gates.len()];
    let mut of_node = vec![0_u32; adders.nodes.len()];
    let mut nodes = order.iter().copied().peekable();
    let first = |node: u32| adders.nodes[node as usize].outs().map(|out| out.wire).min();
    let is_joint = |lit: Lit, node: u32| uses.node[lit.wire as usize] == node;
    for index in 0..circuit.gates.len() {
        while let Some(node) = nodes.next_if(|&node| first(node) <= Some(number(index))) {
            let plain = adders.nodes[node as usize].ins.iter().filter(|lit| !lit.is_constant());
            let stage = plain.map(|&lit| {
                of_wire[lit.wire as usize] + u32::from(adders.maker(lit).is_some() && !is_joint(lit, node))
            });
            let stage = stage.max().unwrap_or(0);
            of_node[node as usize] = stage;
            for out in adders.nodes[node as usize].outs() {
                if adders.maker(out) == Some(node) {
                    of_wire[out.wire as usize] = stage;
                }
            }
        }
        if adders.makers[index] == NONE && adders.needed[index] {
            let lits = circuit.gates[index].operands().map(|wire| forms.lit(wire));
            let plain = lits.filter(|lit| !lit.is_constant());
            let stage =
                plain.map(|lit| of_wire[lit.wire as usize] + u32::from(adders.maker(lit).is_some())).max();
            of_wire[index] = stage.unwrap_or(0);
        }
    }
    // What waits for nothing else goes with what reads it.
    let mut latest = vec![u32::MAX; circuit.gates.len()];
    for (index, gate) in circuit.gates.iter().enumerate() {
        if adders.makers[index] == NONE && adders.needed[index] {
            for lit in gate.operands().map(|wire| forms.lit(wire)) {
                if adders.maker(lit).is_some() {
                    let latest = &mut latest[lit.wire as usize];
                    *latest = (*latest).min(of_wire[index] - 1);
                }
            }
        }
    }
    for &node in order.iter().rev() {
        let outs = adders.nodes[node as usize].outs().filter(|&out| adders.maker(out) == Some(node));
        let bound = outs.map(|out| latest[out.wire as usize]).min().unwrap_or(u32::MAX);
        if bound != u32::MAX {
            of_node[node as usize] = of_node[node as usize].max(bound);
        }
        let stage = of_node[node as usize];
        for &lit in &adders.nodes[node as usize].ins {
            if adders.maker(lit).is_some() {
                let latest = &mut latest[lit.wire as usize];
                *latest = (*latest).min(if is_joint(lit, node) { stage } else { stage - 1 });
            }
        }
    }
    of_node
}

/// Where a node is in its heap: the root, the weight of its summands less that of the root's, and whether its bits are
/// complemented.
type Place = (u32, i32, bool);

/// Nodes joined so far.
struct Joined<'a> {
    adders: &'a Adders,
    uses: &'a Uses,
    stages: &'a [u32],
    above: Vec<Place>,
    /// For each root, the weights of bits that come out.
    weights: Vec<BTreeSet<i32>>,
    /// For each root, the weight above which the total is cut off.
    top: Vec<i32>,
    /// Whether a heap is none.
    wrong: Vec<bool>,
    /// Whether each value stays within its heap.
    inner: Vec<bool>,
    /// Values that come out in any case.
    cut: &'a [bool],
    /// Plain sums that do not belong to the heaps whose bits they read.
    apart: Vec<u32>,
}

impl<'a> Joined<'a> {
    fn new(adders: &'a Adders, uses: &'a Uses, stages: &'a [u32], cut: &'a [bool]) -> Self {
        let count = adders.nodes.len();
        let mut joined = Joined {
            adders,
            uses,
            stages,
            above: (0..number(count)).map(|node| (node, 0, false)).collect(),
            weights: vec![BTreeSet::new(); count],
            top: vec![i32::MAX; count],
            wrong: vec![false; count],
            inner: vec![false; adders.makers.len()],
            cut,
            apart: Vec::new(),
        };
        for (at, node) in adders.nodes.iter().enumerate() {
            if joined.reader(number(at), node.sum).is_none() {
                joined.weights[at].insert(0);
            }
            match node.carry {
                None => joined.top[at] = 0,
                Some(carry) if joined.reader(number(at), Some(carry)).is_none() => {
                    joined.weights[at].insert(1);
                }
                Some(_) => {}
            }
        }
        joined
    }

    /// The node of the same stage that alone reads a result of `node`.
    fn reader(&self, node: u32, out: Option<Lit>) -> Option<u32> {
        let out = out.filter(|&out| self.adders.maker(out) == Some(node))?;
        let reader = self.uses.node[out.wire as usize];
        let is_carried = self.adders.nodes[node as usize].carry.is_some();
        let is_near = reader != MANY && self.stages[node as usize] == self.stages[reader as usize];
        (is_near && is_carried && !self.cut[out.wire as usize]).then_some(reader)
    }

    /// The bits that should come out so that there are fewer heaps that are none: those that go to plain sums of several
    /// heaps or, if there are no such sums, the sums within the wrong heaps.
    fn cuts(&mut self, order: &[u32]) -> Vec<u32> {
        let nodes = &self.adders.nodes;
        let apart = std::mem::take(&mut self.apart);
        if !apart.is_empty() {
            let ins = apart.iter().flat_map(|&node| &nodes[node as usize].ins);
            return ins.filter(|lit| !lit.is_constant()).map(|lit| lit.wire).collect();
        }
        let mut cuts = Vec::new();
        for &node in order {
            let (root, sum) = (self.place(node).0, nodes[node as usize].sum);
            if self.wrong[root as usize] && self.reader(node, sum).is_some() {
                cuts.extend(sum.map(|sum| sum.wire));
            }
        }
        cuts
    }

    fn place(&mut self, node: u32) -> Place {
        let (mut root, mut weight, mut flip) = self.above[node as usize];
        let mut path = vec![node];
        while self.above[root as usize].0 != root {
            path.push(root);
            let (next, more, also) = self.above[root as usize];
            (root, weight, flip) = (next, weight + more, flip != also);
        }
        // Halve the path for the next time.
        let mut rest = (root, weight, flip);
        for node in path {
            let (_, own, also) = std::mem::replace(&mut self.above[node as usize], rest);
            rest = (root, rest.1 - own, rest.2 != also);
        }
        (root, weight, flip)
    }

    /// Joins what passes carries, then sums, then to sums without carries.
    fn join(&mut self, order: &[u32]) {
        for kind in 0..3 {
            for &node in order {
                let adder = &self.adders.nodes[node as usize];
                for (out, weight) in [(adder.carry, 1), (adder.sum, 0)] {
                    let Some(reader) = self.reader(node, out) else { continue };
                    let Some(out) = out else { continue };
                    let is_plain = self.adders.nodes[reader as usize].carry.is_none();
                    let its_kind = if is_plain { 2 } else { 1 - weight };
                    if its_kind == kind {
                        self.pass(node, out, weight, reader, is_plain);
                    }
                }
            }
        }
    }

    /// Joins `node` and `reader`, which reads its result `out` of weight `weight`, or lets the bit come out.
    fn pass(&mut self, node: u32, out: Lit, weight: i32, reader: u32, is_plain: bool) {
        let ins = &self.adders.nodes[reader as usize].ins;
        let read = ins.iter().find(|lit| lit.wire == out.wire).copied().unwrap_or(out);
        let differ = read.flip != out.flip;
        let (from, from_weight, from_flip) = self.place(node);
        let (to, to_weight, to_flip) = self.place(reader);
        // The weight and the sign of `to` less those of `from`.
        let shift = from_weight + weight - to_weight;
        let flip = (from_flip != to_flip) != differ;
        if from == to {
            let fits = shift == 0 && (is_plain || !flip);
            self.inner[out.wire as usize] = fits;
            self.wrong[from as usize] |= !fits;
            if !fits && is_plain {
                self.apart.push(reader);
            }
            return;
        }
        if self.merge(from, to, shift, flip) {
            self.inner[out.wire as usize] = true;
        } else {
            if is_plain {
                self.apart.push(reader);
            }
            let at = from_weight + weight;
            let is_new = self.weights[from as usize].insert(at);
            self.wrong[from as usize] |= !is_new || at > self.top[from as usize];
        }
    }

    /// Joins two heaps, the second `shift` weights above the first, if no two digits meet.
    fn merge(&mut self, from: u32, to: u32, shift: i32, flip: bool) -> bool {
        if self.wrong[from as usize] || self.wrong[to as usize] {
            return false;
        }
        let (large, small, shift) = if self.weights[from as usize].len() >= self.weights[to as usize].len() {
            (from, to, shift)
        } else {
            (to, from, -shift)
        };
        let (weights, others) = (&self.weights[large as usize], &self.weights[small as usize]);
        let top_of = |root: u32, shift: i32| match self.top[root as usize] {
            i32::MAX => i32::MAX,
            top => top + shift,
        };
        let top = top_of(large, 0).min(top_of(small, shift));
        let highest = weights.last().copied().max(others.last().map(|weight| weight + shift));
        if others.iter().any(|weight| weights.contains(&(weight + shift)))
            || highest.is_some_and(|highest| highest > top)
        {
            return false;
        }
        let others = std::mem::take(&mut self.weights[small as usize]);
        self.weights[large as usize].extend(others.into_iter().map(|weight| weight + shift));
        self.top[large as usize] = top;
        self.above[small as usize] = (large, shift, flip);
        true
    }

    /// The heap of `nodes`, which are in order; of both signs that with fewer constant ones.
    fn heap(&mut self, nodes: Vec<u32>) -> Option<Heap> {
        let places: Vec<Place> = nodes.iter().map(|&node| self.place(node)).collect();
        let (mut ones, mut constants) = (0, 0);
        for (node, place) in nodes.iter().zip(&places) {
            for lit in self.adders.nodes[*node as usize].ins.iter().filter(|lit| lit.is_constant()) {
                constants += 1;
                ones += u32::from(lit.flip != place.2);
            }
        }
        let turn = 2 * ones > constants;
        let least = places.iter().map(|place| place.1).min()?;
        let column = |weight: i32| usize::try_from(weight - least).expect("no weight is below the least");
        let mut outs: Vec<(usize, Lit)> = Vec::new();
        let mut ins: Vec<(usize, Lit)> = Vec::new();
        for (&at, &(_, weight, flip)) in nodes.iter().zip(&places) {
            let node = &self.adders.nodes[at as usize];
            let is_plain = node.carry.is_none();
            let mut flip = flip != turn;
            if is_plain {
                flip = self.sign_of_plain(node, turn);
            }
            let results = [(node.sum, weight), (node.carry, weight + 1)];
            for (out, weight) in results.into_iter().filter_map(|(out, weight)| Some((out?, weight))) {
                if self.adders.maker(out) == Some(at)
                    && self.adders.needed[out.wire as usize]
                    && !self.inner[out.wire as usize]
                {
                    outs.push((column(weight), out.flip(flip)));
                }
            }
            for &lit in node.ins.iter().filter(|lit| lit.is_constant() || !self.inner[lit.wire as usize]) {
                ins.push((column(weight), lit.flip(flip && !is_plain)));
            }
        }
        outs.sort_unstable();
        let columns = outs.last()?.0 + 1;
        ins.retain(|(column, _)| *column < columns);
        let plain = ins.iter().filter(|(_, lit)| !lit.is_constant());
        let mut leaves: Vec<u32> = plain.map(|(_, lit)| lit.wire).collect();
        leaves.sort_unstable();
        leaves.dedup();
        let mut heap =
            Heap { nodes, leaves, columns: vec![Vec::new(); columns], ones: vec![0; columns], outs };
        for (column, lit) in ins {
            match heap.leaves.binary_search(&lit.wire) {
                Ok(leaf) => heap.columns[column].push((number(leaf), lit.flip)),
                Err(_) => heap.ones[column] += u32::from(lit.flip),
            }
        }
        Some(heap)
    }

    /// Whether the digit of a top column is the complement of the plain sum `node`: an odd number of bits come with their
    /// sign changed.
    fn sign_of_plain(&mut self, node: &Node, turn: bool) -> bool {
        let mut sign = false;
        for &lit in &node.ins {
            if !lit.is_constant() && self.inner[lit.wire as usize] {
                let Some(maker) = self.adders.maker(lit) else { continue };
                let (_, _, flip) = self.place(maker);
                let out = self.adders.nodes[maker as usize].outs().find(|out| out.wire == lit.wire);
                sign ^= (flip != turn) != (lit.flip != out.is_some_and(|out| out.flip));
            }
        }
        sign
    }
}
