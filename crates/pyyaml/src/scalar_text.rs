use std::borrow::Cow;
use std::ops::Range;

use crate::Text;

/// Puts a scalar together; as long as it is one stretch of the source it is borrowed.
#[derive(Debug)]
pub(super) struct ScalarText<'a> {
    source: &'a str,
    stretch: Range<usize>,
    owned: Option<String>,
    surrogates: Vec<(usize, u16)>,
}

impl<'a> ScalarText<'a> {
    pub(super) const fn of(source: &'a str) -> Self {
        Self { source, stretch: 0..0, owned: None, surrogates: Vec::new() }
    }

    /// Appends a stretch of the source.
    pub(super) fn push_source(&mut self, piece: Range<usize>) {
        if piece.is_empty() {
            return;
        }
        match &mut self.owned {
            Some(owned) => owned.push_str(&self.source[piece]),
            None if self.stretch.is_empty() => self.stretch = piece,
            None if self.stretch.end == piece.start => self.stretch.end = piece.end,
            None => {
                let source = self.source;
                self.own().push_str(&source[piece]);
            }
        }
    }

    /// Appends a character that stands otherwise in the source.
    pub(super) fn push(&mut self, c: char) {
        self.own().push(c);
    }

    /// Appends line breaks and the like.
    pub(super) fn push_str(&mut self, piece: &str) {
        if !piece.is_empty() {
            self.own().push_str(piece);
        }
    }

    /// Appends what `chr()` makes of a number below 0x110000.
    pub(super) fn push_code(&mut self, code: u32) {
        if let Some(c) = char::from_u32(code) {
            self.push(c);
        } else {
            let at = self.own().len();
            let surrogate = u16::try_from(code).expect("what is no character is a surrogate");
            self.surrogates.push((at, surrogate));
            self.push(char::REPLACEMENT_CHARACTER);
        }
    }

    fn own(&mut self) -> &mut String {
        let stretch = &self.source[self.stretch.clone()];
        self.owned.get_or_insert_with(|| stretch.to_owned())
    }

    pub(super) fn finish(self) -> Text<'a> {
        let stretch = &self.source[self.stretch];
        Text { chars: self.owned.map_or(Cow::Borrowed(stretch), Cow::Owned), surrogates: self.surrogates.into() }
    }
}
