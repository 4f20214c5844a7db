//! Quotients, remainders and square roots of words.

use ffhec_circuit::Wire;

use super::bits::{Bits, Gates};

/// Unsigned quotient and remainder by restoring division. The partial remainder grows by a bit a step, and only that
/// many bits are compared and selected. For divisor zero the results have no meaning.
pub fn divide(g: &mut Gates<'_>, dividend: &[Wire], divisor: &[Wire]) -> (Bits, Bits) {
    let width = divisor.len();
    let zero = g.bit(false);
    // above[i]: whether the divisor has a bit at place i or higher.
    let mut above = vec![zero; width + 1];
    for index in (0..width).rev() {
        above[index] = g.or(above[index + 1], divisor[index]);
    }
    let mut rest: Bits = Vec::new();
    let mut quotient = vec![zero; dividend.len()];
    for index in (0..dividend.len()).rev() {
        if g.full() {
            break;
        }
        rest.insert(0, dividend[index]);
        let length = rest.len().min(width + 1);
        let low = g.resize(&divisor[..width.min(length)], length);
        let (difference, borrow) = g.sub(&rest[..length], &low);
        let fits = g.not(borrow);
        let fits = g.and_not(fits, above[length.min(width)]);
        rest = g.select(fits, &difference, &rest);
        rest.truncate(width);
        quotient[index] = fits;
    }
    let rest = g.resize(&rest, width);
    (quotient, rest)
}

/// A non-restoring division in progress: `digits` quotient bits of `first / divisor`, `first < 2 divisor`, the first
/// with weight 1.
#[derive(Debug)]
pub struct Quotient {
    /// The quotient, least significant bit first.
    pub digits: Bits,
    /// The last partial remainder, two's complement, one bit wider than the divisor.
    pub rest: Bits,
}

/// Non-restoring division: each digit costs one AND per bit of the divisor. The bits of `more`, most significant
/// last, are brought down one a step (zeros after them).
pub fn quotient(
    g: &mut Gates<'_>,
    first: &[Wire],
    divisor: &[Wire],
    more: &[Wire],
    digits: usize,
) -> Quotient {
    let width = divisor.len() + 1;
    let zero = g.bit(false);
    let divisor = g.resize(divisor, width);
    let mut rest = g.resize(first, width);
    let mut out = Vec::with_capacity(digits);
    let mut subtract = g.bit(true);
    let mut next = more.iter().rev();
    for step in 0..digits {
        if g.full() {
            out.resize(digits, zero);
            break;
        }
        if step > 0 {
            rest.insert(0, next.next().copied().unwrap_or(zero));
            rest.truncate(width);
        }
        let addend = g.xor_each(&divisor, subtract);
        rest = g.add(&rest, &addend, subtract).0;
        subtract = g.not(rest[width - 1]);
        out.push(subtract);
    }
    out.reverse();
    Quotient { digits: out, rest }
}

/// The remainder that a non-restoring division stands for: the divisor is added back to a negative one.
pub fn restore(g: &mut Gates<'_>, rest: &[Wire], divisor: &[Wire]) -> Bits {
    let negative = rest[rest.len() - 1];
    let back = g.and_each(divisor, negative);
    let back = g.resize(&back, rest.len());
    let mut rest = g.sum(rest, &back);
    rest.truncate(divisor.len());
    rest
}

/// The integer square root of a word of `2 digits` bits, and whether the root is inexact (false unless `track`).
/// Non-restoring: step k costs about k ANDs.
pub fn square_root(g: &mut Gates<'_>, word: &[Wire], digits: usize, track: bool) -> (Bits, Wire) {
    debug_assert_eq!(word.len(), 2 * digits, "two bits of the radicand for every digit of the root");
    let one = g.bit(true);
    let mut root: Bits = Vec::new(); // Least significant first.
    let mut rest: Bits = g.zeros(1);
    let mut subtract = one;
    for step in 0..digits {
        // rest = 4 rest + two bits -+ (4 root + 1 or 3): the addend is the root, flipped to subtract, then 11.
        let place = 2 * (digits - 1 - step);
        let mut next = vec![word[place], word[place + 1]];
        next.extend_from_slice(&rest);
        let width = step + 3;
        let next = g.resize_signed(&next, width);
        let mut addend = vec![one, one];
        addend.extend(g.xor_each(&root, subtract));
        addend.resize(width, subtract);
        rest = g.sum(&next, &addend);
        subtract = g.not(rest[width - 1]);
        root.insert(0, subtract);
    }
    if !track {
        return (root, g.bit(false));
    }
    // A negative remainder stands for itself plus 2 root + 1.
    let negative = g.not(subtract);
    let mut back = vec![one];
    back.extend_from_slice(&root);
    let back = g.and_each(&back, negative);
    let back = g.resize(&back, rest.len());
    let rest = g.sum(&rest, &back);
    let inexact = g.any(&rest);
    (root, inexact)
}
