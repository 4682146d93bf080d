//! A pattern that is looked for anywhere in a text, as one that is tried at its start: with whatever in front.

use std::sync::Arc;

use regex_syntax::hir::{ClassUnicode, ClassUnicodeRange};

use crate::ast::{Anchor, Ast, Mode, Repeat};

/// What matches at the start of a text if and only if the tree matches anywhere in it.
///
/// What asks for the start matches there or not at all, so nothing is put in front of it: its prefix is found then.
pub(crate) fn anywhere(ast: Ast) -> Ast {
    if matches_only_at_start(&ast) {
        return ast;
    }
    let any = ClassUnicode::new([ClassUnicodeRange::new('\0', char::MAX)]);
    let whatever = Repeat { min: 0, max: None, mode: Mode::Lazy, body: Ast::Class(Arc::new(any)) };
    Ast::Concat(vec![Ast::Repeat(Box::new(whatever)), ast])
}

/// What stands behind the *whatever* that a tree begins with, if it does: the tree matches where that matches anywhere.
///
/// ```
/// use python_re::{Pattern, looked_for};
///
/// let pattern = Pattern::parse("@irc_.*").unwrap();
/// assert_eq!(looked_for(pattern.anywhere().ast()), Some(pattern.ast()));
/// assert_eq!(looked_for(pattern.ast()), None);
/// ```
#[must_use]
pub fn looked_for(ast: &Ast) -> Option<&Ast> {
    match ast {
        Ast::Concat(items) => match &items[..] {
            [Ast::Repeat(repeat), body] if is_whatever(repeat) => Some(body),
            _ => None,
        },
        _ => None,
    }
}

fn is_whatever(repeat: &Repeat) -> bool {
    let all = |class: &ClassUnicode| match class.ranges() {
        [range] => (range.start(), range.end()) == ('\0', char::MAX),
        _ => false,
    };
    let unbounded = repeat.mode != Mode::Possessive && repeat.min == 0 && repeat.max.is_none();
    unbounded && matches!(&repeat.body, Ast::Class(class) if all(class))
}

/// Whether it never matches anywhere but at the start of a text.
#[must_use]
pub fn matches_only_at_start(ast: &Ast) -> bool {
    match ast {
        Ast::Anchor(anchor) => *anchor == Anchor::Start,
        // What stands before such an item has matched nothing, so the whole is at the start, too.
        Ast::Concat(items) => items.iter().any(matches_only_at_start),
        Ast::Alternation(branches) => branches.iter().all(matches_only_at_start),
        Ast::Repeat(repeat) => repeat.min > 0 && matches_only_at_start(&repeat.body),
        Ast::Group(_, body) | Ast::Atomic(body) => matches_only_at_start(body),
        Ast::Conditional { yes, no, .. } => matches_only_at_start(yes) && matches_only_at_start(no),
        Ast::Empty | Ast::Literal(_) | Ast::Class(_) | Ast::Reference { .. } | Ast::Look(_) => false,
    }
}

/// Whether something in it asks for the start of the text or of a line, which a path takes to be where it begins.
#[must_use]
pub fn asks_for_start(ast: &Ast) -> bool {
    match ast {
        Ast::Anchor(anchor) => matches!(anchor, Anchor::Start | Anchor::StartLine),
        Ast::Empty | Ast::Literal(_) | Ast::Class(_) | Ast::Reference { .. } => false,
        Ast::Concat(items) | Ast::Alternation(items) => items.iter().any(asks_for_start),
        Ast::Repeat(repeat) => asks_for_start(&repeat.body),
        Ast::Group(_, body) | Ast::Atomic(body) => asks_for_start(body),
        Ast::Look(look) => asks_for_start(&look.body),
        Ast::Conditional { yes, no, .. } => asks_for_start(yes) || asks_for_start(no),
    }
}
