//! The page that people look at, to browsers; whatever else asks for `/` is told where to ask.

use actix_web::http::StatusCode;
use actix_web::http::header::{
    ACCEPT, ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, HeaderMap,
    HeaderName, HeaderValue, IF_NONE_MATCH, REFERRER_POLICY, VARY, X_CONTENT_TYPE_OPTIONS,
};
use actix_web::{HttpRequest, HttpResponse, web};

use super::ApiError;
use super::endpoint::{Endpoint, Tag, operations};
use crate::page::{self, Asset};

/// The page itself. It holds nothing that is anybody's, and asks with the token of whoever looks at it.
pub(super) const ENDPOINT: Endpoint = Endpoint { path: "/", tag: Tag::Page, role: None, operations: operations![get] };

/// What it consists of.
pub(super) const ASSETS: Endpoint =
    Endpoint { path: "/page/{file}", tag: Tag::Page, role: None, operations: operations![asset] };

/// No script, style, picture or connection but the page's own, nobody who frames it, nothing that is made of text.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
    base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

const CROSS_ORIGIN_RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");
const CROSS_ORIGIN_OPENER_POLICY: HeaderName = HeaderName::from_static("cross-origin-opener-policy");

#[utoipa::path(get, path = ENDPOINT.path, operation_id = "page", responses((status = 200, description = "The page.")))]
async fn get(request: HttpRequest) -> Result<HttpResponse, ApiError> {
    if !wants_page(request.headers()) {
        return Err(ApiError::page_is_for_browsers());
    }
    let mut response = answer(page::index(), request.headers());
    response.headers_mut().append(VARY, HeaderValue::from_static("Accept"));
    Ok(response)
}

#[utoipa::path(get, path = ASSETS.path, operation_id = "pageAsset", responses((status = 200, description = "A file.")))]
async fn asset(request: HttpRequest, name: web::Path<String>) -> Result<HttpResponse, ApiError> {
    let asset = page::asset(&name).ok_or_else(ApiError::unknown_path)?;
    Ok(answer(asset, request.headers()))
}

/// Whether somebody asks who shows pages: programs accept anything, or say nothing.
fn wants_page(headers: &HeaderMap) -> bool {
    headers.get_all(ACCEPT).any(|accept| accept.to_str().is_ok_and(|accept| accept.contains("text/html")))
}

fn answer(asset: &Asset, headers: &HeaderMap) -> HttpResponse {
    let knows = headers
        .get_all(IF_NONE_MATCH)
        .filter_map(|tags| tags.to_str().ok())
        .any(|tags| tags.split(',').any(|tag| tag.trim().trim_start_matches("W/") == asset.tag));
    let status = if knows { StatusCode::NOT_MODIFIED } else { StatusCode::OK };
    let mut response = HttpResponse::build(status);
    response
        .insert_header((ETAG, asset.tag.clone()))
        // Kept, and asked about each time: the next version is another page.
        .insert_header((CACHE_CONTROL, "no-cache"))
        .insert_header((VARY, "Accept-Encoding"))
        .insert_header((CONTENT_SECURITY_POLICY, POLICY))
        .insert_header((X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .insert_header((REFERRER_POLICY, "no-referrer"))
        .insert_header((CROSS_ORIGIN_RESOURCE_POLICY, "same-origin"))
        .insert_header((CROSS_ORIGIN_OPENER_POLICY, "same-origin"));
    if knows {
        return response.finish();
    }
    response.insert_header((CONTENT_TYPE, asset.content_type));
    if takes_gzip(headers) {
        return response.insert_header((CONTENT_ENCODING, "gzip")).body(asset.gzipped.clone());
    }
    response.body(asset.content)
}

fn takes_gzip(headers: &HeaderMap) -> bool {
    let lists = headers.get_all(ACCEPT_ENCODING).filter_map(|list| list.to_str().ok());
    lists.flat_map(|list| list.split(',')).any(|one| {
        let mut parts = one.split(';').map(str::trim);
        let is_gzip = parts.next().is_some_and(|name| name.eq_ignore_ascii_case("gzip"));
        let weight = parts.find_map(|part| part.strip_prefix("q="));
        is_gzip && weight.is_none_or(|weight| weight.parse::<f32>().is_ok_and(|weight| weight > 0.0))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: HeaderName, value: &'static str) -> HeaderMap {
        std::iter::once((name, HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn what_is_compressed_goes_to_those_who_take_it() {
        let takes = |value| takes_gzip(&headers(ACCEPT_ENCODING, value));
        assert!(takes("gzip") && takes("deflate, GZIP;q=0.5, br") && takes("br, gzip; q=1"));
        assert!(!takes("") && !takes("br") && !takes("gzip;q=0") && !takes("identity, gzip;q=0.0") && !takes("xgzip"));
    }

    #[test]
    fn a_browser_wants_the_page_and_a_program_does_not() {
        let wants = |value| wants_page(&headers(ACCEPT, value));
        assert!(wants("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"));
        assert!(!wants("*/*") && !wants("application/json"));
        assert!(!wants_page(&HeaderMap::new()));
    }
}
