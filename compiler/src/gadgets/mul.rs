//! Float multiplication, fused multiply-add, division, square root and remainder.

use ffhec_circuit::Wire;

use super::add::{Wide, add_wide, sum_sign};
use super::bits::{Bits, Gates};
use super::divide::{quotient, restore, square_root};
use super::float::{Class, Operand, Unpacked, normalised, offset, plain_zero, unpack, unpack_normalised};
use super::format::{Family, FloatFormat, Rounding};
use super::mul_fast;
use super::mul_gradual;
use super::multiply::product;
use super::recip;
use super::round::{Below, Exact, Special, round};
use super::shift::{index_bits, normalise_within, shift_left};

/// A result that must be zero in formats without NaN, and NaN in those with it.
fn invalid(format: FloatFormat, special: &mut Special, g: &mut Gates<'_>, wire: Wire) {
    let slot = if format.has_nan() { &mut special.nan } else { &mut special.zero };
    *slot = g.or(*slot, wire);
}

/// Says what is known of the significand of a nonzero result, so that gates fold.
fn set_top(g: &mut Gates<'_>, significand: &mut Bits) {
    if let Some(top) = significand.last_mut() {
        *top = g.bit(true);
    }
}

/// At most one special case stays set: NaN before infinity before the largest before zero.
fn exclusive(g: &mut Gates<'_>, special: Special) -> Special {
    let Special { nan, infinity, largest, zero } = special;
    let infinity = g.and_not(infinity, nan);
    let above = g.or(nan, infinity);
    let largest = g.and_not(largest, above);
    let above = g.or(above, largest);
    let zero = g.and_not(zero, above);
    Special { nan, infinity, largest, zero }
}

/// The exact product of two normalised significands: one of its top two bits is set.
struct Product {
    sign: Wire,
    /// The sum of the biased exponents, for the top bit but one.
    exponent: Bits,
    significand: Bits,
}

/// Steps 1 to 3 of the paper's FMult protocol (FFHE paper, section 6.4): signs added, exponents added, significands
/// multiplied. The one step that it lacks, a shift by one place when the product is below 2, is left to the caller.
fn multiply(g: &mut Gates<'_>, x: &Unpacked, y: &Unpacked, carry: Option<Wire>) -> Product {
    let precision = x.significand.len();
    let sign = g.xor(x.sign, y.sign);
    let significand = product(g, &x.significand, &y.significand, false, 2 * precision);
    let width = x.exponent.len().max(y.exponent.len()) + 1;
    let (a, b) = (g.resize_signed(&x.exponent, width), g.resize_signed(&y.exponent, width));
    let carry = carry.unwrap_or(significand[2 * precision - 1]);
    let (exponent, _) = g.add(&a, &b, carry);
    Product { sign, exponent, significand }
}

/// The top bits of a product, shifted by one place where it is below 2, as far as rounding looks at them, and whether
/// there is more.
fn window(g: &mut Gates<'_>, format: FloatFormat, bits: &[Wire]) -> (Bits, Wire) {
    let top = bits[bits.len() - 1];
    // The precision and a guard, of at least 2 P bits.
    let from = bits.len() - format.precision as usize - 1;
    debug_assert!(from >= 1, "P is 2 at least");
    let word = g.select(top, &bits[from..], &bits[from - 1..bits.len() - 1]);
    let some = g.any(&bits[..from - 1]);
    let last = g.and(top, bits[from - 1]);
    (word, g.or(some, last))
}

/// Zero, infinity and NaN of a product.
fn product_specials(g: &mut Gates<'_>, format: FloatFormat, x: &Class, y: &Class) -> Special {
    let mut special = Special::none(g);
    special.zero = g.or(x.zero, y.zero);
    if format.has_nan() {
        special.infinity = g.or(x.infinite, y.infinite);
        let nan = g.or(x.nan, y.nan);
        let bad = g.and(special.zero, special.infinity);
        special.nan = g.or(nan, bad);
    }
    exclusive(g, special)
}

/// `x * y`: the FMult protocol, normalised and rounded once.
pub fn mul(g: &mut Gates<'_>, format: FloatFormat, x: Operand<'_>, y: Operand<'_>) -> Bits {
    // A public factor comes second, so that it is not exchanged with the encrypted one.
    let (x, y) = if g.known_word(x.bits).is_some() { (y, x) } else { (x, y) };
    if g.shallow() && matches!(format.family, Family::Paper) {
        return mul_fast::mul(g, format, x, y);
    }
    if mul_gradual::fits(g, format) {
        return mul_gradual::mul(g, format, x, y);
    }
    let (mut a, mut b) = (unpack(g, format, x.bits), unpack(g, format, y.bits));
    let special = product_specials(g, format, &a.class, &b.class);
    if format.has_subnormals() {
        // Of two subnormals one may stay as it is: their product is itself below the smallest normal. So only one
        // operand is normalised, the subnormal one.
        let precision = format.precision as usize;
        let swap = if x.bits == y.bits { g.bit(false) } else { g.not(b.significand[precision - 1]) };
        let (first, second) = g.exchange(swap, &a.significand, &b.significand);
        (a.significand, b.significand) = (first, second);
        a = normalised(g, format, a);
    }
    let product = multiply(g, &a, &b, None);
    let base = offset(g, &product.exponent, -(format.bias() + 1), product.exponent.len());
    let (mut significand, sticky) = window(g, format, &product.significand);
    if !format.has_subnormals() {
        set_top(g, &mut significand);
    }
    let exact = Exact { sign: product.sign, base, significand, sticky };
    round(g, format, exact, special, Below::Shift)
}

/// A term of a sum of two: a number or a product with twice the precision.
struct Term {
    /// The significand of a zero is not cleared; its exponent is 0.
    wide: Wide,
    zero: Wire,
    infinite: Wire,
    nan: Wire,
}

/// The exponents of terms, twice biased, are further offset: they stay positive under subnormals, and that of any
/// value but zero is so large that next to it a zero is shifted out altogether.
fn spare(format: FloatFormat) -> i64 {
    let precision = i64::from(format.precision);
    let lowest = if format.has_subnormals() { 2 * precision } else { 0 };
    lowest + 2 * precision + 8
}

/// The width of such an exponent.
fn wide_exponent(format: FloatFormat) -> usize {
    index_bits((2 << format.exponent_bits) + 4 * format.precision as usize + 10)
}

fn product_term(g: &mut Gates<'_>, format: FloatFormat, x: Operand<'_>, y: Operand<'_>) -> Term {
    let a = unpack_normalised(g, format, x.bits);
    let b = unpack_normalised(g, format, y.bits);
    let one = g.bit(true);
    let product = multiply(g, &a, &b, Some(one));
    let zero = g.or(a.class.zero, b.class.zero);
    let nonzero = g.not(zero);
    let exponent = offset(g, &product.exponent, spare(format), wide_exponent(format));
    let exponent = g.and_each(&exponent, nonzero);
    let infinite = g.or(a.class.infinite, b.class.infinite);
    let bad = g.and(zero, infinite);
    let nan = g.any(&[a.class.nan, b.class.nan, bad]);
    Term {
        wide: Wide { sign: product.sign, exponent, significand: product.significand },
        zero,
        infinite,
        nan,
    }
}

fn plain_term(g: &mut Gates<'_>, format: FloatFormat, z: Operand<'_>) -> Term {
    let c = unpack_normalised(g, format, z.bits);
    let present = g.not(c.class.zero);
    let exponent = offset(g, &c.exponent, format.bias() + spare(format), wide_exponent(format));
    let exponent = g.and_each(&exponent, present);
    let mut significand = g.zeros(format.precision as usize);
    significand.extend_from_slice(&c.significand);
    let wide = Wide { sign: c.sign, exponent, significand };
    Term { wide, zero: c.class.zero, infinite: c.class.infinite, nan: c.class.nan }
}

/// `x * y + z` rounded once.
pub fn fma(g: &mut Gates<'_>, format: FloatFormat, x: Operand<'_>, y: Operand<'_>, z: Operand<'_>) -> Bits {
    let (left, right) = (product_term(g, format, x, y), plain_term(g, format, z));
    sum_of_terms(g, format, &left, &right)
}

/// `x0 * y0 + x1 * y1` rounded once.
pub fn dot2(
    g: &mut Gates<'_>,
    format: FloatFormat,
    first: [Operand<'_>; 2],
    second: [Operand<'_>; 2],
) -> Bits {
    let left = product_term(g, format, first[0], first[1]);
    let right = product_term(g, format, second[0], second[1]);
    sum_of_terms(g, format, &left, &right)
}

fn sum_of_terms(g: &mut Gates<'_>, format: FloatFormat, left: &Term, right: &Term) -> Bits {
    // Rounding needs a few bits below the precision; short significands are made long enough.
    let short = (format.precision as usize + 5).saturating_sub(left.wide.significand.len());
    let lengthen = |g: &mut Gates<'_>, wide: &Wide| {
        let mut significand = g.zeros(short);
        significand.extend_from_slice(&wide.significand);
        Wide { sign: wide.sign, exponent: wide.exponent.clone(), significand }
    };
    let (x, y) = (lengthen(g, &left.wide), lengthen(g, &right.wide));
    let differ = g.xor(x.sign, y.sign);
    let one_zero = g.or(left.zero, right.zero);
    let both_zero = g.and(left.zero, right.zero);
    let (mut exact, cancelled) = add_wide(g, format, &x, &y, one_zero);
    let zero_sum = g.or(cancelled, both_zero);
    exact.sign = sum_sign(g, format, exact.sign, differ, zero_sum);
    exact.base = offset(g, &exact.base, -(format.bias() + spare(format)), exact.base.len());

    let mut special = Special::none(g);
    special.zero = zero_sum;
    if format.has_nan() {
        let both = g.and(left.infinite, right.infinite);
        let opposite = g.and(both, differ);
        special.nan = g.any(&[left.nan, right.nan, opposite]);
        special.infinity = g.or(left.infinite, right.infinite);
        // The sign of an infinite result is that of the infinite operand.
        let infinite_sign = g.mux(left.infinite, x.sign, y.sign);
        exact.sign = g.mux(special.infinity, infinite_sign, exact.sign);
    }
    let special = exclusive(g, special);
    round(g, format, exact, special, Below::Shift)
}

/// `x / y`: non-restoring division, as many digits as rounding needs. In formats without infinities `x / 0` is the
/// largest magnitude with the quotient's sign and `0 / 0` is zero.
pub fn div(g: &mut Gates<'_>, format: FloatFormat, x: Operand<'_>, y: Operand<'_>) -> Bits {
    if let Some(negative) = recip::unit_dividend(g, format, x) {
        return recip::recip(g, format, negative, y);
    }
    let a = unpack_normalised(g, format, x.bits);
    let b = unpack_normalised(g, format, y.bits);
    let precision = format.precision as usize;
    let truncate = format.rounding() == Rounding::TowardZero && !g.watches();
    // An exact quotient has no more digits than the dividend, so that none is half way between two normal values, and
    // to nearest the next digit decides.
    let nearest = matches!(format.rounding(), Rounding::NearestEven | Rounding::NearestAway);
    let decided = nearest && !format.has_subnormals() && !g.watches();
    let digits = precision + if truncate { 1 } else { 2 };
    let result = quotient(g, &a.significand, &b.significand, &[], digits);
    let sticky = if truncate || decided {
        g.bit(decided)
    } else {
        let rest = restore(g, &result.rest, &b.significand);
        g.any(&rest)
    };
    let top = result.digits[digits - 1];
    let mut lower = vec![g.bit(false)];
    lower.extend_from_slice(&result.digits[..digits - 1]);
    let mut significand = g.select(top, &result.digits, &lower);
    set_top(g, &mut significand);
    // ex - ey - 1 + top, then the bias.
    let width = a.exponent.len().max(b.exponent.len()) + 1;
    let (ex, ey) = (g.resize_signed(&a.exponent, width), g.resize_signed(&b.exponent, width));
    let one = g.bit(true);
    let ey = g.xor_each(&ey, one);
    let (difference, _) = g.add(&ex, &ey, top);
    let base = offset(g, &difference, format.bias() - 1, width);

    let sign_y = if format.has_signed_zero() { b.sign } else { g.and_not(b.sign, b.class.zero) };
    let mut sign = g.xor(a.sign, sign_y);
    let mut special = Special::none(g);
    special.zero = a.class.zero;
    let nonsense = g.and(a.class.zero, b.class.zero);
    if format.has_infinity() {
        let both = g.and(a.class.infinite, b.class.infinite);
        special.nan = g.any(&[a.class.nan, b.class.nan, nonsense, both]);
        special.infinity = g.or(a.class.infinite, b.class.zero);
        special.zero = g.or(special.zero, b.class.infinite);
    } else if format.has_nan() && !format.saturates() {
        // E4M3: what would be infinite is NaN.
        special.nan = g.any(&[a.class.nan, b.class.nan, b.class.zero]);
    } else {
        special.nan = g.or(a.class.nan, b.class.nan);
        special.largest = g.and_not(b.class.zero, a.class.zero);
        invalid(format, &mut special, g, nonsense);
        sign = g.and_not(sign, nonsense);
    }
    let special = exclusive(g, special);
    let exact = Exact { sign, base, significand, sticky };
    round(g, format, exact, special, Below::Shift)
}

/// The square root; of a negative value NaN, or zero in formats without it. The root of minus zero is minus zero.
pub fn sqrt(g: &mut Gates<'_>, format: FloatFormat, x: Operand<'_>) -> Bits {
    let a = unpack_normalised(g, format, x.bits);
    let precision = format.precision as usize;
    let rounding = format.rounding();
    // A root is never half way between two values, so to nearest the next digit decides.
    let digits = match rounding {
        Rounding::TowardZero | Rounding::Down | Rounding::Up => precision,
        Rounding::NearestEven | Rounding::NearestAway => precision + 1,
    };
    // field = floor((exponent + bias) / 2); the bias is odd, so an even field stands for an odd exponent.
    let odd = g.not(a.exponent[0]);
    let width = a.exponent.len() + 1;
    let sum = offset(g, &a.exponent, format.bias() - 2, width);
    let base = sum[1..].to_vec();
    let mut low = a.significand.clone();
    low.push(g.bit(false));
    let mut high = vec![g.bit(false)];
    high.extend_from_slice(&a.significand);
    let radicand = g.select(odd, &high, &low);
    // Two integer bits, then as many places as the digits need.
    let mut word = g.zeros((2 * digits).saturating_sub(radicand.len()));
    word.extend_from_slice(&radicand[radicand.len().saturating_sub(2 * digits)..]);
    // Only with so much precision that roots of subnormals are subnormal does more than the next digit matter.
    let subnormal = format.has_subnormals() && i64::from(format.precision) > format.bias();
    let track = subnormal || rounding == Rounding::Up || g.watches();
    let (mut root, inexact) = square_root(g, &word, digits, track);
    set_top(g, &mut root);
    let sticky = if track { inexact } else { g.bit(true) };

    let mut special = Special::none(g);
    special.zero = a.class.zero;
    special.infinity = a.class.infinite;
    special.nan = a.class.nan;
    let negative = g.and_not(a.sign, a.class.zero);
    let sign = g.and(a.sign, a.class.zero);
    invalid(format, &mut special, g, negative);
    let special = exclusive(g, special);
    let exact = Exact { sign, base, significand: root, sticky };
    round(g, format, exact, special, if subnormal { Below::Shift } else { Below::Aligned })
}

/// The truncated remainder `x - y trunc(x / y)`, exact, with the sign of x. A divisor of zero gives NaN, or zero in
/// formats without it. The dividend is written out as an integer of `2^E + P` bits in units of the divisor's last
/// place and divided bit by bit.
pub fn rem(g: &mut Gates<'_>, format: FloatFormat, x: Operand<'_>, y: Operand<'_>) -> Bits {
    let (x_bits, y_bits) = (plain_zero(g, format, x), plain_zero(g, format, y));
    let (a, b) = (unpack(g, format, &x_bits), unpack(g, format, &y_bits));
    let last = format.width() as usize - 1;
    let precision = format.precision as usize;
    let (distance, _) = g.sub(&a.exponent, &b.exponent);
    let smaller = g.less(&x_bits[..last], &y_bits[..last]);
    let largest = usize::try_from(format.max_exponent_field() - 1).unwrap_or(0);
    let width = precision + largest;
    let exponent_bits = format.exponent_bits as usize;
    let dividend = shift_left(g, &a.significand, &distance[..exponent_bits], width);
    // The top P - 1 bits are below the divisor's top bit only if it is normal, so start from nothing.
    let nothing = g.zeros(precision);
    let result = quotient(g, &nothing, &b.significand, &dividend, width + 1);
    let rest = restore(g, &result.rest, &b.significand);

    // The remainder in the divisor's exponent, without rounding.
    let zero = g.bit(false);
    let mut word = rest;
    word.push(zero);
    let mut field = b.exponent.clone();
    field.pop();
    let mut special = Special::none(g);
    special.nan = g.any(&[a.class.nan, b.class.nan, a.class.infinite]);
    special.zero = a.class.zero;
    invalid(format, &mut special, g, b.class.zero);
    let special = exclusive(g, special);
    let (word, mut base) = if format.has_subnormals() {
        let (word, left, _) = normalise_within(g, &word, &field, word.len(), zero);
        (word, left)
    } else {
        let shifted = super::shift::normalise(g, &word);
        let width = field.len().max(shifted.shift.len()) + 2;
        let (wide, shift) = (g.resize(&field, width), g.resize(&shifted.shift, width));
        (shifted.word, g.sub(&wide, &shift).0)
    };
    if format.has_subnormals() {
        base = g.resize(&base, format.exponent_bits as usize + 2);
    }
    let exact = Exact { sign: a.sign, base, significand: word, sticky: zero };
    let reduced = round(g, format, exact, special, Below::Aligned);
    // |x| < |y|, also for an infinite y: x itself.
    let keep = g.and_not(smaller, special.nan);
    let keep = g.and_not(keep, special.zero);
    let other = g.not(keep);
    g.mask_raised(other);
    g.select(keep, &x_bits, &reduced)
}
