//! A part of the joint graph below some nodes, cut off at leaves.

use std::collections::BTreeSet;

use ffhec_circuit::counted;

use super::sweep::{Lit, Node};

/// Nodes below some roots. If two roots are equal for all values of the leaves, they are equal; the converse holds only
/// if all leaves are inputs.
pub(crate) struct Window {
    /// Operands before their readers; none is a leaf.
    pub(crate) inner: Vec<u32>,
    pub(crate) leaves: Vec<u32>,
    /// Whether all leaves are inputs.
    pub(crate) is_whole: bool,
}

/// The most leaves over which tables of truth are made.
const TABLE_LEAVES: usize = 10;
const TABLE_WORDS: usize = 1 << (TABLE_LEAVES - 6);
/// How far the search for few leaves looks.
const TABLE_INNER: usize = 100;
const TABLE_WIDEST: usize = 24;

/// What is below `roots`, nearest (by number) first, up to `most` inner nodes.
pub(crate) fn below(nodes: &[Node], roots: [u32; 2], most: usize) -> Window {
    let mut front = BTreeSet::from(roots);
    let (mut inner, mut leaves) = (Vec::new(), Vec::new());
    while let Some(node) = front.pop_last() {
        match nodes[node as usize] {
            Node::Zero | Node::Input => leaves.push(node),
            Node::And(..) | Node::Xor(..) if inner.len() == most => {
                front.insert(node);
                break;
            }
            Node::And(a, b) => {
                inner.push(node);
                front.extend([a.node(), b.node()]);
            }
            Node::Xor(a, b) => {
                inner.push(node);
                front.extend([a, b]);
            }
        }
    }
    let is_whole = front.is_empty();
    leaves.extend(front);
    inner.reverse();
    Window { inner, leaves, is_whole }
}

/// Whether a table of truth over a few wires below shows that `a` and `b` are equal (or, if `flip`, complements).
pub(crate) fn equal_by_table(nodes: &[Node], a: u32, b: u32, flip: bool) -> bool {
    let Some(Window { inner, leaves, .. }) = narrow(nodes, [a, b]) else { return false };
    let mut tables: Vec<(u32, [u64; TABLE_WORDS])> = Vec::with_capacity(inner.len() + leaves.len());
    let mut at = 0;
    for &leaf in &leaves {
        let is_zero = matches!(nodes[leaf as usize], Node::Zero);
        tables.push((leaf, if is_zero { [0; TABLE_WORDS] } else { counting(at) }));
        at += usize::from(!is_zero);
    }
    tables.sort_unstable_by_key(|(node, _)| *node);
    for &node in &inner {
        let table = |of: u32| {
            let at = tables.binary_search_by_key(&of, |(node, _)| *node);
            tables[at.expect("the operands of inner nodes are inner or leaves")].1
        };
        let lit_table = |lit: Lit| {
            let flip = if lit.is_flipped() { u64::MAX } else { 0 };
            table(lit.node()).map(|word| word ^ flip)
        };
        let values = match nodes[node as usize] {
            Node::Zero | Node::Input => unreachable!("these are leaves"),
            Node::And(a, b) => zip(lit_table(a), lit_table(b), |a, b| a & b),
            Node::Xor(a, b) => zip(table(a), table(b), |a, b| a ^ b),
        };
        // Leaves are below the inner nodes that read them, but not below all inner nodes.
        let at = tables.partition_point(|(other, _)| *other < node);
        tables.insert(at, (node, values));
    }
    let of = |wanted: u32| tables.iter().find(|(node, _)| *node == wanted).map(|(_, table)| table);
    let flip = if flip { u64::MAX } else { 0 };
    match (of(a), of(b)) {
        (Some(a), Some(b)) => a.iter().zip(b).all(|(a, b)| *a == *b ^ flip),
        (_, _) => false,
    }
}

fn zip(a: [u64; TABLE_WORDS], b: [u64; TABLE_WORDS], of: impl Fn(u64, u64) -> u64) -> [u64; TABLE_WORDS] {
    std::array::from_fn(|word| of(a[word], b[word]))
}

fn counting(leaf: usize) -> [u64; TABLE_WORDS] {
    debug_assert!(leaf < TABLE_LEAVES);
    std::array::from_fn(|word| counted(leaf, word))
}

/// The largest window below `roots`, of those met on the way down, with few enough leaves for tables.
fn narrow(nodes: &[Node], roots: [u32; 2]) -> Option<Window> {
    let mut front = BTreeSet::from(roots);
    let (mut inner, mut inputs) = (Vec::new(), Vec::new());
    let mut best = None;
    while let Some(node) = front.pop_last() {
        match nodes[node as usize] {
            Node::Zero | Node::Input => inputs.push(node),
            Node::And(a, b) => {
                inner.push(node);
                front.extend([a.node(), b.node()]);
            }
            Node::Xor(a, b) => {
                inner.push(node);
                front.extend([a, b]);
            }
        }
        let leaves = inputs.len() + front.len();
        if leaves <= TABLE_LEAVES {
            let leaves = inputs.iter().chain(&front).copied().collect();
            best = Some((inner.len(), leaves));
        }
        if inputs.len() > TABLE_LEAVES || leaves > TABLE_WIDEST || inner.len() == TABLE_INNER {
            break;
        }
    }
    let (count, leaves) = best?;
    inner.truncate(count);
    inner.reverse();
    Some(Window { inner, leaves, is_whole: front.is_empty() })
}
