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
    if PLACEHOLDERS.iter().any(|placeholder| source.contains(placeholder)) || holds_placeholder(source) {
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
    if let Some(server) = named_server(source).filter(|server| server != server_name.as_str()) {
        return format!("it claims IDs of `{server}`, and this is {server_name}");
    }
    if source.ends_with('\n') {
        return "it ends with a line feed, as values behind `|` and `>` do: write it behind the colon, in single quotes"
            .to_owned();
    }
    if source.contains(char::is_whitespace) && !source.contains("(?") {
        return "white space stands in it, and in no ID".to_owned();
    }
    "what it asks for stands in no such ID (it is tried on the whole ID, from the start)".to_owned()
}

/// Whether a regex holds what reads as a name that was to be replaced, also where an ID may hold just that: `{{name}}`,
/// `{userid}`, `${NAME}`, `$NAME`, `<%= name %>`, `<name>`, `%NAME%`, `__NAME__`.
pub(super) fn holds_placeholder(source: &str) -> bool {
    let is_name = |name: &str| name.len() > 1 && name.bytes().all(|b| b.is_ascii_alphabetic() || b == b'_');
    let is_constant = |name: &str| {
        is_name(name) && !name.starts_with('_') && !name.ends_with('_') && !name.bytes().any(|b| b.is_ascii_lowercase())
    };
    let between = |open: &str, close: &str, is_meant: &dyn Fn(&str, &str) -> bool| {
        source.match_indices(open).any(|(at, _)| {
            let name = source[at + open.len()..].split_once(close);
            name.is_some_and(|(name, _)| is_meant(&source[..at], name))
        })
    };
    // `\{`, `\N{name}`, `(?P<name>` and `(?<=` are a regex's own.
    let marked = |before: &str, name: &str| !before.ends_with(['\\', '?', 'P', 'N']) && is_name(name);
    let of_dollar = |rest: &str| {
        let end = rest.find(|c: char| !(c.is_ascii_uppercase() || c == '_')).unwrap_or(rest.len());
        is_constant(rest[..end].trim_end_matches('_'))
    };
    between("{{", "}}", &|_, _| true)
        || between("${", "}", &|_, name| is_name(name))
        || between("<%", "%>", &|_, _| true)
        || between("{", "}", &marked)
        || between("<", ">", &marked)
        || between("%", "%", &|_, name| is_constant(name))
        || between("__", "__", &|_, name| is_constant(name))
        || source.split('$').skip(1).any(of_dollar)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_told_from_what_is_a_regex_s_own() {
        for source in [
            "@{{localpart}}_.*",
            "@x_{userid}:example.com",
            "@${PREFIX}_.*",
            "@$PREFIX_.*",
            "@<%= prefix %>_.*",
            "@x_.*:<server_name>",
            "@%PREFIX%_.*",
            "@__PREFIX__.*",
            "@x_.*:%DOMAIN%",
        ] {
            assert!(holds_placeholder(source), "{source}");
        }
        for source in [
            r"@irc_.*:example\.com$",
            "@foodtoshare_{[0-9]+}:localhost",
            "@x{2,3}.{4}",
            "(?P<name>@x)(?<=x)(?P=name)",
            r"@\{userid\}",
            r"@\N{BULLET}",
            "@_x__y__z_.*",
            "@x%40y%40z",
            "@x$|@y$",
            "@__bot__.*",
        ] {
            assert!(!holds_placeholder(source), "{source}");
        }
    }
}
