//! From the expression to the tree, by the algorithm of Go's parser: operators reduce what is on a stack.

use crate::alternatives;
use crate::class;
use crate::error::{Error, ErrorKind};
use crate::escape::{self, character};
use crate::limits::{Limits, repeats_at_most};
use crate::node::{Arena, Flags, Id, Op};
use crate::set::{Set, orbit};

/// A tree, and the arena that it is in.
#[derive(Debug)]
pub(crate) struct Parsed {
    pub(crate) arena: Arena,
    pub(crate) root: Id,
}

pub(crate) fn parse(source: &str) -> Result<Parsed, Error> {
    let mut parser = Parser {
        source,
        flags: Flags::PERL,
        stack: Vec::new(),
        arena: Arena::default(),
        limits: Limits::default(),
        captures: 0,
    };
    let mut rest = source;
    let mut last_repeat = None;
    while !rest.is_empty() {
        let piece = parser.piece(rest, last_repeat)?;
        last_repeat = piece.repeats.then_some(rest);
        rest = piece.rest;
    }
    parser.close()?;
    match parser.stack[..] {
        [root] => Ok(Parsed { arena: parser.arena, root }),
        _ => Err(Error::new(ErrorKind::MissingParen, source)),
    }
}

pub(crate) struct Parser<'s> {
    source: &'s str,
    pub(crate) flags: Flags,
    pub(crate) stack: Vec<Id>,
    pub(crate) arena: Arena,
    limits: Limits,
    captures: u32,
}

/// What has been read: what follows it, and whether it was a repetition.
struct Piece<'s> {
    rest: &'s str,
    repeats: bool,
}

impl<'s> Parser<'s> {
    /// Reads the next piece of an expression. `last_repeat` is what followed the piece before, if that was a repetition, with
    /// the repetition itself in front.
    fn piece(&mut self, text: &'s str, last_repeat: Option<&'s str>) -> Result<Piece<'s>, Error> {
        let (first, after) = character(text);
        let rest = match first {
            '(' if after.starts_with('?') => self.group_or_flags(text)?,
            '(' => {
                self.open_capture()?;
                after
            }
            '|' => {
                self.vertical_bar()?;
                after
            }
            ')' => {
                self.right_parenthesis()?;
                after
            }
            '^' => self.put(if self.flags.one_line { Op::BeginText } else { Op::BeginLine }, after)?,
            '$' => {
                let op = if self.flags.one_line { Op::EndText } else { Op::EndLine };
                let id = self.arena.node(op, self.flags);
                self.arena[id].dollar = self.flags.one_line;
                self.push(id)?;
                after
            }
            '.' => self.put(if self.flags.dot_matches_newline { Op::Any } else { Op::AnyButNewline }, after)?,
            '[' => {
                let id = self.arena.node(Op::Class, self.flags);
                let (set, rest) = class::bracketed(text, self.flags.fold)?;
                self.arena[id].set = set;
                self.push(id)?;
                rest
            }
            '*' | '+' | '?' => {
                let (op, min, max) = match first {
                    '*' => (Op::Star, 0, None),
                    '+' => (Op::Plus, 1, None),
                    _ => (Op::Quest, 0, Some(1)),
                };
                return self.repeat(op, (min, max), [text, after], last_repeat);
            }
            '{' => match counted(text) {
                Some(times) => return self.repeat_counted(text, times, last_repeat),
                None => {
                    self.literal(u32::from('{'))?;
                    after
                }
            },
            '\\' => self.escape(text)?,
            c => {
                self.literal(u32::from(c))?;
                after
            }
        };
        Ok(Piece { rest, repeats: false })
    }

    /// What begins with a backslash.
    fn escape(&mut self, text: &'s str) -> Result<&'s str, Error> {
        let op = match text.as_bytes().get(1) {
            Some(b'A') => Some(Op::BeginText),
            Some(b'b') => Some(Op::WordBoundary),
            Some(b'B') => Some(Op::NoWordBoundary),
            Some(b'z') => Some(Op::EndText),
            Some(b'C') => return Err(Error::new(ErrorKind::InvalidEscape, &text[..2])),
            Some(b'Q') => return self.quoted(&text[2..]),
            _ => None,
        };
        if let Some(op) = op {
            return self.put(op, &text[2..]);
        }
        let id = self.arena.node(Op::Class, self.flags);
        let mut set = Set::default();
        if let Some(rest) = class::escaped(text, self.flags.fold, &mut set)? {
            self.arena[id].set = set;
            self.push(id)?;
            return Ok(rest);
        }
        self.free(id);
        let (c, rest) = escape::escaped(text)?;
        self.literal(c)?;
        Ok(rest)
    }

    /// What stands between `\Q` and `\E`, or the end.
    fn quoted(&mut self, text: &'s str) -> Result<&'s str, Error> {
        let (quoted, rest) = text.split_once(r"\E").unwrap_or((text, ""));
        quoted.chars().try_for_each(|c| self.literal(c.into()))?;
        Ok(rest)
    }

    /// Pushes what has no parts.
    fn put(&mut self, op: Op, rest: &'s str) -> Result<&'s str, Error> {
        let id = self.arena.node(op, self.flags);
        self.push(id)?;
        Ok(rest)
    }

    fn literal(&mut self, c: u32) -> Result<(), Error> {
        let id = self.arena.node(Op::Literal, self.flags);
        let c = if self.flags.fold { orbit(c).min().unwrap_or(c) } else { c };
        self.arena[id].literal.push(c);
        self.push(id)
    }

    fn open_capture(&mut self) -> Result<(), Error> {
        self.captures += 1;
        let id = self.arena.node(Op::LeftParen, self.flags);
        self.arena[id].capture = self.captures;
        self.push(id)
    }

    /// `(?P<name>`, `(?<name>`, `(?i:`, `(?i)`
    fn group_or_flags(&mut self, text: &'s str) -> Result<&'s str, Error> {
        let name_from = [("(?P<", 4), ("(?<", 3)]
            .into_iter()
            .find(|(begins, _)| text.starts_with(begins) && text.len() > begins.len());
        if let Some((_, from)) = name_from {
            let Some(end) = text.find('>') else { return Err(Error::new(ErrorKind::InvalidNamedCapture, text)) };
            let name = &text[from..end];
            if name.is_empty() || !name.bytes().all(|b| b == b'_' || b.is_ascii_alphanumeric()) {
                return Err(Error::new(ErrorKind::InvalidNamedCapture, &text[..=end]));
            }
            self.open_capture()?;
            return Ok(&text[end + 1..]);
        }
        let (mut flags, mut on, mut any_off) = (self.flags, true, false);
        let mut rest = &text[2..];
        while !rest.is_empty() {
            let (c, after) = character(rest);
            rest = after;
            match c {
                'i' => flags.fold = on,
                'm' => flags.one_line = !on,
                's' => flags.dot_matches_newline = on,
                'U' => flags.lazy = on,
                '-' if on => {
                    on = false;
                    continue;
                }
                ':' | ')' if on || any_off => {
                    if c == ':' {
                        self.put(Op::LeftParen, rest)?;
                    }
                    self.flags = flags;
                    return Ok(rest);
                }
                _ => break,
            }
            any_off |= !on;
        }
        Err(Error::new(ErrorKind::InvalidPerlOp, &text[..text.len() - rest.len()]))
    }

    fn vertical_bar(&mut self) -> Result<(), Error> {
        self.concat()?;
        if !self.sink_below_bar() {
            self.put(Op::VerticalBar, "")?;
        }
        Ok(())
    }

    fn right_parenthesis(&mut self) -> Result<(), Error> {
        self.close()?;
        let [.., paren, body] = self.stack[..] else { return Err(Error::new(ErrorKind::UnexpectedParen, self.source)) };
        if self.arena[paren].op != Op::LeftParen {
            return Err(Error::new(ErrorKind::UnexpectedParen, self.source));
        }
        self.stack.truncate(self.stack.len() - 2);
        self.flags = self.arena[paren].flags;
        if self.arena[paren].capture == 0 {
            return self.push(body);
        }
        self.arena[paren].op = Op::Capture;
        self.arena[paren].subs = vec![body];
        self.push(paren)
    }

    /// Makes one node of all above the last open parenthesis.
    fn close(&mut self) -> Result<(), Error> {
        self.concat()?;
        if self.sink_below_bar() {
            self.stack.pop();
        }
        self.alternate()
    }

    /// A repetition of what is on top of the stack. `texts`: from its operator on, and behind it.
    fn repeat(
        &mut self,
        op: Op,
        (min, max): (u32, Option<u32>),
        texts: [&'s str; 2],
        last_repeat: Option<&'s str>,
    ) -> Result<Piece<'s>, Error> {
        let [text, after] = texts;
        let mut flags = self.flags;
        let rest = match after.strip_prefix('?') {
            Some(rest) => {
                flags.lazy = !flags.lazy;
                rest
            }
            None => after,
        };
        let part = |from: &'s str| &from[..from.len() - rest.len()];
        if let Some(last) = last_repeat {
            return Err(Error::new(ErrorKind::InvalidRepeatOp, part(last)));
        }
        let Some(sub) = self.stack.last_mut().filter(|id| !self.arena[**id].op.is_mark()) else {
            return Err(Error::new(ErrorKind::MissingRepeatArgument, part(text)));
        };
        let id = self.arena.node(op, flags);
        self.arena[id].subs = vec![std::mem::replace(sub, id)];
        (self.arena[id].min, self.arena[id].max) = (min, max);
        self.check(id)?;
        let many = op == Op::Repeat && (min >= 2 || max.is_some_and(|max| max >= 2));
        if many && !repeats_at_most(&self.arena, id, MAX_REPEAT) {
            return Err(Error::new(ErrorKind::InvalidRepeatSize, part(text)));
        }
        Ok(Piece { rest, repeats: true })
    }

    fn repeat_counted(&mut self, text: &'s str, times: Counted<'s>, last: Option<&'s str>) -> Result<Piece<'s>, Error> {
        let Counted { bounds, rest } = times;
        match bounds {
            Some((min, max)) if max.is_none_or(|max| min <= max) => {
                self.repeat(Op::Repeat, (min, max), [text, rest], last)
            }
            _ => Err(Error::new(ErrorKind::InvalidRepeatSize, &text[..text.len() - rest.len()])),
        }
    }

    pub(crate) fn free(&mut self, id: Id) {
        self.limits.freed(id);
        self.arena.free(id);
    }

    pub(crate) fn check(&mut self, id: Id) -> Result<(), Error> {
        self.limits.check(&self.arena, &self.stack, id).map_err(|kind| Error::new(kind, self.source))
    }

    fn push(&mut self, id: Id) -> Result<(), Error> {
        self.limits.runes += self.arena[id].runes();
        match self.as_character(id) {
            Some((c, flags)) => {
                if self.join_literals(Some((c, flags))) {
                    return Ok(());
                }
                let node = &mut self.arena[id];
                node.op = Op::Literal;
                (node.literal, node.set, node.flags) = (vec![c], Set::default(), flags);
            }
            None => {
                self.join_literals(None);
            }
        }
        self.stack.push(id);
        self.check(id)
    }

    /// The character that a class comes to, if it is one, or two that are the same but for case.
    fn as_character(&self, id: Id) -> Option<(u32, Flags)> {
        let node = &self.arena[id];
        let with = |fold| Flags { fold, ..self.flags };
        let are_all = |a: u32, b: u32| a != b && orbit(a).eq([a, b]);
        match *node.set.ranges() {
            _ if node.op != Op::Class => None,
            [(a, b)] if a == b => Some((a, with(false))),
            [(a, b)] if a + 1 == b && are_all(a, b) => Some((a, with(true))),
            [(a, a_end), (b, b_end)] if a == a_end && b == b_end && are_all(a, b) => Some((a, with(true))),
            _ => None,
        }
    }

    /// Joins the two literals on top of the stack, which no operator can part any more. If there is something left over,
    /// `then` is made of it, and the answer is yes.
    fn join_literals(&mut self, then: Option<(u32, Flags)>) -> bool {
        let [.., below, top] = self.stack[..] else { return false };
        let (one, other) = (&self.arena[below], &self.arena[top]);
        if one.op != Op::Literal || other.op != Op::Literal || one.flags.fold != other.flags.fold {
            return false;
        }
        let joined = std::mem::take(&mut self.arena[top].literal);
        self.arena[below].literal.extend(joined);
        let Some((c, flags)) = then else {
            self.stack.pop();
            self.free(top);
            return false;
        };
        (self.arena[top].literal, self.arena[top].flags) = (vec![c], flags);
        true
    }

    /// All above the topmost mark.
    fn above_mark(&mut self) -> Vec<Id> {
        let mark = self.stack.iter().rposition(|&id| self.arena[id].op.is_mark());
        self.stack.split_off(mark.map_or(0, |mark| mark + 1))
    }

    fn concat(&mut self) -> Result<(), Error> {
        self.join_literals(None);
        let subs = self.above_mark();
        let id = match subs[..] {
            [] => self.arena.node(Op::Empty, Flags::PERL),
            _ => self.collapse(subs, Op::Concat)?,
        };
        self.push(id)
    }

    fn alternate(&mut self) -> Result<(), Error> {
        let subs = self.above_mark();
        let id = match subs.last() {
            None => self.arena.node(Op::NoMatch, Flags::PERL),
            Some(&last) => {
                alternatives::clean(&mut self.arena[last]);
                self.collapse(subs, Op::Alternate)?
            }
        };
        self.push(id)
    }

    /// One node of several, in which there is none of its own kind.
    pub(crate) fn collapse(&mut self, subs: Vec<Id>, op: Op) -> Result<Id, Error> {
        if let [only] = subs[..] {
            return Ok(only);
        }
        let id = self.arena.node(op, Flags::PERL);
        let mut all = Vec::with_capacity(subs.len());
        for sub in subs {
            if self.arena[sub].op == op {
                all.append(&mut self.arena[sub].subs);
                self.free(sub);
            } else {
                all.push(sub);
            }
        }
        if op == Op::Alternate {
            all = self.factored(all)?;
            if let [only] = all[..] {
                self.free(id);
                return Ok(only);
            }
        }
        self.arena[id].subs = all;
        Ok(id)
    }

    /// If what is on top stands above a bar, puts it below: what stands there are branches.
    fn sink_below_bar(&mut self) -> bool {
        let [.., bar, top] = self.stack[..] else { return false };
        if self.arena[bar].op != Op::VerticalBar {
            return false;
        }
        let below = self.stack.len().checked_sub(3).map(|at| (at, self.stack[at]));
        if let Some((at, below)) = below {
            if self.arena[top].is_one_character() && self.arena[below].is_one_character() {
                let (into, from) = if self.arena[top].op > self.arena[below].op { (top, below) } else { (below, top) };
                self.stack[at] = into;
                alternatives::merge(&mut self.arena, into, from);
                self.free(from);
                self.stack.pop();
                return true;
            }
            alternatives::clean(&mut self.arena[below]);
        }
        let length = self.stack.len();
        self.stack.swap(length - 2, length - 1);
        true
    }
}

/// No repetition, with those within it, makes more copies than this of anything.
const MAX_REPEAT: u32 = 1_000;

/// `{2}`, `{2,}`, `{2,3}`: what follows, and the bounds, unless one is too large.
#[derive(Clone, Copy)]
struct Counted<'s> {
    bounds: Option<(u32, Option<u32>)>,
    rest: &'s str,
}

fn counted(text: &str) -> Option<Counted<'_>> {
    let (min, rest) = number(text.strip_prefix('{')?)?;
    let (max, rest) = match rest.strip_prefix(',') {
        None => (min.map(Some), rest),
        Some(rest) if rest.starts_with('}') => (Some(None), rest),
        Some(rest) => {
            let (max, rest) = number(rest)?;
            (max.map(Some), rest)
        }
    };
    Some(Counted { bounds: min.zip(max), rest: rest.strip_prefix('}')? })
}

/// A decimal number without leading zeros, if it is not too large, and what follows.
fn number(text: &str) -> Option<(Option<u32>, &str)> {
    let length = text.bytes().take_while(u8::is_ascii_digit).count();
    let (digits, rest) = text.split_at(length);
    if digits.is_empty() || (length > 1 && digits.starts_with('0')) {
        return None;
    }
    Some((digits.parse().ok().filter(|&number| number <= MAX_REPEAT), rest))
}
