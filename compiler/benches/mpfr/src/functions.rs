//! The library's functions, where their bounds are stated, and what MPFR makes of them. MPFR rounds each of its functions
//! correctly; with 64 bits more than the format has, a composition of a few is exact enough.

use rug::Float;
use rug::ops::Pow as _;

use crate::format::zero;

/// A function and its reference.
pub struct Function {
    /// As the library names it.
    pub name: &'static str,
    /// How many arguments it has.
    pub arity: usize,
    /// Where its bound is stated.
    pub domain: fn(&[f64]) -> bool,
    /// Its value with some bits of precision.
    pub exact: fn(&[f64], u32) -> Float,
}

const fn unary(name: &'static str, exact: fn(&[f64], u32) -> Float) -> Function {
    Function { name, arity: 1, domain: |_| true, exact }
}

const fn within(name: &'static str, domain: fn(&[f64]) -> bool, exact: fn(&[f64], u32) -> Float) -> Function {
    Function { name, arity: 1, domain, exact }
}

const fn binary(name: &'static str, domain: fn(&[f64]) -> bool, exact: fn(&[f64], u32) -> Float) -> Function {
    Function { name, arity: 2, domain, exact }
}

fn of(x: f64, precision: u32) -> Float {
    Float::with_val(precision, x)
}

fn positive(x: &[f64]) -> bool {
    x[0] > 0.0
}

fn angle(x: &[f64]) -> bool {
    x[0].abs() < 512.0
}

fn at_most_1(x: &[f64]) -> bool {
    x[0].abs() <= 1.0
}

fn finite(x: &[f64]) -> bool {
    x.iter().all(|x| x.is_finite())
}

/// All that are measured.
pub const FUNCTIONS: &[Function] = &[
    unary("exp", |x, p| of(x[0], p).exp()),
    unary("exp2", |x, p| of(x[0], p).exp2()),
    unary("expm1", |x, p| of(x[0], p).exp_m1()),
    within("ln", positive, |x, p| of(x[0], p).ln()),
    within("log2", positive, |x, p| of(x[0], p).log2()),
    within("log10", positive, |x, p| of(x[0], p).log10()),
    within("log1p", |x| x[0] > -1.0, |x, p| of(x[0], p).ln_1p()),
    within("recip", |x| x[0] != 0.0, |x, p| of(x[0], p).recip()),
    within("recip_taylor", |x| x[0] != 0.0, |x, p| of(x[0], p).recip()),
    within("sqrt", |x| x[0] >= 0.0, |x, p| of(x[0], p).sqrt()),
    within("rsqrt", positive, |x, p| of(x[0], p).recip_sqrt()),
    unary("cbrt", |x, p| of(x[0], p).cbrt()),
    within("sin", angle, |x, p| of(x[0], p).sin()),
    within("cos", angle, |x, p| of(x[0], p).cos()),
    within("tan", angle, |x, p| of(x[0], p).tan()),
    within("asin", at_most_1, |x, p| of(x[0], p).asin()),
    within("acos", at_most_1, |x, p| of(x[0], p).acos()),
    unary("atan", |x, p| of(x[0], p).atan()),
    unary("sinh", |x, p| of(x[0], p).sinh()),
    unary("cosh", |x, p| of(x[0], p).cosh()),
    unary("tanh", |x, p| of(x[0], p).tanh()),
    unary("erf", |x, p| of(x[0], p).erf()),
    unary("sigmoid", |x, p| sigmoid(x[0], p)),
    unary("softplus", |x, p| {
        let rest = of(-x[0].abs(), p).exp().ln_1p();
        if x[0] > 0.0 { rest + x[0] } else { rest }
    }),
    unary("relu", |x, p| if x[0] > 0.0 { of(x[0], p) } else { zero(p) }),
    within("silu", finite, |x, p| sigmoid(x[0], p) * x[0]),
    // x / 2 erfc(-x / sqrt 2); the rounded argument is felt x^2 times as much, and x^2 < 2^12 where the result is not 0.
    within("gelu", finite, |x, p| {
        let p = p + 16;
        let argument = of(-x[0], p) / of(2.0, p).sqrt();
        argument.erfc() * (x[0] / 2.0)
    }),
    binary("div", |x| x[1] != 0.0, |x, p| of(x[0], p) / of(x[1], p)),
    binary(
        "pow",
        |x| finite(x) && (x[0] > 0.0 || x[0] < 0.0 && x[1] % 1.0 == 0.0),
        |x, p| of(x[0], p).pow(of(x[1], p)),
    ),
    binary("hypot", |_| true, |x, p| of(x[0], p).hypot(&of(x[1], p))),
    binary("atan2", |_| true, |x, p| of(x[0], p).atan2(&of(x[1], p))),
];

/// `1 / (1 + e^-x)`.
fn sigmoid(x: f64, precision: u32) -> Float {
    let power = of(-x, precision).exp();
    (power + 1_u32).recip()
}
