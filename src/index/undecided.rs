//! The one policy for what cannot happen: where an engine gives no answer although, as it was configured, it always does,
//! the ID counts as claimed, and the answer says that this could not be decided. To free a name by a mistake of ours is
//! the worst that an index can do; to hold one is seen and can be mended.
//!
//! Such places are: a table that gives up (`residual`), a literal search (`fallback`) or a lazy automaton (`lazy`) that
//! refuses its input, where all candidates are tried. An entry that is not read although it was when the file was loaded
//! claims everything ([`crate::registration::Regex::pattern`]).

use python_re::Outcome;

/// Counts as a match, and is shown as one that was not proved.
pub(super) const UNDECIDED: Outcome = Outcome::StepLimit;
