use std::io::Write;
use std::process::ExitCode;

use clap::Args;

use super::OK;
use super::codes::{self, AnyCode};
use super::completed::Completed;
use super::output::print;
use crate::analysis::Code;

/// What to explain.
#[derive(Debug, Args)]
#[command(after_help = "Example:
  bailiwick explain exclusive-conflict | less

Exit codes: 0 printed, 64 there is no such code, 70 internal")]
pub(super) struct Explain {
    /// A code as `check` prints it in brackets; without one, all of them in a table.
    #[arg(value_name = "CODE", value_parser = Completed::new(codes::any, AnyCode::all().map(AnyCode::as_str)), hide_possible_values = true)]
    code: Option<AnyCode>,
}

/// Prints the page of a code, which is part of the program: who has installed it alone has no directory of pages.
pub(super) fn run(explain: &Explain) -> ExitCode {
    print(OK, |out| match explain.code {
        None => out.write_all(Code::TABLE.as_bytes()),
        Some(code) => out.write_all(code.page().as_bytes()),
    })
}
