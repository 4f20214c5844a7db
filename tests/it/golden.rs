//! Exact figures: gate counts, refreshes and noise of every example, and the help texts' promises.

use serde_json::Value;

use crate::command::{ffhec, programs, root};

fn inspect(program: &str) -> Value {
    let mut args = vec!["inspect", program, "--json"];
    let weights = program.replace(".ffl", ".json");
    if root().join(&weights).exists() {
        args.extend(["--public-file", &weights]);
    }
    serde_json::from_str(&ffhec(&args).ok()).unwrap()
}

#[test]
fn counts_of_the_examples_are_exact() {
    let mut table = String::new();
    for path in programs(&root().join("examples")) {
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let json = inspect(&format!("examples/{name}.ffl"));
        table += &format!(
            "{name}: and {} xor {} and_depth {} refreshes {} (at least {}) levels {} peak_live {} noise {} of {}\n",
            json["and"],
            json["xor"],
            json["and_depth"],
            json["refreshes"],
            json["refresh_lower_bound"],
            json["levels"],
            json["peak_live"],
            json["noise_bits"]["worst"].as_f64().unwrap().round(),
            json["noise_bits"]["budget"].as_f64().unwrap().round(),
        );
    }
    insta::assert_snapshot!(table);
}

#[test]
fn exp_times_y_needs_few_refreshes() {
    let refreshes = inspect("examples/exp_mul.ffl")["refreshes"].as_u64().unwrap();
    assert!(refreshes <= 2_500, "{refreshes}");
}

#[test]
fn inspect_counts_what_the_text_form_shows() {
    for name in ["exp_mul", "triage", "median"] {
        let program = format!("examples/{name}.ffl");
        let text = ffhec(&["compile", &program, "--emit", "text"]).ok();
        let json = inspect(&program);
        for (key, gate) in
            [("and", " = and "), ("xor", " = xor "), ("not", " = not "), ("refreshes", " = refresh ")]
        {
            let lines = text.lines().filter(|line| line.contains(gate)).count() as u64;
            assert_eq!(json[key].as_u64(), Some(lines), "{name} {key}");
        }
    }
}

#[test]
fn the_same_program_compiles_to_the_same_bytes() {
    let dir = tempfile::tempdir().unwrap();
    let compile = |name: &str| {
        let path = dir.path().join(name);
        ffhec(&["compile", "examples/risk.ffl", "-o", path.to_str().unwrap()]).ok();
        std::fs::read(path).unwrap()
    };
    assert_eq!(compile("a.ffc"), compile("b.ffc"));
}
