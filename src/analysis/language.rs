//! A pattern as the language of the IDs that it claims.

use regex_syntax::hir::{ClassUnicode, ClassUnicodeRange};

use super::term::{ANY, Arena, EMPTY, Term};
use python_re::{Anchor, Ast, Mode, Repeat, word_class};

/// The texts that a pattern matches when it is tried at their start. `None` if that is not told exactly here: for
/// back-references and conditionals, for look-behind within repetitions and behind look-ahead, for most atomic groups.
pub(super) fn language(arena: &mut Arena, ast: &Ast) -> Option<Term> {
    if !is_moderate(ast) {
        return None;
    }
    Translation { arena }.whole(ast)
}

/// Patterns of more characters than this are not compared: terms nest as deep as a text is long.
const MAX_CHARS: usize = 2_000;

fn is_moderate(ast: &Ast) -> bool {
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
    count(ast, MAX_CHARS).is_some()
}

struct Translation<'a> {
    arena: &'a mut Arena,
}

impl Translation<'_> {
    /// A pattern at the start of the text, whatever follows it.
    fn whole(&mut self, ast: &Ast) -> Option<Term> {
        match ast {
            Ast::Concat(items) => self.whole_items(items),
            Ast::Group(_, body) => self.whole(body),
            Ast::Alternation(branches) => {
                let branches = branches.iter().map(|branch| self.whole(branch)).collect::<Option<Vec<_>>>()?;
                Some(self.arena.or(branches))
            }
            Ast::Anchor(Anchor::Start | Anchor::StartLine) => Some(ANY),
            _ => self.whole_items(std::slice::from_ref(ast)),
        }
    }

    fn whole_items(&mut self, items: &[Ast]) -> Option<Term> {
        match items {
            [Ast::Anchor(Anchor::Start | Anchor::StartLine), rest @ ..] => return self.whole_items(rest),
            [only] if !matches!(only, Ast::Look(_) | Ast::Anchor(_)) && holds_behind(only) => {
                return match only {
                    Ast::Concat(_) | Ast::Group(..) | Ast::Alternation(_) => self.whole(only),
                    _ => None,
                };
            }
            _ => {}
        }
        // The last condition on what precedes cuts the pattern in two.
        let Some(at) = items.iter().rposition(looks_behind) else { return self.items(items, ANY) };
        let (before, after) = (&items[..at], &items[at + 1..]);
        if before.iter().any(looks_ahead) {
            return None;
        }
        let before = self.items_before(before)?;
        let after = self.items(after, ANY)?;
        match &items[at] {
            Ast::Look(look) => {
                let body = self.plain(&look.body)?;
                let mut behind = self.arena.concat(ANY, body);
                if look.negated {
                    behind = self.arena.not(behind);
                }
                let before = self.arena.and([before, behind]);
                Some(self.arena.concat(before, after))
            }
            Ast::Anchor(Anchor::WordBoundary { negated, ascii }) => {
                Some(self.boundary(before, after, *negated, *ascii))
            }
            _ => None,
        }
    }

    /// Items at the start of the text and exactly that, with conditions on what precedes among them.
    fn items_before(&mut self, items: &[Ast]) -> Option<Term> {
        let Some(at) = items.iter().rposition(looks_behind) else { return self.items(items, EMPTY) };
        let before = self.items_before(&items[..at])?;
        let after = self.items(&items[at + 1..], EMPTY)?;
        match &items[at] {
            Ast::Look(look) => {
                let body = self.plain(&look.body)?;
                let mut behind = self.arena.concat(ANY, body);
                if look.negated {
                    behind = self.arena.not(behind);
                }
                let before = self.arena.and([before, behind]);
                Some(self.arena.concat(before, after))
            }
            _ => None,
        }
    }

    /// A word character on one side and none on the other, or not.
    fn boundary(&mut self, before: Term, after: Term, negated: bool, ascii: bool) -> Term {
        let word = self.arena.class(&word_class(ascii));
        let ends = self.arena.concat(ANY, word);
        let begins = self.arena.concat(word, ANY);
        let (ends_not, begins_not) = (self.arena.not(ends), self.arena.not(begins));
        let pairs =
            if negated { [(ends, begins), (ends_not, begins_not)] } else { [(ends, begins_not), (ends_not, begins)] };
        let both = pairs.map(|(left, right)| {
            let left = self.arena.and([before, left]);
            let right = self.arena.and([after, right]);
            self.arena.concat(left, right)
        });
        self.arena.or(both)
    }

    /// Items that are followed by `rest`.
    fn items(&mut self, items: &[Ast], rest: Term) -> Option<Term> {
        items.iter().rev().try_fold(rest, |rest, item| self.item(item, rest))
    }

    /// Something that is followed by `rest`.
    fn item(&mut self, ast: &Ast, rest: Term) -> Option<Term> {
        Some(match ast {
            Ast::Concat(items) => self.items(items, rest)?,
            Ast::Group(_, body) => self.item(body, rest)?,
            Ast::Alternation(branches) => {
                let branches = branches.iter().map(|branch| self.item(branch, rest)).collect::<Option<Vec<_>>>()?;
                self.arena.or(branches)
            }
            Ast::Look(look) if look.behind.is_none() => {
                let body = self.item(&look.body, ANY)?;
                let body = if look.negated { self.arena.not(body) } else { body };
                self.arena.and([rest, body])
            }
            Ast::Anchor(Anchor::End) => self.arena.and([rest, EMPTY]),
            Ast::Anchor(Anchor::EndOrFinalNewline) => {
                let newline = self.arena.char('\n');
                let end = self.arena.or([EMPTY, newline]);
                self.arena.and([rest, end])
            }
            Ast::Anchor(Anchor::EndLine) => {
                let newline = self.arena.char('\n');
                let line = self.arena.concat(newline, ANY);
                let end = self.arena.or([EMPTY, line]);
                self.arena.and([rest, end])
            }
            Ast::Atomic(body) if is_fixed(body) => self.item(body, rest)?,
            Ast::Repeat(repeat) if repeat.mode == Mode::Possessive => self.possessive(repeat, rest)?,
            Ast::Repeat(repeat) => match self.plain(&repeat.body) {
                Some(body) => {
                    let repeated = self.arena.repeat(body, repeat.min, repeat.max);
                    self.arena.concat(repeated, rest)
                }
                None if repeat.max.is_some_and(|max| max <= 1) => {
                    let with = self.item(&repeat.body, rest)?;
                    if repeat.min == 0 { self.arena.or([with, rest]) } else { with }
                }
                None => return None,
            },
            _ => {
                let item = self.plain(ast)?;
                self.arena.concat(item, rest)
            }
        })
    }

    /// A single character again and again, and not once less: what follows is none of it, unless there were as many as
    /// there may be.
    fn possessive(&mut self, repeat: &Repeat, rest: Term) -> Option<Term> {
        if !matches!(repeat.body, Ast::Literal(_) | Ast::Class(_)) {
            return None;
        }
        let one = self.plain(&repeat.body)?;
        let more = self.arena.concat(one, ANY);
        let no_more = self.arena.not(more);
        let rest_without = self.arena.and([rest, no_more]);
        let Some(max) = repeat.max else {
            let all = self.arena.repeat(one, repeat.min, None);
            return Some(self.arena.concat(all, rest_without));
        };
        let most = self.arena.repeat(one, max, Some(max));
        let most = self.arena.concat(most, rest);
        if max == repeat.min {
            return Some(most);
        }
        let fewer = self.arena.repeat(one, repeat.min, Some(max - 1));
        let fewer = self.arena.concat(fewer, rest_without);
        Some(self.arena.or([most, fewer]))
    }

    /// What holds no condition on its surroundings.
    fn plain(&mut self, ast: &Ast) -> Option<Term> {
        Some(match ast {
            Ast::Empty => EMPTY,
            Ast::Literal(c) => self.arena.class(&ClassUnicode::new([ClassUnicodeRange::new(*c, *c)])),
            Ast::Class(class) => self.arena.class(class),
            Ast::Concat(items) => {
                let items = items.iter().map(|item| self.plain(item)).collect::<Option<Vec<_>>>()?;
                items.into_iter().rev().fold(EMPTY, |rest, item| self.arena.concat(item, rest))
            }
            Ast::Alternation(branches) => {
                let branches = branches.iter().map(|branch| self.plain(branch)).collect::<Option<Vec<_>>>()?;
                self.arena.or(branches)
            }
            Ast::Repeat(repeat) if repeat.mode != Mode::Possessive => {
                let body = self.plain(&repeat.body)?;
                self.arena.repeat(body, repeat.min, repeat.max)
            }
            Ast::Group(_, body) => self.plain(body)?,
            Ast::Atomic(body) if is_fixed(body) => self.plain(body)?,
            _ => return None,
        })
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
