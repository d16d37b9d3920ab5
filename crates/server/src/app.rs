//! The whole router, put together from its layers.

use std::{path::PathBuf, sync::Arc, time::Duration};

use axum::{
    Router,
    extract::DefaultBodyLimit,
    middleware::{from_fn, from_fn_with_state},
    routing::get,
};
use nasiko_contract::API_PREFIX;
use nasiko_control::api::Plane;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tower_http::catch_panic::CatchPanicLayer;

use crate::{
    access::{self, Access},
    answer, docs, health,
    idempotency::Idempotency,
    mount, observe, openapi, web,
};

/// What a router is made for.
#[derive(Debug, Clone)]
pub struct ServerConfig {
    /// The ways in.
    pub access: Arc<Access>,
    /// Where uploads lie while they arrive; made when first needed.
    pub uploads: PathBuf,
    /// `true` once the plane is ready to answer.
    pub ready: watch::Receiver<bool>,
    /// Cancelled when the program ends: open streams are told and closed.
    pub closing: CancellationToken,
    /// The bounds.
    pub limits: Limits,
}

/// The bounds of a request.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Bytes of a JSON body.
    pub json_bytes: usize,
    /// Bytes of an uploaded file.
    pub upload_bytes: u64,
    /// How long an answer that is not a stream may take.
    pub answer_within: Duration,
    /// How long an upload may pause.
    pub upload_pause: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            json_bytes: 4 << 20,
            upload_bytes: 1 << 30,
            answer_within: Duration::from_secs(60),
            upload_pause: Duration::from_secs(30),
        }
    }
}

/// What every handler shares.
pub(crate) struct App<P> {
    pub(crate) plane: Arc<P>,
    pub(crate) uploads: PathBuf,
    pub(crate) closing: CancellationToken,
    pub(crate) limits: Limits,
    pub(crate) idempotency: Idempotency,
}

/// Everything that is served: the operations, their description, health, the web UI.
pub fn router<P: Plane>(plane: Arc<P>, config: ServerConfig) -> Router {
    let access = config.access;
    let app = Arc::new(App {
        plane,
        uploads: config.uploads,
        closing: config.closing,
        limits: config.limits,
        idempotency: Idempotency::default(),
    });
    let api = mount::operations::<P>()
        .with_state(app)
        .route("/openapi.json", get(openapi::answer))
        .method_not_allowed_fallback(answer::method_not_allowed)
        .fallback(answer::no_such_operation)
        .layer(from_fn_with_state(access.clone(), access::authenticate));
    let pages = Router::new()
        .merge(docs::routes())
        .fallback(web::page)
        .layer(from_fn_with_state(access.clone(), access::know_visitor));
    Router::new()
        .merge(health::routes(config.ready))
        .merge(access::enter_route(access.clone()))
        .nest(API_PREFIX, api)
        .merge(pages)
        .method_not_allowed_fallback(answer::method_not_allowed)
        .layer(DefaultBodyLimit::disable())
        .layer(from_fn_with_state(access, access::keep_out_foreigners))
        .layer(CatchPanicLayer::custom(answer::panicked))
        .layer(from_fn(observe::observe))
}
