//! What is said of a refusal: one sentence that names the service in the way, and where its file says so.

use std::cmp::Reverse;

use super::case::{Case, Objection};
use super::{Claim, Reason};
use crate::homeserver::Dialect;
use crate::matrix::Kind;
use crate::registration::{Entry, Registration};

/// The check that comes before all others: that the service that asks is loaded.
pub(super) const KNOWN: &str = "known_service";

/// Nobody knows the service that asks.
pub(super) fn unknown_service(as_id: Option<&str>) -> Objection {
    let error = match as_id {
        Some(as_id) => format!("no application service with the id `{as_id}` is loaded"),
        None => "no application service with this token is loaded".to_owned(),
    };
    Objection::new(Reason::UnknownAs, error)
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

/// So many entries of a service are listed where none of them matches.
const MAX_LISTED: usize = 3;

/// The service that asks does not claim the ID: what it claims instead, the nearest first, and where that stands.
pub(super) fn outside(case: &Case<'_>) -> String {
    let id = case.subject.as_str();
    let as_id = case.as_id.as_deref().unwrap_or_default();
    let holder = case.claims.iter().find(|claim| claim.exclusive);
    let held = holder.map_or_else(String::new, |holder| format!(", and `{}` holds it exclusively", holder.as_id));
    let claims_instead = case.service.map_or_else(String::new, |position| {
        let registration = case.services.registration(position);
        format!("; {}", claims_instead(registration, case.services.homeserver().dialect, case.subject.kind(), id))
    });
    format!("`{id}` is in no namespace of `{as_id}`{held}{claims_instead}")
}

/// The entries of a kind and the service's own user, as far as they are listed.
fn claims_instead(registration: &Registration, dialect: Dialect, kind: Kind, id: &str) -> String {
    let file = registration.file();
    let mut entries: Vec<Entry<'_>> = registration.entries(kind).iter().collect();
    entries.sort_by_key(|entry| Reverse(in_common(&entry.regex, id)));
    let list = kind.list();
    let listed =
        entries.iter().take(MAX_LISTED).map(|entry| format!("`{}` (line {})", &*entry.regex, entry.place.line));
    let listed = listed.collect::<Vec<_>>().join(", ");
    let claims = match entries.len() {
        0 => format!("{file} has no `{list}` entries"),
        count if count > MAX_LISTED => format!("the nearest of the {count} `{list}` entries of {file} are {listed}"),
        _ => format!("the `{list}` entries of {file} are {listed}"),
    };
    match kind {
        Kind::User if registration.sender_is_whole() => format!(
            "{claims}, and `sender_localpart` is written as a whole ID (line {}), by which {} knows no user of the service's \
             own: write `{}` alone",
            registration.sender_place().line,
            dialect.homeserver(),
            registration.sender_localpart()
        ),
        Kind::User => format!(
            "{claims}, and its own user is `{}` (line {}): the name in the bridge's configuration and in its registration \
             must agree",
            registration.sender_localpart(),
            registration.sender_place().line
        ),
        Kind::Alias | Kind::Room => claims,
    }
}

/// How many characters a regex and an ID begin with alike, what is escaped in the regex read as itself.
fn in_common(regex: &str, id: &str) -> usize {
    let mut literal = regex.trim_start_matches(['^', '(']).chars();
    let mut alike = 0;
    for wanted in id.chars() {
        let next = match literal.next() {
            Some('\\') => literal.next(),
            other => other,
        };
        if next != Some(wanted) {
            break;
        }
        alike += 1;
    }
    alike
}

#[cfg(test)]
mod tests {
    use super::in_common;

    #[test]
    fn the_nearest_begins_as_the_id_does() {
        assert_eq!(in_common("^@wechat_bot.*", "@wechatbot:example.com"), 7);
        assert_eq!(in_common(r"@a\.b:.*", "@a.b:x"), 5);
        assert_eq!(in_common("#x", "@x"), 0);
        assert_eq!(in_common("@x", "@xyz"), 2);
    }
}
