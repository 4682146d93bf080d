//! Where the registrations are, for each kind of source, and what happens to all of them at once.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use tempfile::TempDir;

use crate::clients::Random;
use crate::directory;

/// What the service is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A directory of files.
    Directory,
    /// A directory of symlinks to files elsewhere.
    Symlinks,
    /// Each file as an argument.
    Files,
    /// Synapse's configuration, which lists them.
    List,
}

pub(crate) const KINDS: [Kind; 4] = [Kind::Directory, Kind::Symlinks, Kind::Files, Kind::List];

pub(crate) struct Place {
    home: TempDir,
    kind: Kind,
    services: usize,
}

impl Place {
    pub(crate) fn new(kind: Kind, services: usize) -> Self {
        let place = Self { home: tempfile::tempdir().expect("a temporary directory"), kind, services };
        fs::create_dir(place.files()).expect("made");
        directory::fill(&place.files(), services);
        if kind == Kind::Symlinks {
            fs::create_dir(place.links()).expect("made");
            for service in 0..services {
                let link = directory::path(&place.links(), service);
                symlink(directory::path(&place.files(), service), link).expect("a symlink");
            }
        }
        place.list(&place.entries()).expect("written");
        place
    }

    /// Where the files are.
    pub(crate) fn files(&self) -> PathBuf {
        self.home.path().join("files")
    }

    fn links(&self) -> PathBuf {
        self.home.path().join("links")
    }

    fn config(&self) -> PathBuf {
        self.home.path().join("homeserver.yaml")
    }

    /// What the service is given to find them.
    pub(crate) fn arguments(&self) -> Vec<OsString> {
        let named = || vec!["--server-name".into(), "example.com".into()];
        match self.kind {
            Kind::Directory => named().into_iter().chain([self.files().into()]).collect(),
            Kind::Symlinks => named().into_iter().chain([self.links().into()]).collect(),
            Kind::Files => {
                let files = (0..self.services).map(|service| directory::path(&self.files(), service).into());
                named().into_iter().chain(files).collect()
            }
            Kind::List => vec!["--synapse-config".into(), self.config().into()],
        }
    }

    fn entries(&self) -> Vec<String> {
        (0..self.services).map(|service| directory::path(&self.files(), service).display().to_string()).collect()
    }

    fn list(&self, entries: &[String]) -> std::io::Result<()> {
        fs::write(self.config(), config(entries))
    }

    /// Something happens to all of them at once, and is mended after a while. None of it is anything that a request for a reload
    /// confirms, so that it may take as long as it likes.
    pub(crate) fn injure_and_mend_all(&self, random: &mut Random) -> std::io::Result<()> {
        let pause = Duration::from_millis(300 + u64::try_from(random.below(1_500)).unwrap_or(0));
        if self.kind == Kind::List {
            let whole = config(&self.entries());
            let entries = self.entries();
            match random.below(6) {
                0 => fs::write(self.config(), "")?,
                1 => fs::write(self.config(), &whole[..whole.len() / 5])?,
                2 => self.list(&[self.files().join("*.yaml").display().to_string()])?,
                3 => self.list(&entries.iter().map(|entry| entry.replace('/', "./")).collect::<Vec<_>>())?,
                4 => self.list(&entries[..self.services / 10])?,
                _ => fs::remove_file(self.config())?,
            }
            thread::sleep(pause);
            return self.list(&entries);
        }
        let dir = if self.kind == Kind::Symlinks && random.below(2) == 0 { self.links() } else { self.files() };
        let away = dir.with_extension("away");
        fs::rename(&dir, &away)?;
        let covers = match random.below(3) {
            // It is gone.
            0 => false,
            // A volume is not mounted: the directory is empty, or holds what was there before.
            1 => fs::create_dir(&dir).map(|()| true)?,
            _ => {
                fs::create_dir(&dir)?;
                fs::write(dir.join("other.yaml"), OTHER).map(|()| true)?
            }
        };
        thread::sleep(pause);
        if covers {
            fs::remove_dir_all(&dir)?;
        }
        fs::rename(away, dir)
    }

    /// Everything as it is meant to be.
    pub(crate) fn mend(&self, revision: usize) -> std::io::Result<()> {
        (0..self.services).try_for_each(|service| directory::mend(&self.files(), service, revision))
    }
}

/// A bridge that somebody set up before there was a volume.
const OTHER: &str = "id: other\nurl: null\nas_token: as-token-of-other\nhs_token: hs-token-of-other\nsender_localpart: other-bot\n\
                     namespaces:\n  users:\n    - exclusive: true\n      regex: '@other_.*'\n";

fn config(entries: &[String]) -> String {
    let mut text = "server_name: example.com\napp_service_config_files:\n".to_owned();
    for entry in entries {
        text += &format!("  - {entry}\n");
    }
    text
}

/// The directory above, for what is not to be seen by the service.
pub(crate) fn beside(file: &Path) -> PathBuf {
    let above = file.parent().and_then(Path::parent).expect("a file in a directory of the run");
    above.join("beside")
}
