use std::sync::Arc;

use pyyaml::{Document, Release};

use super::sheet::Sheet;
use super::{Fault, Loaded, TokenHasher, advice};

/// Reads the bytes of one file, and collects everything that is wrong with it. `file` is how the file is shown in
/// answers.
///
/// A file loads if and only if Synapse 1.163 on CPython 3.11 would load it, up to the limits on size and depth that
/// keep a stranger's file from taking all memory.
pub fn load(file: &Arc<str>, bytes: &[u8], hasher: &TokenHasher) -> Loaded {
    let text = pyyaml::decode(bytes).map_err(|error| vec![advice::syntax(&error, "")])?;
    let document = Document::read(&text, Release::V6_0_3).map_err(|error| vec![advice::syntax(&error, &text)])?;
    let Some(document) = document else { return Err(vec![advice::empty_file()]) };
    match document.value(document.root()) {
        pyyaml::Value::Dict(pairs) => Sheet::new(&document, pairs).read(file, hasher),
        other => Err(vec![advice::not_a_mapping(other, document.place(document.root()))] as Vec<Fault>),
    }
}
