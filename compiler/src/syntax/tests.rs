#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;

#[test]
fn a_valid_file_has_no_errors() {
    let text = "const A: f16 = 1;\nfn main(x: f16 in [0, 1], public w: [f16; 2]) -> (y: f16, z: bool) { (x * w[0], x < A) }";
    let (_, diagnostics) = parse(0, text);
    assert_eq!(diagnostics, []);
}
