//! The paper's Examples 10 and 11: Taylor series inside and outside of their domain, their errors against the bound.

use std::fmt::Write;

use crate::command::{ffhec, root};

/// Truncation to 11 bits is wrong by less than this, relative to the result.
const UNIT: f64 = 1.0 / 1024.0;

struct Example {
    name: &'static str,
    title: &'static str,
    exact: fn(f64) -> f64,
    /// The bound on the relative error of the truncated series, in exact arithmetic.
    bound: fn(f64) -> f64,
    /// What rounding after each operation can add to that.
    rounding: fn(f64) -> f64,
}

const EXAMPLES: [Example; 2] = [
    Example {
        name: "reciprocal",
        title: "Example 10: `1 / x`, degree 7, relative error at most `|1 - x|^8`",
        exact: |x| 1.0 / x,
        bound: |x| (1.0 - x).abs().powi(8),
        // Horner in truncating arithmetic, e' <= |t| (e + |s| u) + |s'| u; and t = 1 - x itself is rounded.
        rounding: |x| {
            let t = (1.0 - x).abs();
            UNIT * ((1.0 + t) * (1.0 + t) / (1.0 - t).max(UNIT) + t / x)
        },
    },
    Example {
        name: "exponent",
        title: "Example 11: `e^x`, degree 8, relative error at most `|x|^9 / 9! e^(2|x|)`",
        exact: f64::exp,
        bound: |x| x.abs().powi(9) / 362_880.0 * (2.0 * x.abs()).exp(),
        rounding: |x| UNIT * (2.0 * x.abs() + 2.0) * (2.0 * x.abs()).exp(),
    },
];

/// For each row: whether it is inside of the domain, x, the series as it stands, the reduced one.
fn rows(example: &Example) -> Vec<(bool, f64, f64, f64)> {
    let path = |extension: &str| format!("examples/paper/{}.{extension}", example.name);
    let (program, table) = (path("ffl"), path("csv"));
    let results = ffhec(&["run", &program, "--inputs", &table, "--scheme", "plain", "-q"]).ok();
    let inputs = std::fs::read_to_string(root().join(&table)).unwrap();
    let pairs = inputs.lines().zip(results.lines()).skip(1);
    pairs
        .map(|(input, result)| {
            let (place, x) = input.split_once(',').unwrap();
            let numbers: Vec<f64> = result.split(',').skip(1).map(|cell| cell.parse().unwrap()).collect();
            (place == "inside", x.parse().unwrap(), numbers[0], numbers[1])
        })
        .collect()
}

#[test]
fn errors_of_the_papers_examples_stay_below_their_bounds() {
    let mut page = String::from(
        "# The paper's examples\n\nExamples 10 and 11 of the FFHE paper (section 7): analytic functions by Taylor series, on \
         encrypted data.\n`direct` is the series as it stands, `reduced` the same series after its argument was brought into \
         the domain.\n\n```console\n$ ffhec run examples/paper/reciprocal.ffl --inputs examples/paper/reciprocal.csv\n\
         $ ffhec run examples/paper/exponent.ffl --inputs examples/paper/exponent.csv\n```\n\nErrors are relative. \
         `bound` is that of the series alone, `rounding` what truncation to 11 bits after each\noperation can add to it. \
         Outside of the domain no bound is promised for `direct`. Written by\n`FFHEC_UPDATE=1 cargo test --test it paper`; \
         without the variable the test fails if the page is out of date.\n",
    );
    for example in &EXAMPLES {
        writeln!(page, "\n## {}\n", example.title).unwrap();
        page += "| x | domain | exact | direct | error | bound | rounding | reduced | error |\n";
        page += "|---:|---|---:|---:|---:|---:|---:|---:|---:|\n";
        for (inside, x, direct, reduced) in rows(example) {
            let exact = (example.exact)(x);
            let error = |found: f64| ((found - exact) / exact).abs();
            let (bound, rounding) = ((example.bound)(x), (example.rounding)(x));
            if inside {
                assert!(error(direct) <= bound + rounding, "{}: {x}", example.name);
            } else {
                assert!(
                    error(direct) > 4.0 * UNIT,
                    "{}: {x} is outside, yet the series is right",
                    example.name
                );
            }
            assert!(
                error(reduced) <= 6.0 * UNIT,
                "{}: {x} reduced is wrong by {}",
                example.name,
                error(reduced)
            );
            let limits =
                if inside { format!("{bound:.1e} | {rounding:.1e}") } else { "none | none".to_owned() };
            writeln!(
                page,
                "| {x} | {} | {exact:.5} | {direct} | {:.1e} | {limits} | {reduced} | {:.1e} |",
                if inside { "inside" } else { "outside" },
                error(direct),
                error(reduced)
            )
            .unwrap();
        }
    }
    let path = root().join("examples/paper/README.md");
    if std::env::var_os("FFHEC_UPDATE").is_some() {
        std::fs::write(&path, &page).unwrap();
    }
    assert_eq!(std::fs::read_to_string(&path).unwrap_or_default(), page, "run with FFHEC_UPDATE=1");
}

#[test]
fn the_papers_examples_run_on_encrypted_data() {
    let folder = tempfile::tempdir().unwrap();
    for (name, values) in [("reciprocal", "x\n0.75\n3\n"), ("exponent", "x\n-0.5\n4\n")] {
        let table = folder.path().join("rows.csv");
        std::fs::write(&table, values).unwrap();
        let program = format!("examples/paper/{name}.ffl");
        let run = |scheme: &[&str]| {
            let args = ["run", &program, "--inputs", table.to_str().unwrap(), "-q"];
            ffhec(&[&args[..], scheme].concat()).ok()
        };
        assert_eq!(run(&["--preset", "test", "--check"]), run(&["--scheme", "plain"]));
    }
}
