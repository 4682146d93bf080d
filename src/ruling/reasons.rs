//! What is said of a refusal: one sentence that names the service in the way, and where its file says so.

use super::case::{Case, Refusal};
use super::{Claim, Reason};
use crate::matrix::ErrCode;

/// Nobody knows the service that asks.
pub(super) fn unknown_service(as_id: Option<&str>) -> Refusal {
    let error = match as_id {
        Some(as_id) => format!("no application service with the id `{as_id}` is loaded"),
        None => "no application service with this token is loaded".to_owned(),
    };
    Refusal::new(Reason::UnknownAs, ErrCode::UnknownToken, error)
}

/// Names the service in the way, and by which entry of which file it is.
pub(super) fn reserved(case: &Case<'_>, holder: &Claim<'_>) -> String {
    let id = case.subject.as_str();
    let Claim { as_id, file, line, .. } = holder;
    match holder.regex {
        Some(regex) => format!("`{id}` is held exclusively by `{as_id}`, with `{regex}` in {file}:{line}"),
        None => format!("`{id}` is the sender of `{as_id}`, see {file}:{line}"),
    }
}

/// The service that asks does not claim the ID.
pub(super) fn outside(case: &Case<'_>) -> String {
    let id = case.subject.as_str();
    let as_id = case.as_id.as_deref().unwrap_or_default();
    match case.claims.iter().find(|claim| claim.exclusive) {
        None => format!("`{id}` is in no namespace of `{as_id}`"),
        Some(holder) => format!("`{id}` is in no namespace of `{as_id}`, and `{}` holds it exclusively", holder.as_id),
    }
}
