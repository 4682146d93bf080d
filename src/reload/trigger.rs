use serde::{Deserialize, Serialize};

/// Why a reload happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Trigger {
    /// The first load.
    Start,
    /// An event of the file system.
    Event,
    /// The regular scan.
    Poll,
    /// SIGHUP.
    Signal,
    /// `POST /-/reload`.
    Request,
}

impl Trigger {
    /// All triggers, for the metric that counts them.
    pub const ALL: [Self; 5] = [Self::Start, Self::Event, Self::Poll, Self::Signal, Self::Request];

    /// The trigger as it stands in an answer.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Event => "event",
            Self::Poll => "poll",
            Self::Signal => "signal",
            Self::Request => "request",
        }
    }
}
