//! Inputs: all of a short format, else a seeded sample with the hard cases among them.

use ffhec_circuit::splitmix64;
use rug::Float;
use rug::float::Constant;

use crate::format::{Format, wide};

/// Rows of encodings. A sample is one half random encodings, one half random numbers of usual size, and the neighbours of
/// what [`hard`] lists.
pub fn inputs(format: Format, arity: usize, sample: usize) -> Vec<Vec<u64>> {
    if format.bits() <= 16 && arity == 1 {
        return (0..1 << format.bits()).map(|bits| vec![bits]).collect();
    }
    let mut random = Random(0x2545_f491_4f6c_dd1d);
    let mut rows = Vec::with_capacity(sample);
    let hard: Vec<u64> = hard().iter().flat_map(|x| format.around(x)).collect();
    for (index, bits) in hard.iter().enumerate() {
        let other = hard[(index * 7 + 3) % hard.len()];
        rows.push(if arity == 1 { vec![*bits] } else { vec![*bits, other] });
    }
    while rows.len() < sample {
        let usual = rows.len() % 2 == 0;
        rows.push((0..arity).map(|_| random.encoding(format, usual)).collect());
    }
    rows
}

/// Numbers near which functions have their zeros, poles, ties, ends of ranges, and where range reductions change: powers
/// of two, multiples of pi / 2 and of ln 2 / 2, integers and their halves, and where results overflow or underflow.
fn hard() -> Vec<Float> {
    let mut found = Vec::new();
    let pi = Float::with_val(200, Constant::Pi);
    let ln_2 = Float::with_val(200, Constant::Log2);
    for k in 1..=340_u32 {
        found.push(Float::with_val(200, &pi * k) >> 1);
        found.push(Float::with_val(200, &ln_2 * k) >> 1);
    }
    for k in 1..=1_500_u32 {
        found.push(wide(f64::from(k) / 2.0));
    }
    for k in 0..=64_u32 {
        found.push(wide(f64::from(k) / 64.0));
        found.push(wide(1.0 + f64::from(k) / 64.0));
    }
    for exponent in -1_074..=1_023 {
        found.push(wide(1.0) << exponent);
    }
    for x in
        [88.72, 89.42, 103.97, 709.78, 710.48, 745.13, 11.09, 11.78, 17.33, 36.04, 37.52, 38.57, 5.86, 13.2]
    {
        found.push(wide(x));
    }
    let negative: Vec<Float> = found.iter().map(|x| -x.clone()).collect();
    found.extend(negative);
    found
}

/// A generator of 64-bit words (`splitmix64`).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        splitmix64(&mut self.0)
    }

    /// Any encoding, or one of a magnitude from 2^-10 to 2^7.
    fn encoding(&mut self, format: Format, usual: bool) -> u64 {
        let any = self.next() >> (64 - format.bits());
        if !usual {
            return any;
        }
        let bias = format.bias() as u64;
        let field = bias - 10 + self.next() % 17;
        let sign = any >> (format.bits() - 1) << (format.bits() - 1);
        sign | field << format.places() | any & ((1 << format.places()) - 1)
    }
}
