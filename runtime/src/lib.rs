//! The FFHE scheme and the level-parallel executor.

pub mod arith;
pub mod exec;
pub mod measure;
pub mod memory;
pub mod scheme;
pub mod store;

pub use scheme::cipher::Ciphertext;
pub use scheme::eval::{Evaluator, Plan};
pub use scheme::keys::{EncryptionKey, EvaluationKey, KeyId, KeyPair, KeyProgress, SecretKey, generate_keys};
pub use scheme::params::{self, Params, ParamsError};
pub use scheme::profile::Phase;
pub use store::StoreError;
