use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::output::print;
use super::{Arguments, INTERNAL, OK, complain};

/// For which shell.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  bailiwick completions bash >/usr/share/bash-completion/completions/bailiwick
  bailiwick completions zsh >/usr/share/zsh/vendor-completions/_bailiwick
  bailiwick completions fish >~/.config/fish/completions/bailiwick.fish

Exit codes: 0 printed, 64 usage, 70 internal")]
pub(super) struct Completions {
    /// The shell.
    shell: Shell,
}

/// Where the pages go.
#[derive(Debug, Args)]
#[command(after_help = "Example:
  bailiwick man /usr/local/share/man/man1

Exit codes: 0 written, 64 usage, 70 they could not be written")]
pub(super) struct Man {
    /// The directory in which the pages are written, `bailiwick.1` and one for each command.
    #[arg(value_name = "DIR")]
    dir: PathBuf,
}

/// Prints what completes the command line, made from its definition.
pub(super) fn completions(completions: &Completions) -> ExitCode {
    let mut script = Vec::new();
    clap_complete::generate(completions.shell, &mut Arguments::command(), "bailiwick", &mut script);
    print(OK, |out| io::Write::write_all(out, &script))
}

/// Writes the manual pages, made from the same definition.
pub(super) fn man(man: &Man) -> ExitCode {
    let dir = &man.dir;
    match std::fs::create_dir_all(dir).and_then(|()| clap_mangen::generate_to(Arguments::command(), dir)) {
        Ok(()) => ExitCode::from(OK),
        Err(error) => {
            let error = anyhow::Error::new(error).context(format!("failed to write to {}", dir.display()));
            complain(&error);
            ExitCode::from(INTERNAL)
        }
    }
}
