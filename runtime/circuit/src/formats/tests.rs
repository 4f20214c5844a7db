#![allow(clippy::unwrap_used, reason = "tests")]
//! Every format: what is written is read back as the same function, and no file makes a reader panic.

use proptest::prelude::*;

use super::{Format, FormatError};
use crate::{Circuit, Plain, evaluate, sample};

const READ: [Format; 7] =
    [Format::Text, Format::Json, Format::Bristol, Format::Blif, Format::Verilog, Format::Aag, Format::Aig];

/// 64 rows of arbitrary bits.
fn outputs(circuit: &Circuit) -> Vec<u64> {
    let mut word = 0x9e37_79b9_7f4a_7c15_u64;
    let inputs: Vec<u64> = (0..circuit.input_bits())
        .map(|_| {
            word ^= word << 13;
            word ^= word >> 7;
            word ^= word << 17;
            word
        })
        .collect();
    evaluate(circuit, &Plain, &inputs)
}

fn read(format: Format, text: &str) -> Result<Circuit, FormatError> {
    format.read(text.as_bytes()).map(|imported| imported.circuit)
}

fn widths(ports: &[crate::Port]) -> Vec<u32> {
    ports.iter().map(|port| port.width).filter(|width| *width > 0).collect()
}

proptest! {
    #[test]
    fn every_format_round_trips(circuit in sample::circuits()) {
        for format in READ {
            let bytes = format.write(&circuit).unwrap();
            prop_assert_eq!(Format::of_bytes(&bytes), Some(format));
            let back = format.read(&bytes).unwrap_or_else(|e| panic!("{e}\n{}", String::from_utf8_lossy(&bytes))).circuit;
            prop_assert_eq!(outputs(&back), outputs(&circuit), "{}", format);
            prop_assert_eq!(widths(&back.inputs), widths(&circuit.inputs), "{}", format);
            prop_assert_eq!(widths(&back.outputs), widths(&circuit.outputs), "{}", format);
            prop_assert!(back.counts().and <= circuit.counts().and, "{}", format);
        }
    }

    #[test]
    fn bristol_keeps_every_gate(circuit in sample::circuits()) {
        let bytes = Format::Bristol.write(&circuit).unwrap();
        let (back, plain) = (Format::Bristol.read(&bytes).unwrap().circuit.counts(), circuit.without_refreshes().counts());
        prop_assert_eq!((back.and, back.xor, back.not), (plain.and, plain.xor, plain.not));
    }

    #[test]
    fn changed_files_never_panic(
        circuit in sample::circuits(),
        edits in prop::collection::vec((any::<prop::sample::Index>(), prop::collection::vec(any::<u8>(), 0..3), 0_usize..4), 1..4),
        words in prop::collection::vec((any::<prop::sample::Index>(), 0_u64..1 << 40), 0..3),
    ) {
        for format in READ {
            let mut bytes = format.write(&circuit).unwrap();
            for (at, insert, delete) in &edits {
                let at = at.index(bytes.len() + 1);
                let end = (at + delete).min(bytes.len());
                bytes.splice(at..end, insert.iter().copied());
            }
            let _ = format.read(&bytes);
            // Other numbers in the right places.
            let text = String::from_utf8_lossy(&format.write(&circuit).unwrap()).into_owned();
            let mut parts: Vec<String> = text.split(' ').map(str::to_owned).collect();
            for (at, number) in &words {
                let at = at.index(parts.len());
                parts[at] = number.to_string();
            }
            let _ = format.read(parts.join(" ").as_bytes());
        }
    }

    #[test]
    fn drawings_show_every_gate(circuit in sample::circuits()) {
        let svg = String::from_utf8(Format::Svg.write(&circuit).unwrap()).unwrap();
        prop_assert_eq!(svg.matches("<rect").count(), circuit.gates.len() + circuit.output_wires.len());
        let operands: usize = circuit.gates.iter().map(|gate| gate.operands().count()).sum();
        prop_assert_eq!(svg.matches("<path").count(), operands + circuit.output_wires.len());
    }
}

#[test]
fn the_adder_in_every_format() {
    let adder = sample::adder().circuit;
    for (name, format) in [
        ("bristol", Format::Bristol),
        ("blif", Format::Blif),
        ("verilog", Format::Verilog),
        ("aag", Format::Aag),
        ("svg", Format::Svg),
    ] {
        insta::assert_snapshot!(name, String::from_utf8(format.write(&adder).unwrap()).unwrap());
    }
}

#[test]
fn names_of_ports_survive_where_a_format_has_names() {
    let adder = sample::adder().circuit;
    for format in [Format::Blif, Format::Verilog, Format::Aag, Format::Aig] {
        let back = format.read(&format.write(&adder).unwrap()).unwrap().circuit;
        let names: Vec<&str> =
            back.inputs.iter().chain(&back.outputs).map(|port| port.name.as_str()).collect();
        assert_eq!(names, ["x", "y", "sum"], "{format}");
    }
}

/// XOR costs three ANDs in the file and none after reading; so for multiplexers, which keep one.
#[test]
fn xors_and_multiplexers_of_and_inverter_graphs_are_found_again() {
    let adder = sample::adder().circuit;
    for format in [Format::Aag, Format::Aig] {
        let imported = format.read(&format.write(&adder).unwrap()).unwrap();
        assert_eq!(imported.ands_in_file, Some(3 + 3 * 4));
        assert_eq!((imported.circuit.counts().and, imported.circuit.counts().xor), (3, 4));
    }
    let selection = "aag 6 3 0 1 3\n2\n4\n6\n13\n8 2 4\n10 3 6\n12 9 11\n";
    assert_eq!(read(Format::Aag, selection).unwrap().counts().and, 1);
    let unordered = "aag 6 3 0 1 3\n2\n4\n6\n13\n12 9 11\n10 3 6\n8 2 4\n";
    assert_eq!(
        outputs(&read(Format::Aag, unordered).unwrap()),
        outputs(&read(Format::Aag, selection).unwrap())
    );
}

#[test]
fn files_of_other_tools_are_read() {
    let half_adder = |circuit: &Circuit| {
        let found = evaluate(circuit, &Plain, &[0b0011, 0b0101]);
        assert_eq!((found[0] & 15, found[1] & 15), (0b0110, 0b0001));
    };
    half_adder(&read(Format::Bristol, "2 4\n1 1 2\n\n2 1 0 1 2 XOR\n2 1 1 0 3 AND\n").unwrap());
    half_adder(&read(Format::Bristol, "2 4\n2 1 1\n1 2\n2 1 0 1 2 XOR\n2 1 1 0 3 AND\n").unwrap());
    half_adder(
        &read(Format::Blif, "# made\n.model h\n.inputs a \\\n b\n.outputs s c\n.names a b c\n11 1\n.names a b s\n00 0\n11 0\n.end\n")
            .unwrap(),
    );
    let verilog = "/* made */ module \\h! (a, b, s, c); // half\n input a; input b;\n output s, c; wire n;\n \
                   assign c = ~n;\n nand g1 (n, a, b); assign s = (a | b) & ~(a & b);\nendmodule\n";
    half_adder(&read(Format::Verilog, verilog).unwrap());
    let old = read(Format::Bristol, "1 5\n2 2 1\n\n2 1 0 2 4 XOR\n").unwrap();
    assert_eq!((widths(&old.inputs), widths(&old.outputs)), (vec![2, 2], vec![1]));
}

#[test]
fn mistakes_are_named_with_their_line() {
    for (format, text, message) in [
        (Format::Bristol, "", "line 1: expected the number of gates and of wires, found the end of the file"),
        (
            Format::Bristol,
            "1 3\n1 2\n1 1\n2 1 0 1 2 NAND\n",
            "line 4: expected XOR, AND, INV, EQ, EQW or MAND, found `NAND`",
        ),
        (Format::Bristol, "1 3\n1 2\n1 1\n2 1 0 2 2 AND\n", "line 4: wire 2 is read before a gate drives it"),
        (Format::Bristol, "1 3\n1 2\n1 1\n2 1 0 1 1 AND\n", "line 4: wire 1 is driven a second time"),
        (
            Format::Bristol,
            "2 3\n1 2\n1 1\n2 1 0 1 2 AND\n",
            "line 4: the header announces 2 gates, the file has 1",
        ),
        (
            Format::Bristol,
            "1 99999999999\n1 2\n1 1\n",
            "line 1: 99999999999 wires cannot be, with 2 input and 1 output bits",
        ),
        (Format::Bristol, "1 3\n1 99999999\n1 1\n", "line 2: more than 16777216 input or output bits"),
        (
            Format::Blif,
            ".model m\n.inputs a\n.latch a b\n",
            "line 3: expected `.model`, `.inputs`, `.outputs`, `.names` or `.end`, found `.latch`",
        ),
        (
            Format::Blif,
            ".inputs a\n.outputs b\n.names a b\n2 1\n",
            "line 4: expected 1 characters of 0, 1 and -, found `2`",
        ),
        (Format::Blif, ".outputs b\n", "line 1: `b` is defined nowhere"),
        (Format::Blif, ".outputs b\n.names b b\n1 1\n", "line 2: `b` depends on itself"),
        (
            Format::Aag,
            "aag 1 0 1 0 0\n2 3\n",
            "line 1: the circuit has latches or properties; only combinational ones are read",
        ),
        (Format::Aag, "aag 2 1 0 1 1\n2\n4\n4 2 9\n", "line 4: literal 9 is above 5, the largest"),
        (Format::Aag, "aag 2 1 0 1 1\n2\n4\n4 4 2\n", "variable 2: depends on itself"),
        (
            Format::Aig,
            "aig 200000000 0 0 0 200000000\n",
            "line 1: 200000000 ANDs; at most 134217728 are read",
        ),
        (Format::Aag, "aag 9999999999 0 0 0 0\n", "line 1: expected a number, found `9999999999`"),
        (
            Format::Aig,
            "aig 2 1 0 1 1\n4\n\u{1}",
            "byte 17: expected the operands of an AND, found the end of the file",
        ),
        (
            Format::Verilog,
            "module m (a);\n input a;\n flip g (a);\n",
            "line 3: expected a declaration, `assign`, a gate primitive or `endmodule`, found `flip`",
        ),
        (
            Format::Verilog,
            "module m (output y);\nbuf (y, z);\nendmodule",
            "line 2: `z` is not declared before it is used",
        ),
        (
            Format::Verilog,
            "module m (output y);\nwire z;\nbuf (y, z);\nendmodule",
            "line 3: a signal reads one that nothing drives",
        ),
        (
            Format::Verilog,
            "module m (input [99999999:0] y);\n",
            "line 1: expected a range [high:low] of at most 16777216 bits",
        ),
        (Format::Json, "{", "line 1: malformed JSON: EOF while parsing an object at line 1 column 1"),
        (Format::Json, "{\"format\": \"x\"}", "`format`: expected \"ffhec-circuit\" or \"ffhec-program\""),
        (Format::Dot, "digraph {}", "DOT files are written, not read"),
    ] {
        assert_eq!(read(format, text).unwrap_err().to_string(), message, "{text}");
    }
    let brackets = format!("module m (output y); assign y = {}", "(".repeat(100_000));
    assert!(read(Format::Verilog, &brackets).unwrap_err().to_string().contains("brackets"));
}
