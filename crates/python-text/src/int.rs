use crate::digit::number_text;

/// CPython refuses to convert more digits than this (`sys.int_info.default_max_str_digits`) in a base that is no power
/// of two.
pub const MAX_DIGITS: usize = 4300;

/// The base of a number's digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Base {
    /// `0b` may precede.
    Two,
    /// `0o` may precede.
    Eight,
    /// Nothing but a sign may precede.
    Ten,
    /// `0x` may precede.
    Sixteen,
}

/// What `int()` makes of a text, as far as 128 bits tell it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Integer {
    /// Below zero.
    pub negative: bool,
    /// Its distance from zero; `None` if that is 2^128 or more.
    pub magnitude: Option<u128>,
}

/// Why `int()` raises `ValueError`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IntError {
    /// The text is no number in that base.
    Invalid,
    /// The number has so many digits, which are more than [`MAX_DIGITS`].
    TooManyDigits(usize),
}

impl Integer {
    /// The number itself, unless it takes more than 128 bits.
    #[must_use]
    pub fn small(self) -> Option<i128> {
        let magnitude = i128::try_from(self.magnitude?).ok()?;
        Some(if self.negative { -magnitude } else { magnitude })
    }
}

impl Base {
    const fn radix(self) -> u32 {
        match self {
            Self::Two => 2,
            Self::Eight => 8,
            Self::Ten => 10,
            Self::Sixteen => 16,
        }
    }

    const fn prefixes(self) -> [&'static str; 2] {
        match self {
            Self::Two => ["0b", "0B"],
            Self::Eight => ["0o", "0O"],
            Self::Ten => ["", ""],
            Self::Sixteen => ["0x", "0X"],
        }
    }
}

/// Python's `int(text, base)`: white space around, a sign, digits of any script, single underscores between them.
pub fn int(text: &str, base: Base) -> Result<Integer, IntError> {
    let text = number_text(text);
    let (negative, unsigned) = match text.strip_prefix('-') {
        Some(unsigned) => (true, unsigned),
        None => (false, text.strip_prefix('+').unwrap_or(&text)),
    };
    let [lower, upper] = base.prefixes();
    let digits = match unsigned.strip_prefix(lower).or_else(|| unsigned.strip_prefix(upper)) {
        // Between the prefix and the first digit an underscore may stand as well.
        Some(digits) if base != Base::Ten => digits.strip_prefix('_').unwrap_or(digits),
        _ => unsigned,
    };
    let (magnitude, count) = magnitude(digits, base.radix()).ok_or(IntError::Invalid)?;
    if base == Base::Ten && count > MAX_DIGITS {
        return Err(IntError::TooManyDigits(count));
    }
    Ok(Integer { negative: negative && magnitude != Some(0), magnitude })
}

/// The value of digits with single underscores between them, unless it is too large, and how many digits they are.
fn magnitude(digits: &str, radix: u32) -> Option<(Option<u128>, usize)> {
    let mut magnitude = Some(0_u128);
    let mut count = 0;
    let mut after_digit = false;
    for c in digits.chars() {
        if c == '_' && after_digit {
            after_digit = false;
            continue;
        }
        let digit = c.to_digit(radix)?;
        let times = magnitude.and_then(|magnitude| magnitude.checked_mul(radix.into()));
        magnitude = times.and_then(|magnitude| magnitude.checked_add(digit.into()));
        count += 1;
        after_digit = true;
    }
    after_digit.then_some((magnitude, count))
}
