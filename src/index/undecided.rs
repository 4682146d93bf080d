//! The one policy for what cannot happen: where an engine gives no answer although, as it was configured, it always does,
//! the ID counts as claimed, and the answer says that this could not be decided. To free a name by a mistake of ours is
//! the worst that an index can do; to hold one is seen and can be mended.
//!
//! Such places are: a table that gives up, a slow search that cannot be set up, a literal search or a lazy automaton that
//! refuses its input (then all candidates are tried), an entry whose regex is not read although the file was loaded
//! (then it claims everything).

use python_re::{Anchor, Ast, Outcome, Path, Pattern};

/// Counts as a match, and is shown as one that was not proved.
pub(super) const UNDECIDED: Outcome = Outcome::StepLimit;

/// What an entry claims that cannot be read: everything.
pub(super) fn everything() -> (Pattern, Vec<Path>) {
    let start = Ast::Anchor(Anchor::Start);
    let path = Path { prefix: Vec::new(), conditions: Vec::new(), rest: Some(Ast::Empty) };
    (Pattern::of(start), vec![path])
}
