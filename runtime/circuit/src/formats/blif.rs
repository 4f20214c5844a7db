//! BLIF: signals with names, each the table of truth of others. Definitions may come in any order. Latches, gates of a
//! library and hierarchy are refused.

use std::collections::{BTreeSet, HashMap};
use std::fmt::Write;

use super::cover::{Covers, Cube};
use super::names::{Style, bit_names, port_names, ports_of, wire_prefix};
use super::nets::in_order;
use super::{FormatError, check_width, shown, wrong};
use crate::{Builder, Circuit, Gate, Wire};

/// Writes a circuit without refreshes.
pub(super) fn write(circuit: &Circuit) -> String {
    let mut taken = BTreeSet::new();
    let inputs = port_names(circuit.inputs.iter(), Style::Free, &mut taken);
    let outputs = port_names(circuit.outputs.iter(), Style::Free, &mut taken);
    let prefix = wire_prefix(inputs.iter().chain(&outputs));
    let bits = |names: &[String], ports: &[crate::Port]| -> Vec<String> {
        names.iter().zip(ports).flat_map(|(name, port)| bit_names(name, port.width)).collect()
    };
    let (inputs, outputs) = (bits(&inputs, &circuit.inputs), bits(&outputs, &circuit.outputs));
    let mut out = String::from(".model circuit\n");
    list(&mut out, ".inputs", &inputs);
    list(&mut out, ".outputs", &outputs);
    let name = |wire: Wire| match circuit.gate(wire) {
        Gate::Input(bit) => inputs[bit as usize].clone(),
        Gate::Constant(_) | Gate::Not(_) | Gate::Xor(..) | Gate::And(..) | Gate::Refresh(_) => {
            format!("{prefix}{}", wire.index())
        }
    };
    for (index, gate) in circuit.gates.iter().enumerate() {
        let to = name(Wire::new(index));
        let table = match *gate {
            Gate::Input(_) => continue,
            Gate::Constant(bit) => format!("{to}\n{}", if bit { "1\n" } else { "" }),
            Gate::Not(a) => format!("{} {to}\n0 1\n", name(a)),
            Gate::Refresh(a) => format!("{} {to}\n1 1\n", name(a)),
            Gate::Xor(a, b) => format!("{} {} {to}\n10 1\n01 1\n", name(a), name(b)),
            Gate::And(a, b) => format!("{} {} {to}\n11 1\n", name(a), name(b)),
        };
        write!(out, ".names {table}").expect("a String takes everything");
    }
    for (output, wire) in outputs.iter().zip(&circuit.output_wires) {
        writeln!(out, ".names {} {output}\n1 1", name(*wire)).expect("a String takes everything");
    }
    out.push_str(".end\n");
    out
}

/// `.inputs a b ..`, in lines of moderate length.
fn list(out: &mut String, directive: &str, names: &[String]) {
    const EACH: usize = 10;
    out.push_str(directive);
    for (n, name) in names.iter().enumerate() {
        out.push_str(if n > 0 && n % EACH == 0 { " \\\n " } else { " " });
        out.push_str(name);
    }
    out.push('\n');
}

/// A signal's definition.
enum Definition {
    Input,
    Table { inputs: Vec<usize>, cubes: Vec<Cube>, value: bool },
}

#[derive(Default)]
struct Reader<'t> {
    numbers: HashMap<&'t str, usize>,
    names: Vec<&'t str>,
    /// For each signal, the first line that names it and what defines it.
    lines: Vec<usize>,
    definitions: Vec<Option<Definition>>,
    inputs: Vec<usize>,
    outputs: Vec<usize>,
    /// The signal whose rows are being read.
    current: Option<usize>,
}

/// Reads a combinational model.
pub(super) fn read(text: &str) -> Result<Circuit, FormatError> {
    let mut reader = Reader::default();
    let mut words: Vec<&str> = Vec::new();
    let mut begun = 0;
    let mut ended = false;
    for (line, content) in (1..).zip(text.lines()) {
        let content = content.split('#').next().unwrap_or_default().trim_end();
        if words.is_empty() {
            begun = line;
        }
        let (content, continued) = match content.strip_suffix('\\') {
            Some(content) => (content, true),
            None => (content, false),
        };
        words.extend(content.split_whitespace());
        if continued || words.is_empty() {
            continue;
        }
        if ended {
            return Err(wrong(begun, "a second model, or something behind `.end`"));
        }
        ended = reader.line(begun, &words)?;
        words.clear();
    }
    reader.finish(text.lines().count())
}

impl<'t> Reader<'t> {
    fn signal(&mut self, line: usize, name: &'t str) -> usize {
        let next = self.names.len();
        let number = *self.numbers.entry(name).or_insert(next);
        if number == next {
            self.names.push(name);
            self.lines.push(line);
            self.definitions.push(None);
        }
        number
    }

    fn define(&mut self, line: usize, signal: usize, definition: Definition) -> Result<(), FormatError> {
        if self.definitions[signal].is_some() {
            return Err(wrong(line, format!("{} is defined a second time", shown(self.names[signal]))));
        }
        self.definitions[signal] = Some(definition);
        self.lines[signal] = line;
        Ok(())
    }

    /// One line; whether it ends the model.
    fn line(&mut self, line: usize, words: &[&'t str]) -> Result<bool, FormatError> {
        let rest = &words[1..];
        match words[0] {
            ".model" => {}
            ".inputs" => {
                for name in rest {
                    let signal = self.signal(line, name);
                    self.define(line, signal, Definition::Input)?;
                    self.inputs.push(signal);
                }
            }
            ".outputs" => {
                for name in rest {
                    let signal = self.signal(line, name);
                    self.outputs.push(signal);
                }
            }
            ".names" => {
                let Some((to, from)) = rest.split_last() else {
                    return Err(wrong(line, "expected the signals of `.names`, found the end of the line"));
                };
                let inputs = from.iter().map(|name| self.signal(line, name)).collect();
                let to = self.signal(line, to);
                self.define(line, to, Definition::Table { inputs, cubes: Vec::new(), value: true })?;
                self.current = Some(to);
                return Ok(false);
            }
            ".end" => return Ok(true),
            word if word.starts_with('.') => {
                return Err(wrong(
                    line,
                    format!(
                        "expected `.model`, `.inputs`, `.outputs`, `.names` or `.end`, found {}",
                        shown(word)
                    ),
                ));
            }
            _ => return self.row(line, words).map(|()| false),
        }
        self.current = None;
        Ok(false)
    }

    /// A row of the table at hand.
    fn row(&mut self, line: usize, words: &[&str]) -> Result<(), FormatError> {
        let Some(Some(Definition::Table { inputs, cubes, value })) =
            self.current.and_then(|signal| self.definitions.get_mut(signal))
        else {
            return Err(wrong(line, format!("expected a directive, found {}", shown(words[0]))));
        };
        let (pattern, output) = match words {
            [output] if inputs.is_empty() => ("", *output),
            [pattern, output] => (*pattern, *output),
            _ => return Err(wrong(line, "expected a row `pattern value` of the table")),
        };
        let output = match output {
            "0" => false,
            "1" => true,
            other => return Err(wrong(line, format!("expected the value 0 or 1, found {}", shown(other)))),
        };
        if !cubes.is_empty() && output != *value {
            return Err(wrong(line, "all rows of a table have the same value"));
        }
        let cube: Option<Cube> = pattern
            .chars()
            .map(|c| match c {
                '0' => Some(Some(false)),
                '1' => Some(Some(true)),
                '-' => Some(None),
                _ => None,
            })
            .collect();
        match cube.filter(|cube| cube.len() == inputs.len()) {
            Some(cube) => {
                *value = output;
                cubes.push(cube);
                Ok(())
            }
            None => {
                let message =
                    format!("expected {} characters of 0, 1 and -, found {}", inputs.len(), shown(pattern));
                Err(wrong(line, message))
            }
        }
    }

    fn finish(self, last_line: usize) -> Result<Circuit, FormatError> {
        if self.outputs.is_empty() && self.names.is_empty() && last_line == 0 {
            return Err(wrong(1, "expected `.model`, found the end of the file"));
        }
        check_width(last_line, self.inputs.len().max(self.outputs.len()))?;
        if let Some(signal) = self.definitions.iter().position(Option::is_none) {
            let message = format!("{} is defined nowhere", shown(self.names[signal]));
            return Err(wrong(self.lines[signal], message));
        }
        let order = in_order(self.names.len(), 0..self.names.len(), |signal, list| {
            if let Some(Definition::Table { inputs, .. }) = &self.definitions[signal] {
                list.extend(inputs);
            }
        })
        .map_err(|signal| {
            wrong(self.lines[signal], format!("{} depends on itself", shown(self.names[signal])))
        })?;
        let names = |signals: &[usize]| signals.iter().map(|s| self.names[*s].to_owned()).collect::<Vec<_>>();
        let mut builder = Builder::new();
        let inputs: Vec<Wire> =
            ports_of(&names(&self.inputs)).into_iter().flat_map(|port| builder.input(port)).collect();
        let mut wires: Vec<Option<Wire>> = vec![None; self.names.len()];
        for (signal, wire) in self.inputs.iter().zip(&inputs) {
            wires[*signal] = Some(*wire);
        }
        let mut covers = Covers::default();
        for signal in order {
            if let Some(Definition::Table { inputs, cubes, value }) = &self.definitions[signal] {
                let inputs: Vec<Wire> = inputs
                    .iter()
                    .map(|input| wires[*input].expect("ordered: read after it is made"))
                    .collect();
                wires[signal] = Some(covers.gates(&mut builder, &inputs, cubes, *value));
            }
        }
        let mut outputs = self.outputs.iter().map(|signal| wires[*signal].expect("every signal is defined"));
        for port in ports_of(&names(&self.outputs)) {
            let bits: Vec<Wire> = outputs.by_ref().take(port.width as usize).collect();
            builder.output(port, &bits);
        }
        Ok(builder.finish())
    }
}
