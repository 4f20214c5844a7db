//! Preconditions: what of them is a range of one parameter, and what is left.

use super::sexpr::Sexpr;

/// The bounds that a precondition gives the parameters, as expressions without variables.
pub(super) struct Bounds<'s, 't> {
    /// For each parameter, its lower and its upper bound.
    pub(super) of: Vec<(Option<&'s Sexpr<'t>>, Option<&'s Sexpr<'t>>)>,
    /// Conjuncts that say more than the bounds do.
    pub(super) rest: Vec<&'s Sexpr<'t>>,
}

/// Takes the ranges of `parameters` out of the conjunction `pre`.
pub(super) fn bounds<'s, 't>(pre: &'s Sexpr<'t>, parameters: &[&str]) -> Bounds<'s, 't> {
    let mut bounds = Bounds { of: vec![(None, None); parameters.len()], rest: Vec::new() };
    let mut pending = vec![pre];
    while let Some(conjunct) = pending.pop() {
        match conjunct.list() {
            Some([head, members @ ..]) if head.atom() == Some("and") => pending.extend(members.iter().rev()),
            Some([head, members @ ..]) if !bounds.take(head.atom(), members, parameters) => {
                bounds.rest.push(conjunct);
            }
            Some([_, ..]) => {}
            Some([]) | None if conjunct.atom() == Some("TRUE") => {}
            Some([]) | None => bounds.rest.push(conjunct),
        }
    }
    bounds
}

impl<'s, 't> Bounds<'s, 't> {
    /// Notes what the comparison bounds; whether that is all it says.
    fn take(&mut self, operator: Option<&str>, members: &'s [Sexpr<'t>], parameters: &[&str]) -> bool {
        let (reversed, mut whole) = match operator {
            Some("<=") => (false, true),
            Some("<") => (false, false),
            Some(">=") => (true, true),
            Some(">") => (true, false),
            Some(_) | None => return false,
        };
        let parameter =
            |part: &Sexpr<'_>| part.atom().and_then(|name| parameters.iter().position(|p| *p == name));
        for pair in members.windows(2) {
            let (low, high) = if reversed { (&pair[1], &pair[0]) } else { (&pair[0], &pair[1]) };
            match (parameter(low), parameter(high)) {
                (None, Some(index)) if is_constant(low) && self.of[index].0.is_none() => {
                    self.of[index].0 = Some(low);
                }
                (Some(index), None) if is_constant(high) && self.of[index].1.is_none() => {
                    self.of[index].1 = Some(high);
                }
                _ => whole = false,
            }
        }
        whole
    }
}

/// Whether an expression is made of numbers and named constants alone.
fn is_constant(part: &Sexpr<'_>) -> bool {
    match (part.atom(), part.list()) {
        (Some(atom), _) => super::number::parse(atom).is_some() || super::number::constant(atom).is_some(),
        (None, Some([head, members @ ..])) => {
            matches!(head.atom(), Some("+" | "-" | "*" | "/")) && members.iter().all(is_constant)
        }
        (None, Some([]) | None) => false,
    }
}
