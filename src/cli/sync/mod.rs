//! `bailiwick sync`: keeps the list of reserved names that another program holds.

mod mas;
mod merge;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::thread::sleep;
use std::time::Duration;

use anyhow::bail;
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use self::mas::{Failure, Mas};
use self::merge::{Merged, merged};
use super::load::{self, LeftOut};
use super::preflight::base;
use super::sources::{Sources, Whose};
use super::{ERRORS, INTERNAL, OK, USAGE, WARNINGS, complain, tell};
use crate::analysis::{Comparer, Deadline, Told};
use crate::export::Lists;
use crate::snapshot::Snapshot;

/// Whose list to keep.
#[derive(Debug, Args)]
#[command(after_help = "Example:
  bailiwick sync mas . --server-name example.com \\
    --url https://mas.example.com --client-id ID --client-secret-file SECRET

Exit codes: 0 the list holds what it should; the others are said by `bailiwick sync mas --help`")]
pub(super) struct Sync {
    #[command(subcommand)]
    of: Of,
}

#[derive(Debug, Subcommand)]
enum Of {
    /// The policy data of a Matrix Authentication Service: names that nobody may register.
    Mas(Box<SyncMas>),
}

/// What to put where.
#[derive(Debug, Args)]
#[command(
    after_help = "Exit codes: 0 all that services hold exclusively is there, 1 a registration cannot be loaded or one of \
                        several directories holds none, so that nothing was taken away, 3 an entry cannot be said exactly and is left out, 64 usage (also when the \
                        service refuses), 70 internal (also when it does not answer). With --every it goes on, unless the first look ends with 64"
)]
struct SyncMas {
    #[command(flatten)]
    sources: Sources,

    #[command(flatten)]
    whose: Whose,

    /// Where the Matrix Authentication Service is reached, such as `https://mas.example.com`.
    #[arg(long, value_name = "URL", env = "BAILIWICK_MAS", value_parser = base, help_heading = "Matrix Authentication Service")]
    url: String,

    /// A client of its configuration that is listed under `policy.data.admin_clients`.
    #[arg(long, value_name = "ID", env = "BAILIWICK_MAS_CLIENT_ID", help_heading = "Matrix Authentication Service")]
    client_id: String,

    /// A file that holds the client's secret, and nothing else.
    #[arg(
        long,
        value_name = "FILE",
        env = "BAILIWICK_MAS_CLIENT_SECRET_FILE",
        help_heading = "Matrix Authentication Service"
    )]
    client_secret_file: PathBuf,

    /// Go on, and look at the registrations and at the service again after so many seconds; without it, once.
    #[arg(long, value_name = "SECONDS", env = "BAILIWICK_SYNC_EVERY", value_parser = clap::value_parser!(u64).range(1..=86_400), help_heading = "Matrix Authentication Service")]
    every: Option<u64>,
}

pub(super) fn run(sync: &Sync) -> ExitCode {
    let Of::Mas(mas) = &sync.of;
    let mut has_begun = false;
    loop {
        let code = match once(mas) {
            Ok(code) => code,
            Err(error) => {
                complain(&error);
                match error.downcast_ref::<Vain>() {
                    Some(Vain) => INTERNAL,
                    None => USAGE,
                }
            }
        };
        // What is wrong from the start does not pass; what becomes wrong may.
        has_begun |= code != USAGE;
        match mas.every.filter(|_| has_begun) {
            Some(seconds) => sleep(Duration::from_secs(seconds)),
            None => return ExitCode::from(code),
        }
    }
}

/// The service did not answer as it should; it may the next time.
#[derive(Debug, thiserror::Error)]
#[error("what is there now is not known")]
struct Vain;

fn failed(failure: Failure) -> anyhow::Error {
    match failure {
        Failure::Refused(what) => anyhow::Error::msg(what),
        Failure::InVain(what) => anyhow::Error::new(Vain).context(what),
    }
}

fn once(sync: &SyncMas) -> anyhow::Result<u8> {
    let (homeserver, sources) =
        sync.sources.resolve(sync.whose.homeserver, &mut |note| tell(&format!("note: {note}")))?;
    let snapshot = load::load(homeserver, sources)?;
    if snapshot.files().is_empty() {
        bail!("no registration was found, and nothing is taken away for that");
    }
    let left_out: Vec<LeftOut> = load::left_out(&snapshot).collect();
    for file in &left_out {
        tell(&file.to_string());
    }
    let empty = empty(&sync.sources.dirs, &snapshot);
    for dir in &empty {
        tell(&format!("{}: no registration, as if it were not mounted; nothing is taken away", dir.display()));
    }
    let is_whole = left_out.is_empty() && empty.is_empty();
    let reserved = Comparer::new()?.reserved(snapshot.services(), Told::Localparts, &Deadline::none());
    let lists = json!(Lists::of(&reserved.forms));
    let mas = Mas::at(&sync.url, &sync.client_id, &sync.client_secret_file).map_err(failed)?;
    put(&mas, &snapshot, &lists, !is_whole)?;
    Ok(match (is_whole, reserved.inexact.is_empty()) {
        (false, _) => ERRORS,
        (true, false) => WARNINGS,
        (true, true) => OK,
    })
}

/// The directories of which nothing has come: one that is not mounted looks so.
fn empty<'d>(dirs: &'d [PathBuf], snapshot: &Snapshot) -> Vec<&'d Path> {
    let is_of = |dir: &Path| snapshot.files().iter().any(|file| Path::new(file.file()).starts_with(dir));
    dirs.iter().map(PathBuf::as_path).filter(|dir| dir.is_dir() && !is_of(dir)).collect()
}

/// So often it is tried when others write at the same time.
const TRIES: usize = 5;

/// Puts the names where they belong, unless they are there. The service compares nothing when it is written to, so it is
/// read once more: where another has written since, what they have written is taken and ours is put into it again. Who writes
/// between the reading and the writing is written over, and nothing tells.
fn put(mas: &Mas, snapshot: &Snapshot, lists: &Value, keep: bool) -> anyhow::Result<()> {
    let mut changes = None;
    for _ in 0..TRIES {
        let current = mas.latest().map_err(failed)?.unwrap_or_else(|| json!({}));
        let Merged { data, added, removed } =
            merged(&current, lists, snapshot.digest(), keep).map_err(anyhow::Error::msg)?;
        if (added, removed) == (0, 0) {
            let (added, removed) = changes.unwrap_or_default();
            tell(&format!("{added} added, {removed} removed: the policy data are as they should be"));
            return Ok(());
        }
        changes.get_or_insert((added, removed));
        mas.set(&data).map_err(failed)?;
    }
    Err(anyhow::Error::new(Vain).context("others change the policy data all the time"))
}
