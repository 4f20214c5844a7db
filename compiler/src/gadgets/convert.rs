//! Conversions among all types, as `as` does them.
//!
//! Float to integer truncates toward zero and saturates, NaN gives 0; float to fixed-point is the same rule in units
//! of the last place, and so is fixed-point to integer. Integers wrap among each other and into fixed-point.
//! Fixed-point to fixed-point drops low bits toward minus infinity and wraps. Everything to float rounds in the
//! target's direction; NaN in a finite format is 0 and an infinity its largest magnitude.

use ffhec_circuit::Wire;
use num_bigint::BigInt;

use super::bits::{Bits, Gates};
use super::flags::Flags;
use super::float::{
    Operand, Unpacked, canonical, classify, fields, offset, plain_zero, unpack, unpack_normalised,
};
use super::format::{FloatFormat, Scalar};
use super::round::{Below, Exact, Special, round};
use super::shift::{index_bits, normalise, shift_left};

/// An integer or fixed-point type.
#[derive(Clone, Copy)]
struct Whole {
    width: usize,
    fraction: usize,
    signed: bool,
}

enum Kind {
    Float(FloatFormat),
    Whole(Whole),
}

fn kind(ty: Scalar) -> Kind {
    let width = ty.width() as usize;
    match ty {
        Scalar::Float(format) => Kind::Float(format),
        Scalar::Bool | Scalar::Uint(_) => Kind::Whole(Whole { width, fraction: 0, signed: false }),
        Scalar::Int(_) => Kind::Whole(Whole { width, fraction: 0, signed: true }),
        Scalar::Fixed { fraction, .. } => {
            Kind::Whole(Whole { width, fraction: fraction as usize, signed: true })
        }
    }
}

/// `x as to`. A conversion to `bool` asks whether the value is other than zero.
pub fn convert(g: &mut Gates<'_>, from: Scalar, x: Operand<'_>, to: Scalar) -> Bits {
    if from == to {
        return match from.as_float() {
            Some(format) => plain_zero(g, format, x),
            None => x.bits.to_vec(),
        };
    }
    if to == Scalar::Bool {
        let some = match kind(from) {
            Kind::Float(format) => {
                let fields = fields(g, format, x.bits);
                let class = classify(g, format, &fields);
                g.not(class.zero)
            }
            Kind::Whole(_) => g.any(x.bits),
        };
        return vec![some];
    }
    match (kind(from), kind(to)) {
        (Kind::Float(from), Kind::Float(to)) => float_to_float(g, from, x, to),
        (Kind::Float(from), Kind::Whole(to)) => float_to_whole(g, from, x, to),
        (Kind::Whole(from), Kind::Float(to)) => whole_to_float(g, from, x.bits, to),
        (Kind::Whole(from), Kind::Whole(to)) => whole_to_whole(g, from, x.bits, to),
    }
}

/// The bits of an encoding as another type; encodings that a type does not use become the one that it does.
pub fn reinterpret(g: &mut Gates<'_>, from: Scalar, x: Operand<'_>, to: Scalar) -> Bits {
    let bits = match from.as_float() {
        Some(format) => canonical(g, format, x),
        None => x.bits.to_vec(),
    };
    match to.as_float() {
        Some(format) => canonical(g, format, Operand { bits: &bits, canonical: false }),
        None => bits,
    }
}

fn float_to_float(g: &mut Gates<'_>, from: FloatFormat, x: Operand<'_>, to: FloatFormat) -> Bits {
    let bits = plain_zero(g, from, x);
    let mut value = unpack_normalised(g, from, &bits);
    let shift = to.bias() - from.bias() - 1;
    let width = value.exponent.len().max(to.exponent_bits as usize) + 2;
    let base = offset(g, &value.exponent, shift, width);
    let mut special = Special::none(g);
    special.zero = value.class.zero;
    if to.has_nan() {
        special.nan = value.class.nan;
    } else {
        special.zero = g.or(special.zero, value.class.nan);
        value.sign = g.and_not(value.sign, value.class.nan);
    }
    if to.has_infinity() {
        special.infinity = value.class.infinite;
    } else if to.has_nan() && !to.saturates() {
        special.nan = g.or(special.nan, value.class.infinite);
    } else {
        special.largest = value.class.infinite;
    }
    let subnormal = if from.has_subnormals() { i64::from(from.fraction_bits()) } else { 0 };
    let below = if 1 - subnormal + shift >= 0 { Below::Aligned } else { Below::Shift };
    let sticky = g.bit(false);
    let exact = Exact { sign: value.sign, base, significand: value.significand, sticky };
    round(g, to, exact, special, below)
}

fn float_to_whole(g: &mut Gates<'_>, from: FloatFormat, x: Operand<'_>, to: Whole) -> Bits {
    let fraction = i64::try_from(to.fraction).expect("bounded: at most 256 bits");
    // The exponent of a zero is below one unit already, unless the target has very many places.
    let cleared = !from.has_subnormals() && fraction >= from.bias();
    let bits = if cleared { plain_zero(g, from, x) } else { x.bits.to_vec() };
    let mut value = unpack(g, from, &bits);
    let precision = from.precision as usize;
    if cleared {
        value.significand[precision - 1] = g.not(value.class.zero);
    }
    // The exponent in units of the target's last place; negative: less than one unit.
    let width = value.exponent.len().max(index_bits(to.fraction + 1) + 1).max(index_bits(to.width) + 2) + 1;
    let place = offset(g, &value.exponent, fraction - from.bias(), width);
    let (place, below) = (&place[..width - 1], place[width - 1]);
    let stages = index_bits(to.width);
    let moved = shift_left(g, &value.significand, &place[..stages], precision - 1 + to.width);
    let present = g.not(below);
    let magnitude = g.and_each(&moved[precision - 1..], present);

    let limit = if to.signed { to.width - 1 } else { to.width };
    let limit = g.constant(&BigInt::from(limit), width - 1);
    let fits = g.less(place, &limit);
    let over = g.or(fits, below);
    let over = g.not(over);
    let over = g.or(over, value.class.infinite);
    let over = g.and_not(over, value.class.zero);
    let (word, highest, lowest) = if to.signed {
        let (word, _) = g.negate_if(&magnitude, value.sign);
        let mut highest = vec![g.bit(true); to.width - 1];
        highest.push(g.bit(false));
        let mut lowest = g.zeros(to.width - 1);
        lowest.push(g.bit(true));
        (word, highest, lowest)
    } else {
        let positive = g.not(value.sign);
        let word = g.and_each(&magnitude, positive);
        (word, vec![g.bit(true); to.width], g.zeros(to.width))
    };
    if g.watches() {
        let lost = g.any(&moved[..precision - 1]);
        let far = g.not(fits);
        let far = g.and_not(far, below);
        raise_whole(g, to, &value, &magnitude, &Cut { place, below, far, lost });
    }
    let edge = g.select(value.sign, &lowest, &highest);
    let word = g.select(over, &edge, &word);
    let number = g.not(value.class.nan);
    g.and_each(&word, number)
}

/// What becomes of a float's magnitude as an integer.
struct Cut<'a> {
    /// The exponent in units of the last place.
    place: &'a [Wire],
    /// It is negative: less than one unit.
    below: Wire,
    /// It is beyond the target's width.
    far: Wire,
    /// Bits behind the last place were set (if the exponent is neither).
    lost: Wire,
}

/// Raises invalid for NaN and what is out of range, and inexact for what was cut off otherwise.
fn raise_whole(g: &mut Gates<'_>, to: Whole, value: &Unpacked, magnitude: &[Wire], cut: &Cut<'_>) {
    let mut flags = Flags::none(g);
    let far = if to.signed {
        // Only the lowest value has the exponent of the width, less one.
        let edge = g.constant(&BigInt::from(to.width - 1), cut.place.len());
        let at_edge = g.equal(cut.place, &edge);
        let some = g.any(&magnitude[..to.width - 1]);
        let other = g.not(some);
        let lowest = g.all(&[at_edge, value.sign, other]);
        g.and_not(cut.far, lowest)
    } else {
        let unit = g.not(cut.below);
        let negative = g.and(unit, value.sign);
        g.or(cut.far, negative)
    };
    let far = g.and_not(far, value.class.zero);
    flags.invalid = g.any(&[far, value.class.infinite, value.class.nan]);
    let lost = g.or(cut.lost, cut.below);
    let other = g.or(flags.invalid, value.class.zero);
    flags.inexact = g.and_not(lost, other);
    g.raise(flags);
}

fn whole_to_float(g: &mut Gates<'_>, from: Whole, bits: &[Wire], to: FloatFormat) -> Bits {
    let no = g.bit(false);
    let sign = if from.signed { bits[from.width - 1] } else { no };
    let (magnitude, _) = g.negate_if(bits, sign);
    let shifted = normalise(g, &magnitude);
    let top = i64::try_from(from.width).expect("bounded: at most 256 bits") - 1;
    let fraction = i64::try_from(from.fraction).expect("bounded: at most 256 bits");
    let width = (to.exponent_bits as usize + 1).max(index_bits(from.width + from.fraction + 1) + 1) + 1;
    let start = g.constant(&BigInt::from(top - fraction + to.bias() - 1), width);
    let shift = g.resize(&shifted.shift, width);
    let (base, _) = g.sub(&start, &shift);
    let below = if to.bias() - 1 - fraction >= 0 { Below::Aligned } else { Below::Shift };
    let special = Special::none(g);
    let exact = Exact { sign, base, significand: shifted.word, sticky: no };
    round(g, to, exact, special, below)
}

fn whole_to_whole(g: &mut Gates<'_>, from: Whole, bits: &[Wire], to: Whole) -> Bits {
    let extend = |g: &mut Gates<'_>, bits: &[Wire], width: usize| {
        if from.signed { g.resize_signed(bits, width) } else { g.resize(bits, width) }
    };
    if from.fraction > 0 && to.fraction == 0 && from.signed {
        return fixed_to_integer(g, from, bits, to);
    }
    if to.fraction >= from.fraction {
        let mut word = g.zeros(to.fraction - from.fraction);
        word.extend_from_slice(bits);
        extend(g, &word, to.width)
    } else {
        extend(g, &bits[from.fraction - to.fraction..], to.width)
    }
}

/// Truncates toward zero and saturates.
fn fixed_to_integer(g: &mut Gates<'_>, from: Whole, bits: &[Wire], to: Whole) -> Bits {
    let sign = bits[from.width - 1];
    let some = g.any(&bits[..from.fraction]);
    let up = g.and(sign, some);
    let whole = from.width - from.fraction;
    let (word, _) = g.increment(&bits[from.fraction..], up);
    let width = whole.max(to.width) + 1;
    let mut word = word;
    let negative = word[whole - 1];
    word.resize(width, negative);
    let (low, rest) = word.split_at(to.width);
    if to.signed {
        // Fits if all the bits above agree with the sign.
        let differ: Bits = rest.iter().map(|&bit| g.xor(bit, low[to.width - 1])).collect();
        let over = g.any(&differ);
        let edge = {
            let positive = g.not(negative);
            let mut edge = vec![positive; to.width - 1];
            edge.push(negative);
            edge
        };
        return g.select(over, &edge, low);
    }
    let over = g.any(rest);
    let all = g.not(negative);
    let edge = vec![all; to.width];
    g.select(over, &edge, low)
}
