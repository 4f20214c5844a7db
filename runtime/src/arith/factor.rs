//! Fixed factors of many products, with their transforms where transforms pay.

use zeroize::{Zeroize, ZeroizeOnDrop};

use super::limbs;
use super::ntt::{self, Instructions, Spectrum};

/// From this ratio of the lengths on, a product is left to [`limbs::product`], which cuts the longer factor.
const UNBALANCED: usize = 8;

/// A fixed factor of many products.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Factor {
    value: Vec<u64>,
    /// The most limbs of the other factors.
    other: usize,
    spectrum: Option<Spectrum>,
}

impl Factor {
    /// Prepares a factor for products with integers of at most `other` limbs.
    pub fn new(value: &[u64], other: usize) -> Factor {
        let (instructions, value) = (Instructions::best(), limbs::trimmed(value).to_vec());
        let shorter = value.len().min(other);
        let pays = shorter >= instructions.crossover() && shorter <= ntt::MOST_LIMBS / 2;
        let balanced = value.len().max(other) <= UNBALANCED * shorter;
        let length = || ntt::length_for(value.len() + other);
        let spectrum = (pays && balanced).then(|| Spectrum::new(instructions, &value, &length()));
        Factor { value, other, spectrum }
    }

    /// The product with `x`.
    pub fn times(&self, x: &[u64]) -> Vec<u64> {
        let x = limbs::trimmed(x);
        match &self.spectrum {
            Some(spectrum) if x.len() <= self.other && UNBALANCED * x.len() >= self.other => {
                let mut out = vec![0; self.value.len() + x.len()];
                ntt::multiply_by(Instructions::best(), x, spectrum, &mut out);
                out
            }
            _ => limbs::product(&self.value, x),
        }
    }

    /// `sum_i f_i x_i`, without leading zero limbs.
    pub fn sum_of_products(terms: &[(&Factor, &[u64])]) -> Vec<u64> {
        let length = terms.iter().map(|(factor, x)| factor.value.len() + x.len() + 1).max().unwrap_or(0);
        let mut sum = vec![0; length];
        match Self::transformed_sum(terms) {
            Some(transformed) => sum = transformed,
            None => {
                for (factor, x) in terms {
                    limbs::add_assign(&mut sum, &factor.times(x));
                }
            }
        }
        sum.truncate(limbs::trimmed(&sum).len());
        sum
    }

    /// The sum with one transform back for all of it, if all factors have transforms of one length.
    fn transformed_sum(terms: &[(&Factor, &[u64])]) -> Option<Vec<u64>> {
        let spectra: Vec<&Spectrum> =
            terms.iter().map(|(f, _)| f.spectrum.as_ref()).collect::<Option<_>>()?;
        let capacity = spectra.first()?.capacity();
        // Every coefficient of the sum has a term for each limb of a shorter factor.
        let weight: usize = terms.iter().map(|(factor, x)| factor.value.len().min(x.len())).sum();
        let fits = terms.len() <= ntt::MOST_TERMS
            && weight as u64 <= ntt::CAPACITY
            && spectra.iter().all(|spectrum| spectrum.capacity() == capacity)
            && terms.iter().all(|(factor, x)| factor.value.len() + x.len() < capacity);
        fits.then(|| {
            let instructions = Instructions::best();
            let length = ntt::length_for(capacity);
            let others: Vec<Spectrum> =
                terms.iter().map(|(_, x)| Spectrum::new(instructions, x, &length)).collect();
            let pairs: Vec<(&Spectrum, &Spectrum)> = spectra.into_iter().zip(&others).collect();
            let mut out = vec![0; capacity];
            ntt::sum_of_products(instructions, &pairs, &mut out);
            out
        })
    }
}
