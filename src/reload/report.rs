use std::sync::Arc;
use std::time::{Duration, SystemTime};

use serde::Serialize;

use super::Trigger;
use crate::snapshot::{Changes, MissingSource};
use crate::source::PassedOver;

/// What came of a reload.
#[derive(Clone, Debug)]
pub struct ReloadReport {
    /// Why it happened.
    pub trigger: Trigger,
    /// What came of it.
    pub result: ReloadResult,
    /// The snapshot in force afterwards.
    pub generation: u64,
    /// Its digest.
    pub snapshot: Arc<str>,
    /// Whether it is complete.
    pub complete: bool,
    /// The services that this reload touched; all empty unless `result` is [`ReloadResult::Changed`].
    pub changes: Changes,
    /// The sources that cannot be read, or that are empty where they were not.
    pub missing: Vec<MissingSource>,
    /// What was found in each source, in load order.
    pub sources: Vec<FoundIn>,
    /// When it ended.
    pub finished_at: SystemTime,
    /// How long it took, from the beginning of the scan to the new snapshot in force.
    pub took: Duration,
}

/// What was found in a source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct FoundIn {
    /// The source as it is shown.
    pub source: String,
    /// How many registrations it has, whether or not they can be loaded.
    pub registrations: usize,
    /// What stands there and is not taken for a registration.
    pub passed_over: PassedOver,
}

/// What came of a reload, in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
// Clients know it by this name.
#[schema(as = ShownResult, description = "[`ReloadResult`] as it stands in an answer.")]
pub enum ReloadResult {
    /// A new snapshot is in force.
    Changed,
    /// Nothing had changed.
    Unchanged,
    /// Nothing was taken over: a source vanished or became empty.
    Refused,
}

impl ReloadResult {
    /// All results, for the metric that counts them.
    pub const ALL: [Self; 3] = [Self::Changed, Self::Unchanged, Self::Refused];

    /// The result as it stands in an answer.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Changed => "changed",
            Self::Unchanged => "unchanged",
            Self::Refused => "refused",
        }
    }
}

impl Serialize for ReloadReport {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Shown::from(self).serialize(serializer)
    }
}

/// A reload as it stands in an answer.
#[derive(Serialize, utoipa::ToSchema)]
struct Shown<'r> {
    /// Why it happened.
    trigger: Trigger,
    /// `changed`: a new snapshot is in force; `unchanged`: nothing had changed; `refused`: a source has vanished or
    /// become empty, and what it held stays in force.
    result: ReloadResult,
    /// The snapshot in force afterwards, counted from 1.
    generation: u64,
    /// Its digest.
    snapshot: &'r str,
    /// Whether it is complete.
    complete: bool,
    /// The services that were touched.
    changes: &'r Changes,
    /// The sources that are not as they should be.
    missing: &'r [MissingSource],
    /// What was found in each source, in load order.
    sources: &'r [FoundIn],
    /// When it ended, in milliseconds since 1970-01-01 UTC.
    finished_at_ms: u64,
    /// How long it took, in milliseconds.
    milliseconds: u64,
}

impl<'r> From<&'r ReloadReport> for Shown<'r> {
    fn from(report: &'r ReloadReport) -> Self {
        let since_1970 = report.finished_at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Self {
            trigger: report.trigger,
            result: report.result,
            generation: report.generation,
            snapshot: &report.snapshot,
            complete: report.complete,
            changes: &report.changes,
            missing: &report.missing,
            sources: &report.sources,
            finished_at_ms: millis(since_1970),
            milliseconds: millis(report.took),
        }
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

impl utoipa::PartialSchema for ReloadReport {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        <Shown<'_> as utoipa::PartialSchema>::schema()
    }
}

impl utoipa::ToSchema for ReloadReport {
    fn name() -> std::borrow::Cow<'static, str> {
        "ReloadReport".into()
    }

    fn schemas(schemas: &mut Vec<(String, utoipa::openapi::RefOr<utoipa::openapi::schema::Schema>)>) {
        <Shown<'_> as utoipa::ToSchema>::schemas(schemas);
    }
}
