//! One request to an agent and its answer back.
//!
//! Nothing is sent twice: a request goes out again only while not a byte of it was written, either because a kept
//! connection turned out closed, or because its upstream refused the connection after another had taken its place.

use std::{
    net::SocketAddr,
    sync::{Arc, atomic::Ordering::Relaxed},
    time::Instant,
};

use http::{
    HeaderName, HeaderValue, Method, Request, Response, StatusCode, Uri, header, request::Parts,
    uri::PathAndQuery,
};
use http_body_util::{BodyExt, Limited};
use hyper::body::{Body, Incoming};
use secrecy::ExposeSecret;

use crate::{
    OtlpRequest,
    body::{GatewayBody, UploadBody},
    card,
    door::{Admission, Place},
    error::GatewayError,
    exchange::{Exchange, UploadEnd},
    headers,
    pool::Connection,
    record::Caller,
    route::Backend,
    server::{Listening, Shared},
    trace_context::{TRACEPARENT, TraceContext},
    upgrade,
};

const TRACE_ID: HeaderName = HeaderName::from_static("x-trace-id");
const SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");

/// A request on its way: what is the same for every attempt to send it.
pub(crate) struct Outgoing<'request> {
    pub(crate) head: Parts,
    /// The path below the agent, empty or beginning with a slash.
    pub(crate) rest: &'request str,
    pub(crate) query: Option<&'request str>,
    /// Whether the upstream's base path goes before `rest`.
    pub(crate) below_base: bool,
}

/// Answers one request, whatever comes.
pub(crate) async fn handle(
    shared: Arc<Shared>,
    listening: Arc<Listening>,
    peer: SocketAddr,
    request: Request<Incoming>,
) -> Response<GatewayBody> {
    let context = TraceContext::of(request.headers());
    let uri = request.uri().clone();
    let admission = match listening.exposure.admit(request.headers(), &uri) {
        Ok(admission) => admission,
        Err(error) => {
            shared.refused.fetch_add(1, Relaxed);
            return error.into_response(&context.trace.to_string());
        }
    };
    let answered = match admission.place {
        Place::Agent { name, rest } => {
            Box::pin(call(
                &shared,
                &listening,
                peer,
                request,
                &uri,
                &admission,
                (name, rest),
                &context,
            ))
            .await
        }
        Place::Otlp { path } => export(&shared, &admission.caller, path, request).await,
    };
    let mut response = answered.unwrap_or_else(|error| {
        shared.refused.fetch_add(1, Relaxed);
        error.into_response(&context.trace.to_string())
    });
    response
        .headers_mut()
        .insert(TRACE_ID, context.trace.header());
    response
}

#[expect(
    clippy::too_many_arguments,
    reason = "the parts of one request, taken apart once"
)]
async fn call(
    shared: &Arc<Shared>,
    listening: &Listening,
    peer: SocketAddr,
    request: Request<Incoming>,
    uri: &Uri,
    admission: &Admission<'_>,
    (name, rest): (&str, &str),
    context: &TraceContext,
) -> Result<Response<GatewayBody>, GatewayError> {
    let begin = |agent| {
        shared.requests.fetch_add(1, Relaxed);
        let path = if rest.is_empty() { "/" } else { rest };
        let sink = Arc::clone(&shared.sink);
        Exchange::begin(
            sink,
            context,
            agent,
            request.method().clone(),
            path,
            admission.caller.clone(),
        )
    };
    let mut exchange = match shared.routes.lease(name) {
        Ok(lease) => {
            let mut exchange = begin(Arc::clone(&lease.backend.agent));
            exchange.leased(lease);
            exchange
        }
        Err(refusal) => {
            if let Some(agent) = refusal.agent {
                conclude(&mut begin(agent), &refusal.error);
            }
            return Err(refusal.error);
        }
    };
    let (mut head, body) = request.into_parts();
    let limit = shared.config.max_body_bytes;
    let outcome = if limit > 0 && body.size_hint().lower() > limit {
        Err(GatewayError::BodyTooLarge { limit })
    } else {
        let host = head.headers.get(header::HOST).cloned();
        let wanted = headers::wanted_upgrade(&head.headers);
        let upgrade = wanted
            .is_some()
            .then(|| head.extensions.remove::<hyper::upgrade::OnUpgrade>())
            .flatten();
        headers::strip_hop_by_hop(&mut head.headers);
        // Our own server has already told the caller to go on.
        head.headers.remove(header::EXPECT);
        if admission.spent_authorization {
            head.headers.remove(header::AUTHORIZATION);
        }
        headers::add_forwarded(
            &mut head.headers,
            peer.ip(),
            host.as_ref(),
            &format!("/{name}"),
        );
        head.headers.insert(TRACEPARENT, context.header());
        let outgoing = Outgoing {
            head,
            rest,
            query: uri.query(),
            below_base: true,
        };
        if card::is_card(&outgoing.head.method, rest) {
            let host = host
                .as_ref()
                .and_then(|host| host.to_str().ok())
                .unwrap_or("localhost");
            let public = format!("http://{host}{}/{name}", admission.prefix.expose_secret());
            card::serve(shared, &mut exchange, outgoing, &public).await
        } else {
            let upload = UploadBody::new(body, &exchange.meter, limit);
            let change = wanted.zip(upgrade);
            return forward(shared, listening, exchange, outgoing, upload, change).await;
        }
    };
    if let Err(error) = &outcome {
        conclude(&mut exchange, error);
    }
    outcome
}

/// Sends the request on and gives the answer back as it comes.
async fn forward(
    shared: &Arc<Shared>,
    listening: &Listening,
    mut exchange: Exchange,
    mut outgoing: Outgoing<'_>,
    upload: UploadBody,
    change: Option<(HeaderValue, hyper::upgrade::OnUpgrade)>,
) -> Result<Response<GatewayBody>, GatewayError> {
    if let Some((protocol, _)) = &change {
        outgoing
            .head
            .headers
            .insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
        outgoing
            .head
            .headers
            .insert(header::UPGRADE, protocol.clone());
    }
    let asked = Instant::now();
    let (mut response, connection) = match send(shared, &mut exchange, outgoing, upload).await {
        Ok(answer) => answer,
        Err(error) => {
            conclude(&mut exchange, &error);
            return Err(error);
        }
    };
    let waited = asked.elapsed();
    let switched = response.status() == StatusCode::SWITCHING_PROTOCOLS;
    let protocol = response.headers().get(header::UPGRADE).cloned();
    headers::strip_hop_by_hop(response.headers_mut());
    let own = exchange.elapsed_ns() as f64 / 1e6 - waited.as_secs_f64() * 1e3;
    let timing = format!(
        "gateway;dur={:.3}, agent;dur={:.3}",
        own.max(0.0),
        waited.as_secs_f64() * 1e3
    );
    if let Ok(timing) = HeaderValue::try_from(timing) {
        response.headers_mut().append(SERVER_TIMING, timing);
    }
    if let (true, Some((wanted, caller))) = (switched, change) {
        exchange.answered(StatusCode::SWITCHING_PROTOCOLS, true);
        let upstream = hyper::upgrade::on(&mut response);
        let (mut head, _) = response.into_parts();
        head.headers
            .insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
        head.headers
            .insert(header::UPGRADE, protocol.unwrap_or(wanted));
        let idle = shared.config.upgrade_idle_timeout;
        let stop = listening.cancel.clone();
        listening.tasks.spawn(upgrade::tunnel(
            caller, upstream, connection, exchange, idle, stop,
        ));
        return Ok(Response::from_parts(head, GatewayBody::empty()));
    }
    let streamed = response.body().size_hint().exact().is_none();
    exchange.answered(response.status(), streamed);
    Ok(response.map(|incoming| GatewayBody::stream(incoming, connection, exchange)))
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
                    let lease = shared
                        .routes
                        .lease(&backend.agent)
                        .map_err(|refusal| refusal.error)?;
                    exchange.leased(lease);
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

/// Writes a failure into the record.
fn conclude(exchange: &mut Exchange, error: &GatewayError) {
    exchange.answered(error.status(), false);
    exchange.failed(error.failure());
}

/// Hands a telemetry export of a container to the intake.
async fn export(
    shared: &Shared,
    caller: &Caller,
    path: &str,
    request: Request<Incoming>,
) -> Result<Response<GatewayBody>, GatewayError> {
    let (Some(sink), Caller::Agent(agent)) = (shared.otlp.get(), caller) else {
        return Err(GatewayError::NotFound { path: path.into() });
    };
    if request.method() != Method::POST {
        return Err(GatewayError::Unfit {
            reason: "telemetry is sent with POST",
        });
    }
    let (head, body) = request.into_parts();
    let text = |name| {
        head.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
            .to_owned()
    };
    let limit = shared.config.max_otlp_bytes;
    let collecting = Limited::new(body, limit).collect();
    let body = tokio::time::timeout(shared.config.header_read_timeout, collecting)
        .await
        .map_err(|_| GatewayError::UploadBroken)?
        .map_err(
            |error| match error.downcast_ref::<http_body_util::LengthLimitError>() {
                Some(_) => GatewayError::BodyTooLarge {
                    limit: limit as u64,
                },
                None => GatewayError::UploadBroken,
            },
        )?
        .to_bytes();
    let reply = sink
        .export(OtlpRequest {
            agent: agent.to_string(),
            path: path.to_owned(),
            content_type: text(header::CONTENT_TYPE),
            content_encoding: text(header::CONTENT_ENCODING),
            body,
        })
        .await;
    let mut response = Response::new(GatewayBody::full(reply.body));
    *response.status_mut() =
        StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static(reply.content_type),
    );
    Ok(response)
}
