//! Rust's `regex`, by its own parser and compiler.
//!
//! The homeservers are locked to regex 1.13.1 with regex-syntax 0.8.11 and to 1.11.1 with 0.8.5; here it is regex-syntax 0.8.12.
//! All three have the tables of Unicode 16. Of 58,000 random regexes, and texts for each, the two releases say the same, word by
//! word, and so does what is here (`oracle/rust-regex`).

use regex_automata::MatchKind;
use regex_automata::meta::{BuildError, Builder, Config};
use regex_automata::nfa::thompson::WhichCaptures;
use regex_automata::util::syntax;
use regex_syntax::ParserBuilder;

use super::{RegexError, bounds, tree, work};
use python_re::Pattern;

/// The size that `regex` allows the automaton of one set, in bytes; no homeserver sets another.
const SIZE_LIMIT: usize = 10 << 20;
/// What the regex matches at the start of a text.
pub(super) fn pattern(regex: &str, fold: bool) -> Result<Pattern, RegexError> {
    bounds::check(&[regex], |regex| work::of(regex, fold))?;
    let parsed = ParserBuilder::new().case_insensitive(fold).build().parse(regex);
    let hir = parsed.map_err(|error| RegexError::new(error.to_string()))?;
    let ast = tree::tree(&hir).ok_or_else(|| RegexError::new("the regex matches what is not UTF-8"))?;
    Ok(Pattern::written(regex, ast))
}

/// Whether one set can be made of them, by making it as `RegexSetBuilder` does.
pub(super) fn check_together(regexes: &[&str], fold: bool) -> Result<(), RegexError> {
    bounds::check(regexes, |regex| work::of(regex, fold))?;
    let config = Config::new()
        .nfa_size_limit(Some(SIZE_LIMIT))
        .match_kind(MatchKind::All)
        .utf8_empty(true)
        .which_captures(WhichCaptures::None)
        // Nothing is searched with it. What is left out here bears on no limit.
        .auto_prefilter(false)
        .onepass(false)
        .dfa(false);
    let syntax = syntax::Config::new().case_insensitive(fold);
    let built = Builder::new().configure(config).syntax(syntax).build_many(regexes);
    built.map(drop).map_err(|error| RegexError::new(said(&error)))
}

/// What `regex::Error` says.
fn said(error: &BuildError) -> String {
    match (error.size_limit(), error.syntax_error()) {
        (Some(limit), _) => format!("Compiled regex exceeds size limit of {limit} bytes."),
        (None, Some(syntax)) => syntax.to_string(),
        (None, None) => error.to_string(),
    }
}
