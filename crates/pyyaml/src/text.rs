use std::borrow::Cow;

/// A string as Python holds it: Unicode that may hold lone surrogates, which `"\ud800"` in double quotes makes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Text<'a> {
    /// The string, with U+FFFD in the place of each surrogate.
    pub chars: Cow<'a, str>,
    /// Byte offsets into `chars` and the surrogates that stand there, in order.
    pub surrogates: Box<[(usize, u16)]>,
}

impl Text<'_> {
    /// The string, lone surrogates as `\udXXX`.
    #[must_use]
    pub fn escaped(&self) -> Cow<'_, str> {
        if self.surrogates.is_empty() {
            return Cow::Borrowed(&self.chars);
        }
        let mut escaped = String::with_capacity(self.chars.len() + 6);
        let mut rest = 0;
        for &(at, surrogate) in &self.surrogates {
            escaped.push_str(&self.chars[rest..at]);
            escaped.push_str(&format!("\\u{surrogate:04x}"));
            rest = at + char::REPLACEMENT_CHARACTER.len_utf8();
        }
        escaped.push_str(&self.chars[rest..]);
        Cow::Owned(escaped)
    }

    /// Whether it is this string.
    #[must_use]
    pub fn is(&self, other: &str) -> bool {
        self.surrogates.is_empty() && self.chars == other
    }
}
