//! Builds the flat float IR: equal operations are made once, operations on constants are folded.

use std::collections::{BTreeSet, HashMap};

use num_bigint::BigUint;

use crate::float::fir::{Graph, Node, Op, Value};
use crate::float::fold;
use crate::gadgets::format::Scalar;

/// A graph under construction.
#[derive(Default)]
pub(crate) struct Emit {
    graph: Graph,
    known: HashMap<(Op, Vec<Value>, Scalar), Value>,
    origin: u32,
    /// Places of names in the graph's functions.
    functions: HashMap<String, usize>,
    /// Operations folded so far, for limits.
    pub folded: u64,
}

impl Emit {
    /// Operations made from now on come from this function; returns the one before.
    pub(crate) fn enter(&mut self, function: &str) -> u32 {
        let functions = &mut self.graph.functions;
        let index = match self.functions.get(function) {
            Some(&index) => index,
            None => {
                functions.push(function.to_owned());
                self.functions.insert(function.to_owned(), functions.len() - 1);
                functions.len() - 1
            }
        };
        std::mem::replace(
            &mut self.origin,
            u32::try_from(index).expect("bounded: one per function of the program"),
        )
    }

    /// Goes back to what [`Emit::enter`] returned.
    pub(crate) fn leave(&mut self, origin: u32) {
        self.origin = origin;
    }

    /// Number of operations so far.
    pub(crate) fn len(&self) -> usize {
        self.graph.nodes.len()
    }

    /// What was made so far.
    pub(crate) fn graph(&self) -> &Graph {
        &self.graph
    }

    /// The type of a value.
    pub(crate) fn ty(&self, value: Value) -> Scalar {
        self.graph.nodes[value.0 as usize].ty
    }

    /// The operation that makes a value.
    pub(crate) fn node(&self, value: Value) -> &Node {
        &self.graph.nodes[value.0 as usize]
    }

    /// The encoding of a value that is constant.
    pub(crate) fn constant_of(&self, value: Value) -> Option<&BigUint> {
        if let Op::Constant(bits) = &self.node(value).op { Some(bits) } else { None }
    }

    /// A public value.
    pub(crate) fn constant(&mut self, ty: Scalar, bits: BigUint) -> Value {
        self.push(Op::Constant(bits), Vec::new(), ty)
    }

    /// A new encrypted input.
    pub(crate) fn input(&mut self, name: String, ty: Scalar, range: Option<(BigUint, BigUint)>) -> Value {
        let index = u32::try_from(self.graph.inputs.len()).expect("bounded by the element limit");
        self.graph.inputs.push(crate::float::fir::Column { name, ty, range });
        self.push(Op::Input(index), Vec::new(), ty)
    }

    /// A result.
    pub(crate) fn output(&mut self, name: String, value: Value) {
        let column = crate::float::fir::Column { name, ty: self.ty(value), range: None };
        self.graph.outputs.push((column, value));
    }

    /// Whether there is a result of this name.
    pub(crate) fn has_output(&self, name: &str) -> bool {
        self.graph.outputs.iter().any(|(column, _)| column.name == name)
    }

    /// The result of an operation.
    pub(crate) fn op(&mut self, op: Op, operands: Vec<Value>, ty: Scalar) -> Value {
        let constants: Option<Vec<(Scalar, BigUint)>> =
            operands.iter().map(|value| Some((self.ty(*value), self.constant_of(*value)?.clone()))).collect();
        if let Some(constants) = constants {
            self.folded += 1;
            let bits = fold::evaluate(&op, ty, &constants);
            return self.constant(ty, bits);
        }
        self.push(op, operands, ty)
    }

    fn push(&mut self, op: Op, operands: Vec<Value>, ty: Scalar) -> Value {
        let key = (op, operands, ty);
        if let Some(&value) = self.known.get(&key) {
            return value;
        }
        let value = Value(u32::try_from(self.graph.nodes.len()).expect("bounded by the node limit"));
        let (op, operands, ty) = key.clone();
        self.graph.nodes.push(Node { op, operands, ty, origin: self.origin });
        self.known.insert(key, value);
        value
    }

    /// The graph without the operations that no result needs; inputs stay. Also says which inputs are needed.
    pub(crate) fn finish(self) -> (Graph, BTreeSet<u32>) {
        let mut graph = self.graph;
        let mut needed = vec![false; graph.nodes.len()];
        for (_, value) in &graph.outputs {
            needed[value.0 as usize] = true;
        }
        let mut used = BTreeSet::new();
        for index in (0..graph.nodes.len()).rev() {
            if !needed[index] {
                continue;
            }
            if let Op::Input(input) = graph.nodes[index].op {
                used.insert(input);
            }
            for operand in &graph.nodes[index].operands {
                needed[operand.0 as usize] = true;
            }
        }
        let mut place: Vec<Option<Value>> = vec![None; graph.nodes.len()];
        let mut nodes = Vec::new();
        for (index, mut node) in graph.nodes.into_iter().enumerate() {
            if !needed[index] && !matches!(node.op, Op::Input(_)) {
                continue;
            }
            for operand in &mut node.operands {
                *operand = place[operand.0 as usize].expect("operands come before uses and are needed too");
            }
            place[index] = Some(Value(u32::try_from(nodes.len()).expect("no more than before")));
            nodes.push(node);
        }
        graph.nodes = nodes;
        for (_, value) in &mut graph.outputs {
            *value = place[value.0 as usize].expect("results are needed");
        }
        keep_functions(&mut graph);
        (graph, used)
    }
}

/// Drops the names of functions that no operation comes from.
fn keep_functions(graph: &mut Graph) {
    let used: BTreeSet<u32> = graph.nodes.iter().map(|node| node.origin).collect();
    let kept: Vec<u32> = used.into_iter().collect();
    for node in &mut graph.nodes {
        let place = kept.binary_search(&node.origin).expect("collected above");
        node.origin = u32::try_from(place).expect("no more than before");
    }
    let names = std::mem::take(&mut graph.functions);
    graph.functions =
        kept.iter().map(|index| names.get(*index as usize).cloned().unwrap_or_default()).collect();
}
