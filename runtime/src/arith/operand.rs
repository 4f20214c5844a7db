//! Factors whose transforms are kept because they are used more than once.

use std::sync::{Arc, OnceLock};

use super::limbs;
use super::ntt::{self, Instructions, Length, Spectrum};

/// A residue, or a sum of residues, ready to be multiplied: see [`super::Modulus::transform`].
#[derive(Clone)]
pub struct Transformed {
    pub(super) form: Form,
    /// The value is a sum of this many integers of the width of a residue.
    pub(super) weight: u64,
}

#[derive(Clone)]
pub(super) enum Form {
    /// The integer itself, where transforms do not pay.
    Limbs(Vec<u64>),
    /// Its transform.
    Spectrum(Arc<Spectrum>),
}

impl Transformed {
    pub(super) fn new(instructions: Instructions, x: &[u64], length: Option<&Length>) -> Transformed {
        let form = match length {
            None => Form::Limbs(limbs::trimmed(x).to_vec()),
            Some(length) => Form::Spectrum(Arc::new(Spectrum::new(instructions, limbs::trimmed(x), length))),
        };
        Transformed { form, weight: 1 }
    }

    /// The sum of two operands of one modulus, without another transform.
    #[must_use]
    pub fn plus(&self, other: &Transformed) -> Transformed {
        let weight = self.weight + other.weight;
        let form = match (&self.form, &other.form) {
            (Form::Limbs(a), Form::Limbs(b)) => {
                let (long, short) = if a.len() < b.len() { (b, a) } else { (a, b) };
                let mut sum = long.clone();
                sum.push(0);
                limbs::add_assign(&mut sum, short);
                Form::Limbs(sum)
            }
            (Form::Spectrum(a), Form::Spectrum(b)) => {
                let mut sum = Spectrum::clone(a);
                sum.add_assign(b);
                Form::Spectrum(Arc::new(sum))
            }
            (Form::Limbs(_), Form::Spectrum(_)) | (Form::Spectrum(_), Form::Limbs(_)) => {
                unreachable!("operands of one modulus have one form")
            }
        };
        Transformed { form, weight }
    }

    /// How many integers were added up in this operand: the headroom of [`super::Modulus::sum_of_products`] counts
    /// them.
    pub fn weight(&self) -> u64 {
        self.weight
    }
}

/// A constant factor, with its transforms for products with operands of some lengths, made when first needed.
#[derive(Clone)]
pub(super) struct Constant {
    limbs: Vec<u64>,
    /// Limbs of the other factor, ascending, and the transform for such products.
    spectra: Arc<[(usize, OnceLock<Spectrum>)]>,
}

impl Constant {
    /// The constant, for factors of at most `lengths` limbs, ascending; longer ones are cut into blocks.
    pub(super) fn new(limbs: Vec<u64>, lengths: &[usize]) -> Constant {
        Constant { limbs, spectra: lengths.iter().map(|length| (*length, OnceLock::new())).collect() }
    }

    /// The product with `x`.
    pub(super) fn product(&self, instructions: Instructions, x: &[u64]) -> Vec<u64> {
        let x = limbs::trimmed(x);
        let shorter = x.len().min(self.limbs.len());
        let fitting = self.spectra.iter().find(|(length, _)| x.len() <= *length).or(self.spectra.last());
        match fitting {
            Some((length, spectrum))
                if shorter >= instructions.crossover()
                    && self.limbs.len() <= ntt::MOST_LIMBS
                    && 2 * x.len() >= *length =>
            {
                let spectrum = spectrum.get_or_init(|| {
                    let length = ntt::length_for(length + self.limbs.len());
                    Spectrum::new(instructions, &self.limbs, &length)
                });
                let mut out = vec![0; x.len() + self.limbs.len()];
                limbs::multiply_blocks(instructions, x, self.limbs.len(), spectrum, &mut out);
                out
            }
            _ => limbs::product_with(instructions, x, &self.limbs),
        }
    }
}

impl PartialEq for Constant {
    fn eq(&self, other: &Constant) -> bool {
        self.limbs == other.limbs
    }
}

impl Eq for Constant {}
