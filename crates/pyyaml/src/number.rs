//! Integers and floats: what looks like one, and what Python then makes of it.

/// CPython refuses to convert more decimal digits than this to an integer.
pub(super) const DIGIT_LIMIT: usize = 4300;

/// An integer as far as anybody asks: its value when it is small, else that it is large.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Int {
    Small(i128),
    /// From 2^127 to 2^128 - 1: still an IPv6 address.
    Wide,
    /// Beyond 128 bits.
    Large,
}

impl Int {
    fn of(magnitude: Option<u128>, negative: bool) -> Self {
        match magnitude.map(|magnitude| (i128::try_from(magnitude), negative)) {
            Some((Ok(number), false)) => Self::Small(number),
            Some((Ok(number), true)) => Self::Small(-number),
            Some((Err(_), false)) => Self::Wide,
            Some((Err(_), true)) | None => Self::Large,
        }
    }

    fn negated(self) -> Self {
        match self {
            Self::Small(number) => Self::Small(-number),
            Self::Wide | Self::Large => Self::Large,
        }
    }
}

fn strip_sign(value: &str) -> &str {
    value.strip_prefix(['-', '+']).unwrap_or(value)
}

fn all(value: &str, allowed: impl Fn(u8) -> bool) -> bool {
    !value.is_empty() && value.bytes().all(allowed)
}

const fn digit_or_underscore(byte: u8) -> bool {
    byte.is_ascii_digit() || byte == b'_'
}

/// `[0-9][0-9_]*`.
fn is_decimal(value: &str) -> bool {
    value.as_bytes().first().is_some_and(u8::is_ascii_digit) && all(value, digit_or_underscore)
}

/// `(?::[0-5]?[0-9])+`, without the first colon.
fn are_sixtieths(parts: &str) -> bool {
    parts.split(':').all(|part| match part.as_bytes() {
        [unit] => unit.is_ascii_digit(),
        [ten, unit] => (b'0'..=b'5').contains(ten) && unit.is_ascii_digit(),
        _ => false,
    })
}

/// Whether a plain scalar is an integer to YAML 1.1.
pub(super) fn looks_like_int(value: &str) -> bool {
    let digits = strip_sign(value);
    if let Some(binary) = digits.strip_prefix("0b") {
        return all(binary, |byte| matches!(byte, b'0' | b'1' | b'_'));
    }
    if let Some(hexadecimal) = digits.strip_prefix("0x") {
        return all(hexadecimal, |byte| byte.is_ascii_hexdigit() || byte == b'_');
    }
    if let Some(octal) = digits.strip_prefix('0') {
        return octal.bytes().all(|byte| matches!(byte, b'0'..=b'7' | b'_'));
    }
    match digits.split_once(':') {
        Some((whole, parts)) => is_decimal(whole) && are_sixtieths(parts),
        None => is_decimal(digits),
    }
}

/// Whether a plain scalar is a float to YAML 1.1.
pub(super) fn looks_like_float(value: &str) -> bool {
    if matches!(value, ".nan" | ".NaN" | ".NAN") {
        return true;
    }
    let number = strip_sign(value);
    if matches!(number, ".inf" | ".Inf" | ".INF") {
        return true;
    }
    let Some((whole, rest)) = number.split_once('.') else { return false };
    if whole.is_empty() {
        // Here no sign is allowed.
        let (fraction, exponent) = split_exponent(rest);
        return number.len() == value.len() && is_decimal(fraction) && exponent;
    }
    if let Some((whole, parts)) = whole.split_once(':') {
        return is_decimal(whole) && are_sixtieths(parts) && rest.bytes().all(digit_or_underscore);
    }
    let (fraction, exponent) = split_exponent(rest);
    is_decimal(whole) && fraction.bytes().all(digit_or_underscore) && exponent
}

/// Cuts off an exponent, whose sign is not optional, and says whether it is sound.
fn split_exponent(rest: &str) -> (&str, bool) {
    match rest.split_once(['e', 'E']) {
        None => (rest, true),
        Some((fraction, exponent)) => {
            let digits = exponent.strip_prefix(['-', '+']);
            (fraction, digits.is_some_and(|digits| all(digits, |byte| byte.is_ascii_digit())))
        }
    }
}

/// What `construct_yaml_int` makes of a scalar; `None` where it raises.
pub(super) fn read_int(value: &str) -> Option<Int> {
    let value = value.replace('_', "");
    let negative = value.starts_with('-');
    let digits = strip_sign(&value);
    let magnitude = if value.is_empty() {
        return None;
    } else if digits == "0" {
        Int::Small(0)
    } else if let Some(binary) = digits.strip_prefix("0b") {
        python_int(binary, 2)?
    } else if let Some(hexadecimal) = digits.strip_prefix("0x") {
        python_int(hexadecimal, 16)?
    } else if digits.starts_with('0') {
        python_int(digits, 8)?
    } else if digits.is_empty() {
        // `value[0]` raises.
        return None;
    } else if digits.contains(':') {
        let mut sum = Int::Small(0);
        for part in digits.split(':') {
            sum = match (sum, python_int(part, 10)?) {
                (Int::Small(sum), Int::Small(part)) => {
                    sum.checked_mul(60).and_then(|sum| sum.checked_add(part)).map_or(Int::Large, Int::Small)
                }
                _ => Int::Large,
            };
        }
        sum
    } else {
        python_int(digits, 10)?
    };
    Some(if negative { magnitude.negated() } else { magnitude })
}

/// Python's `int(text)`, where an underscore may stand between digits.
pub(super) fn parse_int(text: &str) -> Option<Int> {
    let digits = strip_sign(text.trim_matches(is_python_space));
    if digits.starts_with('_') || digits.ends_with('_') || digits.contains("__") {
        return None;
    }
    python_int(&text.replace('_', ""), 10)
}

/// Python's `int(text, base)` for bases 2, 8, 10 and 16 and a text without underscores.
fn python_int(text: &str, base: u32) -> Option<Int> {
    let text = text.trim_matches(is_python_space);
    let negative = text.starts_with('-');
    let digits = strip_sign(text);
    let digits = match base {
        2 => digits.strip_prefix("0b").or(digits.strip_prefix("0B")),
        8 => digits.strip_prefix("0o").or(digits.strip_prefix("0O")),
        16 => digits.strip_prefix("0x").or(digits.strip_prefix("0X")),
        _ => None,
    }
    .unwrap_or(digits);
    if digits.is_empty() || (base == 10 && digits.chars().count() > DIGIT_LIMIT) {
        return None;
    }
    let mut magnitude = Some(0_u128);
    for c in digits.chars() {
        let digit = decimal_value(c).or_else(|| c.to_digit(base)).filter(|&digit| digit < base)?;
        let times = magnitude.and_then(|magnitude| magnitude.checked_mul(u128::from(base)));
        magnitude = times.and_then(|magnitude| magnitude.checked_add(u128::from(digit)));
    }
    Some(Int::of(magnitude, negative))
}

/// What `construct_yaml_float` makes of a scalar; `None` where it raises.
pub(super) fn read_float(value: &str) -> Option<f64> {
    let value = value.replace('_', "").to_lowercase();
    let sign = if value.starts_with('-') { -1.0 } else { 1.0 };
    if value.is_empty() {
        return None;
    }
    let number = strip_sign(&value);
    match number {
        ".inf" => Some(sign * f64::INFINITY),
        ".nan" => Some(f64::NAN),
        _ if number.contains(':') => {
            let mut sum = 0.0;
            let mut base = 1.0_f64;
            for part in number.rsplit(':') {
                // Python's base is an integer: multiplying raises when it no longer fits a float.
                if base.is_infinite() {
                    return None;
                }
                sum += python_float(part)? * base;
                base *= 60.0;
            }
            Some(sign * sum)
        }
        _ => Some(sign * python_float(number)?),
    }
}

/// Python's `float(text)` for a text in lower case without underscores.
fn python_float(text: &str) -> Option<f64> {
    let text = text.trim_matches(is_python_space);
    let text: String =
        text.chars().map(|c| decimal_value(c).and_then(|digit| char::from_digit(digit, 10)).unwrap_or(c)).collect();
    match strip_sign(&text) {
        "inf" | "infinity" | "nan" => text.parse().ok(),
        number if number.bytes().all(|byte| byte.is_ascii_digit() || b".e+-".contains(&byte)) => text.parse().ok(),
        _ => None,
    }
}

/// `str.isspace`, which `int()` and `float()` strip.
fn is_python_space(c: char) -> bool {
    c.is_whitespace() || ('\x1C'..='\x1F').contains(&c)
}

/// The value of a decimal digit of any script.
fn decimal_value(c: char) -> Option<u32> {
    if c.is_ascii() {
        return c.to_digit(10);
    }
    super::digits::value(c)
}
