//! What the service answers over HTTP/1.1: a file for each endpoint, and each endpoint said once ([`endpoint`]).
//!
//! A handler parses, takes the snapshot in force once, asks it, and renders straight into the body. Errors are Matrix
//! errors with the fitting status, those of actix's own making included; a decision is always 200.

mod access;
mod app;
mod aside;
mod batch;
mod body;
mod caller;
mod changes;
mod check;
mod claims;
mod conflicts;
mod decided;
mod decision_record;
mod doors;
mod elsewhere;
mod endpoint;
mod error;
mod exchange;
#[cfg(feature = "postgres")]
mod gate;
mod healthz;
mod history;
mod homeservers;
mod may_act;
mod may_create_alias;
mod may_register;
mod memory;
mod metrics;
mod names;
mod observer;
mod openapi;
mod owners;
mod paced;
mod page;
mod pieces;
mod query;
mod question;
mod readyz;
mod register_available;
mod registration;
mod registrations;
mod reload;
mod render;
mod requests;
mod reserved;
mod role;
mod scratch;
mod stalled;
mod state;
mod status;
mod turns;
mod waiters;
mod workers;

pub use access::{Access, Role};
pub use app::configure;
pub use aside::Aside;
use caller::Caller;
pub use decision_record::{Recorded, Recorder};
pub use doors::{Doors, origin};
use endpoint::Endpoint;
pub use endpoint::Part;
pub use error::ApiError;
pub use exchange::Exchange;
pub use openapi::document as openapi_document;
pub use paced::Paced;
pub use stalled::{Connection, Connections};
pub use state::{AppState, Limits, WhenIncomplete};

/// All that is served, in the order of the document.
const ENDPOINTS: &[Endpoint] = &[
    owners::ENDPOINT,
    may_register::ENDPOINT,
    may_create_alias::ENDPOINT,
    may_act::ENDPOINT,
    register_available::ENDPOINT,
    reserved::ENDPOINT,
    registrations::ENDPOINT,
    registration::ENDPOINT,
    names::ENDPOINT,
    claims::ENDPOINT,
    conflicts::ENDPOINT,
    changes::ENDPOINT,
    history::ENDPOINT,
    homeservers::ENDPOINT,
    check::ENDPOINT,
    status::ENDPOINT,
    role::ENDPOINT,
    healthz::ENDPOINT,
    readyz::ENDPOINT,
    reload::ENDPOINT,
    metrics::ENDPOINT,
    openapi::ENDPOINT,
    page::ENDPOINT,
    page::ASSETS,
];

/// The method and the path of every operation.
pub fn operations() -> impl Iterator<Item = (actix_web::http::Method, &'static str)> {
    ENDPOINTS.iter().flat_map(|endpoint| endpoint.methods().into_iter().map(|method| (method, endpoint.path)))
}
