//! Which entries can meet at all.

use std::collections::HashSet;

use super::prepared::Prepared;
use crate::matrix::Kind;

/// An entry: the position of its registration, and its position among that registration's prepared entries.
pub(super) type EntryAt = (u32, u32);

/// All pairs of entries of different services that are to be compared: one prefix is a prefix of the other, at least one
/// is exclusive, and `wanted` says that the pair of services is of interest. The service earlier in load order is first.
pub(super) fn pairs(prepared: &[impl AsRef<Prepared>], wanted: impl Fn(u32, u32) -> bool) -> Vec<(EntryAt, EntryAt)> {
    let mut found = HashSet::new();
    for kind in Kind::ALL {
        let mut prefixes: Vec<(&[u8], EntryAt, bool)> = Vec::new();
        for (service, one) in (0..).zip(prepared) {
            for (at, entry) in (0..).zip(&one.as_ref().entries) {
                if entry.kind == kind && entry.compared {
                    prefixes.extend(entry.prefixes.iter().map(|prefix| (&**prefix, (service, at), entry.exclusive)));
                }
            }
        }
        prefixes.sort_unstable();
        // In this order all that a prefix begins follows it; the stack holds the prefixes of the one at hand.
        let mut stack: Vec<(&[u8], EntryAt, bool)> = Vec::new();
        for (prefix, entry, exclusive) in prefixes {
            while stack.last().is_some_and(|(shorter, ..)| !prefix.starts_with(shorter)) {
                stack.pop();
            }
            for &(_, other, other_exclusive) in &stack {
                if other.0 != entry.0 && (exclusive || other_exclusive) && wanted(other.0, entry.0) {
                    found.insert((other.min(entry), other.max(entry)));
                }
            }
            stack.push((prefix, entry, exclusive));
        }
    }
    let mut found: Vec<_> = found.into_iter().collect();
    found.sort_unstable();
    found
}
