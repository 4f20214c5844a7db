//! What the compiler must know of the scheme, as plain data: noise figures and costs of one parameter set. The
//! runtime derives a [`Target`] from a preset; the driver hands it to the compiler.
//!
//! The target is also a [`Machine`]: evaluating a program over it *is* the noise analysis.

use std::cell::Cell;

use crate::{Gate, Machine, Wire};

/// A bound on a ciphertext's noise: `log2 |c mod p|`, in bits. In a program compiled for a target, all bounds hold
/// together except with the target's failure probability.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct NoiseBits(pub f64);

/// One parameter set as the compiler sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct Target {
    /// The preset's name.
    pub preset: String,
    /// Rows per ciphertext.
    pub slots: u32,
    /// The largest noise that a refresh or a decryption accepts.
    pub budget: NoiseBits,
    /// Noise of a public-key fresh ciphertext.
    pub fresh: NoiseBits,
    /// Noise of a refreshed ciphertext.
    pub refreshed: NoiseBits,
    /// A program's noise bounds fail together with probability at most 2 to this power (-40).
    pub failure_log2: f64,
    /// Time of each operation on this parameter set.
    pub costs: Costs,
    /// Size of one ciphertext in memory and in a file, in bytes.
    pub ciphertext_bytes: u64,
    /// Size of the encryption section of the public key file, in bytes.
    pub encryption_key_bytes: u64,
    /// Size of the evaluation section of the public key file, in bytes.
    pub evaluation_key_bytes: u64,
}

/// Predicted single-thread time of each operation, in nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Costs {
    /// One ciphertext addition.
    pub xor_ns: f64,
    /// One ciphertext product.
    pub and_ns: f64,
    /// What the refreshes of a level share, however many they are: the pass over the evaluation key.
    pub pass_ns: f64,
    /// One refresh, without its share of the pass.
    pub refresh_ns: f64,
    /// One public-key encryption of a full ciphertext.
    pub encrypt_ns: f64,
    /// One decryption of a full ciphertext.
    pub decrypt_ns: f64,
}

impl Costs {
    /// Predicted time of a level on `threads` threads: its work in equal parts, but at least as long as its longest chain.
    /// However many threads there are, a refresh takes a chain of products: one for each column of its adder but the
    /// last, and the seven of a sum in the last, which together take about as long as seven products.
    pub fn level_ns(&self, refreshes: usize, ands: usize, sums: usize, threads: usize) -> f64 {
        const CHAIN: f64 = 7.0;
        let gates = ands as f64 * self.and_ns + sums as f64 * self.xor_ns;
        let one_gate = if ands > 0 { self.and_ns } else { self.xor_ns };
        let (refreshing, chain) = match refreshes {
            0 => (0.0, if ands + sums > 0 { one_gate } else { 0.0 }),
            _ => (self.pass_ns + refreshes as f64 * self.refresh_ns, CHAIN * self.and_ns),
        };
        chain.max((refreshing + gates) / threads.max(1) as f64)
    }
}

/// Noise rules, `scheme.md` 1.5 and 11.2: products add their logarithms; sums add magnitudes, so that thirty chained
/// additions cost five bits and not thirty. Sums are taken as dependent (all refreshed ciphertexts of a key share its
/// noises), which also covers independent ones.
impl Machine for Target {
    type Bit = NoiseBits;

    fn constant(&self, _bit: bool) -> NoiseBits {
        NoiseBits(0.0)
    }

    fn xor(&self, a: &NoiseBits, b: &NoiseBits) -> NoiseBits {
        sum_by(*a, *b, gain)
    }

    fn and(&self, a: &NoiseBits, b: &NoiseBits) -> NoiseBits {
        NoiseBits(a.0 + b.0)
    }

    fn refresh(&self, bits: &[&NoiseBits]) -> Vec<NoiseBits> {
        vec![self.refreshed; bits.len()]
    }
}

/// The rules of one target for a whole circuit: the noise of gate after gate, equal to what the [`Target`] gives as a
/// [`Machine`]. The sums of a circuit have few different distances between their terms, so what each distance adds is
/// remembered.
#[derive(Debug)]
pub struct NoiseRules<'a> {
    target: &'a Target,
    complemented: NoiseBits,
    /// A distance (its bits) and what it adds, placed by the bits of the distance. [`NOTHING`] is no distance.
    gains: Vec<Cell<(u64, f64)>>,
}

/// log2 of the number of distances that are remembered.
const GAIN_BITS: u32 = 15;

/// The bits of no distance: a NaN.
const NOTHING: u64 = u64::MAX;

impl<'a> NoiseRules<'a> {
    /// The rules of `target`.
    pub fn new(target: &'a Target) -> Self {
        let gains = vec![Cell::new((NOTHING, 0.0)); 1 << GAIN_BITS];
        NoiseRules { target, complemented: target.constant(true), gains }
    }

    /// The noise of one gate's output, inputs freshly encrypted, where `of` is the noise of its operands.
    #[inline]
    pub fn noise_of(&self, gate: Gate, of: impl Fn(Wire) -> NoiseBits) -> NoiseBits {
        match gate {
            Gate::Constant(bit) => self.target.constant(bit),
            Gate::Input(_) => self.target.fresh,
            Gate::Not(a) => self.sum(of(a), self.complemented),
            Gate::Xor(a, b) => self.sum(of(a), of(b)),
            Gate::And(a, b) => self.target.and(&of(a), &of(b)),
            Gate::Refresh(_) => self.target.refreshed,
        }
    }

    #[inline]
    fn sum(&self, a: NoiseBits, b: NoiseBits) -> NoiseBits {
        sum_by(a, b, |difference| self.gain(difference))
    }

    #[inline]
    fn gain(&self, difference: f64) -> f64 {
        let bits = difference.to_bits();
        let mixed = (bits ^ bits >> 32).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let place = &self.gains[(mixed >> (64 - GAIN_BITS)) as usize];
        let (known, remembered) = place.get();
        if known == bits {
            return remembered;
        }
        let computed = gain(difference);
        place.set((bits, computed));
        computed
    }
}

/// `log2(2^a + 2^b)`, rounded up by at most a few units in the last place, where `gain` is the function of that name.
/// Only exactly rounded operations are used (no `exp2`, no `ln`), so every platform gets the same bits.
#[inline]
fn sum_by(a: NoiseBits, b: NoiseBits, gain: impl Fn(f64) -> f64) -> NoiseBits {
    let (small, large) = if a.0 < b.0 { (a.0, b.0) } else { (b.0, a.0) };
    let difference = small - large;
    if large.is_infinite() || difference.is_nan() {
        return NoiseBits(f64::INFINITY);
    }
    if difference < -1000.0 || (difference < -64.0 && large >= 1.0) {
        // 2^-1000 / ln 2 < 1e-300, and 2^-64 / ln 2 is less than half a unit in the last place of 1.
        return NoiseBits((large + 1e-300).next_up());
    }
    // The gain is within 2^-45 of the truth, relatively, and above it; the last sum rounds by half a unit.
    NoiseBits((large + gain(difference)).next_up())
}

/// `log2(1 + 2^difference)` for `-1000 <= difference <= 0`, rounded up.
fn gain(difference: f64) -> f64 {
    // Both series are within 2^-48 of the truth, relatively.
    log2_of_one_plus(power_of_two(difference)) * (1.0 + 1.0 / (1_u64 << 46) as f64)
}

/// `2^x` for `-1000 <= x <= 0`: the power of the nearest integer, times the exponential series of what is left.
fn power_of_two(x: f64) -> f64 {
    debug_assert!((-1000.0..=0.0).contains(&x), "stated above: no subnormal results");
    let whole = (x + 0.5).floor();
    // |rest| <= ln 2 / 2, so 14 terms leave less than 2^-57.
    let rest = (x - whole) * std::f64::consts::LN_2;
    let series = (1..=14_u32).rev().fold(1.0, |sum, k| 1.0 + sum * rest / f64::from(k));
    // whole is an integer in -1000..=0, so the exponent field is in 23..=1023.
    series * f64::from_bits(((1023.0 + whole) as u64) << 52)
}

/// `log2(1 + x)` for `0 <= x <= 1` (a little above is fine), as `2 atanh(x / (2 + x)) / ln 2`.
fn log2_of_one_plus(x: f64) -> f64 {
    let s = x / (2.0 + x);
    // s <= 1/3 and a little, so 20 terms leave less than 2^-60 of the sum.
    let series = (0..20_u32).rev().fold(0.0, |sum, k| sum * (s * s) + 1.0 / f64::from(2 * k + 1));
    2.0 * s * series * std::f64::consts::LOG2_E
}

/// A target for tests, about the size of the real one.
#[cfg(test)]
pub(crate) fn sample(preset: &str) -> Target {
    Target {
        preset: preset.into(),
        slots: 9,
        budget: NoiseBits(1033.0),
        fresh: NoiseBits(345.0),
        refreshed: NoiseBits(500.0),
        failure_log2: -40.0,
        costs: Costs {
            xor_ns: 1e3,
            and_ns: 1e6,
            pass_ns: 0.0,
            refresh_ns: 1e8,
            encrypt_ns: 1e7,
            decrypt_ns: 1e6,
        },
        ciphertext_bytes: 20_000,
        encryption_key_bytes: 90_000,
        evaluation_key_bytes: 400_000,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_sum_is_bounded_and_close(a in 0.0..1500.0_f64, b in 0.0..1500.0_f64) {
            let target = sample("toy");
            let sum = target.xor(&NoiseBits(a), &NoiseBits(b)).0;
            let (small, large) = if a < b { (a, b) } else { (b, a) };
            let reference = large + (small - large).exp2().ln_1p() * std::f64::consts::LOG2_E;
            prop_assert!(sum >= reference && sum - reference <= 1e-11, "{sum} {reference}");
            prop_assert_eq!(sum, target.xor(&NoiseBits(b), &NoiseBits(a)).0);
        }
    }

    #[test]
    fn the_series_follow_the_functions() {
        for step in 0..=4000 {
            let x = -f64::from(step) / 7.0;
            if x >= -1000.0 {
                assert!((power_of_two(x) / x.exp2() - 1.0).abs() < 4e-15, "2^{x}");
            }
            let y = f64::from(step) / 4000.0;
            let reference = y.ln_1p() * std::f64::consts::LOG2_E;
            assert!((log2_of_one_plus(y) - reference).abs() <= 4e-15 * reference, "log2(1 + {y})");
        }
    }

    #[test]
    fn a_sum_is_never_below_what_wider_arithmetic_gives() {
        let target = sample("toy");
        // 2^k + 2^k is exactly 2^(k+1).
        for k in 0..1000 {
            let k = f64::from(k);
            let sum = target.xor(&NoiseBits(k), &NoiseBits(k)).0;
            assert!(sum >= k + 1.0 && sum < k + 1.0 + 1e-11, "{k}: {sum}");
        }
    }

    #[test]
    fn thirty_chained_additions_cost_five_bits() {
        let target = sample("toy");
        let mut sum = NoiseBits(900.0);
        for _ in 0..31 {
            sum = target.xor(&sum, &NoiseBits(900.0));
        }
        assert!((sum.0 - 905.0).abs() < 1e-9, "{sum:?}");
    }

    #[test]
    fn a_complement_adds_one_to_the_magnitude() {
        let target = sample("toy");
        assert!((target.not(&NoiseBits(3.0)).0 - 9.0_f64.log2()).abs() < 1e-12);
    }

    #[test]
    fn remembered_sums_are_the_sums() {
        let target = sample("toy");
        let rules = NoiseRules::new(&target);
        let places = [Wire::new(0), Wire::new(1)];
        for step in 0..200_000_u32 {
            // More distances than are remembered, each asked for more than once.
            let noises =
                [500.0 + f64::from(step % 60_000) / 1024.0, 500.0 + f64::from(step % 7)].map(NoiseBits);
            let sum = rules.noise_of(Gate::Xor(places[0], places[1]), |wire| noises[wire.index()]);
            assert_eq!(sum, target.xor(&noises[0], &noises[1]));
            let not = rules.noise_of(Gate::Not(places[1]), |wire| noises[wire.index()]);
            assert_eq!(not, target.not(&noises[1]));
        }
    }

    #[test]
    fn endless_products_saturate() {
        let target = sample("toy");
        let mut noise = NoiseBits(500.0);
        for _ in 0..2000 {
            noise = target.xor(&target.and(&noise, &noise), &noise);
        }
        assert_eq!(noise.0, f64::INFINITY);
    }
}
