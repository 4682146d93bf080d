//! Ownership and decisions, from claims. Knows registrations and the index, and neither files nor HTTP.
//!
//! The rules are Synapse's; `docs/semantics.md` states them with their sources.

mod alias;
mod claim;
mod decision;
mod names;
mod ownership;
mod register;
mod services;

pub use claim::{Claim, ClaimVia, Claims};
pub use decision::{Decision, Reason};
pub use ownership::{Ownership, Status};
pub use register::{Asker, UserName};
pub use services::Services;
