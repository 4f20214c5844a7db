//! The level-parallel executor: runs a program over any machine whose bits may cross threads.
//!
//! In go a verified [`Program`], a machine and one value per input bit; out come the output bits. The gates of a level
//! do not read each other, so they are evaluated in parallel into values of their own and put in place afterwards: no
//! lock stands around a value. The refreshes of a level are handed to the machine in one call, or in batches if memory is
//! short, and its other gates are computed beside the first of them, by threads that the refreshes leave free. A value is
//! dropped after the level it dies in.

use std::num::NonZeroUsize;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};

use ffhec_circuit::{Gate, Level, Machine, Program, Wire};
use rayon::prelude::*;
use thiserror::Error;

/// How to run a program. The default reports nothing, cannot be stopped, and refreshes a whole level at once.
#[derive(Clone, Copy, Default)]
pub struct Options<'a> {
    /// The most refreshes handed to the machine together, if memory is limited.
    pub max_batch: Option<NonZeroUsize>,
    /// Set by another thread to stop the run; looked at between levels and between batches.
    pub stop: Option<&'a AtomicBool>,
    /// Told how far the run is.
    pub progress: Option<&'a dyn Progress>,
}

/// Hears how far a run is.
pub trait Progress {
    /// Called before the first level, after each level, and after each batch of refreshes.
    fn advanced(&self, state: State);
}

/// How far a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct State {
    /// Levels finished.
    pub level: usize,
    /// Levels in all.
    pub levels: usize,
    /// Refreshes finished.
    pub refreshes_done: usize,
    /// Refreshes in all.
    pub refreshes: usize,
}

/// What a run gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finished<Bit> {
    /// The value of every output bit, in the order of the output ports.
    pub outputs: Vec<Bit>,
    /// The most values that were held at once.
    pub peak_live: usize,
    /// Refreshes done.
    pub refreshes: usize,
}

/// Why a run gave nothing.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum Stopped {
    /// The stop flag was set.
    #[error("stopped after {level} of {levels} levels and {done} of {refreshes} refreshes")]
    Asked {
        /// Levels finished.
        level: usize,
        /// Levels in all.
        levels: usize,
        /// Refreshes finished.
        done: usize,
        /// Refreshes in all.
        refreshes: usize,
    },
    /// Not one value per input bit.
    #[error("the program has {expected} input bits, but {found} values were given")]
    InputCount {
        /// Values given.
        found: usize,
        /// Input bits of the program.
        expected: usize,
    },
}

/// Runs `program`, which must be verified, over `machine`, in the current thread pool.
///
/// # Errors
/// If the number of inputs is wrong, or the stop flag is set.
///
/// # Panics
/// If the program breaks an invariant of [`Program::verify`], or the machine does not return one bit per refresh.
pub fn run<M>(
    program: &Program,
    machine: &M,
    inputs: Vec<M::Bit>,
    options: &Options<'_>,
) -> Result<Finished<M::Bit>, Stopped>
where
    M: Machine + Sync,
    M::Bit: Send + Sync,
{
    debug_assert_eq!(program.verify(), Ok(()));
    let (found, expected) = (inputs.len(), program.circuit.input_bits());
    if found != expected {
        return Err(Stopped::InputCount { found, expected });
    }
    let mut run = Run::new(program, machine, options, inputs);
    run.report();
    for level in &program.levels {
        run.level(level)?;
        run.state.level += 1;
        run.report();
    }
    let (peak_live, refreshes) = (run.peak, run.state.refreshes_done);
    Ok(Finished { outputs: run.outputs(), peak_live, refreshes })
}

struct Run<'a, M: Machine> {
    program: &'a Program,
    machine: &'a M,
    options: &'a Options<'a>,
    /// Inputs that no gate has taken yet.
    inputs: Vec<Option<M::Bit>>,
    /// The value of each wire that is made and not dead.
    values: Vec<Option<M::Bit>>,
    live: usize,
    peak: usize,
    state: State,
}

impl<'a, M> Run<'a, M>
where
    M: Machine + Sync,
    M::Bit: Send + Sync,
{
    fn new(program: &'a Program, machine: &'a M, options: &'a Options<'a>, inputs: Vec<M::Bit>) -> Self {
        let circuit = &program.circuit;
        let mut unread: Vec<Option<M::Bit>> = inputs.into_iter().map(Some).collect();
        let mut read = vec![false; unread.len()];
        let mut refreshes = 0;
        for gate in &circuit.gates {
            match *gate {
                Gate::Input(bit) => read[bit as usize] = true,
                Gate::Refresh(_) => refreshes += 1,
                Gate::Constant(_) | Gate::Not(_) | Gate::Xor(..) | Gate::And(..) => {}
            }
        }
        for (value, _) in unread.iter_mut().zip(&read).filter(|(_, read)| !**read) {
            *value = None;
        }
        let live = read.iter().filter(|read| **read).count();
        let values = std::iter::repeat_with(|| None).take(circuit.gates.len()).collect();
        let state = State { level: 0, levels: program.levels.len(), refreshes_done: 0, refreshes };
        Run { program, machine, options, inputs: unread, values, live, peak: live, state }
    }

    fn level(&mut self, level: &Level) -> Result<(), Stopped> {
        let (refreshes, others) = self.program.split(level);
        let batch = self.options.max_batch.map_or(refreshes.len(), NonZeroUsize::get).max(1);
        let end = others.start;
        let mut batches = refreshes.step_by(batch).map(move |first| first..(first + batch).min(end));
        self.check_stop()?;
        self.first_batch(batches.next().unwrap_or_default(), others);
        for batch in batches {
            self.report();
            self.check_stop()?;
            let made = refreshed(self.machine, &self.values, &self.program.circuit.gates[batch.clone()]);
            self.put_refreshed(batch, made);
        }
        self.live -= level.dead.len();
        for wire in &level.dead {
            self.values[wire.index()] = None;
        }
        Ok(())
    }

    /// Refreshes a level's first batch, and computes its other gates beside it.
    fn first_batch(&mut self, batch: Range<usize>, others: Range<usize>) {
        let (machine, values, gates) = (self.machine, &self.values, &self.program.circuit.gates);
        let (made, computed) = rayon::join(
            || refreshed(machine, values, &gates[batch.clone()]),
            || -> Vec<Option<M::Bit>> {
                gates[others.clone()].par_iter().map(|gate| evaluate(machine, values, *gate)).collect()
            },
        );
        self.put_refreshed(batch, made);
        for (index, value) in others.zip(computed) {
            match self.program.circuit.gates[index] {
                Gate::Input(bit) => self.values[index] = self.inputs[bit as usize].take(),
                Gate::Constant(_) | Gate::Not(_) | Gate::Xor(..) | Gate::And(..) | Gate::Refresh(_) => {
                    self.put(index, value);
                }
            }
        }
    }

    fn put_refreshed(&mut self, batch: Range<usize>, made: Vec<M::Bit>) {
        assert_eq!(made.len(), batch.len(), "a machine returns one bit per refresh");
        self.state.refreshes_done += batch.len();
        for (index, value) in batch.zip(made) {
            self.put(index, Some(value));
        }
    }

    fn put(&mut self, index: usize, value: Option<M::Bit>) {
        self.values[index] = value;
        self.live += 1;
        self.peak = self.peak.max(self.live);
    }

    fn outputs(mut self) -> Vec<M::Bit> {
        let mut uses = vec![0_usize; self.values.len()];
        for wire in &self.program.circuit.output_wires {
            uses[wire.index()] += 1;
        }
        let mut take = |wire: &Wire| {
            uses[wire.index()] -= 1;
            let value = &mut self.values[wire.index()];
            if uses[wire.index()] == 0 { value.take() } else { value.clone() }
        };
        let outputs = self.program.circuit.output_wires.iter();
        outputs.map(|wire| take(wire).expect("verified: outputs never die")).collect()
    }

    fn check_stop(&self) -> Result<(), Stopped> {
        if !self.options.stop.is_some_and(|stop| stop.load(Ordering::Relaxed)) {
            return Ok(());
        }
        let State { level, levels, refreshes_done: done, refreshes } = self.state;
        Err(Stopped::Asked { level, levels, done, refreshes })
    }

    fn report(&self) {
        if let Some(progress) = self.options.progress {
            progress.advanced(self.state);
        }
    }
}

/// The bits of refreshes.
fn refreshed<M: Machine>(machine: &M, values: &[Option<M::Bit>], refreshes: &[Gate]) -> Vec<M::Bit> {
    if refreshes.is_empty() {
        return Vec::new();
    }
    let operands = refreshes.iter().flat_map(|gate| gate.operands());
    machine.refresh(&operands.map(|wire| value(values, wire)).collect::<Vec<_>>())
}

/// The gate's value; inputs are moved, and refreshes made together, elsewhere.
fn evaluate<M: Machine>(machine: &M, values: &[Option<M::Bit>], gate: Gate) -> Option<M::Bit> {
    match gate {
        Gate::Input(_) | Gate::Refresh(_) => None,
        Gate::Constant(bit) => Some(machine.constant(bit)),
        Gate::Not(a) => Some(machine.not(value(values, a))),
        Gate::Xor(a, b) => Some(machine.xor(value(values, a), value(values, b))),
        Gate::And(a, b) => Some(machine.and(value(values, a), value(values, b))),
    }
}

fn value<Bit>(values: &[Option<Bit>], wire: Wire) -> &Bit {
    values[wire.index()].as_ref().expect("verified: operands are made before and not dead")
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::sync::Mutex;
    use std::sync::atomic::AtomicUsize;

    use ffhec_circuit::{Circuit, Plain, Port};
    use proptest::prelude::*;

    use super::*;

    fn port(name: &str, width: u32) -> Port {
        Port { name: name.into(), kind: "bits".into(), width, range: None }
    }

    /// Random gates of every kind over `inputs` bits; some inputs unread, some outputs twice.
    fn programs() -> impl Strategy<Value = Program> {
        let gates = prop::collection::vec((0_u8..6, any::<u16>(), any::<u16>()), 1..80);
        (1_u32..9, gates, prop::collection::vec(any::<u16>(), 0..6)).prop_map(|(inputs, recipe, outputs)| {
            let mut gates: Vec<Gate> = (0..inputs).filter(|bit| bit % 5 != 4).map(Gate::Input).collect();
            for (kind, a, b) in recipe {
                let pick = |n: u16| Wire::new(n as usize % gates.len());
                gates.push(match kind {
                    0 => Gate::Not(pick(a)),
                    1 => Gate::Refresh(pick(a)),
                    2 => Gate::Constant(a % 2 == 0),
                    3 => Gate::And(pick(a), pick(b)),
                    _ => Gate::Xor(pick(a), pick(b)),
                });
            }
            let output_wires: Vec<Wire> =
                outputs.iter().map(|n| Wire::new(*n as usize % gates.len())).collect();
            let circuit = Circuit {
                origins: vec![0; gates.len()],
                gates,
                functions: vec!["main".into()],
                inputs: vec![port("x", inputs)],
                outputs: vec![port("y", output_wires.len() as u32)],
                output_wires,
            };
            Program::in_order(circuit, "test")
        })
    }

    /// Bits that know how many of them are alive.
    #[derive(Default)]
    struct Counting {
        live: AtomicUsize,
        peak: AtomicUsize,
        refresh_calls: Mutex<Vec<usize>>,
    }

    struct Counted<'a>(bool, &'a Counting);

    impl Counting {
        fn bit(&self, bit: bool) -> Counted<'_> {
            let live = self.live.fetch_add(1, Ordering::SeqCst) + 1;
            self.peak.fetch_max(live, Ordering::SeqCst);
            Counted(bit, self)
        }
    }

    impl Drop for Counted<'_> {
        fn drop(&mut self) {
            self.1.live.fetch_sub(1, Ordering::SeqCst);
        }
    }

    impl Clone for Counted<'_> {
        fn clone(&self) -> Self {
            self.1.bit(self.0)
        }
    }

    impl<'a> Machine for &'a Counting {
        type Bit = Counted<'a>;

        fn constant(&self, bit: bool) -> Counted<'a> {
            self.bit(bit)
        }

        fn xor(&self, a: &Counted<'a>, b: &Counted<'a>) -> Counted<'a> {
            self.bit(a.0 ^ b.0)
        }

        fn and(&self, a: &Counted<'a>, b: &Counted<'a>) -> Counted<'a> {
            self.bit(a.0 & b.0)
        }

        fn not(&self, a: &Counted<'a>) -> Counted<'a> {
            self.bit(!a.0)
        }

        fn refresh(&self, bits: &[&Counted<'a>]) -> Vec<Counted<'a>> {
            self.refresh_calls.lock().unwrap().push(bits.len());
            bits.iter().map(|bit| self.bit(bit.0)).collect()
        }
    }

    proptest! {
        #[test]
        fn a_run_equals_evaluation_gate_by_gate(
            program in programs(), words in prop::collection::vec(any::<u64>(), 8), batch in 0_usize..4
        ) {
            let inputs = words[..program.circuit.input_bits()].to_vec();
            let options = Options { max_batch: NonZeroUsize::new(batch), ..Options::default() };
            let finished = run(&program, &Plain, inputs.clone(), &options).unwrap();
            prop_assert_eq!(finished.outputs, ffhec_circuit::evaluate(&program.circuit, &Plain, &inputs));
            let stats = program.stats();
            prop_assert_eq!((finished.peak_live, finished.refreshes), (stats.peak_live, stats.counts.refresh));
        }

        #[test]
        fn what_dies_is_freed_and_a_refresh_level_is_one_call(program in programs()) {
            let machine = Counting::default();
            let inputs: Vec<_> = (0..program.circuit.input_bits()).map(|bit| machine.bit(bit % 3 == 0)).collect();
            let given = inputs.len();
            let finished = run(&program, &&machine, inputs, &Options::default()).unwrap();
            prop_assert_eq!(machine.live.load(Ordering::SeqCst), program.circuit.output_bits());
            let outputs = program.circuit.output_bits();
            let peak = machine.peak.load(Ordering::SeqCst);
            prop_assert!(peak <= finished.peak_live.max(given).max(outputs), "{peak}");
            let levels = program.stats().levels;
            let expected: Vec<usize> = levels.iter().map(|l| l.refresh).filter(|n| *n > 0).collect();
            prop_assert_eq!(&*machine.refresh_calls.lock().unwrap(), &expected);
            drop(finished);
            prop_assert_eq!(machine.live.load(Ordering::SeqCst), 0);
        }
    }

    /// Refreshes `count` inputs, and the results once more.
    fn twice_refreshed(count: u32) -> Program {
        let mut builder = ffhec_circuit::Builder::new();
        builder.set_origin("main");
        let mut bits = builder.input(port("x", count));
        for _ in 0..2 {
            bits = bits.iter().map(|bit| builder.refresh(*bit)).collect();
        }
        builder.output(port("y", count), &bits);
        Program::in_order(builder.finish(), "test")
    }

    /// Records what it hears, and sets a flag at a given number of refreshes.
    struct Listener {
        heard: Mutex<Vec<State>>,
        stop: AtomicBool,
        stop_at: usize,
    }

    impl Progress for Listener {
        fn advanced(&self, state: State) {
            self.heard.lock().unwrap().push(state);
            self.stop.store(state.refreshes_done >= self.stop_at, Ordering::Relaxed);
        }
    }

    fn listen(stop_at: usize) -> (Result<Finished<u64>, Stopped>, Vec<State>) {
        let listener = Listener { heard: Mutex::default(), stop: AtomicBool::new(false), stop_at };
        let options = Options {
            max_batch: NonZeroUsize::new(2),
            stop: Some(&listener.stop),
            progress: Some(&listener),
        };
        let result = run(&twice_refreshed(5), &Plain, vec![1; 5], &options);
        let heard = listener.heard.into_inner().unwrap();
        (result, heard)
    }

    #[test]
    fn progress_rises_to_the_end() {
        let (result, heard) = listen(usize::MAX);
        assert_eq!(result.unwrap().refreshes, 10);
        let done: Vec<usize> = heard.iter().map(|state| state.refreshes_done).collect();
        assert_eq!(done, [0, 0, 2, 4, 5, 7, 9, 10]);
        assert_eq!(heard.last(), Some(&State { level: 3, levels: 3, refreshes_done: 10, refreshes: 10 }));
    }

    #[test]
    fn the_stop_flag_stops_between_batches_and_levels() {
        let stopped = |level, done| Stopped::Asked { level, levels: 3, done, refreshes: 10 };
        assert_eq!(listen(0).0, Err(stopped(0, 0)));
        assert_eq!(listen(4).0, Err(stopped(1, 4)));
        assert_eq!(listen(5).0, Err(stopped(2, 5)));
    }

    #[test]
    fn a_wrong_number_of_inputs_is_an_error() {
        let result = run(&twice_refreshed(2), &Plain, vec![1; 3], &Options::default());
        assert_eq!(result, Err(Stopped::InputCount { found: 3, expected: 2 }));
    }
}
