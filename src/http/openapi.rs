use std::sync::LazyLock;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::OpenApi;
use utoipa::openapi::tag::TagBuilder;

use super::endpoint::{Endpoint, Tag, operations};
use super::{ENDPOINTS, Role, render};

pub(super) const ENDPOINT: Endpoint =
    Endpoint { path: "/openapi.json", tag: Tag::Contract, role: None, operations: operations![get] };

#[derive(OpenApi)]
#[openapi(info(
    title = "bailiwick",
    description = "Who owns which part of a Matrix homeserver's namespace, exactly as Synapse would decide it.",
    license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0"),
))]
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
    let mut contract = Contract::openapi();
    contract.tags = Some(Tag::DOCUMENTED.iter().map(|tag| described(*tag)).collect());
    for operation in ENDPOINTS.iter().flat_map(Endpoint::described) {
        contract.merge(operation);
    }
    let mut document = serde_json::to_value(contract).expect("a contract is plain JSON");
    let examples: Vec<Example> = serde_json::from_str(ANSWERS).expect("a test reads this file");
    for Example { method, path, status, answer } in examples {
        let (method, status) = (method.to_ascii_lowercase(), status.to_string());
        let response = &mut document["paths"][&path][&method]["responses"][&status];
        if let Some(content) = response["content"]["application/json"].as_object_mut() {
            content.entry("example").or_insert(answer);
        }
    }
    guard(&mut document);
    refine(&mut document);
    format!("{document:#}\n")
});

fn described(tag: Tag) -> utoipa::openapi::Tag {
    TagBuilder::new().name(tag.as_str()).description(Some(tag.description())).build()
}

/// Says that tokens may be asked for, and what is answered without a good one, or when time runs out.
fn guard(document: &mut Value) {
    document["components"]["securitySchemes"] = json!({
        "token": {"type": "http", "scheme": "bearer", "description": "With --auth-token-file only."},
    });
    for endpoint in ENDPOINTS {
        let Some(role) = endpoint.role else { continue };
        let Some(operations) = document["paths"][endpoint.path].as_object_mut() else { continue };
        for operation in operations.values_mut() {
            operation["security"] = json!([{"token": []}, {}]);
            let mut refuse = |status: &str, description: &str| {
                let schema = json!({"$ref": "#/components/schemas/MatrixError"});
                operation["responses"][status] =
                    json!({"description": description, "content": {"application/json": {"schema": schema}}});
            };
            refuse("401", "With --auth-token-file: no token, or one that is not known.");
            refuse("408", "The body did not come in time.");
            if role == Role::Admin {
                refuse("403", "With --auth-token-file: the token has not the role admin.");
            }
        }
    }
}

/// The parameters of a GET.
fn parameters<'d>(document: &'d mut Value, path: &str) -> impl Iterator<Item = &'d mut Value> {
    document["paths"][path]["get"]["parameters"].as_array_mut().into_iter().flatten()
}

/// Says what the types cannot: which values go together.
fn refine(document: &mut Value) {
    let user_id = json!({"type": "string", "pattern": "^@", "maxLength": 769, "description": "The whole user ID."});
    let localpart = json!({"type": "string", "maxLength": 512, "description": "The localpart on this server."});
    let absent = json!({"type": "null"});
    let request = &mut document["components"]["schemas"]["MayRegisterRequest"];
    // One way or the other to name the user, and at most one to say who asks.
    request["oneOf"] = json!([
        {"required": ["user_id"], "properties": {"user_id": user_id, "localpart": absent}},
        {"required": ["localpart"], "properties": {"localpart": localpart, "user_id": absent}},
    ]);
    let text = json!({"type": "string"});
    request["not"] = json!({"required": ["as_id", "as_token"], "properties": {"as_id": text, "as_token": text}});
    document["components"]["schemas"]["MayCreateAliasRequest"]["properties"]["alias"] = json!({
        "type": "string", "pattern": "^#", "maxLength": 255, "description": "The alias; at most 255 bytes.",
    });
    document["paths"]["/v1/may-register"]["get"]["parameters"] = json!([{
        "name": "question",
        "in": "query",
        "required": true,
        "style": "form",
        "explode": true,
        "description": "Who is to be registered: `user_id` or `localpart`; and by which service, `as_id`, if it is not a person.",
        "schema": {"oneOf": [
            {"type": "object", "required": ["user_id"], "additionalProperties": false, "properties": {"user_id": user_id, "as_id": text}},
            {"type": "object", "required": ["localpart"], "additionalProperties": false, "properties": {"localpart": localpart, "as_id": text}},
        ]},
    }]);
    document["components"]["schemas"]["MayCreateAliasRequest"]["properties"]["user_id"] = json!({
        "type": ["string", "null"], "pattern": "^@", "maxLength": 255, "description": "The user who asks; at most 255 bytes.",
    });
    for parameter in parameters(document, "/v1/conflicts") {
        if parameter["name"] == "limit" {
            parameter["schema"] = json!({"type": "integer", "minimum": 0});
        }
    }
    // As an object, because that says what a lone parameter cannot: one ID, once, and nothing beside it.
    document["paths"]["/v1/owners"]["get"]["parameters"] = json!([{
        "name": "question",
        "in": "query",
        "required": true,
        "style": "form",
        "explode": true,
        "description": "The ID, percent-encoded; at most 255 bytes: `?id=%40irc_alice%3Aexample.com`.",
        "schema": {
            "type": "object", "required": ["id"], "additionalProperties": false,
            "properties": {"id": {"type": "string", "maxLength": 255, "pattern": "^[@#!]"}},
        },
        "example": {"id": "@irc_alice:example.com"},
    }]);
    // YAML holds any value, and whatever it is, there is an answer.
    document["paths"]["/v1/check"]["post"]["requestBody"]["content"]["application/yaml"]["schema"] = json!({});
}

/// The contract as an OpenAPI 3.1 document, as it is committed and served.
#[must_use]
pub fn document() -> &'static str {
    &DOCUMENT
}

#[utoipa::path(
    get,
    path = ENDPOINT.path,
    operation_id = "openapi",
    summary = "This document",
    responses((status = 200, description = "An OpenAPI 3.1 document.", body = serde_json::Value)),
)]
async fn get() -> HttpResponse {
    render::json(StatusCode::OK, document())
}
