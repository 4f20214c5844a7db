//! `ffhec opt`: circuits of any tool through the optimiser.

use std::path::Path;

use ffhec_circuit::formats::{Format, Imported};
use ffhec_circuit::{Circuit, Comparison, Program, Target, container};
use ffhec_compiler::gadgets::objective::Objective;
use ffhec_compiler::opt::{Origin, optimize_observed, place, schedule};

use crate::args::{Emit, Goal};
use crate::failure::Failure;
use crate::progress::{Stages, Voice};
use crate::verify::Verifier;
use crate::{emit, files, presets, program, sealed, table};

/// Longest circuit file, in bytes: tens of millions of gates in most formats.
const LONGEST: usize = 1 << 30;

/// Reads `input`, optimises it for `goal` and writes it to `output`.
pub(crate) fn opt(
    input: &Path,
    goal: Goal,
    output: Option<&Path>,
    what: Option<Emit>,
    preset: &str,
    verify: bool,
    voice: &Voice,
) -> Result<(), Failure> {
    let target = output.map(|output| destination(output, what)).transpose()?;
    if what.is_some() && output.is_none() {
        return Err(Failure::usage("--emit says what to write, but not where", "name a file with -o OUT"));
    }
    let Imported { circuit, ands_in_file } = read(input)?;
    let circuit = circuit.without_refreshes();
    voice.say(&line("read", &circuit));
    if let Some(ands) = ands_in_file {
        voice
            .say(&format!("  (the file has {ands} ANDs; XORs and multiplexers among them were found again)"));
    }
    let (optimised, verifier) = optimise_for(&circuit, goal, preset, verify.then(Verifier::default), voice)?;
    voice.say(&line("optimised", &optimised));
    match circuit.compare(&optimised, program::SEED) {
        Ok(Comparison::Proved) => voice.say("the same outputs for all inputs"),
        Ok(Comparison::Sampled(rows)) => voice.say(&format!("the same outputs for {rows} random inputs")),
        Err(difference) => {
            return Err(Failure::machine(
                format!("the optimiser changed the function: {difference}"),
                "this is a defect of ffhec; please report it with the circuit",
            ));
        }
    }
    let Some((output, target)) = output.zip(target) else {
        verifier.iter().for_each(|verifier| verifier.say(voice));
        return Ok(());
    };
    files::refuse_same(output, &[input])?;
    let bytes = bytes(&optimised, target, output, preset)?;
    if let Some(verifier) = verifier {
        verifier.finish(&optimised, target, output, &bytes, voice)?;
    }
    files::write_bytes(output, &bytes)
}

/// What to write to `output`; pages are of programs only.
fn destination(output: &Path, what: Option<Emit>) -> Result<Emit, Failure> {
    const FORMATS: &str = "use --emit ffc|text|json|dot|svg|bristol|blif|verilog|aiger, or one of the extensions .ffc .ffg \
                           .json .dot .svg .txt .bristol .blif .v .aig .aag";
    match emit::chosen(what, Some(output)) {
        Some(Emit::Html) => Err(Failure::usage("only programs are written as pages", FORMATS)),
        Some(emit) => Ok(emit),
        None => {
            Err(Failure::usage(format!("{} does not say what format to write", output.display()), FORMATS))
        }
    }
}

fn read(path: &Path) -> Result<Imported, Failure> {
    let bytes = files::read_up_to(path, LONGEST)?;
    if container::is_container(&bytes) {
        let program = sealed::read_program(path, &bytes)?;
        return Ok(Imported { circuit: program.circuit, ands_in_file: None });
    }
    let by_name = || Format::of_extension(path.extension()?.to_str()?);
    let format = Format::of_bytes(&bytes).or_else(by_name).ok_or_else(|| {
        Failure::user(
            format!("{} is no circuit in a known format", path.display()),
            "give Bristol, BLIF, AIGER, structural Verilog, the text or JSON form, or .ffc; compile .ffl first",
        )
    })?;
    format.read(&bytes).map_err(|error| {
        let help = format!("correct the file; it was read as {format}");
        Failure::user(format!("{}: {error}", path.display()), help)
    })
}

/// The best of what `goal` asks to try, and what its verifier found.
fn optimise_for(
    circuit: &Circuit,
    goal: Goal,
    preset: &str,
    verifier: Option<Verifier>,
    voice: &Voice,
) -> Result<(Circuit, Option<Verifier>), Failure> {
    let target = presets::params_of(preset)?.target();
    let build = |objective: Objective, voice: &Voice| {
        let mut verifier = verifier.clone();
        Ok((optimise(circuit, objective, verifier.as_mut(), voice)?, verifier))
    };
    goal.reach(voice, build, |(circuit, _), threads| {
        Ok(scheduled(circuit, &target)?.time_ns(&target.costs, threads))
    })
}

/// With refreshes, and sorted into levels.
fn scheduled(circuit: &Circuit, target: &Target) -> Result<Program, Failure> {
    let placed = place(circuit, target).map_err(|error| {
        Failure::user(error.to_string(), "choose another preset; `ffhec params` lists them")
    })?;
    Ok(schedule(&placed.circuit, &target.preset))
}

/// All passes, with their times for those who want to know.
fn optimise(
    circuit: &Circuit,
    objective: Objective,
    verifier: Option<&mut Verifier>,
    voice: &Voice,
) -> Result<Circuit, Failure> {
    let mut stages = Stages::new(voice);
    match verifier {
        None => {
            let done = &mut |name| stages.done(name);
            Ok(optimize_observed(circuit.clone(), Origin::Elsewhere, objective, done))
        }
        Some(verifier) => {
            verifier.optimize(circuit.clone(), Origin::Elsewhere, objective, &mut stages, voice)
        }
    }
}

fn line(what: &str, circuit: &Circuit) -> String {
    let counts = circuit.counts();
    format!(
        "{what}: AND {}, AND-depth {}, XOR {}, NOT {}",
        counts.and, counts.and_depth, counts.xor, counts.not
    )
}

fn bytes(circuit: &Circuit, what: Emit, output: &Path, preset: &str) -> Result<Vec<u8>, Failure> {
    if let Some(format) = emit::format(what, output) {
        return format.write(circuit).map_err(|error| emit::unwritable(&error));
    }
    for ports in [&circuit.inputs, &circuit.outputs] {
        table::check_ports(ports).map_err(|what| {
            Failure::user(
                format!("the circuit is no program with tables: {what}"),
                "values of up to 256 bits with names of their own can be in a .ffc; write another format",
            )
        })?;
    }
    sealed::program_bytes(&scheduled(circuit, &presets::params_of(preset)?.target())?)
}
