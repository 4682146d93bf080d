use std::io::Write;
use std::process::ExitCode;

use super::{INTERNAL, OK};
use crate::http;

/// Prints the OpenAPI document; `bailiwick openapi > openapi/bailiwick.json` brings the committed one up to date.
pub(super) fn run() -> ExitCode {
    let written = std::io::stdout().write_all(http::openapi_document().as_bytes());
    ExitCode::from(if written.is_ok() { OK } else { INTERNAL })
}
