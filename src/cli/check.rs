use std::io::{IsTerminal, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use clap::{Args, ValueEnum};
use serde::Serialize;

use super::nothing::nothing_found;
use super::report::{self, Report};
use super::sources::Sources;
use super::{ERRORS, INTERNAL, OK, USAGE, WARNINGS, complain, load, tell};
use crate::analysis::{Analysis, Code, Comparer, Deadline, Finding, Severity};
use crate::snapshot::{FileRecord, FileState, Snapshot};
use crate::telemetry::VisibleJson;

/// What to check, and how to say what is wrong.
#[derive(Debug, Args)]
#[command(
    after_help = "Exit codes: 0 nothing to report, 1 errors, 3 warnings only, 64 usage (also when there is nothing to check), \
                        70 internal"
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
    #[arg(long, value_name = "CODE", env = "BAILIWICK_DENY", value_delimiter = ',')]
    deny: Vec<Code>,

    /// Leave findings of this code out; may be given several times.
    #[arg(long, value_name = "CODE", env = "BAILIWICK_ALLOW", value_delimiter = ',')]
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
    let snapshot = match check
        .sources
        .resolve(&mut |note| tell(&format!("note: {note}")))
        .and_then(|(name, sources)| load::load(name, sources))
    {
        Ok(snapshot) => snapshot,
        Err(error) => {
            complain(&error);
            return ExitCode::from(USAGE);
        }
    };
    if snapshot.files().is_empty() {
        complain(&anyhow::anyhow!(nothing_found(&check.sources.dirs, &check.sources.synapse_config)));
        return ExitCode::from(USAGE);
    }
    let comparer = match Comparer::new() {
        Ok(comparer) => comparer,
        Err(error) => {
            complain(&error.into());
            return ExitCode::from(INTERNAL);
        }
    };
    let findings = chosen(analyse(&comparer, &snapshot), check);
    let report = Report { snapshot: &snapshot, findings: &findings, all: check.all };
    let written = match check.format {
        Format::Human => report::human(&report),
        Format::Json => json(&report),
        Format::Sarif => report::sarif(&report),
    };
    if let Err(error) = written {
        complain(&error.into());
        return ExitCode::from(INTERNAL);
    }
    let worst = findings.iter().map(|finding| finding.severity).min();
    let faulty = snapshot.files().iter().any(|file| file.state() != FileState::Active);
    ExitCode::from(match worst {
        _ if faulty => ERRORS,
        Some(Severity::Error) => ERRORS,
        Some(Severity::Warning) => WARNINGS,
        _ => OK,
    })
}

/// The findings as the command line weighs them.
fn chosen(analysis: Analysis, check: &Check) -> Vec<Arc<Finding>> {
    let kept = analysis.findings.into_iter().filter(|finding| !check.allow.contains(&finding.code));
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
    snapshot: &'a str,
    complete: bool,
    files: Vec<File<'a>>,
    total: usize,
    findings: &'a [Arc<Finding>],
}

#[derive(Serialize)]
struct File<'a> {
    file: &'a str,
    state: FileState,
    errors: &'a [crate::registration::Fault],
}

impl<'a> File<'a> {
    fn of(record: &'a FileRecord) -> Self {
        Self { file: record.file(), state: record.state(), errors: record.faults() }
    }
}

fn json(report: &Report<'_>) -> std::io::Result<()> {
    let snapshot = report.snapshot;
    let files = snapshot.files().iter().map(|record| File::of(record)).collect();
    let document = Document {
        snapshot: snapshot.digest(),
        complete: snapshot.is_complete(),
        files,
        total: report.findings.len(),
        findings: report.findings,
    };
    writeln!(std::io::stdout().lock(), "{}", VisibleJson(serde_json::to_string_pretty(&document)?))
}
