use super::admission::{Candidate, admit, admit_some};
use super::{FileRecord, FileState, Good, Snapshot, Standing, Unique};
use crate::homeserver::Dialect;
use crate::list::List;
use crate::registration::{FileFacts, Registration};

/// A service in force that keeps a registration out, and what both want for themselves.
#[derive(Clone, Debug)]
pub struct Obstacle {
    /// What both have.
    pub what: Unique,
    /// The service in force.
    pub holder: Registration,
}

impl Snapshot {
    /// What a reload would decide if one more registration were on disk: in the place of the file whose service has the
    /// same `id`, or after all others if none has. Answers with all that would then be in force, in load order, or with
    /// whatever is in the way.
    ///
    /// This is the decision of a reload and not a likeness of it: the files that are there ask again, too, also with
    /// content that was turned away before.
    pub fn try_admission(&self, offered: &Good) -> Result<List<Registration>, Vec<Obstacle>> {
        let place = self.place_of(offered.registration.id());
        if self.counts().active == self.files().len() && self.admits_at_once(offered, place) {
            let mut in_force = self.services().registrations().clone();
            match place {
                Some(at) => in_force.set(at, offered.registration.clone()),
                None => in_force.push(offered.registration.clone()),
            }
            return Ok(in_force);
        }
        let mut candidates: Vec<Candidate<'_>> = self.files().iter().map(Candidate::unchanged).collect();
        let at = place.unwrap_or_else(|| {
            let file = offered.registration.file();
            candidates.push(Candidate { file, facts: FileFacts::default(), offered: Ok(offered), held: None });
            candidates.len() - 1
        });
        candidates[at].offered = Ok(offered);
        let standings = self.standings(&candidates, at);
        let in_force: Vec<(usize, &Registration)> = standings
            .iter()
            .enumerate()
            .filter_map(|(at, standing)| Some((at, &standing.good()?.registration)))
            .collect();
        if matches!(standings[at], Standing::Active(_)) {
            return Ok(in_force.into_iter().map(|(_, registration)| registration.clone()).collect());
        }
        let dialect = self.services().homeserver().dialect;
        let others = in_force.into_iter().filter(|(other, _)| *other != at);
        Err(others.flat_map(|(_, holder)| obstacles(&offered.registration, holder, dialect)).collect())
    }

    /// Whether it is let in beside files that are all in force as they are on disk, so that nobody else asks for anything, and without
    /// a look at any of them. If not, that may be found out still.
    fn admits_at_once(&self, offered: &Good, place: Option<usize>) -> bool {
        let before = place.map(|at| &self.files()[at]);
        let candidate = Candidate {
            file: before.map_or(offered.registration.file(), FileRecord::file),
            facts: before.map_or_else(FileFacts::default, FileRecord::facts),
            offered: Ok(offered),
            held: before.and_then(FileRecord::good),
        };
        let standings = admit_some(&[candidate], &[0], self.services());
        standings.is_some_and(|standings| matches!(&*standings, [Standing::Active(_)]))
    }

    /// The same as [`admit`], with a look at a few files alone where that is enough.
    fn standings(&self, candidates: &[Candidate<'_>], at: usize) -> Vec<Standing> {
        let away = self.files().iter().enumerate().filter(|(_, file)| file.state() != FileState::Active);
        let mut changed: Vec<usize> = away.map(|(at, _)| at).filter(|&away| away != at).collect();
        changed.push(at);
        let Some(some) = admit_some(candidates, &changed, self.services()) else {
            return admit(candidates, self.services().homeserver().dialect);
        };
        let mut standings: Vec<Standing> = self.files().iter().map(FileRecord::standing).collect();
        for (at, standing) in changed.into_iter().zip(some) {
            // The new one may be the one after all others.
            if at == standings.len() {
                standings.push(standing);
            } else {
                standings[at] = standing;
            }
        }
        standings
    }
}

/// What two registrations want for themselves, the token first.
pub(crate) fn obstacles(new: &Registration, holder: &Registration, dialect: Dialect) -> Vec<Obstacle> {
    let slashed = |prefix: &str| format!("{prefix}/");
    let overlap = match (new.proxy_prefix().map(slashed), holder.proxy_prefix().map(slashed)) {
        (Some(a), Some(b)) => a.starts_with(&b) || b.starts_with(&a),
        _ => false,
    };
    let found = [
        (Unique::Id, new.id() == holder.id()),
        (Unique::Token, new.as_token() == holder.as_token() && !dialect.shares_tokens()),
        (Unique::ProxyPrefix, overlap),
    ];
    let found = found.into_iter().filter(|(_, applies)| *applies);
    found.map(|(what, _)| Obstacle { what, holder: holder.clone() }).collect()
}
