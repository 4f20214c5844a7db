//! The joint graph of two circuits, in which wires that are shown to be equal are one node.
//!
//! Invariants: operands of a node have smaller numbers; no two nodes are known to be equal or complements; sums have no
//! complemented operands, so that complements of them move to their readers.

use std::collections::BTreeSet;

use ffhec_circuit::{Circuit, Difference, Gate, Plain, evaluate};
use hashbrown::HashTable;

use super::simulate::{Print, Random, Simulated, difference};
use super::solver::{self, Answer};
use super::window;
use super::{CONFLICT_COST, Effort};

/// A node, perhaps complemented.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Lit(u32);

impl Lit {
    /// The constant 0.
    pub(crate) const ZERO: Lit = Lit(0);

    pub(crate) fn new(node: u32, is_flipped: bool) -> Self {
        Lit(node << 1 | u32::from(is_flipped))
    }

    pub(crate) fn node(self) -> u32 {
        self.0 >> 1
    }

    pub(crate) fn is_flipped(self) -> bool {
        self.0 & 1 == 1
    }

    pub(crate) fn flip(self, flip: bool) -> Lit {
        Lit(self.0 ^ u32::from(flip))
    }
}

/// What a node computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Node {
    /// Node 0.
    Zero,
    /// Node `1 + bit` is input `bit`.
    Input,
    /// The smaller operand first.
    And(Lit, Lit),
    /// The smaller operand first.
    Xor(u32, u32),
}

/// The most gates of both circuits together that are swept; larger ones are only simulated.
const MOST_GATES: usize = 1 << 30;

/// Wires that seem to be equal and could not be shown to be are remembered up to this many.
const MOST_CANDIDATES: usize = 4;

/// Gates given to the SAT solver about a pair inside the circuits, first and at most; and about a pair of outputs.
const NEAR: usize = 60;
const FAR: usize = 3_000;
const OUTPUT: usize = 2_000_000;

/// Words of counterexamples that all nodes keep values for, and memory for them in words.
const MOST_WORDS: usize = 64;
const MOST_MEMORY: usize = 1 << 26;

/// The longest sums that are compared, in additions.
const LONGEST_SUM: usize = 100_000;

/// The outputs that are not shown to be equal for all inputs. The circuits have as many input and output bits each.
pub(super) fn sweep(
    before: &Circuit,
    after: &Circuit,
    simulated: Simulated,
    effort: &Effort,
) -> Result<Vec<usize>, Difference> {
    if before.gates.len() + after.gates.len() > MOST_GATES {
        return Ok((0..before.output_bits()).collect());
    }
    let mut sweep = Sweep::new(before.input_bits(), effort);
    // Equal wires within one circuit are of use only where the other made one of them, which tables show mostly.
    let ones = sweep.add(before, &simulated.before);
    sweep.tables_only = false;
    let others = sweep.add(after, &simulated.after);
    drop(simulated);
    let mut open = Vec::new();
    for (output, (&one, &other)) in ones.iter().zip(&others).enumerate() {
        match sweep.settle(one, other, effort.output_conflicts) {
            Settled::Equal => {}
            Settled::Open => open.push(output),
            Settled::Differ(inputs) => {
                // The solver is believed only where evaluation says so too.
                if let Some(difference) = evaluated(before, after, &inputs) {
                    return Err(difference);
                }
                open.push(output);
            }
        }
    }
    Ok(open)
}

/// The first output in which the circuits differ on this row.
fn evaluated(before: &Circuit, after: &Circuit, inputs: &[bool]) -> Option<Difference> {
    let words: Vec<u64> = inputs.iter().map(|&bit| u64::from(bit)).collect();
    let (ones, others) = (evaluate(before, &Plain, &words), evaluate(after, &Plain, &words));
    let output = ones.iter().zip(&others).position(|(one, other)| (one ^ other) & 1 == 1)?;
    Some(difference(output, inputs.iter().copied()))
}

/// What is known about two outputs at the end.
enum Settled {
    Equal,
    /// They differ on this row.
    Differ(Vec<bool>),
    Open,
}

/// How two nodes are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Look {
    /// By a table of truth over a few wires below.
    Table,
    /// By the SAT solver, over the nearest gates.
    Near,
    /// By the SAT solver, over many.
    Far,
}

struct Sweep {
    nodes: Vec<Node>,
    inputs: usize,
    /// For each node, a random number for products and inputs, and for sums the sum of those of their terms.
    sums: Vec<u128>,
    /// The print of each node.
    prints: Vec<Print>,
    /// Nodes by operands.
    by_operands: HashTable<u32>,
    /// Nodes by `sums`.
    by_sum: HashTable<u32>,
    /// Nodes by print.
    by_print: HashTable<u32>,
    /// Values of each node on rows that told other nodes apart.
    words: Vec<Vec<u64>>,
    random: Random,
    conflicts: u64,
    work: u64,
    /// Whether the solver is not asked now.
    tables_only: bool,
}

impl Sweep {
    fn new(inputs: usize, effort: &Effort) -> Self {
        let mut sweep = Sweep {
            nodes: Vec::new(),
            inputs,
            sums: Vec::new(),
            prints: Vec::new(),
            by_operands: HashTable::new(),
            by_sum: HashTable::new(),
            by_print: HashTable::new(),
            words: Vec::new(),
            random: Random(1),
            conflicts: effort.inner_conflicts,
            work: effort.work,
            tables_only: true,
        };
        sweep.push(Node::Zero, 0, Print::zero());
        for _ in 0..inputs {
            // An input's print is entered when its gate is met.
            let sum = sweep.fresh_sum();
            sweep.push(Node::Input, sum, Print::default());
        }
        sweep
    }

    fn fresh_sum(&mut self) -> u128 {
        u128::from(self.random.word()) << 64 | u128::from(self.random.word())
    }

    /// Enters all gates. What carries each output bit.
    fn add(&mut self, circuit: &Circuit, prints: &[Print]) -> Vec<Lit> {
        let mut lits: Vec<Lit> = Vec::with_capacity(circuit.gates.len());
        for (gate, print) in circuit.gates.iter().zip(prints) {
            let lit = match *gate {
                Gate::Constant(bit) => Lit::ZERO.flip(bit),
                Gate::Input(bit) => self.input(bit, *print),
                Gate::Not(a) => lits[a.index()].flip(true),
                Gate::Refresh(a) => lits[a.index()],
                Gate::Xor(a, b) => self.xor(lits[a.index()], lits[b.index()], *print),
                Gate::And(a, b) => self.and(lits[a.index()], lits[b.index()], *print),
            };
            lits.push(lit);
        }
        circuit.output_wires.iter().map(|wire| lits[wire.index()]).collect()
    }

    fn input(&mut self, bit: u32, print: Print) -> Lit {
        let node = 1 + bit;
        if self.prints[node as usize] != print {
            self.prints[node as usize] = print;
            self.enter_print(node);
        }
        Lit::new(node, false)
    }

    fn xor(&mut self, a: Lit, b: Lit, print: Print) -> Lit {
        let flip = a.is_flipped() ^ b.is_flipped();
        let (a, b) = (a.node().min(b.node()), a.node().max(b.node()));
        if a == b {
            return Lit::ZERO.flip(flip);
        }
        if a == 0 {
            return Lit::new(b, flip);
        }
        let print = Print { phase: print.phase ^ flip, ..print };
        self.find_or_push(Node::Xor(a, b), print).flip(flip)
    }

    fn and(&mut self, a: Lit, b: Lit, print: Print) -> Lit {
        let (a, b) = (a.min(b), a.max(b));
        if a == Lit::ZERO || a == b.flip(true) {
            return Lit::ZERO;
        }
        if a == b || a == Lit::ZERO.flip(true) {
            return b;
        }
        self.find_or_push(Node::And(a, b), print)
    }

    /// The node that is shown to be equal to `node`, or else a new one.
    fn find_or_push(&mut self, node: Node, print: Print) -> Lit {
        let hash = hash_of(node);
        if let Some(&known) = self.by_operands.find(hash, |&other| self.nodes[other as usize] == node) {
            return Lit::new(known, false);
        }
        let sum = match node {
            Node::Xor(a, b) => self.sums[a as usize] ^ self.sums[b as usize],
            Node::Zero | Node::Input | Node::And(..) => self.fresh_sum(),
        };
        let same_sum = self.by_sum.find(low(sum), |&other| self.sums[other as usize] == sum).copied();
        let new = self.push(node, sum, print);
        let found = same_sum
            .filter(|&other| self.is_same_sum(new, other))
            .map(|other| Lit::new(other, false))
            .or_else(|| self.find_equal(new));
        if let Some(lit) = found {
            self.pop();
            return lit;
        }
        self.by_operands.insert_unique(hash, new, |&other| hash_of(self.nodes[other as usize]));
        self.by_sum.insert_unique(low(sum), new, |&other| low(self.sums[other as usize]));
        self.enter_print(new);
        Lit::new(new, false)
    }

    fn push(&mut self, node: Node, sum: u128, print: Print) -> u32 {
        let number = u32::try_from(self.nodes.len()).expect("bounded: there are at most 2^30 gates");
        self.nodes.push(node);
        self.sums.push(sum);
        self.prints.push(print);
        for values in &mut self.words {
            let value = value_of(node, values);
            values.push(value);
        }
        if matches!(node, Node::Zero) {
            self.by_sum.insert_unique(low(sum), number, |_| low(0));
            self.enter_print(number);
        }
        number
    }

    /// Forgets the last node, which is in no table.
    fn pop(&mut self) {
        self.nodes.pop();
        self.sums.pop();
        self.prints.pop();
        for values in &mut self.words {
            values.pop();
        }
    }

    fn enter_print(&mut self, node: u32) {
        let hash = self.prints[node as usize].hash;
        let prints = &self.prints;
        self.by_print.insert_unique(hash, node, |&other| prints[other as usize].hash);
    }

    /// Whether two nodes are the sum of the same products and inputs. Numbers that are equal by chance are found out
    /// here; equal terms cancel from the top down.
    fn is_same_sum(&self, a: u32, b: u32) -> bool {
        let mut terms = BTreeSet::new();
        let toggle = |terms: &mut BTreeSet<u32>, node: u32| {
            if node != 0 && !terms.remove(&node) {
                terms.insert(node);
            }
        };
        toggle(&mut terms, a);
        toggle(&mut terms, b);
        for _ in 0..LONGEST_SUM {
            let Some(last) = terms.pop_last() else { return true };
            let Node::Xor(a, b) = self.nodes[last as usize] else { return false };
            toggle(&mut terms, a);
            toggle(&mut terms, b);
        }
        false
    }

    /// A node that seems to be equal to the last one, `new`, and is.
    fn find_equal(&mut self, new: u32) -> Option<Lit> {
        let print = self.prints[new as usize];
        let is_like = |&&other: &&u32| self.prints[other as usize].hash == print.hash;
        let mut candidates: Vec<u32> = self.by_print.iter_hash(print.hash).filter(is_like).copied().collect();
        candidates.sort_unstable();
        candidates.truncate(MOST_CANDIDATES);
        let pairs: Vec<(u32, bool)> = candidates
            .into_iter()
            .map(|other| (other, self.prints[other as usize].phase ^ print.phase))
            .collect();
        for effort in [Look::Table, Look::Near, Look::Far] {
            if effort != Look::Table && (self.tables_only || self.work == 0) {
                return None;
            }
            for &(other, flip) in &pairs {
                if self.seems_equal(new, other, flip) && self.is_equal(new, other, flip, effort) {
                    return Some(Lit::new(other, flip));
                }
            }
        }
        None
    }

    /// Whether no counterexample so far tells them apart.
    fn seems_equal(&self, a: u32, b: u32, flip: bool) -> bool {
        let flip = if flip { u64::MAX } else { 0 };
        self.words.iter().all(|values| values[a as usize] == values[b as usize] ^ flip)
    }

    /// Whether the two are shown to be equal (or, if `flip`, complements).
    fn is_equal(&mut self, a: u32, b: u32, flip: bool, effort: Look) -> bool {
        let size = match effort {
            Look::Table => return window::equal_by_table(&self.nodes, a, b, flip),
            Look::Near => NEAR,
            Look::Far => FAR,
        };
        match self.ask(a, b, flip, size, self.conflicts) {
            Settled::Equal => true,
            Settled::Open => false,
            Settled::Differ(inputs) => {
                self.learn(&inputs);
                false
            }
        }
    }

    /// Asks the SAT solver about the `size` gates below two nodes.
    fn ask(&mut self, a: u32, b: u32, flip: bool, size: usize, limit: u64) -> Settled {
        let window = window::below(&self.nodes, [a, b], size);
        let (answer, conflicts) = solver::ask(&self.nodes, &window, (a, b), flip, limit);
        self.work = self.work.saturating_sub(window.inner.len() as u64 + CONFLICT_COST * conflicts);
        match answer {
            Answer::Equal => Settled::Equal,
            Answer::Differ(ones) if window.is_whole => {
                let mut inputs = vec![false; self.inputs];
                // Leaves of a whole window are inputs or the constant 0.
                ones.iter().for_each(|&leaf| inputs[leaf as usize - 1] = true);
                Settled::Differ(inputs)
            }
            Answer::Differ(_) | Answer::Unknown => Settled::Open,
        }
    }

    /// Remembers the values of all nodes on this row and on 63 rows near it.
    fn learn(&mut self, inputs: &[bool]) {
        if self.words.len() == MOST_WORDS || (self.words.len() + 1) * self.nodes.len() > MOST_MEMORY {
            return;
        }
        let mut values: Vec<u64> = Vec::with_capacity(self.nodes.len());
        for (index, node) in self.nodes.iter().enumerate() {
            let value = match node {
                Node::Zero => 0,
                Node::Input => {
                    let word = if inputs[index - 1] { u64::MAX } else { 0 };
                    // One bit in eight differs, in all rows but the first.
                    let change = self.random.word() & self.random.word() & self.random.word();
                    word ^ (change & !1)
                }
                Node::And(..) | Node::Xor(..) => value_of(*node, &values),
            };
            values.push(value);
        }
        self.words.push(values);
    }

    /// The last word on two outputs.
    fn settle(&mut self, a: Lit, b: Lit, limit: u64) -> Settled {
        if a == b {
            return Settled::Equal;
        }
        let flip = a.is_flipped() ^ b.is_flipped();
        if a.node() == b.node() {
            return Settled::Differ(vec![false; self.inputs]);
        }
        self.ask(a.node(), b.node(), flip, OUTPUT, limit)
    }
}

/// The value of a product or a sum from those of the nodes below.
pub(crate) fn value_of(node: Node, values: &[u64]) -> u64 {
    let value = |lit: Lit| values[lit.node() as usize] ^ if lit.is_flipped() { u64::MAX } else { 0 };
    match node {
        Node::Zero | Node::Input => 0,
        Node::And(a, b) => value(a) & value(b),
        Node::Xor(a, b) => values[a as usize] ^ values[b as usize],
    }
}

fn hash_of(node: Node) -> u64 {
    let (kind, a, b) = match node {
        Node::Zero => (0, 0, 0),
        Node::Input => (1, 0, 0),
        Node::And(a, b) => (2, a.0, b.0),
        Node::Xor(a, b) => (3, a, b),
    };
    let mixed = (u64::from(a) << 32 ^ u64::from(b) << 2 ^ kind).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed ^ mixed >> 32
}

/// Sums are random numbers: any part of one is a hash.
fn low(sum: u128) -> u64 {
    sum as u64
}
