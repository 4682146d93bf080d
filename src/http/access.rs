use std::fs;
use std::path::{Path, PathBuf};

use arc_swap::ArcSwap;

use super::ApiError;
use crate::reloadable_files::ReloadableFiles;
use crate::telemetry::Metrics;

/// What a bearer of a token may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Ask.
    Read,
    /// Operate, too.
    Admin,
}

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Caller {
    /// What the caller may do.
    pub(super) role: Role,
}

impl Caller {
    /// Whoever asks where nobody is asked for a token, or where none is needed.
    pub(super) const ANYBODY: Self = Self { role: Role::Admin };
}

/// A token as it is kept: only what recognizes it.
#[derive(Clone, Copy, Debug)]
struct Known {
    role: Role,
    /// Comparing these takes the same time wherever they differ.
    hash: blake3::Hash,
}

/// Who may ask, as a file of tokens says.
#[derive(Debug)]
pub struct Access {
    file: PathBuf,
    tokens: ArcSwap<Vec<Known>>,
    revisit: ReloadableFiles,
}

/// Shorter tokens can be guessed.
const MIN_TOKEN: usize = 16;

impl Access {
    /// Reads a file of tokens: on each line a role, `read` or `admin`, and a token; `#` begins a comment.
    pub fn open(file: &Path) -> Result<Self, String> {
        let revisit = ReloadableFiles::new("tokens", &[file]);
        let tokens = read(file)?;
        Ok(Self { file: file.to_owned(), tokens: ArcSwap::from_pointee(tokens), revisit })
    }

    /// Reads the file again if it has changed. If it cannot be used, the tokens read before stay good.
    pub fn refresh(&self) {
        self.revisit.refresh(|| {
            let tokens = read(&self.file).map_err(|error| format!("the tokens read before stay in use: {error}"))?;
            self.tokens.store(tokens.into());
            Ok(())
        });
    }

    /// Shows from now on whether the tokens are in use as they are on disk.
    pub fn show(&self, metrics: &Metrics) {
        self.revisit.show(metrics);
    }

    /// Says who asks, or why that will not do. `authorization` is the header.
    pub(super) fn check(&self, needed: Role, authorization: Option<&[u8]>) -> Result<Caller, ApiError> {
        let token = authorization.and_then(bearer).ok_or_else(ApiError::missing_token)?;
        let hash = blake3::hash(token);
        // Every token is compared, so that the time tells nothing.
        let role = self.tokens.load().iter().filter(|known| known.hash == hash).map(|known| known.role).max();
        match role {
            None => Err(ApiError::unknown_token()),
            Some(role) if role < needed => Err(ApiError::forbidden()),
            Some(role) => Ok(Caller { role }),
        }
    }
}

fn bearer(header: &[u8]) -> Option<&[u8]> {
    let (scheme, token) = header.split_at_checked("Bearer ".len())?;
    scheme.eq_ignore_ascii_case(b"Bearer ").then(|| token.trim_ascii())
}

fn read(file: &Path) -> Result<Vec<Known>, String> {
    let shown = file.display();
    let text = fs::read_to_string(file).map_err(|error| format!("{shown} cannot be read: {error}"))?;
    let mut tokens = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let mut words = line.split_whitespace();
        let (role, token) = match (words.next(), words.next(), words.next()) {
            (None, ..) => continue,
            (Some(comment), ..) if comment.starts_with('#') => continue,
            (Some("read"), Some(token), None) => (Role::Read, token),
            (Some("admin"), Some(token), None) => (Role::Admin, token),
            _ => return Err(format!("{shown}:{number}: expected `read TOKEN` or `admin TOKEN`")),
        };
        if token.len() < MIN_TOKEN {
            return Err(format!("{shown}:{number}: a token has at least {MIN_TOKEN} characters"));
        }
        tokens.push(Known { role, hash: blake3::hash(token.as_bytes()) });
    }
    if tokens.is_empty() {
        return Err(format!("{shown} holds no token: write `read TOKEN` or `admin TOKEN` on a line"));
    }
    Ok(tokens)
}
