use crate::characters::{DECIMAL, SPACE};

/// The value of a decimal digit of any script.
#[must_use]
pub fn decimal_value(c: char) -> Option<u32> {
    if c.is_ascii() {
        return c.to_digit(10);
    }
    let c = u32::from(c);
    let at = DECIMAL.0.partition_point(|&(_, high)| high < c);
    // A script's ten digits stand together, and a range is of whole scripts: see the test.
    DECIMAL.0.get(at).filter(|&&(low, _)| low <= c).map(|&(low, _)| (c - low) % 10)
}

/// A text as `int()` and `float()` see it: without white space around it, every digit in ASCII.
///
/// The separators from `U+001C` to `U+001F` are white space to `str.isspace` and `str.strip`, and are none here: CPython
/// makes spaces of what is beyond ASCII alone, and then strips as C does.
///
/// ```
/// assert_eq!(python_text::number_text("\u{3000}٣.٤\n"), "3.4");
/// assert_eq!(python_text::number_text("\x1c3"), "\x1c3");
/// ```
#[must_use]
pub fn number_text(text: &str) -> String {
    let is_space = |c: char| if c.is_ascii() { matches!(c, '\t'..='\r' | ' ') } else { SPACE.contains(c) };
    let in_ascii = |c: char| decimal_value(c).and_then(|value| char::from_digit(value, 10)).unwrap_or(c);
    text.trim_matches(is_space).chars().map(in_ascii).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_range_of_digits_is_of_whole_scripts() {
        for &(low, high) in DECIMAL.ranges() {
            assert_eq!((high - low + 1) % 10, 0, "{low:#x}-{high:#x}");
        }
    }
}
