//! Sums of many bits in few levels: columns are reduced by full adders as soon as three of their bits are there
//! (Wallace, IEEE Trans. Electronic Computers 1964; by arrival, Oklobdzija et al., IEEE Trans. Computers 1996), until
//! two rows are left for a prefix adder. The sum bit of a full adder is free of depth, its carry takes one AND.

use std::collections::VecDeque;

use ffhec_circuit::Wire;

use super::bits::{Bits, Gates};

/// Two words with the same sum as the columns, modulo two to the number of columns.
pub fn two_rows(g: &mut Gates<'_>, columns: Vec<VecDeque<Wire>>) -> (Bits, Bits) {
    let mut columns: Vec<Vec<(u32, Wire)>> = columns
        .into_iter()
        .map(|column| column.into_iter().map(|wire| (g.depth(wire), wire)).collect())
        .collect();
    pair_equal(&mut columns);
    let mut level = 0;
    while columns.iter().any(|column| column.len() > 2) {
        reduce(g, &mut columns, level);
        level += 1;
    }
    let zero = g.bit(false);
    let row = |at: usize| columns.iter().map(|column| column.get(at).map_or(zero, |bit| bit.1)).collect();
    (row(0), row(1))
}

/// Full adders over the bits that are there at `level`; their carries are there at the next.
fn reduce(g: &mut Gates<'_>, columns: &mut [Vec<(u32, Wire)>], level: u32) {
    for index in 0..columns.len() {
        let mut ready = VecDeque::new();
        let mut later = Vec::new();
        for bit in std::mem::take(&mut columns[index]) {
            if bit.0 <= level { ready.push_back(bit) } else { later.push(bit) }
        }
        while ready.len() > 2 {
            let (Some((_, a)), Some((_, b)), Some((_, c))) =
                (ready.pop_front(), ready.pop_front(), ready.pop_front())
            else {
                break;
            };
            let half = g.xor(a, b);
            let sum = g.xor(half, c);
            ready.push_back((g.depth(sum), sum));
            if index + 1 < columns.len() {
                let carry = g.majority(a, b, c);
                columns[index + 1].push((g.depth(carry).max(level + 1), carry));
            }
        }
        later.extend(ready);
        columns[index].extend(later);
    }
}

/// Two equal bits are one of the next column.
fn pair_equal(columns: &mut [Vec<(u32, Wire)>]) {
    for index in 0..columns.len() {
        let mut column = std::mem::take(&mut columns[index]);
        column.sort_unstable();
        let mut rest = column.as_slice();
        while let [first, tail @ ..] = rest {
            if tail.first() == Some(first) {
                if let Some(next) = columns.get_mut(index + 1) {
                    next.push(*first);
                }
                rest = &tail[1..];
            } else {
                columns[index].push(*first);
                rest = tail;
            }
        }
    }
}
