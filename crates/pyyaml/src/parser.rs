use std::collections::HashMap;

use super::collection::{Open, Style};
use super::error::{Problem, YamlError};
use super::graph::{Content, Graph, NodeId, Tag};
use super::resolve;
use super::scanner::Scanner;
use super::token::{Directive, TagName, Token, TokenKind};
use crate::{Grammar, Place, Text};

/// Whether the next token is of one of these kinds.
macro_rules! next_is {
    ($parser:expr, $($kind:ident)|+) => {
        matches!($parser.scanner.peek()?.kind, $(TokenKind::$kind { .. })|+)
    };
}
pub(super) use next_is;

/// Nodes in a file. PyYAML has no such limit; this one bounds the memory that a stranger's file can take, to 150 MB.
const NODE_LIMIT: usize = 2_000_000;

/// Reads the only document of the text, by the rules of PyYAML's parser and composer or by those of a port of it.
pub(super) fn parse(text: &str, grammar: Grammar) -> Result<(Graph<'_>, Option<NodeId>), YamlError> {
    let mut parser = Parser {
        grammar,
        scanner: Scanner::new(text, grammar),
        graph: Graph::default(),
        anchors: HashMap::new(),
        handles: HashMap::new(),
    };
    let root = parser.document();
    parser.scanner.leave();
    Ok((parser.graph, root?))
}

pub(super) struct Parser<'a> {
    pub(super) grammar: Grammar,
    pub(super) scanner: Scanner<'a>,
    pub(super) graph: Graph<'a>,
    anchors: HashMap<&'a str, NodeId>,
    /// What handles of tags stand for, as directives say; two need none.
    handles: HashMap<String, String>,
}

/// Where a node stands, for what may stand there.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Position {
    Flow,
    Block,
    /// A key or value of a block mapping, where a list need not be indented.
    BlockOrIndentless,
}

/// What reading goes on with.
pub(super) enum Step {
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

impl<'a> Parser<'a> {
    fn document(&mut self) -> Result<Option<NodeId>, YamlError> {
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
        if self.grammar == Grammar::GoYaml {
            // One document is asked for, and of what follows no more is looked at than the next token.
            self.scanner.peek()?;
            return Ok(Some(root));
        }
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

    pub(super) fn unexpected(&mut self, problem: impl FnOnce(&'static str) -> Problem) -> Result<YamlError, YamlError> {
        let token = self.scanner.peek()?;
        Ok(YamlError::at(problem(token.kind.name()), token.start))
    }

    fn directives(&mut self) -> Result<(), YamlError> {
        self.handles.clear();
        let mut version = false;
        while next_is!(self, Directive) {
            let Token { kind: TokenKind::Directive(directive), start, .. } = self.scanner.next()? else { break };
            match directive {
                Directive::Version { .. } if version => return Err(YamlError::at(Problem::DirectiveTwice, start)),
                Directive::Version { known: false } => return Err(YamlError::at(Problem::Version, start)),
                Directive::Version { known: true } => version = true,
                Directive::Tag { handle, prefix } => {
                    if self.handles.insert(handle, prefix).is_some() {
                        return Err(YamlError::at(Problem::HandleTwice, start));
                    }
                }
                Directive::Other => {}
            }
        }
        Ok(())
    }

    pub(super) fn add(
        &mut self,
        tag: Tag,
        content: Content<'a>,
        (place, end): (Place, Place),
    ) -> Result<NodeId, YamlError> {
        if self.graph.nodes.len() >= NODE_LIMIT {
            return Err(YamlError::at(Problem::TooLarge, place));
        }
        Ok(self.graph.add(tag, content, (place, end)))
    }

    pub(super) fn empty_scalar(&mut self, place: Place) -> Result<NodeId, YamlError> {
        self.add(Tag::Null, Content::Scalar(Text::default()), (place, place))
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
        if depth >= self.grammar.depth_limit() {
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
        let own = self.handles.get(handle).map(String::as_str);
        match own.or_else(|| default_prefix(handle)) {
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
            let id = self.begin(anchor, tag_or(tag.as_deref(), default), content, (place, place))?;
            self.keep_written(id, tag, false);
            if style != Style::IndentlessSequence {
                self.scanner.next()?;
            }
            return Ok(Step::Open(Open::new(id, style)));
        }
        let (resolved, plain, text, end) = if next_is!(self, Scalar) {
            let token = self.scanner.next()?;
            let TokenKind::Scalar(scalar) = token.kind else { unreachable!("it was a scalar") };
            let resolved = match tag.as_deref() {
                None if !scalar.plain => Tag::Str,
                None | Some("!") => resolve::plain(&scalar.text),
                Some(tag) => Tag::named(tag),
            };
            (resolved, scalar.plain, scalar.text, token.end)
        } else if had_properties {
            // An empty scalar after a tag or anchor is resolved as a plain one, unless the tag says what it is.
            (tag_or(tag.as_deref(), Tag::Null), true, Text::default(), place)
        } else {
            return Err(self.unexpected(Problem::NoContent)?);
        };
        let id = self.begin(anchor, resolved, Content::Scalar(text), (place, end))?;
        self.keep_written(id, tag, plain);
        Ok(Step::Whole(id))
    }

    /// Keeps what a node is written as, for those who resolve it otherwise than PyYAML.
    fn keep_written(&mut self, id: NodeId, tag: Option<String>, plain: bool) {
        if self.grammar != Grammar::PyYaml {
            let node = self.graph.node_mut(id);
            (node.written, node.plain) = (tag.map(String::into_boxed_str), plain);
        }
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
        (place, end): (Place, Place),
    ) -> Result<NodeId, YamlError> {
        let id = self.add(tag, content, (place, end))?;
        if let Some(anchor) = anchor {
            if let Some(&first) = self.anchors.get(anchor)
                && self.grammar == Grammar::PyYaml
            {
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
}

/// What a handle stands for where no directive says so.
fn default_prefix(handle: &str) -> Option<&'static str> {
    match handle {
        "!" => Some("!"),
        "!!" => Some("tag:yaml.org,2002:"),
        _ => None,
    }
}

/// A tag as it is named, or the default without a name.
fn tag_or(name: Option<&str>, default: Tag) -> Tag {
    name.filter(|&name| name != "!").map_or(default, Tag::named)
}
