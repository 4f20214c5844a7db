//! The transform modulo `y^m + 1` of `m` rows, and its inverse, in place.
//!
//! A polynomial `A(x)` modulo `x^(8m) + 1` is taken as `m` rows, that is as a polynomial in `y = x^8` whose
//! coefficients are polynomials of degree below 8. The forward transform evaluates it at all `y` with `y^m = -1`: the
//! ring splits into the rings modulo `y^(m/2) - z` and `y^(m/2) + z`, and so on (Cooley and Tukey's butterflies),
//! down to rings modulo `x^8 - z`, one for each row. No step crosses the lanes, and a factor belongs to a whole
//! block. The inverse undoes the steps (Gentleman and Sande's butterflies) without the halvings, so it gives `m`
//! times the polynomial.
//!
//! Two levels are done in one pass. Large blocks recurse, so that the passes over a block that fits in a cache happen
//! one after the other.

use super::lanes::{Kernel, Lanes, Row, splat_factor};
use super::prime::{Factor, Field, MAX_LEVELS, Prime, Twiddles};

/// A block of at most this many rows (16 KiB) is done with all its levels at once.
const SMALL: usize = 256;

/// A block of one transform: all its rows, or a part that some levels have separated.
#[derive(Clone, Copy)]
pub(crate) struct Block {
    pub(crate) level: usize,
    pub(crate) index: usize,
}

impl Block {
    /// All rows.
    pub(crate) const WHOLE: Block = Block { level: 0, index: 0 };

    /// The block whose factors are the negated inverses of this one's.
    fn mirrored(self) -> Block {
        Block { index: (1 << self.level) - 1 - self.index, ..self }
    }

    pub(crate) fn quarter(self, i: usize) -> Block {
        Block { level: self.level + 2, index: 4 * self.index + i }
    }
}

/// A prime and its factors.
#[derive(Clone, Copy)]
pub(crate) struct Transformer {
    pub(crate) prime: Prime,
    pub(crate) twiddles: &'static Twiddles,
}

impl Transformer {
    /// Transforms rows of representatives below `2p` into rows of residues below `p`.
    pub(crate) fn forward<S: Lanes>(self, s: S, rows: &mut [Row]) {
        debug_assert!(rows.len().is_power_of_two() && rows.len() <= 1 << MAX_LEVELS);
        self.forward_block(s, rows, Block::WHOLE);
    }

    /// Transforms rows of representatives below `2p` back into rows of representatives below `2p`, multiplied by
    /// the number of rows.
    pub(crate) fn inverse<S: Lanes>(self, s: S, rows: &mut [Row]) {
        debug_assert!(rows.len().is_power_of_two() && rows.len() <= 1 << MAX_LEVELS);
        self.inverse_block(s, rows, Block::WHOLE);
    }

    /// [`Self::forward`] for a block that some levels have separated.
    pub(crate) fn forward_block<S: Lanes>(self, s: S, rows: &mut [Row], block: Block) {
        if rows.len() <= SMALL {
            return s.run(SmallForward { at: self, rows, block });
        }
        s.run(QuarterForward { at: self, rows, block });
        let quarter = rows.len() / 4;
        for (i, rows) in rows.chunks_exact_mut(quarter).enumerate() {
            self.forward_block(s, rows, block.quarter(i));
        }
    }

    /// [`Self::inverse`] down to the levels that have separated the block.
    pub(crate) fn inverse_block<S: Lanes>(self, s: S, rows: &mut [Row], block: Block) {
        if rows.len() <= SMALL {
            return s.run(SmallInverse { at: self, rows, block });
        }
        let quarter = rows.len() / 4;
        for (i, rows) in rows.chunks_exact_mut(quarter).enumerate() {
            self.inverse_block(s, rows, block.quarter(i));
        }
        s.run(QuarterInverse { at: self, rows, block });
    }

    /// The factors of the `count` blocks, a power of two, into which a block has been separated: of their next level,
    /// and in pairs of the level after that.
    #[inline(always)]
    fn factors_below<S: Lanes>(
        self,
        block: Block,
        count: usize,
    ) -> (&'static [Factor], &'static [[Factor; 2]]) {
        let level = block.level + count.trailing_zeros() as usize;
        let range = block.index * count..(block.index + 1) * count;
        let pairs = self.twiddles.level::<S>(self.prime, level + 1).as_chunks().0;
        (&self.twiddles.level::<S>(self.prime, level)[range.clone()], &pairs[range])
    }

    /// The factor of one level of a block.
    #[inline(always)]
    fn one<S: Lanes>(self, s: S, block: Block) -> (S::V, S::V) {
        splat_factor(s, self.twiddles.level::<S>(self.prime, block.level)[block.index])
    }

    /// The factors of two levels of a block.
    #[inline(always)]
    fn two_levels<S: Lanes>(self, s: S, block: Block) -> Three<S> {
        let (first, second) = self.factors_below::<S>(block, 1);
        three(s, &first[0], &second[0])
    }
}

/// The factor of one level, and the two of the next.
type Three<S> = [(<S as Lanes>::V, <S as Lanes>::V); 3];

#[inline(always)]
fn three<S: Lanes>(s: S, first: &Factor, second: &[Factor; 2]) -> Three<S> {
    [splat_factor(s, *first), splat_factor(s, second[0]), splat_factor(s, second[1])]
}

/// One level: `u + z v` and `u - z v`. Takes and gives representatives below `4p`.
#[inline(always)]
fn forward_2<S: Lanes>(s: S, f: &Field<S::V>, [u, v]: [S::V; 2], z: (S::V, S::V)) -> [S::V; 2] {
    let u = s.below(u, f.p2);
    let zv = s.multiply(v, z, f);
    [s.add(u, zv), s.sub(s.add(u, f.p2), zv)]
}

/// Undoes [`forward_2`], with the mirrored factor: `u + v` and `(v - u) z'`. Takes and gives representatives below
/// `2p`.
#[inline(always)]
fn inverse_2<S: Lanes>(s: S, f: &Field<S::V>, [u, v]: [S::V; 2], z: (S::V, S::V)) -> [S::V; 2] {
    let difference = s.sub(s.add(v, f.p2), u);
    [s.below(s.add(u, v), f.p2), s.multiply(difference, z, f)]
}

/// Two levels. Takes and gives representatives below `4p`.
#[inline(always)]
fn forward_4<S: Lanes>(s: S, f: &Field<S::V>, x: [S::V; 4], z: Three<S>) -> [S::V; 4] {
    let [a, c] = forward_2(s, f, [x[0], x[2]], z[0]);
    let [b, d] = forward_2(s, f, [x[1], x[3]], z[0]);
    let [a, b] = forward_2(s, f, [a, b], z[1]);
    let [c, d] = forward_2(s, f, [c, d], z[2]);
    [a, b, c, d]
}

/// Undoes [`forward_4`], with the factors of the mirrored block. Takes and gives representatives below `2p`.
#[inline(always)]
fn inverse_4<S: Lanes>(s: S, f: &Field<S::V>, x: [S::V; 4], z: Three<S>) -> [S::V; 4] {
    let [a, b] = inverse_2(s, f, [x[0], x[1]], z[2]);
    let [c, d] = inverse_2(s, f, [x[2], x[3]], z[1]);
    let [a, c] = inverse_2(s, f, [a, c], z[0]);
    let [b, d] = inverse_2(s, f, [b, d], z[0]);
    [a, b, c, d]
}

/// The residue below `p` of a representative below `4p`.
#[inline(always)]
fn reduced<S: Lanes>(s: S, f: &Field<S::V>, x: S::V) -> S::V {
    s.below(s.below(x, f.p2), f.p)
}

#[inline(always)]
fn quarters(rows: &mut [Row]) -> [&mut [Row]; 4] {
    let (low, high) = rows.split_at_mut(rows.len() / 2);
    let (a, b) = low.split_at_mut(low.len() / 2);
    let (c, d) = high.split_at_mut(high.len() / 2);
    [a, b, c, d]
}

/// Two levels over a block, forward.
#[inline(always)]
fn forward_quarters<S: Lanes, const LAST: bool>(s: S, f: &Field<S::V>, rows: &mut [Row], z: Three<S>) {
    let [a, b, c, d] = quarters(rows);
    for (((a, b), c), d) in a.iter_mut().zip(b).zip(c).zip(d) {
        let mut x = forward_4(s, f, [s.load(a), s.load(b), s.load(c), s.load(d)], z);
        if LAST {
            x = [reduced(s, f, x[0]), reduced(s, f, x[1]), reduced(s, f, x[2]), reduced(s, f, x[3])];
        }
        s.store(a, x[0]);
        s.store(b, x[1]);
        s.store(c, x[2]);
        s.store(d, x[3]);
    }
}

/// Two levels over a block, inverse.
#[inline(always)]
fn inverse_quarters<S: Lanes>(s: S, f: &Field<S::V>, rows: &mut [Row], z: Three<S>) {
    let [a, b, c, d] = quarters(rows);
    for (((a, b), c), d) in a.iter_mut().zip(b).zip(c).zip(d) {
        let x = inverse_4(s, f, [s.load(a), s.load(b), s.load(c), s.load(d)], z);
        s.store(a, x[0]);
        s.store(b, x[1]);
        s.store(c, x[2]);
        s.store(d, x[3]);
    }
}

/// Two levels of a block, forward.
pub(crate) struct QuarterForward<'r> {
    pub(crate) at: Transformer,
    pub(crate) rows: &'r mut [Row],
    pub(crate) block: Block,
}

impl Kernel for QuarterForward<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Lanes>(self, s: S) {
        let f = self.at.prime.field(s);
        forward_quarters::<S, false>(s, &f, self.rows, self.at.two_levels(s, self.block));
    }
}

/// Two levels of a block, inverse.
pub(crate) struct QuarterInverse<'r> {
    pub(crate) at: Transformer,
    pub(crate) rows: &'r mut [Row],
    pub(crate) block: Block,
}

impl Kernel for QuarterInverse<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Lanes>(self, s: S) {
        let f = self.at.prime.field(s);
        inverse_quarters(s, &f, self.rows, self.at.two_levels(s, self.block.mirrored()));
    }
}

/// All levels of a small block, forward.
struct SmallForward<'r> {
    at: Transformer,
    rows: &'r mut [Row],
    block: Block,
}

impl Kernel for SmallForward<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Lanes>(self, s: S) {
        let SmallForward { at, rows, block } = self;
        let f = at.prime.field(s);
        let mut length = rows.len();
        if length.trailing_zeros() % 2 == 1 {
            let z = at.one(s, block);
            let (low, high) = rows.split_at_mut(length / 2);
            for (u, v) in low.iter_mut().zip(high) {
                let x = forward_2(s, &f, [s.load(u), s.load(v)], z);
                s.store(u, x[0]);
                s.store(v, x[1]);
            }
            length /= 2;
        }
        while length > 4 {
            let (first, second) = at.factors_below::<S>(block, rows.len() / length);
            for ((rows, first), second) in rows.chunks_exact_mut(length).zip(first).zip(second) {
                forward_quarters::<S, false>(s, &f, rows, three(s, first, second));
            }
            length /= 4;
        }
        if length == 4 {
            let (first, second) = at.factors_below::<S>(block, rows.len() / 4);
            for ((rows, first), second) in rows.chunks_exact_mut(4).zip(first).zip(second) {
                forward_quarters::<S, true>(s, &f, rows, three(s, first, second));
            }
        } else {
            for row in rows {
                let x = reduced(s, &f, s.load(row));
                s.store(row, x);
            }
        }
    }
}

/// All levels of a small block, inverse.
struct SmallInverse<'r> {
    at: Transformer,
    rows: &'r mut [Row],
    block: Block,
}

impl Kernel for SmallInverse<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Lanes>(self, s: S) {
        let SmallInverse { at, rows, block } = self;
        let f = at.prime.field(s);
        let block = block.mirrored();
        let mut length = 4;
        while length <= rows.len() {
            // The mirrored blocks run backwards.
            let (first, second) = at.factors_below::<S>(block, rows.len() / length);
            let factors = first.iter().zip(second).rev();
            for (rows, (first, second)) in rows.chunks_exact_mut(length).zip(factors) {
                inverse_quarters(s, &f, rows, three(s, first, second));
            }
            length *= 4;
        }
        if rows.len().trailing_zeros() % 2 == 1 {
            let z = at.one(s, block);
            let (low, high) = rows.split_at_mut(rows.len() / 2);
            for (u, v) in low.iter_mut().zip(high) {
                let x = inverse_2(s, &f, [s.load(u), s.load(v)], z);
                s.store(u, x[0]);
                s.store(v, x[1]);
            }
        }
    }
}
