use proptest::prelude::*;

use super::*;

const AS: &str = "wfghWEGh3wgWHEf3478sHFWE";
const HS: &str = "ugw8243igya57aaABGFfgeyu";

fn registration() -> String {
    format!(
        "# my {AS}\nid: irc\nurl: 'http://localhost:9999' # {HS}\nas_token: {AS}\nhs_token: \"{HS}\"\n\
         sender_localpart: irc_bot\nnamespaces:\n  users:\n    - exclusive: true\n      regex: '@irc_.*:example\\.com'\n\
         extra: {{secret: {AS}, id: x}}\n"
    )
}

fn shown(text: &str) -> Vec<String> {
    let text = SourceText::of(text.as_bytes(), Harmless::Registration);
    text.lines.into_iter().map(|line| line.text).collect()
}

#[test]
fn what_is_harmless_is_shown_as_it_stands() {
    assert_eq!(
        shown(&registration()),
        [
            "●●●●",
            "id: irc",
            "url: 'http://localhost:9999' ●●●●",
            "as_token: ●●●●",
            "hs_token: ●●●●",
            "sender_localpart: irc_bot",
            "namespaces:",
            "  users:",
            "    - exclusive: true",
            "      regex: '@irc_.*:example\\.com'",
            "extra: {secret: ●●●●, id: x}",
            ""
        ]
    );
    // On one line, and without a document.
    let json =
        format!("{{\"id\": \"irc\", \"as_token\": \"{AS}\", \"namespaces\": {{\"users\": [{{\"regex\": \"@a\"}}]}}}}");
    let expected = "{\"id\": \"irc\", \"as_token\": ●●●●, \"namespaces\": {\"users\": [{\"regex\": \"@a\"}]}}";
    assert_eq!(shown(&json), [expected]);
    let broken =
        format!("id: irc\nas_token: {AS}\nnamespaces:\n  users:\n    - regex: \"@irc\\.x\"\n      exclusive: true\n");
    let expected = [
        "id: irc",
        "as_token: ●●●●",
        "namespaces:",
        "  users:",
        "    - regex: \"@irc\\.x\"",
        "      exclusive: true",
        "",
    ];
    assert_eq!(shown(&broken), expected);
}

#[test]
fn what_may_be_a_token_is_not_shown() {
    for text in [
        format!("sender_localpart: irc_bot as_token {AS}"),
        format!("id: irc as_token: {AS}"),
        format!("id: {AS}\nas_token: {AS}"),
        format!("as_token: &a {AS}\nid: *a"),
        format!("id: &a {AS}\nas_token: *a"),
        format!("url: http://me:{AS}@host/"),
        format!("url: http://host/?access={AS}"),
        format!("as_token: |\n  {AS}\nid: irc\n"),
        format!("as_token:\n  - \"{AS}\nid: irc\n"),
        format!("as_token: a\nas_token: {AS}"),
        format!("as_tokn: {AS}"),
        format!("{AS}: {AS}\n? [{AS}]\n: 1"),
        format!("as_token: *{AS} x"),
        format!("as_token: !{AS} x"),
        AS.to_owned(),
        format!("as_token: x\n{AS}"),
        format!("id = \"irc\"\nas_token = \"{AS}\"\n["),
        format!("regex: [\n# {AS}\n"),
        format!("credentials: {{id: {AS}}}"),
    ] {
        let shown = shown(&text).join("\n");
        assert!(!shown.contains(&AS[..8]) && !shown.contains(&AS[16..]), "{text}\n{shown}");
    }
}

#[test]
fn columns_are_found_again_behind_what_is_blotted_out() {
    let text = SourceText::of(format!("{{as_token: {AS}, id: irc}}").as_bytes(), Harmless::Registration);
    let line = text.line(1).expect("a line");
    assert_eq!(line.text(), "{as_token: ●●●●, id: irc}");
    let column =
        |of: &str| line.text().chars().collect::<String>().find(of).map(|at| line.text()[..at].chars().count());
    assert_eq!(Some(line.shown_column(11)), column("●"));
    assert_eq!(Some(line.shown_column(15)), column("●"));
    assert_eq!(Some(line.shown_column(11 + AS.len())), column(", id"));
    let id = Place { line: 1, column: u32::try_from(11 + AS.len() + 7).expect("small") };
    assert_eq!(text.end_of(id), Some(Place { column: id.column + 3, ..id }));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]
    /// Whatever has happened to a file, no token of it is shown: characters lost, added, lines joined, keys misspelt.
    #[test]
    fn no_accident_shows_a_token(edits in prop::collection::vec((any::<prop::sample::Index>(), 0..18usize), 1..6)) {
        let mut text: Vec<char> = registration().chars().collect();
        for (at, with) in edits {
            let at = at.index(text.len());
            match "\n:-#[]{}\"'&*!, |=".chars().nth(with) {
                // A token that is cut in two, or has lost a character, is none any more, but may well be told.
                Some(c) => text.insert(at, c),
                None => { text.remove(at); }
            }
        }
        let text: String = text.into_iter().collect();
        let shown = shown(&text).join("\n");
        for token in [AS, HS] {
            for at in 0..token.len() - 12 {
                prop_assert!(!shown.contains(&token[at..at + 12]), "{text}\n---\n{shown}");
            }
        }
    }
}
