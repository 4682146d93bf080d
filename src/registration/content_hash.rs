use std::fmt;

/// Hexadecimal characters of a hash that is shown: 128 bits, ample against accident.
const SHORT_CHARS: usize = 32;

/// Recognizes the bytes of a file. The default is that of none.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct ContentHash([u8; 32]);

impl ContentHash {
    /// The hash of some bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(*blake3::hash(bytes).as_bytes())
    }

    /// The hash of these bytes and of some words besides.
    #[must_use]
    pub(crate) fn with<'w>(&self, words: impl Iterator<Item = &'w str>) -> Self {
        let mut written = self.0.to_vec();
        for word in words {
            written.extend_from_slice(&(word.len() as u64).to_le_bytes());
            written.extend_from_slice(word.as_bytes());
        }
        Self::of(&written)
    }

    /// The first 128 bits as lower-case hex, for file names.
    #[must_use]
    pub fn short(&self) -> String {
        hex(self)
    }

    /// The hash itself.
    pub(crate) const fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl From<blake3::Hash> for ContentHash {
    fn from(hash: blake3::Hash) -> Self {
        Self(*hash.as_bytes())
    }
}

impl fmt::Debug for ContentHash {
    /// A few characters only: the whole hash of a file that holds tokens could be used to test guesses.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ContentHash({}…)", &hex(self)[..8])
    }
}

fn hex(hash: &ContentHash) -> String {
    blake3::Hash::from_bytes(hash.0).to_hex()[..SHORT_CHARS].to_owned()
}
