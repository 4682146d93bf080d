//! From Go's tree to the expression that automata take.

use regex_syntax::hir::{Class, ClassUnicode, ClassUnicodeRange, Hir, Look, Repetition};

use crate::node::{Arena, Id, Node, Op};
use crate::parser::Parsed;
use crate::set::{MAX_RUNE, Set};

/// The expression that matches where the tree does.
pub(crate) fn lower(parsed: &Parsed) -> Hir {
    hir(&parsed.arena, parsed.root)
}

/// By recursion: a tree has no more than a thousand levels.
fn hir(arena: &Arena, id: Id) -> Hir {
    let node = &arena[id];
    let subs = || node.subs.iter().map(|&sub| hir(arena, sub)).collect();
    match node.op {
        // On the stack alone, and never in a tree.
        Op::LeftParen | Op::VerticalBar | Op::NoMatch => Hir::fail(),
        Op::Empty => Hir::empty(),
        Op::Literal => Hir::concat(node.literal.iter().map(|&c| literal(c, node.flags.fold)).collect()),
        Op::Class => class(node.set.class()),
        Op::AnyButNewline => class(except('\n')),
        Op::Any => class(Set::of(&[(0, MAX_RUNE)]).class()),
        Op::BeginLine => Hir::look(Look::StartLF),
        Op::EndLine => Hir::look(Look::EndLF),
        Op::BeginText => Hir::look(Look::Start),
        Op::EndText => Hir::look(Look::End),
        Op::WordBoundary => Hir::look(Look::WordAscii),
        Op::NoWordBoundary => Hir::look(Look::WordAsciiNegate),
        Op::Capture => hir(arena, node.subs[0]),
        Op::Star | Op::Plus | Op::Quest | Op::Repeat => repetition(arena, node),
        Op::Concat => Hir::concat(subs()),
        Op::Alternate => Hir::alternation(subs()),
    }
}

fn repetition(arena: &Arena, node: &Node) -> Hir {
    let sub = Box::new(hir(arena, node.subs[0]));
    Hir::repetition(Repetition { min: node.min, max: node.max, greedy: !node.flags.lazy, sub })
}

/// A surrogate, which stands in no text, is matched by none.
fn literal(c: u32, fold: bool) -> Hir {
    let mut set = Set::default();
    if fold {
        set.add_folded(c, c);
    } else {
        set.add(c, c);
    }
    class(set.class())
}

fn class(class: ClassUnicode) -> Hir {
    Hir::class(Class::Unicode(class))
}

fn except(c: char) -> ClassUnicode {
    let mut class = ClassUnicode::new([ClassUnicodeRange::new(c, c)]);
    class.negate();
    class
}
