//! Less AND-depth for a few ANDs more.
//!
//! In each step, every node on a longest path is offered a shallower circuit for itself ([`offer`]: [`cone`] finds
//! functions of earlier wires, [`facts`] values that these never have at once, [`plan`] circuits), with the number of
//! ANDs that it adds as its price; the cheapest set of nodes through which all longest paths go ([`bottleneck`]) is
//! replaced, and the circuit is one level less deep ([`net`]). Steps go on as long as the ANDs stay within a limit; in
//! between, ANDs are saved off the longest paths ([`super::rewrite`]).
//!
//! This is the speed-up of Singh, Wang, Brayton and Sangiovanni-Vincentelli ("Timing optimization of combinational logic",
//! ICCAD 1988) for graphs where XOR is free. Rewriting `(ab ^ c) d` as `abd ^ cd` (Carpov, Aubry and Sirdey, "A
//! multi-start heuristic for multiplicative depth minimization of Boolean circuits", IWOCA 2017), carry-skip, and the
//! products of intervals of a prefix adder are what it finds where a chain of carries is late.

mod bottleneck;
mod cone;
mod facts;
mod net;
mod offer;
mod plan;
mod table;

use ffhec_circuit::Circuit;

use super::rewrite::recover;
use bottleneck::{Graph, Side};
use net::Net;
use offer::Offers;
use plan::Plans;

/// Circuits with more ANDs than this are left as they are: a step looks at every gate.
const LARGEST: usize = 50_000;

/// Circuits with at most so many ANDs are shortened from either side first, and the better result is taken.
const STARTED_TWICE: usize = 1_500;

/// The same function with the least AND-depth that was found within `most` ANDs.
pub fn shallow(circuit: Circuit, most: usize) -> Circuit {
    let ands = circuit.counts().and;
    if ands > LARGEST {
        return circuit;
    }
    let mut plans = Plans::default();
    let first = shortened(&circuit, most, Side::First, &mut plans);
    if ands > STARTED_TWICE {
        return first;
    }
    let last = shortened(&circuit, most, Side::Last, &mut plans);
    let cost = |circuit: &Circuit| {
        let counts = circuit.counts();
        (counts.and_depth, counts.and)
    };
    if cost(&last) < cost(&first) { last } else { first }
}

/// Levels are taken off and ANDs saved in turn, with cuts near `side` until these are of no more use, and then near the
/// other side.
fn shortened(circuit: &Circuit, most: usize, mut side: Side, plans: &mut Plans) -> Circuit {
    let mut best = circuit.clone();
    let (mut failures, mut over) = (0, most / 8);
    while failures < 2 {
        let before = best.counts();
        let faster = accelerated(&best, most + over, side, plans);
        let recovered = recover(&faster, &mut plans.known);
        let after = recovered.counts();
        if after.and > most && over > 0 {
            // Less was saved than hoped for.
            over /= 4;
        } else if after.and <= most && after.and_depth < before.and_depth {
            best = recovered;
            failures = 0;
        } else {
            side = side.other();
            failures += 1;
        }
    }
    best
}

/// Levels are taken off until no step is left, or the next would take more than `most` ANDs.
fn accelerated(circuit: &Circuit, most: usize, side: Side, plans: &mut Plans) -> Circuit {
    let mut net = Net::of(circuit);
    let mut offers = Offers::new(plans);
    loop {
        let before = net.snapshot();
        let depth = net.depth;
        if !step(&mut net, &mut offers, side) || net.depth >= depth || net.ands > most {
            return net.circuit(&before);
        }
    }
}

/// Makes the network one level less deep; false if that cannot be done.
fn step(net: &mut Net, offers: &mut Offers, side: Side) -> bool {
    if net.depth == 0 {
        return false;
    }
    let critical: Vec<u32> = net.order.iter().copied().filter(|&node| net.is_critical(node)).collect();
    let graph = critical_graph(net, offers, &critical);
    let Some(cut) = graph.cut(side) else { return false };
    for at in cut {
        offers.take(net, critical[at]);
    }
    net.sweep();
    true
}

/// The longest paths through `critical`, the nodes on them in order, with the prices of offers.
fn critical_graph(net: &mut Net, offers: &mut Offers, critical: &[u32]) -> Graph {
    const OFF: u32 = u32::MAX;
    let mut numbers = vec![OFF; net.nodes.len()];
    let mut graph = Graph::new(critical.len());
    for (at, &node) in critical.iter().enumerate() {
        let number = u32::try_from(at).expect("no more than wires");
        numbers[node as usize] = number;
        graph.prices[at] = offers.price(net, node);
        let gate = net.nodes[node as usize];
        for operand in gate.operands() {
            let before = numbers[operand as usize];
            if before != OFF && net.depths[operand as usize] + gate.level() == net.depths[node as usize] {
                graph.next[before as usize].push(number);
            }
        }
        graph.is_first[at] = net.depths[node as usize] == 0;
    }
    for &end in net.ends() {
        let number = numbers[end as usize];
        if number != OFF && net.depths[end as usize] == net.depth {
            graph.is_last[number as usize] = true;
        }
    }
    graph
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::opt::optimize;
    use crate::opt::testing::{adder, assert_same, circuit, circuits, multiplier_chain};

    #[test]
    fn random_circuits_keep_their_function_and_stay_within_the_limit() {
        for circuit in circuits(8) {
            let start = optimize(circuit.clone());
            let before = start.counts();
            for most in [before.and, before.and + before.and / 2, 4 * before.and] {
                let shallow = shallow(start.clone(), most);
                assert_same(&circuit, &shallow);
                let after = shallow.counts();
                assert!(after.and <= most.max(before.and), "{before:?} {after:?} {most}");
                assert!(after.and_depth <= before.and_depth, "{before:?} {after:?}");
            }
        }
    }

    #[test]
    fn a_ripple_of_carries_becomes_a_prefix_tree() {
        let ripple = optimize(adder(64));
        assert_eq!(ripple.counts().and_depth, 64);
        let fast = shallow(ripple.clone(), 4 * 64);
        assert_same(&ripple, &fast);
        let counts = fast.counts();
        assert!(counts.and_depth <= 16 && counts.and <= 4 * 64, "{counts:?}");
        let half = shallow(ripple.clone(), 96).counts();
        assert!(half.and_depth <= 54 && half.and <= 96, "{half:?}");
    }

    #[test]
    fn a_product_moves_into_a_sum() {
        // ((ab ^ c) d ^ e) f: the late product meets one AND instead of two.
        let before = "
            %6 = and %0 %1
            %7 = xor %6 %2
            %8 = and %7 %3
            %9 = xor %8 %4
            %10 = and %9 %5";
        let chain = circuit(6, before, "%10");
        let fast = shallow(chain.clone(), 9);
        assert_same(&chain, &fast);
        assert_eq!(fast.counts().and_depth, 2, "{fast}");
    }

    #[test]
    fn what_excludes_each_other_is_added() {
        // g1 | p1 (g0 | p0 c) with g = ab, p = a ^ b: no carry is both generated and propagated.
        let before = "
            %5 = and %0 %1
            %6 = xor %0 %1
            %7 = and %2 %3
            %8 = xor %2 %3
            %9 = and %6 %4
            %10 = xor %5 %9
            %11 = and %5 %9
            %12 = xor %10 %11
            %13 = and %8 %12
            %14 = xor %7 %13
            %15 = and %7 %13
            %16 = xor %14 %15";
        let carries = circuit(5, before, "%16 %5 %7 %6 %8");
        let fast = shallow(carries.clone(), 12);
        assert_same(&carries, &fast);
        assert!(fast.counts().and_depth <= 2, "{fast}");
    }

    #[test]
    fn the_same_circuit_comes_out_twice() {
        let start = optimize(multiplier_chain(6, 2));
        let most = 2 * start.counts().and;
        assert_eq!(shallow(start.clone(), most), shallow(start, most));
    }
}
