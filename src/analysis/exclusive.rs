use super::examiner::Pass;
use super::term::Term;
use crate::homeserver::Homeserver;
use crate::matrix::Kind;
use crate::registration::Entries;

const UNKNOWN: &str =
    "what the regex of an entry matches is not known exactly: it refers to its groups, or is too large to be compared";
const HIDDEN: &str = "what a shared entry takes from an exclusive one behind it is not known exactly";

impl<'a> Pass<'a> {
    /// What counts of an exclusive entry: what it matches, without what shared ones before it in the precedence take. What
    /// exclusive ones before it take is exclusive all the same, so all exclusive entries of a list together are what the
    /// service holds. If it is not known, why.
    pub(super) fn what_counts(
        &mut self,
        homeserver: &Homeserver,
        kind: Kind,
        entries: Entries<'_>,
        position: usize,
    ) -> Result<Term<'a>, &'static str> {
        let rank = |at: usize| homeserver.dialect.precedence().rank(at, entries.at(at).exclusive);
        let this = self.language_of_regex(kind, entries.at(position).regex).ok_or(UNKNOWN)?;
        let mut parts = vec![this];
        for (at, entry) in entries.iter().enumerate().filter(|(_, entry)| !entry.exclusive) {
            if rank(at) < rank(position) {
                let before = self.language_of_regex(kind, entry.regex).ok_or(HIDDEN)?;
                parts.push(self.terms.not(before));
            }
        }
        Ok(self.terms.and(parts))
    }
}
