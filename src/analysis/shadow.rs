//! Entries of one file that decide for IDs of others that say otherwise.

use super::Code;
use super::examiner::Examiner;
use super::finding::{Finding, FindingPlace, Relation, Severity, WitnessIs};
use super::limits::{Listed, MAX_PAIRS_WITHIN};
use super::pair::{Meeting, Scope};
use super::prepared::{EntryOf, PreparedEntry, Standing, can_meet};
use super::search::LimitReached;
use crate::matrix::{Kind, PerKind};
use crate::registration::Registration;

/// Finds entries that come before others of the other exclusivity and match IDs of theirs; returns how many pairs were
/// not compared.
pub(super) fn findings(
    examiner: &mut Examiner<'_>,
    registration: &Registration,
    entries: &[PreparedEntry],
    findings: &mut Listed,
) -> u64 {
    // Where the entries so far stand that may hide something: shared ones, and exclusive ones.
    let mut so_far: PerKind<[Vec<usize>; 2]> = PerKind::default();
    let (mut compared, mut left) = (0, 0);
    for at in in_precedence(entries) {
        let later = EntryOf { registration, all: entries, at };
        let [shared, exclusive] = &so_far[later.kind()];
        let others = if later.this().exclusive { shared } else { exclusive };
        for (done, &before) in others.iter().enumerate() {
            if examiner.is_spent() || compared >= MAX_PAIRS_WITHIN {
                left += (others.len() - done) as u64;
                break;
            }
            let earlier = EntryOf { at: before, ..later };
            examiner.step((earlier.this().prefixes.len() * later.this().prefixes.len()) as u64);
            if can_meet(earlier.this(), later.this()) {
                compared += 1;
                match shadowed(examiner, earlier, later) {
                    Ok(finding) => findings.extend(finding),
                    Err(LimitReached) => left += 1,
                }
            }
        }
        so_far[later.kind()][usize::from(later.this().exclusive)].push(at);
    }
    left
}

/// The entries that claim something, in the precedence of their lists.
fn in_precedence(entries: &[PreparedEntry]) -> Vec<usize> {
    let claims = |&at: &usize| entries[at].standing != Standing::LeftOut;
    let mut positions: Vec<usize> = (0..entries.len()).filter(claims).collect();
    positions.sort_by_key(|&at| (entries[at].kind, entries[at].rank));
    positions
}

fn shadowed(
    examiner: &mut Examiner<'_>,
    earlier: EntryOf<'_>,
    later: EntryOf<'_>,
) -> Result<Option<Finding>, LimitReached> {
    let meeting = examiner.pass().meeting(earlier, later, Scope::FirstEffective)?;
    let Some(Meeting { witness, relation }) = meeting.filter(|meeting| meeting.witness.is != WitnessIs::Remote) else {
        return Ok(None);
    };
    let how_much = if matches!(relation, Relation::Equal | Relation::Contains) { "all" } else { "some" };
    let as_what = if earlier.this().exclusive { "exclusive" } else { "shared" };
    let message = format!(
        "an earlier entry hides {how_much} of this one: `{}` is claimed as {as_what}, since the first entry that \
         matches decides",
        witness.id
    );
    let weighs = witness.is == WitnessIs::Valid && later.kind() != Kind::Room;
    let severity = if weighs { Severity::Warning } else { Severity::Note };
    let place = |entry: EntryOf<'_>| FindingPlace::entry(entry.registration, entry.kind(), entry.index());
    let finding =
        Finding::new(Code::ShadowedEntry, severity, message).on(later.kind()).at(place(earlier)).at(place(later));
    Ok(Some(finding.relating(Some(relation)).proved_by(Some(witness))))
}
