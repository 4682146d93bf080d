use std::io;

use actix_web::HttpResponse;
use actix_web::body::MessageBody;
use actix_web::http::StatusCode;
use actix_web::http::header::{self, ContentType, HeaderName};
use serde::Serialize;
use serde_json::ser::{Formatter, Serializer};

use crate::snapshot::Snapshot;
use crate::telemetry::VisibleJson;

/// An answer in its envelope: which snapshot it is from, and whether that is complete.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct Answer<'s, T> {
    #[serde(flatten)]
    pub(super) answer: T,
    /// Digest of the loaded set that answered: equal on every replica that loaded the same bytes.
    #[schema(example = "5f7ce0b6d40f4be0a4b4a9dbd1e1b5f3")]
    pub(super) snapshot: &'s str,
    /// False while any file is held, stale or quarantined or a source is missing: a caller may then choose to fail closed.
    pub(super) complete: bool,
}

impl<'s, T> Answer<'s, T> {
    pub(super) fn of(snapshot: &'s Snapshot, answer: T) -> Self {
        Self { answer, snapshot: snapshot.digest(), complete: snapshot.is_complete() }
    }
}

/// Begins an answer in its envelope, the snapshot first, and opens its list.
pub(super) fn open_with_snapshot(answer: &mut Vec<u8>, snapshot: &Snapshot, list: &str) {
    answer.push(b'{');
    envelope(answer, snapshot);
    answer.extend_from_slice(format!(",\"{list}\":[").as_bytes());
}

/// Closes the list of an answer, and then its envelope, the snapshot last.
pub(super) fn close_with_snapshot(answer: &mut Vec<u8>, snapshot: &Snapshot) {
    answer.extend_from_slice(b"],");
    close_envelope(answer, snapshot);
}

/// Closes the envelope of an answer, the snapshot last.
pub(super) fn close_envelope(answer: &mut Vec<u8>, snapshot: &Snapshot) {
    envelope(answer, snapshot);
    answer.push(b'}');
}

fn envelope(answer: &mut Vec<u8>, snapshot: &Snapshot) {
    answer.extend_from_slice(b"\"snapshot\":");
    append(answer, &snapshot.digest());
    answer.extend_from_slice(b",\"complete\":");
    append(answer, &snapshot.is_complete());
}

/// 200 with a value as JSON.
pub(super) fn ok(value: &impl Serialize) -> HttpResponse {
    json(StatusCode::OK, to_bytes(value))
}

/// What is not to be had now may be had after so many seconds: a first load or comparison takes one at most, and so does
/// a restart.
const RETRY_AFTER: (HeaderName, &str) = (header::RETRY_AFTER, "1");

/// JSON that is written already.
pub(super) fn json(status: StatusCode, bytes: impl MessageBody + 'static) -> HttpResponse {
    let mut response = HttpResponse::build(status);
    if matches!(status, StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS) {
        response.insert_header(RETRY_AFTER);
    }
    response.insert_header(ContentType::json()).body(bytes)
}

/// A value as JSON, in one buffer.
pub(super) fn to_bytes(value: &impl Serialize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(512);
    append(&mut bytes, value);
    bytes
}

/// Writes a value as JSON behind what is there.
pub(super) fn append(bytes: &mut Vec<u8>, value: &impl Serialize) {
    let mut serializer = Serializer::with_formatter(bytes, Visibly);
    value.serialize(&mut serializer).expect("answers hold only strings, numbers and booleans");
}

/// The compact form, but for what would act on the terminal of whoever reads an answer there: that is escaped, which says
/// the same in JSON.
struct Visibly;

impl Formatter for Visibly {
    fn write_string_fragment<W: io::Write + ?Sized>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        // Nearly all that is ever answered.
        if fragment.bytes().all(|byte| byte < 0x7f) {
            writer.write_all(fragment.as_bytes())
        } else {
            write!(writer, "{}", VisibleJson(fragment))
        }
    }
}
