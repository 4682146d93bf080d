//! A text that is YAML: its tree says which value belongs to which key.

use std::collections::HashMap;

use pyyaml::{Node, NodeId, Place, Tree};

use super::{Harmless, announces_secret, begins_comment, is_secret, is_suspicious, is_word, show_structure};

/// Nodes that are visited: a text of one megabyte holds no more, and what aliases hold again need not be seen twice.
const MAX_VISITS: usize = 1 << 20;

/// Whether what stands at a place is shown.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// As the keys below it say.
    Open,
    /// All scalars are.
    Shown,
    /// Nothing is, whatever its key: it stands under one that announces a secret.
    Secret,
}

/// Marks what may be shown, and where scalars end. Returns what may be shown nowhere.
pub(super) fn mark(
    tree: &Tree<'_>,
    harmless: Harmless,
    lines: &[Vec<char>],
    shown: &mut [Vec<bool>],
    ends: &mut HashMap<Place, Place>,
) -> Vec<Vec<char>> {
    let mut scalars: Vec<(Place, Place, bool)> = Vec::new();
    let mut secrets = Vec::new();
    let mut open = vec![(tree.root(), Fate::Open)];
    let mut visits = 0;
    while let Some((id, fate)) = open.pop() {
        visits += 1;
        if visits > MAX_VISITS {
            // What has not been seen is not shown.
            return vec![];
        }
        match tree.node(id) {
            Node::Scalar { text, .. } => {
                if fate == Fate::Secret && is_secret(&text.chars) {
                    secrets.push(text.chars.chars().collect());
                }
                scalars.push((tree.place(id), tree.end(id), fate == Fate::Shown));
            }
            Node::Sequence(items) => open.extend(items.iter().map(|&item| (item, fate))),
            Node::Mapping(pairs) => {
                for &(key, value) in pairs {
                    let name = name_of(tree, key);
                    scalars.push((tree.place(key), tree.end(key), fate != Fate::Secret && name.is_some_and(is_word)));
                    open.push((value, below(fate, name, harmless)));
                }
            }
        }
    }
    // Of a node that an alias names again, the stricter counts: what is hidden comes last.
    scalars.sort_by_key(|&(_, _, is_shown)| !is_shown);
    structure(lines, shown, &scalars);
    for &(from, to, is_shown) in &scalars {
        ends.insert(from, to);
        let pieces = pieces(from, to, lines);
        let value: Vec<char> =
            pieces.clone().flat_map(|(at, range)| lines[at][range].iter().copied().chain([' '])).collect();
        let whole = value.strip_suffix(&[' ']).unwrap_or(&value);
        let is_shown = is_shown && !is_suspicious(whole) && !holds_credentials(whole);
        pieces.for_each(|(at, range)| shown[at][range].fill(is_shown));
    }
    secrets
}

/// Where the value of each key at the top begins: of two equal keys the last, which counts.
pub(super) fn values_at_top(tree: &Tree<'_>) -> HashMap<String, Place> {
    let Node::Mapping(pairs) = tree.node(tree.root()) else { return HashMap::new() };
    pairs.iter().filter_map(|&(key, value)| Some((name_of(tree, key)?.to_owned(), tree.place(value)))).collect()
}

fn name_of<'t>(tree: &'t Tree<'_>, key: NodeId) -> Option<&'t str> {
    match tree.node(key) {
        Node::Scalar { text, .. } => Some(&text.chars),
        _ => None,
    }
}

/// What becomes of a value.
fn below(fate: Fate, name: Option<&str>, harmless: Harmless) -> Fate {
    match name {
        _ if fate == Fate::Secret => Fate::Secret,
        // A key that is a list or a mapping is none of a registration.
        None => Fate::Secret,
        Some(name) if harmless.shows(name) => Fate::Shown,
        Some(name) if announces_secret(name) => Fate::Secret,
        Some(_) => Fate::Open,
    }
}

/// A URL with somebody's name in it, or with parameters, may hold a password.
fn holds_credentials(value: &[char]) -> bool {
    let text: String = value.iter().collect();
    text.contains("://") && text.contains(['@', '?'])
}

/// Shows what stands between the scalars, but for comments, which may say anything.
fn structure(lines: &[Vec<char>], shown: &mut [Vec<bool>], scalars: &[(Place, Place, bool)]) {
    let mut within: Vec<Vec<bool>> = lines.iter().map(|line| vec![false; line.len()]).collect();
    for &(from, to, _) in scalars {
        for (at, range) in pieces(from, to, lines) {
            within[at][range].fill(true);
        }
    }
    for (at, line) in lines.iter().enumerate() {
        for (column, within) in within[at].iter().enumerate() {
            if *within {
                continue;
            }
            if begins_comment(line, column) {
                break;
            }
            show_structure(line, column, &mut shown[at]);
        }
    }
}

/// The parts of lines from one place to another.
fn pieces(
    from: Place,
    to: Place,
    lines: &[Vec<char>],
) -> impl Iterator<Item = (usize, std::ops::Range<usize>)> + Clone {
    let index = |number: u32| usize::try_from(number).unwrap_or(usize::MAX).saturating_sub(1);
    let (first, last) = (index(from.line), index(to.line).min(lines.len().saturating_sub(1)));
    (first..=last).map(move |at| {
        let length = lines[at].len();
        let begin = if at == first { index(from.column).min(length) } else { 0 };
        let end = if at == index(to.line) { index(to.column).min(length) } else { length };
        (at, begin..end.max(begin))
    })
}
