use super::RegexError;

/// Regexes with more escapes for large classes than this are refused without being read: each takes five to ten kilobytes as soon
/// as it is read, which neither Go nor regex-syntax bounds below a hundred megabytes, and a registration has room for five
/// million of them. Ten thousand are a hundred times as many as fit the ten megabytes of a set of Rust's; Go would take them, and
/// twice as many again.
const MAX_CLASSES: usize = 10_000;

/// Whether regexes can be read in moderate memory, and in moderate time.
pub(super) fn check<'r>(regexes: impl Iterator<Item = &'r str>) -> Result<(), RegexError> {
    if regexes.map(classes).sum::<usize>() > MAX_CLASSES {
        return Err(RegexError::new("the regex holds more large classes than are read here"));
    }
    Ok(())
}

fn classes(regex: &str) -> usize {
    regex.as_bytes().windows(2).filter(|pair| matches!(pair, [b'\\', b'p' | b'P' | b'w' | b'W'])).count()
}
