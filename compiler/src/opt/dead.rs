//! Removes gates that no output needs. Input gates stay: they are the program's interface.

use ffhec_circuit::{Circuit, Gate, Wire};

/// `circuit` without the gates that no output depends on, in the same order.
pub fn remove_dead(circuit: &Circuit) -> Circuit {
    let live = live(circuit);
    let mut kept = Circuit {
        gates: Vec::with_capacity(circuit.gates.len()),
        origins: Vec::with_capacity(circuit.gates.len()),
        functions: circuit.functions.clone(),
        inputs: circuit.inputs.clone(),
        outputs: circuit.outputs.clone(),
        output_wires: Vec::new(),
    };
    let mut new = vec![Wire::new(0); circuit.gates.len()];
    for (index, gate) in circuit.gates.iter().enumerate().filter(|&(index, _)| live[index]) {
        new[index] = Wire::new(kept.gates.len());
        kept.gates.push(gate.map(|wire| new[wire.index()]));
        kept.origins.push(circuit.origins[index]);
    }
    kept.output_wires = circuit.output_wires.iter().map(|wire| new[wire.index()]).collect();
    kept
}

fn live(circuit: &Circuit) -> Vec<bool> {
    let mut live = vec![false; circuit.gates.len()];
    for wire in &circuit.output_wires {
        live[wire.index()] = true;
    }
    for (index, gate) in circuit.gates.iter().enumerate().rev() {
        live[index] |= matches!(gate, Gate::Input(_));
        if live[index] {
            for wire in gate.operands() {
                live[wire.index()] = true;
            }
        }
    }
    live
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::opt::testing::{assert_same, check, circuits};

    #[test]
    fn unread_gates_go_and_unread_inputs_stay() {
        let before = "
            %2 = and %0 %1
            %3 = not %0
            %4 = xor %2 %3";
        check(remove_dead, 2, (before, "%3"), ("%2 = not %0", "%2"));
    }

    #[test]
    fn what_is_left_is_needed_and_computes_the_same() {
        for circuit in circuits(20) {
            let kept = remove_dead(&circuit);
            assert_same(&circuit, &kept);
            assert!(live(&kept).iter().all(|&live| live));
            let inputs = |circuit: &Circuit| {
                circuit.gates.iter().filter(|gate| matches!(gate, Gate::Input(_))).count()
            };
            assert_eq!(inputs(&circuit), inputs(&kept));
        }
    }
}
