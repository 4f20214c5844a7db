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

/// A circuit, and the optima that solvers proved for one to four levels; 0 where they did not.
type Row = (&'static str, [usize; 4]);

const CIRCUITS: [Row; 19] = [
    ("bristol_adder64", [62, 31, 20, 15]),
    ("lobster_cardio", [84, 37, 16, 11]),
    ("lobster_dsort", [294, 114, 42, 21]),
    ("lobster_bsort", [402, 230, 0, 0]),
    ("lobster_hd11", [389, 212, 0, 0]),
    ("lobster_int2float", [206, 102, 58, 40]),
    ("lobster_router", [168, 76, 45, 28]),
    ("epfl_router", [166, 83, 66, 47]),
    ("epfl_ctrl", [148, 63, 40, 25]),
    ("epfl_int2float", [251, 118, 69, 47]),
    ("epfl_dec", [48, 16, 0, 0]),
    ("epfl_cavlc", [673, 334, 216, 147]),
    ("epfl_i2c", [1208, 536, 322, 209]),
    ("epfl_priority", [971, 399, 309, 225]),
    ("emp_float32_add", [0, 0, 0, 0]),
    ("emp_float32_mul", [0, 0, 0, 0]),
    ("hardfloat_f32_add_rne", [0, 0, 0, 0]),
    ("hardfloat_f32_mul_rne", [0, 0, 0, 0]),
    ("epfl_sin", [0, 0, 0, 0]),
];

/// Circuits, levels, and how many refreshes a solver proved to be needed where it did not prove an optimum.
const NEEDED: [(&str, u8, usize); 4] =
    [("lobster_bsort", 3, 147), ("lobster_bsort", 4, 101), ("lobster_hd11", 3, 135), ("lobster_hd11", 4, 94)];

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
                    let is_here = |&&(circuit, at, _): &&(&str, u8, usize)| (circuit, at) == (name, levels);
                    let Some(&(.., needed)) = NEEDED.iter().find(is_here) else {
                        assert!(
                            100 * refreshes <= 115 * bound,
                            "{name}, {levels} levels: {refreshes}, at least {bound}"
                        );
                        return format!("{refreshes} (at least {bound})");
                    };
                    assert!(
                        bound <= refreshes && needed <= refreshes && 100 * refreshes <= 105 * needed,
                        "{name}, {levels} levels: {refreshes}, at least {needed}"
                    );
                    return format!("{refreshes} (at least {bound}, by a solver {needed})");
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
