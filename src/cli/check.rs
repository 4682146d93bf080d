mod fixed;

use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use clap::{Args, ValueEnum};

use super::allow_list::AllowList;
use super::completed::Completed;
use super::fix::{self, Edited, How};
use super::nothing::{nothing_found, tell_passed_over};
use super::output::{self, Printed, printed};
use super::report::{self, Allowed, Document, Report, Texts, Unchecked};
use super::sources::{Homeservers, Sources};
use super::synapse_config::{Note, Refused};
use super::watch::{self, Look};
use super::{ERRORS, INTERNAL, OK, USAGE, WARNINGS, complain, load, tell};
use super::{bridge_config, codes};
use crate::analysis::{Analysis, Code, Comparer, Deadline, Finding, Reading, Severity, together};
use crate::homeserver::{Dialect, Homeserver};
use crate::registration::{BridgeConfig, TokenHasher};
use crate::snapshot::{FileRecord, FileState, Snapshot};

/// What to check, and how to say what is wrong.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  bailiwick check /etc/matrix-synapse/appservices --server-name example.com
  bailiwick check --synapse-config /etc/matrix-synapse/homeserver.yaml --all
  bailiwick check new.yaml --synapse-config /etc/matrix-synapse/homeserver.yaml
  bridge -g -r /dev/stdout | bailiwick check - --server-name example.com
  bailiwick check registrations --server-name example.com --fix | less
  bailiwick check . --server-name example.com --watch
  bailiwick check registration.yaml --server-name example.com \\
    --bridge-config config.yaml

Exit codes: 0 nothing to report, 1 errors (also when no registration is found, or Synapse would not start \
                        with its configuration), 3 warnings only, 64 usage, 70 internal")]
pub(super) struct Check {
    #[command(flatten)]
    sources: Sources,

    #[command(flatten)]
    homeservers: Homeservers,

    /// A bridge's own configuration, held against its registration: tokens, names, bot, server, address. Of a mautrix bridge,
    /// matrix-appservice-irc, -slack or -discord, hookshot or heisenbridge, told by its shape; may be given several times.
    #[arg(long, value_name = "FILE", env = "BAILIWICK_BRIDGE_CONFIG", value_delimiter = ',')]
    bridge_config: Vec<PathBuf>,

    /// How the findings are written.
    #[arg(
        long,
        value_name = "FORMAT",
        env = "BAILIWICK_FORMAT",
        value_enum,
        default_value_t,
        help_heading = "Findings"
    )]
    format: Format,

    /// Show notes too, and what is allowed, which are otherwise only counted.
    #[arg(long, env = "BAILIWICK_ALL", help_heading = "Findings")]
    all: bool,

    /// Let findings of this code count as errors; may be given several times.
    #[arg(long, value_name = "CODE", env = "BAILIWICK_DENY", value_delimiter = ',', value_parser = Completed::new(codes::of_finding, codes::findings()), hide_possible_values = true, help_heading = "Findings")]
    deny: Vec<Code>,

    /// Allow all findings of this code: they are counted, and weigh nothing; may be given several times.
    #[arg(long, value_name = "CODE", env = "BAILIWICK_ALLOW", value_delimiter = ',', value_parser = Completed::new(codes::of_finding, codes::findings()), hide_possible_values = true, help_heading = "Findings")]
    allow: Vec<Code>,

    /// Allow the findings that a file (YAML) names, each with a reason: `- {code: open-end, files: [hookshot.yaml], because:
    /// …}`. How it is written: docs/ci.md.
    #[arg(long, value_name = "FILE", env = "BAILIWICK_ALLOW_LIST", help_heading = "Findings")]
    allow_list: Option<PathBuf>,

    /// Print the edits that end findings as a patch, in place of the findings; `--fix=write` writes them into the files and
    /// reports what is left. Only what is proved to be right is edited; with `--all` notes are mended, too.
    #[arg(
        long, value_name = "HOW", env = "BAILIWICK_FIX", value_enum, num_args = 0..=1, require_equals = true,
        default_missing_value = "diff", conflicts_with = "watch", help_heading = "Findings"
    )]
    fix: Option<How>,

    /// Check again whenever a file has changed, until Ctrl-C; the exit code is that of the last check. A terminal is emptied
    /// before each.
    #[arg(long, env = "BAILIWICK_WATCH", help_heading = "Findings")]
    watch: bool,
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
    /// A code quality report, for GitLab's merge requests.
    Gitlab,
}

pub(super) fn run(check: &Check, colour: bool) -> ExitCode {
    if let Some(how) = check.fix {
        return ExitCode::from(fixed::run(check, how, colour).code);
    }
    if !check.watch {
        return ExitCode::from(once(check, colour, &mut Look::default()).code);
    }
    let more = check.allow_list.iter().chain(&check.bridge_config).map(PathBuf::as_path);
    match check.sources.beside(more) {
        Ok(beside) => watch::run(&beside, check.format == Format::Human, |look| once(check, colour, look)),
        Err(error) => {
            complain(&error);
            ExitCode::from(USAGE)
        }
    }
}

/// What a check needs besides what it looks at.
struct Means {
    list: AllowList,
    comparer: Comparer,
}

impl Means {
    /// The means; or what was printed, where they are not to be had.
    fn of(check: &Check, colour: bool, look: &Look) -> Result<Self, Printed> {
        let list = check.allow_list.as_deref().map(AllowList::read).transpose();
        let list = list.map_err(|error| unchecked(check.format, &error, colour, look))?.unwrap_or_default();
        let comparer = Comparer::new().map_err(|error| {
            complain(&error.into());
            Printed { code: INTERNAL, whole: false }
        })?;
        Ok(Self { list, comparer })
    }
}

fn once(check: &Check, colour: bool, look: &mut Look) -> Printed {
    let texts = Texts::default();
    let Means { list, comparer } = match Means::of(check, colour, look) {
        Ok(means) => means,
        Err(printed) => return printed,
    };
    let mut notes = Vec::new();
    let loaded = load_all(check, &texts, &Arc::default(), look, &mut |note| notes.push(note));
    let (snapshots, bridges) = match loaded {
        Ok(loaded) => loaded,
        Err(error) => {
            tell_all(&notes);
            return unchecked(check.format, &error, colour, look);
        }
    };
    let mut found = Vec::new();
    for note in notes {
        match note.into_finding(&texts) {
            Ok(finding) => found.push(Arc::new(finding)),
            Err(note) => tell(&format!("note: {note}")),
        }
    }
    let of_bridges = |snapshot: &Snapshot| bridge_config::findings(&comparer, snapshot, &bridges, &texts);
    found.extend(waiting(&snapshots, || find(&comparer, &snapshots, &of_bridges)));
    if snapshots.iter().all(|snapshot| snapshot.files().is_empty()) {
        let why = nothing_found(&check.sources.dirs, &check.sources.synapse.paths);
        found.push(Arc::new(Finding::nothing_found(format!("there is nothing to check: {why}"))));
    } else {
        tell_passed_over(&snapshots, &check.sources.dirs);
    }
    tell_unused(&list, &snapshots, &found);
    let (allowed, found) = sorted_out(found, check, &list);
    let mut findings = weighed(found, check);
    if check.format != Format::Human {
        fix::with_edits(snapshots[0].services().homeserver(), &texts, &mut findings);
    }
    let faults = report::faults(&snapshots);
    let report = Report {
        snapshots: &snapshots,
        faults: &faults,
        findings: &findings,
        allowed: &allowed,
        texts: &texts,
        all: check.all,
        colour,
    };
    let code = code(&snapshots, &findings);
    look.judge(code);
    printed(code, |out| match check.format {
        Format::Human => report::human(&report, out),
        Format::Json => output::json(out, &Document::of(&report)),
        Format::Sarif => report::sarif(&report, out),
        Format::Gitlab => report::gitlab(&report, out),
    })
}

fn tell_all(notes: &[Note]) {
    for note in notes {
        tell(&format!("note: {note}"));
    }
}

/// What each homeserver makes of the same sources, and bridges' own configurations. The tokens of all of them can be held
/// against each other.
fn load_all(
    check: &Check,
    texts: &Texts,
    edited: &Arc<Edited>,
    look: &mut Look,
    note: &mut dyn FnMut(Note),
) -> anyhow::Result<(Vec<Arc<Snapshot>>, Vec<BridgeConfig>)> {
    let dialects = check.homeservers.several.dialects();
    let (homeserver, sources) = check.sources.resolve(dialects[0], note)?;
    let hasher = TokenHasher::new();
    let mut load = |&dialect: &Dialect| {
        let sources = check.sources.also_for(dialect, (dialects[0], &sources), note)?;
        look.watch(&sources);
        load::load_with_texts(&hasher, Homeserver::new(homeserver.name.clone(), dialect), sources, texts, edited)
    };
    let snapshots = dialects.iter().map(&mut load).collect::<anyhow::Result<_>>()?;
    let bridges = bridge_config::read(&check.bridge_config, &homeserver, &hasher, texts)?;
    Ok((snapshots, bridges))
}

/// What is found on each homeserver, and on what they do not agree.
fn find(
    comparer: &Comparer,
    snapshots: &[Arc<Snapshot>],
    of_bridges: &dyn Fn(&Snapshot) -> Vec<Arc<Finding>>,
) -> Vec<Arc<Finding>> {
    let analyse = |snapshot: &Arc<Snapshot>| comparer.analyse(&snapshot.set(), &Analysis::default(), &Deadline::none());
    let analyses: Vec<Analysis> = snapshots.iter().map(analyse).collect();
    let of_one = |(snapshot, analysis): (&Arc<Snapshot>, &Analysis)| {
        let mut findings = comparer.written(analysis);
        findings.extend(of_bridges(snapshot));
        findings
    };
    let mut each: Vec<Vec<Arc<Finding>>> = snapshots.iter().zip(&analyses).map(of_one).collect();
    if let [only] = snapshots
        && only.services().homeserver().dialect.other_reading().is_none()
    {
        return each.concat();
    }
    let readings: Vec<Reading<'_>> =
        snapshots.iter().zip(&analyses).map(|(one, analysis)| reading(one, analysis)).collect();
    // What is undefined is told once, with all that are asked.
    for found in &mut each {
        found.retain(|finding| finding.code != Code::Undefined);
    }
    let each: Vec<_> = readings.iter().zip(&each).map(|(one, found)| (one.homeserver.dialect, &**found)).collect();
    let mut found = comparer.portability(&readings, &Deadline::none());
    found.extend(together(&each));
    found
}

fn reading<'s>(snapshot: &'s Snapshot, analysis: &'s Analysis) -> Reading<'s> {
    let read = |file: &'s FileRecord| file.registration().ok_or_else(|| file.faults());
    let files = snapshot.files().iter().map(|file| (file.file(), read(file))).collect();
    let services = snapshot.services();
    Reading { homeserver: services.homeserver(), files, set: Some((services, analysis)) }
}

/// The gravest of what there is to say.
fn code(snapshots: &[Arc<Snapshot>], findings: &[Arc<Finding>]) -> u8 {
    let worst = findings.iter().map(|finding| finding.severity).min();
    let mut files = snapshots.iter().flat_map(|snapshot| snapshot.files());
    let faulty = files.any(|file| file.state() != FileState::Active);
    match worst {
        _ if faulty => ERRORS,
        Some(Severity::Error) => ERRORS,
        Some(Severity::Warning) => WARNINGS,
        _ => OK,
    }
}

/// Says in the format that was asked for that nothing could be checked: a program that reads the answer must not take
/// silence for a set without findings. What Synapse itself would refuse is an error that was found.
fn unchecked(format: Format, error: &anyhow::Error, colour: bool, look: &Look) -> Printed {
    let refused = error.downcast_ref::<Refused>();
    let file = refused.map(|refused| refused.file.display().to_string()).unwrap_or_default();
    let refused = refused.map(|refused| Unchecked { file: &file, faults: &refused.error.faults, text: &refused.text });
    if refused.is_none() || format != Format::Human {
        complain(error);
    }
    let problem = format!("{error:#}");
    let code = if refused.is_none() { USAGE } else { ERRORS };
    look.judge(code);
    printed(code, |out| match format {
        Format::Human => refused.iter().try_for_each(|refused| report::human_of_faults(refused, colour, out)),
        Format::Json => output::json(out, &Document::of_problem(&problem, refused.as_ref())),
        Format::Sarif => report::sarif_of_problem(&problem, refused.as_ref(), out),
        Format::Gitlab => report::gitlab_of_problem(&problem, refused.as_ref(), out),
    })
}

/// What of that is allowed, and the rest.
fn sorted_out(found: Vec<Arc<Finding>>, check: &Check, list: &AllowList) -> (Vec<Allowed>, Vec<Arc<Finding>>) {
    let (mut allowed, mut rest) = (Vec::new(), Vec::new());
    for finding in found {
        if check.allow.contains(&finding.code) {
            allowed.push(Allowed { finding, because: None });
        } else if let Some(entry) = list.entry_for(&finding) {
            allowed.push(Allowed { because: Some(entry.because.clone()), finding });
        } else {
            rest.push(finding);
        }
    }
    (allowed, rest)
}

/// Says which entries of the list allow nothing.
fn tell_unused(list: &AllowList, snapshots: &[Arc<Snapshot>], found: &[Arc<Finding>]) {
    let checked: Vec<&str> = snapshots.iter().flat_map(|snapshot| snapshot.files()).map(FileRecord::file).collect();
    let found: Vec<&Finding> = found.iter().map(|finding| &**finding).collect();
    for entry in list.missing(&checked).into_iter().chain(list.unused(&checked, &found)) {
        tell(&format!("note: {entry}"));
    }
}

/// The findings as the command line weighs them.
fn weighed(found: Vec<Arc<Finding>>, check: &Check) -> Vec<Arc<Finding>> {
    let mut findings: Vec<Arc<Finding>> = found
        .into_iter()
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

/// Does something; says on a terminal that it is at it, once that takes longer than a second.
fn waiting<T>(snapshots: &[Arc<Snapshot>], does: impl FnOnce() -> T) -> T {
    let (done, waiting) = channel::<()>();
    let count = snapshots.iter().map(|snapshot| snapshot.files().len()).max().unwrap_or(0);
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
    let found = does();
    drop(done);
    // It only writes; that it may have failed to is of no concern.
    let _ = indicator.join();
    found
}
