//! Synapse's own configuration as a source: files and directories, later ones over earlier ones, as Synapse takes them.

use std::collections::HashMap;
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use anyhow::{Context, bail};
use zeroize::Zeroizing;

use super::report::Texts;
use crate::analysis::{Code, Finding};
use crate::homeserver::Homeserver;
use crate::matrix::ServerName;
use crate::registration::{
    Fault, FaultCode, Harmless, HomeserverConfig, HomeserverConfigError, Place, Said, SourceText, homeserver_config,
};
use crate::source::{Config, Entry, FileSystem, List, Provider, Unusable, config_files};

/// Where a directory of the homeserver's container is on this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MapPath {
    from: PathBuf,
    to: PathBuf,
}

impl FromStr for MapPath {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once('=') {
            Some((from, to)) if from.starts_with('/') && !to.is_empty() => {
                Ok(Self { from: from.into(), to: to.into() })
            }
            _ => Err("expected FROM=TO, such as /data=/srv/synapse".to_owned()),
        }
    }
}

/// A file of the configuration with which Synapse would not start.
#[derive(Debug, thiserror::Error)]
#[error("{}", error.in_file(file))]
pub(super) struct Refused {
    pub(super) file: PathBuf,
    pub(super) error: HomeserverConfigError,
    /// What of the file may be shown.
    pub(super) text: Box<SourceText>,
}

impl Refused {
    fn of(config: &Config, error: HomeserverConfigError) -> Self {
        let text = Box::new(SourceText::of(&config.bytes, Harmless::HomeserverConfig));
        Self { file: config.file.clone(), error, text }
    }
}

/// Something that is passed over, and is told.
pub(crate) struct Note {
    text: String,
    /// The same as a finding, where it is one, and what its file says.
    finding: Option<Box<(Finding, Zeroizing<Vec<u8>>)>>,
}

impl Note {
    pub(super) fn text(text: String) -> Self {
        Self { text, finding: None }
    }

    fn of(config: &Config, place: Place, what: String, code: Option<Code>) -> Self {
        let file = config.file.display().to_string();
        let text = format!("{file}:{}:{}: {what}", place.line, place.column);
        let finding = code.map(|code| {
            let bytes = Zeroizing::new(config.bytes.clone());
            Box::new((Finding::of_configuration(code, what, file.into(), place), bytes))
        });
        Self { text, finding }
    }

    /// The finding, if it is one, whose lines can be shown from then on.
    pub(super) fn into_finding(self, texts: &Texts) -> Result<Finding, Self> {
        let Some(finding) = self.finding else { return Err(self) };
        let (finding, bytes) = *finding;
        for place in &finding.places {
            texts.keep(&place.file, &bytes, Harmless::HomeserverConfig);
        }
        Ok(finding)
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Where a path of the configuration leads on this machine.
fn mapped(path: &Path, maps: &[MapPath]) -> PathBuf {
    let map = maps.iter().find_map(|map| Some((map, path.strip_prefix(&map.from).ok()?)));
    match map {
        Some((map, rest)) if rest.as_os_str().is_empty() => map.to.clone(),
        Some((map, rest)) => map.to.join(rest),
        None => path.to_owned(),
    }
}

/// The homeserver and its registrations as these files and directories say. `named` is the name for where they do not.
/// What is passed over is told. `read_file` reads them this first time.
pub(crate) fn sources(
    configs: &[PathBuf],
    named: Option<&ServerName>,
    maps: &[MapPath],
    read_file: fn(&Path) -> io::Result<Vec<u8>>,
    note: &mut dyn FnMut(Note),
) -> anyhow::Result<(Homeserver, Vec<Arc<dyn Provider>>)> {
    let system = FileSystem::default();
    let mut read = Vec::new();
    for config in configs {
        let files = config_files(&*system.disk, std::slice::from_ref(config))
            .with_context(|| format!("failed to read {}", config.display()))?;
        passed_over(config, note);
        for file in files {
            let bytes = read_file(&file).with_context(|| format!("failed to read {}", file.display()))?;
            read.push(Config { file, bytes });
        }
    }
    let said = overlaid(&read, note).context("failed to use a file")?;
    let server_name = server_name(&said, named, configs, &read)?;
    let expected = server_name.clone();
    let maps = maps.to_vec();
    let is_named = named.is_some();
    let list = move |configs: &[Config]| {
        let Overlaid { config, list, .. } =
            overlaid(configs, &mut |_| {}).map_err(|refused| Unusable(refused.to_string()))?;
        match &config.server_name {
            Some(name) if name.value == expected.as_str() => {}
            None if is_named => {}
            said => return Err(Unusable(not_its_name(said.as_ref().map(|name| &*name.value), &expected, configs))),
        }
        let entry = |file: &Said<PathBuf>| Entry {
            path: mapped(&file.value, &maps),
            at: format!("{}:{}:{}", list.display(), file.place.line, file.place.column),
        };
        Ok(config.app_service_config_files.iter().flatten().map(entry).collect())
    };
    let list = List::new(configs.to_vec(), Box::new(list), system);
    Ok((server_name.into(), vec![Arc::new(list)]))
}

/// Why a configuration that no longer names the server as before is not used. As a rule nobody has renamed it: the file is cut,
/// or empty, since somebody is writing it or the disk is full.
fn not_its_name(said: Option<&str>, expected: &ServerName, configs: &[Config]) -> String {
    let ends_with = |config: &&Config, text: &str| config.bytes.trim_ascii_end().ends_with(text.as_bytes());
    let shown = |config: &Config| config.file.display().to_string();
    let Some(said) = said else {
        let empty = configs.iter().find(|config| config.bytes.trim_ascii().is_empty()).map(shown);
        let why = match empty {
            Some(file) => format!("{file} is empty"),
            None if configs.is_empty() => "there is no file of it any more".to_owned(),
            None => "a file is cut, or is not there any more".to_owned(),
        };
        return format!(
            "server_name is missing, as if {why}: it was `{expected}`, and Synapse would not start without"
        );
    };
    let cut = configs.iter().find(|config| expected.as_str().starts_with(said) && ends_with(config, said)).map(shown);
    match cut {
        Some(file) => format!("{file} is cut: it ends with `{said}`, where server_name was `{expected}`"),
        None => format!("server_name is no longer `{expected}`: restart bailiwick to serve another one"),
    }
}

/// What all files say together; or which of them cannot be used, and why.
fn overlaid(configs: &[Config], note: &mut dyn FnMut(Note)) -> Result<Overlaid, Refused> {
    let mut all = HomeserverConfig::default();
    let (mut name, mut list) = (PathBuf::new(), PathBuf::new());
    for config in configs {
        let one = homeserver_config(&config.bytes).map_err(|error| Refused::of(config, error))?;
        for said in &one.passed_over {
            note(Note::of(config, said.place, said.value.clone(), said.code.map(Code::from)));
        }
        let earlier = all.app_service_config_files.as_ref().filter(|earlier| !earlier.is_empty());
        if let (Some(earlier), Some(later)) = (earlier, &one.app_service_config_files)
            && earlier != later
        {
            let what = "its app_service_config_files replaces that of an earlier file as a whole, as in Synapse";
            let place = later.first().map_or(Place { line: 1, column: 1 }, |first| first.place);
            note(Note::of(config, place, what.to_owned(), Some(Code::DuplicateKey)));
        }
        if one.server_name.is_some() {
            name.clone_from(&config.file);
        }
        if one.app_service_config_files.is_some() {
            list.clone_from(&config.file);
        }
        all = all.overlaid_by(one);
    }
    if let Some(config) = configs.iter().rfind(|config| config.file == list) {
        listed_again(config, all.app_service_config_files.as_deref().unwrap_or_default(), note);
    }
    Ok(Overlaid { config: all, name, list })
}

/// Tells where a file is listed that is on the list already. That it is, is a fault of that file; here is what to remove.
fn listed_again(config: &Config, listed: &[Said<PathBuf>], note: &mut dyn FnMut(Note)) {
    let mut first = HashMap::new();
    for said in listed {
        let before = *first.entry(&said.value).or_insert(said.place);
        if before != said.place {
            let what =
                format!("{} is listed at line {} already: remove one of them", said.value.display(), before.line);
            note(Note::of(config, said.place, what, None));
        }
    }
}

/// What all files say together, and in which of them the name and the list that count stand.
struct Overlaid {
    config: HomeserverConfig,
    name: PathBuf,
    list: PathBuf,
}

fn server_name(
    Overlaid { config, name: file, .. }: &Overlaid,
    named: Option<&ServerName>,
    configs: &[PathBuf],
    read: &[Config],
) -> anyhow::Result<ServerName> {
    let shown: Vec<String> = configs.iter().map(|config| config.display().to_string()).collect();
    let shown = shown.join(", ");
    let Some(said) = &config.server_name else {
        return named.cloned().with_context(|| {
            format!(
                "failed to use {shown}: server_name is missing; give --server-name, or the file that holds it as another \
                 --synapse-config (Debian's package keeps it in the directory /etc/matrix-synapse/conf.d)"
            )
        });
    };
    let name = said.value.parse::<ServerName>().map_err(|error| {
        let fault = Fault::at(FaultCode::InvalidValue, said.place, format!("server_name: {error}"));
        let error = HomeserverConfigError { faults: vec![fault] };
        match read.iter().find(|config| config.file == *file) {
            Some(config) => Refused::of(config, error),
            None => Refused { file: file.clone(), error, text: Box::default() },
        }
    })?;
    match named {
        Some(named) if *named != name => {
            bail!("--server-name {named} is not the server_name of {shown}, which is {name}: leave one of them out")
        }
        _ => Ok(name),
    }
}

/// Tells what of a directory is not read.
fn passed_over(config: &Path, note: &mut dyn FnMut(Note)) {
    let Ok(entries) = fs::read_dir(config) else { return };
    let mut others: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    others.retain(|path| !(path.extension().is_some_and(|extension| extension == "yaml") && path.is_file()));
    others.sort_unstable();
    for path in others {
        let why = if path.is_dir() { "a directory" } else { "not called *.yaml" };
        note(Note::text(format!("{}: passed over, as by Synapse: {why}", path.display())));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_mapped_by_whole_components() {
        let maps: Vec<MapPath> =
            ["/data/a=/srv/a", "/data=/srv/synapse"].iter().map(|text| text.parse().expect("a map")).collect();
        for (path, expected) in [
            ("/data/tg.yaml", "/srv/synapse/tg.yaml"),
            ("/data/a/tg.yaml", "/srv/a/tg.yaml"),
            ("/database/tg.yaml", "/database/tg.yaml"),
            ("/data", "/srv/synapse"),
            ("relative.yaml", "relative.yaml"),
        ] {
            assert_eq!(mapped(Path::new(path), &maps), Path::new(expected), "{path}");
        }
        for wrong in ["", "/data", "data=/srv", "/data=", "=/srv"] {
            assert!(wrong.parse::<MapPath>().is_err(), "{wrong}");
        }
    }
}
