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
    let settled = columns.iter().flatten().map(|bit| bit.0).max().unwrap_or(0);
    let mut level = columns.iter().flatten().map(|bit| bit.0).min().unwrap_or(0);
    while let Some(height) = columns.iter().map(Vec::len).max().filter(|&height| height > 2) {
        // Once all bits are there, one level takes a height of 2 n - 1 to n.
        let mut target = 2;
        while height > 2 * target - 1 {
            target = 2 * target - 1;
        }
        reduce(g, &mut columns, level, if level < settled { height } else { target });
        level += 1;
    }
    let zero = g.bit(false);
    let row = |at: usize| columns.iter().map(|column| column.get(at).map_or(zero, |bit| bit.1)).collect();
    (row(0), row(1))
}

/// Full adders over the bits that are there at `level`; their carries are there at the next. Half adders only where
/// the carries that come in would make a column higher than `target`, and so pass on level by level. The lower half
/// gets to two a level before the rest, so that its carries are there when the upper half is.
fn reduce(g: &mut Gates<'_>, columns: &mut [Vec<(u32, Wire)>], level: u32, target: usize) {
    let mut carries: Vec<(u32, Wire)> = Vec::new();
    let middle = columns.len() / 2;
    for (index, column) in columns.iter_mut().enumerate() {
        let target = if index < middle && target == 3 { 2 } else { target };
        let incoming = std::mem::take(&mut carries);
        let mut ready = VecDeque::new();
        let mut rest = Vec::new();
        for bit in std::mem::take(column) {
            if bit.0 <= level { ready.push_back(bit) } else { rest.push(bit) }
        }
        let mut join = |g: &mut Gates<'_>, ready: &mut VecDeque<(u32, Wire)>, bits: [Wire; 3]| {
            let half = g.xor(bits[0], bits[1]);
            let sum = g.xor(half, bits[2]);
            ready.push_back((g.depth(sum), sum));
            let carry = g.majority(bits[0], bits[1], bits[2]);
            carries.push((g.depth(carry), carry));
        };
        let zero = g.bit(false);
        while ready.len() > 2
            && let (Some(a), Some(b), Some(c)) = (ready.pop_front(), ready.pop_front(), ready.pop_front())
        {
            join(g, &mut ready, [a.1, b.1, c.1]);
        }
        if ready.len() == 2
            && 2 + rest.len() + incoming.len() > target
            && let (Some(a), Some(b)) = (ready.pop_front(), ready.pop_front())
        {
            join(g, &mut ready, [a.1, b.1, zero]);
        }
        rest.extend(ready);
        rest.extend(incoming);
        *column = rest;
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
