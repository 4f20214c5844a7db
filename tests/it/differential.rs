//! Every example: right answers in the clear, and the same answers over ciphertexts.

use crate::command::{ffhec, root};

/// Example, options, whether it is small enough for FFHE in a test.
const EXAMPLES: [(&str, &[&str], bool); 12] = [
    ("exp_mul", &[], true),
    ("risk", &[], true),
    ("triage", &[], true),
    ("dot", &[], true),
    ("polynomial", &[], true),
    ("linear_model", &["--public-file", "examples/linear_model.json"], true),
    ("logistic", &["--public-file", "examples/logistic.json"], true),
    ("median", &[], true),
    ("decision_tree", &["--public-file", "examples/decision_tree.json"], true),
    ("perceptron", &["--public-file", "examples/perceptron.json"], true),
    ("nearest_neighbours", &["--public-file", "examples/nearest_neighbours.json"], false),
    ("svm", &["--public-file", "examples/svm.json"], false),
];

fn run(name: &str, options: &[&str], more: &[&str]) -> String {
    let (program, table) = (format!("examples/{name}.ffl"), format!("examples/{name}.csv"));
    let mut args = vec!["run", program.as_str(), "--inputs", table.as_str(), "-q"];
    args.extend(options);
    args.extend(more);
    ffhec(&args).ok()
}

#[test]
fn every_example_stands_in_the_table() {
    let mut found: Vec<String> = crate::command::programs(&root().join("examples"))
        .iter()
        .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    found.sort();
    let mut known: Vec<&str> = EXAMPLES.iter().map(|(name, _, _)| *name).collect();
    known.sort_unstable();
    assert_eq!(found, known);
}

#[test]
fn examples_give_their_results_in_the_clear() {
    for (name, options, _) in EXAMPLES {
        insta::assert_snapshot!(format!("plain_{name}"), run(name, options, &["--scheme", "plain"]));
    }
}

#[test]
fn examples_give_the_same_results_over_ciphertexts() {
    for (name, options, small) in EXAMPLES {
        if small {
            let clear = run(name, options, &["--scheme", "plain"]);
            assert_eq!(run(name, options, &["--preset", "test", "--check"]), clear, "{name}");
        }
    }
}

#[test]
fn a_small_program_is_right_at_toy() {
    let args =
        ["run", "-e", "x * y", "--float", "float<3, 3>", "--in", "x=1.5", "--in", "y=-2.5", "--check", "-q"];
    assert_eq!(ffhec(&args).ok(), "result\n-3.5\n");
}

#[test]
fn more_rows_than_slots_make_more_ciphertexts_and_the_same_answer() {
    let table: String = (0..11).map(|i| format!("{},{}\n", i, 3 * i)).collect();
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("rows.csv");
    std::fs::write(&path, format!("a,b\n{table}")).unwrap();
    let program = dir.path().join("p.ffl");
    std::fs::write(&program, "fn main(a: uint<6>, b: uint<6>) -> uint<6> { a + b }").unwrap();
    let args = [
        "run",
        program.to_str().unwrap(),
        "--inputs",
        path.to_str().unwrap(),
        "--preset",
        "test",
        "--check",
        "-q",
    ];
    let expected: String = (0..11).map(|i| format!("{}\n", 4 * i)).collect();
    assert_eq!(ffhec(&args).ok(), format!("result\n{expected}"));
}
