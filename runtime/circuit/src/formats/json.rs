//! Our JSON form, read back. Programs are read as their circuit.

use serde_json::Value;

use super::{FormatError, wrong};
use crate::{Circuit, Gate, Port, Wire};

fn part<T>(part: impl Into<String>, message: &str) -> Result<T, FormatError> {
    Err(FormatError::Part { part: part.into(), message: message.into() })
}

/// Reads `ffhec-circuit` or `ffhec-program`, version 1.
pub(super) fn read(text: &str) -> Result<Circuit, FormatError> {
    let value: Value = serde_json::from_str(text)
        .map_err(|error| wrong(error.line(), format!("malformed JSON: {error}")))?;
    if !matches!(value["format"].as_str(), Some("ffhec-circuit" | "ffhec-program")) {
        return part("`format`", "expected \"ffhec-circuit\" or \"ffhec-program\"");
    }
    if value["version"].as_u64() != Some(1) {
        return part("`version`", "expected 1");
    }
    let functions = list(&value, "functions")?;
    let functions: Option<Vec<String>> =
        functions.iter().map(|name| name.as_str().map(str::to_owned)).collect();
    let origins: Option<Vec<u32>> = list(&value, "origins")?.iter().map(number).collect();
    let mut circuit = Circuit {
        functions: functions.map_or_else(|| part("`functions`", "expected strings"), Ok)?,
        origins: origins.map_or_else(|| part("`origins`", "expected numbers below 2^32"), Ok)?,
        ..Circuit::default()
    };
    for (n, gate) in list(&value, "gates")?.iter().enumerate() {
        match read_gate(gate, n) {
            Some(gate) => circuit.gates.push(gate),
            None => {
                return part(
                    format!("`gates[{n}]`"),
                    "expected a gate such as [\"and\", 3, 5] over earlier ones",
                );
            }
        }
    }
    for (n, port) in list(&value, "inputs")?.iter().enumerate() {
        circuit.inputs.push(read_port(port, "inputs", n)?);
    }
    for (n, port) in list(&value, "outputs")?.iter().enumerate() {
        circuit.outputs.push(read_port(port, "outputs", n)?);
        for wire in list(port, "wires")? {
            match number(wire).filter(|wire| (*wire as usize) < circuit.gates.len()) {
                Some(wire) => circuit.output_wires.push(Wire::new(wire as usize)),
                None => return part(format!("`outputs[{n}].wires`"), "expected numbers of gates"),
            }
        }
    }
    Ok(circuit)
}

fn list<'v>(value: &'v Value, key: &str) -> Result<&'v [Value], FormatError> {
    match value[key].as_array() {
        Some(items) => Ok(items),
        None => part(format!("`{key}`"), "expected a list"),
    }
}

fn number(value: &Value) -> Option<u32> {
    value.as_u64().and_then(|number| u32::try_from(number).ok())
}

/// Gate number `index`; it reads earlier ones only.
fn read_gate(value: &Value, index: usize) -> Option<Gate> {
    let items = value.as_array()?;
    let argument = |n: usize| items.get(n).and_then(number);
    let wire = |n: usize| argument(n).map(|wire| wire as usize).filter(|wire| *wire < index).map(Wire::new);
    let (gate, length) = match items.first()?.as_str()? {
        "constant" => (Gate::Constant(argument(1).filter(|bit| *bit < 2)? == 1), 2),
        "input" => (Gate::Input(argument(1)?), 2),
        "not" => (Gate::Not(wire(1)?), 2),
        "refresh" => (Gate::Refresh(wire(1)?), 2),
        "xor" => (Gate::Xor(wire(1)?, wire(2)?), 3),
        "and" => (Gate::And(wire(1)?, wire(2)?), 3),
        _ => return None,
    };
    (items.len() == length).then_some(gate)
}

fn read_port(value: &Value, list: &str, n: usize) -> Result<Port, FormatError> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let range = match value["range"].as_array().map(Vec::as_slice) {
        Some([low, high]) => text(low).zip(text(high)).map(Some),
        Some(_) => None,
        None => value["range"].is_null().then_some(None),
    };
    match (text(&value["name"]), text(&value["kind"]), number(&value["width"]), range) {
        (Some(name), Some(kind), Some(width), Some(range)) => Ok(Port { name, kind, width, range }),
        _ => part(
            format!("`{list}[{n}]`"),
            "expected an object with `name`, `kind`, `width` and `range` (null or two strings)",
        ),
    }
}
