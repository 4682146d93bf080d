use crate::error::{Named, PatternError, PatternErrorKind};

pub(super) type Result<T> = std::result::Result<T, PatternError>;

/// The pattern as a stream of characters and of backslashes with what follows them, with one token of look-ahead.
///
/// A backslash at the very end is an error as soon as it comes into view, which may be before an earlier mistake is
/// noticed: the look-ahead is part of what Python reports.
pub(super) struct Tokens {
    chars: Vec<char>,
    /// Behind the token in view.
    index: usize,
    next: Option<Token>,
}

/// So far is it looked for an end: no sequence of 75 real registrations is longer.
const LOOKED_AT: usize = 64;

/// One character, or a backslash and the character after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token {
    Char(char),
    Escape(char),
}

impl Token {
    /// Its length in characters.
    pub(super) const fn len(self) -> usize {
        match self {
            Self::Char(_) => 1,
            Self::Escape(_) => 2,
        }
    }

    /// The character, if it is not an escape.
    pub(super) const fn char(self) -> Option<char> {
        match self {
            Self::Char(c) => Some(c),
            Self::Escape(_) => None,
        }
    }
}

impl std::fmt::Display for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Char(c) => write!(f, "{c}"),
            Self::Escape(c) => write!(f, "\\{c}"),
        }
    }
}

impl Tokens {
    pub(super) fn new(pattern: &str) -> Result<Self> {
        let mut tokens = Self { chars: pattern.chars().collect(), index: 0, next: None };
        tokens.advance()?;
        Ok(tokens)
    }

    fn advance(&mut self) -> Result<()> {
        let Some(&c) = self.chars.get(self.index) else {
            self.next = None;
            return Ok(());
        };
        if c != '\\' {
            self.index += 1;
            self.next = Some(Token::Char(c));
            return Ok(());
        }
        let Some(&escaped) = self.chars.get(self.index + 1) else {
            return Err(PatternError::at(self.chars.len() - 1, PatternErrorKind::TrailingBackslash));
        };
        self.index += 2;
        self.next = Some(Token::Escape(escaped));
        Ok(())
    }

    /// How many characters come before one of a kind, as far as it matters to who makes room for them.
    pub(super) fn until(&self, is_end: impl Fn(char) -> bool) -> usize {
        self.chars[self.tell()..].iter().take(LOOKED_AT).take_while(|&&c| !is_end(c)).count()
    }

    /// The token in view.
    pub(super) const fn next(&self) -> Option<Token> {
        self.next
    }

    /// The character in view, if it is not an escape.
    pub(super) fn next_char(&self) -> Option<char> {
        self.next.and_then(Token::char)
    }

    /// Takes the token in view.
    pub(super) fn get(&mut self) -> Result<Option<Token>> {
        let this = self.next;
        self.advance()?;
        Ok(this)
    }

    /// Takes the token in view if it is this character.
    pub(super) fn take(&mut self, c: char) -> Result<bool> {
        if self.next == Some(Token::Char(c)) {
            self.advance()?;
            return Ok(true);
        }
        Ok(false)
    }

    /// Takes up to so many characters of a kind.
    pub(super) fn take_while(&mut self, most: usize, wanted: impl Fn(char) -> bool) -> Result<String> {
        let mut taken = String::new();
        while taken.len() < most
            && let Some(c) = self.next_char().filter(|&c| wanted(c))
        {
            taken.push(c);
            self.advance()?;
        }
        Ok(taken)
    }

    /// Takes everything up to a terminator, and that too. `named` says what for.
    pub(super) fn take_until(&mut self, terminator: char, named: Named) -> Result<String> {
        let mut taken = String::new();
        loop {
            let this = self.next;
            self.advance()?;
            match this {
                None if taken.is_empty() => return Err(self.error(PatternErrorKind::MissingName(named), 0)),
                None => {
                    return Err(self.error(PatternErrorKind::UnterminatedName(terminator), taken.chars().count()));
                }
                Some(Token::Char(c)) if c == terminator => {
                    if taken.is_empty() {
                        return Err(self.error(PatternErrorKind::MissingName(named), 1));
                    }
                    return Ok(taken);
                }
                Some(this) => taken.push_str(&this.to_string()),
            }
        }
    }

    /// The position of the token in view.
    pub(super) fn tell(&self) -> usize {
        self.index - self.next.map_or(0, Token::len)
    }

    /// Goes back to a position.
    pub(super) fn seek(&mut self, position: usize) -> Result<()> {
        self.index = position;
        self.advance()
    }

    /// An error so many characters before the token in view.
    pub(super) fn error(&self, kind: PatternErrorKind, before: usize) -> PatternError {
        PatternError::at(self.tell().saturating_sub(before), kind)
    }
}
