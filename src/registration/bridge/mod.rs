//! A bridge's own configuration, as far as it says what the bridge's registration says, too.
//!
//! A bridge reads its configuration, the homeserver reads its registration, and nothing makes the two agree: a registration is
//! generated from a configuration once, and then one of them is edited. What follows looks like a fault of the homeserver
//! (`M_UNKNOWN_TOKEN`, `M_EXCLUSIVE`, a bridge that hears nothing), and is the commonest complaint of all in the bridges' issue
//! threads.
//!
//! Each family of bridges writes the same facts under keys of its own. A file of this room reads one family; what it finds is
//! said in common words ([`BridgeConfig`]), each with its place. Which family a file is of is told by its shape: no bridge
//! writes its own name down.
//!
//! | family | read in | from |
//! |---|---|---|
//! | mautrix in Go, both generations, and in Python | `mautrix` | mautrix-go 0.2x `bridgev2/bridgeconfig`, mautrix-python 0.21.1 `bridge/config.py` |
//! | matrix-appservice-irc, -slack, -discord | `appservice_bridge` | each one's `generateRegistration` and sample configuration |
//! | matrix-hookshot | `hookshot` | `src/config`, `registration.sample.yml` |
//! | heisenbridge, and whatever else keeps a copy of its registration | `copy` | heisenbridge 1.15.4 `__main__.py` |
//!
//! The names that a bridge gives are a [`Names`]: a template whose placeholders stand for any name. The room `analysis` holds
//! their language against what the registration claims.
//!
//! Read with PyYAML's grammar, although bridges use half a dozen libraries: what is read here are plain words and numbers, on
//! which all agree. Tokens are kept as digests, and what is shown of other values is shown without them.

mod appservice_bridge;
mod copy;
mod hookshot;
mod mautrix;
mod reader;
mod template;

use std::fmt;
use std::sync::Arc;

use super::syntax::{self, Subject};
use super::{Fault, FaultCode, Place, Said, TokenDigest, TokenHasher, ValidRegex};
use crate::homeserver::Homeserver;
use crate::matrix::Kind;
use crate::registration::{Entry, Registration};
use pyyaml::{Document, Release, Value};
use reader::Reader;
pub use template::{Filling, Part};

/// Which bridge a configuration is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bridge {
    /// One of mautrix in Go.
    MautrixGo,
    /// One of mautrix in Python.
    MautrixPython,
    /// matrix-appservice-irc.
    Irc,
    /// matrix-appservice-slack.
    Slack,
    /// matrix-appservice-discord.
    Discord,
    /// matrix-hookshot.
    Hookshot,
    /// heisenbridge, whose configuration is a copy of its registration.
    Heisenbridge,
    /// Any that keeps a copy of its registration.
    Copy,
}

impl Bridge {
    /// What is known, for whoever gives something else.
    pub const KNOWN: &'static str = "mautrix bridges (`homeserver:`, `appservice:`), matrix-appservice-irc (`ircService:`), \
        matrix-appservice-slack (`username_prefix:`), matrix-appservice-discord (`bridge: homeserverUrl:`, `auth:`), matrix-hookshot \
        (`bridge:`, `permissions:` or `passFile:`), and copies of a registration, such as heisenbridge's";

    /// What it is called.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::MautrixGo | Self::MautrixPython => "a mautrix bridge",
            Self::Irc => "matrix-appservice-irc",
            Self::Slack => "matrix-appservice-slack",
            Self::Discord => "matrix-appservice-discord",
            Self::Hookshot => "matrix-hookshot",
            Self::Heisenbridge => "heisenbridge",
            Self::Copy => "a bridge's copy of its registration",
        }
    }
}

/// What a bridge's configuration says of what its registration says, too.
#[derive(Clone, Debug)]
pub struct BridgeConfig {
    /// The file, as it is shown.
    pub file: Arc<str>,
    /// Which bridge it is of.
    pub bridge: Bridge,
    /// The homeserver's name.
    pub domain: Option<Said<String>>,
    /// The `id`.
    pub id: Option<Said<String>>,
    /// Where the homeserver is told that the bridge is, without user info.
    pub address: Option<Said<String>>,
    /// The port at which the bridge listens.
    pub port: Option<Said<u16>>,
    /// The address at which it listens.
    pub hostname: Option<Said<String>>,
    /// The `as_token`.
    pub as_token: Option<Secret>,
    /// The `hs_token`.
    pub hs_token: Option<Secret>,
    /// The localpart of the registration's own user, where the bridge needs it to be that.
    pub sender: Option<Said<String>>,
    /// Localparts of users that the bridge acts as.
    pub bots: Vec<Said<String>>,
    /// What it calls its users and rooms.
    pub names: Vec<Names>,
    /// With what the bridge would not start or not work, each a sentence without an end.
    pub refused: Vec<Said<String>>,
}

impl BridgeConfig {
    /// A configuration of which nothing is known yet.
    fn of(bridge: Bridge) -> Self {
        Self {
            file: "".into(),
            bridge,
            domain: None,
            id: None,
            address: None,
            port: None,
            hostname: None,
            as_token: None,
            hs_token: None,
            sender: None,
            bots: Vec::new(),
            names: Vec::new(),
            refused: Vec::new(),
        }
    }
}

/// A token of a configuration.
#[derive(Clone, Debug)]
pub struct Secret {
    /// Recognizes it.
    pub digest: TokenDigest,
    /// What it is, if it is none.
    pub is_none: Option<&'static str>,
    /// Where it begins.
    pub place: Place,
}

/// What a bridge calls users or rooms.
#[derive(Clone, Debug)]
pub struct Names {
    /// What it names.
    pub kind: Kind,
    /// As it is written, without secrets.
    pub written: String,
    /// Where it begins.
    pub place: Place,
    /// Which names that makes.
    pub made: Made,
}

/// Which names a template makes.
#[derive(Clone, Debug)]
pub enum Made {
    /// Localparts of these parts, one after the other.
    Localparts(Vec<Part>),
    /// What a regex matches.
    Regex(ValidRegex),
    /// One name for everybody, and why.
    One(&'static str),
    /// What is not known: the template does more than to insert a name.
    Unknown,
}

/// Why a bridge's configuration cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BridgeConfigError(pub Fault);

impl fmt::Display for BridgeConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.0.line, self.0.column) {
            (Some(line), Some(column)) => write!(f, "{line}:{column}: {}", self.0.message),
            _ => f.write_str(&self.0.message),
        }
    }
}

impl std::error::Error for BridgeConfigError {}

/// Whether the bridge whose registration it is starts with an entry: there are bridges that read theirs, too.
pub(crate) fn is_taken_by_bridge(registration: &Registration, kind: Kind, entry: Entry<'_>) -> bool {
    copy::is_taken(registration, kind, entry)
}

/// Reads a bridge's configuration, whichever bridge's it is.
pub fn bridge_config(
    homeserver: &Homeserver,
    file: &Arc<str>,
    bytes: &[u8],
    hasher: &TokenHasher,
) -> Result<BridgeConfig, BridgeConfigError> {
    let subject = Subject::BridgeConfig;
    let text = pyyaml::decode(bytes).map_err(|error| BridgeConfigError(syntax::undecodable(&error, bytes, subject)))?;
    let document = Document::read(&text, Release::V6_0_3)
        .map_err(|error| BridgeConfigError(syntax::fault(&error, &text, subject)))?;
    let unknown = |place: Place| {
        let message = format!("this is no configuration of a bridge that is known here; known are {}", Bridge::KNOWN);
        BridgeConfigError(Fault::at(FaultCode::NotARegistration, place, message))
    };
    let top = Place { line: 1, column: 1 };
    let document = document.ok_or_else(|| unknown(top))?;
    let Value::Dict(pairs) = document.value(document.root()) else { return Err(unknown(top)) };
    let reader = Reader::new(&document, pairs, hasher);
    let mut config = if let Some(copy) = copy::read(&reader, homeserver, bytes) {
        copy?
    } else {
        let families = [
            appservice_bridge::irc,
            hookshot::read,
            appservice_bridge::slack,
            appservice_bridge::discord,
            mautrix::read,
        ];
        families.iter().find_map(|read| read(&reader)).ok_or_else(|| unknown(document.place(document.root())))?
    };
    config.file = Arc::clone(file);
    Ok(config)
}
