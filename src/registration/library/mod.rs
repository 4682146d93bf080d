//! What the libraries of other homeservers make of the text of a registration: its keys, its types, and what they refuse.
//!
//! Four libraries read YAML for six homeservers, and no two agree; for two of the homeservers there is TOML besides, which
//! figment reads as well. What follows holds for the releases that
//! [`Library`](crate::homeserver::Library) names; the whole table, with each case tried, is `docs/homeservers.md`.
//!
//! | | `serde_yaml` | yaml.v2 | figment | `serde-saphyr` |
//! |---|---|---|---|---|
//! | grammar | libyaml's | libyaml's, ported | libyaml's | that of YAML 1.2 |
//! | a text | any scalar, as it is written: `null` is the text `null` | any scalar but null, which is `""` | only what is no null, boolean or number | any scalar but null |
//! | a boolean | `true`, `True`, `TRUE` | also `yes`, `on`, `y`; null is false | as `serde_yaml` | also `yes`, `on`, `y`, and all of them in quotes |
//! | a key twice | refused, if the library knows it | the last counts | the last counts | refused |
//! | `<<` | a key as others | merges, in the order of the file | a key as others | merges |
//!
//! The first three are read from a [`pyyaml::Tree`], by rules that each has in a file of its own; so what they make of a
//! file has positions, and is told from what PyYAML makes of it by reading two short files side by side. The fourth has a
//! grammar of its own, and tells positions: there it is the library itself that is asked, at the release that the
//! homeserver is locked to.
//!
//! How exact that is: `oracle/loaders.py` makes files by mutation, asks the libraries themselves, and records them.

mod figment;
mod go_yaml;
mod said;
mod saphyr;
mod scalar;
mod serde_yaml;

pub(crate) use said::{At, Keys, Said, SaidEntry, Wrong};

use said::Room;

pub(super) use figment::{directory, tables};

use pyyaml::{Grammar, Tree};

/// The libraries that are no PyYAML, and what of a file they read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Foreign<'t> {
    Figment,
    FigmentToml,
    /// The table of this name, of those in a configuration.
    FigmentTable(&'t str),
    GoYaml,
    Saphyr,
    SerdeYaml,
}

/// What a library makes of the bytes of a file.
pub(crate) fn read(library: Foreign<'_>, bytes: &[u8], keys: Keys) -> Result<Said, Vec<Wrong>> {
    let room = Room::of(bytes);
    match library {
        Foreign::Saphyr => saphyr::read(bytes, room),
        Foreign::FigmentToml => figment::read_toml(bytes, keys),
        Foreign::FigmentTable(name) => figment::read_table(bytes, name),
        Foreign::GoYaml => with_tree(bytes, Grammar::GoYaml, |tree| go_yaml::read(tree, room)),
        Foreign::SerdeYaml => with_tree(bytes, Grammar::LibYaml, |tree| serde_yaml::read(tree, keys, room)),
        Foreign::Figment => with_tree(bytes, Grammar::LibYaml, |tree| figment::read(tree, keys, room)),
    }
}

fn with_tree(
    bytes: &[u8],
    grammar: Grammar,
    read: impl FnOnce(&Tree<'_>) -> Result<Said, Vec<Wrong>>,
) -> Result<Said, Vec<Wrong>> {
    let syntax = |error| vec![Wrong::Syntax(error)];
    let text = pyyaml::decode_as(bytes, grammar).map_err(syntax)?;
    match Tree::read(&text, grammar).map_err(syntax)? {
        Some(tree) => read(&tree),
        None => Err(vec![Wrong::Empty]),
    }
}
