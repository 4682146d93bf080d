//! Standard output: the one place where a command writes what it has to say.

use std::io::{self, BufWriter, ErrorKind, IsTerminal, StdoutLock, Write};
use std::process::ExitCode;

use clap::ValueEnum;
use serde::Serialize;

use super::{INTERNAL, complain};
use crate::telemetry::VisibleJson;

/// For whom a command writes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// For people.
    #[default]
    Human,
    /// One JSON document.
    Json,
}

/// Standard output while a command writes to it.
pub(super) type Out = BufWriter<StdoutLock<'static>>;

/// Writes to standard output; then the command ends with `code`.
///
/// Whoever reads may stop when they have read enough (`bailiwick check … | head`). That is no fault of anybody's: the
/// command ends quietly, with the code that says what it found. Anything else that cannot be written, such as to a full
/// disk, is one, since whoever reads the rest would take it for the whole.
pub(super) fn print(code: u8, write: impl FnOnce(&mut Out) -> io::Result<()>) -> ExitCode {
    ExitCode::from(printed(code, write).code)
}

/// The same for a command that may go on.
pub(super) fn printed(code: u8, write: impl FnOnce(&mut Out) -> io::Result<()>) -> Printed {
    let mut out = BufWriter::new(io::stdout().lock());
    match write(&mut out).and_then(|()| out.flush()) {
        Ok(()) => Printed { code, whole: true },
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Printed { code, whole: false },
        Err(error) => {
            complain(&anyhow::Error::new(error).context("failed to write to standard output"));
            Printed { code: INTERNAL, whole: false }
        }
    }
}

/// What came of writing.
pub(super) struct Printed {
    /// With which code the command ends, if it ends now.
    pub(super) code: u8,
    /// Whether all of it was taken: whoever reads may have stopped.
    pub(super) whole: bool,
}

/// Writes a JSON document, for people who look at it as well as for programs.
pub(super) fn json(out: &mut Out, document: &impl Serialize) -> io::Result<()> {
    writeln!(out, "{}", VisibleJson(serde_json::to_string_pretty(document)?))
}

/// Whether what is for people is in colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Colour {
    /// On a terminal whose user has not said otherwise: <https://no-color.org>.
    #[default]
    Auto,
    /// Always, for who passes it on to a terminal.
    Always,
    /// Never.
    Never,
}

impl Colour {
    /// Whether a command paints what it writes to such a stream.
    pub(super) fn paints(self, stream: &impl IsTerminal) -> bool {
        match self {
            Self::Auto => stream.is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()),
            Self::Always => true,
            Self::Never => false,
        }
    }
}
