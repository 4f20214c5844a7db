//! Wires and gates. A gate is 12 bytes, whatever it is; everything else known about a wire lives in side tables.

/// The output of one gate: an index into [`crate::Circuit::gates`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Wire(u32);

impl Wire {
    /// The wire driven by gate number `index`.
    ///
    /// # Panics
    /// If `index` does not fit 32 bits; circuits are limited to that many gates long before.
    #[inline]
    pub fn new(index: usize) -> Self {
        Wire(u32::try_from(index).expect("bounded: the gate limit keeps indices below 2^32"))
    }

    /// The number of the gate that drives this wire.
    #[inline]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// One gate. Operands always come before their uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Gate {
    /// A public bit, the same in every slot.
    Constant(bool),
    /// Input bit number `.0`, counted over all input ports in order.
    Input(u32),
    /// Complement: ciphertext plus one.
    Not(Wire),
    /// Exclusive or: ciphertext addition.
    Xor(Wire, Wire),
    /// And: ciphertext multiplication.
    And(Wire, Wire),
    /// The same bit with the noise of a fresh bootstrap.
    Refresh(Wire),
}

impl Gate {
    /// The wires this gate reads, in order.
    #[inline]
    pub fn operands(self) -> Operands {
        let (wires, end) = match self {
            Gate::Constant(_) | Gate::Input(_) => ([Wire(0); 2], 0),
            Gate::Not(a) | Gate::Refresh(a) => ([a; 2], 1),
            Gate::Xor(a, b) | Gate::And(a, b) => ([a, b], 2),
        };
        Operands { wires, at: 0, end }
    }

    /// The same gate over other wires.
    #[inline]
    pub fn map(self, mut wire: impl FnMut(Wire) -> Wire) -> Gate {
        match self {
            Gate::Constant(_) | Gate::Input(_) => self,
            Gate::Not(a) => Gate::Not(wire(a)),
            Gate::Refresh(a) => Gate::Refresh(wire(a)),
            Gate::Xor(a, b) => Gate::Xor(wire(a), wire(b)),
            Gate::And(a, b) => Gate::And(wire(a), wire(b)),
        }
    }
}

/// The operands of a gate: see [`Gate::operands`].
#[derive(Clone, Debug)]
pub struct Operands {
    wires: [Wire; 2],
    at: u8,
    end: u8,
}

impl Iterator for Operands {
    type Item = Wire;

    #[inline]
    fn next(&mut self) -> Option<Wire> {
        if self.at == self.end {
            return None;
        }
        let wire = self.wires[usize::from(self.at & 1)];
        self.at += 1;
        Some(wire)
    }

    #[inline]
    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = usize::from(self.end - self.at);
        (left, Some(left))
    }
}

impl ExactSizeIterator for Operands {}
