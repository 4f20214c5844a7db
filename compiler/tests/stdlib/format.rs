//! Float formats decoded to f64, independently of the compiler, and the error of a result in ulp.

/// A format as this test decodes it, independently of the compiler.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Format {
    pub(crate) name: &'static str,
    pub(crate) exponent_bits: u32,
    pub(crate) precision: u32,
    pub(crate) ieee: bool,
}

pub(crate) const PAPER: Format =
    Format { name: "float<5, 11>", exponent_bits: 5, precision: 11, ieee: false };
pub(crate) const F16: Format = Format { name: "f16", exponent_bits: 5, precision: 11, ieee: true };
pub(crate) const BF16: Format = Format { name: "bf16", exponent_bits: 8, precision: 8, ieee: true };
pub(crate) const F32: Format = Format { name: "f32", exponent_bits: 8, precision: 24, ieee: true };
pub(crate) const F64: Format = Format { name: "f64", exponent_bits: 11, precision: 53, ieee: true };
/// No infinities, NaN only where all bits behind the sign are set, the largest exponent an ordinary one.
pub(crate) const E4M3: Format = Format { name: "f8e4m3", exponent_bits: 4, precision: 4, ieee: true };
pub(crate) const FORMATS: [Format; 5] = [PAPER, F16, BF16, F32, F64];

impl Format {
    pub(crate) fn bits(self) -> u32 {
        self.exponent_bits + self.precision
    }

    pub(crate) fn bias(self) -> i32 {
        (1 << (self.exponent_bits - 1)) - 1
    }

    pub(crate) fn decode(self, bits: u64) -> f64 {
        if self.precision == 53 {
            return f64::from_bits(bits);
        }
        let places = self.precision - 1;
        let field = i32::try_from((bits >> places) & ((1 << self.exponent_bits) - 1)).unwrap();
        let fraction = (bits & ((1 << places) - 1)) as f64 / (1_u64 << places) as f64;
        let size = match (self.ieee, field) {
            (false, 0) => return 0.0,
            (true, 0) => fraction * 2_f64.powi(1 - self.bias()),
            (true, 15) if self.name == E4M3.name && fraction == 0.875 => f64::NAN,
            (true, top) if self.name != E4M3.name && top == (1 << self.exponent_bits) - 1 => {
                if fraction == 0.0 { f64::INFINITY } else { f64::NAN }
            }
            _ => (1.0 + fraction) * 2_f64.powi(field - self.bias()),
        };
        if bits >> (self.bits() - 1) == 1 { -size } else { size }
    }

    /// The encodings of a number and its neighbours, if it is in the range of normal numbers.
    pub(crate) fn around(self, x: f64) -> Vec<u64> {
        if x.abs() < self.smallest_normal() || x.abs() > self.largest() {
            return Vec::new();
        }
        let field = u64::try_from(exponent(x) + self.bias()).unwrap();
        let fraction = (x.to_bits() & ((1 << 52) - 1)) >> (53 - self.precision);
        let sign = u64::from(x < 0.0) << (self.bits() - 1);
        let bits = field << (self.precision - 1) | fraction;
        vec![sign | bits.saturating_sub(1), sign | bits, sign | (bits + 1)]
    }

    pub(crate) fn largest(self) -> f64 {
        if self.name == E4M3.name {
            return 448.0;
        }
        let top = (1 << self.exponent_bits) - 1 - i32::from(self.ieee) - self.bias();
        (2.0 - 2_f64.powi(1 - i32::try_from(self.precision).unwrap())) * 2_f64.powi(top)
    }

    pub(crate) fn smallest_normal(self) -> f64 {
        2_f64.powi(1 - self.bias())
    }

    /// The distance between neighbouring values at `exact`.
    pub(crate) fn ulp(self, exact: f64) -> f64 {
        let lowest = 1 - self.bias();
        let exponent = if exact == 0.0 { lowest } else { exponent(exact).max(lowest) };
        let last = exponent - i32::try_from(self.precision).unwrap() + 1;
        // In two steps: a power below the normal numbers comes out as 0.
        2_f64.powi(last / 2) * 2_f64.powi(last - last / 2)
    }

    /// The error of a result in ulp; results beyond the format's range must be what its arithmetic makes of them.
    pub(crate) fn error(self, result: f64, exact: f64) -> f64 {
        if exact.is_nan() {
            return if result.is_nan() || !self.ieee { 0.0 } else { f64::INFINITY };
        }
        if exact.abs() > self.largest() {
            let near = exact.abs() < self.largest() + 2.0 * self.ulp(self.largest());
            let saturated = if self.ieee { f64::INFINITY } else { self.largest() };
            let right = result == saturated.copysign(exact) || near && result.abs() == self.largest();
            return if right { 0.0 } else { f64::INFINITY };
        }
        if !self.ieee && exact.abs() < self.smallest_normal() && exact != 0.0 {
            let right = result == 0.0 || result == self.smallest_normal().copysign(exact);
            return if right { 0.0 } else { f64::INFINITY };
        }
        if result == exact { 0.0 } else { (result - exact).abs() / self.ulp(exact) }
    }
}

/// floor(log2 |x|) of a finite number that is not 0.
pub(crate) fn exponent(x: f64) -> i32 {
    let field = i32::try_from((x.to_bits() >> 52) & 0x7ff).unwrap();
    if field > 0 {
        field - 1023
    } else {
        -1011 - i32::try_from((x.to_bits() << 12).leading_zeros()).unwrap() - 12
    }
}
