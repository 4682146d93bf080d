use std::io::{self, Write};

use serde::Serialize;

use super::Suite;
use super::run::{Outcome, Untouched};
use crate::cli::load::LeftOut;
use crate::cli::output::{self, Out};
use crate::telemetry::Visible;

/// So many entries that no test has to do with are listed for people; the others are counted.
const LISTED: usize = 10;

pub(super) fn human(suites: &[Suite], out: &mut Out) -> io::Result<()> {
    let (mut tests, mut failures) = (0, 0);
    for suite in suites {
        let name = suite.name();
        for file in &suite.left_out {
            writeln!(out, "FAILED {}: {file}", Visible(&name))?;
        }
        for outcome in suite.outcomes.iter().filter(|outcome| !outcome.problems.is_empty()) {
            let line = outcome.line.map_or(String::new(), |line| format!(":{line}"));
            writeln!(out, "FAILED {}{line}: {}", Visible(&name), Visible(&outcome.name))?;
            for problem in &outcome.problems {
                writeln!(out, "    {}", Visible(problem))?;
            }
        }
        let untouched = &suite.untouched;
        if !untouched.is_empty() {
            let (count, of) = (untouched.len(), suite.entries);
            writeln!(out, "{}: {count} of {of} entries are touched by no test", Visible(&name))?;
            for Untouched { as_id, regex, file, line } in untouched.iter().take(LISTED) {
                writeln!(out, "    {}:{line}: `{}` of `{}`", Visible(file), Visible(regex), Visible(as_id))?;
            }
            if count > LISTED {
                writeln!(out, "    and {} more", count - LISTED)?;
            }
        }
        tests += suite.outcomes.len();
        failures += suite.failures();
    }
    let noun = if tests == 1 { "test" } else { "tests" };
    writeln!(out, "{tests} {noun}, {failures} failed")
}

#[derive(Serialize)]
struct Document<'s> {
    tests: usize,
    failed: usize,
    suites: Vec<OneSuite<'s>>,
}

#[derive(Serialize)]
struct OneSuite<'s> {
    /// Null for what the command line expects.
    file: Option<String>,
    homeserver: &'static str,
    server_name: &'s str,
    /// Registrations that cannot be loaded.
    left_out: &'s [LeftOut],
    tests: &'s [Outcome],
    entries: usize,
    untouched: &'s [Untouched],
}

pub(super) fn json(suites: &[Suite], out: &mut Out) -> io::Result<()> {
    fn one(suite: &Suite) -> OneSuite<'_> {
        let Suite { file, homeserver, left_out, outcomes, untouched, entries } = suite;
        OneSuite {
            file: file.as_ref().map(|file| file.display().to_string()),
            homeserver: homeserver.dialect.name(),
            server_name: homeserver.name.as_str(),
            left_out,
            tests: outcomes,
            entries: *entries,
            untouched,
        }
    }
    let tests = suites.iter().map(|suite| suite.outcomes.len()).sum();
    let failed = suites.iter().map(Suite::failures).sum();
    output::json(out, &Document { tests, failed, suites: suites.iter().map(one).collect() })
}

/// The form that continuous integration reads: a suite for each file and homeserver, a case for each test. What cannot be
/// loaded is a case of its own.
pub(super) fn junit(suites: &[Suite], out: &mut Out) -> io::Result<()> {
    writeln!(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>")?;
    for suite in suites {
        let name = suite.name();
        let count = suite.outcomes.len() + usize::from(!suite.left_out.is_empty());
        let failures = suite.failures();
        writeln!(out, "  <testsuite name=\"{}\" tests=\"{count}\" failures=\"{failures}\">", Escaped(&name))?;
        if !suite.left_out.is_empty() {
            let problems: Vec<String> = suite.left_out.iter().map(LeftOut::to_string).collect();
            case(out, &name, "registrations", &problems)?;
        }
        for outcome in &suite.outcomes {
            let line = outcome.line.map_or(String::new(), |line| format!(" (line {line})"));
            case(out, &name, &format!("{}{line}", outcome.name), &outcome.problems)?;
        }
        writeln!(out, "  </testsuite>")?;
    }
    writeln!(out, "</testsuites>")
}

fn case(out: &mut Out, suite: &str, name: &str, problems: &[String]) -> io::Result<()> {
    let (suite, name) = (Escaped(suite), Escaped(name));
    let Some(first) = problems.first() else {
        return writeln!(out, "    <testcase classname=\"{suite}\" name=\"{name}\"/>");
    };
    let all: Vec<String> = problems.iter().map(|problem| Escaped(problem).to_string()).collect();
    writeln!(
        out,
        "    <testcase classname=\"{suite}\" name=\"{name}\">\n      <failure message=\"{}\">{}</failure>\n    </testcase>",
        Escaped(first),
        all.join("\n")
    )
}

/// A text within XML. What XML cannot hold is shown as it is for people.
struct Escaped<'t>(&'t str);

impl std::fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for c in Visible(self.0).to_string().chars() {
            match c {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                c => write!(f, "{c}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_means_something_in_xml_is_escaped() {
        assert_eq!(Escaped("<a b=\"c\"> & \u{1b}[31m").to_string().matches(['<', '>', '"', '\u{1b}']).count(), 0);
    }
}
