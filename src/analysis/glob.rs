//! What authors write who think of globs.

use crate::matrix::ServerName;
use python_re::{Ast, Mode, Pattern};

/// A literal character with a star at the end of an entry, or before its server: the character, and the regex with `.*`
/// in its place.
pub(super) fn glob_star(pattern: &Pattern) -> Option<(char, String)> {
    let source = pattern.source();
    let star = last_star(pattern.ast())?;
    let written = format!("{star}*");
    let at = source.rfind(&written)?;
    let behind = &source[at + written.len()..];
    // A quantifier in earnest is followed by something else of the localpart.
    let ends = behind.is_empty() || behind.starts_with([':', '$']) || behind.starts_with("\\:");
    ends.then(|| (star, format!("{}{star}.*{behind}", &source[..at])))
}

/// The character of the last repetition, if it repeats a literal that separates.
fn last_star(ast: &Ast) -> Option<char> {
    let items = match ast {
        Ast::Concat(items) => items.as_slice(),
        Ast::Group(_, body) => return last_star(body),
        other => std::slice::from_ref(other),
    };
    let mut repeats = items.iter().filter_map(|item| match item {
        Ast::Repeat(repeat) if repeat.min == 0 && repeat.max.is_none() && repeat.mode == Mode::Greedy => {
            Some(&repeat.body)
        }
        _ => None,
    });
    match repeats.next_back()? {
        Ast::Literal(c) if c.is_ascii_graphic() => Some(*c),
        _ => None,
    }
}

/// Whether the server's name stands in the regex with a dot that is not escaped.
pub(super) fn names_server_unescaped(source: &str, server_name: &ServerName) -> bool {
    let name = server_name.as_str();
    if !name.contains('.') {
        return false;
    }
    let starts = source.match_indices(':').map(|(at, _)| &source[at + 1..]);
    starts.into_iter().any(|rest| {
        let mut chars = rest.chars().peekable();
        let mut unescaped = false;
        for wanted in name.chars() {
            let escaped = chars.next_if_eq(&'\\').is_some();
            if chars.next() != Some(wanted) {
                return false;
            }
            unescaped |= wanted == '.' && !escaped;
        }
        unescaped
    })
}
