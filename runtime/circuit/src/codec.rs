//! The binary form of a program, `.ffc`: a [container](crate::container) of kind program whose one section holds the
//! bytes described here.
//!
//! All numbers are unsigned LEB128 varints. Operands are written as distances back from their gate, deaths as
//! distances from each other, origins as runs: a gate takes two to four bytes. In order: version; preset; functions;
//! input ports; output ports; gates; origin runs; output wires; levels. A string is its length and its UTF-8 bytes; a
//! list is its length and its items. Decoding checks every length against the bytes that are left before it
//! allocates, and verifies the program it has read.

use std::io::{Read, Seek, Write};

use thiserror::Error;

use crate::container::{Container, ContainerError, Header, Kind, write_container};
use crate::{Circuit, Gate, Level, Port, Program, VerifyError, Wire};

/// Version of the encoding.
const VERSION: u64 = 1;

/// The section of a program file.
const SECTION: &str = "program";

/// Why bytes are no program.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum DecodeError {
    /// The bytes end in the middle of something.
    #[error("the program ends at byte {at}, in the middle of {what}")]
    Truncated {
        /// Where it ends.
        at: usize,
        /// What was being read.
        what: &'static str,
    },
    /// Another version of the encoding.
    #[error(
        "the program is encoded in version {found}, this ffhec reads version {VERSION}; compile it again"
    )]
    Version {
        /// The version found.
        found: u64,
    },
    /// A length that the bytes left cannot hold.
    #[error("at byte {at}: {count} {what} announced, but only {left} bytes are left")]
    Count {
        /// Where the length stands.
        at: usize,
        /// What is counted.
        what: &'static str,
        /// The length.
        count: u64,
        /// Bytes left.
        left: usize,
    },
    /// A number that is out of its range.
    #[error("at byte {at}: {what} is out of range")]
    Range {
        /// Where the number stands.
        at: usize,
        /// What it means.
        what: &'static str,
    },
    /// A string that is not UTF-8.
    #[error("at byte {at}: {what} is not UTF-8")]
    Utf8 {
        /// Where the string begins.
        at: usize,
        /// What it means.
        what: &'static str,
    },
    /// Bytes after the end.
    #[error("{extra} bytes follow the end of the program")]
    Trailing {
        /// How many.
        extra: usize,
    },
    /// Well-formed, but no valid program.
    #[error("the program is not valid: {0}")]
    Invalid(#[from] VerifyError),
}

/// Why a file is no program file.
#[derive(Debug, Error)]
pub enum ProgramFileError {
    /// The file around the program is not whole, or not a program file.
    #[error(transparent)]
    Container(#[from] ContainerError),
    /// The program in it cannot be read.
    #[error(transparent)]
    Decode(#[from] DecodeError),
}

impl Program {
    /// Writes the program as an `.ffc` file. The header carries its preset and input signature.
    ///
    /// # Errors
    /// If `out` fails, or the preset's name is longer than a header holds.
    pub fn write_ffc(&self, out: &mut dyn Write) -> Result<(), ContainerError> {
        let header = Header {
            kind: Kind::Program,
            preset: self.preset.clone(),
            key_id: None,
            signature: Some(self.circuit.input_signature()),
        };
        write_container(&header, &[(SECTION, &self.to_bytes())], out)
    }

    /// Reads an `.ffc` file.
    ///
    /// # Errors
    /// If it is not whole, of another kind or version, or not a valid program.
    pub fn read_ffc(input: impl Read + Seek) -> Result<Program, ProgramFileError> {
        let mut container = Container::open(input)?;
        container.expect_kind(Kind::Program)?;
        Ok(Program::from_bytes(&container.section(SECTION)?)?)
    }

    /// The program in its binary form, without the file around it. The same program gives the same bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let circuit = &self.circuit;
        let mut out = Encoder(Vec::with_capacity(4 * circuit.gates.len() + 256));
        out.number(VERSION);
        out.string(&self.preset);
        out.length(circuit.functions.len());
        circuit.functions.iter().for_each(|name| out.string(name));
        out.ports(&circuit.inputs);
        out.ports(&circuit.outputs);
        out.length(circuit.gates.len());
        circuit.gates.iter().enumerate().for_each(|(index, gate)| out.gate(index, *gate));
        for run in circuit.origins.chunk_by(|a, b| a == b) {
            out.length(run.len());
            out.number(run[0].into());
        }
        out.length(circuit.output_wires.len());
        circuit.output_wires.iter().for_each(|wire| out.length(wire.index()));
        out.length(self.levels.len());
        for level in &self.levels {
            out.number((level.gates.end - level.gates.start).into());
            out.wires(&level.dead);
        }
        out.0
    }

    /// Reads what [`Program::to_bytes`] writes, and verifies it.
    ///
    /// # Errors
    /// If the bytes are not a valid program.
    pub fn from_bytes(bytes: &[u8]) -> Result<Program, DecodeError> {
        let mut input = Decoder { bytes, at: 0 };
        let found = input.number("the version")?;
        if found != VERSION {
            return Err(DecodeError::Version { found });
        }
        let preset = input.string("the preset's name")?;
        let functions = input.list("functions", |input| input.string("a function's name"))?;
        let inputs = input.list("input ports", Decoder::port)?;
        let outputs = input.list("output ports", Decoder::port)?;
        let mut index = 0;
        let gates = input.list("gates", |input| {
            index += 1;
            input.gate(index - 1)
        })?;
        let origins = input.origins(gates.len())?;
        let output_wires = input.list("output wires", |input| input.small("an output wire").map(wire))?;
        let mut end = 0;
        let levels = input.list("levels", |input| input.level(&mut end))?;
        let extra = bytes.len() - input.at;
        if extra > 0 {
            return Err(DecodeError::Trailing { extra });
        }
        let circuit = Circuit { gates, origins, functions, inputs, outputs, output_wires };
        let program = Program { circuit, levels, preset };
        program.verify()?;
        Ok(program)
    }
}

/// Operation codes: the low three bits of a gate's first number; the rest is the input bit or the first distance.
mod code {
    pub(super) const CONSTANT: u64 = 0;
    pub(super) const INPUT: u64 = 1;
    pub(super) const NOT: u64 = 2;
    pub(super) const XOR: u64 = 3;
    pub(super) const AND: u64 = 4;
    pub(super) const REFRESH: u64 = 5;
}

struct Encoder(Vec<u8>);

impl Encoder {
    fn number(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.0.push(number as u8 | 0x80);
            number >>= 7;
        }
        self.0.push(number as u8);
    }

    fn length(&mut self, length: usize) {
        self.number(length as u64);
    }

    fn string(&mut self, string: &str) {
        self.length(string.len());
        self.0.extend_from_slice(string.as_bytes());
    }

    fn ports(&mut self, ports: &[Port]) {
        self.length(ports.len());
        for port in ports {
            self.string(&port.name);
            self.string(&port.kind);
            self.number(port.width.into());
            match &port.range {
                None => self.number(0),
                Some((low, high)) => {
                    self.number(1);
                    self.string(low);
                    self.string(high);
                }
            }
        }
    }

    fn gate(&mut self, index: usize, gate: Gate) {
        // Operands precede their uses; a circuit that breaks this encodes to bytes that do not decode.
        let back = |wire: Wire| (index as u64).wrapping_sub(wire.index() as u64 + 1) & u64::from(u32::MAX);
        match gate {
            Gate::Constant(bit) => self.number(u64::from(bit) << 3 | code::CONSTANT),
            Gate::Input(bit) => self.number(u64::from(bit) << 3 | code::INPUT),
            Gate::Not(a) => self.number(back(a) << 3 | code::NOT),
            Gate::Refresh(a) => self.number(back(a) << 3 | code::REFRESH),
            Gate::Xor(a, b) => {
                self.number(back(a) << 3 | code::XOR);
                self.number(back(b));
            }
            Gate::And(a, b) => {
                self.number(back(a) << 3 | code::AND);
                self.number(back(b));
            }
        }
    }

    /// Wires as signed distances from the one before, zigzag-coded: deaths usually come in rising order.
    fn wires(&mut self, wires: &[Wire]) {
        self.length(wires.len());
        let mut before = 0_i64;
        for wire in wires.iter().map(|wire| wire.index() as i64) {
            let step = wire - before;
            self.number(((step << 1) ^ (step >> 63)) as u64);
            before = wire;
        }
    }
}

fn wire(index: u32) -> Wire {
    Wire::new(index as usize)
}

struct Decoder<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Decoder<'a> {
    /// A number of at most 64 bits in its shortest form.
    fn number(&mut self, what: &'static str) -> Result<u64, DecodeError> {
        let start = self.at;
        let mut number = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = *self.bytes.get(self.at).ok_or(DecodeError::Truncated { at: self.at, what })?;
            self.at += 1;
            let part = u64::from(byte & 0x7f);
            let lost = (part << shift) >> shift != part;
            let padded = byte == 0 && shift > 0;
            if lost || padded {
                return Err(DecodeError::Range { at: start, what });
            }
            number |= part << shift;
            if byte < 0x80 {
                return Ok(number);
            }
        }
        Err(DecodeError::Range { at: start, what })
    }

    /// A number below 2^32.
    fn small(&mut self, what: &'static str) -> Result<u32, DecodeError> {
        let at = self.at;
        u32::try_from(self.number(what)?).map_err(|_| DecodeError::Range { at, what })
    }

    /// The length of a list or string. Every item takes a byte at least, so no length above the bytes left is good.
    fn length(&mut self, what: &'static str) -> Result<usize, DecodeError> {
        let at = self.at;
        let count = self.number(what)?;
        let left = self.bytes.len() - self.at;
        usize::try_from(count).ok().filter(|&n| n <= left).ok_or(DecodeError::Count { at, what, count, left })
    }

    fn list<T>(
        &mut self,
        what: &'static str,
        mut item: impl FnMut(&mut Self) -> Result<T, DecodeError>,
    ) -> Result<Vec<T>, DecodeError> {
        let length = self.length(what)?;
        (0..length).map(|_| item(self)).collect()
    }

    fn string(&mut self, what: &'static str) -> Result<String, DecodeError> {
        let length = self.length(what)?;
        let at = self.at;
        self.at += length;
        let bytes = &self.bytes[at..self.at];
        Ok(std::str::from_utf8(bytes).map_err(|_| DecodeError::Utf8 { at, what })?.to_owned())
    }

    fn port(&mut self) -> Result<Port, DecodeError> {
        let name = self.string("a port's name")?;
        let kind = self.string("a port's kind")?;
        let width = self.small("a port's width")?;
        let at = self.at;
        let range = match self.number("a port's range")? {
            0 => None,
            1 => Some((self.string("a range's lower end")?, self.string("a range's upper end")?)),
            _ => return Err(DecodeError::Range { at, what: "a port's range" }),
        };
        Ok(Port { name, kind, width, range })
    }

    fn gate(&mut self, index: usize) -> Result<Gate, DecodeError> {
        let at = self.at;
        let first = self.number("a gate")?;
        let bad = DecodeError::Range { at, what: "a gate" };
        let back = |distance: u64| {
            let operand = (index as u64).checked_sub(1)?.checked_sub(distance)?;
            u32::try_from(operand).ok().map(wire)
        };
        let (operation, argument) = (first & 7, first >> 3);
        let gate = match operation {
            code::CONSTANT if argument < 2 => Some(Gate::Constant(argument == 1)),
            code::INPUT => u32::try_from(argument).ok().map(Gate::Input),
            code::NOT => back(argument).map(Gate::Not),
            code::REFRESH => back(argument).map(Gate::Refresh),
            code::XOR | code::AND => {
                let second = self.number("a gate")?;
                let kind = if operation == code::XOR { Gate::Xor } else { Gate::And };
                back(argument).zip(back(second)).map(|(a, b)| kind(a, b))
            }
            _ => None,
        };
        gate.ok_or(bad)
    }

    fn origins(&mut self, gates: usize) -> Result<Vec<u32>, DecodeError> {
        let mut origins: Vec<u32> = Vec::with_capacity(gates);
        while origins.len() < gates {
            let at = self.at;
            let run = self.number("a run of origins")?;
            let origin = self.small("an origin")?;
            // Runs are as long as they can be, so that equal programs have equal bytes.
            let fits = run > 0 && run <= (gates - origins.len()) as u64 && origins.last() != Some(&origin);
            if !fits {
                return Err(DecodeError::Range { at, what: "a run of origins" });
            }
            origins.resize(origins.len() + run as usize, origin);
        }
        Ok(origins)
    }

    fn level(&mut self, end: &mut u32) -> Result<Level, DecodeError> {
        let at = self.at;
        let width = self.small("a level's width")?;
        let start = *end;
        *end = start.checked_add(width).ok_or(DecodeError::Range { at, what: "a level's width" })?;
        let mut before = 0_i64;
        let dead = self.list("dead wires", |input| {
            let at = input.at;
            let step = input.number("a dead wire")?;
            let bad = DecodeError::Range { at, what: "a dead wire" };
            before = before.checked_add((step >> 1) as i64 ^ -((step & 1) as i64)).ok_or(bad.clone())?;
            u32::try_from(before).map(wire).map_err(|_| bad)
        })?;
        Ok(Level { gates: start..*end, dead })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::io::Cursor;

    use proptest::prelude::*;

    use super::*;
    use crate::sample;

    fn ffc(program: &Program) -> Vec<u8> {
        let mut bytes = Vec::new();
        program.write_ffc(&mut bytes).unwrap();
        bytes
    }

    proptest! {
        #[test]
        fn programs_round_trip(program in sample::programs()) {
            prop_assert_eq!(Program::from_bytes(&program.to_bytes()), Ok(program.clone()));
            prop_assert_eq!(Program::read_ffc(Cursor::new(ffc(&program))).unwrap(), program);
        }

        /// Without a checksum a changed byte may well give another program, but only a valid one with these bytes.
        #[test]
        fn mutated_bytes_never_panic(
            program in sample::programs(),
            flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
            cut in any::<prop::sample::Index>(),
        ) {
            let bytes = program.to_bytes();
            let mut flipped = bytes.clone();
            for (at, value) in flips {
                let at = at.index(flipped.len());
                flipped[at] = value;
            }
            if let Ok(program) = Program::from_bytes(&flipped) {
                prop_assert_eq!(program.verify(), Ok(()));
                prop_assert_eq!(program.to_bytes(), flipped);
            }
            prop_assert!(Program::from_bytes(&bytes[..cut.index(bytes.len())]).is_err());
        }

        #[test]
        fn a_flipped_bit_of_a_file_is_noticed(
            program in sample::programs(), at in any::<prop::sample::Index>(), bit in 0_u8..8
        ) {
            let mut file = ffc(&program);
            let at = at.index(file.len());
            file[at] ^= 1 << bit;
            prop_assert!(Program::read_ffc(Cursor::new(file)).is_err());
        }

        #[test]
        fn arbitrary_bytes_never_panic(mut bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = Program::from_bytes(&bytes);
            bytes.insert(0, 1);
            let _ = Program::from_bytes(&bytes);
        }
    }

    #[test]
    fn hostile_lengths_are_refused_before_anything_is_allocated() {
        let huge = [1, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f];
        assert!(matches!(
            Program::from_bytes(&huge),
            Err(DecodeError::Count { at: 2, what: "functions", left: 0, .. })
        ));
        assert_eq!(Program::from_bytes(&[9]), Err(DecodeError::Version { found: 9 }));
        assert_eq!(Program::from_bytes(&[0x81, 0]), Err(DecodeError::Range { at: 0, what: "the version" }));
    }

    #[test]
    fn a_gate_takes_few_bytes() {
        let program = sample::adder();
        assert!(program.to_bytes().len() < 10 * program.circuit.gates.len());
    }
}
