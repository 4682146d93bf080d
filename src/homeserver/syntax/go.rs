//! Go's `regexp`, by `go-re2`.

use super::{RegexError, bounds, tree};
use python_re::Pattern;

/// What the regex matches at the start of a text.
pub(super) fn pattern(regex: &str) -> Result<Pattern, RegexError> {
    bounds::check(&[regex], work)?;
    let hir = go_re2::parse(regex).map_err(|error| RegexError::new(error.to_string()))?;
    let ast = tree::tree(&hir).ok_or_else(|| RegexError::new("the regex matches what is not UTF-8"))?;
    Ok(Pattern::written(regex, ast))
}

/// What a range of a class costs at most that is folded, in look-ups: one for each character that has another case.
const RANGE: u64 = 3_000;

/// The work with the classes of a regex, in look-ups: where a flag may stand, each range that may end beyond ASCII counts as wide.
pub(super) fn work(regex: &str) -> u64 {
    if !regex.contains("(?") {
        return 0;
    }
    let is_wide = |pair: &&[u8]| pair[0] == b'-' && (pair[1] == b'\\' || !pair[1].is_ascii());
    RANGE * regex.as_bytes().windows(2).filter(is_wide).count() as u64
}
