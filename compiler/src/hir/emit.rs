//! Builds the flat float IR: equal operations are made once, operations on constants are folded. Or, from the same
//! elaboration, a program's meaning over the real numbers: then operations on constants stay, beside what they fold to.

use std::collections::{BTreeSet, HashMap};

use num_bigint::BigUint;

use crate::float::fir::{Graph, Node, Op, Value};
use crate::float::fold;
use crate::gadgets::format::Scalar;
use crate::real::{self, Exact, Function};
use crate::source::Span;

/// What the operations are to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Which gates there are.
    Gates,
    /// What the program means over the real numbers.
    Meaning,
}

/// The operations of a program over the real numbers.
#[derive(Default)]
struct Meaning {
    nodes: Vec<real::Node>,
    /// The encodings of values that do not depend on the inputs, as the gates have them.
    constants: Vec<Option<BigUint>>,
    known: HashMap<(real::Op, Vec<Value>, Scalar), Value>,
    requirements: Vec<(Span, Value)>,
}

/// A graph under construction.
pub(crate) struct Emit {
    graph: Graph,
    /// Instead of the graph's operations; its inputs and results are used.
    meaning: Option<Meaning>,
    known: HashMap<(Op, Vec<Value>, Scalar), Value>,
    origin: u32,
    /// Places of names in the graph's functions.
    functions: HashMap<String, usize>,
    /// Operations folded so far, for limits.
    pub folded: u64,
}

impl Emit {
    /// An empty graph.
    pub(crate) fn new(purpose: Purpose) -> Emit {
        Emit {
            graph: Graph::default(),
            meaning: (purpose == Purpose::Meaning).then(Meaning::default),
            known: HashMap::new(),
            origin: 0,
            functions: HashMap::new(),
            folded: 0,
        }
    }

    /// What the operations are to say.
    pub(crate) fn purpose(&self) -> Purpose {
        if self.meaning.is_some() { Purpose::Meaning } else { Purpose::Gates }
    }

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
        self.meaning.as_ref().map_or(self.graph.nodes.len(), |meaning| meaning.nodes.len())
    }

    /// What was made so far.
    pub(crate) fn graph(&self) -> &Graph {
        &self.graph
    }

    /// The type of a value.
    pub(crate) fn ty(&self, value: Value) -> Scalar {
        let index = value.0 as usize;
        self.meaning.as_ref().map_or_else(|| self.graph.nodes[index].ty, |meaning| meaning.nodes[index].ty)
    }

    /// The operation of the graph that makes a value.
    pub(crate) fn node(&self, value: Value) -> Option<&Node> {
        self.graph.nodes.get(value.0 as usize)
    }

    /// The encoding of a value that is constant.
    pub(crate) fn constant_of(&self, value: Value) -> Option<&BigUint> {
        if let Some(meaning) = &self.meaning {
            return meaning.constants[value.0 as usize].as_ref();
        }
        if let Op::Constant(bits) = &self.node(value)?.op { Some(bits) } else { None }
    }

    /// A public value.
    pub(crate) fn constant(&mut self, ty: Scalar, bits: BigUint) -> Value {
        if let Some(meaning) = &mut self.meaning {
            return meaning.push(real::Op::Constant(bits.clone()), Vec::new(), ty, Some(bits));
        }
        self.push(Op::Constant(bits), Vec::new(), ty)
    }

    /// A literal: the encoding is the number, rounded to the type.
    pub(crate) fn literal(&mut self, ty: Scalar, bits: BigUint, number: &Exact) -> Value {
        match (&mut self.meaning, ty) {
            (Some(meaning), Scalar::Float(_) | Scalar::Fixed { .. }) => {
                meaning.push(real::Op::Number(number.clone()), Vec::new(), ty, Some(bits))
            }
            (_, _) => self.constant(ty, bits),
        }
    }

    /// The result of a library function over the real numbers; `constant` is its encoding, if it is constant.
    pub(crate) fn function(
        &mut self,
        function: Function,
        operands: Vec<Value>,
        ty: Scalar,
        constant: Option<BigUint>,
    ) -> Value {
        let meaning = self.meaning.as_mut().expect("only where the meaning is asked for");
        meaning.push(real::Op::Function(function), operands, ty, constant)
    }

    /// A condition that rows must meet.
    pub(crate) fn require(&mut self, condition: Value, span: Span) {
        if let Some(meaning) = &mut self.meaning {
            meaning.requirements.push((span, condition));
        }
    }

    /// A new encrypted input.
    pub(crate) fn input(&mut self, name: String, ty: Scalar, range: Option<(BigUint, BigUint)>) -> Value {
        let index = u32::try_from(self.graph.inputs.len()).expect("bounded by the element limit");
        self.graph.inputs.push(crate::float::fir::Column { name, ty, range });
        if let Some(meaning) = &mut self.meaning {
            return meaning.push(real::Op::Input(index), Vec::new(), ty, None);
        }
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
            return match &mut self.meaning {
                Some(meaning) => meaning.push(real::Op::Operation(op), operands, ty, Some(bits)),
                None => self.constant(ty, bits),
            };
        }
        if let Some(meaning) = &mut self.meaning {
            return meaning.push(real::Op::Operation(op), operands, ty, None);
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

    /// The program over the real numbers, if that was the purpose.
    pub(crate) fn into_meaning(self) -> Option<real::Program> {
        let Meaning { nodes, requirements, .. } = self.meaning?;
        let inputs = self.graph.inputs.iter().map(|column| column.ty).collect();
        Some(real::Program::new(inputs, nodes, self.graph.outputs, requirements))
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

impl Meaning {
    fn push(&mut self, op: real::Op, operands: Vec<Value>, ty: Scalar, constant: Option<BigUint>) -> Value {
        let key = (op, operands, ty);
        if let Some(&value) = self.known.get(&key) {
            return value;
        }
        let value = Value(u32::try_from(self.nodes.len()).expect("bounded by the node limit"));
        let (op, operands, ty) = key.clone();
        self.nodes.push(real::Node { op, operands, ty });
        self.constants.push(constant);
        self.known.insert(key, value);
        value
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
