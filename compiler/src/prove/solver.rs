//! Asks a SAT solver whether two nodes of the joint graph can differ.

use std::collections::BTreeMap;

use batsat::{Callbacks, ClauseKind, SolverInterface, SolverOpts, lbool};

use super::sweep::Node;
use super::window::Window;

/// What the solver says about two nodes.
pub(crate) enum Answer {
    /// They are equal for all values of the leaves.
    Equal,
    /// They differ where these leaves are 1 and the others 0.
    Differ(Vec<u32>),
    /// It ran out of conflicts.
    Unknown,
}

/// Stops the solver after some conflicts.
struct Limit {
    left: u64,
}

impl Callbacks for Limit {
    fn on_new_clause(&mut self, _: &[batsat::Lit], kind: ClauseKind) {
        if matches!(kind, ClauseKind::Learnt) {
            self.left = self.left.saturating_sub(1);
        }
    }

    fn stop(&self) -> bool {
        self.left == 0
    }
}

/// Whether `a` and `b`, nodes of `window` or its leaves, are equal (or, if `flip`, complements); and after how many
/// conflicts that was known.
pub(crate) fn ask(
    nodes: &[Node],
    window: &Window,
    (a, b): (u32, u32),
    flip: bool,
    limit: u64,
) -> (Answer, u64) {
    let mut solver = batsat::Solver::new(SolverOpts::default(), Limit { left: limit });
    let mut literals: BTreeMap<u32, batsat::Lit> = BTreeMap::new();
    for &node in window.leaves.iter().chain(&window.inner) {
        let literal = batsat::Lit::new(solver.new_var_default(), true);
        literals.insert(node, literal);
    }
    let mut clause = Vec::with_capacity(3);
    let mut add = |solver: &mut batsat::Solver<Limit>, literals: &[batsat::Lit]| {
        clause.clear();
        clause.extend_from_slice(literals);
        solver.add_clause_reuse(&mut clause)
    };
    for (&node, &is) in &literals {
        let inner = window.inner.binary_search(&node).is_ok();
        match nodes[node as usize] {
            Node::Zero => {
                add(&mut solver, &[!is]);
            }
            Node::And(x, y) if inner => {
                let literal = |lit: super::sweep::Lit| literals[&lit.node()].apply_sign(!lit.is_flipped());
                let (x, y) = (literal(x), literal(y));
                add(&mut solver, &[!is, x]);
                add(&mut solver, &[!is, y]);
                add(&mut solver, &[is, !x, !y]);
            }
            Node::Xor(x, y) if inner => {
                let (x, y) = (literals[&x], literals[&y]);
                add(&mut solver, &[!is, x, y]);
                add(&mut solver, &[!is, !x, !y]);
                add(&mut solver, &[is, !x, y]);
                add(&mut solver, &[is, x, !y]);
            }
            Node::Input | Node::And(..) | Node::Xor(..) => {}
        }
    }
    // One of them is true and the other false.
    let (a, b) = (literals[&a], literals[&b].apply_sign(!flip));
    add(&mut solver, &[a, b]);
    add(&mut solver, &[!a, !b]);
    let found = solver.solve_limited(&[]);
    let conflicts = solver.num_conflicts();
    let answer = if found == lbool::FALSE {
        Answer::Equal
    } else if found == lbool::TRUE {
        let is_one = |leaf: &u32| solver.value_lit(literals[leaf]) == lbool::TRUE;
        Answer::Differ(window.leaves.iter().copied().filter(is_one).collect())
    } else {
        Answer::Unknown
    };
    (answer, conflicts)
}
