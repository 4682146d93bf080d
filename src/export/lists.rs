use serde::Serialize;

use crate::analysis::Form;

/// Reserved localparts by the form in which they are said, each list in order. The names of the lists are those that the
/// Matrix Authentication Service knows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Lists {
    /// Names.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Vec<String>, required = true, example = json!(["telegrambot"]))]
    pub literals: Option<Vec<String>>,
    /// All that begin so.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Vec<String>, required = true, example = json!(["irc_"]))]
    pub prefixes: Option<Vec<String>>,
    /// All that end so.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Vec<String>, required = true)]
    pub suffixes: Option<Vec<String>>,
    /// All in which it stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Vec<String>, required = true)]
    pub substrings: Option<Vec<String>>,
    /// All in which a regex is found; in Go's RE2, JavaScript and Python alike. They begin with `^`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Vec<String>, required = true, example = json!(["^telegram_."]))]
    pub regexes: Option<Vec<String>>,
}

impl Lists {
    /// Forms by what they are.
    #[must_use]
    pub fn of(forms: &[Form]) -> Self {
        let list = |of: fn(&Form) -> Option<&String>| Some(forms.iter().filter_map(of).cloned().collect());
        Self {
            literals: list(|form| if let Form::Literal(text) = form { Some(text) } else { None }),
            prefixes: list(|form| if let Form::Prefix(text) = form { Some(text) } else { None }),
            suffixes: list(|form| if let Form::Suffix(text) = form { Some(text) } else { None }),
            substrings: list(|form| if let Form::Substring(text) = form { Some(text) } else { None }),
            regexes: list(|form| if let Form::Regex(text) = form { Some(text) } else { None }),
        }
    }

    /// Without the lists in which there is nothing.
    #[must_use]
    pub fn without_empty(self) -> Self {
        let some = |list: Option<Vec<String>>| list.filter(|list| !list.is_empty());
        Self {
            literals: some(self.literals),
            prefixes: some(self.prefixes),
            suffixes: some(self.suffixes),
            substrings: some(self.substrings),
            regexes: some(self.regexes),
        }
    }

    /// All of it as regexes to be searched for.
    pub fn as_regexes(self) -> impl Iterator<Item = String> {
        let escaped = |texts: Option<Vec<String>>| texts.into_iter().flatten().map(|text| escape(&text));
        let literals = escaped(self.literals).map(|text| format!("^{text}$"));
        let prefixes = escaped(self.prefixes).map(|text| format!("^{text}"));
        let suffixes = escaped(self.suffixes).map(|text| text + "$");
        let substrings = escaped(self.substrings);
        literals.chain(prefixes).chain(suffixes).chain(substrings).chain(self.regexes.into_iter().flatten())
    }
}

/// A text of the characters that a localpart may have, of which two mean something in a regex.
fn escape(text: &str) -> String {
    text.replace('.', r"\.").replace('+', r"\+")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_form_is_a_regex_to_be_searched_for() {
        let forms = [
            Form::Literal("a.b".to_owned()),
            Form::Prefix("c+".to_owned()),
            Form::Suffix("_d".to_owned()),
            Form::Substring("e".to_owned()),
            Form::Regex("^f.$".to_owned()),
        ];
        let regexes: Vec<String> = Lists::of(&forms).as_regexes().collect();
        assert_eq!(regexes, [r"^a\.b$", r"^c\+", "_d$", "e", "^f.$"]);
    }
}
