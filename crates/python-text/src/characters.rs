use crate::tables;

/// A set of characters, as ranges in ascending order.
#[derive(Clone, Copy, Debug)]
pub struct Characters(pub(crate) &'static [(u32, u32)]);

/// `str.isdecimal`, and what `\d` matches.
pub const DECIMAL: Characters = Characters(tables::DECIMAL);
/// `str.isspace`, and what `\s` matches.
pub const SPACE: Characters = Characters(tables::SPACE);
/// `str.isalpha`.
pub const LETTER: Characters = Characters(tables::LETTER);
/// `str.isalnum`; with the underscore, what `\w` matches.
pub const LETTER_OR_NUMBER: Characters = Characters(tables::LETTER_OR_NUMBER);
/// `str.isprintable`: what `repr` leaves as it is.
pub const PRINTABLE: Characters = Characters(tables::PRINTABLE);

impl Characters {
    /// Whether a character is one of them.
    #[must_use]
    pub fn contains(self, c: char) -> bool {
        let c = u32::from(c);
        let at = self.0.partition_point(|&(_, high)| high < c);
        self.0.get(at).is_some_and(|&(low, _)| low <= c)
    }

    /// The first and the last of each range. A range may reach over the surrogates, of which no `char` is one.
    #[must_use]
    pub const fn ranges(self) -> &'static [(u32, u32)] {
        self.0
    }
}
