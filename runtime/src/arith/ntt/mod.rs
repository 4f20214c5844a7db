//! Products of large integers by number-theoretic transforms.
//!
//! An integer is a polynomial whose coefficients are its limbs. The product of two such polynomials has coefficients
//! below 2^150, so it is computed modulo three primes just below 2^50, each time by transforms of a length that
//! fits ([`length`]), and put together again ([`digits`]). The transforms work on rows of eight coefficients and leave
//! eight-term products for the end ([`transform`], [`spectrum`]), which keeps the tables small and every step within
//! the lanes of a vector. The kernels are generic over the instructions of the machine ([`lanes`]): AVX-512 IFMA
//! ([`ifma`]), AVX2 ([`avx2`]) or plain integers ([`portable`]); all give identical results.
//!
//! Pollard, "The fast Fourier transform in a finite field", 1971; Harvey, "Faster arithmetic for number-theoretic
//! transforms", 2014.

#[cfg(target_arch = "x86_64")]
mod avx2;
mod convolve;
mod digits;
#[cfg(target_arch = "x86_64")]
mod ifma;
mod lanes;
mod length;
mod parts;
mod portable;
mod prime;
mod spectrum;
mod transform;

use std::cell::Cell;
use std::ops::Range;
use std::sync::OnceLock;

use zeroize::Zeroize;

use super::limbs::add_assign;

#[cfg(target_arch = "x86_64")]
use avx2::Avx2;
use convolve::{Other, Product};
use digits::{Limbs, Onto, Residues};
#[cfg(target_arch = "x86_64")]
use ifma::Ifma;
pub(crate) use lanes::{Kernel, LANES, Lanes, Row};
pub(crate) use length::Length;
use parts::Double;
use portable::Portable;
pub(crate) use prime::CAPACITY;
use prime::{PRIME, PRIMES};
use spectrum::SumOfProducts;
use transform::Transformer;

/// The instructions that the transforms are computed with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Instructions {
    /// Plain 64-bit integers.
    Portable,
    /// AVX2 with fused multiplications of doubles.
    Avx2,
    /// AVX-512 with products of 52-bit integers.
    Avx512,
}

impl Instructions {
    /// All of them, the slowest first.
    const ALL: [(Instructions, &str); 3] = [
        (Instructions::Portable, "portable"),
        (Instructions::Avx2, "avx2"),
        (Instructions::Avx512, "avx512"),
    ];

    /// The fastest of this machine. The environment variable `FFHEC_INSTRUCTIONS` (`portable`, `avx2` or `avx512`)
    /// excludes faster ones, for tests and measurements.
    pub fn best() -> Instructions {
        static BEST: OnceLock<Instructions> = OnceLock::new();
        *BEST.get_or_init(|| {
            let wanted = std::env::var_os("FFHEC_INSTRUCTIONS");
            let found = Self::ALL.iter().rposition(|(instructions, _)| instructions.available());
            let named = Self::ALL.iter().position(|(_, name)| wanted.as_ref().is_some_and(|w| w == name));
            let best = found.unwrap_or(0).min(named.unwrap_or(Self::ALL.len()));
            Self::ALL[best].0
        })
    }

    /// Whether this machine has them.
    #[cfg(target_arch = "x86_64")]
    pub fn available(self) -> bool {
        match self {
            Instructions::Portable => true,
            Instructions::Avx2 => Avx2::detect().is_some(),
            Instructions::Avx512 => Ifma::detect().is_some(),
        }
    }

    /// Whether this machine has them.
    #[cfg(not(target_arch = "x86_64"))]
    pub fn available(self) -> bool {
        self == Instructions::Portable
    }

    /// Below this many limbs of the shorter factor, other products are faster.
    pub(crate) fn crossover(self) -> usize {
        match self {
            Instructions::Portable => 320,
            Instructions::Avx2 => 160,
            Instructions::Avx512 => 64,
        }
    }
}

/// Runs `$body` with `$s` the lanes of the instructions, or portable ones if the machine does not have them.
macro_rules! with_lanes {
    ($instructions:expr, $s:ident => $body:expr) => {
        'done: {
            #[cfg(target_arch = "x86_64")]
            match $instructions {
                Instructions::Avx512 => {
                    if let Some($s) = Ifma::detect() {
                        break 'done ($body);
                    }
                }
                Instructions::Avx2 => {
                    if let Some($s) = Avx2::detect() {
                        break 'done ($body);
                    }
                }
                Instructions::Portable => {}
            }
            #[cfg(not(target_arch = "x86_64"))]
            let _ = $instructions;
            let $s = Portable;
            $body
        }
    };
}

/// The most limbs of the shorter factor of one product.
pub(crate) const MOST_LIMBS: usize = 1 << 21;

/// The most terms of one sum of products.
pub(crate) const MOST_TERMS: usize = SumOfProducts::MOST;

/// Runs a kernel with the given instructions.
pub(crate) fn run<K: Kernel>(instructions: Instructions, kernel: K) -> K::Output {
    with_lanes!(instructions, s => s.run(kernel))
}

fn transformer<S: Lanes>(_: S, i: usize) -> Transformer {
    Transformer { prime: PRIME[i], twiddles: &S::twiddles()[i] }
}

/// The transform of an integer, modulo each prime.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Spectrum {
    length: Length,
    /// For each prime the rows of residues below `p`.
    rows: Vec<Row>,
}

impl Zeroize for Spectrum {
    fn zeroize(&mut self) {
        self.rows.iter_mut().for_each(|row| row.0.zeroize());
    }
}

impl Spectrum {
    /// The transform of `limbs` for products of at most as many limbs as `length` has coefficients.
    pub(crate) fn new(instructions: Instructions, limbs: &[u64], length: &Length) -> Spectrum {
        let mut rows = vec![Row::ZERO; PRIMES * length.rows()];
        with_lanes!(instructions, s => {
            for (i, rows) in rows.chunks_exact_mut(length.rows()).enumerate() {
                forward(s, i, limbs, length, rows);
            }
        });
        Spectrum { length: length.clone(), rows }
    }

    /// The limbs of the longest product that fits.
    pub(crate) fn capacity(&self) -> usize {
        self.length.rows() * LANES
    }

    /// Adds another transform of the same length.
    pub(crate) fn add_assign(&mut self, other: &Spectrum) {
        assert_eq!(self.length, other.length, "transforms of one length");
        let rows = self.length.rows();
        let pairs = self.rows.chunks_exact_mut(rows).zip(other.rows.chunks_exact(rows));
        for ((ours, others), prime) in pairs.zip(PRIME) {
            for (row, other) in ours.iter_mut().zip(others) {
                for (x, y) in row.0.iter_mut().zip(other.0) {
                    let sum = *x + y;
                    *x = sum.min(sum.wrapping_sub(prime.p));
                }
            }
        }
    }

    fn of_prime(&self, i: usize) -> &[Row] {
        &self.rows[i * self.length.rows()..(i + 1) * self.length.rows()]
    }
}

/// How many limbs a product of at least this many limbs is computed with.
pub(crate) fn length_for(limbs: usize) -> Length {
    Length::at_least(limbs.div_ceil(LANES))
}

/// The sum of two integers, as a factor.
#[derive(Clone, Copy)]
pub(crate) struct Pair<'a>(pub(crate) &'a [u64], pub(crate) &'a [u64]);

impl Pair<'_> {
    /// The sum.
    pub(crate) fn sum(self) -> Vec<u64> {
        let (long, short) = if self.0.len() < self.1.len() { (self.1, self.0) } else { (self.0, self.1) };
        let mut sum = long.to_vec();
        let carry = add_assign(&mut sum, short);
        sum.push(u64::from(carry));
        sum
    }

    /// Whether this is the other pair, which is quick to see, not only one of the same value.
    fn is(self, other: Self) -> bool {
        std::ptr::eq(self.0, other.0) && std::ptr::eq(self.1, other.1)
    }

    /// Limbs of the longer one.
    fn len(self) -> usize {
        self.0.len().max(self.1.len())
    }
}

/// `out = a b`, where `out` has room for it. The shorter factor has at most [`MOST_LIMBS`].
pub(crate) fn multiply(instructions: Instructions, a: &[u64], b: &[u64], out: &mut [u64]) {
    debug_assert!(out.len() >= a.len() + b.len() && a.len().min(b.len()) <= MOST_LIMBS);
    multiply_pairs(instructions, &[[Pair(a, &[]), Pair(b, &[])]], out);
}

/// `out = ` the sum of the products, where `out` has room for it and is not shorter than the factors of any of them
/// together. For each product, the limbs of the shorter factor count once for each two of its summands: 1, 2 or 4
/// times; all of them are at most [`CAPACITY`].
pub(crate) fn multiply_pairs(instructions: Instructions, terms: &[[Pair<'_>; 2]], out: &mut [u64]) {
    debug_assert!(terms.iter().all(|[a, b]| a.len() + b.len() <= out.len()));
    let length = length_for(out.len());
    let rows = length.rows();
    let spare = if terms.len() > 1 { 2 } else { 1 };
    with_lanes!(instructions, s => with_scratch((PRIMES + spare) * rows, |scratch| {
        let (products, others) = scratch.split_at_mut(PRIMES * rows);
        let (other, factor) = others.split_at_mut(rows);
        for (i, product) in products.chunks_exact_mut(rows).enumerate() {
            for (number, [a, b]) in terms.iter().enumerate() {
                polynomial(s, i, *a, &length, if number == 0 { &mut *product } else { &mut *factor });
                if !a.is(*b) {
                    polynomial(s, i, *b, &length, other);
                }
                let inverse = number + 1 == terms.len();
                each_part(&length, |part| {
                    let b = if a.is(*b) { Other::Same } else { Other::Polynomial(&mut other[part.clone()]) };
                    let (a, onto) = match number {
                        0 => (&mut product[part], None),
                        _ => (&mut factor[part.clone()], Some(&mut product[part])),
                    };
                    transformer(s, i).convolve(s, a, b, Product { onto, inverse });
                });
            }
            if terms.is_empty() {
                product.fill(Row::ZERO);
            }
            joined(s, i, product, &length);
        }
        recombine(s, products, &length, out);
    }));
}

/// `out = a b`, where `out` has room for it, with the transform of `b`.
pub(crate) fn multiply_by(instructions: Instructions, a: &[u64], b: &Spectrum, out: &mut [u64]) {
    let (length, rows) = (&b.length, b.length.rows());
    debug_assert!(out.len() <= rows * LANES);
    with_lanes!(instructions, s => with_scratch(PRIMES * rows, |products| {
        for (i, product) in products.chunks_exact_mut(rows).enumerate() {
            polynomial(s, i, Pair(a, &[]), length, product);
            each_part(length, |part| {
                let b = Other::Transformed(&b.of_prime(i)[part.clone()]);
                let product = &mut product[part];
                transformer(s, i).convolve(s, product, b, Product { onto: None, inverse: true });
            });
            joined(s, i, product, length);
        }
        recombine(s, products, length, out);
    }));
}

/// `out = ` the sum of the products, where `out` has room for it. All transforms have the same length, and for limbs
/// below `w` and `w'` times `2^64` in the factors, the sum over the terms of `w w'` times the number of limbs of the
/// shorter factor is at most [`CAPACITY`].
pub(crate) fn sum_of_products(instructions: Instructions, terms: &[(&Spectrum, &Spectrum)], out: &mut [u64]) {
    let Some(((first, _), _)) = terms.split_first() else {
        return out.fill(0);
    };
    let (length, rows) = (&first.length, first.length.rows());
    assert!(terms.len() <= SumOfProducts::MOST, "at most {} terms in one sum", SumOfProducts::MOST);
    assert!(
        terms.iter().all(|(a, b)| a.length == *length && b.length == *length),
        "transforms of one length"
    );
    debug_assert!(out.len() <= rows * LANES);
    with_lanes!(instructions, s => with_scratch(PRIMES * rows, |products| {
        for (i, product) in products.chunks_exact_mut(rows).enumerate() {
            add_products(s, i, terms, product);
            inverse(s, i, product, length);
        }
        recombine(s, products, length, out);
    }));
}

/// The residues of the transform of `limbs` modulo the prime `i`.
fn forward<S: Lanes>(s: S, i: usize, limbs: &[u64], length: &Length, rows: &mut [Row]) {
    polynomial(s, i, Pair(limbs, &[]), length, rows);
    each_part(length, |part| transformer(s, i).forward(s, &mut rows[part]));
}

/// The residues, modulo the prime `i` and each part of the length, of the polynomial with these limbs.
fn polynomial<S: Lanes>(s: S, i: usize, pair: Pair<'_>, length: &Length, rows: &mut [Row]) {
    let prime = PRIME[i];
    let (first, rest) = rows.split_at_mut(length.first());
    let most = first.len() * LANES;
    let [(a, a_above), (b, b_above)] = [pair.0, pair.1].map(|limbs| limbs.split_at(limbs.len().min(most)));
    let mut put = |limbs, plus, onto| s.run(Residues { prime, limbs, plus, rows: &mut *first, onto });
    if a.len() == b.len() {
        put(a, b, Onto::Replace);
    } else {
        put(a, &[], Onto::Replace);
        put(b, &[], Onto::Add);
    }
    let above = [a_above, b_above].into_iter().filter(|limbs| !limbs.is_empty());
    above.clone().for_each(|limbs| put(limbs, &[], Onto::Add));
    parts::split(s, prime, first, rest, &length.parts()[1..]);
    above.for_each(|limbs| {
        s.run(Residues { prime, limbs, plus: &[], rows: &mut *first, onto: Onto::SubtractTwice });
    });
}

/// The polynomial of a transform, times the rows of its first part.
fn inverse<S: Lanes>(s: S, i: usize, rows: &mut [Row], length: &Length) {
    each_part(length, |part| transformer(s, i).inverse(s, &mut rows[part]));
    joined(s, i, rows, length);
}

/// The polynomial from its residues modulo the parts, each times the rows of the part, times the rows of the first.
fn joined<S: Lanes>(s: S, i: usize, rows: &mut [Row], length: &Length) {
    let prime = PRIME[i];
    each_part(length, |part| {
        let doublings = (length.first() / part.len()).trailing_zeros();
        if doublings > 0 {
            s.run(Double { prime, rows: &mut rows[part], doublings });
        }
    });
    parts::join(s, prime, rows, length);
}

/// Adds up products of transforms.
fn add_products<S: Lanes>(s: S, i: usize, terms: &[(&Spectrum, &Spectrum)], out: &mut [Row]) {
    let Some(((first, _), _)) = terms.split_first() else { return };
    each_part(&first.length, |part| {
        let terms: Vec<(&[Row], &[Row])> =
            terms.iter().map(|(a, b)| (&a.of_prime(i)[part.clone()], &b.of_prime(i)[part.clone()])).collect();
        s.run(SumOfProducts { at: transformer(s, i), terms: &terms, out: &mut out[part] });
    });
}

/// The rows of each part.
fn each_part(length: &Length, mut action: impl FnMut(Range<usize>)) {
    let mut start = 0;
    for part in length.parts() {
        action(start..start + part);
        start += part;
    }
}

/// The limbs of what [`inverse`] gave for the three primes.
fn recombine<S: Lanes>(s: S, products: &[Row], length: &Length, out: &mut [u64]) {
    let rows = length.rows();
    // The inverse transforms came multiplied by the rows of the first part.
    let scale = PRIME.map(|q| {
        let divided = if S::SUMS_ARE_DIVIDED { q.two_to_52() } else { 1 };
        q.mul(divided, q.inverse_power_of_two(length.first().ilog2()))
    });
    let rows = [0, 1, 2].map(|i| &products[i * rows..(i + 1) * rows]);
    s.run(Limbs { rows, scale, out });
}

/// Runs with rows that this thread keeps for the next time; their contents are arbitrary.
fn with_scratch<R>(rows: usize, run: impl FnOnce(&mut [Row]) -> R) -> R {
    thread_local! {
        static SCRATCH: Cell<Vec<Row>> = const { Cell::new(Vec::new()) };
    }
    let mut scratch = SCRATCH.take();
    if scratch.len() < rows {
        scratch = vec![Row::ZERO; rows];
    }
    let result = run(&mut scratch[..rows]);
    SCRATCH.set(scratch);
    result
}

#[cfg(test)]
mod tests;
