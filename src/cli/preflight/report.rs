use std::io::{self, Write};

use serde::Serialize;

use super::accounts::Account;
use crate::cli::output::Out;
use crate::ruling::{Claim, ClaimVia};
use crate::telemetry::Visible;

/// Who lives in the names that the registrations take.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    server_name: String,
    /// How many accounts there are.
    pub(super) accounts: usize,
    /// Those that a registration claims and its service has not made, in the order of their names.
    pub(super) captured: Vec<Captured>,
}

/// An account in the names of a service that has not made it.
#[derive(Debug, Serialize)]
pub(super) struct Captured {
    user_id: String,
    /// The service that claims it.
    as_id: String,
    exclusive: bool,
    via: ClaimVia,
    regex: Option<String>,
    file: String,
    line: u32,
    deactivated: bool,
    is_guest: bool,
    /// Another service that has made it.
    appservice_id: Option<String>,
}

impl Report {
    pub(super) fn new(server_name: &str) -> Self {
        Self { server_name: server_name.to_owned(), accounts: 0, captured: Vec::new() }
    }
}

impl Captured {
    pub(super) fn of(account: &Account, owner: Option<&str>, claim: &Claim<'_>) -> Self {
        Self {
            user_id: account.name.clone(),
            as_id: claim.as_id.to_owned(),
            exclusive: claim.exclusive,
            via: claim.via,
            regex: claim.regex.map(str::to_owned),
            file: claim.file.to_owned(),
            line: claim.line,
            deactivated: account.deactivated,
            is_guest: account.is_guest,
            appservice_id: owner.map(str::to_owned),
        }
    }

    /// Whether somebody loses something.
    pub(super) fn loses(&self) -> bool {
        self.exclusive && !self.deactivated
    }
}

pub(super) fn human(out: &mut Out, report: &Report) -> io::Result<()> {
    for captured in &report.captured {
        writeln!(out, "{}", Visible(&line(captured)))?;
    }
    if !report.captured.is_empty() {
        writeln!(out)?;
    }
    let count = |matches: &dyn Fn(&Captured) -> bool| report.captured.iter().filter(|one| matches(one)).count();
    let (accounts, exclusive, deactivated) = (report.accounts, count(&Captured::loses), count(&|one| one.deactivated));
    if report.captured.is_empty() {
        return writeln!(out, "none of {accounts} accounts lives in these namespaces");
    }
    writeln!(
        out,
        "{} of {accounts} accounts: {exclusive} would be held exclusively, {} shared, {deactivated} are deactivated",
        report.captured.len(),
        count(&|one| !one.exclusive && !one.deactivated),
    )?;
    if exclusive > 0 {
        writeln!(
            out,
            "Held exclusively, a person gets no push notifications any more and is not found in the user directory: Synapse takes \
             the account for one of the service's. Give the service names that nobody has, or let the person move first."
        )?;
    }
    writeln!(
        out,
        "Whoever a service claims, exclusively or not, it may act as, and it is sent what happens in that person's rooms. A name \
         that is taken it cannot register."
    )
}

fn line(captured: &Captured) -> String {
    let Captured { user_id, as_id, file, line, .. } = captured;
    let how = if captured.exclusive { "exclusively" } else { "shared" };
    let by = match (&captured.regex, captured.via) {
        (Some(regex), ClaimVia::Namespace) => format!("with `{regex}` in {file}:{line}"),
        _ => format!("as its own user, see {file}:{line}"),
    };
    let marks = [
        captured.deactivated.then(|| "deactivated".to_owned()),
        captured.is_guest.then(|| "a guest".to_owned()),
        captured.appservice_id.as_ref().map(|other| format!("made by `{other}`")),
    ];
    let marks: Vec<String> = marks.into_iter().flatten().collect();
    let marks = if marks.is_empty() { String::new() } else { format!(" ({})", marks.join(", ")) };
    format!("{user_id}{marks} would be claimed {how} by `{as_id}`, {by}")
}
