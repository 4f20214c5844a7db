//! Many linear forms in the same few large integers: `sum_j b_ij x_j` for short multipliers `b_ij`.
//!
//! With vector instructions the integers are cut into 52-bit digits; a tile of the digits of all of them stays in the
//! cache while all forms are evaluated on it, in sums that carry only at the end. Without, each product is added by
//! rows. The sums are exact, so both give the same integers.

use rayon::prelude::*;

use super::limbs::{self, BITS};
use super::ntt::{self, Instructions, Kernel, LANES, Lanes, Row};

/// Bits of a digit.
const DIGIT: usize = 52;

/// `2^52 - 1`.
const MASK: u64 = (1 << DIGIT) - 1;

/// Digits of a tile; a multiple of two vectors.
const TILE: usize = 512;

/// Forms that are summed together, each in a few vector registers.
const TOGETHER: usize = 4;

/// Pairs of digits in one sum: twice as many products below `2^52` stay below `2^64`.
const MOST_PAIRS: usize = 1 << 11;

/// Integers of one length, prepared for linear forms.
pub struct Variables {
    limbs: usize,
    count: usize,
    form: Form,
}

enum Form {
    Limbs(Vec<Vec<u64>>),
    /// In groups, so that a sum over a group does not overflow.
    Digits {
        per_group: usize,
        groups: Vec<Group>,
    },
}

/// Some of the integers in digits.
struct Group {
    count: usize,
    /// For each tile the digits of every integer, from `before` digits before the tile on.
    tiles: Vec<Vec<u64>>,
    before: usize,
}

impl Variables {
    /// Takes integers of equal length, for multipliers of at most `multiplier_bits` bits.
    ///
    /// # Panics
    /// If the integers have different lengths.
    pub fn new(integers: Vec<Vec<u64>>, multiplier_bits: usize) -> Variables {
        Self::with_instructions(Instructions::best(), integers, multiplier_bits)
    }

    /// [`Self::new`] with given instructions.
    ///
    /// # Panics
    /// As [`Self::new`].
    pub fn with_instructions(
        instructions: Instructions,
        integers: Vec<Vec<u64>>,
        multiplier_bits: usize,
    ) -> Variables {
        let (limbs, count) = (integers.first().map_or(0, Vec::len), integers.len());
        assert!(integers.iter().all(|x| x.len() == limbs), "the variables have one length");
        let form = match instructions {
            Instructions::Portable | Instructions::Avx2 => Form::Limbs(integers),
            Instructions::Avx512 => {
                let per_group = (MOST_PAIRS / multiplier_bits.div_ceil(DIGIT).max(1)).max(1);
                let groups = integers.chunks(per_group).map(|group| Group::new(group, multiplier_bits));
                Form::Digits { per_group, groups: groups.collect() }
            }
        };
        Variables { limbs, count, form }
    }

    /// `sum_j b_ij x_j` for each row `i` of multipliers.
    ///
    /// # Panics
    /// If a row has not a multiplier for each variable, or a multiplier is longer than was prepared for.
    pub fn evaluate(&self, rows: &[Vec<Vec<u64>>]) -> Vec<Vec<u64>> {
        assert!(rows.iter().all(|row| row.len() == self.count), "a multiplier for each variable");
        let longest = rows.iter().flatten().map(|b| limbs::trimmed(b).len()).max().unwrap_or(0);
        // A limb for the number of variables.
        let mut sums = vec![vec![0; self.limbs + longest + 1]; rows.len()];
        match &self.form {
            Form::Limbs(integers) => sums.par_iter_mut().zip(rows).for_each(|(sum, row)| {
                for (x, b) in integers.iter().zip(row) {
                    limbs::add_product(sum, x, limbs::trimmed(b));
                }
            }),
            Form::Digits { per_group, groups } => {
                for (number, group) in groups.iter().enumerate() {
                    group.add_to(&mut sums, &Multipliers::new(rows, number * per_group, group.count));
                }
            }
        }
        sums
    }
}

impl Group {
    fn new(integers: &[Vec<u64>], multiplier_bits: usize) -> Group {
        // A vector of the result reads one digit further back than the multiplier is long.
        let before = (multiplier_bits.div_ceil(DIGIT) + 1).next_multiple_of(LANES);
        let length = (integers[0].len() * BITS).div_ceil(DIGIT) + before;
        let tile = |start: usize| {
            let mut tile = Vec::with_capacity(integers.len() * (before + TILE));
            for x in integers {
                let places = (start..start + before + TILE).map(|place| place.checked_sub(before));
                tile.extend(places.map(|place| place.map_or(0, |place| digit(x, place))));
            }
            tile
        };
        let starts: Vec<usize> = (0..length).step_by(TILE).collect();
        Group { count: integers.len(), tiles: starts.into_par_iter().map(tile).collect(), before }
    }

    /// Adds the forms in the group's variables.
    fn add_to(&self, sums: &mut [Vec<u64>], multipliers: &Multipliers) {
        assert!(multipliers.digits < self.before, "multipliers of the size prepared for");
        let tile =
            |tile: &Vec<u64>| ntt::run(Instructions::Avx512, Tile { tile, before: self.before, multipliers });
        let tiles: Vec<Vec<u64>> = self.tiles.par_iter().map(tile).collect();
        sums.par_iter_mut().enumerate().for_each(|(row, sum)| {
            let digits = tiles.iter().flat_map(|tile| &tile[row * TILE..][..TILE]);
            let part = carried(digits, sum.len());
            let overflow = limbs::add_assign(sum, limbs::trimmed(&part));
            debug_assert!(!overflow, "the sum has a limb for the number of variables");
        });
    }
}

/// A digit of an integer.
fn digit(x: &[u64], place: usize) -> u64 {
    let (at, shift) = (place * DIGIT / BITS, place * DIGIT % BITS);
    let limb = |at: usize| u128::from(x.get(at).copied().unwrap_or(0));
    ((limb(at + 1) << BITS | limb(at)) >> shift) as u64 & MASK
}

/// The limbs of an integer in digits that have not carried.
fn carried<'s>(digits: impl Iterator<Item = &'s u64>, length: usize) -> Vec<u64> {
    let mut limbs = Vec::with_capacity(length + TILE);
    let (mut held, mut bits, mut carry) = (0_u128, 0, 0_u64);
    for digit in digits {
        let sum = u128::from(*digit) + u128::from(carry);
        carry = (sum >> DIGIT) as u64;
        held |= u128::from(sum as u64 & MASK) << bits;
        bits += DIGIT;
        if bits >= BITS {
            limbs.push(held as u64);
            held >>= BITS;
            bits -= BITS;
        }
    }
    debug_assert!(carry == 0, "the tiles reach past the highest digit");
    limbs.push(held as u64);
    limbs
}

/// The digits of the multipliers of some variables.
struct Multipliers {
    rows: usize,
    /// Digits of a multiplier.
    digits: usize,
    variables: usize,
    /// For each group of [`TOGETHER`] rows, each variable and each place the digits of the group's rows.
    values: Vec<[u64; TOGETHER]>,
}

impl Multipliers {
    fn new(rows: &[Vec<Vec<u64>>], first: usize, variables: usize) -> Multipliers {
        let bits = rows.iter().flatten().map(|b| limbs::bit_length(b)).max().unwrap_or(0);
        let digits = bits.div_ceil(DIGIT).max(1);
        let mut values = Vec::with_capacity(rows.len().div_ceil(TOGETHER) * variables * digits);
        for group in rows.chunks(TOGETHER) {
            for j in first..first + variables {
                for place in 0..digits {
                    values.push(std::array::from_fn(|i| group.get(i).map_or(0, |row| digit(&row[j], place))));
                }
            }
        }
        Multipliers { rows: rows.len(), digits, variables, values }
    }

    /// The multipliers of a group of rows.
    fn group(&self, group: usize) -> &[[u64; TOGETHER]] {
        let length = self.variables * self.digits;
        &self.values[group * length..][..length]
    }
}

/// Evaluates all forms on a tile. The sums of a row's digits stand next to each other.
struct Tile<'a> {
    tile: &'a [u64],
    before: usize,
    multipliers: &'a Multipliers,
}

impl Kernel for Tile<'_> {
    type Output = Vec<u64>;

    #[inline(always)]
    fn run<S: Lanes>(self, s: S) -> Vec<u64> {
        let multipliers = self.multipliers;
        let mut sums = vec![0; multipliers.rows.next_multiple_of(TOGETHER) * TILE];
        for (group, sums) in sums.chunks_exact_mut(TOGETHER * TILE).enumerate() {
            for at in (0..TILE).step_by(2 * LANES) {
                self.sum(s, multipliers.group(group), at, sums);
            }
        }
        sums
    }
}

impl Tile<'_> {
    /// The sums of two vectors of digits, from `at` on.
    #[inline(always)]
    fn sum<S: Lanes>(&self, s: S, values: &[[u64; TOGETHER]], at: usize, sums: &mut [u64]) {
        let mut acc = [[s.splat(0); 2]; TOGETHER];
        let variables = self.tile.chunks_exact(self.before + TILE);
        for (variable, values) in variables.zip(values.chunks_exact(self.multipliers.digits)) {
            // The low halves of digit n come from digit n - k of the variable, the high halves from digit n - k - 1.
            let place = self.before + at;
            let mut near = [load(s, variable, place), load(s, variable, place + LANES)];
            for (k, value) in values.iter().enumerate() {
                let far = [load(s, variable, place - k - 1), load(s, variable, place - k - 1 + LANES)];
                for i in 0..TOGETHER {
                    let value = s.splat(value[i]);
                    for v in 0..2 {
                        acc[i][v] = s.add_low(acc[i][v], near[v], value);
                        acc[i][v] = s.add_high(acc[i][v], far[v], value);
                    }
                }
                near = far;
            }
        }
        for i in 0..TOGETHER {
            for v in 0..2 {
                let mut row = Row::ZERO;
                s.store(&mut row, acc[i][v]);
                sums[i * TILE + at + v * LANES..][..LANES].copy_from_slice(&row.0);
            }
        }
    }
}

/// A vector of digits from any place.
#[inline(always)]
fn load<S: Lanes>(s: S, digits: &[u64], at: usize) -> S::V {
    let digits = digits[at..].first_chunk::<LANES>().expect("the tile holds a vector at this place");
    s.load_limbs(digits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use num_bigint::BigUint;
    use proptest::collection::vec;
    use proptest::prelude::*;

    fn limb() -> impl Strategy<Value = u64> {
        prop_oneof![Just(0), Just(u64::MAX), any::<u64>()]
    }

    proptest! {
        #[test]
        fn forms_agree_with_num_bigint(
            length in 1_usize..900, (count, rows, multiplier) in (1_usize..30, 0_usize..10, 1_usize..7),
            limbs in vec(limb(), 300), offset: u16,
        ) {
            let integer = |j: usize, length: usize| {
                (0..length).map(|i| limbs[(i * (j + 1) + usize::from(offset)) % 300]).collect::<Vec<u64>>()
            };
            let integers: Vec<Vec<u64>> = (0..count).map(|j| integer(j, length)).collect();
            let rows: Vec<Vec<Vec<u64>>> =
                (0..rows).map(|i| (0..count).map(|j| integer(31 * i + j, multiplier)).collect()).collect();
            let expected: Vec<BigUint> = rows
                .iter()
                .map(|row| integers.iter().zip(row).map(|(x, b)| limbs::integer(x) * limbs::integer(b)).sum())
                .collect();
            for instructions in [Instructions::best(), Instructions::Portable] {
                let variables = Variables::with_instructions(instructions, integers.clone(), 64 * multiplier);
                let sums: Vec<BigUint> = variables.evaluate(&rows).iter().map(|sum| limbs::integer(sum)).collect();
                prop_assert_eq!(&sums, &expected);
            }
        }
    }

    #[test]
    fn the_largest_digits_do_not_overflow() {
        // More variables than one group has, all ones, times all ones.
        let count = MOST_PAIRS / 2 + 3;
        let rows = vec![vec![vec![u64::MAX, (1 << 40) - 1]; count]; 2];
        let variables = Variables::new(vec![vec![u64::MAX; 30]; count], 104);
        let one = limbs::integer(&[u64::MAX; 30]) * limbs::integer(&rows[0][0]);
        for sum in variables.evaluate(&rows) {
            assert_eq!(limbs::integer(&sum), &one * count);
        }
    }
}
