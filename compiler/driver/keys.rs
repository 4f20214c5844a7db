//! The two-party way: `keygen`, `encrypt`, `eval`, `decrypt` as separate processes, and `info`.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use ffhec_circuit::Program;
use ffhec_circuit::container::{KeyId, Kind};
use ffhec_runtime::Params;

use crate::args::{ProgramArgs, RowArgs};
use crate::failure::{Failure, printable};
use crate::files;
use crate::inspect::Report;
use crate::presets;
use crate::program::{self, Loaded};
use crate::progress::{Voice, seconds, size};
use crate::run;
use crate::sealed::{self, MOST_BATCHES, Role, Rows, Sealed};
use crate::session;
use crate::table::{self, Table};
use crate::work;

const CIPHERTEXT_HELP: &str =
    "give a ciphertext file made by `ffhec encrypt` or `ffhec eval`, whole and unchanged";

/// Generates the two key files.
pub(crate) fn keygen(
    preset: &str,
    directory: &Path,
    force: bool,
    seed: Option<&str>,
    memory_limit: Option<u64>,
    voice: &Voice,
) -> Result<(), Failure> {
    let params = presets::params_of(preset)?;
    let (public, secret) = (directory.join("public.key"), directory.join("secret.key"));
    if let Some(there) =
        [&secret, &public].into_iter().find(|path| path.symlink_metadata().is_ok()).filter(|_| !force)
    {
        return Err(Failure::user(
            format!("{} is there already", there.display()),
            "choose another directory, or overwrite the keys with --force: what they encrypted is lost then",
        ));
    }
    std::fs::create_dir_all(directory).map_err(|error| Failure::writing(directory, &error))?;
    run::check_key_memory(&params, memory_limit)?;
    files::check_writable(&secret)?;
    files::check_writable(&public)?;
    voice.say(&presets::security_line(&params));
    let mut rng = session::generator(seed, "the keys", voice)?;
    let keys = run::generate(&params, &mut rng, voice);
    sealed::write_keys(&public, &secret, &keys, &params)?;
    voice.say(&format!("wrote {} (keep it secret) and {}", secret.display(), public.display()));
    Ok(())
}

/// Encrypts a table; reads only the encryption section of the public key.
pub(crate) fn encrypt(
    args: &ProgramArgs,
    key: &Path,
    rows: &RowArgs,
    out: &Path,
    seed: Option<&str>,
    voice: &Voice,
) -> Result<(), Failure> {
    run::refuse_two_dashes(args, rows)?;
    prepare(out, args, &[Some(key), rows.inputs.as_deref()])?;
    let encryption = sealed::read_encryption(key)?;
    let params = encryption.params().clone();
    let loaded = program::load(args, Some(params.name()), voice)?;
    let program = &loaded.program;
    let mut table = run::rows(rows, program, voice)?;
    run::drop_clashing_ids(&mut table, program, voice);
    if let Some(reals) = run::reals(&loaded, false)? {
        reals.refuse_broken(&table, &program.circuit.inputs)?;
    }
    let batches = table.rows.len().div_ceil(params.slots());
    if batches > MOST_BATCHES {
        return Err(Failure::user(
            format!(
                "the table has {} rows; one ciphertext file holds {MOST_BATCHES} batches of {} rows",
                table.rows.len(),
                params.slots()
            ),
            "split the table",
        ));
    }
    let mut rng = session::generator(seed, "the encryption", voice)?;
    let ports = &program.circuit.inputs;
    let meter = voice.meter("encrypt", batches as u64);
    let mut sections = Vec::with_capacity(batches);
    for (number, batch) in table.rows.chunks(params.slots()).enumerate() {
        let ciphertexts = run::encrypt_rows(&encryption, batch, ports, &mut rng);
        sections.push(sealed::batch_bytes(&params, &ciphertexts));
        meter.at(number as u64 + 1, "batches");
    }
    let time = meter.finish();
    let rows = Rows {
        role: Role::Inputs,
        rows: table.rows.len(),
        bits: program.circuit.input_bits(),
        ids: table.ids,
    };
    let signature = program.circuit.input_signature();
    sealed::write_ciphertexts(out, &params, encryption.key_id(), signature, &rows, &sections)?;
    if rows.ids.is_some() {
        voice.say("the id column travels in the clear");
    }
    voice.say(&format!("encrypted {} rows into {} in {}", rows.rows, out.display(), seconds(time)));
    Ok(())
}

/// Evaluates over ciphertexts; `out` is `None` for an estimate.
pub(crate) fn eval(
    args: &ProgramArgs,
    key: &Path,
    inputs: &Path,
    out: Option<&Path>,
    memory_limit: Option<u64>,
    voice: &Voice,
) -> Result<(), Failure> {
    let (params, key_id) = sealed::public_header(key)?;
    let loaded = program::load(args, Some(params.name()), voice)?;
    let Some(out) = out else {
        return crate::print(&Report::new(&loaded).preset_text());
    };
    prepare(out, args, &[Some(key), Some(inputs)])?;
    let program = &loaded.program;
    let circuit = &program.circuit;
    let signature = circuit.input_signature();
    let (mut sealed, rows) =
        open_ciphertexts(inputs, &params, key_id, signature, circuit.input_bits(), Role::Inputs)?;
    let (program, memory) = run::fit_memory(&loaded, memory_limit, voice)?;
    voice.say(&presets::security_line(&params));
    let evaluation = sealed::read_evaluation(key)?;
    let evaluator = work::evaluator(&evaluation, memory, voice);
    let batches = rows.rows.div_ceil(params.slots());
    let meter = voice.meter("evaluate", circuit.counts().refresh as u64 * batches as u64);
    let mut sections = Vec::with_capacity(batches);
    for batch in 0..batches {
        let ciphertexts = sealed::read_batch(&mut sealed, &params, &rows, batch)?;
        let outputs =
            session::evaluate(&program, &evaluator, ciphertexts, Some(&meter), Some((batch + 1, batches)))?;
        sections.push(sealed::batch_bytes(&params, &outputs));
    }
    let time = meter.finish();
    work::tell(&evaluator, time, voice);
    let results = Rows { role: Role::Results, rows: rows.rows, bits: circuit.output_bits(), ids: rows.ids };
    let signature = circuit.output_signature();
    sealed::write_ciphertexts(out, &params, key_id, signature, &results, &sections)?;
    voice.say(&format!("evaluated {} rows into {} in {}", results.rows, out.display(), seconds(time)));
    Ok(())
}

/// Decrypts results.
pub(crate) fn decrypt(
    args: &ProgramArgs,
    key: &Path,
    inputs: &Path,
    out: Option<&Path>,
    voice: &Voice,
) -> Result<(), Failure> {
    if let Some(out) = out {
        prepare(out, args, &[Some(key), Some(inputs)])?;
    }
    let secret = sealed::read_secret(key)?;
    let params = secret.params().clone();
    let Loaded { program, .. } = program::load(args, Some(params.name()), voice)?;
    let circuit = &program.circuit;
    let signature = circuit.output_signature();
    let (mut sealed, rows) =
        open_ciphertexts(inputs, &params, secret.key_id(), signature, circuit.output_bits(), Role::Results)?;
    let mut table = Table { ids: rows.ids.clone(), rows: Vec::with_capacity(rows.rows) };
    let mut left = rows.rows;
    for batch in 0..rows.rows.div_ceil(params.slots()) {
        let ciphertexts = sealed::read_batch(&mut sealed, &params, &rows, batch)?;
        let count = left.min(params.slots());
        table.rows.extend(run::decrypt_rows(&secret, &ciphertexts, &circuit.outputs, count));
        left -= count;
    }
    let text = table::write(&table, &circuit.outputs)?;
    files::write_bytes(out.unwrap_or(Path::new("-")), text.as_bytes())
}

/// Finds out before any work whether the result has a place of its own.
fn prepare(out: &Path, args: &ProgramArgs, inputs: &[Option<&Path>]) -> Result<(), Failure> {
    let read: Vec<&Path> = inputs.iter().copied().flatten().chain(args.program.as_deref()).collect();
    files::refuse_same(out, &read)?;
    files::check_writable(out)
}

/// Opens a ciphertext file and checks that it belongs to the key and to the program.
fn open_ciphertexts(
    path: &Path,
    params: &Params,
    key_id: KeyId,
    signature: [u8; 32],
    bits: usize,
    role: Role,
) -> Result<(Sealed, Rows), Failure> {
    let mut sealed = Sealed::open_kind(path, Kind::Ciphertext, CIPHERTEXT_HELP)?;
    if sealed.header().preset != params.name() {
        return Err(Failure::user(
            format!(
                "{} is encrypted with preset {}, but the key is for preset {}",
                path.display(),
                sealed.header().preset,
                params.name()
            ),
            "use the key that the data was encrypted with",
        ));
    }
    if sealed.key_id()? != key_id {
        return Err(Failure::user(
            format!(
                "{} is encrypted with key {}, but the key given is {}",
                path.display(),
                hex(&sealed.key_id()?),
                hex(&key_id)
            ),
            "use the key pair that the data was encrypted with; `ffhec info FILE` names it",
        ));
    }
    let rows = sealed::read_rows(&mut sealed, Some(role))?;
    if sealed.header().signature != Some(signature) {
        return Err(Failure::user(
            format!(
                "{} was made for a program with other {} (signature {}, this program has {})",
                path.display(),
                match role {
                    Role::Inputs => "inputs",
                    Role::Results => "results",
                },
                sealed.header().signature.map_or("none".to_owned(), |found| hex(&found[..8])),
                hex(&signature[..8])
            ),
            "use the program that it was made for, with the same options",
        ));
    }
    let batches = rows.rows.div_ceil(params.slots());
    if rows.bits != bits || sealed.container().sections().len() != batches + 1 {
        return Err(sealed.malformed("its row table does not fit its contents"));
    }
    Ok((sealed, rows))
}

/// Says what files are and whether they are whole.
pub(crate) fn info(paths: &[PathBuf]) -> Result<(), Failure> {
    let mut first = None;
    for path in paths {
        match describe(path) {
            Ok(text) => crate::print(&printable(&text))?,
            Err(failure) if paths.len() == 1 => return Err(failure),
            Err(failure) => {
                failure.report();
                first = first.or(Some(failure));
            }
        }
    }
    match first {
        None => Ok(()),
        Some(_) => Err(Failure::user("not every file is whole", "see the messages above")),
    }
}

fn describe(path: &Path) -> Result<String, Failure> {
    let mut sealed = Sealed::open(path, "give a key, ciphertext or .ffc file made by ffhec")?;
    let header = sealed.header().clone();
    let mut text = format!(
        "{}: {}, {}, preset {}\n",
        path.display(),
        header.kind,
        size(sealed.container().length()),
        header.preset
    );
    if let Some(id) = header.key_id {
        let _ = writeln!(text, "  key id {}", hex(&id));
    }
    if let Some(signature) = header.signature {
        let _ = writeln!(text, "  signature {}", hex(&signature));
    }
    let names: Vec<String> =
        sealed.container().sections().iter().map(|section| section.name.clone()).collect();
    const SHOWN: usize = 6;
    for (number, name) in names.iter().enumerate() {
        let bytes = sealed.section(name)?;
        if number < SHOWN {
            let _ = writeln!(text, "  section {name}: {}", size(bytes.len() as u64));
        }
    }
    if names.len() > SHOWN {
        let _ = writeln!(text, "  and {} more sections", names.len() - SHOWN);
    }
    match header.kind {
        Kind::Program => {
            let program: Program = sealed::read_program(path, &files::read_bytes(path)?)?;
            let _ = writeln!(
                text,
                "  inputs {}; results {}",
                table::names(&program.circuit.inputs),
                table::names(&program.circuit.outputs)
            );
        }
        Kind::Ciphertext => {
            let rows = sealed::read_rows(&mut sealed, None)?;
            let _ = writeln!(text, "  {} of {} rows", rows.role, rows.rows);
        }
        Kind::SecretKey => {
            sealed::read_secret(path)?;
        }
        Kind::PublicKey => {
            sealed::read_encryption(path)?;
            sealed::read_evaluation(path)?;
        }
    }
    text.push_str("  whole: every checksum matches\n");
    Ok(text)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
