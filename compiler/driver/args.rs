//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use ffhec_compiler::gadgets::objective::Objective;

use crate::progress::Voice;

/// Computes on encrypted floating-point data: compiles .ffl programs to gate graphs and runs them on FFHE ciphertexts.
///
/// FFHE is research cryptography. No preset is secure today; `ffhec params` says what each one is worth.
#[derive(Parser, Debug)]
#[command(name = "ffhec", version, propagate_version = true, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
    #[command(flatten)]
    pub(crate) common: Common,
}

/// Options that every command takes.
#[derive(Args, Debug, Clone)]
pub(crate) struct Common {
    /// Say nothing but results and errors.
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub(crate) quiet: bool,
    /// Say more about what is done and how long it takes.
    #[arg(short, long, global = true)]
    pub(crate) verbose: bool,
    /// Number of worker threads [default: all cores].
    #[arg(long, global = true, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) threads: Option<u16>,
    /// Memory that may be used, such as 2G or 512M [default: what is available].
    #[arg(long, global = true, value_name = "SIZE", value_parser = parse_size)]
    pub(crate) memory_limit: Option<u64>,
}

#[derive(Subcommand, Debug)]
pub(crate) enum Command {
    /// Type-check a program and print every error and warning.
    Check {
        #[command(flatten)]
        program: ProgramArgs,
    },
    /// Compile a program to a gate graph with its refreshes placed.
    Compile {
        #[command(flatten)]
        program: ProgramArgs,
        /// Where to write (`-` for standard output) [default: PROGRAM.ffc, or standard output for text forms].
        #[arg(short, long, value_name = "OUT")]
        output: Option<PathBuf>,
        /// Parameter set that the refreshes are placed for.
        #[arg(long, value_name = "P", default_value = "toy")]
        preset: String,
        /// What to write [default: what the extension of OUT says, or ffc].
        #[arg(long, value_enum)]
        emit: Option<Emit>,
        /// Prove that every step kept the function: evaluation on 2^16 random inputs and more, then a SAT solver for the
        /// gates that changed. Says how many outputs are proved equal and how many only on the inputs that were tried;
        /// a difference is an error with the inputs that show it, and nothing is written.
        #[arg(long)]
        verify: bool,
    },
    /// Turn an FPCore program, or FPBench's JSON around one, into a .ffl program.
    ///
    /// Loops and arrays cannot be imported. Preconditions that are ranges become ranges of parameters, others requirements that `run` checks on the table.
    Import {
        /// The FPCore file; `-` is standard input.
        #[arg(value_name = "PROGRAM.fpcore")]
        file: PathBuf,
        /// Where to write the program [default: standard output].
        #[arg(short, long, value_name = "OUT.ffl")]
        output: Option<PathBuf>,
        /// Float type of the program [default: what its :precision says, or f64].
        #[arg(long, value_name = "TYPE")]
        float: Option<String>,
        /// Which of several programs in the file: its :name or identifier.
        #[arg(long, value_name = "NAME")]
        core: Option<String>,
    },
    /// Show gate counts, refreshes, levels, noise, sizes and the predicted cost.
    Inspect {
        #[command(flatten)]
        program: ProgramArgs,
        /// Parameter set [default: toy, or the one that a .ffc was compiled for].
        #[arg(long, value_name = "P")]
        preset: Option<String>,
        /// Print stable JSON.
        #[arg(long)]
        json: bool,
    },
    /// Optimise a circuit of any tool: read it, run the passes, check the result, write it.
    ///
    /// Reads Bristol, BLIF, AIGER, structural Verilog, the text and JSON forms, and .ffc. Written as .ffc it can be
    /// evaluated over ciphertexts. The result is compared with what was read: on all inputs of circuits of up to 16 input
    /// bits, on 65,536 random ones otherwise.
    Opt {
        /// The circuit; `-` is standard input.
        #[arg(value_name = "IN")]
        input: PathBuf,
        /// `ands`: the fewest ANDs; `balanced`: shorter chains of ANDs with at most half as many ANDs again as were read;
        /// `depth`: with at most four times as many; `time` or `time:N`: whichever of the three is predicted to take the
        /// least time on 2 or N threads at --preset.
        #[arg(long, value_name = "NAME", value_parser = parse_goal, default_value = "ands")]
        objective: Goal,
        /// Where to write the result (`-` for standard output); without it, only the counts are printed.
        #[arg(short, long, value_name = "OUT")]
        output: Option<PathBuf>,
        /// What to write [default: what the extension of OUT says].
        #[arg(long, value_enum)]
        emit: Option<Emit>,
        /// For .ffc and `--objective time`: the parameter set that refreshes are placed for.
        #[arg(long, value_name = "P", default_value = "toy")]
        preset: String,
        /// Prove that every step kept the function: evaluation on 2^16 random inputs and more, then a SAT solver for the
        /// gates that changed. Says how many outputs are proved equal and how many only on the inputs that were tried;
        /// a difference is an error with the inputs that show it, and nothing is written.
        #[arg(long)]
        verify: bool,
    },
    /// Generate keys, encrypt, evaluate and decrypt in one process.
    Run {
        #[command(flatten)]
        program: ProgramArgs,
        #[command(flatten)]
        rows: RowArgs,
        /// Evaluate over ciphertexts, or the same gates over cleartext bits.
        #[arg(long, value_enum, default_value_t = Scheme::Ffhe)]
        scheme: Scheme,
        /// Parameter set [default: toy, or the one that a .ffc was compiled for].
        #[arg(long, value_name = "P")]
        preset: Option<String>,
        /// Where to write the results [default: standard output].
        #[arg(long, value_name = "FILE.csv")]
        out: Option<PathBuf>,
        /// Also evaluate in the clear and compare bit by bit, and say how far results are from the real-number answer.
        #[arg(long)]
        check: bool,
        /// Print the predicted time, memory and sizes, and do nothing.
        #[arg(long)]
        estimate: bool,
        /// Make keys and encryption reproducible. For tests only: the keys are as secret as the seed.
        #[arg(long, value_name = "SEED")]
        seed: Option<String>,
    },
    /// List the parameter sets, what they cost and what they are worth.
    Params {
        /// Print JSON.
        #[arg(long)]
        json: bool,
        /// Measure one parameter set on this machine instead: additions, products, refreshes alone and in a level,
        /// encryption, decryption and key generation. Takes from less than a second (test) to half an hour and 12 GB
        /// (large).
        #[arg(long)]
        measure: bool,
        /// Parameter set to measure.
        #[arg(long, value_name = "P", default_value = "toy", requires = "measure")]
        preset: String,
        /// Ciphertexts that are refreshed together when measuring.
        #[arg(long, value_name = "N", default_value_t = 64, requires = "measure",
              value_parser = clap::value_parser!(u16).range(1..=4096))]
        level: u16,
    },
    /// Say what key, ciphertext or program files are, and whether they are whole.
    Info {
        /// The files.
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
    },
    /// Generate DIR/secret.key and DIR/public.key.
    Keygen {
        /// Parameter set.
        #[arg(long, value_name = "P")]
        preset: String,
        /// Directory for the two key files; created if it is not there.
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
        /// Overwrite keys that are already there.
        #[arg(long)]
        force: bool,
        /// Make the keys reproducible. For tests only: the keys are as secret as the seed.
        #[arg(long, value_name = "SEED")]
        seed: Option<String>,
    },
    /// Encrypt a table for a program with a public key.
    Encrypt {
        #[command(flatten)]
        program: ProgramArgs,
        /// The public key file.
        #[arg(long, value_name = "DIR/public.key")]
        key: PathBuf,
        #[command(flatten)]
        rows: RowArgs,
        /// Where to write the ciphertexts.
        #[arg(long, value_name = "IN.ct")]
        out: PathBuf,
        /// Make the encryption reproducible. For tests only: who knows the seed can read the data.
        #[arg(long, value_name = "SEED")]
        seed: Option<String>,
    },
    /// Evaluate a program over ciphertexts; needs no secret.
    Eval {
        #[command(flatten)]
        program: ProgramArgs,
        /// The public key file.
        #[arg(long, value_name = "DIR/public.key")]
        key: PathBuf,
        /// The ciphertexts that `encrypt` wrote.
        #[arg(long, value_name = "IN.ct")]
        inputs: PathBuf,
        /// Where to write the encrypted results.
        #[arg(long, value_name = "OUT.ct", required_unless_present = "estimate")]
        out: Option<PathBuf>,
        /// Print the predicted time, memory and sizes, and do nothing.
        #[arg(long)]
        estimate: bool,
    },
    /// Decrypt results with the secret key.
    Decrypt {
        #[command(flatten)]
        program: ProgramArgs,
        /// The secret key file.
        #[arg(long, value_name = "DIR/secret.key")]
        key: PathBuf,
        /// The ciphertexts that `eval` wrote.
        #[arg(long, value_name = "OUT.ct")]
        inputs: PathBuf,
        /// Where to write the table [default: standard output].
        #[arg(long, value_name = "FILE.csv")]
        out: Option<PathBuf>,
    },
}

/// Where the program comes from, and how it is compiled.
#[derive(Args, Debug, Clone)]
pub(crate) struct ProgramArgs {
    /// A .ffl source or a compiled .ffc; `-` is standard input.
    #[arg(value_name = "PROGRAM", required_unless_present = "expression")]
    pub(crate) program: Option<PathBuf>,
    /// The program itself, such as 'exp(x) * y'.
    #[arg(short = 'e', long = "expression", value_name = "TEXT", conflicts_with = "program")]
    pub(crate) expression: Option<String>,
    /// Float type of a bare expression's inputs and of unconstrained literals; `float<5, 11>` if not given.
    #[arg(long, value_name = "TYPE")]
    pub(crate) float: Option<String>,
    /// Value of a `public` parameter; arrays as JSON, such as w=[1,2.5].
    #[arg(long, value_name = "NAME=VALUE")]
    pub(crate) public: Vec<String>,
    /// JSON object with the values of `public` parameters.
    #[arg(long, value_name = "FILE.json")]
    pub(crate) public_file: Option<PathBuf>,
    /// How analytic functions are evaluated [default: the fewest gates].
    #[arg(long, value_enum)]
    pub(crate) approx: Option<Approx>,
    /// How large an error analytic functions may have [default: faithful].
    #[arg(long, value_enum)]
    pub(crate) grade: Option<GradeName>,
    /// Add bool results flag_invalid, flag_div_by_zero, flag_overflow, flag_underflow and flag_inexact: the IEEE-754
    /// exceptions that the program raised.
    #[arg(long)]
    pub(crate) flags: bool,
    /// What the gates are built for [default: ands]. `ands`: the fewest AND gates, and so the fewest refreshes;
    /// `balanced`: some more, for chains a fraction as long; `depth`: the shortest chain of AND gates; `time` or `time:N`:
    /// whichever of the three is predicted to take the least time on 2 or N threads.
    #[arg(long, value_name = "NAME", value_parser = parse_goal)]
    pub(crate) objective: Option<Goal>,
    /// Change a compiler limit, such as gates=50000000; the language reference lists them.
    #[arg(long, value_name = "NAME=N")]
    pub(crate) limit: Vec<String>,
}

/// Where the rows come from.
#[derive(Args, Debug, Clone)]
pub(crate) struct RowArgs {
    /// CSV table with a header, one column per scalar parameter; `-` is standard input.
    #[arg(long, value_name = "ROWS.csv", conflicts_with = "values")]
    pub(crate) inputs: Option<PathBuf>,
    /// One row instead of a table: the value of one column.
    #[arg(long = "in", value_name = "NAME=VALUE")]
    pub(crate) values: Vec<String>,
}

#[derive(ValueEnum, Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Emit {
    /// Compiled program.
    Ffc,
    /// Text form of the gate graph.
    Text,
    /// The gate graph as JSON.
    Json,
    /// The gate graph for Graphviz.
    Dot,
    /// A drawing of the gate graph.
    Svg,
    /// A page with the costs and, of a small program, the drawing.
    Html,
    /// Bristol Fashion, without refreshes like all that follow.
    Bristol,
    /// Berkeley Logic Interchange Format.
    Blif,
    /// Structural Verilog.
    Verilog,
    /// And-inverter graph; binary, or ASCII into a file .aag or standard output.
    Aiger,
}

#[derive(ValueEnum, Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scheme {
    /// Ciphertexts.
    Ffhe,
    /// Cleartext bits.
    Plain,
}

#[derive(ValueEnum, Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Approx {
    /// Taylor series with range reduction (FFHE paper, section 7).
    Taylor,
    /// Polynomials with the least largest error.
    Minimax,
    /// Every result looked up, where arguments are short.
    Table,
}

#[derive(ValueEnum, Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum GradeName {
    /// Below 1 ulp.
    Faithful,
    /// Below 4 ulp, and numbers below the smallest normal are 0: fewer gates.
    Fast,
}

/// What `--objective` asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Goal {
    /// What the gates are built for is said.
    Objective(Objective),
    /// Whatever is predicted to take the least time on so many threads.
    Time { threads: usize },
}

impl Default for Goal {
    fn default() -> Self {
        Goal::Objective(Objective::default())
    }
}

impl Goal {
    /// What `build` makes for the objective, or for the one of all whose `time` is the least: the first of equals. `build`
    /// gets a voice that makes remarks on what all have in common once.
    pub(crate) fn reach<T, E>(
        self,
        voice: &Voice,
        mut build: impl FnMut(Objective, &Voice) -> Result<T, E>,
        mut time: impl FnMut(&T, usize) -> Result<f64, E>,
    ) -> Result<T, E> {
        let threads = match self {
            Goal::Objective(objective) => return build(objective, voice),
            Goal::Time { threads } => threads,
        };
        let [first, others @ ..] = Objective::ALL;
        let mut best = build(first, voice)?;
        let mut chosen = (time(&best, threads)?, first);
        for objective in others {
            let next = build(objective, &voice.without_remarks())?;
            let time = time(&next, threads)?;
            if time < chosen.0 {
                (best, chosen) = (next, (time, objective));
            }
        }
        voice.say(&format!(
            "--objective {} is predicted to take the least time of all on {threads} {}",
            chosen.1,
            if threads == 1 { "thread" } else { "threads" }
        ));
        Ok(best)
    }
}

/// `ands`, `balanced`, `depth`, `time` (on two threads) or `time:16`. The machine's own number of threads does not
/// count: the same options make the same gates everywhere.
fn parse_goal(text: &str) -> Result<Goal, String> {
    const THREADS: std::ops::RangeInclusive<usize> = 1..=1024;
    if let Some(objective) = Objective::ALL.into_iter().find(|objective| objective.name() == text) {
        return Ok(Goal::Objective(objective));
    }
    let threads = match text.strip_prefix("time") {
        Some("") => Some(2),
        Some(rest) => rest.strip_prefix(':').and_then(|number| number.parse().ok()),
        None => None,
    };
    threads.filter(|threads| THREADS.contains(threads)).map(|threads| Goal::Time { threads }).ok_or_else(
        || {
            "write ands, balanced, depth, time, or time:N for N threads from 1 to 1024, such as time:16"
                .to_owned()
        },
    )
}

/// `512M`, `2G`, `1.5GiB`, plain bytes; powers of 1024.
fn parse_size(text: &str) -> Result<u64, String> {
    let expected =
        || format!("`{text}` is not a size; write bytes, or a number with K, M, G or T, such as 2G");
    let digits_end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(digits_end);
    let number: f64 = number.parse().map_err(|_| expected())?;
    let shift = match unit.to_ascii_lowercase().trim_end_matches("ib").trim_end_matches('b') {
        "" => 0,
        "k" => 10,
        "m" => 20,
        "g" => 30,
        "t" => 40,
        _ => return Err(expected()),
    };
    let bytes = number * f64::from(1_u32 << 10).powi(shift / 10);
    if (1.0..1e18).contains(&bytes) { Ok(bytes as u64) } else { Err(expected()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn sizes_are_powers_of_1024() {
        assert_eq!(parse_size("2G"), Ok(2 << 30));
        assert_eq!(parse_size("1.5MiB"), Ok(3 << 19));
        assert_eq!(parse_size("100"), Ok(100));
        for wrong in ["", "G", "-1", "2X", "1e9", "0"] {
            assert!(parse_size(wrong).is_err(), "{wrong}");
        }
    }
}
