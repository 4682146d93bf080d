//! How much work regex-syntax has with the classes of a regex, reckoned before it is done.
//!
//! Where capitals do not matter, it looks up each code point of a class for its other cases: `[!-\u{10FFFF}]`, nine bytes, costs
//! 1.1 million look-ups, and `[[^a]b]` does, too, since what is in the inner class is looked up again with the outer one. And a class
//! is kept in order while it grows, so that its parts are moved for each that comes. Neither is bounded there.
//!
//! So the tree of the regex, which is read in a time proportional to its length, is walked as the translator of regex-syntax walks it,
//! with numbers in place of sets: how many code points and how many ranges each holds at most, and whether it has been folded, which
//! is not done twice. What comes of that is never less than what is looked up.

use std::convert::Infallible;
use std::sync::LazyLock;

use regex_syntax::ast::{self, Ast, ClassPerlKind, ClassSetBinaryOpKind, ClassSetItem, FlagsItemKind, Visitor};
use regex_syntax::hir::{Class, HirKind};

/// All code points that a class can hold.
const ALL: u64 = 0x11_0000;
/// How many ranges other cases add to a class at most: as many as there are characters that have another case, and more.
const CASES: u64 = 3_000;
/// So many ranges, 128 bytes, are moved in the time of one look-up: both are a few nanoseconds.
const MOVED: u64 = 16;

/// The work with the classes of a regex, in look-ups of code points; none for a regex that is none.
pub(super) fn of(regex: &str, fold: bool) -> u64 {
    // Most have neither.
    if !regex.contains('[') && !regex.contains(r"\p") && !regex.contains(r"\P") {
        return 0;
    }
    let Ok(ast) = ast::parse::Parser::new().parse(regex) else { return 0 };
    let fold = fold || ast::visit(&ast, Flags(false)).unwrap_or(true);
    ast::visit(&ast, Reckoner { regex, fold, open: Vec::new(), work: 0 }).unwrap_or(u64::MAX)
}

/// Whether a flag for capitals stands anywhere. Where it holds is not looked at.
struct Flags(bool);

impl Visitor for Flags {
    type Output = bool;
    type Err = Infallible;

    fn finish(self) -> Result<bool, Infallible> {
        Ok(self.0)
    }

    fn visit_pre(&mut self, ast: &Ast) -> Result<(), Infallible> {
        let flags = match ast {
            Ast::Flags(set) => Some(&set.flags),
            Ast::Group(group) => group.flags(),
            _ => None,
        };
        let mut items = flags.iter().flat_map(|flags| &flags.items);
        self.0 |= items.any(|item| item.kind == FlagsItemKind::Flag(ast::Flag::CaseInsensitive));
        Ok(())
    }
}

/// What is known of a set: at most so much.
#[derive(Clone, Copy, Debug)]
struct Set {
    points: u64,
    ranges: u64,
    folded: bool,
}

impl Set {
    const EMPTY: Self = Self { points: 0, ranges: 0, folded: true };

    const fn of(points: u64, ranges: u64) -> Self {
        Self { points, ranges, folded: false }
    }

    fn and(self, other: Self, points: u64) -> Self {
        Self { points: points.min(ALL), ranges: self.ranges + other.ranges, folded: self.folded && other.folded }
    }
}

struct Reckoner<'r> {
    regex: &'r str,
    fold: bool,
    /// The classes that have been begun, the innermost last.
    open: Vec<Set>,
    work: u64,
}

impl Reckoner<'_> {
    fn pop(&mut self) -> Set {
        self.open.pop().unwrap_or(Set::of(ALL, CASES))
    }

    fn folded(&mut self, set: Set) -> Set {
        if !self.fold || set.folded {
            return set;
        }
        self.work += set.points + set.ranges;
        let cases = CASES.min(3 * set.points);
        Set { points: (set.points + cases).min(ALL), ranges: set.ranges + cases, folded: true }
    }

    fn folded_and_negated(&mut self, set: Set, negated: bool) -> Set {
        let set = self.folded(set);
        if negated { Set { points: ALL, ranges: set.ranges + 1, ..set } } else { set }
    }

    /// Adds a character or a range to the class at hand.
    fn push(&mut self, points: u64) {
        if let Some(set) = self.open.last_mut() {
            self.work += 1 + set.ranges / MOVED;
            *set = Set { points: (set.points + points).min(ALL), ranges: set.ranges + 1, folded: false };
        }
    }

    /// Adds a set to the class at hand.
    fn unite(&mut self, other: Set) {
        if let Some(set) = self.open.last_mut() {
            self.work += 1 + set.ranges + other.ranges;
            *set = set.and(other, set.points + other.points);
        }
    }

    fn property(&mut self, class: &ast::ClassUnicode) -> Set {
        let text = self.regex.get(class.span.start.offset..class.span.end.offset).unwrap_or_default();
        let set = named(text);
        // What is negated is folded before.
        let set = if class.is_negated() { Set { points: ALL - set.points, ..set } } else { set };
        self.folded_and_negated(set, class.is_negated())
    }
}

/// The set that a name stands for.
fn named(class: &str) -> Set {
    let parsed = regex_syntax::parse(class);
    let Some(Class::Unicode(class)) = parsed.ok().and_then(|hir| match hir.into_kind() {
        HirKind::Class(class) => Some(class),
        _ => None,
    }) else {
        return Set::of(ALL, CASES);
    };
    let points = class.iter().map(|range| u64::from(u32::from(range.end()) - u32::from(range.start())) + 1).sum();
    Set::of(points, class.ranges().len() as u64)
}

static DIGITS: LazyLock<Set> = LazyLock::new(|| named(r"\d"));
static SPACES: LazyLock<Set> = LazyLock::new(|| named(r"\s"));
static WORDS: LazyLock<Set> = LazyLock::new(|| named(r"\w"));

fn perl(class: &ast::ClassPerl) -> Set {
    let set = match class.kind {
        ClassPerlKind::Digit => *DIGITS,
        ClassPerlKind::Space => *SPACES,
        ClassPerlKind::Word => *WORDS,
    };
    if class.negated { Set::of(ALL, set.ranges + 1) } else { set }
}

impl Visitor for Reckoner<'_> {
    type Output = u64;
    type Err = Infallible;

    fn finish(self) -> Result<u64, Infallible> {
        Ok(self.work)
    }

    fn visit_pre(&mut self, ast: &Ast) -> Result<(), Infallible> {
        if let Ast::ClassBracketed(_) = ast {
            self.open.push(Set::EMPTY);
        }
        Ok(())
    }

    fn visit_post(&mut self, ast: &Ast) -> Result<(), Infallible> {
        match ast {
            Ast::ClassBracketed(class) => {
                let set = self.pop();
                self.folded_and_negated(set, class.negated);
            }
            Ast::ClassUnicode(class) => {
                self.property(class);
            }
            _ => {}
        }
        Ok(())
    }

    fn visit_class_set_item_pre(&mut self, item: &ClassSetItem) -> Result<(), Infallible> {
        if let ClassSetItem::Bracketed(_) = item {
            self.open.push(Set::EMPTY);
        }
        Ok(())
    }

    fn visit_class_set_item_post(&mut self, item: &ClassSetItem) -> Result<(), Infallible> {
        match item {
            ClassSetItem::Empty(_) | ClassSetItem::Union(_) => {}
            ClassSetItem::Literal(_) => self.push(1),
            ClassSetItem::Range(range) => self.push(u64::from(u32::from(range.end.c) - u32::from(range.start.c)) + 1),
            ClassSetItem::Ascii(class) => {
                let set = self.folded_and_negated(Set::of(128, 8), class.negated);
                self.unite(set);
            }
            ClassSetItem::Unicode(class) => {
                let set = self.property(class);
                self.unite(set);
            }
            ClassSetItem::Perl(class) => self.unite(perl(class)),
            ClassSetItem::Bracketed(class) => {
                let set = self.pop();
                let set = self.folded_and_negated(set, class.negated);
                self.unite(set);
            }
        }
        Ok(())
    }

    fn visit_class_set_binary_op_pre(&mut self, _: &ast::ClassSetBinaryOp) -> Result<(), Infallible> {
        self.open.push(Set::EMPTY);
        Ok(())
    }

    fn visit_class_set_binary_op_in(&mut self, _: &ast::ClassSetBinaryOp) -> Result<(), Infallible> {
        self.open.push(Set::EMPTY);
        Ok(())
    }

    fn visit_class_set_binary_op_post(&mut self, op: &ast::ClassSetBinaryOp) -> Result<(), Infallible> {
        let (right, left) = (self.pop(), self.pop());
        let (right, left) = (self.folded(right), self.folded(left));
        let points = match op.kind {
            ClassSetBinaryOpKind::Intersection => left.points.min(right.points),
            ClassSetBinaryOpKind::Difference => left.points,
            ClassSetBinaryOpKind::SymmetricDifference => left.points + right.points,
        };
        self.work += 2 * (left.ranges + right.ranges);
        self.unite(left.and(right, points));
        Ok(())
    }
}
