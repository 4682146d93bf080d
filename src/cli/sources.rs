use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, bail};
use clap::Args;

use crate::homeserver::Homeserver;
use crate::matrix::ServerName;
use crate::registration::homeserver_config;
use crate::source::{Directory, FileSystem, Files, List, Provider, Unusable};

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
    pub(crate) fn resolve(&self) -> anyhow::Result<(Homeserver, Vec<Arc<dyn Provider>>)> {
        if let Some(file) = &self.synapse_config {
            return from_synapse(file);
        }
        let Some(server_name) = self.server_name.clone() else { bail!("--server-name is missing") };
        Ok((server_name.into(), self.dirs.iter().map(|path| at(path)).collect()))
    }
}

/// What a path leads to: a directory, unless it is a file.
pub(crate) fn at(path: &Path) -> Arc<dyn Provider> {
    let system = FileSystem::default();
    if path.is_file() {
        Arc::new(Files::new(vec![path.to_owned()], system))
    } else {
        Arc::new(Directory::new(path, system))
    }
}

fn from_synapse(file: &Path) -> anyhow::Result<(Homeserver, Vec<Arc<dyn Provider>>)> {
    let bytes = std::fs::read(file).with_context(|| format!("failed to read {}", file.display()))?;
    let config = homeserver_config(&bytes).with_context(|| format!("failed to use {}", file.display()))?;
    let Some(name) = config.server_name else {
        bail!(
            "failed to use {}: server_name is missing; Debian's package keeps it in /etc/matrix-synapse/conf.d/server_name.yaml",
            file.display()
        );
    };
    let server_name: ServerName = name
        .value
        .parse()
        .with_context(|| format!("failed to use {}:{}:{}", file.display(), name.place.line, name.place.column))?;
    let expected = server_name.clone();
    let read = move |bytes: &[u8]| {
        let config = homeserver_config(bytes).map_err(|error| Unusable(error.to_string()))?;
        if config.server_name.as_ref().is_none_or(|name| name.value != expected.as_str()) {
            let problem = format!("server_name is no longer `{expected}`: restart bailiwick to serve another one");
            return Err(Unusable(problem));
        }
        Ok(config.files().map(Path::to_owned).collect())
    };
    let list = List::new(file.to_owned(), Box::new(read), FileSystem::default());
    Ok((server_name.into(), vec![Arc::new(list)]))
}
