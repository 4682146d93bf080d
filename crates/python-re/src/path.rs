//! A pattern as alternatives, each of which begins with a literal.

use crate::{Anchor, Ast, Mode, Repeat};

/// A pattern makes no more paths than this.
const MAX_PATHS: usize = 32;
/// A prefix is not made longer than this, in bytes.
const MAX_PREFIX: usize = 256;
/// Sets of at most so many characters are unfolded, while the prefix is shorter than [`WEAK_PREFIX`].
const MAX_UNFOLDED: u32 = 8;
const WEAK_PREFIX: usize = 8;

/// One way through a pattern: what begins with the prefix, fulfils the conditions and goes on as the rest.
#[derive(Clone, Debug)]
pub struct Path {
    pub prefix: Vec<u8>,
    pub conditions: Vec<Condition>,
    /// What follows the prefix; `None` if that can only be told by trying the whole pattern.
    pub rest: Option<Ast>,
}

/// A look-ahead behind the first bytes of the prefix.
#[derive(Clone, Debug)]
pub struct Condition {
    pub at: usize,
    pub negated: bool,
    pub body: Ast,
}

/// The paths of a pattern: it matches a text if and only if one of them does.
pub fn paths(ast: &Ast) -> Vec<Path> {
    let mut walk = Walk { exact: !ast.remembers(), paths: Vec::new() };
    walk.on(Vec::new(), Vec::new(), vec![ast], MAX_PATHS);
    walk.paths
}

/// The same, but the paths say only how a match must begin.
pub fn necessary_paths(ast: &Ast) -> Vec<Path> {
    let mut walk = Walk { exact: false, paths: Vec::new() };
    walk.on(Vec::new(), Vec::new(), vec![ast], MAX_PATHS);
    walk.paths
}

struct Walk {
    /// Whether the paths together are the pattern, or only begin as it does.
    exact: bool,
    paths: Vec<Path>,
}

impl Walk {
    /// Walks on. `todo` is what follows, the next at the end; `share`: how many paths may become of this one.
    fn on(&mut self, mut prefix: Vec<u8>, mut conditions: Vec<Condition>, mut todo: Vec<&Ast>, share: usize) {
        while prefix.len() < MAX_PREFIX {
            let Some(next) = todo.pop() else { break };
            match next {
                Ast::Empty => {}
                Ast::Literal(c) => prefix.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
                Ast::Anchor(Anchor::Start) if prefix.is_empty() => {}
                Ast::Group(_, body) => todo.push(body),
                Ast::Concat(items) => todo.extend(items.iter().rev()),
                Ast::Repeat(repeat) if repeat.mode != Mode::Possessive && unfolds(repeat, share) => {
                    if repeat.min == 0 && repeat.max == Some(1) {
                        let without = (prefix.clone(), conditions.clone(), todo.clone());
                        self.on(without.0, without.1, without.2, share / 2);
                        todo.push(&repeat.body);
                        return self.on(prefix, conditions, todo, share / 2);
                    }
                    todo.extend((0..repeat.min).map(|_| &repeat.body));
                }
                Ast::Alternation(branches) if branches.len() <= share => {
                    for branch in branches {
                        let mut todo = todo.clone();
                        todo.push(branch);
                        self.on(prefix.clone(), conditions.clone(), todo, share / branches.len());
                    }
                    return;
                }
                Ast::Class(class) if prefix.len() < WEAK_PREFIX && chars(class) <= MAX_UNFOLDED.min(clamp(share)) => {
                    let chars: Vec<char> = class.iter().flat_map(|range| range.start()..=range.end()).collect();
                    for c in &chars {
                        let mut prefix = prefix.clone();
                        prefix.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
                        self.on(prefix, conditions.clone(), todo.clone(), share / chars.len());
                    }
                    return;
                }
                Ast::Look(_) if !self.exact => {}
                Ast::Look(look) if look.behind.is_none() => {
                    conditions.push(Condition { at: prefix.len(), negated: look.negated, body: look.body.clone() });
                }
                Ast::Atomic(body) if !self.exact => todo.push(body),
                _ => {
                    todo.push(next);
                    break;
                }
            }
        }
        let rest = Ast::Concat(todo.into_iter().rev().cloned().collect());
        self.end(prefix, conditions, Some(rest));
    }

    fn end(&mut self, prefix: Vec<u8>, conditions: Vec<Condition>, rest: Option<Ast>) {
        self.paths.push(match rest {
            Some(rest) if self.exact => Path { prefix, conditions, rest: Some(rest) },
            _ => Path { prefix, conditions: Vec::new(), rest: None },
        });
    }
}

/// Whether a repetition is so short that it may as well be written out.
fn unfolds(repeat: &Repeat, share: usize) -> bool {
    match (repeat.min, repeat.max) {
        (0, Some(1)) => share >= 2,
        (min, Some(max)) => min == max && max <= 4,
        (_, None) => false,
    }
}

fn chars(class: &regex_syntax::hir::ClassUnicode) -> u32 {
    class.iter().fold(0, |sum, range| sum + (u32::from(range.end()) - u32::from(range.start()) + 1))
}

fn clamp(share: usize) -> u32 {
    u32::try_from(share).unwrap_or(u32::MAX)
}

/// Literals of which every text that matches contains each.
pub fn required_literals(ast: &Ast) -> Vec<String> {
    let mut found = Literals::default();
    found.on(ast);
    found.end();
    found.literals
}

#[derive(Default)]
struct Literals {
    literals: Vec<String>,
    current: String,
}

impl Literals {
    fn on(&mut self, ast: &Ast) {
        match ast {
            Ast::Empty | Ast::Anchor(_) | Ast::Look(_) => {}
            Ast::Literal(c) => self.current.push(*c),
            Ast::Concat(items) => items.iter().for_each(|item| self.on(item)),
            Ast::Group(_, body) | Ast::Atomic(body) => self.on(body),
            Ast::Repeat(repeat) => {
                self.end();
                if repeat.min > 0 {
                    self.on(&repeat.body);
                    self.end();
                }
            }
            Ast::Class(_) | Ast::Alternation(_) | Ast::Reference { .. } | Ast::Conditional { .. } => self.end(),
        }
    }

    fn end(&mut self) {
        if !self.current.is_empty() {
            self.literals.push(std::mem::take(&mut self.current));
        }
    }
}
