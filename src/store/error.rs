use std::error::Error;
use std::io;
use std::time::Duration;

use tokio_postgres::error::SqlState;

use super::Whose;

/// Why a store cannot be used. No message repeats what a row holds.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The connection cannot be made, or is lost.
    #[error("the database cannot be reached: {0}")]
    Unreachable(String),
    /// It does not answer.
    #[error("the database has not answered within {} s", .0.as_secs_f64())]
    Late(Duration),
    /// The database refuses what is asked.
    #[error("the database refuses: {0}")]
    Refused(String),
    /// The role may not do this.
    #[error(
        "the database does not let this role do it: {0}; whoever changes something needs the rights of `bailiwick_writer`, and whoever \
         migrates or purges those of the tables' owner (docs/store.md, \"Roles\")"
    )]
    NotAllowed(String),
    /// It is another homeserver's.
    #[error(
        "the store is that of {}, and not of {}: say `--server-name` and `--homeserver` as it has them, or make it the other's by \
         `bailiwick store assign`", .0.0, .0.1
    )]
    Others(Box<(Whose, Whose)>),
    /// It is that of another name.
    #[error(
        "the store is that of {kept}, and not of `{given}`: say `--server-name` as it has it, or make it the other's by \
         `bailiwick store assign`"
    )]
    OthersName {
        /// Whose it is.
        kept: Box<Whose>,
        /// The name that was given.
        given: String,
    },
    /// There are no tables.
    #[error("the database holds no store: `bailiwick store migrate` makes one")]
    NoSchema,
    /// The tables are older than this bailiwick needs.
    #[error(
        "the store's schema is at migration {found}, and this bailiwick needs {needed}: `bailiwick store migrate` brings it there"
    )]
    OldSchema {
        /// The last migration that was made.
        found: i32,
        /// The one that is needed.
        needed: i32,
    },
    /// The tables are younger than this bailiwick knows.
    #[error(
        "the store's schema is at migration {found}, and this bailiwick knows those up to {known}: it needs a newer one"
    )]
    NewSchema {
        /// The last migration that was made.
        found: i32,
        /// The last one that is known.
        known: i32,
    },
    /// Its history is not the one that was read before.
    #[error("this is not the store that was read before, or it was put back to an earlier state")]
    Another,
    /// Nobody can tell any more what was read before.
    #[error("at which revision the store was before the restart cannot be made out any more in the state directory")]
    Forgotten,
    /// What others tell does not come through.
    #[error("what is told does not arrive here, as through PgBouncer in transaction mode")]
    Deaf,
    /// What it says of itself cannot be.
    #[error("the store contradicts itself: {0}")]
    Contradiction(String),
    /// Others change it all the time.
    #[error("others are changing the store, and have kept it for too long: try again")]
    Busy,
    /// Somebody else makes migrations, or holds the lock under which they are made.
    #[error(
        "another migration has not ended within {} s, or somebody else holds its lock (`advisory` in pg_locks): try again",
        .0.as_secs_f64()
    )]
    Migrating(Duration),
    /// Nobody can tell whether a change was made.
    #[error("the change may have been made or not ({0}): ask for it again, which makes nothing twice")]
    Unsure(String),
    /// What is in force here is not what the store says, so that nothing can be judged.
    #[error("what is in force here is not yet what the store holds, so that nothing can be judged: {0}")]
    Behind(String),
    /// There was no time to judge it, so that nobody knows whether it collides.
    #[error(
        "it could not be compared with what is in force within {} s: ask again when less is to be done here, or with force=true",
        .0.as_secs_f64()
    )]
    NotCompared(Duration),
    /// The service is to stop, and the database does not answer.
    #[error(
        "bailiwick is stopping, and the database has not answered before: nothing was changed, ask another replica"
    )]
    Stopping,
    /// Something of this machine.
    #[error("{0}")]
    Io(#[from] io::Error),
}

impl From<tokio_postgres::Error> for StoreError {
    fn from(error: tokio_postgres::Error) -> Self {
        let Some(said) = error.as_db_error() else { return Self::Unreachable(with_causes(&error)) };
        // Without its details, which may repeat values.
        match said.code() {
            &SqlState::UNDEFINED_TABLE | &SqlState::INVALID_SCHEMA_NAME => Self::NoSchema,
            // Said alike, however far it has come: each other sentence is news to whoever reads the log.
            &SqlState::ADMIN_SHUTDOWN | &SqlState::CRASH_SHUTDOWN | &SqlState::CANNOT_CONNECT_NOW => {
                Self::Unreachable("it is stopping or starting".to_owned())
            }
            &SqlState::IDLE_SESSION_TIMEOUT | &SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT => {
                Self::Unreachable("it has closed a session that was idle".to_owned())
            }
            &SqlState::INSUFFICIENT_PRIVILEGE => Self::NotAllowed(said.message().to_owned()),
            &SqlState::LOCK_NOT_AVAILABLE => Self::Busy,
            &SqlState::TOO_MANY_CONNECTIONS => Self::Unreachable(said.message().to_owned()),
            _ => Self::Refused(said.message().to_owned()),
        }
    }
}

fn with_causes(error: &tokio_postgres::Error) -> String {
    let mut said = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !said.contains(&more) {
            said.push_str(": ");
            said.push_str(&more);
        }
        cause = error.source();
    }
    said
}
