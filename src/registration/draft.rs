use super::redact::Secrets;
use super::{Fault, Place};
use crate::homeserver::Dialect;
use pyyaml::{Document, Located, NodeId, Value};

/// So many faults of a file are listed; the others are counted. A file of ten thousand entries with one mistake in each
/// would else fill a screen of a thousand lines, and a log with them.
const MAX_FAULTS: usize = 200;

/// A registration file while it is being read: its top level, and the faults so far.
pub(super) struct Draft<'d> {
    /// What was read, for the way out; it holds the tokens.
    pub(super) text: &'d str,
    pub(super) document: &'d Document<'d>,
    pub(super) pairs: &'d [(NodeId, NodeId)],
    /// Whose homeserver it is read for.
    pub(super) dialect: Dialect,
    /// The tokens, as far as they are there.
    pub(super) secrets: Secrets<'d>,
    faults: Faults,
}

/// What is wrong with a file: the first of it, and how much more there is.
#[derive(Default)]
pub(super) struct Faults {
    listed: Vec<Fault>,
    more: usize,
}

impl Faults {
    pub(super) fn push(&mut self, fault: Fault) {
        if self.listed.len() == MAX_FAULTS {
            self.more += 1;
        } else {
            self.listed.push(fault);
        }
    }

    /// How many there are, listed or not.
    pub(super) const fn count(&self) -> usize {
        self.listed.len() + self.more
    }

    /// Those that are listed, the last of which counts the others.
    pub(super) fn done(mut self) -> Vec<Fault> {
        if let Some(last) = self.listed.last_mut().filter(|_| self.more > 0) {
            last.message.push_str(&format!("; and {} more faults that are not listed", self.more));
        }
        self.listed
    }
}

impl<'d> Draft<'d> {
    pub(super) fn new(
        text: &'d str,
        document: &'d Document<'d>,
        pairs: &'d [(NodeId, NodeId)],
        dialect: Dialect,
    ) -> Self {
        let tokens = ["as_token", "hs_token"].into_iter().filter_map(|key| match document.get(pairs, key)?.value {
            Value::Str(text) => Some(&*text.chars),
            _ => None,
        });
        Self { text, document, pairs, dialect, secrets: Secrets::new(tokens), faults: Faults::default() }
    }

    /// The value of a top-level key.
    pub(super) fn get(&self, key: &str) -> Option<Located<'d>> {
        self.document.get(self.pairs, key)
    }

    /// The place of the file's first key, for faults about what is missing.
    pub(super) fn top(&self) -> Place {
        self.document.place(self.document.root())
    }

    /// Takes a fault down, without the tokens that its message may repeat from a regex.
    pub(super) fn fault(&mut self, mut fault: Fault) {
        fault.message = self.secrets.cut(fault.message);
        self.faults.push(fault);
    }

    pub(super) fn is_faultless(&self) -> bool {
        self.faults.count() == 0
    }

    /// All faults in the order of the file, the last of which counts those that are not listed.
    pub(super) fn into_faults(mut self) -> Vec<Fault> {
        self.faults.listed.sort_by_key(|fault| (fault.line.is_none(), fault.line, fault.column));
        self.faults.done()
    }
}
