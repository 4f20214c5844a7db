//! Functions of the library as tables: of short arguments every result is looked up, where that takes fewer ANDs than
//! computing it.
//!
//! A call is first run by itself, on inputs of its own, as the library's program has it. That gives the ANDs to compare
//! with, and for every encoding the result where the function has no value over the real numbers: at infinities, NaN,
//! poles, and outside of its domain. Everywhere else the table holds the nearest value, from interval arithmetic
//! ([`crate::real::points`]), and its largest error is what is proven. Arguments that a promised range excludes take the
//! result of one that it does not.

use std::rc::Rc;
use std::sync::Arc;

use ffhec_circuit::{Circuit, Plain, evaluate};
use num_bigint::{BigInt, BigUint};
use num_traits::{ToPrimitive as _, Zero as _};

use super::check::Instance;
use super::elaborate::{Elaborator, Stop, Value, show_hundredths};
use super::emit::Purpose;
use super::exact::Exact;
use super::report::Reports;
use crate::float::fir::{self, Op};
use crate::float::lower::lower;
use crate::gadgets::format::{Real, Rounding, Scalar};
use crate::gadgets::table::Table;
use crate::hir::{Approximation, Evaluation};
use crate::opt;
use crate::real::{self, Function};
use crate::source::Span;

/// The most bits of all arguments together.
const MOST_BITS: u32 = 8;

/// The type of an argument and its bounds, if something is promised.
type Argument = (Scalar, Option<(Exact, Exact)>);

/// The arguments of a call.
pub(crate) type Arguments = Vec<Argument>;

/// A function that is looked up.
pub(crate) struct Tabled {
    table: Arc<Table>,
    ty: Scalar,
    /// In ulp.
    error: Exact,
}

impl Elaborator<'_> {
    /// The result of a call of the library as a table, if that is cheaper, or asked for.
    pub(crate) fn tabled(
        &mut self,
        callee: usize,
        instance: &Instance,
        function: Function,
        values: &[Value],
        span: Span,
    ) -> Result<Option<Value>, Stop> {
        let Some((method, 0)) = instance.evaluation else { return Ok(None) };
        let asked = method == Approximation::Table.code();
        let Some(operands) = self.short_operands(values) else { return Ok(None) };
        if !self.tables || !(asked || method == Approximation::Cheapest.code()) {
            return Ok(None);
        }
        let arguments: Arguments =
            operands.iter().map(|value| (self.emit.ty(*value), self.promised(*value))).collect();
        let key = (callee, arguments);
        if !self.tabled.contains_key(&key) {
            let found = self.tabulated(instance, function, &key.1, asked, span)?;
            self.tabled.insert(key.clone(), found.map(Rc::new));
        }
        let Some(Some(tabled)) = self.tabled.get(&key).cloned() else { return Ok(None) };
        self.note_place(instance);
        let before = self.emit.enter(&instance.name);
        let result = self.emit.op(Op::Table(tabled.table.clone()), operands, tabled.ty);
        self.emit.leave(before);
        let own = span.file < self.library_from;
        self.note_evaluation(Evaluation {
            function: if own { instance.name.clone() } else { self.named_by_the_program() },
            method: Approximation::Table,
            degree: 0,
            segments: tabled.table.entries().len() as i64,
            widths: vec![i64::from(tabled.ty.width())],
            error: format!("{} ulp", show_hundredths(&tabled.error)),
        });
        self.prove_of(&instance.name, span, &tabled.error);
        Ok(Some(Value::Scalar(result)))
    }

    /// The arguments of a call, if they are floats that are not known and have few bits.
    fn short_operands(&self, values: &[Value]) -> Option<Vec<fir::Value>> {
        let scalar = |value: &Value| match value {
            Value::Scalar(value) => self.emit.ty(*value).as_float().map(|_| *value),
            Value::Exact(_) | Value::List(_) | Value::Poison => None,
        };
        let operands: Vec<fir::Value> = values.iter().map(scalar).collect::<Option<_>>()?;
        let bits: u32 = operands.iter().map(|value| self.emit.ty(*value).width()).sum();
        let unknown = operands.iter().any(|value| self.emit.constant_of(*value).is_none());
        (bits <= MOST_BITS && unknown).then_some(operands)
    }

    /// A table for a function, if it is cheaper than what the library's program does, or asked for.
    fn tabulated(
        &mut self,
        instance: &Instance,
        function: Function,
        arguments: &Arguments,
        asked: bool,
        span: Span,
    ) -> Result<Option<Tabled>, Stop> {
        let Some((circuit, ty)) = self.by_itself(instance, arguments, span)? else { return Ok(None) };
        let computed = results(&circuit, arguments);
        let rows: Vec<Option<Vec<Exact>>> = (0..computed.len()).map(|index| row(arguments, index)).collect();
        let points = real::points(function, &rows, ty);
        let mut error = 0.0_f64;
        let mut entries = Vec::with_capacity(computed.len());
        for ((index, point), computed) in points.iter().enumerate().zip(&computed) {
            let nearest = point.as_ref().and_then(|point| point.nearest.as_ref());
            let entry = nearest.unwrap_or(computed);
            if let Some(point) = point
                && is_promised(arguments, index)
            {
                error = error.max(point.error(entry));
            }
            entries.push(ty.encode_real(&ty.decode(entry)).map_or_else(BigUint::default, |entry| entry.bits));
        }
        for index in (0..entries.len()).filter(|index| !is_promised(arguments, *index)) {
            entries[index] = entries[stand_in(arguments, index)].clone();
        }
        let entries = entries.iter().map(|entry| entry.to_u64().unwrap_or_default()).collect();
        let Some(table) = Table::new(entries) else { return Ok(None) };
        let Some(error) = as_bound(error) else { return Ok(None) };
        let cheaper = asked || is_cheaper(&table, circuit);
        Ok(cheaper.then_some(Tabled { table, ty, error }))
    }

    /// The circuit of a call by itself, and the type of its result.
    fn by_itself(
        &mut self,
        instance: &Instance,
        arguments: &Arguments,
        span: Span,
    ) -> Result<Option<(Circuit, Scalar)>, Stop> {
        let mut reports = Reports::default();
        let mut alone =
            Elaborator::new(self.checked, &mut reports, self.limits, self.library_from, Purpose::Gates);
        let inputs = arguments.iter().enumerate().map(|(at, (ty, bounds))| {
            let encoded = bounds
                .as_ref()
                .map(|(low, high)| (ty.round_to(low, Rounding::Down), ty.round_to(high, Rounding::Up)));
            let input = alone.emit.input(format!("x{at}"), *ty, encoded);
            if let Some(bounds) = bounds {
                alone.ranges.insert(input, bounds.clone());
            }
            Value::Scalar(input)
        });
        let inputs = inputs.collect();
        let value = alone.run(instance, inputs);
        let steps = alone.steps();
        let Ok(Value::Scalar(result)) = value else { return Ok(None) };
        let ty = alone.emit.ty(result);
        if ty.as_float().is_none() {
            return Ok(None);
        }
        alone.emit.output("result".to_owned(), result);
        let (graph, _) = alone.emit.finish();
        self.step(span, steps)?;
        let most = usize::try_from(self.limits.gates).unwrap_or(usize::MAX);
        Ok(lower(&graph, most).ok().map(|circuit| (circuit, ty)))
    }
}

/// Whether a table takes no more ANDs than a circuit that was not optimised yet.
fn is_cheaper(table: &Table, circuit: Circuit) -> bool {
    // The optimiser leaves more than a twentieth of the gates.
    20 * table.ands() <= circuit.counts().and || table.ands() <= opt::optimize(circuit).counts().and
}

/// What a circuit gives for every index, of arguments of so many bits together.
fn results(circuit: &Circuit, arguments: &Arguments) -> Vec<BigUint> {
    let bits: u32 = arguments.iter().map(|(ty, _)| ty.width()).sum();
    let count = 1_usize << bits;
    let mut results = Vec::with_capacity(count);
    for first in (0..count).step_by(64) {
        let word = |bit: u32| (0..64).fold(0_u64, |word, at| word | ((first + at) as u64 >> bit & 1) << at);
        let inputs: Vec<u64> = (0..bits).map(word).collect();
        let outputs = evaluate(circuit, &Plain, &inputs);
        results.extend((0..64.min(count - first)).map(|at| {
            let mut result = BigUint::default();
            for (place, word) in outputs.iter().enumerate() {
                result.set_bit(place as u64, word >> at & 1 == 1);
            }
            result
        }));
    }
    results
}

/// The encodings of the arguments in an index.
fn encodings(arguments: &Arguments, index: usize) -> impl Iterator<Item = (&Argument, BigUint)> {
    let mut rest = index;
    arguments.iter().map(move |argument| {
        let width = argument.0.width();
        let bits = rest & ((1 << width) - 1);
        rest >>= width;
        (argument, BigUint::from(bits))
    })
}

fn number(ty: Scalar, bits: &BigUint) -> Option<Exact> {
    match ty.decode(bits) {
        Real::Finite(number) => Some(number),
        Real::NegativeZero => Some(Exact::zero()),
        Real::Infinity { .. } | Real::Nan => None,
    }
}

/// The arguments as numbers, if all are finite.
fn row(arguments: &Arguments, index: usize) -> Option<Vec<Exact>> {
    encodings(arguments, index).map(|((ty, _), bits)| number(*ty, &bits)).collect()
}

/// Whether all arguments are in their ranges.
fn is_promised(arguments: &Arguments, index: usize) -> bool {
    encodings(arguments, index).all(|((ty, bounds), bits)| match bounds {
        Some((low, high)) => number(*ty, &bits).is_some_and(|x| (low..=high).contains(&&x)),
        None => true,
    })
}

/// An index that is promised, next to one that is not: the same with other signs, else the bound that is nearer to it.
fn stand_in(arguments: &Arguments, index: usize) -> usize {
    let (mut mirrored, mut clamped, mut place) = (0, 0, 0);
    for ((ty, bounds), bits) in encodings(arguments, index) {
        let width = ty.width();
        let own = bits.to_usize().unwrap_or_default();
        let is_negative = bits.bit(u64::from(width) - 1);
        let (mut flipped, mut nearest) = (own, own);
        if let Some((low, high)) = bounds {
            let is_in = |bits: &BigUint| number(*ty, bits).is_some_and(|x| (low..=high).contains(&&x));
            if !is_in(&bits) {
                let below = number(*ty, &bits).map_or(is_negative, |x| x < *low);
                let bound =
                    if below { ty.round_to(low, Rounding::Up) } else { ty.round_to(high, Rounding::Down) };
                flipped = own ^ 1 << (width - 1);
                nearest = bound.to_usize().unwrap_or_default();
            }
        }
        mirrored |= flipped << place;
        clamped |= nearest << place;
        place += width;
    }
    if is_promised(arguments, mirrored) { mirrored } else { clamped }
}

/// An error in ulp as a number; what interval arithmetic cannot tell from one half is one half.
fn as_bound(error: f64) -> Option<Exact> {
    let error = if (0.5..0.500_000_1).contains(&error) { 0.5 } else { error };
    Some(Exact::new(BigInt::from((error * 1_048_576.0).ceil().to_u64()?), BigInt::from(1_048_576)))
}
