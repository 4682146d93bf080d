use serde::Serialize;

use super::expression::Expression;
use super::letters::Letters;

/// Reserved names as a neighbour can be told, the simplest form that says it exactly.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub enum Form {
    /// One name.
    Literal(String),
    /// All that begin so.
    Prefix(String),
    /// All that end so.
    Suffix(String),
    /// All in which it stands.
    Substring(String),
    /// All in which a regex is found, in Go's RE2, JavaScript and Python alike. It begins with `^`.
    Regex(String),
}

impl Form {
    pub(super) fn as_prefix(&self) -> Option<&str> {
        match self {
            Self::Prefix(text) => Some(text),
            _ => None,
        }
    }
}

/// Which names are told, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// The localparts that a person could register, in the simplest form.
    Localparts,
    /// The users that there may be, those of old servers and lenient bridges included, as regexes of whole IDs.
    Ids,
}

impl Told {
    pub(super) fn alphabet(self) -> Letters {
        match self {
            Self::Localparts => Letters::registrable(),
            Self::Ids => Letters::historical(),
        }
    }

    /// An expression for localparts, as it is told.
    pub(super) fn form(self, expression: &Expression, server: &str) -> Form {
        match self {
            Self::Localparts => self.of_localparts(expression),
            Self::Ids => Form::Regex(self.of_ids(expression, server)),
        }
    }

    fn of_localparts(self, expression: &Expression) -> Form {
        let any = Expression::any(self.alphabet());
        let items = expression.clone().into_items();
        let text = |items: &[Expression]| Expression::as_literal(items).filter(|text| !text.is_empty());
        match &*items {
            [only] if *only == any => return Form::Prefix(String::new()),
            [first, middle @ .., last] if *first == any && *last == any => {
                if let Some(text) = text(middle) {
                    return Form::Substring(text);
                }
            }
            [first, rest @ ..] if *first == any => {
                if let Some(text) = text(rest) {
                    return Form::Suffix(text);
                }
            }
            [rest @ .., last] if *last == any => {
                if let Some(text) = text(rest) {
                    return Form::Prefix(text);
                }
            }
            whole => {
                if let Some(text) = text(whole) {
                    return Form::Literal(text);
                }
            }
        }
        Form::Regex(self.regex(items))
    }

    /// Open at the end where everything may follow.
    fn regex(self, mut items: Vec<Expression>) -> String {
        let alphabet = self.alphabet();
        let mut end = "$";
        if let Some(Expression::Repeat { body, min, max: None }) = items.last()
            && **body == Expression::One(alphabet)
        {
            let rest = Expression::repeat((**body).clone(), *min, Some(*min));
            items.pop();
            items.push(rest);
            end = "";
        }
        let mut text = "^".to_owned();
        write(&Expression::concat(items), alphabet, &mut text);
        text + end
    }

    fn of_ids(self, expression: &Expression, server: &str) -> String {
        let mut text = "^@".to_owned();
        write(expression, self.alphabet(), &mut text);
        let mut escaped = String::new();
        Expression::literal(server).write(self.alphabet(), &mut escaped);
        format!("{text}:{escaped}$")
    }
}

/// Branches are held together by a group.
fn write(expression: &Expression, alphabet: Letters, text: &mut String) {
    match expression {
        Expression::Either(_) => expression.write_grouped(alphabet, text),
        _ => expression.write(alphabet, text),
    }
}
