//! Powers modulo odd integers, eight at a time: one modulus or one base in each lane of a vector.
//!
//! Integers are rows of 52-bit digits, the digits of one place of all eight side by side. Products are Montgomery's
//! (Math. Comp. 1985), column by column, on representatives below `4p`: with `R = 2^(52 n) >= 16 p` a product of two of
//! those is below `2p` again, so nothing is ever compared or subtracted, and a product may be doubled on its way out.
//!
//! Machines without AVX-512 use num-bigint's powers.

use num_bigint::BigUint;

use super::limbs::{self, BITS};
use super::ntt::{self, Instructions, Kernel, LANES, Lanes, Row};

/// Bits of a digit.
const DIGIT: usize = 52;

/// `2^52 - 1`.
const MASK: u64 = (1 << DIGIT) - 1;

/// `2^exponent mod modulus` for every pair, in `[0, modulus)`.
///
/// # Panics
/// If a modulus is even or below 2.
pub fn powers_of_two(instructions: Instructions, pairs: &[(BigUint, BigUint); LANES]) -> [BigUint; LANES] {
    if instructions != Instructions::Avx512 {
        return pairs.each_ref().map(|(modulus, exponent)| BigUint::from(2_u8).modpow(exponent, modulus));
    }
    let moduli = pairs.each_ref().map(|(modulus, _)| modulus);
    let exponents = pairs.each_ref().map(|(_, exponent)| limbs::limbs_of(exponent));
    let lanes = Moduli::new(moduli);
    lanes.finish(ntt::run(instructions, PowersOfTwo { lanes: &lanes, exponents: &exponents }))
}

/// `base^exponent mod modulus` for every base, in `[0, modulus)`.
///
/// # Panics
/// If the modulus is even or below 2, or a base is not below it.
pub fn powers(
    instructions: Instructions,
    bases: &[BigUint; LANES],
    exponent: &BigUint,
    modulus: &BigUint,
) -> [BigUint; LANES] {
    if instructions != Instructions::Avx512 {
        return bases.each_ref().map(|base| base.modpow(exponent, modulus));
    }
    let lanes = Moduli::new([modulus; LANES]);
    let bases = lanes.enter(bases);
    let exponent = limbs::limbs_of(exponent);
    lanes.finish(ntt::run(instructions, Powers { lanes: &lanes, bases: &bases, exponent: &exponent }))
}

/// A modulus in each lane.
struct Moduli {
    moduli: [BigUint; LANES],
    /// The digits of the moduli; `n` of them.
    digits: Vec<Row>,
    /// `-1 / modulus mod 2^52`.
    inverse: Row,
    /// `R mod modulus`.
    one: Vec<Row>,
}

impl Moduli {
    fn new(moduli: [&BigUint; LANES]) -> Moduli {
        assert!(moduli.iter().all(|p| p.bit(0) && p.bits() > 1), "Montgomery's moduli are odd and above 1");
        let bits = moduli.iter().map(|p| p.bits()).max().unwrap_or(0) as usize;
        let n = (bits + 4).div_ceil(DIGIT);
        let moduli = moduli.map(Clone::clone);
        let inverse = Row(moduli.each_ref().map(|p| negated_inverse(limbs::limbs_of(p)[0])));
        let one = moduli.each_ref().map(|p| (BigUint::from(1_u8) << (DIGIT * n)) % p);
        Moduli { digits: digits(&moduli, n), inverse, one: digits(&one, n), moduli }
    }

    fn n(&self) -> usize {
        self.digits.len()
    }

    /// `x R mod modulus` in digits.
    fn enter(&self, integers: &[BigUint; LANES]) -> Vec<Row> {
        let shifted: Vec<BigUint> =
            integers.iter().zip(&self.moduli).map(|(x, p)| (x << (DIGIT * self.n())) % p).collect();
        digits(&std::array::from_fn(|lane| shifted[lane].clone()), self.n())
    }

    /// `x / R mod modulus` of what a kernel returns, which has one product with 1 behind it.
    fn finish(&self, rows: Vec<Row>) -> [BigUint; LANES] {
        std::array::from_fn(|lane| {
            let mut value = vec![0; (rows.len() * DIGIT).div_ceil(BITS) + 1];
            for (place, row) in rows.iter().enumerate() {
                let (limb, shift) = (place * DIGIT / BITS, place * DIGIT % BITS);
                let digit = u128::from(row.0[lane]) << shift;
                value[limb] |= digit as u64;
                value[limb + 1] |= (digit >> BITS) as u64;
            }
            limbs::integer(&value) % &self.moduli[lane]
        })
    }
}

/// `-1 / x mod 2^52` of an odd word, by Newton's iteration.
fn negated_inverse(x: u64) -> u64 {
    // Three bits are right at first, then 6, 12, 24, 48, 96.
    let inverse = (0..5).fold(x, |y, _| y.wrapping_mul(2_u64.wrapping_sub(x.wrapping_mul(y))));
    inverse.wrapping_neg() & MASK
}

/// The digits of eight integers.
fn digits(integers: &[BigUint; LANES], n: usize) -> Vec<Row> {
    let limbs: Vec<Vec<u64>> = integers.iter().map(limbs::limbs_of).collect();
    let digit = |lane: usize, place: usize| {
        let (at, shift) = (place * DIGIT / BITS, place * DIGIT % BITS);
        let limb = |at: usize| u128::from(limbs[lane].get(at).copied().unwrap_or(0));
        ((limb(at + 1) << BITS | limb(at)) >> shift) as u64 & MASK
    };
    (0..n).map(|place| Row(std::array::from_fn(|lane| digit(lane, place)))).collect()
}

/// Sums of one column of a product in three chains, to keep the vector unit busy, and those that carry into the next
/// column.
#[derive(Clone, Copy)]
struct Column<V> {
    low: [V; 3],
    high: [V; 3],
}

/// The state of a product: what it needs besides its factors.
struct Multiplier<'a, S: Lanes> {
    s: S,
    digits: &'a [Row],
    inverse: S::V,
    mask: S::V,
    zero: S::V,
    /// The multiples of the modulus, `n` digits.
    multiples: Vec<Row>,
}

impl<'a, S: Lanes> Multiplier<'a, S> {
    #[inline(always)]
    fn new(s: S, lanes: &'a Moduli) -> Self {
        let (mask, zero) = (s.splat(MASK), s.splat(0));
        let multiples = vec![Row::ZERO; lanes.n()];
        Multiplier { s, digits: &lanes.digits, inverse: s.load(&lanes.inverse), mask, zero, multiples }
    }

    #[inline(always)]
    fn empty(&self) -> Column<S::V> {
        Column { low: [self.zero; 3], high: [self.zero; 3] }
    }

    #[inline(always)]
    fn pair(&self, sum: &mut Column<S::V>, chain: usize, a: &Row, b: &Row) {
        let (a, b) = (self.s.load(a), self.s.load(b));
        sum.low[chain] = self.s.add_low(sum.low[chain], a, b);
        sum.high[chain] = self.s.add_high(sum.high[chain], a, b);
    }

    /// The digits `from..=to` of `a` with those of `b` that lie `place` away, and the same of the multiples and the
    /// modulus. Fewer than 2^11 pairs, so that no sum passes `2^64`.
    #[inline(always)]
    fn column(&self, sum: &mut Column<S::V>, a: &[Row], b: &[Row], place: usize, from: usize, to: usize) {
        let first = a[from..to].iter().zip(b[place + 1 - to..=place - from].iter().rev());
        let multiples = self.multiples[from..to].iter();
        let second = multiples.zip(self.digits[place + 1 - to..=place - from].iter().rev());
        for ((a, b), (q, m)) in first.zip(second) {
            self.pair(sum, 0, a, b);
            self.pair(sum, 1, q, m);
        }
    }

    /// [`Self::column`] of a square: the pairs `(i, place - i)` and `(place - i, i)` of `a` are one, taken twice.
    #[inline(always)]
    fn square_column(&self, sum: &mut Column<S::V>, a: &[Row], place: usize, from: usize, to: usize) {
        let half = (to - from) / 2;
        let (lower, upper) = (from..from + half, place + 1 - from - half..place + 1 - from);
        let a_pairs = a[lower.clone()].iter().zip(a[upper.clone()].iter().rev());
        let (q, m) = (&self.multiples, self.digits);
        let below = q[lower.clone()].iter().zip(m[upper.clone()].iter().rev());
        let above = q[upper].iter().rev().zip(&m[lower]);
        for (((a, b), (q0, m0)), (q1, m1)) in a_pairs.zip(below).zip(above) {
            self.pair(sum, 0, a, b);
            self.pair(sum, 1, q0, m0);
            self.pair(sum, 2, q1, m1);
        }
        sum.low[0] = self.s.add(sum.low[0], sum.low[0]);
        sum.high[0] = self.s.add(sum.high[0], sum.high[0]);
        if (to - from) % 2 == 1 {
            let middle = from + half;
            self.pair(sum, 0, &a[middle], &a[middle]);
            self.pair(sum, 1, &q[middle], &m[middle]);
        }
    }

    /// `a b / R` into `out`, times 2 in the lanes where `double` is all ones. No `b`: the square of `a`.
    #[inline(always)]
    fn multiply(&mut self, out: &mut [Row], a: &[Row], b: Option<&[Row]>, double: S::V) {
        let (s, n) = (self.s, self.digits.len());
        let mut carry = self.zero;
        let mut before = [self.zero; 3];
        for place in 0..2 * n - 1 {
            let (from, to) = (place.saturating_sub(n - 1), n.min(place + 1));
            let mut sum = self.empty();
            sum.low = before;
            // The multiple of this place is not known yet; as a zero it changes nothing.
            if place < n {
                self.multiples[place] = Row::ZERO;
            }
            match b {
                Some(b) => self.column(&mut sum, a, b, place, from, to),
                None => {
                    // What the last column carried is not to be doubled.
                    let carried = std::mem::replace(&mut sum.low, [self.zero; 3]);
                    self.square_column(&mut sum, a, place, from, to);
                    for (low, carried) in sum.low.iter_mut().zip(carried) {
                        *low = s.add(*low, carried);
                    }
                }
            }
            before = sum.high;
            let (low, high) = self.split(&sum.low);
            if place < n {
                let low = s.add(low, carry);
                let multiple = s.and(s.add_low(self.zero, s.and(low, self.mask), self.inverse), self.mask);
                s.store(&mut self.multiples[place], multiple);
                let m = s.load(&self.digits[0]);
                before[2] = s.add_high(before[2], multiple, m);
                let cleared = s.add_low(low, multiple, m);
                carry = s.add(high, s.shift_right::<{ DIGIT as u32 }>(cleared));
                if place == n - 1 {
                    carry = s.add(carry, s.and(carry, double));
                }
            } else {
                carry = self.emit(&mut out[place - n], (low, high), carry, double);
            }
        }
        self.emit(&mut out[n - 1], self.split(&before), carry, double);
    }

    /// The sums as `low + 2^52 high` with a `low` of few more than 52 bits.
    #[inline(always)]
    fn split(&self, sums: &[S::V; 3]) -> (S::V, S::V) {
        let s = self.s;
        let (mut low, mut high) = (self.zero, self.zero);
        // No closures in here: they would be compiled without the vector instructions.
        for sum in sums {
            low = s.add(low, s.and(*sum, self.mask));
            high = s.add(high, s.shift_right::<{ DIGIT as u32 }>(*sum));
        }
        (low, high)
    }

    /// Writes a digit of the result, doubled where asked; returns the carry, which already is.
    #[inline(always)]
    fn emit(&self, out: &mut Row, (low, high): (S::V, S::V), carry: S::V, double: S::V) -> S::V {
        let s = self.s;
        let low = s.add(s.add(low, s.and(low, double)), carry);
        let high = s.add(high, s.and(high, double));
        s.store(out, s.and(low, self.mask));
        s.add(high, s.shift_right::<{ DIGIT as u32 }>(low))
    }
}

/// The digits of 1, times which a product leaves Montgomery's form.
fn unit(n: usize) -> Vec<Row> {
    let mut unit = vec![Row::ZERO; n];
    unit[0] = Row([1; LANES]);
    unit
}

struct PowersOfTwo<'a> {
    lanes: &'a Moduli,
    exponents: &'a [Vec<u64>; LANES],
}

impl Kernel for PowersOfTwo<'_> {
    type Output = Vec<Row>;

    #[inline(always)]
    fn run<S: Lanes>(self, s: S) -> Vec<Row> {
        let mut multiplier = Multiplier::new(s, self.lanes);
        let (mut power, mut next) = (self.lanes.one.clone(), self.lanes.one.clone());
        let bits = self.exponents.iter().map(|exponent| limbs::bit_length(exponent)).max().unwrap_or(0);
        for bit in (0..bits).rev() {
            let doubled = std::array::from_fn(|lane| {
                let limb = self.exponents[lane].get(bit / BITS).copied().unwrap_or(0);
                (limb >> (bit % BITS) & 1).wrapping_neg()
            });
            multiplier.multiply(&mut next, &power, None, s.load_limbs(&doubled));
            std::mem::swap(&mut power, &mut next);
        }
        multiplier.multiply(&mut next, &power, Some(&unit(power.len())), s.splat(0));
        next
    }
}

struct Powers<'a> {
    lanes: &'a Moduli,
    /// In Montgomery's form.
    bases: &'a [Row],
    exponent: &'a [u64],
}

impl Kernel for Powers<'_> {
    type Output = Vec<Row>;

    #[inline(always)]
    fn run<S: Lanes>(self, s: S) -> Vec<Row> {
        /// Bits of the exponent for each product with a power from the table.
        const WINDOW: usize = 4;
        let (mut multiplier, never) = (Multiplier::new(s, self.lanes), s.splat(0));
        let mut table = vec![self.lanes.one.clone()];
        for index in 1..1 << WINDOW {
            let mut next = self.lanes.one.clone();
            multiplier.multiply(&mut next, &table[index - 1], Some(self.bases), never);
            table.push(next);
        }
        let (mut power, mut next) = (self.lanes.one.clone(), self.lanes.one.clone());
        for window in (0..self.exponent.len() * BITS / WINDOW).rev() {
            for _ in 0..WINDOW {
                multiplier.multiply(&mut next, &power, None, never);
                std::mem::swap(&mut power, &mut next);
            }
            let at = window * WINDOW;
            let index = self.exponent[at / BITS] >> (at % BITS) & ((1 << WINDOW) - 1);
            multiplier.multiply(&mut next, &power, Some(&table[index as usize]), never);
            std::mem::swap(&mut power, &mut next);
        }
        multiplier.multiply(&mut next, &power, Some(&unit(power.len())), never);
        next
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arith::random::{random_below, random_bits};
    use proptest::prelude::*;
    use rand_chacha::ChaCha20Rng;
    use rand_core::SeedableRng;

    proptest! {
        #[test]
        fn powers_agree_with_num_bigint(seed: u64, bits in 2_usize..700, exponent_bits in 0_usize..300, ones: bool) {
            let mut rng = ChaCha20Rng::seed_from_u64(seed);
            let mut modulus = || match ones {
                true => (BigUint::from(1_u8) << bits) - 1_u8,
                false => random_bits(&mut rng, bits) | BigUint::from(3_u8),
            };
            let moduli: [BigUint; LANES] = std::array::from_fn(|_| modulus());
            let pairs = moduli.clone().map(|modulus| (modulus, random_bits(&mut rng, exponent_bits)));
            let two = BigUint::from(2_u8);
            let expected = pairs.each_ref().map(|(modulus, exponent)| two.modpow(exponent, modulus));
            prop_assert_eq!(powers_of_two(Instructions::best(), &pairs), expected);
            let (modulus, exponent) = &pairs[0];
            let bases = std::array::from_fn(|_| random_below(&mut rng, modulus));
            let expected = bases.each_ref().map(|base| base.modpow(exponent, modulus));
            prop_assert_eq!(powers(Instructions::best(), &bases, exponent, modulus), expected);
        }
    }
}
