//! Constant folding of the float IR: the gates of an operation built over public bits fold to public bits, so there
//! is one implementation of every operation and not two.

use ffhec_circuit::Builder;
use num_bigint::BigUint;

use super::fir::Op;
use crate::gadgets::apply::{Typed, apply};
use crate::gadgets::bits::Gates;
use crate::gadgets::float::Operand;
use crate::gadgets::format::Scalar;

/// The encoding that `op` with result type `ty` gives for public operands. Types must follow the rules of [`Op`]; an
/// input has no value and gives 0.
pub fn evaluate(op: &Op, ty: Scalar, operands: &[(Scalar, BigUint)]) -> BigUint {
    let mut builder = Builder::new();
    let mut g = Gates::new(&mut builder, usize::MAX);
    let words: Vec<_> =
        operands.iter().map(|(ty, bits)| g.constant(&bits.clone().into(), ty.width() as usize)).collect();
    let typed: Vec<Typed<'_>> = operands
        .iter()
        .zip(&words)
        .map(|((ty, _), bits)| Typed { ty: *ty, operand: Operand { bits, canonical: false } })
        .collect();
    let result = apply(&mut g, op, ty, &typed);
    g.known_word(&result).expect("bounded: gates over public bits fold to public bits")
}
