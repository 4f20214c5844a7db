//! What the program means over the real numbers: rows must meet its requirements, and `--check` tells how far results
//! are from the real-number answer.

use std::fmt::Write as _;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use ffhec_circuit::Port;
use ffhec_compiler::gadgets::format::Scalar;
use ffhec_compiler::real::{self, Broken, Verdict};
use ffhec_compiler::source::Sources;
use num_bigint::BigUint;

use crate::failure::Failure;
use crate::program::{self, Source};
use crate::progress::Voice;
use crate::session::STOP;
use crate::table::Table;

/// How many rows that break a requirement are named.
const MOST_BROKEN: usize = 10;
/// How many values of such a row are shown.
const MOST_VALUES: usize = 8;
/// How many results have a line of their own.
const MOST_RESULTS: usize = 16;
/// After this time, no more rows are evaluated over the real numbers.
const LONGEST: Duration = Duration::from_secs(30);

/// A source once more, over the real numbers.
pub(crate) struct Reals {
    program: real::Program,
    sources: Sources,
}

impl Reals {
    pub(crate) fn new(source: &Source) -> Result<Reals, Failure> {
        let mut sources = Sources::default();
        sources.add(source.name.clone(), source.text.clone());
        let mut loader = program::Directory { root: source.directory.clone() };
        match real::program(&mut sources, &source.options, &mut loader) {
            Ok(program) => Ok(Reals { program, sources }),
            Err(errors) => Err(program::diagnosed(&errors, &sources)),
        }
    }

    /// Refuses a table with rows that do not meet what the program requires.
    pub(crate) fn refuse_broken(&self, table: &Table, ports: &[Port]) -> Result<(), Failure> {
        let mut found = Vec::new();
        for (index, row) in table.rows.iter().enumerate() {
            let Some(Broken { condition, reason }) = self.program.broken(row) else { continue };
            if found.len() == MOST_BROKEN {
                found.push("and perhaps more".to_owned());
                break;
            }
            let text = self.sources.files.get(condition.file as usize).map_or("", |file| file.text.as_str());
            let condition = text.get(condition.start as usize..condition.end as usize).unwrap_or_default();
            let condition = condition.split_whitespace().collect::<Vec<_>>().join(" ");
            let why = reason.map_or(String::new(), |reason| format!(" ({reason})"));
            let values = shown(row, ports);
            found.push(format!("row {} ({values}) does not meet `{condition}`{why}", index + 1));
        }
        if found.is_empty() {
            return Ok(());
        }
        Err(Failure::user(
            found.join("\n       "),
            "the program requires this of its inputs: correct or leave out these rows; nothing was computed",
        ))
    }

    /// Says how far results are from the real-number answers.
    pub(crate) fn report(&self, inputs: &Table, results: &Table, voice: &Voice) {
        let began = Instant::now();
        let mut columns: Vec<Column> = self.program.outputs().map(|_| Column::default()).collect();
        let mut rows = 0;
        for (input, result) in inputs.rows.iter().zip(&results.rows) {
            if began.elapsed() > LONGEST || STOP.load(Ordering::SeqCst) {
                break;
            }
            rows += 1;
            let answers = self.program.answers(input);
            for ((column, answer), bits) in columns.iter_mut().zip(answers).zip(result) {
                column.add(rows, answer.compare(bits));
            }
        }
        if rows == 0 {
            return;
        }
        if rows < results.rows.len() {
            let all = results.rows.len();
            voice.say(&format!("check: real-number answers for the first {rows} of {all} rows"));
        }
        for (port, column) in self.program.outputs().zip(&columns).take(MOST_RESULTS) {
            voice.say(&format!("check: {}: {}", port.name, column.text(rows)));
        }
        if columns.len() > MOST_RESULTS {
            let mut rest = Column::default();
            columns.iter().skip(MOST_RESULTS).for_each(|column| rest.join(column));
            voice.say(&format!(
                "check: {} more results: {}",
                columns.len() - MOST_RESULTS,
                rest.text(rows * (columns.len() - MOST_RESULTS))
            ));
        }
    }
}

/// `x = 1, y = 2`.
fn shown(row: &[BigUint], ports: &[Port]) -> String {
    let mut text = String::new();
    for (index, (port, bits)) in ports.iter().zip(row).take(MOST_VALUES).enumerate() {
        let value = Scalar::parse(&port.kind).map_or_else(|| bits.to_string(), |scalar| scalar.print(bits));
        let _ = write!(text, "{}{} = {value}", if index == 0 { "" } else { ", " }, port.name);
    }
    if ports.len() > MOST_VALUES {
        text += ", ..";
    }
    text
}

/// What was seen of one result.
#[derive(Default)]
struct Column {
    /// The largest error in ulp, and its row.
    worst: Option<(f64, usize)>,
    /// Integers and truth values that are right.
    same: usize,
    /// How many are wrong, and the first row.
    wrong: (usize, usize),
    /// How many have no answer, the first row, and why.
    without: (usize, usize, &'static str),
}

impl Column {
    fn add(&mut self, row: usize, verdict: Verdict) {
        match verdict {
            Verdict::Ulp(error) => {
                if self.worst.is_none_or(|(worst, _)| error > worst) {
                    self.worst = Some((error, row));
                }
            }
            Verdict::Same => self.same += 1,
            Verdict::Differs => self.wrong = (self.wrong.0 + 1, first(self.wrong, row)),
            Verdict::NoAnswer(reason) => {
                let (count, at, known) = self.without;
                self.without = if count == 0 { (1, row, reason) } else { (count + 1, at, known) };
            }
        }
    }

    fn join(&mut self, other: &Column) {
        if let Some((error, row)) = other.worst {
            self.add(row, Verdict::Ulp(error));
        }
        self.same += other.same;
        if other.wrong.0 > 0 {
            self.wrong = (self.wrong.0 + other.wrong.0, first(self.wrong, other.wrong.1));
        }
        if other.without.0 > 0 {
            let (count, ..) = self.without;
            let (_, at, reason) = if count == 0 { other.without } else { self.without };
            self.without = (count + other.without.0, at, reason);
        }
    }

    /// `all` is the number of values that were compared.
    fn text(&self, all: usize) -> String {
        let mut parts = Vec::new();
        if let Some((error, row)) = self.worst {
            parts.push(if error == 0.0 {
                "exactly the real-number answer".to_owned()
            } else {
                format!("at most {} ulp from the real-number answer (row {row})", ulp(error))
            });
        }
        if self.same > 0 {
            parts.push(format!("as the real-number answer {} of {all} times", self.same));
        }
        if self.wrong.0 > 0 {
            let (count, row) = self.wrong;
            parts.push(format!(
                "differs from the real-number answer {count} of {all} times, first in row {row}"
            ));
        }
        if self.without.0 > 0 {
            let (count, row, reason) = self.without;
            parts.push(format!("no real-number answer {count} of {all} times, first in row {row}: {reason}"));
        }
        parts.join("; ")
    }
}

/// The first of the rows.
fn first((count, known): (usize, usize), row: usize) -> usize {
    if count == 0 { row } else { known.min(row) }
}

/// Two decimals, rounded up; few digits where they are many.
fn ulp(error: f64) -> String {
    if error < 1_000.0 {
        format!("{:.2}", ((error * 100.0).ceil() / 100.0).max(0.01))
    } else {
        let short = format!("{error:.1e}");
        if short.parse().is_ok_and(|short: f64| short >= error) {
            short
        } else {
            format!("{:.1e}", error * 1.05)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_rounded_up_and_their_rows_named() {
        let mut column = Column::default();
        for (row, error) in [(1, 0.2), (2, 0.821), (3, 0.5)] {
            column.add(row, Verdict::Ulp(error));
        }
        assert_eq!(column.text(3), "at most 0.83 ulp from the real-number answer (row 2)");
        column.add(4, Verdict::NoAnswer("a division by zero"));
        column.add(5, Verdict::NoAnswer("another"));
        assert!(
            column
                .text(5)
                .ends_with("no real-number answer 2 of 5 times, first in row 4: a division by zero")
        );
        assert_eq!([ulp(1e-9), ulp(3.0), ulp(123_456.0), ulp(1.5e6)], ["0.01", "3.00", "1.3e5", "1.5e6"]);
    }

    #[test]
    fn columns_join_to_what_is_worst_in_them() {
        let (mut a, mut b) = (Column::default(), Column::default());
        a.add(2, Verdict::Ulp(0.5));
        a.add(3, Verdict::Differs);
        b.add(1, Verdict::Ulp(0.75));
        b.add(2, Verdict::Differs);
        b.add(4, Verdict::Same);
        a.join(&b);
        let expected = "at most 0.75 ulp from the real-number answer (row 1); as the real-number answer 1 of 6 times; \
                        differs from the real-number answer 2 of 6 times, first in row 2";
        assert_eq!(a.text(6), expected);
    }
}
