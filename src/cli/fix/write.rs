//! Edited files, each written whole or not at all.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, fchown};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

/// Puts other bytes in the place of a file's: its owner and its mode stay, and whoever reads meanwhile reads the old bytes or
/// the new ones. A link stays one; what it leads to is written.
pub(super) fn write(file: &str, before: &[u8], after: &[u8]) -> anyhow::Result<()> {
    let path = fs::canonicalize(file).with_context(|| format!("{file} cannot be written"))?;
    let new = beside(&path)?;
    let written = replace(&path, &new, before, after);
    if written.is_err() {
        // It may not have been made at all.
        let _ = fs::remove_file(&new);
    }
    written.with_context(|| format!("{file} cannot be written, and is as it was"))
}

/// A name in the same directory, which nobody takes for a registration's.
fn beside(path: &Path) -> anyhow::Result<PathBuf> {
    let name = path.file_name().context("it is no file")?.to_string_lossy();
    Ok(path.with_file_name(format!(".{name}.{}.new", std::process::id())))
}

fn replace(path: &Path, new: &Path, before: &[u8], after: &[u8]) -> anyhow::Result<()> {
    let old = fs::metadata(path)?;
    if !old.is_file() {
        bail!("it is no file");
    }
    // It holds tokens: nobody else may read it before it has its owner and its mode.
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(new)?;
    file.write_all(after)?;
    let made = file.metadata()?;
    if (made.uid(), made.gid()) != (old.uid(), old.gid()) {
        fchown(&file, Some(old.uid()), Some(old.gid())).context("it is another's, and would become yours")?;
    }
    file.set_permissions(old.permissions())?;
    file.sync_all()?;
    if fs::read(path)? != before {
        bail!("it has changed since it was read");
    }
    fs::rename(new, path)?;
    if let Some(directory) = path.parent() {
        File::open(directory)?.sync_all()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_file_is_replaced_whole_and_keeps_its_mode() {
        let home = tempfile::tempdir().expect("a temporary directory");
        let (file, link) = (home.path().join("a.yaml"), home.path().join("link.yaml"));
        fs::write(&file, "old").expect("written");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).expect("changed");
        std::os::unix::fs::symlink(&file, &link).expect("linked");
        write(link.to_str().expect("UTF-8"), b"old", b"new").expect("it is written");
        assert_eq!(fs::read(&file).expect("read"), b"new");
        assert_eq!(fs::metadata(&file).expect("there").mode() & 0o777, 0o640);
        assert!(fs::symlink_metadata(&link).expect("there").is_symlink());
        assert_eq!(fs::read_dir(home.path()).expect("a directory").count(), 2);
    }

    #[test]
    fn what_somebody_has_written_meanwhile_stays() {
        let home = tempfile::tempdir().expect("a temporary directory");
        let file = home.path().join("a.yaml");
        fs::write(&file, "another").expect("written");
        let error = write(file.to_str().expect("UTF-8"), b"old", b"new").expect_err("it has changed");
        assert!(format!("{error:#}").contains("changed since"), "{error:#}");
        assert_eq!(fs::read(&file).expect("read"), b"another");
        assert_eq!(fs::read_dir(home.path()).expect("a directory").count(), 1);
    }
}
