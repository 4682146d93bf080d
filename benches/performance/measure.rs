use std::hint::black_box;
use std::time::{Duration, Instant};

/// The median time of one of many, from many short runs: what a noisy neighbour does to some runs does not show.
pub(crate) fn median_each<T>(items: &[T], mut ask: impl FnMut(&T)) -> Duration {
    const RUN: usize = 200;
    let budget = Instant::now();
    items.iter().for_each(&mut ask);
    let mut times = Vec::new();
    while times.len() < 20 || (budget.elapsed() < Duration::from_secs(3) && times.len() < 2_000) {
        for run in items.chunks(RUN) {
            let began = Instant::now();
            for item in run {
                ask(black_box(item));
            }
            times.push(began.elapsed() / u32::try_from(run.len()).expect("few"));
        }
        if budget.elapsed() > Duration::from_secs(20) {
            break;
        }
    }
    times.sort_unstable();
    times[times.len() / 2]
}

/// Bytes of memory in use.
pub(crate) fn resident() -> usize {
    status("VmRSS:")
}

/// The most bytes that were in use since the peak was forgotten.
pub(crate) fn peak() -> usize {
    status("VmHWM:")
}

/// Forgets how much was in use.
pub(crate) fn forget_peak() {
    std::fs::write("/proc/self/clear_refs", "5").expect("a process may forget its peak");
}

fn status(what: &str) -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with(what)).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|kib| kib.parse::<usize>().ok()).unwrap_or(0) * 1024
}

pub(crate) fn shown(time: Duration) -> String {
    let nanoseconds = time.as_nanos();
    match nanoseconds {
        0..1_000 => format!("{nanoseconds} ns"),
        1_000..1_000_000 => format!("{:.2} µs", time.as_secs_f64() * 1e6),
        1_000_000..1_000_000_000 => format!("{:.1} ms", time.as_secs_f64() * 1e3),
        _ => format!("{:.2} s", time.as_secs_f64()),
    }
}
