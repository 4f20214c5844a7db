//! Computing on ciphertexts: the [`Machine`] whose bits are ciphertexts.

use ffhec_circuit::Machine;

use super::cipher::Ciphertext;
use super::keys::{EvaluationKey, KeyId};
use super::params::Params;
use super::refresh;

/// Adds, multiplies and refreshes ciphertexts under one evaluation key.
pub struct Evaluator<'k> {
    pub(super) key: &'k EvaluationKey,
    /// All hints with their encrypted key bits, if they fit in the memory limit.
    pub(super) expanded: Option<Vec<HintPair>>,
    pub(super) memory_limit: u64,
}

/// A hint `u_i` and the encrypted key bits `sigma_i`.
pub(super) struct HintPair {
    pub(super) hint: Vec<u64>,
    pub(super) key_bit: Vec<u64>,
}

impl<'k> Evaluator<'k> {
    /// An evaluator that uses about `memory_limit` bytes besides the ciphertexts it is given. With enough memory it
    /// keeps all hints expanded; with less, each batch of refreshes expands them anew, piece by piece.
    pub fn new(key: &'k EvaluationKey, memory_limit: u64) -> Evaluator<'k> {
        let expanded = refresh::expand_all(key, memory_limit);
        Evaluator { key, expanded, memory_limit }
    }

    /// The key pair's id.
    pub fn key_id(&self) -> KeyId {
        self.key.key_id()
    }

    /// The parameter set.
    pub fn params(&self) -> &Params {
        self.key.params()
    }
}

impl Machine for Evaluator<'_> {
    type Bit = Ciphertext;

    fn constant(&self, bit: bool) -> Ciphertext {
        Ciphertext::trivial(bit, self.key.modulus.width())
    }

    fn xor(&self, a: &Ciphertext, b: &Ciphertext) -> Ciphertext {
        Ciphertext::new(self.key.modulus.add(&a.value, &b.value))
    }

    fn and(&self, a: &Ciphertext, b: &Ciphertext) -> Ciphertext {
        Ciphertext::new(self.key.modulus.mul(&a.value, &b.value))
    }

    fn refresh(&self, bits: &[&Ciphertext]) -> Vec<Ciphertext> {
        self.refresh_batch(bits)
    }
}
