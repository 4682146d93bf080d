use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::bail;
use clap::Args;

use super::homeserver_names;
use super::store_option::{Reads, StoreOption};
use super::synapse_config::{self, MapPath, Note};
use crate::homeserver::{Dialect, Homeserver, Several, Toml};
use crate::matrix::ServerName;
use crate::registration::{toml_directory, toml_tables};
use crate::reloadable_files::read_first;
use crate::source::{Directory, FileSystem, Files, Pipe, Place, Provider, Tables, Unusable};
use crate::telemetry::Visible;

/// Where registrations come from, for every command that reads them.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Registrations")]
pub(crate) struct Sources {
    /// Directories of registrations (`*.yaml`, `*.yml`), loaded in this order, sorted by name within each; or single files,
    /// for a command that looks once also `-`, standard input, and pipes. With `--homeserver palpo` also `*.toml`; with
    /// `--homeserver tuwunel` a file `*.toml` is its configuration, of which each table `[global.appservice.ID]` is one.
    #[arg(value_name = "DIR", env = "BAILIWICK_DIRS")]
    #[cfg_attr(feature = "postgres", arg(required_unless_present_any = ["synapse_config", "store"]))]
    #[cfg_attr(not(feature = "postgres"), arg(required_unless_present = "synapse_config"))]
    pub(crate) dirs: Vec<PathBuf>,

    /// The homeserver's name, as it stands after the colon of its users' IDs.
    #[arg(long, value_name = "NAME", env = "BAILIWICK_SERVER_NAME", required_unless_present = "synapse_config")]
    pub(crate) server_name: Option<ServerName>,

    #[command(flatten)]
    pub(crate) synapse: SynapseConfig,

    #[command(flatten)]
    pub(crate) store: StoreOption,
}

/// Whose answers are given.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct Whose {
    /// The homeserver whose answers are given: `synapse`, `dendrite`, `tuwunel`, `continuwuity`, `conduit`, `palpo`,
    /// `palpo-421` (since that pull request), `spec` or `spec-anywhere` (its other reading). How they differ: docs/homeservers.md.
    #[arg(
        long,
        value_name = "HOMESERVER",
        env = "BAILIWICK_HOMESERVER",
        default_value = "synapse",
        value_parser = homeserver_names::one(),
        hide_possible_values = true
    )]
    pub(crate) homeserver: Dialect,
}

/// Whose answers are held against each other.
#[derive(Clone, Debug, Args)]
pub(crate) struct Homeservers {
    /// The homeserver whose answers are given, or several with commas between them, or `all`: `synapse`, `dendrite`, `tuwunel`,
    /// `continuwuity`, `conduit`, `palpo`, `palpo-421` (since that pull request), `spec`. Of several, what is the same on some
    /// is said once, and `portability` where they do not agree. How they differ: docs/homeservers.md.
    #[arg(
        long = "homeserver",
        id = "homeservers",
        value_name = "HOMESERVER",
        env = "BAILIWICK_HOMESERVER",
        default_value = "synapse",
        value_parser = homeserver_names::several(),
        hide_possible_values = true
    )]
    pub(crate) several: Several,
}

/// Synapse's own configuration, in place of directories.
#[derive(Clone, Debug, Args)]
pub(crate) struct SynapseConfig {
    /// Take the name and the files from Synapse's configuration (`server_name`, `app_service_config_files`): a file, or a
    /// directory with `*.yaml`. May be given several times; what a later file says replaces what earlier ones say, as with
    /// Synapse's own `--config-path`. `--server-name` says the name where no file does. DIRs beside it are loaded after what it lists: whether what is new fits in (`preflight` looks into these
    /// alone, `serve` takes one or the other).
    #[arg(long = "synapse-config", id = "synapse_config", value_name = "PATH", env = "BAILIWICK_SYNAPSE_CONFIG")]
    pub(crate) paths: Vec<PathBuf>,

    /// Where a directory of Synapse's container is here, for the paths in its configuration: `/data=/srv/synapse`. May be
    /// given several times; the first that fits counts.
    #[arg(long, value_name = "FROM=TO", env = "BAILIWICK_MAP_PATH", requires = "synapse_config")]
    map_path: Vec<MapPath>,
}

/// What paths lead to, as a homeserver reads it.
type AllAt = fn(&[PathBuf], Dialect) -> Vec<Arc<dyn Provider>>;

impl Sources {
    /// The homeserver and the sources in load order, for a command that looks at them once, or why they cannot be used: a
    /// path at which there is nothing is a mistake.
    ///
    /// What is passed over is told with `note`.
    pub(crate) fn resolve(
        &self,
        dialect: Dialect,
        note: &mut dyn FnMut(Note),
    ) -> anyhow::Result<(Homeserver, Vec<Arc<dyn Provider>>)> {
        no_colons_between(&self.dirs)?;
        self.dirs.iter().try_for_each(|path| is_there(path))?;
        standard_input_once(self.dirs.iter())?;
        // Whoever waits in front of a terminal may pipe a configuration in as slowly as they like.
        self.resolve_as(dialect, (Reads::Once, all_now_at), |file| fs::read(file), note)
    }

    /// What another homeserver finds in what was resolved for one: what a directory or a file holds depends on who reads it;
    /// what comes through a pipe is there once. What is passed over is told where that is its own matter too.
    pub(crate) fn also_for(
        &self,
        dialect: Dialect,
        (one, resolved): (Dialect, &[Arc<dyn Provider>]),
        note: &mut dyn FnMut(Note),
    ) -> anyhow::Result<Vec<Arc<dyn Provider>>> {
        if dialect == one || self.are_once() {
            return Ok(resolved.to_vec());
        }
        unread_directories(&self.dirs, dialect, |file| fs::read(file)).for_each(note);
        Ok(self.resolve(dialect, &mut |_| {})?.1)
    }

    /// What is to be watched besides what is resolved, for a command that looks again when something has changed: the
    /// configuration, which may have to be mended before anything can be resolved, and whatever else is read.
    pub(crate) fn beside<'m>(
        &self,
        more: impl IntoIterator<Item = &'m Path>,
    ) -> anyhow::Result<Vec<Arc<dyn Provider>>> {
        if let Some(once) = self.dirs.iter().find(|path| is_once(path)) {
            bail!("{} can be read once, and not be watched: give a directory or a file", once.display());
        }
        let paths: Vec<PathBuf> =
            self.synapse.paths.iter().cloned().chain(more.into_iter().map(Path::to_owned)).collect();
        Ok(all_at(&paths, Dialect::default()))
    }

    /// Whether something among them can be read once.
    fn are_once(&self) -> bool {
        self.dirs.iter().any(|path| is_once(path))
    }

    /// The same, for a question about newcomers: where directories are given beside Synapse's configuration, that says the
    /// name alone.
    pub(crate) fn resolve_newcomers(
        &self,
        dialect: Dialect,
        note: &mut dyn FnMut(Note),
    ) -> anyhow::Result<(Homeserver, Vec<Arc<dyn Provider>>)> {
        let (homeserver, mut sources) = self.resolve(dialect, note)?;
        if !self.synapse.paths.is_empty() && !self.dirs.is_empty() {
            // The list comes first, and is one source.
            sources.remove(0);
        }
        Ok((homeserver, sources))
    }

    /// The same for a service, for which what is not there may come; to answer by it, or for a look by the rules of others.
    pub(crate) fn resolve_to_serve(
        &self,
        dialect: Dialect,
        reads: Reads,
        note: &mut dyn FnMut(Note),
    ) -> anyhow::Result<(Homeserver, Vec<Arc<dyn Provider>>)> {
        no_colons_between(&self.dirs)?;
        if self.dirs.iter().any(|path| is_standard_input(path)) {
            bail!("`-` is standard input, which a service cannot watch: give a directory or a file");
        }
        if !self.dirs.is_empty() && !self.synapse.paths.is_empty() {
            bail!(
                "--synapse-config and DIR (in the environment BAILIWICK_DIRS) both say which registrations to serve, and \
                 Synapse loads the first alone: leave one of them out"
            );
        }
        self.resolve_as(dialect, (reads, all_at), read_first, note)
    }

    fn resolve_as(
        &self,
        dialect: Dialect,
        (reads, all_at): (Reads, AllAt),
        read_config: fn(&Path) -> io::Result<Vec<u8>>,
        note: &mut dyn FnMut(Note),
    ) -> anyhow::Result<(Homeserver, Vec<Arc<dyn Provider>>)> {
        unread_directories(&self.dirs, dialect, read_config).for_each(&mut *note);
        let SynapseConfig { paths, map_path } = &self.synapse;
        if !paths.is_empty() {
            let (homeserver, mut sources) =
                synapse_config::sources(paths, self.server_name.as_ref(), map_path, read_config, note)?;
            sources.extend(all_at(&self.dirs, dialect));
            let homeserver = Homeserver::new(homeserver.name, dialect);
            sources.extend(self.store.provider(&homeserver, reads)?);
            return Ok((homeserver, sources));
        }
        let Some(server_name) = self.server_name.clone() else { bail!("--server-name is missing") };
        let homeserver = Homeserver::new(server_name, dialect);
        let mut sources = all_at(&self.dirs, dialect);
        sources.extend(self.store.provider(&homeserver, reads)?);
        Ok((homeserver, sources))
    }
}

impl SynapseConfig {
    /// The homeserver and the sources that other files of a configuration say, for a look at them.
    pub(crate) fn sources_of(
        &self,
        paths: &[PathBuf],
        named: Option<&ServerName>,
        note: &mut dyn FnMut(Note),
    ) -> anyhow::Result<(Homeserver, Vec<Arc<dyn Provider>>)> {
        synapse_config::sources(paths, named, &self.map_path, |file| fs::read(file), note)
    }
}

/// What paths lead to, in this order. Files that follow each other are one source, so that they are watched as one.
fn all_at(paths: &[PathBuf], reads: Dialect) -> Vec<Arc<dyn Provider>> {
    let is_one = |path: &Path| path.is_file() && !holds_tables(path, reads);
    let runs = paths.chunk_by(|a, b| is_one(a) && is_one(b));
    let source = |run: &[PathBuf]| match run {
        [path] if path.is_dir() => Arc::new(Directory::new(path, system_of(reads)).with_named(paths)),
        [path] => source_at(path, reads),
        files => Arc::new(Files::new(files.to_vec(), system_of(reads))),
    };
    runs.map(source).collect()
}

/// What paths lead to now, in this order, for a look at it.
fn all_now_at(paths: &[PathBuf], reads: Dialect) -> Vec<Arc<dyn Provider>> {
    let runs = paths.chunk_by(|a, b| !is_once(a) && !is_once(b));
    let sources = |run: &[PathBuf]| match run {
        [path] => vec![now_at(path, reads)],
        paths => all_at(paths, reads),
    };
    runs.flat_map(sources).collect()
}

/// What a path leads to, at which there has to be something, for a look at it.
pub(crate) fn at(path: &Path, reads: Dialect) -> anyhow::Result<Arc<dyn Provider>> {
    is_there(path)?;
    Ok(now_at(path, reads))
}

fn now_at(path: &Path, reads: Dialect) -> Arc<dyn Provider> {
    if is_standard_input(path) {
        Arc::new(Pipe::standard_input())
    } else if is_pipe(path) {
        Arc::new(Pipe::at(path))
    } else {
        source_at(path, reads)
    }
}

/// `BAILIWICK_DIRS` once had colons between its members. A service that took such a list for one directory would wait for
/// it, and know nothing of any.
fn no_colons_between(paths: &[PathBuf]) -> anyhow::Result<()> {
    let parts = |path: &Path| -> Vec<PathBuf> { path.to_string_lossy().split(':').map(PathBuf::from).collect() };
    let listed =
        |path: &&PathBuf| !path.exists() && parts(path).len() > 1 && parts(path).iter().all(|part| part.exists());
    match paths.iter().find(listed) {
        Some(list) => bail!(
            "{}: there is no such directory, but what stands between the colons is there: give each by itself, in the \
             environment with commas between them",
            list.display()
        ),
        None => Ok(()),
    }
}

/// Whoever names standard input twice would find it empty the second time, and take that for a file without a registration.
pub(crate) fn standard_input_once<'p>(mut paths: impl Iterator<Item = &'p PathBuf>) -> anyhow::Result<()> {
    let is_it = |path: &PathBuf| is_standard_input(path) || path == Path::new("/dev/stdin");
    if paths.by_ref().any(is_it) && paths.any(is_it) {
        bail!("standard input is named more than once, and can be read once");
    }
    Ok(())
}

/// Whether what is there can be read once.
pub(crate) fn is_once(path: &Path) -> bool {
    is_standard_input(path) || is_pipe(path)
}

/// `-`, as most programs have it.
fn is_standard_input(path: &Path) -> bool {
    path == Path::new("-")
}

/// Whether what is there can be read once: `/dev/stdin`, or what a shell makes of `<(command)`.
fn is_pipe(path: &Path) -> bool {
    path.metadata().is_ok_and(|metadata| {
        let kind = metadata.file_type();
        kind.is_fifo() || kind.is_char_device()
    })
}

/// What a path leads to: a directory or a file, or what will turn out to be one.
fn source_at(path: &Path, reads: Dialect) -> Arc<dyn Provider> {
    let system = system_of(reads);
    if holds_tables(path, reads) {
        let read = |bytes: &[u8]| toml_tables(bytes).map_err(Unusable);
        Arc::new(Tables::new(path.to_owned(), Box::new(read), system))
    } else if path.is_file() {
        Arc::new(Files::new(vec![path.to_owned()], system))
    } else if path.is_dir() {
        Arc::new(Directory::new(path, system))
    } else {
        Arc::new(Place::new(path, system))
    }
}

/// The file system, as a homeserver looks at its directories.
fn system_of(reads: Dialect) -> FileSystem {
    FileSystem { toml: reads.loader().toml == Some(Toml::Files), ..FileSystem::default() }
}

/// Whether a path is that of a homeserver's configuration, in whose tables registrations stand, be it there yet or not.
fn holds_tables(path: &Path, reads: Dialect) -> bool {
    let is_toml = path.extension().is_some_and(|extension| extension == "toml");
    is_toml && matches!(reads.loader().toml, Some(Toml::Tables { .. })) && !path.is_dir()
}

/// The directories that Tuwunel would read besides the tables of a configuration, and that are not given beside it: what stands
/// in them is not known here, so what it claims looks free.
pub(crate) fn unread_directories(
    paths: &[PathBuf],
    reads: Dialect,
    read_config: fn(&Path) -> io::Result<Vec<u8>>,
) -> impl Iterator<Item = Note> {
    let configs = paths.iter().filter(move |path| holds_tables(path, reads) && path.is_file());
    configs.filter_map(move |config| {
        // What cannot be read is told by whoever loads it.
        let directory = toml_directory(&read_config(config).ok()?)?;
        let is_it = |path: &PathBuf| match (path.canonicalize(), Path::new(&directory).canonicalize()) {
            (Ok(one), Ok(other)) => one == other,
            _ => *path == Path::new(&directory),
        };
        (!paths.iter().any(is_it)).then(|| {
            let config = config.display();
            Note::text(format!(
                "{config}: appservice_dir is `{}`, from which Tuwunel reads registrations too: it is not read here, and what \
                 they claim looks free, unless it is given as a further directory",
                Visible(&directory)
            ))
        })
    })
}

fn is_there(path: &Path) -> anyhow::Result<()> {
    if is_standard_input(path) {
        return Ok(());
    }
    match path.symlink_metadata() {
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            bail!("{}: there is no such directory or file", path.display())
        }
        _ => Ok(()),
    }
}
