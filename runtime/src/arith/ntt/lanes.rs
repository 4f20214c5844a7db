//! What the kernels need of a machine: eight 64-bit lanes, additions, and products of 52-bit numbers.
//!
//! A kernel is written once, for any [`Lanes`], and compiled once for each implementation with the instructions of
//! that implementation enabled ([`Lanes::run`]). All implementations give the same residues; only the unreduced
//! representatives between the steps may differ.

use super::prime::{Factor, Field, PRIMES, Twiddles};

/// Lanes of a vector, coefficients of a row.
pub(crate) const LANES: usize = 8;

/// Eight consecutive coefficients, aligned for the widest vectors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C, align(64))]
pub(crate) struct Row(pub(crate) [u64; LANES]);

impl Row {
    pub(crate) const ZERO: Row = Row([0; LANES]);
}

/// A piece of work for the vector unit. `run` must be `#[inline(always)]`, so that it is compiled with the
/// instructions of its caller.
pub(crate) trait Kernel {
    type Output;

    fn run<S: Lanes>(self, s: S) -> Self::Output;
}

/// A proof that the machine has the instructions, and the operations on vectors of eight lanes.
pub(crate) trait Lanes: Copy + Send + Sync + 'static {
    /// Eight unsigned 64-bit integers.
    type V: Copy;
    /// Eight sums of products, not reduced.
    type Sum: Copy;

    /// Whether [`Lanes::close_sum`] divides by `2^52`.
    const SUMS_ARE_DIVIDED: bool;

    /// Runs a kernel with the instructions enabled.
    fn run<K: Kernel>(self, kernel: K) -> K::Output;

    fn load(self, row: &Row) -> Self::V;
    fn store(self, row: &mut Row, x: Self::V);
    /// Loads without alignment.
    fn load_limbs(self, limbs: &[u64; LANES]) -> Self::V;
    fn splat(self, x: u64) -> Self::V;

    /// `x + y`, wrapping at 64 bits.
    fn add(self, x: Self::V, y: Self::V) -> Self::V;
    /// `x - y`, wrapping at 64 bits.
    fn sub(self, x: Self::V, y: Self::V) -> Self::V;
    fn and(self, x: Self::V, y: Self::V) -> Self::V;
    fn or(self, x: Self::V, y: Self::V) -> Self::V;
    fn shift_left<const BITS: u32>(self, x: Self::V) -> Self::V;
    fn shift_right<const BITS: u32>(self, x: Self::V) -> Self::V;
    /// `x - m` where `x >= m`, else `x`, for `x, m < 2^63`.
    fn below(self, x: Self::V, m: Self::V) -> Self::V;

    /// `acc + (x y mod 2^52)`, for `x, y < 2^52`.
    fn add_low(self, acc: Self::V, x: Self::V, y: Self::V) -> Self::V;
    /// `acc + floor(x y / 2^52)`, for `x, y < 2^52`.
    fn add_high(self, acc: Self::V, x: Self::V, y: Self::V) -> Self::V;

    /// The constant `w < p` in the form that [`Lanes::multiply`] takes.
    fn factor(w: u64, p: u64) -> Factor;
    /// The factors of the transforms, made with [`Lanes::factor`].
    fn twiddles() -> &'static [Twiddles; PRIMES];
    /// `x w mod p` in `[0, 2p)`, for `x < 2^52`; Shoup's product with a precomputed quotient.
    fn multiply(self, x: Self::V, w: (Self::V, Self::V), field: &Field<Self::V>) -> Self::V;

    /// No products.
    fn empty_sum(self) -> Self::Sum;
    /// Adds the coefficients of `a(x) b(x) mod x^8 - z`, given `b` and `z b`, all of them reduced below `p`.
    fn add_ring_product(
        self,
        sum: Self::Sum,
        a: &Row,
        b: Self::V,
        zb: Self::V,
        field: &Field<Self::V>,
    ) -> Self::Sum;
    /// The sum, divided by `2^52` if [`Lanes::SUMS_ARE_DIVIDED`], mod `p`, in `[0, 2p)`. At most `2^8` products may have been added.
    fn close_sum(self, sum: Self::Sum, field: &Field<Self::V>) -> Self::V;
}

/// A factor in every lane.
#[inline(always)]
pub(crate) fn splat_factor<S: Lanes>(s: S, factor: Factor) -> (S::V, S::V) {
    (s.splat(factor.w), s.splat(factor.quotient))
}
