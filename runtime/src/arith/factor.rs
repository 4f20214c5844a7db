//! Integers that many others are multiplied by.

use zeroize::{Zeroize, ZeroizeOnDrop};

use super::limbs;

/// A fixed factor of many products.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Factor {
    value: Vec<u64>,
}

impl Factor {
    /// Prepares a factor for products with integers of at most `other` limbs.
    pub fn new(value: &[u64], _other: usize) -> Factor {
        Factor { value: limbs::trimmed(value).to_vec() }
    }

    /// `sum_i f_i x_i`, for factors that were all prepared for the same lengths.
    pub fn sum_of_products(terms: &[(&Factor, &[u64])]) -> Vec<u64> {
        let mut sum = Vec::new();
        for (factor, x) in terms {
            let product = factor.times(x);
            if sum.len() < product.len() + 1 {
                sum.resize(product.len() + 1, 0);
            }
            limbs::add_assign(&mut sum, &product);
        }
        sum.truncate(limbs::trimmed(&sum).len());
        sum
    }

    /// The product with `x`.
    pub fn times(&self, x: &[u64]) -> Vec<u64> {
        limbs::product(&self.value, limbs::trimmed(x))
    }
}
