//! Integers and fixed-point numbers.
//!
//! Integers wrap, division truncates toward zero, and division by zero gives 0, of remainders too. A fixed-point
//! product is exact before the bits behind the last place are dropped, which rounds toward minus infinity; quotients
//! truncate toward zero.

use ffhec_circuit::Wire;

use super::bits::{Bits, Gates};
use super::divide::{divide, square_root};
use super::multiply::{Columns, push_product};
use super::parts::Integral;
use super::shift::{shift_left, shift_right};

/// The shape of an integer or fixed-point type.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// Two's complement.
    pub signed: bool,
    /// Bits behind the point.
    pub fraction: usize,
}

/// `x * y`, plus `addend` where given, and further products: all exact, then cut.
pub fn sum_of_products(
    g: &mut Gates<'_>,
    shape: Shape,
    width: usize,
    pairs: &[(&[Wire], &[Wire])],
    addend: Option<&[Wire]>,
) -> Bits {
    let mut columns = Columns::new(width + shape.fraction);
    for (x, y) in pairs {
        if g.full() {
            break;
        }
        push_product(g, &mut columns, x, y, shape.signed);
    }
    if let Some(addend) = addend {
        columns.push_word(g, shape.fraction, addend, shape.signed, false);
    }
    columns.sum(g)[shape.fraction..].to_vec()
}

fn magnitude(g: &mut Gates<'_>, shape: Shape, word: &[Wire]) -> (Bits, Wire) {
    if !shape.signed {
        return (word.to_vec(), g.bit(false));
    }
    let sign = word[word.len() - 1];
    (g.negate_if(word, sign).0, sign)
}

/// `x / y`.
pub fn quotient(g: &mut Gates<'_>, shape: Shape, x: &[Wire], y: &[Wire]) -> Bits {
    let ((a, sign_a), (b, sign_b)) = (magnitude(g, shape, x), magnitude(g, shape, y));
    let mut dividend = g.zeros(shape.fraction);
    dividend.extend(a);
    let (mut quotient, _) = divide(g, &dividend, &b);
    quotient.truncate(x.len());
    let sign = g.xor(sign_a, sign_b);
    let (quotient, _) = g.negate_if(&quotient, sign);
    let some = g.any(y);
    g.and_each(&quotient, some)
}

/// `x % y`, with the sign of x.
pub fn remainder(g: &mut Gates<'_>, shape: Shape, x: &[Wire], y: &[Wire]) -> Bits {
    let ((a, sign), (b, _)) = (magnitude(g, shape, x), magnitude(g, shape, y));
    let (_, rest) = divide(g, &a, &b);
    let (rest, _) = g.negate_if(&rest, sign);
    let some = g.any(y);
    g.and_each(&rest, some)
}

/// The square root of a fixed-point number, rounded down; 0 for negative ones.
pub fn root(g: &mut Gates<'_>, shape: Shape, x: &[Wire]) -> Bits {
    let (&sign, magnitude) = x.split_last().expect("bounded: types have at least one bit");
    let mut word = g.zeros(shape.fraction);
    word.extend_from_slice(magnitude);
    let digits = word.len().div_ceil(2);
    let word = g.resize(&word, 2 * digits);
    let (root, _) = square_root(g, &word, digits, false);
    let positive = g.not(sign);
    let root = g.and_each(&root, positive);
    g.resize(&root, x.len())
}

/// `x < y`.
pub fn less(g: &mut Gates<'_>, shape: Shape, x: &[Wire], y: &[Wire]) -> Wire {
    if shape.signed { g.less_signed(x, y) } else { g.less(x, y) }
}

/// The smaller, or the larger.
pub fn extreme(g: &mut Gates<'_>, shape: Shape, x: &[Wire], y: &[Wire], larger: bool) -> Bits {
    let below = less(g, shape, x, y);
    if larger { g.select(below, y, x) } else { g.select(below, x, y) }
}

/// A fixed-point number rounded to an integer, wrapping.
pub fn integral(g: &mut Gates<'_>, shape: Shape, x: &[Wire], mode: Integral) -> Bits {
    let (fraction, whole) = x.split_at(shape.fraction);
    let sign = x[x.len() - 1];
    let up = match mode {
        Integral::Floor => g.bit(false),
        Integral::Ceil => g.any(fraction),
        Integral::Trunc => {
            let some = g.any(fraction);
            g.and(some, sign)
        }
        Integral::Round => match fraction.split_last() {
            None => g.bit(false),
            Some((&half, rest)) => {
                // A tie of a negative number goes down.
                let rest = g.any(rest);
                let positive = g.not(sign);
                let up = g.or(rest, positive);
                g.and(half, up)
            }
        },
        Integral::RoundEven => match fraction.split_last() {
            None => g.bit(false),
            Some((&half, rest)) => {
                let rest = g.any(rest);
                let odd = whole.first().copied().unwrap_or(sign);
                let up = g.or(rest, odd);
                g.and(half, up)
            }
        },
    };
    let (whole, _) = g.increment(whole, up);
    let mut out = g.zeros(shape.fraction);
    out.extend(whole);
    out
}

/// A shift by a public amount.
pub fn shift_constant(g: &mut Gates<'_>, shape: Shape, x: &[Wire], amount: u32, left: bool) -> Bits {
    let amount = (amount as usize).min(x.len());
    if left {
        let mut word = g.zeros(amount);
        word.extend_from_slice(&x[..x.len() - amount]);
        return word;
    }
    let fill = if shape.signed { x[x.len() - 1] } else { g.bit(false) };
    let mut word = x[amount..].to_vec();
    word.resize(x.len(), fill);
    word
}

/// A shift by an encrypted amount.
pub fn shift(g: &mut Gates<'_>, shape: Shape, x: &[Wire], amount: &[Wire], left: bool) -> Bits {
    if left {
        return shift_left(g, x, amount, x.len());
    }
    let fill = if shape.signed { x[x.len() - 1] } else { g.bit(false) };
    shift_right(g, x, fill, amount, false).0
}
