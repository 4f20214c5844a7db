//! `ffhec import`: programs of other tools as `.ffl`.

use std::path::Path;

use ffhec_compiler::gadgets::format::Scalar;
use ffhec_compiler::import::{Core, fpcore, fpcore_text};
use ffhec_compiler::source::Sources;

use crate::failure::Failure;
use crate::files;
use crate::program::diagnosed;

/// Longest FPCore file, in bytes. FPBench's own files have at most some hundred kilobytes.
const LONGEST: usize = 16 << 20;

/// Writes the program called `wanted` (or the only one) of `path` as `.ffl`.
pub(crate) fn import(
    path: &Path,
    output: Option<&Path>,
    float: Option<&str>,
    wanted: Option<&str>,
) -> Result<(), Failure> {
    if let Some(text) = float
        && !matches!(Scalar::parse(text), Some(Scalar::Float(_)))
    {
        return Err(Failure::usage(
            format!("--float {text}: this is no float type"),
            "write f32 or float<5, 11>",
        ));
    }
    let name = path.display().to_string();
    let text = files::read_text_up_to(path, LONGEST)?;
    let text = fpcore_text(&text)
        .map_err(|what| Failure::user(format!("{name}: {what}"), "give a file with an FPCore program"))?;
    let mut sources = Sources::default();
    sources.add(if files::is_dash(path) { "<standard input>".to_owned() } else { name.clone() }, text);
    let cores = fpcore(&sources, float).map_err(|errors| diagnosed(&errors, &sources))?;
    let program = match chosen(&cores, wanted, &name)?.program.as_ref() {
        Ok(program) => program,
        Err(errors) => return Err(diagnosed(errors, &sources)),
    };
    let place = output.unwrap_or(Path::new("-"));
    files::refuse_same(place, &[path])?;
    files::write_bytes(place, program.as_bytes())
}

fn chosen<'a>(cores: &'a [Core], wanted: Option<&str>, path: &str) -> Result<&'a Core, Failure> {
    const SHOWN: usize = 30;
    let some: Vec<&str> = cores.iter().take(SHOWN).map(|core| core.name.as_str()).collect();
    let all = format!("{}{}", some.join(", "), if cores.len() > SHOWN { ", .." } else { "" });
    match (wanted, cores) {
        (None, [core]) => Ok(core),
        (None, _) => Err(Failure::user(
            format!("{path} holds {} programs: {all}", cores.len()),
            "choose one with --core NAME",
        )),
        (Some(wanted), _) => cores.iter().find(|core| core.name == wanted).ok_or_else(|| {
            Failure::user(format!("{path} holds no program `{wanted}`, only: {all}"), "choose one of these")
        }),
    }
}
