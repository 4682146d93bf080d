//! The literal text with which a regex begins, as it is written.

/// The literal text with which an entry begins, and where in its regex that ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Beginning {
    pub(super) text: String,
    pub(super) end: usize,
}

/// What a regex begins with. Its branches and flags are not looked at: what is made of a wrong beginning is not proved.
pub(super) fn beginning(source: &str) -> Beginning {
    let start = opening(source).len();
    let mut at = start;
    let mut read: Vec<(char, usize)> = Vec::new();
    while let Some((c, length)) = literal(&source[at..]) {
        at += length;
        read.push((c, at));
    }
    // What a quantifier follows need not be there.
    if source[at..].starts_with(['*', '+', '?', '{']) {
        read.pop();
    }
    let end = read.last().map_or(start, |&(_, end)| end);
    Beginning { text: read.into_iter().map(|(c, _)| c).collect(), end }
}

/// What asks for the start of an ID, at the start of a regex.
pub(super) fn opening(source: &str) -> &str {
    ["^", r"\A"].into_iter().find(|opening| source.starts_with(opening)).unwrap_or_default()
}

/// A character that stands for itself, and how much of the regex it takes.
fn literal(source: &str) -> Option<(char, usize)> {
    let mut chars = source.chars();
    match chars.next()? {
        '\\' => chars.next().filter(char::is_ascii_punctuation).map(|c| (c, 1 + c.len_utf8())),
        '.' | '^' | '$' | '*' | '+' | '?' | '{' | '}' | '[' | ']' | '|' | '(' | ')' => None,
        c => Some((c, c.len_utf8())),
    }
}

/// What the users of the narrower of two entries have behind the beginning of the wider: `libera_` of `@irc_libera_` behind
/// `@irc_`. A name ends at its server. `None` where that is no word with a separator at its end: digits, and the `+` of a
/// telephone number, are parts of anybody's names.
pub(super) fn longer_by(wider: &str, narrower: &str) -> Option<String> {
    let more = narrower.strip_prefix(wider)?;
    let more = more.split_inclusive(':').next()?;
    let is_word = more.contains(|c: char| c.is_alphabetic()) && more.ends_with(['_', '-', '.', '/', ':']);
    is_word.then(|| more.to_owned())
}
