//! How much noise ciphertexts carry: the figures that the compiler places refreshes by.
//!
//! A noise figure is `log2 |[c]_p|`, the largest over all slots. Two constants of a parameter set and three rules give
//! every figure of a program (the rules are [`Target`]'s): fresh and refreshed ciphertexts have the bits given here;
//! sums add magnitudes, products add bits, complements add one to the magnitude.
//!
//! # What is proven and what is simulated
//!
//! *Fresh* ciphertexts: [`Params::fresh_bits`] is a worst case (`scheme.md` 1.5), true for every choice of randomness.
//!
//! *The rules* are worst cases too: whatever the operands share, `|xy| = |x||y|` and `|x + y| <= |x| + |y|`. In
//! particular nothing is assumed of the independence of refreshed ciphertexts, which share the noises of the encrypted
//! key bits: squares and sums with common terms are covered.
//!
//! *Refreshed* ciphertexts: the worst case of the 45-product adder fits in no preset (`scheme.md` 11.2), so
//! [`Params::refreshed_bits`] is a quantile: one slot of one refreshed ciphertext exceeds it with probability at most
//! `1 / (2^52 L)`, over the key and the ciphertext. By the union bound a program of up to 4,096 refreshes then keeps
//! all its bounds in all L slots except with probability `2^-40`, and one of `k` times as many with `k 2^-40`. To exceed
//! a bound is not yet to fail: that takes the noise of a refreshed or decrypted ciphertext above the budget.
//!
//! The quantile rests on simulation. The adder itself is run over real numbers: a slot's encrypted key bits are
//! uniform in `(-2^(rho+1), 2^(rho+1))`, and the patterns that select them are uniform and independent. (In truth the
//! theta patterns at the slot's secret indices add up to nearly an integer, since their sum is the quotient of the
//! ciphertext; that one relation among `theta B` patterns is neglected.) Probabilities down to `2^-61`, which no
//! experiment reaches, are found by subset simulation (Au and Beck, Probabilistic Engineering Mechanics 2001): a chain
//! of conditional probabilities of one fifth, each measured with Markov chains started in the one before. At `n = 4`,
//! which all presets but `test` have, repeated runs agree to about 0.2 bits, and the bounds stand 0.2 to 0.8 bits above
//! the simulated quantiles: the margin is the simulation's error and little more, because the budget of `toy` has no
//! room for more. The tests repeat the simulation at every preset and compare its bulk with real refreshes; its far
//! tail cannot be compared with anything. `2^-40` is therefore a calibrated figure, not a theorem. The figures for
//! `n = 3, 5, 6`, which no preset uses, come from one or two shorter runs (for 5 and 6 with normal box sums only).

use ffhec_circuit::{Costs, Machine, NoiseBits, Target};

use super::params::Params;

/// Failure probability of a program of 4,096 refreshes, as a power of two.
const FAILURE_LOG2: f64 = -40.0;

/// Quantiles of a refresh's noise beyond `degree (rho + 1 + log2(B / 2) / 2)`, for `n = 2..=6` and `theta = 2^n - 1`, at
/// nine slots. Simulated: 7.5, 22.7, 58.8, 135.7 and 314.6.
const QUANTILES: [f64; 5] = [8.0, 23.25, 59.0, 137.0, 317.0];

/// More slots need a smaller probability in each: the quantile rises by this share of the degree for each bit.
const RISE: f64 = 1.0 / 72.0;

impl Params {
    /// Bound on the noise of a ciphertext encrypted under the public key: never exceeded.
    ///
    /// With `b` below `2^alpha` and `b'` below `2^alpha'` in magnitude, the three sums of an encryption (`scheme.md` 1.3)
    /// contribute at most `beta^2 2^(alpha + 2 rho1 + 2)`, `L 2^(2 rho + 2)`, and `2^alpha'` times
    /// `2^(rho' + 1) + l 2^(rho + 1) (2^h + 2^h') + L 2^(2 rho + 2)`.
    pub fn fresh_bits(&self) -> NoiseBits {
        let power = |bits: u32| NoiseBits(f64::from(bits));
        let times = |count: usize, bits: u32| NoiseBits((count as f64).log2() + f64::from(bits));
        let (h, h_prime) = self.multiples();
        let own = 2 * self.rho() + 2;
        let third = [
            power(self.rho_prime() + 1),
            times(self.side(), self.rho() + 1 + h),
            times(self.side(), self.rho() + 1 + h_prime),
            times(self.slots(), own),
        ];
        let third = NoiseBits(sum(&third).0 + f64::from(self.alpha_prime()));
        let first = times(self.beta() * self.beta(), self.alpha() + 2 * self.rho_first() + 2);
        round_up(sum(&[third, first, times(self.slots(), own)]))
    }

    /// Bound on the noise of a refreshed ciphertext: exceeded in one slot with probability at most `1 / (2^52 L)`.
    ///
    /// The noise is a form of degree `2^n` in box sums of `B / 2` noises on average, so its bits are the degree times the
    /// bits of a box sum, and a quantile that depends only on n.
    pub fn refreshed_bits(&self) -> NoiseBits {
        let degree = degree(self.n());
        let box_sum = f64::from(self.rho()) + 1.0 + (self.box_size() as f64 / 2.0).log2() / 2.0;
        let more_slots = (self.slots() as f64 / 9.0).log2().max(0.0);
        let quantile = QUANTILES[self.n() as usize - 2] + degree * RISE * more_slots;
        round_up(NoiseBits(degree * box_sum + quantile))
    }

    /// What the compiler must know of this parameter set.
    pub fn target(&self) -> Target {
        Target {
            preset: self.name().to_owned(),
            slots: self.slots() as u32,
            budget: NoiseBits(f64::from(self.noise_budget())),
            fresh: self.fresh_bits(),
            refreshed: self.refreshed_bits(),
            failure_log2: FAILURE_LOG2,
            costs: self.costs(),
            ciphertext_bytes: self.ciphertext_bytes() as u64,
            encryption_key_bytes: self.encryption_key_bytes(),
            evaluation_key_bytes: self.evaluation_key_bytes(),
        }
    }
}

/// Products of the adder: a column of m values makes `floor(m / 2)` carries, each with one product.
pub(super) fn adder_products(theta: u32, n: u32) -> u32 {
    let carries = (0..n).scan(0, |carries, _| {
        *carries = (theta + *carries) / 2;
        Some(*carries)
    });
    carries.sum()
}

/// Degree of the adder's result in its inputs: `2^n`, but 3 for `n = 2`, where three bits are too few to reach 4.
fn degree(n: u32) -> f64 {
    if n == 2 { 3.0 } else { f64::from(1_u32 << n) }
}

/// The magnitudes' sum. Only the noise rules of the target are used, and those do not depend on its figures.
fn sum(terms: &[NoiseBits]) -> NoiseBits {
    let zero = NoiseBits(0.0);
    let rules = Target {
        preset: String::new(),
        slots: 1,
        budget: zero,
        fresh: zero,
        refreshed: zero,
        failure_log2: 0.0,
        costs: Costs::default(),
        ciphertext_bytes: 0,
        encryption_key_bytes: 0,
        evaluation_key_bytes: 0,
    };
    terms.iter().copied().reduce(|a, b| rules.xor(&a, &b)).unwrap_or(zero)
}

/// Rounded up to an eighth of a bit, so that the last places of a platform's logarithm do not matter.
fn round_up(bits: NoiseBits) -> NoiseBits {
    NoiseBits((bits.0 * 8.0 - 1e-6).ceil() / 8.0)
}

#[cfg(test)]
mod calibration;

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::cell::Cell;

    use ffhec_circuit::{Builder, Plain, Port, Program, evaluate, evaluate_all};
    use num_bigint::BigInt;
    use num_traits::ToPrimitive;
    use rand_chacha::ChaCha20Rng;
    use rand_core::{Rng, SeedableRng};

    use super::*;
    use crate::exec::{Options, run};
    use crate::scheme::adder::{Ring, add_columns};
    use crate::scheme::cipher::Ciphertext;
    use crate::scheme::eval::Evaluator;
    use crate::scheme::keys::{KeyPair, generate_keys};

    #[test]
    fn the_figures_of_the_presets() {
        let figures: Vec<_> = Params::all()
            .iter()
            .map(|p| (p.name().to_owned(), p.fresh_bits().0, p.refreshed_bits().0, p.noise_budget()))
            .collect();
        insta::assert_debug_snapshot!(figures);
    }

    #[test]
    fn a_product_of_refreshed_ciphertexts_leaves_room_for_sums_at_every_preset() {
        for params in Params::all() {
            let room = f64::from(params.noise_budget()) - 2.0 * params.refreshed_bits().0;
            assert!(room >= 15.0, "{}: {room}", params.name());
        }
    }

    /// Formal degrees, and how many products are made.
    #[derive(Default)]
    struct Degrees(Cell<u32>);

    impl Ring for Degrees {
        type Element = u32;

        fn add(&self, a: &u32, b: &u32) -> u32 {
            *a.max(b)
        }

        fn mul(&self, a: &u32, b: &u32) -> u32 {
            self.0.set(self.0.get() + 1);
            a + b
        }
    }

    #[test]
    fn degrees_and_products_are_those_of_the_adder() {
        for n in 2..=6 {
            let theta = (1 << n) - 1;
            let ring = Degrees::default();
            let columns = vec![vec![1; theta as usize]; n as usize + 1];
            assert_eq!(f64::from(add_columns(&ring, columns)), degree(n), "n = {n}");
            assert_eq!(ring.0.get(), adder_products(theta, n), "n = {n}");
        }
    }

    fn keys(params: &Params, seed: u8) -> (KeyPair, ChaCha20Rng) {
        let mut rng = ChaCha20Rng::from_seed([seed; 32]);
        let keys = generate_keys(params, &mut rng, None);
        (keys, rng)
    }

    /// `log2` of each slot's noise.
    fn slot_bits(keys: &KeyPair, ciphertext: &Ciphertext) -> Vec<f64> {
        let bits = |noise: &BigInt| {
            let shift = noise.bits().saturating_sub(60);
            (noise.magnitude() >> shift).to_f64().unwrap().max(1.0).log2() + shift as f64
        };
        keys.secret.noises(ciphertext).iter().map(bits).collect()
    }

    /// Measures `batch` refreshes under each of `keys` keys against the bounds; returns the mean of all slots and the
    /// largest product.
    fn measure(params: &Params, key_count: u8, batch: usize) -> (f64, f64) {
        let (fresh, refreshed) = (params.fresh_bits().0, params.refreshed_bits().0);
        let (mut all, mut largest) = (Vec::new(), 0.0_f64);
        for seed in 0..key_count {
            let (keys, mut rng) = keys(params, seed);
            let machine = Evaluator::new(&keys.evaluation, 1 << 30);
            let inputs: Vec<Ciphertext> = (0..batch)
                .map(|_| {
                    let bits: Vec<bool> = (0..params.slots()).map(|_| rng.next_u32() & 1 == 1).collect();
                    keys.encryption.encrypt(&bits, &mut rng)
                })
                .collect();
            for input in &inputs {
                assert!(keys.secret.noise_bits(input) <= fresh);
            }
            let outputs = machine.refresh(&inputs.iter().collect::<Vec<_>>());
            for pair in outputs.windows(2) {
                let product = keys.secret.noise_bits(&machine.and(&pair[0], &pair[1]));
                assert!(product <= 2.0 * refreshed, "{product}");
                largest = largest.max(product);
            }
            all.extend(outputs.iter().flat_map(|output| slot_bits(&keys, output)));
        }
        assert!(all.iter().all(|bits| *bits <= refreshed));
        (all.iter().sum::<f64>() / all.len() as f64, largest)
    }

    /// Real refreshes have the noise that was simulated, and their products stay within the bound and near it.
    #[test]
    fn real_refreshes_at_test_and_toy_are_within_the_bounds() {
        for (name, key_count, batch, near) in [("test", 20, 50, 14.0), ("toy", 4, 10, 75.0)] {
            let params = Params::preset(name).unwrap();
            let (mean, largest) = measure(&params, key_count, batch);
            let simulated = calibration::mean_bits(&params);
            assert!((mean - simulated).abs() < 8.0, "{name}: mean {mean}, simulated {simulated}");
            let bound = 2.0 * params.refreshed_bits().0;
            assert!(bound - largest < near, "{name}: largest product {largest}, bound {bound}");
        }
    }

    /// Full adders over refreshed wires, with shared terms and refreshed sums.
    fn chain(width: u32) -> Program {
        let mut builder = Builder::new();
        builder.set_origin("chain");
        let port = |name: &str| Port { name: name.into(), kind: "bits".into(), width, range: None };
        let bits = builder.input(port("x"));
        let bits: Vec<_> = bits.iter().map(|bit| builder.refresh(*bit)).collect();
        let mut outputs = vec![bits[0]];
        for pair in bits.windows(2) {
            let carry = *outputs.last().unwrap();
            let (left, right) = (builder.xor(pair[0], carry), builder.xor(pair[1], carry));
            let product = builder.and(left, right);
            let sum = builder.xor(product, carry);
            let flipped = builder.not(sum);
            outputs.push(builder.refresh(flipped));
        }
        builder.output(port("y"), &outputs);
        Program::in_order(builder.finish(), "test")
    }

    #[test]
    fn every_wire_of_a_program_keeps_its_bound_and_the_run_gives_the_clear_answer() {
        let params = Params::preset("test").unwrap();
        let (keys, mut rng) = keys(&params, 9);
        let machine = Evaluator::new(&keys.evaluation, 1 << 30);
        let program = chain(12);
        let report = program.check_noise(&params.target()).unwrap();
        for round in 0..20_u64 {
            let clear: Vec<u64> = (0..12).map(|bit| (round * 0x9e37_79b9 + 1) >> bit & 15).collect();
            let slots = |word: &u64| (0..4).map(|slot| word >> slot & 1 == 1).collect::<Vec<_>>();
            let inputs: Vec<Ciphertext> =
                clear.iter().map(|word| keys.encryption.encrypt(&slots(word), &mut rng)).collect();
            for (wire, value) in evaluate_all(&program.circuit, &machine, &inputs).iter().enumerate() {
                let (noise, bound) = (keys.secret.noise_bits(value), report.wires[wire].0);
                assert!(noise <= bound, "%{wire}: {noise} bits, bound {bound}");
            }
            let outputs = run(&program, &machine, inputs, &Options::default()).unwrap().outputs;
            let decrypted: Vec<_> = outputs.iter().map(|output| keys.secret.decrypt(output)).collect();
            let expected: Vec<_> = evaluate(&program.circuit, &Plain, &clear).iter().map(slots).collect();
            assert_eq!(decrypted, expected);
        }
    }
}
