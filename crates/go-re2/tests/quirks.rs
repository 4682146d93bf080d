//! Cases that taught us something, each with its name; what is expected is what Go 1.25.5 says (`oracle/run.sh`).

use go_re2::parse;
use regex_automata::meta::Regex;

fn matches(expression: &str, text: &str) -> bool {
    let hir = parse(expression).unwrap_or_else(|error| panic!("{expression}: {error}"));
    Regex::builder().build_from_hir(&hir).expect("an automaton").is_match(text)
}

#[test]
fn what_matches() {
    for (name, expression, text, expected) in [
        ("branches that begin alike but for case count as beginning alike", "(?i:k)[0-9]|K[a-z]", "ka", true),
        ("where they are written in different cases they do not", "(?i:k)[0-9]|k[a-z]", "Ka", false),
        ("cased letters have no others but for case", r"(?i)\p{LC}", "\u{345}", false),
        ("letters have", r"(?i)\p{L}", "\u{345}", true),
        ("ASCII has, too", r"(?i)\p{ASCII}", "\u{212A}", true),
        ("a surrogate is in no text", r"\x{D800}", "\u{FFFD}", false),
        ("a character of Unicode 16 is nobody's other case", "(?i)\u{A7DC}", "\u{19B}", false),
        ("words are of ASCII", r"\bé", "é", false),
        ("and so is what stands beside them", r"\bé", "aé", true),
        ("the end is the end", "b$", "b\n", false),
        ("or the end of a line", "(?m)^b$", "a\nb\nc", true),
        ("a carriage return ends none", "(?m)^b$", "a\r\nb\r\nc", false),
        ("braces without numbers are characters", "f_{x}", "f_{x}", true),
        ("a hyphen before a bracket is one", "[a-]", "-", true),
        ("ampersands are characters", "^[a&&b]$", "&", true),
        ("quoting ends with the expression", r"\Q(", "(", true),
        ("what is repeated no times matches nothing", "^a{0}$", "", true),
    ] {
        assert_eq!(matches(expression, text), expected, "{name}: {expression} on {text:?}");
    }
}

#[test]
fn what_is_too_large_is_what_go_finds_so() {
    let nested = |open: &str, levels: usize| format!("{}a{}", open.repeat(levels), ")".repeat(levels));
    // Groups that capture nothing are no level.
    assert!(parse(&nested("(?:", 5_000)).is_ok());
    assert!(parse(&nested("(", 999)).is_ok() && parse(&nested("(", 1_000)).is_err());
    // Go reckons a size when repetitions times nodes are many. A repetition that is all of the expression counts twice, and
    // a literal is one node however long it is.
    let long = format!("(?:{}){{1000}}", "x".repeat(4_000));
    assert!(parse(&long).is_err() && parse(&format!("{long}y")).is_ok());
    let classes = "[ab]".repeat(4_000);
    assert!(parse(&format!("(?:{classes}){{1000}}")).is_err());
    assert!(parse(&format!("(?:{classes}){{100}}")).is_ok());
    // Thirty-one times thirty-two is less than a thousand, and thirty-two times as many is more.
    assert!(parse("(?:a{31}){32}").is_ok() && parse("(?:a{32}){32}").is_err());
}

/// A thread of a server has two mebibytes of stack.
#[test]
fn the_deepest_expression_fits_the_stack_of_a_thread() {
    let deep = format!("{}a{}", "(".repeat(999), "|b)*".repeat(332) + &")".repeat(667));
    let read = std::thread::Builder::new().stack_size(2 << 20).spawn(move || parse(&deep).map(drop));
    let verdict = read.expect("a thread").join().expect("no overflow");
    assert!(verdict.is_err_and(|error| error.kind == go_re2::ErrorKind::NestingDepth));
    let deep = nested_to_the_limit();
    let read = std::thread::Builder::new().stack_size(2 << 20).spawn(move || parse(&deep).map(drop));
    assert!(read.expect("a thread").join().expect("no overflow").is_ok());
}

fn nested_to_the_limit() -> String {
    format!("{}a{}", "(".repeat(999), ")".repeat(999))
}
