//! What happens to a directory, a disk, a clock and the file system's events, in process, with each of them passed in.

use std::collections::HashSet;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use bailiwick::index::Scratch;
use bailiwick::matrix::{MatrixId, ServerName};
use bailiwick::pulse::AilmentKind;
use bailiwick::registration::{self, TokenHasher};
use bailiwick::reload::{Engine, Options, Reloader, Trigger};
use bailiwick::snapshot::{FileState, Live, Snapshot};
use bailiwick::source::{
    Clock, Content, Directory, Disk, FileSystem, Hint, Item, Listing, OsDisk, Provider, Stat, Tell, Unlisted, Unread,
    Watched,
};
use bailiwick::telemetry::Metrics;
use notify::event::{AccessKind, AccessMode, DataChange, Flag, ModifyKind};
use notify::{Event, EventKind, NullWatcher, RecursiveMode, Watcher, WatcherKind};
use tempfile::TempDir;

use super::support::registration;

/// Longer than any test takes: whatever is noticed was not noticed by a poll.
const NEVER: Duration = Duration::from_secs(3_600);
/// How long anything may take that should take a moment. Only a hang reaches it.
const PATIENCE: Duration = Duration::from_secs(180);

fn directory() -> TempDir {
    let home = tempfile::tempdir().expect("a temporary directory");
    put(home.path(), "irc", "irc_");
    home
}

fn put(dir: &Path, id: &str, prefix: &str) {
    fs::write(dir.join(".new"), registration(id, prefix)).expect("written");
    fs::rename(dir.join(".new"), dir.join(format!("{id}.yaml"))).expect("moved");
}

fn options(dir: &Path, system: FileSystem) -> Options {
    let hasher = TokenHasher::new();
    let load = move |file: &Arc<str>, bytes: &[u8]| registration::load(file, bytes, &hasher);
    let name: ServerName = "example.com".parse().expect("a server name");
    let clock = Arc::clone(&system.clock);
    let mut options = Options::new(name.into(), vec![Arc::new(Directory::new(dir, system))], Arc::new(load));
    options.clock = clock;
    options.poll = NEVER;
    options.hold = Duration::ZERO;
    options
}

fn with_events(make: impl Fn(Tell) -> notify::Result<Box<dyn Watcher + Send>> + Send + Sync + 'static) -> FileSystem {
    FileSystem { events: Arc::new(make), ..FileSystem::default() }
}

fn claimed(snapshot: &Snapshot, id: &str) -> bool {
    !snapshot.services().claims(MatrixId::parse(id).expect("an ID"), &mut Scratch::new()).is_empty()
}

fn becomes_claimed(live: &Live, id: &str) -> Duration {
    let began = Instant::now();
    while !claimed(&live.load(), id) {
        assert!(began.elapsed() < PATIENCE, "{id} is not claimed");
        std::thread::sleep(Duration::from_millis(5));
    }
    began.elapsed()
}

/// Figures follow what they are about.
fn becomes_figure(metrics: &Metrics, line: &str) {
    let began = Instant::now();
    while !String::from_utf8_lossy(&metrics.render()).lines().any(|known| known == line) {
        assert!(began.elapsed() < PATIENCE, "it never says `{line}`");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A directory that has come to be watched is looked at once more: waits until no look has ended for a while.
fn becomes_quiet(metrics: &Metrics) {
    let looks = || {
        let rendered = String::from_utf8(metrics.render()).expect("text");
        rendered
            .lines()
            .filter(|line| line.starts_with("bailiwick_reloads_total"))
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let began = Instant::now();
    let mut before = looks();
    loop {
        std::thread::sleep(Duration::from_millis(500));
        let now = looks();
        if now == before {
            return;
        }
        assert!(began.elapsed() < PATIENCE, "looks do not end");
        before = now;
    }
}

/// Starts, waits for the first load and for what follows it, and returns what goes on.
fn started(options: Options, metrics: &Metrics) -> (Reloader, Arc<Live>) {
    let reloader = Reloader::start(options, metrics).expect("a thread");
    let live = reloader.live();
    becomes_claimed(&live, "@irc_x:example.com");
    becomes_quiet(metrics);
    (reloader, live)
}

#[test]
fn events_that_were_lost_are_made_up_for() {
    let home = directory();
    let tell: Arc<Mutex<Option<Tell>>> = Arc::default();
    let told = Arc::clone(&tell);
    let system = with_events(move |tell| {
        *told.lock().expect("no panic") = Some(tell);
        Ok(Box::new(NullWatcher))
    });
    let (_reloader, live) = started(options(home.path(), system), &Metrics::new());
    put(home.path(), "tg", "tg_");
    std::thread::sleep(Duration::from_millis(400));
    assert!(!claimed(&live.load(), "@tg_x:example.com"), "nothing has told of it");
    let overflow = Event::new(EventKind::Other).set_flag(Flag::Rescan);
    tell.lock().expect("no panic").as_mut().expect("events were asked for")(Ok(overflow));
    becomes_claimed(&live, "@tg_x:example.com");
    put(home.path(), "x", "x_");
    let error = notify::Error::generic("the queue is broken");
    tell.lock().expect("no panic").as_mut().expect("events were asked for")(Err(error));
    becomes_claimed(&live, "@x_x:example.com");
}

/// Somebody has a registration open for writing when the service starts: it is not as if there were none.
#[test]
fn what_is_being_written_at_the_start_is_not_passed_over() {
    let home = directory();
    put(home.path(), "tg", "tg_");
    let path = home.path().join("irc.yaml");
    let about = move |kind| Ok(Event::new(kind).add_path(path.clone()));
    let written = about(EventKind::Modify(ModifyKind::Data(DataChange::Any)));
    let tell: Arc<Mutex<Option<Tell>>> = Arc::default();
    let (told, written) = (Arc::clone(&tell), Mutex::new(Some(written)));
    let system = with_events(move |mut tell| {
        written.lock().expect("no panic").take().into_iter().for_each(&mut tell);
        *told.lock().expect("no panic") = Some(tell);
        Ok(Box::new(NullWatcher))
    });
    let reloader = Reloader::start(options(home.path(), system), &Metrics::new()).expect("a thread");
    let live = reloader.live();
    becomes_claimed(&live, "@tg_x:example.com");
    assert!(!live.load().is_complete() && live.load().lacks_claims(), "{:?}", live.load().files());
    let closed = about(EventKind::Access(AccessKind::Close(AccessMode::Write)));
    tell.lock().expect("no panic").as_mut().expect("events were asked for")(closed);
    becomes_claimed(&live, "@irc_x:example.com");
    assert!(live.load().is_complete());
}

/// As on NFS, where nothing tells of what other machines write.
#[test]
fn a_mount_without_events_is_polled() {
    let home = directory();
    let mut options = options(home.path(), with_events(|_| Ok(Box::new(NullWatcher))));
    options.poll = Duration::from_millis(300);
    let reloader = Reloader::start(options, &Metrics::new()).expect("a thread");
    becomes_claimed(&reloader.live(), "@irc_x:example.com");
    put(home.path(), "tg", "tg_");
    becomes_claimed(&reloader.live(), "@tg_x:example.com");
}

/// A watcher that may not watch any more.
#[derive(Debug)]
struct Exhausted(Arc<AtomicBool>);

impl Watcher for Exhausted {
    fn new<F: notify::EventHandler>(_: F, _: notify::Config) -> notify::Result<Self> {
        Ok(Self(Arc::default()))
    }

    fn watch(&mut self, _: &Path, _: RecursiveMode) -> notify::Result<()> {
        let exhausted = self.0.load(Ordering::Relaxed);
        if exhausted { Err(notify::Error::new(notify::ErrorKind::MaxFilesWatch)) } else { Ok(()) }
    }

    fn unwatch(&mut self, _: &Path) -> notify::Result<()> {
        Ok(())
    }

    fn kind() -> WatcherKind {
        WatcherKind::NullWatcher
    }
}

#[test]
fn where_watches_run_out_it_polls_every_second_and_says_so() {
    let home = directory();
    let exhausted = Arc::new(AtomicBool::new(true));
    let shared = Arc::clone(&exhausted);
    let options = options(home.path(), with_events(move |_| Ok(Box::new(Exhausted(Arc::clone(&shared))))));
    let metrics = Metrics::new();
    let (_reloader, live) = started(options, &metrics);
    becomes_figure(&metrics, "bailiwick_events_complete 0");
    put(home.path(), "tg", "tg_");
    becomes_claimed(&live, "@tg_x:example.com");
    // When there are watches to be had again, it takes them.
    exhausted.store(false, Ordering::Relaxed);
    becomes_figure(&metrics, "bailiwick_events_complete 1");
}

#[test]
fn without_any_events_it_polls_until_there_are_some() {
    let home = directory();
    let denied = Arc::new(AtomicBool::new(true));
    let shared = Arc::clone(&denied);
    let system = with_events(move |tell| {
        if shared.load(Ordering::Relaxed) {
            return Err(notify::Error::io(io::Error::from_raw_os_error(24)));
        }
        bailiwick::source::os_events(tell)
    });
    let metrics = Metrics::new();
    let (_reloader, live) = started(options(home.path(), system), &metrics);
    put(home.path(), "tg", "tg_");
    becomes_claimed(&live, "@tg_x:example.com");
    denied.store(false, Ordering::Relaxed);
    becomes_figure(&metrics, "bailiwick_events_complete 1");
    put(home.path(), "x", "x_");
    becomes_claimed(&live, "@x_x:example.com");
    becomes_figure(&metrics, "bailiwick_events_complete 1");
}

/// The real disk, some of which cannot be read.
#[derive(Default)]
struct Failing {
    denied: Mutex<HashSet<PathBuf>>,
}

impl Failing {
    fn check(&self, path: &Path) -> io::Result<()> {
        let denied = self.denied.lock().expect("no panic").contains(path);
        if denied { Err(io::ErrorKind::PermissionDenied.into()) } else { Ok(()) }
    }

    fn deny(&self, path: &Path) {
        self.denied.lock().expect("no panic").insert(path.to_owned());
    }

    fn allow_all(&self) {
        self.denied.lock().expect("no panic").clear();
    }
}

impl Disk for Failing {
    fn list(&self, dir: &Path) -> io::Result<Vec<OsString>> {
        self.check(dir)?;
        OsDisk.list(dir)
    }

    fn stat(&self, path: &Path) -> io::Result<Stat> {
        OsDisk.stat(path)
    }

    fn is_there(&self, path: &Path) -> bool {
        OsDisk.is_there(path)
    }

    fn read(&self, path: &Path, limit: u64) -> io::Result<(Vec<u8>, Stat)> {
        self.check(path)?;
        OsDisk.read(path, limit)
    }

    fn read_link(&self, path: &Path) -> io::Result<PathBuf> {
        OsDisk.read_link(path)
    }

    fn resolve(&self, path: &Path) -> io::Result<PathBuf> {
        OsDisk.resolve(path)
    }
}

/// Root may read everything, so that only a disk that is passed in can show this to whoever runs the tests.
#[test]
fn permission_is_lost_and_regained() {
    let home = directory();
    let disk = Arc::new(Failing::default());
    let system = FileSystem { disk: Arc::clone(&disk) as Arc<dyn Disk>, ..FileSystem::default() };
    let mut engine = Engine::new(options(home.path(), system), &Metrics::new());
    engine.reload(Trigger::Start, false);
    let live = engine.live();
    assert!(live.load().is_complete());

    // A file: what it held it keeps, also when it is changed meanwhile.
    disk.deny(&home.path().join("irc.yaml"));
    put(home.path(), "irc", "irc2_");
    engine.reload(Trigger::Poll, false);
    assert!(claimed(&live.load(), "@irc_x:example.com"));
    assert_eq!(live.load().files()[0].state(), FileState::Stale);
    let fault = live.load().files()[0].faults()[0].message.clone();
    assert!(fault.contains("permission denied"), "{fault}");
    disk.allow_all();
    engine.reload(Trigger::Poll, false);
    assert!(claimed(&live.load(), "@irc2_x:example.com") && live.load().is_complete());

    // The directory: all that its files held stays.
    disk.deny(home.path());
    engine.reload(Trigger::Poll, false);
    assert!(claimed(&live.load(), "@irc2_x:example.com") && !live.load().is_complete());
    assert!(live.load().missing()[0].problem.what.contains("permission denied"), "{:?}", live.load().missing());
    // That is not absence, and cannot be confirmed as such.
    engine.reload(Trigger::Request, true);
    assert!(claimed(&live.load(), "@irc2_x:example.com"));
    disk.allow_all();
    engine.reload(Trigger::Poll, false);
    assert!(claimed(&live.load(), "@irc2_x:example.com") && live.load().is_complete());
}

/// A clock on the wall that can be set; the one that never jumps is the machine's.
#[derive(Debug)]
struct Settable(Mutex<SystemTime>);

impl Settable {
    fn set(&self, time: SystemTime) {
        *self.0.lock().expect("no panic") = time;
    }
}

impl Clock for Settable {
    fn now(&self) -> Instant {
        Instant::now()
    }

    fn wall(&self) -> SystemTime {
        *self.0.lock().expect("no panic")
    }

    fn sleep(&self, time: Duration) {
        std::thread::sleep(time);
    }
}

#[test]
fn the_clock_may_jump() {
    let year = Duration::from_secs(365 * 24 * 3_600);
    let now = SystemTime::now();
    let clock = Arc::new(Settable(Mutex::new(now)));
    let home = directory();
    let path = home.path().join("irc.yaml");
    let system = FileSystem { clock: Arc::clone(&clock) as Arc<dyn Clock>, ..FileSystem::default() };
    let mut engine = Engine::new(options(home.path(), system), &Metrics::new());
    engine.reload(Trigger::Start, false);
    let live = engine.live();
    assert!(claimed(&live.load(), "@irc_x:example.com"));
    // Back and ahead, and files that say that they are from another time: as long as before, and of the same second.
    for (round, wall, modified) in [
        (1, now - 10 * year, now),
        (2, now + 10 * year, now),
        (3, now + 10 * year, now - 20 * year),
        (4, now - 10 * year, now + 20 * year),
        (5, now, now + 20 * year),
        (6, now, now),
    ] {
        clock.set(wall);
        engine.reload(Trigger::Poll, false);
        fs::write(&path, registration("irc", &format!("ir{round}_"))).expect("written");
        fs::File::options().write(true).open(&path).and_then(|file| file.set_modified(modified)).expect("set");
        let report = engine.reload(Trigger::Poll, false);
        assert!(claimed(&live.load(), &format!("@ir{round}_x:example.com")), "round {round}: {report:?}");
        assert!(report.took < Duration::from_secs(10), "{report:?}");
    }
}

/// A file that is written to without end is nobody else's problem.
#[test]
fn a_restless_file_holds_up_no_other() {
    let home = directory();
    let path = home.path().join("zz.yaml");
    let stop = AtomicBool::new(false);
    let (reloader, live) = started(options(home.path(), FileSystem::default()), &Metrics::new());
    std::thread::scope(|scope| {
        scope.spawn(|| {
            // Bounded, in case that the test fails.
            for round in 0..3_000 {
                if stop.load(Ordering::Relaxed) {
                    break;
                }
                fs::write(&path, registration("zz", &format!("zz{round}_"))).expect("written");
                std::thread::sleep(Duration::from_millis(10));
            }
        });
        for round in 0..5 {
            put(home.path(), "tg", &format!("tg{round}_"));
            let report = reloader.reload_blocking(Trigger::Request, false).expect("it runs");
            assert!(
                claimed(&live.load(), &format!("@tg{round}_x:example.com")),
                "what was there before counts: {report:?}"
            );
        }
        stop.store(true, Ordering::Relaxed);
    });
    // That its writer has closed it may become known later.
    let began = Instant::now();
    while live.load().counts().active != 3 {
        assert!(began.elapsed() < PATIENCE, "{:?}", live.load().files());
        reloader.reload_blocking(Trigger::Request, false).expect("it runs");
    }
}

/// A directory whose file system stops answering, or worse.
#[derive(Debug)]
struct Unsound {
    directory: Directory,
    hangs: AtomicBool,
    panics: AtomicBool,
}

impl Provider for Unsound {
    fn shown(&self) -> String {
        self.directory.shown()
    }

    fn list(&self) -> Result<Listing, Unlisted> {
        while self.hangs.load(Ordering::Relaxed) {
            std::thread::sleep(Duration::from_millis(5));
        }
        self.directory.list()
    }

    fn read(&self, item: &Item) -> Result<Content, Unread> {
        self.directory.read(item)
    }

    fn watch(&self, listed: &[Arc<str>], hint: &Hint) -> Watched {
        assert!(!self.panics.load(Ordering::Relaxed), "this is part of the test");
        self.directory.watch(listed, hint)
    }

    fn could_list(&self, name: &str) -> bool {
        self.directory.could_list(name)
    }
}

fn unsound(home: &Path, look_limit: Duration) -> (Arc<Unsound>, Options) {
    let directory = Directory::new(home, FileSystem::default());
    let source = Arc::new(Unsound { directory, hangs: AtomicBool::new(false), panics: AtomicBool::new(false) });
    let mut options = options(home, FileSystem::default());
    options.sources = vec![Arc::clone(&source) as Arc<dyn Provider>];
    options.look_limit = look_limit;
    (source, options)
}

fn becomes(reloader: &Reloader, expected: Option<AilmentKind>) {
    let began = Instant::now();
    while reloader.pulse().ailment().map(|ailment| ailment.kind) != expected {
        assert!(began.elapsed() < PATIENCE, "it is {:?}", reloader.pulse().ailment());
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_file_system_that_does_not_answer_shows_and_holds_up_no_end() {
    let home = directory();
    let (source, options) = unsound(home.path(), Duration::from_millis(50));
    let (reloader, live) = started(options, &Metrics::new());
    becomes(&reloader, None);
    source.hangs.store(true, Ordering::Relaxed);
    put(home.path(), "tg", "tg_");
    becomes(&reloader, Some(AilmentKind::Late));
    assert!(claimed(&live.load(), "@irc_x:example.com"), "what is in force stays so");
    // It answers again.
    source.hangs.store(false, Ordering::Relaxed);
    becomes_claimed(&live, "@tg_x:example.com");
    becomes(&reloader, None);
    // It never will, and the end does not wait for it.
    source.hangs.store(true, Ordering::Relaxed);
    put(home.path(), "x", "x_");
    becomes(&reloader, Some(AilmentKind::Late));
    let began = Instant::now();
    reloader.shutdown();
    assert!(began.elapsed() < PATIENCE);
    source.hangs.store(false, Ordering::Relaxed);
}

#[test]
fn a_thread_that_has_died_is_known_to_be_dead() {
    let home = directory();
    let (source, options) = unsound(home.path(), Duration::from_secs(60));
    let (reloader, _live) = started(options, &Metrics::new());
    becomes(&reloader, None);
    source.panics.store(true, Ordering::Relaxed);
    put(home.path(), "tg", "tg_");
    becomes(&reloader, Some(AilmentKind::Dead));
    assert!(reloader.reload_blocking(Trigger::Request, false).is_err());
}

/// A pipe that takes a file's place between the question for its status and its opening does not hold up the thread.
#[test]
fn a_pipe_in_the_place_of_a_file_is_not_waited_for() {
    let home = directory();
    let path = home.path().join("pipe");
    let made = std::process::Command::new("mkfifo").arg(&path).status().expect("mkfifo runs");
    assert!(made.success());
    let began = Instant::now();
    let error = OsDisk.read(&path, 1_000).expect_err("it is no file");
    assert!(error.to_string().contains("not a regular file"), "{error}");
    assert!(began.elapsed() < PATIENCE);
}

/// The thread that receives events has died: another one takes its place.
#[test]
fn events_are_received_again_after_their_thread_has_died() {
    let home = directory();
    let tells: Arc<Mutex<Vec<Tell>>> = Arc::default();
    let told = Arc::clone(&tells);
    let system = with_events(move |tell| {
        told.lock().expect("no panic").push(tell);
        Ok(Box::new(NullWatcher))
    });
    let (reloader, live) = started(options(home.path(), system), &Metrics::new());
    tells.lock().expect("no panic").clear();
    reloader.reload_blocking(Trigger::Request, false).expect("it runs");
    let began = Instant::now();
    while tells.lock().expect("no panic").is_empty() {
        assert!(began.elapsed() < PATIENCE, "nobody has asked for events anew");
        std::thread::sleep(Duration::from_millis(5));
    }
    put(home.path(), "tg", "tg_");
    let overflow = Event::new(EventKind::Other).set_flag(Flag::Rescan);
    // What has come to be watched is looked at once more by itself; either tells.
    tells.lock().expect("no panic")[0](Ok(overflow));
    becomes_claimed(&live, "@tg_x:example.com");
}

/// A source that never answers again keeps what it held, says so, and costs one thread; all others go on, and so does the end.
#[test]
fn a_source_that_does_not_answer_holds_up_no_other() {
    let (home, other) = (directory(), tempfile::tempdir().expect("a temporary directory"));
    let (source, mut options) = unsound(home.path(), Duration::from_secs(600));
    options.sources.push(Arc::new(Directory::new(other.path(), FileSystem::default())));
    options.answer_limit = Duration::from_millis(200);
    let (reloader, live) = started(options, &Metrics::new());
    source.hangs.store(true, Ordering::Relaxed);
    for round in 0..3 {
        put(other.path(), "tg", &format!("tg{round}_"));
        becomes_claimed(&live, &format!("@tg{round}_x:example.com"));
        let began = Instant::now();
        while live.load().missing().is_empty() {
            assert!(began.elapsed() < PATIENCE, "it is not missed");
            std::thread::sleep(Duration::from_millis(5));
        }
        assert!(claimed(&live.load(), "@irc_x:example.com") && !live.load().is_complete());
        let what = live.load().missing()[0].problem.what.clone();
        assert!(what.contains("not answered within 0.2 s"), "{what}");
    }
    becomes(&reloader, None);
    let report = reloader.reload_blocking(Trigger::Request, true).expect("it runs");
    assert!(
        claimed(&live.load(), "@irc_x:example.com"),
        "that is no absence, and cannot be confirmed as such: {report:?}"
    );
    let threads = fs::read_dir("/proc/self/task").expect("Linux").filter_map(|task| {
        let name = fs::read_to_string(task.ok()?.path().join("comm")).ok()?;
        (name.trim() == "source").then_some(())
    });
    assert!(threads.count() < 64, "no thread is lost for each look");
    // It answers again.
    put(home.path(), "x", "x_");
    source.hangs.store(false, Ordering::Relaxed);
    becomes_claimed(&live, "@x_x:example.com");
    source.hangs.store(true, Ordering::Relaxed);
    put(home.path(), "y", "y_");
    let began = Instant::now();
    reloader.shutdown();
    assert!(began.elapsed() < PATIENCE);
    source.hangs.store(false, Ordering::Relaxed);
}

/// The real disk, on which opening waits as it does on a file server, and a pipe that came a moment ago still looks like the file
/// that it replaced.
struct Waiting;

impl Disk for Waiting {
    fn list(&self, dir: &Path) -> io::Result<Vec<OsString>> {
        OsDisk.list(dir)
    }

    fn stat(&self, path: &Path) -> io::Result<Stat> {
        OsDisk.stat(path).map(|stat| Stat { is_file: !stat.is_directory(), ..stat })
    }

    fn is_there(&self, path: &Path) -> bool {
        OsDisk.is_there(path)
    }

    fn read(&self, path: &Path, _limit: u64) -> io::Result<(Vec<u8>, Stat)> {
        Ok((fs::read(path)?, self.stat(path)?))
    }

    fn read_link(&self, path: &Path) -> io::Result<PathBuf> {
        OsDisk.read_link(path)
    }

    fn resolve(&self, path: &Path) -> io::Result<PathBuf> {
        OsDisk.resolve(path)
    }
}

/// Nobody ever writes to the pipe: its file is stale, with the reason, and every other file is taken over as ever.
#[test]
fn a_file_that_cannot_be_opened_to_its_end_holds_up_no_other() {
    let home = directory();
    put(home.path(), "wa", "wa_");
    let system = FileSystem { disk: Arc::new(Waiting), ..FileSystem::default() };
    let mut options = options(home.path(), system);
    options.answer_limit = Duration::from_millis(200);
    // Whoever has opened the pipe may end later than what comes into its place is seen; what is not answered then is asked again.
    options.poll = Duration::from_millis(300);
    // It polls all the time, so it never becomes quiet.
    let reloader = Reloader::start(options, &Metrics::new()).expect("a thread");
    let live = reloader.live();
    becomes_claimed(&live, "@wa_x:example.com");
    let path = home.path().join("wa.yaml");
    // In one step, since nothing is held here of what is gone for a moment.
    let pipe = home.path().join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().expect("mkfifo runs").success());
    fs::rename(&pipe, &path).expect("moved");
    for round in 0..3 {
        put(home.path(), "tg", &format!("tg{round}_"));
        becomes_claimed(&live, &format!("@tg{round}_x:example.com"));
        reloader.reload_blocking(Trigger::Request, false).expect("it runs");
        let snapshot = live.load_full();
        let file = snapshot.files().iter().find(|file| file.file().ends_with("wa.yaml")).expect("it is there");
        assert_eq!(file.state(), FileState::Stale);
        assert!(file.faults()[0].message.contains("not answered within 0.2 s"), "{:?}", file.faults());
        assert!(claimed(&snapshot, "@wa_x:example.com"));
    }
    becomes(&reloader, None);
    // Somebody writes at last, and it is a file again.
    drop(fs::File::options().write(true).open(&path).expect("opened"));
    put(home.path(), "wa", "wa2_");
    becomes_claimed(&live, "@wa2_x:example.com");
}

/// A disk on which another volume can come into the place of the one that is there, as far as can be seen.
#[derive(Default)]
struct Mounts {
    is_another: AtomicBool,
}

impl Disk for Mounts {
    fn list(&self, dir: &Path) -> io::Result<Vec<OsString>> {
        OsDisk.list(dir)
    }

    fn stat(&self, path: &Path) -> io::Result<Stat> {
        let mut stat = OsDisk.stat(path)?;
        stat.identity.device += u64::from(self.is_another.load(Ordering::SeqCst));
        Ok(stat)
    }

    fn is_there(&self, path: &Path) -> bool {
        OsDisk.is_there(path)
    }

    fn read(&self, path: &Path, limit: u64) -> io::Result<(Vec<u8>, Stat)> {
        Ok((OsDisk.read(path, limit)?.0, self.stat(path)?))
    }

    fn read_link(&self, path: &Path) -> io::Result<PathBuf> {
        OsDisk.read_link(path)
    }

    fn resolve(&self, path: &Path) -> io::Result<PathBuf> {
        OsDisk.resolve(path)
    }
}

/// An unmount uncovers most of the files, from before the volume was made: what it does not uncover is not gone.
#[test]
fn what_another_volume_lacks_is_kept() {
    for remounted in [false, true] {
        let home = directory();
        for id in ["signal", "tg", "wa"] {
            put(home.path(), id, &format!("{id}_"));
        }
        let disk = Arc::new(Mounts::default());
        let system = FileSystem { disk: Arc::clone(&disk) as Arc<dyn Disk>, ..FileSystem::default() };
        let mut engine = Engine::new(options(home.path(), system), &Metrics::new());
        engine.reload(Trigger::Start, false);
        let live = engine.live();
        assert!(live.load().is_complete());
        disk.is_another.store(remounted, Ordering::SeqCst);
        fs::remove_file(home.path().join("irc.yaml")).expect("removed");
        for _ in 0..3 {
            engine.reload(Trigger::Poll, false);
            assert_eq!(claimed(&live.load(), "@irc_x:example.com"), remounted, "with nothing held");
        }
        put(home.path(), "irc", "irc_");
        engine.reload(Trigger::Poll, false);
        assert!(live.load().is_complete() && claimed(&live.load(), "@irc_x:example.com"));
    }
}

/// An unmount uncovers older versions of the files: what these lack is no edit, and there may be nobody to notice it in time.
#[test]
fn what_older_versions_of_another_volume_lack_is_kept() {
    for (remounted, allow_empty) in [(false, false), (true, false), (true, true)] {
        let home = directory();
        let disk = Arc::new(Mounts::default());
        let system = FileSystem { disk: Arc::clone(&disk) as Arc<dyn Disk>, ..FileSystem::default() };
        let mut options = options(home.path(), system);
        options.hold = NEVER;
        let mut engine = Engine::new(options, &Metrics::new());
        engine.reload(Trigger::Start, false);
        let live = engine.live();
        disk.is_another.store(remounted, Ordering::SeqCst);
        put(home.path(), "irc", "old_");
        engine.reload(Trigger::Poll, false);
        assert!(claimed(&live.load(), "@irc_x:example.com") && claimed(&live.load(), "@old_x:example.com"));
        engine.reload(Trigger::Request, allow_empty);
        let is_kept = remounted && !allow_empty;
        assert_eq!(claimed(&live.load(), "@irc_x:example.com"), is_kept, "{:?}", live.load().files());
        if !is_kept {
            assert!(live.load().is_complete());
            continue;
        }
        let fault = live.load().files()[0].faults()[0].message.clone();
        assert!(fault.contains("another file system has come into the place"), "{fault}");
        // It is back, and what was there meanwhile goes as in any edit.
        disk.is_another.store(false, Ordering::SeqCst);
        put(home.path(), "irc", "irc_");
        engine.reload(Trigger::Poll, false);
        assert!(claimed(&live.load(), "@irc_x:example.com") && claimed(&live.load(), "@old_x:example.com"));
        engine.reload(Trigger::Request, false);
        assert!(live.load().is_complete() && !claimed(&live.load(), "@old_x:example.com"));
    }
}

/// So it is with what an older version lacks that was called otherwise.
#[test]
fn what_older_versions_by_other_names_lack_is_kept() {
    for remounted in [false, true] {
        let home = directory();
        put(home.path(), "tg", "tg_");
        let disk = Arc::new(Mounts::default());
        let system = FileSystem { disk: Arc::clone(&disk) as Arc<dyn Disk>, ..FileSystem::default() };
        let mut options = options(home.path(), system);
        options.hold = NEVER;
        let mut engine = Engine::new(options, &Metrics::new());
        engine.reload(Trigger::Start, false);
        let live = engine.live();
        disk.is_another.store(remounted, Ordering::SeqCst);
        put(home.path(), "irc", "old_");
        fs::rename(home.path().join("irc.yaml"), home.path().join("before.yaml")).expect("renamed");
        engine.reload(Trigger::Poll, false);
        engine.reload(Trigger::Request, false);
        assert_eq!(claimed(&live.load(), "@irc_x:example.com"), remounted, "{:?}", live.load().files());
        engine.reload(Trigger::Request, true);
        assert!(live.load().is_complete() && !claimed(&live.load(), "@irc_x:example.com"));
    }
}
