use std::fmt;

use zeroize::Zeroize;

/// A secret of a registration while its file is being read. It cannot be printed or serialized.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(Box<str>);

impl Token {
    /// Takes a secret in.
    #[must_use]
    pub fn new(secret: impl Into<Box<str>>) -> Self {
        Self(secret.into())
    }

    /// The secret itself, for hashing and for the checks on its strength.
    pub(super) fn expose(&self) -> &str {
        &self.0
    }
}

impl Drop for Token {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

/// What is kept of an `as_token`: enough to recognize it, nothing that would give it away.
///
/// Compared in variable time: the key is unknown outside, so what the time tells is worthless. Of 128 bits: of a million
/// different tokens, two are the same with a probability of 2⁻⁸⁹, and who does not know the key cannot look for such.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TokenDigest([u8; 16]);

impl TokenDigest {
    /// Part of it, for tables: the digest of a keyed hash needs no other to be spread.
    #[must_use]
    pub fn spread(&self) -> u64 {
        self.0.iter().take(8).fold(0, |spread, byte| spread << 8 | u64::from(*byte))
    }
}

impl fmt::Debug for TokenDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenDigest(…)")
    }
}

/// Hashes tokens with a key that exists only in this process, so that a digest is worthless outside of it.
#[derive(Clone)]
pub struct TokenHasher {
    key: [u8; 32],
}

impl TokenHasher {
    /// A hasher with a key of its own.
    #[must_use]
    pub fn new() -> Self {
        use std::hash::{BuildHasher, RandomState};
        let mut key = [0; 32];
        for chunk in key.chunks_mut(8) {
            chunk.copy_from_slice(&RandomState::new().hash_one(std::process::id()).to_le_bytes());
        }
        Self { key }
    }

    /// The digest of a token.
    #[must_use]
    pub fn digest(&self, token: &Token) -> TokenDigest {
        let mut digest = [0; 16];
        digest.copy_from_slice(&blake3::keyed_hash(&self.key, token.expose().as_bytes()).as_bytes()[..16]);
        TokenDigest(digest)
    }
}

impl Default for TokenHasher {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for TokenHasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenHasher(…)")
    }
}
