//! From limbs to residues, and from residues modulo the three primes back to limbs.
//!
//! A digit is a whole limb. A coefficient of a product is below the product of the primes, about 2^150, and so
//! reaches over three limbs.

use super::lanes::{Kernel, LANES, Lanes, Row, splat_factor};
use super::prime::{Factor, Field, PRIME, PRIME_INVERSE, PRIMES, Prime};

/// Limbs modulo a prime: representatives below `2p` of the polynomial with these coefficients, with zeros behind.
pub(crate) struct Residues<'r> {
    pub(crate) prime: Prime,
    pub(crate) limbs: &'r [u64],
    /// Limbs that are added to these: none, or as many.
    pub(crate) plus: &'r [u64],
    pub(crate) rows: &'r mut [Row],
    pub(crate) onto: Onto,
}

/// What becomes of the rows that residues are written onto.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Onto {
    /// They are replaced, with zeros behind the limbs.
    Replace,
    /// The residues are added.
    Add,
    /// Twice the residues are subtracted.
    SubtractTwice,
}

impl Kernel for Residues<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Lanes>(self, s: S) {
        debug_assert!(self.plus.is_empty() || self.plus.len() == self.limbs.len());
        let f = self.prime.field(s);
        let (chunks, last) = padded(self.limbs);
        let (others, last_other) = padded(self.plus);
        let (filled, behind) = self.rows.split_at_mut(self.limbs.len().div_ceil(LANES));
        for (at, (row, limbs)) in filled.iter_mut().zip(chunks.iter().chain([&last])).enumerate() {
            let mut x = residue(s, &f, limbs);
            if !self.plus.is_empty() {
                let y = residue(s, &f, others.get(at).unwrap_or(&last_other));
                x = s.below(s.add(x, y), f.p2);
            }
            let x = match self.onto {
                Onto::Replace => x,
                Onto::Add => s.below(s.add(s.load(row), x), f.p2),
                Onto::SubtractTwice => {
                    let once = s.below(s.sub(s.add(s.load(row), f.p2), x), f.p2);
                    s.below(s.sub(s.add(once, f.p2), x), f.p2)
                }
            };
            s.store(row, x);
        }
        if self.onto == Onto::Replace {
            behind.fill(Row::ZERO);
        }
    }
}

/// Whole rows of limbs, and the limbs behind them with zeros.
fn padded(limbs: &[u64]) -> (&[[u64; LANES]], [u64; LANES]) {
    let (chunks, tail) = limbs.as_chunks::<LANES>();
    let mut last = [0; LANES];
    last[..tail.len()].copy_from_slice(tail);
    (chunks, last)
}

/// Limbs modulo the prime, below `2p`: `2^50` is the complement modulo `p`, and what exceeds 50 bits is short.
#[inline(always)]
fn residue<S: Lanes>(s: S, f: &Field<S::V>, limbs: &[u64; LANES]) -> S::V {
    let x = s.load_limbs(limbs);
    s.add_low(s.and(x, f.mask_50), s.shift_right::<50>(x), f.complement)
}

/// The integer whose digits' residues, divided by a factor, are given: Garner's mixed-radix form, then carries.
pub(crate) struct Limbs<'r> {
    /// For each prime the rows of representatives below `4p`.
    pub(crate) rows: [&'r [Row]; PRIMES],
    /// For each prime what to multiply with.
    pub(crate) scale: [u64; PRIMES],
    /// Filled from the least significant limb.
    pub(crate) out: &'r mut [u64],
}

impl Limbs<'_> {
    /// For each prime `q` the scaling and, for the later primes, the inverses of the earlier ones modulo `q`.
    fn factors<S: Lanes>(&self) -> [[Factor; PRIMES]; PRIMES] {
        [0, 1, 2].map(|i| {
            let q = PRIME[i];
            [self.scale[i], PRIME_INVERSE[i][0], PRIME_INVERSE[i][1]].map(|x| S::factor(x, q.p))
        })
    }
}

impl Kernel for Limbs<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Lanes>(self, s: S) {
        let [f1, f2, f3] = [PRIME[0].field(s), PRIME[1].field(s), PRIME[2].field(s)];
        let factors = self.factors::<S>();
        let [scale_1, scale_2, scale_3] =
            [splat_factor(s, factors[0][0]), splat_factor(s, factors[1][0]), splat_factor(s, factors[2][0])];
        let one_in_two = splat_factor(s, factors[1][1]);
        let one_in_three = splat_factor(s, factors[2][1]);
        let two_in_three = splat_factor(s, factors[2][2]);
        let [rows_1, rows_2, rows_3] = self.rows;
        let mut carries = Carries { limb: 0, middle: 0, high: 0 };
        let rows = rows_1.iter().zip(rows_2).zip(rows_3);
        for (out, ((x1, x2), x3)) in self.out.chunks_mut(LANES).zip(rows) {
            let v1 = s.below(s.multiply(s.load(x1), scale_1, &f1), f1.p);
            let x2 = s.multiply(s.load(x2), scale_2, &f2);
            let x3 = s.multiply(s.load(x3), scale_3, &f3);
            let v2 = s.multiply(s.sub(s.add(x2, f2.p2), v1), one_in_two, &f2);
            let v2 = s.below(v2, f2.p);
            let w3 = s.multiply(s.sub(s.add(x3, f3.p2), v1), one_in_three, &f3);
            let v3 = s.multiply(s.sub(s.add(w3, f3.p2), v2), two_in_three, &f3);
            let v3 = s.below(v3, f3.p);
            // v1 + p1 (v2 + p2 v3), in digits of 52 bits.
            let w0 = s.add_low(v2, f2.p, v3);
            let w1 = s.add_high(s.shift_right::<52>(w0), f2.p, v3);
            let w0 = s.and(w0, f1.mask_52);
            let d0 = s.add_low(v1, f1.p, w0);
            let d1 = s.add_low(s.add_high(s.shift_right::<52>(d0), f1.p, w0), f1.p, w1);
            let d2 = s.add_high(s.shift_right::<52>(d1), f1.p, w1);
            let d0 = s.and(d0, f1.mask_52);
            let d1 = s.and(d1, f1.mask_52);
            let mut digits = [Row::ZERO; 3];
            s.store(&mut digits[0], s.or(d0, s.shift_left::<52>(d1)));
            s.store(&mut digits[1], s.or(s.shift_right::<12>(d1), s.shift_left::<40>(d2)));
            s.store(&mut digits[2], s.shift_right::<24>(d2));
            carries.add(&digits, out);
        }
        debug_assert_eq!((carries.limb, carries.middle, carries.high), (0, 0, 0), "the product fits");
    }
}

/// What the limbs so far leave for those behind.
struct Carries {
    limb: u64,
    /// The second and third limb of the last coefficient, the latter with the third of the one before.
    middle: u64,
    high: u64,
}

impl Carries {
    /// The next eight limbs, or fewer at the end.
    #[inline(always)]
    fn add(&mut self, digits: &[Row; 3], out: &mut [u64]) {
        let [low, middle, high] = digits;
        for (((out, low), middle), high) in out.iter_mut().zip(low.0).zip(middle.0).zip(high.0) {
            let sum = u128::from(low) + u128::from(self.middle) + u128::from(self.limb);
            *out = sum as u64;
            self.limb = (sum >> 64) as u64;
            let next = u128::from(middle) + u128::from(self.high);
            self.middle = next as u64;
            self.high = high + (next >> 64) as u64;
        }
    }
}
