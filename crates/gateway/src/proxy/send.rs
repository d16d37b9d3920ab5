//! Sending: over a kept connection or a new one, and never twice.
//!
//! A request goes out again only while not a byte of it was written: because a kept connection turned out closed, or
//! because its upstream could not be reached after another had taken its place.

use std::sync::Arc;

use http::{Request, Response, Uri, header, request::Parts, uri::PathAndQuery};
use hyper::body::Incoming;

use crate::{
    body::UploadBody,
    error::GatewayError,
    exchange::{Exchange, UploadEnd},
    pool::Connection,
    route::{Backend, Unleased},
    server::Shared,
};

/// A request on its way: what is the same for every attempt to send it.
pub(crate) struct Outgoing<'request> {
    pub(crate) head: Parts,
    /// The path below the agent, empty or beginning with a slash.
    pub(crate) rest: &'request str,
    pub(crate) query: Option<&'request str>,
    /// Whether the upstream's base path goes before `rest`.
    pub(crate) below_base: bool,
}

/// Sends a request to the leased upstream over a kept or a new connection, and waits for the answer's head.
pub(crate) async fn send(
    shared: &Shared,
    exchange: &mut Exchange,
    outgoing: Outgoing<'_>,
    upload: UploadBody,
) -> Result<(Response<Incoming>, Connection), GatewayError> {
    let Outgoing {
        head,
        rest,
        query,
        below_base,
    } = outgoing;
    let mut request = Request::from_parts(head, upload);
    let mut moved = false;
    loop {
        let Some(backend) = exchange
            .lease
            .as_ref()
            .map(|lease| Arc::clone(&lease.backend))
        else {
            return Err(GatewayError::Internal);
        };
        let base = if below_base {
            backend.upstream.base_path.as_str()
        } else {
            ""
        };
        *request.uri_mut() = target(base, rest, query)?;
        *request.version_mut() = http::Version::HTTP_11;
        request
            .headers_mut()
            .insert(header::HOST, backend.host.clone());
        let (mut connection, kept) = match backend.pool.take() {
            Some(connection) => (connection, true),
            None => match backend.pool.connect().await {
                Ok(connection) => (connection, false),
                Err(_) if backend.is_retired() && !moved => {
                    // The route was switched between our lease and now, and the old instance is gone already.
                    moved = true;
                    lease_again(shared, exchange, &backend.agent).await?;
                    continue;
                }
                Err(source) => {
                    let (agent, address) = (backend.agent.to_string(), backend.upstream.address);
                    return Err(GatewayError::Connect {
                        agent,
                        address,
                        source,
                    });
                }
            },
        };
        let limit = shared.config.response_header_timeout;
        match tokio::time::timeout(limit, connection.sender.try_send_request(request)).await {
            Ok(Ok(response)) => return Ok((response, connection)),
            Ok(Err(mut unsent)) => match unsent.take_message() {
                Some(message) if kept => request = message,
                Some(message) if backend.is_retired() && !moved => {
                    moved = true;
                    request = message;
                    lease_again(shared, exchange, &backend.agent).await?;
                }
                _ => return Err(broken(shared, exchange, &backend, unsent.into_error())),
            },
            Err(_) => {
                return Err(GatewayError::AnswerTimeout {
                    agent: backend.agent.to_string(),
                    limit,
                });
            }
        }
    }
}

/// Leases what took the place of a retired upstream, and waits for it where it is still to come.
async fn lease_again(
    shared: &Shared,
    exchange: &mut Exchange,
    agent: &str,
) -> Result<(), GatewayError> {
    match shared.routes.lease(agent) {
        Ok(lease) => exchange.leased(lease),
        Err(Unleased::Held(held)) => Box::pin(exchange.wait(&shared.routes, held)).await?,
        Err(Unleased::Refused { error, .. }) => return Err(error),
    }
    Ok(())
}

/// Says who broke off: the upload may have, since its end also ends the connection to the upstream.
fn broken(
    shared: &Shared,
    exchange: &Exchange,
    backend: &Backend,
    source: hyper::Error,
) -> GatewayError {
    match exchange.meter.upload_end() {
        UploadEnd::TooLarge => GatewayError::BodyTooLarge {
            limit: shared.config.max_body_bytes,
        },
        UploadEnd::Broken => GatewayError::UploadBroken,
        UploadEnd::Fine => GatewayError::Broken {
            agent: backend.agent.to_string(),
            source,
        },
    }
}

fn target(base: &str, rest: &str, query: Option<&str>) -> Result<Uri, GatewayError> {
    let mut text =
        String::with_capacity(base.len() + rest.len() + query.map_or(1, |query| query.len() + 2));
    text.push_str(base);
    text.push_str(if rest.is_empty() { "/" } else { rest });
    if let Some(query) = query {
        text.push('?');
        text.push_str(query);
    }
    let path = PathAndQuery::from_maybe_shared(bytes::Bytes::from(text));
    path.map(Uri::from).map_err(|_| GatewayError::Unfit {
        reason: "its path is not valid",
    })
}
