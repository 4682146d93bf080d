//! Which `url` Synapse can push to.
//!
//! Synapse loads a file with any text for a `url`, and finds out when it sends the first event, of which only its log
//! tells. What its HTTP client (treq with hyperlink and idna, on Twisted) does with a text was observed by letting it push
//! to a listening socket; `oracle/urls.py` does so, and `tests/data/registration/urls.jsonl` holds what came of it. The
//! client knows `http` and `https`; lets neither an IPv6 address nor a name with an underscore pass, both for idna's sake;
//! takes user info for a part of the name; and the path of a request is appended to the text as it is, so that a query or
//! fragment swallows it.

use crate::homeserver::{Dialect, Library};

/// Why nothing reaches the service at this `url`, and the way out, as a sentence without an end. Holds nothing of the URL,
/// which may hold a secret.
pub(super) fn unusable(url: &str) -> Option<String> {
    let shown = url.trim();
    if shown.is_empty() {
        return Some(
            "is empty: if nothing is to be pushed, write `url: null`, else where the service listens".to_owned(),
        );
    }
    if is_word_for_none(shown) {
        return Some(NO_ADDRESS.to_owned());
    }
    let Some((scheme, rest)) = url.split_once(':').filter(|(scheme, _)| is_scheme(scheme.trim())) else {
        return Some(format!("has no scheme, and Synapse pushes nowhere without: {}", with_scheme(url)));
    };
    if scheme != scheme.trim() {
        return Some("begins with a blank, with which Synapse pushes nowhere: remove it".to_owned());
    }
    match scheme {
        _ if is_one_of(scheme, &["http", "https"]) => {}
        _ if is_one_of(scheme, &["unix", "http+unix"]) => {
            let problem = "is a Unix socket, to which Synapse cannot push (\"Unsupported scheme\")";
            return Some(format!("{problem}: let the service listen on TCP, and write `http://…`"));
        }
        _ if rest.starts_with(|c: char| c.is_ascii_digit()) => {
            return Some("has no scheme, and Synapse pushes nowhere without: put `http://` in front of it".to_owned());
        }
        _ => {
            return Some(
                "has a scheme that Synapse cannot push to (\"Unsupported scheme\"): write `http://…`".to_owned(),
            );
        }
    }
    let Some(rest) = rest.strip_prefix("//") else {
        return Some("lacks the two slashes behind its scheme: write `http://…`".to_owned());
    };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    authority(&rest[..end]).or_else(|| behind(&rest[end..])).or_else(|| {
        (url.trim() != url).then(|| "ends with a blank, of which only luck makes an address: remove it".to_owned())
    })
}

/// Why no client reaches the service at this `url`, Rust's reqwest and Go's `net/http` neither: as much of it as follows from what
/// a URL is. Their own ways with odd host names were not observed.
pub(super) fn unusable_by_any(url: &str, dialect: Dialect) -> Option<String> {
    let server = dialect.homeserver();
    let shown = url.trim();
    if shown.is_empty() {
        // The others take that for none.
        let empty = "is empty: if nothing is to be pushed, write `url: null`, else where the service listens";
        return (dialect.loader().library == Library::PyYaml).then(|| empty.to_owned());
    }
    if is_word_for_none(shown) {
        return Some(NO_ADDRESS.to_owned());
    }
    let Some((scheme, rest)) = shown.split_once(':').filter(|(scheme, _)| is_scheme(scheme)) else {
        return Some(format!("has no scheme, and {server} pushes nowhere without: {}", with_scheme(shown)));
    };
    match scheme {
        _ if is_one_of(scheme, &["http", "https"]) => {}
        // setup/config/config_appservice.go:101-109.
        _ if is_one_of(scheme, &["unix"]) && dialect.loader().library == Library::GoYaml && rest.starts_with("//") => {
            return None;
        }
        _ if rest.starts_with(|c: char| c.is_ascii_digit()) => {
            return Some(format!("has no scheme, and {server} pushes nowhere without: put `http://` in front of it"));
        }
        _ => return Some(format!("has a scheme that {server} cannot push to: write `http://…`")),
    }
    let rest = rest.strip_prefix("//")?;
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let host_and_port = rest[..end].rsplit_once('@').map_or(&rest[..end], |(_, rest)| rest);
    if host_and_port.is_empty() || host_and_port.starts_with(':') {
        return Some(NO_HOST.to_owned());
    }
    let port = host_and_port.rsplit_once(':').filter(|(host, _)| !host.starts_with('[') || host.ends_with(']'));
    if let Some(why) = port.filter(|(_, port)| !port.is_empty()).and_then(|(_, port)| bad_port(port)) {
        return Some(why);
    }
    let appended =
        || format!("holds a `?` or `#`, and {server} appends the path of each request behind it: remove that part");
    rest[end..].contains(['?', '#']).then(appended)
}

fn is_word_for_none(text: &str) -> bool {
    is_one_of(text, &["null", "none", "~", "false", "no", "n/a", "nil"])
}

/// Whether a text is one of these words when all of it is written small. No character beyond ASCII has a letter of theirs, alone,
/// for its small one.
fn is_one_of(text: &str, words: &[&str]) -> bool {
    words.iter().any(|word| text.eq_ignore_ascii_case(word))
}

const NO_ADDRESS: &str = "is a text and no address: if nothing is to be pushed, write `url: null` without quotes";
const NO_HOST: &str = "names no host: write where the service listens, such as `http://localhost:29318`";

fn is_scheme(scheme: &str) -> bool {
    scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
}

fn with_scheme(url: &str) -> &'static str {
    if url.trim().starts_with('/') && !url.trim().starts_with("//") {
        "write `http://` and where the service listens"
    } else {
        "put `http://` in front of it"
    }
}

/// What is wrong with the name and the port.
fn authority(authority: &str) -> Option<String> {
    let host_and_port = match authority.rsplit_once('@') {
        Some((info, _)) if !info.is_empty() => {
            return Some("holds a user name or password, with which Synapse pushes nowhere: remove it".to_owned());
        }
        Some((_, rest)) => rest,
        None => authority,
    };
    let (host, port) = match host_and_port.strip_prefix('[') {
        Some(rest) => match rest.split_once(']') {
            Some((host, "")) => (host, None),
            Some((host, port)) if port.starts_with(':') => (host, Some(&port[1..])),
            _ => return Some(ipv6()),
        },
        None if host_and_port.matches(':').count() > 1 => return Some(ipv6_or_ports(host_and_port)),
        None => match host_and_port.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (host_and_port, None),
        },
    };
    if host.is_empty() {
        return Some(NO_HOST.to_owned());
    }
    if host.contains(':') {
        return Some(ipv6());
    }
    if let Some(what) = host.split('.').enumerate().find_map(|(at, label)| bad_label(label, at, host)) {
        return Some(format!("names a host {what}"));
    }
    if host.len() > 253 {
        return Some("names a host of more than 253 characters, which no name may have".to_owned());
    }
    port.and_then(bad_port)
}

fn ipv6() -> String {
    "names an IPv6 address, which Synapse's HTTP client refuses: write a host name or an IPv4 address".to_owned()
}

fn ipv6_or_ports(host_and_port: &str) -> String {
    if host_and_port.matches(':').count() == 2 && host_and_port.chars().filter(|&c| c == ':').count() == 2 {
        let first = host_and_port.split(':').next().unwrap_or_default();
        if !first.is_empty() && !first.chars().all(|c| c.is_ascii_hexdigit()) {
            return "has two ports: leave one of them".to_owned();
        }
    }
    ipv6()
}

/// What idna has against a part of the name.
fn bad_label(label: &str, at: usize, host: &str) -> Option<String> {
    let is_last = host.split('.').count() == at + 1;
    if label.is_empty() {
        return (!is_last || at == 0).then(|| "with nothing between two dots: mend the name".to_owned());
    }
    if label.contains('_') {
        let why = "with an underscore, which Synapse's HTTP client refuses: give the container or host another name, or \
                   write its address";
        return Some(why.to_owned());
    }
    if label.chars().any(|c| c.is_ascii() && !(c.is_ascii_alphanumeric() || c == '-')) {
        return Some("with a character that no host name may have: mend the name".to_owned());
    }
    if label.starts_with('-') || label.ends_with('-') {
        return Some("with a hyphen at an end, which Synapse's HTTP client refuses".to_owned());
    }
    if label.as_bytes().get(2..4) == Some(b"--") && !label.to_lowercase().starts_with("xn") {
        return Some("with hyphens in the third and fourth place, which Synapse's HTTP client refuses".to_owned());
    }
    (label.is_ascii() && label.len() > 63).then(|| "with a part of more than 63 characters".to_owned())
}

fn bad_port(port: &str) -> Option<String> {
    if port.trim().is_empty() {
        return Some("has a colon and no port: write the port, or remove the colon".to_owned());
    }
    match python_text::int(port, python_text::Base::Ten).map(python_text::Integer::small) {
        Ok(Some(1..=65535)) => None,
        Ok(_) => Some("has a port that is not from 1 to 65535".to_owned()),
        Err(_) => Some("has a port that is no number".to_owned()),
    }
}

/// What is wrong with what follows name and port.
fn behind(rest: &str) -> Option<String> {
    if rest.contains(['?', '#']) {
        let why = "holds a `?` or `#`, and Synapse appends the path of each request behind it: remove that part";
        return Some(why.to_owned());
    }
    rest.contains(|c: char| c.is_whitespace() || c.is_control())
        .then(|| "holds a blank in its path, so that requests go to a path that the service does not know".to_owned())
}
