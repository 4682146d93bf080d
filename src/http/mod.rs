//! The questions of section "Interface" over HTTP/1.1, one file for each endpoint.
//!
//! A handler parses, takes the snapshot in force once, asks it, and renders straight into the body. Errors are Matrix
//! errors with the fitting status, those of actix's own making included; a decision is always 200.

mod access;
mod app;
mod body;
mod check;
mod conflicts;
mod error;
mod health;
mod may_create_alias;
mod may_register;
mod metrics;
mod openapi;
mod owners;
mod patience;
mod query;
mod registrations;
mod reload;
mod render;
mod requests;
mod status;

pub use access::{Access, Role};
pub use app::{AppState, Limits, Part, configure};
pub use error::ApiError;
pub use openapi::document as openapi_document;
pub use patience::{Connection, Connections};
