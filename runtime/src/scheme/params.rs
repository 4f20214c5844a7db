//! Parameter sets. In goes a [`Literal`], the few numbers that are chosen; out comes [`Params`], every size of the
//! scheme derived from them. Invariant: a `Params` meets every constraint of `scheme.md` 1.7, 2.3 and 5.1.

use thiserror::Error;

/// The form of the public modulus `x_0`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ModulusKind {
    /// `x_0 = 2^gamma - delta` with a small delta, so that reduction is a fold. Not in the paper (`scheme.md` 10.6).
    Fold,
    /// `x_0 = q_0 pi` with a random `q_0`, as in the paper; Barrett reduction.
    Paper,
}

/// How the cofactor `q_0` of the public modulus is chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CofactorKind {
    /// Random, odd, without prime factors below `2^20` (`scheme.md` 11.3).
    SmallFactorFree,
    /// A product of primes of at least `lambda^2` bits, as in the paper: very slow to generate.
    Rough,
}

/// The chosen numbers of a parameter set, not yet validated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Literal {
    /// Name of the set.
    pub name: String,
    /// Security parameter lambda, in bits.
    pub lambda: u32,
    /// Side `l` of the plaintext matrix; it has `l^2` slots.
    pub side: u32,
    /// Bits of the noise in key elements.
    pub rho: u32,
    /// Bits of each secret prime.
    pub eta: u32,
    /// Bits of the public modulus and of a ciphertext.
    pub gamma: u32,
    /// Hamming weight of a squashed key: the number of boxes.
    pub theta: u32,
    /// Hints per box.
    pub box_size: u32,
    /// Form of the public modulus.
    pub modulus: ModulusKind,
    /// Kind of its cofactor.
    pub cofactor: CofactorKind,
    /// Security in bits that the published set of this size claimed, if there is one.
    pub published_bits: Option<u32>,
}

/// A parameter set that violates a constraint.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ParamsError {
    /// No preset has this name.
    #[error("there is no parameter set {name:?}; use one of {}", Params::NAMES.join(", "))]
    UnknownPreset {
        /// The name asked for.
        name: String,
    },
    /// A constraint does not hold.
    #[error("parameter set {set:?}: {rule} needs {needed}, but it is {found}")]
    Violated {
        /// Name of the set.
        set: String,
        /// The constraint.
        rule: &'static str,
        /// What it asks for, with numbers.
        needed: String,
        /// What the set has.
        found: String,
    },
}

/// A validated parameter set with all derived sizes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Params {
    literal: Literal,
    slots: u32,
    n: u32,
    rho_prime: u32,
    beta: u32,
    alpha: u32,
    alpha_prime: u32,
}

impl Params {
    /// Names of the presets, smallest first.
    pub const NAMES: [&'static str; 5] = ["test", "toy", "small", "medium", "large"];

    /// The preset of that name (`scheme.md` 11.1).
    ///
    /// # Errors
    /// If there is no such preset.
    pub fn preset(name: &str) -> Result<Params, ParamsError> {
        // name, lambda, l, rho, eta, gamma, theta, B, published bits
        let (lambda, side, rho, eta, gamma, theta, box_size, published_bits) = match name {
            "test" => (8, 2, 8, 256, 6_000, 3, 4, None),
            "toy" => (42, 3, 26, 1_040, 157_000, 15, 9, Some(42)),
            "small" => (52, 6, 41, 1_600, 901_000, 15, 36, Some(52)),
            "medium" => (62, 12, 56, 2_160, 4_563_000, 15, 144, Some(62)),
            "large" => (72, 23, 71, 2_720, 21_015_000, 15, 529, Some(72)),
            _ => return Err(ParamsError::UnknownPreset { name: name.to_owned() }),
        };
        Params::new(Literal {
            name: name.to_owned(),
            lambda,
            side,
            rho,
            eta,
            gamma,
            theta,
            box_size,
            modulus: ModulusKind::Fold,
            cofactor: CofactorKind::SmallFactorFree,
            published_bits,
        })
    }

    /// All presets, smallest first.
    pub fn all() -> Vec<Params> {
        Self::NAMES.iter().map(|name| Params::preset(name).expect("presets meet the constraints")).collect()
    }

    /// The same set with another form of the public modulus.
    ///
    /// # Errors
    /// If the two kinds do not go together.
    pub fn with_modulus(&self, modulus: ModulusKind, cofactor: CofactorKind) -> Result<Params, ParamsError> {
        Params::new(Literal { modulus, cofactor, ..self.literal.clone() })
    }

    /// Validates the chosen numbers and derives the others (`scheme.md` 2.6).
    ///
    /// # Errors
    /// If a constraint does not hold.
    pub fn new(literal: Literal) -> Result<Params, ParamsError> {
        check_ranges(&literal)?;
        let slots = literal.side * literal.side;
        let n = (literal.theta + 1).ilog2();
        let rho_prime = (literal.rho + literal.lambda)
            .max(2 * literal.rho + ceil_log2(u64::from(literal.side) * u64::from(literal.side)) + 7);
        // Leftover hash over the noises of the third set, then over the modulus.
        let products = u64::from(slots) * u64::from(rho_prime + 2) + u64::from(literal.lambda);
        let beta = ceil_sqrt(products);
        let bits = u64::from(literal.gamma) + u64::from(literal.lambda);
        let alpha = u32::try_from(bits.div_ceil(u64::from(beta) * u64::from(beta))).unwrap_or(u32::MAX);
        let alpha_prime = alpha.saturating_add(literal.lambda);
        let params = Params { literal, slots, n, rho_prime, beta, alpha, alpha_prime };
        params.check_derived()?;
        Ok(params)
    }

    fn check_derived(&self) -> Result<(), ParamsError> {
        let p = &self.literal;
        let fresh = u64::from(self.alpha_prime) + u64::from(self.rho_prime) + u64::from(self.n) + 5;
        self.require(
            "eta >= alpha' + rho' + n + 5, so that fresh ciphertexts can be refreshed,",
            p.eta,
            fresh,
        )?;
        let plain = u64::from(self.alpha_prime)
            + u64::from(self.rho_prime)
            + 1
            + u64::from(ceil_log2(self.slots.into()));
        self.require("eta >= alpha' + rho' + 1 + log2 L, so that fresh ciphertexts decrypt,", p.eta, plain)?;
        self.require("B >= L, so that every slot has a hint of its own,", p.box_size, self.slots.into())?;
        let level = 2 * (1_u64 << self.n) * u64::from(p.rho + 1) + u64::from(self.n) + 3;
        self.require(
            "eta >= 2^(n+1) (rho + 1) + n + 3, so that one product fits between refreshes,",
            p.eta,
            level,
        )?;
        let primes = 2 * u64::from(self.slots) * u64::from(p.eta) + 4 * u64::from(p.lambda) + 64;
        self.require("gamma >= 2 L eta + 4 lambda + 64, so that the cofactor stays large,", p.gamma, primes)?;
        if p.cofactor == CofactorKind::Rough {
            let rough =
                u64::from(self.slots) * u64::from(p.eta) + 2 * u64::from(p.lambda) * u64::from(p.lambda);
            self.require(
                "gamma >= L eta + 2 lambda^2, so that the cofactor has rough factors,",
                p.gamma,
                rough,
            )?;
        }
        Ok(())
    }

    fn require(&self, rule: &'static str, found: u32, needed: u64) -> Result<(), ParamsError> {
        if u64::from(found) >= needed {
            return Ok(());
        }
        Err(violated(&self.literal, rule, format!("at least {needed}"), found.to_string()))
    }

    /// The chosen numbers.
    pub fn literal(&self) -> &Literal {
        &self.literal
    }

    /// Name of the set.
    pub fn name(&self) -> &str {
        &self.literal.name
    }

    /// Security parameter lambda.
    pub fn lambda(&self) -> u32 {
        self.literal.lambda
    }

    /// Side `l` of the plaintext matrix.
    pub fn side(&self) -> usize {
        self.literal.side as usize
    }

    /// Slots `L = l^2` of a ciphertext.
    pub fn slots(&self) -> usize {
        self.slots as usize
    }

    /// Bits of the noise in key elements.
    pub fn rho(&self) -> u32 {
        self.literal.rho
    }

    /// Bits of each secret prime.
    pub fn eta(&self) -> u32 {
        self.literal.eta
    }

    /// Bits of the public modulus.
    pub fn gamma(&self) -> u32 {
        self.literal.gamma
    }

    /// Hamming weight of a squashed key: the number of boxes.
    pub fn theta(&self) -> usize {
        self.literal.theta as usize
    }

    /// Hints per box, `B`.
    pub fn box_size(&self) -> usize {
        self.literal.box_size as usize
    }

    /// Number of hints, `Theta = theta B`.
    pub fn hints(&self) -> usize {
        self.theta() * self.box_size()
    }

    /// Fraction bits kept of each hint's product, `n = log2(theta + 1)`.
    pub fn n(&self) -> u32 {
        self.n
    }

    /// Secondary noise bits rho': the larger of `rho + lambda` and `2 rho + 2 log2 l + 7` (`scheme.md` 1.2(6)).
    pub fn rho_prime(&self) -> u32 {
        self.rho_prime
    }

    /// Noise bits of the first set's elements, so that their products have rho' bits.
    pub fn rho_first(&self) -> u32 {
        self.rho_prime.div_ceil(2)
    }

    /// The split `h + h' = rho' + 1` of the third set.
    pub fn multiples(&self) -> (u32, u32) {
        let h = self.rho_prime.div_ceil(2);
        (h, self.rho_prime + 1 - h)
    }

    /// Residues of key elements are below 2 to this in magnitude: twice a noise, and a bit or a large multiple.
    pub(super) fn residue_bits(&self) -> u32 {
        let (h, h_prime) = self.multiples();
        (self.rho().max(self.rho_first()) + 2).max(h.max(h_prime) + 1)
    }

    /// Elements per half of the first set: the smallest with `beta^2 >= L (rho' + 2) + lambda`.
    pub fn beta(&self) -> usize {
        self.beta as usize
    }

    /// Bits of the multipliers of the first set: the smallest with `alpha beta^2 >= gamma + lambda`.
    pub fn alpha(&self) -> u32 {
        self.alpha
    }

    /// Bits of the multipliers of the third set, `alpha + lambda`.
    pub fn alpha_prime(&self) -> u32 {
        self.alpha_prime
    }

    /// Precision of the hints: `gamma + 16` rounded up so that `kappa + 1` is a multiple of 64.
    pub fn kappa(&self) -> u32 {
        64 * ((self.gamma() + 16) / 64 + 1) - 1
    }

    /// 64-bit limbs of a hint, and of a ciphertext in memory: at least 16 bits more than gamma.
    pub fn limbs(&self) -> usize {
        ((self.kappa() + 1) / 64) as usize
    }

    /// Bits of a compressed key element: `L eta + lambda + ceil(log2 L)`.
    pub fn correction_bits(&self) -> u32 {
        self.slots * self.eta() + self.lambda() + ceil_log2(self.slots.into())
    }

    /// Bytes of a ciphertext in a file: gamma bits.
    pub fn ciphertext_bytes(&self) -> usize {
        self.gamma().div_ceil(8) as usize
    }

    /// Bytes of memory that an evaluation needs at least: `live` ciphertexts, and on each thread the box sums of one
    /// refresh and the transforms of its products. More memory makes it faster: see [`crate::Plan`].
    pub fn evaluation_bytes(&self, live: u64, threads: u64) -> u64 {
        /// A transform takes six times the memory of its factor; the rest is for what is being reduced.
        const TRANSFORMS: u64 = 6 * 2 * super::refresh::SUMMED_PRODUCTS as u64 + 20;
        let box_sums = self.theta() as u64 * u64::from(self.n + 1);
        (live + threads * (box_sums + TRANSFORMS)) * self.limbs() as u64 * 8
    }

    /// Largest noise, in bits, that a refresh takes: `eta - n - 3` (`scheme.md` 2.3).
    pub fn noise_budget(&self) -> u32 {
        self.eta() - self.n - 3
    }

    /// Form of the public modulus.
    pub fn modulus(&self) -> ModulusKind {
        self.literal.modulus
    }

    /// What a user must know about the form of the public modulus.
    pub fn modulus_note(&self) -> &'static str {
        match self.modulus() {
            ModulusKind::Fold => {
                "x_0 = 2^gamma - delta with a small delta, so that reduction is cheap; not in the paper, where q_0 is random"
            }
            ModulusKind::Paper => "x_0 = q_0 pi with a random q_0, as in the paper",
        }
    }

    /// Kind of the public modulus' cofactor.
    pub fn cofactor(&self) -> CofactorKind {
        self.literal.cofactor
    }

    /// Security in bits that the published set of this size claimed.
    pub fn published_bits(&self) -> Option<u32> {
        self.literal.published_bits
    }

    /// The cheapest known attack, in bits (`scheme.md` 5.3): noise search, orthogonal lattices, or meeting in the
    /// middle on the hint. An extrapolation, good to an order of magnitude.
    pub fn estimated_bits(&self) -> f64 {
        let [noise, lattice, hint] = self.attacks();
        noise.min(lattice).min(hint)
    }

    /// Bits of work of the three attacks: noise search, orthogonal lattice, meeting in the middle.
    pub fn attacks(&self) -> [f64; 3] {
        let p = &self.literal;
        let gamma = f64::from(p.gamma);
        let slots = f64::from(self.slots);
        let noise = f64::from(p.rho) / 2.0 + gamma.log2() + 12.0 - slots.log2() / 2.0;
        let dimension = gamma / f64::from(p.eta - p.rho);
        // 277 s at 3 GHz were measured in dimension 180 with entries of 157,338 bits.
        let lattice = (277.0 * 3e9 * (dimension / 180.0).powi(2) * gamma / 157_338.0).log2();
        let hint = f64::from(p.theta - 1) / 2.0 * f64::from(p.box_size).log2();
        [noise, lattice, hint]
    }

    /// What a user must know before trusting this set.
    pub fn caveat(&self) -> &'static str {
        match self.name() {
            "test" => "no security at all: for tests only",
            "toy" => "not secure: all secret primes were recovered in 30 seconds on a laptop",
            "small" => "not secure: broken on a laptop within hours",
            "medium" => "not secure: broken by a server within weeks to months",
            "large" => "not secure: within reach of a cluster (2.5 to 80 core-years)",
            _ => "not a published set: treat it as not secure",
        }
    }
}

/// Bounds that keep all later arithmetic on sizes in range, and the relations between the chosen numbers alone.
fn check_ranges(p: &Literal) -> Result<(), ParamsError> {
    let bounds = [
        ("lambda", p.lambda, 1, 256),
        ("l", p.side, 1, 64),
        ("rho", p.rho, 2, 1 << 12),
        ("eta", p.eta, 64, 1 << 16),
        ("gamma", p.gamma, 256, 1 << 28),
        ("theta", p.theta, 3, 63),
        ("B", p.box_size, 1, 1 << 14),
    ];
    for (rule, value, low, high) in bounds {
        if !(low..=high).contains(&value) {
            return Err(violated(p, rule, format!("a value from {low} to {high}"), value.to_string()));
        }
    }
    if !(p.theta + 1).is_power_of_two() {
        return Err(violated(p, "theta", "2^n - 1 for a whole n".to_owned(), p.theta.to_string()));
    }
    if p.name.is_empty() || p.name.len() > 64 || !p.name.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(violated(
            p,
            "the name",
            "1 to 64 printable characters".to_owned(),
            format!("{:?}", p.name),
        ));
    }
    if p.cofactor == CofactorKind::Rough && p.modulus == ModulusKind::Fold {
        let needed = "the modulus kind paper (a folding modulus fixes the top bits of q_0)".to_owned();
        return Err(violated(p, "a rough q_0", needed, "fold".to_owned()));
    }
    Ok(())
}

fn violated(p: &Literal, rule: &'static str, needed: String, found: String) -> ParamsError {
    ParamsError::Violated { set: p.name.clone(), rule, needed, found }
}

/// Smallest `k` with `2^k >= value`, for `value >= 1`.
fn ceil_log2(value: u64) -> u32 {
    u64::BITS - (value - 1).leading_zeros()
}

/// Smallest `root` with `root^2 >= value`.
fn ceil_sqrt(value: u64) -> u32 {
    let floor = value.isqrt();
    u32::try_from(floor + u64::from(floor * floor < value)).expect("the square root of 64 bits has 32")
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn presets_have_the_sizes_of_the_recommended_column() {
        let sizes: Vec<_> = Params::all()
            .iter()
            .map(|p| (p.slots(), p.rho_prime(), p.beta(), p.alpha(), p.hints(), p.n()))
            .collect();
        // rho', beta, alpha: scheme.md 1.2(6) and 5.1, the latter for the slightly larger gamma of 11.1.
        let expected = [
            (4, 25, 11, 50, 12, 2),
            (9, 68, 26, 233, 135, 4),
            (36, 95, 60, 251, 540, 4),
            (144, 127, 137, 244, 2160, 4),
            (529, 159, 292, 247, 7935, 4),
        ];
        assert_eq!(sizes, expected);
    }

    #[test]
    fn derived_sizes_meet_both_leftover_hash_constraints_tightly() {
        for p in Params::all() {
            let products = (p.beta() * p.beta()) as u64;
            let second = p.slots() as u64 * u64::from(p.rho_prime() + 2) + u64::from(p.lambda());
            assert!(products >= second && ((p.beta() - 1) * (p.beta() - 1)) as u64 > 0);
            assert!(((p.beta() - 1) * (p.beta() - 1)) < second as usize);
            let first = u64::from(p.gamma() + p.lambda());
            assert!(u64::from(p.alpha()) * products >= first);
            assert!(u64::from(p.alpha() - 1) * products < first);
            assert!(p.kappa() >= p.gamma() + p.n() + 4);
            assert_eq!((p.kappa() + 1) % 64, 0);
        }
    }

    #[test]
    fn estimates_say_that_no_preset_is_secure() {
        let bits: Vec<u32> = Params::all().iter().map(|p| p.estimated_bits().round() as u32).collect();
        assert_eq!(bits, [2, 22, 36, 50, 58]);
    }

    fn toy() -> Literal {
        Params::preset("toy").unwrap().literal().clone()
    }

    #[test]
    fn violated_constraints_are_named_with_numbers() {
        let cases = [
            (Literal { eta: 300, ..toy() }, "at least 352"),
            (Literal { eta: 800, rho: 26, ..toy() }, "at least 871"),
            (Literal { box_size: 8, ..toy() }, "at least 9"),
            (Literal { theta: 14, ..toy() }, "2^n - 1"),
            (Literal { side: 0, ..toy() }, "from 1 to 64"),
            (Literal { gamma: 18_000, ..toy() }, "at least 18952"),
            (Literal { cofactor: CofactorKind::Rough, ..toy() }, "modulus kind paper"),
        ];
        for (literal, expected) in cases {
            let message = Params::new(literal).unwrap_err().to_string();
            assert!(message.contains(expected), "{message}");
        }
        assert!(Params::preset("huge").unwrap_err().to_string().contains("medium"));
    }
}
