//! Division by a fixed integer: Barrett's method with a reciprocal from Newton's iteration, so that everything large
//! is a product (Brent and Zimmermann, Modern Computer Arithmetic, sections 2.4.1 and 3.4.1).

use num_bigint::BigUint;
use zeroize::{Zeroize, ZeroizeOnDrop};

use super::factor::Factor;
use super::limbs::{self, BITS};

/// Below this many limbs a reciprocal is made by num-bigint's division.
const NEWTON_LIMBS: usize = 24;

/// An integer that others are divided by, with its reciprocal.
///
/// With `k` limbs in the divisor `d` and `q` the most limbs of a quotient in one step, the reciprocal is
/// `floor(2^(64 (k + q)) / d)`. Longer integers are divided in several steps, from the top.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Divisor {
    value: Vec<u64>,
    step: usize,
    reciprocal: Factor,
    factor: Factor,
}

impl Divisor {
    /// A divisor, prepared for quotients of at most `step >= 1` limbs at a time.
    ///
    /// # Panics
    /// If the divisor is zero.
    pub fn new(value: &[u64], step: usize) -> Divisor {
        let value = limbs::trimmed(value).to_vec();
        assert!(!value.is_empty() && step > 0, "a divisor is not zero, and a step not empty");
        let reciprocal = reciprocal(&value, step);
        let reciprocal = Factor::new(&reciprocal, step + 1);
        let factor = Factor::new(&value, step + 1);
        Divisor { value, step, reciprocal, factor }
    }

    /// The divisor.
    pub fn value(&self) -> &[u64] {
        &self.value
    }

    /// `x mod d`, without leading zero limbs.
    pub fn remainder(&self, mut x: Vec<u64>) -> Vec<u64> {
        self.divide(&mut x, |_, _| {});
        x
    }

    /// `floor(x / d)` and `x mod d`, without leading zero limbs.
    pub fn quotient_and_remainder(&self, mut x: Vec<u64>) -> (Vec<u64>, Vec<u64>) {
        let mut quotient = vec![0; x.len().saturating_sub(self.value.len()) + 2];
        self.divide(&mut x, |at, part| {
            limbs::add_assign(&mut quotient[at..], part);
        });
        quotient.truncate(limbs::trimmed(&quotient).len());
        (quotient, x)
    }

    /// Leaves the remainder in `x`; the quotient is the sum of the parts reported, each at a limb position.
    fn divide(&self, x: &mut Vec<u64>, mut report: impl FnMut(usize, &[u64])) {
        let most = self.value.len() + self.step;
        loop {
            trim(x);
            let at = x.len().saturating_sub(most);
            let quotient = self.step_quotient(&x[at..]);
            let multiple = self.factor.times(&quotient);
            let borrow = limbs::sub_assign(&mut x[at..], limbs::trimmed(&multiple));
            debug_assert!(!borrow, "the quotient is never too large");
            report(at, &quotient);
            while limbs::compare(&x[at..], &self.value).is_ge() {
                limbs::sub_assign(&mut x[at..], &self.value);
                report(at, &[1]);
            }
            if at == 0 {
                break;
            }
        }
        trim(x);
    }

    /// The quotient of `x < 2^(64 (k + q))`, or up to 2 less: `floor(floor(x / 2^(64 (k - 1))) r / 2^(64 (q + 1)))`.
    fn step_quotient(&self, x: &[u64]) -> Vec<u64> {
        let k = self.value.len();
        let top = x.get(k - 1..).unwrap_or(&[]);
        let mut product = self.reciprocal.times(top);
        let cut = (self.step + 1).min(product.len());
        product.drain(..cut);
        trim(&mut product);
        product
    }
}

/// Reduces integers much longer than a fixed modulus: cut into blocks as long as the modulus, each block times its
/// power of two modulo the modulus, and one division at the end. A product per block instead of a division.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct LongDivisor {
    divisor: Divisor,
    /// Limbs of a block.
    block: usize,
    /// `2^(64 block i) mod modulus` for `i = 1, 2, ..`.
    powers: Vec<Factor>,
}

impl LongDivisor {
    /// For integers of at most `length` limbs.
    pub fn new(modulus: &[u64], length: usize) -> LongDivisor {
        let modulus = limbs::trimmed(modulus);
        let block = modulus.len();
        // Two more limbs: what `folded` gives divides in one step.
        let divisor = Divisor::new(modulus, block + 2);
        let count = length.div_ceil(block).saturating_sub(1);
        let mut power = vec![1];
        let powers = (0..count)
            .map(|_| {
                power = divisor.remainder([vec![0; block], power.clone()].concat());
                Factor::new(&power, block)
            })
            .collect();
        LongDivisor { divisor, block, powers }
    }

    /// An integer congruent to `x`, of at most one limb more than twice the modulus.
    pub fn folded(&self, x: &[u64]) -> Vec<u64> {
        debug_assert!(
            x.len() <= self.block * (self.powers.len() + 1),
            "the powers reach up to the top block"
        );
        let (low, high) = x.split_at(self.block.min(x.len()));
        let terms: Vec<_> = self.powers.iter().zip(high.chunks(self.block)).collect();
        let mut sum = Factor::sum_of_products(&terms);
        sum.resize(2 * self.block + 1, 0);
        limbs::add_assign(&mut sum, low);
        sum
    }

    /// `x mod d` of any `x`, most cheaply of one from [`Self::folded`].
    pub fn remainder(&self, x: Vec<u64>) -> Vec<u64> {
        self.divisor.remainder(x)
    }
}

fn trim(x: &mut Vec<u64>) {
    x.truncate(limbs::trimmed(x).len());
}

/// `floor(2^(64 (k + q)) / d)` for a divisor of `k` limbs without leading zeros.
fn reciprocal(divisor: &[u64], q: usize) -> Vec<u64> {
    let k = divisor.len();
    if k.min(q) < NEWTON_LIMBS {
        return exact_quotient(k + q, divisor);
    }
    // The top q + 2 limbs decide the quotient to within two units: its relative precision is 2^(-64 (q + 1)).
    let n = q + 2;
    let shift = divisor[k - 1].leading_zeros() as usize;
    let mut normal = vec![0; n];
    let taken = k.min(n);
    let shifted = limbs::shifted_left(divisor, shift);
    normal[n - taken..].copy_from_slice(&shifted[k - taken..k]);
    // 2^(64 (k + q)) / d = 2^shift 2^(64 (n + q)) / normal = 2^shift inverse / 2^128.
    let inverse = normal_inverse(&normal);
    let mut quotient = limbs::shifted_right(&inverse, 2 * BITS - shift);
    correct(&mut quotient, divisor, k + q);
    quotient
}

/// `floor(2^(64 position) / divisor)` by plain division.
fn exact_quotient(position: usize, divisor: &[u64]) -> Vec<u64> {
    limbs::limbs_of(&((BigUint::from(1_u8) << (position * BITS)) / limbs::integer(divisor)))
}

/// `2^(128 n) / d` to within a few units, for `d` of `n` limbs with its top bit set.
fn normal_inverse(d: &[u64]) -> Vec<u64> {
    let n = d.len();
    if n < NEWTON_LIMBS {
        return exact_quotient(2 * n, d);
    }
    // The inverse of the top half, precise to h - 1 limbs, then one step: x + x (1 - d x).
    let h = n / 2 + 2;
    let half = normal_inverse(&d[n - h..]);
    let product = limbs::product(d, &half);
    let (error, above) = distance(&product, n + h);
    let change = limbs::product(&error, &half);
    let change = limbs::trimmed(change.get(2 * h..).unwrap_or(&[]));
    let mut inverse = vec![0; n - h];
    inverse.extend(&half);
    inverse.push(0);
    if above {
        limbs::sub_assign(&mut inverse, change);
    } else {
        limbs::add_assign(&mut inverse, change);
    }
    trim(&mut inverse);
    inverse
}

/// `|x - 2^(64 position)|`, and whether `x` is the larger one.
fn distance(x: &[u64], position: usize) -> (Vec<u64>, bool) {
    let mut power = vec![0; position + 1];
    power[position] = 1;
    let above = limbs::compare(x, &power).is_gt();
    let (large, small) = if above { (x, &power[..]) } else { (&power[..], x) };
    let mut difference = large.to_vec();
    limbs::sub_assign(&mut difference, limbs::trimmed(small));
    trim(&mut difference);
    (difference, above)
}

/// Makes an estimate of `floor(2^(64 position) / divisor)` exact.
fn correct(quotient: &mut Vec<u64>, divisor: &[u64], position: usize) {
    quotient.push(0);
    let (mut rest, mut above) = distance(&limbs::product(quotient, divisor), position);
    while above {
        limbs::sub_assign(quotient, &[1]);
        if limbs::compare(&rest, divisor).is_gt() {
            limbs::sub_assign(&mut rest, divisor);
        } else {
            let mut left = divisor.to_vec();
            limbs::sub_assign(&mut left, limbs::trimmed(&rest));
            (rest, above) = (left, false);
        }
    }
    while limbs::compare(&rest, divisor).is_ge() {
        limbs::add_assign(quotient, &[1]);
        limbs::sub_assign(&mut rest, divisor);
    }
    trim(quotient);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;

    fn limb() -> impl Strategy<Value = u64> {
        prop_oneof![Just(0), Just(u64::MAX), any::<u64>()]
    }

    proptest! {
        #[test]
        fn quotients_and_remainders_agree_with_num_bigint(
            divisor in vec(limb(), 1..90), top in 1_u64.., x in vec(limb(), 0..300), step in 1_usize..120, near in 0_u32..3,
        ) {
            let divisor = [divisor, vec![top]].concat();
            let prepared = Divisor::new(&divisor, step);
            let divisor = limbs::integer(&divisor);
            // Also integers next to a multiple.
            let close = limbs::integer(&x) / &divisor * &divisor + near;
            let close = if close.bits() > 1 { close - 1_u8 } else { close };
            for x in [limbs::integer(&x), close] {
                let (quotient, remainder) = prepared.quotient_and_remainder(limbs::limbs_of(&x));
                prop_assert_eq!(limbs::integer(&quotient), &x / &divisor);
                prop_assert_eq!(limbs::integer(&remainder), &x % &divisor);
            }
        }

        #[test]
        fn long_remainders_agree_with_num_bigint(modulus in vec(limb(), 1..60), x in vec(limb(), 0..600)) {
            let modulus = limbs::limbs_of(&(limbs::integer(&modulus) + 2_u8));
            let long = LongDivisor::new(&modulus, 600);
            let remainder = long.remainder(long.folded(&x));
            prop_assert_eq!(limbs::integer(&remainder), limbs::integer(&x) % limbs::integer(&modulus));
        }

        #[test]
        fn reciprocals_are_exact(divisor in vec(limb(), 20..200), top in 1_u64.., q in 1_usize..220) {
            let divisor = [divisor, vec![top]].concat();
            let expected = exact_quotient(divisor.len() + q, &divisor);
            prop_assert_eq!(reciprocal(&divisor, q), expected);
        }
    }
}
