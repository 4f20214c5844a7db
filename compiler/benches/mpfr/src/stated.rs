//! The bounds that the library's doc comments state.

use std::path::Path;

const MODULES: [&str; 4] = ["math", "trigonometry", "hyperbolic", "ml"];
const STATED: &str = "/// Error: below 1 ulp; largest measured: ";

/// What the doc comment of a function states for a format: `f16 0.86; bf16 0.70` and so on. It has two
/// decimals.
pub fn bound(function: &str, format: &str) -> Option<f64> {
    MODULES.iter().find_map(|module| {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../stdlib");
        let text = std::fs::read_to_string(folder.join(format!("{module}.ffl"))).ok()?;
        let end = text.find(&format!("\nfn {function}<"))?;
        let lines = text[..end].lines().rev().take_while(|line| line.starts_with("///"));
        let line = lines.filter_map(|line| line.strip_prefix(STATED)).next()?;
        let parts = line.trim_end_matches('.').split("; ").filter_map(|part| part.rsplit_once(' '));
        parts.filter(|(name, _)| *name == format).find_map(|(_, bound)| bound.parse::<f64>().ok())
    })
}
