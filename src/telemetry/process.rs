use std::fs;
use std::time::SystemTime;

use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{Counter, IntGauge};

/// Memory, processor time and open files of this process, read from `/proc` at each scrape.
///
/// The names are those that Prometheus' own clients use. (The crate's `process` feature needs a second reader of
/// `/proc` for the same six numbers.)
#[derive(Clone, Debug)]
pub(super) struct Process {
    cpu: Counter,
    resident: IntGauge,
    virtual_memory: IntGauge,
    open_files: IntGauge,
    max_files: IntGauge,
    threads: IntGauge,
    started: IntGauge,
}

impl Process {
    pub(super) fn new() -> prometheus::Result<Self> {
        Ok(Self {
            cpu: Counter::new("process_cpu_seconds_total", "User and system CPU time spent, in seconds.")?,
            resident: IntGauge::new("process_resident_memory_bytes", "Resident memory, in bytes.")?,
            virtual_memory: IntGauge::new("process_virtual_memory_bytes", "Virtual memory, in bytes.")?,
            open_files: IntGauge::new("process_open_fds", "Open file descriptors.")?,
            max_files: IntGauge::new("process_max_fds", "Most file descriptors that may be open.")?,
            threads: IntGauge::new("process_threads", "Threads.")?,
            started: started()?,
        })
    }

    fn gauges(&self) -> [&IntGauge; 6] {
        [&self.resident, &self.virtual_memory, &self.open_files, &self.max_files, &self.threads, &self.started]
    }

    fn read(&self) {
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let field = |name: &str| {
            let rest = status.lines().find_map(|line| line.strip_prefix(name))?;
            rest.split_whitespace().next()?.parse::<i64>().ok()
        };
        self.resident.set(field("VmRSS:").unwrap_or(0) * 1024);
        self.virtual_memory.set(field("VmSize:").unwrap_or(0) * 1024);
        self.threads.set(field("Threads:").unwrap_or(0));
        let open = fs::read_dir("/proc/self/fd").map_or(0, Iterator::count);
        self.open_files.set(i64::try_from(open).unwrap_or(i64::MAX));
        self.max_files.set(max_files().unwrap_or(0));
        // Two scrapes at once may each see the other's addition: a counter must not be told to go back.
        self.cpu.inc_by((cpu_seconds().unwrap_or(0.0) - self.cpu.get()).max(0.0));
    }
}

/// Metrics are made when the process starts.
fn started() -> prometheus::Result<IntGauge> {
    let started = IntGauge::new("process_start_time_seconds", "When the process started, in seconds since 1970.")?;
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    started.set(i64::try_from(now.as_secs()).unwrap_or(i64::MAX));
    Ok(started)
}

/// Memory in use, in bytes.
#[must_use]
pub fn resident_bytes() -> Option<i64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let rest = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    rest.split_whitespace().next()?.parse::<i64>().ok().map(|kib| kib * 1024)
}

/// The soft limit, the first figure of its line.
fn max_files() -> Option<i64> {
    let limits = fs::read_to_string("/proc/self/limits").ok()?;
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}

/// Fields 14 and 15 of `/proc/self/stat`, counted after the parenthesized name, in hundredths of a second: Linux fixes
/// the unit at 100 for user space.
fn cpu_seconds() -> Option<f64> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    let fields: Vec<_> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = |at: usize| fields.get(at).and_then(|field| field.parse::<u32>().ok());
    Some(f64::from(ticks(11)? + ticks(12)?) / 100.0)
}

impl Collector for Process {
    fn desc(&self) -> Vec<&Desc> {
        self.gauges().into_iter().flat_map(Collector::desc).chain(self.cpu.desc()).collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        self.read();
        let mut families: Vec<_> = self.gauges().into_iter().flat_map(Collector::collect).collect();
        families.extend(self.cpu.collect());
        families
    }
}
