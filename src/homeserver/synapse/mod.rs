//! What is Synapse's alone. The rules are those of Synapse 1.163; `docs/semantics.md` states them with their sources.

pub(super) mod checks;
mod join;
mod server_name;

use super::dialect::Row;
use super::{Consequence, First, Join, Library, Loader, Precedence, Scope, Sender, SenderRule, SetRules, Syntax};
use crate::matrix::Kind;

/// Synapse's parameters.
pub(super) const ROW: Row = Row {
    name: "synapse",
    homeserver: "Synapse",
    release: "Synapse 1.163.2",
    loader: Loader {
        library: Library::PyYaml,
        url: true,
        empty: true,
        booleans: &["org.matrix.msc3202", "io.element.msc4190"],
        sender: SenderRule::Unquoted,
        toml: None,
    },
    set: SetRules {
        same_id: Consequence::RefusesToStart,
        same_token: Consequence::RefusesToStart,
        answers: First::Listed,
        broken: Consequence::RefusesToStart,
        bad_regex: Consequence::RefusesToStart,
        bad_sender: Consequence::RefusesToStart,
    },
    // `re.compile`, then `match`.
    syntax: Syntax::PYTHON,
    scope: Scope::Any,
    sender: Sender::Exact,
    precedence: Precedence::FileOrder,
    join: Some(Join {
        kinds: &[Kind::User],
        compile: join::compile,
        depends_on_others: join::depends_on_others,
        reach: join::reach,
        consequence: join::CONSEQUENCE,
    }),
    is_server_name: server_name::is_server_name,
    checks: checks::CHECKS,
    other_reading: None,
};
