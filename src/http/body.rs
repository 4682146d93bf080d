use actix_web::error::PayloadError;
use actix_web::web::Bytes;
use serde::Deserialize;
use serde_json::error::Category;

use super::ApiError;

/// The body of a request as it arrives: whole, or why it could not be read.
pub(super) type Body = Result<Bytes, actix_web::Error>;

/// Reads a body of JSON. `expected` is the shape, for the error; what was sent is never repeated.
pub(super) fn json<'b, T: Deserialize<'b>>(body: &'b Body, expected: &str) -> Result<T, ApiError> {
    json_of(read(body)?, expected)
}

/// The same of a body that has been read.
pub(super) fn json_of<'b, T: Deserialize<'b>>(bytes: &'b [u8], expected: &str) -> Result<T, ApiError> {
    // What takes an object would take a list of its values, too.
    if bytes.trim_ascii_start().first() == Some(&b'[') && serde_json::from_slice::<serde::de::IgnoredAny>(bytes).is_ok()
    {
        return Err(ApiError::bad_json(format!("a list, where this is expected: {expected}")));
    }
    serde_json::from_slice(bytes).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        match error.classify() {
            Category::Data => {
                ApiError::bad_json(format!("not the shape expected here (line {line}, column {column}): {expected}"))
            }
            _ => ApiError::not_json(format!("the body is not JSON (line {line}, column {column}): {expected}")),
        }
    })
}

pub(super) fn read(body: &Body) -> Result<&Bytes, ApiError> {
    body.as_ref().map_err(|error| match error.as_error::<PayloadError>() {
        Some(PayloadError::Overflow) => ApiError::too_large("the body is larger than this server takes"),
        _ if error.as_response_error().status_code().as_u16() == 413 => {
            ApiError::too_large("the body is larger than this server takes")
        }
        _ => ApiError::unreadable_body("the body could not be read to its end"),
    })
}
