use std::sync::Arc;

use super::{
    Fault, Loaded, Namespaces, Place, Registration, Token, TokenHasher, advice, namespaces, options, shown, strength,
};
use pyyaml::{Document, NodeId, Text, Value};

/// A registration file while it is being read: its top level, and the faults so far.
pub(super) struct Sheet<'d> {
    pub(super) document: &'d Document<'d>,
    pairs: &'d [(NodeId, NodeId)],
    faults: Vec<Fault>,
    /// How many faults there are beyond those that are listed.
    more_faults: usize,
}

/// So many faults of a file are listed; the others are counted.
const MAX_FAULTS: usize = 200;

/// A value and where it stands.
#[derive(Clone, Copy)]
pub(super) struct Found<'d> {
    pub(super) value: Value<'d>,
    pub(super) place: Place,
}

/// The localpart of the service's own user must survive URL quoting: `urllib.parse.quote` leaves these alone.
fn is_unquoted(text: &Text<'_>) -> bool {
    text.surrogates.is_empty()
        && text
            .chars
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-' | b'~' | b'/'))
}

impl<'d> Sheet<'d> {
    pub(super) fn new(document: &'d Document<'d>, pairs: &'d [(NodeId, NodeId)]) -> Self {
        Self { document, pairs, faults: Vec::new(), more_faults: 0 }
    }

    /// The value of a top-level key.
    pub(super) fn get(&self, key: &str) -> Option<Found<'d>> {
        self.get_in(self.pairs, key)
    }

    /// The value of a key of a mapping.
    pub(super) fn get_in(&self, pairs: &'d [(NodeId, NodeId)], key: &str) -> Option<Found<'d>> {
        let document = self.document;
        document.lookup(pairs, key).map(|(_, node)| Self::found(document, node))
    }

    pub(super) fn found(document: &'d Document<'d>, node: NodeId) -> Found<'d> {
        Found { value: document.value(node), place: document.place(node) }
    }

    /// The place of the file's first key, for faults about what is missing.
    pub(super) fn top(&self) -> Place {
        self.document.place(self.document.root())
    }

    /// Takes a fault down, without the tokens that its message may repeat from a regex.
    pub(super) fn fault(&mut self, mut fault: Fault) {
        if self.faults.len() == MAX_FAULTS {
            self.more_faults += 1;
            return;
        }
        for token in self.tokens() {
            fault.message = shown::without(fault.message, &token.chars);
        }
        self.faults.push(fault);
    }

    /// The tokens, as far as they are there.
    fn tokens(&self) -> impl Iterator<Item = &'d Text<'d>> {
        ["as_token", "hs_token"].into_iter().filter_map(|key| match self.get(key)?.value {
            Value::Str(text) => Some(text),
            _ => None,
        })
    }

    /// The key below which the registration stands, if it is not at the top level.
    fn nested(&self) -> Option<(&'d str, Place)> {
        let [(key, value)] = *self.pairs else { return None };
        let (Value::Str(name), Value::Dict(below)) = (self.document.value(key), self.document.value(value)) else {
            return None;
        };
        let is_one = ["id", "as_token", "hs_token"].iter().any(|key| self.get_in(below, key).is_some());
        is_one.then(|| (&*name.chars, self.document.place(key)))
    }

    /// A string that must be there.
    fn required(&mut self, key: &'static str) -> Option<(&'d Text<'d>, Place)> {
        match self.get(key) {
            Some(Found { value: Value::Str(text), place, .. }) => Some((text, place)),
            Some(found) => {
                self.fault(advice::not_a_string(key, found));
                None
            }
            None => {
                self.fault(advice::missing(key, self.top()));
                None
            }
        }
    }

    /// The URL: `Some(None)` for an explicit null.
    #[expect(clippy::option_option, reason = "a fault, an explicit null and a URL are three things")]
    fn url(&mut self) -> Option<Option<Box<str>>> {
        match self.get("url") {
            Some(Found { value: Value::Str(text), .. }) => {
                let url = shown::url(text.escaped().trim_end_matches('/'));
                Some(Some(self.tokens().fold(url, |url, token| shown::without(url, &token.chars)).into()))
            }
            Some(Found { value: Value::Null, .. }) => Some(None),
            Some(found) => {
                self.fault(advice::not_a_string("url", found));
                None
            }
            None => {
                self.fault(advice::missing("url", self.top()));
                None
            }
        }
    }

    /// Checks everything and makes the registration.
    pub(super) fn read(mut self, file: &Arc<str>, hasher: &TokenHasher) -> Loaded {
        if let Some((key, place)) = self.nested() {
            return Err(vec![advice::nested(key, place)]);
        }
        let id = self.required("id");
        if let Some((text, place)) = id
            && text.chars.contains('|')
        {
            self.fault(advice::pipe_in_id(place));
        }
        let as_token = self.required("as_token");
        let hs_token = self.required("hs_token");
        let sender = self.required("sender_localpart");
        if let Some((text, place)) = sender
            && !is_unquoted(text)
        {
            self.fault(advice::quoted_sender(text, place));
        }
        let url = self.url();
        let namespaces: Namespaces = namespaces::read(&mut self);
        let protocols = options::protocols(&mut self);
        options::check_rest(&mut self);
        let proxy_prefix = options::proxy(&mut self);
        let (Some(id), Some(as_token), Some(hs_token), Some(sender), Some(url), true) =
            (id, as_token, hs_token, sender, url, self.faults.is_empty())
        else {
            self.faults.sort_by_key(|fault| (fault.line.is_none(), fault.line, fault.column));
            if let Some(last) = self.faults.last_mut().filter(|_| self.more_faults > 0) {
                last.message.push_str(&format!("; and {} more faults that are not listed", self.more_faults));
            }
            return Err(self.faults);
        };
        let rate_limited = !matches!(self.get("rate_limited"), Some(Found { value: Value::Bool(false), .. }));
        let secrets = [&*as_token.0.chars, &*hs_token.0.chars];
        Ok(Registration {
            file: Arc::clone(file),
            id: id.0.escaped().into(),
            url,
            sender_localpart: sender.0.escaped().into(),
            sender_place: sender.1,
            as_token: hasher.digest(&Token::new(as_token.0.escaped())),
            hs_token: hasher.digest(&Token::new(hs_token.0.escaped())),
            namespaces,
            protocols,
            rate_limited,
            proxy_prefix,
            extra: shown::extra(self.document, self.pairs, &secrets),
            warnings: strength::warnings(self.document, as_token, hs_token),
        })
    }
}
