//! Boolean functions of up to six variables, up to affine equivalence.
//!
//! Two functions with `f(x) = g(A x + b) + c x + d` over GF(2), `A` invertible, need equally many ANDs: what lies between
//! them is linear. The Walsh spectrum `S[u] = sum of (-1)^(f(x) + u x)` shows the equivalence: `A` permutes it linearly,
//! `c` translates it, `b` and `d` change signs (Edwards, "The application of the Rademacher-Walsh transform to Boolean
//! function classification and threshold logic synthesis", 1975). [`normalize`] takes for each function the largest
//! spectrum that it finds, entry by entry, so that equivalent functions mostly meet in one form; functions with many
//! symmetries have too many ties to follow all of them, and may end in one of several forms.

use super::classes::Chain;

/// The most variables.
pub(in crate::opt) const VARIABLES: usize = 6;

/// The most partial choices that are followed at once.
const TIES: usize = 96;

/// `f(x) = g(y) + c x + d` with `y[i] = rows[i] x + shift[i]`, over GF(2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::opt) struct Normal {
    /// The truth table of `g`: bit `y` is `g(y)`; of `dimension` variables, `g(0)` as it comes.
    pub(in crate::opt) table: u64,
    /// Number of variables of `g`: the least that any equivalent function has.
    pub(in crate::opt) dimension: u8,
    /// Each row a set of variables of `f`.
    pub(in crate::opt) rows: [u8; VARIABLES],
    /// Bit `i` is the constant added to `y[i]`.
    pub(in crate::opt) shift: u8,
    /// `c`: a set of variables of `f`.
    pub(in crate::opt) linear: u8,
    /// `d`.
    pub(in crate::opt) constant: bool,
}

impl Normal {
    /// The AND-depth of the function, computed by `chain`, given those of its variables.
    pub(in crate::opt) fn depth(&self, chain: &Chain, depths: &[u32; VARIABLES]) -> u32 {
        let of_sum =
            |set: u8| (0..VARIABLES).filter(|at| set >> at & 1 == 1).map(|at| depths[at]).max().unwrap_or(0);
        chain.depth(&self.rows.map(of_sum)).max(of_sum(self.linear))
    }

    /// The variables that `f` is a function of.
    pub(super) fn support(&self) -> u8 {
        self.rows[..usize::from(self.dimension)].iter().fold(self.linear, |all, row| all | row)
    }
}

/// A partial choice of a translation and of rows.
#[derive(Clone, Copy)]
struct Choice {
    linear: u8,
    rows: [u8; VARIABLES],
    shift: u8,
    negative: bool,
    /// The span of the rows, one bit an element.
    span: u64,
}

/// A normal form of the function of six variables with truth table `table`.
pub(super) fn normalize(table: u64) -> Normal {
    let spectrum = spectrum(table);
    let largest = spectrum.iter().map(|entry| entry.unsigned_abs()).max().unwrap_or(0);
    let mut choices: Vec<Choice> = (0_u8..64)
        .filter(|&u| spectrum[usize::from(u)].unsigned_abs() == largest)
        .map(|linear| Choice {
            linear,
            rows: [0; VARIABLES],
            shift: 0,
            negative: spectrum[usize::from(linear)] < 0,
            span: 1,
        })
        .collect();
    let mut dimension = 0;
    let mut normal = vec![i16::try_from(largest).expect("at most 64")];
    while dimension < VARIABLES {
        let Some((block, best)) = extensions(&spectrum, &choices, dimension) else { break };
        choices = best;
        normal.extend(&block[..1 << dimension]);
        dimension += 1;
    }
    let Choice { linear, rows, shift, negative, .. } = choices[0];
    Normal {
        table: table_of(&normal, dimension),
        dimension: u8::try_from(dimension).expect("at most six"),
        rows,
        shift,
        linear,
        constant: negative,
    }
}

type Block = [i16; 32];

/// All choices with one more row whose new entries are the largest, and these entries; `None` if all are zero.
fn extensions(spectrum: &[i16; 64], choices: &[Choice], dimension: usize) -> Option<(Block, Vec<Choice>)> {
    let mut best: Block = [0; 32];
    let mut found: Vec<Choice> = Vec::new();
    for choice in choices {
        // Elements of the span in the order of their coordinates, with the signs that the shifts give them.
        let mut elements = [(0_u8, choice.negative); 32];
        for row in 0..dimension {
            for at in 0..1 << row {
                let (element, sign) = elements[at];
                elements[at | 1 << row] = (element ^ choice.rows[row], sign ^ (choice.shift >> row & 1 == 1));
            }
        }
        for row in 1_u8..64 {
            let first = spectrum[usize::from(choice.linear ^ row)];
            if choice.span >> row & 1 == 1 || first == 0 || first.abs() < best[0] {
                continue;
            }
            let flip = (first < 0) != choice.negative;
            let mut block: Block = [0; 32];
            let mut order = std::cmp::Ordering::Equal;
            for at in 0..1 << dimension {
                let (element, sign) = elements[at];
                let entry = spectrum[usize::from(choice.linear ^ row ^ element)];
                block[at] = if sign ^ flip { -entry } else { entry };
                order = order.then(block[at].cmp(&best[at]));
                if order.is_lt() {
                    break;
                }
            }
            if order.is_lt() {
                continue;
            }
            if order.is_gt() {
                best = block;
                found.clear();
            }
            if found.len() < TIES {
                let mut next = *choice;
                next.rows[dimension] = row;
                next.shift |= u8::from(flip) << dimension;
                for &(element, _) in &elements[..1 << dimension] {
                    next.span |= 1 << (row ^ element);
                }
                found.push(next);
            }
        }
    }
    (!found.is_empty()).then_some((best, found))
}

/// The Walsh spectrum.
pub(super) fn spectrum(table: u64) -> [i16; 64] {
    let mut values = [0_i16; 64];
    for (x, value) in values.iter_mut().enumerate() {
        *value = if table >> x & 1 == 1 { -1 } else { 1 };
    }
    transform(&mut values);
    values
}

fn transform(values: &mut [i16]) {
    let mut half = 1;
    while half < values.len() {
        for pair in values.chunks_exact_mut(2 * half) {
            let (low, high) = pair.split_at_mut(half);
            for (a, b) in low.iter_mut().zip(high) {
                (*a, *b) = (*a + *b, *a - *b);
            }
        }
        half *= 2;
    }
}

/// The truth table of the function whose spectrum is `spectrum`, up to a positive factor.
fn table_of(spectrum: &[i16], dimension: usize) -> u64 {
    let mut values = [0_i16; 64];
    values[..1 << dimension].copy_from_slice(spectrum);
    transform(&mut values[..1 << dimension]);
    values[..1 << dimension]
        .iter()
        .enumerate()
        .filter(|&(_, &value)| value < 0)
        .fold(0, |table, (x, _)| table | 1 << x)
}

/// The truth table over six variables of variable `index`.
pub(in crate::opt) const fn variable(index: usize) -> u64 {
    ffhec_circuit::VARIABLES[index]
}

/// The truth table over six variables of the sum of a set of them.
#[cfg(test)]
pub(super) fn sum_of(set: u8) -> u64 {
    (0..VARIABLES).filter(|&index| set >> index & 1 == 1).fold(0, |sum, index| sum ^ variable(index))
}

/// The truth table of the function that `normal` is the normal form of.
#[cfg(test)]
pub(super) fn table_from(normal: &Normal) -> u64 {
    let dimension = usize::from(normal.dimension);
    let mut table = 0;
    for x in 0_u8..64 {
        let parity = |set: u8| (set & x).count_ones() & 1 == 1;
        let y = (0..dimension)
            .filter(|&row| parity(normal.rows[row]) ^ (normal.shift >> row & 1 == 1))
            .fold(0, |y, row| y | 1 << row);
        let bit = (normal.table >> y & 1 == 1) ^ parity(normal.linear) ^ normal.constant;
        table |= u64::from(bit) << x;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::opt::testing::Random;

    #[test]
    fn the_normal_form_gives_the_function_back() {
        let mut random = Random::new(1);
        for case in 0..3_000 {
            let (a, b, c) = (random.word(), random.word(), random.word());
            let table = match case % 4 {
                0 => a,
                1 => a & b & c,
                2 => sum_of((a & 63) as u8) & sum_of((b & 63) as u8) ^ sum_of((c & 63) as u8),
                _ => (sum_of((a & 63) as u8) & sum_of((b & 63) as u8) | variable(2)) & sum_of((c & 63) as u8),
            };
            let normal = normalize(table);
            assert_eq!(table_from(&normal), table, "{table:016x} {normal:?}");
        }
    }

    #[test]
    fn functions_of_few_dimensions_are_recognised() {
        assert_eq!(normalize(0).dimension, 0);
        assert_eq!(normalize(sum_of(0b10_1101) ^ u64::MAX).dimension, 0);
        let product = normalize(!sum_of(0b10_1101) & sum_of(0b00_0111) ^ sum_of(0b11_0000));
        assert_eq!((product.dimension, product.table.count_ones()), (2, 1));
    }
}
