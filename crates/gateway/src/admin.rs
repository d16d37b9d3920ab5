//! The administration address: what is routed where. Read only.

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, header};
use hyper::body::Incoming;
use serde_json::{Value, json};

use crate::{
    RouteState, body::GatewayBody, door::check_loopback, error::GatewayError, server::Shared,
};

/// Answers `GET /status`, `GET /services` and `POST /sync`.
pub(crate) fn answer(shared: &Shared, request: &Request<Incoming>) -> Response<GatewayBody> {
    let answered = check_loopback(request.headers(), request.uri()).and_then(|()| {
        match (request.method(), request.uri().path()) {
            (&Method::GET, "/status") => Ok(status(shared)),
            (&Method::GET, "/services") => Ok(services(shared)),
            // Routes are always current: there is nothing to fetch, so the count is the whole answer.
            (&Method::POST, "/sync") => {
                Ok(json!({ "status": "ok", "services_count": shared.routes.len() }))
            }
            (_, path) => Err(GatewayError::NotFound { path: path.into() }),
        }
    });
    match answered {
        Ok(document) => {
            let mut response = Response::new(GatewayBody::full(Bytes::from(document.to_string())));
            response.headers_mut().insert(
                header::CONTENT_TYPE,
                HeaderValue::from_static("application/json"),
            );
            response
        }
        Err(error) => error.into_response(""),
    }
}

fn status(shared: &Shared) -> Value {
    use std::sync::atomic::Ordering::Relaxed;
    let (mut open, mut held) = (0, 0);
    for route in shared.routes.list() {
        match route.state {
            RouteState::Live { in_flight, .. } => open += in_flight,
            RouteState::Held { waiting } => held += waiting,
            RouteState::Stopped => {}
        }
    }
    let last_sync = shared
        .routes
        .changed_at()
        .and_then(|at| jiff::Timestamp::try_from(at).ok());
    json!({
        "status": "ok",
        "services_count": shared.routes.len(),
        "last_sync": last_sync.map(|at| at.to_string()),
        "in_flight": open,
        "held": held,
        "requests": shared.requests.load(Relaxed),
        "refused": shared.refused.load(Relaxed),
    })
}

fn services(shared: &Shared) -> Value {
    shared
        .routes
        .list()
        .into_iter()
        .map(|route| match route.state {
            RouteState::Live {
                upstream,
                in_flight,
            } => json!({
                "name": route.agent,
                "state": "live",
                "path": format!("/{}", route.agent),
                "upstream": format!("http://{}{}", upstream.address, upstream.base_path),
                "instance": upstream.instance,
                "in_flight": in_flight,
            }),
            RouteState::Held { waiting } => json!({
                "name": route.agent,
                "state": "held",
                "path": format!("/{}", route.agent),
                "waiting": waiting,
            }),
            RouteState::Stopped => json!({
                "name": route.agent, "state": "stopped", "path": format!("/{}", route.agent),
            }),
        })
        .collect()
}
