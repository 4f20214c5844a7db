//! Circuits for functions of at most eight leaves, each of which may have only so many ANDs after it.
//!
//! The circuit with the fewest ANDs is taken if it is shallow enough ([`super::super::rewrite`]); otherwise the function
//! is split at a late leaf, `f = f0 ^ x (f0 ^ f1)` or `f1 ^ (x ^ 1)(f0 ^ f1)`, so that only one AND comes after `x`
//! (Davio's decompositions).

use std::collections::HashMap;

use crate::opt::rewrite::{Known, VARIABLES};

use super::table::{LEAVES, Table};

/// How many ANDs may come after each leaf; negative for leaves that are too late for all but being absent.
pub(super) type Slack = [i8; LEAVES];

/// The most levels that are told apart.
pub(super) const FAR: i8 = 12;

/// How to compute a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// By the chain with this number for its class.
    Chain(u8),
    /// Split at the variable; whether it is complemented.
    Split(u8, bool),
}

/// A way of computing a function within its slack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Plan {
    /// AND gates.
    pub(super) ands: u32,
    pub(super) step: Step,
}

/// Plans that were made.
#[derive(Default)]
pub(super) struct Plans {
    pub(super) known: Known,
    plans: HashMap<(Table, Slack), Option<Plan>>,
}

impl Plans {
    /// The plan with the fewest ANDs that was found for a function; `None` if a leaf is too late.
    pub(super) fn plan(&mut self, table: Table, slack: Slack) -> Option<Plan> {
        let slack = relevant(table, slack)?;
        if let Some(&plan) = self.plans.get(&(table, slack)) {
            return plan;
        }
        let plan = self.search(table, slack);
        self.plans.insert((table, slack), plan);
        plan
    }

    fn search(&mut self, table: Table, slack: Slack) -> Option<Plan> {
        self.chain(table, slack).or_else(|| self.split(table, slack))
    }

    /// The circuit with the fewest ANDs, if it is known and shallow enough.
    fn chain(&mut self, table: Table, slack: Slack) -> Option<Plan> {
        let (table, places) = table.compressed()?;
        let (normal, chains) = self.known.look_up(table)?;
        let depths: [u32; VARIABLES] =
            std::array::from_fn(|at| u32::from((FAR - slack[places[at]]).unsigned_abs()));
        let within = |chain| normal.depth(chain, &depths) <= u32::from(FAR.unsigned_abs());
        let at = chains.iter().position(within)?;
        let ands = u32::try_from(chains[at].gates.len()).expect("at most four");
        Some(Plan { ands, step: Step::Chain(u8::try_from(at).expect("a few")) })
    }

    /// The cheapest decomposition at one of the latest leaves.
    fn split(&mut self, table: Table, slack: Slack) -> Option<Plan> {
        let used = || (0..LEAVES).filter(|&at| table.depends(at));
        let tightest = used().map(|at| slack[at]).min()?;
        let mut best: Option<Plan> = None;
        for at in used().filter(|&at| slack[at] <= tightest.max(1)) {
            let [low, high] = table.cofactors(at);
            let factor = low ^ high;
            let own = u32::from(factor != Table::ONE);
            if own > 0 && slack[at] < 1 {
                continue;
            }
            let Some(product) = self.plan(factor, slack.map(|slack| slack - 1)) else { continue };
            for (rest, flip) in [(low, false), (high, true)] {
                let Some(plan) = self.plan(rest, slack) else { continue };
                let ands = own + product.ands + plan.ands;
                if best.is_none_or(|best| ands < best.ands) {
                    best = Some(Plan {
                        ands,
                        step: Step::Split(u8::try_from(at).expect("at most eight"), flip),
                    });
                }
            }
        }
        best
    }
}

/// The slack with what does not matter made equal; `None` if it is not enough.
fn relevant(table: Table, slack: Slack) -> Option<Slack> {
    let mut result = [FAR; LEAVES];
    for at in (0..LEAVES).filter(|&at| table.depends(at)) {
        if slack[at] < 0 {
            return None;
        }
        result[at] = slack[at].min(FAR);
    }
    Some(result)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::opt::testing::Random;

    #[test]
    fn a_late_variable_has_one_and_after_it() {
        let mut random = Random::new(9);
        let mut plans = Plans::default();
        for _ in 0..40 {
            let table = Table([random.word(); 4]);
            let early = [FAR; LEAVES];
            let free = plans.plan(table, early);
            for at in 0..VARIABLES {
                let mut slack = early;
                slack[at] = 1;
                // Splitting at the variable always serves, and never takes fewer ANDs than when there is time.
                let late = plans.plan(table, slack);
                assert!(late.is_some_and(|late| free.is_some_and(|free| free.ands <= late.ands)));
                slack[at] = 0;
                let is_linear = {
                    let [low, high] = table.cofactors(at);
                    low ^ high == Table::ONE || low == high
                };
                assert_eq!(plans.plan(table, slack).is_some(), is_linear);
            }
        }
    }
}
