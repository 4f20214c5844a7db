//! Products in the transform domain: one product modulo `x^8 - z` for each row.

use super::lanes::{Kernel, Lanes, Row, splat_factor};
use super::prime::{Factor, Field};
use super::transform::{Block, Transformer};

/// Adds up products of transforms of one length, divided by `2^52`, in representatives below `2p`.
pub(crate) struct SumOfProducts<'t> {
    pub(crate) at: Transformer,
    /// Pairs of transforms, of as many rows as `out`; at most [`SumOfProducts::MOST`].
    pub(crate) terms: &'t [(&'t [Row], &'t [Row])],
    pub(crate) out: &'t mut [Row],
}

impl SumOfProducts<'_> {
    /// The most terms of one sum: the bound of [`Lanes::close_sum`].
    pub(crate) const MOST: usize = 1 << 8;
}

impl Kernel for SumOfProducts<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Lanes>(self, s: S) {
        let f = self.at.prime.field(s);
        debug_assert!(self.terms.len() <= Self::MOST);
        let factors = row_factors::<S>(self.at, self.out.len());
        for (i, out) in self.out.iter_mut().enumerate() {
            let mut sum = s.empty_sum();
            for (a, b) in self.terms {
                let b = s.load(&b[i]);
                let zb = times_z(s, &f, b, factors, i);
                sum = s.add_ring_product(sum, &a[i], b, zb, &f);
            }
            let x = s.close_sum(sum, &f);
            s.store(out, x);
        }
    }
}

/// The product of two blocks of transforms, divided by `2^52` if [`Lanes::SUMS_ARE_DIVIDED`], in representatives below
/// `2p`.
pub(crate) struct Multiply<'t> {
    pub(crate) at: Transformer,
    pub(crate) block: Block,
    /// Replaced by the product, unless that is added elsewhere.
    pub(crate) a: &'t mut [Row],
    /// The other factor; the square where there is none.
    pub(crate) b: Option<&'t [Row]>,
    /// What the product is added to.
    pub(crate) onto: Option<&'t mut [Row]>,
}

impl Kernel for Multiply<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Lanes>(self, s: S) {
        let Multiply { at, block, a, b, onto } = self;
        let f = at.prime.field(s);
        let factors = row_factors::<S>(at, a.len() << block.level);
        let factors = factors.get(block.index * a.len() / 2..).unwrap_or(&[]);
        match onto {
            None => {
                for (i, a) in a.iter_mut().enumerate() {
                    let x = row_product(s, &f, a, b, factors, i);
                    s.store(a, x);
                }
            }
            Some(onto) => {
                for (i, (a, onto)) in a.iter().zip(onto).enumerate() {
                    let x = row_product(s, &f, a, b, factors, i);
                    s.store(onto, s.below(s.add(s.load(onto), x), f.p2));
                }
            }
        }
    }
}

/// The product of the row `i` of two transforms, or its square.
#[inline(always)]
fn row_product<S: Lanes>(
    s: S,
    f: &Field<S::V>,
    a: &Row,
    b: Option<&[Row]>,
    factors: &[Factor],
    i: usize,
) -> S::V {
    let b = s.load(match b {
        Some(b) => &b[i],
        None => a,
    });
    let zb = times_z(s, f, b, factors, i);
    s.close_sum(s.add_ring_product(s.empty_sum(), a, b, zb, f), f)
}

/// `z` of the row ring modulo `x^8 - z`: the row `2b` has `z(b)` of the last level, the row `2b + 1` has `-z(b)`. One
/// row alone has `-1`.
#[inline(always)]
fn row_factors<S: Lanes>(at: Transformer, rows: usize) -> &'static [Factor] {
    match rows {
        0 | 1 => &[],
        _ => at.twiddles.level::<S>(at.prime, rows.trailing_zeros() as usize - 1),
    }
}

/// `b` times the `z` of its row, below `p`.
#[inline(always)]
fn times_z<S: Lanes>(s: S, f: &Field<S::V>, b: S::V, factors: &[Factor], row: usize) -> S::V {
    let negated = s.sub(f.p, b);
    let Some(z) = factors.get(row / 2) else {
        return s.below(negated, f.p);
    };
    let signed = if row.is_multiple_of(2) { b } else { negated };
    s.below(s.multiply(signed, splat_factor(s, *z), f), f.p)
}
