//! Small programs written from the language reference alone. The comments at the top of each say what must happen:
//!
//! ```text
//! // float: f16              the --float option
//! // public: w=[1,2]         a --public option
//! // in: x=1 y=2             a row
//! // out: result=3           what it must give
//! // columns: b a            the order of the inputs
//! // error: 2:28             an error at that line and column, and no other
//! ```

use std::path::Path;

use crate::command::{ffhec, programs, root};

#[derive(Default)]
struct Expected {
    options: Vec<String>,
    cases: Vec<(String, String)>,
    columns: Option<String>,
    errors: Vec<String>,
}

fn expected(text: &str) -> Expected {
    let mut expected = Expected::default();
    let mut row = String::new();
    for line in text.lines().map_while(|line| line.strip_prefix("// ")) {
        match line.split_once(": ") {
            Some(("float", ty)) => expected.options.extend(["--float".into(), ty.into()]),
            Some(("public", value)) => expected.options.extend(["--public".into(), value.into()]),
            Some(("in", values)) => row = values.to_owned(),
            Some(("out", values)) => expected.cases.push((row.clone(), values.to_owned())),
            Some(("columns", names)) => expected.columns = Some(names.to_owned()),
            Some(("error", place)) => expected.errors.push(place.to_owned()),
            Some(_) | None => {}
        }
    }
    expected
}

/// Problems with one program, as text; empty if it does what its comments say.
fn problems(path: &Path) -> String {
    let expected = expected(&std::fs::read_to_string(path).unwrap());
    let name = path.display().to_string();
    let mut problems = String::new();
    for (row, result) in &expected.cases {
        let mut args = vec!["run".to_owned(), name.clone(), "--scheme".into(), "plain".into(), "-q".into()];
        args.extend(expected.options.iter().cloned());
        args.extend(row.split(' ').flat_map(|value| ["--in".to_owned(), value.to_owned()]));
        let outcome = ffhec(&args);
        let mut lines = outcome.out.lines();
        let (names, values) = (lines.next().unwrap_or_default(), lines.next().unwrap_or_default());
        let found: Vec<String> =
            names.split(',').zip(values.split(',')).map(|(name, value)| format!("{name}={value}")).collect();
        if outcome.code != 0 || found.join(" ") != *result {
            problems += &format!("{name}: {row} gave {found:?}, expected {result}\n{}\n", outcome.err);
        }
    }
    if let Some(columns) = &expected.columns {
        let mut args = vec!["inspect".to_owned(), name.clone(), "--json".into()];
        args.extend(expected.options.iter().cloned());
        let json: serde_json::Value = serde_json::from_str(&ffhec(&args).ok()).unwrap();
        let found: Vec<&str> =
            json["inputs"].as_array().unwrap().iter().map(|port| port["name"].as_str().unwrap()).collect();
        if found.join(" ") != *columns {
            problems += &format!("{name}: inputs {found:?}, expected {columns}\n");
        }
    }
    if !expected.errors.is_empty() {
        let outcome = ffhec(&["check", &name]);
        let place = |line: &str| {
            let after = line.split_once(&format!("{name}:"))?.1;
            let end = after.find(|c: char| !c.is_ascii_digit() && c != ':').unwrap_or(after.len());
            Some(after[..end].trim_end_matches(':').to_owned())
        };
        let found: Vec<String> =
            outcome.err.lines().filter(|line| line.contains("─[")).filter_map(place).collect();
        if outcome.code != 1 || found != expected.errors {
            problems +=
                &format!("{name}: errors at {found:?}, expected {:?}\n{}\n", expected.errors, outcome.err);
        }
    }
    if expected.cases.is_empty() && expected.errors.is_empty() {
        problems += &format!("{name} states nothing\n");
    }
    problems
}

fn check(folder: &str, at_least: usize) {
    let paths = programs(&root().join("tests/suite").join(folder));
    assert!(paths.len() >= at_least, "only {} programs in {folder}", paths.len());
    let relative = |path: &Path| path.strip_prefix(root()).unwrap().to_path_buf();
    let problems: String = paths.iter().map(|path| problems(&relative(path))).collect();
    assert!(problems.is_empty(), "{problems}");
}

#[test]
fn programs_mean_what_the_language_says() {
    check("ok", 140);
}

#[test]
fn ill_typed_programs_are_refused_at_the_right_place() {
    check("bad", 90);
}
