use std::fmt::{self, Display, Formatter, Write};

/// Text from elsewhere as it may be shown to a person: whatever would act on a terminal, break a line, or show the text
/// otherwise than it is, is shown as an escape. All else stays as it is, backslashes too, since regexes are full of them.
#[derive(Clone, Copy, Debug)]
pub struct Visible<T>(pub T);

impl<T: Display> Display for Visible<T> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(Escaping { out: f, json: false }, "{}", self.0)
    }
}

/// A JSON text with the same escaped in its strings. Says the same to whoever reads it as JSON.
#[derive(Clone, Copy, Debug)]
pub struct VisibleJson<T>(pub T);

impl<T: Display> Display for VisibleJson<T> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(Escaping { out: f, json: true }, "{}", self.0)
    }
}

struct Escaping<W> {
    out: W,
    json: bool,
}

impl<W: Write> Write for Escaping<W> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let mut plain = 0;
        // What JSON holds of these between its strings is its layout; inside strings, its writer has escaped them.
        let acts = |c: char| acts(c) && !(self.json && matches!(c, '\n' | '\r' | '\t'));
        for (at, c) in text.char_indices().filter(|(_, c)| acts(*c)) {
            self.out.write_str(&text[plain..at])?;
            if self.json {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    write!(self.out, "\\u{unit:04x}")?;
                }
            } else {
                write!(self.out, "{}", c.escape_default())?;
            }
            plain = at + c.len_utf8();
        }
        self.out.write_str(&text[plain..])
    }
}

/// Whether a character does something instead of being seen: controls of ASCII and ISO 6429 (ESC, BEL, C1), separators
/// of lines and paragraphs, marks that turn the direction of what follows, and what has no width.
fn acts(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One of each kind.
    const ACTING: [char; 14] = [
        '\n',
        '\r',
        '\t',
        '\u{1b}',
        '\u{7}',
        '\u{7f}',
        '\u{9b}',
        '\u{85}',
        '\u{2028}',
        '\u{202e}',
        '\u{2066}',
        '\u{200f}',
        '\u{feff}',
        '\u{e0041}',
    ];

    #[test]
    fn nothing_that_acts_passes() {
        let text: String = ACTING.iter().flat_map(|c| ['a', *c]).collect();
        let shown = Visible(&text).to_string();
        assert!(!shown.contains(acts), "{shown:?}");
        assert!(shown.starts_with(r"a\na\ra\ta\u{1b}a\u{7}a\u{7f}a\u{9b}"), "{shown}");
    }

    #[test]
    fn what_is_seen_stays() {
        for text in [r"@irc_\d+\.x:example\.com", "ｂücher 桥 🌉", "", "`a` — “b”"] {
            assert_eq!(Visible(text).to_string(), text);
            assert_eq!(VisibleJson(text).to_string(), text);
        }
    }

    #[test]
    fn json_says_the_same_as_before() {
        let value = serde_json::json!({"id": ACTING.iter().collect::<String>(), "list": [1, "\u{e0041}"]});
        let text = serde_json::to_string_pretty(&value).expect("JSON");
        let shown = VisibleJson(&text).to_string();
        assert!(!shown.contains(|c| acts(c) && c != '\n'), "{shown:?}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&shown).expect("still JSON"), value);
    }
}
