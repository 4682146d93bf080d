use std::future::{pending, poll_fn};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::runtime::Builder;
use tokio::sync::{Notify, oneshot};
use tokio_postgres::{AsyncMessage, Client, Connection, NoTls};

use super::session::{ANSWER_LIMIT, connect, within};
use super::{Address, StoreError};
use crate::source::Hint;

/// Whoever writes says so on this channel.
pub(super) const CHANNEL: &str = "bailiwick";

/// A connection that is lost is made again after this time: a database that starts anew takes a second or two, and what is missed
/// meanwhile is looked for as often.
const AGAIN: Duration = Duration::from_secs(1);
/// Where nothing arrives although it is listened to, that is so until somebody configures it otherwise; two connections are made to
/// see whether he has.
const DEAF_FOR: Duration = Duration::from_secs(60);

/// A thread that hears of changes on a connection of its own.
#[derive(Debug)]
pub(super) struct Listener {
    hears: Arc<AtomicBool>,
    /// Dropped, it ends the thread.
    _ends: oneshot::Sender<()>,
}

impl Listener {
    pub(super) fn start(address: Arc<Address>, hint: Hint) -> io::Result<Self> {
        let hears = Arc::new(AtomicBool::new(false));
        let (ends, ended) = oneshot::channel::<()>();
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let listening = Listening { address, hint, hears: Arc::clone(&hears) };
        thread::Builder::new().name("store".to_owned()).spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    () = listening.go_on() => {}
                    // Nobody sends anything: the sender has been dropped.
                    _ = ended => {}
                }
            });
        })?;
        Ok(Self { hears, _ends: ends })
    }

    /// Whether whoever changes something is heard.
    pub(super) fn hears(&self) -> bool {
        self.hears.load(Ordering::Acquire)
    }
}

struct Listening {
    address: Arc<Address>,
    hint: Hint,
    hears: Arc<AtomicBool>,
}

impl Listening {
    /// Listens, and again when the connection is lost.
    async fn go_on(&self) {
        let mut said = None;
        loop {
            let Err(why) = self.listen().await;
            if self.hears.swap(false, Ordering::AcqRel) {
                said = None;
                // It is looked at more often from now on.
                (self.hint)();
            }
            let is_deaf = matches!(why, StoreError::Deaf);
            let why = why.to_string();
            if said.as_ref() != Some(&why) {
                tracing::warn!(store = %self.address, "changes of the store are not told, and looked for once a second: {why}");
                said = Some(why);
            }
            tokio::time::sleep(if is_deaf { DEAF_FOR } else { AGAIN }).await;
        }
    }

    async fn listen(&self) -> Result<std::convert::Infallible, StoreError> {
        let config = self.address.config()?;
        match &self.address.tls {
            Some(tls) => {
                let (client, connection) = within(ANSWER_LIMIT, config.connect(tls.clone())).await?;
                self.listen_on(&client, connection).await
            }
            None => {
                let (client, connection) = within(ANSWER_LIMIT, config.connect(NoTls)).await?;
                self.listen_on(&client, connection).await
            }
        }
    }

    async fn listen_on<S: AsyncRead + AsyncWrite + Unpin, T: AsyncRead + AsyncWrite + Unpin>(
        &self,
        client: &Client,
        mut connection: Connection<S, T>,
    ) -> Result<std::convert::Infallible, StoreError> {
        let (probe, arrived) = (probe(), Notify::new());
        let hears = async {
            loop {
                match poll_fn(|context| connection.poll_message(context)).await {
                    Some(Ok(AsyncMessage::Notification(told))) if told.channel() == probe => arrived.notify_one(),
                    Some(Ok(AsyncMessage::Notification(_))) => (self.hint)(),
                    Some(Ok(_)) => {}
                    Some(Err(error)) => return Err(error.into()),
                    None => return Err(StoreError::Unreachable("the connection is closed".to_owned())),
                }
            }
        };
        let listens = async {
            within(ANSWER_LIMIT, client.batch_execute(&format!("listen {CHANNEL}; listen {probe}"))).await?;
            // By another connection: what comes to this one while it asks would tell nothing.
            let teller = connect(&self.address).await?;
            within(ANSWER_LIMIT, teller.batch_execute(&format!("notify {probe}"))).await?;
            drop(teller);
            let in_time = tokio::time::timeout(ANSWER_LIMIT, arrived.notified()).await;
            in_time.map_err(|_| StoreError::Deaf)?;
            within(ANSWER_LIMIT, client.batch_execute(&format!("unlisten {probe}"))).await?;
            self.hears.store(true, Ordering::Release);
            // What was said before has not been heard.
            (self.hint)();
            pending().await
        };
        tokio::select! {
            ended = hears => ended,
            failed = listens => failed,
        }
    }
}

/// A channel of this listener's own, on which it is seen whether anything arrives.
fn probe() -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
    format!("{CHANNEL}_{}_{now}", std::process::id())
}
