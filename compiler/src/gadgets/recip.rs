//! `1 / y` in IEEE formats, rounded to nearest: a division in which much is known beforehand.
//!
//! In: the significand `b = 1 + f`. Out: the digits of `2 / b`, which lies in `(1, 2]`.
//!
//! - The first digit is 1, and the rest after the next is `1 - 3 f`: two steps of the division for one addition.
//! - Only for powers of two does the quotient end, and there the recurrence gives `1.11..` with a rest. So there is
//!   always something behind the last digit, and nothing need be tracked: rounded to nearest, `1.11..` is 2.
//! - Only the largest arguments have subnormal results, by a few places, and only the largest subnormal arguments have
//!   finite results: the shifters for both are as short as that. All others overflow, zero with them.

use ffhec_circuit::Wire;

use super::bits::{Bits, Gates};
use super::float::{Fields, Operand, classify, fields, offset};
use super::format::{Family, FloatFormat, Real, Rounding, Scalar};
use super::round::{Below, Exact, Special, round};

/// Places by which the result of the largest argument is below the normal numbers; so many leading zeros has the
/// smallest subnormal argument whose result is finite.
fn places_below(format: FloatFormat) -> usize {
    if format.has_infinity() { 2 } else { 3 }
}

/// The sign of a dividend that is 1 or -1, if [`recip`] can divide it: exceptions need the exact rest, and the other
/// roundings need to know whether there is one.
pub fn unit_dividend(g: &Gates<'_>, format: FloatFormat, x: Operand<'_>) -> Option<bool> {
    let nearest = matches!(format.rounding(), Rounding::NearestEven | Rounding::NearestAway);
    let ieee = matches!(format.family, Family::Ieee { .. });
    if !ieee || !nearest || g.watches() || (format.precision as usize) <= places_below(format) {
        return None;
    }
    let Real::Finite(value) = Scalar::Float(format).decode(&g.known_word(x.bits)?) else { return None };
    let one = num_rational::Ratio::from_integer(1.into());
    if value == one { Some(false) } else { (-value == one).then_some(true) }
}

/// `1 / y`, or `-1 / y`.
pub fn recip(g: &mut Gates<'_>, format: FloatFormat, negative: bool, y: Operand<'_>) -> Bits {
    let parts = fields(g, format, y.bits);
    let flip = g.bit(negative);
    let sign = g.xor(parts.sign, flip);
    let special = specials(g, format, &parts);
    let (fraction, base) = normalised(g, format, &parts);
    let digits = digits(g, &fraction);
    let (base, significand) =
        if format.has_subnormals() { aligned(g, format, &base, digits) } else { (base, digits) };
    let sticky = g.bit(true);
    round(g, format, Exact { sign, base, significand, sticky }, special, Below::Aligned)
}

fn specials(g: &mut Gates<'_>, format: FloatFormat, parts: &Fields) -> Special {
    let class = classify(g, format, parts);
    let mut special = Special::none(g);
    special.nan = class.nan;
    special.zero = class.infinite;
    // With subnormals zero overflows as other small arguments do.
    if !format.has_subnormals() {
        let slot = if format.has_infinity() { &mut special.infinity } else { &mut special.largest };
        *slot = class.zero;
    }
    special
}

/// The fraction of the argument behind its leading one, and the base of the result (see [`Exact`]): `2 bias - 2` less
/// the exponent field, which for a subnormal argument is 1 less its leading zeros.
fn normalised(g: &mut Gates<'_>, format: FloatFormat, parts: &Fields) -> (Bits, Bits) {
    let one = g.bit(true);
    let mut field = g.xor_each(&parts.field, one);
    field.push(g.bit(false));
    let width = field.len() + 1;
    // The bias is 2^(E - 1) - 1, so 2 bias - 2 - field = !field - 3.
    let mut base = offset(g, &field, -3, width);
    let mut word = parts.fraction.clone();
    if format.has_subnormals() {
        let zero = g.bit(false);
        let mut small = g.not(parts.hidden);
        // Of field 0 the base ends in two zeros, into which the further zeros are counted.
        let mut count: Bits = vec![zero; 2];
        for further in 0..places_below(format) {
            let top = word[word.len() - 1];
            let mut moved = vec![zero];
            moved.extend_from_slice(&word[..word.len() - 1]);
            word = g.select(small, &moved, &word);
            small = g.and_not(small, top);
            match further {
                // 1, 2, 3 zeros more, each of which implies those before.
                0 => count[0] = small,
                1 => {
                    count[0] = g.xor(count[0], small);
                    count[1] = small;
                }
                _ => count[0] = g.xor(count[0], small),
            }
        }
        for (bit, more) in base.iter_mut().zip(count) {
            *bit = g.xor(*bit, more);
        }
    }
    (word, base)
}

/// The digits of `2 / (1 + f)`, one more than the precision, the top one 1. The rest is kept negated, in units of the
/// last place of f, two's complement; it is never 0.
fn digits(g: &mut Gates<'_>, f: &[Wire]) -> Bits {
    let places = f.len();
    let (zero, one) = (g.bit(false), g.bit(true));
    let width = places + 2;
    let mut divisor = f.to_vec();
    divisor.extend([one, zero]);
    // 3 f - 1: 3 f < 3, so that its two integer bits are never both set.
    let single = g.resize(f, width);
    let mut double = vec![zero];
    double.extend_from_slice(f);
    let double = g.resize(&double, width);
    let mut rest = g.sum(&single, &double);
    let either = g.xor(rest[places], rest[places + 1]);
    rest[places] = g.not(rest[places]);
    rest[places + 1] = g.not(either);
    let mut digits = vec![one, rest[width - 1]];
    while digits.len() < places + 2 {
        let above = g.not(rest[width - 1]);
        rest.insert(0, zero);
        rest.truncate(width);
        let addend = g.xor_each(&divisor, above);
        rest = g.add(&rest, &addend, above).0;
        digits.push(rest[width - 1]);
    }
    digits.reverse();
    digits
}

/// The digits shifted right by what the base is below 0.
fn aligned(g: &mut Gates<'_>, format: FloatFormat, base: &[Wire], digits: Bits) -> (Bits, Bits) {
    let zero = g.bit(false);
    let below = base[base.len() - 1];
    // -base - 1 in two bits: the base is -1, -2 or, of the largest field, -3.
    let more: Bits = base[..2].iter().map(|bit| g.and_not(below, *bit)).collect();
    let by = |g: &mut Gates<'_>, word: &[Wire], choice: Wire, places: usize| {
        let mut moved = word[places.min(word.len())..].to_vec();
        moved.resize(word.len(), zero);
        g.select(choice, &moved, word)
    };
    let word = by(g, &digits, below, 1);
    let word = by(g, &word, more[0], 1);
    let word = if format.has_infinity() { word } else { by(g, &word, more[1], 2) };
    (base.to_vec(), word)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use ffhec_circuit::{Builder, Circuit, Plain, Port, evaluate};
    use num_bigint::BigUint;

    use super::super::apply::{Typed, apply};
    use super::super::reference::{Random, every_option, reference};
    use super::*;
    use crate::float::fir::Op;

    /// `dividend / y`
    fn circuit(ty: Scalar, dividend: &str) -> Circuit {
        let mut builder = Builder::new();
        let port =
            |name: &str| Port { name: name.to_owned(), kind: ty.to_string(), width: ty.width(), range: None };
        let y = builder.input(port("y"));
        let mut g = Gates::new(&mut builder, 1_000_000);
        let x = g.constant(&ty.parse_cell(dividend).unwrap().into(), ty.width() as usize);
        let operands = [&x, &y].map(|bits| Typed { ty, operand: Operand { bits, canonical: false } });
        let out = apply(&mut g, &Op::Div, ty, &operands);
        builder.output(port("result"), &out);
        builder.finish()
    }

    fn check(name: &str, rows: &[u128]) {
        let ty = Scalar::parse(name).unwrap();
        let format = ty.as_float().unwrap();
        for dividend in ["1", "-1"] {
            let circuit = circuit(ty, dividend);
            let x = ty.parse_cell(dividend).unwrap();
            let x = x.to_u64_digits().iter().rev().fold(0, |word, digit| word << 64 | u128::from(*digit));
            for chunk in rows.chunks(64) {
                let inputs: Vec<u64> = (0..ty.width())
                    .map(|bit| {
                        let lanes = chunk.iter().enumerate();
                        lanes.fold(0, |word, (lane, y)| word | u64::from(y >> bit & 1 == 1) << lane)
                    })
                    .collect();
                let out = evaluate(&circuit, &Plain, &inputs);
                for (lane, &y) in chunk.iter().enumerate() {
                    let bits = out.iter().enumerate();
                    let found: u128 = bits.map(|(place, word)| u128::from(word >> lane & 1) << place).sum();
                    let expected = reference(&Op::Div, ty, &[ty, ty], &[x, y]);
                    let is_nan = |bits: u128| ty.decode(&BigUint::from(bits)) == Real::Nan;
                    assert!(
                        found == expected || is_nan(found) && is_nan(expected),
                        "{dividend} / {} in {format}: {found:#x}, not {expected:#x}",
                        ty.print(&BigUint::from(y)),
                    );
                }
            }
        }
    }

    #[test]
    fn reciprocals_of_all_values_of_small_formats_are_right() {
        for (exponent, precision) in [(2, 3), (2, 4), (2, 6), (3, 3), (3, 5), (4, 4), (5, 3), (6, 2)] {
            for name in every_option(exponent, precision) {
                check(&name, &(0..1 << (exponent + precision)).collect::<Vec<u128>>());
            }
        }
        for name in ["f16", "bf16"] {
            check(name, &(0..1 << 16).step_by(3).collect::<Vec<u128>>());
        }
        check("f8e4m3", &(0..256).collect::<Vec<u128>>());
    }

    #[test]
    fn reciprocals_of_wide_formats_are_right_on_random_and_edge_arguments() {
        let mut random = Random(11);
        for name in ["f32", "f64", "ieee<8, 24, flush>", "ieee<8, 24, finite>", "ieee<15, 113>"] {
            let ty = Scalar::parse(name).unwrap();
            let mut rows: Vec<u128> = (0..4_000).map(|_| random.encoding(ty, None)).collect();
            // The ends: subnormals and the largest exponents.
            let places = ty.as_float().unwrap().fraction_bits();
            for _ in 0..1_000 {
                let fraction = random.wide() & ((1 << places) - 1);
                let top = (1_u128 << (ty.width() - 1 - places)) - 1;
                rows.push(fraction);
                rows.extend((0..4).map(|less| (top - less) << places | fraction));
                rows.push(fraction >> (random.below(u64::from(places))));
            }
            for place in 0..places {
                rows.extend([1 << place, (1 << place) + 1, (1 << place) - 1]);
            }
            check(name, &rows);
        }
    }

    #[test]
    fn a_reciprocal_costs_much_less_than_a_division() {
        for (name, most) in [("f32", 920), ("f16", 280), ("bf16", 200), ("f64", 3_700)] {
            let ands = circuit(Scalar::parse(name).unwrap(), "1").counts().and;
            assert!(ands <= most, "{name}: {ands} ANDs");
        }
    }
}
