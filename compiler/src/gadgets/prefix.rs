//! Carries in few levels: parallel prefixes over the generate and propagate bits of an addition (Sklansky, IRE Trans.
//! Electronic Computers 1960; Ladner and Fischer, J. ACM 1980).
//!
//! Generate and propagate of a span exclude each other, so `G = G_high ^ P_high & G_low`: the XOR costs no depth, and
//! the higher part may be as deep as the result. With the carry in as place 0, `n` bits take `ceil(log2(n + 1))`
//! levels. Where operands arrive at different depths, every span is cut where its result is shallowest.

use std::collections::BTreeMap;

use ffhec_circuit::Wire;

use super::bits::{Bits, Gates};
use super::objective::Objective;

/// Up to this many places the best cuts are searched, in time cubic in it; beyond, and where all operands arrive
/// together, spans are cut at the place with the most trailing zeros.
const SEARCHED: usize = 120;

/// Carries into every place and out of the top one, `n + 1` wires, the first being `carry`. `propagate` is the XOR of
/// the summands (not their OR).
pub fn carries(g: &mut Gates<'_>, generate: &[Wire], propagate: &[Wire], carry: Wire) -> Bits {
    if g.objective() == Objective::Balanced {
        return carries_together(g, generate, propagate, carry);
    }
    let mut spans = Spans::new(g, generate, propagate, carry);
    (0..=generate.len()).map(|high| spans.generate(g, high, 0)).collect()
}

/// The carry out of the top place alone.
pub fn carry_out(g: &mut Gates<'_>, generate: &[Wire], propagate: &[Wire], carry: Wire) -> Wire {
    Spans::new(g, generate, propagate, carry).generate(g, generate.len(), 0)
}

/// The top bit of a sum where all conditions hold: each is one more place for the last carry to pass, so that those
/// that arrive early take no level of their own.
pub fn top_if(
    g: &mut Gates<'_>,
    generate: &[Wire],
    propagate: &[Wire],
    carry: Wire,
    conditions: &[Wire],
) -> Wire {
    let last = propagate.len() - 1;
    let (mut generate, mut through) = (generate[..last].to_vec(), propagate[..last].to_vec());
    let zero = g.bit(false);
    generate.extend(conditions.iter().map(|_| zero));
    let mut sorted: Vec<(u32, Wire)> = conditions.iter().map(|&wire| (g.depth(wire), wire)).collect();
    sorted.sort_unstable();
    through.extend(sorted.into_iter().map(|(_, wire)| wire));
    let carried = carry_out(g, &generate, &through, carry);
    let all = g.all(conditions);
    let own = g.and(propagate[last], all);
    g.xor(own, carried)
}

/// Carries for a carry in of 0, and for a carry in of 1.
pub fn both_carries(g: &mut Gates<'_>, generate: &[Wire], propagate: &[Wire]) -> (Bits, Bits) {
    let zero = g.bit(false);
    let mut spans = Spans::new(g, generate, propagate, zero);
    let clear: Bits = (0..=generate.len()).map(|high| spans.generate(g, high, 0)).collect();
    let mut set = vec![g.bit(true)];
    for (high, &carry) in clear.iter().enumerate().skip(1) {
        let through = spans.propagate(g, high, 1);
        set.push(g.xor(carry, through));
    }
    (clear, set)
}

/// Wire `i` says whether the first `i + 1` bits are all set; `ceil(log2 n)` levels.
pub fn all_prefixes(g: &mut Gates<'_>, word: &[Wire]) -> Bits {
    let Some((&first, rest)) = word.split_first() else { return Vec::new() };
    let zeros = g.zeros(rest.len());
    carries(g, &zeros, rest, first)
}

/// Generate and propagate of a pair of words.
pub fn half_sums(g: &mut Gates<'_>, a: &[Wire], b: &[Wire]) -> (Bits, Bits) {
    debug_assert_eq!(a.len(), b.len(), "both summands have one width");
    a.iter().zip(b).map(|(&a, &b)| (g.and(a, b), g.xor(a, b))).unzip()
}

/// Spans of places `high ..= low`; place 0 is the carry in.
struct Spans {
    generate: BTreeMap<(usize, usize), Wire>,
    propagate: BTreeMap<(usize, usize), Wire>,
    /// The lowest place of the higher part of each span, for its generate and its propagate wire.
    cuts: Option<Cuts>,
}

impl Spans {
    fn new(g: &mut Gates<'_>, generate: &[Wire], propagate: &[Wire], carry: Wire) -> Self {
        debug_assert_eq!(generate.len(), propagate.len(), "a pair for every place");
        let zero = g.bit(false);
        let generate: Bits = [carry].into_iter().chain(generate.iter().copied()).collect();
        let propagate: Bits = [zero].into_iter().chain(propagate.iter().copied()).collect();
        let depths = |g: &mut Gates<'_>, wires: &[Wire]| wires.iter().map(|&wire| g.depth(wire)).collect();
        let (late, early): (Vec<u32>, Vec<u32>) = (depths(g, &generate), depths(g, &propagate));
        let level = early.iter().copied().max().unwrap_or(0);
        let together = early[1..].iter().all(|&depth| depth == level)
            && late[1..].iter().all(|&d| d <= level + 1)
            && late[0] <= level;
        let cuts = (!together && generate.len() <= SEARCHED).then(|| Cuts::search(&late, &early));
        let on_diagonal =
            |wires: Bits| wires.into_iter().enumerate().map(|(at, wire)| ((at, at), wire)).collect();
        Spans { generate: on_diagonal(generate), propagate: on_diagonal(propagate), cuts }
    }

    fn generate(&mut self, g: &mut Gates<'_>, high: usize, low: usize) -> Wire {
        if let Some(&wire) = self.generate.get(&(high, low)) {
            return wire;
        }
        let cut = self.cuts.as_ref().map_or_else(|| aligned(high, low), |cuts| cuts.generate[high][low]);
        let (upper, through) = (self.generate(g, high, cut), self.propagate(g, high, cut));
        let lower = self.generate(g, cut - 1, low);
        let passed = g.and(through, lower);
        let wire = g.xor(upper, passed);
        self.generate.insert((high, low), wire);
        wire
    }

    fn propagate(&mut self, g: &mut Gates<'_>, high: usize, low: usize) -> Wire {
        if let Some(&wire) = self.propagate.get(&(high, low)) {
            return wire;
        }
        let cut = self.cuts.as_ref().map_or_else(|| aligned(high, low), |cuts| cuts.propagate[high][low]);
        let (upper, lower) = (self.propagate(g, high, cut), self.propagate(g, cut - 1, low));
        let wire = g.and(upper, lower);
        self.propagate.insert((high, low), wire);
        wire
    }
}

/// [`carries`], none of which need be there before the last one: every span is cut where that takes the fewest new
/// spans, so that carries ripple wherever there is time (sparse trees: Knowles, "A family of adders", ARITH 1999; by
/// slack: Liu et al., "Optimum prefix adders in a comprehensive area, timing and power design space", ASP-DAC 2007).
pub fn carries_together(g: &mut Gates<'_>, generate: &[Wire], propagate: &[Wire], carry: Wire) -> Bits {
    if generate.len() >= SEARCHED {
        let mut spans = Spans::new(g, generate, propagate, carry);
        return (0..=generate.len()).map(|high| spans.generate(g, high, 0)).collect();
    }
    let mut spans = Sparse::new(g, generate, propagate, carry);
    let places = generate.len() + 1;
    let due = (0..places).map(|high| spans.best.late[high][0]).max().unwrap_or(0);
    (0..places).map(|high| spans.generate(g, high, 0, due)).collect()
}

/// Those of [`carries`] for which `due` says when they are to be there, at the latest, with few ANDs.
pub fn carries_by(
    g: &mut Gates<'_>,
    generate: &[Wire],
    propagate: &[Wire],
    carry: Wire,
    due: &[Option<u32>],
) -> Vec<Option<Wire>> {
    debug_assert_eq!(due.len(), generate.len() + 1, "one for every carry");
    if generate.len() >= SEARCHED {
        let mut spans = Spans::new(g, generate, propagate, carry);
        return due.iter().enumerate().map(|(high, due)| due.map(|_| spans.generate(g, high, 0))).collect();
    }
    let mut spans = Sparse::new(g, generate, propagate, carry);
    let by = |(high, due): (usize, &Option<u32>)| {
        due.map(|due| spans.generate(g, high, 0, due.max(spans.best.late[high][0])))
    };
    due.iter().enumerate().map(by).collect()
}

/// Spans as in [`Spans`], each made when it is due.
struct Sparse {
    generate: BTreeMap<(usize, usize), Wire>,
    propagate: BTreeMap<(usize, usize), Wire>,
    best: Cuts,
}

impl Sparse {
    fn new(g: &mut Gates<'_>, generate: &[Wire], propagate: &[Wire], carry: Wire) -> Self {
        let zero = g.bit(false);
        let generate: Bits = [carry].into_iter().chain(generate.iter().copied()).collect();
        let propagate: Bits = [zero].into_iter().chain(propagate.iter().copied()).collect();
        let depths =
            |g: &mut Gates<'_>, wires: &[Wire]| -> Vec<u32> { wires.iter().map(|&w| g.depth(w)).collect() };
        let (late, early) = (depths(g, &generate), depths(g, &propagate));
        let best = Cuts::search(&late, &early);
        let on_diagonal =
            |wires: Bits| wires.into_iter().enumerate().map(|(at, wire)| ((at, at), wire)).collect();
        Sparse { generate: on_diagonal(generate), propagate: on_diagonal(propagate), best }
    }

    /// Roughly, how many ANDs a span is going to take.
    fn missing(
        g: &mut Gates<'_>,
        made: &BTreeMap<(usize, usize), Wire>,
        span: (usize, usize),
        due: u32,
    ) -> usize {
        match made.get(&span) {
            Some(&wire) if g.depth(wire) <= due => 0,
            Some(_) | None => span.0 - span.1,
        }
    }

    fn generate(&mut self, g: &mut Gates<'_>, high: usize, low: usize, due: u32) -> Wire {
        if let Some(&wire) = self.generate.get(&(high, low))
            && (high == low || g.depth(wire) <= due)
        {
            return wire;
        }
        let mut cost = |cut: usize| {
            let late = !(self.best.late[high][cut] <= due
                && self.best.early[high][cut] < due
                && self.best.late[cut - 1][low] < due);
            let missing = 2 * Sparse::missing(g, &self.generate, (high, cut), due)
                + Sparse::missing(g, &self.propagate, (high, cut), due - 1)
                + 2 * Sparse::missing(g, &self.generate, (cut - 1, low), due - 1);
            (late, missing, std::cmp::Reverse(cut.trailing_zeros()))
        };
        let cut = (low + 1..=high).min_by_key(|&cut| cost(cut)).unwrap_or(high);
        let (upper, through) = (self.generate(g, high, cut, due), self.propagate(g, high, cut, due - 1));
        let lower = self.generate(g, cut - 1, low, due - 1);
        let passed = g.and(through, lower);
        let wire = g.xor(upper, passed);
        self.generate.insert((high, low), wire);
        wire
    }

    fn propagate(&mut self, g: &mut Gates<'_>, high: usize, low: usize, due: u32) -> Wire {
        if let Some(&wire) = self.propagate.get(&(high, low))
            && (high == low || g.depth(wire) <= due)
        {
            return wire;
        }
        let mut cost = |cut: usize| {
            let late = !(self.best.early[high][cut] < due && self.best.early[cut - 1][low] < due);
            let missing = Sparse::missing(g, &self.propagate, (high, cut), due - 1)
                + Sparse::missing(g, &self.propagate, (cut - 1, low), due - 1);
            (late, missing, std::cmp::Reverse(cut.trailing_zeros()))
        };
        let cut = (low + 1..=high).min_by_key(|&cut| cost(cut)).unwrap_or(high);
        let (upper, lower) =
            (self.propagate(g, high, cut, due - 1), self.propagate(g, cut - 1, low, due - 1));
        let wire = g.and(upper, lower);
        self.propagate.insert((high, low), wire);
        wire
    }
}

/// The place in `low + 1 ..= high` with the most trailing zeros.
fn aligned(high: usize, low: usize) -> usize {
    let differ = usize::BITS - 1 - (high ^ low).leading_zeros();
    high >> differ << differ
}

/// The cuts of least depth, the most aligned of them.
struct Cuts {
    generate: Vec<Vec<usize>>,
    propagate: Vec<Vec<usize>>,
    /// The depths that they give.
    late: Vec<Vec<u32>>,
    early: Vec<Vec<u32>>,
}

impl Cuts {
    fn search(generate: &[u32], propagate: &[u32]) -> Self {
        let places = generate.len();
        let table = |diagonal: &[u32]| -> Vec<Vec<u32>> {
            (0..places)
                .map(|at| {
                    let mut row = vec![0; at + 1];
                    row[at] = diagonal[at];
                    row
                })
                .collect()
        };
        let (mut late, mut early) = (table(generate), table(propagate));
        let blank: Vec<Vec<usize>> = (0..places).map(|at| vec![0; at + 1]).collect();
        let (mut generate_cuts, mut propagate_cuts) = (blank.clone(), blank);
        for high in 1..places {
            for low in (0..high).rev() {
                let order = |cut: &usize| std::cmp::Reverse(cut.trailing_zeros());
                let through = |cut: usize| early[high][cut].max(early[cut - 1][low]) + 1;
                let carried = |cut: usize| late[high][cut].max(early[high][cut].max(late[cut - 1][low]) + 1);
                let best = |depth: &dyn Fn(usize) -> u32| {
                    (low + 1..=high).min_by_key(|cut| (depth(*cut), order(cut))).unwrap_or(high)
                };
                let (p, c) = (best(&through), best(&carried));
                (early[high][low], late[high][low]) = (through(p), carried(c));
                propagate_cuts[high][low] = p;
                generate_cuts[high][low] = c;
            }
        }
        Cuts { generate: generate_cuts, propagate: propagate_cuts, late, early }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_cut_at_round_places() {
        assert_eq!((aligned(5, 0), aligned(7, 4), aligned(6, 5), aligned(4, 3)), (4, 6, 6, 4));
    }
}
