//! Which type a plain scalar has, by PyYAML's implicit resolvers.

use super::graph::Tag;
use super::{number, timestamp};
use crate::Text;

/// The tag of a scalar that has none.
pub(super) fn plain(text: &Text<'_>) -> Tag {
    if !text.surrogates.is_empty() {
        return Tag::Str;
    }
    let value: &str = &text.chars;
    // The resolvers are chosen by the first character, and end in `$`, which a final line feed does not hinder.
    let Some(&first) = value.as_bytes().first() else { return Tag::Null };
    let value = value.strip_suffix('\n').unwrap_or(value);
    match first {
        b'y' | b'Y' | b'n' | b'N' | b't' | b'T' | b'f' | b'F' | b'o' | b'O' if is_bool(value) => Tag::Bool,
        b'n' | b'N' | b'~' if matches!(value, "~" | "null" | "Null" | "NULL" | "") => Tag::Null,
        b'-' | b'+' | b'0'..=b'9' | b'.' => numeric(first, value),
        b'<' if value == "<<" => Tag::Merge,
        b'=' if value == "=" => Tag::Value,
        _ => Tag::Str,
    }
}

fn is_bool(value: &str) -> bool {
    matches!(value, "yes" | "Yes" | "YES" | "no" | "No" | "NO" | "true" | "True" | "TRUE")
        || matches!(value, "false" | "False" | "FALSE" | "on" | "On" | "ON" | "off" | "Off" | "OFF")
}

fn numeric(first: u8, value: &str) -> Tag {
    if number::looks_like_float(value) {
        Tag::Float
    } else if first != b'.' && number::looks_like_int(value) {
        Tag::Int
    } else if first.is_ascii_digit() && timestamp::looks_like(value) {
        Tag::Timestamp
    } else {
        Tag::Str
    }
}
