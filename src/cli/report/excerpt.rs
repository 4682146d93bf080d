use std::ops::Range;

use crate::registration::{Place, SourceText};
use crate::telemetry::Visible;

/// So many characters of a line are shown, as many as a line of help has: beyond that, terminals break it, and the carets
/// stand below something else.
const WIDTH: usize = 100;

/// So many of them stand before what is meant, where the line is longer: a key and what it belongs to.
const BEFORE: usize = 30;

/// A line of a file, and what is meant in it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Excerpt {
    pub(super) text: String,
    /// The characters of that which are meant.
    pub(super) meant: Range<usize>,
}

impl Excerpt {
    /// The line of a place, as it may be shown; `None` where there is nothing to see.
    pub(super) fn of(source: &SourceText, from: Place, to: Option<Place>) -> Option<Self> {
        let line = source.line(from.line)?;
        let text: Vec<char> = line.text().chars().collect();
        if text.is_empty() {
            return None;
        }
        let shown = |column: u32| line.shown_column(usize::try_from(column).unwrap_or(usize::MAX).saturating_sub(1));
        let begin = shown(from.column).min(text.len());
        let end = match to {
            Some(to) if to.line == from.line => shown(to.column),
            // What goes on in the next line is marked to the end of this one.
            Some(to) if to.line > from.line => text.len(),
            _ => begin + 1,
        };
        Some(Self::within(&text, begin..end.min(text.len()).max(begin + 1)))
    }

    /// As much of a long line as shows what is meant.
    fn within(text: &[char], meant: Range<usize>) -> Self {
        let first = if text.len() > WIDTH { meant.start.saturating_sub(BEFORE).min(text.len() - WIDTH) } else { 0 };
        let last = (first + WIDTH).min(text.len());
        let part = |range: Range<usize>| {
            let part: String = text.get(range).unwrap_or_default().iter().collect();
            Visible(part).to_string()
        };
        let left_out = |is: bool| if is { "…" } else { "" };
        let before = format!("{}{}", left_out(first > 0), part(first..meant.start.min(last)));
        let itself = part(meant.start.min(last)..meant.end.min(last));
        let behind = format!("{}{}", part(meant.end.min(last)..last), left_out(last < text.len()));
        let begin = before.chars().count();
        let end = begin + itself.chars().count().max(1);
        Self { text: format!("{before}{itself}{behind}"), meant: begin..end }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registration::Harmless;

    fn excerpt(text: &str, from: u32, to: Option<u32>) -> (String, Range<usize>) {
        let source = SourceText::of(text.as_bytes(), Harmless::Registration);
        let place = |column| Place { line: 1, column };
        let excerpt = Excerpt::of(&source, place(from), to.map(place)).expect("a line");
        (excerpt.text, excerpt.meant)
    }

    #[test]
    fn what_is_meant_is_marked_in_its_line() {
        assert_eq!(excerpt("id: 42", 5, Some(7)), ("id: 42".to_owned(), 4..6));
        assert_eq!(excerpt("id: 42", 5, None), ("id: 42".to_owned(), 4..5));
        // Behind the end of the line, where something is missing.
        assert_eq!(excerpt("id: [", 6, None), ("id: [".to_owned(), 5..6));
        assert_eq!(excerpt("as_token: abcdefghij", 11, Some(21)), ("as_token: ●●●●".to_owned(), 10..14));
        // What would act on a terminal takes as many columns as it is shown with.
        assert_eq!(excerpt("id: \"\u{85}a\"", 5, Some(9)).1.len(), "\"\\u{85}a\"".len());
    }

    #[test]
    fn of_a_long_line_that_part_is_shown() {
        let long =
            format!("{{\"id\": \"{}\", \"url\": 1, \"sender_localpart\": \"{}\"}}", "a".repeat(200), "b".repeat(200));
        let at = u32::try_from(long.find("1, ").expect("there") + 1).expect("small");
        let (text, meant) = excerpt(&long, at, Some(at + 1));
        assert!(text.starts_with('…') && text.ends_with('…') && text.chars().count() == WIDTH + 2, "{text}");
        assert_eq!(text.chars().nth(meant.start), Some('1'), "{text}");
        let (text, meant) = excerpt(&long, 9, Some(211));
        assert!(meant.end <= text.chars().count() && meant.start == 8, "{meant:?} {text}");
    }
}
