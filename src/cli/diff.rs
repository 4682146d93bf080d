use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, ValueEnum};

use super::sources::at;
use super::{ERRORS, INTERNAL, OK, USAGE, complain, load, tell};
use crate::analysis::{Change, ChangeKind, Comparer, WitnessIs};
use crate::matrix::ServerName;
use crate::telemetry::{Visible, VisibleJson};

/// What to compare.
#[derive(Debug, Args)]
pub(super) struct Diff {
    /// The registrations as they were: a directory or a file.
    #[arg(value_name = "OLD")]
    old: PathBuf,

    /// The registrations as they will be: a directory or a file.
    #[arg(value_name = "NEW")]
    new: PathBuf,

    /// The homeserver's name, as it stands after the colon of its users' IDs.
    #[arg(long, value_name = "NAME", env = "BAILIWICK_SERVER_NAME")]
    server_name: ServerName,

    /// How the changes are written.
    #[arg(long, value_name = "FORMAT", env = "BAILIWICK_FORMAT", value_enum, default_value_t)]
    format: Format,
}

/// How the changes are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people.
    #[default]
    Human,
    /// One JSON document.
    Json,
}

pub(super) fn run(diff: &Diff) -> ExitCode {
    let changes = match changes(diff) {
        Ok(changes) => changes,
        Err(error) => {
            complain(&error);
            return ExitCode::from(USAGE);
        }
    };
    let text = match diff.format {
        Format::Human => human(&changes),
        Format::Json => format!("{}\n", VisibleJson(serde_json::to_string_pretty(&changes).unwrap_or_default())),
    };
    if let Err(error) = io::stdout().lock().write_all(text.as_bytes()) {
        complain(&error.into());
        return ExitCode::from(INTERNAL);
    }
    let contested = changes.iter().any(|change| change.change == ChangeKind::BecameContested);
    ExitCode::from(if contested { ERRORS } else { OK })
}

fn changes(diff: &Diff) -> anyhow::Result<Vec<Change>> {
    let of = |path: &Path| {
        let snapshot = load::load(diff.server_name.clone().into(), vec![at(path)])?;
        for file in snapshot.files().iter().filter(|file| !file.faults().is_empty()) {
            tell(&format!("{} cannot be loaded and is left out (`bailiwick check` says why)", file.file()));
        }
        anyhow::Ok(snapshot)
    };
    let (old, new) = (of(&diff.old)?, of(&diff.new)?);
    Ok(Comparer::new()?.difference(old.services(), new.services()))
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
