use std::cell::RefCell;
use std::collections::{BTreeSet, HashSet};
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::anyhow;
use clap::Args;
use zeroize::Zeroizing;

use super::{Database, Failure, Rules, at};
use crate::analysis::{Analysis, Comparer, Deadline};
use crate::cli::{ERRORS, OK, tell};
use crate::homeserver::Homeserver;
use crate::registration::{self, TokenHasher};
use crate::reload::{Engine, Options, Trigger};
use crate::source::is_registration_name;
use crate::store::{
    self, Address, Back, Bench, Change, Earlier, Gate, MAX_BY, Objection, Reader, Revision, Several, Store, StoreError,
    Terms,
};
use crate::telemetry::{Metrics, Visible};

/// What of the change is not compared by then counts as a collision. Nobody else changes anything meanwhile, and the database
/// gives whoever holds it little more without a word: time for a machine that is as busy as one with 120 registrations and a load
/// of 18 on two cores, on which 10 s were not enough for threads that stand back behind all others.
const DEADLINE: Duration = Duration::from_secs(25);
/// What is there is compared before that, and nobody waits for it: a set of 100,000 takes some seconds.
pub(super) const PATIENCE: Duration = Duration::from_secs(600);

/// Which files to put.
#[derive(Debug, Args)]
pub(super) struct Put {
    /// Registrations; each is kept under its `id`.
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,

    #[command(flatten)]
    judged: Judged,
}

/// What to take over.
#[derive(Debug, Args)]
pub(super) struct Import {
    /// Directories of registrations (`*.yaml`, `*.yml`), each sorted by name.
    #[arg(value_name = "DIR", required = true)]
    dirs: Vec<PathBuf>,

    #[command(flatten)]
    judged: Judged,
}

/// What to remove.
#[derive(Debug, Args)]
pub(super) struct Rm {
    /// Registrations, by their `id`.
    #[arg(value_name = "ID", required = true)]
    ids: Vec<String>,

    /// Take it for no error that the store knows nothing of one of them.
    #[arg(long)]
    ignore_not_found: bool,

    #[command(flatten)]
    who: Who,

    #[command(flatten)]
    database: Database,
}

/// Where to go back to.
#[derive(Debug, Args)]
pub(super) struct Rollback {
    /// The revision, as `bailiwick store history` says it.
    #[arg(value_name = "REVISION", value_parser = clap::value_parser!(u32))]
    revision: u32,

    #[command(flatten)]
    judged: Judged,
}

/// By whom a change is judged, and who wants it.
#[derive(Debug, Args)]
struct Judged {
    #[command(flatten)]
    rules: Rules,

    /// Do it although something collides; the history says so.
    #[arg(long)]
    force: bool,

    #[command(flatten)]
    who: Who,

    #[command(flatten)]
    database: Database,
}

/// Who wants a change.
#[derive(Debug, Args)]
struct Who {
    /// Who wants this, for the history, in at most 250 bytes; whoever has logged in, unless it is said.
    #[arg(long, value_name = "NAME", env = "BAILIWICK_STORE_BY")]
    by: Option<String>,
}

impl Who {
    fn name(&self) -> Result<String, Failure> {
        let logged_in = || env::var("LOGNAME").or_else(|_| env::var("USER")).ok();
        let name = self.by.clone().or_else(logged_in).unwrap_or_else(|| "somebody".to_owned());
        if name.len() > MAX_BY {
            return Err(Failure::Usage(anyhow!("who wants this is said in at most {MAX_BY} bytes (--by)")));
        }
        Ok(name)
    }
}

/// A registration as it is to be: removed without a source; and where in the load order, if not where it is, or last.
struct Wanted {
    id: String,
    source: Option<Zeroizing<Vec<u8>>>,
    place: Option<i64>,
}

impl Wanted {
    fn change(&self) -> Change<'_> {
        Change { id: &self.id, source: self.source.as_ref().map(|source| &***source), place: self.place }
    }
}

impl Put {
    pub(super) fn run(&self) -> Result<u8, Failure> {
        self.judged.make(&self.files, None)
    }
}

impl Import {
    pub(super) fn run(&self) -> Result<u8, Failure> {
        let mut files = Vec::new();
        for dir in &self.dirs {
            let mut found = Vec::new();
            for entry in fs::read_dir(dir).map_err(|error| at(dir, error))? {
                found.push(entry.map_err(|error| at(dir, error))?);
            }
            found.retain(|entry| is_registration_name(&entry.file_name()));
            let mut found: Vec<PathBuf> = found.into_iter().map(|entry| entry.path()).collect();
            found.sort_unstable();
            files.extend(found);
        }
        if files.is_empty() {
            return Err(Failure::Usage(anyhow!("there is no registration in these directories")));
        }
        self.judged.make(&files, None)
    }
}

impl Rm {
    pub(super) fn run(&self) -> Result<u8, Failure> {
        let by = self.who.name()?;
        // Each once, however often it is named.
        let ids: BTreeSet<&str> = self.ids.iter().map(String::as_str).collect();
        let changes: Vec<Change<'_>> = ids.into_iter().map(|id| Change { id, source: None, place: None }).collect();
        let terms = Terms { by: &by, ..Terms::default() };
        // What goes claims nothing any more.
        let made = Gate::new(self.database.address()?, None).map_err(StoreError::from)?.make_all(
            &changes,
            None,
            terms,
            &|_| Ok(Ok(())),
        )?;
        let code = told(&made);
        match made {
            Several::Made { not_there, .. } if !self.ignore_not_found && !not_there.is_empty() => {
                for id in not_there {
                    tell(&format!("no registration of the id `{}` is or was in the store", Visible(&id)));
                }
                Ok(ERRORS)
            }
            _ => Ok(code),
        }
    }
}

impl Rollback {
    pub(super) fn run(&self) -> Result<u8, Failure> {
        let address = self.judged.database.address()?;
        let Back { head, purged, changes } = store::back_to(&address, self.revision.into())?;
        if i64::from(self.revision) > head {
            return Err(Failure::Usage(anyhow!("the store is at revision {head}")));
        }
        if i64::from(self.revision) < purged {
            return Err(Failure::Usage(anyhow!("what was before revision {purged} has been purged")));
        }
        let wanted: Vec<Wanted> =
            changes.into_iter().map(|Earlier { id, source, place }| Wanted { id, source, place }).collect();
        self.judged.make_wanted(address, &wanted, Some(head))
    }
}

impl Judged {
    fn make(&self, files: &[PathBuf], head: Option<i64>) -> Result<u8, Failure> {
        let homeserver = self.rules.homeserver();
        let hasher = TokenHasher::new();
        let mut wanted: Vec<Wanted> = Vec::with_capacity(files.len());
        let mut unloadable = false;
        for file in files {
            let source = Zeroizing::new(fs::read(file).map_err(|error| at(file, error))?);
            match registration::load_for(&homeserver, &shown(file), &source, &hasher) {
                Ok(registration) => {
                    wanted.push(Wanted { id: registration.id().to_string(), source: Some(source), place: None });
                }
                Err(faults) => {
                    unloadable = true;
                    tell_faults(&file.display().to_string(), &faults);
                }
            }
        }
        let mut ids: Vec<&str> = wanted.iter().map(|wanted| &*wanted.id).collect();
        ids.sort_unstable();
        if let Some((twice, _)) = ids.iter().zip(ids.iter().skip(1)).find(|(one, next)| one == next) {
            return Err(Failure::Usage(anyhow!("two of the files have the id `{twice}`")));
        }
        if unloadable { Ok(ERRORS) } else { self.make_wanted(self.database.address()?, &wanted, head) }
    }

    /// Makes changes, and says what has come of them.
    fn make_wanted(&self, address: Arc<Address>, wanted: &[Wanted], head: Option<i64>) -> Result<u8, Failure> {
        let changes: Vec<Change<'_>> = wanted.iter().map(Wanted::change).collect();
        let by = self.who.name()?;
        let terms = Terms { by: &by, force: self.force, ..Terms::default() };
        let hasher = TokenHasher::new();
        let comparer = Comparer::new().map_err(|error| Failure::Other(error.into()))?;
        // What is there and what is to come is loaded and compared before anybody is kept waiting, and brought up to date then.
        let homeserver = self.rules.homeserver();
        let engine = RefCell::new(engine(&address, Reader::Judges(homeserver.clone()), &homeserver, &hasher)?);
        engine.borrow_mut().reload(Trigger::Start, false);
        let there = engine.borrow().live().load_full();
        let patience = Deadline::after(PATIENCE);
        let known = comparer.compare(&there.set(), &Analysis::default(), &patience);
        let bench = Bench { snapshot: &there, previous: &known, hasher: &hasher, deadline: &patience };
        let loaded = match store::load_all(bench, &changes) {
            Ok(loaded) => loaded,
            Err(objection) => return Ok(told(&Several::Refused(objection))),
        };
        let ahead = store::rehearse(&comparer, bench, &loaded);
        let shown = address.to_string();
        let ids: HashSet<&str> = changes.iter().map(|change| change.id).collect();
        let judge = |head: &Revision| {
            engine.borrow_mut().reload(Trigger::Event, false);
            let snapshot = engine.borrow().live().load_full();
            store::can_judge(&snapshot, &shown, head, |id| ids.contains(id))?;
            let deadline = Deadline::after(DEADLINE);
            let bench = Bench { snapshot: &snapshot, previous: &known, hasher: &hasher, deadline: &deadline };
            Ok(store::judge_all(&comparer, bench, &loaded, &ahead))
        };
        let gate = Gate::new(address, Some(homeserver)).map_err(StoreError::from)?;
        Ok(told(&gate.make_all(&changes, head, terms, &judge)?))
    }
}

/// What has a store in force as it is, for whoever reads it so and judges by this homeserver.
pub(super) fn engine(
    address: &Arc<Address>,
    reader: Reader,
    homeserver: &Homeserver,
    hasher: &TokenHasher,
) -> Result<Engine, Failure> {
    let loader = {
        let (homeserver, hasher) = (homeserver.clone(), hasher.clone());
        move |file: &Arc<str>, bytes: &[u8]| registration::load_for(&homeserver, file, bytes, &hasher)
    };
    let store = Store::new(Arc::clone(address), reader).map_err(StoreError::from)?;
    let mut options = Options::new(homeserver.clone(), vec![Arc::new(store)], Arc::new(loader));
    options.max_wait = Duration::ZERO;
    options.hold = Duration::ZERO;
    Ok(Engine::new(options, &Metrics::new()))
}

/// Says what has come of changes.
fn told(made: &Several) -> u8 {
    match made {
        Several::Made { revision, made, same, not_there } => {
            let same = same + not_there.len();
            println!("{made} changed, {same} as they were; the store is at revision {revision}");
            OK
        }
        Several::Elsewhere(head) => {
            tell(&format!("the store has come to revision {head} meanwhile: look again"));
            ERRORS
        }
        Several::Refused(Objection::Unloadable(faults) | Objection::InTheWay(faults)) => {
            tell_faults("refused", faults);
            ERRORS
        }
        Several::Refused(Objection::Collides(findings)) => {
            for finding in findings {
                tell(&format!("refused: {}: {}", finding.code.as_str(), finding.message));
            }
            tell("nothing was changed; with --force it is, and the history says so");
            ERRORS
        }
    }
}

pub(super) fn tell_faults(what: &str, faults: &[registration::Fault]) {
    for fault in faults {
        match fault.line {
            Some(line) => tell(&format!("{what}: line {line}: {}", fault.message)),
            None => tell(&format!("{what}: {}", fault.message)),
        }
    }
}

fn shown(file: &Path) -> Arc<str> {
    file.to_string_lossy().into()
}
