//! Small files beside the registrations, of tokens or certificates, that are read again when they change.
//!
//! They are looked at once a second. What has changed is read when a second look finds it as the first one did: a file
//! that is written in place is empty for a moment, and of two files that belong together one is replaced first. A file
//! that does not come to rest is read all the same after [`MAX_LOOKS`].

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc::channel;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use prometheus::IntGauge;

use crate::source::{Disk, OsDisk, Stat, read_to_end};
use crate::telemetry::Metrics;

/// So many looks at a file that changes all the time, until it is read as it is: what it no longer says must not be kept
/// in use for long by somebody who writes on.
const MAX_LOOKS: u32 = 5;

/// Tells when files are to be read again: when anything about one of them has changed, and at every look for as long as
/// the last attempt has failed.
#[derive(Debug)]
pub struct ReloadableFiles {
    /// What they hold, in the plural.
    what: &'static str,
    files: Vec<PathBuf>,
    last: Mutex<Last>,
    good: OnceLock<IntGauge>,
}

#[derive(Debug)]
struct Last {
    seen: Vec<Option<Stat>>,
    /// How many looks have found something else than the one before, since the files were read.
    restless: u32,
    /// Whether the files are as they were when they were read.
    read: bool,
    problem: Option<String>,
}

impl ReloadableFiles {
    /// Notes what the files are like now. To be called before they are read for the first time, so that no change is
    /// missed.
    #[must_use]
    pub fn new(what: &'static str, files: &[&Path]) -> Self {
        let files: Vec<PathBuf> = files.iter().map(|&file| file.to_owned()).collect();
        let last = Mutex::new(Last { seen: seen(&files), restless: 0, read: true, problem: None });
        Self { what, files, last, good: OnceLock::new() }
    }

    /// Shows from now on whether the files could be used. To be called once, when they have been read.
    pub fn show(&self, metrics: &Metrics) {
        let Self { what, .. } = self;
        let name = format!("bailiwick_{what}_good");
        let help = format!("1 if the {what} are in use as they are on disk, else 0; absent where there are none.");
        self.good.get_or_init(|| metrics.gauge(&name, &help)).set(1);
    }

    /// Calls `read` if it is time to, and tells what comes of it. `read` says what is wrong, and what is in use
    /// meanwhile.
    pub fn refresh(&self, read: impl FnOnce() -> Result<(), String>) {
        self.look(seen(&self.files), read);
    }

    fn look(&self, now: Vec<Option<Stat>>, read: impl FnOnce() -> Result<(), String>) {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.seen != now {
            last.seen = now;
            last.read = false;
            last.restless += 1;
            if last.restless < MAX_LOOKS {
                return;
            }
        }
        if last.read && last.problem.is_none() {
            return;
        }
        (last.read, last.restless) = (true, 0);
        let problem = read().err();
        if let Some(good) = self.good.get() {
            good.set(i64::from(problem.is_none()));
        }
        match &problem {
            None => tracing::info!("{} read again", self.what),
            Some(problem) if last.problem.as_ref() != Some(problem) => tracing::error!("{problem}"),
            Some(_) => {}
        }
        last.problem = problem;
    }
}

/// How long a service waits at its start for what it cannot do without: as long as for a registration.
const FIRST_READ: Duration = Duration::from_secs(10);

/// The largest file that is read: lists of tokens, certificates and homeserver's configurations are a few KiB, and what has no
/// end, as `/dev/zero`, would take all memory before anything is said.
const LARGEST: u64 = 16 << 20;

/// Reads a file for the first time. It may be a pipe, if somebody writes to it by now; a service that hung at its start would
/// say nothing.
pub fn read_first(file: &Path) -> io::Result<Vec<u8>> {
    read_within(file, FIRST_READ)
}

fn read_within(file: &Path, longest: Duration) -> io::Result<Vec<u8>> {
    let (answer, answered) = channel();
    let path = file.to_owned();
    // One that hangs is left behind, and ends with the process.
    std::thread::Builder::new().name("first-read".to_owned()).spawn(move || drop(answer.send(read_whole(&path))))?;
    let late = |_| {
        let seconds = longest.as_secs();
        io::Error::other(format!("it was not read within {seconds} s: if it is a pipe, nobody has written to it"))
    };
    answered.recv_timeout(longest).map_err(late)?
}

fn read_whole(file: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = read_to_end(fs::File::open(file)?, LARGEST + 1)?;
    whole(std::mem::take(&mut *bytes))
}

fn whole(bytes: Vec<u8>) -> io::Result<Vec<u8>> {
    if bytes.len() as u64 > LARGEST {
        return Err(io::Error::other(format!("it is larger than {} MiB", LARGEST >> 20)));
    }
    Ok(bytes)
}

/// Reads a file that was read before. A pipe may have come into its place, and is not waited for.
pub fn read_again(file: &Path) -> io::Result<Vec<u8>> {
    OsDisk.read(file, LARGEST).and_then(|(bytes, _)| whole(bytes))
}

fn seen(files: &[PathBuf]) -> Vec<Option<Stat>> {
    files.iter().map(|file| OsDisk.stat(file).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file that is read by looks alone.
    struct Watched {
        directory: tempfile::TempDir,
        files: ReloadableFiles,
    }

    impl Watched {
        fn new() -> Self {
            let directory = tempfile::tempdir().expect("a temporary directory");
            std::fs::write(directory.path().join("file"), "").expect("written");
            let files = ReloadableFiles::new("words", &[&directory.path().join("file")]);
            Self { directory, files }
        }

        /// Makes it another file than before, whatever the clock of the file system says.
        fn write(&self, text: &str) {
            std::fs::write(self.directory.path().join("new"), text).expect("written");
            std::fs::rename(self.directory.path().join("new"), self.directory.path().join("file")).expect("renamed");
        }

        /// Looks, and says whether that led to a reading.
        fn look(&self, comes_to: Result<(), &str>) -> bool {
            let mut read = false;
            self.files.refresh(|| {
                read = true;
                comes_to.map_err(str::to_owned)
            });
            read
        }
    }

    #[test]
    fn what_has_no_end_is_not_read_for_ever() {
        let error = read_first(Path::new("/dev/zero")).expect_err("it has no end");
        assert_eq!(error.to_string(), "it is larger than 16 MiB");
    }

    #[test]
    fn what_has_come_to_rest_is_read_once() {
        let watched = Watched::new();
        assert!(!watched.look(Ok(())));
        watched.write("a");
        assert!(!watched.look(Ok(())), "it may still be written");
        assert!(watched.look(Ok(())));
        assert!(!watched.look(Ok(())));
    }

    #[test]
    fn what_does_not_come_to_rest_is_read_all_the_same() {
        let watched = Watched::new();
        let reads = (0..MAX_LOOKS).filter(|at| {
            watched.write(&"a".repeat(*at as usize + 1));
            watched.look(Ok(()))
        });
        assert_eq!(reads.collect::<Vec<_>>(), [MAX_LOOKS - 1]);
    }

    #[test]
    fn what_could_not_be_used_is_tried_at_every_look_and_shown() {
        let watched = Watched::new();
        let metrics = Metrics::new();
        watched.files.show(&metrics);
        let good = |value: u8| {
            let text = String::from_utf8(metrics.render()).expect("text");
            assert!(text.contains(&format!("\nbailiwick_words_good {value}\n")), "{text}");
        };
        good(1);
        watched.write("a");
        watched.look(Ok(()));
        assert!(watched.look(Err("no")) && watched.look(Err("no")));
        good(0);
        assert!(watched.look(Ok(())));
        good(1);
        assert!(!watched.look(Ok(())));
    }
}
