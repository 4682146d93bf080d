//! `check --fix`: the edits that end findings, as a patch, or in the files.
//!
//! Fixes are proved one by one against the files as they are, and two of them may not go together: both may be of one entry,
//! or one may be needed no more after the other. So they are applied in rounds. In each the first fix of every entry is
//! applied, and what comes of all of them is compared again; if there is a finding that was not there before, the round is
//! done again with its first fix alone, which is proved. What the last round leaves has no fix.

mod patch;
mod write;

use std::collections::{BTreeMap, HashSet};
use std::io::Write;
use std::sync::Arc;

use super::output::{self, Printed};
use super::report::Texts;
use super::{complain, tell};
use crate::analysis::{Finding, FindingPlace, Fix, FixEdit};
use crate::homeserver::Homeserver;
use crate::matrix::Kind;
use crate::registration::{Rewrite, Rewritten, TokenHasher};
use zeroize::Zeroizing;

/// What to do with the edits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum How {
    /// Print them as a patch, instead of findings.
    Diff,
    /// Write them into the files.
    Write,
}

/// Files as they are to be, by name.
pub(super) type Edited = BTreeMap<Arc<str>, Zeroizing<Vec<u8>>>;

/// So many rounds are done: 75 real files are done in three, and one that is done again ends one finding alone.
const MAX_ROUNDS: usize = 100;

/// A fix as an edit of a file's text; `None` where the value cannot be written in its place alone.
fn rewritten(homeserver: &Homeserver, fix: &Fix, bytes: &[u8]) -> Option<Rewritten> {
    let Fix { kind, index, replace, with, .. } = fix;
    Rewrite { kind: *kind, index: *index, replace, with }.of(homeserver, &fix.file, bytes, &TokenHasher::new())
}

/// Says with each fix how it is written in its file.
pub(super) fn with_edits(homeserver: &Homeserver, texts: &Texts, findings: &mut [Arc<Finding>]) {
    for finding in findings {
        let Some(mut fix) = finding.fix.clone() else { continue };
        let Some(bytes) = texts.bytes(&fix.file) else { continue };
        fix.edit = rewritten(homeserver, &fix, &bytes).map(|Rewritten { end, text, .. }| FixEdit {
            end_line: end.line,
            end_column: end.column,
            text: text.into(),
        });
        *finding = Arc::new(Finding { fix: Some(fix), ..(**finding).clone() });
    }
}

/// The files with all fixes in them that are wanted and go together; `find` says what is found with some files edited.
pub(super) fn mended(
    homeserver: &Homeserver,
    texts: &Texts,
    findings: &[Arc<Finding>],
    wanted: impl Fn(&[Arc<Finding>]) -> Vec<Arc<Finding>>,
    mut find: impl FnMut(&Arc<Edited>) -> anyhow::Result<Vec<Arc<Finding>>>,
) -> anyhow::Result<Arc<Edited>> {
    let (mut edited, mut findings) = (Arc::<Edited>::default(), findings.to_vec());
    for _ in 0..MAX_ROUNDS {
        let wanted = wanted(&findings);
        let fixes: Vec<&Fix> = wanted.iter().filter_map(|finding| finding.fix.as_deref()).collect();
        let apply = |fixes: &[&Fix]| applied(homeserver, texts, &edited, fixes);
        let alone = fixes.iter().map(|fix| apply(&[fix]));
        // All of them, or else the first that can be written.
        let ways = std::iter::once(apply(&fixes)).chain(alone).filter(|next| *next != *edited).take(2);
        let mut done = None;
        for next in ways.map(Arc::new) {
            let found = find(&next)?;
            if is_better(&findings, &found) {
                done = Some((next, found));
                break;
            }
        }
        let Some(next) = done else { break };
        (edited, findings) = next;
    }
    Ok(edited)
}

/// The files with the first fix of each entry in them.
fn applied(homeserver: &Homeserver, texts: &Texts, edited: &Edited, fixes: &[&Fix]) -> Edited {
    let mut next = edited.clone();
    let mut entries: HashSet<(&str, Kind, u32)> = HashSet::new();
    for fix in fixes.iter().filter(|fix| is_file(&fix.file)) {
        let Some(bytes) = next.get(&fix.file).cloned().or_else(|| texts.bytes(&fix.file)) else { continue };
        if entries.insert((&fix.file, fix.kind, fix.index))
            && let Some(Rewritten { bytes, .. }) = rewritten(homeserver, fix, &bytes)
        {
            next.insert(Arc::clone(&fix.file), bytes);
        }
    }
    next
}

/// Whether it is a file of its own: not standard input, nor a table of a configuration.
fn is_file(name: &str) -> bool {
    !name.starts_with('<') && !name.contains(".toml#")
}

/// Whether there is no finding that was not there before. Places stay where they are but for columns of one line.
fn is_better(before: &[Arc<Finding>], after: &[Arc<Finding>]) -> bool {
    let place = |place: &FindingPlace| (Arc::clone(&place.file), place.line, place.index);
    let key = |finding: &Arc<Finding>| (finding.code, finding.places.iter().map(place).collect::<Vec<_>>());
    let known: HashSet<_> = before.iter().map(key).collect();
    after.iter().all(|finding| known.contains(&key(finding)))
}

/// Prints the edits as a patch; the command ends with `code`.
pub(super) fn print(texts: &Texts, edited: &Edited, code: u8) -> Printed {
    let patches = patch::patch(texts, edited);
    for patch in patches.iter().filter(|patch| patch.hidden > 0) {
        let (file, hidden) = (&patch.file, patch.hidden);
        tell(&format!(
            "note: {file}: lines that are not in the patch, since they may hold tokens: {hidden}; --fix=write writes them"
        ));
    }
    output::printed(code, |out| patches.iter().try_for_each(|patch| out.write_all(patch.text.as_bytes())))
}

/// Writes the edited files; says which, and whether all of them are written.
pub(super) fn write_all(texts: &Texts, edited: &Edited) -> bool {
    let mut all = true;
    for (file, after) in edited {
        let Some(before) = texts.bytes(file) else { continue };
        match write::write(file, &before, after) {
            Ok(()) => tell(&format!("note: {file} is written")),
            Err(error) => {
                complain(&error);
                all = false;
            }
        }
    }
    all
}
