use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use serde::Serialize;

use super::sources::Sources;
use super::{INTERNAL, OK, USAGE, complain, load};
use crate::index::Scratch;
use crate::matrix::{Kind, MatrixId, ServerName};
use crate::ruling::{ClaimVia, Ownership};
use crate::snapshot::Snapshot;
use crate::telemetry::{Visible, VisibleJson};
use python_re::Outcome;

/// Which IDs to explain, by which registrations.
#[derive(Debug, Args)]
pub(super) struct Owner {
    /// The IDs to explain.
    #[arg(value_name = "ID", required = true)]
    ids: Vec<String>,

    /// A directory of registrations; may be given several times.
    #[arg(
        long = "dir",
        value_name = "DIR",
        env = "BAILIWICK_DIRS",
        value_delimiter = ':',
        required_unless_present = "synapse_config"
    )]
    dirs: Vec<PathBuf>,

    /// The homeserver's name; without it, what stands behind the first colon of the first ID.
    #[arg(long, value_name = "NAME", env = "BAILIWICK_SERVER_NAME")]
    server_name: Option<ServerName>,

    /// Take the name and the files from Synapse's `homeserver.yaml`.
    #[arg(long, value_name = "FILE", env = "BAILIWICK_SYNAPSE_CONFIG", conflicts_with_all = ["dirs", "server_name"])]
    synapse_config: Option<PathBuf>,

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
    let guessed = || ids.iter().find_map(|id| id.as_str().split_once(':')?.1.parse().ok());
    let sources = Sources {
        dirs: owner.dirs.clone(),
        server_name: owner.server_name.clone().or_else(guessed),
        synapse_config: owner.synapse_config.clone(),
    };
    let (homeserver, sources) = sources.resolve()?;
    let snapshot = load::load(homeserver, sources)?;
    let explained: Vec<Explained<'_>> = ids.iter().map(|id| explain_one(&snapshot, *id)).collect();
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

fn explain_one<'s>(snapshot: &'s Snapshot, id: MatrixId<'s>) -> Explained<'s> {
    let ownership = snapshot.services().ownership(id, &mut Scratch::new());
    let mut entries = Vec::new();
    for claim in &ownership.claims {
        if claim.via == ClaimVia::Sender {
            entries.push(Matching {
                as_id: claim.as_id,
                decides: true,
                exclusive: true,
                regex: None,
                file: claim.file,
                line: claim.line,
                column: claim.column,
                why: "it is the service's own user".to_owned(),
            });
        }
        entries.extend(matching(snapshot, id, claim.as_id, claim.index));
    }
    Explained { ownership, entries }
}

/// The entries of a service that match, in file order; the one at `deciding` decides.
fn matching<'s>(snapshot: &'s Snapshot, id: MatrixId<'_>, as_id: &'s str, deciding: Option<u32>) -> Vec<Matching<'s>> {
    let services = snapshot.services();
    let Some(registration) = services.registrations().iter().find(|registration| *registration.id == *as_id) else {
        return Vec::new();
    };
    let entries = (0..).zip(registration.namespaces.of(id.kind()));
    let matches = entries.filter(|(index, entry)| {
        Some(*index) == deciding
            || services
                .homeserver()
                .dialect
                .parse(id.kind(), &entry.regex)
                .is_ok_and(|p| p.matcher().run(&mut python_re::Scratch::new(), id.as_str()) == Outcome::Match)
    });
    let explained = matches.map(|(index, entry)| Matching {
        as_id,
        decides: deciding == Some(index),
        exclusive: entry.exclusive,
        regex: Some(&entry.regex),
        file: &registration.file,
        line: entry.place.line,
        column: entry.place.column,
        why: match deciding {
            Some(at) if at == index => "it is the first entry of the file that matches".to_owned(),
            Some(at) => format!("it matches too, but entry {at} comes first"),
            None => "it matches too, but the service's own user is its own in any case".to_owned(),
        },
    });
    explained.collect()
}

fn human(explained: &Explained<'_>) -> String {
    let Explained { ownership, entries } = explained;
    let noun = match ownership.kind {
        Kind::User => "user",
        Kind::Alias => "alias",
        Kind::Room => "room",
    };
    let status = serde_json::to_value(ownership.status).ok();
    let status = status.as_ref().and_then(serde_json::Value::as_str).unwrap_or_default();
    let owner = ownership.owner.map_or(String::new(), |owner| format!(", owned by `{}`", Visible(owner)));
    let mut text = format!("{} ({noun}): {status}{owner}\n", Visible(ownership.id));
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
