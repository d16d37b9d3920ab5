//! `/docs`: a reader of the OpenAPI document, with nothing from elsewhere.

use axum::{
    Router,
    extract::{Extension, Path},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::get,
};
use nasiko_control::api::Caller;

use crate::{
    answer,
    web::{self, Pages},
};

pub(crate) fn routes<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new()
        .route("/docs", get(reader))
        .route("/docs/{file}", get(file))
}

async fn reader(visitor: Option<Extension<Caller>>, headers: HeaderMap) -> Response {
    if visitor.is_none() {
        return web::gate(StatusCode::UNAUTHORIZED);
    }
    asset("docs.html", &headers).await
}

async fn file(Path(file): Path<String>, headers: HeaderMap) -> Response {
    asset(&file, &headers).await
}

async fn asset(name: &str, headers: &HeaderMap) -> Response {
    match web::file::<Pages>(name, headers) {
        Some(response) => response,
        None => answer::no_such_operation().await.into_response(),
    }
}
