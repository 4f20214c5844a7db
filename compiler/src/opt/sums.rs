//! Refreshes of sums that are no wires yet: XOR is free, so what matters is how many *independent* sums are refreshed.
//!
//! In: a circuit and a cut, wires such that every AND operand is a sum of them and of quiet wires. Out: the circuit over
//! fewer refreshed wires, some of them new sums of cut wires.
//!
//! Say the operands hold `a + b`, `b + c` and `a + c` of three noisy products. Three disjoint paths lead to them, so a
//! cut has three wires; but `a + c` is the sum of the other two, and two refreshes do. In general, the operands are
//! `A v` for the vector `v` of cut wires and a matrix `A` over GF(2). In reduced row echelon form, every row holds one
//! pivot and some columns that are no pivots; the operands are sums of rows. So we refresh the rows (the pivot's wire plus
//! those of the other columns) and read zeros in place of the other cut wires: as many refreshes as the rank of `A`.
//!
//! The rank of the operands over the noisy products themselves is a lower bound for all such choices: whatever sums are
//! refreshed, the operands' noisy parts are sums of theirs.

use std::collections::BTreeMap;

use ffhec_circuit::{Circuit, Gate, Wire};

use super::dead::live;

/// Circuits with more gates are left as they are: forms take memory.
pub(super) const MOST_GATES: usize = 200_000;

/// The most terms in all forms together, and the most terms that eliminations may add up.
pub(super) const MOST_TERMS: usize = 20_000_000;
const MOST_WORK: usize = 40_000_000;

/// A circuit over new sums, and which of its wires are refreshed.
pub(super) struct Combined {
    pub(super) circuit: Circuit,
    pub(super) marks: Vec<bool>,
}

/// A sum of wires, in ascending order.
pub(super) type Form = Vec<u32>;

/// The same function with fewer refreshes than `cut`, if the operands allow it.
pub(super) fn combine(circuit: &Circuit, cut: &[bool]) -> Option<Combined> {
    let rows = {
        let forms = forms(circuit, cut)?;
        let mut is_operand = vec![false; cut.len()];
        for gate in &circuit.gates {
            if let Gate::And(a, b) = gate {
                (is_operand[a.index()], is_operand[b.index()]) = (true, true);
            }
        }
        let operands = (0..cut.len()).filter(|&wire| is_operand[wire] && !forms[wire].is_empty());
        reduced(echelon(operands.map(|wire| &forms[wire]))?)
    };
    if rows.len() == cut.iter().filter(|&&mark| mark).count() {
        return None;
    }
    Some(without_dead(Rebuild::new(circuit, cut, &rows).run()))
}

/// Each wire as a sum of wires for which `is_term` holds; what else it is a sum of is left out. Products and inputs that
/// are no terms have none.
fn forms(circuit: &Circuit, is_term: &[bool]) -> Option<Vec<Form>> {
    let mut forms: Vec<Form> = Vec::with_capacity(circuit.gates.len());
    let mut terms = 0;
    for (wire, gate) in circuit.gates.iter().enumerate() {
        let form = match *gate {
            _ if is_term[wire] => vec![u32::try_from(wire).expect("bounded: wires have 32 bits")],
            Gate::Xor(a, b) => sum(&forms[a.index()], &forms[b.index()]),
            Gate::Not(a) => forms[a.index()].clone(),
            Gate::Constant(_) | Gate::Input(_) | Gate::And(..) | Gate::Refresh(_) => Form::new(),
        };
        terms += form.len();
        if terms > MOST_TERMS {
            return None;
        }
        forms.push(form);
    }
    Some(forms)
}

/// The terms that one of the forms has but not both.
pub(super) fn sum(a: &[u32], b: &[u32]) -> Form {
    let mut sum = Form::with_capacity(a.len() + b.len());
    let (mut i, mut j) = (0, 0);
    while i < a.len() && j < b.len() {
        match a[i].cmp(&b[j]) {
            std::cmp::Ordering::Less => {
                sum.push(a[i]);
                i += 1;
            }
            std::cmp::Ordering::Greater => {
                sum.push(b[j]);
                j += 1;
            }
            std::cmp::Ordering::Equal => (i, j) = (i + 1, j + 1),
        }
    }
    sum.extend_from_slice(&a[i..]);
    sum.extend_from_slice(&b[j..]);
    sum
}

/// Independent sums of the rows, by their last terms, which differ.
pub(super) fn echelon<'a>(rows: impl Iterator<Item = &'a Form>) -> Option<BTreeMap<u32, Form>> {
    let mut echelon: BTreeMap<u32, Form> = BTreeMap::new();
    let mut work = 0;
    for row in rows {
        let mut row = row.clone();
        while let Some(&last) = row.last() {
            let Some(other) = echelon.get(&last) else {
                echelon.insert(last, row);
                break;
            };
            work += row.len() + other.len();
            if work > MOST_WORK {
                return None;
            }
            row = sum(&row, other);
        }
    }
    Some(echelon)
}

/// The same span, each row with one pivot.
pub(super) fn reduced(echelon: BTreeMap<u32, Form>) -> BTreeMap<u32, Form> {
    let mut reduced: BTreeMap<u32, Form> = BTreeMap::new();
    for (pivot, row) in echelon {
        let others: Vec<u32> = row.iter().copied().filter(|term| reduced.contains_key(term)).collect();
        let row = others.iter().fold(row, |row, other| sum(&row, &reduced[other]));
        debug_assert_eq!(row.last(), Some(&pivot), "the rows below have smaller terms only");
        reduced.insert(pivot, row);
    }
    reduced
}

/// Two wires for each old one.
#[derive(Clone, Copy)]
struct Pair {
    /// With the right value.
    value: Wire,
    /// What AND operands are summed up of: rows where the old circuit has cut wires. None is zero.
    rows: Option<Wire>,
}

struct Rebuild<'a> {
    old: &'a Circuit,
    cut: &'a [bool],
    rows: &'a BTreeMap<u32, Form>,
    pairs: Vec<Pair>,
    new: Circuit,
    marks: Vec<bool>,
}

impl<'a> Rebuild<'a> {
    fn new(old: &'a Circuit, cut: &'a [bool], rows: &'a BTreeMap<u32, Form>) -> Self {
        let gates = old.gates.len();
        Rebuild {
            old,
            cut,
            rows,
            pairs: Vec::with_capacity(gates),
            new: old.emptied(gates),
            marks: Vec::new(),
        }
    }

    fn run(mut self) -> Combined {
        for wire in 0..self.old.gates.len() {
            let pair = self.gate(wire);
            let pair = if self.cut[wire] { self.cut_wire(wire, pair.value) } else { pair };
            self.pairs.push(pair);
        }
        self.new.output_wires =
            self.old.output_wires.iter().map(|wire| self.pairs[wire.index()].value).collect();
        Combined { circuit: self.new, marks: self.marks }
    }

    fn push(&mut self, gate: Gate, origin: u32) -> Wire {
        self.new.gates.push(gate);
        self.new.origins.push(origin);
        self.marks.push(false);
        Wire::new(self.new.gates.len() - 1)
    }

    fn gate(&mut self, wire: usize) -> Pair {
        let origin = self.old.origins[wire];
        let both = |wire: Wire| Pair { value: wire, rows: Some(wire) };
        match self.old.gates[wire] {
            gate @ (Gate::Constant(_) | Gate::Input(_)) => both(self.push(gate, origin)),
            Gate::Refresh(a) => {
                let value = self.pairs[a.index()].value;
                both(self.push(Gate::Refresh(value), origin))
            }
            Gate::And(a, b) => {
                let (a, b) = (self.operand(a, origin), self.operand(b, origin));
                both(self.push(Gate::And(a, b), origin))
            }
            Gate::Not(a) => {
                let Pair { value: a, rows } = self.pairs[a.index()];
                let value = self.push(Gate::Not(a), origin);
                let rows = match rows {
                    Some(rows) if rows == a => value,
                    Some(rows) => self.push(Gate::Not(rows), origin),
                    None => self.push(Gate::Constant(true), origin),
                };
                Pair { value, rows: Some(rows) }
            }
            Gate::Xor(a, b) => {
                let (a, b) = (self.pairs[a.index()], self.pairs[b.index()]);
                let value = self.push(Gate::Xor(a.value, b.value), origin);
                let rows = match (a.rows, b.rows) {
                    (Some(x), Some(y)) if (x, y) == (a.value, b.value) => Some(value),
                    (Some(x), Some(y)) => Some(self.push(Gate::Xor(x, y), origin)),
                    (one, other) => one.or(other),
                };
                Pair { value, rows }
            }
        }
    }

    fn operand(&mut self, wire: Wire, origin: u32) -> Wire {
        match self.pairs[wire.index()].rows {
            Some(rows) => rows,
            None => self.push(Gate::Constant(false), origin),
        }
    }

    /// A wire of the cut, of which `value` is the value: a row is refreshed, or nothing.
    fn cut_wire(&mut self, wire: usize, value: Wire) -> Pair {
        let rows = self.rows;
        let row = u32::try_from(wire).ok().and_then(|wire| rows.get(&wire));
        let Some(row) = row else { return Pair { value, rows: None } };
        let mut total = value;
        for &other in &row[..row.len() - 1] {
            let other = self.pairs[other as usize].value;
            total = self.push(Gate::Xor(total, other), self.old.origins[wire]);
        }
        self.marks[total.index()] = true;
        Pair { value, rows: Some(total) }
    }
}

/// Drops what no output needs.
pub(super) fn without_dead(Combined { circuit, marks }: Combined) -> Combined {
    let is_live = live(&circuit);
    let mut kept = circuit.emptied(circuit.gates.len());
    let mut kept_marks = Vec::new();
    let mut new = vec![Wire::new(0); circuit.gates.len()];
    for index in (0..circuit.gates.len()).filter(|&index| is_live[index]) {
        new[index] = Wire::new(kept.gates.len());
        kept.gates.push(circuit.gates[index].map(|wire| new[wire.index()]));
        kept.origins.push(circuit.origins[index]);
        kept_marks.push(marks[index]);
    }
    kept.output_wires = circuit.output_wires.iter().map(|wire| new[wire.index()]).collect();
    Combined { circuit: kept, marks: kept_marks }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::opt::basis::rank;
    use crate::opt::readers::Readers;
    use crate::opt::testing::{assert_same, circuit, circuits};

    #[test]
    fn the_third_of_three_dependent_sums_is_not_refreshed() {
        let gates = "
            %6 = and %0 %1
            %7 = and %2 %3
            %8 = and %4 %5
            %9 = xor %6 %7
            %10 = xor %7 %8
            %11 = xor %6 %8
            %12 = and %9 %0
            %13 = and %10 %2
            %14 = and %11 %4";
        let before = circuit(6, gates, "%12 %13 %14");
        let cut: Vec<bool> = (0..before.gates.len()).map(|wire| (6..9).contains(&wire)).collect();
        let after = combine(&before, &cut).unwrap();
        assert_same(&before, &after.circuit);
        assert_eq!(after.marks.iter().filter(|&&mark| mark).count(), 2);
        let sinks: Vec<bool> = (0..before.gates.len()).map(|wire| (9..12).contains(&wire)).collect();
        assert_eq!(rank(&before, &Readers::of(&before), &cut, &sinks), Some(2));
    }

    #[test]
    fn combining_keeps_the_function_whatever_the_cut_is() {
        let mut combined = 0;
        for circuit in circuits(20) {
            let is_and = |gate: &Gate| matches!(gate, Gate::And(..));
            let cut: Vec<bool> = circuit.gates.iter().map(is_and).collect();
            if let Some(after) = combine(&circuit, &cut) {
                assert_same(&circuit, &after.circuit);
                combined += 1;
            }
        }
        assert!(combined > 50, "{combined}");
    }
}
