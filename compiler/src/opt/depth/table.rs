//! Truth tables of functions of up to eight variables.

use crate::opt::rewrite::{VARIABLES, variable};

/// The most leaves of a cone.
pub(super) const LEAVES: usize = 8;

/// Bit `x` of word `w` is the value at `x + 64 w`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Table(pub(super) [u64; 4]);

impl Table {
    pub(super) const ZERO: Table = Table([0; 4]);
    pub(super) const ONE: Table = Table([u64::MAX; 4]);

    /// Variable `at`.
    pub(super) fn variable(at: usize) -> Self {
        debug_assert!(at < LEAVES);
        match at {
            6 => Table([0, u64::MAX, 0, u64::MAX]),
            7 => Table([0, 0, u64::MAX, u64::MAX]),
            _ => Table([variable(at); 4]),
        }
    }

    /// The two cofactors at variable `at`: both no longer depend on it.
    pub(super) fn cofactors(self, at: usize) -> [Table; 2] {
        let [a, b, c, d] = self.0;
        match at {
            6 => [Table([a, a, c, c]), Table([b, b, d, d])],
            7 => [Table([a, b, a, b]), Table([c, d, c, d])],
            _ => {
                let distance = 1 << at;
                let low = self.0.map(|word| word & !variable(at));
                let high = self.0.map(|word| word & variable(at));
                [
                    Table(low.map(|word| word | word << distance)),
                    Table(high.map(|word| word | word >> distance)),
                ]
            }
        }
    }

    /// Whether it depends on variable `at`.
    pub(super) fn depends(self, at: usize) -> bool {
        let [low, high] = self.cofactors(at);
        low != high
    }

    /// `x` chooses: this where it is 0, `other` where it is 1.
    pub(super) fn select(self, other: Table, x: Table) -> Table {
        self ^ (x & (self ^ other))
    }

    /// The function of the first six variables, if it depends on at most six, and which variable each of them is.
    pub(super) fn compressed(self) -> Option<(u64, [usize; VARIABLES])> {
        let mut places = [0, 1, 2, 3, 4, 5];
        let mut table = self;
        for high in VARIABLES..LEAVES {
            if table.depends(high) {
                let low = (0..VARIABLES).find(|&low| !table.depends(low))?;
                let x = Table::variable(low);
                let [zero, one] = table.cofactors(high);
                table = zero.select(one, x);
                places[low] = high;
            }
        }
        Some((table.0[0], places))
    }
}

impl std::ops::BitXor for Table {
    type Output = Table;
    fn bitxor(self, other: Table) -> Table {
        Table(std::array::from_fn(|at| self.0[at] ^ other.0[at]))
    }
}

impl std::ops::BitAnd for Table {
    type Output = Table;
    fn bitand(self, other: Table) -> Table {
        Table(std::array::from_fn(|at| self.0[at] & other.0[at]))
    }
}

impl std::ops::Not for Table {
    type Output = Table;
    fn not(self) -> Table {
        Table(self.0.map(|word| !word))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::opt::testing::Random;

    fn value(table: Table, x: usize) -> bool {
        table.0[x / 64] >> (x % 64) & 1 == 1
    }

    #[test]
    fn a_function_is_chosen_from_its_cofactors() {
        let mut random = Random::new(3);
        for _ in 0..50 {
            let table = Table(std::array::from_fn(|_| random.word()));
            for at in 0..LEAVES {
                let [low, high] = table.cofactors(at);
                assert!(!low.depends(at) && !high.depends(at));
                assert_eq!(low.select(high, Table::variable(at)), table);
                for x in 0..256 {
                    assert_eq!(value(low, x), value(table, x & !(1 << at)));
                    assert_eq!(value(high, x), value(table, x | 1 << at));
                }
            }
        }
    }

    #[test]
    fn six_of_eight_variables_fit_a_word() {
        let mut random = Random::new(4);
        for _ in 0..200 {
            let mut table = Table(std::array::from_fn(|_| random.word()));
            let absent = [random.below(LEAVES), random.below(LEAVES)];
            for at in absent {
                table = table.cofactors(at)[0];
            }
            let Some((word, places)) = table.compressed() else {
                assert_eq!(absent[0], absent[1]);
                continue;
            };
            for x in 0..256 {
                let y = (0..VARIABLES).filter(|&at| x >> places[at] & 1 == 1).fold(0, |y, at| y | 1 << at);
                assert_eq!(word >> y & 1 == 1, value(table, x));
            }
        }
    }
}
