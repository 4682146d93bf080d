//! Templates of names: what stands in them as it is, and what stands for a name.

/// A part of the names that a template makes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// This text.
    Text(String),
    /// One character or more.
    Any(Filling),
}

/// Which characters may stand in the place of a placeholder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Filling {
    /// Those of user names as they are made today, which is as much as a bridge can promise of other networks' names.
    Name,
    /// Digits, of which the names of many networks are.
    Digit,
    /// Small letters, digits and `-`, as names of Slack's teams.
    Team,
    /// Capitals and digits, as Slack's user IDs.
    Capital,
    /// Those of aliases.
    Alias,
}

impl Filling {
    /// Whether a character is one of them.
    #[must_use]
    pub const fn holds(self, c: char) -> bool {
        match self {
            // A `+` is new to the grammar, and no bridge writes it.
            Self::Name => matches!(c, 'a'..='z' | '0'..='9' | '.' | '_' | '=' | '-' | '/'),
            Self::Digit => c.is_ascii_digit(),
            Self::Team => matches!(c, 'a'..='z' | '0'..='9' | '-'),
            Self::Capital => matches!(c, 'A'..='Z' | '0'..='9'),
            Self::Alias => crate::matrix::is_historical(c),
        }
    }
}

/// The parts of a template of Go's, `whatsapp_{{.}}`; `None` for one that does more than to insert a name.
pub(super) fn go(template: &str, filling: Filling) -> Option<Vec<Part>> {
    let (mut parts, mut rest) = (Vec::new(), template);
    while let Some((before, behind)) = rest.split_once("{{") {
        let (action, after) = behind.split_once("}}")?;
        let field = action.trim().strip_prefix('.')?;
        if !field.chars().all(|c| c.is_ascii_alphanumeric()) {
            return None;
        }
        push(&mut parts, before);
        parts.push(Part::Any(filling));
        rest = after;
    }
    push(&mut parts, rest);
    Some(parts)
}

/// The parts of a template of Python's `str.format`, `telegram_{userid}`; `None` for one that does more than to insert a name.
pub(super) fn python(template: &str, filling: Filling) -> Option<Vec<Part>> {
    let (mut parts, mut text, mut rest) = (Vec::new(), String::new(), template);
    while let Some(at) = rest.find(['{', '}']) {
        text.push_str(&rest[..at]);
        let brace = &rest[at..=at];
        if rest[at + 1..].starts_with(brace) {
            text.push_str(brace);
            rest = &rest[at + 2..];
            continue;
        }
        let (name, after) = rest[at..].strip_prefix('{')?.split_once('}')?;
        if !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
            return None;
        }
        push(&mut parts, &std::mem::take(&mut text));
        parts.push(Part::Any(filling));
        rest = after;
    }
    text.push_str(rest);
    push(&mut parts, &text);
    Some(parts)
}

/// The parts of a template in which a word stands for a name, `irc_$NICK`.
pub(super) fn words(template: &str, word: &str, filling: Filling) -> Vec<Part> {
    let mut parts = Vec::new();
    for (at, text) in template.split(word).enumerate() {
        if at > 0 {
            parts.push(Part::Any(filling));
        }
        push(&mut parts, text);
    }
    parts
}

/// What begins so.
pub(super) fn prefix(prefix: &str, filling: Filling) -> Vec<Part> {
    let mut parts = Vec::new();
    push(&mut parts, prefix);
    parts.push(Part::Any(filling));
    parts
}

/// Whether nothing in it stands for a name.
pub(super) fn is_constant(parts: &[Part]) -> bool {
    !parts.iter().any(|part| matches!(part, Part::Any(_)))
}

fn push(parts: &mut Vec<Part>, text: &str) {
    if !text.is_empty() {
        parts.push(Part::Text(text.to_owned()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Parts as they are written here: `*` for a name.
    fn shown(parts: Option<Vec<Part>>) -> Option<String> {
        let shown = |part: Part| match part {
            Part::Text(text) => text,
            Part::Any(_) => "*".to_owned(),
        };
        Some(parts?.into_iter().map(shown).collect())
    }

    #[test]
    fn templates_of_go_insert_names() {
        for (template, expected) in [
            ("whatsapp_{{.}}", Some("whatsapp_*")),
            ("{{ .UserID }}_x{{.}}", Some("*_x*")),
            ("whatsapp_{userid}", Some("whatsapp_{userid}")),
            ("", Some("")),
            ("a_{{if .X}}b{{end}}", None),
            ("a_{{printf \"%s\" .}}", None),
            ("a_{{.", None),
        ] {
            assert_eq!(shown(go(template, Filling::Name)).as_deref(), expected, "{template}");
        }
    }

    #[test]
    fn templates_of_python_insert_names() {
        for (template, expected) in [
            ("telegram_{userid}", Some("telegram_*")),
            ("{userid}-{}", Some("*-*")),
            ("a_{{.}}", Some("a_{.}")),
            ("{userid!r}", None),
            ("{userid:>4}", None),
            ("a_{userid", None),
            ("a_}", None),
        ] {
            assert_eq!(shown(python(template, Filling::Name)).as_deref(), expected, "{template}");
        }
    }

    #[test]
    fn what_nothing_stands_for_is_one_name() {
        assert!(is_constant(&words("irc_bot", "$NICK", Filling::Name)));
        assert!(!is_constant(&words("irc_$NICK", "$NICK", Filling::Name)));
        assert_eq!(shown(Some(words("$NICK_x_$NICK", "$NICK", Filling::Name))).as_deref(), Some("*_x_*"));
        assert_eq!(shown(Some(prefix("", Filling::Name))).as_deref(), Some("*"));
    }
}
