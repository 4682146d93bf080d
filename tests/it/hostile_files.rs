//! What a stranger's registration costs on each homeserver: as large as a check takes one, and made of what is dear there.

use std::sync::Arc;
use std::time::Instant;

use bailiwick::homeserver::{Dialect, Homeserver};
use bailiwick::matrix::Kind;
use bailiwick::registration::{self, Loaded, TokenHasher};

/// As much as `POST /v1/check` takes.
const SIZE: usize = 256 << 10;

const HEAD: &str = "id: one\nurl: null\nas_token: as-of-one\nhs_token: hs-of-one\nsender_localpart: one\n";

/// A file with as many repetitions as fit.
fn full(head: &str, repeated: &str, tail: &str) -> String {
    let room = SIZE - HEAD.len() - head.len() - tail.len();
    format!("{HEAD}{head}{}{tail}", repeated.repeat(room / repeated.len().max(1)))
}

/// One long text, and half of the file aliases of it.
fn aliases_of(long: &str, of: &str) -> String {
    let long = long.repeat((SIZE / 2) / long.len());
    full(&of.replace("LONG", &long), "*a,", "]\n")
}

pub(super) fn files() -> Vec<(&'static str, String)> {
    let users = "namespaces:\n  users:\n";
    let entry = "  - {exclusive: true, regex: '";
    vec![
        ("a long regex", full(&format!("{users}{entry}"), "@abc", "'}\n")),
        (
            "a regex again and again",
            full("x: &a {exclusive: true, regex: '@a'}\nnamespaces:\n  users: [", "*a,", "]\n"),
        ),
        ("an empty one", full("x: &a {exclusive: true, regex: ''}\nnamespaces:\n  users: [", "*a,", "]\n")),
        ("a long one", aliases_of("@abc", "x: &a {exclusive: true, regex: 'LONG'}\nnamespaces:\n  users: [")),
        ("a long text for entries", aliases_of("@abc", "x: &a 'LONG'\nnamespaces:\n  users: [")),
        ("a long key", aliases_of("key", "x: &a {exclusive: true, regex: '', ? LONG : 1}\nnamespaces:\n  users: [")),
        (
            "many protocols",
            full(
                "x: a\nnamespaces: {}\nprotocols: [",
                "",
                &(0..37_000).map(|at: u32| at.to_string()).collect::<Vec<_>>().join(","),
            ) + "]\n",
        ),
        ("long protocols", aliases_of("@abc", "x: &a 'LONG'\nnamespaces: {}\nprotocols: [")),
        ("many entries", full(users, &format!("{entry}@a'}}\n"), "")),
        ("many that are wrong", full(users, &format!("{entry}@(b'}}\n"), "")),
        ("wrong aliases", full("x: &a {exclusive: 1, regex: '@('}\nnamespaces:\n  users: [", "*a,", "]\n")),
        ("words", full(&format!("{users}{entry}"), r"\w", "'}\n")),
        ("many words", full(users, &format!("{entry}{}'}}\n", r"\w".repeat(500)), "")),
        ("letters", full(users, &format!(r"{entry}\pL\PL'}}{}", "\n"), "")),
        ("folded letters", full(users, &format!(r"{entry}(?i)\pL\PL'}}{}", "\n"), "")),
        ("negated", full(&format!("{users}{entry}"), "[^a]", "'}\n")),
        ("negated and folded", full(&format!("{users}{entry}(?i)"), "[^a]", "'}\n")),
        ("all but some", full(users, &format!("{entry}(?i){}'}}\n", "[^a]".repeat(500)), "")),
        ("classes in classes", full(users, &format!("{entry}{}'}}\n", "[^[^a]&&[^b]]".repeat(100)), "")),
        ("repeated", full(users, &format!("{entry}.{{1,1000}}'}}\n"), "")),
        ("nested", full(&format!("{users}{entry}"), "(", "'}\n")),
        ("alternatives", full(&format!("{users}{entry}"), "|", "'}\n")),
        // Nine bytes, 1.1 million code points to look up where capitals do not matter.
        ("wide ranges", full(&format!("{users}{entry}"), "[!-\u{10FFFF}]", "'}\n")),
        ("wide ranges, folded", full(&format!("{users}{entry}(?i)"), "[!-\u{10FFFF}]", "'}\n")),
        ("wide ranges of a class, folded", full(&format!("{users}{entry}(?i)["), "\u{101}-\u{1E943}", "]'}\n")),
        ("wide ranges by number", full(&format!("{users}{entry}(?i)"), r"[\x00-\x{10ffff}]", "'}\n")),
        ("wide ranges in entries", full(users, &format!("{entry}(?i){}'}}\n", "[!-\u{10FFFF}]".repeat(4)), "")),
        ("negated in classes", full(&format!("{users}{entry}(?i)@"), "[[^a]b]", "'}\n")),
        ("words in classes", full(&format!("{users}{entry}(?i)@"), r"[\W.]", "'}\n")),
        ("many members", {
            let members: String = ('\u{400}'..'\u{20000}').step_by(2).collect::<Vec<_>>().into_iter().rev().collect();
            format!("{HEAD}{users}{entry}[{members}]'}}\n")
        }),
        ("classes of a class", full(&format!("{users}{entry}["), "[k][m]", "]'}\n")),
        ("differences", full(&format!("{users}{entry}(?i)"), "[a-\u{10FFFF}--[^b]]", "'}\n")),
        ("symmetric differences", full(&format!("{users}{entry}(?i)"), "[a-\u{10FFFF}~~!-\u{FFFF}]", "'}\n")),
        ("case classes", full(&format!("{users}{entry}(?i)"), "[k-z]", "'}\n")),
    ]
}

fn load(dialect: Dialect, text: &str) -> Loaded {
    let homeserver = Homeserver::new("example.com".parse().expect("a name"), dialect);
    registration::load_for(&homeserver, &Arc::from("one.yaml"), text.as_bytes(), &TokenHasher::new())
}

#[test]
fn whatever_a_file_holds_what_is_said_of_it_is_short() {
    for (name, text) in files() {
        // One for each library; the others read with the same.
        for dialect in ["synapse", "dendrite", "tuwunel", "continuwuity", "palpo"] {
            let dialect: Dialect = dialect.parse().expect("a dialect");
            let began = Instant::now();
            let loaded = load(dialect, &text);
            let said = match &loaded {
                Ok(registration) => format!("{} entries", registration.entries(Kind::User).len()),
                Err(faults) => format!("{} faults: {:.150}", faults.len(), faults[0].message),
            };
            println!("{:>8.3} s  {name}, {dialect:?}: {said}", began.elapsed().as_secs_f64());
            let bytes = loaded.err().into_iter().flatten().map(|fault| fault.message.len()).sum::<usize>();
            // Synapse's regex stands there whole.
            assert!(bytes <= 2 * SIZE, "{name}, {dialect:?}: {bytes} bytes of faults");
        }
    }
}

/// A file that is read, and one of twice as many entries that is refused for what it would take.
#[test]
fn classes_that_fold_are_read_up_to_a_bound_that_the_file_is_told() {
    let file = |entries: u32, regex: &str| {
        let entry = format!("  - {{exclusive: true, regex: '{regex}'}}\n");
        format!("{HEAD}namespaces:\n  users:\n{}", entry.repeat(entries as usize))
    };
    for (regex, most) in [(r"@a[!-\x{10FFFF}]", 15), ("@a[[^a]b]", 15), (r"@a[\w.-]", 114), (r"@\pL", 110)] {
        let loaded = load("tuwunel".parse().expect("a dialect"), &file(most, regex));
        assert!(loaded.is_ok(), "{regex}: {loaded:?}");
        let faults = load("tuwunel".parse().expect("a dialect"), &file(2 * most, regex)).expect_err("too much");
        let [fault] = &*faults else { panic!("{faults:?}") };
        assert!(fault.line.is_some_and(|line| line > 7 + most), "{fault:?}");
        let said = ["in namespaces.users", "a limit of bailiwick", "write smaller classes"];
        assert!(said.iter().all(|said| fault.message.contains(said)) && fault.consequence.is_none(), "{fault:?}");
    }
    // Where capitals matter, a range is no more than its ends.
    assert!(load("continuwuity".parse().expect("a dialect"), &file(1_000, r"@a[!-\x{10FFFF}]b")).is_ok());
}
