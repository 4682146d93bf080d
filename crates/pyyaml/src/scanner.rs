use std::collections::VecDeque;

use super::cursor::Cursor;
use super::error::{Problem, YamlError};
use super::token::{Token, TokenKind};
use super::{block, plain, properties, quoted, room};
use crate::{Grammar, Place};

/// A place where a key may have begun that only a later `:` will tell.
#[derive(Clone, Copy, Debug)]
struct SimpleKey {
    token: usize,
    /// A block mapping needs it to be a key.
    required: bool,
    index: usize,
    line: u32,
    column: u32,
    place: Place,
}

/// Longest distance from the start of a simple key to its `:`, in characters.
const SIMPLE_KEY_LIMIT: usize = 1024;

/// Turns the text into tokens by the rules of PyYAML's scanner.
#[derive(Debug)]
pub(super) struct Scanner<'a> {
    cursor: Cursor<'a>,
    tokens: VecDeque<Token<'a>>,
    taken: usize,
    /// Whether the first of the tokens is known to be the next one.
    ready: bool,
    done: bool,
    /// The column of the current block; -1 outside of any.
    indent: i64,
    indents: Vec<i64>,
    allow_simple_key: bool,
    /// By flow level, so its length is that of the flow level and one. The first that is there is the oldest.
    keys: Vec<Option<SimpleKey>>,
}

impl<'a> Scanner<'a> {
    pub(super) fn new(text: &'a str, grammar: Grammar) -> Self {
        Self {
            cursor: Cursor::new(text, grammar),
            tokens: room::for_tokens(),
            taken: 0,
            ready: false,
            done: false,
            indent: -1,
            indents: Vec::new(),
            allow_simple_key: true,
            keys: vec![None],
        }
    }

    /// Leaves the memory that it has worked in to the next.
    pub(super) fn leave(self) {
        room::leave_tokens(self.tokens);
    }

    /// The next token, which stays.
    pub(super) fn peek(&mut self) -> Result<&Token<'a>, YamlError> {
        self.make_ready()?;
        Ok(self.tokens.front().expect("the end of the stream is never taken"))
    }

    /// The next token. The end of the stream is never taken.
    pub(super) fn next(&mut self) -> Result<Token<'a>, YamlError> {
        self.make_ready()?;
        self.ready = false;
        self.taken += 1;
        Ok(self.tokens.pop_front().expect("the end of the stream is never taken"))
    }

    /// Scans on until the next token is known. It stays known while nobody takes it: a parser looks at it again and again.
    #[inline]
    fn make_ready(&mut self) -> Result<(), YamlError> {
        while !self.ready {
            if self.needs_more()? {
                self.fetch()?;
            } else {
                self.ready = true;
            }
        }
        Ok(())
    }

    fn in_flow(&self) -> bool {
        self.keys.len() > 1
    }

    fn needs_more(&mut self) -> Result<bool, YamlError> {
        if self.done {
            return Ok(false);
        }
        if self.tokens.is_empty() {
            return Ok(true);
        }
        self.drop_stale_keys()?;
        Ok(self.keys.iter().flatten().next().is_some_and(|key| key.token == self.taken))
    }

    fn push(&mut self, kind: TokenKind<'a>, start: Place) {
        self.tokens.push_back(Token { kind, start, end: self.cursor.place() });
    }

    fn fetch(&mut self) -> Result<(), YamlError> {
        self.skip_to_next_token();
        self.drop_stale_keys()?;
        self.unwind_indent(i64::from(self.cursor.column()));
        let column_zero = self.cursor.column() == 0;
        match self.cursor.peek() {
            0 if self.cursor.at_end() => self.fetch_stream_end(),
            b'%' if column_zero => self.fetch_directive(),
            b'-' if column_zero && self.cursor.is_separator() => self.fetch_separator(TokenKind::DocumentStart),
            b'.' if column_zero && self.cursor.is_separator() => self.fetch_separator(TokenKind::DocumentEnd),
            b'[' => self.fetch_flow_start(TokenKind::FlowSequenceStart),
            b'{' => self.fetch_flow_start(TokenKind::FlowMappingStart),
            b']' => self.fetch_flow_end(TokenKind::FlowSequenceEnd),
            b'}' => self.fetch_flow_end(TokenKind::FlowMappingEnd),
            b',' => self.fetch_flow_entry(),
            b'-' if self.cursor.is_blank(1) => self.fetch_block_entry(),
            b'?' if self.in_flow() || self.cursor.is_blank(1) => self.fetch_key(),
            b':' if self.in_flow() || self.cursor.is_blank(1) => self.fetch_value(),
            b'*' | b'&' => self.fetch_scalar(properties::scan_anchor),
            b'!' => {
                let in_flow = self.in_flow();
                self.fetch_scalar(|cursor| properties::scan_tag(cursor, in_flow))
            }
            b'|' | b'>' if !self.in_flow() => self.fetch_block_scalar(),
            b'\'' | b'"' => self.fetch_scalar(quoted::scan),
            _ if self.begins_plain() => self.fetch_plain(),
            _ => Err(YamlError::at(Problem::CannotStart(self.cursor.char()), self.cursor.place())),
        }
    }

    fn begins_plain(&self) -> bool {
        let byte = self.cursor.peek();
        if byte == b'-' || (!self.in_flow() && matches!(byte, b'?' | b':')) {
            return !self.cursor.is_blank(1);
        }
        !self.cursor.is_blank(0) && !b"-?:,[]{}#&*!|>'\"%@`".contains(&byte)
    }

    fn skip_to_next_token(&mut self) {
        let grammar = self.cursor.grammar();
        if grammar == Grammar::PyYaml && self.cursor.index() == 0 && self.cursor.char() == '\u{FEFF}' {
            self.cursor.advance();
        }
        loop {
            if grammar == Grammar::LibYaml && self.cursor.column() == 0 && self.cursor.char() == '\u{FEFF}' {
                self.cursor.advance();
            }
            // A tab may stand where no key may begin, and so indents nothing.
            if self.in_flow() || !self.allow_simple_key {
                self.cursor.skip_blanks();
            } else {
                self.cursor.skip_spaces();
            }
            if self.cursor.peek() == b'#' {
                self.cursor.skip_line();
            }
            if self.cursor.line_break().is_none() {
                return;
            }
            if !self.in_flow() {
                self.allow_simple_key = true;
            }
        }
    }

    fn drop_stale_keys(&mut self) -> Result<(), YamlError> {
        let (line, index) = (self.cursor.line(), self.cursor.index());
        for slot in &mut self.keys {
            let Some(key) = slot else { continue };
            if key.line != line || index - key.index > SIMPLE_KEY_LIMIT {
                if key.required {
                    return Err(YamlError::since(Problem::NoColon, self.cursor.place(), key.place));
                }
                *slot = None;
            }
        }
        Ok(())
    }

    fn save_simple_key(&mut self) -> Result<(), YamlError> {
        if !self.allow_simple_key {
            return Ok(());
        }
        self.remove_simple_key()?;
        let key = SimpleKey {
            token: self.taken + self.tokens.len(),
            required: !self.in_flow() && self.indent == i64::from(self.cursor.column()),
            index: self.cursor.index(),
            line: self.cursor.line(),
            column: self.cursor.column(),
            place: self.cursor.place(),
        };
        *self.current_key() = Some(key);
        Ok(())
    }

    fn remove_simple_key(&mut self) -> Result<(), YamlError> {
        match self.current_key().take() {
            Some(key) if key.required => Err(YamlError::since(Problem::NoColon, self.cursor.place(), key.place)),
            _ => Ok(()),
        }
    }

    fn current_key(&mut self) -> &mut Option<SimpleKey> {
        self.keys.last_mut().expect("there is always the block level")
    }

    fn unwind_indent(&mut self, column: i64) {
        if self.in_flow() {
            return;
        }
        while self.indent > column {
            self.indent = self.indents.pop().expect("every indent has one below");
            self.push(TokenKind::BlockEnd, self.cursor.place());
        }
    }

    fn add_indent(&mut self, column: u32) -> bool {
        let column = i64::from(column);
        let deeper = self.indent < column;
        if deeper {
            self.indents.push(self.indent);
            self.indent = column;
        }
        deeper
    }

    fn fetch_stream_end(&mut self) -> Result<(), YamlError> {
        self.unwind_indent(-1);
        self.remove_simple_key()?;
        self.allow_simple_key = false;
        self.push(TokenKind::StreamEnd, self.cursor.place());
        self.done = true;
        Ok(())
    }

    fn fetch_directive(&mut self) -> Result<(), YamlError> {
        self.unwind_indent(-1);
        self.remove_simple_key()?;
        self.allow_simple_key = false;
        let start = self.cursor.place();
        let directive = properties::scan_directive(&mut self.cursor)?;
        self.push(TokenKind::Directive(directive), start);
        Ok(())
    }

    fn fetch_separator(&mut self, kind: TokenKind<'a>) -> Result<(), YamlError> {
        self.unwind_indent(-1);
        self.remove_simple_key()?;
        self.allow_simple_key = false;
        self.fetch_indicator(kind, 3);
        Ok(())
    }

    fn fetch_indicator(&mut self, kind: TokenKind<'a>, length: usize) {
        let start = self.cursor.place();
        self.cursor.advance_ascii(length);
        self.push(kind, start);
    }

    fn fetch_flow_start(&mut self, kind: TokenKind<'a>) -> Result<(), YamlError> {
        self.save_simple_key()?;
        self.keys.push(None);
        self.allow_simple_key = true;
        self.fetch_indicator(kind, 1);
        Ok(())
    }

    fn fetch_flow_end(&mut self, kind: TokenKind<'a>) -> Result<(), YamlError> {
        self.remove_simple_key()?;
        if self.in_flow() {
            self.keys.pop();
        } else if self.cursor.grammar() != Grammar::GoYaml {
            // It is scanned on, and the parser refuses the token; behind the end of a document nobody asks for it.
            return Err(YamlError::at(Problem::NotOpened(self.cursor.char()), self.cursor.place()));
        }
        self.allow_simple_key = false;
        self.fetch_indicator(kind, 1);
        Ok(())
    }

    fn fetch_flow_entry(&mut self) -> Result<(), YamlError> {
        self.allow_simple_key = true;
        self.remove_simple_key()?;
        self.fetch_indicator(TokenKind::FlowEntry, 1);
        Ok(())
    }

    /// Begins a block where the cursor stands, unless it already has.
    fn begin_block(&mut self, kind: TokenKind<'a>, refusal: Problem) -> Result<(), YamlError> {
        if !self.allow_simple_key {
            return Err(YamlError::at(refusal, self.cursor.place()));
        }
        if self.add_indent(self.cursor.column()) {
            self.push(kind, self.cursor.place());
        }
        Ok(())
    }

    fn fetch_block_entry(&mut self) -> Result<(), YamlError> {
        if !self.in_flow() {
            self.begin_block(TokenKind::BlockSequenceStart, Problem::EntryNotAllowed)?;
        }
        self.allow_simple_key = true;
        self.remove_simple_key()?;
        self.fetch_indicator(TokenKind::BlockEntry, 1);
        Ok(())
    }

    fn fetch_key(&mut self) -> Result<(), YamlError> {
        if !self.in_flow() {
            self.begin_block(TokenKind::BlockMappingStart, Problem::KeyNotAllowed)?;
        }
        self.allow_simple_key = !self.in_flow();
        self.remove_simple_key()?;
        self.fetch_indicator(TokenKind::Key, 1);
        Ok(())
    }

    fn fetch_value(&mut self) -> Result<(), YamlError> {
        if let Some(key) = self.current_key().take() {
            let at = key.token - self.taken;
            let mark = |kind| Token { kind, start: key.place, end: key.place };
            self.tokens.insert(at, mark(TokenKind::Key));
            if !self.in_flow() && self.add_indent(key.column) {
                self.tokens.insert(at, mark(TokenKind::BlockMappingStart));
            }
            self.allow_simple_key = false;
        } else {
            if !self.in_flow() {
                self.begin_block(TokenKind::BlockMappingStart, Problem::ValueNotAllowed)?;
            }
            self.allow_simple_key = !self.in_flow();
            self.remove_simple_key()?;
        }
        self.fetch_indicator(TokenKind::Value, 1);
        Ok(())
    }

    fn fetch_block_scalar(&mut self) -> Result<(), YamlError> {
        self.allow_simple_key = true;
        self.remove_simple_key()?;
        let token = block::scan(&mut self.cursor, self.indent)?;
        self.tokens.push_back(token);
        Ok(())
    }

    /// Anything that may be a key: anchors, aliases and tags as well.
    fn fetch_scalar(
        &mut self,
        scan: impl FnOnce(&mut Cursor<'a>) -> Result<Token<'a>, YamlError>,
    ) -> Result<(), YamlError> {
        self.save_simple_key()?;
        self.allow_simple_key = false;
        let token = scan(&mut self.cursor)?;
        self.tokens.push_back(token);
        Ok(())
    }

    fn fetch_plain(&mut self) -> Result<(), YamlError> {
        self.save_simple_key()?;
        let plain = plain::scan(&mut self.cursor, self.indent, self.keys.len() > 1)?;
        self.allow_simple_key = plain.allow_simple_key;
        self.tokens.push_back(plain.token);
        Ok(())
    }
}
