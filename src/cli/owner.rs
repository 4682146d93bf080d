use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::bail;
use clap::{Args, ValueEnum};
use serde::Serialize;

use super::sources::Sources;
use super::synapse_config::MapPath;
use super::{INTERNAL, OK, USAGE, complain, load, tell};
use crate::index::Scratch;
use crate::matrix::{Kind, MatrixId, ServerName};
use crate::ruling::{Claim, ClaimVia, MatchingEntry, Ownership, Services};
use crate::telemetry::{Visible, VisibleJson};

/// Which IDs to explain, by which registrations.
#[derive(Debug, Args)]
pub(super) struct Owner {
    /// The IDs to explain.
    #[arg(value_name = "ID", required = true)]
    ids: Vec<String>,

    /// A directory of registrations, or a single file; may be given several times, in the environment with colons between
    /// them.
    #[arg(
        long = "dir",
        value_name = "DIR",
        env = "BAILIWICK_DIRS",
        value_delimiter = ':',
        required_unless_present = "synapse_config"
    )]
    dirs: Vec<PathBuf>,

    /// The homeserver's name; without it, what stands behind the first colon of the IDs, if that is the same in all.
    #[arg(long, value_name = "NAME", env = "BAILIWICK_SERVER_NAME")]
    server_name: Option<ServerName>,

    /// Take the name and the files from Synapse's configuration: a file, or a directory with `*.yaml`. May be given several
    /// times, as Synapse's own `--config-path`; in the environment, with commas between them.
    #[arg(long, value_name = "PATH", env = "BAILIWICK_SYNAPSE_CONFIG", value_delimiter = ',', conflicts_with = "dirs")]
    synapse_config: Vec<PathBuf>,

    /// Where a directory of Synapse's container is here, for the paths in its configuration: `/data=/srv/synapse`.
    #[arg(
        long,
        value_name = "FROM=TO",
        env = "BAILIWICK_MAP_PATH",
        value_delimiter = ',',
        requires = "synapse_config"
    )]
    map_path: Vec<MapPath>,

    /// How the answer is written.
    #[arg(long, value_name = "FORMAT", env = "BAILIWICK_FORMAT", value_enum, default_value_t)]
    format: Format,
}

/// How the answer is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people.
    #[default]
    Human,
    /// One JSON document.
    Json,
}

pub(super) fn run(owner: &Owner) -> ExitCode {
    let explained = match explain(owner) {
        Ok(explained) => explained,
        Err(error) => {
            complain(&error);
            return ExitCode::from(USAGE);
        }
    };
    match io::stdout().lock().write_all(explained.as_bytes()) {
        Ok(()) => ExitCode::from(OK),
        Err(error) => {
            complain(&error.into());
            ExitCode::from(INTERNAL)
        }
    }
}

/// An ID, who owns it, and every entry that matches it.
#[derive(Serialize)]
struct Explained<'s> {
    #[serde(flatten)]
    ownership: Ownership<'s>,
    entries: Vec<Matching<'s>>,
    #[serde(skip)]
    server_name: &'s ServerName,
}

/// An entry that matches, and whether it decides.
#[derive(Serialize)]
struct Matching<'s> {
    as_id: &'s str,
    decides: bool,
    exclusive: bool,
    regex: Option<&'s str>,
    file: &'s str,
    line: u32,
    column: u32,
    why: String,
}

fn explain(owner: &Owner) -> anyhow::Result<String> {
    let ids = owner.ids.iter().map(|id| Ok(MatrixId::parse(id)?)).collect::<anyhow::Result<Vec<_>>>()?;
    let sources = Sources {
        dirs: owner.dirs.clone(),
        server_name: server_name(owner, &ids)?,
        synapse_config: owner.synapse_config.clone(),
        map_path: owner.map_path.clone(),
    };
    let (homeserver, sources) = sources.resolve(&mut |note| tell(&format!("note: {note}")))?;
    let snapshot = load::load(homeserver, sources)?;
    let mut scratch = Scratch::new();
    let explained: Vec<Explained<'_>> =
        ids.iter().map(|id| explain_one(snapshot.services(), *id, &mut scratch)).collect();
    if owner.format == Format::Json {
        return Ok(format!("{}\n", VisibleJson(serde_json::to_string_pretty(&explained)?)));
    }
    let mut text: String = explained.iter().map(human).collect();
    for file in snapshot.files().iter().filter(|file| !file.faults().is_empty()) {
        let file = Visible(file.file());
        text += &format!("left out: {file}, which cannot be loaded (`bailiwick check` says why)\n");
    }
    Ok(text)
}

/// The name that was given, or else the one that all IDs name that name any. A name by which most of them would be remote is
/// not guessed.
fn server_name(owner: &Owner, ids: &[MatrixId<'_>]) -> anyhow::Result<Option<ServerName>> {
    if owner.server_name.is_some() || !owner.synapse_config.is_empty() {
        return Ok(owner.server_name.clone());
    }
    let mut named = ids.iter().filter_map(|id| id.server_part()?.parse::<ServerName>().ok());
    let first = named.next();
    if let Some(first) = &first
        && let Some(other) = named.find(|name| name != first)
    {
        bail!("the IDs are of {first} and of {other}: say by --server-name whose registrations these are");
    }
    Ok(first)
}

fn explain_one<'s>(services: &'s Services, id: MatrixId<'s>, scratch: &mut Scratch) -> Explained<'s> {
    let ownership = services.ownership(id, scratch);
    let entries = ownership.claims.iter().flat_map(|claim| explain_claim(services, id, claim, scratch)).collect();
    Explained { ownership, entries, server_name: services.server_name() }
}

/// What decides about a claim, and what else of the service matches.
fn explain_claim<'s>(
    services: &'s Services,
    id: MatrixId<'_>,
    claim: &Claim<'s>,
    scratch: &mut Scratch,
) -> Vec<Matching<'s>> {
    let &Claim { as_id, file, line, column, .. } = claim;
    let mut explained = Vec::new();
    if claim.via == ClaimVia::Sender {
        let why = "it is the service's own user".to_owned();
        explained.push(Matching { as_id, decides: true, exclusive: true, regex: None, file, line, column, why });
    }
    let Some(service) = services.position_of_id(as_id) else { return explained };
    let precedence = services.homeserver().dialect.precedence();
    for MatchingEntry { index, entry, decides } in services.matching(service, id, scratch) {
        let why = match claim.index {
            _ if decides && claim.step_limit => "whether it matches could not be decided, so it counts".to_owned(),
            Some(deciding) if deciding == index => precedence.reason(entry.exclusive).to_owned(),
            Some(deciding) => format!("it matches too, but entry {deciding} comes first"),
            None => "it matches too, but the service's own user is its own in any case".to_owned(),
        };
        let (exclusive, regex) = (entry.exclusive, Some(&*entry.regex));
        let (line, column) = (entry.place.line, entry.place.column);
        explained.push(Matching { as_id, decides, exclusive, regex, file, line, column, why });
    }
    explained
}

fn human(explained: &Explained<'_>) -> String {
    let Explained { ownership, entries, server_name } = explained;
    let noun = match ownership.kind {
        Kind::User => "user",
        Kind::Alias => "alias",
        Kind::Room => "room",
    };
    let status = ownership.status.as_str();
    let owner = ownership.owner.map_or(String::new(), |owner| format!(", owned by `{}`", Visible(owner)));
    let mut text = format!("{} ({noun}): {status}{owner}\n", Visible(ownership.id));
    if !ownership.local {
        text += &format!("    note: it is not an ID of {server_name}\n");
    }
    for entry in entries {
        let mark = if entry.decides { '>' } else { ' ' };
        let exclusive = if entry.exclusive { "exclusive" } else { "shared" };
        let regex = entry.regex.map_or("sender_localpart".to_owned(), |regex| format!("`{}`", Visible(regex)));
        let Matching { line, column, why, .. } = entry;
        let (as_id, file) = (Visible(entry.as_id), Visible(entry.file));
        text += &format!("{mark} {as_id}: {exclusive}, {regex}\n    {file}:{line}:{column}: {why}\n");
    }
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        owner: Owner,
    }

    fn guessed(line: &[&str]) -> Result<Option<String>, String> {
        let Line { owner } = Line::parse_from([&["owner", "--dir", "."], line].concat());
        let ids: Vec<_> = owner.ids.iter().map(|id| MatrixId::parse(id).expect("an ID")).collect();
        let name = server_name(&owner, &ids).map_err(|error| error.to_string())?;
        Ok(name.map(|name| name.to_string()))
    }

    #[test]
    fn a_servers_name_is_guessed_only_where_all_ids_agree() {
        assert_eq!(guessed(&["@a:example.com", "#b", "!c:example.com"]), Ok(Some("example.com".to_owned())));
        assert_eq!(guessed(&["@a"]), Ok(None));
        let mixed = ["@bob:matrix.org", "@irc_x:example.com"];
        assert!(guessed(&mixed).is_err_and(|error| error.contains("--server-name")));
        assert_eq!(guessed(&[&mixed[..], &["--server-name", "x.org"]].concat()), Ok(Some("x.org".to_owned())));
    }
}
