//! Byte forms of keys and ciphertexts: sections of fixed layout, little-endian, every integer in a fixed width that
//! the parameter set determines. Reading checks each length and each value, and never panics; headers, checksums and
//! file kinds belong to the container around a section.

use thiserror::Error;

use crate::arith::{ModulusError, limbs};
use crate::scheme::cipher::Ciphertext;
use crate::scheme::element::{Corrections, Seed};
use crate::scheme::expansion::GENERATOR;
use crate::scheme::keys::{EncryptionKey, EvaluationKey, KeyId, SecretKey, stored_modulus};
use crate::scheme::params::{CofactorKind, Literal, ModulusKind, Params, ParamsError};

/// Bytes that are no key or ciphertext.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum StoreError {
    /// Too short or too long.
    #[error("a {what} of parameter set {set:?} takes {expected} bytes, but there are {found}")]
    Length {
        /// What was being read.
        what: &'static str,
        /// Its parameter set.
        set: String,
        /// Bytes expected.
        expected: u64,
        /// Bytes found.
        found: u64,
    },
    /// Ends within the description of the parameter set.
    #[error("the bytes end within the parameter set, after {found} of at least {expected} bytes")]
    Truncated {
        /// Bytes needed to go on.
        expected: usize,
        /// Bytes found.
        found: usize,
    },
    /// A field has an impossible value.
    #[error("{what} should be {expected}, but is {found}")]
    Value {
        /// The field.
        what: &'static str,
        /// What it may be.
        expected: String,
        /// What it is.
        found: String,
    },
    /// The parameter set violates a constraint.
    #[error(transparent)]
    Params(#[from] ParamsError),
    /// The public modulus does not fit the parameter set.
    #[error(transparent)]
    Modulus(#[from] ModulusError),
}

impl Params {
    /// The byte form that keys begin with.
    pub fn to_bytes(&self) -> Vec<u8> {
        let p = self.literal();
        let mut bytes = vec![p.name.len() as u8];
        bytes.extend(p.name.bytes());
        for number in
            [p.lambda, p.side, p.rho, p.eta, p.gamma, p.theta, p.box_size, p.published_bits.unwrap_or(0)]
        {
            bytes.extend(number.to_le_bytes());
        }
        bytes.push(match p.modulus {
            ModulusKind::Fold => 0,
            ModulusKind::Paper => 1,
        });
        bytes.push(match p.cofactor {
            CofactorKind::SmallFactorFree => 0,
            CofactorKind::Rough => 1,
        });
        bytes
    }

    /// Reads the byte form that keys begin with, and returns what follows it.
    ///
    /// # Errors
    /// If the bytes end early or the parameter set is not valid.
    pub fn read(bytes: &[u8]) -> Result<(Params, &[u8]), StoreError> {
        let mut reader = Reader { rest: bytes };
        let length = reader.array::<1>()?[0];
        let name = reader.take(usize::from(length))?;
        let name = std::str::from_utf8(name).map_err(|_| StoreError::Value {
            what: "the name of the parameter set",
            expected: "text".to_owned(),
            found: format!("{name:x?}"),
        })?;
        let mut number = || reader.array().map(u32::from_le_bytes);
        let (lambda, side, rho, eta) = (number()?, number()?, number()?, number()?);
        let (gamma, theta, box_size, published) = (number()?, number()?, number()?, number()?);
        let [modulus, cofactor] = reader.array()?;
        let literal = Literal {
            name: name.to_owned(),
            lambda,
            side,
            rho,
            eta,
            gamma,
            theta,
            box_size,
            modulus: choice("the modulus kind", modulus, [ModulusKind::Fold, ModulusKind::Paper])?,
            cofactor: choice(
                "the cofactor kind",
                cofactor,
                [CofactorKind::SmallFactorFree, CofactorKind::Rough],
            )?,
            published_bits: (published != 0).then_some(published),
        };
        Ok((Params::new(literal)?, reader.rest))
    }
}

fn choice<T: Copy>(what: &'static str, code: u8, choices: [T; 2]) -> Result<T, StoreError> {
    let error = || StoreError::Value { what, expected: "0 or 1".to_owned(), found: code.to_string() };
    choices.get(usize::from(code)).copied().ok_or_else(error)
}

impl SecretKey {
    /// The byte form. Secret: wipe it after use.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = self.params.to_bytes();
        bytes.extend(self.id);
        for prime in &self.primes {
            push_integer(&mut bytes, prime, self.params.eta() as usize);
        }
        bytes.extend(self.indices.iter().flatten().flat_map(|index| index.to_le_bytes()));
        bytes
    }

    /// Reads the byte form.
    ///
    /// # Errors
    /// If the bytes are not exactly one secret key.
    pub fn from_bytes(bytes: &[u8]) -> Result<SecretKey, StoreError> {
        let (params, rest) = Params::read(bytes)?;
        let slots = params.slots();
        check_length("secret key", &params, rest, secret_key_bytes(&params))?;
        let mut reader = Reader { rest };
        let id = reader.array()?;
        let mut primes = Vec::with_capacity(slots);
        for _ in 0..slots {
            let prime = reader.integer("a secret prime", params.eta() as usize)?;
            if limbs::bit_length(&prime) != params.eta() as usize || prime[0] & 1 == 0 {
                return Err(StoreError::Value {
                    what: "a secret prime",
                    expected: format!("an odd number of exactly {} bits", params.eta()),
                    found: "another number".to_owned(),
                });
            }
            primes.push(prime);
        }
        let mut indices = Vec::with_capacity(slots);
        for _ in 0..slots {
            let row: Result<Vec<u32>, StoreError> =
                (0..params.theta()).map(|_| reader.index("a secret hint index", params.box_size())).collect();
            indices.push(row?);
        }
        Ok(SecretKey { params, id, primes, indices })
    }
}

impl EncryptionKey {
    /// The byte form.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.bytes_with_id(self.id)
    }

    fn bytes_with_id(&self, id: KeyId) -> Vec<u8> {
        let mut bytes = self.params.to_bytes();
        push_generator(&mut bytes);
        bytes.extend(id);
        push_integer(&mut bytes, self.modulus.value(), self.params.gamma() as usize);
        bytes.extend(self.seeds.iter().flatten());
        for corrections in self.first.iter().chain(&self.second).chain(&self.third) {
            push_corrections(&mut bytes, &self.params, corrections);
        }
        bytes
    }

    /// The id that belongs to this key.
    pub(crate) fn hash(&self) -> KeyId {
        let hash = blake3::hash(&self.bytes_with_id([0; 16]));
        let mut id = KeyId::default();
        id.copy_from_slice(&hash.as_bytes()[..16]);
        id
    }

    /// Reads the byte form.
    ///
    /// # Errors
    /// If the bytes are not exactly one encryption key.
    pub fn from_bytes(bytes: &[u8]) -> Result<EncryptionKey, StoreError> {
        let (params, rest) = Params::read(bytes)?;
        check_length("encryption key", &params, rest, encryption_key_bytes(&params))?;
        let mut reader = Reader { rest };
        reader.generator()?;
        let id: KeyId = reader.array()?;
        let modulus =
            stored_modulus(&params, &reader.integer("the public modulus", params.gamma() as usize)?)?;
        let seeds: [Seed; 2] = [reader.array()?, reader.array()?];
        let mut pair = |count| {
            Ok::<_, StoreError>([reader.corrections(&params, count)?, reader.corrections(&params, count)?])
        };
        let (first, second, third) = (pair(params.beta())?, pair(params.side())?, pair(params.side())?);
        let key = EncryptionKey { params, id, modulus, seeds, first, second, third };
        if key.hash() != id {
            return Err(StoreError::Value {
                what: "the key id",
                expected: format!("{:02x?}, the hash of the encryption key", key.hash()),
                found: format!("{id:02x?}"),
            });
        }
        Ok(key)
    }
}

impl EvaluationKey {
    /// The byte form.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = self.params.to_bytes();
        push_generator(&mut bytes);
        bytes.extend(self.id);
        push_integer(&mut bytes, self.modulus.value(), self.params.gamma() as usize);
        bytes.extend(self.seed);
        for (index, hint) in &self.corrected {
            bytes.extend(index.to_le_bytes());
            push_integer(&mut bytes, hint, self.params.kappa() as usize + 1);
        }
        push_corrections(&mut bytes, &self.params, &self.key_bits);
        bytes
    }

    /// Reads the byte form.
    ///
    /// # Errors
    /// If the bytes are not exactly one evaluation key.
    pub fn from_bytes(bytes: &[u8]) -> Result<EvaluationKey, StoreError> {
        let (params, rest) = Params::read(bytes)?;
        check_length("evaluation key", &params, rest, evaluation_key_bytes(&params))?;
        let mut reader = Reader { rest };
        reader.generator()?;
        let id = reader.array()?;
        let modulus =
            stored_modulus(&params, &reader.integer("the public modulus", params.gamma() as usize)?)?;
        let seed = reader.array()?;
        let mut corrected: Vec<(u32, Vec<u64>)> = Vec::with_capacity(params.slots());
        for _ in 0..params.slots() {
            let index = reader.index("the index of a corrected hint", params.box_size())?;
            if let Some((last, _)) = corrected.last().filter(|(last, _)| *last >= index) {
                return Err(StoreError::Value {
                    what: "the index of a corrected hint",
                    expected: format!("more than the last one, {last}"),
                    found: index.to_string(),
                });
            }
            corrected.push((index, reader.integer("a corrected hint", params.kappa() as usize + 1)?));
        }
        let key_bits = reader.corrections(&params, params.hints())?;
        Ok(EvaluationKey { params, id, modulus, seed, corrected, key_bits })
    }
}

impl Ciphertext {
    /// The byte form: gamma bits.
    pub fn to_bytes(&self, params: &Params) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(params.ciphertext_bytes());
        push_integer(&mut bytes, &self.value, params.gamma() as usize);
        bytes
    }

    /// Reads the byte form.
    ///
    /// # Errors
    /// If the bytes are not exactly one ciphertext of this parameter set.
    pub fn from_bytes(params: &Params, bytes: &[u8]) -> Result<Ciphertext, StoreError> {
        check_length("ciphertext", params, bytes, params.ciphertext_bytes() as u64)?;
        let mut value = Reader { rest: bytes }.integer("a ciphertext", params.gamma() as usize)?;
        value.resize(params.limbs(), 0);
        Ok(Ciphertext::new(value))
    }
}

/// Bytes of the name of the public generator.
const GENERATOR_BYTES: u64 = 1 + GENERATOR.len() as u64;

/// Bytes of a secret key after its parameter set.
fn secret_key_bytes(params: &Params) -> u64 {
    let each = u64::from(params.eta().div_ceil(8)) + 4 * params.theta() as u64;
    16 + params.slots() as u64 * each
}

/// Bytes of an encryption key after its parameter set.
fn encryption_key_bytes(params: &Params) -> u64 {
    let elements = 2 * params.beta() as u64 + 4 * params.side() as u64;
    GENERATOR_BYTES
        + 16
        + 64
        + params.ciphertext_bytes() as u64
        + elements * u64::from(params.correction_bits().div_ceil(8))
}

/// Bytes of an evaluation key after its parameter set.
fn evaluation_key_bytes(params: &Params) -> u64 {
    let hints = params.slots() as u64 * (4 + 8 * params.limbs() as u64);
    let key_bits = params.hints() as u64 * u64::from(params.correction_bits().div_ceil(8));
    GENERATOR_BYTES + 16 + 32 + params.ciphertext_bytes() as u64 + hints + key_bits
}

impl Params {
    /// Size of an encryption key's byte form.
    pub fn encryption_key_bytes(&self) -> u64 {
        self.to_bytes().len() as u64 + encryption_key_bytes(self)
    }

    /// Size of an evaluation key's byte form.
    pub fn evaluation_key_bytes(&self) -> u64 {
        self.to_bytes().len() as u64 + evaluation_key_bytes(self)
    }
}

fn check_length(what: &'static str, params: &Params, bytes: &[u8], expected: u64) -> Result<(), StoreError> {
    let found = bytes.len() as u64;
    if found == expected {
        return Ok(());
    }
    Err(StoreError::Length { what, set: params.name().to_owned(), expected, found })
}

/// Appends an integer below `2^bits` in `ceil(bits / 8)` bytes.
fn push_integer(bytes: &mut Vec<u8>, limbs: &[u64], bits: usize) {
    let end = bytes.len() + bits.div_ceil(8);
    bytes.extend(limbs.iter().flat_map(|limb| limb.to_le_bytes()));
    debug_assert!(bytes.iter().skip(end).all(|byte| *byte == 0));
    bytes.resize(end, 0);
}

/// Names the generator that expands the public seeds.
fn push_generator(bytes: &mut Vec<u8>) {
    bytes.push(GENERATOR.len() as u8);
    bytes.extend(GENERATOR.bytes());
}

fn push_corrections(bytes: &mut Vec<u8>, params: &Params, corrections: &Corrections) {
    for correction in corrections.iter() {
        push_integer(bytes, correction, params.correction_bits() as usize);
    }
}

/// Takes fields off the front of a byte string.
struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], StoreError> {
        let error = StoreError::Truncated { expected: length, found: self.rest.len() };
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(error)?;
        self.rest = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], StoreError> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }

    /// The name of the one generator that there is.
    fn generator(&mut self) -> Result<(), StoreError> {
        let length = self.array::<1>()?[0];
        let name = self.take(usize::from(length))?;
        if name == GENERATOR.as_bytes() {
            return Ok(());
        }
        Err(StoreError::Value {
            what: "the generator of the key's public numbers",
            expected: format!("{GENERATOR:?}"),
            found: format!("{:?}", String::from_utf8_lossy(name)),
        })
    }

    /// An integer below `2^bits`, in `ceil(bits / 64)` limbs.
    fn integer(&mut self, what: &'static str, bits: usize) -> Result<Vec<u64>, StoreError> {
        let bytes = self.take(bits.div_ceil(8))?;
        let limbs: Vec<u64> = bytes
            .chunks(8)
            .map(|chunk| chunk.iter().rev().fold(0, |limb, byte| limb << 8 | u64::from(*byte)))
            .collect();
        let found = limbs::bit_length(&limbs);
        if found > bits {
            let (expected, found) = (format!("at most {bits} bits long"), format!("{found} bits long"));
            return Err(StoreError::Value { what, expected, found });
        }
        Ok(limbs)
    }

    fn index(&mut self, what: &'static str, bound: usize) -> Result<u32, StoreError> {
        let index = u32::from_le_bytes(self.array()?);
        if (index as usize) < bound {
            return Ok(index);
        }
        Err(StoreError::Value { what, expected: format!("below {bound}"), found: index.to_string() })
    }

    fn corrections(&mut self, params: &Params, count: usize) -> Result<Corrections, StoreError> {
        let bits = params.correction_bits() as usize;
        let mut limbs = Vec::with_capacity(count * bits.div_ceil(limbs::BITS));
        for _ in 0..count {
            limbs.extend(self.integer("a correction of a key element", bits)?);
        }
        Ok(Corrections::from_limbs(params, limbs))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::scheme::keys::{KeyPair, generate_keys};
    use proptest::prelude::*;
    use rand_chacha::ChaCha20Rng;
    use rand_core::SeedableRng;
    use std::sync::LazyLock;

    static KEYS: LazyLock<KeyPair> = LazyLock::new(|| {
        generate_keys(&Params::preset("test").unwrap(), &mut ChaCha20Rng::from_seed([1; 32]), None)
    });

    fn ciphertext() -> Ciphertext {
        KEYS.encryption.encrypt(&[true, false, true], &mut ChaCha20Rng::from_seed([2; 32]))
    }

    #[test]
    fn keys_and_ciphertexts_survive_a_round_trip() {
        assert!(SecretKey::from_bytes(&KEYS.secret.to_bytes()).unwrap() == KEYS.secret);
        assert!(EncryptionKey::from_bytes(&KEYS.encryption.to_bytes()).unwrap() == KEYS.encryption);
        assert!(EvaluationKey::from_bytes(&KEYS.evaluation.to_bytes()).unwrap() == KEYS.evaluation);
        let (params, ciphertext) = (KEYS.secret.params(), ciphertext());
        assert!(Ciphertext::from_bytes(params, &ciphertext.to_bytes(params)).unwrap() == ciphertext);
        for params in Params::all() {
            let (read, rest) = Params::read(&params.to_bytes()).map(|(p, rest)| (p, rest.len())).unwrap();
            assert_eq!((read, rest), (params, 0));
        }
    }

    #[test]
    fn sizes_are_those_of_the_formula() {
        // l = 2: L = 4, beta = 11, corrections of 4 * 256 + 8 + 2 = 1034 bits, Theta = 12, kappa + 1 = 6080.
        let params = KEYS.secret.params().to_bytes().len() as u64;
        let encryption = 12 + 16 + 750 + 64 + (2 * 11 + 4 * 2) * 130;
        assert_eq!(KEYS.encryption.to_bytes().len() as u64, params + encryption);
        assert_eq!(KEYS.encryption.params().encryption_key_bytes(), params + encryption);
        let evaluation = 12 + 16 + 750 + 32 + 4 * (4 + 760) + 12 * 130;
        assert_eq!(KEYS.evaluation.to_bytes().len() as u64, params + evaluation);
        assert_eq!(KEYS.evaluation.params().evaluation_key_bytes(), params + evaluation);
        assert_eq!(ciphertext().to_bytes(KEYS.secret.params()).len(), 750);
        // scheme.md 5.1 for l = 3: public keys of 0.09 and 0.42 MB.
        let toy = Params::preset("toy").unwrap();
        assert_eq!(toy.encryption_key_bytes().div_ceil(10_000), 10);
        assert_eq!((toy.encryption_key_bytes() + toy.evaluation_key_bytes()).div_ceil(10_000), 46);
    }

    /// Every reader, on the same bytes; the messages of the errors.
    fn read_all(bytes: &[u8]) -> Vec<String> {
        let params = KEYS.secret.params();
        let results = [
            SecretKey::from_bytes(bytes).err(),
            EncryptionKey::from_bytes(bytes).err(),
            EvaluationKey::from_bytes(bytes).err(),
            Ciphertext::from_bytes(params, bytes).err(),
        ];
        results.into_iter().flatten().map(|error| error.to_string()).collect()
    }

    #[test]
    fn wrong_lengths_are_refused_with_both_numbers() {
        let mut bytes = KEYS.secret.to_bytes();
        bytes.pop();
        let messages = read_all(&bytes);
        assert!(messages[0].contains("takes 192 bytes, but there are 191"), "{}", messages[0]);
        assert!(
            messages[1].contains("encryption key of parameter set \"test\" takes 4742 bytes"),
            "{}",
            messages[1]
        );
        for length in 0..60 {
            assert_eq!(read_all(&bytes[..length]).len(), 4);
        }
        let mut long = ciphertext().to_bytes(KEYS.secret.params());
        long.push(0);
        assert!(read_all(&long)[3].contains("750 bytes, but there are 751"));
    }

    #[test]
    fn impossible_values_are_refused() {
        let flip = |bytes: Vec<u8>, at: usize, mask: u8| {
            let mut bytes = bytes;
            bytes[at] ^= mask;
            bytes
        };
        let prefix = KEYS.secret.params().to_bytes().len() + 16;
        let even = SecretKey::from_bytes(&flip(KEYS.secret.to_bytes(), prefix, 1)).err().unwrap();
        assert!(even.to_string().contains("odd number of exactly 256 bits"), "{even}");
        let index = SecretKey::from_bytes(&flip(KEYS.secret.to_bytes(), prefix + 4 * 32, 4)).err().unwrap();
        assert!(index.to_string().contains("below 4"), "{index}");
        let generator =
            EvaluationKey::from_bytes(&flip(KEYS.evaluation.to_bytes(), prefix - 16 + 1, 1)).err().unwrap();
        assert!(generator.to_string().contains("\"aegis-128x4\", but is \"`egis-128x4\""), "{generator}");
        let modulus = EvaluationKey::from_bytes(&flip(KEYS.evaluation.to_bytes(), prefix + 12 + 749, 128))
            .err()
            .unwrap();
        assert!(modulus.to_string().contains("exactly 6000"), "{modulus}");
        let seed =
            EncryptionKey::from_bytes(&flip(KEYS.encryption.to_bytes(), prefix + 12 + 750, 1)).err().unwrap();
        assert!(seed.to_string().contains("hash"), "{seed}");
        let end = KEYS.evaluation.to_bytes().len() - 1;
        let correction =
            EvaluationKey::from_bytes(&flip(KEYS.evaluation.to_bytes(), end, 128)).err().unwrap();
        assert!(correction.to_string().contains("at most 1034 bits"), "{correction}");
        let preset = EvaluationKey::from_bytes(&flip(KEYS.evaluation.to_bytes(), 9, 2)).err().unwrap();
        assert!(preset.to_string().contains("a value from 1 to 64, but it is 0"), "{preset}");
    }

    proptest! {
        #[test]
        fn no_bytes_make_a_reader_panic(
            random in proptest::collection::vec(any::<u8>(), 0..900),
            flips in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        ) {
            read_all(&random);
            for mut bytes in [KEYS.secret.to_bytes(), KEYS.encryption.to_bytes(), KEYS.evaluation.to_bytes()] {
                for (at, mask) in &flips {
                    let at = at.index(bytes.len());
                    bytes[at] ^= mask;
                }
                read_all(&bytes);
            }
        }
    }
}
