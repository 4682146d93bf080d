//! Integers and floats: what looks like one to YAML 1.1, and what Python then makes of it.

use python_text::{Base, Integer, int, number_text};

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
pub(super) fn read_int(value: &str) -> Option<Integer> {
    let value = value.replace('_', "");
    let negative = value.starts_with('-');
    let digits = strip_sign(&value);
    let number = if digits == "0" {
        Integer { negative: false, magnitude: Some(0) }
    } else if let Some(binary) = digits.strip_prefix("0b") {
        int(binary, Base::Two).ok()?
    } else if let Some(hexadecimal) = digits.strip_prefix("0x") {
        int(hexadecimal, Base::Sixteen).ok()?
    } else if digits.starts_with('0') {
        int(digits, Base::Eight).ok()?
    } else if digits.contains(':') {
        sexagesimal(digits)?
    } else {
        // Of nothing, and of a sign alone, `value[0]` raises; so does this.
        int(digits, Base::Ten).ok()?
    };
    Some(if negative {
        Integer { negative: !number.negative && number.magnitude != Some(0), ..number }
    } else {
        number
    })
}

/// `1:30` is 90. Python adds each part, which may have a sign of its own.
fn sexagesimal(digits: &str) -> Option<Integer> {
    let mut sum = Some(0_i128);
    for part in digits.split(':') {
        let part = int(part, Base::Ten).ok()?.small();
        sum = sum.and_then(|sum| sum.checked_mul(60)?.checked_add(part?));
    }
    Some(Integer { negative: sum.is_some_and(i128::is_negative), magnitude: sum.map(i128::unsigned_abs) })
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
    let text = number_text(text);
    match strip_sign(&text) {
        "inf" | "infinity" | "nan" => text.parse().ok(),
        number if number.bytes().all(|byte| byte.is_ascii_digit() || b".e+-".contains(&byte)) => text.parse().ok(),
        _ => None,
    }
}
