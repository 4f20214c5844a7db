//! Cuts: small sets of wires (leaves) through which every path from the inputs to a gate goes, with the gate as a
//! function of them.

use super::spectrum::{VARIABLES, variable};

/// A wire or its complement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Literal {
    pub(super) node: u32,
    pub(super) complement: bool,
}

/// What a node computes from two literals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operation {
    And,
    Xor,
}

/// A gate as a function of at most six wires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cut {
    leaves: [u32; VARIABLES],
    count: u8,
    /// One bit for each leaf, the same for some: tells most different cuts apart.
    signature: u64,
    /// The truth table; variable `i` is leaf `i`.
    pub(super) table: u64,
}

impl Cut {
    /// The wire itself.
    pub(super) fn of_itself(node: u32) -> Self {
        let mut leaves = [u32::MAX; VARIABLES];
        leaves[0] = node;
        Cut { leaves, count: 1, signature: 1 << (node % 64), table: variable(0) }
    }

    pub(super) fn leaves(&self) -> &[u32] {
        &self.leaves[..usize::from(self.count)]
    }

    fn is_within(&self, other: &Cut) -> bool {
        self.signature & !other.signature == 0
            && self.count <= other.count
            && self.leaves().iter().all(|leaf| other.leaves().contains(leaf))
    }
}

/// The `most` smallest cuts of a gate from those of its operands, smallest first; not the gate itself.
pub(super) fn merged(
    operation: Operation,
    operands: [(Literal, &[Cut]); 2],
    most: usize,
    cuts: &mut Vec<Cut>,
) {
    cuts.clear();
    let [(a, cuts_a), (b, cuts_b)] = operands;
    for cut_a in cuts_a {
        for cut_b in cuts_b {
            let signature = cut_a.signature | cut_b.signature;
            if signature.count_ones() > VARIABLES as u32 {
                continue;
            }
            let Some((leaves, count)) = union(cut_a, cut_b) else { continue };
            let mut cut = Cut { leaves, count, signature, table: 0 };
            if cuts.iter().any(|other| other.is_within(&cut)) {
                continue;
            }
            cuts.retain(|other| !cut.is_within(other));
            let at = |operand: &Cut, complement: bool| {
                let table = moved(operand, cut.leaves());
                if complement { !table } else { table }
            };
            let (x, y) = (at(cut_a, a.complement), at(cut_b, b.complement));
            cut.table = match operation {
                Operation::And => x & y,
                Operation::Xor => x ^ y,
            };
            cuts.push(cut);
        }
    }
    cuts.sort_by_key(|cut| cut.count);
    cuts.truncate(most);
}

fn union(a: &Cut, b: &Cut) -> Option<([u32; VARIABLES], u8)> {
    let mut leaves = [u32::MAX; VARIABLES];
    let (mut at, mut from_a, mut from_b) = (0, 0, 0);
    let (a, b) = (a.leaves(), b.leaves());
    while from_a < a.len() || from_b < b.len() {
        let next = match (a.get(from_a), b.get(from_b)) {
            (Some(&x), Some(&y)) => x.min(y),
            (Some(&x), None) | (None, Some(&x)) => x,
            (None, None) => break,
        };
        if at == VARIABLES {
            return None;
        }
        leaves[at] = next;
        at += 1;
        from_a += usize::from(a.get(from_a) == Some(&next));
        from_b += usize::from(b.get(from_b) == Some(&next));
    }
    Some((leaves, u8::try_from(at).expect("at most six")))
}

/// The table of `cut` over `leaves`, of which its own are a part.
fn moved(cut: &Cut, leaves: &[u32]) -> u64 {
    let mut table = cut.table;
    let mut to = leaves.len();
    for (from, leaf) in cut.leaves().iter().enumerate().rev() {
        to = (0..to).rev().find(|&at| leaves[at] == *leaf).expect("its leaves are among them");
        if to != from {
            table = swapped(table, from, to);
        }
    }
    table
}

/// The table with variables `low` and `high` exchanged.
fn swapped(table: u64, low: usize, high: usize) -> u64 {
    let distance = (1 << high) - (1 << low);
    let only_low = variable(low) & !variable(high);
    let moved = (table ^ table >> distance) & only_low;
    table ^ moved ^ moved << distance
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_exchanged() {
        for low in 0..VARIABLES {
            for high in low + 1..VARIABLES {
                assert_eq!(swapped(variable(low), low, high), variable(high));
                assert_eq!(swapped(variable(high), low, high), variable(low));
            }
        }
    }

    #[test]
    fn a_gate_over_gates_has_the_cut_of_their_inputs() {
        let literal = |node| Literal { node, complement: false };
        let (a, b, c) = (Cut::of_itself(1), Cut::of_itself(2), Cut::of_itself(3));
        let mut ab = Vec::new();
        merged(Operation::And, [(literal(1), &[a]), (literal(3), &[c])], 8, &mut ab);
        let mut all = Vec::new();
        let complement = Literal { node: 4, complement: true };
        merged(Operation::Xor, [(complement, &ab), (literal(2), &[b])], 8, &mut all);
        assert_eq!(all[0].leaves(), [1, 2, 3]);
        assert_eq!(all[0].table, !(variable(0) & variable(2)) ^ variable(1));
    }
}
