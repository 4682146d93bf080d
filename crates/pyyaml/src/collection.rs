//! What stands within a list or mapping: entries, keys and values, and where it ends.

use super::error::{Problem, YamlError};
use super::graph::{Content, NodeId, Tag};
use super::parser::{Parser, Position, Step, next_is};
use super::token::{Token, TokenKind};
use crate::Place;

/// The ways to write a list or a mapping.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    BlockSequence,
    IndentlessSequence,
    BlockMapping,
    FlowSequence,
    FlowMapping,
    /// `[key: value]`: a mapping of one pair within a list.
    FlowPair,
}

/// A list or mapping that is not read to its end.
pub(super) struct Open {
    pub(super) id: NodeId,
    style: Style,
    /// Whether nothing of it is read.
    first: bool,
    /// The key whose value comes next.
    pub(super) key: Option<NodeId>,
    /// Whether that key stands alone, without `?` and `:`.
    bare: bool,
}

impl Open {
    pub(super) const fn new(id: NodeId, style: Style) -> Self {
        Self { id, style, first: true, key: None, bare: false }
    }
}

impl Parser<'_> {
    /// What comes next in a list or mapping that is `depth` deep.
    pub(super) fn go_on(&mut self, open: &mut Open, depth: usize) -> Result<Step, YamlError> {
        match open.style {
            Style::BlockSequence => self.block_sequence(open.id),
            Style::IndentlessSequence => self.indentless_sequence(),
            Style::BlockMapping => self.block_mapping(open),
            Style::FlowSequence => self.flow_sequence(open, depth),
            Style::FlowMapping => self.flow_mapping(open),
            Style::FlowPair => self.flow_pair(open),
        }
    }

    fn empty(&mut self, place: Place) -> Result<Step, YamlError> {
        self.empty_scalar(place).map(Step::Whole)
    }

    fn block_end(&mut self, id: NodeId) -> Result<Step, YamlError> {
        if !next_is!(self, BlockEnd) {
            let mut error = self.unexpected(Problem::NoBlockEnd)?;
            error.since = Some(self.graph.node(id).place);
            return Err(error);
        }
        self.scanner.next()?;
        Ok(Step::End)
    }

    fn block_sequence(&mut self, id: NodeId) -> Result<Step, YamlError> {
        if !next_is!(self, BlockEntry) {
            return self.block_end(id);
        }
        let end = self.scanner.next()?.end;
        if next_is!(self, BlockEntry | BlockEnd) { self.empty(end) } else { Ok(Step::Node(Position::Block)) }
    }

    fn indentless_sequence(&mut self) -> Result<Step, YamlError> {
        if !next_is!(self, BlockEntry) {
            return Ok(Step::End);
        }
        let end = self.scanner.next()?.end;
        if next_is!(self, BlockEntry | Key | Value | BlockEnd) {
            self.empty(end)
        } else {
            Ok(Step::Node(Position::Block))
        }
    }

    fn block_mapping(&mut self, open: &Open) -> Result<Step, YamlError> {
        let here = if open.key.is_some() { next_is!(self, Value) } else { next_is!(self, Key) };
        if !here && open.key.is_some() {
            let place = self.scanner.peek()?.start;
            return self.empty(place);
        }
        if !here {
            return self.block_end(open.id);
        }
        let end = self.scanner.next()?.end;
        if next_is!(self, Key | Value | BlockEnd) {
            self.empty(end)
        } else {
            Ok(Step::Node(Position::BlockOrIndentless))
        }
    }

    /// The comma before each entry but the first.
    fn flow_comma(&mut self, open: &mut Open, close: char) -> Result<(), YamlError> {
        if std::mem::take(&mut open.first) {
            return Ok(());
        }
        if !next_is!(self, FlowEntry) {
            let mut error = self.unexpected(|found| Problem::NoComma(close, found))?;
            error.since = Some(self.graph.node(open.id).place);
            return Err(error);
        }
        self.scanner.next()?;
        Ok(())
    }

    fn flow_end(&mut self) -> Result<Step, YamlError> {
        self.scanner.next()?;
        Ok(Step::End)
    }

    fn flow_sequence(&mut self, open: &mut Open, depth: usize) -> Result<Step, YamlError> {
        if next_is!(self, FlowSequenceEnd) {
            return self.flow_end();
        }
        self.flow_comma(open, ']')?;
        if next_is!(self, FlowSequenceEnd) {
            return self.flow_end();
        }
        if !next_is!(self, Key) {
            return Ok(Step::Node(Position::Flow));
        }
        let place = self.scanner.peek()?.start;
        if depth >= self.grammar.depth_limit() {
            return Err(YamlError::at(Problem::TooDeep, place));
        }
        let id = self.add(Tag::Map, Content::Mapping(Vec::new()), (place, place))?;
        Ok(Step::Open(Open::new(id, Style::FlowPair)))
    }

    fn flow_pair(&mut self, open: &mut Open) -> Result<Step, YamlError> {
        if std::mem::take(&mut open.first) {
            return self.flow_part(Style::FlowPair);
        }
        if open.key.is_some() { self.flow_value(Style::FlowPair) } else { Ok(Step::End) }
    }

    fn flow_mapping(&mut self, open: &mut Open) -> Result<Step, YamlError> {
        if open.key.is_some() && !open.bare {
            return self.flow_value(Style::FlowMapping);
        }
        if open.key.is_some() {
            let place = self.scanner.peek()?.start;
            return self.empty(place);
        }
        if next_is!(self, FlowMappingEnd) {
            return self.flow_end();
        }
        self.flow_comma(open, '}')?;
        if next_is!(self, FlowMappingEnd) {
            return self.flow_end();
        }
        open.bare = !next_is!(self, Key);
        if open.bare { Ok(Step::Node(Position::Flow)) } else { self.flow_part(Style::FlowMapping) }
    }

    /// What follows the indicator of a key or value, which may be missing.
    fn flow_part(&mut self, style: Style) -> Result<Step, YamlError> {
        let Token { kind: indicator, end, .. } = self.scanner.next()?;
        let missing = match self.scanner.peek()?.kind {
            TokenKind::Value => matches!(indicator, TokenKind::Key),
            TokenKind::FlowEntry => true,
            TokenKind::FlowSequenceEnd => style == Style::FlowPair,
            TokenKind::FlowMappingEnd => style == Style::FlowMapping,
            _ => false,
        };
        if missing { self.empty(end) } else { Ok(Step::Node(Position::Flow)) }
    }

    /// What follows a key.
    fn flow_value(&mut self, style: Style) -> Result<Step, YamlError> {
        if next_is!(self, Value) {
            return self.flow_part(style);
        }
        let place = self.scanner.peek()?.start;
        self.empty(place)
    }
}
