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
    let mut found = Literals::default();
    found.on(ast);
    found.end();
    found.literals
}

#[derive(Default)]
struct Literals {
    literals: Vec<String>,
    /// What has been read without a gap up to here.
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
