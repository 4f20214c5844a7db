//! The protocols that the FFHE paper names (section 6.4), in the form that this compiler uses.
//!
//! | paper | here |
//! |---|---|
//! | Greater-Than Bit (GTB) | [`greater_than_bit`] |
//! | Equivalent Bit (EB) | [`equivalent_bit`] |
//! | Left Shift (LS) | [`shift_significand`] |
//! | floating-point addition (FAdd) | [`super::add::add`] |
//! | floating-point multiplication (FMult) | [`super::mul::mul`] |
//! | keeping k bits of the significand | [`super::round::round`] |

use ffhec_circuit::Wire;

use super::bits::{Bits, Gates};
use super::shift::shift_right;

/// The Greater-Than Bit protocol: set if `x < y` (the paper's formula gives this direction too, whatever the name).
///
/// The paper subtracts two's complement numbers and corrects the sign bit of the difference by the signs of the
/// operands: w + 2 ANDs, and an overflow to think about. Compared here are unsigned words (exponent and fraction
/// together, whose order is that of magnitudes), where the borrow of the difference is the answer: w ANDs.
pub fn greater_than_bit(g: &mut Gates<'_>, x: &[Wire], y: &[Wire]) -> Wire {
    g.less(x, y)
}

/// The Equivalent Bit protocol: set if `x == y`.
///
/// The paper adds two Greater-Than Bits and one, 2 w ANDs and a long carry chain. An AND tree over the equal bits
/// takes w - 1 ANDs in log w levels.
pub fn equivalent_bit(g: &mut Gates<'_>, x: &[Wire], y: &[Wire]) -> Wire {
    g.equal(x, y)
}

/// What the Left Shift protocol is for: significands aligned to one exponent.
///
/// The paper shifts the significand of the larger operand left by the difference of the exponents, as a sum over all
/// differences: an Equivalent Bit and a product each, and a result as wide as the exponent range. Shifting the
/// smaller operand right by a barrel shifter needs w ANDs per bit of the difference, and what falls out is known as
/// one sticky bit.
pub fn shift_significand(
    g: &mut Gates<'_>,
    significand: &[Wire],
    fill: Wire,
    distance: &[Wire],
    track: bool,
) -> (Bits, Wire) {
    shift_right(g, significand, fill, distance, track)
}
