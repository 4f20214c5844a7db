//! Times of the scheme's operations on this machine: what `ffhec params --measure` prints, and where the figures of
//! [`Target`](ffhec_circuit::Target) come from.

use std::fmt::Write as _;
use std::time::Instant;

use ffhec_circuit::{Costs, Machine};
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};

use crate::scheme::cipher::Ciphertext;
use crate::scheme::eval::Evaluator;
use crate::scheme::keys::generate_keys;
use crate::scheme::params::Params;

/// Ciphertexts that are encrypted together.
const ENCRYPTED: usize = 2;

/// How long one operation took, in seconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Time {
    /// On all threads together, if the system tells.
    pub cpu: Option<f64>,
    /// From start to end.
    pub wall: f64,
}

impl Time {
    /// Work done, in seconds of one thread: the time of all threads or, where the system does not tell that, what all
    /// of them could have done meanwhile.
    pub fn work(&self) -> f64 {
        self.cpu.unwrap_or(self.wall * rayon::current_num_threads() as f64)
    }

    fn per(self, count: usize) -> Time {
        let count = count.max(1) as f64;
        Time { cpu: self.cpu.map(|cpu| cpu / count), wall: self.wall / count }
    }
}

/// The times of a parameter set.
#[derive(Clone, Debug)]
pub struct Measured {
    /// The parameter set's name.
    pub preset: String,
    /// Worker threads.
    pub threads: usize,
    /// Ciphertexts in the level of refreshes.
    pub level: usize,
    /// Key generation.
    pub keygen: Time,
    /// One addition.
    pub addition: Time,
    /// One product and its reduction.
    pub product: Time,
    /// The refresh of one ciphertext alone.
    pub refresh_alone: Time,
    /// The refresh of one ciphertext of the level.
    pub refresh_in_level: Time,
    /// One encryption, of two done together.
    pub encrypt: Time,
    /// One decryption, of a level done together.
    pub decrypt: Time,
    /// Whether everything decrypted to what it should.
    pub right: bool,
}

/// Measures the operations in the current thread pool, with keys that are thrown away. Refreshes take up to about
/// `memory_limit` bytes.
pub fn measure(params: &Params, level: usize, memory_limit: u64) -> Measured {
    let level = level.max(1);
    let mut rng = ChaCha20Rng::from_seed([1; 32]);
    let (keys, keygen) = once(|| generate_keys(params, &mut rng, None));
    let rows: Vec<Vec<bool>> =
        (0..ENCRYPTED).map(|_| (0..params.slots()).map(|_| rng.next_u32() & 1 == 1).collect()).collect();
    let fresh = keys.encryption.encrypt_all(&rows, &mut rng);
    let encrypt = repeated(|| drop(keys.encryption.encrypt_all(&rows, &mut rng))).per(ENCRYPTED);

    let machine = Evaluator::new(&keys.evaluation, memory_limit);
    let all: Vec<&Ciphertext> = fresh.iter().cycle().take(level).collect();
    // The first level gets its memory from the system; all others of a program use it again.
    let refreshed = machine.refresh(&all);
    let refresh_in_level = repeated(|| drop(machine.refresh(&all))).per(level);
    let refresh_alone = repeated(|| drop(machine.refresh(&[&fresh[0]])));
    let (a, b) = (&refreshed[0], &refreshed[refreshed.len() - 1]);
    let addition = repeated(|| drop(machine.xor(a, b)));
    let product = repeated(|| drop(machine.and(a, b)));

    let decrypt = repeated(|| drop(keys.secret.decrypt_all(&refreshed))).per(level);
    let expected = rows.iter().cycle().take(level);
    let right = keys.secret.decrypt_all(&refreshed).iter().eq(expected)
        && keys.secret.decrypt_all(&fresh) == rows
        && keys.secret.decrypt(&machine.and(a, b)) == conjunction(&rows[0], &rows[(level - 1) % ENCRYPTED]);
    Measured {
        preset: params.name().to_owned(),
        threads: rayon::current_num_threads(),
        level,
        keygen,
        addition,
        product,
        refresh_alone,
        refresh_in_level,
        encrypt,
        decrypt,
        right,
    }
}

fn conjunction(a: &[bool], b: &[bool]) -> Vec<bool> {
    a.iter().zip(b).map(|(a, b)| a & b).collect()
}

impl Measured {
    /// Every operation with its name, cheapest first.
    pub fn operations(&self) -> [(String, Time); 7] {
        [
            ("addition".to_owned(), self.addition),
            ("product and reduction".to_owned(), self.product),
            ("decryption".to_owned(), self.decrypt),
            ("encryption".to_owned(), self.encrypt),
            (format!("refresh, in a level of {}", self.level), self.refresh_in_level),
            ("refresh, alone".to_owned(), self.refresh_alone),
            ("key generation".to_owned(), self.keygen),
        ]
    }

    /// The figures of a target. What a refresh alone takes more than one in a level is what the level shares.
    pub fn costs(&self) -> Costs {
        let ns = |time: Time| time.work() * 1e9;
        let (alone, together) = (ns(self.refresh_alone), ns(self.refresh_in_level));
        let others = (self.level - 1).max(1) as f64;
        let pass_ns = ((alone - together) * self.level as f64 / others).clamp(0.0, alone);
        Costs {
            xor_ns: ns(self.addition),
            and_ns: ns(self.product),
            pass_ns,
            refresh_ns: alone - pass_ns,
            encrypt_ns: ns(self.encrypt),
            decrypt_ns: ns(self.decrypt),
        }
    }

    /// The times and their ratios to a product's, and the figures of a target.
    pub fn table(&self) -> String {
        let (name, threads) = (&self.preset, self.threads);
        let mut text = format!("preset {name}, threads {threads}: milliseconds for each operation\n\n");
        let _ = writeln!(text, "{:32} {:>13} {:>13} {:>13}", "", "CPU", "wall", "in products");
        for (name, time) in self.operations() {
            let cpu = time.cpu.map_or("unknown".to_owned(), |cpu| format!("{:.4}", cpu * 1e3));
            let ratio = time.work() / self.product.work();
            let _ = writeln!(text, "{name:32} {cpu:>13} {:>13.4} {ratio:>13.3}", time.wall * 1e3);
        }
        let verdict = if self.right { "all bits were right" } else { "SOME BITS WERE WRONG" };
        let c = self.costs();
        let _ = writeln!(
            text,
            "\n{verdict}; Costs {{ xor_ns: {:.3e}, and_ns: {:.3e}, pass_ns: {:.3e}, refresh_ns: {:.3e}, encrypt_ns: {:.3e}, decrypt_ns: {:.3e} }}",
            c.xor_ns, c.and_ns, c.pass_ns, c.refresh_ns, c.encrypt_ns, c.decrypt_ns
        );
        text
    }
}

/// What takes longer, in seconds, is not repeated.
const LONG: f64 = 1.0;

/// Times work, once.
pub fn once<T>(work: impl FnOnce() -> T) -> (T, Time) {
    let (start, cpu) = (Instant::now(), cpu_seconds());
    let result = work();
    let cpu = cpu.zip(cpu_seconds()).map(|(before, after)| after - before);
    (result, Time { cpu, wall: start.elapsed().as_secs_f64() })
}

/// Times work, repeated as often as the clocks need: the mean CPU time, and the least time from start to end.
pub fn repeated(mut work: impl FnMut()) -> Time {
    /// Seconds of one timing, and of CPU time in it, for a clock that ticks in hundredths of a second.
    const SPAN: (f64, f64) = (0.1, 0.1);
    const TIMINGS: usize = 4;
    let mut timing = |count: usize| once(|| (0..count).for_each(|_| work())).1;
    let (mut count, mut first) = (1, timing(1));
    while first.wall < SPAN.0 || first.cpu.is_some_and(|cpu| cpu < SPAN.1) {
        count *= 2;
        first = timing(count);
    }
    if first.wall > LONG {
        return first.per(count);
    }
    let sum = |a: Time, b: Time| Time { cpu: a.cpu.zip(b.cpu).map(|(a, b)| a + b), wall: a.wall.min(b.wall) };
    let total = (1..TIMINGS).map(|_| timing(count)).fold(first, sum);
    Time { cpu: total.cpu.map(|cpu| cpu / TIMINGS as f64), wall: total.wall }.per(count)
}

/// CPU time of this process so far, with that of threads that have ended, where the system has Linux's `/proc`.
fn cpu_seconds() -> Option<f64> {
    /// Linux counts this time in hundredths of a second for every program, whatever its own clock does.
    const TICKS: f64 = 100.0;
    let text = std::fs::read_to_string("/proc/self/stat").ok()?;
    // The second field is the program's name in brackets, which may hold anything; fields 14 and 15 are the times.
    let mut fields = text.rsplit_once(')')?.1.split_whitespace().skip(11);
    let mut ticks = || fields.next()?.parse::<u64>().ok();
    Some((ticks()? + ticks()?) as f64 / TICKS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_has_a_time_and_the_bits_are_right() {
        let params = Params::preset("test").expect("a preset");
        let measured = measure(&params, 3, 1 << 20);
        assert!(measured.right);
        let costs = measured.costs();
        let all = [costs.xor_ns, costs.and_ns, costs.refresh_ns, costs.encrypt_ns, costs.decrypt_ns];
        assert!(all.iter().all(|&ns| ns > 0.0 && ns.is_finite()), "{costs:?}");
        for word in ["addition", "refresh, in a level of 3", "all bits were right", "and_ns: "] {
            assert!(measured.table().contains(word), "{}", measured.table());
        }
    }

    #[test]
    fn work_without_a_cpu_clock_is_counted_on_all_threads() {
        let time = Time { cpu: None, wall: 2.0 };
        assert_eq!(time.work(), 2.0 * rayon::current_num_threads() as f64);
        assert_eq!(Time { cpu: Some(3.0), wall: 2.0 }.per(2).work(), 1.5);
    }
}
