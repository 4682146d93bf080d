use crate::{Place, Text};

/// What the scanner makes of the text.
#[derive(Debug)]
pub(super) struct Token<'a> {
    pub(super) kind: TokenKind<'a>,
    pub(super) start: Place,
    pub(super) end: Place,
}

/// The kinds of tokens, as YAML 1.1 has them.
#[derive(Debug)]
pub(super) enum TokenKind<'a> {
    StreamEnd,
    Directive(Directive),
    DocumentStart,
    DocumentEnd,
    BlockSequenceStart,
    BlockMappingStart,
    BlockEnd,
    FlowSequenceStart,
    FlowMappingStart,
    FlowSequenceEnd,
    FlowMappingEnd,
    BlockEntry,
    FlowEntry,
    Key,
    Value,
    Alias(&'a str),
    Anchor(&'a str),
    Tag(TagName<'a>),
    Scalar(Scalar<'a>),
}

/// A line that begins with `%`.
#[derive(Debug)]
pub(super) enum Directive {
    /// `%YAML`, and whether that version is one that is read.
    Version { known: bool },
    /// `%TAG`.
    Tag { handle: String, prefix: String },
    /// Another one, without meaning.
    Other,
}

/// A tag as it is written.
#[derive(Debug)]
pub(super) struct TagName<'a> {
    pub(super) handle: Option<&'a str>,
    pub(super) suffix: String,
}

/// A scalar without its type.
#[derive(Debug)]
pub(super) struct Scalar<'a> {
    pub(super) text: Text<'a>,
    /// Neither quoted nor a block.
    pub(super) plain: bool,
}

impl TokenKind<'_> {
    /// What it is called in a message.
    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::StreamEnd => "the end of the file",
            Self::Directive(_) => "a directive ('%')",
            Self::DocumentStart => "'---'",
            Self::DocumentEnd => "'...'",
            Self::BlockSequenceStart => "a list that is indented differently",
            Self::BlockMappingStart => "a mapping that is indented differently",
            Self::BlockEnd => "the end of the block",
            Self::FlowSequenceStart => "'['",
            Self::FlowMappingStart => "'{'",
            Self::FlowSequenceEnd => "']'",
            Self::FlowMappingEnd => "'}'",
            Self::BlockEntry => "'- '",
            Self::FlowEntry => "','",
            Self::Key => "a key",
            Self::Value => "':'",
            Self::Alias(_) => "an alias ('*')",
            Self::Anchor(_) => "an anchor ('&')",
            Self::Tag(_) => "a tag ('!')",
            Self::Scalar(_) => "a scalar",
        }
    }
}
