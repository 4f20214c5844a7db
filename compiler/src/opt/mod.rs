//! Passes over circuits: the same function, fewer and shallower ANDs, refreshes placed, gates sorted into levels.
//!
//! In: a [`Circuit`] as the lowering builds it. Out: [`optimize`] gives the same function over the same ports in a
//! smaller circuit; [`compile_for`] gives the [`Program`] that the virtual machine runs. Every pass is deterministic,
//! takes near-linear time, and keeps ports, functions and the origin of every gate.

use ffhec_circuit::{Circuit, Program, Target};

use crate::gadgets::objective::Objective;

mod adders;
mod balance;
mod basis;
mod cut;
mod dead;
mod depth;
mod levels;
mod quiet;
mod readers;
mod rebuild;
mod refresh;
mod resub;
mod rewrite;
mod schedule;
mod share;
mod simplify;
mod sums;
#[cfg(test)]
pub(crate) mod testing;
mod triples;

pub use adders::{merge_adders, merge_adders_within};
pub use balance::balance;
pub use dead::remove_dead;
pub use depth::shallow;
pub use refresh::{PlaceError, Placement, place, place_by_levels, place_refreshes};
pub use resub::{resubstitute, resubstitute_all, resubstitute_within};
pub use rewrite::{rewrite, rewrite_all};
pub use schedule::{schedule, schedule_within};
pub use share::{share, share_all};
pub use simplify::simplify;

/// Where a circuit comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Our gadgets made it: where it is large, there is little left to gain, and passes that take long are left out.
    Gadgets,
    /// Another tool made it.
    Elsewhere,
}

/// A step of the optimiser: the same function, never with more ANDs nor a larger AND-depth.
#[derive(Clone, Copy, Debug)]
pub struct Pass {
    /// What the step is called.
    pub name: &'static str,
    /// The step for gates that our gadgets made.
    ours: fn(Circuit) -> Circuit,
    /// The step for circuits of any size from elsewhere.
    theirs: fn(Circuit) -> Circuit,
    /// The step where less depth is worth ANDs, as long as there are no more than so many.
    within: Option<fn(Circuit, usize) -> Circuit>,
}

impl Pass {
    const fn new(name: &'static str, ours: fn(Circuit) -> Circuit, theirs: fn(Circuit) -> Circuit) -> Pass {
        Pass { name, ours, theirs, within: None }
    }

    const fn or_within(self, within: fn(Circuit, usize) -> Circuit) -> Pass {
        Pass { within: Some(within), ..self }
    }

    /// Takes the step.
    pub fn run(&self, circuit: Circuit, origin: Origin) -> Circuit {
        match origin {
            Origin::Gadgets => (self.ours)(circuit),
            Origin::Elsewhere => (self.theirs)(circuit),
        }
    }

    /// Takes the step for less depth within `most` ANDs, if it has one for circuits from elsewhere, or for the fewest.
    fn run_within(&self, circuit: Circuit, origin: Origin, most: Option<usize>) -> Circuit {
        match (origin, self.within, most) {
            (Origin::Elsewhere, Some(within), Some(most)) => within(circuit, most),
            (Origin::Gadgets, ..) | (_, None, _) | (_, _, None) => self.run(circuit, origin),
        }
    }
}

/// The optimiser, in order.
pub const PASSES: &[Pass] = &[
    Pass::new("simplify", simplify, simplify),
    Pass::new("rewrite", rewrite, rewrite_all),
    Pass::new("resubstitute", resubstitute, resubstitute_all).or_within(resubstitute_within),
    // Gadgets add up many terms by carry-save trees already, and in programs the longer sums of what is left would take
    // more refreshes than the few ANDs are worth.
    Pass::new("adders", std::convert::identity, merge_adders).or_within(merge_adders_within),
    Pass::new("share", share, share_all),
    Pass::new("balance", balance, balance),
    Pass::new("remove-dead", remove_dead, remove_dead),
];

/// Where less depth is worth ANDs, adders are grouped anew after the first of the [`PASSES`] already, while they are as they
/// were written.
const EARLY: Pass =
    Pass::new("early-adders", std::convert::identity, merge_adders).or_within(merge_adders_within);

/// The passes where less depth is worth ANDs up to `most` of them, or for the fewest.
fn passes(most: Option<usize>) -> impl Iterator<Item = &'static Pass> {
    let (first, rest) = PASSES.split_at(1);
    first.iter().chain(most.map(|_| &EARLY)).chain(rest)
}

/// Runs all [`PASSES`] over a circuit of our gadgets, for the fewest ANDs.
pub fn optimize(circuit: Circuit) -> Circuit {
    optimize_observed(circuit, Origin::Gadgets, Objective::FewestAnds, &mut |_| {})
}

/// Runs all [`PASSES`] over `circuit`, and for another objective than the fewest ANDs shortens chains of ANDs as well
/// ([`merge_adders_within`], [`shallow`]), as far as half as many ANDs again ([`Objective::Balanced`]) or four times as many
/// ([`Objective::LeastDepth`]) as the circuit came with allow. `done` is told the name of each pass after it.
pub fn optimize_observed(
    circuit: Circuit,
    origin: Origin,
    objective: Objective,
    done: &mut dyn FnMut(&'static str),
) -> Circuit {
    let most = most_ands(&circuit, objective);
    let circuit = passes(most).fold(circuit, |circuit, pass| {
        let circuit = pass.run_within(circuit, origin, most);
        done(pass.name);
        circuit
    });
    let Some(most) = most.filter(|_| is_shortened(&circuit, origin)) else { return circuit };
    let circuit = shallow(circuit, most);
    done(SHALLOW);
    circuit
}

/// Like [`optimize_observed`]; `check` is told each pass with the circuit before and after it, and may stop.
///
/// # Errors
/// What `check` says.
pub fn optimize_checked<E>(
    circuit: Circuit,
    origin: Origin,
    objective: Objective,
    check: &mut dyn FnMut(&'static str, &Circuit, &Circuit) -> Result<(), E>,
) -> Result<Circuit, E> {
    let most = most_ands(&circuit, objective);
    let circuit = passes(most).try_fold(circuit, |circuit, pass| {
        let after = pass.run_within(circuit.clone(), origin, most);
        check(pass.name, &circuit, &after)?;
        Ok(after)
    })?;
    let Some(most) = most.filter(|_| is_shortened(&circuit, origin)) else { return Ok(circuit) };
    let after = shallow(circuit.clone(), most);
    check(SHALLOW, &circuit, &after)?;
    Ok(after)
}

/// What the pass after [`PASSES`] is called.
const SHALLOW: &str = "shallow";

/// The most ANDs of programs of our own whose chains are shortened: it takes seconds for a thousand.
const LARGEST_SHORTENED_OF_OURS: usize = 5_000;

fn is_shortened(circuit: &Circuit, origin: Origin) -> bool {
    match origin {
        Origin::Gadgets => circuit.counts().and <= LARGEST_SHORTENED_OF_OURS,
        Origin::Elsewhere => true,
    }
}

/// How many ANDs `objective` allows for less depth in a circuit that came like this.
fn most_ands(circuit: &Circuit, objective: Objective) -> Option<usize> {
    let ands = circuit.counts().and;
    match objective {
        Objective::FewestAnds => None,
        Objective::Balanced => Some(ands + ands / 2),
        Objective::LeastDepth => Some(4 * ands),
    }
}

/// Places refreshes in `circuit` for `target` and schedules the result.
///
/// # Errors
/// If no placement keeps the noise within the target's budget.
pub fn compile_for(circuit: &Circuit, target: &Target) -> Result<Program, PlaceError> {
    let placed = place_refreshes(circuit, target)?;
    Ok(schedule(&placed, &target.preset))
}
