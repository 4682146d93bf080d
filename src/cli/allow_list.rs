//! Findings that are known and meant: which they are, and why.
//!
//! They stand in a file beside the registrations and not in comments of them. Registrations are written by programs, which
//! write them anew without the comment, and JSON has none; and whoever writes a registration is not who decides what may be
//! wrong with it: a file of its own can have a reviewer of its own.
//!
//! What nobody has looked at is not to be hidden by accident, so that an entry allows no more than what it names:
//!
//! * Every file that a finding is about. That two bridges may collide does not allow the collision of either with a third.
//! * Where it names regexes, every regex that a finding is about; of an error it has to name them. A bridge that is given more
//!   names than it had when somebody said "that is meant" is told of again.
//! * A file that cannot be loaded is an error that nothing allows.
//!
//! An entry that allows nothing any more is told, since it would hide what comes back; so is one that names a file that is not
//! there, since it can allow nothing.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};

use super::codes;
use super::yaml_file::{self, Fault, Node};
use crate::analysis::{Code, Finding, Severity};

/// Such a file.
#[derive(Debug, Default)]
pub(super) struct AllowList {
    path: PathBuf,
    entries: Vec<Entry>,
}

/// What is allowed, and why.
#[derive(Debug)]
pub(super) struct Entry {
    line: u32,
    code: Code,
    files: Vec<PathBuf>,
    /// None where all are meant.
    regexes: Vec<String>,
    pub(super) because: String,
}

impl AllowList {
    pub(super) fn read(path: &Path) -> anyhow::Result<Self> {
        let bytes = fs::read(path).with_context(|| format!("failed to read {}", path.display()))?;
        Self::of(path, &bytes).map_err(|fault| anyhow!("{}:{fault}", path.display()))
    }

    fn of(path: &Path, bytes: &[u8]) -> Result<Self, Fault> {
        let beside = path.parent().unwrap_or(Path::new(""));
        let entries =
            yaml_file::read(bytes, |root| root.members().into_iter().map(|one| Entry::of(one, beside)).collect())?;
        Ok(Self { path: path.to_owned(), entries })
    }

    /// The entry that allows a finding.
    pub(super) fn entry_for(&self, finding: &Finding) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.is_about(finding) && entry.knows_regexes_of(finding))
    }

    /// A sentence for each file that an entry names and that is not there: it is misspelt, named relative to something else than
    /// the list, or has been taken away.
    pub(super) fn missing(&self, checked: &[&str]) -> Vec<String> {
        let is_missing = |file: &&PathBuf| !is_checked(file, checked) && is_nowhere(file);
        let all = self.entries.iter().flat_map(|entry| entry.files.iter().map(move |file| (entry, file)));
        let missing = all.filter(|(_, file)| is_missing(file));
        missing
            .map(|(entry, file)| {
                format!(
                    "{}:{}: names {}, which is not there: files are named relative to the list",
                    self.path.display(),
                    entry.line,
                    file.display()
                )
            })
            .collect()
    }

    /// A sentence for each entry of which all files were checked and that allows nothing of what was found.
    pub(super) fn unused(&self, checked: &[&str], found: &[&Finding]) -> Vec<String> {
        let about = |entry: &Entry| found.iter().find(|finding| entry.is_about(finding)).copied();
        let is_used = |entry: &&Entry| {
            found.iter().any(|finding| self.entry_for(finding).is_some_and(|allows| std::ptr::eq(allows, *entry)))
        };
        let unused = self
            .entries
            .iter()
            .filter(|entry| !is_used(entry) && entry.files.iter().all(|file| is_checked(file, checked)));
        unused
            .map(|entry| {
                let at = format!("{}:{}", self.path.display(), entry.line);
                match about(entry) {
                    Some(finding) => {
                        let regexes: Vec<String> = regexes_of(finding).map(|regex| format!("`{regex}`")).collect();
                        format!(
                            "{at}: allows nothing, since its `regexes` would have to name {}",
                            regexes.join(" and ")
                        )
                    }
                    None => format!("{at}: allows nothing that was found: take it out, lest it hide what comes later"),
                }
            })
            .collect()
    }
}

impl Entry {
    fn of(node: Node<'_>, beside: &Path) -> Result<Self, Fault> {
        let map = node.map()?;
        map.knows(&[&["code", "files", "regexes", "because"]])?;
        let code = map.needs("code")?;
        let because = map.needs("because")?;
        map.needs("files")?;
        let file = |node: Node<'_>| Ok(beside.join(node.text()?));
        let entry = Self {
            line: map.place.line,
            code: codes::of_finding(&code.text()?).map_err(|why| Fault::at(code.place(), why))?,
            files: map.list("files")?.into_iter().map(file).collect::<Result<_, _>>()?,
            regexes: map.list("regexes")?.into_iter().map(Node::text).collect::<Result<_, _>>()?,
            because: because.text()?,
        };
        if entry.because.trim().is_empty() {
            return Err(Fault::at(
                because.place(),
                "`because` says nothing: whoever reads this later wants to know why",
            ));
        }
        Ok(entry)
    }

    /// Whether it is about what a finding is about, but for the regexes.
    fn is_about(&self, finding: &Finding) -> bool {
        let is_named = |file: &str| self.files.iter().any(|named| is_same(named, Path::new(file)));
        self.code == finding.code
            && !finding.places.is_empty()
            && finding.places.iter().all(|place| is_named(&place.file))
    }

    fn knows_regexes_of(&self, finding: &Finding) -> bool {
        let may_be_silent = self.regexes.is_empty() && finding.severity != Severity::Error;
        may_be_silent || regexes_of(finding).all(|regex| self.regexes.iter().any(|known| known == regex))
    }
}

fn regexes_of(finding: &Finding) -> impl Iterator<Item = &str> {
    finding.places.iter().filter_map(|place| place.regex.as_deref())
}

fn is_checked(file: &Path, checked: &[&str]) -> bool {
    checked.iter().any(|other| is_same(file, Path::new(other)))
}

/// Whether a file that is not checked is not there. What is no path need not be there to be meant: standard input, what is kept
/// in a database (`store:irc`), a table of a file that is (`tuwunel.toml#irc`). Where that cannot be told, it may be there.
fn is_nowhere(file: &Path) -> bool {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let table_of = name.rsplit_once('#').map(|(before, _)| file.with_file_name(before));
    let is_no_path = name == "-" || name.starts_with("store:") || table_of.is_some_and(|file| file.exists());
    !is_no_path && file.try_exists().is_ok_and(|exists| !exists)
}

/// Whether two paths lead to the same file, or are the same in words, where there is none: a table of a file has a name that
/// is no path.
fn is_same(one: &Path, other: &Path) -> bool {
    let in_words = |path: &Path| std::path::absolute(path).ok();
    if in_words(one) == in_words(other) {
        return true;
    }
    matches!((one.canonicalize(), other.canonicalize()), (Ok(one), Ok(other)) if one == other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_allow_something_else_is_refused_with_its_place() {
        let read = |text: &str| AllowList::of(Path::new("lists/allow.yaml"), text.as_bytes());
        for (text, said) in [
            ("", "1:1: the file is empty"),
            ("- open-end", "1:3: expected a mapping"),
            (
                "- code: open-ended\n  files: a\n  because: b",
                "1:9: there is no such code of a finding: did you mean `open-end`?",
            ),
            ("- code: syntax\n  files: a\n  because: b", "1:9: a file with the fault `syntax` is not loaded"),
            ("- {code: open-end, because: b}", "1:3: `files` is missing"),
            ("- {code: open-end, files: [], because: b}", "1:27: `files` is empty"),
            ("- {code: open-end, files: a}", "1:3: `because` is missing"),
            ("- {code: open-end, files: a, because: ' '}", "1:39: `because` says nothing"),
            ("- {code: open-end, file: a, because: b}", "1:20: `file` is no key here"),
            ("- {code: open-end, files: [1], because: b}", "1:28: expected a text"),
        ] {
            let fault = read(text).expect_err(text).to_string();
            assert!(fault.starts_with(said), "{text:?}: {fault}");
        }
        let list = read("- code: open-end\n  files: [a.yaml, ../b.yaml]\n  because: c").expect("it is read");
        assert_eq!(list.entries[0].files, [Path::new("lists/a.yaml"), Path::new("lists/../b.yaml")]);
    }
}
