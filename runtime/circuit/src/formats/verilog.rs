//! Structural Verilog: one module of gate primitives. What is read is what this module writes, and what other tools make
//! of that: `input`, `output` and `wire` with ranges, the primitives `and or xor nand nor xnor not buf`, and `assign` of
//! expressions in `~ & ^ |` over single bits.

use std::collections::{BTreeSet, HashMap};
use std::fmt::Write;

use super::names::{Style, port_names, wire_prefix};
use super::nets::in_order;
use super::{FormatError, check_width, shown, untyped_port, wrong};
use crate::{Builder, Circuit, Gate, MAX_INPUT_BITS, Port, Wire};

const KEYWORDS: &[&str] = &[
    "always",
    "and",
    "assign",
    "begin",
    "buf",
    "case",
    "circuit",
    "default",
    "else",
    "end",
    "endmodule",
    "for",
    "if",
    "initial",
    "inout",
    "input",
    "integer",
    "module",
    "nand",
    "negedge",
    "nor",
    "not",
    "or",
    "output",
    "parameter",
    "posedge",
    "reg",
    "signed",
    "supply0",
    "supply1",
    "tri",
    "wire",
    "while",
    "xnor",
    "xor",
    "function",
    "generate",
    "genvar",
    "localparam",
    "logic",
    "real",
    "repeat",
    "task",
    "time",
    "wand",
    "wor",
    "specify",
    "table",
    "primitive",
    "forever",
    "force",
    "fork",
    "join",
    "release",
    "wait",
    "disable",
    "edge",
    "event",
    "pulldown",
    "pullup",
    "small",
    "medium",
    "large",
    "strong0",
    "strong1",
    "weak0",
    "weak1",
    "bit",
    "byte",
    "int",
    "do",
    "return",
    "var",
    "void",
];

/// Writes a circuit without refreshes. Ports without bits are left out.
pub(super) fn write(circuit: &Circuit) -> String {
    let mut taken: BTreeSet<String> = KEYWORDS.iter().map(|word| (*word).to_owned()).collect();
    let inputs = port_names(circuit.inputs.iter(), Style::Identifier, &mut taken);
    let outputs = port_names(circuit.outputs.iter(), Style::Identifier, &mut taken);
    let prefix = wire_prefix(inputs.iter().chain(&outputs));
    let directions = [("input", &inputs, &circuit.inputs), ("output", &outputs, &circuit.outputs)];
    let mut list: Vec<&str> = Vec::new();
    let mut declared = String::new();
    for (direction, names, ports) in directions {
        for (name, port) in names.iter().zip(ports).filter(|(_, port)| port.width > 0) {
            list.push(name);
            let range = if port.width == 1 { String::new() } else { format!("[{}:0] ", port.width - 1) };
            writeln!(declared, "  {direction} {range}{name};").expect("a String takes everything");
        }
    }
    let mut out = format!("module circuit ({});\n{declared}", list.join(", "));
    let (inputs, outputs) = (bits(&inputs, &circuit.inputs), bits(&outputs, &circuit.outputs));
    let name = |wire: Wire| match circuit.gate(wire) {
        Gate::Input(bit) => inputs[bit as usize].clone(),
        Gate::Constant(_) | Gate::Not(_) | Gate::Xor(..) | Gate::And(..) | Gate::Refresh(_) => {
            format!("{prefix}{}", wire.index())
        }
    };
    for (index, gate) in circuit.gates.iter().enumerate() {
        let to = name(Wire::new(index));
        let line = match *gate {
            Gate::Input(_) => continue,
            Gate::Constant(bit) => format!("buf ({to}, 1'b{})", u8::from(bit)),
            Gate::Not(a) => format!("not ({to}, {})", name(a)),
            Gate::Refresh(a) => format!("buf ({to}, {})", name(a)),
            Gate::Xor(a, b) => format!("xor ({to}, {}, {})", name(a), name(b)),
            Gate::And(a, b) => format!("and ({to}, {}, {})", name(a), name(b)),
        };
        writeln!(out, "  wire {to};\n  {line};").expect("a String takes everything");
    }
    for (output, wire) in outputs.iter().zip(&circuit.output_wires) {
        writeln!(out, "  buf ({output}, {});", name(*wire)).expect("a String takes everything");
    }
    out.push_str("endmodule\n");
    out
}

/// How each bit of the ports is written.
fn bits(names: &[String], ports: &[Port]) -> Vec<String> {
    let each = |(name, port): (&String, &Port)| -> Vec<String> {
        match port.width {
            1 => vec![name.clone()],
            width => (0..width).map(|bit| format!("{name}[{bit}]")).collect(),
        }
    };
    names.iter().zip(ports).flat_map(each).collect()
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token<'t> {
    /// A name or keyword.
    Word(&'t str),
    /// An escaped name, which is never a keyword.
    Escaped(&'t str),
    Number(u32),
    Bit(bool),
    Sign(char),
}

fn tokens(text: &str) -> Result<Vec<(usize, Token<'_>)>, FormatError> {
    let mut found = Vec::new();
    let mut rest = text;
    let mut line = 1;
    while let Some(c) = rest.chars().next() {
        let length = match c {
            '\n' => {
                line += 1;
                1
            }
            c if c.is_whitespace() => c.len_utf8(),
            '/' if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
            '/' | '(' if rest.starts_with("/*") || rest.starts_with("(*") => {
                let close = if c == '/' { "*/" } else { "*)" };
                let end =
                    rest[2..].find(close).ok_or_else(|| wrong(line, "a comment that is never closed"))? + 4;
                line += rest[..end].matches('\n').count();
                end
            }
            '\\' => {
                let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
                found.push((line, Token::Escaped(&rest[1..end])));
                end
            }
            'a'..='z' | 'A'..='Z' | '_' => {
                let ends = |c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '$');
                let end = rest.find(ends).unwrap_or(rest.len());
                found.push((line, Token::Word(&rest[..end])));
                end
            }
            '0'..='9' => {
                let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '\'').unwrap_or(rest.len());
                found.push((line, numeral(line, &rest[..end])?));
                end
            }
            '(' | ')' | '[' | ']' | ',' | ';' | ':' | '=' | '~' | '&' | '|' | '^' | '!' => {
                found.push((line, Token::Sign(c)));
                1
            }
            c => {
                return Err(wrong(
                    line,
                    format!("expected structural Verilog, found {}", shown(&c.to_string())),
                ));
            }
        };
        rest = &rest[length..];
    }
    Ok(found)
}

fn numeral(line: usize, word: &str) -> Result<Token<'static>, FormatError> {
    match word {
        "1'b0" | "1'h0" => Ok(Token::Bit(false)),
        "1'b1" | "1'h1" => Ok(Token::Bit(true)),
        _ => word
            .parse()
            .map(Token::Number)
            .map_err(|_| wrong(line, format!("expected a number, 1'b0 or 1'b1, found {}", shown(word)))),
    }
}

/// What drives a signal.
#[derive(Clone, Copy)]
enum Driver {
    Input,
    Constant(bool),
    Not(usize),
    And(usize, usize),
    Or(usize, usize),
    Xor(usize, usize),
    Copy(usize),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Direction {
    Input,
    Output,
    Wire,
}

/// A declared name: its first signal and its range.
#[derive(Clone, Copy)]
struct Vector {
    first: usize,
    low: u32,
    width: u32,
    scalar: bool,
}

struct Reader<'t> {
    tokens: Vec<(usize, Token<'t>)>,
    at: usize,
    vectors: HashMap<&'t str, Vector>,
    drivers: Vec<Option<Driver>>,
    /// For each signal, the line that declared or drove it.
    lines: Vec<usize>,
    inputs: Vec<(&'t str, Vector)>,
    outputs: Vec<(&'t str, Vector)>,
    /// Names in the module's list of ports, which fix their order.
    ports: Vec<&'t str>,
    depth: usize,
}

/// Reads one module.
pub(super) fn read(text: &str) -> Result<Circuit, FormatError> {
    let mut reader = Reader {
        tokens: tokens(text)?,
        at: 0,
        vectors: HashMap::new(),
        drivers: Vec::new(),
        lines: Vec::new(),
        inputs: Vec::new(),
        outputs: Vec::new(),
        ports: Vec::new(),
        depth: 0,
    };
    reader.module()?;
    reader.circuit()
}

impl<'t> Reader<'t> {
    fn line(&self) -> usize {
        let at = self.at.min(self.tokens.len().saturating_sub(1));
        self.tokens.get(at).map_or(1, |(line, _)| *line)
    }

    fn peek(&self) -> Option<Token<'t>> {
        self.tokens.get(self.at).map(|(_, token)| *token)
    }

    fn next(&mut self) -> Option<Token<'t>> {
        let token = self.peek();
        self.at += 1;
        token
    }

    fn error<T>(&self, expected: &str) -> Result<T, FormatError> {
        let found = match self.peek() {
            None => "the end of the file".to_owned(),
            Some(Token::Word(word) | Token::Escaped(word)) => shown(word),
            Some(Token::Number(number)) => format!("`{number}`"),
            Some(Token::Bit(bit)) => format!("`1'b{}`", u8::from(bit)),
            Some(Token::Sign(sign)) => format!("`{sign}`"),
        };
        Err(wrong(self.line(), format!("expected {expected}, found {found}")))
    }

    fn eat(&mut self, sign: char) -> bool {
        let there = self.peek() == Some(Token::Sign(sign));
        self.at += usize::from(there);
        there
    }

    fn expect(&mut self, sign: char) -> Result<(), FormatError> {
        if self.eat(sign) { Ok(()) } else { self.error(&format!("`{sign}`")) }
    }

    fn name(&mut self) -> Result<&'t str, FormatError> {
        match self.peek() {
            Some(Token::Escaped(name)) => {
                self.at += 1;
                Ok(name)
            }
            Some(Token::Word(name)) if !KEYWORDS.contains(&name) || name == "circuit" => {
                self.at += 1;
                Ok(name)
            }
            _ => self.error("a name"),
        }
    }

    fn module(&mut self) -> Result<(), FormatError> {
        if self.next() != Some(Token::Word("module")) {
            self.at -= 1;
            return self.error("`module`");
        }
        self.name()?;
        if self.eat('(') && !self.eat(')') {
            self.port_list()?;
            self.expect(')')?;
        }
        self.expect(';')?;
        loop {
            match self.next() {
                Some(Token::Word("endmodule")) => return Ok(()),
                Some(Token::Word("input")) => self.declaration(Direction::Input)?,
                Some(Token::Word("output")) => self.declaration(Direction::Output)?,
                Some(Token::Word("wire")) => self.declaration(Direction::Wire)?,
                Some(Token::Word("assign")) => self.assignment()?,
                Some(Token::Word(
                    gate @ ("and" | "or" | "xor" | "nand" | "nor" | "xnor" | "not" | "buf"),
                )) => {
                    self.primitives(gate)?;
                }
                _ => {
                    self.at -= 1;
                    return self.error("a declaration, `assign`, a gate primitive or `endmodule`");
                }
            }
        }
    }

    /// Names, or declarations without `;`.
    fn port_list(&mut self) -> Result<(), FormatError> {
        let mut direction = None;
        let mut range = None;
        loop {
            if let Some(Token::Word(word @ ("input" | "output"))) = self.peek() {
                self.at += 1;
                direction = Some(if word == "input" { Direction::Input } else { Direction::Output });
                if self.peek() == Some(Token::Word("wire")) {
                    self.at += 1;
                }
                range = self.range()?;
            }
            let line = self.line();
            let name = self.name()?;
            match direction {
                None => self.ports.push(name),
                Some(direction) => self.declare(line, name, direction, range)?,
            }
            if !self.eat(',') {
                return Ok(());
            }
        }
    }

    /// `[high:low]`, if it is there.
    fn range(&mut self) -> Result<Option<(u32, u32)>, FormatError> {
        if !self.eat('[') {
            return Ok(None);
        }
        let high = self.number()?;
        self.expect(':')?;
        let low = self.number()?;
        if high < low || (high - low) as usize >= MAX_INPUT_BITS {
            return Err(wrong(
                self.line(),
                format!("expected a range [high:low] of at most {MAX_INPUT_BITS} bits"),
            ));
        }
        self.expect(']')?;
        Ok(Some((high, low)))
    }

    fn number(&mut self) -> Result<u32, FormatError> {
        match self.peek() {
            Some(Token::Number(number)) => {
                self.at += 1;
                Ok(number)
            }
            _ => self.error("a number"),
        }
    }

    fn declaration(&mut self, direction: Direction) -> Result<(), FormatError> {
        if direction != Direction::Wire && self.peek() == Some(Token::Word("wire")) {
            self.at += 1;
        }
        let range = self.range()?;
        loop {
            let line = self.line();
            let name = self.name()?;
            self.declare(line, name, direction, range)?;
            if direction == Direction::Wire && self.eat('=') {
                let vector = self.vectors[name];
                let value = self.expression()?;
                self.scalar(line, name, vector)?;
                self.drive(line, vector.first, Driver::Copy(value))?;
            }
            if !self.eat(',') {
                return self.expect(';');
            }
        }
    }

    fn declare(
        &mut self,
        line: usize,
        name: &'t str,
        direction: Direction,
        range: Option<(u32, u32)>,
    ) -> Result<(), FormatError> {
        // `output x; wire x;` declares one signal.
        if let Some(known) = self.vectors.get(name) {
            let port = self.inputs.iter().chain(&self.outputs).any(|(port, _)| *port == name);
            let width = range.map_or(1, |(high, low)| high - low + 1);
            if direction == Direction::Wire && port && known.width == width {
                return Ok(());
            }
            return Err(wrong(line, format!("{} is declared a second time", shown(name))));
        }
        let (low, width) = range.map_or((0, 1), |(high, low)| (low, high - low + 1));
        let vector = Vector { first: self.drivers.len(), low, width, scalar: range.is_none() };
        check_width(line, self.drivers.len().saturating_sub(self.tokens.len()) + width as usize)?;
        let driver = (direction == Direction::Input).then_some(Driver::Input);
        self.drivers.resize(self.drivers.len() + width as usize, driver);
        self.lines.resize(self.drivers.len(), line);
        self.vectors.insert(name, vector);
        match direction {
            Direction::Input => self.inputs.push((name, vector)),
            Direction::Output => self.outputs.push((name, vector)),
            Direction::Wire => {}
        }
        Ok(())
    }

    fn scalar(&self, line: usize, name: &str, vector: Vector) -> Result<(), FormatError> {
        if vector.width == 1 {
            return Ok(());
        }
        Err(wrong(line, format!("expected one bit, found {}, which has {}", shown(name), vector.width)))
    }

    /// A signal: `name` or `name[bit]`.
    fn signal(&mut self) -> Result<usize, FormatError> {
        let line = self.line();
        let name = self.name()?;
        let Some(&vector) = self.vectors.get(name) else {
            return Err(wrong(line, format!("{} is not declared before it is used", shown(name))));
        };
        if !self.eat('[') {
            self.scalar(line, name, vector)?;
            return Ok(vector.first);
        }
        let bit = self.number()?;
        self.expect(']')?;
        match bit.checked_sub(vector.low).filter(|bit| *bit < vector.width && !vector.scalar) {
            Some(bit) => Ok(vector.first + bit as usize),
            None => Err(wrong(line, format!("{} has no bit {bit}", shown(name)))),
        }
    }

    fn drive(&mut self, line: usize, signal: usize, driver: Driver) -> Result<(), FormatError> {
        if self.drivers[signal].is_some() {
            return Err(wrong(line, "a signal that is driven already"));
        }
        self.drivers[signal] = Some(driver);
        self.lines[signal] = line;
        Ok(())
    }

    /// A new signal without a name.
    fn make(&mut self, driver: Driver) -> usize {
        self.lines.push(self.line());
        self.drivers.push(Some(driver));
        self.drivers.len() - 1
    }

    fn assignment(&mut self) -> Result<(), FormatError> {
        loop {
            let line = self.line();
            let to = self.signal()?;
            self.expect('=')?;
            let value = self.expression()?;
            self.drive(line, to, Driver::Copy(value))?;
            if !self.eat(',') {
                return self.expect(';');
            }
        }
    }

    /// Loosest first: `|`, `^`, `&`.
    fn expression(&mut self) -> Result<usize, FormatError> {
        const DEEPEST: usize = 200;
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(wrong(self.line(), format!("more than {DEEPEST} brackets within brackets")));
        }
        let mut sum = self.exclusive()?;
        while self.eat('|') {
            let next = self.exclusive()?;
            sum = self.make(Driver::Or(sum, next));
        }
        self.depth -= 1;
        Ok(sum)
    }

    fn exclusive(&mut self) -> Result<usize, FormatError> {
        let mut sum = self.product()?;
        while self.eat('^') {
            let next = self.product()?;
            sum = self.make(Driver::Xor(sum, next));
        }
        Ok(sum)
    }

    fn product(&mut self) -> Result<usize, FormatError> {
        let mut product = self.unary()?;
        while self.eat('&') {
            let next = self.unary()?;
            product = self.make(Driver::And(product, next));
        }
        Ok(product)
    }

    fn unary(&mut self) -> Result<usize, FormatError> {
        let mut inverted = false;
        while self.eat('~') || self.eat('!') {
            inverted = !inverted;
        }
        let value = match self.peek() {
            Some(Token::Bit(bit)) => {
                self.at += 1;
                self.make(Driver::Constant(bit))
            }
            Some(Token::Sign('(')) => {
                self.at += 1;
                let value = self.expression()?;
                self.expect(')')?;
                value
            }
            _ => self.signal()?,
        };
        Ok(if inverted { self.make(Driver::Not(value)) } else { value })
    }

    /// `and name (out, in, in), (..);`
    fn primitives(&mut self, gate: &str) -> Result<(), FormatError> {
        loop {
            if !matches!(self.peek(), Some(Token::Sign('('))) {
                self.name()?;
            }
            self.expect('(')?;
            let line = self.line();
            let to = self.signal()?;
            let mut operands = Vec::new();
            while self.eat(',') {
                operands.push(self.expression()?);
            }
            self.expect(')')?;
            let one = matches!(gate, "not" | "buf");
            let [first, rest @ ..] = &operands[..] else {
                return Err(wrong(line, format!("`{gate}` has no inputs")));
            };
            if one && !rest.is_empty() || !one && rest.is_empty() {
                let expected = if one { "one input" } else { "at least two inputs" };
                return Err(wrong(line, format!("`{gate}` takes {expected}, found {}", operands.len())));
            }
            let mut value = *first;
            for next in rest {
                value = self.make(match gate {
                    "and" | "nand" => Driver::And(value, *next),
                    "or" | "nor" => Driver::Or(value, *next),
                    _ => Driver::Xor(value, *next),
                });
            }
            let inverted = matches!(gate, "not" | "nand" | "nor" | "xnor");
            self.drive(line, to, if inverted { Driver::Not(value) } else { Driver::Copy(value) })?;
            if !self.eat(',') {
                return self.expect(';');
            }
        }
    }

    fn circuit(mut self) -> Result<Circuit, FormatError> {
        let order: HashMap<&str, usize> = self.ports.iter().enumerate().map(|(n, name)| (*name, n)).collect();
        for ports in [&mut self.inputs, &mut self.outputs] {
            ports.sort_by_key(|(name, _)| order.get(name).copied());
        }
        let width =
            |ports: &[(&str, Vector)]| ports.iter().map(|(_, vector)| vector.width as usize).sum::<usize>();
        check_width(1, width(&self.inputs).max(width(&self.outputs)))?;
        let outputs: Vec<usize> = self
            .outputs
            .iter()
            .flat_map(|(_, vector)| vector.first..vector.first + vector.width as usize)
            .collect();
        let order =
            in_order(self.drivers.len(), 0..self.drivers.len(), |signal, list| match self.drivers[signal] {
                Some(Driver::Not(a) | Driver::Copy(a)) => list.push(a),
                Some(Driver::And(a, b) | Driver::Or(a, b) | Driver::Xor(a, b)) => list.extend([a, b]),
                Some(Driver::Input | Driver::Constant(_)) | None => {}
            })
            .map_err(|signal| wrong(self.lines[signal], "a signal that depends on itself"))?;
        let mut builder = Builder::new();
        let mut wires: Vec<Option<Wire>> = vec![None; self.drivers.len()];
        for (name, vector) in &self.inputs {
            let bits = builder.input(untyped_port((*name).to_owned(), vector.width));
            bits.into_iter().zip(vector.first..).for_each(|(bit, signal)| wires[signal] = Some(bit));
        }
        for signal in order {
            let undriven = || wrong(self.lines[signal], "a signal reads one that nothing drives");
            let read = |wires: &[Option<Wire>], from: usize| wires[from].ok_or_else(undriven);
            let wire = match self.drivers[signal] {
                None | Some(Driver::Input) => continue,
                Some(Driver::Constant(bit)) => builder.constant(bit),
                Some(Driver::Copy(a)) => read(&wires, a)?,
                Some(Driver::Not(a)) => builder.not(read(&wires, a)?),
                Some(Driver::And(a, b)) => builder.and(read(&wires, a)?, read(&wires, b)?),
                Some(Driver::Or(a, b)) => builder.or(read(&wires, a)?, read(&wires, b)?),
                Some(Driver::Xor(a, b)) => builder.xor(read(&wires, a)?, read(&wires, b)?),
            };
            wires[signal] = Some(wire);
        }
        let mut outputs = outputs.into_iter();
        for (name, vector) in &self.outputs {
            let bits = outputs
                .by_ref()
                .take(vector.width as usize)
                .map(|signal| {
                    wires[signal].ok_or_else(|| wrong(self.lines[signal], "an output that nothing drives"))
                })
                .collect::<Result<Vec<Wire>, FormatError>>()?;
            builder.output(untyped_port((*name).to_owned(), vector.width), &bits);
        }
        Ok(builder.finish())
    }
}
