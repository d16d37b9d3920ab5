//! Whether the program lives, and whether it answers: for whoever starts it, without a token.

use axum::{
    Router,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use tokio::sync::watch;

pub(crate) fn routes<S: Clone + Send + Sync + 'static>(ready: watch::Receiver<bool>) -> Router<S> {
    let readiness = move || {
        let ready = *ready.borrow();
        async move {
            if ready {
                says(StatusCode::OK, r#"{"status":"ready"}"#)
            } else {
                says(StatusCode::SERVICE_UNAVAILABLE, r#"{"status":"starting"}"#)
            }
        }
    };
    Router::new()
        .route("/health", get(lives))
        .route("/api/v1/healthcheck", get(lives))
        .route("/ready", get(readiness))
}

async fn lives() -> Response {
    says(StatusCode::OK, r#"{"status":"ok"}"#)
}

fn says(status: StatusCode, document: &'static str) -> Response {
    (
        status,
        [(header::CONTENT_TYPE, "application/json")],
        document,
    )
        .into_response()
}
