//! What is said of a command line that cannot be used, besides what clap says of it.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, Command, Error};

/// Sentences that lead on from an error of clap's: which variables of the environment have a part in it, and what may be
/// given instead of what is missing.
pub(super) fn hints(error: &Error, mut command: Command, line: &[OsString]) -> Vec<String> {
    // Only then does it know how its arguments are written.
    command.build();
    let named = line.iter().skip(1).find_map(|word| command.find_subcommand(word));
    let Some(subcommand) = named else { return Vec::new() };
    let concerned = concerned(error);
    let arguments: Vec<&Arg> =
        subcommand.get_arguments().filter(|argument| concerned.contains(&bare(&argument.to_string()))).collect();
    let variables = arguments.iter().filter_map(|argument| argument.get_env()).filter(|name| is_set(name));
    let mut hints: Vec<String> = variables
        .map(|name| {
            let name = name.to_string_lossy();
            format!("{name} is set in the environment: it counts where the command line does not say otherwise")
        })
        .collect();
    if error.kind() == ErrorKind::MissingRequiredArgument {
        hints.extend(instead(subcommand, &arguments));
    }
    hints
}

/// The arguments that an error is about, as clap writes them.
fn concerned(error: &Error) -> Vec<String> {
    let of = |kind| match error.get(kind) {
        Some(ContextValue::String(one)) => vec![one.clone()],
        Some(ContextValue::Strings(several)) => several.clone(),
        _ => Vec::new(),
    };
    [of(ContextKind::InvalidArg), of(ContextKind::PriorArg)].concat().iter().map(|argument| bare(argument)).collect()
}

/// An argument without brackets: what is required unless something else is given has other ones in an error than by itself.
fn bare(argument: &str) -> String {
    argument.replace(['<', '>', '[', ']'], "")
}

/// Clap takes a variable that is empty for one that is set.
fn is_set(name: &std::ffi::OsStr) -> bool {
    std::env::var_os(name).is_some()
}

/// What else would do.
fn instead(subcommand: &Command, missing: &[&Arg]) -> Vec<String> {
    let is_missing = |id: &str| missing.iter().any(|argument| argument.get_id() == id);
    let has = |id: &str| subcommand.get_arguments().any(|argument| argument.get_id() == id);
    let mut hints = Vec::new();
    if has("synapse_config") && (is_missing("dirs") || is_missing("server_name")) {
        let both = "--synapse-config PATH, Synapse's own homeserver.yaml, says which files there are and what the server's \
                    name is, in place of directories and --server-name";
        hints.push(both.to_owned());
    }
    if has("expect") && is_missing("files") {
        hints.push("--expect WHAT=ID, such as free=alice, expects something of one ID, in place of a file".to_owned());
    }
    hints
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::cli::Arguments;

    fn hints_for(line: &[&str]) -> String {
        let line: Vec<OsString> = line.iter().map(OsString::from).collect();
        let command = Arguments::command();
        let error = command.clone().try_get_matches_from(&line).expect_err("it cannot be used");
        hints(&error, command, &line).join("\n")
    }

    #[test]
    fn what_is_missing_may_be_said_otherwise() {
        for line in [["bailiwick", "check", "."], ["bailiwick", "serve", "."]] {
            assert!(hints_for(&line).contains("--synapse-config"), "{line:?}");
        }
        assert!(hints_for(&["bailiwick", "test"]).contains("--expect"));
        assert_eq!(hints_for(&["bailiwick", "check", ".", "--server-name", "a b"]), "");
        assert_eq!(hints_for(&["bailiwick", "chekc"]), "");
    }
}
