use python_text::{Base, IntError, int};

use super::atom::{Atoms, reference};
use super::charset::Member;
use super::escape::{Escape, escape};
use super::flags::{Bits, Flags};
use super::groups::Groups;
use super::piece::{Piece, alternatives, differing};
use super::sequence::Sequence;
use super::set::set;
use super::tokens::{Result, Token, Tokens};
use super::width::Width;
use crate::ast::{Anchor, Ast, Mode};
use crate::error::{PatternError, PatternErrorKind};

/// Python takes two stack frames for a group and one for a conditional, and gives up at a thousand, some of which are
/// taken when a program comes to compile a pattern.
const MAX_NESTED: u32 = 930;
/// Python's `MAXREPEAT`: numbers from here on are refused.
const MAX_REPEAT: u32 = 4_294_967_295;

/// A pattern as parsed: the tree, and how many groups there are besides the whole.
pub(crate) struct Parsed {
    pub(crate) ast: Ast,
    pub(crate) groups: u32,
}

/// Parses a pattern as CPython 3.11 does, accepting and refusing the same.
pub(crate) fn parse(source: &str) -> Result<Parsed> {
    parse_whole(source).map_err(|error| error.located(source))
}

fn parse_whole(source: &str) -> Result<Parsed> {
    let mut parser = Parser {
        tokens: Tokens::new(source)?,
        groups: Groups::new(),
        global: Flags::default(),
        global_bits: Bits::default(),
        late: None,
        atoms: Atoms::default(),
    };
    let whole = parser.alternation(Scope { flags: Flags::default(), nested: 0 })?;
    if parser.global_bits.has('a') && parser.global_bits.has('u') {
        return Err(PatternError::without_position(PatternErrorKind::AsciiAndUnicode));
    }
    if parser.tokens.next().is_some() {
        return Err(parser.tokens.error(PatternErrorKind::UnbalancedParenthesis, 0));
    }
    parser.groups.check_asked()?;
    if let Some(mode) = first_repetition(&whole.ast).filter(|_| parser.global_bits.has('t')) {
        return Err(PatternError::without_position(PatternErrorKind::TemplateOperator(mode)));
    }
    match parser.late {
        Some(error) => Err(error),
        None if parser.atoms.are_too_many() => Err(PatternError::without_position(PatternErrorKind::TooManySets)),
        None => Ok(Parsed { ast: whole.ast, groups: parser.groups.count() - 1 }),
    }
}

pub(super) struct Parser {
    pub(super) tokens: Tokens,
    pub(super) groups: Groups,
    /// The flags that hold where no group changes them.
    pub(super) global: Flags,
    pub(super) global_bits: Bits,
    /// The first error that Python finds only when it has parsed the whole pattern.
    pub(super) late: Option<PatternError>,
    atoms: Atoms,
}

/// Where in the pattern the parser is.
#[derive(Clone, Copy)]
pub(super) struct Scope {
    pub(super) flags: Flags,
    /// How deep, in Python's stack frames.
    pub(super) nested: u32,
}

/// Something parsed, with its width.
pub(super) struct Sized {
    pub(super) ast: Ast,
    pub(super) pieces: Vec<Piece>,
    pub(super) width: Width,
}

/// One item of a sequence.
pub(super) struct Item {
    pub(super) kind: ItemKind,
    pub(super) ast: Ast,
    pub(super) piece: Piece,
    pub(super) width: Width,
}

/// What decides whether a quantifier may follow.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum ItemKind {
    Anchor,
    Repeat,
    Other,
}

impl Item {
    pub(super) fn new(ast: Ast, width: Width) -> Self {
        Self { kind: ItemKind::Other, ast, piece: Piece::Other, width }
    }

    fn one(piece: Piece, ast: Ast) -> Self {
        Self { piece, ..Self::new(ast, Width::ONE) }
    }

    /// `written`: with which character.
    fn anchor(anchor: Anchor, written: char) -> Self {
        let piece = Piece::Anchor(anchor, written);
        Self { kind: ItemKind::Anchor, ast: Ast::Anchor(anchor), piece, width: Width::ZERO }
    }
}

impl Parser {
    fn literal(&mut self, c: u32, flags: Flags) -> Item {
        Item::one(Piece::Literal(c), self.atoms.literal(c, flags))
    }

    fn set(&mut self, members: Vec<Member>, negated: bool, flags: Flags) -> Item {
        let ast = self.atoms.set(&members, negated, flags);
        Item::one(Piece::set(members, negated), ast)
    }

    /// Parses alternatives up to the end of the group or of the pattern.
    pub(super) fn alternation(&mut self, mut scope: Scope) -> Result<Sized> {
        let mut branches = Vec::new();
        let mut pieces = Vec::new();
        let mut width: Option<Width> = None;
        loop {
            let first = scope.nested == 0 && branches.is_empty();
            let branch = self.sequence(Scope { nested: scope.nested + 1, ..scope }, first)?;
            width = Some(width.map_or(branch.width, |width| width.or(branch.width)));
            branches.push(branch.ast);
            pieces.push(branch.pieces);
            if !self.tokens.take('|')? {
                break;
            }
            if scope.nested == 0 {
                scope.flags = self.global;
            }
        }
        let (ast, pieces) = if branches.len() == 1 {
            (branches.swap_remove(0), pieces.swap_remove(0))
        } else {
            let pieces = alternatives(&pieces);
            (differing(&pieces, scope.flags, &mut self.atoms).unwrap_or(Ast::Alternation(branches)), pieces)
        };
        Ok(Sized { ast, pieces, width: width.unwrap_or_default() })
    }

    /// Parses what stands between two bars. `first`: at the very start of the pattern, where flags may be set for all.
    pub(super) fn sequence(&mut self, mut scope: Scope, first: bool) -> Result<Sized> {
        if scope.nested > MAX_NESTED {
            return Err(PatternError::without_position(PatternErrorKind::NestedTooDeeply));
        }
        let mut items = Sequence::with_room(self.tokens.until(|c| matches!(c, '|' | '(' | ')')));
        while let Some(token) = self.tokens.next() {
            if matches!(token, Token::Char('|' | ')')) {
                break;
            }
            self.tokens.get()?;
            let c = match token {
                Token::Escape(c) => {
                    items.push(self.escaped(c, scope.flags)?);
                    continue;
                }
                Token::Char(c) => c,
            };
            if scope.flags.verbose && self.skip_verbose(c)? {
                continue;
            }
            match c {
                '[' => {
                    let (members, negated) = set(&mut self.tokens)?;
                    items.push(self.set(members, negated, scope.flags));
                }
                '*' | '+' | '?' | '{' => self.quantifier(c, &mut items)?,
                '.' => items.push(Item::one(Piece::Dot, Atoms::any(scope.flags))),
                '(' => self.parenthesis(&mut scope, first, &mut items)?,
                '^' => {
                    let anchor = if scope.flags.multiline { Anchor::StartLine } else { Anchor::Start };
                    items.push(Item::anchor(anchor, c));
                }
                '$' => {
                    let anchor = if scope.flags.multiline { Anchor::EndLine } else { Anchor::EndOrFinalNewline };
                    items.push(Item::anchor(anchor, c));
                }
                _ => items.push(self.literal(c.into(), scope.flags)),
            }
        }
        Ok(items.finish())
    }

    fn escaped(&mut self, c: char, flags: Flags) -> Result<Item> {
        Ok(match escape(&mut self.tokens, c, flags, &self.groups)? {
            Escape::Literal(c) => self.literal(c, flags),
            Escape::Category { category, negated } => {
                self.set(vec![Member::Category { category, negated }], false, flags)
            }
            Escape::Anchor(anchor) => Item::anchor(anchor, c),
            Escape::Reference(group) => self.reference(group, flags),
        })
    }

    pub(super) fn reference(&self, group: u32, flags: Flags) -> Item {
        let width = self.groups.width(group).unwrap_or_default();
        Item { piece: Piece::Reference(group), ..Item::new(reference(group, flags), width) }
    }

    /// Skips white space and comments of a verbose pattern; whether `c` began such.
    fn skip_verbose(&mut self, c: char) -> Result<bool> {
        if matches!(c, ' ' | '\t' | '\n' | '\r' | '\x0b' | '\x0c') {
            return Ok(true);
        }
        if c != '#' {
            return Ok(false);
        }
        loop {
            if matches!(self.tokens.get()?, None | Some(Token::Char('\n'))) {
                return Ok(true);
            }
        }
    }

    fn quantifier(&mut self, c: char, items: &mut Sequence) -> Result<()> {
        let here = self.tokens.tell();
        let (min, max) = match c {
            '?' => (0, Some(1)),
            '*' => (0, None),
            '+' => (1, None),
            _ => match self.braces(here)? {
                Some(limits) => limits,
                None => {
                    // Not a quantifier at all: a literal brace. Flags do not bear on it.
                    items.push(Item::one(Piece::Literal('{'.into()), Ast::Literal('{')));
                    return Ok(());
                }
            },
        };
        let before = self.tokens.tell() - here + 1;
        match items.last_kind() {
            None | Some(ItemKind::Anchor) => return Err(self.tokens.error(PatternErrorKind::NothingToRepeat, before)),
            Some(ItemKind::Repeat) => return Err(self.tokens.error(PatternErrorKind::MultipleRepeat, before)),
            Some(ItemKind::Other) => {}
        }
        let mode = if self.tokens.take('?')? {
            Mode::Lazy
        } else if self.tokens.take('+')? {
            Mode::Possessive
        } else {
            Mode::Greedy
        };
        items.repeat_last((min, max), mode);
        Ok(())
    }

    /// The limits in braces, whose opening one has been taken; `None` if these are literal braces.
    fn braces(&mut self, here: usize) -> Result<Option<(u32, Option<u32>)>> {
        if self.tokens.next_char() == Some('}') {
            return Ok(None);
        }
        let low = self.tokens.take_while(usize::MAX, |c| c.is_ascii_digit())?;
        let high = if self.tokens.take(',')? {
            self.tokens.take_while(usize::MAX, |c| c.is_ascii_digit())?
        } else {
            low.clone()
        };
        if !self.tokens.take('}')? {
            self.tokens.seek(here)?;
            return Ok(None);
        }
        let min = limit(&low)?.unwrap_or(0);
        let max = limit(&high)?;
        if max.is_some_and(|max| max < min) {
            let before = self.tokens.tell() - here;
            return Err(self.tokens.error(PatternErrorKind::MinExceedsMax, before));
        }
        Ok(Some((min, max)))
    }
}

/// How the repetition is tried that CPython's compiler comes upon first.
fn first_repetition(ast: &Ast) -> Option<Mode> {
    match ast {
        Ast::Empty | Ast::Literal(_) | Ast::Class(_) | Ast::Anchor(_) | Ast::Reference { .. } => None,
        Ast::Repeat(repeat) => Some(repeat.mode),
        Ast::Concat(items) | Ast::Alternation(items) => items.iter().find_map(first_repetition),
        Ast::Group(_, body) | Ast::Atomic(body) => first_repetition(body),
        Ast::Look(look) => first_repetition(&look.body),
        Ast::Conditional { yes, no, .. } => first_repetition(yes).or_else(|| first_repetition(no)),
    }
}

fn limit(digits: &str) -> Result<Option<u32>> {
    if digits.is_empty() {
        return Ok(None);
    }
    match int(digits, Base::Ten) {
        Err(IntError::TooManyDigits(digits)) => {
            Err(PatternError::without_position(PatternErrorKind::TooManyDigits(digits)))
        }
        Ok(number) => match number.magnitude.and_then(|number| u32::try_from(number).ok()) {
            Some(number) if number < MAX_REPEAT => Ok(Some(number)),
            _ => Err(PatternError::without_position(PatternErrorKind::RepetitionTooLarge)),
        },
        Err(IntError::Invalid) => Err(PatternError::without_position(PatternErrorKind::RepetitionTooLarge)),
    }
}
