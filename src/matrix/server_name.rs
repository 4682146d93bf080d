use std::net::Ipv6Addr;
use std::str::FromStr;
use std::sync::Arc;

/// The name of a homeserver, with its port if it has one. Cheap to clone.
///
/// Source: Matrix specification, appendices, "Server Name".
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ServerName(Arc<str>);

impl ServerName {
    /// The name as it stands after the colon of an ID.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for ServerName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a string is not a server name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{name}` is not a server name: {problem}; expected something like `example.com` or `example.com:8448`")]
pub struct ServerNameError {
    name: String,
    problem: &'static str,
}

impl FromStr for ServerName {
    type Err = ServerNameError;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        match problem_with(name) {
            None => Ok(Self(name.into())),
            Some(problem) => Err(ServerNameError { name: name.to_owned(), problem }),
        }
    }
}

fn problem_with(name: &str) -> Option<&'static str> {
    if name.contains("://") {
        return Some("it is an address: leave out what stands before and behind the name");
    }
    if name.starts_with('@') {
        return Some("it is a user's ID: the name is what stands behind its colon");
    }
    let (host, port) = split_port(name);
    if let Some(port) = port
        && (port.is_empty() || port.len() > 5 || !port.bytes().all(|b| b.is_ascii_digit()))
    {
        return Some("what follows the last colon is not a port");
    }
    if let Some(inner) = host.strip_prefix('[') {
        let Some(address) = inner.strip_suffix(']') else {
            return Some("the bracket is not closed");
        };
        return address.parse::<Ipv6Addr>().is_err().then_some("the brackets hold no IPv6 address");
    }
    if host.is_empty() {
        return Some("the host is empty");
    }
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'.';
    (!host.bytes().all(allowed)).then_some("a host consists of letters, digits, hyphens and dots")
}

/// Splits at the last colon, unless that is inside the brackets of an IPv6 address.
fn split_port(name: &str) -> (&str, Option<&str>) {
    if name.ends_with(']') {
        return (name, None);
    }
    match name.rsplit_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (name, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_hosts_addresses_and_ports() {
        for name in ["example.com", "localhost", "a-b.example:8448", "1.2.3.4", "[::1]", "[2001:db8::1]:8448"] {
            assert_eq!(name.parse::<ServerName>().map(|n| n.to_string()), Ok(name.to_owned()));
        }
    }

    #[test]
    fn refuses_what_is_no_server_name() {
        for name in
            ["", "exa mple", "https://example.com", "example.com:", "example.com:x", "[::x]", "é.example", "a_b"]
        {
            assert!(name.parse::<ServerName>().is_err(), "{name}");
        }
        let why = |name: &str| name.parse::<ServerName>().map_err(|error| error.to_string());
        assert!(why("https://example.com").is_err_and(|why| why.contains("it is an address")));
        assert!(why("@a:example.com").is_err_and(|why| why.contains("a user's ID")));
    }
}
