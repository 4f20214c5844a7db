//! `--verify`: every step of compiling or optimising is shown to keep the function.

use std::collections::BTreeSet;
use std::path::Path;

use ffhec_circuit::{Circuit, Difference, Port};
use ffhec_compiler::gadgets::objective::Objective;
use ffhec_compiler::opt::{Origin, optimize_checked};
use ffhec_compiler::prove::{Effort, Proof, prove};

use crate::args::Emit;
use crate::failure::Failure;
use crate::progress::{Stages, Voice};
use crate::{emit, sealed};

/// Compares the circuits before and after each step, and knows what was found so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct Verifier {
    steps: usize,
    outputs: usize,
    /// Outputs that at least one step left to chance.
    open: BTreeSet<usize>,
    /// The fewest rows that any step was tried on.
    rows: usize,
}

impl Verifier {
    /// All passes of the optimiser over `circuit`.
    pub(crate) fn optimize(
        &mut self,
        circuit: Circuit,
        origin: Origin,
        objective: Objective,
        stages: &mut Stages,
        voice: &Voice,
    ) -> Result<Circuit, Failure> {
        optimize_checked(circuit, origin, objective, &mut |step, before, after| {
            stages.done(step);
            self.check(step, before, after, voice)?;
            stages.done("verify");
            Ok(())
        })
    }

    /// Fails if `step` made another function of `before`.
    pub(crate) fn check(
        &mut self,
        step: &str,
        before: &Circuit,
        after: &Circuit,
        voice: &Voice,
    ) -> Result<(), Failure> {
        let proof = prove(before, after, &Effort::default()).map_err(|difference| {
            Failure::machine(
                format!("the step `{step}` changed the function: {}", told(&difference, before)),
                "nothing was written; this is a defect of ffhec, please report it with the program",
            )
        })?;
        voice.detail(&format!("verified {step}: {proof}"));
        let Proof { outputs, open, rows } = proof;
        self.rows = if self.steps == 0 { rows } else { rows.min(self.rows) };
        self.steps += 1;
        self.outputs = outputs;
        self.open.extend(open);
        Ok(())
    }

    /// Reads `bytes`, which are to be written to `place`, back, compares them with `circuit`, and says what is certain.
    pub(crate) fn finish(
        mut self,
        circuit: &Circuit,
        what: Emit,
        place: &Path,
        bytes: &[u8],
        voice: &Voice,
    ) -> Result<(), Failure> {
        let format = emit::format(what, place);
        let read = match (what, format) {
            (Emit::Ffc, _) => Some(sealed::read_program(place, bytes)?.circuit),
            (Emit::Html | Emit::Dot | Emit::Svg, _) | (_, None) => None,
            (_, Some(format)) => {
                let imported = format.read(bytes).map_err(|error| {
                    Failure::machine(
                        format!("what would be written to {} cannot be read: {error}", place.display()),
                        "nothing was written; this is a defect of ffhec, please report it with the program",
                    )
                })?;
                Some(imported.circuit)
            }
        };
        if let Some(read) = read {
            self.check("write", circuit, &read, voice)?;
        }
        self.say(voice);
        Ok(())
    }

    /// Says what is certain.
    pub(crate) fn say(&self, voice: &Voice) {
        voice.say(&self.summary());
    }

    fn summary(&self) -> String {
        let Verifier { steps, outputs, open, rows } = self;
        let found = match open.len() {
            0 => format!("all {outputs} output bits are proved equal"),
            rest => format!(
                "{} of {outputs} output bits are proved equal, {rest} are equal on the {rows} inputs tried",
                outputs - rest
            ),
        };
        format!("verified {steps} steps: {found}")
    }
}

/// The difference in terms of the program: ports, and the bits of numbers as they are read, the highest first.
fn told(difference: &Difference, circuit: &Circuit) -> String {
    match difference {
        Difference::Shape(..) => difference.to_string(),
        Difference::Output { output, input } => {
            let bits: Vec<char> = input.chars().collect();
            let mut rest = bits.as_slice();
            let mut values = Vec::new();
            for port in &circuit.inputs {
                let (mine, others) = rest.split_at(rest.len().min(port.width as usize));
                rest = others;
                values.push(format!("{} = 0b{}", port.name, mine.iter().rev().collect::<String>()));
            }
            let (name, bit) = place_of(*output, &circuit.outputs);
            format!("bit {bit} of {name} differs for {}", values.join(", "))
        }
    }
}

/// The port of output bit `output`, and which of its bits it is.
fn place_of(output: usize, ports: &[Port]) -> (&str, usize) {
    let mut bit = output;
    for port in ports {
        if bit < port.width as usize {
            return (&port.name, bit);
        }
        bit -= port.width as usize;
    }
    ("the outputs", output)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use ffhec_circuit::Builder;

    use super::*;
    use crate::args::Common;

    /// Two results of two parameters; the second result is a product, or a sum if `is_broken`.
    fn program(is_broken: bool) -> Circuit {
        let port = |name: &str, width| Port { name: name.into(), kind: "bits".into(), width, range: None };
        let mut builder = Builder::new();
        let (x, y) = (builder.input(port("x", 20)), builder.input(port("y", 3)));
        let product = if is_broken { builder.xor(x[0], y[1]) } else { builder.and(x[0], y[1]) };
        builder.output(port("first", 2), &x[..2]);
        builder.output(port("second", 2), &[x[3], product]);
        builder.finish()
    }

    fn quiet() -> Voice {
        Voice::new(&Common { quiet: true, verbose: false, threads: None, memory_limit: None })
    }

    #[test]
    fn a_broken_step_is_an_error_with_the_inputs_by_name() {
        let failure =
            Verifier::default().check("rewrite", &program(false), &program(true), &quiet()).unwrap_err();
        let message = failure.message();
        assert!(
            message
                .starts_with("the step `rewrite` changed the function: bit 1 of second differs for x = 0b")
        );
        let value = message.rsplit("y = 0b").next().unwrap();
        assert_eq!(value.len(), 3, "{message}");
    }

    #[test]
    fn a_file_that_holds_another_function_is_not_written() {
        let bytes = ffhec_circuit::formats::Format::Blif.write(&program(true)).unwrap();
        let finish = |circuit: &Circuit| {
            Verifier::default().finish(circuit, Emit::Blif, Path::new("a.blif"), &bytes, &quiet())
        };
        assert!(finish(&program(true)).is_ok());
        assert!(finish(&program(false)).unwrap_err().message().contains("`write`"));
    }

    #[test]
    fn what_is_certain_is_summed_up_over_the_steps() {
        let mut verifier = Verifier::default();
        verifier.check("one", &program(false), &program(false), &quiet()).unwrap();
        assert_eq!(verifier.summary(), "verified 1 steps: all 4 output bits are proved equal");
        verifier.open.extend([1, 3]);
        assert!(
            verifier.summary().starts_with("verified 1 steps: 2 of 4 output bits are proved equal, 2 are")
        );
    }
}
