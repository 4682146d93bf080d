use crate::homeserver::Dialect;
use crate::registration::{Fault, FaultCode};

/// What only one registration in force may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unique {
    /// Its `id`.
    Id,
    /// Its `as_token`.
    Token,
    /// Its proxy prefix and all below it.
    ProxyPrefix,
}

impl Unique {
    /// Why a registration is turned away that wants what another has. `refused` is its file, or what it is called, and
    /// `holder` the other's file.
    pub(crate) fn fault(self, refused: &str, id: &str, holder: &str, dialect: Dialect) -> Fault {
        let rules = dialect.set();
        let then = match self {
            Self::Id | Self::ProxyPrefix => rules.same_id,
            Self::Token => rules.same_token,
        };
        let consequence = dialect.would(then);
        // Of Synapse all faults come to the same.
        let told = |fault: Fault| if dialect == Dialect::default() { fault } else { fault.with(then) };
        let (code, collision, way_out) = match self {
            // Whoever is told to remove one of two files must not remove the only one.
            Self::Id if refused == holder => {
                let message = format!(
                    "{refused} is named twice; {consequence}; name it once: there is one file, and it is in force"
                );
                return told(Fault::of_file(FaultCode::DuplicateId, message));
            }
            Self::Id => (
                FaultCode::DuplicateId,
                format!("{refused} has the same `id` `{id}` as"),
                "remove one of the files or give one of them another `id`",
            ),
            Self::Token => (
                FaultCode::DuplicateToken,
                format!("{refused} has the same `as_token` as"),
                "give each application service tokens of its own",
            ),
            Self::ProxyPrefix => (
                FaultCode::OverlappingProxyPrefix,
                format!("the `io.element.msc4512.proxy_prefix` of {refused} overlaps that of"),
                "give each application service a prefix of its own",
            ),
        };
        told(Fault::of_file(code, format!("{collision} {holder}, which is in force; {consequence}; {way_out}")))
    }
}
