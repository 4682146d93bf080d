//! The names that services reserve, in the forms in which neighbours keep such lists: see [`crate::analysis`], which finds
//! and proves them.
//!
//! | format | for | what it says |
//! |---|---|---|
//! | `json` | anybody | lists of names, beginnings, ends, parts and regexes, and what is left out |
//! | `regex` | matrix-registration's `invalidation_regex`, scripts | a regex a line, to be searched for in a localpart |
//! | `mas` | the policy data of the Matrix Authentication Service | the same lists under its key, and under ours what of them is ours |
//! | `ketesa` | Ketesa's `asManagedUsers` | regexes of whole IDs, those of historical grammar included |
//!
//! The first three are about what a person may register, so about today's grammar; the last is about accounts that are there.

mod lists;

use serde::Serialize;

pub use lists::Lists;

use crate::analysis::{Inexact, Reserved, Told};

/// In which form reserved names are said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum, utoipa::ToSchema)]
#[schema(rename_all = "lowercase")]
pub enum Format {
    /// Lists, and what could not be said.
    #[default]
    Json,
    /// A regex a line, for localparts.
    Regex,
    /// Policy data of the Matrix Authentication Service.
    Mas,
    /// Ketesa's `asManagedUsers`.
    Ketesa,
}

impl Format {
    const ALL: [Self; 4] = [Self::Json, Self::Regex, Self::Mas, Self::Ketesa];

    /// The format of a name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.as_str() == name)
    }

    const fn as_str(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Regex => "regex",
            Self::Mas => "mas",
            Self::Ketesa => "ketesa",
        }
    }

    /// Which names it is about.
    #[must_use]
    pub const fn told(self) -> Told {
        match self {
            Self::Json | Self::Regex | Self::Mas => Told::Localparts,
            Self::Ketesa => Told::Ids,
        }
    }
}

/// The reserved names of a homeserver at a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Export<'s> {
    /// The homeserver's name.
    pub server_name: &'s str,
    /// The digest of the set.
    pub snapshot: &'s str,
    /// Whether all of it is in force as it is on disk.
    pub complete: bool,
    /// The names.
    pub reserved: &'s Reserved,
}

/// Lists of reserved names, each proved to be what services hold exclusively.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Reserved)]
pub struct Names<'s> {
    /// The homeserver whose users are meant.
    pub server_name: &'s str,
    /// The names.
    #[serde(flatten)]
    pub lists: Lists,
    /// The entries of which that cannot be said exactly, and which are left out.
    pub inexact: &'s [Inexact],
}

#[derive(Serialize)]
struct Document<'s> {
    #[serde(flatten)]
    names: Names<'s>,
    snapshot: &'s str,
    complete: bool,
}

/// Policy data, of which other programs may keep parts, too: what is ours is said once more under our own key.
#[derive(Serialize)]
struct PolicyData<'s> {
    registration: Registration,
    bailiwick: Ours<'s>,
}

#[derive(Serialize)]
struct Registration {
    banned_usernames: Lists,
}

#[derive(Serialize)]
struct Ours<'s> {
    snapshot: &'s str,
    #[serde(flatten)]
    lists: Lists,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Ketesa {
    as_managed_users: Vec<String>,
}

impl<'s> Export<'s> {
    /// The lists.
    #[must_use]
    pub fn names(&self) -> Names<'s> {
        let lists = Lists::of(&self.reserved.forms);
        Names { server_name: self.server_name, lists, inexact: &self.reserved.inexact }
    }

    /// The text in a format.
    #[must_use]
    pub fn text(&self, format: Format) -> String {
        let lists = || Lists::of(&self.reserved.forms);
        match format {
            Format::Json => pretty(&Document { names: self.names(), snapshot: self.snapshot, complete: self.complete }),
            Format::Regex => lists().as_regexes().map(|regex| regex + "\n").collect(),
            Format::Mas => pretty(&PolicyData {
                registration: Registration { banned_usernames: lists().without_empty() },
                bailiwick: Ours { snapshot: self.snapshot, lists: lists().without_empty() },
            }),
            Format::Ketesa => pretty(&Ketesa { as_managed_users: lists().as_regexes().collect() }),
        }
    }
}

fn pretty(document: &impl Serialize) -> String {
    serde_json::to_string_pretty(document).expect("only strings, lists and booleans") + "\n"
}
