//! What other homeservers would make of the same files.
//!
//! A snapshot holds registrations as *one* homeserver reads them. Another has another YAML library, another syntax of
//! regexes, other rules for two files with one `id`; none of that follows from what the first has loaded, and the bytes,
//! which hold tokens, are not kept. So whoever asks what others would answer has the files read again, once for each of
//! them, as if that homeserver were started now. Nothing is held there from before: what a file had in force once, another
//! homeserver never had.
//!
//! The sources are of its own, and one thread is at them at a time, as a [`Provider`] wants it;
//! those that the service watches are asked by nobody else. Each homeserver has others, since what a path leads to depends on
//! who reads it: Palpo takes `*.toml` out of a directory, and to Tuwunel a file of that kind is a configuration full of
//! registrations. Whoever asked the served homeserver's sources for it would call free what it holds.
//!
//! # What it costs
//!
//! To read, parse and index a file takes 60 µs for Synapse, 130 for Dendrite, and 220 to 310 where Rust's regexes are compiled
//! to see that they fit (6,000 files of 400 bytes, release build, one core; 9.1 s for all eight), and 4.4 KB are
//! kept of it while the set is there. So no question has more than [`MAX_READ`] files read, and what was read is kept for the
//! next question only where that is little ([`MAX_KEPT`]): then all that the next one costs is a `stat` of each file. What is
//! kept is never answered from without that look.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::homeserver::{Dialect, Homeserver};
use crate::matrix::ServerName;
use crate::registration::{self, TokenHasher};
use crate::snapshot::{Candidate, Snapshot};
use crate::source::{Clock, Known, Loader, Provider, Scanner, Source, SystemClock, Unlisted};

/// So many files are read for one question, counted once for each homeserver: four to six seconds of one core. That is
/// 2,500 files for all eight.
const MAX_READ: usize = 20_000;

/// So many registrations are kept between questions, those of all homeservers together: 44 MB. That is 1,250 for each of
/// eight.
const MAX_KEPT: usize = 10_000;

/// What other homeservers would make of the files that a service answers from.
pub struct Elsewhere {
    name: ServerName,
    hasher: TokenHasher,
    answer_limit: Duration,
    find: Box<Find>,
    state: Mutex<State>,
}

/// Finds a homeserver's sources, or says in a sentence why that cannot be done. Nobody else asks what it returns.
pub type Find = dyn Fn(Dialect) -> Result<Vec<Arc<dyn Provider>>, String> + Send + Sync;

#[derive(Debug, Default)]
struct State {
    /// Of each homeserver that was asked about.
    sources: Vec<(Dialect, Arc<[Source]>)>,
    kept: Vec<Kept>,
}

/// What one homeserver has made of the files, as they were at the last look.
#[derive(Debug)]
struct Kept {
    dialect: Dialect,
    /// What is known of each source.
    files: Vec<Vec<Known>>,
    snapshot: Arc<Snapshot>,
}

/// Why nothing can be said.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Untold {
    /// It cannot be found out what its sources are.
    #[error("{0}")]
    NoSources(String),
    /// A source cannot be listed.
    #[error("{source_shown}: {why}")]
    Unlisted {
        /// How it is shown.
        source_shown: String,
        /// What is wrong with it.
        why: Unlisted,
    },
    /// It would take too long.
    #[error(
        "{files} files are too many to be read again for {homeservers} homeservers: at most {most} are read for this question; ask \
         about fewer, or `bailiwick owner` or `check` with `--homeserver all`"
    )]
    TooMany {
        /// How many files there are.
        files: usize,
        /// For how many homeservers.
        homeservers: usize,
        /// How many may be.
        most: usize,
    },
}

impl Elsewhere {
    /// Takes what finds each homeserver's sources, and the hasher by whose digests tokens are recognised.
    #[must_use]
    pub fn new(name: ServerName, find: Box<Find>, answer_limit: Duration, hasher: TokenHasher) -> Self {
        Self { name, hasher, answer_limit, find, state: Mutex::default() }
    }

    /// Whether so many files are few enough to be read for so many homeservers, in one part in `parts` of what a question may
    /// take.
    pub fn affords(files: usize, homeservers: usize, parts: usize) -> Result<(), Untold> {
        let most = MAX_READ / parts.max(1);
        if files.saturating_mul(homeservers) > most {
            Err(Untold::TooMany { files, homeservers, most })
        } else {
            Ok(())
        }
    }

    /// What a homeserver would load now. Reads files, and waits for whoever does so already.
    pub fn loaded_by(&self, dialect: Dialect) -> Result<Arc<Snapshot>, Untold> {
        let mut state = self.state();
        let sources = self.sources_of(dialect, &mut state.sources)?;
        let kept = &mut state.kept;
        let last = kept.iter().position(|one| one.dialect == dialect).map(|at| kept.swap_remove(at));
        let files = self.look(dialect, &sources, last.as_ref())?;
        let snapshot = match last {
            Some(last) if same(&last.files, &files) => last.snapshot,
            _ => Arc::new(self.load(dialect, &files)),
        };
        kept.push(Kept { dialect, files, snapshot: Arc::clone(&snapshot) });
        // The first to go is what was asked about longest ago.
        while kept.iter().map(Kept::registrations).sum::<usize>() > MAX_KEPT {
            kept.remove(0);
        }
        Ok(snapshot)
    }

    fn sources_of(&self, dialect: Dialect, found: &mut Vec<(Dialect, Arc<[Source]>)>) -> Result<Arc<[Source]>, Untold> {
        if let Some((_, sources)) = found.iter().find(|(of, _)| *of == dialect) {
            return Ok(Arc::clone(sources));
        }
        let sources = (self.find)(dialect).map_err(Untold::NoSources)?;
        let sources: Arc<[Source]> = sources.into_iter().map(|source| Source::new(source, self.answer_limit)).collect();
        found.push((dialect, Arc::clone(&sources)));
        Ok(sources)
    }

    /// What is in each source now. What is as it was last time is not read again.
    fn look(&self, dialect: Dialect, sources: &[Source], last: Option<&Kept>) -> Result<Vec<Vec<Known>>, Untold> {
        let homeserver = Homeserver::new(self.name.clone(), dialect);
        let loader = |file: &Arc<str>, bytes: &[u8]| registration::load_for(&homeserver, file, bytes, &self.hasher);
        let clock = SystemClock;
        let scanner = Scanner {
            loader: &loader as &dyn Loader,
            now: clock.now(),
            wall: clock.wall(),
            quiet: Duration::ZERO,
            first: true,
            keep: None,
        };
        let known = |at: usize| last.and_then(|last| last.files.get(at)).into_iter().flatten().collect::<Vec<_>>();
        let scans = sources.iter().enumerate().map(|(at, source)| match scanner.scan(source, &known(at)) {
            Ok(scan) => Ok(scan.files),
            Err(why) => Err(Untold::Unlisted { source_shown: source.shown(), why }),
        });
        scans.collect()
    }

    fn load(&self, dialect: Dialect, files: &[Vec<Known>]) -> Snapshot {
        let clock = SystemClock;
        let nothing = Snapshot::before_first_load(Homeserver::new(self.name.clone(), dialect), Vec::new());
        let candidates: Vec<Candidate<'_>> = files.iter().flatten().map(Known::candidate).collect();
        // The first load says something always: that it is done.
        nothing.next(&candidates, Vec::new(), None, clock.wall()).unwrap_or(nothing)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Elsewhere {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Elsewhere").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Kept {
    fn registrations(&self) -> usize {
        self.files.iter().map(Vec::len).sum()
    }
}

/// Whether nothing has changed: what a scan has read again may say the same.
fn same(before: &[Vec<Known>], after: &[Vec<Known>]) -> bool {
    let same = Known::says_the_same;
    before.len() == after.len()
        && before.iter().zip(after).all(|(a, b)| a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::source::{Directory, FileSystem};

    fn written(home: &std::path::Path, id: &str, regex: &str) {
        let file = serde_json::json!({
            "id": id, "as_token": format!("as-token-of-{id}-0123456789"), "hs_token": format!("hs-token-of-{id}-0123456789"),
            "sender_localpart": id, "url": null, "namespaces": {"users": [{"regex": regex, "exclusive": true}]},
        });
        fs::write(home.join(format!("{id}.yaml")), file.to_string()).expect("written");
    }

    fn elsewhere(home: &std::path::Path) -> Elsewhere {
        let home = home.to_owned();
        let find = move |dialect: Dialect| -> Result<Vec<Arc<dyn Provider>>, String> {
            let toml = dialect == self::dialect("palpo");
            Ok(vec![Arc::new(Directory::new(&home, FileSystem { toml, ..FileSystem::default() }))])
        };
        let name = "example.com".parse().expect("a name");
        Elsewhere::new(name, Box::new(find), Duration::from_secs(10), TokenHasher::new())
    }

    fn dialect(name: &str) -> Dialect {
        name.parse().expect("a dialect")
    }

    #[test]
    fn each_homeserver_loads_the_files_in_its_own_way_and_again_when_they_change() {
        let home = tempfile::tempdir().expect("a temporary directory");
        written(home.path(), "irc", "@irc_.*");
        written(home.path(), "food", "@food_{[0-9]+}:example.com");
        let elsewhere = elsewhere(home.path());
        let loaded = |name: &str| elsewhere.loaded_by(dialect(name)).expect("it can be listed");
        assert_eq!(loaded("dendrite").counts().active, 2);
        let tuwunel = loaded("tuwunel");
        assert_eq!((tuwunel.counts().active, tuwunel.counts().quarantined), (1, 1));
        assert!(Arc::ptr_eq(&tuwunel, &loaded("tuwunel")), "nothing has changed");
        written(home.path(), "food", "@food_.*");
        assert_eq!(loaded("tuwunel").counts().active, 2);
        // What broke was in force here once, and is in force in no homeserver that is started now.
        written(home.path(), "food", "@food_{[0-9]+}:example.com");
        assert_eq!(loaded("tuwunel").counts().active, 1);
        fs::remove_file(home.path().join("food.yaml")).expect("removed");
        assert_eq!(loaded("tuwunel").counts().quarantined, 0);
    }

    #[test]
    fn each_homeserver_has_sources_of_its_own_and_none_is_taken_for_another() {
        let home = tempfile::tempdir().expect("a temporary directory");
        written(home.path(), "irc", "@irc_.*");
        let toml = "id = 'chat'\nas_token = 'as-token-of-chat-0123456789'\nhs_token = 'hs-token-of-chat-0123456789'\n\
                    sender_localpart = 'chatbot'\n[[namespaces.users]]\nexclusive = true\nregex = '@chat_.*'\n";
        fs::write(home.path().join("chat.toml"), toml).expect("written");
        let elsewhere = elsewhere(home.path());
        let active = |name: &str| elsewhere.loaded_by(dialect(name)).expect("it can be listed").counts().active;
        assert_eq!((active("tuwunel"), active("palpo"), active("tuwunel")), (1, 2, 1));
        let name = "example.com".parse().expect("a name");
        let find = Box::new(|_| Err("no configuration".to_owned()));
        let lost = Elsewhere::new(name, find, Duration::from_secs(10), TokenHasher::new());
        assert_eq!(lost.loaded_by(dialect("palpo")).err(), Some(Untold::NoSources("no configuration".to_owned())));
    }

    #[test]
    fn what_cannot_be_listed_is_said_and_what_is_too_much_is_not_begun() {
        let home = tempfile::tempdir().expect("a temporary directory");
        let elsewhere = elsewhere(&home.path().join("gone"));
        assert!(matches!(elsewhere.loaded_by(dialect("palpo")), Err(Untold::Unlisted { .. })));
        assert_eq!((Elsewhere::affords(2_500, 8, 1), Elsewhere::affords(1_250, 8, 2)), (Ok(()), Ok(())));
        assert!(Elsewhere::affords(1_251, 8, 2).is_err());
        let too_many = Elsewhere::affords(2_501, 8, 1).expect_err("too many");
        assert!(too_many.to_string().contains("2501 files"), "{too_many}");
    }
}
