//! Minimum vertex cuts through the XOR/NOT part of a circuit.
//!
//! In: source wires (noisy products), sink wires (operands of products). Paths run from a source through XOR and NOT
//! gates to a sink; a wire that is both is a path of its own. Out: as few wires as possible such that every path holds
//! one. By Menger's theorem that is the largest number of vertex-disjoint paths, found with Dinic's algorithm for unit
//! capacities (Dinic 1970; Even and Tarjan, "Network flow and testing graph connectivity", 1975): at most the square
//! root of the number of wires phases, each linear; in circuits, a few.
//!
//! The network is not stored. Each wire has an `in` and an `out` node joined by an arc of capacity one; arcs from a
//! wire to its readers, to the sink and from the source have no limit. The flow is a set of disjoint paths, kept as
//! the wire before and after each wire on one.

use ffhec_circuit::{Circuit, Gate};

use super::readers::Readers;

/// The two extreme minimum cuts: of all minimum cuts, the one nearest the sources and the one nearest the sinks.
pub(super) struct MinCut {
    /// The size of every minimum cut.
    pub(super) size: usize,
    /// Whether each wire is in the cut nearest the sources.
    pub(super) early: Vec<bool>,
    /// Whether each wire is in the cut nearest the sinks.
    pub(super) late: Vec<bool>,
}

/// The minimum cuts between `source` and `sink`, which hold one flag per wire.
pub(super) fn min_vertex_cut(circuit: &Circuit, source: &[bool], sink: &[bool]) -> MinCut {
    let mut flow = Flow::new(circuit, source, sink);
    while flow.layer() {
        flow.augment();
    }
    // The last search saturated nothing: its layers are what the residual network reaches from the source.
    let early = flow.wires(|flow, wire| flow.reached(inlet(wire)) && !flow.reached(outlet(wire)));
    let reaches_sink = flow.reaches_sink();
    let late = flow.wires(|_, wire| !reaches_sink[inlet(wire)] && reaches_sink[outlet(wire)]);
    let size = flow.paths;
    debug_assert_eq!(early.iter().filter(|&&cut| cut).count(), size, "max-flow equals min-cut");
    debug_assert_eq!(late.iter().filter(|&&cut| cut).count(), size, "max-flow equals min-cut");
    MinCut { size, early, late }
}

/// No wire: the source before a path, the sink after it.
const END: u32 = u32::MAX;

fn inlet(wire: usize) -> usize {
    2 * wire
}

fn outlet(wire: usize) -> usize {
    2 * wire + 1
}

fn number(wire: usize) -> u32 {
    u32::try_from(wire).expect("bounded: wires have 32 bits")
}

fn is_outlet(node: usize) -> bool {
    node % 2 == 1
}

struct Flow<'a> {
    circuit: &'a Circuit,
    sink: &'a [bool],
    /// Sources from which a sink can be reached.
    sources: Vec<usize>,
    /// For each wire, the XOR and NOT gates that read it and from which a sink can be reached.
    readers: Readers,
    useful: Vec<bool>,
    paths: usize,
    /// Whether a path of the flow goes through each wire, and if so, its neighbours there.
    used: Vec<bool>,
    before: Vec<u32>,
    after: Vec<u32>,
    /// The distance of each node from the source in the residual network, plus one; 0 if not reached or spent.
    layers: Vec<u32>,
    queue: Vec<usize>,
}

impl<'a> Flow<'a> {
    fn new(circuit: &'a Circuit, source: &[bool], sink: &'a [bool]) -> Self {
        let wires = circuit.gates.len();
        let useful = useful(circuit, sink);
        let readers = Readers::among(circuit, |_, reader| useful[reader] && is_linear(circuit.gates[reader]));
        Flow {
            circuit,
            sink,
            sources: (0..wires).filter(|&wire| source[wire] && useful[wire]).collect(),
            readers,
            useful,
            paths: 0,
            used: vec![false; wires],
            before: vec![END; wires],
            after: vec![END; wires],
            layers: vec![0; 2 * wires],
            queue: Vec::new(),
        }
    }

    fn wires(&self, holds: impl Fn(&Self, usize) -> bool) -> Vec<bool> {
        (0..self.circuit.gates.len()).map(|wire| self.useful[wire] && holds(self, wire)).collect()
    }

    fn reached(&self, node: usize) -> bool {
        self.layers[node] != 0
    }

    /// Layers the residual network by breadth-first search, as far as the nearest sink. Whether there is one.
    fn layer(&mut self) -> bool {
        self.layers.fill(0);
        self.queue.clear();
        for &source in &self.sources {
            self.layers[inlet(source)] = 1;
            self.queue.push(inlet(source));
        }
        let (mut done, mut last) = (0, u32::MAX);
        while let Some(&node) = self.queue.get(done) {
            done += 1;
            if self.layers[node] >= last {
                break;
            }
            let next_layer = self.layers[node] + 1;
            for arc in 0.. {
                match self.arc(node, arc) {
                    Arc::None => break,
                    Arc::Sink => last = next_layer,
                    Arc::To(next) if self.layers[next] == 0 => {
                        self.layers[next] = next_layer;
                        self.queue.push(next);
                    }
                    Arc::To(_) | Arc::Closed => {}
                }
            }
        }
        last != u32::MAX
    }

    /// Adds paths along the layers until there is no more. A node that was tried is spent: every node carries at most
    /// one unit through its wire, or cancels one.
    fn augment(&mut self) {
        let mut path: Vec<(usize, usize)> = Vec::new();
        for at in 0..self.sources.len() {
            let source = self.sources[at];
            if self.used[source] || self.layers[inlet(source)] == 0 {
                continue;
            }
            path.clear();
            path.push((inlet(source), 0));
            self.layers[inlet(source)] = 0;
            // The layer of the last node of the path.
            let mut layer = 1;
            while let Some((node, arc)) = path.last_mut() {
                let (from, number) = (*node, *arc);
                *arc += 1;
                match self.arc(from, number) {
                    Arc::Sink => {
                        self.add_path(&path);
                        break;
                    }
                    Arc::To(next) if self.layers[next] == layer + 1 => {
                        self.layers[next] = 0;
                        layer += 1;
                        path.push((next, 0));
                    }
                    Arc::To(_) | Arc::Closed => {}
                    Arc::None => {
                        path.pop();
                        layer -= 1;
                    }
                }
            }
        }
    }

    fn add_path(&mut self, path: &[(usize, usize)]) {
        self.before[path[0].0 / 2] = END;
        for pair in path.windows(2) {
            let (from, to) = (pair[0].0, pair[1].0);
            let (from_wire, to_wire) = (from / 2, to / 2);
            let leaves_wire = is_outlet(from);
            if from_wire == to_wire {
                // Through the wire, or back through it: its old path is cancelled there.
                self.used[from_wire] = !leaves_wire;
            } else if leaves_wire {
                self.after[from_wire] = number(to_wire);
                self.before[to_wire] = number(from_wire);
            }
        }
        let last = path[path.len() - 1].0 / 2;
        self.after[last] = END;
        self.paths += 1;
    }

    /// Residual arc number `arc` out of `node`.
    fn arc(&self, node: usize, arc: usize) -> Arc {
        let wire = node / 2;
        if !is_outlet(node) {
            return match (arc, self.used[wire], self.before[wire]) {
                (0, false, _) => Arc::To(outlet(wire)),
                (0, true, END) => Arc::Closed,
                (0, true, before) => Arc::To(outlet(before as usize)),
                (_, _, _) => Arc::None,
            };
        }
        let readers = self.readers.of_wire(wire);
        match arc {
            0 if self.sink[wire] => Arc::Sink,
            0 => Arc::Closed,
            1 if self.used[wire] => Arc::To(inlet(wire)),
            1 => Arc::Closed,
            arc => readers.get(arc - 2).map_or(Arc::None, |&reader| Arc::To(inlet(reader as usize))),
        }
    }

    /// For each node, whether the residual network leads from it to a sink.
    fn reaches_sink(&self) -> Vec<bool> {
        let mut reaches = vec![false; self.layers.len()];
        let mut open: Vec<usize> = Vec::new();
        for wire in (0..self.sink.len()).filter(|&wire| self.sink[wire]) {
            reaches[outlet(wire)] = true;
            open.push(outlet(wire));
        }
        while let Some(node) = open.pop() {
            let wire = node / 2;
            let mut visit = |node: usize| {
                if !reaches[node] {
                    reaches[node] = true;
                    open.push(node);
                }
            };
            if is_outlet(node) {
                // Into `out`: from `in` while the wire is free, and back from the next wire of its path.
                if !self.used[wire] {
                    visit(inlet(wire));
                } else if self.after[wire] != END {
                    visit(inlet(self.after[wire] as usize));
                }
            } else {
                if self.used[wire] {
                    visit(outlet(wire));
                }
                let gate = self.circuit.gates[wire];
                if is_linear(gate) {
                    gate.operands().for_each(|operand| visit(outlet(operand.index())));
                }
            }
        }
        reaches
    }
}

enum Arc {
    To(usize),
    Sink,
    Closed,
    None,
}

fn is_linear(gate: Gate) -> bool {
    matches!(gate, Gate::Xor(..) | Gate::Not(_))
}

/// Whether each wire leads to a sink through XOR and NOT gates.
fn useful(circuit: &Circuit, sink: &[bool]) -> Vec<bool> {
    let mut useful = sink.to_vec();
    for (index, gate) in circuit.gates.iter().enumerate().rev() {
        if useful[index] && is_linear(*gate) {
            gate.operands().for_each(|operand| useful[operand.index()] = true);
        }
    }
    useful
}
