use std::ffi::OsString;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, bail};
use clap::Args;
use serde::Serialize;

use super::load::{self, LeftOut};
use super::nothing::tell_unless_found;
use super::output::{self, Format, print};
use super::sources::{Sources, SynapseConfig};
use super::store_option::StoreOption;
use super::{ERRORS, OK, USAGE, complain, environment, homeserver_names, tell};
use crate::homeserver::{Dialect, Homeserver, Several};
use crate::index::Scratch;
use crate::matrix::{Kind, MatrixId, ServerName};
use crate::ruling::{Claim, ClaimVia, MatchingEntry, Ownership, Services};
use crate::snapshot::Snapshot;
use crate::telemetry::Visible;

/// Which IDs to explain, by which registrations.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  bailiwick owner /etc/matrix-synapse/appservices @irc_bob:example.com
  bailiwick owner --synapse-config homeserver.yaml '#irc_rust:example.com'

Exit codes: 0 every registration has been loaded, 1 one of them could not be and is left out, or there is none, 64 usage, \
                        70 internal")]
pub(super) struct Owner {
    /// The IDs to explain, which begin with `@`, `#` or `!`, and directories of registrations or single files, as for
    /// `check`. A path that begins so is written `./@path`. Without a directory, those of `BAILIWICK_DIRS` count.
    #[arg(value_name = "DIR|ID", required = true)]
    words: Vec<OsString>,

    /// A directory of registrations, or a single file; may be given several times.
    #[arg(long = "dir", value_name = "DIR")]
    dirs: Vec<PathBuf>,

    /// The homeserver's name; without it, what stands behind the first colon of the IDs, if that is the same in all.
    #[arg(long, value_name = "NAME", env = "BAILIWICK_SERVER_NAME")]
    server_name: Option<ServerName>,

    #[command(flatten)]
    synapse: SynapseConfig,

    /// The homeservers whose answers are given: `synapse`, `dendrite`, `tuwunel`, `continuwuity`, `conduit`, `palpo`, `palpo-421`
    /// (since that pull request), `spec` or `spec-anywhere` (its other reading); several with commas between them, or `all`. How
    /// they differ: docs/homeservers.md.
    #[arg(
        long,
        value_name = "HOMESERVER",
        env = "BAILIWICK_HOMESERVER",
        default_value = "synapse",
        value_parser = homeserver_names::several(),
        hide_possible_values = true
    )]
    homeserver: Several,

    /// How the answer is written.
    #[arg(long, value_name = "FORMAT", env = "BAILIWICK_FORMAT", value_enum, default_value_t)]
    format: Format,
}

pub(super) fn run(owner: &Owner) -> ExitCode {
    explain(owner).unwrap_or_else(|error| {
        complain(&error);
        ExitCode::from(USAGE)
    })
}

/// What each of several homeservers has to say.
#[derive(Serialize)]
struct Answers<'s> {
    homeservers: Vec<AnswerOf<'s>>,
}

/// What one homeserver has to say.
#[derive(Serialize)]
struct AnswerOf<'s> {
    /// As in `--homeserver`.
    homeserver: &'static str,
    /// The release whose behaviour it is.
    release: &'static str,
    #[serde(flatten)]
    answer: Answer<'s>,
}

/// What there is to say.
#[derive(Serialize)]
struct Answer<'s> {
    /// Whether every registration has been loaded.
    complete: bool,
    /// The files that cannot be loaded and are left out.
    left_out: Vec<LeftOut>,
    results: Vec<Explained<'s>>,
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

impl Owner {
    /// The IDs and the directories that are given.
    fn given(&self) -> anyhow::Result<(Vec<&str>, Vec<PathBuf>)> {
        let is_id = |word: &&OsString| matches!(word.as_bytes().first(), Some(b'@' | b'#' | b'!'));
        let (ids, paths): (Vec<_>, Vec<_>) = self.words.iter().partition(is_id);
        let ids: Option<Vec<&str>> = ids.into_iter().map(|id| id.to_str()).collect();
        let ids = ids.context("an ID is no text of UTF-8")?;
        if ids.is_empty() {
            bail!("which ID? It begins with `@` (user), `#` (alias) or `!` (room)");
        }
        let mut dirs: Vec<PathBuf> = paths.into_iter().map(PathBuf::from).chain(self.dirs.iter().cloned()).collect();
        if dirs.is_empty() && self.synapse.paths.is_empty() {
            dirs = environment::paths("BAILIWICK_DIRS");
        }
        if dirs.is_empty() && self.synapse.paths.is_empty() {
            bail!(
                "by which registrations? Give a directory of them, or --synapse-config, Synapse's own homeserver.yaml"
            );
        }
        Ok((ids, dirs))
    }
}

fn explain(owner: &Owner) -> anyhow::Result<ExitCode> {
    let (ids, dirs) = owner.given()?;
    let ids = ids.iter().map(|id| Ok(MatrixId::parse(id)?)).collect::<anyhow::Result<Vec<_>>>()?;
    let sources = Sources {
        dirs,
        server_name: server_name(owner, &ids)?,
        synapse: owner.synapse.clone(),
        store: StoreOption::default(),
    };
    let mut told = |note| tell(&format!("note: {note}"));
    let first = owner.homeserver.dialects()[0];
    let (homeserver, resolved) = sources.resolve(first, &mut told)?;
    let load = |&dialect: &Dialect| {
        let read = sources.also_for(dialect, (first, &resolved), &mut told)?;
        load::load(Homeserver::new(homeserver.name.clone(), dialect), read)
    };
    let snapshots = owner.homeserver.dialects().iter().map(load).collect::<anyhow::Result<Vec<_>>>()?;
    // Of no registrations whatever is asked about is unclaimed, which is no answer.
    let nothing =
        tell_unless_found(&snapshots, &sources.dirs, &sources.synapse.paths, "there is nothing to answer by: ");
    let at_least = if nothing { ERRORS } else { OK };
    match &snapshots[..] {
        [one] => {
            let answer = Answer::of(one, &ids);
            for file in &answer.left_out {
                tell(&file.to_string());
            }
            Ok(print(answer.code().max(at_least), |out| match owner.format {
                Format::Human => answer.results.iter().try_for_each(|one| out.write_all(human(one).as_bytes())),
                Format::Json => output::json(out, &answer),
            }))
        }
        several => {
            let homeservers: Vec<_> = several.iter().map(|snapshot| AnswerOf::of(snapshot, &ids)).collect();
            let code = homeservers.iter().map(|one| one.answer.code()).fold(at_least, u8::max);
            Ok(print(code, |out| match owner.format {
                Format::Human => homeservers.iter().try_for_each(|one| out.write_all(one.human().as_bytes())),
                Format::Json => output::json(out, &Answers { homeservers }),
            }))
        }
    }
}

impl<'s> Answer<'s> {
    fn of(snapshot: &'s Snapshot, ids: &[MatrixId<'s>]) -> Self {
        let mut scratch = Scratch::new();
        let left_out: Vec<LeftOut> = load::left_out(snapshot).collect();
        let results = ids.iter().map(|id| explain_one(snapshot.services(), *id, &mut scratch)).collect();
        Self { complete: left_out.is_empty(), left_out, results }
    }

    const fn code(&self) -> u8 {
        if self.complete { OK } else { ERRORS }
    }
}

impl<'s> AnswerOf<'s> {
    fn of(snapshot: &'s Snapshot, ids: &[MatrixId<'s>]) -> Self {
        let dialect = snapshot.services().homeserver().dialect;
        Self { homeserver: dialect.name(), release: dialect.release(), answer: Answer::of(snapshot, ids) }
    }

    /// Under the homeserver's release: what it would not load and what becomes of it and of the others, and the IDs.
    fn human(&self) -> String {
        let mut text = format!("{}\n\n", self.release);
        for fault in self.answer.left_out.iter().flat_map(LeftOut::explained) {
            text += &format!("! {}\n", Visible(&fault));
        }
        if !self.answer.complete {
            text.push('\n');
        }
        text.extend(self.answer.results.iter().map(human));
        text
    }
}

/// The name that was given, or else the one that all IDs name that name any. A name by which most of them would be remote is
/// not guessed.
fn server_name(owner: &Owner, ids: &[MatrixId<'_>]) -> anyhow::Result<Option<ServerName>> {
    if owner.server_name.is_some() || !owner.synapse.paths.is_empty() {
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
        let (exclusive, regex) = (entry.exclusive, Some(entry.regex.as_str()));
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
    if let Some(other) = &ownership.undefined {
        let owner = other.owner.map_or(String::new(), |owner| format!(", owned by `{}`", Visible(owner)));
        let status = other.status.as_str();
        text += &format!("    note: undefined; read the other way it is {status}{owner}\n");
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
        let Line { owner } = Line::parse_from([&["owner", "."], line].concat());
        let (ids, dirs) = owner.given().expect("IDs and a directory");
        assert_eq!(dirs, [PathBuf::from(".")]);
        let ids: Vec<_> = ids.iter().map(|id| MatrixId::parse(id).expect("an ID")).collect();
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
