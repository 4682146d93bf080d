//! What Synapse takes for the name of a server in an ID.

use std::net::Ipv6Addr;

use python_text::{Base, int};

/// Whether `parse_and_validate_server_name` takes it: a port is whatever Python's `int` reads, and a host is checked no
/// further than that nothing else looks like one.
pub(super) fn is_server_name(name: &str) -> bool {
    let (host, port) = match name.rsplit_once(':') {
        Some((host, port)) if !name.ends_with(']') => (host, Some(port)),
        _ => (name, None),
    };
    let label =
        |label: &str| !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    port.is_none_or(|port| int(port, Base::Ten).is_ok())
        && match host.strip_prefix('[') {
            Some(rest) => rest.strip_suffix(']').is_some_and(|address| address.parse::<Ipv6Addr>().is_ok()),
            None => host.split('.').all(label),
        }
}

#[cfg(test)]
mod tests {
    use super::is_server_name;

    #[test]
    fn it_takes_what_synapse_takes() {
        for name in
            ["example.com", "example.com:8448", "x:99999999", "x:-1", "x: 1 ", "x:٣", "[::1]", "[::1]:80", "1.2.3.4"]
        {
            assert!(is_server_name(name), "{name}");
        }
        for name in [
            "",
            ":",
            "x:",
            "a..b",
            "a.",
            ".a",
            "a_b",
            "é",
            "[::1",
            "[]",
            "[x]",
            "a b",
            "x:1.0",
            "a:b:c",
            "b:example.com",
        ] {
            assert!(!is_server_name(name), "{name}");
        }
    }
}
