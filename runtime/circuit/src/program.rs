//! A scheduled circuit: what the virtual machine executes.

use std::ops::Range;

use crate::{Circuit, Gate, Wire};

/// A run of gates that do not depend on each other. Its refreshes, handed to the machine together, come first; the
/// other gates are computed beside them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Level {
    /// Gate numbers.
    pub gates: Range<u32>,
    /// Wires that nothing after this level reads and that are no outputs: their values can be dropped.
    pub dead: Vec<Wire>,
}

/// A circuit with its refreshes placed for one preset, its gates sorted into levels.
///
/// Invariant (see [`crate::Program::verify`]): the levels cover the gates in order; operands lie in earlier levels;
/// no wire is read after the level it dies in; outputs never die.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// The gates, refreshes included.
    pub circuit: Circuit,
    /// The levels, in the order of execution.
    pub levels: Vec<Level>,
    /// The preset that the refreshes were placed for.
    pub preset: String,
}

impl Program {
    /// A program whose levels end after the gates numbered `ends` (exclusive, rising, the last one the number of
    /// gates). Each wire that is no output dies in the level that reads it last, in wire order.
    pub fn with_levels(circuit: Circuit, preset: &str, ends: &[u32]) -> Program {
        let mut levels: Vec<Level> = Vec::with_capacity(ends.len());
        for &end in ends {
            let start = levels.last().map_or(0, |level| level.gates.end);
            levels.push(Level { gates: start..end, dead: Vec::new() });
        }
        for (wire, level) in last_reads(&circuit, &levels).into_iter().enumerate() {
            if level != NEVER {
                levels[level as usize].dead.push(Wire::new(wire));
            }
        }
        Program { circuit, levels, preset: preset.to_owned() }
    }

    /// The gate numbers of a level's refreshes, and of its other gates.
    pub fn split(&self, level: &Level) -> (Range<usize>, Range<usize>) {
        let (start, end) = (level.gates.start as usize, level.gates.end as usize);
        let gates = self.circuit.gates[start..end].iter();
        let others = start + gates.take_while(|gate| matches!(gate, Gate::Refresh(_))).count();
        (start..others, others..end)
    }

    /// A program that runs the gates as they stand: a new level begins wherever a gate reads the level before it, or
    /// a refresh follows another gate.
    pub fn in_order(circuit: Circuit, preset: &str) -> Program {
        let mut ends = Vec::new();
        let mut start = 0;
        for (index, gate) in circuit.gates.iter().enumerate() {
            let is_refresh = |gate: &Gate| matches!(gate, Gate::Refresh(_));
            let is_late = index > start && is_refresh(gate) && !is_refresh(&circuit.gates[index - 1]);
            if is_late || gate.operands().any(|wire| wire.index() >= start) {
                ends.push(number(index));
                start = index;
            }
        }
        if !circuit.gates.is_empty() {
            ends.push(number(circuit.gates.len()));
        }
        Program::with_levels(circuit, preset, &ends)
    }
}

/// No level: outputs are kept.
const NEVER: u32 = u32::MAX;

/// For each wire the level that reads it last (its own, if none does); [`NEVER`] for outputs.
fn last_reads(circuit: &Circuit, levels: &[Level]) -> Vec<u32> {
    let mut last = vec![NEVER; circuit.gates.len()];
    for (level, gates) in levels.iter().map(|level| &level.gates).enumerate() {
        for gate in gates.start as usize..gates.end as usize {
            last[gate] = number(level);
            for wire in circuit.gates[gate].operands() {
                last[wire.index()] = number(level);
            }
        }
    }
    for wire in &circuit.output_wires {
        last[wire.index()] = NEVER;
    }
    last
}

fn number(index: usize) -> u32 {
    u32::try_from(index).expect("bounded: the gate limit keeps indices below 2^32")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use crate::sample;

    proptest! {
        #[test]
        fn gates_in_order_make_a_program_that_verifies(program in sample::programs()) {
            prop_assert_eq!(program.verify(), Ok(()));
        }
    }

    #[test]
    fn the_adder_runs_its_refresh_in_a_level_of_its_own() {
        let program = sample::adder();
        let widths: Vec<u32> = program.levels.iter().map(|l| l.gates.end - l.gates.start).collect();
        assert_eq!(widths.iter().sum::<u32>() as usize, program.circuit.gates.len());
        assert_eq!(widths[0], 4, "the four input bits");
    }
}
