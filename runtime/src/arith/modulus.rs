//! Arithmetic modulo the public modulus `x_0`, in one of two forms. Residues are slices of a fixed number of limbs
//! with at least [`Modulus::HEADROOM`] spare bits, so that sums need not be reduced each time; a product is reduced
//! once.

use thiserror::Error;

use super::limbs::{self, BITS};
use super::ntt::{self, Instructions, Length, Pair};
use super::operand::{Constant, Form, Transformed};
use crate::scheme::params::ModulusKind;

/// A public modulus, with what its reduction needs precomputed.
#[derive(Clone, PartialEq, Eq)]
pub struct Modulus {
    /// `x_0`, without leading zero limbs.
    value: Vec<u64>,
    /// Bits of `x_0`.
    bits: usize,
    /// Limbs of a residue.
    width: usize,
    reduction: Reduction,
    instructions: Instructions,
    /// The length of the transforms of a product, where transforms pay.
    length: Option<Length>,
}

#[derive(Clone, PartialEq, Eq)]
enum Reduction {
    /// `x_0 = 2^bits - delta`.
    Fold {
        /// `2^bits mod x_0`.
        delta: Vec<u64>,
        /// `2^(64 k) mod x_0`, where `k` is the number of limbs of `x_0`: folds at a limb boundary.
        aligned: Constant,
    },
    /// Barrett's precomputed `floor(2^(128 width) / x_0)`.
    Barrett {
        /// The reciprocal.
        reciprocal: Constant,
        /// `x_0`.
        value: Constant,
    },
}

/// An integer that is no public modulus of its parameter set.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ModulusError {
    /// Wrong size.
    #[error("the public modulus has {found} bits; its parameter set needs exactly {expected}")]
    Size {
        /// Bits expected.
        expected: usize,
        /// Bits found.
        found: usize,
    },
    /// Even.
    #[error("the public modulus is even; it must be odd")]
    Even,
    /// The folding form has a large difference to the power of two.
    #[error(
        "the public modulus differs from a power of two by {found} bits; the folding form allows {allowed}"
    )]
    Delta {
        /// Bits allowed.
        allowed: usize,
        /// Bits found.
        found: usize,
    },
}

impl Modulus {
    /// Spare bits of a residue: up to `2^HEADROOM` residues may be summed before reducing.
    pub const HEADROOM: u32 = 16;

    /// A modulus of exactly `bits` bits for residues of `width` limbs.
    ///
    /// # Errors
    /// If `value` has not exactly `bits` bits, is even, or is to be folded but not close to `2^bits`.
    ///
    /// # Panics
    /// If `width` limbs leave less than the headroom.
    pub fn new(value: &[u64], bits: usize, width: usize, kind: ModulusKind) -> Result<Modulus, ModulusError> {
        Self::with_instructions(Instructions::best(), value, bits, width, kind)
    }

    /// [`Self::new`] for given instructions; the results are the same with all of them.
    ///
    /// # Errors
    /// As [`Self::new`].
    ///
    /// # Panics
    /// As [`Self::new`].
    pub fn with_instructions(
        instructions: Instructions,
        value: &[u64],
        bits: usize,
        width: usize,
        kind: ModulusKind,
    ) -> Result<Modulus, ModulusError> {
        assert!(
            width * BITS >= bits + Self::HEADROOM as usize,
            "{width} limbs leave no headroom over {bits} bits"
        );
        let value = limbs::trimmed(value).to_vec();
        let found = limbs::bit_length(&value);
        if found != bits {
            return Err(ModulusError::Size { expected: bits, found });
        }
        if value.first().is_none_or(|low| low & 1 == 0) {
            return Err(ModulusError::Even);
        }
        let reduction = match kind {
            ModulusKind::Fold => fold_constants(&value, bits, width)?,
            ModulusKind::Paper => {
                let power = num_bigint::BigUint::from(1_u8) << (2 * width * BITS);
                let reciprocal = limbs::limbs_of(&(power / limbs::integer(&value)));
                Reduction::Barrett {
                    reciprocal: Constant::new(reciprocal, &[width + 2]),
                    value: Constant::new(value.clone(), &[width + 2]),
                }
            }
        };
        let transforms = width >= instructions.crossover() && width <= ntt::MOST_LIMBS;
        let length = transforms.then(|| ntt::length_for(2 * width + 1));
        Ok(Modulus { value, bits, width, reduction, instructions, length })
    }

    /// Limbs of a residue.
    pub fn width(&self) -> usize {
        self.width
    }

    /// `x_0` in limbs.
    pub fn value(&self) -> &[u64] {
        &self.value
    }

    /// `a + b mod x_0`, in `[0, x_0)`, for `a` and `b` of at most as many bits as `x_0`.
    pub fn add(&self, a: &[u64], b: &[u64]) -> Vec<u64> {
        let mut sum = a.to_vec();
        limbs::add_assign(&mut sum, b);
        self.subtract_multiples(&mut sum);
        sum
    }

    /// `a - b mod x_0`, for `a, b < x_0`.
    pub fn sub(&self, a: &[u64], b: &[u64]) -> Vec<u64> {
        let mut difference = a.to_vec();
        if limbs::sub_assign(&mut difference, b) {
            limbs::add_assign(&mut difference, &self.value);
        }
        difference
    }

    /// `a b mod x_0`, in `[0, x_0)`; `a` and `b` may be sums within the headroom.
    pub fn mul(&self, a: &[u64], b: &[u64]) -> Vec<u64> {
        self.reduce(limbs::product_with(self.instructions, limbs::trimmed(a), limbs::trimmed(b)))
    }

    /// `a^2 mod x_0`, in `[0, x_0)`; `a` may be a sum within the headroom.
    pub fn square(&self, a: &[u64]) -> Vec<u64> {
        self.mul(a, a)
    }

    /// `x`, of the width of a residue, ready for several products. It may be a sum within the headroom.
    ///
    /// # Panics
    /// If `x` has more limbs than a residue.
    pub fn transform(&self, x: &[u64]) -> Transformed {
        assert!(x.len() <= self.width, "{} limbs for residues of {}", x.len(), self.width);
        Transformed::new(self.instructions, x, self.length.as_ref())
    }

    /// `a b mod x_0`, in `[0, x_0)`.
    pub fn mul_transformed(&self, a: &Transformed, b: &Transformed) -> Vec<u64> {
        self.sum_of_products(&[(a, b)], &[])
    }

    /// How much `sum over the terms of a.weight() * b.weight()` may be for one inverse transform. A longer sum takes
    /// several; a single term must stay within.
    pub fn product_headroom(&self) -> u64 {
        ntt::CAPACITY / self.width as u64
    }

    /// `sum of a b over the terms + sum of the addends, mod x_0`, in `[0, x_0)`: one inverse transform for as many
    /// terms as [`Self::product_headroom`] allows, and one reduction. The addends may be sums within the headroom.
    ///
    /// # Panics
    /// If a single term exceeds the headroom, or there are more than `2^32` terms and addends.
    pub fn sum_of_products(&self, terms: &[(&Transformed, &Transformed)], addends: &[&[u64]]) -> Vec<u64> {
        let length = terms.len() + addends.len();
        assert!(length <= 1 << 32, "{length} terms and addends in one sum");
        let mut sum = vec![0; 2 * self.width + 2];
        let mut rest = terms;
        while !rest.is_empty() {
            let (group, behind) = rest.split_at(self.terms_at_once(rest));
            self.add_products(group, &mut sum);
            rest = behind;
        }
        for addend in addends {
            limbs::add_assign(&mut sum, addend);
        }
        self.reduce(sum)
    }

    /// How many of the first terms one inverse transform can sum.
    fn terms_at_once(&self, terms: &[(&Transformed, &Transformed)]) -> usize {
        let mut room = self.product_headroom();
        let fitting = terms.iter().take(ntt::MOST_TERMS).take_while(|(a, b)| {
            let left = room.checked_sub(a.weight.saturating_mul(b.weight));
            room = left.unwrap_or(0);
            left.is_some()
        });
        let count = fitting.count();
        assert!(count > 0, "a product of sums exceeds the headroom of {}", self.product_headroom());
        count
    }

    /// Adds the products; the terms fit one inverse transform.
    fn add_products(&self, terms: &[(&Transformed, &Transformed)], sum: &mut [u64]) {
        let mut spectra = Vec::with_capacity(terms.len());
        for (a, b) in terms {
            match (&a.form, &b.form) {
                (Form::Limbs(a), Form::Limbs(b)) => {
                    let product = limbs::product_with(self.instructions, a, b);
                    limbs::add_assign(sum, limbs::trimmed(&product));
                }
                (Form::Spectrum(a), Form::Spectrum(b)) => spectra.push((&**a, &**b)),
                (Form::Limbs(_), Form::Spectrum(_)) | (Form::Spectrum(_), Form::Limbs(_)) => {
                    unreachable!("operands of one modulus have one form")
                }
            }
        }
        if !spectra.is_empty() {
            let mut product = vec![0; 2 * self.width + 1];
            ntt::sum_of_products(self.instructions, &spectra, &mut product);
            limbs::add_assign(sum, &product);
        }
    }

    /// `sum of (a + b) (c + d) over the terms + sum of the addends, mod x_0`, in `[0, x_0)`, without computing the inner
    /// sums: as few inverse transforms as the headroom allows, and one reduction. The inner sums and the addends may
    /// be sums within the headroom; there are at most `2^16` terms and addends.
    pub(crate) fn sum_of_pairs(&self, terms: &[[Pair<'_>; 2]], addends: &[&[u64]]) -> Vec<u64> {
        /// Each product of pairs has up to four products of residues.
        const WEIGHT: u64 = 4;
        let length = terms.len() + addends.len();
        debug_assert!(length <= 1 << Self::HEADROOM, "{length} terms and addends in one sum");
        let mut sum = vec![0; 2 * self.width + 2];
        let together = (self.product_headroom() / WEIGHT) as usize;
        if self.length.is_none() || together == 0 {
            for [a, b] in terms {
                let [a, b] = [a, b].map(|pair| pair.sum());
                let product = limbs::product_with(self.instructions, limbs::trimmed(&a), limbs::trimmed(&b));
                limbs::add_assign(&mut sum, limbs::trimmed(&product));
            }
        } else {
            let mut product = Vec::new();
            for (number, terms) in terms.chunks(together).enumerate() {
                if number == 0 {
                    ntt::multiply_pairs(self.instructions, terms, &mut sum[..2 * self.width + 1]);
                } else {
                    product.resize(2 * self.width + 1, 0);
                    ntt::multiply_pairs(self.instructions, terms, &mut product);
                    limbs::add_assign(&mut sum, &product);
                }
            }
        }
        for addend in addends {
            limbs::add_assign(&mut sum, addend);
        }
        self.reduce(sum)
    }

    /// `x mod x_0`, in `[0, x_0)`, for `x` of any length. The cost grows with the bits that `x` has above `x_0`.
    pub fn reduce(&self, x: Vec<u64>) -> Vec<u64> {
        let mut x = match &self.reduction {
            Reduction::Fold { delta, aligned } => self.fold(x, delta, aligned),
            Reduction::Barrett { reciprocal, value } => self.barrett(x, reciprocal, value),
        };
        self.subtract_multiples(&mut x);
        x.resize(self.width, 0);
        x
    }

    /// Ends a reduction of an integer below a few `x_0`.
    fn subtract_multiples(&self, x: &mut [u64]) {
        while limbs::compare(x, &self.value).is_ge() {
            limbs::sub_assign(x, &self.value);
        }
    }

    /// `hi 2^bits + lo = lo + hi delta`, first at a limb boundary while `x` is long, then at the exact bit. The
    /// result is below `2 x_0`. Ends because `delta` has at most half the bits of `x_0`.
    fn fold(&self, mut x: Vec<u64>, delta: &[u64], aligned: &Constant) -> Vec<u64> {
        let boundary = self.value.len();
        loop {
            x.truncate(limbs::trimmed(&x).len());
            if x.len() <= boundary {
                break;
            }
            let (low, high) = x.split_at(boundary);
            let mut folded = aligned.product(self.instructions, high);
            if folded.len() > boundary {
                let carry = limbs::add_assign(&mut folded, low);
                folded.push(u64::from(carry));
                x = folded;
            } else {
                x.truncate(boundary);
                let carry = limbs::add_assign(&mut x, &folded);
                x.push(u64::from(carry));
            }
        }
        while limbs::bit_length(&x) > self.bits {
            let high = limbs::shifted_right(&x, self.bits);
            limbs::truncate_bits(&mut x, self.bits);
            let length = x.len().max(high.len() + delta.len()) + 1;
            x.resize(length, 0);
            limbs::add_product(&mut x, delta, &high);
        }
        x
    }

    /// Barrett reduction, from the top when `x` is too long for one step. The result is below `3 x_0`: with
    /// `k` limbs in `x_0` and `w = width`, the quotient estimate
    /// `floor(floor(x / 2^(64 (k-1))) reciprocal / 2^(64 (2w - k + 1)))` is at most 2 too small for `x < 2^(128 w)`.
    fn barrett(&self, mut x: Vec<u64>, reciprocal: &Constant, value: &Constant) -> Vec<u64> {
        x.truncate(limbs::trimmed(&x).len());
        let step = 2 * self.width;
        while x.len() > step {
            let reduced = self.reduce(x.split_off(x.len() - step));
            x.extend(reduced);
            x.truncate(limbs::trimmed(&x).len());
        }
        let k = self.value.len();
        if x.len() < k {
            return x;
        }
        let estimate = reciprocal.product(self.instructions, &x[k - 1..]);
        let quotient = limbs::trimmed(estimate.get(2 * self.width - k + 1..).unwrap_or(&[]));
        let multiple = value.product(self.instructions, quotient);
        limbs::sub_assign(&mut x, limbs::trimmed(&multiple));
        x
    }
}

fn fold_constants(value: &[u64], bits: usize, width: usize) -> Result<Reduction, ModulusError> {
    let power = |bits: usize| num_bigint::BigUint::from(1_u8) << bits;
    let delta = power(bits) - limbs::integer(value);
    let (found, allowed) = (delta.bits() as usize, bits / 2);
    if found > allowed {
        return Err(ModulusError::Delta { allowed, found });
    }
    let aligned = (&delta << (value.len() * BITS - bits)) % limbs::integer(value);
    let aligned = limbs::limbs_of(&aligned);
    // What a product has above x_0, and what the fold of that has.
    let lengths = [aligned.len() + 2, width + 2];
    Ok(Reduction::Fold { delta: limbs::limbs_of(&delta), aligned: Constant::new(aligned, &lengths) })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::arith::random::random_limbs;
    use num_bigint::BigUint;
    use proptest::collection::vec;
    use proptest::prelude::*;
    use rand_chacha::ChaCha20Rng;
    use rand_core::SeedableRng;

    const BITS_OF_X0: usize = 1_000;
    const WIDTH: usize = 16;

    fn modulus(kind: ModulusKind, noise: &[u64]) -> Modulus {
        let one = BigUint::from(1_u8);
        let value = match kind {
            ModulusKind::Fold => (&one << BITS_OF_X0) - (limbs::integer(&noise[..4]) | &one),
            ModulusKind::Paper => {
                (limbs::integer(noise) % (&one << (BITS_OF_X0 - 1))) | (&one << (BITS_OF_X0 - 1)) | &one
            }
        };
        Modulus::new(&limbs::limbs_of(&value), BITS_OF_X0, WIDTH, kind).unwrap()
    }

    fn limb() -> impl Strategy<Value = u64> {
        prop_oneof![Just(0), Just(u64::MAX), any::<u64>()]
    }

    proptest! {
        #[test]
        fn both_reductions_agree_with_division(
            noise in vec(limb(), WIDTH), x in vec(limb(), 0..3 * WIDTH), fold: bool, near in -3_i32..4, times in 0_u64..9,
        ) {
            let kind = if fold { ModulusKind::Fold } else { ModulusKind::Paper };
            let modulus = modulus(kind, &noise);
            let value = limbs::integer(modulus.value());
            let reduced = modulus.reduce(x.clone());
            prop_assert_eq!(reduced.len(), WIDTH);
            prop_assert_eq!(limbs::integer(&reduced), limbs::integer(&x) % &value);
            // Integers next to a multiple of the modulus.
            let close = &value * (&value * times + 1_u8) + (near + 3) as u32 - 3_u8;
            prop_assert_eq!(limbs::integer(&modulus.reduce(limbs::limbs_of(&close))), close % &value);
        }

        #[test]
        fn ring_operations_agree_with_division(
            noise in vec(limb(), WIDTH), a in vec(limb(), WIDTH), b in vec(limb(), WIDTH), fold: bool,
        ) {
            let kind = if fold { ModulusKind::Fold } else { ModulusKind::Paper };
            let modulus = modulus(kind, &noise);
            let value = limbs::integer(modulus.value());
            prop_assert_eq!(limbs::integer(&modulus.mul(&a, &b)), limbs::integer(&a) * limbs::integer(&b) % &value);
            let (a, b) = (modulus.reduce(a), modulus.reduce(b));
            let (x, y) = (limbs::integer(&a), limbs::integer(&b));
            prop_assert_eq!(limbs::integer(&modulus.add(&a, &b)), (&x + &y) % &value);
            prop_assert_eq!(limbs::integer(&modulus.sub(&a, &b)), (&x + &value - &y) % &value);
        }
    }

    /// A modulus large enough for transforms, which does not end at a limb boundary.
    fn large(instructions: Instructions, kind: ModulusKind, bits: usize) -> Modulus {
        let mut rng = ChaCha20Rng::from_seed([5; 32]);
        let one = BigUint::from(1_u8);
        let delta = random_limbs(&mut rng, bits / 15);
        let value = match kind {
            ModulusKind::Fold => (&one << bits) - (limbs::integer(&delta) | &one),
            ModulusKind::Paper => {
                limbs::integer(&random_limbs(&mut rng, bits - 1)) | (&one << (bits - 1)) | &one
            }
        };
        let value = limbs::limbs_of(&value);
        Modulus::with_instructions(instructions, &value, bits, (bits + 16) / BITS + 1, kind).unwrap()
    }

    #[test]
    fn large_ring_operations_agree_with_division() {
        let mut rng = ChaCha20Rng::from_seed([6; 32]);
        for bits in [8_010_usize, 30_700, 64_000, 90_001] {
            for kind in [ModulusKind::Fold, ModulusKind::Paper] {
                let with = [Instructions::Portable, Instructions::Avx2, Instructions::best()];
                let moduli = with.map(|with| large(with, kind, bits));
                let value = limbs::integer(moduli[0].value());
                let width = moduli[0].width();
                let ones = vec![u64::MAX; width];
                let mut draw = || random_limbs(&mut rng, width * BITS);
                let [a, b, c, d] = [draw(), ones, draw(), draw()];
                let [x, y, z, t] = [&a, &b, &c, &d].map(|limbs| limbs::integer(limbs));
                let long = [&a[..], &b, &c, &d, &a].concat();
                for modulus in moduli {
                    assert_eq!(limbs::integer(&modulus.mul(&a, &b)), &x * &y % &value);
                    assert_eq!(limbs::integer(&modulus.square(&b)), &y * &y % &value);
                    assert_eq!(limbs::integer(&modulus.reduce(long.clone())), limbs::integer(&long) % &value);
                    let [ta, tb, tc, td] = [&a, &b, &c, &d].map(|limbs| modulus.transform(limbs));
                    assert_eq!(limbs::integer(&modulus.mul_transformed(&ta, &td)), &x * &t % &value);
                    // The carry of a full adder.
                    let carry = modulus.sum_of_products(&[(&ta.plus(&tb), &ta.plus(&tc))], &[&a]);
                    assert_eq!(limbs::integer(&carry), ((&x + &y) * (&x + &z) + &x) % &value);
                    let pairs = [[Pair(&a, &b), Pair(&a, &c)], [Pair(&d, &[]), Pair(&b, &d)]];
                    let sum = modulus.sum_of_pairs(&pairs.repeat(200), &[&a, &c]);
                    let expected = ((&x + &y) * (&x + &z) + &t * (&y + &t)) * 200_u8 + &x + &z;
                    assert_eq!(limbs::integer(&sum), expected % &value, "{bits} bits");
                    // More terms than one inverse transform takes.
                    let terms = [(&ta, &tb), (&tb, &tb), (&tc, &td)].repeat(120);
                    let sum = modulus.sum_of_products(&terms, &[&c, &d]);
                    let expected = (&x * &y + &y * &y + &z * &t) * 120_u8 + &z + &t;
                    assert_eq!(limbs::integer(&sum), expected % &value, "{bits} bits");
                }
            }
        }
    }

    #[test]
    fn moduli_of_the_wrong_form_are_refused() {
        let new =
            |value: BigUint, kind| Modulus::new(&limbs::limbs_of(&value), BITS_OF_X0, WIDTH, kind).err();
        let power = |bits: usize| BigUint::from(1_u8) << bits;
        let size = ModulusError::Size { expected: 1_000, found: 501 };
        assert_eq!(new(power(500), ModulusKind::Paper), Some(size));
        assert_eq!(new(power(999), ModulusKind::Paper), Some(ModulusError::Even));
        let delta = ModulusError::Delta { allowed: 500, found: 600 };
        assert_eq!(new(power(1_000) - power(599) - 1_u8, ModulusKind::Fold), Some(delta));
    }
}
