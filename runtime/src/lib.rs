//! The FFHE scheme and the level-parallel executor.

pub mod arith;
pub mod scheme;
pub mod store;

pub use scheme::cipher::Ciphertext;
pub use scheme::eval::Evaluator;
pub use scheme::keys::{EncryptionKey, EvaluationKey, KeyId, KeyPair, KeyProgress, SecretKey, generate_keys};
pub use scheme::params::{self, Params, ParamsError};
pub use store::StoreError;
pub mod exec;
/// Temporary.
pub fn target(params: &Params) -> ffhec_circuit::Target {
    use ffhec_circuit::{Costs, NoiseBits};
    let c = if params.n() == 4 { 53.0 } else { 16.0 };
    let b = params.box_size() as f64;
    ffhec_circuit::Target {
        preset: params.name().to_owned(),
        slots: params.slots() as u32,
        budget: NoiseBits(f64::from(params.noise_budget())),
        fresh: NoiseBits(f64::from(params.alpha_prime() + params.rho_prime() + 2)),
        refreshed: NoiseBits(f64::from(1u32 << params.n()) * (f64::from(params.rho()) + 1.0 + (b / 2.0).log2() / 2.0) + c),
        failure_log2: -40.0,
        costs: Costs { xor_ns: 10e3, and_ns: 1e6, refresh_ns: 50e6, encrypt_ns: 20e6, decrypt_ns: 1e6 },
        ciphertext_bytes: params.ciphertext_bytes() as u64,
        encryption_key_bytes: 1, evaluation_key_bytes: 1,
    }
}
