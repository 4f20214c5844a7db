//! `ffhec params`: the parameter sets, what they cost and what they are worth.

use std::fmt::Write as _;

use ffhec_runtime::Params;
use ffhec_runtime::measure::Measured;
use serde_json::{Value, json};

use crate::failure::Failure;
use crate::progress::{seconds, size};

/// The parameters of a preset.
pub(crate) fn params_of(preset: &str) -> Result<Params, Failure> {
    Params::preset(preset)
        .map_err(|error| Failure::usage(error.to_string(), "`ffhec params` lists the presets"))
}

/// The one line that every encrypted run says.
pub(crate) fn security_line(params: &Params) -> String {
    format!("preset {}: NOT SECURE. {}", params.name(), params.caveat())
}

/// The table of all presets.
pub(crate) fn table() -> String {
    let mut text = String::from(
        "FFHE parameter sets. None is secure today: the estimates are the best known attacks (steps or cycles).\n\n",
    );
    for params in Params::all() {
        let target = params.target();
        let literal = params.literal();
        let published =
            literal.published_bits.map_or("none".to_owned(), |bits| format!("{bits} bits published (2013)"));
        let _ = writeln!(
            text,
            "{name}\n  slots {slots} (l = {side}), rho {rho}, eta {eta}, gamma {gamma} bits, theta {theta}, n {n}, \
             B {box_size}, lambda {lambda}\n  rho' {rho_prime}, beta {beta}, alpha {alpha}, alpha' {alpha_prime}\n  \
             security: {published}; best known attack about 2^{estimated:.0} steps\n  {caveat}\n  ciphertext {ciphertext}, public key {key} \
             (encryption part {encryption}), one refresh about {refresh}\n  noise: fresh {fresh:.0}, refreshed \
             {refreshed:.0}, budget {budget:.0} bits\n",
            name = params.name(),
            slots = params.slots(),
            side = literal.side,
            rho = literal.rho,
            eta = literal.eta,
            gamma = literal.gamma,
            theta = literal.theta,
            n = params.n(),
            box_size = literal.box_size,
            lambda = literal.lambda,
            rho_prime = params.rho_prime(),
            beta = params.beta(),
            alpha = params.alpha(),
            alpha_prime = params.alpha_prime(),
            estimated = params.estimated_bits(),
            caveat = params.caveat(),
            ciphertext = size(target.ciphertext_bytes),
            key = size(target.encryption_key_bytes + target.evaluation_key_bytes),
            encryption = size(target.encryption_key_bytes),
            refresh = seconds((target.costs.pass_ns + target.costs.refresh_ns) * 1e-9),
            fresh = target.fresh.0,
            refreshed = target.refreshed.0,
            budget = target.budget.0,
        );
    }
    text.push_str(
        "The modulus is x_0 = 2^gamma - delta (it folds): a deviation from the paper, whose x_0 has no such form.\n",
    );
    text
}

/// The same as JSON.
pub(crate) fn as_json() -> Value {
    Params::all()
        .iter()
        .map(|params| {
            let target = params.target();
            let literal = params.literal();
            json!({
                "name": params.name(),
                "secure": false,
                "published_bits": literal.published_bits,
                "estimated_bits": params.estimated_bits(),
                "caveat": params.caveat(),
                "slots": params.slots(),
                "side": literal.side,
                "lambda": literal.lambda,
                "rho": literal.rho,
                "rho_prime": params.rho_prime(),
                "eta": literal.eta,
                "gamma": literal.gamma,
                "alpha": params.alpha(),
                "alpha_prime": params.alpha_prime(),
                "beta": params.beta(),
                "theta": literal.theta,
                "n": params.n(),
                "box_size": literal.box_size,
                "ciphertext_bytes": target.ciphertext_bytes,
                "encryption_key_bytes": target.encryption_key_bytes,
                "evaluation_key_bytes": target.evaluation_key_bytes,
                "noise_bits": {
                    "fresh": target.fresh.0,
                    "refreshed": target.refreshed.0,
                    "budget": target.budget.0,
                },
                "refresh_ns": target.costs.pass_ns + target.costs.refresh_ns,
            })
        })
        .collect()
}

/// What was measured, as JSON: seconds, and the costs that a target has.
pub(crate) fn measured_json(measured: &Measured) -> Value {
    let operations: serde_json::Map<String, Value> = measured
        .operations()
        .into_iter()
        .map(|(name, time)| (name, json!({ "cpu_s": time.cpu, "wall_s": time.wall })))
        .collect();
    let costs = measured.costs();
    json!({
        "preset": measured.preset,
        "threads": measured.threads,
        "level": measured.level,
        "right": measured.right,
        "operations": operations,
        "costs_ns": {
            "xor": costs.xor_ns,
            "and": costs.and_ns,
            "pass": costs.pass_ns,
            "refresh": costs.refresh_ns,
            "encrypt": costs.encrypt_ns,
            "decrypt": costs.decrypt_ns,
        },
    })
}
