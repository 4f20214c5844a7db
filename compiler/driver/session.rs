//! One batch of rows at a time: table rows to bits per slot, to machine bits, and back.

use std::num::NonZeroUsize;
use std::sync::atomic::AtomicBool;

use ffhec_circuit::{Machine, Plain, Port, Program};
use ffhec_runtime::exec::{self, Progress};
use num_bigint::BigUint;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;

use crate::failure::Failure;
use crate::progress::{Meter, Voice};

/// Most refreshes handed over together, for each thread: a stop and the progress bar wait for one batch at most.
const BATCH_PER_THREAD: usize = 32;

/// Set by Ctrl-C; looked at between levels and between batches.
pub(crate) static STOP: AtomicBool = AtomicBool::new(false);

/// Whether there are results that a stop must not lose.
pub(crate) static HAS_RESULTS: AtomicBool = AtomicBool::new(false);

/// Rows per evaluation in the clear: the bits of a machine word.
pub(crate) const PLAIN_ROWS: usize = 64;

/// For each bit of the ports, the bits of all rows.
pub(crate) fn bits_of_rows(rows: &[Vec<BigUint>], ports: &[Port]) -> Vec<Vec<bool>> {
    let mut bits = Vec::new();
    for (index, port) in ports.iter().enumerate() {
        for bit in 0..u64::from(port.width) {
            bits.push(rows.iter().map(|row| row[index].bit(bit)).collect());
        }
    }
    bits
}

/// The rows that these bits spell, `count` of them.
pub(crate) fn rows_of_bits(bits: &[Vec<bool>], ports: &[Port], count: usize) -> Vec<Vec<BigUint>> {
    (0..count)
        .map(|row| {
            let mut rest = bits;
            ports
                .iter()
                .map(|port| {
                    let (mine, others) = rest.split_at(port.width as usize);
                    rest = others;
                    let mut value = BigUint::default();
                    for (place, column) in mine.iter().enumerate() {
                        value.set_bit(place as u64, column[row]);
                    }
                    value
                })
                .collect()
        })
        .collect()
}

/// Evaluates up to [`PLAIN_ROWS`] rows on cleartext bits.
pub(crate) fn evaluate_plain(program: &Program, rows: &[Vec<BigUint>]) -> Result<Vec<Vec<BigUint>>, Failure> {
    let words = bits_of_rows(rows, &program.circuit.inputs)
        .iter()
        .map(|column| {
            column.iter().enumerate().fold(0_u64, |word, (row, bit)| word | (u64::from(*bit) << row))
        })
        .collect();
    let outputs = evaluate(program, &Plain, words, None, None)?;
    let columns: Vec<Vec<bool>> =
        outputs.iter().map(|word| (0..rows.len()).map(|row| word >> row & 1 == 1).collect()).collect();
    Ok(rows_of_bits(&columns, &program.circuit.outputs, rows.len()))
}

/// Evaluates the program on any machine, level by level.
pub(crate) fn evaluate<M>(
    program: &Program,
    machine: &M,
    inputs: Vec<M::Bit>,
    meter: Option<&Meter>,
    batch: Option<(usize, usize)>,
) -> Result<Vec<M::Bit>, Failure>
where
    M: Machine + Sync,
    M::Bit: Send + Sync,
{
    let watcher = meter.map(|meter| Watcher { meter, batch });
    let options = exec::Options {
        progress: watcher.as_ref().map(|watcher| watcher as &dyn Progress),
        stop: Some(&STOP),
        max_batch: NonZeroUsize::new(BATCH_PER_THREAD * rayon::current_num_threads()),
    };
    match exec::run(program, machine, inputs, &options) {
        Ok(finished) => Ok(finished.outputs),
        Err(exec::Stopped::Asked { .. }) => Err(stopped()),
        Err(error @ exec::Stopped::InputCount { .. }) => {
            Err(Failure::machine(error.to_string(), "this is a defect of ffhec; please report it"))
        }
    }
}

/// What a stop by the user is reported as.
pub(crate) fn stopped() -> Failure {
    Failure::machine("stopped by the user", "run the command again to start over")
}

struct Watcher<'a> {
    meter: &'a Meter,
    batch: Option<(usize, usize)>,
}

impl Progress for Watcher<'_> {
    fn advanced(&self, at: exec::State) {
        let batch = match self.batch {
            Some((number, of)) if of > 1 => format!("batch {number}/{of}, "),
            Some(_) | None => String::new(),
        };
        let before = self.batch.map_or(0, |(number, _)| (number - 1) as u64 * at.refreshes as u64);
        let note = format!("refreshes, {batch}level {}/{}", at.level, at.levels);
        self.meter.at(before + at.refreshes_done as u64, &note);
    }
}

/// The source of randomness: the operating system, or a seed given for tests.
pub(crate) fn generator(seed: Option<&str>, what: &str, voice: &Voice) -> Result<ChaCha20Rng, Failure> {
    match seed {
        Some(seed) => {
            voice.warn(&format!(
                "--seed makes {what} reproducible: anyone who knows the seed can read the data"
            ));
            Ok(ChaCha20Rng::from_seed(*blake3_of(what, seed).as_bytes()))
        }
        None => {
            let mut bytes = [0_u8; 32];
            getrandom::fill(&mut bytes).map_err(|error| {
                Failure::machine(
                    format!("the operating system gives no random numbers: {error}"),
                    "try again on a machine with a working random number generator",
                )
            })?;
            Ok(ChaCha20Rng::from_seed(bytes))
        }
    }
}

fn blake3_of(what: &str, seed: &str) -> blake3::Hash {
    let mut hasher = blake3::Hasher::new_derive_key("ffhec 2026 seed option");
    hasher.update(what.as_bytes()).update(&[0]).update(seed.as_bytes());
    hasher.finalize()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_survive_the_way_through_bits() {
        let port = |name: &str, width| Port {
            name: name.into(),
            kind: format!("uint<{width}>"),
            width,
            range: None,
        };
        let ports = [port("a", 3), port("b", 9)];
        let rows: Vec<Vec<BigUint>> =
            (0_u32..20).map(|i| vec![BigUint::from(i % 8), BigUint::from(i * 25)]).collect();
        assert_eq!(rows_of_bits(&bits_of_rows(&rows, &ports), &ports, 20), rows);
    }
}
