use crate::ast::Anchor;
use crate::characters::is_word;

/// Whether an anchor holds at a place of a text.
pub(super) fn holds(anchor: Anchor, text: &[char], place: usize) -> bool {
    let next = text.get(place).copied();
    let previous = place.checked_sub(1).and_then(|place| text.get(place)).copied();
    match anchor {
        Anchor::Start => place == 0,
        Anchor::StartLine => matches!(previous, None | Some('\n')),
        Anchor::End => next.is_none(),
        Anchor::EndOrFinalNewline => next.is_none() || (next == Some('\n') && place + 1 == text.len()),
        Anchor::EndLine => matches!(next, None | Some('\n')),
        Anchor::WordBoundary { negated, ascii } => {
            let is_word = |c: Option<char>| c.is_some_and(|c| is_word(c, ascii));
            // Python finds neither kind in an empty text.
            !text.is_empty() && (is_word(previous) != is_word(next)) != negated
        }
    }
}
