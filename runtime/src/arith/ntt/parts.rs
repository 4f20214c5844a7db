//! From a polynomial to its residues modulo the parts of a [`Length`], and back.

use super::lanes::{Kernel, Lanes, Row};
use super::length::Length;
use super::prime::Prime;

/// Writes the residues modulo all parts after the first into `rest`, from the polynomial modulo `y^m - 1` where `m`
/// is the first part. Representatives stay below `2p`.
pub(crate) fn split<S: Lanes>(s: S, prime: Prime, first: &[Row], rest: &mut [Row], parts: &[usize]) {
    descend::<S, false>(s, prime, first, rest, parts);
}

/// The Chinese remainder theorem: from the residues modulo the parts, next to each other, to the polynomial modulo
/// their product. Representatives stay below `2p`.
///
/// With `c = r` modulo `y^m + 1` and `c = r'` modulo the product of the other parts, `c = r + (y^m + 1) h` with
/// `h = (r' - r) / 2` modulo that product.
pub(crate) fn join<S: Lanes>(s: S, prime: Prime, rows: &mut [Row], length: &Length) {
    let parts = length.parts();
    let mut at = 0;
    for (i, part) in parts.iter().enumerate() {
        let (first, rest) = rows[at..].split_at_mut(*part);
        descend::<S, true>(s, prime, first, rest, &parts[i + 1..]);
        at += part;
    }
    for part in parts.iter().rev() {
        at -= part;
        let (first, rest) = rows[at..].split_at_mut(*part);
        let first = &mut first[..rest.len()];
        s.run(AddRows { prime, into: first, rows: rest });
    }
}

/// The polynomial modulo `y^n - 1` for smaller and smaller `n`: its halves' difference is the residue modulo
/// `y^(n/2) + 1`, their sum that modulo `y^(n/2) - 1`. Each residue is written into `rest`, or with `HALVE` what
/// stands there becomes half the difference to it.
fn descend<S: Lanes, const HALVE: bool>(
    s: S,
    prime: Prime,
    first: &[Row],
    rest: &mut [Row],
    parts: &[usize],
) {
    let Some(next) = parts.first() else { return };
    let (start, others) = first.split_at(2 * next);
    let mut folded = start.to_vec();
    add_chunks(s, prime, &mut folded, others);
    let mut rest = rest;
    for (i, part) in parts.iter().enumerate() {
        let (residue, others) = rest.split_at_mut(*part);
        rest = others;
        let (low, high) = folded[..2 * part].split_at_mut(*part);
        s.run(Halves::<HALVE> { prime, low, high, residue });
        if let Some(next) = parts.get(i + 1) {
            let (kept, others) = folded[..*part].split_at_mut(2 * next);
            add_chunks(s, prime, kept, others);
        }
    }
}

/// `into += rows` modulo `y^n - 1`, where `n` is the length of `into` and divides that of `rows`.
fn add_chunks<S: Lanes>(s: S, prime: Prime, into: &mut [Row], rows: &[Row]) {
    for rows in rows.chunks_exact(into.len()) {
        s.run(AddRows { prime, into, rows });
    }
}

/// `into += rows`.
struct AddRows<'r> {
    prime: Prime,
    into: &'r mut [Row],
    rows: &'r [Row],
}

impl Kernel for AddRows<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Lanes>(self, s: S) {
        let f = self.prime.field(s);
        for (into, row) in self.into.iter_mut().zip(self.rows) {
            let sum = s.below(s.add(s.load(into), s.load(row)), f.p2);
            s.store(into, sum);
        }
    }
}

/// The difference of two halves, and their sum in place of the lower one.
struct Halves<'r, const HALVE: bool> {
    prime: Prime,
    low: &'r mut [Row],
    high: &'r mut [Row],
    residue: &'r mut [Row],
}

impl<const HALVE: bool> Kernel for Halves<'_, HALVE> {
    type Output = ();

    #[inline(always)]
    fn run<S: Lanes>(self, s: S) {
        let f = self.prime.field(s);
        let one = s.splat(1);
        for ((low, high), residue) in self.low.iter_mut().zip(self.high).zip(self.residue) {
            let (x, y) = (s.load(low), s.load(high));
            s.store(low, s.below(s.add(x, y), f.p2));
            let mut difference = s.below(s.sub(s.add(x, f.p2), y), f.p2);
            if HALVE {
                // Below 4p, then even after adding p to the odd ones, then below 2p + 1 <= 2p after halving.
                let doubled = s.sub(s.add(s.load(residue), f.p2), difference);
                let odd = s.sub(s.splat(0), s.and(doubled, one));
                let even = s.add(doubled, s.and(odd, f.p));
                difference = s.below(s.shift_right::<1>(even), f.p2);
            }
            s.store(residue, difference);
        }
    }
}

/// Multiplies by `2^doublings < p`; representatives below `2p`.
pub(crate) struct Double<'r> {
    pub(crate) prime: Prime,
    pub(crate) rows: &'r mut [Row],
    pub(crate) doublings: u32,
}

impl Kernel for Double<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Lanes>(self, s: S) {
        let f = self.prime.field(s);
        let factor = S::factor(1 << self.doublings, self.prime.p);
        let factor = super::lanes::splat_factor(s, factor);
        for row in self.rows {
            let x = s.multiply(s.load(row), factor, &f);
            s.store(row, x);
        }
    }
}
