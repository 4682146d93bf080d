//! Ownership and decisions, from claims. Knows registrations, the index and the homeserver's checks, and neither files
//! nor HTTP.

mod alias;
mod case;
mod claim;
mod decision;
mod matching;
mod names;
mod ownership;
mod reasons;
mod services;
mod user;

pub use claim::{Claim, ClaimVia, Claims};
pub use decision::{Decision, Reason};
pub use matching::MatchingEntry;
pub use ownership::{Ownership, Status};
pub use services::Services;
pub use user::{Asker, UserName};
