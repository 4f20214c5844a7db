//! Circuits in the file formats of other tools. Each format is a small module that turns a [`Circuit`] into bytes and,
//! but for drawings, bytes into a [`Circuit`].
//!
//! Other formats have no refreshes, so those are left out; names that a format cannot hold are replaced by like ones.
//! Readers take time and memory linear in the file and answer anything malformed with a [`FormatError`].

mod aiger;
mod blif;
mod bristol;
mod cover;
mod json;
mod names;
mod nets;
mod svg;
mod verilog;

use std::fmt;

use thiserror::Error;

use crate::{Circuit, Gate, MAX_INPUT_BITS, Port, Program, TextError, VerifyError, Wire};

/// A file format for circuits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Our text form.
    Text,
    /// Our JSON form.
    Json,
    /// Graphviz; written only.
    Dot,
    /// A drawing; written only.
    Svg,
    /// Bristol Fashion. The older Bristol format is read too.
    Bristol,
    /// Berkeley Logic Interchange Format.
    Blif,
    /// Structural Verilog.
    Verilog,
    /// AIGER in ASCII.
    Aag,
    /// AIGER in binary.
    Aig,
}

/// What a file holds.
#[derive(Clone, Debug)]
pub struct Imported {
    /// The circuit.
    pub circuit: Circuit,
    /// For and-inverter graphs, the ANDs of the file: each XOR was written as three of them.
    pub ands_in_file: Option<usize>,
}

/// Why a file is no circuit, or a circuit fits no file.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum FormatError {
    /// A line of the file is wrong.
    #[error("line {line}: {message}")]
    Line {
        /// From 1.
        line: usize,
        /// What is wrong with it.
        message: String,
    },
    /// A byte of the file is wrong.
    #[error("byte {at}: {message}")]
    Byte {
        /// From 0.
        at: usize,
        /// What is wrong there.
        message: String,
    },
    /// A part of a JSON file is wrong.
    #[error("{part}: {message}")]
    Part {
        /// Which part.
        part: String,
        /// What is wrong with it.
        message: String,
    },
    /// The text form does not parse.
    #[error(transparent)]
    Text(#[from] TextError),
    /// The file is well-formed, but means no valid circuit.
    #[error("the file is well-formed, but not a valid circuit: {0}")]
    Invalid(#[from] VerifyError),
    /// The format is written only.
    #[error("{0} files are written, not read")]
    WriteOnly(Format),
    /// A drawing that nobody could read.
    #[error("a drawing of {gates} gates would be unreadable; at most {most} are drawn")]
    TooManyToDraw {
        /// Gates of the circuit.
        gates: usize,
        /// The limit.
        most: usize,
    },
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Format::Text => "text",
            Format::Json => "JSON",
            Format::Dot => "DOT",
            Format::Svg => "SVG",
            Format::Bristol => "Bristol",
            Format::Blif => "BLIF",
            Format::Verilog => "Verilog",
            Format::Aag | Format::Aig => "AIGER",
        })
    }
}

impl Format {
    /// The format that files with this extension (without the dot) are in.
    pub fn of_extension(extension: &str) -> Option<Format> {
        Some(match extension.to_ascii_lowercase().as_str() {
            "ffg" => Format::Text,
            "json" => Format::Json,
            "dot" | "gv" => Format::Dot,
            "svg" => Format::Svg,
            "txt" | "bristol" => Format::Bristol,
            "blif" => Format::Blif,
            "v" => Format::Verilog,
            "aag" => Format::Aag,
            "aig" => Format::Aig,
            _ => return None,
        })
    }

    /// The format of a file with these first bytes.
    pub fn of_bytes(bytes: &[u8]) -> Option<Format> {
        const LOOKED_AT: usize = 1 << 16;
        let start = String::from_utf8_lossy(&bytes[..bytes.len().min(LOOKED_AT)]);
        let meaningful =
            |line: &&str| !line.is_empty() && !line.starts_with(['#', ';']) && !line.starts_with("//");
        let line = start.lines().map(str::trim).find(meaningful)?;
        match line.split_whitespace().next()? {
            "circuit" | "program" => Some(Format::Text),
            "aag" => Some(Format::Aag),
            "aig" => Some(Format::Aig),
            "digraph" => Some(Format::Dot),
            "module" | "`timescale" => Some(Format::Verilog),
            word if word.starts_with("module") || word.starts_with("/*") || word.starts_with("(*") => {
                Some(Format::Verilog)
            }
            word if word.starts_with('{') => Some(Format::Json),
            word if word.starts_with('<') => Some(Format::Svg),
            word if word.starts_with('.') => Some(Format::Blif),
            word if word.bytes().all(|byte| byte.is_ascii_digit()) => Some(Format::Bristol),
            _ => None,
        }
    }

    /// Reads a circuit; refreshes in it are kept.
    ///
    /// # Errors
    /// If the file is malformed, or the format is written only.
    pub fn read(self, bytes: &[u8]) -> Result<Imported, FormatError> {
        let plain = |circuit| Imported { circuit, ands_in_file: None };
        let imported = match self {
            Format::Text => plain(read_text(utf8(bytes)?)?),
            Format::Json => plain(json::read(utf8(bytes)?)?),
            Format::Bristol => plain(bristol::read(utf8(bytes)?)?),
            Format::Blif => plain(blif::read(utf8(bytes)?)?),
            Format::Verilog => plain(verilog::read(utf8(bytes)?)?),
            Format::Aag | Format::Aig => aiger::read(bytes)?,
            Format::Dot | Format::Svg => return Err(FormatError::WriteOnly(self)),
        };
        imported.circuit.verify()?;
        Ok(imported)
    }

    /// Writes a circuit.
    ///
    /// # Errors
    /// If it has more gates than the format can show.
    pub fn write(self, circuit: &Circuit) -> Result<Vec<u8>, FormatError> {
        let bare = || circuit.without_refreshes();
        Ok(match self {
            Format::Text => circuit.to_string().into_bytes(),
            Format::Json => format!("{:#}\n", circuit.to_json()).into_bytes(),
            Format::Dot => circuit.to_dot().into_bytes(),
            Format::Svg => svg::write(circuit)?.into_bytes(),
            Format::Bristol => bristol::write(&bare()).into_bytes(),
            Format::Blif => blif::write(&bare()).into_bytes(),
            Format::Verilog => verilog::write(&bare()).into_bytes(),
            Format::Aag => aiger::write_ascii(&bare()),
            Format::Aig => aiger::write_binary(&bare()),
        })
    }
}

fn read_text(text: &str) -> Result<Circuit, FormatError> {
    if text
        .lines()
        .map(str::trim_start)
        .find(|line| !line.is_empty())
        .is_some_and(|l| l.starts_with("program"))
    {
        return Ok(text.parse::<Program>()?.circuit);
    }
    Ok(text.parse::<Circuit>()?)
}

fn utf8(bytes: &[u8]) -> Result<&str, FormatError> {
    std::str::from_utf8(bytes).map_err(|error| FormatError::Byte {
        at: error.valid_up_to(),
        message: "expected UTF-8 text, found another byte".into(),
    })
}

/// A mistake on a line.
fn wrong(line: usize, message: impl Into<String>) -> FormatError {
    FormatError::Line { line, message: message.into() }
}

/// What a message shows of a word of the file.
fn shown(word: &str) -> String {
    match word {
        "" => "the end of the line".to_owned(),
        word => format!("`{}`", word.chars().take(40).flat_map(char::escape_debug).collect::<String>()),
    }
}

/// A port of `width` bits that a file without types declares.
fn untyped_port(name: String, width: u32) -> Port {
    let kind = match width {
        1 => "bool".to_owned(),
        0 | 257.. => "bits".to_owned(),
        width => format!("uint<{width}>"),
    };
    Port { name, kind, width, range: None }
}

/// A circuit of these gates, all from one function.
fn circuit_of(gates: Vec<Gate>, inputs: Vec<Port>, outputs: Vec<Port>, output_wires: Vec<Wire>) -> Circuit {
    let functions = if gates.is_empty() { Vec::new() } else { vec!["main".to_owned()] };
    Circuit { origins: vec![0; gates.len()], gates, functions, inputs, outputs, output_wires }
}

/// Refuses widths that no circuit can have, before anything is built for them.
fn check_width(line: usize, bits: usize) -> Result<(), FormatError> {
    if bits > MAX_INPUT_BITS {
        return Err(wrong(line, format!("more than {MAX_INPUT_BITS} input or output bits")));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
