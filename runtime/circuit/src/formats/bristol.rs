//! Bristol Fashion: two header lines with the widths of values, then a gate a line in an order of dependence. The first
//! wires are the inputs, the last ones the outputs, least significant bit first. The older Bristol format (two parties,
//! one output, all on one header line) is read too.

use std::fmt::Write;

use super::{FormatError, check_width, circuit_of, shown, untyped_port, wrong};
use crate::{Circuit, Gate, Port, Wire};

/// Writes a circuit without refreshes.
pub(super) fn write(circuit: &Circuit) -> String {
    let inputs = circuit.input_bits();
    let outputs = circuit.output_bits();
    let computed = circuit.gates.iter().filter(|gate| !matches!(gate, Gate::Input(_))).count();
    // An output wire that is computed and is no other output takes its final number; others are copied.
    let mut place: Vec<Option<usize>> = vec![None; circuit.gates.len()];
    let mut copies = Vec::new();
    for (output, wire) in circuit.output_wires.iter().enumerate() {
        let is_input = matches!(circuit.gate(*wire), Gate::Input(_));
        match &mut place[wire.index()] {
            slot @ None if !is_input => *slot = Some(output),
            _ => copies.push((*wire, output)),
        }
    }
    let wires = inputs + computed + copies.len();
    let first_output = wires - outputs;
    let mut out = format!("{} {wires}\n", computed + copies.len());
    widths(&mut out, &circuit.inputs);
    widths(&mut out, &circuit.outputs);
    out.push('\n');
    let mut number = vec![0_usize; circuit.gates.len()];
    let mut next = inputs;
    for (index, gate) in circuit.gates.iter().enumerate() {
        if let Gate::Input(bit) = gate {
            number[index] = *bit as usize;
            continue;
        }
        number[index] = match place[index] {
            Some(output) => first_output + output,
            None => {
                next += 1;
                next - 1
            }
        };
        let to = number[index];
        let line = match gate {
            Gate::Constant(bit) => format!("1 1 {} {to} EQ", u8::from(*bit)),
            Gate::Not(a) => format!("1 1 {} {to} INV", number[a.index()]),
            Gate::Input(bit) => format!("1 1 {bit} {to} EQW"),
            Gate::Refresh(a) => format!("1 1 {} {to} EQW", number[a.index()]),
            Gate::Xor(a, b) => format!("2 1 {} {} {to} XOR", number[a.index()], number[b.index()]),
            Gate::And(a, b) => format!("2 1 {} {} {to} AND", number[a.index()], number[b.index()]),
        };
        out.push_str(&line);
        out.push('\n');
    }
    debug_assert_eq!(next, first_output, "wires that are no outputs come before them");
    for (wire, output) in copies {
        writeln!(out, "1 1 {} {} EQW", number[wire.index()], first_output + output)
            .expect("a String takes everything");
    }
    out
}

fn widths(out: &mut String, ports: &[Port]) {
    let widths: Vec<String> = ports.iter().map(|port| port.width.to_string()).collect();
    let space = if widths.is_empty() { "" } else { " " };
    writeln!(out, "{}{space}{}", ports.len(), widths.join(" ")).expect("a String takes everything");
}

/// Reads either format.
pub(super) fn read(text: &str) -> Result<Circuit, FormatError> {
    let mut lines = (1..).zip(text.lines().map(str::trim)).filter(|(_, line)| !line.is_empty());
    let last_line = text.lines().count();
    let (first_line, sizes) = match lines.next() {
        Some((line, words)) => (line, numbers(line, words)?),
        None => return Err(wrong(1, "expected the number of gates and of wires, found the end of the file")),
    };
    let [gates, wires] = sizes[..] else {
        return Err(wrong(
            first_line,
            format!("expected the number of gates and of wires, found {} numbers", sizes.len()),
        ));
    };
    let (line, second) = lines.next().ok_or_else(|| wrong(last_line, "expected the widths of the inputs"))?;
    let second = numbers(line, second)?;
    let mut rest = lines.clone();
    let (inputs, outputs) = match rest.next().map(|(at, words)| (at, numbers(at, words))) {
        Some((at, Ok(third))) => {
            lines = rest;
            (counted(line, &second, "input")?, counted(at, &third, "output")?)
        }
        // A gate, or nothing: the older format, `a b c` for two inputs and an output.
        Some((_, Err(_))) | None => match second[..] {
            [a, b, c] => ([a, b].into_iter().filter(|width| *width > 0).collect(), vec![c]),
            _ => return Err(wrong(line, "expected the widths of the outputs on the line after this one")),
        },
    };
    let total = |widths: &[usize]| {
        widths.iter().try_fold(0_usize, |sum, width| sum.checked_add(*width)).unwrap_or(usize::MAX)
    };
    let (input_bits, output_bits) = (total(&inputs), total(&outputs));
    check_width(line, input_bits)?;
    check_width(line, output_bits)?;
    // A wire is an input or named on a line of its own gate.
    if wires > input_bits + text.len() || wires < input_bits || wires < output_bits {
        let message =
            format!("{wires} wires cannot be, with {input_bits} input and {output_bits} output bits");
        return Err(wrong(first_line, message));
    }
    let mut reader = Reader { wires: vec![None; wires], gates: Vec::new() };
    for bit in 0..input_bits {
        reader.define(first_line, bit, Gate::Input(u32::try_from(bit).expect("checked: at most 2^24")))?;
    }
    let mut found = 0;
    for (line, words) in lines {
        if found == gates {
            return Err(wrong(line, format!("the header announces {gates} gates, this is one more")));
        }
        reader.gate(line, words)?;
        found += 1;
    }
    if found < gates {
        return Err(wrong(last_line, format!("the header announces {gates} gates, the file has {found}")));
    }
    let output_wires = (wires - output_bits..wires)
        .map(|wire| {
            reader.wires[wire]
                .ok_or_else(|| wrong(last_line, format!("no gate drives the output wire {wire}")))
        })
        .collect::<Result<Vec<Wire>, FormatError>>()?;
    let ports = |widths: &[usize], prefix: &str| -> Vec<Port> {
        let width = |width: usize| u32::try_from(width).expect("checked: at most 2^24");
        widths.iter().enumerate().map(|(n, w)| untyped_port(format!("{prefix}{n}"), width(*w))).collect()
    };
    Ok(circuit_of(reader.gates, ports(&inputs, "x"), ports(&outputs, "y"), output_wires))
}

fn numbers(line: usize, words: &str) -> Result<Vec<usize>, FormatError> {
    words.split_whitespace().map(|word| number(line, word)).collect()
}

fn number(line: usize, word: &str) -> Result<usize, FormatError> {
    let plain = word.bytes().all(|byte| byte.is_ascii_digit());
    word.parse()
        .ok()
        .filter(|_| plain)
        .ok_or_else(|| wrong(line, format!("expected a number, found {}", shown(word))))
}

/// The widths behind their count.
fn counted(line: usize, numbers: &[usize], what: &str) -> Result<Vec<usize>, FormatError> {
    match numbers {
        [count, widths @ ..] if *count == widths.len() => Ok(widths.to_vec()),
        [count, widths @ ..] => {
            Err(wrong(line, format!("expected the widths of {count} {what} values, found {}", widths.len())))
        }
        [] => Err(wrong(line, format!("expected the number of {what} values"))),
    }
}

struct Reader {
    wires: Vec<Option<Wire>>,
    gates: Vec<Gate>,
}

impl Reader {
    fn define(&mut self, line: usize, wire: usize, gate: Gate) -> Result<(), FormatError> {
        let new = Wire::new(self.gates.len());
        self.name(line, wire, new)?;
        self.gates.push(gate);
        Ok(())
    }

    fn name(&mut self, line: usize, wire: usize, value: Wire) -> Result<(), FormatError> {
        let wires = self.wires.len();
        match self.wires.get_mut(wire) {
            None => Err(wrong(line, format!("wire {wire} is not below {wires}, the number of wires"))),
            Some(Some(_)) => Err(wrong(line, format!("wire {wire} is driven a second time"))),
            Some(slot) => {
                *slot = Some(value);
                Ok(())
            }
        }
    }

    fn wire(&self, line: usize, word: &str) -> Result<Wire, FormatError> {
        let wire = number(line, word)?;
        self.wires
            .get(wire)
            .copied()
            .flatten()
            .ok_or_else(|| wrong(line, format!("wire {wire} is read before a gate drives it")))
    }

    fn gate(&mut self, line: usize, text: &str) -> Result<(), FormatError> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let [reads, drives, wires @ .., operation] = &words[..] else {
            return Err(wrong(line, "expected `inputs outputs wires .. OPERATION`"));
        };
        let (reads, drives) = (number(line, reads)?, number(line, drives)?);
        if reads.checked_add(drives) != Some(wires.len()) {
            return Err(wrong(line, format!("expected {reads} + {drives} wires, found {}", wires.len())));
        }
        let (from, to) = wires.split_at(reads);
        let shape = |expected: (usize, usize)| {
            if (reads, drives) == expected {
                return Ok(());
            }
            let (a, b) = expected;
            Err(wrong(
                line,
                format!("{operation} reads {a} and drives {b} wires, found {reads} and {drives}"),
            ))
        };
        match *operation {
            "XOR" | "AND" => {
                shape((2, 1))?;
                let (a, b) = (self.wire(line, from[0])?, self.wire(line, from[1])?);
                let gate = if *operation == "XOR" { Gate::Xor(a, b) } else { Gate::And(a, b) };
                self.define(line, number(line, to[0])?, gate)
            }
            "INV" | "NOT" => {
                shape((1, 1))?;
                let a = self.wire(line, from[0])?;
                self.define(line, number(line, to[0])?, Gate::Not(a))
            }
            "EQW" => {
                shape((1, 1))?;
                let a = self.wire(line, from[0])?;
                self.name(line, number(line, to[0])?, a)
            }
            "EQ" => {
                shape((1, 1))?;
                let bit = match from[0] {
                    "0" => false,
                    "1" => true,
                    other => return Err(wrong(line, format!("EQ takes 0 or 1, found {}", shown(other)))),
                };
                self.define(line, number(line, to[0])?, Gate::Constant(bit))
            }
            "MAND" => {
                shape((2 * drives, drives))?;
                for (n, to) in to.iter().enumerate() {
                    let (a, b) = (self.wire(line, from[n])?, self.wire(line, from[n + drives])?);
                    self.define(line, number(line, to)?, Gate::And(a, b))?;
                }
                Ok(())
            }
            other => {
                Err(wrong(line, format!("expected XOR, AND, INV, EQ, EQW or MAND, found {}", shown(other))))
            }
        }
    }
}
