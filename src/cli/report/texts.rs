use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use zeroize::Zeroizing;

use crate::registration::{Harmless, Place, SourceText};

/// What the files said that were loaded, for showing their lines.
#[derive(Clone, Default)]
pub(in crate::cli) struct Texts(Arc<Mutex<HashMap<Arc<str>, Text>>>);

/// Most files have nothing to show: their lines are made when they are asked for.
enum Text {
    Bytes(Zeroizing<Vec<u8>>, Harmless),
    Lines(Arc<SourceText>),
}

impl Texts {
    /// Keeps what a file says.
    pub(in crate::cli) fn keep(&self, file: &Arc<str>, bytes: &[u8], harmless: Harmless) {
        let text = Text::Bytes(Zeroizing::new(bytes.to_vec()), harmless);
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(Arc::clone(file), text);
    }

    /// The lines of a file; none if it was not kept.
    pub(super) fn of(&self, file: &str) -> Arc<SourceText> {
        let mut texts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(text) = texts.get_mut(file) else { return Arc::default() };
        if let Text::Bytes(bytes, harmless) = text {
            *text = Text::Lines(Arc::new(SourceText::of(bytes, *harmless)));
        }
        match text {
            Text::Lines(lines) => Arc::clone(lines),
            Text::Bytes(..) => Arc::default(),
        }
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
