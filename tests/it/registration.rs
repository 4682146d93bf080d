//! Files load exactly as Synapse loads them.

use bailiwick::registration::{Entry, Registration};
use serde_json::{Value, json};

/// What Synapse makes of a file, as the oracle records it.
pub(crate) fn summary(registration: &Registration) -> Value {
    let entries = |entries: &[Entry]| -> Vec<Value> {
        entries.iter().map(|entry| json!([&*entry.regex, entry.exclusive])).collect()
    };
    let mut protocols: Vec<&str> = registration.protocols.iter().map(|protocol| &**protocol).collect();
    protocols.sort_unstable();
    json!({
        "id": &*registration.id,
        "sender": &*registration.sender_localpart,
        "url": registration.url.as_deref(),
        "users": entries(&registration.namespaces.users),
        "aliases": entries(&registration.namespaces.aliases),
        "rooms": entries(&registration.namespaces.rooms),
        "protocols": protocols,
        "rate_limited": registration.rate_limited,
        "proxy_prefix": registration.proxy_prefix.as_deref(),
    })
}
