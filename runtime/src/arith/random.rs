//! Integers drawn from a pseudo-random generator. Every draw reads a number of bytes that its arguments fix, apart
//! from rejections, so equal seeds give equal integers everywhere.

use num_bigint::{BigInt, BigUint};
use rand_core::Rng;

use super::limbs::{self, BITS};

/// Uniform limbs of an integer of at most `bits` bits.
pub fn random_limbs(rng: &mut impl Rng, bits: usize) -> Vec<u64> {
    let mut bytes = vec![0_u8; bits.div_ceil(BITS) * 8];
    rng.fill_bytes(&mut bytes);
    let words = bytes.chunks_exact(8);
    let mut drawn: Vec<u64> =
        words.map(|word| word.iter().rev().fold(0, |limb, byte| limb << 8 | u64::from(*byte))).collect();
    limbs::truncate_bits(&mut drawn, bits);
    drawn
}

/// Uniform in `[0, 2^bits)`.
pub fn random_bits(rng: &mut impl Rng, bits: usize) -> BigUint {
    limbs::integer(&random_limbs(rng, bits))
}

/// Uniform in `[0, bound)`.
///
/// # Panics
/// If `bound` is zero.
pub fn random_below(rng: &mut impl Rng, bound: &BigUint) -> BigUint {
    assert!(bound.bits() > 0, "nothing lies below zero");
    loop {
        let drawn = random_bits(rng, bound.bits() as usize);
        if drawn < *bound {
            return drawn;
        }
    }
}

/// Uniform in `[0, bound)`, for an index.
///
/// # Panics
/// If `bound` is zero.
pub fn random_index(rng: &mut impl Rng, bound: usize) -> usize {
    let drawn = random_below(rng, &BigUint::from(bound));
    limbs::limbs_of(&drawn).first().map_or(0, |limb| *limb as usize)
}

/// Uniform in the open interval from `-2^bits` to `2^bits`.
pub fn random_noise(rng: &mut impl Rng, bits: u32) -> BigInt {
    loop {
        let drawn = random_bits(rng, bits as usize + 1);
        if drawn.bits() > 0 {
            return BigInt::from(drawn) - (BigInt::from(1_u8) << bits);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_chacha::ChaCha20Rng;
    use rand_core::SeedableRng;

    #[test]
    fn draws_cover_their_range_and_no_more() {
        let mut rng = ChaCha20Rng::from_seed([1; 32]);
        let mut seen = [0_usize; 7];
        for _ in 0..7_000 {
            seen[random_index(&mut rng, 7)] += 1;
        }
        assert!(seen.iter().all(|count| (800..1200).contains(count)), "{seen:?}");
        let mut noises: Vec<BigInt> = (0..500).map(|_| random_noise(&mut rng, 2)).collect();
        noises.sort();
        noises.dedup();
        assert_eq!(noises, (-3..=3).map(BigInt::from).collect::<Vec<_>>());
    }
}
