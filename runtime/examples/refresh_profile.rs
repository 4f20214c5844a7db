//! Temporary.
use ffhec_circuit::Machine;
use ffhec_runtime::Phase;
use ffhec_runtime::{Ciphertext, Evaluator, Params, generate_keys};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use std::time::Instant;
fn main() {
    let args: Vec<String> = std::env::args().collect();
    let preset = &args[1];
    let level: usize = args[2].parse().unwrap();
    let limit: u64 = args[3].parse().unwrap();
    let threads: usize = args[4].parse().unwrap();
    rayon::ThreadPoolBuilder::new().num_threads(threads).build_global().unwrap();
    let params = Params::preset(preset).unwrap();
    let t = Instant::now();
    let path = format!("/tmp/refresh-{preset}.key");
    let keys = match std::fs::read(&path) {
        Ok(bytes) => ffhec_runtime::EvaluationKey::from_bytes(&bytes).unwrap(),
        Err(_) if preset == "medium" || preset == "large" => {
            let mut rng = ChaCha20Rng::from_seed([3; 32]);
            let mut bytes = params.to_bytes();
            bytes.push(11);
            bytes.extend(b"aes-128-ctr");
            bytes.extend([5; 16]);
            let g = params.gamma() as usize;
            let mut x0 = vec![0xff_u8; g.div_ceil(8)];
            if g % 8 != 0 {
                *x0.last_mut().unwrap() = (1 << (g % 8)) - 1;
            }
            let low = params.slots() * params.eta() as usize / 8;
            rand_core::Rng::fill_bytes(&mut rng, &mut x0[..low]);
            x0[0] |= 1;
            bytes.extend(&x0);
            bytes.extend([9; 32]);
            for i in 0..params.slots() as u32 {
                bytes.extend(i.to_le_bytes());
                let mut h = vec![0; params.limbs() * 8];
                rand_core::Rng::fill_bytes(&mut rng, &mut h);
                bytes.extend(h);
            }
            for _ in 0..params.hints() {
                let mut h = vec![0; (params.correction_bits() as usize).div_ceil(8)];
                rand_core::Rng::fill_bytes(&mut rng, &mut h);
                *h.last_mut().unwrap() = 0;
                bytes.extend(h);
            }
            let mut c = vec![0; g.div_ceil(8)];
            rand_core::Rng::fill_bytes(&mut rng, &mut c);
            *c.last_mut().unwrap() = 0;
            std::fs::write(format!("/tmp/refresh-{preset}.ct"), c).unwrap();
            ffhec_runtime::EvaluationKey::from_bytes(&bytes).unwrap()
        }
        Err(_) => {
            let keys = generate_keys(&params, &mut ChaCha20Rng::from_seed([1; 32]), None);
            std::fs::write(&path, keys.evaluation.to_bytes()).unwrap();
            let c = keys.encryption.encrypt(&[true, false], &mut ChaCha20Rng::from_seed([2; 32]));
            std::fs::write(format!("/tmp/refresh-{preset}.ct"), c.to_bytes(&params)).unwrap();
            keys.evaluation
        }
    };
    let c = Ciphertext::from_bytes(&params, &std::fs::read(format!("/tmp/refresh-{preset}.ct")).unwrap())
        .unwrap();
    eprintln!("keys {:?}", t.elapsed());
    let t = Instant::now();
    let machine = Evaluator::new(&keys, limit << 20);
    eprintln!("{:?} {:?}", machine.plan(), t.elapsed());
    let mut cts = vec![c];
    for i in 1..level {
        let s = machine.xor(&cts[i - 1], &cts[0]);
        cts.push(s);
    }
    if args.len() > 6 {
        for _ in 0..2 {
            let t = Instant::now();
            let p = machine.expand(&cts[0]);
            eprintln!("expand {:?}", t.elapsed());
            let patterns: Vec<Vec<u16>> = (0..level)
                .map(|k| {
                    let mut p = p.clone();
                    p.rotate_left(k);
                    p
                })
                .collect();
            let t = Instant::now();
            drop(machine.box_sums(&patterns));
            eprintln!("box sums/ct {:?}", t.elapsed() / level as u32);
            let spent: Vec<String> = Phase::ALL
                .iter()
                .map(|p| format!("{} {:.3}", p.name(), machine.spent(*p).as_secs_f64()))
                .collect();
            eprintln!("{}", spent.join(", "));
        }
        return;
    }
    let refs: Vec<&Ciphertext> = cts.iter().collect();
    let mut best = f64::MAX;
    for _ in 0..args.get(5).map_or(3, |r| r.parse().unwrap()) {
        let before: Vec<_> = Phase::ALL.iter().map(|p| machine.spent(*p)).collect();
        let t = Instant::now();
        let r = machine.refresh(&refs);
        let wall = t.elapsed();
        assert_eq!(r.len(), level);
        best = best.min(wall.as_secs_f64());
        let spent: Vec<String> = Phase::ALL
            .iter()
            .zip(before)
            .map(|(p, b)| {
                format!("{} {:.3}", p.name(), (machine.spent(*p) - b).as_secs_f64() * 1e3 / level as f64)
            })
            .collect();
        let busy: f64 = Phase::ALL.iter().map(|p| machine.spent(*p).as_secs_f64()).sum();
        let _ = busy;
        eprintln!(
            "wall/ct {:.3} ms; cpu ms/ct: {}",
            wall.as_secs_f64() * 1e3 / level as f64,
            spent.join(", ")
        );
    }
    let t = Instant::now();
    let mut x = machine.and(&cts[0], &cts[0]);
    for _ in 0..9 {
        x = machine.and(&x, &cts[0]);
    }
    eprintln!(
        "best {:.3} ms/ct; product {:.3} ms",
        best * 1e3 / level as f64,
        t.elapsed().as_secs_f64() * 100.0
    );
}
