//! A file's own lines as they may be shown to a person: with all that is wrong in them, and without a token.
//!
//! A fault is understood at a glance where its line stands beside it. That line may hold a token, and in a file that is
//! broken nobody can say for certain which part of it is one. So nothing is shown because it looks harmless: **everything is
//! blotted out but what is known to be harmless** — the punctuation of YAML, keys that are words, and the values of keys
//! that hold no secret ([`Harmless`]). Of a text that is YAML the tree says which value belongs to which key (`written`); of
//! one that is not, the lines do, more strictly (`unread`). What stands under a key that announces a secret is blotted out
//! wherever else it stands, too, as is what looks like a token in the midst of other words.
//!
//! What is blotted out is four dots, however long it was.

mod unread;
mod written;

use std::collections::HashMap;

use pyyaml::{Grammar, Place, Tree};

use super::keys;
use super::redact::announces_secret;

/// What stands in a line in the place of what is not shown.
pub(crate) const BLOT: &str = "●●●●";

/// Of larger files no line is shown: what is looked at is kept character by character. A registration that anybody wrote has
/// less than 100 KiB.
const MAX_BYTES: usize = 1 << 20;

/// A file's lines as they may be shown.
#[derive(Clone, Debug, Default)]
pub struct SourceText {
    lines: Vec<Line>,
    /// Where each scalar ends, by where it begins.
    ends: HashMap<Place, Place>,
    /// Where the value of each key at the top begins.
    values: HashMap<String, Place>,
}

/// A line as it may be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    text: String,
    /// Which columns of the file are blotted out, from 0: the first, and the one behind the last.
    blots: Vec<(usize, usize)>,
}

/// Which values of a file may be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Harmless {
    /// Those of a registration.
    Registration,
    /// Those of a homeserver's configuration that bailiwick reads.
    HomeserverConfig,
    /// Those of a bridge's configuration that are held against its registration.
    BridgeConfig,
}

impl Harmless {
    /// Whether what stands under a key may be shown.
    fn shows(self, key: &str) -> bool {
        match self {
            Self::Registration => matches!(
                key,
                "id" | "url"
                    | "sender_localpart"
                    | "regex"
                    | "exclusive"
                    | "group_id"
                    | "users"
                    | "aliases"
                    | "rooms"
                    | "protocols"
                    | "rate_limited"
                    | "receive_ephemeral"
                    | "de.sorunome.msc2409.push_ephemeral"
                    | "org.matrix.msc3202"
                    | "io.element.msc4190"
                    | "io.element.msc4512.proxy_prefix"
            ),
            Self::HomeserverConfig => matches!(key, "server_name" | "app_service_config_files"),
            // A `username` may be that of an account elsewhere, and is no secret either.
            Self::BridgeConfig => {
                Self::Registration.shows(key)
                    || matches!(
                        key,
                        "domain"
                            | "server_name"
                            | "address"
                            | "hostname"
                            | "port"
                            | "bindAddress"
                            | "bindHostname"
                            | "bindPort"
                            | "appservice_port"
                            | "appservice_host"
                            | "username"
                            | "bot_username"
                            | "localpart"
                            | "username_template"
                            | "alias_template"
                            | "userTemplate"
                            | "aliasTemplate"
                            | "username_prefix"
                            | "alias_prefix"
                            | "userIdPrefix"
                    )
            }
        }
    }
}

impl SourceText {
    /// The lines of a file; none if it is no text, or too large.
    #[must_use]
    pub fn of(bytes: &[u8], harmless: Harmless) -> Self {
        let Some(text) = (bytes.len() <= MAX_BYTES).then(|| pyyaml::decode(bytes).ok()).flatten() else {
            return Self::default();
        };
        let lines: Vec<Vec<char>> = text.split('\n').map(|line| line.chars().collect()).collect();
        let mut shown: Vec<Vec<bool>> = lines.iter().map(|line| vec![false; line.len()]).collect();
        let (mut ends, mut values) = (HashMap::new(), HashMap::new());
        let secrets = match Tree::read(&text, Grammar::PyYaml) {
            Ok(Some(tree)) => {
                values = written::values_at_top(&tree);
                written::mark(&tree, harmless, &lines, &mut shown, &mut ends)
            }
            _ => unread::mark(&lines, harmless, &mut shown),
        };
        let lines = lines.iter().zip(&mut shown).map(|(line, shown)| {
            for secret in &secrets {
                hide(line, secret, shown);
            }
            Line::of(line, shown)
        });
        Self { lines: lines.collect(), ends, values }
    }

    /// A line, counted from 1.
    #[must_use]
    pub fn line(&self, line: u32) -> Option<&Line> {
        self.lines.get(usize::try_from(line).ok()?.checked_sub(1)?)
    }

    /// Where the value of a key at the top begins.
    #[must_use]
    pub fn value_of(&self, key: &str) -> Option<Place> {
        self.values.get(key).copied()
    }

    /// Behind the last character of the scalar that begins at a place.
    #[must_use]
    pub fn end_of(&self, place: Place) -> Option<Place> {
        self.ends.get(&place).copied()
    }
}

impl Line {
    fn of(line: &[char], shown: &[bool]) -> Self {
        let (mut text, mut blots) = (String::new(), Vec::<(usize, usize)>::new());
        for (at, (&c, &is_shown)) in line.iter().zip(shown).enumerate() {
            if is_shown {
                text.push(c);
            } else if let Some(last) = blots.last_mut().filter(|last| last.1 == at) {
                last.1 = at + 1;
            } else {
                blots.push((at, at + 1));
                text.push_str(BLOT);
            }
        }
        text.truncate(text.trim_end().len());
        Self { text, blots }
    }

    /// What of it may be shown.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Which character of that stands for a column of the file; both count from 0. Within what is blotted out it is the first
    /// of the dots.
    #[must_use]
    pub fn shown_column(&self, column: usize) -> usize {
        let before = self.blots.iter().take_while(|(from, _)| *from < column);
        let dots = BLOT.chars().count();
        before.fold(
            column,
            |shown, &(from, to)| {
                if column < to { shown - (column - from) } else { shown + dots - (to - from) }
            },
        )
    }
}

/// Whether a key may be shown: one that is known, or a word of letters. What has digits may be a token that slipped into the
/// place of a key.
fn is_word(key: &str) -> bool {
    let known = keys::TOP_LEVEL.contains(&key);
    let letters = key.len() <= 40 && key.chars().all(|c| c.is_ascii_alphabetic() || matches!(c, '_' | '-' | '.' | ' '));
    known || (letters && !has_odd_blank(key))
}

/// `hs token` is a key that was mistyped; of other words with a blank nobody knows.
fn has_odd_blank(key: &str) -> bool {
    key.contains(' ') && !keys::TOP_LEVEL.iter().any(|known| super::spelling::is_spelt_like(key, known))
}

/// Whether a value, of whatever key, may hold a token beside other words, as where a colon or the end of a line is missing.
fn is_suspicious(value: &[char]) -> bool {
    if !value.iter().any(|c| c.is_whitespace()) {
        return false;
    }
    let text: String = value.iter().collect();
    let mut words =
        text.split(|c: char| c.is_whitespace() || matches!(c, ':' | '=' | '"' | '\'')).filter(|word| !word.is_empty());
    let announced = words.clone().position(announces_secret).is_some_and(|at| words.clone().nth(at + 1).is_some());
    announced || words.any(looks_like_a_token)
}

/// What generators make: long, of letters and digits. Names of people and bridges are shorter, or words.
fn looks_like_a_token(word: &str) -> bool {
    let of_it = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=' | '_' | '-' | '.');
    word.split(|c: char| !of_it(c)).any(|run| {
        run.len() >= 12 && run.bytes().any(|b| b.is_ascii_digit()) && run.bytes().any(|b| b.is_ascii_alphabetic())
    })
}

/// Hides a text wherever it stands in a line.
fn hide(line: &[char], secret: &[char], shown: &mut [bool]) {
    let mut at = 0;
    while let Some(found) = line[at..].windows(secret.len()).position(|window| window == secret) {
        shown[at + found..at + found + secret.len()].fill(false);
        at += found + secret.len();
    }
}

/// What is shorter stands in many a word: see [`super::redact`].
fn is_secret(text: &str) -> bool {
    text.chars().count() >= super::redact::MIN_SECRET
}

/// Shows white space, and the punctuation between values.
fn show_structure(line: &[char], at: usize, shown: &mut [bool]) {
    if matches!(line[at], ' ' | '\t' | '-' | ':' | ',' | '[' | ']' | '{' | '}' | '?') {
        shown[at] = true;
    }
}

/// Where a comment begins in what is none of a value.
fn begins_comment(line: &[char], at: usize) -> bool {
    line[at] == '#' && (at == 0 || line[at - 1].is_whitespace())
}

#[cfg(test)]
mod tests;
