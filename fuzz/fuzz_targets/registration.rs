//! Any bytes load or are refused with a reason, and what loads can be analysed.
#![no_main]

use std::sync::LazyLock;
use std::time::Duration;

use bailiwick::analysis::{Analysis, Comparer, Deadline, Set};
use bailiwick::registration::{self, TokenHasher};
use bailiwick::ruling::Services;
use libfuzzer_sys::fuzz_target;

static COMPARER: LazyLock<Comparer> = LazyLock::new(|| Comparer::new().expect("threads"));

fuzz_target!(|bytes: &[u8]| {
    let hasher = TokenHasher::new();
    match registration::load(&"a.yaml".into(), bytes, &hasher) {
        Err(faults) => assert!(!faults.is_empty()),
        Ok(loaded) => {
            let services = Services::new("example.com".parse().expect("a server name"), vec![loaded].into());
            let deadline = Deadline::after(Duration::from_millis(200));
            drop(COMPARER.analyse(&Set::new(&services), &Analysis::default(), &deadline));
        }
    }
});
