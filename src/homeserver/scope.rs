/// Which IDs of users the entries of a registration can bind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Those that match, of whatever server.
    Any,
    /// Those that match and are of this server (MSC3905).
    Local,
}

/// Which IDs a service's own user has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sender {
    /// The one that its localpart and this server's name make.
    Exact,
    /// Whatever has its localpart, on any server.
    AnyServer,
    /// What the ID, quoted, is found in: an entry behind all others, exclusive.
    Quoted,
}
