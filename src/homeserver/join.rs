use std::fmt;

use crate::matrix::Kind;

/// What a homeserver makes of the exclusive regexes of a kind in all files together. Each of them loads alone; together they may not.
pub struct Join {
    /// Of which kinds.
    pub(super) kinds: &'static [Kind],
    /// Compiles all together; why that fails, as a sentence without an end.
    pub(super) compile: fn(&[&str]) -> Result<(), String>,
    /// Whether a regex that compiles alone may fail among others. A quick look: true is not a verdict.
    pub(super) depends_on_others: fn(&str) -> bool,
    /// How many of those before it that do not depend on others can matter to one that does.
    pub(super) reach: fn(&str) -> usize,
    /// What becomes of the homeserver then, and why: "… this one breaks it".
    pub(super) consequence: &'static str,
}

/// A regex with which those before it can no longer be joined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// Its position among those that were joined.
    pub at: usize,
    /// What the homeserver would say, as a sentence without an end.
    pub error: String,
}

impl Join {
    /// Of which kinds it joins them.
    #[must_use]
    pub const fn kinds(&self) -> &'static [Kind] {
        self.kinds
    }

    /// Whether a regex that compiles alone may not do so among others, at a quick look. Where none of several does, all can be joined.
    #[must_use]
    pub fn depends_on_others(&self, regex: &str) -> bool {
        (self.depends_on_others)(regex)
    }

    /// The positions of those regexes, each of which compiles alone, that decide whether all can be joined; none if nothing
    /// speaks against it. Of a million regexes hardly any does: the others are not compiled again.
    #[must_use]
    pub fn deciding(&self, regexes: &[&str]) -> Vec<usize> {
        let depends: Vec<bool> = regexes.iter().map(|regex| self.depends_on_others(regex)).collect();
        let dependent = regexes.iter().zip(&depends).filter(|(_, depends)| **depends);
        let Some(reach) = dependent.map(|(regex, _)| (self.reach)(regex)).max() else { return Vec::new() };
        let mut deciding = Vec::new();
        for (at, depends) in depends.into_iter().enumerate() {
            if depends || deciding.len() < reach {
                deciding.push(at);
            }
        }
        deciding
    }

    /// The first regex with which those before it cannot be joined any more. Costs a compilation of all, and one for each
    /// halving if that fails.
    #[must_use]
    pub fn broken(&self, regexes: &[&str]) -> Option<Broken> {
        let error = (self.compile)(regexes).err()?;
        let (mut good, mut bad) = (0, regexes.len());
        while bad - good > 1 {
            let middle = usize::midpoint(good, bad);
            if (self.compile)(&regexes[..middle]).is_ok() { good = middle } else { bad = middle }
        }
        Some(Broken { at: bad - 1, error })
    }

    /// What becomes of the homeserver, and why, as a sentence without an end that speaks of "this one".
    #[must_use]
    pub const fn consequence(&self) -> &'static str {
        self.consequence
    }
}

impl fmt::Debug for Join {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Join").field("consequence", &self.consequence).finish_non_exhaustive()
    }
}
