//! Words of wires, least significant first, and the arithmetic on them that everything else is made of.
//!
//! AND gates are refreshes, and refreshes are the running time, so every circuit here is chosen for the fewest ANDs;
//! XOR and NOT are free. One AND per bit: adders (majority as `((a ^ c) & (b ^ c)) ^ c`), comparators, selections.
//! Constants among the operands simplify by themselves in the [`Builder`].
//!
//! Under the other objectives adders, comparators and trees are shallow instead ([`super::prefix`]).

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use ffhec_circuit::{Builder, Gate, Wire};
use num_bigint::{BigInt, BigUint};

use super::codec::wrap;
use super::format::FloatFormat;
use super::objective::Objective;
use super::prefix::{all_prefixes, carries, carry_out, half_sums};

/// A word: wires, least significant first.
pub type Bits = Vec<Wire>;

/// The builder that gadgets write to, with the gate limit that long loops watch.
#[derive(Debug)]
pub struct Gates<'a> {
    builder: &'a mut Builder,
    limit: usize,
    /// Exceptions raised so far, if anybody watches.
    pub(super) raised: Option<super::flags::Flags>,
    objective: Objective,
    /// AND-depth of the first wires; the others are looked up when they are asked for.
    depths: Vec<u32>,
    facts: Facts,
}

/// What is known of an operation from the ranges of its operands.
#[derive(Clone, Copy, Debug, Default)]
pub struct Facts {
    /// The result does not overflow.
    pub no_overflow: bool,
    /// The result is neither zero nor below the smallest normal, nor is it before rounding.
    pub no_underflow: bool,
    /// A format with fewer special values that gives the same result.
    pub format: Option<FloatFormat>,
}

impl<'a> Gates<'a> {
    /// Gates go to `builder`; once it holds more than `limit`, loops whose length grows with exponents or operand
    /// counts stop early with a meaningless result, and [`Gates::full`] says so.
    pub fn new(builder: &'a mut Builder, limit: usize) -> Self {
        Gates {
            builder,
            limit,
            facts: Facts::default(),
            raised: None,
            objective: Objective::FewestAnds,
            depths: Vec::new(),
        }
    }

    /// The same, built for `objective`.
    pub fn built_for(mut self, objective: Objective) -> Self {
        self.objective = objective;
        self
    }

    /// The same, where the first wires are there at these AND-depths.
    pub(crate) fn arriving(mut self, depths: Vec<u32>) -> Self {
        self.depths = depths;
        self
    }

    /// From now on the exceptions that rounding meets are kept for [`Gates::take_raised`].
    pub fn watch(&mut self) {
        self.raised = Some(super::flags::Flags::none(self));
    }

    /// The operation that comes now is one of which this is known.
    pub fn learn(&mut self, facts: Facts) {
        self.facts = facts;
    }

    /// What is known of the operation.
    pub fn facts(&self) -> Facts {
        self.facts
    }

    /// What the gates are built for.
    pub fn objective(&self) -> Objective {
        self.objective
    }

    /// Whether chains of carries are to be avoided.
    pub fn shallow(&self) -> bool {
        self.objective.is_shallow()
    }

    /// The longest chain of ANDs up to a wire.
    pub fn depth(&mut self, wire: Wire) -> u32 {
        while self.depths.len() <= wire.index() {
            let gate = self.builder.gate(Wire::new(self.depths.len()));
            let below = gate.operands().map(|operand| self.depths[operand.index()]).max().unwrap_or(0);
            self.depths.push(below + u32::from(matches!(gate, Gate::And(..))));
        }
        self.depths[wire.index()]
    }

    /// Whether there are more gates than the limit.
    pub fn full(&self) -> bool {
        self.builder.len() > self.limit
    }

    /// The builder.
    pub fn builder(&mut self) -> &mut Builder {
        self.builder
    }

    /// A public bit.
    pub fn bit(&mut self, bit: bool) -> Wire {
        self.builder.constant(bit)
    }

    /// The value of a constant wire.
    pub fn known(&self, wire: Wire) -> Option<bool> {
        self.builder.as_constant(wire)
    }

    /// The value of a word of constant wires.
    pub fn known_word(&self, word: &[Wire]) -> Option<BigUint> {
        let mut value = BigUint::ZERO;
        for (index, &wire) in word.iter().enumerate() {
            value.set_bit(index as u64, self.known(wire)?);
        }
        Some(value)
    }

    /// Complement.
    pub fn not(&mut self, a: Wire) -> Wire {
        self.builder.not(a)
    }

    /// Exclusive or.
    pub fn xor(&mut self, a: Wire, b: Wire) -> Wire {
        self.builder.xor(a, b)
    }

    /// And.
    pub fn and(&mut self, a: Wire, b: Wire) -> Wire {
        self.builder.and(a, b)
    }

    /// `a & !b`.
    pub fn and_not(&mut self, a: Wire, b: Wire) -> Wire {
        let b = self.not(b);
        self.and(a, b)
    }

    /// Or.
    pub fn or(&mut self, a: Wire, b: Wire) -> Wire {
        self.builder.or(a, b)
    }

    /// `if choice { yes } else { no }`.
    pub fn mux(&mut self, choice: Wire, yes: Wire, no: Wire) -> Wire {
        self.builder.mux(choice, yes, no)
    }

    /// The majority of three: one AND.
    pub fn majority(&mut self, a: Wire, b: Wire, c: Wire) -> Wire {
        let (left, right) = (self.xor(a, c), self.xor(b, c));
        let both = self.and(left, right);
        self.xor(both, c)
    }

    /// Whether any bit is set.
    pub fn any(&mut self, word: &[Wire]) -> Wire {
        self.tree(word, false, Gates::or)
    }

    /// Whether all bits are set.
    pub fn all(&mut self, word: &[Wire]) -> Wire {
        self.tree(word, true, Gates::and)
    }

    fn tree(&mut self, word: &[Wire], empty: bool, join: fn(&mut Self, Wire, Wire) -> Wire) -> Wire {
        match word {
            [_, _, ..] if self.shallow() => self.earliest_first(word, join),
            [] => self.bit(empty),
            [only] => *only,
            _ => {
                let (low, high) = word.split_at(word.len() / 2);
                let (low, high) = (self.tree(low, empty, join), self.tree(high, empty, join));
                join(self, low, high)
            }
        }
    }

    /// Joins the two shallowest wires until one is left (Golumbic, "Combinatorial merging", 1976).
    fn earliest_first(&mut self, word: &[Wire], join: fn(&mut Self, Wire, Wire) -> Wire) -> Wire {
        let mut queue: BinaryHeap<_> = word.iter().map(|&wire| Reverse((self.depth(wire), wire))).collect();
        while let (Some(Reverse((_, first))), Some(second)) = (queue.pop(), queue.pop()) {
            let Reverse((_, second)) = second;
            let joined = join(self, first, second);
            if queue.is_empty() {
                return joined;
            }
            queue.push(Reverse((self.depth(joined), joined)));
        }
        word[0]
    }

    /// The lowest `width` bits of a public integer, two's complement.
    pub fn constant(&mut self, value: &BigInt, width: usize) -> Bits {
        let bits = wrap(value, u32::try_from(width).expect("bounded: widths are far below 2^32"));
        (0..width as u64).map(|index| self.bit(bits.bit(index))).collect()
    }

    /// `width` zeros.
    pub fn zeros(&mut self, width: usize) -> Bits {
        vec![self.bit(false); width]
    }

    /// Zero-extended or cut to `width` bits.
    pub fn resize(&mut self, word: &[Wire], width: usize) -> Bits {
        let mut word = word.to_vec();
        let zero = self.bit(false);
        word.resize(width, zero);
        word
    }

    /// Sign-extended or cut to `width` bits.
    pub fn resize_signed(&mut self, word: &[Wire], width: usize) -> Bits {
        let sign = word.last().copied();
        let mut word = word.to_vec();
        let fill = match sign {
            Some(sign) => sign,
            None => self.bit(false),
        };
        word.resize(width, fill);
        word
    }

    /// Every bit flipped if `flip`.
    pub fn xor_each(&mut self, word: &[Wire], flip: Wire) -> Bits {
        word.iter().map(|&bit| self.xor(bit, flip)).collect()
    }

    /// Every bit kept only if `keep`.
    pub fn and_each(&mut self, word: &[Wire], keep: Wire) -> Bits {
        word.iter().map(|&bit| self.and(bit, keep)).collect()
    }

    /// One of two words of one width.
    pub fn select(&mut self, choice: Wire, yes: &[Wire], no: &[Wire]) -> Bits {
        debug_assert_eq!(yes.len(), no.len(), "both sides have one width");
        yes.iter().zip(no).map(|(&yes, &no)| self.mux(choice, yes, no)).collect()
    }

    /// `(first, second)`, exchanged if `swap`, for one AND per pair of bits.
    pub fn exchange(&mut self, swap: Wire, first: &[Wire], second: &[Wire]) -> (Bits, Bits) {
        debug_assert_eq!(first.len(), second.len(), "both words have one width");
        let pairs = first.iter().zip(second).map(|(&a, &b)| {
            let differ = self.xor(a, b);
            let change = self.and(swap, differ);
            (self.xor(a, change), self.xor(b, change))
        });
        pairs.unzip()
    }

    /// `a + b + carry` of one width, and the carry out.
    pub fn add(&mut self, a: &[Wire], b: &[Wire], carry: Wire) -> (Bits, Wire) {
        debug_assert_eq!(a.len(), b.len(), "both summands have one width");
        if self.shallow() {
            return self.add_by_prefix(a, b, carry);
        }
        let mut carry = carry;
        let mut sum = Vec::with_capacity(a.len());
        for (&x, &y) in a.iter().zip(b) {
            let half = self.xor(x, y);
            sum.push(self.xor(half, carry));
            carry = self.majority(x, y, carry);
        }
        (sum, carry)
    }

    fn add_by_prefix(&mut self, a: &[Wire], b: &[Wire], carry: Wire) -> (Bits, Wire) {
        let (generate, propagate) = half_sums(self, a, b);
        let carries = carries(self, &generate, &propagate, carry);
        let sum = propagate.iter().zip(&carries).map(|(&half, &carry)| self.xor(half, carry)).collect();
        (sum, carries[a.len()])
    }

    /// `a + b`, wrapping.
    pub fn sum(&mut self, a: &[Wire], b: &[Wire]) -> Bits {
        let zero = self.bit(false);
        self.add(a, b, zero).0
    }

    /// `a - b` of one width, and whether `a < b` (both unsigned).
    pub fn sub(&mut self, a: &[Wire], b: &[Wire]) -> (Bits, Wire) {
        let one = self.bit(true);
        let complement = self.xor_each(b, one);
        let (difference, carry) = self.add(a, &complement, one);
        (difference, self.not(carry))
    }

    /// `a < b`, unsigned.
    pub fn less(&mut self, a: &[Wire], b: &[Wire]) -> Wire {
        if self.shallow() {
            let one = self.bit(true);
            return self.less_if(a, b, one);
        }
        self.sub(a, b).1
    }

    /// `a < b` where `condition` is set. In shallow circuits the condition is one more place of the comparison, so
    /// that one that arrives early takes no level of its own.
    pub fn less_if(&mut self, a: &[Wire], b: &[Wire], condition: Wire) -> Wire {
        if !self.shallow() {
            let less = self.less(a, b);
            return self.and(less, condition);
        }
        let flipped: Bits = a.iter().map(|&wire| self.not(wire)).collect();
        let (mut below, mut equal) = half_sums(self, &flipped, b);
        let zero = self.bit(false);
        if self.known(condition) != Some(true) {
            below.push(zero);
            equal.push(condition);
        }
        carry_out(self, &below, &equal, zero)
    }

    /// `a < b`, two's complement: the top bits count the other way.
    pub fn less_signed(&mut self, a: &[Wire], b: &[Wire]) -> Wire {
        let flip = |gates: &mut Self, word: &[Wire]| {
            let mut word = word.to_vec();
            if let Some(top) = word.last_mut() {
                *top = gates.not(*top);
            }
            word
        };
        let (a, b) = (flip(self, a), flip(self, b));
        self.less(&a, &b)
    }

    /// `a == b`.
    pub fn equal(&mut self, a: &[Wire], b: &[Wire]) -> Wire {
        debug_assert_eq!(a.len(), b.len(), "both words have one width");
        let same: Bits = a
            .iter()
            .zip(b)
            .map(|(&x, &y)| {
                let differ = self.xor(x, y);
                self.not(differ)
            })
            .collect();
        self.all(&same)
    }

    /// `a + carry`, and the carry out.
    pub fn increment(&mut self, a: &[Wire], carry: Wire) -> (Bits, Wire) {
        if self.shallow() {
            let word: Bits = [carry].into_iter().chain(a.iter().copied()).collect();
            let carries = all_prefixes(self, &word);
            return (a.iter().zip(&carries).map(|(&x, &c)| self.xor(x, c)).collect(), carries[a.len()]);
        }
        let mut carry = carry;
        let mut sum = Vec::with_capacity(a.len());
        for &x in a {
            sum.push(self.xor(x, carry));
            carry = self.and(x, carry);
        }
        (sum, carry)
    }

    /// `-a` if `negate`, wrapping, and the carry out: set if `negate` and `a` is zero.
    pub fn negate_if(&mut self, a: &[Wire], negate: Wire) -> (Bits, Wire) {
        let flipped = self.xor_each(a, negate);
        self.increment(&flipped, negate)
    }

    /// `word + value` for a public integer, wrapping.
    pub fn add_constant(&mut self, word: &[Wire], value: i64) -> Bits {
        let constant = self.constant(&value.into(), word.len());
        self.sum(word, &constant)
    }
}
