use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, bail};
use clap::Args;

use crate::homeserver::Homeserver;
use crate::matrix::ServerName;
use crate::registration::homeserver_config;
use crate::source::Source;

/// Where registrations come from, for every command that reads them.
#[derive(Clone, Debug, Args)]
pub(crate) struct Sources {
    /// Directories of registrations (`*.yaml`, `*.yml`), loaded in this order, sorted by name within each; or single files.
    #[arg(
        value_name = "DIR",
        env = "BAILIWICK_DIRS",
        value_delimiter = ':',
        required_unless_present = "synapse_config"
    )]
    pub(crate) dirs: Vec<PathBuf>,

    /// The homeserver's name, as it stands after the colon of its users' IDs.
    #[arg(long, value_name = "NAME", env = "BAILIWICK_SERVER_NAME", required_unless_present = "synapse_config")]
    pub(crate) server_name: Option<ServerName>,

    /// Take the name and the files from Synapse's `homeserver.yaml` (`server_name`, `app_service_config_files`).
    #[arg(long, value_name = "FILE", env = "BAILIWICK_SYNAPSE_CONFIG", conflicts_with_all = ["dirs", "server_name"])]
    pub(crate) synapse_config: Option<PathBuf>,
}

impl Sources {
    /// The homeserver and the sources in load order, or why they cannot be used.
    pub(crate) fn resolve(&self) -> anyhow::Result<(Homeserver, Vec<Source>)> {
        if let Some(file) = &self.synapse_config {
            return from_synapse(file);
        }
        let Some(server_name) = self.server_name.clone() else { bail!("--server-name is missing") };
        let source = |path: &PathBuf| {
            if path.is_file() { Source::Files(vec![path.clone()]) } else { Source::Directory(path.clone()) }
        };
        Ok((server_name.into(), self.dirs.iter().map(source).collect()))
    }
}

fn from_synapse(file: &Path) -> anyhow::Result<(Homeserver, Vec<Source>)> {
    let bytes = std::fs::read(file).with_context(|| format!("failed to read {}", file.display()))?;
    let config = homeserver_config(&bytes).with_context(|| format!("failed to use {}", file.display()))?;
    let server_name: ServerName =
        config.server_name.parse().with_context(|| format!("failed to use {}", file.display()))?;
    let expected = server_name.clone();
    let read = move |bytes: &[u8]| {
        let config = homeserver_config(bytes).map_err(|error| error.to_string())?;
        if config.server_name != expected.as_str() {
            return Err(format!("server_name is no longer `{expected}`: restart bailiwick to serve another one"));
        }
        Ok(config.app_service_config_files)
    };
    Ok((server_name.into(), vec![Source::List { file: file.to_owned(), read: Arc::new(read) }]))
}
