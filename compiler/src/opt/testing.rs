//! What the tests of the passes share: random circuits of several shapes, and comparison by evaluation.
#![allow(clippy::unwrap_used, reason = "tests")]

use ffhec_circuit::{Builder, Circuit, Costs, Gate, NoiseBits, Plain, Port, Target, Wire, evaluate};

/// A small generator of test cases (xorshift64*); the same seed gives the same case.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(crate) fn word(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        usize::try_from((self.word() >> 33) % bound as u64).unwrap()
    }
}

pub(crate) fn port(name: &str, width: usize) -> Port {
    Port { name: name.into(), kind: "bits".into(), width: u32::try_from(width).unwrap(), range: None }
}

/// Gates as they come, without the builder's rules: duplicates, constants, complements and dead gates included.
#[derive(Clone, Copy)]
pub(crate) struct Shape {
    pub(crate) inputs: usize,
    pub(crate) gates: usize,
    /// Operands come from this many wires before: small is deep, large is wide.
    pub(crate) window: usize,
    /// XOR gates in 8.
    pub(crate) xors: usize,
    pub(crate) outputs: usize,
}

pub(crate) const SHAPES: [Shape; 6] = [
    Shape { inputs: 4, gates: 30, window: 34, xors: 3, outputs: 3 },
    Shape { inputs: 8, gates: 200, window: 12, xors: 3, outputs: 5 },
    Shape { inputs: 40, gates: 300, window: 340, xors: 3, outputs: 30 },
    Shape { inputs: 12, gates: 250, window: 40, xors: 6, outputs: 6 },
    Shape { inputs: 10, gates: 120, window: 130, xors: 1, outputs: 4 },
    Shape { inputs: 3, gates: 10, window: 6, xors: 4, outputs: 2 },
];

pub(crate) fn random_circuit(seed: u64, shape: Shape) -> Circuit {
    let mut random = Random::new(seed);
    let inputs = (0..shape.inputs).map(|bit| Gate::Input(u32::try_from(bit).unwrap()));
    let mut gates: Vec<Gate> = inputs.collect();
    while gates.len() < shape.inputs + shape.gates {
        let nearest = gates.len().min(shape.window);
        let mut wire = || Wire::new(gates.len() - 1 - random.below(nearest));
        let (a, b) = (wire(), wire());
        let kind = random.below(40);
        gates.push(match kind {
            0 => Gate::Constant(random.below(2) == 1),
            1..=4 => Gate::Not(a),
            kind if kind % 8 < shape.xors => Gate::Xor(a, b),
            _ => Gate::And(a, b),
        });
    }
    let near = gates.len().min(2 * shape.outputs);
    let output_wires = (0..shape.outputs).map(|_| Wire::new(gates.len() - 1 - random.below(near))).collect();
    Circuit {
        origins: (0..gates.len()).map(|_| u32::try_from(random.below(2)).unwrap()).collect(),
        gates,
        functions: vec!["f".into(), "g".into()],
        inputs: vec![port("x", 1), port("y", shape.inputs - 1)],
        outputs: vec![port("z", shape.outputs)],
        output_wires,
    }
}

/// The carry of every place by `ab | c (a ^ b)`, the textbook adder.
pub(crate) fn add(builder: &mut Builder, a: &[Wire], b: &[Wire]) -> Vec<Wire> {
    let mut carry = builder.constant(false);
    let mut sum = Vec::new();
    for (&a, &b) in a.iter().zip(b) {
        let one = builder.xor(a, b);
        sum.push(builder.xor(one, carry));
        let both = builder.and(a, b);
        let carried = builder.and(one, carry);
        carry = builder.or(both, carried);
    }
    sum.push(carry);
    sum
}

/// The schoolbook product of two numbers, cut to the width of `a`.
pub(crate) fn multiply(builder: &mut Builder, a: &[Wire], b: &[Wire]) -> Vec<Wire> {
    let zero = builder.constant(false);
    let mut total = vec![zero; a.len()];
    for (shift, &bit) in b.iter().enumerate().take(a.len()) {
        let row: Vec<Wire> = a[..a.len() - shift].iter().map(|&a| builder.and(a, bit)).collect();
        let sum = add(builder, &total[shift..], &row);
        total.truncate(shift);
        total.extend(sum.into_iter().take(row.len()));
    }
    total
}

/// `x y y .. y`, each product cut to `width` bits.
pub(crate) fn multiplier_chain(width: usize, factors: usize) -> Circuit {
    let mut builder = Builder::new();
    builder.set_origin("chain");
    let mut x = builder.input(port("x", width));
    let y = builder.input(port("y", width));
    for _ in 0..factors {
        x = multiply(&mut builder, &x, &y);
    }
    builder.output(port("z", width), &x);
    builder.finish()
}

pub(crate) fn adder(width: usize) -> Circuit {
    let mut builder = Builder::new();
    builder.set_origin("add");
    let (x, y) = (builder.input(port("x", width)), builder.input(port("y", width)));
    let sum = add(&mut builder, &x, &y);
    builder.output(port("z", width + 1), &sum);
    builder.finish()
}

/// All shapes, `count` circuits of each, and some arithmetic.
pub(crate) fn circuits(count: u64) -> impl Iterator<Item = Circuit> {
    let random =
        SHAPES.into_iter().flat_map(move |shape| (0..count).map(move |seed| random_circuit(seed, shape)));
    random.chain([adder(9), adder(32), multiplier_chain(6, 1), multiplier_chain(8, 3)])
}

/// Panics unless both circuits have the same ports and functions, valid gates, and the same outputs on all inputs (if
/// there are at most twelve bits) or on 128 random rows.
#[track_caller]
pub(crate) fn assert_same(a: &Circuit, b: &Circuit) {
    assert_eq!((&a.inputs, &a.outputs, &a.functions), (&b.inputs, &b.outputs, &b.functions));
    b.verify().unwrap();
    let bits = a.input_bits();
    let mut random = Random::new(7);
    let words = if bits <= 12 { 1 << bits.saturating_sub(6) } else { 2 };
    for word in 0..words {
        let inputs: Vec<u64> =
            (0..bits).map(|bit| if bits <= 12 { exhaustive(bit, word) } else { random.word() }).collect();
        assert_eq!(evaluate(a, &Plain, &inputs), evaluate(b, &Plain, &inputs));
    }
}

/// Input bit `bit` of rows `64 word .. 64 word + 64`, where row `r` holds the bits of `r`.
fn exhaustive(bit: usize, word: usize) -> u64 {
    (0..64).filter(|row| ((64 * word + row) >> bit) & 1 == 1).map(|row| 1 << row).sum()
}

/// The circuit with `inputs` input bits `%0`, `%1`, .. , these gate lines of the text form, and these output wires.
pub(crate) fn circuit(inputs: usize, gates: &str, outputs: &str) -> Circuit {
    use std::fmt::Write;
    let mut text =
        format!("circuit 1\nfunction \"f\"\ninput \"x\" kind \"bits\" width {inputs}\nfrom \"f\"\n");
    (0..inputs).for_each(|bit| writeln!(text, "%{bit} = input {bit}").unwrap());
    let width = outputs.split_whitespace().count();
    writeln!(text, "{gates}\noutput \"y\" kind \"bits\" width {width} is {outputs}").unwrap();
    text.parse().unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// Panics unless `pass` makes the second circuit out of the first: gate lines and output wires over `inputs` bits.
#[track_caller]
pub(crate) fn check(
    pass: impl Fn(Circuit) -> Circuit,
    inputs: usize,
    (gates, outputs): (&str, &str),
    (expected_gates, expected_outputs): (&str, &str),
) {
    let before = circuit(inputs, gates, outputs);
    let after = pass(before.clone());
    assert_same(&before, &after);
    let expected = circuit(inputs, expected_gates, expected_outputs);
    assert_eq!(after.to_string(), expected.to_string());
}

/// A target with these noise figures, in bits.
pub(crate) fn target(budget: f64, fresh: f64, refreshed: f64) -> Target {
    Target {
        preset: "small numbers".into(),
        slots: 1,
        budget: NoiseBits(budget),
        fresh: NoiseBits(fresh),
        refreshed: NoiseBits(refreshed),
        failure_log2: -40.0,
        costs: Costs {
            xor_ns: 1.0,
            and_ns: 100.0,
            pass_ns: 0.0,
            refresh_ns: 1e5,
            encrypt_ns: 1e4,
            decrypt_ns: 1e4,
        },
        ciphertext_bytes: 1,
        encryption_key_bytes: 1,
        evaluation_key_bytes: 1,
    }
}

/// Whether every refresh input and every output is within the budget: the rule, straight from its definition.
pub(crate) fn is_within_budget(circuit: &Circuit, target: &Target) -> bool {
    let inputs = vec![target.fresh; circuit.input_bits()];
    let noise = ffhec_circuit::evaluate_all(circuit, target, &inputs);
    let refreshed = circuit.gates.iter().filter(|gate| matches!(gate, Gate::Refresh(_)));
    let mut checked = refreshed.flat_map(|gate| gate.operands()).chain(circuit.output_wires.iter().copied());
    checked.all(|wire| noise[wire.index()] <= target.budget)
}
