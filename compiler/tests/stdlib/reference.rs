//! What the functions should give: in f64, which is exact enough for formats of up to 24 bits of precision, and as
//! integers scaled by a power of two, computed from power series, for f64.

use num_bigint::BigInt;

use crate::format::exponent;

/// The function in f64; its error is some units of the last place of f64.
pub(crate) fn approximate(name: &str, x: &[f64]) -> f64 {
    let (a, b) = (x[0], x.get(1).copied().unwrap_or(0.0));
    match name {
        "exp" => a.exp(),
        "exp2" => a.exp2(),
        "expm1" => a.exp_m1(),
        "ln" => a.ln(),
        "log2" => a.log2(),
        "log10" => a.log10(),
        "log1p" => a.ln_1p(),
        "recip" | "recip_taylor" => 1.0 / a,
        "sqrt" => a.sqrt(),
        "rsqrt" => 1.0 / a.sqrt(),
        "cbrt" => a.cbrt(),
        "pow" => a.powf(b),
        "div" => a / b,
        "hypot" => a.hypot(b),
        "sin" => a.sin(),
        "cos" => a.cos(),
        "tan" => a.tan(),
        "asin" => a.asin(),
        "acos" => a.acos(),
        "atan" => a.atan(),
        "atan2" => a.atan2(b),
        "sinh" => a.sinh(),
        "cosh" => a.cosh(),
        "tanh" => a.tanh(),
        "erf" => erf(a),
        "sigmoid" => sigmoid(a),
        "silu" => a * sigmoid(a),
        "softplus" => a.max(0.0) + (-a.abs()).exp().ln_1p(),
        "gelu" => a * normal(a),
        "relu" => {
            if a < 0.0 {
                0.0
            } else {
                a
            }
        }
        _ => panic!("no reference for {name}"),
    }
}

fn sigmoid(x: f64) -> f64 {
    let z = (-x.abs()).exp();
    if x < 0.0 { z / (1.0 + z) } else { 1.0 / (1.0 + z) }
}

/// `2 / sqrt(pi) e^(-x^2)` times the sum of `2^k x^(2 k + 1) / (2 k + 1)!!`, whose terms are all of one sign.
fn erf(x: f64) -> f64 {
    if x.is_nan() || x == 0.0 {
        return x;
    }
    if x.abs() > 6.5 {
        return 1_f64.copysign(x);
    }
    let (mut term, mut sum, mut k) = (x, 0.0, 0.0);
    while sum + term != sum {
        sum += term;
        k += 1.0;
        term *= 2.0 * x * x / (2.0 * k + 1.0);
    }
    2.0 / std::f64::consts::PI.sqrt() * (-x * x).exp() * sum
}

/// The normal distribution function: below -3 by its continued fraction.
fn normal(x: f64) -> f64 {
    if x > -3.0 || x.is_nan() {
        return (1.0 + erf(x / 2_f64.sqrt())) / 2.0;
    }
    let a = -x;
    let mut fraction = a;
    for k in (1..200).rev() {
        fraction = a + f64::from(k) / fraction;
    }
    (-x * x / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt() / fraction
}

/// `mantissa * 2^exponent`.
pub(crate) struct Exact {
    pub(crate) mantissa: BigInt,
    pub(crate) exponent: i64,
}

/// Fraction bits of the fixed-point numbers below.
const PLACES: i64 = 320;

/// A finite number as `mantissa * 2^exponent`.
fn parts(x: f64) -> (i64, i64) {
    let field = i64::try_from(x.to_bits() >> 52 & 0x7ff).unwrap();
    let fraction = i64::try_from(x.to_bits() & ((1 << 52) - 1)).unwrap();
    let size = if field == 0 { fraction } else { fraction | 1 << 52 };
    (if x < 0.0 { -size } else { size }, field.max(1) - 1075)
}

fn shifted(value: BigInt, by: i64) -> BigInt {
    if by >= 0 { value << by } else { value >> -by }
}

fn fixed(x: f64, places: i64) -> BigInt {
    let (mantissa, exponent) = parts(x);
    shifted(mantissa.into(), exponent + places)
}

/// The sum of x^k / k! over the k from `first` in steps of `step`, with alternating signs if `step` is 2.
fn series(x: &BigInt, places: i64, first: u32, step: u32) -> BigInt {
    let mut term = if first == 0 { BigInt::from(1) << places } else { x.clone() };
    let mut sum = BigInt::from(0);
    let mut k = first;
    while term != BigInt::from(0) && term != BigInt::from(-1) {
        sum += &term;
        for _ in 0..step {
            k += 1;
            term = ((term * x) >> places) / k;
        }
        if step == 2 {
            term = -term;
        }
    }
    sum
}

/// ln 2 = sum of 1 / (k 2^k).
fn ln_2() -> BigInt {
    (1..PLACES).map(|k| (BigInt::from(1) << (PLACES - k)) / k).sum()
}

/// 2^k e^r, for a fixed-point r.
fn exp_of(r: &BigInt, k: i64) -> Exact {
    Exact { mantissa: series(r, PLACES, 0, 1), exponent: k - PLACES }
}

fn exact_exp(x: f64) -> Exact {
    let k = (x * std::f64::consts::LOG2_E).round();
    exp_of(&(fixed(x, PLACES) - ln_2() * fixed(k, 0)), fixed(k, 0).try_into().unwrap())
}

fn exact_exp2(x: f64) -> Exact {
    let k = x.round();
    exp_of(&((fixed(x - k, PLACES) * ln_2()) >> PLACES), fixed(k, 0).try_into().unwrap())
}

fn one() -> BigInt {
    BigInt::from(1) << PLACES
}

/// A fixed-point number as it is.
fn of_fixed(mantissa: BigInt) -> Exact {
    Exact { mantissa, exponent: -PLACES }
}

/// In fixed point; what is below is lost.
fn to_fixed(x: &Exact) -> BigInt {
    shifted(x.mantissa.clone(), x.exponent + PLACES)
}

/// `e^v` for a fixed-point v.
fn exp_fixed(v: &BigInt) -> Exact {
    let ln_2 = ln_2();
    let k: BigInt = (v + (&ln_2 >> 1)) / &ln_2;
    exp_of(&(v - &k * ln_2), k.try_into().unwrap())
}

/// The logarithm of `mantissa * 2^exponent`: one step of Newton's method from a guess, by the series of `ln(1 + d)`.
fn ln_of(number: &BigInt, places: i64, guess: f64) -> BigInt {
    let inverse = exact_exp(-guess);
    let d = shifted(inverse.mantissa * number, inverse.exponent + places + PLACES) - one();
    let mut power = d.clone();
    let mut sum = fixed(guess, PLACES);
    for k in 1..8 {
        let term = &power / BigInt::from(k);
        sum += if k % 2 == 1 { term } else { -term };
        power = (power * &d) >> PLACES;
    }
    sum
}

fn fixed_ln(x: f64) -> BigInt {
    let (m, e) = parts(x);
    ln_of(&m.into(), e, x.ln())
}

fn exact_ln(x: f64, base: Option<&BigInt>) -> Exact {
    let ln = fixed_ln(x);
    of_fixed(base.map_or(ln.clone(), |base| (ln << PLACES) / base))
}

fn exact_sine(x: f64, first: u32) -> Exact {
    // The largest term of the series is below e^512.
    Exact { mantissa: series(&fixed(x, 1_100), 1_100, first, 2), exponent: -1_100 }
}

fn exact_tan(x: f64) -> Exact {
    let (sine, cosine) = (exact_sine(x, 1).mantissa, exact_sine(x, 0).mantissa);
    Exact { mantissa: (sine << 1_100) / cosine, exponent: -1_100 }
}

/// The angle of a point, from a guess: what is left after turning it back is small.
fn angle(y: &BigInt, x: &BigInt, guess: f64) -> BigInt {
    let turn = fixed(guess, PLACES);
    let (sine, cosine) = (series(&turn, PLACES, 1, 2), series(&turn, PLACES, 0, 2));
    let up = y * &cosine - x * &sine;
    let across = x * &cosine + y * &sine;
    let d = (up << PLACES) / across;
    let square = (&d * &d) >> PLACES;
    let cube = (&d * &square) >> PLACES;
    let fifth = (&cube * &square) >> PLACES;
    turn + d - cube / 3 + fifth / 5
}

fn exact_atan2(y: f64, x: f64) -> Exact {
    let ((m, e), (n, f)) = (parts(y), parts(x));
    let lowest = e.min(f);
    let (up, across) = (BigInt::from(m) << (e - lowest), BigInt::from(n) << (f - lowest));
    if x > 0.0 && exponent(y) < exponent(x) - 60 {
        return Exact { mantissa: (up << 2_300) / across, exponent: -2_300 };
    }
    of_fixed(angle(&up, &across, y.atan2(x)))
}

/// `sqrt(1 - x^2)`
fn other_side(x: f64) -> BigInt {
    let side = fixed(x, PLACES);
    ((BigInt::from(1) << (2 * PLACES)) - &side * &side).sqrt()
}

/// By Machin's formula, 16 atan(1/5) - 4 atan(1/239).
fn pi(places: i64) -> BigInt {
    let atan_of_inverse = |n: u32| {
        let (mut power, mut sum, mut k) = ((BigInt::from(1) << places) / n, BigInt::from(0), 1);
        while power != BigInt::from(0) {
            let term: BigInt = &power / k;
            sum += if k % 4 == 1 { term } else { -term };
            power /= n * n;
            k += 2;
        }
        sum
    };
    16 * atan_of_inverse(5) - 4 * atan_of_inverse(239)
}

fn exact_erf(x: f64) -> Exact {
    let root = (pi(PLACES) << PLACES).sqrt();
    if x.abs() < 2_f64.powi(-60) {
        let (mantissa, exponent) = parts(x);
        return Exact {
            mantissa: (BigInt::from(2 * mantissa) << (2 * PLACES)) / root,
            exponent: exponent - PLACES,
        };
    }
    let x = fixed(x, PLACES);
    let square = (&x * &x) >> PLACES;
    let (mut term, mut sum, mut k) = (x, BigInt::from(0), 0);
    while term != BigInt::from(0) && term != BigInt::from(-1) {
        sum += &term / (2 * k + 1);
        k += 1;
        term = -((term * &square) >> PLACES) / k;
    }
    of_fixed(((2 * sum) << PLACES) / root)
}

/// Fraction bits for the tail of the normal distribution: `e^(-39^2 / 2)` is `2^-1098`.
const TAIL: i64 = 1_500;

/// `1/2 - e^(-a^2 / 2) / sqrt(2 pi)` times the sum of `a^(2 k + 1) / (2 k + 1)!!`.
fn exact_tail(a: f64) -> BigInt {
    let a = fixed(a, TAIL);
    let square = (&a * &a) >> TAIL;
    let (mut term, mut sum, mut k) = (a, BigInt::from(0), 1);
    while term != BigInt::from(0) {
        sum += &term;
        k += 2;
        term = ((term * &square) >> TAIL) / k;
    }
    // e^(a^2 / 2) by ten squarings; it is at most 2^1100, so it has no less precision than the sum.
    let mut bell = series(&(square >> 11), TAIL, 0, 1);
    for _ in 0..10 {
        bell = (&bell * &bell) >> TAIL;
    }
    let circle: BigInt = 2 * pi(2 * TAIL);
    let root = circle.sqrt();
    (BigInt::from(1) << (TAIL - 1)) - ((sum << (2 * TAIL)) / bell) / root
}

fn exact_gelu(x: f64) -> Exact {
    let (mantissa, exponent) = parts(x);
    let tail = exact_tail(x.abs());
    let weight = if x < 0.0 { tail } else { (BigInt::from(1) << TAIL) - tail };
    Exact { mantissa: weight * mantissa, exponent: exponent - TAIL }
}

fn exact_sigmoid(x: f64) -> Exact {
    let z = exact_exp(-x.abs());
    let below = one() + to_fixed(&z);
    let (above, exponent) = if x < 0.0 { (z.mantissa, z.exponent) } else { (one(), -PLACES) };
    Exact { mantissa: (above << (2 * PLACES)) / below, exponent: exponent - PLACES }
}

fn exact_tanh(x: f64) -> Exact {
    let z = to_fixed(&exact_exp(-2.0 * x.abs()));
    let size = ((one() - &z) << PLACES) / (one() + z);
    of_fixed(if x < 0.0 { -size } else { size })
}

/// `(e^x + sign e^-x) / 2`
fn exact_hyperbolic(x: f64, sign: i32) -> Exact {
    let (up, down) = (to_fixed(&exact_exp(x)), to_fixed(&exact_exp(-x)));
    Exact { mantissa: up + down * sign, exponent: -PLACES - 1 }
}

fn exact_softplus(x: f64) -> Exact {
    let z = exact_exp(-x.abs());
    let small = to_fixed(&z);
    if x < -60.0 {
        // ln(1 + z) = z (1 - z / 2) to more than f64.
        return Exact { mantissa: z.mantissa * (one() - (small >> 1)), exponent: z.exponent - PLACES };
    }
    let rest = ln_of(&(one() + small), -PLACES, (-x.abs()).exp().ln_1p());
    of_fixed(if x < 0.0 { rest } else { rest + fixed(x, PLACES) })
}

/// The root of order `order` of a positive number.
fn exact_root(x: f64, order: u32) -> Exact {
    let (mantissa, exponent) = parts(x);
    let over = exponent.rem_euclid(i64::from(order));
    let scaled = BigInt::from(mantissa) << (1_200 + over);
    let root = if order == 2 { scaled.sqrt() } else { scaled.cbrt() };
    Exact { mantissa: root, exponent: (exponent - over - 1_200) / i64::from(order) }
}

fn quotient(above: &Exact, below: &Exact) -> Exact {
    Exact {
        mantissa: (above.mantissa.clone() << 1_000) / &below.mantissa,
        exponent: above.exponent - below.exponent - 1_000,
    }
}

fn exact_hypot(x: f64, y: f64) -> Exact {
    let ((m, e), (n, f)) = (parts(x), parts(y));
    let lowest = e.min(f);
    let (a, b) = (BigInt::from(m) << (e - lowest), BigInt::from(n) << (f - lowest));
    let square: BigInt = (&a * &a + &b * &b) << 400;
    Exact { mantissa: square.sqrt(), exponent: lowest - 200 }
}

fn exact_pow(x: f64, y: f64) -> Option<Exact> {
    let product: BigInt = shifted(fixed_ln(x.abs()) * parts(y).0, parts(y).1);
    let size: f64 = (x.abs().ln() * y).abs();
    if size > 1_200.0 || size < 2_f64.powi(-60) {
        return None;
    }
    let result = exp_fixed(&product);
    let odd = y % 2.0 != 0.0;
    Some(if x < 0.0 && odd { Exact { mantissa: -result.mantissa, ..result } } else { result })
}

fn of_f64(x: f64) -> Exact {
    let (mantissa, exponent) = parts(x);
    Exact { mantissa: mantissa.into(), exponent }
}

/// The exact value of a function where f64 has to be measured; `None` where [`approximate`] itself is exact enough,
/// because the result is infinite, not a number, zero, or so small or near 1 that the argument says it all.
pub(crate) fn exact_value(name: &str, x: &[f64]) -> Option<Exact> {
    let (a, b) = (x[0], x.get(1).copied().unwrap_or(1.0));
    if !a.is_finite() || !b.is_finite() || a == 0.0 || b == 0.0 {
        return None;
    }
    let tiny = a.abs() < 2_f64.powi(-60);
    match name {
        "exp" | "exp2" | "expm1" | "sinh" | "cosh" if a.abs() > 1_200.0 || tiny => None,
        "exp" => Some(exact_exp(a)),
        "exp2" => Some(exact_exp2(a)),
        "expm1" => Some(of_fixed(to_fixed(&exact_exp(a)) - one())),
        "sinh" => Some(exact_hyperbolic(a, -1)),
        "cosh" => Some(exact_hyperbolic(a, 1)),
        "ln" | "log2" | "log10" | "sqrt" | "rsqrt" if a < 0.0 => None,
        "ln" => Some(exact_ln(a, None)),
        "log2" => Some(exact_ln(a, Some(&ln_2()))),
        "log10" => Some(exact_ln(a, Some(&fixed_ln(10.0)))),
        "log1p" if tiny || a <= -1.0 => None,
        "log1p" => Some(of_fixed(ln_of(&(one() + fixed(a, PLACES)), -PLACES, a.ln_1p()))),
        "recip" | "recip_taylor" => Some(quotient(&of_f64(1.0), &of_f64(a))),
        "div" => Some(quotient(&of_f64(a), &of_f64(b))),
        "sqrt" => Some(exact_root(a, 2)),
        "rsqrt" => Some(quotient(&of_f64(1.0), &exact_root(a, 2))),
        "cbrt" => {
            let root = exact_root(a.abs(), 3);
            Some(if a < 0.0 { Exact { mantissa: -root.mantissa, ..root } } else { root })
        }
        "pow" if a < 0.0 && b % 1.0 != 0.0 => None,
        "pow" => exact_pow(a, b),
        "hypot" => Some(exact_hypot(a, b)),
        "sin" | "cos" | "tan" if tiny || a.abs() >= 512.0 => None,
        "sin" => Some(exact_sine(a, 1)),
        "cos" => Some(exact_sine(a, 0)),
        "tan" => Some(exact_tan(a)),
        "asin" | "acos" if a.abs() > 1.0 || (tiny && name == "asin") => None,
        "asin" => Some(of_fixed(angle(&fixed(a, PLACES), &other_side(a), a.asin()))),
        "acos" => Some(of_fixed(angle(&other_side(a), &fixed(a, PLACES), a.acos()))),
        "atan" if tiny => None,
        "atan" => Some(exact_atan2(a, 1.0)),
        "atan2" => Some(exact_atan2(a, b)),
        "tanh" if tiny || a.abs() > 50.0 => None,
        "tanh" => Some(exact_tanh(a)),
        "erf" if a.abs() > 6.5 => None,
        "erf" => Some(exact_erf(a)),
        "sigmoid" | "silu" | "softplus" if a.abs() > 1_200.0 => None,
        "sigmoid" if tiny => None,
        "sigmoid" => Some(exact_sigmoid(a)),
        "silu" => {
            let (mantissa, exponent) = parts(a);
            let sigmoid = exact_sigmoid(if tiny { 0.0 } else { a });
            Some(Exact { mantissa: sigmoid.mantissa * mantissa, exponent: sigmoid.exponent + exponent })
        }
        "softplus" => Some(exact_softplus(a)),
        "gelu" if a.abs() > 39.0 || tiny => None,
        "gelu" => Some(exact_gelu(a)),
        "relu" => Some(of_f64(a.max(0.0))),
        _ => panic!("no exact reference for {name}"),
    }
}

/// The error of an f64 result in ulp.
pub(crate) fn wide_error(result: f64, exact: &Exact) -> f64 {
    let bits = i64::try_from(exact.mantissa.bits()).unwrap();
    let top = if bits == 0 { -1_022 } else { (bits - 1 + exact.exponent).max(-1_022) };
    if top > 1_023 {
        return if result.is_infinite() { 0.0 } else { f64::INFINITY };
    }
    if !result.is_finite() {
        return if top == 1_023 && bits > 0 { 0.5 } else { f64::INFINITY };
    }
    let (mantissa, exponent) = parts(result);
    let common = exponent.min(exact.exponent);
    let difference = (BigInt::from(mantissa) << (exponent - common))
        - (exact.mantissa.clone() << (exact.exponent - common));
    let cut = (i64::try_from(difference.bits()).unwrap() - 60).max(0);
    let leading: i64 = (difference >> cut).try_into().unwrap();
    (leading as f64).abs()
        * 2_f64.powi(i32::try_from(common + cut - (top - 52)).unwrap().clamp(-1_000, 1_000))
}
