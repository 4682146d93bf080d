//! What a file is that is no registration: named as what it is, in one fault, and where the registration is to be had.
//!
//! Asked only about files that do not load, so that nothing said here can keep a registration out. Without it, a bridge's
//! configuration is told six times to add keys that do not belong there.

use super::{Fault, FaultCode, Place};
use pyyaml::{Document, NodeId, Value};

type Pairs<'d> = &'d [(NodeId, NodeId)];

fn fault(place: Place, message: &str) -> Fault {
    Fault::at(FaultCode::NotARegistration, place, message)
}

/// Where a file begins.
pub(super) const TOP: Place = Place { line: 1, column: 1 };

/// What bytes are that are no text.
pub(super) fn of_bytes(bytes: &[u8]) -> Option<Fault> {
    let what = match bytes {
        [0xFF, 0xFE, 0, 0, ..] | [0, 0, 0xFE, 0xFF, ..] => "UTF-32",
        [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..] => "UTF-16",
        [first, 0, third, 0, ..] if *first != 0 && *third != 0 => "UTF-16 without a byte order mark",
        [0, first, 0, third, ..] if *first != 0 && *third != 0 => "UTF-16 without a byte order mark",
        _ => return archive(bytes).map(|what| fault(TOP, &format!("this is {what}"))),
    };
    let message = format!("the file is written in {what}, and Synapse reads UTF-8: save it as UTF-8");
    Some(Fault::at(FaultCode::Syntax, TOP, message))
}

fn archive(bytes: &[u8]) -> Option<&'static str> {
    let unpack = |archive: bool| {
        if archive { "an archive: unpack it, and use the registration in it" } else { "" }
    };
    let starts = |magic: &[u8]| bytes.starts_with(magic);
    Some(
        if starts(b"PK\x03\x04") || starts(b"Rar!") || starts(b"7z\xBC\xAF") || bytes.get(257..262) == Some(b"ustar") {
            unpack(true)
        } else if starts(b"\x1F\x8B") || starts(b"\xFD7zXZ") || starts(b"\x28\xB5\x2F\xFD") || starts(b"BZh") {
            "a compressed file: unpack it, and use what comes out"
        } else if starts(b"age-encryption.org/") {
            "a file that age has encrypted: decrypt it, and use what comes out"
        } else if starts(b"\0GITCRYPT") {
            "a file that git-crypt has encrypted: run `git-crypt unlock` first"
        } else if starts(b"SQLite format 3\0") {
            "a database, not a registration"
        } else if starts(b"\x7FELF") || starts(b"MZ") {
            "a program, not a registration: let it write its registration, and use that"
        } else if starts(b"%PDF") || starts(b"\x89PNG") || starts(b"\xFF\xD8\xFF") || starts(b"{\\rtf") {
            "a document or picture, not a registration: save the text alone"
        } else {
            return None;
        },
    )
}

/// What a text is, whatever YAML makes of it.
pub(super) fn of_text(text: &str) -> Option<Fault> {
    let start = text.trim_start_matches(['\u{FEFF}', ' ', '\n', '\t']);
    let lower: String = start.chars().take(64).collect::<String>().to_lowercase();
    let what = if start.starts_with("$ANSIBLE_VAULT;") {
        "this file is still encrypted by Ansible Vault: decrypt it (`ansible-vault decrypt`), and use what comes out"
    } else if start.starts_with("-----BEGIN AGE ENCRYPTED FILE") {
        "this file is still encrypted by age: decrypt it, and use what comes out"
    } else if start.starts_with("-----BEGIN PGP MESSAGE") {
        "this file is still encrypted by PGP: decrypt it, and use what comes out"
    } else if start.starts_with("-----BEGIN ") {
        "this is a key or certificate, not a registration"
    } else if lower.starts_with("<!doctype") || lower.starts_with("<html") || lower.starts_with("<?xml") {
        "this is a web page, not a registration: whatever fetched it was answered with a page; fetch the file itself"
    } else if start.starts_with("{\\rtf") {
        "this is a document of a word processor: save the text alone, as UTF-8"
    } else if start.starts_with("diff --git ") || start.starts_with("--- a/") {
        PATCH
    } else if start.starts_with("version https://git-lfs.github.com/") {
        "this is what git keeps in the place of a large file (git LFS), not a registration: fetch the file itself by `git lfs pull`"
    } else if start.starts_with("#!/") {
        "this is a script, not a registration: run it, and use what it writes"
    } else if start.starts_with("$ ") || (start.starts_with("cat ") && lower.contains("<<")) {
        "this holds a command of a shell beside the registration: keep only what the command writes"
    } else if start.starts_with('{') && text.contains("}:\n") {
        "this is Nix, not a registration: build it, and use the registration that comes out"
    } else if is_toml(text) {
        TOML
    } else if is_environment(text) {
        "this is a list of variables (`NAME=value`), not a registration: write `key: value`"
    } else {
        return several(text);
    };
    Some(fault(TOP, what))
}

/// Documents of Kubernetes stand in one file by the dozen.
fn several(text: &str) -> Option<Fault> {
    let has = |key: &str| text.lines().any(|line| line.starts_with(key));
    (has("apiVersion:") && has("kind:")).then(|| fault(TOP, KUBERNETES))
}

const SOPS: &str = "this file is still encrypted by sops: decrypt it (`sops -d`), and use what comes out";

const KUBERNETES: &str = "this is a manifest of Kubernetes, not a registration: put the registration that it holds (below \
                          `stringData:` or `data:`) into a file of its own, or apply the manifest and mount what comes of it";

/// Lines that are no comment and not empty.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'))
}

fn is_toml(text: &str) -> bool {
    let is_section = |line: &str| {
        let name = line.trim_start_matches('[').trim_end_matches(']');
        line.starts_with('[')
            && line.ends_with(']')
            && name.chars().all(|c| c.is_ascii_alphanumeric() || "_-.\" ".contains(c))
    };
    let is_pair = |line: &str| line.split_once('=').is_some_and(|(key, _)| !key.trim().contains([':', ' ', '\'', '"']));
    let sections = lines(text).filter(|line| is_section(line)).count();
    let pairs = lines(text).filter(|line| is_pair(line)).count();
    let begins = lines(text).next().is_some_and(is_section);
    pairs >= 1
        && (begins
            || (sections >= 1 && pairs + sections >= 3)
            || (pairs >= 2 && lines(text).all(|line| line.contains(" = "))))
}

fn is_environment(text: &str) -> bool {
    let is_variable = |line: &str| {
        let line = line.strip_prefix("export ").unwrap_or(line);
        line.split_once('=').is_some_and(|(name, _)| {
            !name.is_empty()
                && name.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
        })
    };
    lines(text).count() >= 2 && lines(text).all(is_variable)
}

/// What a mapping is. `None` for one that is a registration, with whatever faults.
pub(super) fn of_mapping(document: &Document<'_>, pairs: Pairs<'_>) -> Option<Fault> {
    let has = |key: &str| document.get(pairs, key).is_some();
    let is_mapping = |key: &str| matches!(document.get(pairs, key).map(|found| found.value), Some(Value::Dict(_)));
    let place = document.place(document.root());
    if has("sops") {
        return Some(fault(place, SOPS));
    }
    let own = ["as_token", "hs_token", "sender_localpart", "namespaces"].into_iter().filter(|key| has(key)).count();
    if own > 1 {
        return None;
    }
    let count = |keys: &[&str]| keys.iter().filter(|key| has(key)).count();
    let what = if has("apiVersion") && has("kind") {
        KUBERNETES
    } else if has("server_name") && count(&HOMESERVER) >= 1 || count(&HOMESERVER) >= 2 {
        "this is a homeserver's configuration, not a registration: name it with `--synapse-config`, and keep it out of the \
         registrations"
    } else if has("global")
        && count(&["app_service_api", "client_api", "federation_api", "room_server", "sync_api"]) > 0
    {
        "this is Dendrite's configuration, not a registration: keep it out of the registrations"
    } else if is_bridge(document, pairs) {
        "this is a bridge's own configuration, not its registration: let the bridge write the registration (with mautrix \
         bridges by `-g`), and give the homeserver that file"
    } else if is_mapping("services") && document_holds(document, pairs, "services", &["image", "build"]) {
        "this is a Compose file, not a registration: the registration is the file that one of its services mounts"
    } else if has("apiVersion") && has("name") && has("version") {
        "this is a Helm chart's description, not a registration: render the chart, and use the registration that comes out"
    } else if count(&HELM) >= 2 {
        "these are the values of a Helm chart, not a registration: render the chart, and use the registration that comes out"
    } else if has("openapi") || has("swagger") {
        "this is the description of an HTTP interface, not a registration"
    } else if is_not_found(document, pairs) {
        "this is an answer \"404: Not Found\", not a registration: whatever fetched the file did not get it"
    } else if has("errcode") || has("error") && pairs.len() <= 3 {
        "this is the error that a server answered, not a registration: whatever fetched the file did not get it"
    } else {
        return below(document, pairs);
    };
    Some(fault(place, what))
}

/// Keys of a Synapse configuration.
const HOMESERVER: [&str; 8] = [
    "app_service_config_files",
    "listeners",
    "database",
    "registration_shared_secret",
    "macaroon_secret_key",
    "signing_key_path",
    "report_stats",
    "media_store_path",
];

/// Keys of the values of many charts.
const HELM: [&str; 14] = [
    "image",
    "replicaCount",
    "ingress",
    "service",
    "persistence",
    "resources",
    "nodeSelector",
    "tolerations",
    "affinity",
    "serviceAccount",
    "podAnnotations",
    "fullnameOverride",
    "controllers",
    "env",
];

fn is_bridge(document: &Document<'_>, pairs: Pairs<'_>) -> bool {
    let has = |key: &str| document.get(pairs, key).is_some();
    let holds = |key: &str, below: &[&str]| document_holds(document, pairs, key, below);
    let count = |keys: &[&str]| keys.iter().filter(|key| has(key)).count();
    holds("homeserver", &["address", "domain", "url", "server_name", "media_url", "homeserver", "enablePresence"])
        || holds("appservice", &["as_token", "bot", "bot_username", "port", "hostname", "address", "database"])
        || holds("bridge", &["domain", "homeserverUrl", "bindAddress", "mediaUrl", "port", "username_template", "url"])
        || has("ircService")
        || count(&["homeserver", "appservice", "bridge"]) >= 2
        || (has("homeserver") && count(&["slack_hook_port", "bot_username", "database", "logging", "registration"]) > 0)
}

/// Whether the mapping under a key holds one of these keys, itself or in one of its mappings.
fn document_holds(document: &Document<'_>, pairs: Pairs<'_>, key: &str, wanted: &[&str]) -> bool {
    let Some(Value::Dict(below)) = document.get(pairs, key).map(|found| found.value) else { return false };
    let holds = |pairs: Pairs<'_>| wanted.iter().any(|key| document.get(pairs, key).is_some());
    holds(below) || below.iter().any(|&(_, value)| matches!(document.value(value), Value::Dict(pairs) if holds(pairs)))
}

/// `404: Not Found`, which GitHub answers with.
fn is_not_found(document: &Document<'_>, pairs: Pairs<'_>) -> bool {
    let [(key, _)] = *pairs else { return false };
    matches!(document.value(key), Value::Int(number) if number.small() == Some(404))
}

/// A registration, or several, below one key or more.
fn below(document: &Document<'_>, pairs: Pairs<'_>) -> Option<Fault> {
    let found: Vec<NodeId> =
        pairs.iter().filter(|&&(_, value)| is_registration(document, value)).map(|&(key, _)| key).collect();
    let place = |id: NodeId| document.place(id);
    match found[..] {
        [] => match pairs.iter().find(|&&(_, value)| is_list_of_registrations(document, value)) {
            Some(&(key, _)) => Some(fault(place(key), LISTED)),
            None => far_below(document, pairs).or_else(|| foreign(document, pairs)),
        },
        [key] => {
            let message = format!(
                "the registration stands below {}: remove that line, and move what is below it to the left, to the top \
                 level",
                named(document, key)
            );
            Some(Fault::at(FaultCode::MissingKey, place(key), message))
        }
        [first, ..] => Some(fault(place(first), SEVERAL)),
    }
}

const SEVERAL: &str = "this file holds several registrations, each below a key of its own: put each into a file of its own, at \
                       the top level";

/// A registration, or several, below two keys.
fn far_below(document: &Document<'_>, pairs: Pairs<'_>) -> Option<Fault> {
    let mut found = pairs.iter().filter_map(|&(key, value)| match document.value(value) {
        Value::Dict(inner) => Some(inner.iter().map(move |&(below, value)| (key, below, value))),
        _ => None,
    });
    let mut found = found.by_ref().flatten().filter(|&(_, _, value)| is_registration(document, value));
    let (key, below, _) = found.next()?;
    if found.next().is_some() {
        return Some(fault(document.place(below), SEVERAL));
    }
    let message = format!(
        "the registration stands below {} and there below {}: remove both lines, and move what is below them to the left, to \
         the top level",
        named(document, key),
        named(document, below)
    );
    Some(Fault::at(FaultCode::MissingKey, document.place(below), message))
}

/// A key as it stands in the file, if it can be shown.
fn named(document: &Document<'_>, key: NodeId) -> String {
    let name = match document.value(key) {
        Value::Str(text) => super::keys::shown(&text.chars).replace("this key", "a key"),
        _ => "a key".to_owned(),
    };
    name.strip_suffix('`').map_or(name.clone(), |name| format!("{name}:`"))
}

/// A mapping in which nothing is a registration's.
fn foreign(document: &Document<'_>, pairs: Pairs<'_>) -> Option<Fault> {
    let names = || {
        pairs.iter().filter_map(|&(key, _)| match document.value(key) {
            Value::Str(text) => Some(&*text.chars),
            _ => None,
        })
    };
    let place = document.place(document.root());
    if !pairs.is_empty() && names().count() == pairs.len() {
        if names().all(|name| name.starts_with('+')) {
            return Some(fault(place, PATCH));
        }
        if names().all(|name| name.split_once(' ').is_some_and(|(number, _)| number.parse::<u32>().is_ok())) {
            return Some(fault(place, "each line begins with its number, as an editor shows it: save the text alone"));
        }
    }
    let required = ["id", "url", "as_token", "hs_token", "sender_localpart", "namespaces"];
    let is_near =
        |name: &str| super::spelling::nearest(name, &required).is_some() || super::keys::KINDS.contains(&name);
    (!names().any(is_near)).then(|| {
        fault(
            place,
            "nothing in this file is a registration's: a registration holds id, url, as_token, hs_token, \
             sender_localpart and namespaces; keep other files out of the registrations",
        )
    })
}

const TOML: &str = "this is TOML or the like, and Synapse reads YAML: write `key: value` in the place of \
                    `key = value`, and no `[section]`";

const PATCH: &str = "this is a patch, not a registration: apply it, and use the file that it changes";

const LISTED: &str = "this is a list of registrations, and Synapse reads one from a file: put each into a file of its own, \
                      without the `- ` and moved to the left, and list the files in `app_service_config_files`";

fn is_registration(document: &Document<'_>, id: NodeId) -> bool {
    let Value::Dict(pairs) = document.value(id) else { return false };
    let keys = ["id", "as_token", "hs_token", "sender_localpart", "namespaces"];
    keys.iter().filter(|key| document.get(pairs, key).is_some()).count() >= 2
}

fn is_list_of_registrations(document: &Document<'_>, id: NodeId) -> bool {
    matches!(document.value(id), Value::List(items) if items.first().is_some_and(|&item| is_registration(document, item)))
}

/// What a document is that is no mapping.
pub(super) fn of_other(document: &Document<'_>) -> Option<Fault> {
    let place = document.place(document.root());
    match document.value(document.root()) {
        Value::List(items) if items.iter().any(|&item| is_registration(document, item)) => {
            let one = "the registration is an entry of a list: remove the `- ` in front of it, and move what is below to the \
                       left, to the top level";
            Some(fault(place, if items.len() == 1 { one } else { LISTED }))
        }
        Value::List(items) => {
            let is_play = |&item: &NodeId| {
                let Value::Dict(pairs) = document.value(item) else { return false };
                document.get(pairs, "hosts").is_some() || document.get(pairs, "tasks").is_some()
            };
            items.iter().any(is_play).then(|| {
                fault(
                    place,
                    "this is an Ansible playbook, not a registration: run it, and use the registration that it writes",
                )
            })
        }
        Value::Str(text) if is_path(&text.chars) => Some(fault(
            place,
            "the file holds nothing but a path: put the registration itself here, or a symlink in the place of this file",
        )),
        Value::Str(text) if ["as_token =", "as_token="].iter().any(|key| text.chars.contains(key)) => {
            Some(fault(place, TOML))
        }
        Value::Str(text) if text.chars.contains("as_token") && text.chars.contains("hs_token") => Some(fault(
            place,
            "the whole registration stands in quotes, and so is one text: remove the quotes, and end each line where it ends",
        )),
        Value::Str(text) if is_base64(&text.chars) => Some(fault(
            place,
            "this looks like base64, as Kubernetes writes what stands below `data:`: decode it (`base64 -d`), and use what \
             comes out",
        )),
        _ => None,
    }
}

fn is_base64(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=' | b' ');
    text.len() >= 40 && text.bytes().all(plain) && text.split(' ').all(|line| line.len() >= 4)
}

fn is_path(text: &str) -> bool {
    let extension = std::path::Path::new(text).extension().and_then(|extension| extension.to_str());
    !text.contains(char::is_whitespace) && matches!(extension, Some("yaml" | "yml"))
}
