//! The regex of an entry as comparisons take it, where a homeserver looks for it anywhere or does not mind capitals.
//!
//! Looked for anywhere, `@irc_.*` and `@slack_.*` meet in `@irc_@slack_:example.com`, and so do any two entries: true, of no use to
//! anybody, and reported for every pair. So two entries are compared on the IDs that hold their sigil once, at the start. Among
//! those it is the same whether what begins with the sigil is looked for anywhere or at the start, and the second is what
//! comparisons are quick at: its prefixes tell which entries can meet at all (`candidates`), and what follows them is one of few
//! shapes (`reach`). What begins otherwise (`webhook`, `.*`) stays what it is. The index answers for all IDs.
//!
//! Without regard to case, prefixes are those of texts that have been made so, on both sides of each comparison.

use std::borrow::Cow;

use python_re::{Folded, Path, Pattern, asks_for_start, folded_paths, looked_for, paths};

use crate::homeserver::{Anchor, Homeserver};
use crate::matrix::Kind;
use crate::registration::Regex;

/// What a regex claims among the IDs that hold their sigil once.
pub(super) fn pattern(homeserver: &Homeserver, kind: Kind, regex: Regex<'_>) -> Pattern {
    let pattern = regex.pattern(homeserver.dialect, kind);
    let begins = |path: &Path| path.prefix.first().copied() == Some(kind.sigil() as u8);
    let body = looked_for(pattern.ast()).filter(|body| !asks_for_start(body));
    match body.filter(|body| paths(body).iter().all(begins)) {
        Some(body) => Pattern::written(pattern.source(), body.clone()),
        None => pattern,
    }
}

/// How its matches may begin.
pub(super) fn ways(homeserver: &Homeserver, kind: Kind, pattern: &Pattern) -> Vec<Path> {
    if folds(homeserver, kind) { folded_paths(pattern.ast()) } else { pattern.paths() }
}

/// An ID as the prefixes of ways are.
pub(super) fn key(homeserver: &Homeserver, kind: Kind, id: &str) -> String {
    key_of_text(homeserver, kind, id).into_owned()
}

/// A part of an ID as the prefixes of ways are: case is a matter of each character by itself.
pub(super) fn key_of_text<'t>(homeserver: &Homeserver, kind: Kind, text: &'t str) -> Cow<'t, str> {
    if !folds(homeserver, kind) {
        return text.into();
    }
    let mut folded = Folded::default();
    folded.read(text);
    folded.text().to_owned().into()
}

/// Whether an ID is one of those that [`pattern`] does not answer for: looked for anywhere, something may be found behind
/// a second sigil.
pub(super) fn holds_sigil_twice(homeserver: &Homeserver, kind: Kind, id: &str) -> bool {
    looks_anywhere(homeserver) && id.matches(kind.sigil()).count() > 1
}

/// Whether the homeserver looks for regexes anywhere in an ID.
pub(super) fn looks_anywhere(homeserver: &Homeserver) -> bool {
    homeserver.dialect.syntax().anchor == Anchor::Anywhere
}

fn folds(homeserver: &Homeserver, kind: Kind) -> bool {
    homeserver.dialect.syntax().fold[kind]
}
