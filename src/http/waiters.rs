//! Requests that wait for something to happen: long polls.
//!
//! Who waits costs a connection and a task, and holds up nobody. There are two bounds. Not all connections may wait, since
//! it is always our turn on these (`stalled`) and they give way to nobody; and a change wakes all of them at the same time,
//! so that whoever asks something else meanwhile stands behind their answers
//! ([`Limits::waiters`](super::Limits::waiters)).

use std::future::Future;
use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use actix_web::{HttpRequest, rt};
use prometheus::IntGauge;
use tokio::sync::{Semaphore, watch};

use super::error::ApiError;
use super::stalled;
use crate::telemetry::Metrics;

/// Nobody waits for longer than this: proxies give up on a silent upstream after a minute (nginx's `proxy_read_timeout`).
const LONGEST: u64 = 60;
/// How often it is looked at whether a client that waits is still there: who has left keeps a place from others.
const LOOK: Duration = Duration::from_secs(1);
/// Up to one part in so many of the time is left off, so that those who began together do not come back together. Consul
/// adds as much to its blocking queries; here it may not be more than was asked for, since a client or a proxy in between
/// hangs up then.
const JITTER: u32 = 16;

/// Those who wait.
#[derive(Debug)]
pub(super) struct Waiters {
    places: Semaphore,
    /// Whether the service is ending.
    ending: watch::Sender<bool>,
    waiting: IntGauge,
}

/// One who waits, until it is dropped.
struct Waiting<'w>(&'w IntGauge);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.dec();
    }
}

impl Waiters {
    /// Lets so many wait at a time.
    pub(super) fn register(metrics: &Metrics, most: usize) -> Self {
        let waiting = metrics.gauge("bailiwick_http_waiting_requests", "Requests that wait for a change.");
        Self { places: Semaphore::new(most.min(Semaphore::MAX_PERMITS)), ending: watch::Sender::new(false), waiting }
    }

    /// Ends all waiting, for good.
    pub(super) fn end(&self) {
        self.ending.send_replace(true);
    }

    /// Waits until something happens, which is answered; `None` when the time is over before, the client has left, or the
    /// service is ending.
    pub(super) async fn wait_for<T>(
        &self,
        request: &HttpRequest,
        time: Duration,
        happens: impl Future<Output = T>,
    ) -> Result<Option<T>, ApiError> {
        if time.is_zero() {
            return Ok(None);
        }
        let _place = self.places.try_acquire().map_err(|_| ApiError::too_many_waiting())?;
        self.waiting.inc();
        let _waiting = Waiting(&self.waiting);
        let mut told = self.ending.subscribe();
        tokio::select! {
            happened = happens => Ok(Some(happened)),
            () = rt::time::sleep(shortened(time)) => Ok(None),
            _ = told.wait_for(|ending| *ending) => Ok(None),
            () = stalled::left(request, LOOK) => Ok(None),
        }
    }
}

/// How long to wait: what a query says in seconds, or else so many.
pub(super) fn time(said: Option<&str>, unless_said: u64) -> Result<Duration, ApiError> {
    let seconds = match said {
        None => Some(unless_said),
        Some(said) => said.parse().ok().filter(|seconds| *seconds <= LONGEST && !said.starts_with('+')),
    };
    let seconds =
        seconds.ok_or_else(|| ApiError::invalid_param(format!("wait is a number of seconds up to {LONGEST}")))?;
    Ok(Duration::from_secs(seconds))
}

/// The time, less something that is another each time.
fn shortened(time: Duration) -> Duration {
    // The seed of each hasher is random, which is all the chance that is needed.
    let [chance, ..] = RandomState::new().hash_one(()).to_le_bytes();
    time.saturating_sub(time / JITTER * u32::from(chance) / u32::from(u8::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_a_number_of_seconds() {
        assert_eq!(time(None, 30), Ok(Duration::from_secs(30)));
        assert_eq!(time(Some("0"), 30), Ok(Duration::ZERO));
        assert_eq!(time(Some("60"), 30), Ok(Duration::from_secs(60)));
        for wrong in ["", "61", "-1", "+1", "1.5", "1s", "99999999999999999999"] {
            assert!(time(Some(wrong), 30).is_err(), "{wrong}");
        }
    }

    #[test]
    fn nobody_waits_for_longer_than_asked_or_much_less() {
        let asked = Duration::from_secs(32);
        let times: Vec<_> = (0..100).map(|_| shortened(asked)).collect();
        assert!(times.iter().all(|time| *time <= asked && *time >= Duration::from_secs(30)), "{times:?}");
        assert!(times.iter().any(|time| *time != times[0]));
    }
}
