//! A registration that is sent to be checked, as text.

use std::fmt::Write;

use serde_json::{Value, json};

/// What `POST /v1/check` takes.
pub(crate) const MOST: usize = 256 << 10;

/// What stands in a registration.
#[derive(Default)]
pub(crate) struct Document {
    pub(crate) id: String,
    pub(crate) sender: String,
    /// What stands before everything else.
    pub(crate) preamble: String,
    pub(crate) entries: Vec<Entry>,
    pub(crate) form: Form,
    /// What stands behind everything else.
    pub(crate) rest: String,
}

pub(crate) struct Entry {
    pub(crate) list: &'static str,
    pub(crate) exclusive: bool,
    pub(crate) regex: String,
}

/// How the entries are written.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Form {
    /// YAML, each by itself.
    #[default]
    Yaml,
    /// YAML, the first entry of a list and then references to it, as many as fit.
    Aliases,
    /// JSON, with every character that is not a letter escaped.
    Json,
}

impl Document {
    pub(crate) fn named(name: &str) -> Self {
        Self { id: name.to_owned(), sender: name.to_owned(), ..Self::default() }
    }

    /// The text, with as many of the entries as fit.
    pub(crate) fn text(&self) -> Vec<u8> {
        match self.form {
            Form::Json => self.json(),
            form => self.yaml(form),
        }
        .into_bytes()
    }

    fn yaml(&self, form: Form) -> String {
        let mut text = format!(
            "{}id: {}\nurl: null\nas_token: as-token-of-the-newcomer\nhs_token: hs-token-of-the-newcomer\n\
             sender_localpart: {}\nnamespaces:\n",
            self.preamble,
            json!(self.id),
            json!(self.sender)
        );
        let room = MOST.saturating_sub(self.rest.len());
        for list in ["users", "aliases", "rooms"] {
            let mut entries = self.entries.iter().filter(|entry| entry.list == list).peekable();
            if entries.peek().is_none() {
                continue;
            }
            let _ = writeln!(text, "  {list}:");
            for (at, Entry { exclusive, regex, .. }) in entries.enumerate() {
                let (exclusive, regex) = (json!(exclusive), json!(regex));
                let line = match (form, at) {
                    (Form::Aliases, 0) => format!("  - &{list} {{exclusive: {exclusive}, regex: {regex}}}\n"),
                    (Form::Aliases, _) => format!("  - *{list}\n"),
                    _ => format!("  - {{exclusive: {exclusive}, regex: {regex}}}\n"),
                };
                if text.len() + line.len() > room {
                    break;
                }
                text += &line;
            }
        }
        text + &self.rest
    }

    fn json(&self) -> String {
        let mut bytes = 400 + self.id.len() + self.sender.len();
        let mut namespaces = json!({"users": [], "aliases": [], "rooms": []});
        for Entry { list, exclusive, regex } in &self.entries {
            bytes += 40 + escaped(regex).len();
            if bytes > MOST {
                break;
            }
            let entry = json!({"exclusive": exclusive, "regex": regex});
            namespaces[list].as_array_mut().expect("a list").push(entry);
        }
        let whole: Value = json!({
            "id": self.id, "url": null, "as_token": "as-token-of-the-newcomer", "hs_token": "hs-token-of-the-newcomer",
            "sender_localpart": self.sender, "namespaces": namespaces,
        });
        whole.to_string()
    }
}

fn escaped(text: &str) -> String {
    Value::from(text).to_string()
}
