//! The IEEE formats, decoded to `f64`, and the error of a result in ulp.

use rug::Float;
use rug::float::Special;

/// An IEEE format of at most 64 bits.
#[derive(Clone, Copy, Debug)]
pub struct Format {
    /// As `.ffl` names it.
    pub name: &'static str,
    /// Bits of the exponent.
    pub exponent_bits: u32,
    /// Bits of precision, counting the leading one.
    pub precision: u32,
}

/// Those that are measured.
pub const FORMATS: [Format; 4] = [
    Format { name: "f16", exponent_bits: 5, precision: 11 },
    Format { name: "bf16", exponent_bits: 8, precision: 8 },
    Format { name: "f32", exponent_bits: 8, precision: 24 },
    Format { name: "f64", exponent_bits: 11, precision: 53 },
];

impl Format {
    /// Bits of an encoding.
    pub fn bits(self) -> u32 {
        self.exponent_bits + self.precision
    }

    /// The exponent field of 1.
    pub fn bias(self) -> i32 {
        (1 << (self.exponent_bits - 1)) - 1
    }

    /// Bits of the fraction.
    pub fn places(self) -> u32 {
        self.precision - 1
    }

    /// The value of an encoding.
    pub fn decode(self, bits: u64) -> f64 {
        let (top, fraction_bits) = ((1_u64 << self.exponent_bits) - 1, self.places());
        let field = bits >> fraction_bits & top;
        let fraction = bits & ((1 << fraction_bits) - 1);
        let negative = bits >> (self.bits() - 1) & 1 == 1;
        let size = if field == top {
            if fraction == 0 { f64::INFINITY } else { f64::NAN }
        } else {
            let mantissa = if field == 0 { fraction } else { fraction | 1 << fraction_bits };
            let exponent = field.max(1) as i32 - self.bias() - fraction_bits as i32;
            (Float::with_val(64, mantissa) << exponent).to_f64()
        };
        if negative { -size } else { size }
    }

    /// The encodings nearest to a number, without regard to overflow, and two neighbours on each side.
    pub fn around(self, x: &Float) -> Vec<u64> {
        let rounded = Float::with_val(self.precision, x);
        let Some(exponent) = rounded.get_exp() else { return Vec::new() };
        let field = i64::from(exponent) - 1 + i64::from(self.bias());
        if !(1..(1 << self.exponent_bits) - 1).contains(&field) {
            return Vec::new();
        }
        let mantissa = (rounded.clone().abs() << (self.precision as i32 - exponent)).to_f64() as u64;
        let bits = (field as u64) << self.places() | mantissa & ((1 << self.places()) - 1);
        let sign = u64::from(rounded.is_sign_negative()) << (self.bits() - 1);
        (0..5).map(|step| sign | (bits + step).saturating_sub(2)).collect()
    }

    /// The smallest normal value.
    pub fn smallest_normal(self) -> f64 {
        self.decode(1 << self.places())
    }

    /// Four units above the smallest normal value: below it a result that is up to 4 ulp off may be 0, fast.
    pub fn flushed(self) -> f64 {
        self.decode((1 << self.places()) + 4)
    }

    /// The largest finite value.
    pub fn largest(self) -> f64 {
        let top = (1_u64 << self.exponent_bits) - 1;
        self.decode((top << self.places()) - 1)
    }

    /// The error of a result in ulp; infinite if it is no number where the exact result is one in the format's range.
    pub fn error(self, result: f64, exact: &Float) -> f64 {
        if exact.is_nan() {
            return if result.is_nan() { 0.0 } else { f64::INFINITY };
        }
        let size = exact.clone().abs();
        if size.is_infinite() || size > self.largest() {
            let right = result.is_infinite() && result.is_sign_negative() == exact.is_sign_negative();
            if right || size.is_infinite() {
                return if right { 0.0 } else { f64::INFINITY };
            }
        }
        if !result.is_finite() {
            return f64::INFINITY;
        }
        let lowest = 1 - self.bias();
        let exponent = size.get_exp().map_or(lowest, |exponent| (exponent - 1).clamp(lowest, self.bias()));
        let difference = Float::with_val(exact.prec() + 64, exact - result).abs();
        (difference << (self.places() as i32 - exponent)).to_f64()
    }
}

/// A number of more precision than the formats have.
pub fn wide(x: f64) -> Float {
    Float::with_val(64, x)
}

/// Zero.
pub fn zero(precision: u32) -> Float {
    Float::with_val(precision, Special::Zero)
}
