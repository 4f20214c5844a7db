//! Which wires are the same sum of inputs and products: however sums are grouped, equal ones are found.
//!
//! Every input and every product gets a fixed random word of 128 bits, a sum the XOR of the words of its terms. Wires with
//! equal words are probably equal; [`Forms::is_sum`] makes sure, gate by gate, so that nothing is left to chance (nor to
//! somebody who knows the words).

use std::collections::{BinaryHeap, HashMap};

use crate::opt::readers::number;
use ffhec_circuit::{Circuit, Gate, Wire, splitmix64};

/// A value: the wire that was the first to have it, perhaps complemented, or a constant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Lit {
    pub(super) wire: u32,
    pub(super) flip: bool,
}

impl Lit {
    /// The constant 0.
    pub(super) const ZERO: Lit = Lit { wire: u32::MAX, flip: false };

    pub(super) fn is_constant(self) -> bool {
        self.wire == Lit::ZERO.wire
    }

    /// The complement if `flip` is set.
    pub(super) fn flip(self, flip: bool) -> Lit {
        Lit { wire: self.wire, flip: self.flip != flip }
    }
}

/// A sum as a word and a constant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sum {
    word: u128,
    flip: bool,
}

impl Sum {
    pub(super) fn plus(self, other: Sum) -> Sum {
        Sum { word: self.word ^ other.word, flip: self.flip != other.flip }
    }

    pub(super) fn is_constant(self) -> bool {
        self.word == 0
    }
}

/// How many gates a proof that two sums are equal may look at.
const STEPS: usize = 1 << 12;

/// The sums of all wires.
pub(super) struct Forms<'a> {
    circuit: &'a Circuit,
    sums: Vec<Sum>,
    first: HashMap<u128, u32>,
    lits: Vec<Lit>,
}

impl<'a> Forms<'a> {
    pub(super) fn of(circuit: &'a Circuit) -> Self {
        let count = circuit.gates.len();
        let mut forms = Forms {
            circuit,
            sums: Vec::with_capacity(count),
            first: HashMap::with_capacity(count),
            lits: Vec::with_capacity(count),
        };
        (0..count).for_each(|index| forms.enter(index));
        forms
    }

    fn enter(&mut self, index: usize) {
        let number = number(index);
        let own = Sum { word: word(number), flip: false };
        let sum = match self.circuit.gates[index] {
            Gate::Constant(flip) => Sum { word: 0, flip },
            Gate::Input(_) | Gate::And(..) | Gate::Refresh(_) => own,
            Gate::Not(a) => {
                let sum = self.sum(a);
                self.sums.push(Sum { flip: !sum.flip, ..sum });
                self.lits.push(self.lit(a).flip(true));
                return;
            }
            Gate::Xor(a, b) => self.sum(a).plus(self.sum(b)),
        };
        let known = self.look_up(sum).filter(|known| {
            let is_plain = matches!(self.circuit.gates[index], Gate::Constant(_));
            is_plain || self.is_sum(&[*known], &[Wire::new(index)])
        });
        let (sum, lit) = match known {
            Some(lit) => (sum, lit),
            None => {
                // New, or not known to be the same as another.
                let sum = if sum.is_constant() || self.first.contains_key(&sum.word) { own } else { sum };
                self.first.insert(sum.word, number);
                (sum, Lit { wire: number, flip: false })
            }
        };
        self.sums.push(sum);
        self.lits.push(lit);
    }

    /// The value of `wire`.
    pub(super) fn lit(&self, wire: Wire) -> Lit {
        self.lits[wire.index()]
    }

    pub(super) fn sum(&self, wire: Wire) -> Sum {
        self.sums[wire.index()]
    }

    /// The value that probably is `sum`, if some wire has it.
    pub(super) fn look_up(&self, sum: Sum) -> Option<Lit> {
        if sum.is_constant() {
            return Some(Lit::ZERO.flip(sum.flip));
        }
        let wire = *self.first.get(&sum.word)?;
        Some(Lit { wire, flip: sum.flip != self.sums[wire as usize].flip })
    }

    /// Whether the sum of `lits` certainly is that of `wires`. Sums that look far down are not seen to be.
    pub(super) fn is_sum(&self, lits: &[Lit], wires: &[Wire]) -> bool {
        let mut flip = lits.iter().fold(false, |flip, lit| flip != lit.flip);
        let plain = lits.iter().filter(|lit| !lit.is_constant());
        let mut open: BinaryHeap<Wire> =
            plain.map(|lit| Wire::new(lit.wire as usize)).chain(wires.iter().copied()).collect();
        for _ in 0..STEPS {
            let Some(wire) = open.pop() else { return !flip };
            if open.peek() == Some(&wire) {
                open.pop();
                continue;
            }
            match self.circuit.gate(wire) {
                Gate::Constant(bit) => flip ^= bit,
                Gate::Not(a) => {
                    flip = !flip;
                    open.push(a);
                }
                Gate::Xor(a, b) => open.extend([a, b]),
                Gate::Input(_) | Gate::And(..) | Gate::Refresh(_) => return false,
            }
        }
        false
    }
}

/// The word of wire `number` (two steps of splitmix64).
fn word(number: u32) -> u128 {
    let mut state = u64::from(number) << 32;
    let mut half = || u128::from(splitmix64(&mut state));
    half() << 64 | half()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::opt::testing::circuit;

    #[test]
    fn sums_are_equal_however_they_are_grouped() {
        let gates = "
            %4 = and %0 %1
            %5 = xor %4 %2
            %6 = xor %5 %3
            %7 = not %2
            %8 = xor %7 %3
            %9 = xor %8 %4
            %10 = xor %6 %9";
        let circuit = circuit(4, gates, "%6 %9 %10");
        let forms = Forms::of(&circuit);
        let of = |wire: usize| forms.lit(Wire::new(wire));
        assert_eq!(of(9), of(6).flip(true));
        assert_eq!(of(7), of(2).flip(true));
        assert_eq!(of(10), Lit::ZERO.flip(true));
        assert_ne!(of(5), of(8));
    }

    #[test]
    fn no_sum_is_taken_for_another() {
        let circuit = circuit(3, "%3 = xor %0 %1\n%4 = xor %3 %2", "%4");
        let forms = Forms::of(&circuit);
        let lit = |wire: u32| Lit { wire, flip: false };
        let wire = Wire::new;
        assert!(forms.is_sum(&[lit(4), lit(0)], &[wire(1), wire(2)]));
        assert!(!forms.is_sum(&[lit(4), lit(0).flip(true)], &[wire(1), wire(2)]));
        assert!(!forms.is_sum(&[lit(4)], &[wire(1), wire(2)]));
    }
}
