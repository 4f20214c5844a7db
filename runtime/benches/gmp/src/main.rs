//! Times of the FFHE scheme beside GMP's, num-bigint's and the published ones, all but the last measured in one run:
//!
//! ```text
//! cargo run --release --manifest-path runtime/benches/gmp/Cargo.toml -- --preset toy,small
//! ```
//!
//! Builds GMP, which needs a C compiler, make and m4; `--features system-gmp` links an installed one instead.
#![allow(clippy::print_stdout, reason = "a command's output")]

use clap::Parser;
use ffhec_runtime::Params;
use ffhec_runtime::arith::{limbs, random};
use ffhec_runtime::measure::{Measured, Time, measure, repeated};
use num_bigint::BigUint;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use rug::Integer;
use rug::integer::Order;

/// Times the scheme's operations beside GMP, num-bigint and the published figures.
#[derive(Parser)]
struct Arguments {
    /// Parameter sets, separated by commas. `large` takes long, and 12 GB.
    #[arg(long, default_value = "toy,small", value_delimiter = ',')]
    preset: Vec<String>,
    /// Ciphertexts in a level of refreshes.
    #[arg(long, default_value_t = 64)]
    level: usize,
    /// Gigabytes that refreshes may take.
    #[arg(long, default_value_t = 4)]
    memory_limit: u64,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments = Arguments::parse();
    for name in &arguments.preset {
        let params = Params::preset(name)?;
        let integers = Integers::measure(&params);
        let scheme = measure(&params, arguments.level, arguments.memory_limit << 30);
        print_table(&params, &integers, &scheme);
    }
    Ok(())
}

/// Times of integers of the size of a ciphertext, each with and without a remainder.
struct Integers {
    ours: Time,
    gmp: [Time; 2],
    num_bigint: [Time; 2],
}

impl Integers {
    fn measure(params: &Params) -> Integers {
        let bits = params.gamma() as usize;
        let mut rng = ChaCha20Rng::from_seed([3; 32]);
        let [a, b, mut m] = [(); 3].map(|()| random::random_limbs(&mut rng, bits));
        m[(bits - 1) / 64] |= 1 << ((bits - 1) % 64);
        let [x, y, z] = [&a, &b, &m].map(|limbs| Integer::from_digits(limbs, Order::Lsf));
        let [p, q, r] = [&a, &b, &m].map(|limbs| limbs::integer(limbs));
        let product = limbs::product(&a, &b);
        assert_eq!(Integer::from_digits(&product, Order::Lsf), Integer::from(&x * &y), "products agree");
        Integers {
            ours: repeated(|| drop(limbs::product(&a, &b))),
            gmp: [
                repeated(|| drop(Integer::from(&x * &y))),
                repeated(|| drop(Integer::from(&x * &y) % &z)),
            ],
            num_bigint: [repeated(|| drop::<BigUint>(&p * &q)), repeated(|| drop(&p * &q % &r))],
        }
    }
}

/// Seconds that Cheon et al. (Eurocrypt 2013) needed on four cores of 3.4 GHz, with GMP: key generation, encryption,
/// decryption, refresh.
fn published(preset: &str) -> Option<[f64; 4]> {
    match preset {
        "toy" => Some([0.06, 0.02, f64::NAN, 0.11]),
        "small" => Some([1.74, 0.23, 0.02, 1.10]),
        "medium" => Some([73.0, 3.67, 0.45, 11.9]),
        "large" => Some([3493.0, 61.0, 9.8, 172.0]),
        _ => None,
    }
}

fn print_table(params: &Params, integers: &Integers, scheme: &Measured) {
    let Measured { preset, threads, level, .. } = scheme;
    let verdict = if scheme.right { "all bits were right" } else { "SOME BITS WERE WRONG" };
    println!("preset {preset}, {} bits, threads {threads}; {verdict}", params.gamma());
    println!(
        "{:28} {:>11} {:>11} {:>9} {:>9} {:>9} {:>9} {:>9}",
        "", "CPU ms", "wall ms", "products", "GMP p+r", "GMP/us", "num/us", "publ./us"
    );
    let [gmp, gmp_reduced] = integers.gmp.map(|time| time.work());
    let [num, num_reduced] = integers.num_bigint.map(|time| time.work());
    let published = published(preset);
    let row = |name: &str, time: Time, others: Option<[f64; 2]>, published: Option<f64>| {
        let work = time.work();
        let ratio = |value: Option<f64>| {
            value.filter(|value| value.is_finite()).map_or("-".to_owned(), |value| format!("{value:.2}"))
        };
        println!(
            "{name:28} {:>11.4} {:>11.4} {:>9} {:>9} {:>9} {:>9} {:>9}",
            work * 1e3,
            time.wall * 1e3,
            ratio(Some(work / scheme.product.work())),
            ratio(Some(work / gmp_reduced)),
            ratio(others.map(|[gmp, _]| gmp / work)),
            ratio(others.map(|[_, num]| num / work)),
            ratio(published.map(|seconds| seconds / time.wall)),
        );
    };
    row("GMP product", integers.gmp[0], None, None);
    row("GMP product and remainder", integers.gmp[1], None, None);
    row("product", integers.ours, Some([gmp, num]), None);
    row("product and reduction", scheme.product, Some([gmp_reduced, num_reduced]), None);
    row("addition", scheme.addition, None, None);
    row("refresh, alone", scheme.refresh_alone, None, published.map(|p| p[3]));
    row(&format!("refresh, in a level of {level}"), scheme.refresh_in_level, None, published.map(|p| p[3]));
    row("encryption", scheme.encrypt, None, published.map(|p| p[1]));
    row("decryption", scheme.decrypt, None, published.map(|p| p[2]));
    row("key generation", scheme.keygen, None, published.map(|p| p[0]));
    println!();
}
