//! The cheapest set of nodes that every longest path goes through: a minimum vertex cut of the critical part of a network
//! (Singh, Wang, Brayton, Sangiovanni-Vincentelli, "Timing optimization of combinational logic", ICCAD 1988).

use std::collections::VecDeque;

/// A price that no cut pays.
pub(super) const NEVER: u32 = 1 << 28;

/// Of the cheapest cuts, the one nearest the first or the last nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    First,
    Last,
}

impl Side {
    pub(super) fn other(self) -> Self {
        match self {
            Side::First => Side::Last,
            Side::Last => Side::First,
        }
    }
}

/// A graph of nodes with prices.
pub(super) struct Graph {
    pub(super) prices: Vec<u32>,
    /// The nodes that follow each node.
    pub(super) next: Vec<Vec<u32>>,
    pub(super) is_first: Vec<bool>,
    pub(super) is_last: Vec<bool>,
}

/// An arc of the residual network.
struct Arc {
    to: u32,
    room: u32,
}

struct Flow {
    arcs: Vec<Arc>,
    of_node: Vec<Vec<u32>>,
}

impl Flow {
    fn connect(&mut self, from: usize, to: usize, room: u32) {
        let number = |index: usize| u32::try_from(index).expect("bounded: a few arcs a wire");
        for (from, to, room) in [(from, to, room), (to, from, 0)] {
            self.of_node[from].push(number(self.arcs.len()));
            self.arcs.push(Arc { to: number(to), room });
        }
    }

    /// How many arcs each node is away from `source`.
    fn layers(&self, source: usize) -> Vec<u32> {
        let mut layers = vec![u32::MAX; self.of_node.len()];
        layers[source] = 0;
        let mut open = VecDeque::from([source]);
        while let Some(node) = open.pop_front() {
            for &arc in &self.of_node[node] {
                let Arc { to, room } = self.arcs[arc as usize];
                if room > 0 && layers[to as usize] == u32::MAX {
                    layers[to as usize] = layers[node] + 1;
                    open.push_back(to as usize);
                }
            }
        }
        layers
    }

    /// The nodes from which more could be sent to `sink`.
    fn reaches(&self, sink: usize) -> Vec<bool> {
        let mut reaches = vec![false; self.of_node.len()];
        reaches[sink] = true;
        let mut open = vec![sink];
        while let Some(node) = open.pop() {
            for &arc in &self.of_node[node] {
                let from = self.arcs[arc as usize].to as usize;
                // The other direction of the arc leads here.
                if !reaches[from] && self.arcs[(arc ^ 1) as usize].room > 0 {
                    reaches[from] = true;
                    open.push(from);
                }
            }
        }
        reaches
    }

    /// Sends what fits along one shortest path; 0 if there is none left.
    fn send(&mut self, source: usize, sink: usize, layers: &[u32], tried: &mut [usize]) -> u32 {
        let mut path: Vec<u32> = Vec::new();
        let mut node = source;
        loop {
            if node == sink {
                let room = path.iter().map(|&arc| self.arcs[arc as usize].room).min().unwrap_or(0);
                for &arc in &path {
                    self.arcs[arc as usize].room -= room;
                    self.arcs[(arc ^ 1) as usize].room += room;
                }
                return room;
            }
            match self.of_node[node].get(tried[node]) {
                Some(&arc) => {
                    let Arc { to, room } = self.arcs[arc as usize];
                    if room > 0 && layers[to as usize] == layers[node] + 1 {
                        path.push(arc);
                        node = to as usize;
                    } else {
                        tried[node] += 1;
                    }
                }
                None => {
                    let Some(arc) = path.pop() else { return 0 };
                    node = self.arcs[(arc ^ 1) as usize].to as usize;
                    tried[node] += 1;
                }
            }
        }
    }
}

impl Graph {
    /// Nodes without prices and arcs.
    pub(super) fn new(nodes: usize) -> Self {
        Graph {
            prices: vec![NEVER; nodes],
            next: vec![Vec::new(); nodes],
            is_first: vec![false; nodes],
            is_last: vec![false; nodes],
        }
    }

    /// The cheapest nodes on every path from a first to a last node; `None` if that takes a node that costs [`NEVER`].
    pub(super) fn cut(&self, side: Side) -> Option<Vec<usize>> {
        let nodes = self.prices.len();
        let (source, sink) = (2 * nodes, 2 * nodes + 1);
        let mut flow = self.network();
        let mut total = 0;
        loop {
            let layers = flow.layers(source);
            if layers[sink] == u32::MAX {
                let inside = match side {
                    Side::First => layers.iter().map(|&layer| layer != u32::MAX).collect(),
                    Side::Last => flow.reaches(sink).into_iter().map(|reaches| !reaches).collect::<Vec<_>>(),
                };
                return Some((0..nodes).filter(|&at| inside[2 * at] && !inside[2 * at + 1]).collect());
            }
            let mut tried = vec![0; flow.of_node.len()];
            loop {
                let sent = flow.send(source, sink, &layers, &mut tried);
                if sent == 0 {
                    break;
                }
                total += sent;
                if total >= NEVER {
                    return None;
                }
            }
        }
    }

    /// Each node as an arc with its price, from node `2 n` to `2 n + 1`; then the source and the sink.
    fn network(&self) -> Flow {
        let nodes = self.prices.len();
        let (source, sink) = (2 * nodes, 2 * nodes + 1);
        let mut flow = Flow { arcs: Vec::new(), of_node: vec![Vec::new(); 2 * nodes + 2] };
        for node in 0..nodes {
            flow.connect(2 * node, 2 * node + 1, self.prices[node]);
            if self.is_first[node] {
                flow.connect(source, 2 * node, NEVER);
            }
            if self.is_last[node] {
                flow.connect(2 * node + 1, sink, NEVER);
            }
            for &next in &self.next[node] {
                flow.connect(2 * node + 1, 2 * next as usize, NEVER);
            }
        }
        flow
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::opt::testing::Random;

    /// Whether a path avoids `cut`.
    fn is_connected(graph: &Graph, cut: u32) -> bool {
        let mut reached = vec![false; graph.prices.len()];
        for node in 0..reached.len() {
            reached[node] = (reached[node] || graph.is_first[node]) && cut >> node & 1 == 0;
            if reached[node] {
                graph.next[node].iter().for_each(|&next| reached[next as usize] = true);
            }
        }
        // A node after a cut one may have been marked before it was visited.
        (0..reached.len()).any(|node| reached[node] && graph.is_last[node])
    }

    #[test]
    fn the_cut_is_the_cheapest_of_all_sets() {
        let mut random = Random::new(5);
        for _ in 0..200 {
            let nodes = 8;
            let mut graph = Graph::new(nodes);
            for node in 0..nodes {
                graph.prices[node] =
                    if random.below(4) == 0 { NEVER } else { 1 + u32::try_from(random.below(20)).unwrap() };
                graph.is_first[node] = node < 2;
                graph.is_last[node] = node >= nodes - 2;
                for next in node + 1..nodes {
                    if random.below(3) == 0 {
                        graph.next[node].push(u32::try_from(next).unwrap());
                    }
                }
            }
            let price = |set: u32| -> u64 {
                (0..nodes).filter(|node| set >> node & 1 == 1).map(|node| u64::from(graph.prices[node])).sum()
            };
            let best =
                (0..1_u32 << nodes).filter(|&set| !is_connected(&graph, set)).map(price).min().unwrap();
            for side in [Side::First, Side::Last] {
                let cut = graph.cut(side).map(|cut| cut.into_iter().fold(0, |set, node| set | 1 << node));
                match cut {
                    Some(set) => {
                        assert!(!is_connected(&graph, set));
                        assert_eq!(price(set), best);
                    }
                    None => assert!(best >= u64::from(NEVER)),
                }
            }
        }
    }
}
