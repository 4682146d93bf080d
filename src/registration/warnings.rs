//! Warnings: what Synapse accepts and nobody should want.

use super::{Place, Warning, WarningCode};
use pyyaml::{Document, Text};

/// Tokens below this many characters can be guessed: 15 letters and digits of a word-like token are within reach of a
/// dictionary. What bridges generate has 43 to 64.
const SHORT: usize = 16;
/// So many keys that stand twice are listed; the others are counted. Who pastes a block twice repeats half a dozen.
const MAX_REPEATED: usize = 20;

/// A token and where it stands.
type Secret<'d> = (&'d Text<'d>, Place);

/// Everything in a file that is loaded and worth a warning.
pub(super) fn warnings(document: &Document<'_>, as_token: Secret<'_>, hs_token: Secret<'_>) -> Box<[Warning]> {
    let all = document.repeated();
    let (listed, counted) = all.split_at(all.len().min(MAX_REPEATED));
    let mut warnings: Vec<Warning> = listed.iter().map(|&(first, last)| repeated(first, last)).collect();
    if let Some((_, last)) = counted.first() {
        let message = format!("{} more keys of this file stand twice; of each the last one counts", counted.len());
        warnings.push(Warning { code: WarningCode::DuplicateKey, message: message.into(), place: *last });
    }
    for (name, (text, place)) in [("as_token", as_token), ("hs_token", hs_token)] {
        warnings.extend(weakness(name, text).map(|message| weak(message, place)));
    }
    if as_token.0 == hs_token.0 && !as_token.0.chars.is_empty() {
        let message = "as_token and hs_token are the same: whoever receives the one can act as the other; \
                       generate two different ones";
        warnings.push(weak(message.to_owned(), hs_token.1));
    }
    warnings.sort_by_key(|warning| warning.place);
    warnings.into()
}

fn repeated(first: Place, last: Place) -> Warning {
    let message = format!(
        "this key already stands at line {}, column {}; the last one counts and the earlier one is ignored: delete one \
         of them",
        first.line, first.column
    );
    Warning { code: WarningCode::DuplicateKey, message: message.into(), place: last }
}

fn weak(message: String, place: Place) -> Warning {
    Warning { code: WarningCode::WeakToken, message: message.into(), place }
}

fn weakness(name: &str, text: &Text<'_>) -> Option<String> {
    let length = text.chars.chars().count();
    let what = match length {
        0 => "is empty, and so is known to everybody".to_owned(),
        1..SHORT => format!("has fewer than {SHORT} characters and can be guessed"),
        _ => return None,
    };
    Some(format!("{name} {what}; generate one, for example with `openssl rand -hex 32`"))
}
