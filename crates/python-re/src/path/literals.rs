use super::fold;
use crate::ast::Ast;

/// Literals of which every text that the tree matches contains each: what a search for candidates may look for.
///
/// ```
/// use python_re::{Pattern, required_literals};
///
/// let pattern = Pattern::parse(r"@(?:a|b)_bot_(?:x+y)?.*:example\.com").unwrap();
/// assert_eq!(required_literals(pattern.ast()), ["@", "_bot_", ":example.com"]);
/// ```
#[must_use]
pub fn required_literals(ast: &Ast) -> Vec<String> {
    Literals::default().of(ast)
}

/// The same of texts that have been made one without regard to case ([`Folded`](super::Folded)).
#[must_use]
pub fn folded_literals(ast: &Ast) -> Vec<String> {
    Literals { folded: true, ..Literals::default() }.of(ast)
}

#[derive(Default)]
struct Literals {
    literals: Vec<String>,
    /// What has been read without a gap up to here.
    current: String,
    /// Whether they are without regard to case.
    folded: bool,
}

impl Literals {
    fn of(mut self, ast: &Ast) -> Vec<String> {
        self.on(ast);
        self.end();
        self.literals
    }

    fn on(&mut self, ast: &Ast) {
        match ast {
            Ast::Empty | Ast::Anchor(_) | Ast::Look(_) => {}
            Ast::Literal(c) if !self.folded => self.current.push(*c),
            Ast::Literal(c) => self.push(fold::caseless(*c)),
            Ast::Class(class) if self.folded => {
                let only = fold::representatives(class, 1).filter(|chars| chars.len() == 1);
                self.push(only.map(|chars| chars[0]));
            }
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

    fn push(&mut self, c: Option<char>) {
        match c {
            Some(c) => self.current.push(c),
            None => self.end(),
        }
    }

    fn end(&mut self) {
        if !self.current.is_empty() {
            self.literals.push(std::mem::take(&mut self.current));
        }
    }
}
