//! What every circuit and every program must satisfy, checked in one pass. Everything that is read from a file or
//! made by a pass goes through here before it is executed, so that later stages can index without asking.
//!
//! A program that passes has: operands before uses, input bits in range and read by one gate each, one wire per
//! output bit, one origin per gate; levels that cover the gates in order, begin with their refreshes, and read
//! only earlier levels; no read after a death, no death of an output, exactly one death of everything else.

use std::collections::BTreeSet;

use thiserror::Error;

use crate::{Circuit, Gate, Program, Wire};

/// The most input bits of a circuit: more ciphertexts than any machine holds, few enough to make a table of.
pub const MAX_INPUT_BITS: usize = 1 << 24;

/// The first rule that a circuit or program breaks, and where.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum VerifyError {
    /// More gates than a 32-bit gate number can name.
    #[error("the circuit has {gates} gates; at most {} are allowed", u32::MAX)]
    TooManyGates {
        /// Number of gates.
        gates: usize,
    },
    /// More input bits than [`MAX_INPUT_BITS`].
    #[error("the input ports have {bits} bits together; at most {MAX_INPUT_BITS} are allowed")]
    TooManyInputBits {
        /// Bits of all input ports.
        bits: usize,
    },
    /// A gate reads a wire that no earlier gate drives.
    #[error("gate %{gate} reads %{operand}, but operands must come before their uses")]
    OperandNotBefore {
        /// The reading gate.
        gate: usize,
        /// What it reads.
        operand: usize,
    },
    /// An input gate names a bit that the input ports do not have.
    #[error("gate %{gate} is input bit {bit}, but the input ports have {bits} bits together")]
    InputOutOfRange {
        /// The input gate.
        gate: usize,
        /// The bit it names.
        bit: u32,
        /// How many there are.
        bits: usize,
    },
    /// Two gates stand for the same input bit.
    #[error("gates %{first} and %{second} are both input bit {bit}, but an input bit has one gate")]
    InputTwice {
        /// The first gate.
        first: usize,
        /// The second gate.
        second: usize,
        /// The input bit.
        bit: u32,
    },
    /// The number of output wires is not the number of bits of the output ports.
    #[error("there are {wires} output wires, but the output ports have {bits} bits together")]
    OutputCount {
        /// Number of output wires.
        wires: usize,
        /// Bits of all output ports.
        bits: usize,
    },
    /// An output bit is driven by a gate that does not exist.
    #[error("output bit {bit} is %{wire}, but there are only {gates} gates")]
    OutputOutOfRange {
        /// The output bit.
        bit: usize,
        /// The wire it names.
        wire: usize,
        /// Number of gates.
        gates: usize,
    },
    /// Not one origin per gate.
    #[error("there are {origins} origins for {gates} gates, but each gate has one")]
    OriginCount {
        /// Number of origins.
        origins: usize,
        /// Number of gates.
        gates: usize,
    },
    /// An origin names a function that does not exist.
    #[error("gate %{gate} comes from function {origin}, but there are only {functions} functions")]
    OriginOutOfRange {
        /// The gate.
        gate: usize,
        /// The function it names.
        origin: u32,
        /// Number of functions.
        functions: usize,
    },
    /// Two entries of the function table have the same name.
    #[error("function \"{name}\" is listed twice, but function names are unique")]
    FunctionTwice {
        /// The name.
        name: String,
    },
    /// A level does not begin where the one before it ends, or ends before it begins.
    #[error(
        "level {level} covers gates {start}..{end}, but must begin at {expected} and not end before that"
    )]
    LevelOutOfOrder {
        /// The level.
        level: usize,
        /// Its first gate.
        start: u32,
        /// The gate after its last.
        end: u32,
        /// Where it must begin.
        expected: u32,
    },
    /// The levels do not cover all gates, or more than all.
    #[error("the levels cover {covered} gates, but there are {gates}")]
    LevelsDoNotCover {
        /// Gates covered.
        covered: u32,
        /// Number of gates.
        gates: usize,
    },
    /// A gate reads another of the same level.
    #[error(
        "gate %{gate} in level {level} reads %{operand} of the same level, but levels are independent gates"
    )]
    OperandInLevel {
        /// The level.
        level: usize,
        /// The reading gate.
        gate: usize,
        /// What it reads.
        operand: usize,
    },
    /// A refresh stands after another gate of its level.
    #[error("%{gate} in level {level} is a refresh after other gates, but a level's refreshes come first")]
    LateRefresh {
        /// The level.
        level: usize,
        /// The refresh.
        gate: usize,
    },
    /// A wire dies that does not exist yet.
    #[error("%{wire} dies in level {level}, before it is made")]
    DiesUnmade {
        /// The level.
        level: usize,
        /// The wire.
        wire: usize,
    },
    /// A wire dies twice.
    #[error("%{wire} dies in level {first} and again in level {second}")]
    DiesTwice {
        /// The wire.
        wire: usize,
        /// Where it dies first.
        first: usize,
        /// Where it dies again.
        second: usize,
    },
    /// An output dies.
    #[error("%{wire} drives an output bit, but dies in level {level}")]
    OutputDies {
        /// The wire.
        wire: usize,
        /// The level.
        level: usize,
    },
    /// A gate reads a dead wire.
    #[error("gate %{gate} in level {level} reads %{operand}, which died in level {died}")]
    ReadAfterDeath {
        /// The reading gate.
        gate: usize,
        /// Its level.
        level: usize,
        /// What it reads.
        operand: usize,
        /// Where that died.
        died: usize,
    },
    /// A wire that is no output never dies.
    #[error("%{wire} drives no output bit and never dies, so its value would be kept to the end")]
    NeverDies {
        /// The wire.
        wire: usize,
    },
}

impl Circuit {
    /// Checks everything that a circuit promises.
    ///
    /// # Errors
    /// The first broken rule.
    pub fn verify(&self) -> Result<(), VerifyError> {
        if u32::try_from(self.gates.len()).is_err() {
            return Err(VerifyError::TooManyGates { gates: self.gates.len() });
        }
        self.verify_gates()?;
        self.verify_inputs()?;
        self.verify_outputs()?;
        self.verify_origins()
    }

    fn verify_gates(&self) -> Result<(), VerifyError> {
        for (gate, kind) in self.gates.iter().enumerate() {
            if let Some(operand) = kind.operands().map(Wire::index).find(|&operand| operand >= gate) {
                return Err(VerifyError::OperandNotBefore { gate, operand });
            }
        }
        Ok(())
    }

    fn verify_inputs(&self) -> Result<(), VerifyError> {
        let bits = self.input_bits();
        if bits > MAX_INPUT_BITS {
            return Err(VerifyError::TooManyInputBits { bits });
        }
        let mut read: Vec<(u32, usize)> = self.input_gates().collect();
        if let Some(&(bit, gate)) = read.iter().find(|(bit, _)| *bit as usize >= bits) {
            return Err(VerifyError::InputOutOfRange { gate, bit, bits });
        }
        read.sort_unstable();
        match read.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            Some(pair) => {
                Err(VerifyError::InputTwice { first: pair[0].1, second: pair[1].1, bit: pair[0].0 })
            }
            None => Ok(()),
        }
    }

    /// The input bits that are read, each with its gate, in gate order.
    fn input_gates(&self) -> impl Iterator<Item = (u32, usize)> {
        self.gates.iter().enumerate().filter_map(|(index, gate)| match *gate {
            Gate::Input(bit) => Some((bit, index)),
            Gate::Constant(_) | Gate::Not(_) | Gate::Xor(..) | Gate::And(..) | Gate::Refresh(_) => None,
        })
    }

    fn verify_outputs(&self) -> Result<(), VerifyError> {
        let (wires, bits, gates) = (self.output_wires.len(), self.output_bits(), self.gates.len());
        if wires != bits {
            return Err(VerifyError::OutputCount { wires, bits });
        }
        match self.output_wires.iter().enumerate().find(|(_, wire)| wire.index() >= gates) {
            Some((bit, wire)) => Err(VerifyError::OutputOutOfRange { bit, wire: wire.index(), gates }),
            None => Ok(()),
        }
    }

    fn verify_origins(&self) -> Result<(), VerifyError> {
        let (origins, gates, functions) = (self.origins.len(), self.gates.len(), self.functions.len());
        if origins != gates {
            return Err(VerifyError::OriginCount { origins, gates });
        }
        if let Some((gate, &origin)) =
            self.origins.iter().enumerate().find(|(_, origin)| **origin as usize >= functions)
        {
            return Err(VerifyError::OriginOutOfRange { gate, origin, functions });
        }
        let mut seen = BTreeSet::new();
        match self.functions.iter().find(|name| !seen.insert(name.as_str())) {
            Some(name) => Err(VerifyError::FunctionTwice { name: name.clone() }),
            None => Ok(()),
        }
    }
}

impl Program {
    /// Checks everything that a program promises, its circuit included.
    ///
    /// # Errors
    /// The first broken rule.
    pub fn verify(&self) -> Result<(), VerifyError> {
        self.circuit.verify()?;
        self.verify_cover()?;
        let died = self.verify_deaths()?;
        for level in 0..self.levels.len() {
            self.verify_order(level)?;
            self.verify_reads(level, &died)?;
        }
        Ok(())
    }

    fn verify_cover(&self) -> Result<(), VerifyError> {
        let mut covered = 0;
        for (level, range) in self.levels.iter().map(|level| &level.gates).enumerate() {
            let (start, end) = (range.start, range.end);
            if start != covered || end < start {
                return Err(VerifyError::LevelOutOfOrder { level, start, end, expected: covered });
            }
            covered = end;
        }
        let gates = self.circuit.gates.len();
        if covered as usize == gates { Ok(()) } else { Err(VerifyError::LevelsDoNotCover { covered, gates }) }
    }

    /// The level in which each wire dies; outputs do not.
    fn verify_deaths(&self) -> Result<Vec<Option<usize>>, VerifyError> {
        let mut died = vec![None; self.circuit.gates.len()];
        for (level, Level { end, wire }) in self.deaths() {
            if wire >= end {
                return Err(VerifyError::DiesUnmade { level, wire });
            }
            if let Some(first) = died[wire].replace(level) {
                return Err(VerifyError::DiesTwice { wire, first, second: level });
            }
        }
        let mut kept = vec![false; died.len()];
        for wire in &self.circuit.output_wires {
            kept[wire.index()] = true;
        }
        for (wire, (death, kept)) in died.iter().zip(kept).enumerate() {
            match (*death, kept) {
                (Some(level), true) => return Err(VerifyError::OutputDies { wire, level }),
                (None, false) => return Err(VerifyError::NeverDies { wire }),
                (Some(_), false) | (None, true) => {}
            }
        }
        Ok(died)
    }

    fn deaths(&self) -> impl Iterator<Item = (usize, Level)> {
        self.levels.iter().enumerate().flat_map(|(number, level)| {
            let end = level.gates.end as usize;
            level.dead.iter().map(move |wire| (number, Level { end, wire: wire.index() }))
        })
    }

    fn verify_order(&self, level: usize) -> Result<(), VerifyError> {
        let (_, mut others) = self.split(&self.levels[level]);
        match others.find(|&gate| matches!(self.circuit.gates[gate], Gate::Refresh(_))) {
            Some(gate) => Err(VerifyError::LateRefresh { level, gate }),
            None => Ok(()),
        }
    }

    fn verify_reads(&self, level: usize, died: &[Option<usize>]) -> Result<(), VerifyError> {
        let range = &self.levels[level].gates;
        for gate in range.start as usize..range.end as usize {
            for operand in self.circuit.gates[gate].operands().map(Wire::index) {
                if operand >= range.start as usize {
                    return Err(VerifyError::OperandInLevel { level, gate, operand });
                }
                if let Some(died) = died[operand].filter(|&died| died < level) {
                    return Err(VerifyError::ReadAfterDeath { gate, level, operand, died });
                }
            }
        }
        Ok(())
    }
}

/// One death: the wire, and the number of gates made by the end of its level.
struct Level {
    end: usize,
    wire: usize,
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::sample;

    /// Breaks a good program and returns the rule that the verifier names.
    fn broken(change: impl FnOnce(&mut Program)) -> VerifyError {
        let mut program = sample::adder();
        program.verify().unwrap();
        change(&mut program);
        program.verify().unwrap_err()
    }

    fn first(program: &Program, kind: impl Fn(&Gate) -> bool) -> usize {
        program.circuit.gates.iter().position(kind).unwrap()
    }

    #[test]
    fn operands_come_before_uses() {
        let error = broken(|p| {
            let gate = first(p, |gate| matches!(gate, Gate::And(..)));
            p.circuit.gates[gate] = Gate::And(Wire::new(0), Wire::new(gate));
        });
        assert!(matches!(error, VerifyError::OperandNotBefore { gate, operand } if gate == operand));
    }

    #[test]
    fn input_bits_are_in_range_and_read_once() {
        assert!(matches!(
            broken(|p| p.circuit.gates[0] = Gate::Input(99)),
            VerifyError::InputOutOfRange { gate: 0, bit: 99, bits: 4 }
        ));
        assert!(matches!(
            broken(|p| p.circuit.gates[0] = Gate::Input(1)),
            VerifyError::InputTwice { first: 0, second: 1, bit: 1 }
        ));
    }

    #[test]
    fn every_output_bit_has_a_wire() {
        assert!(matches!(
            broken(|p| p.circuit.output_wires.truncate(2)),
            VerifyError::OutputCount { wires: 2, bits: 3 }
        ));
        assert!(matches!(
            broken(|p| p.circuit.output_wires[1] = Wire::new(1000)),
            VerifyError::OutputOutOfRange { bit: 1, wire: 1000, .. }
        ));
    }

    #[test]
    fn every_gate_has_an_origin_among_unique_functions() {
        assert!(matches!(broken(|p| p.circuit.origins.truncate(3)), VerifyError::OriginCount { .. }));
        assert!(matches!(
            broken(|p| p.circuit.origins[2] = 7),
            VerifyError::OriginOutOfRange { gate: 2, origin: 7, .. }
        ));
        let double = |p: &mut Program| p.circuit.functions.push(p.circuit.functions[0].clone());
        assert!(matches!(broken(double), VerifyError::FunctionTwice { .. }));
    }

    #[test]
    fn levels_cover_the_gates_in_order() {
        assert!(matches!(
            broken(|p| p.levels[1].gates.start += 1),
            VerifyError::LevelOutOfOrder { level: 1, .. }
        ));
        assert!(matches!(
            broken(|p| p.levels.last_mut().unwrap().gates.end += 1),
            VerifyError::LevelsDoNotCover { .. } | VerifyError::NeverDies { .. }
        ));
    }

    #[test]
    fn a_level_begins_with_its_refreshes_and_reads_only_earlier_ones() {
        let text = |gates: &str| {
            format!(
                "program 1\npreset \"test\"\nfunction \"f\"\ninput \"x\" kind \"bits\" width 2\nlevel 0\nfrom \"f\"\n\
                 %0 = input 0\n%1 = input 1\nlevel 1\n{gates}output \"y\" kind \"bits\" width 2 is %2 %3\n"
            )
        };
        let beside = text("%2 = refresh %0\n%3 = and %0 %1\ndead %0 %1\n").parse::<Program>().unwrap();
        assert_eq!(beside.split(&beside.levels[1]), (2..3, 3..4));
        let mut late = beside;
        late.circuit.gates.swap(2, 3);
        assert_eq!(late.verify(), Err(VerifyError::LateRefresh { level: 1, gate: 3 }));
        let merged = broken(|p| {
            let next = p.levels.remove(1);
            p.levels[0].gates.end = next.gates.end;
            p.levels[0].dead.extend(next.dead);
        });
        assert!(matches!(merged, VerifyError::OperandInLevel { level: 0, .. }));
    }

    #[test]
    fn everything_but_outputs_dies_exactly_once_after_its_last_read() {
        let output = sample::adder().circuit.output_wires[0];
        assert!(matches!(
            broken(|p| p.levels.last_mut().unwrap().dead.push(output)),
            VerifyError::OutputDies { .. }
        ));
        let early = |p: &mut Program| {
            let wire = p.levels.last_mut().unwrap().dead.pop().unwrap();
            p.levels[0].dead.push(wire);
        };
        assert!(matches!(broken(early), VerifyError::ReadAfterDeath { .. } | VerifyError::DiesUnmade { .. }));
        assert!(matches!(
            broken(|p| p.levels.last_mut().unwrap().dead.truncate(1)),
            VerifyError::NeverDies { .. }
        ));
        let twice = |p: &mut Program| {
            let wire = p.levels.last().unwrap().dead[0];
            p.levels.last_mut().unwrap().dead.push(wire);
        };
        assert!(matches!(broken(twice), VerifyError::DiesTwice { .. }));
    }
}
