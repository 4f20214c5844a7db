//! Names of FPCore as names of `.ffl`: every binding gets one of its own, so that nothing is ever hidden.

use std::collections::BTreeSet;

/// What an importer's program uses itself, and the words of the language.
const TAKEN: &[&str] = &[
    "_", "as", "const", "else", "false", "fn", "for", "if", "in", "let", "mut", "public", "true", "type",
    "use", "main", "Real", "result",
];

/// The names given so far.
#[derive(Clone, Debug)]
pub(super) struct Names {
    taken: BTreeSet<String>,
}

impl Names {
    /// No names but those that a program must not use: `also` are the functions and constants that it calls.
    pub(super) fn new<'a>(also: impl Iterator<Item = &'a str>) -> Self {
        Names { taken: TAKEN.iter().copied().chain(also).map(str::to_owned).collect() }
    }

    /// A name that nothing else has, as like `name` as the language allows.
    pub(super) fn fresh(&mut self, name: &str) -> String {
        let plain = escaped(name);
        let mut candidate = plain.clone();
        let mut number = 2_usize;
        while !self.taken.insert(candidate.clone()) {
            candidate = format!("{plain}_{number}");
            number += 1;
        }
        candidate
    }
}

/// `name` with what `.ffl` does not allow spelled out.
fn escaped(name: &str) -> String {
    let mut out = String::new();
    for c in name.chars() {
        match c {
            'a'..='z' | 'A'..='Z' | '0'..='9' | '_' => out.push(c),
            '-' => out.push('_'),
            '*' => out.push_str("_star"),
            '\'' => out.push_str("_prime"),
            '+' => out.push_str("_plus"),
            '/' => out.push_str("_over"),
            '?' => out.push_str("_q"),
            '!' => out.push_str("_bang"),
            '.' => out.push_str("_dot"),
            c => out.push_str(&format!("_u{:x}", u32::from(c))),
        }
    }
    if out.starts_with(|c: char| c.is_ascii_digit()) || out.is_empty() { format!("n{out}") } else { out }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_legal_and_never_the_same() {
        let mut names = Names::new(["exp"].into_iter());
        let given: Vec<String> = ["x", "x", "t*", "x'", "exp", "if", "2b", "a-b", "é", "_", "x_2"]
            .iter()
            .map(|n| names.fresh(n))
            .collect();
        assert_eq!(
            given,
            ["x", "x_2", "t_star", "x_prime", "exp_2", "if_2", "n2b", "a_b", "_ue9", "__2", "x_2_2"]
        );
    }
}
