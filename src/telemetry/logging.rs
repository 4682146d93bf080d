//! Log lines, and how they leave the process.
//!
//! # A line that cannot be written costs that line
//!
//! The reader of a pipe may end, a disk may fill, a terminal may be stopped: none of that may hold up or end a thread
//! that guards names. So no thread but one ever writes: lines go over a bounded queue to a thread of their own, which
//! writes them and takes a failure for what it is, a lost line. When the queue is full, whoever logs waits for room, but
//! not longer than [`WAIT`], and nobody waits at all from then on until a line gets through again. Lost lines are
//! counted.
//!
//! # Nothing of a file acts in a log
//!
//! Names and messages hold what registrations hold, which may be a line feed and a line of somebody's own. All fields
//! of a line are shown by [`Visible`]; lines in JSON by [`VisibleJson`].

use std::fmt;
use std::io::{self, Write};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use prometheus::IntCounter;
use tracing_subscriber::field::RecordFields;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::format::{DefaultFields, FormatFields, Writer};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

use super::{Visible, VisibleJson, malformed};

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum LogFormat {
    /// For people.
    #[default]
    Human,
    /// One JSON object a line.
    Json,
}

/// So many lines wait to be written: more than ten reloads write, each of which names 100 files at most.
const QUEUE: usize = 1_024;
/// So long a line waits for room in the queue. Long enough for a disk that is busy, too short for anybody to notice.
const WAIT: Duration = Duration::from_millis(100);
/// So long the end of the process waits for the last lines.
const FLUSH: Duration = Duration::from_secs(1);

/// Lines that were lost.
pub(super) static LOST: LazyLock<IntCounter> = LazyLock::new(|| {
    let help = "Log lines that could not be written, or were not taken in time.";
    IntCounter::new("bailiwick_log_lines_lost_total", help).expect("the name of a metric is valid")
});

/// Where lines go in this process.
static LINES: OnceLock<Lines> = OnceLock::new();

/// Sends log lines of a level and above to standard error. `level` is a filter as tracing understands it (`info`,
/// `bailiwick=debug,actix_server=warn`), those for people in colours if it is so wished.
pub fn init(format: LogFormat, level: &str, colour: bool) -> Result<(), LoggingError> {
    let filter = EnvFilter::try_new(level).map_err(|error| LoggingError(error.to_string()))?;
    let lines = Lines::to(io::stderr(), format == LogFormat::Json).map_err(|error| LoggingError(error.to_string()))?;
    // What would be said about a line that is lost would be lost too.
    let layer = tracing_subscriber::fmt::layer().log_internal_errors(false).with_writer(lines.clone());
    let layer = match format {
        LogFormat::Human => layer.with_ansi(colour).fmt_fields(VisibleFields).boxed(),
        LogFormat::Json => layer.json().flatten_event(true).boxed(),
    };
    let done = tracing_subscriber::registry()
        .with(layer.with_filter(malformed::left_out_of(filter)))
        .with(malformed::Counter.with_filter(malformed::Counter::filter()))
        .try_init();
    let _ = LINES.set(lines);
    done.map_err(|error| LoggingError(error.to_string()))
}

/// Whether lines go anywhere.
pub(super) fn is_on() -> bool {
    LINES.get().is_some()
}

/// Waits until what has been logged is written, or not much longer. To be called before the process ends.
pub fn flush() {
    if let Some(lines) = LINES.get() {
        lines.flush(FLUSH);
    }
}

/// Logging cannot be set up.
#[derive(Debug, thiserror::Error)]
#[error("failed to set up logging: {0}")]
pub struct LoggingError(String);

/// The fields of a line, shown so that none of them acts. The default form, but for the colour of names.
#[derive(Debug)]
struct VisibleFields;

impl<'w> FormatFields<'w> for VisibleFields {
    fn format_fields<R: RecordFields>(&self, mut writer: Writer<'w>, fields: R) -> fmt::Result {
        let mut text = String::new();
        DefaultFields::new().format_fields(Writer::new(&mut text), fields)?;
        write!(writer, "{}", Visible(text))
    }
}

/// The way to the thread that writes.
#[derive(Clone, Debug)]
struct Lines {
    queue: SyncSender<Line>,
    /// Set when a line was not taken in time, until one is written.
    stuck: Arc<AtomicBool>,
    json: bool,
}

#[derive(Debug)]
enum Line {
    Text(Vec<u8>),
    /// Tells that all before it is written.
    Flush(SyncSender<()>),
}

impl Lines {
    /// Starts a thread that writes to a place.
    fn to(place: impl Write + Send + 'static, json: bool) -> io::Result<Self> {
        let (queue, lines) = sync_channel(QUEUE);
        let stuck = Arc::new(AtomicBool::new(false));
        let shared = Arc::clone(&stuck);
        std::thread::Builder::new().name("log".to_owned()).spawn(move || write_all(place, &lines, &shared))?;
        Ok(Self { queue, stuck, json })
    }

    fn put(&self, line: Vec<u8>) {
        let mut line = Line::Text(line);
        let began = Instant::now();
        loop {
            line = match self.queue.try_send(line) {
                Ok(()) => return,
                Err(TrySendError::Full(line)) => line,
                // The thread never ends while there is a way to it.
                Err(TrySendError::Disconnected(_)) => break,
            };
            if self.stuck.load(Ordering::Relaxed) {
                break;
            }
            if began.elapsed() >= WAIT {
                self.stuck.store(true, Ordering::Relaxed);
                break;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        LOST.inc();
    }

    fn flush(&self, time: Duration) {
        let (done, written) = sync_channel(1);
        if self.queue.try_send(Line::Flush(done)).is_ok() {
            // Whoever does not take lines now will not take them later either.
            let _ = written.recv_timeout(time);
        }
    }
}

fn write_all(mut place: impl Write, lines: &Receiver<Line>, stuck: &AtomicBool) {
    for line in lines {
        match line {
            Line::Text(text) => {
                if place.write_all(&text).is_err() {
                    LOST.inc();
                }
                stuck.store(false, Ordering::Relaxed);
            }
            // Who no longer waits need not be told.
            Line::Flush(done) => drop(done.send(())),
        }
    }
}

impl<'w> MakeWriter<'w> for Lines {
    type Writer = LineWriter<'w>;

    fn make_writer(&'w self) -> Self::Writer {
        LineWriter(self)
    }
}

/// Takes one line, which is written at once.
struct LineWriter<'w>(&'w Lines);

impl Write for LineWriter<'_> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let shown = if self.0.json {
            VisibleJson(String::from_utf8_lossy(line)).to_string().into_bytes()
        } else {
            line.to_vec()
        };
        self.0.put(shown);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::Sender;

    use super::*;

    /// Writes only when it is told to.
    struct Paused {
        go_on: Receiver<()>,
        written: Sender<Vec<u8>>,
    }

    impl Write for Paused {
        fn write(&mut self, line: &[u8]) -> io::Result<usize> {
            self.go_on.recv().map_err(io::Error::other)?;
            self.written.send(line.to_vec()).map_err(io::Error::other)?;
            Ok(line.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn who_logs_is_not_held_up_by_who_does_not_read() {
        let (go_on, told) = std::sync::mpsc::channel();
        let (written, lines_written) = std::sync::mpsc::channel();
        let lines = Lines::to(Paused { go_on: told, written }, false).expect("a thread");
        let lost_before = LOST.get();
        // One is being written, the queue is full, and all others are lost, at the price of one wait.
        for at in 0..QUEUE + 1_000 {
            lines.put(format!("{at}\n").into_bytes());
        }
        assert!(lines.stuck.load(Ordering::Relaxed));
        assert!(LOST.get() >= lost_before + 990);
        lines.flush(Duration::from_millis(1));
        // The reader is back: what waited is written, and lines are taken again.
        for _ in 0..QUEUE {
            go_on.send(()).expect("the thread is there");
            lines_written.recv_timeout(Duration::from_secs(60)).expect("a line");
        }
        (0..10).for_each(|_| go_on.send(()).expect("the thread is there"));
        lines.put(b"again\n".to_vec());
        lines.flush(Duration::from_secs(60));
        assert!(!lines.stuck.load(Ordering::Relaxed));
        assert!(lines_written.try_iter().any(|line| line == b"again\n"));
    }

    #[test]
    fn a_line_that_cannot_be_written_is_lost_and_no_other() {
        struct Full;
        impl Write for Full {
            fn write(&mut self, _line: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::StorageFull.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let lines = Lines::to(Full, false).expect("a thread");
        let lost_before = LOST.get();
        (0..3).for_each(|_| lines.put(b"line\n".to_vec()));
        lines.flush(Duration::from_secs(60));
        assert!(LOST.get() >= lost_before + 3);
        assert!(!lines.stuck.load(Ordering::Relaxed));
    }
}
