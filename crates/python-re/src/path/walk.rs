use regex_syntax::hir::ClassUnicode;

use super::{Condition, Path, fold};
use crate::ast::{Anchor, Ast, Mode, Repeat};

/// A pattern makes no more paths than this: five letters in either case, or three and two alternatives twice.
const MAX_PATHS: usize = 32;
/// A prefix is not made longer than this, in bytes: what a table of
/// prefixes is for is told apart long before.
const MAX_PREFIX: usize = 256;
/// Sets of at most so many characters are unfolded: a letter in either case, `[0-7]`, and not `[0-9]`, which as a first
/// character would make ten paths of every pattern of telephone numbers.
const MAX_UNFOLDED: u32 = 8;
/// They are unfolded while the prefix is shorter than this, in bytes. Of the prefixes of 217 real patterns no more than
/// five agree in their first eight bytes, so that what follows tells little.
const WEAK_PREFIX: usize = 8;
/// What is repeated exactly so often, and no more, is written out.
const MAX_WRITTEN_OUT: u32 = 4;

/// The exact paths of a pattern, which matches a text if and only if one of them does; those without a rest are only
/// necessary.
#[must_use]
pub fn paths(ast: &Ast) -> Vec<Path> {
    walk(ast, !ast.remembers(), false)
}

/// The exact paths of a pattern whose prefixes are without regard to case: those of a text that has been made so
/// ([`Folded`](super::Folded)). Conditions are left to the rest.
#[must_use]
pub fn folded_paths(ast: &Ast) -> Vec<Path> {
    walk(ast, !ast.remembers(), true)
}

/// The necessary paths of a pattern: one of them begins whatever it matches.
#[must_use]
pub fn necessary_paths(ast: &Ast) -> Vec<Path> {
    walk(ast, false, false)
}

fn walk(ast: &Ast, exact: bool, folded: bool) -> Vec<Path> {
    let mut walk = Walk { exact, folded, paths: Vec::new() };
    walk.on(Way { prefix: Vec::new(), conditions: Vec::new(), todo: vec![ast], share: MAX_PATHS });
    walk.paths
}

struct Walk {
    /// Whether the paths together are the pattern, or only begin as it does.
    exact: bool,
    /// Whether prefixes are without regard to case.
    folded: bool,
    paths: Vec<Path>,
}

/// A path in the making.
#[derive(Clone)]
struct Way<'a> {
    prefix: Vec<u8>,
    conditions: Vec<Condition>,
    /// What follows, the next at the end.
    todo: Vec<&'a Ast>,
    /// How many paths may become of this one.
    share: usize,
}

impl Walk {
    fn on(&mut self, mut way: Way<'_>) {
        while way.prefix.len() < MAX_PREFIX {
            let Some(next) = way.todo.pop() else { break };
            if self.passes(&mut way, next) {
                continue;
            }
            if let Some(ways) = self.fork(&way, next) {
                return ways.into_iter().for_each(|way| self.on(way));
            }
            way.todo.push(next);
            break;
        }
        self.end(way);
    }

    /// Takes what leads on in one way alone, if it is such.
    fn passes<'a>(&self, way: &mut Way<'a>, next: &'a Ast) -> bool {
        match next {
            Ast::Empty => {}
            Ast::Literal(c) if !self.folded => way.push(*c),
            Ast::Literal(c) => match fold::caseless(*c) {
                Some(c) => way.push(c),
                None => return false,
            },
            Ast::Class(class) if self.folded => match fold::representatives(class, 1).as_deref() {
                Some([c]) => way.push(*c),
                _ => return false,
            },
            Ast::Anchor(Anchor::Start) if way.prefix.is_empty() => {}
            Ast::Group(_, body) => way.todo.push(body),
            Ast::Concat(items) => way.todo.extend(items.iter().rev()),
            Ast::Repeat(repeat) if is_written_out(repeat) => {
                way.todo.extend((0..repeat.min).map(|_| &repeat.body));
            }
            Ast::Look(_) if !self.exact => {}
            Ast::Look(look) if look.behind.is_none() && !self.folded => {
                let (at, negated, body) = (way.prefix.len(), look.negated, look.body.clone());
                way.conditions.push(Condition { at, negated, body });
            }
            Ast::Atomic(body) if !self.exact => way.todo.push(body),
            _ => return false,
        }
        true
    }

    /// The ways on where there are several, if they are few enough.
    fn fork<'a>(&self, way: &Way<'a>, next: &'a Ast) -> Option<Vec<Way<'a>>> {
        match next {
            Ast::Repeat(repeat) if is_optional(repeat) && way.share >= 2 => {
                let mut with = way.with_share(2);
                with.todo.push(&repeat.body);
                Some(vec![way.with_share(2), with])
            }
            Ast::Alternation(branches) if branches.len() <= way.share => {
                let into = |branch| {
                    let mut way = way.with_share(branches.len());
                    way.todo.push(branch);
                    way
                };
                Some(branches.iter().map(into).collect())
            }
            Ast::Class(class) if way.prefix.len() < WEAK_PREFIX => {
                let most = MAX_UNFOLDED.min(u32::try_from(way.share).unwrap_or(u32::MAX));
                let chars = if self.folded { fold::representatives(class, most)? } else { members(class, most)? };
                let into = |c: &char| {
                    let mut way = way.with_share(chars.len());
                    way.push(*c);
                    way
                };
                Some(chars.iter().map(into).collect())
            }
            _ => None,
        }
    }

    fn end(&mut self, way: Way<'_>) {
        let Way { prefix, conditions, todo, .. } = way;
        self.paths.push(if self.exact {
            let rest = Ast::Concat(todo.into_iter().rev().cloned().collect());
            Path { prefix, conditions, rest: Some(rest) }
        } else {
            Path { prefix, conditions: Vec::new(), rest: None }
        });
    }
}

impl Way<'_> {
    fn push(&mut self, c: char) {
        self.prefix.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
    }

    /// A copy that may make one in so many of the paths that this one may.
    fn with_share(&self, of: usize) -> Self {
        Self { share: self.share / of.max(1), ..self.clone() }
    }
}

fn is_optional(repeat: &Repeat) -> bool {
    repeat.mode != Mode::Possessive && (repeat.min, repeat.max) == (0, Some(1))
}

fn is_written_out(repeat: &Repeat) -> bool {
    repeat.mode != Mode::Possessive && repeat.max == Some(repeat.min) && repeat.min <= MAX_WRITTEN_OUT
}

/// The characters of a set, if they are no more than this.
fn members(class: &ClassUnicode, most: u32) -> Option<Vec<char>> {
    (count(class) <= most).then(|| class.iter().flat_map(|range| range.start()..=range.end()).collect())
}

/// How many characters a set holds.
pub(super) fn count(class: &ClassUnicode) -> u32 {
    class.iter().fold(0, |sum, range| sum + (u32::from(range.end()) - u32::from(range.start()) + 1))
}

#[cfg(test)]
mod tests {
    use crate::Pattern;

    fn prefixes(pattern: &str) -> Vec<String> {
        let paths = Pattern::parse(pattern).expect("a pattern").paths();
        paths.into_iter().map(|path| String::from_utf8(path.prefix).expect("characters")).collect()
    }

    #[test]
    fn the_pattern_that_the_essay_follows_goes_as_it_says() {
        let pattern = Pattern::parse(r"^@(?!_bot)_?(irc|xmpp)_[a-z]+:example\.org$").expect("a pattern");
        let paths = pattern.paths();
        assert_eq!(prefixes(pattern.source()), ["@irc_", "@xmpp_", "@_irc_", "@_xmpp_"]);
        for path in &paths {
            assert_eq!((path.conditions[0].at, path.conditions[0].negated), (1, true));
            assert_eq!(path.rest, paths[0].rest);
        }
    }

    #[test]
    fn where_a_group_counts_paths_are_necessary_and_conditions_left_out() {
        let paths = Pattern::parse(r"@(a|b)(?=x)_\1").expect("a pattern").paths();
        assert!(paths.iter().all(|path| path.rest.is_none() && path.conditions.is_empty()), "{paths:?}");
        assert_eq!(prefixes(r"@(a|b)(?=x)_\1"), ["@a_", "@b_"]);
    }

    #[test]
    fn a_fork_into_too_many_ends_the_path() {
        assert_eq!(prefixes("(?i)@irc_").len(), 16);
        assert_eq!(prefixes("@[0-9]x"), ["@"]);
        assert_eq!(prefixes(&format!("@({})x", vec!["a"; 33].join("|"))), ["@"]);
    }
}
