//! Decisions on record: a line of JSON for each, for whoever must say afterwards why a name was refused.
//!
//! # Never in the way
//!
//! Whoever decides hands a line over and goes on; one thread writes. There is room for [`QUEUE`] lines, so a disk that stops
//! for a moment loses none. When there is no room left, or a line cannot be written, it is *dropped and counted*: what is on
//! record and what was counted as dropped are together all that there was to record. So a disk that is full or does not answer
//! costs records, and no answer waits for it.
//!
//! Lines are written many at a time, as they have come. Of what a full disk takes in part, the whole lines count as written;
//! before the next is written, what is left of a torn one is ended.
//!
//! # Rotation
//!
//! A file is opened again when it is told so ([`DecisionLog::reopen`], on SIGHUP): who rotates moves it away first. One that
//! cannot be opened again is written to as before, so that nothing is lost meanwhile.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use prometheus::IntCounter;

use super::Metrics;

/// So many lines wait to be written: 0.4 s of the 20,000 decisions a second that two cores answer, at some 500 bytes each
/// 4 MB.
const QUEUE: usize = 8_192;
/// So many bytes wait at most, four times that: an ID that thousands of services hold makes a line of a hundred kilobytes.
const QUEUE_BYTES: usize = 16 << 20;
/// So many bytes are written at once, some 130 lines: beyond that, larger writes are no faster.
const BATCH: usize = 64 << 10;
/// So long the end of the process waits for the last lines.
const FLUSH: Duration = Duration::from_secs(1);
/// How often the end looks whether there is room in the queue.
const ROOM: Duration = Duration::from_millis(10);
/// So long lines gather behind the first. Waking the thread that writes costs who decides 50 µs (p50 of a decision 89 µs with a log that
/// woke it for each line, 38 µs without one): so it is woken 50 times a second at most. 400 lines of the 8,192 come in meanwhile.
const GATHER: Duration = Duration::from_millis(20);
/// How often it is looked whether the file is to be opened again, while nothing is written.
const LOOK: Duration = Duration::from_millis(200);

/// Where decisions are recorded.
#[derive(Debug)]
pub struct DecisionLog {
    queue: SyncSender<Line>,
    /// The bytes of the lines that wait.
    waiting: Arc<AtomicUsize>,
    reopen: Arc<AtomicBool>,
    dropped: IntCounter,
}

#[derive(Debug)]
enum Line {
    Text(Vec<u8>),
    /// Tells that all before it is written.
    Flush(SyncSender<()>),
}

impl DecisionLog {
    /// Opens a file, or standard output for `-`, and starts the thread that writes to it.
    pub fn open(path: &Path, metrics: &Metrics) -> io::Result<Self> {
        if path == Path::new("-") {
            return Self::start(io::stdout(), None, metrics);
        }
        Self::start(open(path)?, Some(path.to_owned()), metrics)
    }

    fn start(place: impl Write + Send + 'static, path: Option<PathBuf>, metrics: &Metrics) -> io::Result<Self> {
        let dropped = metrics.counter(
            "bailiwick_decision_log_dropped_total",
            "Decisions that are not on record, since they could not be written or were not taken in time.",
        );
        let written = metrics.counter("bailiwick_decision_log_written_total", "Decisions on record.");
        let (queue, lines) = sync_channel(QUEUE);
        let reopen = Arc::new(AtomicBool::new(false));
        let waiting = Arc::new(AtomicUsize::new(0));
        let writer = DecisionWriter {
            place: Box::new(place),
            path,
            reopen: Arc::clone(&reopen),
            waiting: Arc::clone(&waiting),
            torn: false,
            written,
            dropped: dropped.clone(),
        };
        std::thread::Builder::new().name("decision-log".to_owned()).spawn(move || writer.run(&lines))?;
        Ok(Self { queue, waiting, reopen, dropped })
    }

    /// Records a line, or counts it as dropped. Never waits.
    pub fn record(&self, mut line: Vec<u8>) {
        line.push(b'\n');
        let bytes = line.len();
        let fits = self.waiting.fetch_add(bytes, Ordering::Relaxed) + bytes <= QUEUE_BYTES;
        if !fits || self.queue.try_send(Line::Text(line)).is_err() {
            self.waiting.fetch_sub(bytes, Ordering::Relaxed);
            self.dropped.inc();
        }
    }

    /// Opens the file again: it may have been moved away.
    pub fn reopen(&self) {
        self.reopen.store(true, Ordering::Relaxed);
    }

    /// Waits until what has been recorded is written, or not much longer.
    pub fn flush(&self) {
        let (done, written) = sync_channel(1);
        let until = Instant::now() + FLUSH;
        // Where the queue is full, there will be room as soon as the disk takes what waits.
        while self.queue.try_send(Line::Flush(done.clone())).is_err() {
            if Instant::now() >= until {
                return;
            }
            std::thread::sleep(ROOM);
        }
        let _ = written.recv_timeout(until.saturating_duration_since(Instant::now()));
    }
}

/// What people type is nobody else's business: a file that is made is its owner's alone. A named pipe is opened for both, since
/// else it would be waited for until somebody reads.
fn open(path: &Path) -> io::Result<File> {
    if path.metadata().is_ok_and(|known| known.file_type().is_fifo()) {
        return OpenOptions::new().read(true).write(true).open(path);
    }
    OpenOptions::new().append(true).create(true).mode(0o600).open(path)
}

struct DecisionWriter {
    place: Box<dyn Write + Send>,
    /// Where it is opened again; nowhere for standard output.
    path: Option<PathBuf>,
    reopen: Arc<AtomicBool>,
    waiting: Arc<AtomicUsize>,
    /// Whether the last line that was written has no end.
    torn: bool,
    written: IntCounter,
    dropped: IntCounter,
}

impl DecisionWriter {
    fn run(mut self, lines: &Receiver<Line>) {
        loop {
            let mut next = match lines.recv_timeout(LOOK) {
                Ok(line) => Some(line),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => return,
            };
            if matches!(next, Some(Line::Text(_))) {
                std::thread::sleep(GATHER);
            }
            loop {
                if self.reopen.swap(false, Ordering::Relaxed) {
                    self.open_again();
                }
                let Some(first) = next else { break };
                self.write_some(first, lines);
                next = lines.try_recv().ok();
            }
        }
    }

    /// Writes a line, and as many of those behind it as are written at once.
    fn write_some(&mut self, first: Line, lines: &Receiver<Line>) {
        let (mut batch, mut waiting) = (Vec::new(), Vec::new());
        for line in std::iter::once(first).chain(lines.try_iter()) {
            match line {
                Line::Text(text) => {
                    batch.extend_from_slice(&text);
                    self.waiting.fetch_sub(text.len(), Ordering::Relaxed);
                }
                Line::Flush(done) => waiting.push(done),
            }
            if batch.len() >= BATCH || !waiting.is_empty() {
                break;
            }
        }
        self.write(&batch);
        for done in waiting {
            // Who no longer waits need not be told.
            let _ = done.send(());
        }
    }

    fn open_again(&mut self) {
        let Some(path) = &self.path else { return };
        match open(path) {
            Ok(file) => {
                self.place = Box::new(file);
                self.torn = false;
            }
            Err(error) => {
                let path = path.display();
                tracing::error!(%path, %error, "the decision log cannot be opened again: it goes on where it was");
            }
        }
    }

    /// Writes lines, and counts what became of each.
    fn write(&mut self, batch: &[u8]) {
        if batch.is_empty() {
            return;
        }
        if self.torn {
            self.torn = put(&mut *self.place, b"\n") == 0;
        }
        // Behind a torn line nothing could be read.
        let taken = if self.torn { 0 } else { put(&mut *self.place, batch) };
        let lines = |bytes: &[u8]| bytes.split(|byte| *byte == b'\n').skip(1).count() as u64;
        let (whole, rest) = batch.split_at(taken);
        self.written.inc_by(lines(whole));
        self.dropped.inc_by(lines(rest));
        self.torn |= whole.last().is_some_and(|last| *last != b'\n');
    }
}

/// Writes as much as is taken, and says how much that is.
fn put(place: &mut dyn Write, bytes: &[u8]) -> usize {
    let mut taken = 0;
    while taken < bytes.len() {
        match place.write(&bytes[taken..]) {
            Ok(0) => break,
            Ok(count) => taken += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => break,
        }
    }
    // A terminal or a pipe may keep lines back; what fails here is lost with the process alone.
    let _ = place.flush();
    taken
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::sync::mpsc::{Sender, channel};
    use std::sync::{Mutex, PoisonError};

    use super::*;

    fn value(metrics: &Metrics, name: &str) -> u64 {
        let text = String::from_utf8(metrics.render()).expect("UTF-8");
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')).expect("a metric");
        line.parse().expect("a number")
    }

    fn counts(metrics: &Metrics) -> (u64, u64) {
        let of = |what| value(metrics, &format!("bailiwick_decision_log_{what}_total"));
        (of("written"), of("dropped"))
    }

    /// A disk with room for so many bytes, which says what it holds.
    #[derive(Clone, Default)]
    struct Disk {
        held: Arc<Mutex<Vec<u8>>>,
        room: Arc<Mutex<usize>>,
    }

    impl Disk {
        fn text(&self) -> String {
            String::from_utf8(self.held.lock().unwrap_or_else(PoisonError::into_inner).clone()).expect("UTF-8")
        }

        fn make_room(&self, bytes: usize) {
            *self.room.lock().unwrap_or_else(PoisonError::into_inner) = bytes;
        }
    }

    impl Write for Disk {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let mut room = self.room.lock().unwrap_or_else(PoisonError::into_inner);
            let taken = bytes.len().min(*room);
            if taken == 0 {
                return Err(io::Error::from(io::ErrorKind::StorageFull));
            }
            *room -= taken;
            self.held.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(&bytes[..taken]);
            Ok(taken)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_full_disk_costs_lines_and_each_is_counted() {
        let (disk, metrics) = (Disk::default(), Metrics::new());
        let log = DecisionLog::start(disk.clone(), None, &metrics).expect("a thread");
        // Room for one line and a half.
        disk.make_room(6);
        for line in ["one", "two"] {
            log.record(line.into());
            log.flush();
        }
        assert_eq!((counts(&metrics), disk.text()), ((1, 1), "one\ntw".to_owned()));
        log.record("not".into());
        log.flush();
        assert_eq!(counts(&metrics), (1, 2));
        disk.make_room(100);
        log.record("four".into());
        log.flush();
        assert_eq!((counts(&metrics), disk.text()), ((2, 2), "one\ntw\nfour\n".to_owned()));
    }

    /// A disk that takes nothing until it is let.
    struct Slow(Receiver<()>);

    impl Write for Slow {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            // It goes on by itself when nobody holds it any more.
            let _ = self.0.recv();
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_disk_that_does_not_answer_holds_up_nobody_and_nothing_is_lost_uncounted() {
        let metrics = Metrics::new();
        let (go, wait): (Sender<()>, _) = channel();
        let log = DecisionLog::start(Slow(wait), None, &metrics).expect("a thread");
        let all = 10 * QUEUE as u64;
        for number in 0..all {
            log.record(number.to_string().into_bytes());
        }
        let (written, dropped) = counts(&metrics);
        assert_eq!(written, 0);
        assert!(dropped >= all - QUEUE as u64 - BATCH as u64, "{dropped}");
        drop(go);
        // What fits into the queue now is behind all that was there.
        while !{
            let (done, seen) = sync_channel(1);
            log.queue.send(Line::Flush(done)).is_ok() && seen.recv().is_ok()
        } {}
        let (written, dropped) = counts(&metrics);
        assert_eq!(written + dropped, all);
    }

    #[test]
    fn long_lines_wait_up_to_a_number_of_bytes() {
        let metrics = Metrics::new();
        let (go, wait): (Sender<()>, _) = channel();
        let log = DecisionLog::start(Slow(wait), None, &metrics).expect("a thread");
        // One is with the disk, perhaps, and so many wait.
        let fit = QUEUE_BYTES / (1 << 20);
        for _ in 0..2 * fit {
            log.record(vec![b'x'; (1 << 20) - 1]);
        }
        let (_, dropped) = counts(&metrics);
        assert!((fit as u64 - 2..=fit as u64).contains(&dropped), "{dropped}");
        drop(go);
        log.flush();
    }

    #[test]
    fn a_file_is_its_owners_alone_and_opened_again_when_it_is_told() {
        use std::os::unix::fs::PermissionsExt;
        let home = tempfile::tempdir().expect("a temporary directory");
        let (path, moved) = (home.path().join("log"), home.path().join("log.1"));
        let metrics = Metrics::new();
        let log = DecisionLog::open(&path, &metrics).expect("opened");
        log.record("one".into());
        log.flush();
        fs::rename(&path, &moved).expect("moved");
        log.record("two".into());
        log.flush();
        log.reopen();
        log.record("three".into());
        log.flush();
        assert_eq!(fs::read_to_string(&moved).expect("read"), "one\ntwo\n");
        assert_eq!(fs::read_to_string(&path).expect("read"), "three\n");
        assert_eq!(fs::metadata(&path).expect("there").permissions().mode() & 0o777, 0o600);
        // Where there can be none, it goes on where it was.
        fs::remove_file(&path).expect("removed");
        fs::create_dir(&path).expect("made");
        log.reopen();
        log.record("four".into());
        log.flush();
        assert_eq!(counts(&metrics), (4, 0));
    }
}
