//! Generates the parser from `src/syntax/grammar.lalrpop`.

fn main() {
    let result =
        lalrpop::Configuration::new().use_cargo_dir_conventions().emit_rerun_directives(true).process();
    if let Err(error) = result {
        println!("cargo::error=the grammar is not accepted: {error}");
    }
}
