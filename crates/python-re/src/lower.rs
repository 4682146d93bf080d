//! From the tree to an expression that automata can match: the **regular form**.
//!
//! The expression is regex-syntax's HIR, and the automata are regex-automata's. A text is to be searched anchored at its
//! start and not at its end, as `re.match` does. Three things make that more than a translation:
//!
//! * **Only some conditions can be put into an automaton over bytes**: start, end, their line variants, ASCII word boundaries.
//!   `\b` of a `str` pattern would need to know whether the character before, up to four bytes ago, is one of Python's
//!   word characters. `$` means "here, or before a line feed that is the last character", which is a condition on what
//!   follows; where nothing follows in the pattern (`tail`), the line feed may as well be taken: `(?:\z|\n\z)`.
//! * **What never matches must be the whole expression or no part of it.** `[^\s\S]` is an empty class; regex-syntax reckons no
//!   length for whatever holds one, and callers tell by the length whether an expression is trivially true.
//! * **Numbers of repetitions are cut** to what matters for a text of at most [`LONGEST_TEXT`] characters, since an automaton
//!   writes them out: `(?:ab){5000}` cannot match, `a{0,5000}` is `a*`.
//!
//! | pattern | regular form |
//! |---|---|
//! | `@irc_.*:example\.com` | the same |
//! | `@[a-z]+$` | `@[a-z]+(?:\z\|\n\z)` |
//! | `@a$b` | none: something follows the `$` |
//! | `(?a)@\bx` | the same, with ASCII's `\b` |
//! | `@\bx`, `@(?!bot).*`, `@(a)\1`, `@a*+b`, `@(?>ab\|a)c` | none |
//! | `@\w{18}` | none: it is regular, but written out beyond [`MAX_STATES`] |
//!
//! Whatever has none is matched backwards (`engine::backward`), or by backtracking if it refers to groups.

use regex_syntax::hir::{Class, ClassUnicode, Hir, HirKind, Look, Repetition};

use super::ast::{Anchor, Ast, Mode, Repeat};

/// For longer texts, in characters, a regular form is not made: a number of repetitions above this is no bound. The
/// longest names that the service decides on by regexes, for which this was made, have 769.
pub const LONGEST_TEXT: u32 = 1_100;
/// Expressions that unfold to more than about so many states are not worth an automaton: those of 217 real patterns have at
/// most 426. A larger one is matched backwards as well, in less memory than its states take.
const MAX_STATES: u64 = 2_000;

/// The regular form of a pattern whose matches may end anywhere; `None` if there is none that the automata take.
pub(super) fn lower(ast: &Ast) -> Option<Hir> {
    (states(ast)? <= MAX_STATES).then(|| hir(ast, true)).flatten()
}

/// Whether the expression is the one that matches nothing. What [`lower`] returns holds it nowhere but as the whole:
/// regex-syntax reckons no length for whatever holds it.
fn is_fail(hir: &Hir) -> bool {
    matches!(hir.kind(), HirKind::Class(class) if class.is_empty())
}

/// One after the other; if one of them never matches, they do not.
fn sequence(parts: Vec<Hir>) -> Hir {
    if parts.iter().any(is_fail) { Hir::fail() } else { Hir::concat(parts) }
}

/// One of these; those that never match are none.
fn choice(mut branches: Vec<Hir>) -> Hir {
    branches.retain(|branch| !is_fail(branch));
    Hir::alternation(branches)
}

/// `tail`: what is lowered ends the pattern.
fn hir(ast: &Ast, tail: bool) -> Option<Hir> {
    Some(match ast {
        Ast::Empty => Hir::empty(),
        Ast::Literal(c) => Hir::literal(c.encode_utf8(&mut [0; 4]).as_bytes()),
        Ast::Class(class) => one_of(class),
        Ast::Anchor(anchor) => look(*anchor, tail)?,
        Ast::Concat(items) => concat(items, tail)?,
        Ast::Alternation(items) => choice(items.iter().map(|item| hir(item, tail)).collect::<Option<Vec<_>>>()?),
        Ast::Repeat(repeat) => repetition(repeat, tail)?,
        Ast::Group(_, body) => hir(body, tail)?,
        Ast::Reference { .. } | Ast::Conditional { .. } | Ast::Look(_) | Ast::Atomic(_) => return None,
    })
}

fn one_of(class: &ClassUnicode) -> Hir {
    if class.ranges().is_empty() { Hir::fail() } else { Hir::class(Class::Unicode(class.clone())) }
}

fn look(anchor: Anchor, tail: bool) -> Option<Hir> {
    Some(Hir::look(match anchor {
        Anchor::Start => Look::Start,
        Anchor::StartLine => Look::StartLF,
        Anchor::End => Look::End,
        Anchor::EndLine => Look::EndLF,
        Anchor::EndOrFinalNewline if tail => {
            // Nothing follows, so that the line feed may as well be taken.
            let final_newline = Hir::concat(vec![Hir::literal(*b"\n"), Hir::look(Look::End)]);
            return Some(Hir::alternation(vec![Hir::look(Look::End), final_newline]));
        }
        Anchor::WordBoundary { negated: false, ascii: true } => Look::WordAscii,
        Anchor::WordBoundary { negated: true, ascii: true } => Look::WordAsciiNegate,
        // A condition on what follows, and boundaries that no automaton over bytes sees.
        Anchor::EndOrFinalNewline | Anchor::WordBoundary { ascii: false, .. } => return None,
    }))
}

fn concat(items: &[Ast], tail: bool) -> Option<Hir> {
    let is_end = |item: &&Ast| matches!(item, Ast::Anchor(Anchor::End | Anchor::EndOrFinalNewline));
    let ends = items.iter().rev().take_while(is_end).count();
    let (before, ends) = items.split_at(items.len() - ends);
    // Of several ends in a row the strictest decides.
    let end = ends.iter().find(|end| matches!(end, Ast::Anchor(Anchor::End))).or(ends.first());
    let mut parts = Vec::with_capacity(items.len());
    for (at, item) in before.iter().enumerate() {
        parts.push(hir(item, tail && end.is_none() && at + 1 == before.len())?);
    }
    if let Some(end) = end {
        parts.push(hir(end, tail)?);
    }
    Some(sequence(parts))
}

fn repetition(repeat: &Repeat, tail: bool) -> Option<Hir> {
    if repeat.mode == Mode::Possessive {
        return None;
    }
    let once_at_most = repeat.max.is_some_and(|max| max <= 1);
    let sub = hir(&repeat.body, tail && once_at_most)?;
    if is_fail(&sub) {
        return Some(if repeat.min == 0 { Hir::empty() } else { sub });
    }
    let properties = sub.properties();
    let nullable = properties.minimum_len() == Some(0);
    if repeat.min > LONGEST_TEXT && nullable && !properties.look_set().is_empty() {
        return None;
    }
    if repeat.min > LONGEST_TEXT && !nullable {
        return Some(Hir::fail());
    }
    let (min, max) = bounds(repeat);
    Some(Hir::repetition(Repetition { min, max, greedy: true, sub: Box::new(sub) }))
}

/// The bounds that matter for texts of bounded length: what is repeated more often than there are characters takes
/// none of them.
fn bounds(repeat: &Repeat) -> (u32, Option<u32>) {
    let min = if repeat.min > LONGEST_TEXT { 0 } else { repeat.min };
    (min, repeat.max.filter(|&max| max <= LONGEST_TEXT))
}

/// About how many states an automaton over bytes has before it is made deterministic; `None` if too many to count.
fn states(ast: &Ast) -> Option<u64> {
    Some(match ast {
        Ast::Empty | Ast::Anchor(_) | Ast::Reference { .. } => 1,
        Ast::Literal(c) => c.len_utf8() as u64,
        Ast::Class(class) if class.is_ascii() => 1,
        // The automaton shares what the encodings have in common.
        Ast::Class(class) => 2 + (3 * class.ranges().len() as u64).min(500),
        Ast::Concat(items) | Ast::Alternation(items) => {
            items.iter().try_fold(1_u64, |sum, item| sum.checked_add(states(item)?))?
        }
        Ast::Repeat(repeat) => {
            let (min, max) = bounds(repeat);
            states(&repeat.body)?.checked_mul(u64::from(max.unwrap_or(min + 1).max(1)))?
        }
        Ast::Group(_, body) | Ast::Atomic(body) => states(body)?,
        Ast::Look(look) => states(&look.body)?,
        Ast::Conditional { yes, no, .. } => states(yes)?.checked_add(states(no)?)?,
    })
}
