//! Building, loading, changing, comparing.

use std::fs;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bailiwick::analysis::{Analysis, Code, Comparer, Deadline, Set, Wanted};
use bailiwick::index::{Index, Scratch};
use bailiwick::list::List;
use bailiwick::matrix::MatrixId;
use bailiwick::registration::{self, TokenHasher};
use bailiwick::reload::{Options, Reloader};
use bailiwick::ruling::Services;
use bailiwick::source::{Directory, FileSystem};
use bailiwick::telemetry::Metrics;

use crate::measure::{forget_peak, peak, resident, shown};
use crate::workload;

pub(crate) fn index(size: usize) {
    let hasher = TokenHasher::new();
    let before = resident();
    let regexes = workload::regexes(size);
    let registrations: List<_> = regexes
        .iter()
        .enumerate()
        .map(|(at, regex)| workload::load(at, std::slice::from_ref(regex), &hasher))
        .collect();
    drop(regexes);
    let one = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a pool");
    let began = Instant::now();
    let index = one.install(|| Index::build(&workload::homeserver(), &registrations));
    let single = began.elapsed();
    let size_of_index = index.size();
    // A service has one index.
    drop(index);
    let services = Services::new(workload::homeserver(), registrations.clone());
    let each = resident().saturating_sub(before) / size;
    println!(
        "| index of {size} namespaces, one core | {} | {} automata, {} bytes each |",
        shown(single),
        size_of_index.automata,
        size_of_index.bytes / size
    );
    println!("| memory for a registration at {size}, all told | {each} bytes | resident, registrations and index |");
    let mut changed = registrations;
    changed.set(size / 2, workload::load(size / 2, &["@changed_.*".to_owned()], &hasher));
    let began = Instant::now();
    let after = services.updated(changed);
    println!("| services with one of {size} changed | {} | |", shown(began.elapsed()));
    drop(after);
}

pub(crate) fn disk(size: usize) {
    let home = tempfile::tempdir().expect("a temporary directory");
    for (at, regex) in workload::regexes(size).into_iter().enumerate() {
        fs::write(home.path().join(format!("bridge-{at:06}.yaml")), workload::file(at, &[regex])).expect("written");
    }
    // What was written just now is read twice, in case that it is still being written.
    std::thread::sleep(Duration::from_secs(4));
    let hasher = TokenHasher::new();
    let loader = move |file: &Arc<str>, bytes: &[u8]| registration::load(file, bytes, &hasher);
    let options = Options::new(
        workload::homeserver(),
        vec![Arc::new(Directory::new(home.path(), FileSystem::default()))],
        Arc::new(loader),
    );
    let began = Instant::now();
    let reloader = Reloader::start(options, &Metrics::new()).expect("a thread");
    let live = reloader.live();
    while !live.load().is_ready() {
        std::thread::sleep(Duration::from_millis(1));
    }
    println!("| {size} files from disk to ready, all cores | {} | |", shown(began.elapsed()));
    std::thread::sleep(Duration::from_secs(4));
    let _ = reloader.reload_blocking(bailiwick::reload::Trigger::Request, false);
    let id = MatrixId::parse("@changed_x:example.com").expect("an ID");
    let (mut times, mut scratch) = (Vec::new(), Scratch::new());
    for round in 0..5 {
        let path = home.path().join(format!("bridge-{:06}.yaml", round * 7));
        fs::write(path, workload::file(round * 7, &["@changed_.*".to_owned()])).expect("written");
        let began = Instant::now();
        while live.load().services().claims(id, &mut scratch).len() <= round {
            std::thread::sleep(Duration::from_millis(1));
        }
        times.push(began.elapsed());
        if let Some(report) = reloader.last_report() {
            eprintln!("(the reload itself took {})", shown(report.took));
        }
        std::thread::sleep(Duration::from_millis(700));
    }
    times.sort_unstable();
    println!(
        "| one of {size} files written, until it is live | {} | median of 5, debounce included |",
        shown(times[2])
    );
    reloader.shutdown();
}

pub(crate) fn findings(size: usize, planted: usize) {
    let hasher = TokenHasher::new();
    let mut regexes: Vec<Vec<String>> = workload::regexes(size).into_iter().map(|regex| vec![regex]).collect();
    for at in 0..planted {
        regexes.push(vec![format!("@planted{at}_.*")]);
        regexes.push(vec![format!(r"@planted{at}_x.*:example\.com")]);
    }
    let registrations: List<_> =
        regexes.iter().enumerate().map(|(at, regexes)| workload::load(at, regexes, &hasher)).collect();
    drop(regexes);
    let services = Services::new(workload::homeserver(), registrations.clone());
    let comparer = Comparer::new().expect("threads");
    forget_peak();
    let loaded = resident();
    let began = Instant::now();
    let analysis = comparer.analyse(&Set::new(&services), &Analysis::default(), &Deadline::none());
    let took = began.elapsed();
    let (most, each) = (peak().saturating_sub(loaded), resident().saturating_sub(loaded) / registrations.len());
    println!(
        "| findings for {size} namespaces and {planted} planted collisions | {} | {} collisions found, {} findings in all |",
        shown(took),
        collisions(&analysis),
        analysis.findings.len()
    );
    println!(
        "| memory above the loaded set for them | {each} bytes a registration | {} MiB at most meanwhile |",
        most >> 20
    );
    newcomer(&comparer, &services, &analysis, &hasher);
    let mut changed = registrations;
    changed.set(size / 2, workload::load(size / 2, &["@planted7_.*".to_owned()], &hasher));
    let services = services.updated(changed);
    let began = Instant::now();
    let after = comparer.analyse(&Set::new(&services), &analysis, &Deadline::none());
    let took = began.elapsed();
    println!("| the same after one file has changed | {} | {} collisions found |", shown(took), collisions(&after));
    let began = Instant::now();
    let all = comparer.written(&after).len();
    println!("| all {all} findings written out | {} | all cores |", shown(began.elapsed()));
}

fn collisions(analysis: &Analysis) -> usize {
    let wanted = Wanted { severity: None, code: Some(Code::ExclusiveConflict) };
    analysis.findings.count(wanted)
}

/// What it takes to say what a registration would do to a set.
fn newcomer(comparer: &Comparer, services: &Services, known: &Analysis, hasher: &TokenHasher) {
    let size = services.registrations().len();
    let new = workload::load(size, &["@somebody-new_.*:example\\.com".to_owned()], hasher);
    let mut set = services.registrations().clone();
    set.push(new.clone());
    let ask = || {
        let began = Instant::now();
        comparer.ask(|asked| asked.newcomer(services, known, (&new, &set), 1, &Deadline::none()));
        began.elapsed()
    };
    let mut times: Vec<Duration> = (0..21).map(|_| ask()).collect();
    times.sort_unstable();
    println!("| what one more would do to {size} | {} | median of 21 |", shown(times[10]));
}
