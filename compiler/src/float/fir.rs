//! FIR: a flat list of scalar operations. No calls, no loops, no arrays; every format explicit. Values are in
//! static-single-assignment form: operands come before their uses.

use std::sync::Arc;

use num_bigint::BigUint;

use crate::gadgets::format::Scalar;
use crate::gadgets::table::Table;

/// The result of one FIR operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Value(pub u32);

/// One scalar operation. Operand types and the result type `ty` follow the rules stated per variant; "same" means
/// that operands and result have one type.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Op {
    /// Scalar input number `.0`.
    Input(u32),
    /// A public value: the bits of its encoding.
    Constant(BigUint),
    /// Same; any number.
    Neg,
    /// Same; any number.
    Abs,
    /// Same; any number.
    Add,
    /// Same; any number.
    Sub,
    /// Same; any number.
    Mul,
    /// Same; any number. Integers truncate toward zero, division by zero gives 0.
    Div,
    /// Same; truncated remainder, any number.
    Rem,
    /// Same; float and fixed.
    Sqrt,
    /// Same float: the remainder of IEEE-754, `x - y n` with n the whole number nearest to `x / y`, ties to even.
    Remainder,
    /// Same, three operands: `a * b + c` rounded once.
    Fma,
    /// Same, any number; the smaller (the number, if one is NaN).
    Min,
    /// Same, any number; the larger (the number, if one is NaN).
    Max,
    /// Same, any number; the smaller, NaN if either is.
    Minimum,
    /// Same, any number; the larger, NaN if either is.
    Maximum,
    /// Operands of one type, result bool.
    Lt,
    /// Operands of one type, result bool.
    Le,
    /// Operands of one type (bool too), result bool. NaN is unequal to itself, zeros are equal.
    Eq,
    /// Same; bool, int, uint: bitwise.
    And,
    /// Same; bool, int, uint: bitwise.
    Or,
    /// Same; bool, int, uint: bitwise.
    Xor,
    /// Same; bool, int, uint: bitwise complement.
    Not,
    /// Same int, uint or fixed; shift left by a public amount, zeros come in.
    ShlConst(u32),
    /// Same int, uint or fixed; shift right by a public amount, arithmetic for signed types.
    ShrConst(u32),
    /// Value of type `ty` and an encrypted `uint` amount; amounts of the width and more give 0.
    Shl,
    /// Value of type `ty` and an encrypted `uint` amount; amounts of the width and more give 0 or the sign.
    Shr,
    /// Bool condition, then two values of type `ty`: the first if the condition holds.
    Select,
    /// One operand of any type, converted to `ty` as `as` does.
    Convert,
    /// Same float or fixed: toward minus infinity.
    Floor,
    /// Same float or fixed: toward plus infinity.
    Ceil,
    /// Same float or fixed: nearest integer, ties away from zero.
    Round,
    /// Same float or fixed: nearest integer, ties to even.
    RoundEven,
    /// Same float or fixed: toward zero.
    Trunc,
    /// Same float: magnitude of the first, sign of the second.
    CopySign,
    /// Float of type `ty` and an `int` exponent: `x * 2^e`, rounded once.
    Scale2,
    /// Float operand; result `int<16>`: the unbiased exponent e with `|x| = m * 2^e`, `1 <= m < 2`; for zero, the
    /// exponent of the smallest normal minus the precision; for infinity and NaN, the largest exponent plus one.
    Exponent,
    /// Same float: m with the sign of x, `1 <= |m| < 2` (zero, infinity and NaN stay).
    Significand,
    /// Float operand, result bool.
    IsNan,
    /// Float operand, result bool.
    IsInf,
    /// Float operand, result bool.
    IsFinite,
    /// Float operand, result bool: the sign bit.
    IsNegative,
    /// Any number, result bool.
    IsZero,
    /// Float operand, result bool: not zero, below the smallest normal.
    IsSubnormal,
    /// Float operand, result bool: finite, and neither zero nor subnormal.
    IsNormal,
    /// Any operand to the `uint` of its encoding, or the `uint` of an encoding to `ty`; the bits stay, but encodings
    /// that the type does not use become the one it does (zero of `float<E, P>`, the canonical NaN).
    Reinterpret,
    /// Any number of operands of type `ty`: their exact sum, rounded once in the type's direction.
    Sum,
    /// `2 n` operands of type `ty`, x0 y0 x1 y1 ..: the exact sum of products, rounded once.
    Dot,
    /// Operands of any types: the entry whose index is the bits of the operands, those of the first lowest. Bits that the
    /// table has no index for do not count. Entries are encodings of `ty` that it uses, of at most 64 bits.
    Table(Arc<Table>),
}

/// One operation with its operands and result type.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Node {
    /// What to do.
    pub op: Op,
    /// With what.
    pub operands: Vec<Value>,
    /// The result's type.
    pub ty: Scalar,
    /// Index in [`Graph::functions`] of the source function.
    pub origin: u32,
}

/// A scalar parameter or result of the program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Table column name: `age`, `w[0][1]`, `result`.
    pub name: String,
    /// Its type.
    pub ty: Scalar,
    /// Promised range: the bounds as they were written, rounded to the type (encodings).
    pub range: Option<(BigUint, BigUint)>,
}

/// A whole program.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Graph {
    /// Operations; `Value(i)` is the result of `nodes[i]`.
    pub nodes: Vec<Node>,
    /// Names of source functions, for per-function counts.
    pub functions: Vec<String>,
    /// Encrypted inputs, in order; `Op::Input(i)` is `inputs[i]`.
    pub inputs: Vec<Column>,
    /// Results in order.
    pub outputs: Vec<(Column, Value)>,
}
