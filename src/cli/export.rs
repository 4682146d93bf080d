use std::io::Write;
use std::process::ExitCode;
use std::slice;

use clap::Args;

use super::load::{self, LeftOut};
use super::nothing::tell_unless_found;
use super::output::print;
use super::sources::{Sources, Whose};
use super::{ERRORS, OK, USAGE, WARNINGS, complain, tell};
use crate::analysis::{Comparer, Deadline, Inexact};
use crate::export::{self, Format};
use crate::telemetry::Visible;

/// Whose reserved names to say, and in which form.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  bailiwick export registrations --server-name example.com
  bailiwick export --synapse-config homeserver.yaml --format mas

Exit codes: 0 all that services hold exclusively is said, 1 a registration could not be loaded and is left \
                        out, or there is none, 3 an entry cannot be said exactly and is left out, 64 usage, 70 internal")]
pub(super) struct Export {
    #[command(flatten)]
    sources: Sources,

    #[command(flatten)]
    whose: Whose,

    /// Who reads it: anybody (`json`), whatever takes a list of regexes of localparts (`regex`), the Matrix Authentication
    /// Service (`mas`, policy data), or Ketesa (`ketesa`, `asManagedUsers`).
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

pub(super) fn run(export: &Export) -> ExitCode {
    say(export).unwrap_or_else(|error| {
        complain(&error);
        ExitCode::from(USAGE)
    })
}

fn say(export: &Export) -> anyhow::Result<ExitCode> {
    let (homeserver, sources) =
        export.sources.resolve(export.whose.homeserver, &mut |note| tell(&format!("note: {note}")))?;
    let snapshot = load::load(homeserver, sources)?;
    let left_out: Vec<LeftOut> = load::left_out(&snapshot).collect();
    for file in &left_out {
        tell(&file.to_string());
    }
    let Sources { dirs, synapse, .. } = &export.sources;
    let nothing = tell_unless_found(slice::from_ref(&snapshot), dirs, &synapse.paths, "there is nothing to export: ");
    let services = snapshot.services();
    let reserved = Comparer::new()?.reserved(services, export.format.told(), &Deadline::none());
    for Inexact { as_id, regex, file, line, why } in &reserved.inexact {
        let what = regex.as_deref().unwrap_or("sender_localpart");
        tell(&format!("{}:{line}: `{}` of `{}` is left out: {why}", Visible(file), Visible(what), Visible(as_id)));
    }
    let code = match (nothing || !left_out.is_empty(), reserved.inexact.is_empty()) {
        (true, _) => ERRORS,
        (false, false) => WARNINGS,
        (false, true) => OK,
    };
    let said = export::Export {
        server_name: services.server_name().as_str(),
        snapshot: snapshot.digest(),
        complete: snapshot.is_complete(),
        reserved: &reserved,
    };
    Ok(print(code, |out| out.write_all(said.text(export.format).as_bytes())))
}
