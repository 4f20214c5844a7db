//! The circuit as a graph whose nodes are sorted by AND-depth, and what computes each node now.
//!
//! Invariant: a node is computed from nodes with smaller numbers, so that any function of those may take its place.
//! Complements are part of the edges.

use std::collections::BTreeSet;

use ffhec_circuit::{Builder, Circuit, Gate, Wire};

use crate::opt::dead::remove_dead;
use crate::opt::readers::number;
use crate::opt::rebuild::Rebuild;
use crate::prove::sweep::{Lit, Node};

/// The sum of some nodes, in ascending order, and products, perhaps complemented.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Sum {
    pub(super) terms: Vec<u32>,
    /// Products of the same form, by their numbers; in a product, those before it.
    pub(super) products: Vec<usize>,
    pub(super) flip: bool,
}

/// A sum of nodes and of products of sums. Every product has a reader.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Form {
    pub(super) products: Vec<[Sum; 2]>,
    pub(super) sum: Sum,
}

impl Form {
    /// The nodes it reads, some perhaps more than once.
    fn operands(&self) -> impl Iterator<Item = u32> {
        let factors = self.products.iter().flatten().flat_map(|sum| sum.terms.iter().copied());
        self.sum.terms.iter().copied().chain(factors)
    }
}

/// The graph.
pub(super) struct Graph<'a> {
    circuit: &'a Circuit,
    /// What each node computes as the circuit came; also true after replacements.
    pub(super) nodes: Vec<Node>,
    /// The AND-depth of each node as the circuit came.
    pub(super) depths: Vec<u32>,
    /// How replaced nodes are computed.
    forms: Vec<Option<Form>>,
    /// How many nodes that are read themselves, and outputs, read each node.
    readers: Vec<u32>,
    /// The wire that each node was made for.
    wires: Vec<u32>,
    /// The node of each wire.
    lits: Vec<Lit>,
}

impl<'a> Graph<'a> {
    /// The graph of `circuit`, which has no refreshes and no gate that nothing needs.
    pub(super) fn of(circuit: &'a Circuit) -> Self {
        let depths = and_depths(circuit);
        let mut order: Vec<u32> = (0..number(circuit.gates.len())).collect();
        let is_gate = |wire: u32| !matches!(circuit.gates[wire as usize], Gate::Input(_) | Gate::Constant(_));
        order.sort_by_key(|&wire| (is_gate(wire), depths[wire as usize], wire));
        let mut graph = Graph {
            circuit,
            nodes: vec![Node::Zero],
            depths: vec![0],
            forms: Vec::new(),
            readers: Vec::new(),
            wires: vec![0],
            lits: vec![Lit::ZERO; circuit.gates.len()],
        };
        for wire in order {
            let lit = graph.enter(circuit.gates[wire as usize], wire, depths[wire as usize]);
            graph.lits[wire as usize] = lit;
        }
        graph.forms = vec![None; graph.nodes.len()];
        graph.count_readers();
        graph
    }

    fn enter(&mut self, gate: Gate, wire: u32, depth: u32) -> Lit {
        let lit = |wire: Wire| self.lits[wire.index()];
        let (node, flip) = match gate {
            Gate::Constant(bit) => return Lit::ZERO.flip(bit),
            Gate::Not(a) => return lit(a).flip(true),
            Gate::Refresh(a) => return lit(a),
            Gate::Input(_) => (Node::Input, false),
            Gate::And(a, b) => (Node::And(lit(a).min(lit(b)), lit(a).max(lit(b))), false),
            Gate::Xor(a, b) => {
                let (a, b) = (lit(a), lit(b));
                let nodes = (a.node().min(b.node()), a.node().max(b.node()));
                (Node::Xor(nodes.0, nodes.1), a.is_flipped() ^ b.is_flipped())
            }
        };
        self.nodes.push(node);
        self.depths.push(depth);
        self.wires.push(wire);
        Lit::new(number(self.nodes.len() - 1), flip)
    }

    fn count_readers(&mut self) {
        self.readers = vec![0; self.nodes.len()];
        let ends: Vec<u32> =
            self.circuit.output_wires.iter().map(|wire| self.lits[wire.index()].node()).collect();
        self.pin(&ends);
    }

    /// All nodes.
    pub(super) fn all(&self) -> std::ops::Range<u32> {
        0..number(self.nodes.len())
    }

    /// The input nodes.
    pub(super) fn inputs(&self) -> std::ops::RangeInclusive<u32> {
        1..=number(self.circuit.input_bits())
    }

    /// The wire of the circuit that `node` was made for.
    pub(super) fn wire(&self, node: u32) -> u32 {
        self.wires[node as usize]
    }

    /// Whether anything reads `node`.
    pub(super) fn is_needed(&self, node: u32) -> bool {
        self.readers[node as usize] > 0
    }

    /// How many nodes that are read themselves, and outputs, read `node`.
    pub(super) fn reader_count(&self, node: u32) -> usize {
        self.readers[node as usize] as usize
    }

    /// What only `node` needs, and itself.
    pub(super) fn only_for(&mut self, node: u32) -> BTreeSet<u32> {
        let mut operands = Vec::new();
        self.open(node, &mut operands);
        let mut only = BTreeSet::from([node]);
        self.unpin(&operands);
        let mut open = operands.clone();
        while let Some(wire) = open.pop() {
            if self.readers[wire as usize] == 0 && only.insert(wire) {
                self.open(wire, &mut open);
            }
        }
        self.pin(&operands);
        only
    }

    /// The AND nodes that outputs need and that are computed as they came.
    pub(super) fn products(&self) -> impl Iterator<Item = u32> {
        self.all().filter(|&node| {
            let index = node as usize;
            matches!(self.nodes[index], Node::And(..))
                && self.readers[index] > 0
                && self.forms[index].is_none()
        })
    }

    fn own_ands(&self, node: u32) -> usize {
        match (&self.forms[node as usize], self.nodes[node as usize]) {
            (Some(form), _) => form.products.len(),
            (None, Node::And(..)) => 1,
            (None, Node::Xor(..) | Node::Input | Node::Zero) => 0,
        }
    }

    /// Adds the nodes that `node` is computed from to `open`.
    fn open(&self, node: u32, open: &mut Vec<u32>) {
        match (&self.forms[node as usize], self.nodes[node as usize]) {
            (Some(form), _) => open.extend(form.operands()),
            (None, Node::And(a, b)) => open.extend([a.node(), b.node()]),
            (None, Node::Xor(a, b)) => open.extend([a, b]),
            (None, Node::Input | Node::Zero) => {}
        }
    }

    /// One more reads each of `nodes`; how many ANDs are needed again.
    fn pin(&mut self, nodes: &[u32]) -> usize {
        let mut open = nodes.to_vec();
        let mut ands = 0;
        while let Some(node) = open.pop() {
            self.readers[node as usize] += 1;
            if self.readers[node as usize] == 1 {
                ands += self.own_ands(node);
                self.open(node, &mut open);
            }
        }
        ands
    }

    /// One less reads each of `nodes`; how many ANDs are no longer needed.
    fn unpin(&mut self, nodes: &[u32]) -> usize {
        let mut open = nodes.to_vec();
        let mut ands = 0;
        while let Some(node) = open.pop() {
            self.readers[node as usize] -= 1;
            if self.readers[node as usize] == 0 {
                ands += self.own_ands(node);
                self.open(node, &mut open);
            }
        }
        ands
    }

    /// How many ANDs only `node` needs, its own included.
    pub(super) fn freed(&mut self, node: u32) -> usize {
        let mut operands = Vec::new();
        self.open(node, &mut operands);
        let freed = self.unpin(&operands) + self.own_ands(node);
        self.pin(&operands);
        freed
    }

    /// The AND-depth of `form`, at most.
    pub(super) fn depth(&self, form: &Form) -> u32 {
        let mut products: Vec<u32> = Vec::with_capacity(form.products.len());
        let of = |sum: &Sum, products: &[u32]| {
            let terms = sum.terms.iter().map(|&term| self.depths[term as usize]);
            terms.chain(sum.products.iter().map(|&product| products[product])).max().unwrap_or(0)
        };
        for [a, b] in &form.products {
            products.push(1 + of(a, &products).max(of(b, &products)));
        }
        of(&form.sum, &products)
    }

    /// Whether computing `node`, which something needs, by `form` takes fewer ANDs.
    pub(super) fn saves(&mut self, node: u32, form: &Form) -> bool {
        let operands: Vec<u32> = form.operands().collect();
        let needed = self.pin(&operands) + form.products.len();
        let freed = self.freed(node);
        self.unpin(&operands);
        needed < freed
    }

    /// Computes `node`, which something needs, by `form`, which computes the same.
    pub(super) fn replace(&mut self, node: u32, form: Form) {
        debug_assert!(form.operands().all(|operand| operand < node), "operands come first");
        debug_assert!(self.readers[node as usize] > 0);
        let new: Vec<u32> = form.operands().collect();
        let mut old = Vec::new();
        self.open(node, &mut old);
        self.pin(&new);
        self.unpin(&old);
        self.forms[node as usize] = Some(form);
    }

    /// Whether anything was replaced.
    pub(super) fn is_changed(&self) -> bool {
        self.forms.iter().any(Option::is_some)
    }

    /// The circuit as it is computed now.
    pub(super) fn circuit(&self) -> Circuit {
        let mut rebuild = Rebuild::new(self.circuit);
        let mut wires: Vec<Wire> = Vec::with_capacity(self.nodes.len());
        for index in 0..self.nodes.len() {
            let old = self.wires[index] as usize;
            rebuild.like(old);
            let wire = if self.readers[index] == 0 && !matches!(self.nodes[index], Node::Input) {
                rebuild.builder.constant(false)
            } else if let Some(form) = &self.forms[index] {
                formed(&mut rebuild.builder, &wires, form)
            } else {
                match self.nodes[index] {
                    Node::Zero => rebuild.builder.constant(false),
                    Node::Input => {
                        rebuild.copy(old);
                        rebuild.wire(Wire::new(old))
                    }
                    Node::And(a, b) => {
                        let (a, b) = (
                            literal(&mut rebuild.builder, &wires, a),
                            literal(&mut rebuild.builder, &wires, b),
                        );
                        rebuild.builder.and(a, b)
                    }
                    Node::Xor(a, b) => rebuild.builder.xor(wires[a as usize], wires[b as usize]),
                }
            };
            wires.push(wire);
        }
        for &output in &self.circuit.output_wires {
            let wire = literal(&mut rebuild.builder, &wires, self.lits[output.index()]);
            rebuild.set(output.index(), wire);
        }
        remove_dead(rebuild.finish())
    }
}

fn literal(builder: &mut Builder, wires: &[Wire], lit: Lit) -> Wire {
    let wire = wires[lit.node() as usize];
    if lit.is_flipped() { builder.not(wire) } else { wire }
}

fn formed(builder: &mut Builder, wires: &[Wire], form: &Form) -> Wire {
    summed(builder, wires, form, &form.sum, &mut vec![None; form.products.len()])
}

/// Each product of `form` is made where it is read first; `products` are those that are there.
fn summed(
    builder: &mut Builder,
    wires: &[Wire],
    form: &Form,
    sum: &Sum,
    products: &mut [Option<Wire>],
) -> Wire {
    let start = builder.constant(sum.flip);
    let total = sum.terms.iter().fold(start, |total, &term| builder.xor(total, wires[term as usize]));
    sum.products.iter().fold(total, |total, &product| {
        let wire = products[product].unwrap_or_else(|| {
            let [a, b] = &form.products[product];
            let a = summed(builder, wires, form, a, products);
            let b = summed(builder, wires, form, b, products);
            builder.and(a, b)
        });
        products[product] = Some(wire);
        builder.xor(total, wire)
    })
}

fn and_depths(circuit: &Circuit) -> Vec<u32> {
    let mut depths = vec![0_u32; circuit.gates.len()];
    for (index, gate) in circuit.gates.iter().enumerate() {
        let below = gate.operands().map(|wire| depths[wire.index()]).max().unwrap_or(0);
        depths[index] = below + u32::from(matches!(gate, Gate::And(..)));
    }
    depths
}
