//! Shallower circuits for single nodes, and what they cost.

use std::collections::HashMap;

use crate::opt::rewrite::VARIABLES;

use super::bottleneck::NEVER;
use super::cone::Cone;
use super::facts::Facts;
use super::net::{NOWHERE, Net};
use super::plan::{FAR, Plan, Plans, Slack, Step};
use super::table::{LEAVES, Table};

/// How often a cone grows.
const GROWTH: usize = 12;
/// What an AND costs; a node costs 1 besides, so that of cuts with as many ANDs the one with the fewest nodes is taken.
const AND_PRICE: u32 = 8;

/// Offers for nodes. An offer stays good while its leaves stay early enough, as no wire ever changes its function.
pub(super) struct Offers<'p> {
    of_node: HashMap<u32, Offer>,
    plans: &'p mut Plans,
    facts: Facts,
}

enum Offer {
    /// The node as a function of wires, the slack of these when the offer was last looked at, and what it costs to
    /// compute the node one level earlier.
    Of(Cone, Slack, u32),
    /// None was found while these wires were so many levels before the node.
    None(Vec<(u32, i64)>),
}

impl<'p> Offers<'p> {
    /// None yet. Plans serve many networks.
    pub(super) fn new(plans: &'p mut Plans) -> Self {
        Offers { of_node: HashMap::new(), plans, facts: Facts::default() }
    }

    /// What it costs to compute `node` one level earlier; [`NEVER`] if no way is known.
    pub(super) fn price(&mut self, net: &mut Net, node: u32) -> u32 {
        if net.depths[node as usize] == 0 {
            return NEVER;
        }
        let known = match self.of_node.get_mut(&node) {
            Some(Offer::Of(cone, slack, price)) => {
                still_holds(net, node, cone, slack, self.plans).then_some(*price)
            }
            Some(Offer::None(before)) => {
                before.iter().all(|&(wire, by)| lead(net, node, wire) == by).then_some(NEVER)
            }
            None => None,
        };
        known.unwrap_or_else(|| {
            let offer = self.best(net, node);
            let price = if let Offer::Of(.., price) = offer { price } else { NEVER };
            self.of_node.insert(node, offer);
            price
        })
    }

    /// Replaces `node` by what was offered for it.
    pub(super) fn take(&mut self, net: &mut Net, node: u32) {
        let Some(Offer::Of(cone, offered, _)) = self.of_node.remove(&node) else { return };
        // Leaves that were replaced just before are earlier than they were. More slack mostly allows fewer ANDs.
        let now = slack(net, &cone, net.depths[node as usize] - 1);
        let slack = if self.plans.plan(cone.table, now).is_some() { now } else { offered };
        let leaves: [u32; LEAVES] = std::array::from_fn(|leaf| {
            cone.leaf(leaf).fold(net.zero(), |sum, wire| {
                let wire = net.resolved(wire);
                net.xor(sum, wire, node)
            })
        });
        let new = Builder { net, plans: self.plans, root: node, leaves }.build(cone.table, slack);
        net.replace(node, new);
    }

    fn best(&mut self, net: &mut Net, node: u32) -> Offer {
        let goal = net.depths[node as usize] - 1;
        let mut cone = Cone::of(node);
        let mut best: Option<(Cone, Slack, u32)> = None;
        for _ in 0..GROWTH {
            let mut grown = cone.clone();
            if grown.grow(net).is_none() {
                break;
            }
            cone = grown;
            cone.table = self.facts.reduced(net, &cone);
            let slack = slack(net, &cone, goal);
            let Some(plan) = self.plans.plan(cone.table, slack) else { continue };
            let added = plan.ands.saturating_sub(net.freed(node, cone.wires()));
            let price = 1 + AND_PRICE * added;
            if best.as_ref().is_none_or(|(.., least)| price < *least) {
                best = Some((cone.clone(), slack, price));
            }
        }
        match best {
            Some((cone, slack, price)) => Offer::Of(cone, slack, price),
            None => Offer::None(cone.wires().map(|wire| (wire, lead(net, node, wire))).collect()),
        }
    }
}

/// How many levels `wire` is before `node`.
fn lead(net: &Net, node: u32, wire: u32) -> i64 {
    let depth = net.depths[net.resolved(wire) as usize];
    i64::from(net.depths[node as usize]) - i64::from(depth)
}

/// Whether the offer is still good; if so, its slack is renewed.
fn still_holds(net: &Net, node: u32, cone: &Cone, offered: &mut Slack, plans: &mut Plans) -> bool {
    let place = net.places[node as usize];
    let is_before = |wire: u32| {
        let before = net.places[net.resolved(wire) as usize];
        before != NOWHERE && before < place
    };
    let slack = slack(net, cone, net.depths[node as usize] - 1);
    let holds = cone.wires().all(is_before) && plans.plan(cone.table, slack).is_some();
    if holds {
        *offered = slack;
    }
    holds
}

/// How many ANDs may come after each leaf for the AND-depth to be `goal`.
fn slack(net: &Net, cone: &Cone, goal: u32) -> Slack {
    std::array::from_fn(|leaf| {
        let depth = cone.leaf(leaf).map(|wire| net.depths[net.resolved(wire) as usize]).max().unwrap_or(0);
        let slack = i64::from(goal) - i64::from(depth);
        i8::try_from(slack.clamp(-1, i64::from(FAR))).expect("within the clamp")
    })
}

/// Makes the nodes of plans.
struct Builder<'n, 'c> {
    net: &'n mut Net<'c>,
    plans: &'n mut Plans,
    /// The node that they are made for.
    root: u32,
    leaves: [u32; LEAVES],
}

impl Builder<'_, '_> {
    /// The node for a function of the leaves that there is a plan for.
    fn build(&mut self, table: Table, slack: Slack) -> u32 {
        let plan = self.plans.plan(table, slack);
        let Plan { step, .. } = plan.expect("offers have plans, and so have their parts");
        match step {
            Step::Chain(number) => self.chain(table, usize::from(number)),
            Step::Split(at, flip) => {
                let [low, high] = table.cofactors(usize::from(at));
                let rest = self.build(if flip { high } else { low }, slack);
                let factor = self.build(low ^ high, slack.map(|slack| slack - 1));
                let x = self.leaves[usize::from(at)];
                let x = self.plus(x, flip);
                let product = self.net.and(x, factor, self.root);
                self.net.xor(rest, product, self.root)
            }
        }
    }

    /// By chain number `number` for the class of the function.
    fn chain(&mut self, table: Table, number: usize) -> u32 {
        let (table, places) = table.compressed().expect("it has a chain");
        let (normal, chains) = self.plans.known.look_up(table).expect("it has a chain");
        let chain = &chains[number];
        let leaves = places.map(|place| self.leaves[place]);
        let mut values: Vec<u32> = Vec::with_capacity(VARIABLES + chain.gates.len());
        for (row, &set) in normal.rows.iter().enumerate() {
            let sum = self.sum(&leaves, u16::from(set));
            values.push(self.plus(sum, normal.shift >> row & 1 == 1));
        }
        for [a, b] in &chain.gates {
            let (a, b) = (self.sum(&values, *a), self.sum(&values, *b));
            values.push(self.net.and(a, b, self.root));
        }
        let result = self.sum(&values, chain.output);
        let linear = self.sum(&leaves, u16::from(normal.linear));
        let result = self.net.xor(result, linear, self.root);
        self.plus(result, normal.constant ^ (normal.table & 1 == 1))
    }

    /// The sum of a set of values.
    fn sum(&mut self, values: &[u32], set: u16) -> u32 {
        let chosen = values.iter().enumerate().filter(|&(at, _)| set >> at & 1 == 1);
        chosen.fold(self.net.zero(), |sum, (_, &value)| self.net.xor(sum, value, self.root))
    }

    /// `node` plus a constant.
    fn plus(&mut self, node: u32, bit: bool) -> u32 {
        let constant = if bit { self.net.one() } else { self.net.zero() };
        self.net.xor(node, constant, self.root)
    }
}
