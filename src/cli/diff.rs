use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::slice;
use std::sync::Arc;

use anyhow::bail;
use clap::Args;
use serde::Serialize;

use super::load::{self, LeftOut};
use super::nothing::tell_unless_found;
use super::output::{self, Format, print};
use super::sources::{SynapseConfig, Whose, at, is_once, standard_input_once, unread_directories};
use super::{ERRORS, OK, USAGE, WARNINGS, complain, homeserver_names, tell};
use crate::analysis::{Change, ChangeKind, Comparer, WitnessIs};
use crate::homeserver::{Dialect, Homeserver};
use crate::matrix::ServerName;
use crate::source::Provider;
use crate::telemetry::Visible;

/// What to compare.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  bailiwick diff registrations.old registrations --server-name example.com
  bailiwick diff --synapse-config homeserver.yaml registrations
  bailiwick diff --synapse-config homeserver.yaml --to tuwunel

Exit codes: 0 nobody loses an ID, 1 IDs have become contested or a file of NEW cannot be loaded, or it has none, 3 a service no longer holds or \
sees IDs, or that could not be decided, 64 usage, 70 internal")]
pub(super) struct Diff {
    /// The registrations as they were, and as they will be: OLD and NEW, each a directory or a file. With `--synapse-config`
    /// NEW alone; with `--to` NEW is the same as OLD unless it is given.
    #[arg(value_name = "OLD NEW", num_args = 0..=2)]
    sets: Vec<PathBuf>,

    #[command(flatten)]
    synapse: SynapseConfig,

    /// Take the registrations as they will be from Synapse's configuration, in the same way.
    #[arg(long, value_name = "PATH", env = "BAILIWICK_NEW_SYNAPSE_CONFIG")]
    new_synapse_config: Vec<PathBuf>,

    #[command(flatten)]
    whose: Whose,

    /// The homeserver that NEW is for, where it is another one than that of OLD: which IDs change hands when a server is
    /// moved.
    #[arg(
        long,
        value_name = "HOMESERVER",
        env = "BAILIWICK_TO",
        value_parser = homeserver_names::one(),
        hide_possible_values = true
    )]
    to: Option<Dialect>,

    /// The homeserver's name, as it stands after the colon of its users' IDs.
    #[arg(long, value_name = "NAME", env = "BAILIWICK_SERVER_NAME")]
    server_name: Option<ServerName>,

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
    /// Whether there is nothing in the new set, which is rather a wrong path than what somebody wants.
    #[serde(skip)]
    nothing: bool,
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
    for LeftOutOf { file, new } in &difference.left_out {
        tell(&format!("{}: {file}", if *new { "NEW" } else { "OLD" }));
    }
    print(code(&difference), |out| match diff.format {
        Format::Human => out.write_all(human(&difference.changes).as_bytes()),
        Format::Json => output::json(out, &difference),
    })
}

/// The gravest of what there is to say.
fn code(difference: &Difference) -> u8 {
    let any = |kinds: &[ChangeKind]| difference.changes.iter().any(|change| kinds.contains(&change.change));
    if any(&[ChangeKind::BecameContested]) || difference.nothing || difference.left_out.iter().any(|file| file.new) {
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
    let (server_name, old, new) = diff.given()?;
    let mut load = |set: Set, new| {
        let homeserver = Homeserver::new(server_name.clone(), if new { to } else { from });
        let snapshot = load::load(homeserver, set.sources)?;
        left_out.extend(load::left_out(&snapshot).map(|file| LeftOutOf { file, new }));
        let of = if new { "NEW: " } else { "OLD: " };
        let nothing = tell_unless_found(slice::from_ref(&snapshot), &set.paths, &set.configs, of);
        anyhow::Ok((snapshot, nothing))
    };
    let ((old, _), (new, nothing)) = (load(old, false)?, load(new, true)?);
    let changes = Comparer::new()?.difference(old.services(), new.services());
    Ok(Difference { complete: left_out.is_empty(), left_out, nothing, changes })
}

/// What registrations come from, and where that is.
#[derive(Clone, Default)]
struct Set {
    sources: Vec<Arc<dyn Provider>>,
    paths: Vec<PathBuf>,
    configs: Vec<PathBuf>,
}

impl Diff {
    /// The homeserver's name, and the registrations as they were and as they will be.
    fn given(&self) -> anyhow::Result<(ServerName, Set, Set)> {
        standard_input_once(self.sets.iter())?;
        let mut names: Vec<ServerName> = self.server_name.iter().cloned().collect();
        let mut configured = |paths: &[PathBuf]| {
            if paths.is_empty() {
                return Ok(None);
            }
            let given = self.server_name.as_ref();
            let (homeserver, sources) =
                self.synapse.sources_of(paths, given, &mut |note| tell(&format!("note: {note}")))?;
            names.push(homeserver.name);
            anyhow::Ok(Some(Set { sources, configs: paths.to_vec(), ..Set::default() }))
        };
        let (old, new) = (configured(&self.synapse.paths)?, configured(&self.new_synapse_config)?);
        let mut paths = self.sets.iter();
        let old_path = if old.is_some() { None } else { paths.next() };
        // What another homeserver finds in the same place is its own matter; what comes through a pipe is there once.
        let again = old_path.filter(|path| self.to.is_some() && !is_once(path));
        let new_path = if new.is_some() { None } else { paths.next().or(again) };
        let read = |path: &PathBuf, by| {
            unread_directories(slice::from_ref(path), by, |file| fs::read(file))
                .for_each(|note| tell(&format!("note: {note}")));
            at(path, by).map(|source| Set { sources: vec![source], paths: vec![path.clone()], ..Set::default() })
        };
        let old = old_path.map(|path| read(path, self.whose.homeserver)).transpose()?.or(old);
        let new = new_path.map(|path| read(path, self.to.unwrap_or(self.whose.homeserver))).transpose()?.or(new);
        let Some(old) = old else { bail!("which registrations? Give OLD and NEW, or --synapse-config for OLD") };
        let new = match new {
            Some(new) => new,
            None if self.to.is_some() => old.clone(),
            None => bail!("NEW is missing: a directory, a file, --new-synapse-config, or another homeserver with --to"),
        };
        if let Some(more) = paths.next() {
            bail!("{} is one set too many: OLD and NEW are given already", more.display());
        }
        let Some(name) = names.pop() else { bail!("--server-name is missing, or --synapse-config, which says it") };
        match names.iter().find(|other| **other != name) {
            Some(other) => {
                bail!("these are registrations of {other} and of {name}: of different servers no ID is the same")
            }
            None => Ok((name, old, new)),
        }
    }
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
