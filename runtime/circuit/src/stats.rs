//! What `inspect` tells about a program: counts, levels, and how many values are alive at once.

use crate::{Costs, Counts, Gate, Program};

/// A program in numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stats {
    /// Gate counts and AND-depth of the whole program.
    pub counts: Counts,
    /// One entry per level.
    pub levels: Vec<LevelStats>,
    /// The most values that the executor holds at once: those alive before a level, its results, and the inputs
    /// that are not yet read.
    pub peak_live: usize,
    /// Gate counts by source function, in the order of the function table; functions without gates are left out.
    pub functions: Vec<FunctionStats>,
}

/// One level in numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LevelStats {
    /// Number of gates.
    pub width: usize,
    /// AND gates among them.
    pub and: usize,
    /// Refreshes among them.
    pub refresh: usize,
    /// Values alive after the level, its dead dropped; unread inputs count.
    pub live_after: usize,
}

/// A longest chain of gates, each of which waits for the one before: the most refreshes on any path, and among such
/// paths the most ANDs, then the most gates. However many threads there are, a program takes as long as this.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CriticalPath {
    /// Refreshes on it.
    pub refreshes: usize,
    /// AND gates on it.
    pub ands: usize,
    /// XOR gates and complements on it.
    pub sums: usize,
    /// Its gates by source function, in the order of the function table.
    pub functions: Vec<FunctionStats>,
}

/// The gates that one source function was lowered to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FunctionStats {
    /// The function's name.
    pub name: String,
    /// AND gates.
    pub and: usize,
    /// XOR gates.
    pub xor: usize,
    /// Complements.
    pub not: usize,
    /// Refreshes.
    pub refresh: usize,
}

impl Program {
    /// The program in numbers.
    pub fn stats(&self) -> Stats {
        let (levels, peak_live) = self.level_stats();
        Stats { counts: self.circuit.counts(), levels, peak_live, functions: self.function_stats(|_| true) }
    }

    /// Predicted time on `threads` threads, level after level, in nanoseconds: refreshes times their cost plus levels times
    /// theirs, as [`Costs::level_ns`] says.
    pub fn time_ns(&self, costs: &Costs, threads: usize) -> f64 {
        let of_level = |level: &LevelStats| {
            costs.level_ns(level.refresh, level.and, level.width - level.and - level.refresh, threads)
        };
        // Inputs and constants, which take no time, are the first level.
        let (levels, _) = self.level_stats();
        levels.iter().skip(1).map(of_level).sum()
    }

    /// The chain of gates that the program cannot be faster than.
    pub fn critical_path(&self) -> CriticalPath {
        let gates = &self.circuit.gates;
        // Refreshes, ANDs and sums on the longest path to each wire.
        let mut longest: Vec<[u32; 3]> = Vec::with_capacity(gates.len());
        for gate in gates {
            let below = gate.operands().map(|wire| longest[wire.index()]).max().unwrap_or_default();
            longest.push(plus(below, *gate));
        }
        let end = longest.iter().copied().max().unwrap_or_default();
        let mut wire = longest.iter().position(|&path| path == end);
        let mut is_on_path = vec![false; gates.len()];
        while let Some(index) = wire {
            is_on_path[index] = true;
            let operands = gates[index].operands();
            wire = operands.max_by_key(|wire| longest[wire.index()]).map(crate::Wire::index);
        }
        let [refreshes, ands, sums] = end.map(|count| count as usize);
        CriticalPath { refreshes, ands, sums, functions: self.function_stats(|index| is_on_path[index]) }
    }

    fn level_stats(&self) -> (Vec<LevelStats>, usize) {
        let gates = &self.circuit.gates;
        let mut live = gates.iter().filter(|gate| matches!(gate, Gate::Input(_))).count();
        let mut peak = live;
        let mut levels = Vec::with_capacity(self.levels.len());
        for level in &self.levels {
            let gates = &gates[level.gates.start as usize..level.gates.end as usize];
            let count = |kind: fn(&Gate) -> bool| gates.iter().filter(|gate| kind(gate)).count();
            // An input gate moves a value that is already there.
            live += gates.len() - count(|gate| matches!(gate, Gate::Input(_)));
            peak = peak.max(live);
            live -= level.dead.len();
            levels.push(LevelStats {
                width: gates.len(),
                and: count(|gate| matches!(gate, Gate::And(..))),
                refresh: count(|gate| matches!(gate, Gate::Refresh(_))),
                live_after: live,
            });
        }
        (levels, peak)
    }

    /// The gates for which `counts` says so, by function.
    fn function_stats(&self, counts: impl Fn(usize) -> bool) -> Vec<FunctionStats> {
        let empty = |name: &String| FunctionStats { name: name.clone(), and: 0, xor: 0, not: 0, refresh: 0 };
        let mut functions: Vec<FunctionStats> = self.circuit.functions.iter().map(empty).collect();
        let gates = self.circuit.gates.iter().zip(&self.circuit.origins);
        for (gate, &origin) in gates.enumerate().filter(|(index, _)| counts(*index)).map(|(_, gate)| gate) {
            let function = &mut functions[origin as usize];
            match gate {
                Gate::And(..) => function.and += 1,
                Gate::Xor(..) => function.xor += 1,
                Gate::Not(_) => function.not += 1,
                Gate::Refresh(_) => function.refresh += 1,
                Gate::Constant(_) | Gate::Input(_) => {}
            }
        }
        functions.retain(|function| function.and + function.xor + function.not + function.refresh > 0);
        functions
    }
}

/// A path to the operands of `gate`, and the gate.
fn plus([refreshes, ands, sums]: [u32; 3], gate: Gate) -> [u32; 3] {
    match gate {
        Gate::Constant(_) | Gate::Input(_) => [refreshes, ands, sums],
        Gate::Refresh(_) => [refreshes + 1, ands, sums],
        Gate::And(..) => [refreshes, ands + 1, sums],
        Gate::Xor(..) | Gate::Not(_) => [refreshes, ands, sums + 1],
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use crate::sample;

    #[test]
    fn the_carry_of_the_adder_is_its_critical_path() {
        let path = sample::adder().critical_path();
        assert_eq!((path.refreshes, path.ands), (1, 2));
        assert_eq!(path.functions.iter().map(|function| function.and).sum::<usize>(), 2);
        assert_eq!(path.functions[0].name, "add");
    }

    #[test]
    fn the_adder_in_numbers() {
        let stats = sample::adder().stats();
        assert_eq!((stats.counts.and, stats.counts.refresh), (3, 1));
        assert_eq!(stats.functions.len(), 1, "the inputs of main are no gates of its own");
        assert_eq!((stats.functions[0].name.as_str(), stats.functions[0].and), ("add", 3));
        assert_eq!(stats.levels[0].live_after, 4);
        assert_eq!(stats.levels.last().map(|level| level.live_after), Some(3), "the three output bits");
        assert!(stats.peak_live >= 7);
    }

    proptest! {
        #[test]
        fn the_critical_path_is_a_path_with_as_many_gates_as_it_says(program in sample::programs()) {
            let path = program.critical_path();
            let counts = program.circuit.counts();
            let on_path = |of: fn(&super::FunctionStats) -> usize| path.functions.iter().map(of).sum::<usize>();
            prop_assert_eq!(on_path(|f| f.refresh), path.refreshes);
            prop_assert_eq!(on_path(|f| f.and), path.ands);
            prop_assert_eq!(on_path(|f| f.xor + f.not), path.sums);
            prop_assert!(path.ands <= counts.and_depth);
            prop_assert!(counts.refresh > 0 || path.ands == counts.and_depth);
            prop_assert!((counts.refresh == 0) == (path.refreshes == 0));
        }

        #[test]
        fn functions_and_levels_add_up_to_the_whole(program in sample::programs()) {
            let stats = program.stats();
            prop_assert_eq!(stats.functions.iter().map(|f| f.and).sum::<usize>(), stats.counts.and);
            prop_assert_eq!(stats.functions.iter().map(|f| f.xor).sum::<usize>(), stats.counts.xor);
            prop_assert_eq!(stats.levels.iter().map(|l| l.refresh).sum::<usize>(), stats.counts.refresh);
            prop_assert_eq!(stats.levels.iter().map(|l| l.width).sum::<usize>(), program.circuit.gates.len());
            let mut outputs = program.circuit.output_wires.clone();
            outputs.sort();
            outputs.dedup();
            prop_assert_eq!(stats.levels.last().map(|l| l.live_after), Some(outputs.len()));
            prop_assert!(stats.levels.iter().all(|l| l.live_after <= stats.peak_live));
        }
    }
}
