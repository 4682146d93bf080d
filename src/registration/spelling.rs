//! Which known word an unknown one was meant to be.

/// The known word that is spelt most like this one: the same but for capitals and separators, one within the other as a
/// whole word, or a slip or two away. `None` where nothing is near.
pub(crate) fn nearest<'k>(word: &str, known: &[&'k str]) -> Option<&'k str> {
    let plain = plain(word);
    let near = known.iter().filter_map(|&known| Some((distance_within_reach(&plain, known)?, known)));
    near.min_by_key(|&(distance, _)| distance).map(|(_, known)| known)
}

/// Whether two words are the same but for capitals and separators.
pub(super) fn is_spelt_like(word: &str, known: &str) -> bool {
    plain(word) == plain(known)
}

/// Without capitals and separators: `hs-token`, `hsToken` and `HS_TOKEN` are one word.
fn plain(word: &str) -> String {
    word.chars().filter(|c| !matches!(c, '-' | '_' | '.' | ' ')).flat_map(char::to_lowercase).collect()
}

fn distance_within_reach(word: &str, known: &str) -> Option<usize> {
    let known = plain(known);
    // A slip in a word of two or three letters makes another word: `id` and `is`. One in five is a slip.
    let reach = known.chars().count().min(word.chars().count()).div_ceil(5).min(2);
    let reach = if known.chars().count() < 4 { 0 } else { reach };
    let distance = distance(word, &known);
    if distance <= reach {
        return Some(distance);
    }
    // `as_token_path`, `my_rate_limited`: a word of eight letters and more does not stand in another by chance, nor does
    // one of seven at its beginning.
    let cut_off = word.len() >= 4 && known.starts_with(word) && known.len() - word.len() <= 2;
    if cut_off {
        return Some(reach);
    }
    let holds = (known.len() >= 8 && word.contains(&known)) || (known.len() >= 7 && word.starts_with(&known));
    holds.then_some(reach + 1)
}

/// Levenshtein's distance, where two letters that have changed places count as one slip.
pub(crate) fn distance(one: &str, other: &str) -> usize {
    let (one, other): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    if one.len().abs_diff(other.len()) > 2 {
        return usize::MAX;
    }
    let mut rows: Vec<Vec<usize>> = vec![(0..=other.len()).collect()];
    for (i, a) in one.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, b) in other.iter().enumerate() {
            let mut least = (rows[i][j] + usize::from(a != b)).min(rows[i][j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *a == other[j - 1] && one[i - 1] == *b {
                least = least.min(rows[i - 1][j - 1] + 1);
            }
            row.push(least);
        }
        rows.push(row);
    }
    rows[one.len()][other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_told_from_another_word() {
        let known =
            ["id", "url", "as_token", "hs_token", "sender_localpart", "rate_limited", "users", "aliases", "rooms"];
        for (word, meant) in [
            ("sender_local_part", Some("sender_localpart")),
            ("rate_limted", Some("rate_limited")),
            ("rateLimited", Some("rate_limited")),
            ("ratelimited", Some("rate_limited")),
            ("hs-token", Some("hs_token")),
            ("ID", Some("id")),
            ("URL", Some("url")),
            ("user", Some("users")),
            ("Users", Some("users")),
            ("usres", Some("users")),
            ("alias", Some("aliases")),
            ("room", Some("rooms")),
            ("as_token_path", Some("as_token")),
            ("is", None),
            ("uri", None),
            ("heisenbridge", None),
            ("permissions", None),
            ("x-note", None),
            ("", None),
        ] {
            assert_eq!(nearest(word, &known), meant, "{word}");
        }
    }
}
