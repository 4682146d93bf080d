use std::borrow::Cow;

use percent_encoding::percent_decode;

use super::ApiError;

/// The parameters of a query string, each at most once, from a fixed set.
///
/// Decoded as forms are (`+` is a space, as every client library encodes it), but strictly: bytes that are not UTF-8 are
/// an error and not a replacement character, since a question about another ID would be answered.
pub(super) struct Query<'q, const N: usize> {
    names: [&'static str; N],
    values: [Option<Cow<'q, str>>; N],
}

impl<'q, const N: usize> Query<'q, N> {
    pub(super) fn parse(query: &'q str, names: [&'static str; N]) -> Result<Self, ApiError> {
        let mut values = [const { None }; N];
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let name = decode(name)?;
            // Said of any question, and seen to before it is asked.
            if name == MIN_REVISION {
                continue;
            }
            let Some(at) = names.iter().position(|known| *known == name) else {
                return Err(ApiError::invalid_param(format!("the parameters here are {}", names.join(", "))));
            };
            if values[at].replace(decode(value)?).is_some() {
                return Err(ApiError::invalid_param(format!("{} is given twice", names[at])));
            }
        }
        Ok(Self { names, values })
    }

    /// A parameter that may be missing.
    pub(super) fn get(&self, name: &'static str) -> Option<&str> {
        let at = self.names.iter().position(|known| *known == name)?;
        self.values[at].as_deref()
    }
}

/// The parameter of any question by which it is answered only from this revision of the store on.
pub(super) const MIN_REVISION: &str = "min_revision";

/// The revision before which a question is not to be answered, if it says one.
pub(super) fn min_revision(query: &str) -> Result<Option<u64>, ApiError> {
    let mut said = query.split('&').filter_map(|pair| pair.strip_prefix(MIN_REVISION)?.strip_prefix('='));
    match (said.next().map(revision), said.next()) {
        (None, _) => Ok(None),
        (Some(Some(revision)), None) => Ok(Some(revision)),
        _ => Err(ApiError::invalid_param("min_revision is a revision of the store, given once")),
    }
}

/// A revision of the store as it is said here: whoever writes it otherwise, with a sign or zeros before it, has something else in mind.
pub(super) fn revision(text: &str) -> Option<u64> {
    text.parse().ok().filter(|revision: &u64| revision.to_string() == text)
}

/// Whether there is anything in a query besides.
pub(super) fn asks_something(query: &str) -> bool {
    let is_said = |pair: &str| !pair.is_empty() && pair.split_once('=').is_none_or(|(name, _)| name != MIN_REVISION);
    query.split('&').any(is_said)
}

/// A number of things. More than there can be is all there is.
pub(super) fn number(said: Option<&str>, unless_said: usize, name: &str) -> Result<usize, ApiError> {
    match said {
        None => Ok(unless_said),
        Some(said) if !said.is_empty() && said.bytes().all(|byte| byte.is_ascii_digit()) => {
            Ok(said.parse().unwrap_or(usize::MAX))
        }
        Some(_) => Err(ApiError::invalid_param(format!("{name} is a number"))),
    }
}

fn decode(text: &str) -> Result<Cow<'_, str>, ApiError> {
    let bytes = text.as_bytes();
    if !bytes.iter().any(|byte| matches!(byte, b'%' | b'+')) {
        return Ok(Cow::Borrowed(text));
    }
    let spaced: Vec<u8> = bytes.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect();
    let stray = |at: usize| {
        spaced[at] == b'%' && !spaced.get(at + 1..at + 3).is_some_and(|hex| hex.iter().all(u8::is_ascii_hexdigit))
    };
    if (0..spaced.len()).any(stray) {
        return Err(ApiError::invalid_param("a `%` in the query is not followed by two hexadecimal digits"));
    }
    match percent_decode(&spaced).decode_utf8() {
        Ok(decoded) => Ok(Cow::Owned(decoded.into_owned())),
        Err(_) => Err(ApiError::invalid_param("the query is not UTF-8 once it is percent-decoded")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_question_may_say_from_which_revision_on() {
        assert_eq!(min_revision("id=a&min_revision=7"), Ok(Some(7)));
        assert_eq!(min_revision("id=min_revision"), Ok(None));
        for wrong in ["", "x", "-1", "+7", "07", "7&min_revision=7"] {
            assert!(min_revision(&format!("min_revision={wrong}")).is_err(), "{wrong}");
        }
        assert!(Query::parse("min_revision=7&id=a", ["id"]).is_ok());
        assert!(asks_something("min_revision=7&id=a") && asks_something("min_revision"));
        assert!(!asks_something("min_revision=7") && !asks_something(""));
    }

    #[test]
    fn decodes_strictly() {
        let query = Query::parse("id=%40a%2Bb%3Aexample.com&as_id=x+y", ["id", "as_id"]).expect("parses");
        assert_eq!(query.get("id"), Some("@a+b:example.com"));
        assert_eq!(query.get("as_id"), Some("x y"));
        for wrong in ["id=%ff", "id=%4", "id=%zz", "id=a&id=b", "other=1", "id%ff=a"] {
            assert!(Query::parse(wrong, ["id", "as_id"]).is_err(), "{wrong}");
        }
    }
}
