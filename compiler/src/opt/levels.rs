//! Refreshes for room of several AND levels: as few wires as possible such that no path runs through more than `most`
//! ANDs without one.
//!
//! In: a circuit and the number of levels. Out: which wires are refreshed, and a number that no choice goes below.
//!
//! For one level this is a minimum vertex cut; from two on it is NP-hard (Paindavoine and Vialla, "Minimizing the number
//! of bootstrappings in fully homomorphic encryption", SAC 2015). Every path from the output of an AND through `most - 1`
//! more to an operand of the next needs a refreshed wire. The linear program over these paths (Benhamouda, Lepoint,
//! Mathieu and Zhou, "Optimization of bootstrapping in circuits", SODA 2017) gives both the bound and, rounded, places
//! to begin at:
//!
//! 1. *Linear program.* Its dual is the largest fractional packing of paths. We solve both by multiplicative weights
//!    (Garg and Koenemann, FOCS 1998; Fleischer, SIAM J. Discrete Math. 2000): each wire has a weight; paths that are
//!    lightest up to a factor are packed, and the wires on them get heavier. All lightest paths come from one sweep
//!    over wires and levels. The packing divided by its largest load is feasible, whatever happened before: the bound.
//!    That of paths alone is far below what whole refreshes can do; so triples of paths that need two refreshes are
//!    packed too (`triples.rs`), where the weights fall short of them.
//! 2. *Rounding.* The weights, divided by the lightest path, are a fractional solution, and make every wire stretch
//!    from a distance to a distance. The wires that stretch over a threshold hit all paths; we try several thresholds,
//!    and drop what is not needed, the lightest first.
//! 3. *Local search.* Around one wire after the other, some wires more are refreshed, all refreshes that have become
//!    needless are dropped, and single wires there are tried: one more for one or more dropped. What takes more
//!    refreshes than before is put back, all but a few by chance, fewer and fewer (simulated annealing). A tenth of the
//!    work tries single wires anywhere.
//!
//! Limits count steps, and chance comes from a fixed seed.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use ffhec_circuit::{Circuit, Gate};

use super::readers::{Readers, number};
use super::triples::{Finder, REACH, Triple};

/// A choice of wires, and how good it is.
pub(super) struct Chosen {
    /// Which wires are refreshed.
    pub(super) marks: Vec<bool>,
    /// No choice has fewer.
    pub(super) lower_bound: usize,
}

/// How many steps the search may take: visits of a wire.
#[derive(Clone, Copy, Debug)]
pub(super) struct Effort {
    /// For the linear program.
    pub(super) program: u64,
    /// For the local search.
    pub(super) search: u64,
}

impl Effort {
    /// Less than a minute for a circuit of any size.
    pub(super) const LONG: Effort = Effort { program: 1_000_000_000, search: 500_000_000 };

    /// Some tenths of a second, and microseconds a gate.
    pub(super) fn quick(circuit: &Circuit) -> Effort {
        let work = 3_000_000 + 150 * circuit.gates.len() as u64;
        Effort { program: work, search: work }
    }
}

/// Chooses wires to refresh in `circuit`, where no path may have more than `most` ANDs without one. `readers` are those
/// of `circuit`.
pub(super) fn choose(circuit: &Circuit, readers: &Readers, most: u8, effort: Effort) -> Chosen {
    let mut packing = Packing::new(circuit, most);
    let fraction = packing.solve(effort.program);
    let starts = if fraction.weights.is_empty() { Vec::new() } else { packing.round(&fraction) };
    drop(packing);
    let marks = improved(circuit, readers, most, (starts, &fraction), effort);
    Chosen { marks, lower_bound: fraction.bound }
}

/// A number of refreshes that every choice needs in which no path has more than `most` ANDs without one.
pub(super) fn lower_bound(circuit: &Circuit, most: u8, effort: Effort) -> usize {
    Packing::new(circuit, most).solve(effort.program).bound
}

/// How many of the rounded starts are searched from: half of the time; the best of them is for the other half.
const SEARCHED: usize = 3;

/// How often each gate is visited at most, in all searches: more hardly ever gains.
const MOST_VISITS: u64 = 200_000;

/// About how many wires at most have their placement made anew together, and how often the search goes through them
/// then.
const STIRRED: usize = 60;
const POLISHES: usize = 3;

/// Out of 2^20 steps that take one refresh more, how many are taken at first; later fewer.
const LUCK: u64 = 3000;

fn improved(
    circuit: &Circuit,
    readers: &Readers,
    most: u8,
    (starts, fraction): (Vec<Vec<bool>>, &Fraction),
    effort: Effort,
) -> Vec<bool> {
    let mut searches: Vec<Search<'_>> = starts
        .into_iter()
        .map(|marks| {
            let mut search = Search::new(circuit, readers, most, marks);
            search.prune(&fraction.weights);
            search
        })
        .collect();
    searches.sort_by_key(|search| search.count);
    searches.dedup_by(|next, kept| next.marks == kept.marks);
    searches.truncate(SEARCHED);
    let work = effort.search.min(MOST_VISITS * circuit.gates.len() as u64);
    for search in &mut searches {
        search.run(work / (2 * SEARCHED as u64), fraction.bound);
    }
    let Some(mut best) = searches.into_iter().min_by_key(|search| search.fewest) else {
        return vec![false; circuit.gates.len()];
    };
    best.run(work / 2, fraction.bound);
    best.best
}

/// A solution of the linear program, nearly.
struct Fraction {
    /// What fraction of each wire is refreshed: every path has one in total, at least. Empty if there are no paths.
    weights: Vec<f64>,
    /// The value of a feasible packing, rounded up: no choice has fewer.
    bound: usize,
}

/// How often triples are looked for at most.
const ROUNDS: usize = 8;

/// No path leads here.
const FAR: f64 = f64::INFINITY;

/// The linear program: weights of wires, and how many packed paths run through each.
struct Packing<'a> {
    circuit: &'a Circuit,
    /// Levels.
    most: usize,
    /// The ANDs, at whose operands paths end.
    ends: Vec<u32>,
    weights: Vec<f64>,
    loads: Vec<u32>,
    largest_load: u32,
    packed: u64,
    /// For each wire and number of ANDs passed (from 1), the lightest way there, with the wire itself.
    lightest: Vec<f64>,
    /// What needs two refreshes, and is packed beside the paths.
    triples: Vec<Triple>,
}

/// How the linear program is solved for some time.
struct Stage {
    /// How much heavier the wires of a packed path get, and how much heavier than the lightest it may be.
    step: f64,
    /// Until how many steps in total.
    work: u64,
    /// After how many sweeps without a gain it is over.
    idle: usize,
    /// The value of a packing from which on one is a gain.
    known: f64,
}

/// How far the linear program is solved.
struct Progress {
    steps: u64,
    /// The lightest fraction so far, empty if there are no paths, and its weight.
    weights: Vec<f64>,
    least_total: f64,
    /// The largest value of a packing so far.
    bound: f64,
}

impl Progress {
    /// Whether the bound, rounded up, has met the weight of the fraction.
    fn is_done(&self) -> bool {
        rounded_up(self.bound) as f64 >= self.least_total - 1e-6
    }
}

impl<'a> Packing<'a> {
    fn new(circuit: &'a Circuit, most: u8) -> Self {
        let wires = circuit.gates.len();
        let is_end = |&wire: &usize| matches!(circuit.gates[wire], Gate::And(..));
        Packing {
            circuit,
            most: usize::from(most),
            ends: (0..wires).filter(is_end).map(number).collect(),
            weights: vec![1.0; wires],
            loads: vec![0; wires],
            largest_load: 0,
            packed: 0,
            lightest: vec![FAR; wires * usize::from(most)],
            triples: Vec::new(),
        }
    }

    /// Packs paths until the bound meets the weight of the fraction, up to a little, or `work` is done.
    fn solve(&mut self, work: u64) -> Fraction {
        debug_assert!((1..100).contains(&self.most), "the sweeps keep a number for each level");
        let mut progress = Progress { steps: 0, weights: Vec::new(), least_total: f64::INFINITY, bound: 0.0 };
        // Steps are coarse first; each finer stage begins with the weights of the one before and a packing of its own.
        for step in [0.3, 0.1, 0.03, 0.01, 0.003] {
            self.restart();
            let share = progress.steps + (work - progress.steps) / 2;
            let known = progress.bound;
            self.stage(Stage { step, work: share, idle: 300, known }, &mut progress);
        }
        let weights = progress.weights.clone();
        if !weights.is_empty() {
            self.add_triples(work, &mut progress);
            // Fine steps make good weights soon, but a good packing takes many paths, all of one kind.
            self.weights.fill(1.0);
            self.restart();
            self.stage(Stage { step: 0.1, work, idle: 3000, known: 0.0 }, &mut progress);
        }
        Fraction { weights, bound: rounded_up(progress.bound) }
    }

    /// Adds triples that the weights fall short of, and solves again, a few times.
    fn add_triples(&mut self, work: u64, progress: &mut Progress) {
        let readers = Readers::of(self.circuit);
        let search = REACH * self.weights.len() as u64;
        for _ in 0..ROUNDS {
            let share = progress.steps + work.saturating_sub(progress.steps) / 8;
            if progress.steps + search > share {
                return;
            }
            progress.steps += search;
            self.weights.clone_from(&progress.weights);
            self.sweep();
            let least = self.least_end();
            self.weights.iter_mut().for_each(|weight| *weight /= least);
            self.sweep();
            let both = (self.circuit, &readers);
            let found = Finder::new(both, self.most, &self.weights, &self.lightest).find();
            let known = self.triples.len();
            self.triples.extend(found);
            self.triples.sort_unstable();
            self.triples.dedup();
            if self.triples.len() == known {
                return;
            }
            progress.least_total = FAR;
            for step in [0.03, 0.01] {
                self.restart();
                let known = progress.bound;
                self.stage(Stage { step, work: share, idle: 100, known }, progress);
            }
        }
    }

    /// Packs paths until `stage` is over.
    fn stage(&mut self, stage: Stage, progress: &mut Progress) {
        let Stage { step, work, mut known, .. } = stage;
        let sweep = (self.circuit.gates.len() * self.most) as u64;
        let mut idle = 0;
        while progress.steps < work && idle < stage.idle && !progress.is_done() {
            self.sweep();
            progress.steps += sweep;
            let least = self.least_end().min(self.least_triple());
            if least == FAR {
                return;
            }
            let total: f64 = self.weights_on_paths() / least;
            idle += 1;
            if total < progress.least_total {
                if total < progress.least_total * 0.9995 {
                    idle = 0;
                }
                progress.least_total = total;
                progress.weights = self.weights.iter().map(|weight| weight / least).collect();
            }
            progress.steps += self.pack(least * (1.0 + step), step);
            progress.steps += self.pack_triples(least * (1.0 + step), step);
            let value = self.packed as f64 / f64::from(self.largest_load);
            if value > known {
                if value > known * 1.0005 {
                    idle = 0;
                }
                known = value;
            }
            progress.bound = progress.bound.max(value);
        }
    }

    /// Forgets the packed paths but not the weights.
    fn restart(&mut self) {
        let heaviest = self.weights.iter().copied().fold(0.0, f64::max);
        self.weights.iter_mut().for_each(|weight| *weight /= heaviest);
        self.loads.fill(0);
        (self.largest_load, self.packed) = (0, 0);
    }

    fn sweep(&mut self) {
        let most = self.most;
        for (wire, gate) in self.circuit.gates.iter().enumerate() {
            let own = self.weights[wire];
            let (below, here) = self.lightest.split_at_mut(wire * most);
            let here = &mut here[..most];
            match *gate {
                Gate::Constant(_) | Gate::Input(_) | Gate::Refresh(_) => here.fill(FAR),
                Gate::Not(a) => here.copy_from_slice(&below[a.index() * most..][..most]),
                Gate::Xor(a, b) => {
                    let (a, b) = (&below[a.index() * most..][..most], &below[b.index() * most..][..most]);
                    for ((here, a), b) in here.iter_mut().zip(a).zip(b) {
                        *here = a.min(*b) + own;
                    }
                }
                Gate::And(a, b) => {
                    let (a, b) = (&below[a.index() * most..][..most], &below[b.index() * most..][..most]);
                    here[0] = own;
                    for level in 1..most {
                        here[level] = a[level - 1].min(b[level - 1]) + own;
                    }
                }
            }
        }
    }

    /// The weight of all wires that any path runs through.
    fn weights_on_paths(&self) -> f64 {
        let is_on_path =
            |wire: &usize| self.lightest[wire * self.most..][..self.most].iter().any(|way| *way < FAR);
        (0..self.weights.len()).filter(is_on_path).map(|wire| self.weights[wire]).sum()
    }

    fn least_end(&self) -> f64 {
        let operands = self.ends.iter().flat_map(|&end| self.circuit.gates[end as usize].operands());
        operands.map(|wire| self.at(wire.index(), self.most)).fold(FAR, f64::min)
    }

    fn at(&self, wire: usize, passed: usize) -> f64 {
        self.lightest[wire * self.most + passed - 1]
    }

    /// Packs the paths that the last sweep found, as long as they are not heavier than `limit`. How many wires were
    /// visited.
    fn pack(&mut self, limit: f64, step: f64) -> u64 {
        let mut visited = 0;
        let mut path = Vec::new();
        for at in 0..self.ends.len() {
            for wire in self.circuit.gates[self.ends[at] as usize].operands() {
                while self.at(wire.index(), self.most) <= limit {
                    path.clear();
                    let weight = self.trace(wire.index(), &mut path);
                    visited += path.len() as u64;
                    if weight > limit {
                        break;
                    }
                    self.load(&path, step);
                    self.packed += 1;
                }
            }
        }
        visited
    }

    /// Makes the wires of a packed path or triple heavier.
    fn load(&mut self, wires: &[u32], step: f64) {
        for wire in wires.iter().map(|&wire| wire as usize) {
            self.weights[wire] *= 1.0 + step;
            self.loads[wire] += 1;
            self.largest_load = self.largest_load.max(self.loads[wire]);
        }
    }

    /// What a triple weighs for each of the two refreshes that it needs.
    fn half_weight(&self, triple: &Triple) -> f64 {
        triple.iter().map(|&wire| self.weights[wire as usize]).sum::<f64>() / 2.0
    }

    fn least_triple(&self) -> f64 {
        self.triples.iter().map(|triple| self.half_weight(triple)).fold(FAR, f64::min)
    }

    /// Packs triples as [`Packing::pack`] packs paths; each counts as two.
    fn pack_triples(&mut self, limit: f64, step: f64) -> u64 {
        let triples = std::mem::take(&mut self.triples);
        for triple in &triples {
            while self.half_weight(triple) <= limit {
                self.load(triple, step);
                self.packed += 2;
            }
        }
        let visited = triples.iter().map(|triple| triple.len() as u64).sum();
        self.triples = triples;
        visited
    }

    /// The lightest path of the last sweep that ends at `wire`, without complements; its present weight.
    fn trace(&self, wire: usize, path: &mut Vec<u32>) -> f64 {
        let (mut wire, mut passed, mut weight) = (wire, self.most, 0.0);
        loop {
            let gate = self.circuit.gates[wire];
            if !matches!(gate, Gate::Not(_)) {
                path.push(number(wire));
                weight += self.weights[wire];
            }
            if matches!(gate, Gate::And(..)) {
                passed -= 1;
                if passed == 0 {
                    return weight;
                }
            }
            let lighter = |a: usize, b: usize| if self.at(b, passed) < self.at(a, passed) { b } else { a };
            wire = match gate {
                Gate::Not(a) => a.index(),
                Gate::Xor(a, b) | Gate::And(a, b) => lighter(a.index(), b.index()),
                Gate::Constant(_) | Gate::Input(_) | Gate::Refresh(_) => return FAR,
            };
        }
    }

    /// The wires that stretch over each of several thresholds.
    fn round(&mut self, fraction: &Fraction) -> Vec<Vec<bool>> {
        self.weights.clone_from(&fraction.weights);
        self.sweep();
        let thresholds = (0..10).map(|at| 0.05 + 0.1 * f64::from(at));
        thresholds.map(|threshold| self.stretching_over(threshold)).collect()
    }

    fn stretching_over(&self, threshold: f64) -> Vec<bool> {
        let stretches = |wire: usize| {
            (1..=self.most).any(|passed| {
                let end = self.at(wire, passed);
                end >= threshold && end - self.weights[wire] < threshold && end < FAR
            })
        };
        let is_wire = |wire: usize| matches!(self.circuit.gates[wire], Gate::Xor(..) | Gate::And(..));
        (0..self.weights.len()).map(|wire| is_wire(wire) && stretches(wire)).collect()
    }
}

/// A bound is a whole number; a little is left for the rounding of divisions.
fn rounded_up(bound: f64) -> usize {
    (bound - 1e-6).ceil().max(0.0) as usize
}

/// A placement under search. Invariant: `before[w] <= most` for every wire.
struct Search<'a> {
    circuit: &'a Circuit,
    readers: &'a Readers,
    most: u8,
    marks: Vec<bool>,
    count: usize,
    /// The most ANDs on a way to each wire since the last refresh, its own not counted.
    before: Vec<u8>,
    /// The most ANDs on a way from each wire, refreshed, until the next refresh.
    onward: Vec<u8>,
    /// The best placement so far.
    best: Vec<bool>,
    fewest: usize,
    /// What to put back if a step is not taken, the last first.
    undo: Vec<Undo>,
    upwards: BinaryHeap<Reverse<u32>>,
    downwards: BinaryHeap<u32>,
    /// Refreshed wires that the step touched.
    touched: Vec<u32>,
    steps: u64,
    chance: Chance,
}

enum Undo {
    Mark(u32),
    Before(u32, u8),
    Onward(u32, u8),
}

impl<'a> Search<'a> {
    /// `marks` need not be enough: what is missing is added.
    fn new(circuit: &'a Circuit, readers: &'a Readers, most: u8, marks: Vec<bool>) -> Self {
        let wires = circuit.gates.len();
        let mut search = Search {
            circuit,
            readers,
            most,
            marks,
            count: 0,
            before: vec![0; wires],
            onward: vec![0; wires],
            best: Vec::new(),
            fewest: usize::MAX,
            undo: Vec::new(),
            upwards: BinaryHeap::new(),
            downwards: BinaryHeap::new(),
            touched: Vec::new(),
            steps: 0,
            chance: Chance::new(),
        };
        for wire in 0..wires {
            let mut level = search.level_before(wire);
            if level > most {
                for operand in circuit.gates[wire].operands() {
                    search.marks[operand.index()] |= search.before[operand.index()] > 0;
                }
                level = search.level_before(wire);
            }
            search.before[wire] = level;
        }
        // A refresh added late is seen by earlier readers too.
        for wire in 0..wires {
            search.before[wire] = search.level_before(wire);
        }
        for wire in (0..wires).rev() {
            search.onward[wire] = search.levels_onward(wire);
        }
        search.count = search.marks.iter().filter(|&&mark| mark).count();
        search.keep();
        search
    }

    fn keep(&mut self) {
        if self.count < self.fewest {
            self.fewest = self.count;
            self.best.clone_from(&self.marks);
        }
    }

    fn level_before(&self, wire: usize) -> u8 {
        let gate = self.circuit.gates[wire];
        let seen =
            |wire: ffhec_circuit::Wire| if self.marks[wire.index()] { 0 } else { self.before[wire.index()] };
        match gate {
            Gate::Constant(_) | Gate::Input(_) | Gate::Refresh(_) => 0,
            Gate::Not(a) => seen(a),
            Gate::Xor(a, b) => seen(a).max(seen(b)),
            Gate::And(a, b) => seen(a).max(seen(b)) + 1,
        }
    }

    fn levels_onward(&self, wire: usize) -> u8 {
        let readers = self.readers.of_wire(wire).iter().map(|&reader| {
            let reader = reader as usize;
            let own = match self.circuit.gates[reader] {
                Gate::And(..) => 1,
                Gate::Refresh(_) => return 0,
                Gate::Constant(_) | Gate::Input(_) | Gate::Not(_) | Gate::Xor(..) => 0,
            };
            own + if self.marks[reader] { 0 } else { self.onward[reader] }
        });
        readers.max().unwrap_or(0)
    }

    /// Whether a refreshed wire may be left as it is.
    fn is_needless(&self, wire: usize) -> bool {
        self.marks[wire] && self.before[wire] + self.onward[wire] <= self.most
    }

    /// Refreshes a wire, or leaves it as it is, and updates the levels around it.
    fn toggle(&mut self, wire: usize) {
        self.marks[wire] = !self.marks[wire];
        self.undo.push(Undo::Mark(number(wire)));
        self.count = if self.marks[wire] { self.count + 1 } else { self.count - 1 };
        self.upwards.extend(self.readers.of_wire(wire).iter().map(|&reader| Reverse(reader)));
        let mut last = u32::MAX;
        while let Some(Reverse(next)) = self.upwards.pop() {
            if next == last {
                continue;
            }
            last = next;
            self.steps += 1;
            let wire = next as usize;
            let level = self.level_before(wire);
            if level != self.before[wire] {
                self.undo.push(Undo::Before(next, self.before[wire]));
                self.before[wire] = level;
                if self.marks[wire] {
                    self.touched.push(next);
                } else {
                    self.upwards.extend(self.readers.of_wire(wire).iter().map(|&reader| Reverse(reader)));
                }
            }
        }
        self.downwards.extend(self.circuit.gates[wire].operands().map(|wire| number(wire.index())));
        last = u32::MAX;
        while let Some(next) = self.downwards.pop() {
            if next == last {
                continue;
            }
            last = next;
            self.steps += 1;
            let wire = next as usize;
            let levels = self.levels_onward(wire);
            if levels != self.onward[wire] {
                self.undo.push(Undo::Onward(next, self.onward[wire]));
                self.onward[wire] = levels;
                if self.marks[wire] {
                    self.touched.push(next);
                } else {
                    self.downwards
                        .extend(self.circuit.gates[wire].operands().map(|wire| number(wire.index())));
                }
            }
        }
    }

    /// Takes back all changes but the first `kept`.
    fn put_back(&mut self, kept: usize) {
        for undo in self.undo.drain(kept..).rev() {
            match undo {
                Undo::Mark(wire) => {
                    let mark = &mut self.marks[wire as usize];
                    *mark = !*mark;
                    self.count = if *mark { self.count + 1 } else { self.count - 1 };
                }
                Undo::Before(wire, level) => self.before[wire as usize] = level,
                Undo::Onward(wire, levels) => self.onward[wire as usize] = levels,
            }
        }
    }

    /// Drops what is not needed, the wires of least weight first.
    fn prune(&mut self, weights: &[f64]) {
        let mut order: Vec<usize> = (0..self.marks.len()).filter(|&wire| self.marks[wire]).collect();
        order.sort_by(|&a, &b| weights[a].total_cmp(&weights[b]).then(a.cmp(&b)));
        for wire in order {
            if self.is_needless(wire) {
                self.toggle(wire);
            }
        }
        self.undo.clear();
        self.touched.clear();
        self.keep();
    }

    /// Steps until `work` wires were visited or no more than `bound` are left.
    fn run(&mut self, work: u64, bound: usize) {
        let is_wire = |&wire: &usize| is_sum_or_product(self.circuit.gates[wire]);
        let wires: Vec<usize> = (0..self.marks.len()).filter(is_wire).collect();
        let (begin, mut stirring) = (self.steps, 0);
        while self.fewest > bound && self.steps - begin < work {
            let done = self.steps - begin;
            let luck = LUCK * (work - done) / work;
            if stirring <= done / 10 * 9 {
                for _ in 0..10 {
                    self.stir(&wires, luck);
                }
                stirring += self.steps - begin - done;
            } else {
                for _ in 0..1000 {
                    let wire = wires[self.chance.below(wires.len())];
                    self.visit(wire, luck);
                }
                self.undo.clear();
            }
        }
    }

    /// Makes the placement around one of `wires` anew: refreshes some wires there, drops by chance what is not needed,
    /// and searches on among these wires. Put back if that takes more refreshes, unless by `luck`.
    fn stir(&mut self, wires: &[usize], luck: u64) {
        self.undo.clear();
        let count = self.count;
        let centre = wires[self.chance.below(wires.len())];
        let mut around = self.around(centre);
        self.steps += around.len() as u64;
        for &wire in &around {
            if self.may_help(wire) && self.chance.below(2) == 0 {
                self.toggle(wire);
            }
        }
        let mut drops: Vec<u32> = around.iter().map(|&wire| number(wire)).collect();
        drops.append(&mut self.touched);
        self.chance.shuffle(&mut drops);
        self.drop_needless(&drops, usize::MAX);
        self.keep();
        for _ in 0..POLISHES {
            if self.count < count {
                break;
            }
            self.chance.shuffle(&mut around);
            for &wire in &around {
                self.visit(wire, 0);
            }
        }
        if self.count > count + 1 || (self.count > count && !self.chance.is_lucky(luck)) {
            self.put_back(0);
        }
        self.undo.clear();
    }

    /// Sums and products near `wire`, by chance more or fewer.
    fn around(&mut self, wire: usize) -> Vec<usize> {
        let most = 4 + self.chance.below(STIRRED);
        let mut around = vec![wire];
        let mut at = 0;
        while at < around.len() && around.len() < most {
            let operands = self.circuit.gates[around[at]].operands().map(|wire| wire.index());
            let readers = self.readers.of_wire(around[at]).iter().map(|&reader| reader as usize);
            for next in operands.chain(readers.take(most)) {
                if !around.contains(&next) {
                    around.push(next);
                }
            }
            at += 1;
        }
        around.retain(|&wire| is_sum_or_product(self.circuit.gates[wire]));
        around
    }

    /// Whether a refresh of `wire` changes any level.
    fn may_help(&self, wire: usize) -> bool {
        !self.marks[wire] && self.before[wire] > 0 && self.onward[wire] > 0
    }

    /// Drops the refresh of `wire` if it is needless; or refreshes it if others become needless for it: as many at
    /// least, or by `luck` fewer.
    fn visit(&mut self, wire: usize, luck: u64) {
        self.steps += 1;
        if self.may_help(wire) {
            let (before, count) = (self.undo.len(), self.count);
            self.toggle(wire);
            let mut touched = std::mem::take(&mut self.touched);
            // Which of several needless ones is dropped first is left to chance.
            if touched.len() > 1 {
                let turn = self.chance.below(touched.len());
                touched.rotate_left(turn);
            }
            self.drop_needless(&touched, wire);
            touched.clear();
            self.touched = touched;
            if self.count > count && !self.chance.is_lucky(luck) {
                self.put_back(before);
            }
        } else {
            self.drop_needless(&[number(wire)], usize::MAX);
        }
        self.keep();
    }

    /// Drops those of `wires` that are needless, one after the other, but not `kept`.
    fn drop_needless(&mut self, wires: &[u32], kept: usize) {
        for wire in wires.iter().map(|&wire| wire as usize) {
            if wire != kept && self.is_needless(wire) {
                self.toggle(wire);
            }
        }
        self.touched.clear();
    }
}

fn is_sum_or_product(gate: Gate) -> bool {
    matches!(gate, Gate::Xor(..) | Gate::And(..))
}

/// Numbers by chance, the same in every run (xorshift64*).
pub(super) struct Chance(u64);

impl Chance {
    pub(super) fn new() -> Self {
        Chance(0x9e37_79b9_7f4a_7c15)
    }

    pub(super) fn shuffle<T>(&mut self, wires: &mut [T]) {
        for at in (1..wires.len()).rev() {
            let other = self.below(at + 1);
            wires.swap(at, other);
        }
    }

    /// Holds `luck` times out of 2^20.
    fn is_lucky(&mut self, luck: u64) -> bool {
        (self.below(1 << 20) as u64) < luck
    }

    /// A number below `bound`.
    pub(super) fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let word = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 32;
        ((word * bound as u64) >> 32) as usize
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::opt::testing::{Random, Shape, adder, multiplier_chain, random_circuit};
    use crate::opt::{remove_dead, simplify};

    /// The most ANDs on any path without a refresh: the rule, straight from its definition.
    fn longest(circuit: &Circuit, marks: &[bool]) -> u32 {
        let (mut after, mut longest) = (vec![0; marks.len()], 0);
        for (wire, gate) in circuit.gates.iter().enumerate() {
            let below = gate.operands().map(|wire| after[wire.index()]).max().unwrap_or(0);
            let here = below + u32::from(matches!(gate, Gate::And(..)));
            longest = longest.max(here);
            after[wire] = if marks[wire] || matches!(gate, Gate::Refresh(_)) { 0 } else { here };
        }
        longest
    }

    /// The fewest refreshes by branching: some wire of a path that is too long is refreshed.
    fn fewest(circuit: &Circuit, most: u8, marks: &mut Vec<bool>, limit: usize) -> Option<usize> {
        let Some(path) = too_long(circuit, most, marks) else { return Some(0) };
        if limit == 0 {
            return None;
        }
        let mut best: Option<usize> = None;
        for wire in path {
            marks[wire] = true;
            let limit = best.map_or(limit, |best| best - 1);
            if limit > 0
                && let Some(more) = fewest(circuit, most, marks, limit - 1)
            {
                best = Some(more + 1);
            }
            marks[wire] = false;
        }
        best
    }

    /// A path of `most + 1` ANDs without a refresh: the wires before the last.
    fn too_long(circuit: &Circuit, most: u8, marks: &[bool]) -> Option<Vec<usize>> {
        let mut from: Vec<(u8, Option<usize>)> = Vec::new();
        for gate in &circuit.gates {
            let seen = |wire: usize| if marks[wire] { 0 } else { from[wire].0 };
            let below = gate.operands().map(ffhec_circuit::Wire::index).max_by_key(|&wire| seen(wire));
            let level = below.map_or(0, seen) + u8::from(matches!(gate, Gate::And(..)));
            if level > most {
                let mut path = Vec::new();
                let mut at = below;
                while let Some(wire) = at.filter(|&wire| seen(wire) > 0) {
                    path.push(wire);
                    at = from[wire].1;
                }
                return Some(path);
            }
            from.push((level, below));
        }
        None
    }

    const TEST: Effort = Effort { program: 3_000_000, search: 3_000_000 };

    #[test]
    fn choices_are_enough_and_hardly_ever_more_than_the_fewest() {
        let (mut equal, mut all) = (0, 0);
        for seed in 0..1200 {
            let mut random = Random::new(seed);
            let shape = Shape {
                inputs: 3 + random.below(3),
                gates: 10 + random.below(30),
                window: 3 + random.below(10),
                xors: random.below(6),
                outputs: 1 + random.below(3),
            };
            let circuit = simplify(remove_dead(random_circuit(seed, shape)));
            let most = 2 + u8::try_from(random.below(3)).unwrap();
            let Chosen { marks, lower_bound } = choose(&circuit, &Readers::of(&circuit), most, TEST);
            assert!(longest(&circuit, &marks) <= u32::from(most), "seed {seed}");
            let count = marks.iter().filter(|&&mark| mark).count();
            let best = fewest(&circuit, most, &mut vec![false; circuit.gates.len()], count).unwrap();
            assert!(lower_bound <= best && best <= count, "seed {seed}: {lower_bound} {best} {count}");
            all += usize::from(best > 0);
            equal += usize::from(best > 0 && best == count);
        }
        assert!(all > 90 && 100 * equal >= 98 * all, "{equal} of {all} are optimal");
    }

    #[test]
    fn a_chain_of_carries_takes_one_refresh_for_every_run_of_levels() {
        let circuit = simplify(adder(64));
        for (most, refreshes) in [(2, 31), (3, 21), (4, 15), (8, 7)] {
            let Chosen { marks, lower_bound } = choose(&circuit, &Readers::of(&circuit), most, TEST);
            let count = marks.iter().filter(|&&mark| mark).count();
            assert_eq!((count, lower_bound), (refreshes, refreshes), "{most} levels");
        }
    }

    #[test]
    fn triangles_need_two_refreshes_each() {
        // The linear program of paths alone refreshes half of each of three wires.
        let mut gates = String::new();
        let (mut outputs, wires) = (String::new(), 4 * 5);
        for triangle in 0..5 {
            let (input, at) = (4 * triangle, wires + 4 * triangle);
            gates += &format!(
                "%{at} = and %{input} %{}\n%{} = and %{at} %{}\n%{} = and %{at} %{}\n%{} = and %{} %{}\n",
                input + 1,
                at + 1,
                input + 2,
                at + 2,
                at + 1,
                at + 3,
                at + 2,
                input + 3,
            );
            outputs += &format!(" %{}", at + 3);
        }
        let circuit = crate::opt::testing::circuit(wires, &gates, &outputs);
        let Chosen { marks, lower_bound } = choose(&circuit, &Readers::of(&circuit), 2, TEST);
        assert_eq!((marks.iter().filter(|&&mark| mark).count(), lower_bound), (10, 10));
    }

    #[test]
    fn no_single_refresh_serves_a_triple() {
        let chain = multiplier_chain(8, 3);
        let circuits = [simplify(adder(24)), simplify(chain.clone()), crate::opt::optimize(chain)];
        let mut found = 0;
        for (circuit, most) in circuits.iter().flat_map(|circuit| [2, 3, 4].map(|most| (circuit, most))) {
            let mut packing = Packing::new(circuit, most);
            packing.solve(30_000_000);
            for triple in &packing.triples {
                // All other wires are refreshed.
                let mut marks = vec![true; circuit.gates.len()];
                triple.iter().for_each(|&wire| marks[wire as usize] = false);
                for &wire in triple {
                    let is_twice = triple.iter().filter(|&&other| other == wire).count() > 1;
                    marks[wire as usize] = true;
                    assert!(
                        is_twice || longest(circuit, &marks) > u32::from(most),
                        "{most} levels: {triple:?}"
                    );
                    marks[wire as usize] = false;
                }
                found += 1;
            }
        }
        assert!(found > 10, "{found} triples");
    }

    #[test]
    fn what_is_shallow_enough_takes_none() {
        let circuit = simplify(adder(4));
        let Chosen { marks, lower_bound } = choose(&circuit, &Readers::of(&circuit), 4, TEST);
        assert!(!marks.contains(&true) && lower_bound == 0);
    }

    #[test]
    fn multipliers_are_near_their_bound() {
        let circuit = crate::opt::optimize(multiplier_chain(8, 3));
        for most in [2, 3, 4] {
            let Chosen { marks, lower_bound } = choose(&circuit, &Readers::of(&circuit), most, TEST);
            assert!(longest(&circuit, &marks) <= u32::from(most));
            let count = marks.iter().filter(|&&mark| mark).count();
            assert!(100 * count <= 120 * lower_bound, "{most} levels: {count}, at least {lower_bound}");
        }
    }
}
