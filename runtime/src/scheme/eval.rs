//! Computing on ciphertexts: the [`Machine`] whose bits are ciphertexts.

use std::time::Duration;

use ffhec_circuit::Machine;

use super::boxes::sum_words;
use super::buffers::Buffers;
use super::cipher::Ciphertext;
use super::digits::Kernels;
use super::keys::{EvaluationKey, KeyId};
use super::params::Params;
use super::profile::{Phase, Profile};
use super::source::Source;
use crate::arith::Modulus;

/// Adds, multiplies and refreshes ciphertexts under one evaluation key.
pub struct Evaluator<'k> {
    pub(super) source: Source<'k>,
    pub(super) plan: Plan,
    pub(super) profile: Profile,
    pub(super) buffers: Buffers,
}

/// How an evaluator uses its memory. Decided before anything is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Whether the key's big public numbers are expanded once and kept, instead of at each pass.
    pub kept: bool,
    /// Bytes that keeping them takes.
    pub kept_bytes: u64,
    /// The most ciphertexts that share a pass over the key.
    pub batch: usize,
    /// Bytes that each of them takes during the pass.
    pub each_bytes: u64,
}

impl Plan {
    /// For this processor and the current thread pool.
    ///
    /// Batches come first, as large as they are worth: the pass that a batch shares takes as long as the products of
    /// a few ciphertexts. The expanded numbers are kept if they fit in what is left, and are read faster than they
    /// are expanded: with vector instructions expanding beats reading from beyond the processor's caches.
    pub fn new(params: &Params, memory_limit: u64) -> Plan {
        Plan::with_kernels(params, memory_limit, Kernels::detect())
    }

    fn with_kernels(params: &Params, memory_limit: u64, kernels: Kernels) -> Plan {
        /// Bytes that caches hold.
        const CACHED: u64 = 16 << 20;
        let threads = rayon::current_num_threads();
        let worth = (params.hints() / 16).clamp(8, 64).next_multiple_of(threads);
        // Box sums, the digits of the ciphertext, and the result.
        let residues = params.theta() as u64 * u64::from(params.n() + 1) + 3;
        let each_bytes = residues * params.limbs() as u64 * 8;
        let fitting = usize::try_from(memory_limit / each_bytes).unwrap_or(usize::MAX);
        let batch = fitting.clamp(threads, worth);
        let kept_bytes = Source::kept_bytes(params);
        let most = match kernels {
            Kernels::Portable => memory_limit,
            Kernels::Avx512(_) => memory_limit.min(CACHED + batch as u64 * each_bytes),
        };
        let kept = kept_bytes <= most.saturating_sub(batch as u64 * each_bytes);
        Plan { kept, kept_bytes, batch, each_bytes }
    }

    /// Bytes in all.
    pub fn bytes(&self) -> u64 {
        self.batch as u64 * self.each_bytes + if self.kept { self.kept_bytes } else { 0 }
    }
}

impl<'k> Evaluator<'k> {
    /// An evaluator that uses about `memory_limit` bytes besides the ciphertexts it is given and one refresh on each
    /// thread. See [`Plan`].
    pub fn new(key: &'k EvaluationKey, memory_limit: u64) -> Evaluator<'k> {
        Evaluator::with_kernels(key, memory_limit, Kernels::detect())
    }

    /// An evaluator that computes in a given way.
    pub(super) fn with_kernels(key: &'k EvaluationKey, memory_limit: u64, kernels: Kernels) -> Evaluator<'k> {
        let plan = Plan::with_kernels(&key.params, memory_limit, kernels);
        let source = Source::new(key, kernels, plan.kept);
        let buffers =
            Buffers::new(sum_words(&source), plan.batch * key.params.theta() * (key.params.n() as usize + 1));
        Evaluator { source, plan, profile: Profile::default(), buffers }
    }

    /// The key pair's id.
    pub fn key_id(&self) -> KeyId {
        self.source.key().key_id()
    }

    /// The parameter set.
    pub fn params(&self) -> &Params {
        self.source.key().params()
    }

    /// How the memory is used.
    pub fn plan(&self) -> Plan {
        self.plan
    }

    /// The time that all threads together have spent on a kind of work.
    pub fn spent(&self, phase: Phase) -> Duration {
        self.profile.spent(phase)
    }

    pub(super) fn modulus(&self) -> &'k Modulus {
        &self.source.key().modulus
    }
}

impl Machine for Evaluator<'_> {
    type Bit = Ciphertext;

    fn constant(&self, bit: bool) -> Ciphertext {
        Ciphertext::trivial(bit, self.modulus().width())
    }

    fn xor(&self, a: &Ciphertext, b: &Ciphertext) -> Ciphertext {
        self.profile.time(Phase::Gates, || Ciphertext::new(self.modulus().add(&a.value, &b.value)))
    }

    fn and(&self, a: &Ciphertext, b: &Ciphertext) -> Ciphertext {
        self.profile.time(Phase::Gates, || Ciphertext::new(self.modulus().mul(&a.value, &b.value)))
    }

    fn refresh(&self, bits: &[&Ciphertext]) -> Vec<Ciphertext> {
        self.refresh_batch(bits)
    }
}
