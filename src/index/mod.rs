//! From an ID to the entries that claim it.
//!
//! (skeleton: a walk over the entries, to be replaced by the real index)

use std::sync::Arc;

use crate::matrix::{Kind, MatrixId, ServerName, user_id};
use crate::pattern::{Form, Outcome, Pattern};
use crate::registration::Registration;

/// What one service has to do with an ID.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Hit {
    /// The service, as its position among the registrations that the index was built from.
    pub service: u32,
    /// What makes it interested.
    pub via: Via,
}

/// What makes a service interested in an ID.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Via {
    /// The ID is the service's own user; this outranks its entries.
    Sender,
    /// The first entry of the ID's kind, in file order, that matches.
    Entry {
        /// Its position in the list.
        position: u32,
        /// Whether it counts as matching only because its step limit ran out.
        step_limit: bool,
    },
}

/// From an ID to the services that are interested in it. Immutable.
#[derive(Debug)]
pub struct Index {
    entries: Vec<(Kind, u32, u32, Pattern)>,
    senders: Vec<String>,
}

impl Index {
    /// Builds the index of registrations in load order, all of whose regexes are known to parse.
    #[must_use]
    pub fn build(server_name: &ServerName, registrations: &[Arc<Registration>]) -> Self {
        let mut entries = Vec::new();
        let mut senders = Vec::new();
        for (service, registration) in (0..).zip(registrations) {
            senders.push(user_id(&registration.sender_localpart, server_name.as_str()));
            for kind in Kind::ALL {
                for (position, entry) in (0..).zip(registration.namespaces.of(kind)) {
                    if let Ok(pattern) = Pattern::parse(&entry.regex) {
                        entries.push((kind, service, position, pattern));
                    }
                }
            }
        }
        Self { entries, senders }
    }

    /// The index of a changed set; what is the same `Arc` in both sets need not be built again.
    #[must_use]
    pub fn update(
        previous: &Self,
        server_name: &ServerName,
        _before: &[Arc<Registration>],
        after: &[Arc<Registration>],
    ) -> Self {
        let _ = previous;
        Self::build(server_name, after)
    }

    /// Appends one hit for each interested service, in load order.
    pub fn lookup(&self, id: MatrixId<'_>, hits: &mut Vec<Hit>) {
        let text = id.as_str();
        for (service, sender) in (0..).zip(&self.senders) {
            if sender == text {
                hits.push(Hit { service, via: Via::Sender });
                continue;
            }
            let own = self.entries.iter().filter(|entry| entry.0 == id.kind() && entry.1 == service);
            for (_, _, position, pattern) in own {
                let outcome = matches(pattern, text);
                if outcome != Outcome::NoMatch {
                    let step_limit = outcome == Outcome::StepLimit;
                    hits.push(Hit { service, via: Via::Entry { position: *position, step_limit } });
                    break;
                }
            }
        }
    }
}

fn matches(pattern: &Pattern, text: &str) -> Outcome {
    match pattern.form() {
        Form::Backtracking(backtracker) => backtracker.run(text),
        Form::Regular(hir) => {
            let regex = regex_automata::meta::Regex::builder().build_from_hir(hir).expect("compiles");
            let input = regex_automata::Input::new(text).anchored(regex_automata::Anchored::Yes);
            if regex.is_match(input) { Outcome::Match } else { Outcome::NoMatch }
        }
    }
}
