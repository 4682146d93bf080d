use std::io::Write;
use std::process::ExitCode;
use std::str::FromStr;

use clap::Args;

use super::OK;
use super::output::print;
use crate::analysis::{Code, UnknownCode};
use crate::registration::FaultCode;

/// What to explain.
#[derive(Debug, Args)]
pub(super) struct Explain {
    /// A code as `check` prints it in brackets; without one, all of them in a table.
    #[arg(value_name = "CODE")]
    code: Option<AnyCode>,
}

/// What `check` prints in brackets.
#[derive(Clone, Copy, Debug)]
enum AnyCode {
    /// Of a file that loads.
    Finding(Code),
    /// Of a file that does not.
    Fault(FaultCode),
}

impl FromStr for AnyCode {
    type Err = UnknownCode;

    fn from_str(text: &str) -> Result<Self, UnknownCode> {
        let fault = FaultCode::ALL.into_iter().find(|code| code.as_str() == text);
        fault.map(Self::Fault).map_or_else(|| text.parse().map(Self::Finding), Ok)
    }
}

/// Prints the page of a code, which is part of the program: who has installed it alone has no directory of pages.
pub(super) fn run(explain: &Explain) -> ExitCode {
    print(OK, |out| match explain.code {
        None => out.write_all(Code::TABLE.as_bytes()),
        Some(AnyCode::Finding(code)) => out.write_all(code.page().as_bytes()),
        Some(AnyCode::Fault(code)) => {
            let (name, meaning) = (code.as_str(), code.meaning());
            writeln!(out, "# `{name}`\n\nA file is not loaded: {meaning}. Each fault says where, and the way out.")
        }
    })
}
