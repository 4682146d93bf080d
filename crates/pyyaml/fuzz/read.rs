//! Any bytes are read or refused, by both releases, with places that lie within the text; without a merge key the
//! releases do not differ.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pyyaml::{Document, NodeId, Place, Release, Value};

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = pyyaml::decode(bytes) else { return };
    let lines = text.split(['\n', '\u{85}', '\u{2028}', '\u{2029}']).count();
    let within = |place: Place| place.line >= 1 && place.column >= 1 && place.line as usize <= lines;
    let [older, newer] = Release::ALL.map(|release| Document::read(&text, release));
    for error in [&older, &newer].into_iter().filter_map(|read| read.as_ref().err()) {
        assert!(within(error.place) && error.since.is_none_or(within), "{error:?}");
    }
    match (&older, &newer) {
        (Ok(Some(older)), Ok(Some(newer))) => {
            assert_eq!(older.merges(), newer.merges());
            for document in [older, newer] {
                walk(document, document.root(), 8, &within);
            }
        }
        (Ok(None), Ok(None)) | (Err(_), Err(_)) => {}
        // Only what merging lets through or overrides may be refused by one alone.
        _ => assert!(text.contains("<<") || text.contains("merge"), "the releases differ"),
    }
});

fn walk(document: &Document<'_>, id: NodeId, depth: u32, within: &impl Fn(Place) -> bool) {
    let found = document.locate(id);
    assert!(within(found.place) && within(found.end) && found.place <= found.end, "{found:?}");
    if depth == 0 {
        return;
    }
    match found.value {
        Value::List(items) | Value::Pairs(items) => {
            items.iter().take(8).for_each(|&item| walk(document, item, depth - 1, within));
        }
        Value::Dict(pairs) | Value::Set(pairs) => {
            let entries = document.entries(pairs);
            assert!(entries.len() <= pairs.len());
            for (key, value) in entries.into_iter().take(8) {
                walk(document, key, depth - 1, within);
                walk(document, value, depth - 1, within);
            }
        }
        _ => {}
    }
}
