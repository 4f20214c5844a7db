//! Tables: CSV text to encodings of each port's scalar, and back.

use std::fmt::Write as _;

use ffhec_circuit::Port;
use ffhec_compiler::gadgets::format::{Real, Scalar};
use num_bigint::BigUint;

use crate::failure::Failure;

/// How many wrong cells are reported at once.
const MOST_ERRORS: usize = 10;

/// Longest cell that is read as a number, in bytes.
const LONGEST_CELL: usize = 5_000;

/// The carried column.
pub(crate) const ID: &str = "id";

/// Rows of encoded scalars, one per port.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Table {
    /// The `id` column, carried through unread.
    pub(crate) ids: Option<Vec<String>>,
    /// For each row, the encoding of each port's value.
    pub(crate) rows: Vec<Vec<BigUint>>,
}

/// A port with its type understood.
struct Column<'a> {
    port: &'a Port,
    scalar: Scalar,
    range: Option<(BigUint, BigUint)>,
}

/// Checks ports that come from a file: known types of the right width, readable ranges, no name twice.
pub(crate) fn check_ports(ports: &[Port]) -> Result<(), String> {
    for (index, port) in ports.iter().enumerate() {
        let scalar = Scalar::parse(&port.kind).filter(|scalar| scalar.width() == port.width);
        let Some(scalar) = scalar else {
            return Err(format!(
                "column `{}` has type `{}` of {} bits, which this version does not know",
                port.name, port.kind, port.width
            ));
        };
        let bounds = port.range.iter().flat_map(|(low, high)| [low, high]);
        if let Some(bound) = bounds.clone().find(|bound| scalar.parse_cell(bound).is_err()) {
            return Err(format!("the range of column `{}` has the bound `{bound}`, no {scalar}", port.name));
        }
        if ports[..index].iter().any(|other| other.name == port.name) {
            return Err(format!("two columns are named `{}`", port.name));
        }
    }
    Ok(())
}

/// The scalar types of ports.
fn scalars(ports: &[Port]) -> Vec<Scalar> {
    let scalar =
        |port: &Port| Scalar::parse(&port.kind).expect("checked: types of the compiler, or check_ports");
    ports.iter().map(scalar).collect()
}

fn columns(ports: &[Port]) -> Vec<Column<'_>> {
    let scalars = scalars(ports);
    ports
        .iter()
        .zip(scalars)
        .map(|(port, scalar)| Column {
            port,
            scalar,
            range: port
                .range
                .as_ref()
                .and_then(|(low, high)| Some((scalar.parse_cell(low).ok()?, scalar.parse_cell(high).ok()?))),
        })
        .collect()
}

/// Reads a CSV table for `ports`. Returns warnings (columns that are not parameters) beside it. `name` is what the
/// user calls the table.
pub(crate) fn read(name: &str, text: &str, ports: &[Port]) -> Result<(Table, Vec<String>), Failure> {
    let columns = columns(ports);
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::Headers).from_reader(text.as_bytes());
    let header = reader.headers().map_err(|error| csv_failure(name, &error))?.clone();
    if header.is_empty() {
        return Err(Failure::user(
            format!("{name} is empty"),
            format!("its first line must name the columns: {}", names(ports)),
        ));
    }
    let places = find_columns(name, &header, ports)?;
    let id_place = match ports.iter().any(|port| port.name == ID) {
        true => None,
        false => header.iter().position(|column| column == ID),
    };
    let warnings = header
        .iter()
        .enumerate()
        .filter(|(place, column)| !column.is_empty() && !places.contains(place) && Some(*place) != id_place)
        .map(|(_, column)| format!("{name}: column `{column}` is no parameter of the program and is ignored"))
        .collect();

    let mut table = Table { ids: id_place.map(|_| Vec::new()), rows: Vec::new() };
    let mut errors = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|error| csv_failure(name, &error))?;
        let line = record.position().map_or(0, csv::Position::line);
        if let (Some(ids), Some(place)) = (&mut table.ids, id_place) {
            ids.push(record.get(place).unwrap_or_default().to_owned());
        }
        let mut row = Vec::with_capacity(columns.len());
        for (column, &place) in columns.iter().zip(&places) {
            match column.read(record.get(place).unwrap_or_default().trim()) {
                Ok(bits) => row.push(bits),
                Err(problem) => {
                    errors.push(format!("{name}, line {line}, column `{}`: {problem}", column.port.name));
                }
            }
        }
        table.rows.push(row);
        if errors.len() >= MOST_ERRORS {
            errors.push("and perhaps more".to_owned());
            break;
        }
    }
    match errors.is_empty() {
        true => Ok((table, warnings)),
        false => Err(Failure::user(errors.join("\n       "), "correct these cells; nothing was computed")),
    }
}

/// One row from `--in NAME=VALUE` options.
pub(crate) fn row_from_values(values: &[String], ports: &[Port]) -> Result<Table, Failure> {
    let columns = columns(ports);
    let mut given: Vec<(&str, &str)> = Vec::new();
    for value in values {
        let (name, text) = value.split_once('=').ok_or_else(|| {
            Failure::usage(
                format!("--in {value} has no `=`"),
                format!("write --in NAME=VALUE for {}", names(ports)),
            )
        })?;
        let name = name.trim();
        if !ports.iter().any(|port| port.name == name) {
            return Err(Failure::user(
                format!("--in {value}: the program has no input `{name}`"),
                format!("its inputs are {}", names(ports)),
            ));
        }
        if given.iter().any(|(known, _)| *known == name) {
            return Err(Failure::user(format!("--in gives `{name}` twice"), "give it once"));
        }
        given.push((name, text.trim()));
    }
    let mut row = Vec::new();
    for column in &columns {
        let text =
            given.iter().find(|(name, _)| *name == column.port.name).map(|(_, text)| *text).ok_or_else(
                || {
                    Failure::user(
                        format!("input `{}` has no value", column.port.name),
                        format!("add --in {}=VALUE, or give a table with --inputs", column.port.name),
                    )
                },
            )?;
        row.push(column.read(text).map_err(|problem| {
            Failure::user(format!("--in {}={text}: {problem}", column.port.name), "correct the value")
        })?);
    }
    Ok(Table { ids: None, rows: vec![row] })
}

/// The CSV text of results; the header has the ids first if there are any.
pub(crate) fn write(table: &Table, ports: &[Port]) -> Result<String, Failure> {
    let scalars = scalars(ports);
    let mut writer = csv::WriterBuilder::new().flexible(true).from_writer(Vec::new());
    let failed =
        |error: csv::Error| Failure::machine(format!("cannot format the results: {error}"), "report this");
    let header = table.ids.iter().map(|_| ID).chain(ports.iter().map(|port| port.name.as_str()));
    writer.write_record(header).map_err(failed)?;
    for (index, row) in table.rows.iter().enumerate() {
        let id = table.ids.as_ref().map(|ids| ids[index].clone());
        let cells = row.iter().zip(&scalars).map(|(bits, scalar)| scalar.print(bits));
        writer.write_record(id.into_iter().chain(cells)).map_err(failed)?;
    }
    let bytes = writer.into_inner().map_err(|error| failed(error.into_error().into()))?;
    Ok(String::from_utf8(bytes).expect("the ids and the numbers are UTF-8"))
}

/// The names of ports, for messages.
pub(crate) fn names(ports: &[Port]) -> String {
    const MOST: usize = 12;
    let mut text = String::new();
    for (index, port) in ports.iter().take(MOST).enumerate() {
        let _ = write!(text, "{}`{}`", if index == 0 { "" } else { ", " }, port.name);
    }
    match ports.len() {
        0 => "none".to_owned(),
        n if n > MOST => format!("{text} and {} more", n - MOST),
        _ => text,
    }
}

/// For each port, the place of its column.
fn find_columns(name: &str, header: &csv::StringRecord, ports: &[Port]) -> Result<Vec<usize>, Failure> {
    if let Some(twice) =
        header.iter().enumerate().find(|(i, c)| header.iter().take(*i).any(|other| other == *c))
    {
        return Err(Failure::user(
            format!("{name} has two columns named `{}`", twice.1),
            "give every column its own name",
        ));
    }
    let missing: Vec<Port> =
        ports.iter().filter(|port| !header.iter().any(|column| column == port.name)).cloned().collect();
    if !missing.is_empty() {
        let found: Vec<String> = header.iter().map(|column| format!("`{column}`")).collect();
        return Err(Failure::user(
            format!("{name} has no column {}; it has {}", names(&missing), found.join(", ")),
            format!("the first line must name a column for each of {}", names(ports)),
        ));
    }
    Ok(ports.iter().filter_map(|port| header.iter().position(|column| column == port.name)).collect())
}

fn csv_failure(name: &str, error: &csv::Error) -> Failure {
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the crate adds kinds; they say themselves what is wrong"
    )]
    let message = match error.kind() {
        csv::ErrorKind::UnequalLengths { pos, expected_len, len } => format!(
            "{name}, line {}: {len} cells where the header has {expected_len}",
            pos.as_ref().map_or(0, csv::Position::line)
        ),
        _ => format!("{name}: {error}"),
    };
    Failure::user(message, "correct the table; nothing was computed")
}

impl Column<'_> {
    fn read(&self, cell: &str) -> Result<BigUint, String> {
        if cell.len() > LONGEST_CELL {
            return Err(format!("a cell of {} bytes, where {LONGEST_CELL} are the most", cell.len()));
        }
        let bits = self.scalar.parse_cell(cell).map_err(|error| error.to_string())?;
        match &self.range {
            Some((low, high)) if !within(self.scalar, &bits, low, high) => Err(format!(
                "{} is outside the promised range [{}, {}]",
                self.scalar.print(&bits),
                self.scalar.print(low),
                self.scalar.print(high)
            )),
            Some(_) | None => Ok(bits),
        }
    }
}

/// Whether `low <= value <= high`; false for NaN.
fn within(scalar: Scalar, value: &BigUint, low: &BigUint, high: &BigUint) -> bool {
    at_most(&scalar.decode(low), &scalar.decode(value))
        && at_most(&scalar.decode(value), &scalar.decode(high))
}

fn at_most(a: &Real, b: &Real) -> bool {
    match (a, b) {
        (Real::Nan, _) | (_, Real::Nan) => false,
        (Real::Infinity { negative: true }, _) | (_, Real::Infinity { negative: false }) => true,
        (Real::Infinity { negative: false }, _) | (_, Real::Infinity { negative: true }) => false,
        (Real::Finite(a), Real::Finite(b)) => a <= b,
        (Real::NegativeZero, Real::Finite(b)) => b.numer().sign() != num_bigint::Sign::Minus,
        (Real::Finite(a), Real::NegativeZero) => a.numer().sign() != num_bigint::Sign::Plus,
        (Real::NegativeZero, Real::NegativeZero) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn port(name: &str, kind: &str, range: Option<(&str, &str)>) -> Port {
        let width = Scalar::parse(kind).unwrap().width();
        let range = range.map(|(low, high)| (low.to_owned(), high.to_owned()));
        Port { name: name.to_owned(), kind: kind.to_owned(), width, range }
    }

    fn message(result: Result<(Table, Vec<String>), Failure>) -> String {
        match result {
            Err(Failure::User { message, .. }) => message,
            other => panic!("expected a user error, got {other:?}"),
        }
    }

    #[test]
    fn a_table_survives_the_round_trip() {
        let ports = [port("x", "f16", None), port("b", "bool", None)];
        let text = "id,b,x\nfirst,true,1.001\n\"with, comma\",0,-inf\n";
        let (table, warnings) = read("t.csv", text, &ports).unwrap();
        assert!(warnings.is_empty());
        assert_eq!(write(&table, &ports).unwrap(), "id,x,b\nfirst,1.001,true\n\"with, comma\",-inf,false\n");
    }

    #[test]
    fn an_empty_table_gives_an_empty_table() {
        let ports = [port("x", "f16", None)];
        let (table, _) = read("t.csv", "x\n", &ports).unwrap();
        assert_eq!(write(&table, &ports).unwrap(), "x\n");
    }

    #[test]
    fn wrong_tables_are_named_with_line_and_column() {
        let ports = [port("x", "float<5, 11>", Some(("-4", "4"))), port("y", "uint<3>", None)];
        let wrong = |text: &str| message(read("t.csv", text, &ports));
        assert!(wrong("").contains("t.csv is empty"));
        assert!(wrong("x\n1\n").contains("no column `y`"));
        assert!(wrong("x,x,y\n").contains("two columns named `x`"));
        assert!(wrong("x,y\n1\n").contains("line 2: 1 cells"));
        assert!(
            wrong("x,y\n1,2\n5,2\n").contains("line 3, column `x`: 5 is outside the promised range [-4, 4]")
        );
        assert!(wrong("x,y\nnan,2\n").contains("line 2, column `x`"));
        assert!(wrong("x,y\n1,8\n").contains("line 2, column `y`"));
        assert!(wrong("x,y\n1,\n").contains("line 2, column `y`"));
    }
}
