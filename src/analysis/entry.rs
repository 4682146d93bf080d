//! Findings of one entry by itself.

use std::borrow::Cow;

use super::Code;
use super::claimed;
use super::dead::{holds_placeholder, why_dead};
use super::examiner::Pass;
use super::finding::{Finding, Severity, Witness, WitnessIs};
use super::glob::{glob_star, names_server_unescaped};
use super::language::is_moderate;
use super::limits::{Listed, MAX_SOURCE};
use super::prepared::Standing;
use super::reach::Reach;
use crate::homeserver::{Homeserver, Scope};
use crate::matrix::Kind;
use crate::registration::Registration;
use python_re::{Path, Pattern};

/// An entry and its pattern.
#[derive(Clone, Copy)]
pub(super) struct EntryAlone<'e> {
    pub(super) registration: &'e Registration,
    pub(super) kind: Kind,
    pub(super) index: u32,
    pub(super) pattern: &'e Pattern,
    /// How a match may begin.
    pub(super) ways: &'e [Path],
}

impl EntryAlone<'_> {
    /// Finds what is wrong with it, and what it is good for.
    pub(super) fn examine(self, pass: &mut Pass<'_>, findings: &mut Listed) -> Standing {
        let reach = match pass.reach(self.kind, self.pattern, self.ways) {
            Some(reach) if !reach.undecided => reach,
            None if is_moderate(self.pattern.ast()) => {
                findings.push(self.not_regular());
                return Standing::LeftOut;
            }
            _ => {
                let message = "the regex is too large to be compared with other entries within the limits";
                findings.push(self.finding(Code::NotCompared, Severity::Note, message));
                return Standing::LeftOut;
            }
        };
        let Reach { local: Some(local), remote, .. } = reach else {
            findings.push(match self.alive_otherwise(pass) {
                Some(witness) => self.undefined(witness),
                None => self.dead(pass, reach.remote),
            });
            return Standing::LeftOut;
        };
        let everyone = self.kind != Kind::Room && pass.contains_everyone(self.kind, self.pattern, self.ways);
        findings.extend(self.glob(local));
        if holds_placeholder(self.pattern.source()) {
            let message =
                "the regex holds a placeholder that was never filled in, and claims what is written like it alone";
            findings.push(self.finding(Code::Placeholder, Severity::Warning, message));
        }
        if !everyone && self.kind != Kind::Room && !self.binds_local_users(pass) {
            findings.extend(remote.map(|remote| self.beyond_this_server(pass, remote)));
        }
        if everyone { Standing::Everyone } else { Standing::Compared }
    }

    /// Whether the homeserver lets the entry bind users of its own alone, wherever the regex reaches.
    fn binds_local_users(self, pass: &Pass<'_>) -> bool {
        self.kind == Kind::User && pass.homeserver.dialect.scope() == Scope::Local
    }

    fn finding(self, code: Code, severity: Severity, message: impl Into<Cow<'static, str>>) -> Finding {
        Finding::new(code, severity, message).about(self.registration, self.kind, self.index)
    }

    fn not_regular(self) -> Finding {
        let message = "the regex holds what no automaton can tell (a reference, a condition on what precedes within a \
                       repetition, an atomic group): it is matched, but not compared with other entries";
        self.finding(Code::Backtracking, Severity::Note, message)
    }

    fn dead(self, pass: &Pass<'_>, remote: Option<Box<str>>) -> Finding {
        let why = why_dead(self.pattern, self.kind, pass.homeserver, remote.as_deref());
        let message = format!("no {} of this server can match: {why}", self.kind);
        let witness = remote.map(|id| Witness { id, is: WitnessIs::Remote });
        self.finding(Code::DeadEntry, Severity::Warning, message).proved_by(witness)
    }

    /// An ID of this server that it matches by the other reading of what the dialect leaves open.
    fn alive_otherwise(self, pass: &mut Pass<'_>) -> Option<Witness> {
        let other = pass.homeserver.dialect.other_reading()?;
        let other = Homeserver::new(pass.homeserver.name.clone(), other);
        let entry = self.registration.entries(self.kind).at(self.index as usize);
        let pattern = claimed::pattern(&other, self.kind, entry.regex);
        let ways = claimed::ways(&other, self.kind, &pattern);
        pass.reach(self.kind, &pattern, &ways)?.local
    }

    fn undefined(self, witness: Witness) -> Finding {
        let message = format!(
            "the specification leaves open whether any {} of this server can match: by one of its readings none does, by the other \
             `{}`",
            self.kind, witness.id
        );
        self.finding(Code::Undefined, Severity::Note, message).proved_by(Some(witness))
    }

    fn glob(self, local: Witness) -> Option<Finding> {
        let (star, glob) = glob_star(self.pattern)?;
        let message = format!(
            "`{star}*` is any number of `{star}`, and not any text: `{}` is claimed too; for any text write `{glob}`",
            local.id
        );
        Some(self.finding(Code::LooksLikeGlob, Severity::Warning, message).proved_by(Some(local)))
    }

    fn beyond_this_server(self, pass: &Pass<'_>, remote: Box<str>) -> Finding {
        let (code, message) = if names_server_unescaped(self.pattern.source(), &pass.homeserver.name) {
            let message = "a dot of the server name is not escaped, so that the entry reaches beyond this server";
            (Code::UnescapedDot, message)
        } else {
            let message = "the entry does not end with this server's name, so that it reaches beyond this server";
            (Code::OpenEnd, message)
        };
        let witness = Witness { id: remote, is: WitnessIs::Remote };
        self.finding(code, Severity::Note, message).proved_by(Some(witness))
    }
}

/// What is said about an entry whose regex is not even parsed to be compared.
pub(super) fn too_long(registration: &Registration, kind: Kind, index: u32) -> Finding {
    let message = format!(
        "the regex is longer than {MAX_SOURCE} bytes, too large to be compared with other entries: it is matched all the same"
    );
    Finding::new(Code::NotCompared, Severity::Note, message).about(registration, kind, index)
}
