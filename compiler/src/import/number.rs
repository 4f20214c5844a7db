//! Numbers of FPCore as numbers of `.ffl`, and the named constants.

/// A number of an FPCore program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Number {
    pub(super) negative: bool,
    /// Numerator, without sign, as `.ffl` writes it.
    pub(super) text: String,
    /// The denominator of a fraction such as `1/3`.
    pub(super) divisor: Option<String>,
}

/// The constants of FPCore 2.0 that are real numbers, to 52 digits: more than the widest format (113 bits, 35 digits)
/// needs to be rounded rightly.
pub(super) const CONSTANTS: &[(&str, &str)] = &[
    ("E", "2.718281828459045235360287471352662497757247093699960"),
    ("LOG2E", "1.442695040888963407359924681001892137426645954152986"),
    ("LOG10E", "0.4342944819032518276511289189166050822943970058036666"),
    ("LN2", "0.6931471805599453094172321214581765680755001343602553"),
    ("LN10", "2.302585092994045684017991454684364207601101488628773"),
    ("PI", "3.141592653589793238462643383279502884197169399375106"),
    ("PI_2", "1.570796326794896619231321691639751442098584699687553"),
    ("PI_4", "0.7853981633974483096156608458198757210492923498437765"),
    ("M_1_PI", "0.3183098861837906715377675267450287240689192914809129"),
    ("M_2_PI", "0.6366197723675813430755350534900574481378385829618258"),
    ("M_2_SQRTPI", "1.128379167095512573896158903121545171688101258657998"),
    ("SQRT2", "1.414213562373095048801688724209698078569671875376948"),
    ("SQRT1_2", "0.7071067811865475244008443621048490392848359376884740"),
    ("INFINITY", "(1 as Real) / 0"),
    ("NAN", "(0 as Real) / 0"),
];

/// What `.ffl` writes for the constant `name`.
pub(super) fn constant(name: &str) -> Option<&'static str> {
    CONSTANTS.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
}

/// Reads a number: decimal, fraction or hexadecimal float.
pub(super) fn parse(atom: &str) -> Option<Number> {
    let negative = atom.starts_with('-');
    let unsigned = atom.strip_prefix(['-', '+']).unwrap_or(atom);
    let number = |text: String| Some(Number { negative, text, divisor: None });
    if let Some(digits) = unsigned.strip_prefix("0x").or_else(|| unsigned.strip_prefix("0X")) {
        return hexadecimal(digits).and_then(number);
    }
    if let Some((over, under)) = unsigned.split_once('/') {
        let whole = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let fraction = whole(over) && whole(under) && under.bytes().any(|byte| byte != b'0');
        return fraction.then(|| Number { negative, text: over.to_owned(), divisor: Some(under.to_owned()) });
    }
    decimal(unsigned).and_then(number)
}

impl Number {
    /// Whether the value is 0.
    pub(super) fn is_zero(&self) -> bool {
        let mantissa = self.text.split(['e', 'E', 'p']).next().unwrap_or_default();
        !mantissa.trim_start_matches("0x").bytes().any(|byte| byte.is_ascii_hexdigit() && byte != b'0')
    }
}

/// `1`, `1.5`, `.5`, `5.`, `1e-3`.
fn decimal(text: &str) -> Option<String> {
    let (mantissa, exponent) = match text.find(['e', 'E']) {
        Some(at) => (&text[..at], Some(exponent(&text[at + 1..])?)),
        None => (text, None),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(fraction) || whole.len() + fraction.len() == 0 {
        return None;
    }
    let whole = if whole.is_empty() { "0" } else { whole };
    let point = if fraction.is_empty() { String::new() } else { format!(".{fraction}") };
    Some(format!("{whole}{point}{}", exponent.map_or(String::new(), |e| format!("e{e}"))))
}

/// The part of a hexadecimal float behind `0x`.
fn hexadecimal(text: &str) -> Option<String> {
    let (mantissa, power) = match text.find(['p', 'P']) {
        Some(at) => (&text[..at], exponent(&text[at + 1..])?),
        None => (text, "0".to_owned()),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if !digits(whole) || !digits(fraction) || whole.len() + fraction.len() == 0 {
        return None;
    }
    let whole = if whole.is_empty() { "0" } else { whole };
    let point = if fraction.is_empty() { String::new() } else { format!(".{fraction}") };
    Some(format!("0x{whole}{point}p{power}"))
}

/// A signed whole number, without a plus sign.
fn exponent(text: &str) -> Option<String> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let right = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    right.then(|| text.strip_prefix('+').unwrap_or(text).to_owned())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_every_form_are_read() {
        let text = |atom: &str| {
            let number = parse(atom)?;
            let over = number.divisor.map_or(String::new(), |under| format!(" / {under}"));
            Some(format!("{}{}{over}", if number.negative { "-" } else { "" }, number.text))
        };
        for (atom, expected) in [
            ("17", "17"),
            ("-3.5e+7", "-3.5e7"),
            (".5", "0.5"),
            ("5.", "5"),
            ("+1E-3", "1e-3"),
            ("3969/625", "3969 / 625"),
            ("-1/3", "-1 / 3"),
            ("0x1.8p+3", "0x1.8p3"),
            ("0xAp-2", "0xAp-2"),
        ] {
            assert_eq!(text(atom).as_deref(), Some(expected), "{atom}");
        }
        for wrong in ["", "-", "x", "1x", "1e", "1/0", "1/", "/2", ".", "1.2.3", "0x", "0x1p", "t*", "e5"] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
        assert!(parse("-0.0").unwrap().is_zero() && parse("0e5").unwrap().is_zero());
        assert!(!parse("0.01").unwrap().is_zero() && !parse("0x.1p0").unwrap().is_zero());
    }
}
