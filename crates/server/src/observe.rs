//! The outermost layer: a request gets its id, its span in the log, and, where it failed, its problem document.

use std::time::Instant;

use axum::{
    extract::Request,
    http::{HeaderMap, HeaderName, HeaderValue, header},
    middleware::Next,
    response::Response,
};
use tracing::Instrument;
use uuid::Uuid;

use crate::answer::{Carried, write_problem};

/// Echoed when the caller sends one that is fit, else made.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Characters of a caller's request id.
const LONGEST_ID: usize = 128;

pub(crate) async fn observe(request: Request, next: Next) -> Response {
    let id = request_id(request.headers());
    // The path alone: a query may hold a one-time code.
    let span = tracing::info_span!("request", %id, method = %request.method(), path = request.uri().path());
    let started = Instant::now();
    let mut response = next.run(request).instrument(span.clone()).await;
    let fault = response.extensions_mut().remove::<Carried>();
    span.in_scope(|| {
        let status = response.status().as_u16();
        let millis = started.elapsed().as_millis();
        match &fault {
            Some(Carried(fault)) if status >= 500 => {
                tracing::warn!(status, millis, code = fault.code.as_str(), %fault, "request failed");
            }
            _ => tracing::debug!(status, millis, "request answered"),
        }
    });
    if let Some(Carried(fault)) = fault {
        write_problem(&mut response, *fault, &id);
    }
    let headers = response.headers_mut();
    if let Ok(id) = HeaderValue::try_from(id) {
        headers.insert(REQUEST_ID, id);
    }
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    headers.insert(
        header::REFERRER_POLICY,
        HeaderValue::from_static("no-referrer"),
    );
    response
}

fn request_id(headers: &HeaderMap) -> String {
    headers
        .get(REQUEST_ID)
        .and_then(|id| id.to_str().ok())
        .filter(|id| !id.is_empty() && id.len() <= LONGEST_ID)
        .filter(|id| id.bytes().all(|byte| byte.is_ascii_graphic()))
        .map_or_else(|| Uuid::now_v7().to_string(), str::to_owned)
}
