//! The noise analysis of a program: the program run over [`Target`], read at the places that matter.

use thiserror::Error;

use crate::{NoiseBits, NoiseRules, Program, Target, Wire};

/// The noise of every wire of a program on one target.
#[derive(Clone, Debug, PartialEq)]
pub struct NoiseReport {
    /// The largest noise that a refresh or a decryption accepts.
    pub budget: NoiseBits,
    /// The bound on each wire's noise.
    pub wires: Vec<NoiseBits>,
    /// The bound on each output bit's noise, in the order of the circuit's output wires.
    pub outputs: Vec<NoiseBits>,
    /// The refreshed wire with the largest noise, and that noise; none if nothing is refreshed.
    pub worst_refresh_input: Option<(Wire, NoiseBits)>,
    /// The output bit with the largest noise, and that noise; none if there are no outputs.
    pub worst_output: Option<(usize, NoiseBits)>,
    /// The first wire, in gate order, whose noise is above the budget.
    pub first_above: Option<Wire>,
}

/// Why a program may not run on a target.
#[derive(Clone, Debug, Error, PartialEq)]
pub enum NoiseError {
    /// The program was compiled for another preset.
    #[error("the program was compiled for preset {program}, not for {target}; compile it for {target}")]
    OtherPreset {
        /// The program's preset.
        program: String,
        /// The target's preset.
        target: String,
    },
    /// A wire's noise exceeds what a refresh or a decryption accepts.
    #[error(
        "{wire} carries up to {noise:.1} bits of noise, above the budget of {budget:.1} bits of preset {target}; \
         refresh its operands before"
    )]
    AboveBudget {
        /// The wire, as in the text form.
        wire: String,
        /// Its noise, in bits.
        noise: f64,
        /// The budget, in bits.
        budget: f64,
        /// The target's preset.
        target: String,
    },
}

impl Program {
    /// The noise of every wire, with every input freshly encrypted under the public key. Does not judge it: see
    /// [`Program::check_noise`].
    pub fn noise(&self, target: &Target) -> NoiseReport {
        let circuit = &self.circuit;
        let rules = NoiseRules::new(target);
        let mut wires: Vec<NoiseBits> = Vec::with_capacity(circuit.gates.len());
        for gate in &circuit.gates {
            wires.push(rules.noise_of(*gate, |wire| wires[wire.index()]));
        }
        let outputs: Vec<NoiseBits> = circuit.output_wires.iter().map(|wire| wires[wire.index()]).collect();
        let refreshed = circuit.gates.iter().filter_map(|gate| match *gate {
            crate::Gate::Refresh(a) => Some((a, wires[a.index()])),
            crate::Gate::Constant(_)
            | crate::Gate::Input(_)
            | crate::Gate::Not(_)
            | crate::Gate::Xor(..)
            | crate::Gate::And(..) => None,
        });
        NoiseReport {
            budget: target.budget,
            worst_refresh_input: largest(refreshed),
            worst_output: largest(outputs.iter().copied().enumerate()),
            first_above: wires.iter().position(|noise| !within(*noise, target.budget)).map(Wire::new),
            wires,
            outputs,
        }
    }

    /// Checks that no wire's noise exceeds the budget, so that every refresh and every decryption is correct except
    /// with the target's failure probability.
    ///
    /// # Errors
    /// If the target is not the program's preset, or names the first wire above the budget.
    pub fn check_noise(&self, target: &Target) -> Result<NoiseReport, NoiseError> {
        if self.preset != target.preset {
            let (program, target) = (self.preset.clone(), target.preset.clone());
            return Err(NoiseError::OtherPreset { program, target });
        }
        let report = self.noise(target);
        match report.first_above {
            Some(wire) => Err(NoiseError::AboveBudget {
                wire: format!("%{}", wire.index()),
                noise: report.wires[wire.index()].0,
                budget: target.budget.0,
                target: target.preset.clone(),
            }),
            None => Ok(report),
        }
    }
}

/// False also for a noise that is not a number.
fn within(noise: NoiseBits, budget: NoiseBits) -> bool {
    noise.0 <= budget.0
}

/// The first of the largest.
fn largest<T>(all: impl Iterator<Item = (T, NoiseBits)>) -> Option<(T, NoiseBits)> {
    all.reduce(|best, next| if next.1.0 > best.1.0 { next } else { best })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::{Builder, Gate, sample, target};

    #[test]
    fn the_adder_is_within_the_budget_and_its_worst_refresh_input_is_the_carry() {
        let program = sample::adder();
        let report = program.check_noise(&target::sample("toy")).unwrap();
        let (wire, noise) = report.worst_refresh_input.unwrap();
        assert!(matches!(program.circuit.gate(wire), Gate::And(..)));
        assert_eq!(noise.0, 2.0 * target::sample("toy").fresh.0);
        assert_eq!(report.outputs.len(), 3);
        assert_eq!(report.worst_output.unwrap().0, 2);
    }

    #[test]
    fn the_first_wire_above_the_budget_is_named() {
        let mut builder = Builder::new();
        let x = builder.input(sample::port("x", 4));
        let a = builder.and(x[0], x[1]);
        let b = builder.and(a, x[2]);
        let c = builder.and(b, x[3]);
        builder.output(sample::port("y", 1), &[c]);
        let program = Program::in_order(builder.finish(), "toy");
        let error = program.check_noise(&target::sample("toy")).unwrap_err();
        assert!(error.to_string().starts_with("%5 carries up to 1035.0 bits"), "{error}");
        assert!(program.noise(&target::sample("toy")).wires[6].0 > 1300.0);
    }

    #[test]
    fn another_preset_is_refused() {
        let error = sample::adder().check_noise(&target::sample("small")).unwrap_err();
        assert!(matches!(error, NoiseError::OtherPreset { .. }));
    }
}
