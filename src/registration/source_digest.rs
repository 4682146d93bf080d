use std::fmt;

use ring::digest::{SHA256, digest};
use serde::{Serialize, Serializer};

/// The SHA-256 of the bytes that a registration was read from, so that another program can tell whether the file that it
/// reads is the one that was judged here. SHA-256, since every standard library has it.
///
/// The file holds tokens: whoever knows the digest can try guesses of a weak one against it. So it is told to operators
/// only, and [`Debug`] shows no more than a few characters.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct SourceDigest([u8; 32]);

impl SourceDigest {
    /// The digest of some bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        let mut digested = [0; 32];
        digested.copy_from_slice(digest(&SHA256, bytes).as_ref());
        Self(digested)
    }

    fn hex(&self) -> String {
        self.0
            .iter()
            .flat_map(|byte| [byte >> 4, byte & 15])
            .filter_map(|digit| char::from_digit(digit.into(), 16))
            .collect()
    }
}

impl Serialize for SourceDigest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.hex())
    }
}

impl fmt::Debug for SourceDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SourceDigest({}…)", &self.hex()[..8])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_what_sha256sum_prints() {
        // Source: FIPS 180-2, appendix B.1.
        let known = "\"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\"";
        assert_eq!(serde_json::to_string(&SourceDigest::of(b"abc")).expect("a string"), known);
        assert_eq!(format!("{:?}", SourceDigest::of(b"abc")), "SourceDigest(ba7816bf…)");
    }
}
