use std::fs;
use std::path::{Path, PathBuf};

use arc_swap::ArcSwap;

use super::ApiError;
use crate::reloadable_files::ReloadableFiles;
use crate::telemetry::Metrics;

/// What a bearer of a token may do; each role may what those before it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Ask whether a name may be taken, and be told in public words.
    Register,
    /// Ask, and see what is loaded.
    Read,
    /// Operate, too.
    Admin,
}

impl Role {
    const ALL: [Self; 3] = [Self::Register, Self::Read, Self::Admin];

    /// The role as it stands in a file of tokens.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Register => "register",
            Self::Read => "read",
            Self::Admin => "admin",
        }
    }

    fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == name)
    }
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
    /// Reads a file of tokens: on each line a role, `register`, `read` or `admin`, and a token; `#` begins a comment.
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
            Some(role) if role < needed => Err(ApiError::forbidden(needed)),
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
        let words: Vec<&str> = line.split_whitespace().collect();
        if words.first().is_none_or(|first| first.starts_with('#')) {
            continue;
        }
        let parsed = match words[..] {
            [role, token] => Role::named(role).map(|role| (role, token)),
            _ => None,
        };
        let Some((role, token)) = parsed else {
            return Err(format!("{shown}:{number}: expected `register TOKEN`, `read TOKEN` or `admin TOKEN`"));
        };
        if token.len() < MIN_TOKEN {
            return Err(format!("{shown}:{number}: a token has at least {MIN_TOKEN} characters"));
        }
        tokens.push(Known { role, hash: blake3::hash(token.as_bytes()) });
    }
    if tokens.is_empty() {
        return Err(format!("{shown} holds no token: write `register TOKEN`, `read TOKEN` or `admin TOKEN` on a line"));
    }
    Ok(tokens)
}
