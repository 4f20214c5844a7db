//! The adder at the heart of a refresh: in go the bits of theta numbers, column by column, out comes the one bit
//! that squashed decryption needs. It only adds and multiplies, so the same code runs over ciphertexts, over
//! cleartext bits and over noise figures.

/// Values that can be added and multiplied. Over bits: XOR and AND.
pub trait Ring {
    /// One value.
    type Element;

    /// `a + b`.
    fn add(&self, a: &Self::Element, b: &Self::Element) -> Self::Element;

    /// `a * b`.
    fn mul(&self, a: &Self::Element, b: &Self::Element) -> Self::Element;

    /// The sum of two values or more.
    ///
    /// # Panics
    /// If there are fewer.
    fn sum(&self, terms: &[&Self::Element]) -> Self::Element {
        let [a, b, rest @ ..] = terms else { panic!("there are at least two terms") };
        rest.iter().fold(self.add(a, b), |sum, term| self.add(&sum, term))
    }

    /// The value of every carry; they do not depend on each other.
    fn carries(&self, carries: Vec<Carry<Self::Element>>) -> Vec<Self::Element> {
        carries.into_iter().map(|carry| self.carry(carry)).collect()
    }

    /// Values that add up to the sum of all carries.
    fn summed_carries(&self, carries: Vec<Carry<Self::Element>>) -> Vec<Self::Element> {
        self.carries(carries)
    }

    /// The value of a carry.
    fn carry(&self, carry: Carry<Self::Element>) -> Self::Element {
        match carry {
            Carry::Full([a, b, d]) => {
                let product = self.mul(&self.add(&a, &b), &self.add(&a, &d));
                self.add(&product, &a)
            }
            Carry::Half([a, b]) => self.mul(&a, &b),
        }
    }
}

/// What an adder passes to the next column.
pub enum Carry<E> {
    /// The carry of three values `a, b, d`, which is `(a + b)(a + d) + a`.
    Full([E; 3]),
    /// The carry of two values, their product.
    Half([E; 2]),
}

/// Adds numbers of `n + 1` bits modulo `2^(n+1)` and returns the exclusive or of the two top bits of the sum, which
/// is the integer bit of the sum rounded to an integer when the top bit has weight one.
///
/// `columns` gives bit `k` (least significant first) of every number, so there are `n + 1` columns. A column is asked for
/// when the one below is done.
///
/// Carry-save addition from the lowest column up (`scheme.md` 10.1). In a column, a full adder takes the first three
/// values `a, b, d` to the sum `a + b + d`, which goes to the end of the column, and the carry
/// `(a + b)(a + d) + a`, which goes to the next column: one product. A half adder takes a last pair. The top column
/// only adds. Sums are linear, so values in column `k` have degree at most `2^k` in the input bits: the result has
/// degree at most `2^n`. Fifteen numbers of five bits take 7 + 11 + 13 + 14 = 45 products, three numbers of three bits take 3.
///
/// # Panics
/// With fewer than two columns, or with an empty column.
pub fn add_columns<R: Ring>(
    ring: &R,
    columns: impl IntoIterator<Item = Vec<R::Element>, IntoIter: ExactSizeIterator>,
) -> R::Element {
    let mut columns = columns.into_iter();
    assert!(columns.len() >= 2, "there are at least two columns of bits");
    let mut carried = Vec::new();
    while columns.len() > 2 {
        let mut column = columns.next().expect("there are more than two");
        column.append(&mut carried);
        carried = ring.carries(reduce_column(ring, column).1);
    }
    let mut below = columns.next().expect("there are two");
    below.append(&mut carried);
    let (sum, carries) = reduce_column(ring, below);
    let carries = ring.summed_carries(carries);
    let top = columns.next().expect("there is one");
    ring.sum(&[&sum].into_iter().chain(&top).chain(&carries).collect::<Vec<_>>())
}

/// Adds up one column: its sum bit and its carries. Each round takes as many full adders as there are triples; what is
/// left over goes before their sums. Sums take no products, so all carries of a column can be computed together.
fn reduce_column<R: Ring>(ring: &R, mut column: Vec<R::Element>) -> (R::Element, Vec<Carry<R::Element>>) {
    let mut carries = Vec::with_capacity(column.len() / 2);
    while column.len() > 2 {
        let mut next = column.split_off(column.len() / 3 * 3);
        let mut triples = column.into_iter();
        while let (Some(a), Some(b), Some(d)) = (triples.next(), triples.next(), triples.next()) {
            next.push(ring.sum(&[&a, &b, &d]));
            carries.push(Carry::Full([a, b, d]));
        }
        column = next;
    }
    if let [a, b] = &column[..] {
        let sum = ring.sum(&[a, b]);
        let b = column.pop().expect("a pair has a second value");
        let a = column.pop().expect("a pair has a first value");
        carries.push(Carry::Half([a, b]));
        column.push(sum);
    }
    (column.pop().expect("a column is never empty"), carries)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    /// Cleartext bits that count products.
    struct Bits {
        products: Cell<usize>,
    }

    impl Ring for Bits {
        type Element = bool;

        fn add(&self, a: &bool, b: &bool) -> bool {
            a ^ b
        }

        fn mul(&self, a: &bool, b: &bool) -> bool {
            self.products.set(self.products.get() + 1);
            a & b
        }
    }

    /// Formal degrees: sums take the larger, products add.
    struct Degrees;

    impl Ring for Degrees {
        type Element = u32;

        fn add(&self, a: &u32, b: &u32) -> u32 {
            *a.max(b)
        }

        fn mul(&self, a: &u32, b: &u32) -> u32 {
            a + b
        }
    }

    fn columns_of(numbers: &[u32], n: u32) -> Vec<Vec<bool>> {
        (0..=n).map(|k| numbers.iter().map(|number| number >> k & 1 == 1).collect()).collect()
    }

    fn check(numbers: &[u32], n: u32, products: usize) {
        let ring = Bits { products: Cell::new(0) };
        let sum: u32 = numbers.iter().sum();
        let expected = (sum >> n ^ sum >> (n - 1)) & 1 == 1;
        assert_eq!(add_columns(&ring, columns_of(numbers, n)), expected, "{numbers:?}");
        assert_eq!(ring.products.get(), products);
    }

    #[test]
    fn three_numbers_of_three_bits_take_three_products() {
        for code in 0..512_u32 {
            check(&[code & 7, code >> 3 & 7, code >> 6], 2, 3);
        }
    }

    #[test]
    fn fifteen_numbers_of_five_bits_take_forty_five_products() {
        let mut state = 1_u64;
        for _ in 0..2000 {
            let numbers: Vec<u32> = (0..15)
                .map(|_| {
                    state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                    (state >> 59) as u32
                })
                .collect();
            check(&numbers, 4, 45);
        }
    }

    #[test]
    fn degree_of_the_result_is_at_most_two_to_the_n() {
        assert_eq!(add_columns(&Degrees, vec![vec![1; 15]; 5]), 16);
        assert_eq!(add_columns(&Degrees, vec![vec![1; 3]; 3]), 3);
    }
}
