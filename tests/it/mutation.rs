//! No input makes the command panic, hang or exhaust the machine: mutated programs and tables exit with 0, 1 or 2.

use std::time::{Duration, Instant};

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use crate::command::{ffhec, programs, root};

/// Mutants tried here. `FFHEC_MUTANTS=10000 cargo test mutated` tries more.
const MUTANTS: usize = 400;

/// The longest that one may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// Pieces that are put into programs and tables.
const PIECES: [&str; 32] = [
    "4000000000",
    "0..4000000000",
    "[0; 4000000000]",
    "float<15, 113>",
    "float<99, 1>",
    "int<256>",
    "uint<0>",
    "(",
    ")",
    "{",
    "}",
    "[",
    "]",
    "<",
    ">",
    ";",
    ",",
    "::",
    "-",
    "!",
    "1e999999999",
    "0x1p-99999",
    "nan",
    "é",
    "\0",
    "\"",
    "for i in 0..9 { ",
    "if ",
    " else ",
    "fn f(x: f16) -> f16 { f(x) } ",
    "as f64",
    "T::PRECISION",
];

fn count() -> usize {
    std::env::var("FFHEC_MUTANTS").ok().and_then(|text| text.parse().ok()).unwrap_or(MUTANTS)
}

fn mutate(text: &str, rng: &mut ChaCha20Rng) -> String {
    let mut bytes: Vec<char> = text.chars().collect();
    for _ in 0..1 + rng.next_u32() % 3 {
        let at = rng.next_u32() as usize % (bytes.len() + 1);
        let end = (at + rng.next_u32() as usize % 12).min(bytes.len());
        match rng.next_u32() % 5 {
            0 => drop(bytes.drain(at..end)),
            1 => {
                let piece = PIECES[rng.next_u32() as usize % PIECES.len()];
                bytes.splice(at..at, piece.chars());
            }
            2 => {
                let copy: Vec<char> = bytes[at..end].to_vec();
                bytes.splice(at..at, copy);
            }
            3 if at < bytes.len() => bytes[at] = char::from(32 + (rng.next_u32() % 95) as u8),
            _ => {
                let piece = PIECES[rng.next_u32() as usize % PIECES.len()];
                bytes.splice(at..end, piece.chars());
            }
        }
    }
    bytes.into_iter().collect()
}

#[test]
fn mutated_programs_and_tables_never_panic() {
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let dir = tempfile::tempdir().unwrap();
    let mut sources = programs(&root().join("tests/suite/ok"));
    sources.extend(programs(&root().join("examples")));
    let table = std::fs::read_to_string(root().join("examples/exp_mul.csv")).unwrap();
    for number in 0..count() {
        let start = Instant::now();
        let (outcome, what) = if number % 4 == 0 {
            let text = mutate(&table, &mut rng);
            let path = dir.path().join("t.csv");
            std::fs::write(&path, &text).unwrap();
            let path = path.to_str().unwrap();
            (ffhec(&["run", "-e", "x * y", "--inputs", path, "--scheme", "plain", "-q"]), text)
        } else {
            let source = std::fs::read_to_string(&sources[rng.next_u32() as usize % sources.len()]).unwrap();
            let text = mutate(&source, &mut rng);
            let path = dir.path().join("p.ffl");
            std::fs::write(&path, &text).unwrap();
            (ffhec(&["inspect", path.to_str().unwrap(), "--json"]), text)
        };
        assert!((0..=2).contains(&outcome.code), "exit code {}\n{}\nof:\n{what}", outcome.code, outcome.err);
        assert!(!outcome.err.contains("panicked"), "{}\nof:\n{what}", outcome.err);
        assert!(start.elapsed() < PATIENCE, "{:?} for:\n{what}", start.elapsed());
    }
}
