//! How long operations take: the figures of [`Target`](ffhec_circuit::Target), as measured at the presets.

use ffhec_circuit::Costs;

use super::noise::adder_products;
use super::params::Params;

/// Work of one thread, by preset, as `RAYON_NUM_THREADS=1 ffhec-gmp-bench --preset toy,small,medium,large` prints it
/// (`runtime/benches/gmp`; large: with `--level 24`), `test` by `ffhec params --measure --preset test --level 16 --threads 1`,
/// on a machine with AVX-512.
const MEASURED: [(&str, Costs); 5] = [
    ("test", costs(0.2, 5.4, 110.0, 45.0, 470.0, 7.0)),
    ("toy", costs(3.6, 102.0, 950.0, 3_660.0, 4_890.0, 98.0)),
    ("small", costs(21.0, 464.0, 2_750.0, 23_170.0, 56_000.0, 1_545.0)),
    ("medium", costs(60.0, 2_770.0, 43_700.0, 150_700.0, 1_200_000.0, 8_750.0)),
    ("large", costs(600.0, 16_600.0, 709_000.0, 1_201_000.0, 15_000_000.0, 44_000.0)),
];

/// From microseconds.
const fn costs(addition: f64, product: f64, pass: f64, refresh: f64, encrypt: f64, decrypt: f64) -> Costs {
    Costs {
        xor_ns: addition * 1e3,
        and_ns: product * 1e3,
        pass_ns: pass * 1e3,
        refresh_ns: refresh * 1e3,
        encrypt_ns: encrypt * 1e3,
        decrypt_ns: decrypt * 1e3,
    }
}

impl Params {
    /// Predicted times: those of the preset of this name, or else those of the preset of the nearest size, scaled by
    /// how much work each operation is.
    pub(super) fn costs(&self) -> Costs {
        let presets = MEASURED.iter().filter_map(|(name, costs)| Some((Params::preset(name).ok()?, costs)));
        let distance = |other: &Params| {
            let sizes = (u64::from(other.gamma()), u64::from(self.gamma()));
            (other != self, sizes.0.max(sizes.1) * 1000 / sizes.0.min(sizes.1))
        };
        let nearest = presets.min_by_key(|(other, _)| distance(other));
        let (other, costs) = nearest.expect("there are presets");
        let ratio = |work: fn(&Params) -> f64| work(self) / work(&other);
        Costs {
            xor_ns: costs.xor_ns * ratio(limbs),
            and_ns: costs.and_ns * ratio(limbs),
            pass_ns: costs.pass_ns * ratio(pass_work),
            refresh_ns: costs.refresh_ns * ratio(refresh_work),
            encrypt_ns: costs.encrypt_ns * ratio(encrypt_work),
            decrypt_ns: costs.decrypt_ns * ratio(limbs),
        }
    }
}

fn limbs(params: &Params) -> f64 {
    params.limbs() as f64
}

/// Every hint and key bit is expanded and read.
fn pass_work(params: &Params) -> f64 {
    limbs(params) * params.hints() as f64
}

/// The products of the adder, and for each hint a window and a place in a box sum.
fn refresh_work(params: &Params) -> f64 {
    let products = f64::from(adder_products(params.literal().theta, params.n()));
    limbs(params) * (products + params.hints() as f64 / 300.0)
}

/// The linear forms in the first set; its products are a smaller part.
fn encrypt_work(params: &Params) -> f64 {
    limbs(params) * (params.beta() * params.beta()) as f64 * f64::from(params.alpha())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::scheme::params::{CofactorKind, Literal, ModulusKind};

    #[test]
    fn larger_presets_cost_more_and_refreshes_most() {
        let all: Vec<Costs> = Params::all().iter().map(Params::costs).collect();
        for costs in &all {
            assert!(0.0 < costs.xor_ns && costs.xor_ns < costs.and_ns && costs.and_ns < costs.refresh_ns);
        }
        for pair in all.windows(2) {
            assert!(pair[0].xor_ns < pair[1].xor_ns && pair[0].and_ns < pair[1].and_ns);
            assert!(pair[0].refresh_ns < pair[1].refresh_ns && pair[0].encrypt_ns < pair[1].encrypt_ns);
        }
    }

    #[test]
    fn other_sets_are_scaled_from_the_nearest_preset() {
        let toy = Params::preset("toy").unwrap();
        let paper = toy.with_modulus(ModulusKind::Paper, CofactorKind::SmallFactorFree).unwrap();
        assert_eq!(paper.costs(), toy.costs());
        let longer = Literal { name: "longer".into(), gamma: 2 * toy.gamma(), ..toy.literal().clone() };
        let longer = Params::new(longer).unwrap();
        let ratio = longer.costs().and_ns / toy.costs().and_ns;
        assert!((1.99..2.01).contains(&ratio), "{ratio}");
    }
}
