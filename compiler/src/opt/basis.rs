//! Short sums of refreshed wires: which independent sums are refreshed decides how long the operands are over them, and
//! so how noisy.
//!
//! In: a circuit and its noisy wires, the products and inputs that no operand may hold unrefreshed. Out: the same
//! function with as many refreshes as there are independent operands, and operands that are sums of few refreshed wires.
//!
//! Over the noisy wires, operands are rows of a matrix over GF(2); as in [`sums`], a basis of their span is refreshed. In
//! reduced row echelon form each element of the basis has a pivot, its latest noisy wire. Over that basis, operands are
//! long: a carry `(a + b)(a + c) + a` takes all that `a` takes and one term more, and so on along the chain. Refreshing
//! the carry in place of its product makes its readers short. In general:
//!
//! * An element may be replaced by its sum with *earlier* ones (by their pivots) and with quiet wires. The span stays the
//!   same. What is refreshed at a pivot is then its product, wires that are no pivots, and what was refreshed earlier: no
//!   element waits for a later one, and none has more noisy terms than before.
//! * Adding `v` to the element `e` adds `v` to every row that holds `e`. The sum of their lengths becomes least if `v` has
//!   the terms that more than half of these rows have. Sweeping over the elements until little is gained is coordinate
//!   descent; it begins with the carries, because it ends at the nearest local minimum.
//!
//! A row is then written as the old gates have it, as the sum of two other rows, unless terms that cancel there make that
//! too loud; if so, term by term. What these sums have in common is for [`share`](super::share) to find.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

use ffhec_circuit::{Circuit, Gate, Wire};

use super::readers::{Readers, number};
use super::sums::{self, Combined, Form, sum, without_dead};

/// The most terms that sweeps look at, so that they take a few seconds at most.
const MOST_WORK: usize = 1_500_000_000;

/// The most sweeps, and the least part of all terms that one must save to be followed by another.
const MOST_SWEEPS: usize = 8;
const LEAST_GAIN: usize = 100;

/// The least number of terms that another element must save: where rows are as the old gates have them, these can be shared.
const LEAST_SAVED: usize = 500;

/// Rows of at most so many terms are written term by term at once.
const SHORT: usize = 6;

/// The same function with as many refreshes as the operands have independent sums of wires for which `source` holds. The
/// numbers of times that refreshed wires come into the two operands of a product, multiplied, are at most `most`, unless
/// their sums without terms that cancel are longer. `None` if there is nothing to refresh, or if that takes too long.
pub(super) fn rebased(circuit: &Circuit, readers: &Readers, source: &[bool], most: u64) -> Option<Combined> {
    rebased_by(circuit, readers, source, most, LEAST_SAVED)
}

/// Like [`rebased`], with elements that save `least` terms.
fn rebased_by(
    circuit: &Circuit,
    readers: &Readers,
    source: &[bool],
    most: u64,
    least: usize,
) -> Option<Combined> {
    let mut table = Table::of(circuit, named_rows(circuit, readers, source, Quiet::Columns)?, source);
    let noisy = |row: &Form| row.iter().copied().filter(|&column| source[column as usize]).collect();
    let operands: Vec<Form> = table.rows[..table.operands].iter().map(noisy).collect();
    let elements = sums::reduced(sums::echelon(operands.iter())?);
    if elements.is_empty() {
        return None;
    }
    drop(operands);
    let mut kinds: Vec<Kind> = circuit.gates.iter().map(|gate| kind(*gate)).collect();
    for wire in (0..source.len()).filter(|&wire| source[wire]) {
        kinds[wire] = if elements.contains_key(&number(wire)) { Kind::Element } else { Kind::Raw };
    }
    for (&pivot, element) in &elements {
        table.add(pivot, &element[..element.len() - 1]);
    }
    let pivots: Vec<u32> = elements.into_keys().collect();
    table.shorten(&pivots, &kinds, least);
    let rows = table.rows_of_wires(circuit)?;
    Some(without_dead(Rebuild::new(circuit, readers, &kinds, &rows, most).run()))
}

/// How many of the AND operands for which `sink` holds are independent as sums of the wires for which `source` holds; none
/// if that takes too long to find out.
pub(super) fn rank(circuit: &Circuit, readers: &Readers, source: &[bool], sink: &[bool]) -> Option<usize> {
    // The new columns are sums of earlier ones and themselves, so that the rank is the same.
    let rows = named_rows(circuit, readers, source, Quiet::LeftOut)?;
    let rows = (0..sink.len()).filter(|&wire| sink[wire] && !rows[wire].is_empty()).map(|wire| &rows[wire]);
    Some(sums::echelon(rows)?.len())
}

/// Whether wires that are not noisy are columns.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Quiet {
    Columns,
    LeftOut,
}

/// What a wire is to the rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// A sum of columns.
    Sum,
    /// A column: a wire that is no noisier than a refreshed one.
    Quiet,
    /// A column: the pivot of an element of the basis.
    Element,
    /// A column: a noisy wire that is no pivot. No operand holds it.
    Raw,
}

fn kind(gate: Gate) -> Kind {
    match gate {
        Gate::Constant(_) | Gate::Not(_) | Gate::Xor(..) => Kind::Sum,
        Gate::Input(_) | Gate::And(..) | Gate::Refresh(_) => Kind::Quiet,
    }
}

/// For each wire, its terms among the columns, where the column of a noisy wire that a single sum reads stands for that
/// sum, if the sum's other operand is earlier.
fn named_rows(circuit: &Circuit, readers: &Readers, source: &[bool], quiet: Quiet) -> Option<Vec<Form>> {
    // The latest column that each wire waits for; sorted by that, columns stand before the sums that they are in.
    let mut latest: Vec<u32> = Vec::with_capacity(source.len());
    for (wire, gate) in circuit.gates.iter().enumerate() {
        let below = gate.operands().map(|wire| latest[wire.index()]).max().unwrap_or(0);
        latest.push(if kind(*gate) == Kind::Sum { below } else { number(wire) });
    }
    let mut order: Vec<usize> = (0..source.len()).collect();
    order.sort_by_key(|&wire| latest[wire]);
    let mut rows = vec![Form::new(); source.len()];
    let mut terms = 0;
    for wire in order {
        let gate = circuit.gates[wire];
        let row = match gate {
            Gate::Constant(_) => Form::new(),
            Gate::Not(a) => rows[a.index()].clone(),
            Gate::Xor(a, b) => sum(&rows[a.index()], &rows[b.index()]),
            Gate::Input(_) | Gate::And(..) | Gate::Refresh(_) => {
                let mut row = match beside(circuit, readers, wire) {
                    Some(other) if source[wire] && latest[other] < latest[wire] => rows[other].clone(),
                    Some(_) | None => Form::new(),
                };
                if source[wire] || quiet == Quiet::Columns {
                    row.push(number(wire));
                }
                row
            }
        };
        terms += row.len();
        if terms > sums::MOST_TERMS {
            return None;
        }
        rows[wire] = row;
    }
    Some(rows)
}

/// What is added to `wire` by its only reader, if that is a sum.
fn beside(circuit: &Circuit, readers: &Readers, wire: usize) -> Option<usize> {
    let &[reader] = readers.of_wire(wire) else { return None };
    match circuit.gates[reader as usize] {
        Gate::Xor(a, b) if a.index() == wire => Some(b.index()),
        Gate::Xor(a, _) => Some(a.index()),
        Gate::Constant(_) | Gate::Input(_) | Gate::Not(_) | Gate::And(..) | Gate::Refresh(_) => None,
    }
}

/// The rows that are to become short: those of the operands, each once, and those of the noisy wires, each of which says what
/// is added to that wire before it is refreshed.
struct Table {
    rows: Vec<Form>,
    /// How many of them are operands.
    operands: usize,
    /// The row of each noisy wire; [`NO_ROW`] for other wires.
    row_of: Vec<u32>,
    /// For each column, the rows that hold it, perhaps several times, and others.
    holders: Vec<Vec<u32>>,
    /// How many terms were looked at.
    work: usize,
}

const NO_ROW: u32 = u32::MAX;

/// What is best added to an element, and how many terms that takes away in all rows.
struct Majority {
    terms: Form,
    saved: usize,
}

impl Table {
    fn of(circuit: &Circuit, mut of_wires: Vec<Form>, source: &[bool]) -> Self {
        let mut is_operand = vec![false; source.len()];
        for gate in &circuit.gates {
            if let Gate::And(a, b) = gate {
                (is_operand[a.index()], is_operand[b.index()]) = (true, true);
            }
        }
        let operands = (0..source.len()).filter(|&wire| is_operand[wire] && !of_wires[wire].is_empty());
        let mut rows: Vec<Form> = operands.map(|wire| of_wires[wire].clone()).collect();
        rows.sort_unstable();
        rows.dedup();
        let operands = rows.len();
        let mut row_of = vec![NO_ROW; source.len()];
        for wire in (0..source.len()).filter(|&wire| source[wire]) {
            row_of[wire] = number(rows.len());
            rows.push(std::mem::take(&mut of_wires[wire]));
        }
        let mut holders = vec![Vec::new(); source.len()];
        for (row, terms) in rows.iter().enumerate() {
            terms.iter().for_each(|&term| holders[term as usize].push(number(row)));
        }
        Table { rows, operands, row_of, holders, work: 0 }
    }

    /// Replaces the element with this pivot by its sum with earlier columns.
    fn add(&mut self, pivot: u32, terms: &[u32]) {
        debug_assert!(terms.iter().all(|&term| term < pivot), "elements wait for earlier ones only");
        if terms.is_empty() {
            return;
        }
        for at in self.holders_of(pivot) {
            let row = sum(&self.rows[at as usize], terms);
            for &term in terms {
                if row.binary_search(&term).is_ok() {
                    self.holders[term as usize].push(at);
                }
            }
            self.work += row.len() + terms.len();
            self.rows[at as usize] = row;
        }
    }

    /// The rows that hold `column`, each once.
    fn holders_of(&mut self, column: u32) -> Vec<u32> {
        let mut holders = std::mem::take(&mut self.holders[column as usize]);
        holders.sort_unstable();
        holders.dedup();
        holders.retain(|&row| self.rows[row as usize].binary_search(&column).is_ok());
        self.holders[column as usize].clone_from(&holders);
        holders
    }

    /// Sweeps over the elements, the earliest first, as far as time allows.
    fn shorten(&mut self, pivots: &[u32], kinds: &[Kind], least: usize) {
        let mut counts = vec![0_u32; kinds.len()];
        let mut before = self.terms();
        for _ in 0..MOST_SWEEPS {
            for &pivot in pivots {
                let next = self.majority(pivot, kinds, &mut counts);
                if next.saved >= least {
                    self.add(pivot, &next.terms);
                }
                if self.work > MOST_WORK {
                    return;
                }
            }
            let after = self.terms();
            debug_assert!(after <= before, "each step takes terms away");
            if before - after <= before / LEAST_GAIN {
                break;
            }
            before = after;
        }
    }

    fn terms(&self) -> usize {
        self.rows.iter().map(Vec::len).sum()
    }

    /// The earlier elements and quiet wires that more than half of the rows with this pivot hold. `counts` is zero, and
    /// again after it.
    fn majority(&mut self, pivot: u32, kinds: &[Kind], counts: &mut [u32]) -> Majority {
        let rows = self.holders_of(pivot);
        let mut seen: Form = Form::new();
        for &row in &rows {
            let row = &self.rows[row as usize];
            self.work += row.len();
            for &term in row.iter().take_while(|&&term| term < pivot) {
                if counts[term as usize] == 0 {
                    seen.push(term);
                }
                counts[term as usize] += 1;
            }
        }
        let (mut terms, mut saved) = (Form::new(), 0);
        for term in seen {
            let count = std::mem::take(&mut counts[term as usize]) as usize;
            if 2 * count > rows.len() && kinds[term as usize] != Kind::Raw {
                terms.push(term);
                saved += 2 * count - rows.len();
            }
        }
        terms.sort_unstable();
        Majority { terms, saved }
    }

    /// The row of every wire.
    fn rows_of_wires(self, circuit: &Circuit) -> Option<Vec<Form>> {
        let mut rows: Vec<Form> = Vec::with_capacity(circuit.gates.len());
        let mut terms = 0;
        for (wire, gate) in circuit.gates.iter().enumerate() {
            let row = match (*gate, self.row_of[wire]) {
                (Gate::Constant(_), _) => Form::new(),
                (Gate::Not(a), _) => rows[a.index()].clone(),
                (Gate::Xor(a, b), _) => sum(&rows[a.index()], &rows[b.index()]),
                (Gate::Input(_) | Gate::And(..) | Gate::Refresh(_), NO_ROW) => vec![number(wire)],
                (Gate::Input(_) | Gate::And(..) | Gate::Refresh(_), row) => self.rows[row as usize].clone(),
            };
            terms += row.len();
            if terms > sums::MOST_TERMS {
                return None;
            }
            rows.push(row);
        }
        Some(rows)
    }
}

struct Rebuild<'a> {
    old: &'a Circuit,
    kinds: &'a [Kind],
    rows: &'a [Form],
    /// Whether each wire is the complement of what its row adds up to.
    flips: Vec<bool>,
    /// Whether each sum is written as that of its operands.
    as_before: Vec<bool>,
    /// Whether the value of each wire is read.
    is_read: Vec<bool>,
    new: Circuit,
    marks: Vec<bool>,
    /// The new wire of each column, and its gate alone.
    columns: Vec<Wire>,
    gates: Vec<Wire>,
    /// The new wire with the value of each old one that is read.
    values: Vec<Wire>,
    /// Sums that were written term by term.
    written: HashMap<&'a [u32], Wire>,
}

impl<'a> Rebuild<'a> {
    fn new(old: &'a Circuit, readers: &Readers, kinds: &'a [Kind], rows: &'a [Form], most: u64) -> Self {
        let mut flips: Vec<bool> = Vec::with_capacity(rows.len());
        for gate in &old.gates {
            flips.push(match *gate {
                Gate::Constant(bit) => bit,
                Gate::Not(a) => !flips[a.index()],
                Gate::Xor(a, b) => flips[a.index()] ^ flips[b.index()],
                Gate::Input(_) | Gate::And(..) | Gate::Refresh(_) => false,
            });
        }
        let Writing { as_before, .. } = Writing::of(old, readers, kinds, rows, most);
        let is_read = is_read(old, kinds, &as_before);
        Rebuild {
            old,
            kinds,
            rows,
            flips,
            as_before,
            is_read,
            new: old.emptied(rows.len()),
            marks: Vec::new(),
            columns: vec![Wire::new(0); rows.len()],
            gates: vec![Wire::new(0); rows.len()],
            values: vec![Wire::new(0); rows.len()],
            written: HashMap::new(),
        }
    }

    fn run(mut self) -> Combined {
        for wire in 0..self.rows.len() {
            if self.kinds[wire] != Kind::Sum {
                self.columns[wire] = self.column(wire);
            }
            if self.is_read[wire] {
                self.values[wire] = self.value(wire);
            }
        }
        let output = |wire: &Wire| match self.kinds[wire.index()] {
            Kind::Sum => self.values[wire.index()],
            Kind::Quiet | Kind::Element | Kind::Raw => self.gates[wire.index()],
        };
        self.new.output_wires = self.old.output_wires.iter().map(output).collect();
        Combined { circuit: self.new, marks: self.marks }
    }

    fn push(&mut self, gate: Gate, origin: u32) -> Wire {
        self.new.gates.push(gate);
        self.new.origins.push(origin);
        self.marks.push(false);
        Wire::new(self.new.gates.len() - 1)
    }

    /// The wire that later rows read for this column; that of an element is refreshed.
    fn column(&mut self, wire: usize) -> Wire {
        let origin = self.old.origins[wire];
        let gate = self.old.gates[wire].map(|wire| self.values[wire.index()]);
        let own = self.push(gate, origin);
        self.gates[wire] = own;
        let others = self.rows[wire].split_last().map_or(&[][..], |(_, others)| others);
        let column = match self.kinds[wire] {
            Kind::Sum | Kind::Quiet => own,
            Kind::Element | Kind::Raw if others.is_empty() => own,
            Kind::Element | Kind::Raw => {
                let others = self.terms(others, origin);
                self.push(Gate::Xor(own, others), origin)
            }
        };
        self.marks[column.index()] = self.kinds[wire] == Kind::Element;
        column
    }

    /// A wire with the value of an old one.
    fn value(&mut self, wire: usize) -> Wire {
        let (origin, row) = (self.old.origins[wire], &self.rows[wire]);
        if self.as_before[wire] {
            return self.push(self.old.gates[wire].map(|wire| self.values[wire.index()]), origin);
        }
        match (self.kinds[wire], row.as_slice()) {
            (_, []) => self.push(Gate::Constant(self.flips[wire]), origin),
            (Kind::Element, [others @ .., _]) if !others.is_empty() => {
                let others = self.terms(others, origin);
                self.push(Gate::Xor(self.columns[wire], others), origin)
            }
            (Kind::Sum | Kind::Quiet | Kind::Element | Kind::Raw, terms) => {
                let total = self.terms(terms, origin);
                if self.flips[wire] { self.push(Gate::Not(total), origin) } else { total }
            }
        }
    }

    /// The sum of columns, part by part, so that neither many sums are alive at once nor many wait for each other.
    fn terms(&mut self, terms: &'a [u32], origin: u32) -> Wire {
        if let Some(&wire) = self.written.get(terms) {
            return wire;
        }
        let columns: Vec<Wire> = terms.iter().map(|&column| self.columns[column as usize]).collect();
        let mut add = |total: Wire, next: Wire| self.push(Gate::Xor(total, next), origin);
        let parts = columns.chunks(columns.len().isqrt().max(1));
        let parts: Vec<Wire> = parts.filter_map(|part| part.iter().copied().reduce(&mut add)).collect();
        let total = parts.into_iter().reduce(add).expect("rows that are written have terms");
        self.written.insert(terms, total);
        total
    }
}

/// Decides which sums are written as those of their operands.
///
/// In gate order, all are, until the two operands of a product together hold refreshed wires too often. Then the louder one
/// or a sum in it is written term by term, whichever is shortest and makes it quiet enough.
struct Writing<'a> {
    circuit: &'a Circuit,
    readers: &'a Readers,
    rows: &'a [Form],
    /// Whether each row holds a raw wire. None may come in where it would cancel.
    is_raw: Vec<bool>,
    as_before: Vec<bool>,
    /// How often refreshed wires come into each value.
    reads: Vec<u64>,
    /// The most that this may be for both operands of a product, multiplied.
    most: u64,
}

impl<'a> Writing<'a> {
    fn of(circuit: &'a Circuit, readers: &'a Readers, kinds: &[Kind], rows: &'a [Form], most: u64) -> Self {
        let is_raw = |row: &Form| row.iter().any(|&column| kinds[column as usize] == Kind::Raw);
        let is_raw: Vec<bool> = rows.iter().map(is_raw).collect();
        let (as_before, reads) = (Vec::with_capacity(rows.len()), Vec::with_capacity(rows.len()));
        let mut writing = Writing { circuit, readers, rows, is_raw, as_before, reads, most };
        for (wire, gate) in circuit.gates.iter().enumerate() {
            if let Gate::And(a, b) = *gate {
                writing.make_room(a.index(), b.index());
            }
            writing.as_before.push(kinds[wire] == Kind::Sum && writing.can_be_as_before(wire));
            let reads = writing.reads_of(wire);
            writing.reads.push(reads);
        }
        writing
    }

    fn can_be_as_before(&self, wire: usize) -> bool {
        let operands = || self.circuit.gates[wire].operands().map(|wire| wire.index());
        let reads: u64 = operands().map(|wire| self.reads[wire]).sum();
        let is_quiet = self.is_raw[wire] || operands().all(|wire| !self.is_raw[wire]);
        self.rows[wire].len() > SHORT && reads <= self.most && is_quiet
    }

    fn reads_of(&self, wire: usize) -> u64 {
        if self.as_before[wire] {
            self.circuit.gates[wire].operands().map(|wire| self.reads[wire.index()]).sum()
        } else {
            self.rows[wire].len() as u64
        }
    }

    /// Makes the product of these wires quiet enough, if that can be.
    fn make_room(&mut self, a: usize, b: usize) {
        let (a, b) = if self.reads[a] < self.reads[b] { (b, a) } else { (a, b) };
        for (loud, other) in [(a, b), (b, a)] {
            let most = self.most / self.reads[other].max(1);
            if self.reads[loud] > most && self.as_before[loud] {
                let sum = self.sum_to_write(loud, most);
                self.write(sum);
                if self.reads[loud] > most && self.as_before[loud] {
                    self.write(loud);
                }
            }
        }
    }

    /// The shortest of the loudest sums in `wire`, of those after which `wire` reads at most `most`; or else the wire itself.
    fn sum_to_write(&self, wire: usize, most: u64) -> usize {
        let (mut best, mut sum) = (wire, wire);
        let mut others = 0;
        while self.as_before[sum] {
            if others + self.rows[sum].len() as u64 > most {
                break;
            }
            if self.rows[sum].len() < self.rows[best].len() {
                best = sum;
            }
            let operands = self.circuit.gates[sum].operands().map(|wire| wire.index());
            let Some(next) = operands.max_by_key(|&wire| (self.reads[wire], wire)) else { break };
            others += self.reads[sum] - self.reads[next];
            sum = next;
        }
        best
    }

    /// Writes `wire` term by term, and looks at all above it again that were looked at.
    fn write(&mut self, wire: usize) {
        self.as_before[wire] = false;
        let mut open = BinaryHeap::from([Reverse(number(wire))]);
        while let Some(Reverse(next)) = open.pop() {
            let next = next as usize;
            let reads = self.reads_of(next);
            if reads != self.reads[next] {
                self.reads[next] = reads;
                let readers = self.readers.of_wire(next).iter();
                open.extend(
                    readers
                        .filter(|&&reader| (reader as usize) < self.reads.len())
                        .map(|&reader| Reverse(reader)),
                );
            }
        }
    }
}

/// Whether the value of each wire is read by a gate, or by an output that is a sum.
fn is_read(circuit: &Circuit, kinds: &[Kind], as_before: &[bool]) -> Vec<bool> {
    let mut is_read = vec![false; circuit.gates.len()];
    for wire in &circuit.output_wires {
        is_read[wire.index()] = kinds[wire.index()] == Kind::Sum;
    }
    for (wire, gate) in circuit.gates.iter().enumerate().rev() {
        let reads = match gate {
            Gate::And(..) | Gate::Refresh(_) => true,
            Gate::Xor(..) | Gate::Not(_) => is_read[wire] && as_before[wire],
            Gate::Constant(_) | Gate::Input(_) => false,
        };
        if reads {
            gate.operands().for_each(|wire| is_read[wire.index()] = true);
        }
    }
    is_read
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::opt::testing::{assert_same, circuit, circuits};

    fn products(circuit: &Circuit) -> Vec<bool> {
        circuit.gates.iter().map(|gate| matches!(gate, Gate::And(..))).collect()
    }

    fn operands(circuit: &Circuit) -> Vec<bool> {
        let mut is_operand = vec![false; circuit.gates.len()];
        let products = circuit.gates.iter().filter(|gate| matches!(gate, Gate::And(..)));
        products.flat_map(|gate| gate.operands()).for_each(|wire| is_operand[wire.index()] = true);
        is_operand
    }

    /// How often refreshed wires and inputs come into each wire; `None` where an unrefreshed product does.
    fn reads(Combined { circuit, marks }: &Combined) -> Vec<Option<u64>> {
        let mut reads: Vec<Option<u64>> = Vec::new();
        for gate in &circuit.gates {
            let of = |wire: Wire| if marks[wire.index()] { Some(1) } else { reads[wire.index()] };
            let next = match *gate {
                Gate::Constant(_) => Some(0),
                Gate::Input(_) | Gate::Refresh(_) => Some(1),
                Gate::And(..) => None,
                Gate::Not(a) => of(a),
                Gate::Xor(a, b) => of(a).zip(of(b)).map(|(a, b)| a + b),
            };
            reads.push(next);
        }
        let seen = |wire: usize| if marks[wire] { Some(1) } else { reads[wire] };
        (0..reads.len()).map(seen).collect()
    }

    #[test]
    fn any_circuit_keeps_its_function_and_refreshes_the_rank_of_its_operands() {
        let mut rebuilt = 0;
        for circuit in circuits(20) {
            let (readers, source) = (Readers::of(&circuit), products(&circuit));
            let rank = rank(&circuit, &readers, &source, &operands(&circuit)).unwrap();
            for (most, least) in [(1, 1), (16, 2), (1 << 20, 500)] {
                let Some(after) = rebased_by(&circuit, &readers, &source, most, least) else {
                    assert_eq!(rank, 0);
                    continue;
                };
                rebuilt += 1;
                assert_same(&circuit, &after.circuit);
                // Dead gates may have had operands of their own.
                assert!(after.marks.iter().filter(|&&mark| mark).count() <= rank);
                let reads = reads(&after);
                let operands = operands(&after.circuit);
                assert!((0..reads.len()).all(|wire| !operands[wire] || reads[wire].is_some()));
            }
        }
        assert!(rebuilt > 100, "{rebuilt}");
    }

    #[test]
    fn operands_are_as_short_as_the_bound_says() {
        // A chain of carries, every one an operand with the inputs of its place: 40 terms over the products.
        let mut gates = String::new();
        let (mut carry, mut wire) = (0, 81);
        for place in 0..40 {
            let (a, b) = (1 + 2 * place, 2 + 2 * place);
            gates += &format!("%{wire} = xor %{a} %{carry}\n%{} = xor %{b} %{carry}\n", wire + 1);
            gates += &format!(
                "%{} = and %{wire} %{}\n%{} = xor %{} %{carry}\n",
                wire + 2,
                wire + 1,
                wire + 3,
                wire + 2
            );
            (carry, wire) = (wire + 3, wire + 4);
        }
        let before = circuit(81, &gates, &format!("%{carry}"));
        let after = rebased(&before, &Readers::of(&before), &products(&before), 4).unwrap();
        assert_same(&before, &after.circuit);
        assert_eq!(after.marks.iter().filter(|&&mark| mark).count(), 39);
        let reads = reads(&after);
        for gate in &after.circuit.gates {
            if let Gate::And(a, b) = gate {
                let of = |wire: &Wire| reads[wire.index()].unwrap();
                assert!(of(a) * of(b) <= 4, "{} {}", of(a), of(b));
            }
        }
    }

    #[test]
    fn an_element_takes_what_most_of_its_rows_hold() {
        let rows = vec![vec![1, 2, 5], vec![1, 2, 3, 5], vec![2, 3], vec![1, 5]];
        let mut holders = vec![Vec::new(); 6];
        for (row, terms) in rows.iter().enumerate() {
            terms.iter().for_each(|&term| holders[term as usize].push(number(row)));
        }
        let mut table = Table { rows, operands: 4, row_of: vec![NO_ROW; 6], holders, work: 0 };
        table.shorten(&[5], &[Kind::Element; 6], 1);
        assert_eq!(table.rows, [vec![5], vec![3, 5], vec![2, 3], vec![2, 5]]);
    }
}
