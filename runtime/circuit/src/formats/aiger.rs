//! AIGER, in ASCII (`aag`) and binary (`aig`): and-inverter graphs. Version 1.9 headers are read where they say no more
//! than version 1 does; latches are refused.
//!
//! An and-inverter graph has no XOR: writing spends three ANDs on each. Reading finds XORs and multiplexers again, which
//! cost no AND and one: `!(p q) & !(!p t)` is `!(p ? q : t)`, and an XOR where `t` is `!q`.

use std::collections::BTreeSet;
use std::io::Write as _;

use super::names::{Style, bit_names, port_names, ports_of};
use super::nets::in_order;
use super::{FormatError, Imported, check_width, shown, wrong};
use crate::{Builder, Circuit, Gate, Port, Wire};

/// ANDs of the largest graph that is read: two bytes of a file can be one.
const MOST_ANDS: usize = 1 << 27;

/// Twice a variable, plus one if complemented; variable 0 is the constant 0.
type Literal = usize;

/// An and-inverter graph: variables `1 ..= inputs` are the inputs, the next ones the ANDs, each reading only smaller
/// variables.
struct Graph {
    inputs: usize,
    ands: Vec<(Literal, Literal)>,
    outputs: Vec<Literal>,
}

impl Graph {
    /// The graph of a circuit without refreshes.
    fn of(circuit: &Circuit) -> Graph {
        let mut graph = Graph { inputs: circuit.input_bits(), ands: Vec::new(), outputs: Vec::new() };
        let mut literals: Vec<Literal> = Vec::with_capacity(circuit.gates.len());
        for gate in &circuit.gates {
            let literal = match *gate {
                Gate::Constant(bit) => usize::from(bit),
                Gate::Input(bit) => 2 * (bit as usize + 1),
                Gate::Not(a) => literals[a.index()] ^ 1,
                Gate::Refresh(a) => literals[a.index()],
                Gate::And(a, b) => graph.and(literals[a.index()], literals[b.index()]),
                Gate::Xor(a, b) => {
                    let (a, b) = (literals[a.index()], literals[b.index()]);
                    let both = graph.and(a, b);
                    let none = graph.and(a ^ 1, b ^ 1);
                    graph.and(both ^ 1, none ^ 1)
                }
            };
            literals.push(literal);
        }
        graph.outputs = circuit.output_wires.iter().map(|wire| literals[wire.index()]).collect();
        graph
    }

    fn and(&mut self, a: Literal, b: Literal) -> Literal {
        let (a, b) = (a.max(b), a.min(b));
        match b {
            0 => 0,
            1 => a,
            _ if a == b => a,
            _ if a == b ^ 1 => 0,
            _ => {
                self.ands.push((a, b));
                2 * (self.inputs + self.ands.len())
            }
        }
    }

    fn header(&self, kind: &str) -> String {
        let ands = self.ands.len();
        format!("{kind} {} {} 0 {} {ands}\n", self.inputs + ands, self.inputs, self.outputs.len())
    }
}

/// Writes a circuit without refreshes, in ASCII.
pub(super) fn write_ascii(circuit: &Circuit) -> Vec<u8> {
    let graph = Graph::of(circuit);
    let mut out = graph.header("aag").into_bytes();
    let mut line = |text: std::fmt::Arguments<'_>| writeln!(out, "{text}").expect("a Vec takes everything");
    (1..=graph.inputs).for_each(|input| line(format_args!("{}", 2 * input)));
    graph.outputs.iter().for_each(|output| line(format_args!("{output}")));
    for (n, (a, b)) in graph.ands.iter().enumerate() {
        line(format_args!("{} {a} {b}", 2 * (graph.inputs + n + 1)));
    }
    out.extend(symbols(circuit));
    out
}

/// Writes a circuit without refreshes, in binary.
pub(super) fn write_binary(circuit: &Circuit) -> Vec<u8> {
    let graph = Graph::of(circuit);
    let mut out = graph.header("aig").into_bytes();
    for output in &graph.outputs {
        writeln!(out, "{output}").expect("a Vec takes everything");
    }
    for (n, (a, b)) in graph.ands.iter().enumerate() {
        let to = 2 * (graph.inputs + n + 1);
        debug_assert!(to > *a && a > b, "operands are smaller, and in order");
        difference(&mut out, to - a);
        difference(&mut out, a - b);
    }
    out.extend(symbols(circuit));
    out
}

/// Seven bits a byte, the low ones first; all but the last byte have their high bit set.
fn difference(out: &mut Vec<u8>, mut number: usize) {
    while number >= 0x80 {
        out.push(0x80 | (number & 0x7f) as u8);
        number >>= 7;
    }
    out.push(number as u8);
}

fn symbols(circuit: &Circuit) -> Vec<u8> {
    let mut taken = BTreeSet::new();
    let mut out = Vec::new();
    for (letter, ports) in [('i', &circuit.inputs), ('o', &circuit.outputs)] {
        let names = port_names(ports.iter(), Style::Free, &mut taken);
        let bits =
            names.iter().zip(ports).flat_map(|(name, port): (&String, &Port)| bit_names(name, port.width));
        for (n, name) in bits.enumerate() {
            writeln!(out, "{letter}{n} {name}").expect("a Vec takes everything");
        }
    }
    out.extend(b"c\nffhec\n");
    out
}

/// A file as it stands: variables may come in any order.
struct File {
    /// What defines each variable.
    variables: Vec<Variable>,
    inputs: Vec<usize>,
    outputs: Vec<Literal>,
    ands: usize,
    input_names: Vec<Option<String>>,
    output_names: Vec<Option<String>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Variable {
    Undefined,
    Input,
    And(Literal, Literal),
}

/// Reads either form.
pub(super) fn read(bytes: &[u8]) -> Result<Imported, FormatError> {
    let file = Cursor { bytes, at: 0, line: 0 }.file()?;
    let ands = file.ands;
    Ok(Imported { circuit: file.circuit()?, ands_in_file: Some(ands) })
}

/// Reads on from a place in the file.
struct Cursor<'b> {
    bytes: &'b [u8],
    at: usize,
    /// Number of the line read last, from 1.
    line: usize,
}

impl<'b> Cursor<'b> {
    fn file(mut self) -> Result<File, FormatError> {
        let header = self.text_line("the header `aag M I L O A`")?;
        let mut words = header.split_whitespace();
        let binary = match words.next() {
            Some("aag") => false,
            Some("aig") => true,
            other => {
                return Err(wrong(
                    1,
                    format!("expected `aag` or `aig`, found {}", shown(other.unwrap_or(""))),
                ));
            }
        };
        let sizes: Vec<usize> = words.map(|word| number(1, word)).collect::<Result<_, _>>()?;
        let &[most, inputs, latches, outputs, ands, ref more @ ..] = &sizes[..] else {
            return Err(wrong(1, format!("expected five numbers behind the format, found {}", sizes.len())));
        };
        if latches > 0 || more.iter().any(|count| *count > 0) || more.len() > 4 {
            return Err(wrong(1, "the circuit has latches or properties; only combinational ones are read"));
        }
        check_width(1, inputs.max(outputs))?;
        if ands > MOST_ANDS {
            return Err(wrong(1, format!("{ands} ANDs; at most {MOST_ANDS} are read")));
        }
        // In binary, inputs take no bytes, each AND at least two; in ASCII a variable may be left out.
        let room = inputs + self.bytes.len();
        if most > room || ands > room || outputs > self.bytes.len() || (binary && most != inputs + ands) {
            return Err(wrong(
                1,
                format!("{most} variables, {inputs} inputs and {ands} ANDs do not go together"),
            ));
        }
        let mut file = File {
            variables: vec![Variable::Undefined; most + 1],
            inputs: Vec::new(),
            outputs: Vec::new(),
            ands,
            input_names: vec![None; inputs],
            output_names: vec![None; outputs],
        };
        for n in 0..inputs {
            let literal = if binary { 2 * (n + 1) } else { self.literals::<1>("an input", most)?[0] };
            file.define(self.line, literal, Variable::Input)?;
            file.inputs.push(literal / 2);
        }
        for _ in 0..outputs {
            file.outputs.push(self.literals::<1>("an output", most)?[0]);
        }
        for n in 0..ands {
            if binary {
                let to = 2 * (inputs + n + 1);
                let a = self.below(to)?;
                let b = self.below_or_same(a)?;
                file.define(self.line, to, Variable::And(a, b))?;
            } else {
                let [to, a, b] = self.literals::<3>("an AND", most)?;
                file.define(self.line, to, Variable::And(a, b))?;
            }
        }
        self.names(&mut file)?;
        Ok(file)
    }

    /// The next line, without its end.
    fn text_line(&mut self, expected: &str) -> Result<&'b str, FormatError> {
        self.line += 1;
        if self.at >= self.bytes.len() {
            return Err(wrong(self.line, format!("expected {expected}, found the end of the file")));
        }
        let rest = &self.bytes[self.at..];
        let end = rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
        self.at += end + 1;
        std::str::from_utf8(&rest[..end])
            .map_err(|_| wrong(self.line, format!("expected {expected}, found bytes that are no text")))
    }

    fn literals<const N: usize>(&mut self, what: &str, most: usize) -> Result<[Literal; N], FormatError> {
        let text = self.text_line(what)?;
        let words: Vec<usize> =
            text.split_whitespace().map(|word| number(self.line, word)).collect::<Result<_, _>>()?;
        let found = words.len();
        let literals: [Literal; N] = words
            .try_into()
            .map_err(|_| wrong(self.line, format!("expected {N} numbers for {what}, found {found}")))?;
        match literals.iter().find(|literal| **literal / 2 > most) {
            None => Ok(literals),
            Some(literal) => {
                Err(wrong(self.line, format!("literal {literal} is above {}, the largest", 2 * most + 1)))
            }
        }
    }

    /// A number of the binary form.
    fn difference(&mut self) -> Result<usize, FormatError> {
        let start = self.at;
        let mut number = 0_u64;
        for shift in (0..63).step_by(7) {
            let byte = *self.bytes.get(self.at).ok_or_else(|| FormatError::Byte {
                at: self.at,
                message: "expected the operands of an AND, found the end of the file".into(),
            })?;
            self.at += 1;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return usize::try_from(number).map_err(|_| FormatError::Byte {
                    at: start,
                    message: "a number beyond all limits".into(),
                });
            }
        }
        Err(FormatError::Byte { at: start, message: "a number of more than nine bytes".into() })
    }

    fn below_or_same(&mut self, literal: Literal) -> Result<Literal, FormatError> {
        let at = self.at;
        let difference = self.difference()?;
        literal.checked_sub(difference).ok_or_else(|| FormatError::Byte {
            at,
            message: format!("a difference of {difference} below literal {literal}"),
        })
    }

    fn below(&mut self, literal: Literal) -> Result<Literal, FormatError> {
        let at = self.at;
        match self.below_or_same(literal)? {
            same if same == literal => {
                Err(FormatError::Byte { at, message: format!("literal {literal} reads itself") })
            }
            below => Ok(below),
        }
    }

    /// The symbol table, up to the comments.
    fn names(&mut self, file: &mut File) -> Result<(), FormatError> {
        while self.at < self.bytes.len() {
            let text = self.text_line("a symbol")?;
            if text.trim_end() == "c" {
                return Ok(());
            }
            let symbol = text.split_once(' ').and_then(|(position, name)| {
                let table = match position.get(..1)? {
                    "i" => &mut file.input_names,
                    "o" => &mut file.output_names,
                    _ => return None,
                };
                let slot = table.get_mut(position[1..].parse::<usize>().ok()?)?;
                *slot = Some(name.trim_end().to_owned());
                Some(())
            });
            if symbol.is_none() && !text.trim().is_empty() {
                let message = format!("expected a symbol such as `i0 name`, or `c`, found {}", shown(text));
                return Err(wrong(self.line, message));
            }
        }
        Ok(())
    }
}

fn number(line: usize, word: &str) -> Result<usize, FormatError> {
    let plain = word.bytes().all(|byte| byte.is_ascii_digit());
    let number = word.parse::<u32>().ok().filter(|_| plain);
    number.map(|n| n as usize).ok_or_else(|| wrong(line, format!("expected a number, found {}", shown(word))))
}

impl File {
    fn define(&mut self, line: usize, literal: Literal, as_what: Variable) -> Result<(), FormatError> {
        if literal % 2 == 1 || literal == 0 {
            return Err(wrong(line, format!("{literal} is no variable: expected an even number above 0")));
        }
        let variable = &mut self.variables[literal / 2];
        if *variable != Variable::Undefined {
            return Err(wrong(line, format!("{literal} is defined a second time")));
        }
        *variable = as_what;
        Ok(())
    }

    /// What the AND at `variable` selects: `!(choice ? yes : no)`.
    fn selection(&self, variable: usize) -> Option<[Literal; 3]> {
        let Variable::And(left, right) = self.variables[variable] else { return None };
        if left % 2 == 0 || right % 2 == 0 {
            return None;
        }
        let (Variable::And(a, b), Variable::And(c, d)) =
            (self.variables[left / 2], self.variables[right / 2])
        else {
            return None;
        };
        let pairs = [(a, b, c, d), (a, b, d, c), (b, a, c, d), (b, a, d, c)];
        // An XOR rather than a multiplexer, where both are there.
        let found = pairs.iter().filter(|(p, _, s, _)| *p == s ^ 1);
        found.max_by_key(|(_, q, _, t)| *q == t ^ 1).map(|(p, q, _, t)| [*p, *q, *t])
    }

    fn reads(&self, variable: usize, list: &mut Vec<usize>) {
        match (self.selection(variable), self.variables[variable]) {
            (Some(literals), _) => list.extend(literals.iter().map(|literal| literal / 2)),
            (None, Variable::And(a, b)) => list.extend([a / 2, b / 2]),
            (None, Variable::Input | Variable::Undefined) => {}
        }
    }

    fn check(&self) -> Result<(), FormatError> {
        let undefined =
            |literal: &Literal| *literal > 1 && self.variables[literal / 2] == Variable::Undefined;
        let read = self.variables.iter().flat_map(|variable| match variable {
            Variable::And(a, b) => [*a, *b],
            Variable::Input | Variable::Undefined => [0, 0],
        });
        match read.chain(self.outputs.iter().copied()).find(undefined) {
            Some(literal) => Err(part(format!("literal {literal}"), "is read, but nothing defines it")),
            None => Ok(()),
        }
    }

    fn circuit(&self) -> Result<Circuit, FormatError> {
        self.check()?;
        // Whether there is a cycle does not depend on what is recognised, so all that stands in the file is looked at.
        let all = in_order(self.variables.len(), 0..self.variables.len(), |variable, list| {
            if let Variable::And(a, b) = self.variables[variable] {
                list.extend([a / 2, b / 2]);
            }
        });
        let cycle = |variable: usize| part(format!("variable {variable}"), "depends on itself");
        all.map_err(cycle)?;
        let roots = self.outputs.iter().map(|literal| literal / 2);
        let order = in_order(self.variables.len(), roots, |variable, list| self.reads(variable, list))
            .map_err(cycle)?;
        let mut builder = Builder::new();
        let mut wires: Vec<Option<Wire>> = vec![None; self.variables.len()];
        let names = bit_list(&self.input_names, "x");
        let inputs: Vec<Wire> = ports_of(&names).into_iter().flat_map(|port| builder.input(port)).collect();
        for (variable, wire) in self.inputs.iter().zip(inputs) {
            wires[*variable] = Some(wire);
        }
        let literal = |builder: &mut Builder, wires: &[Option<Wire>], literal: Literal| {
            let wire = match wires[literal / 2] {
                Some(wire) => wire,
                None => builder.constant(false),
            };
            if literal % 2 == 1 { builder.not(wire) } else { wire }
        };
        for variable in order {
            if let Some([choice, yes, no]) = self.selection(variable) {
                let choice = literal(&mut builder, &wires, choice);
                let (yes, no) = (literal(&mut builder, &wires, yes), literal(&mut builder, &wires, no));
                let selected = builder.mux(choice, yes, no);
                wires[variable] = Some(builder.not(selected));
            } else if let Variable::And(a, b) = self.variables[variable] {
                let (a, b) = (literal(&mut builder, &wires, a), literal(&mut builder, &wires, b));
                wires[variable] = Some(builder.and(a, b));
            }
        }
        let outputs: Vec<Wire> =
            self.outputs.iter().map(|output| literal(&mut builder, &wires, *output)).collect();
        let mut outputs = outputs.into_iter();
        for port in ports_of(&bit_list(&self.output_names, "y")) {
            let bits: Vec<Wire> = outputs.by_ref().take(port.width as usize).collect();
            builder.output(port, &bits);
        }
        Ok(builder.finish())
    }
}

fn part(part: String, message: &str) -> FormatError {
    FormatError::Part { part, message: message.into() }
}

/// The names of all bits; those without one are bits of a port called `port`, in order.
fn bit_list(names: &[Option<String>], port: &str) -> Vec<String> {
    let mut unnamed = 0;
    names
        .iter()
        .map(|name| match name {
            Some(name) => name.clone(),
            None => {
                unnamed += 1;
                format!("{port}[{}]", unnamed - 1)
            }
        })
        .collect()
}
