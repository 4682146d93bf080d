//! The index says of any ID what the pattern alone says.
#![no_main]

use python_re::{Outcome, Pattern};
use libfuzzer_sys::fuzz_target;

use bailiwick::index::{Index, Scratch};
use bailiwick::matrix::MatrixId;
use bailiwick::registration::{self, TokenHasher};

fuzz_target!(|input: (&str, &str)| {
    let (source, text) = input;
    if source.len() > 300 {
        return;
    }
    let Ok(pattern) = Pattern::parse(source) else { return };
    let id = format!("@{text}");
    let Ok(asked) = MatrixId::parse(&id) else { return };
    let alone = pattern.matcher().run(&mut python_re::Scratch::new(), &id);
    let file = serde_json::json!({
        "id": "a", "as_token": "t", "hs_token": "h", "sender_localpart": "s", "url": null,
        "namespaces": {"users": [{"regex": source, "exclusive": true}]},
    });
    let Ok(loaded) = registration::load(&"a.yaml".into(), file.to_string().as_bytes(), &TokenHasher::new()) else {
        // Lone surrogates and the like do not survive the way through a file.
        return;
    };
    let homeserver = "example.com".parse().expect("a server name");
    let index = Index::build(&homeserver, &vec![loaded].into());
    let mut scratch = Scratch::new();
    let hits = index.lookup(asked, &mut scratch);
    let sender = id == "@s:example.com";
    assert!(alone == Outcome::StepLimit || sender || (alone == Outcome::Match) == !hits.is_empty(), "{source:?} {id:?}");
});
