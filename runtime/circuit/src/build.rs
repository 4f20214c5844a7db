//! The hash-consing builder: equal gates are made once, constants and complements are folded as gates are added.

use hashbrown::HashTable;

use crate::{Circuit, Gate, Port, Wire};

/// Builds a [`Circuit`] gate by gate. The same calls give the same circuit, byte for byte.
#[derive(Clone, Debug, Default)]
pub struct Builder {
    circuit: Circuit,
    known: Known,
    origin: u32,
}

/// Where equal gates are found. Most wires have few readers, made soon after them: a list per wire of the gates that
/// have it as their later operand is short and still in the cache. Only wires with many readers need the table.
#[derive(Clone, Debug, Default)]
struct Known {
    /// For each gate, where its list of readers begins, and how the list that it is in goes on.
    links: Vec<Link>,
    /// Inputs, constants, and the gates that no longer fitted in a list.
    table: HashTable<u32>,
}

/// Gate numbers plus one; 0 ends a list.
#[derive(Clone, Copy, Debug, Default)]
struct Link {
    /// The last listed gate whose later operand this gate is.
    first: u32,
    /// The gate before this one in its own list.
    next: u32,
}

/// The longest list of a wire's readers.
const LONGEST_LIST: usize = 16;

/// Where a gate is, or where it belongs.
enum Place {
    Known(Wire),
    /// In the list of this wire's readers.
    List(Wire),
    Table,
}

impl Known {
    fn find(&self, gates: &[Gate], gate: Gate) -> Place {
        let later = match gate {
            Gate::Constant(_) | Gate::Input(_) => return self.find_in_table(gates, gate),
            Gate::Not(a) | Gate::Refresh(a) => a,
            Gate::Xor(a, b) | Gate::And(a, b) => a.max(b),
        };
        let mut at = self.links[later.index()].first;
        for _ in 0..LONGEST_LIST {
            let Some(index) = at.checked_sub(1) else { return Place::List(later) };
            if gates[index as usize] == gate {
                return Place::Known(Wire::new(index as usize));
            }
            at = self.links[index as usize].next;
        }
        self.find_in_table(gates, gate)
    }

    fn find_in_table(&self, gates: &[Gate], gate: Gate) -> Place {
        let known = self.table.find(hash(gate), |&index| gates[index as usize] == gate);
        known.map_or(Place::Table, |&index| Place::Known(Wire::new(index as usize)))
    }

    /// Remembers the last of `gates`, which [`Known::find`] did not find but said where it belongs.
    fn insert(&mut self, gates: &[Gate], place: Place) {
        debug_assert_eq!(self.links.len() + 1, gates.len(), "every gate is remembered in turn");
        let index = u32::try_from(self.links.len()).expect("bounded: wires have 32 bits");
        let mut link = Link::default();
        match place {
            Place::Known(_) => {}
            Place::List(wire) => {
                let first = &mut self.links[wire.index()].first;
                link.next = *first;
                *first = index + 1;
            }
            Place::Table => {
                let rehash = |&index: &u32| hash(gates[index as usize]);
                self.table.insert_unique(hash(gates[index as usize]), index, rehash);
            }
        }
        self.links.push(link);
    }
}

/// Kinds and wire numbers are small integers, made by the compiler and not by an adversary.
fn hash(gate: Gate) -> u64 {
    let (kind, a, b) = match gate {
        Gate::Constant(bit) => (0, u64::from(bit), 0),
        Gate::Input(bit) => (1, u64::from(bit), 0),
        Gate::Not(a) => (2, a.index() as u64, 0),
        Gate::Refresh(a) => (3, a.index() as u64, 0),
        Gate::Xor(a, b) => (4, a.index() as u64, b.index() as u64),
        Gate::And(a, b) => (5, a.index() as u64, b.index() as u64),
    };
    let mixed = (a << 32 ^ b << 3 ^ kind).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    // The table takes its place from the low bits and tells neighbours apart by the high ones.
    mixed ^ mixed >> 32
}

/// What a product of two wires turns out to be.
enum Product {
    /// 0.
    Zero,
    /// A wire that exists.
    Is(Wire),
    /// `.0 & .1`.
    Of(Wire, Wire),
    /// `.0 ^ (.0 & .1)`.
    SelfPlus(Wire, Wire),
}

/// `x` is 1, and so `a` is 1 and `b` is `b_value`.
struct Premise {
    x: Wire,
    a: Wire,
    b: Wire,
    b_value: bool,
    /// No gate before this one depends on any of them.
    first: Wire,
}

impl Builder {
    /// A builder with no gates.
    pub fn new() -> Self {
        Self::default()
    }

    /// A builder with no gates that knows the source functions of `circuit`, to rebuild it gate by gate.
    pub fn with_functions_of(circuit: &Circuit) -> Self {
        let gates = circuit.gates.len();
        Builder {
            circuit: Circuit {
                gates: Vec::with_capacity(gates),
                origins: Vec::with_capacity(gates),
                functions: circuit.functions.clone(),
                ..Circuit::default()
            },
            known: Known { links: Vec::with_capacity(gates), table: HashTable::new() },
            origin: 0,
        }
    }

    /// Gates made from now on come from function number `origin`, as in [`Circuit::origins`].
    pub fn set_origin_index(&mut self, origin: u32) {
        self.origin = origin;
    }

    /// Gates made from now on come from the source function `name`.
    pub fn set_origin(&mut self, name: &str) {
        let functions = &mut self.circuit.functions;
        let index = functions.iter().position(|known| known == name).unwrap_or_else(|| {
            functions.push(name.to_owned());
            functions.len() - 1
        });
        self.origin = u32::try_from(index).expect("bounded: one entry per function of the program");
    }

    /// Adds an input port and returns its bits, least significant first.
    pub fn input(&mut self, port: Port) -> Vec<Wire> {
        let first = self.circuit.input_bits();
        let bits = (first..first + port.width as usize)
            .map(|bit| self.push(Gate::Input(u32::try_from(bit).expect("bounded: below the gate limit"))))
            .collect();
        self.circuit.inputs.push(port);
        bits
    }

    /// Adds an output port driven by `bits`, least significant first.
    ///
    /// # Panics
    /// If the number of bits is not the port's width.
    pub fn output(&mut self, port: Port, bits: &[Wire]) {
        assert_eq!(bits.len(), port.width as usize, "an output port has one wire per bit");
        self.circuit.output_wires.extend_from_slice(bits);
        self.circuit.outputs.push(port);
    }

    /// The finished circuit. Gates that came from no named function come from `main`.
    pub fn finish(mut self) -> Circuit {
        if self.circuit.functions.is_empty() && !self.circuit.gates.is_empty() {
            self.circuit.functions.push("main".to_owned());
        }
        self.circuit
    }

    /// The gate that drives `wire`.
    #[inline]
    pub fn gate(&self, wire: Wire) -> Gate {
        self.circuit.gate(wire)
    }

    /// Number of gates so far, for limits.
    #[inline]
    pub fn len(&self) -> usize {
        self.circuit.gates.len()
    }

    /// Whether there are no gates yet.
    pub fn is_empty(&self) -> bool {
        self.circuit.gates.is_empty()
    }

    /// The value of a wire that is constant.
    #[inline]
    pub fn as_constant(&self, wire: Wire) -> Option<bool> {
        match self.circuit.gate(wire) {
            Gate::Constant(bit) => Some(bit),
            Gate::Input(_) | Gate::Not(_) | Gate::Xor(..) | Gate::And(..) | Gate::Refresh(_) => None,
        }
    }

    /// A public bit.
    pub fn constant(&mut self, bit: bool) -> Wire {
        self.push(Gate::Constant(bit))
    }

    /// The complement of `a`.
    pub fn not(&mut self, a: Wire) -> Wire {
        match self.circuit.gate(a) {
            Gate::Constant(bit) => self.constant(!bit),
            Gate::Not(inner) => inner,
            Gate::Input(_) | Gate::Xor(..) | Gate::And(..) | Gate::Refresh(_) => self.push(Gate::Not(a)),
        }
    }

    /// `a ^ b`. Complements are moved out, so that equal sums meet; equal terms cancel one level down.
    pub fn xor(&mut self, a: Wire, b: Wire) -> Wire {
        let (mut a, mut b, mut flip) = (a, b, false);
        loop {
            let ((x, flip_x), (y, flip_y)) = (self.strip(a), self.strip(b));
            flip ^= flip_x ^ flip_y;
            match (self.as_constant(x), self.as_constant(y)) {
                (Some(p), Some(q)) => return self.constant(p ^ q ^ flip),
                (Some(p), None) => return self.not_if(y, p ^ flip),
                (None, Some(q)) => return self.not_if(x, q ^ flip),
                (None, None) if x == y => return self.constant(flip),
                (None, None) => {}
            }
            if let Some(rest) = self.cancel(x, y).or_else(|| self.cancel(y, x)) {
                return self.not_if(rest, flip);
            }
            let Some(shorter) = self.cancel_below(x, y).or_else(|| self.cancel_below(y, x)) else {
                let sum = self.push(Gate::Xor(x.min(y), x.max(y)));
                return self.not_if(sum, flip);
            };
            (a, b) = shorter;
        }
    }

    /// `a & b`.
    pub fn and(&mut self, a: Wire, b: Wire) -> Wire {
        match (self.as_constant(a), self.as_constant(b)) {
            (Some(false), _) | (_, Some(false)) => return self.constant(false),
            (Some(true), _) => return b,
            (_, Some(true)) => return a,
            (None, None) => {}
        }
        let ((x, flip_x), (y, flip_y)) = (self.strip(a), self.strip(b));
        if x == y {
            return if flip_x == flip_y { a } else { self.constant(false) };
        }
        // (x ^ p)(y ^ q) = xy ^ qx ^ py ^ pq: one AND gate serves all four sign patterns, and XOR is free.
        let product = self.product(x, y);
        let with_x = if flip_y { self.xor(product, x) } else { product };
        let with_y = if flip_x { self.xor(with_x, y) } else { with_x };
        self.not_if(with_y, flip_x && flip_y)
    }

    /// `a | b`.
    pub fn or(&mut self, a: Wire, b: Wire) -> Wire {
        let both = self.and(a, b);
        let one = self.xor(a, b);
        self.xor(one, both)
    }

    /// `if choice { yes } else { no }`, with one AND.
    pub fn mux(&mut self, choice: Wire, yes: Wire, no: Wire) -> Wire {
        let differ = self.xor(yes, no);
        let change = self.and(choice, differ);
        self.xor(change, no)
    }

    /// `a`, refreshed.
    pub fn refresh(&mut self, a: Wire) -> Wire {
        match self.as_constant(a) {
            Some(_) => a,
            None => self.push(Gate::Refresh(a)),
        }
    }

    /// If `sum` is `part ^ rest` or `rest ^ part`, the rest.
    #[inline]
    fn cancel(&self, sum: Wire, part: Wire) -> Option<Wire> {
        // Operands come before their uses.
        if part >= sum {
            return None;
        }
        match self.terms(sum) {
            Some((x, y)) if x == part => Some(y),
            Some((x, y)) if y == part => Some(x),
            Some(_) | None => None,
        }
    }

    /// If `sum ^ other` has a term twice, once directly below `sum` or below one of its two terms, the two wires that
    /// are left to add.
    fn cancel_below(&self, sum: Wire, other: Wire) -> Option<(Wire, Wire)> {
        let (x, y) = self.terms(sum)?;
        let shared = self.cancel(other, x).map(|rest| (y, rest));
        shared
            .or_else(|| self.cancel(other, y).map(|rest| (x, rest)))
            .or_else(|| self.cancel(x, other).map(|rest| (y, rest)))
            .or_else(|| self.cancel(y, other).map(|rest| (x, rest)))
    }

    /// `x & y` for wires that are neither complements nor constants nor equal. Makes at most one AND gate.
    fn product(&mut self, x: Wire, y: Wire) -> Wire {
        let (mut x, mut y, mut plus) = (x, y, None);
        // Every step replaces an operand by a wire below it, so that this ends.
        let product = loop {
            match self.rewrite_product(x, y).or_else(|| self.rewrite_product(y, x)) {
                None if x == y => break x,
                None => break self.push(Gate::And(x.min(y), x.max(y))),
                Some(Product::Zero) => break self.constant(false),
                Some(Product::Is(wire)) => break wire,
                Some(Product::Of(left, right)) => (x, y) = (left, right),
                Some(Product::SelfPlus(left, right)) => {
                    plus = Some(plus.map_or(left, |plus| self.xor(plus, left)));
                    (x, y) = (left, right);
                }
            }
        };
        plus.map_or(product, |plus| self.xor(plus, product))
    }

    /// What `x & y` is, if the gates just below say so. Never makes a second AND or a deeper one.
    fn rewrite_product(&self, x: Wire, y: Wire) -> Option<Product> {
        // Wherever `x` is 1, `y` may be constant, or another wire, or its complement.
        let when = |value: bool, one: Product| if value { one } else { Product::Zero };
        let premise = self.premise(x);
        let implied = |wire: Wire| self.implied(&premise, wire, 2);
        if let Some(value) = implied(y) {
            return Some(when(value, Product::Is(x)));
        }
        if let Some((r, t)) = self.masked(y) {
            return match (implied(r), implied(t)) {
                (Some(r), _) => Some(when(r, Product::SelfPlus(x, t))), // x r !t = x ^ xt
                (None, Some(t)) => Some(when(!t, Product::Of(x, r))),
                (None, None) => None,
            };
        }
        if let Some((r, s)) = self.terms(y) {
            let plus = |value: bool, rest: Wire| {
                if value { Product::SelfPlus(x, rest) } else { Product::Of(x, rest) }
            };
            return match (implied(r), implied(s)) {
                (Some(r), _) => Some(plus(r, s)),
                (None, Some(s)) => Some(plus(s, r)),
                (None, None) => None,
            };
        }
        let (r, s) = self.factors(y)?;
        match (implied(r), implied(s)) {
            (Some(r), _) => Some(when(r, Product::Of(x, s))),
            (None, Some(s)) => Some(when(s, Product::Of(x, r))),
            (None, None) => None,
        }
    }

    /// What `x = 1` says of the wires just below it.
    fn premise(&self, x: Wire) -> Premise {
        let (a, b, b_value) = match (self.factors(x), self.masked(x)) {
            (Some((a, b)), _) => (a, b, true),
            (None, Some((a, b))) => (a, b, false),
            (None, None) => (x, x, true),
        };
        Premise { x, a, b, b_value, first: a.min(b) }
    }

    /// The value that `wire` has wherever the premise holds, as far as `levels` gates show.
    fn implied(&self, premise: &Premise, wire: Wire, levels: usize) -> Option<bool> {
        if wire < premise.first {
            return None;
        }
        if wire == premise.x || wire == premise.a {
            return Some(true);
        }
        if wire == premise.b {
            return Some(premise.b_value);
        }
        let below = levels.checked_sub(1)?;
        match self.circuit.gate(wire) {
            Gate::Xor(r, s) => Some(self.implied(premise, r, below)? ^ self.implied(premise, s, below)?),
            Gate::And(r, s) => match (self.implied(premise, r, below), self.implied(premise, s, below)) {
                (Some(false), _) | (_, Some(false)) => Some(false),
                (Some(true), Some(true)) => Some(true),
                (Some(_) | None, None) | (None, Some(_)) => None,
            },
            Gate::Constant(_) | Gate::Input(_) | Gate::Not(_) | Gate::Refresh(_) => None,
        }
    }

    /// `r` and `t` if the wire is `r ^ rt`, which is `r & !t`.
    fn masked(&self, wire: Wire) -> Option<(Wire, Wire)> {
        let (x, y) = self.terms(wire)?;
        let other = |term: Wire, product: Wire| match self.factors(product) {
            Some((r, t)) if r == term => Some((r, t)),
            Some((t, r)) if r == term => Some((r, t)),
            Some(_) | None => None,
        };
        other(x, y).or_else(|| other(y, x))
    }

    #[inline]
    fn terms(&self, wire: Wire) -> Option<(Wire, Wire)> {
        match self.circuit.gate(wire) {
            Gate::Xor(x, y) => Some((x, y)),
            Gate::Constant(_) | Gate::Input(_) | Gate::Not(_) | Gate::And(..) | Gate::Refresh(_) => None,
        }
    }

    #[inline]
    fn factors(&self, wire: Wire) -> Option<(Wire, Wire)> {
        match self.circuit.gate(wire) {
            Gate::And(x, y) => Some((x, y)),
            Gate::Constant(_) | Gate::Input(_) | Gate::Not(_) | Gate::Xor(..) | Gate::Refresh(_) => None,
        }
    }

    #[inline]
    fn strip(&self, wire: Wire) -> (Wire, bool) {
        match self.circuit.gate(wire) {
            Gate::Not(inner) => (inner, true),
            Gate::Constant(_) | Gate::Input(_) | Gate::Xor(..) | Gate::And(..) | Gate::Refresh(_) => {
                (wire, false)
            }
        }
    }

    #[inline]
    fn not_if(&mut self, wire: Wire, flip: bool) -> Wire {
        if flip { self.not(wire) } else { wire }
    }

    fn push(&mut self, gate: Gate) -> Wire {
        let place = self.known.find(&self.circuit.gates, gate);
        if let Place::Known(wire) = place {
            return wire;
        }
        let wire = Wire::new(self.circuit.gates.len());
        self.circuit.gates.push(gate);
        self.circuit.origins.push(self.origin);
        self.known.insert(&self.circuit.gates, place);
        wire
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::{Plain, evaluate};

    const A: u64 = 0b1111_0000;
    const B: u64 = 0b1100_1100;
    const C: u64 = 0b1010_1010;

    /// Builds one output from three inputs, compares it with `expected` on all eight rows, and counts its ANDs.
    #[track_caller]
    fn check(build: impl Fn(&mut Builder, Wire, Wire, Wire) -> Wire, expected: u64, ands: usize) {
        let mut builder = Builder::new();
        let bits = builder.input(port("x", 3));
        let wire = build(&mut builder, bits[0], bits[1], bits[2]);
        builder.output(port("y", 1), &[wire]);
        let circuit = builder.finish();
        assert_eq!(evaluate(&circuit, &Plain, &[A, B, C])[0] & 0xff, expected & 0xff);
        assert_eq!(circuit.counts().and, ands, "{:?}", circuit.gates);
    }

    fn port(name: &str, width: u32) -> Port {
        Port { name: name.into(), kind: "bits".into(), width, range: None }
    }

    #[test]
    fn an_operand_of_a_product_is_absorbed() {
        check(
            |g, a, b, _| {
                let ab = g.and(a, b);
                g.and(a, ab)
            },
            A & B,
            1,
        );
    }

    #[test]
    fn a_wire_times_its_own_sum_shares_the_product() {
        check(
            |g, a, _, c| {
                let ac = g.and(a, c);
                let sum = g.xor(a, c);
                let again = g.and(sum, a);
                g.xor(ac, again)
            },
            A,
            1,
        );
    }

    #[test]
    fn a_wire_times_the_complement_of_its_sum_shares_the_product() {
        check(
            |g, a, _, c| {
                let ac = g.and(a, c);
                let sum = g.xor(a, c);
                let same = g.not(sum);
                let again = g.and(same, a);
                g.xor(ac, again)
            },
            0,
            1,
        );
    }

    #[test]
    fn products_with_a_common_factor_share_it() {
        check(
            |g, a, b, c| {
                let (ab, ac) = (g.and(a, b), g.and(a, c));
                g.and(ab, ac)
            },
            A & B & C,
            3,
        );
    }

    #[test]
    fn both_and_exactly_one_is_never() {
        check(
            |g, a, b, c| {
                let (both, one) = (g.and(a, b), g.xor(a, b));
                let carried = g.and(c, one);
                g.or(both, carried)
            },
            (A & B) | (A & C) | (B & C),
            2,
        );
    }

    #[test]
    fn both_and_any_is_both() {
        check(
            |g, a, b, _| {
                let (both, any) = (g.and(a, b), g.or(a, b));
                g.and(both, any)
            },
            A & B,
            1,
        );
    }

    #[test]
    fn two_sides_of_a_choice_exclude_each_other() {
        check(
            |g, a, b, c| {
                let not = g.not(a);
                let (yes, no) = (g.and(a, b), g.and(not, c));
                g.or(yes, no)
            },
            (A & B) | (!A & C),
            2,
        );
    }

    /// All circuits of three products, sums or complements over three inputs compute what they say.
    #[test]
    fn every_short_program_computes_what_it_says() {
        let wires = |count: usize| (0..count).flat_map(move |a| (0..=a).map(move |b| (a, b)));
        type Step = (usize, (usize, usize));
        fn run(steps: &[Step]) {
            let mut builder = Builder::new();
            let mut bits = builder.input(port("x", 3));
            let mut values = vec![A, B, C];
            for &(kind, (a, b)) in steps {
                let (wire, value) = match kind {
                    0 => (builder.and(bits[a], bits[b]), values[a] & values[b]),
                    1 => (builder.xor(bits[a], bits[b]), values[a] ^ values[b]),
                    _ => {
                        let not = builder.not(bits[b]);
                        (builder.and(bits[a], not), values[a] & !values[b])
                    }
                };
                bits.push(wire);
                values.push(value);
            }
            builder.output(port("y", 1), &[bits[bits.len() - 1]]);
            let circuit = builder.finish();
            let expected = values[values.len() - 1] & 0xff;
            assert_eq!(evaluate(&circuit, &Plain, &[A, B, C])[0] & 0xff, expected, "{steps:?}");
            assert!(circuit.counts().and <= steps.iter().filter(|step| step.0 != 1).count());
        }
        for first in (0..3).flat_map(|kind| wires(3).map(move |pair| (kind, pair))) {
            for second in (0..3).flat_map(|kind| wires(4).map(move |pair| (kind, pair))) {
                for third in (0..3).flat_map(|kind| wires(5).map(move |pair| (kind, pair))) {
                    for fourth in (0..3).flat_map(|kind| [(5, 3), (5, 4)].map(move |pair| (kind, pair))) {
                        run(&[first, second, third, fourth]);
                    }
                }
            }
        }
    }

    #[test]
    fn sums_with_a_common_term_cancel_it() {
        let mut builder = Builder::new();
        let bits = builder.input(port("x", 3));
        let (ab, bc, ac) =
            (builder.xor(bits[0], bits[1]), builder.xor(bits[1], bits[2]), builder.xor(bits[0], bits[2]));
        assert_eq!(builder.xor(ab, bc), ac);
        let abc = builder.xor(ab, bits[2]);
        assert_eq!(builder.xor(abc, bits[1]), ac);
    }
}
