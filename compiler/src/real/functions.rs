//! The functions of the standard library over the real numbers, as intervals.
//!
//! Each is a power series, after its argument was made small by an identity, with a bound for what was cut off; or it is
//! composed of others. All steps are interval operations, so rounding errors need no analysis. The series and identities
//! are those of Abramowitz and Stegun, "Handbook of Mathematical Functions", 1964, chapters 4 (elementary functions) and
//! 7 (error function). A rising function of an interval lies between its values at the ends.

use num_bigint::{BigInt, Sign};
use num_integer::Integer as _;
use num_traits::{Signed as _, ToPrimitive as _};

use super::Exact;
use super::interval::{Binary, Enclosed, Fault, Interval, LARGEST, rounded_even};

/// A library function; `Softmax(i)` is the element `i` of its result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Function {
    Exp,
    Exp2,
    Expm1,
    Ln,
    Log2,
    Log10,
    Log1p,
    Pow,
    Div,
    Recip,
    Rsqrt,
    Cbrt,
    Hypot,
    Sin,
    Cos,
    Tan,
    Asin,
    Acos,
    Atan,
    Atan2,
    Sinh,
    Cosh,
    Tanh,
    Erf,
    Sigmoid,
    Softplus,
    Silu,
    Gelu,
    Softmax(u32),
}

impl Function {
    /// The function of a name of the library, if it has a meaning of its own. Others, such as `polyval`, mean what
    /// their body says.
    pub(crate) fn named(name: &str) -> Option<Function> {
        Some(match name {
            "exp" => Function::Exp,
            "exp2" => Function::Exp2,
            "expm1" => Function::Expm1,
            "ln" => Function::Ln,
            "log2" => Function::Log2,
            "log10" => Function::Log10,
            "log1p" => Function::Log1p,
            "pow" => Function::Pow,
            "div" => Function::Div,
            "recip" | "recip_taylor" => Function::Recip,
            "rsqrt" => Function::Rsqrt,
            "cbrt" => Function::Cbrt,
            "hypot" => Function::Hypot,
            "sin" => Function::Sin,
            "cos" => Function::Cos,
            "tan" => Function::Tan,
            "asin" => Function::Asin,
            "acos" => Function::Acos,
            "atan" => Function::Atan,
            "atan2" => Function::Atan2,
            "sinh" => Function::Sinh,
            "cosh" => Function::Cosh,
            "tanh" => Function::Tanh,
            "erf" => Function::Erf,
            "sigmoid" => Function::Sigmoid,
            "softplus" => Function::Softplus,
            "silu" => Function::Silu,
            "gelu" => Function::Gelu,
            "softmax" => Function::Softmax(0),
            _ => return None,
        })
    }
}

impl Function {
    /// Whether the library promises more than a fixed result for these arguments.
    pub(super) fn promises(self, x: &[Exact]) -> bool {
        let angle = matches!(self, Function::Sin | Function::Cos | Function::Tan);
        !angle || x.iter().all(|x| x.abs() < Exact::from_integer(512.into()))
    }

    /// An enclosure of values that are nothing in types of few bits, which would take many bits to tell from 0: for
    /// x <= -16, 0 >= x Phi(x) >= x e^(-x^2 / 2) / 2, above -2^-180.
    pub(super) fn vanishing(self, x: &[Exact]) -> Option<Interval> {
        let vanishes = self == Function::Gelu && x.iter().all(|x| *x <= Exact::from_integer((-16).into()));
        vanishes.then(|| Interval::new(Binary::power(-180).negated(), Binary::whole(0)))
    }
}

/// Arguments of `sin` and its like are at most 2^this: more bits of pi would be needed.
const LARGEST_ANGLE: i64 = 1 << 16;
/// Most bits that the tail of the normal distribution is computed with beyond those asked for.
const LARGEST_TAIL: i64 = 1 << 15;
/// Additional bits of intermediate results.
const GUARD: u64 = 32;

/// The functions with results of about `bits` significant bits.
pub(super) struct Functions {
    bits: u64,
    ln_2: Interval,
    /// With additional bits for the angles seen so far.
    pi: Interval,
    pi_bits: u64,
}

impl Functions {
    pub(super) fn new(bits: u64) -> Functions {
        let work = bits + GUARD + 64;
        // ln 2 = 2 artanh(1/3); pi = 16 arctan(1/5) - 4 arctan(1/239) (Machin, 1706).
        let ln_2 = inverse(3, false, work).scaled(1);
        Functions { bits: bits + GUARD, ln_2, pi: pi(work), pi_bits: work }
    }

    /// The function of some operands: as many as the library function takes.
    pub(super) fn apply(&mut self, function: Function, x: &[&Interval]) -> Enclosed {
        let bits = self.bits;
        match (function, x) {
            (Function::Softmax(index), _) => self.softmax(index, x),
            (Function::Pow, [x, y]) => self.pow(x, y),
            (Function::Div, [x, y]) => x.over(y, bits),
            (Function::Hypot, [x, y]) => x.square(bits).plus(&y.square(bits), bits).root(bits),
            (Function::Atan2, [y, x]) => self.atan2(y, x),
            (Function::Exp, [x]) => self.exp(x),
            (Function::Exp2, [x]) => self.exp2(x),
            (Function::Expm1, [x]) => self.rising(x, Self::expm1),
            (Function::Ln, [x]) => self.ln(x),
            (Function::Log2, [x]) => self.ln(x)?.over(&self.ln_2, bits),
            (Function::Log10, [x]) => {
                let ten = self.ln(&Interval::whole(10))?;
                self.ln(x)?.over(&ten, bits)
            }
            (Function::Log1p, [x]) => self.log1p(x),
            (Function::Recip, [x]) => Interval::whole(1).over(x, bits),
            (Function::Rsqrt, [x]) => Interval::whole(1).over(&x.root(bits)?, bits),
            (Function::Cbrt, [x]) => self.rising(x, Self::cbrt),
            (Function::Sin, [x]) => self.wave(x, 0),
            (Function::Cos, [x]) => self.wave(x, 1),
            (Function::Tan, [x]) => self.wave(x, 0)?.over(&self.wave(x, 1)?, bits),
            (Function::Asin, [x]) => self.rising(within_1(x)?, Self::asin),
            (Function::Acos, [x]) => self.rising(&within_1(x)?.negated(), Self::acos_of_minus),
            (Function::Atan, [x]) => self.rising(x, Self::atan),
            (Function::Sinh, [x]) => self.rising(x, Self::sinh),
            (Function::Cosh, [x]) => self.rising(&x.size(), Self::cosh),
            (Function::Tanh, [x]) => self.rising(x, Self::tanh),
            (Function::Erf, [x]) => self.rising(x, |own, x| Ok(erf(x, own.bits))),
            (Function::Sigmoid, [x]) => self.rising(x, Self::sigmoid),
            (Function::Softplus, [x]) => self.rising(x, Self::softplus),
            (Function::Silu, [x]) => Ok(x.times(&self.rising(x, Self::sigmoid)?, bits)),
            (Function::Gelu, [x]) => Ok(x.times(&self.rising(x, Self::normal)?, bits)),
            _ => Err(Fault::None("a function with the wrong number of operands")),
        }
    }

    /// A rising function from its values at points.
    fn rising(&mut self, x: &Interval, at: impl Fn(&mut Self, &Binary) -> Enclosed) -> Enclosed {
        let low = at(self, &x.low)?;
        if x.as_point().is_some() {
            return Ok(low);
        }
        let high = at(self, &x.high)?;
        Ok(low.joined(&high))
    }

    // Exponentials.

    fn exp(&mut self, x: &Interval) -> Enclosed {
        self.rising(x, |own, x| own.exp_at(x, false))
    }

    fn exp2(&mut self, x: &Interval) -> Enclosed {
        self.rising(x, |own, x| own.exp_at(x, true))
    }

    /// e^x, or 2^x: `2^k (1 + r + r^2 / 2 + ..)` with |r| at most about `ln 2 / 2`.
    fn exp_at(&mut self, x: &Binary, base_2: bool) -> Enclosed {
        if x.top() > 40 {
            return match x.sign() {
                Sign::Minus => Ok(Interval::new(Binary::whole(0), Binary::power(-LARGEST))),
                Sign::NoSign | Sign::Plus => Err(Fault::Beyond { negative: false }),
            };
        }
        let x = Interval::point(x.clone());
        let multiple = if base_2 { x.clone() } else { x.over(&self.ln_2, 60)? };
        let whole = rounded_even(&multiple.low);
        let k = whole.to_i64().ok_or(Fault::None("an exponential of too large a number"))?;
        let steps = Interval::whole(k);
        let rest = if base_2 {
            x.minus(&steps, self.bits + 64).times(&self.ln_2, self.bits)
        } else {
            x.minus(&steps.times(&self.ln_2, self.bits + 64), self.bits + 64)
        };
        let series = self.exp_series(&rest);
        Ok(Interval::whole(1).plus(&series, self.bits).scaled(k))
    }

    /// `x + x^2 / 2! + x^3 / 3! + ..`, |x| < 1.
    fn exp_series(&self, x: &Interval) -> Interval {
        let bits = self.bits;
        series(bits, x.clone(), |term, n| {
            let next = term.times(x, bits);
            next.over(&Interval::whole(n + 1), bits)
        })
    }

    fn expm1(&mut self, x: &Binary) -> Enclosed {
        if x.top() < 0 {
            return Ok(self.exp_series(&Interval::point(x.clone())));
        }
        Ok(self.exp_at(x, false)?.minus(&Interval::whole(1), self.bits))
    }

    fn sinh(&mut self, x: &Binary) -> Enclosed {
        if x.top() > 40 {
            return Err(Fault::Beyond { negative: x.sign() == Sign::Minus });
        }
        let (above, below) = (self.expm1(x)?, self.expm1(&x.negated())?);
        Ok(above.minus(&below, self.bits).scaled(-1))
    }

    fn cosh(&mut self, x: &Binary) -> Enclosed {
        let (above, below) = (self.exp_at(x, false)?, self.exp_at(&x.negated(), false)?);
        Ok(above.plus(&below, self.bits).scaled(-1))
    }

    /// With `t = e^(2 |x|) - 1` it is `t / (t + 2)`.
    fn tanh(&mut self, x: &Binary) -> Enclosed {
        if x.sign() == Sign::Minus {
            return Ok(self.tanh(&x.negated())?.negated());
        }
        if x.top() > 20 {
            return Ok(just_below_1(1 << 20, self.bits));
        }
        let t = self.expm1(&x.scaled(1))?;
        t.over(&t.plus(&Interval::whole(2), self.bits), self.bits)
    }

    /// `1 / (1 + e^-x)`, for negative x `e^x / (1 + e^x)`.
    fn sigmoid(&mut self, x: &Binary) -> Enclosed {
        let negative = x.sign() == Sign::Minus;
        if !negative && x.top() > 21 {
            return Ok(just_below_1(1 << 20, self.bits));
        }
        let z = self.exp_at(&if negative { x.clone() } else { x.negated() }, false)?;
        let over = if negative { z.clone() } else { Interval::whole(1) };
        over.over(&Interval::whole(1).plus(&z, self.bits), self.bits)
    }

    /// `max(x, 0) + ln(1 + e^-|x|)`.
    fn softplus(&mut self, x: &Binary) -> Enclosed {
        let negative = x.sign() == Sign::Minus;
        let z = self.exp_at(&if negative { x.clone() } else { x.negated() }, false)?;
        let rest = self.log1p(&z)?;
        Ok(if negative { rest } else { rest.plus(&Interval::point(x.clone()), self.bits) })
    }

    /// `1 / (e^(x_0 - x_i) + e^(x_1 - x_i) + ..)`.
    fn softmax(&mut self, index: u32, x: &[&Interval]) -> Enclosed {
        let Some(own) = x.get(index as usize) else {
            return Err(Fault::None("a function with the wrong number of operands"));
        };
        let mut total = Interval::whole(1);
        for (_, other) in x.iter().enumerate().filter(|(at, _)| *at != index as usize) {
            match self.exp(&other.minus(own, self.bits)) {
                Ok(power) => total = total.plus(&power, self.bits),
                Err(Fault::Beyond { .. }) => {
                    return Ok(Interval::new(Binary::whole(0), Binary::power(-LARGEST)));
                }
                Err(fault) => return Err(fault),
            }
        }
        Interval::whole(1).over(&total, self.bits)
    }

    // Logarithms and powers.

    fn ln(&mut self, x: &Interval) -> Enclosed {
        if x.high.sign() != Sign::Plus {
            return Err(Fault::None("the logarithm of a number that is not positive"));
        }
        if x.low.sign() != Sign::Plus {
            return Err(Fault::Unsettled("the logarithm of a number that may be zero or negative"));
        }
        self.rising(x, Self::ln_at)
    }

    /// With `x = m 2^k` and m about 1 it is `k ln 2 + 2 artanh((m - 1) / (m + 1))`.
    fn ln_at(&mut self, x: &Binary) -> Enclosed {
        let k = if x.scaled(-x.top()) < Binary::new(45.into(), -6) { x.top() - 1 } else { x.top() };
        let (m, one) = (Interval::point(x.scaled(-k)), Interval::whole(1));
        let z = m.minus(&one, self.bits).over(&m.plus(&one, self.bits), self.bits)?;
        let rest = self.artanh_series(&z).scaled(1);
        Ok(Interval::whole(k).times(&self.ln_2, self.bits + 64).plus(&rest, self.bits))
    }

    /// `z + z^3 / 3 + z^5 / 5 + ..`, |z| < 1/2.
    fn artanh_series(&self, z: &Interval) -> Interval {
        odd_series(z, false, self.bits)
    }

    /// With `z = x / (2 + x)` it is `2 artanh(z)`.
    fn log1p(&mut self, x: &Interval) -> Enclosed {
        if x.largest().top() >= -1 {
            return self.ln(&x.plus(&Interval::whole(1), self.bits));
        }
        self.rising(x, |own, x| {
            let x = Interval::point(x.clone());
            let z = x.over(&x.plus(&Interval::whole(2), own.bits), own.bits)?;
            Ok(own.artanh_series(&z).scaled(1))
        })
    }

    fn cbrt(&mut self, x: &Binary) -> Enclosed {
        match x.sign() {
            Sign::NoSign => Ok(Interval::whole(0)),
            Sign::Minus => Ok(self.cbrt(&x.negated())?.negated()),
            Sign::Plus => {
                let third = self.ln_at(x)?.over(&Interval::whole(3), self.bits)?;
                self.exp(&third)
            }
        }
    }

    /// For a whole y that is known also of negative x; x^0 is 1.
    fn pow(&mut self, x: &Interval, y: &Interval) -> Enclosed {
        let whole = y.as_point().filter(|y| y.is_whole() && y.top() <= 1 << 16);
        if let Some(n) = whole.map(Binary::floor) {
            return self.power(x, &n);
        }
        if x.low.sign() == Sign::NoSign && x.high.sign() == Sign::NoSign && y.low.sign() == Sign::Plus {
            return Ok(Interval::whole(0));
        }
        let logarithm = self.ln(x).map_err(|fault| match fault {
            Fault::None(_) => Fault::None("a power of a number that is not positive"),
            Fault::Unsettled(_) => Fault::Unsettled("a power of a number that may not be positive"),
            Fault::Beyond { .. } => fault,
        })?;
        self.exp(&y.times(&logarithm, self.bits + 64))
    }

    fn power(&mut self, x: &Interval, n: &BigInt) -> Enclosed {
        match (n.sign(), x.sign()) {
            (Sign::NoSign, _) => Ok(Interval::whole(1)),
            (Sign::Minus, _) => {
                let inverse = Interval::whole(1).over(x, self.bits + 64)?;
                self.power(&inverse, &-n)
            }
            (Sign::Plus, Some(Sign::NoSign)) => Ok(Interval::whole(0)),
            (Sign::Plus, Some(Sign::Minus)) if n.is_odd() => Ok(self.power(&x.negated(), n)?.negated()),
            (Sign::Plus, Some(Sign::Minus)) => self.power(&x.negated(), n),
            (Sign::Plus, Some(Sign::Plus)) => match n.to_u32().filter(|n| *n <= 64) {
                Some(n) => Ok((1..n).fold(x.clone(), |power, _| power.times(x, self.bits))),
                None => {
                    let logarithm = self.ln(x)?;
                    self.exp(&Interval::point(Binary::new(n.clone(), 0)).times(&logarithm, self.bits + 64))
                }
            },
            (Sign::Plus, None) => Err(Fault::Unsettled("a power of a number that may be zero")),
        }
    }

    // Angles.

    /// The sine of `x + quarters pi / 2`.
    fn wave(&mut self, x: &Interval, quarters: i64) -> Enclosed {
        let width = x.high.clone();
        let at = self.wave_at(&x.low, quarters)?;
        if x.as_point().is_some() {
            return Ok(at);
        }
        // Its slope is at most 1.
        let width = Interval::point(width).minus(&Interval::point(x.low.clone()), 64).high;
        let spread = Interval::new(width.negated(), width);
        let found = at.plus(&spread, self.bits);
        let one = Binary::whole(1);
        let clamp = |end: Binary| end.clamp(one.negated(), one.clone());
        Ok(Interval::new(clamp(found.low), clamp(found.high)))
    }

    /// With `x = n pi / 2 + r` it is the sine or the cosine of r, |r| at most about `pi / 4`, or minus it.
    fn wave_at(&mut self, x: &Binary, quarters: i64) -> Enclosed {
        if x.top() > LARGEST_ANGLE {
            return Err(Fault::None("the sine of a number beyond 2^65536"));
        }
        let more = x.top().max(0).unsigned_abs();
        if self.pi_bits < self.bits + more + 64 {
            self.pi_bits = self.bits + more + 64;
            self.pi = pi(self.pi_bits);
        }
        let point = Interval::point(x.clone());
        let quarter = self.pi.scaled(-1);
        let turns = rounded_even(&point.over(&quarter, more + 60)?.low);
        let whole = Interval::point(Binary::new(turns.clone(), 0));
        let rest = point.minus(&whole.times(&quarter, self.pi_bits), self.bits + 64);
        let (bits, square) = (self.bits, rest.square(self.bits).negated());
        let phase = (turns + quarters).mod_floor(&4.into()).to_u8().unwrap_or(0);
        let first = if phase % 2 == 0 { rest.clone() } else { Interval::whole(1) };
        let skipped = if phase % 2 == 0 { 1 } else { 0 };
        let value = series(bits, first, |term, n| {
            let (a, b) = (2 * n - 1 + skipped, 2 * n + skipped);
            term.times(&square, bits).over(&Interval::whole(a * b), bits)
        });
        Ok(if phase >= 2 { value.negated() } else { value })
    }

    /// Three times `arctan(x) = 2 arctan(x / (1 + sqrt(1 + x^2)))`, then `x - x^3 / 3 + ..`; above 1 it is
    /// `pi / 2 - arctan(1 / x)`.
    fn atan(&mut self, x: &Binary) -> Enclosed {
        self.atan_of(&Interval::point(x.clone()))
    }

    fn atan_of(&mut self, x: &Interval) -> Enclosed {
        let (bits, one) = (self.bits, Interval::whole(1));
        if x.high.sign() == Sign::Minus {
            return Ok(self.atan_of(&x.negated())?.negated());
        }
        if x.low > Binary::whole(1) {
            let rest = self.atan_of(&one.over(x, bits)?)?;
            return Ok(self.pi.scaled(-1).minus(&rest, bits));
        }
        let mut small = x.clone();
        let mut halvings = 0;
        while small.largest().top() > -3 {
            let root = one.plus(&small.square(bits), bits).root(bits)?;
            small = small.over(&one.plus(&root, bits), bits)?;
            halvings += 1;
        }
        Ok(odd_series(&small, true, bits).scaled(halvings))
    }

    fn asin(&mut self, x: &Binary) -> Enclosed {
        let one = Interval::whole(1);
        let x = Interval::point(x.clone());
        let rest = one.minus(&x, self.bits).times(&one.plus(&x, self.bits), self.bits);
        match rest.sign() {
            Some(Sign::NoSign) if x.low.sign() == Sign::Minus => Ok(self.pi.scaled(-1).negated()),
            Some(Sign::NoSign) => Ok(self.pi.scaled(-1)),
            Some(Sign::Plus | Sign::Minus) | None => {
                let tangent = x.over(&rest.root(self.bits)?, self.bits)?;
                self.rising(&tangent, Self::atan)
            }
        }
    }

    /// `arccos(-x)`, which rises: `2 arctan(sqrt((1 + x) / (1 - x)))`.
    fn acos_of_minus(&mut self, x: &Binary) -> Enclosed {
        let one = Interval::whole(1);
        let x = Interval::point(x.clone());
        let (over, under) = (one.plus(&x, self.bits), one.minus(&x, self.bits));
        if under.sign() == Some(Sign::NoSign) {
            return Ok(self.pi.clone());
        }
        let root = over.over(&under, self.bits)?.root(self.bits)?;
        Ok(self.rising(&root, Self::atan)?.scaled(1))
    }

    fn atan2(&mut self, y: &Interval, x: &Interval) -> Enclosed {
        let bits = self.bits;
        match (y.sign(), x.sign()) {
            (Some(Sign::NoSign), Some(Sign::NoSign)) => Err(Fault::None("the angle of the origin")),
            (_, Some(Sign::Plus)) => self.rising(&y.over(x, bits)?, Self::atan),
            (Some(Sign::Plus), _) => {
                let rest = self.rising(&x.over(y, bits)?, Self::atan)?;
                Ok(self.pi.scaled(-1).minus(&rest, bits))
            }
            (Some(Sign::Minus), _) => {
                let rest = self.rising(&x.over(y, bits)?, Self::atan)?;
                Ok(self.pi.scaled(-1).negated().minus(&rest, bits))
            }
            (Some(Sign::NoSign), Some(Sign::Minus)) => Ok(self.pi.clone()),
            (Some(Sign::NoSign) | None, _) => {
                Err(Fault::Unsettled("the angle of a point that may be the origin"))
            }
        }
    }

    // The normal distribution.

    /// The normal distribution function, `(1 + erf(x / sqrt 2)) / 2`; below 0 with bits for what cancels.
    fn normal(&mut self, x: &Binary) -> Enclosed {
        let mut bits = self.bits;
        if x.sign() == Sign::Minus {
            let half_square = Interval::point(x.clone()).square(64).scaled(-1);
            if half_square.high > Binary::whole(LARGEST_TAIL) {
                let least =
                    if x.top() > 20 { LARGEST } else { half_square.low.floor().to_i64().unwrap_or(0) };
                return Ok(Interval::new(Binary::whole(0), Binary::power(-least)));
            }
            // Of the 1 from which it is subtracted, `e^(-x^2 / 2)` and a little less is left.
            let lost = half_square.high.floor().to_u64().unwrap_or(0);
            bits += 2 * lost + x.top().max(0).unsigned_abs() + 16;
        }
        let root = Interval::whole(2).root(bits)?;
        let scaled = Interval::point(x.clone()).over(&root, bits)?;
        let erf = erf(&scaled.low, bits).joined(&erf(&scaled.high, bits));
        Ok(Interval::whole(1).plus(&erf, bits).scaled(-1))
    }
}

/// `2 / sqrt(pi) e^(-x^2)` times the sum of `2^k x^(2 k + 1) / (2 k + 1)!!`; what is missing to 1 is below `e^(-x^2)`.
fn erf(x: &Binary, bits: u64) -> Interval {
    if x.sign() == Sign::Minus {
        return erf(&x.negated(), bits).negated();
    }
    let point = Interval::point(x.clone());
    let square = point.square(bits);
    if x.top() > 20 || square.low > Binary::whole(i64::try_from(bits).expect("bounded by the memory")) {
        let missing = if x.top() > 20 { LARGEST } else { square.low.floor().to_i64().unwrap_or(0) };
        return just_below_1(missing, bits);
    }
    let double = square.scaled(1);
    let sum =
        series(bits, point, |term, n| term.times(&double, bits).over(&Interval::whole(2 * n + 1), bits));
    let mut functions = Functions::new(bits);
    let bell = functions.exp(&square.negated()).expect("at most 1");
    let root = functions.pi.root(bits).expect("pi is positive");
    bell.scaled(1).times(&sum, bits).over(&root, bits).expect("the root of pi is positive")
}

/// An argument in [-1, 1].
fn within_1(x: &Interval) -> Result<&Interval, Fault> {
    let size = x.size();
    if size.low > Binary::whole(1) {
        Err(Fault::None("the inverse sine or cosine of a number beyond 1"))
    } else if size.high > Binary::whole(1) {
        Err(Fault::Unsettled("the inverse sine or cosine of a number that may be beyond 1"))
    } else {
        Ok(x)
    }
}

/// Between `1 - 2^-missing` and 1.
fn just_below_1(missing: i64, bits: u64) -> Interval {
    let least = Interval::whole(1).minus(&Interval::point(Binary::power(-missing)), bits);
    Interval::new(least.low, Binary::whole(1))
}

/// A sum of terms until they are too small to count; each must be at most half of the one before from there on, so that
/// those left out are less than the last one. `next(term, n)` is the term behind the n-th, n from 1.
fn series(bits: u64, first: Interval, next: impl Fn(&Interval, i64) -> Enclosed) -> Interval {
    let least = first.largest().top() - i64::try_from(bits).expect("bounded by the memory");
    let (mut sum, mut term, mut n) = (first.clone(), first, 1);
    loop {
        term = next(&term, n).expect("divided by whole numbers above zero");
        n += 1;
        sum = sum.plus(&term, bits);
        let size = term.largest();
        if size.sign() == Sign::NoSign || size.top() < least {
            let rest = Interval::new(size.negated(), size);
            return sum.plus(&rest, bits);
        }
    }
}

/// `z + z^3 / 3 + z^5 / 5 + ..`, or with alternating signs; |z| < 1/2.
fn odd_series(z: &Interval, alternating: bool, bits: u64) -> Interval {
    let square = z.square(bits);
    let square = if alternating { square.negated() } else { square };
    let mut power = z.clone();
    let least = z.largest().top() - i64::try_from(bits).expect("bounded by the memory");
    let (mut sum, mut n) = (z.clone(), 1);
    loop {
        power = power.times(&square, bits);
        n += 2;
        let term = power.over(&Interval::whole(n), bits).expect("divided by a number above zero");
        sum = sum.plus(&term, bits);
        let size = power.largest();
        if size.sign() == Sign::NoSign || size.top() < least {
            // The powers fall by at least 4, so that those left out are less than this one.
            let rest = Interval::new(size.negated(), size);
            return sum.plus(&rest, bits);
        }
    }
}

/// The inverse tangent (or, not alternating, the inverse hyperbolic one) of `1 / under`.
fn inverse(under: i64, alternating: bool, bits: u64) -> Interval {
    let bits = bits + GUARD;
    let z = Interval::whole(1).over(&Interval::whole(under), bits).expect("divided by a number above zero");
    odd_series(&z, alternating, bits)
}

fn pi(bits: u64) -> Interval {
    inverse(5, true, bits).scaled(4).minus(&inverse(239, true, bits).scaled(2), bits)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    #![allow(clippy::disallowed_methods, reason = "f64 functions as an independent reference")]
    use super::super::interval::at_least;
    use super::*;

    fn of(x: f64) -> Interval {
        let (bits, field) = (x.to_bits(), x.to_bits() >> 52 & 0x7ff);
        let mantissa = i64::try_from(bits & ((1 << 52) - 1) | u64::from(field > 0) << 52).unwrap();
        let signed = if x < 0.0 { -mantissa } else { mantissa };
        Interval::point(Binary::new(signed.into(), i64::try_from(field.max(1)).unwrap() - 1075))
    }

    fn f64_of(value: &Binary) -> f64 {
        if value.sign() == Sign::Minus { -at_least(&value.negated()) } else { at_least(value) }
    }

    type Reference = fn(f64) -> f64;

    const UNARY: [(Function, Reference); 22] = [
        (Function::Exp, f64::exp),
        (Function::Exp2, f64::exp2),
        (Function::Expm1, f64::exp_m1),
        (Function::Ln, f64::ln),
        (Function::Log2, f64::log2),
        (Function::Log10, f64::log10),
        (Function::Log1p, f64::ln_1p),
        (Function::Recip, |x| 1.0 / x),
        (Function::Rsqrt, |x| 1.0 / x.sqrt()),
        (Function::Cbrt, f64::cbrt),
        (Function::Sin, f64::sin),
        (Function::Cos, f64::cos),
        (Function::Tan, f64::tan),
        (Function::Asin, f64::asin),
        (Function::Acos, f64::acos),
        (Function::Atan, f64::atan),
        (Function::Sinh, f64::sinh),
        (Function::Cosh, f64::cosh),
        (Function::Tanh, f64::tanh),
        (Function::Sigmoid, |x| 1.0 / (1.0 + (-x).exp())),
        (Function::Softplus, |x| x.max(0.0) + (-x.abs()).exp().ln_1p()),
        (Function::Silu, |x| x / (1.0 + (-x).exp())),
    ];

    #[test]
    fn functions_agree_with_the_machine_and_are_narrow() {
        let points = [
            1e-250, -1e-9, 0.001, 0.25, -0.3, 0.5, 0.7, -0.9, 1.0, -1.0, 1.4, 2.0, -2.5, 3.125, 10.0, -20.0,
            600.0, 1e5, -1e10, 1e22,
        ];
        let mut functions = Functions::new(100);
        for (function, reference) in UNARY {
            for x in points {
                let expected = reference(x);
                match functions.apply(function, &[&of(x)]) {
                    Ok(found) => {
                        let (low, high) = (f64_of(&found.low), f64_of(&found.high));
                        if expected.is_infinite() || expected == 0.0 || expected == 1.0 && x.abs() > 30.0 {
                            continue;
                        }
                        let close = ((low - expected) / expected).abs() < 1e-14;
                        assert!(close, "{function:?}({x}): {low} to {high}, expected {expected}");
                        let width = found.high.clone();
                        let width =
                            Interval::point(width).minus(&Interval::point(found.low.clone()), 60).high;
                        let narrow = width.top() <= found.largest().top() - 90;
                        assert!(narrow, "{function:?}({x}): {found:?}");
                    }
                    Err(Fault::Beyond { .. }) => assert!(expected.is_infinite(), "{function:?}({x})"),
                    Err(Fault::None(_)) => {
                        let none = expected.is_nan() || expected == f64::NEG_INFINITY;
                        assert!(none, "{function:?}({x}) = {expected}");
                    }
                    Err(fault) => panic!("{function:?}({x}): {fault:?}"),
                }
            }
        }
    }

    /// Digits from tables: Abramowitz and Stegun, 7.1 and 26.2; and of e, pi and ln 10.
    #[test]
    fn known_digits_come_out() {
        let mut functions = Functions::new(160);
        let mut value = |function, x: &[f64]| {
            let x: Vec<Interval> = x.iter().map(|x| of(*x)).collect();
            functions.apply(function, &x.iter().collect::<Vec<_>>()).unwrap()
        };
        for (function, x, digits) in [
            (Function::Exp, &[1.0][..], "2718281828459045235360287471352662497757"),
            (Function::Ln, &[10.0], "2302585092994045684017991454684364207601"),
            (Function::Acos, &[-1.0], "3141592653589793238462643383279502884197"),
            (Function::Atan2, &[0.0, -1.0], "3141592653589793238462643383279502884197"),
            (Function::Pow, &[2.0, 0.5], "1414213562373095048801688724209698078569"),
            (Function::Hypot, &[1.0, 1.0], "1414213562373095048801688724209698078569"),
            (Function::Pow, &[-1.5, 3.0], "-3375000000000000000000000000000000000000"),
        ] {
            let found = value(function, x);
            let scale = num_bigint::BigInt::from(10).pow(39);
            let scaled = |end: &Binary| (end.exact() * &scale).to_integer();
            let expected: BigInt = digits.parse().unwrap();
            let off = |end: &Binary| (scaled(end) - &expected).magnitude().clone();
            assert!(
                off(&found.low) <= 1_u8.into() && off(&found.high) <= 1_u8.into(),
                "{function:?}: {found:?}"
            );
        }
        let close = |found: Interval, expected: f64| {
            let low = f64_of(&found.low);
            assert!(((low - expected) / expected).abs() < 1e-9, "{low}, expected {expected}");
        };
        close(value(Function::Erf, &[0.5]), 0.520_499_877_8);
        close(value(Function::Erf, &[2.0]), 0.995_322_265_0);
        // Phi(-10) = 7.619853024e-24.
        close(value(Function::Gelu, &[-10.0]), -10.0 * 7.619_853_024e-24);
        close(value(Function::Softmax(1), &[0.0, 1.0, 2.0]), 0.244_728_471_05);
    }

    #[test]
    fn wide_arguments_are_enclosed() {
        let mut functions = Functions::new(80);
        let wide = Interval::new(of(0.5).low, of(0.75).low);
        for (function, reference) in UNARY {
            let found = functions.apply(function, &[&wide]).unwrap();
            for x in [0.5, 0.55, 0.6, 0.7, 0.75] {
                let expected = reference(x);
                let (low, high) = (f64_of(&found.low), f64_of(&found.high));
                let slack = 1e-14 * expected.abs();
                assert!(
                    low <= expected + slack && expected <= high + slack,
                    "{function:?}({x}): {low} {high}"
                );
            }
        }
    }
}
