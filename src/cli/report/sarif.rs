use std::io;

use serde_json::{Value, json};

use super::{Allowed, Report, Texts, Unchecked, in_one_line, on, page, span};
use crate::analysis::{Finding, FindingPlace, Fix, FixEdit, Severity};
use crate::cli::codes::AnyCode;
use crate::cli::output::{self, Out};
use crate::registration::{Fault, Place, SourceText};

/// Writes SARIF 2.1.0 (OASIS Standard, "Static Analysis Results Interchange Format").
pub(in crate::cli) fn sarif(report: &Report<'_>, out: &mut Out) -> io::Result<()> {
    let shown = report.findings.iter().filter(|finding| report.all || finding.severity != Severity::Note);
    let faults =
        report.faults.iter().map(|of| result_of(of.file, &of.fault, &report.texts.of(of.file), &of.homeservers));
    let mut results: Vec<Value> = faults.chain(shown.map(|finding| result(finding, report.texts))).collect();
    // Much that reads SARIF, such as GitHub's code scanning, shows what is suppressed as if it were not.
    if report.all {
        results.extend(report.allowed.iter().map(|allowed| suppressed(allowed, report.texts)));
    }
    output::json(out, &document(&results, &json!({"executionSuccessful": true})))
}

fn suppressed(Allowed { finding, because }: &Allowed, texts: &Texts) -> Value {
    let mut result = result(finding, texts);
    let by_command_line = || format!("--allow {}", finding.code);
    let justification = because.clone().unwrap_or_else(by_command_line);
    result["suppressions"] = json!([{"kind": "external", "status": "accepted", "justification": justification}]);
    result
}

/// The same where nothing could be checked, and why: a log without an invocation would read as one of a check that found
/// nothing.
pub(in crate::cli) fn sarif_of_problem(
    problem: &str,
    unchecked: Option<&Unchecked<'_>>,
    out: &mut Out,
) -> io::Result<()> {
    let results = |one: &Unchecked<'_>| -> Vec<Value> {
        one.faults.iter().map(|fault| result_of(one.file, fault, one.text, &[])).collect()
    };
    let results: Vec<Value> = unchecked.map(results).unwrap_or_default();
    let notification = json!({"level": "error", "message": {"text": problem}});
    let invocation = json!({"executionSuccessful": false, "toolConfigurationNotifications": [notification]});
    output::json(out, &document(&results, &invocation))
}

fn document(results: &[Value], invocation: &Value) -> Value {
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {"name": "bailiwick", "version": env!("CARGO_PKG_VERSION"), "rules": rules()}},
            "invocations": [invocation],
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

/// Where the documentation stands, if whoever built this has said so: no address is made up.
const DOCS: Option<&str> = option_env!("BAILIWICK_DOCS_URL");

fn rules() -> Vec<Value> {
    AnyCode::all().map(|code| rule(code, DOCS)).collect()
}

fn rule(code: AnyCode, docs: Option<&str>) -> Value {
    let (name, described) = (code.as_str(), code.description());
    let help = match code {
        AnyCode::Finding(code) => format!("{}. See {}.", code.help(), page(name)),
        AnyCode::Fault(_) => format!("See {}.", page(name)),
    };
    let short = match code {
        AnyCode::Finding(_) => described.split_inclusive(". ").next().unwrap_or_default().trim_end(),
        AnyCode::Fault(code) => code.meaning(),
    };
    let mut rule = json!({
        "id": name,
        "shortDescription": {"text": short},
        "fullDescription": {"text": described},
        "help": {"text": help, "markdown": code.page()},
    });
    if let Some(docs) = docs {
        rule["helpUri"] = format!("{}/{}", docs.trim_end_matches('/'), code.page_path()).into();
    }
    rule
}

fn result(finding: &Finding, texts: &Texts) -> Value {
    let mut places = finding.places.iter().map(|place| location(place, texts));
    let first: Vec<Value> = places.next().into_iter().collect();
    let related: Vec<Value> = places.collect();
    let mut result = json!({
        "ruleId": finding.code,
        "level": finding.severity,
        "message": {"text": in_one_line(finding)},
        "locations": first,
        "relatedLocations": related,
        "properties": {"witness": finding.witness, "witness_is": finding.witness_is, "relation": finding.relation,
                       "homeservers": finding.homeservers, "answers": finding.answers},
    });
    if let Some(fix) = finding.fix.as_deref().and_then(fix) {
        result["fixes"] = json!([fix]);
    }
    result
}

/// An edit, where it can be written in the file's text.
fn fix(fix: &Fix) -> Option<Value> {
    let FixEdit { end_line, end_column, text } = fix.edit.as_ref()?;
    let deleted = region(fix.place(), Some(Place { line: *end_line, column: *end_column }));
    let replacement = json!({"deletedRegion": deleted, "insertedContent": {"text": text}});
    let change = json!({"artifactLocation": {"uri": uri(&fix.file)}, "replacements": [replacement]});
    Some(json!({"description": {"text": fix.why}, "artifactChanges": [change]}))
}

fn result_of(file: &str, fault: &Fault, text: &SourceText, homeservers: &[&str]) -> Value {
    let (from, to) = span(fault, text).unwrap_or((Place { line: 1, column: 1 }, None));
    json!({
        "ruleId": fault.code,
        "level": "error",
        "message": {"text": format!("{}{}", fault.message, on(homeservers))},
        "locations": [{"physicalLocation": {"artifactLocation": {"uri": uri(file)}, "region": region(from, to)}}],
    })
}

/// What is meant; without an end, one that reads it takes the line to its end.
fn region(from: Place, to: Option<Place>) -> Value {
    let mut region = json!({"startLine": from.line, "startColumn": from.column});
    if let Some(to) = to {
        region["endLine"] = to.line.into();
        region["endColumn"] = to.column.into();
    }
    region
}

fn location(place: &FindingPlace, texts: &Texts) -> Value {
    let from = Place { line: place.line, column: place.column };
    let region = region(from, texts.end_of(&place.file, from));
    json!({
        "physicalLocation": {"artifactLocation": {"uri": uri(&place.file)}, "region": region},
        "message": {"text": place.regex.as_deref().unwrap_or(&place.as_id)},
    })
}

/// A path as a URI reference.
fn uri(path: &str) -> String {
    const KEPT: percent_encoding::AsciiSet =
        percent_encoding::NON_ALPHANUMERIC.remove(b'/').remove(b'.').remove(b'-').remove(b'_').remove(b'~');
    let encoded = percent_encoding::utf8_percent_encode(path, &KEPT).to_string();
    if path.starts_with('/') { format!("file://{encoded}") } else { encoded }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_says_what_it_is_and_where_that_is_written() {
        for code in AnyCode::all() {
            let rule = rule(code, Some("https://example.com/docs/"));
            let (id, described) = (code.as_str(), code.description());
            assert!(rule["helpUri"].as_str().is_some_and(|uri| uri.ends_with(&format!("s/{id}.md"))), "{rule}");
            assert!(described.ends_with(['.', ':']) && described.len() > 30 && !described.contains('#'), "{described}");
            assert!(
                rule["help"]["markdown"].as_str().is_some_and(|page| page.starts_with(&format!("# `{id}`"))),
                "{id}"
            );
            assert!(super::rule(code, None).get("helpUri").is_none());
        }
    }
}
