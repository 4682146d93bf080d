use std::io::IsTerminal;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use clap::{Args, ValueEnum};
use serde::Serialize;

use super::codes;
use super::nothing::{nothing_found, passed_over_in};
use super::output::{self, print};
use super::report::{self, Report};
use super::sources::Sources;
use super::synapse_config::{Note, Refused};
use super::{ERRORS, INTERNAL, OK, USAGE, WARNINGS, complain, load, tell};
use crate::analysis::{Analysis, Code, Comparer, Deadline, Finding, Severity};
use crate::registration::Fault;
use crate::snapshot::{FileRecord, FileState, Snapshot};

/// What to check, and how to say what is wrong.
#[derive(Debug, Args)]
#[command(
    after_help = "Exit codes: 0 nothing to report, 1 errors (also when no registration is found, or Synapse would not start \
                        with its configuration), 3 warnings only, 64 usage, 70 internal"
)]
pub(super) struct Check {
    #[command(flatten)]
    sources: Sources,

    /// How the findings are written.
    #[arg(long, value_name = "FORMAT", env = "BAILIWICK_FORMAT", value_enum, default_value_t)]
    format: Format,

    /// Show notes too, which are otherwise only counted.
    #[arg(long, env = "BAILIWICK_ALL")]
    all: bool,

    /// Let findings of this code count as errors; may be given several times.
    #[arg(long, value_name = "CODE", env = "BAILIWICK_DENY", value_delimiter = ',', value_parser = codes::of_finding)]
    deny: Vec<Code>,

    /// Leave findings of this code out; may be given several times.
    #[arg(long, value_name = "CODE", env = "BAILIWICK_ALLOW", value_delimiter = ',', value_parser = codes::of_finding)]
    allow: Vec<Code>,
}

/// How findings are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people.
    #[default]
    Human,
    /// One JSON document.
    Json,
    /// SARIF 2.1.0, for code scanning.
    Sarif,
}

pub(super) fn run(check: &Check) -> ExitCode {
    let mut notes = Vec::new();
    let snapshot =
        match check.sources.resolve(&mut |note| notes.push(note)).and_then(|(name, sources)| load::load(name, sources))
        {
            Ok(snapshot) => snapshot,
            Err(error) => {
                notes.iter().for_each(|note| tell(&format!("note: {note}")));
                return unchecked(check.format, &error);
            }
        };
    let (findings, notes): (Vec<Note>, Vec<Note>) = notes.into_iter().partition(|note| note.finding.is_some());
    notes.iter().for_each(|note| tell(&format!("note: {note}")));
    let comparer = match Comparer::new() {
        Ok(comparer) => comparer,
        Err(error) => {
            complain(&error.into());
            return ExitCode::from(INTERNAL);
        }
    };
    let mut found: Vec<_> = findings.into_iter().filter_map(|note| note.finding.map(Arc::new)).collect();
    found.extend(analyse(&comparer, &snapshot).findings);
    if snapshot.files().is_empty() {
        let message = nothing_found(&check.sources.dirs, &check.sources.synapse.paths);
        found.push(Arc::new(Finding::nothing_found(message)));
    } else {
        for (dir, what) in passed_over_in(&check.sources.dirs) {
            tell(&format!("note: {}: {what}", dir.display()));
        }
    }
    let findings = chosen(found, check);
    let report = Report { snapshot: &snapshot, findings: &findings, all: check.all };
    print(code(&report), |out| match check.format {
        Format::Human => report::human(&report, out),
        Format::Json => output::json(out, &Document::of(&report)),
        Format::Sarif => report::sarif(&report, out),
    })
}

/// The gravest of what there is to say.
fn code(report: &Report<'_>) -> u8 {
    let worst = report.findings.iter().map(|finding| finding.severity).min();
    let faulty = report.snapshot.files().iter().any(|file| file.state() != FileState::Active);
    match worst {
        _ if faulty => ERRORS,
        Some(Severity::Error) => ERRORS,
        Some(Severity::Warning) => WARNINGS,
        _ => OK,
    }
}

/// Says in the format that was asked for that nothing could be checked: a program that reads the answer must not take
/// silence for a set without findings. What Synapse itself would refuse is an error that was found.
fn unchecked(format: Format, error: &anyhow::Error) -> ExitCode {
    let refused = error.downcast_ref::<Refused>();
    let name = refused.map(|refused| refused.file.display().to_string()).unwrap_or_default();
    let files: Vec<(&str, &[Fault])> = refused.iter().map(|refused| (&*name, &*refused.error.faults)).collect();
    if files.is_empty() || format != Format::Human {
        complain(error);
    }
    let problem = format!("{error:#}");
    print(if files.is_empty() { USAGE } else { ERRORS }, |out| match format {
        Format::Human => files.iter().try_for_each(|(file, faults)| report::human_of_faults(file, faults, out)),
        Format::Json => output::json(out, &Document::of_problem(&problem, &files)),
        Format::Sarif => report::sarif_of_problem(&problem, &files, out),
    })
}

/// The findings as the command line weighs them.
fn chosen(found: Vec<Arc<Finding>>, check: &Check) -> Vec<Arc<Finding>> {
    let kept = found.into_iter().filter(|finding| !check.allow.contains(&finding.code));
    let mut findings: Vec<Arc<Finding>> = kept
        .map(|finding| {
            if check.deny.contains(&finding.code) {
                Arc::new(Finding { severity: Severity::Error, ..(*finding).clone() })
            } else {
                finding
            }
        })
        .collect();
    findings.sort_by_key(|finding| finding.severity);
    findings
}

/// Analyses; says on a terminal that it is at it, once that takes longer than a second.
fn analyse(comparer: &Comparer, snapshot: &Snapshot) -> Analysis {
    let (done, waiting) = channel::<()>();
    let count = snapshot.services().registrations().len();
    let shown = std::io::stderr().is_terminal();
    let indicator = std::thread::spawn(move || {
        let mut seconds = 0;
        while shown && waiting.recv_timeout(Duration::from_secs(1)) == Err(RecvTimeoutError::Timeout) {
            seconds += 1;
            eprint!("\rcomparing {count} registrations … {seconds} s");
        }
        if seconds > 0 {
            eprint!("\r\x1b[K");
        }
    });
    let analysis = comparer.analyse(&snapshot.set(), &Analysis::default(), &Deadline::none());
    drop(done);
    // It only writes; that it may have failed to is of no concern.
    let _ = indicator.join();
    analysis
}

#[derive(Serialize)]
struct Document<'a> {
    /// The digest of what was checked; null if nothing could be.
    snapshot: Option<&'a str>,
    complete: bool,
    /// Why nothing could be checked; null as a rule.
    problem: Option<&'a str>,
    files: Vec<File<'a>>,
    total: usize,
    findings: &'a [Arc<Finding>],
}

#[derive(Serialize)]
struct File<'a> {
    file: &'a str,
    state: FileState,
    errors: &'a [Fault],
}

impl<'a> File<'a> {
    fn of(record: &'a FileRecord) -> Self {
        Self { file: record.file(), state: record.state(), errors: record.faults() }
    }
}

impl<'a> Document<'a> {
    fn of(report: &Report<'a>) -> Self {
        let snapshot = report.snapshot;
        Self {
            snapshot: Some(snapshot.digest()),
            complete: snapshot.is_complete(),
            problem: None,
            files: snapshot.files().iter().map(|record| File::of(record)).collect(),
            total: report.findings.len(),
            findings: report.findings,
        }
    }

    fn of_problem(problem: &'a str, files: &[(&'a str, &'a [Fault])]) -> Self {
        let file = |&(file, errors)| File { file, state: FileState::Quarantined, errors };
        let files = files.iter().map(file).collect();
        Self { snapshot: None, complete: false, problem: Some(problem), files, total: 0, findings: &[] }
    }
}
