use std::collections::HashMap;

use super::error::{Problem, YamlError};
use super::graph::{Content, Graph, NodeId, Tag};
use super::resolve;
use super::scanner::Scanner;
use super::token::{Directive, TagName, Text, Token, TokenKind};
use crate::registration::Place;

/// Lists and mappings within each other. CPython's recursion limit stops PyYAML a little below 490; how far exactly
/// depends on how deep Synapse's own stack is.
const DEPTH_LIMIT: u32 = 480;

/// Nodes in a file. Synapse has no such limit; this one bounds the memory that a stranger's file can take.
const NODE_LIMIT: usize = 2_000_000;

/// Reads the only document of the text, by the rules of PyYAML's parser and composer.
pub(super) fn parse(text: &str) -> Result<(Graph<'_>, Option<NodeId>), YamlError> {
    let mut parser = Parser {
        scanner: Scanner::new(text),
        graph: Graph::default(),
        anchors: HashMap::new(),
        handles: HashMap::new(),
        depth: 0,
    };
    let root = parser.document()?;
    Ok((parser.graph, root))
}

struct Parser<'a> {
    scanner: Scanner<'a>,
    graph: Graph<'a>,
    anchors: HashMap<&'a str, NodeId>,
    handles: HashMap<String, String>,
    depth: u32,
}

/// Where a node stands, for what may stand there.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Position {
    Flow,
    Block,
    /// A key or value of a block mapping, where a list need not be indented.
    BlockOrIndentless,
}

/// Anchor and tag of a node.
struct Properties<'a> {
    anchor: Option<&'a str>,
    tag: Option<String>,
    place: Place,
}

macro_rules! next_is {
    ($parser:expr, $($kind:ident)|+) => {
        matches!($parser.scanner.peek()?.kind, $(TokenKind::$kind { .. })|+)
    };
}

impl<'a> Parser<'a> {
    fn document(&mut self) -> Result<Option<NodeId>, YamlError> {
        self.set_default_handles();
        if next_is!(self, StreamEnd) {
            return Ok(None);
        }
        let root = if next_is!(self, Directive | DocumentStart) {
            self.directives()?;
            if !next_is!(self, DocumentStart) {
                return Err(self.unexpected(Problem::AfterDocument)?);
            }
            self.scanner.next()?;
            if next_is!(self, Directive | DocumentStart | DocumentEnd | StreamEnd) {
                let place = self.scanner.peek()?.start;
                self.empty_scalar(place)?
            } else {
                self.node(Position::Block)?
            }
        } else {
            self.node(Position::Block)?
        };
        while next_is!(self, DocumentEnd) {
            self.scanner.next()?;
        }
        if next_is!(self, StreamEnd) {
            return Ok(Some(root));
        }
        self.directives()?;
        if next_is!(self, DocumentStart) {
            return Err(YamlError::at(Problem::SecondDocument, self.scanner.peek()?.start));
        }
        Err(self.unexpected(Problem::AfterDocument)?)
    }

    fn unexpected(&mut self, problem: impl FnOnce(&'static str) -> Problem) -> Result<YamlError, YamlError> {
        let token = self.scanner.peek()?;
        Ok(YamlError::at(problem(token.kind.name()), token.start))
    }

    fn set_default_handles(&mut self) {
        for (handle, prefix) in [("!", "!"), ("!!", "tag:yaml.org,2002:")] {
            self.handles.entry(handle.to_owned()).or_insert_with(|| prefix.to_owned());
        }
    }

    fn directives(&mut self) -> Result<(), YamlError> {
        self.handles.clear();
        let mut version = false;
        while next_is!(self, Directive) {
            let Token { kind: TokenKind::Directive(directive), start, .. } = self.scanner.next()? else { break };
            match directive {
                Directive::Version { .. } if version => return Err(YamlError::at(Problem::DirectiveTwice, start)),
                Directive::Version { one: false } => return Err(YamlError::at(Problem::Version, start)),
                Directive::Version { one: true } => version = true,
                Directive::Tag { handle, prefix } => {
                    if self.handles.insert(handle, prefix).is_some() {
                        return Err(YamlError::at(Problem::HandleTwice, start));
                    }
                }
                Directive::Other => {}
            }
        }
        self.set_default_handles();
        Ok(())
    }

    fn add(&mut self, tag: Tag, content: Content<'a>, place: Place) -> Result<NodeId, YamlError> {
        if self.graph.nodes.len() >= NODE_LIMIT {
            return Err(YamlError::at(Problem::TooLarge, place));
        }
        Ok(self.graph.add(tag, content, place))
    }

    fn empty_scalar(&mut self, place: Place) -> Result<NodeId, YamlError> {
        self.add(Tag::Null, Content::Scalar(Text::default()), place)
    }

    fn node(&mut self, position: Position) -> Result<NodeId, YamlError> {
        if next_is!(self, Alias) {
            let token = self.scanner.next()?;
            let TokenKind::Alias(name) = token.kind else { unreachable!("it was an alias") };
            let known = self.anchors.get(name).copied();
            return known.ok_or(YamlError::at(Problem::UnknownAlias, token.start));
        }
        let properties = self.properties()?;
        let place = match &properties {
            Some(properties) => properties.place,
            None => self.scanner.peek()?.start,
        };
        if self.depth >= DEPTH_LIMIT {
            return Err(YamlError::at(Problem::TooDeep, place));
        }
        self.depth += 1;
        let node = self.content(position, properties, place);
        self.depth -= 1;
        node
    }

    fn properties(&mut self) -> Result<Option<Properties<'a>>, YamlError> {
        let (mut anchor, mut tag) = (None, None);
        let mut place = None;
        for _ in 0..2 {
            let wanted = match self.scanner.peek()?.kind {
                TokenKind::Anchor(_) => anchor.is_none(),
                TokenKind::Tag(_) => tag.is_none(),
                _ => false,
            };
            if !wanted {
                break;
            }
            let token = self.scanner.next()?;
            place.get_or_insert(token.start);
            match token.kind {
                TokenKind::Anchor(name) => anchor = Some(name),
                TokenKind::Tag(name) => tag = Some((name, token.start)),
                _ => {}
            }
        }
        let Some(place) = place else { return Ok(None) };
        let tag = match tag {
            Some((name, start)) => Some(self.whole_tag(name, start, place)?),
            None => None,
        };
        Ok(Some(Properties { anchor, tag, place }))
    }

    fn whole_tag(&self, name: TagName<'_>, start: Place, since: Place) -> Result<String, YamlError> {
        let Some(handle) = name.handle else { return Ok(name.suffix) };
        match self.handles.get(handle) {
            Some(prefix) => Ok(format!("{prefix}{}", name.suffix)),
            None => Err(YamlError::since(Problem::UnknownHandle, start, since)),
        }
    }

    fn content(
        &mut self,
        position: Position,
        properties: Option<Properties<'a>>,
        place: Place,
    ) -> Result<NodeId, YamlError> {
        let had_properties = properties.is_some();
        let (anchor, tag) = properties.map_or((None, None), |properties| (properties.anchor, properties.tag));
        let block = position != Position::Flow;
        // An empty scalar after a tag or anchor is resolved as a plain one, unless the tag says what it is.
        let general = tag.as_deref().is_none_or(|tag| tag == "!");
        let collection = |default| if general { default } else { Tag::named(tag.as_deref().unwrap_or_default()) };
        let kind = &self.scanner.peek()?.kind;
        match kind {
            TokenKind::BlockEntry if position == Position::BlockOrIndentless => {
                let id = self.begin(anchor, collection(Tag::Seq), Content::Sequence(Vec::new()), place)?;
                self.indentless_sequence(id)
            }
            TokenKind::Scalar(_) => {
                let TokenKind::Scalar(scalar) = self.scanner.next()?.kind else { unreachable!("it was a scalar") };
                let tag = match tag.as_deref() {
                    None if scalar.plain => resolve::plain(&scalar.text),
                    None => Tag::Str,
                    Some("!") => resolve::plain(&scalar.text),
                    Some(tag) => Tag::named(tag),
                };
                self.begin(anchor, tag, Content::Scalar(scalar.text), place)
            }
            TokenKind::FlowSequenceStart => {
                let id = self.begin(anchor, collection(Tag::Seq), Content::Sequence(Vec::new()), place)?;
                self.flow_sequence(id)
            }
            TokenKind::FlowMappingStart => {
                let id = self.begin(anchor, collection(Tag::Map), Content::Mapping(Vec::new()), place)?;
                self.flow_mapping(id)
            }
            TokenKind::BlockSequenceStart if block => {
                let id = self.begin(anchor, collection(Tag::Seq), Content::Sequence(Vec::new()), place)?;
                self.block_sequence(id)
            }
            TokenKind::BlockMappingStart if block => {
                let id = self.begin(anchor, collection(Tag::Map), Content::Mapping(Vec::new()), place)?;
                self.block_mapping(id)
            }
            _ if had_properties => {
                let tag = collection(Tag::Null);
                self.begin(anchor, tag, Content::Scalar(Text::default()), place)
            }
            _ => Err(self.unexpected(Problem::NoContent)?),
        }
    }

    /// Makes the node before its children, so that they can refer to it.
    fn begin(
        &mut self,
        anchor: Option<&'a str>,
        tag: Tag,
        content: Content<'a>,
        place: Place,
    ) -> Result<NodeId, YamlError> {
        let id = self.add(tag, content, place)?;
        if let Some(anchor) = anchor {
            if let Some(&first) = self.anchors.get(anchor) {
                return Err(YamlError::since(Problem::AnchorTwice, place, self.graph.node(first).place));
            }
            self.anchors.insert(anchor, id);
        }
        Ok(id)
    }

    fn push(&mut self, sequence: NodeId, item: NodeId) {
        if let Content::Sequence(items) = &mut self.graph.node_mut(sequence).content {
            items.push(item);
        }
    }

    fn pair(&mut self, mapping: NodeId, key: NodeId, value: NodeId) {
        if let Content::Mapping(pairs) = &mut self.graph.node_mut(mapping).content {
            pairs.push((key, value));
        }
    }

    fn block_end(&mut self, id: NodeId) -> Result<NodeId, YamlError> {
        if !next_is!(self, BlockEnd) {
            let mut error = self.unexpected(Problem::NoBlockEnd)?;
            error.since = Some(self.graph.node(id).place);
            return Err(error);
        }
        self.scanner.next()?;
        Ok(id)
    }

    fn block_sequence(&mut self, id: NodeId) -> Result<NodeId, YamlError> {
        self.scanner.next()?;
        while next_is!(self, BlockEntry) {
            let end = self.scanner.next()?.end;
            let item = if next_is!(self, BlockEntry | BlockEnd) {
                self.empty_scalar(end)?
            } else {
                self.node(Position::Block)?
            };
            self.push(id, item);
        }
        self.block_end(id)
    }

    fn indentless_sequence(&mut self, id: NodeId) -> Result<NodeId, YamlError> {
        while next_is!(self, BlockEntry) {
            let end = self.scanner.next()?.end;
            let item = if next_is!(self, BlockEntry | Key | Value | BlockEnd) {
                self.empty_scalar(end)?
            } else {
                self.node(Position::Block)?
            };
            self.push(id, item);
        }
        Ok(id)
    }

    fn block_mapping(&mut self, id: NodeId) -> Result<NodeId, YamlError> {
        self.scanner.next()?;
        while next_is!(self, Key) {
            let key = self.block_mapping_part()?;
            let value = if next_is!(self, Value) {
                self.block_mapping_part()?
            } else {
                let place = self.scanner.peek()?.start;
                self.empty_scalar(place)?
            };
            self.pair(id, key, value);
        }
        self.block_end(id)
    }

    /// A key or a value, after its indicator.
    fn block_mapping_part(&mut self) -> Result<NodeId, YamlError> {
        let end = self.scanner.next()?.end;
        if next_is!(self, Key | Value | BlockEnd) {
            self.empty_scalar(end)
        } else {
            self.node(Position::BlockOrIndentless)
        }
    }

    /// The comma before each entry but the first.
    fn flow_comma(&mut self, id: NodeId, first: bool, close: char) -> Result<(), YamlError> {
        if first {
            return Ok(());
        }
        if !next_is!(self, FlowEntry) {
            let mut error = self.unexpected(|found| Problem::NoComma(close, found))?;
            error.since = Some(self.graph.node(id).place);
            return Err(error);
        }
        self.scanner.next()?;
        Ok(())
    }

    fn flow_sequence(&mut self, id: NodeId) -> Result<NodeId, YamlError> {
        self.scanner.next()?;
        let mut first = true;
        while !next_is!(self, FlowSequenceEnd) {
            self.flow_comma(id, first, ']')?;
            first = false;
            if next_is!(self, Key) {
                let item = self.flow_pair()?;
                self.push(id, item);
            } else if !next_is!(self, FlowSequenceEnd) {
                let item = self.node(Position::Flow)?;
                self.push(id, item);
            }
        }
        self.scanner.next()?;
        Ok(id)
    }

    /// `[key: value]`: a mapping of one pair within a list.
    fn flow_pair(&mut self) -> Result<NodeId, YamlError> {
        let token = self.scanner.next()?;
        if self.depth >= DEPTH_LIMIT {
            return Err(YamlError::at(Problem::TooDeep, token.start));
        }
        let id = self.add(Tag::Map, Content::Mapping(Vec::new()), token.start)?;
        self.depth += 1;
        let key = if next_is!(self, Value | FlowEntry | FlowSequenceEnd) {
            self.empty_scalar(token.end)?
        } else {
            self.node(Position::Flow)?
        };
        let value = self.flow_value(|kind| matches!(kind, TokenKind::FlowEntry | TokenKind::FlowSequenceEnd))?;
        self.depth -= 1;
        self.pair(id, key, value);
        Ok(id)
    }

    fn flow_mapping(&mut self, id: NodeId) -> Result<NodeId, YamlError> {
        self.scanner.next()?;
        let mut first = true;
        while !next_is!(self, FlowMappingEnd) {
            self.flow_comma(id, first, '}')?;
            first = false;
            let (key, value);
            if next_is!(self, Key) {
                let end = self.scanner.next()?.end;
                key = if next_is!(self, Value | FlowEntry | FlowMappingEnd) {
                    self.empty_scalar(end)?
                } else {
                    self.node(Position::Flow)?
                };
                value = self.flow_value(|kind| matches!(kind, TokenKind::FlowEntry | TokenKind::FlowMappingEnd))?;
            } else if next_is!(self, FlowMappingEnd) {
                break;
            } else {
                key = self.node(Position::Flow)?;
                let place = self.scanner.peek()?.start;
                value = self.empty_scalar(place)?;
            }
            self.pair(id, key, value);
        }
        self.scanner.next()?;
        Ok(id)
    }

    fn flow_value(&mut self, ends: impl Fn(&TokenKind<'_>) -> bool) -> Result<NodeId, YamlError> {
        if !next_is!(self, Value) {
            let place = self.scanner.peek()?.start;
            return self.empty_scalar(place);
        }
        let end = self.scanner.next()?.end;
        if ends(&self.scanner.peek()?.kind) { self.empty_scalar(end) } else { self.node(Position::Flow) }
    }
}
