use super::RegexError;

/// A regex with more escapes for large classes than this is refused without being read: each takes five to ten kilobytes as soon
/// as it is read, which neither Go nor regex-syntax bounds below a hundred megabytes, and a registration has room for five
/// million of them. Ten thousand are a hundred times as many as fit the ten megabytes of a set of Rust's; Go would take them, and
/// twice as many again.
const MAX_CLASSES: usize = 10_000;

/// Whether a regex can be read in moderate memory.
pub(super) fn check(regex: &str) -> Result<(), RegexError> {
    let escapes = regex.as_bytes().windows(2).filter(|pair| matches!(pair, [b'\\', b'p' | b'P' | b'w' | b'W']));
    if escapes.count() > MAX_CLASSES {
        return Err(RegexError::new("the regex holds more large classes than are read here"));
    }
    Ok(())
}
