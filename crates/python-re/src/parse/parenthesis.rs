use python_text::{Base, LETTER, int, number_text};

use super::flags::{Bits, Change};
use super::groups::MAX_GROUPS;
use super::names::is_identifier;
use super::parser::{Item, Parser, Scope, Sized};
use super::piece::Piece;
use super::sequence::Sequence;
use super::tokens::{Result, Token};
use super::width::Width;
use crate::ast::{Ast, Look};
use crate::error::{Named, PatternError, PatternErrorKind};

/// What kind of group an opening begins.
enum Opening {
    Capture(Option<String>),
    Plain(Change),
    Atomic,
}

impl Parser {
    /// Parses what an opening parenthesis, which has been taken, begins.
    pub(super) fn parenthesis(&mut self, scope: &mut Scope, first: bool, items: &mut Sequence) -> Result<()> {
        let start = self.tokens.tell() - 1;
        if !self.tokens.take('?')? {
            return self.group(*scope, start, &Opening::Capture(None), items);
        }
        let token = self.tokens.get()?.ok_or_else(|| self.tokens.error(PatternErrorKind::UnexpectedEnd, 0))?;
        match token {
            Token::Char('P') => self.python_extension(*scope, start, items),
            Token::Char(':') => self.group(*scope, start, &Opening::Plain(Change::default()), items),
            Token::Char('>') => self.group(*scope, start, &Opening::Atomic, items),
            Token::Char('#') => self.comment(start),
            Token::Char(c @ ('=' | '!' | '<')) => self.look(*scope, start, c, items),
            Token::Char('(') => self.conditional(*scope, start, items),
            Token::Char(c) if c == '-' || Bits::of(c).is_some() => match self.flags(c)? {
                Some(change) => self.group(*scope, start, &Opening::Plain(change), items),
                None if first && items.is_empty() => {
                    scope.flags = self.global;
                    Ok(())
                }
                None => {
                    let before = self.tokens.tell() - start;
                    Err(self.tokens.error(PatternErrorKind::GlobalFlagsNotAtStart, before))
                }
            },
            other => Err(self.tokens.error(PatternErrorKind::UnknownExtension(format!("?{other}")), other.len() + 1)),
        }
    }

    fn group(&mut self, scope: Scope, start: usize, opening: &Opening, items: &mut Sequence) -> Result<()> {
        let group = match opening {
            Opening::Capture(name) => Some(self.groups.open(name.as_deref(), &self.tokens)?),
            _ => None,
        };
        let flags = match opening {
            Opening::Plain(change) => scope.flags.changed(*change),
            _ => scope.flags,
        };
        let body = self.alternation(Scope { flags, nested: scope.nested + 1 })?;
        self.close(start)?;
        let piece = match opening {
            Opening::Plain(change) if change.is_empty() => Piece::Several(body.pieces.into()),
            _ => Piece::Other,
        };
        let ast = match (opening, group) {
            (Opening::Atomic, _) => Ast::Atomic(Box::new(body.ast)),
            (_, Some(group)) => {
                self.groups.close(group, body.width);
                Ast::Group(group, Box::new(body.ast))
            }
            (_, None) => body.ast,
        };
        items.push(Item { piece, ..Item::new(ast, body.width) });
        Ok(())
    }

    fn close(&mut self, start: usize) -> Result<()> {
        if self.tokens.take(')')? {
            return Ok(());
        }
        Err(self.tokens.error(PatternErrorKind::UnterminatedGroup, self.tokens.tell() - start))
    }

    fn comment(&mut self, start: usize) -> Result<()> {
        loop {
            if self.tokens.next().is_none() {
                let before = self.tokens.tell() - start;
                return Err(self.tokens.error(PatternErrorKind::UnterminatedComment, before));
            }
            if self.tokens.get()? == Some(Token::Char(')')) {
                return Ok(());
            }
        }
    }

    /// `(?P<name>…)` and `(?P=name)`.
    fn python_extension(&mut self, scope: Scope, start: usize, items: &mut Sequence) -> Result<()> {
        if self.tokens.take('<')? {
            let name = self.tokens.take_until('>', Named::Group)?;
            self.check_name(&name)?;
            return self.group(scope, start, &Opening::Capture(Some(name)), items);
        }
        if !self.tokens.take('=')? {
            let token = self.tokens.get()?.ok_or_else(|| self.tokens.error(PatternErrorKind::UnexpectedEnd, 0))?;
            return Err(self.tokens.error(PatternErrorKind::UnknownExtension(format!("?P{token}")), token.len() + 2));
        }
        let name = self.tokens.take_until(')', Named::Group)?;
        self.check_name(&name)?;
        let before = name.chars().count() + 1;
        let group = self
            .groups
            .named(&name)
            .ok_or_else(|| self.tokens.error(PatternErrorKind::UnknownGroupName(name.clone()), before))?;
        if self.groups.width(group).is_none() {
            return Err(self.tokens.error(PatternErrorKind::OpenGroupReference, before));
        }
        self.groups.check_look_behind(group, &self.tokens)?;
        let item = self.reference(group, scope.flags);
        items.push(item);
        Ok(())
    }

    fn check_name(&self, name: &str) -> Result<()> {
        if is_identifier(name) {
            return Ok(());
        }
        Err(self.bad_name(name))
    }

    fn bad_name(&self, name: &str) -> PatternError {
        self.tokens.error(PatternErrorKind::BadGroupName(name.to_owned()), name.chars().count() + 1)
    }

    fn look(&mut self, scope: Scope, start: usize, c: char, items: &mut Sequence) -> Result<()> {
        let behind = c == '<';
        let token = if behind {
            let token = self.tokens.get()?.ok_or_else(|| self.tokens.error(PatternErrorKind::UnexpectedEnd, 0))?;
            if !matches!(token, Token::Char('=' | '!')) {
                return Err(self
                    .tokens
                    .error(PatternErrorKind::UnknownExtension(format!("?<{token}")), token.len() + 2));
            }
            token
        } else {
            Token::Char(c)
        };
        let outermost = behind && self.groups.enter_look_behind();
        let body = self.alternation(Scope { nested: scope.nested + 1, ..scope })?;
        self.groups.leave_look_behind(outermost);
        self.close(start)?;
        let behind = behind.then(|| self.look_behind_width(body.width));
        let look = Look { negated: token == Token::Char('!'), behind, body: body.ast };
        items.push(Item::new(Ast::Look(Box::new(look)), Width::ZERO));
        Ok(())
    }

    /// The width of a look-behind. Python refuses one that is not fixed only after it has parsed the whole pattern.
    fn look_behind_width(&mut self, width: Width) -> u32 {
        let late = match u32::try_from(width.min) {
            Err(_) => PatternErrorKind::LookBehindTooLong,
            Ok(_) if width.min != width.max => PatternErrorKind::VariableLookBehind,
            Ok(width) => return width,
        };
        self.late.get_or_insert_with(|| PatternError::without_position(late));
        0
    }

    fn conditional(&mut self, scope: Scope, start: usize, items: &mut Sequence) -> Result<()> {
        let name = self.tokens.take_until(')', Named::Group)?;
        let group = self.conditional_group(&name)?;
        self.groups.check_look_behind(group, &self.tokens)?;
        let inner = Scope { nested: scope.nested + 1, ..scope };
        let yes = self.sequence(inner, false)?;
        let no = if self.tokens.take('|')? {
            let no = self.sequence(inner, false)?;
            if self.tokens.next_char() == Some('|') {
                return Err(self.tokens.error(PatternErrorKind::TooManyBranches, 0));
            }
            no
        } else {
            Sized { ast: Ast::Empty, pieces: Vec::new(), width: Width::ZERO }
        };
        self.close(start)?;
        let width = yes.width.or(no.width);
        let ast = Ast::Conditional { group, yes: Box::new(yes.ast), no: Box::new(no.ast) };
        items.push(Item::new(ast, width));
        Ok(())
    }

    fn conditional_group(&mut self, name: &str) -> Result<u32> {
        let before = name.chars().count() + 1;
        if is_identifier(name) {
            let unknown = || self.tokens.error(PatternErrorKind::UnknownGroupName(name.to_string()), before);
            return self.groups.named(name).ok_or_else(unknown);
        }
        let group = int(name, Base::Ten).ok().filter(|group| !group.negative).ok_or_else(|| self.bad_name(name))?;
        if group.magnitude == Some(0) {
            return Err(self.tokens.error(PatternErrorKind::BadGroupNumber, before));
        }
        let group = group.magnitude.and_then(|group| u32::try_from(group).ok()).filter(|&group| group < MAX_GROUPS);
        let group =
            group.ok_or_else(|| self.tokens.error(PatternErrorKind::InvalidGroupReference(canonical(name)), before))?;
        self.groups.ask(group, self.tokens.tell() - before);
        Ok(group)
    }

    /// The flags of `(?flags)`, `(?flags:` and `(?flags-flags:`, from the first letter, which has been taken, to the
    /// end of the opening. `None`: they are set for the whole pattern.
    fn flags(&mut self, first: char) -> Result<Option<Change>> {
        let mut change = Change::default();
        let mut end = first;
        if first != '-' {
            (change.on, end) = self.flags_on(first)?;
        }
        if end == ')' {
            self.global_bits = self.global_bits.with(change.on);
            self.global = self.global.changed(change);
            return Ok(None);
        }
        if !change.on.of_pattern().is_empty() {
            return Err(self.tokens.error(PatternErrorKind::BadFlags("cannot turn on global flag"), 1));
        }
        if end == '-' {
            change.off = self.flags_off()?;
        }
        if !change.off.of_pattern().is_empty() {
            return Err(self.tokens.error(PatternErrorKind::BadFlags("cannot turn off global flag"), 1));
        }
        if change.on.meets(change.off) {
            return Err(self.tokens.error(PatternErrorKind::BadFlags("flag turned on and off"), 1));
        }
        Ok(Some(change))
    }

    fn flags_on(&mut self, first: char) -> Result<(Bits, char)> {
        let mut on = Bits::default();
        let mut c = first;
        loop {
            if c == 'L' {
                let why = "cannot use 'L' flag with a str pattern";
                return Err(self.tokens.error(PatternErrorKind::BadFlags(why), 0));
            }
            let flag = Bits::of(c).unwrap_or_default();
            on = on.with(flag);
            if !flag.of_type().is_empty() && on.of_type() != flag {
                let why = "flags 'a', 'u' and 'L' are incompatible";
                return Err(self.tokens.error(PatternErrorKind::BadFlags(why), 0));
            }
            c = self.flag_letter("-, : or )", &[')', '-', ':'])?;
            if matches!(c, ')' | '-' | ':') {
                return Ok((on, c));
            }
        }
    }

    fn flags_off(&mut self) -> Result<Bits> {
        let mut off = Bits::default();
        let mut c = self.flag_letter("flag", &[])?;
        loop {
            let flag = Bits::of(c).unwrap_or_default();
            if !flag.of_type().is_empty() {
                let why = "cannot turn off flags 'a', 'u' and 'L'";
                return Err(self.tokens.error(PatternErrorKind::BadFlags(why), 0));
            }
            off = off.with(flag);
            c = self.flag_letter(":", &[':'])?;
            if c == ':' {
                return Ok(off);
            }
        }
    }

    /// Takes a flag letter or one of the terminators.
    fn flag_letter(&mut self, missing: &'static str, terminators: &[char]) -> Result<char> {
        let token = self.tokens.get()?.ok_or_else(|| self.tokens.error(PatternErrorKind::MissingFlag(missing), 0))?;
        match token {
            Token::Char(c) if terminators.contains(&c) || Bits::of(c).is_some() => Ok(c),
            Token::Char(c) if LETTER.contains(c) => Err(self.tokens.error(PatternErrorKind::UnknownFlag, 1)),
            other => Err(self.tokens.error(PatternErrorKind::MissingFlag(missing), other.len())),
        }
    }
}

/// A number as Python's `%d` writes it.
fn canonical(number: &str) -> String {
    number_text(number).trim_start_matches(['+', '0', '_']).replace('_', "")
}
