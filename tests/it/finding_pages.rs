//! Each page under docs/findings and docs/faults shows what `bailiwick check` prints for its example.
//!
//! A page shows only the lines of a registration that matter. The rest is the same for all: a file named in the first
//! line of an excerpt has six lines of its own, one for each key that must be there, and an excerpt takes the place of
//! the keys that it names. So the line numbers on the pages are those of real files. An excerpt of `NAME.yaml, the whole file`
//! is all of it.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::support::{BINARY, blessing};

const DOCS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs");

#[test]
fn examples_print_what_is_printed() {
    let mut examples = 0;
    for page in pages() {
        let text = fs::read_to_string(&page).expect("a page can be read");
        let name = page.file_stem().and_then(|stem| stem.to_str()).expect("a page is named after its code");
        let (checked, run) = with_real_output(&text, name);
        if blessing() {
            fs::write(&page, &checked).expect("a page can be written");
        } else {
            for (shown, real) in fences(&text).iter().zip(fences(&checked)) {
                assert_eq!(shown.content, real.content, "{name}.md; BAILIWICK_BLESS=1 writes what is printed");
            }
        }
        examples += run;
    }
    assert!(examples >= 30, "only {examples} examples");
}

#[test]
fn the_table_names_every_page() {
    let table = fs::read_to_string(Path::new(DOCS).join("findings/README.md")).expect("there is a table");
    for page in pages() {
        let path = page.strip_prefix(DOCS).expect("it is one of them").display().to_string();
        let link = path.strip_prefix("findings/").map_or_else(|| format!("](../{path})"), |name| format!("]({name})"));
        assert!(table.contains(&link), "docs/findings/README.md does not lead to {path}");
    }
}

fn pages() -> Vec<PathBuf> {
    let directories = ["findings", "faults"].map(|name| Path::new(DOCS).join(name));
    let entries = directories.into_iter().flat_map(|pages| fs::read_dir(pages).expect("there are pages"));
    let entries = entries.map(|entry| entry.expect("an entry").path());
    let mut pages: Vec<PathBuf> = entries.filter(|path| !path.ends_with("README.md")).collect();
    pages.sort();
    pages
}

/// A fenced block of a page: its language, and where its content stands.
struct Fence<'a> {
    language: &'a str,
    start: usize,
    content: &'a str,
}

fn fences(page: &str) -> Vec<Fence<'_>> {
    let mut fences = Vec::new();
    let mut at = 0;
    while let Some(opening) = page[at..].find("```") {
        let language = at + opening + 3;
        let start = language + page[language..].find('\n').expect("a fence has a line of its own") + 1;
        let end = start + page[start..].find("```").expect("a fence ends");
        fences.push(Fence { language: page[language..start].trim(), start, content: &page[start..end] });
        at = end + 3;
    }
    fences
}

/// The page with what is really printed in its blocks of `text`, and how many of these there are. Excerpts before such a
/// block are its files.
fn with_real_output(page: &str, code: &str) -> (String, usize) {
    let mut files = BTreeMap::new();
    let mut checked = String::new();
    let mut written = 0;
    let mut run = 0;
    for Fence { language, start, content } in fences(page) {
        // What else `check` is told stands behind the language.
        let (language, options) = language.split_once(' ').unwrap_or((language, "--all"));
        match language {
            "yaml" => add_excerpts(&mut files, content),
            "console" => modes(content).for_each(|(mode, name)| file(&mut files, name).mode = mode),
            // Without files before it, it shows a form of words, such as one that takes thousands of entries.
            "text" if !files.is_empty() => {
                checked.push_str(&page[written..start]);
                checked.push_str(&printed(&std::mem::take(&mut files), code, options));
                written = start + content.len();
                run += 1;
            }
            _ => {}
        }
    }
    (checked + &page[written..], run)
}

/// A registration as lines for each of its keys, in the order in which they stand in the file.
struct File {
    mode: u32,
    keys: Vec<(String, String)>,
    /// The key that is being written.
    current: usize,
}

/// The file of that name; a new one has what every registration must have.
fn file<'a>(files: &'a mut BTreeMap<String, File>, name: &str) -> &'a mut File {
    files.entry(name.to_owned()).or_insert_with(|| {
        let stem = name.trim_end_matches(".yaml");
        let key = |key: &str, value: &str| (key.to_owned(), format!("{key}: {value}\n"));
        let keys = vec![
            key("id", stem),
            key("url", &format!("http://{stem}.localhost:9999")),
            key("as_token", &format!("{stem}-as-token-of-enough-characters")),
            key("hs_token", &format!("{stem}-hs-token-of-enough-characters")),
            key("sender_localpart", &format!("{stem}_bot")),
            key("namespaces", "{}"),
        ];
        File { mode: 0o600, keys, current: 0 }
    })
}

/// Puts the excerpts of a block into their files. Each begins with a comment that names its file, or several that share
/// the lines, and perhaps the keys under which the lines stand.
fn add_excerpts(files: &mut BTreeMap<String, File>, block: &str) {
    let mut names: Vec<&str> = Vec::new();
    let mut indent = String::new();
    for line in block.lines() {
        if let Some(head) = line.strip_prefix("# ").filter(|head| head.contains(".yaml")) {
            let (of_files, place) = head.split_once(", under ").unwrap_or((head, ""));
            let whole = of_files.strip_suffix(", the whole file");
            let of_files = whole.unwrap_or(of_files);
            let place: Vec<&str> = place.split(", ").filter(|key| !key.is_empty()).collect();
            names = of_files.split(" and ").collect();
            indent = "  ".repeat(place.len());
            if whole.is_some() {
                for name in &names {
                    file(files, name).keys.clear();
                }
            }
            for (depth, key) in place.iter().enumerate() {
                for name in &names {
                    file(files, name).add(&format!("{}{key}:", "  ".repeat(depth)));
                }
            }
        } else if !line.is_empty() {
            for name in &names {
                file(files, name).add(&format!("{indent}{line}"));
            }
        }
    }
}

impl File {
    /// Adds a line: one that is not indented begins its key anew, others continue the key before them.
    fn add(&mut self, line: &str) {
        let key = line.split(':').next().filter(|_| !line.starts_with(' '));
        if let Some(key) = key {
            let place = self.keys.iter().position(|(known, _)| known == key);
            self.current = place.unwrap_or(self.keys.len());
            match place {
                Some(place) => self.keys[place].1.clear(),
                None => self.keys.push((key.to_owned(), String::new())),
            }
        }
        self.keys[self.current].1.push_str(&format!("{line}\n"));
    }
}

/// What a block of `console` says that `stat -c '%a %n'` printed.
fn modes(block: &str) -> impl Iterator<Item = (u32, &str)> {
    block.lines().filter_map(|line| {
        let (mode, name) = line.split_once(' ')?;
        Some((u32::from_str_radix(mode, 8).ok()?, name))
    })
}

/// What `bailiwick check` prints about the files under one code.
fn printed(files: &BTreeMap<String, File>, code: &str, options: &str) -> String {
    let home = tempfile::tempdir().expect("a temporary directory");
    for (name, File { mode, keys, .. }) in files {
        let path = home.path().join(name);
        fs::write(&path, keys.iter().map(|(_, lines)| lines.as_str()).collect::<String>()).expect("a file is written");
        fs::set_permissions(&path, fs::Permissions::from_mode(*mode)).expect("a mode is set");
    }
    let mut check = Command::new(BINARY);
    // A file that an option names is no registration.
    let registrations = files.keys().filter(|name| !options.split(' ').any(|option| option == **name));
    check.args(["check", "--server-name", "example.com"]).args(options.split(' ')).args(registrations);
    let output = check.current_dir(home.path()).env_clear().output().expect("the binary starts");
    let printed = String::from_utf8(output.stdout).expect("it prints UTF-8");
    let findings = printed.split("\n\n").filter(|finding| {
        let head = finding.lines().next().unwrap_or_default();
        head.contains(&format!("[{code}]: "))
    });
    findings.map(|finding| format!("{finding}\n")).collect::<Vec<_>>().join("\n")
}
