use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::ops::ControlFlow;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use anyhow::anyhow;
use clap::Args;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use zeroize::Zeroizing;

use super::{Database, Failure, at};
use crate::cli::{ERRORS, OK, tell};
use crate::source::{Disk, OsDisk};
use crate::store::{self, Kept};
use crate::telemetry::Visible;

/// What no name of a file may hold, and what begins an escape.
const ESCAPED: &AsciiSet = &CONTROLS.add(b'/').add(b'%');

/// Where to write.
#[derive(Debug, Args)]
pub(super) struct Export {
    /// A directory, which is made if it is not there: a file for each registration, named by its `id`, for its owner alone. One
    /// that is there with other content is left as it is, and that is an error.
    #[arg(value_name = "DIR")]
    dir: PathBuf,

    #[command(flatten)]
    database: Database,
}

impl Export {
    pub(super) fn run(&self) -> Result<u8, Failure> {
        let address = self.database.address()?;
        DirBuilder::new().recursive(true).mode(0o700).create(&self.dir).map_err(|error| at(&self.dir, error))?;
        let mut export = Exported { dir: &self.dir, written: 0, left: 0, no_room: None };
        store::kept(&address, |kept| export.take(&kept))?;
        let Exported { written, left, no_room, .. } = export;
        println!("{written} registrations in {}", self.dir.display());
        if let Some(error) = no_room {
            return Err(Failure::Other(anyhow!("{}: {error}; the rest was not written", self.dir.display())));
        }
        if left > 0 {
            tell(&format!("{left} could not be written"));
        }
        Ok(if left == 0 { OK } else { ERRORS })
    }
}

/// What has come of an export so far.
struct Exported<'e> {
    dir: &'e Path,
    written: usize,
    /// How many were told and passed over.
    left: usize,
    /// Why nothing more can be written, if so.
    no_room: Option<io::Error>,
}

impl Exported<'_> {
    /// Writes one. Whatever is wrong with its file alone keeps no other from being written.
    fn take(&mut self, kept: &Kept) -> ControlFlow<()> {
        let path = self.dir.join(file_name(&kept.id));
        let why = match write(&path, &kept.source) {
            Ok(true) => {
                self.written += 1;
                return ControlFlow::Continue(());
            }
            Ok(false) => "it holds something else, and is left as it is".to_owned(),
            Err(error) if is_of_all(error.kind()) => {
                self.no_room = Some(error);
                return ControlFlow::Break(());
            }
            Err(error) => error.to_string(),
        };
        self.left += 1;
        tell(&format!("`{}` is not in {}: {why}", Visible(&kept.id), Visible(&path.to_string_lossy())));
        ControlFlow::Continue(())
    }
}

/// Whether what has kept one file from being written would keep all others from it.
const fn is_of_all(error: ErrorKind) -> bool {
    matches!(error, ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::ReadOnlyFilesystem)
}

/// Whether a file holds these bytes by now. One that could not be written as a whole is not left: it would be taken for another's.
fn write(path: &Path, bytes: &[u8]) -> io::Result<bool> {
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Ok(mut file) => match file.write_all(bytes) {
            Ok(()) => Ok(true),
            Err(error) => fs::remove_file(path).and(Err(error)),
        },
        Err(error) if error.kind() == ErrorKind::AlreadyExists => holds(path, bytes),
        Err(error) => Err(error),
    }
}

/// Whether a file that is there holds these bytes. Only of a regular one is anything read: a pipe would hold up this, and the
/// database, until somebody writes to it, which may be never.
fn holds(path: &Path, bytes: &[u8]) -> io::Result<bool> {
    let (there, _) = OsDisk.read(path, u64::try_from(bytes.len()).unwrap_or(u64::MAX))?;
    Ok(*Zeroizing::new(there) == *bytes)
}

/// A registration's file: never hidden, and in this directory.
fn file_name(id: &str) -> String {
    let escaped = utf8_percent_encode(id, ESCAPED).to_string();
    match escaped.strip_prefix('.') {
        Some(rest) => format!("%2E{rest}.yaml"),
        None => format!("{escaped}.yaml"),
    }
}

#[cfg(test)]
mod tests {
    use rustix::fs::{CWD, FileType, Mode};

    use super::*;

    #[test]
    fn a_file_is_named_by_its_id_and_stays_in_the_directory() {
        let names = ["irc", "../etc/x", ".hidden", "50%", "ä b"].map(file_name);
        assert_eq!(names, ["irc.yaml", "%2E.%2Fetc%2Fx.yaml", "%2Ehidden.yaml", "50%25.yaml", "%C3%A4 b.yaml"]);
    }

    #[test]
    fn a_name_that_cannot_be_made_keeps_no_other_from_being_written() {
        let home = tempfile::tempdir().expect("a temporary directory");
        let kept = |id: &str| Kept { id: id.to_owned(), revision: 1, source: Zeroizing::new(b"a".to_vec()) };
        // Its slashes take three bytes each, and no name has more than 255.
        let long = "/".repeat(100);
        std::fs::create_dir(home.path().join("taken.yaml")).expect("a directory");
        let pipe = home.path().join("pipe.yaml");
        rustix::fs::mknodat(CWD, &pipe, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).expect("a pipe");
        let mut export = Exported { dir: home.path(), written: 0, left: 0, no_room: None };
        for id in ["irc", &long, "taken", "pipe", "tg"] {
            assert!(export.take(&kept(id)).is_continue(), "{id}");
        }
        assert_eq!((export.written, export.left), (2, 3));
        assert_eq!(fs::read(home.path().join("tg.yaml")).expect("read"), b"a");
    }

    #[test]
    fn what_is_there_is_not_written_over() {
        let home = tempfile::tempdir().expect("a temporary directory");
        let path = home.path().join("irc.yaml");
        assert!(write(&path, b"a").expect("written"));
        assert!(write(&path, b"a").expect("there"));
        assert!(!write(&path, b"b").expect("there"));
        assert_eq!(fs::read(path).expect("read"), b"a");
    }
}
