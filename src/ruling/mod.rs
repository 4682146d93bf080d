//! Ownership and decisions, from claims. Knows registrations, the index and the homeserver's checks, and neither files
//! nor HTTP.
//!
//! # From hits to an answer
//!
//! The index says of each interested service what decides about its claim ([`crate::index::Hit`]). Here that becomes a
//! [`Claim`], borrowed from the registration: which entry of which line, exclusive or not. What the claims of an ID come to
//! is its [`Ownership`]; nothing else is asked for that.
//!
//! A [`Decision`] also depends on who asks. It is made of *checks*, each of which passes or says why not
//! ([`UserCheck`](crate::homeserver::UserCheck), [`AliasCheck`](crate::homeserver::AliasCheck)). Which checks are made for
//! whom, and in which order, is the dialect's list; what a check does is here, once (`user`, `alias`). The first that fails
//! decides, so the order is part of the answer: a name that is both reserved and too long is reserved.
//!
//! Followed through, for Synapse and an IRC bridge that holds `@irc_.*` exclusively:
//!
//! ```text
//! a person asks for `IRC_bob`         small letters: `@irc_bob:example.com`; characters, not empty, no `_` in front: pass;
//!                                     not reserved: the bridge holds it → no, `reserved`, M_EXCLUSIVE
//! the same, whether it is free        as typed: characters: `I` → no, `invalid_user_id`, M_INVALID_USERNAME
//! the bridge asks for `irc_bob`       own namespace: passes, and is the reason to tell; not reserved by another → yes,
//!                                     `own_namespace`
//! another bridge asks for it          own namespace: no claim of its own → no, `outside_own_namespace`, M_EXCLUSIVE, with
//!                                     what it does claim, and where
//! ```
//!
//! A check that cannot tell refuses. An ID that counts as claimed only because a regex ran out of steps is held, and its
//! claim says so (`step_limit`).
//!
//! # Names
//!
//! `names` finds the service with an id or a token without a copy of either: a table of positions, compared where the
//! strings are. For a set of which little has changed the table is copied and mended, which a property test holds against
//! one made afresh.

mod acting;
mod alias;
mod case;
mod claim;
mod decision;
mod matching;
mod names;
mod ownership;
mod readings;
mod reasons;
mod services;
mod user;

pub use claim::{Claim, ClaimVia, Claims};
pub use decision::{AccountRule, Because, Decision, Reason};
pub use matching::MatchingEntry;
pub use ownership::{Ownership, Status};
pub use readings::read_otherwise;
pub use services::Services;
pub use user::{Asker, UserName};
