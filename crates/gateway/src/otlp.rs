//! The hook through which agents in containers export telemetry: the gateway is the only thing they can reach.

use bytes::Bytes;
use futures::future::BoxFuture;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Incoming;

use crate::{body::GatewayBody, error::GatewayError, record::Caller, server::Shared};

/// Takes telemetry exports that came through the network exposure. The gateway passes bytes on and knows no encoding.
pub trait OtlpSink: Send + Sync {
    /// Takes one export. Dropping the future abandons it.
    fn export(&self, request: OtlpRequest) -> BoxFuture<'static, OtlpReply>;
}

/// An export as it arrived.
#[derive(Debug, Clone)]
pub struct OtlpRequest {
    /// The agent whose credential was presented.
    pub agent: String,
    /// `/v1/traces`, `/v1/logs` or `/v1/metrics`.
    pub path: String,
    /// The `Content-Type`, empty when absent.
    pub content_type: String,
    /// The `Content-Encoding`, empty when absent.
    pub content_encoding: String,
    /// The body as sent, still compressed.
    pub body: Bytes,
}

/// What to answer.
#[derive(Debug, Clone)]
pub struct OtlpReply {
    /// The HTTP status.
    pub status: u16,
    /// The `Content-Type` of the body.
    pub content_type: &'static str,
    /// The body.
    pub body: Bytes,
}

/// Hands a telemetry export of a container to the intake.
pub(crate) async fn export(
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
        .map_err(|error| match error.downcast_ref::<LengthLimitError>() {
            Some(_) => GatewayError::BodyTooLarge {
                limit: limit as u64,
            },
            None => GatewayError::UploadBroken,
        })?
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
