use std::fmt;
use std::ops::{Deref, Range};
use std::sync::Arc;

/// What an item is called: a text, or part of one that holds the names of others, too.
///
/// Those of a million items are there as long as it takes to look at them. Had each a piece of memory of its own, that would be
/// 48 MB in an arena of the thread that lists them, which has ended when they are freed: nobody would give it back.
#[derive(Clone)]
pub struct Name {
    text: Arc<str>,
    start: u32,
    length: u32,
}

impl Name {
    /// Part of a text.
    ///
    /// # Panics
    ///
    /// If it is no part of it, or the text has 4 GiB: the names of a hundred million items.
    #[must_use]
    pub fn part(text: &Arc<str>, part: Range<usize>) -> Self {
        Self::new(Arc::clone(text), &part)
    }

    fn new(text: Arc<str>, part: &Range<usize>) -> Self {
        assert!(text.get(part.clone()).is_some(), "{part:?} of a text of {} bytes", text.len());
        let [start, length] =
            [part.start, part.len()].map(|number| u32::try_from(number).expect("a text of less than 4 GiB"));
        Self { text, start, length }
    }

    /// The same as a text of its own.
    #[must_use]
    pub fn alone(&self) -> Arc<str> {
        if self.len() == self.text.len() { Arc::clone(&self.text) } else { (**self).into() }
    }
}

impl Deref for Name {
    type Target = str;

    fn deref(&self) -> &str {
        &self.text[self.start as usize..][..self.length as usize]
    }
}

impl From<Arc<str>> for Name {
    fn from(text: Arc<str>) -> Self {
        let all = 0..text.len();
        Self::new(text, &all)
    }
}

impl From<&str> for Name {
    fn from(text: &str) -> Self {
        Arc::<str>::from(text).into()
    }
}

impl PartialEq for Name {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for Name {}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_a_text_is_the_name_that_it_says() {
        let text: Arc<str> = "store:astore:é".into();
        let [a, e] = [0..7, 7..15].map(|part| Name::part(&text, part));
        assert_eq!((&*a, &*e), ("store:a", "store:é"));
        assert_eq!((a.clone(), &*e.alone()), (Name::from("store:a"), "store:é"));
        assert!(a != e && !Arc::ptr_eq(&a.alone(), &text));
        assert!(Arc::ptr_eq(&Name::from(Arc::clone(&text)).alone(), &text));
    }

    #[test]
    #[should_panic(expected = "14..15 of a text of 15 bytes")]
    fn what_is_no_part_is_no_name() {
        let _ = Name::part(&"store:astore:é".into(), 14..15);
    }
}
