//! `bailiwick test`: what is expected of a set of registrations, held against it.

mod expectation;
mod file;
mod report;
mod run;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, bail};
use clap::{Args, ValueEnum};

use super::load::{self, LeftOut};
use super::output::print;
use super::sources::{self, Sources, SynapseConfig, Whose};
use super::store_option::StoreOption;
use super::{ERRORS, OK, USAGE, complain, tell};
use crate::analysis::Comparer;
use crate::homeserver::{Dialect, Homeserver};
use crate::matrix::ServerName;
use crate::source::Provider;
use expectation::Test as One;
use file::TestFile;
use run::Outcome;

/// What to expect, of which registrations.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  bailiwick test expectations.yaml
  bailiwick test expectations.yaml --homeserver dendrite --format junit
  bailiwick test --dir . --server-name example.com --expect free=alice

Exit codes: 0 all is as expected, 1 something is not, or a registration cannot be loaded, 64 usage, 70 internal")]
pub(super) struct Test {
    /// Files of tests (YAML); how they are written: docs/testing.md.
    #[arg(value_name = "FILE", required_unless_present = "expect")]
    files: Vec<PathBuf>,

    /// Expect this of one ID: `free=alice`, `reserved=@irc_x:example.com`, `reserved:SERVICE=ID`, `shared=ID` or
    /// `contested=ID`; may be given several times.
    #[arg(long, value_name = "WHAT=ID")]
    expect: Vec<One>,

    /// A directory of registrations, or a single file, for tests whose file names none; may be given several times.
    #[arg(long = "dir", id = "dirs", value_name = "DIR", env = "BAILIWICK_DIRS")]
    dirs: Vec<PathBuf>,

    /// The homeserver's name, for tests whose file does not say it.
    #[arg(long, value_name = "NAME", env = "BAILIWICK_SERVER_NAME")]
    server_name: Option<ServerName>,

    #[command(flatten)]
    synapse: SynapseConfig,

    #[command(flatten)]
    whose: Whose,

    /// How the outcome is written.
    #[arg(long, value_name = "FORMAT", env = "BAILIWICK_FORMAT", value_enum, default_value_t)]
    format: Format,
}

/// How the outcome is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people.
    #[default]
    Human,
    /// One JSON document.
    Json,
    /// `JUnit`'s XML, for whatever shows tests.
    Junit,
}

/// What came of a file's tests, for one homeserver.
struct Suite {
    /// The file; none for what the command line expects.
    file: Option<PathBuf>,
    homeserver: Homeserver,
    /// Registrations that cannot be loaded.
    left_out: Vec<LeftOut>,
    outcomes: Vec<Outcome>,
    /// Entries that no test has to do with.
    untouched: Vec<run::Untouched>,
    entries: usize,
}

impl Suite {
    fn failures(&self) -> usize {
        let failed = self.outcomes.iter().filter(|outcome| !outcome.problems.is_empty()).count();
        failed + usize::from(!self.left_out.is_empty())
    }

    /// What the suite is called.
    fn name(&self) -> String {
        let file = self.file.as_deref().map_or_else(|| "--expect".into(), Path::to_string_lossy);
        format!("{file} ({})", self.homeserver.dialect.name())
    }
}

pub(super) fn run(test: &Test) -> ExitCode {
    let suites = match suites(test) {
        Ok(suites) => suites,
        Err(error) => {
            complain(&error);
            return ExitCode::from(USAGE);
        }
    };
    let failed = suites.iter().any(|suite| suite.failures() > 0);
    print(if failed { ERRORS } else { OK }, |out| match test.format {
        Format::Human => report::human(&suites, out),
        Format::Json => report::json(&suites, out),
        Format::Junit => report::junit(&suites, out),
    })
}

fn suites(test: &Test) -> anyhow::Result<Vec<Suite>> {
    let comparer = Comparer::new()?;
    let mut suites = Vec::new();
    for path in &test.files {
        let shown = path.display();
        let bytes = std::fs::read(path).with_context(|| format!("{shown} cannot be read"))?;
        let file = TestFile::read(&bytes).map_err(|fault| anyhow::anyhow!("{shown}:{fault}"))?;
        let homeservers =
            if file.homeservers.is_empty() { vec![test.whose.homeserver] } else { file.homeservers.clone() };
        for dialect in homeservers {
            let (homeserver, sources) = sources_of(test, path, &file, dialect)?;
            suites.push(suite(&comparer, Some(path.clone()), homeserver, sources, &file.tests)?);
        }
    }
    if !test.expect.is_empty() {
        let (homeserver, sources) = on_the_command_line(test, test.server_name.as_ref(), test.whose.homeserver)?;
        suites.push(suite(&comparer, None, homeserver, sources, &test.expect)?);
    }
    Ok(suites)
}

/// Whose registrations a file's tests are about, and where they are.
fn sources_of(
    test: &Test,
    path: &Path,
    file: &TestFile,
    dialect: Dialect,
) -> anyhow::Result<(Homeserver, Vec<Arc<dyn Provider>>)> {
    let name = file.server_name.as_ref().or(test.server_name.as_ref());
    if file.registrations.is_empty() {
        let named = || format!("{}: it names no `registrations`", path.display());
        return on_the_command_line(test, name, dialect).with_context(named);
    }
    let name = name.with_context(|| format!("{}: `server_name` is missing", path.display()))?;
    let directory = path.parent().unwrap_or(Path::new(""));
    let sources = file.registrations.iter().map(|source| sources::at(&directory.join(source), dialect));
    Ok((Homeserver::new(name.clone(), dialect), sources.collect::<anyhow::Result<_>>()?))
}

fn on_the_command_line(
    test: &Test,
    name: Option<&ServerName>,
    dialect: Dialect,
) -> anyhow::Result<(Homeserver, Vec<Arc<dyn Provider>>)> {
    if test.dirs.is_empty() && test.synapse.paths.is_empty() {
        bail!("there are no registrations: give --dir DIR or --synapse-config PATH");
    }
    let sources = Sources {
        dirs: test.dirs.clone(),
        server_name: name.cloned(),
        synapse: test.synapse.clone(),
        store: StoreOption::default(),
    };
    sources.resolve(dialect, &mut |note| tell(&format!("note: {note}")))
}

fn suite(
    comparer: &Comparer,
    file: Option<PathBuf>,
    homeserver: Homeserver,
    sources: Vec<Arc<dyn Provider>>,
    tests: &[One],
) -> anyhow::Result<Suite> {
    let snapshot = load::load(homeserver.clone(), sources)?;
    if snapshot.files().is_empty() {
        bail!("there is nothing to test: no registration was found");
    }
    let mut run = run::Run::new(snapshot.services(), comparer);
    let outcomes = tests.iter().map(|test| run.outcome(test)).collect();
    Ok(Suite {
        file,
        homeserver,
        left_out: load::left_out(&snapshot).collect(),
        outcomes,
        untouched: run.untouched(),
        entries: run.entries(),
    })
}
