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

use super::dead::remove_dead;
use super::rebuild::Rebuild;
use super::simplify::simplify;
use classes::{Chain, chains};
use cuts::{Cut, Literal, Operation, merged};
use spectrum::{Normal, VARIABLES, normalize};

/// The most rounds.
const ROUNDS: usize = 6;
/// Another round is worth its time if the last one saved at least one AND in this many.
const WORTHWHILE: usize = 300;

/// The same function with no more ANDs and no more AND-depth.
pub fn rewrite(circuit: &Circuit) -> Circuit {
    let mut best = remove_dead(circuit);
    for _ in 0..ROUNDS {
        let before = best.counts();
        let next = simplify(&round(&best));
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

fn round(circuit: &Circuit) -> Circuit {
    let mut network = Network::of(circuit);
    network.rewrite_all();
    network.rebuilt()
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
    fn used(&self) -> impl Iterator<Item = u32> + '_ {
        let support = self.normal.support();
        (0..VARIABLES).filter(move |at| support >> at & 1 == 1).map(|at| self.leaves[at])
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
    known: HashMap<u64, Option<(Normal, &'static [Chain])>>,
}

impl<'a> Network<'a> {
    fn of(circuit: &'a Circuit) -> Self {
        let mut literals: Vec<Literal> = Vec::with_capacity(circuit.gates.len());
        let mut drivers = Vec::with_capacity(circuit.gates.len());
        for (index, gate) in circuit.gates.iter().enumerate() {
            let node = u32::try_from(index).expect("bounded: wires have 32 bits");
            let mut literal = Literal { node, complement: false };
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
            known: HashMap::new(),
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
        let of_sum = |set: u8| {
            let used = (0..VARIABLES).filter(|at| set >> at & 1 == 1);
            used.map(|at| self.depths[leaves[at] as usize]).max().unwrap_or(0)
        };
        let variables = normal.rows.map(of_sum);
        chain.depth(&variables).max(of_sum(normal.linear))
    }

    fn rewrite_all(&mut self) {
        let mut cuts: Vec<Vec<Cut>> = Vec::with_capacity(self.drivers.len());
        let mut fresh = Vec::new();
        for node in 0..self.drivers.len() {
            fresh.clear();
            let number = u32::try_from(node).expect("bounded: wires have 32 bits");
            if let Driver::Gate(operation, a, b) = self.drivers[node] {
                let of = |literal: Literal| (literal, cuts[literal.node as usize].as_slice());
                merged(operation, [of(a), of(b)], &mut fresh);
                if self.readers[node] > 0 {
                    self.rewrite_node(node, &fresh);
                }
            }
            self.depths[node] = self.depth_of(node);
            fresh.push(Cut::of_itself(number));
            cuts.push(fresh.as_slice().to_vec());
        }
    }

    /// Replaces the node by the best of its cuts, if that is better than what is there.
    fn rewrite_node(&mut self, node: usize, cuts: &[Cut]) {
        let mut best: Option<((i64, u32), Replacement)> = None;
        let present = (0, self.depth_of(node));
        for cut in cuts {
            let Some((normal, chains)) = self.looked_up(cut.table) else { continue };
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
            if merit < best.as_ref().map_or(present, |(merit, _)| *merit) {
                best = Some((merit, replacement));
            }
        }
        if let Some((_, replacement)) = best {
            replacement.used().for_each(|leaf| {
                self.pin(leaf);
            });
            self.unpin_operands(node);
            self.drivers[node] =
                Driver::Replaced(u32::try_from(self.replacements.len()).expect("no more than gates"));
            self.replacements.push(replacement);
        }
    }

    fn looked_up(&mut self, table: u64) -> Option<(Normal, &'static [Chain])> {
        *self.known.entry(table).or_insert_with(|| {
            let normal = normalize(table);
            let chains = chains(normal.dimension, normal.table);
            (!chains.is_empty()).then_some((normal, chains))
        })
    }

    /// How many more ANDs the circuit has with `replacement` for `node`; nothing is changed.
    fn added_ands(&mut self, node: usize, replacement: &Replacement) -> i64 {
        let mut cost = i64::try_from(replacement.chain.gates.len()).expect("a few");
        let leaves: Vec<u32> = replacement.used().collect();
        for &leaf in &leaves {
            cost += self.pin(leaf);
        }
        cost -= self.unpin_operands(node) + self.own_ands(node);
        self.pin_operands(node);
        for &leaf in leaves.iter().rev() {
            self.unpin(leaf);
        }
        cost
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

    fn operands(&self, node: usize) -> Vec<u32> {
        match self.drivers[node] {
            Driver::Source => Vec::new(),
            Driver::Gate(_, a, b) => vec![a.node, b.node],
            Driver::Replaced(number) => self.replacements[number as usize].used().collect(),
        }
    }

    /// One more reads `node`; how many ANDs are needed again.
    fn pin(&mut self, node: u32) -> i64 {
        let node = node as usize;
        self.readers[node] += 1;
        if self.readers[node] > 1 { 0 } else { self.own_ands(node) + self.pin_operands(node) }
    }

    fn pin_operands(&mut self, node: usize) -> i64 {
        let (mut open, mut ands) = (self.operands(node), 0);
        while let Some(node) = open.pop() {
            let node = node as usize;
            self.readers[node] += 1;
            if self.readers[node] == 1 {
                ands += self.own_ands(node);
                open.extend(self.operands(node));
            }
        }
        ands
    }

    /// One less reads `node`; how many ANDs are no longer needed.
    fn unpin(&mut self, node: u32) -> i64 {
        let node = node as usize;
        self.readers[node] -= 1;
        if self.readers[node] > 0 { 0 } else { self.own_ands(node) + self.unpin_operands(node) }
    }

    fn unpin_operands(&mut self, node: usize) -> i64 {
        let (mut open, mut ands) = (self.operands(node), 0);
        while let Some(node) = open.pop() {
            let node = node as usize;
            self.readers[node] -= 1;
            if self.readers[node] == 0 {
                ands += self.own_ands(node);
                open.extend(self.operands(node));
            }
        }
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
        remove_dead(&rebuild.finish())
    }
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
    use crate::opt::testing::{assert_same, circuits};

    #[test]
    fn random_circuits_keep_their_function_and_never_gain_ands_or_depth() {
        for circuit in circuits(40) {
            let rewritten = rewrite(&circuit);
            assert_same(&circuit, &rewritten);
            let (before, after) = (remove_dead(&circuit).counts(), rewritten.counts());
            assert!(after.and <= before.and && after.and_depth <= before.and_depth, "{before:?} {after:?}");
        }
    }

    #[test]
    #[ignore]
    fn bristol() {
        use ffhec_circuit::{Builder, Port};
        let only = std::env::var("ONLY").unwrap_or_default();
        let mut names: Vec<_> = std::fs::read_dir("/work/shared/data/circuits").unwrap().map(|e| e.unwrap().path()).collect();
        names.sort();
        let mut ratio = Vec::new();
        for path in names {
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            if !only.is_empty() && !only.split(',').any(|o| name.contains(o)) { continue }
            let text = std::fs::read_to_string(&path).unwrap();
            if text.len() > 700_000 { continue }
            let mut lines = text.lines().filter(|l| !l.trim().is_empty());
            let head: Vec<usize> = lines.next().unwrap().split_whitespace().map(|w| w.parse().unwrap()).collect();
            let ins: Vec<usize> = lines.next().unwrap().split_whitespace().map(|w| w.parse().unwrap()).collect();
            let outs: Vec<usize> = lines.next().unwrap().split_whitespace().map(|w| w.parse().unwrap()).collect();
            let mut b = Builder::new();
            let mut wires = vec![None; head[1]];
            let mut at = 0;
            for (i, &w) in ins[1..].iter().enumerate() {
                for bit in b.input(Port { name: format!("i{i}"), kind: "bits".into(), width: w as u32, range: None }) { wires[at] = Some(bit); at += 1; }
            }
            for l in lines {
                let w: Vec<&str> = l.split_whitespace().collect();
                let n = |i: usize| w[i].parse::<usize>().unwrap();
                let r = match w[w.len() - 1] {
                    "AND" => { let (x, y) = (wires[n(2)].unwrap(), wires[n(3)].unwrap()); b.and(x, y) }
                    "XOR" => { let (x, y) = (wires[n(2)].unwrap(), wires[n(3)].unwrap()); b.xor(x, y) }
                    "INV" | "NOT" => { let x = wires[n(2)].unwrap(); b.not(x) }
                    "EQW" => wires[n(2)].unwrap(),
                    "EQ" => b.constant(n(2) == 1),
                    other => panic!("{other}"),
                };
                let out = n(w.len() - 2);
                wires[out] = Some(r);
            }
            let total: usize = outs[1..].iter().sum();
            let o: Vec<_> = (head[1] - total..head[1]).map(|i| wires[i].unwrap()).collect();
            b.output(Port { name: "o".into(), kind: "bits".into(), width: total as u32, range: None }, &o);
            let c = remove_dead(&b.finish());
            let raw = text.lines().filter(|l| l.ends_with("AND")).count();
            let s = crate::opt::optimize(c.clone());
            let t = std::time::Instant::now();
            let r = rewrite(&s);
            let t = t.elapsed();
            assert_same(&c, &r);
            let (c0, c1, c2) = (c.counts(), s.counts(), r.counts());
            println!("{name:32} file {raw:6} built {:6}/{:4} old {:6}/{:4} new {:6}/{:4} {:5.1}% {t:?}", c0.and, c0.and_depth, c1.and, c1.and_depth, c2.and, c2.and_depth, 100.0 - 100.0 * c2.and as f64 / raw as f64);
            ratio.push((c2.and as f64 / raw as f64).ln());
        }
        println!("geometric mean {:.4}", (ratio.iter().sum::<f64>() / ratio.len() as f64).exp());
    }
}
