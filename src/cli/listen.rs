//! Where to listen, as it is written on the command line.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// Reads an address: `127.0.0.1:8790`, `[::1]:8790`; `localhost:8790` for the first, and `:8790` for every address of IPv4. No
/// other name is looked up: what it leads to may change, and a service must not come to listen elsewhere.
pub(super) fn address(text: &str) -> Result<SocketAddr, String> {
    let port = |host: &str| text.strip_prefix(host)?.strip_prefix(':')?.parse::<u16>().ok();
    let short = [("localhost", Ipv4Addr::LOCALHOST), ("", Ipv4Addr::UNSPECIFIED)];
    let short = short.into_iter().find_map(|(host, ip)| Some(SocketAddr::new(IpAddr::V4(ip), port(host)?)));
    short.or_else(|| text.parse().ok()).ok_or_else(|| {
        "expected an IP address and a port, such as 127.0.0.1:8790, [::1]:8790, localhost:8790, or :8790 for every address"
            .to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_taken_as_people_write_them() {
        for (text, expected) in [
            ("127.0.0.1:8790", "127.0.0.1:8790"),
            ("[::1]:1", "[::1]:1"),
            ("localhost:8790", "127.0.0.1:8790"),
            (":8790", "0.0.0.0:8790"),
        ] {
            assert_eq!(address(text).map(|address| address.to_string()), Ok(expected.to_owned()), "{text}");
        }
        for text in ["8790", "localhost", "localhost:", ":", ":70000", "example.com:80", "::1:80:x", "127.0.0.1", " :1"]
        {
            assert!(address(text).is_err(), "{text}");
        }
    }
}
