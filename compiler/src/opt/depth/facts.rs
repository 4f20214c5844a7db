//! Values that two sums of wires never have at once: what generates a carry does not propagate it, selectors of one
//! choice exclude each other. Where a function of both cannot see such a pair, one product of it is free to change.
//!
//! Random rows refute most pairs ([`Net::rows`]); the others are proved or left. The proof looks at both sums as functions
//! of earlier leaves, and uses, in turn, what is known of these: for a tree of carries that is an induction from the
//! leaves to the root.

use std::collections::HashMap;

use super::cone::Cone;
use super::net::{Net, Rows};
use super::table::{LEAVES, Table};

/// How deep proofs go.
const DEPTH: u32 = 5;
/// How often the cone of two sums grows.
const GROWTH: usize = 5;
/// Sums of more wires are not looked at.
const LONGEST: usize = 4;
/// How many cones one question may take.
const STEPS: u32 = 100;

/// A sum of wires and a value of it.
type Value = (Vec<u32>, bool);

/// What was proved, and what was tried in vain.
#[derive(Default)]
pub(super) struct Facts {
    /// For pairs that are not refuted, whether they are proved, and how deep that was tried.
    tried: HashMap<[Value; 2], (bool, u32)>,
    steps: u32,
}

impl Facts {
    /// The function of the cone with terms left out that are never 1.
    pub(super) fn reduced(&mut self, net: &Net, cone: &Cone) -> Table {
        self.steps = STEPS;
        let mut table = cone.table;
        for [(i, u), (j, v)] in self.excluded(net, cone, DEPTH) {
            let [low, high] = table.cofactors(i);
            let difference = low ^ high;
            let [low, high] = difference.cofactors(j);
            table = table ^ (literal(i, u) & literal(j, v) & (low ^ high));
        }
        table
    }

    /// The pairs of leaves, with values, that never come together.
    fn excluded(&mut self, net: &Net, cone: &Cone, depth: u32) -> Vec<[(usize, bool); 2]> {
        let mut pairs = Vec::new();
        let rows: [Rows; LEAVES] = std::array::from_fn(|leaf| net.rows_of(cone.leaf(leaf)));
        for i in 0..LEAVES {
            for j in i + 1..LEAVES {
                if !cone.table.depends(i) || !cone.table.depends(j) {
                    continue;
                }
                for (u, v) in [(true, true), (true, false), (false, true), (false, false)] {
                    if !meet(&rows[i], u, &rows[j], v) {
                        let (a, b) = (cone.leaf(i).collect(), cone.leaf(j).collect());
                        if self.never(net, (a, u), (b, v), depth) {
                            pairs.push([(i, u), (j, v)]);
                        }
                    }
                }
            }
        }
        pairs
    }

    /// Whether it is proved that two values, which no row refutes, never come together.
    fn never(&mut self, net: &Net, a: Value, b: Value, depth: u32) -> bool {
        if a.0.len() > LONGEST || b.0.len() > LONGEST {
            return false;
        }
        let key = if a < b { [a, b] } else { [b, a] };
        if let Some(&(proved, tried)) = self.tried.get(&key)
            && (proved || tried >= depth)
        {
            return proved;
        }
        if depth == 0 || self.steps == 0 {
            return false;
        }
        self.steps -= 1;
        let proved = self.prove(net, &key, depth);
        if proved || self.steps > 0 {
            self.tried.insert(key, (proved, depth));
        }
        proved
    }

    fn prove(&mut self, net: &Net, pair: &[Value; 2], depth: u32) -> bool {
        let [(a, u), (b, v)] = pair;
        let Some(mut cone) = Cone::of_pair([a, b], literal(0, *u) & literal(1, *v)) else { return false };
        for _ in 0..GROWTH {
            let mut grown = cone.clone();
            if grown.grow(net).is_none() {
                break;
            }
            cone = grown;
            if cone.table == Table::ZERO {
                return true;
            }
            let pairs = self.excluded(net, &cone, depth - 1);
            let possible = |table: Table, &[(i, u), (j, v)]: &[(usize, bool); 2]| {
                table & !(literal(i, u) & literal(j, v))
            };
            if pairs.iter().fold(cone.table, possible) == Table::ZERO {
                return true;
            }
        }
        false
    }
}

/// 1 where variable `at` has the value `value`.
fn literal(at: usize, value: bool) -> Table {
    if value { Table::variable(at) } else { !Table::variable(at) }
}

/// Whether some row has both values.
fn meet(a: &Rows, u: bool, b: &Rows, v: bool) -> bool {
    let of = |word: u64, value: bool| if value { word } else { !word };
    a.iter().zip(b).any(|(&a, &b)| of(a, u) & of(b, v) != 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::opt::testing::circuit;

    #[test]
    fn generate_and_propagate_of_eight_bits_are_proved_to_exclude_each_other() {
        // g' = g1 ^ p1 g0, p' = p1 p0, in a tree; random rows would not find all p = 1.
        let mut gates = String::new();
        let mut next = 16;
        let mut line = |text: String| {
            gates.push_str(&format!("%{next} = {text}\n"));
            next += 1;
            next - 1
        };
        let mut pairs: Vec<(u32, u32)> = (0..8)
            .map(|at| (line(format!("and %{at} %{}", at + 8)), line(format!("xor %{at} %{}", at + 8))))
            .collect();
        while pairs.len() > 1 {
            let joined = pairs.chunks(2).map(|two| {
                let ((g0, p0), (g1, p1)) = (two[0], two[1]);
                let product = line(format!("and %{p1} %{g0}"));
                let p = line(format!("and %{p0} %{p1}"));
                (line(format!("xor %{g1} %{product}")), p)
            });
            pairs = joined.collect();
        }
        let (g, p) = pairs[0];
        let circuit = circuit(16, &gates, &format!("%{g} %{p}"));
        let net = Net::of(&circuit);
        let mut facts = Facts { steps: STEPS, ..Facts::default() };
        assert!(facts.never(&net, (vec![g], true), (vec![p], true), DEPTH));
        // Both can be 0 at once, and that no row shows it would prove nothing.
        assert!(!facts.never(&net, (vec![g], false), (vec![p], false), DEPTH));
        assert!(!facts.never(&net, (vec![g], true), (vec![p], false), DEPTH));
    }
}
