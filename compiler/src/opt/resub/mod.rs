//! Resubstitution modulo linear forms: a product that is a sum of other wires is computed as that sum. XOR is free, so an
//! AND goes, and with it all that only it needs.
//!
//! The values of all inputs and products on a few thousand rows are the columns of a matrix over GF(2). Where a product
//! depends on columns before it, none of them deeper, it may be their sum ([`relations`]). Whether it is, on every input,
//! proof decides ([`prover`]): where it says no, the input that shows so is one more row; where it runs out of steps,
//! nothing is changed. As proofs look at the whole cone of a wire, they see what cannot happen there: a product of
//! wires that exclude each other is a sum of no wires at all.
//!
//! After that, nodes are looked at as quadratic forms of a few wires below ([`quadratic`]), and in circuits from elsewhere as
//! functions that need to be right only where it matters ([`cares`]).
//!
//! This is resubstitution (Mishchenko, Brayton, Jiang and Jang, "Scalable don't-care-based logic optimization and
//! resubstitution", ACM TRETS 2011) with sums of any wires in place of gates of two or three.

mod cares;
mod fit;
mod graph;
mod prover;
mod quadratic;
mod relations;
mod span;

use std::collections::BTreeSet;

use ffhec_circuit::{Circuit, Gate};

use super::dead::remove_dead;
use super::readers::number;
use super::rewrite::{Known, recover, refreshes, rewritten};
use super::simplify::simplify;
use cares::View;
use graph::{Form, Graph};
use prover::{Outcome, Prover};
use quadratic::candidates;
use relations::{Relations, blocks};

/// How much is tried.
struct Effort {
    /// Larger circuits are left as they are.
    most_ands: usize,
    /// The longest sum that replaces a product.
    most_terms: usize,
    /// How much work proofs may be in all: gates given to the solver, conflicts counting as many.
    work: u64,
    /// The conflicts that a proof of a sum may take, at first and in later rounds.
    conflicts: &'static [u64],
    /// The largest circuits, in ANDs, in which a node may differ where nobody sees it.
    unseen: usize,
    /// How cuts are rewritten after each round.
    rewrite: fn(Circuit, &mut Known) -> Circuit,
}

/// For gates that our gadgets made. Long sums are noisy.
const OURS: Effort = Effort {
    most_ands: 20_000,
    most_terms: 24,
    work: 6_000_000,
    conflicts: &[100, 300],
    unseen: 0,
    rewrite: |circuit, known| recover(&circuit, known),
};

/// For circuits of other tools.
const FOREIGN: Effort = Effort {
    most_ands: 50_000,
    most_terms: 64,
    work: 60_000_000,
    conflicts: &[100, 1_000, 3_000, 3_000],
    unseen: 16_000,
    rewrite: rewritten,
};

/// For circuits of other tools whose chains are shortened after this.
const BEFORE_SHORTENING: Effort = Effort { unseen: 600, ..FOREIGN };

/// Another round is worth its time if the last one saved at least one AND in this many.
const WORTHWHILE: usize = 300;

/// Nodes that may differ where nobody sees it are looked for again if that saved at least one AND in this many.
const WORTH_A_LOOK: usize = 100;

/// The conflicts that proofs may take then, in each round.
const UNSEEN_CONFLICTS: [u64; 7] = [100, 1_000, 3_000, 3_000, 3_000, 3_000, 3_000];

/// How often refuted relations are looked for anew.
const REFUTATIONS: usize = 200;

/// Words of rows: one for each 64 columns, and spare ones; more in small circuits, since a row costs less than a proof.
const SPARE_WORDS: usize = 16;
const LEAST_WORDS: usize = 256;
/// Words of rows on which nodes are looked at that may differ where nobody sees it.
const UNSEEN_WORDS: usize = 96;
/// The most words for all nodes together that the columns do not need.
const MOST_MEMORY: usize = 1 << 23;

/// The same function with no more ANDs, no more AND-depth and no more refreshes at one level, of gates that our gadgets
/// made.
pub fn resubstitute(circuit: Circuit) -> Circuit {
    let smaller = repeated(&circuit, &OURS);
    smaller.filter(|smaller| refreshes(smaller) <= refreshes(&circuit)).unwrap_or(circuit)
}

/// The same function with no more ANDs and no more AND-depth, for circuits of any origin.
pub fn resubstitute_all(circuit: Circuit) -> Circuit {
    repeated(&circuit, &FOREIGN).unwrap_or(circuit)
}

/// Like [`resubstitute_all`], in less time.
pub fn resubstitute_within(circuit: Circuit, _: usize) -> Circuit {
    repeated(&circuit, &BEFORE_SHORTENING).unwrap_or(circuit)
}

/// A circuit of fewer ANDs, if one is found.
fn repeated(circuit: &Circuit, effort: &Effort) -> Option<Circuit> {
    let is_refresh = |gate: &Gate| matches!(gate, Gate::Refresh(_));
    if circuit.counts().and > effort.most_ands || circuit.gates.iter().any(is_refresh) {
        return None;
    }
    let mut known = Known::default();
    let mut best = remove_dead(circuit.clone());
    let sums = |best: &mut Circuit, known: &mut Known, conflicts: u64, work: &mut u64| {
        let next = round(best, effort.most_terms, conflicts, work);
        next.map_or(0, |next| take(best, (effort.rewrite)(simplify(next), known)))
    };
    let mut work = effort.work;
    for (number, &conflicts) in effort.conflicts.iter().enumerate() {
        let ands = best.counts().and;
        let saved = sums(&mut best, &mut known, conflicts, &mut work);
        // A first round without success may have needed more conflicts.
        if work == 0 || (number > 0 && saved * WORTHWHILE < ands) {
            break;
        }
    }
    let mut work = if best.counts().and <= effort.unseen { effort.work } else { 0 };
    for (number, &conflicts) in UNSEEN_CONFLICTS.iter().enumerate() {
        if work == 0 {
            break;
        }
        let ands = best.counts().and;
        let mut saved = 0;
        if let Some(next) = unseen(&best, conflicts, &mut work) {
            saved += take(&mut best, (effort.rewrite)(simplify(next), &mut known));
            saved += sums(&mut best, &mut known, conflicts, &mut work);
        }
        if number > 0 && saved * WORTH_A_LOOK < ands {
            break;
        }
    }
    (best.counts().and < circuit.counts().and).then_some(best)
}

/// Takes `next` in the place of `best` if it has fewer ANDs and no more depth; how many fewer.
fn take(best: &mut Circuit, next: Circuit) -> usize {
    let (before, after) = (best.counts(), next.counts());
    if after.and >= before.and || after.and_depth > before.and_depth {
        return 0;
    }
    *best = next;
    before.and - after.and
}

/// Once all products that may be sums of others; `None` if there is nothing to replace.
fn round(circuit: &Circuit, most_terms: usize, conflicts: u64, work: &mut u64) -> Option<Circuit> {
    let mut graph = Graph::of(circuit);
    let blocks = blocks(&graph);
    let columns = blocks.iter().map(Vec::len).max().unwrap_or(0);
    let spare = LEAST_WORDS.min(MOST_MEMORY / circuit.gates.len().max(1));
    let words = spare.max(columns / 64 + SPARE_WORDS);
    let mut prover = Prover::new(circuit, &graph, words, conflicts, *work);
    for block in blocks {
        let relations = Relations::of(&prover, block);
        substitute(&mut graph, &mut prover, &relations, most_terms);
    }
    substitute_quadratic(&mut graph, &mut prover);
    *work = prover.work;
    graph.is_changed().then(|| graph.circuit())
}

/// Once all nodes that may differ where nobody sees it; `None` if there is nothing to replace.
fn unseen(circuit: &Circuit, conflicts: u64, work: &mut u64) -> Option<Circuit> {
    let mut current: Option<Circuit> = None;
    let mut kept: Option<Prover> = None;
    let mut from = 0;
    loop {
        let circuit = current.as_ref().unwrap_or(circuit);
        let mut graph = Graph::of(circuit);
        let mut prover = match kept.take() {
            Some(prover) => prover.moved(&graph),
            None => Prover::new(circuit, &graph, UNSEEN_WORDS, conflicts, *work),
        };
        let count = graph.nodes.len();
        let mut view = View::of(&mut graph);
        let better = (from..count).find_map(|at| {
            let node = number(at);
            view.better(&mut prover, node).map(|form| (node, form))
        });
        *work = prover.work;
        let Some((node, form)) = better else { return current };
        graph.replace(node, form);
        let next = graph.circuit();
        // What is not needed any more is mostly below.
        from = (node as usize + 1).saturating_sub(circuit.gates.len().saturating_sub(next.gates.len()));
        kept = Some(prover);
        current = Some(next);
    }
}

/// Replaces what relations give and proofs confirm.
fn substitute(graph: &mut Graph, prover: &mut Prover, relations: &Relations, most_terms: usize) {
    let mut settled: BTreeSet<u32> = BTreeSet::new();
    for _ in 0..REFUTATIONS {
        let words = prover.words();
        for (node, sum) in relations.holding(prover) {
            if sum.terms.len() > most_terms || settled.contains(&node) || !graph.is_needed(node) {
                continue;
            }
            let form = Form { products: Vec::new(), sum };
            if prover.is_refuted(node, &form, words) {
                continue;
            }
            match prover.is_equal(node, &form) {
                Outcome::Proved => {
                    if graph.saves(node, &form) {
                        graph.replace(node, form);
                    }
                    settled.insert(node);
                }
                Outcome::Open => {
                    settled.insert(node);
                }
                Outcome::Refuted => {}
            }
        }
        if prover.words() == words || prover.work == 0 {
            break;
        }
    }
}

/// Replaces nodes that are quadratic forms of a few wires where that takes fewer ANDs.
fn substitute_quadratic(graph: &mut Graph, prover: &mut Prover) {
    for node in graph.all() {
        let freed = if graph.is_needed(node) { graph.freed(node) } else { 0 };
        if freed < 2 {
            continue;
        }
        for form in candidates(graph, prover, node, freed) {
            if graph.saves(node, &form)
                && !prover.is_refuted(node, &form, 0)
                && prover.is_equal_nearby(node, &form)
            {
                graph.replace(node, form);
                break;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use ffhec_circuit::Comparison;

    use super::*;
    use crate::opt::testing::{assert_same, circuit, circuits, multiplier_chain};

    #[test]
    fn random_circuits_keep_their_function_and_never_gain_ands_or_depth() {
        for circuit in circuits(8) {
            for resubstituted in [resubstitute(circuit.clone()), resubstitute_all(circuit.clone())] {
                assert_same(&circuit, &resubstituted);
                let (before, after) = (remove_dead(circuit.clone()).counts(), resubstituted.counts());
                assert!(
                    after.and <= before.and && after.and_depth <= before.and_depth,
                    "{before:?} {after:?}"
                );
            }
        }
    }

    #[test]
    fn the_last_product_of_a_decoder_is_the_sum_of_the_others() {
        // The eight products of three literals; their sum is 1, and all lie in the span of four products of inputs.
        let before = "
            %3 = not %0
            %4 = not %1
            %5 = not %2
            %6 = and %0 %1
            %7 = and %0 %4
            %8 = and %3 %1
            %9 = and %3 %4
            %10 = and %6 %2
            %11 = and %6 %5
            %12 = and %7 %2
            %13 = and %7 %5
            %14 = and %8 %2
            %15 = and %8 %5
            %16 = and %9 %2
            %17 = and %9 %5";
        let decoder = circuit(3, before, "%10 %11 %12 %13 %14 %15 %16 %17");
        let resubstituted = resubstitute(decoder.clone());
        assert_same(&decoder, &resubstituted);
        assert_eq!(resubstituted.counts().and, 4, "{resubstituted}");
    }

    #[test]
    fn a_product_of_selectors_that_exclude_each_other_goes() {
        // s = a b c d e f g h and t = !a b' .. never meet, and their cut has more than six wires.
        let mut gates = String::from("%16 = not %0\n");
        let mut line = |at: usize, text: String| gates.push_str(&format!("%{at} = {text}\n"));
        line(17, "and %0 %1".into());
        line(18, "and %16 %8".into());
        for step in 0..6 {
            line(19 + 2 * step, format!("and %{} %{}", 17 + 2 * step, 2 + step));
            line(20 + 2 * step, format!("and %{} %{}", 18 + 2 * step, 9 + step));
        }
        line(31, "and %29 %30".into());
        line(32, "xor %29 %30".into());
        line(33, "xor %31 %32".into());
        let choice = circuit(16, &gates, "%33");
        let resubstituted = resubstitute(choice.clone());
        assert_same(&choice, &resubstituted);
        assert_eq!(resubstituted.counts().and, 14, "{resubstituted}");
    }

    #[test]
    fn a_quadratic_form_of_seven_wires_takes_as_few_products_as_its_rank_says() {
        // Products of all pairs of seven wires, added up: the matrix has rank six.
        let (mut gates, mut next, mut total) = (String::new(), 7, None);
        let mut line = |text: String| {
            gates.push_str(&format!("%{next} = {text}\n"));
            next += 1;
            next - 1
        };
        for (i, j) in (0..7).flat_map(|i| (0..i).map(move |j| (i, j))) {
            let product = line(format!("and %{j} %{i}"));
            total = Some(total.map_or(product, |total| line(format!("xor %{product} %{total}"))));
        }
        let pairs = circuit(7, &gates, &format!("%{}", total.unwrap()));
        assert_eq!(pairs.counts().and, 21);
        let mut work = 1_000_000;
        let found = round(&pairs, 32, 100, &mut work).unwrap();
        assert_same(&pairs, &found);
        assert_eq!(found.counts().and, 3, "{found}");
    }

    /// What [`unseen`] makes of a circuit.
    fn with_unseen(circuit: &Circuit) -> Circuit {
        let mut work = 1_000_000;
        unseen(circuit, 100, &mut work).unwrap_or_else(|| circuit.clone())
    }

    #[test]
    fn nodes_change_only_where_nobody_sees_it() {
        let mut saved = 0;
        for circuit in circuits(40) {
            let before = remove_dead(circuit.clone());
            let after = with_unseen(&before);
            assert_same(&circuit, &after);
            let (before, after) = (before.counts(), after.counts());
            assert!(after.and <= before.and && after.and_depth <= before.and_depth, "{before:?} {after:?}");
            saved += before.and - after.and;
        }
        assert!(saved > 1000, "{saved}");
    }

    /// `s a ^ !s (p ^ s q)` for products of seven inputs `p` and `q`; the last factor of `q` is a sum if `is_seen`.
    fn choice_of_products(is_seen: bool) -> Circuit {
        let mut gates = String::from("%16 = not %0\n%17 = and %0 %1\n");
        let mut line = |at: usize, text: String| gates.push_str(&format!("%{at} = {text}\n"));
        for (at, first) in [(18, 2), (24, 9)] {
            for step in 0..6 {
                let before = if step == 0 { first } else { at + step - 1 };
                line(at + step, format!("and %{before} %{}", first + 1 + step));
            }
        }
        line(30, format!("and %29 %{}", if is_seen { 1 } else { 0 }));
        line(31, "xor %23 %30".into());
        line(32, "and %31 %16".into());
        line(33, "xor %17 %32".into());
        circuit(16, &gates, "%33")
    }

    #[test]
    fn what_is_never_chosen_is_not_computed() {
        let choice = choice_of_products(false);
        let without = with_unseen(&choice);
        assert_eq!(choice.compare(&without, 1), Ok(Comparison::Proved));
        assert_eq!((choice.counts().and, without.counts().and), (15, 8), "{without}");
    }

    #[test]
    fn what_is_hardly_ever_chosen_is_computed_all_the_same() {
        // `q` is seen on one input in 512, and is 1 on one in 128 of these: proof has to say no.
        let choice = choice_of_products(true);
        let all = with_unseen(&choice);
        assert_eq!(choice.compare(&all, 1), Ok(Comparison::Proved));
        assert_eq!(all.counts().and, 15, "{all}");
    }

    #[test]
    fn a_wire_that_is_hardly_ever_one_is_not_taken_for_zero() {
        let gates: String = (0..39)
            .map(|at| format!("%{} = and %{} %{}\n", 40 + at, if at == 0 { 0 } else { 39 + at }, at + 1))
            .collect();
        let rare = circuit(40, &gates, "%78");
        assert_eq!(resubstitute_all(rare.clone()).counts().and, 39);
    }

    #[test]
    fn the_same_circuit_comes_out_twice() {
        let start = multiplier_chain(6, 2);
        assert_eq!(resubstitute(start.clone()), resubstitute(start.clone()));
        assert_eq!(resubstitute_all(start.clone()), resubstitute_all(start));
    }
}
