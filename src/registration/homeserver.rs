//! Synapse's own configuration, as far as application services are concerned: `homeserver.yaml`, and what stands beside it.
//!
//! Synapse takes several files (`--config-path` again and again, or a directory) and lays their top levels over each other:
//! a key of a later file replaces that of an earlier one as a whole, lists too. A file that is no mapping, such as one
//! of comments alone, it passes over with a line on its output. So every file is read by itself here
//! ([`homeserver_config`]), and [`HomeserverConfig::overlaid_by`] lays them over each other.

use std::fmt;
use std::path::{Path, PathBuf};

use super::syntax::{self, Subject};
use super::{Fault, FaultCode, Place, WarningCode, messages, shape, spelling};
use pyyaml::{Document, Located, NodeId, Release, Value};

const SERVER_NAME: &str = "server_name";
const FILES: &str = "app_service_config_files";

/// What one file of a homeserver's configuration says about application services, or several together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HomeserverConfig {
    /// The `server_name`, if it is there.
    pub server_name: Option<Said<String>>,
    /// The `app_service_config_files`, if they are there, in load order. Like Synapse's own, relative paths are relative
    /// to the working directory.
    pub app_service_config_files: Option<Vec<Said<PathBuf>>>,
    /// What seems to be meant for one of the two and is passed over, or the file as a whole; each a sentence without an
    /// end.
    pub passed_over: Vec<PassedOver>,
}

/// Something that a file says, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said<T> {
    /// What.
    pub value: T,
    /// Where it begins.
    pub place: Place,
}

/// Something that a file says, and that Synapse passes over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PassedOver {
    /// What such a warning is called in a registration; `None` where it may well be as it should.
    pub code: Option<WarningCode>,
    /// What it is, as a sentence without an end.
    pub value: String,
    /// Where it begins.
    pub place: Place,
}

impl HomeserverConfig {
    /// What this configuration and a later file come to together.
    #[must_use]
    pub fn overlaid_by(mut self, later: Self) -> Self {
        self.passed_over.extend(later.passed_over);
        Self {
            server_name: later.server_name.or(self.server_name),
            app_service_config_files: later.app_service_config_files.or(self.app_service_config_files),
            passed_over: self.passed_over,
        }
    }

    /// The paths of the registrations, in load order.
    pub fn files(&self) -> impl Iterator<Item = &Path> {
        self.app_service_config_files.iter().flatten().map(|file| &*file.value)
    }
}

/// Why a file of the configuration cannot be used: every fault in it, in the order of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HomeserverConfigError {
    /// The faults; at least one.
    pub faults: Vec<Fault>,
}

impl HomeserverConfigError {
    /// The faults, each with the file and its place as an editor takes them: `homeserver.yaml:3:26: …`.
    #[must_use]
    pub fn in_file(&self, file: &Path) -> String {
        let faults = self.faults.iter().map(|fault| match (fault.line, fault.column) {
            (Some(line), Some(column)) => format!("{}:{line}:{column}: {}", file.display(), fault.message),
            _ => format!("{}: {}", file.display(), fault.message),
        });
        faults.collect::<Vec<_>>().join("; ")
    }
}

impl fmt::Display for HomeserverConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, fault) in self.faults.iter().enumerate() {
            let separator = if at == 0 { "" } else { "; " };
            match (fault.line, fault.column) {
                (Some(line), Some(column)) => write!(f, "{separator}line {line}, column {column}: {}", fault.message)?,
                _ => write!(f, "{separator}{}", fault.message)?,
            }
        }
        Ok(())
    }
}

impl std::error::Error for HomeserverConfigError {}

/// Reads a file of Synapse's configuration as Synapse does, as far as application services are concerned.
pub fn homeserver_config(bytes: &[u8]) -> Result<HomeserverConfig, HomeserverConfigError> {
    let text = pyyaml::decode(bytes).map_err(|error| {
        let subject = Subject::HomeserverConfig;
        refused(shape::of_bytes(bytes).unwrap_or_else(|| syntax::undecodable(&error, bytes, subject)))
    })?;
    let document = Document::read(&text, Release::V6_0_3)
        .map_err(|error| refused(syntax::fault(&error, &text, Subject::HomeserverConfig)))?;
    let Some(document) = document else { return Ok(passed_over("the file is empty, or holds comments alone")) };
    let Value::Dict(pairs) = document.value(document.root()) else {
        return Ok(passed_over("the file is no mapping of keys to values"));
    };
    let mut faults = Vec::new();
    let config = HomeserverConfig {
        server_name: document.get(pairs, SERVER_NAME).and_then(|found| server_name(found, &mut faults)),
        app_service_config_files: document.get(pairs, FILES).map(|found| files(&document, found, &mut faults)),
        passed_over: suspicious(&document, pairs),
    };
    if faults.is_empty() { Ok(config) } else { Err(HomeserverConfigError { faults }) }
}

fn refused(fault: Fault) -> HomeserverConfigError {
    HomeserverConfigError { faults: vec![fault] }
}

fn passed_over(what: &str) -> HomeserverConfig {
    let value = format!("{what}: Synapse passes over it");
    let file = PassedOver { code: None, value, place: Place { line: 1, column: 1 } };
    HomeserverConfig { passed_over: vec![file], ..Default::default() }
}

fn server_name(found: Located<'_>, faults: &mut Vec<Fault>) -> Option<Said<String>> {
    if let Value::Str(name) = found.value {
        return Some(Said { value: name.escaped().into_owned(), place: found.place });
    }
    let way_out = match found.value {
        Value::Null => "write the name behind the colon",
        Value::List(_) | Value::Dict(_) => "write one name behind the colon",
        _ => "put it in quotes",
    };
    let message = format!("{SERVER_NAME} is {} where a string is needed: {way_out}", messages::kind(found.value));
    faults.push(Fault::over(FaultCode::WrongType, found, message));
    None
}

fn files(document: &Document<'_>, found: Located<'_>, faults: &mut Vec<Fault>) -> Vec<Said<PathBuf>> {
    let items = match found.value {
        Value::List(items) => items,
        Value::Pairs([]) => &[],
        other => {
            let message = format!(
                "{FILES} is {} where a list of paths is needed: {}",
                messages::kind(other),
                as_list(document, other)
            );
            faults.push(Fault::over(FaultCode::WrongType, found, message));
            return Vec::new();
        }
    };
    items.iter().filter_map(|&item| file(document, item, faults)).collect()
}

/// How to write a list in the place of something else.
fn as_list(document: &Document<'_>, value: Value<'_>) -> &'static str {
    match value {
        Value::Str(text) if text.chars.trim_start().starts_with("- ") => {
            "remove the quotes, or the `|`, so that each `- ` begins an entry"
        }
        Value::Str(text) if text.chars.starts_with('-') => "put a space behind each `-`",
        Value::Str(text) if text.chars.contains(',') || text.chars.trim().contains(char::is_whitespace) => {
            "write each path on a line of its own, with `- ` in front of it"
        }
        Value::Str(_) => "write it on a line of its own, with `- ` in front of it",
        Value::Dict(pairs) if is_registration(document, pairs) => {
            "a registration is not written here: put it into a file of its own, and list its path, with `- ` in front of it"
        }
        Value::Null => "write [] for none, or the paths below it, each with `- ` in front of it",
        Value::Dict([]) => "write [] for none",
        _ => "write each path on a line of its own, with `- ` in front of it",
    }
}

/// One path of the list.
fn file(document: &Document<'_>, item: NodeId, faults: &mut Vec<Fault>) -> Option<Said<PathBuf>> {
    let found = document.locate(item);
    let way_out = match found.value {
        Value::Str(path) => return Some(Said { value: path.escaped().into_owned().into(), place: found.place }),
        Value::Dict(pairs) if is_registration(document, pairs) => {
            "a registration is not written here: put it into a file of its own, and list its path"
        }
        Value::Dict([_]) => {
            "write the path alone; that it is another one in a container is said where the container is set up"
        }
        Value::List(_) => "write one `- ` in front of it, and no brackets within",
        Value::Null => "write the path behind the `- `, or remove it",
        _ => "write the path, in quotes",
    };
    let message = format!("an entry of {FILES} is {} where a path is needed: {way_out}", messages::kind(found.value));
    faults.push(Fault::over(FaultCode::WrongType, found, message));
    None
}

fn is_registration(document: &Document<'_>, pairs: &[(NodeId, NodeId)]) -> bool {
    let keys = ["id", "url", "as_token", "hs_token", "sender_localpart", "namespaces"];
    keys.iter().filter(|key| document.get(pairs, key).is_some()).count() >= 2
}

/// What Synapse passes over without a word, though somebody meant something by it.
fn suspicious(document: &Document<'_>, pairs: &[(NodeId, NodeId)]) -> Vec<PassedOver> {
    let mut suspicious = misspelt(document, pairs);
    suspicious.extend(twice(document, pairs));
    let place = document.place(document.root());
    if ["as_token", "hs_token"].iter().all(|key| document.get(pairs, key).is_some()) {
        let value =
            format!("this is a registration, of which Synapse reads nothing here: list its path under `{FILES}`");
        suspicious.push(PassedOver { code: Some(WarningCode::UnknownKey), value, place });
    }
    suspicious
}

/// The two keys, where one stands twice.
fn twice<'d>(document: &'d Document<'_>, pairs: &'d [(NodeId, NodeId)]) -> impl Iterator<Item = PassedOver> + 'd {
    document.repeated().iter().filter_map(move |&(first, place)| {
        let key = pairs.iter().map(|&(key, _)| document.locate(key)).find(|key| key.place == place)?;
        let name =
            [SERVER_NAME, FILES].into_iter().find(|name| matches!(key.value, Value::Str(text) if text.is(name)))?;
        let value =
            format!("`{name}` already stands at line {}: the earlier one is passed over as a whole", first.line);
        Some(PassedOver { code: Some(WarningCode::DuplicateKey), value, place })
    })
}

/// Keys that are near to the two, and that Synapse passes over.
fn misspelt(document: &Document<'_>, pairs: &[(NodeId, NodeId)]) -> Vec<PassedOver> {
    let known = [SERVER_NAME, FILES];
    let keys = pairs.iter().filter_map(|&(key, _)| match document.value(key) {
        Value::Str(name) if !known.contains(&&*name.chars) => {
            let meant = match &*name.chars {
                "app_services" | "appservices" | "appservice_config_files" | "app_service_files" => FILES,
                chars => spelling::nearest(chars, &known)?,
            };
            let there = document.get(pairs, meant).is_some();
            (!there).then(|| PassedOver {
                code: Some(WarningCode::UnknownKey),
                value: format!(
                    "Synapse does not know {} and passes over it: did you mean `{meant}`?",
                    super::keys::shown(&name.chars)
                ),
                place: document.place(key),
            })
        }
        _ => None,
    });
    keys.collect()
}

/// What seems to be wrong with a path at which there is no file, as it was written in the list.
#[must_use]
pub fn missing_file_hint(path: &Path) -> Option<&'static str> {
    let text = path.to_string_lossy();
    if text.is_empty() {
        return Some("the entry is empty: write the path behind the `- `, or remove it");
    }
    if text.starts_with("file:") {
        return Some("Synapse takes paths and no addresses: leave out what stands before the path");
    }
    if text.trim() != text {
        return Some("white space at its end is part of the path: remove it");
    }
    if text.contains(" /") {
        return Some("several paths stand on one line: put each on a line of its own, with `- ` in front of it");
    }
    if text.contains(" - ") {
        return Some("two entries stand on one line: indent each `- ` alike");
    }
    if text.contains('*') || text.contains('?') || (text.contains('[') && text.contains(']')) {
        return Some("Synapse expands no patterns: list each file by itself");
    }
    if text.starts_with("~/") || text.contains('$') {
        return Some("Synapse expands neither `~` nor variables: write the whole path");
    }
    if path.is_relative() {
        return Some("a relative path is relative to the directory in which Synapse is started: write the whole path");
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(text: &str) -> Vec<String> {
        let error = homeserver_config(text.as_bytes()).expect_err("it cannot be used");
        error
            .faults
            .iter()
            .map(|fault| format!("{}:{}: {}", fault.line.unwrap_or(0), fault.column.unwrap_or(0), fault.message))
            .collect()
    }

    #[test]
    fn the_files_come_in_the_order_of_the_configuration() {
        let config = homeserver_config(b"server_name: example.com\napp_service_config_files:\n- /b.yaml\n- a.yaml\n");
        let config = config.expect("a usable configuration");
        let name = config.server_name.clone().expect("a name");
        assert_eq!((&*name.value, name.place), ("example.com", Place { line: 1, column: 14 }));
        assert_eq!(config.files().collect::<Vec<_>>(), [Path::new("/b.yaml"), Path::new("a.yaml")]);
        let files = config.app_service_config_files.expect("a list");
        assert_eq!(files[1].place, Place { line: 4, column: 3 });
        assert_eq!(homeserver_config(b"server_name: x\n").expect("usable").app_service_config_files, None);
    }

    #[test]
    fn later_files_replace_what_they_say_and_nothing_else() {
        let read = |text: &str| homeserver_config(text.as_bytes()).expect("usable");
        let config = read("server_name: x\napp_service_config_files: [a]\n")
            .overlaid_by(read("# nothing\n"))
            .overlaid_by(read("app_service_config_files: [b, c]\n"));
        assert_eq!(config.server_name.as_ref().map(|name| &*name.value), Some("x"));
        assert_eq!(config.files().collect::<Vec<_>>(), [Path::new("b"), Path::new("c")]);
        assert_eq!(config.passed_over.len(), 1);
        let emptied = config.overlaid_by(read("server_name: y\napp_service_config_files: []\n"));
        assert_eq!(emptied.server_name.as_ref().map(|name| &*name.value), Some("y"));
        assert_eq!(emptied.files().count(), 0);
    }

    #[test]
    fn what_synapse_would_not_start_with_is_refused_with_place_and_way_out() {
        for (wrong, what) in [
            ("a: [", "1:5: expected a value, but found the end of the file"),
            ("server_name: 1", "1:14: server_name is an integer where a string is needed: put it in quotes"),
            ("server_name:\n", "1:13: server_name is empty (null) where a string is needed: write the name"),
            ("app_service_config_files: a.yaml", "1:27: app_service_config_files is a string where a list of paths"),
            ("app_service_config_files: a.yaml", "write it on a line of its own, with `- ` in front"),
            ("app_service_config_files: '\n  - \"/data/dim.yaml\"'", "remove the quotes"),
            ("app_service_config_files:\n -a.yaml", "put a space behind each `-`"),
            ("app_service_config_files: a.yaml, b.yaml", "write each path on a line of its own"),
            ("app_service_config_files:\n", "write [] for none, or the paths below it"),
            ("app_service_config_files: {}", "write [] for none"),
            ("app_service_config_files: [1]", "1:28: an entry of app_service_config_files is an integer"),
            ("app_service_config_files:\n- /data/x: /data/x", "write the path alone"),
            ("app_service_config_files:\n- id: irc\n  as_token: t\n", "put it into a file of its own"),
            ("app_service_config_files:\n- \n", "write the path behind the `- `, or remove it"),
            ("secret: \"a\\sb\"", "put the value in single quotes"),
            ("{% if X %}\n{% endif %}\n", "this is a template that has not been rendered"),
            ("server_name: x\n\tapp: y", "indent with spaces"),
        ] {
            let faults = faults(wrong);
            assert!(faults.len() == 1 && faults[0].contains(what), "{wrong:?}\n{faults:?}");
        }
    }

    #[test]
    fn what_synapse_passes_over_is_said() {
        for (text, what) in [
            ("", "the file is empty, or holds comments alone"),
            ("[]", "no mapping"),
            ("app_service_config_file: [a]", "did you mean `app_service_config_files`?"),
            ("servername: x", "did you mean `server_name`?"),
        ] {
            let config = homeserver_config(text.as_bytes()).expect("Synapse goes on");
            assert!(config.passed_over.iter().any(|said| said.value.contains(what)), "{text}\n{config:?}");
            assert!(config.server_name.is_none() && config.app_service_config_files.is_none());
        }
    }

    #[test]
    fn what_is_lost_in_a_file_is_said() {
        let read = |text: &str| homeserver_config(text.as_bytes()).expect("Synapse takes it");
        let config = read("app_service_config_files: [a]\nserver_name: x\napp_service_config_files: [b]\n");
        assert_eq!(config.files().collect::<Vec<_>>(), [Path::new("b")]);
        let [said] = &config.passed_over[..] else { panic!("{config:?}") };
        assert_eq!(said.place, Place { line: 3, column: 1 });
        assert!(said.value.starts_with("`app_service_config_files` already stands at line 1"), "{}", said.value);
        assert!(read("as_token: a\nhs_token: b\n").passed_over[0].value.starts_with("this is a registration"));
        assert_eq!(read("a: 1\na: 2\nserver_name: x\n").passed_over, []);
    }

    #[test]
    fn faults_are_shown_where_an_editor_finds_them() {
        let error = homeserver_config(b"server_name: 1\napp_service_config_files: a\n").expect_err("two faults");
        let shown = error.in_file(Path::new("homeserver.yaml"));
        assert!(shown.starts_with("homeserver.yaml:1:14: server_name is an integer"), "{shown}");
        assert!(shown.contains("; homeserver.yaml:2:27: app_service_config_files is a string"), "{shown}");
    }

    #[test]
    fn a_path_without_a_file_is_looked_at() {
        for (path, what) in [
            ("a.yaml - b.yaml", Some("two entries")),
            ("/data/*.yaml", Some("expands no patterns")),
            ("", Some("is empty")),
            ("/data/a.yaml ", Some("white space")),
            ("file:///data/a.yaml", Some("no addresses")),
            ("/data/a.yaml /data/b.yaml", Some("several paths")),
            ("appservice.yaml", Some("relative")),
            ("~/a.yaml", Some("neither")),
            ("/data/a.yaml", None),
        ] {
            let hint = missing_file_hint(Path::new(path));
            assert_eq!(hint.is_some(), what.is_some(), "{path}");
            assert!(hint.is_none_or(|hint| hint.contains(what.expect("a hint"))), "{path}: {hint:?}");
        }
    }
}
