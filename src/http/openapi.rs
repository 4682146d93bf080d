use std::sync::LazyLock;

use actix_web::HttpResponse;
use actix_web::http::header::ContentType;
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::OpenApi;

use super::{check, conflicts, health, may_create_alias, may_register, metrics, owners, registrations, reload, status};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "bailiwick",
        description = "Who owns which part of a Matrix homeserver's namespace, exactly as Synapse would decide it.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0"),
    ),
    paths(
        owners::get,
        owners::post,
        may_register::get,
        may_register::post,
        may_create_alias::post,
        registrations::get,
        conflicts::get,
        check::post,
        status::get,
        health::healthz,
        health::readyz,
        reload::post,
        metrics::get,
        get,
    ),
    tags(
        (name = "questions", description = "What homeserver workers and registration front ends ask."),
        (name = "state", description = "What is loaded."),
        (name = "operation", description = "For operators, probes and Prometheus."),
    ),
)]
struct Contract;

/// Real answers about the example registrations; a test asks the same again.
const ANSWERS: &str = include_str!("../../openapi/answers.json");

#[derive(Deserialize)]
struct Example {
    method: String,
    path: String,
    status: u16,
    answer: Value,
}

static DOCUMENT: LazyLock<String> = LazyLock::new(|| {
    let mut document = serde_json::to_value(Contract::openapi()).expect("a contract is plain JSON");
    let examples: Vec<Example> = serde_json::from_str(ANSWERS).expect("a test reads this file");
    for Example { method, path, status, answer } in examples {
        let (method, status) = (method.to_ascii_lowercase(), status.to_string());
        let response = &mut document["paths"][&path][&method]["responses"][&status];
        if let Some(content) = response["content"]["application/json"].as_object_mut() {
            content.entry("example").or_insert(answer);
        }
    }
    guard(&mut document);
    format!("{document:#}\n")
});

/// Says that tokens may be asked for, and what is answered without a good one, or when time runs out.
fn guard(document: &mut Value) {
    document["components"]["securitySchemes"] = json!({
        "token": {"type": "http", "scheme": "bearer", "description": "With --auth-token-file only."},
    });
    let Some(paths) = document["paths"].as_object_mut() else { return };
    for (path, operations) in paths.iter_mut().filter(|(path, _)| path.starts_with("/v1/") || path.starts_with("/-/")) {
        let Some(operations) = operations.as_object_mut() else { continue };
        for operation in operations.values_mut() {
            operation["security"] = json!([{"token": []}, {}]);
            let mut refuse = |status: &str, description: &str| {
                let schema = json!({"$ref": "#/components/schemas/MatrixError"});
                operation["responses"][status] =
                    json!({"description": description, "content": {"application/json": {"schema": schema}}});
            };
            refuse("401", "With --auth-token-file: no token, or one that is not known.");
            refuse("408", "The body did not come in time.");
            if path.starts_with("/-/") {
                refuse("403", "With --auth-token-file: the token has not the role admin.");
            }
        }
    }
}

/// The contract as an OpenAPI 3.1 document, as it is committed and served.
#[must_use]
pub fn document() -> &'static str {
    &DOCUMENT
}

#[utoipa::path(
    get,
    path = "/openapi.json",
    tag = "operation",
    operation_id = "openapi",
    summary = "This document",
    responses((status = 200, description = "An OpenAPI 3.1 document.", body = serde_json::Value)),
)]
pub(super) async fn get() -> HttpResponse {
    HttpResponse::Ok().insert_header(ContentType::json()).body(document())
}
