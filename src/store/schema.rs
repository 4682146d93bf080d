//! The tables, and how they come to be: numbered migrations, each made once, by one at a time.

use std::pin::pin;
use std::time::Duration;

use tokio::time::timeout;
use tokio_postgres::Client;
use tokio_postgres::types::{ToSql, Type};

use super::session::{ANSWER_LIMIT, Driver, connect, within};
use super::whose::{self, Whose};
use super::{Address, StoreError};
use crate::homeserver::Homeserver;

/// In their order; the first is number 1. What was published is never changed.
const MIGRATIONS: [&str; 3] =
    [include_str!("migrations/1.sql"), include_str!("migrations/2.sql"), include_str!("migrations/3.sql")];

/// Whoever makes migrations holds this lock: "bailiwic" as a number, which nothing else in the database is likely to take.
const LOCK: i64 = i64::from_be_bytes(*b"bailiwic");

/// Whoever waits for it is told so after this time: what nobody else holds is there within milliseconds.
const NOTICE: Duration = Duration::from_secs(1);
/// And gives up after this, since any role that may connect can take the lock and keep it: one who looks on waits no longer without
/// asking why, and a migration of another's that takes longer is found done by the next run.
const LOCK_LIMIT: Duration = Duration::from_secs(60);

/// The migration that is needed.
fn needed() -> i32 {
    i32::try_from(MIGRATIONS.len()).unwrap_or(i32::MAX)
}

/// Whether a schema at this migration can be worked with.
pub(super) fn check(found: Option<i32>) -> Result<(), StoreError> {
    match found {
        None => Err(StoreError::NoSchema),
        Some(found) if found < needed() => Err(StoreError::OldSchema { found, needed: needed() }),
        Some(found) if found > needed() => Err(StoreError::NewSchema { found, known: needed() }),
        Some(_) => Ok(()),
    }
}

/// What has come of it.
#[derive(Debug)]
pub struct Migrated {
    /// The migration at which the schema was.
    pub before: i32,
    /// The one at which it is.
    pub after: i32,
    /// Whose the store is, if it is anybody's yet.
    pub whose: Option<Whose>,
}

/// Makes the migrations that are missing, and the store this homeserver's, if one is said and it is nobody's: all of it or nothing.
/// Whoever comes second waits for the first, a minute at most, and is told so.
pub fn migrate(
    address: &Address,
    homeserver: Option<&Homeserver>,
    waits: impl FnOnce(),
) -> Result<Migrated, StoreError> {
    let driver = Driver::new()?;
    driver.run(async {
        let client = connect(address).await?;
        // A migration may take longer than a question: what ends it is the loss of the connection.
        migrate_with(&client, homeserver, waits).await
    })
}

async fn migrate_with(
    client: &Client,
    homeserver: Option<&Homeserver>,
    waits: impl FnOnce(),
) -> Result<Migrated, StoreError> {
    // The tables that a migration changes are waited for no longer, either: whoever reads them waits behind it.
    let begin = format!("begin; set local lock_timeout = '{}ms'", LOCK_LIMIT.as_millis());
    within(ANSWER_LIMIT, client.batch_execute(&begin)).await?;
    lock(client, waits).await?;
    client
        .batch_execute(
            "create schema if not exists bailiwick;
             create table if not exists bailiwick.migration (
               number int primary key,
               made_at timestamptz not null default now(),
               made_by text not null default session_user
             )",
        )
        .await?;
    let row = client.query_typed_one("select coalesce(max(number), 0) from bailiwick.migration", &[]).await?;
    let found: i32 = row.try_get(0)?;
    if found > needed() {
        return Err(StoreError::NewSchema { found, known: needed() });
    }
    for (number, migration) in (1_i32..).zip(MIGRATIONS).filter(|(number, _)| *number > found) {
        client.batch_execute(migration).await?;
        let note = "insert into bailiwick.migration (number) values ($1)";
        client.execute_typed(note, &[(&number, Type::INT4)]).await?;
    }
    let whose = of(client, homeserver).await?;
    client.batch_execute("commit").await?;
    Ok(Migrated { before: found, after: needed(), whose })
}

/// Whose the store is, which is this homeserver's from now on if it was nobody's.
async fn of(client: &Client, homeserver: Option<&Homeserver>) -> Result<Option<Whose>, StoreError> {
    let whose = "select server_name, homeserver from bailiwick.head for update";
    let kept = Whose::of(&client.query_typed_one(whose, &[]).await?, 0)?;
    match (kept, homeserver) {
        (None, Some(homeserver)) => {
            whose::set(client, homeserver).await?;
            Ok(Some(homeserver.into()))
        }
        (Some(kept), Some(homeserver)) => whose::check(&kept, homeserver).map(|()| Some(kept)),
        (kept, None) => Ok(kept),
    }
}

/// Sees to it that nobody else makes migrations until the end.
async fn lock(client: &Client, waits: impl FnOnce()) -> Result<(), StoreError> {
    let parameters: [(&(dyn ToSql + Sync), Type); 1] = [(&LOCK, Type::INT8)];
    // The database ends the waiting; should it have gone without a word, it is ended here.
    let locked = within(LOCK_LIMIT + ANSWER_LIMIT, client.query_typed("select pg_advisory_xact_lock($1)", &parameters));
    let mut locked = pin!(locked);
    let locked = match timeout(NOTICE, locked.as_mut()).await {
        Ok(locked) => locked,
        Err(_) => {
            waits();
            locked.await
        }
    };
    match locked {
        Ok(_) => Ok(()),
        Err(StoreError::Busy) => Err(StoreError::Migrating(LOCK_LIMIT)),
        Err(other) => Err(other),
    }
}
