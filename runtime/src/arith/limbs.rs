//! Integers as little-endian slices of 64-bit limbs: carries, shifts, comparisons, and the product.

use std::cmp::Ordering;

use num_bigint::BigUint;

use super::ntt::{self, Instructions};

/// Bits of a limb.
pub const BITS: usize = 64;

/// `acc += x`; returns the carry out of `acc`. `x` must not be longer than `acc`.
pub fn add_assign(acc: &mut [u64], x: &[u64]) -> bool {
    let (low, high) = acc.split_at_mut(x.len());
    let mut carry = false;
    for (a, b) in low.iter_mut().zip(x) {
        let (sum, over) = a.overflowing_add(*b);
        let (sum, more) = sum.overflowing_add(u64::from(carry));
        *a = sum;
        carry = over | more;
    }
    for a in high {
        if !carry {
            return false;
        }
        (*a, carry) = a.overflowing_add(1);
    }
    carry
}

/// `out = ` the sum of the terms, none longer than `out`; what exceeds `out` is lost.
pub fn put_sum_of(out: &mut [u64], terms: &[&[u64]]) {
    let common = terms.iter().map(|term| term.len()).min().unwrap_or(0).min(out.len());
    let mut carry = match terms {
        [a, b, c] => {
            let limbs = a[..common].iter().zip(&b[..common]).zip(&c[..common]);
            put_sums(out, limbs.map(|((a, b), c)| u128::from(*a) + u128::from(*b) + u128::from(*c)), 0)
        }
        _ => put_sums(out, (0..common).map(|at| terms.iter().map(|term| u128::from(term[at])).sum()), 0),
    };
    for (at, limb) in out.iter_mut().enumerate().skip(common) {
        let sum =
            terms.iter().filter_map(|term| term.get(at)).fold(carry, |sum, limb| sum + u128::from(*limb));
        *limb = sum as u64;
        carry = sum >> BITS;
    }
}

/// Writes sums with their carries; returns the last carry.
fn put_sums(out: &mut [u64], sums: impl Iterator<Item = u128>, carry: u128) -> u128 {
    out.iter_mut().zip(sums).fold(carry, |carry, (limb, sum)| {
        let sum = sum + carry;
        *limb = sum as u64;
        sum >> BITS
    })
}

/// `acc -= x`; returns the borrow out of `acc`. `x` must not be longer than `acc`.
pub fn sub_assign(acc: &mut [u64], x: &[u64]) -> bool {
    let (low, high) = acc.split_at_mut(x.len());
    let mut borrow = false;
    for (a, b) in low.iter_mut().zip(x) {
        let (difference, under) = a.overflowing_sub(*b);
        let (difference, more) = difference.overflowing_sub(u64::from(borrow));
        *a = difference;
        borrow = under | more;
    }
    for a in high {
        if !borrow {
            return false;
        }
        (*a, borrow) = a.overflowing_sub(1);
    }
    borrow
}

/// `acc += x * y`, by rows: for a short `y`. `acc` must be long enough for the result.
pub fn add_product(acc: &mut [u64], x: &[u64], y: &[u64]) {
    for (shift, digit) in y.iter().enumerate() {
        let mut carry = 0_u128;
        let row = &mut acc[shift..];
        let (low, high) = row.split_at_mut(x.len());
        for (a, b) in low.iter_mut().zip(x) {
            carry += u128::from(*b) * u128::from(*digit) + u128::from(*a);
            *a = carry as u64;
            carry >>= BITS;
        }
        let overflow = add_assign(high, trimmed(&[carry as u64]));
        debug_assert!(!overflow, "the accumulator holds the sum");
    }
}

/// Compares two integers, of any lengths.
pub fn compare(a: &[u64], b: &[u64]) -> Ordering {
    let (a, b) = (trimmed(a), trimmed(b));
    a.len().cmp(&b.len()).then_with(|| a.iter().rev().cmp(b.iter().rev()))
}

/// The integer without leading zero limbs.
pub fn trimmed(x: &[u64]) -> &[u64] {
    let length = x.iter().rposition(|limb| *limb != 0).map_or(0, |top| top + 1);
    &x[..length]
}

/// Number of significant bits.
pub fn bit_length(x: &[u64]) -> usize {
    let x = trimmed(x);
    x.last().map_or(0, |top| x.len() * BITS - top.leading_zeros() as usize)
}

/// `x >> bits`, as a new integer without leading zero limbs.
pub fn shifted_right(x: &[u64], bits: usize) -> Vec<u64> {
    let (limbs, bits) = (bits / BITS, bits % BITS);
    let x = x.get(limbs..).unwrap_or(&[]);
    let mut shifted: Vec<u64> = x.to_vec();
    if bits > 0 {
        for (i, limb) in shifted.iter_mut().enumerate() {
            *limb = x[i] >> bits | x.get(i + 1).map_or(0, |next| next << (BITS - bits));
        }
    }
    shifted.truncate(trimmed(&shifted).len());
    shifted
}

/// `x << bits` for less than a limb of bits, one limb longer than `x`.
pub fn shifted_left(x: &[u64], bits: usize) -> Vec<u64> {
    debug_assert!(bits < BITS);
    let mut shifted = Vec::with_capacity(x.len() + 1);
    let mut carry = 0;
    for limb in x {
        shifted.push(limb << bits | carry);
        carry = limb.checked_shr((BITS - bits) as u32).unwrap_or(0);
    }
    shifted.push(carry);
    shifted
}

/// Clears every bit from `bits` on.
pub fn truncate_bits(x: &mut [u64], bits: usize) {
    let (limbs, bits) = (bits / BITS, bits % BITS);
    if let Some(tail) = x.get_mut(limbs..) {
        let kept = tail.first().map_or(0, |limb| limb & ((1 << bits) - 1));
        tail.fill(0);
        if let Some(first) = tail.first_mut() {
            *first = kept;
        }
    }
}

/// The product, `a.len() + b.len()` limbs.
///
/// This is the one large product of the crate: by rows when one factor is short, by Karatsuba's method when it is not
/// much longer, then by number-theoretic transforms, in blocks of the longer factor when the lengths are far apart.
pub fn product(a: &[u64], b: &[u64]) -> Vec<u64> {
    product_with(Instructions::best(), a, b)
}

/// [`product`] with given instructions; the result is the same with all of them.
pub fn product_with(instructions: Instructions, a: &[u64], b: &[u64]) -> Vec<u64> {
    let mut out = vec![0; a.len() + b.len()];
    let (a, b) = (trimmed(a), trimmed(b));
    let (long, short) = if a.len() < b.len() { (b, a) } else { (a, b) };
    multiply_into(instructions, long, short, &mut out);
    out
}

/// `out = long * short`, where `short` is not longer than `long` and `out`, of zeros, holds the product.
fn multiply_into(instructions: Instructions, long: &[u64], short: &[u64], out: &mut [u64]) {
    /// From this ratio of the lengths on, the longer factor is cut into blocks.
    const UNBALANCED: usize = 8;
    let total = long.len() + short.len();
    if short.len() < instructions.crossover() {
        multiply_small(long, short, out, &mut vec![0; small_scratch(short.len())]);
    } else if short.len() > ntt::MOST_LIMBS {
        let (low, high) = short.split_at(short.len() / 2);
        multiply_into(instructions, long, low, &mut out[..long.len() + low.len()]);
        let above = product_with(instructions, long, high);
        add_assign(&mut out[low.len()..], trimmed(&above));
    } else if long.len() >= UNBALANCED * short.len() || total > 2 * ntt::MOST_LIMBS {
        let length = ntt::length_for(UNBALANCED * short.len().min(ntt::MOST_LIMBS / UNBALANCED * 2));
        let factor = ntt::Spectrum::new(instructions, short, &length);
        multiply_blocks(instructions, long, short.len(), &factor, out);
    } else {
        ntt::multiply(instructions, long, short, &mut out[..total]);
    }
}

/// Up to this many limbs of the shorter factor, rows are faster than Karatsuba's method.
const ROWS: usize = 32;

/// Limbs that [`multiply_small`] needs for a shorter factor of `short` limbs. For factors of up to `n < 2 short`
/// limbs these are `2n + 6` and as many as for `n / 2 + 2`, so fewer than `4n` and 14 for each halving; blocks of a
/// much longer factor need `2 short` and as many as for `short`. Rows need none.
fn small_scratch(short: usize) -> usize {
    if short <= ROWS { 0 } else { 8 * short + 10 * BITS }
}

/// `out = long * short`, where `short` is not longer than `long` and `out`, of zeros, holds the product: Karatsuba's
/// method down to rows.
fn multiply_small(long: &[u64], short: &[u64], out: &mut [u64], scratch: &mut [u64]) {
    let half = long.len().div_ceil(2);
    if short.len() <= ROWS {
        add_product(out, long, short);
    } else if short.len() <= half {
        for (i, block) in long.chunks(short.len()).enumerate() {
            let (product, scratch) = scratch.split_at_mut(block.len() + short.len());
            product.fill(0);
            multiply_small(short, block, product, scratch);
            add_assign(&mut out[i * short.len()..], trimmed(product));
        }
    } else {
        let ((a0, a1), (b0, b1)) = (long.split_at(half), short.split_at(half));
        let (low, high) = out.split_at_mut(2 * half);
        multiply_small(a0, b0, low, scratch);
        multiply_small(a1, b1, high, scratch);
        let (sums, scratch) = scratch.split_at_mut(2 * half + 2);
        let (middle, scratch) = scratch.split_at_mut(2 * half + 2);
        let (a, b) = sums.split_at_mut(half + 1);
        put_sum(a, a0, a1);
        put_sum(b, b0, b1);
        middle.fill(0);
        multiply_small(a, b, middle, scratch);
        sub_assign(middle, low);
        sub_assign(middle, trimmed(high));
        add_assign(&mut out[half..], trimmed(middle));
    }
}

/// `out = a + b`, one limb longer than `a`, which is not shorter than `b`.
fn put_sum(out: &mut [u64], a: &[u64], b: &[u64]) {
    let (low, top) = out.split_at_mut(a.len());
    low.copy_from_slice(a);
    top.fill(0);
    add_assign(out, b);
}

/// `out = long * short` for the transform of `short`, in blocks of `long` as long as the transform allows. `out` is
/// zero before.
pub(crate) fn multiply_blocks(
    instructions: Instructions,
    long: &[u64],
    short: usize,
    factor: &ntt::Spectrum,
    out: &mut [u64],
) {
    let most = factor.capacity() - short;
    let block = long.len().div_ceil(long.len().div_ceil(most).max(1)).max(1);
    if block == long.len() {
        return ntt::multiply_by(instructions, long, factor, &mut out[..block + short]);
    }
    let mut product = vec![0; block + short];
    for (i, limbs) in long.chunks(block).enumerate() {
        let product = &mut product[..limbs.len() + short];
        ntt::multiply_by(instructions, limbs, factor, product);
        let overflow = add_assign(&mut out[i * block..], trimmed(product));
        debug_assert!(!overflow, "the product fits");
    }
}

/// The limbs as num-bigint's integer.
pub fn integer(limbs: &[u64]) -> BigUint {
    let mut digits = Vec::with_capacity(2 * limbs.len());
    for limb in limbs {
        digits.push(*limb as u32);
        digits.push((limb >> 32) as u32);
    }
    BigUint::new(digits)
}

/// The limbs of num-bigint's integer, without leading zeros.
pub fn limbs_of(integer: &BigUint) -> Vec<u64> {
    integer.to_u64_digits()
}

/// The limbs of `integer`, padded with zeros to `length`.
///
/// # Panics
/// If the integer has more limbs.
pub fn padded_limbs(integer: &BigUint, length: usize) -> Vec<u64> {
    let mut limbs = limbs_of(integer);
    assert!(limbs.len() <= length, "an integer of {} limbs does not fit in {length}", limbs.len());
    limbs.resize(length, 0);
    limbs
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;

    fn limb() -> impl Strategy<Value = u64> {
        prop_oneof![Just(0), Just(u64::MAX), any::<u64>()]
    }

    proptest! {
        #[test]
        fn sums_and_differences_agree_with_num_bigint(a in vec(limb(), 4..9), b in vec(limb(), 0..4)) {
            let mut sum = a.clone();
            let carry = add_assign(&mut sum, &b);
            sum.push(u64::from(carry));
            prop_assert_eq!(integer(&sum), integer(&a) + integer(&b));
            for terms in [vec![&a[..], &b], vec![&b[..], &a, &a], vec![&a[..], &b, &a, &a, &b], vec![]] {
                let mut out = vec![7; 10];
                put_sum_of(&mut out, &terms);
                prop_assert_eq!(integer(&out), terms.iter().map(|term| integer(term)).sum::<BigUint>());
            }
            let top = a.len();
            let borrow = sub_assign(&mut sum, &b);
            prop_assert!(!borrow);
            prop_assert_eq!(&sum[..top], &a[..]);
            let mut below = b.clone();
            below.resize(a.len(), 0);
            prop_assert_eq!(sub_assign(&mut below, &a), integer(&b) < integer(&a));
        }

        #[test]
        fn products_agree_with_num_bigint(a in vec(limb(), 0..9), b in vec(limb(), 0..5), c in vec(limb(), 0..9)) {
            let expected = integer(&a) * integer(&b);
            prop_assert_eq!(integer(&product(&a, &b)), expected.clone());
            let mut acc = c.clone();
            acc.resize(20, 0);
            add_product(&mut acc, &a, &b);
            prop_assert_eq!(integer(&acc), expected + integer(&c));
        }

        #[test]
        fn small_products_agree_with_num_bigint(a in vec(limb(), 0..300), b in vec(limb(), 0..300)) {
            let (long, short) = if a.len() < b.len() { (&b, &a) } else { (&a, &b) };
            let mut out = vec![0; a.len() + b.len()];
            multiply_small(long, short, &mut out, &mut vec![0; small_scratch(short.len())]);
            prop_assert_eq!(integer(&out), integer(&a) * integer(&b));
        }

        #[test]
        fn unbalanced_products_agree_with_num_bigint(
            a in vec(limb(), 0..90), b in vec(limb(), 500..2_000), portable: bool,
        ) {
            let instructions = if portable { Instructions::Portable } else { Instructions::best() };
            let repeated = a.repeat(if portable { 7 } else { 1 });
            let product = product_with(instructions, &repeated, &b);
            prop_assert_eq!(product.len(), repeated.len() + b.len());
            prop_assert_eq!(integer(&product), integer(&repeated) * integer(&b));
        }

        #[test]
        fn shifts_and_comparisons_agree_with_num_bigint(
            a in vec(limb(), 0..6), b in vec(limb(), 0..6), bits in 0_usize..450,
        ) {
            prop_assert_eq!(integer(&shifted_right(&a, bits)), integer(&a) >> bits);
            prop_assert_eq!(integer(&shifted_left(&a, bits % BITS)), integer(&a) << (bits % BITS));
            let mut low = a.clone();
            truncate_bits(&mut low, bits);
            prop_assert_eq!(integer(&low) + ((integer(&a) >> bits) << bits), integer(&a));
            prop_assert_eq!(compare(&a, &b), integer(&a).cmp(&integer(&b)));
            prop_assert_eq!(bit_length(&a) as u64, integer(&a).bits());
        }
    }
}
