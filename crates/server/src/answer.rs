//! How a result becomes an HTTP answer. A failure travels inside as a [`Fault`] and is written as a problem document in
//! one place, `observe`, which knows the request's id.

use std::any::Any;

use axum::{
    body::Body,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use nasiko_contract::{ErrorCode, Fault, Problem};
use serde::Serialize;

/// A failure on its way out.
#[derive(Debug)]
pub(crate) struct Failure(pub(crate) Fault);

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        Self(fault)
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = status(self.0.code);
        response.extensions_mut().insert(Carried(Box::new(self.0)));
        response
    }
}

/// A fault inside a response, until it is written.
#[derive(Debug, Clone)]
pub(crate) struct Carried(pub(crate) Box<Fault>);

/// Writes a fault into `response`, keeping the headers that are there (`Allow` of a 405).
pub(crate) fn write_problem(response: &mut Response, fault: Fault, request_id: &str) {
    if fault.code == ErrorCode::Unauthenticated {
        response
            .headers_mut()
            .insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    let problem = Problem {
        status: response.status().as_u16(),
        ..Problem::new(fault, request_id)
    };
    response.headers_mut().remove(header::CONTENT_LENGTH);
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/problem+json"),
    );
    *response.body_mut() = Body::from(serde_json::to_vec(&problem).unwrap_or_default());
}

/// A JSON document as bytes.
pub(crate) fn encode(document: &impl Serialize) -> Result<Bytes, Fault> {
    serde_json::to_vec(document)
        .map(Bytes::from)
        .map_err(|error| {
            Fault::new(ErrorCode::Internal, "The answer could not be written")
                .evidence([error.to_string()])
        })
}

/// A JSON answer.
pub(crate) fn json(code: u16, body: Bytes) -> Response {
    let code = StatusCode::from_u16(code).unwrap_or(StatusCode::OK);
    let kind = HeaderValue::from_static("application/json");
    (code, [(header::CONTENT_TYPE, kind)], body).into_response()
}

/// The status that carries a code.
pub(crate) fn status(code: ErrorCode) -> StatusCode {
    StatusCode::from_u16(code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// Says that nothing is mounted there.
pub(crate) async fn no_such_operation() -> Failure {
    Fault::new(ErrorCode::NotFound, "There is no such operation")
        .hint("See /docs for all of them")
        .into()
}

/// Says that something else is mounted there.
pub(crate) async fn method_not_allowed() -> Response {
    let fault = Fault::new(
        ErrorCode::InvalidRequest,
        "This address does not know that method",
    )
    .hint("See /docs for what it knows");
    let mut response = Failure(fault).into_response();
    *response.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
    response
}

/// A panic is our fault, and its words are for our log alone.
#[expect(clippy::needless_pass_by_value, reason = "the layer calls it so")]
pub(crate) fn panicked(panic: Box<dyn Any + Send>) -> Response {
    Failure(panic_fault(&*panic)).into_response()
}

/// The fault that stands for a panic.
pub(crate) fn panic_fault(panic: &(dyn Any + Send)) -> Fault {
    let words = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("no words");
    tracing::error!(panic = words, "a request panicked");
    Fault::new(
        ErrorCode::Internal,
        "The control plane failed at this request",
    )
    .hint("Its log has the reason, under the request's id")
}
