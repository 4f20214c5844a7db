//! Lengths that fit the operand.
//!
//! A product of `R` rows is computed modulo a product of polynomials `x^(8 m) + 1`, one for each power of two `m` in
//! a sum `m_1 + m_2 + .. >= R`. Powers of two that differ give factors without common roots: the smaller `m` divides
//! the larger `n`, so `y^n + 1 = 2` modulo `y^m + 1`. Reducing modulo a factor, and the Chinese remainder theorem
//! back, take additions only (see [`super::parts`]); that is a truncated transform (van der Hoeven, "The truncated
//! Fourier transform", 2004) whose parts are whole transforms.

use super::prime::MAX_LEVELS;

/// The parts of a length, in rows: distinct powers of two, descending.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Length {
    parts: Vec<usize>,
}

impl Length {
    /// At most this many parts; each costs another pass of additions.
    const MOST_PARTS: u32 = 4;

    /// The cheapest length of at least `rows` rows.
    ///
    /// # Panics
    /// If that is longer than a transform can be.
    pub(crate) fn at_least(rows: usize) -> Length {
        let rows = rows.max(1);
        assert!(rows <= 1 << MAX_LEVELS, "a transform has at most 2^{MAX_LEVELS} rows");
        let rounded = (0..=rows.ilog2() + 1).map(|bits| rows.next_multiple_of(1 << bits));
        let candidates = rounded.filter(|rows| rows.count_ones() <= Self::MOST_PARTS);
        let best = candidates.min_by_key(|rows| Self::of(*rows).cost()).unwrap_or(rows.next_power_of_two());
        Self::of(best)
    }

    /// The length with one part for each bit of `rows`.
    fn of(rows: usize) -> Length {
        let bits = (0..usize::BITS).rev().map(|bit| 1 << bit);
        Length { parts: bits.filter(|part| rows & part != 0).collect() }
    }

    /// A model of the time of a product, in butterflies of one row.
    fn cost(&self) -> usize {
        let transforms: usize = self.parts.iter().map(|m| m * (m.ilog2() as usize + 10) + 16).sum();
        let folding = if self.parts.len() > 1 { 2 * self.rows() } else { 0 };
        transforms + folding
    }

    /// The parts.
    pub(crate) fn parts(&self) -> &[usize] {
        &self.parts
    }

    /// All rows.
    pub(crate) fn rows(&self) -> usize {
        self.parts.iter().sum()
    }

    /// The number of rows of the first part.
    pub(crate) fn first(&self) -> usize {
        self.parts.first().copied().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_fit_within_an_eighth() {
        for rows in (1..5_000).chain([82_090, 43_858, 1 << 20]) {
            let length = Length::at_least(rows);
            assert!(length.rows() >= rows);
            assert!(length.rows() <= rows + rows / 8 + 1, "{rows} rows in {:?}", length.parts());
            assert!(length.parts().windows(2).all(|pair| pair[0] > pair[1]));
            assert!(length.parts().iter().all(|part| part.is_power_of_two()));
        }
        assert_eq!(Length::at_least(82_090).parts(), [65_536, 16_384, 128, 64]);
    }
}
