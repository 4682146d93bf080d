use std::sync::Arc;

use anyhow::anyhow;

use super::{
    Check, Format, Means, bridge_config, code, complain, find, load_all, once, sorted_out, tell_all, unchecked,
    waiting, weighed,
};
use crate::analysis::{Finding, Severity};
use crate::cli::fix::{self, Edited, How};
use crate::cli::output::Printed;
use crate::cli::report::Texts;
use crate::cli::watch::Look;
use crate::cli::{INTERNAL, USAGE};
use crate::snapshot::Snapshot;

/// What a look at the sources, some of them edited, has come to.
struct LookedAt {
    texts: Texts,
    snapshots: Vec<Arc<Snapshot>>,
    found: Vec<Arc<Finding>>,
}

/// Prints or writes the edits that end findings.
pub(super) fn run(check: &Check, how: How, colour: bool) -> Printed {
    if how == How::Diff && check.format != Format::Human {
        complain(&anyhow!("--fix prints a patch; in the answers of --format, findings hold their fixes without it"));
        return Printed { code: USAGE, whole: false };
    }
    let mut look = Look::default();
    let means = match Means::of(check, colour, &look) {
        Ok(means) => means,
        Err(printed) => return printed,
    };
    let mut notes = Vec::new();
    let mut looked_at = |edited: &Arc<Edited>| {
        let texts = Texts::default();
        let (snapshots, bridges) = load_all(check, &texts, edited, &mut look, &mut |note| notes.push(note))?;
        let of_bridges = |snapshot: &Snapshot| bridge_config::findings(&means.comparer, snapshot, &bridges, &texts);
        let found = waiting(&snapshots, || find(&means.comparer, &snapshots, &of_bridges));
        anyhow::Ok(LookedAt { texts, snapshots, found })
    };
    let first = match looked_at(&Arc::default()) {
        Ok(first) => first,
        Err(error) => {
            tell_all(&notes);
            return unchecked(check.format, &error, colour, &look);
        }
    };
    let edited = mended(check, &means, &first, |edited| looked_at(edited).map(|again| again.found));
    done(check, how, &means, first, edited, |check| once(check, colour, &mut look))
}

/// The files with the fixes in them that are wanted: of what would be shown.
fn mended(
    check: &Check,
    means: &Means,
    LookedAt { texts, snapshots, found }: &LookedAt,
    find_again: impl FnMut(&Arc<Edited>) -> anyhow::Result<Vec<Arc<Finding>>>,
) -> anyhow::Result<Arc<Edited>> {
    let wanted = |found: &[Arc<Finding>]| {
        let (_, mut rest) = sorted_out(found.to_vec(), check, &means.list);
        rest.retain(|finding| check.all || finding.severity != Severity::Note);
        rest
    };
    fix::mended(snapshots[0].services().homeserver(), texts, found, wanted, find_again)
}

/// Prints the edits, or writes them and checks once more.
fn done(
    check: &Check,
    how: How,
    means: &Means,
    LookedAt { texts, snapshots, found }: LookedAt,
    edited: anyhow::Result<Arc<Edited>>,
    check_again: impl FnOnce(&Check) -> Printed,
) -> Printed {
    match edited {
        Err(error) => {
            complain(&error);
            Printed { code: INTERNAL, whole: false }
        }
        Ok(edited) if how == How::Diff => {
            let (_, rest) = sorted_out(found, check, &means.list);
            fix::print(&texts, &edited, code(&snapshots, &weighed(rest, check)))
        }
        Ok(edited) if fix::write_all(&texts, &edited) => check_again(check),
        Ok(_) => Printed { code: INTERNAL, whole: false },
    }
}
