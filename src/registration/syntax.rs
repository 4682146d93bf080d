//! What is said of a text that is not YAML: what PyYAML would say, and the way out.
//!
//! Of the text itself a message holds nothing but known keys and single characters: what stands there may be a token.

use super::{Fault, FaultCode, template};
use pyyaml::{Problem, YamlError};

/// What the text was to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Subject {
    Registration,
    HomeserverConfig,
    BridgeConfig,
}

impl Subject {
    const fn noun(self) -> &'static str {
        match self {
            Self::Registration => "registration",
            Self::HomeserverConfig | Self::BridgeConfig => "configuration",
        }
    }

    /// The keys that may be repeated in a message.
    const fn keys(self) -> &'static [&'static str] {
        match self {
            Self::Registration => &super::keys::ALL,
            Self::HomeserverConfig => &["server_name", "app_service_config_files"],
            Self::BridgeConfig => &["homeserver", "appservice", "bridge"],
        }
    }
}

/// The fault of a text that is not YAML as PyYAML reads it.
pub(super) fn fault(error: &YamlError, text: &str, subject: Subject) -> Fault {
    if let Some(fault) = conflict(text) {
        return fault;
    }
    if let Some(fault) = unrendered(error, text, subject) {
        return fault;
    }
    let mut message = error.to_string();
    if let Some(since) = error.since.filter(|&since| since != error.place) {
        message.push_str(&format!(" (in what begins at line {}, column {})", since.line, since.column));
    }
    if let Some(way_out) = way_out(error, text, subject) {
        message.push_str(": ");
        message.push_str(&way_out);
    }
    Fault::at(FaultCode::Syntax, error.place, message)
}

/// The fault of bytes that are no text that YAML allows.
pub(super) fn undecodable(error: &YamlError, bytes: &[u8], subject: Subject) -> Fault {
    let way_out = match error.problem {
        Problem::NotUtf8 => {
            let valid = std::str::from_utf8(bytes).err().map_or(0, |error| error.valid_up_to());
            match bytes.get(valid) {
                // In Latin-1 and Windows-1252 these are the letters with accents.
                Some(byte @ 0xC0..=0xFF) => format!(
                    "the byte 0x{byte:02X} would be `{}` in Latin-1: save the {} as UTF-8",
                    char::from(*byte),
                    subject.noun()
                ),
                _ => format!("save the {} as UTF-8", subject.noun()),
            }
        }
        _ => "remove that character".to_owned(),
    };
    Fault::at(FaultCode::Syntax, error.place, format!("{error}: {way_out}"))
}

/// The lines with which git marks what it could not merge.
fn conflict(text: &str) -> Option<Fault> {
    let at = text.lines().position(|line| line.starts_with("<<<<<<< "))?;
    text.lines().any(|line| line.starts_with(">>>>>>> ")).then(|| {
        let message = "git could not merge two versions of this file, and marked both: choose one, and remove the lines \
                       that begin with `<<<<<<<`, `=======` and `>>>>>>>`";
        Fault::at(FaultCode::Syntax, line_start(at), message)
    })
}

fn line_start(at: usize) -> pyyaml::Place {
    pyyaml::Place { line: u32::try_from(at + 1).unwrap_or(u32::MAX), column: 1 }
}

/// A template, if one of its marks stands where PyYAML gave up.
fn unrendered(error: &YamlError, text: &str, subject: Subject) -> Option<Fault> {
    let from = error.since.map_or(error.place.line, |since| since.line.min(error.place.line));
    // What goes wrong is often noticed in the line below.
    let near = from.saturating_sub(1).max(1)..=error.place.line;
    let lines = (1..).zip(text.lines()).filter(|(at, _)| near.contains(at));
    let (line, mark) = lines.filter_map(|(at, line)| Some((at, template::block_mark(line)?))).last()?;
    let message = format!(
        "this is a template that has not been rendered: {mark} in line {line} is not YAML; render it, and use what comes \
         out as the {}",
        subject.noun()
    );
    Some(Fault::at(FaultCode::Syntax, error.place, message))
}

/// What PyYAML finds where a text that is not complete ends.
const END: &str = "the end of the file";

fn way_out(error: &YamlError, text: &str, subject: Subject) -> Option<String> {
    let noun = subject.noun();
    let way_out = match error.problem {
        Problem::CannotStart('`') if text.lines().any(|line| line.starts_with("```")) => {
            return Some(format!(
                "remove the lines that begin with ```: they are Markdown, and the {noun} is what stands between them"
            ));
        }
        Problem::NoColon | Problem::ValueNotAllowed => return Some(key_and_value(error, text, subject)),
        Problem::CannotStart('\t') => "indent with spaces; YAML forbids tabs there",
        Problem::CannotStart('@' | '`' | '%') => "put the value in single quotes",
        Problem::UnknownEscape(_) | Problem::HexEscape(_) | Problem::NotACharacter => {
            "put the value in single quotes, where a backslash is only a backslash"
        }
        Problem::NoAnchorName('*') => "for any text write '.*' in quotes; a list entry begins with '- '",
        Problem::UnknownAlias | Problem::NoAnchorName(_) | Problem::AnchorName(_) => {
            "if it is no alias or anchor, put the value in single quotes"
        }
        Problem::AnchorTwice => "give the second one another name",
        Problem::UnknownTag if subject == Subject::BridgeConfig => {
            "what begins with '!' is a tag, which is not read here: if it is a text, put it in single quotes"
        }
        Problem::UnknownTag => return Some(unknown_tag(error, text)),
        Problem::Tag | Problem::UnknownHandle => "if the value itself begins with '!', put it in single quotes",
        Problem::SecondDocument => return Some(second_document(subject)),
        Problem::UnhashableKey => "a value that begins with '{' or '[' is put in single quotes",
        Problem::NoComma(..) | Problem::NoContent(_)
            if text.lines().any(|line| line.trim_start().starts_with("//")) =>
        {
            "a comment begins with '#', not with '//'"
        }
        Problem::NoComma(..) | Problem::NotOpened(_) | Problem::NoContent(_) if has_comment(error, text) => {
            "what follows a blank and '#' is a comment: put a value with a '#' in single quotes"
        }
        Problem::NoComma(close, END) => {
            return Some(format!("the file is cut short, or {close:?} is missing at its end: complete it"));
        }
        Problem::NoComma(close, _) => {
            return Some(format!(
                "entries are parted by ',', and end with {close:?}; a value that begins with a bracket is quoted"
            ));
        }
        Problem::NoContent(END) => "the file is cut short, or something is missing at its end: complete it",
        Problem::NoContent("','") => "remove one of the commas",
        Problem::AfterDocument(_) => "remove what stands behind the end of the registration (`...`), or the `...`",
        Problem::EntryNotAllowed => "a list begins on a line of its own below its key, with '- ' before each entry",
        Problem::NoBlockEnd(_) if value_begins(error, text, &['[', '{', '\'', '"']) => {
            "a value that begins with a bracket or quote ends with it: put the whole value in single quotes"
        }
        Problem::NoBlockEnd(_) => "what belongs together is indented alike, with spaces",
        Problem::UnclosedQuote | Problem::SeparatorInQuote => {
            "close the quote; within single quotes a single quote is written twice"
        }
        Problem::Unprintable(_) => "remove that character",
        Problem::MisplacedSpecial(_) => "put it in single quotes",
        Problem::Merge => "write `<<: *name`, where `&name` stands before a mapping",
        Problem::Scalar(_) => "put it in single quotes if it is a text, and remove the tag",
        Problem::BlockHeader => "put the value in single quotes if it begins with '|' or '>'",
        _ => return None,
    };
    Some(way_out.into())
}

/// `!env`, `!vault`: what other programs write where a value belongs.
fn unknown_tag(error: &YamlError, text: &str) -> String {
    let line = line_at(error, text);
    let tag = line.chars().nth(error.place.column as usize);
    if tag.is_none_or(|c| !c.is_ascii_alphabetic()) {
        return "an unquoted value that begins with '!' is a tag: put it in single quotes".to_owned();
    }
    if line.contains("!vault") {
        return "this is still encrypted by Ansible Vault: decrypt it, and write the value itself".to_owned();
    }
    "Synapse knows no tags such as `!env`, `!file` or `!include`: write the value itself; a text that begins with '!' is \
     put in single quotes"
        .to_owned()
}

fn second_document(subject: Subject) -> String {
    match subject {
        Subject::Registration => {
            "a file holds one registration: put what follows this `---` into a file of its own, and list both files in \
             `app_service_config_files`; if nothing follows, remove the line"
        }
        Subject::HomeserverConfig | Subject::BridgeConfig => {
            "put all of the configuration below one `---`, or remove the line"
        }
    }
    .to_owned()
}

fn line_at<'t>(error: &YamlError, text: &'t str) -> &'t str {
    text.lines().nth(error.place.line as usize - 1).unwrap_or_default()
}

/// Whether the value in the line begins with one of these, and what is wrong comes behind that.
fn value_begins(error: &YamlError, text: &str, with: &[char]) -> bool {
    line_at(error, text).split_once(": ").is_some_and(|(key, value)| {
        value.trim_start().starts_with(with) && error.place.column as usize > key.chars().count() + 2
    })
}

/// Whether a comment swallowed the end of what was open.
fn has_comment(error: &YamlError, text: &str) -> bool {
    // The end of the file is noticed a line or two behind.
    let from = error.since.map_or(error.place.line.saturating_sub(2).max(1), |since| since.line) as usize;
    let lines = text.lines().skip(from - 1).take((error.place.line as usize + 1).saturating_sub(from));
    lines.into_iter().any(|line| line.contains(" #"))
}

/// A key without `: `, and where that seems to be.
fn key_and_value(error: &YamlError, text: &str, subject: Subject) -> String {
    let ends = error.place.line as usize;
    let begins = error.since.map_or(ends.saturating_sub(1), |since| since.line as usize).max(1);
    let lines = text.lines().enumerate().map(|(at, line)| (at + 1, line));
    let near = || lines.clone().skip(begins - 1).take((ends + 1).saturating_sub(begins));
    if let Some((line, odd)) = near().find_map(|(at, line)| Some((at, odd_character(line)?))) {
        return format!(
            "line {line} holds {odd}, which looks like the plain character and is none: type the line anew, with a colon \
             and a space from the keyboard"
        );
    }
    if error.problem == Problem::ValueNotAllowed && line_at(error, text).matches(": ").count() > 1 {
        return "a value that holds ': ' is put in single quotes".to_owned();
    }
    let assigned = near().filter(|(_, line)| !line.contains(": ")).find_map(|(at, line)| {
        let key = line.trim_start().split_once('=')?.0.trim_end();
        let plain = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
        (!key.is_empty() && key.chars().all(plain)).then_some((at, key))
    });
    match assigned {
        // What is no known key may be a part of a token.
        Some((line, key)) if subject.keys().contains(&key) => {
            format!("in line {line} write `{key}: ` instead of `{key}=`")
        }
        Some((line, _)) => format!("line {line} holds a '=': a key is followed by ': ', a colon and a space"),
        None => {
            "a key is followed by ': ', a colon and a space, here or in the line before, and keys that belong together \
                 are indented alike"
                .to_owned()
        }
    }
}

/// A character that is taken for the blank or the colon behind a key.
fn odd_character(line: &str) -> Option<String> {
    let key_end = line.find(|c: char| !(c.is_ascii_alphanumeric() || " _-.'\"".contains(c)))?;
    let found = line[key_end..].chars().take(2).find(|&c| odd_name(c).is_some())?;
    odd_name(found).map(|name| format!("U+{:04X} ({name})", u32::from(found)))
}

const fn odd_name(c: char) -> Option<&'static str> {
    match c {
        '\u{A0}' => Some("a no-break space"),
        '\u{2000}'..='\u{200A}' | '\u{202F}' | '\u{205F}' => Some("a space of another width"),
        '\u{200B}' | '\u{200C}' | '\u{200D}' | '\u{2060}' => Some("an invisible character"),
        '\u{FEFF}' => Some("a byte order mark"),
        '\u{3000}' => Some("an ideographic space"),
        '\u{FF1A}' => Some("a fullwidth colon"),
        '\u{A789}' | '\u{2236}' | '\u{FE55}' => Some("a colon of another kind"),
        _ => None,
    }
}
