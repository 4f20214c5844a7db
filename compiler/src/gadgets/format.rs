//! The scalar types, how their values are encoded in bits, and how those values are written and read.

/// A scalar type: what one column of a table holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scalar {
    /// One bit.
    Bool,
    /// Any of the float families.
    Float(FloatFormat),
    /// `fixed<I, F>`: two's complement, `integer` bits counting the sign, `fraction` bits.
    Fixed { integer: u32, fraction: u32 },
    /// `int<N>`: two's complement.
    Int(u32),
    /// `uint<N>`.
    Uint(u32),
}

/// A floating-point format: `1 + exponent_bits + (precision - 1)` bits; sign on top, then the biased exponent, then
/// the fraction (`language.md`, Types).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FloatFormat {
    /// Exponent field width, 2 to 15; the bias is `2^(E-1) - 1`.
    pub exponent_bits: u32,
    /// Precision in bits counting the leading one, 2 to 113.
    pub precision: u32,
    /// Which arithmetic.
    pub family: Family,
}

/// The float families of the language.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Family {
    /// `float<E, P>`: the paper's arithmetic. Finite, one zero (all bits 0), no subnormals, the exact result rounded
    /// toward zero, overflow saturates, underflow gives zero.
    Paper,
    /// `ieee<E, P, ..>`.
    Ieee {
        /// The rounding direction of every operation.
        rounding: Rounding,
        /// Subnormals are zero.
        flush: bool,
        /// No infinities or NaN: overflow saturates, the all-ones exponent is ordinary.
        finite: bool,
    },
    /// OCP E4M3 (`f8e4m3`): no infinities, all-ones is NaN, overflow gives NaN.
    E4m3 {
        /// Overflow saturates instead.
        finite: bool,
    },
}

/// IEEE-754 rounding directions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Rounding {
    /// To nearest, ties to even.
    NearestEven,
    /// To nearest, ties away from zero.
    NearestAway,
    /// Truncation.
    TowardZero,
    /// Toward plus infinity.
    Up,
    /// Toward minus infinity.
    Down,
}
