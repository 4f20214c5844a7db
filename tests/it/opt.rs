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

/// Gates in Bristol Fashion over two numbers of `width` bits.
struct Netlist {
    width: usize,
    gates: Vec<String>,
}

impl Netlist {
    fn new(width: usize) -> Netlist {
        Netlist { width, gates: Vec::new() }
    }

    fn gate(&mut self, kind: &str, a: usize, b: usize) -> usize {
        let wire = 2 * self.width + self.gates.len();
        self.gates.push(format!("2 1 {a} {b} {wire} {kind}"));
        wire
    }

    /// The sum and the carry of two bits.
    fn half_adder(&mut self, a: usize, b: usize) -> (usize, usize) {
        (self.gate("XOR", a, b), self.gate("AND", a, b))
    }

    /// The sum of three bits, and the textbook carry `ab | c (a ^ b)`; the OR is taken as `either` says.
    fn full_adder(
        &mut self,
        [a, b, c]: [usize; 3],
        either: fn(&mut Netlist, usize, usize) -> usize,
    ) -> (usize, usize) {
        let (one, both) = self.half_adder(a, b);
        let (sum, carried) = self.half_adder(one, c);
        (sum, either(self, both, carried))
    }

    /// The file, with `results` as the only output.
    fn file(mut self, results: &[usize]) -> String {
        let zero = self.gate("XOR", 0, 0);
        for &result in results {
            self.gate("XOR", result, zero);
        }
        let Netlist { width, gates } = self;
        let (count, wires) = (gates.len(), 2 * width + gates.len());
        format!("{count} {wires}\n2 {width} {width}\n1 {}\n\n{}\n", results.len(), gates.join("\n"))
    }
}

/// A ripple-carry adder of two numbers of `width` bits, with ORs of two XORs and an AND.
fn ripple_adder(width: usize) -> String {
    let mut list = Netlist::new(width);
    let (sum, mut carry) = list.half_adder(0, width);
    let mut sums = vec![sum];
    for at in 1..width {
        let (sum, next) = list.full_adder([at, at + width, carry], |list, a, b| {
            let (one, both) = list.half_adder(a, b);
            list.gate("XOR", one, both)
        });
        sums.push(sum);
        carry = next;
    }
    sums.push(carry);
    list.file(&sums)
}

/// `x y^count` modulo `2^width`, each product by rows of partial products that are added one after the other, with ORs
/// of things that exclude each other as XORs.
fn products(width: usize, count: usize) -> String {
    let mut list = Netlist::new(width);
    let mut product: Vec<usize> = (0..width).collect();
    for _ in 0..count {
        let mut total: Vec<usize> = product.iter().map(|&x| list.gate("AND", x, width)).collect();
        for row in 1..width {
            let mut carry = None;
            for at in row..width {
                let bit = list.gate("AND", product[at - row], width + row);
                let (sum, next) = match carry {
                    None => list.half_adder(total[at], bit),
                    Some(carry) => {
                        list.full_adder([total[at], bit, carry], |list, a, b| list.gate("XOR", a, b))
                    }
                };
                (total[at], carry) = (sum, Some(next));
            }
        }
        product = total;
    }
    list.file(&product)
}

#[test]
fn chains_of_ands_are_shortened_as_far_as_the_objective_allows() {
    let adder = ripple_adder(32);
    let read = 3 * 31 + 1;
    let optimised = |objective: &str| {
        let outcome = ffhec_with_stdin(&["opt", "-", "--objective", objective], adder.as_bytes());
        assert_eq!(outcome.code, 0, "{}", outcome.err);
        assert!(outcome.err.contains("the same outputs for 65536 random inputs"), "{}", outcome.err);
        counts(&outcome.err, "optimised").unwrap()
    };
    assert_eq!(optimised("ands"), (32, 32));
    let (ands, depth) = optimised("balanced");
    assert!(ands <= read * 3 / 2 && depth <= 12, "{ands} {depth}");
    let (ands, depth) = optimised("depth");
    assert!(ands <= 4 * read && depth <= 10, "{ands} {depth}");
}

#[test]
fn the_objective_time_takes_what_is_predicted_to_be_the_fastest() {
    const ADDER: &[u8] = b"fn main(x: uint<16>, y: uint<16>) -> uint<16> { x + y }";
    let compiled = |objective: &str| {
        let arguments = ["compile", "-", "--objective", objective, "--emit", "text", "-o", "-"];
        let outcome = ffhec_with_stdin(&arguments, ADDER);
        assert_eq!(outcome.code, 0, "{}", outcome.err);
        outcome
    };
    let predicted = |objective: &str, threads: &str| {
        let arguments = ["inspect", "-", "--objective", objective, "--threads", threads, "--json"];
        let outcome = ffhec_with_stdin(&arguments, ADDER);
        let json: serde_json::Value = serde_json::from_str(&outcome.out).unwrap();
        json["preset"]["predicted"]["evaluate_s"].as_f64().unwrap()
    };
    let names = ["ands", "balanced", "depth"];
    let texts = names.map(|name| compiled(name).out);
    let mut chosen = Vec::new();
    for threads in ["2", "256"] {
        let times = names.map(|name| predicted(name, threads));
        let best = (0..3).min_by(|&a, &b| times[a].total_cmp(&times[b])).unwrap();
        let outcome = compiled(&format!("time:{threads}"));
        assert!(outcome.out == texts[best], "{times:?}");
        assert!(
            outcome.err.contains(&format!("--objective {} is predicted", names[best])),
            "{}",
            outcome.err
        );
        chosen.push(best);
    }
    assert_ne!(chosen[0], chosen[1], "few threads want few gates, many short chains");
    assert!(compiled("time").out == texts[chosen[0]], "`time` is for two threads");
}

#[test]
fn the_objective_time_reads_circuits_too() {
    let adder = ripple_adder(32);
    let optimised = |objective: &str| {
        let outcome = ffhec_with_stdin(&["opt", "-", "--objective", objective], adder.as_bytes());
        assert_eq!(outcome.code, 0, "{}", outcome.err);
        counts(&outcome.err, "optimised").unwrap()
    };
    assert_eq!(optimised("time:1"), optimised("ands"));
    assert_eq!(optimised("time:1000"), optimised("depth"));
}

#[test]
fn an_unknown_objective_is_told_what_there_is() {
    for objective in ["fast", "time:0", "time:x", "time:2000", "timely"] {
        let outcome = ffhec(&["inspect", "-e", "x", "--objective", objective]);
        assert_eq!(outcome.code, 2, "{}", outcome.err);
        assert!(outcome.err.contains("write ands, balanced, depth, time, or time:N"), "{}", outcome.err);
    }
}

/// ANDs and AND-depth on the line of a report that begins with `what`.
fn counts(report: &str, what: &str) -> Option<(usize, usize)> {
    let line = report.lines().find_map(|line| line.strip_prefix(&format!("{what}: AND ")))?;
    let mut parts = line.split(", ");
    let ands = parts.next()?.parse().ok()?;
    Some((ands, parts.next()?.strip_prefix("AND-depth ")?.parse().ok()?))
}

/// A published circuit as it was read and for each objective: ANDs and AND-depth.
struct Row {
    name: String,
    read: (usize, usize),
    optimised: [(usize, usize); 3],
}

const OBJECTIVES: [&str; 3] = ["ands", "balanced", "depth"];

impl Row {
    fn of(folder: &Path, name: &str) -> Option<Row> {
        let path = folder.join(format!("{name}.txt"));
        let run = |objective: &str| {
            let outcome = ffhec(&["opt", path.to_str()?, "--objective", objective]);
            assert_eq!(outcome.code, 0, "{name}: {}", outcome.err);
            Some((counts(&outcome.err, "read")?, counts(&outcome.err, "optimised")?))
        };
        let [ands, balanced, depth] = OBJECTIVES.map(run);
        let ((read, ands), (_, balanced), (_, depth)) = (ands?, balanced?, depth?);
        Some(Row { name: name.to_owned(), read, optimised: [ands, balanced, depth] })
    }

    fn line(&self) -> String {
        let cell = |(ands, depth): (usize, usize)| format!("{ands} / {depth}");
        let cells = self.optimised.map(cell).join(" | ");
        format!("| {} | {} | {cells} |", self.name, cell(self.read))
    }
}

/// The rows of `names`, two at a time, in their order.
fn rows(folder: &Path, names: &[String]) -> Vec<Row> {
    let (even, odd): (Vec<_>, Vec<_>) = names.iter().enumerate().partition(|(at, _)| at % 2 == 0);
    let of = |names: Vec<(usize, &String)>| -> Vec<(usize, Row)> {
        names.into_iter().map(|(at, name)| (at, Row::of(folder, name).unwrap())).collect()
    };
    let mut rows = std::thread::scope(|scope| {
        let other = scope.spawn(|| of(odd));
        let mut rows = of(even);
        rows.extend(other.join().unwrap());
        rows
    });
    rows.sort_by_key(|(at, _)| *at);
    rows.into_iter().map(|(_, row)| row).collect()
}

/// The folder of published circuits and the names of those in it that begin with one of `prefixes`.
fn published(prefixes: &[&str]) -> Option<(PathBuf, Vec<String>)> {
    let folder = root().join("../shared/data/circuits");
    let Ok(entries) = std::fs::read_dir(&folder) else {
        println!("notice: {} is not there; nothing is compared", folder.display());
        return None;
    };
    let names = entries.filter_map(|entry| {
        let name = entry.unwrap().file_name().into_string().unwrap();
        name.strip_suffix(".txt").map(str::to_owned)
    });
    let mut names: Vec<String> =
        names.filter(|name| prefixes.iter().any(|prefix| name.starts_with(prefix))).collect();
    names.sort_unstable();
    Some((folder, names))
}

const HEAD: &str = "| circuit | read | ands | balanced | depth |\n|---|---|---|---|---|";

/// The table of `compiler/docs/optimiser.md`, and its claims.
#[test]
#[ignore = "half an hour; reads files that a clone does not have"]
fn published_circuits_become_smaller_and_shallower() {
    let Some((folder, names)) = published(&["bristol_", "emp_", "aby_"]) else { return };
    let rows = rows(&folder, &names);
    println!("{HEAD}");
    rows.iter().for_each(|row| println!("{}", row.line()));
    let ratio = |a: usize, b: usize| a as f64 / b as f64;
    let mean = |of: &dyn Fn(&Row) -> f64| rows.iter().map(of).sum::<f64>() / rows.len() as f64;
    let means: Vec<[f64; 2]> = (0..3)
        .map(|at| {
            let ands = mean(&|row| ratio(row.optimised[at].0, row.read.0));
            [ands, mean(&|row| ratio(row.optimised[at].1, row.read.1))]
        })
        .collect();
    let cells: Vec<String> = means.iter().map(|[ands, depth]| format!("{ands:.3} / {depth:.3}")).collect();
    println!("| mean, as parts of what was read | 1 / 1 | {} |", cells.join(" | "));
    for row in &rows {
        let [ands, balanced, depth] = row.optimised;
        assert!(ands.0 <= row.read.0 && ands.1 <= row.read.1, "{}", row.line());
        assert!(2 * balanced.0 <= 3 * row.read.0.max(ands.0) && balanced.1 <= ands.1, "{}", row.line());
        assert!(depth.1 <= ands.1, "{}", row.line());
    }
    assert!(means[0][0] <= 0.85, "fewest ANDs: {means:?}");
    assert!(means[2][1] <= 0.6 && means[2][0] <= 1.5, "least depth: {means:?}");
}

/// The row of `compiler/docs/optimiser.md`, "Scale".
#[test]
#[ignore = "minutes, gigabytes"]
fn ten_million_gates_are_optimised() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (from, to) = (path("products.txt"), path("optimised.txt"));
    std::fs::write(&from, products(64, 850)).unwrap();
    let outcome = ffhec(&["opt", &from, "-o", &to, "-v"]);
    assert_eq!(outcome.code, 0, "{}", outcome.err);
    println!("{}", outcome.err);
    let (read, optimised) =
        (counts(&outcome.err, "read").unwrap(), counts(&outcome.err, "optimised").unwrap());
    assert!(3 * optimised.0 <= 2 * read.0 && optimised.1 <= read.1);
}

/// AND-depths of the circuits of the Lobster artefact by Carpov et al. and by Lobster, the upper ends of ranges
/// (Lee, Lee, Yi, "Optimizing homomorphic evaluation circuits by program synthesis and term rewriting", PLDI 2020).
const LOBSTER: [(&str, usize, usize); 15] = [
    ("cardio", 9, 9),
    ("dsort", 8, 8),
    ("bsort", 43, 36),
    ("isort", 43, 36),
    ("msort", 41, 36),
    ("osort", 25, 20),
    ("hd04", 9, 8),
    ("hd07", 5, 3),
    ("hd08", 5, 5),
    ("hd10", 5, 5),
    ("hd11", 17, 15),
    ("hd12", 15, 15),
    ("i2c", 9, 10),
    ("int2float", 9, 9),
    ("router", 11, 11),
];

#[test]
#[ignore = "minutes; reads files that a clone does not have"]
fn circuits_of_lobster_are_as_shallow_as_its_own() {
    let names: Vec<String> = LOBSTER.iter().map(|(name, ..)| format!("lobster_{name}")).collect();
    let Some((folder, _)) = published(&[]) else { return };
    let rows = rows(&folder, &names);
    println!(
        "| circuit | read | ands | balanced | depth | Carpov et al. | Lobster |\n|---|---|---|---|---|---|---|"
    );
    let mut reached = 0;
    for (row, (_, carpov, lobster)) in rows.iter().zip(LOBSTER) {
        println!("{} {carpov} | {lobster} |", row.line());
        reached += usize::from(row.optimised[2].1 <= carpov.min(lobster));
    }
    println!("as shallow as the better of both: {reached} of {}", rows.len());
    assert!(reached >= 12);
}
