//! OTLP over HTTP: protobuf or JSON, plain or gzip.

mod encoding;

use std::time::Duration;

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header, uri::Authority},
    middleware::{self, Next},
    response::Response,
    routing::post,
};
use bytes::Bytes;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceResponse;
use prost::Message;
use serde::de::DeserializeOwned;
use tokio::{net::TcpListener, sync::SemaphorePermit};
use tokio_util::sync::CancellationToken;

pub(crate) use self::encoding::RpcStatus;
use self::encoding::{Encoding, inflate};
use super::{FORWARDED, OtlpIntake, Sender};
use crate::TelemetryError;

/// How long open exports may go on after a stop.
pub(crate) const SHUTDOWN_GRACE: Duration = Duration::from_secs(3);
/// Bodies beyond this are decoded on a thread where computing is allowed.
const DECODE_INLINE: usize = 32 * 1024;

/// What to answer to an export.
#[derive(Debug, Clone)]
pub struct HttpReply {
    /// The HTTP status.
    pub status: u16,
    /// The `Content-Type` of the body.
    pub content_type: &'static str,
    /// The body, in the encoding of the request.
    pub body: Bytes,
    /// Seconds after which the sender should try again, if it should.
    pub retry_after: Option<u64>,
}

impl OtlpIntake {
    /// `/v1/traces`, `/v1/logs` and `/v1/metrics`, for a loopback listener: a foreign `Host` or `Origin` is refused.
    pub fn http_router(&self) -> Router {
        Router::new()
            .route("/v1/{signal}", post(receive))
            .layer(middleware::from_fn(only_this_machine))
            .with_state(self.clone())
    }

    /// Serves HTTP on `listener` until `cancel`, then lets open exports finish for a moment.
    pub async fn serve_http(
        &self,
        listener: TcpListener,
        cancel: CancellationToken,
    ) -> std::io::Result<()> {
        let stop = cancel.clone();
        let serving = axum::serve(listener, self.http_router())
            .with_graceful_shutdown(async move { stop.cancelled().await });
        tokio::select! {
            ended = async { serving.await } => ended,
            () = async { cancel.cancelled().await; tokio::time::sleep(SHUTDOWN_GRACE).await } => Ok(()),
        }
    }

    /// Takes one export as it came over HTTP. `agent` is who sent it, where that is known for certain; then what the
    /// document claims about it does not count. Returns once the export is durable.
    pub async fn handle_http(
        &self,
        path: &str,
        content_type: &str,
        content_encoding: &str,
        body: Bytes,
        agent: Option<&str>,
    ) -> HttpReply {
        let encoding = Encoding::of(content_type);
        let taken = match &encoding {
            Ok(encoding) => match self.place().await {
                Ok(_place) => {
                    let sender = Sender {
                        agent,
                        forwarded: false,
                    };
                    self.take(*encoding, path, content_encoding, body, sender)
                        .await
                }
                Err(error) => Err(error),
            },
            Err(error) => Err(error.clone()),
        };
        taken.unwrap_or_else(|error| encoding.unwrap_or(Encoding::Json).failure(&error))
    }

    async fn take(
        &self,
        encoding: Encoding,
        path: &str,
        content_encoding: &str,
        body: Bytes,
        sender: Sender<'_>,
    ) -> Result<HttpReply, TelemetryError> {
        match path {
            "/v1/traces" => {
                let request = self.decode(encoding, content_encoding, body).await?;
                Ok(encoding.success(&self.traces(request, sender).await?.traces_response()))
            }
            "/v1/logs" => {
                let request = self.decode(encoding, content_encoding, body).await?;
                Ok(encoding.success(&self.logs(request, sender).await?.logs_response()))
            }
            "/v1/metrics" => {
                self.metrics(&self.decode(encoding, content_encoding, body).await?);
                Ok(encoding.success(&ExportMetricsServiceResponse::default()))
            }
            _ => Err(TelemetryError::NoSignal {
                path: path.to_owned(),
            }),
        }
    }

    /// Waits until another export may be in memory.
    async fn place(&self) -> Result<SemaphorePermit<'_>, TelemetryError> {
        let place =
            tokio::time::timeout(self.store.limits().ingest_timeout, self.places.acquire()).await;
        place
            .map_err(|_| TelemetryError::Busy)?
            .map_err(|_| TelemetryError::Closed)
    }

    async fn decode<Request: Message + Default + DeserializeOwned + 'static>(
        &self,
        encoding: Encoding,
        content_encoding: &str,
        body: Bytes,
    ) -> Result<Request, TelemetryError> {
        let limits = self.store.limits();
        let limit = limits.max_inflated_bytes;
        let gzip = match content_encoding.trim() {
            "" | "identity" => false,
            given if given.eq_ignore_ascii_case("gzip") => true,
            given => {
                return Err(TelemetryError::Unsupported {
                    given: given.to_owned(),
                });
            }
        };
        if body.len() > limits.max_request_bytes {
            return Err(TelemetryError::TooLarge {
                limit: limits.max_request_bytes,
            });
        }
        let large = gzip || body.len() > DECODE_INLINE;
        let decode = move || {
            let body = if gzip { inflate(&body, limit)? } else { body };
            encoding.parse(&body)
        };
        if large {
            tokio::task::spawn_blocking(decode)
                .await
                .map_err(|_| TelemetryError::Closed)?
        } else {
            decode()
        }
    }

    /// Reads an export's body while holding a place for it, and takes it.
    async fn read_and_take(&self, request: Request) -> Result<HttpReply, TelemetryError> {
        let (head, body) = request.into_parts();
        let encoding = Encoding::of(text(&head.headers, header::CONTENT_TYPE))?;
        let sender = Sender {
            agent: None,
            forwarded: head.headers.contains_key(FORWARDED),
        };
        let limit = self.store.limits().max_request_bytes;
        let _place = self.place().await?;
        let body = tokio::time::timeout(
            self.store.limits().receive_timeout,
            axum::body::to_bytes(body, limit),
        )
        .await
        .map_err(|_| TelemetryError::Busy)?
        .map_err(|_| TelemetryError::TooLarge { limit })?;
        self.take(
            encoding,
            head.uri.path(),
            text(&head.headers, header::CONTENT_ENCODING),
            body,
            sender,
        )
        .await
    }
}

async fn receive(State(intake): State<OtlpIntake>, request: Request) -> Response {
    let encoding =
        Encoding::of(text(request.headers(), header::CONTENT_TYPE)).unwrap_or(Encoding::Json);
    let reply = intake
        .read_and_take(request)
        .await
        .unwrap_or_else(|error| encoding.failure(&error));
    let mut response = Response::new(Body::from(reply.body));
    *response.status_mut() =
        StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static(reply.content_type),
    );
    if let Some(seconds) = reply.retry_after {
        response
            .headers_mut()
            .insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

fn text(headers: &HeaderMap, name: HeaderName) -> &str {
    headers
        .get(name)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
}

/// A page of another site may not write telemetry: neither under its own name nor under one rebound to this machine.
async fn only_this_machine(request: Request, next: Next) -> Response {
    if comes_from_this_machine(request.headers(), request.uri()) {
        return next.run(request).await;
    }
    let body = serde_json::json!({
        "code": tonic::Code::PermissionDenied as i32,
        "message": "Telemetry is taken from programs on this machine only",
    });
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = StatusCode::FORBIDDEN;
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    response
}

fn comes_from_this_machine(headers: &HeaderMap, uri: &Uri) -> bool {
    let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    let host = uri
        .authority()
        .map(Authority::as_str)
        .or_else(|| text(header::HOST));
    let origin =
        text(header::ORIGIN).map(|origin| origin.split_once("://").map_or("?", |(_, host)| host));
    host.is_some_and(is_loopback) && origin.is_none_or(is_loopback)
}

fn is_loopback(authority: &str) -> bool {
    let host = match authority.strip_prefix('[').map(|rest| rest.split_once(']')) {
        Some(Some((host, _))) => host,
        Some(None) => return false,
        None => authority
            .rsplit_once(':')
            .map_or(authority, |(host, _)| host),
    };
    host.eq_ignore_ascii_case("localhost")
        || host
            .parse()
            .is_ok_and(|ip: std::net::IpAddr| ip.is_loopback())
}
