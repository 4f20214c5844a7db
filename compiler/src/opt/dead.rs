//! Removes gates that no output needs. Input gates stay: they are the program's interface.

use std::borrow::Cow;

use ffhec_circuit::{Circuit, Gate, Wire};

/// `circuit` without the gates that no output depends on, in the same order.
pub fn remove_dead(mut circuit: Circuit) -> Circuit {
    let live = live(&circuit);
    let Some(first) = live.iter().position(|live| !live) else { return circuit };
    // The gates before the first dead one stay where they are, the others move down.
    let mut new: Vec<Wire> = vec![Wire::new(0); circuit.gates.len() - first];
    let mut kept = first;
    let moved =
        |wire: Wire, new: &[Wire]| if wire.index() < first { wire } else { new[wire.index() - first] };
    for index in (first..circuit.gates.len()).filter(|&index| live[index]) {
        circuit.gates[kept] = circuit.gates[index].map(|wire| moved(wire, &new));
        circuit.origins[kept] = circuit.origins[index];
        new[index - first] = Wire::new(kept);
        kept += 1;
    }
    circuit.output_wires.iter_mut().for_each(|wire| *wire = moved(*wire, &new));
    circuit.gates.truncate(kept);
    circuit.origins.truncate(kept);
    circuit
}

/// Like [`remove_dead`]; a circuit without dead gates is not copied.
pub(super) fn without_dead(circuit: &Circuit) -> Cow<'_, Circuit> {
    if live(circuit).iter().all(|&live| live) {
        Cow::Borrowed(circuit)
    } else {
        Cow::Owned(remove_dead(circuit.clone()))
    }
}

/// Whether each gate is an input or an output depends on it.
pub(super) fn live(circuit: &Circuit) -> Vec<bool> {
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
            let kept = remove_dead(circuit.clone());
            assert_same(&circuit, &kept);
            assert!(live(&kept).iter().all(|&live| live));
            let inputs = |circuit: &Circuit| {
                circuit.gates.iter().filter(|gate| matches!(gate, Gate::Input(_))).count()
            };
            assert_eq!(inputs(&circuit), inputs(&kept));
        }
    }
}
