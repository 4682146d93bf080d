//! Synapse's list of users, over its admin API.
//!
//! Source: Synapse's documentation, "Admin API", "Users": `GET /_synapse/admin/v2/users` lists accounts in the order of their
//! names, `from` one on, at most `limit`, and says with `next_token` where the next page begins; deactivated and locked ones are
//! among them only if that is asked for. `GET /_synapse/admin/v2/users/{user_id}` says which service an account belongs to.

use std::fmt;
use std::fs;
use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use serde_json::Value;
use ureq::Agent;
use ureq::http::StatusCode;
use zeroize::Zeroizing;

use crate::cli::agent::agent;

/// So many accounts are asked for at a time: some 400 KB of answer, which Synapse has in a fraction of a second.
const PAGE: usize = 1_000;
/// How long one request may take: a page of a large homeserver on a busy database takes seconds.
const TIMEOUT: Duration = Duration::from_secs(60);
/// What fails for a moment is asked so often in all, after these times.
const PAUSES: [Duration; 3] = [Duration::from_millis(500), Duration::from_secs(2), Duration::from_secs(8)];

/// An account, as far as it matters.
#[derive(Debug, Deserialize)]
pub(super) struct Account {
    /// The user ID.
    pub(super) name: String,
    #[serde(default, deserialize_with = "truth")]
    pub(super) deactivated: bool,
    #[serde(default, deserialize_with = "truth")]
    pub(super) is_guest: bool,
}

/// Older releases say 0 and 1.
fn truth<'d, D: serde::Deserializer<'d>>(deserializer: D) -> Result<bool, D::Error> {
    Value::deserialize(deserializer).map(|value| value == Value::Bool(true) || value.as_u64().is_some_and(|n| n > 0))
}

#[derive(Deserialize)]
struct Page {
    users: Vec<Account>,
    #[serde(default)]
    next_token: Option<Value>,
}

#[derive(Deserialize)]
struct Details {
    #[serde(default)]
    appservice_id: Option<String>,
}

/// Synapse, to be asked.
pub(super) struct Accounts {
    agent: Agent,
    base: String,
    authorization: Zeroizing<String>,
}

/// Why there is no answer.
#[derive(Debug)]
pub(super) struct Unanswered {
    what: String,
    is_the_callers_doing: bool,
}

impl fmt::Display for Unanswered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

impl Unanswered {
    fn by_synapse(what: impl Into<String>) -> Self {
        Self { what: what.into(), is_the_callers_doing: false }
    }

    fn by_the_caller(what: impl Into<String>) -> Self {
        Self { what: what.into(), is_the_callers_doing: true }
    }

    pub(super) fn not_a_list_of_users() -> Self {
        Self::by_synapse("what answers is not Synapse's list of users")
    }

    pub(super) fn another_server(name: &str, server: &str) -> Self {
        Self::by_the_caller(format!("Synapse knows {name}, and the registrations are looked into for `{server}`"))
    }

    pub(super) const fn is_the_callers_doing(&self) -> bool {
        self.is_the_callers_doing
    }
}

/// Reads where Synapse is, for the command line.
pub(in crate::cli) fn base(text: &str) -> Result<String, String> {
    let rest = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"));
    match rest {
        Some(rest) if !rest.is_empty() && !rest.contains(['?', '#', '@', ' ']) => {
            Ok(text.trim_end_matches('/').to_owned())
        }
        _ => Err("expected http://HOST:PORT or https://HOST".to_owned()),
    }
}

impl Accounts {
    pub(super) fn at(base: &str, token_file: &Path) -> Result<Self, Unanswered> {
        let shown = token_file.display();
        let read = fs::read_to_string(token_file).map(Zeroizing::new);
        let token = read.map_err(|error| Unanswered::by_the_caller(format!("{shown} cannot be read: {error}")))?;
        let token = token.trim();
        if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Unanswered::by_the_caller(format!("{shown} holds no access token")));
        }
        let authorization = Zeroizing::new(format!("Bearer {token}"));
        Ok(Self { agent: agent(TIMEOUT), base: base.to_owned(), authorization })
    }

    /// Visits each account.
    pub(super) fn each(&self, mut visit: impl FnMut(Account) -> Result<(), Unanswered>) -> Result<(), Unanswered> {
        let mut from = "0".to_owned();
        loop {
            let path = "/_synapse/admin/v2/users";
            let query =
                format!("from={from}&limit={PAGE}&guests=true&deactivated=true&locked=true&order_by=name&dir=f");
            let page: Page = self.ask(&format!("{path}?{query}"))?;
            for account in page.users {
                visit(account)?;
            }
            let next = match page.next_token {
                None | Some(Value::Null) => return Ok(()),
                Some(Value::String(next)) => next,
                Some(other) => other.to_string(),
            };
            // It counts accounts; what does not get on would be asked for ever.
            match (next.parse::<u64>(), from.parse::<u64>()) {
                (Ok(there), Ok(here)) if there > here => from = next,
                _ => return Err(Unanswered::not_a_list_of_users()),
            }
        }
    }

    /// The service that an account belongs to.
    pub(super) fn service_of(&self, user_id: &str) -> Result<Option<String>, Unanswered> {
        let details: Details =
            self.ask(&format!("/_synapse/admin/v2/users/{}", utf8_percent_encode(user_id, NON_ALPHANUMERIC)))?;
        Ok(details.appservice_id)
    }

    fn ask<T: for<'d> Deserialize<'d>>(&self, path: &str) -> Result<T, Unanswered> {
        for pause in PAUSES {
            match self.ask_once(path) {
                Ok(Some(answer)) => return read(&answer),
                Ok(None) | Err(Asked::InVain(_)) => sleep(pause),
                Err(Asked::Refused(why)) => return Err(why),
            }
        }
        match self.ask_once(path) {
            Ok(Some(answer)) => read(&answer),
            Ok(None) => Err(Unanswered::by_synapse(format!("Synapse at {} has more to do than it can", self.base))),
            Err(Asked::InVain(why) | Asked::Refused(why)) => Err(why),
        }
    }

    /// The body of an answer; `None` if there is to be one later.
    fn ask_once(&self, path: &str) -> Result<Option<Vec<u8>>, Asked> {
        let base = &self.base;
        let unreachable = |error: ureq::Error| {
            Asked::InVain(Unanswered::by_synapse(format!("Synapse at {base} does not answer: {error}")))
        };
        let request = self.agent.get(format!("{base}{path}")).header("Authorization", self.authorization.as_str());
        let mut answer = request.call().map_err(unreachable)?;
        let refused = |why: String| Err(Asked::Refused(Unanswered::by_the_caller(why)));
        match answer.status() {
            StatusCode::OK => answer.body_mut().read_to_vec().map(Some).map_err(unreachable),
            StatusCode::UNAUTHORIZED => refused(format!("Synapse at {base} does not know the token (401)")),
            StatusCode::FORBIDDEN => {
                let why = "the token is not that of a server admin (403); with an authentication service, it needs the \
                           scope urn:synapse:admin:*";
                refused(why.to_owned())
            }
            StatusCode::TOO_MANY_REQUESTS => Ok(None),
            status if status.is_server_error() => {
                Err(Asked::InVain(Unanswered::by_synapse(format!("Synapse at {base} answers {status}"))))
            }
            status => refused(format!("{base} answers {status}: is this where Synapse's admin API is reached?")),
        }
    }
}

/// What came of a request that has no answer.
enum Asked {
    /// It may have one the next time.
    InVain(Unanswered),
    Refused(Unanswered),
}

fn read<T: for<'d> Deserialize<'d>>(answer: &[u8]) -> Result<T, Unanswered> {
    serde_json::from_slice(answer).map_err(|_| Unanswered::not_a_list_of_users())
}
