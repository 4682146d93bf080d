//! A text that is no YAML: what its lines say of themselves.

use super::{Harmless, announces_secret, begins_comment, is_secret, is_suspicious, is_word, show_structure};

/// Something that looks like a key, and where its value begins.
struct Key {
    from: usize,
    to: usize,
    name: String,
}

/// Marks what may be shown. Returns what may be shown nowhere.
pub(super) fn mark(lines: &[Vec<char>], harmless: Harmless, shown: &mut [Vec<bool>]) -> Vec<Vec<char>> {
    let mut secrets = Vec::new();
    // Whether a line without a key goes on with something that may be shown.
    let mut goes_on = false;
    for (line, shown) in lines.iter().zip(shown) {
        let comment = (0..line.len()).find(|&at| begins_comment(line, at)).unwrap_or(line.len());
        let line = &line[..comment];
        (0..line.len()).for_each(|at| show_structure(line, at, shown));
        let keys = keys(line);
        let first = keys.first().map_or(line.len(), |key| key.from);
        if first > 0 {
            // What has lost its colon or its `#` begins otherwise.
            let is_item = line.iter().find(|c| !c.is_whitespace()) == Some(&'-');
            value(&line[..first], goes_on && is_item, &mut shown[..first]);
        }
        for (at, key) in keys.iter().enumerate() {
            let end = keys.get(at + 1).map_or(line.len(), |next| next.from);
            shown[key.from..key.to].fill(is_word(&key.name));
            goes_on = harmless.shows(&key.name);
            value(&line[key.to..end], goes_on, &mut shown[key.to..end]);
            if announces_secret(&key.name) {
                secrets.extend(words(&line[key.to..end]));
            }
        }
    }
    secrets
}

/// Shows a value, if it may be.
fn value(value: &[char], may_be_shown: bool, shown: &mut [bool]) {
    let text: String = value.iter().collect();
    let is_plain = !is_suspicious(value) && !announces_secret(&text) && !super::looks_like_a_token(&text);
    if may_be_shown && is_plain && !(text.contains("://") && text.contains(['@', '?'])) {
        shown.fill(true);
    } else if !is_plain {
        // Not even its punctuation: `a-b` may be a token.
        shown.iter_mut().zip(value).for_each(|(shown, c)| *shown = *c == ' ');
    }
}

/// The words of a secret value, without what parts them.
fn words(value: &[char]) -> impl Iterator<Item = Vec<char>> {
    let text: String = value.iter().collect();
    let parts = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | ',' | ':' | '=' | '[' | ']' | '{' | '}');
    let words: Vec<Vec<char>> =
        text.split(parts).filter(|word| is_secret(word)).map(|word| word.chars().collect()).collect();
    words.into_iter()
}

/// What looks like a key: a word, or words in quotes, before a colon or an equals sign.
fn keys(line: &[char]) -> Vec<Key> {
    let mut keys = Vec::new();
    let mut at = 0;
    while at < line.len() {
        if !matches!(line[at], ':' | '=') || (line[at] == ':' && line.get(at + 1).is_some_and(|c| !is_behind_colon(*c)))
        {
            at += 1;
            continue;
        }
        let end = (0..at).rev().find(|&before| line[before] != ' ').map_or(0, |last| last + 1);
        let quote = line[..end].last().copied().filter(|c| matches!(c, '"' | '\''));
        let (from, name) = match quote {
            Some(quote) => {
                let inner = end - 1;
                let from = (0..inner).rev().find(|&before| line[before] == quote);
                (from, from.map(|from| line[from + 1..inner].iter().collect::<String>()))
            }
            None => {
                let from = (0..end).rev().take_while(|&before| is_of_key(line[before])).last();
                (from, from.map(|from| line[from..end].iter().collect::<String>()))
            }
        };
        if let (Some(from), Some(name)) = (from, name)
            && keys.last().is_none_or(|last: &Key| last.to <= from)
        {
            keys.push(Key { from, to: at + 1, name });
        }
        at += 1;
    }
    keys
}

const fn is_behind_colon(c: char) -> bool {
    matches!(c, ' ' | '\t' | '"' | '\'' | '[' | '{')
}

const fn is_of_key(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-')
}
