/// The flags that bear on what a pattern matches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of Python's, independent of the others")]
pub(super) struct Flags {
    /// `i`
    pub(super) ignore_case: bool,
    /// `m`
    pub(super) multiline: bool,
    /// `s`
    pub(super) dot_all: bool,
    /// `x`
    pub(super) verbose: bool,
    /// `a`; else Unicode
    pub(super) ascii: bool,
}

/// Flags as a group turns them on and off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Change {
    pub(super) on: Bits,
    pub(super) off: Bits,
}

impl Change {
    pub(super) const fn is_empty(self) -> bool {
        self.on.is_empty() && self.off.is_empty()
    }
}

/// A set of flag letters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Bits(u8);

impl Bits {
    const LETTERS: [char; 8] = ['i', 'L', 'm', 's', 'x', 'a', 't', 'u'];

    /// The flag of a letter; `None` if there is no such flag.
    pub(super) fn of(letter: char) -> Option<Self> {
        Self::LETTERS.iter().position(|known| *known == letter).map(|at| Self(1 << at))
    }

    fn letters(letters: &str) -> Self {
        letters.chars().filter_map(Self::of).fold(Self::default(), Self::with)
    }

    pub(super) const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(super) const fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    pub(super) const fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub(super) fn has(self, letter: char) -> bool {
        Self::of(letter).is_some_and(|flag| self.meets(flag))
    }

    /// The flags that say what a character is, of which only one can be on.
    pub(super) fn of_type(self) -> Self {
        Self(self.0 & Self::letters("aLu").0)
    }

    /// The flags that cannot be set for a group alone.
    pub(super) fn of_pattern(self) -> Self {
        Self(self.0 & Self::letters("t").0)
    }
}

impl Flags {
    /// The flags within a group that changes some.
    pub(super) fn changed(self, change: Change) -> Self {
        let set = |now: bool, letter: char| (now || change.on.has(letter)) && !change.off.has(letter);
        let ascii = if change.on.of_type().is_empty() { self.ascii } else { change.on.has('a') };
        Self {
            ignore_case: set(self.ignore_case, 'i'),
            multiline: set(self.multiline, 'm'),
            dot_all: set(self.dot_all, 's'),
            verbose: set(self.verbose, 'x'),
            ascii,
        }
    }
}
