//! Findings of one file, and of one entry in it.

use std::borrow::Cow;
use std::collections::HashMap;
use std::os::unix::fs::PermissionsExt;

use super::Deadline;
use super::budget::{MAX_PAIRS_WITHIN, MAX_SOURCE};
use super::finding::{Code, Finding, FindingPlace, Relation, Severity, WitnessIs};
use super::glob::{glob_star, names_server_unescaped};
use super::language::{holds_behind, language};
use super::pair::{Compared, Meeting, Scope};
use super::prepared::{PreparedEntry, can_meet};
use super::search::{LimitReached, is_within, shortest};
use super::term::{Arena, Term};
use super::universe::Universe;
use crate::homeserver::Homeserver;
use crate::matrix::{Kind, ServerName};
use crate::registration::{Place, Registration, WarningCode};
use python_re::Pattern;
use python_re::{Path, fingerprint};

/// An arena of more terms than this is begun afresh.
const MAX_WEIGHT: usize = 2_000_000;

/// What an entry is good for in comparisons.
#[derive(Clone, Copy, Debug)]
pub(super) struct Examined {
    pub(super) compared: bool,
    pub(super) everyone: bool,
}

/// Looks at entries, and remembers what it has found out about shapes that they share.
pub(super) struct Examiner<'a> {
    pub(super) arena: Arena,
    pub(super) homeserver: &'a Homeserver,
    universes: [Universe; 3],
    shapes: HashMap<(Kind, bool, Vec<u8>), Reach>,
    /// The languages of entries, by where their registrations are in memory: those live as long as the examiner.
    pub(super) languages: HashMap<(usize, Kind, u32), Option<Term>>,
    /// And what earlier entries leave of them.
    pub(super) remainders: HashMap<(usize, Kind, u32), Option<Term>>,
    /// How many steps may have been done when the registration at hand is done.
    allowed: u64,
}

/// What follows a prefix in IDs that an entry claims: the rest of a shortest one of each kind.
#[derive(Clone, Debug, Default)]
struct Reach {
    local: Option<(String, WitnessIs)>,
    remote: Option<String>,
    undecided: bool,
}

impl<'a> Examiner<'a> {
    pub(super) fn new(homeserver: &'a Homeserver, deadline: &Deadline) -> Self {
        Self::with(Arena::new(deadline.clone()), homeserver)
    }

    fn with(mut arena: Arena, homeserver: &'a Homeserver) -> Self {
        let universes = Kind::ALL.map(|kind| Universe::new(&mut arena, kind, &homeserver.name));
        Self {
            arena,
            homeserver,
            universes,
            shapes: HashMap::new(),
            languages: HashMap::new(),
            remainders: HashMap::new(),
            allowed: u64::MAX,
        }
    }

    /// Allows so many steps from now on.
    pub(super) fn allow(&mut self, steps: u64) {
        self.allowed = self.arena.steps().saturating_add(steps);
    }

    /// Whether there is no time left, or as much has been done as is allowed.
    pub(super) fn is_spent(&mut self) -> bool {
        self.arena.step(1);
        self.arena.steps() > self.allowed || self.arena.is_late()
    }

    pub(super) fn universe(&self, kind: Kind) -> Universe {
        self.universes[kind as usize]
    }

    /// Begins afresh when too much has piled up. Terms made before mean nothing afterwards.
    pub(super) fn tidy(&mut self) {
        if self.arena.weight() > MAX_WEIGHT {
            let shapes = std::mem::take(&mut self.shapes);
            let mut arena = Arena::new(self.arena.deadline().clone());
            arena.step(self.arena.steps());
            *self = Self { shapes, allowed: self.allowed, ..Self::with(arena, self.homeserver) };
        }
    }

    /// Looks at an entry by itself.
    pub(super) fn entry(
        &mut self,
        registration: &Registration,
        kind: Kind,
        index: u32,
        pattern: &Pattern,
        paths: &[Path],
        findings: &mut Vec<Finding>,
    ) -> Examined {
        self.tidy();
        let about = |code, severity, witness: Option<(String, WitnessIs)>, message: Cow<'static, str>| {
            let (witness, witness_is) = witness.map(|(witness, is)| (witness.into(), is)).unzip();
            let places = [FindingPlace::entry(registration, kind, index)].into();
            Finding { code, severity, kind: Some(kind), relation: None, witness, witness_is, message, places }
        };
        let nothing = Examined { compared: false, everyone: false };
        let Some(reach) = self.reach(kind, pattern, paths) else {
            let message = "the regex is too long, or holds what no automaton can tell (a reference, a condition on what precedes \
                           within a repetition, an atomic group): it is matched, but not compared with other entries";
            findings.push(about(Code::Backtracking, Severity::Note, None, message.into()));
            return nothing;
        };
        if reach.undecided {
            let message = "the regex is too large to be compared with other entries within the limits";
            findings.push(about(Code::Backtracking, Severity::Note, None, message.into()));
            return nothing;
        }
        let Some(local) = reach.local else {
            let why = why_dead(pattern.source(), kind, &self.homeserver.name, reach.remote.as_deref());
            let witness = reach.remote.map(|remote| (remote, WitnessIs::Remote));
            findings.push(about(
                Code::DeadEntry,
                Severity::Warning,
                witness,
                format!("no {kind} of this server can match: {why}").into(),
            ));
            return nothing;
        };
        let everyone = kind != Kind::Room && self.contains_everyone(kind, pattern, paths);
        if let Some((star, glob)) = glob_star(pattern) {
            let message = format!(
                "`{star}*` is any number of `{star}`, and not any text: `{}` is claimed too; for any text write `{glob}`",
                local.0
            );
            findings.push(about(Code::LooksLikeGlob, Severity::Warning, Some(local), message.into()));
        }
        if let Some(remote) = reach.remote.filter(|_| !everyone && kind != Kind::Room) {
            let witness = Some((remote, WitnessIs::Remote));
            if names_server_unescaped(pattern.source(), &self.homeserver.name) {
                let message = "a dot of the server name is not escaped, so that the entry reaches beyond this server";
                findings.push(about(Code::UnescapedDot, Severity::Note, witness, message.into()));
            } else {
                let message = "the entry does not end with this server's name, so that it reaches beyond this server";
                findings.push(about(Code::OpenEnd, Severity::Note, witness, message.into()));
            }
        }
        Examined { compared: !everyone, everyone }
    }

    /// What an entry claims; `None` if its language is not known.
    fn reach(&mut self, kind: Kind, pattern: &Pattern, paths: &[Path]) -> Option<Reach> {
        if let [path] = paths
            && let Some((prefix, valid)) = plain_prefix(kind, path)
            && let Some(rest) = path.rest.as_ref().filter(|rest| !holds_behind(rest))
            && let Some(key) = fingerprint(rest)
        {
            let key = (kind, valid, key);
            let reach = match self.shapes.get(&key) {
                Some(known) => known.clone(),
                None => {
                    let rest = language(&mut self.arena, rest)?;
                    let reach = self.reach_behind(kind, valid, rest);
                    self.shapes.insert(key, reach.clone());
                    reach
                }
            };
            let whole = |rest: String| format!("{prefix}{rest}");
            return Some(Reach {
                local: reach.local.map(|(rest, is)| (whole(rest), if valid { is } else { WitnessIs::Historical })),
                remote: reach.remote.map(whole),
                undecided: reach.undecided,
            });
        }
        let claimed = language(&mut self.arena, pattern.ast())?;
        let Universe { valid, historical, remote, .. } = self.universe(kind);
        Some(self.reach_of(claimed, [(valid, WitnessIs::Valid), (historical, WitnessIs::Historical)], remote))
    }

    /// The same behind a prefix of characters that a localpart may have, today or once.
    fn reach_behind(&mut self, kind: Kind, valid: bool, rest: Term) -> Reach {
        // What may follow such a prefix is what may follow a sigil and one such letter.
        let universe = self.universe(kind);
        let behind = |arena: &mut Arena, universe: Term| {
            let rest = arena.derivative(universe, kind.sigil());
            arena.derivative(rest, 'a')
        };
        let today = behind(&mut self.arena, universe.valid);
        let once = behind(&mut self.arena, universe.historical);
        let remote = behind(&mut self.arena, universe.remote);
        let first = if valid { (today, WitnessIs::Valid) } else { (once, WitnessIs::Historical) };
        self.reach_of(rest, [first, (once, WitnessIs::Historical)], remote)
    }

    fn reach_of(&mut self, claimed: Term, local: [(Term, WitnessIs); 2], remote: Term) -> Reach {
        let mut reach = Reach::default();
        let mut look = |universe: Term, undecided: &mut bool| {
            let both = self.arena.and([claimed, universe]);
            shortest(&mut self.arena, both).unwrap_or_else(|LimitReached| {
                *undecided = true;
                None
            })
        };
        for (universe, is) in local {
            if reach.local.is_none() {
                reach.local = look(universe, &mut reach.undecided).map(|witness| (witness, is));
            }
        }
        // That a remote ID was not found in time does no harm.
        reach.remote = look(remote, &mut false);
        reach.undecided &= reach.local.is_none();
        reach
    }

    fn contains_everyone(&mut self, kind: Kind, pattern: &Pattern, paths: &[Path]) -> bool {
        if paths.iter().all(|path| path.prefix.len() > 1) {
            return false;
        }
        let Some(claimed) = language(&mut self.arena, pattern.ast()) else { return false };
        let valid = self.universe(kind).valid;
        is_within(&mut self.arena, valid, claimed).unwrap_or(false)
    }

    /// What the file itself gives rise to.
    #[expect(clippy::unused_self, reason = "looks at files as the other methods look at entries")]
    pub(super) fn file(&self, registration: &Registration, findings: &mut Vec<Finding>) {
        for warning in &registration.warnings {
            let code = match warning.code {
                WarningCode::DuplicateKey => Code::DuplicateKey,
                WarningCode::WeakToken => Code::WeakToken,
            };
            findings.push(Finding {
                code,
                severity: Severity::Warning,
                kind: None,
                relation: None,
                witness: None,
                witness_is: None,
                message: warning.message.to_string().into(),
                places: [FindingPlace::at(registration, warning.place)].into(),
            });
        }
        readable_by_all(registration, findings);
    }

    /// Entries that decide for IDs of later entries that say otherwise; how many pairs were not compared.
    pub(super) fn shadows(
        &mut self,
        registration: &Registration,
        entries: &[PreparedEntry],
        findings: &mut Vec<Finding>,
    ) -> u64 {
        // Where the entries so far stand that may hide something, by kind and exclusivity.
        let mut so_far: [[Vec<usize>; 2]; 3] = Default::default();
        let (mut compared, mut left) = (0, 0);
        for (at, later) in entries.iter().enumerate().filter(|(_, entry)| entry.compared || entry.everyone) {
            let [shared, exclusive] = &so_far[later.kind as usize];
            let others = if later.exclusive { shared } else { exclusive };
            for (done, &before) in others.iter().enumerate() {
                if self.is_spent() || compared >= MAX_PAIRS_WITHIN {
                    left += (others.len() - done) as u64;
                    break;
                }
                let earlier = &entries[before];
                self.arena.step((earlier.prefixes.len() * later.prefixes.len()) as u64);
                if !can_meet(earlier, later) {
                    continue;
                }
                compared += 1;
                let of = |at| Compared::new(registration, entries, at);
                let meeting = self.meeting(of(before), of(at), Scope::FirstEffective);
                if let Ok(Some(Meeting { witness, witness_is, relation })) = meeting
                    && witness_is != WitnessIs::Remote
                {
                    findings.push(shadowed(registration, earlier, later, (witness, witness_is), relation));
                }
            }
            so_far[later.kind as usize][usize::from(later.exclusive)].push(at);
        }
        left
    }
}

/// What is said about an entry whose regex is not even parsed to be compared.
pub(super) fn too_long(registration: &Registration, kind: Kind, index: u32) -> Finding {
    let message = format!(
        "the regex is longer than {MAX_SOURCE} bytes, too large to be compared with other entries: it is matched all the same"
    );
    Finding {
        code: Code::Backtracking,
        severity: Severity::Note,
        kind: Some(kind),
        relation: None,
        witness: None,
        witness_is: None,
        message: message.into(),
        places: [FindingPlace::entry(registration, kind, index)].into(),
    }
}

fn shadowed(
    registration: &Registration,
    earlier: &PreparedEntry,
    later: &PreparedEntry,
    (witness, witness_is): (String, WitnessIs),
    relation: Relation,
) -> Finding {
    let how_much = if matches!(relation, Relation::Equal | Relation::Contains) { "all" } else { "some" };
    let as_what = if earlier.exclusive { "exclusive" } else { "shared" };
    let message = format!(
        "an earlier entry hides {how_much} of this one: `{witness}` is claimed as {as_what}, since the first entry that \
         matches decides"
    );
    let weighs = witness_is == WitnessIs::Valid && later.kind != Kind::Room;
    let severity = if weighs { Severity::Warning } else { Severity::Note };
    Finding {
        code: Code::ShadowedEntry,
        severity,
        kind: Some(later.kind),
        relation: Some(relation),
        witness: Some(witness.into()),
        witness_is: Some(witness_is),
        message: message.into(),
        places: [earlier, later].map(|entry| FindingPlace::entry(registration, entry.kind, entry.index)).into(),
    }
}

/// The prefix of a path, if any local ID may begin so and then go on as after its first letter, and whether that would
/// be an ID of today's grammar.
fn plain_prefix(kind: Kind, path: &Path) -> Option<(&str, bool)> {
    let prefix = std::str::from_utf8(&path.prefix).ok()?;
    let localpart = prefix.strip_prefix(kind.sigil())?;
    let historical = localpart.bytes().all(|byte| byte.is_ascii_graphic() && byte != b':');
    let today = |byte: u8| match kind {
        Kind::User => byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._=/+-".contains(&byte),
        Kind::Alias => true,
        // Their length matters, too.
        Kind::Room => false,
    };
    (historical && !localpart.is_empty() && path.conditions.is_empty() && kind != Kind::Room)
        .then(|| (prefix, localpart.bytes().all(today)))
}

/// The server that a regex names in so many words.
fn named_server(source: &str) -> Option<String> {
    let (_, server) = source.rsplit_once(":(").is_none().then(|| source.split_once(':')).flatten()?;
    let server = server.trim_end_matches('$').trim_end_matches("\\Z").replace('\\', "");
    let plain = |c: char| c.is_ascii_alphanumeric() || ".-:".contains(c);
    (!server.is_empty() && server.chars().all(plain)).then_some(server)
}

fn why_dead(source: &str, kind: Kind, server_name: &ServerName, remote: Option<&str>) -> String {
    let sigil = kind.sigil();
    let begins = source.trim_start_matches(['^', '(', '?', ':', '\\']);
    if ["${", "{{", "%%", "<%", "$("].iter().any(|placeholder| source.contains(placeholder)) {
        return "it holds a placeholder that was never filled in".to_owned();
    }
    if let Some(other) = begins.chars().next().filter(|c| "@#!".contains(*c) && *c != sigil) {
        return format!("it begins with `{other}`, and the ID of a {kind} with `{sigil}`");
    }
    if let Some(remote) = remote {
        let server = named_server(source).unwrap_or_else(|| remote.split_once(':').map_or("", |(_, s)| s).to_owned());
        return format!("it claims IDs of another server (`{server}`), and this is {server_name}");
    }
    if !begins.starts_with(sigil) && begins.starts_with(|c: char| c.is_alphanumeric()) {
        return format!("it is tried from the start of the ID, and the ID of a {kind} begins with `{sigil}`");
    }
    "what it asks for stands in no such ID (it is tried on the whole ID, from the start)".to_owned()
}

fn readable_by_all(registration: &Registration, findings: &mut Vec<Finding>) {
    const BY_OTHERS: u32 = 0o004;
    let mode = std::fs::metadata(&*registration.file).map(|metadata| metadata.permissions().mode());
    if mode.is_ok_and(|mode| mode & BY_OTHERS != 0) {
        findings.push(Finding {
            code: Code::ReadableByAll,
            severity: Severity::Warning,
            kind: None,
            relation: None,
            witness: None,
            witness_is: None,
            message: "every user of this machine can read the tokens in this file".into(),
            places: [FindingPlace::at(registration, Place { line: 1, column: 1 })].into(),
        });
    }
}
