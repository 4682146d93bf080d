//! What the README and the pages under docs/ print after a command is what the command prints.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

use serde_json::Value;

use super::support::{BINARY, Service, blessing, examples};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// A command that a page shows, and what the page says that it prints.
struct Call {
    page: PathBuf,
    command: String,
    printed: String,
}

#[test]
fn the_curl_calls_answer_as_printed() {
    let service = Service::start(&[&examples()]);
    service.wait("to compare", |service| service.get("/v1/conflicts").status == 200);
    let calls = calls_of("curl -s ");
    for Call { page, command, printed } in &calls {
        let (call, filter) = command.split_once(" | jq").unwrap_or((command, ""));
        let (url, body) = call.split_once(" -d ").map_or((call, None), |(url, body)| (url, Some(body)));
        let target = url.trim_matches('\'').strip_prefix("http://127.0.0.1:8790").expect("the default address");
        let answer = match body {
            Some(body) => service.request("POST", target, body.trim_matches('\'').as_bytes()),
            None => service.get(target),
        };
        let answer = answer.text().replace(&format!("{ROOT}/"), "");
        let parse = |text: &str| serde_json::from_str::<Value>(text).unwrap_or_else(|error| panic!("{error}: {text}"));
        let real = filtered(&parse(&answer), filter.trim().trim_matches('\''));
        if blessing() {
            rewrite(page, printed, &format!("{real:#}\n"));
        } else {
            assert_eq!(parse(printed), real, "{}: {command}; BAILIWICK_BLESS=1 writes it", page.display());
        }
    }
    assert!(calls.len() >= 4, "only {} calls", calls.len());
}

/// What jq makes of an answer with a filter of the form `{a, b}`, or with none.
fn filtered(answer: &Value, filter: &str) -> Value {
    match filter.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
        Some(keys) => keys.split(", ").map(|key| (key.to_owned(), answer[key].clone())).collect(),
        None => {
            assert!(filter.is_empty(), "jq could do that: {filter}");
            answer.clone()
        }
    }
}

#[test]
fn the_commands_print_what_is_printed() {
    let calls = calls_of("bailiwick ");
    for Call { page, command, printed } in &calls {
        let run = Command::new(BINARY).args(command.split(' ')).current_dir(ROOT).env_clear().output();
        let output = run.expect("the binary starts");
        let said = String::from_utf8([output.stdout, output.stderr].concat()).expect("it prints UTF-8");
        if blessing() {
            rewrite(page, printed, &said);
        } else {
            assert_eq!(&said, printed, "{}: bailiwick {command}; BAILIWICK_BLESS=1 writes it", page.display());
        }
    }
    assert!(!calls.is_empty(), "no page shows a command any more");
}

/// A terminal as it is opened.
const COLUMNS: usize = 80;
const LINES: usize = 24;

#[test]
fn what_the_readme_prints_fits_a_screen() {
    let readme = Path::new(ROOT).join("README.md");
    let calls: Vec<Call> = ["curl ", "bailiwick "].iter().flat_map(|program| calls_on(&readme, program)).collect();
    assert!(calls.len() >= 5, "only {} calls", calls.len());
    for Call { command, printed, .. } in calls {
        let rows = |line: &str| line.chars().count().div_ceil(COLUMNS).max(1);
        let all: usize = rows(&command) + printed.lines().map(rows).sum::<usize>();
        assert!(all <= LINES, "{all} lines of {COLUMNS} columns: {command}");
    }
}

/// Each row of the README's table of questions, asked as it stands there.
#[test]
fn every_operation_has_an_example_in_the_readme_that_is_answered() {
    let readme = fs::read_to_string(Path::new(ROOT).join("README.md")).expect("there is a README");
    let (_, table) = readme.split_once("| ask | and be told |").expect("a table of questions");
    let service = Service::start(&[&examples()]);
    service.wait("to compare", |service| service.get("/v1/conflicts").status == 200);
    let mut asked = BTreeSet::new();
    for row in table.lines().skip(2).take_while(|line| line.starts_with('|')) {
        let cell = row.split(" | ").next().expect("a cell");
        let quoted: Vec<&str> = cell.split('`').skip(1).step_by(2).collect();
        let body = quoted.iter().find(|text| text.starts_with('{')).copied().unwrap_or_default();
        for question in quoted.iter().filter(|text| !text.starts_with('{')) {
            let (method, target) = question.split_once(' ').expect("a method and a target");
            let answer = service.request(method, target, body.as_bytes());
            // Files are changed where they are; with a store: tests/store/try.py.
            let status = if matches!(method, "PUT" | "DELETE") { 501 } else { 200 };
            assert_eq!(answer.status, status, "{question}: {}", answer.text());
            asked.insert(format!("{method} {}", target.split('?').next().expect("a path")));
        }
    }
    let document: Value = serde_json::from_str(bailiwick::http::openapi_document()).expect("JSON");
    let paths = document["paths"].as_object().expect("paths");
    let operations = paths.iter().flat_map(|(path, item)| {
        item.as_object().expect("operations").keys().map(move |method| format!("{} {path}", method.to_uppercase()))
    });
    let missing: Vec<String> = operations.filter(|one| !asked.iter().any(|asked| is_of(asked, one))).collect();
    assert!(missing.is_empty(), "the README has no example of {missing:?}");
}

/// Whether a question is of an operation, in whose path `{…}` stands for anything.
fn is_of(question: &str, operation: &str) -> bool {
    let mut parts = question.split('/').zip(operation.split('/'));
    question.split('/').count() == operation.split('/').count()
        && parts.all(|(asked, described)| asked == described || described.starts_with('{'))
}

#[test]
fn every_page_is_listed_and_every_link_leads_somewhere() {
    let index = fs::read_to_string(Path::new(ROOT).join("docs/README.md")).expect("an index");
    for page in pages() {
        let text = fs::read_to_string(&page).expect("a page can be read");
        let name = page.file_name().expect("a name").to_string_lossy();
        assert!(name == "README.md" || index.contains(&format!("]({name}")), "docs/README.md does not list {name}");
        let beside = page.parent().expect("a directory");
        let links = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        for link in links.filter(|link| !link.contains("://") && !link.contains(' ')) {
            let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target = if file.is_empty() { page.clone() } else { beside.join(file) };
            assert!(target.exists(), "{}: {link} leads nowhere", page.display());
            if !anchor.is_empty() {
                let text = fs::read_to_string(&target).expect("a page can be read");
                let headings = text.lines().filter(|line| line.starts_with('#')).map(anchor_of);
                assert!(headings.clone().any(|heading| heading == anchor), "{}: {link} leads nowhere", page.display());
            }
        }
    }
}

/// What a heading is called in a link.
fn anchor_of(heading: &str) -> String {
    let kept = heading.trim_start_matches('#').trim().to_lowercase();
    kept.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c)).map(|c| if c == ' ' { '-' } else { c }).collect()
}

#[test]
fn every_dependency_has_its_reason() {
    let readme = fs::read_to_string(Path::new(ROOT).join("README.md")).expect("there is a README");
    let (_, table) = readme.split_once("| crate | why |").expect("a table of crates");
    let cells =
        table.lines().skip(2).take_while(|line| line.starts_with('|')).filter_map(|line| line.split('|').nth(1));
    let is_of_a_name = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
    let named: BTreeSet<String> = cells.flat_map(|cell| cell.split(|c| !is_of_a_name(c))).map(str::to_owned).collect();
    let crates = ["glibc-malloc", "go-re2", "python-re", "python-text", "pyyaml"];
    let of_crates = crates.map(|name| format!("crates/{name}/Cargo.toml"));
    for manifest in of_crates.iter().map(|manifest| &**manifest).chain(["Cargo.toml"]) {
        let manifest = fs::read_to_string(Path::new(ROOT).join(manifest)).expect("a manifest");
        let sections = manifest.split("\n[").filter(|section| section.split(']').next().is_some_and(is_dependencies));
        let lines = sections.flat_map(|section| section.lines().skip(1)).filter(|line| !line.contains("path = "));
        for name in lines.filter_map(|line| line.split([' ', '.', '=']).next()).filter(|name| !name.is_empty()) {
            assert!(named.contains(name) || name.starts_with('#'), "the README's table says nothing of {name}");
        }
    }
}

fn is_dependencies(section: &str) -> bool {
    ["dependencies", "dev-dependencies"].contains(&section) || section.ends_with(".dependencies")
}

fn rewrite(page: &Path, printed: &str, real: &str) {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _guard = ONE_AT_A_TIME.lock();
    let text = fs::read_to_string(page).expect("a page can be read");
    fs::write(page, text.replacen(printed, real, 1)).expect("a page can be written");
}

/// The calls of a program on all pages: what follows `$ ` and the program's name in a block of `console`.
fn calls_of(program: &str) -> Vec<Call> {
    pages().into_iter().flat_map(|page| calls_on(&page, program)).collect()
}

fn calls_on(page: &Path, program: &str) -> Vec<Call> {
    let text = fs::read_to_string(page).expect("a page can be read");
    let consoles = text.split("```console\n").skip(1).map(|rest| rest.split("```").next().unwrap_or(rest));
    let shown = consoles.flat_map(|console| console.split("$ ").skip(1));
    let shown = shown.filter_map(|shown| shown.strip_prefix(program)?.split_once('\n'));
    let call = |(command, printed): (&str, &str)| Call {
        page: page.to_owned(),
        command: command.to_owned(),
        printed: printed.to_owned(),
    };
    shown.map(call).collect()
}

/// The README, and every page directly under docs/.
fn pages() -> Vec<PathBuf> {
    let docs = fs::read_dir(Path::new(ROOT).join("docs")).expect("there are pages");
    let docs = docs.map(|entry| entry.expect("an entry").path()).filter(|path| path.extension() == Some("md".as_ref()));
    let mut pages: Vec<PathBuf> = docs.collect();
    pages.push(Path::new(ROOT).join("README.md"));
    pages.sort();
    pages
}
