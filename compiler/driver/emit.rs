//! `ffhec compile`: programs as files, in our formats and in those of other tools.

use std::path::Path;

use ffhec_circuit::formats::Format;

use crate::args::{Emit, ProgramArgs};
use crate::failure::Failure;
use crate::inspect::Report;
use crate::program::{self, Loaded};
use crate::progress::{Stages, Voice};
use crate::verify::Verifier;
use crate::{files, pretty, sealed};

/// What to write to `output`, as asked for or as its extension says.
pub(crate) fn chosen(emit: Option<Emit>, output: Option<&Path>) -> Option<Emit> {
    emit.or_else(|| {
        let extension = output?.extension()?.to_str()?;
        match extension {
            "ffc" => Some(Emit::Ffc),
            "html" => Some(Emit::Html),
            _ => Some(match Format::of_extension(extension)? {
                Format::Text => Emit::Text,
                Format::Json => Emit::Json,
                Format::Dot => Emit::Dot,
                Format::Svg => Emit::Svg,
                Format::Bristol => Emit::Bristol,
                Format::Blif => Emit::Blif,
                Format::Verilog => Emit::Verilog,
                Format::Aag | Format::Aig => Emit::Aiger,
            }),
        }
    })
}

/// The format of circuits that `emit` means for a file called `output`; none for .ffc and pages.
pub(crate) fn format(emit: Emit, output: &Path) -> Option<Format> {
    let ascii = files::is_dash(output) || output.extension().is_some_and(|extension| extension == "aag");
    match emit {
        Emit::Ffc | Emit::Html => None,
        Emit::Text => Some(Format::Text),
        Emit::Json => Some(Format::Json),
        Emit::Dot => Some(Format::Dot),
        Emit::Svg => Some(Format::Svg),
        Emit::Bristol => Some(Format::Bristol),
        Emit::Blif => Some(Format::Blif),
        Emit::Verilog => Some(Format::Verilog),
        Emit::Aiger if ascii => Some(Format::Aag),
        Emit::Aiger => Some(Format::Aig),
    }
}

/// Compiles a program and writes it.
pub(crate) fn compile(
    args: &ProgramArgs,
    output: Option<&Path>,
    preset: &str,
    emit: Option<Emit>,
    verify: bool,
    voice: &Voice,
) -> Result<(), Failure> {
    let emit = chosen(emit, output).unwrap_or(Emit::Ffc);
    let place = match (output, emit, &args.program) {
        (Some(path), _, _) => path.to_path_buf(),
        (None, Emit::Ffc, Some(path)) if !files::is_dash(path) => path.with_extension("ffc"),
        (None, Emit::Ffc, _) => {
            return Err(Failure::usage(
                "a compiled program needs a file to go to",
                "name it with -o OUT.ffc, or choose --emit text",
            ));
        }
        (None, _, _) => "-".into(),
    };
    let mut loaded = program::load_verified(args, Some(preset), verify.then(Verifier::default), voice)?;
    let verifier = loaded.verifier.take();
    let mut stages = Stages::new(voice);
    let program = &loaded.program;
    let bytes = match (emit, format(emit, &place)) {
        (Emit::Ffc, _) => sealed::program_bytes(program)?,
        (Emit::Text, _) => program.to_string().into_bytes(),
        (Emit::Json, _) => pretty(&program.to_json()).into_bytes(),
        (Emit::Dot, _) => program.to_dot().into_bytes(),
        (_, Some(format)) => format.write(&program.circuit).map_err(|error| unwritable(&error))?,
        (_, None) => page(&loaded).into_bytes(),
    };
    if let Some(verifier) = verifier {
        verifier.finish(&program.circuit, emit, &place, &bytes, voice)?;
    }
    files::refuse_same(&place, &args.program.as_deref().into_iter().collect::<Vec<_>>())?;
    files::write_bytes(&place, &bytes)?;
    stages.done("write");
    let counts = program.circuit.counts();
    if !files::is_dash(&place) {
        voice.say(&format!(
            "{}: {} AND, {} XOR, {} refreshes for preset {}",
            place.display(),
            counts.and,
            counts.xor,
            counts.refresh,
            program.preset
        ));
    }
    Ok(())
}

/// A circuit that a format cannot show.
pub(crate) fn unwritable(error: &ffhec_circuit::formats::FormatError) -> Failure {
    Failure::user(error.to_string(), "write another format, such as dot or json")
}

/// What `inspect` says, and the drawing if it can be looked at.
fn page(loaded: &Loaded) -> String {
    let escaped = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let drawing = match Format::Svg.write(&loaded.program.circuit) {
        Ok(svg) => String::from_utf8_lossy(&svg).into_owned(),
        Err(error) => format!("<p>{}</p>\n", escaped(&error.to_string())),
    };
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><title>ffhec program</title></head>\n<body>\n\
         <pre>\n{}</pre>\n{drawing}</body>\n</html>\n",
        escaped(&Report::new(loaded).text())
    )
}
