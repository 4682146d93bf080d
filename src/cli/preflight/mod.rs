//! Who already lives in the names that a registration would take.
//!
//! bailiwick knows no accounts, so Synapse is asked: its list of users is gone through page by page, and each is looked up in
//! the index of the registrations. The list does not say which accounts belong to a service, so that is asked of those
//! alone that a registration claims: whoever a bridge has made by itself is no one that it would capture.

mod accounts;
mod report;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::bail;
use clap::Args;

pub(super) use self::accounts::base;
use self::accounts::{Accounts, Unanswered};
use self::report::{Captured, Report};
use super::output::{self, Format, print};
use super::sources::{Sources, Whose};
use super::{ERRORS, INTERNAL, OK, USAGE, WARNINGS, complain, load, tell};
use crate::index::Scratch;
use crate::matrix::MatrixId;
use crate::registration::Fault;
use crate::snapshot::{FileState, Snapshot};

/// What to look into, and whom to ask.
#[derive(Debug, Args)]
#[command(after_help = "Example:
  bailiwick preflight new.yaml --server-name example.com \\
    --synapse-admin http://127.0.0.1:8008 --token-file token

Exit codes: 0 nobody lives there, 1 people do whose names would be taken exclusively, or a file does not \
                  load, 3 only accounts that are deactivated or would be shared do, 64 usage (also when Synapse refuses the \
                  token), 70 internal (also when Synapse does not answer)")]
pub(super) struct Preflight {
    #[command(flatten)]
    sources: Sources,

    #[command(flatten)]
    whose: Whose,

    /// Where Synapse's admin API is reached, such as `http://127.0.0.1:8008`.
    #[arg(long, value_name = "URL", env = "BAILIWICK_SYNAPSE_ADMIN", value_parser = accounts::base, help_heading = "Synapse")]
    synapse_admin: String,

    /// A file that holds the access token of a server admin, and nothing else.
    #[arg(long, value_name = "FILE", env = "BAILIWICK_SYNAPSE_TOKEN_FILE", help_heading = "Synapse")]
    token_file: PathBuf,

    /// How the accounts are written.
    #[arg(
        long,
        value_name = "FORMAT",
        env = "BAILIWICK_FORMAT",
        value_enum,
        default_value_t,
        help_heading = "What is written"
    )]
    format: Format,
}

pub(super) fn run(preflight: &Preflight) -> ExitCode {
    let loaded =
        preflight.sources.resolve_newcomers(preflight.whose.homeserver, &mut |note| tell(&format!("note: {note}")));
    let snapshot = match loaded.and_then(|(homeserver, sources)| load::load(homeserver, sources)).and_then(usable) {
        Ok(snapshot) => snapshot,
        Err(error) => {
            complain(&error);
            return ExitCode::from(USAGE);
        }
    };
    let faulty = faulty(&snapshot);
    let looked =
        Accounts::at(&preflight.synapse_admin, &preflight.token_file).and_then(|accounts| look(&snapshot, &accounts));
    let report = match looked {
        Ok(report) => report,
        Err(unanswered) => {
            complain(&anyhow::anyhow!("{unanswered}"));
            return ExitCode::from(if unanswered.is_the_callers_doing() { USAGE } else { INTERNAL });
        }
    };
    let code = if faulty { ERRORS } else { code(&report) };
    print(code, |out| match preflight.format {
        Format::Human => report::human(out, &report),
        Format::Json => output::json(out, &report),
    })
}

/// A set that there is something to ask about.
fn usable(snapshot: Arc<Snapshot>) -> anyhow::Result<Arc<Snapshot>> {
    if snapshot.files().is_empty() {
        bail!("there are no registrations to look into");
    }
    Ok(snapshot)
}

/// Tells of the files that do not load, whose names nobody can be looked up in.
fn faulty(snapshot: &Snapshot) -> bool {
    let away = snapshot.files().iter().filter(|file| file.state() != FileState::Active);
    let mut any = false;
    for file in away {
        any = true;
        let what: Vec<&str> = file.faults().iter().map(|fault: &Fault| &*fault.message).collect();
        tell(&format!("{} does not load: {}", file.file(), what.join("; ")));
    }
    any
}

/// Goes through all accounts.
fn look(snapshot: &Snapshot, accounts: &Accounts) -> Result<Report, Unanswered> {
    let services = snapshot.services();
    let server = services.server_name().as_str();
    let mut scratch = Scratch::new();
    let mut report = Report::new(server);
    accounts.each(|account| {
        let Ok(id) = MatrixId::of_any_length(&account.name) else {
            return Err(Unanswered::not_a_list_of_users());
        };
        if id.server_part() != Some(server) {
            return Err(Unanswered::another_server(&account.name, server));
        }
        report.accounts += 1;
        let claims = services.claims(id, &mut scratch);
        if claims.is_empty() {
            return Ok(());
        }
        let owner = accounts.service_of(&account.name)?;
        let others = claims.iter().filter(|claim| Some(claim.as_id) != owner.as_deref());
        report.captured.extend(others.map(|claim| Captured::of(&account, owner.as_deref(), claim)));
        Ok(())
    })?;
    Ok(report)
}

/// The gravest of what there is to say.
fn code(report: &Report) -> u8 {
    if report.captured.iter().any(Captured::loses) {
        ERRORS
    } else if report.captured.is_empty() {
        OK
    } else {
        WARNINGS
    }
}
