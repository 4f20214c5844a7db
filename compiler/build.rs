//! Generates the parser from `src/syntax/grammar.lalrpop`.
fn main() {}
