//! `ffhec run`: keygen, encrypt, evaluate and decrypt in one process.

use std::borrow::Cow;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use ffhec_circuit::{Port, Program};
use ffhec_compiler::opt::schedule_within;
use ffhec_runtime::{Ciphertext, EncryptionKey, KeyPair, KeyProgress, Params, SecretKey, generate_keys};
use num_bigint::BigUint;
use rand_chacha::ChaCha20Rng;

use crate::args::{ProgramArgs, RowArgs, Scheme};
use crate::failure::Failure;
use crate::files;
use crate::inspect::Report;
use crate::presets;
use crate::program::{self, Loaded};
use crate::progress::{Voice, seconds, size};
use crate::reals::Reals;
use crate::session::{self, PLAIN_ROWS, STOP};
use crate::table::{self, Table};
use crate::work;

/// What the command line asks for.
pub(crate) struct Request<'a> {
    pub(crate) program: &'a ProgramArgs,
    pub(crate) rows: &'a RowArgs,
    pub(crate) scheme: Scheme,
    pub(crate) preset: Option<&'a str>,
    pub(crate) out: Option<&'a Path>,
    pub(crate) check: bool,
    pub(crate) estimate: bool,
    pub(crate) seed: Option<&'a str>,
    pub(crate) memory_limit: Option<u64>,
}

pub(crate) fn run(request: &Request<'_>, voice: &Voice) -> Result<(), Failure> {
    let loaded = program::load(request.program, request.preset, voice)?;
    if request.estimate {
        return crate::print(&Report::new(&loaded).preset_text());
    }
    let program = &loaded.program;
    refuse_two_dashes(request.program, request.rows)?;
    if let Some(out) = request.out {
        let sources = [request.program.program.as_deref(), request.rows.inputs.as_deref()];
        files::refuse_same(out, &sources.into_iter().flatten().collect::<Vec<_>>())?;
        files::check_writable(out)?;
    }
    let mut inputs = rows(request.rows, program, voice)?;
    drop_clashing_ids(&mut inputs, program, voice);
    let reals = reals(&loaded, request.check)?;
    if let Some(reals) = &reals {
        reals.refuse_broken(&inputs, &program.circuit.inputs)?;
    }
    let (rows, failure) = match request.scheme {
        Scheme::Plain => plain(program, &inputs.rows),
        Scheme::Ffhe => encrypted(&loaded, &inputs.rows, request, voice)?,
    };
    // What was computed before a failure is still written.
    let ids = inputs.ids.clone().map(|ids| ids[..rows.len()].to_vec());
    let done = rows.len();
    let results = Table { ids, rows };
    if failure.is_none() || done > 0 {
        let text = table::write(&results, &program.circuit.outputs)?;
        files::write_bytes(request.out.unwrap_or(Path::new("-")), text.as_bytes())?;
    }
    if let Some(failure) = failure {
        voice.say(&format!("{done} of {} rows were computed and written", inputs.rows.len()));
        return Err(failure);
    }
    if request.check {
        check(program, &inputs, &results, voice)?;
        match &reals {
            Some(reals) => reals.report(&inputs, &results, voice),
            None => {
                voice.say("check: a compiled program does not tell the real-number answer; check its source")
            }
        }
    }
    Ok(())
}

/// The source over the real numbers, if the rows or (`check`) the results are to be compared with it.
pub(crate) fn reals(loaded: &Loaded, check: bool) -> Result<Option<Reals>, Failure> {
    let source = loaded.source.as_ref().filter(|source| source.requires || check);
    source.map(Reals::new).transpose()
}

/// Standard input can be read once.
pub(crate) fn refuse_two_dashes(program: &ProgramArgs, rows: &RowArgs) -> Result<(), Failure> {
    let dash = |path: &Option<std::path::PathBuf>| path.as_deref().is_some_and(files::is_dash);
    if dash(&program.program) && dash(&rows.inputs) {
        return Err(Failure::usage(
            "both the program and the table are to come from standard input",
            "give one of them as a file, or the program with -e",
        ));
    }
    Ok(())
}

/// A result named `id` leaves no room for the carried column.
pub(crate) fn drop_clashing_ids(table: &mut Table, program: &Program, voice: &Voice) {
    if table.ids.is_some() && program.circuit.outputs.iter().any(|port| port.name == table::ID) {
        table.ids = None;
        voice.warn("the program has a result named `id`, so the table's id column is not carried through");
    }
}

/// The rows that `--inputs` or `--in` give; a program without inputs may go without either.
pub(crate) fn rows(args: &RowArgs, program: &Program, voice: &Voice) -> Result<Table, Failure> {
    let ports = &program.circuit.inputs;
    match &args.inputs {
        Some(path) => {
            let text = files::read_text(path)?;
            let (table, warnings) = table::read(&path.display().to_string(), &text, ports)?;
            warnings.iter().for_each(|warning| voice.warn(warning));
            Ok(table)
        }
        None if !args.values.is_empty() || ports.is_empty() => table::row_from_values(&args.values, ports),
        None => Err(Failure::usage(
            format!("the program's inputs have no values: {}", table::names(ports)),
            "give a table with --inputs ROWS.csv, or one row with --in NAME=VALUE for each",
        )),
    }
}

/// What the process takes besides keys and ciphertexts, roughly.
const PROCESS_BYTES: u64 = 12 << 20;

type Partial = (Vec<Vec<BigUint>>, Option<Failure>);

fn plain(program: &Program, rows: &[Vec<BigUint>]) -> Partial {
    let mut results = Vec::with_capacity(rows.len());
    for batch in rows.chunks(PLAIN_ROWS) {
        match session::evaluate_plain(program, batch) {
            Ok(rows) => results.extend(rows),
            Err(failure) => return (results, Some(failure)),
        }
    }
    (results, None)
}

fn encrypted(
    loaded: &Loaded,
    rows: &[Vec<BigUint>],
    request: &Request<'_>,
    voice: &Voice,
) -> Result<Partial, Failure> {
    let Loaded { program, params, .. } = loaded;
    voice.say(&presets::security_line(params));
    let slots = params.slots();
    let batches = rows.len().div_ceil(slots);
    voice.say(&format!(
        "keygen, encrypt, evaluate, decrypt in one process: {} rows in {batches} batches of {slots} slots, {} refreshes each",
        rows.len(),
        program.circuit.counts().refresh
    ));
    let (program, memory) = fit_memory(loaded, request.memory_limit, voice)?;
    let mut rng = session::generator(request.seed, "keygen and encryption", voice)?;
    let KeyPair { secret, encryption, evaluation } = generate(params, &mut rng, voice);
    let evaluator = work::evaluator(&evaluation, memory, voice);
    let refreshes = program.circuit.counts().refresh as u64;
    let meter = voice.meter("evaluate", refreshes * batches as u64);
    let mut results: Vec<Vec<BigUint>> = Vec::with_capacity(rows.len());
    let mut failure = None;
    let mut evaluating = Duration::ZERO;
    for (number, batch) in rows.chunks(slots).enumerate() {
        let inputs = encrypt_rows(&encryption, batch, &program.circuit.inputs, &mut rng);
        let start = Instant::now();
        let outputs =
            session::evaluate(&program, &evaluator, inputs, Some(&meter), Some((number + 1, batches)));
        evaluating += start.elapsed();
        match outputs {
            Ok(outputs) => {
                results.extend(decrypt_rows(&secret, &outputs, &program.circuit.outputs, batch.len()));
                session::HAS_RESULTS.store(true, Ordering::SeqCst);
            }
            Err(stopped) => {
                failure = Some(stopped);
                break;
            }
        }
    }
    let time = meter.finish();
    work::tell(&evaluator, evaluating.as_secs_f64(), voice);
    if !results.is_empty() {
        let per_row = seconds(time / results.len() as f64);
        voice.say(&format!("encrypt, evaluate, decrypt: {} ({per_row} per row)", seconds(time)));
    }
    debug_assert!(failure.is_some() || STOP.load(Ordering::SeqCst) || results.len() == rows.len());
    Ok((results, failure))
}

/// Generates keys, showing how far it is.
pub(crate) fn generate(params: &Params, rng: &mut ChaCha20Rng, voice: &Voice) -> KeyPair {
    let meter = voice.meter("keygen", 1);
    let progress = |at: KeyProgress| meter.part(at.done as u64, at.total as u64, at.stage);
    let keys = generate_keys(params, rng, Some(&progress));
    voice.say(&format!("keygen: {}", seconds(meter.finish())));
    keys
}

/// Encrypts a batch of at most one ciphertext's slots of rows: one ciphertext per bit of the ports.
pub(crate) fn encrypt_rows(
    key: &EncryptionKey,
    rows: &[Vec<BigUint>],
    ports: &[Port],
    rng: &mut ChaCha20Rng,
) -> Vec<Ciphertext> {
    key.encrypt_all(&session::bits_of_rows(rows, ports), rng)
}

/// Decrypts a batch of `count` rows.
pub(crate) fn decrypt_rows(
    key: &SecretKey,
    ciphertexts: &[Ciphertext],
    ports: &[Port],
    count: usize,
) -> Vec<Vec<BigUint>> {
    session::rows_of_bits(&key.decrypt_all(ciphertexts), ports, count)
}

/// Sorts the program into more levels with fewer values alive if it does not fit the memory, and refuses a run that
/// does not fit all the same. Returns the program, and what is left for expanded hints, in bytes.
pub(crate) fn fit_memory<'a>(
    loaded: &'a Loaded,
    limit: Option<u64>,
    voice: &Voice,
) -> Result<(Cow<'a, Program>, u64), Failure> {
    let limit = limit.unwrap_or_else(available_memory);
    let keys = loaded.target.encryption_key_bytes + loaded.target.evaluation_key_bytes;
    let threads = rayon::current_num_threads() as u64;
    let needed_for =
        |live: usize| loaded.params.evaluation_bytes(live as u64, threads) + keys + PROCESS_BYTES;
    let needed = needed_for(loaded.program.stats().peak_live);
    if let Some(left) = limit.checked_sub(needed) {
        return Ok((Cow::Borrowed(&loaded.program), left));
    }
    let fitting = limit.saturating_sub(needed_for(0)) / (needed_for(1) - needed_for(0));
    let preset = &loaded.target.preset;
    let most = usize::try_from(fitting).unwrap_or(usize::MAX);
    if let Some(program) = schedule_within(&loaded.program.circuit, preset, most) {
        let live = program.stats().peak_live;
        voice.say(&format!(
            "{} of memory would be needed, {} may be used: the program runs in {} levels in place of {}, with at most {live} \
             ciphertexts alive at once",
            size(needed),
            size(limit),
            program.levels.len(),
            loaded.program.levels.len()
        ));
        let left = limit.saturating_sub(needed_for(live));
        return Ok((Cow::Owned(program), left));
    }
    Err(Failure::machine(
        format!(
            "this program needs about {} of memory at preset {preset}, but {} may be used",
            size(needed),
            size(limit)
        ),
        "use a machine with more memory, raise --memory-limit, lower --threads, or choose a smaller preset",
    ))
}

/// Refuses key generation that does not fit the memory: the keys, and their bytes as they are written.
pub(crate) fn check_key_memory(params: &Params, limit: Option<u64>) -> Result<(), Failure> {
    let target = params.target();
    let limit = limit.unwrap_or_else(available_memory);
    let needed = 3 * (target.encryption_key_bytes + target.evaluation_key_bytes) + PROCESS_BYTES;
    if needed <= limit {
        return Ok(());
    }
    Err(Failure::machine(
        format!(
            "the keys of preset {} need about {} of memory, but {} may be used",
            params.name(),
            size(needed),
            size(limit)
        ),
        "use a machine with more memory, raise --memory-limit, or choose a smaller preset",
    ))
}

/// Refuses a measurement whose keys do not fit the memory; returns what is left for refreshes, in bytes.
pub(crate) fn measuring_memory(params: &Params, limit: Option<u64>) -> Result<u64, Failure> {
    check_key_memory(params, limit)?;
    let target = params.target();
    let keys = 3 * (target.encryption_key_bytes + target.evaluation_key_bytes) + PROCESS_BYTES;
    Ok(limit.unwrap_or_else(available_memory).saturating_sub(keys))
}

/// What the machine has left, in bytes; unlimited where that cannot be told.
fn available_memory() -> u64 {
    let text = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"));
    let kib = line.and_then(|rest| rest.trim().trim_end_matches("kB").trim().parse::<u64>().ok());
    kib.map_or(u64::MAX, |kib| kib * 1024)
}

/// Compares the results with an evaluation in the clear, bit by bit.
fn check(program: &Program, inputs: &Table, results: &Table, voice: &Voice) -> Result<(), Failure> {
    let (expected, failure) = plain(program, &inputs.rows);
    if let Some(failure) = failure {
        return Err(failure);
    }
    let wrong: Vec<usize> = (0..expected.len()).filter(|&row| expected[row] != results.rows[row]).collect();
    match wrong.first() {
        None => {
            voice.say(&format!(
                "check: all {} rows equal the evaluation in the clear, bit by bit",
                expected.len()
            ));
            Ok(())
        }
        Some(first) => Err(Failure::machine(
            format!(
                "check: {} of {} rows differ from the evaluation in the clear, the first is row {}",
                wrong.len(),
                expected.len(),
                first + 1
            ),
            "this must not happen (failure probability 2^-40); keep the table and report it",
        )),
    }
}
