//! Why no ID of this server can match an entry, as far as that is plain.

use super::claimed::looks_anywhere;
use crate::homeserver::Homeserver;
use crate::matrix::Kind;
use python_re::{Anchor, Ast, Pattern};

/// Opening marks of text that some other program was to fill in.
const PLACEHOLDERS: [&str; 5] = ["${", "{{", "%%", "<%", "$("];
/// What may stand before the sigil in a regex and takes no character.
const OPENINGS: [char; 5] = ['^', '(', '?', ':', '\\'];
/// Quotation marks, straight and typographic.
const QUOTES: [char; 13] = ['"', '\'', '`', '´', '‘', '’', '‚', '“', '”', '„', '«', '»', '‹'];

/// Why, as the end of a sentence.
pub(super) fn why_dead(pattern: &Pattern, kind: Kind, homeserver: &Homeserver, remote: Option<&str>) -> String {
    let server_name = &homeserver.name;
    let source = pattern.source();
    let sigil = kind.sigil();
    let begins = source.trim_start_matches(OPENINGS);
    if PLACEHOLDERS.iter().any(|placeholder| source.contains(placeholder)) {
        return "it holds a placeholder that was never filled in".to_owned();
    }
    if let Some(other) = begins.chars().next().filter(|c| "@#!".contains(*c) && *c != sigil) {
        return format!("it begins with `{other}`, and the ID of {} with `{sigil}`", kind.with_article());
    }
    if let Some(remote) = remote {
        let server = named_server(source).unwrap_or_else(|| remote.split_once(':').map_or("", |(_, s)| s).to_owned());
        return format!("it claims IDs of another server (`{server}`), and this is {server_name}");
    }
    if let Some(quote) = source.chars().next().filter(|c| QUOTES.contains(c)) {
        return format!(
            "the quotation mark `{quote}` is part of the regex, and the ID of {} begins with `{sigil}`",
            kind.with_article()
        );
    }
    if source.starts_with('/') {
        return "the slashes around it are part of the regex here: write it without them".to_owned();
    }
    if source.starts_with(char::is_whitespace) {
        return format!("it begins with white space, and the ID of {} with `{sigil}`", kind.with_article());
    }
    if starts_again(pattern.ast()) {
        return "`^` asks for the start of the ID, and something stands before it".to_owned();
    }
    if looks_anywhere(homeserver) {
        return "what it asks for stands nowhere in such an ID".to_owned();
    }
    if !begins.starts_with(sigil) && begins.starts_with(|c: char| c.is_alphanumeric()) {
        return format!(
            "it is tried from the start of the ID, and the ID of {} begins with `{sigil}`",
            kind.with_article()
        );
    }
    "what it asks for stands in no such ID (it is tried on the whole ID, from the start)".to_owned()
}

/// The server that a regex names in so many words.
fn named_server(source: &str) -> Option<String> {
    let (_, server) = source.rsplit_once(":(").is_none().then(|| source.split_once(':')).flatten()?;
    let server = server.trim_end_matches('$').trim_end_matches("\\Z").replace('\\', "");
    let plain = |c: char| c.is_ascii_alphanumeric() || ".-:".contains(c);
    (!server.is_empty() && server.chars().all(plain)).then_some(server)
}

/// Whether `^` stands anywhere but first.
fn starts_again(ast: &Ast) -> bool {
    fn starts(ast: &Ast) -> bool {
        match ast {
            Ast::Anchor(anchor) => *anchor == Anchor::Start,
            Ast::Concat(items) | Ast::Alternation(items) => items.iter().any(starts),
            Ast::Group(_, body) | Ast::Atomic(body) => starts(body),
            Ast::Repeat(repeat) => starts(&repeat.body),
            _ => false,
        }
    }
    match ast {
        Ast::Concat(items) => items.iter().skip(1).any(starts) || items.first().is_some_and(starts_again),
        Ast::Alternation(branches) => branches.iter().any(starts_again),
        Ast::Group(_, body) | Ast::Atomic(body) => starts_again(body),
        Ast::Repeat(repeat) => starts_again(&repeat.body),
        _ => false,
    }
}
