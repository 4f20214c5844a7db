//! Product and remainder trees: the product of many integers, and an integer modulo each of them, at the cost of a few
//! large products per level (Bernstein, "Fast multiplication and its applications", sections 12 and 18).

use rayon::prelude::*;
use zeroize::{Zeroize, ZeroizeOnDrop};

use super::division::Divisor;
use super::limbs;

/// Products of the leaves: level 0 holds the leaves, the last level their product. An odd node out is carried up.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct ProductTree {
    levels: Vec<Vec<Vec<u64>>>,
}

impl ProductTree {
    /// The tree over at least one leaf, none of them zero.
    ///
    /// # Panics
    /// Without leaves.
    pub fn new(leaves: Vec<Vec<u64>>) -> ProductTree {
        assert!(!leaves.is_empty(), "a tree has leaves");
        let trim = |mut leaf: Vec<u64>| {
            leaf.truncate(limbs::trimmed(&leaf).len());
            leaf
        };
        let mut levels: Vec<Vec<Vec<u64>>> = vec![leaves.into_iter().map(trim).collect()];
        while let Some(below) = levels.last().filter(|level| level.len() > 1) {
            let above = below.par_chunks(2).map(|pair| match pair {
                [a, b] => trim(limbs::product(a, b)),
                single => single.concat(),
            });
            levels.push(above.collect());
        }
        ProductTree { levels }
    }

    /// The levels, from the leaves to the product.
    pub fn levels(&self) -> &[Vec<Vec<u64>>] {
        &self.levels
    }

    /// The product of all leaves.
    pub fn product(&self) -> &[u64] {
        &self.levels[self.levels.len() - 1][0]
    }
}

/// The nodes of a product tree, prepared for dividing by them.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct RemainderTree {
    /// The leaves' level first. No divisor where the node is its own parent.
    levels: Vec<Vec<Option<Divisor>>>,
}

impl RemainderTree {
    /// Prepares the divisions.
    pub fn new(tree: &ProductTree) -> RemainderTree {
        let levels = tree.levels();
        let prepare = |(below, above): (&Vec<Vec<u64>>, &Vec<Vec<u64>>)| {
            let nodes = below.par_iter().enumerate();
            nodes
                .map(|(i, node)| {
                    let longer = above[i / 2].len() - node.len();
                    (longer > 0 || above[i / 2] != *node).then(|| Divisor::new(node, longer.max(1)))
                })
                .collect()
        };
        RemainderTree { levels: levels.iter().zip(&levels[1..]).map(prepare).collect() }
    }

    /// `value` modulo every leaf, for a `value` below the product of all leaves.
    pub fn remainders(&self, value: Vec<u64>) -> Vec<Vec<u64>> {
        let mut remainders = vec![value];
        for level in self.levels.iter().rev() {
            let divide = |(i, divisor): (usize, &Option<Divisor>)| {
                let above = remainders[i / 2].clone();
                match divisor {
                    Some(divisor) => divisor.remainder(above),
                    None => above,
                }
            };
            remainders = level.par_iter().enumerate().map(divide).collect();
        }
        remainders
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use num_bigint::BigUint;
    use proptest::collection::vec;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn trees_agree_with_plain_division(
            leaves in vec(vec(any::<u64>(), 1..40), 1..14), value in vec(any::<u64>(), 0..300),
        ) {
            let odd = |mut leaf: Vec<u64>| { leaf[0] |= 1; leaf };
            let tree = ProductTree::new(leaves.into_iter().map(odd).collect());
            let leaves = &tree.levels()[0];
            let product: BigUint = leaves.iter().map(|leaf| limbs::integer(leaf)).product();
            prop_assert_eq!(limbs::integer(tree.product()), product.clone());
            let value = limbs::integer(&value) % product;
            let remainders = RemainderTree::new(&tree).remainders(limbs::limbs_of(&value));
            for (leaf, remainder) in leaves.iter().zip(remainders) {
                prop_assert_eq!(limbs::integer(&remainder), &value % limbs::integer(leaf));
            }
        }
    }
}
