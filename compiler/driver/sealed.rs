//! Files of programs, keys and ciphertexts: the container of `ffhec-circuit` around the bytes of `ffhec-runtime`.

use std::fs::File;
use std::io::{Cursor, Read, Seek};
use std::path::{Path, PathBuf};

use ffhec_circuit::Program;
use ffhec_circuit::container::{Container, ContainerError, Contents, Header, KeyId, Kind, write_container};
use ffhec_runtime::{Ciphertext, EncryptionKey, EvaluationKey, Params, SecretKey};
use serde::{Deserialize, Serialize};

use crate::failure::Failure;
use crate::files::{self, Access, Staged};
use crate::presets;
use crate::table;

const SECRET: &str = "secret";
const ENCRYPTION: &str = "encryption";
const EVALUATION: &str = "evaluation";
const TABLE: &str = "table";

/// Most batches of rows in one ciphertext file: one section each.
pub(crate) const MOST_BATCHES: usize = 10_000;

/// Whether ciphertexts are a program's inputs or its results.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Role {
    Inputs,
    Results,
}

impl std::fmt::Display for Role {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Role::Inputs => "encrypted inputs",
            Role::Results => "encrypted results",
        })
    }
}

/// What a ciphertext file says in the clear: how many rows, and their ids.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Rows {
    pub(crate) role: Role,
    pub(crate) rows: usize,
    /// Ciphertexts per batch: the bits of the ports.
    pub(crate) bits: usize,
    pub(crate) ids: Option<Vec<String>>,
}

/// The bytes of a `.ffc` file.
pub(crate) fn program_bytes(program: &Program) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    program.write_ffc(&mut bytes).map_err(|error| {
        Failure::machine(format!("cannot encode the program: {error}"), "report this as a defect of ffhec")
    })?;
    Ok(bytes)
}

/// The program in the bytes of a `.ffc` file.
pub(crate) fn read_program(path: &Path, bytes: &[u8]) -> Result<Program, Failure> {
    const HELP: &str = "give a .ffl source, or a .ffc file made by `ffhec compile`";
    let wrong = |what: String| Failure::user(format!("{}: {what}", path.display()), HELP);
    let program = Program::read_ffc(Cursor::new(bytes)).map_err(|error| wrong(error.to_string()))?;
    Params::preset(&program.preset).map_err(|error| wrong(error.to_string()))?;
    for ports in [&program.circuit.inputs, &program.circuit.outputs] {
        table::check_ports(ports).map_err(wrong)?;
    }
    Ok(program)
}

/// An open file of this project, with the name for messages.
pub(crate) struct Sealed {
    path: PathBuf,
    container: Container<Box<dyn Source>>,
}

/// Where a file's bytes come from: the disk, or standard input read to its end.
pub(crate) trait Source: Read + Seek {}

impl<T: Read + Seek> Source for T {}

impl Sealed {
    /// Opens any file of this project.
    pub(crate) fn open(path: &Path, help: &str) -> Result<Self, Failure> {
        let source: Box<dyn Source> = if files::is_dash(path) {
            Box::new(Cursor::new(files::read_bytes(path)?))
        } else {
            // Looked at before it is opened: opening a pipe waits for its writer.
            let meta = std::fs::metadata(path).map_err(|error| Failure::reading(path, &error))?;
            if !meta.is_file() {
                return Err(Failure::user(
                    format!("{} is not a regular file", path.display()),
                    format!("{help}; `-` reads standard input"),
                ));
            }
            Box::new(File::open(path).map_err(|error| Failure::reading(path, &error))?)
        };
        let container = Container::open(source).map_err(|error| container_failure(path, &error, help))?;
        Ok(Sealed { path: path.to_path_buf(), container })
    }

    /// Opens a file of one kind.
    pub(crate) fn open_kind(path: &Path, kind: Kind, help: &str) -> Result<Self, Failure> {
        let sealed = Self::open(path, help)?;
        sealed.container.expect_kind(kind).map_err(|error| container_failure(path, &error, help))?;
        Ok(sealed)
    }

    pub(crate) fn header(&self) -> &Header {
        self.container.header()
    }

    pub(crate) fn container(&self) -> &Container<Box<dyn Source>> {
        &self.container
    }

    /// The key id; keys and ciphertexts have one.
    pub(crate) fn key_id(&self) -> Result<KeyId, Failure> {
        self.header().key_id.ok_or_else(|| self.malformed("it names no key"))
    }

    /// The parameter set.
    pub(crate) fn params(&self) -> Result<Params, Failure> {
        presets::params_of(&self.header().preset).map_err(|_| {
            self.malformed(&format!("preset `{}` is not known to this version", self.header().preset))
        })
    }

    /// The checked bytes of one section.
    pub(crate) fn section(&mut self, name: &str) -> Result<Vec<u8>, Failure> {
        let path = self.path.clone();
        self.container
            .section(name)
            .map_err(|error| container_failure(&path, &error, "copy the file again, or make it again"))
    }

    /// A failure that names the file.
    pub(crate) fn malformed(&self, what: &str) -> Failure {
        Failure::user(
            format!("{}: {what}", self.path.display()),
            "make the file again with this version of ffhec",
        )
    }
}

fn container_failure(path: &Path, error: &ContainerError, help: &str) -> Failure {
    match error {
        ContainerError::Io(io) => Failure::reading(path, io),
        ContainerError::Empty
        | ContainerError::NotFfhec
        | ContainerError::OtherVersion { .. }
        | ContainerError::Truncated { .. }
        | ContainerError::Trailing { .. }
        | ContainerError::HeaderTooLong { .. }
        | ContainerError::HeaderChecksum
        | ContainerError::Malformed(_)
        | ContainerError::UnknownKind { .. }
        | ContainerError::WrongKind { .. }
        | ContainerError::NoSection { .. }
        | ContainerError::SectionChecksum { .. }
        | ContainerError::Unwritable(_) => Failure::user(format!("{}: {error}", path.display()), help),
    }
}

const KEY_HELP: &str = "give a key file made by `ffhec keygen`, whole and unchanged";

/// Reads `secret.key`.
pub(crate) fn read_secret(path: &Path) -> Result<SecretKey, Failure> {
    let mut sealed = Sealed::open_kind(path, Kind::SecretKey, KEY_HELP)?;
    let bytes = zeroize::Zeroizing::new(sealed.section(SECRET)?);
    let key = SecretKey::from_bytes(&bytes).map_err(|error| sealed.malformed(&error.to_string()))?;
    matching(&sealed, key.params(), key.key_id())?;
    Ok(key)
}

/// Reads the first section of `public.key` only.
pub(crate) fn read_encryption(path: &Path) -> Result<EncryptionKey, Failure> {
    let mut sealed = Sealed::open_kind(path, Kind::PublicKey, KEY_HELP)?;
    let bytes = sealed.section(ENCRYPTION)?;
    let key = EncryptionKey::from_bytes(&bytes).map_err(|error| sealed.malformed(&error.to_string()))?;
    matching(&sealed, key.params(), key.key_id())?;
    Ok(key)
}

/// Reads the second section of `public.key`, and checks that the first is whole too: damage to a key should be known
/// before hours of work rest on it.
pub(crate) fn read_evaluation(path: &Path) -> Result<EvaluationKey, Failure> {
    let mut sealed = Sealed::open_kind(path, Kind::PublicKey, KEY_HELP)?;
    sealed.section(ENCRYPTION)?;
    let bytes = sealed.section(EVALUATION)?;
    let key = EvaluationKey::from_bytes(&bytes).map_err(|error| sealed.malformed(&error.to_string()))?;
    matching(&sealed, key.params(), key.key_id())?;
    Ok(key)
}

/// The preset and key id of a public key, without reading its sections.
pub(crate) fn public_header(path: &Path) -> Result<(Params, KeyId), Failure> {
    let sealed = Sealed::open_kind(path, Kind::PublicKey, KEY_HELP)?;
    Ok((sealed.params()?, sealed.key_id()?))
}

fn matching(sealed: &Sealed, params: &Params, id: KeyId) -> Result<(), Failure> {
    match sealed.key_id()? == id && sealed.header().preset == params.name() {
        true => Ok(()),
        false => Err(sealed.malformed("the key inside is not the one that the header names")),
    }
}

/// Writes the two key files; the secret one is readable by its owner alone.
pub(crate) fn write_keys(
    public: &Path,
    secret: &Path,
    keys: &ffhec_runtime::KeyPair,
    params: &Params,
) -> Result<(), Failure> {
    let header = |kind| Header {
        kind,
        preset: params.name().to_owned(),
        key_id: Some(keys.secret.key_id()),
        signature: None,
    };
    let secret_bytes = zeroize::Zeroizing::new(keys.secret.to_bytes());
    let sealed = zeroize::Zeroizing::new(seal(&header(Kind::SecretKey), &[(SECRET, &*secret_bytes)])?);
    let secret = Staged::write(secret, &sealed, Access::Owner)?;
    let (encryption, evaluation) = (keys.encryption.to_bytes(), keys.evaluation.to_bytes());
    let sealed = seal(&header(Kind::PublicKey), &[(ENCRYPTION, &encryption), (EVALUATION, &evaluation)])?;
    // Both are whole on the disk before either replaces an old one.
    let public = Staged::write(public, &sealed, Access::Shared)?;
    secret.publish()?;
    public.publish()
}

/// Writes ciphertexts: one section for the rows, one for each batch.
pub(crate) fn write_ciphertexts(
    path: &Path,
    params: &Params,
    key_id: KeyId,
    signature: [u8; 32],
    rows: &Rows,
    batches: &[Vec<u8>],
) -> Result<(), Failure> {
    let header = Header {
        kind: Kind::Ciphertext,
        preset: params.name().to_owned(),
        key_id: Some(key_id),
        signature: Some(signature),
    };
    let table = serde_json::to_vec(rows).expect("rows are plain data");
    let names: Vec<String> = (0..batches.len()).map(batch_name).collect();
    let mut sections: Vec<(&str, &Vec<u8>)> = vec![(TABLE, &table)];
    sections.extend(names.iter().map(String::as_str).zip(batches));
    files::write_bytes(path, &seal(&header, &sections)?)
}

/// The row table of a ciphertext file.
pub(crate) fn read_rows(sealed: &mut Sealed, role: Option<Role>) -> Result<Rows, Failure> {
    let bytes = sealed.section(TABLE)?;
    let rows: Rows = serde_json::from_slice(&bytes)
        .map_err(|error| sealed.malformed(&format!("its row table is wrong: {error}")))?;
    if let Some(role) = role.filter(|role| *role != rows.role) {
        return Err(Failure::user(
            format!("{} holds {}, but {role} are needed here", sealed.path.display(), rows.role),
            match role {
                Role::Inputs => "give the file that `ffhec encrypt` wrote",
                Role::Results => "give the file that `ffhec eval` wrote",
            },
        ));
    }
    if rows.ids.as_ref().is_some_and(|ids| ids.len() != rows.rows) {
        return Err(sealed.malformed("it has not one id for each row"));
    }
    Ok(rows)
}

/// The ciphertexts of one batch.
pub(crate) fn read_batch(
    sealed: &mut Sealed,
    params: &Params,
    rows: &Rows,
    batch: usize,
) -> Result<Vec<Ciphertext>, Failure> {
    let bytes = sealed.section(&batch_name(batch))?;
    let each = params.ciphertext_bytes();
    if rows.bits.checked_mul(each) != Some(bytes.len()) {
        return Err(sealed.malformed(&format!(
            "batch {batch} has {} bytes, expected {} ciphertexts of {each} bytes",
            bytes.len(),
            rows.bits
        )));
    }
    bytes
        .chunks(each)
        .map(|chunk| {
            Ciphertext::from_bytes(params, chunk).map_err(|error| sealed.malformed(&error.to_string()))
        })
        .collect()
}

/// The bytes of one batch.
pub(crate) fn batch_bytes(params: &Params, ciphertexts: &[Ciphertext]) -> Vec<u8> {
    ciphertexts.iter().flat_map(|ciphertext| ciphertext.to_bytes(params)).collect()
}

fn batch_name(batch: usize) -> String {
    format!("batch {batch}")
}

fn seal(header: &Header, sections: &[(&str, &Vec<u8>)]) -> Result<Vec<u8>, Failure> {
    let contents: Vec<(&str, &dyn Contents)> =
        sections.iter().map(|(name, bytes)| (*name, *bytes as &dyn Contents)).collect();
    let mut bytes = Vec::new();
    write_container(header, &contents, &mut bytes).map_err(|error| {
        Failure::machine(format!("cannot make the file: {error}"), "split the table into smaller ones")
    })?;
    Ok(bytes)
}
