//! DOT and JSON exports of circuits and programs, for other people's tools. Both are described in
//! `compiler/docs/text-form.md`.

use std::fmt::Write;

use serde_json::{Value, json};

use crate::{Circuit, Gate, Level, Port, Program, Wire};

/// Version of the JSON form.
const VERSION: u32 = 1;

impl Circuit {
    /// The circuit in Graphviz DOT: a node per gate and per output bit, an edge per operand.
    pub fn to_dot(&self) -> String {
        dot(self, &[])
    }

    /// The circuit as JSON.
    pub fn to_json(&self) -> Value {
        let mut value = json!({ "format": "ffhec-circuit", "version": VERSION });
        add_circuit(&mut value, self);
        value
    }
}

impl Program {
    /// The program in Graphviz DOT, like its circuit, with a cluster per level.
    pub fn to_dot(&self) -> String {
        dot(&self.circuit, &self.levels)
    }

    /// The program as JSON: its circuit, preset and levels.
    pub fn to_json(&self) -> Value {
        let mut value = json!({ "format": "ffhec-program", "version": VERSION, "preset": self.preset });
        add_circuit(&mut value, &self.circuit);
        value["levels"] = self.levels.iter().map(level_json).collect();
        value
    }
}

fn level_json(level: &Level) -> Value {
    json!({ "first": level.gates.start, "end": level.gates.end, "dead": wires_json(&level.dead) })
}

fn wires_json(wires: &[Wire]) -> Value {
    wires.iter().map(|wire| wire.index()).collect()
}

fn add_circuit(value: &mut Value, circuit: &Circuit) {
    value["functions"] = json!(circuit.functions);
    value["inputs"] = circuit.inputs.iter().map(port_json).collect();
    value["gates"] = circuit.gates.iter().map(|gate| gate_json(*gate)).collect();
    value["origins"] = json!(circuit.origins);
    let mut rest = circuit.output_wires.as_slice();
    let outputs = circuit.outputs.iter().map(|port| {
        let (wires, after) = rest.split_at(rest.len().min(port.width as usize));
        rest = after;
        let mut output = port_json(port);
        output["wires"] = wires_json(wires);
        output
    });
    value["outputs"] = outputs.collect();
}

fn port_json(port: &Port) -> Value {
    json!({ "name": port.name, "kind": port.kind, "width": port.width, "range": port.range })
}

fn gate_json(gate: Gate) -> Value {
    match gate {
        Gate::Constant(bit) => json!(["constant", u8::from(bit)]),
        Gate::Input(bit) => json!(["input", bit]),
        Gate::Not(a) => json!(["not", a.index()]),
        Gate::Xor(a, b) => json!(["xor", a.index(), b.index()]),
        Gate::And(a, b) => json!(["and", a.index(), b.index()]),
        Gate::Refresh(a) => json!(["refresh", a.index()]),
    }
}

fn dot(circuit: &Circuit, levels: &[Level]) -> String {
    let mut out = String::from("digraph circuit {\n  rankdir=LR;\n  node [shape=circle];\n");
    let bits = port_bits(&circuit.inputs);
    if levels.is_empty() {
        nodes(&mut out, circuit, 0..circuit.gates.len(), &bits);
    }
    for (number, level) in levels.iter().enumerate() {
        line(&mut out, format_args!("  subgraph cluster_{number} {{"));
        line(&mut out, format_args!("  label=\"level {number}\";"));
        nodes(&mut out, circuit, level.gates.start as usize..level.gates.end as usize, &bits);
        out.push_str("  }\n");
    }
    for (index, gate) in circuit.gates.iter().enumerate() {
        for wire in gate.operands() {
            line(&mut out, format_args!("  g{} -> g{index};", wire.index()));
        }
    }
    let outputs = port_bits(&circuit.outputs);
    for (bit, wire) in circuit.output_wires.iter().enumerate() {
        let label = outputs.get(bit).map_or("", String::as_str);
        line(&mut out, format_args!("  o{bit} [shape=box, label=\"{label}\"];"));
        line(&mut out, format_args!("  g{} -> o{bit};", wire.index()));
    }
    out.push_str("}\n");
    out
}

fn nodes(out: &mut String, circuit: &Circuit, gates: std::ops::Range<usize>, bits: &[String]) {
    for index in gates {
        let (shape, label) = match circuit.gates[index] {
            Gate::Constant(bit) => ("plaintext", if bit { "1" } else { "0" }),
            Gate::Input(bit) => ("box", bits.get(bit as usize).map_or("", String::as_str)),
            Gate::Not(_) => ("circle", "NOT"),
            Gate::Xor(..) => ("circle", "XOR"),
            Gate::And(..) => ("circle", "AND"),
            Gate::Refresh(_) => ("doublecircle", "refresh"),
        };
        line(out, format_args!("  g{index} [shape={shape}, label=\"{label}\"];"));
    }
}

fn line(out: &mut String, text: std::fmt::Arguments<'_>) {
    writeln!(out, "{text}").expect("a String takes everything");
}

/// A label for each bit of the ports, as the inside of a DOT string.
fn port_bits(ports: &[Port]) -> Vec<String> {
    let label = |port: &Port, bit: u32| {
        let name: String = port.name.chars().filter(|c| !c.is_control()).collect();
        format!("{} .{bit}", name.replace('\\', "\\\\").replace('"', "\\\""))
    };
    ports.iter().flat_map(|port| (0..port.width).map(move |bit| label(port, bit))).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use crate::sample;

    #[test]
    fn the_dot_and_json_of_the_adder() {
        insta::assert_snapshot!(sample::adder().to_dot());
        insta::assert_snapshot!(sample::adder().to_json().to_string());
    }

    proptest! {
        #[test]
        fn exports_count_every_gate_and_operand(program in sample::programs()) {
            let gates = &program.circuit.gates;
            let operands: usize = gates.iter().map(|gate| gate.operands().count()).sum();
            let json = program.to_json();
            prop_assert_eq!(json["gates"].as_array().map(Vec::len), Some(gates.len()));
            prop_assert_eq!(json["levels"].as_array().map(Vec::len), Some(program.levels.len()));
            let dot = program.to_dot();
            let edges = operands + program.circuit.output_wires.len();
            prop_assert_eq!(dot.lines().filter(|line| line.contains(" -> ")).count(), edges);
        }
    }
}
