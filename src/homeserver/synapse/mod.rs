//! What is Synapse's alone. The rules are those of Synapse 1.163; `docs/semantics.md` states them with their sources.

mod checks;
mod join;
mod server_name;

use super::dialect::Row;
use super::{Join, Precedence, Syntax};

/// Synapse's parameters.
pub(super) const ROW: Row = Row {
    name: "synapse",
    homeserver: "Synapse",
    // `re.compile`, then `match`.
    syntax: Syntax::PYTHON,
    precedence: Precedence::FileOrder,
    join: Some(Join {
        compile: join::compile,
        depends_on_others: join::depends_on_others,
        consequence: join::CONSEQUENCE,
    }),
    is_server_name: server_name::is_server_name,
    checks: checks::CHECKS,
    collision: "Synapse would refuse to start",
};
