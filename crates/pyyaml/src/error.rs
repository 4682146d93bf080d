use std::fmt;

use crate::Place;

/// Why PyYAML refuses a text, and where.
///
/// Holds no text of the file beyond a single character: whatever stands there may be a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct YamlError {
    /// What it is.
    pub problem: Problem,
    /// Where PyYAML noticed.
    pub place: Place,
    /// Where what it was reading began.
    pub since: Option<Place>,
}

impl YamlError {
    pub(super) fn at(problem: Problem, place: Place) -> Self {
        Self { problem, place, since: None }
    }

    pub(super) fn since(problem: Problem, place: Place, since: Place) -> Self {
        Self { problem, place, since: Some(since) }
    }
}

impl fmt::Display for YamlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.problem.fmt(f)
    }
}

impl std::error::Error for YamlError {}

/// The ways in which a text is not the YAML that PyYAML reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Problem {
    /// A byte sequence that is not UTF-8.
    NotUtf8,
    /// A character that YAML forbids.
    Unprintable(char),
    /// A character that begins nothing.
    CannotStart(char),
    /// A key without its colon.
    NoColon,
    /// `- ` where no list can begin.
    EntryNotAllowed,
    /// `? ` where no mapping can begin.
    KeyNotAllowed,
    /// `: ` where no mapping can begin.
    ValueNotAllowed,
    /// A closing bracket that nothing opened.
    NotOpened(char),
    /// A directive that is none.
    Directive,
    /// `*` or `&` without a name.
    NoAnchorName(char),
    /// The name of an anchor or alias runs into something else.
    AnchorName(char),
    /// A tag that is none.
    Tag,
    /// The header of a block scalar that is none.
    BlockHeader,
    /// A backslash in double quotes before a character that it cannot stand before.
    UnknownEscape(char),
    /// Too few hexadecimal digits after a backslash.
    HexEscape(char),
    /// A number after a backslash that is no character.
    NotACharacter,
    /// Quotes that are never closed.
    UnclosedQuote,
    /// `---` or `...` within quotes.
    SeparatorInQuote,
    /// Neither `---` nor the end after a document.
    AfterDocument(&'static str),
    /// A second document.
    SecondDocument,
    /// `%YAML` twice.
    DirectiveTwice,
    /// `%YAML` with another major version.
    Version,
    /// `%TAG` twice for one handle.
    HandleTwice,
    /// A tag handle that no `%TAG` defines.
    UnknownHandle,
    /// Nothing where a value must be.
    NoContent(&'static str),
    /// `:` and a bracket or comma behind it, within brackets.
    ColonInFlow,
    /// A tab in the indentation.
    TabIndents,
    /// Something else where a block ends.
    NoBlockEnd(&'static str),
    /// Neither a comma nor the closing bracket.
    NoComma(char, &'static str),
    /// An alias without its anchor.
    UnknownAlias,
    /// An anchor that is already there.
    AnchorTwice,
    /// A tag that PyYAML's safe loader does not know.
    UnknownTag,
    /// `=` or `<<` as a value.
    MisplacedSpecial(&'static str),
    /// A tag on a node of another kind.
    WrongKind(&'static str),
    /// `<<` with something other than mappings.
    Merge,
    /// A list or mapping as the key of a mapping.
    UnhashableKey,
    /// A scalar that its type refuses.
    Scalar(&'static str),
    /// A scalar that resolves to itself.
    Recursive,
    /// Lists and mappings nested too deep.
    TooDeep,
    /// Too many nodes, or too many after merging.
    TooLarge,
}

impl Problem {
    /// Whether it is about what PyYAML makes of nodes and not about the text: another [`Release`](crate::Release), which
    /// merges otherwise, may come to another verdict.
    #[must_use]
    pub const fn depends_on_merging(self) -> bool {
        matches!(
            self,
            Self::UnknownTag
                | Self::MisplacedSpecial(_)
                | Self::WrongKind(_)
                | Self::Merge
                | Self::UnhashableKey
                | Self::Scalar(_)
                | Self::Recursive
                | Self::TooDeep
                | Self::TooLarge
        )
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotUtf8 => f.write_str("not UTF-8"),
            Self::Unprintable(c) => write!(f, "the character U+{:04X} is not allowed in YAML", u32::from(*c)),
            Self::CannotStart(c) => write!(f, "found {c:?}, which cannot start any value"),
            Self::NoColon => f.write_str("could not find the ':' after a key"),
            Self::EntryNotAllowed => f.write_str("a list entry ('- ') is not allowed here"),
            Self::KeyNotAllowed => f.write_str("a mapping key ('? ') is not allowed here"),
            Self::ValueNotAllowed => f.write_str("a mapping value (': ') is not allowed here"),
            Self::NotOpened(c) => write!(f, "found {c:?}, which closes nothing"),
            Self::Directive => f.write_str("a line that begins with '%' is a directive, and this is none"),
            Self::NoAnchorName(c) => write!(f, "expected a name after {c:?}"),
            Self::AnchorName(c) => write!(f, "expected a space after the name that follows {c:?}"),
            Self::Tag => f.write_str("a value that begins with '!' is a tag, and this is none"),
            Self::BlockHeader => f.write_str("expected the end of the line after '|' or '>'"),
            Self::UnknownEscape(c) => write!(f, "found the unknown escape '\\{c}' in double quotes"),
            Self::HexEscape(c) => write!(f, "expected hexadecimal digits after '\\{c}' in double quotes"),
            Self::NotACharacter => f.write_str("found an escape in double quotes that is beyond Unicode"),
            Self::UnclosedQuote => f.write_str("found the end of the file within quotes"),
            Self::SeparatorInQuote => f.write_str("found a document separator within quotes"),
            Self::AfterDocument(found) => write!(f, "expected the end of the file, but found {found}"),
            Self::SecondDocument => f.write_str("expected a single document, but found another one"),
            Self::DirectiveTwice => f.write_str("found a second %YAML directive"),
            Self::Version => f.write_str("found a %YAML directive of an unknown version"),
            Self::HandleTwice => f.write_str("found a second %TAG directive for the same handle"),
            Self::UnknownHandle => f.write_str("found a tag whose handle no %TAG directive defines"),
            Self::NoContent(found) => write!(f, "expected a value, but found {found}"),
            Self::ColonInFlow => f.write_str("found ':' before a comma or bracket within brackets"),
            Self::TabIndents => f.write_str("found a tab where spaces indent"),
            Self::NoBlockEnd(found) => {
                write!(f, "expected the next entry or the end of the block, but found {found}")
            }
            Self::NoComma(close, found) => write!(f, "expected ',' or {close:?}, but found {found}"),
            Self::UnknownAlias => f.write_str("found an alias ('*') without its anchor ('&')"),
            Self::AnchorTwice => f.write_str("found an anchor ('&') that is already defined"),
            Self::UnknownTag => f.write_str("found a tag ('!') that PyYAML's safe loader does not know"),
            Self::MisplacedSpecial(what) => write!(f, "a plain {what} is no value in YAML 1.1"),
            Self::WrongKind(expected) => write!(f, "the tag asks for {expected}, and this is none"),
            Self::Merge => f.write_str("'<<' merges a mapping or a list of mappings, and this is none"),
            Self::UnhashableKey => f.write_str("a list or mapping cannot be a key"),
            Self::Scalar(what) => write!(f, "this reads as {what}, and is none"),
            Self::Recursive => f.write_str("found a scalar that refers to itself"),
            Self::TooDeep => f.write_str("lists and mappings are nested too deep"),
            Self::TooLarge => f.write_str("the file holds too many values"),
        }
    }
}
