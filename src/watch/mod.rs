//! From directories to snapshots, and again whenever something changes.
//!
//! (skeleton)

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
