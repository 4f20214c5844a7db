//! Cones below late nodes: the node as a function of a few sums of earlier wires.
//!
//! A cone grows where the node is late: a latest leaf is replaced by what computes it. As XOR is free, a leaf is a
//! sum of wires. Sums are taken apart down to the products that make them late, and a change of basis over GF(2) leaves
//! these products to as few leaves as possible; what else is in a sum stays together as one leaf. So a chain
//! `g ^ p (g' ^ p' (..))` of any sums takes two leaves a link, also where it is written as `(a ^ c)(b ^ c) ^ c`.

use super::net::{Net, Node};
use super::table::{LEAVES, Table};

/// A node as a function of sums of wires.
#[derive(Clone, Debug)]
pub(super) struct Cone {
    /// The wires that leaves are sums of.
    atoms: Vec<u32>,
    /// For each leaf, a set of atoms; empty if there is no such leaf.
    leaves: [u64; LEAVES],
    /// The truth table: variable `i` is leaf `i`.
    pub(super) table: Table,
}

impl Cone {
    /// The node as a function of itself.
    pub(super) fn of(node: u32) -> Self {
        let mut leaves = [0; LEAVES];
        leaves[0] = 1;
        Cone { atoms: vec![node], leaves, table: Table::variable(0) }
    }

    /// The function with this table of two sums of wires; `None` if there are too many.
    pub(super) fn of_pair(sums: [&[u32]; 2], table: Table) -> Option<Self> {
        let mut cone = Cone { atoms: Vec::new(), leaves: [0; LEAVES], table };
        for (leaf, sum) in sums.into_iter().enumerate() {
            for &wire in sum {
                cone.leaves[leaf] |= cone.atom(wire)?;
            }
        }
        Some(cone)
    }

    /// The wires that leaf `leaf` is the sum of.
    pub(super) fn leaf(&self, leaf: usize) -> impl Iterator<Item = u32> + Clone {
        members(&self.atoms, self.leaves[leaf])
    }

    /// All wires of all leaves.
    pub(super) fn wires(&self) -> impl Iterator<Item = u32> + Clone {
        members(&self.atoms, self.used())
    }

    /// Replaces a latest leaf by what computes it; `None` if that takes too many leaves, or if it is an input.
    pub(super) fn grow(&mut self, net: &Net) -> Option<()> {
        let late = self.settle(net)?;
        let by_products = |leaf: &usize| ((self.leaves[*leaf] & late).count_ones(), *leaf);
        let leaf = (0..LEAVES).filter(|&leaf| self.leaves[leaf] & late != 0).min_by_key(by_products)?;
        self.open(net, leaf, late)?;
        self.settle(net);
        Some(())
    }

    /// Takes the latest leaves apart and brings as few products as possible into each; which atoms are such products.
    /// `None` if the latest are inputs.
    fn settle(&mut self, net: &Net) -> Option<u64> {
        let depth = self.wires().map(|wire| net.depths[wire as usize]).max()?;
        if depth == 0 {
            return None;
        }
        self.compact();
        self.spread(net, depth)?;
        let late = self.late(net, depth);
        self.change_basis(late);
        Some(late)
    }

    /// Takes sums of AND-depth `depth` apart.
    fn spread(&mut self, net: &Net, depth: u32) -> Option<()> {
        while let Some((at, [a, b])) = self.late_sum(net, depth) {
            let set = self.atom(a)? ^ self.atom(b)?;
            for leaf in &mut self.leaves {
                if *leaf >> at & 1 == 1 {
                    *leaf ^= set ^ 1 << at;
                }
            }
        }
        let one = self.atoms.iter().position(|&wire| wire == net.one());
        if let Some(one) = one {
            for leaf in 0..LEAVES {
                if self.leaves[leaf] >> one & 1 == 1 {
                    self.leaves[leaf] ^= 1 << one;
                    let [low, high] = self.table.cofactors(leaf);
                    self.table = high.select(low, Table::variable(leaf));
                    self.drop_if_empty(leaf);
                }
            }
        }
        Some(())
    }

    /// An atom of a leaf that is a sum of AND-depth `depth`, and its terms.
    fn late_sum(&self, net: &Net, depth: u32) -> Option<(usize, [u32; 2])> {
        let used = self.used();
        let mut used = self.atoms.iter().enumerate().filter(|&(at, _)| used >> at & 1 == 1);
        used.find_map(|(at, &wire)| match net.nodes[wire as usize] {
            Node::Xor(a, b) if net.depths[wire as usize] == depth => Some((at, [a, b])),
            Node::Xor(..) | Node::And(..) | Node::Source => None,
        })
    }

    /// The atoms of all leaves.
    fn used(&self) -> u64 {
        self.leaves.iter().fold(0, |all, leaf| all | leaf)
    }

    /// Forgets atoms that are in no leaf.
    fn compact(&mut self) {
        let used = self.used();
        let mut leaves = [0; LEAVES];
        let mut kept = 0;
        for at in (0..self.atoms.len()).filter(|at| used >> at & 1 == 1) {
            for (new, old) in leaves.iter_mut().zip(self.leaves) {
                *new |= (old >> at & 1) << kept;
            }
            self.atoms[kept] = self.atoms[at];
            kept += 1;
        }
        self.atoms.truncate(kept);
        self.leaves = leaves;
    }

    /// A leaf without wires is 0.
    fn drop_if_empty(&mut self, leaf: usize) {
        if self.leaves[leaf] == 0 {
            self.table = self.table.cofactors(leaf)[0];
        }
    }

    /// The products of AND-depth `depth`.
    fn late(&self, net: &Net, depth: u32) -> u64 {
        let used = self.used();
        let is_late =
            |&(at, &wire): &(usize, &u32)| used >> at & 1 == 1 && net.depths[wire as usize] == depth;
        self.atoms.iter().enumerate().filter(is_late).fold(0, |late, (at, _)| late | 1 << at)
    }

    /// Adds leaves to others so that each of the first `late` atoms is in one only, and dependent leaves go.
    fn change_basis(&mut self, late: u64) {
        let mut taken = 0_u32;
        for set in [late, !late] {
            for at in (0..self.atoms.len()).filter(|at| set >> at & 1 == 1) {
                let holds = |leaf: &usize| self.leaves[*leaf] >> at & 1 == 1;
                let free = (0..LEAVES).filter(|leaf| taken >> leaf & 1 == 0).filter(holds);
                let Some(pivot) = free.min_by_key(|&leaf| self.leaves[leaf].count_ones()) else { continue };
                taken |= 1 << pivot;
                let others = (0..LEAVES).filter(|&leaf| leaf != pivot && self.leaves[leaf] >> at & 1 == 1);
                for other in others.collect::<Vec<_>>() {
                    // Early wires only meet where leaves turn out dependent, so that sums stay short.
                    if set == late || taken >> other & 1 == 0 {
                        self.add(pivot, other);
                    }
                }
            }
        }
    }

    /// Leaf `to` becomes its sum with leaf `from`.
    fn add(&mut self, from: usize, to: usize) {
        self.leaves[to] ^= self.leaves[from];
        let [low, high] = self.table.cofactors(to);
        // The old leaf is the new one plus `from`.
        let x = Table::variable(to) ^ Table::variable(from);
        self.table = low.select(high, x);
        self.drop_if_empty(to);
    }

    /// Replaces leaf `leaf` by what computes it: its atoms in `late` are products.
    fn open(&mut self, net: &Net, leaf: usize, late: u64) -> Option<()> {
        let set = std::mem::take(&mut self.leaves[leaf]);
        let mut table = self.sum(set & !late)?;
        let products: Vec<u32> = members(&self.atoms, set & late).collect();
        for wire in products {
            let Node::And(a, b) = net.nodes[wire as usize] else { unreachable!("late sums are apart") };
            table = table ^ (self.wire(net, a)? & self.wire(net, b)?);
        }
        let [low, high] = self.table.cofactors(leaf);
        self.table = low.select(high, table);
        for leaf in 0..LEAVES {
            if self.leaves[leaf] != 0 && !self.table.depends(leaf) {
                self.leaves[leaf] = 0;
            }
        }
        Some(())
    }

    /// The table of a wire over the leaves, with a new one if need be.
    fn wire(&mut self, net: &Net, wire: u32) -> Option<Table> {
        if wire == net.one() {
            return Some(Table::ONE);
        }
        if let Node::Xor(a, b) = net.nodes[wire as usize] {
            if a == net.one() || b == net.one() {
                let set = self.atom(if a == net.one() { b } else { a })?;
                return Some(!self.sum(set)?);
            }
            let parts = self.atom(a)? ^ self.atom(b)?;
            if let Some(table) = self.present(parts) {
                return Some(table);
            }
        }
        let set = self.atom(wire)?;
        self.sum(set)
    }

    /// The table of a sum over the leaves that there are, if it is in their span.
    fn present(&self, set: u64) -> Option<Table> {
        let mut places = [0; LEAVES];
        let mut count = 0;
        for leaf in (0..LEAVES).filter(|&leaf| self.leaves[leaf] != 0) {
            places[count] = leaf;
            count += 1;
        }
        // In the order of Gray's code, one leaf comes or goes at a time.
        let (mut chosen, mut sum) = (0_u32, 0);
        for step in 1_u32..=1 << count {
            if sum == set {
                let chosen = (0..count).filter(|at| chosen >> at & 1 == 1);
                return Some(chosen.fold(Table::ZERO, |table, at| table ^ Table::variable(places[at])));
            }
            let at = step.trailing_zeros() as usize;
            chosen ^= 1 << at;
            sum ^= self.leaves[places[at.min(LEAVES - 1)]];
        }
        None
    }

    /// The table of a sum over the leaves, with a new one if need be.
    fn sum(&mut self, set: u64) -> Option<Table> {
        if let Some(table) = self.present(set) {
            return Some(table);
        }
        let free = self.leaves.iter().position(|&leaf| leaf == 0)?;
        self.leaves[free] = set;
        Some(Table::variable(free))
    }

    /// The set of one wire; nothing if it would be the 65th.
    fn atom(&mut self, wire: u32) -> Option<u64> {
        let known = self.atoms.iter().position(|&atom| atom == wire);
        let at = known.unwrap_or(self.atoms.len());
        if at == u64::BITS as usize {
            return None;
        }
        if known.is_none() {
            self.atoms.push(wire);
        }
        Some(1 << at)
    }
}

fn members(atoms: &[u32], set: u64) -> impl Iterator<Item = u32> + Clone {
    atoms.iter().enumerate().filter(move |&(at, _)| set >> at & 1 == 1).map(|(_, &wire)| wire)
}
