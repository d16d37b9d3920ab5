//! An agent's card, with every address in it rewritten to the gateway's own.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderValue, Method, Response, StatusCode, header};
use http_body_util::{BodyExt, Limited};
use serde_json::Value;

use crate::{
    body::{GatewayBody, UploadBody},
    error::GatewayError,
    exchange::Exchange,
    proxy::{Outgoing, send},
    server::Shared,
};

/// Where agents serve their cards: today's name, then the older ones.
const PATHS: [&str; 3] = [
    "/.well-known/agent-card.json",
    "/.well-known/agent.json",
    "/agent-card.json",
];

/// Whether a request asks for the agent's card.
pub(crate) fn is_card(method: &Method, rest: &str) -> bool {
    (method == Method::GET || method == Method::HEAD) && PATHS.contains(&rest)
}

/// Fetches the card under the name that was asked for, then under the others, below the upstream's base path and at
/// its root; else takes the one that came with the route.
pub(crate) async fn serve(
    shared: &Arc<Shared>,
    exchange: &mut Exchange,
    outgoing: Outgoing<'_>,
    public_base: &str,
) -> Result<Response<GatewayBody>, GatewayError> {
    let Some(backend) = exchange
        .lease
        .as_ref()
        .map(|lease| Arc::clone(&lease.backend))
    else {
        return Err(GatewayError::Internal);
    };
    let mut head = outgoing.head;
    let without_body = head.method == Method::HEAD;
    head.method = Method::GET;
    // What would make the answer anything but the whole card in plain JSON.
    let conditions = [
        header::ACCEPT_ENCODING,
        header::IF_NONE_MATCH,
        header::IF_MODIFIED_SINCE,
        header::RANGE,
    ];
    for name in conditions
        .into_iter()
        .chain([header::CONTENT_LENGTH, header::CONTENT_TYPE])
    {
        head.headers.remove(name);
    }
    let names = || {
        std::iter::once(outgoing.rest)
            .chain(PATHS.into_iter().filter(|path| *path != outgoing.rest))
    };
    let below = names().map(|name| (name, true));
    let at_root = names()
        .filter(|_| !backend.upstream.base_path.is_empty())
        .map(|name| (name, false));
    let mut found = None;
    for (rest, below_base) in below.chain(at_root) {
        let attempt = Outgoing {
            head: head.clone(),
            rest,
            query: outgoing.query,
            below_base,
        };
        found = fetch(shared, exchange, attempt).await?;
        if found.is_some() {
            break;
        }
    }
    let mut card = match (found, &backend.upstream.card) {
        (Some(card), _) => card,
        (None, Some(card)) => Value::clone(card),
        (None, None) => {
            return Err(GatewayError::NoCard {
                agent: backend.agent.to_string(),
            });
        }
    };
    nasiko_a2a::card::rewrite(&mut card, public_base);
    hide_base(&mut card, public_base, &backend.upstream.base_path);
    let text = Bytes::from(card.to_string());
    exchange.answered(StatusCode::OK, false);
    let length = text.len();
    let body = if without_body { Bytes::new() } else { text };
    exchange.sent(body.len() as u64);
    exchange.finish();
    let mut response = Response::new(GatewayBody::full(body));
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    Ok(response)
}

/// Takes the upstream's base path out of the addresses: whoever calls the gateway gets it added again.
fn hide_base(card: &mut Value, public_base: &str, base_path: &str) {
    if base_path.is_empty() {
        return;
    }
    let below = format!("{public_base}{base_path}");
    let mut places = vec![card];
    while let Some(place) = places.pop() {
        match place {
            Value::Object(members) => {
                for (name, value) in members {
                    match value {
                        Value::String(url) if name == "url" => {
                            let rest = url.strip_prefix(&below);
                            if let Some(rest) =
                                rest.filter(|rest| rest.is_empty() || rest.starts_with(['/', '?']))
                            {
                                *url = format!("{public_base}{rest}");
                            }
                        }
                        value => places.push(value),
                    }
                }
            }
            Value::Array(values) => places.extend(values),
            _ => {}
        }
    }
}

/// One card, or none when this path has no JSON object to offer.
async fn fetch(
    shared: &Arc<Shared>,
    exchange: &mut Exchange,
    outgoing: Outgoing<'_>,
) -> Result<Option<Value>, GatewayError> {
    let (response, connection) = send(shared, exchange, outgoing, UploadBody::Empty).await?;
    let status = response.status();
    let reading = Limited::new(response.into_body(), shared.config.max_card_bytes).collect();
    let Ok(Ok(body)) = tokio::time::timeout(shared.config.response_header_timeout, reading).await
    else {
        return Ok(None);
    };
    if let Some(lease) = &exchange.lease {
        lease.backend.pool.put(connection);
    }
    let card = serde_json::from_slice::<Value>(&body.to_bytes()).ok();
    Ok(card.filter(|card| status == StatusCode::OK && card.is_object()))
}
