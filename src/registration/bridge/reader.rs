use super::super::redact::{self, Secrets};
use super::super::{Place, Said, Token, TokenHasher, template};
use super::Secret;
use pyyaml::{Document, Located, NodeId, Value};

/// A bridge's configuration while it is being read: what stands below which keys, one in the other.
pub(super) struct Reader<'d> {
    document: &'d Document<'d>,
    root: &'d [(NodeId, NodeId)],
    hasher: &'d TokenHasher,
    /// What no message may repeat, wherever it stands.
    secrets: Secrets<'d>,
}

impl<'d> Reader<'d> {
    pub(super) fn new(document: &'d Document<'d>, root: &'d [(NodeId, NodeId)], hasher: &'d TokenHasher) -> Self {
        let mut reader = Self { document, root, hasher, secrets: Secrets::default() };
        let tokens = [["as_token"].as_slice(), &["hs_token"], &["appservice", "as_token"], &["appservice", "hs_token"]];
        let texts = tokens.iter().filter_map(|path| match reader.at(path)?.value {
            Value::Str(text) => Some(&*text.chars),
            _ => None,
        });
        reader.secrets = Secrets::new(texts);
        reader
    }

    /// By what tokens are recognized.
    pub(super) const fn hasher(&self) -> &'d TokenHasher {
        self.hasher
    }

    /// Where the file begins.
    pub(super) fn top(&self) -> Place {
        self.document.place(self.document.root())
    }

    /// What stands below these keys, one in the other.
    pub(super) fn at(&self, path: &[&str]) -> Option<Located<'d>> {
        let (last, above) = path.split_last()?;
        self.document.get(self.pairs(above)?, last)
    }

    pub(super) fn has(&self, path: &[&str]) -> bool {
        self.at(path).is_some()
    }

    /// The pairs of a mapping.
    pub(super) fn pairs(&self, path: &[&str]) -> Option<&'d [(NodeId, NodeId)]> {
        path.iter().try_fold(self.root, |pairs, key| match self.document.get(pairs, key)?.value {
            Value::Dict(pairs) => Some(pairs),
            _ => None,
        })
    }

    /// The keys of a mapping that are texts.
    pub(super) fn keys(&self, path: &[&str]) -> Vec<String> {
        let pairs = self.pairs(path).unwrap_or_default();
        let key = |&(key, _): &(NodeId, NodeId)| match self.document.value(key) {
            Value::Str(text) => Some(text.chars.to_string()),
            _ => None,
        };
        pairs.iter().filter_map(key).collect()
    }

    /// A text, as it may be shown; `None` for an empty one.
    pub(super) fn text(&self, path: &[&str]) -> Option<Said<String>> {
        self.shown(self.at(path)?)
    }

    /// What stands under a key in each mapping of a list.
    pub(super) fn texts_in(&self, list: &[&str], key: &str) -> Vec<Said<String>> {
        let Some(Value::List(items)) = self.at(list).map(|found| found.value) else { return Vec::new() };
        let text = |&item: &NodeId| match self.document.value(item) {
            Value::Dict(pairs) => self.shown(self.document.get(pairs, key)?),
            _ => None,
        };
        items.iter().filter_map(text).collect()
    }

    fn shown(&self, found: Located<'d>) -> Option<Said<String>> {
        let text = match found.value {
            Value::Str(text) => self.secrets.hide(&text.escaped()),
            Value::Int(number) => number.small()?.to_string(),
            _ => return None,
        };
        (!text.is_empty()).then_some(Said { value: text, place: found.place })
    }

    /// A URL, as it may be shown.
    pub(super) fn url(&self, path: &[&str]) -> Option<Said<String>> {
        let said = self.text(path)?;
        Some(Said { value: redact::url(said.value.trim_end_matches('/')), ..said })
    }

    /// A port, also one in quotes.
    pub(super) fn port(&self, path: &[&str]) -> Option<Said<u16>> {
        let said = self.text(path)?;
        Some(Said { value: said.value.parse().ok()?, place: said.place })
    }

    pub(super) fn is_true(&self, path: &[&str]) -> bool {
        self.at(path).is_some_and(|found| found.value == Value::Bool(true))
    }

    pub(super) fn is_false(&self, path: &[&str]) -> bool {
        self.at(path).is_some_and(|found| found.value == Value::Bool(false))
    }

    /// A token.
    pub(super) fn secret(&self, path: &[&str]) -> Option<Secret> {
        let found = self.at(path)?;
        let Value::Str(text) = found.value else { return None };
        let text = text.escaped();
        let is_none = if text.is_empty() {
            Some("empty")
        } else if text == "generate" {
            Some("the word `generate`")
        } else {
            template::left_over(&text).or_else(|| template::no_token(&text))
        };
        Some(Secret { digest: self.hasher.digest(&Token::new(text)), is_none, place: found.place })
    }
}
