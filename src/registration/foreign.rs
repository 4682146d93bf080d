//! What a homeserver other than Synapse makes of a file: what its library reads, and what it then wants of that.

use std::borrow::Cow;
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use super::draft::Faults;
use super::library::{self, At, Foreign, Keys, Said, SaidEntry, Wrong};
use super::redact::{self, Secrets};
use super::shape::TOP;
use super::{
    ContentHash, Fault, FaultCode, Loaded, OwnedEntry, OwnedNamespaces, Parts, Registration, Token, TokenHasher,
    ValidRegex, load,
};
use crate::homeserver::{Consequence, Dialect, Homeserver, Library, SenderRule, Toml};
use crate::matrix::{Kind, MAX_ID_BYTES, user_id};

/// Reads the bytes of one file as a homeserver does. `file` is how the file is shown in answers.
pub fn load_for(homeserver: &Homeserver, file: &Arc<str>, bytes: &[u8], hasher: &TokenHasher) -> Loaded {
    let loader = homeserver.dialect.loader();
    let library = match loader.library {
        _ if loader.toml == Some(Toml::Files) && is_toml(file) => Foreign::FigmentToml,
        Library::PyYaml => return as_synapse(homeserver.dialect, file, bytes, hasher),
        Library::GoYaml => Foreign::GoYaml,
        Library::SerdeYaml => Foreign::SerdeYaml,
        Library::Saphyr => Foreign::Saphyr,
        Library::Figment => Foreign::Figment,
    };
    let library = match (loader.toml, table_of(file)) {
        (Some(Toml::Tables { .. }), Some(table)) => Foreign::FigmentTable(table),
        _ => library,
    };
    Reading { homeserver, file, bytes, hasher, library }.load()
}

/// What is read as Synapse reads it, with what is said of Synapse said of that homeserver: so by the specification, of which
/// nobody knows more than that.
fn as_synapse(dialect: Dialect, file: &Arc<str>, bytes: &[u8], hasher: &TokenHasher) -> Loaded {
    let server = Dialect::default().homeserver();
    load::load_as(dialect, file, bytes, hasher).map_err(|mut faults| {
        for fault in faults.iter_mut().filter(|_| !dialect.loader().is_synapses()) {
            fault.message = replaced_outside_quotes(&fault.message, server, dialect.homeserver());
        }
        faults
    })
}

/// A message with a word in the place of another, except in what it quotes of a file: `"…"` as Python and Rust write it, and
/// `` `…` ``.
fn replaced_outside_quotes(message: &str, word: &str, by: &str) -> String {
    let mut replaced = String::with_capacity(message.len());
    let mut rest = message;
    while let Some(begins) = rest.find(['"', '`']) {
        let (own, quoted) = rest.split_at(begins);
        let ends = end_of_quote(quoted);
        replaced += &own.replace(word, by);
        replaced += &quoted[..ends];
        rest = &quoted[ends..];
    }
    replaced + &rest.replace(word, by)
}

/// Behind the mark that closes what the text begins with; the end of the text where none does.
fn end_of_quote(text: &str) -> usize {
    let mut characters = text.char_indices();
    let mark = characters.next().map(|(_, mark)| mark);
    while let Some((at, character)) = characters.next() {
        match character {
            '\\' if mark == Some('"') => drop(characters.next()),
            _ if Some(character) == mark => return at + character.len_utf8(),
            _ => {}
        }
    }
    text.len()
}

/// The names of the tables of Tuwunel's configuration that are registrations, in its order, or what is wrong with it.
pub fn toml_tables(bytes: &[u8]) -> Result<Vec<String>, String> {
    library::tables(bytes).map_err(|wrong| match wrong.as_slice() {
        [Wrong::Other { message, place: Some(place) }, ..] => format!("{}:{}: {message}", place.line, place.column),
        [Wrong::Other { message, .. }, ..] => (*message).to_owned(),
        _ => "it is no configuration".to_owned(),
    })
}

/// The directory that Tuwunel's configuration names, from which it reads registrations besides its tables (`appservice_dir`).
/// What is wrong with a configuration, [`toml_tables`] says.
#[must_use]
pub fn toml_directory(bytes: &[u8]) -> Option<String> {
    library::directory(bytes).ok().flatten()
}

/// Whether a file is TOML by its name.
fn is_toml(file: &str) -> bool {
    Path::new(file).extension().is_some_and(|extension| extension == "toml")
}

/// The table that an item is, of a configuration: `tuwunel.toml#irc`.
fn table_of(file: &str) -> Option<&str> {
    file.split_once(".toml#").map(|(_, table)| table)
}

struct Reading<'r> {
    homeserver: &'r Homeserver,
    file: &'r Arc<str>,
    bytes: &'r [u8],
    hasher: &'r TokenHasher,
    library: Foreign<'r>,
}

impl Reading<'_> {
    const fn dialect(&self) -> Dialect {
        self.homeserver.dialect
    }

    /// What becomes of a file that the library refuses.
    fn broken(&self) -> Consequence {
        match (self.library, self.dialect().loader().toml) {
            (Foreign::FigmentTable(_), Some(Toml::Tables { broken })) => broken,
            _ => self.dialect().set().broken,
        }
    }

    fn load(&self) -> Loaded {
        let loader = self.dialect().loader();
        let keys = Keys { url: loader.url, booleans: loader.booleans };
        let mut said = match library::read(self.library, self.bytes, keys) {
            Ok(said) => said,
            Err(wrong) => {
                let broken = self.broken();
                let mut faults = Faults::default();
                for wrong in &wrong {
                    faults.push(self.fault(wrong).with(broken));
                }
                return Err(self.with_consequence(faults.done()));
            }
        };
        let secrets = [said.as_token.text.clone(), said.hs_token.text.clone()];
        let secrets = Secrets::new(secrets.iter().map(String::as_str));
        let mut faults = Faults::default();
        self.check_size(&said).map_err(|fault| self.with_consequence(vec![fault]))?;
        self.check_table(&said.id, &mut faults);
        self.check_sender(&said.sender_localpart, &mut faults);
        for regex in &said.others {
            if let Err(error) = self.dialect().syntax().check(Kind::User, &regex.text) {
                faults.push(self.bad_regex("another list of namespaces", regex, &error));
            }
        }
        let mut list = |kind, entries: &mut Vec<SaidEntry>| self.entries(kind, std::mem::take(entries), &mut faults);
        let namespaces = OwnedNamespaces {
            users: list(Kind::User, &mut said.users),
            aliases: list(Kind::Alias, &mut said.aliases),
            rooms: list(Kind::Room, &mut said.rooms),
        };
        if faults.count() > 0 {
            let mut faults = faults.done();
            for fault in &mut faults {
                fault.message = secrets.cut(std::mem::take(&mut fault.message));
            }
            return Err(self.with_consequence(faults));
        }
        let text = String::from_utf8_lossy(self.bytes);
        let (extra, warnings) = load::besides(&text, self.dialect());
        let digest = |token: &At| self.hasher.digest(&Token::new(&*token.text));
        let url = said.url.filter(|url| !url.is_empty());
        let url = url.map(|url| secrets.cut(redact::url(url.trim_end_matches('/'))).into());
        Ok(Registration::from(Parts {
            file: Arc::clone(self.file),
            source: None,
            content: ContentHash::default(),
            id: said.id.text.into(),
            url,
            sender_localpart: self.localpart(&said.sender_localpart.text).into(),
            sender_is_whole: self.localpart(&said.sender_localpart.text) != said.sender_localpart.text,
            sender_place: said.sender_localpart.place,
            url_place: TOP,
            hs_token_place: said.hs_token.place,
            as_token: digest(&said.as_token),
            hs_token: digest(&said.hs_token),
            namespaces,
            protocols: said.protocols.iter().map(|protocol| secrets.hide(protocol).into()).collect(),
            rate_limited: said.rate_limited.unwrap_or(true),
            proxy_prefix: None,
            extra,
            warnings,
        }))
    }

    /// The localpart of a sender that may be a whole user ID.
    fn localpart<'s>(&self, sender: &'s str) -> &'s str {
        match self.dialect().loader().sender {
            SenderRule::LocalpartOrUserId => {
                let whole = sender.strip_prefix('@').and_then(|rest| rest.split_once(':'));
                whole.map_or(sender, |(localpart, _)| localpart)
            }
            SenderRule::Unquoted | SenderRule::Any | SenderRule::Localpart => sender,
        }
    }

    /// Whether the regexes of the file, all together, are few enough to be read. What is too much here need not be too much there, so
    /// nothing is said of what the homeserver would do.
    fn check_size(&self, said: &Said) -> Result<(), Fault> {
        let lists = [("users", &said.users), ("aliases", &said.aliases), ("rooms", &said.rooms)];
        let entries =
            || lists.into_iter().flat_map(|(list, entries)| entries.iter().map(move |entry| (list, &entry.regex)));
        let others = || said.others.iter().map(|regex| ("another list", regex));
        let regexes = entries().chain(others()).map(|(_, regex)| &*regex.text);
        self.dialect().syntax().check_size(regexes).map_err(|(at, error)| {
            let Some((list, regex)) = entries().chain(others()).nth(at) else {
                return Fault::of_file(FaultCode::InvalidRegex, error.to_string());
            };
            let message = format!(
                "the regex {:?} in namespaces.{list} is not read, with what stands before it: {error}",
                beginning(&regex.text)
            );
            Fault::at(FaultCode::InvalidRegex, regex.place, message)
        })
    }

    fn check_table(&self, id: &At, faults: &mut Faults) {
        if let Foreign::FigmentTable(table) = self.library
            && id.text != table
        {
            let message = format!("id is not `{table}`, the name of its table: leave it out");
            let fault = Fault::at(FaultCode::InvalidValue, id.place, message);
            faults.push(fault.with(self.dialect().set().same_id));
        }
    }

    fn check_sender(&self, sender: &At, faults: &mut Faults) {
        let name = self.homeserver.name.as_str();
        let text = &*sender.text;
        let is_localpart = !text.contains([':', '\0']) && user_id(text, name).len() <= MAX_ID_BYTES;
        let whole = || text.strip_prefix('@').and_then(|rest| rest.split_once(':'));
        let fits = match self.dialect().loader().sender {
            SenderRule::Any | SenderRule::Unquoted => true,
            SenderRule::LocalpartOrUserId if text.starts_with('@') => {
                text.len() <= MAX_ID_BYTES && whole().is_some_and(|(_, server)| server == name)
            }
            SenderRule::Localpart | SenderRule::LocalpartOrUserId => is_localpart,
        };
        if !fits {
            let message = format!(
                "sender_localpart makes no user ID of {name} for {}: write only what is between '@' and ':'",
                self.dialect().homeserver()
            );
            let fault = Fault::at(FaultCode::InvalidValue, sender.place, message);
            faults.push(fault.with(self.dialect().set().bad_sender));
        }
    }

    fn entries(&self, kind: Kind, entries: Vec<SaidEntry>, faults: &mut Faults) -> Box<[OwnedEntry]> {
        let syntax = self.dialect().syntax();
        let before = faults.count();
        let mut read = Vec::with_capacity(entries.len());
        // Aliases may repeat a regex thousands of times: it is read once, and kept once.
        let mut known: HashMap<Arc<str>, ValidRegex> = HashMap::new();
        for entry in entries {
            if let Some(group) = entry.group_id.as_ref().filter(|group| kind == Kind::User && !is_group(&group.text)) {
                let message = "group_id in namespaces.users is no ID of a group, `+group:server`";
                let fault = Fault::at(FaultCode::InvalidValue, group.place, message);
                faults.push(fault.with(self.dialect().set().broken));
            }
            let regex = match known.get(&*entry.regex.text) {
                Some(regex) => Ok(regex.clone()),
                None => ValidRegex::checked(&*entry.regex.text, |regex| syntax.check(kind, regex)),
            };
            match regex {
                Ok(regex) => read.push(OwnedEntry {
                    regex: known.entry(regex.shared()).or_insert(regex).clone(),
                    exclusive: entry.exclusive,
                    group_id: entry.group_id.filter(|group| !group.text.is_empty()).map(|group| group.text.into()),
                    place: entry.regex.place,
                }),
                Err(error) => faults.push(self.bad_regex(&format!("namespaces.{}", kind.list()), &entry.regex, &error)),
            }
        }
        for exclusive in [true, false] {
            let together: Vec<&str> =
                read.iter().filter(|entry| entry.exclusive == exclusive).map(|entry| &*entry.regex).collect();
            // Each is taken alone; what is too large is all of them.
            if faults.count() == before
                && let Err(error) = syntax.check_together(kind, &together)
            {
                let which = if exclusive { "exclusive" } else { "shared" };
                let message = format!(
                    "the {which} regexes in namespaces.{} are refused together by {}: {error}",
                    kind.list(),
                    self.dialect().homeserver()
                );
                let fault = Fault::of_file(FaultCode::InvalidRegex, message);
                faults.push(fault.with(self.dialect().set().bad_regex));
            }
        }
        read.into()
    }

    fn bad_regex(&self, of: &str, regex: &At, error: &dyn std::fmt::Display) -> Fault {
        let server = self.dialect().homeserver();
        let error = error.to_string();
        // Rust's `regex` draws the regex once more, over several lines, before it says what is wrong.
        let why = error.rsplit_once("\nerror: ").map_or(&*error, |(_, why)| why);
        let (text, why) = (beginning(&regex.text), beginning(why));
        let message = format!("the regex `{text}` in {of} is refused by {server}: {why}");
        Fault::at(FaultCode::InvalidRegex, regex.place, message).with(self.dialect().set().bad_regex)
    }

    fn fault(&self, wrong: &Wrong) -> Fault {
        let library = match self.library {
            Foreign::FigmentToml | Foreign::FigmentTable(_) => Toml::LIBRARY,
            _ => self.dialect().loader().library.as_str(),
        };
        let as_read = format!("as {} reads it ({library})", self.dialect().homeserver());
        match wrong {
            Wrong::Syntax(error) => Fault::at(FaultCode::Syntax, error.place, format!("{error}, {as_read}")),
            Wrong::Empty => Fault::of_file(FaultCode::WrongType, "the file is empty, or holds comments alone"),
            Wrong::Missing { key, place } => {
                let is = if self.dialect().loader().empty { "is missing" } else { "is missing or empty" };
                Fault::at(FaultCode::MissingKey, *place, format!("{key} {is}, {as_read}"))
            }
            Wrong::Twice { key, place } => {
                Fault::at(FaultCode::InvalidValue, *place, format!("{key} stands twice, which is refused, {as_read}"))
            }
            Wrong::Kind { what, is, needs, place } => {
                Fault::at(FaultCode::WrongType, *place, format!("{what} is {is} where {needs} is needed, {as_read}"))
            }
            Wrong::Other { message, place: Some(place) } => {
                Fault::at(FaultCode::InvalidValue, *place, format!("{message}, {as_read}"))
            }
            Wrong::Other { message, place: None } => {
                Fault::of_file(FaultCode::InvalidValue, format!("{message}, {as_read}"))
            }
        }
    }

    /// Says once what becomes of the file, and of the others.
    fn with_consequence(&self, mut faults: Vec<Fault>) -> Vec<Fault> {
        if let Some(first) = faults.first_mut()
            && let Some(consequence) = first.consequence
        {
            first.message = format!("{}; {}", first.message, self.dialect().would(consequence));
        }
        faults
    }
}

/// So many characters of a regex stand in a message, and of what an engine says of it, which may repeat it: those of real
/// bridges have less than 200, and a stranger's may have a hundred thousand.
const SHOWN: usize = 400;

fn beginning(text: &str) -> Cow<'_, str> {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]).into(),
        None => text.into(),
    }
}

/// Whether `\+.*:.*` is found in it, which Dendrite wants of a group that is not empty.
fn is_group(text: &str) -> bool {
    text.is_empty() || text.lines().any(|line| line.split_once('+').is_some_and(|(_, rest)| rest.contains(':')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_of_a_file_stays_as_it_is() {
        for (message, expected) in [
            ("Synapse stops; Synapse", "Conduit stops; Conduit"),
            (
                r#"the regex "@Synapse_\"(.*" is refused by Synapse"#,
                r#"the regex "@Synapse_\"(.*" is refused by Conduit"#,
            ),
            ("`Synapse` is none, to Synapse", "`Synapse` is none, to Conduit"),
            ("Synapse, and then \"Synapse", "Conduit, and then \"Synapse"),
            ("", ""),
        ] {
            assert_eq!(replaced_outside_quotes(message, "Synapse", "Conduit"), expected);
        }
    }
}
