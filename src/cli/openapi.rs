use std::io::Write;
use std::process::ExitCode;

use super::OK;
use super::output::print;
use crate::http;

/// Prints the OpenAPI document; `bailiwick openapi > openapi/bailiwick.json` brings the committed one up to date.
pub(super) fn run() -> ExitCode {
    print(OK, |out| out.write_all(http::openapi_document().as_bytes()))
}
