use std::sync::Arc;

use super::yaml::{Document, NodeId, Text, Value};
use super::{
    Fault, Loaded, Namespaces, Place, Registration, Token, TokenHasher, advice, namespaces, options, shown, strength,
};

/// A registration file while it is being read: its top level, and the faults so far.
pub(super) struct Sheet<'d> {
    pub(super) document: &'d Document<'d>,
    pairs: &'d [(NodeId, NodeId)],
    pub(super) faults: Vec<Fault>,
}

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
        Self { document, pairs, faults: Vec::new() }
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

    pub(super) fn fault(&mut self, fault: Fault) {
        self.faults.push(fault);
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
                Some(Some(shown::url(text.escaped().trim_end_matches('/')).into()))
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
            namespaces,
            protocols,
            rate_limited,
            proxy_prefix,
            extra: shown::extra(self.document, self.pairs, &secrets),
            warnings: strength::warnings(self.document, as_token, hs_token),
        })
    }
}
