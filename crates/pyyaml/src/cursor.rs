use crate::{Grammar, Place};

/// A position in the text that moves forward only.
///
/// Looks at bytes, since all that YAML cares about is ASCII but for three line breaks. The end of the text reads as
/// a zero byte, which cannot occur in it.
#[derive(Clone, Debug)]
pub(super) struct Cursor<'a> {
    text: &'a str,
    grammar: Grammar,
    /// In bytes.
    at: usize,
    /// In characters; the limit of 1,024 on simple keys is counted in them.
    index: usize,
    line: u32,
    column: u32,
}

impl<'a> Cursor<'a> {
    pub(super) const fn new(text: &'a str, grammar: Grammar) -> Self {
        Self { text, grammar, at: 0, index: 0, line: 0, column: 0 }
    }

    pub(super) const fn source(&self) -> &'a str {
        self.text
    }

    pub(super) const fn offset(&self) -> usize {
        self.at
    }

    /// Where the limit on simple keys counts: unsafe-libyaml, and it alone, counts bytes.
    pub(super) const fn index(&self) -> usize {
        if matches!(self.grammar, Grammar::LibYaml) { self.at } else { self.index }
    }

    pub(super) const fn grammar(&self) -> Grammar {
        self.grammar
    }

    pub(super) const fn line(&self) -> u32 {
        self.line
    }

    pub(super) const fn column(&self) -> u32 {
        self.column
    }

    pub(super) const fn place(&self) -> Place {
        Place { line: self.line + 1, column: self.column + 1 }
    }

    pub(super) fn slice(&self, from: usize) -> &'a str {
        &self.text[from..self.at]
    }

    /// The byte `ahead` bytes from here.
    #[inline]
    pub(super) fn byte(&self, ahead: usize) -> u8 {
        self.text.as_bytes().get(self.at + ahead).copied().unwrap_or(0)
    }

    #[inline]
    pub(super) fn peek(&self) -> u8 {
        self.byte(0)
    }

    /// The whole character here.
    pub(super) fn char(&self) -> char {
        self.text[self.at..].chars().next().unwrap_or('\0')
    }

    pub(super) fn at_end(&self) -> bool {
        self.at == self.text.len()
    }

    /// Whether a line ends `ahead` bytes from here.
    #[inline]
    pub(super) fn is_break(&self, ahead: usize) -> bool {
        match self.byte(ahead) {
            b'\n' => true,
            0xC2 => self.byte(ahead + 1) == 0x85,
            0xE2 => self.byte(ahead + 1) == 0x80 && matches!(self.byte(ahead + 2), 0xA8 | 0xA9),
            _ => false,
        }
    }

    /// A line break or the end.
    #[inline]
    pub(super) fn is_line_end(&self, ahead: usize) -> bool {
        self.byte(ahead) == 0 || self.is_break(ahead)
    }

    /// A space, a line break or the end.
    pub(super) fn is_space_or_line_end(&self, ahead: usize) -> bool {
        self.byte(ahead) == b' ' || self.is_line_end(ahead)
    }

    /// A space, a tab, a line break or the end.
    #[inline]
    pub(super) fn is_blank(&self, ahead: usize) -> bool {
        matches!(self.byte(ahead), b' ' | b'\t') || self.is_line_end(ahead)
    }

    /// Whether `---` or `...` stands here, alone.
    pub(super) fn is_separator(&self) -> bool {
        (self.text.as_bytes()[self.at..].starts_with(b"---") || self.text.as_bytes()[self.at..].starts_with(b"..."))
            && self.is_blank(3)
    }

    /// Moves over one character.
    #[inline]
    pub(super) fn advance(&mut self) {
        // Nearly all are of these, and nothing about them needs to be looked up.
        if matches!(self.peek(), b' '..=b'~') {
            return self.advance_ascii(1);
        }
        self.advance_any();
    }

    fn advance_any(&mut self) {
        let c = self.char();
        if self.at_end() {
            return;
        }
        self.at += c.len_utf8();
        self.index += 1;
        match c {
            '\n' | '\u{85}' | '\u{2028}' | '\u{2029}' => {
                self.line += 1;
                self.column = 0;
            }
            // For libyaml it is a character that is not seen, so that what follows it does not begin its line.
            '\u{FEFF}' if !self.grammar.is_libyaml() => {}
            _ => self.column += 1,
        }
    }

    /// Moves over `count` ASCII characters that are no line breaks.
    #[inline]
    pub(super) fn advance_ascii(&mut self, count: usize) {
        self.at += count;
        self.index += count;
        self.column += u32::try_from(count).unwrap_or(u32::MAX);
    }

    /// Moves over all characters that are such, from here on: ASCII characters that are no line breaks.
    #[inline]
    pub(super) fn skip_ascii(&mut self, is_such: impl Fn(u8) -> bool) {
        let rest = &self.text.as_bytes()[self.at..];
        self.advance_ascii(rest.iter().position(|&byte| !is_such(byte)).unwrap_or(rest.len()));
    }

    /// Moves to the end of the line.
    pub(super) fn skip_line(&mut self) {
        loop {
            self.skip_ascii(|byte| matches!(byte, b' '..=b'~'));
            if self.is_line_end(0) {
                return;
            }
            self.advance();
        }
    }

    pub(super) fn skip_spaces(&mut self) {
        self.skip_ascii(|byte| byte == b' ');
    }

    /// Moves over spaces, and over tabs where libyaml takes them for such.
    pub(super) fn skip_blanks(&mut self) {
        while self.peek() == b' ' || (self.peek() == b'\t' && self.grammar.is_libyaml()) {
            self.advance_ascii(1);
        }
    }

    /// A space, a line break or the end; for libyaml a tab as well.
    pub(super) fn is_blank_after_word(&self, ahead: usize) -> bool {
        if self.grammar.is_libyaml() { self.is_blank(ahead) } else { self.is_space_or_line_end(ahead) }
    }

    /// Moves over a line break and says what it reads as: U+2028 and U+2029 as themselves, all others as `\n`.
    pub(super) fn line_break(&mut self) -> Option<char> {
        if !self.is_break(0) {
            return None;
        }
        let c = self.char();
        self.advance();
        Some(if c == '\u{85}' { '\n' } else { c })
    }
}
