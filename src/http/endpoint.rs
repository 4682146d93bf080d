//! An endpoint, said once.
//!
//! Each endpoint's file holds one [`Endpoint`]: its path, what it is for, the role that it takes, and its operations. An
//! operation is a handler with `#[utoipa::path]` above it, which says the method, the parameters, the bodies and the
//! answers. Everything else follows from the list of endpoints in [`super`]: what a server routes (`app`), the methods
//! that a 405 names, the label in metrics, who may ask (`access`), the document (`openapi`), and what the fuzz target
//! tries. So an endpoint cannot be routed and not documented, or documented and not guarded.
//!
//! ```text
//! pub(super) const ENDPOINT: Endpoint = Endpoint {
//!     path: "/v1/owners",
//!     tag: Tag::Questions,
//!     role: Some(Role::Read),
//!     operations: operations![get, post],
//! };
//!
//! #[utoipa::path(get, path = ENDPOINT.path, operation_id = "owner", …)]
//! async fn get(…) -> Result<HttpResponse, ApiError> { … }
//! ```

use actix_web::Route;
use actix_web::http::Method;
use utoipa::openapi::path::{Parameter, ParameterIn, PathItem};
use utoipa::openapi::{OpenApi, RefOr};

use super::Role;

/// A path and what is served there.
pub(super) struct Endpoint {
    pub(super) path: &'static str,
    /// What it is for.
    pub(super) tag: Tag,
    /// What a caller must be allowed to, where callers are asked who they are; `None`: anybody may ask.
    pub(super) role: Option<Role>,
    /// One for each method; made by [`operations!`].
    pub(super) operations: &'static [Operation],
}

/// One method of an endpoint.
pub(super) struct Operation {
    /// What `#[utoipa::path]` says of the handler: a document with this operation alone.
    pub(super) described: fn() -> OpenApi,
    /// The handler, for whatever method.
    pub(super) handled: fn() -> Route,
}

/// What an endpoint is for, and so where it is served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tag {
    /// Asked by homeserver workers and front ends.
    Questions,
    /// Asked by everybody.
    State,
    /// Asked by operators and their machines.
    Operation,
    /// This document, asked by everybody.
    Contract,
    /// Looked at by operators. No part of the document: what it consists of is nobody's to rely upon.
    Page,
}

/// What a server answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// All there is.
    Everything,
    /// What homeserver workers and front ends ask.
    Questions,
    /// What operators, probes and Prometheus ask; and the questions, which the page asks for operators.
    Admin,
}

impl Part {
    /// What is loaded is shown to both: whoever is told of a collision wants to see it.
    pub(super) const fn serves(self, tag: Tag) -> bool {
        match tag {
            Tag::State | Tag::Contract | Tag::Questions => true,
            Tag::Operation | Tag::Page => !matches!(self, Self::Questions),
        }
    }
}

impl Tag {
    /// Those of the document, in its order.
    pub(super) const DOCUMENTED: [Self; 4] = [Self::Questions, Self::State, Self::Operation, Self::Contract];

    /// The tag in the document.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Page => "page",
            Self::Questions => "questions",
            Self::State => "state",
            Self::Operation => "operation",
            Self::Contract => "contract",
        }
    }

    pub(super) const fn description(self) -> &'static str {
        match self {
            Self::Questions => "What homeserver workers and registration front ends ask.",
            Self::State => "What is loaded.",
            Self::Operation => "For operators, probes and Prometheus.",
            Self::Contract => "This document.",
            Self::Page => "For people.",
        }
    }
}

impl Operation {
    /// Whether it reads any parameter of a query.
    pub(super) fn reads_parameters(&self) -> bool {
        let described = (self.described)();
        let operation =
            described.paths.paths.into_values().find_map(|item| item.get.or(item.post).or(item.put).or(item.delete));
        let parameters = operation.and_then(|operation| operation.parameters).unwrap_or_default();
        let in_query =
            |parameter: &RefOr<Parameter>| matches!(parameter, RefOr::T(it) if it.parameter_in == ParameterIn::Query);
        parameters.iter().any(in_query)
    }

    /// The method, as the handler's description says it.
    pub(super) fn method(&self) -> Method {
        let described = (self.described)();
        let item = described.paths.paths.values().next();
        item.and_then(method_of).expect("an operation is described with its method")
    }
}

fn method_of(item: &PathItem) -> Option<Method> {
    let methods = [
        (&item.get, Method::GET),
        (&item.post, Method::POST),
        (&item.put, Method::PUT),
        (&item.delete, Method::DELETE),
    ];
    methods.into_iter().find_map(|(operation, method)| operation.is_some().then_some(method))
}

impl Endpoint {
    /// What a caller must be allowed to who asks by this method: what changes a part of the state is the operators', even where
    /// everybody may look at it. Where one path has both, the handler sees to it.
    pub(super) fn role_for(&self, method: &str) -> Option<Role> {
        if matches!(method, "put" | "delete") { self.role.map(|role| role.max(Role::Admin)) } else { self.role }
    }

    /// Its methods, in the order of its operations.
    pub(super) fn methods(&self) -> Vec<Method> {
        self.operations.iter().map(Operation::method).collect()
    }

    /// Its methods as `Allow` names them.
    pub(super) fn allow(&self) -> String {
        let mut allowed = Vec::new();
        for method in self.methods() {
            let with_head = method == Method::GET;
            allowed.push(method);
            allowed.extend(with_head.then_some(Method::HEAD));
        }
        allowed.iter().map(Method::as_str).collect::<Vec<_>>().join(", ")
    }

    /// Whether parameters in a query are refused by an operation that reads none: whoever sends some means something by them,
    /// and would take the answer for one to another question. What anybody may ask (probes, Prometheus, browsers) comes with
    /// parameters of its own, which change nothing.
    pub(super) const fn refuses_parameters(&self) -> bool {
        self.role.is_some() || matches!(self.tag, Tag::Questions | Tag::State)
    }

    /// Its part of the document.
    pub(super) fn described(&self) -> impl Iterator<Item = OpenApi> {
        self.operations.iter().map(|operation| {
            let mut described = (operation.described)();
            for item in described.paths.paths.values_mut() {
                for of_method in [&mut item.get, &mut item.post, &mut item.put, &mut item.delete].into_iter().flatten()
                {
                    of_method.tags = Some(vec![self.tag.as_str().to_owned()]);
                }
            }
            described
        })
    }
}

/// The operations of an endpoint, by their handlers.
macro_rules! operations {
    ($($handler:ident),+ $(,)?) => {
        &[$({
            #[derive(utoipa::OpenApi)]
            #[openapi(paths($handler))]
            struct Described;
            $crate::http::endpoint::Operation {
                described: <Described as utoipa::OpenApi>::openapi,
                handled: || actix_web::web::to($handler),
            }
        }),+]
    };
}
pub(super) use operations;

#[cfg(test)]
mod tests {
    use super::super::ENDPOINTS;
    use super::*;

    /// Whoever adds an endpoint that anybody may ask says so here, too.
    #[test]
    fn what_is_open_to_anybody_tells_nothing_about_registrations() {
        let open = ENDPOINTS.iter().filter(|endpoint| endpoint.role.is_none()).map(|endpoint| endpoint.path);
        assert_eq!(
            open.collect::<Vec<_>>(),
            ["/v1/role", "/healthz", "/readyz", "/metrics", "/openapi.json", "/", "/page/{file}"]
        );
    }

    #[test]
    fn what_changes_something_is_for_operators() {
        for endpoint in ENDPOINTS.iter().filter(|endpoint| endpoint.path.starts_with("/-/")) {
            assert_eq!(endpoint.role, Some(Role::Admin), "{}", endpoint.path);
        }
    }

    #[test]
    fn an_operation_is_described_where_it_is_served() {
        for endpoint in ENDPOINTS {
            for described in endpoint.described() {
                let paths: Vec<_> = described.paths.paths.keys().collect();
                assert_eq!(paths, [endpoint.path]);
            }
        }
    }

    #[test]
    fn what_operates_is_for_one_of_two_servers_and_that_answers_everything() {
        let served = |part: Part| {
            let served = ENDPOINTS.iter().filter(move |endpoint| part.serves(endpoint.tag));
            served.map(|endpoint| endpoint.path).collect::<Vec<_>>()
        };
        let (everything, questions) = (served(Part::Everything), served(Part::Questions));
        assert_eq!(everything.len(), ENDPOINTS.len());
        assert_eq!(served(Part::Admin), everything);
        let apart: Vec<_> = everything.into_iter().filter(|path| !questions.contains(path)).collect();
        assert_eq!(apart, ["/healthz", "/readyz", "/-/reload", "/metrics", "/", "/page/{file}"]);
    }
}
