//! One request to an agent and its answer back.

mod send;

use std::{
    net::{IpAddr, SocketAddr},
    sync::{Arc, atomic::Ordering::Relaxed},
    time::Instant,
};

use http::{HeaderName, HeaderValue, Request, Response, StatusCode, Uri, header, request::Parts};
use hyper::{
    body::{Body, Incoming},
    upgrade::OnUpgrade,
};
use secrecy::ExposeSecret;

use crate::{
    body::{CallerBody, GatewayBody, UploadBody},
    card,
    door::{Admission, Place},
    error::GatewayError,
    exchange::Exchange,
    headers, otlp,
    route::Unleased,
    server::{Listening, Shared},
    trace_context::{TRACEPARENT, TraceContext},
    upgrade,
};

pub(crate) use send::{Outgoing, send};

const TRACE_ID: HeaderName = HeaderName::from_static("x-trace-id");
const SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");

/// A request that may come in, and what its answering needs.
struct Call<'request> {
    shared: &'request Arc<Shared>,
    listening: &'request Listening,
    admission: &'request Admission<'request>,
    context: &'request TraceContext,
    uri: &'request Uri,
    /// The agent it names.
    name: &'request str,
    /// The path below the agent, empty or beginning with a slash.
    rest: &'request str,
}

/// What a caller wants its connection to become, and its side of that connection.
type Change = (HeaderValue, OnUpgrade);

/// Answers one request, whatever comes.
pub(crate) async fn handle(
    shared: Arc<Shared>,
    listening: Arc<Listening>,
    peer: SocketAddr,
    request: Request<Incoming>,
) -> Response<GatewayBody> {
    let context = TraceContext::of(request.headers());
    let uri = request.uri().clone();
    let answered = match listening.exposure.admit(request.headers(), &uri) {
        Ok(admission) => match admission.place {
            Place::Agent { name, rest } => {
                let (shared, listening, admission) = (&shared, &*listening, &admission);
                let call = Call {
                    shared,
                    listening,
                    admission,
                    context: &context,
                    uri: &uri,
                    name,
                    rest,
                };
                Box::pin(call.answer(peer.ip(), request)).await
            }
            Place::Otlp { path } => otlp::export(&shared, &admission.caller, path, request).await,
        },
        Err(error) => Err(error),
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

impl Call<'_> {
    async fn answer(
        &self,
        peer: IpAddr,
        request: Request<Incoming>,
    ) -> Result<Response<GatewayBody>, GatewayError> {
        let (head, body) = request.into_parts();
        let mut body = CallerBody::new(body);
        let mut exchange = match self.shared.routes.lease(self.name) {
            Ok(lease) => {
                let mut exchange = self.begin(Arc::clone(&lease.backend.agent), &head);
                exchange.leased(lease);
                exchange
            }
            Err(Unleased::Held(held)) => {
                let mut exchange = self.begin(held.agent(), &head);
                // Boxed, so that requests that need not wait do not carry what waiting takes.
                let waited = Box::pin(async {
                    tokio::select! {
                        leased = exchange.wait(&self.shared.routes, held) => leased,
                        _broken = body.read_ahead() => Err(GatewayError::UploadBroken),
                    }
                });
                if let Err(error) = waited.await {
                    conclude(&mut exchange, &error);
                    return Err(error);
                }
                exchange
            }
            Err(Unleased::Refused { agent, error }) => {
                if let Some(agent) = agent {
                    conclude(&mut self.begin(agent, &head), &error);
                }
                return Err(error);
            }
        };
        let limit = self.shared.config.max_body_bytes;
        if limit > 0 && body.size_hint().lower() > limit {
            let error = GatewayError::BodyTooLarge { limit };
            conclude(&mut exchange, &error);
            return Err(error);
        }
        let host = head.headers.get(header::HOST).cloned();
        let (head, change) = self.prepare(head, peer, host.as_ref());
        let outgoing = Outgoing {
            head,
            rest: self.rest,
            query: self.uri.query(),
            below_base: true,
        };
        if card::is_card(&outgoing.head.method, self.rest) {
            let host = host
                .as_ref()
                .and_then(|host| host.to_str().ok())
                .unwrap_or("localhost");
            let public = format!("http://{host}{}", self.public_path());
            let served = card::serve(self.shared, &mut exchange, outgoing, &public).await;
            if let Err(error) = &served {
                conclude(&mut exchange, error);
            }
            return served;
        }
        let upload = UploadBody::new(body, &exchange.meter, limit);
        self.forward(exchange, outgoing, upload, change).await
    }

    fn begin(&self, agent: Arc<str>, head: &Parts) -> Exchange {
        self.shared.requests.fetch_add(1, Relaxed);
        let path = if self.rest.is_empty() { "/" } else { self.rest };
        let (sink, caller) = (Arc::clone(&self.shared.sink), self.admission.caller.clone());
        Exchange::begin(sink, self.context, agent, head.method.clone(), path, caller)
    }

    /// The agent's path at the gateway, as this caller has to write it.
    fn public_path(&self) -> String {
        format!("{}/{}", self.admission.prefix.expose_secret(), self.name)
    }

    /// Makes the caller's head one for the upstream.
    fn prepare(
        &self,
        mut head: Parts,
        peer: IpAddr,
        host: Option<&HeaderValue>,
    ) -> (Parts, Option<Change>) {
        let wanted = headers::wanted_upgrade(&head.headers);
        let change =
            wanted.and_then(|protocol| Some((protocol, head.extensions.remove::<OnUpgrade>()?)));
        headers::strip_hop_by_hop(&mut head.headers);
        headers::strip_session(&mut head.headers);
        // Our own server has already told the caller to go on.
        head.headers.remove(header::EXPECT);
        if self.admission.spent_authorization {
            head.headers.remove(header::AUTHORIZATION);
        }
        headers::add_forwarded(&mut head.headers, peer, host, &format!("/{}", self.name));
        head.headers.insert(TRACEPARENT, self.context.header());
        if let Some((protocol, _)) = &change {
            head.headers
                .insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
            head.headers.insert(header::UPGRADE, protocol.clone());
        }
        (head, change)
    }

    /// Sends the request on and gives the answer back as it comes.
    async fn forward(
        &self,
        mut exchange: Exchange,
        outgoing: Outgoing<'_>,
        upload: UploadBody,
        change: Option<Change>,
    ) -> Result<Response<GatewayBody>, GatewayError> {
        let asked = Instant::now();
        let (mut response, connection) =
            match send(self.shared, &mut exchange, outgoing, upload).await {
                Ok(answer) => answer,
                Err(error) => {
                    conclude(&mut exchange, &error);
                    return Err(error);
                }
            };
        let waited = asked.elapsed().as_secs_f64() * 1e3;
        let held = exchange.held_ns().map(|held| held as f64 / 1e6);
        let own = exchange.elapsed_ns() as f64 / 1e6 - waited - held.unwrap_or(0.0);
        let held = held.map_or_else(String::new, |held| format!(", held;dur={held:.3}"));
        let protocol = response.headers().get(header::UPGRADE).cloned();
        let headers = response.headers_mut();
        headers::strip_hop_by_hop(headers);
        if let Ok(timing) = HeaderValue::try_from(format!(
            "gateway;dur={:.3}, agent;dur={waited:.3}{held}",
            own.max(0.0)
        )) {
            headers.append(SERVER_TIMING, timing);
        }
        if let (true, Some(lease)) = (headers.contains_key(header::LOCATION), &exchange.lease) {
            let (host, base_path) = (&lease.backend.host, &lease.backend.upstream.base_path);
            headers::turn_location(headers, host, base_path, &self.public_path());
        }
        if response.status() == StatusCode::SWITCHING_PROTOCOLS {
            let Some((wanted, caller)) = change else {
                let error = GatewayError::UnaskedChange {
                    agent: self.name.into(),
                };
                conclude(&mut exchange, &error);
                return Err(error);
            };
            exchange.answered(StatusCode::SWITCHING_PROTOCOLS, true);
            let upstream = hyper::upgrade::on(&mut response);
            let (mut head, _) = response.into_parts();
            head.headers
                .insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
            head.headers
                .insert(header::UPGRADE, protocol.unwrap_or(wanted));
            let (idle, stop) = (
                self.shared.config.upgrade_idle_timeout,
                self.listening.cancel.clone(),
            );
            self.listening.tasks.spawn(upgrade::tunnel(
                caller, upstream, connection, exchange, idle, stop,
            ));
            return Ok(Response::from_parts(head, GatewayBody::empty()));
        }
        let streamed = response.body().size_hint().exact().is_none();
        exchange.answered(response.status(), streamed);
        Ok(response.map(|incoming| GatewayBody::stream(incoming, connection, exchange)))
    }
}

/// Writes a failure into the record.
fn conclude(exchange: &mut Exchange, error: &GatewayError) {
    exchange.answered(error.status(), false);
    exchange.failed(error.failure());
}
