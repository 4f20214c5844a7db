#![allow(clippy::unwrap_used, reason = "tests")]

use ffhec_circuit::Builder;

use super::*;
use crate::opt::simplify;
use crate::opt::testing::{Random, adder, assert_same, circuit, circuits, multiplier_chain, port};
use crate::prove::{Effort, prove};

/// Ways to write the carry of a full adder.
fn majority(builder: &mut Builder, form: usize, [a, b, c]: [Wire; 3]) -> Wire {
    match form {
        0 => {
            let (left, right) = (builder.xor(a, c), builder.xor(b, c));
            let both = builder.and(left, right);
            builder.xor(both, c)
        }
        1 => {
            let (both, one) = (builder.and(a, b), builder.xor(a, b));
            let carried = builder.and(one, c);
            builder.or(both, carried)
        }
        2 => {
            let one = builder.xor(a, b);
            builder.mux(one, c, a)
        }
        // By complements: a + b + c < 2.
        _ => {
            let flipped = [a, b, c].map(|wire| builder.not(wire));
            let (left, right) = (builder.xor(flipped[0], flipped[2]), builder.xor(flipped[1], flipped[2]));
            let both = builder.and(left, right);
            let few = builder.xor(both, flipped[2]);
            builder.not(few)
        }
    }
}

const MAJORITIES: usize = 4;

/// The sum of two words of one width and a carry, cut to that width.
fn sum(builder: &mut Builder, form: usize, a: &[Wire], b: &[Wire], carry: Wire) -> Vec<Wire> {
    let mut carry = carry;
    let mut digits = Vec::new();
    for (&a, &b) in a.iter().zip(b) {
        let one = builder.xor(a, b);
        digits.push(builder.xor(one, carry));
        carry = majority(builder, form, [a, b, carry]);
    }
    digits
}

fn difference(builder: &mut Builder, form: usize, a: &[Wire], b: &[Wire]) -> Vec<Wire> {
    let (b, one): (Vec<Wire>, Wire) = (b.iter().map(|&b| builder.not(b)).collect(), builder.constant(true));
    sum(builder, form, a, &b, one)
}

/// Words added and subtracted at random; some results are outputs, and some are masked before they are added again.
fn net(seed: u64, width: usize, steps: usize) -> Circuit {
    let mut random = Random::new(seed);
    let mut builder = Builder::new();
    builder.set_origin("net");
    let mut words: Vec<Vec<Wire>> =
        ["x", "y", "z"].into_iter().map(|name| builder.input(port(name, width))).collect();
    for _ in 0..steps {
        let form = random.below(MAJORITIES);
        let recent = words.len() - 1 - random.below(2);
        let (a, b) = (words[recent].clone(), words[random.below(words.len())].clone());
        let zero = builder.constant(false);
        words.push(match random.below(6) {
            0 => difference(&mut builder, form, &a, &b),
            1 => difference(&mut builder, form, &b, &a),
            2 => {
                let shift = random.below(width);
                let shifted: Vec<Wire> = vec![zero; shift].into_iter().chain(b).take(width).collect();
                sum(&mut builder, form, &a, &shifted, zero)
            }
            3 => {
                let masked: Vec<Wire> = a.iter().map(|&bit| builder.and(bit, b[0])).collect();
                sum(&mut builder, form, &masked, &b, zero)
            }
            4 => {
                let constant: Vec<Wire> =
                    (0..width).map(|_| random.below(2) == 1).map(|bit| builder.constant(bit)).collect();
                sum(&mut builder, form, &a, &constant, b[width - 1])
            }
            _ => sum(&mut builder, form, &a, &b, zero),
        });
    }
    let last = words.pop().unwrap();
    builder.output(port("last", width), &last);
    if random.below(2) == 1 {
        let other = words[random.below(words.len())].clone();
        builder.output(port("other", width), &other);
    }
    simplify(builder.finish())
}

/// `a + b + c + ..`, one adder after the other.
fn total(width: usize, count: usize, form: usize) -> Circuit {
    let mut builder = Builder::new();
    builder.set_origin("total");
    let words: Vec<Vec<Wire>> = (0..count).map(|at| builder.input(port(&format!("x{at}"), width))).collect();
    let zero = builder.constant(false);
    let all =
        words[1..].iter().fold(words[0].clone(), |total, word| sum(&mut builder, form, &total, word, zero));
    builder.output(port("y", width), &all);
    simplify(builder.finish())
}

fn found(circuit: &Circuit) -> Vec<usize> {
    let forms = Forms::of(circuit);
    let mut adders = Adders::of(circuit, &forms);
    heaps(circuit, &forms, &mut adders).iter().map(|heap| heap.nodes.len()).collect()
}

#[test]
fn nets_of_adders_keep_their_function_and_never_gain_ands_or_depth() {
    let nets = (0..120).map(|seed| net(seed, 4 + seed as usize % 5, 2 + seed as usize % 7));
    let mut changed = [0, 0];
    for before in circuits(6).chain(nets) {
        let counts = before.counts();
        let fewer = merge_adders(before.clone());
        assert_same(&before, &fewer);
        let after = fewer.counts();
        assert!(after.and <= counts.and && after.and_depth <= counts.and_depth, "{counts:?} {after:?}");
        changed[0] += usize::from(after.and < counts.and);
        for most in [counts.and, counts.and * 3 / 2, 4 * counts.and] {
            let fast = merge_adders_within(before.clone(), most);
            assert_same(&before, &fast);
            let after = fast.counts();
            assert!(after.and <= most && after.and_depth <= counts.and_depth, "{counts:?} {after:?}");
            changed[1] += usize::from(after.and_depth < counts.and_depth);
        }
    }
    assert!(changed[0] > 20 && changed[1] > 60, "{changed:?}");
}

#[test]
fn a_carry_is_found_in_whatever_form_it_is_written() {
    for form in 0..MAJORITIES {
        let before = total(8, 3, form);
        // Two adders: a half and six full ones each, and the top bits.
        assert_eq!(found(&before), [15], "form {form}");
        let fast = merge_adders_within(before.clone(), 4 * before.counts().and);
        assert_same(&before, &fast);
        assert!(fast.counts().and_depth <= 5, "form {form}: {:?}", fast.counts());
    }
}

#[test]
fn the_sum_of_several_numbers_is_one_tree() {
    for count in [3, 4, 6, 9] {
        let before = total(16, count, 0);
        let counts = before.counts();
        let fewer = merge_adders(before.clone());
        assert_same(&before, &fewer);
        let after = fewer.counts();
        // Half adders that meet become full ones.
        assert!(after.and < counts.and && after.and_depth <= counts.and_depth, "{counts:?} {after:?}");
        let fast = merge_adders_within(before.clone(), 2 * counts.and);
        assert_same(&before, &fast);
        assert!(fast.counts().and_depth <= 8, "{count}: {:?}", fast.counts());
    }
}

#[test]
fn the_rows_of_a_product_are_one_tree() {
    for (width, depth) in [(8, 8), (16, 10), (64, 14)] {
        let before = simplify(multiplier_chain(width, 1));
        let counts = before.counts();
        let fast = merge_adders_within(before.clone(), counts.and + counts.and / 2);
        assert_same(&before, &fast);
        let after = fast.counts();
        assert!(
            after.and_depth <= depth && after.and <= counts.and + counts.and / 4,
            "{width}: {counts:?} {after:?}"
        );
        if width == 64 {
            assert!(10 * after.and <= 11 * counts.and, "{counts:?} {after:?}");
        }
    }
}

#[test]
fn products_added_anew_are_proved_equal() {
    for before in [multiplier_chain(8, 1), total(12, 4, 1), adder(32)].map(simplify) {
        let fast = merge_adders_within(before.clone(), 4 * before.counts().and);
        assert_ne!(before, fast);
        assert!(fast.counts().and_depth <= before.counts().and_depth);
        assert!(prove(&before, &fast, &Effort::default()).unwrap().is_complete());
    }
}

#[test]
fn differences_are_sums_of_complements() {
    let mut builder = Builder::new();
    builder.set_origin("f");
    let [a, b, c, d] = ["a", "b", "c", "d"].map(|name| builder.input(port(name, 16)));
    let first = difference(&mut builder, 2, &a, &b);
    let second = difference(&mut builder, 0, &c, &first);
    let third = difference(&mut builder, 3, &second, &d);
    builder.output(port("y", 16), &third);
    let before = simplify(builder.finish());
    let heaps = found(&before);
    assert_eq!(heaps.len(), 1, "{heaps:?}");
    let counts = before.counts();
    let fast = merge_adders_within(before.clone(), 2 * counts.and);
    assert_same(&before, &fast);
    assert!(fast.counts().and_depth <= 8, "{:?}", fast.counts());
}

#[test]
fn a_sum_that_others_read_stays_a_sum() {
    let mut builder = Builder::new();
    builder.set_origin("f");
    let [a, b, c] = ["a", "b", "c"].map(|name| builder.input(port(name, 8)));
    let zero = builder.constant(false);
    let first = sum(&mut builder, 0, &a, &b, zero);
    let second = sum(&mut builder, 0, &first, &c, zero);
    builder.output(port("first", 8), &first);
    builder.output(port("second", 8), &second);
    let before = simplify(builder.finish());
    // Two heaps, as both sums are needed.
    assert_eq!(found(&before), [7, 7]);
    let after = merge_adders(before.clone());
    assert_same(&before, &after);
    assert_eq!(after.counts().and, before.counts().and);
}

#[test]
fn a_comparison_needs_the_top_carry_alone() {
    let mut builder = Builder::new();
    builder.set_origin("f");
    let (a, b) = (builder.input(port("a", 32)), builder.input(port("b", 32)));
    let mut carry = builder.constant(true);
    for (&a, &b) in a.iter().zip(&b) {
        let b = builder.not(b);
        carry = majority(&mut builder, 0, [a, b, carry]);
    }
    builder.output(port("y", 1), &[carry]);
    let before = simplify(builder.finish());
    assert_eq!(before.counts().and_depth, 32);
    let fast = merge_adders_within(before.clone(), 4 * 32);
    assert_same(&before, &fast);
    assert!(fast.counts().and_depth <= 8, "{:?}", fast.counts());
}

#[test]
fn digits_may_be_read_at_several_places_and_come_back() {
    // Part of the sum decides what is added to the rest.
    let mut builder = Builder::new();
    builder.set_origin("round");
    let [a, b, c] = ["a", "b", "c"].map(|name| builder.input(port(name, 12)));
    let zero = builder.constant(false);
    let first = sum(&mut builder, 1, &a, &b, zero);
    let second = sum(&mut builder, 1, &first, &c, zero);
    let up = builder.and(second[0], second[1]);
    let zeros = vec![zero; 10];
    let rounded = sum(&mut builder, 1, &second[2..], &zeros, up);
    let is_odd = builder.xor(second[0], rounded[0]);
    let chosen = builder.and(is_odd, rounded[9]);
    builder.output(port("rounded", 10), &rounded);
    builder.output(port("low", 2), &second[..2]);
    builder.output(port("chosen", 1), &[chosen]);
    let before = simplify(builder.finish());
    for most in [before.counts().and, 2 * before.counts().and, 4 * before.counts().and] {
        let fast = merge_adders_within(before.clone(), most);
        assert_same(&before, &fast);
        let (counts, after) = (before.counts(), fast.counts());
        assert!(after.and <= most && after.and_depth <= counts.and_depth, "{counts:?} {after:?}");
    }
}

#[test]
fn constants_are_added_with_the_rest() {
    let mut builder = Builder::new();
    builder.set_origin("f");
    let (a, b) = (builder.input(port("a", 16)), builder.input(port("b", 16)));
    let constant: Vec<Wire> = (0..16).map(|bit| builder.constant(0x5a3d >> bit & 1 == 1)).collect();
    let one = builder.constant(true);
    let first = sum(&mut builder, 0, &a, &constant, one);
    let second = sum(&mut builder, 0, &first, &b, one);
    builder.output(port("y", 16), &second);
    let before = simplify(builder.finish());
    let after = merge_adders(before.clone());
    assert_same(&before, &after);
    assert!(after.counts().and <= before.counts().and);
    let fast = merge_adders_within(before.clone(), 3 * before.counts().and);
    assert_same(&before, &fast);
    assert!(fast.counts().and_depth <= 8, "{:?} {:?}", before.counts(), fast.counts());
}

#[test]
fn new_gates_come_from_where_the_old_ones_came_from() {
    let mut builder = Builder::new();
    builder.set_origin("inputs");
    let [a, b, c] = ["a", "b", "c"].map(|name| builder.input(port(name, 8)));
    builder.set_origin("sum");
    let zero = builder.constant(false);
    let first = sum(&mut builder, 0, &a, &b, zero);
    let second = sum(&mut builder, 0, &first, &c, zero);
    builder.output(port("y", 8), &second);
    let before = builder.finish();
    let after = merge_adders(before.clone());
    assert!(after.counts().and < before.counts().and);
    let is_gate = |gate: &Gate| !matches!(gate, Gate::Input(_));
    for (gate, &origin) in after.gates.iter().zip(&after.origins) {
        assert!(!is_gate(gate) || after.functions[origin as usize] == "sum", "{gate:?}");
    }
}

#[test]
fn what_only_looks_like_an_adder_keeps_its_function() {
    // A product besides its majority, a majority without a sum, sums of different weights.
    let gates = "
        %4 = xor %0 %2
        %5 = xor %1 %2
        %6 = and %4 %5
        %7 = xor %6 %2
        %8 = xor %4 %1
        %9 = and %6 %3
        %10 = and %7 %3
        %11 = xor %7 %3
        %12 = and %10 %8
        %13 = xor %10 %8";
    let before = circuit(4, gates, "%9 %11 %12 %13");
    for after in [merge_adders(before.clone()), merge_adders_within(before.clone(), 100)] {
        assert_same(&before, &after);
    }
}

#[test]
fn the_same_circuit_comes_out_twice() {
    let start = simplify(multiplier_chain(12, 2));
    let most = 2 * start.counts().and;
    assert_eq!(merge_adders_within(start.clone(), most), merge_adders_within(start, most));
}
