//! Sums of nodes, and of a few products of these, that have given values on some rows.
//!
//! Without products that is a system of linear equations. A product has one node as a factor and a sum as the other, so that
//! it is a system for each factor. Products stand side by side, `e ^ d s ^ d' s'`, or in each other, `e ^ d (e' ^ d' s)`: there
//! the form is the sum `e` wherever `d` is 0, which few factors allow, and what is left has to fit where `d` is 1.

use super::graph::{Form, Sum};
use super::span::{Column, Span, WORDS};

/// The most products of a form, and how many forms are enough.
const MOST_PRODUCTS: usize = 3;
const ENOUGH: usize = 8;
/// The most independent terms.
const TERMS: usize = 48;

/// How many factors are tried, and how many in two products side by side.
struct Width {
    factors: usize,
    pairs: usize,
}

/// For a form, and for what is multiplied with another factor.
const OUTER: Width = Width { factors: 40, pairs: 16 };
const INNER: Width = Width { factors: 16, pairs: 0 };

/// Rows that a node is compared on.
pub(super) struct Rows(Vec<(usize, u32)>);

impl Rows {
    /// Rows of `seen`: those that refuted something first, then some of the first `base` words.
    pub(super) fn of(seen: &[u64], base: usize) -> Rows {
        let learned = (base..seen.len()).rev();
        // Neighbours hold rows of one kind.
        let stride = [7, 11, 13].into_iter().find(|step| !base.is_multiple_of(*step)).unwrap_or(1);
        let words = learned.chain((0..base).map(|at| at * stride % base));
        let rows = words.flat_map(|word| {
            (0..64).filter(move |bit| seen[word] >> bit & 1 == 1).map(move |bit| (word, bit))
        });
        Rows(rows.take(64 * WORDS).collect())
    }

    /// As many ones as there are rows.
    pub(super) fn all(&self) -> Column {
        self.packed(|_, _| 1)
    }

    /// The values of a node on these rows.
    pub(super) fn column(&self, values: &[u64]) -> Column {
        self.packed(|word, bit| values[word] >> bit & 1)
    }

    fn packed(&self, bit: impl Fn(usize, u32) -> u64) -> Column {
        let mut column = [0; WORDS];
        for (at, &(word, row)) in self.0.iter().enumerate() {
            column[at / 64] |= bit(word, row) << (at % 64);
        }
        column
    }
}

/// What a node is compared with.
#[derive(Default)]
pub(super) struct Fitting {
    /// Terms of sums, with their values.
    divisors: Vec<(u32, Column)>,
    /// Those of them that may be factors.
    factors: Vec<(u32, Column)>,
}

impl Fitting {
    /// One more node, with its values.
    pub(super) fn add(&mut self, divisor: u32, values: Column, is_factor: bool) {
        self.divisors.push((divisor, values));
        if is_factor && self.factors.len() < OUTER.factors {
            self.factors.push((divisor, values));
        }
    }

    /// Forms that have the values of `target` on the rows of `mask`, of as few products as are found, at most `most`.
    pub(super) fn forms(&self, target: Column, mask: Column, most: usize) -> Vec<Form> {
        self.forms_within(target, mask, most.min(MOST_PRODUCTS), &OUTER)
    }

    fn forms_within(&self, target: Column, mask: Column, most: usize, width: &Width) -> Vec<Form> {
        let linear = Linear::of(&self.divisors, mask);
        if let Some(sum) = linear.fit(both(target, mask)) {
            return vec![Form { products: Vec::new(), sum }];
        }
        let mut found = Vec::new();
        if most >= 1 {
            self.side_by_side(&linear, target, mask, (most, width), &mut found);
        }
        if most >= 2 && found.is_empty() {
            self.nested(target, mask, most, &mut found);
        }
        found
    }

    /// Forms of one product of a factor and a sum of factors, or, if there are none, of two.
    fn side_by_side(
        &self,
        linear: &Linear,
        target: Column,
        mask: Column,
        (most, width): (usize, &Width),
        found: &mut Vec<Form>,
    ) {
        let factors = &self.factors[..width.factors.min(self.factors.len())];
        let rest = linear.span.reduced(both(target, mask), 0).0;
        let product = |a: &Column, b: &Column| linear.span.reduced(both(both(*a, *b), mask), 0).0;
        let mut spans: Vec<Span> = Vec::with_capacity(self.factors.len());
        for (factor, (_, a)) in factors.iter().enumerate() {
            let mut span = Span::default();
            factors.iter().for_each(|(_, b)| span.add(product(a, b)));
            if let Some(set) = span.sum_that_is(rest) {
                found.extend(self.form(linear, both(target, mask), mask, &[(factor, set)]));
            }
            spans.push(span);
        }
        if !found.is_empty() || most < 2 {
            return;
        }
        let few = factors.len().min(width.pairs);
        for (one, span) in spans.iter().enumerate().take(few) {
            for other in 0..one {
                let mut span = span.clone();
                let first = span.count();
                let (_, a) = &self.factors[other];
                self.factors[..few].iter().for_each(|(_, b)| span.add(product(a, b)));
                if let Some(set) = span.sum_that_is(rest) {
                    let products = [(one, set & ((1 << first) - 1)), (other, set >> first)];
                    found.extend(self.form(linear, both(target, mask), mask, &products));
                }
            }
        }
    }

    /// The form of products of factors with sets of factors that has the values of `target`.
    fn form(
        &self,
        linear: &Linear,
        target: Column,
        mask: Column,
        products: &[(usize, u128)],
    ) -> Option<Form> {
        let mut rest = target;
        let mut form = Form::default();
        for &(factor, set) in products {
            let mut sum = Sum::default();
            for (at, (other, column)) in self.factors.iter().enumerate() {
                if set >> at & 1 == 1 {
                    sum.terms.push(*other);
                    let product = both(both(self.factors[factor].1, *column), mask);
                    rest.iter_mut().zip(product).for_each(|(rest, word)| *rest ^= word);
                }
            }
            sum.terms.sort_unstable();
            form.products.push([Sum { terms: vec![self.factors[factor].0], ..Sum::default() }, sum]);
        }
        form.sum = Sum { products: (0..products.len()).collect(), ..linear.fit(rest)? };
        Some(form)
    }

    /// Forms `e ^ d g`: a sum `e` where the factor `d` is 0, and there another form `g` where it is 1.
    fn nested(&self, target: Column, mask: Column, most: usize, found: &mut Vec<Form>) {
        for (factor, column) in &self.factors {
            for flip in [false, true] {
                let column = if flip { column.map(|word| !word) } else { *column };
                let (on, off) = (both(mask, column), both(mask, column.map(|word| !word)));
                if on == mask || off == mask {
                    continue;
                }
                let Some(sum) = Linear::of(&self.divisors, off).fit(both(target, off)) else { continue };
                let values = self.values(&sum);
                let inner = std::array::from_fn(|at| target[at] ^ values[at]);
                for mut form in self.forms_within(inner, on, most - 1, &INNER) {
                    let outer = form.products.len();
                    let factor = Sum { terms: vec![*factor], flip, ..Sum::default() };
                    form.products.push([factor, form.sum]);
                    form.sum = Sum { products: vec![outer], ..sum.clone() };
                    found.push(form);
                }
                if found.len() >= ENOUGH {
                    return;
                }
            }
        }
    }

    /// The values of a sum of divisors.
    fn values(&self, sum: &Sum) -> Column {
        let start = [if sum.flip { u64::MAX } else { 0 }; WORDS];
        let terms = self.divisors.iter().filter(|(divisor, _)| sum.terms.contains(divisor));
        terms.fold(start, |total, (_, column)| std::array::from_fn(|at| total[at] ^ column[at]))
    }
}

fn both(a: Column, b: Column) -> Column {
    std::array::from_fn(|at| a[at] & b[at])
}

/// Divisors that are independent on some rows.
struct Linear {
    /// Their columns, after that of 1.
    span: Span,
    terms: Vec<u32>,
}

impl Linear {
    /// The first `divisors` that are independent on the rows of `mask`, fewer than there are rows.
    fn of(divisors: &[(u32, Column)], mask: Column) -> Linear {
        let rows: u32 = mask.iter().map(|word| word.count_ones()).sum();
        let most = TERMS.min(rows as usize / 3).max(1);
        let mut linear = Linear { span: Span::default(), terms: Vec::new() };
        linear.span.add(mask);
        for (divisor, column) in divisors {
            if linear.terms.len() == most {
                break;
            }
            if linear.span.add_independent(both(*column, mask)) {
                linear.terms.push(*divisor);
            }
        }
        linear
    }

    /// The sum that has these values.
    fn fit(&self, target: Column) -> Option<Sum> {
        let set = self.span.sum_that_is(target)?;
        let terms = self.terms.iter().enumerate().filter(|(at, _)| set >> (at + 1) & 1 == 1);
        let mut terms: Vec<u32> = terms.map(|(_, &term)| term).collect();
        terms.sort_unstable();
        Some(Sum { terms, products: Vec::new(), flip: set & 1 == 1 })
    }
}
