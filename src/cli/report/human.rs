use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt::Display;
use std::io::{self, Write};
use std::sync::Arc;

use super::excerpt::Excerpt;
use super::{Allowed, FaultOf, Report, Texts, Unchecked, page, span};
use crate::analysis::{Code, Finding, FindingPlace, Fix, HomeserverAnswer, Relation, Severity, WitnessIs};
use crate::cli::output::Out;
use crate::registration::{Fault, FaultCode, Place, SourceText};
use crate::telemetry::Visible;

/// Of many findings of one code about the same service so many are shown, the gravest; the others are counted. Of up to
/// twice as many all are: a line that says how many more there are would take the room of one of them.
const SHOWN: usize = 5;

/// Writes for people. Of a file only such lines are repeated as [`SourceText`] may show, so no token ever is.
pub(in crate::cli) fn human(report: &Report<'_>, out: &mut Out) -> io::Result<()> {
    let mut out = Printer { out, colour: report.colour };
    for FaultOf { file, fault, so, homeservers } in report.faults {
        out.fault(file, fault, &report.texts.of(file), so, homeservers)?;
    }
    let shown = |finding: &&Arc<Finding>| report.all || finding.severity != Severity::Note;
    let findings: Vec<&Arc<Finding>> = report.findings.iter().filter(shown).collect();
    let counted = if report.all { BTreeMap::new() } else { counted(&findings) };
    let hidden: HashSet<usize> = counted.values().flatten().copied().collect();
    for (_, finding) in findings.iter().enumerate().filter(|(at, _)| !hidden.contains(at)) {
        out.finding(finding, None, report.texts)?;
    }
    for allowed in report.allowed.iter().filter(|_| report.all) {
        out.finding(&allowed.finding, Some(allowed), report.texts)?;
    }
    for ((code, service), more) in counted {
        let (more, all) = (more.len(), more.len() + SHOWN);
        let whose = service.map_or("in other files".to_owned(), |service| format!("of `{}`", Visible(service)));
        writeln!(out.out, "… and {more} more {code} {whose}, none graver ({all} in all; --all shows them)\n")?;
    }
    out.summary(report)
}

/// The same of a file of Synapse's own configuration, without which nothing can be checked.
pub(in crate::cli) fn human_of_faults(unchecked: &Unchecked<'_>, colour: bool, out: &mut Out) -> io::Result<()> {
    let mut out = Printer { out, colour };
    let so = ["nothing is checked: Synapse would not start with it"];
    unchecked.faults.iter().try_for_each(|fault| out.fault(unchecked.file, fault, unchecked.text, so, &[]))
}

/// What is counted instead of shown, by position: of each group that is too large, all but the gravest.
fn counted<'f>(findings: &[&'f Arc<Finding>]) -> BTreeMap<Group<'f>, Vec<usize>> {
    let busiest = Busiest::of(findings);
    let mut groups: BTreeMap<Group<'_>, Vec<usize>> = BTreeMap::new();
    for (at, finding) in findings.iter().enumerate() {
        groups.entry(busiest.group(finding)).or_default().push(at);
    }
    groups.retain(|_, members| members.len() > 2 * SHOWN);
    for members in groups.values_mut() {
        members.sort_by_key(|&at| gravity(findings[at]));
        members.drain(..SHOWN);
    }
    groups
}

/// The gravest first: what weighs most, what concerns names that people can take today, what takes most of the other.
fn gravity(finding: &Finding) -> impl Ord {
    let takes = match finding.relation {
        None | Some(Relation::Equal) => 0,
        Some(Relation::Contains | Relation::Contained) => 1,
        Some(Relation::Overlaps) => 2,
    };
    (finding.severity, finding.witness_is, takes)
}

/// What belongs together: a code, and a service, unless it is about files as such.
type Group<'f> = (&'static str, Option<&'f str>);

/// How often each service is concerned: of two, a finding belongs to the one that has more of its code.
struct Busiest<'f>(HashMap<(Code, &'f str), usize>);

impl<'f> Busiest<'f> {
    fn of(findings: &[&'f Arc<Finding>]) -> Self {
        let mut counts = HashMap::new();
        for finding in findings {
            for place in &finding.places {
                *counts.entry((finding.code, &*place.as_id)).or_default() += 1;
            }
        }
        Self(counts)
    }

    fn group(&self, finding: &'f Finding) -> Group<'f> {
        let concerned = finding.places.iter().filter(|_| finding.kind.is_some()).map(|place| &*place.as_id);
        let service =
            concerned.max_by_key(|service| (self.0.get(&(finding.code, service)), std::cmp::Reverse(*service)));
        (finding.code.as_str(), service)
    }
}

/// Of what is told once for many places so many are shown: two, as of all other findings.
const PLACES: usize = 2;

struct Printer<W> {
    out: W,
    colour: bool,
}

const BOLD: &str = "1";
const DIM: &str = "2";

impl<W: Write> Printer<W> {
    fn paint(&self, style: &str, text: &str) -> String {
        if self.colour { format!("\x1b[{style}m{text}\x1b[0m") } else { text.to_owned() }
    }

    fn fault(
        &mut self,
        file: &str,
        fault: &Fault,
        text: &SourceText,
        so: impl IntoIterator<Item = impl Display>,
        on: &[&str],
    ) -> io::Result<()> {
        self.headline(Severity::Error, fault.code.as_str(), &fault.message)?;
        let place = match (fault.line, fault.column) {
            (Some(line), Some(column)) => format!("{}:{line}:{column}", Visible(file)),
            _ => Visible(file).to_string(),
        };
        let excerpt = span(fault, text).filter(|_| has_a_line(fault));
        let excerpt = excerpt.and_then(|(from, to)| Some((from.line, Excerpt::of(text, from, to)?)));
        let width = excerpt.as_ref().map_or(1, |(line, _)| line.to_string().len());
        let margin = " ".repeat(width);
        writeln!(self.out, "{margin}{} {place}", self.paint(DIM, "-->"))?;
        if let Some((line, excerpt)) = excerpt {
            self.excerpt(line, &excerpt, "", width)?;
        }
        let bar = self.paint(DIM, "=");
        for so in so {
            writeln!(self.out, "{margin} {bar} {so}")?;
        }
        if !on.is_empty() {
            writeln!(self.out, "{margin} {bar} on: {}", on.join(", "))?;
        }
        writeln!(self.out, "{margin} {bar} see: {}\n", self.paint(DIM, &page(fault.code.as_str())))
    }

    /// A line, and carets below what is meant.
    fn excerpt(&mut self, line: u32, excerpt: &Excerpt, label: &str, width: usize) -> io::Result<()> {
        let (margin, bar) = (" ".repeat(width), self.paint(DIM, "|"));
        let Excerpt { text, meant } = excerpt;
        writeln!(self.out, "{margin} {bar}")?;
        writeln!(self.out, "{line:>width$} {bar} {text}")?;
        let underline = format!("{} {label}", "^".repeat(meant.len()));
        writeln!(self.out, "{margin} {bar} {}{}", " ".repeat(meant.start), self.paint("1;35", underline.trim_end()))
    }

    fn headline(&mut self, severity: Severity, code: &str, message: &str) -> io::Result<()> {
        let style = match severity {
            Severity::Error => "1;31",
            Severity::Warning => "1;33",
            Severity::Note => "1;36",
        };
        self.titled(&self.paint(style, &format!("{severity}[{code}]")), message)
    }

    fn titled(&mut self, kind: &str, message: &str) -> io::Result<()> {
        writeln!(self.out, "{kind}: {}", self.paint(BOLD, &Visible(message).to_string()))
    }

    fn finding(&mut self, finding: &Finding, allowed: Option<&Allowed>, texts: &Texts) -> io::Result<()> {
        match allowed {
            // Who looks for errors does not find it by that word.
            Some(_) => self.titled(&self.paint(DIM, &format!("allowed[{}]", finding.code)), &finding.message)?,
            None => self.headline(finding.severity, finding.code.as_str(), &finding.message)?,
        }
        let width = finding.places.iter().map(|place| place.line.to_string().len()).max().unwrap_or(1);
        for (at, place) in finding.places.iter().take(PLACES).enumerate() {
            self.place(finding, at, place, texts, width)?;
        }
        let margin = " ".repeat(width);
        let bar = self.paint(DIM, "=");
        let more = finding.places.len().saturating_sub(PLACES);
        if more > 0 {
            writeln!(self.out, "{margin} {bar} and {} (--format json lists them)", plural(more, "more place"))?;
        }
        if let Some(witness) = &finding.witness {
            let is = match finding.witness_is {
                Some(WitnessIs::Historical) => " (not a name that a person could take today)",
                Some(WitnessIs::Remote) => " (a user of another server)",
                _ => "",
            };
            writeln!(self.out, "{margin} {bar} witness: {}{is}", self.paint(BOLD, &Visible(witness).to_string()))?;
        }
        for HomeserverAnswer { homeservers, message, .. } in &finding.answers {
            writeln!(self.out, "{margin} {bar} {}: {}", homeservers.join(", "), Visible(message))?;
        }
        if !finding.homeservers.is_empty() && finding.answers.is_empty() {
            writeln!(self.out, "{margin} {bar} on: {}", finding.homeservers.join(", "))?;
        }
        if let Some(fix) = finding.fix.as_ref().filter(|_| allowed.is_none()) {
            let Fix { file, line, column, with, why, .. } = &**fix;
            let regex = self.paint(BOLD, &format!("`{}`", Visible(with)));
            writeln!(self.out, "{margin} {bar} fix: in {}:{line}:{column} write {regex}", Visible(file))?;
            writeln!(self.out, "{margin}        {}", Visible(why))?;
        }
        match allowed {
            Some(Allowed { because: Some(why), .. }) => writeln!(self.out, "{margin} {bar} because: {}", Visible(why))?,
            Some(_) => writeln!(self.out, "{margin} {bar} by --allow {}", finding.code)?,
            None => writeln!(self.out, "{margin} {bar} help: {}", finding.code.help())?,
        }
        writeln!(self.out, "{margin} {bar} see: {}\n", self.paint(DIM, &page(finding.code.as_str())))
    }

    /// Where it is, with the line of the file.
    fn place(
        &mut self,
        finding: &Finding,
        at: usize,
        place: &FindingPlace,
        texts: &Texts,
        width: usize,
    ) -> io::Result<()> {
        let arrow = if at == 0 { "-->" } else { ":::" };
        let margin = " ".repeat(width);
        let FindingPlace { line, column, .. } = *place;
        let file = Visible(&place.file);
        // A homeserver's own configuration is no service's.
        let whose = if place.as_id.is_empty() { String::new() } else { format!(" ({})", Visible(&place.as_id)) };
        writeln!(self.out, "{margin}{} {file}:{line}:{column}{whose}", self.paint(DIM, arrow))?;
        if is_of_the_file(finding.code, place) {
            return Ok(());
        }
        let (text, from) = (texts.of(&place.file), Place { line, column });
        match Excerpt::of(&text, from, text.end_of(from)) {
            Some(excerpt) => self.excerpt(line, &excerpt, label(finding, at), width),
            None => Ok(()),
        }
    }

    fn summary(&mut self, report: &Report<'_>) -> io::Result<()> {
        let count = |severity| report.findings.iter().filter(|finding| finding.severity == severity).count();
        let (errors, warnings, notes) =
            (report.faults.len() + count(Severity::Error), count(Severity::Warning), count(Severity::Note));
        let files = report.snapshots.iter().map(|snapshot| snapshot.files().len()).max().unwrap_or(0);
        let hidden = if notes + report.allowed.len() > 0 && !report.all { " (--all shows them)" } else { "" };
        writeln!(
            self.out,
            "{}: {}, {}, {}{}{hidden}",
            plural(files, "file"),
            plural(errors, "error"),
            plural(warnings, "warning"),
            plural(notes, "note"),
            meant(report.allowed)
        )
    }
}

/// What is found of files as such stands at their beginning, where there is nothing to see.
fn is_of_the_file(code: Code, place: &FindingPlace) -> bool {
    let at_top = (place.line, place.column) == (1, 1);
    matches!(code, Code::NothingFound | Code::ReadableByAll) || (at_top && code == Code::SharedUrl)
}

/// Whether there is something to see where a fault is: not where something is missing at the top of a file, nor where the whole
/// is something else.
fn has_a_line(fault: &Fault) -> bool {
    let at_top = (fault.line, fault.column) == (Some(1), Some(1));
    !(at_top && fault.end.is_none() && matches!(fault.code, FaultCode::MissingKey | FaultCode::NotARegistration))
}

/// What is to be said of one of the entries.
fn label(finding: &Finding, at: usize) -> &'static str {
    match (finding.relation, at) {
        (Some(Relation::Equal), 0) => "claims the same as the other",
        (Some(Relation::Contains), 0) => "claims all that the other does, and more",
        (Some(Relation::Contained), 0) => "claims only what the other does",
        (Some(Relation::Overlaps), 0) => "claims some of what the other does",
        _ => "",
    }
}

/// How much is allowed, and how much of that would be an error.
fn meant(allowed: &[Allowed]) -> String {
    let errors = allowed.iter().filter(|allowed| allowed.finding.severity == Severity::Error).count();
    match (allowed.len(), errors) {
        (0, _) => String::new(),
        (all, 0) => format!(", {all} allowed"),
        (all, errors) => format!(", {all} allowed (of which {})", plural(errors, "error")),
    }
}

fn plural(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}
