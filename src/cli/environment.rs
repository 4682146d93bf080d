//! Settings in variables of the environment: lists, and variables that look like settings and are none.
//!
//! A variable is one text, so that a list in it needs something between its members: a comma, for every setting. On the
//! command line each member is a word of its own, and what it holds is never taken apart where it may be a path.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use clap::parser::ValueSource;
use clap::{Command, CommandFactory, Error, FromArgMatches};

use super::Arguments;
use crate::registration::nearest;

/// Lists whose members may hold a comma on the command line.
const PATHS: [&str; 4] = ["dirs", "synapse_config", "new_synapse_config", "map_path"];

/// Reads the command line, and the environment where that says nothing.
pub(super) fn parse(line: &[OsString]) -> Result<Arguments, Error> {
    let command = Arguments::command();
    let mut matches = command.clone().try_get_matches_from(line)?;
    if let Some((name, given)) = matches.subcommand() {
        let is_from_environment =
            |id: &&str| given.try_contains_id(id).is_ok() && given.value_source(id) == Some(ValueSource::EnvVariable);
        let lists: Vec<&str> = PATHS.into_iter().filter(|id| is_from_environment(id)).collect();
        if !lists.is_empty() {
            let part = |command: Command, id: &&str| command.mut_arg(*id, |list| list.value_delimiter(','));
            let command = command.mut_subcommand(name, |command| lists.iter().fold(command, part));
            matches = command.try_get_matches_from(line)?;
        }
    }
    Arguments::from_arg_matches(&matches)
}

/// The members of a list of paths, for a command that asks for it itself.
pub(super) fn paths(variable: &str) -> Vec<PathBuf> {
    let list = std::env::var_os(variable).unwrap_or_default();
    let members = list.as_bytes().split(|&byte| byte == b',').filter(|member| !member.is_empty());
    members.map(|member| PathBuf::from(OsStr::from_bytes(member))).collect()
}

const PREFIX: &str = "BAILIWICK_";

/// One sentence for each variable that is called like a setting and that no command reads, among those that are set. What it
/// holds is not said.
pub(super) fn strangers(mut command: Command, set: impl Iterator<Item = OsString>) -> Vec<String> {
    command.build();
    let mut known = Vec::new();
    let mut commands = vec![&command];
    while let Some(command) = commands.pop() {
        commands.extend(command.get_subcommands());
        let named = |argument: &clap::Arg| argument.get_env()?.to_str()?.strip_prefix(PREFIX).map(str::to_owned);
        known.extend(command.get_arguments().filter_map(named));
    }
    let known: Vec<&str> = known.iter().map(String::as_str).collect();
    let names = set.filter_map(|name| name.into_string().ok());
    let mut said: Vec<String> = names
        .filter_map(|name| {
            let rest = name.strip_prefix(PREFIX).filter(|rest| !known.contains(rest) && !is_a_link(rest))?;
            let meant = nearest(rest, &known).map_or(String::new(), |meant| format!(": did you mean {PREFIX}{meant}?"));
            Some(format!("{name} is set in the environment, and no setting is called so{meant}"))
        })
        .collect();
    said.sort_unstable();
    said
}

/// What Kubernetes, and Docker before it, sets for a service that is called `bailiwick`: `BAILIWICK_SERVICE_HOST`,
/// `BAILIWICK_PORT_8790_TCP_ADDR`.
/// Source: <https://kubernetes.io/docs/tutorials/services/connect-applications-service/#environment-variables>.
fn is_a_link(rest: &str) -> bool {
    rest == "PORT" || ["PORT_", "SERVICE_HOST", "SERVICE_PORT"].iter().any(|start| rest.starts_with(start))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_variable_is_told_from_those_that_are_read_and_from_links() {
        let set = |names: &[&str]| strangers(Arguments::command(), names.iter().map(OsString::from));
        let links =
            ["BAILIWICK_PORT", "BAILIWICK_PORT_8790_TCP_ADDR", "BAILIWICK_SERVICE_HOST", "BAILIWICK_SERVICE_PORT"];
        assert!(set(&links).is_empty());
        assert!(
            set(&["PATH", "BAILIWICK_DIRS", "BAILIWICK_LISTEN", "BAILIWICK_DENY", "BAILIWICK_MAS", "BAILIWICK"])
                .is_empty()
        );
        let said = set(&["BAILIWICK_SERVERNAME", "BAILIWICK_DIR", "BAILIWICK_AT_NIGHT"]);
        assert_eq!(said.len(), 3, "{said:?}");
        assert!(said[0].starts_with("BAILIWICK_AT_NIGHT is set") && said[0].ends_with("is called so"), "{said:?}");
        assert!(said[1].ends_with("did you mean BAILIWICK_DIRS?"), "{said:?}");
        assert!(said[2].ends_with("did you mean BAILIWICK_SERVER_NAME?"), "{said:?}");
    }
}
