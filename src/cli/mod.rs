//! The command line: one file for each command.

mod agent;
mod allow_list;
mod bridge_config;
mod check;
mod codes;
mod completed;
mod diff;
mod environment;
mod explain;
mod export;
mod fix;
mod health;
mod homeserver_names;
mod listen;
mod load;
mod manual;
mod nothing;
mod openapi;
mod output;
mod owner;
mod preflight;
mod report;
mod serve;
mod sources;
#[cfg(feature = "postgres")]
mod store;
mod store_option;
mod synapse_config;
mod sync;
mod test;
mod tls;
mod usage;
mod version;
mod watch;
mod yaml_file;

use std::ffi::OsString;
use std::io::Write;
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

use self::output::Colour;

use crate::telemetry::{Visible, report_panics};

/// Nothing to report.
pub(crate) const OK: u8 = 0;
/// Errors were found.
pub(crate) const ERRORS: u8 = 1;
/// Warnings were found, and no errors.
pub(crate) const WARNINGS: u8 = 3;
/// The command line, or what it names, cannot be used. Source: `EX_USAGE` of sysexits.
pub(crate) const USAGE: u8 = 64;
/// Something went wrong that is not the caller's doing. Source: `EX_SOFTWARE` of sysexits.
pub(crate) const INTERNAL: u8 = 70;

/// Knows who owns which part of a Matrix homeserver's namespace.
#[derive(Debug, Parser)]
#[command(name = "bailiwick", version = version::version(), about, max_term_width = 100, after_help = ENVIRONMENT)]
struct Arguments {
    #[command(subcommand)]
    command: Command,

    /// Whether what is for people is in colours: `always`, `never`, or `auto`, on a terminal unless `NO_COLOR` is set.
    #[arg(
        long,
        global = true,
        value_name = "WHEN",
        env = "BAILIWICK_COLOR",
        value_enum,
        default_value_t,
        hide_possible_values = true
    )]
    color: Colour,
}

/// What holds for every command.
const ENVIRONMENT: &str = "Every option is a variable of the environment, too: --server-name is BAILIWICK_SERVER_NAME. The \
    command line counts where both say something. Where an option may be given several times, or is a list, its variable has \
    commas between the members (BAILIWICK_DIRS=/etc/a,/etc/b): a path that holds a comma is given on the command line. An \
    option without a value is `true` or `false` there (BAILIWICK_ALL=true).\n\n\
    `bailiwick help COMMAND` shows examples and exit codes.";

#[derive(Debug, Subcommand)]
enum Command {
    /// Watch registrations and answer questions about them over HTTP.
    Serve(Box<serve::Serve>),
    /// Find what is wrong with registrations and where they collide, before they are deployed.
    Check(Box<check::Check>),
    /// Explain who owns IDs: every entry that matches, and which one decides.
    Owner(owner::Owner),
    /// Say which IDs change hands from one set of registrations to another.
    Diff(diff::Diff),
    /// Say which names services reserve, proved, in the forms in which other programs keep such lists.
    Export(export::Export),
    /// Hold what is expected of registrations against them: who owns an ID, what is decided, which names stay free.
    Test(Box<test::Test>),
    /// Keep the list of reserved names that another program holds.
    Sync(sync::Sync),
    /// Keep registrations in PostgreSQL, for many writers and replicas that agree: make its tables, change what is in them, tell
    /// who has changed what.
    #[cfg(feature = "postgres")]
    Store(store::Store),
    /// Explain a code that `check` prints: why it hurts, an example, and the way out.
    Explain(explain::Explain),
    /// Say which accounts of a Synapse live in the names that registrations take.
    Preflight(Box<preflight::Preflight>),
    /// Ask a running service whether it is well; the exit code tells (for container health checks).
    Health(health::Health),
    /// Print what completes the command line in a shell.
    Completions(manual::Completions),
    /// Write the manual pages into a directory.
    Man(manual::Man),
    /// Print the OpenAPI document.
    #[command(after_help = "Example:
  bailiwick openapi >bailiwick.json

Exit codes: 0 printed, 70 internal")]
    Openapi,
}

/// Runs the command line.
#[must_use]
pub fn main() -> ExitCode {
    report_panics();
    let line: Vec<_> = std::env::args_os().collect();
    let arguments = match environment::parse(&line) {
        Ok(arguments) => arguments,
        Err(error) => return unusable(&error, &line),
    };
    let strangers = strangers();
    // A service says it in its log.
    for stranger in strangers.iter().filter(|_| !matches!(arguments.command, Command::Serve(_))) {
        tell(&format!("note: {stranger}"));
    }
    match arguments.command {
        Command::Serve(serve) => serve::run(&serve, &strangers, arguments.color.paints(&std::io::stderr())),
        Command::Check(check) => check::run(&check, arguments.color.paints(&std::io::stdout())),
        Command::Owner(owner) => owner::run(&owner),
        Command::Diff(diff) => diff::run(&diff),
        Command::Export(export) => export::run(&export),
        Command::Test(test) => test::run(&test),
        Command::Sync(sync) => sync::run(&sync),
        #[cfg(feature = "postgres")]
        Command::Store(store) => store::run(&store),
        Command::Explain(explain) => explain::run(&explain),
        Command::Preflight(preflight) => preflight::run(&preflight),
        Command::Health(health) => health::run(&health),
        Command::Completions(completions) => manual::completions(&completions),
        Command::Man(man) => manual::man(&man),
        Command::Openapi => openapi::run(),
    }
}

/// What is set in the environment, is called like a setting, and is none.
fn strangers() -> Vec<String> {
    environment::strangers(Arguments::command(), std::env::vars_os().map(|(name, _)| name))
}

/// Says why the command line cannot be used, or what it asks clap for: help, or the version.
fn unusable(error: &clap::Error, line: &[OsString]) -> ExitCode {
    // Nowhere to report that this output is closed.
    let _ = error.print();
    if !error.use_stderr() {
        return ExitCode::from(OK);
    }
    // What is missing may be what a variable was meant to say.
    for hint in usage::hints(error, Arguments::command(), line).into_iter().chain(strangers()) {
        tell(&format!("note: {hint}"));
    }
    ExitCode::from(USAGE)
}

/// Prints an error and its causes on standard error, in one line.
fn complain(error: &anyhow::Error) {
    tell(&format!("{error:#}"));
}

/// Prints a line for people on standard error. What it repeats of a file does nothing to a terminal.
fn tell(line: &str) {
    // Nowhere to report that standard error is closed.
    let _ = writeln!(std::io::stderr(), "bailiwick: {}", Visible(line));
}
