//! Sorts a circuit with refreshes into levels: refreshes in as few and as even batches as possible, all other gates
//! beside them or in between, at times that keep few wires alive.
//!
//! 1. *Refresh levels.* The most refreshes on any path is the least number of refresh levels. Each refresh may run in
//!    any level between its earliest and its latest; list scheduling by latest level fills them evenly.
//! 2. *Times.* Every level is a time. The stage between two refresh levels has as many compute levels as its longest
//!    path needs if all gates run as early as they can.
//! 3. *Delays.* In reverse order, each gate moves to the time between its earliest and its readers' at which it and its
//!    operands are alive for the shortest time in total: a gate that frees its operands runs early, one whose operands
//!    live on anyway runs late. Among equals, a time with refreshes comes first: what the next refreshes do not wait for
//!    is computed beside these, by threads that they leave free.
//!
//! Inputs and constants are level 0.
//!
//! [`schedule_within`] gives up the first of these where memory is short: it takes refreshes depth first, some at a time, so
//! that one part of the program is done before the next one begins.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use ffhec_circuit::{Circuit, Gate, Program, Wire};

use super::readers::{Readers, number};

/// `circuit`, refreshes placed for `preset`, sorted into levels.
pub fn schedule(circuit: &Circuit, preset: &str) -> Program {
    let readers = Readers::of(circuit);
    timed(circuit, preset, &readers, even_batches(circuit, &readers))
}

/// Like [`schedule`], with at most `most_live` values alive at once: in as few levels as are found to do. `None` if even
/// one refresh at a time needs more.
pub fn schedule_within(circuit: &Circuit, preset: &str, most_live: usize) -> Option<Program> {
    let readers = Readers::of(circuit);
    let program = timed(circuit, preset, &readers, even_batches(circuit, &readers));
    let stats = program.stats();
    if stats.peak_live <= most_live {
        return Some(program);
    }
    drop(program);
    let order = depth_first(circuit);
    let widest = stats.levels.iter().map(|level| level.refresh).max()?;
    let widths = std::iter::successors(Some(widest), |width| Some(width / 2)).take_while(|width| *width > 0);
    let mut programs = widths.map(|width| {
        let batches = Batching::new(circuit, &readers, order.clone()).narrow(width);
        timed(circuit, preset, &readers, batches)
    });
    programs.find(|program| program.stats().peak_live <= most_live)
}

/// The program with these batches, which have the number of each refresh's level, from 1. Of two ways to delay gates,
/// the one that keeps fewer values alive, unless the circuit is so large that one has to do.
fn timed(circuit: &Circuit, preset: &str, readers: &Readers, batches: Vec<u32>) -> Program {
    const LARGEST_COMPARED: usize = 1 << 20;
    let stages = stages(circuit, batches);
    let plan = Plan::earliest(circuit, &stages);
    drop(stages);
    let program = |times: &[u32]| assemble(circuit, times, preset);
    if circuit.gates.len() > LARGEST_COMPARED {
        return program(&delay(circuit, readers, plan, Sharing::Alone));
    }
    let [alone, together] = [Sharing::Alone, Sharing::Together]
        .map(|sharing| program(&delay(circuit, readers, plan.clone(), sharing)));
    if together.stats().peak_live < alone.stats().peak_live { together } else { alone }
}

/// As few levels of refreshes as the longest path has.
fn even_batches(circuit: &Circuit, readers: &Readers) -> Vec<u32> {
    let earliest = earliest_stages(circuit);
    let last = earliest.iter().copied().max().unwrap_or(0);
    Batching::new(circuit, readers, latest_stages(circuit, last)).even(last)
}

/// For each refresh, the number of its refresh level, as given; for other gates, the number of refresh levels that must
/// be done before.
fn stages(circuit: &Circuit, batches: Vec<u32>) -> Vec<u32> {
    let mut stages = batches;
    for (index, gate) in circuit.gates.iter().enumerate() {
        if !is_refresh(*gate) {
            stages[index] = gate.operands().map(|wire| stages[wire.index()]).max().unwrap_or(0);
        }
    }
    stages
}

/// The place of each gate in an order that finishes what an output needs before it turns to the next one, and what the
/// operand after more refreshes needs before the other.
fn depth_first(circuit: &Circuit) -> Vec<u32> {
    let earliest = earliest_stages(circuit);
    const OPEN: u32 = u32::MAX;
    let mut ranks = vec![OPEN; circuit.gates.len()];
    let mut next = 0;
    let mut stack: Vec<Wire> = Vec::new();
    // Gates that no output needs come last.
    let rest = (0..circuit.gates.len()).map(Wire::new);
    for root in circuit.output_wires.iter().copied().chain(rest) {
        stack.push(root);
        while let Some(&wire) = stack.last() {
            let is_open = |wire: &Wire| ranks[wire.index()] == OPEN;
            let open = circuit.gates[wire.index()].operands().filter(is_open);
            let below = open.min_by_key(|wire| Reverse(earliest[wire.index()])).filter(|_| is_open(&wire));
            if let Some(below) = below {
                stack.push(below);
                continue;
            }
            stack.pop();
            if ranks[wire.index()] == OPEN {
                ranks[wire.index()] = next;
                next += 1;
            }
        }
    }
    ranks
}

fn is_refresh(gate: Gate) -> bool {
    matches!(gate, Gate::Refresh(_))
}

fn earliest_stages(circuit: &Circuit) -> Vec<u32> {
    let mut earliest: Vec<u32> = Vec::with_capacity(circuit.gates.len());
    for gate in &circuit.gates {
        let below = gate.operands().map(|wire| earliest[wire.index()]).max().unwrap_or(0);
        earliest.push(below + u32::from(is_refresh(*gate)));
    }
    earliest
}

fn latest_stages(circuit: &Circuit, last: u32) -> Vec<u32> {
    let mut latest = vec![last; circuit.gates.len()];
    for (index, gate) in circuit.gates.iter().enumerate().rev() {
        let needed = latest[index] - u32::from(is_refresh(*gate));
        for wire in gate.operands() {
            let latest = &mut latest[wire.index()];
            *latest = needed.min(*latest);
        }
    }
    latest
}

/// List scheduling: level after level takes the first of those refreshes that are ready.
struct Batching<'a> {
    circuit: &'a Circuit,
    readers: &'a Readers,
    /// What comes first: the least.
    order: Vec<u32>,
    /// The refresh level of each refresh.
    stages: Vec<u32>,
    /// How many operands of each gate are not placed yet, plus [`REFRESH`] if it is one.
    missing: Vec<u8>,
    /// Refreshes whose input is placed: their place in the order, then 32 bits of the gate's number.
    ready: BinaryHeap<Reverse<u64>>,
    /// Gates whose operands are placed and that are not refreshes.
    open: Vec<u32>,
}

/// Told apart from the number of operands.
const REFRESH: u8 = 0x80;

impl<'a> Batching<'a> {
    fn new(circuit: &'a Circuit, readers: &'a Readers, order: Vec<u32>) -> Self {
        let missing = |gate: &Gate| {
            let operands = u8::try_from(gate.operands().len()).expect("a gate has at most two operands");
            operands + if is_refresh(*gate) { REFRESH } else { 0 }
        };
        let missing: Vec<u8> = circuit.gates.iter().map(missing).collect();
        let open = (0..missing.len()).filter(|&index| missing[index] == 0).map(number).collect();
        let stages = vec![0; missing.len()];
        Batching { circuit, readers, order, stages, missing, ready: BinaryHeap::new(), open }
    }

    /// In `last` levels, where the order is that of the latest levels: each takes the refreshes that cannot wait, then the
    /// next most urgent, up to an even share of what is left.
    fn even(mut self, last: u32) -> Vec<u32> {
        let mut waiting = self.circuit.gates.iter().filter(|gate| is_refresh(**gate)).count();
        self.place_open();
        for level in 1..=last {
            let share = waiting.div_ceil((last - level + 1) as usize);
            waiting -= self.take(level, |latest, taken| latest <= level || taken < share);
        }
        debug_assert_eq!(waiting, 0, "every refresh is ready by its latest level");
        self.stages
    }

    /// In levels of at most `width` refreshes.
    fn narrow(mut self, width: usize) -> Vec<u32> {
        self.place_open();
        let mut level = 1;
        while self.take(level, |_, taken| taken < width) > 0 {
            level += 1;
        }
        self.stages
    }

    /// Takes refreshes into a level while `wants` them, given their order and how many are taken; says how many.
    fn take(&mut self, level: u32, wants: impl Fn(u32, usize) -> bool) -> usize {
        let mut batch = Vec::new();
        while let Some(&Reverse(first)) = self.ready.peek() {
            if !wants((first >> 32) as u32, batch.len()) {
                break;
            }
            self.ready.pop();
            batch.push(first as u32);
        }
        for &index in &batch {
            self.stages[index as usize] = level;
            self.release_readers(index);
        }
        self.place_open();
        batch.len()
    }

    /// Places all gates that became ready.
    fn place_open(&mut self) {
        while let Some(index) = self.open.pop() {
            self.release_readers(index);
        }
    }

    fn release_readers(&mut self, index: u32) {
        for &reader in self.readers.of_wire(index as usize) {
            let missing = &mut self.missing[reader as usize];
            *missing -= 1;
            match *missing {
                0 => self.open.push(reader),
                REFRESH => {
                    let place = u64::from(self.order[reader as usize]) << 32 | u64::from(reader);
                    self.ready.push(Reverse(place));
                }
                _ => {}
            }
        }
    }
}

/// The earliest time of each gate, given the stages.
#[derive(Clone)]
struct Plan {
    times: Vec<u32>,
    /// For each time the last refresh level that is not later; time 0, the level of inputs, counts as one.
    refreshes: Vec<u32>,
}

impl Plan {
    fn earliest(circuit: &Circuit, stages: &[u32]) -> Self {
        // Within its stage, the level of each gate from 1; a stage begins with its refreshes (or inputs), level 0.
        let mut local: Vec<u32> = Vec::with_capacity(stages.len());
        let mut lengths = vec![0_u32; stages.iter().copied().max().unwrap_or(0) as usize + 1];
        for (index, gate) in circuit.gates.iter().enumerate() {
            let stage = stages[index];
            let here = gate.operands().filter(|wire| stages[wire.index()] == stage);
            let below = here.map(|wire| local[wire.index()]).max();
            let level = match gate {
                Gate::Constant(_) | Gate::Input(_) | Gate::Refresh(_) => 0,
                Gate::Not(_) | Gate::Xor(..) | Gate::And(..) => below.unwrap_or(0) + 1,
            };
            local.push(level);
            lengths[stage as usize] = lengths[stage as usize].max(level);
        }
        let mut refreshes = Vec::new();
        let mut begins = Vec::with_capacity(lengths.len());
        for length in &lengths {
            let begin = u32::try_from(refreshes.len()).expect("bounded: no more levels than gates");
            begins.push(begin);
            refreshes.extend((0..=*length).map(|_| begin));
        }
        let times = stages.iter().zip(&local).map(|(stage, local)| begins[*stage as usize] + local).collect();
        Plan { times, refreshes }
    }
}

/// Moves each gate to the time between its earliest and its readers' at which fewest wires live.
fn delay(circuit: &Circuit, readers: &Readers, plan: Plan, sharing: Sharing) -> Vec<u32> {
    let end = u32::try_from(plan.refreshes.len()).expect("bounded: no more levels than gates");
    let uses = LastUses::new(readers, &plan.times);
    let Plan { mut times, refreshes } = plan;
    let use_of = |wire| {
        let edges = readers.range(wire);
        Use { first: end, moved: 0, start: number(edges.start), unmoved: number(edges.len()) }
    };
    let mut uses_of: Vec<Use> = (0..times.len()).map(use_of).collect();
    for wire in &circuit.output_wires {
        uses_of[wire.index()].moved = end;
    }
    for (index, gate) in circuit.gates.iter().enumerate().rev() {
        for wire in gate.operands() {
            uses_of[wire.index()].unmoved -= 1;
        }
        let is_movable = matches!(gate, Gate::Not(_) | Gate::Xor(..) | Gate::And(..));
        let first_use = uses_of[index].first;
        if is_movable && first_use > times[index] + 1 {
            let others = gate.operands().map(|wire| uses.other(&uses_of[wire.index()], sharing));
            times[index] = best_time(&refreshes, times[index], first_use, others);
        }
        for wire in gate.operands() {
            let used = &mut uses_of[wire.index()];
            used.moved = used.moved.max(times[index]);
            used.first = used.first.min(times[index]);
        }
    }
    times
}

/// When a wire is used.
struct Use {
    /// The first and the last use among the gates that have been moved.
    first: u32,
    moved: u32,
    /// Where its edges begin, and how many of them lead to gates that have not been moved.
    start: u32,
    unmoved: u32,
}

/// Who pays for the longer life of an operand.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sharing {
    /// The reader that needs it last.
    Alone,
    /// That reader and those that have not been moved yet, which may follow it.
    Together,
}

/// How long a wire is alive without one of its readers.
#[derive(Clone, Copy)]
struct Other {
    /// The last use by others.
    last: u32,
    /// How many share the price of a longer life.
    payers: u32,
}

/// The time from `earliest` to before `first_use` that keeps a gate and its operands alive for the shortest time in
/// total, where the operands live as long as `others` say anyway; of equals a refresh level, then the latest, which spreads
/// the work that can wait.
fn best_time(
    refreshes: &[u32],
    earliest: u32,
    first_use: u32,
    others: impl Iterator<Item = Other> + Clone,
) -> u32 {
    /// Parts of a level, for shares of one.
    const UNIT: i64 = 64;
    let allowed = |time: u32| time.clamp(earliest, first_use - 1);
    let beside = |time: u32| allowed(refreshes[allowed(time) as usize]);
    let alive = |time: u32| {
        let longer =
            |other: Other| UNIT * i64::from(time.saturating_sub(other.last)) / i64::from(other.payers);
        UNIT * (i64::from(first_use) - i64::from(time)) + others.clone().map(longer).sum::<i64>()
    };
    let ends = [earliest, first_use - 1].into_iter().chain(others.clone().map(|other| other.last));
    let candidates = ends.flat_map(|time| [allowed(time), beside(time)]);
    let order = |time: u32| (alive(time), refreshes[time as usize] != time, Reverse(time));
    candidates.min_by_key(|&time| order(time)).unwrap_or(earliest)
}

/// For each edge, the latest planned time among the readers of its wire up to that edge.
struct LastUses(Vec<u32>);

impl LastUses {
    fn new(readers: &Readers, times: &[u32]) -> Self {
        let mut latest: Vec<u32> = readers.all().iter().map(|&reader| times[reader as usize]).collect();
        for wire in 0..times.len() {
            for edge in readers.range(wire).skip(1) {
                latest[edge] = latest[edge].max(latest[edge - 1]);
            }
        }
        LastUses(latest)
    }

    /// The last use of a wire by those who remain; 0 if there is none.
    fn other(&self, wire: &Use, sharing: Sharing) -> Other {
        let planned = if wire.unmoved == 0 { 0 } else { self.0[(wire.start + wire.unmoved - 1) as usize] };
        let payers = match sharing {
            Sharing::Alone => 1,
            Sharing::Together => 1 + wire.unmoved,
        };
        Other { last: planned.max(wire.moved), payers }
    }
}

/// Renumbers the gates by time and finds where each wire dies.
fn assemble(circuit: &Circuit, times: &[u32], preset: &str) -> Program {
    let (order, ends) = sorted(circuit, times);
    let mut new = vec![Wire::new(0); times.len()];
    let mut scheduled = circuit.emptied(times.len());
    for index in order.into_iter().map(|index| index as usize) {
        new[index] = Wire::new(scheduled.gates.len());
        scheduled.gates.push(circuit.gates[index].map(|wire| new[wire.index()]));
        scheduled.origins.push(circuit.origins[index]);
    }
    scheduled.output_wires = circuit.output_wires.iter().map(|wire| new[wire.index()]).collect();
    drop(new);
    Program::with_levels(scheduled, preset, &ends)
}

/// The gates in order of time, those of one time with refreshes first and else in their own order; and where each time
/// that has gates ends.
fn sorted(circuit: &Circuit, times: &[u32]) -> (Vec<u32>, Vec<u32>) {
    let last = times.iter().copied().max().unwrap_or(0);
    // Two places for each time: its refreshes, then its other gates.
    let place = |index: usize| 2 * times[index] as usize + usize::from(!is_refresh(circuit.gates[index]));
    let mut next = vec![0_u32; 2 * last as usize + 3];
    for index in 0..times.len() {
        next[place(index) + 1] += 1;
    }
    let mut ends = Vec::new();
    for time in 1..next.len() {
        next[time] += next[time - 1];
        let has_gates = next[time] > ends.last().copied().unwrap_or(0);
        if time % 2 == 0 && has_gates {
            ends.push(next[time]);
        }
    }
    let mut order = vec![0_u32; times.len()];
    for index in 0..times.len() {
        let at = &mut next[place(index)];
        order[*at as usize] = number(index);
        *at += 1;
    }
    (order, ends)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use std::fmt::Write as _;

    use super::*;
    use crate::opt::place_refreshes;
    use crate::opt::testing::{assert_same, circuit, circuits, multiplier_chain, target};

    /// Schedules a circuit, checks the program, and returns it.
    #[track_caller]
    fn check(circuit: &Circuit) -> Program {
        let program = schedule(circuit, "toy");
        program.verify().unwrap();
        assert_same(circuit, &program.circuit);
        assert_eq!(program.circuit.counts(), circuit.counts());
        assert!(program.levels.iter().all(|level| !level.gates.is_empty()));
        program
    }

    #[test]
    fn programs_keep_their_invariants_and_their_function() {
        for circuit in circuits(20) {
            check(&circuit);
            check(&place_refreshes(&circuit, &target(250.0, 100.0, 100.0)).unwrap());
        }
    }

    #[test]
    fn refresh_levels_are_as_few_as_the_longest_path_has() {
        for circuit in circuits(10).chain([multiplier_chain(8, 2)]) {
            let placed = place_refreshes(&circuit, &target(250.0, 100.0, 100.0)).unwrap();
            let longest = earliest_stages(&placed).into_iter().max().unwrap();
            let program = schedule(&placed, "toy");
            let levels = program
                .levels
                .iter()
                .filter(|level| is_refresh(program.circuit.gates[level.gates.start as usize]))
                .count();
            assert_eq!(levels, longest as usize);
        }
    }

    #[test]
    fn refreshes_that_can_wait_even_the_batches() {
        // A chain of four refreshes beside four that depend on nothing: two a level, not five first.
        let gates = "
            %5 = refresh %0
            %6 = refresh %1
            %7 = refresh %2
            %8 = refresh %3
            %9 = refresh %4
            %10 = refresh %5
            %11 = refresh %10
            %12 = refresh %11";
        let program = check(&circuit(5, gates, "%6 %7 %8 %9 %12"));
        let sizes: Vec<usize> = program.levels.iter().map(|level| level.gates.len()).collect();
        assert_eq!(sizes, [5, 2, 2, 2, 2]);
    }

    #[test]
    fn a_gate_waits_while_its_operands_live_on_and_runs_early_to_free_them() {
        let gates = "
            %4 = xor %0 %1
            %5 = xor %2 %3
            %6 = refresh %0
            %7 = and %1 %6
            %8 = and %4 %7
            %9 = xor %5 %8";
        let expected = r#"program 1
preset "toy"
function "f"
input "x" kind "bits" width 4
level 0
from "f"
%0 = input 0 ; bit 0 of "x"
%1 = input 1 ; bit 1 of "x"
%2 = input 2 ; bit 2 of "x"
%3 = input 3 ; bit 3 of "x"
level 1
%4 = xor %2 %3
dead %2 %3
level 2
%5 = refresh %0
%6 = xor %0 %1
dead %0
level 3
%7 = and %1 %5
dead %1 %5
level 4
%8 = and %6 %7
dead %6 %7
level 5
%9 = xor %4 %8
dead %4 %8
output "y" kind "bits" width 1 is %9
"#;
        assert_eq!(check(&circuit(4, gates, "%9")).to_string(), expected);
    }

    #[test]
    fn short_memory_makes_more_levels() {
        // Sixteen chains of refreshes over two inputs, added up: side by side or one after the other.
        let mut gates = String::new();
        let mut ends = Vec::new();
        let mut next = 2;
        let mut push = |text: String| {
            let _ = writeln!(gates, "%{next} = {text}");
            next += 1;
            next - 1
        };
        for chain in 0..16 {
            let mut wire = push(format!("and %0 %{}", chain % 2));
            for _ in 0..6 {
                wire = push(format!("refresh %{wire}"));
                wire = push(format!("not %{wire}"));
            }
            ends.push(wire);
        }
        let sum = ends.into_iter().reduce(|sum, end| push(format!("xor %{sum} %{end}"))).unwrap();
        let circuit = circuit(2, &gates, &format!("%{sum}"));
        let wide = check(&circuit).stats();
        let mut levels = wide.levels.len();
        assert!(wide.peak_live >= 16, "{wide:?}");
        for most in [wide.peak_live, 16, 10, 6] {
            let program = schedule_within(&circuit, "toy", most).unwrap();
            program.verify().unwrap();
            assert_same(&circuit, &program.circuit);
            let stats = program.stats();
            assert!(stats.peak_live <= most && stats.levels.len() >= levels, "{stats:?}");
            levels = stats.levels.len();
        }
        assert!(levels > wide.levels.len());
        assert_eq!(schedule_within(&circuit, "toy", 2), None);
    }

    #[test]
    fn few_wires_live_at_once() {
        let placed = place_refreshes(&multiplier_chain(16, 6), &target(250.0, 100.0, 100.0)).unwrap();
        let peak = check(&placed).stats().peak_live;
        assert!(peak < placed.gates.len() / 10, "{peak} of {}", placed.gates.len());
    }
}
