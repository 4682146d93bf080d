//! Edits as a patch, in which no token stands: a line is context only if it may be shown.
//!
//! A registration has its tokens beside what is edited, and a patch is mailed, pasted and kept. So the lines around a change
//! go as far as [`SourceText`] shows them whole. Whatever is left out, `patch` finds the place by the line's number. What is
//! changed in a line that may not be shown (a registration written as JSON in one line) is not in the patch; that is said.

use std::fs;
use std::ops::RangeInclusive;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use super::Edited;
use crate::cli::report::Texts;
use crate::registration::{Harmless, SourceText};
use crate::telemetry::Visible;

/// So many lines stand around a change, as `diff -u` has it.
const CONTEXT: usize = 3;

/// The edits of a file.
pub(super) struct Patch {
    pub(super) file: Arc<str>,
    /// Empty where nothing may be shown.
    pub(super) text: String,
    /// How many lines are changed that may not be shown.
    pub(super) hidden: usize,
}

/// The edits of each file.
pub(super) fn patch(texts: &Texts, edited: &Edited) -> Vec<Patch> {
    let of = |(file, after): (&Arc<str>, &zeroize::Zeroizing<Vec<u8>>)| {
        let before = texts.bytes(file)?;
        (*before != **after).then(|| of_file(file, &before, after))
    };
    edited.iter().filter_map(of).collect()
}

/// A file's lines, with what ends them, and which of them may be shown.
struct Lines<'t> {
    lines: Vec<&'t str>,
    shown: Vec<bool>,
}

impl<'t> Lines<'t> {
    fn of(bytes: &'t [u8]) -> Self {
        let source = SourceText::of(bytes, Harmless::Registration);
        let lines: Vec<&str> = std::str::from_utf8(bytes).unwrap_or_default().split_inclusive('\n').collect();
        let is_shown = |(at, line): (usize, &&str)| {
            let shown = u32::try_from(at + 1).ok().and_then(|number| source.line(number));
            let plain = line.trim_end();
            shown.is_some_and(|shown| shown.text() == plain)
                && Visible(plain.replace('\t', " ")).to_string() == plain.replace('\t', " ")
        };
        let shown = lines.iter().enumerate().map(is_shown).collect();
        Self { lines, shown }
    }
}

fn of_file(file: &Arc<str>, before: &[u8], after: &[u8]) -> Patch {
    let (before, after) = (Lines::of(before), Lines::of(after));
    let is_alike = before.lines.len() == after.lines.len();
    // An edit stays within its line.
    let changed = before.lines.iter().zip(&after.lines).enumerate().filter(|(_, (before, after))| before != after);
    let changed: Vec<usize> = changed.map(|(at, _)| at).collect();
    let (visible, hidden): (Vec<usize>, Vec<usize>) =
        changed.into_iter().partition(|&at| is_alike && before.shown[at] && after.shown[at]);
    let hunks: String = hunks(&visible, &before.shown).into_iter().map(|lines| hunk(lines, &before, &after)).collect();
    let name = name(file);
    let text = if hunks.is_empty() { hunks } else { format!("--- a/{name}\n+++ b/{name}\n{hunks}") };
    Patch { file: Arc::clone(file), text, hidden: hidden.len() }
}

/// A file's path as programs take it that apply patches, which go nowhere but down.
fn name(file: &str) -> String {
    let goes_up = Path::new(file).components().any(|part| part == Component::ParentDir);
    let whole = goes_up.then(|| fs::canonicalize(file).ok()).flatten();
    let path = whole.as_deref().unwrap_or(Path::new(file));
    let parts = path.components().filter(|part| !matches!(part, Component::RootDir | Component::CurDir));
    parts.collect::<PathBuf>().display().to_string()
}

/// The lines that each hunk takes, from 0: as many before what is changed as behind it, since `patch` takes a hunk with more on
/// one side for one at the other end of the file.
fn hunks(changed: &[usize], shown: &[bool]) -> Vec<RangeInclusive<usize>> {
    let before = |at: usize| (1..=CONTEXT).take_while(|&by| at >= by && shown[at - by]).count();
    let behind = |at: usize| (1..=CONTEXT).take_while(|&by| shown.get(at + by) == Some(&true)).count();
    let mut runs: Vec<RangeInclusive<usize>> = Vec::new();
    for &at in changed {
        match runs.last_mut().filter(|last| *last.end() + behind(*last.end()) + 1 >= at - before(at)) {
            Some(last) => *last = *last.start()..=at,
            None => runs.push(at..=at),
        }
    }
    let around = |run: RangeInclusive<usize>| {
        let (first, last) = run.into_inner();
        let both = before(first).min(behind(last));
        first - both..=last + both
    };
    runs.into_iter().map(around).collect()
}

fn hunk(lines: RangeInclusive<usize>, before: &Lines<'_>, after: &Lines<'_>) -> String {
    let (first, count) = (lines.start() + 1, lines.end() - lines.start() + 1);
    let mut hunk = format!("@@ -{first},{count} +{first},{count} @@\n");
    let mut push = |mark: char, line: &str| {
        hunk.push(mark);
        hunk.push_str(line);
        if !line.ends_with('\n') {
            hunk.push_str("\n\\ No newline at end of file\n");
        }
    };
    // Of changed lines that follow each other the old ones come first.
    let mut at = *lines.start();
    while at <= *lines.end() {
        let changed = (at..=*lines.end()).take_while(|&line| before.lines[line] != after.lines[line]).count();
        (at..at + changed).for_each(|line| push('-', before.lines[line]));
        (at..at + changed).for_each(|line| push('+', after.lines[line]));
        at += changed;
        if changed == 0 {
            push(' ', before.lines[at]);
            at += 1;
        }
    }
    hunk
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEFORE: &str = "id: irc\nurl: null\nas_token: an-as-token-0123456789\nnamespaces:\n  users:\n  - regex: '@irc_.*'\n    \
                          exclusive: true\nhs_token: an-hs-token-0123456789\nsender_localpart: irc";

    #[test]
    fn no_token_is_context() {
        let after = BEFORE.replace("@irc_.*", "@irc_.*:a$");
        let patch = of_file(&"/etc/irc.yaml".into(), BEFORE.as_bytes(), after.as_bytes());
        let expected = "--- a/etc/irc.yaml\n+++ b/etc/irc.yaml\n@@ -5,3 +5,3 @@\n   users:\n-  - regex: '@irc_.*'\n\
                        +  - regex: '@irc_.*:a$'\n     exclusive: true\n";
        assert_eq!((patch.text.as_str(), patch.hidden), (expected, 0));
    }

    #[test]
    fn what_stands_beside_a_token_is_not_shown() {
        let before =
            "{\"as_token\": \"an-as-token-0123456789\", \"namespaces\": {\"users\": [{\"regex\": \"@irc_.*\"}]}}\n";
        let patch = of_file(&"irc.yaml".into(), before.as_bytes(), before.replace("@irc_.*", "@irc_").as_bytes());
        assert_eq!((patch.text.as_str(), patch.hidden), ("", 1));
    }

    #[test]
    fn the_last_line_may_have_no_end() {
        let after = BEFORE.replace("localpart: irc", "localpart: ircs");
        let patch = of_file(&"irc.yaml".into(), BEFORE.as_bytes(), after.as_bytes());
        let end = "@@ -9,1 +9,1 @@\n-sender_localpart: irc\n\\ No newline at end of file\n+sender_localpart: ircs\n\
                   \\ No newline at end of file\n";
        assert!(patch.text.ends_with(end), "{}", patch.text);
    }
}
