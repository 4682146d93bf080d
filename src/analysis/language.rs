//! A pattern as the language of the IDs that it claims.
//!
//! CPython tries a pattern at the start of the ID and does not ask for the end, so what it claims are the texts that
//! *begin* with a match. Whether there is a match does not depend on the order in which ways are tried (greedy, lazy,
//! the first branch first), except where a way once taken is never given up.
//!
//! # What follows is an argument
//!
//! Look-ahead asks about what follows, so a part is translated together with the language of what may follow it, its
//! continuation `rest`. Going from the right to the left:
//!
//! | part | with `rest` behind it |
//! |---|---|
//! | a character or class `a` | `a · rest` |
//! | `xy` | `x` before (`y` before `rest`) |
//! | `x\|y` | (`x` before `rest`) `\|` (`y` before `rest`) |
//! | `x{m,n}`, lazy or greedy | `x{m,n} · rest` if `x` holds no condition; `x?` as `x\|` if it does |
//! | `(?=x)` | `rest & (x · Σ*)` |
//! | `(?!x)` | `rest & ¬(x · Σ*)` |
//! | `\Z`, `$`, `$` with the flag `m` | `rest & ε`, `rest & (ε\|\n)`, `rest & (ε\|\n Σ*)` |
//! | `a{m,n}+` of one character | `a{n} · rest \| a{m,n-1} · (rest & ¬(a Σ*))`: as many as there are, and not one less |
//! | `(?>x)` | `x · rest`, if there is but one way to match `x` at a place |
//!
//! The continuation of the whole is `Σ*`.
//!
//! # What precedes is carried along
//!
//! Look-behind asks about what precedes, all of it from the start of the ID. So from the left the language of what has
//! been passed is carried along, `before`, up to the last part that asks about it; from there on the continuation does the
//! rest ([`Translation::sequence`]):
//!
//! | part | makes of `before` |
//! |---|---|
//! | parts without any condition | `before · parts` |
//! | `^`, `\A` | `before & ε`: at the start nothing changes, anywhere else nothing is left |
//! | `^` with the flag `m` | `before & (ε \| Σ* \n)` |
//! | `(?<=x)`, `(?<!x)` | `before & (Σ* · x)`, `before & ¬(Σ* · x)` |
//! | `\b` | the one side ends with a word character and the other does not begin with one, or the other way round |
//! | groups, branches and `?` that hold one of these | each way on its own, with all that follows it |
//!
//! # What has no term
//!
//! `None` is returned, and the entry is said to be `backtracking` (or, if it is merely large, `not-compared`), for
//!
//! * `(.)\1`, `(?(1)a|b)`: what a group has captured is not bounded, so the language is not regular;
//! * `(?:a|ab(?<=b))*`: a condition on what precedes, again and again;
//! * `@(?=.*x)(?<=@)`, `(?=^x)`: look-behind behind, or within, look-ahead: both sides would have to be carried at once;
//! * `(?>a|ab)c`, `(?:ab|a)++`: which way is never given up depends on all that precedes within it;
//! * more than 2,000 parts, or more than 64 ways to pass through conditions.
//!
//! All of that notwithstanding, what asks for the start of the ID where something has been passed is known to claim
//! nothing, whatever else it holds: `@^irc_.*`, `@(?:^irc)+`, `^@(.)\1$\n^@x$`.

use super::term::{ANY, EMPTY, NEVER, Term, Terms};
use python_re::{Anchor, Ast, Mode, Repeat, matches_only_at_start, word_class};

/// The texts that a pattern matches when it is tried at their start. `None` if that is not told exactly here.
pub(super) fn language<'a>(terms: &mut Terms<'a>, ast: &Ast) -> Option<Term<'a>> {
    if !is_moderate(ast) {
        return None;
    }
    Translation { terms, ways: MAX_WAYS }.sequence(EMPTY, &[ast])
}

/// Patterns of more parts than this are not compared: terms nest as deep as a text is long, and are walked by recursion,
/// which takes some 200 bytes of stack a level of the 2 MiB that a thread has.
const MAX_PARTS: usize = 2_000;
/// So many ways through groups, branches and `?` that hold conditions on what precedes are followed. Each is translated
/// with all that follows it, so their number multiplies; real regexes have at most one such group.
const MAX_WAYS: usize = 64;

/// Whether it has no more parts than can be compared.
pub(super) fn is_moderate(ast: &Ast) -> bool {
    fn count(ast: &Ast, left: usize) -> Option<usize> {
        let left = left.checked_sub(1)?;
        match ast {
            Ast::Empty | Ast::Literal(_) | Ast::Class(_) | Ast::Anchor(_) | Ast::Reference { .. } => Some(left),
            Ast::Concat(items) | Ast::Alternation(items) => items.iter().try_fold(left, |left, item| count(item, left)),
            Ast::Repeat(repeat) => count(&repeat.body, left),
            Ast::Group(_, body) | Ast::Atomic(body) => count(body, left),
            Ast::Look(look) => count(&look.body, left),
            Ast::Conditional { yes, no, .. } => count(no, count(yes, left)?),
        }
    }
    count(ast, MAX_PARTS).is_some()
}

struct Translation<'t, 'a> {
    terms: &'t mut Terms<'a>,
    /// How many ways may still be followed.
    ways: usize,
}

impl<'a> Translation<'_, 'a> {
    /// Items behind texts of `before`, and whatever follows them.
    fn sequence(&mut self, before: Term<'a>, items: &[&Ast]) -> Option<Term<'a>> {
        if self.starts_too_late(before, items) {
            return Some(NEVER);
        }
        let Some(at) = items.iter().position(|item| holds_behind(item)) else {
            let after = self.items(items, ANY)?;
            return Some(self.terms.concat(before, after));
        };
        let (free, head, tail) = (&items[..at], items[at], &items[at + 1..]);
        if free.iter().any(|item| looks_ahead(item)) {
            return None;
        }
        let free = self.items(free, EMPTY)?;
        let before = self.terms.concat(before, free);
        match head {
            Ast::Anchor(Anchor::WordBoundary { negated, ascii }) => self.boundary(before, tail, *negated, *ascii),
            Ast::Anchor(_) | Ast::Look(_) => {
                let condition = self.behind(head)?;
                let before = self.terms.and([before, condition]);
                self.sequence(before, tail)
            }
            Ast::Concat(inner) => {
                let items: Vec<&Ast> = inner.iter().chain(tail.iter().copied()).collect();
                self.sequence(before, &items)
            }
            Ast::Group(_, body) => self.way(before, Some(body), tail),
            Ast::Alternation(branches) => {
                let ways: Option<Vec<_>> = branches.iter().map(|branch| self.way(before, Some(branch), tail)).collect();
                ways.map(|ways| self.terms.or(ways))
            }
            Ast::Repeat(repeat) if repeat.mode != Mode::Possessive => self.repeated(before, repeat, tail),
            _ => None,
        }
    }

    /// One way to go on.
    fn way(&mut self, before: Term<'a>, through: Option<&Ast>, tail: &[&Ast]) -> Option<Term<'a>> {
        self.ways = self.ways.checked_sub(1)?;
        let items: Vec<&Ast> = through.into_iter().chain(tail.iter().copied()).collect();
        self.sequence(before, &items)
    }

    /// A repetition, at most once, of what holds a condition on what precedes.
    fn repeated(&mut self, before: Term<'a>, repeat: &Repeat, tail: &[&Ast]) -> Option<Term<'a>> {
        // What takes something from the start on cannot do so again.
        let only_once = matches_only_at_start(&repeat.body) && takes_something(&repeat.body);
        if only_once && repeat.min > 1 {
            return Some(NEVER);
        }
        if !only_once && repeat.max.is_none_or(|max| max > 1) {
            return None;
        }
        let past = if repeat.min == 0 { self.way(before, None, tail)? } else { NEVER };
        let through = self.way(before, Some(&repeat.body), tail)?;
        Some(self.terms.or([through, past]))
    }

    /// Whether one of the items matches at the start of the ID alone, where they never are: something stands before it.
    fn starts_too_late(&self, before: Term<'a>, items: &[&Ast]) -> bool {
        let something = !self.terms.is_nullable(before);
        let first = items.iter().position(|item| takes_something(item));
        let from = if something { 0 } else { first.map_or(items.len(), |first| first + 1) };
        items[from..].iter().any(|item| matches_only_at_start(item))
    }

    /// The texts that fulfil a condition on what precedes, at their end.
    fn behind(&mut self, condition: &Ast) -> Option<Term<'a>> {
        match condition {
            Ast::Anchor(Anchor::Start) => Some(EMPTY),
            Ast::Anchor(Anchor::StartLine) => {
                let newline = self.terms.char('\n');
                let line = self.terms.concat(ANY, newline);
                Some(self.terms.or([EMPTY, line]))
            }
            Ast::Look(look) if look.behind.is_some() => {
                let body = self.plain(&look.body)?;
                let behind = self.terms.concat(ANY, body);
                Some(if look.negated { self.terms.not(behind) } else { behind })
            }
            _ => None,
        }
    }

    /// A word character on one side and none on the other, or not.
    fn boundary(&mut self, before: Term<'a>, tail: &[&Ast], negated: bool, ascii: bool) -> Option<Term<'a>> {
        if tail.iter().any(|item| holds_behind(item)) {
            return None;
        }
        let after = self.items(tail, ANY)?;
        let word = self.terms.class(&word_class(ascii));
        let ends = self.terms.concat(ANY, word);
        let begins = self.terms.concat(word, ANY);
        let (ends_not, begins_not) = (self.terms.not(ends), self.terms.not(begins));
        let pairs =
            if negated { [(ends, begins), (ends_not, begins_not)] } else { [(ends, begins_not), (ends_not, begins)] };
        let both = pairs.map(|(left, right)| {
            let left = self.terms.and([before, left]);
            let right = self.terms.and([after, right]);
            self.terms.concat(left, right)
        });
        Some(self.terms.or(both))
    }

    /// Items that are followed by `rest`.
    fn items(&mut self, items: &[impl AsAst], rest: Term<'a>) -> Option<Term<'a>> {
        items.iter().rev().try_fold(rest, |rest, item| self.item(item.as_ast(), rest))
    }

    /// Something that is followed by `rest`.
    fn item(&mut self, ast: &Ast, rest: Term<'a>) -> Option<Term<'a>> {
        Some(match ast {
            Ast::Concat(items) => self.items(items, rest)?,
            Ast::Group(_, body) => self.item(body, rest)?,
            Ast::Alternation(branches) => {
                let branches = branches.iter().map(|branch| self.item(branch, rest)).collect::<Option<Vec<_>>>()?;
                self.terms.or(branches)
            }
            Ast::Look(look) if look.behind.is_none() => {
                let body = self.item(&look.body, ANY)?;
                let body = if look.negated { self.terms.not(body) } else { body };
                self.terms.and([rest, body])
            }
            Ast::Anchor(anchor) => {
                let end = self.end(*anchor)?;
                self.terms.and([rest, end])
            }
            Ast::Atomic(body) if is_fixed(body) => self.item(body, rest)?,
            Ast::Repeat(repeat) if repeat.mode == Mode::Possessive => self.possessive(repeat, rest)?,
            Ast::Repeat(repeat) => self.repeat(repeat, rest)?,
            _ => {
                let item = self.plain(ast)?;
                self.terms.concat(item, rest)
            }
        })
    }

    /// What may follow an end.
    fn end(&mut self, anchor: Anchor) -> Option<Term<'a>> {
        let newline = self.terms.char('\n');
        match anchor {
            Anchor::End => Some(EMPTY),
            Anchor::EndOrFinalNewline => Some(self.terms.or([EMPTY, newline])),
            Anchor::EndLine => {
                let line = self.terms.concat(newline, ANY);
                Some(self.terms.or([EMPTY, line]))
            }
            Anchor::Start | Anchor::StartLine | Anchor::WordBoundary { .. } => None,
        }
    }

    fn repeat(&mut self, repeat: &Repeat, rest: Term<'a>) -> Option<Term<'a>> {
        if let Some(body) = self.plain(&repeat.body) {
            let repeated = self.terms.repeat(body, repeat.min, repeat.max);
            return Some(self.terms.concat(repeated, rest));
        }
        if repeat.max.is_none_or(|max| max > 1) {
            return None;
        }
        let with = self.item(&repeat.body, rest)?;
        Some(if repeat.min == 0 { self.terms.or([with, rest]) } else { with })
    }

    /// A single character again and again, and not once less: what follows is none of it, unless there were as many as
    /// there may be.
    fn possessive(&mut self, repeat: &Repeat, rest: Term<'a>) -> Option<Term<'a>> {
        if !matches!(repeat.body, Ast::Literal(_) | Ast::Class(_)) {
            return None;
        }
        let one = self.plain(&repeat.body)?;
        let more = self.terms.concat(one, ANY);
        let rest_without = self.terms.without(rest, more);
        let Some(max) = repeat.max else {
            let all = self.terms.repeat(one, repeat.min, None);
            return Some(self.terms.concat(all, rest_without));
        };
        let most = self.terms.repeat(one, max, Some(max));
        let most = self.terms.concat(most, rest);
        if max == repeat.min {
            return Some(most);
        }
        let fewer = self.terms.repeat(one, repeat.min, Some(max - 1));
        let fewer = self.terms.concat(fewer, rest_without);
        Some(self.terms.or([most, fewer]))
    }

    /// What holds no condition on its surroundings.
    fn plain(&mut self, ast: &Ast) -> Option<Term<'a>> {
        Some(match ast {
            Ast::Empty => EMPTY,
            Ast::Literal(c) => self.terms.char(*c),
            Ast::Class(class) => self.terms.class(class),
            Ast::Concat(items) => {
                let items = items.iter().map(|item| self.plain(item)).collect::<Option<Vec<_>>>()?;
                items.into_iter().rev().fold(EMPTY, |rest, item| self.terms.concat(item, rest))
            }
            Ast::Alternation(branches) => {
                let branches = branches.iter().map(|branch| self.plain(branch)).collect::<Option<Vec<_>>>()?;
                self.terms.or(branches)
            }
            Ast::Repeat(repeat) if repeat.mode != Mode::Possessive => {
                let body = self.plain(&repeat.body)?;
                self.terms.repeat(body, repeat.min, repeat.max)
            }
            Ast::Group(_, body) => self.plain(body)?,
            Ast::Atomic(body) if is_fixed(body) => self.plain(body)?,
            _ => return None,
        })
    }
}

/// A tree, owned or not.
trait AsAst {
    fn as_ast(&self) -> &Ast;
}

impl AsAst for Ast {
    fn as_ast(&self) -> &Ast {
        self
    }
}

impl AsAst for &Ast {
    fn as_ast(&self) -> &Ast {
        self
    }
}

/// Whether there is only one way to match it at a place.
fn is_fixed(ast: &Ast) -> bool {
    match ast {
        Ast::Empty | Ast::Literal(_) | Ast::Class(_) => true,
        Ast::Concat(items) => items.iter().all(is_fixed),
        Ast::Group(_, body) => is_fixed(body),
        Ast::Repeat(repeat) => repeat.max == Some(repeat.min) && is_fixed(&repeat.body),
        _ => false,
    }
}

fn looks_behind(ast: &Ast) -> bool {
    match ast {
        Ast::Look(look) => look.behind.is_some(),
        Ast::Anchor(anchor) => matches!(anchor, Anchor::WordBoundary { .. } | Anchor::Start | Anchor::StartLine),
        _ => false,
    }
}

/// Whether there is a condition on what precedes anywhere within.
pub(super) fn holds_behind(ast: &Ast) -> bool {
    looks_behind(ast) || any_within(ast, &holds_behind)
}

/// Whether it never matches the empty text.
fn takes_something(ast: &Ast) -> bool {
    match ast {
        Ast::Literal(_) | Ast::Class(_) => true,
        Ast::Concat(items) => items.iter().any(takes_something),
        Ast::Alternation(branches) => branches.iter().all(takes_something),
        Ast::Repeat(repeat) => repeat.min > 0 && takes_something(&repeat.body),
        Ast::Group(_, body) | Ast::Atomic(body) => takes_something(body),
        Ast::Conditional { yes, no, .. } => takes_something(yes) && takes_something(no),
        Ast::Empty | Ast::Anchor(_) | Ast::Reference { .. } | Ast::Look(_) => false,
    }
}

fn looks_ahead(ast: &Ast) -> bool {
    match ast {
        Ast::Look(look) => look.behind.is_none() || looks_ahead(&look.body),
        Ast::Anchor(anchor) => !matches!(anchor, Anchor::Start | Anchor::StartLine),
        Ast::Repeat(repeat) if repeat.mode == Mode::Possessive => true,
        _ => any_within(ast, &looks_ahead),
    }
}

fn any_within(ast: &Ast, what: &dyn Fn(&Ast) -> bool) -> bool {
    match ast {
        Ast::Empty | Ast::Literal(_) | Ast::Class(_) | Ast::Anchor(_) | Ast::Reference { .. } => false,
        Ast::Concat(items) | Ast::Alternation(items) => items.iter().any(what),
        Ast::Repeat(repeat) => what(&repeat.body),
        Ast::Group(_, body) | Ast::Atomic(body) => what(body),
        Ast::Look(look) => what(&look.body),
        Ast::Conditional { yes, no, .. } => what(yes) || what(no),
    }
}
