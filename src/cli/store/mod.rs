//! `bailiwick store`: what is done to a store in PostgreSQL.

mod assign;
mod change;
mod export;
mod purge;

use std::ops::ControlFlow;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args, Subcommand};

use super::sources::Whose;
use super::store_option::HowToReach;
use super::{INTERNAL, OK, USAGE, complain, tell};
use crate::homeserver::Homeserver;
use crate::matrix::ServerName;
use crate::store::{self, Address, Migrated, StoreError};
use crate::telemetry::Visible;

/// What to do.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  bailiwick store migrate --store postgres://owner@localhost/bailiwick
  bailiwick store import registrations --server-name example.com
  bailiwick store put irc.yaml --server-name example.com
  bailiwick store history irc
  bailiwick store purge --older-than 90d

Exit codes: 0 done, 1 something speaks against it, 64 usage, 70 internal (also when the database does not answer)")]
pub(super) struct Store {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Make the store's tables, or bring them to where this bailiwick needs them; as a role that may create a schema.
    Migrate(Migrate),
    /// Make the store another homeserver's, by its name or by its rules: only if what it holds loads and does not collide there.
    Assign(assign::Assign),
    /// Put registrations into the store, all of them or none: only if they load, and nothing collides that did not before.
    Put(change::Put),
    /// Put the registrations of directories into the store, in load order: as `put` does.
    Import(change::Import),
    /// Remove registrations from the store. Their names are free at once.
    Rm(change::Rm),
    /// Make the store say what it said at an earlier revision, as new changes: as `put` does.
    Rollback(change::Rollback),
    /// Forget what has not been in force for long: former registrations, with their tokens, and what was removed; as the owner of the
    /// tables. Nobody can roll back to before that.
    Purge(purge::Purge),
    /// Write all registrations into a directory, byte for byte as they were put. They hold tokens.
    Export(export::Export),
    /// List what is in the store: revision, size in bytes, id.
    List(Database),
    /// Say what was changed, when, and by whom, the latest first.
    History(History),
}

/// Which store.
#[derive(Debug, Args)]
#[command(next_help_heading = "Store")]
struct Database {
    /// The database, such as `postgres://bailiwick@db.example.com/bailiwick`. No password in it: that is in
    /// `--store-password-file` or in PGPASSWORD.
    #[arg(long = "store", value_name = "URL", env = "BAILIWICK_STORE")]
    url: String,

    #[command(flatten)]
    how: HowToReach,
}

/// By whose rules something is judged.
#[derive(Debug, Args)]
struct Rules {
    /// The homeserver's name, as it stands after the colon of its users' IDs.
    #[arg(long, value_name = "NAME", env = "BAILIWICK_SERVER_NAME")]
    server_name: ServerName,

    #[command(flatten)]
    whose: Whose,
}

/// Which schema, and whose store.
#[derive(Debug, Args)]
struct Migrate {
    /// The homeserver whose registrations these are, by its name: nobody serves or changes them by another then. Without it, that
    /// is whoever serves or changes them first.
    #[arg(long, value_name = "NAME", env = "BAILIWICK_SERVER_NAME")]
    server_name: Option<ServerName>,

    #[command(flatten)]
    whose: Whose,

    #[command(flatten)]
    database: Database,
}

/// Which changes.
#[derive(Debug, Args)]
struct History {
    /// Those of this registration alone, by its `id`.
    id: Option<String>,

    /// So many.
    #[arg(long, value_name = "COUNT", default_value_t = 50)]
    limit: u32,

    #[command(flatten)]
    database: Database,
}

impl Rules {
    fn homeserver(&self) -> Homeserver {
        Homeserver::new(self.server_name.clone(), self.whose.homeserver)
    }
}

impl Database {
    fn address(&self) -> Result<Arc<Address>, Failure> {
        self.how.address(&self.url).map_err(Failure::Usage)
    }
}

/// Why something was not done.
enum Failure {
    /// What was given cannot be used.
    Usage(anyhow::Error),
    /// Something else.
    Other(anyhow::Error),
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Other(error.into())
    }
}

pub(super) fn run(store: &Store) -> ExitCode {
    let done = match &store.what {
        What::Migrate(migrate) => migrate.run(),
        What::Assign(assign) => assign.run(),
        What::Put(put) => put.run(),
        What::Import(import) => import.run(),
        What::Rm(rm) => rm.run(),
        What::Rollback(rollback) => rollback.run(),
        What::Purge(purge) => purge.run(),
        What::Export(export) => export.run(),
        What::List(database) => list(database),
        What::History(history) => tell_history(history),
    };
    match done {
        Ok(code) => ExitCode::from(code),
        Err(Failure::Usage(error)) => {
            complain(&error);
            ExitCode::from(USAGE)
        }
        Err(Failure::Other(error)) => {
            complain(&error);
            ExitCode::from(INTERNAL)
        }
    }
}

impl Migrate {
    fn run(&self) -> Result<u8, Failure> {
        let address = self.database.address()?;
        let waits = || tell("another migration is being made, which is waited for, a minute at most");
        let homeserver = self.server_name.clone().map(|name| Homeserver::new(name, self.whose.homeserver));
        let Migrated { before, after, whose } = store::migrate(&address, homeserver.as_ref(), waits)?;
        if before == after {
            println!("{address}: the schema is at migration {after} already");
        } else {
            println!("{address}: migrations {} to {after} are made", before + 1);
        }
        match whose {
            Some(whose) => println!("it is the store of {whose}"),
            None => println!(
                "it is nobody's yet: it becomes that of whoever serves or changes it first, or of the one that `--server-name` says"
            ),
        }
        Ok(OK)
    }
}

fn list(database: &Database) -> Result<u8, Failure> {
    store::kept(&*database.address()?, |kept| {
        println!("{:>8} {:>7} {}", kept.revision, kept.source.len(), Visible(&kept.id));
        ControlFlow::Continue(())
    })?;
    Ok(OK)
}

fn tell_history(history: &History) -> Result<u8, Failure> {
    let address = history.database.address()?;
    let (purged, entries) = store::history(&address, history.id.as_deref(), history.limit.into())?;
    for entry in entries {
        let what = match (entry.removed, entry.forced) {
            (true, _) => "removed",
            (false, true) => "forced ",
            (false, false) => "put    ",
        };
        let (id, by) = (Visible(&entry.id), Visible(&entry.by));
        println!("{:>8} {} {what} {id} by {by} ({})", entry.revision, entry.at, Visible(&entry.role));
    }
    if purged > 0 {
        tell(&format!("of what was changed up to revision {purged}, all but what was in force then has been purged"));
    }
    Ok(OK)
}

/// A path that cannot be used.
fn at(path: &Path, error: impl std::fmt::Display) -> Failure {
    Failure::Usage(anyhow::anyhow!("{}: {error}", path.display()))
}
