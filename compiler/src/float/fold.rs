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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn ty(text: &str) -> Scalar {
        Scalar::parse(text).unwrap()
    }

    fn fold(op: &Op, result: &str, operands: &[(&str, &str)]) -> String {
        let operands: Vec<_> =
            operands.iter().map(|(name, cell)| (ty(name), ty(name).parse_cell(cell).unwrap())).collect();
        ty(result).print(&evaluate(op, ty(result), &operands))
    }

    #[test]
    fn public_operands_fold_to_the_value() {
        for (op, result, operands, value) in [
            (Op::Add, "f32", vec![("f32", "0.1"), ("f32", "0.2")], "0.3"),
            (Op::Div, "f64", vec![("f64", "1"), ("f64", "3")], "0.3333333333333333"),
            (Op::Sqrt, "f64", vec![("f64", "2")], "1.4142135623730951"),
            (Op::Sum, "f16", vec![("f16", "2048"), ("f16", "1"), ("f16", "1")], "2050"),
            (Op::Dot, "f32", vec![("f32", "3"), ("f32", "4"), ("f32", "5"), ("f32", "6")], "42"),
            (Op::Div, "float<5, 11>", vec![("float<5, 11>", "-1"), ("float<5, 11>", "0")], "-131000"),
            (Op::Convert, "int<8>", vec![("f32", "-300")], "-128"),
            (Op::Lt, "bool", vec![("f32", "1"), ("f32", "2")], "true"),
            (Op::Reinterpret, "uint<16>", vec![("f16", "1")], "15360"),
            (Op::Select, "int<8>", vec![("bool", "false"), ("int<8>", "1"), ("int<8>", "2")], "2"),
            (Op::Div, "fixed<8, 8>", vec![("fixed<8, 8>", "-1"), ("fixed<8, 8>", "3")], "-0.332"),
        ] {
            assert_eq!(fold(&op, result, &operands), value, "{op:?} {result}");
        }
    }
}
