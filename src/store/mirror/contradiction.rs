//! What a database says of its rows and cannot be.

use std::collections::HashSet;

use super::Mirror;
use super::reads::Reads;
use crate::store::StoreError;
use crate::telemetry::Visible;

/// Whether rows that have changed, in load order, can be what a store holds beside what is known of the others.
///
/// The tables' own constraints see to that as long as they hold: an index that a new release of the system's collations has put out of
/// order lets the same `id` in twice, and whoever has dropped one lets in what he likes. Of two rows at one place only one would be
/// listed, and of two that say different things of one registration either may be meant: names would be free of which nobody has said
/// so. So nothing is taken over then.
pub(super) fn check(before: Option<&Mirror>, changed: &Reads) -> Result<(), StoreError> {
    let contradiction = |what: String| Err(StoreError::Contradiction(what));
    // What was removed is listed nowhere, and is in nobody's place.
    let behind = changed.there().skip(1);
    if let Some((one, next)) = changed.there().zip(behind).find(|(one, next)| one.place >= next.place) {
        let [one, next] = [one, next].map(|row| Visible(row.id));
        return contradiction(format!(
            "`{one}` and `{next}` have one place in the load order, or come in another order"
        ));
    }
    let mut ids = HashSet::with_capacity(changed.iter().len());
    if let Some(twice) = changed.iter().find(|row| !ids.insert(row.id)) {
        return contradiction(format!("it holds two rows of `{}`", Visible(twice.id)));
    }
    let Some(before) = before else { return Ok(()) };
    for row in changed.there() {
        if let Some(other) = before.rows.at(row.place).filter(|other| !ids.contains(other.id)) {
            let [row, other] = [row.id, other.id].map(Visible);
            return contradiction(format!(
                "`{row}` has come to the place of `{other}`, of which it has not said anything"
            ));
        }
    }
    Ok(())
}
