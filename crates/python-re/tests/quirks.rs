//! What CPython 3.11's `re` does where a textbook would not: each case was tried with the interpreter.

use python_re::{Outcome, Pattern, Scratch};

/// A pattern, a text, whether `re.match` matches, and what that shows.
const QUIRKS: &[(&str, &str, bool, &str)] = &[
    // What backtracking restores: src/engine/backtrack/mod.rs.
    (r"b*?((?(1)a|b))a", "bba", true, "going back makes a group count as not captured"),
    (r"((b(?(1)a|b){2}|a)*?|)$", "bbb", true, "setting a mark clears those below it"),
    (r"((b)+?(?(1)a|b))$", "bbba", true, "outside of a loop, marks are left over"),
    (r"(a)(a*?((?(2)a|b)+?))b", "abaab", true, "and so they are behind one"),
    (r"(a|((?(2)a|b)|a{2})+)*$", "babab", true, "a group that begins behind its end is none"),
    (r"((?!(?(1)a|b)+?bb))??a", "bbaa", false, "a negated assertion leaves no trace"),
    (r"((?(1)a|b)|)++bb", "abbab", true, "a possessive loop goes on behind an empty round that it had to make"),
    (r"a+a((?(1)a|b)?|a)++a", "aaabb", false, "and so it does here"),
    (r"(a*)*b", "aac", false, "a loop ends with a round that takes nothing"),
    (r"\B", "", false, "in an empty text there is no boundary and no other place"),
    // What a set loses without regard to case: src/parse/charset.rs.
    ("(?i)[𐐀]", "𐐀", true, "a set of one character is a character"),
    ("(?i)[𐐀x]", "𐐀", false, "a capital beyond the first plane is lost in a set"),
    ("(?i)[𐐀x]", "𐐨", false, "and so is its small letter"),
    ("(?i)[𐐨x]", "𐐀", true, "a small letter stands for both"),
    ("(?i)[𐐀-𐐁]", "𐐀", true, "a range loses nothing"),
    ("(?i)[𐐀-𐐁]", "𐐨", true, "in either case"),
    ("(?i)[^𐐀x]", "𐐀", true, "what is lost is not left out"),
    // What becomes of alternatives: src/parse/piece.rs.
    ("(?i)𐐀|x", "𐐀", false, "alternatives of one character are a set"),
    ("(?i)(?:𐐀)|x", "𐐀", false, "a plain group is no group"),
    ("(?i)(𐐀)|x", "𐐀", true, "a capturing group is one"),
    ("(?i)a𐐀|ax", "a𐐀", false, "a common beginning is taken out first"),
    ("(?i)a𐐀|axx", "a𐐀", true, "two characters are no set"),
];

/// A pattern, and what `re.compile` says of it.
const REFUSALS: &[(&str, &str)] = &[
    // Of several mistakes the first that the parser comes upon is named: src/parse/mod.rs.
    ("*\\", "bad escape (end of pattern) at position 1"),
    ("(?<=a*)(", "missing ), unterminated subpattern at position 7"),
    ("(?<=a*)", "look-behind requires fixed-width pattern"),
    // Names come as `repr` writes them.
    ("(?('R')x)", r#"bad character in group name "'R'" at position 3"#),
    (r"(?(\d)x)", r"bad character in group name '\\d' at position 3"),
    ("(?P<\u{1c89}>b)", r"bad character in group name '\u1c89' at position 4"),
    (r"\N{A\08B}", r"undefined character name 'A\\08B' at position 0"),
    // What `str.isalpha` calls no letter is no flag, either.
    ("(?i\u{365}:a)", "missing -, : or ) at position 3"),
    ("(?-i\u{365}:a)", "missing : at position 4"),
    // Numbers are read by `int`, and written again.
    ("(?(\u{2000}0_7)x)", "invalid group reference 7 at position 3"),
    ("(?(\u{1c}7)x)", r"bad character in group name '\x1c7' at position 3"),
    ("a{99999999999}", "the repetition number is too large"),
    (r"\U90000000", "Python int too large to convert to C int"),
    ("a\n(b\n*+*", "multiple repeat at position 7 (line 3, column 3)"),
];

#[test]
fn quirks_are_pythons() {
    let mut scratch = Scratch::new();
    for &(source, text, matches, what) in QUIRKS {
        let pattern = Pattern::parse(source).expect("a pattern");
        let expected = if matches { Outcome::Match } else { Outcome::NoMatch };
        assert_eq!(pattern.backtracker().run(&mut scratch, text), expected, "{source} on {text:?}: {what}");
        assert_eq!(pattern.matcher().run(&mut scratch, text), expected, "{source} on {text:?}: {what}");
    }
}

#[test]
fn refusals_are_in_pythons_words() {
    for &(source, message) in REFUSALS {
        assert_eq!(Pattern::parse(source).expect_err(source).to_string(), message, "{source:?}");
    }
}

/// What CPython is done with in less than ten milliseconds is answered, and so is much that it would not live to see.
#[test]
fn what_a_homeserver_can_wait_for_is_answered() {
    let no_match = [
        (r"@(?:(\w)(?:\s*\w?\s*)+\1)", format!("@a{}!", " bc d".repeat(40))),
        (r"@(a+)+(?<!x)\1$", format!("@{}!", "a".repeat(60))),
        (r"@(a|a)*(b)\2(?=x)", format!("@{}!", "a".repeat(253))),
        (r"@(?:(.*)*)x\1", format!("@{}!", "a".repeat(60))),
        (r"@(.)(?:[a-z_]+\.?)*\1:", format!("@x{}!", "ab".repeat(120))),
        (r"@(.+)(.+)(.+)\1\2\3$", format!("@{}!", "ab".repeat(60))),
        (r"@(\d+).*[a-z]*.*\1$", format!("@1{}!", "ab".repeat(40))),
        (r"@.*\bfoo\b.*\bbar\b.*:example\.com", format!("@{}:example.org", "foo bar ".repeat(29))),
        (r"@[\s\S]*?(?:\b(?:\b|\B){999}\B)", "@abc def".to_owned()),
    ];
    let mut scratch = Scratch::new();
    for (source, text) in no_match {
        let pattern = Pattern::parse(source).expect("a pattern");
        assert_eq!(pattern.matcher().run(&mut scratch, &text), Outcome::NoMatch, "{source} on {text:?}");
    }
}

/// Where memory is of no help, the limit is.
#[test]
fn what_explodes_ends() {
    let mut scratch = Scratch::new();
    let pattern = Pattern::parse(r"@(.+)(.+)(.+)(.+)\1\2\3\4$").expect("a pattern");
    assert_eq!(pattern.matcher().run(&mut scratch, &format!("@{}!", "ab".repeat(126))), Outcome::StepLimit);
    // What all attempts have in common is used up by one of them; those that need few steps get them all the same.
    scratch.limit_steps(Some(10_000));
    assert_eq!(pattern.matcher().run(&mut scratch, &format!("@{}!", "ab".repeat(126))), Outcome::StepLimit);
    assert_eq!(scratch.steps_left(), Some(0));
    // What is bounded by itself hardly depends on it.
    let alternatives: Vec<String> = (0..2_000).map(|number| format!(r"n{number}\d+x")).collect();
    let large = Pattern::parse(&format!(r"@(?:{})\b", alternatives.join("|"))).expect("a pattern");
    assert_eq!(large.matcher().run(&mut scratch, "@n7777x"), Outcome::Match);
    assert_eq!(large.matcher().run(&mut scratch, "@n9x"), Outcome::NoMatch);
    let short = Pattern::parse(r"@(a|b)_\1").expect("a pattern");
    assert_eq!(short.matcher().run(&mut scratch, "@a_a"), Outcome::Match);
}
