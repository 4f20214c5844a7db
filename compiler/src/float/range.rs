//! What is known of values before the program runs: intervals of encodings, from the ranges that parameters promise
//! (`x: f32 in [0, 1]`; rows outside are rejected before they are encrypted) through the operations.
//!
//! Bounds are values of the format itself, computed by the very gates that compute the result
//! ([`super::fold::evaluate`]): rounding is monotone, so the bounds of a rounded result are the rounded bounds, and
//! they never grow in size. An operation without a rule, or with a bound that is infinite or NaN, has no interval.
//!
//! What the lowering does with an interval is in [`Interval::known_bits`] and [`facts`].

use std::collections::HashMap;

use num_bigint::{BigInt, BigUint, Sign};
use num_rational::Ratio;

use super::fir::{Graph, Node, Op, Value};
use super::fold::evaluate;
use crate::gadgets::bits::Facts;
use crate::gadgets::format::{Family, FloatFormat, Real, Scalar};
use crate::gadgets::table::Table;

/// All values from `low` to `high`, both finite. A zero bound stands for zeros of both signs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interval {
    low: BigUint,
    high: BigUint,
}

/// The interval of every node, where something is known.
pub fn intervals(graph: &Graph) -> Vec<Option<Interval>> {
    let mut known = Known::default();
    known.extend(graph);
    known.intervals
}

/// The intervals of a graph that grows.
#[derive(Default)]
pub struct Known {
    intervals: Vec<Option<Interval>>,
    corners: Corners,
}

impl Known {
    /// Takes in the nodes that were added since the last time. Ranges of inputs must not change.
    pub fn extend(&mut self, graph: &Graph) {
        let Known { intervals: known, corners } = self;
        if graph.inputs.iter().all(|column| column.range.is_none()) {
            known.resize(graph.nodes.len(), None);
            return;
        }
        for node in &graph.nodes[known.len()..] {
            let interval = if let Op::Input(index) = &node.op {
                let range = graph.inputs.get(*index as usize).and_then(|column| column.range.as_ref());
                range.and_then(|(low, high)| hull(node.ty, [low.clone(), high.clone()]))
            } else if let Op::Constant(bits) = &node.op {
                hull(node.ty, [bits.clone()])
            } else {
                let types: Vec<Scalar> =
                    node.operands.iter().map(|value| graph.nodes[value.0 as usize].ty).collect();
                let operands: Vec<Option<&Interval>> =
                    node.operands.iter().map(|value| known[value.0 as usize].as_ref()).collect();
                corners.interval(&node.op, node.ty, &types, &operands)
            };
            known.push(interval);
        }
    }

    /// The bounds of a value of a type.
    pub fn bounds(&self, value: Value, ty: Scalar) -> Option<(Ratio<BigInt>, Ratio<BigInt>)> {
        let interval = self.intervals.get(value.0 as usize)?.as_ref()?;
        Some((exact(ty, &interval.low)?, exact(ty, &interval.high)?))
    }

    /// The outcome of a test, if the intervals decide it.
    pub fn outcome(&self, op: &Op, operands: &[Value], ty: impl Fn(Value) -> Scalar) -> Option<bool> {
        let of = |index: usize| {
            let value = *operands.get(index)?;
            let interval = self.intervals.get(value.0 as usize)?.as_ref()?;
            Some((ty(value), interval, key(ty(value), &interval.low), key(ty(value), &interval.high)))
        };
        let (ty, interval, low, high) = of(0)?;
        let excludes_zero = interval.excludes_zero(ty);
        if matches!(op, Op::IsNan | Op::IsInf) {
            return Some(false);
        } else if *op == Op::IsFinite {
            return Some(true);
        } else if *op == Op::IsZero {
            return excludes_zero.then_some(false);
        } else if *op == Op::IsNormal {
            return interval.is_normal(ty).then_some(true);
        } else if *op == Op::IsSubnormal {
            return interval.is_normal(ty).then_some(false);
        } else if *op == Op::IsNegative {
            let one_zero = ty.as_float().is_some_and(|format| !format.has_signed_zero());
            let decided = excludes_zero || one_zero && low.sign() != Sign::Minus;
            return decided.then_some(low.sign() == Sign::Minus);
        }
        let (_, _, least, most) = of(1)?;
        let (holds, fails) = if *op == Op::Lt {
            (high < least, low >= most)
        } else if *op == Op::Le {
            (high <= least, low > most)
        } else {
            (false, *op == Op::Eq && (high < least || low > most))
        };
        if holds { Some(true) } else { fails.then_some(false) }
    }
}

/// Whether [`Known::outcome`] may know the result of an operation.
pub fn is_test(op: &Op) -> bool {
    matches!(
        op,
        Op::Lt
            | Op::Le
            | Op::Eq
            | Op::IsNan
            | Op::IsInf
            | Op::IsFinite
            | Op::IsNegative
            | Op::IsZero
            | Op::IsNormal
            | Op::IsSubnormal
    )
}

/// The number that a finite encoding stands for.
fn exact(ty: Scalar, bits: &BigUint) -> Option<Ratio<BigInt>> {
    match ty.decode(bits) {
        Real::Finite(value) => Some(value),
        Real::NegativeZero => Some(Ratio::from_integer(BigInt::ZERO)),
        Real::Infinity { .. } | Real::Nan => None,
    }
}

/// Results at the corners of operand intervals, remembered: loops repeat them.
#[derive(Default)]
struct Corners {
    known: HashMap<Corner, BigUint>,
}

/// An operation with its result type and its operands.
type Corner = (Op, Scalar, Vec<(Scalar, BigUint)>);

impl Corners {
    fn interval(
        &mut self,
        op: &Op,
        ty: Scalar,
        types: &[Scalar],
        operands: &[Option<&Interval>],
    ) -> Option<Interval> {
        ty.as_float()?;
        let floats = |types: &[Scalar]| types.iter().all(|ty| ty.as_float().is_some());
        match op {
            Op::Select => {
                let (yes, no) = (operands[1]?, operands[2]?);
                hull(ty, [&yes.low, &yes.high, &no.low, &no.high].map(Clone::clone))
            }
            // The exact result is monotone in each operand while the others stay (in which direction may depend on
            // them), so its extremes are at corners. So is that of rounding.
            Op::Neg
            | Op::Add
            | Op::Sub
            | Op::Mul
            | Op::Fma
            | Op::Min
            | Op::Max
            | Op::Floor
            | Op::Ceil
            | Op::Minimum
            | Op::Maximum
            | Op::Round
            | Op::RoundEven
            | Op::Trunc
            | Op::Convert
                if floats(types) =>
            {
                self.at_all(op, ty, types, operands)
            }
            Op::Abs => {
                let x = operands[0]?;
                let found = self.at_all(op, ty, types, operands)?;
                let spans = key(ty, &x.low).sign() == Sign::Minus && key(ty, &x.high).sign() == Sign::Plus;
                if spans { hull(ty, [BigUint::ZERO, found.high]) } else { Some(found) }
            }
            Op::Sqrt if key(ty, &operands[0]?.low).sign() == Sign::Plus => {
                self.at_all(op, ty, types, operands)
            }
            Op::Div if operands[1]?.excludes_zero(ty) => self.at_all(op, ty, types, operands),
            // Monotone in every operand: all the lowest, all the highest.
            Op::Sum => {
                let low = operands.iter().map(|x| x.map(|x| x.low.clone())).collect::<Option<Vec<_>>>()?;
                let high = operands.iter().map(|x| x.map(|x| x.high.clone())).collect::<Option<Vec<_>>>()?;
                let low = self.at(op, ty, types, low);
                let high = self.at(op, ty, types, high);
                hull(ty, [low, high])
            }
            // The same of every product: its exact extremes are at corners.
            Op::Dot => {
                let (mut low, mut high) = (Vec::new(), Vec::new());
                for pair in operands.chunks_exact(2) {
                    let [least, most] = extreme_factors(ty, pair[0]?, pair[1]?)?;
                    low.extend(least);
                    high.extend(most);
                }
                let low = self.at(op, ty, types, low);
                let high = self.at(op, ty, types, high);
                hull(ty, [low, high])
            }
            Op::Input(_)
            | Op::Constant(_)
            | Op::Neg
            | Op::Add
            | Op::Sub
            | Op::Mul
            | Op::Fma
            | Op::Min
            | Op::Max
            | Op::Floor
            | Op::Ceil
            | Op::Round
            | Op::Trunc
            | Op::Convert
            | Op::Sqrt
            | Op::Div
            | Op::Rem
            | Op::Lt
            | Op::Le
            | Op::Eq
            | Op::And
            | Op::Or
            | Op::Xor
            | Op::Not
            | Op::ShlConst(_)
            | Op::ShrConst(_)
            | Op::Shl
            | Op::Shr
            | Op::CopySign
            | Op::Scale2
            | Op::Exponent
            | Op::Significand
            | Op::IsNan
            | Op::IsInf
            | Op::IsFinite
            | Op::IsNegative
            | Op::Reinterpret
            | Op::Minimum
            | Op::Maximum
            | Op::RoundEven
            | Op::Remainder
            | Op::IsZero
            | Op::IsSubnormal
            | Op::IsNormal => None,
            Op::Table(table) => of_table(table, ty, types, operands),
        }
    }

    /// The hull of the results at all corners of at most three operands.
    fn at_all(
        &mut self,
        op: &Op,
        ty: Scalar,
        types: &[Scalar],
        operands: &[Option<&Interval>],
    ) -> Option<Interval> {
        debug_assert!(operands.len() <= 3, "at most eight corners");
        let operands = operands.iter().copied().collect::<Option<Vec<_>>>()?;
        let mut results = Vec::new();
        for corner in 0..1_usize << operands.len() {
            let pick = |(index, x): (usize, &&Interval)| {
                if corner >> index & 1 == 1 { x.high.clone() } else { x.low.clone() }
            };
            let values = operands.iter().enumerate().map(pick).collect();
            results.push(self.at(op, ty, types, values));
        }
        hull(ty, results)
    }

    fn at(&mut self, op: &Op, ty: Scalar, types: &[Scalar], values: Vec<BigUint>) -> BigUint {
        let operands: Vec<(Scalar, BigUint)> = types.iter().copied().zip(values).collect();
        let found = self.known.entry((op.clone(), ty, operands));
        found.or_insert_with_key(|(op, ty, operands)| evaluate(op, *ty, operands)).clone()
    }
}

/// The hull of what a table of one whole operand holds for an interval.
fn of_table(table: &Table, ty: Scalar, types: &[Scalar], operands: &[Option<&Interval>]) -> Option<Interval> {
    let ([from], [Some(x)]) = (types, operands) else { return None };
    if from.width() != table.index_bits() {
        return None;
    }
    let (low, high) = (key(*from, &x.low), key(*from, &x.high));
    let promised = |index: &usize| {
        let bits = BigUint::from(*index);
        exact(*from, &bits).is_some() && (&low..=&high).contains(&&key(*from, &bits))
    };
    hull(ty, (0..table.entries().len()).filter(promised).map(|index| BigUint::from(table.entry(index))))
}

/// Bounds of two intervals whose product is the least, and the largest.
fn extreme_factors(ty: Scalar, x: &Interval, y: &Interval) -> Option<[[BigUint; 2]; 2]> {
    let mut corners = Vec::new();
    for a in [&x.low, &x.high] {
        for b in [&y.low, &y.high] {
            corners.push((exact(ty, a)? * exact(ty, b)?, [a, b]));
        }
    }
    let least = corners.iter().min_by(|a, b| a.0.cmp(&b.0))?;
    let most = corners.iter().max_by(|a, b| a.0.cmp(&b.0))?;
    Some([least.1.map(Clone::clone), most.1.map(Clone::clone)])
}

/// The smallest interval with all of the values, if they are finite.
fn hull(ty: Scalar, values: impl IntoIterator<Item = BigUint>) -> Option<Interval> {
    let mut bounds: Option<Interval> = None;
    for value in values {
        if !matches!(ty.decode(&value), Real::Finite(_) | Real::NegativeZero) {
            return None;
        }
        bounds = Some(match bounds {
            None => Interval { low: value.clone(), high: value },
            Some(Interval { low, high }) => Interval {
                low: if key(ty, &value) < key(ty, &low) { value.clone() } else { low },
                high: if key(ty, &value) > key(ty, &high) { value } else { high },
            },
        });
    }
    bounds
}

/// A number in the order of the values: sign and magnitude of a float's encoding. Both zeros give 0.
fn key(ty: Scalar, bits: &BigUint) -> BigInt {
    let top = u64::from(ty.width()) - 1;
    let is_negative = bits.bit(top);
    match ty {
        Scalar::Float(_) => {
            let magnitude = BigInt::from(magnitude(ty, bits));
            if is_negative { -magnitude } else { magnitude }
        }
        Scalar::Int(_) | Scalar::Fixed { .. } if is_negative => {
            BigInt::from(bits.clone()) - (BigInt::from(1) << (top + 1))
        }
        Scalar::Int(_) | Scalar::Fixed { .. } | Scalar::Uint(_) | Scalar::Bool => BigInt::from(bits.clone()),
    }
}

/// A float's encoding without its sign.
fn magnitude(ty: Scalar, bits: &BigUint) -> BigUint {
    let mut bits = bits.clone();
    bits.set_bit(u64::from(ty.width()) - 1, false);
    bits
}

impl Interval {
    fn excludes_zero(&self, ty: Scalar) -> bool {
        key(ty, &self.low).sign() == Sign::Plus || key(ty, &self.high).sign() == Sign::Minus
    }

    /// The smallest and the largest magnitude, as encodings without sign.
    fn magnitudes(&self, ty: Scalar) -> (BigUint, BigUint) {
        let (low, high) = (magnitude(ty, &self.low), magnitude(ty, &self.high));
        let (least, most) = if low < high { (low, high) } else { (high, low) };
        (if self.excludes_zero(ty) { least } else { BigUint::ZERO }, most)
    }

    /// Whether no encoding in the interval is of a zero or subnormal, so that all are canonical.
    pub fn is_normal(&self, ty: Scalar) -> bool {
        is_normal(ty, self)
    }

    /// Bits of the encoding that are the same in all values of the interval, from the top: place and bit.
    ///
    /// Magnitudes of floats, and integers of one sign, are ordered as their encodings, so what the bounds have in
    /// common at the top all values between have. (Where a zero may be written with a fraction, its encoding is below
    /// that of every other magnitude; if zero is the only value, what its fraction is has no meaning.) The sign is
    /// known if zero is excluded, and where there is one zero also if no value is negative.
    pub fn known_bits(&self, ty: Scalar) -> Vec<(usize, bool)> {
        let top = ty.width() as usize - 1;
        let mut known = Vec::new();
        let (low, high, from) = match ty {
            Scalar::Float(format) => {
                let negative = key(ty, &self.low).sign() == Sign::Minus;
                if self.excludes_zero(ty) || (!negative && !format.has_signed_zero()) {
                    known.push((top, negative));
                }
                let (least, most) = self.magnitudes(ty);
                (least, most, top)
            }
            Scalar::Int(_) | Scalar::Fixed { .. } | Scalar::Uint(_) | Scalar::Bool => {
                (self.low.clone(), self.high.clone(), top + 1)
            }
        };
        for place in (0..from).rev() {
            let (bit, other) = (low.bit(place as u64), high.bit(place as u64));
            if bit != other {
                break;
            }
            known.push((place, bit));
        }
        known
    }
}

/// What the intervals of a node's result and operands exclude, and the type to compute it in.
///
/// With finite operands and a result that neither overflows nor is NaN, an IEEE format does what its `finite` variant
/// does, encodings included. If moreover nothing is zero or subnormal, it does what its `flush` variant does.
pub fn facts(graph: &Graph, node: &Node, known: &[Option<Interval>], result: Option<&Interval>) -> Facts {
    let no_overflow = result.is_some_and(|x| below_overflow(node.ty, x));
    let no_underflow = result.is_some_and(|x| is_normal(node.ty, x));
    let subject = node.operands.first().map_or(node.ty, |value| graph.nodes[value.0 as usize].ty);
    let operands =
        || node.operands.iter().map(|value| (graph.nodes[value.0 as usize].ty, &known[value.0 as usize]));
    let alike = operands().all(|(ty, _)| ty == subject);
    // Nothing is rounded to the operands' format.
    let unrounded =
        matches!(node.op, Op::Lt | Op::Le | Op::Eq | Op::Exponent | Op::Significand | Op::Convert);
    let closed = unrounded
        || (no_overflow
            && node.ty == subject
            && matches!(
                node.op,
                Op::Add
                    | Op::Sub
                    | Op::Mul
                    | Op::Div
                    | Op::Sqrt
                    | Op::Fma
                    | Op::Min
                    | Op::Max
                    | Op::Sum
                    | Op::Dot
            ));
    let finite = alike && closed && operands().all(|(_, interval)| interval.is_some());
    let normal = finite
        && (unrounded || no_underflow)
        && operands().all(|(ty, interval)| interval.as_ref().is_some_and(|x| is_normal(ty, x)));
    let format = subject.as_float().filter(|_| finite).and_then(|format| narrowed(format, normal));
    Facts { no_overflow, no_underflow, format }
}

fn narrowed(format: FloatFormat, normal: bool) -> Option<FloatFormat> {
    match format.family {
        Family::Ieee { rounding, flush, .. } => Some(FloatFormat {
            family: Family::Ieee { rounding, flush: flush || normal, finite: true },
            ..format
        }),
        Family::Paper | Family::E4m3 { .. } => None,
    }
}

/// Whether all magnitudes are below the largest: a result that overflows is at least that.
fn below_overflow(ty: Scalar, interval: &Interval) -> bool {
    ty.as_float().is_some_and(|format| interval.magnitudes(ty).1 < format.max_finite())
}

/// Whether zero and all magnitudes up to the smallest normal are excluded.
fn is_normal(ty: Scalar, interval: &Interval) -> bool {
    let smallest = |format: FloatFormat| BigUint::from(1_u32) << format.fraction_bits();
    ty.as_float().is_some_and(|format| interval.magnitudes(ty).0 > smallest(format))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use ffhec_circuit::{Circuit, Plain, evaluate};

    use super::*;
    use crate::float::fir::Column;
    use crate::float::lower::lower;

    fn ty(text: &str) -> Scalar {
        Scalar::parse(text).unwrap()
    }

    /// `op` over parameters of one type, all promised to be in the range.
    fn program(op: &Op, name: &str, count: u32, range: Option<(&str, &str)>) -> Graph {
        let ty = ty(name);
        let result = if matches!(op, Op::Lt | Op::Eq) { Scalar::Bool } else { ty };
        let range = range.map(|(low, high)| (ty.parse_cell(low).unwrap(), ty.parse_cell(high).unwrap()));
        let mut graph = Graph { functions: vec!["main".to_owned()], ..Graph::default() };
        for index in 0..count {
            graph.inputs.push(Column { name: format!("x{index}"), ty, range: range.clone() });
            graph.nodes.push(Node { op: Op::Input(index), operands: vec![], ty, origin: 0 });
        }
        let operands = (0..count).map(Value).collect();
        graph.nodes.push(Node { op: op.clone(), operands, ty: result, origin: 0 });
        // A second operation on the result, which carries an interval itself.
        let again = if result == ty { Op::Mul } else { Op::Eq };
        graph.nodes.push(Node { op: again, operands: vec![Value(count); 2], ty: result, origin: 0 });
        for (name, value) in [("first", count), ("second", count + 1)] {
            let column = Column { name: name.to_owned(), ty: result, range: None };
            graph.outputs.push((column, Value(value)));
        }
        graph
    }

    fn bits_of(rows: &[Vec<u64>], width: u32) -> Vec<u64> {
        let mut words = Vec::new();
        for column in 0..rows[0].len() {
            for bit in 0..width {
                words.push(
                    rows.iter()
                        .enumerate()
                        .fold(0, |word, (lane, row)| word | (row[column] >> bit & 1) << lane),
                );
            }
        }
        words
    }

    /// Encodings in the range: its ends, zeros, and many between, spread over encodings and so over exponents.
    fn inside(name: &str, range: (&str, &str), count: usize) -> Vec<u64> {
        let ty = ty(name);
        let interval = hull(ty, [range.0, range.1].map(|text| ty.parse_cell(text).unwrap())).unwrap();
        let (low, high) = (key(ty, &interval.low), key(ty, &interval.high));
        let mut values: Vec<u64> = vec![];
        let mut random = 0x2545_f491_4f6c_dd1d_u64;
        let mask = u64::MAX >> (64 - ty.width());
        for step in 0.. {
            if values.len() == count {
                break;
            }
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            let value = match step {
                0 => u64::try_from(interval.low.clone()).unwrap(),
                1 => u64::try_from(interval.high.clone()).unwrap(),
                2 => 0,
                3 => 1 << (ty.width() - 1),
                _ => random & mask,
            };
            let bits = BigUint::from(value);
            let finite = matches!(ty.decode(&bits), Real::Finite(_) | Real::NegativeZero);
            if finite && key(ty, &bits) >= low && key(ty, &bits) <= high {
                values.push(value);
            }
        }
        values
    }

    fn both(op: &Op, name: &str, count: u32, range: (&str, &str)) -> (Circuit, Circuit) {
        let narrow = lower(&program(op, name, count, Some(range)), 1 << 20).unwrap();
        (narrow, lower(&program(op, name, count, None), 1 << 20).unwrap())
    }

    const OPS: [(Op, u32); 14] = [
        (Op::Add, 2),
        (Op::Sub, 2),
        (Op::Mul, 2),
        (Op::Div, 2),
        (Op::Sqrt, 1),
        (Op::Fma, 3),
        (Op::Sum, 3),
        (Op::Dot, 6),
        (Op::Min, 2),
        (Op::Abs, 1),
        (Op::Neg, 1),
        (Op::Floor, 1),
        (Op::Lt, 2),
        (Op::Eq, 2),
    ];
    const RANGES: [(&str, &str); 6] =
        [("0", "1"), ("-4", "4"), ("1", "2"), ("-3.5", "-0.75"), ("0.25", "6"), ("0", "0")];

    #[test]
    fn results_in_range_are_the_same() {
        for name in [
            "float<5, 11>",
            "float<3, 4>",
            "f16",
            "bf16",
            "f8e5m2",
            "f8e4m3",
            "ieee<5, 7, flush>",
            "ieee<5, 7, up, finite>",
        ] {
            for range in RANGES {
                let values = inside(name, range, 32 * 3);
                for (op, count) in &OPS {
                    let (narrow, wide) = both(op, name, *count, range);
                    for shift in 0..3 {
                        let row = |lane: usize| {
                            (0..*count as usize)
                                .map(|at| values[(lane + at * (shift + 1)) % values.len()])
                                .collect()
                        };
                        let rows: Vec<Vec<u64>> = (0..64).map(|lane| row(lane + 32 * shift)).collect();
                        let inputs = bits_of(&rows, ty(name).width());
                        let (found, expected) =
                            (evaluate(&narrow, &Plain, &inputs), evaluate(&wide, &Plain, &inputs));
                        assert_eq!(found, expected, "{op:?} {name} {range:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn the_price_of_operations_in_a_range_stays_as_it_is() {
        let mut table = Vec::new();
        for name in ["float<5, 11>", "f16", "f32"] {
            for (op, count) in &OPS {
                let of = |range: Option<(&str, &str)>| {
                    let mut graph = program(op, name, *count, range);
                    graph.outputs.pop();
                    lower(&graph, 1 << 20).unwrap().counts().and
                };
                let [unit, four, one_to_two] =
                    [("0", "1"), ("-4", "4"), ("1", "2")].map(|range| of(Some(range)));
                table.push(format!(
                    "{name:<12} {:<5} AND {:>5}  in [0, 1] {unit:>5}  in [-4, 4] {four:>5}  in [1, 2] {one_to_two:>5}",
                    format!("{op:?}"),
                    of(None)
                ));
            }
        }
        insta::assert_snapshot!(table.join("\n"));
    }

    #[test]
    fn bounds_follow_the_operations() {
        let graph = program(&Op::Mul, "f32", 2, Some(("-2", "3")));
        let known = intervals(&graph);
        let shown = |interval: &Option<Interval>| {
            interval.as_ref().map(|x| [ty("f32").print(&x.low), ty("f32").print(&x.high)].join(" "))
        };
        assert_eq!(shown(&known[2]).unwrap(), "-6 9");
        assert_eq!(shown(&known[3]).unwrap(), "-54 81");
        let wide = program(&Op::Mul, "f32", 2, Some(("-1e30", "1e30")));
        assert_eq!(intervals(&wide)[2], None, "a product that may overflow has no bounds");
    }
}
