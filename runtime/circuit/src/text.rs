//! The text form of circuits and programs: one gate a line. Printing and parsing round-trip exactly; the grammar
//! stands in `compiler/docs/text-form.md`.

use std::fmt::{self, Write};
use std::str::FromStr;

use thiserror::Error;

use crate::{Circuit, Gate, Level, Port, Program, VerifyError, Wire};

/// Version of the text form, on its first line.
const VERSION: u32 = 1;

/// Why a text is no circuit or program.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum TextError {
    /// The text does not follow the grammar.
    #[error("line {line}, column {column}: expected {expected}, found {found}")]
    Syntax {
        /// Line, from 1.
        line: usize,
        /// Column in characters, from 1.
        column: usize,
        /// What would have been right.
        expected: String,
        /// What stands there.
        found: String,
    },
    /// The text follows the grammar, but means no valid circuit or program.
    #[error("the text is well-formed, but not a valid circuit: {0}")]
    Invalid(#[from] VerifyError),
}

impl fmt::Display for Circuit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "circuit {VERSION}")?;
        print_ports(f, self)?;
        let names = input_names(self);
        let mut origin = None;
        for gate in 0..self.gates.len() {
            print_gate(f, self, gate, &names, &mut origin)?;
        }
        print_outputs(f, self)
    }
}

impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "program {VERSION}")?;
        writeln!(f, "preset {}", Quoted(&self.preset))?;
        print_ports(f, &self.circuit)?;
        let names = input_names(&self.circuit);
        let mut origin = None;
        for (number, level) in self.levels.iter().enumerate() {
            writeln!(f, "level {number}")?;
            for gate in level.gates.clone() {
                print_gate(f, &self.circuit, gate as usize, &names, &mut origin)?;
            }
            if !level.dead.is_empty() {
                writeln!(f, "dead{}", Wires(&level.dead))?;
            }
        }
        print_outputs(f, &self.circuit)
    }
}

fn print_ports(f: &mut fmt::Formatter<'_>, circuit: &Circuit) -> fmt::Result {
    for name in &circuit.functions {
        writeln!(f, "function {}", Quoted(name))?;
    }
    for port in &circuit.inputs {
        writeln!(f, "input {}", PortText(port))?;
    }
    Ok(())
}

fn print_outputs(f: &mut fmt::Formatter<'_>, circuit: &Circuit) -> fmt::Result {
    let mut rest = circuit.output_wires.as_slice();
    for port in &circuit.outputs {
        let (wires, after) = rest.split_at(rest.len().min(port.width as usize));
        rest = after;
        writeln!(f, "output {} is{}", PortText(port), Wires(wires))?;
    }
    Ok(())
}

/// The first bit and the name of each input port that has bits, for comments.
fn input_names(circuit: &Circuit) -> Vec<(usize, &str)> {
    let mut first = 0;
    let mut names = Vec::new();
    for port in circuit.inputs.iter().filter(|port| port.width > 0) {
        names.push((first, port.name.as_str()));
        first += port.width as usize;
    }
    names
}

fn print_gate(
    f: &mut fmt::Formatter<'_>,
    circuit: &Circuit,
    index: usize,
    names: &[(usize, &str)],
    origin: &mut Option<u32>,
) -> fmt::Result {
    let from = circuit.origins.get(index).copied();
    if let Some(name) = from.filter(|_| from != *origin).and_then(|n| circuit.functions.get(n as usize)) {
        writeln!(f, "from {}", Quoted(name))?;
        *origin = from;
    }
    write!(f, "%{index} = ")?;
    match circuit.gates[index] {
        Gate::Constant(bit) => writeln!(f, "constant {}", u8::from(bit)),
        Gate::Input(bit) => match names.partition_point(|(first, _)| *first <= bit as usize).checked_sub(1) {
            Some(port) => {
                let (first, name) = names[port];
                writeln!(f, "input {bit} ; bit {} of {}", bit as usize - first, Quoted(name))
            }
            None => writeln!(f, "input {bit}"),
        },
        Gate::Not(a) => writeln!(f, "not %{}", a.index()),
        Gate::Refresh(a) => writeln!(f, "refresh %{}", a.index()),
        Gate::Xor(a, b) => writeln!(f, "xor %{} %{}", a.index(), b.index()),
        Gate::And(a, b) => writeln!(f, "and %{} %{}", a.index(), b.index()),
    }
}

struct Wires<'a>(&'a [Wire]);

impl fmt::Display for Wires<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|wire| write!(f, " %{}", wire.index()))
    }
}

struct PortText<'a>(&'a Port);

impl fmt::Display for PortText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Port { name, kind, width, range } = self.0;
        write!(f, "{} kind {} width {width}", Quoted(name), Quoted(kind))?;
        match range {
            Some((low, high)) => write!(f, " range {} {}", Quoted(low), Quoted(high)),
            None => Ok(()),
        }
    }
}

struct Quoted<'a>(&'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('"')?;
        for c in self.0.chars() {
            match c {
                '"' | '\\' => write!(f, "\\{c}")?,
                // Everything that a line-oriented reader might take for the end of a line.
                c if c.is_control() || c == '\u{2028}' || c == '\u{2029}' => {
                    write!(f, "\\u{{{:x}}}", c as u32)?
                }
                c => f.write_char(c)?,
            }
        }
        f.write_char('"')
    }
}

impl FromStr for Circuit {
    type Err = TextError;

    fn from_str(text: &str) -> Result<Circuit, TextError> {
        let mut parser = Parser::new(text);
        parser.first_line("circuit")?;
        let circuit = parser.rest(None)?;
        circuit.verify()?;
        Ok(circuit)
    }
}

impl FromStr for Program {
    type Err = TextError;

    fn from_str(text: &str) -> Result<Program, TextError> {
        let mut parser = Parser::new(text);
        parser.first_line("program")?;
        let preset = parser.preset_line()?;
        let mut levels = Vec::new();
        let circuit = parser.rest(Some(&mut levels))?;
        let program = Program { circuit, levels, preset };
        program.verify()?;
        Ok(program)
    }
}

/// Reads line by line; each line is read by a [`Line`].
struct Parser<'a> {
    lines: std::iter::Enumerate<std::str::Lines<'a>>,
    /// Number of the last line, for errors at the end of the text.
    last: usize,
    circuit: Circuit,
    origin: Option<u32>,
}

impl<'a> Parser<'a> {
    fn new(text: &'a str) -> Self {
        let last = text.lines().count();
        Parser { lines: text.lines().enumerate(), last, circuit: Circuit::default(), origin: None }
    }

    /// The next line that is not empty, set on its first word.
    fn line(&mut self) -> Option<Line<'a>> {
        self.lines.by_ref().map(|(number, text)| Line::new(number + 1, text)).find(|line| !line.at_end())
    }

    fn must_line(&mut self, expected: &str) -> Result<Line<'a>, TextError> {
        let end = Line::new(self.last + 1, "");
        self.line().ok_or_else(|| end.error(expected, "the end of the text".into()))
    }

    fn first_line(&mut self, kind: &str) -> Result<(), TextError> {
        let expected = format!("`{kind} {VERSION}`");
        let mut line = self.must_line(&expected)?;
        line.keyword(kind)?;
        let mark = line.clone();
        match line.number("the version")? {
            VERSION => line.end(),
            found => Err(mark.error(&format!("version {VERSION}"), format!("version {found}"))),
        }
    }

    fn preset_line(&mut self) -> Result<String, TextError> {
        let mut line = self.must_line("`preset`")?;
        line.keyword("preset")?;
        let preset = line.string("the preset's name in quotes")?;
        line.end()?;
        Ok(preset)
    }

    /// Everything after the head; `levels` if it is a program.
    fn rest(mut self, mut levels: Option<&mut Vec<Level>>) -> Result<Circuit, TextError> {
        while let Some(mut line) = self.line() {
            let mark = line.clone();
            if mark.rest.starts_with('%') {
                self.gate(&mut line)?;
                if let Some(levels) = &mut levels {
                    let expected = "`level 0` before the first gate, and `dead` after a level's last";
                    let level = levels.last_mut().filter(|level| level.dead.is_empty());
                    let level = level.ok_or_else(|| mark.error(expected, "a gate".into()))?;
                    level.gates.end += 1;
                }
            } else {
                match (line.word(), &mut levels) {
                    ("function", _) => self.function(&mut line, &mark)?,
                    ("input", _) => self.input(&mut line, &mark)?,
                    ("output", _) => self.output(&mut line)?,
                    ("from", _) => self.from(&mut line)?,
                    ("level", Some(levels)) => self.level(&mut line, levels)?,
                    ("dead", Some(levels)) => self.dead(&mut line, &mark, levels)?,
                    (word, _) => {
                        let expected = match levels {
                            Some(_) => "`function`, `input`, `from`, `level`, a gate, `dead` or `output`",
                            None => "`function`, `input`, `from`, a gate or `output`",
                        };
                        return Err(mark.error(expected, format!("`{word}`")));
                    }
                }
            }
            line.end()?;
        }
        Ok(self.circuit)
    }

    fn before_gates(&self, mark: &Line<'_>, what: &str) -> Result<(), TextError> {
        if self.circuit.gates.is_empty() {
            return Ok(());
        }
        Err(mark.error(&format!("each `{what}` before the first gate"), format!("`{what}`")))
    }

    fn function(&mut self, line: &mut Line<'a>, mark: &Line<'a>) -> Result<(), TextError> {
        self.before_gates(mark, "function")?;
        let name = line.string("the function's name in quotes")?;
        self.circuit.functions.push(name);
        Ok(())
    }

    fn input(&mut self, line: &mut Line<'a>, mark: &Line<'a>) -> Result<(), TextError> {
        self.before_gates(mark, "input")?;
        let port = line.port()?;
        self.circuit.inputs.push(port);
        Ok(())
    }

    fn output(&mut self, line: &mut Line<'a>) -> Result<(), TextError> {
        let port = line.port()?;
        line.keyword("is")?;
        let wires = line.wires(self.circuit.gates.len())?;
        if wires.len() != port.width as usize {
            let expected = format!("{} wires, one per bit", port.width);
            return Err(line.error(&expected, format!("{} wires", wires.len())));
        }
        self.circuit.outputs.push(port);
        self.circuit.output_wires.extend(wires);
        Ok(())
    }

    fn from(&mut self, line: &mut Line<'a>) -> Result<(), TextError> {
        let mark = line.clone();
        let name = line.string("a function's name in quotes")?;
        let index = self.circuit.functions.iter().position(|known| *known == name);
        let index =
            index.ok_or_else(|| mark.error("the name of a `function` line", Quoted(&name).to_string()))?;
        // At most one function per line of the text, and texts stay below 2^32 lines.
        self.origin = u32::try_from(index).ok();
        Ok(())
    }

    fn level(&mut self, line: &mut Line<'a>, levels: &mut Vec<Level>) -> Result<(), TextError> {
        let mark = line.clone();
        let number = line.number("the level's number")?;
        if number as usize != levels.len() {
            return Err(mark.error(&format!("level {}", levels.len()), format!("level {number}")));
        }
        let start = levels.last().map_or(0, |level| level.gates.end);
        levels.push(Level { gates: start..start, dead: Vec::new() });
        Ok(())
    }

    fn dead(&mut self, line: &mut Line<'a>, mark: &Line<'a>, levels: &mut [Level]) -> Result<(), TextError> {
        let level = levels.last_mut().filter(|level| level.dead.is_empty());
        let level =
            level.ok_or_else(|| mark.error("one `dead` line at the end of a level", "`dead`".into()))?;
        level.dead = line.wires(self.circuit.gates.len())?;
        if level.dead.is_empty() {
            return Err(line.error("at least one wire", line.found()));
        }
        Ok(())
    }

    fn gate(&mut self, line: &mut Line<'a>) -> Result<(), TextError> {
        let mark = line.clone();
        let gates = self.circuit.gates.len();
        if line.wire()?.index() != gates {
            return Err(mark.error(&format!("`%{gates}`, as gates are numbered in order"), mark.found()));
        }
        line.keyword("=")?;
        let operation = line.clone();
        let gate = match line.word() {
            "constant" => Gate::Constant(line.bit()?),
            "input" => Gate::Input(line.number("the number of an input bit")?),
            "not" => Gate::Not(line.operand(gates)?),
            "refresh" => Gate::Refresh(line.operand(gates)?),
            "xor" => Gate::Xor(line.operand(gates)?, line.operand(gates)?),
            "and" => Gate::And(line.operand(gates)?, line.operand(gates)?),
            _ => {
                let expected = "`constant`, `input`, `not`, `xor`, `and` or `refresh`";
                return Err(operation.error(expected, operation.found()));
            }
        };
        let origin =
            self.origin.ok_or_else(|| mark.error("a `from` line before the first gate", mark.found()))?;
        self.circuit.gates.push(gate);
        self.circuit.origins.push(origin);
        Ok(())
    }
}

/// What is left of one line; always set on a word, or at the end.
#[derive(Clone)]
struct Line<'a> {
    number: usize,
    whole: &'a str,
    rest: &'a str,
}

impl<'a> Line<'a> {
    fn new(number: usize, text: &'a str) -> Self {
        let mut line = Line { number, whole: text, rest: text };
        line.skip(0);
        line
    }

    /// Moves `bytes` on, then over spaces and a comment.
    fn skip(&mut self, bytes: usize) {
        self.rest = self.rest[bytes..].trim_start_matches([' ', '\t']);
        if self.rest.starts_with(';') {
            self.rest = "";
        }
    }

    fn at_end(&self) -> bool {
        self.rest.is_empty()
    }

    fn error(&self, expected: &str, found: String) -> TextError {
        let before = &self.whole[..self.whole.len() - self.rest.len()];
        // A comment at the end is no place to point at.
        let before = if self.at_end() { self.whole.trim_end() } else { before };
        let column = before.chars().count() + 1;
        TextError::Syntax { line: self.number, column, expected: expected.to_owned(), found }
    }

    /// The word (or string) at hand, for messages.
    fn found(&self) -> String {
        match self.peek() {
            "" => "the end of the line".to_owned(),
            word => format!("`{}`", word.chars().take(40).collect::<String>()),
        }
    }

    fn peek(&self) -> &'a str {
        let end = self.rest.find([' ', '\t', ';']).unwrap_or(self.rest.len());
        &self.rest[..end]
    }

    fn word(&mut self) -> &'a str {
        let word = self.peek();
        self.skip(word.len());
        word
    }

    fn end(&self) -> Result<(), TextError> {
        if self.at_end() { Ok(()) } else { Err(self.error("the end of the line", self.found())) }
    }

    fn keyword(&mut self, keyword: &str) -> Result<(), TextError> {
        if self.peek() != keyword {
            return Err(self.error(&format!("`{keyword}`"), self.found()));
        }
        self.skip(keyword.len());
        Ok(())
    }

    /// A decimal number without sign or leading zeros, below 2^32.
    fn number(&mut self, what: &str) -> Result<u32, TextError> {
        let word = self.peek();
        let number = decimal(word).ok_or_else(|| self.error(what, self.found()))?;
        self.skip(word.len());
        Ok(number)
    }

    fn bit(&mut self) -> Result<bool, TextError> {
        let mark = self.clone();
        match self.word() {
            "0" => Ok(false),
            "1" => Ok(true),
            _ => Err(mark.error("`0` or `1`", mark.found())),
        }
    }

    fn wire(&mut self) -> Result<Wire, TextError> {
        let word = self.peek();
        let number = word.strip_prefix('%').and_then(decimal);
        let number = number.ok_or_else(|| self.error("a wire such as `%3`", self.found()))?;
        self.skip(word.len());
        Ok(Wire::new(number as usize))
    }

    /// A wire of one of the first `gates` gates.
    fn operand(&mut self, gates: usize) -> Result<Wire, TextError> {
        let mark = self.clone();
        let wire = self.wire()?;
        if wire.index() < gates {
            return Ok(wire);
        }
        Err(mark.error("a wire that an earlier line drives", mark.found()))
    }

    fn wires(&mut self, gates: usize) -> Result<Vec<Wire>, TextError> {
        let mut wires = Vec::new();
        while !self.at_end() {
            wires.push(self.operand(gates)?);
        }
        Ok(wires)
    }

    fn port(&mut self) -> Result<Port, TextError> {
        let name = self.string("the port's name in quotes")?;
        self.keyword("kind")?;
        let kind = self.string("the port's kind in quotes")?;
        self.keyword("width")?;
        let width = self.number("the number of bits")?;
        let range = match self.peek() {
            "range" => {
                self.keyword("range")?;
                Some((self.string("the lower end in quotes")?, self.string("the upper end in quotes")?))
            }
            _ => None,
        };
        Ok(Port { name, kind, width, range })
    }

    fn string(&mut self, what: &str) -> Result<String, TextError> {
        let mut chars = self.rest.char_indices();
        if !matches!(chars.next(), Some((_, '"'))) {
            return Err(self.error(what, self.found()));
        }
        let mut string = String::new();
        while let Some((at, c)) = chars.next() {
            match c {
                '"' => {
                    self.skip(at + 1);
                    return Ok(string);
                }
                '\\' => match escaped(&mut chars) {
                    Some(c) => string.push(c),
                    None => {
                        let mut here = self.clone();
                        here.rest = &self.rest[at..];
                        return Err(here.error("`\\\"`, `\\\\` or `\\u{..}`", "another escape".into()));
                    }
                },
                c => string.push(c),
            }
        }
        Err(self.error("a closing quote", "the end of the line".into()))
    }
}

/// The character after a backslash.
fn escaped(chars: &mut std::str::CharIndices<'_>) -> Option<char> {
    match chars.next()?.1 {
        c @ ('"' | '\\') => Some(c),
        'u' => {
            if chars.next()?.1 != '{' {
                return None;
            }
            let digits: String = chars.map(|(_, c)| c).take_while(|c| *c != '}').take(7).collect();
            char::from_u32(u32::from_str_radix(&digits, 16).ok()?)
        }
        _ => None,
    }
}

fn decimal(word: &str) -> Option<u32> {
    let plain = word.bytes().all(|byte| byte.is_ascii_digit()) && (word == "0" || !word.starts_with('0'));
    word.parse().ok().filter(|_| plain)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::sample;

    proptest! {
        #[test]
        fn circuits_round_trip(circuit in sample::circuits()) {
            prop_assert_eq!(circuit.to_string().parse(), Ok(circuit));
        }

        #[test]
        fn programs_round_trip(program in sample::programs()) {
            prop_assert_eq!(program.to_string().parse(), Ok(program));
        }

        #[test]
        fn the_lines_of_a_kind_are_the_counts(circuit in sample::circuits()) {
            let text = circuit.to_string();
            let lines = |kind: &str| {
                text.lines().filter(|line| line.starts_with('%') && line.contains(&format!(" = {kind} "))).count()
            };
            let counts = circuit.counts();
            prop_assert_eq!(
                [lines("and"), lines("xor"), lines("not"), lines("refresh")],
                [counts.and, counts.xor, counts.not, counts.refresh]
            );
        }

        /// A changed text is refused, or is the text of a valid program.
        #[test]
        fn mutated_texts_never_panic(
            program in sample::programs(),
            edits in prop::collection::vec((any::<prop::sample::Index>(), "[%0-9a-z \"\\\\\n;=é]{0,3}", 0_usize..4), 1..4),
        ) {
            let mut text: Vec<char> = program.to_string().chars().collect();
            for (at, insert, delete) in edits {
                let at = at.index(text.len() + 1);
                let end = (at + delete).min(text.len());
                text.splice(at..end, insert.chars());
            }
            let text: String = text.into_iter().collect();
            if let Ok(program) = text.parse::<Program>() {
                prop_assert_eq!(program.verify(), Ok(()));
                prop_assert_eq!(program.to_string().parse(), Ok(program));
            }
        }
    }

    #[test]
    fn the_text_of_the_adder() {
        insta::assert_snapshot!(sample::adder());
    }

    fn error(text: &str) -> String {
        text.parse::<Program>().unwrap_err().to_string()
    }

    const HEAD: &str = "program 1\npreset \"toy\"\nfunction \"f\"\ninput \"x\" kind \"bool\" width 2\n";

    #[test]
    fn errors_name_the_place_and_what_was_expected() {
        let check = |body: &str, message: &str| assert_eq!(error(&format!("{HEAD}{body}")), message);
        check(
            "level 0\nfrom \"f\"\n%0 = nand %1 %2",
            "line 7, column 6: expected `constant`, `input`, `not`, `xor`, `and` or `refresh`, found `nand`",
        );
        check(
            "level 0\nfrom \"f\"\n%0 = input 0\nlevel 1\n%1 = not %1",
            "line 9, column 10: expected a wire that an earlier line drives, found `%1`",
        );
        check(
            "level 0\nfrom \"f\"\n%1 = input 0",
            "line 7, column 1: expected `%0`, as gates are numbered in order, found `%1`",
        );
        check("level 0\nfrom \"g\"", "line 6, column 6: expected the name of a `function` line, found \"g\"");
        check("level 1", "line 5, column 7: expected level 0, found level 1");
        check(
            "output \"y\" kind \"bool\" width 1 is ; nothing",
            "line 5, column 44: expected 1 wires, one per bit, found 0 wires",
        );
        check(
            "level 0\nfrom \"f\"\n%0 = input 2\ndead %0",
            "the text is well-formed, but not a valid circuit: gate %0 is input bit 2, but the input ports have 2 \
             bits together",
        );
        assert_eq!(error(""), "line 1, column 1: expected `program 1`, found the end of the text");
        assert_eq!(error("program 2"), "line 1, column 9: expected version 1, found version 2");
    }
}
