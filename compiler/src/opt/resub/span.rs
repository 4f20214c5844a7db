//! Spans of columns over GF(2): which of them a column is the sum of.

/// Words of rows that are compared; there are several times as many rows as columns.
pub(super) const WORDS: usize = 8;

/// The values of a wire on some rows.
pub(super) type Column = [u64; WORDS];

/// The span of some columns, which are numbered in turn.
#[derive(Clone, Default)]
pub(super) struct Span {
    /// Independent columns, of which columns each is the sum, and a row that later ones do not have.
    basis: Vec<(Column, u128, usize)>,
    count: usize,
}

impl Span {
    /// One more column; there are at most 128.
    pub(super) fn add(&mut self, column: Column) {
        if !self.add_independent(column) {
            self.count += 1;
        }
    }

    /// One more column if it is no sum of those before, else none; whether it is one more.
    pub(super) fn add_independent(&mut self, column: Column) -> bool {
        debug_assert!(self.count < 128);
        let (rest, set) = self.reduced(column, 1 << self.count);
        let Some(word) = rest.iter().position(|&word| word != 0) else { return false };
        let pivot = 64 * word + rest[word].trailing_zeros() as usize;
        self.basis.push((rest, set, pivot));
        self.count += 1;
        true
    }

    /// How many columns there are.
    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// `column` without what the columns can take away, and `set` with the numbers of those that took it.
    pub(super) fn reduced(&self, mut column: Column, mut set: u128) -> (Column, u128) {
        for (other, others, pivot) in &self.basis {
            if column[pivot / 64] >> (pivot % 64) & 1 == 1 {
                column.iter_mut().zip(other).for_each(|(word, other)| *word ^= other);
                set ^= others;
            }
        }
        (column, set)
    }

    /// The columns, by their numbers, whose sum is `column`.
    pub(super) fn sum_that_is(&self, column: Column) -> Option<u128> {
        let (rest, set) = self.reduced(column, 0);
        (rest == [0; WORDS]).then_some(set)
    }
}
