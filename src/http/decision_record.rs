//! What is put on record of a decision, in the form that tools know from the Open Policy Agent: a line of JSON with
//! `decision_id`, `path`, `input`, `result` and `requested_by`.
//!
//! What people type is personal data. So only refusals are on record unless more is asked for, and names are put down as
//! keyed digests where that is: equal names then look equal until the next start, and nobody can try names against them.
//! A token is never there, whoever asks with one: its service is.

use std::borrow::Cow;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use actix_web::HttpResponse;
use actix_web::http::header::{HeaderName, HeaderValue};
use serde::Serialize;

use super::Caller;
use super::may_register::MAX_ASKED_CHARS;
use crate::matrix::ErrCode;
use crate::registration::{Token, TokenHasher};
use crate::ruling::{Decision, Reason};
use crate::snapshot::Snapshot;
use crate::telemetry::{DecisionLog, timestamp};

/// What an answer says its decision is called on record.
pub(super) const DECISION_ID: HeaderName = HeaderName::from_static("bailiwick-decision-id");

/// What stands in the place of a service's token.
const A_TOKEN: &str = "(a token)";

/// Which decisions are on record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Recorded {
    /// Those that refuse.
    #[default]
    Refused,
    /// All.
    All,
}

/// What puts decisions on record.
#[derive(Debug)]
pub struct Recorder {
    log: Arc<DecisionLog>,
    recorded: Recorded,
    /// Whether names are put down as digests.
    hashes: bool,
    /// Known to this process alone.
    key: [u8; 32],
    /// How many decisions have been given a name.
    count: AtomicU64,
}

/// What is asked, as it is put on record.
#[derive(Debug, Default)]
pub(super) struct Input<'q> {
    /// The user, or the localpart, or the alias.
    pub(super) user_id: Option<&'q str>,
    pub(super) localpart: Option<&'q str>,
    pub(super) alias: Option<&'q str>,
    /// The service that asks, as it says.
    pub(super) as_id: Option<&'q str>,
}

#[derive(Serialize)]
struct Record<'r> {
    timestamp: String,
    decision_id: &'r str,
    path: &'static str,
    input: Said<'r>,
    result: Outcome<'r>,
    snapshot: &'r str,
    complete: bool,
    requested_by: String,
    us: u64,
}

#[derive(Serialize)]
struct Said<'r> {
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    localpart: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    alias: Option<String>,
    as_id: Option<Cow<'r, str>>,
}

#[derive(Serialize)]
struct Outcome<'r> {
    allowed: bool,
    reason: Reason,
    errcode: Option<ErrCode>,
    /// The services that hold it exclusively.
    as_ids: Vec<&'r str>,
}

/// What a decision is called: a ULID, whose order is that of time to the millisecond (<https://github.com/ulid/spec>).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct DecisionId(String);

impl DecisionId {
    /// Tells it in an answer, if there is one.
    pub(super) fn tell(id: Option<Self>, mut response: HttpResponse) -> HttpResponse {
        if let Some(id) = id.and_then(|id| HeaderValue::from_str(&id.0).ok()) {
            response.headers_mut().insert(DECISION_ID, id);
        }
        response
    }
}

impl Recorder {
    /// Records on a log.
    #[must_use]
    pub fn new(log: Arc<DecisionLog>, recorded: Recorded, hashes: bool) -> Self {
        let mut key = [0; 32];
        for chunk in key.chunks_mut(8) {
            chunk.copy_from_slice(&RandomState::new().hash_one(std::process::id()).to_le_bytes());
        }
        Self { log, recorded, hashes, key, count: AtomicU64::new(0) }
    }

    /// Puts a decision on record, unless such are not.
    pub(super) fn record(
        &self,
        caller: Caller,
        input: &Input<'_>,
        (snapshot, hasher): (&Snapshot, &TokenHasher),
        decision: &Decision<'_>,
    ) -> Option<DecisionId> {
        if decision.allowed && self.recorded == Recorded::Refused {
            return None;
        }
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let milliseconds = u64::try_from(since_1970.as_millis()).unwrap_or(u64::MAX);
        let id = self.name(milliseconds);
        // Whoever takes one field for the other has written a token where a name stands.
        let is_token = |text: &str| snapshot.services().position_of_token(&hasher.digest(&Token::new(text))).is_some();
        let name =
            |text: Option<&str>| text.map(|text| if is_token(text) { A_TOKEN.into() } else { self.name_of(text) });
        let as_id = |text| if is_token(text) { A_TOKEN.into() } else { beginning(text) };
        let exclusive = decision.claims.iter().filter(|claim| claim.exclusive);
        let record = Record {
            timestamp: timestamp(milliseconds),
            decision_id: &id.0,
            path: caller.route,
            input: Said {
                user_id: name(input.user_id),
                localpart: name(input.localpart),
                alias: name(input.alias),
                as_id: input.as_id.or(decision.as_id.as_deref()).map(as_id),
            },
            result: Outcome {
                allowed: decision.allowed,
                reason: decision.reason,
                errcode: decision.errcode,
                as_ids: exclusive.map(|claim| claim.as_id).collect(),
            },
            snapshot: snapshot.digest(),
            complete: snapshot.is_complete(),
            requested_by: caller.to_string(),
            us: u64::try_from(caller.began.elapsed().as_micros()).unwrap_or(u64::MAX),
        };
        self.log.record(super::render::to_bytes(&record));
        Some(id)
    }

    /// A name as it is put down.
    fn name_of(&self, text: &str) -> String {
        if !self.hashes {
            return beginning(text).into_owned();
        }
        let digest = blake3::keyed_hash(&self.key, text.as_bytes()).to_hex();
        // 64 bits tell a day's names apart.
        format!("blake3:{}", &digest[..16])
    }

    fn name(&self, milliseconds: u64) -> DecisionId {
        const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
        let count = self.count.fetch_add(1, Ordering::Relaxed);
        let random = blake3::keyed_hash(&self.key, &count.to_le_bytes());
        let mut low = [0; 16];
        low[6..].copy_from_slice(&random.as_bytes()[..10]);
        let number = (u128::from(milliseconds) << 80) | u128::from_be_bytes(low);
        let digit = |place: u32| DIGITS[(number >> (5 * place) & 31) as usize];
        DecisionId((0..26).rev().map(|place| char::from(digit(place))).collect())
    }
}

/// As much of a text as a question that is decided can hold. What is longer was refused for that, or is the `id` of no service; a
/// body of megabytes is not put on record.
fn beginning(text: &str) -> Cow<'_, str> {
    match text.char_indices().nth(MAX_ASKED_CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]).into(),
        None => text.into(),
    }
}
