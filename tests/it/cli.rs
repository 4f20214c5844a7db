//! The command line: exit codes, messages, standard streams.

use crate::command::{ffhec, ffhec_with_stdin};

#[test]
fn wrong_command_lines_exit_with_two() {
    ffhec(&["frobnicate"]).fails(2, &["frobnicate"]);
    ffhec(&["run"]).fails(2, &["PROGRAM"]);
    ffhec(&["run", "-e", "x", "--in", "x"]).fails(2, &["--in x has no `=`"]);
    ffhec(&["run", "-e", "x"]).fails(2, &["`x`", "--inputs"]);
    ffhec(&["run", "-e", "x", "--in", "x=1", "--float", "float99"]).fails(2, &["float99"]);
    ffhec(&["run", "-e", "x", "--in", "x=1", "--preset", "huge"]).fails(2, &["huge", "toy"]);
    ffhec(&["run", "-e", "x", "--in", "x=1", "--limit", "gates"]).fails(2, &["--limit gates"]);
    ffhec(&["check", "-e", "x", "--memory-limit", "lots"]).fails(2, &["lots"]);
}

#[test]
fn wrong_data_exits_with_one() {
    ffhec(&["run", "nowhere.ffl", "--in", "x=1"]).fails(1, &["nowhere.ffl", "help"]);
    ffhec(&["run", "-e", "x", "--in", "y=1"]).fails(1, &["no input `y`"]);
    ffhec(&["run", "-e", "x", "--in", "x=nan", "--scheme", "plain"]).fails(1, &["nan"]);
    ffhec(&["run", "-e", "x", "--in", "x=1e99", "--scheme", "plain"]).fails(1, &["1e99"]);
    ffhec(&["run", "-e", "x + ", "--in", "x=1"]).fails(1, &["<command line>:1:"]);
    ffhec(&["inspect", "Cargo.toml"]).fails(1, &["Cargo.toml:2:1"]);
    let empty = ffhec_with_stdin(&["run", "-e", "x", "--inputs", "-", "--scheme", "plain"], b"");
    empty.fails(1, &["is empty"]);
}

#[test]
fn standard_input_is_a_dash() {
    let table =
        ffhec_with_stdin(&["run", "-e", "x + x", "--inputs", "-", "--scheme", "plain", "-q"], b"x\n1\n2.5\n");
    assert_eq!(table.ok(), "result\n2\n5\n");
    let program = ffhec_with_stdin(&["run", "-", "--in", "x=3", "--scheme", "plain", "-q"], b"x * x");
    assert_eq!(program.ok(), "result\n9\n");
    let both = ffhec_with_stdin(&["compile", "-", "--emit", "text"], b"x * x");
    assert!(both.ok().contains(" = and "));
}

#[test]
fn an_empty_table_gives_an_empty_table() {
    for scheme in ["plain", "ffhe"] {
        let args = ["run", "-e", "x * y", "--inputs", "-", "--scheme", scheme, "--preset", "test", "-q"];
        assert_eq!(ffhec_with_stdin(&args, b"x,y\n").ok(), "result\n");
    }
}

#[test]
fn the_id_column_is_carried_through() {
    let args = ["run", "-e", "x", "--inputs", "-", "--scheme", "plain", "-q"];
    assert_eq!(ffhec_with_stdin(&args, b"x,id\n1,a\n2,\"b,c\"\n").ok(), "id,result\na,1\n\"b,c\",2\n");
}

#[test]
fn an_encrypted_run_says_that_it_is_not_secure() {
    let outcome = ffhec(&["run", "-e", "x", "--float", "float<2, 2>", "--in", "x=1", "--preset", "test"]);
    assert_eq!(outcome.code, 0);
    assert!(outcome.err.contains("NOT SECURE"), "{}", outcome.err);
    assert_eq!(outcome.out, "result\n1\n");
}

#[test]
fn estimates_compute_nothing() {
    let text = ffhec(&["run", "-e", "exp(x) * y", "--estimate", "--preset", "large"]).ok();
    assert!(text.contains("preset large") && text.contains("memory"), "{text}");
}

#[test]
fn a_run_that_does_not_fit_the_memory_is_refused_before_it_starts() {
    ffhec(&["run", "-e", "x * y", "--in", "x=1", "--in", "y=1", "--memory-limit", "100K"])
        .fails(3, &["--memory-limit"]);
}

#[test]
fn a_run_that_does_not_fit_side_by_side_runs_one_after_the_other() {
    const CUBES: &[u8] =
        b"fn main(x: [uint<5>; 24]) -> [uint<5>; 24] { [x[i] * x[i] * x[i] for i in 0..24] }";
    let values: Vec<String> = (0..24).map(|i| format!("x[{i}]={}", i + 3)).collect();
    let values: Vec<&str> = values.iter().flat_map(|value| ["--in", value]).collect();
    let run = |limit: usize| {
        let arguments = ["run", "-", "--preset", "test", "--threads", "1", "--memory-limit"];
        ffhec_with_stdin(&[&arguments[..], &[&limit.to_string()], &values].concat(), CUBES)
    };
    let expected = run(1 << 30);
    assert_eq!(expected.code, 0, "{}", expected.err);
    assert!(!expected.err.contains("levels in place of"), "{}", expected.err);
    let mut less = (12 << 20..14 << 20).step_by(40_000).rev().map(run);
    let less = less.find(|outcome| outcome.err.contains("levels in place of")).unwrap();
    assert_eq!((less.code, less.out), (0, expected.out), "{}", less.err);
    let none = run(12 << 20);
    assert!(none.code == 3 && none.err.contains("raise --memory-limit"), "{}", none.err);
}

#[test]
fn a_compiled_program_runs_like_its_source() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("m.ffc");
    let path = path.to_str().unwrap();
    ffhec(&["compile", "-e", "x * y + 1", "-o", path, "--preset", "test"]).ok();
    let row = ["--in", "x=1.5", "--in", "y=3", "-q"];
    let run = |more: &[&str]| ffhec(&[&["run", path], &row[..], more].concat());
    assert_eq!(run(&["--scheme", "plain"]).ok(), "result\n5.5\n");
    assert_eq!(run(&[]).ok(), "result\n5.5\n");
    run(&["--float", "f16"]).fails(2, &["--float", "compiled already"]);
    run(&["--preset", "toy"]).fails(1, &["compiled for preset test"]);
    let json = |program: &[&str]| ffhec(&[&["inspect", "--json"], program].concat()).ok();
    let compiled: serde_json::Value = serde_json::from_str(&json(&[path])).unwrap();
    let source: serde_json::Value =
        serde_json::from_str(&json(&["-e", "x * y + 1", "--preset", "test"])).unwrap();
    assert_eq!(compiled, source);
}

#[test]
fn params_calls_no_preset_secure() {
    let json: serde_json::Value = serde_json::from_str(&ffhec(&["params", "--json"]).ok()).unwrap();
    let names: Vec<&str> = json.as_array().unwrap().iter().map(|p| p["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["test", "toy", "small", "medium", "large"]);
    assert!(json.as_array().unwrap().iter().all(|p| p["secure"] == false));
    insta::assert_snapshot!(ffhec(&["params"]).ok());
}

#[test]
fn params_measures_a_preset() {
    let measure = |rest: &[&str]| ffhec(&[&["params", "--measure", "--preset", "test"], rest].concat());
    let text = measure(&["--level", "5"]).ok();
    for line in ["addition", "product and reduction", "refresh, in a level of 5", "all bits were right"] {
        assert!(text.contains(line), "{text}");
    }
    let json: serde_json::Value = serde_json::from_str(&measure(&["--json"]).ok()).unwrap();
    assert_eq!((&json["right"], &json["level"]), (&true.into(), &64.into()));
    let cost = |name: &str| json["costs_ns"][name].as_f64().unwrap();
    assert!(cost("xor") > 0.0 && cost("xor") < cost("and") && cost("and") < cost("refresh"), "{json}");
    measure(&["--preset", "test"]).fails(2, &["--preset"]);
    ffhec(&["params", "--preset", "test"]).fails(2, &["--measure"]);
    ffhec(&["params", "--measure", "--preset", "none"]).fails(2, &["none", "toy"]);
}

#[test]
fn help_is_there_for_every_command() {
    for command in [
        "check", "compile", "import", "inspect", "opt", "run", "params", "info", "keygen", "encrypt", "eval",
        "decrypt",
    ] {
        assert!(ffhec(&[command, "--help"]).ok().contains("Usage: ffhec"));
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_standard_error_changes_nothing() {
    use std::process::{Command, Stdio};
    for (args, code) in
        [(&["check", "nowhere.ffl"][..], 1), (&["check", "-e", "x +"], 1), (&["check", "-e", "x"], 0)]
    {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let status =
            Command::new(env!("CARGO_BIN_EXE_ffhec")).args(args).stderr(full).stdin(Stdio::null()).status();
        assert_eq!(status.unwrap().code(), Some(code), "{args:?}");
    }
}

#[cfg(unix)]
#[test]
fn devices_and_wrong_places_are_refused_before_any_work() {
    ffhec(&["check", "/dev/zero"]).fails(1, &["/dev/zero is a device"]);
    ffhec(&["run", "-e", "x", "--inputs", "/dev/zero", "--scheme", "plain"]).fails(1, &["is a device"]);
    ffhec(&["check", "-e", "x", "--public-file", "/dev/zero"]).fails(1, &["is a device"]);
    let row = ["run", "-e", "x * y", "--in", "x=1", "--in", "y=1", "--preset", "large", "--out"];
    ffhec(&[&row[..], &["nowhere/out.csv"]].concat()).fails(1, &["nowhere/out.csv", "directory"]);
    ffhec(&[&row[..], &["tests"]].concat()).fails(1, &["tests", "directory"]);
    ffhec(&[&row[..], &["Cargo.toml/x"]].concat()).fails(1, &["Cargo.toml/x"]);
    ffhec(&["compile", "examples/dot.ffl", "-o", "examples/dot.ffl"]).fails(1, &["would be overwritten"]);
}

#[test]
fn programs_without_result_bits_are_inspected() {
    let outcome = ffhec(&["inspect", "-e", "x", "--json"]);
    assert_eq!(outcome.code, 0, "{}", outcome.err);
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("empty.ffl");
    std::fs::write(&path, "fn main(x: f16) -> [f16; 0] { [] }").unwrap();
    assert!([0, 1].contains(&ffhec(&["inspect", path.to_str().unwrap()]).code));
}

#[test]
fn control_characters_do_not_reach_the_terminal() {
    let args = ["run", "-e", "x", "--inputs", "-", "--scheme", "plain"];
    let outcome = ffhec_with_stdin(&args, b"x\n\x1b[2J\n");
    assert!(!outcome.err.contains('\x1b'), "{:?}", outcome.err);
    outcome.fails(1, &["line 2, column `x`"]);
    let long = format!("x\n{}\n", "9".repeat(100_000));
    let outcome = ffhec_with_stdin(&args, long.as_bytes());
    assert!(outcome.err.len() < 2_000, "{}", outcome.err.len());
    outcome.fails(1, &["line 2"]);
}

#[test]
fn the_status_word_is_five_more_columns() {
    let all = "result,flag_invalid,flag_div_by_zero,flag_overflow,flag_underflow,flag_inexact";
    let args =
        ["run", "-e", "x / y", "--float", "f16", "--flags", "--scheme", "plain", "-q", "--inputs", "-"];
    let table = ffhec_with_stdin(&args, b"x,y\n1,4\n1,0\n0,0\n60000,0.5\n1e-7,60000\n1,3\n").ok();
    let rows = [
        "0.25,false,false,false,false,false",
        "inf,false,true,false,false,false",
        "nan,true,false,false,false,false",
        "inf,false,false,true,false,true",
        "0,false,false,false,true,true",
        "0.3333,false,false,false,false,true",
    ];
    assert_eq!(table, format!("{all}\n{}\n", rows.join("\n")));
    let folder = tempfile::tempdir().unwrap();
    let compiled = folder.path().join("p.ffc");
    let compiled = compiled.to_str().unwrap();
    ffhec(&["compile", "-e", "x / y", "--float", "f16", "--flags", "-o", compiled]).ok();
    let args = ["run", compiled, "--scheme", "plain", "-q", "--in", "x=1", "--in", "y=0"];
    assert_eq!(ffhec(&args).ok(), format!("{all}\n{}\n", rows[1]));
    ffhec(&["run", compiled, "--flags", "--in", "x=1"]).fails(2, &["--flags"]);
}
