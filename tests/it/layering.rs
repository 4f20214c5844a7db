//! The compiler and the runtime meet in the driver only.

use crate::command::root;

fn manifest(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap()
}

#[test]
fn the_compiler_and_the_runtime_do_not_know_each_other() {
    assert!(!manifest("compiler/Cargo.toml").contains("ffhec-runtime"));
    assert!(!manifest("runtime/Cargo.toml").contains("ffhec-compiler"));
    let circuit = manifest("runtime/circuit/Cargo.toml");
    assert!(!circuit.contains("ffhec-runtime") && !circuit.contains("ffhec-compiler"));
}

#[test]
fn the_visible_top_level_is_exactly_what_the_readme_shows() {
    let expected = [
        "CHANGELOG.md",
        "Cargo.lock",
        "Cargo.toml",
        "LICENSE-APACHE",
        "LICENSE-MIT",
        "README.md",
        "compiler",
        "examples",
        "runtime",
        "stdlib",
        "tests",
    ];
    let mut found: Vec<String> = std::fs::read_dir(root())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| !name.starts_with('.') && name != "target")
        .collect();
    found.sort();
    assert_eq!(found, expected);
}
