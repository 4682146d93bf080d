use std::sync::LazyLock;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::OpenApi;
use utoipa::openapi::tag::TagBuilder;

use super::endpoint::{Endpoint, Tag, operations};
use super::query::MIN_REVISION;
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
    for operation in documented().flat_map(Endpoint::described) {
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
    document["servers"] = json!([
        {"url": "/", "description": "Where this document is served."},
        {"url": "http://127.0.0.1:8790", "description": "Where it is served unless it is told otherwise."},
    ]);
    tell_decision_ids(&mut document);
    guard(&mut document);
    refine(&mut document);
    spread(&mut document);
    format!("{document:#}\n")
});

/// What programs may rely upon.
fn documented() -> impl Iterator<Item = &'static Endpoint> {
    ENDPOINTS.iter().filter(|endpoint| Tag::DOCUMENTED.contains(&endpoint.tag))
}

fn described(tag: Tag) -> utoipa::openapi::Tag {
    TagBuilder::new().name(tag.as_str()).description(Some(tag.description())).build()
}

/// Says who may ask what, and what is answered to whoever may not, or when time runs out.
fn guard(document: &mut Value) {
    document["components"]["securitySchemes"] = json!({
        "token": {
            "type": "http",
            "scheme": "bearer",
            "description": "With --auth-token-file only. Each token has a role, register, read or admin; each may what \
                            those before it may. An operation names the one that it takes.",
        },
    });
    for endpoint in documented() {
        let Some(operations) = document["paths"][endpoint.path].as_object_mut() else { continue };
        for (method, operation) in operations {
            operation["security"] = match endpoint.role_for(method) {
                Some(role) => json!([{"token": [role.as_str()]}, {}]),
                None => json!([]),
            };
            let mut refusals = refusals(endpoint, matches!(&**method, "post" | "put"));
            if operation["responses"].get("503").is_none() {
                refusals.push(("503", "More is on its way already than there is memory for."));
            }
            if endpoint.refuses_parameters() && operation["responses"].get("400").is_none() {
                refusals.push(("400", "Parameters that nobody reads."));
            }
            for (status, description) in refusals {
                // Where the endpoint has reasons of its own, these are others.
                let own = operation["responses"][status]["description"].as_str();
                let description = own.map_or_else(|| description.to_owned(), |own| format!("{own} {description}"));
                let schema = json!({"$ref": "#/components/schemas/MatrixError"});
                operation["responses"][status] =
                    json!({"description": description, "content": {"application/json": {"schema": schema}}});
            }
            if let Some(responses) = operation["responses"].as_object_mut() {
                responses.sort_keys();
                for (_, later) in responses.iter_mut().filter(|(status, _)| matches!(&***status, "429" | "503")) {
                    later["headers"]["Retry-After"] =
                        json!({"description": "Seconds after which to ask again.", "schema": {"type": "integer"}});
                }
            }
        }
    }
}

/// Says what decisions are called on record.
fn tell_decision_ids(document: &mut Value) {
    let decide = ["/v1/may-register", "/v1/may-create-alias", "/v1/may-act", "/_matrix/client/v3/register/available"];
    let header = json!({
        "description": "With --decision-log: what the decision is called on record, if it is put there.",
        "schema": {"type": "string"},
    });
    for path in decide {
        for operation in document["paths"][path].as_object_mut().into_iter().flat_map(serde_json::Map::values_mut) {
            operation["responses"]["200"]["headers"]["Bailiwick-Decision-Id"] = header.clone();
        }
    }
}

/// What is answered before a handler is asked.
fn refusals(endpoint: &Endpoint, has_body: bool) -> Vec<(&'static str, &'static str)> {
    let mut refusals = Vec::new();
    if endpoint.role.is_some() {
        refusals.push(("401", "With --auth-token-file: no token, or one that is not known."));
    }
    if endpoint.role.is_some_and(|role| role > Role::Register) || has_body {
        refusals.push(("403", "The token has not the role, or a web page of another origin asks."));
    }
    if has_body {
        refusals.push(("408", "The body did not come in time."));
    }
    if endpoint.role == Some(Role::Admin) {
        refusals.push(("415", "The body is not application/json."));
    }
    refusals.push(("421", "Addressed by a name that is not this machine's; see --allow-host."));
    refusals
}

/// The parameters of a GET.
fn parameters<'d>(document: &'d mut Value, path: &str) -> impl Iterator<Item = &'d mut Value> {
    document["paths"][path]["get"]["parameters"].as_array_mut().into_iter().flatten()
}

/// Says what the types cannot. Which of several values go together is said in words: generators of clients make nothing of
/// alternatives, or leave out what these do not repeat.
fn refine(document: &mut Value) {
    document["components"]["schemas"]["MayCreateAliasRequest"]["properties"]["alias"] = json!({
        "type": "string", "pattern": "^#", "maxLength": 255, "description": "The alias; at most 255 bytes.",
    });
    document["components"]["schemas"]["MayCreateAliasRequest"]["properties"]["user_id"] = json!({
        "type": ["string", "null"], "pattern": "^@", "maxLength": 255, "description": "The user who asks; at most 255 bytes.",
    });
    for parameter in parameters(document, "/v1/conflicts") {
        if parameter["name"] == "limit" {
            parameter["schema"] = json!({"type": "integer", "minimum": 0});
        }
    }
    ask_from_a_revision_on(document);
    // YAML and JSON hold any value, and whatever it is, there is an answer. Those of JSON that are worth sending are objects.
    for (path, method) in [("/v1/check", "post"), ("/v1/registrations/{id}", "put")] {
        let content = &mut document["paths"][path][method]["requestBody"]["content"];
        content["application/yaml"]["schema"] = json!({});
        content["application/json"]["schema"] = json!({"type": "object", "additionalProperties": true});
    }
}

/// Any question may say from which revision of the store on it is to be answered.
fn ask_from_a_revision_on(document: &mut Value) {
    for endpoint in documented().filter(|endpoint| endpoint.tag == Tag::Questions) {
        let Some(operations) = document["paths"][endpoint.path].as_object_mut() else { continue };
        for operation in operations.values_mut() {
            let parameter = json!({
                "name": MIN_REVISION, "in": "query", "required": false, "schema": {"type": "integer", "minimum": 0},
                "description": "503 until this replica has come to this revision of the store.",
            });
            match operation["parameters"].as_array_mut() {
                Some(parameters) => parameters.push(parameter),
                None => operation["parameters"] = json!([parameter]),
            }
        }
    }
}

/// Says what is made of parts, of which one is made of parts itself, as parts: some generators of clients look no deeper,
/// and leave the fields of those out.
fn spread(document: &mut Value) {
    let Some(schemas) = document["components"]["schemas"].as_object_mut() else { return };
    for parts in schemas.values_mut().filter_map(|schema| schema.get_mut("allOf")?.as_array_mut()) {
        let of_one = |mut part: Value| match part.get_mut("allOf").map(Value::take) {
            Some(Value::Array(inner)) => inner,
            _ => vec![part],
        };
        *parts = std::mem::take(parts).into_iter().flat_map(of_one).collect();
    }
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

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    /// A schema that refers to itself is easily left out, and generators of clients stop there.
    #[test]
    fn every_schema_that_is_named_is_there() {
        let document: Value = serde_json::from_str(document()).expect("JSON");
        let text = document.to_string();
        let named = text.split("\"#/components/schemas/").skip(1).filter_map(|rest| rest.split('"').next());
        let schemas = &document["components"]["schemas"];
        let missing: Vec<_> = named.filter(|name| schemas[*name].is_null()).collect();
        assert!(missing.is_empty(), "{missing:?}");
    }

    #[test]
    fn whoever_changes_a_registration_is_told_that_it_takes_an_operator() {
        let document: Value = serde_json::from_str(document()).expect("JSON");
        let path = &document["paths"]["/v1/registrations/{id}"];
        for (method, role) in [("get", "read"), ("put", "admin"), ("delete", "admin")] {
            assert_eq!(path[method]["security"], json!([{"token": [role]}, {}]), "{method}");
        }
    }

    /// Two types of one name would become one schema, and some answers would not be what the document says.
    #[test]
    fn a_name_of_a_schema_means_one_thing() {
        let mut known: HashMap<String, Value> = HashMap::new();
        for operation in ENDPOINTS.iter().flat_map(Endpoint::described) {
            for (name, schema) in operation.components.into_iter().flat_map(|components| components.schemas) {
                let schema = serde_json::to_value(schema).expect("plain JSON");
                let before = known.entry(name.clone()).or_insert_with(|| schema.clone());
                assert_eq!(*before, schema, "two types are called {name}: say `#[schema(as = …)]`");
            }
        }
        assert!(known.len() > 20, "{}", known.len());
    }
}
