//! Temporary.
use ffhec_runtime::Phase;
use ffhec_runtime::{Ciphertext, Evaluator, Params};
use std::time::Instant;
fn cpu() -> f64 {
    let s = std::fs::read_to_string("/proc/self/stat").unwrap();
    let f: Vec<&str> = s.rsplit(')').next().unwrap().split_whitespace().collect();
    (f[11].parse::<f64>().unwrap() + f[12].parse::<f64>().unwrap()) * 10.0
}
fn user() -> f64 {
    let s = std::fs::read_to_string("/proc/self/stat").unwrap();
    let f: Vec<&str> = s.rsplit(')').next().unwrap().split_whitespace().collect();
    f[11].parse::<f64>().unwrap() * 10.0
}
fn main() {
    let args: Vec<String> = std::env::args().collect();
    let preset = &args[1];
    let level: usize = args[2].parse().unwrap();
    let limit: u64 = args[3].parse().unwrap();
    let threads: usize = args[4].parse().unwrap();
    let reps: usize = args[5].parse().unwrap();
    rayon::ThreadPoolBuilder::new().num_threads(threads).build_global().unwrap();
    let params = Params::preset(preset).unwrap();
    let path = format!("/tmp/refresh-{preset}.key");
    let keys = ffhec_runtime::EvaluationKey::from_bytes(&std::fs::read(&path).unwrap()).unwrap();
    let c = Ciphertext::from_bytes(&params, &std::fs::read(format!("/tmp/refresh-{preset}.ct")).unwrap())
        .unwrap();
    let machine = Evaluator::new(&keys, limit << 20);
    eprintln!("{:?}", machine.plan());
    let (t, u, c0) = (Instant::now(), user(), cpu());
    let mut p = Vec::new();
    for _ in 0..reps {
        p = machine.expand(&c);
    }
    let r = reps as f64;
    eprintln!(
        "expand alone: wall {:.3} cpu {:.3} user {:.3}",
        t.elapsed().as_secs_f64() * 1e3 / r,
        (cpu() - c0) / r,
        (user() - u) / r
    );
    let patterns: Vec<Vec<u16>> = (0..level)
        .map(|k| {
            let mut p = p.clone();
            p.rotate_left(k);
            p
        })
        .collect();
    for _ in 0..2 {
        let (t, u, c0) = (Instant::now(), user(), cpu());
        for _ in 0..reps {
            std::hint::black_box(machine.box_sums(&patterns));
        }
        let r = (reps * level) as f64;
        eprintln!(
            "box sums/ct: wall {:.3} cpu {:.3} user {:.3}",
            t.elapsed().as_secs_f64() * 1e3 / r,
            (cpu() - c0) / r,
            (user() - u) / r
        );
    }
    let _ = machine.spent(Phase::Expand);
}
