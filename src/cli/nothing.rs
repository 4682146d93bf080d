//! What to say when there is nothing to check or to answer by: a wrong path must not pass.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::tell;
use crate::snapshot::Snapshot;
use crate::source::is_registration_name;

/// So many names of each sort are listed; the others are counted.
const LISTED: usize = 5;

/// Why nothing was found, and what was passed over.
pub(super) fn nothing_found(dirs: &[PathBuf], configs: &[PathBuf]) -> String {
    let mut text = "no registration was found".to_owned();
    for dir in dirs {
        text += &format!("; {}: {}", dir.display(), passed_over(dir));
    }
    for config in configs {
        text += &format!("; {}: no file is listed in app_service_config_files", config.display());
    }
    text
}

/// Says why nothing was found, to be told under an answer that holds for no registrations at all; or, where something was,
/// what was passed over beside it. Whether nothing was.
pub(super) fn tell_unless_found(snapshots: &[Arc<Snapshot>], dirs: &[PathBuf], configs: &[PathBuf], of: &str) -> bool {
    let nothing = snapshots.iter().all(|snapshot| snapshot.files().is_empty());
    if nothing {
        tell(&format!("{of}{}", nothing_found(dirs, configs)));
    } else {
        tell_passed_over(snapshots, dirs);
    }
    nothing
}

/// Says in which directories something was passed over beside registrations, and what. What was loaded was not: a homeserver may
/// read files of other names, and what is passed over in a directory may be given by itself.
pub(super) fn tell_passed_over(snapshots: &[Arc<Snapshot>], dirs: &[PathBuf]) {
    let files: Vec<&Path> =
        snapshots.iter().flat_map(|snapshot| snapshot.files()).map(|file| Path::new(file.file())).collect();
    for dir in dirs {
        if let Some(what) = passed_over_beside(dir, &files) {
            tell(&format!("note: {}: {what}", dir.display()));
        }
    }
}

/// What stands in a directory and is no registration by its name.
fn passed_over(dir: &Path) -> String {
    if !dir.is_dir() {
        return "no directory that can be listed".to_owned();
    }
    passed_over_beside(dir, &[]).unwrap_or_else(|| "empty".to_owned())
}

fn passed_over_beside(dir: &Path, loaded: &[&Path]) -> Option<String> {
    let entries = fs::read_dir(dir).ok()?;
    let (mut directories, mut others) = (Vec::new(), Vec::new());
    for entry in entries.flatten() {
        let file_name = entry.file_name();
        let name = file_name.to_string_lossy().into_owned();
        // Kubernetes' own, in which the same files stand as beside it.
        if name.starts_with("..") || loaded.iter().any(|file| file.starts_with(entry.path())) {
            continue;
        }
        if entry.path().is_dir() {
            directories.push(name);
        } else if !is_registration_name(&file_name) {
            others.push(name);
        }
    }
    let sorts = [
        (directories, "sub-directories, which are not looked into (give them as further arguments)"),
        (others, "files whose names are hidden or end neither in .yaml nor in .yml (give them as further arguments)"),
    ];
    let said: Vec<String> =
        sorts.into_iter().filter(|(names, _)| !names.is_empty()).map(|(names, what)| listed(names, what)).collect();
    (!said.is_empty()).then(|| format!("passed over {}", said.join(", and ")))
}

fn listed(mut names: Vec<String>, what: &str) -> String {
    names.sort_unstable();
    let more = names.len().saturating_sub(LISTED);
    names.truncate(LISTED);
    let more = if more == 0 { String::new() } else { format!(" and {more} more") };
    format!("{what}: {}{more}", names.join(", "))
}
