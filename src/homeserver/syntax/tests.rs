//! Rust's syntax against `regex` itself: every construct, and what is made of several at random.

use proptest::prelude::*;
use regex::RegexSetBuilder;

use super::*;
use python_re::{Outcome, Scratch};

/// Rust's regexes, looked for as most homeservers do.
fn rust(fold: bool) -> Syntax {
    Syntax { engine: Engine::Rust(RustRelease::V1_13), anchor: Anchor::Anywhere, fold: PerKind::all(fold) }
}

/// What the homeservers make of one entry.
fn theirs(regex: &str, fold: bool) -> Result<regex::RegexSet, String> {
    RegexSetBuilder::new([regex]).case_insensitive(fold).build().map_err(|error| error.to_string())
}

fn ours(regex: &str, fold: bool) -> Result<Pattern, String> {
    let pattern = rust(fold).pattern(Kind::User, regex);
    pattern
        .and_then(|pattern| rust(fold).check_together(Kind::User, &[regex]).map(|()| pattern))
        .map_err(|e| e.to_string())
}

fn agree(regex: &str, fold: bool, texts: &[String]) {
    let (theirs, ours) = match (theirs(regex, fold), ours(regex, fold)) {
        (Ok(theirs), Ok(ours)) => (theirs, ours),
        (theirs, ours) => return assert_eq!(ours.err(), theirs.err(), "{regex}"),
    };
    let (matcher, backtracker) = (ours.matcher(), ours.backtracker());
    for text in texts {
        let expected = if theirs.is_match(text) { Outcome::Match } else { Outcome::NoMatch };
        assert_eq!(matcher.run(&mut Scratch::new(), text), expected, "{regex:?} on {text:?}, fold: {fold}");
        assert_eq!(backtracker.run(&mut Scratch::new(), text), expected, "{regex:?} on {text:?}, fold: {fold}");
    }
}

/// What regexes are made of here: what homeservers differ in, and what namespaces are made of.
const PIECES: [&str; 64] = [
    "@",
    "irc_",
    ".*",
    ".+",
    "a",
    "b",
    "k",
    "s",
    "S",
    "ß",
    "é",
    "K",
    "_",
    "[a-z]",
    "[^a]",
    "[a&&b]",
    "[a-z--b]",
    "[[a]b]",
    "[+--]",
    r"[\w-]",
    r"\w",
    r"\d",
    r"\s",
    r"\b",
    r"\B",
    r"\<",
    r"\b{end}",
    r"\b{start-half}",
    r"\pL",
    r"\p{Greek}",
    r"\P{L}",
    "[[:alpha:]]",
    "[[:^alpha:]]",
    "^",
    "$",
    r"\z",
    r"\A",
    "(?i)",
    "(?-i)",
    "(?i:k)",
    "(?m)",
    "(?s)",
    "(?R)",
    "(?U)",
    "(?x)",
    "(?-u:a)",
    r"(?-u:\b)",
    "(a|b)",
    "(?:ab|a)",
    "(?P<n>a)",
    "(?<m>b)",
    "|",
    "*",
    "+",
    "?",
    "{2}",
    "{0,3}",
    "{,2}",
    r"\n",
    r"\r",
    r"\x41",
    ":example\\.com",
    "example.com",
    r"[[:foo:]]",
];
const TEXTS: [&str; 14] = [
    "@irc_a:example.com",
    "@a:example.com",
    "@KSß:example.com",
    "@\u{212A}\u{17F}é:example.com",
    "ab",
    "",
    "a\n",
    "a\r\nb",
    "@_a-b c:exampleXcom",
    "αβ γ",
    "@a@irc_b",
    "123",
    "x\u{1CCC}y",
    "İıẞ",
];

#[test]
fn each_construct_means_what_it_means_to_regex() {
    let texts = TEXTS.map(str::to_owned);
    for regex in PIECES.iter().copied().chain([
        r"\Qa.b\E",
        r"\Z",
        "a(?i)b",
        "(?i)İ",
        "(?i)ı",
        "(?<n>a)(?<n>b)",
        r"(a)\1",
        "(?=a)",
        "(?>a)",
        "a**",
        "a{2}{3}",
        "^*a",
        "{",
        "f_{[0-9]+}",
        "a{2 }",
        r"\é",
        r"\0",
        r"\u0041",
        r"\u{41}",
        r"[\b]",
        "[a[b]",
        "(?-u:é)",
        r"(?-u:\xFF)",
        "(?-u:.)",
        r"\p{Script=Greek}",
        r"\p{^N}",
        "a(",
        "a)",
        "[z-a]",
        "@foodtoshare_{[0-9]+}",
        "(?mR)^b$",
        "(?m)^b$",
        "(?R)a$",
    ]) {
        for fold in [false, true] {
            agree(regex, fold, &texts);
        }
    }
}

#[test]
fn limits_are_those_of_regex() {
    let nested = |depth| format!("{}a{}", "(".repeat(depth), ")".repeat(depth));
    for regex in [
        r"@\w{1,64}",
        r"@\w{1,255}:x",
        ".{1,255}",
        "(?:a{1000}){1000}",
        "a{1001}",
        &nested(249),
        &nested(250),
        &nested(300),
    ] {
        agree(regex, false, &["@a:x".to_owned()]);
    }
    // What fits alone need not fit together.
    let alone = r"@\w{1,64}:x";
    assert!(rust(false).check_together(Kind::User, &[alone]).is_ok());
    let many = [alone; 8];
    let theirs = RegexSetBuilder::new(many).build().map(drop).map_err(|error| error.to_string());
    let ours = rust(false).check_together(Kind::User, &many).map_err(|error| error.to_string());
    assert_eq!(ours, theirs);
    assert!(ours.is_err(), "the limit is for all together");
}

#[test]
fn gos_expressions_are_looked_for_as_go_does() {
    let go = Syntax { engine: Engine::GoRe2, anchor: Anchor::Anywhere, fold: PerKind::all(false) };
    for (regex, text, matches) in [
        (r"irc_\d{[0-9]}", r"@irc_\5{3}:x", false),
        (r"irc_{x}\b:", "@irc_{x}a:x", false),
        (r"irc_{x}\B:", "@irc_{x}:x", true),
        (r"^@irc_(?i:k)", "@irc_\u{212A}:x", true),
        (r"^@irc_", "@a@irc_:x", false),
        (r"@irc_", "@a@irc_:x", true),
    ] {
        let pattern = go.pattern(Kind::User, regex).expect("an expression");
        let outcome = pattern.matcher().run(&mut Scratch::new(), text);
        assert_eq!(outcome == Outcome::Match, matches, "{regex} on {text}");
    }
    let error = go.check(Kind::User, "@irc_**").expect_err("no expression");
    assert_eq!(error.to_string(), "error parsing regexp: invalid nested repetition operator: `**`");
}

/// About as deep as each syntax allows (a thousand levels, two hundred and fifty), in a debug build, on the two mebibytes that a
/// thread has.
#[test]
fn the_deepest_regexes_fit_the_stack_of_a_thread() {
    for (engine, depth) in [(Engine::GoRe2, 426), (Engine::Rust(RustRelease::V1_13), 106)] {
        let regex = format!("{}a{}", "(".repeat(depth), "|b)*".repeat(depth / 3) + &"x)".repeat(depth - depth / 3));
        let syntax = Syntax { engine, anchor: Anchor::Anywhere, fold: PerKind::all(false) };
        let run = move || match syntax.pattern(Kind::User, &regex) {
            Ok(pattern) => {
                let paths = pattern.paths().len();
                (pattern.matcher().run(&mut Scratch::new(), "@axx") == Outcome::Match, paths > 0)
            }
            Err(error) => panic!("{}", error.to_string().chars().take(80).collect::<String>()),
        };
        let thread = std::thread::Builder::new().stack_size(2 << 20).spawn(run).expect("a thread");
        thread.join().expect("no overflow");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_made_of_them_means_the_same(
        pieces in prop::collection::vec(0..PIECES.len(), 1..9),
        texts in prop::collection::vec("[@_a-cksKS:\n\r \u{212A}éß]{0,8}", 1..6),
        fold in any::<bool>(),
    ) {
        let regex: String = pieces.into_iter().map(|piece| PIECES[piece]).collect();
        agree(&regex, fold, &texts);
    }
}

#[test]
fn an_id_can_be_written_as_a_regex_that_matches_nothing_else() {
    let go = Syntax { engine: Engine::GoRe2, anchor: Anchor::Anywhere, fold: PerKind::all(false) };
    for syntax in [Syntax::PYTHON, go, rust(false), rust(true)] {
        for id in ["@bot:example.com", "@a.b_c-d/e+f=g\u{e9}:example.com", "@<x>{1} #&~\\\t\u{1}|(?:[y]$^*:example.com"]
        {
            let regex = syntax.exactly(id);
            let pattern = syntax.pattern(Kind::User, &regex).expect("every homeserver takes it");
            let matches = |text: &str| pattern.matcher().run(&mut Scratch::new(), text) == Outcome::Match;
            assert!(matches(id), "{syntax:?} {regex}");
            let others = [format!("{id}x"), format!("{id}\n"), format!("@q{id}"), id.replacen(['.', 'b', '<'], "Z", 1)];
            for other in others {
                assert!(!matches(&other), "{syntax:?} {regex} on {other:?}");
            }
        }
    }
}
