//! A look at registrations by themselves, many at once.

use std::collections::BTreeMap;
use std::sync::Arc;

use rayon::prelude::*;

use super::across::{ClaimsEveryone, Counts};
use super::beginnings::Row;
use super::claimed;
use super::examiner::Examiner;
use super::findings::{Note, alone, notes_of};
use super::join::may_break;
use super::limits::Unseen;
use super::prepared::Prepared;
use super::slots::Slot;
use super::{Code, Deadline, Finding, Severity};
use crate::homeserver::Homeserver;
use crate::matrix::{Kind, PerKind, user_id};
use crate::registration::Registration;

/// What took more steps than this, half a millisecond's worth, is kept written out, lest whoever reads findings has it found
/// out again. Chosen by reasoning: with it, a page of a hundred findings is written out in fifty milliseconds. How many real ones take
/// more has not been measured.
const MAX_STEPS: u64 = 10_000;

/// So many registrations are looked at by one thread in a row, which finds out once about the shapes that they share. Chosen by reasoning: a million
/// are two thousand pieces of work for two threads.
pub(super) const AT_ONCE: usize = 512;

/// What has been found out about others spares a registration no more steps than were done for them. With so many, a tenth of what one
/// search may take, an examiner is begun afresh: so what is found here within the limits is found within them, too, by whoever looks
/// at that registration alone to write it out.
const MAX_SPARED: u64 = 2_000_000;

/// What a look at some registrations has shown.
#[derive(Debug, Default)]
pub(super) struct Looked {
    pub(super) rows: PerKind<Vec<Row>>,
    pub(super) notes: BTreeMap<(Severity, Code), Vec<Note>>,
    pub(super) counts: Counts,
    pub(super) everyone: BTreeMap<Slot, ClaimsEveryone>,
    pub(super) unseen: BTreeMap<Slot, Unseen>,
    pub(super) costly: BTreeMap<Slot, Vec<Arc<Finding>>>,
    pub(super) odd_owners: Vec<Slot>,
    pub(super) may_break: Vec<Slot>,
}

/// Looks at registrations, each in its slot.
pub(super) fn look(homeserver: &Homeserver, at: &[(Slot, &Registration)], deadline: &Deadline) -> Looked {
    let look_at = |some: &[(Slot, &Registration)]| {
        let mut examiner = Examiner::new(homeserver, deadline);
        let mut looked = Looked::default();
        for (slot, registration) in some {
            if examiner.steps() > MAX_SPARED {
                examiner = Examiner::new(homeserver, deadline);
            }
            looked.add(&mut examiner, *slot, registration);
        }
        looked
    };
    let each: Vec<Looked> = at.par_chunks(AT_ONCE).map(look_at).collect();
    each.into_iter().fold(Looked::default(), Looked::with)
}

impl Looked {
    fn add(&mut self, examiner: &mut Examiner<'_>, slot: Slot, registration: &Registration) {
        let before = examiner.steps();
        let prepared = Prepared::new(examiner, registration);
        let is_costly = examiner.steps() - before > MAX_STEPS || examiner.is_late() || is_incomplete(&prepared);
        for entry in &prepared.entries {
            self.rows[entry.kind].extend(Row::of(slot, entry));
        }
        self.counts = self.counts.plus(Counts::of(&prepared));
        self.everyone.extend(ClaimsEveryone::of(&prepared).map(|everyone| (slot, everyone)));
        if prepared.unseen != Unseen::default() {
            self.unseen.insert(slot, prepared.unseen);
        }
        if is_costly {
            self.costly.insert(slot, alone(&prepared));
        } else {
            notes_of(slot, &prepared).for_each(|(class, note)| self.notes.entry(class).or_default().push(note));
        }
        let homeserver = examiner.homeserver();
        if may_break(homeserver, registration) {
            self.may_break.push(slot);
        }
        let own = user_id(registration.sender_localpart(), homeserver.name.as_str());
        if claimed::holds_sigil_twice(homeserver, Kind::User, &own) {
            self.odd_owners.push(slot);
        }
    }

    fn with(mut self, mut other: Self) -> Self {
        for kind in Kind::ALL {
            self.rows[kind].append(&mut other.rows[kind]);
        }
        for (class, mut notes) in other.notes {
            self.notes.entry(class).or_default().append(&mut notes);
        }
        self.counts = self.counts.plus(other.counts);
        self.everyone.extend(other.everyone);
        self.unseen.extend(other.unseen);
        self.costly.extend(other.costly);
        self.odd_owners.extend(other.odd_owners);
        self.may_break.extend(other.may_break);
        self
    }
}

/// Whether something was not found out, which may be found out another time.
fn is_incomplete(prepared: &Prepared) -> bool {
    prepared.unseen != Unseen::default() || prepared.findings.iter().any(|finding| finding.code == Code::NotCompared)
}
