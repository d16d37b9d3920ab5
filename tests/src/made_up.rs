//! A made-up control plane behind the pages as they are built: what it says is the same each time, and so is the time.

use std::{
    convert::Infallible,
    path::{Path, PathBuf},
    time::Duration,
};

use axum::{
    Router,
    extract::{Request, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response, Sse, sse},
};
use futures::{StreamExt as _, stream};
use nasiko_client::Call;
use nasiko_contract::{API_PREFIX, Fault, OPERATIONS, OperationInfo, Problem, Shape};
use nasiko_fixtures::{Course, MadeUp};
use tokio::{net::TcpListener, task::JoinHandle};

use crate::skip;

/// What comes later than this in a stream never comes: a picture is taken before.
const SOON: Duration = Duration::from_secs(1);
/// A call is no larger, in bytes.
const LARGEST_CALL: usize = 1 << 20;

/// Serves until it is dropped.
pub struct MadeUpPlane {
    address: String,
    serving: JoinHandle<()>,
}

impl MadeUpPlane {
    /// The pages as they are built, or a skip of `test`.
    pub fn pages_or_skip(test: &str) -> Option<PathBuf> {
        let built = Path::new(env!("CARGO_MANIFEST_DIR")).join("../ui/dist");
        if built.join("index.html").is_file() {
            return Some(built);
        }
        skip::skip(test, "the pages are not built: `cargo xtask ui`");
        None
    }

    /// Serves the pages below `ui` over the made-up records of `kind`.
    pub async fn start(ui: &Path, kind: &str) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0))
            .await
            .expect("a free port");
        let address = format!("http://{}", listener.local_addr().expect("an address"));
        let served = Served {
            ui: ui.to_path_buf(),
            plane: MadeUp::of_kind(kind),
        };
        let router = Router::new().fallback(answer).with_state(served);
        let serving = tokio::spawn(async move {
            axum::serve(listener, router)
                .await
                .expect("the pages are served");
        });
        Self { address, serving }
    }

    /// Where the pages are.
    pub fn address(&self) -> &str {
        &self.address
    }
}

impl Drop for MadeUpPlane {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

#[derive(Clone)]
struct Served {
    ui: PathBuf,
    plane: MadeUp,
}

async fn answer(State(served): State<Served>, request: Request) -> Response {
    let path = request.uri().path();
    if !path.starts_with(API_PREFIX) {
        return file(&served.ui, path);
    }
    let Some(info) = operation(request.method().as_str(), path) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let target = request.uri().to_string();
    let body = axum::body::to_bytes(request.into_body(), LARGEST_CALL).await;
    let call = Call {
        info,
        target,
        body: body
            .ok()
            .and_then(|bytes| serde_json::from_slice(&bytes).ok()),
    };
    match info.shape {
        Shape::Stream => served
            .plane
            .course(&call)
            .map_or_else(refused, |course| events(course).into_response()),
        Shape::Json | Shape::Upload => served
            .plane
            .answer(&call)
            .map_or_else(refused, |answer| axum::Json(answer).into_response()),
    }
}

/// The operation that is meant; of two, the one with fewer fields in its path.
fn operation(method: &str, path: &str) -> Option<&'static OperationInfo> {
    let path = path.strip_prefix(API_PREFIX)?;
    let fits = |info: &&OperationInfo| {
        let mut given = path.split('/');
        let mut meant = info.path.split('/');
        let same = meant.by_ref().all(|part| {
            given
                .next()
                .is_some_and(|given| part.starts_with('{') || part == given)
        });
        info.method.as_str() == method && same && given.next().is_none()
    };
    OPERATIONS
        .iter()
        .filter(fits)
        .min_by_key(|info| info.path_fields().count())
}

fn refused(fault: Fault) -> Response {
    let problem = Problem::new(fault, "made-up");
    let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (status, axum::Json(problem)).into_response()
}

fn events(course: Course) -> impl IntoResponse {
    let Course { items, ends } = course;
    let soon = items.take_while(|item| item.after < SOON);
    let said = stream::iter(soon)
        .map(|item| Ok::<_, Infallible>(sse::Event::default().data(item.value.to_string())));
    let rest = if ends {
        stream::empty().left_stream()
    } else {
        stream::pending().right_stream()
    };
    Sse::new(said.chain(rest))
}

/// A file of the pages, or the page whose paths are addresses too.
fn file(ui: &Path, path: &str) -> Response {
    let named = ui.join(path.trim_start_matches('/'));
    let file = if named.is_file() {
        named
    } else {
        ui.join("index.html")
    };
    let kind = match file.extension().and_then(|extension| extension.to_str()) {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("wasm") => "application/wasm",
        Some("svg") => "image/svg+xml",
        _ => "application/octet-stream",
    };
    match std::fs::read(file) {
        Ok(bytes) => ([(header::CONTENT_TYPE, kind)], bytes).into_response(),
        Err(_) => StatusCode::NOT_FOUND.into_response(),
    }
}
