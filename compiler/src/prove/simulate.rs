//! Evaluates two circuits side by side on many rows: compares their outputs and remembers a fingerprint of each wire.

use ffhec_circuit::{Circuit, Difference, Gate, splitmix64};

/// Inputs up to which all rows are tried elsewhere.
pub(super) const FEW: usize = 16;

/// 64-row words that are evaluated together.
const WORDS: usize = 4;

/// Values of a wire on the rows of a block, one bit a row.
pub(crate) type Block = [u64; WORDS];

/// Blocks of random rows: 2^16 rows.
const RANDOM_BLOCKS: usize = 256;

/// Blocks of rows with ports of few ones, few zeros, all equal bits, or equal to another port.
const SPECIAL_BLOCKS: usize = 16;

/// What the values of a wire look like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Print {
    /// Equal for wires with equal or complementary values on all rows, and hardly ever for others.
    pub(super) hash: u64,
    /// The value on the first row: tells equal from complementary.
    pub(super) phase: bool,
}

impl Print {
    /// That of a wire that is 0 on all rows.
    pub(super) fn zero() -> Self {
        let mut print = Print::default();
        (0..RANDOM_BLOCKS + SPECIAL_BLOCKS).for_each(|block| print.add(&[0; WORDS], block == 0));
        print
    }

    fn add(&mut self, values: &Block, is_first: bool) {
        if is_first {
            self.phase = values[0] & 1 == 1;
        }
        let flip = if self.phase { u64::MAX } else { 0 };
        for &word in values {
            self.hash = (self.hash.rotate_left(23) ^ word ^ flip).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        }
    }
}

/// The prints of all wires of both circuits.
pub(super) struct Simulated {
    pub(super) before: Vec<Print>,
    pub(super) after: Vec<Print>,
    /// How many rows were tried.
    pub(super) rows: usize,
}

/// Evaluates both circuits, which have as many input and output bits.
pub(super) fn simulate(before: &Circuit, after: &Circuit, seed: u64) -> Result<Simulated, Difference> {
    let mut random = Random(seed);
    let mut one = Side::new(before);
    let mut other = Side::new(after);
    for block in 0..RANDOM_BLOCKS + SPECIAL_BLOCKS {
        let inputs = if block < RANDOM_BLOCKS { random.block(before) } else { random.special_block(before) };
        one.run(&inputs, block == 0);
        other.run(&inputs, block == 0);
        for (output, (a, b)) in before.output_wires.iter().zip(&after.output_wires).enumerate() {
            let (a, b) = (&one.values[a.index()], &other.values[b.index()]);
            if let Some(word) = (0..WORDS).find(|&word| a[word] != b[word]) {
                let row = (a[word] ^ b[word]).trailing_zeros();
                let input = inputs.iter().map(|block| (block[word] >> row) & 1 == 1);
                return Err(difference(output, input));
            }
        }
    }
    let rows = 64 * WORDS * (RANDOM_BLOCKS + SPECIAL_BLOCKS);
    Ok(Simulated { before: one.prints, after: other.prints, rows })
}

/// That `output` differs for `input`.
pub(super) fn difference(output: usize, input: impl Iterator<Item = bool>) -> Difference {
    Difference::Output { output, input: input.map(|bit| if bit { '1' } else { '0' }).collect() }
}

/// One circuit with the values of its wires on the present rows.
struct Side<'a> {
    circuit: &'a Circuit,
    values: Vec<Block>,
    prints: Vec<Print>,
}

impl<'a> Side<'a> {
    fn new(circuit: &'a Circuit) -> Self {
        let gates = circuit.gates.len();
        Side { circuit, values: vec![[0; WORDS]; gates], prints: vec![Print::default(); gates] }
    }

    fn run(&mut self, inputs: &[Block], is_first: bool) {
        for (index, gate) in self.circuit.gates.iter().enumerate() {
            let values = match *gate {
                Gate::Constant(bit) => [if bit { u64::MAX } else { 0 }; WORDS],
                Gate::Input(bit) => inputs[bit as usize],
                Gate::Not(a) => self.values[a.index()].map(|word| !word),
                Gate::Refresh(a) => self.values[a.index()],
                Gate::Xor(a, b) => self.pair(a.index(), b.index(), |a, b| a ^ b),
                Gate::And(a, b) => self.pair(a.index(), b.index(), |a, b| a & b),
            };
            self.prints[index].add(&values, is_first);
            self.values[index] = values;
        }
    }

    #[inline]
    fn pair(&self, a: usize, b: usize, of: impl Fn(u64, u64) -> u64) -> Block {
        let (a, b) = (&self.values[a], &self.values[b]);
        std::array::from_fn(|word| of(a[word], b[word]))
    }
}

/// Words of [`splitmix64`]: equal seeds give equal words.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn word(&mut self) -> u64 {
        splitmix64(&mut self.0)
    }

    pub(crate) fn block(&mut self, circuit: &Circuit) -> Vec<Block> {
        (0..circuit.input_bits()).map(|_| std::array::from_fn(|_| self.word())).collect()
    }

    /// Each row gives each port bits of one kind.
    pub(crate) fn special_block(&mut self, circuit: &Circuit) -> Vec<Block> {
        let mut block = vec![[0; WORDS]; circuit.input_bits()];
        let mut bits: Vec<bool> = vec![false; circuit.input_bits()];
        for row in 0..64 * WORDS {
            self.special_row(circuit, &mut bits);
            for (bit, values) in bits.iter().zip(&mut block) {
                values[row / 64] |= u64::from(*bit) << (row % 64);
            }
        }
        block
    }

    fn special_row(&mut self, circuit: &Circuit, bits: &mut [bool]) {
        let mut first = 0;
        for (number, port) in circuit.inputs.iter().enumerate() {
            let width = port.width as usize;
            let kind = self.word() % 8;
            // A run of equal bits within others, such as an exponent of all ones.
            let (low, high) = (self.word() as usize % (width + 1), self.word() as usize % (width + 1));
            for at in 0..width {
                let dice = self.word();
                bits[first + at] = match kind {
                    0 => false,
                    1 => true,
                    2 => dice.is_multiple_of(width as u64),
                    3 => !dice.is_multiple_of(width as u64),
                    4 if number > 0 => bits[(first + at) % first.max(1)] ^ dice.is_multiple_of(64),
                    5 => (low.min(high)..low.max(high)).contains(&at) || dice & 1 == 1,
                    6 => !(low.min(high)..low.max(high)).contains(&at) && dice & 1 == 1,
                    _ => dice & 1 == 1,
                };
            }
            first += width;
        }
    }
}
