use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use anyhow::anyhow;
use clap::Args;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use super::{Database, Failure, at};
use crate::cli::{ERRORS, OK, tell};
use crate::store;

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
        let all = store::kept(&*self.database.address()?)?;
        DirBuilder::new().recursive(true).mode(0o700).create(&self.dir).map_err(|error| at(&self.dir, error))?;
        let mut others = 0;
        for kept in &all {
            let path = self.dir.join(file_name(&kept.id));
            if !write(&path, &kept.source).map_err(|error| Failure::Other(anyhow!("{}: {error}", path.display())))? {
                tell(&format!("{}: it holds something else, and is left as it is", path.display()));
                others += 1;
            }
        }
        println!("{} registrations in {}", all.len() - others, self.dir.display());
        Ok(if others == 0 { OK } else { ERRORS })
    }
}

/// Whether a file holds these bytes by now.
fn write(path: &Path, bytes: &[u8]) -> std::io::Result<bool> {
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Ok(mut file) => file.write_all(bytes).map(|()| true),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(fs::read(path)? == bytes),
        Err(error) => Err(error),
    }
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
    use super::*;

    #[test]
    fn a_file_is_named_by_its_id_and_stays_in_the_directory() {
        let names = ["irc", "../etc/x", ".hidden", "50%", "ä b"].map(file_name);
        assert_eq!(names, ["irc.yaml", "%2E.%2Fetc%2Fx.yaml", "%2Ehidden.yaml", "50%25.yaml", "%C3%A4 b.yaml"]);
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
