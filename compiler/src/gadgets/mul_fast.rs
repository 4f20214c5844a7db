//! Multiplication of `float<E, P>` in the least depth: one level more than the product of the significands.
//!
//! The product is in [1, 4): exponents, underflow and overflow are known for both halves long before its top bit. The
//! final adder computes that bit together with what it permits, as if the condition were one more place to carry
//! through, and one selection normalises, clears and saturates at once.

use ffhec_circuit::Wire;
use num_bigint::BigInt;

use super::bits::{Bits, Gates};
use super::float::{Operand, fields};
use super::format::FloatFormat;
use super::multiply::{Columns, push_product};
use super::objective::Objective;
use super::prefix::{carries, carries_together, half_sums, top_if};

/// `x * y`.
pub fn mul(g: &mut Gates<'_>, format: FloatFormat, x: Operand<'_>, y: Operand<'_>) -> Bits {
    let (places, precision) = (format.fraction_bits() as usize, format.precision as usize);
    let exponent_bits = format.exponent_bits as usize;
    let (x, y) = (fields(g, format, x.bits), fields(g, format, y.bits));
    let one = g.bit(true);
    let significand = |fraction: &[Wire]| fraction.iter().copied().chain([one]).collect::<Bits>();

    let mut columns = Columns::new(2 * precision);
    push_product(g, &mut columns, &significand(&x.fraction), &significand(&y.fraction), false);
    let (a, b) = columns.two_rows(g);
    let (generate, propagate) = half_sums(g, &a, &b);
    let zero = g.bit(false);
    // The carries of a short product share more spans with its top bits, which are needed sooner.
    let together = precision >= 16 || g.objective() == Objective::Balanced;
    let carried = (if together { carries_together } else { carries })(g, &generate, &propagate, zero);
    let product: Bits = propagate.iter().zip(&carried).map(|(&half, &carry)| g.xor(half, carry)).collect();
    let last = 2 * precision - 1;

    // x + y - bias = (x + y + 1) - 2^(E-1), so the two top bits of the sum say whether it is in range.
    let sum = [0_u32, 1, 2].map(|more| exponent_sum(g, &x.field, &y.field, more));
    let inside = [0, 1, 2].map(|index: usize| {
        let sum: &Bits = &sum[index];
        g.xor(sum[exponent_bits], sum[exponent_bits - 1])
    });
    let high_valid = [x.hidden, y.hidden, inside[1], inside[2]];
    let low_valid = [x.hidden, y.hidden, inside[0], inside[1]];
    let top = product[last];
    let high = top_if(g, &generate, &propagate, zero, &high_valid);
    let low = top_if(g, &generate, &propagate, zero, &low_valid);
    let valid = g.all(&low_valid);
    let low = g.xor(low, valid);

    let over = [1, 2].map(|index: usize| {
        let sum: &Bits = &sum[index];
        let both = g.and(sum[exponent_bits], sum[exponent_bits - 1]);
        let above = g.or(both, sum[exponent_bits + 1]);
        g.all(&[above, x.hidden, y.hidden])
    });
    let either = g.xor(over[0], over[1]);
    let only_high = g.and(either, top);
    let largest = g.xor(over[0], only_high);

    let mut out = Vec::with_capacity(format.width() as usize);
    let mut choose = |g: &mut Gates<'_>, if_high: Wire, if_low: Wire| {
        let (if_high, if_low) = (g.and(if_high, high), g.and(if_low, low));
        let kept = g.xor(if_high, if_low);
        out.push(g.xor(kept, largest));
    };
    for index in 0..places {
        choose(g, product[precision + index], product[precision - 1 + index]);
    }
    for index in 0..exponent_bits {
        let from = if index + 1 == exponent_bits { exponent_bits } else { index };
        choose(g, sum[2][from], sum[1][from]);
    }
    // The sign of the largest magnitude joins it a level earlier than the rest.
    let sign = g.xor(x.sign, y.sign);
    let kept = g.xor(high, low);
    let (kept, always, maybe) = (g.and(sign, kept), g.and(sign, over[0]), g.and(sign, either));
    let only_high = g.and(maybe, top);
    let largest = g.xor(always, only_high);
    out.push(g.xor(kept, largest));
    out
}

/// `x + y + more` with two bits more than the operands.
fn exponent_sum(g: &mut Gates<'_>, x: &[Wire], y: &[Wire], more: u32) -> Bits {
    let mut columns = Columns::new(x.len() + 2);
    columns.push_word(g, 0, x, false, false);
    columns.push_word(g, 0, y, false, false);
    columns.push_constant(&BigInt::from(more));
    columns.sum(g)
}
