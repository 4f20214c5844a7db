//! Cut rewriting: a part of the circuit that is a function of at most six wires is replaced by a circuit with the
//! fewest ANDs that compute it (Testa, Soeken, Amarù, De Micheli, "Reducing the multiplicative complexity in logic
//! networks for cryptography and security applications", DAC 2019). XOR is free, so functions are looked up by their
//! affine class: [`spectrum`] finds the class, [`classes`] holds circuits for all that need at most four ANDs.
//!
//! A replacement is taken if it saves ANDs (those that stay because others read them are counted), or saves depth at
//! no ANDs, and never when it would lengthen the longest chain of ANDs.

mod classes;
mod cuts;
#[cfg(test)]
mod generate;
mod spectrum;

use std::collections::HashMap;

use ffhec_circuit::{Circuit, Gate, Wire};

use super::cut::Flow;
use super::dead::remove_dead;
use super::readers::Readers;
use super::rebuild::Rebuild;
use super::simplify::simplify;
pub(super) use classes::Chain;
use classes::chains;
use cuts::{Cut, Literal, Operation, merged};
use spectrum::{Normal, normalize};
pub(super) use spectrum::{VARIABLES, variable};

/// How much is tried, by the number of ANDs: less in large circuits, whose time and memory would grow too long.
struct Effort {
    /// For circuits of at most so many ANDs.
    ands: usize,
    /// How many cuts each gate keeps.
    cuts: usize,
    /// What is tried, each from the start.
    aims: &'static [Aim],
    /// The most rounds.
    rounds: usize,
}

const EFFORTS: [Effort; 4] = [
    Effort { ands: 6_000, cuts: 32, aims: &[Aim::AndsThenDepth, Aim::Ands], rounds: 6 },
    Effort { ands: 20_000, cuts: 16, aims: &[Aim::AndsThenDepth, Aim::Ands], rounds: 6 },
    Effort { ands: 50_000, cuts: 8, aims: &[Aim::AndsThenDepth, Aim::Ands], rounds: 6 },
    Effort { ands: usize::MAX, cuts: 4, aims: &[Aim::Ands], rounds: 2 },
];

impl Effort {
    fn of(circuit: &Circuit) -> &'static Effort {
        let ands = circuit.counts().and;
        EFFORTS.iter().find(|effort| ands <= effort.ands).expect("the last one has no limit")
    }
}

/// Another round is worth its time if the last one saved at least one AND in this many.
const WORTHWHILE: usize = 300;

/// The most ANDs of our own gates that are rewritten: in larger programs, which are small ones many times over, rewriting
/// finds one AND in 2,000 and takes longer than all other passes.
const LARGEST_OF_OURS: usize = 50_000;

/// The same function with no more ANDs and no more AND-depth, of gates that our gadgets made.
pub fn rewrite(circuit: Circuit) -> Circuit {
    let circuit = remove_dead(circuit);
    if circuit.counts().and > LARGEST_OF_OURS { circuit } else { rewrite_all(circuit) }
}

/// Like [`rewrite`], for circuits of any origin and size.
pub fn rewrite_all(circuit: Circuit) -> Circuit {
    let circuit = remove_dead(circuit);
    let effort = Effort::of(&circuit);
    let mut known = Known::default();
    let mut candidates: Vec<Circuit> =
        effort.aims.iter().map(|&aim| repeated(&circuit, aim, effort, &mut known)).collect();
    drop(circuit);
    if candidates.len() > 1 {
        candidates.sort_by_cached_key(|circuit| (refreshes(circuit), circuit.counts().and));
    }
    candidates.swap_remove(0)
}

/// The same function with fewer ANDs where the longest chain of ANDs allows it.
pub(super) fn recover(circuit: &Circuit, known: &mut Known) -> Circuit {
    repeated(circuit, Aim::Ands, Effort::of(circuit), known)
}

/// What a replacement must bring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Aim {
    /// Fewer ANDs.
    Ands,
    /// Fewer ANDs, or as many and less depth.
    AndsThenDepth,
}

/// How many refreshes the circuit takes if one is needed between any two ANDs, and products of inputs need none.
pub(super) fn refreshes(circuit: &Circuit) -> usize {
    let mut depths = vec![0_u32; circuit.gates.len()];
    let mut source = vec![false; circuit.gates.len()];
    let mut sink = vec![false; circuit.gates.len()];
    for (index, gate) in circuit.gates.iter().enumerate() {
        depths[index] = gate.operands().map(|wire| depths[wire.index()]).max().unwrap_or(0);
        if matches!(gate, Gate::And(..)) {
            depths[index] += 1;
            source[index] = depths[index] > 1;
            gate.operands().for_each(|wire| sink[wire.index()] = true);
        }
    }
    Flow::new(circuit, &Readers::of(circuit)).solve(source, sink)
}

fn repeated(circuit: &Circuit, aim: Aim, effort: &Effort, known: &mut Known) -> Circuit {
    let mut best = circuit.clone();
    for _ in 0..effort.rounds {
        let before = best.counts();
        let next = simplify(round(&best, aim, effort.cuts, known));
        let after = next.counts();
        if (after.and, after.and_depth) >= (before.and, before.and_depth)
            || after.and_depth > before.and_depth
        {
            break;
        }
        best = next;
        if (before.and - after.and) * WORTHWHILE < before.and {
            break;
        }
    }
    best
}

fn round(circuit: &Circuit, aim: Aim, cuts: usize, known: &mut Known) -> Circuit {
    let mut network = Network::of(circuit, aim);
    network.rewrite_all(cuts, known);
    network.rebuilt()
}

/// The functions that were looked up.
#[derive(Default)]
pub(super) struct Known(HashMap<u64, Option<(Normal, &'static [Chain])>>);

impl Known {
    pub(super) fn look_up(&mut self, table: u64) -> Option<(Normal, &'static [Chain])> {
        *self.0.entry(table).or_insert_with(|| {
            let normal = normalize(table);
            let chains = chains(normal.dimension, normal.table);
            (!chains.is_empty()).then_some((normal, chains))
        })
    }
}

/// What drives a node.
#[derive(Clone, Copy)]
enum Driver {
    /// An input, a constant, or a refresh: a leaf of every cut.
    Source,
    Gate(Operation, Literal, Literal),
    /// Number in [`Network::replacements`].
    Replaced(u32),
}

/// A node as the normal form of its function of a few others.
struct Replacement {
    leaves: [u32; VARIABLES],
    normal: Normal,
    chain: &'static Chain,
}

impl Replacement {
    /// The leaves that it reads.
    fn used(&self) -> impl Iterator<Item = u32> + use<> {
        let (leaves, support) = (self.leaves, self.normal.support());
        (0..VARIABLES).filter(move |at| support >> at & 1 == 1).map(move |at| leaves[at])
    }
}

/// A circuit whose complements are part of the edges. Nodes have the numbers of their gates.
struct Network<'a> {
    circuit: &'a Circuit,
    literals: Vec<Literal>,
    drivers: Vec<Driver>,
    replacements: Vec<Replacement>,
    /// How often each node is read, by nodes that are read themselves, and by outputs.
    readers: Vec<u32>,
    /// AND-depth so far.
    depths: Vec<u32>,
    /// The AND-depth that a node may have.
    allowed: Vec<u32>,
    aim: Aim,
    /// Nodes still to visit; empty between calls.
    open: Vec<u32>,
}

impl<'a> Network<'a> {
    fn of(circuit: &'a Circuit, aim: Aim) -> Self {
        let mut literals: Vec<Literal> = Vec::with_capacity(circuit.gates.len());
        let mut drivers = Vec::with_capacity(circuit.gates.len());
        for (index, gate) in circuit.gates.iter().enumerate() {
            let mut literal = Literal { node: number_of(index), complement: false };
            let at = |wire: Wire| literals[wire.index()];
            let driver = match *gate {
                Gate::And(a, b) => Driver::Gate(Operation::And, at(a), at(b)),
                Gate::Xor(a, b) => Driver::Gate(Operation::Xor, at(a), at(b)),
                Gate::Not(a) => {
                    literal = Literal { complement: !at(a).complement, ..at(a) };
                    Driver::Source
                }
                Gate::Constant(_) | Gate::Input(_) | Gate::Refresh(_) => Driver::Source,
            };
            literals.push(literal);
            drivers.push(driver);
        }
        let mut network = Network {
            circuit,
            readers: vec![0; drivers.len()],
            depths: vec![0; drivers.len()],
            allowed: Vec::new(),
            replacements: Vec::new(),
            aim,
            open: Vec::new(),
            literals,
            drivers,
        };
        network.count_readers();
        network.find_depths();
        network
    }

    fn count_readers(&mut self) {
        let ends = self.ends();
        for node in ends {
            self.readers[node as usize] += 1;
        }
        for driver in &self.drivers {
            if let Driver::Gate(_, a, b) = driver {
                self.readers[a.node as usize] += 1;
                self.readers[b.node as usize] += 1;
            }
        }
    }

    /// The nodes that outputs and refreshes read.
    fn ends(&self) -> Vec<u32> {
        let refreshed = self.circuit.gates.iter().filter_map(|gate| match gate {
            Gate::Refresh(wire) => Some(*wire),
            Gate::Constant(_) | Gate::Input(_) | Gate::Not(_) | Gate::Xor(..) | Gate::And(..) => None,
        });
        let wires = self.circuit.output_wires.iter().copied().chain(refreshed);
        wires.map(|wire| self.literals[wire.index()].node).collect()
    }

    fn find_depths(&mut self) {
        for node in 0..self.drivers.len() {
            self.depths[node] = self.depth_of(node);
        }
        let ends = self.ends();
        let longest = ends.iter().map(|&end| self.depths[end as usize]).max().unwrap_or(0);
        self.allowed = vec![longest; self.drivers.len()];
        for node in (0..self.drivers.len()).rev() {
            if let Driver::Gate(operation, a, b) = self.drivers[node] {
                let below = self.allowed[node].saturating_sub(u32::from(operation == Operation::And));
                for operand in [a.node, b.node] {
                    let allowed = &mut self.allowed[operand as usize];
                    *allowed = below.min(*allowed);
                }
            }
        }
    }

    fn depth_of(&self, node: usize) -> u32 {
        match self.drivers[node] {
            Driver::Source => 0,
            Driver::Gate(operation, a, b) => {
                let below = self.depths[a.node as usize].max(self.depths[b.node as usize]);
                below + u32::from(operation == Operation::And)
            }
            Driver::Replaced(number) => {
                let replacement = &self.replacements[number as usize];
                self.replaced_depth(&replacement.leaves, &replacement.normal, replacement.chain)
            }
        }
    }

    fn replaced_depth(&self, leaves: &[u32; VARIABLES], normal: &Normal, chain: &Chain) -> u32 {
        // Places without a leaf are read by no row.
        let depths = leaves.map(|leaf| self.depths.get(leaf as usize).copied().unwrap_or(0));
        normal.depth(chain, &depths)
    }

    fn rewrite_all(&mut self, most: usize, known: &mut Known) {
        let mut cuts: Vec<Vec<Cut>> = Vec::with_capacity(self.drivers.len());
        let mut fresh = Vec::new();
        for node in 0..self.drivers.len() {
            fresh.clear();
            if let Driver::Gate(operation, a, b) = self.drivers[node] {
                let of = |literal: Literal| (literal, cuts[literal.node as usize].as_slice());
                merged(operation, [of(a), of(b)], most, &mut fresh);
                if self.readers[node] > 0 {
                    self.rewrite_node(node, &fresh, known);
                }
            }
            self.depths[node] = self.depth_of(node);
            fresh.push(Cut::of_itself(number_of(node)));
            cuts.push(fresh.as_slice().to_vec());
        }
    }

    /// Replaces the node by the best of its cuts, if that is better than what is there.
    fn rewrite_node(&mut self, node: usize, cuts: &[Cut], known: &mut Known) {
        let mut best: Option<((i64, u32), Replacement)> = None;
        let present = (0, self.depth_of(node));
        for cut in cuts {
            // A single AND can only be replaced by another.
            let freed = self.freed_ands(node, cut.leaves());
            if freed < 2 && self.aim == Aim::Ands {
                continue;
            }
            let Some((normal, chains)) = known.look_up(cut.table) else { continue };
            let needed = i64::try_from(chains[0].gates.len()).expect("a few");
            if needed > freed || (needed == freed && self.aim == Aim::Ands) {
                continue;
            }
            let mut leaves = [0; VARIABLES];
            leaves[..cut.leaves().len()].copy_from_slice(cut.leaves());
            let candidates = chains.iter().map(|chain| {
                (self.replaced_depth(&leaves, &normal, chain), Replacement { leaves, normal, chain })
            });
            let Some((depth, replacement)) = candidates.min_by_key(|(depth, _)| *depth) else { continue };
            if depth > self.allowed[node] {
                continue;
            }
            let cost = self.added_ands(node, &replacement);
            let merit = (cost, depth);
            if cost == 0 && self.aim == Aim::Ands {
                continue;
            }
            if merit < best.as_ref().map_or(present, |(merit, _)| *merit) {
                best = Some((merit, replacement));
            }
        }
        if let Some((_, replacement)) = best {
            self.pin(replacement.used());
            let operands = self.operands(number_of(node));
            self.unpin(operands);
            self.drivers[node] =
                Driver::Replaced(u32::try_from(self.replacements.len()).expect("no more than gates"));
            self.replacements.push(replacement);
        }
    }

    /// How many more ANDs the circuit has with `replacement` for `node`; nothing is changed.
    fn added_ands(&mut self, node: usize, replacement: &Replacement) -> i64 {
        let needed = i64::try_from(replacement.chain.gates.len()).expect("a few");
        let needed = needed + self.pin(replacement.used());
        let freed = self.unpin(self.operands(number_of(node))) + self.own_ands(node);
        self.pin(self.operands(number_of(node)));
        self.unpin(replacement.used());
        needed - freed
    }

    /// How many ANDs only `node` needs, down to `leaves`; nothing is changed.
    fn freed_ands(&mut self, node: usize, leaves: &[u32]) -> i64 {
        for &leaf in leaves {
            self.readers[leaf as usize] += 1;
        }
        let freed = self.unpin(self.operands(number_of(node))) + self.own_ands(node);
        self.pin(self.operands(number_of(node)));
        for &leaf in leaves {
            self.readers[leaf as usize] -= 1;
        }
        freed
    }

    fn own_ands(&self, node: usize) -> i64 {
        match self.drivers[node] {
            Driver::Source => 0,
            Driver::Gate(operation, ..) => i64::from(operation == Operation::And),
            Driver::Replaced(number) => {
                i64::try_from(self.replacements[number as usize].chain.gates.len()).expect("a few")
            }
        }
    }

    fn operands(&self, node: u32) -> impl Iterator<Item = u32> + use<> {
        let (list, set) = match self.drivers[node as usize] {
            Driver::Source => ([0; VARIABLES], 0),
            Driver::Gate(_, a, b) => ([a.node, b.node, 0, 0, 0, 0], 0b11),
            Driver::Replaced(number) => {
                let replacement = &self.replacements[number as usize];
                (replacement.leaves, replacement.normal.support())
            }
        };
        (0..VARIABLES).filter(move |at| set >> at & 1 == 1).map(move |at| list[at])
    }

    /// One more reads each of `nodes`; how many ANDs are needed again.
    fn pin(&mut self, nodes: impl Iterator<Item = u32>) -> i64 {
        let mut open = std::mem::take(&mut self.open);
        let mut ands = 0;
        open.extend(nodes);
        while let Some(node) = open.pop() {
            self.readers[node as usize] += 1;
            if self.readers[node as usize] == 1 {
                ands += self.own_ands(node as usize);
                open.extend(self.operands(node));
            }
        }
        self.open = open;
        ands
    }

    /// One less reads each of `nodes`; how many ANDs are no longer needed.
    fn unpin(&mut self, nodes: impl Iterator<Item = u32>) -> i64 {
        let mut open = std::mem::take(&mut self.open);
        let mut ands = 0;
        open.extend(nodes);
        while let Some(node) = open.pop() {
            self.readers[node as usize] -= 1;
            if self.readers[node as usize] == 0 {
                ands += self.own_ands(node as usize);
                open.extend(self.operands(node));
            }
        }
        self.open = open;
        ands
    }

    fn rebuilt(&self) -> Circuit {
        let mut rebuild = Rebuild::new(self.circuit);
        for (index, driver) in self.drivers.iter().enumerate() {
            match driver {
                Driver::Source | Driver::Gate(..) => rebuild.copy(index),
                Driver::Replaced(number) => {
                    rebuild.like(index);
                    let wire = emit(&mut rebuild, &self.replacements[*number as usize]);
                    rebuild.set(index, wire);
                }
            }
        }
        remove_dead(rebuild.finish())
    }
}

fn number_of(index: usize) -> u32 {
    u32::try_from(index).expect("bounded: wires have 32 bits")
}

fn emit(rebuild: &mut Rebuild, replacement: &Replacement) -> Wire {
    let Replacement { leaves, normal, chain } = replacement;
    let leaf = |rebuild: &Rebuild, at: usize| rebuild.wire(Wire::new(leaves[at] as usize));
    let zero = rebuild.builder.constant(false);
    let mut values: Vec<Wire> = Vec::with_capacity(VARIABLES + chain.gates.len());
    for (row, &set) in normal.rows.iter().enumerate() {
        let mut sum = rebuild.builder.constant(normal.shift >> row & 1 == 1);
        for at in (0..VARIABLES).filter(|at| set >> at & 1 == 1) {
            let term = leaf(rebuild, at);
            sum = rebuild.builder.xor(sum, term);
        }
        values.push(sum);
    }
    let sum_of = |rebuild: &mut Rebuild, values: &[Wire], set: u16| {
        let terms = values.iter().enumerate().filter(|&(at, _)| set >> at & 1 == 1);
        terms.fold(zero, |sum, (_, &term)| rebuild.builder.xor(sum, term))
    };
    for [a, b] in &chain.gates {
        let (a, b) = (sum_of(rebuild, &values, *a), sum_of(rebuild, &values, *b));
        values.push(rebuild.builder.and(a, b));
    }
    let mut result = sum_of(rebuild, &values, chain.output);
    for at in (0..VARIABLES).filter(|at| normal.linear >> at & 1 == 1) {
        let term = leaf(rebuild, at);
        result = rebuild.builder.xor(result, term);
    }
    let constant = rebuild.builder.constant(normal.constant ^ (normal.table & 1 == 1));
    rebuild.builder.xor(result, constant)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::opt::testing::{assert_same, circuit, circuits};

    #[test]
    fn random_circuits_keep_their_function_and_never_gain_ands_or_depth() {
        for circuit in circuits(40) {
            let rewritten = rewrite(circuit.clone());
            assert_same(&circuit, &rewritten);
            let (before, after) = (remove_dead(circuit).counts(), rewritten.counts());
            assert!(after.and <= before.and && after.and_depth <= before.and_depth, "{before:?} {after:?}");
        }
    }

    #[test]
    fn a_full_adder_takes_one_and() {
        let before = "
            %3 = xor %0 %1
            %4 = and %0 %1
            %5 = and %3 %2
            %6 = xor %4 %5
            %7 = and %4 %5
            %8 = xor %6 %7
            %9 = xor %3 %2";
        let adder = circuit(3, before, "%8 %9");
        let rewritten = rewrite(adder.clone());
        assert_same(&adder, &rewritten);
        assert_eq!(rewritten.counts().and, 1, "{rewritten}");
    }
}
