//! Best polynomial approximations, computed in integers.
//!
//! In: a function on a segment as its Taylor polynomial in `t`, the distance from the middle in segments, so that
//! `|t| <= 1/2`. Out: the polynomial of a lower degree with the least largest error (minimax), found by the exchange
//! algorithm (Remez, C. R. Acad. Sci. Paris 198, 1934), with coefficients that are multiples of a unit; and proven bounds
//! of the difference of two polynomials, from Bernstein coefficients (Bernstein, 1912: a polynomial lies between the
//! least and the largest of them).
//!
//! Numbers are integers in units of `2^-PLACES`; every operation rounds down, so its error is below one unit. Nothing
//! here is floating point: the same input gives the same output on every machine.

use num_bigint::BigInt;
use num_rational::Ratio;
use num_traits::{Signed as _, Zero as _};

/// Fraction bits of the numbers here.
const PLACES: u32 = 320;
/// Rounds of the exchange algorithm. It converges quadratically, and starts next to the points of Chebyshev.
const ROUNDS: usize = 3;
/// Points between which an extremum of the error is looked for, for each coefficient.
const GRID: i64 = 12;
/// Pieces of the segment for [`largest_difference`].
const PIECES: i64 = 4;

/// An exact number.
type Exact = Ratio<BigInt>;

/// Coefficients of 1, t, t^2 .. in units of `2^-PLACES`.
type Polynomial = Vec<BigInt>;

/// The polynomial of a degree with the least largest difference from `function` for `|t| <= 1/2`, its coefficients
/// multiples of `unit`: rounded from the highest down, and the lower ones chosen anew after each, if that is better.
/// (It is not where the remainder is nearly odd or even: its best approximation then has a higher degree.)
pub(crate) fn minimax(function: &[Exact], degree: usize, unit: &Exact) -> Vec<Exact> {
    let mut rest: Polynomial = function.iter().map(to_fixed).collect();
    let mut found = vec![Exact::zero(); degree + 1];
    let mut best: Option<Polynomial> = None;
    for place in (0..=degree).rev() {
        let anew = exchange(&rest, place);
        let chosen =
            best.filter(|kept| largest_seen(&rest, kept) <= largest_seen(&rest, &anew)).unwrap_or(anew);
        let coefficient = (of_fixed(&chosen[place]) / unit).round() * unit;
        if rest.len() <= place {
            rest.resize(place + 1, BigInt::zero());
        }
        rest[place] -= to_fixed(&coefficient);
        found[place] = coefficient;
        best = Some(chosen[..place].to_vec());
    }
    found
}

/// A bound of `|a - b|` for `|t| <= 1/2`.
pub(crate) fn largest_difference(a: &[Exact], b: &[Exact]) -> Exact {
    let zero = Exact::zero();
    let difference: Polynomial = (0..a.len().max(b.len()))
        .map(|place| to_fixed(&(a.get(place).unwrap_or(&zero) - b.get(place).unwrap_or(&zero))))
        .collect();
    let mut largest = BigInt::zero();
    for piece in 0..PIECES {
        let low = (BigInt::from(2 * piece - PIECES) << PLACES) / (2 * PIECES);
        let on_unit = scaled(&shifted(&difference, &low), PIECES);
        largest = bernstein(&on_unit).into_iter().map(|value| value.abs()).fold(largest, BigInt::max);
    }
    // Fewer than 2^16 operations led to each coefficient.
    of_fixed(&(largest + (BigInt::from(1) << 16)))
}

/// Coefficients of [`sign_minimax`].
pub(crate) const SIGN_COEFFICIENTS: i64 = 4;
/// Pieces of the interval for the bound of [`sign_minimax`], and points on it between which extrema are looked for.
const SIGN_PIECES: i64 = 64;
const SIGN_GRID: i64 = 400;
/// The largest bounds of intervals of [`sign_minimax`], as powers of two.
const SIGN_RANGE: (u32, u32) = (100, 2);

/// Of the odd polynomials of a degree, the one with the least largest difference from 1 on `[low, high]`, and so from the
/// sign on both sides of 0: its coefficients of x, x^3, .., multiples of `unit`, and a bound of the difference. None unless
/// `0 < low < high` are within [`SIGN_RANGE`] and the degree is 3, 5 or 7.
///
/// `1 - x q(x^2)` is what is levelled, so that over u = x^2 the divided differences are those of 1 / x and of the signs
/// over x.
pub(crate) fn sign_minimax(
    low: &Exact,
    high: &Exact,
    degree: i64,
    unit: &Exact,
) -> Option<(Vec<Exact>, Exact)> {
    let power = |exponent: u32| BigInt::from(1) << exponent;
    let least = Exact::new(1.into(), power(SIGN_RANGE.0));
    let most = Exact::from_integer(power(SIGN_RANGE.1));
    let known = *low >= least && low < high && *high <= most && unit.is_positive();
    if !known || ![3, 5, 7].contains(&degree) {
        return None;
    }
    let count = usize::try_from(i64::midpoint(degree, 3)).expect("a small degree");
    let (from, to) = (to_fixed(low), to_fixed(high));
    let mut points: Vec<BigInt> = chebyshev_points(count)
        .iter()
        .map(|t| &from + times(&(&to - &from), &(t + (BigInt::from(1) << (PLACES - 1)))))
        .collect();
    let mut best = levelled_sign(&points);
    for _ in 0..2 * ROUNDS {
        let next = sign_extrema(&best, &from, &to);
        if next.len() != count || next == points {
            break;
        }
        points = next;
        best = levelled_sign(&points);
    }
    let mut found: Vec<Exact> = best.iter().map(|value| (of_fixed(value) / unit).round() * unit).collect();
    let difference = sign_difference(&found, &from, &to);
    found.resize(usize::try_from(SIGN_COEFFICIENTS).expect("a few"), Exact::zero());
    Some((found, difference))
}

/// q with `1 - x q(x^2)` equal in size and alternating in sign at the points.
fn levelled_sign(points: &[BigInt]) -> Polynomial {
    let one = BigInt::from(1) << PLACES;
    let squares: Vec<BigInt> = points.iter().map(|x| times(x, x)).collect();
    let values: Vec<BigInt> = points.iter().map(|x| (&one << PLACES) / x).collect();
    let signs: Vec<BigInt> =
        values.iter().enumerate().map(|(k, value)| if k % 2 == 0 { value.clone() } else { -value }).collect();
    interpolated(&squares, &values, &signs)
}

/// Where `1 - x q(x^2)` is largest between its changes of sign.
fn sign_extrema(q: &[BigInt], from: &BigInt, to: &BigInt) -> Vec<BigInt> {
    let one = BigInt::from(1) << PLACES;
    largest_between((0..=SIGN_GRID).map(|step| {
        let x = from + (to - from) * step / SIGN_GRID;
        let value = &one - times(&x, &value_at(q, &times(&x, &x)));
        (x, value)
    }))
}

/// A bound of `|1 - x q(x^2)|`, from Bernstein coefficients.
fn sign_difference(q: &[Exact], from: &BigInt, to: &BigInt) -> Exact {
    let mut error = vec![BigInt::from(1) << PLACES];
    for coefficient in q {
        error.extend([-to_fixed(coefficient), BigInt::zero()]);
    }
    let width = (to - from) / SIGN_PIECES + 1;
    let mut largest = BigInt::zero();
    for piece in 0..SIGN_PIECES {
        let at_piece = shifted(&error, &(from + (to - from) * piece / SIGN_PIECES));
        let mut power = BigInt::from(1) << PLACES;
        let mut on_unit = Vec::with_capacity(at_piece.len());
        for coefficient in at_piece {
            on_unit.push(times(&coefficient, &power));
            power = times(&power, &width);
        }
        largest = bernstein(&on_unit).into_iter().map(|value| value.abs()).fold(largest, BigInt::max);
    }
    // As for `largest_difference`; of coefficients below 2^32.
    of_fixed(&(largest + (BigInt::from(1) << 64)))
}

fn to_fixed(value: &Exact) -> BigInt {
    (value.numer() << PLACES) / value.denom()
}

fn of_fixed(value: &BigInt) -> Exact {
    Exact::new(value.clone(), BigInt::from(1) << PLACES)
}

fn times(a: &BigInt, b: &BigInt) -> BigInt {
    (a * b) >> PLACES
}

fn value_at(polynomial: &[BigInt], t: &BigInt) -> BigInt {
    polynomial.iter().rev().fold(BigInt::zero(), |value, coefficient| times(&value, t) + coefficient)
}

/// Exchange: the error at `degree + 2` points is made equal in size and alternating in sign, then the points move to
/// where the error is largest.
fn exchange(function: &[BigInt], degree: usize) -> Polynomial {
    let mut points = chebyshev_points(degree + 2);
    let mut best = levelled(function, &points);
    for _ in 0..ROUNDS {
        let next = extrema(function, &best, degree + 2);
        if next.len() != degree + 2 || next == points {
            break;
        }
        points = next;
        best = levelled(function, &points);
    }
    best
}

/// Next to `cos(pi k / (count - 1)) / 2`, in rising order, by Bhaskara's approximation of the cosine.
fn chebyshev_points(count: usize) -> Vec<BigInt> {
    let last = count as i64 - 1;
    let point = |k: i64| {
        // u = k / last in [0, 1]; cos(pi u) is (1 - 4 u^2) / (1 + u^2) for u <= 1/2.
        let (k, sign) = if 2 * k <= last { (k, -1) } else { (last - k, 1) };
        (BigInt::from(sign * (last * last - 4 * k * k)) << PLACES) / (2 * (last * last + k * k))
    };
    (0..=last).map(point).collect()
}

/// The polynomial, of degree two less than there are points, whose error at them is equal in size and alternating in
/// sign: its size is the quotient of the divided differences of the function and of the signs.
fn levelled(function: &[BigInt], points: &[BigInt]) -> Polynomial {
    let values: Vec<BigInt> = points.iter().map(|t| value_at(function, t)).collect();
    let signs: Vec<BigInt> =
        (0..points.len()).map(|k| BigInt::from(if k % 2 == 0 { 1 } else { -1 }) << PLACES).collect();
    interpolated(points, &values, &signs)
}

/// The polynomial, of degree two less than there are points, that is the values less a multiple of the signs there.
fn interpolated(points: &[BigInt], values: &[BigInt], signs: &[BigInt]) -> Polynomial {
    let (of_values, of_signs) = (differences(points, values), differences(points, signs));
    let last = points.len() - 1;
    let level = (&of_values[last] << PLACES) / &of_signs[last];
    let newton: Vec<BigInt> =
        of_values.iter().zip(&of_signs).map(|(value, sign)| value - times(&level, sign)).collect();
    // Newton's form to powers of t.
    let mut polynomial = vec![BigInt::zero(); last];
    for (coefficient, point) in newton[..last].iter().zip(points).rev() {
        for place in (0..last).rev() {
            let below = if place == 0 { coefficient.clone() } else { polynomial[place - 1].clone() };
            polynomial[place] = below - times(&polynomial[place], point);
        }
    }
    polynomial
}

/// Divided differences: entry k is that of the first k + 1 points.
fn differences(points: &[BigInt], values: &[BigInt]) -> Vec<BigInt> {
    let mut table = values.to_vec();
    for order in 1..points.len() {
        for at in (order..points.len()).rev() {
            table[at] = ((&table[at] - &table[at - 1]) << PLACES) / (&points[at] - &points[at - order]);
        }
    }
    table
}

/// Where the error is largest between its changes of sign, among equally spaced points.
fn extrema(function: &[BigInt], best: &[BigInt], count: usize) -> Vec<BigInt> {
    largest_between(errors(function, best, GRID * count as i64))
}

/// Of points with values, those where the value is largest between its changes of sign.
fn largest_between(errors: impl Iterator<Item = (BigInt, BigInt)>) -> Vec<BigInt> {
    let mut found: Vec<(BigInt, BigInt)> = Vec::new();
    for (t, value) in errors {
        if value.is_zero() {
            continue;
        }
        match found.last_mut() {
            Some(last) if last.1.sign() == value.sign() => {
                if value.abs() > last.1.abs() {
                    *last = (t, value);
                }
            }
            Some(_) | None => found.push((t, value)),
        }
    }
    found.into_iter().map(|(t, _)| t).collect()
}

/// The largest error among equally spaced points.
fn largest_seen(function: &[BigInt], best: &[BigInt]) -> BigInt {
    let steps = GRID * (best.len() as i64 + 1);
    errors(function, best, steps).map(|(_, error)| error.abs()).max().unwrap_or_default()
}

/// The points that cut `|t| <= 1/2` into so many steps, and the error there.
fn errors(
    function: &[BigInt],
    best: &[BigInt],
    steps: i64,
) -> impl Iterator<Item = (BigInt, BigInt)> + use<> {
    let mut error = function.to_vec();
    error.resize(function.len().max(best.len()), BigInt::zero());
    for (place, coefficient) in best.iter().enumerate() {
        error[place] -= coefficient;
    }
    (0..=steps).map(move |step| {
        let t = (BigInt::from(2 * step - steps) << PLACES) / (2 * steps);
        let value = value_at(&error, &t);
        (t, value)
    })
}

/// `p(t + by)`
fn shifted(polynomial: &[BigInt], by: &BigInt) -> Polynomial {
    let mut result = polynomial.to_vec();
    for from in 0..result.len() {
        for place in (from..result.len() - 1).rev() {
            let carried = times(&result[place + 1], by);
            result[place] += carried;
        }
    }
    result
}

/// `p(t / by)`
fn scaled(polynomial: &[BigInt], by: i64) -> Polynomial {
    let mut divisor = BigInt::from(1);
    let mut result = Vec::with_capacity(polynomial.len());
    for coefficient in polynomial {
        result.push(coefficient / &divisor);
        divisor *= by;
    }
    result
}

/// Bernstein coefficients on [0, 1]: `b_j` is the sum over `i <= j` of `C(j, i) / C(n, i) a_i`.
fn bernstein(polynomial: &[BigInt]) -> Vec<BigInt> {
    let degree = polynomial.len().saturating_sub(1);
    (0..=degree)
        .map(|j| {
            let mut weight = Exact::from_integer(1.into());
            let mut sum = BigInt::zero();
            for (i, coefficient) in polynomial.iter().enumerate().take(j + 1) {
                sum += coefficient * weight.numer() / weight.denom();
                weight *= Exact::new(BigInt::from(j - i), BigInt::from((degree - i).max(1)));
            }
            sum
        })
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn exact(numer: i64, denom: i64) -> Exact {
        Exact::new(numer.into(), denom.into())
    }

    fn fine() -> Exact {
        Exact::new(BigInt::from(1), BigInt::from(1) << 200)
    }

    fn near(a: &Exact, b: &Exact, tolerance: &Exact) -> bool {
        (a - b).abs() < *tolerance
    }

    /// 1 / k! from 0 on.
    fn exponential(terms: i64) -> Vec<Exact> {
        let mut term = exact(1, 1);
        (0..terms)
            .map(|k| {
                let this = term.clone();
                term /= BigInt::from(k + 1);
                this
            })
            .collect()
    }

    #[test]
    fn a_power_is_best_approximated_by_a_polynomial_of_chebyshev() {
        // t^3 - 3/16 t is 1/32 T_3(2 t): the best line for t^3 is 3/16 t, its error 1/32.
        let cube = [exact(0, 1), exact(0, 1), exact(0, 1), exact(1, 1)];
        let best = minimax(&cube, 2, &fine());
        assert!(near(&best[1], &exact(3, 16), &exact(1, 10_000)), "{best:?}");
        assert!(
            near(&best[0], &exact(0, 1), &exact(1, 10_000))
                && near(&best[2], &exact(0, 1), &exact(1, 10_000))
        );
        assert!(near(&largest_difference(&cube, &best), &exact(1, 32), &exact(1, 100)));
    }

    #[test]
    fn minimax_beats_the_taylor_polynomial_as_it_should() {
        // By a factor of about 2^degree.
        let function = exponential(24);
        for degree in 1..6 {
            let best = largest_difference(&function, &minimax(&function, degree, &fine()));
            let taylor = largest_difference(&function, &function[..=degree]);
            let factor = taylor / best;
            let (low, high) = (exact(1 << degree, 1) * exact(3, 4), exact(1 << degree, 1) * exact(8, 5));
            assert!(factor > low && factor < high, "degree {degree}: {factor}");
        }
    }

    #[test]
    fn the_sign_is_approximated_best_by_polynomials_that_level_the_error() {
        // The error at both ends and at the extremum inside is equal.
        let (low, high) = (exact(1, 2), exact(1, 1));
        let (c, bound) = sign_minimax(&low, &high, 3, &fine()).unwrap();
        let error = |x: &Exact| exact(1, 1) - x * (&c[0] + &c[1] * x * x);
        let inside = (0..=2_000).map(|k| error(&(exact(1, 2) + exact(k, 4_000))).abs()).max().unwrap();
        assert!(inside <= bound && bound < &inside * exact(51, 50), "{inside} {bound}");
        assert!(near(&error(&low).abs(), &error(&high).abs(), &exact(1, 1_000_000)));
        assert!(near(&error(&low).abs(), &inside, &exact(1, 10_000)));
        assert!(c[2].is_zero() && c[3].is_zero());
        // Next to 1 Newton's step for the sign, (3 x - x^3) / 2, is nearly best: 3/8 d^2 is half of its 3/2 d^2.
        let d = exact(1, 64);
        let (_, next) = sign_minimax(&(exact(1, 1) - &d), &(exact(1, 1) + &d), 3, &fine()).unwrap();
        let newton = exact(3, 2) * &d * &d;
        assert!(next < &newton * exact(3, 5) && next > &newton * exact(2, 5), "{next}");
        for degree in [5, 7] {
            let (_, less) = sign_minimax(&low, &high, degree, &fine()).unwrap();
            assert!(less < &bound * exact(2, 5), "degree {degree}: {less}");
        }
        assert!(
            sign_minimax(&high, &low, 3, &fine()).is_none()
                && sign_minimax(&low, &high, 4, &fine()).is_none()
        );
    }

    #[test]
    fn the_bound_is_not_below_any_difference_and_close_to_the_largest() {
        let function = exponential(20);
        let best = minimax(&function, 3, &fine());
        let bound = largest_difference(&function, &best);
        let at = |polynomial: &[Exact], t: &Exact| {
            polynomial.iter().rev().fold(Exact::zero(), |value, coefficient| value * t + coefficient)
        };
        let mut largest = Exact::zero();
        for step in -500..=500 {
            let t = exact(step, 1_000);
            largest = largest.max((at(&function, &t) - at(&best, &t)).abs());
        }
        assert!(largest <= bound && bound < largest * exact(6, 5));
    }

    #[test]
    fn coefficients_are_multiples_of_the_unit_and_chosen_for_each_other() {
        let function = exponential(20);
        let unit = exact(1, 1 << 10);
        let joint = minimax(&function, 2, &unit);
        assert!(joint.iter().all(|coefficient| (coefficient / &unit).is_integer()));
        let each: Vec<Exact> = minimax(&function, 2, &fine())
            .iter()
            .map(|coefficient| (coefficient / &unit).round() * &unit)
            .collect();
        assert!(largest_difference(&function, &joint) <= largest_difference(&function, &each));
    }
}
