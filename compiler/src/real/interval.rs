//! Binary numbers of any size, and intervals between them that hold a real number for certain.
//!
//! Every operation on intervals rounds the lower end down and the upper end up to a given number of significant bits
//! (interval arithmetic: Moore, 1966), so that the exact result of the exact operands lies between the ends. Whatever
//! cannot be said about it is a [`Fault`].

use std::cmp::Ordering;

use num_bigint::{BigInt, Sign};
use num_integer::Integer as _;
use num_rational::Ratio;
use num_traits::{One as _, Signed as _, ToPrimitive as _, Zero as _};

/// `mantissa 2^exponent`. Zero has the exponent 0; other mantissas are odd.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Binary {
    mantissa: BigInt,
    exponent: i64,
}

/// Numbers of more than 2^[`LARGEST`], or nearer to zero than its reciprocal, are not computed with.
pub(super) const LARGEST: i64 = 1 << 40;

/// Why there is no number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// More bits may settle it.
    Unsettled(&'static str),
    /// There is none.
    None(&'static str),
    /// There is one, of a magnitude beyond 2^[`LARGEST`].
    Beyond {
        /// It is below zero.
        negative: bool,
    },
}

/// An interval, or why there is none.
pub(super) type Enclosed = Result<Interval, Fault>;

impl Binary {
    /// `mantissa 2^exponent`.
    pub(super) fn new(mantissa: BigInt, exponent: i64) -> Binary {
        let places = mantissa.trailing_zeros().unwrap_or(0);
        match mantissa.sign() {
            Sign::NoSign => Binary { mantissa, exponent: 0 },
            Sign::Plus | Sign::Minus => {
                Binary { mantissa: mantissa >> places, exponent: exponent + signed(places) }
            }
        }
    }

    /// A whole number.
    pub(super) fn whole(value: i64) -> Binary {
        Binary::new(value.into(), 0)
    }

    /// `2^exponent`.
    pub(super) fn power(exponent: i64) -> Binary {
        Binary { mantissa: BigInt::one(), exponent }
    }

    /// -1, 0 or 1.
    pub(super) fn sign(&self) -> Sign {
        self.mantissa.sign()
    }

    /// The exponent of the first power of two above the magnitude; for zero the least there is.
    pub(super) fn top(&self) -> i64 {
        if self.mantissa.is_zero() { i64::MIN / 4 } else { self.exponent + signed(self.mantissa.bits()) }
    }

    /// The number with at most `bits` significant bits, not above it, or not below it.
    fn rounded(&self, bits: u64, up: bool) -> Binary {
        let surplus = self.mantissa.bits().saturating_sub(bits);
        if surplus == 0 {
            return self.clone();
        }
        // A shift of a negative number rounds down.
        let kept = if up { -((-&self.mantissa) >> surplus) } else { &self.mantissa >> surplus };
        Binary::new(kept, self.exponent + signed(surplus))
    }

    /// The sum, rounded; far smaller summands only decide the direction.
    fn plus(&self, other: &Binary, bits: u64, up: bool) -> Binary {
        let (large, small) = if self.top() >= other.top() { (self, other) } else { (other, self) };
        if small.mantissa.is_zero() {
            return large.rounded(bits, up);
        }
        let least = large.exponent.min(large.top() - signed(bits)) - 2;
        let shift = |value: &Binary, to: i64| &value.mantissa << (value.exponent - to).unsigned_abs();
        if small.top() < least {
            let step = BigInt::from(i32::from(up && small.mantissa.is_positive()))
                - i32::from(!up && small.mantissa.is_negative());
            return Binary::new(shift(large, least) + step, least).rounded(bits, up);
        }
        let low = large.exponent.min(small.exponent);
        Binary::new(shift(large, low) + shift(small, low), low).rounded(bits, up)
    }

    fn times(&self, other: &Binary, bits: u64, up: bool) -> Binary {
        Binary::new(&self.mantissa * &other.mantissa, self.exponent + other.exponent).rounded(bits, up)
    }

    /// The quotient; `other` is not zero.
    fn over(&self, other: &Binary, bits: u64, up: bool) -> Binary {
        debug_assert!(!other.mantissa.is_zero());
        let wanted = other.mantissa.bits() + bits + 2;
        let shift = wanted.saturating_sub(self.mantissa.bits());
        let dividend = &self.mantissa << shift;
        let quotient =
            if up { dividend.div_ceil(&other.mantissa) } else { dividend.div_floor(&other.mantissa) };
        Binary::new(quotient, self.exponent - other.exponent - signed(shift)).rounded(bits, up)
    }

    /// The square root of a number that is not negative.
    fn root(&self, bits: u64, up: bool) -> Binary {
        debug_assert!(!self.mantissa.is_negative());
        let wanted = (2 * bits + 4).saturating_sub(self.mantissa.bits());
        let odd = (self.exponent - signed(wanted)).rem_euclid(2).unsigned_abs();
        let shift = wanted + odd;
        let radicand = &self.mantissa << shift;
        let root = radicand.sqrt();
        let exact = &root * &root == radicand;
        let root = if up && !exact { root + 1 } else { root };
        Binary::new(root, (self.exponent - signed(shift)) / 2).rounded(bits, up)
    }

    /// The number as a fraction. Its exponent is that of a number of a type.
    pub(super) fn exact(&self) -> Ratio<BigInt> {
        debug_assert!(self.exponent.abs() <= 1 << 20, "numbers near those of a type");
        let power = BigInt::one() << self.exponent.unsigned_abs();
        if self.exponent >= 0 {
            Ratio::from_integer(&self.mantissa * power)
        } else {
            Ratio::new_raw(self.mantissa.clone(), power)
        }
    }

    /// The largest whole number that is not above it. Its exponent is bounded.
    pub(super) fn floor(&self) -> BigInt {
        debug_assert!(self.exponent <= 1 << 20, "bounded by the callers");
        if self.exponent >= 0 {
            return &self.mantissa << self.exponent.unsigned_abs();
        }
        if self.top() <= 0 {
            return if self.mantissa.is_negative() { -BigInt::one() } else { BigInt::ZERO };
        }
        &self.mantissa >> self.exponent.unsigned_abs()
    }

    /// The number plus one half, exactly; none if its magnitude is below one fourth.
    fn and_a_half(&self) -> Option<Binary> {
        if self.top() < -1 {
            return None;
        }
        let low = self.exponent.min(-1);
        let own = &self.mantissa << (self.exponent - low).unsigned_abs();
        Some(Binary::new(own + (BigInt::one() << (-1 - low).unsigned_abs()), low))
    }

    /// Whether it is a whole number.
    pub(super) fn is_whole(&self) -> bool {
        self.exponent >= 0
    }

    /// Minus the number.
    pub(super) fn negated(&self) -> Binary {
        Binary { mantissa: -&self.mantissa, exponent: self.exponent }
    }

    /// Times a power of two.
    pub(super) fn scaled(&self, by: i64) -> Binary {
        if self.mantissa.is_zero() {
            self.clone()
        } else {
            Binary { mantissa: self.mantissa.clone(), exponent: self.exponent + by }
        }
    }
}

impl PartialOrd for Binary {
    fn partial_cmp(&self, other: &Binary) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Binary {
    fn cmp(&self, other: &Binary) -> Ordering {
        let signs = self.mantissa.signum().cmp(&other.mantissa.signum());
        if signs != Ordering::Equal || self.mantissa.is_zero() {
            return signs;
        }
        let sizes = self.top().cmp(&other.top());
        if sizes != Ordering::Equal {
            return if self.mantissa.is_negative() { sizes.reverse() } else { sizes };
        }
        let low = self.exponent.min(other.exponent);
        let shift = |value: &Binary| &value.mantissa << (value.exponent - low).unsigned_abs();
        shift(self).cmp(&shift(other))
    }
}

/// Counts of bits are small.
fn signed(bits: u64) -> i64 {
    i64::try_from(bits).expect("bounded: the memory holds the bits")
}

/// The numbers from `low` to `high`, both included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Interval {
    pub(super) low: Binary,
    pub(super) high: Binary,
}

impl Interval {
    /// The numbers between two ends; the lower one first.
    pub(super) fn new(low: Binary, high: Binary) -> Interval {
        debug_assert!(low <= high);
        Interval { low, high }
    }

    /// One number.
    pub(super) fn point(value: Binary) -> Interval {
        Interval { low: value.clone(), high: value }
    }

    /// A whole number.
    pub(super) fn whole(value: i64) -> Interval {
        Interval::point(Binary::whole(value))
    }

    /// A fraction.
    pub(super) fn of(value: &Ratio<BigInt>, bits: u64) -> Interval {
        let (over, under) = (Binary::new(value.numer().clone(), 0), Binary::new(value.denom().clone(), 0));
        if under.mantissa.is_one() {
            return Interval::point(over.scaled(-under.exponent));
        }
        Interval { low: over.over(&under, bits, false), high: over.over(&under, bits, true) }
    }

    /// The one number that it holds, if it is one.
    pub(super) fn as_point(&self) -> Option<&Binary> {
        (self.low == self.high).then_some(&self.low)
    }

    /// The sign of all its numbers, if they have one.
    pub(super) fn sign(&self) -> Option<Sign> {
        let sign = self.low.sign();
        (sign == self.high.sign()).then_some(sign)
    }

    /// Whether zero is in it.
    pub(super) fn has_zero(&self) -> bool {
        self.low.sign() != Sign::Plus && self.high.sign() != Sign::Minus
    }

    /// The larger magnitude of the ends.
    pub(super) fn largest(&self) -> Binary {
        let size = |value: &Binary| if value.sign() == Sign::Minus { value.negated() } else { value.clone() };
        size(&self.low).max(size(&self.high))
    }

    /// Minus the number.
    pub(super) fn negated(&self) -> Interval {
        Interval { low: self.high.negated(), high: self.low.negated() }
    }

    /// The magnitude.
    pub(super) fn size(&self) -> Interval {
        match self.sign() {
            Some(Sign::Minus) => self.negated(),
            Some(Sign::Plus | Sign::NoSign) => self.clone(),
            None if self.low.sign() == Sign::NoSign => self.clone(),
            None => Interval { low: Binary::whole(0), high: self.largest() },
        }
    }

    /// Times a power of two.
    pub(super) fn scaled(&self, by: i64) -> Interval {
        Interval { low: self.low.scaled(by), high: self.high.scaled(by) }
    }

    pub(super) fn plus(&self, other: &Interval, bits: u64) -> Interval {
        Interval {
            low: self.low.plus(&other.low, bits, false),
            high: self.high.plus(&other.high, bits, true),
        }
    }

    pub(super) fn minus(&self, other: &Interval, bits: u64) -> Interval {
        self.plus(&other.negated(), bits)
    }

    pub(super) fn times(&self, other: &Interval, bits: u64) -> Interval {
        if self.low.sign() != Sign::Minus && other.low.sign() != Sign::Minus {
            return Interval {
                low: self.low.times(&other.low, bits, false),
                high: self.high.times(&other.high, bits, true),
            };
        }
        let ends = |up: bool| self.pairs(other).map(|(a, b)| a.times(b, bits, up));
        let low = ends(false).into_iter().min().expect("four ends");
        let high = ends(true).into_iter().max().expect("four ends");
        Interval { low, high }
    }

    /// Each end with each of the other's.
    fn pairs<'a>(&'a self, other: &'a Interval) -> [(&'a Binary, &'a Binary); 4] {
        [
            (&self.low, &other.low),
            (&self.low, &other.high),
            (&self.high, &other.low),
            (&self.high, &other.high),
        ]
    }

    /// The square, which is never negative.
    pub(super) fn square(&self, bits: u64) -> Interval {
        let size = self.size();
        size.times(&size, bits)
    }

    pub(super) fn over(&self, other: &Interval, bits: u64) -> Enclosed {
        if other.has_zero() {
            return Err(match other.as_point() {
                Some(_) => Fault::None("a division by zero"),
                None => Fault::Unsettled("a division by a number that may be zero"),
            });
        }
        let ends = |up: bool| self.pairs(other).map(|(a, b)| a.over(b, bits, up));
        let low = ends(false).into_iter().min().expect("four ends");
        let high = ends(true).into_iter().max().expect("four ends");
        Ok(Interval { low, high })
    }

    pub(super) fn root(&self, bits: u64) -> Enclosed {
        if self.high.sign() == Sign::Minus {
            return Err(Fault::None("the square root of a negative number"));
        }
        if self.low.sign() == Sign::Minus {
            return Err(Fault::Unsettled("the square root of a number that may be negative"));
        }
        Ok(Interval { low: self.low.root(bits, false), high: self.high.root(bits, true) })
    }

    /// Everything between the two intervals' ends.
    pub(super) fn joined(&self, other: &Interval) -> Interval {
        Interval {
            low: self.low.clone().min(other.low.clone()),
            high: self.high.clone().max(other.high.clone()),
        }
    }

    /// How the numbers compare, if all pairs do alike.
    pub(super) fn compare(&self, other: &Interval) -> Option<Ordering> {
        if self.high < other.low {
            Some(Ordering::Less)
        } else if self.low > other.high {
            Some(Ordering::Greater)
        } else if self.as_point().is_some() && self == other {
            Some(Ordering::Equal)
        } else {
            None
        }
    }

    /// The whole number that `round`, which never falls, makes of it, if it is one for all its numbers.
    pub(super) fn to_whole(&self, round: impl Fn(&Binary) -> BigInt) -> Result<BigInt, Fault> {
        if self.largest().top() > 1 << 17 {
            return Err(Fault::None("a whole number of more than 2^17 bits"));
        }
        let low = round(&self.low);
        if low == round(&self.high) {
            Ok(low)
        } else {
            Err(Fault::Unsettled("a number that is too close to where its rounding to a whole one changes"))
        }
    }
}

/// The whole number toward zero.
pub(super) fn truncated(value: &Binary) -> BigInt {
    if value.sign() == Sign::Minus { -value.negated().floor() } else { value.floor() }
}

/// The nearest whole number, ties away from zero.
pub(super) fn rounded_away(value: &Binary) -> BigInt {
    let half = |value: &Binary| value.and_a_half().map_or(BigInt::ZERO, |sum| sum.floor());
    if value.sign() == Sign::Minus { -half(&value.negated()) } else { half(value) }
}

/// The nearest whole number, ties to even.
pub(super) fn rounded_even(value: &Binary) -> BigInt {
    let Some(nearest) = value.and_a_half() else { return BigInt::ZERO };
    let whole = nearest.floor();
    if nearest.is_whole() && whole.is_odd() { whole - 1 } else { whole }
}

/// An `f64` that is not below a magnitude; infinite where there is none.
pub(super) fn at_least(value: &Binary) -> f64 {
    debug_assert!(value.sign() != Sign::Minus);
    let short = value.rounded(50, true);
    let mantissa = short.mantissa.to_f64().unwrap_or(f64::INFINITY);
    match short.exponent {
        -1_000..=900 => {
            // Powers of two of this range are exact.
            let power = (0..short.exponent.unsigned_abs()).fold(1.0_f64, |power, _| power * 2.0);
            if short.exponent >= 0 { mantissa * power } else { mantissa / power }
        }
        ..-1_000 if short.mantissa.is_zero() => 0.0,
        ..-1_000 => f64::MIN_POSITIVE,
        901.. => f64::INFINITY,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn fraction(over: i64, under: i64) -> Ratio<BigInt> {
        Ratio::new(over.into(), under.into())
    }

    fn holds(interval: &Interval, value: &Ratio<BigInt>) -> bool {
        interval.low.exact() <= *value && *value <= interval.high.exact()
    }

    #[test]
    fn operations_enclose_the_exact_result_and_are_narrow() {
        let values: Vec<Ratio<BigInt>> =
            [(1, 3), (-2, 7), (1 << 40, 3), (-1, 1 << 50), (22, 7), (5, 1), (-8, 1), (0, 1), (1, 1 << 62)]
                .map(|(over, under)| fraction(over, under))
                .to_vec();
        for bits in [4, 20, 100] {
            for a in &values {
                for b in &values {
                    let (x, y) = (Interval::of(a, bits), Interval::of(b, bits));
                    for (exact, found) in [
                        (Some(a + b), Ok(x.plus(&y, bits))),
                        (Some(a - b), Ok(x.minus(&y, bits))),
                        (Some(a * b), Ok(x.times(&y, bits))),
                        ((!b.is_zero()).then(|| a / b), x.over(&y, bits)),
                    ] {
                        let Some(exact) = exact else {
                            assert_eq!(found, Err(Fault::None("a division by zero")));
                            continue;
                        };
                        let found = found.unwrap();
                        assert!(holds(&found, &exact), "{a} {b} at {bits}: {found:?}");
                        let width = found.high.exact() - found.low.exact();
                        let scale = a.abs().max(b.abs()).max(exact.abs());
                        assert!(width <= scale * fraction(16, 1 << bits.min(60)), "{a} {b}: {width}");
                    }
                }
            }
        }
    }

    #[test]
    fn roots_enclose() {
        for value in [2, 3, 4, 1_000_003] {
            let root = Interval::whole(value).root(60).unwrap();
            let square = |end: &Binary| end.exact() * end.exact();
            assert!(square(&root.low) <= fraction(value, 1) && fraction(value, 1) <= square(&root.high));
            assert_eq!(root.as_point().is_some(), value == 4);
        }
        assert!(matches!(Interval::whole(-1).root(60), Err(Fault::None(_))));
    }

    #[test]
    fn far_summands_decide_the_direction() {
        let (one, tiny) = (Interval::whole(1), Interval::point(Binary::power(-1_000_000_000_000)));
        let (above, below) = (one.plus(&tiny, 40), one.minus(&tiny, 40));
        assert!(above.low == Binary::whole(1) && above.high > Binary::whole(1));
        assert!(below.high == Binary::whole(1) && below.low < Binary::whole(1));
        assert!(below.low.exact() > fraction((1 << 30) - 1, 1 << 30));
    }

    #[test]
    fn whole_numbers_are_rounded_as_named() {
        for (over, floor, trunc, away, even) in [
            (-5, -3, -2, -3, -2),
            (5, 2, 2, 3, 2),
            (3, 1, 1, 2, 2),
            (-3, -2, -1, -2, -2),
            (4, 2, 2, 2, 2),
            (1, 0, 0, 1, 0),
        ] {
            let value = Binary::new(over.into(), -1);
            let found = [value.floor(), truncated(&value), rounded_away(&value), rounded_even(&value)];
            assert_eq!(found, [floor, trunc, away, even].map(BigInt::from), "{over} / 2");
        }
    }
}
