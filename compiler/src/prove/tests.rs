#![allow(clippy::unwrap_used, reason = "tests")]

use ffhec_circuit::{Builder, Circuit, Gate, Plain, Wire, evaluate};

use super::*;
use crate::opt::testing::{Random, SHAPES, adder, circuits, multiplier_chain, port, random_circuit, target};
use crate::opt::{Origin, PASSES, place_refreshes};

/// A product of `inputs` literals beside an adder of the inputs' halves: as good as never 1.
fn minterm(builder: &mut Builder, inputs: &[Wire], pattern: u64) -> Wire {
    let mut product = builder.constant(true);
    for (at, &input) in inputs.iter().enumerate() {
        let literal = if (pattern >> at) & 1 == 1 { input } else { builder.not(input) };
        product = builder.and(product, literal);
    }
    product
}

/// A sum of two 20-bit numbers, wrong in bit 11 on the row `fault` if there is one.
fn sum_with_fault(fault: Option<u64>) -> Circuit {
    let mut builder = Builder::new();
    builder.set_origin("add");
    let (x, y) = (builder.input(port("x", 20)), builder.input(port("y", 20)));
    let mut sum = crate::opt::testing::add(&mut builder, &x, &y);
    if let Some(pattern) = fault {
        let inputs: Vec<Wire> = x.iter().chain(&y).copied().collect();
        let rare = minterm(&mut builder, &inputs, pattern);
        sum[11] = builder.xor(sum[11], rare);
    }
    builder.output(port("z", 21), &sum);
    builder.finish()
}

#[test]
fn every_pass_is_proved_on_random_circuits_and_arithmetic() {
    for mut circuit in circuits(6).chain([multiplier_chain(12, 1), adder(64)]) {
        for pass in PASSES {
            let after = pass.run(circuit.clone(), Origin::Gadgets);
            let proof = prove(&circuit, &after, &Effort::default()).unwrap();
            assert!(proof.is_complete(), "{}: {proof}", pass.name);
            circuit = after;
        }
        let placed = place_refreshes(&circuit, &target(250.0, 100.0, 100.0)).unwrap();
        let none = Effort { inner_conflicts: 0, output_conflicts: 0, work: 0 };
        assert!(prove(&circuit, &placed, &none).unwrap().is_complete(), "refreshes are wires");
    }
}

#[test]
fn a_pass_that_takes_a_sum_for_an_or_is_caught_by_simulation() {
    let before = adder(32);
    let mut broken = before.clone();
    let wrong = broken.gates.iter().rposition(|gate| matches!(gate, Gate::And(..))).unwrap();
    if let Gate::And(a, b) = broken.gates[wrong] {
        broken.gates[wrong] = Gate::Xor(a, b);
    }
    assert!(simulate::simulate(&before, &broken, SEED).is_err());
    let error = prove(&before, &broken, &Effort::default()).unwrap_err();
    assert_shows(&before, &broken, &error);
}

#[test]
fn a_single_wrong_row_among_2_to_the_40_is_missed_by_simulation_and_caught_by_the_solver() {
    let (before, pattern) = (sum_with_fault(None), 0x5a_1234_9bcd);
    let broken = sum_with_fault(Some(pattern));
    assert!(simulate::simulate(&before, &broken, SEED).is_ok());
    let error = prove(&before, &broken, &Effort::default()).unwrap_err();
    assert_shows(&before, &broken, &error);
    let row: String = (0..40).map(|at| if (pattern >> at) & 1 == 1 { '1' } else { '0' }).collect();
    assert_eq!(error, Difference::Output { output: 11, input: row });
}

#[test]
fn without_conflicts_the_solver_is_silent_and_the_proof_says_so() {
    let (before, after) = (multiplier_chain(16, 1), commuted_multiplier(16));
    let none = Effort { inner_conflicts: 1, output_conflicts: 1, work: 1 };
    let proof = prove(&before, &after, &none).unwrap();
    assert!(!proof.is_complete() && proof.rows > 1 << 16, "{proof}");
    assert!(proof.to_string().contains(" equal on "), "{proof}");
}

/// `y x` as the schoolbook multiplies it: a hard case for every equivalence checker.
fn commuted_multiplier(width: usize) -> Circuit {
    let mut builder = Builder::new();
    builder.set_origin("chain");
    let (x, y) = (builder.input(port("x", width)), builder.input(port("y", width)));
    let product = crate::opt::testing::multiply(&mut builder, &y, &x);
    builder.output(port("z", width), &product);
    builder.finish()
}

#[test]
fn long_sums_in_another_order_need_no_solver() {
    let build = |backwards: bool| {
        let mut builder = Builder::new();
        let x = builder.input(port("x", 120));
        let mut terms: Vec<Wire> = (0..100).map(|at| builder.and(x[at], x[at + 20])).collect();
        if backwards {
            terms.reverse();
        }
        let sum = terms.into_iter().reduce(|sum, term| builder.xor(sum, term)).unwrap();
        builder.output(port("y", 1), &[sum]);
        builder.finish()
    };
    let none = Effort { inner_conflicts: 0, output_conflicts: 0, work: 0 };
    assert!(prove(&build(false), &build(true), &none).unwrap().is_complete());
}

#[test]
fn single_gate_faults_in_random_circuits_are_never_proved() {
    let mut caught = 0;
    for seed in 0..150 {
        let shape = SHAPES[usize::try_from(seed % 6).unwrap()];
        let before = random_circuit(seed, wide(shape));
        let mut broken = before.clone();
        let mut random = Random::new(seed + 1);
        let at = random.below(before.gates.len());
        broken.gates[at] = match before.gates[at] {
            Gate::And(a, b) => Gate::Xor(a, b),
            Gate::Xor(a, b) => Gate::And(a, b),
            Gate::Not(a) => Gate::Xor(a, a),
            Gate::Constant(bit) => Gate::Constant(!bit),
            gate @ (Gate::Input(_) | Gate::Refresh(_)) => gate,
        };
        match prove(&before, &broken, &Effort::default()) {
            Ok(proof) => assert!(proof.is_complete(), "seed {seed}: {proof}"),
            Err(error) => {
                assert_shows(&before, &broken, &error);
                caught += 1;
            }
        }
    }
    assert!(caught > 25, "{caught}");
}

/// More inputs than are tried out.
fn wide(shape: crate::opt::testing::Shape) -> crate::opt::testing::Shape {
    crate::opt::testing::Shape { inputs: shape.inputs + 17, ..shape }
}

#[test]
fn other_shapes_are_refused() {
    assert!(matches!(prove(&adder(9), &adder(10), &Effort::default()), Err(Difference::Shape(..))));
}

/// The input of `error` shows that the circuits differ there.
#[track_caller]
fn assert_shows(one: &Circuit, other: &Circuit, error: &Difference) {
    let Difference::Output { output, input } = error else { panic!("{error}") };
    let words: Vec<u64> = input.chars().map(|bit| u64::from(bit == '1')).collect();
    let (a, b) = (evaluate(one, &Plain, &words), evaluate(other, &Plain, &words));
    assert_ne!(a[*output] & 1, b[*output] & 1);
}
