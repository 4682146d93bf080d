use std::future::Future;
use std::io;
use std::ops::Deref;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinHandle;
use tokio_postgres::{Client, NoTls};

use super::{Address, StoreError};

/// Whatever is asked of the database is given so long, as any source is.
pub(super) const ANSWER_LIMIT: Duration = Duration::from_secs(10);

/// Runs what is asked of the database on the thread that asks.
#[derive(Debug)]
pub(super) struct Driver(Option<Runtime>);

impl Driver {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self(Some(Builder::new_current_thread().enable_all().build()?)))
    }

    pub(super) fn run<T>(&self, asked: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
        // It is there until this is dropped.
        self.0.as_ref().map_or(Err(StoreError::Unreachable("it is being closed".to_owned())), |it| it.block_on(asked))
    }

    /// Ends a session now, and with it all that it has begun. One that is merely dropped goes on until something else is asked here,
    /// since nothing of it is done in between, and would keep what it has locked for that long.
    pub(super) fn end(&self, session: Option<Session>) {
        let Some(Session { connection, .. }) = session else { return };
        connection.abort();
        let ended = self.run(async {
            // It has been cancelled, which is what was wanted.
            let _ = connection.await;
            Ok(())
        });
        drop(ended);
    }
}

/// A connection that is made, on the runtime that it was made on.
#[derive(Debug)]
pub(super) struct Session {
    client: Client,
    connection: JoinHandle<()>,
}

impl Deref for Session {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        // A runtime that waits for its threads must not be dropped by another's.
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

/// Makes a connection, which runs on the runtime that this is called on.
pub(super) async fn connect(address: &Address) -> Result<Session, StoreError> {
    let config = address.config()?;
    let connected = async {
        // Whoever asks is told of an error where it is waited for.
        let (client, connection) = match &address.tls {
            Some(tls) => {
                let (client, connection) = config.connect(tls.clone()).await?;
                (client, tokio::spawn(async { drop(connection.await) }))
            }
            None => {
                let (client, connection) = config.connect(NoTls).await?;
                (client, tokio::spawn(async { drop(connection.await) }))
            }
        };
        Ok::<Session, tokio_postgres::Error>(Session { client, connection })
    };
    within(ANSWER_LIMIT, connected).await
}

/// The answer, if it comes in time.
pub(super) async fn within<T, E: Into<StoreError>>(
    limit: Duration,
    asked: impl Future<Output = Result<T, E>>,
) -> Result<T, StoreError> {
    tokio::time::timeout(limit, asked).await.map_err(|_| StoreError::Late(limit))?.map_err(Into::into)
}
