use crate::matrix::Kind;

/// By what an arena remembers a term.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Name {
    /// IDs of a kind.
    Ids(Kind, Ids),
    /// All that an entry matches.
    Matched(EntryName),
    /// What of that the entries before it leave.
    Effective(EntryName),
}

/// Which IDs of a kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Ids {
    /// Local IDs as they can be made today.
    Valid,
    /// Local IDs of printable ASCII, as old servers and lenient bridges have made them.
    Historical,
    /// IDs of other servers, as they can be made today.
    Remote,
    /// IDs of other servers, of printable ASCII.
    RemoteHistorical,
    /// Anything that begins with the sigil.
    All,
}

/// An entry, by where its registration is in memory: that lives as long as an arena.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct EntryName {
    pub(super) registration: usize,
    pub(super) kind: Kind,
    pub(super) index: u32,
}
