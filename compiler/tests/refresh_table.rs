//! How many refreshes published circuits take for one to four AND levels between refreshes, beside the lower bounds and
//! the optima that are known: the table of `docs/optimiser.md`.
//!
//! `FFHEC_CIRCUITS=DIR cargo test --release -p ffhec-compiler --test refresh_table -- --ignored --nocapture` prints it,
//! for circuits in Bristol Fashion that a clone does not have.

#![allow(clippy::unwrap_used, reason = "tests")]
#![allow(clippy::disallowed_methods, reason = "tests read files and the environment; the compiler does not")]

use std::path::PathBuf;

use ffhec_circuit::formats::Format;
use ffhec_compiler::opt::place_by_levels;

/// A circuit, and the optima by integer programming for one to four levels; 0 where the solver did not prove one.
type Row = (&'static str, [usize; 4]);

const CIRCUITS: [Row; 19] = [
    ("bristol_adder64", [62, 31, 20, 15]),
    ("lobster_cardio", [84, 37, 16, 11]),
    ("lobster_dsort", [294, 114, 42, 21]),
    ("lobster_bsort", [402, 230, 0, 0]),
    ("lobster_hd11", [389, 212, 0, 0]),
    ("lobster_int2float", [206, 0, 58, 40]),
    ("lobster_router", [168, 76, 0, 28]),
    ("epfl_router", [166, 83, 0, 47]),
    ("epfl_ctrl", [148, 63, 40, 25]),
    ("epfl_int2float", [251, 118, 69, 47]),
    ("epfl_dec", [48, 16, 0, 0]),
    ("epfl_cavlc", [673, 334, 0, 147]),
    ("epfl_i2c", [1208, 536, 0, 0]),
    ("epfl_priority", [0, 0, 0, 0]),
    ("emp_float32_add", [0, 0, 0, 0]),
    ("emp_float32_mul", [0, 0, 0, 0]),
    ("hardfloat_f32_add_rne", [0, 0, 0, 0]),
    ("hardfloat_f32_mul_rne", [0, 0, 0, 0]),
    ("epfl_sin", [0, 0, 0, 0]),
];

#[test]
#[ignore = "some minutes; reads files that a clone does not have"]
fn refreshes_of_published_circuits() {
    let folder = std::env::var_os("FFHEC_CIRCUITS").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/circuits"),
        PathBuf::from,
    );
    println!("| circuit | ANDs | 1 level | 2 | 3 | 4 |\n|---|---|---|---|---|---|");
    for (name, optima) in CIRCUITS {
        let path = folder.join(name).with_extension("txt");
        let Ok(bytes) = std::fs::read(&path) else {
            println!("notice: {} is not there", path.display());
            continue;
        };
        let circuit = Format::Bristol.read(&bytes).unwrap().circuit;
        let cells: Vec<String> = (1..=4_u8)
            .zip(optima)
            .map(|(levels, optimum)| {
                let placed = place_by_levels(&circuit, levels);
                let (refreshes, bound) = (placed.refreshes, placed.lower_bound);
                assert!(bound <= refreshes);
                if optimum == 0 {
                    return format!("{refreshes} (at least {bound})");
                }
                assert!(
                    100 * refreshes <= 105 * optimum,
                    "{name}, {levels} levels: {refreshes}, not {optimum}"
                );
                assert!(bound <= optimum, "{name}, {levels} levels: a bound of {bound} above {optimum}");
                match refreshes == optimum {
                    true => format!("**{refreshes}** (at least {bound})"),
                    false => format!("{refreshes} (at least {bound}, optimum {optimum})"),
                }
            })
            .collect();
        println!("| {name} | {} | {} |", circuit.counts().and, cells.join(" | "));
    }
}
