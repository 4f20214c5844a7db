//! From the command line's program arguments to a program for a preset.

use std::path::{Path, PathBuf};

use ffhec_circuit::{Circuit, Program, Target};
use ffhec_compiler::diag::{self, Diagnostic};
use ffhec_compiler::gadgets::format::Scalar;
use ffhec_compiler::gadgets::objective::Objective;
use ffhec_compiler::opt::{Origin, Placement, optimize_observed, place, schedule};
use ffhec_compiler::source::{Loader, SourceFile, Sources};
use ffhec_compiler::{Approximation, Compiled, Evaluation, Grade, Limits, Options, Proof};
use ffhec_runtime::Params;
use serde_json::{Map, Value};

use crate::args::{Approx, GradeName, ProgramArgs};
use crate::failure::Failure;
use crate::files;
use crate::presets;
use crate::progress::{Stages, Voice};
use crate::sealed;
use crate::verify::Verifier;

/// A program ready to run, with the doc comment of its `main` (empty for a compiled one).
pub(crate) struct Loaded {
    pub(crate) program: Program,
    pub(crate) params: Params,
    pub(crate) target: Target,
    pub(crate) doc: String,
    /// How analytic functions are evaluated; a compiled program does not tell.
    pub(crate) evaluations: Vec<Evaluation>,
    /// What is proven of their errors.
    pub(crate) proofs: Vec<Proof>,
    /// No placement of refreshes in these gates has fewer.
    pub(crate) lower_bound: usize,
    /// What was compiled; a compiled program does not tell.
    pub(crate) source: Option<Source>,
    /// What `--verify` found out about the steps; none without it.
    pub(crate) verifier: Option<Verifier>,
}

/// A program's text, and how it is compiled.
pub(crate) struct Source {
    pub(crate) name: String,
    pub(crate) text: String,
    /// Where the files that it uses are.
    pub(crate) directory: PathBuf,
    pub(crate) options: Options,
    /// Whether it requires anything of its inputs, besides ranges.
    pub(crate) requires: bool,
}

/// The preset used when nothing names one.
pub(crate) const DEFAULT_PRESET: &str = "toy";

/// The random inputs on which a program is compared with its gates before the optimiser are the same in every run.
pub(crate) const SEED: u64 = 0xff8e_c0de;

/// How many gates that comparison evaluates at most, 64 rows at a time.
const WORK: usize = 1 << 28;

/// Where a program's text or bytes came from.
enum Given {
    Source { name: String, text: String, directory: PathBuf },
    Compiled { path: PathBuf, bytes: Vec<u8> },
}

/// Loads the program for `preset`, or for the one it was compiled for, or for the default.
pub(crate) fn load(args: &ProgramArgs, preset: Option<&str>, voice: &Voice) -> Result<Loaded, Failure> {
    load_verified(args, preset, None, voice)
}

/// Like [`load`]; `verifier` looks at every step.
pub(crate) fn load_verified(
    args: &ProgramArgs,
    preset: Option<&str>,
    verifier: Option<Verifier>,
    voice: &Voice,
) -> Result<Loaded, Failure> {
    match given(args)? {
        Given::Compiled { path, bytes } => {
            refuse_source_options(args, &path)?;
            let program = sealed::read_program(&path, &bytes)?;
            if let Some(preset) = preset.filter(|preset| *preset != program.preset) {
                return Err(Failure::user(
                    format!(
                        "{} was compiled for preset {}, not for {preset}",
                        path.display(),
                        program.preset
                    ),
                    format!("compile the source again with --preset {preset}"),
                ));
            }
            let params = presets::params_of(&program.preset)?;
            let target = params.target();
            program.check_noise(&target).map_err(|error| {
                Failure::user(format!("{}: {error}", path.display()), "compile the source again")
            })?;
            let lower_bound = place(&program.circuit.without_refreshes(), &target)
                .map_or(0, |placement| placement.lower_bound);
            Ok(Loaded {
                program,
                params,
                target,
                doc: String::new(),
                evaluations: Vec::new(),
                proofs: Vec::new(),
                lower_bound,
                source: None,
                verifier,
            })
        }
        Given::Source { name, text, directory } => {
            let params = presets::params_of(preset.unwrap_or(DEFAULT_PRESET))?;
            let goal = args.objective.unwrap_or_default();
            let options = options(args)?;
            let build = |objective: Objective, voice: &Voice| {
                let options = Options { objective, ..options.clone() };
                let (name, text, directory) = (name.clone(), text.clone(), directory.clone());
                let source = Source { name, text, directory, options, requires: false };
                build(source, params.clone(), verifier.clone(), voice)
            };
            goal.reach(voice, build, |loaded, threads| {
                Ok(loaded.program.time_ns(&loaded.target.costs, threads))
            })
        }
    }
}

/// Compiles a program, places its refreshes and sorts its gates into levels.
fn build(
    mut source: Source,
    params: Params,
    mut verifier: Option<Verifier>,
    voice: &Voice,
) -> Result<Loaded, Failure> {
    let target = params.target();
    let mut stages = Stages::new(voice);
    let (Compiled { circuit, doc, evaluations, proofs, requires, .. }, lowered) =
        compile_source(&source, voice, &mut stages, verifier.as_mut())?;
    source.requires = requires;
    let name = &source.name;
    let Placement { circuit: placed, lower_bound, .. } = place(&circuit, &target).map_err(|error| {
        let help = "choose another preset; `ffhec params` lists them";
        Failure::user(format!("{name}: {error}"), help)
    })?;
    stages.done("place refreshes");
    check_step(&mut verifier, "place refreshes", &circuit, &placed, voice, &mut stages)?;
    drop(circuit);
    let program = schedule(&placed, &target.preset);
    stages.done("schedule");
    check_step(&mut verifier, "schedule", &placed, &program.circuit, voice, &mut stages)?;
    drop(placed);
    let report = "this is a defect of the compiler; please report it with the program";
    lowered.compare_sampled(&program.circuit, SEED, WORK).map_err(|difference| {
        Failure::machine(format!("{name}: optimising changed the function: {difference}"), report)
    })?;
    drop(lowered);
    stages.done("simulate");
    let noise =
        program.check_noise(&target).map_err(|error| Failure::machine(format!("{name}: {error}"), report))?;
    stages.done("check noise");
    if let Some((_, worst)) = noise.worst_refresh_input {
        voice.detail(&format!("noise: at most {:.0} of {:.0} bits", worst.0, target.budget.0));
    }
    Ok(Loaded {
        program,
        params,
        target,
        doc,
        evaluations,
        proofs,
        lower_bound,
        source: Some(source),
        verifier,
    })
}

/// Compares before and after a step, where that was asked for.
fn check_step(
    verifier: &mut Option<Verifier>,
    step: &'static str,
    before: &Circuit,
    after: &Circuit,
    voice: &Voice,
    stages: &mut Stages,
) -> Result<(), Failure> {
    let Some(verifier) = verifier else { return Ok(()) };
    verifier.check(step, before, after, voice)?;
    stages.done("verify");
    Ok(())
}

/// Type-checks the program; the errors are a failure, the warnings are printed.
pub(crate) fn check(args: &ProgramArgs, voice: &Voice) -> Result<(), Failure> {
    match given(args)? {
        Given::Compiled { path, bytes } => {
            refuse_source_options(args, &path)?;
            sealed::read_program(&path, &bytes).map(|_| ())
        }
        Given::Source { name, text, directory } => {
            let options = options(args)?;
            let mut sources = Sources::default();
            sources.add(name, text);
            let mut loader = Directory { root: directory };
            match ffhec_compiler::analyze(&mut sources, &options, &mut loader) {
                Ok(analysis) => {
                    print_warnings(&analysis.warnings, &sources, voice);
                    Ok(())
                }
                Err(errors) => Err(diagnosed(&errors, &sources)),
            }
        }
    }
}

fn given(args: &ProgramArgs) -> Result<Given, Failure> {
    if let Some(text) = &args.expression {
        let name = "<command line>".to_owned();
        return Ok(Given::Source { name, text: text.clone(), directory: PathBuf::from(".") });
    }
    let path = args.program.clone().expect("the command line requires a program or an expression");
    let bytes = files::read_program(&path)?;
    if ffhec_circuit::container::is_container(&bytes) {
        return Ok(Given::Compiled { path, bytes });
    }
    if path.extension().is_some_and(|extension| extension == "ffc") {
        return Err(Failure::user(
            format!(
                "{} is not a compiled program (it does not begin with the ffhec signature)",
                path.display()
            ),
            "compile the source again",
        ));
    }
    let name = if files::is_dash(&path) { "<standard input>".to_owned() } else { path.display().to_string() };
    let directory = path.parent().map_or_else(|| PathBuf::from("."), Path::to_path_buf);
    Ok(Given::Source { name, text: files::text_of(&path, bytes)?, directory })
}

/// The compiled program, and its gates before the optimiser.
fn compile_source(
    source: &Source,
    voice: &Voice,
    stages: &mut Stages,
    verifier: Option<&mut Verifier>,
) -> Result<(Compiled, Circuit), Failure> {
    let mut sources = Sources::default();
    sources.add(source.name.clone(), source.text.clone());
    let mut loader = Directory { root: source.directory.clone() };
    let mut done = |name: &'static str| stages.done(name);
    let mut compiled =
        match ffhec_compiler::lower_observed(&mut sources, &source.options, &mut loader, &mut done) {
            Ok(compiled) => compiled,
            Err(errors) => return Err(diagnosed(&errors, &sources)),
        };
    print_warnings(&compiled.warnings, &sources, voice);
    drop(sources);
    let lowered = Circuit { origins: Vec::new(), ..compiled.circuit.clone() };
    let objective = source.options.objective;
    compiled.circuit = match verifier {
        None => optimize_observed(compiled.circuit, Origin::Gadgets, objective, &mut done),
        Some(verifier) => verifier.optimize(compiled.circuit, Origin::Gadgets, objective, stages, voice)?,
    };
    Ok((compiled, lowered))
}

/// Reported when the machine, and not the program, is at fault.
const NO_MEMORY: &str = "E0398";

/// The errors of a program, as a failure.
pub(crate) fn diagnosed(errors: &[Diagnostic], sources: &Sources) -> Failure {
    use std::io::IsTerminal;
    if let Some(error) = errors.iter().find(|error| error.code == NO_MEMORY) {
        return Failure::machine(error.message.clone(), error.help.clone());
    }
    Failure::Diagnosed(diag::render(errors, sources, std::io::stderr().is_terminal()))
}

fn print_warnings(warnings: &[Diagnostic], sources: &Sources, voice: &Voice) {
    use std::io::IsTerminal;
    if !warnings.is_empty() {
        voice.say(diag::render(warnings, sources, std::io::stderr().is_terminal()).trim_end());
    }
}

/// `--float`, `--public` and the like mean nothing to a compiled program.
fn refuse_source_options(args: &ProgramArgs, path: &Path) -> Result<(), Failure> {
    let given = [
        ("--float", args.float.is_some()),
        ("--public", !args.public.is_empty()),
        ("--public-file", args.public_file.is_some()),
        ("--approx", args.approx.is_some()),
        ("--grade", args.grade.is_some()),
        ("--objective", args.objective.is_some()),
        ("--limit", !args.limit.is_empty()),
        ("--flags", args.flags),
    ];
    match given.iter().find(|(_, set)| *set) {
        None => Ok(()),
        Some((option, _)) => Err(Failure::usage(
            format!("{option} has no effect on {}, which is compiled already", path.display()),
            format!("leave {option} out, or compile the source again with it"),
        )),
    }
}

fn options(args: &ProgramArgs) -> Result<Options, Failure> {
    let mut options = Options::default();
    if let Some(text) = &args.float {
        options.float =
            Scalar::parse(text).filter(|scalar| matches!(scalar, Scalar::Float(_))).ok_or_else(|| {
                Failure::usage(
                    format!("--float {text}: this is no float type"),
                    "write f16, bf16, f32, f64, f8e5m2, f8e4m3, 'float<5, 11>' or 'ieee<5, 11>'",
                )
            })?;
    }
    options.flags = args.flags;
    options.approx = match args.approx {
        None => Approximation::Cheapest,
        Some(Approx::Taylor) => Approximation::Taylor,
        Some(Approx::Minimax) => Approximation::Minimax,
        Some(Approx::Table) => Approximation::Table,
    };
    options.grade = match args.grade {
        None | Some(GradeName::Faithful) => Grade::Faithful,
        Some(GradeName::Fast) => Grade::Fast,
    };
    options.public = public_values(args)?;
    for limit in &args.limit {
        set_limit(&mut options.limits, limit)?;
    }
    Ok(options)
}

fn set_limit(limits: &mut Limits, text: &str) -> Result<(), Failure> {
    let known = || format!("write --limit NAME=N with NAME one of {}", Limits::NAMES.join(", "));
    let wrong = || Failure::usage(format!("--limit {text} is not understood"), known());
    let (name, number) = text.split_once('=').ok_or_else(wrong)?;
    let number: usize = number.trim().replace('_', "").parse().map_err(|_| wrong())?;
    if limits.set(name.trim(), number) { Ok(()) } else { Err(wrong()) }
}

fn public_values(args: &ProgramArgs) -> Result<Map<String, Value>, Failure> {
    let mut values = Map::new();
    if let Some(path) = &args.public_file {
        let text = files::read_text(path)?;
        match serde_json::from_str(&text) {
            Ok(Value::Object(object)) => values = object,
            Ok(_) => {
                return Err(Failure::user(
                    format!("{} holds no JSON object", path.display()),
                    "write { \"name\": value, .. } with a value for each public parameter",
                ));
            }
            Err(error) => {
                return Err(Failure::user(
                    format!("{}:{}:{}: {error}", path.display(), error.line(), error.column()),
                    "correct the JSON",
                ));
            }
        }
    }
    for text in &args.public {
        let (name, value) = text.split_once('=').ok_or_else(|| {
            Failure::usage(format!("--public {text} has no `=`"), "write --public NAME=VALUE")
        })?;
        let value: Value = serde_json::from_str(value.trim()).map_err(|error| {
            Failure::usage(
                format!("--public {text}: the value is not JSON ({error})"),
                "write a number, true, false, an array such as [1, 2.5], or \"nan\" and \"inf\" as strings",
            )
        })?;
        values.insert(name.trim().to_owned(), value);
        let same =
            |other: &&String| other.split_once('=').is_some_and(|(other, _)| other.trim() == name.trim());
        if args.public.iter().filter(same).count() > 1 {
            return Err(Failure::usage(format!("--public gives {} twice", name.trim()), "give it once"));
        }
    }
    Ok(values)
}

/// Reads the files that `use "path.ffl"` names, relative to the file that names them.
pub(crate) struct Directory {
    pub(crate) root: PathBuf,
}

impl Loader for Directory {
    fn load(&mut self, from: &str, path: &str) -> Result<SourceFile, String> {
        let base = match Path::new(from).parent() {
            Some(parent) if Path::new(from).is_file() => parent.to_path_buf(),
            Some(_) | None => self.root.clone(),
        };
        // One name for each file, however it is reached: a file that uses itself is then seen to.
        let named = base.join(path);
        let meta = std::fs::metadata(&named).map_err(|error| format!("{}: {error}", named.display()))?;
        if !meta.is_file() {
            return Err(format!("{} is not a regular file", named.display()));
        }
        let full = std::fs::canonicalize(&named).unwrap_or(named);
        let here = std::env::current_dir().unwrap_or_default();
        let full = full.strip_prefix(&here).map(Path::to_path_buf).unwrap_or(full);
        let text = files::read_program(&full)
            .and_then(|bytes| files::text_of(&full, bytes))
            .map_err(|failure| failure.message().to_owned())?;
        Ok(SourceFile { path: full.display().to_string(), text })
    }
}
