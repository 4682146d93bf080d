//! Doors that web pages stand at.
//!
//! Whoever can open a connection may ask, and where there are no tokens that is all that is asked for. A browser opens
//! connections for whatever page it shows, so on the machine of somebody who runs bailiwick a stranger's page could ask,
//! too. Three ways lead from a page to here, and each has its rule:
//!
//! | way | example | rule |
//! |---|---|---|
//! | a request that the page may send and not read (*cross-site request forgery*) | `fetch('http://127.0.0.1:8790/-/reload', {method: 'POST', mode: 'no-cors', body: '{"allow_empty": true}'})` | nothing but GET and HEAD from a page of another origin, and no body that operates the service but JSON |
//! | a name of the page's own that it makes point here (*DNS rebinding*), so that all is of one origin | `http://evil.example:8790/metrics` | where only this machine is listened to, `Host` is this machine, with tokens or without: health and metrics take none |
//! | a request that the page may read because we say so (CORS) | `--cors-origin https://register.example.com` | the origins that are named, spelt as browsers spell them |
//!
//! What tells pages from programs is what no page can leave out or change: browsers send `Origin` with every request that
//! is not a GET, and `Sec-Fetch-Site` with every request to a trustworthy address, as loopback is one. A request with
//! neither comes from a program. A Unix socket is out of reach of browsers; what comes through it may carry any `Host`, as
//! proxies pass it on.

use std::net::{IpAddr, Ipv6Addr};

use actix_web::http::header::{CONTENT_TYPE, HOST, HeaderMap, HeaderName, HeaderValue, ORIGIN};

use super::{ApiError, Role};

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Whose pages may ask, and by which names.
#[derive(Clone, Debug, Default)]
pub struct Doors {
    origins: Vec<String>,
    /// The names that `Host` may have besides those of this machine.
    hosts: Vec<String>,
}

/// Who sends a request, as far as a browser says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Sender {
    /// No browser, or a page of this service's own.
    NoStranger,
    /// A page of an origin that may ask.
    Listed(HeaderValue),
    /// A page of any other origin.
    Stranger,
}

impl Doors {
    /// Lets pages of these origins ask, each as [`origin`] takes it, and lets requests be addressed to these names besides
    /// those of this machine.
    #[must_use]
    pub fn new(origins: Vec<String>, hosts: Vec<String>) -> Self {
        Self { origins, hosts }
    }

    /// Whether an answer depends on who asks, so that no cache gives one page's answer to another.
    pub(super) fn depends_on_origin(&self) -> bool {
        !self.origins.is_empty()
    }

    /// Whether a request over TCP is addressed to a name that it may be addressed to. An address that other machines reach
    /// has names that are not known here, and takes any until some are given.
    pub(super) fn knows_host(&self, listener: IpAddr, headers: &HeaderMap) -> bool {
        if self.hosts.is_empty() && !listener.to_canonical().is_loopback() {
            return true;
        }
        headers.get_all(HOST).all(|host| {
            let host = host.to_str().ok().map(without_port);
            host.is_some_and(|host| {
                is_this_machine(host) || self.hosts.iter().any(|name| name.eq_ignore_ascii_case(host))
            })
        })
    }

    /// Who sends a request.
    pub(super) fn sender(&self, headers: &HeaderMap) -> Sender {
        let origin = headers.get(ORIGIN);
        if let Some(listed) =
            origin.filter(|origin| self.origins.iter().any(|known| known.as_bytes() == origin.as_bytes()))
        {
            return Sender::Listed(listed.clone());
        }
        let own = match headers.get(SEC_FETCH_SITE).map(HeaderValue::as_bytes) {
            // The browser knows best, also behind a proxy that changes `Host`.
            Some(site) => matches!(site, b"same-origin" | b"none"),
            None => origin.is_none_or(|origin| is_own(origin, headers.get(HOST))),
        };
        if own { Sender::NoStranger } else { Sender::Stranger }
    }
}

impl Sender {
    /// Whether it may do something that is not a GET: `role` is what that takes.
    pub(super) fn may_send(&self, role: Option<Role>, headers: &HeaderMap) -> Result<(), ApiError> {
        if *self == Self::Stranger {
            return Err(ApiError::foreign_page());
        }
        match headers.get(CONTENT_TYPE) {
            Some(content) if role == Some(Role::Admin) && !is_json(content) => Err(ApiError::not_of_type_json()),
            _ => Ok(()),
        }
    }
}

/// Whether an origin is the one that a request is addressed to. The scheme is not compared: a proxy may have dealt with it.
fn is_own(origin: &HeaderValue, host: Option<&HeaderValue>) -> bool {
    let (Ok(origin), Some(Ok(host))) = (origin.to_str(), host.map(HeaderValue::to_str)) else { return false };
    origin.split_once("://").is_some_and(|(_, own)| own.eq_ignore_ascii_case(host))
}

fn is_json(content: &HeaderValue) -> bool {
    let essence = content.to_str().unwrap_or_default().split(';').next().unwrap_or_default();
    essence.trim().eq_ignore_ascii_case("application/json")
}

/// A host without its port: `localhost:8790`, `127.0.0.1`, `[::1]:8790`.
fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) && !host.ends_with(':') => host,
        _ => host,
    }
}

/// Whether a host is this machine. No name server is asked about `localhost` and the names below it (RFC 6761).
fn is_this_machine(host: &str) -> bool {
    let name = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
    let address = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(&name);
    name == "localhost"
        || name.ends_with(".localhost")
        || address.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Whether it is a name or an address in brackets and, if there is a colon behind it, a port as browsers write it.
fn has_host_and_port(text: &str) -> bool {
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !text.ends_with(']') => (host, Some(port)),
        _ => (text, None),
    };
    let is_host = match host.strip_prefix('[') {
        Some(rest) => rest.strip_suffix(']').is_some_and(|address| address.parse::<Ipv6Addr>().is_ok()),
        None => !host.contains([':', '[', ']']) && host.split('.').all(|label| !label.is_empty()),
    };
    is_host && port.is_none_or(|port| port.parse::<u16>().is_ok_and(|number| number.to_string() == port))
}

/// Reads an origin for [`Doors`], or says how browsers would spell it: one that they never send would match nothing.
pub fn origin(text: &str) -> Result<String, String> {
    if text == "*" {
        return Err("every page could then ask; name the origins, such as https://register.example.com".to_owned());
    }
    if text == "null" {
        return Err("pages of every kind that hide where they are from say so; name the origins".to_owned());
    }
    let Some((scheme, rest)) = text.split_once("://") else {
        return Err(format!("an origin begins with its scheme: did you mean https://{}?", text.trim_matches('/')));
    };
    let is_host = |c: char| c.is_ascii_alphanumeric() || "-._:[]".contains(c);
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let valid_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
    if !valid_scheme || !host.chars().all(is_host) || !has_host_and_port(host) {
        return Err("an origin is SCHEME://HOST or SCHEME://HOST:PORT, names beyond ASCII in Punycode".to_owned());
    }
    let (scheme, host) = (scheme.to_ascii_lowercase(), host.to_ascii_lowercase());
    let implied = match &*scheme {
        "https" => ":443",
        "http" => ":80",
        _ => "",
    };
    let spelt = format!("{scheme}://{}", host.strip_suffix(implied).unwrap_or(&host));
    if spelt == text { Ok(spelt) } else { Err(format!("browsers spell this origin {spelt}")) }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    fn headers(pairs: &[(HeaderName, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn only_this_machine_is_this_machine() {
        let doors = Doors::new(Vec::new(), vec!["bailiwick.internal".to_owned()]);
        let [loopback, everywhere] = [Ipv4Addr::LOCALHOST, Ipv4Addr::UNSPECIFIED].map(IpAddr::from);
        let knows = |host: &'static str| doors.knows_host(loopback, &headers(&[(HOST, host)]));
        for known in [
            "localhost",
            "LocalHost:8790",
            "localhost.",
            "a.localhost:1",
            "127.0.0.1:8790",
            "127.9.9.9",
            "[::1]",
            "[::1]:8790",
            "bailiwick.internal:8790",
        ] {
            assert!(knows(known), "{known}");
        }
        for strange in [
            "evil.example",
            "evil.example:8790",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "192.0.2.1",
            "0.0.0.0:8790",
            "[::2]:8790",
            "notlocalhost",
            "",
            "localhost:80:90",
        ] {
            assert!(!knows(strange), "{strange}");
        }
        // Programs may leave it out; a second one is no way round.
        assert!(doors.knows_host(loopback, &HeaderMap::new()));
        let mut two = headers(&[(HOST, "localhost")]);
        two.append(HOST, HeaderValue::from_static("evil.example"));
        assert!(!doors.knows_host(loopback, &two));
        let evil = headers(&[(HOST, "evil.example")]);
        for (listener, names_known, knows_evil) in [
            (loopback, false, false),
            (Ipv6Addr::LOCALHOST.into(), false, false),
            (Ipv4Addr::LOCALHOST.to_ipv6_mapped().into(), false, false),
            (everywhere, false, true),
            (everywhere, true, false),
        ] {
            let doors = if names_known { doors.clone() } else { Doors::default() };
            assert_eq!(doors.knows_host(listener, &evil), knows_evil, "{listener} {names_known}");
        }
    }

    #[test]
    fn a_stranger_is_told_by_what_no_page_can_leave_out() {
        let doors = Doors::new(vec!["https://register.example.com".to_owned()], Vec::new());
        let sender = |pairs: &[(HeaderName, &'static str)]| doors.sender(&headers(pairs));
        let own = "127.0.0.1:8790";
        for stranger in [
            &[(HOST, own), (ORIGIN, "https://evil.example")][..],
            &[(HOST, own), (ORIGIN, "null")],
            &[(HOST, own), (ORIGIN, "http://127.0.0.1:9000")],
            &[(HOST, own), (ORIGIN, "http://127.0.0.1:8790"), (SEC_FETCH_SITE, "cross-site")],
            &[(HOST, own), (SEC_FETCH_SITE, "same-site")],
            &[(HOST, own), (SEC_FETCH_SITE, "whatever")],
            &[(ORIGIN, "https://evil.example")],
            &[(HOST, own), (ORIGIN, "https://register.example.com.evil.example")],
        ] {
            assert_eq!(sender(stranger), Sender::Stranger, "{stranger:?}");
        }
        for own in [
            &[(HOST, own)][..],
            &[(HOST, own), (ORIGIN, "http://127.0.0.1:8790")],
            &[(HOST, own), (ORIGIN, "https://names.example.com"), (SEC_FETCH_SITE, "same-origin")],
            &[(HOST, own), (SEC_FETCH_SITE, "none")],
            &[],
        ] {
            assert_eq!(sender(own), Sender::NoStranger, "{own:?}");
        }
        let listed = [(HOST, own), (ORIGIN, "https://register.example.com"), (SEC_FETCH_SITE, "cross-site")];
        assert_eq!(sender(&listed), Sender::Listed(HeaderValue::from_static("https://register.example.com")));
    }

    #[test]
    fn only_json_operates_the_service() {
        let send = |role, content: &'static str| {
            Sender::NoStranger.may_send(role, &headers(&[(CONTENT_TYPE, content)])).is_ok()
        };
        for json in ["application/json", "Application/JSON; charset=utf-8"] {
            assert!(send(Some(Role::Admin), json), "{json}");
        }
        for other in
            ["text/plain", "application/x-www-form-urlencoded", "application/jsonp", "text/plain;application/json"]
        {
            assert!(!send(Some(Role::Admin), other), "{other}");
            assert!(send(Some(Role::Read), other), "{other}");
        }
        assert!(Sender::NoStranger.may_send(Some(Role::Admin), &HeaderMap::new()).is_ok());
        assert!(Sender::Stranger.may_send(Some(Role::Read), &HeaderMap::new()).is_err());
    }

    #[test]
    fn an_origin_is_spelt_as_browsers_spell_it() {
        for right in
            ["https://register.example.com", "http://localhost:3000", "capacitor://localhost", "https://[::1]:8443"]
        {
            assert_eq!(origin(right).as_deref(), Ok(right));
        }
        for (wrong, meant) in [
            ("https://a.example/", "https://a.example"),
            ("https://A.example", "https://a.example"),
            ("HTTPS://a.example", "https://a.example"),
            ("https://a.example:443", "https://a.example"),
            ("http://a.example:80/x?y", "http://a.example"),
            ("register.example.com", "https://register.example.com"),
            ("register.example.com/", "https://register.example.com"),
        ] {
            let said = origin(wrong).expect_err(wrong);
            assert!(said.contains(meant) && !said.contains(&format!("{meant}/")), "{wrong}: {said}");
        }
        for wrong in [
            "*",
            "null",
            "",
            "https://",
            "://a.example",
            "https://*.example.com",
            "https://u@a.example",
            "https://é.example",
            "https://a.example:x",
            "https://a.example:99999",
            "https://a.example:08443",
            "https://a.example:",
            "https://a..example",
            "https://:8443",
            "https://[::1",
            "https://[a.example]",
        ] {
            assert!(origin(wrong).is_err(), "{wrong}");
        }
    }
}
