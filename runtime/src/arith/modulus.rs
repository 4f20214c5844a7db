//! Arithmetic modulo the public modulus `x_0`, in one of two forms. Residues are slices of a fixed number of limbs
//! with at least [`Modulus::HEADROOM`] spare bits, so that sums need not be reduced each time; a product is reduced
//! once.

use thiserror::Error;

use super::limbs::{self, BITS};
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
}

#[derive(Clone, PartialEq, Eq)]
enum Reduction {
    /// `x_0 = 2^bits - delta`.
    Fold {
        /// `2^bits mod x_0`.
        delta: Vec<u64>,
        /// `2^(64 k) mod x_0`, where `k` is the number of limbs of `x_0`: folds at a limb boundary.
        aligned: Vec<u64>,
    },
    /// Barrett's precomputed `floor(2^(128 width) / x_0)`.
    Barrett {
        /// The reciprocal.
        reciprocal: Vec<u64>,
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
            ModulusKind::Fold => fold_constants(&value, bits)?,
            ModulusKind::Paper => {
                let power = num_bigint::BigUint::from(1_u8) << (2 * width * BITS);
                Reduction::Barrett { reciprocal: limbs::limbs_of(&(power / limbs::integer(&value))) }
            }
        };
        Ok(Modulus { value, bits, width, reduction })
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
        self.reduce(limbs::product(limbs::trimmed(a), limbs::trimmed(b)))
    }

    /// `x mod x_0`, in `[0, x_0)`, for `x` of any length. The cost grows with the bits that `x` has above `x_0`.
    pub fn reduce(&self, x: Vec<u64>) -> Vec<u64> {
        let mut x = match &self.reduction {
            Reduction::Fold { delta, aligned } => self.fold(x, delta, aligned),
            Reduction::Barrett { reciprocal } => self.barrett(x, reciprocal),
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
    fn fold(&self, mut x: Vec<u64>, delta: &[u64], aligned: &[u64]) -> Vec<u64> {
        let boundary = self.value.len();
        loop {
            x.truncate(limbs::trimmed(&x).len());
            if x.len() <= boundary {
                break;
            }
            let high = x.split_off(boundary);
            add_folded(&mut x, &high, aligned);
        }
        while limbs::bit_length(&x) > self.bits {
            let high = limbs::shifted_right(&x, self.bits);
            limbs::truncate_bits(&mut x, self.bits);
            add_folded(&mut x, &high, delta);
        }
        x
    }

    /// Barrett reduction, from the top when `x` is too long for one step. The result is below `3 x_0`: with
    /// `k` limbs in `x_0` and `w = width`, the quotient estimate
    /// `floor(floor(x / 2^(64 (k-1))) reciprocal / 2^(64 (2w - k + 1)))` is at most 2 too small for `x < 2^(128 w)`.
    fn barrett(&self, mut x: Vec<u64>, reciprocal: &[u64]) -> Vec<u64> {
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
        let estimate = limbs::product(&x[k - 1..], reciprocal);
        let quotient = limbs::trimmed(estimate.get(2 * self.width - k + 1..).unwrap_or(&[]));
        let multiple = limbs::product(quotient, &self.value);
        limbs::sub_assign(&mut x, limbs::trimmed(&multiple));
        x
    }
}

/// `x += high * factor`, growing `x` as needed.
fn add_folded(x: &mut Vec<u64>, high: &[u64], factor: &[u64]) {
    /// Below this many limbs, rows added in place beat a separate product.
    const SHORT: usize = 8;
    let length = x.len().max(high.len() + factor.len()) + 1;
    x.resize(length, 0);
    if high.len() <= SHORT {
        limbs::add_product(x, factor, high);
    } else {
        limbs::add_assign(x, &limbs::product(high, factor));
    }
}

fn fold_constants(value: &[u64], bits: usize) -> Result<Reduction, ModulusError> {
    let power = |bits: usize| num_bigint::BigUint::from(1_u8) << bits;
    let delta = power(bits) - limbs::integer(value);
    let (found, allowed) = (delta.bits() as usize, bits / 2);
    if found > allowed {
        return Err(ModulusError::Delta { allowed, found });
    }
    let aligned = (&delta << (value.len() * BITS - bits)) % limbs::integer(value);
    Ok(Reduction::Fold { delta: limbs::limbs_of(&delta), aligned: limbs::limbs_of(&aligned) })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use num_bigint::BigUint;
    use proptest::collection::vec;
    use proptest::prelude::*;

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
