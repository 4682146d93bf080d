use std::sync::Arc;

use super::{Fault, FaultCode, Loaded, TokenHasher};

/// Reads the bytes of one file. `file` is how the file is shown in answers.
///
/// (skeleton: to be replaced by the real loader)
pub fn load(file: &Arc<str>, bytes: &[u8], hasher: &TokenHasher) -> Loaded {
    let _ = (file, bytes, hasher);
    Err(vec![Fault::of_file(FaultCode::Syntax, "not built yet")])
}
