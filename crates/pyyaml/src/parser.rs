use std::collections::HashMap;

use super::error::{Problem, YamlError};
use super::graph::{Content, Graph, NodeId, Tag};
use super::resolve;
use super::scanner::Scanner;
use super::token::{Directive, TagName, Text, Token, TokenKind};
use crate::Place;

/// Lists and mappings within each other. CPython's recursion limit stops PyYAML a little below 490; how far exactly
/// depends on how deep Synapse's own stack is.
const DEPTH_LIMIT: usize = 480;

/// Nodes in a file. Synapse has no such limit; this one bounds the memory that a stranger's file can take.
const NODE_LIMIT: usize = 2_000_000;

/// Reads the only document of the text, by the rules of PyYAML's parser and composer.
pub(super) fn parse(text: &str) -> Result<(Graph<'_>, Option<NodeId>), YamlError> {
    let mut parser = Parser {
        scanner: Scanner::new(text),
        graph: Graph::default(),
        anchors: HashMap::new(),
        handles: HashMap::new(),
    };
    let root = parser.document()?;
    Ok((parser.graph, root))
}

struct Parser<'a> {
    scanner: Scanner<'a>,
    graph: Graph<'a>,
    anchors: HashMap<&'a str, NodeId>,
    handles: HashMap<String, String>,
}

/// Where a node stands, for what may stand there.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Position {
    Flow,
    Block,
    /// A key or value of a block mapping, where a list need not be indented.
    BlockOrIndentless,
}

/// The ways to write a list or a mapping.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Style {
    BlockSequence,
    IndentlessSequence,
    BlockMapping,
    FlowSequence,
    FlowMapping,
    /// `[key: value]`: a mapping of one pair within a list.
    FlowPair,
}

/// A list or mapping that is not read to its end.
struct Open {
    id: NodeId,
    style: Style,
    /// Whether nothing of it is read.
    first: bool,
    /// The key whose value comes next.
    key: Option<NodeId>,
    /// Whether that key stands alone, without `?` and `:`.
    bare: bool,
}

impl Open {
    const fn new(id: NodeId, style: Style) -> Self {
        Self { id, style, first: true, key: None, bare: false }
    }
}

/// What reading goes on with.
enum Step {
    /// A node begins.
    Node(Position),
    /// A list or mapping has begun.
    Open(Open),
    /// A node is complete.
    Whole(NodeId),
    /// The innermost list or mapping is complete.
    End,
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
                self.node()?
            }
        } else {
            self.node()?
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

    /// Reads a node with all that is in it.
    ///
    /// What is open is kept here and not on the thread's stack, which no file may exhaust.
    fn node(&mut self) -> Result<NodeId, YamlError> {
        let mut open: Vec<Open> = Vec::new();
        let mut step = Step::Node(Position::Block);
        loop {
            let depth = open.len();
            step = match step {
                Step::Node(position) => self.begin_node(position, depth)?,
                Step::Open(collection) => {
                    open.push(collection);
                    match open.last_mut() {
                        Some(innermost) => self.go_on(innermost, depth + 1)?,
                        None => unreachable!("it was just opened"),
                    }
                }
                Step::Whole(id) => {
                    let Some(innermost) = open.last_mut() else { return Ok(id) };
                    self.take(innermost, id);
                    self.go_on(innermost, depth)?
                }
                Step::End => match open.pop() {
                    Some(collection) => Step::Whole(collection.id),
                    None => unreachable!("only what is open ends"),
                },
            };
        }
    }

    /// Begins a node within `depth` others; a scalar or an alias is whole at once.
    fn begin_node(&mut self, position: Position, depth: usize) -> Result<Step, YamlError> {
        if next_is!(self, Alias) {
            let token = self.scanner.next()?;
            let TokenKind::Alias(name) = token.kind else { unreachable!("it was an alias") };
            let known = self.anchors.get(name).copied();
            return known.map(Step::Whole).ok_or(YamlError::at(Problem::UnknownAlias, token.start));
        }
        let properties = self.properties()?;
        let place = match &properties {
            Some(properties) => properties.place,
            None => self.scanner.peek()?.start,
        };
        if depth >= DEPTH_LIMIT {
            return Err(YamlError::at(Problem::TooDeep, place));
        }
        self.content(position, properties, place)
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
    ) -> Result<Step, YamlError> {
        let had_properties = properties.is_some();
        let (anchor, tag) = properties.map_or((None, None), |properties| (properties.anchor, properties.tag));
        if let Some(style) = self.begun(position)? {
            let (default, content) = match style {
                Style::BlockMapping | Style::FlowMapping => (Tag::Map, Content::Mapping(Vec::new())),
                _ => (Tag::Seq, Content::Sequence(Vec::new())),
            };
            let id = self.begin(anchor, tag_or(tag.as_deref(), default), content, place)?;
            if style != Style::IndentlessSequence {
                self.scanner.next()?;
            }
            return Ok(Step::Open(Open::new(id, style)));
        }
        let (tag, text) = if next_is!(self, Scalar) {
            let TokenKind::Scalar(scalar) = self.scanner.next()?.kind else { unreachable!("it was a scalar") };
            let tag = match tag.as_deref() {
                None if !scalar.plain => Tag::Str,
                None | Some("!") => resolve::plain(&scalar.text),
                Some(tag) => Tag::named(tag),
            };
            (tag, scalar.text)
        } else if had_properties {
            // An empty scalar after a tag or anchor is resolved as a plain one, unless the tag says what it is.
            (tag_or(tag.as_deref(), Tag::Null), Text::default())
        } else {
            return Err(self.unexpected(Problem::NoContent)?);
        };
        self.begin(anchor, tag, Content::Scalar(text), place).map(Step::Whole)
    }

    /// What kind of list or mapping begins here, if any may.
    fn begun(&mut self, position: Position) -> Result<Option<Style>, YamlError> {
        let block = position != Position::Flow;
        Ok(match self.scanner.peek()?.kind {
            TokenKind::BlockEntry if position == Position::BlockOrIndentless => Some(Style::IndentlessSequence),
            TokenKind::BlockSequenceStart if block => Some(Style::BlockSequence),
            TokenKind::BlockMappingStart if block => Some(Style::BlockMapping),
            TokenKind::FlowSequenceStart => Some(Style::FlowSequence),
            TokenKind::FlowMappingStart => Some(Style::FlowMapping),
            _ => None,
        })
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

    /// Puts a complete node into what it is in.
    fn take(&mut self, open: &mut Open, node: NodeId) {
        match &mut self.graph.node_mut(open.id).content {
            Content::Sequence(items) => items.push(node),
            Content::Mapping(pairs) => match open.key.take() {
                Some(key) => pairs.push((key, node)),
                None => open.key = Some(node),
            },
            Content::Scalar(_) => {}
        }
    }

    /// What comes next in a list or mapping that is `depth` deep.
    fn go_on(&mut self, open: &mut Open, depth: usize) -> Result<Step, YamlError> {
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
        if depth >= DEPTH_LIMIT {
            return Err(YamlError::at(Problem::TooDeep, place));
        }
        let id = self.add(Tag::Map, Content::Mapping(Vec::new()), place)?;
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

/// A tag as it is named, or the default without a name.
fn tag_or(name: Option<&str>, default: Tag) -> Tag {
    name.filter(|&name| name != "!").map_or(default, Tag::named)
}
