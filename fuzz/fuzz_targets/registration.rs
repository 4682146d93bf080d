//! Any bytes load or are refused with a reason, and what loads can be analysed.
#![no_main]

use std::sync::Arc;
use std::time::{Duration, Instant};

use bailiwick::analysis::Analysis;
use bailiwick::registration::{self, TokenHasher};
use bailiwick::ruling::Services;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let hasher = TokenHasher::new();
    match registration::load(&"a.yaml".into(), bytes, &hasher) {
        Err(faults) => assert!(!faults.is_empty()),
        Ok(loaded) => {
            let services = Services::new("example.com".parse().expect("a server name"), vec![Arc::new(loaded)]);
            let deadline = Instant::now() + Duration::from_millis(200);
            drop(Analysis::new(&services, &Analysis::default(), Some(deadline)));
        }
    }
});
