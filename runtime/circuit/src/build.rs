//! The hash-consing builder: equal gates are made once, constants and complements are folded as gates are added.

use std::collections::HashMap;

use crate::{Circuit, Gate, Port, Wire};

/// Builds a [`Circuit`] gate by gate. The same calls give the same circuit, byte for byte.
#[derive(Clone, Debug, Default)]
pub struct Builder {
    circuit: Circuit,
    known: HashMap<Gate, Wire>,
    origin: u32,
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

impl Builder {
    /// A builder with no gates.
    pub fn new() -> Self {
        Self::default()
    }

    /// A builder with no gates that knows the source functions of `circuit`, to rebuild it gate by gate.
    pub fn with_functions_of(circuit: &Circuit) -> Self {
        Builder {
            circuit: Circuit { functions: circuit.functions.clone(), ..Circuit::default() },
            ..Self::default()
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

    /// The finished circuit.
    pub fn finish(self) -> Circuit {
        self.circuit
    }

    /// Number of gates so far, for limits.
    pub fn len(&self) -> usize {
        self.circuit.gates.len()
    }

    /// Whether there are no gates yet.
    pub fn is_empty(&self) -> bool {
        self.circuit.gates.is_empty()
    }

    /// The value of a wire that is constant.
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
    fn cancel(&self, sum: Wire, part: Wire) -> Option<Wire> {
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

    /// What `x & y` is, if the gates directly below say so. Never makes a second AND or a deeper one.
    fn rewrite_product(&self, x: Wire, y: Wire) -> Option<Product> {
        if let Some((p, q)) = self.terms(x) {
            return if y == p {
                Some(Product::SelfPlus(y, q)) // y (y ^ q) = y ^ yq
            } else if y == q {
                Some(Product::SelfPlus(y, p))
            } else {
                None
            };
        }
        let (p, q) = self.factors(x)?;
        if y == p || y == q {
            return Some(Product::Is(x)); // pq p = pq
        }
        if let Some((r, s)) = self.terms(y) {
            return match ([p, q].contains(&r), [p, q].contains(&s)) {
                (true, true) => Some(Product::Zero),            // pq (p ^ q) = 0
                (true, false) => Some(Product::SelfPlus(x, s)), // pq (p ^ s) = pq ^ pqs
                (false, true) => Some(Product::SelfPlus(x, r)),
                (false, false) => None,
            };
        }
        let (r, s) = self.factors(y)?;
        let excludes = |sum: Wire| self.terms(sum) == Some((p, q)) || self.terms(sum) == Some((q, p));
        if excludes(r) || excludes(s) {
            Some(Product::Zero) // pq & (p ^ q) s = 0
        } else if [p, q].contains(&r) {
            Some(Product::Of(x, s)) // pq & ps = pq & s
        } else if [p, q].contains(&s) {
            Some(Product::Of(x, r))
        } else {
            None
        }
    }

    fn terms(&self, wire: Wire) -> Option<(Wire, Wire)> {
        match self.circuit.gate(wire) {
            Gate::Xor(x, y) => Some((x, y)),
            Gate::Constant(_) | Gate::Input(_) | Gate::Not(_) | Gate::And(..) | Gate::Refresh(_) => None,
        }
    }

    fn factors(&self, wire: Wire) -> Option<(Wire, Wire)> {
        match self.circuit.gate(wire) {
            Gate::And(x, y) => Some((x, y)),
            Gate::Constant(_) | Gate::Input(_) | Gate::Not(_) | Gate::Xor(..) | Gate::Refresh(_) => None,
        }
    }

    fn strip(&self, wire: Wire) -> (Wire, bool) {
        match self.circuit.gate(wire) {
            Gate::Not(inner) => (inner, true),
            Gate::Constant(_) | Gate::Input(_) | Gate::Xor(..) | Gate::And(..) | Gate::Refresh(_) => {
                (wire, false)
            }
        }
    }

    fn not_if(&mut self, wire: Wire, flip: bool) -> Wire {
        if flip { self.not(wire) } else { wire }
    }

    fn push(&mut self, gate: Gate) -> Wire {
        if let Some(&wire) = self.known.get(&gate) {
            return wire;
        }
        let wire = Wire::new(self.circuit.gates.len());
        self.circuit.gates.push(gate);
        self.circuit.origins.push(self.origin);
        self.known.insert(gate, wire);
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
