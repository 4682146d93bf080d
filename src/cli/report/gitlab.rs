use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::{FaultOf, Report, Unchecked, in_one_line, on};
use crate::analysis::{Finding, Severity};
use crate::cli::output::{self, Out};
use crate::registration::Fault;

/// Writes what GitLab shows in a merge request: its code quality report, which is a part of what Code Climate says.
/// Source: <https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format>.
pub(in crate::cli) fn gitlab(report: &Report<'_>, out: &mut Out) -> io::Result<()> {
    let mut issues = Issues::new();
    for FaultOf { file, fault, homeservers, .. } in report.faults {
        issues.fault(file, fault, homeservers);
    }
    for finding in report.findings.iter().filter(|finding| report.all || finding.severity != Severity::Note) {
        issues.finding(finding);
    }
    output::json(out, &issues.all)
}

/// The same where nothing could be checked, and why: an empty report would read as one of a check that found nothing.
pub(in crate::cli) fn gitlab_of_problem(
    problem: &str,
    unchecked: Option<&Unchecked<'_>>,
    out: &mut Out,
) -> io::Result<()> {
    let mut issues = Issues::new();
    match unchecked {
        Some(unchecked) => unchecked.faults.iter().for_each(|fault| issues.fault(unchecked.file, fault, &[])),
        None => issues.add(&["unchecked"], "unchecked", BLOCKER, problem, HERE, 1),
    }
    output::json(out, &issues.all)
}

/// With a file that cannot be loaded the homeserver would not start.
const BLOCKER: &str = "blocker";

/// Where something is that is in no file. GitLab wants a path.
const HERE: &str = ".";

struct Issues {
    all: Vec<Value>,
    /// Where the check runs.
    here: PathBuf,
    /// How often the same was said: of two issues with one fingerprint GitLab shows one.
    known: HashMap<String, usize>,
}

impl Issues {
    fn new() -> Self {
        Self { all: Vec::new(), here: std::env::current_dir().unwrap_or_default(), known: HashMap::new() }
    }

    fn fault(&mut self, file: &str, fault: &Fault, homeservers: &[&str]) {
        let code = fault.code.as_str();
        let told = format!("{}{}", fault.message, on(homeservers));
        self.add(&[code, file, &told], code, BLOCKER, &told, file, fault.line.unwrap_or(1));
    }

    fn finding(&mut self, finding: &Finding) {
        let severity = match finding.severity {
            Severity::Error => "critical",
            Severity::Warning => "major",
            Severity::Note => "info",
        };
        let code = finding.code.as_str();
        // What it is about, and not the line: that is another when something above it is edited.
        let mut about = vec![code];
        for place in &finding.places {
            about.extend([&*place.file, &place.as_id, place.regex.as_deref().unwrap_or_default()]);
        }
        about.extend_from_slice(&finding.homeservers);
        let (file, line) = finding.places.first().map_or((HERE, 1), |place| (&place.file, place.line));
        self.add(&about, code, severity, &in_one_line(finding), file, line);
    }

    fn add(&mut self, about: &[&str], code: &str, severity: &str, description: &str, file: &str, line: u32) {
        let about = about.join("\0");
        let before = self.known.entry(about.clone()).or_default();
        let fingerprint = blake3::hash(format!("{about}\0{before}").as_bytes()).to_hex();
        *before += 1;
        self.all.push(json!({
            "description": description,
            "check_name": code,
            "fingerprint": fingerprint.as_str(),
            "severity": severity,
            "location": {"path": within(&self.here, file), "lines": {"begin": line}},
        }));
    }
}

/// A path as it is called from where the check runs, which in a pipeline is the top of the repository.
fn within<'f>(here: &Path, file: &'f str) -> &'f str {
    let path = Path::new(file);
    let path = path.strip_prefix(here).or_else(|_| path.strip_prefix(".")).unwrap_or(path);
    path.to_str().filter(|path| !path.is_empty()).unwrap_or(file)
}
