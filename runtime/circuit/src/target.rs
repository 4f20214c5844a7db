//! What the compiler must know of the scheme, as plain data: noise figures and costs of one parameter set. The
//! runtime derives a [`Target`] from a preset; the driver hands it to the compiler.
//!
//! The target is also a [`Machine`]: evaluating a program over it *is* the noise analysis.

use crate::Machine;

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
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Costs {
    /// One ciphertext addition.
    pub xor_ns: f64,
    /// One ciphertext product.
    pub and_ns: f64,
    /// One refresh among many of a level.
    pub refresh_ns: f64,
    /// One public-key encryption of a full ciphertext.
    pub encrypt_ns: f64,
    /// One decryption of a full ciphertext.
    pub decrypt_ns: f64,
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
        let (small, large) = if a.0 < b.0 { (a.0, b.0) } else { (b.0, a.0) };
        NoiseBits(large + (small - large).exp2().ln_1p() * std::f64::consts::LOG2_E)
    }

    fn and(&self, a: &NoiseBits, b: &NoiseBits) -> NoiseBits {
        NoiseBits(a.0 + b.0)
    }

    fn refresh(&self, bits: &[&NoiseBits]) -> Vec<NoiseBits> {
        vec![self.refreshed; bits.len()]
    }
}
