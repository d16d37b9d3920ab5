//! OTLP over HTTP: protobuf or JSON, plain or gzip.

use std::{io::Read, time::Duration};

use axum::{
    Router,
    body::Body,
    extract::{DefaultBodyLimit, Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, Uri, header, uri::Authority},
    middleware::{self, Next},
    response::Response,
    routing::post,
};
use bytes::Bytes;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceResponse;
use prost::Message;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::{OtlpIntake, is_retryable};
use crate::TelemetryError;

/// How long open exports may go on after a stop.
pub(crate) const SHUTDOWN_GRACE: Duration = Duration::from_secs(3);
/// Bodies beyond this are decoded on a thread where computing is allowed.
const DECODE_INLINE: usize = 32 * 1024;

const PROTOBUF: &str = "application/x-protobuf";
const JSON: &str = "application/json";

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

#[derive(Clone, Copy)]
enum Encoding {
    Protobuf,
    Json,
}

/// `google.rpc.Status`, which OTLP answers failures with.
#[derive(Clone, PartialEq, Message)]
struct RpcStatus {
    #[prost(int32, tag = "1")]
    code: i32,
    #[prost(string, tag = "2")]
    message: String,
}

impl OtlpIntake {
    /// `/v1/traces`, `/v1/logs` and `/v1/metrics`, for a loopback listener: a foreign `Host` or `Origin` is refused.
    pub fn http_router(&self) -> Router {
        let limit = self.store.limits().max_request_bytes;
        Router::new()
            .route("/v1/{signal}", post(receive))
            .layer(DefaultBodyLimit::max(limit))
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
        let media = content_type.split(';').next().unwrap_or_default().trim();
        let encoding = match media.to_ascii_lowercase().as_str() {
            PROTOBUF | "application/protobuf" => Encoding::Protobuf,
            JSON => Encoding::Json,
            _ => {
                let error = TelemetryError::Unsupported {
                    given: media.to_owned(),
                };
                return Encoding::Json.failure(StatusCode::UNSUPPORTED_MEDIA_TYPE, &error);
            }
        };
        let taken = match path {
            "/v1/traces" => match self.decode(encoding, content_encoding, body).await {
                Ok(request) => self
                    .traces(request, agent)
                    .await
                    .map(|taken| encoding.bytes(&taken.traces_response())),
                Err(error) => Err(error),
            },
            "/v1/logs" => match self.decode(encoding, content_encoding, body).await {
                Ok(request) => self
                    .logs(request, agent)
                    .await
                    .map(|taken| encoding.bytes(&taken.logs_response())),
                Err(error) => Err(error),
            },
            "/v1/metrics" => self
                .decode(encoding, content_encoding, body)
                .await
                .map(|request| {
                    self.metrics(&request);
                    encoding.bytes(&ExportMetricsServiceResponse::default())
                }),
            other => {
                let error = TelemetryError::Malformed {
                    reason: format!("there is no signal at {other}"),
                };
                return encoding.failure(StatusCode::NOT_FOUND, &error);
            }
        };
        match taken {
            Ok(body) => HttpReply {
                status: 200,
                content_type: encoding.content_type(),
                body,
                retry_after: None,
            },
            Err(error) => {
                let status = match &error {
                    TelemetryError::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
                    TelemetryError::Unsupported { .. } => StatusCode::UNSUPPORTED_MEDIA_TYPE,
                    TelemetryError::Full { .. } => StatusCode::TOO_MANY_REQUESTS,
                    error if is_retryable(error) => StatusCode::SERVICE_UNAVAILABLE,
                    _ => StatusCode::BAD_REQUEST,
                };
                encoding.failure(status, &error)
            }
        }
    }

    async fn decode<Request>(
        &self,
        encoding: Encoding,
        content_encoding: &str,
        body: Bytes,
    ) -> Result<Request, TelemetryError>
    where
        Request: Message + Default + serde::de::DeserializeOwned + Send + 'static,
    {
        let limit = self.store.limits().max_inflated_bytes;
        let gzip = match content_encoding.trim() {
            "" | "identity" => false,
            given if given.eq_ignore_ascii_case("gzip") => true,
            given => {
                return Err(TelemetryError::Unsupported {
                    given: given.to_owned(),
                });
            }
        };
        if body.len() > self.store.limits().max_request_bytes {
            return Err(TelemetryError::TooLarge {
                limit: self.store.limits().max_request_bytes,
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
}

impl Encoding {
    fn content_type(self) -> &'static str {
        match self {
            Self::Protobuf => PROTOBUF,
            Self::Json => JSON,
        }
    }

    fn parse<Request>(self, body: &[u8]) -> Result<Request, TelemetryError>
    where
        Request: Message + Default + serde::de::DeserializeOwned,
    {
        let malformed = |reason: String| TelemetryError::Malformed { reason };
        match self {
            Self::Protobuf => Request::decode(body).map_err(|error| malformed(error.to_string())),
            Self::Json => {
                serde_json::from_slice(body).map_err(|error| malformed(error.to_string()))
            }
        }
    }

    fn bytes<Reply: Message + serde::Serialize>(self, reply: &Reply) -> Bytes {
        match self {
            Self::Protobuf => reply.encode_to_vec().into(),
            Self::Json => serde_json::to_vec(reply)
                .unwrap_or_else(|_| b"{}".to_vec())
                .into(),
        }
    }

    fn failure(self, status: StatusCode, error: &TelemetryError) -> HttpReply {
        let reply = RpcStatus {
            code: if is_retryable(error) {
                tonic::Code::Unavailable
            } else {
                tonic::Code::InvalidArgument
            } as i32,
            message: error.to_string(),
        };
        let body = match self {
            Self::Protobuf => reply.encode_to_vec().into(),
            Self::Json => serde_json::json!({ "code": reply.code, "message": reply.message })
                .to_string()
                .into(),
        };
        let retry_after = is_retryable(error).then_some(1);
        HttpReply {
            status: status.as_u16(),
            content_type: self.content_type(),
            body,
            retry_after,
        }
    }
}

/// Inflates up to the limit and refuses what is larger, without ever holding more than the limit.
fn inflate(body: &[u8], limit: usize) -> Result<Bytes, TelemetryError> {
    let mut inflated = Vec::new();
    let most = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    flate2::read::MultiGzDecoder::new(body)
        .take(most)
        .read_to_end(&mut inflated)
        .map_err(|error| TelemetryError::Malformed {
            reason: error.to_string(),
        })?;
    if inflated.len() > limit {
        Err(TelemetryError::TooLarge { limit })
    } else {
        Ok(inflated.into())
    }
}

async fn receive(
    State(intake): State<OtlpIntake>,
    headers: HeaderMap,
    request: Request,
) -> Response {
    let path = request.uri().path().to_owned();
    let text = |name| {
        headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    };
    let content_type = text(header::CONTENT_TYPE);
    let limit = intake.store.limits().max_request_bytes;
    let reply = match axum::body::to_bytes(request.into_body(), limit).await {
        Ok(body) => {
            intake
                .handle_http(
                    &path,
                    content_type,
                    text(header::CONTENT_ENCODING),
                    body,
                    None,
                )
                .await
        }
        Err(_) => {
            let encoding = if content_type.starts_with(JSON) {
                Encoding::Json
            } else {
                Encoding::Protobuf
            };
            encoding.failure(
                StatusCode::PAYLOAD_TOO_LARGE,
                &TelemetryError::TooLarge { limit },
            )
        }
    };
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
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static(JSON));
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
