//! Products with public factors, as few rows in a sum of columns as can be found.
//!
//! The factor is written in canonical signed digits, the fewest nonzero ones (Reitwiesner, Advances in Computers 1960);
//! every digit is a row. A pair of digits that occurs more than once, the same distance apart and with the same signs
//! relative to each other, is computed once and used as one row in all its places (Hartley, IEEE Trans. Circuits and
//! Systems II 1996), as long as that saves ANDs.

use std::collections::BTreeMap;

use ffhec_circuit::Wire;
use num_bigint::{BigInt, BigUint};
use num_traits::{One as _, Signed as _, Zero as _};

use super::bits::{Bits, Gates};
use super::multiply::Columns;

/// A shifted word that is added or subtracted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Row {
    word: usize,
    place: usize,
    negative: bool,
}

/// `2^distance words[upper] +- words[lower]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Pattern {
    lower: usize,
    upper: usize,
    distance: usize,
    opposite: bool,
}

/// A positive multiple of the encrypted word.
struct Multiple {
    factor: BigInt,
    bits: Bits,
}

/// Adds `word * value` to a sum. The word is unsigned, or two's complement.
pub(super) fn push_multiple(
    g: &mut Gates<'_>,
    columns: &mut Columns,
    word: &[Wire],
    signed: bool,
    value: &BigInt,
) {
    // What lies above the sum is never needed.
    let width = columns.width();
    let mut words = vec![Multiple { factor: BigInt::one(), bits: word.to_vec() }];
    let mut rows: Vec<Row> = signed_digits(value.magnitude())
        .into_iter()
        .map(|(place, negative)| Row { word: 0, place, negative: negative != value.is_negative() })
        .filter(|row| row.place < width)
        .collect();
    while let Some(pattern) = (!g.shallow()).then(|| best(&rows, &words)).flatten() {
        let shared = combine(g, &words, pattern, signed, width);
        words.push(shared);
        rows = replaced(&rows, pattern, words.len() - 1);
    }
    for row in rows {
        columns.push_word(g, row.place, &words[row.word].bits, signed, row.negative);
    }
}

/// The rows with every occurrence of a pattern as one row of the new word.
fn replaced(rows: &[Row], pattern: Pattern, word: usize) -> Vec<Row> {
    let pairs = occurrences(rows, pattern);
    let mut out: Vec<Row> = Vec::with_capacity(rows.len());
    for (index, row) in rows.iter().enumerate() {
        match pairs.iter().find(|(lower, upper)| *lower == index || *upper == index) {
            None => out.push(*row),
            // The sign of the word is that of its upper part.
            Some(&(lower, upper)) if lower == index => {
                out.push(Row { word, place: row.place, negative: rows[upper].negative });
            }
            Some(_) => {}
        }
    }
    out
}

/// Pairs of rows, lower and upper, that make a pattern; no row is in two of them.
fn occurrences(rows: &[Row], pattern: Pattern) -> Vec<(usize, usize)> {
    let mut used = vec![false; rows.len()];
    let mut pairs = Vec::new();
    for (index, row) in rows.iter().enumerate() {
        if used[index] || row.word != pattern.lower {
            continue;
        }
        let upper = Row {
            word: pattern.upper,
            place: row.place + pattern.distance,
            negative: row.negative != pattern.opposite,
        };
        let found =
            rows.iter().enumerate().position(|(other, row)| !used[other] && other != index && *row == upper);
        if let Some(other) = found {
            (used[index], used[other]) = (true, true);
            pairs.push((index, other));
        }
    }
    pairs
}

/// The pattern that saves the most ANDs, if any does: one for every place where its words overlap, in all occurrences
/// but one.
fn best(rows: &[Row], words: &[Multiple]) -> Option<Pattern> {
    let mut counts: BTreeMap<Pattern, usize> = BTreeMap::new();
    for (index, lower) in rows.iter().enumerate() {
        for (other, upper) in rows.iter().enumerate() {
            let Some(distance) = upper.place.checked_sub(lower.place) else { continue };
            let opposite = lower.negative != upper.negative;
            let pattern = Pattern { lower: lower.word, upper: upper.word, distance, opposite };
            let once = distance > 0 || lower.word < upper.word;
            if other != index && once && factor(words, pattern).is_positive() {
                *counts.entry(pattern).or_default() += 1;
            }
        }
    }
    let mut best: Option<(usize, Pattern)> = None;
    for (pattern, count) in counts {
        let (lower, upper) = (words[pattern.lower].bits.len(), words[pattern.upper].bits.len());
        let overlap = lower.saturating_sub(pattern.distance).min(upper);
        let least = best.map_or(0, |(saved, _)| saved);
        if (count - 1) * overlap > least {
            let saved = (occurrences(rows, pattern).len() - 1) * overlap;
            if saved > least {
                best = Some((saved, pattern));
            }
        }
    }
    best.map(|(_, pattern)| pattern)
}

fn factor(words: &[Multiple], pattern: Pattern) -> BigInt {
    let upper: BigInt = &words[pattern.upper].factor << pattern.distance;
    let lower = &words[pattern.lower].factor;
    if pattern.opposite { upper - lower } else { upper + lower }
}

fn combine(g: &mut Gates<'_>, words: &[Multiple], pattern: Pattern, signed: bool, width: usize) -> Multiple {
    let factor = factor(words, pattern);
    let bits = usize::try_from(factor.bits()).expect("bounded: a public factor of at most 256 bits");
    let mut columns = Columns::new((words[0].bits.len() + bits).min(width));
    columns.push_word(g, pattern.distance, &words[pattern.upper].bits, signed, false);
    columns.push_word(g, 0, &words[pattern.lower].bits, signed, pattern.opposite);
    Multiple { factor, bits: columns.sum(g) }
}

/// The non-adjacent form: places and whether the digit is -1.
fn signed_digits(value: &BigUint) -> Vec<(usize, bool)> {
    let mut digits = Vec::new();
    let mut rest = value.clone();
    let mut place = 0;
    while !rest.is_zero() {
        if rest.bit(0) {
            let negative = rest.bit(1);
            if negative {
                rest += 1_u32;
            } else {
                rest -= 1_u32;
            }
            digits.push((place, negative));
        }
        rest >>= 1_u32;
        place += 1;
    }
    digits
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use ffhec_circuit::{Builder, Circuit, Plain, Port, evaluate};

    use super::*;

    /// `x * value` modulo two to the width of x.
    fn circuit(value: i64, width: usize, signed: bool) -> Circuit {
        let mut builder = Builder::new();
        let port = || Port {
            name: String::new(),
            kind: String::new(),
            width: u32::try_from(width).unwrap(),
            range: None,
        };
        let x = builder.input(port());
        let mut g = Gates::new(&mut builder, usize::MAX);
        let mut columns = Columns::new(width);
        push_multiple(&mut g, &mut columns, &x, signed, &BigInt::from(value));
        let out = columns.sum(&mut g);
        builder.output(port(), &out);
        builder.finish()
    }

    #[test]
    fn multiples_are_right() {
        for value in (-300..300).chain([0x5555, 0x1234_5678, -0x5a5a_a5a5, i64::MAX, i64::MIN]) {
            for signed in [false, true] {
                let circuit = circuit(value, 13, signed);
                for x in [0, 1, 2, 77, 4095, 4096, 8191_i64] {
                    let inputs: Vec<u64> = (0..13).map(|bit| u64::from(x >> bit & 1 == 1)).collect();
                    let out = evaluate(&circuit, &Plain, &inputs);
                    let found: i64 = out.iter().enumerate().map(|(bit, &b)| ((b & 1) as i64) << bit).sum();
                    assert_eq!(found, x.wrapping_mul(value) & 8191, "{x} * {value}, signed {signed}");
                }
            }
        }
    }

    #[test]
    fn repeated_digits_are_added_once() {
        // 32 bits: 0b01010101.. is four times (1 + 4) (1 + 16), three additions of about 32 bits and not fifteen.
        for (value, at_most) in
            [(0x5555_5555, 145), (0x0f0f_0f0f, 90), (0x1111_1111, 85), (0x0001_0001, 32), (64, 0)]
        {
            let ands = circuit(value, 32, false).counts().and;
            assert!(ands <= at_most, "{value:#x}: {ands} ANDs");
        }
    }
}
