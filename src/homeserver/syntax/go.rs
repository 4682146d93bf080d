//! Go's `regexp`, by `go-re2`.

use super::{RegexError, bounds, tree};
use python_re::Pattern;

/// What the regex matches at the start of a text.
pub(super) fn pattern(regex: &str) -> Result<Pattern, RegexError> {
    bounds::check(std::iter::once(regex))?;
    let hir = go_re2::parse(regex).map_err(|error| RegexError::new(error.to_string()))?;
    let ast = tree::tree(&hir).ok_or_else(|| RegexError::new("the regex matches what is not UTF-8"))?;
    Ok(Pattern::written(regex, ast))
}
