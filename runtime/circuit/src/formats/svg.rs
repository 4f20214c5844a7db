//! A drawing: gates in columns by the ANDs before them, inputs on the left, outputs on the right.

use std::fmt::Write;

use super::FormatError;
use crate::{Circuit, Gate};

/// Gates that a drawing may have.
const MOST: usize = 5_000;

/// Sizes in SVG's units.
const COLUMN: usize = 90;
const ROW: usize = 26;
const MARGIN: usize = 20;
const WIDE: usize = 56;
const HIGH: usize = 18;

/// Draws a circuit; refreshes stand out.
pub(super) fn write(circuit: &Circuit) -> Result<String, FormatError> {
    let gates = circuit.gates.len();
    if gates > MOST {
        return Err(FormatError::TooManyToDraw { gates, most: MOST });
    }
    // The column is the longest path from an input: every edge goes right.
    let mut column = vec![0_usize; gates];
    for (index, gate) in circuit.gates.iter().enumerate() {
        column[index] = gate.operands().map(|wire| column[wire.index()] + 1).max().unwrap_or(0);
    }
    let last = column.iter().copied().max().map_or(0, |column| column + 1);
    let mut used = vec![0_usize; last + 1];
    let mut place = |column: usize| {
        used[column] += 1;
        (MARGIN + column * COLUMN, MARGIN + (used[column] - 1) * ROW)
    };
    let places: Vec<(usize, usize)> = column.iter().map(|column| place(*column)).collect();
    let outputs: Vec<(usize, usize)> = circuit.output_wires.iter().map(|_| place(last)).collect();
    let height = 2 * MARGIN + used.iter().copied().max().unwrap_or(0) * ROW;
    let width = 2 * MARGIN + last * COLUMN + WIDE;
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" \
         height=\"{height}\" font-family=\"sans-serif\" font-size=\"10\" text-anchor=\"middle\">\n\
         <g fill=\"none\" stroke=\"#999\" stroke-width=\"0.7\">\n"
    );
    for (gate, to) in circuit.gates.iter().zip(&places) {
        gate.operands().for_each(|from| edge(&mut out, places[from.index()], *to));
    }
    for (wire, to) in circuit.output_wires.iter().zip(&outputs) {
        edge(&mut out, places[wire.index()], *to);
    }
    out.push_str("</g>\n");
    let names = bit_labels(&circuit.inputs);
    for (gate, place) in circuit.gates.iter().zip(&places) {
        let (fill, label) = match gate {
            Gate::Constant(bit) => ("#ffffff", u8::from(*bit).to_string()),
            Gate::Input(bit) => ("#d9e8ff", names.get(*bit as usize).cloned().unwrap_or_default()),
            Gate::Not(_) => ("#f2f2f2", "NOT".to_owned()),
            Gate::Xor(..) => ("#f2f2f2", "XOR".to_owned()),
            Gate::And(..) => ("#ffd9b3", "AND".to_owned()),
            Gate::Refresh(_) => ("#ffb3b3", "refresh".to_owned()),
        };
        node(&mut out, *place, fill, &label);
    }
    for (place, name) in outputs.iter().zip(bit_labels(&circuit.outputs)) {
        node(&mut out, *place, "#d9ffd9", &name);
    }
    out.push_str("</svg>\n");
    Ok(out)
}

fn edge(out: &mut String, from: (usize, usize), to: (usize, usize)) {
    let (x1, y1, x2, y2) = (from.0 + WIDE, from.1 + HIGH / 2, to.0, to.1 + HIGH / 2);
    writeln!(out, "<path d=\"M{x1} {y1}L{x2} {y2}\"/>").expect("a String takes everything");
}

fn node(out: &mut String, (x, y): (usize, usize), fill: &str, label: &str) {
    let (text_x, text_y) = (x + WIDE / 2, y + HIGH - 5);
    writeln!(
        out,
        "<rect x=\"{x}\" y=\"{y}\" width=\"{WIDE}\" height=\"{HIGH}\" rx=\"3\" fill=\"{fill}\" stroke=\"#555\"/>\
         <text x=\"{text_x}\" y=\"{text_y}\">{label}</text>"
    )
    .expect("a String takes everything");
}

/// `name.bit` for every bit, short and fit for XML.
fn bit_labels(ports: &[crate::Port]) -> Vec<String> {
    const LONGEST: usize = 9;
    let plain = |c: char| if c.is_control() || matches!(c, '<' | '>' | '&' | '"' | '\'') { '_' } else { c };
    let label = |port: &crate::Port, bit: u32| {
        let name: String = port.name.chars().map(plain).take(LONGEST).collect();
        if port.width == 1 { name } else { format!("{name}.{bit}") }
    };
    ports.iter().flat_map(|port| (0..port.width).map(move |bit| label(port, bit))).collect()
}
