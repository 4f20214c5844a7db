//! Products modulo `y^m + 1`, from polynomials to polynomials, block by block.
//!
//! Once some levels have separated a transform into blocks that fit in the second cache, each block is finished before
//! the next one is begun: both factors' levels, the product, and the levels of the inverse.

use super::lanes::{Lanes, Row};
use super::spectrum::Multiply;
use super::transform::{Block, QuarterForward, QuarterInverse, Transformer};

/// A block of at most this many rows (128 KiB) is finished at once.
const FINISHED: usize = 2048;

/// The other factor.
pub(crate) enum Other<'r> {
    /// The same as the first.
    Same,
    /// Not transformed yet; overwritten.
    Polynomial(&'r mut [Row]),
    /// Transformed before.
    Transformed(&'r [Row]),
}

/// What becomes of the product.
pub(crate) struct Product<'r> {
    /// The transform that it is added to; without one it replaces the first factor.
    pub(crate) onto: Option<&'r mut [Row]>,
    /// Whether the result is transformed back.
    pub(crate) inverse: bool,
}

impl Transformer {
    /// Multiplies `a` by the other factor. Takes representatives below `2p` and gives such, as [`Multiply`] and
    /// [`Transformer::inverse`] do.
    pub(crate) fn convolve<S: Lanes>(self, s: S, a: &mut [Row], b: Other<'_>, product: Product<'_>) {
        self.convolve_block(s, Block::WHOLE, a, b, product);
    }

    fn convolve_block<S: Lanes>(
        self,
        s: S,
        block: Block,
        a: &mut [Row],
        mut b: Other<'_>,
        mut product: Product<'_>,
    ) {
        if a.len() <= FINISHED {
            return self.finish_block(s, block, a, b, product);
        }
        s.run(QuarterForward { at: self, rows: a, block });
        if let Other::Polynomial(rows) = &mut b {
            s.run(QuarterForward { at: self, rows, block });
        }
        let quarter = a.len() / 4;
        for (i, a) in a.chunks_exact_mut(quarter).enumerate() {
            let part = i * quarter..(i + 1) * quarter;
            let b = match &mut b {
                Other::Same => Other::Same,
                Other::Polynomial(rows) => Other::Polynomial(&mut rows[part.clone()]),
                Other::Transformed(rows) => Other::Transformed(&rows[part.clone()]),
            };
            let onto = product.onto.as_mut().map(|rows| &mut rows[part]);
            let product = Product { onto, inverse: product.inverse };
            self.convolve_block(s, block.quarter(i), a, b, product);
        }
        if product.inverse {
            s.run(QuarterInverse { at: self, rows: product.onto.unwrap_or(a), block });
        }
    }

    fn finish_block<S: Lanes>(
        self,
        s: S,
        block: Block,
        a: &mut [Row],
        b: Other<'_>,
        mut product: Product<'_>,
    ) {
        self.forward_block(s, a, block);
        let b = match b {
            Other::Same => None,
            Other::Polynomial(rows) => {
                self.forward_block(s, rows, block);
                Some(&*rows)
            }
            Other::Transformed(rows) => Some(rows),
        };
        let onto = product.onto.as_deref_mut();
        s.run(Multiply { at: self, block, a: &mut *a, b, onto });
        if product.inverse {
            self.inverse_block(s, product.onto.unwrap_or(a), block);
        }
    }
}
