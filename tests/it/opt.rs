//! `ffhec opt` and the formats of other tools: what is written is read again as the same function.

use std::path::{Path, PathBuf};

use crate::command::{ffhec, ffhec_with_stdin, pipe, root};

/// A two-bit multiplier in Bristol Fashion, written by hand and wastefully: the partial products twice, an OR as
/// complements, a copy, a constant.
const MULTIPLIER: &str = "15 19
2 2 2
1 4

2 1 0 2 4 AND
2 1 1 2 5 AND
2 1 0 3 6 AND
2 1 1 3 7 AND
2 1 2 1 8 AND
2 1 8 6 9 XOR
2 1 5 6 10 AND
2 1 7 10 11 XOR
2 1 7 10 12 AND
1 1 0 13 EQ
2 1 12 13 14 XOR
1 1 4 15 EQW
1 1 9 16 EQW
1 1 11 17 EQW
1 1 14 18 EQW
";

/// The product of all pairs, through the compiled file.
fn assert_multiplies(ffc: &Path) {
    let pairs: Vec<(u32, u32)> = (0..16).map(|n| (n % 4, n / 4)).collect();
    let rows: String = pairs.iter().map(|(a, b)| format!("{a},{b}\n")).collect();
    let table = format!("x0,x1\n{rows}");
    let args = ["run", ffc.to_str().unwrap(), "--inputs", "-", "--scheme", "plain", "-q"];
    let expected: String = pairs.iter().map(|(a, b)| format!("{}\n", a * b)).collect();
    assert_eq!(ffhec_with_stdin(&args, table.as_bytes()).ok(), format!("y0\n{expected}"));
}

/// The ANDs on the line of a report that begins with `what`.
fn ands(report: &str, what: &str) -> usize {
    let line = report.lines().find_map(|line| line.strip_prefix(&format!("{what}: AND "))).unwrap();
    line.split(',').next().unwrap().parse().unwrap()
}

#[test]
fn a_circuit_goes_through_every_format_and_stays_the_same_function() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    std::fs::write(path("0.txt"), MULTIPLIER).unwrap();
    let mut last: PathBuf = path("0.txt");
    for name in ["1.blif", "2.aag", "3.v", "4.aig", "5.json", "6.bristol", "7.ffg", "8.ffc"] {
        let next = path(name);
        let outcome = ffhec(&["opt", last.to_str().unwrap(), "-o", next.to_str().unwrap()]);
        assert_eq!(outcome.code, 0, "{name}: {}", outcome.err);
        assert!(outcome.err.contains("the same outputs for all inputs"), "{}", outcome.err);
        assert!(ands(&outcome.err, "optimised") <= 6, "{}", outcome.err);
        assert_eq!(outcome.out, "");
        if name.ends_with(".v") {
            // The names that the first format gave the ports are kept from here on.
            let text = std::fs::read_to_string(&next).unwrap();
            assert!(text.starts_with("module circuit (x0, x1, y0);"), "{text}");
        }
        last = next;
    }
    assert_multiplies(&last);
}

#[test]
fn counts_are_told_before_and_after() {
    let outcome = ffhec_with_stdin(&["opt", "-", "-v"], MULTIPLIER.as_bytes());
    assert_eq!(outcome.code, 0, "{}", outcome.err);
    for part in ["read: AND 7, AND-depth 3, XOR 3, NOT 0", "optimised: AND ", "simplify"] {
        assert!(outcome.err.contains(part), "{part}: {}", outcome.err);
    }
    let aag = pipe(&["opt", "-", "-o", "-", "--emit", "aiger", "-q"], MULTIPLIER.as_bytes());
    let outcome = ffhec_with_stdin(&["opt", "-"], &aag);
    assert!(outcome.err.contains("the file has "), "{}", outcome.err);
}

#[test]
fn verify_says_what_is_proved() {
    let outcome = ffhec_with_stdin(&["opt", "-", "--verify"], MULTIPLIER.as_bytes());
    assert_eq!(outcome.code, 0, "{}", outcome.err);
    assert!(outcome.err.contains("steps: all 4 output bits are proved equal"), "{}", outcome.err);
    let folder = tempfile::tempdir().unwrap();
    for name in ["a.ffc", "a.blif", "a.aig"] {
        let output = folder.path().join(name);
        let args = ["-e", "x * y + x", "--float", "f8e5m2", "--preset", "test", "-v", "--verify"];
        let outcome = ffhec(&[&["compile", "-o", output.to_str().unwrap()][..], &args].concat());
        assert_eq!(outcome.code, 0, "{}", outcome.err);
        for part in
            ["verified rewrite: ", "verified schedule: ", "verified write: ", "all 8 output bits are proved"]
        {
            assert!(outcome.err.contains(part), "{part}: {}", outcome.err);
        }
    }
    // Enough inputs for the solver.
    let outcome =
        ffhec(&["compile", "-e", "x * y", "--float", "f16", "--emit", "text", "--verify", "-o", "-"]);
    assert!(outcome.err.contains("all 16 output bits are proved equal"), "{}", outcome.err);
}

#[test]
fn programs_are_written_for_other_tools() {
    let program = ["-e", "x * y", "--float", "f8e5m2", "--preset", "test"];
    let compiled = |emit: &str| ffhec(&[&["compile", "--emit", emit][..], &program].concat()).ok();
    let counts = |bytes: &[u8]| {
        let err = ffhec_with_stdin(&["opt", "-"], bytes).err;
        err.lines().find_map(|line| line.strip_prefix("optimised: ")).unwrap().to_owned()
    };
    let text = counts(compiled("text").as_bytes());
    for emit in ["json", "bristol", "blif", "verilog", "aiger"] {
        let found = counts(compiled(emit).as_bytes());
        assert_eq!(found.split(',').next(), text.split(',').next(), "{emit}: {found}, not {text}");
    }
    assert!(compiled("svg").starts_with("<svg "));
    let page = compiled("html");
    assert!(page.contains("refreshes") && page.contains("<svg ") && page.ends_with("</html>\n"));
    assert!(compiled("dot").starts_with("digraph"));
    let folder = tempfile::tempdir().unwrap();
    let by_extension = folder.path().join("p.blif");
    ffhec(&[&["compile", "-o", by_extension.to_str().unwrap()][..], &program].concat()).ok();
    assert_eq!(std::fs::read_to_string(by_extension).unwrap(), compiled("blif"));
}

#[test]
fn wrong_circuits_and_places_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let wrong = folder.path().join("w.blif");
    std::fs::write(&wrong, ".model m\n.inputs a\n.latch a b\n").unwrap();
    ffhec(&["opt", wrong.to_str().unwrap()]).fails(1, &["w.blif: line 3:", "`.latch`"]);
    ffhec(&["opt", "examples/risk.ffl"]).fails(1, &["no circuit in a known format", "compile .ffl first"]);
    ffhec(&["opt", "nowhere.blif"]).fails(1, &["nowhere.blif"]);
    ffhec(&["opt", "nowhere.blif", "-o", "x.pdf"]).fails(2, &["x.pdf", "--emit"]);
    ffhec(&["opt", "nowhere.blif", "--emit", "blif"]).fails(2, &["-o OUT"]);
    ffhec(&["opt", "nowhere.blif", "-o", "x.html"]).fails(2, &["only programs"]);
    let digraph = ffhec_with_stdin(&["opt", "-"], b"digraph circuit {}");
    digraph.fails(1, &["DOT files are written, not read"]);
    let wide = "1 600\n1 300\n1 300\n";
    let gates: String = (0..300).map(|n| format!("1 1 {n} {} INV\n", n + 300)).collect();
    let wide = format!("{}{gates}", wide.replacen("1 600", "300 600", 1));
    let args = ["opt", "-", "-o", folder.path().join("w.ffc").to_str().unwrap()].map(str::to_owned);
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    ffhec_with_stdin(&args, wide.as_bytes()).fails(1, &["no program with tables"]);
}

/// The published circuits, where they are at hand: each is read, optimised and found equal.
#[test]
#[ignore = "half a minute; reads files that a clone does not have"]
fn published_circuits_are_read() {
    let folder = root().join("../shared/data/circuits");
    let Ok(entries) = std::fs::read_dir(&folder) else {
        println!("notice: {} is not there", folder.display());
        return;
    };
    for path in entries.map(|entry| entry.unwrap().path()) {
        if path.extension().is_some_and(|extension| extension == "txt") {
            let outcome = ffhec(&["opt", path.to_str().unwrap()]);
            assert_eq!(outcome.code, 0, "{}: {}", path.display(), outcome.err);
        }
    }
}
