//! Any function of a few bits as gates.
//!
//! In: a [`Table`], the result for every value of an index. Out: gates whose ANDs are shared by all bits of the result.
//!
//! A function f of an index with the bit x is f0 + x (f0 + f1), where f0 and f1 are what is left of it for x = 0 and
//! x = 1: one AND. Sums are free, so what counts of the functions that are wanted is the space over GF(2) that they and the
//! constant 1 span: its ANDs are as many as the dimension, modulo 1, of the sums f0 + f1, and what has to be there for
//! them, one bit further down, is the space of all f0 and f1. That space depends on which bits were taken, not on their
//! order, so the best order is a shortest path through the sets of bits. (Shannon's and both of Davio's expansions are
//! the same here, as two of f0, f1 and their sum give the third.)
//!
//! Spaces double from bit to bit until all functions of the bits that are left are there: w result bits of n index bits
//! take about w + 2 w + 4 w + .., and then 2^k - k - 1, the products of the last k bits. For 8 and 8 that is at most 81 ANDs
//! where products of all the bits would take 247.

use std::sync::Arc;

use ffhec_circuit::Wire;

use super::bits::{Bits, Gates};

/// The most bits of an index.
pub const MOST_INDEX_BITS: u32 = 10;
/// The most bits for which all orders are tried; of more, the next one is always the cheapest.
const MOST_ORDERED: u32 = 8;

/// The result for every index.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Table {
    entries: Vec<u64>,
    /// Index bits in the order in which they are taken.
    order: Vec<u32>,
    ands: usize,
}

impl Table {
    /// A table of 2^n entries, n at most [`MOST_INDEX_BITS`]; none if their number is another.
    pub fn new(entries: Vec<u64>) -> Option<Arc<Table>> {
        let bits = entries.len().checked_ilog2()?;
        if bits > MOST_INDEX_BITS || !entries.len().is_power_of_two() {
            return None;
        }
        let start = Basis::of(columns(&entries));
        let (order, ands) =
            if bits <= MOST_ORDERED { cheapest_order(start, bits) } else { greedy_order(start, bits) };
        Some(Arc::new(Table { entries, order, ands }))
    }

    /// How many bits the index has.
    pub fn index_bits(&self) -> u32 {
        self.entries.len().ilog2()
    }

    /// The result for an index, of which only the bits of the index count.
    pub fn entry(&self, index: usize) -> u64 {
        self.entries[index & (self.entries.len() - 1)]
    }

    /// The entries that results may be.
    pub fn entries(&self) -> &[u64] {
        &self.entries
    }

    /// How many ANDs it takes, if no bit of the index is known.
    pub fn ands(&self) -> usize {
        self.ands
    }

    /// The gates, for an index of as many wires as it has bits.
    pub fn build(&self, g: &mut Gates<'_>, index: &[Wire], width: usize) -> Bits {
        debug_assert_eq!(index.len(), self.order.len());
        let mut word = realised(g, index, &self.order, &columns(&self.entries));
        word.resize(width, g.bit(false));
        word
    }
}

/// A function of the index: its value for every index, 64 to a word. (Of fewer than six bits it is repeated.)
type Function = Vec<u64>;

/// The bits of the entries, as functions of the index.
fn columns(entries: &[u64]) -> Vec<Function> {
    let width = 64 - entries.iter().fold(0, |all, entry| all | entry).leading_zeros();
    let words = entries.len().div_ceil(64);
    let value = |bit: u32, at: usize| entries[at % entries.len()] >> bit & 1;
    let word = |bit: u32, word: usize| (0..64).fold(0, |all, at| all | value(bit, 64 * word + at) << at);
    (0..width).map(|bit| (0..words).map(|at| word(bit, at)).collect()).collect()
}

/// What is left of a function where a bit of the index is 0, and where it is 1.
fn cofactors(function: &Function, bit: u32) -> (Function, Function) {
    /// Where bits 0 to 5 of an index are 0.
    const ZERO: [u64; 6] = [
        0x5555_5555_5555_5555,
        0x3333_3333_3333_3333,
        0x0f0f_0f0f_0f0f_0f0f,
        0x00ff_00ff_00ff_00ff,
        0x0000_ffff_0000_ffff,
        0x0000_0000_ffff_ffff,
    ];
    if let Some(zero) = ZERO.get(bit as usize) {
        let low = |word: &u64| (word & zero) | (word & zero) << (1 << bit);
        let high = |word: &u64| (word & !zero) | (word & !zero) >> (1 << bit);
        (function.iter().map(low).collect(), function.iter().map(high).collect())
    } else {
        let stride = 1 << (bit - 6);
        let low = (0..function.len()).map(|at| function[at & !stride]).collect();
        (low, (0..function.len()).map(|at| function[at | stride]).collect())
    }
}

fn sum(a: &Function, b: &Function) -> Function {
    a.iter().zip(b).map(|(a, b)| a ^ b).collect()
}

/// The functions that are sums of some, the generators, and 1. Number 0 is 1.
#[derive(Clone, Default)]
struct Space {
    /// Every row has a bit, its pivot, that no row after it has.
    rows: Vec<Row>,
    generators: Vec<Function>,
}

#[derive(Clone)]
struct Row {
    function: Function,
    word: usize,
    pivot: u64,
    /// The generators that it is the sum of.
    of: Vec<usize>,
}

impl Space {
    /// Spanned by functions of one index.
    fn of(functions: Vec<Function>) -> Space {
        let mut space = Space::default();
        for function in functions {
            space.add(function);
        }
        space
    }

    /// Takes a function in as a generator, if it is not there already.
    fn add(&mut self, function: Function) {
        if self.rows.is_empty() {
            self.add_row(vec![u64::MAX; function.len()]);
        }
        self.add_row(function);
    }

    fn add_row(&mut self, function: Function) {
        let (rest, mut of) = self.reduced(function.clone());
        let Some(word) = rest.iter().position(|word| *word != 0) else { return };
        toggle(&mut of, self.generators.len());
        let pivot = 1 << rest[word].trailing_zeros();
        self.rows.push(Row { function: rest, word, pivot, of });
        self.generators.push(function);
    }

    /// What is left of a function without the rows, and the generators whose sum was taken away.
    fn reduced(&self, mut function: Function) -> (Function, Vec<usize>) {
        let mut of = Vec::new();
        for row in &self.rows {
            if function[row.word] & row.pivot != 0 {
                function = sum(&function, &row.function);
                row.of.iter().for_each(|generator| toggle(&mut of, *generator));
            }
        }
        (function, of)
    }

    /// The generators whose sum a function of the space is.
    fn terms(&self, function: &Function) -> Vec<usize> {
        let (rest, of) = self.reduced(function.clone());
        debug_assert!(rest.iter().all(|word| *word == 0), "a function of the space");
        of
    }

    /// The differences along a bit, and the space that has to be there for them and for the values where it is 0.
    fn split(&self, bit: u32) -> (Space, Space) {
        let mut differences = Space::default();
        let mut lower = Vec::with_capacity(self.generators.len());
        for function in &self.generators {
            let (low, high) = cofactors(function, bit);
            differences.add(sum(&low, &high));
            lower.push(low);
        }
        let mut rest = differences.clone();
        lower.into_iter().for_each(|low| rest.add(low));
        (differences, rest)
    }
}

/// In if it was out, out if it was in; sorted.
fn toggle(set: &mut Vec<usize>, item: usize) {
    match set.binary_search(&item) {
        Ok(at) => {
            set.remove(at);
        }
        Err(at) => set.insert(at, item),
    }
}

/// The order of the bits that takes the fewest ANDs, and how many these are.
fn cheapest_order(start: Basis, bits: u32) -> (Vec<u32>, usize) {
    let all = (1_usize << bits) - 1;
    let mut spaces: Vec<Option<Basis>> = vec![None; all + 1];
    let mut best: Vec<Option<(usize, u32)>> = vec![None; all + 1];
    spaces[0] = Some(start);
    best[0] = Some((0, 0));
    for taken in 0..all {
        let Some(space) = spaces[taken].take() else { continue };
        let (cost, _) = best[taken].expect("reached from a smaller set");
        for bit in (0..bits).filter(|bit| taken >> bit & 1 == 0) {
            let next = taken | 1 << bit;
            let differences = space.differences(bit);
            let cost = cost + differences.dimension();
            if best[next].is_none_or(|(least, _)| cost < least) {
                best[next] = Some((cost, bit));
            }
            if spaces[next].is_none() {
                spaces[next] = Some(space.rest(bit, differences));
            }
        }
    }
    let mut order = Vec::new();
    let mut taken = all;
    while taken != 0 {
        let (_, bit) = best[taken].expect("all sets are reached");
        order.push(bit);
        taken ^= 1 << bit;
    }
    order.reverse();
    (order, best[all].map_or(0, |(cost, _)| cost))
}

/// An order in which every bit takes the fewest ANDs, and leaves the fewest functions, of those that are left.
fn greedy_order(start: Basis, bits: u32) -> (Vec<u32>, usize) {
    let mut left: Vec<u32> = (0..bits).collect();
    let (mut space, mut order, mut ands) = (start, Vec::new(), 0);
    while !left.is_empty() {
        let splits = left.iter().map(|bit| {
            let differences = space.differences(*bit);
            (*bit, differences.dimension(), space.rest(*bit, differences))
        });
        let key = |(_, ands, rest): &(u32, usize, Basis)| ands + rest.dimension();
        let Some((bit, cost, rest)) = splits.min_by_key(key) else { break };
        left.retain(|other| *other != bit);
        order.push(bit);
        ands += cost;
        space = rest;
    }
    (order, ands)
}

/// A space of which only the dimension matters. Row 0 is 1; of every row, the word and bit that no row after it has.
#[derive(Clone, Default)]
struct Basis(Vec<(Function, usize, u64)>);

impl Basis {
    fn of(functions: Vec<Function>) -> Basis {
        let mut basis = Basis::default();
        functions.into_iter().for_each(|function| basis.add(function));
        basis
    }

    fn add(&mut self, function: Function) {
        if self.0.is_empty() {
            self.0.push((vec![u64::MAX; function.len()], 0, 1));
        }
        let mut rest = function;
        for (row, word, pivot) in &self.0 {
            if rest[*word] & pivot != 0 {
                rest.iter_mut().zip(row).for_each(|(rest, row)| *rest ^= row);
            }
        }
        if let Some(word) = rest.iter().position(|word| *word != 0) {
            let pivot = 1 << rest[word].trailing_zeros();
            self.0.push((rest, word, pivot));
        }
    }

    /// Without 1.
    fn dimension(&self) -> usize {
        self.0.len().saturating_sub(1)
    }

    fn differences(&self, bit: u32) -> Basis {
        let difference = |(function, _, _): &(Function, usize, u64)| {
            let (low, high) = cofactors(function, bit);
            sum(&low, &high)
        };
        Basis::of(self.0.iter().map(difference).collect())
    }

    /// What has to be there for the differences and for the values where the bit is 0.
    fn rest(&self, bit: u32, differences: Basis) -> Basis {
        let mut rest = differences;
        self.0.iter().for_each(|(function, _, _)| rest.add(cofactors(function, bit).0));
        rest
    }
}

/// Wires of functions of the bits in `order`.
fn realised(g: &mut Gates<'_>, index: &[Wire], order: &[u32], wanted: &[Function]) -> Bits {
    let space = Space::of(wanted.to_vec());
    let known = generators(g, index, order, &space);
    wanted.iter().map(|function| sum_of(g, &known, &space.terms(function))).collect()
}

/// Wires of the generators of a space, 1 included.
fn generators(g: &mut Gates<'_>, index: &[Wire], order: &[u32], space: &Space) -> Vec<Wire> {
    let one = g.bit(true);
    let Some((&bit, later)) = order.split_first() else {
        // Of no bits there is nothing but 1.
        return vec![one; space.generators.len().min(1)];
    };
    let x = index[bit as usize];
    let (differences, rest) = space.split(bit);
    let known = generators(g, index, later, &rest);
    // The generators of the differences are the first of the rest; x times 1 is x.
    let products: Vec<Wire> =
        (0..differences.generators.len()).map(|at| if at == 0 { x } else { g.and(x, known[at]) }).collect();
    let of = |g: &mut Gates<'_>, function: &Function| {
        let (low, high) = cofactors(function, bit);
        let base = sum_of(g, &known, &rest.terms(&low));
        let difference = sum_of(g, &products, &differences.terms(&sum(&low, &high)));
        g.xor(base, difference)
    };
    space.generators.iter().map(|function| of(g, function)).collect()
}

fn sum_of(g: &mut Gates<'_>, wires: &[Wire], terms: &[usize]) -> Wire {
    let zero = g.bit(false);
    terms.iter().fold(zero, |sum, term| g.xor(sum, wires[*term]))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use ffhec_circuit::{Builder, Circuit, Plain, Port, evaluate};

    use super::*;

    fn circuit(table: &Table, width: u32) -> Circuit {
        let mut builder = Builder::new();
        let port =
            |name: &str, width| Port { name: name.to_owned(), kind: String::new(), width, range: None };
        let index = builder.input(port("index", table.index_bits()));
        let word = table.build(&mut Gates::new(&mut builder, usize::MAX), &index, width as usize);
        builder.output(port("entry", width), &word);
        builder.finish()
    }

    /// All indices at once would be more than 64 rows: a row for each.
    fn check(entries: Vec<u64>, width: u32) -> usize {
        let table = Table::new(entries.clone()).unwrap();
        let circuit = circuit(&table, width);
        for (index, entry) in entries.iter().enumerate() {
            let bits: Vec<u64> = (0..table.index_bits()).map(|bit| index as u64 >> bit & 1).collect();
            let found = evaluate(&circuit, &Plain, &bits);
            let found = found.iter().enumerate().fold(0, |word, (bit, value)| word | (value & 1) << bit);
            assert_eq!(found, *entry, "entry {index}");
        }
        let ands = circuit.counts().and;
        assert!(ands <= table.ands(), "{ands} ANDs, promised {}", table.ands());
        ands
    }

    fn scrambled(count: u64, width: u32) -> Vec<u64> {
        let mix =
            |at: u64| (at + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_mul(at ^ 0x2545_f491_4f6c_dd1d);
        (0..count).map(|at| mix(at).rotate_left(29) >> (64 - width)).collect()
    }

    #[test]
    fn entries_come_back_for_every_index() {
        for (count, width) in
            [(1, 3), (2, 1), (4, 5), (32, 7), (64, 3), (128, 12), (256, 8), (512, 9), (1024, 4)]
        {
            check(scrambled(count, width), width);
        }
        check(vec![0; 16], 4);
        check(vec![5; 16], 4);
    }

    #[test]
    fn eight_bits_of_eight_bits_take_at_most_81_ands() {
        let ands = check(scrambled(256, 8), 8);
        assert!((60..=81).contains(&ands), "{ands}");
    }

    #[test]
    fn the_products_of_all_bits_are_the_most_that_many_functions_take() {
        for bits in 1..=6_u32 {
            let ands = check(scrambled(1 << bits, 60), 60);
            assert!(ands < (1 << bits) - bits as usize, "{bits} bits: {ands}");
        }
    }

    #[test]
    fn simple_functions_cost_what_they_should() {
        // Linear; a product; the upper bit flips a word; the sum of two words of four bits.
        assert_eq!(check((0..64).map(|x| x ^ (x >> 1)).collect(), 6), 0);
        assert_eq!(check((0..256).map(|x| u64::from(x == 255)).collect(), 1), 7);
        assert_eq!(check((0..32).map(|x| if x >= 16 { !x & 15 } else { x & 15 }).collect(), 4), 0);
        assert!(check((0..256).map(|x| (x & 15) + (x >> 4)).collect(), 5) <= 8);
    }

    /// What the docs say of formats of 16 bits: the ANDs of the polynomials are those that `inspect` shows.
    #[test]
    #[allow(clippy::disallowed_methods, reason = "tables for a test")]
    fn significands_of_bf16_take_more_ands_as_tables_than_by_polynomials() {
        let fraction = |x: f64| ((x - 1.0) * 128.0).round().clamp(0.0, 127.0) as u64;
        let exp2 = (0..1024).map(|t| fraction(((f64::from(t) + 0.5) / 1024.0).exp2())).collect();
        let octaves = |x: u32| (1.0 + f64::from(x % 128) / 128.0) * f64::from(1 << (x / 128));
        let rsqrt = (0..256).map(|x| fraction(2.0 / octaves(x).sqrt())).collect();
        let cbrt = (0..512).map(|x| if x < 384 { fraction(octaves(x).cbrt()) } else { 0 }).collect();
        for (entries, polynomials, ands) in [(exp2, 48, 127), (rsqrt, 57, 62), (cbrt, 56, 86)] {
            let found = Table::new(entries).unwrap().ands();
            println!("{found} ANDs as a table, {polynomials} by polynomials");
            assert!(found > polynomials && found == ands);
        }
    }

    #[test]
    fn tables_of_other_lengths_are_none() {
        assert!(Table::new(Vec::new()).is_none() && Table::new(vec![0; 3]).is_none());
        assert!(Table::new(vec![0; 2048]).is_none());
    }
}
