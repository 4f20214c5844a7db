//! Places refreshes (bootstraps) so that the noise stays within a target's budget.
//!
//! In: a circuit and a [`Target`]. Out: the same function with [`Gate::Refresh`] gates, such that evaluating it on the
//! target gives no refresh input and no output above the budget; or the numbers that show why that cannot be.
//!
//! **The cut.** With one AND level between refreshes, no AND may read a wire that holds an AND's output unrefreshed.
//! Refreshing a wire serves all of its readers, so the fewest refreshes are a minimum vertex cut between AND outputs
//! and AND operands (Paindavoine and Vialla, "Minimizing the number of bootstrappings in fully homomorphic encryption",
//! SAC 2015, where one level is the polynomial case). Products that are no noisier than a refreshed wire, such as those
//! of fresh inputs, count as inputs. Of the many minimum cuts we try the one nearest the products and the one nearest the
//! operands. For targets with room for more levels the minimum is NP-hard to find; there we begin with what [`levels`]
//! chooses for as many levels as have room if both operands of every AND are of the last one, and for one more, too.
//!
//! **Sums.** A cut counts wires, but XOR is free: where operands of products depend on each other, [`sums`] refreshes new
//! sums of the cut's wires, as many as there are independent operands.
//!
//! **Another basis.** Operands may be long sums of what is refreshed. Where that costs refreshes, [`basis`] chooses which
//! independent sums are refreshed such that operands are short, and writes them anew; [`share`] finds what these have in
//! common.
//!
//! **Quiet sums.** Sums of sums in which terms cancel are noisier than they need to be; [`quiet`](super::quiet) writes those anew that
//! would take refreshes of their own, where that is worth the gates.
//!
//! **Repair.** Long sums add noise too. A sweep in gate order refreshes the noisy operands of every gate that would
//! exceed the budget.
//!
//! **Pruning.** Each refresh is dropped if the noise stays within the budget without it. This finds the room that fresh
//! inputs and targets with several levels have.
//!
//! **Local search**, for several levels. As in [`levels`], but with the noise itself: a refresh is added, and those that
//! are not needed for it are dropped.
//!
//! **The lower bound.** If a product has noise at least `t` even with all possible refreshes below it, and an AND's
//! other operand has more than `budget - t` at least, every path between the two needs a refresh. For a fixed `t`,
//! the fewest are again a minimum vertex cut, or for sums the rank of a matrix, for two `t` together. For several levels: if no operand has noise below `m`, then a path through
//! `budget / m` ANDs ends above the budget, and the linear program of [`levels`] over those paths gives a bound.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use ffhec_circuit::{Circuit, Gate, NoiseBits, NoiseRules, Target, Wire};

use super::basis;
use super::cut::Flow;
use super::dead::without_dead;
use super::levels::{self, Chance, Chosen, Effort};
use super::quiet::quieten;
use super::readers::Readers;
use super::share::share;
use super::sums::{self, Combined};

/// A circuit with its refreshes, and how good they are.
#[derive(Clone, Debug, PartialEq)]
pub struct Placement {
    /// The circuit with refresh gates, without dead gates.
    pub circuit: Circuit,
    /// How many refreshes were placed.
    pub refreshes: usize,
    /// No placement has fewer refreshes than this: if equal, the placement is optimal. In circuits of up to 200,000
    /// gates, for targets with room for one AND level, that holds for refreshes of any sums of wires; otherwise of the
    /// wires that there are.
    pub lower_bound: usize,
}

/// Why no placement keeps the noise within the budget.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum PlaceError {
    /// A fresh ciphertext is over the budget.
    #[error(
        "preset `{preset}` cannot read its inputs: a fresh ciphertext has {fresh:.1} bits of noise, but a refresh or \
         a decryption accepts at most {budget:.1}; choose another preset"
    )]
    Fresh {
        /// The preset's name.
        preset: String,
        /// Noise of a fresh ciphertext, in bits.
        fresh: f64,
        /// The most that is accepted, in bits.
        budget: f64,
    },
    /// One gate on wires that are as quiet as they get is over the budget.
    #[error(
        "preset `{preset}` has no room for {gate} (gate {index}, from `{function}`): on operands of {left:.1} and \
         {right:.1} bits of noise, as quiet as refreshes make them, it gives {found:.1} bits, but a refresh or a \
         decryption accepts at most {budget:.1}; choose another preset"
    )]
    NoRoom {
        /// The preset's name.
        preset: String,
        /// What the gate is.
        gate: &'static str,
        /// Its number.
        index: usize,
        /// The source function it comes from.
        function: String,
        /// Noise of the operands, in bits.
        left: f64,
        /// Noise of the second operand, in bits.
        right: f64,
        /// Noise of the result, in bits.
        found: f64,
        /// The most that is accepted, in bits.
        budget: f64,
    },
}

/// `circuit` with refreshes placed for `target`. See [`place`] for how good the placement is.
///
/// # Errors
/// If no placement keeps the noise within the target's budget.
pub fn place_refreshes(circuit: &Circuit, target: &Target) -> Result<Circuit, PlaceError> {
    place(circuit, target).map(|placement| placement.circuit)
}

/// Like [`place_refreshes`], with the figures.
///
/// # Errors
/// If no placement keeps the noise within the target's budget.
pub fn place(circuit: &Circuit, target: &Target) -> Result<Placement, PlaceError> {
    if target.fresh > target.budget && circuit.input_bits() > 0 {
        let (fresh, budget) = (target.fresh.0, target.budget.0);
        return Err(PlaceError::Fresh { preset: target.preset.clone(), fresh, budget });
    }
    let circuit = without_dead(circuit);
    let problem = Problem::new(&circuit, target);
    let Starts { marks, combined, lower_bound } = problem.starts();
    let starts = if problem.combines() { marks.clone() } else { Vec::new() };
    let Marked { marks, refreshes, .. } = problem.best_of(marks, lower_bound)?;
    let placed = insert(&circuit, &marks, refreshes);
    let mut placement = Placement { circuit: placed, refreshes, lower_bound };
    for next in &combined {
        placement.improve(next, target, |_, _| true);
    }
    let is_worth = |refreshes: usize, sums: usize| {
        refreshes as f64 * target.costs.refresh_ns >= WORTH * sums as f64 * target.costs.xor_ns
    };
    if placement.has_to_gain()
        && let Some(next) = problem.rebased()
    {
        placement.improve(&next, target, is_worth);
    }
    if placement.has_to_gain() {
        let old = starts.iter().map(|marks| (&*circuit, marks));
        let new = combined.iter().map(|Combined { circuit, marks }| (circuit, marks));
        for next in old.chain(new).filter_map(|(circuit, marks)| quieten(circuit, marks, target)) {
            placement.improve(&next, target, is_worth);
        }
    }
    let Placement { refreshes, lower_bound, .. } = placement;
    debug_assert!(lower_bound <= refreshes, "the lower bound {lower_bound} holds for {refreshes} refreshes");
    Ok(placement)
}

/// What refreshes that quiet sums save must be worth, in the additions that they take: these also keep their terms alive.
const WORTH: f64 = 8.0;

/// One refresh in so many more than the lower bound is not worth another basis.
const LEAST_TO_GAIN: usize = 200;

impl Placement {
    /// Whether other sums might save more than a few refreshes.
    fn has_to_gain(&self) -> bool {
        self.refreshes - self.lower_bound.min(self.refreshes) > self.lower_bound / LEAST_TO_GAIN
    }

    /// Takes another circuit with marked wires, if that has fewer refreshes, and `is_worth` says so of how many fewer and
    /// how many more sums it has.
    fn improve(
        &mut self,
        Combined { circuit, marks }: &Combined,
        target: &Target,
        is_worth: impl Fn(usize, usize) -> bool,
    ) {
        let problem = Problem::new(circuit, target);
        let Ok(next) = problem.complete(marks.clone(), 0) else { return };
        if next.refreshes >= self.refreshes {
            return;
        }
        let placed = shared(insert(circuit, &next.marks, next.refreshes), target);
        let sums = placed.counts().xor.saturating_sub(self.circuit.counts().xor);
        if is_worth(self.refreshes - next.refreshes, sums) {
            // Where terms of the old sums cancel, the new gates are quieter than the old ones can be.
            self.lower_bound = problem.lower_bound_of_sums(&problem.noisy()).unwrap_or(0);
            self.refreshes = placed.counts().refresh;
            self.circuit = placed;
        }
    }
}

/// `placed` with common parts of its sums added once, if that keeps the noise within the budget, and the other gates, of
/// which the lower bound speaks.
fn shared(placed: Circuit, target: &Target) -> Circuit {
    let next = share(placed.clone());
    let (before, after) = (placed.counts(), next.counts());
    let noise = propagate(&next, &NoiseRules::new(target), NoiseBits(f64::INFINITY));
    let is_quiet = noise.iter().all(|&noise| noise <= target.budget);
    let is_same = (before.and, before.refresh) == (after.and, after.refresh);
    if is_quiet && is_same { next } else { placed }
}

/// `circuit` with the fewest refreshes that we find such that no path runs through more than `levels` ANDs (at least
/// one) without one, and sums cost nothing: the rule of schemes that count levels, and of the literature. Exact for one
/// level.
pub fn place_by_levels(circuit: &Circuit, levels: u8) -> Placement {
    let circuit = without_dead(circuit);
    let readers = Readers::of(&circuit);
    let Chosen { marks, lower_bound } = if levels <= 1 {
        let source = circuit.gates.iter().map(|gate| matches!(gate, Gate::And(..))).collect();
        let mut flow = Flow::new(&circuit, &readers);
        let lower_bound = flow.solve(source, operands(&circuit));
        Chosen { marks: flow.early_cut(), lower_bound }
    } else {
        levels::choose(&circuit, &readers, levels, Effort::LONG)
    };
    let refreshes = marks.iter().filter(|&&mark| mark).count();
    Placement { circuit: insert(&circuit, &marks, refreshes), refreshes, lower_bound }
}

/// Where completing placements begins.
struct Starts {
    /// Which wires are refreshed; one set at least.
    marks: Vec<Vec<bool>>,
    /// The same over new sums of wires, which are fewer.
    combined: Vec<Combined>,
    /// A number of refreshes that every placement needs.
    lower_bound: usize,
}

/// One placement: which wires are refreshed.
struct Marked {
    marks: Vec<bool>,
    /// How many.
    refreshes: usize,
    /// The most refreshes on any path.
    depth: u32,
    /// The largest noise before a refresh, in bits, or that after one if it is larger.
    loudest: f64,
}

impl Marked {
    /// What is made smaller: refreshes, refreshes in a row, the largest noise (as an ordered number).
    fn rank(&self) -> (usize, u32, i64) {
        (self.refreshes, self.depth, (self.loudest * 1024.0) as i64)
    }
}

/// A circuit without dead gates, and the target: every wire must stay within the budget, because each is part of an
/// output or of a refresh input, and noise only grows on the way.
struct Problem<'a> {
    circuit: &'a Circuit,
    target: &'a Target,
    readers: Readers,
    rules: NoiseRules<'a>,
    /// The least noise of each wire over all placements, before its own refresh.
    floor: Vec<NoiseBits>,
}

impl<'a> Problem<'a> {
    fn new(circuit: &'a Circuit, target: &'a Target) -> Self {
        let rules = NoiseRules::new(target);
        let floor = propagate(circuit, &rules, target.refreshed);
        Problem { circuit, target, readers: Readers::of(circuit), rules, floor }
    }

    /// The cuts with the fewest refreshes at one AND level between them, perhaps no refreshes, and the lower bound.
    fn starts(&self) -> Starts {
        let source = self.noisy();
        let sink = operands(self.circuit);
        let mut flow = Flow::new(self.circuit, &self.readers);
        let size = flow.solve(source.clone(), sink);
        let mut marks = vec![flow.late_cut()];
        if self.circuit.gates.len() <= TWO_CUTS {
            let early = flow.early_cut();
            if early != marks[0] {
                marks.insert(0, early);
            }
        }
        if 4.0 * self.target.refreshed.0 <= self.target.budget.0 {
            marks.push(vec![false; self.circuit.gates.len()]);
        }
        let of_sums = if self.combines() { self.lower_bound_of_sums(&source) } else { None };
        let mut combined = Vec::new();
        let mut lower_bound = size;
        if let Some(bound) = of_sums {
            combined.extend(marks.iter().filter_map(|marks| sums::combine(self.circuit, marks)));
            lower_bound = bound;
        } else if !self.all_conflict(&source) {
            lower_bound = self.lower_bound_of_wires(&source, &mut flow);
        }
        if self.room() > 1 {
            for levels in [self.room(), self.room() + 1] {
                let effort = Effort::quick(self.circuit);
                marks.push(levels::choose(self.circuit, &self.readers, levels, effort).marks);
            }
            lower_bound = lower_bound.max(self.lower_bound_of_paths());
        }
        Starts { marks, combined, lower_bound }
    }

    /// The completion of one of `starts` that has the fewest refreshes.
    fn best_of(&self, starts: Vec<Vec<bool>>, lower_bound: usize) -> Result<Marked, PlaceError> {
        let mut best: Option<Marked> = None;
        for next in starts.into_iter().map(|marks| self.complete(marks, lower_bound)) {
            let next = next?;
            if best.as_ref().is_none_or(|best| next.rank() < best.rank()) {
                best = Some(next);
            }
        }
        let best = best.expect("one cut at least");
        if self.room() > 1 && best.refreshes > lower_bound {
            Ok(self.search(best, lower_bound))
        } else {
            Ok(best)
        }
    }

    /// Whether sums that are no wires yet are refreshed too.
    fn combines(&self) -> bool {
        self.room() <= 1 && self.circuit.gates.len() <= sums::MOST_GATES
    }

    /// A number of refreshes that every placement over any sums of wires needs, unless that takes too long to find.
    ///
    /// Let `S` be the noisy wires, and `A` those of them that are too noisy for the quietest operand; let `O` be all
    /// operands, and `P` those that have no room for any wire of `S`. The refreshed sums, as vectors over `S`, span `P`;
    /// and reduced to `A`, they span `O`. So their rank is at least that of `O` over `A`, and, among those that vanish
    /// over `A`, that of the sums of `P` that do: its rank over `S` less its rank over `A`.
    fn lower_bound_of_sums(&self, source: &[bool]) -> Option<usize> {
        let rank = |source: &[bool], sink: &[bool]| basis::rank(self.circuit, &self.readers, source, sink);
        let all = operands(self.circuit);
        if self.all_conflict(source) {
            return rank(source, &all);
        }
        let quietest = products(self.circuit).map(|(a, b)| self.least(a).min(self.least(b)));
        let quietest = quietest.fold(f64::INFINITY, f64::min);
        let few = self.without_room(self.least_source(source));
        let loud = |threshold: f64| -> Vec<bool> {
            source.iter().zip(&self.floor).map(|(&noisy, noise)| noisy && noise.0 > threshold).collect()
        };
        let too_loud = loud(self.target.budget.0 - quietest);
        let bound = rank(source, &few)? + rank(&too_loud, &all)? - rank(&too_loud, &few)?;
        let products = 2.0 * self.target.refreshed.0;
        Some(bound.max(rank(&loud(products.next_down()), &self.without_room(products))?))
    }

    /// Whether each wire is an operand that has no room for a term with so much noise.
    fn without_room(&self, noise: f64) -> Vec<bool> {
        let mut sink = vec![false; self.circuit.gates.len()];
        for (a, b) in products(self.circuit) {
            for (operand, other) in [(a, b), (b, a)] {
                sink[operand.index()] |= noise + self.least(other) > self.target.budget.0;
            }
        }
        sink
    }

    /// The circuit over another basis of refreshed sums, over which operands are short.
    fn rebased(&self) -> Option<Combined> {
        if !self.combines() {
            return None;
        }
        // One bit for what is added to the product.
        let room = self.target.budget.0 - 2.0 * self.target.refreshed.0 - 1.0;
        let most = 1_u64 << room.clamp(0.0, MOST_ROOM) as u32;
        basis::rebased(self.circuit, &self.readers, &self.noisy(), most)
    }

    /// How many AND levels a refreshed wire has room for, without sums; up to [`MOST_LEVELS`].
    fn room(&self) -> u8 {
        let mut noise = self.target.refreshed.0;
        let fits = std::iter::from_fn(|| {
            noise *= 2.0;
            Some(noise <= self.target.budget.0)
        });
        fits.take(usize::from(MOST_LEVELS)).take_while(|&fits| fits).map(|_| 1).sum()
    }

    /// A number of refreshes that every placement needs, by the ANDs on paths.
    fn lower_bound_of_paths(&self) -> usize {
        let operands = products(self.circuit).flat_map(|(a, b)| [self.least(a), self.least(b)]);
        let quietest = operands.fold(f64::INFINITY, f64::min);
        // The first AND of a path has noise 2 m, and every further one m more.
        let most = (self.target.budget.0 / quietest).floor() - 1.0;
        let has_bound = (1.0..=f64::from(LONGEST_PATH)).contains(&most);
        if has_bound { levels::lower_bound(self.circuit, most as u8, Effort::quick(self.circuit)) } else { 0 }
    }

    /// Whether each wire is an AND output or an input that may be noisier than a refreshed wire.
    fn noisy(&self) -> Vec<bool> {
        let (target, refreshed) = (self.target, self.target.refreshed);
        // Not refreshing at all doubles the noise with every AND; any figure above the budget serves as well.
        let ceiling = NoiseBits(2.0 * target.budget.0.max(refreshed.0));
        let plain = propagate(self.circuit, &self.rules, ceiling);
        let fresh_is_noisy =
            target.fresh > refreshed && target.fresh.0 + target.fresh.0.min(refreshed.0) > target.budget.0;
        let noisy = self.circuit.gates.iter().zip(&plain).map(|(gate, noise)| match gate {
            Gate::And(..) => *noise > refreshed,
            Gate::Input(_) => fresh_is_noisy,
            Gate::Constant(_) | Gate::Not(_) | Gate::Xor(..) | Gate::Refresh(_) => false,
        });
        noisy.collect()
    }

    /// The least noise of the products and inputs for which `source` holds.
    fn least_source(&self, source: &[bool]) -> f64 {
        let sources = (0..source.len()).filter(|&wire| source[wire]);
        sources.map(|wire| self.floor[wire].0).fold(f64::INFINITY, f64::min)
    }

    /// Whether no AND may read any product for which `source` holds unrefreshed.
    fn all_conflict(&self, source: &[bool]) -> bool {
        let least = self.least_source(source);
        products(self.circuit).all(|(a, b)| least + self.least(a).min(self.least(b)) > self.target.budget.0)
    }

    /// A number of refreshes that every placement of refreshes of wires needs.
    fn lower_bound_of_wires(&self, source: &[bool], flow: &mut Flow<'_>) -> usize {
        // The lower bound for products of noise at least `threshold`.
        let mut conflicts = |threshold: f64| {
            let source =
                source.iter().zip(&self.floor).map(|(&is_source, noise)| is_source && noise.0 >= threshold);
            flow.solve(source.collect(), self.without_room(threshold))
        };
        conflicts(self.least_source(source)).max(conflicts(2.0 * self.target.refreshed.0))
    }

    /// The least noise that readers of `wire` see over all placements.
    fn least(&self, wire: Wire) -> f64 {
        quieter(self.floor[wire.index()], self.target.refreshed).0
    }

    /// The placement that begins with `marks`. Refreshes are dropped only while there are more than `bound`.
    fn complete(&self, mut marks: Vec<bool>, bound: usize) -> Result<Marked, PlaceError> {
        let mut noise = self.repair(&mut marks)?;
        if marks.iter().filter(|&&mark| mark).count() > bound {
            noise = self.prune(&mut marks, noise);
        }
        Ok(self.marked(marks, &noise))
    }

    /// `marks` with their figures; `noise` is that of each wire before its own refresh.
    fn marked(&self, marks: Vec<bool>, noise: &[NoiseBits]) -> Marked {
        let loudest = noise.iter().map(|noise| noise.0).fold(self.target.refreshed.0, f64::max);
        let refreshes = marks.iter().filter(|&&mark| mark).count();
        let depth = refresh_depth(self.circuit, &marks);
        Marked { marks, refreshes, depth, loudest }
    }

    /// Adds refreshes, in gate order, until no wire is over the budget. The noise of each wire before its own refresh.
    fn repair(&self, marks: &mut [bool]) -> Result<Vec<NoiseBits>, PlaceError> {
        let mut noise: Vec<NoiseBits> = Vec::with_capacity(marks.len());
        let mut repaired = false;
        for (index, gate) in self.circuit.gates.iter().enumerate() {
            let mut own = self.rules.noise_of(*gate, |wire| self.seen(wire, marks, &noise));
            if own > self.target.budget {
                for wire in gate.operands() {
                    if self.seen(wire, marks, &noise).0 > self.loud(*gate) {
                        marks[wire.index()] = true;
                        repaired = true;
                    }
                }
                own = self.rules.noise_of(*gate, |wire| self.seen(wire, marks, &noise));
            }
            if own > self.target.budget {
                return Err(self.no_room(index, own, marks, &noise));
            }
            noise.push(own);
        }
        // A refresh that was added late is seen by the gates before, too.
        Ok(if repaired { self.noise_with(marks) } else { noise })
    }

    /// The noise of each wire before its own refresh.
    fn noise_with(&self, marks: &[bool]) -> Vec<NoiseBits> {
        let mut noise: Vec<NoiseBits> = Vec::with_capacity(marks.len());
        for gate in &self.circuit.gates {
            noise.push(self.rules.noise_of(*gate, |wire| self.seen(wire, marks, &noise)));
        }
        noise
    }

    /// The noise from which on the operands of a gate over the budget are refreshed: half of what the gate can take,
    /// so that a gate with quieter operands is within the budget. Refreshing the noisier one only would leave as much
    /// noise on its sibling, and the next gate over the budget too; pruning drops what was too much.
    fn loud(&self, gate: Gate) -> f64 {
        let (budget, refreshed) = (self.target.budget.0, self.target.refreshed.0);
        match gate {
            Gate::And(..) => refreshed.max(budget / 2.0),
            Gate::Xor(..) | Gate::Not(_) => refreshed.max(f64::midpoint(refreshed, budget).min(budget - 1.0)),
            Gate::Constant(_) | Gate::Input(_) | Gate::Refresh(_) => budget,
        }
    }

    fn no_room(&self, index: usize, found: NoiseBits, marks: &[bool], noise: &[NoiseBits]) -> PlaceError {
        let gate = self.circuit.gates[index];
        let mut operands = gate.operands().map(|wire| self.seen(wire, marks, noise).0);
        let left = operands.next().unwrap_or(0.0);
        let function = self.circuit.functions.get(self.circuit.origins[index] as usize);
        PlaceError::NoRoom {
            preset: self.target.preset.clone(),
            gate: match gate {
                Gate::And(..) => "one AND",
                Gate::Xor(..) => "one XOR",
                Gate::Not(_) => "one complement",
                Gate::Refresh(_) => "a refreshed ciphertext",
                Gate::Constant(_) | Gate::Input(_) => "an input",
            },
            index,
            function: function.cloned().unwrap_or_default(),
            left,
            right: operands.next().unwrap_or(0.0),
            found: found.0,
            budget: self.target.budget.0,
        }
    }

    /// The noise that readers of `wire` see, where `noise` is that before its own refresh.
    #[inline]
    fn seen(&self, wire: Wire, marks: &[bool], noise: &[NoiseBits]) -> NoiseBits {
        if marks[wire.index()] { self.target.refreshed } else { noise[wire.index()] }
    }

    /// A placement with perhaps fewer refreshes, but not below `bound`.
    fn search(&self, from: Marked, bound: usize) -> Marked {
        let mut marks = from.marks.clone();
        let noise = self.noise_with(&marks);
        let mut wires: Vec<usize> = (0..marks.len())
            .filter(|&wire| matches!(self.circuit.gates[wire], Gate::Xor(..) | Gate::And(..)))
            .collect();
        let (mut chance, mut idle, mut fewest, mut best) = (Chance::new(), 0, from.refreshes, from.marks);
        let mut pruning = Pruning::new(self, &mut marks, noise);
        pruning.forget_meets();
        let mut count = fewest;
        let most_drops = (SEARCH_DROPS + DROPS_PER_GATE * wires.len()) as u64;
        while idle < IDLE_PASSES && fewest > bound && pruning.drops < most_drops {
            idle += 1;
            chance.shuffle(&mut wires);
            for &wire in &wires {
                if pruning.drops >= most_drops {
                    break;
                }
                if pruning.marks[wire] || pruning.noise[wire].0 <= self.target.refreshed.0 {
                    continue;
                }
                count = pruning.step(wire, count, &mut chance);
                if count < fewest {
                    (fewest, idle) = (count, 0);
                    best.copy_from_slice(pruning.marks);
                }
            }
        }
        let noise = self.noise_with(&best);
        self.marked(best, &noise)
    }

    /// Drops every refresh that is not needed, in gate order. Takes and returns the noise of each wire before its own
    /// refresh.
    fn prune(&self, marks: &mut [bool], noise: Vec<NoiseBits>) -> Vec<NoiseBits> {
        let mut pruning = Pruning::new(self, marks, noise);
        for wire in 0..self.circuit.gates.len() {
            if pruning.marks[wire] {
                pruning.try_drop(wire);
            }
        }
        pruning.noise
    }
}

/// The most gates of circuits that are completed from both extreme cuts; larger ones from that nearest the operands, where
/// fewer sums are over the budget.
const TWO_CUTS: usize = 1_000_000;

/// Bits of room for sums of which the operands of a product make use, at most.
const MOST_ROOM: f64 = 40.0;

/// Levels of which placements with several levels make use, at most.
const MOST_LEVELS: u8 = 8;

/// ANDs on paths that the lower bound looks at, at most.
const LONGEST_PATH: u8 = 32;

/// Attempts to drop a refresh during the local search, at most and as many a gate, and passes without a gain.
const SEARCH_DROPS: usize = 20_000;
const DROPS_PER_GATE: usize = 1;
const IDLE_PASSES: usize = 30;

/// How many gates one attempt to drop a refresh may look at: keeps pruning near-linear.
const PRUNE_LIMIT: usize = 400;

/// How many wires below an added refresh are searched for refreshes to drop.
const NEARBY: usize = 100;

/// A term this many bits below a sum still changes it by far more than sums are rounded.
const VISIBLE: f64 = 20.0;

struct Pruning<'a> {
    problem: &'a Problem<'a>,
    marks: &'a mut [bool],
    /// Noise of each wire before its own refresh.
    noise: Vec<NoiseBits>,
    /// Of the products that unrefreshed sums lead to from each wire, the largest noise, at least, of the operand that
    /// it meets there, whatever is refreshed. A sum is at least as noisy as its terms, and pruning refreshes no more
    /// sums, so that the noise of a wire reaches these products.
    meets: Vec<f64>,
    /// The number of the present glance, and of the last one that met each wire.
    glance: u32,
    glanced: Vec<u32>,
    /// The wires that the glance has still to look above.
    above: Vec<usize>,
    /// The readers still to look at.
    open: BinaryHeap<Reverse<u32>>,
    /// What to put back if the attempt fails: wires and their noise.
    undo: Vec<(usize, NoiseBits)>,
    /// How many attempts there were.
    drops: u64,
}

impl<'a> Pruning<'a> {
    fn new(problem: &'a Problem<'a>, marks: &'a mut [bool], noise: Vec<NoiseBits>) -> Self {
        let meets = Self::meets(problem, marks);
        Pruning {
            problem,
            meets,
            noise,
            glance: 0,
            glanced: vec![0; marks.len()],
            above: Vec::new(),
            open: BinaryHeap::new(),
            undo: Vec::new(),
            drops: 0,
            marks,
        }
    }

    /// From here on sums may be refreshed too, and what was known of the products above wires does not hold.
    fn forget_meets(&mut self) {
        self.meets.fill(f64::NEG_INFINITY);
    }

    /// Refreshes `wire`, drops what is not needed for it nearby, and takes that back unless more are dropped, or as many
    /// and chance says so. Takes and returns the number of refreshes.
    fn step(&mut self, wire: usize, count: usize, chance: &mut Chance) -> usize {
        let mut nearby = self.add(wire);
        self.refreshed_below(wire, &mut nearby);
        if nearby.len() > 1 {
            let turn = chance.below(nearby.len());
            nearby.rotate_left(turn);
        }
        let mut dropped = Vec::new();
        for other in nearby {
            if other != wire && self.marks[other] {
                self.try_drop(other);
                if !self.marks[other] {
                    dropped.push(other);
                }
            }
        }
        if dropped.len() > 1 || (dropped.len() == 1 && chance.below(2) == 0) {
            return count + 1 - dropped.len();
        }
        for other in dropped {
            self.add(other);
        }
        self.try_drop(wire);
        count + usize::from(self.marks[wire])
    }

    /// Refreshes `wire`. The refreshed wires above, whose noise became less.
    fn add(&mut self, wire: usize) -> Vec<usize> {
        self.marks[wire] = true;
        self.open.clear();
        self.undo.clear();
        self.open_readers(wire);
        // Less noise always fits. Beyond the limit, wires keep their higher figures, which are bounds all the same.
        self.spread();
        self.undo.iter().map(|(wire, _)| *wire).filter(|&wire| self.marks[wire]).collect()
    }

    /// Adds the nearest refreshed wires below `wire`.
    fn refreshed_below(&mut self, wire: usize, found: &mut Vec<usize>) {
        self.glance += 1;
        self.above.clear();
        self.above.push(wire);
        let mut looked_at = 0;
        while let Some(wire) = self.above.pop() {
            for operand in self.problem.circuit.gates[wire].operands().map(|wire| wire.index()) {
                looked_at += 1;
                if self.glanced[operand] == self.glance || looked_at > NEARBY {
                    continue;
                }
                self.glanced[operand] = self.glance;
                if self.marks[operand] { found.push(operand) } else { self.above.push(operand) }
            }
        }
    }

    fn meets(problem: &Problem<'_>, marks: &[bool]) -> Vec<f64> {
        let mut meets = vec![f64::NEG_INFINITY; marks.len()];
        for (index, gate) in problem.circuit.gates.iter().enumerate().rev() {
            let above = meets[index];
            let mut raise = |wire: Wire, noise: f64| meets[wire.index()] = meets[wire.index()].max(noise);
            match *gate {
                Gate::And(a, b) => {
                    raise(a, problem.least(b));
                    raise(b, problem.least(a));
                }
                Gate::Xor(..) | Gate::Not(_) if !marks[index] => {
                    gate.operands().for_each(|wire| raise(wire, above));
                }
                Gate::Constant(_) | Gate::Input(_) | Gate::Not(_) | Gate::Xor(..) | Gate::Refresh(_) => {}
            }
        }
        meets
    }

    fn try_drop(&mut self, wire: usize) {
        self.drops += 1;
        if self.is_hopeless(wire) {
            return;
        }
        self.open.clear();
        self.undo.clear();
        self.marks[wire] = false;
        if self.noise[wire] != self.problem.target.refreshed {
            self.open_readers(wire);
        }
        if !self.spread() {
            self.marks[wire] = true;
            while let Some((wire, noise)) = self.undo.pop() {
                self.noise[wire] = noise;
            }
        }
    }

    /// Whether [`Pruning::spread`] would fail, as far as a look at the gates above shows without computing any noise.
    ///
    /// Sums add magnitudes, so that through unrefreshed sums the noise of `wire` is added to that of every wire it leads
    /// to. Where that shows, their readers are to be looked at, and a product with an operand that leaves no room for
    /// `wire` is over the budget. (Dropping a refresh only raises noise, because refreshes stand where there is more
    /// noise than after them; where they do not, this says nothing.)
    fn is_hopeless(&mut self, wire: usize) -> bool {
        let Problem { circuit, target, ref readers, .. } = *self.problem;
        let noise = self.noise[wire].0;
        if noise < target.refreshed.0 + 1.0 {
            return false;
        }
        if noise + self.meets[wire] > target.budget.0 {
            return true;
        }
        let mut looked_at = 0;
        self.glance += 1;
        self.above.clear();
        self.above.push(wire);
        while let Some(wire) = self.above.pop() {
            let readers = readers.of_wire(wire);
            looked_at += readers.len();
            if looked_at > PRUNE_LIMIT {
                return true;
            }
            for reader in readers.iter().map(|&reader| reader as usize) {
                let margin = match circuit.gates[reader] {
                    Gate::And(a, b) => {
                        let other = if a.index() == wire { b } else { a };
                        if noise + self.problem.seen(other, self.marks, &self.noise).0 > target.budget.0 {
                            return true;
                        }
                        -1.0
                    }
                    Gate::Constant(_) | Gate::Input(_) | Gate::Not(_) | Gate::Xor(..) | Gate::Refresh(_) => {
                        VISIBLE
                    }
                };
                let changes = !self.marks[reader] && self.noise[reader].0 < noise + margin;
                if changes && self.glanced[reader] != self.glance {
                    self.glanced[reader] = self.glance;
                    self.above.push(reader);
                }
            }
        }
        false
    }

    /// Updates all wires above those that changed. Whether they stay within the budget.
    fn spread(&mut self) -> bool {
        let mut looked_at = 0;
        while let Some(Reverse(reader)) = self.open.pop() {
            let reader = reader as usize;
            let gate = self.problem.circuit.gates[reader];
            let seen = |wire| self.problem.seen(wire, self.marks, &self.noise);
            let noise = self.problem.rules.noise_of(gate, seen);
            looked_at += 1;
            if noise > self.problem.target.budget || looked_at > PRUNE_LIMIT {
                return false;
            }
            if noise != self.noise[reader] {
                self.undo.push((reader, self.noise[reader]));
                self.noise[reader] = noise;
                if !self.marks[reader] {
                    self.open_readers(reader);
                }
            }
        }
        true
    }

    fn open_readers(&mut self, wire: usize) {
        self.open.extend(self.problem.readers.of_wire(wire).iter().map(|&reader| Reverse(reader)));
    }
}

fn products(circuit: &Circuit) -> impl Iterator<Item = (Wire, Wire)> {
    circuit.gates.iter().filter_map(|gate| match *gate {
        Gate::And(a, b) => Some((a, b)),
        Gate::Constant(_) | Gate::Input(_) | Gate::Not(_) | Gate::Xor(..) | Gate::Refresh(_) => None,
    })
}

/// Whether each wire is an operand of an AND.
fn operands(circuit: &Circuit) -> Vec<bool> {
    let mut is_operand = vec![false; circuit.gates.len()];
    for (a, b) in products(circuit) {
        (is_operand[a.index()], is_operand[b.index()]) = (true, true);
    }
    is_operand
}

fn quieter(a: NoiseBits, b: NoiseBits) -> NoiseBits {
    if b < a { b } else { a }
}

/// The noise of each wire if its readers see it as `most` at most.
fn propagate(circuit: &Circuit, rules: &NoiseRules<'_>, most: NoiseBits) -> Vec<NoiseBits> {
    let mut noise: Vec<NoiseBits> = Vec::with_capacity(circuit.gates.len());
    for gate in &circuit.gates {
        noise.push(rules.noise_of(*gate, |wire| quieter(noise[wire.index()], most)));
    }
    noise
}

fn refresh_depth(circuit: &Circuit, marks: &[bool]) -> u32 {
    let mut depth: Vec<u32> = Vec::with_capacity(marks.len());
    for (gate, mark) in circuit.gates.iter().zip(marks) {
        let below = gate.operands().map(|wire| depth[wire.index()]).max().unwrap_or(0);
        depth.push(below + u32::from(*mark) + u32::from(matches!(gate, Gate::Refresh(_))));
    }
    depth.into_iter().max().unwrap_or(0)
}

/// `circuit` with a refresh after every marked wire, read in its place by all readers.
fn insert(circuit: &Circuit, marks: &[bool], refreshes: usize) -> Circuit {
    let mut placed = circuit.emptied(circuit.gates.len() + refreshes);
    let mut new: Vec<Wire> = Vec::with_capacity(circuit.gates.len());
    for (index, gate) in circuit.gates.iter().enumerate() {
        let mut push = |gate| {
            placed.gates.push(gate);
            placed.origins.push(circuit.origins[index]);
            Wire::new(placed.gates.len() - 1)
        };
        let mut wire = push(gate.map(|wire| new[wire.index()]));
        if marks[index] {
            wire = push(Gate::Refresh(wire));
        }
        new.push(wire);
    }
    placed.output_wires = circuit.output_wires.iter().map(|wire| new[wire.index()]).collect();
    placed
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::opt::remove_dead;
    use crate::opt::testing::{
        Random, Shape, adder, assert_same, check, circuit, circuits, is_within_budget, multiplier_chain,
        random_circuit, target,
    };

    /// The fewest refreshes by trying all sets of wires, the smallest first; `None` if there are more than `most`.
    fn fewest(circuit: &Circuit, target: &Target, most: usize) -> Option<usize> {
        let wires: Vec<usize> = (0..circuit.gates.len())
            .filter(|&wire| !matches!(circuit.gates[wire], Gate::Constant(_)))
            .collect();
        (0..=most).find(|&size| {
            let mut chosen: Vec<usize> = (0..size).collect();
            loop {
                let mut marks = vec![false; circuit.gates.len()];
                chosen.iter().for_each(|&at| marks[wires[at]] = true);
                if is_within_budget(&insert(circuit, &marks, size), target) {
                    return true;
                }
                if !next_subset(&mut chosen, wires.len()) {
                    return false;
                }
            }
        })
    }

    fn next_subset(chosen: &mut [usize], of: usize) -> bool {
        let size = chosen.len();
        let Some(at) = (0..size).rev().find(|&at| chosen[at] + (size - at) < of) else { return false };
        chosen[at] += 1;
        for later in at + 1..size {
            chosen[later] = chosen[later - 1] + 1;
        }
        true
    }

    fn tiny(seed: u64) -> Circuit {
        let mut random = Random::new(seed);
        let shape = Shape {
            inputs: 3 + random.below(3),
            gates: 5 + random.below(14),
            window: 3 + random.below(10),
            xors: random.below(7),
            outputs: 1 + random.below(3),
        };
        remove_dead(random_circuit(seed, shape))
    }

    #[test]
    fn one_level_placements_are_as_small_as_any() {
        let target = target(250.0, 100.0, 100.0);
        let mut nontrivial = 0;
        for seed in 0..5000 {
            // Products with constants or of a wire with itself are for the builder to remove, not for the cut.
            let circuit = crate::opt::simplify(tiny(seed));
            let placement = place(&circuit, &target).unwrap();
            assert!(is_within_budget(&placement.circuit, &target), "seed {seed}");
            assert_eq!(placement.refreshes, placement.lower_bound, "seed {seed}");
            assert_eq!(placement.refreshes, placement.circuit.counts().refresh);
            if placement.refreshes > 0 {
                nontrivial += 1;
                assert_eq!(fewest(&circuit, &target, placement.refreshes - 1), None, "seed {seed}");
            }
        }
        assert!(nontrivial > 800, "{nontrivial}");
    }

    #[test]
    fn the_lower_bound_holds_where_the_cut_is_not_exact() {
        let (mut equal, mut all) = (0, 0);
        for (budget, fresh, refreshed) in
            [(250.0, 20.0, 100.0), (420.0, 100.0, 100.0), (130.0, 120.0, 50.0), (210.0, 4.0, 60.0)]
        {
            let target = target(budget, fresh, refreshed);
            for seed in 0..400 {
                let circuit = crate::opt::simplify(tiny(seed));
                let placement = place(&circuit, &target).unwrap();
                assert!(is_within_budget(&placement.circuit, &target), "seed {seed}");
                // New sums may take fewer than any wires.
                let best = fewest(&circuit, &target, placement.refreshes + 2).unwrap();
                assert!(placement.lower_bound <= best, "seed {seed}");
                all += usize::from(best > 0);
                equal += usize::from(best > 0 && placement.refreshes <= best);
            }
        }
        assert!(100 * equal >= 95 * all, "{equal} of {all} are optimal");
    }

    #[test]
    fn larger_circuits_stay_within_the_budget_and_keep_their_function() {
        for target in [target(1030.0, 90.0, 491.0), target(240.0, 20.0, 60.0), target(205.0, 100.0, 100.0)] {
            for circuit in circuits(12) {
                let placement = place(&circuit, &target).unwrap();
                assert_same(&circuit, &placement.circuit);
                assert!(is_within_budget(&placement.circuit, &target));
                assert!(placement.lower_bound <= placement.refreshes);
            }
        }
    }

    #[test]
    fn by_levels_no_path_has_more_ands_without_a_refresh() {
        for levels in 1..=3_u8 {
            for circuit in circuits(2) {
                let placement = place_by_levels(&circuit, levels);
                assert_same(&circuit, &placement.circuit);
                assert_eq!(placement.refreshes, placement.circuit.counts().refresh);
                assert!(placement.lower_bound <= placement.refreshes);
                assert!(levels > 1 || placement.lower_bound == placement.refreshes);
                assert!(most_ands_in_a_row(&placement.circuit) <= u32::from(levels));
            }
        }
    }

    fn most_ands_in_a_row(circuit: &Circuit) -> u32 {
        let mut levels: Vec<u32> = Vec::new();
        let mut most = 0;
        for gate in &circuit.gates {
            let below = gate.operands().map(|wire| levels[wire.index()]).max().unwrap_or(0);
            let level = below + u32::from(matches!(gate, Gate::And(..)));
            most = most.max(level);
            levels.push(if matches!(gate, Gate::Refresh(_)) { 0 } else { level });
        }
        most
    }

    #[test]
    fn three_sums_of_three_products_take_two_refreshes() {
        let gates = "
            %6 = and %0 %1
            %7 = and %2 %3
            %8 = and %4 %5
            %9 = xor %6 %7
            %10 = xor %7 %8
            %11 = xor %6 %8
            %12 = and %9 %0
            %13 = and %10 %2
            %14 = and %11 %4";
        let circuit = circuit(6, gates, "%12 %13 %14");
        let target = target(250.0, 100.0, 100.0);
        let placement = place(&circuit, &target).unwrap();
        assert_same(&circuit, &placement.circuit);
        assert!(is_within_budget(&placement.circuit, &target));
        assert_eq!((placement.refreshes, placement.lower_bound), (2, 2));
    }

    #[test]
    fn the_lower_bound_counts_quiet_and_loud_products_together() {
        // Quiet products may meet fresh inputs, but not each other; loud ones nothing.
        let gates = "
            %7 = and %0 %1
            %8 = and %2 %3
            %9 = and %7 %8
            %10 = and %9 %4
            %11 = and %5 %6
            %12 = and %11 %0";
        let circuit = circuit(7, gates, "%10 %12");
        let placement = place(&circuit, &target(1033.0, 344.0, 508.0)).unwrap();
        assert_eq!((placement.refreshes, placement.lower_bound), (3, 3));
    }

    #[test]
    fn long_operands_take_no_more_refreshes_than_there_are_products() {
        // Each product is added to a running sum of which every later product takes part: up to 64 terms in each operand,
        // and room for 2^9 in two of them.
        let mut gates = String::new();
        let (mut total, mut wire) = (0, 130);
        for step in 0..64 {
            let (x, y) = (1 + 2 * step, 2 + 2 * step);
            gates += &format!("%{wire} = xor %{total} %{x}\n%{} = xor %{total} %{y}\n", wire + 1);
            gates += &format!(
                "%{} = and %{wire} %{}\n%{} = xor %{} %{total}\n",
                wire + 2,
                wire + 1,
                wire + 3,
                wire + 2
            );
            (total, wire) = (wire + 3, wire + 4);
        }
        let circuit = circuit(130, &gates, &format!("%{total}"));
        let target = target(209.0, 100.0, 100.0);
        let placement = place(&circuit, &target).unwrap();
        assert_same(&circuit, &placement.circuit);
        assert!(is_within_budget(&placement.circuit, &target));
        assert_eq!((placement.refreshes, placement.lower_bound), (63, 63));
    }

    #[test]
    fn room_for_several_levels_takes_fewer_refreshes() {
        let circuit = crate::opt::optimize(multiplier_chain(10, 2));
        let refreshes = |budget: f64| {
            let placement = place(&circuit, &target(budget, 100.0, 100.0)).unwrap();
            assert!(is_within_budget(&placement.circuit, &target(budget, 100.0, 100.0)));
            placement.refreshes
        };
        let (one, two, three) = (refreshes(250.0), refreshes(450.0), refreshes(850.0));
        assert!(10 * two < 6 * one && 10 * three < 6 * two, "{one} {two} {three}");
    }

    #[test]
    fn two_products_that_meet_in_a_sum_take_one_refresh() {
        let before = "
            %4 = and %0 %1
            %5 = and %2 %3
            %6 = xor %4 %5
            %7 = and %0 %6
            %8 = and %1 %6";
        let after = "
            %4 = and %0 %1
            %5 = and %2 %3
            %6 = xor %4 %5
            %7 = refresh %6
            %8 = and %0 %7
            %9 = and %1 %7";
        check(place_one_level, 4, (before, "%7 %8"), (after, "%8 %9"));
    }

    #[test]
    fn a_product_in_two_sums_takes_one_refresh() {
        let before = "
            %4 = and %0 %1
            %5 = xor %4 %2
            %6 = xor %4 %3
            %7 = and %5 %6";
        let after = "
            %4 = and %0 %1
            %5 = refresh %4
            %6 = xor %5 %2
            %7 = xor %5 %3
            %8 = and %6 %7";
        check(place_one_level, 4, (before, "%7"), (after, "%8"));
    }

    #[test]
    fn products_that_no_product_reads_take_no_refresh() {
        let same = (
            "
            %2 = and %0 %1
            %3 = xor %0 %2
            %4 = not %3",
            "%2 %4",
        );
        check(place_one_level, 2, same, same);
    }

    fn place_one_level(circuit: Circuit) -> Circuit {
        place_refreshes(&circuit, &target(250.0, 100.0, 100.0)).unwrap()
    }

    #[test]
    fn a_sum_of_many_terms_is_repaired() {
        // A hundred terms are 6.6 bits louder than one; there is room for five.
        let sums: Vec<String> = (100..199)
            .map(|wire| format!("%{wire} = xor %{} %{}", wire - 100, if wire == 100 { 99 } else { wire - 1 }))
            .collect();
        let circuit = circuit(100, &sums.join("\n"), "%198");
        let target = target(45.0, 40.0, 40.0);
        let placement = place(&circuit, &target).unwrap();
        assert_same(&circuit, &placement.circuit);
        assert!(is_within_budget(&placement.circuit, &target));
        assert!((1..=8).contains(&placement.refreshes), "{}", placement.refreshes);
    }

    #[test]
    fn a_long_sum_that_doubles_itself_is_written_anew() {
        // Each wire is the sum of the two before it: noise grows like the Fibonacci numbers, by 0.69 bits each.
        let sums: Vec<String> =
            (2..300).map(|wire| format!("%{wire} = xor %{} %{}", wire - 2, wire - 1)).collect();
        let circuit = circuit(2, &sums.join("\n"), "%299");
        let target = target(100.0, 40.0, 40.0);
        let placement = place(&circuit, &target).unwrap();
        assert_same(&circuit, &placement.circuit);
        assert!(is_within_budget(&placement.circuit, &target));
        assert_eq!(placement.refreshes, 0);
    }

    #[test]
    fn a_budget_below_one_product_is_an_error_with_the_numbers() {
        let error = place(&adder(4), &target(90.0, 60.0, 50.0)).unwrap_err();
        assert_eq!(
            error.to_string(),
            "preset `small numbers` has no room for one AND (gate 9, from `add`): on operands of 50.0 and 50.0 bits of \
             noise, as quiet as refreshes make them, it gives 100.0 bits, but a refresh or a decryption accepts at most \
             90.0; choose another preset"
        );
        let error = place(&adder(4), &target(90.0, 91.0, 40.0)).unwrap_err();
        assert!(error.to_string().contains("a fresh ciphertext has 91.0 bits"), "{error}");
    }

    #[test]
    fn products_of_fresh_inputs_need_no_refresh_while_they_are_quiet() {
        let placement = place(&multiplier_chain(4, 1), &target(1030.0, 90.0, 491.0)).unwrap();
        assert_eq!(placement.refreshes, 0);
    }

    #[test]
    fn an_adder_of_refreshed_size_takes_one_refresh_per_carry_between() {
        let circuit = crate::opt::simplify(adder(64));
        let placement = place(&circuit, &target(250.0, 100.0, 100.0)).unwrap();
        assert_eq!((placement.refreshes, placement.lower_bound), (63, 63));
    }
}
