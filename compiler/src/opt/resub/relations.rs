//! Products that seem to be sums of other wires: linear dependence over GF(2) of the values on all rows.

use super::graph::{Graph, Sum};
use super::prover::Prover;

/// The most products whose values are compared at once: elimination takes cubic time.
const LARGEST_BLOCK: usize = 6_000;

/// The inputs and products of the graph; of a large one, products near each other, and each of them twice.
pub(super) fn blocks(graph: &Graph) -> Vec<Vec<u32>> {
    let mut products: Vec<u32> = graph.products().collect();
    products.sort_by_key(|&node| graph.wire(node));
    let starts = (0..products.len().max(1)).step_by(LARGEST_BLOCK / 2);
    let starts = starts.take_while(|&start| start == 0 || start + LARGEST_BLOCK / 2 < products.len());
    let block = |start: usize| {
        let end = products.len().min(start + LARGEST_BLOCK);
        let mut members: Vec<u32> = graph.inputs().chain(products[start..end].iter().copied()).collect();
        members.sort_unstable();
        members
    };
    starts.map(block).collect()
}

/// Which columns of a matrix, whose rows are inputs of the circuit, are sums of columns before.
pub(super) struct Relations {
    /// The node of each column, in ascending order; node 0 is not among them.
    members: Vec<u32>,
    /// Sums of columns (and perhaps 1) that are 0 on the first `words` words of rows.
    found: Vec<Relation>,
    words: usize,
}

/// A sum of members that is 0.
struct Relation {
    /// Its last member.
    last: u32,
    /// Which members are terms: one bit for each; after them, one bit for the constant 1.
    terms: Vec<u64>,
}

impl Relations {
    /// All relations between `members`, given in ascending order.
    pub(super) fn of(prover: &Prover, members: Vec<u32>) -> Self {
        let words = prover.words();
        let mut found = Vec::new();
        // Independent columns, each with its pivot row, and then which sum of members it is.
        let mut basis: Vec<(Vec<u64>, usize)> = Vec::new();
        let sets = members.len() / 64 + 1;
        let mut add = |mut column: Vec<u64>, last: u32| {
            for (other, pivot) in &basis {
                if column[pivot / 64] >> (pivot % 64) & 1 == 1 {
                    column.iter_mut().zip(other).for_each(|(word, other)| *word ^= other);
                }
            }
            match column[..words].iter().position(|&word| word != 0) {
                Some(word) => {
                    let pivot = 64 * word + column[word].trailing_zeros() as usize;
                    basis.push((column, pivot));
                }
                None => found.push(Relation { last, terms: column[words..].to_vec() }),
            }
        };
        let column = |values: &dyn Fn(usize) -> u64, at: usize| {
            let mut column: Vec<u64> = (0..words).map(values).chain(std::iter::repeat_n(0, sets)).collect();
            column[words + at / 64] |= 1 << (at % 64);
            column
        };
        add(column(&|_| u64::MAX, members.len()), 0);
        for (at, &member) in members.iter().enumerate() {
            add(column(&|word| prover.rows[member as usize][word], at), member);
        }
        Relations { members, found, words }
    }

    /// The relations that hold on all rows that there are now: for each, its last member, and the sum that this is.
    pub(super) fn holding(&self, prover: &Prover) -> Vec<(u32, Sum)> {
        let mut holding = Vec::new();
        let mut basis: Vec<(Vec<u64>, Vec<u64>, usize)> = Vec::new();
        for relation in &self.found {
            let mut terms = relation.terms.clone();
            let mut values = self.values(prover, &terms);
            for (other, other_terms, pivot) in &basis {
                if values[pivot / 64] >> (pivot % 64) & 1 == 1 {
                    values.iter_mut().zip(other).for_each(|(word, other)| *word ^= other);
                    terms.iter_mut().zip(other_terms).for_each(|(word, other)| *word ^= other);
                }
            }
            match values.iter().position(|&word| word != 0) {
                Some(word) => {
                    let pivot = 64 * word + values[word].trailing_zeros() as usize;
                    basis.push((values, terms, pivot));
                }
                None => holding.push((relation.last, self.others(&terms, relation.last))),
            }
        }
        holding
    }

    fn is_term(terms: &[u64], at: usize) -> bool {
        terms[at / 64] >> (at % 64) & 1 == 1
    }

    /// The values of a sum on the rows that came later.
    fn values(&self, prover: &Prover, terms: &[u64]) -> Vec<u64> {
        let one = if Self::is_term(terms, self.members.len()) { u64::MAX } else { 0 };
        let mut values = vec![one; prover.words() - self.words];
        for (at, &member) in self.members.iter().enumerate() {
            if Self::is_term(terms, at) {
                let rows = &prover.rows[member as usize][self.words..];
                values.iter_mut().zip(rows).for_each(|(word, row)| *word ^= row);
            }
        }
        values
    }

    fn others(&self, terms: &[u64], last: u32) -> Sum {
        let members = self.members.iter().enumerate();
        let others = members.filter(|&(at, &member)| member != last && Self::is_term(terms, at));
        Sum {
            terms: others.map(|(_, &member)| member).collect(),
            products: Vec::new(),
            flip: Self::is_term(terms, self.members.len()),
        }
    }
}
