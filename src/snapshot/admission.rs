use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use super::{ContentHash, FileRecord, FileState};
use crate::registration::{Fault, FaultCode, Registration, TokenDigest};
use crate::ruling::Services;

/// Bytes that have loaded.
#[derive(Clone, Debug)]
pub struct Good {
    /// What they say.
    pub registration: Arc<Registration>,
    /// Their hash.
    pub hash: ContentHash,
}

impl Good {
    fn same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.registration, &other.registration)
    }
}

/// All that is wrong with a file, shared from scan to scan.
pub type Refusal = Arc<[Fault]>;

/// One file that asks to be in force.
#[derive(Clone, Copy, Debug)]
pub struct Candidate<'f> {
    /// The file as it is shown.
    pub file: &'f Arc<str>,
    /// What is on disk.
    pub offered: Result<&'f Good, &'f Refusal>,
    /// What the file had in force until now.
    pub held: Option<&'f Good>,
}

impl<'f> Candidate<'f> {
    /// What takes part when nothing collides: what is on disk if it loads, else what was in force.
    fn preferred(&self) -> Option<&'f Good> {
        self.offered.ok().or(self.held)
    }

    /// Whether it is in force as it is on disk, and was so before, as its record says.
    pub(super) fn stays(&self, record: &FileRecord) -> bool {
        let same = |offered: &Good| record.registration.as_ref().is_some_and(|r| Arc::ptr_eq(r, &offered.registration));
        record.state == FileState::Active && self.offered.is_ok_and(same)
    }

    /// Whether the disk offers something else than what is in force.
    fn is_new(&self) -> bool {
        match (self.offered, self.held) {
            (Ok(offered), Some(held)) => !offered.same(held),
            (Ok(_), None) => true,
            (Err(_), _) => false,
        }
    }
}

/// What came of a candidate.
#[derive(Debug, Clone)]
pub(super) enum Verdict {
    /// What is on disk is in force.
    Offered,
    /// What was in force stays so; with the collision, if it is for that that the disk's content was turned away.
    Held(Option<Fault>),
    /// Nothing is in force; with the collision, if that is why.
    Nothing(Option<Fault>),
}

impl Verdict {
    pub(super) fn record(self, candidate: &Candidate<'_>) -> FileRecord {
        let (state, good, collision) = match self {
            Self::Offered => (FileState::Active, candidate.offered.ok(), None),
            Self::Held(collision) => (FileState::Stale, candidate.held, collision),
            Self::Nothing(collision) => (FileState::Quarantined, None, collision),
        };
        let mut faults: Vec<Fault> = match (candidate.offered, state) {
            (Err(faults), FileState::Stale | FileState::Quarantined) => faults.to_vec(),
            _ => Vec::new(),
        };
        faults.extend(collision);
        FileRecord {
            file: Arc::clone(candidate.file),
            state,
            faults,
            registration: good.map(|good| Arc::clone(&good.registration)),
            hash: good.map(|good| good.hash),
        }
    }
}

/// The verdicts on some candidates, all others being in force as before; `None` if that takes a look at all of them,
/// because there is a collision or there may be one. `files` are the records of the candidates as they were, and
/// `services` what they had in force.
pub(super) fn admit_some(
    candidates: &[Candidate<'_>],
    changed: &[usize],
    files: &[Arc<FileRecord>],
    services: &Services,
) -> Option<Vec<Verdict>> {
    let (mut ids, mut tokens) = (HashSet::new(), HashSet::new());
    for &at in changed {
        let Some(good) = candidates[at].preferred() else { continue };
        let registration = &good.registration;
        let is_own = |position: u32| {
            let holder = &services.registrations()[position as usize];
            files[at].registration.as_ref().is_some_and(|own| Arc::ptr_eq(own, holder))
        };
        let free = registration.proxy_prefix.is_none()
            && services.position_of_id(&registration.id).is_none_or(is_own)
            && services.position_of_token(&registration.as_token).is_none_or(is_own)
            && ids.insert(&registration.id)
            && tokens.insert(registration.as_token);
        if !free {
            return None;
        }
    }
    Some(changed.iter().map(|&at| uncontested(&candidates[at])).collect())
}

/// Decides which candidates are in force; the rules are in the documentation of [`crate::snapshot`].
pub(super) fn admit(candidates: &[Candidate<'_>]) -> Vec<Verdict> {
    let contested = contested(candidates);
    if contested.is_empty() {
        return candidates.iter().map(uncontested).collect();
    }
    let mut taken = Taken::with_capacity(candidates.len());
    let mut verdicts: Vec<Option<Verdict>> = vec![None; candidates.len()];
    for (at, candidate) in candidates.iter().enumerate() {
        if contested.contains(&at) {
            // Reserved for its own file until that has something better.
            if let Some(held) = candidate.held {
                taken.take(at, held);
            }
        } else {
            if let Some(good) = candidate.preferred() {
                taken.take(at, good);
            }
            verdicts[at] = Some(uncontested(candidate));
        }
    }
    settle(candidates, &contested, &mut taken, &mut verdicts);
    verdicts.into_iter().map(|verdict| verdict.unwrap_or(Verdict::Nothing(None))).collect()
}

fn uncontested(candidate: &Candidate<'_>) -> Verdict {
    match (candidate.offered, candidate.held) {
        (Ok(_), _) => Verdict::Offered,
        (Err(_), Some(_)) => Verdict::Held(None),
        (Err(_), None) => Verdict::Nothing(None),
    }
}

/// The candidates that cannot all have what they prefer, by position. Empty as a rule.
fn contested(candidates: &[Candidate<'_>]) -> HashSet<usize> {
    let mut contested = HashSet::new();
    let mut taken = Taken::with_capacity(candidates.len());
    for (at, candidate) in candidates.iter().enumerate() {
        let Some(good) = candidate.preferred() else { continue };
        let holders = taken.in_the_way_of(at, &good.registration);
        if holders.is_empty() {
            taken.take(at, good);
        } else {
            contested.insert(at);
            contested.extend(holders.into_iter().map(|collision| collision.with));
        }
    }
    // What a contested file had in force is in the way of others too.
    loop {
        let held = contested.iter().filter_map(|&at| candidates[at].held.map(|held| (at, held)));
        let touched: Vec<usize> = held
            .flat_map(|(at, held)| taken.in_the_way_of(at, &held.registration))
            .map(|collision| collision.with)
            .filter(|with| !contested.contains(with))
            .collect();
        if touched.is_empty() {
            return contested;
        }
        contested.extend(touched);
    }
}

/// Lets the contested in, in load order, as long as that frees something for others.
fn settle<'f>(
    candidates: &[Candidate<'f>],
    contested: &HashSet<usize>,
    taken: &mut Taken<'f>,
    verdicts: &mut [Option<Verdict>],
) {
    let mut waiting: Vec<usize> = contested.iter().copied().collect();
    waiting.sort_unstable();
    loop {
        let before = waiting.len();
        waiting.retain(|&at| {
            let candidate = &candidates[at];
            let Ok(offered) = candidate.offered else { return true };
            if !taken.in_the_way_of(at, &offered.registration).is_empty() {
                return true;
            }
            if candidate.is_new()
                && let Some(held) = candidate.held
            {
                taken.release(at, held);
            }
            taken.take(at, offered);
            verdicts[at] = Some(Verdict::Offered);
            false
        });
        if waiting.len() == before {
            break;
        }
    }
    for at in waiting {
        let candidate = &candidates[at];
        let fault = candidate.offered.ok().and_then(|offered| {
            let collision = taken.in_the_way_of(at, &offered.registration).into_iter().next()?;
            Some(collision.fault(candidate, &candidates[collision.with]))
        });
        verdicts[at] = Some(match candidate.held {
            // Held contents were in force together, so nothing is in their way, unless they come from copies kept in
            // a state directory that were not taken at the same moment.
            Some(held) if taken.in_the_way_of(at, &held.registration).is_empty() => Verdict::Held(fault),
            _ => Verdict::Nothing(fault),
        });
    }
}

/// Whom a registration collides with, and in what.
#[derive(Debug)]
struct Collision {
    with: usize,
    code: FaultCode,
}

impl Collision {
    fn fault(&self, refused: &Candidate<'_>, holder: &Candidate<'_>) -> Fault {
        let (file, other) = (&refused.file, &holder.file);
        let id = refused.offered.map_or("", |good| &*good.registration.id);
        let message = match self.code {
            FaultCode::DuplicateToken => format!(
                "{file} has the same `as_token` as {other}, which is in force; Synapse would refuse to start; \
                 give each application service tokens of its own"
            ),
            FaultCode::OverlappingProxyPrefix => format!(
                "the `io.element.msc4512.proxy_prefix` of {file} overlaps that of {other}, which is in force; \
                 Synapse would refuse to start; give each application service a prefix of its own"
            ),
            _ => format!(
                "{file} has the same `id` `{id}` as {other}, which is in force; Synapse would refuse to start; \
                 remove one of the files or give one of them another `id`"
            ),
        };
        Fault::of_file(self.code, message)
    }
}

/// What may be in force only once, and by whom it is taken.
#[derive(Debug)]
struct Taken<'f> {
    ids: HashMap<&'f str, usize>,
    tokens: HashMap<TokenDigest, usize>,
    /// Prefixes with a final slash, so that "overlaps" is "one begins with the other". None begins with another.
    prefixes: BTreeMap<String, usize>,
}

impl<'f> Taken<'f> {
    fn with_capacity(files: usize) -> Self {
        Self { ids: HashMap::with_capacity(files), tokens: HashMap::with_capacity(files), prefixes: BTreeMap::new() }
    }

    /// Takes what is free; what is taken already stays where it is.
    fn take(&mut self, at: usize, good: &'f Good) {
        let registration = &good.registration;
        self.ids.entry(&registration.id).or_insert(at);
        self.tokens.entry(registration.as_token).or_insert(at);
        if let Some(prefix) = &registration.proxy_prefix
            && self.prefix_holder(at, prefix).is_none()
        {
            self.prefixes.entry(format!("{prefix}/")).or_insert(at);
        }
    }

    fn release(&mut self, at: usize, good: &Good) {
        let registration = &good.registration;
        if self.ids.get(&*registration.id) == Some(&at) {
            self.ids.remove(&*registration.id);
        }
        if self.tokens.get(&registration.as_token) == Some(&at) {
            self.tokens.remove(&registration.as_token);
        }
        if let Some(prefix) = &registration.proxy_prefix {
            let prefix = format!("{prefix}/");
            if self.prefixes.get(&prefix) == Some(&at) {
                self.prefixes.remove(&prefix);
            }
        }
    }

    /// What others have taken of what a registration needs, `id` first.
    fn in_the_way_of(&self, at: usize, registration: &Registration) -> Vec<Collision> {
        let other = |holder: Option<&usize>| holder.copied().filter(|&holder| holder != at);
        let found = [
            (FaultCode::DuplicateId, other(self.ids.get(&*registration.id))),
            (FaultCode::DuplicateToken, other(self.tokens.get(&registration.as_token))),
            (
                FaultCode::OverlappingProxyPrefix,
                registration.proxy_prefix.as_deref().and_then(|prefix| self.prefix_holder(at, prefix)),
            ),
        ];
        found.into_iter().filter_map(|(code, with)| with.map(|with| Collision { with, code })).collect()
    }

    fn prefix_holder(&self, at: usize, prefix: &str) -> Option<usize> {
        let prefix = format!("{prefix}/");
        let below = self.prefixes.range(prefix.clone()..).take_while(|(taken, _)| taken.starts_with(&prefix));
        let above = self.prefixes.range(..prefix.clone()).rev().take_while(|(taken, _)| prefix.starts_with(&**taken));
        below.chain(above).map(|(_, &holder)| holder).find(|&holder| holder != at)
    }
}
