//! What is known of one registration before it is compared with others.

use std::sync::Arc;

use super::Finding;
use super::budget::{self, MAX_SOURCE, MAX_STEPS_WITHIN, Unseen};
use super::single::{Examined, Examiner};
use crate::matrix::Kind;
use crate::registration::Registration;
use python_re::{necessary_paths, paths};

/// A registration, its entries and the findings that it gives alone.
#[derive(Debug)]
pub(super) struct Prepared {
    pub(super) registration: Arc<Registration>,
    pub(super) entries: Box<[PreparedEntry]>,
    pub(super) findings: Box<[Arc<Finding>]>,
    /// What was not looked at.
    pub(super) unseen: Unseen,
}

/// An entry as far as it bears on whether two can overlap.
#[derive(Debug)]
pub(super) struct PreparedEntry {
    pub(super) kind: Kind,
    pub(super) index: u32,
    pub(super) exclusive: bool,
    /// Every ID that matches begins with one of these.
    pub(super) prefixes: Box<[Box<[u8]>]>,
    /// It takes part in comparisons: it claims something, not everything, and its language is known.
    pub(super) compared: bool,
    /// It contains every local user or alias.
    pub(super) everyone: bool,
}

impl Prepared {
    pub(super) fn new(examiner: &mut Examiner<'_>, registration: &Arc<Registration>) -> Self {
        let mut findings = Vec::new();
        let mut entries = Vec::new();
        let mut unseen = Unseen::default();
        examiner.allow(MAX_STEPS_WITHIN);
        for kind in Kind::ALL {
            for (index, entry) in (0..).zip(registration.namespaces.of(kind)) {
                if examiner.is_spent() || entry.regex.len() > MAX_SOURCE {
                    if entry.regex.len() > MAX_SOURCE {
                        findings.push(super::single::too_long(registration, kind, index));
                    } else {
                        unseen.entries += 1;
                    }
                    entries.push(PreparedEntry {
                        kind,
                        index,
                        exclusive: entry.exclusive,
                        prefixes: [Box::default()].into(),
                        compared: false,
                        everyone: false,
                    });
                    continue;
                }
                examiner.arena.step(entry.regex.len() as u64);
                let Ok(pattern) = examiner.homeserver.dialect.parse(kind, &entry.regex) else { continue };
                let mut ways = paths(pattern.ast());
                if ways.iter().any(|path| path.rest.is_none()) {
                    ways = necessary_paths(pattern.ast());
                }
                let Examined { compared, everyone } =
                    examiner.entry(registration, kind, index, &pattern, &ways, &mut findings);
                let prefixes = ways.into_iter().map(|path| path.prefix.into()).collect();
                entries.push(PreparedEntry { kind, index, exclusive: entry.exclusive, prefixes, compared, everyone });
            }
        }
        examiner.file(registration, &mut findings);
        unseen.pairs = examiner.shadows(registration, &entries, &mut findings);
        let findings = budget::bound(findings).into_iter().map(Arc::new).collect();
        Self { registration: Arc::clone(registration), entries: entries.into(), findings, unseen }
    }
}

/// Whether IDs can begin with prefixes of both.
pub(super) fn can_meet(a: &PreparedEntry, b: &PreparedEntry) -> bool {
    a.kind == b.kind && a.prefixes.iter().any(|a| b.prefixes.iter().any(|b| a.starts_with(b) || b.starts_with(a)))
}
