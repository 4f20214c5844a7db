//! Ports in formats that know single bits with names: `x[0]`, `x[1]` .. for a port `x`.

use std::collections::BTreeSet;

use super::untyped_port;
use crate::Port;

/// Which characters a name may have.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    /// Printable ASCII but `#`, `=`, `"` and `\`.
    Free,
    /// Letters, digits and `_`, a letter first.
    Identifier,
}

/// Names for `ports`, none twice and none in `taken`.
pub(super) fn port_names<'a>(
    ports: impl Iterator<Item = &'a Port>,
    style: Style,
    taken: &mut BTreeSet<String>,
) -> Vec<String> {
    ports
        .map(|port| {
            let plain = cleaned(&port.name, style);
            let mut name = plain.clone();
            let mut number = 2_usize;
            while !taken.insert(name.clone()) {
                name = format!("{plain}_{number}");
                number += 1;
            }
            name
        })
        .collect()
}

fn cleaned(name: &str, style: Style) -> String {
    let allowed = |c: char| match style {
        Style::Free => c.is_ascii_graphic() && !matches!(c, '#' | '=' | '"' | '\\'),
        Style::Identifier => c.is_ascii_alphanumeric() || c == '_',
    };
    let name: String = name.chars().map(|c| if allowed(c) { c } else { '_' }).collect();
    match style {
        Style::Free if name.is_empty() => "_".to_owned(),
        // `.` begins a directive of BLIF.
        Style::Free if name.starts_with('.') => format!("_{name}"),
        Style::Identifier if !name.starts_with(|c: char| c.is_ascii_alphabetic()) => format!("p{name}"),
        Style::Free | Style::Identifier => name,
    }
}

/// The name of each bit of a port called `name`.
pub(super) fn bit_names(name: &str, width: u32) -> impl Iterator<Item = String> + '_ {
    let plain = width == 1 && !name.ends_with(']');
    (0..width).map(move |bit| if plain { name.to_owned() } else { format!("{name}[{bit}]") })
}

/// A prefix for numbered wires that begins none of `names`.
pub(super) fn wire_prefix<'a>(names: impl Iterator<Item = &'a String> + Clone) -> String {
    let mut prefix = "n".to_owned();
    while names.clone().any(|name| name.starts_with(&prefix)) {
        prefix.push('n');
    }
    prefix
}

/// Ports of the bits with these names: a run `x[0]`, `x[1]` .. is one port.
pub(super) fn ports_of(names: &[String]) -> Vec<Port> {
    let mut ports: Vec<Port> = Vec::new();
    let mut run: Option<&str> = None;
    for name in names {
        match indexed(name) {
            Some((base, 0)) => {
                run = Some(base);
                ports.push(untyped_port(base.to_owned(), 1));
            }
            Some((base, bit)) if run == Some(base) && ports.last().is_some_and(|port| port.width == bit) => {
                let port = ports.last_mut().expect("just seen: the run has a port");
                *port = untyped_port(base.to_owned(), bit + 1);
            }
            Some(_) | None => {
                run = None;
                ports.push(untyped_port(name.clone(), 1));
            }
        }
    }
    ports
}

/// `x[3]` as `x` and 3.
fn indexed(name: &str) -> Option<(&str, u32)> {
    let (base, bit) = name.strip_suffix(']')?.rsplit_once('[')?;
    let plain = !base.is_empty() && (bit == "0" || !bit.starts_with(['0', '+']));
    bit.parse().ok().filter(|_| plain).map(|bit| (base, bit))
}
