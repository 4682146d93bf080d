//! The admin API of a Matrix Authentication Service, as far as policy data go.
//!
//! Source: its documentation, "Admin API", and its code at 1.22.0: a client of the configuration with the grant
//! `client_credentials` gets a token for the scope `urn:mas:admin`; `GET /api/admin/v1/policy-data/latest` is what is in force, or
//! 404 if nothing was ever set; `POST /api/admin/v1/policy-data` replaces it and answers 400 if the policy does not take it.

use std::fmt;
use std::path::Path;
use std::time::Duration;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use serde_json::{Value, json};
use ureq::Agent;
use ureq::http::{Response, StatusCode};
use zeroize::Zeroizing;

use crate::cli::agent::agent;

/// How long one request may take: to set the data, the service evaluates its policies with them.
const TIMEOUT: Duration = Duration::from_secs(30);
/// What it answers to a mistake is shown up to so many characters.
const SHOWN: usize = 300;

/// The service, to be asked.
pub(super) struct Mas {
    agent: Agent,
    base: String,
    authorization: Zeroizing<String>,
}

/// Why it did not do as it was asked.
#[derive(Debug)]
pub(super) enum Failure {
    /// It refuses, and will do so again.
    Refused(String),
    /// It does not answer, or not as it should.
    InVain(String),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::Refused(what) | Self::InVain(what)) = self;
        f.write_str(what)
    }
}

#[derive(Deserialize)]
struct Grant {
    access_token: String,
}

impl Mas {
    /// Asks for a token: it is good for some minutes, which is long enough.
    pub(super) fn at(base: &str, client_id: &str, secret_file: &Path) -> Result<Self, Failure> {
        let shown = secret_file.display();
        let read = std::fs::read_to_string(secret_file).map(Zeroizing::new);
        let secret = read.map_err(|error| Failure::Refused(format!("{shown} cannot be read: {error}")))?;
        let secret = secret.trim();
        if secret.is_empty() {
            return Err(Failure::Refused(format!("{shown} holds no client secret")));
        }
        let mut mas = Self { agent: agent(TIMEOUT), base: base.to_owned(), authorization: Zeroizing::default() };
        mas.authorization = Zeroizing::new(format!("Bearer {}", mas.token(client_id, secret)?.as_str()));
        Ok(mas)
    }

    fn token(&self, client_id: &str, secret: &str) -> Result<Zeroizing<String>, Failure> {
        // Each is encoded as in a form before they are put together (RFC 6749, section 2.3.1).
        let encoded = |text| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        let pair = Zeroizing::new(format!("{}:{}", encoded(client_id), &*Zeroizing::new(encoded(secret))));
        let basic = Zeroizing::new(format!("Basic {}", base64(pair.as_bytes())));
        let request = self.agent.post(format!("{}/oauth2/token", self.base)).header("Authorization", basic.as_str());
        let form = [("grant_type", "client_credentials"), ("scope", "urn:mas:admin")];
        let mut answer = request.send_form(form).map_err(|error| self.unreachable(&error))?;
        match answer.status() {
            StatusCode::OK => {
                let grant: Grant = self.read(&mut answer)?;
                Ok(Zeroizing::new(grant.access_token))
            }
            status if passes(status) => Err(self.ailing(status)),
            status => Err(Failure::Refused(format!(
                "{} gives no token ({status}): is `{client_id}` a client of its configuration that may use the grant \
                 client_credentials, with this secret, and listed under policy.data.admin_clients?",
                self.base
            ))),
        }
    }

    /// The data that are in force; none if there never were any.
    pub(super) fn latest(&self) -> Result<Option<Value>, Failure> {
        let url = format!("{}/api/admin/v1/policy-data/latest", self.base);
        let request = self.agent.get(url).header("Authorization", self.authorization.as_str());
        let mut answer = request.call().map_err(|error| self.unreachable(&error))?;
        match answer.status() {
            StatusCode::OK => {
                let mut document: Value = self.read(&mut answer)?;
                let data = document.pointer_mut("/data/attributes/data").map(Value::take);
                data.map(Some).ok_or_else(|| self.not_it())
            }
            StatusCode::NOT_FOUND => Ok(None),
            status => Err(self.refusal(status, &mut answer)),
        }
    }

    /// Puts data in force.
    pub(super) fn set(&self, data: &Value) -> Result<(), Failure> {
        let url = format!("{}/api/admin/v1/policy-data", self.base);
        let request = self.agent.post(url).header("Authorization", self.authorization.as_str());
        let request = request.header("Content-Type", "application/json");
        let sent = request.send(json!({"data": data}).to_string());
        let mut answer = sent.map_err(|error| self.unreachable(&error))?;
        match answer.status() {
            status if status.is_success() => Ok(()),
            status => Err(self.refusal(status, &mut answer)),
        }
    }

    fn read<T: for<'d> Deserialize<'d>>(&self, answer: &mut Response<ureq::Body>) -> Result<T, Failure> {
        let body = answer.body_mut().read_to_vec().map_err(|error| self.unreachable(&error))?;
        serde_json::from_slice(&body).map_err(|_| self.not_it())
    }

    fn refusal(&self, status: StatusCode, answer: &mut Response<ureq::Body>) -> Failure {
        if passes(status) {
            return self.ailing(status);
        }
        let said = answer.body_mut().read_to_string().unwrap_or_default();
        let said: String = said.chars().take(SHOWN).collect();
        Failure::Refused(format!("{} answers {status}: {said}", self.base))
    }

    fn ailing(&self, status: StatusCode) -> Failure {
        Failure::InVain(format!("{} answers {status}", self.base))
    }

    fn unreachable(&self, error: &ureq::Error) -> Failure {
        Failure::InVain(format!("{} does not answer: {error}", self.base))
    }

    fn not_it(&self) -> Failure {
        Failure::InVain(format!(
            "what answers at {} is not the admin API of a Matrix Authentication Service",
            self.base
        ))
    }
}

/// Whether a status is of a moment: a proxy in front of it may have had enough for now.
fn passes(status: StatusCode) -> bool {
    status.is_server_error() || matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT)
}

/// RFC 4648, section 4.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let of = |at: usize| u32::from(chunk.get(at).copied().unwrap_or_default());
        let bits = of(0) << 16 | of(1) << 8 | of(2);
        for place in 0..4 {
            let digit = DIGITS[(bits >> (18 - 6 * place) & 63) as usize];
            text.push(if place <= chunk.len() { char::from(digit) } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_that_of_the_rfc() {
        for (text, expected) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(base64(text.as_bytes()), expected);
        }
    }
}
