use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use zeroize::Zeroizing;

use crate::registration::{Harmless, Place, SourceText};

/// What the files said that were loaded, for showing and editing their lines.
#[derive(Clone, Default)]
pub(in crate::cli) struct Texts(Arc<Mutex<HashMap<Arc<str>, Text>>>);

/// Most files have nothing to show: their lines are made when they are asked for.
struct Text {
    bytes: Zeroizing<Vec<u8>>,
    harmless: Harmless,
    lines: Option<Arc<SourceText>>,
}

impl Texts {
    /// Keeps what a file says.
    pub(in crate::cli) fn keep(&self, file: &Arc<str>, bytes: &[u8], harmless: Harmless) {
        let text = Text { bytes: Zeroizing::new(bytes.to_vec()), harmless, lines: None };
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(Arc::clone(file), text);
    }

    /// What a registration's file says, to be edited; `None` if it was not kept.
    pub(in crate::cli) fn bytes(&self, file: &str) -> Option<Zeroizing<Vec<u8>>> {
        let texts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        texts.get(file).map(|text| text.bytes.clone())
    }

    /// The lines of a file; none if it was not kept.
    pub(super) fn of(&self, file: &str) -> Arc<SourceText> {
        let mut texts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(Text { bytes, harmless, lines }) = texts.get_mut(file) else { return Arc::default() };
        Arc::clone(lines.get_or_insert_with(|| Arc::new(SourceText::of(bytes, *harmless))))
    }

    /// Where the value of a key at the top of a file begins, where that is known.
    pub(in crate::cli) fn value_of(&self, file: &str, key: &str) -> Option<Place> {
        self.of(file).value_of(key)
    }

    /// Behind the last character of what begins at a place, where that is known.
    pub(super) fn end_of(&self, file: &str, place: Place) -> Option<Place> {
        self.of(file).end_of(place).filter(|&end| end > place)
    }
}
