use anyhow::anyhow;
use clap::Args;

use super::change::{PATIENCE, engine, tell_faults};
use super::{Database, Failure, Rules};
use crate::analysis::{Analysis, Comparer, Deadline};
use crate::cli::{ERRORS, OK, tell};
use crate::registration::TokenHasher;
use crate::reload::Trigger;
use crate::snapshot::Snapshot;
use crate::store::{self, Assigned, Reader, is_collision};

/// Whose it is to be.
#[derive(Debug, Args)]
pub(super) struct Assign {
    #[command(flatten)]
    rules: Rules,

    /// Do it although something of what the store holds collides there, or does not load.
    #[arg(long)]
    force: bool,

    #[command(flatten)]
    database: Database,
}

impl Assign {
    pub(super) fn run(&self) -> Result<u8, Failure> {
        let address = self.database.address()?;
        let homeserver = self.rules.homeserver();
        let mut engine = engine(&address, Reader::Assigns, &homeserver, &TokenHasher::new())?;
        engine.reload(Trigger::Start, false);
        let snapshot = engine.live().load_full();
        let read = snapshot.as_of().filter(|_| snapshot.missing().is_empty());
        let Some(as_of) = read else {
            let why = snapshot.missing().first().map_or("it was not read", |missing| &missing.problem.what);
            return Err(Failure::Other(anyhow!("{why}")));
        };
        if speaks_against(&snapshot)? && !self.force {
            tell("nothing was changed; with --force it is");
            return Ok(ERRORS);
        }
        match store::assign(&address, &homeserver, &as_of.note)? {
            Assigned::From(before) => {
                let before = before.map_or_else(|| "nobody's".to_owned(), |whose| format!("that of {whose}"));
                println!("it is the store of {}, and was {before}", store::Whose::from(&homeserver));
                Ok(OK)
            }
            Assigned::Elsewhere(revision) => {
                tell(&format!("the store has come to revision {revision} meanwhile: look again"));
                Ok(ERRORS)
            }
        }
    }
}

/// Says what of a store would not be in force, or would collide; whether there is anything.
fn speaks_against(snapshot: &Snapshot) -> Result<bool, Failure> {
    let mut any = false;
    for file in snapshot.files().iter().filter(|file| !file.faults().is_empty()) {
        any = true;
        tell_faults(&format!("refused: {}", file.file()), file.faults());
    }
    let comparer = Comparer::new().map_err(|error| Failure::Other(error.into()))?;
    let found = comparer.compare(&snapshot.set(), &Analysis::default(), &Deadline::after(PATIENCE));
    for finding in found.findings.iter().filter(|finding| is_collision(finding)) {
        any = true;
        tell(&format!("refused: {}: {}", finding.code.as_str(), finding.message));
    }
    Ok(any)
}
