//! What the IDs begin with that a service claims: far less than its claims, and enough to tell which IDs it has nothing
//! to do with.

use std::sync::Arc;

use python_re::{Anchor, Ast, Path};

use super::position::Slot;
use super::source::{Place, Source};
use crate::homeserver::{Homeserver, Rank};
use crate::matrix::Kind;
use crate::registration::Registration;

/// IDs of some kind, by what they begin with.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Beginning {
    /// All that begin so.
    Prefix(Arc<str>),
    /// One alone.
    Id(Arc<str>),
}

/// So many are told of one service and kind; where there are more, what they all begin with is told instead. Of 75
/// real registrations none has more than six.
const MOST: usize = 64;

impl Beginning {
    /// What the IDs of a kind begin with that a service claims by what has these ranks: its own user, or entries. An ID
    /// that begins with none of them is not claimed by those.
    ///
    /// These are the paths that the index goes by, without what follows the prefix of each.
    pub fn of(
        homeserver: &Homeserver,
        kind: Kind,
        registration: &Registration,
        wanted: impl Fn(Rank) -> bool,
    ) -> Vec<Self> {
        let source = Source { kind, homeserver, registrations: std::array::from_ref(registration) };
        let parsed = source.parse_some(Slot::new(0), wanted);
        let paths = parsed.iter().flat_map(|parsed| parsed.paths.iter().map(|path| (parsed.place, path)));
        let beginning = |(place, path)| match place {
            // A prefix without regard to case is no beginning of an ID.
            Place::Start if source.folds() => Some(Self::all(kind)),
            Place::Written | Place::Start => Self::of_path(path, kind),
            // What is looked for anywhere, and is found where a sigil stands, may be found behind any beginning.
            Place::AnySigil => Some(Self::all(kind)),
        };
        Self::fewest(paths.filter_map(beginning).collect())
    }

    fn all(kind: Kind) -> Self {
        Self::Prefix(kind.sigil().to_string().into())
    }

    /// `None` if no ID of the kind takes this path.
    fn of_path(path: &Path, kind: Kind) -> Option<Self> {
        // What is no UTF-8 would be half a character: all that begins with the whole ones before it.
        let prefix = match std::str::from_utf8(&path.prefix) {
            Ok(prefix) => prefix,
            Err(error) => std::str::from_utf8(&path.prefix[..error.valid_up_to()]).unwrap_or_default(),
        };
        if prefix.is_empty() {
            return Some(Self::all(kind));
        }
        let is_one = path.rest.as_ref().is_some_and(is_end) && prefix.len() == path.prefix.len();
        let beginning = if is_one { Self::Id(prefix.into()) } else { Self::Prefix(prefix.into()) };
        prefix.starts_with(kind.sigil()).then_some(beginning)
    }

    /// The same IDs, or more, said with as few beginnings as there need be, in order.
    #[must_use]
    pub fn fewest(mut beginnings: Vec<Self>) -> Vec<Self> {
        // What begins with a prefix follows it in this order, and the prefix stands before the ID that is the same.
        beginnings.sort_unstable_by(|a, b| (a.text(), a).cmp(&(b.text(), b)));
        beginnings.dedup_by(|next, kept| kept.covers(next.text()) || kept == next);
        if beginnings.len() > MOST {
            let (first, last) = (beginnings[0].text(), beginnings[beginnings.len() - 1].text());
            let alike = first.chars().zip(last.chars()).take_while(|(a, b)| a == b);
            let shared: String = alike.map(|(a, _)| a).collect();
            return vec![Self::Prefix(shared.into())];
        }
        beginnings
    }

    /// Whether an ID is one of these.
    #[must_use]
    pub fn covers(&self, id: &str) -> bool {
        match self {
            Self::Prefix(prefix) => id.starts_with(&**prefix),
            Self::Id(one) => id == &**one,
        }
    }

    /// The prefix, or the ID.
    #[must_use]
    pub fn text(&self) -> &str {
        let (Self::Prefix(text) | Self::Id(text)) = self;
        text
    }
}

/// Whether nothing may follow.
fn is_end(rest: &Ast) -> bool {
    match rest {
        Ast::Anchor(Anchor::End) => true,
        Ast::Concat(items) => matches!(&items[..], [Ast::Anchor(Anchor::End)]),
        _ => false,
    }
}
