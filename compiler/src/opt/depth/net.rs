//! A network of ANDs and XORs that is changed in place: wires are replaced by other wires of the same function.
//!
//! Complements are sums with [`Net::one`], so that no edge carries a sign. The function of a node never changes;
//! what may change is how it is computed. [`Net::sweep`] brings order: it follows the replacements, drops what nothing
//! needs, and finds for each node its place, its AND-depth and how much deeper it may be.

use std::collections::HashMap;

use ffhec_circuit::{Circuit, Gate, Wire};

use crate::opt::dead::remove_dead;
use crate::opt::readers::number;
use crate::opt::rebuild::Rebuild;

/// What computes a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Node {
    /// An input or a constant.
    Source,
    Xor(u32, u32),
    And(u32, u32),
}

impl Node {
    pub(super) fn operands(self) -> impl Iterator<Item = u32> + Clone {
        let (a, b, count) = match self {
            Node::Source => (0, 0, 0),
            Node::Xor(a, b) | Node::And(a, b) => (a, b, 2),
        };
        [a, b].into_iter().take(count)
    }

    /// How many AND levels the node adds.
    pub(super) fn level(self) -> u32 {
        u32::from(matches!(self, Node::And(..)))
    }
}

/// The values of a node in some rows of random inputs.
pub(super) type Rows = [u64; 16];

/// The place of nodes that nothing needs.
pub(super) const NOWHERE: u32 = u32::MAX;

/// How nodes are computed at some time.
pub(super) struct Snapshot {
    nodes: Vec<Node>,
    order: Vec<u32>,
    ends: Vec<u32>,
}

/// The network. Nodes below the number of the circuit's gates stand for these gates.
pub(super) struct Net<'a> {
    circuit: &'a Circuit,
    pub(super) nodes: Vec<Node>,
    /// Which gate of the circuit each node was made for.
    origins: Vec<u32>,
    /// The node that stands for each node: itself, unless it was replaced.
    forward: Vec<u32>,
    known: HashMap<Node, u32>,
    zero: u32,
    one: u32,
    ends: Vec<u32>,
    rows: Vec<Rows>,
    /// Live nodes, operands first.
    pub(super) order: Vec<u32>,
    /// Where each node is in `order`; [`NOWHERE`] if it is not.
    pub(super) places: Vec<u32>,
    /// How many live nodes and outputs read each node.
    pub(super) readers: Vec<u32>,
    /// The AND-depth of each live node.
    pub(super) depths: Vec<u32>,
    /// The AND-depth that each live node may have without making the circuit deeper.
    pub(super) allowed: Vec<u32>,
    /// The AND-depth of the whole.
    pub(super) depth: u32,
    /// Live AND gates.
    pub(super) ands: usize,
}

impl<'a> Net<'a> {
    /// The network of `circuit`, which has no refreshes.
    pub(super) fn of(circuit: &'a Circuit) -> Self {
        let gates = circuit.gates.len();
        let (zero, one) = (number(gates), number(gates + 1));
        let mut net = Net {
            circuit,
            nodes: Vec::with_capacity(gates + 2),
            origins: (0..number(gates)).chain([0, 0]).collect(),
            forward: (0..number(gates + 2)).collect(),
            known: HashMap::new(),
            zero,
            one,
            ends: Vec::new(),
            rows: Vec::with_capacity(gates + 2),
            order: Vec::new(),
            places: Vec::new(),
            readers: Vec::new(),
            depths: Vec::new(),
            allowed: Vec::new(),
            depth: 0,
            ands: 0,
        };
        let inputs = input_rows(circuit);
        for (index, gate) in circuit.gates.iter().enumerate() {
            let at = |wire: Wire| net.forward[wire.index()];
            let node = match *gate {
                Gate::And(a, b) => Node::And(at(a).min(at(b)), at(a).max(at(b))),
                Gate::Xor(a, b) => Node::Xor(at(a).min(at(b)), at(a).max(at(b))),
                Gate::Not(a) => Node::Xor(at(a), one),
                Gate::Input(_) | Gate::Refresh(_) => Node::Source,
                Gate::Constant(bit) => {
                    net.forward[index] = if bit { one } else { zero };
                    Node::Source
                }
            };
            let rows = match *gate {
                Gate::Input(bit) => inputs[bit as usize],
                Gate::Constant(_) | Gate::Refresh(_) => [0; 16],
                Gate::And(..) | Gate::Xor(..) | Gate::Not(_) => net.computed(node),
            };
            net.rows.push(rows);
            net.nodes.push(node);
            if node != Node::Source {
                net.known.entry(node).or_insert(number(index));
            }
        }
        net.nodes.extend([Node::Source; 2]);
        net.rows.extend([[0; 16], [u64::MAX; 16]]);
        net.ends = circuit.output_wires.iter().map(|wire| net.forward[wire.index()]).collect();
        net.sweep();
        net
    }

    /// The values of a gate.
    fn computed(&self, node: Node) -> Rows {
        let of = |node: u32| {
            if node == self.one { [u64::MAX; 16] } else { self.rows[node as usize] }
        };
        match node {
            Node::Source => [0; 16],
            Node::Xor(a, b) => std::array::from_fn(|at| of(a)[at] ^ of(b)[at]),
            Node::And(a, b) => std::array::from_fn(|at| of(a)[at] & of(b)[at]),
        }
    }

    /// The values of a sum of nodes.
    pub(super) fn rows_of(&self, sum: impl Iterator<Item = u32>) -> Rows {
        sum.fold([0; 16], |rows, node| std::array::from_fn(|at| rows[at] ^ self.rows[node as usize][at]))
    }

    /// The node that is always 1.
    pub(super) fn one(&self) -> u32 {
        self.one
    }

    /// The node that is always 0.
    pub(super) fn zero(&self) -> u32 {
        self.zero
    }

    /// The node that stands for `node` now.
    pub(super) fn resolved(&self, mut node: u32) -> u32 {
        while self.forward[node as usize] != node {
            node = self.forward[node as usize];
        }
        node
    }

    /// From now on `new`, which computes the same and depends only on nodes before `old`, stands for `old`.
    pub(super) fn replace(&mut self, old: u32, new: u32) {
        debug_assert!(self.places[new as usize] <= self.places[old as usize], "operands come first");
        if old != new {
            self.forward[old as usize] = new;
        }
    }

    /// `a ^ b`, made for node `root`: both are before it, and so is the result.
    pub(super) fn xor(&mut self, a: u32, b: u32, root: u32) -> u32 {
        if a == b {
            return self.zero;
        }
        if a == self.zero {
            return b;
        }
        if b == self.zero {
            return a;
        }
        self.make(Node::Xor(a.min(b), a.max(b)), root)
    }

    /// `a & b`, made for node `root`: both are before it, and so is the result.
    pub(super) fn and(&mut self, a: u32, b: u32, root: u32) -> u32 {
        if a == self.zero || b == self.zero {
            return self.zero;
        }
        if a == self.one || a == b {
            return b;
        }
        if b == self.one {
            return a;
        }
        // Complements move out of products, so that one AND serves all four patterns of signs.
        if let Some(plain) = self.complemented(a) {
            let product = self.and(plain, b, root);
            return self.xor(product, b, root);
        }
        if let Some(plain) = self.complemented(b) {
            let product = self.and(a, plain, root);
            return self.xor(product, a, root);
        }
        self.make(Node::And(a.min(b), a.max(b)), root)
    }

    /// What `node` is the complement of.
    fn complemented(&self, node: u32) -> Option<u32> {
        match self.nodes[node as usize] {
            Node::Xor(a, b) if a == self.one => Some(b),
            Node::Xor(a, b) if b == self.one => Some(a),
            Node::Xor(..) | Node::And(..) | Node::Source => None,
        }
    }

    fn make(&mut self, node: Node, root: u32) -> u32 {
        let place = self.places[root as usize];
        if let Some(&known) = self.known.get(&node) {
            let known = self.resolved(known);
            if self.places[known as usize] < place || self.places[known as usize] == place && known > root {
                return known;
            }
        }
        let new = number(self.nodes.len());
        self.nodes.push(node);
        self.rows.push(self.computed(node));
        self.origins.push(self.origins[root as usize]);
        self.forward.push(new);
        self.places.push(place);
        let operands = node.operands().map(|operand| self.depths[operand as usize]);
        self.depths.push(operands.max().unwrap_or(0) + node.level());
        self.allowed.push(self.allowed[root as usize]);
        self.readers.push(0);
        self.known.insert(node, new);
        new
    }

    /// Brings order after replacements.
    pub(super) fn sweep(&mut self) {
        let count = self.nodes.len();
        self.order.clear();
        self.places = vec![NOWHERE; count];
        self.readers = vec![0; count];
        self.ends = self.ends.iter().map(|&end| self.resolved(end)).collect();
        self.sort();
        self.find_depths();
    }

    /// Fills `order`, `places` and `readers`.
    fn sort(&mut self) {
        // A node is on the stack twice: to visit its operands first, and then itself.
        let mut open: Vec<(u32, bool)> = Vec::new();
        let mut seen = vec![false; self.nodes.len()];
        for end in self.ends.clone() {
            self.readers[end as usize] += 1;
            open.push((end, false));
            while let Some((node, ready)) = open.pop() {
                if ready {
                    self.places[node as usize] = number(self.order.len());
                    self.order.push(node);
                    continue;
                }
                if std::mem::replace(&mut seen[node as usize], true) {
                    continue;
                }
                open.push((node, true));
                let resolved = match self.nodes[node as usize] {
                    Node::Source => Node::Source,
                    Node::Xor(a, b) => Node::Xor(self.resolved(a), self.resolved(b)),
                    Node::And(a, b) => Node::And(self.resolved(a), self.resolved(b)),
                };
                self.nodes[node as usize] = resolved;
                for operand in resolved.operands() {
                    self.readers[operand as usize] += 1;
                    open.push((operand, false));
                }
            }
        }
        // Sources can be read by what is made next, whether or not anything reads them now.
        for node in [self.zero, self.one] {
            if self.places[node as usize] == NOWHERE {
                self.places[node as usize] = 0;
            }
        }
    }

    /// Fills `depths`, `allowed`, `depth` and `ands`.
    fn find_depths(&mut self) {
        self.depths.resize(self.nodes.len(), 0);
        self.ands = 0;
        for &node in &self.order {
            let gate = self.nodes[node as usize];
            let below = gate.operands().map(|operand| self.depths[operand as usize]).max().unwrap_or(0);
            self.depths[node as usize] = below + gate.level();
            self.ands += gate.level() as usize;
        }
        self.depth = self.ends.iter().map(|&end| self.depths[end as usize]).max().unwrap_or(0);
        self.allowed = vec![self.depth; self.nodes.len()];
        for &node in self.order.iter().rev() {
            let gate = self.nodes[node as usize];
            let below = self.allowed[node as usize] - gate.level();
            for operand in gate.operands() {
                let allowed = &mut self.allowed[operand as usize];
                *allowed = below.min(*allowed);
            }
        }
    }

    /// Whether a longest path goes through a live node.
    pub(super) fn is_critical(&self, node: u32) -> bool {
        self.depths[node as usize] == self.allowed[node as usize]
    }

    /// The nodes that drive outputs.
    pub(super) fn ends(&self) -> &[u32] {
        &self.ends
    }

    /// How many ANDs nothing would need if `node` were computed from `leaves`; its own included. Nothing is changed.
    pub(super) fn freed(&mut self, node: u32, leaves: impl Iterator<Item = u32> + Clone) -> u32 {
        leaves.clone().for_each(|leaf| self.readers[leaf as usize] += 1);
        let mut touched: Vec<u32> = Vec::new();
        let mut open = vec![node];
        let mut freed = 0;
        while let Some(node) = open.pop() {
            let gate = self.nodes[node as usize];
            freed += gate.level();
            for operand in gate.operands() {
                self.readers[operand as usize] -= 1;
                touched.push(operand);
                if self.readers[operand as usize] == 0 {
                    open.push(operand);
                }
            }
        }
        touched.into_iter().for_each(|node| self.readers[node as usize] += 1);
        leaves.for_each(|leaf| self.readers[leaf as usize] -= 1);
        freed
    }

    /// How nodes are computed now.
    pub(super) fn snapshot(&self) -> Snapshot {
        Snapshot { nodes: self.nodes.clone(), order: self.order.clone(), ends: self.ends.clone() }
    }

    /// The circuit as it was.
    pub(super) fn circuit(&self, then: &Snapshot) -> Circuit {
        let mut rebuild = Rebuild::new(self.circuit);
        let mut wires = vec![None; then.nodes.len()];
        wires[self.zero as usize] = Some(rebuild.builder.constant(false));
        wires[self.one as usize] = Some(rebuild.builder.constant(true));
        let at = |wires: &[Option<Wire>], node: u32| wires[node as usize].expect("operands come first");
        for &node in &then.order {
            let index = node as usize;
            let wire = match then.nodes[index] {
                Node::Source if node == self.zero || node == self.one => continue,
                Node::Source => {
                    rebuild.copy(index);
                    rebuild.wire(Wire::new(index))
                }
                Node::Xor(a, b) => {
                    rebuild.like(self.origins[index] as usize);
                    rebuild.builder.xor(at(&wires, a), at(&wires, b))
                }
                Node::And(a, b) => {
                    rebuild.like(self.origins[index] as usize);
                    rebuild.builder.and(at(&wires, a), at(&wires, b))
                }
            };
            wires[index] = Some(wire);
        }
        for (&old, &end) in self.circuit.output_wires.iter().zip(&then.ends) {
            rebuild.set(old.index(), at(&wires, end));
        }
        remove_dead(rebuild.finish())
    }
}

/// Rows that tell values apart: uniform ones, mostly 0, mostly 1, and all ports nearly alike.
fn input_rows(circuit: &Circuit) -> Vec<Rows> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut word = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let widest = circuit.inputs.iter().map(|port| port.width).max().unwrap_or(0);
    let shared: Vec<Rows> = (0..widest).map(|_| std::array::from_fn(|_| word())).collect();
    let mut rows = Vec::new();
    for port in &circuit.inputs {
        for shared in &shared[..port.width as usize] {
            rows.push(std::array::from_fn(|at| {
                let rare = word() & word() & word() & word();
                match at % 4 {
                    0 => word(),
                    1 => shared[at] ^ rare & word(),
                    2 => rare,
                    _ => !rare,
                }
            }));
        }
    }
    rows
}
