//! The compiler's circuits against `rustc_apfloat`, Rust's port of LLVM's software floating point, which shares nothing
//! with this project: results and exceptions, all five rounding directions, the usual widths and odd ones.
//!
//! Plain `cargo test` takes a deterministic sample; the full run is
//! `FFHEC_FULL=1 cargo test --release -p ffhec-compiler --test oracle -- --nocapture`.

#![allow(clippy::unwrap_used, clippy::wildcard_enum_match_arm, reason = "tests")]
#![allow(clippy::disallowed_methods, reason = "tests read the environment; the compiler does not")]

use ffhec_circuit::{Circuit, Plain, evaluate};
use ffhec_compiler::float::fir::{Column, Graph, Node, Op, Value};
use ffhec_compiler::float::lower::lower_with;
use ffhec_compiler::gadgets::format::{Rounding, Scalar};
use rustc_apfloat::ieee::{
    BFloatS, DoubleS, Float8E4M3FNS, Float8E5M2S, HalfS, IeeeFloat, Semantics, SingleS,
};
use rustc_apfloat::{Float as _, FloatConvert as _, Round, Status, StatusAnd};

struct OddS;
impl Semantics for OddS {
    const BITS: usize = 12;
    const EXP_BITS: usize = 5;
}

struct WideS;
impl Semantics for WideS {
    const BITS: usize = 36;
    const EXP_BITS: usize = 11;
}

/// `ieee<4, 4>`.
struct SmallS;
impl Semantics for SmallS {
    const BITS: usize = 8;
    const EXP_BITS: usize = 4;
}

/// Random and boundary rows of each operation, format and direction.
fn rows_wanted() -> usize {
    if std::env::var_os("FFHEC_FULL").is_some() { 1_000_000 } else { 1_500 }
}

const DIRECTIONS: [(Rounding, Round); 5] = [
    (Rounding::NearestEven, Round::NearestTiesToEven),
    (Rounding::NearestAway, Round::NearestTiesToAway),
    (Rounding::TowardZero, Round::TowardZero),
    (Rounding::Up, Round::TowardPositive),
    (Rounding::Down, Round::TowardNegative),
];

struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn wide(&mut self) -> u128 {
        u128::from(self.next()) << 64 | u128::from(self.next())
    }

    /// Uniform, or with an edge in exponent or fraction, or with an exponent near the one before.
    fn encoding(&mut self, exponent: u32, fraction: u32, before: Option<u128>) -> u128 {
        let width = exponent + fraction + 1;
        let (fields, places) = ((1_u128 << exponent) - 1, (1_u128 << fraction) - 1);
        let bits = self.wide() & (u128::MAX >> (128 - width));
        let sign = bits >> (width - 1) << (width - 1);
        let (mut field, mut low) = (bits >> fraction & fields, bits & places);
        match self.next() % 8 {
            0 => field = [0, 1, fields - 1, fields, fields >> 1][usize::try_from(self.next() % 5).unwrap()],
            1..=4 => {
                if let Some(before) = before {
                    let spread = u64::from(fraction) + 4;
                    let near = (before >> fraction & fields) + u128::from(self.next() % (2 * spread));
                    field = near.saturating_sub(spread.into()).min(fields);
                }
            }
            5 => {
                // Products and quotients near the ends of the range.
                if let Some(before) = before {
                    let mirrored = (fields >> 1) + 2 + u128::from(self.next() % u64::from(fraction + 6));
                    field = mirrored.saturating_sub(before >> fraction & fields).min(fields);
                }
            }
            _ => {}
        }
        match self.next() % 8 {
            0 => {
                low = [0, 1, places, places - 1, places ^ (places >> 1)]
                    [usize::try_from(self.next() % 5).unwrap()]
            }
            1 => low = 1 << (self.next() % u64::from(fraction)),
            2 => low = places ^ 1 << (self.next() % u64::from(fraction)),
            _ => {}
        }
        sign | field << fraction | low
    }
}

/// One operation with its status word.
struct Bench {
    circuit: Circuit,
    types: Vec<Scalar>,
    width: usize,
}

impl Bench {
    fn new(op: &Op, ty: Scalar, types: &[Scalar]) -> Bench {
        let mut graph = Graph { functions: vec!["main".to_owned()], ..Graph::default() };
        for (index, &ty) in types.iter().enumerate() {
            graph.inputs.push(Column { name: format!("x{index}"), ty, range: None });
            let op = Op::Input(u32::try_from(index).unwrap());
            graph.nodes.push(Node { op, operands: vec![], ty, origin: 0 });
        }
        let count = u32::try_from(types.len()).unwrap();
        let operands = (0..count).map(Value).collect();
        graph.nodes.push(Node { op: op.clone(), operands, ty, origin: 0 });
        graph.outputs.push((Column { name: "result".to_owned(), ty, range: None }, Value(count)));
        let circuit = lower_with(&graph, 10_000_000, true).unwrap();
        Bench { circuit, types: types.to_vec(), width: ty.width() as usize }
    }

    /// Results and status words (invalid, division by zero, overflow, underflow, inexact from the lowest bit).
    fn run(&self, rows: &[Vec<u128>]) -> Vec<(u128, u8)> {
        let mut inputs = Vec::new();
        for (index, ty) in self.types.iter().enumerate() {
            for bit in 0..ty.width() {
                let lanes = rows.iter().enumerate();
                inputs.push(lanes.fold(0_u64, |word, (lane, row)| {
                    word | u64::try_from(row[index] >> bit & 1).unwrap() << lane
                }));
            }
        }
        let out = evaluate(&self.circuit, &Plain, &inputs);
        let word = |bits: &[u64], lane: usize| {
            let bits = bits.iter().enumerate();
            bits.fold(0_u128, |word, (bit, value)| word | u128::from(value >> lane & 1) << bit)
        };
        let (value, flags) = out.split_at(self.width);
        let results = (0..rows.len()).map(|lane| (word(value, lane), word(flags, lane)));
        results.map(|(value, flags)| (value, u8::try_from(flags).unwrap())).collect()
    }
}

fn flags_of(status: Status) -> u8 {
    let all = [Status::INVALID_OP, Status::DIV_BY_ZERO, Status::OVERFLOW, Status::UNDERFLOW, Status::INEXACT];
    all.iter().enumerate().map(|(bit, flag)| u8::from(status.contains(*flag)) << bit).sum()
}

/// The square root by integers: apfloat has none.
fn root<S: Semantics>(x: IeeeFloat<S>, round: Round) -> StatusAnd<IeeeFloat<S>> {
    if x.is_nan() || x.is_zero() || (x.is_infinite() && !x.is_negative()) {
        return Status::OK.and(x);
    }
    if x.is_negative() {
        return Status::INVALID_OP.and(IeeeFloat::NAN);
    }
    let (precision, fraction) = (S::PRECISION as i32, S::PRECISION as u32 - 1);
    let bits = x.to_bits();
    let field = i32::try_from(bits >> fraction).unwrap();
    let mut significand = bits & ((1 << fraction) - 1);
    if field > 0 {
        significand |= 1 << fraction;
    }
    let mut exponent = field.max(1) - (1 << (S::EXP_BITS - 1)) + 1 - (precision - 1);
    // Enough places for the precision and two more bits, and an even exponent.
    let places = 2 * precision + 4;
    let mut shift = places - (128 - i32::try_from(significand.leading_zeros()).unwrap());
    shift += (exponent - shift) & 1;
    significand <<= shift;
    exponent -= shift;
    let (root, exponent) = (significand.isqrt(), exponent / 2);
    let inexact = root * root != significand;
    let extra = 128 - root.leading_zeros() - u32::try_from(precision).unwrap();
    let (kept, rest) = (root >> extra, root & ((1 << extra) - 1));
    let half = 1 << (extra - 1);
    let some = rest != 0 || inexact;
    let above = rest > half || (rest == half && inexact);
    let up = match round {
        Round::NearestTiesToEven => above || (rest == half && kept & 1 == 1),
        Round::NearestTiesToAway => rest >= half,
        Round::TowardPositive => some,
        Round::TowardZero | Round::TowardNegative => false,
    };
    let field = exponent + i32::try_from(extra).unwrap() + precision - 1 + (1 << (S::EXP_BITS - 1)) - 1;
    let encoded = (u128::try_from(field - 1).unwrap() << fraction) + kept + u128::from(up);
    let status = if some { Status::INEXACT } else { Status::OK };
    status.and(IeeeFloat::from_bits(encoded))
}

fn ordered(holds: bool, nan: bool) -> (u128, u8, bool) {
    (u128::from(holds), u8::from(nan), false)
}

/// The expected result, flags, and whether the result is a float.
fn expected<S: Semantics>(op: &Op, round: Round, row: &[u128]) -> (u128, u8, bool) {
    let x: Vec<IeeeFloat<S>> = row.iter().map(|&bits| IeeeFloat::from_bits(bits)).collect();
    let nan = x.iter().any(|x| x.is_nan());
    let number = |pick: fn(IeeeFloat<S>, IeeeFloat<S>) -> IeeeFloat<S>| match (x[0].is_nan(), x[1].is_nan()) {
        (true, _) => x[1],
        (_, true) => x[0],
        _ => pick(x[0], x[1]),
    };
    let result = match op {
        Op::Add => x[0].add_r(x[1], round),
        Op::Sub => x[0].sub_r(x[1], round),
        Op::Mul => x[0].mul_r(x[1], round),
        Op::Div => x[0].div_r(x[1], round),
        Op::Fma => x[0].mul_add_r(x[1], x[2], round),
        Op::Rem => x[0].c_fmod(x[1]),
        Op::Remainder => x[0].ieee_rem(x[1]),
        Op::Sqrt => root(x[0], round),
        // Rounding to a whole number raises nothing.
        Op::Floor => Status::OK.and(x[0].round_to_integral(Round::TowardNegative).value),
        Op::Ceil => Status::OK.and(x[0].round_to_integral(Round::TowardPositive).value),
        Op::Trunc => Status::OK.and(x[0].round_to_integral(Round::TowardZero).value),
        Op::Round => Status::OK.and(x[0].round_to_integral(Round::NearestTiesToAway).value),
        Op::RoundEven => Status::OK.and(x[0].round_to_integral(Round::NearestTiesToEven).value),
        Op::Min => Status::OK.and(number(IeeeFloat::minimum)),
        Op::Max => Status::OK.and(number(IeeeFloat::maximum)),
        Op::Minimum => Status::OK.and(x[0].minimum(x[1])),
        Op::Maximum => Status::OK.and(x[0].maximum(x[1])),
        Op::Lt => return ordered(x[0] < x[1], nan),
        Op::Le => return ordered(x[0] <= x[1], nan),
        Op::Eq => return ordered(x[0] == x[1], false),
        Op::IsSubnormal => return ordered(x[0].is_denormal(), false),
        Op::IsNormal => return ordered(x[0].is_normal(), false),
        Op::IsZero => return ordered(x[0].is_zero(), false),
        other => panic!("no oracle for {other:?}"),
    };
    (result.value.to_bits(), flags_of(result.status), true)
}

const OVERFLOW: u8 = 4;
const UNDERFLOW: u8 = 8;

/// Whether the flags agree. Apfloat says that a result underflows if it is subnormal when delivered, IEEE-754 (after
/// rounding) if it would be with one bit more; they may differ where the smallest normal value is delivered. And it keeps an
/// overflow that gives the largest finite value to itself.
fn same_flags<S: Semantics>(found: u8, wanted: u8, result: u128) -> bool {
    let smallest = IeeeFloat::<S>::smallest_normalized().to_bits();
    let magnitude = result & !(1 << (S::BITS - 1));
    let largest = IeeeFloat::<S>::largest().to_bits();
    found == wanted
        || (magnitude == smallest && found & !UNDERFLOW == wanted & !UNDERFLOW)
        || (magnitude == largest && found & !OVERFLOW == wanted)
}

fn check_rows<S: Semantics>(op: &Op, name: &str, round: Round, bench: &Bench, rows: &[Vec<u128>]) {
    let signaling = |row: &[u128]| row.iter().any(|&bits| IeeeFloat::<S>::from_bits(bits).is_signaling());
    for (row, (found, flags)) in rows.iter().zip(bench.run(rows)) {
        let (wanted, wanted_flags, float) = expected::<S>(op, round, row);
        let nan = |bits: u128| float && IeeeFloat::<S>::from_bits(bits).is_nan();
        assert!(
            found == wanted || (nan(found) && nan(wanted)),
            "{op:?} {name} {row:x?}: {found:x}, not {wanted:x}"
        );
        assert!(
            signaling(row) || same_flags::<S>(flags, wanted_flags, found),
            "{op:?} {name} {row:x?} gave {found:x}: flags {flags:05b}, not {wanted_flags:05b}"
        );
    }
}

const BINARY: [Op; 13] = [
    Op::Add,
    Op::Sub,
    Op::Mul,
    Op::Div,
    Op::Lt,
    Op::Le,
    Op::Eq,
    Op::Min,
    Op::Max,
    Op::Minimum,
    Op::Maximum,
    Op::Rem,
    Op::Remainder,
];
const UNARY: [Op; 9] = [
    Op::Sqrt,
    Op::Floor,
    Op::Ceil,
    Op::Trunc,
    Op::Round,
    Op::RoundEven,
    Op::IsSubnormal,
    Op::IsNormal,
    Op::IsZero,
];

/// Whether the direction changes what an operation does.
fn rounds(op: &Op) -> bool {
    matches!(op, Op::Add | Op::Sub | Op::Mul | Op::Div | Op::Fma | Op::Sqrt)
}

/// All operations of one format. Up to `exhaustive` bits of operands, all rows.
fn format<S: Semantics>(name: impl Fn(Rounding) -> Option<String>, exhaustive: u32) {
    let mut checked = 0_usize;
    let mut last = String::new();
    for (rounding, round) in DIRECTIONS {
        let Some(name) = name(rounding) else { continue };
        let ty = Scalar::parse(&name).unwrap();
        for op in BINARY.iter().chain(&UNARY).chain(&[Op::Fma]) {
            if rounding != Rounding::NearestEven && !rounds(op) {
                continue;
            }
            let operands = if *op == Op::Fma { 3 } else { 1 + usize::from(BINARY.contains(op)) };
            // The remainders of wide exponents are long divisions.
            if matches!(op, Op::Rem | Op::Remainder) && S::EXP_BITS > 8 {
                continue;
            }
            let result = match op {
                Op::Lt | Op::Le | Op::Eq | Op::IsSubnormal | Op::IsNormal | Op::IsZero => Scalar::Bool,
                _ => ty,
            };
            let bench = Bench::new(op, result, &vec![ty; operands]);
            let bits = u32::try_from(S::BITS * operands).unwrap();
            let count = if bits <= exhaustive { 1 << bits } else { rows_wanted() };
            let mut random = Random(0x2545_f491_4f6c_dd1d);
            let mut at = 0_usize;
            while at < count {
                let rows: Vec<Vec<u128>> = (at..(at + 64).min(count))
                    .map(|index| {
                        if bits <= exhaustive {
                            let mask = (1_usize << S::BITS) - 1;
                            return (0..operands)
                                .map(|operand| (index >> (operand * S::BITS) & mask) as u128)
                                .collect();
                        }
                        let mut row: Vec<u128> = Vec::new();
                        for _ in 0..operands {
                            let fraction = u32::try_from(S::PRECISION - 1).unwrap();
                            let exponent = u32::try_from(S::EXP_BITS).unwrap();
                            row.push(random.encoding(exponent, fraction, row.last().copied()));
                        }
                        row
                    })
                    .collect();
                check_rows::<S>(op, &name, round, &bench, &rows);
                at += rows.len();
            }
            checked += count;
        }
        last = name;
    }
    println!("{checked} rows of formats like {last} agree");
}

fn ieee(exponent: u32, precision: u32) -> impl Fn(Rounding) -> Option<String> {
    move |rounding| Some(format!("ieee<{exponent}, {precision}, {}>", rounding.name()))
}

#[test]
fn eight_bit_formats_agree_on_all_pairs() {
    format::<Float8E5M2S>(ieee(5, 3), 16);
    format::<SmallS>(ieee(4, 4), 16);
}

#[test]
fn ocp_e4m3_agrees_on_all_pairs() {
    format::<Float8E4M3FNS>(|rounding| (rounding == Rounding::NearestEven).then(|| "f8e4m3".to_owned()), 16);
}

#[test]
fn sixteen_bit_formats_agree_and_on_all_operands_of_one() {
    format::<HalfS>(ieee(5, 11), 16);
    format::<BFloatS>(ieee(8, 8), 16);
}

#[test]
fn wide_formats_agree() {
    format::<SingleS>(ieee(8, 24), 16);
    format::<DoubleS>(ieee(11, 53), 16);
}

#[test]
fn odd_widths_agree() {
    format::<OddS>(ieee(5, 7), 16);
    format::<WideS>(ieee(11, 25), 16);
}

/// Conversions from one format to another, and to integers.
fn conversions<S: Semantics, T: Semantics>(from: &str, to: (u32, u32))
where
    IeeeFloat<S>: rustc_apfloat::FloatConvert<IeeeFloat<T>>,
{
    let source = Scalar::parse(from).unwrap();
    let exhaustive = S::BITS <= 16;
    let rows: Vec<Vec<u128>> = if exhaustive {
        (0..1_u128 << S::BITS).map(|bits| vec![bits]).collect()
    } else {
        let mut random = Random(99);
        let (exponent, fraction) =
            (u32::try_from(S::EXP_BITS).unwrap(), u32::try_from(S::PRECISION - 1).unwrap());
        let middle = ((1_u128 << (exponent - 1)) - 1) << fraction;
        (0..rows_wanted()).map(|_| vec![random.encoding(exponent, fraction, Some(middle))]).collect()
    };
    for (rounding, round) in DIRECTIONS {
        let target = Scalar::parse(&format!("ieee<{}, {}, {}>", to.0, to.1, rounding.name())).unwrap();
        if target == source {
            continue;
        }
        let bench = Bench::new(&Op::Convert, target, &[source]);
        for chunk in rows.chunks(64) {
            for (row, (found, flags)) in chunk.iter().zip(bench.run(chunk)) {
                let x = IeeeFloat::<S>::from_bits(row[0]);
                let wanted: StatusAnd<IeeeFloat<T>> = x.convert_r(round, &mut false);
                let nan = IeeeFloat::<T>::from_bits(found).is_nan() && wanted.value.is_nan();
                let bits = wanted.value.to_bits();
                assert!(nan || found == bits, "{from} {target} {row:x?}: {found:x}, not {bits:x}");
                let status = flags_of(wanted.status);
                assert!(
                    x.is_signaling() || same_flags::<T>(flags, status, found),
                    "{from} {target} {row:x?}: flags {flags:05b}, not {status:05b}"
                );
            }
        }
    }
    for (name, width, signed) in
        [("int<8>", 8, true), ("uint<8>", 8, false), ("int<33>", 33, true), ("uint<64>", 64, false)]
    {
        let bench = Bench::new(&Op::Convert, Scalar::parse(name).unwrap(), &[source]);
        for chunk in rows.chunks(64) {
            for (row, (found, flags)) in chunk.iter().zip(bench.run(chunk)) {
                let x = IeeeFloat::<S>::from_bits(row[0]);
                let mask = u128::MAX >> (128 - width);
                let (status, value) = if signed {
                    let whole = x.to_i128_r(width, Round::TowardZero, &mut false);
                    (whole.status, u128::from_ne_bytes(whole.value.to_ne_bytes()) & mask)
                } else {
                    let whole = x.to_u128_r(width, Round::TowardZero, &mut false);
                    (whole.status, whole.value & mask)
                };
                let value = if x.is_nan() { 0 } else { value };
                assert_eq!(found, value, "{from} {name} {row:x?}");
                assert_eq!(flags, flags_of(status), "{from} {name} {row:x?} flags");
            }
        }
    }
    println!("{} rows of {from} to ieee<{}, {}> and integers agree", rows.len(), to.0, to.1);
}

/// Conversions of integers to a format, in all directions.
fn from_integers<T: Semantics>(to: (u32, u32)) {
    for (name, width, signed) in [
        ("int<8>", 8, true),
        ("uint<16>", 16, false),
        ("int<33>", 33, true),
        ("uint<64>", 64, false),
        ("int<64>", 64, true),
    ] {
        let source = Scalar::parse(name).unwrap();
        let mut random = Random(31);
        let all = width <= 16;
        let count = if all { 1 << width } else { rows_wanted() };
        let rows: Vec<Vec<u128>> = (0..count)
            .map(|index| {
                if all {
                    return vec![index as u128];
                }
                // Of any length, and with runs of ones that round up to the next power of two.
                let bits = random.wide() & (u128::MAX >> (128 - width));
                let shifted = bits >> (random.next() % width);
                vec![if random.next().is_multiple_of(4) {
                    bits ^ (u128::MAX >> (128 - width)) ^ shifted
                } else {
                    shifted
                }]
            })
            .collect();
        for (rounding, round) in DIRECTIONS {
            let target = Scalar::parse(&format!("ieee<{}, {}, {}>", to.0, to.1, rounding.name())).unwrap();
            let bench = Bench::new(&Op::Convert, target, &[source]);
            for chunk in rows.chunks(64) {
                for (row, (found, _)) in chunk.iter().zip(bench.run(chunk)) {
                    let wanted: StatusAnd<IeeeFloat<T>> = if signed {
                        let unused = 128 - width;
                        IeeeFloat::from_i128_r(
                            i128::from_ne_bytes((row[0] << unused).to_ne_bytes()) >> unused,
                            round,
                        )
                    } else {
                        IeeeFloat::from_u128_r(row[0], round)
                    };
                    let bits = wanted.value.to_bits();
                    assert_eq!(found, bits, "{name} {target} {row:x?}");
                }
            }
        }
    }
}

#[test]
fn conversions_of_integers_agree() {
    from_integers::<HalfS>((5, 11));
    from_integers::<BFloatS>((8, 8));
    from_integers::<SingleS>((8, 24));
    from_integers::<DoubleS>((11, 53));
    from_integers::<Float8E5M2S>((5, 3));
    from_integers::<OddS>((5, 7));
    from_integers::<WideS>((11, 25));
}

#[test]
fn conversions_agree() {
    conversions::<HalfS, SingleS>("f16", (8, 24));
    conversions::<HalfS, BFloatS>("f16", (8, 8));
    conversions::<HalfS, Float8E5M2S>("f16", (5, 3));
    conversions::<BFloatS, HalfS>("bf16", (5, 11));
    conversions::<SingleS, HalfS>("f32", (5, 11));
    conversions::<SingleS, OddS>("f32", (5, 7));
    conversions::<DoubleS, SingleS>("f64", (8, 24));
    conversions::<DoubleS, WideS>("f64", (11, 25));
    conversions::<WideS, HalfS>("ieee<11, 25>", (5, 11));
    conversions::<OddS, SmallS>("ieee<5, 7>", (4, 4));
}

/// Laws that need no reference at all.
#[test]
fn circuits_obey_the_laws_of_floats() {
    for name in ["f16", "bf16", "f32", "ieee<5, 7, up>", "float<5, 11>", "float<8, 24>"] {
        let ty = Scalar::parse(name).unwrap();
        let format = ty.as_float().unwrap();
        let binary = |op: Op| Bench::new(&op, ty, &[ty, ty]);
        let (add, sub, mul) = (binary(Op::Add), binary(Op::Sub), binary(Op::Mul));
        let scale = Bench::new(&Op::Scale2, ty, &[ty, Scalar::Int(4)]);
        let less = Bench::new(&Op::Le, Scalar::Bool, &[ty, ty]);
        let (exponent, fraction) = (format.exponent_bits, format.fraction_bits());
        let mut random = Random(5);
        for _ in 0..rows_wanted() / 50 {
            let rows: Vec<Vec<u128>> = (0..64)
                .map(|_| {
                    let x = random.encoding(exponent, fraction, None);
                    vec![x, random.encoding(exponent, fraction, Some(x))]
                })
                .collect();
            let swapped: Vec<Vec<u128>> = rows.iter().map(|row| vec![row[1], row[0]]).collect();
            for bench in [&add, &mul] {
                let (one, other) = (bench.run(&rows), bench.run(&swapped));
                assert!(one == other, "{name} commutes: {rows:x?}");
            }
            // x - x is zero, and raises nothing, for finite x.
            let same: Vec<Vec<u128>> = rows.iter().map(|row| vec![row[0], row[0]]).collect();
            let finite = |bits: u128| {
                format.infinity().is_none_or(|infinity| {
                    bits & !(1 << (exponent + fraction)) < u128::try_from(infinity).unwrap()
                })
            };
            for (row, (found, flags)) in same.iter().zip(sub.run(&same)) {
                let magnitude = found & !(1 << (exponent + fraction));
                assert!(
                    !finite(row[0]) || (magnitude == 0 && flags == 0),
                    "{name} {row:x?} - itself: {found:x}"
                );
            }
            // x * 2^k is scale2(x, k).
            for k in [-3_i64, 2] {
                let power =
                    u128::try_from(i64::from(i32::try_from(format.bias()).unwrap()) + k).unwrap() << fraction;
                let by_product: Vec<Vec<u128>> = rows.iter().map(|row| vec![row[0], power]).collect();
                let nibble = u128::from(k.to_ne_bytes()[0] & 15);
                let by_scale: Vec<Vec<u128>> = rows.iter().map(|row| vec![row[0], nibble]).collect();
                assert!(mul.run(&by_product) == scale.run(&by_scale), "{name} scaled by 2^{k}: {rows:x?}");
            }
            // x <= y gives x + z <= y + z.
            let z = random.encoding(exponent, fraction, Some(rows[0][0]));
            let order = less.run(&rows);
            let plus = |index: usize| {
                let rows: Vec<Vec<u128>> = rows.iter().map(|row| vec![row[index], z]).collect();
                add.run(&rows)
            };
            let sums: Vec<Vec<u128>> =
                plus(0).into_iter().zip(plus(1)).map(|((a, _), (b, _))| vec![a, b]).collect();
            for ((row, before), after) in rows.iter().zip(&order).zip(less.run(&sums)) {
                let invalid = before.1 & 1 == 1 || after.1 & 1 == 1;
                assert!(invalid || before.0 <= after.0, "{name} {row:x?} + {z:x} keeps order");
            }
        }
    }
}
