//! Level-parallel execution.
use std::sync::atomic::{AtomicBool, Ordering};

use ffhec_circuit::{Gate, Machine, Program};
use rayon::prelude::*;

/// Where an execution is.
pub struct Position {
    /// Level.
    pub level: usize,
    /// Levels.
    pub levels: usize,
    /// Refreshes done.
    pub refreshes_done: usize,
    /// Refreshes in all.
    pub refreshes: usize,
}
/// Told between levels.
pub trait Progress: Sync {
    /// Between levels.
    fn level(&self, at: &Position);
}
/// Options.
pub struct Options<'a> {
    /// Progress.
    pub progress: Option<&'a dyn Progress>,
    /// Stop flag.
    pub stop: Option<&'a AtomicBool>,
    /// Batch.
    pub max_batch: Option<usize>,
}
/// Done.
pub struct Run<B> {
    /// Outputs.
    pub outputs: Vec<B>,
}
/// Stopped.
pub struct Stopped {}
/// Runs.
pub fn run<M>(program: &Program, machine: &M, inputs: Vec<M::Bit>, options: &Options<'_>) -> Result<Run<M::Bit>, Stopped>
where M: Machine + Sync, M::Bit: Send + Sync {
    let c = &program.circuit;
    let mut v: Vec<Option<M::Bit>> = vec![None; c.gates.len()];
    let refreshes = c.counts().refresh;
    let mut done = 0;
    for (level, l) in program.levels.iter().enumerate() {
        if options.stop.is_some_and(|s| s.load(Ordering::SeqCst)) { return Err(Stopped {}); }
        let r = l.gates.start as usize..l.gates.end as usize;
        let gates = &c.gates[r.clone()];
        let get = |w: ffhec_circuit::Wire| v[w.index()].as_ref().expect("verified: operands are alive");
        let new: Vec<M::Bit> = if let Some(Gate::Refresh(_)) = gates.first() {
            let ins: Vec<&M::Bit> = gates.iter().flat_map(|g| g.operands()).map(get).collect();
            done += ins.len();
            machine.refresh(&ins)
        } else {
            gates.par_iter().map(|g| match *g {
                Gate::Constant(b) => machine.constant(b),
                Gate::Input(i) => inputs[i as usize].clone(),
                Gate::Not(a) => machine.not(get(a)),
                Gate::Xor(a, b) => machine.xor(get(a), get(b)),
                Gate::And(a, b) => machine.and(get(a), get(b)),
                Gate::Refresh(a) => machine.refresh(&[get(a)]).swap_remove(0),
            }).collect()
        };
        for (slot, value) in v[r].iter_mut().zip(new) { *slot = Some(value); }
        for w in &l.dead { v[w.index()] = None; }
        if let Some(p) = options.progress { p.level(&Position { level: level + 1, levels: program.levels.len(), refreshes_done: done, refreshes }); }
    }
    Ok(Run { outputs: c.output_wires.iter().map(|w| v[w.index()].clone().expect("verified: outputs live")).collect() })
}
