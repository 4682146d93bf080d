use std::cell::Cell;
use std::future::Future;
use std::io;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_postgres::{Client, NoTls};

use super::{Address, StoreError};

/// Whatever is asked of the database is given so long, as any source is.
pub(super) const ANSWER_LIMIT: Duration = Duration::from_secs(10);

/// The same once the service is told to stop: a database that answers at all does so within milliseconds, and what is never committed
/// changes nothing. A process is killed ten seconds after it was asked to end by Docker, and after thirty by Kubernetes.
pub(super) const PARTING_LIMIT: Duration = Duration::from_secs(2);

/// Runs what is asked of the database on the thread that asks.
#[derive(Debug)]
pub(super) struct Driver {
    /// It is there until this is dropped.
    runtime: Option<Runtime>,
    ending: Ending,
    /// Whether the database was given up since the service is to stop: whoever asks after that does not wait again.
    has_given_up: Cell<bool>,
}

/// Says, from any thread, that the service is to stop.
#[derive(Clone, Debug)]
pub(super) struct Ending(Arc<watch::Sender<bool>>);

impl Ending {
    pub(super) fn new() -> Self {
        Self(Arc::new(watch::Sender::new(false)))
    }

    /// From now on the database has little time for each answer.
    pub(super) fn begin(&self) {
        self.0.send_replace(true);
    }

    /// Ends when that was said and the time is over.
    async fn over(&self) {
        // The sender is there as long as this is.
        let _ = self.0.subscribe().wait_for(|ending| *ending).await;
        tokio::time::sleep(PARTING_LIMIT).await;
    }
}

impl Driver {
    pub(super) fn new() -> io::Result<Self> {
        Self::until(Ending::new())
    }

    /// One that waits little when the service is to stop.
    pub(super) fn until(ending: Ending) -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        Ok(Self { runtime: Some(runtime), ending, has_given_up: Cell::new(false) })
    }

    pub(super) fn run<T>(&self, asked: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
        let Some(runtime) = self.runtime.as_ref().filter(|_| !self.has_given_up.get()) else {
            return Err(StoreError::Stopping);
        };
        runtime.block_on(async {
            tokio::select! {
                biased;
                answered = asked => answered,
                () = self.ending.over() => {
                    self.has_given_up.set(true);
                    Err(StoreError::Stopping)
                }
            }
        })
    }

    /// Ends a session now, and with it all that it has begun. One that is merely dropped goes on until something else is asked here,
    /// since nothing of it is done in between, and would keep what it has locked for that long.
    pub(super) fn end(&self, session: Option<Session>) {
        let Some(Session { connection, .. }) = session else { return };
        connection.abort();
        if let Some(runtime) = &self.runtime {
            // It has been cancelled, which is what was wanted.
            let _ = runtime.block_on(connection);
        }
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
        if let Some(runtime) = self.runtime.take() {
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
    within(ANSWER_LIMIT, connected).await.map_err(|error| match error {
        // Whoever may not even connect may do so as soon as somebody has mended that, and nothing is said of what he may do then.
        StoreError::NotAllowed(said) => StoreError::Refused(said),
        error => error,
    })
}

/// The answer, if it comes in time.
pub(super) async fn within<T, E: Into<StoreError>>(
    limit: Duration,
    asked: impl Future<Output = Result<T, E>>,
) -> Result<T, StoreError> {
    tokio::time::timeout(limit, asked).await.map_err(|_| StoreError::Late(limit))?.map_err(Into::into)
}

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::thread;

    use super::*;

    #[test]
    fn whoever_waits_for_an_answer_is_let_go_when_the_service_is_to_stop() {
        let ending = Ending::new();
        let driver = Driver::until(ending.clone()).expect("a runtime");
        assert_eq!(driver.run(async { Ok(1) }).expect("an answer"), 1);
        let waits = thread::spawn(move || {
            let silent = || within(Duration::from_secs(600), pending::<Result<(), StoreError>>());
            let first = driver.run(silent());
            // Nobody waits a second time, and what is left is ended all the same.
            let then = driver.run(async { Ok(()) });
            driver.end(None);
            (first, then)
        });
        ending.begin();
        let (first, then) = waits.join().expect("no panic");
        assert!(matches!(first, Err(StoreError::Stopping)) && matches!(then, Err(StoreError::Stopping)));
    }

    #[test]
    fn what_is_answered_while_the_service_stops_is_an_answer() {
        let ending = Ending::new();
        let driver = Driver::until(ending.clone()).expect("a runtime");
        ending.begin();
        assert_eq!(driver.run(async { Ok(1) }).expect("an answer"), 1);
        assert_eq!(driver.run(async { Ok(2) }).expect("an answer"), 2);
    }
}
