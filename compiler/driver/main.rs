//! The `ffhec` command: the only place that knows both the compiler and the runtime, and that does I/O.

use std::process::ExitCode;
use std::sync::atomic::Ordering;

use clap::Parser;

mod args;
mod emit;
mod failure;
mod files;
mod import;
mod inspect;
mod keys;
mod opt;
mod presets;
mod program;
mod progress;
mod reals;
mod run;
mod sealed;
mod session;
mod table;
mod verify;
mod work;

use ffhec_runtime::measure::measure;

use args::{Cli, Command};
use failure::Failure;
use progress::Voice;

/// Bytes of stack for the work: the front end walks nested expressions.
const STACK: usize = 256 << 20;

fn main() -> ExitCode {
    let cli = Cli::parse();
    ffhec_runtime::memory::keep_freed_memory();
    // Where finished rows would be lost, the work stops at the next level; a second Ctrl-C ends the process at once.
    let handler = || {
        if session::STOP.swap(true, Ordering::SeqCst) || !session::HAS_RESULTS.load(Ordering::SeqCst) {
            progress::tell("stopped by the user; nothing was written");
            std::process::exit(3);
        }
    };
    let work = move || match ctrlc::set_handler(handler) {
        Ok(()) => dispatch(&cli),
        Err(error) => Err(Failure::machine(format!("cannot catch Ctrl-C: {error}"), "try again")),
    };
    let result = match std::thread::Builder::new().stack_size(STACK).spawn(work) {
        Ok(thread) => thread.join().unwrap_or_else(|_| {
            Err(Failure::machine("internal error (see above)", "this is a defect of ffhec; please report it"))
        }),
        Err(error) => Err(Failure::machine(format!("cannot start a thread: {error}"), "free some memory")),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

fn dispatch(cli: &Cli) -> Result<(), Failure> {
    let voice = Voice::new(&cli.common);
    if let Some(threads) = cli.common.threads {
        rayon::ThreadPoolBuilder::new().num_threads(threads.into()).build_global().map_err(|error| {
            Failure::machine(
                format!("cannot start {threads} threads: {error}"),
                "ask for fewer with --threads",
            )
        })?;
    }
    match &cli.command {
        Command::Check { program } => program::check(program, &voice),
        Command::Compile { program, output, preset, emit, verify } => {
            emit::compile(program, output.as_deref(), preset, *emit, *verify, &voice)
        }
        Command::Opt { input, objective, output, emit, preset, verify } => {
            opt::opt(input, *objective, output.as_deref(), *emit, preset, *verify, &voice)
        }
        Command::Import { file, output, float, core } => {
            import::import(file, output.as_deref(), float.as_deref(), core.as_deref())
        }
        Command::Inspect { program, preset, json } => {
            let loaded = program::load(program, preset.as_deref(), &voice)?;
            let report = inspect::Report::new(&loaded);
            print(&if *json { pretty(&report.json()) } else { report.text() })
        }
        Command::Params { json, measure: true, preset, level } => {
            let params = presets::params_of(preset)?;
            let memory_limit = run::measuring_memory(&params, cli.common.memory_limit)?;
            voice.say(&format!("measuring {preset}; other programs that run now make it slower"));
            let measured = measure(&params, usize::from(*level), memory_limit);
            print(&if *json { pretty(&presets::measured_json(&measured)) } else { measured.table() })
        }
        Command::Params { json, measure: false, .. } => {
            print(&if *json { pretty(&presets::as_json()) } else { presets::table() })
        }
        Command::Run { program, rows, scheme, preset, out, check, estimate, seed } => {
            let request = run::Request {
                program,
                rows,
                scheme: *scheme,
                preset: preset.as_deref(),
                out: out.as_deref(),
                check: *check,
                estimate: *estimate,
                seed: seed.as_deref(),
                memory_limit: cli.common.memory_limit,
            };
            run::run(&request, &voice)
        }
        Command::Info { files } => keys::info(files),
        Command::Keygen { preset, out, force, seed } => {
            keys::keygen(preset, out, *force, seed.as_deref(), cli.common.memory_limit, &voice)
        }
        Command::Encrypt { program, key, rows, out, seed } => {
            keys::encrypt(program, key, rows, out, seed.as_deref(), &voice)
        }
        Command::Eval { program, key, inputs, out, estimate } => {
            let out = if *estimate { None } else { out.as_deref() };
            keys::eval(program, key, inputs, out, cli.common.memory_limit, &voice)
        }
        Command::Decrypt { program, key, inputs, out } => {
            keys::decrypt(program, key, inputs, out.as_deref(), &voice)
        }
    }
}

/// Prints to standard output; a reader that went away is no error.
fn print(text: &str) -> Result<(), Failure> {
    files::write_bytes(std::path::Path::new("-"), text.as_bytes())
}

/// JSON for people.
fn pretty(value: &serde_json::Value) -> String {
    format!("{value:#}\n")
}
