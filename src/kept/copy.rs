use std::convert::Infallible;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::matrix::Kind;
use crate::registration::{OwnedEntry, Place, ValidRegex};
use crate::snapshot::{Claimed, ContentHash};

/// The first line of a copy, and that of the first version, which did not say whose it is.
const MAGIC: &str = "bailiwick last good 2";
const FIRST_MAGIC: &str = "bailiwick last good 1";

/// The copy of a file: a line each with what it is, the file's name, the homeserver and the hash, and then the bytes.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Copy<'b> {
    pub(super) file: Arc<str>,
    /// The homeserver; `None` if the copy does not say.
    pub(super) owner: Option<&'b str>,
    pub(super) bytes: &'b [u8],
}

impl<'b> Copy<'b> {
    /// As it stands on disk.
    pub(super) fn sealed(&self) -> Zeroizing<Vec<u8>> {
        let name = serde_json::Value::from(&*self.file);
        let (owner, hash) = (self.owner.unwrap_or_default(), ContentHash::of(self.bytes).short());
        let head = format!("{MAGIC}\n{name}\n{owner}\n{hash}\n");
        Zeroizing::new([head.as_bytes(), self.bytes].concat())
    }

    /// From what stands on disk; `None` if it is damaged.
    pub(super) fn opened(copy: &'b [u8]) -> Option<Self> {
        let (magic, rest) = line(copy)?;
        let (name, rest) = line(rest)?;
        let (owner, rest) = match magic {
            MAGIC => line(rest).map(|(owner, rest)| (Some(owner), rest))?,
            FIRST_MAGIC => (None, rest),
            _ => return None,
        };
        let (hash, bytes) = line(rest)?;
        let file: String = serde_json::from_str(name).ok()?;
        (hash == ContentHash::of(bytes).short()).then(|| Self { file: file.into(), owner, bytes })
    }
}

fn line(text: &[u8]) -> Option<(&str, &[u8])> {
    let end = text.iter().position(|&byte| byte == b'\n')?;
    Some((str::from_utf8(&text[..end]).ok()?, &text[end + 1..]))
}

/// Claims that are held besides what a file's copy says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Held {
    pub(super) claims: Vec<Claimed>,
}

#[derive(Serialize, Deserialize)]
struct Sealed {
    file: String,
    claims: Vec<SealedClaim>,
}

#[derive(Serialize, Deserialize)]
struct SealedClaim {
    kind: String,
    regex: String,
    line: u32,
    column: u32,
    /// Missing in what was written before there was any other place than the first.
    #[serde(default)]
    at: usize,
}

impl Held {
    /// As it stands on disk.
    pub(super) fn sealed(file: &str, claims: &[Claimed]) -> Vec<u8> {
        let claims = claims.iter().map(|claim| SealedClaim {
            kind: claim.kind.as_str().to_owned(),
            regex: claim.entry.regex.as_str().to_owned(),
            line: claim.entry.place.line,
            column: claim.entry.place.column,
            at: claim.at,
        });
        let sealed = Sealed { file: file.to_owned(), claims: claims.collect() };
        serde_json::to_vec(&sealed).expect("strings and numbers only")
    }

    /// From what stands on disk; `None` if it is damaged, or of another file.
    pub(super) fn opened(sealed: &[u8], file: &str) -> Option<Self> {
        let sealed: Sealed = serde_json::from_slice(sealed).ok()?;
        let opened = |claim: SealedClaim| {
            let kind = Kind::ALL.into_iter().find(|kind| kind.as_str() == claim.kind)?;
            // What it matches is asked of the dialect when it is used, and were it no regex, it would match everything.
            let regex = ValidRegex::checked(claim.regex, |_| Ok::<_, Infallible>(())).ok()?;
            let place = Place { line: claim.line, column: claim.column };
            Some(Claimed { kind, entry: OwnedEntry { regex, exclusive: true, group_id: None, place }, at: claim.at })
        };
        let claims = sealed.claims.into_iter().map(opened).collect::<Option<_>>()?;
        (sealed.file == file).then_some(Self { claims })
    }
}

/// Writes a copy, or leaves nothing behind.
pub(super) fn write(path: &Path, copy: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(copy).inspect_err(|_| drop(fs::remove_file(path)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_is_whole_or_nothing() {
        let copy = Copy { file: "/a\n\"b\".yaml".into(), owner: Some("example.com"), bytes: b"id: x\n" };
        let sealed = copy.sealed();
        assert_eq!(Copy::opened(&sealed), Some(copy));
        for length in 0..sealed.len() {
            assert_eq!(Copy::opened(&sealed[..length]), None, "{length}");
        }
    }

    #[test]
    fn what_is_held_is_found_again() {
        let regex = ValidRegex::checked("@irc_.*", |_| Ok::<_, Infallible>(())).expect("unchecked");
        let entry = OwnedEntry { regex, exclusive: true, group_id: None, place: Place { line: 7, column: 3 } };
        let claims = vec![Claimed { kind: Kind::Alias, entry, at: 2 }];
        let sealed = Held::sealed("/a.yaml", &claims);
        assert_eq!(Held::opened(&sealed, "/a.yaml"), Some(Held { claims }));
        assert_eq!(Held::opened(&sealed, "/b.yaml"), None);
        assert_eq!(Held::opened(&sealed[..sealed.len() - 1], "/a.yaml"), None);
    }

    #[test]
    fn a_copy_of_the_first_version_is_anybodys() {
        let hash = ContentHash::of(b"id: x\n").short();
        let copy = format!("bailiwick last good 1\n\"/a.yaml\"\n{hash}\nid: x\n");
        let copy = Copy::opened(copy.as_bytes()).expect("whole");
        assert_eq!((&*copy.file, copy.owner, copy.bytes), ("/a.yaml", None, &b"id: x\n"[..]));
    }
}
