//! Edits of a regex, as it is written.

use std::ops::Range;

use super::beginning::{beginning, opening};

/// A text as a regex that matches it and nothing else, in every syntax.
pub(super) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len() + 4);
    for c in text.chars() {
        if r".^$*+?{}[]|()\".contains(c) {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

/// Where the server's name stands last in a regex behind a colon, its dots escaped or not.
pub(super) fn server_name_in(source: &str, server_name: &str) -> Option<Range<usize>> {
    let starts = source.match_indices(':').map(|(at, _)| at + 1);
    starts.filter_map(|start| Some(start..start + spelled(&source[start..], server_name)?)).next_back()
}

/// How much of a text the server's name takes that it begins with.
fn spelled(text: &str, server_name: &str) -> Option<usize> {
    let mut rest = text;
    for wanted in server_name.chars() {
        rest = rest.strip_prefix('\\').unwrap_or(rest).strip_prefix(wanted)?;
    }
    Some(text.len() - rest.len())
}

/// The same with all dots of the server's name escaped.
pub(super) fn with_escaped_dots(source: &str, server_name: &str) -> Option<String> {
    let name = server_name_in(source, server_name)?;
    let with = format!("{}{}{}", &source[..name.start], escaped(server_name), &source[name.end..]);
    (with != source).then_some(with)
}

/// The same with this server's name at its end, and nothing behind it.
pub(super) fn with_end(source: &str, server_name: &str) -> Option<String> {
    let end = format!(":{}$", escaped(server_name));
    let with = if let Some(name) = server_name_in(source, server_name) {
        let behind = &source[name.end..];
        matches!(behind, "" | "$" | ".*" | ".*$").then(|| format!("{}{end}", &source[..name.start - 1]))?
    } else {
        let open = source.strip_suffix('$').unwrap_or(source);
        let any_server = [":.*", ":.+"].into_iter().find_map(|any| open.strip_suffix(any));
        match any_server {
            Some(localpart) => format!("{localpart}{end}"),
            None if open.contains(':') => return None,
            None if open.ends_with(".*") || open.ends_with(".+") => format!("{open}{end}"),
            None if open.len() < source.len() => return None,
            None => format!("{open}.*{end}"),
        }
    };
    (with != source).then_some(with)
}

/// The same without what goes on behind a place with a literal text.
pub(super) fn without(source: &str, behind: usize, text: &str) -> String {
    format!("{}(?!{}){}", &source[..behind], escaped(text), &source[behind..])
}

/// What an entry that claims nothing may have been meant to be, and what was wrong with it.
pub(super) fn repaired(source: &str, sigil: char, server_name: &str) -> Vec<(String, String)> {
    let mut repaired = Vec::new();
    for (marks, what) in
        [("\"'`´‘’‚“”„«»‹›", "the quotation marks are no part of an ID"), ("/", "the slashes are no part of an ID")]
    {
        let bare = source.strip_prefix(|c| marks.contains(c)).and_then(|rest| rest.strip_suffix(|c| marks.contains(c)));
        repaired.extend(bare.map(|bare| (bare.to_owned(), what.to_owned())));
    }
    let trimmed = source.trim();
    if trimmed != source {
        repaired.push((trimmed.to_owned(), "white space stands in no ID".to_owned()));
    }
    let start_behind_sigil = source.strip_prefix(sigil).and_then(|rest| rest.strip_prefix('^'));
    if let Some(rest) = start_behind_sigil {
        repaired.push((format!("{sigil}{rest}"), "`^` stands before the sigil or nowhere".to_owned()));
    }
    let (open, rest) = source.split_at(opening(source).len());
    if rest.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_') {
        repaired.push((format!("{open}{sigil}{rest}"), format!("the ID begins with `{sigil}`")));
    }
    let ended = repaired.iter().filter_map(|(with, why)| {
        let why = format!("{why}, and ends with the server's name");
        Some((with_server(with, server_name)?, why))
    });
    let ended: Vec<_> = ended.collect();
    // Of a name, its beginning is not meant.
    repaired.retain(|(with, _)| !is_text(with));
    repaired.extend(ended);
    repaired
}

/// The same with this server's name at its end, where it is plain what goes before: a name is that name alone, and a text that
/// ends in a separator is a name or a beginning.
fn with_server(source: &str, server_name: &str) -> Option<String> {
    let open = source.strip_suffix('$').unwrap_or(source);
    if is_text(open) {
        let is_name = !open.ends_with(['@', '#', '_', '-', '.', '/']);
        return is_name.then(|| format!("{open}:{}$", escaped(server_name)));
    }
    let is_plain = open.contains(':') || open.ends_with(".*") || open.ends_with(".+");
    with_end(source, server_name).filter(|_| is_plain)
}

/// Whether a regex is a literal text without a server.
fn is_text(source: &str) -> bool {
    let begins = beginning(source);
    begins.end == source.len() && !begins.text.contains(':')
}

/// The same with this server's name, where another stands that is it but for one slip.
pub(super) fn with_server_spelled(
    source: &str,
    server_name: &str,
    distance: impl Fn(&str, &str) -> usize,
) -> Option<String> {
    let (localpart, server) = source.split_once(':')?;
    let (server, end) = server.strip_suffix('$').map_or((server, ""), |server| (server, "$"));
    let plain = server.replace('\\', "");
    let is_name = plain.chars().all(|c| c.is_ascii_alphanumeric() || ".-:".contains(c));
    (is_name && distance(&plain, server_name) == 1).then(|| format!("{localpart}:{}{end}", escaped(server_name)))
}
