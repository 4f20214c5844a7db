//! Minimum vertex cuts through the XOR/NOT part of a circuit.
//!
//! In: source wires (noisy products and inputs), sink wires (operands of products). Paths run from a source through
//! XOR and NOT gates to a sink; a wire that is both is a path of its own. Out: as few wires as possible such that every
//! path holds one. By Menger's theorem that is the largest number of vertex-disjoint paths.
//!
//! Most paths are found greedily: each source walks towards the nearest sink over wires that no path has taken. The
//! rest are found with Dinic's algorithm for unit capacities (Dinic 1970; Even and Tarjan, "Network flow and testing
//! graph connectivity", 1975), which layers the residual network from the sources that are still without a path: at
//! most the square root of the number of wires phases, each linear; in circuits, a dozen over a small part of the
//! wires. A second question about the same circuit begins with the paths that still serve it.
//!
//! The network is not stored. Each wire has an `in` and an `out` node joined by an arc of capacity one; arcs from a
//! wire to its readers, to the sink and from the source have no limit. The flow is a set of disjoint paths, kept as
//! the wire before and after each wire on one.

use ffhec_circuit::{Circuit, Gate};

use super::readers::{Readers, number};

/// A largest set of disjoint paths from sources to sinks, and the minimum cuts that it shows. Which wires are in the
/// two extreme cuts does not depend on which largest set it is.
pub(super) struct Flow<'a> {
    circuit: &'a Circuit,
    readers: &'a Readers,
    sink: Vec<bool>,
    /// Sources from which a sink can be reached, and those of them that no path begins at.
    sources: Vec<u32>,
    free: Vec<u32>,
    /// For each XOR or NOT gate, how many gates further the nearest sink is, up to [`FARTHEST`]; [`NEVER`] if no sink
    /// can be reached, and for other gates: no path enters them.
    near: Vec<u8>,
    /// Whether a path of the flow goes through each wire, and if so, its neighbours there.
    used: Vec<bool>,
    before: Vec<u32>,
    after: Vec<u32>,
    /// For each node that the present search has reached, `floor` plus its distance from the sources plus one; at most
    /// `floor` otherwise, and for nodes that are spent.
    layers: Vec<u32>,
    floor: u32,
    /// The nodes reached, nearest first.
    queue: Vec<usize>,
}

const FARTHEST: u8 = 254;
const NEVER: u8 = 255;

/// No wire: the source before a path, the sink after it.
const END: u32 = u32::MAX;

impl<'a> Flow<'a> {
    /// No paths, sources or sinks yet. `readers` are those of `circuit`.
    pub(super) fn new(circuit: &'a Circuit, readers: &'a Readers) -> Self {
        let wires = circuit.gates.len();
        Flow {
            circuit,
            readers,
            sink: Vec::new(),
            sources: Vec::new(),
            free: Vec::new(),
            near: Vec::new(),
            used: vec![false; wires],
            before: vec![END; wires],
            after: vec![END; wires],
            layers: vec![0; 2 * wires],
            floor: 0,
            queue: Vec::new(),
        }
    }

    /// Finds a largest set of disjoint paths between `source` and `sink`, which hold one flag per wire; sources are
    /// neither XOR nor NOT gates. Returns its size, which is that of every minimum cut.
    pub(super) fn solve(&mut self, source: Vec<bool>, sink: Vec<bool>) -> usize {
        debug_assert!((0..source.len()).all(|wire| !source[wire] || !is_linear(self.circuit.gates[wire])));
        self.aim(source, sink);
        self.walk();
        while self.layer() {
            self.augment();
        }
        self.size()
    }

    fn size(&self) -> usize {
        self.sources.len() - self.free.len()
    }

    /// For each wire, whether it is in the minimum cut nearest the sources.
    pub(super) fn early_cut(&self) -> Vec<bool> {
        // The last search saturated nothing: it shows what the residual network reaches from the sources without a
        // path. From the others it reaches their own `in` nodes.
        let mut cut: Vec<bool> = (0..self.used.len())
            .map(|wire| self.reached(inlet(wire)) && !self.reached(outlet(wire)))
            .collect();
        for wire in self.sources.iter().map(|&wire| wire as usize) {
            cut[wire] = !self.reached(outlet(wire));
        }
        debug_assert_eq!(cut.iter().filter(|&&cut| cut).count(), self.size(), "max-flow equals min-cut");
        cut
    }

    /// For each wire, whether it is in the minimum cut nearest the sinks.
    pub(super) fn late_cut(&self) -> Vec<bool> {
        let reaches = self.reaches_sink();
        let cut: Vec<bool> =
            (0..self.used.len()).map(|wire| !reaches[inlet(wire)] && reaches[outlet(wire)]).collect();
        debug_assert_eq!(cut.iter().filter(|&&cut| cut).count(), self.size(), "max-flow equals min-cut");
        cut
    }

    /// Sets the ends and keeps the paths that lead from the new sources to the new sinks.
    fn aim(&mut self, source: Vec<bool>, sink: Vec<bool>) {
        for at in std::mem::take(&mut self.sources) {
            let first = at as usize;
            if self.used[first] && !(source[first] && sink[self.last(first)]) {
                self.remove_path(first);
            }
        }
        self.near = distances(self.circuit, &sink);
        for wire in (0..source.len()).filter(|&wire| source[wire]) {
            let readers = self.readers.of_wire(wire);
            if sink[wire] || readers.iter().any(|&reader| self.near[reader as usize] != NEVER) {
                self.sources.push(number(wire));
            }
        }
        self.free = self.sources.iter().copied().filter(|&wire| !self.used[wire as usize]).collect();
        self.sink = sink;
    }

    /// The last wire of the path from `wire` on.
    fn last(&self, wire: usize) -> usize {
        let mut wire = wire;
        while self.after[wire] != END {
            wire = self.after[wire] as usize;
        }
        wire
    }

    fn remove_path(&mut self, first: usize) {
        let mut at = number(first);
        while at != END {
            let wire = at as usize;
            at = self.after[wire];
            (self.used[wire], self.before[wire], self.after[wire]) = (false, END, END);
        }
    }

    /// Adds paths greedily. A wire that was entered in vain is not entered again.
    fn walk(&mut self) {
        let mut entered = self.used.clone();
        let mut path = Vec::new();
        for at in 0..self.free.len() {
            path.clear();
            path.push(self.free[at]);
            let mut wire = self.free[at] as usize;
            let arrives = loop {
                if self.sink[wire] {
                    break true;
                }
                let open = self
                    .readers
                    .of_wire(wire)
                    .iter()
                    .copied()
                    .filter(|&reader| self.near[reader as usize] != NEVER && !entered[reader as usize]);
                let Some(next) = open.min_by_key(|&reader| self.near[reader as usize]) else { break false };
                entered[next as usize] = true;
                path.push(next);
                wire = next as usize;
            };
            if arrives {
                for (at, &wire) in path.iter().enumerate() {
                    let wire = wire as usize;
                    self.used[wire] = true;
                    self.before[wire] = if at == 0 { END } else { path[at - 1] };
                    self.after[wire] = path.get(at + 1).copied().unwrap_or(END);
                }
            }
        }
        self.keep_free();
    }

    fn keep_free(&mut self) {
        let used = &self.used;
        self.free.retain(|&wire| !used[wire as usize]);
    }

    fn reached(&self, node: usize) -> bool {
        self.layers[node] > self.floor
    }

    /// Layers the residual network by breadth-first search from the sources without a path, as far as the nearest
    /// sink. Whether there is one.
    fn layer(&mut self) -> bool {
        self.lift_floor();
        self.queue.clear();
        for &source in &self.free {
            self.layers[inlet(source as usize)] = self.floor + 1;
            self.queue.push(inlet(source as usize));
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
                    Arc::To(next) if !self.reached(next) => {
                        self.layers[next] = next_layer;
                        self.queue.push(next);
                    }
                    Arc::To(_) | Arc::Closed => {}
                }
            }
        }
        last != u32::MAX
    }

    /// Forgets all layers: none is above the floor by more than the number of nodes reached.
    fn lift_floor(&mut self) {
        let lifted = u64::from(self.floor) + self.queue.len() as u64;
        let highest = lifted + self.layers.len() as u64;
        self.floor = match (u32::try_from(lifted), u32::try_from(highest)) {
            (Ok(lifted), Ok(_)) => lifted,
            (_, _) => {
                self.layers.fill(0);
                0
            }
        };
    }

    /// Adds paths along the layers until there is no more. A node that was tried is spent: every node carries at most
    /// one unit through its wire, or cancels one.
    fn augment(&mut self) {
        let mut path: Vec<(usize, usize)> = Vec::new();
        for at in 0..self.free.len() {
            let source = self.free[at] as usize;
            path.clear();
            path.push((inlet(source), 0));
            self.layers[inlet(source)] = 0;
            // The layer of the last node of the path.
            let mut layer = self.floor + 1;
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
        self.keep_free();
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
        match arc {
            0 if self.sink[wire] => Arc::Sink,
            0 => Arc::Closed,
            1 if self.used[wire] => Arc::To(inlet(wire)),
            1 => Arc::Closed,
            arc => match self.readers.of_wire(wire).get(arc - 2) {
                Some(&reader) if self.near[reader as usize] != NEVER => Arc::To(inlet(reader as usize)),
                Some(_) => Arc::Closed,
                None => Arc::None,
            },
        }
    }

    /// For each node, whether the residual network leads from it to a sink.
    fn reaches_sink(&self) -> Vec<bool> {
        let mut reaches = vec![false; self.layers.len()];
        let mut open: Vec<usize> = Vec::new();
        for sink in (0..self.sink.len()).filter(|&wire| self.sink[wire]) {
            reaches[outlet(sink)] = true;
            open.push(outlet(sink));
            while let Some(node) = open.pop() {
                self.residual_before(node, |node| {
                    if !reaches[node] {
                        reaches[node] = true;
                        open.push(node);
                    }
                });
            }
        }
        reaches
    }

    /// Tells `visit` the nodes with a residual arc to `node`.
    fn residual_before(&self, node: usize, mut visit: impl FnMut(usize)) {
        let wire = node / 2;
        if is_outlet(node) {
            // Into `out`: from `in` while the wire is free, and back from the next wire of its path.
            if !self.used[wire] {
                visit(inlet(wire));
            } else if self.after[wire] != END {
                visit(inlet(self.after[wire] as usize));
            }
            return;
        }
        if self.used[wire] {
            visit(outlet(wire));
        }
        let gate = self.circuit.gates[wire];
        if is_linear(gate) {
            gate.operands().for_each(|operand| visit(outlet(operand.index())));
        }
    }
}

enum Arc {
    To(usize),
    Sink,
    Closed,
    None,
}

fn inlet(wire: usize) -> usize {
    2 * wire
}

fn outlet(wire: usize) -> usize {
    2 * wire + 1
}

fn is_outlet(node: usize) -> bool {
    node % 2 == 1
}

fn is_linear(gate: Gate) -> bool {
    matches!(gate, Gate::Xor(..) | Gate::Not(_))
}

/// See [`Flow::near`].
fn distances(circuit: &Circuit, sink: &[bool]) -> Vec<u8> {
    let mut near: Vec<u8> = sink.iter().map(|&sink| if sink { 0 } else { NEVER }).collect();
    for (index, gate) in circuit.gates.iter().enumerate().rev() {
        if !is_linear(*gate) {
            near[index] = NEVER;
        } else if near[index] != NEVER {
            let next = (near[index] + 1).min(FARTHEST);
            for operand in gate.operands() {
                let near = &mut near[operand.index()];
                *near = next.min(*near);
            }
        }
    }
    near
}
