use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;
use serde::Serialize;

use super::load::{self, LeftOut};
use super::output::{self, Format, print};
use super::sources::{Whose, at, standard_input_once};
use super::{ERRORS, OK, USAGE, WARNINGS, complain, tell};
use crate::analysis::{Change, ChangeKind, Comparer, WitnessIs};
use crate::homeserver::{Dialect, Homeserver};
use crate::matrix::ServerName;
use crate::source::Provider;
use crate::telemetry::Visible;

/// What to compare.
#[derive(Debug, Args)]
#[command(
    after_help = "Exit codes: 0 nobody loses an ID, 1 IDs have become contested or a file of NEW cannot be loaded, 3 a \
                        service no longer holds or sees IDs, or that could not be decided, 64 usage, 70 internal"
)]
pub(super) struct Diff {
    /// The registrations as they were: a directory or a file.
    #[arg(value_name = "OLD")]
    old: PathBuf,

    /// The registrations as they will be: a directory or a file; the same, if only the homeserver is another one.
    #[arg(value_name = "NEW", required_unless_present = "to")]
    new: Option<PathBuf>,

    #[command(flatten)]
    whose: Whose,

    /// The homeserver that NEW is for, where it is another one than that of OLD: which IDs change hands when a server is
    /// moved.
    #[arg(long, value_name = "HOMESERVER", env = "BAILIWICK_TO")]
    to: Option<Dialect>,

    /// The homeserver's name, as it stands after the colon of its users' IDs.
    #[arg(long, value_name = "NAME", env = "BAILIWICK_SERVER_NAME")]
    server_name: ServerName,

    /// How the changes are written.
    #[arg(long, value_name = "FORMAT", env = "BAILIWICK_FORMAT", value_enum, default_value_t)]
    format: Format,
}

/// What there is to say.
#[derive(Serialize)]
struct Difference {
    /// Whether every file of both sets has been loaded.
    complete: bool,
    /// The files that cannot be loaded and are left out.
    left_out: Vec<LeftOutOf>,
    changes: Vec<Change>,
}

#[derive(Serialize)]
struct LeftOutOf {
    #[serde(flatten)]
    file: LeftOut,
    /// Whether it is one of the new set.
    new: bool,
}

pub(super) fn run(diff: &Diff) -> ExitCode {
    let difference = match difference(diff) {
        Ok(difference) => difference,
        Err(error) => {
            complain(&error);
            return ExitCode::from(USAGE);
        }
    };
    for LeftOutOf { file, .. } in &difference.left_out {
        tell(&file.to_string());
    }
    print(code(&difference), |out| match diff.format {
        Format::Human => out.write_all(human(&difference.changes).as_bytes()),
        Format::Json => output::json(out, &difference),
    })
}

/// The gravest of what there is to say.
fn code(difference: &Difference) -> u8 {
    let any = |kinds: &[ChangeKind]| difference.changes.iter().any(|change| kinds.contains(&change.change));
    if any(&[ChangeKind::BecameContested]) || difference.left_out.iter().any(|file| file.new) {
        ERRORS
    } else if any(&[ChangeKind::Lost, ChangeKind::Left, ChangeKind::Undecided]) {
        WARNINGS
    } else {
        OK
    }
}

fn difference(diff: &Diff) -> anyhow::Result<Difference> {
    let mut left_out = Vec::new();
    let (from, to) = (diff.whose.homeserver, diff.to.unwrap_or(diff.whose.homeserver));
    let mut load = |source: Arc<dyn Provider>, new| {
        let homeserver = Homeserver::new(diff.server_name.clone(), if new { to } else { from });
        let snapshot = load::load(homeserver, vec![source])?;
        left_out.extend(load::left_out(&snapshot).map(|file| LeftOutOf { file, new }));
        anyhow::Ok(snapshot)
    };
    standard_input_once([&diff.old].into_iter().chain(&diff.new))?;
    let old = at(&diff.old, from)?;
    // What comes through a pipe is there once.
    let new = diff.new.as_deref().map_or_else(|| Ok(Arc::clone(&old)), |new| at(new, to))?;
    let (old, new) = (load(old, false)?, load(new, true)?);
    let changes = Comparer::new()?.difference(old.services(), new.services());
    Ok(Difference { complete: left_out.is_empty(), left_out, changes })
}

fn human(changes: &[Change]) -> String {
    if changes.is_empty() {
        return "no ID changes hands\n".to_owned();
    }
    let mut text = String::new();
    for change in changes {
        let mark = match change.change {
            ChangeKind::Gained | ChangeKind::Joined => '+',
            ChangeKind::Lost | ChangeKind::Left => '-',
            ChangeKind::BecameContested => '!',
            ChangeKind::ContestEnded => '=',
            ChangeKind::Undecided => '?',
        };
        let is = match change.witness_is {
            Some(WitnessIs::Historical) => " (only names that no person could take today)",
            Some(WitnessIs::Remote) => " (only IDs of other servers)",
            _ => "",
        };
        text += &format!("{mark} {}{is}\n", Visible(&change.message));
    }
    text
}
