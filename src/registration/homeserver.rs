use std::path::PathBuf;

use pyyaml::{Document, NodeId, Value};

/// What a homeserver's configuration says about application services.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HomeserverConfig {
    /// The `server_name`.
    pub server_name: String,
    /// The `app_service_config_files`, in load order. Like Synapse's own, relative paths are relative to the working
    /// directory.
    pub app_service_config_files: Vec<PathBuf>,
}

/// Why the configuration cannot be used, as a sentence without an end.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct HomeserverConfigError(String);

/// Reads `homeserver.yaml` as Synapse does, as far as application services are concerned.
pub fn homeserver_config(bytes: &[u8]) -> Result<HomeserverConfig, HomeserverConfigError> {
    let syntax = |error: pyyaml::YamlError| {
        let place = error.place;
        HomeserverConfigError(format!("{} at line {}, column {}", error.problem, place.line, place.column))
    };
    let text = pyyaml::decode(bytes).map_err(syntax)?;
    let document = Document::read(&text, pyyaml::Release::V6_0_3).map_err(syntax)?;
    let Some(document) = document else { return Err(wrong("the file is empty")) };
    let Value::Dict(pairs) = document.value(document.root()) else {
        return Err(wrong("the file is not a mapping of keys to values"));
    };
    let server_name = match find(&document, pairs, "server_name") {
        Some(Value::Str(name)) => name.escaped().into_owned(),
        _ => return Err(wrong("server_name is missing, or not a string")),
    };
    let files = match find(&document, pairs, "app_service_config_files") {
        None => Some(Vec::new()),
        Some(Value::List(items)) => items.iter().map(|item| path(document.value(*item))).collect(),
        Some(_) => None,
    };
    let files = files.ok_or_else(|| wrong("app_service_config_files is not a list of strings"))?;
    Ok(HomeserverConfig { server_name, app_service_config_files: files })
}

fn find<'d>(document: &'d Document<'d>, pairs: &'d [(NodeId, NodeId)], key: &str) -> Option<Value<'d>> {
    document.lookup(pairs, key).map(|(_, node)| document.value(node))
}

fn path(value: Value<'_>) -> Option<PathBuf> {
    match value {
        Value::Str(path) => Some(PathBuf::from(path.escaped().into_owned())),
        _ => None,
    }
}

fn wrong(what: &str) -> HomeserverConfigError {
    HomeserverConfigError(what.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_come_in_the_order_of_the_configuration() {
        let config = homeserver_config(b"server_name: example.com\napp_service_config_files:\n- /b.yaml\n- a.yaml\n");
        let config = config.expect("a usable configuration");
        assert_eq!(config.server_name, "example.com");
        assert_eq!(config.app_service_config_files, [PathBuf::from("/b.yaml"), PathBuf::from("a.yaml")]);
        assert!(homeserver_config(b"server_name: x\n").is_ok_and(|config| config.app_service_config_files.is_empty()));
    }

    #[test]
    fn what_synapse_would_not_start_with_is_refused() {
        for wrong in [
            "",
            "[]",
            "a: b",
            "server_name: 1",
            "server_name: x\napp_service_config_files: a.yaml",
            "a: [",
            "server_name: x\napp_service_config_files: [1]",
            "server_name: x\napp_service_config_files:\n",
        ] {
            assert!(homeserver_config(wrong.as_bytes()).is_err(), "{wrong:?}");
        }
    }
}
