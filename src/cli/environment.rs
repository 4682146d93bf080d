//! Variables of the environment that look like settings and are none.

use std::ffi::OsString;

use clap::Command;

use crate::registration::nearest;

const PREFIX: &str = "BAILIWICK_";

/// One sentence for each variable that is called like a setting and that no command reads, among those that are set. What it
/// holds is not said.
pub(super) fn strangers(mut command: Command, set: impl Iterator<Item = OsString>) -> Vec<String> {
    command.build();
    let arguments = command.get_subcommands().flat_map(Command::get_arguments);
    let known: Vec<&str> =
        arguments.filter_map(|argument| argument.get_env()?.to_str()?.strip_prefix(PREFIX)).collect();
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
    use clap::CommandFactory;

    use super::*;
    use crate::cli::Arguments;

    #[test]
    fn a_misspelt_variable_is_told_from_those_that_are_read_and_from_links() {
        let set = |names: &[&str]| strangers(Arguments::command(), names.iter().map(OsString::from));
        let links =
            ["BAILIWICK_PORT", "BAILIWICK_PORT_8790_TCP_ADDR", "BAILIWICK_SERVICE_HOST", "BAILIWICK_SERVICE_PORT"];
        assert!(set(&links).is_empty());
        assert!(set(&["PATH", "BAILIWICK_DIRS", "BAILIWICK_LISTEN", "BAILIWICK_DENY", "BAILIWICK"]).is_empty());
        let said = set(&["BAILIWICK_SERVERNAME", "BAILIWICK_DIR", "BAILIWICK_COLOUR"]);
        assert_eq!(said.len(), 3, "{said:?}");
        assert!(said[0].starts_with("BAILIWICK_COLOUR is set") && said[0].ends_with("is called so"), "{said:?}");
        assert!(said[1].ends_with("did you mean BAILIWICK_DIRS?"), "{said:?}");
        assert!(said[2].ends_with("did you mean BAILIWICK_SERVER_NAME?"), "{said:?}");
    }
}
