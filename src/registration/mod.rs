//! From the bytes of a registration file to a [`Registration`] with source positions, or to every fault in it.
//!
//! # What loads, and why
//!
//! A file loads if and only if Synapse 1.163 on CPython 3.11 loads it. Synapse stops at the first fault, with a traceback;
//! [`load()`] goes on and collects them all, each with its place and the way out. Where Synapse is stricter than one would
//! think, or laxer, so is this; `oracle/registration_cases.py` holds the two against each other.
//!
//! | what | loads | refused, and what one would not expect |
//! |---|---|---|
//! | bytes | UTF-8, a byte order mark at the very start, any of the three line endings | UTF-16, Latin-1, control characters |
//! | YAML | one document, as `yaml.safe_load` reads it: YAML 1.1 | tabs that indent, unknown tags, an anchor that stands twice, a second document. Of two equal keys the last counts, without a word |
//! | the whole | a mapping | a list, also of one registration; nothing at all |
//! | `id`, `as_token`, `hs_token` | strings, also empty ones | `id: 123` is an integer; a missing key. `|` in `id`, which Synapse uses to keep lists of ids |
//! | `sender_localpart` | a string that `urllib.parse.quote` leaves as it is: ASCII letters and digits, `_ . - ~ /` | a whole user ID (`@bot:…`), capitals are fine and an umlaut is not |
//! | `url` | a string, also an empty one or no URL; an explicit null | a missing key; `no`, which is a boolean |
//! | `namespaces` | a mapping, also an empty one | a missing key, null |
//! | `users`, `aliases`, `rooms` in it | a list; a missing key. Any other key is passed over | null, a mapping |
//! | an entry | a mapping with a string `regex` and a boolean `exclusive`; other keys are passed over | `exclusive: "true"`, `exclusive: 1`, a regex that `re.compile` refuses |
//! | `protocols` | anything that Python calls false; a list of strings | a string, a list with a number in it |
//! | `rate_limited` | anything: only `false` itself switches the limit off | `"false"` is a string and so limits |
//! | `ip_range_whitelist` | anything false; what `netaddr.IPSet` can be made of: addresses, networks, also integers and the keys of a mapping | `10.0.0.*`, a host name |
//! | `org.matrix.msc3202`, `io.element.msc4190` | a boolean | anything else, null too |
//! | `io.element.msc4502.scopes` | a list of scopes that 1.163 knows | null |
//! | `io.element.msc4512.proxy_prefix` and `…proxy_url` | both or neither; the prefix `rtc/livekit` or below it | an empty string; one without the other |
//! | any other key | yes | |
//!
//! Which of PyYAML's releases reads the file matters in one place, lists of merge keys; see [`pyyaml::Release`]. The
//! verdict is that of 6.0.3, and a file that 6.0.4 would read otherwise says so.
//!
//! That several files load together is decided above, in the room `snapshot`: equal ids, equal tokens, overlapping proxy
//! prefixes.
//!
//! # How it is read
//!
//! [`load()`] makes a document of the bytes, and a `Draft` of the document: the top level, the faults so far, and the tokens
//! that no message may repeat. `namespaces`, `options` and `address` read their part of it; `messages` words what is
//! wrong; `warnings` is what Synapse takes and nobody should want. What is kept is lean: regexes as text
//! ([`ValidRegex`]), tokens as a digest under a key of this process ([`TokenDigest`]).
//!
//! [`load()`] is Synapse's loader. [`load_for`] is that of any homeserver: what its library makes of the text is said in
//! `library`, and what it then wants of a registration, in its row ([`crate::homeserver::Loader`]), is asked in `foreign`.

mod address;
mod bridge;
mod content_hash;
mod draft;
mod entry;
mod extra;
mod facts;
mod fault;
mod foreign;
mod homeserver;
mod keys;
mod library;
mod load;
mod messages;
mod model;
mod namespaces;
mod numbers;
mod options;
mod packed;
mod parts;
mod redact;
mod regex;
mod rewrite;
mod shape;
mod source_digest;
mod source_text;
mod spelling;
mod syntax;
mod template;
mod token;
mod url;
mod warning;
mod warnings;

pub(crate) use bridge::is_taken_by_bridge;
pub use bridge::{Bridge, BridgeConfig, BridgeConfigError, Filling, Made, Names, Part, Secret, bridge_config};
pub use content_hash::ContentHash;
pub use entry::{Entry, OwnedEntry, OwnedNamespaces};
pub use facts::FileFacts;
pub use fault::{Fault, FaultCode};
pub use foreign::{load_for, toml_directory, toml_tables};
pub use homeserver::{HomeserverConfig, HomeserverConfigError, PassedOver, Said, homeserver_config, missing_file_hint};
pub use load::load;
pub use model::{Loaded, Registration};
pub use packed::{Entries, EntriesIter};
pub use parts::Parts;
pub use pyyaml::Place;
pub use regex::{Regex, ValidRegex};
pub use rewrite::{Rewrite, Rewritten};
pub use source_digest::SourceDigest;
pub use source_text::{Harmless, Line, SourceText};
pub(crate) use spelling::{distance as slips_between, nearest};
pub use token::{Token, TokenDigest, TokenHasher};
pub use warning::{Warning, WarningCode};
